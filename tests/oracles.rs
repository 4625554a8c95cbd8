//! The oracles against each other, before anything is held against them.

mod common;

use std::collections::BTreeSet;

use chambers::arrangement::Domain;
use chambers::network::{Layer, Network, Shape};
use chambers::regions::Sign;
use common::arrangements as known;
use common::check::{Found, assert_patterns, check_witness};
use common::model::Model;
use common::networks::{self as nets, Kind};
use common::rng::{Rng, seeds};
use common::{Number, Rational, deletion, patterns, polygon, sweep};
use num_bigint::BigInt;

const KINDS: [Kind; 5] = [
    Kind::Integer(2),
    Kind::Integer(50),
    Kind::Fraction,
    Kind::Spread(20),
    Kind::Normal,
];

/// Random layers with a random degeneracy.
fn random_network(seed: u64, inputs: usize, widths: &[usize]) -> Network {
    let mut rng = Rng::new(seed);
    let kind = KINDS[rng.below(KINDS.len())];
    let mut layers = nets::random_layers(&mut rng, kind, inputs, widths);
    match rng.below(5) {
        0 => nets::duplicate_units(&mut rng, &mut layers),
        1 => nets::without_bias(&mut layers),
        2 => nets::sparsen(&mut rng, &mut layers, 2),
        3 => layers
            .iter_mut()
            .skip(1)
            .for_each(|units| nets::deaden(&mut rng, units)),
        _ => {}
    }
    nets::dense(inputs, &layers)
}

fn assert_same(a: &BTreeSet<String>, b: &BTreeSet<String>, seed: u64, network: &Network) {
    assert_eq!(a, b, "seed {seed}\n{}", nets::describe(network));
}

#[test]
fn sweep_and_all_patterns_agree() {
    for seed in seeds(150) {
        let network = random_network(
            seed,
            1,
            [&[4, 3, 2][..], &[5, 4], &[2, 2, 2, 2]][seed as usize % 3],
        );
        let all = Domain::everything(1);
        let half = nets::integer_box(&[(Some(-1), None)]);
        let bounded = nets::integer_box(&[(Some(-1), Some(2))]);
        for domain in [all, half, bounded] {
            let swept = sweep::patterns(&network, &domain);
            assert_same(
                &swept,
                &patterns::patterns(&network, &domain),
                seed,
                &network,
            );
        }
    }
}

#[test]
fn polygons_and_all_patterns_agree() {
    for seed in seeds(120) {
        let network = random_network(seed, 2, [&[4, 3][..], &[6], &[3, 2, 2]][seed as usize % 3]);
        let domains = [
            Domain::everything(2),
            nets::integer_box(&[(Some(-1), Some(1)), (Some(-1), Some(1))]),
            nets::integer_box(&[(None, Some(1)), (Some(0), Some(3))]),
            nets::integer_box(&[(Some(0), None), (None, Some(0))]),
            nets::integer_box(&[(None, None), (Some(0), Some(1))]),
        ];
        for domain in domains {
            let cut = polygon::patterns(&network, &domain);
            assert_same(&cut, &patterns::patterns(&network, &domain), seed, &network);
        }
    }
}

#[test]
fn polygons_and_sweep_agree_where_one_input_is_ignored() {
    for seed in seeds(100) {
        let widths = [6, 5, 4];
        let mut rng = Rng::new(seed);
        let kind = KINDS[rng.below(KINDS.len())];
        let mut layers = nets::random_layers(&mut rng, kind, 1, &widths);
        let line = nets::dense(1, &layers);
        // The line u = x + 2 y instead of the input.
        for (weights, _) in &mut layers[0] {
            let twice = nets::product(&weights[0], &Number::from(2));
            weights.push(twice);
        }
        let plane = nets::dense(2, &layers);
        let swept = sweep::patterns(&line, &Domain::everything(1));
        let cut = polygon::patterns(&plane, &Domain::everything(2));
        assert_same(&swept, &cut, seed, &plane);
    }
}

