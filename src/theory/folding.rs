//! The folding constructions of Montufar et al. (2014) and Serra et al. (2018), with every
//! unit used: a lower bound derived here that is never below theirs.
//!
//! **Statement.** Let f(1) = 1, f(2) = 2 and f(p) = p + 1 for p >= 3. For every n with 1 <=
//! n <= n_0 and n <= n_l for all l < L, some fully connected network has at least
//!
//! > prod_{l<L} f(q_l + 1)^{r_l} f(q_l)^{n - r_l} * sum_{j<=n} C(n_L, j)
//!
//! activation regions, where n_l = q_l n + r_l, 0 <= r_l < n.
//!
//! **Proof.** The network looks at n of its inputs only. By the proofs of
//! [`montufar`](super::montufar) (p pieces) and [`serra`](super::serra) (p + 1 pieces where
//! p >= 3), p units fold a coordinate into f(p) intervals, each mapped onto (0, 1).
//! Coordinates need not get equally many units: r_l of them get q_l + 1. (No other way to
//! hand them out is better: f(p + 1) / f(p) = 2, 2, 5/4, 6/5, ... does not increase.) The
//! sources take n = n_0 and leave r_l units idle.
//!
//! ```
//! use chambers::theory::{folding, formula::WORK, montufar};
//! // Five units fold two inputs 4 x 2 times instead of 2 x 2.
//! assert_eq!(folding::lower(2, &[5, 5], WORK), Ok((8 * 16u32).into()));
//! assert_eq!(montufar::lower_2014(2, &[5, 5], WORK), Ok((4 * 16u32).into()));
//! // Where a layer is narrower than the input, fewer inputs will do.
//! assert_eq!(folding::lower(9, &[3, 3], WORK), Ok(16u32.into()));
//! ```

use num_bigint::BigUint;

use super::binomial;
use super::catalogue::{Counts, Entry, Kind, Verified};
use super::formula::{Formula, Work, assume, last_width};

/// What is known of [`lower`].
pub static LOWER: Entry = Entry {
    id: "folding-lower",
    name: "Folding with every unit, lower",
    source: "derived here from Montufar et al. 2014 and Serra et al. 2018",
    kind: Kind::Lower,
    counts: Counts::ActivationRegions,
    assumptions: "fully connected, no layer before the last without units; on the maximum over \
                  weights",
    verified: Verified::Proved,
};

/// f(p).
fn pieces(units: u64) -> u128 {
    u128::from(units) + u128::from(units >= 3)
}

/// The bound, on the maximum over weights, for the n that is best by a float estimate, or n
/// = n_0: whichever n is taken, the value is a bound. O(L n_0) steps to choose, O(n_0) on
/// numbers of O(n_L) bits, and the product.
///
/// # Errors
/// When there are no inputs or no layers, a layer before the last has no units, or it takes
/// more than `work`.
pub fn lower(inputs: u64, widths: &[u64], work: u64) -> Formula<BigUint> {
    let work = &mut Work::new(work);
    let last = last_width(inputs, widths)?;
    let folded = &widths[..widths.len() - 1];
    for (layer, &width) in (1..).zip(folded) {
        assume(width > 0, || format!("layer {layer} has no units"))?;
    }
    let most = folded.iter().copied().fold(inputs, u64::min);
    let best = best(most, folded, last, work)?;
    let value = value(best, folded, last, work)?;
    if best == most {
        return Ok(value);
    }
    // An estimate may err between nearly equal values; never go below the sources.
    Ok(value.max(self::value(most, folded, last, work)?))
}

fn value(n: u64, folded: &[u64], last: u64, work: &mut Work) -> Formula<BigUint> {
    let mut factors = Vec::with_capacity(2 * folded.len() + 1);
    for width in folded {
        let (each, more) = (width / n, width % n);
        factors.push(work.power(&pieces(each).into(), n - more)?);
        if more > 0 {
            factors.push(work.power(&pieces(each + 1).into(), more)?);
        }
    }
    factors.push(binomial::sum(last, n, work)?);
    work.product_of(factors)
}

/// The n whose value has the largest logarithm, in floats.
fn best(most: u64, folded: &[u64], last: u64, work: &mut Work) -> Formula<u64> {
    work.spend(
        (folded.len() as u64 + 1)
            .saturating_mul(most)
            .saturating_mul(8),
    )?;
    let mut best = (f64::NEG_INFINITY, most);
    // ln C(last, n) and ln (C(last, 0) + ... + C(last, n)).
    let (mut binomial, mut sum) = (0.0, 0.0);
    for n in 1..=most {
        binomial += ((last as f64 - n as f64 + 1.0) / n as f64).max(0.0).ln();
        let (low, high) = if binomial < sum {
            (binomial, sum)
        } else {
            (sum, binomial)
        };
        sum = high + (low - high).exp().ln_1p();
        let mut logarithm = sum;
        for width in folded {
            let (each, more) = (width / n, width % n);
            logarithm += (pieces(each) as f64).ln() * (n - more) as f64;
            if more > 0 {
                logarithm += (pieces(each + 1) as f64).ln() * more as f64;
            }
        }
        if logarithm > best.0 {
            best = (logarithm, n);
        }
    }
    Ok(best.1)
}
