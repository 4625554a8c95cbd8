//! Networks of maxout units: each is the largest of k affine functions (its rank is k), and
//! a region has one largest function for every unit. Most of the sources count linear
//! regions; the proofs here count these.
//!
//! **Montufar et al. 2014, one layer.** m units of rank k on n inputs have at most
//! min(sum_{j<=n} C(k^2 m, j), k^m) regions. *Proof*: which function is the largest changes
//! only where two of one unit are equal, on at most k (k-1) / 2 <= k^2 hyperplanes a unit;
//! and there are k^m choices.
//!
//! **Montufar et al. 2014, deep.** L layers of n units of rank k on n inputs reach k^{L-1}
//! k^n regions. *Proof for n >= 2*: let v_i and w_i, for i < k, be unit vectors at the
//! angles 2 pi i / k and 2 pi (i + 1/2) / k. The first two units are max_i v_i . x and
//! max_i w_i . x on the first two coordinates. Between the direction of a corner of the
//! polygon max_i v_i . x = 1 and that of the middle of an edge beside it, one v_i and one
//! w_i lead: 2k sectors in all, each mapped bijectively onto the cone cos(pi / k) < y_2 /
//! y_1 < 1 / cos(pi / k), for k >= 3; a point in the cone is the next layer's centre. All
//! other units pass on a coordinate. So each layer but the last multiplies by 2k >= k, and
//! the last cuts the cone by n units of k pieces along one coordinate each, into k^n. For k
//! = 2, |x| folds every coordinate in two. *For n = 1 and k >= 3 it is false*: a unit is
//! convex in one variable, so that the k - 1 changes of the second layer have at most two
//! preimages each, and two layers have at most k + 2 (k - 1) < k^2 regions. The formula is
//! not given there.
//!
//! **Serra et al. 2018, Theorem 8.** At most prod_l sum_{j<=d_l} C(n_l k (k-1) / 2, j) for
//! d_l = min(n_0, ..., n_l). *Proof*: the hyperplanes above, in dimension min(n_0, ...,
//! n_{l-1}); and where n_l is smaller than that, k^n_l <= (1 + k (k-1) / 2)^n_l, which
//! counts the sets with at most one hyperplane for each unit.
//!
//! **Montufar, Ren and Zhang 2021, one layer.** Units of ranks k_1, ..., k_m on n inputs
//! have at most
//!
//! > sum_{j<=n} e_j(k_1 - 1, ..., k_m - 1)
//!
//! regions, with e_j the elementary symmetric polynomials; and some have as many. *Proof
//! where m <= n*: it is k_1 ... k_m, the number of choices. *Proof for n <= 2*: for n = 1
//! every change of a unit adds one interval. For n = 2, a unit's cells are convex, f_i <=
//! k_i of them; let c_ij be the crossings of the boundaries of units i and j. By Euler's
//! formula, generic units make
//!
//! > 1 + sum_i (f_i - 1) + sum_{i<j} c_ij
//!
//! regions. Two units alone make at most f_i f_j, so that c_ij <= (f_i - 1) (f_j - 1);
//! units that are not generic make no more. *Reached* by units whose functions differ by
//! multiples of one normal: k_i - 1 parallel hyperplanes each, as in [`hu_zhang`]. For other
//! n and m the upper bound is from memory.
//!
//! **The same, deep.** As far as the bound for one layer holds, at most
//!
//! > prod_l sum_{j<=m_l} C(n_l, j) (k-1)^j, m_l = min(n_0, ..., n_{l-1}).
//!
//! Some network has at least, with p_l = floor(n_l / n_0),
//!
//! > prod_{l<L} (p_l (k-1) + 1)^n_0 * sum_{j<=n_0} C(n_L, j) (k-1)^j.
//!
//! *Proof of the latter* for even p_l, or k = 2: a zigzag of p (k-1) + 1 pieces, each onto
//! (0, 1), has convex and concave corners in turn; a unit has k - 1 convex corners anywhere,
//! taken with weight 1 or -1, and any slope at the far left. The last layer has k - 1
//! parallel hyperplanes for each unit. (For odd p_l and k >= 3 there are not as many concave
//! corners to be had: p_l = 1, n_0 = 1 would contradict the above.)
//!
//! **Tseran and Montufar 2021**: the mean number of regions that meet a large cube is at
//! most (T k N)^n_0 C(k n_0, 2 n_0) / n_0! times its volume, from memory, unverified.
//!
//! ```
//! use chambers::theory::{formula::WORK, maxout, montufar};
//! // Rank 2 cuts as ReLU does.
//! let widths = [4, 5];
//! let relu = montufar::upper_2017(2, &widths, WORK);
//! assert_eq!(maxout::serra_2018_upper(2, &widths, 2, WORK), relu);
//! // Three units of rank 3 on a line: each adds two changes.
//! assert_eq!(maxout::montufar_ren_zhang_layer(1, &[3, 3, 3], WORK), Ok(7u32.into()));
//! // False for one input, rank 3 and two layers.
//! assert!(maxout::montufar_2014_lower(1, 2, 3, WORK).is_err());
//! ```

