//! The true number of regions of one layer with shared weights.
//!
//! **Theorem.** Let a layer be dense or a convolution, with any stride, padding,
//! dilation and groups, one free bias a filter, and let M be the matroid of its rows
//! over the field of rational functions in its weights. Then for almost all weights
//! and biases the number of regions on all of R^n is the number of linearly
//! independent sets of units,
//!
//! > T_M(2, 1),
//!
//! and no choice of weights and biases has more. Without biases it is T_M(2, 0),
//! where units without inputs, which are zero everywhere, are left out.
//!
//! *Proof.* By Zaslavsky's theorem, in Whitney's form (Lemma 6 of the paper's
//! supplement, after Stanley), an arrangement has as many regions as the sum of
//! (-1)^(#B - rank B) over its central subsets B: those whose hyperplanes have a
//! common point. A set of independent rows is central and counts 1. So it is enough
//! that no dependent set is central for almost all parameters, and for that, that no
//! circuit C is. Let sum_C lambda_{k,p} row_{k,p} = 0 be its relation, where k is a
//! filter, p a position and the coefficients are minors: polynomials in the weights,
//! none of them identically zero. C is central only where
//! sum_k b_k (sum_p lambda_{k,p}) = 0. The biases are free and lambda does not depend
//! on them, so it remains to show that for some k the polynomial sum_p lambda_{k,p}
//! is not zero. Multiply the weight at tap a (with dilation, in pixels) of every
//! filter by tau^a, with tau in two variables, one an axis. As input i lies under tap
//! a = i - s p + pad, row (k, p) becomes tau^(pad - s p) row D, where D = diag(tau^i)
//! is the same for all rows; a window that padding clips is only a row with fewer
//! entries. So the relation becomes lambda_{k,p} tau^(s p), up to a common factor,
//! and if sum_p lambda_{k,p} were zero for all weights, so were the Laurent polynomial
//! sum_p lambda_{k,p} tau^(s p), whose exponents are all different: all lambda_{k,p}
//! would be zero. A unit that sees padding alone is a circuit of one, "b_k = 0",
//! which is not central either. Units of a dense layer are filters of one position.
//!
//! Without biases all sets are central and Whitney's sum is T_M(2, 0) (Zaslavsky
//! 1975). The maximum over all parameters is the generic value, because a region
//! that is there for some parameters is there for all close to them.
//!
//! **Against Eq. (4).** (4) counts the sets that are independent when no weights are
//! shared, and independent with shared weights implies that; so T_M(2, 1) is at most
//! (4). It is less where convolutions commute: for a 3x3x1 input and two 2x2
//! filters, sum_p w_2(p) row_{1,p} = sum_p w_1(p) row_{2,p}, so that the eight units
//! are dependent and 255 of the 256 sets are independent.
//!
//! **How it is counted, and how sure it is.** [`count`] draws weights modulo the prime
//! 2^61 - 1 and counts the independent sets that they have. The value is *always a
//! lower bound*: units that are independent at some integer weights modulo a prime
//! are so for generic weights, as a minor that is not zero there is not identically
//! zero. It is too low only if a minor that is not identically zero vanishes at the
//! weights drawn: see [`Certainty`]; other seeds are independent trials. Where the
//! value meets (4) it is proved. [`bracket`] proves an upper bound for small layers,
//! which mostly meets the value.
//!
//! Without biases the same holds. T(2, 0) counts the sets without a broken circuit, a
//! circuit less its first element in some fixed order of the units. Let N be the
//! matroid at the weights drawn, and let B contain the broken circuit C - c of M. C is
//! dependent in N and contains a circuit C' of N. If c is in C' it is the first there
//! too, and B contains the broken circuit C' - c of N; if not, B contains C'. So sets
//! without a broken circuit of N have none of M.
//!
//! ```
//! use chambers::network::Architecture;
//! use chambers::theory::generic::{self, Budget, SharedRows};
//! let layer = |line| SharedRows::of(&Architecture::parse(line).unwrap()).unwrap();
//! let count = |line| generic::count(&layer(line), &Budget::default()).unwrap();
//! assert_eq!(count("3x3x1; conv 2@2x2").value.to_string(), "255");
//! assert_eq!(count("4x4x1; conv 2@2x2").value.to_string(), "257108");
//! // One dimension: (4) and the value are equal, and so a theorem.
//! let line = count("1x4x1; conv 3@1x2");
//! assert_eq!(line.value.to_string(), "217");
//! assert!(line.is_proved());
//! ```

