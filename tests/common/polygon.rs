//! Two inputs, any depth: cuts convex polygons by every unit's line in turn.
//!
//! A polygon is the cyclic list of its corners in homogeneous integers (x, y, w):
//! w > 0 is the point (x/w, y/w), w = 0 a direction in which it is unbounded.

use std::collections::BTreeSet;

use chambers::arrangement::{Domain, Interval};
use chambers::network::Network;
use num_bigint::BigInt;
use num_traits::{One, Signed, Zero};

use super::integers::{combine, primitive};
use super::model::{Form, Model, Step, compose, rectify};
use super::{Number, Rational};

type Corner = Vec<BigInt>;

#[derive(Clone)]
struct Polygon {
    corners: Vec<Corner>,
    pattern: String,
    /// The values of the last layer on it.
    forms: Vec<Form>,
}

/// The activation patterns on a domain that is flat in neither input. Where the
/// domain is bounded, the areas of the regions add up to its own, exactly.
pub fn patterns(network: &Network, domain: &Domain) -> BTreeSet<String> {
    let model = Model::of(network);
    assert_eq!(model.inputs, 2, "the polygons are for two inputs");
    if domain.is_empty() {
        return BTreeSet::new();
    }
    let mut polygons = start(domain);
    let bounded = domain
        .intervals()
        .iter()
        .all(|i| i.lower.is_some() && i.upper.is_some());
    let area = |polygons: &[Polygon]| polygons.iter().map(area).sum::<Rational>();
    let whole = bounded.then(|| area(&polygons));
    for step in &model.steps {
        match step {
            Step::Affine(rows) => {
                for polygon in &mut polygons {
                    polygon.forms = compose(rows, &polygon.forms, 2);
                }
            }
            Step::Relu => polygons = polygons.into_iter().flat_map(rectified).collect(),
        }
    }
    let patterns: BTreeSet<String> = polygons.iter().map(|p| p.pattern.clone()).collect();
    if let Some(whole) = whole {
        assert_eq!(area(&polygons), whole, "the polygons do not tile the box");
        // The region of a pattern is convex: only the axes that cut an unbounded
        // domain into quarters can part it.
        assert_eq!(polygons.len(), patterns.len(), "a pattern came back");
    }
    patterns
}

/// The box; what is infinite both ways is halved at zero, so that there are corners.
fn start(domain: &Domain) -> Vec<Polygon> {
    let halves = |interval: &Interval| -> Vec<(Option<Rational>, Option<Rational>)> {
        let lower = interval.lower.as_ref().map(Number::to_rational);
        let upper = interval.upper.as_ref().map(Number::to_rational);
        if let (Some(lower), Some(upper)) = (&lower, &upper) {
            assert!(lower < upper, "the polygons need an area");
        }
        if lower.is_none() && upper.is_none() {
            let zero = Some(Rational::zero());
            return vec![(None, zero.clone()), (zero, None)];
        }
        vec![(lower, upper)]
    };
    let polygon = |x: &(Option<Rational>, Option<Rational>), y: &(_, _)| {
        let point = |x: &Rational, y: &Rational| primitive(&[x.clone(), y.clone(), One::one()]);
        let direction = |x: i64, y: i64| vec![BigInt::from(x), BigInt::from(y), BigInt::zero()];
        // The finite ends of a side, and where it runs off to.
        let ends = |side: &(Option<Rational>, Option<Rational>)| match side {
            (Some(lower), Some(upper)) => (vec![lower.clone(), upper.clone()], 0),
            (Some(lower), None) => (vec![lower.clone()], 1),
            (None, Some(upper)) => (vec![upper.clone()], -1),
            (None, None) => unreachable!("halved"),
        };
        let ((xs, x_away), (ys, y_away)) = (ends(x), ends(y));
        let mut corners: Vec<Corner> = xs.iter().map(|x| point(x, &ys[0])).collect();
        if let Some(y) = ys.get(1) {
            corners.extend(xs.iter().rev().map(|x| point(x, y)));
        }
        if x_away != 0 {
            corners.push(direction(x_away, 0));
        }
        if y_away != 0 {
            corners.push(direction(0, y_away));
        }
        Polygon {
            corners,
            pattern: String::new(),
            forms: Form::coordinates(2),
        }
    };
    let [x, y] = domain.intervals() else {
        panic!("two inputs have two intervals");
    };
    let (xs, ys) = (halves(x), halves(y));
    let pairs = xs.iter().flat_map(|x| ys.iter().map(move |y| (x, y)));
    pairs.map(|(x, y)| polygon(x, y)).collect()
}

/// The polygon cut by all of its forms, which become the values after a ReLU.
fn rectified(mut polygon: Polygon) -> Vec<Polygon> {
    let forms = std::mem::take(&mut polygon.forms);
    let before = polygon.pattern.len();
    let mut parts = vec![polygon];
    for form in &forms {
        let mut row = form.coefficients.clone();
        row.push(form.constant.clone());
        let row = primitive(&row);
        parts = parts.into_iter().flat_map(|p| cut(p, &row)).collect();
    }
    for part in &mut parts {
        part.forms = rectify(&forms, &part.pattern[before..], 2);
    }
    parts
}

/// The parts of a polygon on either side of a line, each with the sign it has there.
fn cut(polygon: Polygon, row: &[BigInt]) -> Vec<Polygon> {
    let at = |corner: &Corner| corner.iter().zip(row).map(|(x, a)| x * a).sum::<BigInt>();
    let values: Vec<BigInt> = polygon.corners.iter().map(at).collect();
    let plus = values.iter().any(Signed::is_positive);
    let minus = values.iter().any(Signed::is_negative);
    let with = |corners: Vec<Corner>, sign: char| Polygon {
        corners,
        pattern: format!("{}{sign}", polygon.pattern),
        forms: Vec::new(),
    };
    if !(plus && minus) {
        // Three corners are independent, so a line that vanishes on all is no line.
        let sign = if plus { '+' } else { '-' };
        let sign = if plus || minus { sign } else { '0' };
        return vec![with(polygon.corners, sign)];
    }
    let (mut above, mut below) = (Vec::new(), Vec::new());
    for (k, (u, p)) in polygon.corners.iter().zip(&values).enumerate() {
        let next = (k + 1) % values.len();
        let (v, q) = (&polygon.corners[next], &values[next]);
        if !p.is_negative() {
            above.push(u.clone());
        }
        if !p.is_positive() {
            below.push(u.clone());
        }
        if (p * q).is_negative() {
            let corner = combine(&p.abs(), v, &q.abs(), u).expect("big integers");
            above.push(corner.clone());
            below.push(corner);
        }
    }
    vec![with(above, '+'), with(below, '-')]
}

/// The shoelace formula.
fn area(polygon: &Polygon) -> Rational {
    let point = |c: &Corner| {
        let over = |k: usize| Rational::new(c[k].clone(), c[2].clone());
        (over(0), over(1))
    };
    let points: Vec<_> = polygon.corners.iter().map(point).collect();
    let next = points.iter().cycle().skip(1);
    let twice: Rational = points
        .iter()
        .zip(next)
        .map(|(p, q)| &p.0 * &q.1 - &p.1 * &q.0)
        .sum();
    let two = Rational::one() + Rational::one();
    assert!(!twice.is_zero(), "a polygon without area");
    twice.abs() / two
}
