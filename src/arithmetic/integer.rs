//! Exact linear algebra on integer rows: fraction-free elimination in 128 bits
//! where the numbers fit, in big integers where they do not (Bareiss 1968).

use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{One, Signed, ToPrimitive, Zero};

use super::{Int, Rational};

/// Integers with the three operations that fraction-free elimination needs.
/// `None` means that the result does not fit the type.
pub trait Ring: Clone + PartialEq {
    /// The value of a big integer.
    fn from_big(value: &BigInt) -> Option<Self>;
    /// The value of a small integer.
    fn from_i64(value: i64) -> Self;
    /// The value as a big integer.
    fn to_big(&self) -> BigInt;
    /// `(a b - c d) / divisor`, which the caller knows to be an integer.
    fn cross(a: &Self, b: &Self, c: &Self, d: &Self, divisor: &Self) -> Option<Self>;
    /// `-self`.
    fn negated(&self) -> Option<Self>;
    /// -1, 0 or 1.
    fn sign(&self) -> i32;
}

impl Ring for i128 {
    fn from_big(value: &BigInt) -> Option<Self> {
        value.to_i128()
    }

    fn from_i64(value: i64) -> Self {
        value.into()
    }

    fn to_big(&self) -> BigInt {
        BigInt::from(*self)
    }

    fn cross(a: &Self, b: &Self, c: &Self, d: &Self, divisor: &Self) -> Option<Self> {
        // Division of 128-bit numbers is slow; most values fit 64 bits.
        let difference = a.checked_mul(*b)?.checked_sub(c.checked_mul(*d)?)?;
        match *divisor {
            1 => Some(difference),
            divisor => match (i64::try_from(difference), i64::try_from(divisor)) {
                (Ok(difference), Ok(divisor)) => Some(difference.checked_div(divisor)?.into()),
                _ => difference.checked_div(divisor),
            },
        }
    }

    fn negated(&self) -> Option<Self> {
        self.checked_neg()
    }

    fn sign(&self) -> i32 {
        self.signum() as i32
    }
}

impl Ring for BigInt {
    fn from_big(value: &BigInt) -> Option<Self> {
        Some(value.clone())
    }

    fn from_i64(value: i64) -> Self {
        value.into()
    }

    fn to_big(&self) -> BigInt {
        self.clone()
    }

    fn cross(a: &Self, b: &Self, c: &Self, d: &Self, divisor: &Self) -> Option<Self> {
        let difference = match (a.is_zero() || b.is_zero(), c.is_zero() || d.is_zero()) {
            (true, true) => return Some(BigInt::zero()),
            (false, true) => a * b,
            (true, false) => -(c * d),
            (false, false) => a * b - c * d,
        };
        Some(if divisor.is_one() {
            difference
        } else {
            difference / divisor
        })
    }

    fn negated(&self) -> Option<Self> {
        Some(-self)
    }

    fn sign(&self) -> i32 {
        match self.sign() {
            num_bigint::Sign::Minus => -1,
            num_bigint::Sign::NoSign => 0,
            num_bigint::Sign::Plus => 1,
        }
    }
}

/// The values times the least positive integer that makes them all integers, and
/// that integer.
pub fn over_common_denominator(values: &[Rational]) -> (Vec<BigInt>, BigInt) {
    let is_power_of_two = |value: &BigInt| value.trailing_zeros() == Some(value.bits() - 1);
    let denominator = values.iter().fold(BigInt::one(), |common, value| {
        let other = value.denom();
        if is_power_of_two(&common) && is_power_of_two(other) {
            common.max(other.clone())
        } else {
            common.lcm(other)
        }
    });
    let scaled = |value: &Rational| value.numer() * (&denominator / value.denom());
    (values.iter().map(scaled).collect(), denominator)
}

/// The greatest common divisor; zero when all entries are.
fn common_divisor(entries: &[Int]) -> Int {
    fn of<T: Integer + Clone>(magnitudes: impl Iterator<Item = T>) -> T {
        let mut divisor = T::zero();
        for magnitude in magnitudes {
            divisor = divisor.gcd(&magnitude);
            if divisor.is_one() {
                break;
            }
        }
        divisor
    }
    // What is left without the common power of two is short more often than not.
    let shift = entries.iter().filter_map(Int::trailing_zeros).min();
    let shift = shift.unwrap_or(0);
    if entries.iter().all(|entry| entry.bits() <= shift + 64) {
        let divisor = of(entries.iter().map(|entry| entry.magnitude_bits(shift)));
        return (BigInt::from(divisor) << shift).into();
    }
    let short = entries.iter().map(|entry| entry.to_big() >> shift);
    (of(short) << shift).into()
}

