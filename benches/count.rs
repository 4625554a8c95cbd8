//! Counts one network several times in one process: `benches/peers/run.py` compares that with
//! other programs, which do the same.
//!
//! `cargo bench --bench count -- MODEL` prints one JSON object: the count, and of the fastest
//! call `seconds` and `cpu`, both of the call alone; `memory` is the most that the process held.
//! `--domain`, `--threads` and `--proof` are those of `chambers count`; a proof is packed and
//! written as there, its file opened before each call, and synced and closed after it. A count runs a
//! hundred times, or until two seconds are over; with `--repeat` so many times.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use chambers::arrangement::vnnlib;
use chambers::network::import;
use chambers::output::proof::Writer;
use chambers::proof::format::Packing;
use chambers::search::{self, Answer};
use chambers::{Domain, Monitor, Options};
use clap::Parser;
use serde_json::json;

/// A count runs so often, unless it takes too long in all.
const RUNS: usize = 100;
const ENOUGH: Duration = Duration::from_secs(2);

#[derive(Parser)]
struct Arguments {
    /// The network's file
    model: PathBuf,
    /// Where to count: box=LO,HI or FILE.vnnlib
    #[arg(long, allow_hyphen_values = true)]
    domain: Option<String>,
    /// Threads
    #[arg(long)]
    threads: Option<usize>,
    /// Write a proof
    #[arg(long)]
    proof: Option<PathBuf>,
    /// How often
    #[arg(long)]
    repeat: Option<usize>,
    /// Cargo passes this
    #[arg(long, hide = true)]
    bench: bool,
}

/// One call: its answer, its wall and its CPU time.
type Call = (Answer, Duration, Duration);

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    let model = import::load_model(&arguments.model)?;
    let inputs = model.network.input().len();
    let domain = match arguments.domain.as_deref() {
        None => Domain::everything(inputs),
        Some(text) => match text.strip_prefix("box=") {
            Some(sides) => Domain::parse_box(sides, inputs)?,
            None => vnnlib::load_box(Path::new(text), inputs)?,
        },
    };
    let (mut best, mut total) = (None::<Call>, Duration::ZERO);
    for _ in 0..arguments.repeat.unwrap_or(RUNS) {
        let call = count(&arguments, &model, &domain)?;
        total += call.1;
        if best.as_ref().is_none_or(|best| call.1 < best.1) {
            best = Some(call);
        }
        if arguments.repeat.is_none() && total > ENOUGH {
            break;
        }
    }
    let (answer, wall, cpu) = best.ok_or("--repeat 0 counts nothing")?;
    let result = json!({
        "count": answer.regions.to_string(),
        "digest": answer.digest.to_string(),
        "seconds": wall.as_secs_f64(),
        "cpu": cpu.as_secs_f64(),
        "memory": memory(),
        "decisions": {"float": answer.decisions.float, "exact": answer.decisions.exact},
    });
    println!("{result}");
    Ok(())
}

fn count(
    arguments: &Arguments,
    model: &import::Model,
    domain: &Domain,
) -> Result<Call, Box<dyn Error>> {
    let options = Options {
        threads: arguments.threads,
        ..Options::default()
    };
    let monitor = Arc::new(Monitor::new());
    let Some(path) = &arguments.proof else {
        return Ok(timed(|| {
            search::count(&model.network, domain, &options, &monitor)
        })?);
    };
    let writer = Writer::create(path, Packing::Zstd, &monitor)?;
    let identity = json!({"path": arguments.model, "sha256": model.digest});
    let call = timed(|| {
        search::prove(
            &model.network,
            domain,
            &options,
            &monitor,
            identity,
            &writer,
        )
    })?;
    writer.finish(|chunks| call.0.footer(chunks))?;
    Ok(call)
}

fn timed(call: impl FnOnce() -> chambers::Result<Answer>) -> chambers::Result<Call> {
    let (spent, start) = (cpu_time(), Instant::now());
    let answer = call()?;
    let wall = start.elapsed();
    Ok((answer, wall, cpu_time() - spent))
}

/// What all threads of the process have spent.
#[cfg(unix)]
fn cpu_time() -> Duration {
    use nix::time::{ClockId, clock_gettime};
    let time = clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID).expect("the clock exists");
    time.into()
}

#[cfg(not(unix))]
fn cpu_time() -> Duration {
    Duration::ZERO
}

/// The most bytes that the process held, where the system tells.
fn memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kilobytes << 10)
}
