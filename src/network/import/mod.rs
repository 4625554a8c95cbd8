//! Readers: one file a format.

mod document;
pub mod json;
