//! Proofs as values that tests can make, change and have checked, and their bytes.

use chambers::arrangement::Domain;
use chambers::network::Network;
use chambers::proof::check::{self, Flaw, Options, Verdict, Verifier};
use chambers::proof::format::{
    Cursor, Entry, Footer, Header, Kind, Packing, decode_start, encode_start, event, put, put_long,
    put_signed, read_magic, read_record, write_magic, write_record,
};
use chambers::search::{self, Monitor};
use num_bigint::BigInt;

use super::verified;

/// A proof.
#[derive(Clone, Debug, PartialEq)]
pub struct Proof {
    pub header: Header,
    pub chunks: Vec<Chunk>,
    pub footer: Footer,
}

/// A piece of the walk.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Chunk {
    pub chart: usize,
    pub trail: Vec<Entry>,
    pub events: Vec<Event>,
}

/// One event.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    Split(u64),
    Side {
        unit: u64,
        positive: bool,
        constraints: Vec<u64>,
    },
    Region {
        exponent: i64,
        mantissas: Vec<BigInt>,
    },
    Crossing {
        exponent: i64,
        mantissas: Vec<BigInt>,
    },
    Arrangement(Sets),
    Sides {
        /// None stand for those of the event before.
        sets: Sets,
        /// Units, and whether they are positive.
        units: Vec<(u64, bool)>,
        /// Whether they are written as bits: the positive ones first, each in ascending order.
        as_bits: bool,
    },
    Empty {
        first: u64,
        others: Vec<u64>,
    },
    Open,
    Elsewhere,
    Excluded,
}

/// Sets of constraints, of so many each.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sets {
    pub named: Vec<u64>,
    pub members: Vec<u64>,
}

impl Sets {
    /// Of these constraints; what a set has twice is named twice.
    pub fn of(sets: &[&[u64]]) -> Sets {
        let mut all = Sets::default();
        for set in sets {
            let mut members = 0;
            for number in *set {
                let known = (0..all.named.len())
                    .find(|&at| all.named[at] == *number && members >> at & 1 == 0);
                let at = known.unwrap_or_else(|| {
                    all.named.push(*number);
                    all.named.len() - 1
                });
                members |= 1 << at;
            }
            all.members.push(members);
        }
        all
    }

    fn encode(&self, bytes: &mut Vec<u8>) {
        put(bytes, self.members.len() as u64);
        put(bytes, self.named.len() as u64);
        let numbers = self.named.iter().chain(&self.members);
        numbers.for_each(|&number| put(bytes, number));
    }

    fn encode_sides(&self, bytes: &mut Vec<u8>) {
        match self.members.len() {
            0 => put(bytes, 0),
            _ => self.encode(bytes),
        }
    }

    /// So many sets.
    fn decode(count: u64, cursor: &mut Cursor) -> Option<Sets> {
        let named = cursor.number()?;
        let mut numbers = |count| (0..count).map(|_| cursor.number()).collect::<Option<_>>();
        Some(Sets {
            named: numbers(named)?,
            members: numbers(count)?,
        })
    }
}

