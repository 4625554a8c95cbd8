//! Points inside a cell: a short step from a vertex, kept to floats that leave room
//! for a proof.

use num_bigint::BigInt;
use smallvec::SmallVec;

use super::certify;
use super::dictionary::{Dictionary, Name, PROPOSAL_ZERO};
use super::kernels;
use crate::arithmetic::Rational;
use crate::arithmetic::float::{UNIT, exponent, odd_parts, power_of_two};
use crate::proof::format::{MAX_EXPONENT, MAX_VARINT};
use crate::search::level::{Level, RowId};

/// Rounds of correction before a degenerate vertex is left to exact arithmetic.
pub const PATIENT: usize = 200;
/// The same where nothing is lost: a crossing that is not found is split.
pub const HASTY: usize = 12;

/// How fast, at least, a constraint should grow along the step, its row having size 1.
const MARGIN: f64 = 0.01;

/// Coordinates nearer to zero than this, 2^-300, are rounded to zero.
const SMALLEST: f64 = f64::from_bits((1023 - 300) << 52);

/// A point in chart coordinates.
pub type Point = SmallVec<[f64; 16]>;

/// A point that is proved to lie inside a cell, in chart coordinates.
pub enum Witness {
    /// Coordinates are floats.
    Float(Point),
    /// Coordinates are rationals.
    Exact(Vec<Rational>),
}

impl Witness {
    /// The coordinates.
    pub fn exact(&self) -> Vec<Rational> {
        match self {
            Witness::Exact(y) => y.clone(),
            Witness::Float(y) => y
                .iter()
                .map(|&y| Rational::from_float(y).expect("a witness is finite"))
                .collect(),
        }
    }

    /// Whether the rows are positive at the point, exactly.
    pub fn is_inside(&self, level: &Level, ids: &[RowId]) -> bool {
        let exact = self.exact();
        ids.iter().all(|&id| {
            let by_floats = match self {
                Witness::Float(point) => certify::positive_at(level, id, point),
                Witness::Exact(_) => false,
            };
            by_floats || certify::positive_at_exactly(level, id, &exact)
        })
    }

    /// The point as mantissas times 2^exponent, moved inside its cell to a coarse grid
    /// when it is no float. `None` when proofs cannot hold so fine a grid.
    pub fn dyadic(&self, level: &Level, ids: &[RowId]) -> Option<(i64, Mantissas)> {
        let y = match self {
            Witness::Float(point) => return Some(over_one_exponent(point)),
            Witness::Exact(y) => y,
        };
        let mut bits = 0;
        while bits <= MAX_EXPONENT as i64 {
            let scale = Rational::from_integer(BigInt::from(1) << bits);
            let mantissas: Vec<BigInt> = y
                .iter()
                .map(|y| (y * &scale).round().to_integer())
                .collect();
            let fits = |m: &BigInt| m.bits() < 7 * MAX_VARINT as u64;
            if !mantissas.iter().all(fits) {
                return None;
            }
            let rounded = mantissas
                .iter()
                .map(|m| Rational::from_integer(m.clone()) / &scale);
            if Witness::Exact(rounded.collect()).is_inside(level, ids) {
                return Some((-bits, Mantissas::Long(mantissas)));
            }
            bits = 2 * bits + 4;
        }
        None
    }
}

/// Numbers that share an exponent.
pub enum Mantissas {
    /// They fit.
    Short(SmallVec<[i64; 16]>),
    /// They do not.
    Long(Vec<BigInt>),
}

/// Floats over one power of two, the largest possible.
pub fn over_one_exponent(point: &Point) -> (i64, Mantissas) {
    let parts: SmallVec<[(i64, i64); 16]> = point.iter().map(|&y| odd_parts(y)).collect();
    let nonzero = || parts.iter().filter(|(mantissa, _)| *mantissa != 0);
    let least = nonzero().map(|part| part.1).min().unwrap_or(0);
    let bits = |&(mantissa, exponent): &(i64, i64)| {
        exponent - least + i64::from(64 - mantissa.unsigned_abs().leading_zeros())
    };
    let mantissas = if nonzero().map(bits).max().unwrap_or(0) < 63 {
        let short = |&(mantissa, exponent): &(i64, i64)| match mantissa {
            0 => 0,
            _ => mantissa << (exponent - least),
        };
        Mantissas::Short(parts.iter().map(short).collect())
    } else {
        let long = |&(mantissa, exponent): &(i64, i64)| match mantissa {
            0 => BigInt::ZERO,
            _ => BigInt::from(mantissa) << (exponent - least),
        };
        Mantissas::Long(parts.iter().map(long).collect())
    };
    (least, mantissas)
}

