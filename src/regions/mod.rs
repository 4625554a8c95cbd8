//! What is known of one activation region.

pub mod digest;
pub mod pattern;

pub use digest::Digest;
pub use pattern::{Pattern, Sign};

use crate::arithmetic::Rational;

/// A non-empty activation region, as the search hands it out.
#[derive(Clone, Debug)]
pub struct Region<'a> {
    /// The sign of every unit.
    pub pattern: &'a [Sign],
    /// A point strictly inside, exactly, in the network's input space.
    pub witness: Vec<Rational>,
    /// An f64 point that is itself proved to lie strictly inside, where one exists close by.
    pub witness_f64: Option<Vec<f64>>,
}
