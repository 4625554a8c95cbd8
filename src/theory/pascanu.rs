//! The lower bound of Pascanu, Montufar and Bengio (2013).
//!
//! **Statement.** When n_l >= n_0 for all l < L, some network has at least
//!
//! > prod_{l<L} floor(n_l / n_0) * sum_{j<=n_0} C(n_L, j)
//!
//! linear regions; with one layer this is Zaslavsky's number, which no network of that
//! width exceeds.
//!
//! **Proof.** Each factor is at most floor(n_l / n_0)^n_0, so the number is at most that of
//! [`montufar::lower_2014`](super::montufar::lower_2014), which is proved there. The source
//! asks n_l >= n_0 of the last layer too; the proof does not.
//!
//! ```
//! use chambers::theory::{formula::WORK, pascanu};
//! // n_l = 2 n_0: 2^(L-1) sum_{j<=n_0} C(2 n_0, j), as theory has it: 4 * 11.
//! assert_eq!(pascanu::lower(2, &[4, 4, 4], WORK), Ok(44u32.into()));
//! ```

use num_bigint::BigUint;

use super::binomial;
use super::catalogue::{Counts, Entry, Kind, Verified};
use super::formula::{Formula, Work, last_width};
use super::montufar::folds;

/// What is known of [`lower`].
pub static LOWER: Entry = Entry {
    id: "pascanu2013-lower",
    name: "Pascanu et al. 2013, lower",
    source: "Pascanu, Montufar, Bengio 2013, On the number of response regions of deep \
             feed forward networks with piece-wise linear activations",
    kind: Kind::Lower,
    counts: Counts::LinearRegions,
    assumptions: "fully connected, n_l >= n_0 for every layer before the last; on the \
                  maximum over weights",
    verified: Verified::Proved,
};

/// The bound, on the maximum over weights. O(n_0) steps on numbers of O(n_0 log n_L) bits,
/// and the product.
///
/// # Errors
/// When some n_l < n_0 for l < L, there are no inputs or no layers, or it takes more than
/// `work`.
pub fn lower(inputs: u64, widths: &[u64], work: u64) -> Formula<BigUint> {
    let work = &mut Work::new(work);
    let last = last_width(inputs, widths)?;
    let mut factors: Vec<BigUint> = folds(inputs, widths)?.map(BigUint::from).collect();
    factors.push(binomial::sum(last, inputs, work)?);
    work.product_of(factors)
}
