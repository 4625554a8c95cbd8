//! Crossings: leaves that stand for all regions around a point where the hyperplanes of all
//! undecided units meet. Counts come from theory, each says from where, or from the oracle.

mod common;
mod program;

use std::collections::BTreeSet;

use chambers::arrangement::Domain;
use chambers::network::Network;
use chambers::proof::check::{self, Explanation, Flaw, Options, Reason, Verdict, Which};
use chambers::proof::format::{MAX_CROSSING, Packing};
use chambers::regions::digest::PatternHash;
use chambers::regions::{Digest, Pattern, Sign};
use common::networks::{self as nets, Kind};
use common::patterns;
use common::proofs::{Event, Proof};
use common::prover::{Style, in_one_chunk, prove};
use common::rng::{Rng, seeds};
use num_bigint::BigInt;
use num_traits::Signed;
use program::{Folder, json, succeed};

fn point(exponent: i64, point: &[i64]) -> (i64, Vec<BigInt>) {
    (exponent, point.iter().map(|&m| m.into()).collect())
}

fn crossing(exponent: i64, mantissas: &[i64]) -> Event {
    let (exponent, mantissas) = point(exponent, mantissas);
    Event::Crossing {
        exponent,
        mantissas,
    }
}

fn region(exponent: i64, mantissas: &[i64]) -> Event {
    let (exponent, mantissas) = point(exponent, mantissas);
    Event::Region {
        exponent,
        mantissas,
    }
}

fn side(unit: u64, constraints: &[u64]) -> Event {
    Event::Side {
        unit,
        positive: true,
        constraints: constraints.to_vec(),
    }
}

fn square(lower: i64, upper: i64) -> Domain {
    nets::integer_box(&[(Some(lower), Some(upper)); 2])
}

/// Units x, y and x + y + 5 on the box [-2, 2]^2: the first two cross at 0, which gives the
/// four quadrants, and the third is positive.
fn quadrants() -> (Network, Domain) {
    let network = nets::arrangement(&[vec![1, 0, 0], vec![0, 1, 0], vec![1, 1, 5]]);
    (network, square(-2, 2))
}

fn signs(pattern: &str) -> Vec<Sign> {
    let sign = |symbol| match symbol {
        '+' => Sign::Positive,
        '-' => Sign::Negative,
        _ => Sign::Zero,
    };
    pattern.chars().map(sign).collect()
}

fn assert_rejected(result: Result<Verdict, Flaw>, expected: &str) {
    match result {
        Ok(verdict) => panic!("{expected}: verified with {:?}", verdict.counts),
        Err(flaw) => {
            let message = flaw.to_string();
            assert!(
                message.contains(expected),
                "{message:?} has no {expected:?}"
            );
        }
    }
}

#[test]
fn a_crossing_stands_for_all_choices_of_signs() {
    let (network, domain) = quadrants();
    // Two hyperplanes in two coordinates: they cross in 0, wherever the point is.
    for near in [
        crossing(0, &[0, 0]),
        crossing(0, &[1, 1]),
        crossing(7, &[-100, 3]),
        crossing(-65_536, &[1, 1]),
        crossing(65_536, &[-1, 1]),
    ] {
        let events = [side(2, &[0, 2]), near];
        let verdict = in_one_chunk(&network, &domain, false, &events)
            .check(&network)
            .unwrap();
        let counts = verdict.counts;
        assert_eq!((counts.regions, counts.crossings, counts.splits), (4, 1, 0));
        let mut digest = Digest::default();
        for pattern in ["+++", "+-+", "-++", "--+"] {
            digest.add(PatternHash::of_pattern(&signs(pattern)));
        }
        assert_eq!(counts.digest, digest);
    }
    // One hyperplane on each side of another: of the points on it, the nearest counts.
    for (right, left) in [([1, 1], [-1, 7]), ([1, 0], [-1, 0])] {
        let events = [
            side(2, &[0, 2]),
            Event::Split(0),
            crossing(0, &right),
            crossing(0, &left),
        ];
        let verdict = in_one_chunk(&network, &domain, false, &events)
            .check(&network)
            .unwrap();
        assert_eq!((verdict.counts.regions, verdict.counts.crossings), (4, 2));
    }
    // A crossing on one side, regions on the other; a crossing elsewhere.
    let events = [
        side(2, &[0, 2]),
        Event::Split(1),
        Event::Split(0),
        region(0, &[1, 1]),
        region(0, &[-1, 1]),
        crossing(-1, &[-1, -3]),
    ];
    let mixed = in_one_chunk(&network, &domain, false, &events);
    assert_eq!(mixed.check(&network).unwrap().counts.regions, 4);
}

