//! Points inside a cell: a short step from a vertex, kept to floats that leave room
//! for a proof.

use num_bigint::BigInt;
use num_traits::ToPrimitive;
use smallvec::{SmallVec, smallvec};

use super::certify;
use super::dictionary::{Dictionary, PROPOSAL_ZERO};
use crate::arithmetic::Rational;
use crate::arithmetic::float::{exponent, power_of_two};
use crate::proof::format::MAX_EXPONENT;
use crate::search::level::{Level, RowId};

/// Rounds of correction before a degenerate vertex is left to exact arithmetic.
const ROUNDS: usize = 200;

/// How fast, at least, a constraint should grow along the step, its row having size 1.
const MARGIN: f64 = 0.01;

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
    pub fn is_inside(&self, level: &Level, mut ids: impl Iterator<Item = RowId>) -> bool {
        let exact = self.exact();
        ids.all(|id| {
            let by_floats = match self {
                Witness::Float(point) => certify::positive_at(level, [id].into_iter(), point),
                Witness::Exact(_) => false,
            };
            by_floats || certify::positive_at_exactly(level, id, &exact)
        })
    }

    /// A point of the same cell with few digits, `mantissas` times 2^exponent: the
    /// coarsest grid, or nearly, that has a point next to this one inside. `None` when
    /// proofs cannot hold so fine a grid.
    pub fn shortened<I: Iterator<Item = RowId>>(
        &self,
        level: &Level,
        ids: &dyn Fn() -> I,
    ) -> Option<(i64, Vec<BigInt>)> {
        if let Witness::Float(point) = self
            && let Some(short) = shortened_by_floats(point, level, ids)
        {
            return Some(short);
        }
        let exact = self.exact();
        let mut bits = 0;
        while bits <= MAX_EXPONENT as i64 {
            let scale = Rational::from_integer(BigInt::from(1) << bits);
            let mantissas: Vec<BigInt> = exact
                .iter()
                .map(|y| (y * &scale).round().to_integer())
                .collect();
            let rounded = mantissas
                .iter()
                .map(|m| Rational::from_integer(m.clone()) / &scale);
            if Witness::Exact(rounded.collect()).is_inside(level, ids()) {
                return Some((-bits, mantissas));
            }
            bits = 2 * bits + 4;
        }
        None
    }
}

/// Moves a point by so little that no row loses more than half of its value.
fn shortened_by_floats<I: Iterator<Item = RowId>>(
    point: &Point,
    level: &Level,
    ids: &dyn Fn() -> I,
) -> Option<(i64, Vec<BigInt>)> {
    let d = point.len();
    let room = |id: RowId| {
        let row = level.row(id).center;
        let value = row
            .iter()
            .zip(point)
            .fold(row[d], |sum, (a, y)| sum + a * y);
        value.abs() / row[..d].iter().map(|a| a.abs()).sum::<f64>()
    };
    let least = ids().map(room).fold(1.0, f64::min);
    let step = power_of_two(exponent(least));
    let mantissas: SmallVec<[f64; 16]> = point.iter().map(|y| (y / step).round()).collect();
    let rounded: Point = mantissas.iter().map(|m| m * step).collect();
    let short = (least > power_of_two(-900))
        && mantissas.iter().all(|m| m.abs() < power_of_two(53))
        && certify::positive_at(level, ids(), &rounded);
    short.then(|| {
        let mantissas = mantissas
            .iter()
            .map(|m| BigInt::from(m.to_i64().unwrap_or_default()));
        (exponent(least), mantissas.collect())
    })
}

/// Proposes a point at which all constraints of the cell are positive. Proves
/// nothing; `None` when no direction leads into the cell as far as floats can tell.
pub fn propose(dictionary: &Dictionary) -> Option<Point> {
    let d = dictionary.dimension();
    let constraints = || (0..dictionary.constraints().len()).map(|k| dictionary.constraint(k));
    // From the vertex, every basis value grows: all alike where that leads inside.
    let mut step = f64::INFINITY;
    let mut stuck = false;
    for line in constraints() {
        let fall = -line[..d].iter().sum::<f64>();
        stuck |= line[d].abs() <= PROPOSAL_ZERO;
        if fall > 0.0 {
            step = step.min(line[d] / fall);
        }
    }
    let mut direction: Point = smallvec![1.0; d];
    let slope = |line: &[f64], direction: &[f64]| -> f64 {
        line[..d].iter().zip(direction).map(|(a, t)| a * t).sum()
    };
    if stuck {
        let tight = |line: &&[f64]| line[d].abs() <= PROPOSAL_ZERO;
        turn_inwards(&mut direction, || constraints().filter(tight))?;
        step = f64::INFINITY;
        for line in constraints().filter(|line| !tight(line)) {
            let fall = -slope(line, &direction);
            if fall > 0.0 {
                step = step.min(line[d] / fall);
            }
        }
    }
    let step = if step.is_finite() { 0.5 * step } else { 1.0 };
    let point: Point = (0..d)
        .map(|k| {
            let line = dictionary.coordinate(k);
            let value = line[d] + step * slope(line, &direction);
            if value.abs() < power_of_two(-300) {
                0.0
            } else {
                value
            }
        })
        .collect();
    point.iter().all(|value| value.is_finite()).then_some(point)
}

/// Corrects a direction, as a perceptron learns, until all `tight` constraints, zero
/// at the vertex, grow along it; its entries stay positive.
fn turn_inwards<'a, I: Iterator<Item = &'a [f64]>>(
    direction: &mut [f64],
    tight: impl Fn() -> I,
) -> Option<()> {
    let d = direction.len();
    for _ in 0..ROUNDS {
        let mut settled = true;
        for line in tight() {
            let line = &line[..d];
            let size: f64 = line.iter().map(|a| a.abs()).sum();
            let growth: f64 = line.iter().zip(&*direction).map(|(a, t)| a * t).sum();
            if growth <= MARGIN * size {
                settled = false;
                for (t, a) in direction.iter_mut().zip(line) {
                    // Grow freely, shrink towards zero.
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
