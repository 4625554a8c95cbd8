//! Deletion and restriction: chi(A) = chi(A without H) - chi(A restricted to H)
//! (Orlik and Terao, Arrangements of Hyperplanes, 1992, Theorem 2.56).
//!
//! Unrolled over the hyperplanes H_1, H_2, ... it reads: the polynomial of A is that of
//! no hyperplanes, and minus, for every k, that of H_k cut by those before it. So no
//! deletion is ever stored, and a node of the recursion at depth d adds 1 to the Whitney
//! number w_d: nodes are the sets without broken circuits (Whitney 1932). Where two
//! dimensions are left, the points on lines are counted instead; where the hyperplanes
//! left are independent, the polynomial is that of a Boolean arrangement.
//!
//! The vectors are those of a central arrangement. It is cut by the affine hyperplane
//! on which the first of them is one (the decone): that takes away a dimension, the
//! factor (t - 1), and half of the regions.

use num_bigint::BigUint;
use num_integer::binomial;

use super::configuration::Component;
use super::field::{Field, Large, Small};
use crate::search::Monitor;

/// What the recursion found of a component's decone.
pub struct Decone {
    /// Whitney numbers of the first kind; lower bounds when it came to no end.
    pub whitney: Vec<BigUint>,
    /// How the recursion ended.
    pub end: Result<(), Stop>,
}

/// Why the recursion came to no end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The monitor asked for it.
    Asked,
    /// A number that is not zero is zero modulo one of several primes: others will do.
    Unlucky,
}

/// Counts the decone of a component whose coordinates are modulo these primes.
pub fn decone(component: &Component, primes: &[u64], monitor: &Monitor) -> Decone {
    match primes {
        [prime, ..] if *prime < Small::LIMIT => {
            let field = Small::new(*prime);
            let seen = vec![0; *prime as usize];
            Tree::new(
                component,
                primes.len(),
                std::slice::from_ref(&field),
                seen,
                monitor,
            )
            .search()
        }
        _ => {
            let fields: Vec<Large> = primes.iter().map(|&prime| Large::new(prime)).collect();
            Tree::new(component, primes.len(), &fields, Vec::new(), monitor).search()
        }
    }
}

/// Rows are hyperplanes in affine space of dimension `width - 1`. A row has `width`
/// entries for every field: a normal whose first non-zero entry is 1, and a constant.
struct Tree<'a, F: Field> {
    fields: &'a [F],
    monitor: &'a Monitor,
    rank: usize,
    root: Vec<F::Element>,
    whitney: Vec<u128>,
    /// Nodes by depth and by number of hyperplanes, where these are independent.
    boolean: Vec<Vec<u128>>,
    /// Buffers by width.
    buffers: Vec<Vec<F::Element>>,
    leads: Vec<F::Element>,
    table: Table,
    /// For one field with a table of inverses: the line on which a point was last seen,
    /// by its coordinate.
    seen: Vec<u32>,
    line: u32,
    /// Regions that the monitor knows of.
    reported: u64,
}

impl<'a, F: Field> Tree<'a, F> {
    fn new(
        component: &Component,
        primes: usize,
        fields: &'a [F],
        seen: Vec<u32>,
        monitor: &'a Monitor,
    ) -> Self {
        let rank = component.rank;
        // All but the first vector, whose coordinate moves to the end.
        let vectors = component.vectors.chunks_exact(rank * primes).skip(1);
        let rows = vectors
            .flat_map(|vector| vector.chunks_exact(rank).take(fields.len()))
            .flat_map(|row| row[1..].iter().chain(&row[..1]));
        Tree {
            fields,
            monitor,
            rank,
            root: rows.map(|&number| F::element(number)).collect(),
            whitney: vec![0; rank],
            boolean: vec![vec![0; rank]; rank],
            buffers: vec![Vec::new(); rank + 1],
            leads: Vec::new(),
            table: Table::default(),
            seen,
            line: 0,
            reported: 0,
        }
    }