/// An affine form with integer coefficients, the constant last; only its sign
/// matters, so the entries have no common divisor.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum IntegerRow {
    /// All entries fit 64 bits.
    Small(Box<[i64]>),
    /// Some entry does not.
    Big(Box<[BigInt]>),
}

impl IntegerRow {
    /// The form with these entries, divided by their greatest common divisor.
    pub fn new(entries: &[Int]) -> Self {
        let divisor = common_divisor(entries);
        let reduced = |entry: &Int| match (entry, &divisor) {
            (_, Int::Short(0 | 1)) => entry.clone(),
            (Int::Short(entry), Int::Short(divisor)) => Int::Short(entry / divisor),
            _ => Int::from(entry.to_big() / divisor.to_big()),
        };
        let short = |entry: &Int| match reduced(entry) {
            Int::Short(value) => i64::try_from(value).ok().filter(|&v| v != i64::MIN),
            Int::Long(_) => None,
        };
        let mut small = Vec::with_capacity(entries.len());
        small.extend(entries.iter().map_while(short));
        if small.len() == entries.len() {
            return IntegerRow::Small(small.into());
        }
        let big = entries.iter().map(|entry| reduced(entry).to_big());
        IntegerRow::Big(big.collect())
    }

    /// The form that points along this one with its first non-zero entry positive,
    /// and whether this one points against it: rows are multiples of each other
    /// exactly when their directions are equal.
    pub fn direction(self) -> (Self, bool) {
        let first = (0..self.width()).find(|&index| !self.is_zero_at(index));
        let negative = first.is_some_and(|index| match &self {
            IntegerRow::Small(entries) => entries[index] < 0,
            IntegerRow::Big(entries) => entries[index].is_negative(),
        });
        (if negative { self.negated() } else { self }, negative)
    }

    /// The number of entries, the constant included.
    pub fn width(&self) -> usize {
        match self {
            IntegerRow::Small(entries) => entries.len(),
            IntegerRow::Big(entries) => entries.len(),
        }
    }

    /// Entry `index`, in another type; `None` when it does not fit.
    pub fn entry<T: Ring>(&self, index: usize) -> Option<T> {
        match self {
            IntegerRow::Small(entries) => Some(T::from_i64(entries[index])),
            IntegerRow::Big(entries) => T::from_big(&entries[index]),
        }
    }

    /// Entry `index`.
    pub fn int(&self, index: usize) -> Int {
        match self {
            IntegerRow::Small(entries) => entries[index].into(),
            IntegerRow::Big(entries) => entries[index].clone().into(),
        }
    }

    /// Whether entry `index` is zero.
    pub fn is_zero_at(&self, index: usize) -> bool {
        match self {
            IntegerRow::Small(entries) => entries[index] == 0,
            IntegerRow::Big(entries) => entries[index].is_zero(),
        }
    }

    /// The same form with the opposite sign.
    pub fn negated(&self) -> Self {
        match self {
            IntegerRow::Small(entries) => {
                IntegerRow::Small(entries.iter().map(|entry| -entry).collect())
            }
            IntegerRow::Big(entries) => {
                IntegerRow::Big(entries.iter().map(|entry| -entry).collect())
            }
        }
    }
}

/// A form as a combination of others: `target = sum_j multiplier_j row_j + constant`,
/// of which only the signs are told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CombinationSigns {
    /// One sign a row: -1, 0 or 1.
    pub multipliers: Vec<i32>,
    /// The sign of the constant that is left.
    pub constant: i32,
}

/// Writes `target` as a combination of `rows` plus a constant, exactly. `None`
/// when the rows' linear parts are dependent or do not span the target's.
pub fn combination(rows: &[&IntegerRow], target: &IntegerRow) -> Option<CombinationSigns> {
    let small = rows.iter().all(|row| matches!(row, IntegerRow::Small(_)))
        && matches!(target, IntegerRow::Small(_));
    if small && let Outcome::Done(signs) = eliminate::<i128>(rows, target) {
        return signs;
    }
    match eliminate::<BigInt>(rows, target) {
        Outcome::Done(signs) => signs,
        Outcome::Overflow => unreachable!("big integers do not overflow"),
    }
}

enum Outcome {
    Done(Option<CombinationSigns>),
    Overflow,
}