/// The coordinate hyperplanes of R^16 have 2^16 regions, the orthants.
#[test]
fn sixteen_hyperplanes_may_cross_and_no_more() {
    let units = |n: usize| -> Vec<Vec<i64>> {
        let unit = |k| (0..=n).map(|c| i64::from(c == k)).collect();
        (0..n).map(unit).collect()
    };
    for n in [MAX_CROSSING, MAX_CROSSING + 1] {
        let network = nets::arrangement(&units(n));
        let domain = Domain::everything(n);
        // A proof with splits would have too many regions: only its header is needed.
        let open = Style {
            open: 1,
            ..Style::default()
        };
        let mut proof = prove(&network, &domain, open, 0);
        proof.chunks[0].events = vec![crossing(0, &vec![1; n])];
        if n == MAX_CROSSING {
            proof.repair(&network).unwrap();
            let verdict = proof.check(&network).unwrap();
            assert!(verdict.complete);
            assert_eq!(verdict.counts.regions, 1 << 16);
        } else {
            assert_rejected(proof.check(&network), "a crossing of 17 hyperplanes");
            // One of them is split first.
            proof.chunks[0].events = vec![
                Event::Split(3),
                crossing(0, &vec![1; n]),
                crossing(0, &vec![-1; n]),
            ];
            proof.repair(&network).unwrap();
            assert_eq!(proof.check(&network).unwrap().counts.regions, 1 << 17);
        }
    }
}

#[test]
fn wrong_crossings_are_rejected() {
    let (network, domain) = quadrants();
    let on = |domain: &Domain, events: &[Event], expected: &str| {
        let changed = in_one_chunk(&network, domain, false, events);
        assert_rejected(changed.check(&network), expected);
    };
    let above = side(2, &[0, 2]);
    let bad = |events: &[Event], expected: &str| on(&domain, events, expected);
    // The point leads to the wrong side of a constraint, onto it, or out of the domain.
    let half = |near: Event| [above.clone(), Event::Split(0), near, crossing(0, &[-1, 0])];
    bad(
        &half(crossing(0, &[-1, 1])),
        "event 2 (byte 7): the crossing is not inside: constraint 4 (unit 0 of layer 1) is -1 there",
    );
    bad(
        &half(crossing(0, &[0, 1])),
        "the crossing is not inside: constraint 4 (unit 0 of layer 1) is 0 there",
    );
    bad(
        &half(crossing(0, &[2, 1])),
        "the crossing is not inside: constraint 1 (an end of the domain) is 0 there",
    );
    bad(
        &half(crossing(-1, &[5, 1])),
        "the crossing is not inside: constraint 1 (an end of the domain) is -1/2 there",
    );
    bad(&half(crossing(1 << 17, &[1, 1])), "exponent exceeds 65536");
    bad(&half(crossing(0, &[1])), "");
    // The only crossing is not in the cell, or on its boundary, whatever the point.
    for near in [crossing(0, &[1, 1]), crossing(-1, &[3, 3])] {
        let events = [above.clone(), near];
        let outside = "the crossing is not inside: constraint 0 (an end of the domain) is";
        on(&square(1, 2), &events, &format!("{outside} -1 there"));
        on(&square(0, 2), &events, &format!("{outside} 0 there"));
    }
    // Three hyperplanes in two coordinates.
    bad(
        &[crossing(0, &[0, 0])],
        "undecided units are not independent",
    );
    // All units are decided.
    bad(
        &[
            above.clone(),
            Event::Split(0),
            Event::Split(1),
            crossing(0, &[1, 1]),
        ],
        "a crossing of no hyperplanes: all units are decided",
    );
    // It is a leaf: its regions are not there twice, and nothing follows.
    let good = [above.clone(), crossing(0, &[0, 0])];
    let longer = [&good[..], &[crossing(0, &[0, 0])]].concat();
    bad(&longer, "the chunk goes on after the end of its walk");
    bad(
        &[&half(crossing(0, &[1, 0]))[..3]].concat(),
        "a chunk is missing",
    );
    bad(
        &[
            above.clone(),
            Event::Split(0),
            crossing(0, &[1, 0]),
            region(0, &[-1, 0]),
        ],
        "no region yet: unit 1 of layer 1",
    );
    // Wrong footers.
    let mut right = in_one_chunk(&network, &domain, false, &good);
    right.check(&network).unwrap();
    for regions in ["1", "2", "3", "5", "8"] {
        right.footer.regions = regions.into();
        let expected = format!("it says regions: {regions}, but the proof shows regions: 4");
        assert_rejected(right.check(&network), &expected);
    }
    right.footer.regions = "4".into();
    right.footer.digest = "0".repeat(32);
    assert_rejected(right.check(&network), "it says digest");
}