#[test]
fn the_signs_at_random_points_are_known() {
    for seed in seeds(60) {
        let network = random_network(seed, 2, &[5, 4, 3]);
        let model = Model::of(&network);
        let known = polygon::patterns(&network, &Domain::everything(2));
        let mut rng = Rng::new(seed);
        for _ in 0..50 {
            let coordinate = |_| Kind::Normal.draw(&mut rng).to_rational();
            let x: Vec<Rational> = (0..2).map(coordinate).collect();
            let signs = model.signs_at(&x);
            let evaluated = network.evaluate(&x).pre_activations.concat();
            let evaluated: String = evaluated.iter().map(common::model::symbol).collect();
            assert_eq!(
                signs,
                evaluated,
                "seed {seed}\n{}",
                nets::describe(&network)
            );
            // A point on a hyperplane has zeros that no region has; it is as good
            // as impossible, and decides nothing.
            let zero = |pattern: &&String| {
                let pairs = pattern.chars().zip(signs.chars());
                pairs.clone().all(|(p, s)| s == '0' || p == s)
            };
            assert!(
                known.iter().any(|p| zero(&p)),
                "seed {seed}: {signs} at {x:?}"
            );
        }
    }
}

#[test]
fn deletion_and_all_patterns_agree() {
    for seed in seeds(150) {
        let mut rng = Rng::new(seed);
        let (inputs, units) = [(1, 7), (2, 8), (3, 7), (4, 7), (5, 7)][rng.below(5)];
        let network = random_network(seed, inputs, &[units]);
        let found = patterns::patterns(&network, &Domain::everything(inputs));
        assert_eq!(
            deletion::chambers(&network),
            found.len() as u64,
            "seed {seed}\n{}",
            nets::describe(&network)
        );
    }
}

#[test]
fn deletion_and_polygons_agree() {
    for seed in seeds(60) {
        let network = random_network(seed, 2, &[20]);
        let found = polygon::patterns(&network, &Domain::everything(2));
        assert_eq!(
            deletion::chambers(&network),
            found.len() as u64,
            "seed {seed}\n{}",
            nets::describe(&network)
        );
    }
}

fn chambers(rows: &[Vec<i64>]) -> u64 {
    deletion::chambers(&nets::arrangement(rows))
}

#[test]
fn deletion_knows_the_classical_arrangements() {
    for n in 1..=6 {
        assert_eq!(chambers(&known::boolean(n)), 1 << n, "Boolean {n}");
    }
    for n in 2..=6 {
        let braid = known::deformed_braid(n, &[0]);
        assert_eq!(chambers(&braid), known::factorial(n as u64), "braid {n}");
    }
    for n in 1..=4 {
        let expected = (1 << n) * known::factorial(n as u64);
        assert_eq!(chambers(&known::type_b(n)), expected, "type B {n}");
    }
    for n in 2..=5 {
        let shi = known::deformed_braid(n, &[0, 1]);
        assert_eq!(chambers(&shi), (n as u64 + 1).pow(n as u32 - 1), "Shi {n}");
    }
    for (n, expected) in [(2, 4), (3, 30), (4, 336)] {
        let catalan = known::deformed_braid(n, &[-1, 0, 1]);
        assert_eq!(chambers(&catalan), expected, "Catalan {n}");
    }
    for (n, expected) in [(2, 2), (3, 7), (4, 36), (5, 246)] {
        assert_eq!(
            chambers(&known::deformed_braid(n, &[1])),
            expected,
            "Linial {n}"
        );
    }
    for (n, expected) in [(2, 3), (3, 19), (4, 183)] {
        let semiorder = known::deformed_braid(n, &[-1, 1]);
        assert_eq!(chambers(&semiorder), expected, "semiorder {n}");
    }
    for (n, expected) in [(1, 2), (2, 6), (3, 32), (4, 370)] {
        assert_eq!(chambers(&known::resonance(n)), expected, "resonance {n}");
    }
    for (n, expected) in [(0, 2), (1, 4), (2, 14), (3, 104), (4, 1882)] {
        assert_eq!(chambers(&known::threshold(n)), expected, "threshold {n}");
    }
}

