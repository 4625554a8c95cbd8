//! `count --proof`: a count that writes down why it is right.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use chambers::output::destination::Finished;
use chambers::output::proof::Writer;
use chambers::proof::Footer;
use chambers::proof::format::Packing;
use chambers::search::Monitor;
use chambers::{Error, Result};

use super::model::{Model, Scope};
use super::note;
use super::outcome::{self, Outcome};

/// Whether and how to write a proof.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Write a proof that `chambers check` verifies: a file, or - for standard output
    ///
    /// The file is called FILE.part until the count is complete.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["method", "engine", "cross_check"])]
    proof: Option<PathBuf>,
    /// How to pack the proof; unpacked, a program without zstd can read it
    #[arg(long, value_enum, value_name = "HOW", default_value_t = Pack::Zstd, requires = "proof")]
    proof_packing: Pack,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Pack {
    /// With zstd
    Zstd,
    /// Not at all
    None,
}

impl Arguments {
    /// Whether the proof goes where results go.
    pub fn on_standard_output(&self) -> bool {
        self.proof.as_deref() == Some(Path::new("-"))
    }

    /// Counts, and writes the proof if there is to be one.
    pub fn count(&self, model: &Model, scope: &Scope, monitor: &Arc<Monitor>) -> Result<Outcome> {
        let Some(path) = &self.proof else {
            return outcome::exact(&model.network, scope, monitor, None);
        };
        let packing = match self.proof_packing {
            Pack::Zstd => Packing::Zstd,
            Pack::None => Packing::Stored,
        };
        let writer = Writer::create(path, packing, monitor)?;
        let part = writer.part().map(Path::to_path_buf);
        let outcome = outcome::proved(model, scope, monitor, &writer)?;
        let footer = |chunks| Footer {
            regions: outcome.regions.to_string(),
            digest: outcome.digest.clone(),
            complete: outcome.complete,
            chunks,
        };
        match writer.finish(footer) {
            Ok(Finished::InPlace) => {}
            Ok(Finished::Part(part)) => note(&format!(
                "stopped early: {} proves a lower bound",
                part.display()
            )),
            Err(error) => {
                if let (Error::Io { .. }, Some(part)) = (&error, part) {
                    note(&format!(
                        "{} holds the beginning of a proof; it has no footer",
                        part.display()
                    ));
                }
                return Err(error);
            }
        }
        Ok(outcome)
    }
}
