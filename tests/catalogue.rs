//! The published bounds against each other on a grid of widths, and against exact counts
//! of random networks.

mod common;

use chambers::Domain;
use chambers::network::{Architecture, Network, random};
use chambers::theory::catalogue::{self, Evaluated, Kind, Value};
use chambers::theory::formula::{NoValue, WORK};
use chambers::theory::{empirical, montufar, serra};
use common::check::count;
use common::networks::{self as nets, Kind as Weights, describe};
use common::rng::{Rng, seeds};
use num_bigint::BigUint;

/// The values that are numbers of regions.
fn counts(values: &[Evaluated], kind: Kind) -> Vec<(&'static str, &BigUint)> {
    let mut found = Vec::new();
    for value in values.iter().filter(|value| value.entry.kind == kind) {
        if let Ok(Value::Count(count)) = &value.value {
            found.push((value.entry.id, count));
        }
    }
    found
}

fn find<'a>(values: &'a [Evaluated], id: &str) -> Option<&'a BigUint> {
    match &values.iter().find(|value| value.entry.id == id)?.value {
        Ok(Value::Count(count)) => Some(count),
        _ => None,
    }
}

fn units(network: &Network) -> Vec<u64> {
    let units = network.units_per_layer();
    units.into_iter().map(|units| units as u64).collect()
}

/// Every upper bound of the catalogue holds for this network, whose weights may be shared.
fn assert_bounded(network: &Network, domain: &Domain, regions: u64, case: &str) {
    let values = catalogue::evaluate(network.input().len() as u64, &units(network));
    let upper = counts(&values, Kind::Upper);
    assert_eq!(upper.len(), 5, "{case}");
    for (id, bound) in upper {
        assert!(
            *bound >= regions.into(),
            "{id}: {bound} < {regions}\n{case}"
        );
    }
    let bound = empirical::upper(network, domain, WORK).unwrap();
    assert!(
        bound >= regions.into(),
        "stable units: {bound} < {regions}\n{case}"
    );
    let serra = find(&values, "serra2018-upper").unwrap();
    assert!(bound <= *serra, "stable units: {bound} > {serra}\n{case}");
}

#[test]
fn ids_are_unique_and_evaluated_entries_are_listed() {
    let entries = catalogue::entries();
    for (k, entry) in entries.iter().enumerate() {
        assert!(
            entries[..k].iter().all(|other| other.id != entry.id),
            "{}",
            entry.id
        );
        let kebab = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        assert!(entry.id.chars().all(kebab), "{}", entry.id);
    }
    for value in catalogue::evaluate(2, &[4, 4]) {
        assert!(entries.contains(&value.entry), "{}", value.entry.id);
    }
}

/// The columns Serra 2018, Montufar 2017 and 2^n of T5; the values come from another
/// program.
#[test]
fn reference_values_of_two_layer_networks_are_met() {
    let table: [(&str, u32, u32, u32); 15] = [
        ("1x4x1; conv 2@1x2; conv 1@1x2", 228, 228, 256),
        ("1x4x1; conv 2@1x2; conv 2@1x2", 817, 912, 1024),
        ("1x4x1; conv 2@1x2; conv 3@1x2", 2424, 3249, 4096),
        ("1x4x1; conv 2@1x2; conv 4@1x2", 6001, 9291, 16384),
        ("1x3x1; conv 2@1x2; conv 2@1x2", 56, 60, 64),
        ("1x3x1; conv 3@1x2; conv 2@1x1", 630, 630, 1024),
        ("1x4x1; conv 2@1x2 stride 2; conv 3@1x2", 99, 128, 128),
        ("1x5x1; conv 2@1x3 stride 2; conv 2@1x2", 57, 64, 64),
        ("2x2x1; conv 2@1x1; conv 3@2x2", 1304, 1304, 2048),
        ("1x2x2; conv 2@1x1; conv 3@1x2", 99, 128, 128),
        ("3x3x1; conv 1@2x2; conv 3@2x2", 99, 128, 128),
        ("1x3x1; conv 2@1x2; conv 2@1x1; conv 2@1x2", 604, 900, 1024),
        ("1x3x1; conv 2@1x1; conv 2@1x2", 630, 630, 1024),
        ("1x2x1; conv 3@1x2; conv 3@1x1", 40, 49, 64),
        ("3x3x1; conv 2@2x2; conv 1@2x2", 511, 512, 512),
    ];
    for (line, serra, montufar, patterns) in table {
        let network = random::he(&Architecture::parse(line).unwrap(), 0).unwrap();
        let values = catalogue::evaluate(network.input().len() as u64, &units(&network));
        for (id, expected) in [
            ("serra2018-upper", serra),
            ("hinz2019-upper", serra),
            ("montufar2017-upper", montufar),
            ("hu-zhang2018-upper", montufar),
            ("montufar2014-upper", patterns),
        ] {
            assert_eq!(find(&values, id), Some(&expected.into()), "{line}: {id}");
        }
    }
}

