//! What an affine map makes of forms: sums of multiples of them, with bounds on what these sums
//! are off by.

use super::super::active::Active;
use super::super::blocks::View;
use super::super::stage::FloatMap;
use super::FloatForms;
use crate::arithmetic::float::{self, TINY};
use crate::arithmetic::lanes::{LANES, Lanes, for_all_processors};

/// A form that is part of a row.
#[derive(Clone, Debug, Default)]
pub(super) struct Term {
    /// Its number.
    form: u32,
    /// Its place among the block's columns.
    place: u32,
    /// What it adds to the radius of a row, for each unit of weight.
    radius: f64,
    /// The same of the constant.
    constant_radius: f64,
}

for_all_processors! {
    /// Sums of multiples of forms.
    ///
    /// With w, c and r for weights, centers and radii, q for the map's relative error, and n
    /// terms, of which the bias is one, a sum in floats differs from the exact one by at most
    /// the sum of |w| (r + q (|c| + r) + g |c|), where Higham's gamma for n terms is at most
    /// g = `sum_error(n)`; terms that are zero add no rounding. This sum is made in floats
    /// with |c| not above the form's size. It has no negative terms, and at most n + 7
    /// roundings between a term and the end, less than g makes up for. As no number that is
    /// not zero is below [`TINY`], and no weight below 2^-400, nothing underflows but by
    /// cancellation, which is exact. Sums below `TINY` in magnitude become zero; `TINY` is
    /// added to all radii that are not zero, as those of such sums are.
    pub fn add_products<L>(
        from: &FloatForms,
        map: &FloatMap,
        active: Option<&Active>,
        to: &mut FloatForms,
    ) {
        let stride = from.stride();
        let forms = &from.centers;
        let mut sums = Sums::new(from, map, active);
        let mut memory = std::mem::take(&mut to.terms);
        for block in map.blocks.iter() {
            sums.turn_to(&block, &mut memory);
            let (block, terms) = (&block, &memory[..sums.count]);
            match stride {
                1 => sums.add::<L, 1, true>(|form| &forms[form..=form], block, terms, 0, to),
                2 => {
                    let at = |form: usize| forms.as_chunks::<2>().0[form].as_slice();
                    sums.add::<L, 2, true>(at, block, terms, 0, to);
                }
                3 => {
                    let at = |form: usize| forms.as_chunks::<3>().0[form].as_slice();
                    sums.add::<L, 3, true>(at, block, terms, 0, to);
                }
                _ => {
                    let at = |form: usize| &forms[form * stride..];
                    sums.add::<L, 2, true>(at, block, terms, 0, to);
                    let mut first = 2;
                    while first < stride {
                        let at = |form: usize| &forms[form * stride + first..];
                        match stride - first {
                            1 => sums.add::<L, 1, false>(at, block, terms, first, to),
                            2 => sums.add::<L, 2, false>(at, block, terms, first, to),
                            _ => sums.add::<L, 3, false>(at, block, terms, first, to),
                        }
                        first += 3;
                    }
                }
            }
        }
        to.terms = memory;
    }
}

/// Finds the active forms in some columns, with their parts in the radii of a map whose
/// relative error is known. Gives how many there are, and a bound on the relative error of their sums.
#[inline(always)]
fn find_terms(
    terms: &mut Vec<Term>,
    columns: &[u32],
    active: Option<&Active>,
    from: &FloatForms,
    map_error: f64,
) -> (usize, f64) {
    if terms.len() < columns.len() {
        terms.resize(columns.len(), Term::default());
    }
    let (terms, mut count) = (&mut terms[..columns.len()], 0);
    match active {
        // As many columns as forms are these, in order.
        Some(active) if columns.len() == from.len => active.each(|form| {
            let term = &mut terms[count];
            (term.form, term.place) = (form as u32, form as u32);
            count += 1;
        }),
        _ => {
            for (&form, place) in columns.iter().zip(0..) {
                // Written over by the next one where it is not active: no branch asks.
                let term = &mut terms[count];
                (term.form, term.place) = (form, place);
                count += usize::from(active.is_none_or(|active| active.has(form as usize)));
            }
        }
    }
    let error = float::sum_error(count + 1);
    let (own, share) = (1.0 + map_error, error + map_error);
    for term in &mut terms[..count] {
        let (four, lane) = (term.form as usize / LANES, term.form as usize % LANES);
        let four = &from.fours[four];
        term.radius = four.radius[lane] * own + four.size[lane] * share;
        term.constant_radius = four.constant_radius[lane] * own + four.constant[lane] * share;
    }
    (count, error)
}

