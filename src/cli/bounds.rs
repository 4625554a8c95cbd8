//! `chambers bounds`.

mod compare;
mod sweep;

use std::fmt::{self, Write};
use std::sync::Arc;

use chambers::arrangement::Domain;
use chambers::search::{LayerAnswer, Monitor};
use chambers::theory::bounds::{self, Bound, Kind};
use chambers::theory::theorem2::Budget;
use chambers::theory::{Skeleton, theorem3};
use chambers::{Error, Result};
use num_bigint::BigUint;
use serde_json::{Value, json};

use super::digits::{self, Digits};
use super::model::{self, Model, Scope, ScopeArguments, Source};
use super::{EXIT_CODES, Status, outcome, print, report, signals};

/// Show what theorems say of the number of regions, and how tight they are
///
/// An upper bound holds for all weights and biases, in every domain. A lower bound is
/// on the largest number for any weights, on all of R^n. An exact value is that largest
/// number, and the number for almost all weights.
#[derive(Debug, clap::Args)]
#[command(after_help = EXIT_CODES)]
pub struct Arguments {
    #[command(flatten)]
    source: Source,
    #[command(flatten)]
    scope: ScopeArguments,
    /// Count the regions too, exactly, and hold every bound against the count
    #[arg(long)]
    exact: bool,
    /// Let one number of --arch run: d1=1..64 (filters), f2=1..5 (filter size), s1=1..3
    /// (stride) or L=1..8 (layers; the last is repeated), as CSV
    #[arg(long, value_name = "NAME=FROM..TO", conflicts_with_all = ["exact", "domain"])]
    sweep: Option<String>,
    /// Compare architectures: parameters, and regions per parameter
    #[arg(long, value_name = "ARCH", num_args = 1.., conflicts_with_all = ["source", "exact", "domain", "sweep"])]
    compare: Vec<String>,
    /// About how long Theorem 2, or the true number of one layer, may take on one core;
    /// an interval is given where that is too short
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..))]
    seconds: u64,
    /// The memory that it may take, in MiB
    #[arg(long, value_name = "MIB", default_value_t = 1024, value_parser = clap::value_parser!(u64).range(1..))]
    memory: u64,
    /// How much of a large number to write
    #[arg(long, value_enum, default_value_t = Digits::Short)]
    digits: Digits,
    /// Print one JSON object
    ///
    /// Its keys: model, units, parameters, bounds, and with --exact domain, count,
    /// complete, layers. docs/output.md describes them.
    #[arg(long, conflicts_with = "sweep")]
    json: bool,
}

pub fn run(arguments: &Arguments) -> Result<Status> {
    let budget = Budget {
        memory: arguments.memory.saturating_mul(1 << 20),
        ..Budget::seconds(arguments.seconds)
    };
    if !arguments.compare.is_empty() {
        let (digits, as_json) = (arguments.digits, arguments.json);
        return compare::run(&arguments.compare, &budget, digits, as_json);
    }
    if let Some(sweep) = &arguments.sweep {
        let Some(text) = arguments.source.architecture() else {
            let problem = "only the numbers of an architecture can run";
            return Err(wrong(
                "--sweep",
                problem,
                "give one with --arch, not a file",
            ));
        };
        return sweep::run(text, sweep, &budget, arguments.digits);
    }
    let mut report = match arguments.source.architecture() {
        // Formulas need no weights, and architectures may be too large to draw any.
        Some(text) if !arguments.exact => {
            let architecture = model::architecture(text)?;
            let skeleton = Skeleton::of_architecture(&architecture);
            let inputs = architecture.input().len();
            Report {
                label: format!("{text:?}"),
                identity: json!({"arch": text}),
                bounds: bounds::all(&skeleton, &budget),
                skeleton,
                domain: arguments.scope.domain(inputs)?,
                budget,
                count: None,
            }
        }
        _ => {
            let model = arguments.source.load()?;
            let scope = arguments.scope.read(&model)?;
            let skeleton = Skeleton::of_network(&model.network);
            let count = match arguments.exact {
                true => Some(Count::of(&model, &scope)?),
                false => None,
            };
            Report {
                label: model.label,
                identity: model.identity,
                bounds: bounds::of_network(&model.network, &scope.domain, &budget),
                skeleton,
                domain: scope.domain,
                budget,
                count,
            }
        }
    };
    report.restrict_to_domain();
    if arguments.json {
        print(&report::pretty(&report.json()))?;
    } else {
        print(&report.text(arguments.digits))?;
    }
    Ok(match &report.count {
        Some(count) if !count.complete => Status::Stopped,
        _ => Status::Done,
    })
}

