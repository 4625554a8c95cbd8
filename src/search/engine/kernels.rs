//! The inner loops of the float engine, over columns of numbers whose lengths are
//! multiples of [`LANES`].

use crate::arithmetic::float::WHOLE;
pub use crate::arithmetic::lanes::padded;
use crate::arithmetic::lanes::{LANES, Lanes, arrays, for_all_processors, unrolled};

/// A part of each column of a matrix that is stored by columns of length `stride`.
#[derive(Clone, Copy)]
pub struct Block {
    /// From one column to the next.
    pub stride: usize,
    /// Where the part begins.
    pub first: usize,
    /// How long it is, in whole vectors.
    pub len: usize,
}

for_all_processors! {
    /// Exchanges a row and a column of a matrix that is stored by columns of length
    /// `stride`, as a simplex pivot does.
    pub fn pivot<L>(values: &mut [f64], stride: usize, row: usize, column: usize) {
        unrolled!(
            stride / LANES,
            [1 2 3 4 5 6 7 8 9 10 11 12],
            pivot_in::<L>(values, row, column),
            else pivot_of_any::<L>(values, stride, row, column)
        );
    }

    /// The same where all entries are whole numbers, at most [`LARGEST`] in magnitude, over one
    /// denominator, which is the determinant of the basis. Nothing is rounded. Gives the new
    /// denominator and the largest magnitude of what changed.
    ///
    /// An entry is a minor of the rows, and so is what it becomes: `(a p - b c) / denominator` is
    /// whole (Edmonds 1967, Bareiss 1968). Its numerator is at most 2^51 in magnitude, and each
    /// product at most 2^50.
    pub fn pivot_whole<L>(
        values: &mut [f64],
        stride: usize,
        row: usize,
        column: usize,
        denominator: f64,
    ) -> (f64, f64) {
        unrolled!(
            stride / LANES,
            [1 2 3 4 5 6 7 8 9 10 11 12],
            pivot_whole_in::<L>(values, row, column, denominator),
            else pivot_whole_of_any::<L>(values, stride, row, column, denominator)
        )
    }

    /// The largest magnitude of some numbers.
    pub fn largest<L>(values: &[f64]) -> f64 {
        let mut largest = L::all(0.0);
        for values in values.as_chunks::<LANES>().0 {
            largest = L::load(values).abs().max(largest);
        }
        largest.largest()
    }

    /// Multiplies the four rows from row `first` on by these factors.
    pub fn scale_rows<L>(values: &mut [f64], stride: usize, first: usize, factors: &[f64; LANES]) {
        let factors = L::load(factors);
        for column in values.chunks_exact_mut(stride) {
            let entries = column[first..].first_chunk_mut().expect("whole vectors");
            L::load(entries).times(factors).store(entries);
        }
    }

    /// Copies a block, of as many columns as there are, into another of the same length.
    pub fn copy<L>(to: &mut [f64], into: Block, from: &[f64], block: Block) {
        unrolled!(
            block.len / LANES,
            [1 2 3 4],
            copy_in::<L>(to, into, from, block),
            else {
                let columns = to.chunks_exact_mut(into.stride).zip(from.chunks_exact(block.stride));
                for (to, from) in columns {
                    let from = &from[block.first..block.first + block.len];
                    to[into.first..into.first + block.len].copy_from_slice(from);
                }
            }
        );
    }

    /// Computes four rows from the coordinates' rows, from row `first` on, whose entries are
    /// given, the constant last, in whole vectors. The columns are those of the coordinates,
    /// and the constants, all over one denominator.
    pub fn fill<L>(
        values: &mut [f64],
        coordinates: Block,
        first: usize,
        rows: [&[f64]; LANES],
        denominator: f64,
    ) {
        let Block { stride, first: coordinate, .. } = coordinates;
        let d = values.len() / stride - 1;
        for k in 0..d.div_ceil(LANES) {
            let entries = |lane: usize| L::load(&rows[lane].as_chunks().0[k]);
            let entries = L::transposed([entries(0), entries(1), entries(2), entries(3)]);
            for column in values.chunks_exact_mut(stride) {
                let from = column[coordinate + k * LANES..].first_chunk::<LANES>();
                let from = *from.expect("whole vectors");
                let to = column[first..].first_chunk_mut().expect("whole vectors");
                let mut sum = if k == 0 { L::all(0.0) } else { L::load(to) };
                for (entries, value) in entries.into_iter().zip(from) {
                    sum = sum.plus_product(entries, L::all(value));
                }
                sum.store(to);
            }
        }
        let constants = L::load(&[rows[0][d], rows[1][d], rows[2][d], rows[3][d]]);
        let to = values[d * stride + first..].first_chunk_mut().expect("whole vectors");
        L::load(to).plus_product(constants, L::all(denominator)).store(to);
    }

    /// The rows of a block that have no negative entry, and those that have no positive one,
    /// as bits; only the first 64 rows are looked at.
    pub fn one_sided<L>(values: &[f64], block: Block) -> (u64, u64) {
        let none = L::all(0.0);
        let len = block.len.min(64);
        let (mut above, mut below) = (0, 0);
        for start in (0..len).step_by(LANES) {
            let (mut low, mut high) = (none, none);
            for column in values.chunks_exact(block.stride) {
                let entries = column[block.first + start..].first_chunk();
                let entries = L::load(entries.expect("whole vectors"));
                low = entries.min(low);
                high = entries.max(high);
            }
            let all = (1 << LANES) - 1;
            above |= u64::from(!none.above(low) & all) << start;
            below |= u64::from(!high.above(none) & all) << start;
        }
        (above, below)
    }

    /// `sums` becomes the sum of multiples of columns, one factor a column.
    pub fn sum_of_columns<L>(sums: &mut [f64], values: &[f64], factors: &[f64]) {
        let stride = sums.len();
        let sums = sums.as_chunks_mut::<LANES>().0;
        sums.fill([0.0; LANES]);
        for (column, factor) in values.chunks_exact(stride).zip(factors) {
            if *factor == 0.0 {
                continue;
            }
            let factor = L::all(*factor);
            for (sum, entries) in sums.iter_mut().zip(column.as_chunks().0) {
                L::load(sum).plus_product(factor, L::load(entries)).store(sum);
            }
        }
    }

    /// Of the rows whose `slopes` are below `-zero`, the one whose value reaches zero
    /// first, and how far away that is; of several the one with the steepest slope.
    pub fn first_to_vanish<L>(slopes: &[f64], values: &[f64], zero: f64) -> Option<(usize, f64)> {
        let vectors = slopes.as_chunks::<LANES>().0.iter().zip(values.as_chunks::<LANES>().0);
        unrolled!(
            slopes.len() / LANES,
            [1 2 3 4 5 6],
            first_to_vanish_in::<L>(slopes, values, zero),
            else {
                let mut best: Option<(usize, f64)> = None;
                for (k, (slopes, values)) in vectors.enumerate() {
                    if let Some((row, reach)) = first_to_vanish_in::<L, 1>(slopes, values, zero)
                        && best.is_none_or(|(_, least)| reach < least)
                    {
                        best = Some((LANES * k + row, reach));
                    }
                }
                best
            }
        )
    }

    /// Whether all rows of a table exceed their bounds at a point. The table has blocks of
    /// [`LANES`] rows: one vector for each coordinate, then constants, slacks and norms;
    /// each row must exceed `largest * slack + reach * norm`. Unused rows do.
    pub fn all_above<L>(table: &[[f64; LANES]], point: &[f64], largest: f64, reach: f64) -> bool {
        let (scale, margin, huge) = (L::all(largest), L::all(reach), L::all(f64::MAX));
        let d = point.len();
        for block in table.chunks_exact(d + 3) {
            let (slopes, rest) = block.split_at(d);
            let [constants, slacks, norms] = rest else {
                return false;
            };
            let mut sum = L::load(constants);
            for (entries, coordinate) in slopes.iter().zip(point) {
                sum = sum.plus_product(L::load(entries), L::all(*coordinate));
            }
            let bound = scale.times(L::load(slacks)).plus(margin.times(L::load(norms)));
            // A sum that overflowed on the way says nothing.
            if sum.above(bound) & !sum.above(huge) != (1 << LANES) - 1 {
                return false;
            }
        }
        true
    }

    /// With the rows S, one after another, and G their inverse: the largest sum of
    /// magnitudes in a row of `G S - 1`, and of magnitudes of G's row times `slacks`;
    /// `sizes` become the largest magnitudes in G's columns. `None` when the sum is one or
    /// more, or some entry of G is closer to zero than `least` and not zero.
    pub fn defect<L>(
        rows: &[f64],
        slacks: &[f64],
        values: &[f64],
        inverse: Block,
        least: f64,
        sizes: &mut [f64],
    ) -> Option<f64> {
        let d = slacks.len();
        macro_rules! by_dimension {
            ($($d:literal $n:literal),*) => {
                match d {
                    $($d => defect_in::<L, $d, $n>(rows, slacks, values, inverse, least, sizes),)*
                    _ => defect_of_any::<L>(rows, slacks, values, inverse, least, sizes),
                }
            };
        }
        by_dimension!(1 1, 2 1, 3 1, 4 2, 5 2, 6 2, 7 2, 8 3, 9 3, 10 3, 11 3, 12 4, 13 4, 14 4, 15 4)
    }

    /// What the rows times their multipliers leave of `sign` times a target: the sum of
    /// magnitudes of the coefficients, and the constant.
    pub fn rest<L>(
        rows: &[f64],
        multipliers: &[f64],
        target: &[f64],
        sign: f64,
    ) -> (f64, f64) {
        unrolled!(
            target.len() / LANES,
            [1 2 3 4],
            rest_in::<L>(rows, multipliers, target, sign),
            else {
                let mut rest: Vec<f64> = target.iter().map(|entry| sign * entry).collect();
                for (row, multiplier) in rows.chunks_exact(target.len()).zip(multipliers) {
                    add_multiple::<L>(&mut rest, -multiplier, row);
                }
                split(&rest, multipliers.len())
            }
        )
    }
}

