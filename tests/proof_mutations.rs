//! Proofs that are broken by hand in every way that the format allows. Each is rejected
//! with its reason; where a change leaves a proof, it is accepted with the same count.

mod common;

use chambers::arrangement::Domain;
use chambers::network::Network;
use chambers::proof::check::{self, Flaw, Options, Verdict};
use chambers::proof::format::{Decided, Entry, Kind, Packing, domain_to_text, put, write_record};
use common::networks::{self as nets};
use common::proofs::{Chunk, Event, Proof, check_bytes};
use common::prover::{Style, prove};
use num_bigint::BigInt;

fn assert_rejected(result: Result<Verdict, Flaw>, expected: &str, case: &str) {
    match result {
        Ok(verdict) => panic!("{case}: verified with {:?}", verdict.counts),
        Err(flaw) => {
            let message = flaw.to_string();
            assert!(
                message.contains(expected),
                "{case}: {message:?} has no {expected:?}"
            );
        }
    }
}

fn region(exponent: i64, point: [i64; 2]) -> Event {
    Event::Region {
        exponent,
        mantissas: point.map(BigInt::from).to_vec(),
    }
}

fn entry(unit: u32, how: Decided) -> Entry {
    Entry { unit, how }
}

/// Units x, y and x + y + 5 on the box [-2, 2]^2: four regions.
fn quadrants() -> (Network, Domain, Proof) {
    let units: Vec<nets::Unit> = [[1, 0, 0], [0, 1, 0], [1, 1, 5]]
        .iter()
        .map(|row| nets::unit(row))
        .collect();
    let network = nets::dense(2, &[units]);
    let domain = nets::integer_box(&[(Some(-2), Some(2)); 2]);
    // Chart and footer of any proof of this network; the steps by hand.
    let mut proof = prove(&network, &domain, Style::default(), 0);
    assert_eq!(proof.footer.regions, "4");
    proof.chunks = vec![Chunk {
        chart: 0,
        trail: vec![],
        events: vec![
            // x + y + 5 = (x + 2) + (y + 2) + 1
            Event::Side {
                unit: 2,
                positive: true,
                constraints: vec![0, 2],
            },
            Event::Split(0),
            Event::Split(1),
            region(0, [1, 1]),
            region(0, [1, -1]),
            Event::Split(1),
            region(0, [-1, 1]),
            region(0, [-1, -1]),
        ],
    }];
    (network, domain, proof)
}

/// The same in three chunks: the second goes on where the first ends, the third is
/// elsewhere.
fn in_chunks() -> (Network, Proof) {
    let (network, _, mut proof) = quadrants();
    let events = proof.chunks[0].events.clone();
    let chunk = |trail: &[Entry], events: &[Event]| Chunk {
        chart: 0,
        trail: trail.to_vec(),
        events: events.to_vec(),
    };
    let side = entry(2, Decided::Positive);
    proof.chunks = vec![
        chunk(&[], &events[..3]),
        chunk(
            &[
                side,
                entry(0, Decided::SplitPending),
                entry(1, Decided::SplitPending),
            ],
            &[
                events[3].clone(),
                events[4].clone(),
                events[5].clone(),
                Event::Elsewhere,
                events[7].clone(),
            ],
        ),
        chunk(
            &[
                side,
                entry(0, Decided::SplitNegative),
                entry(1, Decided::SplitPositive),
            ],
            &events[6..7],
        ),
    ];
    proof.footer.chunks = 3;
    (network, proof)
}

#[test]
fn the_proofs_by_hand_are_right() {
    let (network, _, proof) = quadrants();
    assert_eq!(proof.check(&network).unwrap().counts.regions, 4);
    let (network, mut proof) = in_chunks();
    for _ in 0..3 {
        proof.chunks.rotate_left(1);
        let verdict = proof.check(&network).unwrap();
        assert!(verdict.complete);
        assert_eq!((verdict.counts.regions, verdict.chunks), (4, 3));
    }
}

