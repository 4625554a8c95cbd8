//! Pre-activations of one layer as affine forms on a cell, in floats, with a
//! proved bound on every coefficient's error.

use smallvec::SmallVec;

use super::stage::{ExactForms, SparseMap};
use crate::arithmetic::float::{self, TINY};
use crate::arithmetic::lanes::{LANES, Lanes, for_all_processors, padded};

/// One form a unit: the coefficients of the coordinates, then the constant. The
/// exact coefficients lie within the form's radius of the centers, and the constant
/// within a radius of its own; those that the form's support leaves out are zero.
///
/// Every non-zero number in here is at least [`TINY`], so that products do not
/// underflow. A form whose support is not empty has a radius or a center that is not zero.
#[derive(Clone, Debug)]
pub struct FloatForms {
    /// Entries of a row.
    pub width: usize,
    len: usize,
    /// Row-major, each row filled up with zeros to whole vectors, and rows to whole fours.
    centers: Vec<[f64; LANES]>,
    fours: Vec<Four>,
    /// Whether the numbers may be used to go on to the next layer: all finite and
    /// of ordinary magnitude.
    pub tame: bool,
    /// Whether some row is vague.
    vague: bool,
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
    /// Bit k is set unless coefficient k is known to be zero; coordinates from 127 on
    /// share the last bit.
    pub support: [u128; LANES],
}

/// The bit of a coordinate in a support.
pub fn support_bit(coordinate: usize) -> u128 {
    1 << coordinate.min(127)
}

/// Beyond this, products may leave the range of the floats.
const HUGE: f64 = f64::from_bits((1023 + 450) << 52);

/// A row whose radii exceed this share of its largest coefficient says too little
/// to be worth searching with; the exact row is computed instead. Decides only
/// which arithmetic computes the row, never a sign.
const VAGUE: f64 = f64::from_bits((1023 - 20) << 52);

impl FloatForms {
    /// Forms that are all zero.
    pub fn zeros(len: usize, width: usize) -> Self {
        let rows = padded(len);
        FloatForms {
            width,
            len,
            centers: vec![[0.0; LANES]; rows * padded(width) / LANES],
            fours: vec![Four::default(); rows / LANES],
            tame: true,
            vague: false,
        }
    }

    /// As many forms as there are entries, each the coordinate that its entry names, or
    /// zero.
    pub fn coordinates(of: &[Option<usize>], dimension: usize) -> Self {
        let mut result = FloatForms::zeros(of.len(), dimension + 1);
        for (row, coordinate) in of.iter().enumerate() {
            if let Some(coordinate) = *coordinate {
                result.center_mut(row)[coordinate] = 1.0;
                result.fours[row / LANES].support[row % LANES] = support_bit(coordinate);
            }
        }
        result.measure();
        result
    }