#[inline(always)]
fn copy_in<L: Lanes, const N: usize>(to: &mut [f64], into: Block, from: &[f64], block: Block) {
    let columns = to.chunks_exact_mut(into.stride);
    for (to, from) in columns.zip(from.chunks_exact(block.stride)) {
        let to = to[into.first..into.first + block.len].as_chunks_mut().0;
        let from = from[block.first..block.first + block.len].as_chunks().0;
        for k in 0..N {
            L::load(&from[k]).store(&mut to[k]);
        }
    }
}

#[inline(always)]
fn first_to_vanish_in<L: Lanes, const N: usize>(
    slopes: &[f64],
    values: &[f64],
    zero: f64,
) -> Option<(usize, f64)> {
    let (infinite, none, low) = (L::all(f64::INFINITY), L::all(0.0), L::all(-zero));
    let minus = L::all(-1.0);
    let vectors = (slopes.as_chunks::<LANES>().0, values.as_chunks::<LANES>().0);
    // Loops, as closures are not always compiled for the vectors.
    let (mut reaches, mut least) = ([infinite; N], infinite);
    for (k, place) in reaches.iter_mut().enumerate() {
        let slopes = L::load(&vectors.0[k]);
        let reach = none.max(L::load(&vectors.1[k])).over(slopes.times(minus));
        *place = slopes.below_pick(low, reach, infinite);
        least = place.min(least);
    }
    let least = least.smallest();
    if least == f64::INFINITY {
        return None;
    }
    let bound = L::all(least);
    let mut hits = 0;
    for (k, reach) in reaches.iter().enumerate() {
        hits |= (!reach.above(bound) & ((1 << LANES) - 1)) << (LANES * k);
    }
    let mut best = hits.trailing_zeros() as usize;
    hits &= hits.wrapping_sub(1);
    while hits != 0 {
        let row = hits.trailing_zeros() as usize;
        hits &= hits - 1;
        if slopes[row] < slopes[best] {
            best = row;
        }
    }
    Some((best, least))
}

