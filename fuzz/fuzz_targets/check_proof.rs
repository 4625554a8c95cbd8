//! Whatever a proof says, the checker neither panics nor verifies a wrong count.
//!
//! The first byte of the input chooses what the rest is: a whole file, the body of one
//! chunk, or changes to a proof that is right, whose checksums are then made right.
#![no_main]

use std::sync::{LazyLock, Mutex};

use chambers::network::{Architecture, Network, random};
use chambers::proof::check::{Options as Check, Verifier, check};
use chambers::proof::format::{Kind, Packing, write_magic, write_record};
use chambers::proof::{Footer, Header, Sink};
use chambers::search::{Monitor, Options, prove};
use chambers::{Domain, arrangement};
use libfuzzer_sys::fuzz_target;

/// A network, a proof of its regions, and their number.
struct Case {
    network: Network,
    header: Header,
    chunks: Vec<Vec<u8>>,
    footer: Footer,
    regions: u64,
}

#[derive(Default)]
struct Told(Mutex<(Option<Header>, Vec<Vec<u8>>)>);

impl Sink for Told {
    fn header(&self, header: &Header) {
        self.0.lock().unwrap().0 = Some(header.clone());
    }

    fn chunk(&self, body: &[u8]) {
        self.0.lock().unwrap().1.push(body.to_vec());
    }
}

/// Everywhere, in a box with a fixed input, and on rays.
static CASES: LazyLock<Vec<Case>> = LazyLock::new(|| {
    let cases = [
        ("2; dense 4; dense 3", None),
        ("3; dense 3; dense 2", Some("-1,1,1/2,1/2,0,inf")),
        ("3; dense 5 nobias; dense 2 nobias", None),
    ];
    let case = |(arch, domain): (&str, Option<&str>)| {
        let network = random::he(&Architecture::parse(arch).unwrap(), 7).unwrap();
        let inputs = network.input().len();
        let domain = domain.map_or(Domain::everything(inputs), |text| {
            arrangement::Domain::parse_box(text, inputs).unwrap()
        });
        let told = Told::default();
        let options = Options {
            threads: Some(1),
            ..Options::default()
        };
        let monitor = Monitor::new();
        let answer = prove(&network, &domain, &options, &monitor, "".into(), &told).unwrap();
        let (header, chunks) = told.0.into_inner().unwrap();
        Case {
            network,
            header: header.unwrap(),
            footer: answer.footer(chunks.len() as u64),
            chunks,
            regions: answer.regions,
        }
    };
    cases.into_iter().map(case).collect()
});

fn file(header: &[u8], chunks: &[Vec<u8>], footer: &[u8]) -> Vec<u8> {
    let mut file = Vec::new();
    write_magic(&mut file).unwrap();
    let mut record = |kind, body: &[u8]| {
        write_record(kind, Packing::Stored, body, &mut file).unwrap();
    };
    record(Kind::Header, header);
    chunks.iter().for_each(|chunk| record(Kind::Chunk, chunk));
    record(Kind::Footer, footer);
    file
}

/// Three bytes each: where, there, and what.
fn change(bytes: &mut Vec<u8>, changes: &[u8]) {
    for change in changes.chunks_exact(3) {
        let place = usize::from(change[0]) << 8 | usize::from(change[1]);
        match (bytes.len(), change[2] % 4) {
            (0, _) => {}
            (length, 0) => drop(bytes.remove(place % length)),
            (length, 1) => bytes.insert(place % length, change[2] / 4),
            (length, _) => bytes[place % length] ^= change[2] / 4 + 1,
        }
    }
}

fuzz_target!(|data: &[u8]| {
    let Some((&first, data)) = data.split_first() else {
        return;
    };
    let case = &CASES[usize::from(first / 4) % CASES.len()];
    let json = |value: serde_json::Value| value.to_string().into_bytes();
    let mut header = json(serde_json::to_value(&case.header).unwrap());
    let footer = json(serde_json::to_value(&case.footer).unwrap());
    let mut chunks = case.chunks.clone();
    let bytes = match first % 4 {
        0 => data.to_vec(),
        1 => {
            let verifier = Verifier::new(&case.network, &case.header).unwrap();
            let _ = verifier.chunk(0, data);
            return;
        }
        2 => {
            change(&mut chunks[0], data);
            file(&header, &chunks, &footer)
        }
        _ => {
            change(&mut header, data);
            file(&header, &chunks, &footer)
        }
    };
    if let Ok(verdict) = check(&case.network, &bytes[..], &Check::default()) {
        // Another proof of the same, or of another domain, may be right as well: but never
        // of another number for this domain.
        if first % 4 == 2 && verdict.complete {
            assert_eq!(verdict.counts.regions, case.regions);
        }
        assert!(!verdict.complete || verdict.counts.regions > 0);
    }
});
