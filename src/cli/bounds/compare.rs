//! `chambers bounds --compare`: regions for the same parameters.

use std::fmt::Write;

use chambers::Result;
use chambers::theory::Skeleton;
use chambers::theory::bounds;
use chambers::theory::formula::{WORK, Work};
use chambers::theory::theorem2::Budget;
use chambers::theory::theorem6::{self, Growth};
use num_bigint::BigUint;
use serde_json::{Value, json};

use super::super::digits::{self, Digits};
use super::super::{Status, model, print, report};
use super::{aligned, number_json};

pub fn run(
    architectures: &[String],
    budget: &Budget,
    digits: Digits,
    as_json: bool,
) -> Result<Status> {
    let rows = architectures.iter().map(|text| Row::new(text, budget));
    let rows: Vec<Row> = rows.collect::<Result<_>>()?;
    if as_json {
        let rows: Vec<Value> = rows.iter().map(Row::json).collect();
        print(&report::pretty(&json!({"architectures": rows})))?;
    } else {
        print(&text(&rows, digits))?;
    }
    Ok(Status::Done)
}

/// One architecture.
struct Row {
    text: String,
    units: u64,
    parameters: usize,
    lower: Option<BigUint>,
    upper: Option<BigUint>,
    growth: Option<Growth>,
    dense: Option<Dense>,
}

/// The widest fully connected network of the same depth without more parameters.
struct Dense {
    width: u64,
    parameters: u64,
    upper: BigUint,
}

impl Row {
    fn new(text: &str, budget: &Budget) -> Result<Self> {
        let architecture = model::architecture(text)?;
        let skeleton = Skeleton::of_architecture(&architecture);
        let bounds = bounds::all(&skeleton, budget);
        let (inputs, depth) = (skeleton.inputs() as u64, skeleton.layers().len() as u64);
        let width = theorem6::dense_width(inputs, depth, skeleton.parameters() as u64);
        let dense = width.and_then(|width| {
            let mut work = Work::new(WORK);
            Some(Dense {
                width,
                parameters: theorem6::dense_parameters(inputs, depth, width),
                upper: theorem6::dense_upper(inputs, depth, width, &mut work).ok()?,
            })
        });
        Ok(Row {
            text: text.to_string(),
            units: skeleton.units(),
            parameters: skeleton.parameters(),
            lower: bounds::best_lower(&bounds).cloned(),
            upper: bounds::best_upper(&bounds).cloned(),
            growth: theorem6::growth(&skeleton),
            dense,
        })
    }

    fn json(&self) -> Value {
        let mut object = json!({
            "arch": self.text,
            "units": self.units,
            "parameters": self.parameters,
            "lower": number_json(self.lower.as_ref()),
            "upper": number_json(self.upper.as_ref()),
            "log10_lower_per_parameter": self.lower.as_ref().map(|v| self.per_parameter(v)),
            "log10_upper_per_parameter": self.upper.as_ref().map(|v| self.per_parameter(v)),
            "theorem6": self.growth.as_ref().map(Growth::to_string),
        });
        if let Some(dense) = &self.dense {
            object["dense"] = json!({
                "width": dense.width,
                "parameters": dense.parameters,
                "upper": number_json(Some(&dense.upper)),
            });
        }
        object
    }

    fn per_parameter(&self, value: &BigUint) -> f64 {
        digits::log10(value) - (self.parameters.max(1) as f64).log10()
    }
}

fn text(rows: &[Row], digits: Digits) -> String {
    let show = |value: Option<&BigUint>| value.map_or("-".into(), |value| digits.show(value));
    let mut table = vec![
        [
            "architecture",
            "units",
            "parameters",
            "lower",
            "upper",
            "lower/parameter",
            "upper/parameter",
        ]
        .map(String::from)
        .to_vec(),
    ];
    for row in rows {
        let ratio = |value: Option<&BigUint>| {
            value.map_or("-".into(), |value| {
                digits::show_ratio(value, &row.parameters.max(1).into())
            })
        };
        table.push(vec![
            row.text.clone(),
            row.units.to_string(),
            row.parameters.to_string(),
            show(row.lower.as_ref()),
            show(row.upper.as_ref()),
            ratio(row.lower.as_ref()),
            ratio(row.upper.as_ref()),
        ]);
    }
    let mut text = aligned(&table);
    text.push('\n');
    for row in rows {
        let _ = writeln!(text, "{}", row.text);
        if let Some(growth) = &row.growth {
            let _ = writeln!(text, "  Theorem 6: {growth}");
        }
        let Some(dense) = &row.dense else {
            let _ = writeln!(
                text,
                "  no fully connected network to compare with: too few parameters, or too large"
            );
            continue;
        };
        let _ = writeln!(
            text,
            "  fully connected, as deep, width {}, {} parameters: at most {} regions (Eq. (11))",
            dense.width,
            dense.parameters,
            digits.show(&dense.upper)
        );
        match &row.lower {
            Some(lower) if *lower > dense.upper => {
                let ratio = digits::show_ratio(lower, &dense.upper);
                let _ = writeln!(
                    text,
                    "  some weights of this architecture have at least {ratio} times as many",
                );
            }
            _ => {
                let _ = writeln!(
                    text,
                    "  the bounds do not tell which of the two can have more"
                );
            }
        }
    }
    text
}