impl Event {
    fn encode(&self, bytes: &mut Vec<u8>) {
        let leaf = |kind: u64| 4 * kind + event::LEAF;
        let point = |bytes: &mut Vec<u8>, exponent: i64, mantissas: &[BigInt]| {
            put_signed(bytes, exponent);
            mantissas.iter().for_each(|m| put_long(bytes, m));
        };
        match self {
            Event::Split(unit) => put(bytes, 4 * unit + event::SPLIT),
            Event::Side {
                unit,
                positive,
                constraints,
            } => {
                let kind = if *positive {
                    event::POSITIVE
                } else {
                    event::NEGATIVE
                };
                put(bytes, 4 * unit + kind);
                put(bytes, constraints.len() as u64);
                constraints.iter().for_each(|&number| put(bytes, number));
            }
            Event::Region {
                exponent,
                mantissas,
            } => {
                put(bytes, leaf(event::REGION));
                point(bytes, *exponent, mantissas);
            }
            Event::Crossing {
                exponent,
                mantissas,
            } => {
                put(bytes, leaf(event::CROSSING));
                point(bytes, *exponent, mantissas);
            }
            Event::Empty { first, others } => {
                put(bytes, leaf(event::EMPTY));
                put(bytes, others.len() as u64);
                put(bytes, *first);
                others.iter().for_each(|&number| put(bytes, number));
            }
            Event::Arrangement(sets) => {
                put(bytes, leaf(event::ARRANGEMENT));
                sets.encode(bytes);
            }
            Event::Sides {
                sets,
                units,
                as_bits: true,
            } => {
                put(bytes, leaf(event::SIDES));
                sets.encode_sides(bytes);
                put(bytes, 0);
                for sign in [true, false] {
                    let own = units.iter().filter(|(_, positive)| *positive == sign);
                    put(bytes, own.fold(0, |bits, (unit, _)| bits | 1 << unit));
                }
            }
            Event::Sides { sets, units, .. } => {
                put(bytes, leaf(event::SIDES));
                sets.encode_sides(bytes);
                put(bytes, units.len() as u64);
                for (unit, positive) in units {
                    put(bytes, 2 * unit + u64::from(!positive));
                }
            }
            Event::Open => put(bytes, leaf(event::OPEN)),
            Event::Elsewhere => put(bytes, leaf(event::ELSEWHERE)),
            Event::Excluded => put(bytes, leaf(event::EXCLUDED)),
        }
    }

    fn decode(cursor: &mut Cursor, dimension: usize) -> Option<Event> {
        let code = cursor.number()?;
        let numbers = |cursor: &mut Cursor, count: u64| -> Option<Vec<u64>> {
            (0..count).map(|_| cursor.number()).collect()
        };
        let mantissas = |cursor: &mut Cursor| -> Option<Vec<BigInt>> {
            (0..dimension).map(|_| cursor.signed()).collect()
        };
        Some(match (code % 4, code / 4) {
            (event::SPLIT, unit) => Event::Split(unit),
            (kind @ (event::POSITIVE | event::NEGATIVE), unit) => {
                let count = cursor.number()?;
                Event::Side {
                    unit,
                    positive: kind == event::POSITIVE,
                    constraints: numbers(cursor, count)?,
                }
            }
            (_, event::REGION) => Event::Region {
                exponent: i64::try_from(cursor.signed()?).ok()?,
                mantissas: mantissas(cursor)?,
            },
            (_, event::CROSSING) => Event::Crossing {
                exponent: i64::try_from(cursor.signed()?).ok()?,
                mantissas: mantissas(cursor)?,
            },
            (_, event::EMPTY) => {
                let count = cursor.number()?;
                Event::Empty {
                    first: cursor.number()?,
                    others: numbers(cursor, count)?,
                }
            }
            (_, event::ARRANGEMENT) => {
                let count = cursor.number()?;
                Event::Arrangement(Sets::decode(count, cursor)?)
            }
            (_, event::SIDES) => {
                let sets = match cursor.number()? {
                    0 => Sets::default(),
                    count => Sets::decode(count, cursor)?,
                };
                let count = cursor.number()?;
                let units = numbers(cursor, count)?.into_iter();
                let mut units: Vec<_> = units.map(|code| (code / 2, code % 2 == 0)).collect();
                if count == 0 {
                    units.extend(cursor.bits()?.map(|unit| (unit, true)));
                    units.extend(cursor.bits()?.map(|unit| (unit, false)));
                }
                Event::Sides {
                    sets,
                    units,
                    as_bits: count == 0,
                }
            }
            (_, event::OPEN) => Event::Open,
            (_, event::ELSEWHERE) => Event::Elsewhere,
            (_, event::EXCLUDED) => Event::Excluded,
            _ => return None,
        })
    }
}

