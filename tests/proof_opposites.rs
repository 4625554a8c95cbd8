//! Single layers without biases: one chart shows half of the rays, and every region that is walked
//! through stands for the opposite one, too. Patterns come from the oracle.

mod common;

use std::collections::BTreeSet;

use chambers::network::Network;
use chambers::proof::check::{self, Explanation, Options, Reason, Which};
use chambers::proof::format::Packing;
use chambers::regions::{Pattern, Sign};
use common::Number;
use common::check::{assert_patterns, everywhere};
use common::networks::{self as nets, Kind};
use common::patterns;
use common::proofs::Proof;
use common::rng::{Rng, seeds};
use num_traits::Zero;

/// Random layers, some with units that are zero, or opposite to others.
fn layer(rng: &mut Rng) -> Network {
    let kind = [Kind::Integer(2), Kind::Normal, Kind::Fraction][rng.below(3)];
    let inputs = 1 + rng.below(4);
    let width = 2 + rng.below(4);
    let mut layers = nets::random_layers(rng, kind, inputs, &[width]);
    nets::without_bias(&mut layers);
    let units = &mut layers[0];
    let factors = [-1, 0].map(Number::from);
    if rng.below(2) == 0 {
        let factor = &factors[rng.below(2)].to_rational();
        let (weights, bias) = units[0].clone();
        let weights = weights.iter().map(|a| a.to_rational() * factor);
        let weights = weights.map(Number::from_rational).collect();
        units.insert(rng.below(units.len() + 1), (weights, bias));
    }
    nets::dense(inputs, &layers)
}

/// Counting and listing agree with the oracle, and both with the verdict on the proof.
#[test]
fn half_of_the_rays_shows_all() {
    let mut halves = 0;
    for seed in seeds(60) {
        let network = layer(&mut Rng::new(seed));
        let domain = everywhere(&network);
        let expected = patterns::patterns(&network, &domain);
        assert_patterns(&network, &domain, &expected, &format!("seed {seed}"));
        let proof = Proof::searched(&network, &domain, false);
        assert_eq!(proof.header.charts.len(), 1, "seed {seed}");
        halves += u32::from(proof.header.lead.is_some());
    }
    assert!(halves > 40, "{halves}");
}

fn explained(network: &Network, proof: &Proof, which: Which) -> Option<Explanation> {
    let bytes = proof.encode(Packing::Stored);
    let open = || Ok(&bytes[..]);
    check::explain(network, open, &which, &Options::default()).expect("the proof is right")
}

/// Every region is found by its number, its pattern and its point, and what is said of it holds: its
/// point has its pattern, forms have their values there, and sides are what constraints add up to.
#[test]
fn opposite_regions_are_explained() {
    let (mut sides, mut together) = (0, 0);
    for seed in seeds(25) {
        let network = layer(&mut Rng::new(seed));
        let domain = everywhere(&network);
        let proof = Proof::searched(&network, &domain, false);
        let counts = proof.check(&network).unwrap().counts;
        let mut found = BTreeSet::new();
        for number in 0..counts.regions {
            let region = explained(&network, &proof, Which::Number(number)).unwrap();
            assert_eq!(region.number, number);
            let signs: Vec<Sign> = region.units.iter().map(|unit| unit.sign).collect();
            let values = network.evaluate(&region.witness).pre_activations.concat();
            for (unit, value) in region.units.iter().zip(&values) {
                assert_eq!(unit.sign, Sign::of(value), "seed {seed}, region {number}");
                assert_eq!(unit.value, *value, "seed {seed}, region {number}");
                let Reason::Side {
                    multiples,
                    constant,
                } = &unit.reason
                else {
                    together += u32::from(unit.reason != Reason::Split);
                    continue;
                };
                sides += 1;
                let mut left = unit.form.clone();
                if unit.sign == Sign::Negative {
                    left.iter_mut().for_each(|entry| *entry = -&*entry);
                }
                for (constraint, multiplier) in multiples {
                    let (form, _) = region.constraint(*constraint);
                    for (left, entry) in left.iter_mut().zip(form) {
                        *left -= entry * multiplier;
                    }
                }
                assert_eq!(left.pop().as_ref(), Some(constant));
                assert!(left.iter().all(Zero::is_zero), "seed {seed}");
            }
            for which in [
                Which::Pattern(Pattern(signs.clone())),
                Which::Point(region.witness.clone()),
            ] {
                let again = explained(&network, &proof, which).unwrap();
                assert_eq!((again.number, &again.witness), (number, &region.witness));
            }
            found.insert(signs.iter().map(|sign| sign.symbol()).collect::<String>());
        }
        assert_eq!(found, patterns::patterns(&network, &domain), "seed {seed}");
        assert!(explained(&network, &proof, Which::Number(counts.regions)).is_none());
    }
    assert!(sides > 30 && together > 100, "{sides} {together}");
}

/// What shows half of the rays of a layer shows neither the other half nor a second layer.
#[test]
fn other_halves_are_rejected() {
    let rows = [vec![1, 2, 0], vec![3, -1, 0], vec![-1, 1, 0]];
    let network = nets::arrangement(&rows);
    let domain = everywhere(&network);
    let proof = Proof::searched(&network, &domain, false);
    // Three lines through a point.
    assert_eq!(proof.check(&network).unwrap().counts.regions, 6);
    let reject = |proof: &Proof, network: &Network, expected: &str| {
        let message = proof.check(network).unwrap_err().to_string();
        assert!(message.contains(expected), "{message}");
    };
    // On -x the lead is negative.
    let mut turned = proof.clone();
    for input in &mut turned.header.charts[0].inputs {
        let terms = input.terms.iter_mut().map(|(_, factor)| factor);
        for number in terms.chain([&mut input.constant]) {
            *number = match number.strip_prefix('-') {
                Some(positive) => positive.to_string(),
                None if number == "0" => continue,
                None => format!("-{number}"),
            };
        }
    }
    reject(&turned, &network, "is not positive on it");
    // Only what is walked through, or without the opposite patterns.
    let mut half = proof.clone();
    half.footer.regions = "3".into();
    reject(
        &half,
        &network,
        "regions: 3, but the proof shows regions: 6",
    );
    // Two layers: -x turns no signs of the second.
    let units = |rows: &[[i64; 3]]| rows.iter().map(|row| nets::unit(row)).collect();
    let layers: [Vec<nets::Unit>; 2] = [
        units(&[[1, 2, 0], [3, -1, 0]]),
        units(&[[1, -1, 0], [1, 1, 0]]),
    ];
    let deep = nets::dense(2, &layers);
    let mut proof = Proof::searched(&deep, &domain, false);
    assert_eq!(proof.header.charts.len(), 2);
    proof.header.charts.pop();
    reject(&proof, &deep, "1 charts; expected 2");
}
