//! Counts the independent sets of a matroid, or the regions of the central
//! arrangement, by deletion and contraction on a matrix modulo 2^61 - 1.
//!
//! The matrix is that of a basis: element j outside it is the combination
//! `sum_i a_ij e_i` of the elements e_i inside. Then the small structure shows:
//!
//! - a column of zeros is a loop, a row of zeros a coloop;
//! - a column with one entry is parallel to an element of the basis;
//! - the connected parts of the pattern of entries are those of the matroid;
//! - an element of the basis is contracted, one outside it deleted, by striking its
//!   line out; the other way round takes one pivot;
//! - rows and columns may be scaled, so that no pivot divides.
//!
//! The recursion ends at rank or nullity at most two, where both numbers have closed
//! forms. Its cost grows as a binomial coefficient C(n, r) of what is left after
//! loops, coloops and parallel elements are gone: nullity counts as much as rank.

use std::ops::{Add, Mul, Sub};

use crate::arithmetic::prime::{cross, inverse, multiply};

/// Which evaluation of the Tutte polynomial is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Counted {
    /// T(2, 1): sets of linearly independent elements.
    IndependentSets,
    /// T(2, 0) without loops: regions of the hyperplanes through one point.
    CentralRegions,
}

/// Numbers large enough for the count.
pub(super) trait Natural:
    Clone + From<u64> + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self>
{
}

impl Natural for u128 {}
impl Natural for num_bigint::BigUint {}

/// No work suffices for more leaves, and matrices on the way down would fill the
/// memory.
const MAX_LEAVES: f64 = 1e18;

/// Steps left.
pub(super) struct Work(pub u64);

impl Work {
    pub(super) fn spend(&mut self, steps: usize) -> Option<()> {
        self.0 = self.0.checked_sub(steps as u64)?;
        Some(())
    }
}

/// A matroid as the matrix of one of its bases; every element stands for a class of
/// so many parallel ones.
#[derive(Clone, Debug)]
pub(super) struct Minor {
    /// Sizes of the classes in the basis, one a row.
    basis: Vec<u64>,
    /// Sizes of the classes outside, one a column.
    others: Vec<u64>,
    /// The entries, row after row.
    entries: Vec<u64>,
}

impl Minor {
    /// The matroid of these vectors, all of the same length.
    pub(super) fn of(vectors: &[Vec<u64>], work: &mut Work) -> Option<Minor> {
        let width = vectors.first().map_or(0, Vec::len);
        // One line a coordinate, one column a vector: Gauss and Jordan.
        let mut lines: Vec<Vec<u64>> = (0..width)
            .map(|k| vectors.iter().map(|vector| vector[k]).collect())
            .collect();
        let (mut inside, mut outside) = (Vec::new(), Vec::new());
        for element in 0..vectors.len() {
            let rank = inside.len();
            let Some(found) = (rank..width).find(|&k| lines[k][element] != 0) else {
                outside.push(element);
                continue;
            };
            lines.swap(rank, found);
            let pivot_line = std::mem::take(&mut lines[rank]);
            let scale = inverse(pivot_line[element]);
            let pivot_line: Vec<u64> = pivot_line.iter().map(|&v| multiply(v, scale)).collect();
            for line in lines.iter_mut().filter(|line| !line.is_empty()) {
                let factor = line[element];
                if factor != 0 {
                    work.spend(line.len())?;
                    for (value, &pivot) in line.iter_mut().zip(&pivot_line) {
                        *value = cross(*value, 1, factor, pivot);
                    }
                }
            }
            lines[rank] = pivot_line;
            inside.push(element);
        }
        let line = |k: usize| outside.iter().map(move |&element| (k, element));
        Some(Minor {
            basis: vec![1; inside.len()],
            entries: (0..inside.len())
                .flat_map(line)
                .map(|(k, element)| lines[k][element])
                .collect(),
            others: vec![1; outside.len()],
        })
    }

