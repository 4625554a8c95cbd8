//! The zonotope construction of Arora, Basu, Mianjy and Mukherjee (2016).
//!
//! **Statement.** With n_1 = 2m and n_l = w >= 2 for l >= 2, some network has at least
//!
//! > 2 sum_{j<=n_0-1} C(m-1, j) * w^{L-1}
//!
//! linear pieces. Here for all widths: with m = floor(n_1 / 2), the second factor is
//! prod_{l>=2} n_l.
//!
//! **Proof**, which counts activation regions. The first layer has max(0, g_i . x) and
//! max(0, -g_i . x) for m vectors g_i in general position: m hyperplanes through the origin
//! cut R^n_0 into 2 sum_{j<n_0} C(m-1, j) cones. The sum of all 2m units is s(x) = sum_i
//! |g_i . x|, linear and unbounded on each cone. The second layer sees s alone and folds
//! (0, 1) by n_2 units into n_2 intervals, each mapped onto (0, 1), as in the proof of
//! [`montufar`](super::montufar) for n_0 = 1; so do the others, where the last needs only
//! the cuts. So every cone is cut into at least prod n_l regions.
//!
//! ```
//! use chambers::theory::{arora, formula::WORK};
//! // m = 3 lines through the origin: 6 sectors; w = 2, L = 3.
//! assert_eq!(arora::lower(2, &[6, 2, 2], WORK), Ok(24u32.into()));
//! ```

use num_bigint::BigUint;

use super::binomial;
use super::catalogue::{Counts, Entry, Kind, Verified};
use super::formula::{Formula, Work, assume, last_width};

/// What is known of [`lower`].
pub static LOWER: Entry = Entry {
    id: "arora2016-lower",
    name: "Arora et al. 2016, lower",
    source: "Arora, Basu, Mianjy, Mukherjee 2016, Understanding deep neural networks with \
             rectified linear units",
    kind: Kind::Lower,
    counts: Counts::LinearRegions,
    assumptions: "fully connected, n_1 >= 2, n_l >= 1 (the source: n_1 even, all other widths \
                  equal and at least 2); on the maximum over weights",
    verified: Verified::Proved,
};

/// Regions of the first layer: the cones of m = floor(n_1 / 2) hyperplanes through the
/// origin.
pub(super) fn cones(inputs: u64, widths: &[u64], work: &mut Work) -> Formula<BigUint> {
    last_width(inputs, widths)?;
    let pairs = widths[0] / 2;
    assume(pairs > 0, || {
        format!(
            "layer 1 has {} units; the construction pairs them",
            widths[0]
        )
    })?;
    Ok(binomial::sum(pairs - 1, inputs - 1, work)? << 1)
}

/// The bound, on the maximum over weights. O(n_0) steps on numbers of O(n_1) bits, and the
/// product.
///
/// # Errors
/// When there are no inputs or no layers, a layer has no units, the first has only one, or
/// it takes more than `work`.
pub fn lower(inputs: u64, widths: &[u64], work: u64) -> Formula<BigUint> {
    let work = &mut Work::new(work);
    let mut factors = vec![cones(inputs, widths, work)?];
    for (layer, &width) in (1..).zip(widths).skip(1) {
        assume(width > 0, || format!("layer {layer} has no units"))?;
        factors.push(width.into());
    }
    work.product_of(factors)
}
