//! `chambers count --proof`, `--self-check` and `chambers explain`, as a user runs them.

mod program;

use std::collections::BTreeSet;

use chambers::arithmetic::{Number, Rational};
use num_traits::{Signed, Zero};
use program::{Folder, chambers, json, refused, run, stderr, stdout, succeed, text_of};
use serde_json::Value;

/// Layers of units; a unit is its weights and its bias.
type Layers<'a> = &'a [&'a [(&'a [i64], i64)]];

/// On the box [-2, 2]^2. The first layer is x0, x1; with r = relu of these, the second is
///
///     r0 + r1 - 1,    2 r0 + 3 r1 + 3,    -r0 - 1.
///
/// The last two have the signs + and - wherever r0, r1 >= 0, so everywhere. The first is
/// x0 + x1 - 1 on the quadrant ++, x0 - 1 on +-, x1 - 1 on -+, each of which has both signs
/// there, and -1 on --: seven regions.
const BOX: Layers = &[
    &[(&[1, 0], 0), (&[0, 1], 0)],
    &[(&[1, 1], -1), (&[2, 3], 3), (&[-1, 0], -1)],
];
const BOX_PATTERNS: [&str; 7] = [
    "++++-", "++-+-", "+-++-", "+--+-", "-+++-", "-+-+-", "---+-",
];

/// Without biases, on all of R^2: two charts on rays. The lines x0 = 0, x1 = 0 and
/// x0 = 2 x1 make six sectors. On five of them all units of the second layer have one
/// sign or are zero; on ++- x0 - x1 has both signs: seven regions.
const RAYS: Layers = &[
    &[(&[1, 0], 0), (&[0, 1], 0), (&[1, -2], 0)],
    &[(&[1, 1, 0], 0), (&[1, -1, 0], 0), (&[-1, 0, -2], 0)],
];

fn model(folder: &Folder, name: &str, layers: Layers) -> String {
    let layer = |units: &&[(&[i64], i64)]| {
        let weight: Vec<&[i64]> = units.iter().map(|unit| unit.0).collect();
        let bias: Vec<i64> = units.iter().map(|unit| unit.1).collect();
        serde_json::json!({"type": "dense", "weight": weight, "bias": bias, "activation": "relu"})
    };
    let layers: Vec<Value> = layers.iter().map(layer).collect();
    let network = serde_json::json!({"input_shape": [2], "layers": layers});
    folder.file(name, network.to_string())
}

/// Model and proof of a network.
fn proved(folder: &Folder, layers: Layers, domain: &[&str]) -> [String; 2] {
    let model = model(folder, "model.json", layers);
    let proof = text_of(&folder.path("proof.chp"));
    let counted = json(&[&["count", &model, "--proof", &proof, "--json"], domain].concat());
    assert_eq!(counted["count"], "7");
    [proof, model]
}

fn boxed(folder: &Folder) -> [String; 2] {
    proved(folder, BOX, &["--domain", "box=-2,2"])
}

fn explain([proof, model]: &[String; 2], which: &[&str]) -> Value {
    json(&[&["explain", proof, "--model", model, "--json"], which].concat())
}

fn number(value: &Value) -> Rational {
    let text = value.as_str().expect("numbers are strings");
    Number::parse(text).expect("a number").to_rational()
}

fn form(value: &Value) -> Vec<Rational> {
    value.as_array().unwrap().iter().map(number).collect()
}

/// The sum of multiples of forms of this length.
fn sum<'a>(
    length: usize,
    terms: impl Iterator<Item = (Rational, &'a Vec<Rational>)>,
) -> Vec<Rational> {
    terms.fold(vec![Rational::zero(); length], |sum, (factor, form)| {
        let pairs = sum.iter().zip(form);
        pairs
            .map(|(total, entry)| total + &factor * entry)
            .collect()
    })
}

fn whole(value: i64) -> Rational {
    Rational::from_integer(value.into())
}

