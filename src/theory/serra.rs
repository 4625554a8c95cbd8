//! The bounds of Serra, Tjandraatmadja and Ramalingam (2018). The source counts linear
//! regions, the proofs here activation regions.
//!
//! **Upper bound (Theorem 1).** No network has more regions than
//!
//! > sum over j in J of prod_l C(n_l, j_l),
//! >
//! > J = { j : 0 <= j_l <= min(n_0, n_1 - j_1, ..., n_{l-1} - j_{l-1}, r_l) },
//!
//! where r_l is n_l, or the rank of layer l's weights where they are known.
//!
//! **Proof.** Let F_l(d) bound the regions that layers l, l+1, ... make of a cell on which
//! the map so far is affine of rank d; F_{L+1} = 1. Layer l cuts the cell by hyperplanes
//! whose normals span at most m = min(d, r_l) dimensions, so into at most sum_{j<=m} C(n_l,
//! j) cells (Zaslavsky 1975), of which at most C(n_l, j) have j units that are not active;
//! there the rank becomes at most min(d, n_l - j). As F_{l+1} does not decrease with the
//! rank, the sum over all cells is largest when the cells with the fewest inactive units
//! are there:
//!
//! > F_l(d) = sum_{j<=min(d, r_l)} C(n_l, j) F_{l+1}(min(d, n_l - j)),
//!
//! and F_1(n_0) is the formula. It never exceeds that of Montufar 2017, whose min lacks the
//! j.
//!
//! **Lower bound (Theorem 6).** When n_l >= 3 n_0 for all l < L, some network has at least
//!
//! > prod_{l<L} (floor(n_l / n_0) + 1)^{n_0} * sum_{j<=n_0} C(n_L, j)
//!
//! regions. *Proof*: as for [`montufar`](super::montufar), but p >= 3 units fold an
//! interval into p + 1 intervals instead of p, each mapped onto (0, 1). A unit max(0, x -
//! t) facing right or max(0, t - x) facing left, taken with weight a, adds a to the slope
//! at t; facing left it also takes a from the slope at the far left, which is 0 without
//! such units. Let the slopes on the p + 1 pieces be s_0, ..., s_p, of alternating signs.
//! The changes a_k = s_k - s_{k-1} are the units' weights, whichever way they face, and the
//! slope at the far left comes out as s_0 when the a_k of those that face left sum to -s_0.
//! For odd p let the last unit face left: s_{p-1} - s_p = s_0, met by s_0 = 2, s_{p-1} = 1,
//! s_p = -1. For even p let the last two: s_{p-2} - s_p = s_0, met by s_{p-2} = 2, s_p =
//! s_0 = 1. All other slopes are 1 or -1, and a piece of slope 2 is half as long as one of
//! slope 1. (It needs p >= 3: for p = 2 the two demands are on one slope.) The source asks
//! n_L >= 3 n_0 too; the proof does not.
//!
//! **Lower bound (Theorem 7).** With n_1 = 2m and n_l = w for l >= 2, some network has at
//! least 2 sum_{j<=n_0-1} C(m-1, j) (w+1)^{L-1} regions. *Proof*: as for
//! [`arora`](super::arora), with the fold into w + 1 intervals, which needs w >= 3 in all
//! layers but the last. The source says w >= 2; for w = 2 and L >= 3 this proof does not
//! reach it, and the formula is not given there.
//!
//! ```
//! use chambers::theory::{formula::WORK, serra};
//! // One input and widths of at least 3: the bounds meet, prod (n_l + 1).
//! assert_eq!(serra::upper(1, &[3, 4, 5], WORK), Ok(120u32.into()));
//! assert_eq!(serra::lower(1, &[3, 4, 5], WORK), Ok(120u32.into()));
//! // A second layer of rank 1 makes parallel hyperplanes.
//! assert_eq!(serra::upper_with_ranks(4, &[6, 6], &[4, 1], WORK), Ok(399u32.into()));
//! assert_eq!(serra::zonotope_lower(2, &[6, 3, 3], WORK), Ok((6 * 4 * 4u32).into()));
//! ```

use num_bigint::BigUint;
use num_traits::{One, Zero};

