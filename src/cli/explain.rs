//! `chambers explain`.

use std::fmt::Write;
use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;
use std::sync::Arc;

use chambers::arithmetic::{Number, Rational};
use chambers::proof::check::{self, Explanation, Flaw, Options, Reason, Unit, Which};
use chambers::regions::{Pattern, Sign};
use chambers::search::Monitor;
use chambers::{Error, Result};
use clap::ArgGroup;
use num_traits::{One, Signed, Zero};
use serde_json::{Value, json};

use super::model::{Model, NamedSource};
use super::{EXIT_CODES, Status, print, report, signals};

/// Say why a region of a proof exists, and why units do not cut it
///
/// Checks the whole proof first. Then for one region: a point inside, the constraints
/// that bound its cell, and for every unit why it has its sign all over it, with the
/// multipliers. All numbers are exact.
#[derive(Debug, clap::Args)]
#[command(after_help = EXIT_CODES)]
#[command(group(ArgGroup::new("which").args(["region", "pattern", "point"]).required(true)))]
pub struct Arguments {
    /// The proof
    #[arg(value_name = "PROOF")]
    proof: PathBuf,
    #[command(flatten)]
    source: NamedSource,
    /// The region by its number in the proof, from 0
    #[arg(long, value_name = "K")]
    region: Option<u64>,
    /// The region by its pattern, such as +-+0
    #[arg(long, value_name = "PATTERN", allow_hyphen_values = true)]
    pattern: Option<String>,
    /// The region of a point, such as 1/2,-3
    #[arg(long, value_name = "X,...", allow_hyphen_values = true)]
    point: Option<String>,
    /// Only this unit: its layer from 1 and its number in the layer from 0, such as 2:5
    #[arg(long, value_name = "LAYER:UNIT")]
    unit: Option<String>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: &Arguments) -> Result<Status> {
    let model = arguments.source.load()?;
    let which = arguments.which(&model)?;
    let only = arguments.only(&model)?;
    let path = &arguments.proof;
    let failed = |error| Error::io(path, error);
    let monitor = Arc::new(Monitor::new());
    signals::stop_on_signal(&[&monitor]);
    let options = Options {
        stop: Some(&|| monitor.stopped()),
        ..Options::default()
    };
    let open = || File::open(path).map(BufReader::new);
    let explanation = match check::explain(&model.network, open, &which, &options) {
        Ok(Some(explanation)) => explanation,
        Ok(None) => return Err(arguments.no_such_region()),
        Err(Flaw::Io(error)) => return Err(failed(error)),
        Err(Flaw::Stopped) => {
            print("STOPPED: the check did not end\n")?;
            return Ok(Status::Stopped);
        }
        Err(flaw) => {
            print(&format!("REJECTED: {flaw}\n"))?;
            return Ok(Status::Differs);
        }
    };
    if arguments.json {
        print(&report::pretty(&json_of(&explanation, only)))?;
    } else {
        print(&text_of(&explanation, only))?;
    }
    Ok(Status::Done)
}

impl Arguments {
    fn which(&self, model: &Model) -> Result<Which> {
        if let Some(number) = self.region {
            return Ok(Which::Number(number));
        }
        let units: usize = model.network.units_per_layer().iter().sum();
        if let Some(text) = &self.pattern {
            let sign = |symbol| match symbol {
                '+' => Some(Sign::Positive),
                '-' => Some(Sign::Negative),
                '0' => Some(Sign::Zero),
                _ => None,
            };
            let signs: Option<Vec<Sign>> = text.chars().map(sign).collect();
            let fits = signs.filter(|signs| signs.len() == units);
            return fits
                .map(|signs| Which::Pattern(Pattern(signs)))
                .ok_or_else(|| {
                    wrong(
                        "--pattern",
                        format!("{text:?}"),
                        format!("is no pattern of {units} units"),
                        "write one of +, - and 0 for each unit, as enumerate does",
                    )
                });
        }
        let text = self.point.as_deref().unwrap_or_default();
        let inputs = model.network.input().len();
        let parts = text
            .split([',', ';'])
            .filter(|part| !part.trim().is_empty());
        let point: Option<Vec<Rational>> = parts
            .map(|part| Some(Number::parse(part)?.to_rational()))
            .collect();
        let Some(point) = point.filter(|point| point.len() == inputs) else {
            return Err(wrong(
                "--point",
                format!("{text:?}"),
                format!("is no point of R^{inputs}"),
                "write one number for each input, exact: integers, decimals or p/q",
            ));
        };
        Ok(Which::Point(point))
    }

