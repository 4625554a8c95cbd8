//! Proofs. Floats propose multipliers and points; here a rigorous error bound
//! accepts them, or exact arithmetic decides.
//!
//! *No cut*: on a cell with constraints s_j > 0, a form h is positive if
//! h = sum_j m_j s_j + v with all m_j >= 0, v >= 0 and not all of them zero
//! (Farkas). Any s_j that are true of the cell will do; whether they meet in a
//! vertex of the cell, or in what order they were found, is no part of the proof.
//!
//! *Not empty*: a point at which every constraint of the path is positive.

use crate::arithmetic::Rational;
use crate::arithmetic::float::{TINY, power_of_two, sum_error};
use crate::arithmetic::integer::{IntegerRow, combination};
use crate::search::level::{FloatRow, Level, RowId};

use super::dictionary::PROPOSAL_ZERO;

/// Multipliers and inverses below this are taken for zero before a proof starts: they
/// are ours to choose, and products with numbers of at least [`TINY`] stay clear of
/// underflow.
fn chosen(value: f64) -> f64 {
    if value.abs() < power_of_two(-300) {
        0.0
    } else {
        value
    }
}

fn orientation(id: RowId) -> f64 {
    if id.negated { -1.0 } else { 1.0 }
}

/// Proves with floats that `sign` times the form of `id` is positive on a cell inside
/// the bounds |y_i| <= extent_i that satisfies `basis`. `line` is the dictionary's row
/// of the form: what multiplies the basis, and the value at the vertex.
///
/// With any multipliers m >= 0 the rest h - m.s is an affine form with small
/// coefficients; its least value over the box bounds the form's from below.
pub fn positive_in_box(
    level: &Level,
    extent: &[f64],
    basis: &[RowId],
    line: &[f64],
    id: RowId,
    sign: i32,
) -> bool {
    let d = extent.len();
    let target = level.row(id);
    let orient = f64::from(sign) * orientation(id);
    // The rest, the sum of magnitudes behind it, and the part due to radii.
    let mut rest: Vec<f64> = target.center.iter().map(|entry| orient * entry).collect();
    let mut size: Vec<f64> = target.center.iter().map(|entry| entry.abs()).collect();
    let mut doubt: Vec<f64> = target.radius.to_vec();
    for (&column, &entry) in basis.iter().zip(line) {
        let multiplier = chosen((f64::from(sign) * entry).max(0.0));
        if multiplier == 0.0 {
            continue;
        }
        let row = level.row(column);
        let signed = multiplier * orientation(column);
        for k in 0..=d {
            rest[k] -= signed * row.center[k];
            size[k] += multiplier * row.center[k].abs();
            doubt[k] += multiplier * row.radius[k];
        }
    }
    let error = sum_error(d + 2);
    let mut bound = error * size[d] + doubt[d];
    for k in 0..d {
        bound += (rest[k].abs() + error * size[k] + doubt[k]) * extent[k];
    }
    // Two roundings more than the bound's own sums; NaN fails the comparison.
    rest[d] > bound * (1.0 + 2.0 * error) + TINY
}

