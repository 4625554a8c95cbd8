//! Every model of `fixtures/networks`, evaluated exactly and in f64, against what
//! ONNX Runtime computed at the same points (`fixtures/evaluations`, written by
//! `tools/make_fixtures.py`).

use std::fs;
use std::path::{Path, PathBuf};

use chambers::arithmetic::{Number, Rational};
use chambers::network::import::onnx;
use chambers::network::{Layer, Network};
use num_traits::{Signed, ToPrimitive};
use serde::Deserialize;

/// How far ONNX Runtime may be off, relative to the sum of the absolute terms of
/// an output. Observed: 1.3e-6 (ACAS Xu, seven layers of 50) and at most 3e-7 for
/// the other f32 models; 2e-16 for the f64 one.
const F32_TOLERANCE: f64 = 1e-5;
const F64_TOLERANCE: f64 = 1e-13;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Evaluations {
    model: String,
    runtime: String,
    #[serde(rename = "type")]
    element: Element,
    cases: Vec<Case>,
}

#[derive(Clone, Copy, Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Element {
    Float32,
    Float64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    #[serde(deserialize_with = "exact_floats")]
    input: Vec<f64>,
    #[serde(deserialize_with = "exact_floats")]
    output: Vec<f64>,
}

/// Reads each number from its own text: without the feature `float_roundtrip`,
/// serde_json gets the last bit of every tenth f64 wrong when asked for f64s.
fn exact_floats<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Vec<f64>, D::Error> {
    let numbers = Vec::<serde_json::Number>::deserialize(from)?;
    let finite = |number: &serde_json::Number| {
        number
            .as_f64()
            .ok_or_else(|| serde::de::Error::custom(format!("{number} is no f64")))
    };
    numbers.iter().map(finite).collect()
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

/// All files below `directory` with this extension, sorted.
fn files(directory: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let entries =
        fs::read_dir(directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    for entry in entries {
        let path = entry.expect("a readable directory entry").path();
        if path.is_dir() {
            found.extend(files(&path, extension));
        } else if path.extension().is_some_and(|given| given == extension) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// For each output, the sum of the absolute values of the terms that make it up
/// since the last ReLU: what a rounding error is relative to.
fn terms(network: &Network, input: &[f64], pre_activations: &[Vec<f64>]) -> Vec<f64> {
    let layers = network.layers();
    let affine = |layer: &Layer| matches!(layer, Layer::Affine(_));
    let relu = |layer: &Layer| matches!(layer, Layer::Relu);
    let last = layers.iter().rposition(affine).expect("an affine layer");
    let mut sizes: Vec<f64> = match layers[..last].iter().filter(|layer| relu(layer)).count() {
        0 => input.iter().map(|x| x.abs()).collect(),
        relus => pre_activations[relus - 1]
            .iter()
            .map(|x| x.max(0.0))
            .collect(),
    };
    let first = layers[..last].iter().rposition(relu).map_or(0, |k| k + 1);
    for layer in &layers[first..=last] {
        if let Layer::Affine(affine) = layer {
            sizes = (0..affine.output().len())
                .map(|r| {
                    let (columns, weights) = affine.row(r);
                    let products = columns
                        .iter()
                        .zip(weights)
                        .map(|(&column, weight)| weight.to_f64().abs() * sizes[column as usize]);
                    affine.bias()[r].to_f64().abs() + products.sum::<f64>()
                })
                .collect();
        }
    }
    sizes
}

/// What is wrong with one file of evaluations.
fn problems(path: &Path) -> Vec<String> {
    let shown = path
        .strip_prefix(fixtures())
        .expect("below fixtures")
        .display();
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{shown}: {error}"));
    let stored: Evaluations =
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{shown}: {error}"));
    let Evaluations {
        model,
        runtime,
        element,
        cases,
    } = stored;
    let bytes = fs::read(fixtures().join(&model))
        .unwrap_or_else(|error| panic!("{shown}: {model}: {error}"));
    let network = match onnx::read(&bytes) {
        Ok(network) => network,
        Err(error) => return vec![format!("{shown}: {model} cannot be read: {error}")],
    };
    let mut problems = Vec::new();
    if cases.is_empty() {
        problems.push(format!("{shown}: no cases"));
    }
    for (number, Case { input, output }) in cases.iter().enumerate() {
        let at = format!("{shown}: case {number}");
        if input.len() != network.input().len() || output.len() != network.output().len() {
            problems.push(format!(
                "{at}: {} inputs and {} outputs, but the network as read has {} and {}",
                input.len(),
                output.len(),
                network.input().len(),
                network.output().len(),
            ));
            continue;
        }
        if element == Element::Float32 {
            let all = input.iter().chain(output);
            assert!(
                all.into_iter().all(|&x| f64::from(x as f32) == x),
                "{at}: not an f32"
            );
        }
        let rational = |x: f64| Number::from_f64(x).expect("a finite number").to_rational();
        let exact_input: Vec<Rational> = input.iter().map(|&x| rational(x)).collect();
        let exact = network.evaluate(&exact_input).output;
        let float = network.evaluate_f64(input);
        let terms = terms(&network, input, &float.pre_activations);
        let tolerance = match element {
            Element::Float32 => F32_TOLERANCE,
            Element::Float64 => F64_TOLERANCE,
        };
        for (index, exact) in exact.iter().enumerate() {
            let mut compare = |whose: &str, value: f64, tolerance: f64| {
                let error = (rational(value) - exact)
                    .abs()
                    .to_f64()
                    .expect("a finite error");
                if error > tolerance * terms[index] {
                    problems.push(format!(
                        "{at}, output {index}: {whose} gives {value:e}, exactly it is {:e}; \
                         off by {error:e} where the terms add up to {:e}",
                        exact.to_f64().expect("a finite value"),
                        terms[index],
                    ));
                }
            };
            compare(&runtime, output[index], tolerance);
            compare("evaluate_f64", float.output[index], F64_TOLERANCE);
        }
    }
    problems
}

#[test]
fn networks_compute_what_onnx_runtime_computes() {
    let paths = files(&fixtures().join("evaluations"), "json");
    assert!(
        !paths.is_empty(),
        "no evaluations: run tools/make_fixtures.py"
    );
    let problems: Vec<String> = paths.iter().flat_map(|path| problems(path)).collect();
    assert!(
        problems.is_empty(),
        "{} disagreements with ONNX Runtime:\n{}",
        problems.len(),
        problems.join("\n")
    );
}

#[test]
fn every_model_has_its_evaluations() {
    let networks = fixtures().join("networks");
    let paths = files(&networks, "onnx");
    assert!(!paths.is_empty(), "no models: run tools/make_fixtures.py");
    for path in paths {
        let name = path.strip_prefix(&networks).expect("below networks");
        let evaluations = fixtures()
            .join("evaluations")
            .join(name)
            .with_extension("json");
        assert!(
            evaluations.is_file(),
            "{} has no evaluations: run tools/make_fixtures.py --evaluate",
            name.display()
        );
    }
}