/// Verifies all that is said of a region, with the weights and nothing else of the program:
/// the forms, their values, the constraints, and for every unit why it has its sign.
fn assert_explained(object: &Value, layers: Layers, half_width: Option<i64>) {
    let y = form(&object["coordinates"]);
    let width = y.len() + 1;
    let value = |form: &[Rational]| -> Rational {
        let products = form.iter().zip(&y).map(|(a, y)| a * y);
        products.sum::<Rational>() + &form[y.len()]
    };
    let inputs: Vec<Vec<Rational>> = object["inputs"]
        .as_array()
        .unwrap()
        .iter()
        .map(form)
        .collect();
    let point: Vec<Rational> = inputs.iter().map(|input| value(input)).collect();
    assert_eq!(form(&object["point"]), point);

    // Every unit's form from the weights, and its sign at the point.
    let (mut forms, mut places) = (Vec::new(), Vec::new());
    let mut current = inputs.clone();
    for (layer, units) in layers.iter().enumerate() {
        let mut next = Vec::new();
        for (unit, (weights, bias)) in units.iter().enumerate() {
            let terms = weights.iter().map(|&w| whole(w)).zip(&current);
            let mut form = sum(width, terms);
            form[width - 1] += whole(*bias);
            let positive = value(&form).is_positive();
            next.push(sum(
                width,
                positive.then_some((whole(1), &form)).into_iter(),
            ));
            forms.push(form);
            places.push((layer as u64 + 1, unit as u64));
        }
        current = next;
    }
    let signs: Vec<i64> = forms.iter().map(|form| sign(&value(form))).collect();
    let symbols: String = signs
        .iter()
        .map(|sign| ["-", "0", "+"][(sign + 1) as usize])
        .collect();
    assert_eq!(object["pattern"], symbols);
    let oriented = |unit: usize| sum(width, [(whole(signs[unit]), &forms[unit])].into_iter());

    // Constraints are positive at the point, and are what they are said to be.
    let mut bounding = BTreeSet::new();
    let constraints = object["constraints"].as_array().unwrap().iter().enumerate();
    let constraints = constraints.map(|(k, constraint)| {
        assert_eq!(constraint["number"], k);
        let form = form(&constraint["form"]);
        assert!(value(&form).is_positive());
        let place = &constraint["unit"];
        if place.is_null() {
            let half = whole(half_width.expect("all of R^n has no ends"));
            let end = |input: &Vec<Rational>, sign: i64| {
                let mut end = sum(width, [(whole(sign), input)].into_iter());
                end[width - 1] += &half;
                end
            };
            assert!(
                inputs
                    .iter()
                    .any(|x| form == end(x, 1) || form == end(x, -1))
            );
        } else {
            let place = (
                place["layer"].as_u64().unwrap(),
                place["unit"].as_u64().unwrap(),
            );
            let unit = places.iter().position(|other| *other == place).unwrap();
            assert_eq!(form, oriented(unit));
            bounding.insert(unit);
        }
        form
    });
    let constraints: Vec<Vec<Rational>> = constraints.collect();

    let units = object["units"].as_array().unwrap();
    assert_eq!(units.len(), forms.len());
    for (k, unit) in units.iter().enumerate() {
        assert_eq!(
            (&unit["layer"], &unit["unit"]),
            (&places[k].0.into(), &places[k].1.into())
        );
        assert_eq!(form(&unit["form"]), forms[k]);
        assert_eq!(number(&unit["value"]), value(&forms[k]));
        assert_eq!(unit["sign"], symbols[k..=k]);
        let reason = unit["reason"].as_str().unwrap();
        assert_eq!(bounding.contains(&k), reason == "split");
        match reason {
            "split" => assert_ne!(signs[k], 0),
            "constant" => assert!(forms[k][..width - 1].iter().all(Zero::is_zero)),
            "crossing" => {
                let mut at = object["crossing"].as_array().unwrap().iter().map(number);
                let crossing: Vec<Rational> = at.by_ref().chain([whole(1)]).collect();
                let terms = forms[k].iter().zip(&crossing).map(|(a, y)| a * y);
                assert!(terms.sum::<Rational>().is_zero());
                assert_ne!(signs[k], 0);
            }
            "side" => {
                let multiples = unit["multiples"].as_array().unwrap();
                let multiples = multiples.iter().map(|pair| {
                    let constraint = pair[0].as_u64().unwrap() as usize;
                    (number(&pair[1]), &constraints[constraint])
                });
                let mut terms: Vec<(Rational, &Vec<Rational>)> = multiples.collect();
                let mut one = vec![Rational::zero(); width];
                one[width - 1] = whole(1);
                terms.push((number(&unit["constant"]), &one));
                assert!(terms.iter().all(|(factor, _)| !factor.is_negative()));
                assert!(terms.iter().any(|(factor, _)| factor.is_positive()));
                assert_eq!(sum(width, terms.into_iter()), oriented(k));
            }
            other => panic!("no reason is {other}"),
        }
    }
}

