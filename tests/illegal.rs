//! What is no model, no domain or no sensible size: a clear error with exit code 2,
//! at once, and never a panic.

use std::fs::File;
use std::process::Command;
use std::time::{Duration, Instant};

mod program;

use program::{Folder, chambers, json, refused, run, stderr, stdout, succeed, text_of};

/// Refused before anybody gets impatient, debug build and busy machine included.
fn refused_soon(arguments: &[&str], expected: &[&str]) {
    let started = Instant::now();
    refused(arguments, expected);
    let elapsed = started.elapsed();
    assert!(
        elapsed < Duration::from_secs(10),
        "{arguments:?}: {elapsed:?}"
    );
}

const SMALL: [&str; 2] = ["--arch", "1; dense 2"];

#[test]
fn large_files_of_zeros_are_refused_unread() {
    let folder = Folder::new();
    for name in ["zeros.onnx", "zeros.json", "zeros.vnnlib", "zeros"] {
        let path = folder.path(name);
        // Sparse: it takes no space.
        File::create(&path).unwrap().set_len(2 << 30).unwrap();
        let path = text_of(&path);
        refused_soon(&["count", &path], &[name, "zero byte"]);
        refused_soon(&["count", "--arrangement", &path], &[name, "zero byte"]);
        refused_soon(
            &[&["count", "--domain", &path], &SMALL[..]].concat(),
            &[name],
        );
    }
    let small = folder.path("small.vnnlib");
    File::create(&small).unwrap().set_len(1 << 20).unwrap();
    let domain = ["count", "--domain", &text_of(&small)];
    refused_soon(
        &[&domain[..], &SMALL].concat(),
        &["small.vnnlib", "zero byte"],
    );
}

#[test]
fn what_is_no_file_is_refused() {
    let folder = Folder::new();
    let directory = text_of(&folder.path("model.onnx"));
    std::fs::create_dir(&directory).unwrap();
    refused_soon(&["count", &directory], &["model.onnx", "a directory"]);
    let directory = text_of(&folder.path("box.vnnlib"));
    std::fs::create_dir(&directory).unwrap();
    let domain = [&["count", "--domain", &directory], &SMALL[..]].concat();
    refused_soon(&domain, &["box.vnnlib", "a directory"]);
    refused_soon(&["count", ""], &["MODEL"]);
    refused_soon(
        &["inspect", "/nowhere/model.onnx"],
        &["/nowhere/model.onnx"],
    );
    let inside = text_of(&folder.path("no/such/list.jsonl"));
    refused_soon(
        &[&["enumerate", "-o", &inside], &SMALL[..]].concat(),
        &["list.jsonl"],
    );
    refused_soon(
        &[&["enumerate", "-o", &directory], &SMALL[..]].concat(),
        &["box.vnnlib"],
    );
    refused_soon(
        &[&["random", "-o", &directory], &SMALL[..]].concat(),
        &["box.vnnlib"],
    );
}

#[cfg(unix)]
#[test]
fn a_pipe_that_nobody_fills_is_refused() {
    let folder = Folder::new();
    for name in ["model.onnx", "box.vnnlib"] {
        let made = Command::new("mkfifo").arg(folder.path(name)).status();
        assert!(made.unwrap().success());
    }
    let model = text_of(&folder.path("model.onnx"));
    refused_soon(
        &["count", &model],
        &["model.onnx", "a pipe into which nobody writes"],
    );
    let domain = text_of(&folder.path("box.vnnlib"));
    let domain = [&["count", "--domain", &domain], &SMALL[..]].concat();
    refused_soon(&domain, &["box.vnnlib", "a pipe into which nobody writes"]);
    // A pipe with a writer is as good as a file.
    let writer = std::thread::spawn({
        let path = model.clone();
        move || std::fs::write(path, r#"{"dim": 1, "hyperplanes": [[1, 0]]}"#).unwrap()
    });
    assert_eq!(
        json(&["count", "--json", "--arrangement", &model])["count"],
        "2"
    );
    writer.join().unwrap();
}

#[cfg(unix)]
#[test]
fn an_unreadable_file_is_named() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    let path = folder.file("secret.json", "{}");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o0)).unwrap();
    // The administrator may read it all the same, and finds no network in it.
    refused_soon(&["count", &path], &["secret.json"]);
}

