//! The program as its users meet it: arguments, files, streams, exit codes.

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

mod program;

use program::{Folder, chambers, json, refused, run, stderr, stdout, succeed, text_of};

/// Two bent layers on two inputs.
const NETWORK: &str = r#"{"input_dim": 2, "layers": [
    {"weight": [[1, 0], [0, 1], [1, 1]], "bias": [0, 0, -1]},
    {"weight": [[1, -1, 2], [-1, "1/3", 1]], "bias": ["-1/2", 0.25]},
    {"weight": [[1, 1]]}]}"#;

const ARRANGEMENT: &str = r#"{"dim": 2, "hyperplanes": [[1, 0, 0], [0, 1, 0], ["1/3", 0.5, 2]]}"#;

#[test]
fn usage_errors_name_the_flag() {
    refused(&["count"], &["MODEL", "--arch", "--arrangement"]);
    refused(&["count", "a.onnx", "--arch", "3"], &["--arch"]);
    refused(&["count", "a.onnx", "--seed", "3"], &["--seed"]);
    refused(&["count", "a.onnx", "--threads", "0"], &["--threads"]);
    refused(
        &["count", "a.onnx", "--engine", "best"],
        &["--engine", "exact"],
    );
    refused(
        &["count", "a.onnx", "--engine", "lp", "--cross-check"],
        &["--engine", "--cross-check"],
    );
    refused(&["count", "a.onnx", "--colour"], &["--colour"]);
    refused(&["enumerate", "a.onnx"], &["--output"]);
    refused(&["random"], &["--arch"]);
    refused(&["conut"], &["conut", "count"]);
    refused(&[], &["Usage"]);
}

#[test]
fn help_documents_exit_codes() {
    for arguments in [&["--help"][..], &["count", "--help"], &["enumerate", "-h"]] {
        assert!(succeed(arguments).contains("Exit codes"), "{arguments:?}");
    }
    assert!(succeed(&["--version"]).starts_with("chambers "));
}

#[test]
fn a_missing_or_wrong_file_is_named() {
    let folder = Folder::new();
    let missing = text_of(&folder.path("missing.onnx"));
    refused(&["count", &missing], &["missing.onnx"]);
    refused(
        &["inspect", &text_of(folder.0.path())],
        &[&text_of(folder.0.path())],
    );
    let cases: [(&str, &[u8]); 7] = [
        ("empty.onnx", b""),
        ("empty.json", b""),
        ("zeros.onnx", &[0; 4096]),
        ("text.onnx", b"this is no network"),
        ("list.json", b"[1, 2]"),
        (
            "nan.json",
            br#"{"input_dim": 1, "layers": [{"weight": [[NaN]]}]}"#,
        ),
        (
            "shape.json",
            br#"{"input_dim": 1, "layers": [{"weight": [[1, 2]]}]}"#,
        ),
    ];
    for (name, bytes) in cases {
        let path = folder.file(name, bytes);
        refused(&["count", &path], &[name]);
        refused(&["count", "--arrangement", &path], &[name]);
        refused(&["inspect", &path], &[name]);
    }
}

#[test]
fn an_architecture_that_is_none_is_explained() {
    for text in [
        "",
        "abc",
        "1x3x1; conv 8@9x9",
        "3; dense",
        "3; dense 0.5",
        "3; pool 2",
    ] {
        refused(&["inspect", "--arch", text], &["--arch"]);
        refused(&["random", "--arch", text], &["--arch"]);
    }
}

#[test]
fn a_domain_that_is_none_is_explained() {
    let folder = Folder::new();
    let network = folder.file("net.json", NETWORK);
    let cases = [
        ("-1,1", "--domain"),
        ("box=", "--domain box"),
        ("box=0,1,2", "expected 2 or 4"),
        ("box=0,x", "number 2"),
        ("missing.vnnlib", "missing.vnnlib"),
    ];
    for (domain, expected) in cases {
        for command in ["count", "inspect"] {
            refused(&[command, &network, "--domain", domain], &[expected]);
        }
    }
    let broken = folder.file("broken.vnnlib", "(assert (<= X_0");
    refused(
        &["inspect", &network, "--domain", &broken],
        &["broken.vnnlib"],
    );
    let binary = folder.file("binary.vnnlib", [0xff, 0xfe, 0x00]);
    refused(
        &["inspect", &network, "--domain", &binary],
        &["binary.vnnlib"],
    );
}