/// Proves with floats that `sign` times the form of `id` is positive on an unbounded
/// cell that satisfies `basis`. `inverse(i, j)` is the dictionary's coefficient of
/// basis value j in coordinate i.
///
/// Let S be the basis rows with a proposed multiplier above zero. When their linear
/// parts M and the target's live on the same |S| coordinates C, exact multipliers m
/// with M^T m = a exist, and differ from the proposed m^ by M^-T (a - M^T m^). With
/// G close to M^-1 and E = I - (M G)^T of norm below 1, |M^-T r| <= |G^T| |r| plus
/// the norm of E times max / (1 - norm).
pub fn positive_by_multipliers(
    level: &Level,
    basis: &[RowId],
    line: &[f64],
    inverse: impl Fn(usize, usize) -> f64,
    id: RowId,
    sign: i32,
) -> bool {
    let d = basis.len();
    let target = level.row(id);
    let orient = f64::from(sign) * orientation(id);
    let mut support = target.support;
    let mut chosen_rows: Vec<(usize, f64, f64, FloatRow)> = Vec::with_capacity(d);
    for (j, (&column, &entry)) in basis.iter().zip(line).enumerate() {
        let multiplier = f64::from(sign) * entry;
        if multiplier > PROPOSAL_ZERO {
            let row = level.row(column);
            support |= row.support;
            chosen_rows.push((j, multiplier, orientation(column), row));
        }
    }
    let k = chosen_rows.len();
    // With more than 127 coordinates their supports are not told apart.
    let coordinates: Vec<usize> = if d <= 127 {
        (0..d).filter(|&i| support >> i & 1 == 1).collect()
    } else {
        (0..d).collect()
    };
    if coordinates.len() != k || k == 0 {
        return false;
    }
    let error = sum_error(k + 2);
    // |a - M^T m^|, a bound for each coordinate.
    let residual: Vec<f64> = coordinates
        .iter()
        .map(|&i| {
            let (mut rest, mut size, mut doubt) = (
                orient * target.center[i],
                target.center[i].abs(),
                target.radius[i],
            );
            for (_, multiplier, orient, row) in &chosen_rows {
                rest -= multiplier * orient * row.center[i];
                size += multiplier * row.center[i].abs();
                doubt += multiplier * row.radius[i];
            }
            (rest.abs() + error * size + doubt) * (1.0 + 2.0 * error) + TINY
        })
        .collect();
    // G^T |r|, and the absolute row sums of E.
    let mut shift = vec![0.0; k];
    let mut defect = vec![0.0; k];
    for (a, (j, ..)) in chosen_rows.iter().enumerate() {
        let column: Vec<f64> = coordinates
            .iter()
            .map(|&i| chosen(inverse(i, *j)))
            .collect();
        shift[a] = column
            .iter()
            .zip(&residual)
            .map(|(g, r)| g.abs() * r)
            .sum::<f64>()
            * (1.0 + error);
        let mut sum = 0.0;
        for (b, (_, _, orient, row)) in chosen_rows.iter().enumerate() {
            let (mut product, mut size, mut doubt) = (if a == b { -1.0 } else { 0.0 }, 1.0, 0.0);
            for (g, &i) in column.iter().zip(&coordinates) {
                product += orient * row.center[i] * g;
                size += row.center[i].abs() * g.abs();
                doubt += row.radius[i] * g.abs();
            }
            sum += product.abs() + error * size + doubt;
        }
        defect[a] = sum * (1.0 + 2.0 * error) + TINY;
    }
    let norm = defect.iter().copied().fold(0.0, f64::max);
    let largest = shift.iter().copied().fold(0.0, f64::max);
    // Not-a-number fails both comparisons that matter, here and below.
    if !(norm < 0.5) || !shift.iter().chain(&defect).all(|value| value.is_finite()) {
        return false;
    }
    let spread = largest / (1.0 - norm) * (1.0 + 4.0 * error);
    let mut constant = orient * target.center[d];
    let mut size = target.center[d].abs();
    let mut doubt = target.radius[d];
    let mut homogeneous = target.homogeneous;
    for (a, (_, multiplier, orient, row)) in chosen_rows.iter().enumerate() {
        let deviation = (shift[a] + defect[a] * spread) * (1.0 + 4.0 * error);
        if !(*multiplier > deviation) {
            return false;
        }
        homogeneous &= row.homogeneous;
        constant -= multiplier * orient * row.center[d];
        size += multiplier * row.center[d].abs();
        doubt += multiplier * row.radius[d] + deviation * (row.center[d].abs() + row.radius[d]);
    }
    homogeneous || constant > (error * size + doubt) * (1.0 + 4.0 * error) + TINY
}

/// Decides exactly whether the proposed rows are a Farkas certificate: those with a
/// multiplier above zero first, then the whole basis.
pub fn positive_exactly(
    level: &Level,
    basis: &[RowId],
    line: &[f64],
    id: RowId,
    sign: i32,
) -> bool {
    let target = oriented(level, id, sign);
    let proposed = |entry: f64| f64::from(sign) * entry > PROPOSAL_ZERO;
    let support: Vec<IntegerRow> = basis
        .iter()
        .zip(line)
        .filter(|(_, entry)| proposed(**entry))
        .map(|(&column, _)| level.integer_row(column))
        .collect();
    if is_certificate(&support, &target) {
        return true;
    }
    let whole: Vec<IntegerRow> = basis
        .iter()
        .map(|&column| level.integer_row(column))
        .collect();
    support.len() < whole.len() && is_certificate(&whole, &target)
}

fn is_certificate(rows: &[IntegerRow], target: &IntegerRow) -> bool {
    let rows: Vec<&IntegerRow> = rows.iter().collect();
    combination(&rows, target).is_some_and(|signs| {
        let multipliers = &signs.multipliers;
        multipliers.iter().all(|&m| m >= 0)
            && signs.constant >= 0
            && (signs.constant > 0 || multipliers.iter().any(|&m| m > 0))
    })
}

/// The exact row of `sign` times the form of `id`.
pub fn oriented(level: &Level, id: RowId, sign: i32) -> IntegerRow {
    let row = level.integer_row(id);
    if sign > 0 { row } else { row.negated() }
}

/// Proves with floats that the form of `id` is positive at the float point `y`.
pub fn positive_at(level: &Level, id: RowId, y: &[f64]) -> bool {
    let row = level.row(id);
    let d = y.len();
    let (mut value, mut size, mut doubt) = (row.center[d], row.center[d].abs(), row.radius[d]);
    for k in 0..d {
        value += row.center[k] * y[k];
        size += (row.center[k] * y[k]).abs();
        doubt += row.radius[k] * y[k].abs();
    }
    let error = sum_error(d + 1);
    value * orientation(id) > (error * size + doubt) * (1.0 + 2.0 * error) + TINY
}

/// Decides exactly whether the form of `id` is positive at `y`.
pub fn positive_at_exactly(level: &Level, id: RowId, y: &[Rational]) -> bool {
    let row = level.integer_row(id);
    let d = y.len();
    let entry = |k: usize| Rational::from_integer(row.entry(k).expect("big integers hold all"));
    let value = (0..d)
        .filter(|&k| !row.is_zero_at(k))
        .fold(entry(d), |sum, k| sum + entry(k) * &y[k]);
    value > Rational::from_integer(0.into())
}
