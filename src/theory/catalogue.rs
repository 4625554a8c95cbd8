//! The published formulas for the regions of fully connected networks of ReLU units, as
//! data: what each says, who said it, what it assumes, and what was verified here.
//!
//! **How to read a value.** The input has n_0 values, layer l has n_l units.
//!
//! - An upper bound holds for every network of these widths, also for one whose
//!   weights are shared or zero: a convolution is a fully connected layer with
//!   special weights.
//! - A lower bound is on the *maximum* over all weights and biases, on all of R^n: it says
//!   that some fully connected network has as many regions, not that a given one has. It
//!   does *not* hold for convolutions, whose weights are not free, nor without biases.
//! - Sources differ in whether they count linear regions (adjacent activation regions
//!   with one affine map merged) or activation regions. Both kinds of bound here hold
//!   for activation regions, with one strict sign for each unit, which are at least
//!   as many: a lower bound on one is a lower bound on the other, and the proofs of
//!   all upper bounds count activation regions.
//!
//! ```
//! use chambers::theory::catalogue::{self, Value};
//! // T2 of the reference values: fully connected widths (4, 6, 6).
//! let values = catalogue::evaluate(4, &[6, 6]);
//! let serra = values.iter().find(|value| value.entry.id == "serra2018-upper").unwrap();
//! assert_eq!(serra.value, Ok(Value::Count(2424u32.into())));
//! ```

use std::fmt;

use num_bigint::BigUint;

use super::formula::{Formula, WORK};
use super::{
    arora, empirical, folding, gcn, hanin_rolnick, hinz, hu_zhang, maxout, montufar, pascanu,
    raghu, serra,
};
use crate::arithmetic::Rational;

/// A formula of the literature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// A name that never changes, such as `serra2018-upper`.
    pub id: &'static str,
    /// What people call it.
    pub name: &'static str,
    /// Authors, year, and the theorem where known.
    pub source: &'static str,
    /// What its value says.
    pub kind: Kind,
    /// What the source counts.
    pub counts: Counts,
    /// What has to hold for it to apply.
    pub assumptions: &'static str,
    /// Whether it was verified here.
    pub verified: Verified,
}

/// What a formula's value says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Some fully connected network of these widths has at least as many regions.
    Lower,
    /// Every network of these widths has at most as many regions.
    Upper,
    /// The number grows at most like this; not a bound for any one network.
    Asymptotic,
    /// A bound on the mean over random weights; not for any one network.
    Expectation,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Lower => "lower",
            Kind::Upper => "upper",
            Kind::Asymptotic => "asymptotic",
            Kind::Expectation => "expectation",
        })
    }
}

/// What a source counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Counts {
    /// Adjacent activation regions with the same affine map are one.
    LinearRegions,
    /// One region for each pattern of signs.
    ActivationRegions,
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Counts::LinearRegions => "linear regions",
            Counts::ActivationRegions => "activation regions",
        })
    }
}

/// Why a formula can be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verified {
    /// Proved in the documentation of its module; the tests also hold it against exact
    /// counts.
    Proved,
    /// Not proved here; the sentence says what is missing.
    No(&'static str),
}

impl Entry {
    /// Whether the formula also holds for convolutions with as many units a layer: upper
    /// bounds do, bounds on the maximum or the mean over free weights do not.
    pub fn holds_for_convolutions(&self) -> bool {
        self.kind == Kind::Upper
    }
}

/// What a formula gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A number of regions.
    Count(BigUint),
    /// The number is O(n^exponent) in the common width n.
    Growth {
        /// The exponent of n.
        exponent: BigUint,
    },
    /// The mean number of regions that meet a large cube is at most `coefficient`
    /// T^`exponent` times the cube's volume, where T depends on how the weights are drawn.
    Density {
        /// What stands before the power of T.
        coefficient: Rational,
        /// The power of T.
        exponent: u64,
    },
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Count(count) => write!(f, "{count}"),
            Value::Growth { exponent } => write!(f, "O(n^{exponent})"),
            Value::Density {
                coefficient,
                exponent,
            } => write!(f, "{coefficient} T^{exponent} times the volume"),
        }
    }
}

/// A formula and its value for one architecture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evaluated {
    /// The formula.
    pub entry: &'static Entry,
    /// Its value, or why it has none here.
    pub value: Formula<Value>,
}

/// Every formula for fully connected ReLU networks, for this many inputs and these widths,
/// with [`WORK`] steps for each: a second or two for all of them at worst.
pub fn evaluate(inputs: u64, widths: &[u64]) -> Vec<Evaluated> {
    evaluate_within(inputs, widths, WORK)
}

/// Like [`evaluate`], with a limit on the steps for each formula.
pub fn evaluate_within(inputs: u64, widths: &[u64], work: u64) -> Vec<Evaluated> {
    type Count = fn(u64, &[u64], u64) -> Formula<BigUint>;
    let counts: [(&'static Entry, Count); 11] = [
        (&pascanu::LOWER, pascanu::lower),
        (&montufar::LOWER_2014, montufar::lower_2014),
        (&arora::LOWER, arora::lower),
        (&serra::LOWER, serra::lower),
        (&serra::ZONOTOPE_LOWER, serra::zonotope_lower),
        (&folding::LOWER, folding::lower),
        (&montufar::UPPER_2014, montufar::upper_2014),
        (&montufar::UPPER_2017, montufar::upper_2017),
        (&serra::UPPER, serra::upper),
        // Equal to `hinz::upper`, as proved and tested there, and faster.
        (&hinz::UPPER, serra::upper),
        (&hu_zhang::UPPER, |inputs, widths, work| {
            hu_zhang::upper(inputs, widths, 2, work)
        }),
    ];
    let mut values: Vec<Evaluated> = counts
        .into_iter()
        .map(|(entry, formula)| Evaluated {
            entry,
            value: formula(inputs, widths, work).map(Value::Count),
        })
        .collect();
    values.push(Evaluated {
        entry: &raghu::GROWTH,
        value: raghu::exponent(inputs, widths).map(|exponent| Value::Growth { exponent }),
    });
    values.push(Evaluated {
        entry: &hanin_rolnick::EXPECTATION,
        value: hanin_rolnick::coefficient(inputs, widths, work).map(|coefficient| Value::Density {
            coefficient,
            exponent: inputs,
        }),
    });
    values
}

/// All entries, also those of other activations and architectures.
pub fn entries() -> Vec<&'static Entry> {
    vec![
        &pascanu::LOWER,
        &montufar::LOWER_2014,
        &montufar::UPPER_2014,
        &montufar::UPPER_2017,
        &arora::LOWER,
        &raghu::GROWTH,
        &serra::LOWER,
        &serra::ZONOTOPE_LOWER,
        &serra::UPPER,
        &folding::LOWER,
        &hinz::UPPER,
        &hanin_rolnick::EXPECTATION,
        &hanin_rolnick::BOUNDARY,
        &hu_zhang::UPPER,
        &maxout::MONTUFAR_2014_LOWER,
        &maxout::MONTUFAR_2014_UPPER,
        &maxout::SERRA_2018_UPPER,
        &maxout::MONTUFAR_REN_ZHANG_LAYER,
        &maxout::MONTUFAR_REN_ZHANG_UPPER,
        &maxout::MONTUFAR_REN_ZHANG_LOWER,
        &maxout::TSERAN_MONTUFAR_EXPECTATION,
        &gcn::UPPER,
        &empirical::UPPER,
    ]
}
