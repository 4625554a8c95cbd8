//! Why a proof is not one.

use std::fmt;
use std::io;

/// Where in a chunk something is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The chunk's number in the file, from 0.
    pub chunk: u64,
    /// The event's number in the chunk, from 0; `None` in the start.
    pub event: Option<u64>,
    /// The byte of the chunk's unpacked body with which the start or the event begins.
    pub byte: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Place { chunk, event, byte } = self;
        match event {
            Some(event) => write!(f, "chunk {chunk}, event {event} (byte {byte})"),
            None => write!(f, "chunk {chunk}, start"),
        }
    }
}

/// What is wrong with a proof, and where.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Flaw {
    /// Reading failed: nothing is known about the proof.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// The check was asked to stop: nothing is known about the proof.
    #[error("the check was stopped")]
    Stopped,
    /// The file is something else; its first bytes.
    #[error("this is no proof: it begins with {}, not with \"chambers proof\"", shown(.0))]
    NoProof(Vec<u8>),
    /// A version that this program does not know.
    #[error("the proof has version {found:?}; this program knows version {known}")]
    Version {
        /// What the file says.
        found: String,
        /// What is known.
        known: &'static str,
    },
    /// What is wrong with a record or with the order of records.
    #[error("record {number}: {what}")]
    Record {
        /// The record's number in the file, from 0: the header.
        number: u64,
        /// What is wrong.
        what: String,
    },
    /// The proof is about another network.
    #[error("the proof is for another network: its digest is {proof}, the model's is {model}")]
    Network {
        /// The digest in the proof.
        proof: String,
        /// The network's.
        model: String,
    },
    /// The proof is about another domain.
    #[error("the proof is for another domain: {proof}, not {expected}")]
    Domain {
        /// The domain in the proof.
        proof: String,
        /// The one that was expected.
        expected: String,
    },
    /// What the header says is wrong.
    #[error("header: {0}")]
    Header(String),
    /// A step is wrong.
    #[error("{place}: {what}")]
    Step {
        /// Which one.
        place: Place,
        /// What is wrong.
        what: String,
    },
    /// The chunks do not fit together.
    #[error("{0}")]
    Chunks(String),
    /// What the footer says is not what the proof shows.
    #[error("footer: {0}")]
    Footer(String),
}

/// A few bytes, so that they harm no terminal.
fn shown(bytes: &[u8]) -> String {
    match bytes {
        [] => "nothing".to_string(),
        _ => format!("\"{}\"", bytes[..bytes.len().min(24)].escape_ascii()),
    }
}