fn sign(value: &Rational) -> i64 {
    i64::from(value.is_positive()) - i64::from(value.is_negative())
}

#[test]
fn every_region_of_a_box_is_explained() {
    let folder = Folder::new();
    let files = boxed(&folder);
    let mut seen = BTreeSet::new();
    for region in 0..7 {
        let object = explain(&files, &["--region", &region.to_string()]);
        assert_eq!(object["region"], region);
        assert_explained(&object, BOX, Some(2));
        let pattern = object["pattern"].as_str().unwrap().to_string();
        assert_eq!(explain(&files, &["--pattern", &pattern]), object);
        let point: Vec<&str> = object["point"]
            .as_array()
            .unwrap()
            .iter()
            .map(|x| x.as_str().unwrap())
            .collect();
        assert_eq!(explain(&files, &["--point", &point.join(",")]), object);
        seen.insert(pattern);
    }
    assert_eq!(seen, BOX_PATTERNS.map(String::from).into());
}

#[test]
fn every_region_of_rays_is_explained() {
    let folder = Folder::new();
    let files = proved(&folder, RAYS, &[]);
    let (mut seen, mut charts) = (BTreeSet::new(), BTreeSet::new());
    for region in 0..7 {
        let object = explain(&files, &["--region", &region.to_string()]);
        assert_explained(&object, RAYS, None);
        seen.insert(object["pattern"].to_string());
        charts.insert(object["chart"].as_u64().unwrap());
    }
    assert_eq!((seen.len(), charts), (7, [0, 1].into()));
    // A region is a cone: any point of it will do.
    let near = explain(&files, &["--point", "1/1000,1/3000"]);
    let far = explain(&files, &["--point", "3000000,1e6"]);
    assert_eq!(near, far);
}

