//! Dictionaries of whole numbers: exact, and as fast as floats.
//!
//! Where the rows are short whole numbers up to powers of two, a dictionary's values are whole
//! numbers, too, over one denominator, the determinant of its basis (Edmonds 1967): minors of
//! the rows. They are held in floats. As long as no value exceeds [`LARGEST`] in magnitude, nothing
//! is rounded in a pivot; a dictionary that comes out with a larger one is still exact, but
//! *full*: the cell goes on with floats.
//!
//! Every sign in such a dictionary is true, zeros included:
//!
//! - A row without entries below zero is a certificate that the row is not negative on the cell,
//!   with the basis as constraints and the entries as multipliers (Farkas).
//! - Ratio tests are exact: quotients of whole numbers up to 2^25 that differ do so by a factor
//!   of at least 1 + 2^-50, and so do their floats. A walk that starts at a vertex
//!   of the cell stays on its vertices, and a sign seen there, or at the end of a ray, is taken
//!   inside the cell.
//! - A hyperplane with points of the closed cell on both sides cuts it, as cells have inner points.
//!   So both sides of a split have inner points: a cell needs no witness.

use super::{Dictionary, Name, Whole, fill};
use crate::arithmetic::float::power_of_two;
use crate::arithmetic::lanes::LANES;
use crate::search::engine::kernels::{self, LARGEST, padded};
use crate::search::engine::path::Path;
use crate::search::level::Level;
use crate::search::rows::FloatRow;

/// Rows are whole numbers below 2^20, so that sums of products with up to [`MOST`] numbers up to
/// [`LARGEST`] are below 2^53.
const SHORT: i64 = 1 << 20;
const MOST: usize = 255;

impl Dictionary {
    /// Whether the values are whole numbers, and all that they say is exact.
    #[inline]
    pub fn is_whole(&self) -> bool {
        self.whole.denominator != 0.0
    }

    /// Whether the numbers became too large, or were not whole: before anything else the
    /// dictionary has to be refreshed.
    #[inline]
    pub fn is_full(&self) -> bool {
        self.whole.full
    }

    /// The denominator of all values.
    pub fn denominator(&self) -> f64 {
        match self.is_whole() {
            true => self.whole.denominator,
            false => 1.0,
        }
    }

    /// Rows are at most this many times those of ordinary size.
    pub fn factor(&self) -> f64 {
        match self.is_whole() {
            true => self.whole.factor,
            false => 1.0,
        }
    }

    /// Whether a constraint outside the basis is zero at the vertex.
    pub fn is_tight(&self) -> bool {
        let values = &self.constraint_entries(self.dimension)[..self.constraints.len()];
        values.contains(&0.0)
    }

    /// Computes all values as whole numbers. False where they are not, or where the vertex is
    /// none of the cell; the values are useless then.
    pub(super) fn refresh_whole(&mut self, level: &Level, path: &Path) -> bool {
        let Some((coordinates, denominator)) = self.whole_inverse(level, path) else {
            return false;
        };
        self.lay_out(self.candidates.len().min(1));
        let (d, first) = (self.dimension, self.first_coordinate);
        let columns = self.values.chunks_exact_mut(self.stride);
        for (column, from) in columns.zip(&coordinates) {
            column[first..first + d].copy_from_slice(from);
        }
        self.whole.denominator = denominator;
        let (place, block) = (self.first_constraint, self.inverse().1);
        let (values, names) = (&mut self.values, &self.constraints);
        let row = |place: u32| path.row(place as usize).entries;
        fill(values, block, place, names, row, denominator);
        let constraint = |place: u32| factor(&level.row(path.ids()[place as usize]));
        let names = std::mem::take(&mut self.constraints);
        let known = self.make_whole(place, &names, constraint);
        self.constraints = names;
        let known = known && self.fill_whole_candidates(level) && self.is_feasible();
        if !known {
            self.whole = Whole::default();
        }
        known
    }

    /// The coordinates' part of each column and of the constants, and the denominator.
    fn whole_inverse(&mut self, level: &Level, path: &Path) -> Option<(Vec<Vec<f64>>, f64)> {
        let d = self.dimension;
        if d > MOST {
            return None;
        }
        let first = padded(d);
        // A dictionary of which the coordinates are the basis, and its rows those of the basis.
        let stride = (2 * first).max(LANES);
        let mut values = vec![0.0; (d + 1) * stride];
        for k in 0..d {
            values[k * stride + first + k] = 1.0;
        }
        self.whole = Whole::default();
        for (place, name) in self.columns.iter().enumerate() {
            let (id, entries) = match *name {
                Name::Constraint(place) => {
                    (path.ids()[place as usize], path.row(place as usize).entries)
                }
                Name::Candidate(class) => {
                    let id = level.id(class as usize);
                    (id, level.own_vector(class as usize).entries)
                }
            };
            let factor = factor(&level.row(id))?;
            self.whole.factor = self.whole.factor.max(factor);
            for (column, entry) in entries[..=d].iter().enumerate() {
                values[column * stride + place] = entry * factor;
            }
        }
        let mut denominator = 1.0;
        for place in 0..d {
            // Gauss-Jordan elimination: any pivot will do.
            let pivot = (place..d).find(|column| values[column * stride + place] != 0.0)?;
            let (before, after) = values.split_at_mut((place + 1) * stride);
            if pivot > place {
                let other = &mut after[(pivot - place - 1) * stride..][..stride];
                before[place * stride..].swap_with_slice(other);
            }
            let largest;
            (denominator, largest) =
                kernels::pivot_whole(&mut values, stride, place, place, denominator);
            if largest > LARGEST {
                return None;
            }
        }
        let columns = values.chunks_exact(stride);
        let coordinates = columns.map(|column| column[first..first + d].to_vec());
        Some((coordinates.collect(), denominator))
    }

