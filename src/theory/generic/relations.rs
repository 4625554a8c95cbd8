//! Proofs that units are dependent, whatever the weights.
//!
//! Write the layer by phases: with stride s, a tap a pixels from the first (with
//! dilation) stands at offset m = floor(a / s) of phase r = a mod s. Then unit (k, p)
//! is sum_{r,c} sum_m w_k(r, c, m) X_{r,c}(p + m), with one image X_{r,c} for each
//! phase and channel; let there be D of them. A relation of the units is a family of
//! polynomials u_k, supported on the positions, with sum_k u_k W_{k,j} = 0 for each of
//! the D columns j. For any D + 1 filters T, the minors of the (D + 1) x D matrix W_T,
//! with alternating signs, are such a family (Cramer); so are its shifts, as long as
//! they stay on the grid. With D = 1 this is w_2 * row_1 = w_1 * row_2: convolutions
//! commute. Padding removes inputs, which keeps every relation.
//!
//! Special relations touch fewer units:
//!
//! - *A tap is eliminated.* For D + 2 filters T and a tap, the minors of W_T with the
//!   weights of that tap as one more column are relations too. To subtract this column,
//!   shifted to its tap, from that of W_T changes no minor: the supports are those of
//!   filters without the tap.
//! - *Twisted multiples.* With D = 1, w_2 * row_1 = w_1 * row_2 may be multiplied by
//!   V(x, y) = W_1(-x, y), or with other signs or W_2. As W_1(x, y) V(x, y) does not
//!   change with x, its odd powers of x are not there.
//!
//! Let G be a set of such relations, of generic rank g, and E a set of units. Those
//! combinations of G that are zero outside E form a space of dimension at least
//! g - h, where h is the rank of G on the units outside; and h is at most the size of
//! a largest matching of relations to units outside that they touch. So *E is
//! dependent if g > h*, which two facts decide that do not depend on luck: the rank
//! of G at some weights, a lower bound on g, and the matching. The other proof is
//! Hall's condition: units that cannot be matched to different inputs are dependent.

use std::collections::BTreeMap;

use super::minor::Work;
use super::orbits::{Matching, Span};
use crate::arithmetic::prime::{PRIME, cross};

/// A polynomial in two variables: its exponents, with structural zeros left out.
pub(super) type Polynomial = BTreeMap<[usize; 2], u64>;

/// A relation of units.
struct Relation {
    /// The units that it can touch, as bits.
    units: u128,
    /// Its coefficient at every unit, at the weights drawn.
    coefficients: Vec<u64>,
}

/// The relations of a layer that are known for all weights.
pub(super) struct Relations {
    filters: usize,
    /// The inputs that each unit sees, as bits; units position by position.
    windows: Vec<u128>,
    /// For every set of filters, as bits, the shifts of its relation.
    by_filters: Vec<(u64, Vec<Relation>)>,
    /// Relations that touch fewer units.
    special: Vec<Relation>,
    /// Filters in each relation, less one.
    columns: usize,
}

/// More columns would have determinants of too many terms.
const MAX_COLUMNS: usize = 5;

/// More filters would have too many sets.
const MAX_FILTERS: usize = 16;

impl Relations {
    /// The relations of a layer with these positions, and for every filter and column
    /// this polynomial; `None` when there are too many of them.
    pub(super) fn new(
        places: &[[usize; 2]],
        windows: &[u128],
        filters: &[Vec<Polynomial>],
        work: &mut Work,
    ) -> Option<Relations> {
        if filters.len() > MAX_FILTERS {
            return None;
        }
        let columns = filters.first().map_or(0, Vec::len);
        let mut relations = Relations {
            filters: filters.len(),
            windows: windows
                .iter()
                .flat_map(|&window| vec![window; filters.len()])
                .collect(),
            by_filters: Vec::new(),
            special: Vec::new(),
            columns,
        };
        if columns > MAX_COLUMNS {
            return Some(relations);
        }
        let grid = Grid {
            places,
            filters: filters.len(),
        };
        for members in subsets(filters.len(), columns + 1) {
            let rows: Vec<Vec<Polynomial>> = members.iter().map(|&k| filters[k].clone()).collect();
            let set = members.iter().fold(0, |set, &k| set | 1 << k);
            let relation = alternating_minors(&rows, work)?;
            relations
                .by_filters
                .push((set, grid.shifts(&members, &relation, work)?));
            if columns == 1 {
                let twisted = grid.twisted(&members, filters, work)?;
                relations.special.extend(twisted);
            }
        }
        let taps = (0..columns).flat_map(|j| filters[0][j].keys().map(move |&tap| (j, tap)));
        for (j, tap) in taps {
            for members in subsets(filters.len(), columns + 2) {
                let row = |&k: &usize| {
                    let mut row = filters[k].clone();
                    let weight = row[j].remove(&tap).expect("all filters have all taps");
                    row.push(BTreeMap::from([([0, 0], weight)]));
                    row
                };
                let rows: Vec<Vec<Polynomial>> = members.iter().map(row).collect();
                let relation = alternating_minors(&rows, work)?;
                relations
                    .special
                    .extend(grid.shifts(&members, &relation, work)?);
            }
        }
        Some(relations)
    }

