//! Writers of results: one file a format.

pub mod jsonl;
