//! Tiny networks of any depth, 2 to 5 inputs, on R^n and on boxes of every sort,
//! against all sign vectors.

mod common;

use chambers::arrangement::Domain;
use chambers::network::Network;
use common::check::assert_patterns;
use common::networks::{self as nets, Kind};
use common::rng::{Rng, seeds};
use common::{Number, patterns};

fn assert_all_patterns(network: &Network, domain: &Domain, case: &str) {
    let expected = patterns::patterns(network, domain);
    assert_patterns(network, domain, &expected, &case);
}

/// At most 12 units in 1 to 4 layers, with a random degeneracy.
fn network(rng: &mut Rng, kind: Kind, inputs: usize, units: usize) -> Network {
    let depth = 1 + rng.below(4);
    let mut left = units;
    let mut widths = Vec::new();
    for layer in 0..depth {
        let most = left + layer + 1 - depth;
        let width = 1 + rng.below(most.min(6));
        widths.push(width);
        left -= width;
    }
    let mut layers = nets::random_layers(rng, kind, inputs, &widths);
    nets::degenerate(rng, &mut layers);
    nets::dense(inputs, &layers)
}

#[test]
fn on_everything() {
    for seed in seeds(240) {
        let mut rng = Rng::new(seed);
        let kind = nets::KINDS[rng.below(nets::KINDS.len())];
        let inputs = 2 + rng.below(3);
        let network = network(&mut rng, kind, inputs, 12);
        let domain = Domain::everything(inputs);
        assert_all_patterns(&network, &domain, &format!("seed {seed}, {kind:?}"));
    }
}

#[test]
fn on_boxes() {
    for seed in seeds(240) {
        let mut rng = Rng::new(seed);
        let kind = nets::KINDS[rng.below(nets::KINDS.len())];
        let inputs = 2 + rng.below(3);
        let network = network(&mut rng, kind, inputs, 9);
        let domain = Domain::new(
            (0..inputs)
                .map(|_| nets::random_interval(&mut rng))
                .collect(),
        );
        assert_all_patterns(&network, &domain, &format!("seed {seed}, {kind:?}"));
    }
}

#[test]
fn in_the_unit_cube_whose_corners_lie_on_hyperplanes() {
    for seed in seeds(60) {
        let mut rng = Rng::new(seed);
        let inputs = 2 + rng.below(2);
        let network = network(&mut rng, Kind::Integer(1), inputs, 9);
        let domain = nets::integer_box(&vec![(Some(0), Some(1)); inputs]);
        assert_all_patterns(&network, &domain, &format!("seed {seed}"));
    }
}

#[test]
fn with_more_inputs_than_the_weights_see() {
    // Weights of rank 1 or 2 in 5 inputs, on R^5 and on boxes.
    for seed in seeds(80) {
        let mut rng = Rng::new(seed);
        let (inputs, rank) = (5, 1 + rng.below(2));
        let basis = nets::random_units(&mut rng, Kind::Integer(3), inputs, rank);
        let mut first = Vec::new();
        for _ in 0..4 {
            let mut unit = (vec![Number::ZERO; inputs], Kind::Integer(3).draw(&mut rng));
            for (weights, _) in &basis {
                let factor = Kind::Fraction.draw(&mut rng);
                for (total, weight) in unit.0.iter_mut().zip(weights) {
                    *total = nets::sum(total, &nets::product(weight, &factor));
                }
            }
            first.push(unit);
        }
        let second = nets::random_units(&mut rng, Kind::Integer(2), 4, 3);
        let network = nets::dense(inputs, &[first, second]);
        let all = Domain::everything(inputs);
        assert_all_patterns(&network, &all, &format!("seed {seed}, rank {rank}"));
        let domain = Domain::new(
            (0..inputs)
                .map(|_| nets::random_interval(&mut rng))
                .collect(),
        );
        assert_all_patterns(&network, &domain, &format!("seed {seed}, rank {rank}"));
    }
}

#[test]
fn through_a_narrow_layer() {
    // Everything behind a layer of one unit sees one dimension.
    for seed in seeds(60) {
        let mut rng = Rng::new(seed);
        let inputs = 2 + rng.below(3);
        let layers = nets::random_layers(&mut rng, Kind::Integer(3), inputs, &[3, 1, 4, 2]);
        let network = nets::dense(inputs, &layers);
        let domain = Domain::everything(inputs);
        assert_all_patterns(&network, &domain, &format!("seed {seed}"));
    }
}