    /// The coefficients of every relation.
    #[cfg(test)]
    pub(super) fn all(&self) -> impl Iterator<Item = &[u64]> {
        let shifts = self.by_filters.iter().flat_map(|(_, relations)| relations);
        shifts
            .chain(&self.special)
            .map(|relation| &relation.coefficients[..])
    }

    /// Whether the units, as bits, are dependent by one of the proofs above; `false`
    /// says nothing.
    pub(super) fn prove_dependent(&self, units: u128, work: &mut Work) -> Option<bool> {
        let chosen = || (0..self.windows.len()).filter(|unit| units >> unit & 1 == 1);
        let windows: Vec<u128> = chosen().map(|unit| self.windows[unit]).collect();
        work.spend(windows.len())?;
        if Matching::new(&windows).size() < windows.len() {
            return Some(true);
        }
        work.spend(self.special.len())?;
        if self
            .special
            .iter()
            .any(|relation| relation.units & !units == 0)
        {
            return Some(true);
        }
        let used = chosen().fold(0u64, |used, unit| used | 1 << (unit % self.filters));
        // All relations together, and those that share all filters but one: these are
        // independent.
        let within = self.by_filters.iter().filter(|(set, _)| set & !used == 0);
        let within: Vec<&(u64, Vec<Relation>)> = within.collect();
        let full = self.columns as u32;
        let centres = (0u64..1 << self.filters)
            .filter(|centre| centre & !used == 0 && centre.count_ones() == full);
        for centre in [0].into_iter().chain(centres) {
            let family = within.iter().filter(|(set, _)| centre & !set == 0);
            let family: Vec<&Relation> = family.flat_map(|(_, relations)| relations).collect();
            if self.proves(&family, units, work)? {
                return Some(true);
            }
        }
        Some(false)
    }

    /// Whether some of these relations have a combination that is zero outside.
    fn proves(&self, family: &[&Relation], units: u128, work: &mut Work) -> Option<bool> {
        let outside: Vec<u128> = family
            .iter()
            .map(|relation| relation.units & !units)
            .collect();
        work.spend(family.len() * family.len() + 1)?;
        let matching = Matching::new(&outside);
        if matching.size() == family.len() {
            return Some(false);
        }
        // Those that an alternating path joins to an unmatched one: together they touch
        // fewer units outside than they are.
        let few = matching.coloops(&outside);
        let few: Vec<usize> = (0..family.len()).filter(|&k| !few[k]).collect();
        let touched = few.iter().fold(0, |touched, &k| touched | outside[k]);
        let mut span = Span::default();
        for &k in &few {
            span.add(family[k].coefficients.clone(), work)?;
        }
        Some(span.rank() > touched.count_ones() as usize)
    }
}

/// The sets of so many numbers below `len`.
fn subsets(len: usize, size: usize) -> Vec<Vec<usize>> {
    if size == 0 {
        return vec![Vec::new()];
    }
    let with_last = |last: usize| {
        subsets(last, size - 1).into_iter().map(move |mut set| {
            set.push(last);
            set
        })
    };
    (size - 1..len).flat_map(with_last).collect()
}

/// Where units stand.
struct Grid<'a> {
    places: &'a [[usize; 2]],
    filters: usize,
}