#[test]
fn deletion_knows_general_position() {
    for (m, n) in [
        (1, 1),
        (9, 1),
        (9, 2),
        (8, 3),
        (9, 4),
        (7, 5),
        (6, 6),
        (4, 6),
    ] {
        let mut rng = Rng::new((m * 100 + n) as u64);
        let units = nets::random_units(&mut rng, Kind::Normal, n, m);
        let expected = known::generic_chambers(m as u64, n as u64);
        let found = deletion::chambers(&nets::dense(n, &[units]));
        assert_eq!(found, expected, "{m} hyperplanes in R^{n}");
    }
}

#[test]
fn deletion_knows_convolutions() {
    // (input, channels, filters, kernel, stride) and the table's value.
    let cases = [
        ([1, 3], 1, 2, [1, 2], 1, 15),
        ([1, 3], 1, 3, [1, 2], 1, 40),
        ([1, 4], 1, 2, [1, 2], 1, 55),
        ([1, 4], 1, 3, [1, 3], 1, 57),
        ([1, 5], 1, 4, [1, 3], 2, 209),
        ([1, 4], 2, 2, [1, 2], 1, 64),
        ([1, 3], 2, 4, [1, 2], 1, 247),
        ([1, 6], 1, 2, [1, 2], 1, 725),
        ([2, 3], 1, 4, [2, 2], 1, 247),
        ([3, 3], 1, 2, [2, 2], 1, 255),
        ([3, 3], 1, 3, [2, 2], 1, 3998),
        ([3, 4], 1, 2, [2, 2], 1, 4061),
        ([3, 3], 2, 2, [2, 2], 1, 256),
    ];
    for (input, channels, filters, kernel, stride, expected) in cases {
        let conv = nets::convolution(input, channels, filters, kernel, stride);
        let network = nets::convolutional(&conv, &mut Rng::new(1), Kind::Integer(1000), false);
        assert_eq!(deletion::chambers(&network), expected, "{conv:?}");
    }
    let conv = nets::convolution([3, 3], 1, 2, [2, 2], 1);
    let unshared = nets::locally_connected(&conv, &mut Rng::new(1), Kind::Integer(1000));
    assert_eq!(deletion::chambers(&unshared), 256);
    for (filters, expected) in [(2, 14), (3, 28)] {
        let conv = nets::convolution([1, 3], 1, filters, [1, 2], 1);
        let network = nets::convolutional(&conv, &mut Rng::new(1), Kind::Normal, true);
        assert_eq!(
            deletion::chambers(&network),
            expected,
            "no bias, {filters} filters"
        );
    }
}

#[test]
fn elimination_decides_systems_known_by_hand() {
    let feasible = |rows: &[&[i64]]| {
        let row = |row: &&[i64]| row.iter().map(|&v| BigInt::from(v)).collect();
        patterns::feasible(&rows.iter().map(row).collect::<Vec<_>>())
    };
    assert!(feasible(&[]));
    assert!(feasible(&[&[1]]));
    assert!(!feasible(&[&[0]]), "0 > 0");
    assert!(!feasible(&[&[1, 0], &[-1, 0]]), "x > 0 > x");
    assert!(feasible(&[&[1, 0], &[-1, 1]]), "0 < x < 1");
    assert!(
        !feasible(&[&[1, 0, 0], &[0, 1, 0], &[-1, -1, 0]]),
        "a point"
    );
    assert!(feasible(&[
        &[1_000_000, 0, 0],
        &[0, 1_000_000, 0],
        &[-1_000_000, -1_000_000, 1]
    ]));
    assert!(
        !feasible(&[&[1, 0, -1], &[0, 1, -1], &[-1, -1, 2]]),
        "a point again"
    );
    assert!(
        feasible(&[&[1, 1, 0, 0], &[1, -1, 0, 0], &[0, 1, 1, 0], &[0, 1, -1, 0]]),
        "a cone"
    );
}