    /// Computes the candidates' rows; false where they are no short whole numbers.
    pub(super) fn fill_whole_candidates(&mut self, level: &Level) -> bool {
        self.fill_candidates(level, self.whole.denominator);
        let candidates = std::mem::take(&mut self.candidates);
        let row = |class: u32| factor(&level.row(level.id(class as usize)));
        let known = self.make_whole(0, &candidates, row);
        self.candidates = candidates;
        known
    }

    /// Multiplies rows, from `first` on, by what makes them whole. False where that is not
    /// known, or where a value is too large.
    fn make_whole(
        &mut self,
        first: usize,
        names: &[u32],
        factor: impl Fn(u32) -> Option<f64>,
    ) -> bool {
        for (number, names) in names.chunks(LANES).enumerate() {
            let mut factors = [1.0; LANES];
            for (to, &name) in factors.iter_mut().zip(names) {
                let Some(factor) = factor(name) else {
                    return false;
                };
                *to = factor;
                self.whole.factor = self.whole.factor.max(factor);
            }
            if factors != [1.0; LANES] {
                let first = first + number * LANES;
                kernels::scale_rows(&mut self.values, self.stride, first, &factors);
            }
        }
        kernels::largest(&self.values) <= LARGEST
    }

    pub(super) fn pivot_whole(&mut self, row: usize, column: usize) {
        debug_assert!(!self.is_full());
        let before = self.whole.denominator;
        let (denominator, largest) =
            kernels::pivot_whole(&mut self.values, self.stride, row, column, before);
        self.whole.denominator = denominator;
        self.whole.full = largest > LARGEST;
    }

    /// Whether the signs in the row of candidate `k` prove that it has this sign all over the
    /// cell: multipliers and a constant that are not negative. A hyperplane's row is not zero.
    pub fn is_one_sided(&self, k: usize, sign: i32) -> bool {
        let sign = f64::from(sign);
        self.entries(k).all(|entry| sign * entry >= 0.0)
    }

    /// The constraints of the basis that candidate `k` depends on.
    pub fn support(&self, k: usize) -> impl Iterator<Item = u32> {
        let needed = move |(column, place)| (self.entry(k, column) != 0.0).then_some(place);
        self.basis().enumerate().filter_map(needed)
    }
}

/// The power of two that makes a row whole, where its numbers are short.
fn factor(row: &FloatRow) -> Option<f64> {
    if !row.exact {
        return None;
    }
    let mut bits = 0;
    for entry in row.center {
        let scaled = entry * SHORT as f64;
        // In range, and a float that is not whole is another.
        let whole = scaled as i64;
        if whole as f64 != scaled {
            return None;
        }
        bits |= whole.unsigned_abs();
    }
    // The largest coefficient is from 1 on, and below 2.
    let zeros = bits.trailing_zeros().min(SHORT.trailing_zeros());
    let short = bits >> zeros < SHORT as u64;
    short.then(|| power_of_two(i64::from(SHORT.trailing_zeros() - zeros)))
}

#[cfg(test)]
mod tests {
    use num_bigint::BigInt;
    use num_traits::{Signed, Zero};

    use super::*;
    use crate::arithmetic::Rational;
    use crate::arithmetic::lanes::plain_only::both;
    use crate::search::engine::dictionary::Walk;
    use crate::search::engine::samples::{Random, id, rational, solution, with_level};
    use crate::search::engine::views::Views;

