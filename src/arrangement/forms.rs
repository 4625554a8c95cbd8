//! Pre-activations of one layer as affine forms on a cell, in floats, with a
//! proved bound on every coefficient's error.

mod sums;

use sums::{Sums, Term, add_products, store};

use super::active::Active;
use super::stage::{ExactForms, SparseMap};
use super::support::{self, Supports};
use crate::arithmetic::float::{self, TINY};
use crate::arithmetic::lanes::{LANES, Lanes, for_all_processors, padded, unrolled};

/// One form a unit: the coefficients of the coordinates, then the constant. The
/// exact coefficients lie within the form's radius of the centers, and the constant
/// within a radius of its own; those that the form's support leaves out are zero.
///
/// Every non-zero number in here is at least [`TINY`], so that products do not
/// underflow. A form whose support is not empty has a radius or a center that is not zero.
#[derive(Clone, Debug, Default)]
pub struct FloatForms {
    /// Entries of a row.
    pub width: usize,
    len: usize,
    /// Row-major, each row filled up with zeros to whole vectors, and rows to whole fours.
    centers: Vec<[f64; LANES]>,
    fours: Vec<Four>,
    supports: Supports,
    /// Whether the numbers may be used to go on to the next layer: all finite and
    /// of ordinary magnitude.
    pub tame: bool,
    /// Whether some row is vague.
    vague: bool,
    /// Whether some coefficient of each row is proved not to be zero.
    sloped: bool,
    /// Memory for what these are sums of.
    terms: Vec<Term>,
}

/// What is known of all rows.
#[derive(Clone, Copy)]
struct Measured {
    tame: bool,
    vague: bool,
    sloped: bool,
}

/// What is known of four rows.
#[derive(Clone, Copy, Debug, Default)]
pub struct Four {
    /// How far a coefficient can be from its center.
    pub radius: [f64; LANES],
    /// How far the constant can be from its center.
    pub constant_radius: [f64; LANES],
    /// The largest magnitude of a coefficient's center.
    pub size: [f64; LANES],
    /// The sum of the magnitudes of the coefficients' centers, in floats.
    pub sum: [f64; LANES],
    /// The magnitude of the constant's center.
    pub constant: [f64; LANES],
    /// How far the exact value at a point whose coordinates are at most 1 can be from the
    /// sum of products in floats, in any order. It grows in proportion with the largest
    /// coordinate.
    pub slack: [f64; LANES],
    /// A bound on the sum of magnitudes of the coefficients.
    pub norm: [f64; LANES],
}

/// Beyond this, products may leave the range of the floats.
const HUGE: f64 = f64::from_bits((1023 + 450) << 52);

/// A row whose radii exceed this share of its largest coefficient says too little
/// to be worth searching with; the exact row is computed instead. Decides only
/// which arithmetic computes the row, never a sign. A row of zeros that is not known to be one
/// is vague by any such share, and so becomes exact.
const VAGUE: f64 = f64::from_bits((1023 - 20) << 52);

impl FloatForms {
    /// Forms that are all zero.
    pub fn zeros(len: usize, width: usize) -> Self {
        let mut result = FloatForms::default();
        result.clear(len, width);
        result
    }

    /// Becomes forms that are all zero.
    fn clear(&mut self, len: usize, width: usize) {
        self.centers.clear();
        self.fours.clear();
        self.resize_memory(len, width);
        self.resize(len, width);
    }

    /// Becomes so many forms of which nothing is known: what there was before may be left.
    #[inline(always)]
    fn resize(&mut self, len: usize, width: usize) {
        match &mut self.supports {
            // Often it has as many.
            Supports::Shared(support) if (self.len, self.width) == (len, width) => *support = 0,
            _ => self.resize_memory(len, width),
        }
        (self.tame, self.vague, self.sloped) = (true, false, len == 0);
    }

    #[cold]
    fn resize_memory(&mut self, len: usize, width: usize) {
        let (fours, vectors) = (len.div_ceil(LANES), padded(len) * width.div_ceil(LANES));
        (self.len, self.width) = (len, width);
        self.centers.resize(vectors, [0.0; LANES]);
        self.fours.resize(fours, Four::default());
        self.supports = Supports::default();
    }

