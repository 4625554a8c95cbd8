//! Checks a proof as it is read: a bounded queue of chunks between one reader and any
//! number of checkers.

use std::io::Read;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, mpsc};

use super::flaw::Flaw;
use super::verifier::{Verdict, Verifier};
use super::walk::Watch;
use crate::arrangement::Domain;
use crate::network::Network;
use crate::proof::format::{self, Footer, Header, Kind, VERSION, read_magic, read_record};

/// A footer is a few numbers.
const MAX_FOOTER: usize = 1 << 12;

/// How to check.
#[derive(Clone, Copy, Default)]
pub struct Options<'a> {
    /// What the proof's domain has to be, if not any.
    pub domain: Option<&'a Domain>,
    /// How many threads check; 0 is taken as 1.
    pub threads: usize,
    /// Asked now and then, from any thread, whether to stop.
    pub stop: Option<&'a (dyn Fn() -> bool + Sync)>,
}

/// Reads a proof and checks it, in memory that does not grow with it.
///
/// # Errors
/// The first flaw; with several threads, the first that was found.
pub fn check(
    network: &Network,
    mut input: impl Read,
    options: &Options<'_>,
) -> Result<Verdict, Flaw> {
    let (verifier, mut records) = open(network, &mut input, options)?;
    let asked = || options.stop.is_some_and(|stop| stop());
    let footer = if options.threads <= 1 {
        let mut take = |number, body: Vec<u8>| verifier.chunk_unless(number, &body, &asked);
        records.chunks(&asked, &mut take)?
    } else {
        in_threads(&verifier, &mut records, options.threads, &asked)?
    };
    verifier.finish(&footer)
}

/// The same with one thread; `watch` sees the steps. Gives the verifier, too.
pub(super) fn check_watched<'n>(
    network: &'n Network,
    mut input: impl Read,
    options: &Options<'_>,
    watch: &mut impl Watch,
) -> Result<Verifier<'n>, Flaw> {
    let (verifier, mut records) = open(network, &mut input, options)?;
    let asked = || options.stop.is_some_and(|stop| stop());
    let mut take = |number, body: Vec<u8>| verifier.chunk_watched(number, &body, &asked, watch);
    let footer = records.chunks(&asked, &mut take)?;
    verifier.finish(&footer)?;
    Ok(verifier)
}

/// Reads up to the header.
fn open<'n, 'r>(
    network: &'n Network,
    input: &'r mut dyn Read,
    options: &Options<'_>,
) -> Result<(Verifier<'n>, Records<'r>), Flaw> {
    read_magic(input).map_err(|flaw| framing(0, flaw))?;
    let mut records = Records { input, number: 0 };
    let header = match records.next()? {
        Some((Kind::Header, body)) => header(network, &body)?,
        _ => return Err(records.flaw("the first record is not the header")),
    };
    let verifier = Verifier::new(network, &header)?;
    if let Some(expected) = options.domain
        && verifier.domain() != expected
    {
        return Err(Flaw::Domain {
            proof: verifier.domain().to_string(),
            expected: expected.to_string(),
        });
    }
    Ok((verifier, records))
}

/// Hands chunks to threads.
fn in_threads(
    verifier: &Verifier<'_>,
    records: &mut Records<'_>,
    threads: usize,
    asked: &(dyn Fn() -> bool + Sync),
) -> Result<Footer, Flaw> {
    // The flaw in the earliest chunk.
    let first: Mutex<Option<(u64, Flaw)>> = Mutex::new(None);
    let failed = AtomicBool::new(false);
    let stop = || failed.load(Ordering::Relaxed) || asked();
    let (sender, receiver) = mpsc::sync_channel::<(u64, Vec<u8>)>(threads);
    let receiver = Mutex::new(receiver);
    let footer = std::thread::scope(|scope| {
        // Moved in here, so that the threads end when the reader does, whatever its reason.
        let sender = sender;
        let work = || {
            loop {
                let next = lock(&receiver).recv();
                let Ok((number, body)) = next else { return };
                // The queue is emptied, so that the reader does not wait for ever.
                if stop() {
                    continue;
                }
                match verifier.chunk_unless(number, &body, &stop) {
                    Ok(()) | Err(Flaw::Stopped) => {}
                    Err(flaw) => {
                        failed.store(true, Ordering::Relaxed);
                        let mut first = lock(&first);
                        if first.as_ref().is_none_or(|(other, _)| number < *other) {
                            *first = Some((number, flaw));
                        }
                    }
                }
            }
        };
        for _ in 0..threads {
            std::thread::Builder::new().spawn_scoped(scope, work)?;
        }
        let mut take = |number, body| {
            let sent = sender.send((number, body));
            sent.map_err(|_| Flaw::Stopped)
        };
        records.chunks(&stop, &mut take)
    });
    match lock(&first).take() {
        Some((_, flaw)) => Err(flaw),
        None if asked() => Err(Flaw::Stopped),
        None => footer,
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|broken| broken.into_inner())
}

/// The records of a file.
struct Records<'r> {
    input: &'r mut dyn Read,
    /// Records read.
    number: u64,
}