/// The enumerated count.
struct Count {
    regions: BigUint,
    complete: bool,
    layers: Vec<LayerAnswer>,
}

impl Count {
    fn of(model: &Model, scope: &Scope) -> Result<Self> {
        let monitor = Arc::new(Monitor::new());
        signals::stop_on_signal(&[&monitor]);
        let outcome = outcome::exact(&model.network, scope, &monitor, None)?;
        Ok(Count {
            regions: outcome.regions.into(),
            complete: outcome.complete,
            layers: outcome.layers,
        })
    }
}

struct Report {
    label: String,
    identity: Value,
    skeleton: Skeleton,
    domain: Domain,
    budget: Budget,
    bounds: Vec<Bound>,
    count: Option<Count>,
}

impl Report {
    fn everywhere(&self) -> bool {
        let unbounded = |interval: &chambers::arrangement::Interval| {
            interval.lower.is_none() && interval.upper.is_none()
        };
        self.domain.intervals().iter().all(unbounded)
    }

    /// On a part of R^n there may be fewer regions.
    fn restrict_to_domain(&mut self) {
        if self.everywhere() {
            return;
        }
        for bound in &mut self.bounds {
            match bound.kind {
                Kind::Upper | Kind::Asymptotic | Kind::Expectation => continue,
                Kind::Exact => bound.kind = Kind::Upper,
                Kind::Lower => bound.value = None,
            }
            bound.applies = false;
            bound.reason = "it is about all of R^n, not about a part of it".into();
        }
        bounds::sort(&mut self.bounds);
    }

    /// What a bound is held against: the best one of its kind.
    fn best(&self, bound: &Bound) -> Option<&BigUint> {
        match bound.kind {
            Kind::Lower => bounds::best_lower(&self.bounds),
            Kind::Upper | Kind::Exact => bounds::best_upper(&self.bounds),
            Kind::Asymptotic | Kind::Expectation => None,
        }
    }

    fn text(&self, digits: Digits) -> String {
        let mut text = format!("bounds for {}\n", self.label);
        let units = self.skeleton.units();
        let _ = writeln!(
            text,
            "{} inputs, {units} units, {} parameters\n",
            self.skeleton.inputs(),
            self.skeleton.parameters()
        );
        if let Some(count) = &self.count {
            let claim = if count.complete {
                ""
            } else {
                "at least (stopped early): "
            };
            let shown = digits.show(&count.regions);
            let _ = writeln!(text, "counted  {claim}{shown}\n");
        }
        let complete = self.count.as_ref().filter(|count| count.complete);
        let mut header = vec!["bound", "value", "log10", "to best"];
        header.extend(complete.map(|_| "to count"));
        header.extend(["name", "source"]);
        let mut rows = vec![header.into_iter().map(String::from).collect::<Vec<_>>()];
        let valued = self
            .bounds
            .iter()
            .filter_map(|b| Some((b, b.value.as_ref()?)));
        for (bound, value) in valued.clone() {
            let best = self.best(bound).unwrap_or(value);
            let mut row = vec![
                bound.kind.name().to_string(),
                digits.show(value),
                format!("{:.3}", digits::log10(value)),
                digits::show_ratio(value, best),
            ];
            row.extend(complete.map(|count| digits::show_ratio(value, &count.regions)));
            row.extend([bound.id, year(bound.source)].map(String::from));
            rows.push(row);
        }
        let table = aligned(&rows);
        let mut lines = table.lines();
        let _ = writeln!(text, "{}", lines.next().unwrap_or_default());
        for (line, (bound, _)) in lines.zip(valued) {
            let _ = writeln!(text, "{line}\n       {}", bound.reason);
        }
        self.without_value(&mut text);
        if let Some(growth) = growth(&self.skeleton) {
            let _ = writeln!(text, "\n{growth}");
        }
        if let Some(count) = complete {
            self.layers_text(count, digits, &mut text);
            for remark in self.remarks(count) {
                let _ = writeln!(text, "\nnote: {remark}");
            }
        }
        text
    }