#[test]
fn inspect_tells_layers_and_ranks() {
    let answer = json(&[
        "inspect",
        "--json",
        "--arch",
        "8x8x1; conv 3@3x3 stride 2 pad 1; dense 7",
    ]);
    assert_eq!(answer["units"], serde_json::json!([48, 7]));
    assert_eq!(answer["parameters"], 3 * 9 + 3 + 48 * 7 + 7);
    assert_eq!(answer["layers"][0]["kind"], "conv 3@3x3 stride 2 pad 1");
    assert_eq!(answer["layers"][0]["output"], "4x4x3");
    assert_eq!(answer["first_layer_rank"]["value"], 48);
    assert_eq!(answer["dimension"], 48);
    assert_eq!(answer["upper_bound"], "2^55");

    let folder = Folder::new();
    let network = folder.file("net.json", NETWORK);
    let flat = json(&["inspect", "--json", &network, "--domain", "box=0,0,-1,inf"]);
    assert_eq!(flat["free_inputs"], 1);
    assert_eq!(flat["first_layer_rank"]["value"], 1);
    assert_eq!(flat["first_layer_rank"]["exact"], true);
    let text = succeed(&["inspect", &network]);
    assert!(
        text.contains("dense 3") && text.contains("at most"),
        "{text}"
    );
}

/// `LISTING` was written by hand from `NETWORK`; its digest is what sha256sum says of it.
#[test]
fn inspect_lists_the_network() {
    const LISTING: &str = "inputs 2
affine 3
0 0:1
0 1:1
-1 0:1 1:1
relu
affine 2
-1/2 0:1 1:-1 2:2
1/4 0:-1 1:1/3 2:1
relu
affine 1
0 0:1 1:1
";
    const DIGEST: &str = "4e56e030a2f326bf497ca1230f605d689ddf08b6366f605e4fa07ebeb01f1a5f";
    let folder = Folder::new();
    let network = folder.file("net.json", NETWORK);
    let path = folder.path("net.txt");
    let answer = json(&["inspect", "--json", &network, "--listing", &text_of(&path)]);
    assert_eq!(answer["network_digest"], DIGEST);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), LISTING);

    let output = run(&["inspect", &network, "--listing", "-"]);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(stdout(&output), LISTING);
    assert!(stderr(&output).contains(DIGEST), "{}", stderr(&output));

    let nowhere = "/nowhere/net.txt";
    refused(&["inspect", &network, "--listing", nowhere], &[nowhere]);
    // 65 x 65 x 1024 weights, a filter repeated, are more than are looked at unasked.
    let large = ["inspect", "--json", "--arch", "96x96x1; conv 1@32x32"];
    assert!(json(&large)["network_digest"].is_null());
}

#[test]
fn random_networks_read_back() {
    let folder = Folder::new();
    let path = text_of(&folder.path("net.json"));
    let arch = ["--arch", "1x4x1; conv 2@1x2; dense 3", "--seed", "5"];
    assert_eq!(
        succeed(&[&["random"], &arch[..], &["-o", &path]].concat()),
        ""
    );
    let printed = succeed(&[&["random"], &arch[..]].concat());
    assert_eq!(printed, std::fs::read_to_string(&path).unwrap());
    let count = |source: &[&str]| {
        let answer = json(&[&["count", "--json", "--engine", "lp"], source].concat());
        (answer["count"].clone(), answer["digest"].clone())
    };
    assert_eq!(count(&[&path]), count(&arch));
    refused(
        &["random", "--arch", "2; dense 2", "-o", "/nowhere/net.json"],
        &["/nowhere/net.json"],
    );
}