    /// As many forms as there are entries, each the coordinate that its entry names, or
    /// zero.
    pub fn coordinates(of: &[Option<usize>], dimension: usize) -> Self {
        let mut result = FloatForms::zeros(of.len(), dimension + 1);
        for (row, coordinate) in of.iter().enumerate() {
            if let Some(coordinate) = *coordinate {
                result.center_mut(row)[coordinate] = 1.0;
            }
        }
        let support = |coordinate: &Option<usize>| coordinate.map_or(0, support::bit);
        result.supports = Supports::new(of.iter().map(support).collect());
        result.measure();
        result
    }

    /// Encloses exact forms.
    pub fn from_exact(forms: &ExactForms) -> Self {
        let mut result = FloatForms::zeros(forms.len(), forms.width);
        let mut supports = Vec::with_capacity(forms.len());
        let enclose = float::enclose_over(&forms.denominator, 0);
        for (row, entries) in forms.rows().enumerate() {
            let (mut radius, mut constant_radius, mut own) = (0.0, 0.0, 0);
            for (k, entry) in entries.iter().enumerate() {
                let enclosure = enclose(entry);
                result.center_mut(row)[k] = enclosure.center;
                if k + 1 == forms.width {
                    constant_radius = enclosure.radius;
                } else if enclosure.center != 0.0 || enclosure.radius != 0.0 {
                    radius = enclosure.radius.max(radius);
                    own |= support::bit(k);
                }
            }
            let four = &mut result.fours[row / LANES];
            four.radius[row % LANES] = radius;
            four.constant_radius[row % LANES] = constant_radius;
            supports.push(own);
        }
        result.supports = Supports::new(supports);
        result.measure();
        result
    }

    /// From one row to the next, in vectors.
    pub fn stride(&self) -> usize {
        self.width.div_ceil(LANES)
    }

    /// How many forms there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Centers of all rows.
    pub fn vectors(&self) -> &[[f64; LANES]] {
        &self.centers
    }

    /// What is known of the rows, four by four.
    pub fn fours(&self) -> &[Four] {
        &self.fours
    }

    /// Centers of a row.
    pub fn center(&self, row: usize) -> &[f64] {
        &self.centers[row * self.stride()..].as_flattened()[..self.width]
    }

    fn center_mut(&mut self, row: usize) -> &mut [f64] {
        let start = row * self.stride();
        &mut self.centers[start..].as_flattened_mut()[..self.width]
    }

    /// A row of K entries, its slack and its norm.
    #[inline(always)]
    pub fn short<const K: usize>(&self, row: usize) -> (&[f64; K], f64, f64) {
        let stride = K.div_ceil(LANES);
        let entries = self.centers[row * stride..][..stride].as_flattened();
        let (four, lane) = (&self.fours[row / LANES], row % LANES);
        let entries = entries.first_chunk().expect("at least K");
        (entries, four.slack[lane], four.norm[lane])
    }

    /// Four rows from `4 * number` on, their slacks and their norms.
    #[inline(always)]
    pub fn four(&self, number: usize) -> (&[[f64; LANES]], &[f64; LANES], &[f64; LANES]) {
        let (four, stride) = (&self.fours[number], self.stride());
        (
            &self.centers[number * LANES * stride..],
            &four.slack,
            &four.norm,
        )
    }

    /// Whether some coefficient of a row is proved not to be zero.
    #[inline]
    pub fn has_slope(&self, row: usize) -> bool {
        let (four, lane) = (&self.fours[row / LANES], row % LANES);
        four.size[lane] > four.radius[lane]
    }

    /// Whether some coefficient of each row is proved not to be zero.
    #[inline]
    pub fn all_have_slope(&self) -> bool {
        self.tame && self.sloped
    }

    /// How far the constant of a row can be from its center.
    pub fn constant_radius(&self, row: usize) -> f64 {
        self.fours[row / LANES].constant_radius[row % LANES]
    }

    /// Which of a row's coefficients may be other than zero.
    pub fn support(&self, row: usize) -> u128 {
        self.supports.get(row, self.is_zero(row))
    }

    /// The supports of all rows.
    pub fn supports(&self) -> &Supports {
        &self.supports
    }

    /// Whether all coefficients of a row are known to be zero.
    fn is_zero(&self, row: usize) -> bool {
        let (four, lane) = (&self.fours[row / LANES], row % LANES);
        four.radius[lane] == 0.0 && four.size[lane] == 0.0
    }

