//! Theorem 1 and Lemma 2 of Xiong et al. (ICML 2020): one dense layer, and any network.
//!
//! **Theorem 1.** One fully connected layer of n_1 units on n_0 inputs has
//!
//! > R = sum_{i<=n_0} C(n_1, i)
//!
//! regions for almost all weights and biases, and never more (Zaslavsky 1975). For a
//! layer whose weights are shared or partly zero it is an upper bound.
//!
//! **Lemma 2.** A network of n units has at most 2^n regions: one sign for each unit.
//!
//! ```
//! use chambers::theory::formula::{WORK, Work};
//! use chambers::theory::theorem1;
//! let work = &mut Work::new(WORK);
//! // Five lines in the plane.
//! assert_eq!(theorem1::regions(2, 5, work), Ok(16u32.into()));
//! assert_eq!(theorem1::patterns(5, work), Ok(32u32.into()));
//! ```

use num_bigint::BigUint;

use super::binomial;
use super::formula::{Formula, Work};

/// Theorem 1.
///
/// # Errors
/// When it takes too much work.
pub fn regions(inputs: u64, units: u64, work: &mut Work) -> Formula<BigUint> {
    binomial::sum(units, inputs, work)
}

/// Lemma 2.
///
/// # Errors
/// When it takes too much work.
pub fn patterns(units: u64, work: &mut Work) -> Formula<BigUint> {
    binomial::sum(units, units, work)
}
