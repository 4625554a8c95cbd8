//! Proofs. Floats propose multipliers and points; here a rigorous error bound
//! accepts them, or exact arithmetic decides.
//!
//! *No cut*: on a cell with constraints s_j > 0, a form h is positive if
//! h = sum_j m_j s_j + v with all m_j >= 0, v >= 0 and not all of them zero
//! (Farkas). Any s_j that are true of the cell will do; whether they meet in a
//! vertex of the cell, or in what order they were found, is no part of the proof.
//!
//! *Not empty*: a point at which every constraint of the path is positive.

use nalgebra::DMatrix;
use smallvec::SmallVec;

use crate::arithmetic::Rational;

use crate::arithmetic::float::{TINY, power_of_two, sum_error};
use crate::arithmetic::integer::{IntegerRow, combination};
use crate::arrangement::support;
use crate::search::level::{Level, REDUCTIONS, RowId};
use crate::search::rows::FloatRow;

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
    // The rest, the sum of magnitudes behind it, and the part due to radii, for the
    // coefficients by how far these reach in the box.
    let mut rest: SmallVec<[f64; 16]> = target.center.iter().map(|entry| orient * entry).collect();
    let mut size: SmallVec<[f64; 16]> = target.center.iter().map(|entry| entry.abs()).collect();
    let mut reach = (0, 0.0);
    let mut doubt_of = |row: &FloatRow| {
        if row.support != reach.0 {
            let coordinates = (0..d).filter(|&k| row.support & support::bit(k) != 0);
            reach = (row.support, coordinates.map(|k| extent[k]).sum());
        }
        row.coefficient_radius * reach.1 + row.constant_radius
    };
    let mut doubt = doubt_of(&target);
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
            doubt += multiplier * doubt_of(&row);
        }
    }
    let error = sum_error(d + 2);
    let mut bound = error * size[d] + doubt;
    for k in 0..d {
        bound += (rest[k].abs() + error * size[k]) * extent[k];
    }
    // Some roundings more than the bound's own sums; NaN fails the comparison.
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
    let mut chosen_rows: SmallVec<[ChosenRow; 16]> = SmallVec::new();
    for (column, (&id, &entry)) in basis.iter().zip(line).enumerate() {
        let multiplier = f64::from(sign) * entry;
        if multiplier > PROPOSAL_ZERO {
            let row = level.row(id);
            support |= row.support;
            exact &= row.exact;
            chosen_rows.push(ChosenRow {
                column,
                multiplier,
                orient: orientation(id),
                row,
            });
        }
    }
    // Beyond 127 coordinates, supports are not told apart.
    if chosen_rows.is_empty() || d > 127 || support.count_ones() as usize != chosen_rows.len() {
        return false;
    }
    let shared = Shared { support, exact };
    solve_any(&chosen_rows, target, shared, orient, inverse)
}

/// Proves with floats that `sign` times the form of `id` is a combination of these rows, as
/// [`positive_by_multipliers`] does, where all of them depend on fewer coordinates than the
/// cell has: what is zero but for rounding in the cell's coordinates is not there in these.
pub fn positive_in_fewer(level: &Level, rows: &[RowId], id: RowId, sign: i32) -> bool {
    (0..REDUCTIONS).any(|which| positive_in(level, which, rows, id, sign))
}

fn positive_in(level: &Level, which: usize, rows: &[RowId], id: RowId, sign: i32) -> bool {
    let Some(target) = level.reduced_row(id, which) else {
        return false;
    };
    let (mut support, mut exact) = (target.support, target.exact);
    let mut reduced: SmallVec<[FloatRow; 16]> = SmallVec::new();
    for &id in rows {
        let Some(row) = level.reduced_row(id, which) else {
            return false;
        };
        support |= row.support;
        exact &= row.exact;
        reduced.push(row);
    }
    let (n, d) = (rows.len(), target.center.len() - 1);
    // Beyond 127 coordinates, supports are not told apart.
    if n == 0 || d > 127 || support.count_ones() as usize != n {
        return false;
    }
    let coordinates: Vec<usize> = (0..d).filter(|&k| support >> k & 1 == 1).collect();
    let entry = |b: usize, a: usize| orientation(rows[b]) * reduced[b].center[coordinates[a]];
    let Some(inverse) = DMatrix::from_fn(n, n, entry).try_inverse() else {
        return false;
    };
    let orient = f64::from(sign) * orientation(id);
    let mut chosen_rows: SmallVec<[ChosenRow; 16]> = SmallVec::new();
    for (column, (&id, &row)) in rows.iter().zip(&reduced).enumerate() {
        let shares = coordinates.iter().enumerate();
        let shares = shares.map(|(a, &k)| orient * target.center[k] * inverse[(a, column)]);
        let multiplier: f64 = shares.sum();
        let enough = multiplier > PROPOSAL_ZERO;
        if !enough {
            return false;
        }
        chosen_rows.push(ChosenRow {
            column,
            multiplier,
            orient: orientation(id),
            row,
        });
    }
    let mut lines = vec![vec![0.0; n]; d];
    for (a, &k) in coordinates.iter().enumerate() {
        lines[k] = inverse.row(a).iter().copied().collect();
    }
    let shared = Shared { support, exact };
    solve_any(&chosen_rows, target, shared, orient, |k| &lines[k])
}