#[test]
fn wrong_steps_are_rejected() {
    let (network, _, proof) = quadrants();
    let side = |unit, positive, constraints: &[u64]| Event::Side {
        unit,
        positive,
        constraints: constraints.to_vec(),
    };
    let empty = |first, others: &[u64]| Event::Empty {
        first,
        others: others.to_vec(),
    };
    let point = |exponent: i64, mantissas: &[i64]| Event::Region {
        exponent,
        mantissas: mantissas.iter().map(|&m| BigInt::from(m)).collect(),
    };
    // An event put in the place of another.
    let replaced: Vec<(usize, Event, &str)> = vec![
        (
            0,
            side(2, false, &[0, 2]),
            "event 0 (byte 2): unit 2 of layer 1 is not proved negative: the multiplier of constraint 0 (an end of the domain) is -1",
        ),
        (
            0,
            side(2, true, &[0, 3]),
            "the multiplier of constraint 3 (an end of the domain) is -1",
        ),
        (0, side(2, true, &[1, 2]), "the multiplier of constraint 1"),
        (0, side(2, true, &[0]), "no combination"),
        (0, side(2, true, &[]), "no side before"),
        (0, side(2, true, &[0, 1]), "not independent"),
        (0, side(2, true, &[0, 0]), "named twice"),
        (
            0,
            side(2, true, &[0, 4]),
            "there is no constraint 4, only 4",
        ),
        (
            0,
            side(2, true, &[0, 2, 1]),
            "3 constraints in 2 coordinates",
        ),
        (0, side(0, true, &[0]), "the constant that is left is -2"),
        (0, side(3, true, &[0, 2]), "there is no unit 3 in layer 1"),
        (0, side(u64::MAX / 4, true, &[]), "there is no unit"),
        (0, side(2, true, &[u64::MAX, 0]), "there is no constraint"),
        (0, Event::Split(2), "a chunk is missing: chunk 0 leads"),
        (
            1,
            Event::Split(2),
            "unit 2 of layer 1 is decided: it has sign +",
        ),
        (1, side(2, true, &[0, 2]), "is decided"),
        (
            2,
            side(1, true, &[4, 2]),
            "unit 1 of layer 1 is not proved positive: the constant that is left is -2",
        ),
        (
            1,
            point(0, &[1, 1]),
            "no region yet: unit 0 of layer 1, unit 0 of the network",
        ),
        (2, point(0, &[1, 1]), "no region yet: unit 1"),
        (
            3,
            point(0, &[0, 1]),
            "the point is not inside: constraint 4 (unit 0 of layer 1) is 0 there",
        ),
        (
            3,
            point(0, &[1, 0]),
            "constraint 5 (unit 1 of layer 1) is 0 there",
        ),
        (
            3,
            point(0, &[-1, 1]),
            "constraint 4 (unit 0 of layer 1) is -1 there",
        ),
        (
            3,
            point(1, &[1, 1]),
            "constraint 1 (an end of the domain) is 0 there",
        ),
        (
            3,
            point(0, &[3, 1]),
            "constraint 1 (an end of the domain) is -1 there",
        ),
        (
            3,
            point(65_536, &[1, 1]),
            "the point is not inside: constraint 1 (an end of the domain) is about -2^",
        ),
        (3, point(65_537, &[1, 1]), "exponent exceeds 65536"),
        (3, point(i64::MIN, &[1, 1]), "exponent exceeds 65536"),
        (3, point(0, &[1]), "constraint"),
        (3, Event::Split(0), "all units are decided"),
        (3, side(0, true, &[4]), "all units are decided"),
        (3, empty(0, &[1]), "the constant that is left is -4"),
        (
            3,
            empty(4, &[0, 2]),
            "the multiplier of constraint 0 (an end of the domain) is -1",
        ),
        (3, empty(4, &[5]), "no combination"),
        (3, empty(6, &[]), "there is no constraint 6"),
        (3, empty(0, &[0]), "the multiplier of constraint 0"),
        (0, Event::Elsewhere, "cannot begin"),
        (
            3,
            Event::Elsewhere,
            "a chunk is missing: chunk 0 leads to a node",
        ),
        (
            0,
            Event::Excluded,
            "a cell is left out, but the proof is not strict",
        ),
        (
            3,
            Event::Open,
            "footer: it says regions: 4, but the proof shows regions: 3",
        ),
    ];
    for (at, event, expected) in replaced {
        let mut changed = proof.clone();
        changed.chunks[0].events[at] = event.clone();
        assert_rejected(
            changed.check(&network),
            expected,
            &format!("{at}: {event:?}"),
        );
    }
    // An event left out, one written twice, two exchanged.
    for (at, expected) in [
        (0, "no region yet"),
        (1, "no region yet"),
        (2, "no region yet"),
        (3, "constraint 5 (unit 1 of layer 1) is -1"),
        (4, "all units are decided"),
        (5, "no region yet"),
        (6, "constraint 5"),
        (7, "a chunk is missing: chunk 0 leads"),
    ] {
        let mut changed = proof.clone();
        changed.chunks[0].events.remove(at);
        assert_rejected(changed.check(&network), expected, &format!("without {at}"));
    }
    for (at, expected) in [
        (0, "is decided"),
        (1, "is decided"),
        (2, "all units are decided"),
        (3, "constraint 5"),
        (4, "no region yet"),
        (5, "all units are decided"),
        (6, "constraint 5"),
        (7, "the chunk goes on after the end of its walk"),
    ] {
        let mut changed = proof.clone();
        let event = changed.chunks[0].events[at].clone();
        changed.chunks[0].events.insert(at, event);
        assert_rejected(changed.check(&network), expected, &format!("{at} twice"));
    }
    for (at, expected) in [
        // Only on the positive side of the split.
        (0, "no region yet: unit 2 of layer 1"),
        (1, "constraint"),
        (2, "no region yet"),
        (3, "constraint 5"),
        (4, "all units are decided"),
        (5, "no region yet"),
        (6, "constraint 5"),
    ] {
        let mut changed = proof.clone();
        changed.chunks[0].events.swap(at, at + 1);
        assert_rejected(changed.check(&network), expected, &format!("{at} swapped"));
    }
}