/// The sums of multiples of forms that are rows after a map.
pub(super) struct Sums<'a> {
    from: &'a FloatForms,
    map: &'a FloatMap,
    active: Option<&'a Active>,
    /// The last vector of the form that is 1 everywhere.
    unit: [f64; LANES],
    /// How many of the current block's columns are active.
    pub(super) count: usize,
    /// A bound on the relative error of sums over them.
    error: f64,
}

impl<'a> Sums<'a> {
    #[inline(always)]
    pub(super) fn new(from: &'a FloatForms, map: &'a FloatMap, active: Option<&'a Active>) -> Self {
        let mut unit = [0.0; LANES];
        unit[(from.width - 1) % LANES] = 1.0;
        Sums {
            from,
            map,
            active,
            unit,
            count: 0,
            error: 0.0,
        }
    }

    /// Makes the first of `terms` those of a block, the next one; often they are.
    #[inline(always)]
    pub(super) fn turn_to(&mut self, block: &View, terms: &mut Vec<Term>) {
        if block.are_new {
            let columns = block.columns;
            let found = find_terms(terms, columns, self.active, self.from, self.map.error);
            (self.count, self.error) = found;
        }
    }

    /// N vectors of each row of a block from vector `first` on, which `form` gives of a form, and the
    /// radii of coefficients and constants if asked for.
    #[inline(always)]
    pub(super) fn of<'f, L: Lanes, const N: usize, const RADII: bool>(
        &self,
        form: impl Fn(usize) -> &'f [[f64; LANES]],
        block: &View,
        terms: &[Term],
        first: usize,
    ) -> ([[L; N]; LANES], [L; 2]) {
        let (none, tiny) = (L::all(0.0), L::all(TINY));
        let (bias, weights) = block.weights.split_last().expect("the bias is the last");
        let mut sums = [[none; N]; LANES];
        if first + N == self.from.stride() {
            for (sums, bias) in sums.iter_mut().zip(bias) {
                sums[N - 1] = L::load(&self.unit).times(L::all(*bias));
            }
        }
        let mut radius = none;
        // What a constant of 1 adds to a radius.
        let share = L::all(self.error + self.map.error);
        let mut constant_radius = L::load(bias).abs().times(share);
        for term in terms {
            let weights = &weights[term.place as usize];
            let form = form(term.form as usize)
                .first_chunk::<N>()
                .expect("whole rows");
            let mut own = [none; N];
            for (own, form) in own.iter_mut().zip(form) {
                *own = L::load(form);
            }
            for lane in 0..LANES {
                let weight = L::all(weights[lane]);
                for k in 0..N {
                    sums[lane][k].add_product(weight, own[k]);
                }
            }
            if RADII {
                let weights = L::load(weights).abs();
                radius.add_product(weights, L::all(term.radius));
                let constant = L::all(term.constant_radius);
                constant_radius.add_product(weights, constant);
            }
        }
        for sum in sums.as_flattened_mut() {
            *sum = sum.without_small(tiny);
        }
        // Makes up for the roundings of a radius.
        let round_up = L::all(1.0 + self.error);
        let rounded = |sum: L| none.below_pick(sum, sum.plus(tiny).times(round_up), none);
        (sums, [rounded(radius), rounded(constant_radius)])
    }

    /// Puts them where they belong.
    #[inline(always)]
    fn add<'f, L: Lanes, const N: usize, const RADII: bool>(
        &self,
        form: impl Fn(usize) -> &'f [[f64; LANES]],
        block: &View,
        terms: &[Term],
        first: usize,
        to: &mut FloatForms,
    ) {
        let (sums, [radius, constant_radius]) = self.of::<L, N, RADII>(form, block, terms, first);
        let stride = to.stride();
        if let Some(number) = block.four {
            if RADII {
                let four = &mut to.fours[number];
                radius.store(&mut four.radius);
                constant_radius.store(&mut four.constant_radius);
            }
            let rows = &mut to.centers[number * LANES * stride..][..LANES * stride];
            for (lane, sums) in sums.iter().enumerate() {
                store(sums, &mut rows[lane * stride..], first);
            }
            return;
        }
        let (radius, constant_radius) = (radius.array(), constant_radius.array());
        for (lane, &row) in block.rows.iter().enumerate() {
            let row = row as usize;
            if RADII {
                let four = &mut to.fours[row / LANES];
                four.radius[row % LANES] = radius[lane];
                four.constant_radius[row % LANES] = constant_radius[lane];
            }
            store(&sums[lane], &mut to.centers[row * stride..], first);
        }
    }
}

#[inline(always)]
pub(super) fn store<L: Lanes, const N: usize>(
    vectors: &[L; N],
    to: &mut [[f64; LANES]],
    first: usize,
) {
    let to = to[first..].first_chunk_mut::<N>().expect("whole rows");
    for (vector, to) in vectors.iter().zip(to) {
        vector.store(to);
    }
}
