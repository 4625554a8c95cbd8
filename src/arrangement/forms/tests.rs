use num_traits::Signed;

use super::*;
use crate::arithmetic::lanes::plain_only::both;
use crate::arithmetic::{Number, Rational};
use crate::arrangement::stage::stages;
use crate::network::{Affine, Layer, Network, Shape};

fn radius(forms: &FloatForms, row: usize, k: usize) -> f64 {
    let (four, lane) = (&forms.fours[row / LANES], row % LANES);
    if k + 1 == forms.width {
        four.constant_radius[lane]
    } else if forms.support(row) & support::bit(k) == 0 {
        0.0
    } else {
        four.radius[lane]
    }
}

/// Random layers with weights of wildly different sizes: every exact coefficient
/// lies within its radius, and the radii are not silly.
#[test]
fn exact_coefficients_lie_within_their_radii() {
    both(check_that_coefficients_lie_within_radii);
}

fn check_that_coefficients_lie_within_radii() {
    let mut state = 1u64;
    let mut random = || {
        state = state
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        let unit = (state >> 11) as f64 / (1u64 << 53) as f64 - 0.5;
        unit * float::power_of_two((state % 41) as i64 - 20)
    };
    for trial in 0..50 {
        // Rows of one, of two and of four vectors.
        let inputs = match trial % 12 {
            1 => 13,
            5 | 9 => 6,
            _ => 3,
        };
        let units = inputs + 4;
        let mut network = Network::new(Shape::new([inputs]));
        for (inputs, outputs) in [(inputs, units), (units, 9), (9, 5), (5, 6)] {
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
        let domain = crate::arrangement::Domain::everything(inputs);
        let chart = &crate::arrangement::chart::charts(&stages, &domain)[0];
        let mut exact = chart.units.clone();
        let mut floats = FloatForms::from_exact(&exact);
        for (depth, stage) in stages.iter().enumerate() {
            if depth > 0 {
                let active = |unit: usize| !(unit + trial).is_multiple_of(3);
                exact = exact.through(&stage.maps[0], active);
                let active: Vec<bool> = (0..floats.len()).map(active).collect();
                let before = std::mem::take(&mut floats);
                before.through(&stage.maps[0], Some(&active), &mut floats);
            }
            assert!(floats.tame);
            for (row, entries) in exact.rows().enumerate() {
                let denominator = exact.denominator.to_big();
                let value = |k: usize| Rational::new(entries[k].to_big(), denominator.clone());
                let off =
                    |k: usize| value(k) - Rational::from_float(floats.center(row)[k]).unwrap();
                let (four, lane) = (&floats.fours[row / LANES], row % LANES);
                let sum: Rational = (0..entries.len()).map(|k| off(k).abs()).sum();
                assert!(sum <= Rational::from_float(four.slack[lane]).unwrap());
                let sum: Rational = (0..inputs).map(|k| value(k).abs()).sum();
                assert!(sum <= Rational::from_float(four.norm[lane]).unwrap());
                for (k, entry) in entries.iter().enumerate() {
                    let value = Rational::new(entry.to_big(), denominator.clone());
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