/// What are theorems about the formulas holds for their values.
#[test]
fn bounds_are_in_order_on_a_grid_of_widths() {
    let sizes = [0, 1, 2, 3, 4, 6, 7, 9, 13];
    let mut grid: Vec<Vec<u64>> = vec![vec![]];
    for &a in &sizes {
        grid.push(vec![a]);
        for &b in &sizes {
            grid.push(vec![a, b]);
            grid.extend([1, 2, 3, 5, 12].map(|c| vec![a, b, c]));
        }
    }
    let mut compared = 0;
    for widths in &grid {
        for inputs in [0, 1, 2, 3, 4, 7, 20] {
            let values = catalogue::evaluate(inputs, widths);
            let case = format!("{inputs} inputs, widths {widths:?}");
            let upper = counts(&values, Kind::Upper);
            assert_eq!(upper.len(), 5, "{case}");
            for (low_id, low) in counts(&values, Kind::Lower) {
                for (high_id, high) in &upper {
                    assert!(low <= *high, "{case}: {low_id} {low} > {high_id} {high}");
                    compared += 1;
                }
            }
            let value = |id: &str| find(&values, id);
            let in_order = |ids: &[&str]| {
                let known: Vec<&BigUint> = ids.iter().filter_map(|id| value(id)).collect();
                assert!(known.is_sorted(), "{case}: {ids:?} {known:?}");
            };
            in_order(&[
                "serra2018-upper",
                "montufar2017-upper",
                "montufar2014-upper",
            ]);
            in_order(&["pascanu2013-lower", "montufar2014-lower", "serra2018-lower"]);
            in_order(&["montufar2014-lower", "folding-lower"]);
            in_order(&["serra2018-lower", "folding-lower"]);
            in_order(&["arora2016-lower", "serra2018-zonotope-lower"]);
            assert_eq!(value("hinz2019-upper"), value("serra2018-upper"), "{case}");
            assert_eq!(
                value("hu-zhang2018-upper"),
                value("montufar2017-upper"),
                "{case}"
            );
            if let [width] = widths[..]
                && inputs > 0
            {
                // One layer: all that apply meet, but for the zonotope's central cuts.
                let one = montufar::upper_2017(inputs, &[width], WORK).unwrap();
                for id in ["serra2018-upper", "serra2018-lower", "pascanu2013-lower"] {
                    assert_eq!(value(id), Some(&one), "{case}: {id}");
                }
            }
            if inputs == 1 && widths.iter().all(|&width| width >= 3) && !widths.is_empty() {
                assert_eq!(value("serra2018-lower"), value("serra2018-upper"), "{case}");
            }
        }
    }
    assert!(compared > 10_000);
}

