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
pub enum Witness<'s> {
    /// Coordinates are floats.
    Float(&'s [f64]),
    /// The same with few digits.
    Short(&'s Short),
    /// Coordinates are rationals.
    Exact(Vec<Rational>),
}

impl Witness<'_> {
    /// The coordinates as floats, if they are.
    fn floats(&self) -> Option<&[f64]> {
        match self {
            Witness::Float(y) => Some(y),
            Witness::Short(short) => Some(&short.point),
            Witness::Exact(_) => None,
        }
    }

    /// The coordinates.
    pub fn exact(&self) -> Vec<Rational> {
        let exactly = |&y: &f64| Rational::from_float(y).expect("a witness is finite");
        match self {
            Witness::Exact(y) => y.clone(),
            _ => self.floats().into_iter().flatten().map(exactly).collect(),
        }
    }

    /// Whether the rows are positive at the point, exactly.
    pub fn is_inside(&self, level: &Level, ids: &[RowId]) -> bool {
        let exact = self.exact();
        ids.iter().all(|&id| {
            let floats = self.floats();
            floats.is_some_and(|point| certify::positive_at(level, id, point))
                || certify::positive_at_exactly(level, id, &exact)
        })
    }

    /// The point as mantissas times 2^exponent, moved inside its cell to a coarse grid
    /// when it is no float. `None` when proofs cannot hold so fine a grid.
    pub fn dyadic(&self, level: &Level, ids: &[RowId]) -> Option<(i64, Vec<BigInt>)> {
        if let Some(point) = self.floats() {
            return Some(over_one_exponent(point));
        }
        let y = self.exact();
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
                return Some((-bits, mantissas));
            }
            bits = 2 * bits + 4;
        }
        None
    }
}

/// Floats over one power of two, the largest possible.
fn over_one_exponent(point: &[f64]) -> (i64, Vec<BigInt>) {
    let parts = || point.iter().map(|&y| odd_parts(y));
    let nonzero = parts().filter(|(mantissa, _)| *mantissa != 0);
    let least = nonzero.map(|part| part.1).min().unwrap_or(0);
    let over_least = |(mantissa, exponent): (i64, i64)| match mantissa {
        0 => BigInt::ZERO,
        _ => BigInt::from(mantissa) << (exponent - least),
    };
    (least, parts().map(over_least).collect())
}

/// A point with few digits.
#[derive(Default)]
pub struct Short {
    /// Its coordinates.
    pub point: Vec<f64>,
    /// The same, over the largest power of two that is possible.
    pub mantissas: Vec<i64>,
    pub exponent: i64,
}

/// Looks for a point with fewer digits that is likely to lie in the same cell: no row, of size
/// 1, loses more than half of `least`, which each has at the point. Proves nothing; whether there is
/// one.
pub fn round(point: &[f64], least: f64, short: &mut Short) -> bool {
    // Rows of size 1 have entries up to 2.
    let room = least / (2 * point.len().max(1)) as f64;
    // Not-a-number is neither.
    let enough = room > power_of_two(-900);
    if !enough {
        return false;
    }
    // Infinite where there are no rows.
    let step = exponent(room.min(power_of_two(900)));
    let (unit, inverse) = (power_of_two(step), power_of_two(-step));
    short.point.resize(point.len(), 0.0);
    short.mantissas.resize(point.len(), 0);
    let (mut largest, mut bits) = (0.0f64, 0);
    let both = short.point.iter_mut().zip(&mut short.mantissas);
    for ((own, mantissa), y) in both.zip(point) {
        let scaled = y * inverse;
        largest = largest.max(scaled.abs());
        let shifted = scaled + WHOLE;
        *own = (shifted - WHOLE) * unit;
        // As between neighbours near WHOLE.
        *mantissa = (shifted.to_bits() as i64).wrapping_sub(WHOLE.to_bits() as i64);
        bits |= *mantissa;
    }
    let zeros = bits.trailing_zeros();
    short.exponent = 0;
    if bits != 0 {
        short.exponent = step + i64::from(zeros);
        short
            .mantissas
            .iter_mut()
            .for_each(|mantissa| *mantissa >>= zeros);
    }
    largest < power_of_two(50)
}