#[test]
fn dependent_hyperplanes_do_not_cross() {
    // Parallel lines, one line twice, one of them turned round; lines that nearly agree cross.
    for (other, regions) in [
        (vec![1, 2, 5], None),
        (vec![3, 6, 0], None),
        (vec![-1, -2, 0], None),
        (vec![-2, -4, 7], None),
        (vec![1 << 40, (2 << 40) + 1, 0], Some(4)),
    ] {
        let network = nets::arrangement(&[vec![1, 2, 0], other.clone()]);
        let events = [crossing(0, &[0, 0])];
        let mut crossed = in_one_chunk(&network, &Domain::everything(2), false, &events);
        match regions {
            None => assert_rejected(
                crossed.check(&network),
                "undecided units are not independent",
            ),
            Some(regions) => {
                crossed.repair(&network).unwrap();
                let counts = crossed.check(&network).unwrap().counts;
                assert_eq!((counts.regions, counts.big), (regions, 1), "{other:?}");
            }
        }
    }
}

#[test]
fn units_of_earlier_layers_do_not_cross() {
    let layer = |rows: &[[i64; 3]]| rows.iter().map(|row| nets::unit(row)).collect::<Vec<_>>();
    let rows = layer(&[[1, 0, 0], [0, 1, 0]]);
    let domain = square(-2, 2);
    // The second layer is positive everywhere, or cuts.
    for second in [[1, 1, 1], [1, 1, -1]] {
        let network = nets::dense(2, &[rows.clone(), layer(&[second])]);
        let crossed = in_one_chunk(&network, &domain, false, &[crossing(0, &[0, 0])]);
        let expected = "a crossing in layer 1, but only units of the last layer, 2, may cross";
        assert_rejected(crossed.check(&network), expected);
    }
    // x, y; then relu(x) + relu(y) - 1, which cuts three quadrants and is -1 on the last.
    let network = nets::dense(2, &[rows, layer(&[[1, 1, -1]])]);
    let events = [
        Event::Split(0),
        Event::Split(1),
        crossing(-1, &[1, 1]),
        crossing(0, &[1, -1]),
        Event::Split(1),
        crossing(0, &[-1, 1]),
        region(0, &[-1, -1]),
    ];
    let two_layers = in_one_chunk(&network, &domain, false, &events);
    assert_eq!(two_layers.check(&network).unwrap().counts.regions, 7);
    let mut outside = two_layers.clone();
    // relu(x) = 1 beyond the positive side of y.
    outside.chunks[0].events[3] = crossing(0, &[1, 1]);
    assert_rejected(
        outside.check(&network),
        "the crossing is not inside: constraint 5 (unit 1 of layer 1) is -1 there",
    );
}

#[test]
fn strictness_leaves_out_crossings_with_a_zero_unit() {
    // The second unit is zero.
    let network = nets::arrangement(&[vec![1, 0, 0], vec![0, 0, 0], vec![0, 1, 0]]);
    let domain = square(-2, 2);
    let events = [crossing(0, &[0, 0])];
    let mut crossed = in_one_chunk(&network, &domain, false, &events);
    assert_eq!(crossed.check(&network).unwrap().counts.regions, 4);
    crossed.header.strict = true;
    assert_rejected(
        crossed.check(&network),
        "strictness leaves this out: a unit is zero all over the cell",
    );
    let excluded = in_one_chunk(&network, &domain, true, &[Event::Excluded]);
    assert_eq!(excluded.check(&network).unwrap().counts.regions, 0);
}

fn explained(network: &Network, proof: &Proof, which: Which) -> Option<Explanation> {
    let bytes = proof.encode(Packing::Stored);
    let open = || Ok(&bytes[..]);
    check::explain(network, open, &which, &Options::default()).expect("the proof is right")
}