    /// Makes of `result` the forms after an affine map of the entries that are `active` (the
    /// others count as zero); `None` stands for all.
    pub fn through(&self, map: &SparseMap, active: Option<&Active>, result: &mut FloatForms) {
        let floats = map.floats();
        if floats.blocks.fill_all() {
            result.resize(map.outputs(), self.width);
        } else {
            result.clear(map.outputs(), self.width);
        }
        result.tame = self.tame && floats.tame;
        if result.tame {
            add_products(self, floats, active, result);
            result.spread_support(self, map, active);
            result.measure();
        }
    }

    /// The same of rows of K entries in N vectors, which `look` sees four at a time as they become
    /// known. False, and nothing done, where the rows do not come so, or no floats do. What was seen
    /// is of no use when the result is not tame, or vague.
    #[inline(always)]
    pub fn through_seen_by<L: Lanes, const K: usize, const N: usize>(
        &self,
        map: &SparseMap,
        active: &Active,
        result: &mut FloatForms,
        look: &mut impl Look<L, K>,
    ) -> bool {
        let floats = map.floats();
        if !(self.tame && floats.tame && floats.blocks.fill_all() && self.width == K) {
            return false;
        }
        result.resize(map.outputs(), K);
        result.spread_support(self, map, Some(active));
        let FloatForms {
            len,
            centers,
            fours,
            supports,
            terms,
            ..
        } = result;
        let scale = Scale::<L>::new(supports, K, *len);
        let mut marks = Marks::new();
        let mut sums = Sums::new(self, floats, Some(active));
        for block in floats.blocks.iter() {
            let number = block.four.expect("blocks that fill all are fours");
            sums.turn_to(&block, terms);
            let forms = self.centers.as_chunks::<N>().0;
            let terms = &terms[..sums.count];
            let (rows, radii) = sums.of::<L, N, true>(|form| &forms[form], &block, terms, 0);
            let to = &mut centers[number * LANES * N..][..LANES * N];
            for lane in 0..LANES {
                store(&rows[lane], &mut to[lane * N..], 0);
            }
            let mut entries = [L::all(0.0); K];
            for vector in 0..N {
                let mut vectors = [L::all(0.0); LANES];
                for (to, row) in vectors.iter_mut().zip(&rows) {
                    *to = row[vector];
                }
                let vectors = L::transposed(vectors);
                for k in LANES * vector..K.min(LANES * (vector + 1)) {
                    entries[k] = vectors[k % LANES];
                }
            }
            let (mut size, mut sum) = (L::all(0.0), L::all(0.0));
            for entry in &entries[..K - 1] {
                size = entry.abs().max(size);
                sum = sum.plus(entry.abs());
            }
            let constant = entries[K - 1].abs();
            let four = &mut fours[number];
            radii[0].store(&mut four.radius);
            radii[1].store(&mut four.constant_radius);
            let sizes = Sizes {
                size,
                sum,
                constant,
                radii,
            };
            let (norm, slack) = scale.note(number, sizes, four, &mut marks);
            look.look(number, entries, norm.plus(constant), slack);
        }
        result.mark(marks.measured());
        true
    }

    /// The supports after a map. A form that may be other than zero has doubts of at least
    /// 2^-600, which no weight of a tame map makes zero: a row has a radius if and only if
    /// such a form is part of it.
    #[inline(always)]
    fn spread_support(&mut self, from: &FloatForms, map: &SparseMap, active: Option<&Active>) {
        match from.supports {
            Supports::Shared(support) => self.supports = Supports::Shared(support),
            Supports::Own(_) => self.spread_supports(from, map, active),
        }
    }

    fn spread_supports(&mut self, from: &FloatForms, map: &SparseMap, active: Option<&Active>) {
        let is_active = |unit: &usize| active.is_none_or(|active| active.has(*unit));
        let support = |row: usize| {
            let columns = map.columns(row).iter().map(|&column| column as usize);
            let active = columns.filter(is_active);
            active.fold(0, |support, column| support | from.support(column))
        };
        self.supports = Supports::new((0..self.len).map(support).collect());
    }

    /// Notes the sizes of centers and what follows, and whether they are tame, and vague.
    fn measure(&mut self) {
        let (supports, rows) = (&self.supports, self.len);
        let measured = measure(&self.centers, self.width, supports, rows, &mut self.fours);
        self.mark(measured);
    }

