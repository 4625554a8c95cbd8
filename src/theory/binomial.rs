//! Exact binomial coefficients and their partial sums, one from the next: C(n, k+1) = C(n,
//! k) (n-k) / (k+1), where the division is exact. A row of m entries of b bits costs O(m
//! b).
//!
//! ```
//! use chambers::theory::binomial;
//! use chambers::theory::formula::Work;
//! let mut work = Work::new(1000);
//! // Theorem 1 of Xiong et al. 2020, Zaslavsky 1975: five lines cut the plane into 16.
//! assert_eq!(binomial::sum(5, 2, &mut work).unwrap().to_string(), "16");
//! ```

use std::collections::BTreeMap;

use num_bigint::BigUint;
use num_traits::{One, Zero};

use super::formula::{Formula, Work};

/// C(n, 0), C(n, 1), ..., C(n, n), in order.
struct Row {
    n: u64,
    k: u64,
    value: BigUint,
}

impl Row {
    fn new(n: u64) -> Self {
        Row {
            n,
            k: 0,
            value: BigUint::one(),
        }
    }

    /// From C(n, k) to C(n, k + 1), for k < n.
    fn step(&mut self, work: &mut Work) -> Formula<()> {
        work.touch(&self.value)?;
        let value = std::mem::take(&mut self.value);
        self.value = value * (self.n - self.k) / (self.k + 1);
        self.k += 1;
        Ok(())
    }
}

/// C(n, k).
///
/// # Errors
/// [`NoValue::TooLarge`](super::formula::NoValue::TooLarge); the same holds for all
/// functions here.
pub fn binomial(n: u64, k: u64, work: &mut Work) -> Formula<BigUint> {
    if k > n {
        return Ok(BigUint::zero());
    }
    let mut row = Row::new(n);
    for _ in 0..k.min(n - k) {
        row.step(work)?;
    }
    Ok(row.value)
}

/// C(n, 0), ..., C(n, k) for k = min(most, n).
pub fn row(n: u64, most: u64, work: &mut Work) -> Formula<Vec<BigUint>> {
    let mut row = Row::new(n);
    let mut values = vec![row.value.clone()];
    for _ in 0..most.min(n) {
        row.step(work)?;
        values.push(row.value.clone());
    }
    Ok(values)
}

/// C(n, 0) + ... + C(n, most): the regions of n hyperplanes in general position in `most`
/// dimensions (Zaslavsky 1975).
pub fn sum(n: u64, most: u64, work: &mut Work) -> Formula<BigUint> {
    if most >= n {
        return work.power_of_two(n);
    }
    if most > n / 2 {
        // All subsets but those whose complement has at most n - most - 1.
        let rest = sum(n, n - most - 1, work)?;
        return Ok(work.power_of_two(n)? - rest);
    }
    weighted_sum(n, most, 1, work)
}

/// C(n, 0) + C(n, 1) f + ... + C(n, most) f^most.
pub fn weighted_sum(n: u64, most: u64, factor: u64, work: &mut Work) -> Formula<BigUint> {
    if most >= n {
        return work.power(&(BigUint::from(factor) + 1u32), n);
    }
    let mut row = Row::new(n);
    let mut sum = row.value.clone();
    for _ in 0..most {
        row.step(work)?;
        // The row carries the power along: its entries are C(n, k) f^k.
        row.value *= factor;
        work.touch(&sum)?;
        sum += &row.value;
    }
    Ok(sum)
}

/// C(n, 0) + ... + C(n, k) for all k from `least` to min(most, n).
pub fn partial_sums(n: u64, least: u64, most: u64, work: &mut Work) -> Formula<Vec<BigUint>> {
    let mut row = Row::new(n);
    let mut sum = BigUint::one();
    let mut sums = Vec::new();
    for k in 0..=most.min(n) {
        if k > 0 {
            row.step(work)?;
            work.touch(&sum)?;
            sum += &row.value;
        }
        if k >= least {
            sums.push(sum.clone());
        }
    }
    Ok(sums)
}

/// prod_l (C(n_l, 0) + C(n_l, 1) f + ... + C(n_l, d_l) f^d_l), where d_l = min(n_0, ...,
/// n_{l-1}): what several bounds are. Layers that are alike cost as much as one.
pub(super) fn product_of_sums(
    inputs: u64,
    widths: &[u64],
    factor: u64,
    work: &mut Work,
) -> Formula<BigUint> {
    let mut layers: BTreeMap<(u64, u64), u64> = BTreeMap::new();
    let mut dimension = inputs;
    for &width in widths {
        *layers.entry((width, dimension)).or_default() += 1;
        dimension = dimension.min(width);
    }
    let mut factors = Vec::with_capacity(layers.len());
    for ((width, dimension), alike) in layers {
        let sum = match factor {
            1 => sum(width, dimension, work)?,
            _ => weighted_sum(width, dimension, factor, work)?,
        };
        factors.push(work.power(&sum, alike)?);
    }
    work.product_of(factors)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theory::formula::{NoValue, WORK};

    /// Pascal's triangle, which adds where the code multiplies.
    fn pascal(rows: usize) -> Vec<Vec<u64>> {
        let mut triangle = vec![vec![1u64]];
        for n in 1..rows {
            let above = &triangle[n - 1];
            let entry = |k: usize| {
                let left = k.checked_sub(1).map_or(0, |k| above[k]);
                left + above.get(k).copied().unwrap_or(0)
            };
            triangle.push((0..=n).map(entry).collect());
        }
        triangle
    }

    #[test]
    fn all_agree_with_pascals_triangle() {
        let mut work = Work::new(WORK);
        for (n, entries) in (0u64..).zip(pascal(30)) {
            let entry = |k: u64| entries.get(k as usize).copied().unwrap_or(0);
            for most in 0..n + 3 {
                let expected: Vec<BigUint> = (0..=most.min(n)).map(|k| entry(k).into()).collect();
                assert_eq!(row(n, most, &mut work).unwrap(), expected);
                assert_eq!(binomial(n, most, &mut work).unwrap(), entry(most).into());
                let partial: u64 = (0..=most).map(entry).sum();
                assert_eq!(sum(n, most, &mut work).unwrap(), partial.into());
                for least in [0, 1, most] {
                    let sums = partial_sums(n, least, most, &mut work).unwrap();
                    let expected = (least..=most.min(n)).map(|k| sum(n, k, &mut work));
                    assert_eq!(sums, expected.map(Result::unwrap).collect::<Vec<_>>());
                }
                for factor in [0u64, 2, 3] {
                    let weighted: u128 = (0..=most.min(n))
                        .map(|k| u128::from(entry(k)) * u128::from(factor).pow(k as u32))
                        .sum();
                    let value = weighted_sum(n, most, factor, &mut work).unwrap();
                    assert_eq!(value, weighted.into(), "{n} {most} {factor}");
                }
            }
        }
    }

    #[test]
    fn absurd_sizes_end_at_once() {
        let mut work = Work::new(1_000_000);
        assert_eq!(sum(u64::MAX, u64::MAX, &mut work), Err(NoValue::TooLarge));
        assert_eq!(
            binomial(u64::MAX, u64::MAX - 1, &mut work),
            Ok(u64::MAX.into())
        );
        let mut work = Work::new(1_000_000);
        assert_eq!(
            sum(u64::MAX, u64::MAX / 2, &mut work),
            Err(NoValue::TooLarge)
        );
        let mut work = Work::new(1_000_000);
        assert_eq!(row(3, u64::MAX, &mut work).unwrap().len(), 4);
        assert_eq!(row(u64::MAX, u64::MAX, &mut work), Err(NoValue::TooLarge));
    }
}