/// A point with fewer digits, if it is likely to lie in the same cell: no row, of size
/// 1, loses more than half of `least`, which each has at the point. Proves nothing.
pub fn rounded(point: &Point, least: f64) -> Option<Point> {
    // Rows of size 1 have entries up to 2.
    let room = least / (2 * point.len().max(1)) as f64;
    // Not-a-number is neither.
    let enough = room > power_of_two(-900);
    if !enough {
        return None;
    }
    let (step, inverse) = (power_of_two(exponent(room)), power_of_two(-exponent(room)));
    // Where floats are 1 apart, an addition rounds to a whole number.
    const WHOLE: f64 = 1.5 * (1u64 << 52) as f64;
    let mut short = Point::new();
    for y in point {
        let whole = y * inverse;
        let exact = whole.abs() < power_of_two(50);
        if !exact {
            return None;
        }
        short.push(((whole + WHOLE) - WHOLE) * step);
    }
    Some(short)
}

/// Proposes a point at which all constraints of the cell are positive and all candidates
/// in the basis zero, and the least value that any of the constraints has there, or a
/// little less. Proves nothing; `None` when no direction leads into the cell as far as
/// floats can tell. At degenerate vertices directions are corrected in so many `rounds`.
pub fn propose(dictionary: &Dictionary, rounds: usize) -> Option<(Point, f64)> {
    let d = dictionary.dimension();
    let is_free = |column: &usize| matches!(dictionary.columns()[*column], Name::Constraint(_));
    let values = &dictionary.constraint_entries(d)[..dictionary.constraints().len()];
    let (mut nearest, mut stuck) = (f64::INFINITY, false);
    for value in values {
        stuck |= value.abs() <= PROPOSAL_ZERO;
        nearest = if *value < nearest { *value } else { nearest };
    }
    // From the vertex, every basis value that may grow does: all alike where that leads
    // inside.
    let mut direction = Point::from_elem(0.0, d);
    for (column, growth) in direction.iter_mut().enumerate() {
        *growth = if is_free(&column) { 1.0 } else { 0.0 };
    }
    if stuck {
        if !(0..d).any(|column| is_free(&column)) {
            return None;
        }
        let tight = (0..values.len()).filter(|&k| values[k].abs() <= PROPOSAL_ZERO);
        let slope = |k: usize, column| match is_free(&column) {
            true => dictionary.constraint_entries(column)[k],
            false => 0.0,
        };
        let line = |k| (0..d).map(|column| slope(k, column)).collect();
        let tight: Vec<Point> = tight.map(line).collect();
        turn_inwards(&mut direction, &tight, is_free, rounds)?;
    }
    let mut sums = Vec::new();
    let (slopes, coordinates) = dictionary.along(&direction, &mut sums);
    if stuck {
        for (slope, value) in slopes.iter_mut().zip(values) {
            // These grow.
            if value.abs() <= PROPOSAL_ZERO {
                *slope = slope.max(0.0);
            }
        }
    }
    let entries = dictionary.constraint_entries(d);
    let step = match kernels::first_to_vanish(slopes, entries, 0.0) {
        Some((_, reach)) => 0.5 * reach,
        None => 1.0,
    };
    // Half of the way to where a value vanishes leaves half of it.
    let grown = direction.iter().filter(|growth| **growth != 0.0);
    let basis = grown.fold(f64::INFINITY, |least: f64, growth| least.min(step * growth));
    let least = if stuck {
        let values = values
            .iter()
            .zip(slopes)
            .map(|(value, slope)| value + step * *slope);
        values.fold(basis, f64::min)
    } else {
        basis.min(0.5 * nearest)
    };
    let mut point = Point::from_slice(dictionary.coordinates(d));
    for (value, slope) in point.iter_mut().zip(coordinates) {
        *value += step * slope;
        if value.abs() < SMALLEST {
            *value = 0.0;
        }
    }
    let finite = point.iter().all(|value| value.is_finite());
    finite.then_some((point, least))
}