#[test]
fn witnesses_may_be_anywhere_inside() {
    let (network, _, proof) = quadrants();
    for (exponent, point) in [
        (0, [1, 1]),
        (-1, [3, 1]),
        (-65_536, [1, 1]),
        (-60, [1 << 60, 1]),
    ] {
        let mut changed = proof.clone();
        changed.chunks[0].events[3] = region(exponent, point);
        assert_eq!(
            changed.check(&network).unwrap().counts.regions,
            4,
            "{point:?}"
        );
    }
}

#[test]
fn wrong_footers_are_rejected() {
    let (network, _, proof) = quadrants();
    let changed = |change: &dyn Fn(&mut Proof)| {
        let mut changed = proof.clone();
        change(&mut changed);
        changed.check(&network)
    };
    for (regions, expected) in [
        ("3", "it says regions: 3, but the proof shows regions: 4"),
        ("5", "it says regions: 5"),
        ("04", "regions: 04"),
        ("", "regions: ,"),
        ("4 ", "regions: 4 "),
    ] {
        let result = changed(&|proof| proof.footer.regions = regions.into());
        assert_rejected(result, expected, regions);
    }
    let result = changed(&|proof| proof.footer.complete = false);
    assert_rejected(result, "it says complete: false", "complete");
    let result = changed(&|proof| proof.footer.chunks = 2);
    assert_rejected(result, "it says chunks: 2", "chunks");
    let result = changed(&|proof| proof.footer.digest = "0".repeat(32));
    assert_rejected(result, "it says digest: 0000", "digest");
    // An open leaf, told and untold.
    let open = |proof: &mut Proof| proof.chunks[0].events[3] = Event::Open;
    let result = changed(&|proof| {
        open(proof);
        proof.footer.regions = "3".into();
    });
    assert_rejected(result, "it says complete: true", "open");
    let mut told = proof.clone();
    open(&mut told);
    told.repair(&network).unwrap();
    let verdict = told.check(&network).unwrap();
    assert!(!verdict.complete);
    assert_eq!((verdict.counts.regions, verdict.counts.open), (3, 1));
    told.footer.complete = true;
    assert_rejected(told.check(&network), "it says complete: true", "open");
}

