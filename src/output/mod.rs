//! Writers of results: one file a format.

pub mod destination;
pub mod jsonl;
pub mod proof;
