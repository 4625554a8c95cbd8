//! The checker: whether a proof proves what it says. Shares no code with the search.
//!
//! It trusts nothing in a proof. `docs/proofs.md` defines what a proof is and shows why
//! one that passes the check is right. What decides is always a proof: intervals that are
//! rounded outwards, and where these leave a sign open, integers.

mod arrangement;
mod ball;
mod chart;
mod corner;
mod crossing;
mod explain;
mod farkas;
mod flaw;
mod forms;
mod lazy;
mod ledger;
mod span;
mod stages;
mod stream;
#[cfg(test)]
mod systems;
mod verifier;
mod walk;
mod witness;

pub use explain::{Explanation, Reason, Unit, Which, explain};
pub use flaw::{Flaw, Place};
pub use ledger::Counts;
pub use stream::{Options, check};
pub use verifier::{Verdict, Verifier};
