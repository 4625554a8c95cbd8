//! Points y_i = m_i 2^e at which constraints are positive.

use num_bigint::{BigInt, Sign};
use num_traits::{ToPrimitive, Zero};

use super::farkas::{Bounds, Function, Integers};
use super::stages::ZERO;
use crate::arithmetic::Rational;
use crate::arithmetic::interval::Interval;
use crate::proof::format::{Cursor, MAX_EXPONENT};

/// A dyadic point.
#[derive(Debug, Default)]
pub struct Point {
    exponent: i64,
    mantissas: Vec<Mantissa>,
    /// Intervals around the coordinates.
    bounds: Vec<Interval>,
}

#[derive(Debug)]
enum Mantissa {
    Small(i64),
    Big(BigInt),
}

impl Mantissa {
    fn read(cursor: &mut Cursor) -> Option<Self> {
        // Most fit 64 bits, and need no memory then.
        let mut ahead = cursor.clone();
        if let Some(folded) = ahead.number() {
            *cursor = ahead;
            return Some(Mantissa::Small(
                (folded >> 1) as i64 ^ -((folded & 1) as i64),
            ));
        }
        cursor.signed().map(Mantissa::Big)
    }

    fn to_big(&self) -> BigInt {
        match self {
            Mantissa::Small(value) => BigInt::from(*value),
            Mantissa::Big(value) => value.clone(),
        }
    }

    /// An interval around the mantissa times 2^exponent.
    fn bounds(&self, exponent: i64) -> Interval {
        match self {
            Mantissa::Small(0) => ZERO,
            Mantissa::Small(value) => scaled(value.unsigned_abs(), *value < 0, false, exponent),
            Mantissa::Big(value) => {
                let drop = value.bits().saturating_sub(64);
                let top = (value.magnitude() >> drop).to_u64().expect("64 bits");
                let more = value.trailing_zeros().is_some_and(|zeros| zeros < drop);
                let negative = value.sign() == Sign::Minus;
                scaled(top, negative, more, exponent + drop as i64)
            }
        }
    }
}

/// An interval around `±m 2^exponent`, where m is `magnitude`, or with `more` less than
/// one more; `magnitude` is not zero.
fn scaled(magnitude: u64, negative: bool, more: bool, exponent: i64) -> Interval {
    let drop = 64 - i64::from(magnitude.leading_zeros()) - 53;
    let (low, inexact, exponent) = if drop > 0 {
        let inexact = more || magnitude.trailing_zeros() < drop as u32;
        (magnitude >> drop, inexact, exponent + drop)
    } else {
        (magnitude, more, exponent)
    };
    // At most 2^53: a float.
    let high = low + u64::from(inexact);
    let (low, high) = match exponent {
        -1000..=900 => (
            low as f64 * power_of_two(exponent),
            high as f64 * power_of_two(exponent),
        ),
        901.. => (power_of_two(901), f64::INFINITY),
        // At most 2^53 2^-1001.
        _ => (0.0, power_of_two(-948)),
    };
    if negative {
        Interval {
            low: -high,
            high: -low,
        }
    } else {
        Interval { low, high }
    }
}

/// 2^exponent, for exponents of normal floats.
fn power_of_two(exponent: i64) -> f64 {
    f64::from_bits(((exponent + 1023) as u64) << 52)
}

/// Coordinates over a common positive denominator.
#[derive(Clone, Debug, PartialEq)]
pub struct Exact {
    /// The coordinates times the denominator.
    pub coordinates: Vec<BigInt>,
    /// The denominator.
    pub denominator: BigInt,
}

impl Exact {
    /// The function's value at the point.
    pub fn value(&self, function: Integers<'_>) -> Rational {
        let d = self.coordinates.len();
        let mut sum = function.at(d) * &self.denominator;
        for (c, coordinate) in self.coordinates.iter().enumerate() {
            let slope = function.at(c);
            if !slope.is_zero() {
                sum += slope * coordinate;
            }
        }
        Rational::new_raw(sum, function.scale * &self.denominator)
    }
}

impl Point {
    /// Reads a point with d coordinates over an old one.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(&mut self, cursor: &mut Cursor, d: usize) -> Result<(), String> {
        self.mantissas.clear();
        self.bounds.clear();
        let ended = || "the point is cut off, or a number has not its one form".to_string();
        let exponent = match Mantissa::read(cursor).ok_or_else(ended)? {
            Mantissa::Small(exponent) if exponent.unsigned_abs() <= MAX_EXPONENT => exponent,
            _ => return Err(format!("the point's exponent exceeds {MAX_EXPONENT}")),
        };
        self.exponent = exponent;
        for _ in 0..d {
            let mantissa = Mantissa::read(cursor).ok_or_else(ended)?;
            self.bounds.push(mantissa.bounds(exponent));
            self.mantissas.push(mantissa);
        }
        Ok(())
    }

    /// Intervals around the coordinates.
    pub fn bounds(&self) -> &[Interval] {
        &self.bounds
    }

    /// The point over the integers.
    pub fn exact(&self) -> Exact {
        let shift = self.exponent.unsigned_abs();
        let above = if self.exponent > 0 { shift } else { 0 };
        let mantissas = self.mantissas.iter();
        Exact {
            coordinates: mantissas.map(|m| m.to_big() << above).collect(),
            denominator: BigInt::from(1) << (shift - above),
        }
    }

    /// Whether a function is positive at the point, when intervals tell.
    pub fn is_positive(&self, function: Function<'_>) -> Option<bool> {
        let d = self.bounds.len();
        let mut sum = function.at(d);
        let mut add = |slope: Interval, x: Interval| sum = sum.plus(slope.times(x));
        match function.bounds {
            Bounds::End(end, _) => {
                add(function.at(end.coordinate), self.bounds[end.coordinate]);
            }
            Bounds::Dense(..) => {
                for (c, &x) in self.bounds.iter().enumerate() {
                    add(function.at(c), x);
                }
            }
        }
        if sum.low > 0.0 {
            Some(true)
        } else if sum.high <= 0.0 {
            Some(false)
        } else {
            None
        }
    }

    /// The coordinates.
    pub fn coordinates(&self) -> Vec<Rational> {
        let exact = self.exact();
        let coordinate = |x: &BigInt| Rational::new(x.clone(), exact.denominator.clone());
        exact.coordinates.iter().map(coordinate).collect()
    }

    /// The function's value at the point.
    pub fn value(&self, function: Integers<'_>) -> Rational {
        self.exact().value(function)
    }
}

