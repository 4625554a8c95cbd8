//! The rank of a matrix of exact numbers.
//!
//! The rank modulo a prime is at most the true one, as a minor that is not zero
//! modulo the prime is not zero; so a full modular rank is final. One that is not
//! full is settled by fraction-free elimination over the integers (Bareiss 1968)
//! where the matrix is small enough for that.

use std::collections::HashSet;
use std::fmt;

use num_bigint::BigInt;
use num_traits::{One, Zero};

use super::int::whole;
use super::integer::Ring;
use super::prime::cross;
use super::{Int, Number, Rational};

/// What is proved of a rank.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rank {
    /// The rank itself.
    Exactly(usize),
    /// A lower bound; the matrix is too large for an exact elimination.
    AtLeast(usize),
}

impl fmt::Display for Rank {
    /// `4` or `at least 4`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Rank::Exactly(rank) => write!(f, "{rank}"),
            Rank::AtLeast(rank) => write!(f, "at least {rank}"),
        }
    }
}

/// A row: its entries by column, every column at most once.
pub type SparseRow = Vec<(u32, Number)>;

/// Multiplications that the modular elimination may spend: some seconds.
const MODULAR_WORK: u64 = 1 << 31;

/// Products that the exact elimination may spend, on numbers of thousands of bits.
const EXACT_WORK: usize = 400_000;

/// The rank of the matrix with these rows.
pub fn rank(rows: &[SparseRow]) -> Rank {
    let rows = distinct_lines(rows);
    let columns: HashSet<u32> = rows.iter().flatten().map(|&(column, _)| column).collect();
    let mut columns: Vec<u32> = columns.into_iter().collect();
    columns.sort_unstable();
    let full = rows.len().min(columns.len());
    let matrix: Vec<Vec<Int>> = rows.iter().map(|row| integers(row, &columns)).collect();
    let size = (rows.len(), columns.len());
    let entry = |row: usize, column: usize| &matrix[row][column];
    let modular = modular_part(size, entry, MODULAR_WORK).0.len();
    if modular == full {
        return Rank::Exactly(full);
    }
    if rows.len() * columns.len() * (modular + 1) <= EXACT_WORK {
        return Rank::Exactly(exact_part(size, entry).0.len());
    }
    Rank::AtLeast(modular)
}

/// Rows and columns of a largest non-singular square part of a matrix of so many rows and
/// columns.
pub fn independent_part<'a>(
    size: (usize, usize),
    entry: impl Fn(usize, usize) -> &'a Int,
) -> (Vec<usize>, Vec<usize>) {
    let modular = modular_part(size, &entry, u64::MAX);
    if modular.0.len() == size.0.min(size.1) {
        modular
    } else {
        exact_part(size, entry)
    }
}

/// The rows that are not zero, without those that are multiples of an earlier one.
fn distinct_lines(rows: &[SparseRow]) -> Vec<SparseRow> {
    let mut seen = HashSet::new();
    let mut kept = Vec::new();
    for row in rows {
        let mut row: SparseRow = row.iter().filter(|(_, v)| !v.is_zero()).cloned().collect();
        row.sort_unstable_by_key(|&(column, _)| column);
        let Some((_, first)) = row.first() else {
            continue;
        };
        let first = first.to_rational();
        let line: Vec<(u32, Rational)> = row
            .iter()
            .map(|(column, value)| (*column, value.to_rational() / &first))
            .collect();
        if seen.insert(line) {
            kept.push(row);
        }
    }
    kept
}

/// Rows and columns of a part that is non-singular modulo the prime, of as many rows
/// as the work allows; largest possible modulo the prime when it allows all.
fn modular_part<'a>(
    (height, width): (usize, usize),
    entry: impl Fn(usize, usize) -> &'a Int,
    work: u64,
) -> (Vec<usize>, Vec<usize>) {
    let (mut rows, mut columns) = (Vec::new(), Vec::new());
    // Rows so far, each reduced by those before it.
    let mut basis: Vec<Vec<u64>> = Vec::new();
    let mut spent = 0;
    for number in 0..height {
        if rows.len() == width || spent > work {
            break;
        }
        let mut row: Vec<u64> = (0..width).map(|k| entry(number, k).residue()).collect();
        for (&column, other) in columns.iter().zip(&basis) {
            let (factor, pivot): (u64, u64) = (row[column], other[column]);
            if factor != 0 {
                spent += width as u64;
                for (value, &other) in row.iter_mut().zip(other) {
                    *value = cross(*value, pivot, factor, other);
                }
            }
        }
        if let Some(column) = row.iter().position(|&value| value != 0) {
            rows.push(number);
            columns.push(column);
            basis.push(row);
        }
    }
    (rows, columns)
}

