//! The partition tree: finds every activation region and proves each decision.

mod cell;
mod crossing;
pub mod engine;
mod exactly;
mod keys;
mod level;
mod log;
mod monitor;
mod point;
mod rows;
mod settled;
mod share;
mod sides;
mod simple;
mod tally;
mod threads;
mod tree;
mod worker;

pub use monitor::{Monitor, Snapshot};

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use crate::Result;
use crate::arrangement::chart::charts;
use crate::arrangement::stage::stages;
use crate::arrangement::{Chart, Domain};
use crate::network::Network;
use crate::proof::format::domain_to_text;
use crate::proof::{Footer, Header, Sink};
use crate::regions::digest::PatternHash;
use crate::regions::{Digest, Region, Sign};
use keys::Keys;
use tally::Tallies;
use threads::Threads;
use tree::Tree;

/// What to count and with how many threads.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Threads; `None` takes one for each core.
    pub threads: Option<usize>,
    /// Leave out cells on which a unit is identically zero, as Definition 1 of
    /// Xiong et al. 2020 literally does.
    pub strict: bool,
}

/// What a search found. `complete` tells a count from a lower bound.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Activation regions found; all of them when `complete`.
    pub regions: u64,
    /// Whether the search ended by itself. If not, `regions` is a lower bound.
    pub complete: bool,
    /// Order-independent digest of the patterns found.
    pub digest: Digest,
    /// One entry a ReLU layer.
    pub layers: Vec<LayerAnswer>,
    /// The dimension of the space in which the search worked.
    pub dimension: usize,
    /// Units that were identically zero on some cell.
    pub degenerate_units: u64,
    /// Regions whose pattern has a `0`.
    pub degenerate_regions: u64,
    /// How decisions were proved.
    pub decisions: Decisions,
    /// Wall-clock time of the search.
    pub elapsed: Duration,
}

impl Answer {
    /// The footer of the proof that [`prove`] wrote, of so many chunks.
    pub fn footer(&self, chunks: u64) -> Footer {
        Footer {
            regions: self.regions.to_string(),
            digest: self.digest.to_string(),
            complete: self.complete,
            chunks,
        }
    }
}

/// One ReLU layer's share of an [`Answer`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LayerAnswer {
    /// Units of the layer.
    pub units: usize,
    /// Cells after the layer: non-empty cells of the units up to and including it.
    pub cells: u64,
}

/// How decisions were proved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Decisions {
    /// By floats with a rigorous error bound.
    pub float: u64,
    /// By exact arithmetic.
    pub exact: u64,
    /// What exact arithmetic took, also where it left the decision to others: the time of all
    /// threads together.
    pub exact_time: Duration,
}

impl Decisions {
    fn count(&mut self, by_float: bool) {
        self.float += u64::from(by_float);
        self.exact += u64::from(!by_float);
    }

    /// Does some exact arithmetic, and adds what it takes.
    fn exactly<R>(&mut self, work: impl FnOnce() -> R) -> R {
        let start = Instant::now();
        let result = work();
        self.exact_time += start.elapsed();
        result
    }

    fn add(&mut self, other: Decisions) {
        self.float += other.float;
        self.exact += other.exact;
        self.exact_time += other.exact_time;
    }
}

/// Counts the activation regions of `network` in the interior of `domain`.
///
/// # Errors
/// When the operating system does not start the threads.
///
/// # Panics
/// When the domain has another number of inputs than the network.
pub fn count(
    network: &Network,
    domain: &Domain,
    options: &Options,
    monitor: &Monitor,
) -> Result<Answer> {
    let threads = &Threads::new(options.threads);
    search(network, domain, options, monitor, None, None, threads)
}

/// Like [`count`], and tells `sink` why the count is right; `model` says, to people,
/// where the network came from. The proof's footer is [`Answer::footer`].
///
/// # Errors
/// When the operating system does not start the threads.
///
/// # Panics
/// When the domain has another number of inputs than the network.
pub fn prove(
    network: &Network,
    domain: &Domain,
    options: &Options,
    monitor: &Monitor,
    model: serde_json::Value,
    sink: &dyn Sink,
) -> Result<Answer> {
    let proof = Some(Proof { model, sink });
    let threads = &Threads::new(options.threads);
    search(network, domain, options, monitor, None, proof, threads)
}

