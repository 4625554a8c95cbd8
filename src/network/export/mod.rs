//! Writers: one file a format.

pub mod json;
