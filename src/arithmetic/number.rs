//! A weight as the rational number that its stored bits, or its text, denote.

use std::fmt;

use num_bigint::BigInt;
use num_traits::{One, Signed, ToPrimitive, Zero};

use super::float::{self, odd_parts};

/// An exact rational of any size.
pub type Rational = num_rational::BigRational;

/// An exact real number: a finite f64 where one denotes it, a rational elsewhere.
///
/// Equality is equality of values: `Number::from_f64` and `Number::from_rational`
/// give the same representation for the same value.
#[derive(Clone, PartialEq)]
pub enum Number {
    /// A finite f64, never negative zero.
    Float(f64),
    /// A value that no f64 denotes.
    Rational(Box<Rational>),
}

/// All reals within `radius` of `center`; `radius` is infinite when nothing is known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Enclosure {
    /// The nearest f64, or nearly.
    pub center: f64,
    /// A proved bound on the distance; zero when `center` is exact.
    pub radius: f64,
}

/// Text exponents beyond this are refused: the exact value would fill the memory.
const LARGEST_DECIMAL_EXPONENT: i64 = 5000;

/// Bytes of a slash and the digits of a power of two.
const POWER: usize = 20;

/// 2^k for each k below 64: a slash and digits, and how many bytes these are.
static POWERS: [([u8; POWER], usize); 64] = {
    let (mut powers, mut k) = ([([b'/'; POWER], 0); 64], 0);
    while k < 64 {
        let (bytes, len) = &mut powers[k];
        *len = 2 + (1u64 << k).ilog10() as usize;
        let (mut rest, mut place) = (1u64 << k, *len);
        while rest > 0 {
            place -= 1;
            bytes[place] = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
        k += 1;
    }
    powers
};

impl Number {
    /// Zero.
    pub const ZERO: Number = Number::Float(0.0);
    /// One.
    pub const ONE: Number = Number::Float(1.0);

    /// The value that the bits of `value` denote; `None` for NaN and infinities.
    pub fn from_f64(value: f64) -> Option<Number> {
        // Adding zero turns -0.0 into 0.0, so that equal values are equal bits.
        value.is_finite().then_some(Number::Float(value + 0.0))
    }

    /// The exact value of a rational.
    pub fn from_rational(value: Rational) -> Number {
        match value.to_f64() {
            Some(float)
                if float.is_finite() && Rational::from_float(float).as_ref() == Some(&value) =>
            {
                Number::Float(float + 0.0)
            }
            _ => Number::Rational(Box::new(value)),
        }
    }

    /// Reads `"-3"`, `"0.25"`, `"1e-3"` or `"p/q"` exactly: a decimal is the
    /// decimal as written, not the f64 next to it. `None` when it is none of these.
    ///
    /// ```
    /// use chambers::arithmetic::Number;
    /// assert_eq!(Number::parse("0.5"), Number::parse("1/2"));
    /// assert_ne!(Number::parse("0.1"), Number::from_f64(0.1));
    /// assert_eq!(Number::parse("1/0"), None);
    /// ```
    pub fn parse(text: &str) -> Option<Number> {
        let text = text.trim();
        let value = match text.split_once('/') {
            Some((numerator, denominator)) => {
                let denominator = parse_integer(denominator.trim())?;
                if denominator.is_zero() {
                    return None;
                }
                Rational::new(parse_integer(numerator.trim())?, denominator)
            }
            None => parse_decimal(text)?,
        };
        Some(Number::from_rational(value))
    }

    /// The exact value.
    pub fn to_rational(&self) -> Rational {
        match self {
            Number::Float(value) => {
                let (mantissa, exponent) = odd_parts(*value);
                let power = BigInt::from(1) << exponent.unsigned_abs();
                if exponent < 0 {
                    // An odd number over a power of two has its lowest terms.
                    Rational::new_raw(mantissa.into(), power)
                } else {
                    Rational::from_integer(power * mantissa)
                }
            }
            Number::Rational(value) => (**value).clone(),
        }
    }

    /// The exact value in lowest terms, as `p` or `p/q`.
    pub(crate) fn to_fraction(&self) -> String {
        let mut text = Vec::new();
        self.put_fraction(&mut text);
        String::from_utf8(text).expect("digits and signs")
    }

    /// Appends it.
    pub(crate) fn put_fraction(&self, text: &mut Vec<u8>) {
        let parts = match self {
            Number::Float(value) => odd_parts(*value),
            Number::Rational(_) => (0, i64::MAX),
        };
        // A mantissa has at most 53 bits.
        let (numerator, power) = match parts {
            (mantissa, exponent @ 0..=10) => (mantissa << exponent, 0),
            (mantissa, exponent @ -63..0) => (mantissa, -exponent as usize),
            _ => return text.extend_from_slice(self.to_rational().to_string().as_bytes()),
        };
        text.extend_from_slice(itoa::Buffer::new().format(numerator).as_bytes());
        if power > 0 {
            // To copy as many bytes each time takes a few instructions.
            let (bytes, len) = &POWERS[power];
            text.extend_from_slice(bytes);
            text.truncate(text.len() - POWER + len);
        }
    }

    /// `2^exponent`.
    pub(crate) fn power_of_two(exponent: i64) -> Number {
        match exponent {
            -1022..=1023 => Number::Float(float::power_of_two(exponent)),
            _ => {
                let power = Rational::from_integer(BigInt::one() << exponent.unsigned_abs());
                Number::from_rational(if exponent < 0 { power.recip() } else { power })
            }
        }
    }

    /// `self + other`.
    pub(crate) fn plus(&self, other: &Number) -> Number {
        if let (Number::Float(a), Number::Float(b)) = (self, other) {
            // Knuth's TwoSum: what rounding leaves out, unless a sum overflows.
            let sum = a + b;
            let part = sum - a;
            let error = (a - (sum - part)) + (b - part);
            if error == 0.0 {
                return Number::Float(sum + 0.0);
            }
        }
        Number::from_rational(self.to_rational() + other.to_rational())
    }

    /// `self - other`.
    pub(crate) fn minus(&self, other: &Number) -> Number {
        self.plus(&other.negated())
    }

    /// `-self`.
    pub(crate) fn negated(&self) -> Number {
        match self {
            Number::Float(value) => Number::Float(0.0 - value),
            Number::Rational(value) => Number::Rational(Box::new(-&**value)),
        }
    }

    /// `self * 2^exponent`.
    pub(crate) fn scaled(&self, exponent: i64) -> Number {
        if let Number::Float(value) = self
            && (*value == 0.0 || (-400..=400).contains(&float::exponent(*value)))
            && (-400..=400).contains(&exponent)
        {
            return Number::Float(value * float::power_of_two(exponent));
        }
        let power = Number::power_of_two(exponent).to_rational();
        Number::from_rational(self.to_rational() * power)
    }

    /// About log2 of a positive number: at most the exact one, and no more than 2 below.
    pub(crate) fn log2_floor(&self) -> i64 {
        match self {
            Number::Float(value) => float::exponent(*value) - 1,
            Number::Rational(value) => {
                value.numer().bits() as i64 - value.denom().bits() as i64 - 1
            }
        }
    }

    /// Whether `self < other`.
    pub(crate) fn is_below(&self, other: &Number) -> bool {
        match (self, other) {
            (Number::Float(a), Number::Float(b)) => a < b,
            _ => self.to_rational() < other.to_rational(),
        }
    }

    /// The nearest f64, for display and for float proposals; may be infinite.
    pub fn to_f64(&self) -> f64 {
        match self {
            Number::Float(value) => *value,
            Number::Rational(value) => value.to_f64().unwrap_or(f64::INFINITY),
        }
    }

    /// An f64 with a proved bound on its distance from the exact value.
    pub fn enclosure(&self) -> Enclosure {
        match self {
            Number::Float(value) => Enclosure {
                center: *value,
                radius: 0.0,
            },
            Number::Rational(value) => {
                let center = value.to_f64().unwrap_or(f64::INFINITY);
                match Rational::from_float(center) {
                    // num-rational rounds to nearest or nearly so; the distance is
                    // measured, not trusted, and rounded up.
                    Some(float) => {
                        let distance = (value.as_ref() - float).abs();
                        let radius = distance.to_f64().unwrap_or(f64::INFINITY);
                        Enclosure {
                            center,
                            radius: (radius * (1.0 + f64::EPSILON)).next_up().next_up(),
                        }
                    }
                    None => Enclosure {
                        center: 0.0,
                        radius: f64::INFINITY,
                    },
                }
            }
        }
    }

    /// Whether the value is zero.
    pub fn is_zero(&self) -> bool {
        matches!(self, Number::Float(value) if *value == 0.0)
    }
}

impl fmt::Display for Number {
    /// An f64 in its shortest form that reads back to the same bits, a rational as `p/q`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Number::Float(value) => write!(f, "{value}"),
            Number::Rational(value) => write!(f, "{value}"),
        }
    }
}