/// Every region of a crossing is found by its number, its pattern and its point, which is
/// inside, as the network itself says.
#[test]
fn regions_of_crossings_are_explained() {
    let (mut crossings, mut regions) = (0, 0);
    for seed in seeds(25) {
        let mut rng = Rng::new(seed);
        let kind = [Kind::Integer(2), Kind::Normal, Kind::Fraction][rng.below(3)];
        let inputs = 1 + rng.below(3);
        let widths: &[usize] = [&[3][..], &[5], &[2, 2]][rng.below(3)];
        let layers = nets::random_layers(&mut rng, kind, inputs, widths);
        let network = nets::dense(inputs, &layers);
        let domain = match rng.below(2) {
            0 => Domain::everything(inputs),
            _ => nets::integer_box(&vec![(Some(-2), Some(2)); inputs]),
        };
        let style = Style {
            crossing: 1,
            odd_charts: true,
            ..Style::default()
        };
        let proof = prove(&network, &domain, style, seed);
        let counts = proof.check(&network).unwrap().counts;
        crossings += counts.crossings;
        let mut found = BTreeSet::new();
        for number in 0..counts.regions {
            let by_number = explained(&network, &proof, Which::Number(number)).unwrap();
            let pattern: Vec<Sign> = by_number.units.iter().map(|unit| unit.sign).collect();
            let values = network.evaluate(&by_number.witness).pre_activations;
            let there: Vec<Sign> = values.iter().flatten().map(Sign::of).collect();
            assert_eq!(pattern, there, "seed {seed}, region {number}");
            assert!(domain.has_inside(&by_number.witness));
            let crosses = by_number
                .units
                .iter()
                .any(|unit| unit.reason == Reason::Crossing);
            assert_eq!(crosses, by_number.crossing.is_some());
            regions += u64::from(crosses);
            for side in 0..by_number.ends.len() + by_number.splits.len() {
                let (form, _) = by_number.constraint(side);
                let (constant, linear) = form.split_last().unwrap();
                let terms = linear
                    .iter()
                    .zip(&by_number.coordinates)
                    .map(|(a, y)| a * y);
                let value = terms.fold(constant.clone(), |sum, term| sum + term);
                assert!(value.is_positive(), "seed {seed}, region {number}");
            }
            for which in [
                Which::Pattern(Pattern(pattern.clone())),
                Which::Point(by_number.witness.clone()),
            ] {
                let again = explained(&network, &proof, which).unwrap();
                assert_eq!(again.number, number);
                assert_eq!(again.witness, by_number.witness);
            }
            found.insert(pattern.iter().map(|sign| sign.symbol()).collect::<String>());
        }
        assert_eq!(found, patterns::patterns(&network, &domain), "seed {seed}");
        assert!(explained(&network, &proof, Which::Number(counts.regions)).is_none());
    }
    assert!(crossings > 30 && regions > 80, "{crossings} {regions}");
}

/// As a user runs it; numbers are in the order in which splits would give them.
#[test]
fn the_program_checks_and_explains_crossings() {
    let (network, domain) = quadrants();
    let events = [side(2, &[0, 2]), crossing(-3, &[1, 1])];
    let crossed = in_one_chunk(&network, &domain, false, &events);
    let folder = Folder::new();
    let file = folder.file("crossing.chp", crossed.encode(Packing::Zstd));
    let model = serde_json::json!({"input_shape": [2], "layers": [{
        "type": "dense", "weight": [[1, 0], [0, 1], [1, 1]], "bias": [0, 0, 5], "activation": "relu",
    }]});
    let model = folder.file("model.json", model.to_string());
    let text = succeed(&["check", &file, "--model", &model]);
    assert!(text.starts_with("VERIFIED: 4 regions\n"), "{text}");
    assert!(text.contains("0 splits, 1 sides, 1 crossings, "), "{text}");
    let object = json(&["check", &file, "--model", &model, "--json"]);
    assert_eq!(object["crossings"], 1);
    assert_eq!(object["decisions"]["intervals"], 2);

    let explain = ["explain", &file, "--model", &model];
    for (number, pattern, point, witness) in [
        ("0", "+++", "1/2,1", ["1", "1"]),
        ("1", "+-+", "1/9,-3/2", ["1", "-1"]),
        ("2", "-++", "-1,1/2", ["-1", "1"]),
        ("3", "--+", "-1/3,-1e-9", ["-1", "-1"]),
    ] {
        for which in [
            ["--region", number],
            ["--pattern", pattern],
            ["--point", point],
        ] {
            let object = json(&[&explain[..], &which, &["--json"]].concat());
            assert_eq!(object["region"].to_string(), number);
            assert_eq!(object["pattern"], pattern);
            assert_eq!(object["point"], serde_json::json!(witness));
            assert_eq!(object["crossing"], serde_json::json!(["0", "0"]));
            let reasons: Vec<_> = (0..3).map(|k| &object["units"][k]["reason"]).collect();
            assert_eq!(reasons, ["crossing", "crossing", "side"]);
        }
    }
    let text = succeed(&[&explain[..], &["--region", "1"]].concat());
    for part in [
        "crossing  y = (0, 0)\n",
        "the hyperplanes of unit 0 of layer 1, unit 1 of layer 1: every choice",
        "+ unit 0 of layer 1: h = y0\n",
        "vanishes at the crossing, around which it has both signs; 1 at the point\n",
        "vanishes at the crossing, around which it has both signs; -1 at the point\n",
    ] {
        assert!(text.contains(part), "no {part:?} in\n{text}");
    }
    program::refused(&[&explain[..], &["--region", "4"]].concat(), &["region 4"]);
    program::refused(&[&explain[..], &["--point", "0,1"]].concat(), &["0,1"]);
    program::refused(&[&explain[..], &["--pattern", "0++"]].concat(), &["0++"]);
}