#[test]
fn wrong_chunks_are_rejected() {
    let (network, proof) = in_chunks();
    let expect = |change: &dyn Fn(&mut Vec<Chunk>), expected: &str, case: &str| {
        let mut changed = proof.clone();
        change(&mut changed.chunks);
        changed.footer.chunks = changed.chunks.len() as u64;
        assert_rejected(changed.check(&network), expected, case);
    };
    expect(
        &|chunks| drop(chunks.remove(0)),
        "chunk 0 begins at a node that no chunk leads to",
        "0",
    );
    expect(
        &|chunks| drop(chunks.remove(1)),
        "chunk 1 begins at a node that no chunk leads to",
        "1",
    );
    expect(
        &|chunks| drop(chunks.remove(2)),
        "a chunk is missing: chunk 1 leads",
        "2",
    );
    expect(
        &|chunks| chunks.truncate(1),
        "a chunk is missing: chunk 0 leads",
        "only the first",
    );
    expect(&Vec::clear, "a chunk is missing: the header leads", "none");
    for twice in 0..3 {
        let change = |chunks: &mut Vec<Chunk>| chunks.push(chunks[twice].clone());
        expect(&change, "chunk 3 begins", &format!("{twice} twice"));
    }
    // Cut chunks: the node reached is promised, and nothing begins there.
    for (chunk, length) in [(0, 3), (1, 5), (2, 1)] {
        for keep in 0..length {
            let expected = match (chunk, keep) {
                (_, 0) => "no event",
                // All that the third chunk needs is promised.
                (1, 4) => "a chunk is missing: chunk 1",
                _ => "begins at a node that no chunk leads to",
            };
            let change = |chunks: &mut Vec<Chunk>| chunks[chunk].events.truncate(keep);
            expect(&change, expected, &format!("chunk {chunk} cut to {keep}"));
        }
    }
    // Starts.
    type Change = fn(&mut Chunk);
    let starts: [(usize, Change, &str); 9] = [
        (
            1,
            |c| c.trail[1].how = Decided::SplitPositive,
            "goes on after the end of its walk",
        ),
        (
            1,
            |c| c.trail[1].how = Decided::SplitNegative,
            "constraint 4 (unit 0 of layer 1) is -1",
        ),
        (
            1,
            |c| c.trail[0].how = Decided::Negative,
            "begins at a node",
        ),
        (1, |c| c.trail.truncate(2), "no region yet"),
        (
            1,
            |c| c.trail[0].unit = 1,
            "start: entry 2 of the trail: unit 1 of layer 1 is decided",
        ),
        (
            1,
            |c| c.trail.push(entry(0, Decided::Positive)),
            "start: it is no chart",
        ),
        (1, |c| c.trail[0].unit = 3, "start: it is no chart"),
        (1, |c| c.chart = 1, "start: there is no chart 1, only 1"),
        (
            2,
            |c| c.trail[2].how = Decided::SplitPending,
            "begins at a node",
        ),
    ];
    for (number, (chunk, change, expected)) in starts.into_iter().enumerate() {
        let change = |chunks: &mut Vec<Chunk>| change(&mut chunks[chunk]);
        expect(&change, expected, &format!("start {number}"));
    }
    // A piece that hangs together with nothing: two chunks that lead to each other do not
    // exist, as what a chunk leads to comes after its start.
    let floating = Chunk {
        trail: vec![entry(0, Decided::SplitPending)],
        events: vec![Event::Open],
        ..Chunk::default()
    };
    let after = Chunk {
        trail: vec![entry(0, Decided::SplitNegative)],
        events: vec![Event::Open],
        ..Chunk::default()
    };
    let change = |chunks: &mut Vec<Chunk>| chunks.extend([floating.clone(), after.clone()]);
    expect(
        &change,
        "chunk 3 begins at a node that no chunk leads to",
        "floating",
    );
}