use num_bigint::BigUint;
use num_traits::{One, Zero};

use super::binomial;
use super::catalogue::{Counts, Entry, Kind, Verified};
use super::formula::{Formula, NoValue, Work, assume, last_width};
use super::hu_zhang;
use super::montufar::folds;
use crate::arithmetic::Rational;

const MONTUFAR_2014: &str = "Montufar, Pascanu, Cho, Bengio 2014, On the number of linear regions \
                             of deep neural networks";
const MONTUFAR_REN_ZHANG: &str = "Montufar, Ren, Zhang 2021, Sharp bounds for the number of \
                                  regions of maxout networks and vertices of Minkowski sums";

/// What is known of [`montufar_2014_upper`].
pub static MONTUFAR_2014_UPPER: Entry = Entry {
    id: "montufar2014-maxout-upper",
    name: "Montufar et al. 2014, maxout, upper",
    source: MONTUFAR_2014,
    kind: Kind::Upper,
    counts: Counts::LinearRegions,
    assumptions: "one layer of maxout units of rank k",
    verified: Verified::Proved,
};

/// What is known of [`montufar_2014_lower`].
pub static MONTUFAR_2014_LOWER: Entry = Entry {
    id: "montufar2014-maxout-lower",
    name: "Montufar et al. 2014, maxout, lower",
    source: MONTUFAR_2014,
    kind: Kind::Lower,
    counts: Counts::LinearRegions,
    assumptions: "maxout units of rank k, as many in each layer as inputs; two or more inputs, or \
                  k <= 2, or one layer (the source lets one input pass, where it is false); on the \
                  maximum over weights",
    verified: Verified::Proved,
};

/// What is known of [`serra_2018_upper`].
pub static SERRA_2018_UPPER: Entry = Entry {
    id: "serra2018-maxout-upper",
    name: "Serra et al. 2018, maxout, upper (Theorem 8)",
    source: "Serra, Tjandraatmadja, Ramalingam 2018, Bounding and counting linear regions of deep \
             neural networks",
    kind: Kind::Upper,
    counts: Counts::LinearRegions,
    assumptions: "maxout units of rank k",
    verified: Verified::Proved,
};

/// What is known of [`montufar_ren_zhang_layer`].
pub static MONTUFAR_REN_ZHANG_LAYER: Entry = Entry {
    id: "montufar-ren-zhang2021-layer",
    name: "Montufar, Ren and Zhang 2021, one layer, upper",
    source: MONTUFAR_REN_ZHANG,
    kind: Kind::Upper,
    counts: Counts::LinearRegions,
    assumptions: "one layer of maxout units",
    verified: Verified::No("proved here for at most two inputs or no more units than inputs only"),
};

