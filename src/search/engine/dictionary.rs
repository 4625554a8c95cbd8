//! The simplex dictionary of a cell, in floats. It proposes and proves nothing: every
//! answer that matters goes through [`super::certify`]. Where all rows are short whole numbers
//! it is exact ([`whole`]), and what it says needs no other proof.
//!
//! A dictionary expresses the candidate hyperplanes, the cell's other constraints and
//! the coordinates as affine functions of the values of d constraints, its basis;
//! where those are zero lies a vertex of the cell. It is stored by columns, so that the
//! loops over all rows are loops over consecutive floats.

mod whole;

use nalgebra::DMatrix;

use super::kernels::{self, Block, padded};
use super::path::Path;
use super::views::Views;
use crate::arithmetic::lanes::LANES;
use crate::search::level::Level;

/// Proposals treat magnitudes up to this as zero; rows are of size 1. Too large or
/// too small a value costs time, never correctness.
pub const PROPOSAL_ZERO: f64 = 1e-9;

/// What a row or a column stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Name {
    /// A constraint, by its place on the path.
    Constraint(u32),
    /// A hyperplane of the current level without a side, by its class.
    Candidate(u32),
}

/// A float dictionary.
#[derive(Clone, Debug, Default)]
pub struct Dictionary {
    dimension: usize,
    /// d columns, then the constants; in each first the candidates, then the constraints
    /// outside the basis, from [`Dictionary::first_constraint`] on, then the coordinates,
    /// from `first_coordinate` on. Unused rows are zero.
    values: Vec<f64>,
    /// Memory for other values.
    spare: Vec<f64>,
    /// Rows of a column.
    stride: usize,
    first_constraint: usize,
    first_coordinate: usize,
    /// The basis: one hyperplane a column.
    columns: Vec<Name>,
    candidates: Vec<u32>,
    constraints: Vec<u32>,
    /// Pivots since the values were last computed from the rows themselves.
    age: u32,
    whole: Whole,
}

/// What is known of a dictionary whose values are whole numbers.
#[derive(Clone, Copy, Debug, Default)]
struct Whole {
    /// The denominator of all values, or zero where they are floats.
    denominator: f64,
    /// What the float rows are multiplied by at most.
    factor: f64,
    /// Whether a number is too large to go on.
    full: bool,
}

/// How a walk along the cell's edges ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Walk {
    /// The candidate was seen with a sign that it had not shown before.
    NewSign,
    /// No edge leads further: the vertex is a minimum.
    Minimum,
    /// Too many steps.
    Stuck,
}

impl Dictionary {
    /// The dictionary in which the rows `columns` are the basis. `None` when floats
    /// cannot tell them from dependent rows.
    pub fn new(
        level: &Level,
        path: &Path,
        columns: Vec<Name>,
        constraints: Vec<u32>,
        candidates: Vec<u32>,
    ) -> Option<Self> {
        let mut dictionary = Dictionary {
            dimension: columns.len(),
            columns,
            candidates,
            constraints,
            ..Dictionary::default()
        };
        let known = dictionary.refresh_whole(level, path) || dictionary.refresh(level, path);
        known.then_some(dictionary)
    }

    /// Room for how many numbers it has.
    pub fn room(&self) -> usize {
        self.values.capacity() + self.spare.capacity()
    }

    /// d.
    pub fn dimension(&self) -> usize {
        self.dimension
    }

    /// The basis.
    pub fn columns(&self) -> &[Name] {
        &self.columns
    }

    /// Says what a column stands for from now on.
    pub fn rename(&mut self, column: usize, name: Name) {
        self.columns[column] = name;
    }