    /// Bounds that say nothing here, by the reason why.
    fn without_value(&self, text: &mut String) {
        let mut reasons: Vec<(&str, Vec<&str>)> = Vec::new();
        for bound in self.bounds.iter().filter(|bound| bound.value.is_none()) {
            match reasons
                .iter_mut()
                .find(|(reason, _)| *reason == bound.reason)
            {
                Some((_, ids)) => ids.push(bound.id),
                None => reasons.push((&bound.reason, vec![bound.id])),
            }
        }
        for (reason, ids) in reasons {
            let _ = writeln!(text, "\nno value: {}\n       {reason}", ids.join(", "));
        }
    }

    /// For every number of layers the cells that were counted and the best bound.
    fn layers_text(&self, count: &Count, digits: Digits, text: &mut String) {
        let mut rows = vec![
            ["layers", "units", "cells", "best upper bound", "to count"]
                .map(String::from)
                .to_vec(),
        ];
        for layer in self.layers(count) {
            let best = layer.best.as_ref();
            rows.push(vec![
                layer.number.to_string(),
                layer.units.to_string(),
                digits.show(&layer.cells),
                best.map_or("-".into(), |best| {
                    format!("{}, {}", digits.show(&best.0), best.1)
                }),
                best.map_or(String::new(), |best| {
                    digits::show_ratio(&best.0, &layer.cells)
                }),
            ]);
        }
        let _ = write!(text, "\n{}", aligned(&rows));
    }

    fn layers(&self, count: &Count) -> Vec<LayerRow> {
        let all = count.layers.len();
        (1..=all)
            .zip(&count.layers)
            .map(|(number, layer)| {
                let best = |bounds: &[Bound]| {
                    let value = bounds::best_upper(bounds)?.clone();
                    let bound = bounds.iter().find(|bound| {
                        matches!(bound.kind, Kind::Exact | Kind::Upper)
                            && bound.value.as_ref() == Some(&value)
                    })?;
                    Some((value, bound.id))
                };
                LayerRow {
                    number,
                    units: layer.units,
                    cells: layer.cells.into(),
                    best: match number == all {
                        true => best(&self.bounds),
                        false => best(&bounds::all(&self.skeleton.prefix(number), &self.budget)),
                    },
                }
            })
            .collect()
    }

    /// Where a formula and the count disagree, and why.
    fn remarks(&self, count: &Count) -> Vec<String> {
        let mut remarks = Vec::new();
        let best = bounds::best_lower(&self.bounds);
        if let Some(best) = best.filter(|best| **best > count.regions) {
            remarks.push(format!(
                "some weights have at least {best} regions; these have {}",
                count.regions
            ));
        }
        for bound in &self.bounds {
            let Some(value) = &bound.value else {
                continue;
            };
            let (id, regions) = (bound.id, &count.regions);
            match bound.kind {
                Kind::Exact if value > regions => remarks.push(format!(
                    "{id} says {value} for almost all weights, and {regions} were counted: \
                     these weights are special (equal, parallel or dependent hyperplanes)"
                )),
                Kind::Exact | Kind::Upper if value < regions => remarks.push(format!(
                    "{id} says at most {value}, but {regions} were counted: \
                     please report this as a bug"
                )),
                _ if id == "xiong2020-theorem2" && value != regions && self.everywhere() => {
                    remarks.push(format!(
                        "Theorem 2 of {} says exactly {value}, and {regions} were counted: {}",
                        bound.source, bound.reason
                    ));
                }
                _ => {}
            }
        }
        remarks
    }

