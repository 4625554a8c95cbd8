//! Proofs of many small networks, changed at random: whoever changes them repairs
//! checksums and footer, and still nothing proves another count than the oracle's.

mod common;

use std::collections::BTreeSet;

use chambers::arrangement::Domain;
use chambers::network::Network;
use chambers::proof::check::{self, Flaw};
use chambers::proof::format::{Decided, Packing};
use common::networks::{self as nets, Kind as Weights};
use common::patterns;
use common::proofs::{Chunk, Event, Proof, Sets, check_bytes, file};
use common::prover::{Style, is_combination, prove, prove_and_tell};
use common::rng::{Rng, seeds};

/// Small networks of all kinds, with domains and proofs.
fn cases(count: u64) -> impl Iterator<Item = (u64, Network, Domain, Style)> {
    seeds(count).map(|seed| {
        let mut rng = Rng::new(seed);
        let kinds = [
            Weights::Integer(1),
            Weights::Integer(3),
            Weights::Normal,
            Weights::Fraction,
        ];
        let kind = kinds[rng.below(4)];
        let inputs = 1 + rng.below(2);
        let widths: &[usize] = [&[4][..], &[3, 2], &[2, 2, 1]][rng.below(3)];
        let mut layers = nets::random_layers(&mut rng, kind, inputs, widths);
        if rng.one_in(3) {
            nets::without_bias(&mut layers);
        }
        let side = |rng: &mut Rng| match rng.below(3) {
            0 => (None, None),
            1 => (Some(-2), None),
            _ => (Some(-1), Some(2)),
        };
        let sides: Vec<_> = (0..inputs).map(|_| side(&mut rng)).collect();
        let style = Style {
            cut: 6,
            elsewhere: 6,
            crossing: rng.below(3),
            arrangement: rng.below(3),
            sets: rng.below(3),
            rays: rng.one_in(2),
            odd_charts: rng.one_in(2),
            ..Style::default()
        };
        (
            seed,
            nets::dense(inputs, &layers),
            nets::integer_box(&sides),
            style,
        )
    })
}

/// The regions, by the oracle.
fn truth(network: &Network, domain: &Domain, strict: bool) -> u64 {
    let mut patterns: BTreeSet<String> = patterns::patterns(network, domain);
    patterns.retain(|pattern| !(strict && pattern.contains('0')));
    patterns.len() as u64
}

#[test]
fn certificates_hold_exactly_where_they_should() {
    let (mut right, mut wrong) = (0, 0);
    for (seed, network, domain, style) in cases(30) {
        // One chunk a chart, so that an event's number says all, and each side an event.
        let style = Style {
            cut: 0,
            elsewhere: 0,
            sets: 0,
            arrangement: 0,
            ..style
        };
        let (proof, certificates) = prove_and_tell(&network, &domain, style, seed);
        let mut rng = Rng::new(seed);
        for certificate in certificates {
            let there = certificate.constraints.len();
            for _ in 0..12 {
                // None would be those of the side before.
                let mut numbers: Vec<u64> = (0..1 + rng.below(3))
                    .map(|_| rng.below(there) as u64)
                    .collect();
                let mut changed = proof.clone();
                let event = &mut changed.chunks[certificate.chart].events[certificate.event];
                let Event::Side { constraints, .. } = event else {
                    panic!("no side")
                };
                if rng.one_in(2) {
                    numbers = constraints.clone();
                    numbers[0] = rng.below(there) as u64;
                }
                constraints.clone_from(&numbers);
                let forms: Vec<_> = numbers
                    .iter()
                    .map(|&k| &certificate.constraints[k as usize])
                    .collect();
                let result = changed.check(&network);
                if is_combination(&certificate.target, &forms) {
                    right += 1;
                    let verdict = result.unwrap_or_else(|flaw| panic!("seed {seed}: {flaw}"));
                    assert_eq!(verdict.counts.regions.to_string(), proof.footer.regions);
                } else {
                    wrong += 1;
                    let message = result.unwrap_err().to_string();
                    let reasons = ["is not proved", "named twice", "are not independent"];
                    let known = reasons.iter().any(|reason| message.contains(reason));
                    assert!(known, "seed {seed}: {message}");
                }
            }
        }
    }
    assert!(right > 100 && wrong > 1000, "{right} {wrong}");
}

