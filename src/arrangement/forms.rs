//! Pre-activations of one layer as affine forms on a cell, in floats, with a
//! proved bound on every coefficient's error.

use super::stage::{ExactForms, SparseMap};
use crate::arithmetic::float::{self, TINY};
use crate::arithmetic::lanes::{LANES, Lanes, for_all_processors, padded, unrolled};

/// One form a unit: the coefficients of the coordinates, then the constant. The
/// exact coefficients lie within the radii of the centers.
///
/// Every non-zero number in here is at least [`TINY`], so that products do not
/// underflow, and a coefficient that is structurally zero has center and radius 0.
#[derive(Clone, Debug)]
pub struct FloatForms {
    /// Entries of a row.
    pub width: usize,
    /// Row-major, each row filled up with zeros to whole vectors.
    centers: Vec<f64>,
    /// The same.
    radii: Vec<f64>,
    /// Whether the numbers may be used to go on to the next layer: all finite and
    /// of ordinary magnitude.
    pub tame: bool,
}

/// Beyond this, products may leave the range of the floats.
const HUGE: f64 = f64::from_bits((1023 + 450) << 52);

/// A row whose radii exceed this share of its largest coefficient says too little
/// to be worth searching with; the exact row is computed instead. Decides only
/// which arithmetic computes the row, never a sign.
const VAGUE: f64 = f64::from_bits((1023 - 20) << 52);

impl FloatForms {
    /// Forms that are all zero.
    pub fn zeros(rows: usize, width: usize) -> Self {
        FloatForms {
            width,
            centers: vec![0.0; rows * padded(width)],
            radii: vec![0.0; rows * padded(width)],
            tame: true,
        }
    }

    /// As many forms as there are entries, each the coordinate that its entry names, or
    /// zero.
    pub fn coordinates(of: &[Option<usize>], dimension: usize) -> Self {
        let mut result = FloatForms::zeros(of.len(), dimension + 1);
        let stride = result.stride();
        for (row, coordinate) in of.iter().enumerate() {
            if let Some(coordinate) = coordinate {
                result.centers[row * stride + coordinate] = 1.0;
            }
        }
        result
    }

    /// Encloses exact forms.
    pub fn from_exact(forms: &ExactForms) -> Self {
        let mut result = FloatForms::zeros(forms.rows.len(), forms.width);
        let stride = result.stride();
        for (row, entries) in forms.rows.iter().enumerate() {
            for (k, entry) in entries.iter().enumerate() {
                let enclosure = float::enclose_ratio(entry, &forms.denominator, 0);
                result.centers[row * stride + k] = enclosure.center;
                result.radii[row * stride + k] = enclosure.radius;
            }
        }
        result.clean();
        result
    }

    fn stride(&self) -> usize {
        padded(self.width)
    }

    /// How many forms there are.
    pub fn len(&self) -> usize {
        self.centers.len() / self.stride()
    }

    /// Centers of a row.
    pub fn center(&self, row: usize) -> &[f64] {
        &self.centers[row * self.stride()..][..self.width]
    }

    /// Radii of a row.
    pub fn radius(&self, row: usize) -> &[f64] {
        &self.radii[row * self.stride()..][..self.width]
    }

    /// The forms after an affine map of the entries that are `active` (the others
    /// count as zero).
    pub fn through(&self, map: &SparseMap, active: impl Fn(usize) -> bool) -> FloatForms {
        let stride = self.stride();
        let mut result = FloatForms::zeros(map.outputs(), self.width);
        result.tame = self.tame && map.tame;
        if !result.tame {
            return result;
        }
        // The sum over k of W_k g_k in floats errs by sum_error * sum |W_k| |g_k|;
        // true g_k differ from their centers by their radii, true W_k by theirs.
        let error = float::sum_error(map.inputs() + 1);
        let (mut own, mut grown) = (self.centers.clone(), self.radii.clone());
        let rows = own.chunks_exact_mut(stride);
        for (unit, (own, grown)) in rows.zip(grown.chunks_exact_mut(stride)).enumerate() {
            if active(unit) {
                for (radius, center) in grown.iter_mut().zip(own) {
                    *radius += error * center.abs();
                }
            } else {
                own.fill(0.0);
                grown.fill(0.0);
            }
        }
        // The radii themselves are sums of non-negative floats: round them up.
        let slack = 1.0 + error;
        let centers = result.centers.chunks_exact_mut(stride);
        let rows = centers.zip(result.radii.chunks_exact_mut(stride));
        for (row, (centers, radii)) in rows.enumerate() {
            let (bias, bias_radius) = map.bias(row);
            centers[self.width - 1] = bias;
            radii[self.width - 1] = bias_radius + error * bias.abs();
            let (columns, weights) = map.centers(row);
            add_products(centers, radii, columns, weights, &own, &grown);
            let known = columns.iter().zip(map.radii(row));
            for (column, weight_radius) in known.filter(|(column, _)| active(**column as usize)) {
                let form = *column as usize * stride..(*column as usize + 1) * stride;
                let own = self.centers[form.clone()].iter().zip(&self.radii[form]);
                for (radius, (value, own_radius)) in radii.iter_mut().zip(own) {
                    *radius += weight_radius * (value.abs() + own_radius) * slack;
                }
            }
            radii.iter_mut().for_each(|radius| *radius *= slack * slack);
        }
        result.clean();
        result
    }

