//! The characteristic polynomial against known ones, against the search, and against
//! plain deletion and restriction.

mod common;
mod program;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Stdio};

use chambers::Monitor;
use chambers::arrangement::{Domain, Interval};
use chambers::characteristic::{CharacteristicPolynomial, Found, Symmetry, characteristic};
use chambers::network::{Network, import};
use common::Number;
use common::arrangements::{self as known, binomial};
use common::check;
use common::deletion;
use common::networks::{self as nets, Kind};
use common::rng::{Rng, seeds};
use num_bigint::{BigInt, BigUint};
use program::{Folder, chambers, json, refused, stderr, stdout, succeed};
use serde_json::Value;

fn polynomial(network: &Network) -> CharacteristicPolynomial {
    found(network, Symmetry::Off)
}

fn found(network: &Network, symmetry: Symmetry) -> CharacteristicPolynomial {
    let answer = characteristic(network, symmetry, &Monitor::new()).expect("one layer");
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

/// One vector of each pair of opposite roots of E8, doubled, as rows without constant.
fn e8() -> Vec<Vec<i64>> {
    let mut roots: Vec<Vec<i64>> = known::type_b(8);
    roots.retain(|row| row.iter().filter(|&&x| x != 0).count() == 2);
    roots.iter_mut().flatten().for_each(|x| *x *= 2);
    for signs in 0..1u32 << 7 {
        // An even number of minus signs, none on the first coordinate.
        let minus = signs << 1;
        if minus.count_ones() % 2 == 0 {
            let mut row: Vec<i64> = (0..8).map(|i| 1 - 2 * i64::from(minus >> i & 1)).collect();
            row.push(0);
            roots.push(row);
        }
    }
    roots
}

#[test]
fn reflection_arrangements_have_their_exponents_as_roots() {
    // Exponents: Orlik and Terao, Arrangements of Hyperplanes, table C.1.
    let rows = e8();
    assert_eq!(rows.len(), 120);
    let network = nets::arrangement(&rows);
    let answer = characteristic(&network, Symmetry::Auto, &Monitor::new()).expect("one layer");
    let Found::Polynomial(polynomial) = &answer.found else {
        panic!("nobody asked to stop");
    };
    let exponents = [1, 7, 11, 13, 17, 19, 23, 29];
    assert_eq!(polynomial.coefficients(), with_roots(&exponents));
    // The reflection group itself, without the change of all signs.
    assert_eq!(answer.symmetries, (696_729_600u32 / 2).into());
    // E7: the roots of E8 that are orthogonal to one of them.
    let e7: Vec<Vec<i64>> = rows
        .iter()
        .filter(|row| row[0] == row[1])
        .cloned()
        .collect();
    assert_eq!(e7.len(), 63);
    let found = found(&nets::arrangement(&e7), Symmetry::Auto);
    assert_eq!(found.coefficients(), with_roots(&[1, 5, 7, 9, 11, 13, 17]));
    // D_n: 1, 3, ..., 2 n - 3 and n - 1.
    for n in 3..=6i64 {
        let mut rows = known::type_b(n as usize);
        rows.retain(|row| row.iter().filter(|&&x| x != 0).count() == 2);
        let exponents: Vec<i64> = (0..n - 1).map(|k| 2 * k + 1).chain([n - 1]).collect();
        assert_eq!(coefficients(&rows), with_roots(&exponents), "D {n}");
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
    let counts = [2, 4, 14, 104, 1882, 94_572u64];
    for (n, regions) in counts.into_iter().enumerate() {
        let found = polynomial(&nets::arrangement(&known::threshold(n)));
        assert_eq!(found.regions(), regions.into(), "threshold {n}");
    }
}

#[test]
fn counting_up_to_symmetry_gives_the_same() {
    let rows = [
        ("resonance 6", known::resonance(6), 5040u32),
        ("braid 9", known::deformed_braid(9, &[0]), 362_880),
        ("Shi 7", known::deformed_braid(7, &[0, 1]), 1),
    ];
    for (name, rows, order) in rows {
        let network = nets::arrangement(&rows);
        let plain = found(&network, Symmetry::Off);
        let answer = characteristic(&network, Symmetry::Auto, &Monitor::new()).expect("one layer");
        assert_eq!(answer.found, Found::Polynomial(plain), "{name}");
        assert_eq!(answer.symmetries, order.into(), "{name}");
    }
    // OEIS A034997 and A000609.
    let resonance = found(&nets::arrangement(&known::resonance(7)), Symmetry::Auto);
    assert_eq!(resonance.regions(), 347_326_352u32.into());
    let threshold = found(&nets::arrangement(&known::threshold(6)), Symmetry::Auto);
    assert_eq!(threshold.regions(), 15_028_134u32.into());
}

/// Takes seconds with optimisation: `cargo test --release --test characteristic -- --ignored`.
#[test]
#[ignore = "long: seconds in a release build"]
fn without_symmetry() {
    // OEIS A034997 and A000609; Brysiewicz, Eble and Kuehne 2023 for the demicube.
    let rows = [
        (known::resonance(7), 347_326_352u32),
        (known::threshold(6), 15_028_134),
        (demicube(6), 291_558),
    ];
    for (rows, regions) in rows {
        let started = std::time::Instant::now();
        let found = found(&nets::arrangement(&rows), Symmetry::Off);
        println!(
            "{regions} regions: {:.3} s",
            started.elapsed().as_secs_f64()
        );
        assert_eq!(found.regions(), regions.into());
    }
}

/// Normals (1, x) for the x in {0, 1}^n with an odd number of ones.
fn demicube(n: usize) -> Vec<Vec<i64>> {
    let mut rows = known::threshold(n);
    rows.retain(|row| row[1..].iter().sum::<i64>() % 2 == 1);
    rows
}

/// Takes seconds with optimisation: `cargo test --release --test characteristic -- --ignored`.
#[test]
#[ignore = "long: seconds in a release build"]
fn resonance_8() {
    // OEIS A034997; Brysiewicz, Eble and Kuehne 2023, table 1.
    let eight = found(&nets::arrangement(&known::resonance(8)), Symmetry::Auto);
    assert_eq!(eight.regions(), 419_172_756_930u64.into());
}

#[test]
fn random_degenerate_arrangements() {
    for seed in seeds(200) {
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

/// Regions that meet the surface of a box so large that every vertex lies inside: the
/// unbounded ones. The search enumerates them facet by facet.
fn unbounded(network: &Network, size: i64) -> usize {
    let inputs = network.input().len();
    let mut found = BTreeSet::new();
    for facet in 0..inputs {
        for side in [-size, size] {
            let mut intervals =
                vec![nets::interval(Number::from(-size), Number::from(size)); inputs];
            intervals[facet] = Interval {
                lower: Some(side.into()),
                upper: Some(side.into()),
            };
            found.extend(check::patterns(network, &Domain::new(intervals)));
        }
    }
    found.len()
}

#[test]
fn bounded_regions_are_those_that_meet_no_large_box() {
    let mut some = 0;
    for seed in seeds(60) {
        let mut rng = Rng::new(seed);
        let (n, m) = (1 + rng.below(3), 1 + rng.below(8));
        let mut layers = [nets::random_units(&mut rng, Kind::Integer(2), n, m)];
        if rng.one_in(3) {
            nets::sparsen(&mut rng, &mut layers, 3);
        }
        let network = nets::dense(n, &layers);
        let found = polynomial(&network);
        // Cramer: a vertex is a quotient of determinants of entries up to 2.
        let bounded = found.regions() - unbounded(&network, 1_000_000);
        let case = || format!("seed {seed}\n{}", nets::describe(&network));
        assert_eq!(found.bounded(), bounded, "{}", case());
        some += usize::from(bounded > BigUint::from(0u32));
    }
    assert!(some > 10, "{some} with bounded regions");
}

#[test]
fn fixtures_have_the_counts_of_the_manifest() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let text = std::fs::read(fixtures.join("manifest.json")).expect("a manifest");
    let manifest: Value = serde_json::from_slice(&text).expect("JSON");
    let mut checked = 0;
    for entry in manifest["entries"].as_array().expect("a list") {
        let text = |key: &str| entry[key].as_str().expect("a string");
        let layers = entry["layers"].as_array().expect("a list");
        let everywhere = text("domain").trim_start_matches("box=").split(',');
        if layers.len() != 1 || !everywhere.eq(["-inf", "inf"]) {
            continue;
        }
        let model = import::load_model(&fixtures.join(text("file"))).expect("a fixture");
        for symmetry in [Symmetry::Off, Symmetry::Auto] {
            let regions = found(&model.network, symmetry).regions();
            assert_eq!(regions.to_string(), text("count"), "{}", text("id"));
        }
        checked += 1;
    }
    assert!(checked >= 30, "{checked} fixtures");
}

#[test]
fn convolutions_have_the_true_generic_counts() {
    // (input, channels, kernel, stride, filters, regions): the values of the project's
    // theory page, from deletion and restriction over the rationals and from ranks
    // modulo a prime.
    let cases = [
        ([3, 3], 1, [2, 2], 1, 2, 255u64),
        ([3, 3], 1, [2, 2], 1, 3, 3998),
        ([3, 3], 1, [2, 2], 1, 4, 48_903),
        ([3, 4], 1, [2, 2], 1, 2, 4061),
        ([4, 4], 1, [2, 2], 1, 2, 257_108),
        ([5, 5], 1, [3, 3], 1, 2, 262_143),
        ([1, 3], 1, [1, 2], 1, 8, 585),
        ([1, 5], 1, [1, 2], 1, 3, 1159),
        ([1, 5], 1, [1, 3], 2, 6, 1364),
        ([1, 4], 2, [1, 2], 1, 4, 3715),
    ];
    for (input, channels, kernel, stride, filters, regions) in cases {
        let conv = nets::convolution(input, channels, filters, kernel, stride);
        let network = nets::convolutional(&conv, &mut Rng::new(1), Kind::Single, false);
        assert_eq!(polynomial(&network).regions(), regions.into(), "{conv:?}");
    }
    // Without biases (theory page, section 1.10): 14 and 28.
    for (filters, regions) in [(2, 14u32), (3, 28)] {
        let conv = nets::convolution([1, 3], 1, filters, [1, 2], 1);
        let network = nets::convolutional(&conv, &mut Rng::new(1), Kind::Normal, true);
        assert_eq!(polynomial(&network).regions(), regions.into(), "{conv:?}");
    }
}

#[test]
fn odd_arrangements() {
    let regions = |rows: &[Vec<i64>]| polynomial(&nets::arrangement(rows));
    // Constants, the zero unit, copies and opposites of one line.
    let rows = [[0, 0, 1], [0, 0, 0], [1, 2, 3], [2, 4, 6], [-1, -2, -3]].map(|r| r.to_vec());
    let line = regions(&rows);
    assert_eq!(line.to_string(), "t^2 - t");
    assert_eq!((line.regions(), line.bounded()), (2u32.into(), 0u32.into()));
    assert_eq!(regions(&rows[..2]).to_string(), "t^2");
    // Parallels, and a pencil through (1, 1).
    let parallels: Vec<_> = (0..5).map(|b| vec![2, -3, b]).collect();
    assert_eq!(regions(&parallels).to_string(), "t^2 - 5 t");
    assert_eq!(regions(&parallels).relatively_bounded(), 4u32.into());
    let pencil: Vec<_> = (0..5).map(|k| vec![k, 1, -k - 1]).collect();
    assert_eq!(regions(&pencil).to_string(), "t^2 - 5 t + 4");
    // Thousands of independent units: 2^m regions at once.
    let cube = regions(&known::boolean(300));
    assert_eq!(cube.regions(), BigUint::from(2u32).pow(300));
    // A circuit of 40 hyperplanes: (2^40 - 2) regions, by closed forms.
    let mut circuit = known::boolean(39);
    circuit.push([vec![1; 39], vec![0]].concat());
    let started = std::time::Instant::now();
    assert_eq!(regions(&circuit).regions(), ((1u64 << 40) - 2).into());
    assert!(started.elapsed().as_secs() < 10);
    // Weights of very different sizes.
    let mut rng = Rng::new(3);
    let units = nets::random_units(&mut rng, Kind::Spread(300), 3, 8);
    let network = nets::dense(3, &[units]);
    assert_eq!(
        polynomial(&network).regions(),
        deletion::chambers(&network).into()
    );
}

#[test]
fn the_program_says_what_it_found() {
    let folder = Folder::new();
    let triangle = r#"{"dim": 2, "hyperplanes": [[1, 0, 0], [0, 1, 0], ["1/2", "1/2", -1]]}"#;
    let file = folder.file("triangle.json", triangle);
    let count = ["count", "--method", "whitney", "--arrangement", &file];
    let text = succeed(&count);
    assert!(text.contains("regions      7\n"), "{text}");
    assert!(text.contains("t^2 - 3 t + 3"), "{text}");
    let answer = json(&[&count[..], &["--json"]].concat());
    for (key, value) in [("count", "7"), ("bounded", "1"), ("method", "whitney")] {
        assert_eq!(answer[key], value, "{key}");
    }
    assert_eq!(answer["complete"], true);
    let polynomial = &answer["characteristic_polynomial"];
    assert_eq!(
        polynomial["coefficients"],
        serde_json::json!(["1", "-3", "3"])
    );
    assert_eq!(
        (&polynomial["dimension"], &polynomial["rank"]),
        (&2.into(), &2.into())
    );

    let cnn = [
        "count",
        "--method",
        "whitney",
        "--arch",
        "3x3x1; conv 2@2x2",
    ];
    assert!(succeed(&cnn).contains("regions      255\n"));
    let none = succeed(&[&cnn[..], &["--symmetry", "none"]].concat());
    assert!(none.contains("none used"), "{none}");
}

#[test]
fn the_program_refuses_what_it_cannot_count() {
    let two = [
        "count",
        "--method",
        "whitney",
        "--arch",
        "2; dense 3; dense 3",
    ];
    refused(&two, &["2 ReLU layers", "--method enumerate"]);
    let one = ["count", "--method", "whitney", "--arch", "2; dense 3"];
    let with = |more: &[&'static str]| [&one[..], more].concat();
    refused(&with(&["--domain", "box=0,1"]), &["--domain", "all of R^n"]);
    refused(&with(&["--strict"]), &["--strict"]);
    refused(&with(&["--engine", "lp"]), &["cannot be used with"]);
    refused(&with(&["--cross-check"]), &["cannot be used with"]);
    refused(
        &["count", "--arch", "2; dense 3", "--symmetry", "auto"],
        &["--method"],
    );
    refused(
        &[
            "count",
            "--method",
            "whitney",
            "--arch",
            "64x64x1; conv 10@3x3",
        ],
        &["too large"],
    );
}

#[test]
fn an_interrupted_count_is_a_lower_bound() {
    let long = [
        "count",
        "--method",
        "whitney",
        "--arch",
        "12; dense 100",
        "--json",
    ];
    let mut command = chambers(&long);
    let child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    std::thread::sleep(std::time::Duration::from_millis(1000));
    let sent = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(sent.expect("kill exists").success());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    let answer: Value = serde_json::from_str(&stdout(&output)).expect("JSON");
    assert_eq!(answer["complete"], false);
    assert_eq!(answer["characteristic_polynomial"], Value::Null);
    let count: BigUint = answer["count"]
        .as_str()
        .expect("a string")
        .parse()
        .expect("a number");
    let all: u64 = (0..=12).map(|k| binomial(100, k)).sum();
    assert!(count >= 1u32.into() && count < all.into(), "{count}");
}
