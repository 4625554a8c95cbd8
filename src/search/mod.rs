//! The partition tree: finds every activation region and proves each decision.

pub mod digest;
pub mod engine;
pub mod monitor;

pub use digest::Digest;
pub use monitor::{Monitor, Snapshot};

use std::ops::ControlFlow;
use std::time::Duration;

use crate::arrangement::Domain;
use crate::network::Network;
use crate::regions::Region;

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
}

/// Counts the activation regions of `network` in the interior of `domain`.
pub fn count(network: &Network, domain: &Domain, options: &Options, monitor: &Monitor) -> Answer {
    search(network, domain, options, monitor, None)
}

/// Like [`count`], and hands every region to `visit`, from any thread, in no
/// particular order; the search stops early when `visit` breaks.
pub fn enumerate(
    network: &Network,
    domain: &Domain,
    options: &Options,
    monitor: &Monitor,
    visit: &(dyn Fn(&Region) -> ControlFlow<()> + Sync),
) -> Answer {
    search(network, domain, options, monitor, Some(visit))
}

type Visit<'a> = &'a (dyn Fn(&Region) -> ControlFlow<()> + Sync);

fn search(
    _network: &Network,
    _domain: &Domain,
    _options: &Options,
    _monitor: &Monitor,
    _visit: Option<Visit>,
) -> Answer {
    todo!()
}
