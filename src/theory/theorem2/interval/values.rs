//! The values of all states of a line, and sums of their multiples.

use num_bigint::BigUint;

use super::super::limbs::from_limbs;

/// One number a state, all of as many limbs as the longest needs. Limb k of all states
/// lies together, so that a sum over states runs through memory once.
pub(super) struct Values {
    states: usize,
    limbs: Vec<u64>,
}

impl Values {
    /// One state of value 1.
    pub(super) fn one() -> Self {
        Values {
            states: 1,
            limbs: vec![1],
        }
    }

    /// These numbers.
    pub(super) fn new(numbers: &[BigUint]) -> Self {
        let digits: Vec<Vec<u64>> = numbers.iter().map(BigUint::to_u64_digits).collect();
        let len = digits.iter().map(Vec::len).max().unwrap_or(0).max(1);
        let mut limbs = vec![0; len * numbers.len()];
        for (state, digits) in digits.into_iter().enumerate() {
            for (k, digit) in digits.into_iter().enumerate() {
                limbs[k * numbers.len() + state] = digit;
            }
        }
        Values {
            states: numbers.len(),
            limbs,
        }
    }

    pub(super) fn states(&self) -> usize {
        self.states
    }

    /// Limbs a number.
    pub(super) fn len(&self) -> usize {
        self.limbs.len() / self.states
    }

    pub(super) fn number(&self, state: usize) -> BigUint {
        let digits: Vec<u64> = (0..self.len())
            .map(|k| self.limbs[k * self.states + state])
            .collect();
        from_limbs(&digits)
    }

    pub(super) fn sum(&self) -> BigUint {
        (0..self.states).map(|state| self.number(state)).sum()
    }

    /// For each column the sum of the states from its first on, times its weights.
    pub(super) fn combined(&self, columns: &[Column]) -> Values {
        let weight_len = columns.iter().map(|column| column.planes.len()).max();
        // A limb more than the product: a column has fewer than 2^64 weights.
        let len = self.len() + weight_len.unwrap_or(0) + 1;
        let states = columns.len();
        let mut limbs = vec![0; len * states];
        for (place, column) in columns.iter().enumerate() {
            // The sum so far, from limb k on: the part of limbs k and k + 1, and what
            // lies above.
            let (mut low, mut high) = (0u128, 0u64);
            for k in 0..len {
                for (shift, plane) in column.planes.iter().enumerate() {
                    let Some(from) = k.checked_sub(shift) else {
                        break;
                    };
                    if from >= self.len() {
                        continue;
                    }
                    let start = from * self.states + column.first;
                    let values = &self.limbs[start..start + plane.len()];
                    for (&value, &weight) in values.iter().zip(plane) {
                        let (sum, carry) = low.overflowing_add(value as u128 * weight as u128);
                        low = sum;
                        high += carry as u64;
                    }
                }
                limbs[k * states + place] = low as u64;
                low = low >> 64 | (high as u128) << 64;
                high = 0;
            }
        }
        while limbs.len() > states && limbs[limbs.len() - states..].iter().all(|&limb| limb == 0) {
            limbs.truncate(limbs.len() - states);
        }
        Values { states, limbs }
    }
}

/// The weights of consecutive states.
pub(super) struct Column {
    pub(super) first: usize,
    /// Limb j of all weights is plane j.
    pub(super) planes: Vec<Vec<u64>>,
}

impl Column {
    pub(super) fn new(first: usize, weights: &[BigUint]) -> Self {
        let digits: Vec<Vec<u64>> = weights.iter().map(BigUint::to_u64_digits).collect();
        let len = digits.iter().map(Vec::len).max().unwrap_or(0);
        let plane = |j: usize| {
            let digit = |digits: &Vec<u64>| digits.get(j).copied().unwrap_or(0);
            digits.iter().map(digit).collect()
        };
        Column {
            first,
            planes: (0..len).map(plane).collect(),
        }
    }

    /// Multiplications for one limb of the states.
    pub(super) fn work(&self) -> u64 {
        self.planes
            .iter()
            .map(|plane| plane.len() as u64 + 2)
            .sum::<u64>()
            + 5
    }
}
