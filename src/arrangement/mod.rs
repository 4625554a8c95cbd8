//! Where regions are counted, and the hyperplanes that cut it.

pub mod domain;
pub mod vnnlib;

pub use domain::{Domain, Interval};
