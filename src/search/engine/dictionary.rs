//! The float simplex dictionary of a cell. It proposes and proves nothing: every
//! answer that matters goes through [`super::certify`].
//!
//! A dictionary expresses the coordinates, the cell's other constraints and the
//! candidate hyperplanes as affine functions of the values of d constraints, its
//! basis; where those are zero lies a vertex of the cell.

use nalgebra::DMatrix;
use smallvec::{SmallVec, smallvec};

use crate::search::level::{Level, RowId};

/// Proposals treat magnitudes up to this as zero; rows are of size 1. Too large or
/// too small a value costs time, never correctness.
pub const PROPOSAL_ZERO: f64 = 1e-9;

/// A float dictionary; rows in the order coordinates, constraints, candidates.
#[derive(Clone, Debug)]
pub struct Dictionary {
    dimension: usize,
    /// Row-major, `dimension + 1` entries a row, the constant last.
    values: Vec<f64>,
    /// The basis: one constraint a column.
    columns: Vec<RowId>,
    /// Constraints, then candidates.
    rows: Vec<RowId>,
    constraints: usize,
    /// Pivots since the values were last computed from the rows themselves.
    age: u32,
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

/// The points of the closed cell that were visited, vertices and ends of rays, with
/// the sign of every candidate there. Points stay useful below: those on its side of
/// a split belong to a child, too, and save it the walk there.
#[derive(Clone, Debug, Default)]
pub struct Views {
    candidates: SmallVec<[Seen; 16]>,
    /// Points so far. From [`LAST_VIEW`] on they share a bit, and so count as one
    /// point that lies wherever any of them lies.
    points: u32,
}

/// Signs of one candidate: bit v tells of point v.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    positive: u64,
    negative: u64,
    /// Signs that are known without a point, one bit each; not for children.
    told: u8,
}

const LAST_VIEW: u32 = 63;

impl Views {
    /// No points yet, of this many candidates.
    pub fn new(candidates: usize) -> Self {
        Views {
            candidates: smallvec![Seen::default(); candidates],
            points: 0,
        }
    }

    /// Whether candidate `k` has been seen with this sign (1 or -1).
    pub fn has(&self, k: usize, sign: i32) -> bool {
        let seen = &self.candidates[k];
        if sign > 0 {
            seen.positive != 0 || seen.told & 1 != 0
        } else {
            seen.negative != 0 || seen.told & 2 != 0
        }
    }

    /// Notes a sign (1 or -1) that candidate `k` is known to take on the cell.
    pub fn tell(&mut self, k: usize, sign: i32) {
        self.candidates[k].told |= if sign > 0 { 1 } else { 2 };
    }

    /// Notes the signs of all candidates at one more point.
    fn add(&mut self, values: impl Iterator<Item = f64>) {
        let point = self.points.min(LAST_VIEW);
        for (seen, value) in self.candidates.iter_mut().zip(values) {
            seen.positive |= u64::from(value > PROPOSAL_ZERO) << point;
            seen.negative |= u64::from(value < -PROPOSAL_ZERO) << point;
        }
        self.points += 1;
    }

    /// Drops candidate `k`; the last one takes its place.
    pub fn remove(&mut self, k: usize) {
        self.candidates.swap_remove(k);
    }

    /// Splits at candidate `k`, as [`Dictionary::enter`] does: the views of the
    /// positive and of the negative side.
    pub fn split(mut self, k: usize) -> (Views, Views) {
        self.candidates.swap(0, k);
        let Seen {
            positive, negative, ..
        } = self.candidates.remove(0);
        let mut other = self.clone();
        self.keep(!negative);
        other.keep(!positive);
        (self, other)
    }

    fn keep(&mut self, points: u64) {
        for seen in &mut self.candidates {
            seen.positive &= points;
            seen.negative &= points;
            seen.told = 0;
        }
    }
}

impl Dictionary {
    /// The dictionary in which the rows `columns` are the basis. `None` when floats
    /// cannot tell them from dependent rows.
    pub fn new(
        level: &Level,
        columns: Vec<RowId>,
        constraints: &[RowId],
        candidates: impl Iterator<Item = RowId>,
    ) -> Option<Self> {
        let mut rows = constraints.to_vec();
        rows.extend(candidates);
        let mut dictionary = Dictionary {
            dimension: columns.len(),
            values: Vec::new(),
            columns,
            rows,
            constraints: constraints.len(),
            age: 0,
        };
        dictionary.refresh(level).then_some(dictionary)
    }