#[test]
fn numbers_that_are_none_are_refused_with_their_place() {
    let folder = Folder::new();
    let cases = [
        ("NaN", "NaN is no number"),
        ("-Infinity", "-Infinity is no number"),
        ("1e999", "layers[0].weight[0][1]"),
        ("\"1/0\"", "layers[0].weight[0][1]"),
        ("\"inf\"", "layers[0].weight[0][1]"),
        ("null", "layers[0].weight[0][1]"),
        ("[1]", "layers[0].weight[0][1]"),
    ];
    for (number, expected) in cases {
        let text = format!(r#"{{"input_dim": 2, "layers": [{{"weight": [[1, {number}]]}}]}}"#);
        let path = folder.file("net.json", text);
        refused_soon(&["count", &path], &["net.json", expected]);
    }
}

#[test]
fn deep_and_long_documents_are_refused() {
    let folder = Folder::new();
    let deep = 100_000;
    let nested = "[".repeat(deep) + &"]".repeat(deep);
    let path = folder.file("deep.json", &nested);
    refused_soon(&["count", &path], &["deep.json", "line 1"]);
    refused_soon(&["count", "--arrangement", &path], &["deep.json", "line 1"]);
    let path = folder.file("inside.json", format!("{{\"layers\": {nested}}}"));
    refused_soon(&["count", &path], &["inside.json", "line 1"]);
    let path = folder.file("deep.vnnlib", "(".repeat(deep));
    let domain = [&["count", "--domain", &path], &SMALL[..]].concat();
    refused_soon(&domain, &["deep.vnnlib", "parentheses"]);

    let layer = "{\"type\":\"relu\"},";
    let text = format!(
        "{{\"input_dim\":1,\"layers\":[{}{{}}]}}",
        layer.repeat(100_000)
    );
    let path = folder.file("long.json", text);
    refused_soon(
        &["count", &path],
        &["long.json", "layers[10000]", "10000 layers"],
    );
}

/// The search recurses once a layer.
#[test]
fn as_many_layers_as_are_allowed_do_not_overflow_the_stack() {
    let folder = Folder::new();
    let layer = "{\"type\":\"relu\"}";
    let text = format!(
        "{{\"input_dim\":1,\"layers\":[{layer}{}]}}",
        format!(",{layer}").repeat(9_999)
    );
    let path = folder.file("long.json", text);
    // x < 0 is identically zero after the first layer, x > 0 is passed on unchanged.
    let answer = json(&["count", "--json", &path]);
    assert_eq!(answer["count"], "2");
}

#[test]
fn truncated_models_are_refused() {
    let whole = std::fs::read("fixtures/networks/digits_cnn.onnx").unwrap();
    let folder = Folder::new();
    for len in [1, 2, 10, 100, whole.len() / 2, whole.len() - 1] {
        let path = folder.file("cut.onnx", &whole[..len]);
        refused_soon(&["count", &path], &["cut.onnx"]);
    }
    // Every byte of the beginning, one after the other, to something else.
    for at in (0..whole.len()).step_by(37) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x55;
        let path = folder.file("changed.onnx", &bytes);
        let output = run(&["inspect", &path]);
        let message = stderr(&output);
        assert!(
            matches!(output.status.code(), Some(0 | 2)),
            "byte {at}: {message}"
        );
        assert!(!message.contains("panicked"), "byte {at}: {message}");
    }
}

#[test]
fn absurd_architectures_are_refused() {
    for (text, expected) in [
        ("99999999x99999999x3; conv 5@3x3", "more inputs"),
        ("9999999999999999999999; dense 1", "expected HxWxC"),
        ("3; dense 99999999999", "more weights"),
        ("3; dense 89478485", "larger than"),
        ("1; dense 1000000; dense 1000000", "layer 2"),
        ("100x100x1; conv 9999999@3x3", "more than"),
        ("5x5x1; conv 1@3x3 pad 99999999999999999999", "pad"),
        ("5x5x1; conv 1@3x3 pad 18446744073709551615", "does not fit"),
        (
            "5x5x1; conv 1@3x3 dilation 9223372036854775807",
            "does not fit",
        ),
        ("2; dense 0", "dense"),
    ] {
        for command in ["count", "random", "inspect"] {
            refused_soon(&[command, "--arch", text], &["--arch", expected]);
        }
    }
    let many = format!("1{}", "; dense 1".repeat(8_000));
    refused_soon(&["count", "--arch", &many], &["--arch", "more layers"]);
}

