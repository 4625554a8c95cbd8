//! The bounds of Montufar, Pascanu, Cho and Bengio (2014) and of Montufar (2017). The
//! sources count linear regions, the proofs here activation regions.
//!
//! **Lower bound (2014).** When n_l >= n_0 for all l < L, some network has at least
//!
//! > prod_{l<L} floor(n_l / n_0)^{n_0} * sum_{j<=n_0} C(n_L, j)
//!
//! linear regions. *Proof*, which counts activation regions: let p = floor(n_l / n_0) and
//! give each of the n_0 coordinates p units, max(0, p x - k) for k = 0..p-1. Then g(x) =
//! sum_k c_k max(0, p x - k) with c_0 = 1 and c_k = 2 (-1)^k else maps each interval (k/p,
//! (k+1)/p) onto (0, 1). It becomes part of the next layer's weights. So the open unit cube
//! holds p^n_0 small cubes, each mapped onto the unit cube, and the units' signs tell them
//! apart. Units left over have weights 0 and bias 1. By induction the layers before the
//! last make prod p_l^n_0 disjoint boxes with patterns of their own, each mapped onto the
//! unit cube by a bijective affine map, and the last layer cuts the cube by n_L hyperplanes
//! in general position, all of whose regions meet it. The source asks n_l >= n_0 of the
//! last layer too; the proof does not.
//!
//! **Upper bound (2014).** 2^N for N units: there are no more patterns.
//!
//! **Upper bound (2017).** With m_l = min(n_0, ..., n_{l-1}), no network has more than
//!
//! > prod_l sum_{j<=m_l} C(n_l, j)
//!
//! regions. *Proof*: on a region of the layers before l their output is an affine map of
//! rank at most m_l, so the n_l units are affine functions on a space of dimension at most
//! m_l, and their hyperplanes cut it into at most the number that Zaslavsky (1975) gives.
//! (Taking n_l into the minimum changes nothing: C(n_l, j) is zero beyond.)
//!
//! ```
//! use chambers::theory::{formula::WORK, montufar};
//! assert_eq!(montufar::lower_2014(2, &[4, 5], WORK), Ok((4 * 16u32).into()));
//! assert_eq!(montufar::upper_2017(4, &[6, 6], WORK), Ok(3249u32.into()));
//! assert_eq!(montufar::upper_2014(4, &[6, 6], WORK), Ok(4096u32.into()));
//! // A layer narrower than the input folds no cube of that dimension.
//! assert!(montufar::lower_2014(3, &[2, 5], WORK).is_err());
//! ```

use num_bigint::BigUint;

use super::binomial;
use super::catalogue::{Counts, Entry, Kind, Verified};
use super::formula::{Formula, NoValue, Work, assume, last_width};

const SOURCE_2014: &str = "Montufar, Pascanu, Cho, Bengio 2014, On the number of linear regions of \
                           deep neural networks";

/// What is known of [`lower_2014`].
pub static LOWER_2014: Entry = Entry {
    id: "montufar2014-lower",
    name: "Montufar et al. 2014, lower",
    source: SOURCE_2014,
    kind: Kind::Lower,
    counts: Counts::LinearRegions,
    assumptions: "fully connected, n_l >= n_0 for every layer before the last; on the \
                  maximum over weights",
    verified: Verified::Proved,
};

/// What is known of [`upper_2014`].
pub static UPPER_2014: Entry = Entry {
    id: "montufar2014-upper",
    name: "Montufar et al. 2014, upper: all patterns",
    source: SOURCE_2014,
    kind: Kind::Upper,
    counts: Counts::LinearRegions,
    assumptions: "none",
    verified: Verified::Proved,
};

/// What is known of [`upper_2017`].
pub static UPPER_2017: Entry = Entry {
    id: "montufar2017-upper",
    name: "Montufar 2017, upper",
    source: "Montufar 2017, Notes on the number of linear regions of deep neural networks",
    kind: Kind::Upper,
    counts: Counts::LinearRegions,
    assumptions: "none",
    verified: Verified::Proved,
};

/// floor(n_l / n_0) for every l < L.
pub(super) fn folds(inputs: u64, widths: &[u64]) -> Formula<impl Iterator<Item = u64>> {
    let folded = &widths[..widths.len().saturating_sub(1)];
    for (layer, &width) in (1..).zip(folded) {
        assume(width >= inputs, || {
            format!("layer {layer} has {width} units, fewer than the {inputs} inputs")
        })?;
    }
    Ok(folded.iter().map(move |width| width / inputs))
}

/// The lower bound of 2014, on the maximum over weights. O(n_0) steps on numbers of O(n_0
/// log n_L) bits, and the product.
///
/// # Errors
/// When some n_l < n_0 for l < L, there are no inputs or no layers, or it takes more than
/// `work`.
pub fn lower_2014(inputs: u64, widths: &[u64], work: u64) -> Formula<BigUint> {
    let work = &mut Work::new(work);
    let last = last_width(inputs, widths)?;
    let mut factors = Vec::with_capacity(widths.len());
    for fold in folds(inputs, widths)? {
        factors.push(work.power(&fold.into(), inputs)?);
    }
    factors.push(binomial::sum(last, inputs, work)?);
    work.product_of(factors)
}

/// 2^N for N units.
///
/// # Errors
/// When it takes more than `work`.
pub fn upper_2014(_inputs: u64, widths: &[u64], work: u64) -> Formula<BigUint> {
    let add = |sum: u64, &width: &u64| sum.checked_add(width);
    let units = widths.iter().try_fold(0, add).ok_or(NoValue::TooLarge)?;
    Work::new(work).power_of_two(units)
}

/// The upper bound of 2017. O(m_l) steps on numbers of up to n_l bits for each layer that
/// is unlike the others, and the product.
///
/// # Errors
/// When it takes more than `work`.
pub fn upper_2017(inputs: u64, widths: &[u64], work: u64) -> Formula<BigUint> {
    binomial::product_of_sums(inputs, widths, 1, &mut Work::new(work))
}