#[test]
fn the_lp_engine_prints_its_tolerance() {
    let folder = Folder::new();
    let lines = folder.file("lines.json", ARRANGEMENT);
    let text = succeed(&["count", "--arrangement", &lines, "--engine", "lp"]);
    assert!(text.starts_with("regions"), "{text}");
    assert!(text.contains("7 (not exact)"), "{text}");
    assert!(text.contains("tolerance 1e-7"), "{text}");
    let answer = json(&["count", "--json", "--arrangement", &lines, "--engine", "lp"]);
    assert_eq!(answer["count"], "7");
    assert_eq!(answer["exact"], false);
    assert_eq!(answer["lp"]["undecided"], 0);
}

#[test]
fn a_closed_standard_output_is_no_panic() {
    for arguments in [
        &["count", "--engine", "lp", "--arch", "3; dense 8"][..],
        &["count", "--json", "--arch", "3; dense 8"],
        &["enumerate", "--arch", "3; dense 8", "-o", "-"],
        &["inspect", "--arch", "3; dense 8"],
        &["random", "--arch", "3; dense 8"],
        &["random", "--arch", "30; dense 800"],
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = chambers(arguments).stdout(writer).output().unwrap();
        assert_eq!(output.status.code(), Some(3), "{arguments:?}");
        assert_eq!(stderr(&output), "", "{arguments:?}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_error_with_a_name() {
    let full = || {
        Stdio::from(
            std::fs::File::options()
                .write(true)
                .open("/dev/full")
                .unwrap(),
        )
    };
    for arguments in [
        &["count", "--engine", "lp", "--arch", "3; dense 4"][..],
        &["inspect", "--json", "--arch", "3; dense 4"],
        &["random", "--arch", "3; dense 4"],
    ] {
        let output = chambers(arguments).stdout(full()).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(stderr(&output).contains("standard output"), "{arguments:?}");
    }
    let output = chambers(&["enumerate", "--arch", "3; dense 4", "-o", "-"])
        .stdout(full())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("standard output"));
    let output = run(&["random", "--arch", "3; dense 4", "-o", "/dev/full"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("/dev/full"));
}

#[test]
fn the_exact_count_comes_first() {
    let folder = Folder::new();
    let lines = folder.file("lines.json", ARRANGEMENT);
    let text = succeed(&["count", "--arrangement", &lines]);
    assert_eq!(
        text.lines()
            .next()
            .map(|line| line.split_whitespace().collect::<Vec<_>>()),
        Some(vec!["regions", "7"]),
        "{text}"
    );
    let answer = json(&["count", "--json", "--arrangement", &lines, "--threads", "2"]);
    assert_eq!(answer["count"], "7");
    assert_eq!(answer["complete"], true);
    assert_eq!(answer["exact"], true);
    assert_eq!(answer["dimension"], 2);
    assert_eq!(answer["domain"], "R^2");
    assert_eq!(
        answer["layers"][0],
        serde_json::json!({"units": 3, "cells": "7"})
    );
    assert_eq!(answer["digest"].as_str().map(str::len), Some(32));
    assert_eq!(answer["model"]["sha256"].as_str().map(str::len), Some(64));
    assert!(answer["decisions"]["float"].is_u64() && answer["decisions"]["exact"].is_u64());
    assert!(answer["decisions"]["exact_seconds"].is_f64());
    assert!(answer["seconds"].is_f64());
    assert_eq!(answer["theorem2"]["value"], "7");
}

#[test]
fn theorem_2_stands_beside_the_count() {
    // Two filters shared over a plane commute: one of the 256 patterns is impossible.
    let shared = ["count", "--arch", "3x3x1; conv 2@2x2"];
    let answer = json(&[&shared[..], &["--json"]].concat());
    assert_eq!(answer["count"], "255");
    assert_eq!(answer["theorem2"]["value"], "256");
    assert_eq!(answer["theorem2"]["kind"], "upper bound");
    let text = succeed(&shared);
    assert!(
        text.contains("256, more than counted; an upper bound"),
        "{text}"
    );

    let line = json(&["count", "--json", "--arch", "1x3x1; conv 2@1x2"]);
    assert_eq!(
        (&line["count"], &line["theorem2"]["value"]),
        (&"15".into(), &"15".into())
    );
    assert_eq!(line["theorem2"]["kind"], "exact");

    let boxed = json(&[
        "count",
        "--json",
        "--arch",
        "1x3x1; conv 2@1x2",
        "--domain",
        "box=0,1",
    ]);
    assert_eq!(boxed["theorem2"]["kind"], "upper bound");

    let deep = json(&["count", "--json", "--arch", "2; dense 2; dense 2"]);
    assert!(deep.get("theorem2").is_none());
}

#[test]
fn an_empty_domain_has_no_regions_and_says_so() {
    let text = succeed(&["count", "--arch", "2; dense 3", "--domain", "box=1,0"]);
    assert!(text.contains("the domain is empty"), "{text}");
    let answer = json(&[
        "count",
        "--json",
        "--arch",
        "2; dense 3",
        "--domain",
        "box=1,0",
    ]);
    assert_eq!(
        (&answer["count"], &answer["complete"]),
        (&"0".into(), &true.into())
    );
    assert_eq!(answer["domain_empty"], true);
}

#[test]
fn both_engines_find_the_same_patterns() {
    let folder = Folder::new();
    let network = folder.file("net.json", NETWORK);
    let domain = ["--domain", "box=-2,2"];
    let check = ["count", &network, "--cross-check"];
    assert!(succeed(&check).contains("the same patterns"));
    let answer = json(&[&check[..], &domain, &["--json"]].concat());
    assert_eq!(answer["cross_check"]["agrees"], true);
    assert_eq!(answer["cross_check"]["lp"]["digest"], answer["digest"]);
}

#[test]
fn a_difference_between_the_engines_is_exit_code_1() {
    // Two parallel lines, 2^-40 apart: thinner than the tolerance of the lp engine.
    let folder = Folder::new();
    let strip = folder.file(
        "strip.json",
        r#"{"dim": 1, "hyperplanes": [[1, 0], [1, "1/1099511627776"]]}"#,
    );
    let check = ["count", "--cross-check", "--arrangement", &strip];
    let output = run(&check);
    assert_eq!(output.status.code(), Some(1));
    let text = stdout(&output);
    assert!(
        text.contains("only the exact engine found 1") && text.contains("-+"),
        "{text}"
    );
    let output = run(&[&check[..], &["--json"]].concat());
    assert_eq!(output.status.code(), Some(1));
    let answer: Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!(
        answer["cross_check"]["only_exact"]["patterns"],
        serde_json::json!(["-+"])
    );
    assert_eq!(answer["cross_check"]["only_lp"]["count"], "0");
}

/// The lines of a list: header, regions, footer.
fn listed(text: &str) -> (Value, Vec<Value>, Value) {
    let mut lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("every line is JSON"))
        .collect();
    let footer = lines.pop().expect("a footer");
    (lines.remove(0), lines, footer)
}

#[test]
fn a_list_has_a_header_regions_and_a_footer() {
    let folder = Folder::new();
    let network = folder.file("net.json", NETWORK);
    let counted = json(&["count", "--json", &network]);
    let printed = run(&["enumerate", &network, "-o", "-"]);
    assert_eq!(printed.status.code(), Some(0));
    assert!(stderr(&printed).contains("regions"), "the summary");
    let plain = folder.path("list.jsonl");
    let compressed = folder.path("list.jsonl.zst");
    for path in [&plain, &compressed] {
        std::fs::write(path, "what stood there before").unwrap();
        let summary = json(&["enumerate", &network, "-o", &text_of(path), "--json"]);
        assert_eq!(summary["count"], counted["count"]);
        assert!(!folder.path("list.jsonl.part").exists());
    }
    let plain = std::fs::read_to_string(plain).unwrap();
    let unpacked = zstd::decode_all(std::fs::File::open(compressed).unwrap()).unwrap();
    for text in [
        stdout(&printed),
        plain,
        String::from_utf8(unpacked).unwrap(),
    ] {
        let (header, regions, footer) = listed(&text);
        assert_eq!(header["model"], counted["model"]);
        assert_eq!(header["domain"], "R^2");
        assert_eq!(header["definition"], "activation regions");
        assert_eq!(header["units"], serde_json::json!([3, 2]));
        assert_eq!(footer["count"], counted["count"]);
        assert_eq!(footer["digest"], counted["digest"]);
        assert_eq!(footer["complete"], true);
        assert_eq!(regions.len().to_string(), footer["count"].as_str().unwrap());
        for region in &regions {
            assert_eq!(region["pattern"].as_str().map(str::len), Some(5));
            assert_eq!(region["witness"].as_array().map(Vec::len), Some(2));
        }
    }
}

#[test]
fn a_reader_that_leaves_early_ends_the_list_quietly() {
    let mut child = chambers(&["enumerate", "--arch", "4; dense 30", "-o", "-"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut header = String::new();
    let mut reader = BufReader::new(child.stdout.take().unwrap());
    reader.read_line(&mut header).unwrap();
    drop(reader);
    let mut message = String::new();
    let mut errors = child.stderr.take().unwrap();
    errors.read_to_string(&mut message).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(3));
    assert!(header.contains("\"chambers\""), "{header}");
    assert_eq!(message, "");
}

#[cfg(target_os = "linux")]
#[test]
fn a_list_on_a_full_disk_is_an_error() {
    let output = run(&["enumerate", "--arch", "4; dense 20", "-o", "/dev/full"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("/dev/full"), "{}", stderr(&output));
    assert_eq!(stdout(&output), "");
    refused(
        &[
            "enumerate",
            "--arch",
            "2; dense 2",
            "-o",
            "/nowhere/list.jsonl",
        ],
        &["/nowhere/list.jsonl"],
    );
}

/// Sends SIGINT to the program while it searches something that takes very long.
#[cfg(unix)]
fn interrupted(arguments: &[&str]) -> Output {
    let long = ["--arch", "12; dense 200; dense 200", "--seed", "1"];
    let child = chambers(&[arguments, &long].concat())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    std::thread::sleep(std::time::Duration::from_millis(2000));
    let sent = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(sent.success());
    child.wait_with_output().unwrap()
}

#[cfg(unix)]
#[test]
fn an_interrupted_count_is_a_lower_bound() {
    let output = interrupted(&["count"]);
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    assert!(stdout(&output).contains("at least"), "{}", stdout(&output));
    let output = interrupted(&["count", "--json"]);
    assert_eq!(output.status.code(), Some(3));
    let answer: Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!(answer["complete"], false);
}

/// The reader of the list has fallen asleep, so that the search cannot even stop.
#[cfg(unix)]
#[test]
fn a_second_signal_ends_the_program_at_once() {
    let mut child = chambers(&["enumerate", "--arch", "8; dense 40; dense 40", "-o", "-"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut errors = BufReader::new(child.stderr.take().unwrap());
    let interrupt = |id: u32| {
        let sent = Command::new("kill")
            .args(["-INT", &id.to_string()])
            .status();
        assert!(sent.unwrap().success());
    };
    std::thread::sleep(std::time::Duration::from_millis(2000));
    interrupt(child.id());
    let mut message = String::new();
    errors.read_line(&mut message).unwrap();
    assert!(message.contains("once more ends at once"), "{message}");
    assert!(child.try_wait().unwrap().is_none());
    interrupt(child.id());
    assert_eq!(child.wait().unwrap().code(), Some(130));
}

#[cfg(unix)]
#[test]
fn an_interrupted_list_keeps_its_part_name() {
    let folder = Folder::new();
    let list = folder.path("list.jsonl");
    let output = interrupted(&["enumerate", "-o", &text_of(&list)]);
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    assert!(!list.exists());
    assert!(stderr(&output).contains("list.jsonl.part"));
    let text = std::fs::read_to_string(folder.path("list.jsonl.part")).unwrap();
    let (_, regions, footer) = listed(&text);
    assert_eq!(footer["complete"], false);
    assert_eq!(footer["count"], regions.len().to_string());

    // What stood there before stays, and a compressed list can be read to its end.
    let list = folder.file("old.jsonl.zst", "old");
    let output = interrupted(&["enumerate", "-o", &list]);
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    assert_eq!(std::fs::read_to_string(&list).unwrap(), "old");
    let part = std::fs::File::open(list + ".part").unwrap();
    let text = String::from_utf8(zstd::decode_all(part).unwrap()).unwrap();
    assert_eq!(listed(&text).2["complete"], false);
}
