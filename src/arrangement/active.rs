//! Which units of a layer pass their values on.

use crate::regions::Sign;

/// Units as bits.
#[derive(Clone, Debug, Default)]
pub struct Active {
    /// The first unit is the lowest bit of the first.
    words: Vec<u64>,
}

impl Active {
    /// The positive ones of units with these signs.
    pub fn of(signs: &[Sign]) -> Self {
        let mut active = Active::default();
        active.set(signs);
        active
    }

    /// Becomes the positive ones of units with these signs.
    #[inline]
    pub fn set(&mut self, signs: &[Sign]) {
        self.words.clear();
        self.words.extend(signs.chunks(64).map(|signs| {
            let (eights, rest) = signs.as_chunks::<8>();
            let mut word = 0;
            for (k, eight) in eights.iter().enumerate() {
                word |= positive(eight) << (8 * k);
            }
            for (k, &sign) in rest.iter().enumerate() {
                word |= u64::from(sign == Sign::Positive) << (8 * eights.len() + k);
            }
            word
        }));
    }

    /// Whether a unit is among them.
    #[inline(always)]
    pub fn has(&self, unit: usize) -> bool {
        self.words[unit / 64] >> (unit % 64) & 1 == 1
    }

    /// How many there are.
    #[inline(always)]
    pub fn count(&self) -> usize {
        self.words
            .iter()
            .map(|word| word.count_ones() as usize)
            .sum()
    }

    /// Calls `visit` for each, the first one first.
    #[inline(always)]
    pub fn each(&self, mut visit: impl FnMut(usize)) {
        for (number, &word) in self.words.iter().enumerate() {
            let mut left = word;
            while left != 0 {
                visit(64 * number + left.trailing_zeros() as usize);
                left &= left - 1;
            }
        }
    }
}

/// Which of eight signs are positive, as bits.
#[inline]
fn positive(signs: &[Sign; 8]) -> u64 {
    // In bytes: 1 is positive, 0 is zero, and all bits are negative.
    let bytes = u64::from_le_bytes(signs.map(|sign| sign as u8));
    let ones = bytes & !(bytes >> 7) & 0x0101_0101_0101_0101;
    // Each product of a byte's bit and a bit of the factor is a bit of its own; those of the
    // highest byte are the eight of them in order.
    ones.wrapping_mul(0x0102_0408_1020_4080) >> 56
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Random signs of layers of all lengths: the units are those whose signs are positive.
    #[test]
    fn active_units_are_the_positive_ones() {
        let mut state = 7u64;
        let mut sign = || {
            state = state
                .wrapping_mul(6364136223846793005)
                .wrapping_add(1442695040888963407);
            [Sign::Negative, Sign::Zero, Sign::Positive][(state >> 33) as usize % 3]
        };
        let mut active = Active::default();
        for units in 0..200 {
            let signs: Vec<Sign> = (0..units).map(|_| sign()).collect();
            active.set(&signs);
            let expected: Vec<usize> = (0..units)
                .filter(|&unit| signs[unit] == Sign::Positive)
                .collect();
            let mut found = Vec::new();
            active.each(|unit| found.push(unit));
            assert_eq!(found, expected);
            assert_eq!(active.count(), expected.len());
            assert!((0..units).all(|unit| active.has(unit) == expected.contains(&unit)));
        }
    }
}
