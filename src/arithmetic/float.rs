//! Error bounds of float arithmetic (round to nearest, IEEE 754 binary64).
//!
//! The bounds follow Higham, *Accuracy and Stability of Numerical Algorithms*,
//! chapter 3. They hold when nothing underflows; callers keep every non-zero
//! operand above [`TINY`], so that no product of two can.

use super::{Enclosure, Int};

/// The unit roundoff, 2^-53.
pub const UNIT: f64 = f64::EPSILON / 2.0;

/// Non-zero magnitudes that enter float proofs are at least this, 2^-500: a
/// product of two is at least 2^-1000, far above the underflow threshold 2^-1022.
pub const TINY: f64 = f64::from_bits((1023 - 500) << 52);

/// 1.5 times 2^52, where floats are 1 apart: added to a number below 2^50 in magnitude and taken
/// off again, it rounds that to a whole number.
pub const WHOLE: f64 = 1.5 * (1u64 << 52) as f64;

/// A bound on the relative error of a sum of `terms` products in any order,
/// against the sum of the products' magnitudes, itself summed in floats: Higham's
/// gamma, doubled to cover the roundings of the bound's own computation.
pub const fn sum_error(terms: usize) -> f64 {
    2.0 * (terms as f64 + 4.0) * UNIT
}

/// `2^exponent`, for exponents of normal numbers; outside, the nearest one that is.
pub fn power_of_two(exponent: i64) -> f64 {
    f64::from_bits(((exponent.clamp(-1022, 1023) + 1023) as u64) << 52)
}

/// The exponent e with 2^e <= |value| < 2^(e+1), for finite non-zero values.
pub fn exponent(value: f64) -> i64 {
    libm::ilogb(value).into()
}

/// A finite float as an odd mantissa times 2^exponent; zero as (0, 0).
pub fn odd_parts(y: f64) -> (i64, i64) {
    if y == 0.0 {
        return (0, 0);
    }
    let bits = y.to_bits();
    let (biased, fraction) = ((bits >> 52 & 0x7ff) as i64, bits & ((1 << 52) - 1));
    let (mantissa, exponent) = match biased {
        0 => (fraction, -1074),
        _ => (fraction | 1 << 52, biased - 1075),
    };
    let zeros = mantissa.trailing_zeros();
    let mantissa = (mantissa >> zeros) as i64;
    let signed = if y < 0.0 { -mantissa } else { mantissa };
    (signed, exponent + i64::from(zeros))
}

/// A big integer as `mantissa * 2^exponent` with `relative` error; exact when it
/// has at most 53 significant bits.
fn leading(value: &Int) -> (f64, i64, f64) {
    let zeros = value.trailing_zeros().unwrap_or(0);
    let bits = value.bits();
    // Cutting below 64 bits errs by less than 2^-63, rounding to 53 bits by 2^-53.
    let (shift, error) = match bits - zeros <= 53 {
        true => (zeros, 0.0),
        false => (bits.saturating_sub(64), 2.0 * UNIT),
    };
    let mantissa = value.magnitude_bits(shift) as f64;
    let signed = if value.sign() < 0 {
        -mantissa
    } else {
        mantissa
    };
    (signed, shift as i64, error)
}

/// Whole numbers up to this in magnitude are floats.
const MOST_EXACT: i64 = 1 << 53;
const LEAST_EXACT: i64 = -MOST_EXACT;

/// Encloses `numerator / denominator * 2^-scale` for any numerator, with a proved radius.
/// Magnitudes below [`TINY`] become `0` with twice that radius, magnitudes beyond the floats have
/// an infinite radius. `denominator` is positive.
pub fn enclose_over(denominator: &Int, scale: i64) -> impl Fn(&Int) -> Enclosure + use<> {
    let bottom = leading(denominator);
    // Over a power of two, a short numerator that is one of 53 bits times another power takes one
    // product, which is exact: with at most 2^127 more, powers and products stay within 2^600.
    let shift = -bottom.1 - scale;
    let simple = bottom.0 == 1.0 && (-400..=400).contains(&shift);
    move |numerator| {
        let exactly = |center| Enclosure {
            center,
            radius: 0.0,
        };
        match numerator {
            Int::Short(0) => exactly(0.0),
            Int::Short(value) if simple => {
                if let Ok(value @ LEAST_EXACT..=MOST_EXACT) = i64::try_from(*value) {
                    return exactly(value as f64 * power_of_two(shift));
                }
                let zeros = value.trailing_zeros();
                let odd = value >> zeros;
                match odd.unsigned_abs() >> 53 {
                    0 => exactly(odd as i64 as f64 * power_of_two(shift + i64::from(zeros))),
                    _ => enclose_quotient(leading(numerator), bottom, scale),
                }
            }
            _ => enclose_quotient(leading(numerator), bottom, scale),
        }
    }
}

/// The same of what [`leading`] gives of both.
fn enclose_quotient(
    (top, top_exponent, top_error): (f64, i64, f64),
    (bottom, bottom_exponent, bottom_error): (f64, i64, f64),
    scale: i64,
) -> Enclosure {
    let quotient = top / bottom;
    // A division by a power of two is exact; another errs by one rounding.
    let relative = if top_error == 0.0 && bottom == 1.0 {
        0.0
    } else {
        2.0 * (top_error + bottom_error + UNIT)
    };
    let shift = top_exponent - bottom_exponent - scale;
    let magnitude = exponent(quotient) + shift;
    if magnitude > 1000 {
        return Enclosure {
            center: 0.0,
            radius: f64::INFINITY,
        };
    }
    if magnitude < -500 {
        // The quotient is below TINY; twice as much covers its rounding.
        return Enclosure {
            center: 0.0,
            radius: 2.0 * TINY,
        };
    }
    // Two steps: the shift alone may leave the range of the floats.
    let half = shift / 2;
    let center = quotient * power_of_two(half) * power_of_two(shift - half);
    Enclosure {
        center,
        radius: if relative == 0.0 {
            0.0
        } else {
            (center.abs() * relative).max(TINY)
        },
    }
}