#[test]
fn random_networks_stay_below_every_upper_bound() {
    let kinds = [
        Weights::Normal,
        Weights::Integer(3),
        Weights::Single,
        Weights::Fraction,
    ];
    for seed in seeds(250) {
        let mut rng = Rng::new(seed);
        let inputs = 1 + rng.below(4);
        let depth = 1 + rng.below(4);
        let widths: Vec<usize> = (0..depth).map(|_| 1 + rng.below(5)).collect();
        let kind = kinds[rng.below(4)];
        let mut layers = nets::random_layers(&mut rng, kind, inputs, &widths);
        match rng.below(6) {
            0 => nets::duplicate_units(&mut rng, &mut layers),
            1 => nets::sparsen(&mut rng, &mut layers, 3),
            2 => nets::without_bias(&mut layers),
            _ => {}
        }
        let network = nets::dense(inputs, &layers);
        let everywhere = Domain::everything(inputs);
        let regions = count(&network, &everywhere, 1).regions;
        let case = format!("seed {seed}: {}", describe(&network));
        assert_bounded(&network, &everywhere, regions, &case);
    }
}

/// A random convolutional network with few units.
fn random_cnn(rng: &mut Rng) -> Architecture {
    loop {
        let (height, width) = (1 + rng.below(3), 1 + rng.below(4));
        let mut line = format!("{height}x{width}x{}", 1 + rng.below(2));
        for _ in 0..1 + rng.below(3) {
            let (a, b) = (1 + rng.below(2), 1 + rng.below(3));
            let stride = 1 + rng.below(2);
            line += &format!("; conv {}@{a}x{b} stride {stride}", 1 + rng.below(3));
            if rng.one_in(5) {
                line += " pad 1";
            }
        }
        if rng.one_in(4) {
            line += &format!("; dense {}", 1 + rng.below(4));
        }
        // Filters larger than what is left of the image are refused.
        let Ok(architecture) = Architecture::parse(&line) else {
            continue;
        };
        let network = random::he(&architecture, 0).expect("a small network");
        let units = units(&network);
        if network.input().len() <= 8 && units.iter().sum::<u64>() <= 16 {
            return architecture;
        }
    }
}

fn assert_random_cnns(cases: std::ops::Range<u64>) {
    for seed in cases {
        let mut rng = Rng::new(1000 + seed);
        let architecture = random_cnn(&mut rng);
        let network = random::he(&architecture, seed).unwrap();
        let everywhere = Domain::everything(network.input().len());
        let regions = count(&network, &everywhere, 1).regions;
        assert_bounded(
            &network,
            &everywhere,
            regions,
            &format!("seed {seed}: {architecture}"),
        );
    }
}

#[test]
fn random_cnns_stay_below_every_upper_bound() {
    assert_random_cnns(seeds(150));
}

/// `cargo test --release --test catalogue -- --ignored`
#[test]
#[ignore = "long: 15 seconds"]
fn many_random_cnns_stay_below_every_upper_bound() {
    assert_random_cnns(1000..6000);
}

#[test]
fn networks_in_boxes_stay_below_the_bound_of_stable_units() {
    let kinds = [
        Weights::Normal,
        Weights::Integer(2),
        Weights::Spread(3),
        Weights::Fraction,
    ];
    let mut below_serra = 0;
    let mut met = 0;
    for seed in seeds(400) {
        let mut rng = Rng::new(seed);
        let inputs = 1 + rng.below(3);
        let depth = 1 + rng.below(4);
        let widths: Vec<usize> = (0..depth).map(|_| 1 + rng.below(6)).collect();
        let kind = kinds[rng.below(4)];
        let mut layers = nets::random_layers(&mut rng, kind, inputs, &widths);
        match rng.below(6) {
            0 => nets::duplicate_units(&mut rng, &mut layers),
            1 => nets::sparsen(&mut rng, &mut layers, 2),
            2 => layers
                .iter_mut()
                .for_each(|units| nets::deaden(&mut rng, units)),
            _ => {}
        }
        let network = nets::dense(inputs, &layers);
        // Some sides are points, some infinite, some share an end with a hyperplane.
        let mut side = || match rng.below(6) {
            0 => (Some(1), Some(1)),
            1 => (None, Some(rng.range(-1, 1))),
            _ => {
                let low = rng.range(-2, 1);
                (Some(low), Some(low + rng.range(1, 2)))
            }
        };
        let domain = nets::integer_box(&(0..inputs).map(|_| side()).collect::<Vec<_>>());
        let regions = count(&network, &domain, 1).regions;
        let case = format!("seed {seed}, {domain}: {}", describe(&network));
        assert_bounded(&network, &domain, regions, &case);
        let bound = empirical::upper(&network, &domain, WORK).unwrap();
        let serra = serra::upper(inputs as u64, &units(&network), WORK).unwrap();
        below_serra += u32::from(bound < serra);
        met += u32::from(bound == regions.into());
    }
    assert!(below_serra > 200 && met > 50, "{below_serra} {met}");
}

