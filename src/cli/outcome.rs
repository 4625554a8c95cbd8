//! Runs an engine: what either finds, in one form.

use std::ops::ControlFlow;
use std::panic;
use std::sync::Arc;
use std::time::Duration;

use chambers::Result;
use chambers::network::Network;
use chambers::proof::Sink;
use chambers::regions::{Region, Sign};
use chambers::search::engine::reference;
use chambers::search::{self, Answer, Decisions, LayerAnswer, Monitor};

use super::model::{Model, Scope};
use super::progress::Progress;

/// What an engine found.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// How it was proved, if it was.
    pub proof: Proof,
    /// Regions found.
    pub regions: u64,
    /// Whether the search ended by itself.
    pub complete: bool,
    /// Digest of the patterns.
    pub digest: String,
    /// One entry a ReLU layer.
    pub layers: Vec<LayerAnswer>,
    /// The dimension of the space in which the engine worked.
    pub dimension: usize,
    /// Units that were identically zero on some cell.
    pub degenerate_units: u64,
    /// Regions whose pattern has a `0`.
    pub degenerate_regions: u64,
    /// Wall-clock time of the search.
    pub elapsed: Duration,
}

/// What stands behind an outcome.
#[derive(Clone, Copy, Debug)]
pub enum Proof {
    /// Every decision is proved.
    Exact(Decisions),
    /// Linear programs with a tolerance.
    Tolerance {
        /// LPs solved.
        problems: u64,
        /// LPs on which the solver failed.
        undecided: u64,
    },
}

/// Called for every region, from any thread.
pub type Visit<'a> = &'a (dyn Fn(&Region) -> ControlFlow<()> + Sync);

/// Runs the exact search.
pub fn exact(
    network: &Network,
    scope: &Scope,
    monitor: &Arc<Monitor>,
    visit: Option<Visit>,
) -> Result<Outcome> {
    let _progress = Progress::show(monitor);
    let (domain, options) = (&scope.domain, &scope.options);
    let answer = match visit {
        Some(visit) => search::enumerate(network, domain, options, monitor, visit)?,
        None => search::count(network, domain, options, monitor)?,
    };
    Ok(certain(answer))
}

/// Runs the exact search, which tells `sink` its proof.
pub fn proved(
    model: &Model,
    scope: &Scope,
    monitor: &Arc<Monitor>,
    sink: &dyn Sink,
) -> Result<Outcome> {
    let _progress = Progress::show(monitor);
    let (domain, options) = (&scope.domain, &scope.options);
    let identity = model.identity.clone();
    let answer = search::prove(&model.network, domain, options, monitor, identity, sink)?;
    Ok(certain(answer))
}

fn certain(answer: Answer) -> Outcome {
    Outcome {
        proof: Proof::Exact(answer.decisions),
        regions: answer.regions,
        complete: answer.complete,
        digest: answer.digest.to_string(),
        layers: answer.layers,
        dimension: answer.dimension,
        degenerate_units: answer.degenerate_units,
        degenerate_regions: answer.degenerate_regions,
        elapsed: answer.elapsed,
    }
}

/// Runs the textbook LP search.
pub fn tolerant(
    network: &Network,
    scope: &Scope,
    monitor: &Arc<Monitor>,
    visit: &mut dyn FnMut(&[Sign]) -> ControlFlow<()>,
) -> Outcome {
    let _progress = Progress::show(monitor);
    // The engine turns a panic of its solver into "undecided"; nobody needs to see it.
    let hook = Arc::new(panic::take_hook());
    let usual = Arc::clone(&hook);
    panic::set_hook(Box::new(move |info| {
        let in_solver = |file: &str| file.contains("microlp") || file.contains("sprs");
        if !info.location().is_some_and(|at| in_solver(at.file())) {
            usual(info);
        }
    }));
    let answer = reference::enumerate(network, &scope.domain, &scope.options, monitor, visit);
    panic::set_hook(Box::new(move |info| hook(info)));
    Outcome {
        proof: Proof::Tolerance {
            problems: answer.problems,
            undecided: answer.undecided,
        },
        regions: answer.regions,
        complete: answer.complete,
        digest: answer.digest.to_string(),
        layers: answer.layers,
        dimension: answer.dimension,
        degenerate_units: answer.degenerate_units,
        degenerate_regions: answer.degenerate_regions,
        elapsed: answer.elapsed,
    }
}
