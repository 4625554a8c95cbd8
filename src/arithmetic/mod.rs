//! Numbers: exact values of weights, and the proofs that floats can give.

pub mod float;
pub mod integer;
pub mod number;
pub mod rank;

pub use integer::IntegerRow;
pub use number::{Enclosure, Number, Rational};
pub use rank::Rank;
