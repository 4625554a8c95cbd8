//! Whether some vectors span others, exactly.

use std::collections::HashSet;

use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{One, Signed, ToPrimitive, Zero};

/// A prime below 2^32, so that products of two residues fit 64 bits.
const PRIME: u64 = 4_294_967_291;

/// Whether the first `basis` columns of the matrix with these rows span its other columns.
///
/// Columns of full rank span everything, and a rank modulo a prime is at most the true
/// one. Where the modular rank is not full, the rows are eliminated over the integers
/// (Bareiss 1968).
pub fn spans(rows: &[Vec<BigInt>], basis: usize) -> bool {
    let rows = distinct(rows);
    modular_rank(&rows, basis) == rows.len() || eliminate(rows, basis)
}

/// The rows that are not zero, each divided by its content and the sign of its first
/// entry, and without repetitions: combinations of columns that agree on these agree on
/// all.
fn distinct(rows: &[Vec<BigInt>]) -> Vec<Vec<BigInt>> {
    let mut seen = HashSet::new();
    for row in rows {
        let content = row.iter().fold(BigInt::zero(), |gcd, x| gcd.gcd(x));
        let Some(first) = row.iter().find(|entry| !entry.is_zero()) else {
            continue;
        };
        let divisor = content * first.signum();
        seen.insert(row.iter().map(|x| x / &divisor).collect::<Vec<_>>());
    }
    seen.into_iter().collect()
}

/// The rank of the first columns modulo the prime.
fn modular_rank(rows: &[Vec<BigInt>], columns: usize) -> usize {
    let prime = BigInt::from(PRIME);
    let residue = |entry: &BigInt| entry.mod_floor(&prime).to_u64().expect("a residue");
    // Rows so far, each 1 in its own column and reduced by those before it.
    let mut reduced: Vec<(usize, Vec<u64>)> = Vec::new();
    for row in rows {
        let mut row: Vec<u64> = row[..columns].iter().map(residue).collect();
        for (column, other) in &reduced {
            let factor = row[*column];
            if factor != 0 {
                for (entry, other) in row.iter_mut().zip(other) {
                    *entry = (*entry + (PRIME - factor) * other) % PRIME;
                }
            }
        }
        if let Some(column) = row.iter().position(|&entry| entry != 0) {
            let inverse = power(row[column], PRIME - 2);
            for entry in &mut row {
                *entry = *entry * inverse % PRIME;
            }
            reduced.push((column, row));
        }
    }
    reduced.len()
}

/// By squaring.
fn power(mut base: u64, mut exponent: u64) -> u64 {
    let mut result = 1;
    while exponent > 0 {
        if exponent & 1 == 1 {
            result = result * base % PRIME;
        }
        base = base * base % PRIME;
        exponent >>= 1;
    }
    result
}

/// Eliminates with pivots in the first columns; they span the others when nothing is
/// left of any row.
fn eliminate(mut rows: Vec<Vec<BigInt>>, basis: usize) -> bool {
    let mut previous = BigInt::one();
    for column in 0..basis {
        let Some(at) = rows.iter().position(|row| !row[column].is_zero()) else {
            continue;
        };
        let pivot = rows.swap_remove(at);
        for row in &mut rows {
            let factor = row[column].clone();
            for (entry, other) in row.iter_mut().zip(&pivot) {
                *entry = (&*entry * &pivot[column] - &factor * other) / &previous;
            }
        }
        previous = pivot[column].clone();
    }
    rows.iter().flatten().all(Zero::is_zero)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(rows: &[&[i64]], basis: usize, expected: bool) {
        let row = |row: &&[i64]| row.iter().map(|&x| BigInt::from(x)).collect();
        let rows: Vec<Vec<BigInt>> = rows.iter().map(row).collect();
        assert_eq!(spans(&rows, basis), expected, "{rows:?}");
        assert_eq!(eliminate(distinct(&rows), basis), expected, "{rows:?}");
    }

    #[test]
    fn spans_are_exact() {
        check(&[], 0, true);
        check(&[&[0, 0]], 0, true);
        check(&[&[1]], 0, false);
        check(&[&[1, 5]], 1, true);
        check(&[&[1, 2], &[2, 4]], 1, true);
        check(&[&[1, 2], &[2, 5]], 1, false);
        check(&[&[0, 2], &[1, 5]], 1, false);
        // The third column is the sum of the first two, the fourth is not in their span.
        check(&[&[1, 0, 1], &[0, 1, 1], &[2, 3, 5]], 2, true);
        check(&[&[1, 0, 1, 0], &[0, 1, 1, 0], &[2, 3, 5, 1]], 2, false);
        // A dependent basis.
        check(&[&[1, 2, 3], &[2, 4, 6]], 2, true);
        check(&[&[1, 2, 3], &[2, 4, 7]], 2, false);
    }

    #[test]
    fn what_the_prime_hides_is_seen() {
        let prime = PRIME as i64;
        check(&[&[prime, 0], &[0, 1]], 1, false);
        check(&[&[prime, 1]], 1, true);
        check(&[&[prime, 0, 1], &[0, 1, 1]], 2, true);
        check(&[&[1, 1], &[1, 1 + prime]], 1, false);
    }
}