#[test]
fn other_networks_and_domains_are_told_apart() {
    let (network, domain, proof) = quadrants();
    let other = nets::arrangement(&[vec![1, 0, 0], vec![0, 1, 0], vec![1, 1, 6]]);
    let result = proof.check(&other);
    assert_rejected(proof.check(&other), &network.digest(), "another network");
    assert_rejected(result, &other.digest(), "another network");
    let bytes = proof.encode(Packing::Zstd);
    let expecting = |domain: &Domain| {
        let options = Options {
            domain: Some(domain),
            ..Options::default()
        };
        check::check(&network, &bytes[..], &options)
    };
    assert_eq!(expecting(&domain).unwrap().counts.regions, 4);
    let wrong = nets::integer_box(&[(Some(-2), Some(2)), (Some(-2), Some(3))]);
    for part in [
        "another domain",
        "[-2, 2] x [-2, 2]",
        "not [-2, 2] x [-2, 3]",
    ] {
        assert_rejected(expecting(&wrong), part, "another domain");
    }
    // The domain in the header, changed.
    let changed = |domain: &Domain| {
        let mut changed = proof.clone();
        changed.header.domain = domain_to_text(domain);
        changed.check(&network)
    };
    let sides = |x: (i64, i64), y: (i64, i64)| {
        nets::integer_box(&[(Some(x.0), Some(x.1)), (Some(y.0), Some(y.1))])
    };
    // x + y + 5 may be negative, or is zero at a corner: still positive inside.
    let result = changed(&sides((-3, 2), (-3, 2)));
    assert_rejected(result, "the constant that is left is -1", "larger");
    let verdict = changed(&sides((-3, 2), (-2, 2))).unwrap();
    assert_eq!(
        (verdict.counts.regions, verdict.domain),
        (4, sides((-3, 2), (-2, 2)))
    );
    let result = changed(&sides((0, 2), (-2, 2)));
    assert_rejected(
        result,
        "constraint 0 (an end of the domain) is -1 there",
        "smaller",
    );
    let result = changed(&sides((-1, 2), (-2, 2)));
    assert_rejected(
        result,
        "constraint 0 (an end of the domain) is 0 there",
        "smaller",
    );
    let result = changed(&sides((1, 1), (-2, 2)));
    assert_rejected(result, "input 0 is fixed by the domain, but moves", "flat");
    let result = changed(&sides((2, -2), (-2, 2)));
    assert_rejected(result, "1 charts; expected 0", "empty");
    let result = changed(&Domain::everything(2));
    assert_rejected(result, "there is no constraint 0, only 0", "everything");
    let result = changed(&Domain::everything(3));
    assert_rejected(
        result,
        "3 intervals, but the network has 2 inputs",
        "more inputs",
    );
    let mut changed = proof.clone();
    changed.header.domain[0][0] = Some("-4/2".into());
    assert_rejected(
        changed.check(&network),
        "no number p or p/q in lowest terms",
        "-4/2",
    );
    changed.header.domain[0][0] = Some("1".repeat(1 << 20));
    assert_rejected(changed.check(&network), "too long a number", "long");
}

