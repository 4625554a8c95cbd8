//! `chambers count`.

use std::collections::HashSet;
use std::fmt::Write;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};

use chambers::Result;
use chambers::regions::Sign;
use chambers::search::Monitor;
use chambers::search::engine::reference::TOLERANCE;
use serde_json::{Value, json};

use super::model::{Model, Scope, ScopeArguments, Source};
use super::outcome::{self, Outcome};
use super::prove::{self, SelfCheck};
use super::theorem::Theorem2;
use super::whitney::{self, UpTo};
use super::{EXIT_CODES, Status, note, print, report, signals};

/// Count the activation regions of a network, exactly
///
/// A region is the set of inputs on which every ReLU unit's pre-activation has one
/// strict sign; a unit that is identically zero on a cell has sign 0 there.
#[derive(Debug, clap::Args)]
#[command(after_help = EXIT_CODES)]
pub struct Arguments {
    #[command(flatten)]
    source: Source,
    #[command(flatten)]
    scope: ScopeArguments,
    /// How to count: by enumerating, or by the characteristic polynomial (one layer)
    #[arg(long, value_enum, default_value_t = Method::Enumerate)]
    method: Method,
    /// With --method whitney: whether to count up to symmetry
    #[arg(long, value_enum, default_value_t = UpTo::Auto, requires = "method")]
    symmetry: UpTo,
    /// How to search: exactly, or by linear programs with a tolerance
    #[arg(long, value_enum, default_value_t = Engine::Exact, conflicts_with = "method")]
    engine: Engine,
    /// Run both engines and compare their sets of patterns (memory grows with the count)
    #[arg(long, conflicts_with_all = ["engine", "method"])]
    cross_check: bool,
    #[command(flatten)]
    proof: prove::Arguments,
    /// Print one JSON object
    ///
    /// Its keys: count (a decimal string), complete, exact, engine, model, domain,
    /// domain_empty, strict, dimension, layers, degenerate_units, degenerate_regions,
    /// decisions, digest, seconds, regions_per_second, and where they apply lp,
    /// theorem2, cross_check, self_check. docs/output.md describes them. With --method whitney:
    /// count, complete, exact, method, bounded, relatively_bounded,
    /// characteristic_polynomial, hyperplanes, symmetries, model, domain, seconds.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Method {
    /// Visits every region
    Enumerate,
    /// One layer on all of R^n: the characteristic polynomial (Whitney 1932, Zaslavsky
    /// 1975), which also counts the bounded regions
    Whitney,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Engine {
    /// Proves every decision
    Exact,
    /// The independent textbook search: slow, and never exact
    Lp,
}

pub fn run(arguments: &Arguments) -> Result<Status> {
    let model = arguments.source.load()?;
    let scope = arguments.scope.read(&model)?;
    if arguments.method == Method::Whitney {
        return whitney::run(&model, &scope, arguments.symmetry, arguments.json);
    }
    let monitor = Arc::new(Monitor::new());
    if arguments.cross_check {
        return cross_check(&model, &scope, arguments.json);
    }
    signals::stop_on_signal(&[&monitor]);
    let (outcome, checked) = match arguments.engine {
        Engine::Exact => arguments.proof.count(&model, &scope, &monitor)?,
        Engine::Lp => {
            let mut go_on = |_: &[Sign]| ControlFlow::Continue(());
            let outcome = outcome::tolerant(&model.network, &scope, &monitor, &mut go_on);
            (outcome, None)
        }
    };
    let theorem = Theorem2::of(&model, &scope, &outcome);
    let summary = if arguments.json {
        let mut object = report::json(&outcome, &model, &scope, theorem.as_ref());
        if let Some(checked) = &checked {
            object.insert("self_check".into(), checked.json());
        }
        report::pretty(&object.into())
    } else {
        let mut text = report::text(&outcome, &model, &scope, theorem.as_ref());
        if let Some(checked) = &checked {
            let _ = writeln!(text, "\n{}", checked.text());
        }
        text
    };
    if arguments.proof.on_standard_output() {
        note(summary.trim_end());
    } else {
        print(&summary)?;
    }
    Ok(match checked {
        Some(SelfCheck::Rejected(_)) => Status::Differs,
        _ if outcome.complete => Status::Done,
        _ => Status::Stopped,
    })
}

/// Runs both engines. Patterns of the exact one are kept and crossed out as the
/// other finds them.
fn cross_check(model: &Model, scope: &Scope, as_json: bool) -> Result<Status> {
    let (first, second) = (Arc::new(Monitor::new()), Arc::new(Monitor::new()));
    signals::stop_on_signal(&[&first, &second]);
    let network = &model.network;
    let found = Mutex::new(HashSet::new());
    let collect = |pattern: &[Sign]| {
        let mut found = found.lock().unwrap_or_else(|broken| broken.into_inner());
        found.insert(packed(pattern));
        ControlFlow::Continue(())
    };
    let visit = |region: &chambers::regions::Region| collect(region.pattern);
    let exact = outcome::exact(network, scope, &first, Some(&visit))?;
    let mut only_exact = found
        .into_inner()
        .unwrap_or_else(|broken| broken.into_inner());
    let mut only_lp = Sample::default();
    let lp = outcome::tolerant(network, scope, &second, &mut |pattern| {
        if !only_exact.remove(&packed(pattern)) {
            only_lp.add(pattern.iter().map(|sign| sign.symbol()).collect());
        }
        ControlFlow::Continue(())
    });
    let units = network.units_per_layer().iter().sum();
    let comparison = Comparison {
        finished: exact.complete && lp.complete,
        only_exact: Sample::of(&only_exact, units),
        only_lp,
        lp,
    };
    let theorem = Theorem2::of(model, scope, &exact);
    if as_json {
        let mut object = report::json(&exact, model, scope, theorem.as_ref());
        object.insert("cross_check".into(), comparison.json());
        print(&report::pretty(&object.into()))?;
    } else {
        let text = report::text(&exact, model, scope, theorem.as_ref());
        print(&format!("{text}{}", comparison.text()))?;
    }
    Ok(match (comparison.finished, comparison.agrees()) {
        (false, _) => Status::Stopped,
        (true, true) => Status::Done,
        (true, false) => Status::Differs,
    })
}

/// Two bits a sign.
fn packed(pattern: &[Sign]) -> Box<[u8]> {
    let byte = |signs: &[Sign]| {
        let bits = signs.iter().rev().map(|&sign| (sign as i8 + 1) as u8);
        bits.fold(0, |byte, bits| byte << 2 | bits)
    };
    pattern.chunks(4).map(byte).collect()
}

fn unpacked(bytes: &[u8], units: usize) -> String {
    let symbol = |unit: usize| match bytes[unit / 4] >> (2 * (unit % 4)) & 3 {
        0 => '-',
        1 => '0',
        _ => '+',
    };
    (0..units).map(symbol).collect()
}

/// How many patterns, and a few of them.
#[derive(Default)]
struct Sample {
    count: u64,
    patterns: Vec<String>,
}

impl Sample {
    const SHOWN: usize = 5;

