//! Arrangements: leaves that stand for all regions into which hyperplanes in general position cut a
//! cell. Counts come from theory, by hand, or from the oracle.

mod common;

use std::cell::Cell;
use std::collections::BTreeSet;

use chambers::arrangement::Domain;
use chambers::network::Network;
use chambers::proof::check::{self, Options, Reason, Which};
use chambers::proof::format::{Decided, Entry, Packing};
use chambers::regions::digest::PatternHash;
use chambers::regions::{Digest, Sign};
use common::model::Form;
use common::networks::{self as nets, Kind};
use common::patterns;
use common::proofs::{Chunk, Event, Proof, Sets};
use common::prover::{flats_in, in_one_chunk, patterns_in};
use common::rng::{Rng, seeds};
use num_bigint::BigInt;
use num_traits::Signed;

/// The leaf, where all constraints of the cell bound it.
const WHOLE: Event = Event::Arrangement(Sets {
    named: vec![],
    members: vec![],
});

/// The regions of a proof whose only event is the arrangement.
fn regions(network: &Network, domain: &Domain) -> Result<u64, String> {
    let proof = in_one_chunk(network, domain, false, &[WHOLE]);
    // The footer has what the prover's own proof has.
    let verdict = proof.check(network).map_err(|flaw| flaw.to_string())?;
    assert_eq!(verdict.counts.arrangements, 1);
    Ok(verdict.counts.regions)
}

fn assert_rejected(network: &Network, domain: &Domain, events: &[Event], expected: &str) {
    let result = in_one_chunk(network, domain, false, events).check(network);
    let message = result.unwrap_err().to_string();
    assert!(message.contains(expected), "{message:?}: no {expected:?}");
}

fn assert_special(network: &Network, domain: &Domain) {
    let expected = "undecided units are not in general position in the cell";
    assert_rejected(network, domain, &[WHOLE], expected);
}

fn square(lower: i64, upper: i64) -> Domain {
    nets::integer_box(&[(Some(lower), Some(upper)); 2])
}

#[test]
fn lines_by_hand() {
    let plane = Domain::everything(2);
    let lines = |rows: &[[i64; 3]]| {
        let rows: Vec<Vec<i64>> = rows.iter().map(|row| row.to_vec()).collect();
        nets::arrangement(&rows)
    };
    // x, y and x + y - 1: a triangle, three regions at its sides and three at its vertices.
    let triangle = lines(&[[1, 0, 0], [0, 1, 0], [1, 1, -1]]);
    assert_eq!(regions(&triangle, &plane), Ok(7));
    // Seen through the square [0, 2]^2, only the last line cuts; through [1, 2]^2 none does, but
    // for a touch at no inner point.
    assert_eq!(regions(&triangle, &square(0, 2)), Ok(2));
    assert_eq!(regions(&triangle, &square(1, 2)), Ok(1));
    assert_eq!(regions(&triangle, &square(-1, 0)), Ok(1));
    // All three through one point: six regions, not seven.
    let star = lines(&[[1, 0, 0], [0, 1, 0], [1, 1, 0]]);
    assert_special(&star, &plane);
    // The point is a vertex of the square, where only one of the lines enters it.
    let star = lines(&[[1, 0, 0], [0, 1, 0], [1, -1, 0]]);
    assert_eq!(regions(&star, &square(0, 2)), Ok(2));
    // Parallel lines are in general position as long as they differ.
    assert_eq!(
        regions(&lines(&[[1, 2, 0], [1, 2, 1], [2, 4, 5]]), &plane),
        Ok(4)
    );
    assert_special(&lines(&[[1, 2, 0], [2, 4, 0]]), &square(-1, 1));
    assert_special(&lines(&[[1, 2, 0], [-1, -2, 0]]), &square(-1, 1));
    // The same line, but outside.
    assert_eq!(
        regions(&lines(&[[1, 2, 9], [2, 4, 18]]), &square(-1, 1)),
        Ok(1)
    );
}