impl Chunk {
    /// The body of its record.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = encode_start(self.chart, &self.trail, false);
        self.events
            .iter()
            .for_each(|event| event.encode(&mut bytes));
        bytes
    }
}

impl Proof {
    /// The bytes of the file, with right checksums.
    pub fn encode(&self, packing: Packing) -> Vec<u8> {
        let chunks: Vec<Vec<u8>> = self.chunks.iter().map(Chunk::encode).collect();
        file(&self.header, &chunks, &self.footer, packing)
    }

    /// Reads a file that is right.
    pub fn decode(mut file: &[u8], units: usize) -> Proof {
        read_magic(&mut file).expect("a first line");
        let mut next = || read_record(&mut file).expect("a record");
        let (_, body) = next().expect("a header");
        let header: Header = serde_json::from_slice(&body).expect("a header");
        let mut chunks = Vec::new();
        while let Some((kind, body)) = next() {
            if kind == Kind::Footer {
                let footer = serde_json::from_slice(&body).expect("a footer");
                return Proof {
                    header,
                    chunks,
                    footer,
                };
            }
            let mut cursor = Cursor::new(&body);
            let (chart, trail) = decode_start(&mut cursor, units).expect("a start");
            let dimension = header.charts[chart].dimension;
            let mut events = Vec::new();
            while !cursor.is_at_end() {
                events.push(Event::decode(&mut cursor, dimension).expect("an event"));
            }
            chunks.push(Chunk {
                chart,
                trail,
                events,
            });
        }
        panic!("no footer");
    }

    /// The proof that the search writes, in one thread.
    pub fn searched(network: &Network, domain: &Domain, strict: bool) -> Proof {
        let options = search::Options {
            threads: Some(1),
            strict,
        };
        let (answer, told) = verified::prove(network, domain, &options, &Monitor::new());
        let (header, chunks) = (told.stated(), told.bodies());
        let footer = answer.footer(chunks.len() as u64);
        let bytes = file(&header, &chunks, &footer, Packing::Stored);
        Proof::decode(&bytes, network.units_per_layer().iter().sum())
    }

    /// Gives the footer the counts that the chunks have, as who forges a proof would.
    pub fn repair(&mut self, network: &Network) -> Result<(), Flaw> {
        let verifier = Verifier::new(network, &self.header)?;
        for (number, chunk) in self.chunks.iter().enumerate() {
            verifier.chunk(number as u64, &chunk.encode())?;
        }
        let counts = verifier.counts();
        self.footer = Footer {
            regions: counts.regions.to_string(),
            digest: counts.digest.to_string(),
            complete: counts.open == 0,
            chunks: self.chunks.len() as u64,
        };
        Ok(())
    }

    /// Checks it.
    pub fn check(&self, network: &Network) -> Result<Verdict, Flaw> {
        check_bytes(network, &self.encode(Packing::Stored))
    }
}

/// A file from bodies of chunks.
pub fn file(header: &Header, chunks: &[Vec<u8>], footer: &Footer, packing: Packing) -> Vec<u8> {
    let json = |value: serde_json::Result<Vec<u8>>| value.expect("JSON");
    let mut bytes = Vec::new();
    write_magic(&mut bytes).expect("memory takes all");
    let mut write = |kind, body: &[u8]| {
        write_record(kind, packing, body, &mut bytes).expect("memory takes all");
    };
    write(Kind::Header, &json(serde_json::to_vec(header)));
    chunks.iter().for_each(|body| write(Kind::Chunk, body));
    write(Kind::Footer, &json(serde_json::to_vec(footer)));
    bytes
}

/// Checks a file in one thread.
pub fn check_bytes(network: &Network, bytes: &[u8]) -> Result<Verdict, Flaw> {
    check::check(network, bytes, &Options::default())
}
