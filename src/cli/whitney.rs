//! `chambers count --method whitney`: regions from the characteristic polynomial.

use std::sync::Arc;

use chambers::characteristic::{Answer, CharacteristicPolynomial, Found, Symmetry, characteristic};
use chambers::search::Monitor;
use chambers::{Error, Result};
use num_traits::One;
use serde_json::{Value, json};

use super::model::{Model, Scope};
use super::progress::Progress;
use super::{Status, print, report, signals};

/// Whether to count up to symmetry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum UpTo {
    /// Look for symmetries, and use them where there are many
    Auto,
    /// Do not look for any
    None,
}

/// Counts and prints.
pub fn run(model: &Model, scope: &Scope, up_to: UpTo, as_json: bool) -> Result<Status> {
    let refused = |place: &str, problem: &str, remedy: &str| {
        Err(Error::input("--method whitney", place, problem, remedy))
    };
    let intervals = scope.domain.intervals();
    if intervals
        .iter()
        .any(|i| i.lower.is_some() || i.upper.is_some())
    {
        return refused(
            "--domain",
            "the characteristic polynomial counts the regions of all of R^n",
            "leave --domain out, or use --method enumerate",
        );
    }
    if scope.options.strict {
        return refused(
            "--strict",
            "units that are identically zero are no hyperplanes and are passed over",
            "leave --strict out, or use --method enumerate",
        );
    }
    let monitor = Arc::new(Monitor::new());
    signals::stop_on_signal(&[&monitor]);
    let progress = Progress::show(&monitor);
    let symmetry = match up_to {
        UpTo::Auto => Symmetry::Auto,
        UpTo::None => Symmetry::Off,
    };
    let answer = characteristic(&model.network, symmetry, &monitor)?;
    drop(progress);
    if as_json {
        print(&report::pretty(&json(&answer, model, scope)))?;
    } else {
        print(&text(&answer, model, scope))?;
    }
    Ok(match answer.found {
        Found::Polynomial(_) => Status::Done,
        Found::AtLeast(_) => Status::Stopped,
    })
}

fn text(answer: &Answer, model: &Model, scope: &Scope) -> String {
    let mut rows = match &answer.found {
        Found::Polynomial(polynomial) => vec![
            ("regions", polynomial.regions().to_string()),
            ("bounded", bounded(polynomial)),
            ("polynomial", polynomial.to_string()),
        ],
        Found::AtLeast(regions) => vec![("regions", format!("at least {regions} (stopped early)"))],
    };
    let symmetries = if answer.symmetries.is_one() {
        "none used".into()
    } else {
        format!("{} used", answer.symmetries)
    };
    rows.extend([
        ("model", model.label.clone()),
        ("domain", report::domain(&scope.domain)),
        ("hyperplanes", format!("{} distinct", answer.hyperplanes)),
        ("symmetries", symmetries),
        (
            "proofs",
            "exact: the characteristic polynomial, no enumeration".into(),
        ),
        ("time", format!("{:.3} s", answer.elapsed.as_secs_f64())),
    ]);
    report::table(&rows)
}

/// `6`, or `0 (2 up to translation along 1 dimension)`.
fn bounded(polynomial: &CharacteristicPolynomial) -> String {
    let free = polynomial.dimension() - polynomial.rank();
    let bounded = polynomial.bounded();
    if free == 0 {
        return bounded.to_string();
    }
    format!(
        "{bounded} ({} relatively: up to {} that no hyperplane bounds)",
        polynomial.relatively_bounded(),
        report::counted(free, "dimension"),
    )
}

fn json(answer: &Answer, model: &Model, scope: &Scope) -> Value {
    let (count, polynomial) = match &answer.found {
        Found::Polynomial(polynomial) => (polynomial.regions(), Some(polynomial)),
        Found::AtLeast(regions) => (regions.clone(), None),
    };
    let decimal = |value: &dyn ToString| Value::from(value.to_string());
    let coefficients = |p: &CharacteristicPolynomial| -> Vec<Value> {
        p.coefficients().iter().map(|c| decimal(c)).collect()
    };
    json!({
        "count": count.to_string(),
        "complete": polynomial.is_some(),
        "exact": true,
        "method": "whitney",
        "bounded": polynomial.map(|p| decimal(&p.bounded())),
        "relatively_bounded": polynomial.map(|p| decimal(&p.relatively_bounded())),
        "characteristic_polynomial": polynomial.map(|p| json!({
            "text": p.to_string(),
            "dimension": p.dimension(),
            "rank": p.rank(),
            "coefficients": coefficients(p),
        })),
        "hyperplanes": answer.hyperplanes,
        "symmetries": answer.symmetries.to_string(),
        "model": model.identity,
        "domain": report::domain(&scope.domain),
        "seconds": answer.elapsed.as_secs_f64(),
    })
}
