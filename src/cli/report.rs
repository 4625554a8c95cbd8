//! An outcome as a table for people and as a JSON object for programs.

use std::fmt::Write;

use chambers::arrangement::{Domain, Interval};
use chambers::search::Decisions;
use chambers::search::engine::reference::TOLERANCE;
use serde_json::{Map, Value, json};

use super::model::{Model, Scope};
use super::outcome::{Outcome, Proof};
use super::theorem::Theorem2;

/// Label and value, aligned.
pub fn table(rows: &[(&str, String)]) -> String {
    let width = rows.iter().map(|(label, _)| label.len()).max().unwrap_or(0);
    rows.iter().fold(String::new(), |mut text, (label, value)| {
        let _ = writeln!(text, "{label:width$}  {value}");
        text
    })
}

/// The table for people.
pub fn text(outcome: &Outcome, model: &Model, scope: &Scope, theorem: Option<&Theorem2>) -> String {
    let mut rows = vec![
        ("regions", count(outcome)),
        ("model", model.label.clone()),
        ("domain", domain(&scope.domain)),
        ("dimension", outcome.dimension.to_string()),
    ];
    if let Some(theorem) = theorem {
        rows.insert(1, ("Theorem 2", theorem.text(outcome)));
    }
    if scope.empty {
        rows.insert(
            1,
            ("note", "the domain is empty: no point lies in it".into()),
        );
    }
    for (k, layer) in outcome.layers.iter().enumerate() {
        let label = if k == 0 { "layers" } else { "" };
        let units = counted(layer.units, "unit");
        rows.push((
            label,
            format!("{}: {units}, {} cells after it", k + 1, layer.cells),
        ));
    }
    if outcome.degenerate_units > 0 {
        let excluded = if scope.options.strict {
            "; --strict leaves out the cells where they are"
        } else {
            ""
        };
        rows.push((
            "degenerate",
            format!(
                "{} units identically zero on a cell, {} regions with such a unit{excluded}",
                outcome.degenerate_units, outcome.degenerate_regions
            ),
        ));
    }
    match outcome.proof {
        Proof::Exact(decisions) => {
            let Decisions { float, exact, .. } = decisions;
            let mut text = format!("{float} by bounded floats, {exact} by exact arithmetic");
            if exact > 0 {
                let share = exact as f64 / (float + exact) as f64;
                let seconds = decisions.exact_time.as_secs_f64();
                let _ = write!(text, " (a share of {share:.2e}, in {seconds:.3} s)");
            }
            rows.push(("proofs", text));
        }
        Proof::Tolerance {
            problems,
            undecided,
        } => {
            rows.push((
                "proofs",
                format!("none: {problems} linear programs with tolerance {TOLERANCE:e}"),
            ));
            if undecided > 0 {
                rows.push((
                    "undecided",
                    format!("{undecided} linear programs failed; their cells are left out"),
                ));
            }
        }
    }
    rows.push(("digest", outcome.digest.clone()));
    let rate = rate(outcome).map_or(String::new(), |rate| format!(", {rate:.0} regions/s"));
    rows.push((
        "time",
        format!("{:.3} s{rate}", outcome.elapsed.as_secs_f64()),
    ));
    table(&rows)
}

/// The count with what it claims: exact, a lower bound, or an estimate.
fn count(outcome: &Outcome) -> String {
    let regions = outcome.regions;
    match (outcome.proof, outcome.complete) {
        (Proof::Exact(_), true) => regions.to_string(),
        (Proof::Exact(_), false) => format!("at least {regions} (stopped early)"),
        (Proof::Tolerance { .. }, true) => format!("{regions} (not exact)"),
        (Proof::Tolerance { .. }, false) => {
            format!("{regions} found so far (not exact, stopped early)")
        }
    }
}

/// The domain in a form that fits a line: `R^3`, `[0, 1]^784`, or every interval.
pub fn domain(domain: &Domain) -> String {
    let intervals = domain.intervals();
    match intervals {
        [first, _, ..] if *first != Interval::default() && intervals.iter().all(|i| i == first) => {
            let one = Domain::new(vec![first.clone()]);
            format!("{one}^{}", intervals.len())
        }
        _ => domain.to_string(),
    }
}

/// `1 unit`, `2 units`.
pub fn counted(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// Regions per second, where the clock saw any time pass.
fn rate(outcome: &Outcome) -> Option<f64> {
    let seconds = outcome.elapsed.as_secs_f64();
    (seconds > 0.0).then(|| outcome.regions as f64 / seconds)
}

/// The object for programs.
pub fn json(
    outcome: &Outcome,
    model: &Model,
    scope: &Scope,
    theorem: Option<&Theorem2>,
) -> Map<String, Value> {
    let layers: Vec<Value> = outcome
        .layers
        .iter()
        .map(|layer| json!({"units": layer.units, "cells": layer.cells.to_string()}))
        .collect();
    let (engine, decisions) = match outcome.proof {
        Proof::Exact(decisions) => ("exact", decisions),
        Proof::Tolerance { .. } => ("lp", Decisions::default()),
    };
    let decisions = json!({
        "float": decisions.float,
        "exact": decisions.exact,
        "exact_seconds": decisions.exact_time.as_secs_f64(),
    });
    let mut object = Map::new();
    let mut set = |key: &str, value: Value| object.insert(key.to_string(), value);
    set("count", outcome.regions.to_string().into());
    set("complete", outcome.complete.into());
    set("exact", (engine == "exact").into());
    set("engine", engine.into());
    set("model", model.identity.clone());
    set("domain", domain(&scope.domain).into());
    set("domain_empty", scope.empty.into());
    set("strict", scope.options.strict.into());
    set("dimension", outcome.dimension.into());
    set("layers", layers.into());
    set("degenerate_units", outcome.degenerate_units.into());
    set("degenerate_regions", outcome.degenerate_regions.into());
    set("decisions", decisions);
    if let Proof::Tolerance {
        problems,
        undecided,
    } = outcome.proof
    {
        set(
            "lp",
            json!({"problems": problems, "undecided": undecided, "tolerance": TOLERANCE}),
        );
    }
    set("digest", outcome.digest.clone().into());
    set("seconds", json!(outcome.elapsed.as_secs_f64()));
    set("regions_per_second", json!(rate(outcome)));
    if let Some(theorem) = theorem {
        set("theorem2", theorem.json());
    }
    object
}

/// An object on lines of its own, ready to print.
pub fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}