/// A point with few digits near `point`, which is `distance` or less from a crossing, and
/// how far around it constraints must be positive so that they are at the crossing that
/// is nearest to it. `least` is what they are worth at `point`.
pub fn near_crossing(point: &Point, least: f64, distance: f64) -> Option<(Point, f64)> {
    // Distances per coordinate against Euclidean ones.
    let root = (point.len() as f64).sqrt() * (1.0 + 4.0 * UNIT);
    let short = rounded(point, least / (2.0 * root))?;
    let moved = point.iter().zip(&short).map(|(a, b)| (a - b).abs());
    let moved = moved.fold(0.0, f64::max);
    let reach = (distance + moved) * root * (1.0 + 8.0 * UNIT);
    Some((short, reach))
}

/// Corrects a direction, as a perceptron learns, until all `tight` constraints, zero
/// at the vertex, grow along it; its entries stay positive where they are free.
fn turn_inwards(
    direction: &mut [f64],
    tight: &[Point],
    is_free: impl Fn(&usize) -> bool,
    rounds: usize,
) -> Option<()> {
    for _ in 0..rounds {
        let mut settled = true;
        for line in tight {
            let size: f64 = line.iter().map(|a| a.abs()).sum();
            if size == 0.0 {
                return None;
            }
            let growth: f64 = line.iter().zip(&*direction).map(|(a, t)| a * t).sum();
            if growth <= MARGIN * size {
                settled = false;
                for (column, (t, a)) in direction.iter_mut().zip(line).enumerate() {
                    // Grow freely, shrink towards zero.
                    if is_free(&column) {
                        *t = if *a >= 0.0 { *t + a / size } else { *t * 0.7 };
                    }
                }
            }
        }
        if settled {
            return Some(());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_come_back_from_their_mantissas() {
        let values = [
            0.0,
            -0.0,
            1.0,
            -0.75,
            1e300,
            f64::MAX,
            -f64::MIN_POSITIVE,
            f64::from_bits(1),
            std::f64::consts::PI,
        ];
        for a in values {
            for b in values {
                let point: Point = [a, b].into_iter().collect();
                let (exponent, mantissas) = over_one_exponent(&point);
                let mantissas: Vec<BigInt> = match mantissas {
                    Mantissas::Short(short) => short.iter().map(|&m| m.into()).collect(),
                    Mantissas::Long(long) => long,
                };
                let power = Rational::from_integer(BigInt::from(1) << exponent.unsigned_abs());
                for (y, mantissa) in [a, b].into_iter().zip(mantissas) {
                    let mantissa = Rational::from_integer(mantissa);
                    let value = if exponent < 0 {
                        mantissa / &power
                    } else {
                        mantissa * &power
                    };
                    assert_eq!(Some(value), Rational::from_float(y), "{a:e} {b:e}");
                }
            }
        }
    }

    /// The crossing nearest to the short point may be farther away from it, in one
    /// coordinate, than the known one is: by hand, 12 x + 5 y = 17 / 4 holds at
    /// (1/4, 1/4), and nearest to (0, 0) at 17 / (4 * 169) times (12, 5).
    #[test]
    fn the_nearest_crossing_is_within_reach() {
        let point: Point = [0.25, 0.25].into_iter().collect();
        let (short, reach) = near_crossing(&point, 16.0, 0.0).unwrap();
        assert_eq!(short[..], [0.0, 0.0]);
        assert!(reach >= 12.0 * 17.0 / (4.0 * 169.0), "{reach}");
    }

    #[test]
    fn rounded_points_are_near_and_short() {
        let point: Point = [std::f64::consts::PI, -1e-3, 0.0, 1e6]
            .into_iter()
            .collect();
        let least = 1e-2;
        let short = rounded(&point, least).unwrap();
        let moved: f64 = point.iter().zip(&short).map(|(a, b)| (a - b).abs()).sum();
        // Rows have entries up to 2.
        assert!(2.0 * moved <= least / 2.0);
        let (exponent, _) = over_one_exponent(&short);
        assert!(exponent >= -10, "{exponent}");
        assert!(rounded(&point, 1e-12).is_none() && rounded(&point, f64::NAN).is_none());
    }
}
