//! The framework of Hinz and van de Geer (2019): bounds from how many units can be active.
//!
//! **Statement.** For every rank n and width n' let a histogram h_{n,n'} say how many
//! regions of a layer of n' units on an n-dimensional space have how many active units, at
//! most: for every J, no such layer has more than sum_{i>=J} h_{n,n'}(i) regions with at
//! least J active units; and these sums do not decrease with n. Start with one cell of
//! dimension n_0. A layer turns each cell of dimension n into h_{n,n'}(i) cells of
//! dimension min(n, i), for all i. The cells after the last layer are at least as many as
//! the regions of any network of these widths.
//!
//! **Proof.** Let v(n) be the number of cells after layer l on which the map so far is
//! affine of rank n, and w(n) that of the recursion. By induction on l, with *tails*:
//! sum_{n>=J} v(n) <= sum_{n>=J} w(n) for all J. A cell of rank n makes at most sum_{i>=J}
//! h_{n,n'}(i) cells of rank at least J if n >= J, and none otherwise. That number does not
//! decrease with n, so summed over the cells it only grows when the tails do. J = 0 is the
//! statement.
//!
//! In the source's matrix form the step from layer to layer is the product with a matrix
//! whose column n is that histogram, clipped at n; here the matrix is never written down.
//!
//! Three histograms, for n' units in dimension n:
//!
//! | histogram | what it says | the bound |
//! |---|---|---|
//! | [`patterns`] | 2^n' regions, all units active | 2^N |
//! | [`regions`] | sum_{j<=n} C(n', j) regions, all units active | Montufar 2017 |
//! | [`binomials`] | C(n', j) regions with j inactive units, for j <= n | Serra et al. 2018 |
//!
//! They are histograms as asked for: there are no more patterns, resp. regions (Zaslavsky
//! 1975), and those with at most k inactive units are at most sum_{j<=k} C(n', j) by
//! counting patterns and at most sum_{j<=n} C(n', j) in all.
//!
//! ```
//! use chambers::theory::{formula::WORK, hinz, montufar, serra};
//! let (inputs, widths) = (3, [5, 4, 4]);
//! assert_eq!(hinz::upper(inputs, &widths, WORK), serra::upper(inputs, &widths, WORK));
//! assert_eq!(
//!     hinz::upper_with(inputs, &widths, hinz::regions, WORK),
//!     montufar::upper_2017(inputs, &widths, WORK)
//! );
//! ```

use std::collections::BTreeMap;

use num_bigint::BigUint;

use super::binomial;
use super::catalogue::{Counts, Entry, Kind, Verified};
use super::formula::{Formula, Work};

/// What is known of [`upper`].
pub static UPPER: Entry = Entry {
    id: "hinz2019-upper",
    name: "Hinz and van de Geer 2019, upper, with the binomial histograms",
    source: "Hinz, van de Geer 2019, A framework for the construction of upper bounds on the \
             number of affine linear regions of ReLU feed-forward neural networks",
    kind: Kind::Upper,
    counts: Counts::ActivationRegions,
    assumptions: "none; with these histograms it is the bound of Serra et al. 2018",
    verified: Verified::Proved,
};

/// How many regions have how many active units: (active, regions), each `active` once.
pub type Histogram = Vec<(u64, BigUint)>;

/// All patterns, all units active.
pub fn patterns(_dimension: u64, width: u64, work: &mut Work) -> Formula<Histogram> {
    Ok(vec![(width, binomial::sum(width, width, work)?)])
}

/// Zaslavsky's number of regions, all units active.
pub fn regions(dimension: u64, width: u64, work: &mut Work) -> Formula<Histogram> {
    Ok(vec![(width, binomial::sum(width, dimension, work)?)])
}

/// The regions with the fewest inactive units.
pub fn binomials(dimension: u64, width: u64, work: &mut Work) -> Formula<Histogram> {
    let row = binomial::row(width, dimension, work)?;
    Ok((0..).map(|j| width.saturating_sub(j)).zip(row).collect())
}

/// The bound with [`binomials`]. O(L n_0^2) additions and multiplications of a number by a
/// number of at most n_l bits, fewer where few ranks can occur.
///
/// # Errors
/// When it takes more than `work`.
pub fn upper(inputs: u64, widths: &[u64], work: u64) -> Formula<BigUint> {
    upper_with(inputs, widths, binomials, work)
}

/// The bound with histograms of one's own: `histogram(n, layer)` for rank n <= n_0 and a
/// layer, by its width n' or by whatever is known of it. Whether they are histograms as
/// asked for is the caller's to prove.
///
/// # Errors
/// When it takes more than `work`, or `histogram` fails.
pub fn upper_with<Layer: Copy>(
    inputs: u64,
    layers: &[Layer],
    histogram: impl Fn(u64, Layer, &mut Work) -> Formula<Histogram>,
    work: u64,
) -> Formula<BigUint> {
    let work = &mut Work::new(work);
    let mut cells = BTreeMap::from([(inputs, BigUint::from(1u32))]);
    for &layer in layers {
        let mut next: BTreeMap<u64, BigUint> = BTreeMap::new();
        for (&rank, count) in &cells {
            let mut clipped: BTreeMap<u64, BigUint> = BTreeMap::new();
            for (active, regions) in histogram(rank, layer, work)? {
                work.touch(&regions)?;
                *clipped.entry(active.min(rank)).or_default() += regions;
            }
            for (rank, regions) in clipped {
                *next.entry(rank).or_default() += work.product(count, &regions)?;
            }
        }
        cells = next;
    }
    Ok(cells.into_values().sum())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theory::formula::WORK;
    use crate::theory::{montufar, serra};

    /// Forward here, backward with prefix sums there.
    #[test]
    fn each_histogram_gives_its_bound() {
        let widths: Vec<Vec<u64>> = (0..6u64)
            .flat_map(|a| (0..6).flat_map(move |b| (0..5).map(move |c| vec![a, b, c])))
            .chain([vec![9, 2, 30, 7], vec![12; 12], vec![40, 3, 50]])
            .collect();
        for widths in widths {
            for inputs in [0, 1, 2, 3, 5, 9, 20] {
                let bound = upper(inputs, &widths, WORK);
                assert_eq!(
                    bound,
                    serra::upper(inputs, &widths, WORK),
                    "{inputs} {widths:?}"
                );
                let bound = upper_with(inputs, &widths, regions, WORK);
                assert_eq!(bound, montufar::upper_2017(inputs, &widths, WORK));
                let bound = upper_with(inputs, &widths, patterns, WORK);
                assert_eq!(bound, montufar::upper_2014(inputs, &widths, WORK));
            }
        }
    }
}
