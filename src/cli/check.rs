//! `chambers check`.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use chambers::arrangement::Domain;
use chambers::proof::check::{self, Flaw, Options, Verdict};
use chambers::search::Monitor;
use chambers::{Error, Result};
use indicatif::HumanCount;
use serde_json::{Value, json};

use super::model::{MAX_THREADS, Model, NamedSource, read_domain};
use super::{EXIT_CODES, Status, print, report, signals};

/// Check a proof that `count --proof` wrote
///
/// Verifies every step with code that shares nothing with the search. What a verified
/// proof says: the network has exactly that many activation regions in the domain.
#[derive(Debug, clap::Args)]
#[command(after_help = EXIT_CODES)]
pub struct Arguments {
    /// The proof, or - for standard input
    #[arg(value_name = "PROOF")]
    proof: PathBuf,
    #[command(flatten)]
    source: NamedSource,
    /// Accept only proofs for this domain, written as for count [default: any]
    #[arg(long, value_name = "box=...|FILE.vnnlib", allow_hyphen_values = true)]
    domain: Option<String>,
    /// Threads [default: one for each core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=MAX_THREADS))]
    threads: Option<u16>,
    /// Print one JSON object
    ///
    /// Its keys: verdict, count, complete, reason, proof, model, domain, strict, network,
    /// chunks, splits, sides, crossings, arrangements, empty, open, decisions, digest, seconds.
    /// docs/output.md describes them.
    #[arg(long)]
    json: bool,
}

/// What came of a check.
enum Finding {
    Verdict(Verdict),
    Rejected(Flaw),
    Stopped,
}

pub fn run(arguments: &Arguments) -> Result<Status> {
    let model = arguments.source.load()?;
    let inputs = model.network.input().len();
    let domain = arguments.domain.as_deref();
    let domain = domain.map(|text| read_domain(text, inputs)).transpose()?;
    let start = Instant::now();
    let finding = check_file(arguments, &model, domain.as_ref())?;
    let seen = Seen {
        proof: &arguments.proof,
        model: &model,
        finding,
        elapsed: start.elapsed(),
    };
    if arguments.json {
        print(&report::pretty(&seen.json()))?;
    } else {
        print(&seen.text())?;
    }
    Ok(match seen.finding {
        Finding::Verdict(Verdict { complete: true, .. }) => Status::Done,
        Finding::Rejected(_) => Status::Differs,
        Finding::Verdict(_) | Finding::Stopped => Status::Stopped,
    })
}

fn check_file(arguments: &Arguments, model: &Model, domain: Option<&Domain>) -> Result<Finding> {
    let path = &arguments.proof;
    let failed = |error| Error::io(path, error);
    let input: Box<dyn Read> = if path == Path::new("-") {
        Box::new(io::stdin().lock())
    } else {
        Box::new(BufReader::new(File::open(path).map_err(failed)?))
    };
    let monitor = Arc::new(Monitor::new());
    signals::stop_on_signal(&[&monitor]);
    let cores = || std::thread::available_parallelism().map_or(1, usize::from);
    let options = Options {
        domain,
        threads: arguments.threads.map_or_else(cores, usize::from),
        stop: Some(&|| monitor.stopped()),
    };
    match check::check(&model.network, input, &options) {
        Ok(verdict) => Ok(Finding::Verdict(verdict)),
        Err(Flaw::Io(error)) => Err(failed(error)),
        Err(Flaw::Stopped) => Ok(Finding::Stopped),
        Err(flaw) => Ok(Finding::Rejected(flaw)),
    }
}

/// A finding, and what it is about.
struct Seen<'a> {
    proof: &'a Path,
    model: &'a Model,
    finding: Finding,
    elapsed: Duration,
}

impl Seen<'_> {
    fn text(&self) -> String {
        let verdict = match &self.finding {
            Finding::Rejected(flaw) => return format!("REJECTED: {flaw}\n"),
            Finding::Stopped => return "STOPPED: the check did not end\n".into(),
            Finding::Verdict(verdict) => verdict,
        };
        let counts = verdict.counts;
        let regions = HumanCount(counts.regions);
        let s = if counts.regions == 1 { "" } else { "s" };
        let said = if verdict.complete {
            format!("VERIFIED: {regions} region{s}")
        } else {
            format!("INCOMPLETE: at least {regions} region{s}")
        };
        let strict = if verdict.strict {
            ", without cells on which a unit is identically zero"
        } else {
            ""
        };
        let mut rows = vec![
            ("proof", self.proof.display().to_string()),
            ("model", self.model.label.clone()),
            ("network", verdict.network.clone()),
            ("domain", report::domain(&verdict.domain)),
            ("digest", counts.digest.to_string()),
            (
                "steps",
                format!(
                    "{} splits, {} sides, {} crossings, {} arrangements, {} empty cells, {} open ones, \
                     in {} chunks",
                    counts.splits,
                    counts.sides,
                    counts.crossings,
                    counts.arrangements,
                    counts.empty,
                    counts.open,
                    verdict.chunks
                ),
            ),
            (
                "decisions",
                format!(
                    "{} by intervals, {} by 128-bit integers, {} by larger ones",
                    counts.intervals, counts.small, counts.big
                ),
            ),
        ];
        let seconds = self.elapsed.as_secs_f64();
        rows.push(("time", format!("{seconds:.3} s")));
        format!("{said}{strict}\n\n{}", report::table(&rows))
    }

    fn json(&self) -> Value {
        let mut object = json!({
            "verdict": "stopped",
            "count": null,
            "complete": false,
            "reason": null,
            "proof": self.proof.display().to_string(),
            "model": self.model.identity,
            "seconds": self.elapsed.as_secs_f64(),
        });
        match &self.finding {
            Finding::Stopped => {}
            Finding::Rejected(flaw) => {
                object["verdict"] = "rejected".into();
                object["reason"] = flaw.to_string().into();
            }
            Finding::Verdict(verdict) => {
                let counts = verdict.counts;
                let complete = verdict.complete;
                let decisions = json!({
                    "intervals": counts.intervals,
                    "small": counts.small,
                    "big": counts.big,
                });
                let set = [
                    (
                        "verdict",
                        if complete { "verified" } else { "incomplete" }.into(),
                    ),
                    ("count", counts.regions.to_string().into()),
                    ("complete", complete.into()),
                    ("domain", report::domain(&verdict.domain).into()),
                    ("strict", verdict.strict.into()),
                    ("network", verdict.network.clone().into()),
                    ("chunks", verdict.chunks.into()),
                    ("splits", counts.splits.into()),
                    ("sides", counts.sides.into()),
                    ("crossings", counts.crossings.into()),
                    ("arrangements", counts.arrangements.into()),
                    ("empty", counts.empty.into()),
                    ("open", counts.open.into()),
                    ("decisions", decisions),
                    ("digest", counts.digest.to_string().into()),
                ];
                for (key, value) in set {
                    object[key] = value;
                }
            }
        }
        object
    }
}