    /// Encloses exact forms.
    pub fn from_exact(forms: &ExactForms) -> Self {
        let mut result = FloatForms::zeros(forms.rows.len(), forms.width);
        for (row, entries) in forms.rows.iter().enumerate() {
            let (mut radius, mut constant_radius, mut support) = (0.0, 0.0, 0);
            for (k, entry) in entries.iter().enumerate() {
                let enclosure = float::enclose_ratio(entry, &forms.denominator, 0);
                result.center_mut(row)[k] = enclosure.center;
                if k + 1 == forms.width {
                    constant_radius = enclosure.radius;
                } else if enclosure.center != 0.0 || enclosure.radius != 0.0 {
                    radius = enclosure.radius.max(radius);
                    support |= support_bit(k);
                }
            }
            let four = &mut result.fours[row / LANES];
            four.radius[row % LANES] = radius;
            four.constant_radius[row % LANES] = constant_radius;
            four.support[row % LANES] = support;
        }
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

    /// How far the constant of a row can be from its center.
    pub fn constant_radius(&self, row: usize) -> f64 {
        self.fours[row / LANES].constant_radius[row % LANES]
    }

    fn support(&self, row: usize) -> u128 {
        self.fours[row / LANES].support[row % LANES]
    }

    /// The forms after an affine map of the entries that are `active` (the others
    /// count as zero); `None` stands for all.
    pub fn through(&self, map: &SparseMap, active: Option<&[bool]>) -> FloatForms {
        let mut result = FloatForms::zeros(map.outputs(), self.width);
        result.tame = self.tame && map.tame;
        if result.tame {
            add_products(self, map, active, &mut result);
            result.spread_support(self, map, active);
            result.measure();
        }
        result
    }

    /// The supports after a map. A form that is not zero, as far as is known, has doubts of
    /// at least 2^-600, which no weight of a tame map makes zero: so a row has a radius if
    /// and only if such a form is part of it.
    fn spread_support(&mut self, from: &FloatForms, map: &SparseMap, active: Option<&[bool]>) {
        let is_active = |unit: usize| active.is_none_or(|active| active[unit]);
        let (mut some, mut every) = (0, !0);
        for unit in (0..from.len).filter(|&unit| is_active(unit)) {
            let support = from.support(unit);
            if support != 0 {
                some |= support;
                every &= support;
            }
        }
        if some == every || some == 0 {
            for four in &mut self.fours {
                for (support, radius) in four.support.iter_mut().zip(four.radius) {
                    *support = if radius == 0.0 { 0 } else { some };
                }
            }
            return;
        }
        for row in 0..self.len {
            let columns = map.columns(row).iter().map(|&column| column as usize);
            let columns = columns.filter(|&column| is_active(column));
            self.fours[row / LANES].support[row % LANES] =
                columns.fold(0, |support, column| support | from.support(column));
        }
    }

    /// Notes the sizes of centers, and whether they are tame, and vague.
    fn measure(&mut self) {
        let (huge, vague) = measure(&self.centers, self.width, &mut self.fours);
        self.tame &= !huge;
        self.vague = vague;
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
        to.support[lane] = from.support[lane];
    }
}

/// A form that is part of a row.
struct Term {
    /// Where its centers begin.
    form: usize,
    /// Its place among the block's columns.
    place: usize,
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
    fn add_products<L>(
        from: &FloatForms,
        map: &SparseMap,
        active: Option<&[bool]>,
        to: &mut FloatForms,
    ) {
        let stride = from.stride();
        let mut unit = [0.0; LANES];
        unit[(from.width - 1) % LANES] = 1.0;
        let mut terms: SmallVec<[Term; 64]> = SmallVec::new();
        let (mut columns, mut error): (&[u32], f64) = (&[], 0.0);
        for (number, block) in map.blocks().enumerate() {
            if number == 0 || !std::ptr::eq(columns, block.columns) {
                columns = block.columns;
                terms.clear();
                let is_active = |column: u32| active.is_none_or(|active| active[column as usize]);
                let known = columns.iter().enumerate();
                let known = known.filter(|(_, column)| is_active(**column));
                error = float::sum_error(known.clone().count() + 1);
                let (own, share) = (1.0 + map.error, error + map.error);
                terms.extend(known.map(|(place, &column)| {
                    let (four, lane) = (&from.fours[column as usize / LANES], column as usize % LANES);
                    Term {
                        form: column as usize * stride,
                        place,
                        radius: four.radius[lane] * own + four.size[lane] * share,
                        constant_radius: four.constant_radius[lane] * own
                            + four.constant[lane] * share,
                    }
                }));
            }
            let (bias, weights) = block.weights.split_last().expect("the bias is the last");
            add_doubts::<L>(&terms, weights, bias, error + map.error, 1.0 + error, block.rows, &mut to.fours);
            let mut first = 0;
            while first < stride {
                let parts = (&*terms, weights, bias, &unit, block.rows);
                first += match stride - first {
                    1 => sums::<L, 1>(parts, from, first, to),
                    2 => sums::<L, 2>(parts, from, first, to),
                    _ => sums::<L, 3>(parts, from, first, to),
                };
            }
        }
    }

