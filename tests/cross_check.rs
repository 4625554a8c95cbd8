//! The exact search against the LP search on random small networks, general and
//! degenerate. The LP search works with a tolerance; where the two differ, an exact
//! oracle decides, and only then is it a failure of the exact search.
//!
//! The long run, ten thousand cases, is `cargo test --release --test cross_check --
//! --ignored --nocapture`, see CONTRIBUTING.md.

mod common;

use chambers::arrangement::{Domain, Interval};
use chambers::network::Network;
use common::networks::{self as nets, Kind};
use common::rng::{Rng, seeds};
use common::{Number, check, lp, patterns, polygon, sweep};

const KINDS: [Kind; 7] = [
    Kind::Normal,
    Kind::Single,
    Kind::Integer(1),
    Kind::Integer(2),
    Kind::Integer(1000),
    Kind::Fraction,
    Kind::Spread(20),
];

/// A network that one of the oracles can take.
fn network(rng: &mut Rng) -> (Network, Kind) {
    let kind = KINDS[rng.below(KINDS.len())];
    let inputs = 1 + rng.below(5);
    // The oracle of two inputs is fast; that of more than two tries all signs.
    let (depth, widest) = match inputs {
        1 | 2 => (1 + rng.below(4), 8),
        _ => (1 + rng.below(3), [8, 5, 4][inputs - 3]),
    };
    let widths: Vec<usize> = (0..depth)
        .map(|layer| 1 + rng.below(if layer == 0 { widest } else { widest.min(5) }))
        .collect();
    let mut layers = nets::random_layers(rng, kind, inputs, &widths);
    match rng.below(7) {
        0 => nets::duplicate_units(rng, &mut layers),
        1 => nets::without_bias(&mut layers),
        2 => nets::sparsen(rng, &mut layers, 2),
        3 => {
            let dead = rng.below(layers.len());
            nets::deaden(rng, &mut layers[dead]);
        }
        4 => nets::change_basis(rng, &mut layers[0]),
        _ => {}
    }
    (nets::dense(inputs, &layers), kind)
}

/// R^n, a cube, or a box whose sides are of every sort but points.
fn domain(rng: &mut Rng, inputs: usize) -> Domain {
    let interval = |rng: &mut Rng| {
        let lower = Kind::Fraction.draw(rng);
        let length = nets::fraction(rng.range(1, 20), rng.range(1, 9));
        let upper = nets::sum(&lower, &length);
        let (lower, upper) = match rng.below(6) {
            0 => (Some(lower), None),
            1 => (None, Some(upper)),
            2 => (None, None),
            _ => (Some(lower), Some(upper)),
        };
        Interval { lower, upper }
    };
    match rng.below(3) {
        0 => Domain::everything(inputs),
        1 => {
            let side = || nets::interval(Number::from(-1), Number::ONE);
            Domain::new((0..inputs).map(|_| side()).collect())
        }
        _ => Domain::new((0..inputs).map(|_| interval(rng)).collect()),
    }
}

/// Compares the searches on these seeds, and lets an oracle decide differences.
fn run(seeds: std::ops::Range<u64>) {
    let (mut cases, mut regions, mut differences) = (0, 0, 0);
    for seed in seeds {
        let mut rng = Rng::new(0xc0de_0000 + seed);
        let (network, kind) = network(&mut rng);
        let inputs = network.input().len();
        let domain = domain(&mut rng, inputs);
        let exact = check::patterns(&network, &domain);
        cases += 1;
        regions += exact.len();
        let lp = lp::patterns(&network, &domain);
        if lp == exact {
            continue;
        }
        differences += 1;
        let (oracle, truth) = match inputs {
            1 => ("the sweep", sweep::patterns(&network, &domain)),
            2 => ("polygons", polygon::patterns(&network, &domain)),
            _ => ("all sign vectors", patterns::patterns(&network, &domain)),
        };
        assert_eq!(
            exact,
            truth,
            "seed {seed}, {kind:?}: the exact search (left) against {oracle} on {domain}\n{}",
            nets::describe(&network)
        );
    }
    println!(
        "{cases} networks, {regions} regions: {differences} differences, \
         in each of which an oracle confirmed the exact search"
    );
}

#[test]
fn random_networks() {
    run(0..150);
}

#[test]
#[ignore = "minutes; thousands of cases, CHAMBERS_TEST_FACTOR times as many"]
fn thousands_of_random_networks() {
    run(seeds(10_000));
}