    /// Every row is what the columns say, in exact arithmetic, and the vertex is one of the cell.
    fn check(dictionary: &Dictionary, level: &Level, path: &Path) {
        let d = dictionary.dimension;
        let exact = |entries: &[f64], factor: Option<f64>| -> Vec<Rational> {
            let factor = rational(factor.expect("known to be whole"));
            let entries = entries[..=d].iter();
            entries.map(|entry| rational(*entry) * &factor).collect()
        };
        let of_place = |place: u32| {
            let row = level.row(path.ids()[place as usize]);
            exact(path.row(place as usize).entries, factor(&row))
        };
        let of_class = |class: u32| {
            let row = level.row(level.id(class as usize));
            exact(level.own_vector(class as usize).entries, factor(&row))
        };
        let basis: Vec<Vec<Rational>> = dictionary
            .columns
            .iter()
            .map(|name| match *name {
                Name::Constraint(place) => of_place(place),
                Name::Candidate(class) => of_class(class),
            })
            .collect();
        let denominator = rational(dictionary.denominator());
        assert!(denominator.is_positive() && denominator.is_integer());
        let agrees = |row: Vec<Rational>, entries: Vec<f64>| {
            for (k, entry) in row.iter().enumerate() {
                let terms = basis.iter().zip(&entries);
                let sum: Rational = terms.map(|(row, a)| &row[k] * rational(*a)).sum();
                let constant = if k == d {
                    rational(entries[d])
                } else {
                    Rational::zero()
                };
                assert_eq!(sum + constant, entry * &denominator);
            }
        };
        for (k, &class) in dictionary.candidates.iter().enumerate() {
            agrees(of_class(class), dictionary.entries(k).collect());
        }
        for (k, &place) in dictionary.constraints.iter().enumerate() {
            let entry = |column| dictionary.constraint_entries(column)[k];
            assert!(entry(d) >= 0.0, "the vertex is none of the cell");
            agrees(of_place(place), (0..=d).map(entry).collect());
        }
    }

    /// Walks through cells whose rows are short or long whole numbers, degenerate or not: all is
    /// exact as long as the dictionary says so, up to the largest numbers it takes.
    #[test]
    fn whole_dictionaries_are_exact() {
        both(|| {
            let random = &mut Random(23);
            let (mut whole, mut full, mut refused, mut sides, mut entered) = (0, 0, 0, 0, 0);
            let mut nearest = 0.0;
            for _ in 0..1_500 {
                let d = 1 + random.below(6) as usize;
                let size = BigInt::from(1u64 << random.below(3 + 24 / d as u64));
                let count = 2 * d + 4;
                let rows: Vec<Vec<Rational>> = (0..count)
                    .map(|_| {
                        let unit = rational(power_of_two(random.below(40) as i64 - 20));
                        let mut row: Vec<Rational> = (0..=d)
                            .map(|_| {
                                let number = BigInt::from(random.next() >> 1) % (&size * 2 + 1);
                                Rational::from_integer(number - &size) * &unit
                            })
                            .collect();
                        // A hyperplane.
                        if row[..d].iter().all(Zero::is_zero) {
                            row[0] = unit;
                        }
                        row
                    })
                    .collect();
                let matrix = rows[..d].iter().map(|row| row[..d].to_vec()).collect();
                let right = rows[..d].iter().map(|row| -row[d].clone()).collect();
                let Some(vertex) = solution(matrix, right) else {
                    continue;
                };
                // Constraints are positive or zero at the vertex of the first d.
                let negated = |row: &Vec<Rational>| {
                    let terms = row.iter().zip(&vertex).map(|(a, x)| a * x);
                    (terms.sum::<Rational>() + &row[d]).is_negative()
                };
                let mut state = Random(random.next());
                with_level(&rows, random, |level| {
                    let mut path = Path::new(d);
                    for (k, row) in rows[..2 * d].iter().enumerate() {
                        path.push(level, id(level, k, k >= d && negated(row)));
                    }
                    let columns = (0..d as u32).map(Name::Constraint).collect();
                    let constraints = (d as u32..2 * d as u32).collect();
                    let classes: Vec<u32> = (2 * d as u32..count as u32).collect();
                    let Some(mut dictionary) =
                        Dictionary::new(level, &path, columns, constraints, classes)
                    else {
                        return;
                    };
                    if !dictionary.is_whole() {
                        refused += 1;
                        return;
                    }
                    whole += 1;
                    let mut views = Views::default();
                    views.begin(dictionary.candidates.len());
                    dictionary.make_room(&mut Dictionary::default());
                    for _ in 0..12 {
                        check(&dictionary, level, &path);
                        nearest = kernels::largest(&dictionary.values).max(nearest);
                        if dictionary.is_full() {
                            full += 1;
                            assert!(kernels::largest(&dictionary.values) > LARGEST);
                            return;
                        }
                        let k = state.below(dictionary.candidates.len() as u64) as usize;
                        let sign = if state.below(2) == 0 { 1 } else { -1 };
                        if dictionary.descend(k, sign, &mut views) == Walk::Minimum {
                            // No edge leads down: where the vertex is not below zero, nothing is.
                            let least = dictionary.value(k) * f64::from(sign);
                            assert_eq!(dictionary.is_one_sided(k, sign), least >= 0.0);
                            sides += 1;
                        }
                    }
                    if !dictionary.is_full() && dictionary.enter(0).is_some() {
                        check(&dictionary, level, &path);
                        entered += 1;
                    }
                });
            }
            assert!(nearest > LARGEST / 8.0, "{nearest}");
            let seen = [whole, full, refused, sides, entered];
            assert!(seen.iter().all(|count| *count > 10), "{seen:?}");
        });
    }
}