/// [`solve`], in sizes that the compiler can unroll and vectorise.
fn solve_any<'d>(
    chosen_rows: &[ChosenRow],
    target: FloatRow,
    shared: Shared,
    orient: f64,
    inverse: impl Fn(usize) -> &'d [f64],
) -> bool {
    match chosen_rows.len() {
        0..=4 => solve::<4>(chosen_rows, target, shared, orient, inverse),
        5..=8 => solve::<8>(chosen_rows, target, shared, orient, inverse),
        9..=12 => solve::<12>(chosen_rows, target, shared, orient, inverse),
        13..=16 => solve::<16>(chosen_rows, target, shared, orient, inverse),
        17..=32 => solve::<32>(chosen_rows, target, shared, orient, inverse),
        _ => solve::<128>(chosen_rows, target, shared, orient, inverse),
    }
}

/// A basis row with a multiplier above zero.
struct ChosenRow<'a> {
    column: usize,
    multiplier: f64,
    orient: f64,
    row: FloatRow<'a>,
}

/// What the rows with a multiplier and the target come to.
#[derive(Clone, Copy)]
struct Shared {
    /// The union of their supports.
    support: u128,
    /// Whether all of them are exact.
    exact: bool,
}

/// The second half of [`positive_by_multipliers`]. Arrays are padded with zeros, which
/// change no sum.
// Out of line: its arrays would weigh on every frame of the search's recursion.
#[inline(never)]
fn solve<'d, const N: usize>(
    rows: &[ChosenRow],
    target: FloatRow,
    shared: Shared,
    orient: f64,
    inverse: impl Fn(usize) -> &'d [f64],
) -> bool {
    let k = rows.len();
    let Shared { mut support, exact } = shared;
    let error = sum_error(k + 2);
    let mut coordinates = [0; N];
    for coordinate in &mut coordinates[..k] {
        *coordinate = support.trailing_zeros() as usize;
        support &= support - 1;
    }
    let coordinates = &coordinates[..k];
    // G, and |a - M^T m^| as rest, magnitudes behind it, and share of the radii.
    let mut near_inverse = [[0.0; N]; N];
    let (mut rest, mut size, mut doubt) = ([0.0; N], [0.0; N], [0.0; N]);
    for (a, &i) in coordinates.iter().enumerate() {
        let line = inverse(i);
        for (value, row) in near_inverse[a].iter_mut().zip(rows) {
            *value = chosen(line[row.column]);
        }
        rest[a] = orient * target.center[i];
        size[a] = target.center[i].abs();
        doubt[a] = target.radius(i);
    }
    // Column sums of |M G - I|; for each coordinate, what M's magnitudes and radii
    // contribute to their error.
    let (mut defect, mut weight) = ([0.0; N], [0.0; N]);
    for (b, row) in rows.iter().enumerate() {
        let mut product = [0.0; N];
        product[b] = -1.0;
        for (a, &i) in coordinates.iter().enumerate() {
            let entry = row.orient * row.row.center[i];
            rest[a] -= row.multiplier * entry;
            size[a] += row.multiplier * entry.abs();
            weight[a] += error * entry.abs();
            for c in 0..N {
                product[c] += entry * near_inverse[a][c];
            }
            if !exact {
                let radius = row.row.radius(i);
                doubt[a] += row.multiplier * radius;
                weight[a] += radius;
            }
        }
        for c in 0..N {
            defect[c] += product[c].abs();
        }
    }
    // |G^T| |r|.
    let mut shift = [0.0; N];
    for a in 0..k {
        let residual = (rest[a].abs() + error * size[a] + doubt[a]) * (1.0 + 2.0 * error) + TINY;
        for c in 0..N {
            let magnitude = near_inverse[a][c].abs();
            shift[c] += magnitude * residual;
            defect[c] += magnitude * weight[a];
        }
    }
    let round_up = 1.0 + sum_error(k * k + 4);
    let (mut norm, mut largest) = (0.0, 0.0);
    for c in 0..k {
        shift[c] *= round_up;
        // The 1 that was taken off a product counts among its magnitudes.
        defect[c] = (defect[c] + error) * round_up + TINY;
        norm = f64::max(norm, defect[c]);
        largest = f64::max(largest, shift[c]);
        // max ignores not-a-number.
        if !(shift[c] + defect[c]).is_finite() {
            return false;
        }
    }
    if norm >= 0.5 {
        return false;
    }
    let spread = largest / (1.0 - norm) * (1.0 + 4.0 * error);
    let d = target.center.len() - 1;
    let mut constant = orient * target.center[d];
    let mut size = target.center[d].abs();
    let mut doubt = target.constant_radius;
    let mut homogeneous = target.homogeneous;
    for (c, row) in rows.iter().enumerate() {
        let deviation = (shift[c] + defect[c] * spread) * (1.0 + 4.0 * error);
        if row.multiplier <= deviation {
            return false;
        }
        let (offset, radius) = (row.row.center[d], row.row.constant_radius);
        homogeneous &= row.row.homogeneous;
        constant -= row.multiplier * row.orient * offset;
        size += row.multiplier * offset.abs();
        doubt += row.multiplier * radius + deviation * (offset.abs() + radius);
    }
    homogeneous || constant > (error * size + doubt) * (1.0 + 4.0 * error) + TINY
}

