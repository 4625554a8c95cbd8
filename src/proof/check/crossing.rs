//! The point where hyperplanes cross: of all points on all of them, the nearest to a
//! given one.
//!
//! Row i of H is the linear part of the form h_i. The point is p = y - H^T w, where
//! (H H^T) w = h(y): the forms vanish there, and p - y is orthogonal to what the
//! hyperplanes have in common. The Gram matrix H H^T is positive definite exactly when the
//! rows of H are independent, and then has pivots that are not zero in any order.

use num_bigint::BigInt;
use num_traits::Zero;

use super::ball::Ball;
use super::farkas::{Bounds, Function, Integers, Solved, solve};
use super::witness::Exact;
use crate::arithmetic::interval::Interval;

/// Balls around the coordinates of the crossing of the hyperplanes of these forms that is
/// nearest to y, when balls prove that the forms are independent; when they do not, nothing
/// is known. `scratch` is overwritten.
pub fn by_balls<'s>(
    forms: &[Function<'_>],
    y: &[Interval],
    scratch: &'s mut Vec<Ball>,
) -> Option<&'s [Ball]> {
    let (k, d) = (forms.len(), y.len());
    if k > d {
        return None;
    }
    // The crossing; H and h; the Gram matrix above and on its diagonal, with h(y).
    let width = k + 1;
    scratch.clear();
    scratch.extend(y.iter().map(|&y| Ball::from(y)));
    for form in forms {
        scratch.extend((0..=d).map(|c| Ball::from(form.at(c))));
    }
    scratch.resize(scratch.len() + k * width, Ball::ZERO);
    let (point, rest) = scratch.split_at_mut(d);
    let (rows, gram) = rest.split_at_mut(k * (d + 1));
    for (i, row) in rows.chunks_exact(d + 1).enumerate() {
        let later = rows[i * (d + 1)..].chunks_exact(d + 1);
        for (entry, other) in gram[i * width + i..].iter_mut().zip(later) {
            *entry = product(Ball::ZERO, &row[..d], &other[..d]);
        }
        gram[i * width + k] = product(row[d], &row[..d], point);
    }
    for step in 0..k {
        let (above, below) = gram.split_at_mut((step + 1) * width);
        let pivot = &above[step * width..];
        let positive = pivot[step].distance_from_zero() > 0.0;
        if !positive {
            return None;
        }
        for (row, line) in (step + 1..).zip(below.chunks_exact_mut(width)) {
            // What is left stays symmetric.
            let factor = pivot[row].over(pivot[step]);
            for column in row..width {
                line[column] = line[column].minus_product(factor, pivot[column]);
            }
        }
    }
    for row in (0..k).rev() {
        let mut value = gram[row * width + k];
        for column in row + 1..k {
            value = value.minus_product(gram[row * width + column], gram[column * width + k]);
        }
        let multiplier = value.over(gram[row * width + row]);
        gram[row * width + k] = multiplier;
        for (x, &slope) in point.iter_mut().zip(&rows[row * (d + 1)..][..d]) {
            *x = x.minus_product(slope, multiplier);
        }
    }
    Some(point)
}

/// `start` and the sum of the products of entries.
fn product(start: Ball, a: &[Ball], b: &[Ball]) -> Ball {
    let pairs = a.iter().zip(b);
    pairs.fold(start, |sum, (&a, &b)| sum.minus_product(-a, b))
}

/// Whether balls around the coordinates of a point prove that the function is positive
/// there.
pub fn is_positive(point: &[Ball], function: Function<'_>) -> bool {
    let d = point.len();
    let value = Ball::from(function.at(d));
    let add = |sum: Ball, c: usize| sum.minus_product(-Ball::from(function.at(c)), point[c]);
    let value = match function.bounds {
        Bounds::End(end, _) => add(value, end.coordinate),
        Bounds::Dense(..) => (0..d).fold(value, add),
    };
    value.is_positive()
}

/// The crossing of the hyperplanes of these forms that is nearest to y; `None` when the
/// linear parts of the forms are dependent.
pub fn exactly(forms: &[Integers<'_>], y: &Exact) -> Option<Exact> {
    let (k, d) = (forms.len(), y.coordinates.len());
    if k > d {
        return None;
    }
    // All over the integers: other multiples of the forms vanish in the same points.
    let row = |form: &Integers<'_>| (0..=d).map(|c| form.at(c)).collect();
    let rows: Vec<Vec<BigInt>> = forms.iter().map(row).collect();
    let dot = |a: &[BigInt], b: &[BigInt]| -> BigInt {
        let pairs = a
            .iter()
            .zip(b)
            .filter(|(a, b)| !a.is_zero() && !b.is_zero());
        pairs.map(|(a, b)| a * b).sum()
    };
    let mut equations = Vec::with_capacity((k + 1) * (k + 1));
    for row in &rows {
        equations.extend(rows.iter().map(|other| dot(&row[..d], &other[..d])));
        equations.push(dot(&row[..d], &y.coordinates) + &row[d] * &y.denominator);
    }
    // The solver wants one row more, of which nothing is needed here.
    equations.resize((k + 1) * (k + 1), BigInt::zero());
    let Some(Solved::Unique {
        determinant,
        multipliers,
        ..
    }) = solve(equations, k + 1)
    else {
        return None;
    };
    // The determinant is positive: that of a Gram matrix, whose pivots need no exchange.
    let coordinate = |c: usize| {
        let shift = rows.iter().zip(&multipliers);
        let shift: BigInt = shift.map(|(row, m)| &row[c] * m).sum();
        &y.coordinates[c] * &determinant - shift
    };
    Some(Exact {
        coordinates: (0..d).map(coordinate).collect(),
        denominator: &y.denominator * &determinant,
    })
}
