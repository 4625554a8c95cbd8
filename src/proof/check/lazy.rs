//! Numbers that are exact when they have to be: a ball around each, and how to compute it.

use std::cell::OnceCell;
use std::cmp::Ordering;
use std::rc::Rc;

use num_traits::Zero;

use super::arrangement::Value;
use super::ball::Ball;
use crate::arithmetic::Rational;
use crate::arithmetic::interval::Interval;

/// An exact number, computed when it is asked for.
#[derive(Clone, Debug)]
pub struct Lazy(Rc<Node>);

#[derive(Debug)]
struct Node {
    /// It is in here.
    ball: Ball,
    exact: OnceCell<Rational>,
    how: How,
}

#[derive(Debug)]
enum How {
    /// It was known from the beginning.
    Known,
    /// The first minus the product of the others.
    MinusProduct([Lazy; 3]),
    /// The first over the second.
    Over([Lazy; 2]),
}

impl Lazy {
    /// A number in these bounds.
    pub fn new(exact: Rational, bounds: Interval) -> Lazy {
        Lazy(Rc::new(Node {
            ball: bounds.into(),
            exact: exact.into(),
            how: How::Known,
        }))
    }

    fn of(ball: Ball, how: How) -> Lazy {
        Lazy(Rc::new(Node {
            ball,
            exact: OnceCell::new(),
            how,
        }))
    }

    /// The number.
    pub fn exact(&self) -> &Rational {
        self.0.exact.get_or_init(|| match &self.0.how {
            How::Known => unreachable!("what is known is there"),
            How::MinusProduct([a, b, c]) => a.exact() - b.exact() * c.exact(),
            How::Over([a, b]) => a.exact() / b.exact(),
        })
    }
}

impl Value for Lazy {
    fn sign(&self) -> Option<Ordering> {
        let exactly = || self.exact().cmp(&Rational::zero());
        Some(self.0.ball.sign().unwrap_or_else(exactly))
    }

    fn distance_from_zero(&self) -> f64 {
        match self.sign() {
            Some(Ordering::Equal) => 0.0,
            _ => Value::distance_from_zero(&self.0.ball).max(f64::MIN_POSITIVE),
        }
    }

    fn minus_product(&self, a: &Lazy, b: &Lazy) -> Lazy {
        let ball = self.0.ball.minus_product(a.0.ball, b.0.ball);
        Lazy::of(
            ball,
            How::MinusProduct([self.clone(), a.clone(), b.clone()]),
        )
    }

    fn over(&self, b: &Lazy) -> Lazy {
        let ball = match b.0.ball.sign() {
            Some(_) => self.0.ball.over(b.0.ball),
            // There may be a zero in there.
            None => Ball::ANYTHING,
        };
        Lazy::of(ball, How::Over([self.clone(), b.clone()]))
    }

    fn max(&self, other: &Lazy) -> Lazy {
        match self.guess(other) {
            Ordering::Less => other.clone(),
            _ => self.clone(),
        }
    }

    fn guess(&self, other: &Lazy) -> Ordering {
        self.compare(other).expect("signs are known")
    }

    fn integer(value: i8) -> Lazy {
        let float = value.into();
        let bounds = Interval {
            low: float,
            high: float,
        };
        Lazy::new(Rational::from_integer(value.into()), bounds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// (1/3 + 1/3 + 1/3 - 1) is zero, which only exact arithmetic knows; and so is what is made
    /// of it.
    #[test]
    fn signs_are_exact() {
        let third = Lazy::integer(1).over(&Lazy::integer(3));
        let zero = third.minus_product(&third, &Lazy::integer(-2));
        let zero = zero.minus_product(&Lazy::integer(1), &Lazy::integer(1));
        assert_eq!(zero.0.ball.sign(), None);
        assert_eq!(zero.sign(), Some(Ordering::Equal));
        assert_eq!(zero.distance_from_zero(), 0.0);
        // Much smaller than the ball around it.
        let small = Lazy::integer(1).over(&Lazy::integer(127));
        let small = (0..40).fold(small.clone(), |power, _| {
            Lazy::integer(0).minus_product(&power, &small)
        });
        let near = zero.minus_product(&Lazy::integer(-1), &small);
        assert_eq!(near.0.ball.sign(), None);
        assert_eq!(near.sign(), Some(Ordering::Greater));
        assert!(near.distance_from_zero() > 0.0);
        assert_eq!(near.compare(&zero), Some(Ordering::Greater));
        assert_eq!(near.max(&zero).sign(), Some(Ordering::Greater));
        assert_eq!(zero.max(&near).sign(), Some(Ordering::Greater));
        assert_eq!(near.exact().numer(), &1.into());
    }

    /// A quotient by a number whose ball has zero in it is not known by balls, and is by itself.
    #[test]
    fn divisors_may_be_unknown_to_balls() {
        let third = Lazy::integer(1).over(&Lazy::integer(3));
        let more =
            third.minus_product(&Lazy::integer(1).over(&Lazy::integer(3)), &Lazy::integer(1));
        let tiny = Lazy::integer(1).over(&Lazy::integer(127));
        let tiny = (0..9).fold(tiny, |power, _| power.over(&Lazy::integer(127)));
        let divisor = more.minus_product(&tiny, &Lazy::integer(1));
        assert_eq!(divisor.0.ball.sign(), None);
        let quotient = Lazy::integer(1).over(&divisor);
        assert_eq!(quotient.0.ball.sign(), None);
        assert_eq!(quotient.sign(), Some(Ordering::Less));
    }
}