/// Whoever changes chunks can also repair footer and checksums.
fn assert_true_or_rejected(mut proof: Proof, network: &Network, case: &str) -> bool {
    if proof.repair(network).is_err() {
        return false;
    }
    match proof.check(network) {
        Err(Flaw::Chunks(_)) => false,
        Err(flaw) => panic!("{case}: {flaw}"),
        Ok(verdict) => {
            let regions = truth(network, &verdict.domain, verdict.strict);
            if verdict.complete {
                assert_eq!(verdict.counts.regions, regions, "{case}: {proof:?}");
            } else {
                assert!(verdict.counts.regions <= regions, "{case}: {proof:?}");
            }
            true
        }
    }
}

#[test]
fn changed_events_never_prove_another_count() {
    let mut accepted = 0;
    for (seed, network, domain, style) in cases(60) {
        let written = [
            prove(&network, &domain, style, seed),
            Proof::searched(&network, &domain, false),
        ];
        for proof in written {
            assert_eq!(
                proof.check(&network).unwrap().counts.regions,
                truth(&network, &domain, false),
                "seed {seed}"
            );
            let mut rng = Rng::new(seed);
            for _ in 0..60 {
                let mut changed = proof.clone();
                for _ in 0..1 + rng.below(2) {
                    change(&mut changed, &mut rng);
                }
                let case = format!("seed {seed}");
                accepted += u64::from(assert_true_or_rejected(changed, &network, &case));
            }
        }
    }
    assert!(accepted > 0);
}

fn change_sets(sets: &mut Sets, rng: &mut Rng) {
    match rng.below(3) {
        0 => drop(sets.members.pop()),
        1 => {
            let members = sets.members.iter_mut();
            members.for_each(|set| *set ^= 1 << rng.below(sets.named.len() + 1));
        }
        _ => {
            let numbers = sets.named.iter_mut();
            numbers.for_each(|number| *number ^= rng.below(2) as u64);
        }
    }
}

