//! Balls: a float and a bound on how far the exact number is from it. Faster than
//! intervals, but never exact.

use std::ops::Neg;

use crate::arithmetic::interval::Interval;

/// All reals within `radius` of `center`. When either is not finite, nothing is known:
/// every question is answered with no.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ball {
    center: f64,
    radius: f64,
}

/// The relative error of one rounding to nearest, 2^-53.
const UNIT: f64 = f64::EPSILON / 2.0;

/// Covers the roundings of a radius, of which there are fewer than 8, each of relative
/// size 2^-53.
const UP: f64 = 1.0 + 16.0 * UNIT;

/// Covers underflows, of which there are fewer than 8 in a result, each of at most 2^-1075.
const TINY: f64 = 1e-300;

impl From<Interval> for Ball {
    fn from(Interval { low, high }: Interval) -> Self {
        if low == high {
            return Ball {
                center: low,
                radius: 0.0,
            };
        }
        let center = low / 2.0 + high / 2.0;
        Ball {
            center,
            radius: (center - low).max(high - center) * UP + TINY,
        }
    }
}

impl Neg for Ball {
    type Output = Ball;

    fn neg(self) -> Ball {
        Ball {
            center: -self.center,
            ..self
        }
    }
}

impl Ball {
    /// The point zero.
    pub const ZERO: Ball = Ball {
        center: 0.0,
        radius: 0.0,
    };

    /// Nothing is known.
    pub const ANYTHING: Ball = Ball {
        center: 0.0,
        radius: f64::INFINITY,
    };

    /// A point.
    pub fn exactly(center: f64) -> Ball {
        Ball {
            center,
            radius: 0.0,
        }
    }

    /// The float.
    pub fn center(self) -> f64 {
        self.center
    }

    /// A lower bound of the distance from zero, zero or less when zero may be in it.
    pub fn distance_from_zero(self) -> f64 {
        let distance = self.center.abs() - self.radius;
        if distance.is_finite() { distance } else { 0.0 }
    }

    /// Whether it says anything.
    pub fn is_finite(self) -> bool {
        self.center.is_finite() && self.radius.is_finite()
    }

    /// Whether it is the point zero.
    pub fn is_zero(self) -> bool {
        self.center == 0.0 && self.radius == 0.0
    }

    /// Whether nothing in it is negative.
    pub fn is_not_negative(self) -> bool {
        self.center.is_finite() && self.center >= self.radius
    }

    /// Whether everything in it is positive.
    pub fn is_positive(self) -> bool {
        self.center > 0.0 && self.distance_from_zero() > 0.0
    }

    /// What contains both.
    pub fn or(self, other: Ball) -> Ball {
        let center = self.center / 2.0 + other.center / 2.0;
        // Sums, so that what is not finite stays so.
        let apart = (self.center - other.center).abs() / 2.0;
        let radius = apart + self.radius + other.radius + center.abs() * UNIT;
        Ball {
            center,
            radius: radius * UP + TINY,
        }
    }

    /// `self - a b`.
    pub fn minus_product(self, a: Ball, b: Ball) -> Ball {
        let product = a.center * b.center;
        let center = self.center - product;
        // |xy - ab| <= |a| |y - b| + |x - a| (|b| + |y - b|), then two roundings.
        let radius = a.center.abs() * b.radius + a.radius * (b.center.abs() + b.radius);
        let rounding = (product.abs() + center.abs()) * UNIT;
        Ball {
            center,
            radius: (self.radius + radius + rounding) * UP + TINY,
        }
    }

    /// `self / b`, where zero is not in `b`.
    pub fn over(self, b: Ball) -> Ball {
        let center = self.center / b.center;
        // |x / y - a / b| <= (|x - a| + |a / b| |y - b|) / |y|, then one rounding.
        let error = (self.radius + center.abs() * b.radius + TINY) / b.distance_from_zero();
        Ball {
            center,
            radius: (error + center.abs() * UNIT) * UP + TINY,
        }
    }
}

#[cfg(test)]
mod tests {
    use num_traits::Signed;

    use super::*;
    use crate::arithmetic::Rational;

    const VALUES: [f64; 16] = [
        0.0,
        1.0,
        -1.0,
        3.0,
        0.1,
        -1.0 / 3.0,
        1e16,
        -1e-16,
        1e-160,
        -1e-300,
        5e-324,
        f64::MIN_POSITIVE,
        1e155,
        -1e308,
        f64::MAX,
        1.0 + f64::EPSILON,
    ];

    fn exact(value: f64) -> Rational {
        Rational::from_float(value).expect("finite")
    }

    fn assert_contains(ball: Ball, value: &Rational) {
        if ball.center.is_finite() && ball.radius.is_finite() {
            let distance = (value - exact(ball.center)).abs();
            assert!(distance <= exact(ball.radius), "{ball:?} {value}");
        } else {
            assert!(!ball.is_not_negative() || ball.radius.is_finite());
            assert!(ball.distance_from_zero() <= 0.0);
        }
    }

    /// The ends of some intervals, as intervals and as exact numbers.
    fn intervals() -> Vec<(Interval, [Rational; 2])> {
        let mut intervals = Vec::new();
        for (k, &low) in VALUES.iter().enumerate() {
            for &high in [&low, &VALUES[(k + 5) % VALUES.len()]] {
                let (low, high) = (low.min(high), low.max(high));
                intervals.push((Interval { low, high }, [exact(low), exact(high)]));
            }
        }
        intervals
    }

    #[test]
    fn balls_contain_exact_results() {
        let intervals = intervals();
        for (a, a_ends) in &intervals {
            let ball = Ball::from(*a);
            a_ends.iter().for_each(|end| assert_contains(ball, end));
            for (b, b_ends) in &intervals {
                let other = Ball::from(*b);
                for x in a_ends {
                    for y in b_ends {
                        if other.distance_from_zero() > 0.0 {
                            assert_contains(ball.over(other), &(x / y));
                        }
                        let third = Ball::from(Interval {
                            low: -7.25,
                            high: -7.25,
                        });
                        let difference = exact(-7.25) - x * y;
                        assert_contains(third.minus_product(ball, other), &difference);
                        assert_contains(-third.minus_product(ball, other), &-&difference);
                        let positive = third.minus_product(ball, other).is_positive();
                        assert!(!positive || difference.is_positive());
                        assert_contains(ball.minus_product(other, other), &(x - y * y));
                        assert_contains(ball.or(other), x);
                        assert_contains(ball.or(other), y);
                    }
                }
            }
        }
    }

    #[test]
    fn what_is_not_finite_proves_nothing() {
        let everything = Ball::from(Interval {
            low: f64::NEG_INFINITY,
            high: f64::INFINITY,
        });
        let above = Ball::from(Interval {
            low: 1.0,
            high: f64::INFINITY,
        });
        let one = Ball::from(Interval {
            low: 1.0,
            high: 1.0,
        });
        for ball in [
            everything,
            Ball::ANYTHING,
            Ball::ANYTHING.over(one),
            one.minus_product(Ball::ANYTHING, Ball::ZERO),
            Ball::ZERO.minus_product(Ball::ZERO, Ball::ANYTHING),
            above,
            one.minus_product(above, one),
            one.minus_product(everything, one),
            one.or(everything),
            everything.minus_product(everything, Ball::ZERO).or(one),
            above.over(one),
        ] {
            assert!(!ball.is_not_negative() && !ball.is_positive());
            assert!(!(-ball).is_positive());
            let possible = ball.distance_from_zero() > 0.0;
            assert!(!possible);
        }
    }
}
