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
    value(point, function).is_positive()
}

/// The value of a function at a point, from balls around its coordinates.
pub fn value(point: &[Ball], function: Function<'_>) -> Ball {
    let d = point.len();
    let value = Ball::from(function.at(d));
    let add = |sum: Ball, c: usize| sum.minus_product(-Ball::from(function.at(c)), point[c]);
    match function.bounds {
        Bounds::End(end, _) => add(value, end.coordinate),
        Bounds::Dense(..) => (0..d).fold(value, add),
    }
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

#[cfg(test)]
mod tests {
    use num_traits::{One, Signed};

    use super::super::farkas::Entries;
    use super::super::systems::below;
    use super::*;
    use crate::arithmetic::{Number, Rational};

    /// The nearest point by multipliers of Lagrange: p + H^T m = y and H p = -h(0), solved
    /// as a textbook does. Uses no Gram matrix.
    fn by_fractions(forms: &[Vec<Rational>], y: &[Rational]) -> Option<Vec<Rational>> {
        let (k, d) = (forms.len(), y.len());
        let mut rows = vec![vec![Rational::zero(); d + k + 1]; d + k];
        for (c, y) in y.iter().enumerate() {
            rows[c][c] = Rational::one();
            rows[c][d + k] = y.clone();
        }
        for (i, form) in forms.iter().enumerate() {
            for (c, slope) in form[..d].iter().enumerate() {
                rows[c][d + i] = slope.clone();
                rows[d + i][c] = slope.clone();
            }
            rows[d + i][d + k] = -&form[d];
        }
        for step in 0..d + k {
            let pivot = (step..d + k).find(|&row| !rows[row][step].is_zero())?;
            rows.swap(step, pivot);
            let top: Vec<Rational> = rows[step].iter().map(|x| x / &rows[step][step]).collect();
            for row in (0..d + k).filter(|&row| row != step) {
                let factor = rows[row][step].clone();
                let pairs = rows[row].iter_mut().zip(&top);
                pairs.for_each(|(entry, top)| *entry -= &factor * top);
            }
            rows[step] = top;
        }
        Some(rows[..d].iter().map(|row| row[d + k].clone()).collect())
    }

    /// Numerators over the common denominator.
    fn whole(row: &[Rational]) -> (Vec<BigInt>, BigInt) {
        let scale = row
            .iter()
            .fold(BigInt::one(), |s, x| num_integer::lcm(s, x.denom().clone()));
        let entry = |x: &Rational| x.numer() * (&scale / x.denom());
        (row.iter().map(entry).collect(), scale)
    }

    fn function(entries: &[Interval]) -> Function<'_> {
        Function {
            bounds: Bounds::Dense(entries),
            negative: false,
        }
    }

    fn integers((entries, scale): &(Vec<BigInt>, BigInt)) -> Integers<'_> {
        Integers {
            entries: Entries::Dense(entries),
            negative: false,
            scale,
        }
    }

    /// Thousands of crossings, many of them nearly or wholly degenerate, each with a
    /// constraint that is positive there, zero, or negative, often by very little: what
    /// balls prove is true, and integers say what fractions do. What there is of each
    /// kind is counted, so that the test cannot become empty.
    #[test]
    fn random_crossings_are_as_by_fractions() {
        let (mut state, mut scratch) = (1, Vec::new());
        let (mut proved, mut unproved, mut dependent, mut outside) = (0, 0, 0, 0);
        for case in 0..3000 {
            let mut pick = |values: &[i64]| values[below(&mut state, values.len() as u64) as usize];
            let power = |exponent: i64| {
                let power = Rational::from_integer(BigInt::one() << exponent.unsigned_abs());
                if exponent < 0 { power.recip() } else { power }
            };
            let d = pick(&[1, 2, 3, 4]) as usize;
            let k = pick(&[1, d as i64, d as i64, d as i64 - 1, d as i64 + 1]).max(1) as usize;
            let scales = [&[0][..], &[0, 3, -2], &[0, 30, -40], &[0, 500, -600]];
            let scales = scales[pick(&[0, 0, 1, 2, 3]) as usize];
            let mut forms: Vec<Vec<Rational>> = Vec::new();
            for i in 0..k {
                let scale = power(pick(scales)) / BigInt::from(pick(&[1, 1, 3]));
                let near = i > 0 && pick(&[0, 0, 1]) == 1;
                let mut form: Vec<Rational> = (0..=d)
                    .map(|_| &scale * BigInt::from(pick(&[-3, -1, 0, 1, 1, 2, 7])))
                    .collect();
                if near {
                    let shift = power(pick(&[-5, -20, -26, -30, -52, -60]));
                    let pairs = form.iter_mut().zip(&forms[i - 1]);
                    pairs.for_each(|(entry, before)| *entry = before + &*entry * &shift);
                }
                forms.push(form);
            }
            let y: Vec<Rational> = (0..d)
                .map(|_| power(pick(&[0, -3, -52, 40])) * BigInt::from(pick(&[-5, -1, 0, 1, 3])))
                .collect();
            let truth = by_fractions(&forms, &y);
            // The constraint's value at the crossing is chosen.
            let mut side: Vec<Rational> = (0..d)
                .map(|_| power(0) * BigInt::from(pick(&[-3, 0, 1, 2])))
                .collect();
            let value = power(pick(&[0, 0, -20, -45, -52, -60, -200]))
                * BigInt::from(pick(&[-1, 0, 1, 1, 1]));
            let at = |p: &[Rational]| side.iter().zip(p).map(|(a, x)| a * x).sum::<Rational>();
            let constant = &value - truth.as_deref().map_or(Rational::zero(), at);
            side.push(constant);

            let enclose = |row: &[Rational]| -> Vec<Interval> {
                let of = |x: &Rational| Interval::of(&Number::from_rational(x.clone()));
                row.iter().map(of).collect()
            };
            let bounds: Vec<Vec<Interval>> = forms.iter().map(|form| enclose(form)).collect();
            let functions: Vec<Function<'_>> = bounds.iter().map(|row| function(row)).collect();
            let bound = enclose(&side);
            let near = by_balls(&functions, &enclose(&y), &mut scratch);
            let shown = near.is_some_and(|near| is_positive(near, function(&bound)));
            let name = || format!("case {case}: {forms:?} {y:?} {side:?}");
            assert!(near.is_none() || truth.is_some(), "{}", name());
            assert!(!shown || value.is_positive(), "{}", name());

            let rows: Vec<_> = forms.iter().map(|form| whole(form)).collect();
            let rows: Vec<Integers<'_>> = rows.iter().map(integers).collect();
            let (coordinates, denominator) = whole(&y);
            let exact = exactly(
                &rows,
                &Exact {
                    coordinates,
                    denominator,
                },
            );
            assert_eq!(exact.is_some(), truth.is_some(), "{}", name());
            if let Some(exact) = exact {
                assert!(exact.denominator.is_positive());
                assert_eq!(exact.value(integers(&whole(&side))), value, "{}", name());
                proved += usize::from(shown);
                unproved += usize::from(!shown && value.is_positive());
                outside += usize::from(!value.is_positive());
            } else {
                dependent += 1;
            }
        }
        let there = [proved, unproved, dependent, outside];
        assert!(there.iter().all(|&count| count > 200), "{there:?}");
    }

    #[test]
    fn crossings_are_those_of_worked_examples() {
        let crossing = |forms: &[&[i64]], y: &[i64]| {
            let whole = |row: &[i64]| -> (Vec<BigInt>, BigInt) {
                (row.iter().map(|&x| x.into()).collect(), BigInt::one())
            };
            let forms: Vec<_> = forms.iter().map(|row| whole(row)).collect();
            let forms: Vec<Integers<'_>> = forms.iter().map(integers).collect();
            let (coordinates, denominator) = whole(y);
            let exact = exactly(
                &forms,
                &Exact {
                    coordinates,
                    denominator,
                },
            )?;
            let ratio =
                |x: &BigInt| Rational::new(x.clone(), exact.denominator.clone()).to_string();
            Some(
                exact
                    .coordinates
                    .iter()
                    .map(ratio)
                    .collect::<Vec<_>>()
                    .join(" "),
            )
        };
        // x + y = 1: (3, 0) - 1 (1, 1). x + 2y = 0: (1, 0) - 1/5 (1, 2).
        assert_eq!(crossing(&[&[1, 1, -1]], &[3, 0]).as_deref(), Some("2 -1"));
        assert_eq!(
            crossing(&[&[1, 2, 0]], &[1, 0]).as_deref(),
            Some("4/5 -2/5")
        );
        // x + y = 1 and x - y = 2 have one point.
        let lines: [&[i64]; 2] = [&[1, 1, -1], &[1, -1, -2]];
        assert_eq!(crossing(&lines, &[0, 0]).as_deref(), Some("3/2 -1/2"));
        assert_eq!(
            crossing(&lines, &[1 << 40, -7]).as_deref(),
            Some("3/2 -1/2")
        );
        // A line in space, the z axis, turned: x = y, z = 5.
        let planes: [&[i64]; 2] = [&[1, -1, 0, 0], &[0, 0, 3, -15]];
        assert_eq!(crossing(&planes, &[1, 3, 0]).as_deref(), Some("2 2 5"));
        // Parallel, equal, and more than there are coordinates.
        assert_eq!(crossing(&[&[1, 2, 0], &[2, 4, 1]], &[0, 0]), None);
        assert_eq!(crossing(&[&[1, 2, 3], &[-2, -4, -6]], &[0, 0]), None);
        assert_eq!(
            crossing(&[&[1, 0, 0], &[0, 1, 0], &[1, 1, 0]], &[0, 0]),
            None
        );
    }
}
