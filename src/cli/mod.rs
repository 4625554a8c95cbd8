//! The command line: one file a subcommand, and what they share beside them.

mod bounds;
mod check;
mod count;
mod digits;
mod enumerate;
mod explain;
mod inspect;
mod model;
mod outcome;
mod progress;
mod prove;
mod random;
mod report;
mod signals;
mod theorem;
mod whitney;

use std::io::{self, Write};
use std::process::ExitCode;

use chambers::{Error, Result};
use clap::{Parser, Subcommand};

const EXIT_CODES: &str = "\
Exit codes:
  0    done
  1    the answer is \"no\": a cross-check found a difference, or a proof is rejected
  2    bad usage, bad input, or a file that cannot be read or written
  3    stopped early: by a signal, with the partial result printed as partial,
       or because nobody reads the output any more; also a proof of a lower bound only
  130  a second signal ended the program at once, without a result

Results go to standard output, everything else to standard error.";

/// Counts and enumerates, exactly and with proof, the activation regions of ReLU networks.
#[derive(Debug, Parser)]
#[command(version, after_help = EXIT_CODES, arg_required_else_help = true)]
pub struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Count(count::Arguments),
    Check(check::Arguments),
    Explain(explain::Arguments),
    Bounds(bounds::Arguments),
    Enumerate(enumerate::Arguments),
    Inspect(inspect::Arguments),
    Random(random::Arguments),
}

/// How a run ended; the number is the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// All was done.
    Done = 0,
    /// A comparison found a difference.
    Differs = 1,
    /// The input or a file is at fault.
    Bad = 2,
    /// A signal, or a reader that went away, ended the run early.
    Stopped = 3,
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        ExitCode::from(status as u8)
    }
}

impl Options {
    /// Runs the subcommand.
    pub fn run(self) -> Result<Status> {
        match self.command {
            Command::Count(arguments) => count::run(&arguments),
            Command::Check(arguments) => check::run(&arguments),
            Command::Explain(arguments) => explain::run(&arguments),
            Command::Bounds(arguments) => bounds::run(&arguments),
            Command::Enumerate(arguments) => enumerate::run(&arguments),
            Command::Inspect(arguments) => inspect::run(&arguments),
            Command::Random(arguments) => random::run(&arguments),
        }
    }
}

/// Prints an error. A closed pipe is none: whoever read has read enough.
pub fn report_error(error: &Error) -> Status {
    if matches!(error, Error::Io { source, .. } if source.kind() == io::ErrorKind::BrokenPipe) {
        return Status::Stopped;
    }
    note(&format!("error: {error}"));
    Status::Bad
}

/// Prints a line on standard error; when that is closed there is nobody to tell.
fn note(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Prints a result on standard output.
fn print(text: &str) -> Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .map_err(|source| Error::io("standard output", source))
}