#[test]
fn fixtures_stay_below_the_bound_of_stable_units() {
    for (name, sides) in [
        ("moons_mlp", "-1,1"),
        ("moons_deep", "-1,1"),
        ("iris_mlp", "4,5"),
        ("digits_conv1d", "0,1/2"),
        ("digits_cnn", "0,1/4"),
        ("wine_bias_free", "-1,1"),
        ("cancer_eighths", "0,1"),
    ] {
        let path = format!(
            "{}/fixtures/networks/{name}.onnx",
            env!("CARGO_MANIFEST_DIR")
        );
        let network = chambers::load(path.as_ref()).unwrap();
        let domain = Domain::parse_box(sides, network.input().len()).unwrap();
        let regions = count(&network, &domain, 1).regions;
        assert_bounded(&network, &domain, regions, name);
    }
}

/// On all of R^n nothing is stable, but ranks still count.
#[test]
fn low_ranks_lower_the_bound_everywhere() {
    let first: Vec<_> = (1..=6)
        .map(|i| nets::unit(&[i, i * i, -i * i * i]))
        .collect();
    // Parallel hyperplanes: rank 1.
    let second: Vec<_> = (1..=6)
        .map(|i| nets::unit(&[1, -1, 1, -1, 1, -1, i]))
        .collect();
    let network = nets::dense(2, &[first, second]);
    let everywhere = Domain::everything(2);
    let bound = empirical::upper(&network, &everywhere, WORK).unwrap();
    assert_eq!(
        bound,
        serra::upper_with_ranks(2, &[6, 6], &[2, 1], WORK).unwrap()
    );
    assert!(bound < serra::upper(2, &[6, 6], WORK).unwrap());
    let stability = empirical::stability(&network, &everywhere, WORK).unwrap();
    assert_eq!((stability[1].unstable, stability[1].unstable_rank), (6, 1));
    assert!(bound >= count(&network, &everywhere, 1).regions.into());
}

#[test]
fn special_domains_have_their_bounds() {
    let network = nets::dense(2, &[vec![nets::unit(&[1, 0, 0]), nets::unit(&[1, 1, -5])]]);
    let bound = |sides: &str| {
        let domain = Domain::parse_box(sides, 2).unwrap();
        empirical::upper(&network, &domain, WORK).unwrap()
    };
    assert_eq!(bound("-inf,inf"), 4u32.into());
    // x >= 0 does not cut, though it touches; x + y - 5 does on [0, 3]^2 only.
    assert_eq!(bound("0,2"), 1u32.into());
    assert_eq!(bound("0,3"), 2u32.into());
    assert_eq!(bound("0,5/2"), 1u32.into());
    assert_eq!(bound("1,1"), 1u32.into());
    assert_eq!(bound("1,0"), 0u32.into());
    let other = Domain::everything(3);
    assert!(matches!(
        empirical::upper(&network, &other, WORK),
        Err(NoValue::Assumption(_))
    ));
}

#[test]
fn large_networks_do_not_hang() {
    for (inputs, widths) in [
        (784, vec![10_000; 100]),
        (10_000, vec![10_000; 100]),
        (u64::MAX, vec![u64::MAX; 3]),
        (1, vec![u64::MAX; 50]),
        (3, vec![4; 100_000]),
    ] {
        let values = catalogue::evaluate_within(inputs, &widths, 20_000_000);
        assert_eq!(values.len(), 13);
    }
}
