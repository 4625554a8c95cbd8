//! The rank of a matrix of exact numbers.
//!
//! The rank modulo a prime is at most the true one, as a minor that is not zero
//! modulo the prime is not zero; so a full modular rank is final. One that is not
//! full is settled by fraction-free elimination over the integers (Bareiss 1968)
//! where the matrix is small enough for that.

use std::collections::HashSet;
use std::fmt;

use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{One, ToPrimitive, Zero};

use super::{Number, Rational};

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

/// The Mersenne prime 2^61 - 1.
const PRIME: u64 = (1 << 61) - 1;

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
    let modular = modular_rank(&rows, &columns);
    if modular == full {
        return Rank::Exactly(full);
    }
    if rows.len() * columns.len() * (modular + 1) <= EXACT_WORK {
        return Rank::Exactly(integer_rank(&rows, &columns));
    }
    Rank::AtLeast(modular)
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

fn multiply(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    let sum = (product as u64 & PRIME) + (product >> 61) as u64;
    if sum >= PRIME { sum - PRIME } else { sum }
}

fn power(mut base: u64, mut exponent: u64) -> u64 {
    let mut result = 1;
    while exponent > 0 {
        if exponent & 1 == 1 {
            result = multiply(result, base);
        }
        base = multiply(base, base);
        exponent >>= 1;
    }
    result
}

fn inverse(value: u64) -> u64 {
    power(value, PRIME - 2)
}

/// The residue; `None` when the prime divides the denominator.
fn residue(number: &Number) -> Option<u64> {
    let value = number.to_rational();
    let prime = BigInt::from(PRIME);
    let modulo = |n: &BigInt| {
        n.mod_floor(&prime)
            .to_u64()
            .expect("less than a 61-bit prime")
    };
    match modulo(value.denom()) {
        0 => None,
        denominator => Some(multiply(modulo(value.numer()), inverse(denominator))),
    }
}

/// A lower bound on the rank: that modulo the prime, of as many rows as the work
/// allows. Rows with an entry that has no residue are left out.
fn modular_rank(rows: &[SparseRow], columns: &[u32]) -> usize {
    // Basis rows with their pivots, in echelon form; a pivot entry is 1.
    let mut basis: Vec<(usize, Vec<u64>)> = Vec::new();
    let mut work = 0;
    for row in rows {
        if basis.len() == columns.len() || work > MODULAR_WORK {
            break;
        }
        let mut dense = vec![0; columns.len()];
        let mut defined = true;
        for (column, value) in row {
            let at = columns.binary_search(column).expect("all columns are kept");
            match residue(value) {
                Some(value) => dense[at] = value,
                None => defined = false,
            }
        }
        if !defined {
            continue;
        }
        for (pivot, other) in &basis {
            let factor = dense[*pivot];
            if factor == 0 {
                continue;
            }
            work += (columns.len() - pivot) as u64;
            let negative = PRIME - factor;
            for (value, &other) in dense[*pivot..].iter_mut().zip(&other[*pivot..]) {
                let sum = *value + multiply(negative, other);
                *value = if sum >= PRIME { sum - PRIME } else { sum };
            }
        }
        if let Some(pivot) = dense.iter().position(|&v| v != 0) {
            let scale = inverse(dense[pivot]);
            dense[pivot..]
                .iter_mut()
                .for_each(|v| *v = multiply(*v, scale));
            let at = basis.partition_point(|(other, _)| *other < pivot);
            basis.insert(at, (pivot, dense));
        }
    }
    basis.len()
}

/// The rank by fraction-free elimination: every division below is exact.
fn integer_rank(rows: &[SparseRow], columns: &[u32]) -> usize {
    let mut matrix: Vec<Vec<BigInt>> = rows.iter().map(|row| integers(row, columns)).collect();
    let mut previous = BigInt::one();
    let mut rank = 0;
    for column in 0..columns.len() {
        let Some(found) = (rank..matrix.len()).find(|&r| !matrix[r][column].is_zero()) else {
            continue;
        };
        matrix.swap(rank, found);
        let (done, rest) = matrix.split_at_mut(rank + 1);
        let pivot_row = &done[rank];
        let pivot = &pivot_row[column];
        for row in rest {
            let factor = row[column].clone();
            for k in column..columns.len() {
                row[k] = (pivot * &row[k] - &factor * &pivot_row[k]) / &previous;
            }
        }
        previous = pivot.clone();
        rank += 1;
    }
    rank
}

/// A positive multiple of the row with integer entries.
fn integers(row: &SparseRow, columns: &[u32]) -> Vec<BigInt> {
    let values: Vec<Rational> = row.iter().map(|(_, value)| value.to_rational()).collect();
    let multiple = values
        .iter()
        .fold(BigInt::one(), |m, value| m.lcm(value.denom()));
    let mut dense = vec![BigInt::zero(); columns.len()];
    for ((column, _), value) in row.iter().zip(&values) {
        let at = columns.binary_search(column).expect("all columns are kept");
        dense[at] = value.numer() * (&multiple / value.denom());
    }
    dense
}

#[cfg(test)]
mod tests {
    use super::*;

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
        assert_eq!(integer_rank(&rows, &[0, 1, 2, 3]), 3);
        assert_eq!(modular_rank(&rows, &[0, 1, 2, 3]), 3);
        assert_eq!(rank(&rows), Rank::Exactly(3));
    }
}