/// The rows of a basis that have a multiplier above zero in `line`, as
/// [`positive_by_multipliers`] takes it.
pub fn support<'a>(
    basis: &'a [RowId],
    line: &'a [f64],
    sign: i32,
) -> impl Iterator<Item = RowId> + 'a {
    let proposed = move |(_, entry): &(_, &f64)| f64::from(sign) * **entry > PROPOSAL_ZERO;
    basis.iter().zip(line).filter(proposed).map(|(&id, _)| id)
}

/// A row of short numbers as integers, all times the same power of two.
fn whole(row: &FloatRow, sign: f64) -> Option<SmallVec<[i64; 16]>> {
    // 2^20, and 2^40 for the largest number.
    let (scale, largest) = (power_of_two(20), power_of_two(40));
    let mut entries = SmallVec::new();
    for entry in row.center {
        let scaled = sign * entry * scale;
        let short = row.exact && scaled.abs() < largest && scaled as i64 as f64 == scaled;
        if !short {
            return None;
        }
        entries.push(scaled as i64);
    }
    Some(entries)
}

/// Proves with integers that `sign` times the form of `id` is positive on a cell that satisfies
/// `basis`, of which all rows are short numbers; `line` is the dictionary's row of the form. Gives
/// the rows with a multiplier above zero.
///
/// Floats propose multipliers with a common denominator, zeros among them; nothing is rounded
/// when these are held against the form.
pub fn positive_by_whole_multipliers(
    level: &Level,
    basis: &[RowId],
    line: &[f64],
    id: RowId,
    sign: i32,
) -> Option<SmallVec<[RowId; 16]>> {
    const NEAR: f64 = 1e-6;
    const LARGEST: i64 = 1 << 20;
    let target = whole(&level.row(id), f64::from(sign) * orientation(id))?;
    // Numerators are below 2^20, rows below 2^40: nothing overflows in a million rows.
    let mut denominator = 1i64;
    for multiplier in &line[..basis.len()] {
        let multiplier = multiplier * denominator as f64;
        let is_near = |factor: &i64| {
            let value = multiplier * *factor as f64;
            (value - value.round()).abs() < NEAR
        };
        denominator *= (1..=12).find(is_near)?;
        if denominator >= LARGEST {
            return None;
        }
    }
    let mut rest: SmallVec<[i64; 16]> = target;
    for entry in &mut rest {
        *entry = entry.checked_mul(denominator)?;
    }
    let mut support = SmallVec::new();
    for (&row, multiplier) in basis.iter().zip(line) {
        let numerator = f64::from(sign) * multiplier * denominator as f64;
        let numerator = numerator.round() as i64;
        if numerator == 0 {
            continue;
        }
        if !(1..LARGEST).contains(&numerator) {
            return None;
        }
        let entries = whole(&level.row(row), orientation(row))?;
        for (rest, entry) in rest.iter_mut().zip(&entries) {
            *rest = rest.checked_sub(numerator * entry)?;
        }
        support.push(row);
    }
    let (constant, linear) = rest.split_last()?;
    let is_combination = linear.iter().all(|&rest| rest == 0);
    (is_combination && *constant >= 0 && !support.is_empty()).then_some(support)
}