    /// Notes the sizes of centers: whether some number is not below [`HUGE`], and whether
    /// some row is vague.
    fn measure<L>(centers: &[[f64; LANES]], width: usize, fours: &mut [Four]) -> (bool, bool) {
        let none = L::all(0.0);
        let stride = width.div_ceil(LANES);
        let linear: [L; LANES] = std::array::from_fn(|k| {
            L::all(f64::from(u8::from(k < (width - 1) % LANES)))
        });
        let constants: [L; LANES] = std::array::from_fn(|k| {
            L::all(f64::from(u8::from(k == (width - 1) % LANES)))
        });
        let (mut tame, mut vague) = ((1 << LANES) - 1, 0);
        for (rows, four) in centers.chunks_exact(LANES * stride).zip(fours) {
            let last = |row: usize| L::load(&rows[row * stride + stride - 1]).abs();
            let last = L::transposed(std::array::from_fn(last));
            let (mut size, mut sum, mut constant) = (none, none, none);
            for k in 0..LANES {
                let entries = last[k].times(linear[k]);
                size = entries.max(size);
                sum = sum.plus(entries);
                constant = constant.plus_product(last[k], constants[k]);
            }
            for k in 0..stride - 1 {
                let entries = |row: usize| L::load(&rows[row * stride + k]).abs();
                for entries in L::transposed(std::array::from_fn(entries)) {
                    size = entries.max(size);
                    sum = sum.plus(entries);
                }
            }
            size.store(&mut four.size);
            sum.store(&mut four.sum);
            constant.store(&mut four.constant);
            let (radius, constant_radius) = (L::load(&four.radius), L::load(&four.constant_radius));
            for numbers in [sum, constant, radius, constant_radius] {
                // Not-a-number fails the comparison, too.
                tame &= L::all(HUGE).above(numbers);
            }
            let bound = constant.max(size).times(L::all(VAGUE));
            vague |= radius.max(constant_radius).above(bound);
        }
        (tame != (1 << LANES) - 1, vague != 0)
    }
}

/// The radii of a block's rows. The bias is a multiple of the constant 1.
#[inline(always)]
fn add_doubts<L: Lanes>(
    terms: &[Term],
    weights: &[[f64; LANES]],
    bias: &[f64; LANES],
    share: f64,
    round_up: f64,
    rows: &[u32],
    fours: &mut [Four],
) {
    let (none, tiny, round_up) = (L::all(0.0), L::all(TINY), L::all(round_up));
    let mut radius = none;
    let mut constant_radius = L::load(bias).abs().times(L::all(share));
    for term in terms {
        let weight = L::load(&weights[term.place]).abs();
        radius = radius.plus_product(weight, L::all(term.radius));
        constant_radius = constant_radius.plus_product(weight, L::all(term.constant_radius));
    }
    let rounded = |sum: L| {
        none.below_pick(sum, sum.plus(tiny).times(round_up), none)
            .array()
    };
    let (radius, constant_radius) = (rounded(radius), rounded(constant_radius));
    for (lane, &row) in rows.iter().enumerate() {
        let four = &mut fours[row as usize / LANES];
        four.radius[row as usize % LANES] = radius[lane];
        four.constant_radius[row as usize % LANES] = constant_radius[lane];
    }
}

/// Vectors `first` and after it of a block's rows; gives how many.
#[inline(always)]
fn sums<L: Lanes, const N: usize>(
    (terms, weights, bias, unit, rows): (
        &[Term],
        &[[f64; LANES]],
        &[f64; LANES],
        &[f64; LANES],
        &[u32],
    ),
    from: &FloatForms,
    first: usize,
    to: &mut FloatForms,
) -> usize {
    let (none, tiny) = (L::all(0.0), L::all(TINY));
    let stride = from.stride();
    let mut sums = [[none; N]; LANES];
    if first + N == stride {
        for lane in 0..LANES {
            sums[lane][N - 1] = L::load(unit).times(L::all(bias[lane]));
        }
    }
    for term in terms {
        let weights = &weights[term.place];
        let form = from.centers[term.form + first..].first_chunk::<N>();
        let form = form.expect("whole rows").each_ref().map(L::load);
        for lane in 0..LANES {
            let weight = L::all(weights[lane]);
            for k in 0..N {
                sums[lane][k] = sums[lane][k].plus_product(weight, form[k]);
            }
        }
    }
    for (sums, &row) in sums.iter().zip(rows) {
        let places = to.centers[row as usize * stride + first..].first_chunk_mut::<N>();
        for (sum, place) in sums.iter().zip(places.expect("whole rows")) {
            sum.abs().below_pick(tiny, none, *sum).store(place);
        }
    }
    N
}

#[cfg(test)]
mod tests {
    use num_traits::Signed;

