//! Deep networks of two inputs against exact polygons: what is generic, what is
//! degenerate, and what is nearly so.

mod common;

use chambers::arrangement::Domain;
use chambers::network::Network;
use common::check::assert_patterns;
use common::networks::{self as nets, Kind, Unit};
use common::rng::{Rng, seeds};
use common::{Number, polygon};

fn square() -> Domain {
    nets::integer_box(&[(Some(-1), Some(1)), (Some(-1), Some(1))])
}

/// R^2, a box, a box with sides that are no f64, and unbounded ones, in turn.
fn domain(seed: u64) -> Domain {
    match seed % 6 {
        0 => Domain::everything(2),
        1 => nets::integer_box(&[(Some(-3), Some(5)), (Some(-2), Some(2))]),
        2 => Domain::new(vec![
            nets::interval(nets::fraction(-1, 3), nets::fraction(5, 7)),
            nets::interval(nets::fraction(-2, 3), nets::fraction(1, 9)),
        ]),
        3 => nets::integer_box(&[(Some(0), None), (None, Some(1))]),
        4 => nets::integer_box(&[(None, None), (Some(0), Some(1))]),
        _ => square(),
    }
}

fn assert_polygons(layers: &[Vec<Unit>], domain: &Domain, case: &str) {
    let network = nets::dense(2, layers);
    let expected = polygon::patterns(&network, domain);
    assert_patterns(&network, domain, &expected, &case);
}

fn widths(rng: &mut Rng) -> Vec<usize> {
    let depth = 1 + rng.below(4);
    let widest = [12, 7, 5, 4][depth - 1];
    (0..depth).map(|_| 1 + rng.below(widest)).collect()
}

/// Random layers of this kind, changed by `change`, on every sort of domain.
fn assert_random(cases: u64, kinds: &[Kind], change: impl Fn(&mut Rng, &mut Vec<Vec<Unit>>)) {
    for seed in seeds(cases) {
        let mut rng = Rng::new(seed);
        let kind = kinds[rng.below(kinds.len())];
        let widths = widths(&mut rng);
        let mut layers = nets::random_layers(&mut rng, kind, 2, &widths);
        change(&mut rng, &mut layers);
        assert_polygons(&layers, &domain(seed), &format!("seed {seed}, {kind:?}"));
    }
}

#[test]
fn general_weights() {
    let kinds = [Kind::Normal, Kind::Single, Kind::Fraction];
    assert_random(90, &kinds, |_, _| {});
}

#[test]
fn small_integers() {
    assert_random(90, &[Kind::Integer(1), Kind::Integer(2)], |_, _| {});
}

#[test]
fn copies_negations_and_parallels() {
    let kinds = [Kind::Normal, Kind::Integer(9), Kind::Fraction];
    assert_random(60, &kinds, |rng, layers| nets::duplicate_units(rng, layers));
}

#[test]
fn no_biases() {
    let kinds = [Kind::Normal, Kind::Integer(2)];
    assert_random(60, &kinds, |_, layers| nets::without_bias(layers));
}

#[test]
fn sparse_layers() {
    let kinds = [Kind::Normal, Kind::Integer(3)];
    assert_random(60, &kinds, |rng, layers| nets::sparsen(rng, layers, 2));
}

#[test]
fn dead_layers() {
    let kinds = [Kind::Normal, Kind::Integer(3)];
    assert_random(60, &kinds, |rng, layers| {
        let dead = rng.below(layers.len());
        nets::deaden(rng, &mut layers[dead]);
    });
}

#[test]
fn weights_of_very_different_size() {
    assert_random(60, &[Kind::Spread(20)], |_, _| {});
    assert_random(20, &[Kind::Spread(200)], |_, _| {});
}

#[test]
fn many_lines_through_one_point() {
    for seed in seeds(48) {
        let mut rng = Rng::new(seed);
        let count = 2 + rng.below(9);
        let mut first = nets::pencil(&mut rng, count);
        if rng.one_in(2) {
            // Through nearly one point: the biases rounded to f64.
            for (_, bias) in &mut first {
                *bias = nets::float(bias.to_f64());
            }
        }
        first.extend(nets::random_units(&mut rng, Kind::Fraction, 2, 2));
        let second = nets::random_units(&mut rng, Kind::Integer(2), first.len(), 3);
        assert_polygons(&[first, second], &domain(seed), &format!("seed {seed}"));
    }
}

#[test]
fn a_tiny_triangle() {
    for (seed, exponent) in (0..).zip([-30, -40, -60, -200, -500, -1000]) {
        let mut rng = Rng::new(seed);
        let size = nets::power(exponent);
        // x > 0, y > 0, x + y < size; the same between slanted lines; then others.
        let corner = vec![
            nets::unit(&[1, 0, 0]),
            nets::unit(&[0, 1, 0]),
            (vec![Number::from(-1), Number::from(-1)], size.clone()),
        ];
        let slanted = vec![
            nets::unit(&[3, 7, -1]),
            nets::unit(&[-5, 2, 4]),
            // 3 x + 7 y = 1 and -5 x + 2 y = -4 meet where this one is `size`.
            (
                vec![Number::from(2), Number::from(-9)],
                nets::sum(&size, &Number::from(-3)),
            ),
        ];
        for triangle in [corner, slanted] {
            let others = nets::random_units(&mut rng, Kind::Normal, 2, 4);
            let first = [triangle, others].concat();
            let mut layers = nets::random_layers(&mut rng, Kind::Normal, first.len(), &[3, 3]);
            layers.insert(0, first);
            for domain in [Domain::everything(2), square()] {
                let case = format!("seed {seed}, triangle of 2^{exponent}");
                assert_polygons(&layers, &domain, &case);
            }
        }
    }
}

