//! Points inside a cell: a short step from a vertex, kept to floats that leave room
//! for a proof.

use num_bigint::BigInt;
use smallvec::SmallVec;

use super::certify;
use super::dictionary::{Dictionary, PROPOSAL_ZERO};
use super::inwards::{Direction, inwards, step_inwards};
use super::kernels;
use crate::arithmetic::Rational;
use crate::arithmetic::float::{UNIT, WHOLE, exponent, odd_parts, power_of_two, sum_error};
use crate::arithmetic::lanes::{LANES, for_all_processors};
use crate::proof::format::{MAX_EXPONENT, MAX_VARINT};
use crate::search::level::{Level, RowId};

/// Rounds of correction before a degenerate vertex is left to exact arithmetic.
pub const PATIENT: usize = 200;
/// The same where nothing is lost: a crossing that is not found is split.
pub const HASTY: usize = 12;

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
    let mut mantissas = SmallVec::from_elem(0, point.len());
    match short_mantissas(point, &mut mantissas) {
        Some(exponent) => (exponent, Mantissas::Short(mantissas)),
        None => any_over_one_exponent(point),
    }
}

/// The exponent and the mantissas, quickly, where no float is too large, nor too small beside
/// the largest.
fn short_mantissas(point: &Point, mantissas: &mut [i64]) -> Option<i64> {
    let largest = point.iter().fold(0.0, |max: f64, y| max.max(y.abs()));
    // Over this power of two all are below 2^62, and are whole numbers or not. Nothing is rounded
    // where it is at most 1.
    let least = (largest.to_bits() >> 52) as i64 - 1023 - 61;
    if !(-900..=0).contains(&least) {
        return None;
    }
    let scale = power_of_two(-least);
    let (mut bits, mut whole) = (0, true);
    for (mantissa, y) in mantissas.iter_mut().zip(point) {
        let scaled = y * scale;
        *mantissa = scaled as i64;
        whole &= *mantissa as f64 == scaled;
        bits |= *mantissa;
    }
    if !whole {
        return None;
    }
    let zeros = bits.trailing_zeros();
    for mantissa in mantissas {
        *mantissa >>= zeros;
    }
    Some(least + i64::from(zeros))
}

