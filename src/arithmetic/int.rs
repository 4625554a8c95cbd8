//! Integers of any size that are short more often than not: 128 bits without memory of
//! their own, and big integers from there on.

use num_bigint::BigInt;
use num_traits::{Signed, ToPrimitive};
use smallvec::SmallVec;

use super::float::odd_parts;
use super::integer::over_common_denominator;
use super::prime::PRIME;
use super::{Number, Rational};

/// An integer. One that fits 128 bits is short, so that equality is equality of values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Int {
    /// One that fits.
    Short(i128),
    /// One that does not.
    Long(Box<BigInt>),
}

impl Int {
    /// 0.
    pub const ZERO: Int = Int::Short(0);
    /// 1.
    pub const ONE: Int = Int::Short(1);

    /// The same as a big integer.
    pub fn to_big(&self) -> BigInt {
        match self {
            Int::Short(value) => BigInt::from(*value),
            Int::Long(value) => (**value).clone(),
        }
    }

    /// Whether it is 0.
    pub fn is_zero(&self) -> bool {
        matches!(self, Int::Short(0))
    }

    /// -1, 0 or 1.
    pub fn sign(&self) -> i32 {
        match self {
            Int::Short(value) => value.signum() as i32,
            Int::Long(value) if value.is_negative() => -1,
            Int::Long(_) => 1,
        }
    }

    /// `value * 2^shift`.
    pub fn shifted(value: i64, shift: u64) -> Int {
        match shift {
            0..=63 => Int::Short(i128::from(value) << shift),
            _ if value == 0 => Int::ZERO,
            _ => (BigInt::from(value) << shift).into(),
        }
    }

    /// `self * other`.
    pub fn times(&self, other: &Int) -> Int {
        if let (Int::Short(a), Int::Short(b)) = (self, other)
            && let Some(product) = product(*a, *b)
        {
            return Int::Short(product);
        }
        (self.to_big() * other.to_big()).into()
    }

    /// Adds `a * b`.
    pub fn add_product(&mut self, a: &Int, b: &Int) {
        if let (Int::Short(sum), Int::Short(a), Int::Short(b)) = (&mut *self, a, b)
            && let Some(all) = product(*a, *b).and_then(|product| sum.checked_add(product))
        {
            *sum = all;
            return;
        }
        *self = (self.to_big() + a.to_big() * b.to_big()).into();
    }

    /// The length of its magnitude in bits; 0 for 0.
    pub fn bits(&self) -> u64 {
        match self {
            Int::Short(value) => u64::from(128 - value.unsigned_abs().leading_zeros()),
            Int::Long(value) => value.bits(),
        }
    }

    /// How often 2 divides it; `None` for 0.
    pub fn trailing_zeros(&self) -> Option<u64> {
        match self {
            Int::Short(0) => None,
            Int::Short(value) => Some(u64::from(value.trailing_zeros())),
            Int::Long(value) => value.trailing_zeros(),
        }
    }

    /// Its odd part modulo 2^64, and the power of two beside it; zeros for 0.
    pub fn odd_part(&self) -> (u64, i64) {
        let power = self.trailing_zeros().unwrap_or(0);
        let odd = match self {
            Int::Short(value) => (value >> power) as u64,
            Int::Long(value) if value.is_negative() => self.magnitude_bits(power).wrapping_neg(),
            Int::Long(_) => self.magnitude_bits(power),
        };
        (odd, power as i64)
    }

    /// The 64 bits of its magnitude from bit `shift` on.
    pub fn magnitude_bits(&self, shift: u64) -> u64 {
        match self {
            Int::Short(_) if shift > 127 => 0,
            Int::Short(value) => (value.unsigned_abs() >> shift) as u64,
            Int::Long(value) => (value.magnitude() >> shift)
                .iter_u64_digits()
                .next()
                .unwrap_or(0),
        }
    }

    /// The fraction `self / denominator` in lowest terms, as `p` or `p/q`.
    pub fn over(&self, denominator: &Int) -> String {
        match (self, denominator) {
            (Int::Short(p), Int::Short(1)) => p.to_string(),
            (Int::Short(p), Int::Short(q)) if q & (q - 1) == 0 => {
                let common = p.trailing_zeros().min(q.trailing_zeros());
                match (p >> common, q >> common) {
                    (p, 1) => p.to_string(),
                    (p, q) => format!("{p}/{q}"),
                }
            }
            _ => Rational::new(self.to_big(), denominator.to_big()).to_string(),
        }
    }