/// The same over the integers, by fraction-free elimination: every division is exact.
fn exact_part<'a>(
    (height, width): (usize, usize),
    entry: impl Fn(usize, usize) -> &'a Int,
) -> (Vec<usize>, Vec<usize>) {
    let row = |row: usize| (0..width).map(|k| entry(row, k).to_big()).collect();
    let mut matrix: Vec<Vec<BigInt>> = (0..height).map(row).collect();
    let (mut rows, mut columns) = (Vec::new(), Vec::new());
    let mut previous = BigInt::one();
    for number in 0..matrix.len() {
        let row = std::mem::take(&mut matrix[number]);
        let Some(column) = row.iter().position(|entry| !entry.is_zero()) else {
            continue;
        };
        for other in &mut matrix[number + 1..] {
            let factor = other[column].clone();
            for (entry, pivot) in other.iter_mut().zip(&row) {
                *entry = Ring::cross(entry, &row[column], &factor, pivot, &previous)
                    .expect("big integers do not overflow");
            }
        }
        previous = row[column].clone();
        rows.push(number);
        columns.push(column);
    }
    (rows, columns)
}

/// A positive multiple of the row with integer entries.
fn integers(row: &SparseRow, columns: &[u32]) -> Vec<Int> {
    let mut dense = vec![Int::ZERO; columns.len()];
    let values = whole(row.iter().map(|(_, value)| value)).0;
    for ((column, _), value) in row.iter().zip(values) {
        let at = columns.binary_search(column).expect("all columns are kept");
        dense[at] = value;
    }
    dense
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arithmetic::prime::PRIME;

    fn matrix(rows: &[&str]) -> Vec<SparseRow> {
        let row = |text: &&str| {
            let entries = text.split_whitespace().enumerate();
            entries
                .map(|(k, t)| (k as u32, Number::parse(t).unwrap()))
                .collect()
        };
        rows.iter().map(row).collect()
    }

    #[test]
    fn ranks_are_exact() {
        let cases: [(&[&str], usize); 7] = [
            (&[], 0),
            (&["0 0", "0 0"], 0),
            (&["1 2", "2 4"], 1),
            (&["1 2 3", "4 5 6", "7 8 9"], 2),
            (&["1 2 3", "4 5 6", "7 8 10"], 3),
            (&["1/3 0.1 1e-300", "1/3 0.1 2e-300"], 2),
            (&["1 1 0 0", "0 1 1 0", "0 0 1 1", "1 0 0 1"], 3),
        ];
        for (rows, expected) in cases {
            assert_eq!(rank(&matrix(rows)), Rank::Exactly(expected), "{rows:?}");
        }
    }

    #[test]
    fn the_prime_itself_deceives_nobody() {
        let prime = PRIME.to_string();
        let inverse = format!("1/{PRIME}");
        assert_eq!(rank(&matrix(&[&prime])), Rank::Exactly(1));
        assert_eq!(
            rank(&matrix(&[&format!("{inverse} 0"), "1 1"])),
            Rank::Exactly(2)
        );
    }

    #[test]
    fn elimination_meets_rows_in_any_order() {
        let rows = matrix(&["0 0 1 1", "0 1 1 0", "1 1 1 1", "1 2 2 1", "1 1 2 2"]);
        assert_eq!(rank(&rows), Rank::Exactly(3));
        let dense: Vec<Vec<Int>> = rows
            .iter()
            .map(|row| integers(row, &[0, 1, 2, 3]))
            .collect();
        let (size, entry) = ((5, 4), |row: usize, column: usize| &dense[row][column]);
        assert_eq!(exact_part(size, entry), (vec![0, 1, 2], vec![2, 1, 0]));
        assert_eq!(modular_part(size, entry, u64::MAX), exact_part(size, entry));
    }

    #[test]
    fn a_part_that_the_prime_hides_is_found() {
        let rows = [[Int::from(PRIME as i64), Int::ZERO], [Int::ZERO, Int::ONE]];
        let entry = |row: usize, column: usize| &rows[row][column];
        assert_eq!(modular_part((2, 2), entry, u64::MAX).0.len(), 1);
        assert_eq!(independent_part((2, 2), entry), (vec![0, 1], vec![0, 1]));
        assert_eq!(independent_part((0, 2), entry), (vec![], vec![]));
    }
}
