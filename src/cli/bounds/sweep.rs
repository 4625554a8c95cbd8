//! `chambers bounds --sweep`: one number of an architecture runs.

use chambers::Result;
use chambers::network::Architecture;
use chambers::theory::Skeleton;
use chambers::theory::bounds::{self, Bound};
use chambers::theory::catalogue;
use chambers::theory::theorem2::Budget;
use num_bigint::BigUint;

use super::super::digits::{self, Digits};
use super::super::{Status, model, note, print};
use super::{growth, wrong};

const REMEDY: &str = "write --sweep d1=1..64, or f1, s1 or L in place of d1";

/// The most lines of one sweep.
const MAX_STEPS: usize = 100_000;

/// The number that runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Variable {
    /// Filters, or units, of a layer.
    Filters(usize),
    /// Both sides of a layer's filters.
    Size(usize),
    /// The stride of a layer, both ways.
    Stride(usize),
    /// How many layers; the last is repeated.
    Depth,
}

pub fn run(architecture: &str, sweep: &str, budget: &Budget, digits: Digits) -> Result<Status> {
    model::architecture(architecture)?;
    let (name, variable, from, to) = parse(sweep)?;
    // The same columns for every sweep: a network of more layers has other bounds.
    let published = catalogue::evaluate(1, &[])
        .into_iter()
        .map(|value| value.entry.id);
    let ids: Vec<&str> = bounds::IDS.into_iter().chain(published).collect();
    let mut lines = 0;
    for number in from..=to {
        let text = replaced(architecture, variable, number)?;
        let architecture = match Architecture::parse(&text) {
            Ok(architecture) => architecture,
            Err(error) => {
                note(&format!("{name}={number} left out: {error}"));
                continue;
            }
        };
        let skeleton = Skeleton::of_architecture(&architecture);
        if lines == 0 {
            print(&header(&name, &ids))?;
            let growth = growth(&skeleton).filter(|_| variable == Variable::Filters(1));
            if let Some(growth) = growth {
                note(&growth.to_string());
            }
        }
        lines += 1;
        let bounds = bounds::all(&skeleton, budget);
        print(&line(number, &skeleton, &bounds, &ids, digits))?;
    }
    if lines == 0 {
        return Err(wrong(
            "--sweep",
            format!("no value of {sweep} gives an architecture that is possible"),
            REMEDY,
        ));
    }
    Ok(Status::Done)
}

fn header(name: &str, ids: &[&str]) -> String {
    let mut columns: Vec<String> = [name, "units", "parameters"].map(String::from).to_vec();
    for which in ["best_lower", "best_upper"].iter().chain(ids) {
        columns.push(which.to_string());
        columns.push(format!("log10_{which}"));
    }
    columns.join(",") + "\n"
}

fn line(
    number: usize,
    skeleton: &Skeleton,
    bounds: &[Bound],
    ids: &[&str],
    digits: Digits,
) -> String {
    let mut cells = vec![
        number.to_string(),
        skeleton.units().to_string(),
        skeleton.parameters().to_string(),
    ];
    let mut add = |value: Option<&BigUint>| {
        cells.push(value.map_or(String::new(), |value| digits.show(value)));
        cells.push(value.map_or(String::new(), |value| {
            format!("{:.12}", digits::log10(value))
        }));
    };
    add(bounds::best_lower(bounds));
    add(bounds::best_upper(bounds));
    for id in ids {
        let bound = bounds.iter().find(|bound| bound.id == *id);
        add(bound.and_then(|bound| bound.value.as_ref()));
    }
    cells.join(",") + "\n"
}

