//! Points inside a cell: a short step from a vertex, kept to floats that leave room
//! for a proof.

use smallvec::{SmallVec, smallvec};

use crate::arithmetic::float::power_of_two;

use super::dictionary::{Dictionary, PROPOSAL_ZERO};

/// Rounds of correction before a degenerate vertex is left to exact arithmetic.
const ROUNDS: usize = 200;

/// How fast, at least, a constraint should grow along the step, its row having size 1.
const MARGIN: f64 = 0.01;

/// A point in chart coordinates.
pub type Point = SmallVec<[f64; 16]>;

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
