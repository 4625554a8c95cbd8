//! The point amid corners: their mean, and from there along rays.
//!
//! A corner is where d functions vanish. A ray is the direction in which all but the last of d
//! functions stay as they are, and the last one grows; its largest coordinate is 1 in magnitude.

use num_bigint::BigInt;
use num_traits::{One, Signed, Zero};

use super::ball::Ball;
use super::farkas::{Function, Integers, Solved, solve};
use super::witness::Exact;
use crate::arithmetic::Rational;

/// Which of the corners and rays comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// A corner, one of so many.
    Corner(usize),
    /// A ray.
    Ray,
}

/// Adds balls around a corner's part, or around a ray, to the coordinates in `sum`; false when
/// balls do not prove that the functions are independent. `scratch` is overwritten.
pub fn add_by_balls(
    sum: &mut [Ball],
    functions: &[Function<'_>],
    what: What,
    scratch: &mut Vec<Ball>,
) -> bool {
    let d = sum.len();
    let width = d + 1;
    scratch.clear();
    for (row, function) in functions.iter().enumerate() {
        scratch.extend((0..d).map(|c| Ball::from(function.at(c))));
        scratch.push(match what {
            What::Corner(_) => -Ball::from(function.at(d)),
            What::Ray if row + 1 == d => Ball::ONE,
            What::Ray => Ball::ZERO,
        });
    }
    for step in 0..d {
        let size = |row: usize| scratch[row * width + step].distance_from_zero();
        let best = (step..d).max_by(|&a, &b| size(a).total_cmp(&size(b)));
        let best = best.expect("the step's own row");
        let positive = size(best) > 0.0;
        if !positive {
            return false;
        }
        for column in step..width {
            scratch.swap(best * width + column, step * width + column);
        }
        let (above, below) = scratch.split_at_mut((step + 1) * width);
        let pivot = &above[step * width..];
        for row in below.chunks_exact_mut(width) {
            let factor = row[step].over(pivot[step]);
            for column in step + 1..width {
                row[column] = row[column].minus_product(factor, pivot[column]);
            }
        }
    }
    let mut largest = 0.0f64;
    for row in (0..d).rev() {
        let mut value = scratch[row * width + d];
        for column in row + 1..d {
            let other = scratch[column * width + d];
            value = value.minus_product(scratch[row * width + column], other);
        }
        let value = value.over(scratch[row * width + row]);
        largest = largest.max(value.size());
        scratch[row * width + d] = value;
    }
    // Any positive length of a ray leads to a point that proves as much, though to another point.
    let divisor = match what {
        What::Corner(count) => count as f64,
        What::Ray => largest,
    };
    let share = Ball::ONE.over(-Ball::exactly(divisor));
    for (row, entry) in sum.iter_mut().enumerate() {
        *entry = entry.minus_product(share, scratch[row * width + d]);
    }
    true
}

/// Adds a corner's part, or a ray, to the coordinates in `sum`; false when the functions are
/// dependent.
pub fn add_exactly(sum: &mut [Rational], functions: &[Integers<'_>], what: What) -> bool {
    let d = sum.len();
    let mut matrix: Vec<BigInt> = Vec::with_capacity((d + 1) * (d + 1));
    for (row, function) in functions.iter().enumerate() {
        matrix.extend((0..d).map(|c| function.at(c)));
        matrix.push(match what {
            What::Corner(_) => -function.at(d),
            What::Ray => BigInt::from(u8::from(row + 1 == d)),
        });
    }
    // The solver wants one row more, of which nothing is needed here.
    matrix.resize((d + 1) * (d + 1), BigInt::zero());
    let Some(Solved::Unique {
        determinant,
        multipliers,
        ..
    }) = solve(matrix, d + 1)
    else {
        return false;
    };
    let divisor = match what {
        What::Corner(count) => &determinant * BigInt::from(count),
        What::Ray => {
            let largest = multipliers.iter().map(Signed::abs).max();
            // The functions are positive multiples of what they stand for.
            largest.unwrap_or_default() * determinant.signum()
        }
    };
    for (entry, value) in sum.iter_mut().zip(&multipliers) {
        *entry += Rational::new(value.clone(), divisor.clone());
    }
    true
}

/// A point over a common denominator.
pub fn over_one_denominator(point: &[Rational]) -> Exact {
    let lcm = |lcm: BigInt, x: &Rational| num_integer::lcm(lcm, x.denom().clone());
    let denominator = point.iter().fold(BigInt::one(), lcm);
    let coordinate = |x: &Rational| x.numer() * (&denominator / x.denom());
    Exact {
        coordinates: point.iter().map(coordinate).collect(),
        denominator,
    }
}
