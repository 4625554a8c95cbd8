//! What the chunks have in common: where they begin, what they promise, what they find.

use std::collections::HashMap;

use sha2::{Digest as _, Sha256};

use crate::regions::Digest;

/// The SHA-256 of the encoding of a start.
pub type StartHash = [u8; 32];

/// At most this many starts wait for their promise, or promises for their start: each
/// thread of a search leaves a few of them behind, but a file made of nothing else would
/// fill the memory.
pub const MAX_WAITING: usize = 1 << 20;

/// What one chunk shows.
#[derive(Debug, Default)]
pub struct Found {
    /// The start.
    pub start: StartHash,
    /// The starts that it promises.
    pub promised: Vec<StartHash>,
    /// The counters.
    pub counts: Counts,
}

/// What is counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Regions, those of crossings and arrangements too.
    pub regions: u64,
    /// The digest of their patterns.
    pub digest: Digest,
    /// Crossings.
    pub crossings: u64,
    /// Leaves that list the regions of an arrangement.
    pub arrangements: u64,
    /// Empty leaves.
    pub empty: u64,
    /// Open leaves.
    pub open: u64,
    /// Splits.
    pub splits: u64,
    /// Sides.
    pub sides: u64,
    /// Proofs by intervals: of sides, of empty leaves, of regions, of crossings, of arrangements.
    pub intervals: u64,
    /// Those by integers of at most 128 bits.
    pub small: u64,
    /// Those by integers of any size.
    pub big: u64,
}

impl Counts {
    fn add(&mut self, other: &Counts) {
        self.regions += other.regions;
        self.digest.merge(other.digest);
        self.crossings += other.crossings;
        self.arrangements += other.arrangements;
        self.empty += other.empty;
        self.open += other.open;
        self.splits += other.splits;
        self.sides += other.sides;
        self.intervals += other.intervals;
        self.small += other.small;
        self.big += other.big;
    }
}

/// Starts that are promised and not yet found, or found and not yet promised.
#[derive(Debug, Default)]
pub struct Ledger {
    /// How many more times promised than found, and who promised or began last: a chunk's
    /// number, `None` for roots.
    balance: HashMap<StartHash, (i64, Option<u64>)>,
    /// Chunks.
    pub chunks: u64,
    /// The sums of all chunks.
    pub counts: Counts,
}

/// The hash of an encoded start.
pub fn hash(start: &[u8]) -> StartHash {
    Sha256::digest(start).into()
}

impl Ledger {
    /// Promises a root.
    pub fn root(&mut self, start: StartHash) {
        self.enter(start, 1, None);
    }

    /// Enters a chunk.
    ///
    /// # Errors
    /// When too many starts wait.
    pub fn chunk(&mut self, number: u64, found: &Found) -> Result<(), String> {
        self.chunks += 1;
        self.counts.add(&found.counts);
        self.enter(found.start, -1, Some(number));
        for &start in &found.promised {
            self.enter(start, 1, Some(number));
        }
        if self.balance.len() > MAX_WAITING {
            return Err(format!(
                "more than {MAX_WAITING} chunks are promised, or begin where none was"
            ));
        }
        Ok(())
    }

    fn enter(&mut self, start: StartHash, change: i64, who: Option<u64>) {
        let entry = self.balance.entry(start).or_insert((0, None));
        *entry = (entry.0 + change, who);
        if entry.0 == 0 {
            self.balance.remove(&start);
        }
    }

    /// Whether starts and promises are the same.
    ///
    /// # Errors
    /// What does not fit.
    pub fn balanced(&self) -> Result<(), String> {
        // The same words for the same proof.
        let worst = self
            .balance
            .values()
            .min_by_key(|(count, who)| (*count, *who));
        let chunk =
            |who: &Option<u64>| who.map_or("the header".into(), |who| format!("chunk {who}"));
        match worst {
            None => Ok(()),
            Some((count, who)) if *count < 0 => Err(format!(
                "{} begins at a node that no chunk leads to, or at one where another begins",
                chunk(who)
            )),
            Some((_, who)) => Err(format!(
                "a chunk is missing: {} leads to a node at which none begins",
                chunk(who)
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn promises_that_nobody_keeps_do_not_fill_the_memory() {
        let start = |number: u64| {
            let mut start = [0; 32];
            start[..8].copy_from_slice(&number.to_le_bytes());
            start
        };
        let mut ledger = Ledger::default();
        let found = |numbers: std::ops::Range<u64>| Found {
            start: start(numbers.start),
            promised: numbers.skip(1).map(start).collect(),
            ..Found::default()
        };
        // As many as there may be; then one more.
        let most = MAX_WAITING as u64;
        ledger.chunk(0, &found(0..most)).unwrap();
        let message = ledger.chunk(1, &found(most..most + 1)).unwrap_err();
        assert!(message.contains("chunks are promised"), "{message}");
    }
}
