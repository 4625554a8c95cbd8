//! Readers: one file a format.

pub mod arrangement;
mod document;
pub mod json;
