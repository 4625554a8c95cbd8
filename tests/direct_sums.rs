//! Networks side by side, on inputs of their own: their regions are the products of
//! the parts' regions, in any dimension and at any depth. A change of basis hides
//! the parts.

mod common;

use std::collections::BTreeSet;

use chambers::arrangement::{Domain, Interval};
use common::check::{assert_regions, assert_some_witnesses};
use common::networks::{self as nets, Kind, Unit};
use common::rng::{Rng, seeds};
use common::{Number, polygon, sweep};

/// A part: its inputs, its layers, and where it is looked at.
struct Part {
    inputs: usize,
    layers: Vec<Vec<Unit>>,
    domain: Domain,
}

impl Part {
    fn random(rng: &mut Rng, inputs: usize, widths: &[usize], bounded: bool) -> Self {
        let kinds = [Kind::Integer(3), Kind::Normal, Kind::Fraction];
        let kind = kinds[rng.below(3)];
        let mut layers = nets::random_layers(rng, kind, inputs, widths);
        if rng.one_in(3) {
            nets::duplicate_units(rng, &mut layers);
        }
        let domain = if bounded {
            let sides = (0..inputs).map(|_| (Some(-1), [Some(2), None][rng.below(2)]));
            nets::integer_box(&sides.collect::<Vec<_>>())
        } else {
            Domain::everything(inputs)
        };
        Part {
            inputs,
            layers,
            domain,
        }
    }

    fn patterns(&self) -> BTreeSet<String> {
        let network = nets::dense(self.inputs, &self.layers);
        match self.inputs {
            1 => sweep::patterns(&network, &self.domain),
            _ => polygon::patterns(&network, &self.domain),
        }
    }
}

/// All parts of one depth as one network: block-diagonal weights.
fn side_by_side(parts: &[Part]) -> (usize, Vec<Vec<Unit>>) {
    let depth = parts[0].layers.len();
    let mut widths: Vec<usize> = parts.iter().map(|p| p.inputs).collect();
    let inputs = widths.iter().sum();
    let mut layers = Vec::new();
    for l in 0..depth {
        let total: usize = widths.iter().sum();
        let mut units = Vec::new();
        let mut offset = 0;
        for (part, width) in parts.iter().zip(&mut widths) {
            for (weights, bias) in &part.layers[l] {
                let mut spread = vec![Number::ZERO; total];
                spread[offset..offset + *width].clone_from_slice(weights);
                units.push((spread, bias.clone()));
            }
            offset += *width;
            *width = part.layers[l].len();
        }
        layers.push(units);
    }
    (inputs, layers)
}

/// Every choice of one pattern a part, layer by layer.
fn products(parts: &[Part]) -> BTreeSet<String> {
    let depth = parts[0].layers.len();
    let mut choices = vec![vec![String::new(); depth]];
    for part in parts {
        let patterns = part.patterns();
        let with = |choice: &Vec<String>, pattern: &str| {
            let mut rest = pattern;
            let mut choice = choice.clone();
            for (signs, units) in choice.iter_mut().zip(&part.layers) {
                let (layer, after) = rest.split_at(units.len());
                signs.push_str(layer);
                rest = after;
            }
            choice
        };
        let all = choices
            .iter()
            .flat_map(|c| patterns.iter().map(move |p| with(c, p)));
        choices = all.collect();
    }
    choices.into_iter().map(|layers| layers.concat()).collect()
}

fn parts(rng: &mut Rng, bounded: bool) -> Vec<Part> {
    let shapes: [(&[usize], &[usize]); 6] = [
        (&[1, 1, 1], &[4, 3]),
        (&[1, 1, 1, 1], &[3, 2]),
        (&[1, 1, 1, 1, 1, 1], &[2, 1]),
        (&[2, 2], &[4, 3]),
        (&[2, 1, 1], &[3, 2, 2]),
        (&[2, 2, 1], &[3, 1]),
    ];
    let (inputs, widths) = shapes[rng.below(shapes.len())];
    let part = |&inputs: &usize| Part::random(rng, inputs, widths, bounded);
    inputs.iter().map(part).collect()
}

#[test]
fn parts_multiply() {
    for seed in seeds(36) {
        let mut rng = Rng::new(seed);
        let parts = parts(&mut rng, seed % 2 == 1);
        let (inputs, layers) = side_by_side(&parts);
        let sides: Vec<Interval> = parts
            .iter()
            .flat_map(|p| p.domain.intervals().to_vec())
            .collect();
        let network = nets::dense(inputs, &layers);
        let expected = products(&parts);
        let case = format!("seed {seed}");
        assert_some_witnesses(&network, &Domain::new(sides), &expected, 8, &case);
    }
}

#[test]
fn parts_multiply_in_any_basis() {
    for seed in seeds(36) {
        let mut rng = Rng::new(1_000_000 + seed);
        let parts = parts(&mut rng, false);
        let (inputs, mut layers) = side_by_side(&parts);
        nets::change_basis(&mut rng, &mut layers[0]);
        let network = nets::dense(inputs, &layers);
        let expected = products(&parts);
        let case = format!("seed {seed}");
        let all = Domain::everything(inputs);
        assert_some_witnesses(&network, &all, &expected, 8, &case);
    }
}

#[test]
fn tent_maps_multiply() {
    // (2^depth + 2)^n regions: a fold of each of n inputs, in another basis.
    for (n, depth) in [(2, 4), (3, 3), (4, 2), (5, 2)] {
        let mut rng = Rng::new(n as u64);
        let tent = |from: bool| -> Vec<Unit> {
            // On the tent's two units, or on the input.
            let weights = if from { vec![2, -4] } else { vec![1] };
            let weights: Vec<Number> = weights.into_iter().map(Number::from).collect();
            vec![
                (weights.clone(), Number::ZERO),
                (weights, nets::fraction(-1, 2)),
            ]
        };
        let part = || Part {
            inputs: 1,
            layers: (0..depth).map(|l| tent(l > 0)).collect(),
            domain: Domain::everything(1),
        };
        let parts: Vec<Part> = (0..n).map(|_| part()).collect();
        let (inputs, mut layers) = side_by_side(&parts);
        nets::change_basis(&mut rng, &mut layers[0]);
        let expected = ((1u64 << depth) + 2).pow(n as u32);
        let case = format!("{n} tent maps of depth {depth}");
        assert_regions(&nets::dense(inputs, &layers), expected, &case);
    }
}
