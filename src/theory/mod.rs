//! Formulas and bounds: one file a theorem; each names its source and says what it
//! assumes. Nothing here searches.

pub mod activity;
pub mod arora;
pub mod binomial;
pub mod bounds;
pub mod catalogue;
pub mod channel_folding;
pub mod disjoint_paths;
pub mod empirical;
pub mod flow;
pub mod folding;
pub mod formula;
pub mod gcn;
pub mod generic;
pub mod hanin_rolnick;
pub mod hinz;
pub mod hu_zhang;
pub mod hybrid;
pub mod maxout;
pub mod montufar;
pub mod one_layer;
pub mod pascanu;
pub mod raghu;
pub mod receptive_field;
pub mod serra;
pub mod skeleton;
pub mod theorem1;
pub mod theorem2;
pub mod theorem3;
pub mod theorem4;
pub mod theorem5;
pub mod theorem6;

use std::fmt;

pub use skeleton::Skeleton;

/// What a formula's value says of the number of regions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Exactness {
    /// It is the number of regions, under the formula's assumptions.
    Exact,
    /// The number of regions is at most this.
    UpperBound,
}

impl fmt::Display for Exactness {
    /// `exact` or `upper bound`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Exactness::Exact => "exact",
            Exactness::UpperBound => "upper bound",
        })
    }
}

/// How to read a formula's value for one network, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Exact or a bound.
    pub exactness: Exactness,
    /// Why, in one sentence.
    pub reason: &'static str,
}

impl Reading {
    fn exact(reason: &'static str) -> Self {
        Reading {
            exactness: Exactness::Exact,
            reason,
        }
    }

    fn upper_bound(reason: &'static str) -> Self {
        Reading {
            exactness: Exactness::UpperBound,
            reason,
        }
    }
}
