//! Hyperplane arrangements with known numbers of chambers, and random degenerate
//! ones against deletion and restriction.

mod common;

use common::arrangements::{self as known, binomial, factorial, generic_chambers};
use common::check::{assert_patterns, assert_regions, everywhere};
use common::networks::{self as nets, Kind, Unit};
use common::rng::{Rng, seeds};
use common::{Number, deletion, polygon};

fn assert_chambers(rows: &[Vec<i64>], expected: u64, case: &str) {
    assert_regions(&nets::arrangement(rows), expected, &case);
}

#[test]
fn general_position_has_a_sum_of_binomials() {
    let cases = [
        (1, 1),
        (40, 1),
        (60, 2),
        (30, 3),
        (20, 4),
        (16, 5),
        (15, 6),
        (14, 8),
        (13, 12),
        (8, 8),
        (5, 9),
    ];
    for (m, n) in cases {
        for (seed, kind) in (1..).zip([Kind::Normal, Kind::Integer(1_000_000), Kind::Single]) {
            let units = nets::random_units(&mut Rng::new(seed), kind, n, m);
            let case = format!("seed {seed}, {kind:?}, {m} generic hyperplanes in R^{n}");
            let expected = generic_chambers(m as u64, n as u64);
            assert_regions(&nets::dense(n, &[units]), expected, &case);
        }
    }
}

#[test]
fn general_position_through_the_origin_has_cover_s_number() {
    for (m, n) in [(9, 1), (30, 2), (20, 3), (14, 4), (12, 6), (10, 9)] {
        for (seed, kind) in (1..).zip([Kind::Normal, Kind::Integer(1_000_000)]) {
            let mut layers = [nets::random_units(&mut Rng::new(seed), kind, n, m)];
            nets::without_bias(&mut layers);
            let case = format!("seed {seed}, {kind:?}, {m} central hyperplanes in R^{n}");
            let expected = 2 * generic_chambers(m as u64 - 1, n as u64 - 1);
            assert_regions(&nets::dense(n, &layers), expected, &case);
        }
    }
}

#[test]
fn boolean() {
    for n in 1..=14 {
        assert_chambers(&known::boolean(n), 1 << n, &format!("Boolean {n}"));
    }
}

#[test]
fn braid() {
    for n in 2..=7 {
        let rows = known::deformed_braid(n, &[0]);
        assert_chambers(&rows, factorial(n as u64), &format!("braid {n}"));
    }
}

#[test]
fn type_b() {
    for n in 1..=5 {
        let expected = (1 << n) * factorial(n as u64);
        assert_chambers(&known::type_b(n), expected, &format!("type B {n}"));
    }
}

#[test]
fn shi() {
    for n in 2..=5 {
        let rows = known::deformed_braid(n, &[0, 1]);
        let expected = (n as u64 + 1).pow(n as u32 - 1);
        assert_chambers(&rows, expected, &format!("Shi {n}"));
    }
}

#[test]
fn catalan() {
    for n in 2..=5 {
        let rows = known::deformed_braid(n, &[-1, 0, 1]);
        let numbers = binomial(2 * n as u64, n as u64) / (n as u64 + 1);
        let expected = factorial(n as u64) * numbers;
        assert_chambers(&rows, expected, &format!("Catalan {n}"));
    }
}

#[test]
fn linial_and_semiorder() {
    for (n, expected) in [(2, 2), (3, 7), (4, 36), (5, 246), (6, 2104)] {
        let rows = known::deformed_braid(n, &[1]);
        assert_chambers(&rows, expected, &format!("Linial {n}"));
    }
    for (n, expected) in [(2, 3), (3, 19), (4, 183), (5, 2371)] {
        let rows = known::deformed_braid(n, &[-1, 1]);
        assert_chambers(&rows, expected, &format!("semiorder {n}"));
    }
}

#[test]
fn resonance() {
    for (n, expected) in [(1, 2), (2, 6), (3, 32), (4, 370), (5, 11292)] {
        assert_chambers(&known::resonance(n), expected, &format!("resonance {n}"));
    }
}

#[test]
fn threshold() {
    for (n, expected) in [(0, 2), (1, 4), (2, 14), (3, 104), (4, 1882)] {
        assert_chambers(&known::threshold(n), expected, &format!("threshold {n}"));
    }
}

#[test]
fn pencils_of_lines() {
    // m distinct lines through one point: 2 m. The point is no f64.
    for (m, seed) in (1..=12).zip(1..) {
        let network = nets::dense(2, &[nets::pencil(&mut Rng::new(seed), m)]);
        assert_regions(
            &network,
            2 * m as u64,
            &format!("seed {seed}, pencil of {m}"),
        );
    }
    // The same times R: a book of planes in R^3, and a grid of two books.
    for m in 2..=6 {
        let pencil = nets::pencil(&mut Rng::new(m as u64), m);
        let planes = |shift: usize| {
            let plane = move |(weights, bias): &Unit| {
                let mut spread = vec![Number::ZERO; 4];
                spread[shift..shift + 2].clone_from_slice(weights);
                (spread, bias.clone())
            };
            pencil.iter().map(plane).collect::<Vec<_>>()
        };
        let book = planes(1);
        let case = format!("book of {m}");
        assert_regions(&nets::dense(4, &[book]), 2 * m as u64, &case);
        let both = [planes(0), planes(2)].concat();
        let case = format!("two books of {m}");
        assert_regions(&nets::dense(4, &[both]), 4 * (m * m) as u64, &case);
    }
}

