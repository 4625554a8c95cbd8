//! Whether a float point lies strictly inside an activation region, with proof.

use num_traits::ToPrimitive;

use crate::arithmetic::integer::over_common_denominator;
use crate::arithmetic::{Int, Rational};
use crate::arrangement::active::Active;
use crate::arrangement::forms::FloatForms;
use crate::arrangement::stage::{ExactForms, Stage};
use crate::arrangement::{Domain, Interval};
use crate::regions::Sign;

/// The f64 point nearest to `witness`, if it is proved to lie in the domain's interior
/// and to have the signs of `pattern`.
///
/// A unit of sign `0` is identically zero on its cell, so a point in the cell needs
/// no proof for it.
pub fn nearest_inside(
    stages: &[Stage],
    domain: &Domain,
    pattern: &[Sign],
    witness: &[Rational],
) -> Option<Vec<f64>> {
    let point: Vec<f64> = witness
        .iter()
        .map(|x| x.to_f64().unwrap_or(f64::NAN))
        .collect();
    let exact: Vec<Rational> = point
        .iter()
        .map(|&x| Rational::from_float(x))
        .collect::<Option<_>>()?;
    let inside = domain
        .intervals()
        .iter()
        .zip(&exact)
        .all(|(interval, x)| is_inside(interval, x));
    (inside && (signs_by_floats(stages, pattern, &exact) || signs_exactly(stages, pattern, &exact)))
        .then_some(point)
}

fn is_inside(interval: &Interval, x: &Rational) -> bool {
    match interval.point() {
        Some(only) => only.to_rational() == *x,
        None => {
            interval
                .lower
                .as_ref()
                .is_none_or(|lower| lower.to_rational() < *x)
                && interval
                    .upper
                    .as_ref()
                    .is_none_or(|upper| *x < upper.to_rational())
        }
    }
}

/// A point's coordinates as forms without variables.
fn constants(point: &[Rational]) -> ExactForms {
    let (values, denominator) = over_common_denominator(point);
    ExactForms {
        entries: values.into_iter().map(Int::from).collect(),
        width: 1,
        denominator: denominator.into(),
    }
}

fn signs_by_floats(stages: &[Stage], pattern: &[Sign], point: &[Rational]) -> bool {
    let mut values = FloatForms::from_exact(&constants(point));
    for (number, stage) in stages.iter().enumerate() {
        let above = number.checked_sub(1).map(|above| &stages[above]);
        let active = above.map(|above| Active::of(&pattern[above.first_unit..][..above.units]));
        for (k, map) in stage.maps.iter().enumerate() {
            let passes = active.as_ref().filter(|_| k == 0);
            let before = std::mem::take(&mut values);
            before.through(map, passes, &mut values);
        }
        let signs = &pattern[stage.first_unit..stage.first_unit + stage.units];
        let proved = |(unit, &sign): (usize, &Sign)| {
            sign == Sign::Zero
                || f64::from(sign as i8) * values.center(unit)[0] > values.constant_radius(unit)
        };
        if !values.tame || !signs.iter().enumerate().all(proved) {
            return false;
        }
    }
    true
}

fn signs_exactly(stages: &[Stage], pattern: &[Sign], point: &[Rational]) -> bool {
    let mut values = constants(point);
    for (number, stage) in stages.iter().enumerate() {
        for (k, map) in stage.maps.iter().enumerate() {
            values = values.through(map, |entry| {
                k > 0 || is_active(stages, number, pattern, entry)
            });
        }
        let signs = &pattern[stage.first_unit..stage.first_unit + stage.units];
        let agrees = |(value, &sign): (&Int, &Sign)| value.sign() == i32::from(sign as i8);
        if !values.entries.iter().zip(signs).all(agrees) {
            return false;
        }
    }
    true
}

/// Whether an entry passes its value on to stage `number`: inputs always do.
fn is_active(stages: &[Stage], number: usize, pattern: &[Sign], entry: usize) -> bool {
    number == 0 || pattern[stages[number - 1].first_unit + entry] == Sign::Positive
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arithmetic::Number;
    use crate::arrangement::stage::stages;
    use crate::network::{Affine, Layer, Network, Shape};

    /// max(0, x - 1/3), then max(0, that - 1).
    fn network() -> Network {
        let mut network = Network::new(Shape::new([1]));
        for bias in ["-1/3", "-1"] {
            let affine =
                Affine::dense(1, 1, vec![Number::ONE], vec![Number::parse(bias).unwrap()]).unwrap();
            network.push(Layer::Affine(affine)).unwrap();
            network.push(Layer::Relu).unwrap();
        }
        network
    }

    fn nearest(pattern: &[Sign], domain: &str, x: &str) -> Option<Vec<f64>> {
        let domain = Domain::parse_box(domain, 1).unwrap();
        nearest_inside(
            &stages(&network()),
            &domain,
            pattern,
            &[Number::parse(x).unwrap().to_rational()],
        )
    }

    #[test]
    fn only_points_strictly_inside_are_given() {
        use Sign::{Negative, Positive};
        assert_eq!(
            nearest(&[Positive, Negative], "-inf,inf", "1/2"),
            Some(vec![0.5])
        );
        assert_eq!(nearest(&[Positive, Positive], "-inf,inf", "1/2"), None);
        assert_eq!(nearest(&[Positive, Negative], "0.5,1", "1/2"), None);
        assert_eq!(
            nearest(&[Positive, Negative], "0.5,0.5", "1/2"),
            Some(vec![0.5])
        );
        // The nearest float to 1/3 is below it.
        assert_eq!(nearest(&[Positive, Negative], "-inf,inf", "1/3"), None);
        assert_eq!(
            nearest(&[Negative, Negative], "-inf,inf", "1/3"),
            Some(vec![1.0 / 3.0])
        );
        // Too close for floats with this bias, decided exactly.
        let near = "0.33333333333333337";
        assert_eq!(
            nearest(&[Positive, Negative], "-inf,inf", near),
            Some(vec![near.parse().unwrap()])
        );
    }
}
