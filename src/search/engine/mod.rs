//! Engines that decide which hyperplanes cut a cell.

pub mod certify;
pub mod dictionary;
pub mod exact;
pub mod reference;
pub mod witness;
