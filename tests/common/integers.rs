//! Rational rows scaled to coprime integers: i128 where it is large enough, big
//! integers otherwise. Nothing is rounded; an overflow is seen and started over.

use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{CheckedAdd, CheckedMul, Signed, ToPrimitive};

use super::Rational;

/// What the oracles compute with.
pub trait Whole: Integer + Signed + Clone + CheckedAdd + CheckedMul + std::hash::Hash {}
impl<T: Integer + Signed + Clone + CheckedAdd + CheckedMul + std::hash::Hash> Whole for T {}

/// The row times the positive number that makes it coprime integers.
pub fn primitive(row: &[Rational]) -> Vec<BigInt> {
    let denominators = row.iter().map(|v| v.denom().clone());
    let common = denominators.fold(BigInt::from(1), |a, b| a.lcm(&b));
    let scaled = row.iter().map(|v| v.numer() * (&common / v.denom()));
    let mut scaled: Vec<BigInt> = scaled.collect();
    reduce(&mut scaled);
    scaled
}

/// Divides by the greatest common divisor.
pub fn reduce<T: Whole>(row: &mut [T]) {
    let divisor = row.iter().fold(T::zero(), |a, b| a.gcd(b));
    if !divisor.is_zero() && !divisor.is_one() {
        for value in row {
            *value = value.clone() / divisor.clone();
        }
    }
}

/// `p * a + q * b`, entry by entry; `None` when it overflows.
pub fn combine<T: Whole>(p: &T, a: &[T], q: &T, b: &[T]) -> Option<Vec<T>> {
    let entry = |(a, b): (&T, &T)| p.checked_mul(a)?.checked_add(&q.checked_mul(b)?);
    let mut row = a.iter().zip(b).map(entry).collect::<Option<Vec<T>>>()?;
    reduce(&mut row);
    Some(row)
}

/// The rows as i128, when they leave room for a few products.
pub fn small(rows: &[Vec<BigInt>]) -> Option<Vec<Vec<i128>>> {
    let entry = |v: &BigInt| v.to_i64().map(i128::from);
    let row = |row: &Vec<BigInt>| row.iter().map(entry).collect();
    rows.iter().map(row).collect()
}
