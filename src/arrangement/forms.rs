//! Pre-activations of one layer as affine forms on a cell, in floats, with a
//! proved bound on every coefficient's error.

use super::stage::{ExactForms, SparseMap};
use crate::arithmetic::float::{self, TINY};

/// One form a unit: the coefficients of the coordinates, then the constant. The
/// exact coefficients lie within the radii of the centers.
///
/// Every non-zero number in here is at least [`TINY`], so that products do not
/// underflow, and a coefficient that is structurally zero has center and radius 0.
#[derive(Clone, Debug)]
pub struct FloatForms {
    /// Entries of a row.
    pub width: usize,
    /// Row-major.
    pub centers: Vec<f64>,
    /// Row-major.
    pub radii: Vec<f64>,
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
    /// Encloses exact forms.
    pub fn from_exact(forms: &ExactForms) -> Self {
        let mut result = FloatForms {
            width: forms.width,
            centers: Vec::with_capacity(forms.rows.len() * forms.width),
            radii: Vec::with_capacity(forms.rows.len() * forms.width),
            tame: true,
        };
        for entry in forms.rows.iter().flatten() {
            let enclosure = float::enclose_ratio(entry, &forms.denominator, 0);
            result.centers.push(enclosure.center);
            result.radii.push(enclosure.radius);
        }
        result.clean();
        result
    }

    /// How many forms there are.
    pub fn len(&self) -> usize {
        self.centers.len() / self.width
    }

    /// Centers of a row.
    pub fn center(&self, row: usize) -> &[f64] {
        &self.centers[row * self.width..(row + 1) * self.width]
    }

    /// Radii of a row.
    pub fn radius(&self, row: usize) -> &[f64] {
        &self.radii[row * self.width..(row + 1) * self.width]
    }

    /// The forms after an affine map of the entries that are `active` (the others
    /// count as zero).
    pub fn through(&self, map: &SparseMap, active: impl Fn(usize) -> bool) -> FloatForms {
        let width = self.width;
        let outputs = map.outputs();
        let mut result = FloatForms {
            width,
            centers: vec![0.0; outputs * width],
            radii: vec![0.0; outputs * width],
            tame: self.tame && map.tame,
        };
        if !result.tame {
            return result;
        }
        // The sum over k of W_k g_k in floats errs by sum_error * sum |W_k| |g_k|;
        // true g_k differ from their centers by their radii, true W_k by theirs.
        let error = float::sum_error(map.inputs() + 1);
        let grown: Vec<f64> = self
            .centers
            .iter()
            .zip(&self.radii)
            .map(|(center, radius)| radius + error * center.abs())
            .collect();
        // The radii themselves are sums of non-negative floats: round them up.
        let slack = 1.0 + error;
        for row in 0..outputs {
            let centers = &mut result.centers[row * width..(row + 1) * width];
            let radii = &mut result.radii[row * width..(row + 1) * width];
            let (bias, bias_radius) = map.bias(row);
            centers[width - 1] = bias;
            radii[width - 1] = bias_radius + error * bias.abs();
            for entry in map.row(row).filter(|entry| active(entry.column)) {
                let form = entry.column * width..(entry.column + 1) * width;
                let weight = entry.center.abs();
                let own = &self.centers[form.clone()];
                for ((center, radius), (&value, &value_radius)) in centers
                    .iter_mut()
                    .zip(radii.iter_mut())
                    .zip(own.iter().zip(&grown[form.clone()]))
                {
                    *center += entry.center * value;
                    *radius += weight * value_radius;
                }
                if entry.radius > 0.0 {
                    for (radius, (value, own_radius)) in
                        radii.iter_mut().zip(own.iter().zip(&self.radii[form]))
                    {
                        *radius += entry.radius * (value.abs() + own_radius) * slack;
                    }
                }
            }
            radii.iter_mut().for_each(|radius| *radius *= slack * slack);
        }
        result.clean();
        result
    }

    /// Restores the promise on magnitudes.
    fn clean(&mut self) {
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
        let largest = self
            .center(row)
            .iter()
            .fold(0.0, |max: f64, c| max.max(c.abs()));
        let radius = self.radius(row).iter().fold(0.0, |max: f64, r| max.max(*r));
        radius > largest * VAGUE
    }

    /// Replaces a row by the enclosure of its exact value.
    pub fn replace(&mut self, row: usize, exact: &FloatForms, from: usize) {
        let range = row * self.width..(row + 1) * self.width;
        self.centers[range.clone()].copy_from_slice(exact.center(from));
        self.radii[range].copy_from_slice(exact.radius(from));
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
