//! Proofs that the search writes, verified by the checker, which shares no code with it.
//! `common::check` and `tests/manifest.rs` do the same with theirs.

mod common;

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use chambers::arrangement::Domain;
use chambers::characteristic::{Found, Symmetry, characteristic};
use chambers::network::{Architecture, Network, import, random};
use chambers::proof::check::{self, Verifier};
use chambers::proof::format::{Kind, Packing, write_magic, write_record};
use chambers::proof::{Header, Sink};
use chambers::search::{self, Monitor, Options};
use chambers::theory::{Skeleton, theorem2};
use common::verified::{prove, proved, verdict};

fn threads(threads: usize) -> Options {
    Options {
        threads: Some(threads),
        ..Options::default()
    }
}

fn random_network(arch: &str) -> Network {
    random::he(&Architecture::parse(arch).unwrap(), 1).unwrap()
}

fn everywhere(network: &Network) -> Domain {
    Domain::everything(network.input().len())
}

/// Every fixture that is an arrangement: the number of verified regions is that of the
/// characteristic polynomial, which visits none.
#[test]
fn arrangements_are_certified_twice() {
    let mut seen = 0;
    for entry in std::fs::read_dir("fixtures/arrangements").unwrap() {
        let path = entry.unwrap().path();
        let network = import::load_arrangement(&path).unwrap().network;
        let answer = proved(&network, &everywhere(&network), &threads(2))
            .unwrap_or_else(|problem| panic!("{}: {problem}", path.display()));
        let known = characteristic(&network, Symmetry::Auto, &Monitor::new()).unwrap();
        let Found::Polynomial(polynomial) = known.found else {
            panic!("nobody stopped it");
        };
        let regions = polynomial.regions();
        assert_eq!(regions, answer.regions.into(), "{}", path.display());
        seen += 1;
    }
    assert!(seen > 20);
}

/// At most 64 bytes a region before compression, in up to 8 dimensions.
#[test]
fn proofs_are_short() {
    for arch in [
        "2; dense 60",
        "3; dense 40",
        "4; dense 25",
        "6; dense 16",
        "8; dense 13",
        "3; dense 12; dense 12; dense 12",
    ] {
        let network = random_network(arch);
        let (answer, told) = prove(
            &network,
            &everywhere(&network),
            &threads(1),
            &Monitor::new(),
        );
        let bytes: usize = told.bodies().iter().map(Vec::len).sum();
        let limit = 64 * answer.regions as usize;
        assert!(
            bytes <= limit,
            "{arch}: {bytes} bytes, {} regions",
            answer.regions
        );
    }
}

/// Stops the search when it has told so many chunks.
struct Stopper<'a> {
    told: common::verified::Told,
    chunks: AtomicU64,
    monitor: &'a Monitor,
}

impl Sink for Stopper<'_> {
    fn header(&self, header: &Header) {
        self.told.header(header);
    }

    fn chunk(&self, body: &[u8]) {
        self.told.chunk(body);
        if self.chunks.fetch_add(1, Ordering::Relaxed) == 2 {
            self.monitor.stop();
        }
    }
}

/// A search that was stopped proves a lower bound, which is what it found.
#[test]
fn early_stops_prove_lower_bounds() {
    let network = random_network("6; dense 25");
    for thread_count in [1, 2] {
        let monitor = Monitor::new();
        let stopper = Stopper {
            told: common::verified::Told::default(),
            chunks: AtomicU64::new(0),
            monitor: &monitor,
        };
        let options = threads(thread_count);
        let domain = everywhere(&network);
        let answer = search::prove(
            &network,
            &domain,
            &options,
            &monitor,
            "test".into(),
            &stopper,
        )
        .unwrap();
        assert!(!answer.complete);
        let footer = answer.footer(stopper.told.bodies().len() as u64);
        let verdict = verdict(&network, &stopper.told, &footer).unwrap();
        assert!(!verdict.complete);
        assert_eq!(verdict.counts.regions, answer.regions);
        // The sum of binomials bounds it.
        assert!(
            0 < verdict.counts.regions
                && verdict.counts.regions < common::arrangements::generic_chambers(25, 6)
        );
    }
}

/// Files say the same as what was told, packed or not, in any order of chunks.
#[test]
fn files_are_checked_by_any_number_of_threads() {
    let network = random_network("3; dense 30; dense 6");
    let (answer, told) = prove(
        &network,
        &everywhere(&network),
        &threads(2),
        &Monitor::new(),
    );
    let mut chunks = told.bodies();
    assert!(chunks.len() > 1);
    for packing in [Packing::Stored, Packing::Zstd] {
        chunks.reverse();
        let mut file = Vec::new();
        write_magic(&mut file).unwrap();
        let json = |value| serde_json::to_vec(&value).unwrap();
        let header = serde_json::to_value(told.stated()).unwrap();
        let footer = serde_json::to_value(answer.footer(chunks.len() as u64)).unwrap();
        write_record(Kind::Header, packing, &json(header), &mut file).unwrap();
        for chunk in &chunks {
            write_record(Kind::Chunk, packing, chunk, &mut file).unwrap();
        }
        write_record(Kind::Footer, packing, &json(footer), &mut file).unwrap();
        for threads in [1, 3] {
            let options = check::Options {
                threads,
                ..check::Options::default()
            };
            let verdict = check::check(&network, &file[..], &options).unwrap();
            assert_eq!(verdict.counts.regions, answer.regions);
            assert_eq!(verdict.counts.digest, answer.digest);
        }
    }
    let other = random_network("3; dense 30; dense 7");
    let flaw = Verifier::new(&other, &told.stated()).expect_err("another network");
    let message = flaw.to_string();
    assert!(
        message.contains(&network.digest()) && message.contains(&other.digest()),
        "{message}"
    );
}

/// The proof that is kept in examples/: no network of this shape has the 256 regions that
/// Theorem 2 of Xiong et al. (2020) gives, and this one has 255.
#[test]
fn the_counterexample_is_proved() {
    let network = import::load(Path::new("examples/counterexample/network.json")).unwrap();
    let proof = std::fs::File::open("examples/counterexample/network.chp").unwrap();
    let everything = everywhere(&network);
    let options = check::Options {
        domain: Some(&everything),
        ..check::Options::default()
    };
    let verdict = check::check(&network, proof, &options).unwrap();
    assert!(verdict.complete && !verdict.strict);
    assert_eq!(verdict.counts.regions, 255);

    let skeleton = Skeleton::of_network(&network);
    let value = theorem2::value(&skeleton.layers()[0].groups(), &theorem2::Budget::default());
    assert_eq!(value.exact(), Some(&256u32.into()));
}