fn any_over_one_exponent(point: &Point) -> (i64, Mantissas) {
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
    let mut short = Point::from_elem(0.0, point.len());
    let mut largest = 0.0f64;
    for (short, y) in short.iter_mut().zip(point) {
        let whole = y * inverse;
        largest = largest.max(whole.abs());
        *short = ((whole + WHOLE) - WHOLE) * step;
    }
    if largest >= power_of_two(50) {
        return None;
    }
    Some(short)
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

/// Memory of proposals.
#[derive(Default)]
pub struct Scratch {
    pub direction: Direction,
    sums: Vec<f64>,
}

/// Proposes a point at which all constraints of the cell are positive and all candidates
/// in the basis zero. Proves nothing; `None` when no direction leads into the cell as far as
/// floats can tell. At degenerate vertices directions are corrected in so many `rounds`.
pub fn propose(dictionary: &Dictionary, rounds: usize, scratch: &mut Scratch) -> Option<Proposal> {
    let Scratch { direction, sums } = scratch;
    if !inwards(dictionary, rounds, direction) {
        return None;
    }
    let d = dictionary.dimension();
    let growth = direction.growth(dictionary);
    let (slopes, coordinates) = dictionary.along(growth, sums);
    let constraints = dictionary.constraints().len();
    let values = dictionary.constraint_entries(d);
    let (step, mut least) = step_inwards(slopes, values, constraints, PROPOSAL_ZERO);
    let denominator = dictionary.denominator();
    for growth in growth.iter().filter(|growth| **growth != 0.0) {
        least = least.min(step * growth * denominator);
    }
    let unit = 1.0 / denominator;
    let mut point = Point::from_elem(0.0, coordinates.len());
    let finite = arrive(dictionary.vertex(), coordinates, step, unit, &mut point);
    point.truncate(d);
    let distance = match dictionary.is_whole() {
        true => rounding(dictionary, growth, step),
        false => 0.0,
    };
    finite.then_some(Proposal {
        point,
        least: least * unit / dictionary.factor(),
        distance,
    })
}

for_all_processors! {
    /// Goes so many steps and multiplies by a unit; what is too small becomes zero. Whether all is
    /// finite.
    fn arrive<L>(from: &[f64], slopes: &[f64], step: f64, unit: f64, to: &mut [f64]) -> bool {
        let (none, smallest, huge) = (L::all(0.0), L::all(SMALLEST), L::all(f64::INFINITY));
        let mut finite = true;
        let from = from.as_chunks::<LANES>().0.iter().zip(slopes.as_chunks::<LANES>().0);
        for (to, (from, slopes)) in to.as_chunks_mut::<LANES>().0.iter_mut().zip(from) {
            let value = L::load(from).plus_product(L::all(step), L::load(slopes));
            let value = value.times(L::all(unit));
            finite &= huge.above(value.abs()) == (1 << LANES) - 1;
            value.abs().below_pick(smallest, none, value).store(to);
        }
        finite
    }
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

#[cfg(test)]
mod tests {
    use num_traits::{Signed, Zero};

    use super::*;
    use crate::arithmetic::lanes::plain_only::both;
    use crate::search::engine::dictionary::Name;
    use crate::search::engine::path::Path;
    use crate::search::engine::samples::{Random, id, rational, solution, with_level};

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
            3.0 * (1u64 << 60) as f64,
            -((1u64 << 63) as f64),
            std::f64::consts::PI,
        ];
        let mut quick = 0;
        for a in values {
            for b in values {
                let point: Point = [a, b].into_iter().collect();
                let (exponent, mantissas) = over_one_exponent(&point);
                let mut short = [0; 2];
                if let Some(found) = short_mantissas(&point, &mut short) {
                    quick += 1;
                    let (expected, slow) = any_over_one_exponent(&point);
                    assert!(found == expected && matches!(slow, Mantissas::Short(_)));
                }
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
        assert!(quick > 15, "{quick}");
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

    /// At a proposed point a candidate of the basis is as near to zero, in exact arithmetic, as its
    /// distance says; and mostly not zero, as the point is rounded.
    #[test]
    fn proposals_are_near_their_crossings() {
        both(|| {
            let random = &mut Random(29);
            let (mut seen, mut off) = (0, 0);
            for _ in 0..400 {
                let d = 1 + random.below(5) as usize;
                let mut entry = || rational(random.below(61) as f64 - 30.0);
                let rows: Vec<Vec<Rational>> = (0..2 * d + 2)
                    .map(|_| (0..=d).map(|_| entry()).collect())
                    .collect();
                let matrix = rows[..d].iter().map(|row| row[..d].to_vec()).collect();
                let right = rows[..d].iter().map(|row| -&row[d]).collect();
                let Some(vertex) = solution(matrix, right) else {
                    continue;
                };
                if rows.iter().any(|row| row[..d].iter().all(Zero::is_zero)) {
                    continue;
                }
                let value = |row: &[Rational], point: &[Rational]| {
                    let terms = row.iter().zip(point).map(|(a, x)| a * x);
                    terms.sum::<Rational>() + &row[d]
                };
                with_level(&rows, random, |level| {
                    let mut path = Path::new(d);
                    for (k, row) in rows.iter().enumerate() {
                        let negated = k >= d && value(row, &vertex).is_negative();
                        path.push(level, id(level, k, negated));
                    }
                    let mut columns: Vec<Name> = (0..d as u32).map(Name::Constraint).collect();
                    columns[0] = Name::Candidate(0);
                    let others = (d as u32..rows.len() as u32).collect();
                    let dictionary = Dictionary::new(level, &path, columns, others, vec![]);
                    let Some(dictionary) = dictionary.filter(Dictionary::is_whole) else {
                        return;
                    };
                    let scratch = &mut Scratch::default();
                    let Some(proposal) = propose(&dictionary, PATIENT, scratch) else {
                        return;
                    };
                    seen += 1;
                    let point = Witness::Float(proposal.point).exact();
                    let value = value(&rows[0], &point).abs();
                    off += u32::from(!value.is_zero());
                    let size: Rational = rows[0][..d].iter().map(|entry| entry.abs()).sum();
                    assert!(value <= rational(proposal.distance) * size);
                });
            }
            assert!(seen > 50 && off > 20, "{seen} {off}");
        });
    }
}
