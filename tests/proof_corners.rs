//! Leaves amid corners: regions and crossings whose point is told by constraints that meet.
//! Expected counts are worked out by hand or come from the oracle.

mod common;

use chambers::arrangement::Domain;
use chambers::network::Network;
use chambers::proof::check::{self, Options, Which};
use chambers::proof::format::{self, Input, Packing};
use common::networks::{self as nets, Kind};
use common::patterns;
use common::proofs::{Event, Proof};
use common::prover::{Style, in_one_chunk, prove};
use common::rng::{Rng, seeds};
use num_traits::Signed;

/// A leaf with these corners and rays.
fn amid(corners: &[&[u64]], rays: &[&[u64]]) -> Event {
    let each = corners.iter().chain(rays).map(|numbers| numbers.len());
    Event::Amid {
        corners: corners.len() as u64,
        rays: rays.len() as u64,
        each: each.max().unwrap_or(0) as u64,
        numbers: [corners, rays].concat().concat(),
    }
}

fn verified(network: &Network, domain: &Domain, events: &[Event], regions: u64) {
    let mut proof = in_one_chunk(network, domain, false, events);
    proof.repair(network).unwrap();
    assert_eq!(proof.check(network).unwrap().counts.regions, regions);
}

fn rejected(network: &Network, domain: &Domain, events: &[Event], expected: &str) {
    let result = in_one_chunk(network, domain, false, events).check(network);
    let message = result.unwrap_err().to_string();
    assert!(message.contains(expected), "{message:?}: no {expected:?}");
}

/// The lines x = 0 and y = 0: four quadrants.
fn axes() -> Network {
    nets::arrangement(&[vec![1, 0, 0], vec![0, 1, 0]])
}

fn square(lower: i64, upper: i64) -> Domain {
    nets::integer_box(&[(Some(lower), Some(upper)); 2])
}

#[test]
fn corners_and_rays_lead_inside() {
    let (network, plane) = (axes(), Domain::everything(2));
    // The lines meet in one point, which needs no constraint.
    verified(&network, &plane, &[amid(&[&[]], &[])], 4);
    // On y = 0: from where x = 0 to where x grows.
    let half = amid(&[&[0]], &[&[0]]);
    verified(&network, &plane, &[Event::Split(0), half.clone(), half], 4);
    // Each quadrant: its vertex, and the rays along its sides.
    let quadrant = || amid(&[&[0, 1]], &[&[0, 1], &[1, 0]]);
    let [split, other] = [0, 1].map(Event::Split);
    let events = [
        split,
        other.clone(),
        quadrant(),
        quadrant(),
        other,
        quadrant(),
        quadrant(),
    ];
    verified(&network, &plane, &events, 4);
    // In the square, constraints 0 to 3 are x >= -2, x <= 2, y >= -2, y <= 2, and 4 is the split:
    // between ends of y = 0, and between opposite vertices of a half.
    let whole = [
        Event::Split(0),
        amid(&[&[4], &[1]], &[]),
        Event::Split(1),
        amid(&[&[0, 3], &[4, 5]], &[]),
        amid(&[&[0, 5], &[4, 5], &[4, 2]], &[]),
    ];
    verified(&network, &square(-2, 2), &whole, 4);
}

#[test]
fn wrong_corners_are_rejected() {
    let (network, plane, square_) = (axes(), Domain::everything(2), square(-2, 2));
    let first = |leaf: Event, expected: &str| {
        rejected(&network, &square_, &[Event::Split(0), leaf], expected);
    };
    // A corner, and it is on the boundary; beyond the domain's end; on the other side.
    first(
        amid(&[&[4]], &[]),
        "is not inside: constraint 4 (unit 0 of layer 1) is 0",
    );
    first(
        amid(&[&[1]], &[]),
        "is not inside: constraint 1 (an end of the domain) is 0",
    );
    first(
        amid(&[&[0]], &[]),
        "constraint 0 (an end of the domain) is 0",
    );
    // y = 0 and y = 2 do not meet; nor do constraints that are not there, or come twice.
    first(
        amid(&[&[4], &[3]], &[]),
        "corner 1 do not meet in one point",
    );
    first(amid(&[&[4]], &[&[2]]), "corner 1 do not meet in one point");
    first(amid(&[&[5], &[1]], &[]), "there is no constraint 5");
    // Too few and too many.
    let counts = |corners, rays, each, numbers: &[u64]| Event::Amid {
        corners,
        rays,
        each,
        numbers: numbers.to_vec(),
    };
    first(counts(0, 0, 1, &[]), "0 corners and 0 rays");
    first(counts(0, 2, 1, &[4, 1]), "0 corners and 2 rays");
    first(counts(3, 0, 1, &[4, 1, 1]), "3 corners and 0 rays");
    first(counts(1, 2, 1, &[4, 1, 1]), "1 corners and 2 rays");
    first(counts(1, u64::MAX, 1, &[4]), "corners and");
    first(counts(2, 0, 2, &[4, 2, 1, 2]), "2 constraints each");
    first(counts(2, 0, 0, &[]), "0 constraints each");
    first(counts(2, 0, 1, &[4]), "cut off");
    // A ray that leaves the cell, and one of a region that is too short of rays.
    first(
        amid(&[&[4]], &[&[1]]),
        "constraint 4 (unit 0 of layer 1) is -1",
    );
    let quadrant = [
        Event::Split(0),
        Event::Split(1),
        amid(&[&[0, 1]], &[&[0, 1]]),
    ];
    rejected(
        &network,
        &plane,
        &quadrant,
        "constraint 0 (unit 0 of layer 1) is 0",
    );
    let point = Event::Amid {
        corners: 1,
        rays: 1,
        each: 0,
        numbers: vec![],
    };
    rejected(&network, &plane, &[point], "1 corners and 1 rays");
    let twice = [Event::Split(0), Event::Split(1), amid(&[&[0, 0]], &[])];
    rejected(&network, &plane, &twice, "named twice");
}