use super::arora::cones;
use super::binomial;
use super::catalogue::{Counts, Entry, Kind, Verified};
use super::formula::{Formula, Work, assume, last_width};
use super::montufar::folds;

const SOURCE: &str = "Serra, Tjandraatmadja, Ramalingam 2018, Bounding and counting linear regions \
                      of deep neural networks";

/// What is known of [`upper`].
pub static UPPER: Entry = Entry {
    id: "serra2018-upper",
    name: "Serra et al. 2018, upper (Theorem 1)",
    source: SOURCE,
    kind: Kind::Upper,
    counts: Counts::LinearRegions,
    assumptions: "none",
    verified: Verified::Proved,
};

/// What is known of [`lower`].
pub static LOWER: Entry = Entry {
    id: "serra2018-lower",
    name: "Serra et al. 2018, lower (Theorem 6)",
    source: SOURCE,
    kind: Kind::Lower,
    counts: Counts::LinearRegions,
    assumptions: "fully connected, n_l >= 3 n_0 for every layer before the last; on the \
                  maximum over weights",
    verified: Verified::Proved,
};

/// What is known of [`zonotope_lower`].
pub static ZONOTOPE_LOWER: Entry = Entry {
    id: "serra2018-zonotope-lower",
    name: "Serra et al. 2018, lower (Theorem 7)",
    source: SOURCE,
    kind: Kind::Lower,
    counts: Counts::LinearRegions,
    assumptions: "fully connected, n_1 >= 2, n_l >= 3 for 2 <= l < L (the source: n_1 even, all \
                  other widths equal and at least 2); on the maximum over weights",
    verified: Verified::Proved,
};

/// One layer, as the recursion sees it.
struct Layer {
    width: u64,
    /// The most hyperplanes that meet properly, r_l.
    rank: u64,
    /// Before this layer the rank of the map is in this range.
    before: (u64, u64),
}

/// The bound of Theorem 1 without ranks. O(sum_l d_l) multiplications, where d_l is the
/// number of ranks that layer l's input can have: 1 while n_l >= 2 n_0, at most n_0 + 1.
///
/// # Errors
/// When it takes more than `work`.
pub fn upper(inputs: u64, widths: &[u64], work: u64) -> Formula<BigUint> {
    upper_with_ranks(inputs, widths, widths, work)
}

/// The bound of Theorem 1 with the rank of each layer's weights.
///
/// # Errors
/// When there is not one rank for each layer, or it takes more than `work`.
pub fn upper_with_ranks(inputs: u64, widths: &[u64], ranks: &[u64], work: u64) -> Formula<BigUint> {
    assume(widths.len() == ranks.len(), || {
        format!("{} ranks for {} layers", ranks.len(), widths.len())
    })?;
    let work = &mut Work::new(work);
    let (mut low, mut high) = (inputs, inputs);
    let mut layers = Vec::with_capacity(widths.len());
    for (&width, &rank) in widths.iter().zip(ranks) {
        let rank = rank.min(width);
        layers.push(Layer {
            width,
            rank,
            before: (low, high),
        });
        // Ranks stay, or become n - j for some j <= min(rank, high).
        low = low.min(width - rank.min(high));
        high = high.min(width);
    }
    // F_{L+1}, then F_L, ..., F_1, on the ranks from `low` on.
    work.spend((high - low).saturating_mul(64))?;
    let mut bound = vec![BigUint::one(); (high - low + 1) as usize];
    let mut tables = None;
    for layer in layers.iter().rev() {
        let used = layer.tables(tables, work)?;
        bound = layer.before(&used, low, &bound, work)?;
        tables = Some(used);
        low = layer.before.0;
    }
    Ok(bound.swap_remove(0))
}

/// The binomials that a layer takes; layers that are alike take the same.
struct Tables {
    width: u64,
    /// C(n, 0) + ... + C(n, a) for the a in this range.
    kept: (u64, u64),
    sums: Vec<BigUint>,
    /// C(n, 0), ..., C(n, cut), where ranks can fall.
    cut: Option<u64>,
    binomials: Vec<BigUint>,
}

impl Layer {
    /// The most units that can be inactive on cells of rank `d` before the layer.
    fn cuts(&self, d: u64) -> u64 {
        d.min(self.rank)
    }

