//! Where regions are counted, and the hyperplanes that cut it.

pub(crate) mod active;
pub(crate) mod blocks;
pub(crate) mod chart;
mod domain;
pub(crate) mod forms;
pub(crate) mod stage;
pub(crate) mod support;
pub mod vnnlib;

pub(crate) use chart::Chart;
pub use domain::{Domain, Interval};