    use super::*;
    use crate::arithmetic::{Number, Rational};
    use crate::arrangement::stage::stages;
    use crate::network::{Affine, Layer, Network, Shape};

    fn radius(forms: &FloatForms, row: usize, k: usize) -> f64 {
        let (four, lane) = (&forms.fours[row / LANES], row % LANES);
        if k + 1 == forms.width {
            four.constant_radius[lane]
        } else if four.support[lane] & support_bit(k) == 0 {
            0.0
        } else {
            four.radius[lane]
        }
    }

    /// Random layers with weights of wildly different sizes: every exact coefficient
    /// lies within its radius, and the radii are not silly.
    #[test]
    fn exact_coefficients_lie_within_their_radii() {
        let mut state = 1u64;
        let mut random = || {
            state = state
                .wrapping_mul(6364136223846793005)
                .wrapping_add(1442695040888963407);
            let unit = (state >> 11) as f64 / (1u64 << 53) as f64 - 0.5;
            unit * float::power_of_two((state % 41) as i64 - 20)
        };
        for trial in 0..50 {
            let mut network = Network::new(Shape::new([3]));
            for (inputs, outputs) in [(3, 7), (7, 9), (9, 5), (5, 6)] {
                let mut numbers = |count: usize| -> Vec<Number> {
                    (0..count)
                        .map(|k| match (trial + k) % 11 {
                            0 => Number::ZERO,
                            1 => Number::parse("1/3").unwrap(),
                            _ => Number::from_f64(random()).unwrap(),
                        })
                        .collect()
                };
                let (weight, bias) = (numbers(inputs * outputs), numbers(outputs));
                network
                    .push(Layer::Affine(
                        Affine::dense(inputs, outputs, weight, bias).unwrap(),
                    ))
                    .unwrap();
                network.push(Layer::Relu).unwrap();
            }
            let stages = stages(&network);
            let domain = crate::arrangement::Domain::everything(3);
            let chart = &crate::arrangement::chart::charts(&stages, &domain)[0];
            let mut exact = chart.units.clone();
            let mut floats = FloatForms::from_exact(&exact);
            for (depth, stage) in stages.iter().enumerate() {
                if depth > 0 {
                    let active = |unit: usize| !(unit + trial).is_multiple_of(3);
                    exact = exact.through(&stage.maps[0], active);
                    let active: Vec<bool> = (0..floats.len()).map(active).collect();
                    floats = floats.through(&stage.maps[0], Some(&active));
                }
                assert!(floats.tame);
                for (row, entries) in exact.rows.iter().enumerate() {
                    for (k, entry) in entries.iter().enumerate() {
                        let value = Rational::new(entry.clone(), exact.denominator.clone());
                        let center = Rational::from_float(floats.center(row)[k]).unwrap();
                        let radius = Rational::from_float(radius(&floats, row, k)).unwrap();
                        assert!(
                            (value - center).abs() <= radius,
                            "trial {trial} depth {depth} row {row}"
                        );
                    }
                }
                let centers = floats.centers.as_flattened().iter();
                let largest = centers.fold(0.0, |max: f64, c| max.max(c.abs()));
                let fours = floats.fours.iter();
                let mut radii = fours.flat_map(|four| [four.radius, four.constant_radius]);
                assert!(
                    radii.all(|radii| radii.iter().all(|radius| *radius <= largest * 1e-9)),
                    "trial {trial}"
                );
            }
        }
    }
}
