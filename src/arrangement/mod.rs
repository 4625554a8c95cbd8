//! Where regions are counted, and the hyperplanes that cut it.

pub mod chart;
pub mod domain;
pub mod forms;
pub mod stage;
pub mod vnnlib;

pub use chart::Chart;
pub use domain::{Domain, Interval};