    fn search(mut self) -> Decone {
        let mut root = std::mem::take(&mut self.root);
        let end = self
            .make_distinct(self.rank, &mut root)
            .and_then(|()| self.node(self.rank, &root));
        let mut whitney: Vec<BigUint> = self.whitney.iter().map(|&w| w.into()).collect();
        for (depth, counts) in self.boolean.iter().enumerate() {
            for (hyperplanes, &count) in counts.iter().enumerate().filter(|(_, c)| **c > 0) {
                // (1 + x)^hyperplanes.
                for k in 0..=hyperplanes {
                    let choices = binomial(BigUint::from(hyperplanes), BigUint::from(k));
                    whitney[depth + k] += choices * count;
                }
            }
        }
        Decone { whitney, end }
    }

    fn node(&mut self, width: usize, rows: &[F::Element]) -> Result<(), Stop> {
        if self.monitor.stopped() {
            return Err(Stop::Asked);
        }
        let depth = self.rank - width;
        let stride = width * self.fields.len();
        let hyperplanes = rows.len() / stride;
        if width > 3 && hyperplanes < width && self.independent(width, rows) {
            self.boolean[depth][hyperplanes] += 1;
            return Ok(());
        }
        self.whitney[depth] += 1;
        if width == 2 {
            self.whitney[depth + 1] += hyperplanes as u128;
            return Ok(());
        }
        if width == 3 && !self.seen.is_empty() {
            self.whitney[depth + 1] += hyperplanes as u128;
            self.whitney[depth + 2] += self.points(rows)?;
            return Ok(());
        }
        let mut restricted = std::mem::take(&mut self.buffers[width]);
        for k in 0..hyperplanes {
            self.restrict(width, &rows[..(k + 1) * stride], &mut restricted);
            self.make_distinct(width - 1, &mut restricted)?;
            self.node(width - 1, &restricted)?;
            if depth == 0 {
                self.report(k, hyperplanes);
            }
        }
        self.buffers[width] = restricted;
        Ok(())
    }

    /// Tells how far the recursion is after a hyperplane of the root: below each of them
    /// there is the more to do the more stand before it.
    fn report(&mut self, hyperplane: usize, hyperplanes: usize) {
        let nodes = u64::try_from(self.whitney.iter().sum::<u128>()).unwrap_or(u64::MAX);
        let share = |k: usize| (k as f64 / hyperplanes as f64).powi(self.rank as i32 - 1);
        let share = share(hyperplane + 1) - share(hyperplane);
        let share = (share * (1u64 << 63) as f64) as u64;
        self.monitor.report(nodes - self.reported, 1, share);
        self.reported = nodes;
    }

    /// Restricts all rows but the last to the last.
    fn restrict(&self, width: usize, rows: &[F::Element], restricted: &mut Vec<F::Element>) {
        let stride = width * self.fields.len();
        let (rows, on) = rows.split_at(rows.len() - stride);
        restricted.clear();
        for row in rows.chunks_exact(stride) {
            let parts = row.chunks_exact(width).zip(on.chunks_exact(width));
            for (field, (row, on)) in self.fields.iter().zip(parts) {
                let pivot = leading(on).expect("a normal is not zero");
                let factor = field.negative(row[pivot]);
                let entry = |k: usize| field.add_product(row[k], factor, on[k]);
                // Before the pivot the other row is zero.
                restricted.extend_from_slice(&row[..pivot]);
                restricted.extend((pivot + 1..width).map(entry));
            }
        }
    }

    /// Drops rows without a normal, which are nowhere or everywhere, scales the others,
    /// and keeps one of those that are equal.
    fn make_distinct(&mut self, width: usize, rows: &mut Vec<F::Element>) -> Result<(), Stop> {
        let stride = width * self.fields.len();
        let mut kept = 0;
        for from in (0..rows.len()).step_by(stride) {
            let row = rows[from..from + stride].chunks_exact(width);
            match row.filter(|row| leading(row).is_none()).count() {
                0 => {
                    rows.copy_within(from..from + stride, kept);
                    kept += stride;
                }
                without if without == self.fields.len() => {}
                _ => return Err(Stop::Unlucky),
            }
        }
        rows.truncate(kept);
        for (number, field) in self.fields.iter().enumerate() {
            let parts = || (number * width..kept).step_by(stride);
            let first = |row: &[F::Element]| leading(row).expect("a normal is left");
            self.leads.clear();
            let leads = parts().map(|at| rows[at + first(&rows[at..at + width])]);
            self.leads.extend(leads);
            field.invert(&mut self.leads);
            for (at, &scale) in parts().zip(&self.leads) {
                let row = &mut rows[at..at + width];
                if scale != F::element(1) {
                    let from = first(row);
                    for entry in &mut row[from..] {
                        *entry = field.multiply(*entry, scale);
                    }
                }
            }
        }
        self.table.clear(kept / stride);
        kept = 0;
        for from in (0..rows.len()).step_by(stride) {
            rows.copy_within(from..from + stride, kept);
            let (before, rest) = rows.split_at(kept);
            if self.table.insert::<F>(before, &rest[..stride]) {
                kept += stride;
            }
        }
        rows.truncate(kept);
        Ok(())
    }

