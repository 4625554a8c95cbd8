use num_traits::Signed;

use super::*;
use crate::arithmetic::lanes::Plain;
use crate::arithmetic::lanes::plain_only::{both, is_on};
use crate::arithmetic::{Number, Rational};
use crate::arrangement::stage::stages;
use crate::network::{Affine, Layer, Network, Shape};
use crate::regions::Sign;

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

/// What is told of four rows.
struct Sight {
    number: usize,
    entries: Vec<[f64; LANES]>,
    magnitudes: [f64; LANES],
    slack: [f64; LANES],
}

impl<const K: usize> Look<Plain, K> for Vec<Sight> {
    fn look(&mut self, number: usize, entries: [Plain; K], magnitudes: Plain, slack: Plain) {
        self.push(Sight {
            number,
            entries: entries.map(Plain::array).to_vec(),
            magnitudes: magnitudes.array(),
            slack: slack.array(),
        });
    }
}

/// Forms that are seen as they become known are those that are found unseen, and what is told of them
/// then is what is noted. Says whether they could be seen.
fn check_seen(before: &FloatForms, map: &SparseMap, active: &Active, unseen: &FloatForms) -> bool {
    let (mut seen, mut kept) = (before.clone(), Vec::<Sight>::new());
    let done = match before.width {
        4 => before.through_seen_by::<Plain, 4, 1>(map, active, &mut seen, &mut kept),
        7 => before.through_seen_by::<Plain, 7, 2>(map, active, &mut seen, &mut kept),
        _ => false,
    };
    if !done {
        assert!(kept.is_empty());
        return false;
    }
    // All but the memory of sums is equal.
    let told = |forms: &FloatForms| {
        let mut forms = forms.clone();
        forms.terms.clear();
        format!("{forms:?}")
    };
    assert_eq!(told(&seen), told(unseen));
    assert_eq!(kept.len(), unseen.fours.len());
    for sight in kept {
        let Sight {
            number,
            entries,
            magnitudes,
            slack,
        } = sight;
        let four = &unseen.fours[number];
        assert_eq!(slack, four.slack);
        for row in LANES * number..unseen.len.min(LANES * (number + 1)) {
            let (lane, center) = (row % LANES, unseen.center(row));
            let own: Vec<f64> = entries.iter().map(|lanes| lanes[lane]).collect();
            assert_eq!(own, center);
            let constant = center.last().expect("a row has a constant").abs();
            assert_eq!(magnitudes[lane], four.norm[lane] + constant);
        }
    }
    true
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
    let mut seen = 0;
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
                        // Maps without zeros have rows four by four.
                        0 if trial % 3 > 0 => Number::ZERO,
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
                let signs: Vec<Sign> = (0..floats.len())
                    .map(active)
                    .map(|active| [Sign::Negative, Sign::Positive][usize::from(active)])
                    .collect();
                let active = Active::of(&signs);
                let before = std::mem::take(&mut floats);
                before.through(&stage.maps[0], Some(&active), &mut floats);
                // With vectors, roundings differ.
                if is_on() && check_seen(&before, &stage.maps[0], &active, &floats) {
                    seen += 1;
                }
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
    assert!(!is_on() || seen > 20, "{seen}");
}