#[test]
fn the_sweep_knows_the_tent_map() {
    for depth in 1..=8 {
        let network = nets::tent(depth);
        let unit_interval = nets::integer_box(&[(Some(0), Some(1))]);
        assert_eq!(sweep::pieces(&network, &unit_interval).len(), 1 << depth);
        assert_eq!(sweep::linear_pieces(&network, &unit_interval), 1 << depth);
    }
}

#[test]
fn other_layers_mean_what_their_rows_say() {
    // A ReLU on the inputs, a reshape, and two affine layers in a row.
    let mut network = Network::new(Shape::new([2]));
    network.push(Layer::Relu).unwrap();
    network.push(Layer::Reshape(Shape::new([1, 2]))).unwrap();
    nets::push_dense(
        &mut network,
        2,
        &[nets::unit(&[1, -1, 0]), nets::unit(&[1, 1, -1])],
    );
    nets::push_dense(
        &mut network,
        2,
        &[nets::unit(&[2, 0, 0]), nets::unit(&[1, 1, 1])],
    );
    network.push(Layer::Relu).unwrap();
    // First quadrant: x - y and 2 x. Second: -y and 0. Third: 0 and 0. Fourth: x and 2 x.
    let expected = ["+++ +", "++- +", "-+- 0", "--0 0", "+-+ +"];
    let expected: BTreeSet<String> = expected.iter().map(|p| p.replace(' ', "")).collect();
    let all = Domain::everything(2);
    assert_eq!(polygon::patterns(&network, &all), expected);
    assert_eq!(patterns::patterns(&network, &all), expected);
}

/// The witness of `+-` on the line with units x and x - 1, on the interval [-1, 2].
fn witness_problem(witness: Rational, witness_f64: Option<f64>) -> Option<String> {
    let network = nets::dense(1, &[vec![nets::unit(&[1, 0]), nets::unit(&[1, -1])]]);
    let domain = nets::integer_box(&[(Some(-1), Some(2))]);
    let region = Found {
        pattern: vec![Sign::Positive, Sign::Negative],
        witness: vec![witness],
        witness_f64: witness_f64.map(|x| vec![x]),
    };
    check_witness(&network, &domain, &region, true).err()
}

#[test]
fn a_wrong_witness_is_refused() {
    let half = || Rational::new(1.into(), 2.into());
    let whole = |x: i64| Rational::from_integer(x.into());
    assert_eq!(witness_problem(half(), Some(0.25)), None);
    let refused = [
        (whole(0), None, "evaluates to 0-"),
        (whole(1), None, "evaluates to +0"),
        (-half(), None, "evaluates to --"),
        (whole(2), None, "not strictly in the domain"),
        (whole(-1), None, "not strictly in the domain"),
        (half(), Some(1.5), "f64 witness (3/2) evaluates to ++"),
        (half(), Some(f64::NAN), "not finite"),
    ];
    for (witness, float, expected) in refused {
        let problem = witness_problem(witness.clone(), float).expect("a wrong witness");
        assert!(
            problem.contains(expected),
            "{witness} and {float:?}: {problem}"
        );
    }
}

/// The search held against a wrong oracle.
fn assert_three_regions_are(expected: &[&str]) {
    let network = nets::dense(1, &[vec![nets::unit(&[1, 0]), nets::unit(&[1, -1])]]);
    let expected = expected.iter().map(ToString::to_string).collect();
    assert_patterns(&network, &Domain::everything(1), &expected, &"x and x - 1");
}

#[test]
fn the_right_patterns_are_accepted() {
    assert_three_regions_are(&["--", "+-", "++"]);
}

#[test]
#[should_panic(expected = "3 patterns, expected 4; missing [\"-+\"]")]
fn a_missing_pattern_is_noticed() {
    assert_three_regions_are(&["--", "+-", "++", "-+"]);
}

#[test]
#[should_panic(expected = "not there [\"+-\"]")]
fn a_pattern_too_many_is_noticed() {
    assert_three_regions_are(&["--", "++"]);
}
