//! What a search has found so far.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use super::level::Level;
use super::{Decisions, Monitor};
use crate::regions::Digest;
use crate::regions::digest::PatternHash;

/// Leaves between two reports to the monitor, and regions, of which a leaf may have many.
const REPORT_EVERY: u64 = 64;
const REPORT_REGIONS: u64 = 1 << 12;

/// Counters, on cache lines of their own.
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
    /// Where each region found stands for its opposite, too: what all signs together change in
    /// the hash of a pattern.
    opposite: Option<PatternHash>,
    leaves: u64,
    /// Of the last leaf.
    depth: u64,
    reported: u64,
    share: u64,
}

/// The sum of what all threads have found, and the units found degenerate.
pub struct Tallies {
    sum: Mutex<Tally>,
    degenerate: Vec<AtomicBool>,
    layers: usize,
    opposite: Option<PatternHash>,
}

impl Tallies {
    /// Empty tallies. With `opposite`, the hash in which a pattern and the one of all opposite
    /// signs differ, each region counts for both.
    pub fn new(layers: usize, units: usize, opposite: Option<PatternHash>) -> Self {
        Tallies {
            sum: Mutex::new(Tally::blank(layers, opposite)),
            degenerate: (0..units).map(|_| AtomicBool::new(false)).collect(),
            layers,
            opposite,
        }
    }

    /// Lets the calling thread change the sum.
    pub fn with<R>(&self, change: impl FnOnce(&mut Tally) -> R) -> R {
        // A thread that panicked while it held the lock leaves a sound counter.
        let mut sum = self.sum.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut sum)
    }

    /// A tally of nothing, for a part of the search to keep to itself.
    pub fn blank(&self) -> Tally {
        Tally::blank(self.layers, self.opposite)
    }

    /// Adds to the sum what a part of the search has found.
    pub fn absorb(&self, part: &mut Tally, monitor: &Monitor) {
        if part.leaves > 0 {
            part.report(monitor);
        }
        self.with(|tally| tally.add(part));
        *part = self.blank();
    }

    /// Notes that a unit is identically zero somewhere.
    pub fn note_degenerate(&self, unit: usize) {
        self.degenerate[unit].store(true, Ordering::Relaxed);
    }

    /// Sums up.
    pub fn total(&self) -> (Tally, u64) {
        let total = self.with(|sum| sum.clone());
        let degenerate = self
            .degenerate
            .iter()
            .filter(|unit| unit.load(Ordering::Relaxed))
            .count();
        (total, degenerate as u64)
    }
}

impl Tally {
    fn blank(layers: usize, opposite: Option<PatternHash>) -> Self {
        Tally {
            cells: vec![0; layers],
            opposite,
            ..Tally::default()
        }
    }

    /// How many cells each one found stands for.
    fn weight(&self) -> u64 {
        1 + u64::from(self.opposite.is_some())
    }

    /// One more cell of the level's layer.
    pub fn count_cell(&mut self, level: &Level) {
        if level.number() > 0 {
            self.cells[level.number() as usize - 1] += self.weight();
        }
    }

    /// More regions of cells that are counted.
    pub fn count_regions(&mut self, regions: u64, degenerate: bool) {
        let regions = regions * self.weight();
        self.regions += regions;
        self.degenerate_regions += if degenerate { regions } else { 0 };
    }

    /// More regions of the level's layer, the last, and as many cells.
    pub fn count_cells(&mut self, level: &Level, regions: u64, degenerate: bool) {
        self.cells[level.number() as usize - 1] += regions * self.weight();
        self.count_regions(regions, degenerate);
    }

    /// Adds the pattern of a region to the digest.
    #[inline]
    pub fn add_pattern(&mut self, pattern: PatternHash) {
        self.digest.add(pattern);
        if let Some(opposite) = self.opposite {
            self.digest.add(pattern.and(opposite));
        }
    }

    /// The end of a branch `splits` below the root of one of `charts` trees.
    pub fn leaf(&mut self, monitor: &Monitor, splits: u32, charts: usize) {
        self.leaves += 1;
        self.share += (1u64 << 63).checked_shr(splits).unwrap_or(0) / charts as u64;
        self.depth = splits.into();
        let many = self.regions - self.reported >= REPORT_REGIONS;
        if many || self.leaves.is_multiple_of(REPORT_EVERY) {
            self.report(monitor);
        }
    }

    fn add(&mut self, other: &Tally) {
        self.regions += other.regions;
        self.reported += other.reported;
        self.digest.merge(other.digest);
        for (sum, cells) in self.cells.iter_mut().zip(&other.cells) {
            *sum += cells;
        }
        self.degenerate_regions += other.degenerate_regions;
        self.decisions.add(other.decisions);
        self.abandoned += other.abandoned;
    }

    fn report(&mut self, monitor: &Monitor) {
        monitor.report(self.regions - self.reported, self.depth, self.share);
        self.reported = self.regions;
        self.share = 0;
    }
}
