//! Points inside a cell: a short step from a vertex, kept to floats that leave room
//! for a proof.

use crate::arithmetic::float::power_of_two;

use super::dictionary::{Dictionary, PROPOSAL_ZERO};

/// Rounds of correction before a degenerate vertex is left to exact arithmetic.
const ROUNDS: usize = 200;

/// Proposes a point at which all constraints of the cell are positive. Proves
/// nothing; `None` when no direction leads into the cell as far as floats can tell.
pub fn propose(dictionary: &Dictionary) -> Option<Vec<f64>> {
    let d = dictionary.dimension();
    let count = dictionary.constraints().len();
    let slope = |k: usize, direction: &[f64]| -> f64 {
        dictionary.constraint(k)[..d]
            .iter()
            .zip(direction)
            .map(|(a, t)| a * t)
            .sum()
    };
    // From the vertex, every basis value grows; constraints that are zero there must
    // grow, too. Corrections as in the perceptron.
    let mut direction = vec![1.0; d];
    let tight: Vec<usize> = (0..count)
        .filter(|&k| dictionary.constraint(k)[d].abs() <= PROPOSAL_ZERO)
        .collect();
    let mut settled = tight.is_empty();
    for _ in 0..ROUNDS {
        if settled {
            break;
        }
        settled = true;
        for &k in &tight {
            let line = &dictionary.constraint(k)[..d];
            let size: f64 = line.iter().map(|a| a.abs()).sum();
            if slope(k, &direction) <= 0.01 * size {
                settled = false;
                for (t, a) in direction.iter_mut().zip(line) {
                    // Directions stay positive: shrink towards zero, grow freely.
                    *t = if *a >= 0.0 { *t + a / size } else { *t * 0.7 };
                }
            }
        }
    }
    if !settled {
        return None;
    }
    let mut step = f64::INFINITY;
    for k in 0..count {
        let line = dictionary.constraint(k);
        let fall = -slope(k, &direction);
        if line[d].abs() > PROPOSAL_ZERO && fall > 0.0 {
            step = step.min(line[d] / fall);
        }
    }
    let step = if step.is_finite() { 0.5 * step } else { 1.0 };
    let point: Vec<f64> = (0..d)
        .map(|k| {
            let line = dictionary.coordinate(k);
            let offset: f64 = line[..d].iter().zip(&direction).map(|(a, t)| a * t).sum();
            let value = line[d] + step * offset;
            if value.abs() < power_of_two(-300) {
                0.0
            } else {
                value
            }
        })
        .collect();
    point.iter().all(|value| value.is_finite()).then_some(point)
}
