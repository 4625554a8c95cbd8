//! The few exact operations on weights that a graph asks for.

use crate::arithmetic::{Number, Rational};

/// The exact product.
pub fn multiply(a: &Number, b: &Number) -> Number {
    if let (Number::Float(x), Number::Float(y)) = (a, b) {
        if *x == 0.0 || *y == 0.0 {
            return Number::ZERO;
        }
        let product = x * y;
        // The exact product is below 2^106 times a power of two that it is a multiple
        // of. So is the rounding error, which here is therefore far above the smallest
        // subnormal: a zero from the fused operation means that there is no error.
        if product.is_finite() && product.abs() > 1e-200 && x.mul_add(*y, -product) == 0.0 {
            return Number::Float(product);
        }
    }
    Number::from_rational(a.to_rational() * b.to_rational())
}

/// Minus the value.
pub fn negate(a: &Number) -> Number {
    match a {
        // Adding zero keeps minus zero out.
        Number::Float(value) => Number::Float(-value + 0.0),
        Number::Rational(value) => Number::from_rational(-value.as_ref().clone()),
    }
}

/// One over the value, which is not zero.
pub fn reciprocal(a: &Number) -> Option<Number> {
    if a.is_zero() {
        return None;
    }
    let value: Rational = a.to_rational();
    Some(Number::from_rational(value.recip()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Number {
        Number::parse(text).unwrap()
    }

    #[test]
    fn products_are_exact_in_every_range() {
        let tenth = Number::from_f64(0.1).unwrap();
        let tiny = Number::from_f64(5e-324).unwrap();
        let huge = Number::from_f64(1e308).unwrap();
        for (a, b) in [
            (&tenth, &tenth),
            (&tiny, &tenth),
            (&tiny, &tiny),
            (&huge, &huge),
            (&huge, &tiny),
            (&Number::ZERO, &huge),
            (&number("3"), &number("-0.5")),
            (&number("1/3"), &number("3")),
        ] {
            let exact = a.to_rational() * b.to_rational();
            assert_eq!(multiply(a, b), Number::from_rational(exact), "{a} {b}");
        }
    }

    #[test]
    fn opposites_and_reciprocals() {
        assert_eq!(negate(&Number::ZERO).to_string(), "0");
        assert_eq!(negate(&number("1/3")), number("-1/3"));
        assert_eq!(reciprocal(&number("-4")), Some(number("-0.25")));
        assert_eq!(reciprocal(&number("3")), Some(number("1/3")));
        assert_eq!(reciprocal(&Number::ZERO), None);
    }
}