    fn add(&mut self, pattern: String) {
        self.count += 1;
        if self.patterns.len() < Self::SHOWN {
            self.patterns.push(pattern);
        }
    }

    /// The first patterns of a set in a fixed order.
    fn of(set: &HashSet<Box<[u8]>>, units: usize) -> Self {
        let mut patterns: Vec<&[u8]> = set.iter().map(|bytes| &bytes[..]).collect();
        patterns.sort_unstable();
        patterns.truncate(Self::SHOWN);
        Sample {
            count: set.len() as u64,
            patterns: patterns.iter().map(|p| unpacked(p, units)).collect(),
        }
    }

    fn json(&self) -> Value {
        json!({"count": self.count.to_string(), "patterns": self.patterns})
    }
}

struct Comparison {
    lp: Outcome,
    /// Whether both engines came to their end, so that sets can be compared.
    finished: bool,
    only_exact: Sample,
    only_lp: Sample,
}

impl Comparison {
    fn agrees(&self) -> bool {
        self.only_exact.count == 0 && self.only_lp.count == 0
    }

    fn text(&self) -> String {
        let mut text = String::from("\n");
        if !self.finished {
            text.push_str("cross-check: stopped before both engines had finished\n");
            return text;
        }
        let _ = writeln!(
            text,
            "cross-check: the lp engine (tolerance {TOLERANCE:e}, {:.3} s) found {}",
            self.lp.elapsed.as_secs_f64(),
            if self.agrees() {
                "the same patterns".to_string()
            } else {
                format!("{} patterns, not the same ones", self.lp.regions)
            }
        );
        for (which, sample) in [
            ("the exact engine", &self.only_exact),
            ("the lp engine", &self.only_lp),
        ] {
            if sample.count > 0 {
                let _ = writeln!(text, "  only {which} found {}, such as", sample.count);
            }
            for pattern in &sample.patterns {
                let _ = writeln!(text, "    {pattern}");
            }
        }
        text
    }

    fn json(&self) -> Value {
        let outcome::Proof::Tolerance {
            problems,
            undecided,
        } = self.lp.proof
        else {
            return Value::Null;
        };
        json!({
            "finished": self.finished,
            "agrees": if self.finished { Value::from(self.agrees()) } else { Value::Null },
            "lp": {
                "count": self.lp.regions.to_string(),
                "digest": self.lp.digest,
                "problems": problems,
                "undecided": undecided,
                "tolerance": TOLERANCE,
                "seconds": self.lp.elapsed.as_secs_f64(),
            },
            "only_exact": self.only_exact.json(),
            "only_lp": self.only_lp.json(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packing_keeps_every_sign() {
        use Sign::{Negative, Positive, Zero};
        let pattern = [
            Positive, Negative, Zero, Zero, Negative, Positive, Positive, Zero, Positive,
        ];
        for units in 0..=pattern.len() {
            let text: String = pattern[..units].iter().map(|s| s.symbol()).collect();
            assert_eq!(unpacked(&packed(&pattern[..units]), units), text);
        }
    }
}