    /// The constraints of the basis, by their places on the path.
    pub fn basis(&self) -> impl Iterator<Item = u32> + '_ {
        self.columns.iter().filter_map(|name| match name {
            Name::Constraint(place) => Some(*place),
            Name::Candidate(_) => None,
        })
    }

    /// The hyperplanes that may still cut the cell, by their classes.
    pub fn candidates(&self) -> &[u32] {
        &self.candidates
    }

    /// Constraints outside the basis.
    pub fn constraints(&self) -> &[u32] {
        &self.constraints
    }

    /// Pivots since the values were last computed from the rows themselves.
    pub fn age(&self) -> u32 {
        self.age
    }

    fn column(&self, column: usize) -> &[f64] {
        &self.values[column * self.stride..][..self.stride]
    }

    /// What multiplies a column, or with column d the constants, in each coordinate.
    pub fn coordinates(&self, column: usize) -> &[f64] {
        &self.column(column)[self.first_coordinate..][..self.dimension]
    }

    /// The inverse of the basis: where it stands in these columns.
    pub fn inverse(&self) -> (&[f64], Block) {
        let block = Block {
            stride: self.stride,
            first: self.first_coordinate,
            len: padded(self.dimension),
        };
        (&self.values, block)
    }

    /// What multiplies the columns in a candidate, and after them the constant.
    pub fn entries(&self, candidate: usize) -> impl Iterator<Item = f64> {
        let columns = self.values.chunks_exact(self.stride);
        columns.map(move |column| column[candidate])
    }

    /// Multiples of the columns, one factor each, added up: those of the constraints and
    /// those of the coordinates, filled up with zeros.
    pub fn along<'s>(&self, factors: &[f64], sums: &'s mut Vec<f64>) -> (&'s mut [f64], &'s [f64]) {
        sums.resize(self.stride, 0.0);
        kernels::sum_of_columns(sums, &self.values, factors);
        let (before, coordinates) = sums.split_at_mut(self.first_coordinate);
        (&mut before[self.first_constraint..], coordinates)
    }

    /// The coordinates of the vertex, times the denominator, filled up with zeros.
    pub fn vertex(&self) -> &[f64] {
        &self.column(self.dimension)[self.first_coordinate..]
    }

    /// The constraints outside the basis, filled up with zeros: where they stand in these columns.
    pub fn constraint_block(&self) -> (&[f64], Block) {
        let block = Block {
            stride: self.stride,
            first: self.first_constraint,
            len: self.first_coordinate - self.first_constraint,
        };
        (&self.values, block)
    }

    /// What multiplies a column in each of them.
    pub fn constraint_entries(&self, column: usize) -> &[f64] {
        &self.column(column)[self.first_constraint..self.first_coordinate]
    }

    /// What multiplies a column in a candidate.
    #[inline]
    pub fn entry(&self, candidate: usize, column: usize) -> f64 {
        self.values[column * self.stride + candidate]
    }

    /// The value of a candidate at the vertex.
    #[inline]
    pub fn value(&self, candidate: usize) -> f64 {
        self.entry(candidate, self.dimension)
    }

    /// Makes room: values are undefined afterwards.
    fn lay_out(&mut self, more: usize) {
        self.first_constraint = padded(self.candidates.len());
        self.first_coordinate = self.first_constraint + padded(self.constraints.len() + more);
        self.stride = (self.first_coordinate + padded(self.dimension)).max(LANES);
        self.values.clear();
        self.values.resize((self.dimension + 1) * self.stride, 0.0);
    }

    /// Becomes a copy of `other` with room for `more` candidates to become constraints.
    pub fn copy(&mut self, other: &Dictionary, more: usize) {
        self.dimension = other.dimension;
        self.age = other.age;
        self.whole = other.whole;
        self.columns.clone_from(&other.columns);
        self.candidates.clone_from(&other.candidates);
        self.constraints.clone_from(&other.constraints);
        self.first_constraint = padded(self.candidates.len());
        let kept = padded(self.constraints.len());
        let room = padded(self.constraints.len() + more);
        self.first_coordinate = self.first_constraint + room;
        self.stride = (self.first_coordinate + padded(self.dimension)).max(LANES);
        self.values.resize((self.dimension + 1) * self.stride, 0.0);
        let copy = |values: &mut [f64], to: usize, from: usize, len: usize| {
            let (into, stride) = (self.stride, other.stride);
            let to = Block {
                stride: into,
                first: to,
                len,
            };
            let block = Block {
                stride,
                first: from,
                len,
            };
            kernels::copy(values, to, &other.values, block);
        };
        let values = &mut self.values;
        copy(values, 0, 0, self.first_constraint);
        copy(values, self.first_constraint, other.first_constraint, kept);
        if kept < room {
            for column in values.chunks_exact_mut(self.stride) {
                column[self.first_constraint + kept..self.first_coordinate].fill(0.0);
            }
        }
        let coordinates = padded(self.dimension);
        copy(
            values,
            self.first_coordinate,
            other.first_coordinate,
            coordinates,
        );
    }

    /// Sees to it that a candidate can become a constraint.
    pub fn make_room(&mut self, scratch: &mut Dictionary) {
        if self.first_constraint + self.constraints.len() == self.first_coordinate {
            scratch.copy(self, 1);
            std::mem::swap(self, scratch);
        }
    }

    /// Computes all values anew from the rows. False when the basis is singular as
    /// far as floats can tell; the values are then useless.
    pub fn refresh(&mut self, level: &Level, path: &Path) -> bool {
        let d = self.dimension;
        let entries = |name: &Name| match name {
            Name::Constraint(place) => path.row(*place as usize).entries,
            Name::Candidate(class) => level.own_vector(*class as usize).entries,
        };
        let basis = DMatrix::from_fn(d, d, |j, k| entries(&self.columns[j])[k]);
        let Some(inverse) = basis.try_inverse() else {
            return false;
        };
        self.lay_out(self.candidates.len().min(1));
        let offsets: Vec<f64> = self.columns.iter().map(|name| entries(name)[d]).collect();
        let (stride, first) = (self.stride, self.first_coordinate);
        for k in 0..d {
            for j in 0..d {
                self.values[j * stride + first + k] = inverse[(k, j)];
                self.values[d * stride + first + k] -= inverse[(k, j)] * offsets[j];
            }
        }
        let (constraints, place) = (self.constraints.as_slice(), self.first_constraint);
        let coordinates = self.inverse().1;
        let row = |place: u32| path.row(place as usize).entries;
        fill(&mut self.values, coordinates, place, constraints, row, 1.0);
        self.fill_candidates(level, 1.0);
        self.age = 0;
        self.whole = Whole::default();
        self.values.iter().all(|value| value.is_finite())
    }

    fn fill_candidates(&mut self, level: &Level, denominator: f64) {
        let coordinates = self.inverse().1;
        let row = |class: u32| level.own_entries(class as usize);
        let (values, names) = (&mut self.values, &self.candidates);
        fill(values, coordinates, 0, names, row, denominator);
    }

    /// Replaces the candidates (by now none) by the rows of another level.
    pub fn add_candidates(&mut self, level: &Level, candidates: &[u32]) {
        debug_assert!(self.candidates.is_empty());
        std::mem::swap(&mut self.values, &mut self.spare);
        let block = |dictionary: &Dictionary, first, len| Block {
            stride: dictionary.stride,
            first,
            len,
        };
        let constraints = padded(self.constraints.len());
        let coordinates = padded(self.dimension);
        let from = [
            block(self, self.first_constraint, constraints),
            block(self, self.first_coordinate, coordinates),
        ];
        self.candidates.extend_from_slice(candidates);
        self.lay_out(1);
        let to = [
            block(self, self.first_constraint, constraints),
            block(self, self.first_coordinate, coordinates),
        ];
        for (to, from) in to.into_iter().zip(from) {
            kernels::copy(&mut self.values, to, &self.spare, from);
        }
        if self.is_whole() {
            self.whole.full |= !self.fill_whole_candidates(level);
        } else {
            self.fill_candidates(level, 1.0);
        }
    }

    /// Drops a candidate; the last one takes its place.
    pub fn remove_candidate(&mut self, k: usize) {
        let last = self.candidates.len() - 1;
        self.candidates.swap_remove(k);
        for column in self.values.chunks_exact_mut(self.stride) {
            column[k] = column[last];
            column[last] = 0.0;
        }
    }

    /// Which of the first 64 candidates have entries of one sign only, and which of these
    /// have none below zero.
    pub fn one_sided(&self) -> (u64, u64) {
        let block = Block {
            stride: self.stride,
            first: 0,
            len: self.first_constraint,
        };
        let (above, below) = kernels::one_sided(&self.values, block);
        let candidates = self.candidates.len();
        let all = if candidates < 64 {
            (1 << candidates) - 1
        } else {
            !0
        };
        ((above | below) & all, above)
    }

    /// Drops constraints that follow from the basis, as far as floats can tell: they stay
    /// on the path, where witnesses are held against them.
    pub fn drop_redundant(&mut self) {
        let (values, block) = self.constraint_block();
        let Block { stride, first, .. } = block;
        let rows = self.constraints.len().min(64);
        let mut found = kernels::one_sided(values, block).0;
        // The last first: what takes its place is not to be dropped.
        found &= if rows < 64 { (1 << rows) - 1 } else { !0 };
        while found != 0 {
            let k = 63 - found.leading_zeros() as usize;
            found ^= 1 << k;
            self.constraints.swap_remove(k);
            let last = first + self.constraints.len();
            for column in self.values.chunks_exact_mut(stride) {
                column[first + k] = column[last];
                column[last] = 0.0;
            }
        }
    }

    /// The candidate to split on. Any will do; the one farthest from the vertex makes the
    /// fewest cells, the middle of a long list keeps the tree shallow where hyperplanes
    /// come sorted, as parallel ones often do.
    pub fn split_candidate(&self) -> usize {
        const LONG: usize = 64;
        let candidates = self.candidates.len();
        if candidates > LONG {
            return candidates / 2;
        }
        let values = &self.column(self.dimension)[..candidates];
        let mut farthest = 0;
        for (k, value) in values.iter().enumerate() {
            if value.abs() > values[farthest].abs() {
                farthest = k;
            }
        }
        farthest
    }

    /// Turns column `column` to the other side of its hyperplane.
    pub fn flip(&mut self, column: usize) {
        let start = column * self.stride;
        for value in &mut self.values[start..start + self.stride] {
            *value = -*value;
        }
    }

    /// Whether the vertex satisfies all constraints, as far as floats can tell, or exactly.
    pub fn is_feasible(&self) -> bool {
        let coordinates = self.coordinates(self.dimension);
        let size = coordinates.iter().fold(1.0, |max: f64, x| max.max(x.abs()));
        let values = self.constraint_entries(self.dimension);
        let zero = if self.is_whole() {
            0.0
        } else {
            1e3 * PROPOSAL_ZERO * size
        };
        values.iter().all(|value| *value >= -zero)
    }

    /// Adds the vertex to the views.
    pub fn look(&self, views: &mut Views) {
        self.look_at(self.dimension, views);
    }

    /// Adds to the views what `column` holds: the vertex, or the end of a ray.
    fn look_at(&self, column: usize, views: &mut Views) {
        views.add(&self.column(column)[..self.candidates.len()]);
    }

    /// The first constraint that ends the edge along `column`, and how far away. When
    /// cautious, the least of several.
    fn blocking(&self, column: usize, cautious: bool) -> Option<(usize, f64)> {
        let slopes = self.constraint_entries(column);
        let values = self.constraint_entries(self.dimension);
        let found = kernels::first_to_vanish(slopes, values, PROPOSAL_ZERO);
        if !cautious {
            return found;
        }
        let (_, least) = found?;
        let tied = (0..self.constraints.len())
            .filter(|&k| slopes[k] < -PROPOSAL_ZERO && values[k].max(0.0) / -slopes[k] <= least);
        let first = tied.min_by_key(|&k| self.constraints[k]);
        first.map(|row| (row, least))
    }

    /// The edge along which `sign` times candidate `k` falls: the steepest one, or,
    /// when cautious, the one of the least constraint. The edges that leave a candidate
    /// in the basis are not there.
    #[inline]
    fn falling(&self, k: usize, sign: f64, cautious: bool) -> Option<usize> {
        let mut best = -PROPOSAL_ZERO;
        let mut found: Option<usize> = None;
        for (column, name) in self.columns.iter().enumerate() {
            let slope = sign * self.entry(k, column);
            if slope < best && matches!(name, Name::Constraint(_)) {
                if !cautious {
                    best = slope;
                    found = Some(column);
                } else if found.is_none_or(|other| *name < self.columns[other]) {
                    found = Some(column);
                }
            }
        }
        found
    }

    fn patience(&self) -> usize {
        20 + 2 * (self.dimension + self.constraints.len())
    }

    /// Walks downhill for `sign` times candidate `k` until it shows the opposite
    /// sign, a minimum is reached, or patience ends. Least-index pivots in the second half
    /// make cycles unlikely; nothing relies on it.
    pub fn descend(&mut self, k: usize, sign: i32, views: &mut Views) -> Walk {
        let patience = self.patience();
        for step in 0..patience {
            if self.is_full() {
                break;
            }
            let cautious = 2 * step > patience;
            let Some(column) = self.falling(k, sign.into(), cautious) else {
                return Walk::Minimum;
            };
            match self.blocking(column, cautious) {
                None => {
                    self.look_at(column, views);
                    views.tell(k, -sign);
                    return Walk::NewSign;
                }
                Some((row, _)) => self.exchange(row, column),
            }
            self.look(views);
            if views.has(k, -sign) {
                return Walk::NewSign;
            }
        }
        Walk::Stuck
    }

    /// Walks to a vertex on candidate `k`, which cuts the cell, and takes it into the
    /// basis; candidates in the basis stay there. Gives its column, or `None` when no
    /// edge leads to it.
    pub fn enter(&mut self, k: usize) -> Option<usize> {
        let patience = self.patience();
        for step in 0..patience {
            if self.is_full() {
                break;
            }
            let value = self.value(k);
            let sign = if value >= 0.0 { 1.0 } else { -1.0 };
            let cautious = 2 * step > patience;
            let (column, reach) = match self.falling(k, sign, cautious) {
                Some(column) => (column, -value / self.entry(k, column)),
                None if value.abs() <= PROPOSAL_ZERO => {
                    let size = |column: usize| self.entry(k, column).abs();
                    let steepest = (0..self.dimension)
                        .filter(|&column| matches!(self.columns[column], Name::Constraint(_)))
                        .max_by(|&a, &b| size(a).total_cmp(&size(b)))?;
                    if size(steepest) <= PROPOSAL_ZERO {
                        return None;
                    }
                    (steepest, 0.0)
                }
                None => return None,
            };
            match self.blocking(column, cautious) {
                Some((row, nearer)) if nearer < reach => self.exchange(row, column),
                _ => {
                    self.exchange_candidate(k, column);
                    return Some(column);
                }
            }
        }
        None
    }

    /// Exchanges a row and a column.
    #[inline]
    fn pivot(&mut self, row: usize, column: usize) {
        if self.is_whole() {
            return self.pivot_whole(row, column);
        }
        kernels::pivot(&mut self.values, self.stride, row, column);
        self.age += 1;
    }

    /// Exchanges a constraint outside the basis and a column.
    #[inline]
    fn exchange(&mut self, constraint: usize, column: usize) {
        self.pivot(self.first_constraint + constraint, column);
        if let Name::Constraint(place) = &mut self.columns[column] {
            std::mem::swap(place, &mut self.constraints[constraint]);
        }
    }

    /// Takes a candidate into the basis; the constraint in the column leaves it.
    fn exchange_candidate(&mut self, k: usize, column: usize) {
        let Name::Constraint(place) = self.columns[column] else {
            unreachable!("candidates stay in the basis")
        };
        self.pivot(k, column);
        let to = self.first_constraint + self.constraints.len();
        assert!(to < self.first_coordinate, "room was made");
        let last = self.candidates.len() - 1;
        for column in self.values.chunks_exact_mut(self.stride) {
            column[to] = column[k];
            column[k] = column[last];
            column[last] = 0.0;
        }
        self.constraints.push(place);
        self.columns[column] = Name::Candidate(self.candidates.swap_remove(k));
    }
}