mod minor;
mod orbits;
mod proof;
mod relations;
mod rows;

use num_bigint::BigUint;
use num_traits::One;

use self::minor::{Counted, Minor, Work};
use self::orbits::Positions;
pub use self::rows::{Bias, SharedRows};
use super::theorem2::{self, Group};
use crate::arithmetic::prime::PRIME;

/// Up to so many leaves, deletion and contraction alone is the fastest.
const FEW_LEAVES: f64 = 10_000.0;

/// The most entries of a matrix, of eight bytes each.
const MAX_MATRIX: usize = 1 << 24;

/// How much work a count may be, and its weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Entries of matrices looked at, some 30 nanoseconds each.
    pub steps: u64,
    /// Which weights are drawn.
    pub seed: u64,
}

impl Budget {
    /// Eq. (4), where it is not out of reach.
    fn theorem2(&self, groups: &[Group]) -> Option<BigUint> {
        let budget = theorem2::Budget {
            steps: self.steps.saturating_mul(30),
            ..theorem2::Budget::default()
        };
        theorem2::value(groups, &budget).exact().cloned()
    }
}

impl Default for Budget {
    /// A few seconds on one core.
    fn default() -> Self {
        Budget {
            steps: 100_000_000,
            seed: 0,
        }
    }
}

/// A generic number of regions.
#[derive(Clone, Debug, PartialEq)]
pub struct Count {
    /// The number, in any case a lower bound on it.
    pub value: BigUint,
    /// Why it is not too low.
    pub certainty: Certainty,
}

impl Count {
    /// Whether the value is a theorem.
    pub fn is_proved(&self) -> bool {
        !matches!(self.certainty, Certainty::Probable { .. })
    }
}

/// Why a count of independent sets at some weights is that at generic ones.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Certainty {
    /// A theorem says that Eq. (4) is exact here, and why; nothing was drawn.
    Theorem(&'static str),
    /// All units are independent at the weights drawn, hence at generic ones.
    AllIndependent,
    /// It is equal to Eq. (4), an upper bound.
    MeetsTheorem2,
    /// The weights were drawn at random, and were unlucky with a probability of at
    /// most 2^`log2_error`.
    ///
    /// A count looks at minors of the layer, at most as many as it may take steps,
    /// each a polynomial in the weights of a degree of at most the rank. If none
    /// vanishes that is not identically zero, the value is right; by the lemma of
    /// Schwartz and Zippel each does so with a probability of at most
    /// rank / (2^61 - 1). Neither are there more minors to fear than bases.
    Probable {
        /// The binary logarithm of the bound.
        log2_error: f64,
    },
}

/// The number of regions of the layer for almost all weights and biases on all of
/// R^n; `None` when the budget does not suffice.
pub fn count(layer: &SharedRows, budget: &Budget) -> Option<Count> {
    by_theorem(layer, budget).or_else(|| independent_sets(layer, budget))
}

/// The number by Theorem 2, or for a dense layer without biases by Cover's formula,
/// where these are proved to be exact.
fn by_theorem(layer: &SharedRows, budget: &Budget) -> Option<Count> {
    let reason = layer.theorem2()?;
    let (value, reason) = match layer.bias() {
        Bias::Free => (budget.theorem2(&layer.groups())?, reason),
        Bias::None if layer.is_dense() && layer.inputs() > 0 && !layer.rows().is_empty() => {
            // One hyperplane taken to infinity leaves half of the regions.
            let inputs = (0..layer.inputs() as u32 - 1).collect();
            let group = Group {
                window: inputs,
                units: layer.rows().len() as u64 - 1,
            };
            let half = budget.theorem2(&[group])?;
            (half * 2u32, "a dense layer without biases: Cover's formula")
        }
        Bias::None => return None,
    };
    Some(Count {
        value,
        certainty: Certainty::Theorem(reason),
    })
}