/// One random change of chunks or header.
fn change(proof: &mut Proof, rng: &mut Rng) {
    if proof.chunks.is_empty() {
        return;
    }
    let (at, other) = (rng.below(proof.chunks.len()), rng.below(proof.chunks.len()));
    let kind = rng.below(15);
    let events = proof.chunks[at].events.len();
    let event = rng.below(events.max(1));
    match kind {
        0 => drop(proof.chunks.remove(at)),
        1 => proof.chunks.push(proof.chunks[at].clone()),
        2 => proof.chunks.swap(at, other),
        3 => proof.chunks[at].events.truncate(event),
        4 => {
            let from = proof.chunks[other].events.clone();
            proof.chunks[at].events.extend(from);
        }
        5 => proof.header.strict = !proof.header.strict,
        6 => {
            let input = rng.below(proof.header.domain.len());
            let side = &mut proof.header.domain[input][rng.below(2)];
            *side = [None, Some("-1".to_string()), Some("3".to_string())][rng.below(3)].clone();
        }
        7 => {
            let trail = &mut proof.chunks[at].trail;
            if let Some(entry) = trail.last_mut() {
                let kinds = [
                    Decided::Negative,
                    Decided::Positive,
                    Decided::SplitNegative,
                    Decided::SplitPositive,
                    Decided::SplitPending,
                ];
                entry.how = kinds[rng.below(5)];
            }
        }
        _ if events == 0 => {}
        8 => drop(proof.chunks[at].events.remove(event)),
        9 => {
            let again = proof.chunks[at].events[event].clone();
            proof.chunks[at].events.insert(rng.below(events), again);
        }
        10 => proof.chunks[at].events.swap(event, rng.below(events)),
        11 => {
            let leaves = [Event::Open, Event::Elsewhere, Event::Excluded];
            proof.chunks[at].events[event] = leaves[rng.below(3)].clone();
        }
        12 if rng.one_in(2) => proof.chunks[at].events[event] = Event::Arrangement(Sets::default()),
        12 => proof.chunks[at].events[event] = Event::Split(rng.below(4) as u64),
        13 => {
            let d = proof.header.charts[proof.chunks[at].chart].dimension;
            let mantissas = (0..d).map(|_| rng.range(-3, 3).into()).collect();
            proof.chunks[at].events[event] = Event::Crossing {
                exponent: -1,
                mantissas,
            };
        }
        _ => match &mut proof.chunks[at].events[event] {
            Event::Split(unit) => *unit = rng.below(4) as u64,
            Event::Side {
                unit,
                positive,
                constraints,
            } => match rng.below(3) {
                0 => *positive = !*positive,
                1 => *unit = rng.below(4) as u64,
                _ => drop(constraints.pop()),
            },
            Event::Sides {
                sets,
                units,
                as_bits,
            } => match rng.below(5) {
                0 => units[0].1 = !units[0].1,
                1 => units[0].0 = rng.below(4) as u64,
                2 => *as_bits = !*as_bits,
                _ => change_sets(sets, rng),
            },
            Event::Arrangement(sets) if rng.one_in(2) => change_sets(sets, rng),
            Event::Region { mantissas, .. } | Event::Crossing { mantissas, .. } => {
                if let Some(mantissa) = mantissas.first_mut() {
                    *mantissa += rng.range(-2, 2);
                }
            }
            Event::Empty { first, .. } => *first += 1,
            Event::Open | Event::Arrangement(_) => {
                proof.chunks[at].events[event] = Event::Elsewhere;
            }
            Event::Elsewhere | Event::Excluded => proof.chunks[at].events[event] = Event::Open,
        },
    }
}

#[test]
fn changed_bytes_never_prove_another_count() {
    for (seed, network, domain, style) in cases(60) {
        let proof = Proof::searched(&network, &domain, false);
        let proof = if seed % 2 == 0 {
            proof
        } else {
            prove(&network, &domain, style, seed)
        };
        let expected = truth(&network, &domain, false);
        let bodies: Vec<Vec<u8>> = proof.chunks.iter().map(Chunk::encode).collect();
        let mut rng = Rng::new(seed);
        for _ in 0..100 {
            let mut changed = bodies.clone();
            let at = rng.below(changed.len());
            let body = &mut changed[at];
            for _ in 0..1 + rng.below(3) {
                let place = rng.below(body.len());
                match rng.below(4) {
                    0 => body[place] = rng.next() as u8,
                    1 => body[place] ^= 1 << rng.below(8),
                    2 => body.insert(place, rng.next() as u8),
                    _ if body.len() > 1 => drop(body.remove(place)),
                    _ => {}
                }
            }
            // The checker's own counts go into the footer.
            let verifier = check::Verifier::new(&network, &proof.header).unwrap();
            let mut each = changed.iter().enumerate();
            let result = each.try_for_each(|(k, body)| verifier.chunk(k as u64, body));
            if result.is_err() {
                continue;
            }
            let counts = verifier.counts();
            let mut footer = proof.footer.clone();
            footer.regions = counts.regions.to_string();
            footer.digest = counts.digest.to_string();
            footer.complete = counts.open == 0;
            let bytes = file(&proof.header, &changed, &footer, Packing::Stored);
            if let Ok(verdict) = check_bytes(&network, &bytes) {
                let regions = verdict.counts.regions;
                let right = if verdict.complete {
                    regions == expected
                } else {
                    regions <= expected
                };
                assert!(right, "seed {seed}: {regions} for {expected}");
            }
        }
    }
}