    /// Whether at most `width - 1` normals are independent, as far as the first field
    /// tells: what is independent modulo a prime is independent.
    fn independent(&mut self, width: usize, rows: &[F::Element]) -> bool {
        let field = &self.fields[0];
        let normals = rows.chunks_exact(width).step_by(self.fields.len());
        let mut basis: Vec<(usize, Vec<F::Element>)> = Vec::new();
        for normal in normals {
            let mut normal = normal[..width - 1].to_vec();
            for (pivot, other) in &basis {
                let factor = field.negative(normal[*pivot]);
                if factor != F::element(0) {
                    for (entry, &other) in normal.iter_mut().zip(other) {
                        *entry = field.add_product(*entry, factor, other);
                    }
                }
            }
            let Some(pivot) = normal.iter().position(|&entry| entry != F::element(0)) else {
                return false;
            };
            let scale = field.inverse(normal[pivot]);
            normal
                .iter_mut()
                .for_each(|entry| *entry = field.multiply(*entry, scale));
            basis.push((pivot, normal));
        }
        true
    }

    /// For every line (1, a; b) or (0, 1; b) the number of points in which those before
    /// it meet it.
    fn points(&mut self, rows: &[F::Element]) -> Result<u128, Stop> {
        let (zero, field) = (F::element(0), &self.fields[0]);
        let mut points = 0;
        for (i, on) in rows.chunks_exact(3).enumerate() {
            if self.monitor.stopped() {
                return Err(Stop::Asked);
            }
            let minus_a = field.negative(on[1]);
            let minus_b = field.negative(on[2]);
            self.line = self.line.wrapping_add(1);
            if self.line == 0 {
                self.seen.fill(0);
                self.line = 1;
            }
            for row in rows[..3 * i].chunks_exact(3) {
                let (slope, value) = if on[0] == zero {
                    (row[0], field.add_product(row[2], minus_b, row[1]))
                } else {
                    let slope = field.add_product(row[1], minus_a, row[0]);
                    (slope, field.add_product(row[2], minus_b, row[0]))
                };
                if slope == zero {
                    continue;
                }
                let point = field.multiply(value, field.inverse(slope));
                let seen = &mut self.seen[F::number(point) as usize];
                points += u128::from(*seen != self.line);
                *seen = self.line;
            }
        }
        Ok(points)
    }
}

/// The first non-zero entry of a row's normal.
#[inline]
fn leading<E: Copy + Eq + Default>(row: &[E]) -> Option<usize> {
    row[..row.len() - 1]
        .iter()
        .position(|&entry| entry != E::default())
}

/// A set of rows, by where they are.
#[derive(Default)]
struct Table {
    /// Round in which a slot was filled, and where its row is.
    slots: Vec<(u32, usize)>,
    round: u32,
}

impl Table {
    /// Empties the table and makes room for this many rows.
    fn clear(&mut self, rows: usize) {
        if self.round == u32::MAX || self.slots.len() < 2 * rows {
            let size = (2 * rows).next_power_of_two().max(self.slots.len()).max(16);
            self.slots = vec![(0, 0); size];
            self.round = 0;
        }
        self.round += 1;
    }

    /// Adds the row that stands behind `rows`; false when it is among them.
    fn insert<F: Field>(&mut self, rows: &[F::Element], row: &[F::Element]) -> bool {
        let mask = self.slots.len() - 1;
        let mut hash = 0u64;
        for &entry in row {
            hash = (hash ^ F::number(entry)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            hash ^= hash >> 29;
        }
        let mut slot = hash as usize & mask;
        loop {
            let (round, at) = self.slots[slot];
            if round != self.round {
                self.slots[slot] = (self.round, rows.len());
                return true;
            }
            if rows[at..at + row.len()] == *row {
                return false;
            }
            slot = (slot + 1) & mask;
        }
    }
}