    /// The factor of the count's cost that rank and nullity bring, at most: how often
    /// the recursion ends.
    pub(super) fn leaves(&self) -> f64 {
        let (rank, nullity) = (self.basis.len() as u32, self.others.len() as u32);
        let (Some(rank), Some(nullity)) = (rank.checked_sub(2), nullity.checked_sub(2)) else {
            return 1.0;
        };
        let few = rank.min(nullity);
        (1..=few).fold(1.0, |leaves, k| {
            leaves * f64::from(rank + nullity - few + k) / f64::from(k)
        })
    }

    /// How many elements a basis has.
    pub(super) fn rank(&self) -> usize {
        self.basis.len()
    }

    /// What is left when the first `elements` vectors, which must be independent, are
    /// contracted: they are the first of the basis.
    pub(super) fn contracted(&self, elements: usize) -> Minor {
        let rows: Vec<usize> = (elements..self.basis.len()).collect();
        let columns: Vec<usize> = (0..self.others.len()).collect();
        self.part(&rows, &columns)
    }

    fn at(&self, i: usize, j: usize) -> u64 {
        self.entries[i * self.others.len() + j]
    }

    /// The part with these rows and columns.
    fn part(&self, rows: &[usize], columns: &[usize]) -> Minor {
        let row = |&i: &usize| columns.iter().map(move |&j| self.at(i, j));
        Minor {
            basis: rows.iter().map(|&i| self.basis[i]).collect(),
            others: columns.iter().map(|&j| self.others[j]).collect(),
            entries: rows.iter().flat_map(row).collect(),
        }
    }

    /// The count; `None` when the work does not suffice.
    pub(super) fn count<T: Natural>(mut self, counted: Counted, work: &mut Work) -> Option<T> {
        if self.leaves() > MAX_LEAVES {
            return None;
        }
        work.spend(self.entries.len() + 1)?;
        let mut product = self.strip::<T>(counted);
        for (rows, columns) in self.connected() {
            let factor = if rows.len() == self.basis.len() {
                // The whole matroid is connected.
                self.count_connected(counted, work)?
            } else {
                self.part(&rows, &columns).count_connected(counted, work)?
            };
            product = product * factor;
        }
        Some(product)
    }

    /// Takes out loops, coloops and elements parallel to one of the basis; gives the
    /// factor of the coloops.
    fn strip<T: Natural>(&mut self, counted: Counted) -> T {
        let mut in_row = vec![0; self.basis.len()];
        let mut columns = Vec::new();
        for j in 0..self.others.len() {
            let mut entries = (0..self.basis.len()).filter(|&i| self.at(i, j) != 0);
            match (entries.next(), entries.next()) {
                (None, _) => {}
                (Some(i), None) => {
                    if counted == Counted::IndependentSets {
                        self.basis[i] += self.others[j];
                    }
                }
                (Some(_), Some(_)) => {
                    columns.push(j);
                    (0..self.basis.len())
                        .for_each(|i| in_row[i] += usize::from(self.at(i, j) != 0));
                }
            }
        }
        let (coloops, rows): (Vec<usize>, Vec<usize>) =
            (0..self.basis.len()).partition(|&i| in_row[i] == 0);
        let factor = coloops.iter().fold(T::from(1), |product, &i| {
            product * T::from(1 + self.basis[i])
        });
        if rows.len() < self.basis.len() || columns.len() < self.others.len() {
            *self = self.part(&rows, &columns);
        }
        factor
    }

    /// The rows and columns of every connected part.
    fn connected(&self) -> Vec<(Vec<usize>, Vec<usize>)> {
        let (height, width) = (self.basis.len(), self.others.len());
        let mut rows_left: Vec<usize> = (0..height).rev().collect();
        let mut columns_left: Vec<usize> = (0..width).collect();
        let mut parts = Vec::new();
        while let Some(first) = rows_left.pop() {
            let (mut rows, mut columns) = (vec![first], Vec::new());
            let mut next = 0;
            while next < rows.len() {
                let reached = columns_left.extract_if(.., |j| self.at(rows[next], *j) != 0);
                for j in reached.collect::<Vec<usize>>() {
                    columns.push(j);
                    rows.extend(rows_left.extract_if(.., |i| self.at(*i, j) != 0));
                }
                next += 1;
            }
            rows.sort_unstable();
            columns.sort_unstable();
            parts.push((rows, columns));
        }
        parts
    }

