//! Deep networks of one input against the sweep over their breakpoints.

mod common;

use chambers::arrangement::Domain;
use chambers::network::{Affine, Layer, Network, Shape};
use common::check::{assert_patterns, assert_regions_on};
use common::networks::{self as nets, Kind};
use common::rng::{Rng, seeds};
use common::{Number, sweep};

fn domains() -> [Domain; 4] {
    [
        Domain::everything(1),
        nets::integer_box(&[(Some(-1), Some(1))]),
        nets::integer_box(&[(Some(0), None)]),
        Domain::new(vec![nets::interval(
            nets::fraction(-1, 3),
            nets::power(-20),
        )]),
    ]
}

fn assert_sweep(network: &Network, domains: &[Domain], case: &str) {
    for domain in domains {
        let expected = sweep::patterns(network, domain);
        assert_patterns(network, domain, &expected, &case);
    }
}

fn widths(rng: &mut Rng, widest: usize) -> Vec<usize> {
    let depth = 1 + rng.below(5);
    (0..depth).map(|_| 1 + rng.below(widest)).collect()
}

#[test]
fn general_weights() {
    let kinds = [Kind::Normal, Kind::Single, Kind::Fraction, Kind::Spread(20)];
    for seed in seeds(160) {
        let mut rng = Rng::new(seed);
        let kind = kinds[rng.below(kinds.len())];
        let widths = widths(&mut rng, 8);
        let layers = nets::random_layers(&mut rng, kind, 1, &widths);
        let case = format!("seed {seed}, {kind:?}");
        assert_sweep(&nets::dense(1, &layers), &domains(), &case);
    }
}

#[test]
fn small_integers() {
    for seed in seeds(200) {
        let mut rng = Rng::new(seed);
        let widths = widths(&mut rng, 8);
        let layers = nets::random_layers(&mut rng, Kind::Integer(2), 1, &widths);
        assert_sweep(
            &nets::dense(1, &layers),
            &domains(),
            &format!("seed {seed}"),
        );
    }
}

#[test]
fn no_biases() {
    for seed in seeds(60) {
        let mut rng = Rng::new(seed);
        let widths = widths(&mut rng, 6);
        let kind = [Kind::Normal, Kind::Integer(2)][rng.below(2)];
        let mut layers = nets::random_layers(&mut rng, kind, 1, &widths);
        nets::without_bias(&mut layers);
        let case = format!("seed {seed}, {kind:?}");
        assert_sweep(&nets::dense(1, &layers), &domains(), &case);
    }
}

#[test]
fn dead_layers_and_copies() {
    for seed in seeds(120) {
        let mut rng = Rng::new(seed);
        let widths = widths(&mut rng, 7);
        let kind = [Kind::Normal, Kind::Integer(3), Kind::Fraction][rng.below(3)];
        let mut layers = nets::random_layers(&mut rng, kind, 1, &widths);
        if rng.one_in(2) {
            nets::duplicate_units(&mut rng, &mut layers);
        }
        let dead = rng.below(layers.len());
        nets::deaden(&mut rng, &mut layers[dead]);
        let case = format!("seed {seed}, {kind:?}");
        assert_sweep(&nets::dense(1, &layers), &domains(), &case);
    }
}

#[test]
fn every_kind_of_layer() {
    for seed in seeds(80) {
        let mut rng = Rng::new(seed);
        let mut network = Network::new(Shape::new([1]));
        let mut width = 1;
        for _ in 0..2 + rng.below(8) {
            let layer = match rng.below(5) {
                0 => Layer::Reshape(Shape::new([1, width, 1])),
                1 => {
                    let scale = (0..width).map(|_| Kind::Integer(2).draw(&mut rng));
                    let scale = scale.collect();
                    let shift = (0..width).map(|_| Kind::Fraction.draw(&mut rng));
                    let shift = shift.collect();
                    let shape = Shape::new([width]);
                    Layer::Affine(Affine::elementwise(shape, scale, shift).unwrap())
                }
                2 => {
                    let order = rng.permutation(width);
                    Layer::Affine(Affine::permutation(Shape::new([width]), &order).unwrap())
                }
                3 => Layer::Relu,
                _ => {
                    let count = 1 + rng.below(5);
                    let units = nets::random_units(&mut rng, Kind::Integer(4), width, count);
                    nets::push_dense(&mut network, width, &units);
                    width = count;
                    Layer::Relu
                }
            };
            network.push(layer).unwrap();
        }
        assert_sweep(&network, &domains(), &format!("seed {seed}"));
    }
}

#[test]
fn the_tent_map_folds_two_to_the_depth() {
    for depth in 1..=10 {
        let network = nets::tent(depth);
        let unit_interval = nets::integer_box(&[(Some(0), Some(1))]);
        assert_eq!(sweep::linear_pieces(&network, &unit_interval), 1 << depth);
        let case = format!("tent map {depth}");
        assert_sweep(&network, &[unit_interval, Domain::everything(1)], &case);
        // Left of 0 and right of 1 the map is negative, and the next one dies.
        let outside = if depth == 1 { 1 } else { 2 };
        let all = Domain::everything(1);
        assert_regions_on(&network, &all, (1 << depth) + outside, &case);
    }
}

#[test]
fn breakpoints_may_stand_on_the_ends_of_the_domain() {
    let network = nets::dense(
        1,
        &[
            vec![
                nets::unit(&[1, 0]),
                nets::unit(&[-1, 1]),
                nets::unit(&[2, -1]),
            ],
            vec![nets::unit(&[1, 1, 0, -1]), nets::unit(&[1, -1, 0, 0])],
        ],
    );
    let ends = [Number::ZERO, nets::fraction(1, 2), Number::ONE];
    for (k, lower) in ends.iter().enumerate() {
        for upper in &ends[k + 1..] {
            let domain = Domain::new(vec![nets::interval(lower.clone(), upper.clone())]);
            assert_sweep(&network, &[domain], "ends on breakpoints");
        }
    }
}
