//! Inputs at the edge of sense: nothing to cut, nothing to cut in, numbers at the
//! ends of f64's range.

mod common;

use std::collections::BTreeSet;

use chambers::arrangement::Domain;
use chambers::network::{Affine, Layer, Network, Shape};
use common::check::{self, assert_patterns, assert_regions, assert_some_witnesses, everywhere};
use common::networks::{self as nets, Kind};
use common::rng::{Rng, seeds};
use common::{Number, Rational, deletion, patterns, polygon, sweep};

fn set(patterns: &[&str]) -> BTreeSet<String> {
    patterns.iter().map(ToString::to_string).collect()
}

/// The empty box.
fn empty(inputs: usize) -> Domain {
    nets::integer_box(&vec![(Some(1), Some(0)); inputs])
}

#[test]
fn no_units_make_one_region() {
    let bare = Network::new(Shape::new([3]));
    let mut linear = Network::new(Shape::new([3]));
    nets::push_dense(&mut linear, 3, &[nets::unit(&[1, 2, 3, 4])]);
    for network in [bare, linear] {
        assert_patterns(&network, &Domain::everything(3), &set(&[""]), &"no units");
        let cube = nets::integer_box(&[(Some(0), Some(1)); 3]);
        assert_patterns(&network, &cube, &set(&[""]), &"no units, in a box");
        assert_patterns(&network, &empty(3), &set(&[]), &"no units, nowhere");
    }
}

#[test]
fn a_layer_of_no_units_makes_one_region() {
    let mut network = Network::new(Shape::new([2]));
    let affine = Affine::dense(2, 0, vec![], vec![]).unwrap();
    network.push(Layer::Affine(affine)).unwrap();
    network.push(Layer::Relu).unwrap();
    assert_patterns(
        &network,
        &Domain::everything(2),
        &set(&[""]),
        &"a layer of no units",
    );
}

#[test]
fn no_inputs_make_one_region() {
    let mut network = Network::new(Shape::new([0]));
    let bias = vec![Number::from(2), Number::from(-2), Number::ZERO];
    let affine = Affine::dense(0, 3, vec![], bias).unwrap();
    network.push(Layer::Affine(affine)).unwrap();
    network.push(Layer::Relu).unwrap();
    assert_patterns(
        &network,
        &Domain::everything(0),
        &set(&["+-0"]),
        &"no inputs",
    );
}

#[test]
fn units_without_weights_keep_their_bias_s_sign() {
    let units = [[0, 0, 5], [0, 0, -5], [1, 0, 0], [0, 0, 0]].map(|row| nets::unit(&row));
    let network = nets::dense(2, &[units[..3].to_vec()]);
    let all = Domain::everything(2);
    assert_patterns(&network, &all, &set(&["+-+", "+--"]), &"constant units");
    // A unit that is zero everywhere has no sign: strictly there is no region.
    let network = nets::dense(2, &[units.to_vec()]);
    assert_patterns(&network, &all, &set(&["+-+0", "+--0"]), &"a zero unit");
    let network = nets::dense(
        2,
        &[vec![units[3].clone(); 2], vec![nets::unit(&[1, 1, 0])]],
    );
    assert_patterns(&network, &all, &set(&["000"]), &"zero units only");
}

#[test]
fn an_empty_domain_has_no_regions() {
    for seed in seeds(5) {
        let layers = nets::random_layers(&mut Rng::new(seed), Kind::Normal, 3, &[5, 4]);
        let network = nets::dense(3, &layers);
        let case = format!("seed {seed}");
        assert_patterns(&network, &empty(3), &set(&[]), &case);
        // One empty side is enough, whatever the others are.
        let mut sides = [(None, None), (Some(2), Some(2)), (Some(0), Some(1))];
        for k in 0..3 {
            let side = std::mem::replace(&mut sides[k], (Some(0), Some(-1)));
            assert_patterns(&network, &nets::integer_box(&sides), &set(&[]), &case);
            sides[k] = side;
        }
    }
}

#[test]
fn a_point_is_one_region() {
    for seed in seeds(30) {
        let mut rng = Rng::new(seed);
        let layers = nets::random_layers(&mut rng, Kind::Integer(1), 3, &[5, 4, 3]);
        let network = nets::dense(3, &layers);
        let sides: Vec<_> = (0..3)
            .map(|_| rng.range(-2, 2))
            .map(|x| (Some(x), Some(x)))
            .collect();
        let domain = nets::integer_box(&sides);
        let expected = patterns::patterns(&network, &domain);
        assert_eq!(expected.len(), 1, "seed {seed}");
        assert_patterns(&network, &domain, &expected, &format!("seed {seed}"));
    }
}

