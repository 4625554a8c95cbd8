//! `chambers random`.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use chambers::network::export;
use chambers::{Error, Result};

use super::model::{ARCH_HELP, random_network};
use super::{EXIT_CODES, Status};

/// Write a network with random weights as JSON
///
/// Weights follow He et al. 2015; the same architecture and seed give the same
/// network on every platform.
#[derive(Debug, clap::Args)]
#[command(after_help = EXIT_CODES)]
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
    let write = |out: &mut dyn Write| export::json::write(&network, out).and_then(|()| out.flush());
    let (name, written) = match &arguments.output {
        Some(path) if path.as_os_str() != "-" => {
            let file = File::create(path).map_err(|source| Error::io(path, source))?;
            (path.as_path(), write(&mut BufWriter::new(file)))
        }
        _ => (
            Path::new("standard output"),
            write(&mut BufWriter::new(io::stdout().lock())),
        ),
    };
    written.map_err(|source| Error::io(name, source))?;
    Ok(Status::Done)
}