    /// The number in the network of the only unit to tell of.
    fn only(&self, model: &Model) -> Result<Option<usize>> {
        let Some(text) = &self.unit else {
            return Ok(None);
        };
        let units = model.network.units_per_layer();
        let number = text.split_once(':').and_then(|(layer, unit)| {
            let layer = layer.trim().parse::<usize>().ok()?.checked_sub(1)?;
            let unit = unit.trim().parse::<usize>().ok()?;
            let there = unit < *units.get(layer)?;
            there.then(|| units[..layer].iter().sum::<usize>() + unit)
        });
        match number {
            Some(number) => Ok(Some(number)),
            None => Err(wrong(
                "--unit",
                format!("{text:?}"),
                format!(
                    "names no unit; there are {} layers, of {units:?} units",
                    units.len()
                ),
                "write the layer from 1 and the unit from 0, such as 1:0",
            )),
        }
    }

    fn no_such_region(&self) -> Error {
        let place = self.proof.display().to_string();
        match &self.point {
            Some(point) => wrong(
                &place,
                format!("the point {point}"),
                "lies in no region of the proof: outside of the domain, on a boundary, or in a \
                 cell that is left out"
                    .into(),
                "choose a point strictly inside of a region",
            ),
            None => wrong(
                &place,
                match (self.region, &self.pattern) {
                    (Some(number), _) => format!("region {number}"),
                    (_, pattern) => {
                        format!("the pattern {}", pattern.as_deref().unwrap_or_default())
                    }
                },
                "is not in the proof".into(),
                "chambers check tells how many regions there are, chambers enumerate which",
            ),
        }
    }
}

fn wrong(origin: &str, place: String, problem: String, remedy: &str) -> Error {
    Error::input(origin, place, problem, remedy)
}

/// `1/2 y0 - 3 y1 + 5`.
fn shown(form: &[Rational], variable: &str) -> String {
    let (constant, linear) = form.split_last().expect("a form has a constant");
    let name = |k: usize| format!(" {variable}{k}");
    let terms = linear.iter().enumerate().map(|(k, a)| (a, name(k)));
    sum(terms.chain([(constant, String::new())]))
}

/// A sum of multiples of what has these names.
fn sum<'a>(terms: impl Iterator<Item = (&'a Rational, String)>) -> String {
    let mut text = String::new();
    for (factor, name) in terms.filter(|(factor, _)| !factor.is_zero()) {
        let sign = match (factor.is_negative(), text.is_empty()) {
            (true, true) => "-",
            (true, false) => " - ",
            (false, true) => "",
            (false, false) => " + ",
        };
        let size = factor.abs();
        let written = match name.is_empty() || !size.is_one() {
            true => format!("{size}{name}"),
            false => name.trim_start().to_string(),
        };
        let _ = write!(text, "{sign}{written}");
    }
    if text.is_empty() { "0".into() } else { text }
}

fn point(coordinates: &[Rational]) -> String {
    let coordinates: Vec<String> = coordinates.iter().map(ToString::to_string).collect();
    format!("({})", coordinates.join(", "))
}

fn name(unit: &Unit) -> String {
    format!("unit {} of layer {}", unit.unit, unit.layer)
}

/// Why a unit has its sign; the sign times the form as a sum.
fn reason(unit: &Unit) -> String {
    match &unit.reason {
        Reason::Constant => "constant".into(),
        Reason::Split => format!("bounds the cell; {} at the point", unit.value),
        Reason::Crossing => format!(
            "vanishes at the crossing, around which it has both signs; {} at the point",
            unit.value
        ),
        Reason::Arrangement => format!(
            "bounds or passes the region in the arrangement within the cell; {} at the point",
            unit.value
        ),
        Reason::Side {
            multiples,
            constant,
        } => {
            let terms = multiples.iter().map(|(g, m)| (m, format!(" g{g}")));
            let sign = if unit.sign == Sign::Negative { "-" } else { "" };
            let combined = sum(terms.chain([(constant, String::new())]));
            format!("does not cut: {sign}h = {combined}")
        }
    }
}

fn pattern(explanation: &Explanation) -> String {
    explanation
        .units
        .iter()
        .map(|unit| unit.sign.symbol())
        .collect()
}

/// The constraints that what is told needs.
fn constraints(explanation: &Explanation, only: Option<usize>) -> Vec<usize> {
    let all = 0..explanation.ends.len() + explanation.splits.len();
    match only.map(|unit| &explanation.units[unit].reason) {
        None => all.collect(),
        Some(Reason::Side { multiples, .. }) => multiples.iter().map(|(g, _)| *g).collect(),
        Some(_) => Vec::new(),
    }
}