/// The number by counting the independent sets at random weights, even where a theorem
/// gives it: a check of [`count`] that knows no theorem but the one above.
pub fn independent_sets(layer: &SharedRows, budget: &Budget) -> Option<Count> {
    let mut work = Work(budget.steps);
    let weights = layer.random_weights(budget.seed);
    let counted = match layer.bias() {
        Bias::Free => Counted::IndependentSets,
        Bias::None => Counted::CentralRegions,
    };
    let mut value = BigUint::one();
    let mut error = 0.0;
    for part in layer.connected() {
        let minor = part_minor(layer, &part, &weights, &mut work)?;
        if minor.rank() < part.len() {
            let rank = part.len().min(layer.inputs_of(&part).len());
            let minors = bases(part.len(), rank).min(budget.steps as f64);
            error += minors * rank as f64 / PRIME as f64;
        }
        let positions = (counted == Counted::IndependentSets && minor.leaves() > FEW_LEAVES)
            .then(|| Positions::of(layer, &part, &weights))
            .flatten()
            .filter(Positions::has_lines);
        value *= match positions {
            Some(positions) => BigUint::from(positions.count(&mut work)?),
            None if part.len() < 120 => BigUint::from(minor.count::<u128>(counted, &mut work)?),
            None => minor.count::<BigUint>(counted, &mut work)?,
        };
    }
    let certainty = if error == 0.0 {
        Certainty::AllIndependent
    } else if counted == Counted::IndependentSets
        && budget.theorem2(&layer.groups()).as_ref() == Some(&value)
    {
        Certainty::MeetsTheorem2
    } else {
        Certainty::Probable {
            log2_error: error.log2(),
        }
    };
    Some(Count { value, certainty })
}

/// A bound on the number of bases of so many units of at most this rank.
fn bases(units: usize, rank: usize) -> f64 {
    let size = rank.min(units / 2);
    (1..=size).fold(1.0, |bases, k| bases * (units - size + k) as f64 / k as f64)
}

/// Bounds of the generic number that are proved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bracket {
    /// Sets of units that are independent at some weights.
    pub lower: BigUint,
    /// Sets of units that no relation proves to be dependent.
    pub upper: BigUint,
}

impl Bracket {
    /// Whether the number is a theorem.
    pub fn is_exact(&self) -> bool {
        self.lower == self.upper
    }
}

/// Bounds the number for a layer with biases by looking at every set of units, one of
/// each orbit of the filters: a set is independent because a minor is not zero, or
/// dependent because of Hall's condition or of relations that hold for all weights.
/// Where the bounds meet the number is a theorem. `None` when the budget does not
/// suffice, the layer is too large or it has no biases.
///
/// ```
/// use chambers::network::Architecture;
/// use chambers::theory::generic::{self, Budget, SharedRows};
/// let line = Architecture::parse("4x4x1; conv 2@2x2").unwrap();
/// let layer = SharedRows::of(&line).unwrap();
/// let bracket = generic::bracket(&layer, &Budget::default()).unwrap();
/// assert!(bracket.is_exact());
/// assert_eq!(bracket.lower, 257_108u32.into());
/// ```
pub fn bracket(layer: &SharedRows, budget: &Budget) -> Option<Bracket> {
    if layer.bias() == Bias::None {
        return None;
    }
    if let Some(Count { value, .. }) = by_theorem(layer, budget) {
        return Some(Bracket {
            lower: value.clone(),
            upper: value,
        });
    }
    by_relations(layer, budget)
}

/// The bounds without the theorems about Eq. (4).
fn by_relations(layer: &SharedRows, budget: &Budget) -> Option<Bracket> {
    let mut work = Work(budget.steps);
    let weights = layer.random_weights(budget.seed);
    let (mut lower, mut upper) = (BigUint::one(), BigUint::one());
    for part in layer.connected() {
        let positions = Positions::of(layer, &part, &weights)?;
        let polynomials = layer.polynomials(&part, &weights);
        let relations = positions.relations(&polynomials, &mut work)?;
        let part = proof::bracket(&positions, &relations, &mut work)?;
        lower *= part.lower;
        upper *= part.upper;
    }
    Some(Bracket { lower, upper })
}

/// The rank of the layer's rows at random weights: a lower bound on the generic one,
/// and equal to it with a probability of all but rank / (2^61 - 1); `None` when the
/// budget does not suffice.
pub fn rank(layer: &SharedRows, budget: &Budget) -> Option<usize> {
    let mut work = Work(budget.steps);
    let weights = layer.random_weights(budget.seed);
    let mut rank = 0;
    for part in layer.connected() {
        rank += part_minor(layer, &part, &weights, &mut work)?.rank();
    }
    Some(rank)
}

fn part_minor(
    layer: &SharedRows,
    part: &[usize],
    weights: &[u64],
    work: &mut Work,
) -> Option<Minor> {
    let entries = part.len().checked_mul(layer.inputs_of(part).len())?;
    if entries > MAX_MATRIX {
        return None;
    }
    work.spend(entries)?;
    Minor::of(&layer.vectors(part, weights), work)
}

#[cfg(test)]
mod tests;