    /// The most inactive units with which the rank stays `d`, if it can.
    fn kept(&self, d: u64) -> Option<u64> {
        let spare = self.width.checked_sub(d)?;
        Some(spare.min(self.cuts(d)))
    }

    /// The tables of this layer, or those of the layer after it if they are the same.
    fn tables(&self, after: Option<Tables>, work: &mut Work) -> Formula<Tables> {
        let kept = || (self.before.0..=self.before.1).filter_map(|d| self.kept(d));
        let kept = (kept().min().unwrap_or(0), kept().max().unwrap_or(0));
        let cut = self.cuts(self.before.1);
        let cut = (self.before.1 > self.width - cut).then_some(cut);
        if let Some(tables) = after
            && (tables.width, tables.kept, tables.cut) == (self.width, kept, cut)
        {
            return Ok(tables);
        }
        Ok(Tables {
            width: self.width,
            kept,
            sums: binomial::partial_sums(self.width, kept.0, kept.1, work)?,
            cut,
            binomials: match cut {
                Some(cut) => binomial::row(self.width, cut, work)?,
                None => Vec::new(),
            },
        })
    }

    /// F_l on the range of ranks before the layer, from F_{l+1} on the ranks from `low` on.
    /// For rank d, with m = min(d, r): up to j = min(m, n - d) the rank stays d; beyond, up
    /// to m, it becomes k = n - j, one of n - m, ..., min(n, d - 1).
    fn before(
        &self,
        tables: &Tables,
        low: u64,
        after: &[BigUint],
        work: &mut Work,
    ) -> Formula<Vec<BigUint>> {
        let n = self.width;
        let at = |rank: u64| &after[(rank - low) as usize];
        let least = n - self.cuts(self.before.1);
        // The sums of C(n, k) F_{l+1}(k) over least <= k < least + i.
        let mut reduced = vec![BigUint::zero()];
        if tables.cut.is_some() {
            for k in least..=n.min(self.before.1) {
                let term = work.product(&tables.binomials[(n - k) as usize], at(k))?;
                let sum = term + &reduced[reduced.len() - 1];
                work.touch(&sum)?;
                reduced.push(sum);
            }
        }
        let reduced_below = |k: u64| &reduced[(k - least) as usize];
        let mut bound = Vec::new();
        for d in self.before.0..=self.before.1 {
            let mut value = match self.kept(d) {
                Some(kept) => {
                    let sum = &tables.sums[(kept - tables.kept.0) as usize];
                    work.product(sum, at(d))?
                }
                None => BigUint::zero(),
            };
            let from = n - self.cuts(d);
            let end = d.min(n.saturating_add(1));
            if from < end {
                value += reduced_below(end) - reduced_below(from);
            }
            work.touch(&value)?;
            bound.push(value);
        }
        Ok(bound)
    }
}

/// The lower bound of Theorem 6, on the maximum over weights.
///
/// # Errors
/// When some n_l < 3 n_0 for l < L, there are no inputs or no layers, or it takes more than
/// `work`.
pub fn lower(inputs: u64, widths: &[u64], work: u64) -> Formula<BigUint> {
    let work = &mut Work::new(work);
    let last = last_width(inputs, widths)?;
    let mut factors = Vec::with_capacity(widths.len());
    for (layer, fold) in (1..).zip(folds(inputs, widths)?) {
        assume(fold >= 3, || {
            format!("layer {layer} has fewer than three units for each input")
        })?;
        factors.push(work.power(&(BigUint::from(fold) + 1u32), inputs)?);
    }
    factors.push(binomial::sum(last, inputs, work)?);
    work.product_of(factors)
}

