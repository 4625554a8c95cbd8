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
    /// Filters in each relation, less one.
    columns: usize,
}

/// More columns would have determinants of too many terms.
const MAX_COLUMNS: usize = 5;

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
            columns,
        };
        if columns > MAX_COLUMNS {
            return relations;
        }
        for set in 0u64..1 << filters.len() {
            if set.count_ones() as usize != columns + 1 {
                continue;
            }
            let members: Vec<usize> = (0..filters.len()).filter(|k| set >> k & 1 == 1).collect();
            let minors: Vec<Polynomial> = (0..members.len())
                .map(|left_out| {
                    let rows = members.iter().enumerate().filter(|(k, _)| *k != left_out);
                    let rows: Vec<&[Polynomial]> = rows.map(|(_, &k)| &filters[k][..]).collect();
                    let mut minor = determinant(&rows);
                    if left_out % 2 == 1 {
                        minor
                            .values_mut()
                            .for_each(|value| *value = (PRIME - *value) % PRIME);
                    }
                    minor
                })
                .collect();
            let shifted = |shift: &[usize; 2]| {
                let mut relation = Relation {
                    units: 0,
                    coefficients: vec![0; places.len() * filters.len()],
                };
                for (&filter, minor) in members.iter().zip(&minors) {
                    for (exponent, &value) in minor {
                        let place = [shift[0] + exponent[0], shift[1] + exponent[1]];
                        let position = places.iter().position(|&p| p == place)?;
                        let unit = position * filters.len() + filter;
                        relation.units |= 1 << unit;
                        relation.coefficients[unit] = value;
                    }
                }
                Some(relation)
            };
            relations
                .by_filters
                .push((set, places.iter().filter_map(shifted).collect()));
        }
        relations
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
            for (a, &x) in &row[column] {
                for (b, &y) in &cofactor {
                    let entry = sum.entry([a[0] + b[0], a[1] + b[1]]).or_default();
                    *entry = if k % 2 == 0 {
                        cross(x, y, *entry, PRIME - 1)
                    } else {
                        cross(*entry, 1, x, y)
                    };
                }
            }
        }
        sum
    }
    minor(rows, 0)
}
