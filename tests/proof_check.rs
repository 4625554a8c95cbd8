//! The checker against a prover that shares no code with it: every proof is accepted,
//! with the count and the digest of an oracle.

mod common;

use std::collections::BTreeSet;

use chambers::arrangement::Domain;
use chambers::network::Network;
use chambers::regions::digest::PatternHash;
use chambers::regions::{Digest, Sign};
use common::networks as nets;
use common::patterns;
use common::prover::{Style, prove};
use common::rng::{Rng, seeds};

/// The digest of patterns, from the oracle's symbols.
fn digest(patterns: &BTreeSet<String>) -> String {
    let mut digest = Digest::default();
    for pattern in patterns {
        let sign = |symbol| match symbol {
            '+' => Sign::Positive,
            '-' => Sign::Negative,
            _ => Sign::Zero,
        };
        let signs: Vec<Sign> = pattern.chars().map(sign).collect();
        digest.add(PatternHash::of_pattern(&signs));
    }
    digest.to_string()
}

/// How many crossings and arrangements there are.
fn assert_verified(network: &Network, domain: &Domain, style: Style, seed: u64) -> [u64; 2] {
    let case = || {
        format!(
            "seed {seed}, {style:?}, {domain}\n{}",
            nets::describe(network)
        )
    };
    let mut expected = patterns::patterns(network, domain);
    if style.strict {
        expected.retain(|pattern| !pattern.contains('0'));
    }
    let proof = prove(network, domain, style, seed);
    let verdict = proof
        .check(network)
        .unwrap_or_else(|flaw| panic!("{flaw}: {}", case()));
    let counts = verdict.counts;
    if verdict.complete {
        assert_eq!(counts.regions, expected.len() as u64, "{}", case());
        assert_eq!(counts.digest.to_string(), digest(&expected), "{}", case());
    } else {
        assert!(style.open > 0 && counts.open > 0, "{}", case());
        assert!(counts.regions <= expected.len() as u64, "{}", case());
    }
    [counts.crossings, counts.arrangements]
}

/// At most 8 units in 1 to 3 layers, with a random degeneracy.
fn network(rng: &mut Rng, inputs: usize) -> Network {
    let kind = nets::KINDS[rng.below(nets::KINDS.len())];
    let widths: Vec<usize> = match rng.below(3) {
        0 => vec![1 + rng.below(6)],
        1 => vec![1 + rng.below(4), 1 + rng.below(4)],
        _ => vec![1 + rng.below(3), 1 + rng.below(3), 1 + rng.below(2)],
    };
    let mut layers = nets::random_layers(rng, kind, inputs, &widths);
    nets::degenerate(rng, &mut layers);
    nets::dense(inputs, &layers)
}

fn style(rng: &mut Rng) -> Style {
    let mut choose = |values: [usize; 3]| values[rng.below(3)];
    Style {
        cut: choose([0, 2, 5]),
        elsewhere: choose([0, 2, 5]),
        empty: choose([0, 0, 3]),
        open: choose([0, 0, 9]),
        crossing: choose([0, 1, 2]),
        arrangement: choose([0, 0, 1]),
        sets: choose([0, 1, 2]),
        odd_charts: choose([0, 1, 1]) == 1,
        rays: choose([0, 1, 1]) == 1,
        strict: choose([0, 0, 1]) == 1,
    }
}

#[test]
fn proofs_on_everything_are_verified() {
    let mut seen = [0, 0];
    for seed in seeds(150) {
        let mut rng = Rng::new(seed);
        let inputs = 1 + rng.below(3);
        let network = network(&mut rng, inputs);
        let style = style(&mut rng);
        let more = assert_verified(&network, &Domain::everything(inputs), style, seed);
        seen = [seen[0] + more[0], seen[1] + more[1]];
    }
    assert!(seen.iter().all(|&count| count > 10), "{seen:?}");
}

#[test]
fn proofs_on_boxes_are_verified() {
    let mut seen = [0, 0];
    for seed in seeds(150) {
        let mut rng = Rng::new(1_000_000 + seed);
        let inputs = 1 + rng.below(3);
        let network = network(&mut rng, inputs);
        let style = style(&mut rng);
        let domain = Domain::new(
            (0..inputs)
                .map(|_| nets::random_interval(&mut rng))
                .collect(),
        );
        let more = assert_verified(&network, &domain, style, seed);
        seen = [seen[0] + more[0], seen[1] + more[1]];
    }
    assert!(seen.iter().all(|&count| count > 10), "{seen:?}");
}