    fn mark(&mut self, measured: Measured) {
        self.tame &= measured.tame;
        (self.vague, self.sloped) = (measured.vague, measured.sloped);
    }

    /// Whether some row is not known well enough to search with.
    pub fn is_vague(&self) -> bool {
        self.vague
    }

    /// The rows that are not known well enough to search with.
    pub fn vague(&self) -> impl Iterator<Item = usize> {
        let fours = self.fours.iter().filter(|_| self.vague).enumerate();
        fours.flat_map(|(number, four)| {
            let is_vague = |lane: &usize| {
                let radius = four.radius[*lane].max(four.constant_radius[*lane]);
                radius > four.size[*lane].max(four.constant[*lane]) * VAGUE
            };
            (0..LANES)
                .filter(is_vague)
                .map(move |lane| number * LANES + lane)
        })
    }

    /// Replaces a row by the enclosure of its exact value.
    pub fn replace(&mut self, row: usize, exact: &FloatForms) {
        self.center_mut(row).copy_from_slice(exact.center(row));
        let (to, from) = (&mut self.fours[row / LANES], &exact.fours[row / LANES]);
        let lane = row % LANES;
        to.radius[lane] = from.radius[lane];
        to.constant_radius[lane] = from.constant_radius[lane];
        to.size[lane] = from.size[lane];
        to.sum[lane] = from.sum[lane];
        to.constant[lane] = from.constant[lane];
        to.slack[lane] = from.slack[lane];
        to.norm[lane] = from.norm[lane];
        let mut supports = std::mem::take(&mut self.supports);
        supports.set(row, exact.support(row), self.len, |row| self.is_zero(row));
        self.supports = supports;
        self.sloped = (0..self.len).all(|row| self.has_slope(row));
    }
}

/// A bound on the relative error of sums over a row of so many vectors, and a factor that
/// makes up for the roundings of such a sum of magnitudes, and some more.
pub fn rounding(stride: usize) -> (f64, f64) {
    let error = float::sum_error((stride + 1) * LANES);
    (error, 1.0 + 2.0 * error)
}

/// Somebody who looks at rows of K entries.
pub trait Look<L, const K: usize> {
    /// Sees the rows from `4 * number` on, those beyond the last without meaning: their entries, what
    /// the magnitudes of these sum up to, and their slacks.
    fn look(&mut self, number: usize, entries: [L; K], magnitudes: L, slack: L);
}

/// Makes of a list so many zeros, in memory that it has.
pub fn clear<T: Clone + Default>(list: &mut Vec<T>, count: usize) {
    list.clear();
    list.resize(count, T::default());
}

for_all_processors! {
    /// Notes the sizes of centers and what follows. Supports are those of so many rows.
    fn measure<L>(
        centers: &[[f64; LANES]],
        width: usize,
        supports: &Supports,
        len: usize,
        fours: &mut [Four],
    ) -> Measured {
        unrolled!(
            width,
            [3 4 5 6],
            measure_in::<L>(centers, width, supports, len, fours),
            else measure_in::<L, 0>(centers, width, supports, len, fours)
        )
    }
}

/// The same of rows of K entries, or of any number when K is zero: whether all numbers are
/// below [`HUGE`], and what is known of all rows.
#[inline(always)]
fn measure_in<L: Lanes, const K: usize>(
    centers: &[[f64; LANES]],
    width: usize,
    supports: &Supports,
    len: usize,
    fours: &mut [Four],
) -> Measured {
    let width = if K == 0 { width } else { K };
    let none = L::all(0.0);
    let stride = width.div_ceil(LANES);
    let scale = Scale::<L>::new(supports, width, len);
    // The place of the constants in the last vectors.
    let place = (width - 1) % LANES;
    let mut marks = Marks::new();
    for (number, four) in fours.iter_mut().enumerate() {
        let rows = &centers[number * LANES * stride..][..LANES * stride];
        let (mut size, mut sum, mut constant) = (none, none, none);
        for vector in 0..stride {
            let mut entries = [none; LANES];
            for (row, entries) in entries.iter_mut().enumerate() {
                *entries = L::load(&rows[row * stride + vector]).abs();
            }
            for (k, &entries) in L::transposed(entries).iter().enumerate() {
                if vector + 1 == stride && k == place {
                    constant = entries;
                } else if vector + 1 < stride || k < place {
                    size = entries.max(size);
                    sum = sum.plus(entries);
                }
            }
        }
        let sizes = Sizes {
            size,
            sum,
            constant,
            radii: [L::load(&four.radius), L::load(&four.constant_radius)],
        };
        scale.note(number, sizes, four, &mut marks);
    }
    marks.measured()
}

