//! `chambers bounds` as its users meet it.

mod program;

use program::{Folder, json, refused, run, stderr, stdout, succeed};
use serde_json::Value;

const EXAMPLE_4: &str = "1x4x1; conv 2@1x2; conv 3@1x2";

fn bound<'a>(answer: &'a Value, id: &str) -> &'a Value {
    let bounds = answer["bounds"].as_array().expect("an array");
    let found = bounds.iter().find(|bound| bound["id"] == id);
    found.unwrap_or_else(|| panic!("no {id}: {answer:#}"))
}

#[test]
fn an_architecture_has_a_table_best_first() {
    let text = succeed(&["bounds", "--arch", EXAMPLE_4]);
    for part in [
        "2156",
        "3135",
        "320",
        "xiong2020-theorem5-upper",
        "21 parameters",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let answer = json(&["bounds", "--arch", EXAMPLE_4, "--json"]);
    assert_eq!(bound(&answer, "xiong2020-theorem5-upper")["value"], "3135");
    assert_eq!(bound(&answer, "xiong2020-theorem5-upper")["kind"], "upper");
    assert_eq!(bound(&answer, "xiong2020-theorem5-lower")["value"], "320");
    assert_eq!(bound(&answer, "xiong2020-theorem2")["value"], Value::Null);
    assert_eq!(answer["parameters"], 21);
    // Upper bounds from the smallest, and none is better than the best.
    let values: Vec<u64> = answer["bounds"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|bound| bound["kind"] == "upper" && bound["value"].is_string())
        .map(|bound| bound["value"].as_str().unwrap().parse().unwrap())
        .collect();
    assert!(values.len() > 5 && values.is_sorted(), "{values:?}");
}

#[test]
fn one_layer_is_exact_where_a_theorem_says_so() {
    let answer = json(&["bounds", "--arch", "1x3x1; conv 5@1x2", "--json"]);
    for id in ["xiong2020-theorem2", "generic-shared-weights"] {
        assert_eq!(bound(&answer, id)["value"], "156", "{id}");
        assert_eq!(bound(&answer, id)["kind"], "exact", "{id}");
    }
    assert_eq!(answer["growth"]["polynomial"], "d1^3 + d1^2 + d1 + 1");
    // In two dimensions Theorem 2 says too much.
    let answer = json(&["bounds", "--arch", "3x3x1; conv 2@2x2", "--json", "--exact"]);
    assert_eq!(bound(&answer, "xiong2020-theorem2")["value"], "256");
    assert_eq!(bound(&answer, "xiong2020-theorem2")["kind"], "upper");
    assert_eq!(bound(&answer, "generic-shared-weights")["value"], "255");
    assert_eq!(answer["count"], "255");
    let text = succeed(&["bounds", "--arch", "3x3x1; conv 2@2x2", "--exact"]);
    assert!(text.contains("note: Theorem 2"), "{text}");
}

#[test]
fn a_file_is_held_against_its_count() {
    let folder = Folder::new();
    // Two parallel lines and one across: six regions where seven are possible.
    let path = folder.file(
        "net.json",
        br#"{"input_dim": 2, "layers": [
            {"weight": [[1, 0], [1, 0], [0, 1]], "bias": [0, 1, 0]}, {"weight": [[1, 1, 1]]}]}"#,
    );
    let answer = json(&["bounds", &path, "--exact", "--json"]);
    assert_eq!(answer["count"], "6");
    assert_eq!(bound(&answer, "xiong2020-theorem1")["value"], "7");
    assert!(answer["notes"][0].as_str().unwrap().contains("6"));
    let text = succeed(&["bounds", &path, "--exact"]);
    assert!(text.contains("special"), "{text}");
    // In a box exact values are upper bounds, and lower bounds say nothing.
    let answer = json(&["bounds", &path, "--domain", "box=5,6", "--json"]);
    assert_eq!(bound(&answer, "xiong2020-theorem1")["kind"], "upper");
    assert_eq!(bound(&answer, "stable-units-upper")["value"], "1");
}