#[test]
fn a_hyperplane_that_contains_a_flat_domain_is_a_zero_there() {
    // x = y cuts the square, but contains nothing of the segment x = 0, 0 < y < 1
    // but an end; x = 0 contains all of it.
    let network = nets::dense(2, &[vec![nets::unit(&[1, -1, 0]), nets::unit(&[1, 0, 0])]]);
    let segment = nets::integer_box(&[(Some(0), Some(0)), (Some(0), Some(1))]);
    assert_patterns(&network, &segment, &set(&["-0"]), &"a segment");
    let longer = nets::integer_box(&[(Some(0), Some(0)), (Some(-1), Some(1))]);
    assert_patterns(&network, &longer, &set(&["-0", "+0"]), &"a longer segment");
}

#[test]
fn many_inputs_and_few_units_make_a_small_dimension() {
    let units = nets::random_units(&mut Rng::new(1), Kind::Normal, 784, 10);
    let network = nets::dense(784, &[units]);
    let expected = (0..1024u32).map(|code| {
        let sign = |bit: u32| if code >> bit & 1 == 1 { '+' } else { '-' };
        (0..10).map(sign).collect()
    });
    let expected: BTreeSet<String> = expected.collect();
    let all = Domain::everything(784);
    assert_some_witnesses(&network, &all, &expected, 32, &"784 inputs, 10 units");
    assert_eq!(check::count(&network, &all, 1).dimension, 10);
}

#[test]
fn many_inputs_of_low_rank() {
    // 40 inputs, all normals in one plane: the deep network of two inputs behind it.
    for seed in seeds(8) {
        let mut rng = Rng::new(seed);
        let plane = nets::random_units(&mut rng, Kind::Integer(9), 40, 2);
        let kind = [Kind::Integer(99), Kind::Integer(2)][seed as usize % 2];
        let flat = nets::random_layers(&mut rng, kind, 2, &[8, 5, 3]);
        let line = |(weights, bias): &nets::Unit| {
            let column = |k: usize| {
                let term = |u: usize| nets::product(&weights[u], &plane[u].0[k]);
                nets::sum(&term(0), &term(1))
            };
            ((0..40).map(column).collect(), bias.clone())
        };
        let mut layers = flat.clone();
        layers[0] = flat[0].iter().map(line).collect();
        let network = nets::dense(40, &layers);
        let expected = polygon::patterns(&nets::dense(2, &flat), &Domain::everything(2));
        let case = format!("seed {seed}, {kind:?}");
        assert_patterns(&network, &everywhere(&network), &expected, &case);
        assert_eq!(
            check::count(&network, &everywhere(&network), 1).dimension,
            2
        );
    }
}

#[test]
fn weights_from_one_end_of_f64_to_the_other() {
    let extreme = |rng: &mut Rng| {
        let sizes = [1e-300, 1e-200, 1e-30, 1.0, 1e30, 1e200, 1e300];
        let size = sizes[rng.below(sizes.len())];
        nets::float(rng.normal() * size)
    };
    let unit = |rng: &mut Rng, inputs: usize| {
        let weights = (0..inputs).map(|_| extreme(rng)).collect();
        (weights, extreme(rng))
    };
    for seed in seeds(12) {
        let mut rng = Rng::new(seed);
        let first: Vec<_> = (0..6).map(|_| unit(&mut rng, 2)).collect();
        let second: Vec<_> = (0..3).map(|_| unit(&mut rng, 6)).collect();
        let case = format!("seed {seed}");
        let deep = nets::dense(2, &[first, second]);
        let small = 1e-250;
        let tiny = nets::interval(nets::float(-small), nets::float(small));
        let huge = nets::interval(nets::float(-1e300), nets::float(1e300));
        for domain in [
            Domain::everything(2),
            nets::integer_box(&[(Some(-1), Some(1)), (Some(-1), Some(1))]),
            Domain::new(vec![tiny, huge]),
        ] {
            let expected = polygon::patterns(&deep, &domain);
            assert_patterns(&deep, &domain, &expected, &case);
        }
        let inputs = 3 + rng.below(2);
        let wide: Vec<_> = (0..6).map(|_| unit(&mut rng, inputs)).collect();
        let wide = nets::dense(inputs, &[wide]);
        assert_regions(&wide, deletion::chambers(&wide), &case);
    }
}

