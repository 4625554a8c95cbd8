//! The constraints of a cell: the domain's sides, and one row for each split above it.

use super::kernels;
use crate::arithmetic::lanes::LANES;
use crate::search::level::{Level, RowId};
use crate::search::rows::Vector;

/// A path has room for so many constraints before it takes more memory.
const ROOM: usize = 16;

/// A stack of rows, each positive on the cell.
#[derive(Clone, Debug)]
pub struct Path {
    dimension: usize,
    ids: Vec<RowId>,
    homogeneous: Vec<bool>,
    slacks: Vec<f64>,
    norms: Vec<f64>,
    /// Row by row: coefficients, the constant, zeros to a multiple of the lanes.
    rows: Vec<f64>,
    stride: usize,
    /// The same as [`kernels::all_above`] takes it.
    table: Vec<[f64; LANES]>,
}

impl Path {
    /// No constraints yet, in `dimension` coordinates.
    pub fn new(dimension: usize) -> Self {
        let stride = kernels::padded(dimension + 1);
        Path {
            dimension,
            ids: Vec::with_capacity(ROOM),
            homogeneous: Vec::with_capacity(ROOM),
            slacks: Vec::with_capacity(ROOM),
            norms: Vec::with_capacity(ROOM),
            rows: Vec::with_capacity(ROOM * stride),
            stride,
            table: Vec::with_capacity(ROOM / LANES * (dimension + 3)),
        }
    }

    /// Of how many coordinates.
    pub fn dimension(&self) -> usize {
        self.dimension
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Their names.
    pub fn ids(&self) -> &[RowId] {
        &self.ids
    }

    /// Adds a constraint by its name alone: before anything else is asked of it,
    /// [`Path::build`] must look it up.
    pub fn push_name(&mut self, id: RowId) {
        self.ids.push(id);
    }

    /// Adds a constraint.
    pub fn push(&mut self, level: &Level, id: RowId) {
        self.push_name(id);
        self.build(level);
    }

    /// Looks up the rows of constraints that were added by name.
    pub fn build(&mut self, level: &Level) {
        for index in self.slacks.len()..self.len() {
            self.push_row(level, self.ids[index]);
        }
    }

    fn push_row(&mut self, level: &Level, id: RowId) {
        let (d, lane) = (self.dimension, self.slacks.len() % LANES);
        let row = level.vector(id);
        let sign = if id.negated { -1.0 } else { 1.0 };
        self.homogeneous.push(row.homogeneous);
        self.slacks.push(row.slack);
        self.norms.push(row.norm);
        self.rows
            .extend(row.entries.iter().map(|entry| sign * entry));
        if lane == 0 {
            self.table.resize(self.table.len() + d + 3, [0.0; LANES]);
            let start = self.table.len() - 3;
            // Rows that are not there are positive everywhere.
            self.table[start] = [1.0; LANES];
        }
        let start = self.table.len() - (d + 3);
        let block = &mut self.table[start..];
        for (vector, entry) in block.iter_mut().zip(&row.entries[..=d]) {
            vector[lane] = sign * entry;
        }
        block[d + 1][lane] = row.slack;
        block[d + 2][lane] = row.norm;
    }

    /// Drops all but the first constraints.
    pub fn truncate(&mut self, len: usize) {
        self.ids.truncate(len);
        let built = self.slacks.len();
        if len >= built {
            return;
        }
        let size = self.dimension + 3;
        self.table.truncate(len.div_ceil(LANES) * size);
        for index in len..built.min(len.next_multiple_of(LANES)) {
            let start = self.table.len() - size;
            let block = &mut self.table[start..];
            for vector in block.iter_mut() {
                vector[index % LANES] = 0.0;
            }
            block[self.dimension][index % LANES] = 1.0;
        }
        self.homogeneous.truncate(len);
        self.slacks.truncate(len);
        self.norms.truncate(len);
        self.rows.truncate(len * self.stride);
    }

    /// A constraint as a row.
    #[inline]
    pub fn row(&self, index: usize) -> Vector<'_> {
        Vector {
            entries: &self.rows[index * self.stride..][..self.stride],
            slack: self.slacks[index],
            norm: self.norms[index],
            homogeneous: self.homogeneous[index],
        }
    }

    /// Proves with floats that all constraints are positive at all points whose
    /// coordinates differ from those of `y` by no more than `reach`.
    pub fn is_positive_around(&self, y: &[f64], reach: f64) -> bool {
        debug_assert_eq!(self.slacks.len(), self.len(), "all rows are looked up");
        // A row's slack bounds the error at points with coordinates up to 1.
        let largest = y.iter().fold(1.0, |max: f64, value| max.max(value.abs()));
        kernels::all_above(&self.table, y, largest, reach)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::engine::samples::{Random, id, with_level};

    /// After any pushes and truncations, and whenever rows are looked up, a path is what its
    /// rows, pushed onto an empty one, make.
    #[test]
    fn paths_forget_what_they_dropped() {
        let random = &mut Random(5);
        for trial in 0..200 {
            let d = random.below(10) as usize + usize::from(trial > 0);
            let rows: Vec<_> = (0..12).map(|_| random.row(d, false)).collect();
            let mut state = Random(random.next());
            with_level(&rows, random, |level| {
                let mut path = Path::new(d);
                for _ in 0..30 {
                    if state.below(3) == 0 {
                        // Also to more than there are.
                        path.truncate(state.below(path.len() as u64 + 2) as usize);
                    } else {
                        path.push_name(id(level, state.below(12) as usize, state.below(2) == 0));
                    }
                    if state.below(3) == 0 {
                        path.build(level);
                    }
                    let mut path = path.clone();
                    path.build(level);
                    let mut fresh = Path::new(d);
                    path.ids().iter().for_each(|&id| fresh.push(level, id));
                    assert_eq!(path.table, fresh.table, "trial {trial}");
                    assert_eq!(path.rows, fresh.rows, "trial {trial}");
                    assert_eq!(path.slacks, fresh.slacks, "trial {trial}");
                    assert_eq!(path.norms, fresh.norms, "trial {trial}");
                    assert_eq!(path.homogeneous, fresh.homogeneous, "trial {trial}");
                }
            });
        }
    }
}
