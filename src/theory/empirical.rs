//! An upper bound for one network on one box, from units that never change their sign
//! there: in the spirit of Serra and Ramalingam (2020), whose bound takes more from
//! mixed-integer programs; proved here.
//!
//! **Statement.** On a box of dimension d (a side that is a point has none), let layer l
//! have a_l units whose pre-activation is nowhere negative there, u_l that may change sign,
//! and others, which are nowhere positive. Let c_l bound the rank of the weights of the u_l
//! units, and r_l that of the a_l + u_l ones, both on those inputs of the layer that are
//! not constant there. Then the network has at most F_1(d) regions on the box, where
//! F_{L+1} = 1 and
//!
//! > F_l(d) = sum_{j <= min(d, c_l)} C(u_l, j) F_{l+1}(min(d, r_l, a_l + u_l - j)).
//!
//! **Proof.** As for [`serra`](super::serra). On a cell on which the map before layer l is
//! affine of rank d, a unit that is nowhere negative is positive on the whole open cell, or
//! zero on all of it: it does not cut. Neither does one that is nowhere positive. So the
//! cell is cut by at most u_l hyperplanes, whose normals span at most min(d, c_l)
//! dimensions. A pattern is given by the set of those u_l units that are not positive; at
//! most C(u_l, j) of these sets have j members, where units that are zero on the whole cell
//! count as members. There a_l + u_l - j units are active, so that the rank becomes at most
//! min(d, r_l, a_l + u_l - j). This is a histogram as [`hinz`] asks for. With
//! a_l = 0, u_l = n_l and ranks n_l it is the bound of Serra et al. 2018, which it never
//! exceeds.
//!
//! Which units may change sign is found by interval arithmetic: a unit that it calls stable
//! is, and it misses some. Floats are rounded outwards, unless the operation is exact.
//!
//! ```
//! use chambers::network::{Architecture, random};
//! use chambers::theory::{empirical, formula::WORK, serra};
//! use chambers::{Domain, Monitor, Options, count};
//! let network = random::he(&Architecture::parse("2; dense 6; dense 6").unwrap(), 7).unwrap();
//! let domain = Domain::parse_box("0,1/4", 2).unwrap();
//! let bound = empirical::upper(&network, &domain, WORK).unwrap();
//! let answer = count(&network, &domain, &Options::default(), &Monitor::new()).unwrap();
//! assert!(bound >= answer.regions.into());
//! assert!(bound < serra::upper(2, &[6, 6], WORK).unwrap());
//! ```

use num_bigint::BigUint;
use num_traits::Zero;

use super::binomial;
use super::catalogue::{Counts, Entry, Kind, Verified};
use super::formula::{Formula, Work, assume};
use super::hinz::{self, Histogram};
use crate::arithmetic::interval::Interval;
use crate::arithmetic::rank::{Rank, SparseRow, rank};
use crate::arrangement::Domain;
use crate::network::{Affine, Layer, Network};

/// What is known of [`upper`].
pub static UPPER: Entry = Entry {
    id: "stable-units-upper",
    name: "Stable units on a box, upper",
    source: "derived here, in the spirit of Serra, Ramalingam 2020, Empirical bounds on linear \
             regions of deep rectifier networks",
    kind: Kind::Upper,
    counts: Counts::ActivationRegions,
    assumptions: "this network's weights and this box",
    verified: Verified::Proved,
};

/// What is proved of the units of one ReLU layer on a box.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stability {
    /// Units whose pre-activation is nowhere negative, and somewhere perhaps positive.
    pub active: u64,
    /// Units whose pre-activation is nowhere positive.
    pub inactive: u64,
    /// All others.
    pub unstable: u64,
    /// A bound on the rank of the unstable units' weights, c_l.
    pub unstable_rank: u64,
    /// A bound on the rank of the weights of all units but the inactive ones, r_l.
    pub rank: u64,
}

/// At most so many regions of `network` in the interior of `domain`; zero in an empty one.
///
/// # Errors
/// When the domain has another number of inputs than the network, or it takes more than
/// `work`.
pub fn upper(network: &Network, domain: &Domain, work: u64) -> Formula<BigUint> {
    let layers = stability(network, domain, work)?;
    if domain.is_empty() {
        return Ok(BigUint::zero());
    }
    let is_free = |side: &&crate::arrangement::Interval| side.point().is_none();
    let dimension = domain.intervals().iter().filter(is_free).count() as u64;
    hinz::upper_with(dimension, &layers, histogram, work)
}

/// C(u_l, j) cells of rank min(r_l, a_l + u_l - j), for j <= min(d, c_l).
fn histogram(dimension: u64, layer: Stability, work: &mut Work) -> Formula<Histogram> {
    let row = binomial::row(layer.unstable, dimension.min(layer.unstable_rank), work)?;
    let active = |j: u64| layer.active + layer.unstable - j;
    let ranks = (0..).map(|j| layer.rank.min(active(j)));
    Ok(ranks.zip(row).collect())
}