/// The units whose hyperplanes cross in the cell.
fn crossing_units(explanation: &Explanation) -> impl Iterator<Item = &Unit> {
    let units = explanation.units.iter();
    units.filter(|unit| unit.reason == Reason::Crossing)
}

fn text_of(explanation: &Explanation, only: Option<usize>) -> String {
    let mut rows = vec![
        ("region", explanation.number.to_string()),
        ("pattern", pattern(explanation)),
        ("point", format!("x = {}", point(&explanation.witness))),
        ("", format!("y = {}", point(&explanation.coordinates))),
    ];
    if let Some(crossing) = &explanation.crossing {
        let names: Vec<String> = crossing_units(explanation).map(name).collect();
        rows.push(("crossing", format!("y = {}", point(crossing))));
        rows.push((
            "",
            format!(
                "inside the cell, on the hyperplanes of {}: every choice of their signs is a region",
                names.join(", ")
            ),
        ));
    }
    for (k, input) in explanation.inputs.iter().enumerate() {
        let label = if k == 0 { "inputs" } else { "" };
        rows.push((label, format!("x{k} = {}", shown(input, "y"))));
    }
    for (k, number) in constraints(explanation, only).into_iter().enumerate() {
        let (form, unit) = explanation.constraint(number);
        let of = match unit {
            None => "an end of the domain".to_string(),
            Some(unit) => {
                let unit = &explanation.units[unit];
                let sign = if unit.sign == Sign::Negative {
                    "-h of "
                } else {
                    "h of "
                };
                format!("{sign}{}", name(unit))
            }
        };
        let label = if k == 0 { "positive" } else { "" };
        rows.push((
            label,
            format!("g{number} = {}    ({of})", shown(&form, "y")),
        ));
    }
    let units = explanation.units.iter().enumerate();
    let told = units.filter(|(number, _)| only.is_none_or(|only| only == *number));
    for (k, (_, unit)) in told.enumerate() {
        let label = if k == 0 { "units" } else { "" };
        let (sign, form) = (unit.sign.symbol(), shown(&unit.form, "y"));
        rows.push((label, format!("{sign} {}: h = {form}", name(unit))));
        rows.push(("", format!("      {}", reason(unit))));
    }
    report::table(&rows)
}

fn json_of(explanation: &Explanation, only: Option<usize>) -> Value {
    let numbers =
        |values: &[Rational]| -> Vec<String> { values.iter().map(ToString::to_string).collect() };
    let constraint = |number: usize| {
        let (form, unit) = explanation.constraint(number);
        let unit = unit.map(|unit| {
            let Unit { layer, unit, .. } = explanation.units[unit];
            json!({"layer": layer, "unit": unit})
        });
        json!({"number": number, "form": numbers(&form), "unit": unit})
    };
    let unit = |unit: &Unit| {
        let (why, multiples, constant) = match &unit.reason {
            Reason::Constant => ("constant", None, None),
            Reason::Split => ("split", None, None),
            Reason::Crossing => ("crossing", None, None),
            Reason::Arrangement => ("arrangement", None, None),
            Reason::Side {
                multiples,
                constant,
            } => {
                let pairs = multiples.iter().map(|(g, m)| json!([g, m.to_string()]));
                (
                    "side",
                    Some(pairs.collect::<Value>()),
                    Some(constant.to_string()),
                )
            }
        };
        json!({
            "layer": unit.layer,
            "unit": unit.unit,
            "sign": unit.sign.symbol().to_string(),
            "form": numbers(&unit.form),
            "value": unit.value.to_string(),
            "reason": why,
            "multiples": multiples,
            "constant": constant,
        })
    };
    let units = explanation.units.iter().enumerate();
    let told = units.filter(|(number, _)| only.is_none_or(|only| only == *number));
    json!({
        "region": explanation.number,
        "pattern": pattern(explanation),
        "point": numbers(&explanation.witness),
        "chart": explanation.chart,
        "coordinates": numbers(&explanation.coordinates),
        "crossing": explanation.crossing.as_deref().map(numbers),
        "inputs": explanation.inputs.iter().map(|form| numbers(form)).collect::<Vec<_>>(),
        "constraints": constraints(explanation, only).into_iter().map(constraint).collect::<Vec<_>>(),
        "units": told.map(|(_, told)| unit(told)).collect::<Vec<_>>(),
    })
}
