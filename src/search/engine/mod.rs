//! Engines that decide which hyperplanes cut a cell. Public is only the independent
//! one; what the exact search consists of may change at any time.

pub(crate) mod basis;
pub(crate) mod certify;
pub(crate) mod dictionary;
pub(crate) mod exact;
pub(crate) mod inwards;
mod kernels;
pub(crate) mod path;
pub mod reference;
#[cfg(test)]
pub(super) mod samples;
pub(crate) mod vertices;
pub(crate) mod views;
pub(crate) mod witness;