/// `d1=1..64` as its name, the variable and both ends.
fn parse(sweep: &str) -> Result<(String, Variable, usize, usize)> {
    let wrong = |problem: &str| wrong("--sweep", format!("{sweep:?}: {problem}"), REMEDY);
    let parts = sweep.split_once('=').and_then(|(name, range)| {
        let (from, to) = range.split_once("..")?;
        let (from, to): (usize, usize) = (from.trim().parse().ok()?, to.trim().parse().ok()?);
        Some((name.trim(), from, to))
    });
    let Some((name, from, to)) = parts else {
        return Err(wrong("expected NAME=FROM..TO, both ends included"));
    };
    if from == 0 || to < from || to - from >= MAX_STEPS {
        return Err(wrong(
            "expected a range from 1 on that is not empty, and not absurd",
        ));
    }
    let layer = |digits: &str| digits.parse().ok().filter(|&layer: &usize| layer > 0);
    let variable = match name.split_at_checked(1) {
        Some(("L", "")) => Some(Variable::Depth),
        Some(("d", digits)) => layer(digits).map(Variable::Filters),
        Some(("f", digits)) => layer(digits).map(Variable::Size),
        Some(("s", digits)) => layer(digits).map(Variable::Stride),
        _ => None,
    };
    match variable {
        Some(variable) => Ok((name.to_string(), variable, from, to)),
        None => Err(wrong("the name is none of d1, f1, s1 (any layer) or L")),
    }
}

/// The architecture with the variable set, as text.
fn replaced(architecture: &str, variable: Variable, number: usize) -> Result<String> {
    let parts: Vec<&str> = architecture.split(';').map(str::trim).collect();
    let (input, layers) = parts.split_first().unwrap_or((&"", &[]));
    // An axis of length 1 keeps filters of size 1.
    let flat = |axis: usize| input.split(['x', 'X']).nth(axis) == Some("1");
    let both = match (flat(0), flat(1)) {
        (true, false) => format!("1x{number}"),
        (false, true) => format!("{number}x1"),
        _ => number.to_string(),
    };
    let mut layers: Vec<String> = layers.iter().map(ToString::to_string).collect();
    // `flatten` is no layer of units.
    let numbered: Vec<usize> = (0..layers.len())
        .filter(|&k| layers[k] != "flatten")
        .collect();
    let at = |layer: usize| {
        numbered.get(layer - 1).copied().ok_or_else(|| {
            let problem = format!("the architecture has {} layers of units", numbered.len());
            wrong(&format!("--sweep, layer {layer}"), problem, REMEDY)
        })
    };
    let not_convolution = |layer: usize| {
        wrong(
            &format!("--sweep, layer {layer}"),
            "only a convolution has a filter size and a stride",
            REMEDY,
        )
    };
    match variable {
        Variable::Filters(layer) => {
            let text = &mut layers[at(layer)?];
            let mut words: Vec<String> = text.split_whitespace().map(String::from).collect();
            let size = words.get(1).and_then(|word| word.split_once('@'));
            let word = match size {
                Some((_, size)) => format!("{number}@{size}"),
                None => number.to_string(),
            };
            words[1] = word;
            *text = words.join(" ");
        }
        Variable::Size(layer) => {
            let text = &mut layers[at(layer)?];
            let mut words: Vec<String> = text.split_whitespace().map(String::from).collect();
            match words.get(1).and_then(|word| word.split_once('@')) {
                Some((filters, _)) => words[1] = format!("{filters}@{both}"),
                None => return Err(not_convolution(layer)),
            }
            *text = words.join(" ");
        }
        Variable::Stride(layer) => {
            let text = &mut layers[at(layer)?];
            if !text.starts_with("conv") {
                return Err(not_convolution(layer));
            }
            let mut words: Vec<String> = text.split_whitespace().map(String::from).collect();
            match words.iter().position(|word| word == "stride") {
                Some(stride) => words[stride + 1] = both,
                None => words.extend(["stride".into(), both]),
            }
            *text = words.join(" ");
        }
        Variable::Depth => {
            let last = layers.last().cloned().unwrap_or_default();
            match numbered.get(number) {
                Some(&next) => layers.truncate(next),
                None => layers.extend(vec![last; number - numbered.len()]),
            }
        }
    }
    layers.insert(0, input.to_string());
    Ok(layers.join("; "))
}