/// On the region ++-+- of `BOX`, which has 1/4, 1/4, the constraints are the ends x0 + 2,
/// 2 - x0, x1 + 2, 2 - x1 and the splits x0 and x1; the last layer has one hyperplane left, x0 +
/// x1 - 1 = 0, which crosses no other. There
///
///     2 x0 + 3 x1 + 3 = 2 (x0) + 3 (x1) + 3,
///     -(-x0 - 1) = 1 (x0) + 1.
///
/// No other proof exists: with x0 + 2 in place of x0 or x1 + 2 in place of x1 the constants
/// would be -1, -3, -7 and -1, and 2 - x0 and 2 - x1 have slopes of the wrong signs.
#[test]
fn multipliers_are_those_found_by_hand() {
    let folder = Folder::new();
    let files = boxed(&folder);
    let told = |unit: &str| {
        let object = explain(&files, &["--point", "1/4,0.25", "--unit", unit]);
        assert_eq!(object["pattern"], "++-+-");
        let units = object["units"].as_array().unwrap();
        assert_eq!(units.len(), 1);
        let constraints = object["constraints"].as_array().unwrap().clone();
        (units[0].clone(), constraints)
    };
    let multiples = |unit: &str| {
        let (unit, constraints) = told(unit);
        assert_eq!(unit["reason"], "side");
        let multiples = unit["multiples"].as_array().unwrap().iter();
        let multiples = multiples.filter(|pair| pair[1] != "0").map(|pair| {
            let number = |constraint: &&Value| constraint["number"] == pair[0];
            let constraint = constraints
                .iter()
                .find(number)
                .expect("constraints that are needed are told");
            let of = &constraint["unit"];
            let place = format!("{}:{}", of["layer"], of["unit"]);
            (place, pair[1].as_str().unwrap().to_string())
        });
        let multiples: BTreeSet<(String, String)> = multiples.collect();
        (multiples, unit["constant"].as_str().unwrap().to_string())
    };
    let pair = |place: &str, multiplier: &str| (place.to_string(), multiplier.to_string());
    let expected = [pair("1:0", "2"), pair("1:1", "3")].into();
    assert_eq!(multiples("2:1"), (expected, "3".to_string()));
    assert_eq!(
        multiples("2:2"),
        ([pair("1:0", "1")].into(), "1".to_string())
    );
    assert_eq!(told("2:0").0["reason"], "crossing");
    assert_eq!(told("2:0").1, Vec::<Value>::new());

    let [proof, model] = &files;
    let point = ["explain", proof, "--model", model, "--point", "1/4,1/4"];
    let text = succeed(&point);
    for part in [
        "pattern   ++-+-\n",
        "x = (",
        "(an end of the domain)",
        "crossing  y = (",
        "units     + unit 0 of layer 1: h = y0\n",
        "          - unit 2 of layer 2: h = -y0 - 1\n",
    ] {
        assert!(text.contains(part), "no {part:?} in\n{text}");
    }
    assert_eq!(text.matches("does not cut").count(), 2);
    assert_eq!(text.matches("bounds the cell").count(), 2);
    let text = succeed(&[&point[..], &["--unit", "2:1"]].concat());
    assert!(
        text.contains("unit 1 of layer 2: h = 2 y0 + 3 y1 + 3\n"),
        "{text}"
    );
    assert!(
        !text.contains("unit 2 of layer 2") && !text.contains("an end of"),
        "{text}"
    );
}

#[test]
fn what_is_not_in_a_proof_is_not_explained() {
    let folder = Folder::new();
    let [proof, model] = boxed(&folder);
    let with = |more: &[&str], expected: &[&str]| {
        refused(
            &[&["explain", &proof, "--model", &model], more].concat(),
            expected,
        );
    };
    with(&["--region", "7"], &["region 7", "is not in the proof"]);
    with(&["--region", "-1"], &["--region"]);
    // On the hyperplane of a unit of each layer, on an end of the domain, and outside of it,
    // where the pattern is that of a region.
    for point in ["0,1", "1/2,1/2", "2,1", "3,3", "1,-2.0000001"] {
        with(&["--point", point], &[point, "in no region of the proof"]);
    }
    for point in ["1", "1,2,3", "a,b", "1/0,1", ""] {
        with(&["--point", point], &["is no point of R^2"]);
    }
    for pattern in ["", "++++", "++++++", "++x++"] {
        with(&["--pattern", pattern], &["is no pattern of 5 units"]);
    }
    for pattern in ["-----", "00000", "--++-"] {
        with(&["--pattern", pattern], &[pattern, "is not in the proof"]);
    }
    for unit in ["3:0", "0:0", "2:3", "1", "x:y", "1:-1"] {
        let unit = format!("--unit={unit}");
        with(
            &["--region", "0", &unit],
            &["names no unit", "[2, 3] units"],
        );
    }
    with(&[], &["--region"]);
    with(
        &["--region", "0", "--point", "1,1"],
        &["cannot be used with"],
    );
    let missing = text_of(&folder.path("missing.chp"));
    refused(
        &["explain", &missing, "--model", &model, "--region", "0"],
        &["missing.chp"],
    );
}

