//! Hu and Zhang (2018): units with piecewise linear activations of p pieces.
//!
//! **Statement.** With m_l = min(n_0, ..., n_{l-1}), no network has more than
//!
//! > prod_l sum_{s<=m_l} C(n_l, s) (p-1)^s
//!
//! regions, where a region has one piece for every unit (the source counts linear regions).
//! One layer reaches it.
//!
//! **Proof.** On a region of the layers before l, a unit is an affine function on a space
//! of dimension at most m_l, and changes its piece on p - 1 parallel hyperplanes. The
//! regions of an arrangement are as many as its sets without a broken circuit, which are
//! independent sets of hyperplanes; an independent set has at most m_l members and at most
//! one of parallel ones, so that there are at most C(n_l, s) (p-1)^s of s members. For
//! generic normals in n_0 dimensions every such set counts, with different unit normals for
//! different units: one layer attains the bound. The formula is from memory; the proof is
//! what vouches for it.
//!
//! ```
//! use chambers::theory::{formula::WORK, hu_zhang, montufar};
//! // Two units of three pieces in the plane: a grid of 3 x 3.
//! assert_eq!(hu_zhang::upper(2, &[2], 3, WORK), Ok(9u32.into()));
//! // Two pieces are ReLU.
//! assert_eq!(hu_zhang::upper(4, &[6, 6], 2, WORK), montufar::upper_2017(4, &[6, 6], WORK));
//! ```

use num_bigint::BigUint;

use super::binomial;
use super::catalogue::{Counts, Entry, Kind, Verified};
use super::formula::{Formula, Work, assume};

/// What is known of [`upper`].
pub static UPPER: Entry = Entry {
    id: "hu-zhang2018-upper",
    name: "Hu and Zhang 2018, upper",
    source: "Hu, Zhang 2018, Nearly-tight bounds on linear regions of piecewise linear neural \
             networks",
    kind: Kind::Upper,
    counts: Counts::LinearRegions,
    assumptions: "activations of p pieces, p >= 1; ReLU has p = 2, where it is the bound of \
                  Montufar 2017",
    verified: Verified::Proved,
};

/// The bound for activations of `pieces` pieces. O(m_l) steps on numbers of up to n_l log p
/// bits for each layer that is unlike the others, and the product.
///
/// # Errors
/// When there are no pieces, or it takes more than `work`.
pub fn upper(inputs: u64, widths: &[u64], pieces: u64, work: u64) -> Formula<BigUint> {
    assume(pieces > 0, || "an activation has at least one piece".into())?;
    binomial::product_of_sums(inputs, widths, pieces - 1, &mut Work::new(work))
}