#[inline(always)]
fn pivot_in<L: Lanes, const N: usize>(values: &mut [f64], row: usize, column: usize) {
    let columns = values.as_chunks_mut::<LANES>().0.as_chunks_mut::<N>().0;
    let own: [L; N] = std::array::from_fn(|k| L::load(&columns[column][k]));
    let inverse = 1.0 / columns[column].as_flattened()[row];
    for (number, other) in columns.iter_mut().enumerate() {
        if number == column {
            continue;
        }
        let factor = -other.as_flattened()[row] * inverse;
        if factor != 0.0 {
            let factor = L::all(factor);
            for (entries, own) in other.iter_mut().zip(own) {
                L::load(entries).plus_product(factor, own).store(entries);
            }
        }
        other.as_flattened_mut()[row] = factor;
    }
    let scale = L::all(inverse);
    for (entries, own) in columns[column].iter_mut().zip(own) {
        own.times(scale).store(entries);
    }
    columns[column].as_flattened_mut()[row] = inverse;
}

#[inline(always)]
fn pivot_of_any<L: Lanes>(values: &mut [f64], stride: usize, row: usize, column: usize) {
    let inverse = 1.0 / values[column * stride + row];
    let (before, rest) = values.split_at_mut(column * stride);
    let (own, after) = rest.split_at_mut(stride);
    let others = before.chunks_exact_mut(stride);
    for other in others.chain(after.chunks_exact_mut(stride)) {
        let factor = -other[row] * inverse;
        if factor != 0.0 {
            add_multiple::<L>(other, factor, own);
        }
        other[row] = factor;
    }
    let scale = L::all(inverse);
    for entries in own.as_chunks_mut().0 {
        L::load(entries).times(scale).store(entries);
    }
    own[row] = inverse;
}

