//! What formulas cost and what they give when they give no value: a limit on work, and the
//! reason.

use std::fmt;

use num_bigint::BigUint;
use num_traits::{One, Zero};

/// Steps for a value that is there, or not, within about half a second on one core, from at
/// most some hundred megabytes.
pub const WORK: u64 = 500_000_000;

/// A formula's value, or why there is none.
pub type Formula<T> = Result<T, NoValue>;

/// Why a formula gives no value. It never gives a wrong one instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoValue {
    /// An assumption does not hold; the sentence says which, and where.
    Assumption(String),
    /// The value takes more work or memory than was allowed.
    TooLarge,
}

impl fmt::Display for NoValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NoValue::Assumption(reason) => write!(f, "does not apply: {reason}"),
            NoValue::TooLarge => f.write_str("takes too much work"),
        }
    }
}

impl std::error::Error for NoValue {}

/// An assumption of a formula.
pub(super) fn assume(holds: bool, otherwise: impl FnOnce() -> String) -> Formula<()> {
    if holds {
        Ok(())
    } else {
        Err(NoValue::Assumption(otherwise()))
    }
}

/// At least one input and one layer, as every lower bound needs; the last width.
pub(super) fn last_width(inputs: u64, widths: &[u64]) -> Formula<u64> {
    assume(inputs > 0, || "the network has no inputs".into())?;
    let no_layer = || NoValue::Assumption("the network has no layer of units".into());
    widths.last().copied().ok_or_else(no_layer)
}

/// Work that is left, in steps of some nanoseconds. Numbers cost a step a byte, so that the
/// work also limits the memory.
#[derive(Debug)]
pub struct Work(u64);

impl Work {
    /// A limit of so many steps.
    pub fn new(steps: u64) -> Self {
        Work(steps)
    }

    /// Takes steps away.
    ///
    /// # Errors
    /// [`NoValue::TooLarge`] when there are not that many left.
    pub fn spend(&mut self, steps: u64) -> Formula<()> {
        self.0 = self.0.checked_sub(steps).ok_or(NoValue::TooLarge)?;
        Ok(())
    }

    /// Takes away what reading or writing a number costs.
    pub(super) fn touch(&mut self, value: &BigUint) -> Formula<()> {
        self.spend(value.bits() / 8 + 8)
    }

    /// `a b`.
    pub(super) fn product(&mut self, a: &BigUint, b: &BigUint) -> Formula<BigUint> {
        let (a_words, b_words) = (a.bits() / 64 + 1, b.bits() / 64 + 1);
        // Karatsuba's exponent; the estimate is far below 2^64 for what fits a memory.
        let small = a_words.min(b_words) as f64;
        self.spend(
            8 * a_words
                .max(b_words)
                .saturating_mul(small.powf(0.585).ceil() as u64),
        )?;
        Ok(a * b)
    }

    /// The product of all, pairwise, so that large factors meet large factors.
    pub(super) fn product_of(&mut self, mut factors: Vec<BigUint>) -> Formula<BigUint> {
        if factors.iter().any(BigUint::is_zero) {
            return Ok(BigUint::zero());
        }
        while factors.len() > 1 {
            let mut products = Vec::with_capacity(factors.len().div_ceil(2));
            for pair in factors.chunks(2) {
                products.push(match pair {
                    [a, b] => self.product(a, b)?,
                    rest => rest[0].clone(),
                });
            }
            factors = products;
        }
        Ok(factors.pop().unwrap_or_else(BigUint::one))
    }

    /// 2^`exponent`, at four steps a bit: such a number is made in no time, but has to be
    /// kept and read.
    pub(super) fn power_of_two(&mut self, exponent: u64) -> Formula<BigUint> {
        self.spend(exponent.saturating_mul(4))?;
        Ok(BigUint::one() << exponent)
    }

    /// `base^exponent`.
    pub(super) fn power(&mut self, base: &BigUint, exponent: u64) -> Formula<BigUint> {
        if base.is_zero() || base.is_one() {
            return Ok(if exponent == 0 {
                BigUint::one()
            } else {
                base.clone()
            });
        }
        // At least as many bits as the exponent: too many end here.
        self.spend(exponent.saturating_mul(base.bits() - 1))?;
        let mut power = BigUint::one();
        for bit in (0..u64::BITS - exponent.leading_zeros()).rev() {
            power = self.product(&power, &power)?;
            if exponent >> bit & 1 == 1 {
                power = self.product(&power, base)?;
            }
        }
        Ok(power)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_and_powers_are_right() {
        let mut work = Work::new(WORK);
        for base in 0u32..5 {
            for exponent in 0u32..12 {
                let power = work.power(&base.into(), exponent.into()).unwrap();
                assert_eq!(power, BigUint::from(base.pow(exponent)));
                let factors = vec![BigUint::from(base); exponent as usize];
                assert_eq!(work.product_of(factors).unwrap(), power);
            }
        }
    }

    #[test]
    fn absurd_sizes_end_at_once() {
        let mut work = Work::new(WORK);
        assert_eq!(work.power(&2u32.into(), u64::MAX), Err(NoValue::TooLarge));
        assert_eq!(work.power(&1u32.into(), u64::MAX), Ok(BigUint::one()));
        assert_eq!(work.spend(u64::MAX), Err(NoValue::TooLarge));
    }
}