impl Records<'_> {
    fn next(&mut self) -> Result<Option<(Kind, Vec<u8>)>, Flaw> {
        let record = read_record(self.input).map_err(|flaw| framing(self.number, flaw))?;
        self.number += 1;
        Ok(record)
    }

    /// What is wrong with the last record.
    fn flaw(&self, what: &str) -> Flaw {
        Flaw::Record {
            number: self.number.saturating_sub(1),
            what: what.into(),
        }
    }

    /// Takes chunks up to the footer, which has to be the end.
    fn chunks(
        &mut self,
        stop: &dyn Fn() -> bool,
        take: &mut dyn FnMut(u64, Vec<u8>) -> Result<(), Flaw>,
    ) -> Result<Footer, Flaw> {
        for number in 0.. {
            if stop() {
                return Err(Flaw::Stopped);
            }
            match self.next()? {
                Some((Kind::Chunk, body)) => take(number, body)?,
                Some((Kind::Header, _)) => return Err(self.flaw("it is a second header")),
                None => return Err(self.flaw("the file ends without a footer")),
                Some((Kind::Footer, body)) => {
                    if body.len() > MAX_FOOTER {
                        return Err(self.flaw("the footer is too long"));
                    }
                    let footer = serde_json::from_slice(&body);
                    let footer =
                        footer.map_err(|error| Flaw::Footer(format!("it is none: {error}")))?;
                    return match self.next() {
                        Ok(None) => Ok(footer),
                        Err(flaw @ Flaw::Io(_)) => Err(flaw),
                        _ => Err(self.flaw("something follows the footer")),
                    };
                }
            }
        }
        unreachable!("there are fewer than 2^64 records")
    }
}

/// Reads the header.
fn header(network: &Network, body: &[u8]) -> Result<Header, Flaw> {
    // JSON takes some ten times its length in memory. What a header needs is numbers
    // for each pair of an input and a coordinate.
    let pairs = network.input().len().saturating_add(1).saturating_pow(2);
    let longest = pairs.saturating_mul(1 << 10).saturating_add(1 << 20);
    if body.len() > longest {
        return Err(Flaw::Header("it is too long for this network".into()));
    }
    serde_json::from_slice(body).map_err(|error| Flaw::Header(format!("it is none: {error}")))
}

/// A flaw of the file's framing.
fn framing(number: u64, flaw: format::Flaw) -> Flaw {
    match flaw {
        format::Flaw::Io(error) => Flaw::Io(error),
        format::Flaw::NoProof(bytes) => Flaw::NoProof(bytes),
        format::Flaw::Version(found) => Flaw::Version {
            found,
            known: VERSION,
        },
        format::Flaw::Record(what) => Flaw::Record { number, what },
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU64;

    use super::*;
    use crate::network::{Layer, Shape};
    use crate::proof::format::{Chart, Input, Packing, write_magic, write_record};

    /// relu(x), whose proof is cut into as many pieces as there are: the split and the
    /// region on its positive side, and the region on its negative side.
    fn example() -> (Network, Vec<Vec<u8>>) {
        let mut network = Network::new(Shape::new([1]));
        network.push(Layer::Relu).expect("a ReLU fits anywhere");
        let header = Header {
            chambers: "a test".into(),
            model: "a test".into(),
            network: network.digest(),
            domain: vec![[None, None]],
            strict: false,
            lead: None,
            charts: vec![Chart {
                dimension: 1,
                inputs: vec![Input {
                    constant: "0".into(),
                    terms: vec![(0, "1".into())],
                }],
            }],
        };
        let header = serde_json::to_vec(&header).expect("JSON");
        let first = vec![0, 0, 0, 3, 0, 2];
        let second = vec![0, 1, 2, 3, 0, 1];
        (network, vec![header, first, second])
    }

    fn bytes(bodies: &[Vec<u8>], regions: u64) -> Vec<u8> {
        let mut file = Vec::new();
        write_magic(&mut file).expect("memory takes all");
        let mut write = |kind, body: &[u8]| {
            write_record(kind, Packing::Stored, body, &mut file).expect("memory takes all");
        };
        write(Kind::Header, &bodies[0]);
        bodies[1..].iter().for_each(|body| write(Kind::Chunk, body));
        let mut digest = crate::regions::Digest::default();
        for sign in [1, -1].map(|x| crate::regions::Sign::of(&x)) {
            digest.add(crate::regions::digest::PatternHash::of_pattern(&[sign]));
        }
        let footer = Footer {
            regions: regions.to_string(),
            digest: digest.to_string(),
            complete: true,
            chunks: bodies.len() as u64 - 1,
        };
        write(Kind::Footer, &serde_json::to_vec(&footer).expect("JSON"));
        file
    }

    #[test]
    fn any_number_of_threads_says_the_same() {
        let (network, bodies) = example();
        let mut broken = bodies.clone();
        broken[2][5] = 2;
        for threads in [0, 1, 2, 7] {
            let options = Options {
                threads,
                ..Options::default()
            };
            let verdict = check(&network, &bytes(&bodies, 2)[..], &options).unwrap();
            assert_eq!((verdict.counts.regions, verdict.chunks), (2, 2));
            let flaw = check(&network, &bytes(&bodies, 3)[..], &options).unwrap_err();
            assert!(matches!(flaw, Flaw::Footer(_)), "{flaw}");
            let flaw = check(&network, &bytes(&broken, 2)[..], &options).unwrap_err();
            assert!(flaw.to_string().starts_with("chunk 1, event 0"), "{flaw}");
        }
    }

    #[test]
    fn a_check_stops_when_it_is_asked_to() {
        let (network, bodies) = example();
        let file = bytes(&bodies, 2);
        for threads in [1, 2] {
            for after in 0..3 {
                let asked = AtomicU64::new(0);
                let stop = || asked.fetch_add(1, Ordering::Relaxed) >= after;
                let options = Options {
                    threads,
                    stop: Some(&stop),
                    ..Options::default()
                };
                let flaw = check(&network, &file[..], &options).unwrap_err();
                assert!(matches!(flaw, Flaw::Stopped), "{flaw}");
            }
        }
    }
}