/// What is known of [`montufar_ren_zhang_upper`].
pub static MONTUFAR_REN_ZHANG_UPPER: Entry = Entry {
    id: "montufar-ren-zhang2021-upper",
    name: "Montufar, Ren and Zhang 2021, deep, upper",
    source: MONTUFAR_REN_ZHANG,
    kind: Kind::Upper,
    counts: Counts::LinearRegions,
    assumptions: "maxout units of rank k",
    verified: Verified::No("proved here for at most two inputs or no more units than inputs only"),
};

/// What is known of [`montufar_ren_zhang_lower`].
pub static MONTUFAR_REN_ZHANG_LOWER: Entry = Entry {
    id: "montufar-ren-zhang2021-lower",
    name: "Montufar, Ren and Zhang 2021, deep, lower",
    source: MONTUFAR_REN_ZHANG,
    kind: Kind::Lower,
    counts: Counts::LinearRegions,
    assumptions: "maxout units of rank k; floor(n_l / n_0) even, or odd and k = 2, for every layer \
                  before the last; on the maximum over weights",
    verified: Verified::Proved,
};

/// What is known of [`tseran_montufar_coefficient`].
pub static TSERAN_MONTUFAR_EXPECTATION: Entry = Entry {
    id: "tseran-montufar2021-expectation",
    name: "Tseran and Montufar 2021, mean number of regions",
    source: "Tseran, Montufar 2021, On the expected complexity of maxout networks",
    kind: Kind::Expectation,
    counts: Counts::ActivationRegions,
    assumptions: "maxout units of rank k; random weights; biases with a bounded joint density \
                  given everything else, which shared biases do not have; a large enough cube",
    verified: Verified::No("from memory, unverified"),
};

fn has_rank(rank: u64) -> Formula<()> {
    assume(rank > 0, || {
        "a maxout unit has at least one function".into()
    })
}

/// At most so many regions of one layer. O(n) steps.
///
/// # Errors
/// When the rank is zero, or it takes more than `work`.
pub fn montufar_2014_upper(inputs: u64, units: u64, rank: u64, work: u64) -> Formula<BigUint> {
    has_rank(rank)?;
    let work = &mut Work::new(work);
    let hyperplanes = rank.checked_mul(rank).and_then(|k| k.checked_mul(units));
    let by_hyperplanes = match hyperplanes {
        Some(hyperplanes) => binomial::sum(hyperplanes, inputs, work),
        None => Err(NoValue::TooLarge),
    };
    // One of the two may be out of reach.
    match (work.power(&rank.into(), units), by_hyperplanes) {
        (Ok(choices), Ok(cells)) => Ok(choices.min(cells)),
        (choices, cells) => choices.or(cells),
    }
}

/// Reached by `layers` layers of as many units as inputs, on the maximum over weights.
///
/// # Errors
/// When the formula is false (one input, rank 3 or more, two layers or more), there are no
/// inputs, no layers or no rank, or it takes more than `work`.
pub fn montufar_2014_lower(inputs: u64, layers: u64, rank: u64, work: u64) -> Formula<BigUint> {
    has_rank(rank)?;
    assume(inputs > 0, || "the network has no inputs".into())?;
    assume(layers > 0, || "the network has no layer of units".into())?;
    assume(inputs > 1 || rank <= 2 || layers == 1, || {
        "for one input, two layers of one unit of rank k have at most 3k - 2 regions".into()
    })?;
    let exponent = (layers - 1).checked_add(inputs).ok_or(NoValue::TooLarge)?;
    Work::new(work).power(&rank.into(), exponent)
}