/// Whole numbers up to this in magnitude may be pivoted on.
pub const LARGEST: f64 = (1u64 << 25) as f64;

/// How a pivot of whole numbers turns `a` into `(a p - b c) / denominator`, with p the pivot
/// and c, of p's column, the same for a row; b of p's row.
#[derive(Clone, Copy)]
struct WholePivot<L> {
    /// p, made positive, over the denominator where this is a power of two: then a division
    /// is exact at any time.
    scale: f64,
    /// What b is to be multiplied by: 1 or -1, over the same.
    turn: f64,
    /// One over the denominator where this is no power of two.
    inverse: Option<L>,
}

impl<L: Lanes> WholePivot<L> {
    #[inline(always)]
    fn new(pivot: f64, denominator: f64) -> Self {
        let sign = if pivot < 0.0 { -1.0 } else { 1.0 };
        let inverse = 1.0 / denominator;
        // The mantissa of a power of two is empty.
        let power = denominator.to_bits() & ((1 << 52) - 1) == 0;
        let factor = if power { inverse } else { 1.0 };
        WholePivot {
            scale: pivot.abs() * factor,
            turn: sign * factor,
            inverse: (!power).then(|| L::all(inverse)),
        }
    }

    /// Whether columns with b = 0 stay as they are.
    #[inline(always)]
    fn keeps(&self, denominator: f64) -> bool {
        match self.inverse {
            None => self.scale == 1.0,
            Some(_) => self.scale == denominator,
        }
    }