#[test]
fn wrong_headers_are_rejected() {
    let (network, _, proof) = quadrants();
    type Change = fn(&mut Proof);
    let changes: [(Change, &str); 16] = [
        (
            |p| p.header.network = "0".repeat(64),
            "another network: its digest is 0000",
        ),
        (|p| p.header.network = String::new(), "another network"),
        (|p| p.header.charts.clear(), "0 charts; expected 1"),
        (
            |p| p.header.charts.push(p.header.charts[0].clone()),
            "2 charts; expected 1",
        ),
        (
            |p| p.header.lead = Some(0),
            "charts on rays need all of R^n as domain",
        ),
        (
            |p| p.header.charts[0].dimension = 1,
            "input 1: coordinate 1 of 1 does not exist",
        ),
        (
            |p| p.header.charts[0].dimension = 3,
            "3 coordinates for 2 inputs",
        ),
        (
            |p| p.header.charts[0].dimension = 1_000_000_000,
            "1000000000 coordinates",
        ),
        (
            |p| drop(p.header.charts[0].inputs.pop()),
            "1 inputs; the network has 2",
        ),
        (
            |p| p.header.charts[0].inputs[0].terms.clear(),
            "coordinate 0 belongs to no input",
        ),
        (
            |p| p.header.charts[0].inputs[1].terms[0].0 = 0,
            "input 1 shares its coordinate",
        ),
        (
            |p| p.header.charts[0].inputs[1].terms[0].1 = "0".into(),
            "a coefficient is zero",
        ),
        (
            |p| p.header.charts[0].inputs[1].terms.push((0, "1".into())),
            "do not ascend",
        ),
        (
            |p| {
                p.header.charts[0].inputs[1]
                    .terms
                    .insert(0, (0, "1".into()))
            },
            "more than one coordinate",
        ),
        (
            |p| p.header.charts[0].inputs[1].constant = "x".into(),
            "input 1: a number is not",
        ),
        (
            |p| {
                p.header.charts[0].dimension = 1;
                p.header.charts[0].inputs[1].terms.clear();
            },
            "input 1 is left out, but a unit depends on it and its interval is not all",
        ),
    ];
    for (number, (change, expected)) in changes.into_iter().enumerate() {
        let mut changed = proof.clone();
        change(&mut changed);
        assert_rejected(
            changed.check(&network),
            expected,
            &format!("header {number}"),
        );
    }
    // Other coordinates of the same box: the certificates hold, the points move.
    for (slope, constant, expected) in [
        ("1", "1/2", None),
        ("1", "1", Some("constraint 1 (an end of the domain) is 0")),
        ("3/2", "0", None),
        ("2", "0", Some("constraint 1 (an end of the domain) is 0")),
        ("-1", "0", Some("constraint 4 (unit 0 of layer 1) is -1")),
        ("1", "-1", Some("constraint 4 (unit 0 of layer 1) is 0")),
    ] {
        let mut changed = proof.clone();
        let input = &mut changed.header.charts[0].inputs[0];
        (input.terms[0].1, input.constant) = (slope.into(), constant.into());
        match expected {
            None => assert_eq!(changed.check(&network).unwrap().counts.regions, 4),
            Some(expected) => assert_rejected(changed.check(&network), expected, slope),
        }
    }
}

#[test]
fn wrong_rays_are_rejected() {
    // Three lines through the origin in R^3, all containing the same line: rank 2.
    let network = nets::arrangement(&[vec![1, 0, 1, 0], vec![0, 1, 1, 0], vec![1, 1, 2, 0]]);
    let style = Style {
        rays: true,
        ..Style::default()
    };
    let proof = prove(&network, &Domain::everything(3), style, 1);
    assert_eq!(proof.check(&network).unwrap().counts.regions, 6);
    assert_eq!(proof.header.lead, Some(0));
    type Change = fn(&mut Proof);
    let changes: [(Change, &str); 9] = [
        (
            |p| p.header.lead = Some(1),
            "chart 0: the lead, unit 1, is not constant on it",
        ),
        (
            |p| p.header.lead = Some(3),
            "the first layer has no unit 3 to lead",
        ),
        (
            |p| p.header.lead = Some(usize::MAX),
            "the first layer has no unit",
        ),
        (|p| p.header.lead = None, "2 charts; expected 1"),
        (
            |p| p.header.charts.swap(0, 1),
            "chart 0: the lead, unit 0, is not positive",
        ),
        (
            |p| p.header.charts[1] = p.header.charts[0].clone(),
            "chart 1: the lead, unit 0, is not negative",
        ),
        (
            |p| p.header.charts[0].inputs[0].constant = "0".into(),
            "the lead, unit 0, is not positive",
        ),
        (
            |p| p.header.domain[0][0] = Some("-9".into()),
            "charts on rays need all of R^n",
        ),
        (
            |p| {
                let inputs = &mut p.header.charts[0].inputs;
                inputs.iter_mut().for_each(|input| input.terms.clear());
            },
            "the units depend on the inputs in ways that the chart does not show",
        ),
    ];
    for (number, (change, expected)) in changes.into_iter().enumerate() {
        let mut changed = proof.clone();
        change(&mut changed);
        assert_rejected(changed.check(&network), expected, &format!("rays {number}"));
    }
    // The rank is 2: one coordinate less shows the same.
    let mut changed = proof.clone();
    changed.header.charts[0].inputs[1].terms.clear();
    assert_eq!(changed.check(&network).unwrap().counts.regions, 6);
    // A bias anywhere before the last ReLU.
    let biased = nets::arrangement(&[vec![1, 0, 1, 0], vec![0, 1, 1, 1], vec![1, 1, 2, 0]]);
    let mut changed = proof.clone();
    changed.header.network = biased.digest();
    assert_rejected(changed.check(&biased), "without biases", "bias");
}

