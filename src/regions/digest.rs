//! An order-independent digest of a set of activation patterns.
//!
//! Every (unit, sign) has a fixed 128-bit key; a pattern's keys are XORed, the
//! result is mixed, and the mixed values of all patterns are added modulo 2^128.
//! Two searches that find the same patterns, in any order and on any number of
//! threads, give the same digest. It guards against mistakes, not against malice.

use std::fmt;

use crate::regions::Sign;

/// The digest of a set of patterns; displays as 32 hexadecimal digits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Digest(u128);

/// The XOR of the keys of some units of one pattern: grows unit by unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PatternHash(u128);

/// The finaliser of SplitMix64 (Steele, Lea, Flood 2014).
fn mix64(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

impl PatternHash {
    /// The key of one unit's sign: the SplitMix64 outputs number 2k+1 and 2k+2 of
    /// seed 0, where k = 3 unit + (0, 1, 2 for `-`, `0`, `+`), as high and low half.
    pub fn of_unit(unit: usize, sign: Sign) -> Self {
        let k = 3 * unit as u64 + (sign as i8 + 1) as u64;
        let half = |n: u64| mix64(n.wrapping_mul(GOLDEN));
        PatternHash(u128::from(half(2 * k + 1)) << 64 | u128::from(half(2 * k + 2)))
    }

    /// What the hash of a pattern changes by when the unit's sign, which is not zero, is turned.
    pub fn of_turning(unit: usize) -> Self {
        let key = |sign| PatternHash::of_unit(unit, sign);
        key(Sign::Negative).and(key(Sign::Positive))
    }

    /// Both together.
    pub fn and(self, other: PatternHash) -> Self {
        PatternHash(self.0 ^ other.0)
    }

    /// The hash of a whole pattern.
    pub fn of_pattern(pattern: &[Sign]) -> Self {
        let keys = pattern
            .iter()
            .enumerate()
            .map(|(unit, &sign)| PatternHash::of_unit(unit, sign));
        keys.fold(PatternHash::default(), PatternHash::and)
    }
}

impl Digest {
    /// Adds a pattern, given the hash of all of its units.
    pub fn add(&mut self, pattern: PatternHash) {
        let (high, low) = ((pattern.0 >> 64) as u64, pattern.0 as u64);
        let mixed_high = mix64(high ^ mix64(low));
        let mixed_low = mix64(low.wrapping_add(mixed_high));
        self.0 = self
            .0
            .wrapping_add(u128::from(mixed_high) << 64 | u128::from(mixed_low));
    }

    /// The digest of the union of two disjoint sets.
    pub fn merge(&mut self, other: Digest) {
        self.0 = self.0.wrapping_add(other.0);
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_the_outputs_of_splitmix64() {
        // The first outputs of SplitMix64 with seed 0, as published test vectors give them.
        assert_eq!(mix64(GOLDEN), 0xe220_a839_7b1d_cdaf);
        assert_eq!(mix64(GOLDEN.wrapping_mul(2)), 0x6e78_9e6a_a1b9_65f4);
    }

    #[test]
    fn the_recipe_in_the_documentation_is_this_one() {
        use Sign::{Negative, Positive};
        let mut digest = Digest::default();
        // The example of docs/output.md, whose digest its own program computed.
        let pattern = [Positive, Positive, Negative, Positive, Negative];
        digest.add(PatternHash::of_pattern(&pattern));
        assert_eq!(digest.to_string(), "4aea1e025b01d1f777a4e1140c5ccf3d");
    }

    #[test]
    fn order_does_not_matter_and_signs_do() {
        use Sign::{Negative, Positive, Zero};
        let patterns = [[Positive, Negative], [Negative, Positive], [Zero, Zero]];
        let digest = |order: &[usize]| {
            let mut digest = Digest::default();
            order
                .iter()
                .for_each(|&k| digest.add(PatternHash::of_pattern(&patterns[k])));
            digest
        };
        assert_eq!(digest(&[0, 1, 2]), digest(&[2, 0, 1]));
        assert_ne!(digest(&[0, 1]), digest(&[0, 2]));
        assert_ne!(digest(&[0]), digest(&[1]));
    }
}