#[cfg(test)]
mod tests {
    use num_traits::{One, Signed};

    use super::super::farkas::Entries;
    use super::super::systems::below;
    use super::*;
    use crate::arithmetic::Number;
    use crate::proof::format::{put, put_long, put_signed};

    fn exact(value: f64) -> Option<Rational> {
        Rational::from_float(value)
    }

    #[test]
    fn coordinates_lie_in_their_intervals() {
        let one = BigInt::one();
        let mantissas = [
            BigInt::zero(),
            one.clone(),
            -&one,
            BigInt::from((1u64 << 53) - 1),
            BigInt::from((1u64 << 53) + 1),
            BigInt::from(u64::MAX),
            -BigInt::from(i64::MAX),
            BigInt::from(i64::MIN),
            (&one << 64u32) - 1,
            (&one << 64u32) + 1,
            1 - (&one << 200u32),
            (&one << 200u32) - 1,
            &one << 200u32,
        ];
        for mantissa in &mantissas {
            for exponent in [
                -65536, -2000, -1100, -1001, -1000, -53, 0, 7, 800, 900, 901, 1100,
            ] {
                let mut bytes = Vec::new();
                put_signed(&mut bytes, exponent);
                put_long(&mut bytes, mantissa);
                let mut point = Point::default();
                point.read(&mut Cursor::new(&bytes), 1).unwrap();
                let power = Rational::from_integer(&one << i64::abs(exponent));
                let value = match exponent {
                    0.. => power * mantissa,
                    _ => Rational::from_integer(mantissa.clone()) / power,
                };
                let Interval { low, high } = point.bounds[0];
                assert!(low <= high);
                let below = exact(low).map_or(low < 0.0, |low| low <= value);
                let above = exact(high).map_or(high > 0.0, |high| value <= high);
                assert!(below && above, "{mantissa} {exponent}: {low} {high}");
                let float = mantissa.bits() - mantissa.trailing_zeros().unwrap_or(0) <= 53;
                if float && (-1000..=700).contains(&exponent) {
                    assert_eq!(low, high);
                }
            }
        }
    }

    #[test]
    fn signs_that_intervals_tell_are_those_of_the_values() {
        let mut state = 1;
        let mut pick = |values: &[i64]| values[below(&mut state, values.len() as u64) as usize];
        let mut told = 0;
        for _ in 0..3000 {
            let mut bytes = Vec::new();
            put_signed(
                &mut bytes,
                pick(&[0, 0, -1, -52, 60, -1074, 1000, -2000, 65_536]),
            );
            for _ in 0..2 {
                let mantissa =
                    BigInt::from(pick(&[0, 1, -3, 7, i64::MAX])) << pick(&[0, 0, 1, 300]);
                put_long(&mut bytes, &(mantissa + pick(&[-1, 0, 1])));
            }
            let mut point = Point::default();
            point.read(&mut Cursor::new(&bytes), 2).unwrap();
            let scale = BigInt::from(pick(&[1, 3])) << pick(&[0, 0, 52, 600, 1500]);
            let mut entry = || BigInt::from(pick(&[-5, -1, 0, 1, 3])) << pick(&[0, 53, 1100]);
            let whole: Vec<BigInt> = (0..3).map(|_| entry()).collect();
            let of = |entry: &BigInt| {
                let value = Rational::new(entry.clone(), scale.clone());
                Interval::of(&Number::from_rational(value))
            };
            let bounds: Vec<Interval> = whole.iter().map(of).collect();
            let negative = pick(&[0, 1]) == 1;
            let value = point.value(Integers {
                entries: Entries::Dense(&whole),
                negative,
                scale: &scale,
            });
            let positive = point.is_positive(Function {
                bounds: Bounds::Dense(&bounds),
                negative,
            });
            if let Some(positive) = positive {
                assert_eq!(
                    positive,
                    value.numer().is_positive(),
                    "{point:?} {whole:?} {scale}"
                );
                told += 1;
            }
        }
        assert!(told > 1000, "{told}");
    }

    #[test]
    fn points_without_sense_are_refused() {
        let read = |bytes: &[u8], d| Point::default().read(&mut Cursor::new(bytes), d);
        assert!(read(&[], 0).unwrap_err().contains("cut off"));
        assert!(read(&[0], 1).unwrap_err().contains("cut off"));
        assert!(read(&[0, 0x80, 0x00], 1).unwrap_err().contains("one form"));
        for exponent in [65_537i64, -65_537, i64::MAX, i64::MIN] {
            let mut bytes = Vec::new();
            put_signed(&mut bytes, exponent);
            assert!(read(&bytes, 0).unwrap_err().contains("exponent"));
        }
        let mut bytes = Vec::new();
        put(&mut bytes, 2 * 65_536);
        assert!(read(&bytes, 0).is_ok());
        assert!(read(&[0xff; 40], 0).is_err());
    }
}
