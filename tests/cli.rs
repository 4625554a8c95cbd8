//! The program as its users meet it: arguments, files, streams, exit codes.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

fn chambers(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chambers"));
    command.args(arguments).stdin(Stdio::null());
    command
}

fn run(arguments: &[&str]) -> Output {
    chambers(arguments).output().expect("the program starts")
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("UTF-8")
}

/// Runs what has to succeed and gives its standard output.
fn succeed(arguments: &[&str]) -> String {
    let output = run(arguments);
    assert_eq!(
        output.status.code(),
        Some(0),
        "{arguments:?}\n{}",
        stderr(&output)
    );
    stdout(&output)
}

fn json(arguments: &[&str]) -> Value {
    serde_json::from_str(&succeed(arguments)).expect("one JSON object")
}

/// Runs what has to be refused with exit code 2 and all of `expected` in the message.
fn refused(arguments: &[&str], expected: &[&str]) {
    let output = run(arguments);
    let message = stderr(&output);
    assert_eq!(output.status.code(), Some(2), "{arguments:?}\n{message}");
    assert!(output.stdout.is_empty(), "{arguments:?} printed a result");
    assert!(!message.contains("panicked"), "{message}");
    for part in expected {
        assert!(
            message.contains(part),
            "{arguments:?}: no {part:?} in\n{message}"
        );
    }
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Folder(tempfile::tempdir().expect("a temporary folder"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn file(&self, name: &str, text: impl AsRef<[u8]>) -> String {
        let path = self.path(name);
        std::fs::write(&path, text).expect("a writable folder");
        text_of(&path)
    }
}

fn text_of(path: &Path) -> String {
    path.to_str().expect("UTF-8").to_string()
}

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
    // Closed before the program writes: its reader is gone at once.
    for arguments in [
        &["count", "--engine", "lp", "--arch", "3; dense 8"][..],
        &["inspect", "--arch", "3; dense 8"],
        &["random", "--arch", "30; dense 800"],
    ] {
        let mut child = chambers(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
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
    let output = run(&["random", "--arch", "3; dense 4", "-o", "/dev/full"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("/dev/full"));
}
