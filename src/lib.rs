//! Exact activation regions of piecewise-linear neural networks.
#![warn(missing_docs)]

pub mod arithmetic;
pub mod arrangement;
mod error;
mod file;
pub mod network;
pub mod output;
pub mod regions;
pub mod search;
pub mod theory;

pub use error::{Error, Result};
