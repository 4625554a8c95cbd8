//! One layer of a graph convolutional network: sigma(A X W + b) for a graph's matrix A, a
//! row of d_0 channels of X for each node and d_1 filters, the columns of W.
//!
//! Chen, Wang and Xiong (2022) count its regions; their printed formulas were not at hand,
//! and what follows is derived here.
//!
//! **Statement.** The number of regions is at most
//!
//! > sum over t of prod_v C(d_1, t_v), over all t with sum_{v in J} t_v <= d_0 rank(A_J) for
//! > all sets J of nodes,
//!
//! where A_J are the rows of J. When A is invertible it is (sum_{i<=d_0} C(d_1, i))^n for n
//! nodes, and exact for almost all W and b; without biases the exact number is then (2
//! sum_{i<=d_0-1} C(d_1 - 1, i))^n.
//!
//! **Proof.** The unit of node v and filter k has the normal A_v (x) w_k, in the space V_v
//! = A_v (x) R^d_0, and dim sum_{v in J} V_v = d_0 rank(A_J): Proposition 2 (14) in the
//! supplement of Xiong et al. 2020, which holds for every arrangement. For an invertible A,
//! Y = A X is any matrix, each of whose rows meets the arrangement of the d_1 filters on
//! its own: the regions are the products of those of n copies of d_1 hyperplanes in R^d_0,
//! in general position or all through the origin.
//!
//! ```
//! use chambers::theory::{formula::WORK, gcn};
//! // Two nodes that do not talk: two lines each on their own channel.
//! assert_eq!(gcn::invertible(2, 1, 2, WORK), Ok(9u32.into()));
//! assert_eq!(gcn::invertible_without_bias(2, 1, 2, WORK), Ok(4u32.into()));
//! ```

use num_bigint::BigUint;
use num_traits::{One, Zero};

use super::binomial;
use super::catalogue::{Counts, Entry, Kind, Verified};
use super::formula::{Formula, NoValue, Work, assume};
use crate::arithmetic::rank::{Rank, SparseRow, rank};

/// What is known of [`upper`].
pub static UPPER: Entry = Entry {
    id: "chen-wang-xiong2022-gcn",
    name: "Graph convolution, upper",
    source: "derived here; compare Chen, Wang, Xiong 2022, on the regions of graph convolutional \
             networks",
    kind: Kind::Upper,
    counts: Counts::ActivationRegions,
    assumptions: "one layer sigma(A X W + b)",
    verified: Verified::Proved,
};

/// The most nodes for which all sets of nodes are looked at.
const MAX_NODES: usize = 16;

/// No layer with the graph's matrix `rows`, `channels` inputs a node and `filters` has more
/// regions. O(2^n) steps for each t; at most 16 nodes, unless the matrix is invertible.
///
/// # Errors
/// When it takes more than `work`, or the ranks do.
pub fn upper(rows: &[SparseRow], channels: u64, filters: u64, work: u64) -> Formula<BigUint> {
    let nodes = rows.len();
    let exactly = |rows: &[SparseRow]| match rank(rows) {
        Rank::Exactly(rank) => Ok(rank),
        Rank::AtLeast(least) if least == rows.len() => Ok(least),
        Rank::AtLeast(_) => Err(NoValue::TooLarge),
    };
    if exactly(rows)? == nodes {
        return invertible(nodes as u64, channels, filters, work);
    }
    if nodes > MAX_NODES {
        return Err(NoValue::TooLarge);
    }
    let mut slack = Vec::with_capacity(1 << nodes);
    for set in 0usize..1 << nodes {
        let member = |&node: &usize| set >> node & 1 == 1;
        let rows: Vec<SparseRow> = (0..nodes).filter(member).map(|v| rows[v].clone()).collect();
        let dimension = channels.checked_mul(exactly(&rows)? as u64);
        slack.push(dimension.ok_or(NoValue::TooLarge)?);
    }
    let work = &mut Work::new(work);
    let most = slack.iter().max().copied().unwrap_or(0);
    let binomials = binomial::row(filters, most, work)?;
    sum(0, nodes, &mut slack, &binomials, work)
}

/// The sum over t_v for v from `node` on; `slack` is what each set has left.
fn sum(
    node: usize,
    nodes: usize,
    slack: &mut [u64],
    binomials: &[BigUint],
    work: &mut Work,
) -> Formula<BigUint> {
    if node == nodes {
        return Ok(BigUint::one());
    }
    // Sets of nodes up to this one, with this one: the others constrain later nodes.
    let sets = 1 << node..2 << node;
    let mut sum_of_node = BigUint::zero();
    let mut taken = 0;
    for (t, binomial) in binomials.iter().enumerate() {
        if t > 0 {
            work.spend(slack.len() as u64)?;
            if slack[sets.clone()].contains(&0) {
                break;
            }
            let with_node = |(set, left): (usize, &mut u64)| *left -= (set >> node & 1) as u64;
            // A set with later nodes too has at least as much left as its part up to here.
            slack.iter_mut().enumerate().for_each(with_node);
            taken += 1;
        }
        let rest = sum(node + 1, nodes, slack, binomials, work)?;
        sum_of_node += work.product(binomial, &rest)?;
    }
    for (set, left) in slack.iter_mut().enumerate() {
        *left += taken * (set >> node & 1) as u64;
    }
    Ok(sum_of_node)
}

/// The number for an invertible matrix, for almost all weights and biases.
///
/// # Errors
/// When it takes more than `work`.
pub fn invertible(nodes: u64, channels: u64, filters: u64, work: u64) -> Formula<BigUint> {
    let work = &mut Work::new(work);
    let node = binomial::sum(filters, channels, work)?;
    work.power(&node, nodes)
}

/// The number for an invertible matrix without biases, for almost all weights.
///
/// # Errors
/// When there are no channels, on which every unit is zero, or it takes more than `work`.
pub fn invertible_without_bias(
    nodes: u64,
    channels: u64,
    filters: u64,
    work: u64,
) -> Formula<BigUint> {
    assume(channels > 0, || "there are no channels".into())?;
    let work = &mut Work::new(work);
    let node = match filters {
        0 => BigUint::one(),
        _ => binomial::sum(filters - 1, channels - 1, work)? << 1,
    };
    work.power(&node, nodes)
}