    /// The count of a connected matroid of at least two elements, none of them
    /// parallel to one of the basis.
    fn count_connected<T: Natural>(&self, counted: Counted, work: &mut Work) -> Option<T> {
        let (rank, nullity) = (self.basis.len(), self.others.len());
        if rank.min(nullity) <= 2 {
            // Elements are compared with one another.
            work.spend(rank.max(nullity).pow(2))?;
        }
        let closed_form = match counted {
            Counted::IndependentSets => self.few_independent(),
            Counted::CentralRegions => self.few_regions(),
        };
        if let Some(value) = closed_form {
            return Some(value);
        }
        let branch = self.branch(work)?;
        let without = branch.deleted.count::<T>(counted, work)?;
        let choices = T::from(match counted {
            Counted::IndependentSets => branch.size,
            // The hyperplane of a parallel element cuts what the element's does.
            Counted::CentralRegions if branch.contracted.has_loop() => return Some(without),
            Counted::CentralRegions => 1,
        });
        Some(without + choices * branch.contracted.count::<T>(counted, work)?)
    }

    /// Whether an element is zero.
    fn has_loop(&self) -> bool {
        (0..self.others.len()).any(|j| (0..self.basis.len()).all(|i| self.at(i, j) == 0))
    }

    /// The independent sets where rank or nullity is at most two.
    fn few_independent<T: Natural>(&self) -> Option<T> {
        let sizes = || self.basis.iter().chain(&self.others).copied();
        match (self.basis.len(), self.others.len()) {
            (1, _) => Some(T::from(1 + sizes().sum::<u64>())),
            // One circuit: all sets that miss one of its classes.
            (_, 1) => Some(any_of::<T>(sizes()) - all_of::<T>(sizes())),
            // Two elements on different lines.
            (2, _) => {
                let columns = 0..self.others.len();
                let rest = columns.map(|j| (self.at(0, j), self.at(1, j), self.others[j]));
                let mut total = 0;
                let mut value = T::from(1);
                for line in lines([self.basis[0], self.basis[1]], rest) {
                    let size: u64 = line.iter().sum();
                    value = value + T::from(size) + T::from(size) * T::from(total);
                    total += size;
                }
                Some(value)
            }
            // What is left out spans the dual unless it lies on one of its lines.
            (_, 2) => {
                let rows = 0..self.basis.len();
                let rest = rows.map(|i| (self.at(i, 0), self.at(i, 1), self.basis[i]));
                let lines = lines([self.others[0], self.others[1]], rest);
                let mut dependent = all_of::<T>(sizes());
                for (k, line) in lines.iter().enumerate() {
                    let others = lines.iter().enumerate().filter(|(l, _)| *l != k);
                    let others = all_of::<T>(others.flat_map(|(_, line)| line).copied());
                    let left_out =
                        any_of::<T>(line.iter().copied()) - all_of::<T>(line.iter().copied());
                    dependent = dependent + others * left_out;
                }
                Some(any_of::<T>(sizes()) - dependent)
            }
            _ => None,
        }
    }

    /// The regions where the rank is at most two or the nullity at most one.
    fn few_regions<T: Natural>(&self) -> Option<T> {
        match (self.basis.len(), self.others.len()) {
            (1, _) => Some(T::from(2)),
            // All sign vectors but two opposite ones.
            (rank, 1) => Some(any_of::<T>((0..=rank).map(|_| 1)) - T::from(2)),
            (2, columns) => {
                let rest = (0..columns).map(|j| (self.at(0, j), self.at(1, j), 1));
                Some(T::from(2 * lines([1, 1], rest).len() as u64))
            }
            _ => None,
        }
    }