    /// d.
    pub fn dimension(&self) -> usize {
        self.dimension
    }

    /// The basis.
    pub fn columns(&self) -> &[RowId] {
        &self.columns
    }

    /// The constraints outside the basis.
    pub fn constraints(&self) -> &[RowId] {
        &self.rows[..self.constraints]
    }

    /// All constraints, the basis first.
    pub fn constraint_ids(&self) -> impl Iterator<Item = RowId> + '_ {
        self.columns.iter().chain(self.constraints()).copied()
    }

    /// One of [`Dictionary::constraint_ids`].
    pub fn constraint_id(&self, index: usize) -> RowId {
        match index.checked_sub(self.dimension) {
            None => self.columns[index],
            Some(row) => self.constraints()[row],
        }
    }

    /// The hyperplanes that may still cut the cell.
    pub fn candidates(&self) -> &[RowId] {
        &self.rows[self.constraints..]
    }

    /// Pivots since the values were last computed from the rows themselves.
    pub fn age(&self) -> u32 {
        self.age
    }

    fn width(&self) -> usize {
        self.dimension + 1
    }

    fn line(&self, row: usize) -> &[f64] {
        let width = self.width();
        &self.values[row * width..(row + 1) * width]
    }

    /// A coordinate as a function of the basis.
    pub fn coordinate(&self, k: usize) -> &[f64] {
        self.line(k)
    }

    /// A constraint outside the basis as a function of the basis.
    pub fn constraint(&self, k: usize) -> &[f64] {
        self.line(self.dimension + k)
    }

    /// A candidate as a function of the basis.
    pub fn candidate(&self, k: usize) -> &[f64] {
        self.line(self.dimension + self.constraints + k)
    }

    /// Computes all values anew from the rows. False when the basis is singular as
    /// far as floats can tell; the values are then useless.
    pub fn refresh(&mut self, level: &Level) -> bool {
        let (d, width) = (self.dimension, self.width());
        let sign = |id: &RowId| if id.negated { -1.0 } else { 1.0 };
        let mut basis = DMatrix::zeros(d, d);
        let mut offsets = vec![0.0; d];
        for (j, id) in self.columns.iter().enumerate() {
            let row = level.row(*id);
            for (k, entry) in row.center[..d].iter().enumerate() {
                basis[(j, k)] = sign(id) * entry;
            }
            offsets[j] = sign(id) * row.center[d];
        }
        let Some(inverse) = basis.try_inverse() else {
            return false;
        };
        self.values.clear();
        self.values.resize((d + self.rows.len()) * width, 0.0);
        for k in 0..d {
            let line = &mut self.values[k * width..(k + 1) * width];
            for j in 0..d {
                line[j] = inverse[(k, j)];
                line[d] -= inverse[(k, j)] * offsets[j];
            }
        }
        for r in 0..self.rows.len() {
            self.fill(level, r);
        }
        self.age = 0;
        self.values.iter().all(|value| value.is_finite())
    }

    /// Computes row `r` (constraints, then candidates) from the coordinates' rows.
    fn fill(&mut self, level: &Level, r: usize) {
        let (d, width) = (self.dimension, self.width());
        let id = self.rows[r];
        let row = level.row(id);
        let (coordinates, others) = self.values.split_at_mut(d * width);
        let line = &mut others[r * width..(r + 1) * width];
        line.fill(0.0);
        for (entry, coordinate) in row.center[..d].iter().zip(coordinates.chunks_exact(width)) {
            if *entry != 0.0 {
                for (value, own) in line.iter_mut().zip(coordinate) {
                    *value += entry * own;
                }
            }
        }
        line[d] += row.center[d];
        if id.negated {
            line.iter_mut().for_each(|value| *value = -*value);
        }
    }

    /// Replaces the candidates (by now none) by the rows of another level.
    pub fn add_candidates(&mut self, level: &Level, candidates: impl Iterator<Item = RowId>) {
        debug_assert_eq!(self.constraints, self.rows.len());
        self.rows.extend(candidates);
        let width = self.width();
        self.values
            .resize((self.dimension + self.rows.len()) * width, 0.0);
        for r in self.constraints..self.rows.len() {
            self.fill(level, r);
        }
    }

    /// Drops a candidate; the last one takes its place.
    pub fn remove_candidate(&mut self, k: usize) {
        let width = self.width();
        let row = self.constraints + k;
        self.rows.swap_remove(row);
        let (from, to) = (
            (self.dimension + self.rows.len()) * width,
            (self.dimension + row) * width,
        );
        self.values.copy_within(from..from + width, to);
        self.values.truncate(from);
    }

    /// The candidate to split on. Any will do; benches/search.rs needs the fewest
    /// instructions with a fixed place in the list in up to four dimensions, and
    /// beyond with the one farthest from the vertex. The middle of a long list keeps
    /// the tree shallow where hyperplanes come sorted, as parallel ones often do.
    pub fn split_candidate(&self) -> usize {
        const LONG: usize = 64;
        let candidates = self.candidates().len();
        if self.dimension <= 4 || candidates > LONG {
            return candidates / 2;
        }
        let value = |k: &usize| self.candidate(*k)[self.dimension].abs();
        (0..candidates)
            .max_by(|a, b| value(a).total_cmp(&value(b)))
            .unwrap_or(0)
    }

    /// Turns column `column` to the other side of its hyperplane.
    pub fn flip(&mut self, column: usize) {
        self.columns[column].negated = !self.columns[column].negated;
        let width = self.width();
        for line in self.values.chunks_exact_mut(width) {
            line[column] = -line[column];
        }
    }

    /// Whether the vertex satisfies all constraints, as far as floats can tell.
    pub fn is_feasible(&self) -> bool {
        let (d, width) = (self.dimension, self.width());
        let size = self.values[..d * width]
            .chunks_exact(width)
            .fold(1.0, |max: f64, x| max.max(x[d].abs()));
        let block = &self.values[d * width..(d + self.constraints) * width];
        block
            .chunks_exact(width)
            .all(|line| line[d] >= -1e3 * PROPOSAL_ZERO * size)
    }

    /// Adds the vertex to the views.
    pub fn look(&self, views: &mut Views) {
        self.look_at(self.dimension, views);
    }

    /// Adds to the views what `column` holds: the vertex, or the end of a ray.
    fn look_at(&self, column: usize, views: &mut Views) {
        let start = (self.dimension + self.constraints) * self.width();
        views.add(
            self.values[start..]
                .chunks_exact(self.width())
                .map(|line| line[column]),
        );
    }

    /// The first constraint that ends the edge along `column`, and how far away.
    fn blocking(&self, column: usize, cautious: bool) -> Option<(usize, f64)> {
        let (d, width) = (self.dimension, self.width());
        let block = &self.values[d * width..(d + self.constraints) * width];
        let mut best: Option<(usize, f64, f64)> = None;
        for (k, line) in block.chunks_exact(width).enumerate() {
            let slope = line[column];
            if slope < -PROPOSAL_ZERO {
                let reach = (line[d] / -slope).max(0.0);
                let better = match best {
                    None => true,
                    Some((other, least, steepest)) => {
                        reach < least
                            || reach == least
                                && if cautious {
                                    self.rows[k] < self.rows[other]
                                } else {
                                    slope < steepest
                                }
                    }
                };
                if better {
                    best = Some((k, reach, slope));
                }
            }
        }
        best.map(|(k, reach, _)| (k, reach))
    }

    /// The edge along which `sign` times candidate `k` falls: the steepest one, or,
    /// when cautious, the one of the least constraint.
    fn falling(&self, k: usize, sign: f64, cautious: bool) -> Option<usize> {
        let line = &self.candidate(k)[..self.dimension];
        let mut best = -PROPOSAL_ZERO;
        let mut found = None;
        for (column, entry) in line.iter().enumerate() {
            let slope = sign * entry;
            if cautious {
                if slope < -PROPOSAL_ZERO
                    && found.is_none_or(|other| self.columns[column] < self.columns[other])
                {
                    found = Some(column);
                }
            } else if slope < best {
                best = slope;
                found = Some(column);
            }
        }
        found
    }

    fn patience(&self) -> usize {
        20 + 2 * (self.dimension + self.constraints)
    }

    /// Walks downhill for `sign` times candidate `k` until it shows the opposite
    /// sign, a minimum is reached, or patience ends. Least-index pivots in the second half
    /// make cycles unlikely; nothing relies on it.
    pub fn descend(&mut self, k: usize, sign: i32, views: &mut Views) -> Walk {
        let patience = self.patience();
        for step in 0..patience {
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
                Some((row, _)) => self.pivot(self.dimension + row, column),
            }
            self.look(views);
            if views.has(k, -sign) {
                return Walk::NewSign;
            }
        }
        Walk::Stuck
    }

    /// Walks to a vertex on candidate `k`, which cuts the cell, and takes it into the
    /// basis. Gives its column, or `None` when patience ends.
    pub fn enter(&mut self, k: usize) -> Option<usize> {
        let patience = self.patience();
        for step in 0..patience {
            let value = self.candidate(k)[self.dimension];
            let sign = if value >= 0.0 { 1.0 } else { -1.0 };
            let cautious = 2 * step > patience;
            let (column, reach) = match self.falling(k, sign, cautious) {
                Some(column) => (column, -value / self.candidate(k)[column]),
                None if value.abs() <= PROPOSAL_ZERO => {
                    let line = &self.candidate(k)[..self.dimension];
                    let steepest = (0..self.dimension)
                        .max_by(|&a, &b| line[a].abs().total_cmp(&line[b].abs()))?;
                    if line[steepest].abs() <= PROPOSAL_ZERO {
                        return None;
                    }
                    (steepest, 0.0)
                }
                None => return None,
            };
            match self.blocking(column, cautious) {
                Some((row, nearer)) if nearer < reach => self.pivot(self.dimension + row, column),
                _ => {
                    // The candidate becomes a constraint, and its row the leaving one's.
                    self.pivot(self.dimension + self.constraints + k, column);
                    let width = self.width();
                    let first = self.dimension + self.constraints;
                    self.rows.swap(self.constraints, self.constraints + k);
                    if k > 0 {
                        let (head, tail) = self.values.split_at_mut((first + k) * width);
                        head[first * width..(first + 1) * width]
                            .swap_with_slice(&mut tail[..width]);
                    }
                    self.constraints += 1;
                    return Some(column);
                }
            }
        }
        None
    }

    /// Exchanges a row (counted from the coordinates) and a column.
    fn pivot(&mut self, row: usize, column: usize) {
        /// Fixed widths let the compiler unroll and vectorise.
        macro_rules! by_width {
            ($($width:literal)*) => {
                match self.width() {
                    $($width => pivot_fixed::<$width>(&mut self.values, row, column),)*
                    width => pivot_any(&mut self.values, width, row, column),
                }
            };
        }
        by_width!(2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17);
        std::mem::swap(
            &mut self.rows[row - self.dimension],
            &mut self.columns[column],
        );
        self.age += 1;
    }
}