#[test]
fn damaged_files_are_rejected() {
    let (network, proof) = in_chunks();
    for packing in [Packing::Stored, Packing::Zstd] {
        let bytes = proof.encode(packing);
        assert!(check_bytes(&network, &bytes).is_ok());
        for length in 0..bytes.len() {
            assert!(
                check_bytes(&network, &bytes[..length]).is_err(),
                "cut to {length}"
            );
        }
        for bit in 0..8 * bytes.len() {
            let mut changed = bytes.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(check_bytes(&network, &changed).is_err(), "bit {bit}");
        }
        for more in [&b"x"[..], b"\n", &[0; 40], &bytes, &bytes[17..]] {
            let longer = [&bytes, more].concat();
            assert_rejected(
                check_bytes(&network, &longer),
                "something follows the footer",
                "more",
            );
        }
    }
    assert_rejected(
        check_bytes(&network, b""),
        "this is no proof: it begins with nothing",
        "",
    );
    assert_rejected(
        check_bytes(&network, b"PK\x03\x04"),
        "this is no proof: it begins with \"P\"",
        "zip",
    );
    let version = b"chambers proof 1\n";
    assert_rejected(
        check_bytes(&network, version),
        "version \"1\"; this program knows version 2",
        "2",
    );
    // Records in a wrong order, with right checksums.
    let bytes = proof.encode(Packing::Stored);
    let (first_line, mut rest) = bytes.split_at(17);
    let mut records = Vec::new();
    while !rest.is_empty() {
        let length = 26 + u32::from_le_bytes(rest[2..6].try_into().unwrap()) as usize;
        records.push(&rest[..length]);
        rest = &rest[length..];
    }
    assert_eq!(records.len(), 5);
    let assemble = |order: &[usize]| {
        let mut bytes = first_line.to_vec();
        order.iter().for_each(|&k| bytes.extend(records[k]));
        check_bytes(&network, &bytes)
    };
    assert!(assemble(&[0, 3, 1, 2, 4]).is_ok());
    assert_rejected(
        assemble(&[]),
        "record 0: the first record is not the header",
        "nothing",
    );
    assert_rejected(
        assemble(&[1, 0, 2, 3, 4]),
        "the first record is not the header",
        "late",
    );
    assert_rejected(
        assemble(&[0, 1, 0, 2, 3, 4]),
        "record 2: it is a second header",
        "twice",
    );
    assert_rejected(
        assemble(&[0, 1, 2, 3]),
        "the file ends without a footer",
        "no footer",
    );
    assert_rejected(
        assemble(&[0, 1, 2, 4, 3]),
        "something follows the footer",
        "early",
    );
    assert_rejected(
        assemble(&[0, 1, 2, 3, 4, 4]),
        "something follows the footer",
        "two footers",
    );
    // JSON that is none, or is something else.
    let with = |kind, body: &[u8]| {
        let mut bytes = first_line.to_vec();
        if kind == Kind::Footer {
            records[..4].iter().for_each(|record| bytes.extend(*record));
        }
        write_record(kind, Packing::Stored, body, &mut bytes).unwrap();
        check_bytes(&network, &bytes)
    };
    let deep = "[".repeat(1 << 16);
    let long = vec![b' '; 1 << 13];
    for body in [
        &b""[..],
        b"{}",
        b"[]",
        b"null",
        b"{\"chambers\":1}",
        b"\xff",
        deep.as_bytes(),
    ] {
        assert_rejected(with(Kind::Header, body), "header: it is none", "header");
        let result = with(Kind::Footer, body);
        assert!(result.unwrap_err().to_string().contains("footer"));
    }
    // Every key is there once.
    let header = serde_json::to_value(&proof.header).unwrap();
    for key in header.as_object().unwrap().keys() {
        let mut without = header.clone();
        without.as_object_mut().unwrap().remove(key);
        let result = with(Kind::Header, without.to_string().as_bytes());
        assert_rejected(result, "missing field", key);
        let twice = format!("{{\"{key}\":{},{}", header[key], &header.to_string()[1..]);
        let result = with(Kind::Header, twice.as_bytes());
        assert_rejected(result, "duplicate field", key);
    }
    assert_rejected(
        with(Kind::Footer, &long),
        "the footer is too long",
        "footer",
    );
    assert_rejected(
        with(Kind::Header, &vec![b' '; 1 << 22]),
        "header: it is too long",
        "header",
    );
}