#[test]
fn domains_that_are_none_are_refused() {
    for (domain, expected) in [
        ("box=nan,1", "nan"),
        ("box=0,nan", "nan"),
        ("box=inf,1", "inf"),
        ("box=0,-inf", "-inf"),
        ("box=1/0,2", "1/0"),
        ("box=0,1,2", "3 numbers"),
        ("box", "neither box"),
        ("", "--domain"),
    ] {
        let arguments = ["count", "--arch", "2; dense 2", "--domain", domain];
        refused_soon(&arguments, &["--domain", expected]);
    }
}

#[test]
fn an_empty_box_has_no_regions() {
    for domain in ["box=1,0", "box=0,1,1,0", "box=0,0,1/2,1/3"] {
        let text = succeed(&["count", "--arch", "2; dense 2", "--domain", domain]);
        assert!(text.contains("the domain is empty"), "{text}");
        let words: Vec<&str> = text.split_whitespace().take(2).collect();
        assert_eq!(words, ["regions", "0"], "{text}");
    }
}

#[test]
fn contradictory_options_are_refused() {
    let arch = ["--arch", "2; dense 2"];
    for (options, expected) in [
        (&["--threads", "0"][..], "--threads"),
        (&["--threads", "100000"], "--threads"),
        (&["--threads", "two"], "--threads"),
        (&["--seed", "-1"], "--seed"),
        (&["--seed", "18446744073709551616"], "--seed"),
        (&["--seed", "1.5"], "--seed"),
        (&["--arrangement", "lines.json"], "--arrangement"),
        (&["--engine", "lp", "--cross-check"], "--cross-check"),
        (&["--json", "--json"], "--json"),
        (&["--domain", "box=0,1", "--domain", "box=0,2"], "--domain"),
        (&["a.onnx"], "MODEL"),
    ] {
        refused_soon(&[&["count"], &arch[..], options].concat(), &[expected]);
    }
    refused_soon(&["count", "--seed", "1"], &["--arch"]);
    let most = [
        &["count", "--json"],
        &arch[..],
        &["--seed", "18446744073709551615"],
    ]
    .concat();
    assert_eq!(json(&most)["count"], "4");
}

/// Too little memory for the usual stacks: smaller ones, or an error. (With less than a hundred units
/// there is no need for a stack.)
#[cfg(target_os = "linux")]
#[test]
fn threads_that_do_not_start_are_an_error() {
    let limited = |kilobytes: u64, threads: &str| {
        let command = format!(
            "ulimit -v {kilobytes}; exec {} count --arch '2; dense 200' --threads {threads}",
            env!("CARGO_BIN_EXE_chambers")
        );
        Command::new("sh").args(["-c", &command]).output().unwrap()
    };
    let output = limited(400_000, "1");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stdout(&output).starts_with("regions"));
    let output = limited(400_000, "64");
    let message = stderr(&output);
    assert_eq!(output.status.code(), Some(2), "{message}");
    assert!(
        message.contains("64 threads") && message.contains("fewer"),
        "{message}"
    );
}

/// Nothing but results on standard output, and no progress where nobody watches.
#[test]
fn streams_are_kept_apart() {
    let output = chambers(&["count", "--arch", "5; dense 18"])
        .output()
        .unwrap();
    assert_eq!(stderr(&output), "");
    assert!(!stdout(&output).contains('\r'));
    let output = chambers(&["enumerate", "--arch", "2; dense 3", "-o", "-"])
        .output()
        .unwrap();
    assert!(stdout(&output).lines().all(|line| line.starts_with('{')));
    assert!(stderr(&output).starts_with("regions"));
}