/// No network of these widths has more regions. O(sum_l d_l) steps.
///
/// # Errors
/// When the rank is zero, or it takes more than `work`.
pub fn serra_2018_upper(inputs: u64, widths: &[u64], rank: u64, work: u64) -> Formula<BigUint> {
    has_rank(rank)?;
    let work = &mut Work::new(work);
    let pairs = u128::from(rank) * u128::from(rank - 1) / 2;
    let mut dimension = inputs;
    let mut factors = Vec::with_capacity(widths.len());
    for &width in widths {
        dimension = dimension.min(width);
        let hyperplanes = pairs.checked_mul(width.into()).map(u64::try_from);
        let Some(Ok(hyperplanes)) = hyperplanes else {
            return Err(NoValue::TooLarge);
        };
        factors.push(binomial::sum(hyperplanes, dimension, work)?);
    }
    work.product_of(factors)
}

/// At most so many regions of one layer of units of these ranks, and reached. O(m min(n,
/// m)) steps for m units.
///
/// # Errors
/// When a rank is zero, or it takes more than `work`.
pub fn montufar_ren_zhang_layer(inputs: u64, ranks: &[u64], work: u64) -> Formula<BigUint> {
    let work = &mut Work::new(work);
    let most = inputs.min(ranks.len() as u64) as usize;
    // e_0, ..., e_most of the units so far.
    let mut symmetric = vec![BigUint::one()];
    for &rank in ranks {
        has_rank(rank)?;
        if symmetric.len() <= most {
            symmetric.push(BigUint::zero());
        }
        for j in (1..symmetric.len()).rev() {
            work.touch(&symmetric[j])?;
            let (low, high) = symmetric.split_at_mut(j);
            high[0] += &low[j - 1] * (rank - 1);
        }
    }
    Ok(symmetric.into_iter().sum())
}

/// No network of these widths has more regions. As [`hu_zhang::upper`] for as many pieces.
///
/// # Errors
/// When the rank is zero, or it takes more than `work`.
pub fn montufar_ren_zhang_upper(
    inputs: u64,
    widths: &[u64],
    rank: u64,
    work: u64,
) -> Formula<BigUint> {
    has_rank(rank)?;
    hu_zhang::upper(inputs, widths, rank, work)
}

/// Reached by some network of these widths.
///
/// # Errors
/// When floor(n_l / n_0) is zero, or odd while the rank is not 2, for some l < L; there are
/// no inputs, no layers or no rank; or it takes more than `work`.
pub fn montufar_ren_zhang_lower(
    inputs: u64,
    widths: &[u64],
    rank: u64,
    work: u64,
) -> Formula<BigUint> {
    has_rank(rank)?;
    let work = &mut Work::new(work);
    let last = last_width(inputs, widths)?;
    let mut factors = Vec::with_capacity(widths.len());
    for (layer, fold) in (1..).zip(folds(inputs, widths)?) {
        assume(rank <= 2 || fold % 2 == 0, || {
            format!("layer {layer} has an odd number of units for each input")
        })?;
        let pieces = BigUint::from(fold) * (rank - 1) + 1u32;
        factors.push(work.power(&pieces, inputs)?);
    }
    factors.push(binomial::weighted_sum(last, inputs, rank - 1, work)?);
    work.product_of(factors)
}

/// (k N)^n_0 C(k n_0, 2 n_0) / n_0!, which stands before T^n_0 times the volume.
///
/// # Errors
/// When the rank is zero, or it takes more than `work`.
pub fn tseran_montufar_coefficient(
    inputs: u64,
    units: u64,
    rank: u64,
    work: u64,
) -> Formula<Rational> {
    has_rank(rank)?;
    let product = |a: u64, b: u64| a.checked_mul(b).ok_or(NoValue::TooLarge);
    let work = &mut Work::new(work);
    let power = work.power(&product(rank, units)?.into(), inputs)?;
    let binomial = binomial::binomial(product(rank, inputs)?, product(2, inputs)?, work)?;
    let mut factorial = BigUint::one();
    for k in 1..=inputs {
        work.touch(&factorial)?;
        factorial *= k;
    }
    let numerator = work.product(&power, &binomial)?;
    let words = numerator.bits() / 64 + 1;
    work.spend(words.saturating_mul(words))?;
    Ok(Rational::new(numerator.into(), factorial.into()))
}