#[test]
fn absurd_chunks_are_refused_at_once() {
    let (network, _, proof) = quadrants();
    let verifier = check::Verifier::new(&network, &proof.header).unwrap();
    let encode = |numbers: &[u64]| {
        let mut bytes = Vec::new();
        numbers.iter().for_each(|&number| put(&mut bytes, number));
        bytes
    };
    let huge = u64::MAX;
    for (numbers, expected) in [
        (&[][..], "start: it is no chart"),
        (&[0], "start: it is no chart"),
        (&[0, 0], "no event"),
        (&[huge, 0, 0], "there is no chart"),
        (&[0, huge], "start: it is no chart"),
        (&[0, 4, 0, 8, 16, 0], "start: it is no chart"),
        (&[0, 1, huge], "start: it is no chart"),
        (&[0, 1, 5], "start: it is no chart"),
        (&[0, 0, huge], "there is no leaf of kind"),
        (&[0, 0, huge - 3], "there is no unit"),
        (&[0, 0, 1, huge], "constraints in 2 coordinates"),
        (&[0, 0, 1, 2], "cut off"),
        (&[0, 0, 7, huge, 0], "constraints in 2 coordinates"),
        (&[0, 0, 7, 0, huge], "there is no constraint"),
        (&[0, 0, 7], "cut off"),
        (&[0, 0, 35], "there is no leaf of kind 8"),
        (&[0, 0, 31], "cut off"),
        (&[0, 0, 31, 0, 0], "the event before, which has none"),
        (&[0, 0, 31, 0], "the event before, which has none"),
        (&[0, 0, 31, huge, 1], "at most 4096"),
        (&[0, 0, 31, 4096, 1], "cut off"),
        (&[0, 0, 31, 1, huge], "at most 64"),
        (&[0, 0, 31, 1, 2, 0, 0], "named twice"),
        (&[0, 0, 31, 1, 1, 0, 0], "a set of no constraints"),
        (&[0, 0, 31, 1, 1, 0, huge], "constraint 63 of the 1"),
        (&[0, 0, 31, 1, 1, 0, 1, huge], "cut off"),
        (&[0, 0, 31, 1, 1, 0, 1, 1, huge], "there is no unit"),
        (&[0, 0, 31, 1, 1, 0, 1, 0, 0], "cut off"),
        (&[0, 0, 31, 1, 1, 0, 1, 0, 0, 0], "sides of no unit"),
        (&[0, 0, 31, 1, 1, 0, 1, 0, 8, 0], "there is no unit 3"),
        (&[0, 0, 27], "cut off"),
        (&[0, 0, 27, huge, 0], "at most 4096"),
        (&[0, 0, 27, 1, huge], "at most 64"),
        (
            &[0, 0, 27, 1, 3, 0, 1, 2, 7],
            "3 constraints in 2 coordinates",
        ),
        (&[0, 0, 1, 0], "no side before"),
    ] {
        let message = verifier.chunk(7, &encode(numbers)).unwrap_err().to_string();
        assert!(message.contains(expected), "{numbers:?}: {message}");
        assert!(message.starts_with("chunk 7, "), "{message}");
    }
    let overlong = verifier.chunk(0, &[0, 0, 0x80, 0x00]).unwrap_err();
    assert!(overlong.to_string().contains("one form"));
    assert!(verifier.chunk(0, &[0xff; 1 << 16]).is_err());
}
