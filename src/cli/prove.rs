//! `count --proof` and `count --self-check`: counts that say why they are right.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use chambers::network::Network;
use chambers::output::destination::Finished;
use chambers::output::proof::Writer;
use chambers::proof::check::{Flaw, Verdict, Verifier};
use chambers::proof::format::Packing;
use chambers::proof::{Footer, Header, Sink};
use chambers::search::Monitor;
use chambers::{Error, Result};
use indicatif::HumanCount;
use serde_json::{Value, json};

use super::model::{Model, Scope};
use super::note;
use super::outcome::{self, Outcome};

/// Whether and how to write a proof, or to check it at once.
#[derive(Debug, clap::Args)]
#[group(id = "proof options")]
pub struct Arguments {
    /// Write a proof that `chambers check` verifies: a file, or - for standard output
    ///
    /// The file is called FILE.part until the count is complete.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["method", "engine", "cross_check"])]
    proof: Option<PathBuf>,
    /// How to pack the proof; unpacked, a program without zstd can read it
    #[arg(long, value_enum, value_name = "HOW", default_value_t = Pack::Zstd, requires = "proof")]
    proof_packing: Pack,
    /// Check the proof while counting, with the code of `chambers check`
    #[arg(long, conflicts_with_all = ["method", "engine", "cross_check"])]
    self_check: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Pack {
    /// With zstd
    Zstd,
    /// Not at all
    None,
}

/// What the self-check found.
pub enum SelfCheck {
    /// The count is verified, as far as it goes.
    Verified(Verdict),
    /// It is not: a defect of this program.
    Rejected(Flaw),
}

impl SelfCheck {
    /// One line.
    pub fn text(&self) -> String {
        match self {
            SelfCheck::Verified(verdict) => {
                let least = if verdict.complete { "" } else { "at least " };
                let regions = HumanCount(verdict.counts.regions);
                format!("self-check: VERIFIED, {least}{regions} regions")
            }
            SelfCheck::Rejected(flaw) => {
                format!("self-check: REJECTED, do not trust the count; please report this: {flaw}")
            }
        }
    }

    /// Whether it is verified, and if not, why.
    pub fn json(&self) -> Value {
        match self {
            SelfCheck::Verified(verdict) => {
                json!({"verified": true, "count": verdict.counts.regions.to_string()})
            }
            SelfCheck::Rejected(flaw) => json!({"verified": false, "reason": flaw.to_string()}),
        }
    }
}

impl Arguments {
    /// Whether the proof goes where results go.
    pub fn on_standard_output(&self) -> bool {
        self.proof.as_deref() == Some(Path::new("-"))
    }

    /// Counts, and writes and checks the proof as was asked.
    pub fn count(
        &self,
        model: &Model,
        scope: &Scope,
        monitor: &Arc<Monitor>,
    ) -> Result<(Outcome, Option<SelfCheck>)> {
        if self.proof.is_none() && !self.self_check {
            let outcome = outcome::exact(&model.network, scope, monitor, None)?;
            return Ok((outcome, None));
        }
        let packing = match self.proof_packing {
            Pack::Zstd => Packing::Zstd,
            Pack::None => Packing::Stored,
        };
        let create = |path: &PathBuf| Writer::create(path, packing, monitor);
        let sinks = Sinks {
            writer: self.proof.as_ref().map(create).transpose()?,
            checker: self
                .self_check
                .then(|| Checker::new(&model.network, monitor)),
        };
        let outcome = outcome::proved(model, scope, monitor, &sinks)?;
        let footer = |chunks| Footer {
            regions: outcome.regions.to_string(),
            digest: outcome.digest.clone(),
            complete: outcome.complete,
            chunks,
        };
        if let Some(writer) = sinks.writer {
            finish(writer, footer)?;
        }
        let checked = sinks.checker.map(|checker| checker.finish(footer));
        Ok((outcome, checked))
    }
}

/// Writes the footer, and says where a proof is that has no name yet.
fn finish(writer: Writer, footer: impl FnOnce(u64) -> Footer) -> Result<()> {
    let part = writer.part().map(Path::to_path_buf);
    match writer.finish(footer) {
        Ok(Finished::InPlace) => Ok(()),
        Ok(Finished::Part(part)) => {
            note(&format!(
                "stopped early: {} proves a lower bound",
                part.display()
            ));
            Ok(())
        }
        Err(error) => {
            if let (Error::Io { .. }, Some(part)) = (&error, part) {
                note(&format!(
                    "{} holds the beginning of a proof; it has no footer",
                    part.display()
                ));
            }
            Err(error)
        }
    }
}

/// Where a proof goes: to a file, to the checker, or to both.
struct Sinks<'n> {
    writer: Option<Writer>,
    checker: Option<Checker<'n>>,
}

impl Sink for Sinks<'_> {
    fn header(&self, header: &Header) {
        if let Some(writer) = &self.writer {
            writer.header(header);
        }
        if let Some(checker) = &self.checker {
            checker.header(header);
        }
    }

    fn chunk(&self, body: &[u8]) {
        if let Some(writer) = &self.writer {
            writer.chunk(body);
        }
        if let Some(checker) = &self.checker {
            checker.chunk(body);
        }
    }
}

/// Checks chunks as they come, in the threads that they come from. A flaw stops the search.
struct Checker<'n> {
    network: &'n Network,
    monitor: Arc<Monitor>,
    verifier: OnceLock<Verifier<'n>>,
    chunks: AtomicU64,
    flaw: Mutex<Option<Flaw>>,
}

impl<'n> Checker<'n> {
    fn new(network: &'n Network, monitor: &Arc<Monitor>) -> Self {
        Checker {
            network,
            monitor: Arc::clone(monitor),
            verifier: OnceLock::new(),
            chunks: AtomicU64::new(0),
            flaw: Mutex::new(None),
        }
    }

    fn reject(&self, found: Flaw) {
        let mut flaw = self.flaw.lock().unwrap_or_else(PoisonError::into_inner);
        flaw.get_or_insert(found);
        self.monitor.stop();
    }

    fn header(&self, header: &Header) {
        match Verifier::new(self.network, header) {
            Ok(verifier) => drop(self.verifier.set(verifier)),
            Err(flaw) => self.reject(flaw),
        }
    }

    fn chunk(&self, body: &[u8]) {
        let number = self.chunks.fetch_add(1, Ordering::Relaxed);
        if let Some(verifier) = self.verifier.get()
            && let Err(flaw) = verifier.chunk(number, body)
        {
            self.reject(flaw);
        }
    }

    fn finish(self, footer: impl FnOnce(u64) -> Footer) -> SelfCheck {
        let flaw = self.flaw.into_inner();
        if let Some(flaw) = flaw.unwrap_or_else(PoisonError::into_inner) {
            return SelfCheck::Rejected(flaw);
        }
        let verifier = self
            .verifier
            .get()
            .expect("without a header there is a flaw");
        match verifier.finish(&footer(self.chunks.into_inner())) {
            Ok(verdict) => SelfCheck::Verified(verdict),
            Err(flaw) => SelfCheck::Rejected(flaw),
        }
    }
}
