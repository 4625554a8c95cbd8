//! The characteristic polynomial against known ones, against the search, and against
//! plain deletion and restriction.

mod common;

use chambers::Monitor;
use chambers::characteristic::{CharacteristicPolynomial, Found, characteristic};
use chambers::network::Network;
use common::arrangements::{self as known, binomial};
use common::check;
use common::deletion;
use common::networks::{self as nets, Kind};
use common::rng::{Rng, seeds};
use num_bigint::{BigInt, BigUint};

fn polynomial(network: &Network) -> CharacteristicPolynomial {
    let answer = characteristic(network, &Monitor::new()).expect("one layer");
    match answer.found {
        Found::Polynomial(polynomial) => polynomial,
        Found::AtLeast(_) => panic!("nobody asked to stop"),
    }
}

/// The polynomial with these integer roots, highest power first.
fn with_roots(roots: &[i64]) -> Vec<BigInt> {
    let mut coefficients = vec![BigInt::from(1)];
    for &root in roots {
        coefficients.push(BigInt::from(0));
        for k in (1..coefficients.len()).rev() {
            let term = &coefficients[k - 1] * root;
            coefficients[k] -= term;
        }
    }
    coefficients
}

/// All coefficients, also the zeros behind the rank.
fn coefficients(rows: &[Vec<i64>]) -> Vec<BigInt> {
    let polynomial = polynomial(&nets::arrangement(rows));
    let mut coefficients = polynomial.coefficients();
    coefficients.resize(polynomial.dimension() + 1, BigInt::from(0));
    coefficients
}

#[test]
fn free_arrangements_have_integer_roots() {
    for n in 1..=6i64 {
        let ones = vec![1; n as usize];
        assert_eq!(
            coefficients(&known::boolean(n as usize)),
            with_roots(&ones),
            "Boolean {n}"
        );
        // Type B: roots 1, 3, 5, ... (Orlik and Terao, Theorem 4.137 and table C.1).
        let odd: Vec<i64> = (0..n).map(|k| 2 * k + 1).collect();
        if n <= 5 {
            assert_eq!(
                coefficients(&known::type_b(n as usize)),
                with_roots(&odd),
                "B {n}"
            );
        }
    }
    for n in 2..=6i64 {
        let size = n as usize;
        // The falling factorial, which counts proper colourings of a complete graph.
        let braid: Vec<i64> = (0..n).collect();
        assert_eq!(
            coefficients(&known::deformed_braid(size, &[0])),
            with_roots(&braid)
        );
        // Shi: t (t - n)^(n - 1). Catalan: t (t - n - 1) ... (t - 2 n + 1).
        let mut shi = vec![n; size];
        shi[0] = 0;
        assert_eq!(
            coefficients(&known::deformed_braid(size, &[0, 1])),
            with_roots(&shi)
        );
        let catalan: Vec<i64> = std::iter::once(0).chain(n + 1..2 * n).collect();
        let rows = known::deformed_braid(size, &[-1, 0, 1]);
        if n <= 5 {
            assert_eq!(coefficients(&rows), with_roots(&catalan));
        }
    }
}

#[test]
fn general_position() {
    for (m, n) in [
        (1, 1),
        (9, 1),
        (20, 2),
        (12, 3),
        (10, 5),
        (9, 8),
        (6, 6),
        (4, 7),
    ] {
        for kind in [Kind::Integer(1_000_000), Kind::Normal, Kind::Single] {
            let units = nets::random_units(&mut Rng::new(m), kind, n as usize, m as usize);
            let found = polynomial(&nets::dense(n as usize, &[units]));
            let rank = m.min(n);
            let expected: Vec<BigUint> = (0..=rank).map(|k| binomial(m, k).into()).collect();
            assert_eq!(found.whitney_numbers(), expected, "{m} in R^{n}, {kind:?}");
            // Bounded: C(m - 1, n) (Zaslavsky 1975).
            assert_eq!(
                found.bounded(),
                binomial(m - 1, n).into(),
                "{m} in R^{n}, {kind:?}"
            );
        }
    }
}

#[test]
fn resonance_and_threshold() {
    // OEIS A034997 and A000609.
    for (n, regions) in [
        (1, 2),
        (2, 6),
        (3, 32),
        (4, 370),
        (5, 11_292),
        (6, 1_066_044u64),
    ] {
        let found = polynomial(&nets::arrangement(&known::resonance(n)));
        assert_eq!(found.regions(), regions.into(), "resonance {n}");
        assert_eq!(found.relatively_bounded(), 0u32.into(), "resonance {n}");
    }
    let counts = [2, 4, 14, 104, 1882, 94_572, 15_028_134u64];
    for (n, regions) in counts.into_iter().enumerate() {
        let found = polynomial(&nets::arrangement(&known::threshold(n)));
        assert_eq!(found.regions(), regions.into(), "threshold {n}");
    }
}

#[test]
fn random_degenerate_arrangements() {
    for seed in seeds(300) {
        let mut rng = Rng::new(seed);
        let (n, m) = (1 + rng.below(5), rng.below(11));
        let kind = [
            Kind::Integer(1),
            Kind::Integer(2),
            Kind::Fraction,
            Kind::Normal,
        ][rng.below(4)];
        let mut layers = [nets::random_units(&mut rng, kind, n, m)];
        if rng.one_in(2) {
            nets::duplicate_units(&mut rng, &mut layers);
        }
        if rng.one_in(4) {
            nets::without_bias(&mut layers);
        }
        if rng.one_in(3) {
            nets::sparsen(&mut rng, &mut layers, 2);
        }
        let network = nets::dense(n, &layers);
        let found = polynomial(&network).regions();
        let case = || format!("seed {seed}\n{}", nets::describe(&network));
        assert_eq!(found, deletion::chambers(&network).into(), "{}", case());
        let domain = check::everywhere(&network);
        let enumerated = check::count(&network, &domain, 1).regions;
        assert_eq!(found, enumerated.into(), "{}", case());
    }
}