    /// Its residue modulo [`PRIME`].
    pub fn residue(&self) -> u64 {
        match self {
            Int::Short(value) => value.rem_euclid(PRIME.into()) as u64,
            Int::Long(value) => {
                let prime = BigInt::from(PRIME);
                let residue = (&**value % &prime + &prime) % prime;
                residue.to_u64().expect("a residue is below 2^61")
            }
        }
    }
}

/// `a * b`, where it fits; most values have 64 bits.
fn product(a: i128, b: i128) -> Option<i128> {
    match (i64::try_from(a), i64::try_from(b)) {
        (Ok(a), Ok(b)) => Some(i128::from(a) * i128::from(b)),
        _ => a.checked_mul(b),
    }
}

impl From<BigInt> for Int {
    fn from(value: BigInt) -> Self {
        match value.to_i128() {
            Some(short) => Int::Short(short),
            None => Int::Long(Box::new(value)),
        }
    }
}

impl From<i64> for Int {
    fn from(value: i64) -> Self {
        Int::Short(value.into())
    }
}

/// Numbers times the least positive integer that makes them all integers, and that integer.
pub fn whole<'a>(numbers: impl Iterator<Item = &'a Number> + Clone) -> (Vec<Int>, Int) {
    // Floats are odd numbers times powers of two.
    let parts = |number: &Number| match number {
        Number::Float(value) => Some(odd_parts(*value)),
        Number::Rational(_) => None,
    };
    let lowest = numbers.clone().try_fold((0, 0), |(lowest, count), number| {
        parts(number).map(|(_, exponent)| (exponent.min(lowest), count + 1))
    });
    match lowest {
        Some((lowest, count)) => {
            let mut values = Vec::with_capacity(count);
            values.extend(
                numbers
                    .filter_map(parts)
                    .map(|(mantissa, exponent)| Int::shifted(mantissa, (exponent - lowest) as u64)),
            );
            (values, Int::shifted(1, lowest.unsigned_abs()))
        }
        None => {
            let rationals: Vec<_> = numbers.map(Number::to_rational).collect();
            let (values, denominator) = over_common_denominator(&rationals);
            let values = values.into_iter().map(Int::from).collect();
            (values, denominator.into())
        }
    }
}

/// A number that rows in these columns have in common if they are multiples of each other: mixed
/// from the columns and from the quotients of the entries, without their common power of two, and
/// the odd part of the first that is not zero, in the 2-adic integers modulo 2^64. An entry is given
/// as its odd part modulo 2^64 and the power of two beside it; 0 as two zeros.
pub fn fingerprint(columns: &[u32], entries: impl Iterator<Item = (u64, i64)>) -> u64 {
    let mix = |sum: u64, value: u64| {
        (sum ^ value)
            .wrapping_mul(0x9e37_79b9_7f4a_7c15)
            .rotate_left(29)
    };
    let columns = columns.iter().map(|&column| column.into()).fold(0, mix);
    let entries: SmallVec<[(u64, i64); 32]> = entries.collect();
    let mut others = entries.iter().filter(|(odd, _)| *odd != 0);
    let Some(&(first, power)) = others.next() else {
        return columns;
    };
    let lowest = others.fold(power, |lowest, (_, power)| lowest.min(*power));
    // Newton's iteration: x = 1/x modulo 8 for odd x, and each step doubles the bits.
    let inverse = (0..5).fold(first, |inverse, _| {
        inverse.wrapping_mul(2u64.wrapping_sub(first.wrapping_mul(inverse)))
    });
    let quotients = entries.iter().map(|&(odd, power)| match power - lowest {
        // Also those of 0 from here on.
        shift @ 0..=63 => (odd << shift).wrapping_mul(inverse),
        _ => 0,
    });
    quotients.fold(columns, mix)
}