    /// Deletion and contraction of an element on a line with few entries, so that
    /// its coloops and parallel elements show soon.
    fn branch(&self, work: &mut Work) -> Option<Branch> {
        let (height, width) = (self.basis.len(), self.others.len());
        work.spend(2 * self.entries.len())?;
        let mut in_row = vec![0; height];
        let mut in_column = vec![0; width];
        for (i, in_row) in in_row.iter_mut().enumerate() {
            for (j, in_column) in in_column.iter_mut().enumerate() {
                let entry = usize::from(self.at(i, j) != 0);
                *in_row += entry;
                *in_column += entry;
            }
        }
        let rows = (0..height).min_by_key(|&i| in_row[i]);
        let columns = (0..width).min_by_key(|&j| in_column[j]);
        let (i, j) = (rows.expect("two rows"), columns.expect("two columns"));
        let all_but =
            |len: usize, one: usize| -> Vec<usize> { (0..len).filter(|&k| k != one).collect() };
        let (all_rows, all_columns): (Vec<usize>, Vec<usize>) =
            ((0..height).collect(), (0..width).collect());
        Some(if in_row[i] <= in_column[j] {
            let entries = (0..width).filter(|&j| self.at(i, j) != 0);
            let j = entries.min_by_key(|&j| in_column[j]).expect("no coloops");
            let mut deleted = self.part(&all_rows, &all_but(width, j));
            deleted.basis[i] = self.others[j];
            for l in (0..height).filter(|&l| l != i && self.at(l, j) != 0) {
                let row = &mut deleted.entries[l * (width - 1)..(l + 1) * (width - 1)];
                let columns = (0..width).filter(|&k| k != j);
                for (entry, k) in row.iter_mut().zip(columns) {
                    *entry = cross(self.at(i, j), *entry, self.at(l, j), self.at(i, k));
                }
            }
            Branch {
                size: self.basis[i],
                deleted,
                contracted: self.part(&all_but(height, i), &all_columns),
            }
        } else {
            let entries = (0..height).filter(|&i| self.at(i, j) != 0);
            let i = entries.min_by_key(|&i| in_row[i]).expect("no loops");
            let mut contracted = self.part(&all_but(height, i), &all_columns);
            contracted.others[j] = self.basis[i];
            let columns: Vec<usize> = (0..width)
                .filter(|&k| k != j && self.at(i, k) != 0)
                .collect();
            for (row, l) in (0..height).filter(|&l| l != i).enumerate() {
                for &k in &columns {
                    let entry = &mut contracted.entries[row * width + k];
                    *entry = cross(self.at(i, j), *entry, self.at(l, j), self.at(i, k));
                }
            }
            Branch {
                size: self.others[j],
                deleted: self.part(&all_rows, &all_but(width, j)),
                contracted,
            }
        })
    }
}

/// The matroid without an element, and what is left of it when that is taken.
struct Branch {
    /// The size of the element's class.
    size: u64,
    deleted: Minor,
    contracted: Minor,
}

/// The product of `1 + size`: choices of at most one element of each class.
fn any_of<T: Natural>(sizes: impl Iterator<Item = u64>) -> T {
    sizes.fold(T::from(1), |product, size| product * T::from(1 + size))
}

/// The product of the sizes: choices of one element of each class.
fn all_of<T: Natural>(sizes: impl Iterator<Item = u64>) -> T {
    sizes.fold(T::from(1), |product, size| product * T::from(size))
}

/// Sizes grouped by the lines through the origin on which (1, 0), (0, 1) and the
/// other points lie.
fn lines(axes: [u64; 2], rest: impl Iterator<Item = (u64, u64, u64)>) -> Vec<Vec<u64>> {
    let mut points = vec![(1, 0), (0, 1)];
    let mut lines = vec![vec![axes[0]], vec![axes[1]]];
    for (x, y, size) in rest {
        match points.iter().position(|&(a, b)| cross(a, y, b, x) == 0) {
            Some(line) => lines[line].push(size),
            None => {
                points.push((x, y));
                lines.push(vec![size]);
            }
        }
    }
    lines
}
