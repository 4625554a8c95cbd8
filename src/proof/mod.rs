//! Proofs of a count: the file format, what writes them and what checks them.
//!
//! `docs/proofs.md` defines the format and shows why a proof that passes the check is
//! one. The checker shares no code with the search: it imports the format, the network,
//! the domain, and exact arithmetic.

pub mod check;
pub mod format;
pub mod record;

pub use format::{Footer, Header};
pub use record::Sink;