    /// Changes a column, whose entry in p's row is `b`, by the pivot's `own`, and adds to the
    /// largest magnitudes.
    #[inline(always)]
    fn apply<'v>(
        &self,
        b: f64,
        entries: impl Iterator<Item = (&'v mut [f64; LANES], L)>,
        mut largest: L,
    ) -> L {
        let (scale, factor) = (L::all(self.scale), L::all(b * self.turn));
        // Where floats are 1 apart, an addition rounds to a whole number. The quotient is one
        // and less than 2^50; multiplied by the rounded inverse it is off by less than 1/4.
        for (entries, own) in entries {
            let mut entry = L::load(entries).times(scale).minus_product(factor, own);
            if let Some(inverse) = self.inverse {
                let shifted = L::all(WHOLE).plus_product(entry, inverse);
                entry = shifted.plus(L::all(-WHOLE));
            }
            largest = entry.abs().max(largest);
            entry.store(entries);
        }
        largest
    }
}

#[inline(always)]
fn pivot_whole_in<L: Lanes, const N: usize>(
    values: &mut [f64],
    row: usize,
    column: usize,
    denominator: f64,
) -> (f64, f64) {
    let columns = values.as_chunks_mut::<LANES>().0.as_chunks_mut::<N>().0;
    let own: [L; N] = std::array::from_fn(|k| L::load(&columns[column][k]));
    let pivot = columns[column].as_flattened()[row];
    let step = WholePivot::<L>::new(pivot, denominator);
    let (keeps, sign) = (step.keeps(denominator), 1f64.copysign(pivot));
    let mut largest = L::all(0.0);
    for (number, other) in columns.iter_mut().enumerate() {
        if number == column {
            continue;
        }
        let b = other.as_flattened()[row];
        if b != 0.0 || !keeps {
            largest = step.apply(b, other.iter_mut().zip(own), largest);
            other.as_flattened_mut()[row] = -sign * b;
        }
    }
    if sign < 0.0 {
        for (entries, own) in columns[column].iter_mut().zip(own) {
            own.times(L::all(-1.0)).store(entries);
        }
    }
    columns[column].as_flattened_mut()[row] = sign * denominator;
    (pivot.abs(), largest.largest())
}

#[inline(always)]
fn pivot_whole_of_any<L: Lanes>(
    values: &mut [f64],
    stride: usize,
    row: usize,
    column: usize,
    denominator: f64,
) -> (f64, f64) {
    let (before, rest) = values.split_at_mut(column * stride);
    let (own, after) = rest.split_at_mut(stride);
    let pivot = own[row];
    let step = WholePivot::<L>::new(pivot, denominator);
    let (keeps, sign) = (step.keeps(denominator), 1f64.copysign(pivot));
    let mut largest = L::all(0.0);
    let others = before.chunks_exact_mut(stride);
    for other in others.chain(after.chunks_exact_mut(stride)) {
        let b = other[row];
        if b != 0.0 || !keeps {
            let own = own.as_chunks::<LANES>().0.iter().map(|own| L::load(own));
            largest = step.apply(b, other.as_chunks_mut().0.iter_mut().zip(own), largest);
            other[row] = -sign * b;
        }
    }
    if sign < 0.0 {
        own.iter_mut().for_each(|entry| *entry = -*entry);
    }
    own[row] = sign * denominator;
    (pivot.abs(), largest.largest())
}

/// `to[i] += factor * from[i]`.
#[inline(always)]
fn add_multiple<L: Lanes>(to: &mut [f64], factor: f64, from: &[f64]) {
    let factor = L::all(factor);
    for (to, from) in to.as_chunks_mut().0.iter_mut().zip(from.as_chunks().0) {
        L::load(to).plus_product(factor, L::load(from)).store(to);
    }
}

/// The sum of magnitudes of the first d numbers, and the number after them.
#[inline(always)]
fn split(numbers: &[f64], d: usize) -> (f64, f64) {
    let (coefficients, constant) = (&numbers[..d], numbers[d]);
    let sum = coefficients
        .iter()
        .fold(0.0, |sum, number| sum + number.abs());
    (sum, constant)
}

