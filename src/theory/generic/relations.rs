//! Proofs that units are dependent, whatever the weights.
//!
//! Write the layer by phases: with stride s and dilation, tap a of a filter stands
//! at offset m = floor(a / s) of phase r = a mod s, so that unit (k, p) is
//! sum_{r,c} sum_m w_k(r, c, m) X_{r,c}(p + m), with one image X_{r,c} for each phase
//! and channel; let there be D of them. A relation of the units is then a family of
//! polynomials u_k, supported on the positions, with sum_k u_k W_{k,j} = 0 for each of
//! the D columns j. For any D + 1 filters T, the minors of the (D + 1) x D matrix W_T,
//! with alternating signs, are such a family (Cramer); so are its shifts, as long as
//! they stay on the grid. With D = 1 this is w_2 * row_1 = w_1 * row_2: convolutions
//! commute. Padding removes inputs, which keeps every relation.
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

/// Taps that are eliminated at once.
const MAX_TAPS: usize = 1;

impl Relations {
    /// The relations of a layer with these positions, and for every filter and column
    /// this polynomial.
    pub(super) fn new(
        places: &[[usize; 2]],
        windows: &[u128],
        filters: &[Vec<Polynomial>],
    ) -> Relations {
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
            return relations;
        }
        let grid = Grid {
            places,
            filters: filters.len(),
        };
        for members in subsets(filters.len(), columns + 1) {
            let rows: Vec<Vec<Polynomial>> = members.iter().map(|&k| filters[k].clone()).collect();
            let set = members.iter().fold(0, |set, &k| set | 1 << k);
            let relation = alternating_minors(&rows);
            relations
                .by_filters
                .push((set, grid.shifts(&members, &relation)));
            if columns == 1 {
                relations.special.extend(grid.twisted(&members, filters));
            }
        }
        let taps: Vec<(usize, [usize; 2])> = (0..columns)
            .flat_map(|j| filters[0][j].keys().map(move |&tap| (j, tap)))
            .collect();
        for more in 1..=MAX_TAPS {
            for taps in subsets(taps.len(), more)
                .iter()
                .map(|set| set.iter().map(|&k| taps[k]))
            {
                for members in subsets(filters.len(), columns + 1 + more) {
                    let row = |&k: &usize| {
                        let mut row = filters[k].clone();
                        for (j, tap) in taps.clone() {
                            let weight = row[j].remove(&tap).expect("all filters have all taps");
                            row.push(BTreeMap::from([([0, 0], weight)]));
                        }
                        row
                    };
                    let rows: Vec<Vec<Polynomial>> = members.iter().map(row).collect();
                    let relation = alternating_minors(&rows);
                    relations.special.extend(grid.shifts(&members, &relation));
                }
            }
        }
        relations
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
        let within: Vec<&(u64, Vec<Relation>)> = self
            .by_filters
            .iter()
            .filter(|(set, relations)| set & !used == 0 && !relations.is_empty())
            .collect();
        // All relations together, and those that share all filters but one: these are
        // independent.
        let mut families = vec![u64::MAX];
        for centre in 0u64..1 << self.filters {
            if centre & !used == 0 && centre.count_ones() as usize == self.columns {
                families.push(centre);
            }
        }
        for centre in families {
            let family: Vec<&Relation> = within
                .iter()
                .filter(|(set, _)| centre == u64::MAX || centre & !set == 0)
                .flat_map(|(_, relations)| relations)
                .collect();
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
    /// which it stays on the grid.
    fn shifts(&self, members: &[usize], relation: &[Polynomial]) -> Vec<Relation> {
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
            Some(shifted)
        };
        self.places.iter().filter_map(shifted).collect()
    }

    /// The relation `W_j row_i = W_i row_j` of two members times V, where V is one of
    /// W_i(+-x, +-y), W_j(+-x, +-y).
    fn twisted(&self, members: &[usize], filters: &[Vec<Polynomial>]) -> Vec<Relation> {
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
                let multiple = |&k: &usize| {
                    let mut product = product(&factor, &filters[k][0]);
                    if k == twisted {
                        // Pairs of taps cancel.
                        product.retain(|exponent, _| !odd(exponent));
                    }
                    product
                };
                let first = multiple(&members[1]);
                let mut second = multiple(&members[0]);
                second
                    .values_mut()
                    .for_each(|value| *value = negative(*value));
                found.extend(self.shifts(members, &[first, second]));
            }
        }
        found
    }
}

/// The minors of a matrix of one row more than columns, with alternating signs: they
/// combine the rows to zero.
fn alternating_minors(rows: &[Vec<Polynomial>]) -> Vec<Polynomial> {
    let minor = |left_out: usize| {
        let rest = rows.iter().enumerate().filter(|(k, _)| *k != left_out);
        let rest: Vec<&[Polynomial]> = rest.map(|(_, row)| &row[..]).collect();
        let mut minor = determinant(&rest);
        if left_out % 2 == 1 {
            minor
                .values_mut()
                .for_each(|value| *value = (PRIME - *value) % PRIME);
        }
        minor
    };
    (0..rows.len()).map(minor).collect()
}

/// The product, its structural zeros left out.
fn product(a: &Polynomial, b: &Polynomial) -> Polynomial {
    let mut product = Polynomial::new();
    for (i, &x) in a {
        for (j, &y) in b {
            let entry = product.entry([i[0] + j[0], i[1] + j[1]]).or_default();
            *entry = cross(x, y, *entry, PRIME - 1);
        }
    }
    product
}

/// The determinant of a square matrix of polynomials, by its first column.
fn determinant(rows: &[&[Polynomial]]) -> Polynomial {
    fn minor(rows: &[&[Polynomial]], column: usize) -> Polynomial {
        if rows.is_empty() {
            return BTreeMap::from([([0, 0], 1)]);
        }
        let mut sum = Polynomial::new();
        for (k, row) in rows.iter().enumerate() {
            let others: Vec<&[Polynomial]> = [&rows[..k], &rows[k + 1..]].concat();
            let cofactor = minor(&others, column + 1);
            for (exponent, value) in product(&row[column], &cofactor) {
                let entry = sum.entry(exponent).or_default();
                let sign = if k % 2 == 0 { PRIME - 1 } else { 1 };
                *entry = cross(*entry, 1, value, sign);
            }
        }
        sum
    }
    minor(rows, 0)
}