/// Computes rows of a dictionary from those of the coordinates, from row `first` on;
/// `entries` gives those of a row by its name. What is left of the last four becomes zero.
/// All values have this denominator.
#[inline]
fn fill<'r>(
    values: &mut [f64],
    coordinates: Block,
    first: usize,
    names: &[u32],
    entries: impl Fn(u32) -> &'r [f64],
    denominator: f64,
) {
    let (fours, rest) = names.as_chunks::<LANES>();
    for (number, &[a, b, c, d]) in fours.iter().enumerate() {
        let rows = [entries(a), entries(b), entries(c), entries(d)];
        kernels::fill(
            values,
            coordinates,
            first + number * LANES,
            rows,
            denominator,
        );
    }
    if let Some(&last) = rest.last() {
        let first = first + fours.len() * LANES;
        let row = |lane: usize| entries(*rest.get(lane).unwrap_or(&last));
        let rows = [row(0), row(1), row(2), row(3)];
        kernels::fill(values, coordinates, first, rows, denominator);
        for column in values.chunks_exact_mut(coordinates.stride) {
            column[first + rest.len()..first + LANES].fill(0.0);
        }
    }
}

/// What kind of row a value stands in.
#[cfg(test)]
pub enum Place {
    Candidate,
    Constraint,
    Coordinate,
}

#[cfg(test)]
impl Dictionary {
    /// All values, for tests that falsify them.
    pub fn values_mut(&mut self) -> impl Iterator<Item = (Place, &mut f64)> {
        let stride = self.stride;
        let (constraint, coordinate) = (self.first_constraint, self.first_coordinate);
        let (candidates, dimension) = (self.candidates.len(), self.dimension);
        let place = move |row: usize| {
            if row < candidates {
                Some(Place::Candidate)
            } else if row >= constraint && row < coordinate {
                Some(Place::Constraint)
            } else if row >= coordinate && row < coordinate + dimension {
                Some(Place::Coordinate)
            } else {
                None
            }
        };
        let numbered = self.values.iter_mut().enumerate();
        numbered.filter_map(move |(index, value)| Some((place(index % stride)?, value)))
    }
}