    fn json(&self) -> Value {
        let complete = self.count.as_ref().filter(|count| count.complete);
        let bounds = self.bounds.iter().map(|bound| {
            let mut object = number_json(bound.value.as_ref());
            object["id"] = bound.id.into();
            object["kind"] = bound.kind.name().into();
            object["source"] = bound.source.into();
            object["applies"] = bound.applies.into();
            object["reason"] = bound.reason.clone().into();
            let ratio = |other: &BigUint| {
                bound
                    .value
                    .as_ref()
                    .map(|value| digits::ratio(value, other))
                    .filter(|ratio| ratio.is_finite())
            };
            object["to_best"] = json!(self.best(bound).and_then(ratio));
            if let Some(count) = complete {
                object["to_count"] = json!(ratio(&count.regions));
            }
            object
        });
        let mut object = json!({
            "model": self.identity,
            "domain": report::domain(&self.domain),
            "inputs": self.skeleton.inputs(),
            "units": self.skeleton.units(),
            "parameters": self.skeleton.parameters(),
            "bounds": bounds.collect::<Vec<Value>>(),
            "growth": growth(&self.skeleton).map(|growth| growth.json()),
        });
        if let Some(count) = &self.count {
            object["count"] = count.regions.to_string().into();
            object["complete"] = count.complete.into();
        }
        if let Some(count) = complete {
            let layers = self.layers(count);
            let layers = layers.iter().map(|layer| {
                json!({
                    "units": layer.units,
                    "cells": layer.cells.to_string(),
                    "best_upper": layer.best.as_ref().map(|best| best.0.to_string()),
                    "best_upper_id": layer.best.as_ref().map(|best| best.1),
                })
            });
            object["layers"] = layers.collect();
            object["notes"] = self.remarks(count).into();
        }
        object
    }
}

/// Theorem 3: formula (4) as a function of the number of filters.
struct Growth {
    leading: theorem3::Growth,
    polynomial: Option<theorem3::Polynomial>,
}

/// The growth of one layer with as many units for every window.
fn growth(skeleton: &Skeleton) -> Option<Growth> {
    let [layer] = skeleton.layers() else {
        return None;
    };
    if layer.sizes().windows(2).any(|pair| pair[0] != pair[1]) {
        return None;
    }
    let windows: Vec<&[u32]> = layer.windows().iter().map(Vec::as_slice).collect();
    let budget = Budget {
        steps: GROWTH_STEPS,
        ..Budget::default()
    };
    Some(Growth {
        leading: theorem3::leading(&windows, &budget)?,
        polynomial: theorem3::polynomial(&windows, &budget),
    })
}

/// A fraction of a second.
const GROWTH_STEPS: u64 = 100_000_000;

impl Growth {
    fn json(&self) -> Value {
        json!({
            "degree": self.leading.degree,
            "coefficient": self.leading.coefficient.to_string(),
            "polynomial": self.polynomial.as_ref().map(ToString::to_string),
        })
    }
}

impl fmt::Display for Growth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let theorem3::Growth {
            degree,
            coefficient,
        } = &self.leading;
        write!(
            f,
            "Theorem 3: with d1 units at every window, (4) grows like {coefficient} d1^{degree}"
        )?;
        match self.polynomial.as_ref().map(ToString::to_string) {
            Some(polynomial) if polynomial.len() <= LONGEST_POLYNOMIAL => {
                write!(f, "\n  (4) = {polynomial}")
            }
            _ => Ok(()),
        }
    }
}

/// The most characters of a polynomial for people.
const LONGEST_POLYNOMIAL: usize = 400;

/// The first layers of a network.
struct LayerRow {
    number: usize,
    units: usize,
    cells: BigUint,
    /// The best upper bound and its name.
    best: Option<(BigUint, &'static str)>,
}

/// A source up to its year; the whole is in JSON.
fn year(source: &str) -> &str {
    let is_year = |at: &usize| {
        source.as_bytes()[*at..]
            .iter()
            .take(4)
            .filter(|b| b.is_ascii_digit())
            .count()
            == 4
    };
    match (0..source.len().saturating_sub(3)).find(is_year) {
        Some(at) => &source[..at + 4],
        None => source,
    }
}

/// The most digits in JSON.
const JSON_BITS: u64 = 1 << 20;

/// A value for programs: all digits, and the logarithm.
fn number_json(value: Option<&BigUint>) -> Value {
    let whole = value.filter(|value| value.bits() <= JSON_BITS);
    json!({
        "value": whole.map(BigUint::to_string),
        "scientific": value.map(digits::scientific),
        "log10": value.map(digits::log10),
    })
}

/// Columns of text.
fn aligned(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let cells = row.iter().zip(&widths);
        let line: Vec<String> = cells
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        let _ = writeln!(text, "{}", line.join("  ").trim_end());
    }
    text
}

/// An error about an argument of this subcommand.
fn wrong(place: &str, problem: impl Into<String>, remedy: &str) -> Error {
    Error::input("command line", place, problem, remedy)
}
