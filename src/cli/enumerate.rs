//! `chambers enumerate`.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{self, SyncSender};

use chambers::output::destination::Finished;
use chambers::output::jsonl::{self, Header, Writer};
use chambers::regions::Region;
use chambers::search::Monitor;
use chambers::{Error, Result};

use super::model::{ScopeArguments, Source};
use super::theorem::Theorem2;
use super::{EXIT_CODES, Status, note, outcome, print, report, signals};

/// Lines on their way to the writer: enough to keep the search going while the disk
/// is busy, few enough to forget in the memory.
const QUEUE: usize = 4096;

/// List every activation region with its pattern and a point inside
///
/// Writes JSON lines: a header, one region a line, and a footer with the count, the
/// digest and whether the list is complete. The file is called NAME.part until then;
/// only a complete list gets its name.
#[derive(Debug, clap::Args)]
#[command(after_help = EXIT_CODES)]
pub struct Arguments {
    #[command(flatten)]
    source: Source,
    #[command(flatten)]
    scope: ScopeArguments,
    /// Where to write: a file (compressed when it ends in .zst), or - for standard output
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Print the summary as one JSON object, as count does
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: &Arguments) -> Result<Status> {
    let model = arguments.source.load()?;
    let scope = arguments.scope.read(&model)?;
    let header = Header {
        chambers: env!("CARGO_PKG_VERSION"),
        model: model.identity.clone(),
        domain: report::domain(&scope.domain),
        definition: "activation regions",
        strict: scope.options.strict,
        units: model.network.units_per_layer(),
    };
    let writer = Writer::create(&arguments.output, &header)?;
    let part = writer.part().map(Path::to_path_buf);
    let monitor = Arc::new(Monitor::new());
    signals::stop_on_signal(&[&monitor]);

    let (lines, queue) = mpsc::sync_channel::<String>(QUEUE);
    let (outcome, written) = std::thread::scope(|threads| {
        // When writing fails the queue closes, and with it the search ends.
        let writing = threads.spawn(move || {
            let mut writer = writer;
            queue
                .into_iter()
                .try_for_each(|line| writer.region(&line))
                .map(|()| writer)
        });
        let visit = |region: &Region| send(&lines, region);
        let outcome = outcome::exact(&model.network, &scope, &monitor, Some(&visit));
        drop(lines);
        (outcome, writing.join())
    });
    let written = written.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    let outcome = outcome?;
    let finished = written
        .and_then(|writer| writer.finish(outcome.regions, &outcome.digest, outcome.complete))
        .inspect_err(|error| told_of_part(error, part.as_deref()))?;
    if let Finished::Part(part) = finished {
        note(&format!(
            "stopped early: {} holds a list that is not complete",
            part.display()
        ));
    }
    let theorem = Theorem2::of(&model, &scope, &outcome);
    let summary = if arguments.json {
        report::pretty(&report::json(&outcome, &model, &scope, theorem.as_ref()).into())
    } else {
        report::text(&outcome, &model, &scope, theorem.as_ref())
    };
    if arguments.output == Path::new("-") {
        note(summary.trim_end());
    } else {
        print(&summary)?;
    }
    Ok(if outcome.complete {
        Status::Done
    } else {
        Status::Stopped
    })
}

fn send(lines: &SyncSender<String>, region: &Region) -> ControlFlow<()> {
    match lines.send(jsonl::line(region)) {
        Ok(()) => ControlFlow::Continue(()),
        Err(_) => ControlFlow::Break(()),
    }
}

/// Says what is left on the disk when writing failed.
fn told_of_part(error: &Error, part: Option<&Path>) {
    if let (Error::Io { .. }, Some(part)) = (error, part) {
        note(&format!(
            "{} holds the beginning of a list; it has no footer",
            part.display()
        ));
    }
}