#[test]
fn a_region_of_no_proof_is_not_explained() {
    let folder = Folder::new();
    let [proof, of_proof] = boxed(&folder);
    let other = model(&folder, "other.json", RAYS);
    let rejected = |proof: &str, model: &str, expected: &[&str]| {
        let output = run(&["explain", proof, "--model", model, "--region", "0"]);
        assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
        let text = stdout(&output);
        assert!(text.starts_with("REJECTED: "), "{text}");
        for part in expected {
            assert!(text.contains(part), "no {part:?} in {text}");
        }
    };
    let digest = |model: &str| {
        let object = json(&["inspect", model, "--json"]);
        object["network_digest"].as_str().unwrap().to_string()
    };
    let digests = [digest(&of_proof), digest(&other)];
    assert_ne!(digests[0], digests[1]);
    rejected(
        &proof,
        &other,
        &["another network", &digests[0], &digests[1]],
    );
    let version = folder.file("version.chp", "chambers proof 9\n");
    rejected(&version, &of_proof, &["version \"9\"", "knows version 2"]);
    let none = folder.file("none.chp", "{}");
    rejected(&none, &of_proof, &["this is no proof"]);
    let bytes = std::fs::read(&proof).unwrap();
    let cut = folder.file("cut.chp", &bytes[..bytes.len() - 1]);
    rejected(
        &cut,
        &of_proof,
        &["the file ends in the middle of a record"],
    );
}

#[test]
fn a_count_checks_itself() {
    let folder = Folder::new();
    let model = model(&folder, "model.json", BOX);
    let count = ["count", &model, "--domain", "box=-2,2", "--self-check"];
    let text = succeed(&count);
    assert!(
        text.ends_with("\nself-check: VERIFIED, 7 regions\n"),
        "{text}"
    );
    let object = json(&[&count[..], &["--json"]].concat());
    assert_eq!(
        object["self_check"],
        serde_json::json!({"verified": true, "count": "7"})
    );
    // Without it, nothing is said of it; with a proof, both are done.
    let object = json(&["count", &model, "--json"]);
    assert!(object.get("self_check").is_none());
    let proof = text_of(&folder.path("proof.chp"));
    let object = json(&[&count[..], &["--proof", &proof, "--json"]].concat());
    assert_eq!(object["self_check"]["verified"], true);
    assert!(succeed(&["check", &proof, "--model", &model]).starts_with("VERIFIED: 7 regions\n"));
    for other in [["--engine", "lp"], ["--method", "whitney"]] {
        refused(&[&count[..], &other].concat(), &["cannot be used with"]);
        refused(
            &[&["count", &model, "--proof", &proof], &other[..]].concat(),
            &["cannot be used with"],
        );
    }
}

