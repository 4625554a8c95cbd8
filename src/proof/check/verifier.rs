//! One proof's check, chunk by chunk, from any number of threads.

use std::sync::{Arc, Mutex, MutexGuard};

use num_bigint::BigInt;
use num_traits::Zero;

use super::chart::{self, Chart, End, limit};
use super::flaw::Flaw;
use super::forms::Forms;
use super::ledger::{self, Counts, Ledger};
use super::stages::{Stage, stages};
use super::walk::{self, Ground, Watch, opposite};
use crate::arithmetic::Rational;
use crate::arrangement::Domain;
use crate::network::Network;
use crate::proof::format::{Footer, Header, encode_start};

/// Checks the chunks of one proof, in any order and from many threads at once.
///
/// ```
/// use chambers::network::{Layer, Network, Shape};
/// use chambers::proof::check::Verifier;
/// use chambers::proof::format::{Chart, Footer, Header, Input};
///
/// // relu(x) on R has two regions.
/// let mut network = Network::new(Shape::new([1]));
/// network.push(Layer::Relu)?;
/// let header = Header {
///     chambers: "0.1.0".into(),
///     model: "an example".into(),
///     network: network.digest(),
///     domain: vec![[None, None]],
///     strict: false,
///     lead: None,
///     charts: vec![Chart {
///         dimension: 1,
///         inputs: vec![Input { constant: "0".into(), terms: vec![(0, "1".into())] }],
///     }],
/// };
/// let verifier = Verifier::new(&network, &header)?;
/// // Chart 0, no trail; split on unit 0; regions around 1 and -1, exponent 0.
/// verifier.chunk(0, &[0, 0, 0, 3, 0, 2, 3, 0, 1])?;
/// let footer = Footer {
///     regions: "2".into(),
///     digest: verifier.counts().digest.to_string(),
///     complete: true,
///     chunks: 1,
/// };
/// assert_eq!(verifier.finish(&footer)?.counts.regions, 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Verifier<'n> {
    ground: Ground<'n>,
    network: String,
    domain: Domain,
    ledger: Mutex<Ledger>,
}

/// What a proof without a flaw proves.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// The network's digest.
    pub network: String,
    /// Where the regions were counted.
    pub domain: Domain,
    /// Whether cells with a unit that is identically zero are left out.
    pub strict: bool,
    /// Whether these are all regions; otherwise their number is a lower bound.
    pub complete: bool,
    /// Regions, leaves, proofs.
    pub counts: Counts,
    /// Chunks.
    pub chunks: u64,
}

impl<'n> Verifier<'n> {
    /// A verifier of proofs that begin with this header.
    ///
    /// # Errors
    /// When the header is about another network, or is wrong.
    pub fn new(network: &'n Network, header: &Header) -> Result<Self, Flaw> {
        let model = network.digest();
        if header.network != model {
            return Err(Flaw::Network {
                proof: header.network.chars().take(2 * 32).collect(),
                model,
            });
        }
        let stages = stages(network);
        let domain = chart::domain(header, network.input().len()).map_err(Flaw::Header)?;
        let charts = chart::charts(header, &domain, &stages).map_err(Flaw::Header)?;
        let with_forms = |chart: Chart| {
            let first = stages.first().map(|stage| first_forms(&chart, stage));
            Ok((chart, first.transpose()?.map(Arc::new)))
        };
        let charts: Result<Vec<_>, String> = charts.into_iter().map(with_forms).collect();
        let charts = charts.map_err(Flaw::Header)?;
        let mut ledger = Ledger::default();
        for chart in 0..charts.len() {
            ledger.root(ledger::hash(&encode_start(chart, &[], true)));
        }
        let opposite = match (header.lead, &charts[..]) {
            (Some(_), [(_, Some(first))]) => Some(opposite(first)),
            _ => None,
        };
        Ok(Verifier {
            ground: Ground {
                opposite,
                units: stages.iter().map(|stage| stage.units).sum(),
                stages,
                strict: header.strict,
                charts,
            },
            network: model,
            domain,
            ledger: Mutex::new(ledger),
        })
    }

