//! Holds the search against an oracle: not only the count, but every pattern and
//! every witness.

use std::collections::{BTreeSet, HashSet};
use std::fmt::Display;
use std::ops::ControlFlow;
use std::sync::Mutex;

use chambers::arrangement::Domain;
use chambers::network::Network;
use chambers::regions::Digest;
use chambers::regions::digest::PatternHash;
use chambers::regions::{Pattern, Region, Sign};
use chambers::search::{self, Answer, Monitor, Options};

use super::model::symbol;
use super::networks::describe;
use super::{Number, Rational};

/// One region as the search gave it.
pub struct Found {
    pub pattern: Vec<Sign>,
    pub witness: Vec<Rational>,
    pub witness_f64: Option<Vec<f64>>,
}

/// Counts on this many threads.
pub fn count(network: &Network, domain: &Domain, threads: usize) -> Answer {
    search::count(network, domain, &options(threads, false), &Monitor::new())
        .expect("the system starts threads")
}

fn options(threads: usize, strict: bool) -> Options {
    Options {
        threads: Some(threads),
        strict,
    }
}

/// The number of regions on R^n, by one thread.
pub fn assert_regions(network: &Network, expected: u64, case: &dyn Display) {
    assert_regions_on(network, &everywhere(network), expected, case);
}

/// The number of regions on a domain, by one thread.
pub fn assert_regions_on(network: &Network, domain: &Domain, expected: u64, case: &dyn Display) {
    let answer = count(network, domain, 1);
    assert!(answer.complete, "{case}: the search stopped early");
    assert_eq!(
        answer.regions,
        expected,
        "{case}: regions on {domain}\n{}",
        describe(network)
    );
}

/// The patterns, as the search finds them.
pub fn patterns(network: &Network, domain: &Domain) -> BTreeSet<String> {
    let (_, found) = enumerate(network, domain);
    found.iter().map(|f| shown(&f.pattern)).collect()
}

pub fn everywhere(network: &Network) -> Domain {
    Domain::everything(network.input().len())
}

/// Enumerates and demands exactly the expected patterns, a right witness for each,
/// and an answer that agrees with what was handed out.
pub fn assert_patterns(
    network: &Network,
    domain: &Domain,
    expected: &BTreeSet<String>,
    case: &dyn Display,
) {
    assert_some_witnesses(network, domain, expected, 1, case);
}

/// The same, with an exact check of every `step`-th witness only.
pub fn assert_some_witnesses(
    network: &Network,
    domain: &Domain,
    expected: &BTreeSet<String>,
    step: usize,
    case: &dyn Display,
) {
    let text = || format!("{case}, on {domain}\n{}", describe(network));
    let (answer, found) = enumerate(network, domain);
    assert!(answer.complete, "the search stopped early: {}", text());

    let patterns: BTreeSet<String> = found.iter().map(|f| shown(&f.pattern)).collect();
    let missing: Vec<_> = expected.difference(&patterns).take(10).collect();
    let extra: Vec<_> = patterns.difference(expected).take(10).collect();
    assert!(
        missing.is_empty() && extra.is_empty(),
        "{} patterns, expected {}; missing {missing:?}, not there {extra:?}: {}",
        patterns.len(),
        expected.len(),
        text()
    );
    assert_eq!(found.len(), patterns.len(), "a region twice: {}", text());
    for (k, region) in found.iter().enumerate() {
        if let Err(problem) = check_witness(network, domain, region, k % step == 0) {
            let pattern = shown(&region.pattern);
            panic!("region {pattern}: {problem}: {}", text());
        }
    }
    if let Err(problem) = check_answer(network, &answer, &found) {
        panic!("{problem}: {}", text());
    }

    // The checker of proofs is one more opinion, which shares no code with the search.
    let proved = |strict: bool| {
        super::verified::proved(network, domain, &options(2, strict))
            .unwrap_or_else(|problem| panic!("{problem}: {}", text()))
    };
    assert_eq!(proved(false).digest, answer.digest, "proved: {}", text());
    let strict = proved(true);
    let without_zero = expected.iter().filter(|p| !p.contains('0')).count() as u64;
    assert!(strict.complete, "strict stopped early: {}", text());
    assert_eq!(strict.regions, without_zero, "strict: {}", text());
}