#[cfg(test)]
mod tests {
    use num_bigint::BigInt;
    use num_traits::{One, Signed};

    use super::*;
    use crate::arithmetic::Rational;

    fn enclose_ratio(numerator: &BigInt, denominator: &BigInt, scale: i64) -> Enclosure {
        enclose_over(&denominator.clone().into(), scale)(&numerator.clone().into())
    }

    #[test]
    fn ratios_lie_in_their_enclosures() {
        let two = BigInt::from(2);
        let tests = [
            (BigInt::from(1), BigInt::from(3), 0),
            (BigInt::from(-7), two.pow(3000), -3000),
            (
                BigInt::from(10).pow(400),
                BigInt::from(10).pow(399) * 7 + 1,
                5,
            ),
            (BigInt::from(10).pow(300), BigInt::one(), 0),
            (BigInt::from(u64::MAX), BigInt::from(3), -2),
        ];
        for (numerator, denominator, scale) in tests {
            let enclosure = enclose_ratio(&numerator, &denominator, scale);
            let power = |e: i64| num_traits::pow(two.clone(), e.unsigned_abs() as usize);
            let exact = if scale >= 0 {
                Rational::new(numerator.clone(), denominator * power(scale))
            } else {
                Rational::new(numerator.clone() * power(scale), denominator)
            };
            let distance = (exact - Rational::from_float(enclosure.center).unwrap()).abs();
            assert!(
                distance <= Rational::from_float(enclosure.radius).unwrap(),
                "{numerator}"
            );
            assert!(
                enclosure.radius <= enclosure.center.abs() * 2e-15,
                "{numerator}"
            );
        }
    }

    #[test]
    fn enclosures_hold_where_floats_become_too_small() {
        let two = BigInt::from(2);
        let mantissas = [
            BigInt::one(),
            BigInt::from(3),
            two.pow(53) - 1,
            two.pow(54) - 1,
            two.pow(64) - 1,
            two.pow(200) - 1,
            two.pow(200) + 1,
        ];
        let denominators = [BigInt::one(), BigInt::from(3), two.pow(70) + 1];
        for mantissa in &mantissas {
            for denominator in &denominators {
                for drop in 495..505 {
                    let size = mantissa.bits() as i64 - denominator.bits() as i64;
                    let scale = size + drop;
                    let enclosure = enclose_ratio(mantissa, denominator, scale);
                    let exact = if scale >= 0 {
                        Rational::new(mantissa.clone(), denominator * two.pow(scale as u32))
                    } else {
                        Rational::new(mantissa * two.pow(-scale as u32), denominator.clone())
                    };
                    let distance = (exact - Rational::from_float(enclosure.center).unwrap()).abs();
                    assert!(
                        distance <= Rational::from_float(enclosure.radius).unwrap(),
                        "{mantissa} / {denominator} at 2^-{drop}"
                    );
                    assert!(enclosure.center == 0.0 || enclosure.center >= TINY);
                }
            }
        }
    }

    #[test]
    fn what_has_53_bits_is_exact() {
        let two = BigInt::from(2);
        let power = |e: i64| Rational::from_integer(two.pow(e.unsigned_abs() as u32));
        let odd = [
            1i64,
            -3,
            (1 << 53) - 1,
            1 - (1 << 53),
            (1 << 53) + 1,
            -(1 << 54) + 1,
        ];
        for (odd, zeros) in odd
            .into_iter()
            .flat_map(|odd| [0, 1, 60, 72, 73].map(|z| (odd, z)))
        {
            for (bottom, scale) in [(0, 0), (0, 400), (0, 401), (90, 310), (90, 311), (7, -407)] {
                let top = BigInt::from(odd) << zeros;
                let enclosure = enclose_ratio(&top, &two.pow(bottom), scale);
                let exact = Rational::new(top, two.pow(bottom));
                let exact = if scale < 0 {
                    exact * power(scale)
                } else {
                    exact / power(scale)
                };
                let distance = (exact - Rational::from_float(enclosure.center).unwrap()).abs();
                assert!(distance <= Rational::from_float(enclosure.radius).unwrap());
                assert_eq!(
                    enclosure.radius == 0.0,
                    odd.abs() < 1 << 53,
                    "{odd} {zeros} {scale}"
                );
            }
        }
    }

    #[test]
    fn dyadic_ratios_are_exact_and_extremes_are_owned_up_to() {
        let two = BigInt::from(2);
        let exact = enclose_ratio(&BigInt::from(-5), &two.pow(4), 1);
        assert_eq!((exact.center, exact.radius), (-5.0 / 32.0, 0.0));
        assert_eq!(
            enclose_ratio(&two.pow(2000), &BigInt::one(), 0).radius,
            f64::INFINITY
        );
        assert_eq!(
            enclose_ratio(&BigInt::one(), &two.pow(2000), 0).radius,
            2.0 * TINY
        );
        assert_eq!(
            enclose_ratio(&BigInt::one(), &two.pow(2000), -2000).center,
            1.0
        );
    }
}