/// What interval arithmetic proves of the units of every ReLU layer on `domain`; of an
/// empty one it says nothing.
///
/// # Errors
/// When the domain has another number of inputs than the network, or it takes more than
/// `work`.
pub fn stability(network: &Network, domain: &Domain, work: u64) -> Formula<Vec<Stability>> {
    let sides = domain.intervals();
    let inputs = network.input().len();
    assume(sides.len() == inputs, || {
        format!(
            "the domain has {} inputs, the network {inputs}",
            sides.len()
        )
    })?;
    let (work, rank_work) = (&mut Work::new(work), &mut Work::new(work));
    let mut values: Vec<Interval> = sides
        .iter()
        .map(|side| Interval::between(side.lower.as_ref(), side.upper.as_ref()))
        .collect();
    // The values that are not constant, as far as the next layer's ranks go.
    let mut free: Vec<bool> = sides.iter().map(|side| side.point().is_none()).collect();
    let mut affines: Vec<&Affine> = Vec::new();
    let mut layers = Vec::new();
    for layer in network.layers() {
        match layer {
            Layer::Affine(affine) => {
                values = apply(affine, &values, work)?;
                affines.push(affine);
            }
            Layer::Relu => {
                let may_be_active: Vec<bool> = values.iter().map(|v| v.high > 0.0).collect();
                let unstable: Vec<bool> = (values.iter())
                    .map(|v| v.low < 0.0 && v.high > 0.0)
                    .collect();
                let mut rank = |rows: &[bool]| rank_bound(&affines, rows, &free, rank_work);
                let (all, cut) = (number(&may_be_active), number(&unstable));
                layers.push(Stability {
                    active: all - cut,
                    inactive: values.len() as u64 - all,
                    unstable: cut,
                    unstable_rank: rank(&unstable),
                    rank: rank(&may_be_active),
                });
                values.iter_mut().for_each(Interval::relu);
                free = may_be_active;
                affines.clear();
            }
            Layer::Reshape(_) => {}
        }
    }
    Ok(layers)
}

fn number(units: &[bool]) -> u64 {
    units.iter().filter(|&&unit| unit).count() as u64
}

fn apply(affine: &Affine, values: &[Interval], work: &mut Work) -> Formula<Vec<Interval>> {
    let rows = 0..affine.output().len();
    rows.map(|row| {
        let (columns, weights) = affine.row(row);
        work.spend(64 * (columns.len() as u64 + 1))?;
        let bias = Interval::of(&affine.bias()[row]);
        let terms = columns.iter().zip(weights);
        Ok(terms.fold(bias, |sum, (&column, weight)| {
            sum.plus(Interval::of(weight).times(values[column as usize]))
        }))
    })
    .collect()
}

/// A bound on the rank of these rows of a product of layers, on these inputs: the least of
/// its factors' ranks. A rank that takes more than `work` counts as full.
fn rank_bound(affines: &[&Affine], rows: &[bool], free: &[bool], work: &mut Work) -> u64 {
    let full = number(rows).min(number(free));
    let Some(last) = affines.len().checked_sub(1) else {
        // ReLU of the values themselves.
        let both = rows.iter().zip(free).filter(|&(&row, &free)| row && free);
        return both.count() as u64;
    };
    let ranks = (0..).zip(affines).map(|(place, affine)| {
        let row = |row: &usize| place != last || rows[*row];
        let column = |column: u32| place != 0 || free[column as usize];
        let kept: Vec<usize> = (0..affine.output().len()).filter(row).collect();
        let width = if place == 0 {
            number(free) as usize
        } else {
            affine.input_len()
        };
        let full = kept.len().min(width);
        // An elimination modulo a prime, at some nanoseconds a multiplication.
        let products = kept.len().saturating_mul(width).saturating_mul(full);
        if work.spend(8u64.saturating_mul(products as u64)).is_err() {
            return full as u64;
        }
        let kept: Vec<SparseRow> = (kept.iter())
            .map(|&row| restricted(affine, row, column))
            .collect();
        match rank(&kept) {
            Rank::Exactly(rank) => rank as u64,
            Rank::AtLeast(_) => full as u64,
        }
    });
    ranks.fold(full, u64::min)
}

fn restricted(affine: &Affine, row: usize, keep: impl Fn(u32) -> bool) -> SparseRow {
    let (columns, weights) = affine.row(row);
    let entries = columns.iter().zip(weights);
    entries
        .filter(|&(&column, _)| keep(column))
        .map(|(&column, weight)| (column, weight.clone()))
        .collect()
}