/// The lower bound of Theorem 7, on the maximum over weights, for all widths that its proof
/// reaches.
///
/// # Errors
/// When the first layer has fewer than two units, one between the first and the last fewer
/// than three, there are no inputs or no layers, or it takes more than `work`.
pub fn zonotope_lower(inputs: u64, widths: &[u64], work: u64) -> Formula<BigUint> {
    let work = &mut Work::new(work);
    let mut factors = vec![cones(inputs, widths, work)?];
    for (layer, &width) in (1..).zip(widths).skip(1) {
        assume(width >= 3 || layer == widths.len(), || {
            format!("layer {layer} has {width} units; a fold into one more takes three")
        })?;
        factors.push(BigUint::from(width) + 1u32);
    }
    work.product_of(factors)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theory::formula::{NoValue, WORK};
    use crate::theory::montufar;

    /// The sum over J, by the letter.
    fn by_the_letter(inputs: u64, widths: &[u64], ranks: &[u64]) -> BigUint {
        fn sum(limit: u64, widths: &[u64], ranks: &[u64], work: &mut Work) -> BigUint {
            let [width, rest @ ..] = widths else {
                return BigUint::one();
            };
            let term = |j: u64, work: &mut Work| {
                let binomial = binomial::binomial(*width, j, work).unwrap();
                binomial * sum(limit.min(width - j), rest, &ranks[1..], work)
            };
            (0..=limit.min(ranks[0])).map(|j| term(j, work)).sum()
        }
        sum(inputs, widths, ranks, &mut Work::new(u64::MAX))
    }

    #[test]
    fn the_recursion_is_the_sum_over_j() {
        for a in 0..7 {
            for b in 0..7 {
                for c in 0..5 {
                    for inputs in 0..6 {
                        let widths = [a, b, c];
                        assert_eq!(
                            upper(inputs, &widths, WORK).unwrap(),
                            by_the_letter(inputs, &widths, &widths),
                            "{inputs} {widths:?}"
                        );
                        let ranks = [a / 2, b - b / 3, c.min(1)];
                        assert_eq!(
                            upper_with_ranks(inputs, &widths, &ranks, WORK).unwrap(),
                            by_the_letter(inputs, &widths, &ranks),
                            "{inputs} {widths:?} {ranks:?}"
                        );
                    }
                }
            }
        }
    }

    /// The reference values of T2: (4, 6, 2 d_2).
    #[test]
    fn reference_values_are_met() {
        let serra = [228, 817, 2424, 6001, 12852, 24633, 43352, 71369];
        let montufar = [228u32, 912, 3249, 9291, 22002, 45258, 83847, 143469];
        for (d, (serra, montufar)) in (1u64..).zip(serra.into_iter().zip(montufar)) {
            let widths = [6, 2 * d];
            assert_eq!(upper(4, &widths, WORK), Ok(BigUint::from(serra as u32)));
            assert_eq!(montufar::upper_2017(4, &widths, WORK), Ok(montufar.into()));
            let all = montufar::upper_2014(4, &widths, WORK).unwrap();
            assert_eq!(all, BigUint::one() << (6 + 2 * d));
        }
    }

    #[test]
    fn large_networks_do_not_hang() {
        // One rank all the way: the product of Montufar 2017.
        let widths = vec![10_000; 100];
        assert_eq!(
            upper(784, &widths, WORK).unwrap(),
            montufar::upper_2017(784, &widths, WORK).unwrap()
        );
        assert_eq!(upper(10_000, &widths, 1 << 20), Err(NoValue::TooLarge));
        assert!(upper(100, &[100; 100], WORK).is_ok());
        assert_eq!(
            upper(u64::MAX, &[u64::MAX; 3], 1 << 20),
            Err(NoValue::TooLarge)
        );
        // Three regions where the first unit is active, one where it is not.
        assert_eq!(upper(u64::MAX, &[1, 2], WORK), Ok(4u32.into()));
    }

    #[test]
    fn what_does_not_apply_is_refused() {
        for widths in [&[][..], &[2, 9]] {
            assert!(matches!(
                lower(1, widths, WORK),
                Err(NoValue::Assumption(_))
            ));
        }
        assert!(lower(0, &[3, 3], WORK).is_err());
        assert!(zonotope_lower(1, &[1, 3], WORK).is_err());
        assert!(zonotope_lower(1, &[2, 2, 2], WORK).is_err());
        assert_eq!(zonotope_lower(1, &[2, 2], WORK), Ok(6u32.into()));
        assert!(upper_with_ranks(1, &[2, 2], &[1], WORK).is_err());
        assert_eq!(upper(3, &[], WORK), Ok(BigUint::one()));
    }
}
