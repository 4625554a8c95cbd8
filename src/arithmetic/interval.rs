//! Intervals of floats, rounded outwards: what comes out contains every exact result. An
//! operation that is exact is not rounded, so that a sign that small integers decide is
//! decided.

use super::{Enclosure, Number};

/// All reals from `low` to `high`, which may be infinite.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

impl Interval {
    /// The least interval, or nearly, that contains the number.
    pub fn of(number: &Number) -> Self {
        let Enclosure { center, radius } = number.enclosure();
        Interval {
            low: sum_down(center, -radius),
            high: -sum_down(-center, -radius),
        }
    }

    /// From one number to another; a missing end is infinite.
    pub fn between(lower: Option<&Number>, upper: Option<&Number>) -> Self {
        Interval {
            low: lower.map_or(f64::NEG_INFINITY, |number| Interval::of(number).low),
            high: upper.map_or(f64::INFINITY, |number| Interval::of(number).high),
        }
    }

    /// All sums.
    pub fn plus(self, other: Interval) -> Interval {
        Interval {
            low: sum_down(self.low, other.low),
            high: -sum_down(-self.high, -other.high),
        }
    }

    /// All products.
    pub fn times(self, other: Interval) -> Interval {
        let corners = [
            (self.low, other.low),
            (self.low, other.high),
            (self.high, other.low),
            (self.high, other.high),
        ];
        // A number times an interval has two corners.
        let corners = if self.low == self.high {
            &corners[..2]
        } else {
            &corners
        };
        let low = corners.iter().map(|&(a, b)| product_down(a, b));
        let high = corners.iter().map(|&(a, b)| -product_down(-a, b));
        Interval {
            low: low.fold(f64::INFINITY, f64::min),
            high: high.fold(f64::NEG_INFINITY, f64::max),
        }
    }

    /// max(0, x) for all x in it.
    pub fn relu(&mut self) {
        self.low = self.low.max(0.0);
        self.high = self.high.max(0.0);
    }
}

/// A float that is at most `a + b`, and equal to it where that is a float.
fn sum_down(a: f64, b: f64) -> f64 {
    let sum = a + b;
    if sum.is_infinite() {
        // An overflow upwards exceeds the largest float.
        return if sum > 0.0 && a.is_finite() && b.is_finite() {
            f64::MAX
        } else {
            sum
        };
    }
    if sum.is_nan() {
        return f64::NEG_INFINITY;
    }
    // Knuth's error of a sum, exact unless something in it overflows.
    let part = sum - a;
    let error = (a - (sum - part)) + (b - part);
    if error >= 0.0 { sum } else { sum.next_down() }
}

/// A float that is at most `a * b`, and equal to it where that is a float, unless it is
/// very small. Zero times anything is zero.
fn product_down(a: f64, b: f64) -> f64 {
    if a == 0.0 || b == 0.0 {
        return 0.0;
    }
    let product = a * b;
    if product.is_infinite() {
        return if product > 0.0 && a.is_finite() && b.is_finite() {
            f64::MAX
        } else {
            product
        };
    }
    // Below, the error may be no float.
    let exact_error = product.abs() > 1e-270;
    if exact_error && a.mul_add(b, -product) >= 0.0 {
        product
    } else {
        product.next_down()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arithmetic::Rational;

    fn exact(value: f64) -> Rational {
        Rational::from_float(value).unwrap()
    }

    #[test]
    fn results_are_below_and_as_near_as_can_be() {
        let values = [
            1.0,
            -1.0,
            3.0,
            0.1,
            -0.1,
            1e16,
            -1e16,
            1e-300,
            -1e-300,
            5e-324,
            1e308,
            -1e308,
            0.0,
            7.25,
            1.0 + f64::EPSILON,
            -1.0 / 3.0,
            f64::MAX,
            f64::MIN,
        ];
        for a in values {
            for b in values {
                for (result, value) in [
                    (sum_down(a, b), exact(a) + exact(b)),
                    (product_down(a, b), exact(a) * exact(b)),
                ] {
                    if result == f64::NEG_INFINITY {
                        assert!(value < exact(f64::MIN));
                        continue;
                    }
                    assert!(exact(result) <= value, "{a} {b} {result}");
                    let next = result.next_up();
                    let tiny = result.abs() <= 1e-270;
                    assert!(
                        tiny || next.is_infinite() || exact(next) > value,
                        "{a} {b} {result}"
                    );
                }
            }
        }
    }

    #[test]
    fn infinite_ends_stay() {
        let everything = Interval::between(None, None);
        let half = Interval::between(Some(&Number::from(2)), None);
        let minus = Interval::of(&Number::from(-3));
        assert_eq!(
            half.times(minus),
            Interval {
                low: f64::NEG_INFINITY,
                high: -6.0
            }
        );
        assert_eq!(half.plus(minus).low, -1.0);
        assert_eq!(
            everything.times(Interval::of(&Number::ZERO)),
            Interval {
                low: 0.0,
                high: 0.0
            }
        );
        let third = Interval::of(&Number::parse("1/3").unwrap());
        assert!(third.low < third.high && third.high - third.low < 1e-15);
        let huge = Interval::of(&Number::parse("1e400").unwrap());
        assert_eq!(huge, everything);
    }
}