impl Grid<'_> {
    /// The relation with these polynomials, one for each member, at every place at
    /// which it stays on the grid. One that is zero at the weights drawn may always be
    /// and is left out.
    fn shifts(
        &self,
        members: &[usize],
        relation: &[Polynomial],
        work: &mut Work,
    ) -> Option<Vec<Relation>> {
        work.spend(self.places.len() * self.places.len() * self.filters)?;
        let shifted = |shift: &[usize; 2]| {
            let mut shifted = Relation {
                units: 0,
                coefficients: vec![0; self.places.len() * self.filters],
            };
            for (&filter, polynomial) in members.iter().zip(relation) {
                for (exponent, &value) in polynomial {
                    let place = [shift[0] + exponent[0], shift[1] + exponent[1]];
                    let position = self.places.iter().position(|&p| p == place)?;
                    let unit = position * self.filters + filter;
                    shifted.units |= 1 << unit;
                    shifted.coefficients[unit] = value;
                }
            }
            let is_zero = shifted.coefficients.iter().all(|&value| value == 0);
            (!is_zero).then_some(shifted)
        };
        Some(self.places.iter().filter_map(shifted).collect())
    }

    /// The relation `W_j row_i = W_i row_j` of two members times V, where V is one of
    /// W_i(+-x, +-y), W_j(+-x, +-y).
    fn twisted(
        &self,
        members: &[usize],
        filters: &[Vec<Polynomial>],
        work: &mut Work,
    ) -> Option<Vec<Relation>> {
        let mut found = Vec::new();
        for &twisted in members {
            for flips in 1usize..4 {
                let flips: [usize; 2] = [flips & 1, flips >> 1];
                let odd = |at: &[usize; 2]| (at[0] * flips[0] + at[1] * flips[1]) % 2 == 1;
                let negative = |value: u64| (PRIME - value) % PRIME;
                let factor: Polynomial = filters[twisted][0]
                    .iter()
                    .map(|(tap, &value)| (*tap, if odd(tap) { negative(value) } else { value }))
                    .collect();
                let mut multiple = |&k: &usize| {
                    let mut product = product(&factor, &filters[k][0], work)?;
                    if k == twisted {
                        // Pairs of taps cancel.
                        product.retain(|exponent, _| !odd(exponent));
                    }
                    Some(product)
                };
                let first = multiple(&members[1])?;
                let mut second = multiple(&members[0])?;
                second
                    .values_mut()
                    .for_each(|value| *value = negative(*value));
                found.extend(self.shifts(members, &[first, second], work)?);
            }
        }
        Some(found)
    }
}

/// The minors of a matrix of one row more than columns, with alternating signs: they
/// combine the rows to zero.
fn alternating_minors(rows: &[Vec<Polynomial>], work: &mut Work) -> Option<Vec<Polynomial>> {
    let minor = |left_out: usize| {
        let rest = rows.iter().enumerate().filter(|(k, _)| *k != left_out);
        let rest: Vec<&[Polynomial]> = rest.map(|(_, row)| &row[..]).collect();
        let mut minor = determinant(&rest, 0, work)?;
        if left_out % 2 == 1 {
            minor
                .values_mut()
                .for_each(|value| *value = (PRIME - *value) % PRIME);
        }
        Some(minor)
    };
    (0..rows.len()).map(minor).collect()
}

/// The determinant of a matrix of polynomials without its first `column` columns, by
/// the next one.
fn determinant(rows: &[&[Polynomial]], column: usize, work: &mut Work) -> Option<Polynomial> {
    if rows.is_empty() {
        return Some(BTreeMap::from([([0, 0], 1)]));
    }
    let mut sum = Polynomial::new();
    for (k, row) in rows.iter().enumerate() {
        let others: Vec<&[Polynomial]> = [&rows[..k], &rows[k + 1..]].concat();
        let cofactor = determinant(&others, column + 1, work)?;
        for (exponent, value) in product(&row[column], &cofactor, work)? {
            let entry = sum.entry(exponent).or_default();
            let sign = if k % 2 == 0 { PRIME - 1 } else { 1 };
            *entry = cross(*entry, 1, value, sign);
        }
    }
    Some(sum)
}

/// The product; exponents that occur stay even where the terms cancel.
fn product(a: &Polynomial, b: &Polynomial, work: &mut Work) -> Option<Polynomial> {
    work.spend(a.len() * b.len() + 1)?;
    let mut product = Polynomial::new();
    for (i, &x) in a {
        for (j, &y) in b {
            let entry = product.entry([i[0] + j[0], i[1] + j[1]]).or_default();
            *entry = cross(x, y, *entry, PRIME - 1);
        }
    }
    Some(product)
}