/// Fraction-free Gauss-Jordan elimination of the system whose unknowns are the
/// multipliers and whose equations are the coordinates.
fn eliminate<T: Ring>(rows: &[&IntegerRow], target: &IntegerRow) -> Outcome {
    let (unknowns, width) = (rows.len(), target.width());
    let system = (0..width - 1)
        .map(|k| {
            rows.iter()
                .copied()
                .chain([target])
                .map(|row| row.entry::<T>(k))
                .collect()
        })
        .collect::<Option<Vec<Vec<T>>>>();
    let Some(mut system) = system else {
        return Outcome::Overflow;
    };
    let mut denominator = T::from_i64(1);
    for unknown in 0..unknowns {
        let Some(found) = (unknown..system.len()).find(|&k| system[k][unknown].sign() != 0) else {
            return Outcome::Done(None);
        };
        system.swap(unknown, found);
        let pivot_row = std::mem::take(&mut system[unknown]);
        let pivot = &pivot_row[unknown];
        for (_, row) in system.iter_mut().enumerate().filter(|(k, _)| *k != unknown) {
            let factor = row[unknown].clone();
            for column in unknown + 1..=unknowns {
                let Some(value) = T::cross(
                    &row[column],
                    pivot,
                    &factor,
                    &pivot_row[column],
                    &denominator,
                ) else {
                    return Outcome::Overflow;
                };
                row[column] = value;
            }
        }
        denominator = pivot.clone();
        system[unknown] = pivot_row;
    }
    if system[unknowns..]
        .iter()
        .any(|row| row[unknowns].sign() != 0)
    {
        return Outcome::Done(None);
    }
    // Every multiplier is now a numerator over the common denominator.
    let flip = denominator.sign();
    let multipliers = system[..unknowns]
        .iter()
        .map(|row| flip * row[unknowns].sign())
        .collect();
    // constant = target_b - sum multiplier_j row_j_b, over the same denominator.
    let Some(own) = target.entry::<T>(width - 1) else {
        return Outcome::Overflow;
    };
    let (one, zero) = (T::from_i64(1), T::from_i64(0));
    let mut constant = match T::cross(&own, &denominator, &zero, &zero, &one) {
        Some(value) => value,
        None => return Outcome::Overflow,
    };
    for (row, equation) in rows.iter().zip(&system) {
        let next = row
            .entry::<T>(width - 1)
            .and_then(|offset| T::cross(&constant, &one, &equation[unknowns], &offset, &one));
        match next {
            Some(value) => constant = value,
            None => return Outcome::Overflow,
        }
    }
    Outcome::Done(Some(CombinationSigns {
        multipliers,
        constant: flip * constant.sign(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(entries: &[i64]) -> IntegerRow {
        IntegerRow::new(&entries.iter().map(|&e| Int::from(e)).collect::<Vec<_>>())
    }

    fn big(entries: &[i64], scale: &BigInt) -> IntegerRow {
        // Scaling one coordinate by a huge factor keeps the row primitive and forces big integers.
        IntegerRow::new(
            &entries
                .iter()
                .enumerate()
                .map(|(k, &e)| {
                    if k == 0 {
                        Int::from(BigInt::from(e) * scale)
                    } else {
                        Int::from(e)
                    }
                })
                .collect::<Vec<_>>(),
        )
    }

    #[test]
    fn a_combination_is_found_with_its_signs() {
        // 2x + y - 4 = 2 (x - 3) + 1 (y + 1) + 1.
        let (a, b) = (row(&[1, 0, -3]), row(&[0, 1, 1]));
        let signs = combination(&[&a, &b], &row(&[2, 1, -4])).unwrap();
        assert_eq!(
            signs,
            CombinationSigns {
                multipliers: vec![1, 1],
                constant: 1
            }
        );
        // The same rows the other way round, with one negated, change the signs alone.
        let signs = combination(&[&b, &a.negated()], &row(&[2, 1, -5])).unwrap();
        assert_eq!(
            signs,
            CombinationSigns {
                multipliers: vec![1, -1],
                constant: 0
            }
        );
    }

    #[test]
    fn big_and_small_arithmetic_agree() {
        let scale = BigInt::from(3).pow(200);
        for target in [[2, 1, -4], [2, 1, -5], [-1, 7, 0], [0, 0, 5]] {
            let small = combination(&[&row(&[1, 2, -3]), &row(&[4, 1, 1])], &row(&target));
            let large = combination(
                &[&big(&[1, 2, -3], &scale), &big(&[4, 1, 1], &scale)],
                &big(&target, &scale),
            );
            assert_eq!(small, large, "{target:?}");
        }
    }

    #[test]
    fn fewer_rows_than_coordinates_must_span_the_target() {
        let a = row(&[1, 1, 0, 2]);
        assert!(
            combination(&[&a], &row(&[3, 3, 0, 6]))
                .is_some_and(|s| s.multipliers == [1] && s.constant == 0)
        );
        assert_eq!(combination(&[&a], &row(&[3, 3, 1, 6])), None);
        assert_eq!(combination(&[&a, &a], &row(&[1, 1, 0, 0])), None);
    }
}