#[test]
fn parallel_families() {
    let normals = [[1, 0, 0], [0, 1, 0], [0, 0, 1]];
    for counts in [[3, 0, 0], [3, 5, 0], [2, 3, 4], [7, 1, 2]] {
        let rows: Vec<Vec<i64>> = (0..3)
            .flat_map(|k| (0..counts[k]).map(move |c| [&normals[k][..], &[c]].concat()))
            .collect();
        let expected = counts.iter().map(|&c| c as u64 + 1).product();
        assert_chambers(&rows, expected, &format!("{counts:?} parallel planes"));
    }
    // Three directions in the plane: a triangular grid, in which lines also concur.
    let directions = [[1, 0], [0, 1], [1, 1]];
    for m in 1..=6 {
        let rows: Vec<Vec<i64>> = directions
            .iter()
            .flat_map(|normal| (0..m).map(|c| [&normal[..], &[-c]].concat()))
            .collect();
        let network = nets::arrangement(&rows);
        let expected = polygon::patterns(&network, &everywhere(&network));
        assert_eq!(expected.len() as u64, deletion::chambers(&network));
        assert_patterns(
            &network,
            &everywhere(&network),
            &expected,
            &format!("triangular grid {m}"),
        );
    }
}

#[test]
fn copies_cut_nothing_new() {
    let generic: Vec<Vec<i64>> = vec![
        vec![3, 1, 4, 1],
        vec![5, -9, 2, 6],
        vec![-5, 3, 5, 8],
        vec![9, 7, -9, 3],
        vec![2, 3, 8, -4],
    ];
    let expected = generic_chambers(5, 3);
    assert_chambers(&generic, expected, "five planes");
    for factor in [1, -1, 7, -1024] {
        let copies = generic
            .iter()
            .map(|row| row.iter().map(|v| v * factor).collect());
        let rows: Vec<Vec<i64>> = generic.iter().cloned().chain(copies).collect();
        assert_chambers(
            &rows,
            expected,
            &format!("five planes and {factor} times them"),
        );
    }
    // Scaled by what no f64 holds.
    let units: Vec<Unit> = generic.iter().map(|row| nets::unit(row)).collect();
    let thirds = units
        .iter()
        .map(|unit| nets::scaled(unit, &nets::fraction(-1, 3)));
    let all: Vec<Unit> = units.iter().cloned().chain(thirds).collect();
    assert_regions(
        &nets::dense(3, &[all]),
        expected,
        &"five planes and -1/3 times them",
    );
}

#[test]
fn random_degenerate_arrangements() {
    for seed in seeds(300) {
        let mut rng = Rng::new(seed);
        let inputs = 1 + rng.below(6);
        let units = 1 + rng.below([20, 20, 16, 12, 10, 9][inputs - 1]);
        let kind = [Kind::Integer(1), Kind::Integer(2)][rng.below(2)];
        let mut layers = [nets::random_units(&mut rng, kind, inputs, units)];
        match rng.below(4) {
            0 => nets::without_bias(&mut layers),
            1 => nets::duplicate_units(&mut rng, &mut layers),
            2 => nets::sparsen(&mut rng, &mut layers, 2),
            _ => {}
        }
        let network = nets::dense(inputs, &layers);
        let expected = deletion::chambers(&network);
        assert_regions(&network, expected, &format!("seed {seed}"));
    }
}

#[test]
fn random_arrangements_of_many_sizes() {
    for seed in seeds(60) {
        let mut rng = Rng::new(1000 + seed);
        let inputs = 2 + rng.below(4);
        let units = 2 + rng.below([24, 16, 12, 10][inputs - 2]);
        let kind = [Kind::Spread(30), Kind::Fraction, Kind::Integer(1 << 40)][rng.below(3)];
        let mut layers = [nets::random_units(&mut rng, kind, inputs, units)];
        if rng.one_in(2) {
            nets::duplicate_units(&mut rng, &mut layers);
        }
        let network = nets::dense(inputs, &layers);
        let expected = deletion::chambers(&network);
        assert_regions(&network, expected, &format!("seed {seed}, {kind:?}"));
    }
}

#[test]
fn nearly_degenerate_arrangements() {
    // Thirds of small integers: what concurs in rationals no longer does in f64.
    // Then some entries move to the next float, and some rows are nearly copies.
    for seed in seeds(150) {
        let mut rng = Rng::new(seed);
        let inputs = 2 + rng.below(4);
        let units = inputs + rng.below([16, 12, 9, 6][inputs - 2]);
        let mut value = || rng.range(-2, 2) as f64 / 3.0;
        let mut rows: Vec<Vec<f64>> = (0..units)
            .map(|_| (0..=inputs).map(|_| value()).collect())
            .collect();
        for _ in 0..units / 3 {
            rows[rng.below(units)] = rows[rng.below(units)].clone();
        }
        for _ in 0..units / 2 {
            let entry = &mut rows[rng.below(units)][rng.below(inputs + 1)];
            *entry = if rng.one_in(2) {
                entry.next_up()
            } else {
                entry.next_down()
            };
        }
        if rng.one_in(3) {
            rows.iter_mut().for_each(|row| row[inputs] = 0.0);
        }
        let unit = |row: &Vec<f64>| {
            let numbers: Vec<Number> = row.iter().map(|&v| nets::float(v)).collect();
            (numbers[..inputs].to_vec(), numbers[inputs].clone())
        };
        let network = nets::dense(inputs, &[rows.iter().map(unit).collect()]);
        let expected = deletion::chambers(&network);
        assert_regions(&network, expected, &format!("seed {seed}"));
    }
}