    /// The header's domain.
    pub fn domain(&self) -> &Domain {
        &self.domain
    }

    /// Checks a chunk; its number is for messages.
    ///
    /// # Errors
    /// The first flaw.
    pub fn chunk(&self, number: u64, body: &[u8]) -> Result<(), Flaw> {
        self.chunk_unless(number, body, &|| false)
    }

    /// The same; `stop` is asked now and then whether to stop.
    ///
    /// # Errors
    /// The first flaw, or [`Flaw::Stopped`].
    pub fn chunk_unless(
        &self,
        number: u64,
        body: &[u8],
        stop: &dyn Fn() -> bool,
    ) -> Result<(), Flaw> {
        self.chunk_watched(number, body, stop, &mut ())
    }

    /// The same; `watch` sees its steps.
    pub(super) fn chunk_watched(
        &self,
        number: u64,
        body: &[u8],
        stop: &dyn Fn() -> bool,
        watch: &mut impl Watch,
    ) -> Result<(), Flaw> {
        let found = walk::chunk(&self.ground, number, body, stop, watch)?;
        self.ledger().chunk(number, &found).map_err(Flaw::Chunks)
    }

    /// The inputs as affine functions of a chart's coordinates.
    pub(super) fn inputs(&self, chart: usize) -> Vec<Vec<Rational>> {
        let whole = self.ground.charts[chart].0.whole();
        let number = |entry: &BigInt| Rational::new(entry.clone(), whole.scale.clone());
        let rows = whole.entries.chunks_exact(whole.width);
        rows.map(|row| row.iter().map(number).collect()).collect()
    }

    /// For each end of the domain in a chart its form, positive inside, and which
    /// coordinate it bounds.
    pub(super) fn ends(&self, chart: usize) -> Vec<Vec<Rational>> {
        let chart = &self.ground.charts[chart].0;
        let form = |end: &End| {
            let mut form = vec![Rational::zero(); chart.dimension + 1];
            for (at, entry) in [end.coordinate, chart.dimension]
                .into_iter()
                .zip(&end.whole)
            {
                form[at] = Rational::new(entry.clone(), end.scale.clone());
            }
            form
        };
        chart.ends.iter().map(form).collect()
    }

    /// What the chunks so far have shown.
    pub fn counts(&self) -> Counts {
        self.ledger().counts
    }

    /// After the last chunk: whether the chunks fit together, and the footer is right.
    ///
    /// # Errors
    /// What does not fit.
    pub fn finish(&self, footer: &Footer) -> Result<Verdict, Flaw> {
        let ledger = self.ledger();
        ledger.balanced().map_err(Flaw::Chunks)?;
        let Counts {
            regions,
            digest,
            open,
            ..
        } = ledger.counts;
        let complete = open == 0;
        let claims = [
            ("regions", footer.regions.clone(), regions.to_string()),
            (
                "chunks",
                footer.chunks.to_string(),
                ledger.chunks.to_string(),
            ),
            (
                "complete",
                footer.complete.to_string(),
                complete.to_string(),
            ),
            ("digest", footer.digest.clone(), digest.to_string()),
        ];
        for (what, said, is) in claims {
            if said != is {
                let said: String = said.chars().take(64).collect();
                return Err(Flaw::Footer(format!(
                    "it says {what}: {said}, but the proof shows {what}: {is}"
                )));
            }
        }
        Ok(Verdict {
            network: self.network.clone(),
            domain: self.domain.clone(),
            strict: self.ground.strict,
            complete,
            counts: ledger.counts,
            chunks: ledger.chunks,
        })
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        // Nothing can panic between its changes.
        self.ledger
            .lock()
            .unwrap_or_else(|broken| broken.into_inner())
    }
}

/// The forms of the first layer on a chart.
fn first_forms(chart: &Chart, stage: &Stage<'_>) -> Result<Forms, String> {
    let width = chart.dimension + 1;
    limit(stage.units, width)?;
    let bounds = stage.bounds(&chart.bounds(), width, |_| true);
    let whole = || stage.apply(&chart.whole(), |_| true);
    Ok(Forms::new(width, bounds, whole))
}
