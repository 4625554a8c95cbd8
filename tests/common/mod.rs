//! Ground truth that shares no idea and no code with the search: every oracle
//! reads the weights of a [`chambers::network::Network`] and nothing else.
//!
//! | oracle | counts | how |
//! |---|---|---|
//! | [`sweep`] | one input, any depth | sorts the breakpoints on the line |
//! | [`polygon`] | two inputs, any depth | cuts convex polygons, checks their areas |
//! | [`patterns`] | few units, few inputs | tries every sign vector by Fourier-Motzkin |
//! | [`deletion`] | one layer | Zaslavsky's deletion and restriction |

// Every test binary compiles this module and uses its own share of it.
#![allow(dead_code)]

pub mod arrangements;
pub mod check;
pub mod corners;
pub mod deletion;
pub mod integers;
pub mod lp;
pub mod model;
pub mod networks;
pub mod patterns;
pub mod polygon;
pub mod proofs;
pub mod prover;
pub mod rng;
pub mod sweep;
pub mod verified;

pub use chambers::arithmetic::{Number, Rational};
