//! The hybrid bound: the idea of Serra, Tjandraatmadja and Ramalingam (2018), that
//! cells on which few units are active have images of few dimensions, with each
//! layer's own bound.
//!
//! **Statement.** Let B_l bound the cells that layer l can cut one cell into (such as
//! the factors of [`disjoint_paths`](super::disjoint_paths)). Let F_{L+1} = 1 and
//!
//! > F_l(d) = sum over k of N_k F_{l+1}(min(d, k)),
//!
//! where N_k >= 0 takes as much as it may for k = n_l, then for n_l - 1, and so on,
//! under N_k <= C(n_l, k) and sum_k N_k <= min(sum_{i<=d} C(n_l, i), B_l). Then the
//! number of regions is at most F_1(n_0), for all weights, in every domain.
//!
//! **Proof.** By induction from the last layer, F_l(d) bounds the regions of layers
//! l, ..., L on a cell on which what layer l takes has at most d dimensions: at most
//! min(sum_{i<=d} C(n_l, i), B_l) patterns of layer l occur, those with k active units
//! are at most C(n_l, k), and after such a pattern min(d, k) dimensions are left.
//! F_{l+1} grows with its argument, so that the sum is largest when the patterns with
//! the most active units are the ones that occur.
//!
//! **How it compares.** It is at most the product of the B_l, as F_l <= B_l F_{l+1}(d),
//! and at most the bound of Serra et al., where B_l does not occur.
//!
//! Example 4 of Xiong et al. 2020 with d_2 = 3, of which (9) says 3135:
//!
//! ```
//! use chambers::theory::{formula::WORK, hybrid};
//! let value = hybrid::value(4, &[6, 6], &[55u32.into(), 57u32.into()], WORK).unwrap();
//! assert_eq!(value.to_string(), "2380");
//! ```

use num_bigint::BigUint;
use num_traits::{One, Zero};

use super::binomial;
use super::formula::{Formula, Work};

/// F_1(n_0) for these widths and these bounds on single layers.
///
/// # Errors
/// When it takes more than `work`.
///
/// # Panics
/// When there is not one bound for each width.
pub fn value(inputs: u64, widths: &[u64], bounds: &[BigUint], work: u64) -> Formula<BigUint> {
    assert_eq!(widths.len(), bounds.len(), "one bound a layer");
    let widest = widths.iter().copied().max().unwrap_or(0);
    // No cell's image has more dimensions than there are units before it.
    let most = inputs.min(widest);
    let work = &mut Work::new(work);
    work.spend(most.saturating_mul(8))?;
    // F_{l+1}(d) for d = 0, 1, ...
    let mut after = vec![BigUint::one(); most as usize + 1];
    for (&width, bound) in widths.iter().zip(bounds).rev() {
        // The row fills so many bytes, about: none are begun in vain.
        work.spend(width.saturating_mul(width) / 16)?;
        let row = binomial::row(width, width, work)?;
        let mut total = BigUint::zero();
        let mut own = Vec::with_capacity(after.len());
        for d in 0..after.len() {
            total += row.get(d).unwrap_or(&BigUint::zero());
            own.push(filled(&row, d, (&total).min(bound), &after, work)?);
        }
        after = own;
    }
    Ok(after.pop().unwrap_or_else(BigUint::one))
}

/// Sum of N_k F(min(d, k)), where sum N_k is `patterns` at most.
fn filled(
    row: &[BigUint],
    d: usize,
    patterns: &BigUint,
    after: &[BigUint],
    work: &mut Work,
) -> Formula<BigUint> {
    let mut left = patterns.clone();
    let mut sum = BigUint::zero();
    for (k, number) in row.iter().enumerate().rev() {
        if left.is_zero() {
            break;
        }
        if k <= d || left <= *number {
            let taken = (&left).min(number).clone();
            sum += work.product(&taken, &after[d.min(k)])?;
            left -= taken;
        } else {
            // All patterns with at least d active units are alike.
            let alike = &row[d.max(1)..=k];
            work.spend(alike.len() as u64 * (number.bits() / 8 + 8))?;
            let alike: BigUint = alike.iter().sum();
            let taken = (&left).min(&alike).clone();
            sum += work.product(&taken, &after[d])?;
            left -= taken;
            if left.is_zero() {
                break;
            }
            return Ok(sum + filled(&row[..d.max(1)], d, &left, after, work)?);
        }
    }
    Ok(sum)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theory::formula::{NoValue, WORK};

    fn row(n: u64, most: u64) -> Vec<BigUint> {
        binomial::row(n, most, &mut Work::new(WORK)).unwrap()
    }

    #[test]
    fn the_table_of_example_4_is_met() {
        // Column "hybrid" of the table for 1x4x1, two filters 1x2, d2 filters 1x2.
        let table = [220u64, 795, 2380, 5883, 12520, 23815, 41600, 68015];
        for (d2, expected) in (1u64..).zip(table) {
            // Two positions that see three of the four inputs each.
            let row = row(d2, 3);
            let pairs = row.iter().enumerate().flat_map(|(t, first)| {
                let other = row.iter().take(4 - t + 1);
                other.map(move |second| first * second)
            });
            let second: BigUint = pairs.sum();
            let value = value(4, &[6, 2 * d2], &[55u32.into(), second], WORK).unwrap();
            assert_eq!(value, expected.into(), "d2 = {d2}");
        }
    }

    #[test]
    fn without_inputs_or_layers_there_is_one_region() {
        assert_eq!(value(0, &[5], &[1u32.into()], WORK), Ok(BigUint::one()));
        assert_eq!(value(3, &[], &[], WORK), Ok(BigUint::one()));
        let absurd = value(1 << 40, &[1 << 40], &[1u32.into()], WORK);
        assert_eq!(absurd, Err(NoValue::TooLarge));
    }

    /// The statement, term by term.
    fn plain(d: u64, widths: &[u64], bounds: &[BigUint]) -> BigUint {
        let (Some((&width, widths)), Some((bound, bounds))) =
            (widths.split_first(), bounds.split_first())
        else {
            return BigUint::one();
        };
        let all: BigUint = row(width, d).iter().sum();
        let mut left = all.min(bound.clone());
        let mut sum = BigUint::zero();
        for (k, number) in row(width, width).iter().enumerate().rev() {
            let taken = (&left).min(number).clone();
            sum += &taken * plain(d.min(k as u64), widths, bounds);
            left -= taken;
        }
        sum
    }

    #[test]
    fn it_is_its_statement() {
        for inputs in 0..5 {
            for first in 1..6u64 {
                for second in 1..6u64 {
                    for bound in [1u32, 3, 10, 1000] {
                        let widths = [first, second, 4];
                        let bounds = [1000u32.into(), bound.into(), 12u32.into()];
                        assert_eq!(
                            value(inputs, &widths, &bounds, WORK),
                            Ok(plain(inputs, &widths, &bounds)),
                            "{inputs} {widths:?} {bound}"
                        );
                    }
                }
            }
        }
    }
}