#[test]
fn a_narrow_strip() {
    for (seed, exponent) in (0..).zip([-20, -40, -52, -53, -54, -300]) {
        let mut rng = Rng::new(seed);
        let width = nets::power(exponent);
        // Parallel lines, and lines that are nearly so, inside and across the strip.
        let strip = vec![
            nets::unit(&[1, 0, 0]),
            (vec![Number::ONE, Number::ZERO], nets::negative(&width)),
            (vec![Number::ONE, width.clone()], Number::ZERO),
            (
                vec![Number::ONE, nets::negative(&width)],
                nets::power(exponent - 1),
            ),
            nets::unit(&[3, 5, -1]),
        ];
        let second = nets::random_units(&mut rng, Kind::Normal, strip.len(), 3);
        for layers in [vec![strip.clone()], vec![strip, second]] {
            for domain in [Domain::everything(2), square(), domain(3), domain(4)] {
                let case = format!("seed {seed}, strip of 2^{exponent}");
                assert_polygons(&layers, &domain, &case);
            }
        }
    }
}

#[test]
fn a_second_layer_that_vanishes_with_the_first() {
    // relu(h) - relu(-h) = h: the second layer bends where the first does already,
    // or is zero on whole cells.
    for seed in seeds(60) {
        let mut rng = Rng::new(seed);
        let kind = [Kind::Normal, Kind::Integer(3), Kind::Fraction][rng.below(3)];
        let lines = nets::random_units(&mut rng, kind, 2, 3);
        let opposite = lines
            .iter()
            .map(|unit| nets::scaled(unit, &Number::from(-1)));
        let first: Vec<Unit> = lines.iter().cloned().chain(opposite).collect();
        let second: Vec<Unit> = (0..4)
            .map(|_| {
                let mut weights = vec![Number::ZERO; 6];
                let k = rng.below(3);
                let weight = Number::from(rng.range(-2, 2));
                weights[k] = weight.clone();
                match rng.below(3) {
                    0 => weights[k + 3] = nets::negative(&weight),
                    1 => weights[k + 3] = weight,
                    _ => {}
                }
                if rng.one_in(2) {
                    weights[rng.below(6)] = Number::from(rng.range(-2, 2));
                }
                (weights, Number::ZERO)
            })
            .collect();
        let mut layers = vec![first, second];
        layers.extend(nets::random_layers(&mut rng, Kind::Integer(1), 4, &[3]));
        assert_polygons(&layers, &domain(seed), &format!("seed {seed}, {kind:?}"));
    }
}

#[test]
fn lines_on_the_edges_of_the_domain() {
    for seed in seeds(40) {
        let mut rng = Rng::new(seed);
        // Lines through corners and along edges of the square.
        let lines = [
            [1, 0, 1],
            [1, 0, -1],
            [0, 1, 1],
            [0, -1, 1],
            [1, 1, 0],
            [1, -1, 0],
            [1, 1, -2],
            [1, -1, 2],
            [1, 2, -3],
            [1, 2, 1],
            [0, 1, 0],
        ];
        let first: Vec<Unit> = (0..6).map(|_| nets::unit(&lines[rng.below(11)])).collect();
        let second = nets::random_units(&mut rng, Kind::Integer(2), 6, 4);
        assert_polygons(&[first, second], &square(), &format!("seed {seed}"));
    }
}

#[test]
fn two_dimensional_networks_need_no_dense_layers() {
    // A 1-D convolution of two inputs, then dense layers: structural zeros.
    for seed in seeds(24) {
        let mut rng = Rng::new(seed);
        let kind = [Kind::Normal, Kind::Integer(2)][rng.below(2)];
        let conv = nets::convolution([1, 2], 1, 3, [1, 1], 1);
        let mut network: Network = nets::convolutional(&conv, &mut rng, kind, false);
        let units = nets::random_units(&mut rng, kind, 6, 5);
        nets::push_dense(&mut network, 6, &units);
        network.push(chambers::network::Layer::Relu).unwrap();
        let expected = polygon::patterns(&network, &domain(seed));
        let case = format!("seed {seed}, {kind:?}");
        assert_patterns(&network, &domain(seed), &expected, &case);
    }
}

#[test]
fn a_slice_of_many_inputs() {
    // Six inputs of which a box fixes four, against the two that are left.
    for seed in seeds(36) {
        let mut rng = Rng::new(seed);
        let kind = [Kind::Normal, Kind::Integer(2), Kind::Fraction][rng.below(3)];
        let layers = nets::random_layers(&mut rng, kind, 6, &[6, 4, 3]);
        let free = domain(seed);
        let mut sides = free.intervals().to_vec();
        let mut small = layers.clone();
        for column in (2..6).rev() {
            let value = [Kind::Fraction, Kind::Integer(1)][rng.below(2)].draw(&mut rng);
            sides.insert(2, nets::interval(value.clone(), value.clone()));
            for (weights, bias) in &mut small[0] {
                let weight = weights.remove(column);
                *bias = nets::sum(bias, &nets::product(&weight, &value));
            }
        }
        let expected = polygon::patterns(&nets::dense(2, &small), &free);
        let network = nets::dense(6, &layers);
        let case = format!("seed {seed}, {kind:?}");
        assert_patterns(&network, &Domain::new(sides), &expected, &case);
    }
}