#[test]
fn planes_by_hand() {
    let planes = |rows: &[[i64; 4]]| {
        let rows: Vec<Vec<i64>> = rows.iter().map(|row| row.to_vec()).collect();
        nets::arrangement(&rows)
    };
    let cube = nets::integer_box(&[(Some(-1), Some(1)); 3]);
    // Planes that cut two opposite corners off the cube, and one through the middle that meets
    // none of them inside.
    let corners = planes(&[[2, 2, 2, -5], [2, 2, 2, 5], [1, 1, 1, 0]]);
    assert_eq!(regions(&corners, &cube), Ok(4));
    // Three planes through a line, and four through a point; outside of a box they may.
    let line = planes(&[[1, 0, 0, 0], [0, 1, 0, 0], [1, 1, 0, 0]]);
    assert_special(&line, &cube);
    let point = planes(&[[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [1, 1, 1, 0]]);
    assert_special(&point, &cube);
    let away = nets::integer_box(&[(Some(0), Some(1)), (Some(-1), Some(1)), (Some(-1), Some(1))]);
    // The first plane is an end of the domain; the other three meet at that end.
    assert_eq!(regions(&point, &away), Ok(7));
}

/// Zaslavsky's count of hyperplanes in general position: a sum of binomials.
#[test]
fn hyperplanes_in_general_position_are_as_many_as_theory_says() {
    for (inputs, most) in [(1, 30), (2, 20), (3, 10), (4, 7)] {
        for hyperplanes in [1, 2, inputs, most] {
            let layers =
                nets::random_layers(&mut Rng::new(7), Kind::Normal, inputs, &[hyperplanes]);
            let network = nets::dense(inputs, &layers);
            let domain = Domain::everything(inputs);
            let dimension = inputs.min(hyperplanes);
            let mut expected = 0;
            let mut binomial = 1;
            for k in 0..=dimension {
                expected += binomial;
                binomial = binomial * (hyperplanes - k) / (k + 1);
            }
            let mut proof = Proof::searched(&network, &domain, false);
            let searched = proof.footer.clone();
            proof.chunks = vec![Chunk {
                chart: 0,
                trail: vec![],
                events: vec![WHOLE],
            }];
            proof.footer.chunks = 1;
            let counts = proof.check(&network).unwrap().counts;
            assert_eq!(counts.regions, expected as u64, "{hyperplanes} in {inputs}");
            assert_eq!(counts.digest.to_string(), searched.digest);
        }
    }
}

fn forms(rows: &[Vec<i64>]) -> Vec<Form> {
    let number = |&entry: &i64| BigInt::from(entry).into();
    let form = |row: &Vec<i64>| {
        let (constant, linear) = row.split_last().expect("a constant");
        Form {
            coefficients: linear.iter().map(number).collect(),
            constant: number(constant),
        }
    };
    rows.iter().map(form).collect()
}

/// Small integers are rarely in general position. Fourier and Motzkin say which patterns there are,
/// and which hyperplanes meet; the checker says as much, or refuses.
#[test]
fn small_integers_are_as_by_elimination() {
    let (mut verified, mut refused) = (0, 0);
    for seed in seeds(200) {
        let mut rng = Rng::new(seed);
        let inputs = 1 + rng.below(4);
        let most = [7, 5, 4, 3][inputs - 1];
        let hyperplanes = 1 + rng.below(most);
        let largest = [1, 2, 9][rng.below(3)];
        let mut rows: Vec<Vec<i64>> = Vec::new();
        while rows.len() < hyperplanes {
            let row: Vec<i64> = (0..=inputs).map(|_| rng.range(-largest, largest)).collect();
            if row[..inputs].iter().any(|&entry| entry != 0) {
                rows.push(row);
            }
        }
        let network = nets::arrangement(&rows);
        let ends = nets::integer_box(&vec![(Some(-1), Some(2)); inputs]);
        let mut constraints = Vec::new();
        for c in 0..inputs {
            for (sign, constant) in [(1, 1), (-1, 2)] {
                let mut row = vec![0; inputs + 1];
                row[c] = sign;
                row[inputs] = constant;
                constraints.push(row);
            }
        }
        let (forms, constraints) = (forms(&rows), forms(&constraints));
        let patterns = patterns_in(&forms, &constraints);
        if patterns.len() == flats_in(&forms, &constraints) {
            let found = regions(&network, &ends);
            assert_eq!(found, Ok(patterns.len() as u64), "{rows:?}");
            verified += 1;
        } else {
            assert_special(&network, &ends);
            refused += 1;
        }
    }
    assert!(verified > 100 && refused > 20, "{verified} {refused}");
}

/// Lines that nearly meet in one point: what floats cannot tell, integers can.
#[test]
fn what_balls_do_not_know_integers_do() {
    let big = 1i64 << 60;
    let plane = Domain::everything(2);
    let near = nets::arrangement(&[vec![1, 0, 0], vec![0, 1, 0], vec![big, big, 1]]);
    let verdict = |network: &Network, domain: &Domain| {
        let proof = in_one_chunk(network, domain, false, &[WHOLE]);
        proof.check(network).unwrap().counts
    };
    assert_eq!(
        (verdict(&near, &plane).regions, verdict(&near, &plane).big),
        (7, 0)
    );
    let near = nets::arrangement(&[vec![big, 1, 0], vec![big + 1, 1, 0], vec![1, 1, 0]]);
    assert_special(&near, &plane);
    // Two lines cross the second within 2^-60 of each other, beside 1.
    let near = nets::arrangement(&[vec![big, 0, -big], vec![0, 1, 0], vec![big, 1, -big - 1]]);
    assert_eq!(
        (verdict(&near, &plane).regions, verdict(&near, &plane).big),
        (7, 1)
    );
    // The first is an end of the domain: the others cross inside, just beside it.
    let inside = nets::integer_box(&[(Some(1), None), (None, None)]);
    let counts = verdict(&near, &inside);
    assert_eq!((counts.regions, counts.big), (4, 1));
}

#[test]
fn arrangements_keep_the_rules_of_leaves() {
    let layer = |rows: &[[i64; 3]]| rows.iter().map(|row| nets::unit(row)).collect::<Vec<_>>();
    let deep = nets::dense(2, &[layer(&[[1, 0, 0], [0, 1, 0]]), layer(&[[1, 1, -1]])]);
    let leaf = [WHOLE];
    let expected = "an arrangement in layer 1, but only units of the last layer, 2, may cross";
    assert_rejected(&deep, &square(-2, 2), &leaf, expected);
    let one = nets::arrangement(&[vec![1, 0, 0]]);
    // A split leaves no unit undecided.
    let decided = [Event::Split(0), WHOLE];
    let expected = "an arrangement of no hyperplanes: all units are decided";
    assert_rejected(&one, &square(-2, 2), &decided, expected);
    let axes = |inputs: usize| -> Vec<Vec<i64>> {
        let entry = |row: usize, column: usize| i64::from(row == column);
        let row = |row: usize| (0..=inputs).map(|column| entry(row, column)).collect();
        (0..inputs).map(row).collect()
    };
    let five = nets::arrangement(&axes(5));
    let expected = "an arrangement in 5 coordinates, but there may be at most 4";
    assert_rejected(&five, &Domain::everything(5), &leaf, expected);
    assert_eq!(
        regions(&nets::arrangement(&axes(4)), &Domain::everything(4)),
        Ok(16)
    );
    // 64 points on a line, and one more.
    let points = |count: i64| (0..count).map(|k| vec![1, k]).collect::<Vec<_>>();
    let line = Domain::everything(1);
    assert_eq!(regions(&nets::arrangement(&points(64)), &line), Ok(65));
    let expected = "an arrangement of 65 hyperplanes, but at most 64 may cross";
    assert_rejected(&nets::arrangement(&points(65)), &line, &leaf, expected);
    // A cell of many constraints, 64 of which are too few to name all.
    let points: Vec<Vec<i64>> = points(70);
    let splits = (0..65).map(Event::Split);
    let many: Vec<Event> = splits.chain([WHOLE]).collect();
    let expected = "an arrangement in a cell of 65 constraints, but there may be at most 64";
    assert_rejected(&nets::arrangement(&points), &line, &many, expected);
    let sets = Sets {
        named: vec![0],
        members: vec![1; 4097],
    };
    let expected = "4097 sets of constraints, but there may be at most 4096";
    let many = [Event::Split(0), Event::Arrangement(sets)];
    assert_rejected(&nets::arrangement(&points[..9]), &line, &many, expected);
    let sets = Sets {
        named: (0..65).collect(),
        members: vec![1],
    };
    let expected = "sets of 65 constraints, but there may be at most 64";
    let splits = (0..65).map(Event::Split);
    let many: Vec<Event> = splits.chain([Event::Arrangement(sets)]).collect();
    assert_rejected(&nets::arrangement(&points), &line, &many, expected);
    let sets = Sets {
        named: vec![0],
        members: vec![1, 2],
    };
    let expected = "a set has constraint 1 of the 1 that are named";
    let other = [Event::Split(0), Event::Arrangement(sets)];
    assert_rejected(&nets::arrangement(&points[..9]), &line, &other, expected);
    // A unit that is zero.
    let zero = nets::arrangement(&[vec![1, 0, 0], vec![0, 0, 0]]);
    assert_eq!(regions(&zero, &square(-1, 1)), Ok(2));
    let result = in_one_chunk(&zero, &square(-1, 1), true, &leaf).check(&zero);
    assert!(result.unwrap_err().to_string().contains("strictness"));
}

/// What the search proves so: counts and patterns are the oracle's, and each region is explained
/// with a point inside.
#[test]
fn proofs_of_the_search_have_arrangements() {
    let (mut arrangements, mut explained) = (0, 0);
    for seed in seeds(12) {
        let mut rng = Rng::new(seed);
        let inputs = 2 + rng.below(2);
        let widths: &[usize] = [&[9][..], &[3, 8]][rng.below(2)];
        let layers = nets::random_layers(&mut rng, Kind::Normal, inputs, widths);
        let network = nets::dense(inputs, &layers);
        let ends = [(None, None), (Some(-2), Some(2))][rng.below(2)];
        let domain = nets::integer_box(&vec![ends; inputs]);
        let truth = patterns::patterns(&network, &domain);
        let proof = Proof::searched(&network, &domain, false);
        let counts = proof.check(&network).unwrap().counts;
        assert_eq!(counts.regions, truth.len() as u64, "seed {seed}");
        let mut digest = Digest::default();
        for pattern in &truth {
            digest.add(PatternHash::of_pattern(
                &pattern.chars().map(sign).collect::<Vec<_>>(),
            ));
        }
        assert_eq!(counts.digest, digest, "seed {seed}");
        arrangements += counts.arrangements;
        let bytes = proof.encode(Packing::Stored);
        let mut patterns = BTreeSet::new();
        for number in 0..counts.regions.min(40) {
            let explain = |which| {
                let shown =
                    check::explain(&network, || Ok(&bytes[..]), &which, &Options::default());
                shown.unwrap().expect("there is such a region")
            };
            let shown = explain(Which::Number(number));
            for unit in &shown.units {
                assert_eq!(unit.value.is_positive(), unit.sign == Sign::Positive);
                assert_eq!(unit.value.is_negative(), unit.sign == Sign::Negative);
            }
            assert!(domain.has_inside(&shown.witness));
            let listed = shown
                .units
                .iter()
                .any(|unit| unit.reason == Reason::Arrangement);
            explained += usize::from(listed);
            assert!(!listed || shown.crossing.is_none());
            let signs: Vec<Sign> = shown.units.iter().map(|unit| unit.sign).collect();
            let pattern: String = signs.iter().map(|sign| sign.symbol()).collect();
            assert!(truth.contains(&pattern));
            let back = explain(Which::Pattern(chambers::regions::Pattern(signs)));
            assert_eq!(back.number, number);
            patterns.insert(pattern);
        }
        assert_eq!(patterns.len() as u64, counts.regions.min(40));
    }
    assert!(
        arrangements > 20 && explained > 50,
        "{arrangements} {explained}"
    );
}

fn sign(symbol: char) -> Sign {
    match symbol {
        '+' => Sign::Positive,
        '-' => Sign::Negative,
        _ => Sign::Zero,
    }
}

/// Four lines in [-2, 2]^2: x = 0, x = -1, y = 0 and x + y = 1.
fn four_lines() -> (Network, Domain) {
    let rows = [[1, 0, 0], [1, 0, 1], [0, 1, 0], [1, 1, -1]];
    let rows: Vec<Vec<i64>> = rows.iter().map(|row| row.to_vec()).collect();
    (nets::arrangement(&rows), square(-2, 2))
}

/// Constraints 0 to 3 are the ends -2 and 2 of x, and then those of y; 4 and 5 are splits.
#[test]
fn arrangements_may_name_the_constraints_that_bound_the_cell() {
    let (network, domain) = four_lines();
    let events = |sets: &[&[u64]]| {
        vec![
            Event::Split(0),
            Event::Split(1),
            // x > 0, which makes x > -1 superfluous: the other two cross at (1, 0).
            Event::Arrangement(Sets::of(sets)),
            Event::Empty {
                first: 5,
                others: vec![4],
            },
            Event::Split(1),
            // -1 < x < 0: there are two lines that do not meet.
            WHOLE,
            // x < -1: the last line stays above the square.
            WHOLE,
        ]
    };
    let verified = |sets: &[&[u64]]| {
        let verdict = in_one_chunk(&network, &domain, false, &events(sets)).check(&network);
        let counts = verdict.unwrap().counts;
        assert_eq!((counts.regions, counts.arrangements), (4 + 3 + 2, 3));
    };
    verified(&[]);
    verified(&[&[4, 2], &[4, 3], &[1, 2], &[1, 3]]);
    // Two of the corners name all; one more constraint does no harm.
    verified(&[&[4, 2], &[1, 3]]);
    verified(&[&[4, 2], &[1, 3], &[5, 2]]);
    for (sets, expected) in [
        (
            &[&[4, 2][..], &[4, 3]][..],
            "constraint 1 (an end of the domain) is not proved",
        ),
        (
            &[&[5, 2], &[1, 3]],
            "constraint 4 (unit 0 of layer 1) is not proved",
        ),
        (
            &[&[4, 1], &[2, 3]],
            "constraint 0 (an end of the domain) is not proved",
        ),
        (&[&[4, 4]], "named twice"),
        (&[&[4, 6]], "there is no constraint 6"),
        (&[&[]], "a set of no constraints"),
        (&[&[1, 2, 4]], "3 constraints in 2 coordinates"),
    ] {
        assert_rejected(&network, &domain, &events(sets), expected);
    }
}

#[test]
fn one_of_several_sets_shows_a_side() {
    let (network, domain) = four_lines();
    let corners: [&[u64]; 4] = [&[0, 2], &[0, 3], &[1, 2], &[1, 3]];
    let as_bits = Cell::new(false);
    let sides = |sets: &[&[u64]], units: &[(u64, bool)]| Event::Sides {
        sets: Sets::of(sets),
        units: units.to_vec(),
        as_bits: as_bits.get(),
    };
    let right = [&corners[..], &[&[4, 2], &[4, 3]]].concat();
    let events = |right: &[&[u64]], units: &[(u64, bool)]| {
        let cross = Event::Arrangement(Sets::of(&right[right.len().saturating_sub(4)..]));
        vec![
            Event::Split(0),
            sides(right, units),
            cross,
            Event::Split(1),
            WHOLE,
            WHOLE,
        ]
    };
    let there = [(1, true)];
    // On the right, x + 1 is least where x is 0: that is not told by the corners of the square.
    for sets in [&[&[4u64, 2][..], &[4, 3], &[1, 2], &[1, 3]][..], &right] {
        for bits in [true, false] {
            as_bits.set(bits);
            let proof = in_one_chunk(&network, &domain, false, &events(sets, &there));
            assert_eq!(proof.check(&network).unwrap().counts.regions, 9);
        }
    }
    let cases = [
        (
            &corners[..],
            &there[..],
            "unit 1 of layer 1 is not proved positive",
        ),
        (
            &right,
            &[(1, false)],
            "unit 1 of layer 1 is not proved negative",
        ),
        (
            &right,
            &[(3, true)],
            "unit 3 of layer 1 is not proved positive",
        ),
        (
            &right,
            &[(1, true), (1, false)],
            "unit 1 of layer 1 is decided",
        ),
        (&right, &[(4, true)], "there is no unit 4"),
        (&[], &there, "the event before, which has none"),
        (
            &[&[2], &[3]],
            &there,
            "is not proved positive: it is no combination",
        ),
    ];
    for (sets, units, expected) in cases {
        assert_rejected(&network, &domain, &events(sets, units), expected);
        as_bits.set(true);
        assert_rejected(&network, &domain, &events(sets, units), expected);
        as_bits.set(false);
    }
    as_bits.set(true);
    assert_rejected(&network, &domain, &events(&right, &[]), "sides of no unit");
    as_bits.set(false);
    // One constraint is enough: x + 1 = x + 1.
    let mut one = events(&right, &there);
    one[1] = sides(&[&[3], &[4]], &there);
    let counts = in_one_chunk(&network, &domain, false, &one).check(&network);
    assert_eq!(counts.unwrap().counts.regions, 9);
}

/// x = 0, x = -1 and y = -3, y = 3, of which the latter two pass the square by.
#[test]
fn sides_may_have_the_sets_of_the_event_before() {
    let domain = nets::integer_box(&[(Some(-2), Some(2)), (Some(-2), Some(2))]);
    let rows = [[1, 0, 0], [1, 0, 1], [0, 1, 3], [0, -1, 3]];
    let network = nets::arrangement(&rows.map(|row| row.to_vec()));
    let corners: [&[u64]; 4] = [&[0, 2], &[0, 3], &[1, 2], &[1, 3]];
    let right: [&[u64]; 4] = [&[4, 2], &[4, 3], &[1, 2], &[1, 3]];
    let sides = |sets: &[&[u64]], unit: u64| Event::Sides {
        sets: Sets::of(sets),
        units: vec![(unit, true)],
        as_bits: false,
    };
    let walk = |start: &[Event], right: &[Event]| {
        let region = |exponent, x: i64| Event::Region {
            exponent,
            mantissas: vec![x.into(), 0.into()],
        };
        let left = [Event::Split(1), region(-1, -1), region(-1, -3)];
        [start, &[Event::Split(0)], right, &[region(0, 1)], &left].concat()
    };
    let by_right = [sides(&right, 1)];
    // On the right, x + 1 is least where x is 0.
    let (one, other) = (sides(&corners, 2), sides(&corners, 3));
    let again = |unit| sides(&[], unit);
    for (start, side) in [
        (&[one.clone(), other.clone()][..], &by_right[..]),
        (&[one.clone(), again(3)], &by_right),
        (&[one.clone(), again(3)], &[sides(&[&[4]], 1)]),
    ] {
        let proof = in_one_chunk(&network, &domain, false, &walk(start, side));
        assert_eq!(proof.check(&network).unwrap().counts.regions, 3);
    }
    let none = "the event before, which has none";
    let by_one = Event::Side {
        unit: 3,
        positive: true,
        constraints: vec![3],
    };
    for (start, side, expected) in [
        (&[again(2), other.clone()][..], &by_right[..], none),
        // Other events come between, of this node or the way to the next one.
        (&[by_one, again(2)], &by_right, none),
        (&[one.clone(), other.clone()], &[again(1)], none),
        // They prove what they prove, no more.
        (
            &[one.clone(), again(1), other.clone()],
            &[],
            "unit 1 of layer 1 is not proved positive",
        ),
        (
            &[one.clone(), again(2)],
            &by_right,
            "unit 2 of layer 1 is decided",
        ),
    ] {
        assert_rejected(&network, &domain, &walk(start, side), expected);
    }
    // A chunk does not know what another one told.
    let mut proof = in_one_chunk(&network, &domain, false, &walk(&[one, again(3)], &by_right));
    let rest = proof.chunks[0].events.split_off(1);
    let trail = vec![Entry {
        unit: 2,
        how: Decided::Positive,
    }];
    proof.chunks.push(Chunk {
        trail,
        events: rest,
        ..Chunk::default()
    });
    proof.footer.chunks = 2;
    let message = proof.check(&network).unwrap_err().to_string();
    assert!(message.contains(none), "{message}");
    proof.chunks[1].events[0] = other;
    assert_eq!(proof.check(&network).unwrap().counts.regions, 3);
}