#[test]
fn the_smallest_and_the_largest_floats() {
    // Subnormal weights, products that overflow, values that no f64 holds.
    let (least, most) = (f64::from_bits(1), f64::MAX);
    let values = [least, -least, most, -most, f64::MIN_POSITIVE, 1.0, 0.0];
    for seed in seeds(16) {
        let mut rng = Rng::new(seed);
        let mut unit = |inputs: usize| {
            let mut value = || nets::float(values[rng.below(values.len())]);
            ((0..inputs).map(|_| value()).collect(), value())
        };
        let first: Vec<_> = (0..5).map(|_| unit(2)).collect();
        let second: Vec<_> = (0..4).map(|_| unit(5)).collect();
        let network = nets::dense(2, &[first, second]);
        for domain in [
            Domain::everything(2),
            nets::integer_box(&[(Some(-1), Some(1)), (Some(-1), Some(1))]),
        ] {
            let expected = polygon::patterns(&network, &domain);
            assert_patterns(&network, &domain, &expected, &format!("seed {seed}"));
        }
    }
}

#[test]
fn a_domain_narrower_than_f64_can_tell() {
    // Between 1 and its successor, and between rationals closer than that.
    let above = nets::float(1f64.next_up());
    let third = nets::fraction(1, 3);
    let power =
        Number::from_rational(third.to_rational() + Rational::new(1.into(), 3.into()).pow(80));
    for (lower, upper) in [(Number::ONE, above), (third, power)] {
        let domain = Domain::new(vec![nets::interval(lower.clone(), upper.clone())]);
        let middle = (lower.to_rational() + upper.to_rational()) / Rational::from_integer(2.into());
        let middle = Number::from_rational(-middle);
        let at = |point: &Number| (vec![Number::ONE], point.clone());
        let first = [
            at(&middle),
            at(&nets::negative(&lower)),
            at(&nets::negative(&upper)),
        ];
        let layers = [first.to_vec(), vec![nets::unit(&[1, -1, 1, 0])]];
        let network = nets::dense(1, &layers);
        let expected = sweep::patterns(&network, &domain);
        assert_patterns(&network, &domain, &expected, &"a narrow interval");
    }
}

#[test]
fn equal_parallel_and_opposite_hyperplanes() {
    let unit = nets::unit;
    let network = nets::dense(
        2,
        &[vec![
            unit(&[1, 1, 0]),
            unit(&[1, 1, 0]),
            unit(&[-1, -1, 0]),
            unit(&[1, 1, -1]),
        ]],
    );
    let expected = set(&["--+-", "++--", "++-+"]);
    assert_patterns(&network, &everywhere(&network), &expected, &"two lines");
}

#[test]
fn relu_after_relu_sees_what_is_left() {
    let mut network = Network::new(Shape::new([2]));
    network.push(Layer::Relu).unwrap();
    network.push(Layer::Relu).unwrap();
    // A unit that is off gives zero, on which the next has no sign.
    let expected = set(&["++++", "+-+0", "-+0+", "--00"]);
    assert_patterns(&network, &everywhere(&network), &expected, &"ReLU twice");
}

#[test]
fn a_region_may_be_nearly_empty_and_is_counted() {
    // Ten hyperplanes x_i = 0 and one that leaves a simplex of side 2^-60 between.
    for n in 2..=8 {
        let mut units = Vec::new();
        for k in 0..n {
            let mut weights = vec![Number::ZERO; n];
            weights[k] = Number::ONE;
            units.push((weights, Number::ZERO));
        }
        let opposite = vec![Number::from(-1); n];
        let through_origin = nets::dense(
            n,
            &[[units.clone(), vec![(opposite.clone(), Number::ZERO)]].concat()],
        );
        // Of 2^n orthants all but two are cut; a hyperplane off the origin cuts one more.
        assert_regions(&through_origin, (1 << (n + 1)) - 2, &format!("R^{n}"));
        units.push((opposite, nets::power(-60)));
        assert_regions(
            &nets::dense(n, &[units]),
            (1 << (n + 1)) - 1,
            &format!("R^{n}, 2^-60"),
        );
    }
}