    /// Restores the promise on magnitudes.
    fn clean(&mut self) {
        if are_ordinary(&self.centers, &self.radii) {
            return;
        }
        for (center, radius) in self.centers.iter_mut().zip(&mut self.radii) {
            if *center != 0.0 && center.abs() < TINY {
                *radius = (*radius + center.abs()).next_up();
                *center = 0.0;
            }
            if *radius != 0.0 {
                *radius = radius.max(TINY);
            }
            // Not-a-number fails the comparison, too.
            self.tame &= center.abs() < HUGE && *radius < HUGE;
        }
    }

    /// Whether a row is known well enough to search with.
    pub fn is_vague(&self, row: usize) -> bool {
        let larger = |max: f64, value: &f64| if value.abs() > max { value.abs() } else { max };
        let largest = self.center(row).iter().fold(0.0, larger);
        let radius = self.radius(row).iter().fold(0.0, larger);
        radius > largest * VAGUE
    }

    /// Replaces a row by the enclosure of its exact value.
    pub fn replace(&mut self, row: usize, exact: &FloatForms, from: usize) {
        let range = row * self.stride()..row * self.stride() + self.width;
        self.centers[range.clone()].copy_from_slice(exact.center(from));
        self.radii[range].copy_from_slice(exact.radius(from));
    }
}

for_all_processors! {
    /// Adds to a row, and to its radii, multiples of the forms in `columns`: of their
    /// centers `own`, and as many times of their radii `grown`.
    fn add_products<L>(
        centers: &mut [f64],
        radii: &mut [f64],
        columns: &[u32],
        weights: &[f64],
        own: &[f64],
        grown: &[f64],
    ) {
        unrolled!(
            centers.len() / LANES,
            [1 2 3 4],
            add_products_in::<L>(centers, radii, columns, weights, own, grown),
            else {
                let stride = centers.len();
                for (column, weight) in columns.iter().zip(weights) {
                    let form = *column as usize * stride..(*column as usize + 1) * stride;
                    for (to, from, factor) in [
                        (&mut *centers, &own[form.clone()], *weight),
                        (&mut *radii, &grown[form], weight.abs()),
                    ] {
                        let factor = L::all(factor);
                        let from = from.as_chunks().0;
                        for (to, from) in to.as_chunks_mut().0.iter_mut().zip(from) {
                            L::load(to).plus_product(factor, L::load(from)).store(to);
                        }
                    }
                }
            }
        );
    }

    /// Whether all numbers are below [`HUGE`] and zero or at least [`TINY`].
    fn are_ordinary<L>(centers: &[f64], radii: &[f64]) -> bool {
        let (none, tiny, huge) = (L::all(0.0), L::all(TINY), L::all(HUGE));
        let mut all = (1 << LANES) - 1;
        for numbers in [centers, radii] {
            for numbers in numbers.as_chunks().0 {
                let size = L::load(numbers).abs();
                all &= huge.above(size) & !(size.above(none) & tiny.above(size));
            }
        }
        all == (1 << LANES) - 1
    }
}

#[inline(always)]
fn add_products_in<L: Lanes, const N: usize>(
    centers: &mut [f64],
    radii: &mut [f64],
    columns: &[u32],
    weights: &[f64],
    own: &[f64],
    grown: &[f64],
) {
    let (centers, radii) = (centers.as_chunks_mut().0, radii.as_chunks_mut().0);
    let own = own.as_chunks::<LANES>().0.as_chunks::<N>().0;
    let grown = grown.as_chunks::<LANES>().0.as_chunks::<N>().0;
    let mut sums: [L; N] = std::array::from_fn(|k| L::load(&centers[k]));
    let mut doubts: [L; N] = std::array::from_fn(|k| L::load(&radii[k]));
    for (column, weight) in columns.iter().zip(weights) {
        let (own, grown) = (&own[*column as usize], &grown[*column as usize]);
        let (factor, magnitude) = (L::all(*weight), L::all(weight.abs()));
        for k in 0..N {
            sums[k] = sums[k].plus_product(factor, L::load(&own[k]));
            doubts[k] = doubts[k].plus_product(magnitude, L::load(&grown[k]));
        }
    }
    for k in 0..N {
        sums[k].store(&mut centers[k]);
        doubts[k].store(&mut radii[k]);
    }
}

#[cfg(test)]
mod tests {
    use num_traits::Signed;

    use super::*;
    use crate::arithmetic::{Number, Rational};
    use crate::arrangement::stage::stages;
    use crate::network::{Affine, Layer, Network, Shape};

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
                    floats = floats.through(&stage.maps[0], active);
                }
                assert!(floats.tame);
                for (row, entries) in exact.rows.iter().enumerate() {
                    for (k, entry) in entries.iter().enumerate() {
                        let value = Rational::new(entry.clone(), exact.denominator.clone());
                        let center = Rational::from_float(floats.center(row)[k]).unwrap();
                        let radius = Rational::from_float(floats.radius(row)[k]).unwrap();
                        assert!(
                            (value - center).abs() <= radius,
                            "trial {trial} depth {depth} row {row}"
                        );
                    }
                }
                let largest = floats
                    .centers
                    .iter()
                    .fold(0.0, |max: f64, c| max.max(c.abs()));
                assert!(
                    floats.radii.iter().all(|radius| *radius <= largest * 1e-9),
                    "trial {trial}"
                );
            }
        }
    }
}
