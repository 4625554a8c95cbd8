//! The growth that Raghu, Poole, Kleinberg, Ganguli and Sohl-Dickstein (2017) state.
//!
//! **Statement.** For n_0 inputs and L layers of n units each, the number of activation
//! patterns is O(n^{L n_0}) as n grows, for fixed n_0 and L (their O(k^{m n}) for width k,
//! m inputs and depth n).
//!
//! **Proof.** For n >= n_0 the bound of [`montufar`](super::montufar) of 2017 is
//! (sum_{j<=n_0} C(n, j))^L, and the sum is O(n^n_0). The constant depends on n_0: this is
//! never a bound for one network.
//!
//! ```
//! use chambers::theory::raghu;
//! assert_eq!(raghu::exponent(3, &[10, 10]), Ok(6u32.into()));
//! assert!(raghu::exponent(3, &[10, 11]).is_err());
//! ```

use num_bigint::BigUint;

use super::catalogue::{Counts, Entry, Kind, Verified};
use super::formula::{Formula, assume};

/// What is known of [`exponent`].
pub static GROWTH: Entry = Entry {
    id: "raghu2017-asymptotic",
    name: "Raghu et al. 2017, growth",
    source: "Raghu, Poole, Kleinberg, Ganguli, Sohl-Dickstein 2017, On the expressive power of \
             deep neural networks",
    kind: Kind::Asymptotic,
    counts: Counts::ActivationRegions,
    assumptions: "all layers equally wide; for width to infinity, never for one width",
    verified: Verified::Proved,
};

/// The exponent L n_0 of the common width.
///
/// # Errors
/// When the layers are not equally wide.
pub fn exponent(inputs: u64, widths: &[u64]) -> Formula<BigUint> {
    let equal = widths.windows(2).all(|pair| pair[0] == pair[1]);
    assume(equal, || "the layers are not equally wide".into())?;
    Ok(BigUint::from(inputs) * widths.len())
}
