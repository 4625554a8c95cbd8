//! `chambers random`.

use std::path::PathBuf;

use chambers::network::export;
use chambers::{Error, Result};

use super::model::{ARCH_HELP, random_network};
use super::{Status, print};

/// Write a network with random weights as JSON
///
/// Weights follow He et al. 2015; the same architecture and seed give the same
/// network on every platform.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The architecture in one line, such as "1x3x1; conv 8@1x2"
    #[arg(long, value_name = "TEXT", long_help = ARCH_HELP)]
    arch: String,
    /// The seed of the weights
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// The file to write; standard output when absent
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub fn run(arguments: &Arguments) -> Result<Status> {
    let network = random_network(&arguments.arch, arguments.seed)?;
    let text = export::json::write(&network);
    match &arguments.output {
        Some(path) if path.as_os_str() != "-" => {
            std::fs::write(path, text).map_err(|source| Error::io(path, source))?;
        }
        _ => print(&text)?,
    }
    Ok(Status::Done)
}