/// Whether two rows of the same width are multiples of each other, none of zeros but both, and
/// if so, whether they point against each other.
pub fn opposition(a: &[Int], b: &[Int]) -> Option<bool> {
    let first = |row: &[Int]| row.iter().position(|entry| !entry.is_zero());
    match (first(a), first(b)) {
        (None, None) => Some(false),
        (Some(k), Some(other)) if k == other => {
            let agree = |(x, y): (&Int, &Int)| x.times(&b[k]) == y.times(&a[k]);
            let multiples = a.iter().zip(b).all(agree);
            multiples.then(|| a[k].sign() != b[k].sign())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use num_integer::Integer;
    use num_traits::Zero;

    use super::*;

    /// Numbers of all lengths, many around the border of 128 bits.
    fn values() -> Vec<BigInt> {
        let one = BigInt::from(1);
        let powers = [0u32, 1, 5, 62, 63, 64, 65, 126, 127, 128, 200];
        let near = powers.iter().flat_map(|&power| {
            let power = &one << power;
            [&power - 1, power.clone(), power + 1]
        });
        near.flat_map(|value| [-&value, value]).collect()
    }

    #[test]
    fn arithmetic_is_that_of_big_integers() {
        let all = values();
        for a in &all {
            let short = Int::from(a.clone());
            assert_eq!(matches!(short, Int::Short(_)), a.to_i128().is_some());
            assert_eq!(short.to_big(), *a);
            assert_eq!(short.bits(), a.bits());
            assert_eq!(short.trailing_zeros(), a.trailing_zeros());
            assert_eq!(short.sign(), a.signum().to_i32().unwrap());
            assert_eq!(short.is_zero(), a.is_zero());
            let residue = a.mod_floor(&PRIME.into());
            assert_eq!(short.residue(), residue.to_u64().unwrap());
            for shift in [0, 1, 63, 64, 127, 128, 199] {
                if shift > 0 {
                    let power: BigInt = BigInt::from(1) << shift;
                    let exact = Rational::new(a.clone(), power.clone());
                    assert_eq!(short.over(&power.into()), exact.to_string());
                }
                let bits = (a.magnitude() >> shift) % (1u128 << 64);
                assert_eq!(short.magnitude_bits(shift), bits.to_u64().unwrap());
                if let Some(value) = a.to_i64() {
                    assert_eq!(Int::shifted(value, shift).to_big(), a << shift);
                }
            }
            for b in &all {
                let other = Int::from(b.clone());
                if b.is_positive() {
                    let exact = Rational::new(a.clone(), b.clone());
                    assert_eq!(short.over(&other), exact.to_string());
                }
                assert_eq!(short.times(&other), Int::from(a * b));
                for c in &all {
                    let mut sum = Int::from(c.clone());
                    sum.add_product(&short, &other);
                    assert_eq!(sum, Int::from(c + a * b));
                }
            }
        }
    }

    #[test]
    fn numbers_become_whole_by_the_least_factor() {
        for texts in [
            &["1", "-0.5", "0", "3e30"][..],
            &["1/3", "0.25", "-7"],
            &["0"],
            &["1e-300", "1"],
            &[],
        ] {
            let numbers: Vec<Number> = texts.iter().map(|t| Number::parse(t).unwrap()).collect();
            let rationals: Vec<_> = numbers.iter().map(Number::to_rational).collect();
            let (values, denominator) = over_common_denominator(&rationals);
            let values = values.into_iter().map(Int::from).collect();
            assert_eq!(whole(numbers.iter()), (values, denominator.into()));
        }
    }

    #[test]
    fn multiples_have_one_fingerprint() {
        let rows = [
            [0, 6, -4, 1],
            [0, 0, 5, 7],
            [3, 1, 0, 2],
            [0, 0, 0, 9],
            [0; 4],
        ];
        let named =
            |columns: &[u32], row: &[Int]| fingerprint(columns, row.iter().map(Int::odd_part));
        let big = values();
        for (number, row) in rows.iter().enumerate() {
            let row: Vec<Int> = row.iter().map(|&entry| Int::from(entry)).collect();
            for factor in big.iter().filter(|factor| !factor.is_zero()) {
                let factor = Int::from(factor.clone());
                let multiple: Vec<Int> = row.iter().map(|entry| entry.times(&factor)).collect();
                assert_eq!(named(&[1], &multiple), named(&[1], &row));
                assert_ne!(named(&[1], &multiple), named(&[2], &row));
                let opposite = factor.sign() < 0 && number < 4;
                assert_eq!(opposition(&row, &multiple), Some(opposite));
                for other in rows.iter().filter(|other| **other != rows[number]) {
                    let other = other.map(Int::from);
                    assert_ne!(named(&[], &multiple), named(&[], &other));
                    assert_eq!(opposition(&multiple, &other), None);
                }
            }
        }
    }
}
