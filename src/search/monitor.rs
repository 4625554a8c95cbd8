//! What other threads may ask of a running search: how far it is, and to stop.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Shared between a search and whoever watches it.
#[derive(Debug, Default)]
pub struct Monitor {
    stop: AtomicBool,
    regions: AtomicU64,
    depth: AtomicU64,
    /// Finished share of the tree, in units of 2^-63.
    share: AtomicU64,
}

/// How far a search is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Snapshot {
    /// Regions found so far.
    pub regions: u64,
    /// Depth of the last finished leaf.
    pub depth: u64,
    /// Finished share of the tree, from 0 to 1, if both halves of every split
    /// weighed the same (Knuth 1975).
    pub share: f64,
}

impl Monitor {
    /// A monitor for one search.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks the search to end soon; what it has found remains a valid partial answer.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// Whether the search was asked to stop.
    pub fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// How far the search is; behind by up to 2^16 regions a thread, and a few thousand more.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            regions: self.regions.load(Ordering::Relaxed),
            depth: self.depth.load(Ordering::Relaxed),
            share: self.share.load(Ordering::Relaxed) as f64 / (1u64 << 63) as f64,
        }
    }

    pub(crate) fn report(&self, regions: u64, depth: u64, share: u64) {
        self.regions.fetch_add(regions, Ordering::Relaxed);
        self.depth.store(depth, Ordering::Relaxed);
        self.share.fetch_add(share, Ordering::Relaxed);
    }
}