/// Decides exactly whether the proposed rows are a Farkas certificate: those with a
/// multiplier above zero first, then the whole basis. Gives those that are.
pub fn positive_exactly(
    level: &Level,
    basis: &[RowId],
    line: &[f64],
    id: RowId,
    sign: i32,
) -> Option<Vec<RowId>> {
    let target = oriented(level, id, sign);
    let proves = |ids: &[RowId]| {
        let rows: Vec<IntegerRow> = ids.iter().map(|&id| level.integer_row(id)).collect();
        is_certificate(&rows, &target)
    };
    let support: Vec<RowId> = support(basis, line, sign).collect();
    if proves(&support) {
        return Some(support);
    }
    (support.len() < basis.len() && proves(basis)).then(|| basis.to_vec())
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
    let row = level.vector(id);
    let largest = y.iter().fold(1.0, |max: f64, value| max.max(value.abs()));
    let products = row.entries.iter().zip(y).map(|(a, x)| a * x);
    let value = products.fold(row.entries[y.len()], |sum, product| sum + product);
    let value = orientation(id) * value;
    // A sum that overflowed on the way says nothing.
    value > largest * row.slack && value.is_finite()
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

#[cfg(test)]
mod tests {
    use num_traits::{Signed, ToPrimitive, Zero};

    use super::*;
    use crate::search::engine::basis::Basis;
    use crate::search::engine::dictionary::{Dictionary, Name, Place};
    use crate::search::engine::exact::{Minimum, minimum};
    use crate::search::engine::path::Path;
    use crate::search::engine::samples::{Random, id, integers, rational, with_level};

    /// Basis rows and a target close to the edge of what they prove, with multipliers
    /// and an inverse that are more or less wrong. Whatever floats accept is true.
    #[test]
    fn what_floats_prove_is_true() {
        let random = &mut Random(1);
        let (mut cones, mut bases, mut boxes) = (0, 0, 0);
        let (mut false_cones, mut false_boxes) = (0, 0);
        for trial in 0..7_000 {
            let d = 1 + random.below(5) as usize;
            let homogeneous = random.below(3) == 0;
            // With whole coefficients, only the constants are rounded.
            let whole = random.below(3) == 0;
            let basis = random.basis(d, homogeneous, whole);
            let mut target = vec![Rational::zero(); d + 1];
            for row in &basis {
                let multiplier = match random.below(6) {
                    _ if whole => Rational::from_integer((1 + random.below(6)).into()),
                    0 => random.whisker(22, 20),
                    1 => Rational::zero(),
                    2 | 3 => Rational::from_integer((1 + random.below(3)).into()),
                    _ => {
                        let number = random.number();
                        &number * &number
                    }
                };
                for (sum, entry) in target.iter_mut().zip(row) {
                    *sum += &multiplier * entry;
                }
            }
            match random.below(9) {
                0 => {}
                // Of the rows, only the target may go through the origin.
                8 => target[d] = Rational::zero(),
                1 => target[d] += random.number(),
                2 | 3 => target[d] += random.whisker(50, 8),
                _ => target[d] += random.whisker(20, 40),
            }
            if whole || random.below(4) == 0 {
                // A target of floats, as weights are.
                for entry in &mut target {
                    *entry = rational(entry.to_f64().unwrap());
                }
            }
            let sign = if random.below(2) == 0 { 1 } else { -1 };
            let negated: Vec<bool> = (0..=d).map(|_| random.below(2) == 0).collect();
            let mut rows: Vec<Vec<Rational>> = basis;
            rows.push(target);
            for (k, row) in rows.iter_mut().enumerate() {
                if negated[k] != (k == d && sign < 0) {
                    row.iter_mut().for_each(|entry| *entry = -entry.clone());
                }
            }
            let extent: Vec<f64> = (0..d).map(|_| 1.0 + random.unit().abs()).collect();
            let mut state = Random(random.next());
            with_level(&rows, random, |level| {
                let ids: Vec<RowId> = (0..d).map(|k| id(level, k, negated[k])).collect();
                let goal = id(level, d, negated[d]);
                let mut path = Path::new(d);
                ids.iter().for_each(|&id| path.push(level, id));
                let columns = (0..d as u32).map(Name::Constraint).collect();
                let Some(mut dictionary) =
                    Dictionary::new(level, &path, columns, vec![], vec![d as u32])
                else {
                    return;
                };
                // In floats, whatever the rows are.
                dictionary.refresh(level, &path);
                let worse = state.below(4);
                let mut nudge = |v: &mut f64, least: u64, kinds: u64| match worse {
                    0 => *v += state.whisker(least, kinds).to_f64().unwrap(),
                    1 => *v *= 1.0 + state.whisker(least, kinds).to_f64().unwrap(),
                    _ => {}
                };
                for (place, value) in dictionary.values_mut() {
                    match place {
                        Place::Candidate => nudge(value, 24, 30),
                        Place::Coordinate => nudge(value, 2, 50),
                        Place::Constraint => {}
                    }
                }
                // The dictionary knows the candidate without its orientation.
                let turn = if negated[d] { -1.0 } else { 1.0 };
                let line: Vec<f64> = (0..=d).map(|c| turn * dictionary.entry(0, c)).collect();
                let inverse: Vec<Vec<f64>> = (0..d)
                    .map(|k| (0..d).map(|c| dictionary.coordinates(c)[k]).collect())
                    .collect();
                let mut basis = Basis::default();
                let by_basis = basis.prove(level, &path, &dictionary)
                    && basis.proves(level, &dictionary, 0, sign * turn as i32);
                let by_multipliers =
                    positive_by_multipliers(level, &ids, &line, |i| &inverse[i], goal, sign);
                let exactly = positive_exactly(level, &ids, &line, goal, sign).is_some();
                assert!(!by_multipliers || exactly, "cone, trial {trial}");
                assert!(!by_basis || exactly, "basis, trial {trial}");
                bases += u32::from(by_basis);
                cones += u32::from(by_multipliers);
                false_cones += u32::from(!exactly);

                let in_box = positive_in_box(level, &extent, &ids, &line, goal, sign);
                let mut cell: Vec<IntegerRow> =
                    ids.iter().map(|&id| level.integer_row(id)).collect();
                for (k, &reach) in extent.iter().enumerate() {
                    for side in [1, -1] {
                        let mut row = vec![Rational::zero(); d + 1];
                        row[k] = Rational::from_integer(side.into());
                        row[d] = rational(reach);
                        cell.push(integers(&row));
                    }
                }
                let least = minimum(&cell, &[], &oriented(level, goal, sign));
                let positive = matches!(least, Minimum::Sign(1, _) | Minimum::Infeasible(_));
                assert!(!in_box || positive, "box, trial {trial}: {least:?}");
                boxes += u32::from(in_box);
                false_boxes += u32::from(!positive);
            });
        }
        // Neither floats nor the truth say the same all the time.
        assert!(
            [cones, bases, boxes, false_cones, false_boxes]
                .iter()
                .all(|&count| count > 300),
            "{cones} {bases} {boxes} {false_cones} {false_boxes}"
        );
    }

    /// Small integers, and targets that are combinations of the basis or differ a little from
    /// one: what integers accept is a certificate by exact elimination.
    #[test]
    fn what_integers_prove_is_true() {
        let random = &mut Random(4);
        let (mut accepted, mut wrong) = (0, 0);
        for trial in 0..4_000 {
            let d = 1 + random.below(5) as usize;
            let mut small = |size: u64| (random.below(2 * size + 1) as i64) - size as i64;
            let mut rows: Vec<Vec<i64>> = (0..d)
                .map(|_| (0..=d).map(|_| small(2)).collect())
                .collect();
            let mut target = vec![0; d + 1];
            for row in &rows {
                let multiplier = [0, 0, 1, 1, 2, -1][(small(50) + 50) as usize % 6];
                target
                    .iter_mut()
                    .zip(row)
                    .for_each(|(sum, a)| *sum += multiplier * a);
            }
            target[d] += small(1);
            if small(1) == 0 {
                target[(small(9) + 9) as usize % d] += small(1);
            }
            // A denominator for the multipliers.
            let factor = 1 + (small(2) + 2);
            rows.iter_mut().flatten().for_each(|entry| *entry *= factor);
            rows.push(target);
            let rational = |row: &Vec<i64>| {
                let entries = row.iter();
                entries.map(|&a| Rational::from_integer(a.into())).collect()
            };
            let rows: Vec<Vec<Rational>> = rows.iter().map(rational).collect();
            let sign = if random.below(2) == 0 { 1 } else { -1 };
            with_level(&rows, random, |level| {
                let ids: Vec<RowId> = (0..d).map(|k| id(level, k, false)).collect();
                let goal = id(level, d, false);
                let mut path = Path::new(d);
                ids.iter().for_each(|&id| path.push(level, id));
                let columns = (0..d as u32).map(Name::Constraint).collect();
                let Some(mut dictionary) =
                    Dictionary::new(level, &path, columns, vec![], vec![d as u32])
                else {
                    return;
                };
                dictionary.refresh(level, &path);
                let line: Vec<f64> = (0..=d).map(|c| dictionary.entry(0, c)).collect();
                let why = positive_by_whole_multipliers(level, &ids, &line, goal, sign);
                let exactly = positive_exactly(level, &ids, &line, goal, sign).is_some();
                wrong += u32::from(!exactly);
                let Some(why) = why else {
                    return;
                };
                let rows: Vec<IntegerRow> = why.iter().map(|&id| level.integer_row(id)).collect();
                let target = oriented(level, goal, sign);
                assert!(is_certificate(&rows, &target), "trial {trial}");
                accepted += 1;
            });
        }
        assert!(accepted > 300 && wrong > 300, "{accepted} {wrong}");
    }

    /// Points next to hyperplanes, some with large coordinates.
    #[test]
    fn what_floats_see_at_a_point_is_true() {
        let random = &mut Random(2);
        let (mut accepted, mut wrong) = (0, 0);
        for trial in 0..10_000 {
            let d = 1 + random.below(9) as usize;
            let size = power_of_two([0, 0, 50, -30][random.below(4) as usize]);
            let point: Vec<f64> = (0..d).map(|_| size * random.unit()).collect();
            let exact: Vec<Rational> = point.iter().map(|&y| rational(y)).collect();
            let mut row = random.row(d, true);
            let value: Rational = row.iter().zip(&exact).map(|(a, y)| a * y).sum();
            row[d] = random.whisker(30, 30) * rational(size.max(1.0)) - value;
            if random.below(4) == 0 {
                row[d] = rational(row[d].to_f64().unwrap());
            }
            let negated = random.below(2) == 0;
            with_level(&[row], random, |level| {
                let id = id(level, 0, negated);
                let by_floats = positive_at(level, id, &point);
                let mut path = Path::new(d);
                path.push(level, id);
                let on_path = path.is_positive_around(&point, 0.0);
                let exactly = positive_at_exactly(level, id, &exact);
                assert!(!by_floats || exactly, "trial {trial}");
                assert!(!on_path || exactly, "path, trial {trial}");
                accepted += u32::from(by_floats && on_path);
                wrong += u32::from(!exactly);
            });
        }
        assert!(accepted > 1500 && wrong > 1500, "{accepted} {wrong}");
    }
    /// At every corner of the box around a point the exact value is positive, too.
    #[test]
    fn what_floats_see_around_a_point_is_true() {
        let random = &mut Random(3);
        let (mut accepted, mut wrong) = (0, 0);
        for trial in 0..6_000 {
            let d = 1 + random.below(6) as usize;
            let point: Vec<f64> = (0..d).map(|_| random.unit()).collect();
            let reach = power_of_two(-(random.below(40) as i64));
            let mut row = random.row(d, true);
            // The least value in the box is a whisker above or below zero.
            let least: Rational = row
                .iter()
                .zip(&point)
                .map(|(a, &y)| a * rational(y) - a.abs() * rational(reach))
                .sum();
            row[d] = random.whisker(30, 30) - least;
            if random.below(4) == 0 {
                row[d] = rational(row[d].to_f64().unwrap());
            }
            let negated = random.below(2) == 0;
            with_level(&[row], random, |level| {
                let id = id(level, 0, negated);
                let mut path = Path::new(d);
                path.push(level, id);
                let by_floats = path.is_positive_around(&point, reach);
                let exactly = (0..1u32 << d).all(|corner| {
                    let moved = |(k, &y): (usize, &f64)| {
                        let up = corner >> k & 1 == 1;
                        rational(y) + rational(if up { reach } else { -reach })
                    };
                    let corner: Vec<Rational> = point.iter().enumerate().map(moved).collect();
                    positive_at_exactly(level, id, &corner)
                });
                assert!(!by_floats || exactly, "trial {trial}");
                accepted += u32::from(by_floats);
                wrong += u32::from(!exactly);
            });
        }
        assert!(accepted > 500 && wrong > 500, "{accepted} {wrong}");
    }
}