/// What is to be noted of four rows, the magnitudes of whose coefficients, and their sums, and the
/// constants, are known, with the radii of both.
struct Sizes<L> {
    size: L,
    sum: L,
    constant: L,
    radii: [L; 2],
}

/// What all rows that are measured have in common.
struct Scale<'a, L> {
    supports: &'a Supports,
    /// How many coefficients of a row may be off, where all have one support.
    doubtful: Option<L>,
    error: L,
    round_up: L,
    width: usize,
    len: usize,
}

impl<'a, L: Lanes> Scale<'a, L> {
    #[inline(always)]
    fn new(supports: &'a Supports, width: usize, len: usize) -> Self {
        let (error, round_up) = rounding(width.div_ceil(LANES));
        // What a row that is zero counts makes no difference.
        let doubtful = match supports {
            Supports::Shared(support) => Some(L::all(support::count(*support, width - 1) as f64)),
            Supports::Own(_) => None,
        };
        Scale {
            supports,
            doubtful,
            error: L::all(error),
            round_up: L::all(round_up),
            width,
            len,
        }
    }

    /// Notes what follows from sizes of the rows from `4 * number` on, whose radii `four` has; gives
    /// their norms and slacks.
    #[inline(always)]
    fn note(
        &self,
        number: usize,
        sizes: Sizes<L>,
        four: &mut Four,
        marks: &mut Marks<L>,
    ) -> (L, L) {
        let Sizes {
            size,
            sum,
            constant,
            radii: [radius, constant_radius],
        } = sizes;
        size.store(&mut four.size);
        sum.store(&mut four.sum);
        constant.store(&mut four.constant);
        let magnitudes = sum.plus(constant);
        let all = magnitudes.plus(radius.plus(constant_radius));
        marks.total = marks.total.plus(all);
        let first = number * LANES;
        let doubtful = self.doubtful.unwrap_or_else(|| {
            let row = |lane: usize| self.supports.get((first + lane).min(self.len - 1), false);
            let count = |lane: usize| support::count(row(lane), self.width - 1) as f64;
            L::load(&std::array::from_fn(count))
        });
        let doubt = radius.times(doubtful);
        let slack = magnitudes
            .times(self.error)
            .plus(doubt)
            .plus(constant_radius);
        let slack = slack.times(self.round_up).plus(L::all(TINY));
        slack.store(&mut four.slack);
        let norm = sum.plus(doubt).times(self.round_up);
        norm.store(&mut four.norm);
        // A power of two times a number: exact, and so is the sign of the difference.
        let excess = radius.max(constant_radius);
        let excess = excess.minus_product(L::all(VAGUE), constant.max(size));
        marks.excess = excess.max(marks.excess);
        let beyond = ALL << (self.len - first).min(LANES);
        marks.sloped &= size.above(radius) | beyond;
        (norm, slack)
    }
}

/// A bit for each lane.
const ALL: u32 = (1 << LANES) - 1;

/// What tells whether rows are tame, whether some are vague, and in which lanes all have a slope.
struct Marks<L> {
    /// The sum of the magnitudes of all numbers: where it is small, each of them is.
    total: L,
    /// By how much the radii of any row at most exceed what they may be.
    excess: L,
    sloped: u32,
}

impl<L: Lanes> Marks<L> {
    #[inline(always)]
    fn new() -> Self {
        Marks {
            total: L::all(0.0),
            excess: L::all(0.0),
            sloped: ALL,
        }
    }

    #[inline(always)]
    fn measured(&self) -> Measured {
        Measured {
            // Not-a-number fails the comparison, too.
            tame: L::all(HUGE).above(self.total) == ALL,
            vague: self.excess.above(L::all(0.0)) != 0,
            sloped: self.sloped == ALL,
        }
    }
}

#[cfg(test)]
mod tests;