/// Without constraints nothing but independence is checked. The chart keeps both inputs, though
/// one would do.
#[test]
fn hyperplanes_that_do_not_meet_have_no_corner() {
    let plane = Domain::everything(2);
    let input = |c: usize| Input {
        constant: "0".into(),
        terms: vec![(c, "1".into())],
    };
    for other in [vec![1, 2, 5], vec![3, 6, 0], vec![-1, -2, 0]] {
        let network = nets::arrangement(&[vec![1, 2, 0], other]);
        let mut parallel = in_one_chunk(&network, &plane, false, &[amid(&[&[]], &[])]);
        parallel.header.charts = vec![format::Chart {
            dimension: 2,
            inputs: vec![input(0), input(1)],
        }];
        let message = parallel.check(&network).unwrap_err().to_string();
        assert!(
            message.contains("corner 0 do not meet in one point"),
            "{message}"
        );
    }
    // Nearly parallel: only integers tell.
    let network = nets::arrangement(&[vec![1, 2, 0], vec![1 << 60, (2 << 60) + 1, 0]]);
    let mut proof = in_one_chunk(&network, &plane, false, &[amid(&[&[]], &[])]);
    proof.repair(&network).unwrap();
    let counts = proof.check(&network).unwrap().counts;
    assert_eq!((counts.regions, counts.big), (4, 1));
    // More lines than coordinates.
    let network = nets::arrangement(&[vec![1, 0, 0], vec![0, 1, 0], vec![1, 1, 0]]);
    let expected = "undecided units are not independent";
    rejected(&network, &plane, &[amid(&[&[]], &[])], expected);
}

#[test]
fn corners_keep_the_rules_of_regions_and_crossings() {
    let layer = |rows: &[[i64; 3]]| rows.iter().map(|row| nets::unit(row)).collect::<Vec<_>>();
    let deep = nets::dense(2, &[layer(&[[1, 0, 0], [0, 1, 0]]), layer(&[[1, 1, -1]])]);
    let expected = "a crossing in layer 1, but only units of the last layer, 2, may cross";
    rejected(&deep, &square(-2, 2), &[amid(&[&[]], &[])], expected);
    // The second unit is zero.
    let zero = nets::arrangement(&[vec![1, 0, 0], vec![0, 0, 0]]);
    let line = nets::integer_box(&[(Some(-2), Some(2)), (Some(0), Some(0))]);
    for strict in [false, true] {
        let mut events = vec![amid(&[&[]], &[])];
        if strict {
            let result = in_one_chunk(&zero, &line, true, &events).check(&zero);
            assert!(result.unwrap_err().to_string().contains("strictness"));
        }
        events = vec![Event::Split(0), amid(&[&[0], &[1]], &[])];
        if strict {
            let result = in_one_chunk(&zero, &line, true, &events).check(&zero);
            assert!(result.unwrap_err().to_string().contains("strictness"));
        }
    }
}

/// Proofs by brute force with corners wherever there are any, and those that the search writes.
#[test]
fn proofs_with_corners_agree_with_the_oracle() {
    let (mut corners, mut rays) = (0, 0);
    for seed in seeds(60) {
        let mut rng = Rng::new(seed);
        let kind = [Kind::Integer(2), Kind::Normal, Kind::Fraction][rng.below(3)];
        let inputs = [1, 2, 2, 3][rng.below(4)];
        let widths: &[usize] = [&[4][..], &[2, 2], &[3, 2]][rng.below(3)];
        let layers = nets::random_layers(&mut rng, kind, inputs, widths);
        let network = nets::dense(inputs, &layers);
        let sides = [(None, None), (Some(-1), None), (Some(-1), Some(2))];
        let sides: Vec<_> = (0..inputs).map(|_| sides[rng.below(3)]).collect();
        let domain = nets::integer_box(&sides);
        let truth = patterns::patterns(&network, &domain).len() as u64;
        let style = Style {
            crossing: rng.below(2),
            amid: 1,
            odd_charts: rng.one_in(2),
            ..Style::default()
        };
        let found = Proof::searched(&network, &domain, false);
        for proof in [prove(&network, &domain, style, seed), found] {
            let verdict = proof.check(&network).unwrap();
            assert_eq!(verdict.counts.regions, truth, "seed {seed}");
            for event in proof.chunks.iter().flat_map(|chunk| &chunk.events) {
                if let Event::Amid { rays: r, .. } = event {
                    (corners, rays) = (corners + 1, rays + u64::from(*r > 0));
                }
            }
            // The point that is shown is inside.
            let bytes = proof.encode(Packing::Stored);
            let which = Which::Number(rng.below(truth as usize) as u64);
            let shown = check::explain(&network, || Ok(&bytes[..]), &which, &Options::default());
            let shown = shown.unwrap().expect("there is such a region");
            for unit in &shown.units {
                assert_eq!(
                    unit.value.is_positive(),
                    unit.sign == chambers::regions::Sign::Positive
                );
                assert_eq!(
                    unit.value.is_negative(),
                    unit.sign == chambers::regions::Sign::Negative
                );
            }
        }
    }
    assert!(corners > 300 && rays > 80, "{corners} {rays}");
}