fn pivot_fixed<const WIDTH: usize>(values: &mut [f64], row: usize, column: usize) {
    let (lines, _) = values.as_chunks_mut::<WIDTH>();
    let old = lines[row];
    let inverse = 1.0 / old[column];
    let mut new = old.map(|entry| -entry * inverse);
    // With a zero here, the loop leaves the column's own entries to the line after it.
    new[column] = 0.0;
    for line in lines.iter_mut() {
        let factor = line[column];
        if factor != 0.0 {
            for (entry, share) in line.iter_mut().zip(&new) {
                *entry += factor * share;
            }
            line[column] = factor * inverse;
        }
    }
    new[column] = inverse;
    lines[row] = new;
}

fn pivot_any(values: &mut [f64], width: usize, row: usize, column: usize) {
    let mut new = values[row * width..(row + 1) * width].to_vec();
    let inverse = 1.0 / new[column];
    new.iter_mut().for_each(|entry| *entry *= -inverse);
    new[column] = 0.0;
    for line in values.chunks_exact_mut(width) {
        let factor = line[column];
        if factor != 0.0 {
            for (entry, share) in line.iter_mut().zip(&new) {
                *entry += factor * share;
            }
            line[column] = factor * inverse;
        }
    }
    new[column] = inverse;
    values[row * width..(row + 1) * width].copy_from_slice(&new);
}