/// What is known of a point where all constraints of a cell should be positive.
pub struct Proposal {
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
    /// A point: the last that was proposed, or one that is known otherwise.
    pub point: Vec<f64>,
    /// What [`round`] found last.
    pub short: Short,
}

/// Proposes a point, in [`Scratch::point`], at which all constraints of the cell are positive and all
/// candidates in the basis zero. Proves nothing; `None` when no direction leads into the cell as far as
/// floats can tell. At degenerate vertices directions are corrected in so many `rounds`.
pub fn propose(dictionary: &Dictionary, rounds: usize, scratch: &mut Scratch) -> Option<Proposal> {
    let Scratch {
        direction,
        sums,
        point,
        ..
    } = scratch;
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
    point.resize(coordinates.len(), 0.0);
    let finite = arrive(dictionary.vertex(), coordinates, step, unit, point);
    point.truncate(d);
    let distance = match dictionary.is_whole() {
        true => rounding(dictionary, growth, step),
        false => 0.0,
    };
    finite.then_some(Proposal {
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

/// Looks for a point with few digits near `point`, which is `distance` or less from a crossing, and
/// says how far around it constraints must be positive so that they are at the crossing that
/// is nearest to it. `least` is what they are worth at `point`.
pub fn near_crossing(point: &[f64], least: f64, distance: f64, short: &mut Short) -> Option<f64> {
    // Distances per coordinate against Euclidean ones.
    let root = (point.len() as f64).sqrt() * (1.0 + 4.0 * UNIT);
    if !round(point, least / (2.0 * root), short) {
        return None;
    }
    let moved = point.iter().zip(&short.point).map(|(a, b)| (a - b).abs());
    let moved = moved.fold(0.0, f64::max);
    Some((distance + moved) * root * (1.0 + 8.0 * UNIT))
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
        for a in values {
            for b in values {
                let (exponent, mantissas) = over_one_exponent(&[a, b]);
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
        let mut short = Short::default();
        let reach = near_crossing(&[0.25, 0.25], 16.0, 0.0, &mut short).unwrap();
        assert_eq!(short.point[..], [0.0, 0.0]);
        assert!(reach >= 12.0 * 17.0 / (4.0 * 169.0), "{reach}");
    }

    #[test]
    fn rounded_points_are_near_and_short() {
        let point = [std::f64::consts::PI, -1e-3, 0.0, 1e6];
        let least = 1e-2;
        let mut short = Short::default();
        assert!(round(&point, least, &mut short));
        let moved: f64 = point
            .iter()
            .zip(&short.point)
            .map(|(a, b)| (a - b).abs())
            .sum();
        // Rows have entries up to 2.
        assert!(2.0 * moved <= least / 2.0);
        assert!(short.exponent >= -10, "{}", short.exponent);
        assert!(!round(&point, 1e-12, &mut short) && !round(&point, f64::NAN, &mut short));
    }

    /// The mantissas are what the coordinates are, in the one form that has no common factor of two.
    #[test]
    fn rounded_points_have_their_mantissas() {
        let random = &mut Random(31);
        let mut short = Short::default();
        let mut zeros = 0;
        for _ in 0..2_000 {
            let scale = power_of_two(random.below(1200) as i64 - 600);
            let d = 1 + random.below(5) as usize;
            let point: Vec<f64> = (0..d).map(|_| random.unit() * scale).collect();
            let least = scale * power_of_two(4 - random.below(50) as i64);
            if !round(&point, least, &mut short) {
                continue;
            }
            let (exponent, mantissas) = over_one_exponent(&short.point);
            let own: Vec<BigInt> = short.mantissas.iter().map(|&m| m.into()).collect();
            assert_eq!((short.exponent, own), (exponent, mantissas));
            zeros += u32::from(short.mantissas.iter().all(|m| *m == 0));
        }
        assert!(zeros > 10 && zeros < 1_000, "{zeros}");
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
                    let point = Witness::Float(&scratch.point).exact();
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