fn shown(pattern: &[Sign]) -> String {
    Pattern(pattern.to_vec()).to_string()
}

fn enumerate(network: &Network, domain: &Domain) -> (Answer, Vec<Found>) {
    let found = Mutex::new(Vec::new());
    let visit = |region: &Region| {
        found.lock().expect("no panic before").push(Found {
            pattern: region.pattern.to_vec(),
            witness: region.witness.clone(),
            witness_f64: region.witness_f64.clone(),
        });
        ControlFlow::Continue(())
    };
    let monitor = Monitor::new();
    let answer = search::enumerate(network, domain, &options(1, false), &monitor, &visit)
        .expect("the system starts threads");
    (answer, found.into_inner().expect("no panic before"))
}

/// Both witnesses lie strictly inside the domain and give the pattern's signs.
pub fn check_witness(
    network: &Network,
    domain: &Domain,
    region: &Found,
    signs_too: bool,
) -> Result<(), String> {
    let exact = region.witness_f64.as_ref().map(|point| {
        let coordinate = |&x: &f64| Rational::from_float(x).ok_or("an f64 witness is not finite");
        point.iter().map(coordinate).collect::<Result<Vec<_>, _>>()
    });
    let points = [
        ("witness", Some(region.witness.clone())),
        ("f64 witness", exact.transpose()?),
    ];
    for (name, point) in points {
        let Some(point) = point else { continue };
        let shown = || {
            let coordinates: Vec<String> = point.iter().map(ToString::to_string).collect();
            format!("{name} ({})", coordinates.join(", "))
        };
        if point.len() != domain.intervals().len() {
            return Err(format!("{}: wrong length", shown()));
        }
        for (x, interval) in point.iter().zip(domain.intervals()) {
            let above = |lower: &Number| lower.to_rational() < *x;
            let below = |upper: &Number| *x < upper.to_rational();
            let inside = match interval.point() {
                Some(value) => value.to_rational() == *x,
                None => {
                    interval.lower.as_ref().is_none_or(above)
                        && interval.upper.as_ref().is_none_or(below)
                }
            };
            if !inside {
                return Err(format!("{}: not strictly in the domain", shown()));
            }
        }
        if signs_too {
            let values = network.evaluate(&point).pre_activations.concat();
            let signs: String = values.iter().map(symbol).collect();
            if signs != Pattern(region.pattern.clone()).to_string() {
                return Err(format!("{} evaluates to {signs}", shown()));
            }
        }
    }
    Ok(())
}

/// The answer's numbers are those of the regions that it handed out.
fn check_answer(network: &Network, answer: &Answer, found: &[Found]) -> Result<(), String> {
    let mut digest = Digest::default();
    for region in found {
        digest.add(PatternHash::of_pattern(&region.pattern));
    }
    let equal = |what: &str, said: u64, is: usize| {
        let wrong = || format!("the answer's {what} is {said}, the regions' {is}");
        (said == is as u64).then_some(()).ok_or_else(wrong)
    };
    equal("regions", answer.regions, found.len())?;
    if answer.digest != digest {
        return Err("the answer's digest is not that of the regions".into());
    }
    let degenerate = |f: &&Found| f.pattern.contains(&Sign::Zero);
    let degenerate = found.iter().filter(degenerate).count();
    equal("degenerate_regions", answer.degenerate_regions, degenerate)?;
    let units: usize = network.units_per_layer().iter().sum();
    let zero_somewhere = |&u: &usize| found.iter().any(|f| f.pattern[u] == Sign::Zero);
    let zero_units = (0..units).filter(zero_somewhere).count();
    equal("degenerate_units", answer.degenerate_units, zero_units)?;
    // A cell after some layers is a prefix that some region has.
    equal(
        "number of layers",
        answer.layers.len() as u64,
        network.units_per_layer().len(),
    )?;
    let mut end = 0;
    for (layer, &width) in answer.layers.iter().zip(&network.units_per_layer()) {
        end += width;
        let prefixes: HashSet<&[Sign]> = found.iter().map(|f| &f.pattern[..end]).collect();
        equal("units of a layer", layer.units as u64, width)?;
        equal("cells of a layer", layer.cells, prefixes.len())?;
    }
    Ok(())
}