#[test]
fn a_sweep_is_a_table_of_numbers() {
    let output = run(&[
        "bounds",
        "--arch",
        "1x3x1; conv 2@1x2",
        "--sweep",
        "d1=1..8",
    ]);
    assert_eq!(output.status.code(), Some(0));
    assert!(stderr(&output).contains("d1^3 + d1^2 + d1 + 1"));
    let text = stdout(&output);
    let mut lines = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let header = lines.next().unwrap();
    let column = header
        .iter()
        .position(|name| *name == "xiong2020-theorem2")
        .unwrap();
    let values: Vec<&str> = lines.map(|line| line[column]).collect();
    // Table 1 of the reference values.
    assert_eq!(values, ["4", "15", "40", "85", "156", "259", "400", "585"]);
    // One layer and two have different bounds, and every line all columns.
    let text = stdout(&run(&[
        "bounds",
        "--arch",
        "1x3x1; conv 2@1x2",
        "--sweep",
        "L=1..2",
    ]));
    let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split(',').collect()).collect();
    let column = |id: &str| lines[0].iter().position(|name| *name == id).unwrap();
    // The two-layer values are those of table 5 of the reference values.
    assert_eq!(lines[1][column("xiong2020-theorem2")], "15");
    assert_eq!(lines[1][column("xiong2020-theorem5-upper")], "");
    assert_eq!(lines[2][column("xiong2020-theorem2")], "");
    assert_eq!(lines[2][column("xiong2020-theorem5-upper")], "60");
    assert!(lines.iter().all(|line| line.len() == lines[0].len()));
    for (sweep, lines) in [("f1=1..9", 4), ("s1=1..2", 3), ("L=1..2", 3)] {
        let text = stdout(&run(&[
            "bounds",
            "--arch",
            "1x3x1; conv 2@1x2",
            "--sweep",
            sweep,
        ]));
        assert_eq!(text.lines().count(), lines, "{sweep}: {text}");
    }
}

#[test]
fn architectures_are_compared_by_parameters() {
    let line = "4x4x1; conv 4@1x1; conv 4@1x1";
    let text = succeed(&["bounds", "--compare", line, "16; dense 8"]);
    assert!(
        text.contains("Theorem 6") && text.contains("Eq. (11)"),
        "{text}"
    );
    let answer = json(&["bounds", "--json", "--compare", line, EXAMPLE_4]);
    let first = &answer["architectures"][0];
    // Five folds in two layers at 16 positions each, and no more is possible.
    assert_eq!(first["lower"]["value"], "23283064365386962890625");
    assert_eq!(first["upper"]["value"], "23283064365386962890625");
    assert_eq!(first["parameters"], 2 * 4 + 5 * 4);
}

#[test]
fn large_numbers_are_abbreviated_unless_wanted() {
    let line = "100; dense 1000";
    let text = succeed(&["bounds", "--arch", line]);
    assert!(text.contains("e139"), "{text}");
    let text = succeed(&["bounds", "--arch", line, "--digits", "all"]);
    let longest = text.split_whitespace().map(str::len).max();
    assert!(longest >= Some(140), "{text}");
}

#[test]
fn out_of_reach_is_an_interval() {
    let line = "16x16x1; conv 4@3x3";
    let arguments = [
        "bounds",
        "--arch",
        line,
        "--seconds",
        "1",
        "--memory",
        "64",
        "--json",
    ];
    let answer = json(&arguments);
    assert_eq!(bound(&answer, "xiong2020-theorem2")["value"], Value::Null);
    let upper = bound(&answer, "xiong2020-theorem2-at-most");
    assert_eq!(upper["kind"], "upper");
    assert!(
        upper["reason"].as_str().unwrap().contains("strip"),
        "{upper}"
    );
}

#[test]
fn mistakes_are_explained() {
    refused(&["bounds"], &["MODEL", "--arch"]);
    refused(&["bounds", "--arch", "3x3x1; conv 2@4x4"], &["4x4", "3x3"]);
    refused(&["bounds", "--arch", "0x3x1; conv 2@1x1"], &["0x3x1"]);
    refused(
        &["bounds", "--arch", "1x3x1; conv 2@1x2", "--sweep", "q=1..2"],
        &["--sweep", "d1"],
    );
    refused(
        &[
            "bounds",
            "--arch",
            "1x3x1; conv 2@1x2",
            "--sweep",
            "d2=1..2",
        ],
        &["layer 2"],
    );
    refused(
        &["bounds", "--arch", "2; dense 3", "--sweep", "f1=1..2"],
        &["convolution"],
    );
    refused(
        &[
            "bounds",
            "--arch",
            "1x3x1; conv 2@1x2",
            "--sweep",
            "d1=5..2",
        ],
        &["range"],
    );
    refused(&["bounds", "a.onnx", "--sweep", "d1=1..2"], &["--arch"]);
    refused(
        &["bounds", "a.onnx", "--compare", "2; dense 3"],
        &["--compare"],
    );
    refused(&["bounds", "--compare", "2; dense 0"], &["dense 0"]);
}