#[test]
fn a_proof_is_packed_as_asked() {
    let folder = Folder::new();
    let model = text_of(&folder.path("model.json"));
    let arch = "3; dense 16; dense 16; dense 8";
    succeed(&["random", "--arch", arch, "-o", &model]);
    let mut digests = BTreeSet::new();
    for (packing, plain) in [
        (&["--proof-packing", "none"][..], true),
        (&["--proof-packing", "zstd"], false),
        (&[], false),
    ] {
        let proof = text_of(&folder.path("proof.chp"));
        succeed(&[&["count", &model, "--proof", &proof], packing].concat());
        let bytes = std::fs::read(&proof).unwrap();
        let magic = b"chambers proof 2\n";
        assert!(bytes.starts_with(magic));
        // Kind, packing, lengths in the file and unpacked; docs/proofs.md.
        let (mut rest, mut long) = (&bytes[magic.len()..], 0);
        while !rest.is_empty() {
            let length = |at: usize| u32::from_le_bytes(rest[at..at + 4].try_into().unwrap());
            let is_long = length(6) >= 1 << 14;
            assert_eq!(rest[1], u8::from(!plain && is_long));
            long += u32::from(is_long);
            rest = &rest[10 + length(2) as usize + 16..];
        }
        assert!(long > 0);
        let verdict = json(&["check", &proof, "--model", &model, "--json"]);
        assert_eq!(verdict["verdict"], "verified");
        digests.insert(verdict["digest"].to_string());
    }
    assert_eq!(digests.len(), 1);
    let proof = text_of(&folder.path("proof.chp"));
    refused(&["count", &model, "--proof-packing", "none"], &["--proof"]);
    refused(
        &[
            "count",
            &model,
            "--proof",
            &proof,
            "--proof-packing",
            "gzip",
        ],
        &["gzip"],
    );
}

/// The proof alone is on standard output; what people read is on standard error.
#[test]
fn a_proof_goes_through_a_pipe() {
    for packing in ["none", "zstd"] {
        let counted = run(&[
            "count",
            "--arch",
            "2; dense 3; dense 2",
            "--proof",
            "-",
            "--proof-packing",
            packing,
            "--self-check",
        ]);
        assert_eq!(counted.status.code(), Some(0));
        assert!(counted.stdout.starts_with(b"chambers proof 2\n"));
        assert!(stderr(&counted).contains("self-check: VERIFIED"));
        let mut check = chambers(&["check", "-", "--arch", "2; dense 3; dense 2"])
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let mut pipe = check.stdin.take().unwrap();
        std::io::Write::write_all(&mut pipe, &counted.stdout).unwrap();
        drop(pipe);
        let checked = check.wait_with_output().unwrap();
        assert_eq!(checked.status.code(), Some(0));
        assert!(stdout(&checked).starts_with("VERIFIED: "));
    }
}

#[cfg(unix)]
#[test]
fn an_interrupted_proof_proves_a_lower_bound() {
    let folder = Folder::new();
    let proof = folder.file("proof.chp", "what stood there");
    let long = ["--arch", "12; dense 200; dense 200", "--seed", "1"];
    let count = [
        &["count", "--json", "--self-check", "--proof", &proof],
        &long[..],
    ]
    .concat();
    let child = chambers(&count)
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    std::thread::sleep(std::time::Duration::from_millis(1000));
    let sent = std::process::Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(sent.unwrap().success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    assert!(
        stderr(&output).contains("proof.chp.part proves a lower bound"),
        "{}",
        stderr(&output)
    );
    let counted: Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!(counted["complete"], false);
    let count = &counted["count"];
    assert_eq!(
        counted["self_check"],
        serde_json::json!({"verified": true, "count": count})
    );
    // What stood there before stays.
    assert_eq!(std::fs::read_to_string(&proof).unwrap(), "what stood there");

    let part = proof + ".part";
    let checked = run(&[&["check", &part], &long[..]].concat());
    assert_eq!(checked.status.code(), Some(3), "{}", stderr(&checked));
    let said = stdout(&checked).replace(',', "");
    let expected = format!("INCOMPLETE: at least {} regions\n", count.as_str().unwrap());
    assert!(said.starts_with(&expected), "{said}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_proof_on_a_full_disk_is_an_error() {
    let count = ["count", "--arch", "3; dense 12", "--proof"];
    refused(&[&count[..], &["/dev/full"]].concat(), &["/dev/full"]);
    let full = std::fs::File::options()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let output = chambers(&[&count[..], &["-"]].concat())
        .stdout(full)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr(&output).contains("standard output"),
        "{}",
        stderr(&output)
    );
    refused(
        &[&count[..], &["/nowhere/proof.chp"]].concat(),
        &["/nowhere/proof.chp"],
    );
}