/// Like [`count`], and hands every region to `visit`, from any thread, in no
/// particular order; the search stops early when `visit` breaks.
///
/// # Errors
/// When the operating system does not start the threads.
///
/// # Panics
/// When the domain has another number of inputs than the network.
pub fn enumerate(
    network: &Network,
    domain: &Domain,
    options: &Options,
    monitor: &Monitor,
    visit: &(dyn Fn(&Region) -> ControlFlow<()> + Sync),
) -> Result<Answer> {
    let threads = &Threads::new(options.threads);
    search(
        network,
        domain,
        options,
        monitor,
        Some(visit),
        None,
        threads,
    )
}

type Visit<'a> = &'a (dyn Fn(&Region) -> ControlFlow<()> + Sync);

/// Where a proof goes.
struct Proof<'a> {
    model: serde_json::Value,
    sink: &'a dyn Sink,
}

fn search(
    network: &Network,
    domain: &Domain,
    options: &Options,
    monitor: &Monitor,
    visit: Option<Visit>,
    proof: Option<Proof>,
    threads: &Threads,
) -> Result<Answer> {
    assert_eq!(
        domain.intervals().len(),
        network.input().len(),
        "the domain has one interval for each input"
    );
    let start = Instant::now();
    let stages = stages(network);
    let mut charts = charts(&stages, domain);
    // A single layer without biases has for each region the opposite one, where -x is in place of
    // x and all signs are turned. Who wants to see regions sees them where they are found.
    let opposite = match (&stages[..], &charts[..]) {
        ([_], [one, _]) if visit.is_none() => Some(opposite(one)),
        _ => None,
    };
    if opposite.is_some() {
        charts.truncate(1);
    }
    let sink = proof.as_ref().map(|proof| proof.sink);
    if let Some(Proof { model, sink }) = proof {
        sink.header(&Header {
            chambers: env!("CARGO_PKG_VERSION").to_string(),
            model,
            network: network.digest(),
            domain: domain_to_text(domain),
            strict: options.strict,
            lead: charts.first().and_then(|chart| chart.lead),
            charts: charts.iter().map(Chart::stated).collect(),
        });
    }
    let units = stages
        .last()
        .map_or(0, |stage| stage.first_unit + stage.units);
    let tallies = Tallies::new(stages.len(), units, opposite);
    for (number, chart) in charts.iter().enumerate() {
        threads.search(&Tree {
            stages: &stages,
            domain,
            chart,
            number,
            charts: charts.len(),
            options,
            monitor,
            tallies: &tallies,
            visit,
            sink,
            crew: None,
            keys: &Keys::new(&stages, chart),
        })?;
    }
    let (total, degenerate_units) = tallies.total();
    Ok(Answer {
        regions: total.regions,
        complete: total.abandoned == 0,
        digest: total.digest,
        layers: stages
            .iter()
            .zip(total.cells)
            .map(|(stage, cells)| LayerAnswer {
                units: stage.units,
                cells,
            })
            .collect(),
        dimension: charts.first().map_or(0, |chart| chart.dimension),
        degenerate_units,
        degenerate_regions: total.degenerate_regions,
        decisions: total.decisions,
        elapsed: start.elapsed(),
    })
}

/// In what the hashes of a pattern of the chart's units and of the one of all opposite signs differ.
fn opposite(chart: &Chart) -> PatternHash {
    let has_sign = |unit: &usize| chart.units.row(*unit).iter().any(|entry| !entry.is_zero());
    let units = (0..chart.units.len()).filter(has_sign);
    units
        .map(PatternHash::of_turning)
        .fold(PatternHash::default(), PatternHash::and)
}

fn sign_of(sign: i32) -> Sign {
    if sign > 0 {
        Sign::Positive
    } else {
        Sign::Negative
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arithmetic::Number;
    use crate::network::{Affine, Layer, Shape};

    #[test]
    fn a_search_runs_inside_any_thread_pool() {
        let mut network = Network::new(Shape::new([1]));
        let identity = Affine::dense(1, 1, vec![Number::ONE], vec![Number::ONE]).unwrap();
        network.push(Layer::Affine(identity)).unwrap();
        network.push(Layer::Relu).unwrap();
        let options = Options {
            threads: Some(1),
            ..Options::default()
        };
        let outer = rayon::ThreadPoolBuilder::new()
            .num_threads(3)
            .build()
            .unwrap();
        let counts = outer.broadcast(|_| {
            let domain = Domain::everything(1);
            count(&network, &domain, &options, &Monitor::new())
                .unwrap()
                .regions
        });
        assert_eq!(counts, [2, 2, 2]);
    }
}
