//! What a search has found so far, one part a thread.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{Decisions, Monitor};
use crate::regions::Digest;

/// Leaves between two reports to the monitor.
const REPORT_EVERY: u64 = 64;

/// Counters of one thread, on cache lines of their own.
#[derive(Clone, Debug, Default)]
#[repr(align(128))]
pub struct Tally {
    /// Regions found.
    pub regions: u64,
    /// Their digest.
    pub digest: Digest,
    /// Cells after each layer.
    pub cells: Vec<u64>,
    /// Regions with a `0` in their pattern.
    pub degenerate_regions: u64,
    /// How decisions were proved.
    pub decisions: Decisions,
    /// Cells that were left unsearched.
    pub abandoned: u64,
    leaves: u64,
    reported: u64,
    share: u64,
}

/// The tallies of all threads, and the units found degenerate.
pub struct Tallies {
    parts: Vec<Mutex<Tally>>,
    degenerate: Vec<AtomicBool>,
    layers: usize,
}

impl Tallies {
    /// Empty tallies.
    pub fn new(threads: usize, layers: usize, units: usize) -> Self {
        let part = Tally {
            cells: vec![0; layers],
            ..Tally::default()
        };
        Tallies {
            parts: (0..threads.max(1))
                .map(|_| Mutex::new(part.clone()))
                .collect(),
            degenerate: (0..units).map(|_| AtomicBool::new(false)).collect(),
            layers,
        }
    }

    /// Lets the calling thread change its own tally.
    pub fn with<R>(&self, change: impl FnOnce(&mut Tally) -> R) -> R {
        let thread = rayon::current_thread_index().unwrap_or(0);
        // A thread that panicked while it held the lock leaves a sound counter.
        let mut part = self.parts[thread]
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        change(&mut part)
    }

    /// Notes that a unit is identically zero somewhere.
    pub fn note_degenerate(&self, unit: usize) {
        self.degenerate[unit].store(true, Ordering::Relaxed);
    }

    /// The end of a branch `splits` below the root of one of `charts` trees.
    pub fn leaf(&self, monitor: &Monitor, splits: u32, charts: usize) {
        self.with(|tally| {
            tally.leaves += 1;
            tally.share += (1u64 << 63).checked_shr(splits).unwrap_or(0) / charts as u64;
            if tally.leaves % REPORT_EVERY == 0 {
                tally.report(monitor, splits.into());
            }
        });
    }

    /// Sums up.
    pub fn total(&self, monitor: &Monitor) -> (Tally, u64) {
        let mut total = Tally {
            cells: vec![0; self.layers],
            ..Tally::default()
        };
        for part in &self.parts {
            let mut part = part.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            part.report(monitor, 0);
            total.regions += part.regions;
            total.digest.merge(part.digest);
            total
                .cells
                .iter_mut()
                .zip(&part.cells)
                .for_each(|(sum, cells)| *sum += cells);
            total.degenerate_regions += part.degenerate_regions;
            total.decisions.add(part.decisions);
            total.abandoned += part.abandoned;
        }
        let degenerate = self
            .degenerate
            .iter()
            .filter(|unit| unit.load(Ordering::Relaxed))
            .count();
        (total, degenerate as u64)
    }
}

impl Tally {
    fn report(&mut self, monitor: &Monitor, depth: u64) {
        monitor.report(self.regions - self.reported, depth, self.share);
        self.reported = self.regions;
        self.share = 0;
    }
}
