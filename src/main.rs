//! Parse, run, print the error, exit code.

use std::process::ExitCode;

use clap::Parser;

mod cli;

fn main() -> ExitCode {
    match cli::Options::parse().run() {
        Ok(status) => status.into(),
        Err(error) => cli::report_error(&error).into(),
    }
}