#[inline(always)]
fn rest_in<L: Lanes, const N: usize>(
    rows: &[f64],
    multipliers: &[f64],
    target: &[f64],
    sign: f64,
) -> (f64, f64) {
    let target = &target.as_chunks::<LANES>().0.as_chunks::<N>().0[0];
    let sign = L::all(sign);
    let mut rest: [L; N] = std::array::from_fn(|k| L::load(&target[k]).times(sign));
    let rows = rows.as_chunks::<LANES>().0.as_chunks::<N>().0;
    for (row, multiplier) in rows.iter().zip(multipliers) {
        let factor = L::all(-multiplier);
        for (rest, entries) in rest.iter_mut().zip(row) {
            *rest = rest.plus_product(factor, L::load(entries));
        }
    }
    split(arrays(rest).as_flattened(), multipliers.len())
}

/// In D dimensions, with rows of N vectors.
#[inline(always)]
fn defect_in<L: Lanes, const D: usize, const N: usize>(
    rows: &[f64],
    slacks: &[f64],
    values: &[f64],
    inverse: Block,
    least: f64,
    sizes: &mut [f64],
) -> Option<f64> {
    let (none, least) = (L::all(0.0), L::all(least));
    let rows = &rows.as_chunks::<LANES>().0.as_chunks::<N>().0[..D];
    let (slacks, sizes) = (&slacks[..D], &mut sizes[..D]);
    // A column of G has at most as many vectors as a row of S.
    let mut doubts = [none; N];
    let mut sums = [[none; N]; D];
    for c in 0..D {
        let column = &values[c * inverse.stride + inverse.first..][..padded(D)];
        let slack = L::all(slacks[c]);
        let mut largest = none;
        for (entries, doubt) in column.as_chunks().0.iter().zip(&mut doubts) {
            let magnitude = L::load(entries).abs();
            if least.above(magnitude) & magnitude.above(none) != 0 {
                return None;
            }
            largest = magnitude.max(largest);
            *doubt = doubt.plus_product(slack, magnitude);
        }
        sizes[c] = largest.largest();
        let row: [L; N] = std::array::from_fn(|k| L::load(&rows[c][k]));
        for (factor, sums) in column.iter().zip(&mut sums) {
            let factor = L::all(*factor);
            for (sum, entries) in sums.iter_mut().zip(row) {
                *sum = sum.plus_product(factor, entries);
            }
        }
    }
    let doubts = arrays(doubts);
    let mut worst = 0.0;
    for k in 0..D {
        let mut sums = arrays(sums[k]);
        let sums = sums.as_flattened_mut();
        sums[k] -= 1.0;
        let doubt = doubts.as_flattened()[k];
        let left = sums[..D].iter().fold(doubt, |left, sum| left + sum.abs());
        worst = worse(worst, left)?;
    }
    Some(worst)
}

/// The larger of two, below one; not-a-number is not.
#[inline(always)]
fn worse(worst: f64, other: f64) -> Option<f64> {
    (other < 1.0).then_some(if other > worst { other } else { worst })
}

fn defect_of_any<L: Lanes>(
    rows: &[f64],
    slacks: &[f64],
    values: &[f64],
    inverse: Block,
    least: f64,
    sizes: &mut [f64],
) -> Option<f64> {
    let d = slacks.len();
    let stride = padded(d + 1);
    sizes.fill(0.0);
    let (mut sums, mut worst) = (vec![0.0; stride], 0.0);
    for k in 0..d {
        sums.fill(0.0);
        let mut doubt = 0.0;
        for (column, row) in rows.chunks_exact(stride).enumerate() {
            let factor = values[column * inverse.stride + inverse.first + k];
            let magnitude = factor.abs();
            if magnitude < least && magnitude > 0.0 {
                return None;
            }
            sizes[column] = if magnitude > sizes[column] {
                magnitude
            } else {
                sizes[column]
            };
            doubt += magnitude * slacks[column];
            add_multiple::<L>(&mut sums, factor, row);
        }
        sums[k] -= 1.0;
        worst = worse(worst, doubt + split(&sums, d).0)?;
    }
    Some(worst)
}

#[cfg(test)]
mod tests {
    use num_traits::Zero;

    use super::*;
    use crate::arithmetic::Rational;
    use crate::arithmetic::lanes::plain_only::both;
    use crate::search::engine::samples::{Random, rational};

