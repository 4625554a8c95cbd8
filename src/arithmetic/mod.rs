//! Numbers: exact values of weights, and the proofs that floats can give.

pub(crate) mod float;
pub(crate) mod int;
pub(crate) mod integer;
pub(crate) mod interval;
pub(crate) mod lanes;
mod number;
pub(crate) mod prime;
pub mod rank;

pub(crate) use int::Int;
pub(crate) use integer::IntegerRow;
pub use number::{Enclosure, Number, Rational};
pub use rank::Rank;
