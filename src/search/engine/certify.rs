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
use smallvec::{SmallVec, smallvec};

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

/// Row-sized and matrix-sized scratch space, on the stack for ordinary dimensions.
type Short = SmallVec<[f64; 16]>;
type Block = SmallVec<[f64; 128]>;

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
    let mut rest: Short = target.center.iter().map(|entry| orient * entry).collect();
    let mut size: Short = target.center.iter().map(|entry| entry.abs()).collect();
    let mut doubt: Short = target.radius.into();
    for (&column, &entry) in basis.iter().zip(line) {
        let multiplier = chosen((f64::from(sign) * entry).max(0.0));
        if multiplier == 0.0 {
            continue;
        }
        let row = level.row(column);
        let signed = multiplier * orientation(column);
        for ((rest, size), center) in rest.iter_mut().zip(&mut size).zip(row.center) {
            *rest -= signed * center;
            *size += multiplier * center.abs();
        }
        if !row.exact {
            for (doubt, radius) in doubt.iter_mut().zip(row.radius) {
                *doubt += multiplier * radius;
            }
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
/// cell that satisfies `basis`. `inverse(i)` is the dictionary's row of coordinate i:
/// what multiplies the basis.
///
/// Let S be the basis rows with a proposed multiplier above zero. When their linear
/// parts M and the target's live on the same |S| coordinates C, exact multipliers m
/// with M^T m = a exist, and differ from the proposed m^ by M^-T (a - M^T m^). With
/// G close to M^-1 and E = I - M G of column sums below 1/2, M is invertible and
/// M^-T r is at most |G^T| |r| plus E's column sums times the largest of that / (1 - norm).
pub fn positive_by_multipliers<'d>(
    level: &Level,
    basis: &[RowId],
    line: &[f64],
    inverse: impl Fn(usize) -> &'d [f64],
    id: RowId,
    sign: i32,
) -> bool {
    let d = basis.len();
    let target = level.row(id);
    let orient = f64::from(sign) * orientation(id);
    let mut support = target.support;
    let mut exact = target.exact;
    let mut chosen_rows: SmallVec<[(usize, f64, f64, FloatRow); 16]> = SmallVec::new();
    for (j, (&column, &entry)) in basis.iter().zip(line).enumerate() {
        let multiplier = f64::from(sign) * entry;
        if multiplier > PROPOSAL_ZERO {
            let row = level.row(column);
            support |= row.support;
            exact &= row.exact;
            chosen_rows.push((j, multiplier, orientation(column), row));
        }
    }
    let k = chosen_rows.len();
    // With more than 127 coordinates their supports are not told apart.
    let coordinates: SmallVec<[usize; 16]> = (0..d)
        .filter(|&i| d > 127 || support >> i & 1 == 1)
        .collect();
    if coordinates.len() != k || k == 0 {
        return false;
    }
    // M, row by row, and the same for radii; G, row by row.
    let mut matrix: Block = SmallVec::new();
    let mut radii: Block = SmallVec::new();
    for (_, _, orient, row) in &chosen_rows {
        matrix.extend(coordinates.iter().map(|&i| orient * row.center[i]));
        if !exact {
            radii.extend(coordinates.iter().map(|&i| row.radius[i]));
        }
    }
    let mut near_inverse: Block = SmallVec::new();
    for &i in &coordinates {
        let row = inverse(i);
        near_inverse.extend(chosen_rows.iter().map(|(j, ..)| chosen(row[*j])));
    }
    let error = sum_error(k + 2);
    // |a - M^T m^|, a bound for each coordinate.
    let mut rest: Short = coordinates
        .iter()
        .map(|&i| orient * target.center[i])
        .collect();
    let mut size: Short = rest.iter().map(|entry| entry.abs()).collect();
    let mut doubt: Short = coordinates.iter().map(|&i| target.radius[i]).collect();
    for (b, (_, multiplier, ..)) in chosen_rows.iter().enumerate() {
        let row = &matrix[b * k..(b + 1) * k];
        for ((rest, size), entry) in rest.iter_mut().zip(&mut size).zip(row) {
            *rest -= multiplier * entry;
            *size += multiplier * entry.abs();
        }
        if !exact {
            for (doubt, radius) in doubt.iter_mut().zip(&radii[b * k..]) {
                *doubt += multiplier * radius;
            }
        }
    }
    // |G^T| |r|.
    let mut shift: Short = smallvec![0.0; k];
    for i in 0..k {
        let residual = (rest[i].abs() + error * size[i] + doubt[i]) * (1.0 + 2.0 * error) + TINY;
        for (shift, entry) in shift.iter_mut().zip(&near_inverse[i * k..]) {
            *shift += entry.abs() * residual;
        }
    }
    shift.iter_mut().for_each(|entry| *entry *= 1.0 + error);
    let defect = column_defects(&matrix, &radii, &near_inverse, k, error);
    let norm = defect.iter().copied().fold(0.0, f64::max);
    let largest = shift.iter().copied().fold(0.0, f64::max);
    if norm >= 0.5 || !shift.iter().chain(&defect).all(|value| value.is_finite()) {
        return false;
    }
    let spread = largest / (1.0 - norm) * (1.0 + 4.0 * error);
    let mut constant = orient * target.center[d];
    let mut size = target.center[d].abs();
    let mut doubt = target.radius[d];
    let mut homogeneous = target.homogeneous;
    for (a, (_, multiplier, orient, row)) in chosen_rows.iter().enumerate() {
        let deviation = (shift[a] + defect[a] * spread) * (1.0 + 4.0 * error);
        if *multiplier <= deviation {
            return false;
        }
        homogeneous &= row.homogeneous;
        constant -= multiplier * orient * row.center[d];
        size += multiplier * row.center[d].abs();
        doubt += multiplier * row.radius[d] + deviation * (row.center[d].abs() + row.radius[d]);
    }
    homogeneous || constant > (error * size + doubt) * (1.0 + 4.0 * error) + TINY
}

/// Bounds of the absolute column sums of M G - I, where M is known to `radii` (or
/// exactly, when there are none).
fn column_defects(matrix: &[f64], radii: &[f64], inverse: &[f64], k: usize, error: f64) -> Short {
    let mut defect: Short = smallvec![0.0; k];
    let mut product: Short = smallvec![0.0; k];
    let mut size: Short = smallvec![0.0; k];
    for b in 0..k {
        product.fill(0.0);
        size.fill(1.0);
        product[b] = -1.0;
        for (i, entry) in matrix[b * k..(b + 1) * k].iter().enumerate() {
            let magnitude = entry.abs();
            let row = &inverse[i * k..(i + 1) * k];
            for ((product, size), value) in product.iter_mut().zip(&mut size).zip(row) {
                *product += entry * value;
                *size += magnitude * value.abs();
            }
        }
        for ((defect, product), size) in defect.iter_mut().zip(&product).zip(&size) {
            *defect += product.abs() + error * size;
        }
        if !radii.is_empty() {
            for (radius, row) in radii[b * k..(b + 1) * k]
                .iter()
                .zip(inverse.chunks_exact(k))
            {
                defect
                    .iter_mut()
                    .zip(row)
                    .for_each(|(defect, value)| *defect += radius * value.abs());
            }
        }
    }
    defect
        .iter_mut()
        .for_each(|entry| *entry = *entry * (1.0 + 2.0 * error) + TINY);
    defect
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
    let (linear, constant) = row.center.split_at(y.len());
    let (mut value, mut size, mut doubt) = (constant[0], constant[0].abs(), row.radius[y.len()]);
    for (entry, coordinate) in linear.iter().zip(y) {
        let term = entry * coordinate;
        value += term;
        size += term.abs();
    }
    if !row.exact {
        for (radius, coordinate) in row.radius.iter().zip(y) {
            doubt += radius * coordinate.abs();
        }
    }
    let error = sum_error(y.len() + 1);
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
