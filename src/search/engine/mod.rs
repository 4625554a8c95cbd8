//! Engines that decide which hyperplanes cut a cell.

pub mod reference;
