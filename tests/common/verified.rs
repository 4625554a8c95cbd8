//! Proofs in memory, and their verdict: a second opinion that shares no code with the
//! search.

use std::sync::Mutex;

use chambers::arrangement::Domain;
use chambers::network::Network;
use chambers::proof::check::{Flaw, Verdict, Verifier};
use chambers::proof::{Footer, Header, Sink};
use chambers::search::{self, Answer, Monitor, Options};

/// A proof as the search told it.
#[derive(Default)]
pub struct Told {
    header: Mutex<Option<Header>>,
    chunks: Mutex<Vec<Vec<u8>>>,
}

impl Sink for Told {
    fn header(&self, header: &Header) {
        *self.header.lock().unwrap() = Some(header.clone());
    }

    fn chunk(&self, body: &[u8]) {
        self.chunks.lock().unwrap().push(body.to_vec());
    }
}

impl Told {
    pub fn stated(&self) -> Header {
        let header = self.header.lock().unwrap();
        header.clone().expect("the header comes first")
    }

    pub fn bodies(&self) -> Vec<Vec<u8>> {
        self.chunks.lock().unwrap().clone()
    }
}

/// Counts with a proof.
pub fn prove(
    network: &Network,
    domain: &Domain,
    options: &Options,
    monitor: &Monitor,
) -> (Answer, Told) {
    let told = Told::default();
    let answer = search::prove(network, domain, options, monitor, "test".into(), &told)
        .expect("the system starts threads");
    (answer, told)
}

/// Checks a proof.
pub fn verdict(network: &Network, told: &Told, footer: &Footer) -> Result<Verdict, Flaw> {
    let verifier = Verifier::new(network, &told.stated())?;
    for (number, body) in told.bodies().iter().enumerate() {
        verifier.chunk(number as u64, body)?;
    }
    verifier.finish(footer)
}

/// Counts with a proof, which has to be verified, for what the answer says.
pub fn proved(network: &Network, domain: &Domain, options: &Options) -> Result<Answer, String> {
    let (answer, told) = prove(network, domain, options, &Monitor::new());
    let footer = answer.footer(told.bodies().len() as u64);
    match verdict(network, &told, &footer) {
        Err(flaw) => Err(format!("the proof is rejected: {flaw}")),
        Ok(verdict) if verdict.complete && verdict.counts.regions == answer.regions => Ok(answer),
        Ok(verdict) => Err(format!(
            "the search says {}, the proof {verdict:?}",
            answer.regions
        )),
    }
}
