//! Points inside a cell: a short step from a vertex, kept to floats that leave room
//! for a proof.

use num_bigint::BigInt;
use smallvec::SmallVec;

use super::certify;
use super::dictionary::{Dictionary, Name, PROPOSAL_ZERO};
use super::kernels;
use crate::arithmetic::Rational;
use crate::arithmetic::float::{UNIT, exponent, odd_parts, power_of_two, sum_error};
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

/// How the constraints' values in the basis may grow so that all constraints do that are zero at
/// the vertex, while candidates in the basis stay zero; and whether there are such constraints,
/// beside the basis. In whole numbers that is a proof that there are points where all constraints
/// are positive and these candidates zero. `None` when no direction is found, in so many `rounds`
/// of corrections.
#[inline]
pub fn inwards(dictionary: &Dictionary, rounds: usize) -> Option<(Point, bool)> {
    let d = dictionary.dimension();
    let values = &dictionary.constraint_entries(d)[..dictionary.constraints().len()];
    // From the vertex, every basis value that may grow does: all alike where that leads
    // inside.
    let mut direction = Point::new();
    for name in dictionary.columns() {
        let free = matches!(name, Name::Constraint(_));
        direction.push(if free { 1.0 } else { 0.0 });
    }
    let mut stuck = false;
    let mut tight = SmallVec::<[f64; 128]>::new();
    for (k, value) in values.iter().enumerate() {
        if value.abs() > PROPOSAL_ZERO {
            continue;
        }
        stuck = true;
        let (mut grows, mut shrinks) = (false, false);
        let start = tight.len();
        tight.resize(start + d, 0.0);
        let columns = direction.iter().zip(&mut tight[start..]).enumerate();
        for (column, (free, slope)) in columns {
            *slope = dictionary.constraint_entries(column)[k] * free;
            grows |= *slope > PROPOSAL_ZERO;
            shrinks |= *slope < -PROPOSAL_ZERO;
        }
        if !grows {
            return None;
        }
        if !shrinks {
            // It grows in any case.
            tight.truncate(tight.len() - d);
        }
    }
    turn_inwards(&mut direction, &tight, rounds)?;
    Some((direction, stuck))
}

/// A point where all constraints of a cell should be positive.
pub struct Proposal {
    pub point: Point,
    /// The least value that any of the constraints has there, or a little less.
    pub least: f64,
    /// Where the dictionary is exact, a bound on how far each coordinate is from that of a point
    /// at which all candidates in the basis are zero.
    pub distance: f64,
}

/// Proposes a point at which all constraints of the cell are positive and all candidates
/// in the basis zero. Proves nothing; `None` when no direction leads into the cell as far as
/// floats can tell. At degenerate vertices directions are corrected in so many `rounds`. `sums` is
/// memory.
pub fn propose(dictionary: &Dictionary, rounds: usize, sums: &mut Vec<f64>) -> Option<Proposal> {
    let d = dictionary.dimension();
    let values = &dictionary.constraint_entries(d)[..dictionary.constraints().len()];
    let (direction, stuck) = inwards(dictionary, rounds)?;
    let (slopes, coordinates) = dictionary.along(&direction, sums);
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
    let denominator = dictionary.denominator();
    let grown = grown.map(|growth| step * growth * denominator);
    let basis = grown.fold(f64::INFINITY, f64::min);
    let least = if stuck {
        let values = values
            .iter()
            .zip(slopes)
            .map(|(value, slope)| value + step * *slope);
        values.fold(basis, f64::min)
    } else {
        values
            .iter()
            .fold(basis, |least, value| least.min(0.5 * value))
    };
    let unit = 1.0 / denominator;
    let mut point = Point::from_slice(dictionary.coordinates(d));
    for (value, slope) in point.iter_mut().zip(coordinates) {
        *value = (*value + step * slope) * unit;
        if value.abs() < SMALLEST {
            *value = 0.0;
        }
    }
    let finite = point.iter().all(|value| value.is_finite());
    let distance = match dictionary.is_whole() {
        true => rounding(dictionary, &direction, step),
        false => 0.0,
    };
    finite.then_some(Proposal {
        point,
        least: least * unit / dictionary.factor(),
        distance,
    })
}

/// A bound on the error of each coordinate of a point that lies `step` times a direction from the
/// vertex of an exact dictionary, all exact but for the roundings: of d products and sums, of
/// the step, of the inverse denominator and its product.
fn rounding(dictionary: &Dictionary, direction: &[f64], step: f64) -> f64 {
    // No number of a dictionary that is not full is larger, and no direction negative.
    if dictionary.is_full() {
        return f64::INFINITY;
    }
    let d = dictionary.dimension();
    let grown = 1.0 + step * direction.iter().sum::<f64>();
    let size = kernels::LARGEST * grown / dictionary.denominator();
    size * sum_error(d + 6) * (1.0 + 2.0 * sum_error(d + 6)) + 2.0 * SMALLEST
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
/// at the vertex, grow along it; its entries stay positive where they are free. Rows of `tight`
/// are as long as the direction.
///
/// Entries grow by at most 1 a round. So the error of the growth in floats is far below the
/// margin, and growth by more than that is growth.
fn turn_inwards(direction: &mut [f64], tight: &[f64], rounds: usize) -> Option<()> {
    for _ in 0..rounds {
        let mut settled = true;
        for line in tight.chunks_exact(direction.len().max(1)) {
            let (mut size, mut growth) = (0.0, 0.0);
            for (a, t) in line.iter().zip(&*direction) {
                size += a.abs();
                growth += a * t;
            }
            if growth <= MARGIN * size {
                settled = false;
                for (t, a) in direction.iter_mut().zip(line) {
                    // Grow freely, shrink towards zero. Where it is not free all are zero.
                    *t = if *a >= 0.0 { *t + a / size } else { *t * 0.7 };
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