impl fmt::Debug for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn parse_integer(text: &str) -> Option<BigInt> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

fn parse_decimal(text: &str) -> Option<Rational> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, parse_integer(exponent)?.to_i64()?),
        None => (text, 0),
    };
    let (negative, magnitude) = match mantissa.as_bytes().first()? {
        b'-' => (true, &mantissa[1..]),
        b'+' => (false, &mantissa[1..]),
        _ => (false, mantissa),
    };
    let (whole, fraction) = magnitude.split_once('.').unwrap_or((magnitude, ""));
    let digits = format!("{whole}{fraction}");
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let exponent = exponent.checked_sub(fraction.len() as i64)?;
    if exponent.abs() > LARGEST_DECIMAL_EXPONENT {
        return None;
    }
    let digits: BigInt = digits.parse().ok()?;
    let power = num_traits::pow(BigInt::from(10), exponent.unsigned_abs() as usize);
    let value = if exponent >= 0 {
        Rational::from_integer(digits * power)
    } else {
        Rational::new(digits, power)
    };
    Some(if negative { -value } else { value })
}

impl From<i64> for Number {
    fn from(value: i64) -> Self {
        Number::from_rational(Rational::new(BigInt::from(value), BigInt::one()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_read_exactly() {
        let cases = [
            ("-3", "-3"),
            ("0.25", "0.25"),
            ("+.5", "0.5"),
            ("1e3", "1000"),
            ("-25e-2", "-0.25"),
            ("6/4", "1.5"),
            ("1/3", "1/3"),
            ("0.1", "1/10"),
        ];
        for (text, shown) in cases {
            assert_eq!(
                Number::parse(text).map(|n| n.to_string()).as_deref(),
                Some(shown),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in [
            "",
            "-",
            ".",
            "1/0",
            "1/",
            "a",
            "1.2.3",
            "1e",
            "nan",
            "inf",
            "1e999999999",
            "--1",
            "1_0",
        ] {
            assert_eq!(Number::parse(text), None, "{text:?}");
        }
        assert_eq!(Number::from_f64(f64::NAN), None);
        assert_eq!(Number::from_f64(f64::INFINITY), None);
    }

    #[test]
    fn arithmetic_is_that_of_rationals() {
        let texts = [
            "0",
            "1",
            "-1",
            "3",
            "0.1",
            "1/3",
            "-0.75",
            "1e16",
            "1e-16",
            "9007199254740993",
            "1e308",
            "-1.7e308",
            "4e-324",
            "1e-310",
            "1e400",
        ];
        let mut numbers: Vec<Number> = texts.map(|text| Number::parse(text).unwrap()).into();
        let floats = [f64::MAX, f64::MIN_POSITIVE, 0.1, 0.3, -0.1 * 1e19, 1e22];
        numbers.extend(floats.map(Number::Float));
        let wide = 9007199254740991.0;
        numbers.extend((-64..=11).map(|e| Number::Float(wide * 2f64.powi(e))));
        for a in &numbers {
            let exact = a.to_rational();
            let mut text = Vec::new();
            a.put_fraction(&mut text);
            assert_eq!(text, exact.to_string().into_bytes());
            assert_eq!(a.negated(), Number::from_rational(-&exact));
            for exponent in [-1080, -401, -3, 0, 7, 400, 1100] {
                let power = Number::power_of_two(exponent);
                let scaled = &exact * power.to_rational();
                assert_eq!(a.scaled(exponent), Number::from_rational(scaled));
                let floor = |number: &Number| Number::power_of_two(number.log2_floor());
                let ratio = power.to_rational() / floor(&power).to_rational();
                assert!(ratio >= Rational::one() && ratio <= Rational::from_integer(4.into()));
            }
            if exact.is_positive() {
                let ratio = &exact / Number::power_of_two(a.log2_floor()).to_rational();
                assert!(ratio >= Rational::one() && ratio <= Rational::from_integer(4.into()));
            }
            for b in &numbers {
                let (other, is) = (b.to_rational(), Number::from_rational);
                assert_eq!(a.plus(b), is(&exact + &other), "{a} + {b}");
                assert_eq!(a.minus(b), is(&exact - &other), "{a} - {b}");
                assert_eq!(a.is_below(b), exact < other);
            }
        }
    }

    #[test]
    fn an_enclosure_contains_its_value() {
        for text in [
            "1/3",
            "-2/3",
            "1e-320",
            "1e-400",
            "1e308",
            "1e400",
            "123456789012345678901234567890/7",
        ] {
            let number = Number::parse(text).unwrap();
            let Enclosure { center, radius } = number.enclosure();
            if radius.is_infinite() {
                continue;
            }
            let distance = (number.to_rational() - Rational::from_float(center).unwrap()).abs();
            assert!(distance <= Rational::from_float(radius).unwrap(), "{text}");
            assert!(radius <= center.abs() * 1e-15 + 1e-320, "{text}");
        }
    }

    #[test]
    fn negative_zero_is_zero() {
        assert_eq!(Number::from_f64(-0.0).unwrap().to_string(), "0");
        assert!(Number::parse("-0.0").unwrap().is_zero());
    }
}