    /// Pivots of whole numbers against pivots of fractions, up to the first that is too large,
    /// which is exact all the same.
    #[test]
    fn whole_pivots_are_exact() {
        both(|| {
            let random = &mut Random(5);
            let (mut large, mut too_large, mut no_power) = (0, 0, 0);
            for trial in 0..300 {
                let (d, rows) = (1 + trial % 7, [3, 8, 29, 53][trial % 4]);
                let (stride, bits) = (padded(rows), random.below(12));
                let size = 1 + random.below(1 << bits);
                let mut values = vec![0.0; (d + 1) * stride];
                let mut exact = vec![vec![Rational::zero(); d + 1]; rows];
                for (row, entries) in exact.iter_mut().enumerate() {
                    for (column, entry) in entries.iter_mut().enumerate() {
                        let value = random.below(2 * size + 1) as f64 - size as f64;
                        values[column * stride + row] = value;
                        *entry = rational(value);
                    }
                }
                let mut denominator = 1.0;
                for _ in 0..40 {
                    let (row, column) = (random.below(rows as u64), random.below(d as u64));
                    let (row, column) = (row as usize, column as usize);
                    let pivot = exact[row][column].clone();
                    if pivot.is_zero() {
                        continue;
                    }
                    let own = exact[row].clone();
                    for (k, entries) in exact.iter_mut().enumerate() {
                        let factor = &entries[column] / &pivot;
                        for (entry, own) in entries.iter_mut().zip(&own) {
                            *entry = match k == row {
                                true => -own / &pivot,
                                false => &*entry - &factor * own,
                            };
                        }
                        entries[column] = match k == row {
                            true => pivot.recip(),
                            false => factor,
                        };
                    }
                    let largest;
                    (denominator, largest) =
                        pivot_whole(&mut values, stride, row, column, denominator);
                    no_power += u32::from(denominator.log2().fract() != 0.0);
                    for (row, entries) in exact.iter().enumerate() {
                        for (column, entry) in entries.iter().enumerate() {
                            let value = values[column * stride + row];
                            assert_eq!(entry * rational(denominator), rational(value));
                            assert!(value.abs() <= largest || value.abs() <= LARGEST);
                        }
                    }
                    large += u32::from((LARGEST / 16.0..=LARGEST).contains(&largest));
                    if largest > LARGEST {
                        too_large += 1;
                        break;
                    }
                }
            }
            assert!(
                large > 30 && too_large > 30 && no_power > 300,
                "{large} {too_large} {no_power}"
            );
        });
    }

    /// Rows against sums of products made one by one.
    #[test]
    fn rows_are_filled_with_their_products() {
        both(|| {
            let random = &mut Random(11);
            for d in 0..14 {
                let (first, stride) = (8, 8 + padded(d));
                let coordinates = Block {
                    stride,
                    first,
                    len: padded(d),
                };
                let mut values = vec![0.0; (d + 1) * stride];
                for column in values.chunks_exact_mut(stride) {
                    column[first..first + d].fill_with(|| random.unit());
                }
                let mut row = || {
                    let mut row: Vec<f64> = (0..=d).map(|_| random.unit()).collect();
                    row.resize(padded(d + 1), 0.0);
                    row
                };
                let rows = [row(), row(), row(), row()];
                fill(
                    &mut values,
                    coordinates,
                    4,
                    rows.each_ref().map(Vec::as_slice),
                    1.0,
                );
                for (number, column) in values.chunks_exact(stride).enumerate() {
                    assert_eq!(column[..4], [0.0; 4]);
                    for (lane, row) in rows.iter().enumerate() {
                        let products = row[..d].iter().zip(&column[first..]);
                        let sum: f64 = products.map(|(a, b)| a * b).sum();
                        let expected = if number == d { sum + row[d] } else { sum };
                        assert!((column[4 + lane] - expected).abs() < 1e-13, "d = {d}");
                    }
                }
            }
        });
    }
}
