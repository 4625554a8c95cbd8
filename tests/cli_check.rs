//! `chambers check`, as a user runs it.

mod program;

use program::{Folder, chambers, json, run, stdout, succeed};

const ARCH: &str = "2; dense 3; dense 2";

#[test]
fn a_proof_is_written_and_checked() {
    let folder = Folder::new();
    let proof = folder.path("proof.chp");
    let proof = proof.to_str().unwrap();
    let domain = ["--domain", "box=-1,1"];
    let counted = json(
        &[
            &["count", "--arch", ARCH, "--proof", proof, "--json"],
            &domain[..],
        ]
        .concat(),
    );
    let check = ["check", proof, "--arch", ARCH];
    let text = succeed(&check);
    let count = counted["count"].as_str().unwrap();
    assert!(
        text.starts_with(&format!("VERIFIED: {count} regions\n")),
        "{text}"
    );
    for part in [
        "[-1, 1]^2",
        counted["digest"].as_str().unwrap(),
        "by intervals",
    ] {
        assert!(text.contains(part), "{text}");
    }
    let object = json(&[&check[..], &domain, &["--threads", "2", "--json"]].concat());
    for (key, value) in [("verdict", "verified"), ("count", count)] {
        assert_eq!(object[key], value);
    }
    assert_eq!(object["digest"], counted["digest"]);
    assert_eq!(
        (&object["complete"], &object["reason"]),
        (&true.into(), &().into())
    );

    // Rejections, on standard output, with exit code 1.
    let rejected = |arguments: &[&str], expected: &str| {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        let text = stdout(&output);
        assert!(
            text.starts_with("REJECTED: ") && text.contains(expected),
            "{text}"
        );
        let output = run(&[arguments, &["--json"]].concat());
        let object: serde_json::Value = serde_json::from_str(&stdout(&output)).unwrap();
        assert_eq!(object["verdict"], "rejected");
        assert!(object["reason"].as_str().unwrap().contains(expected));
    };
    rejected(
        &["check", proof, "--arch", ARCH, "--seed", "1"],
        "for another network",
    );
    let other = [&check[..], &["--domain", "box=-1,2"]].concat();
    rejected(
        &other,
        "for another domain: [-1, 1] x [-1, 1], not [-1, 2] x [-1, 2]",
    );
    let bytes = std::fs::read(proof).unwrap();
    let cut = folder.file("cut.chp", &bytes[..bytes.len() - 1]);
    rejected(
        &["check", &cut, "--arch", ARCH],
        "the file ends in the middle of a record",
    );
    let none = folder.file("none.chp", "{}");
    rejected(&["check", &none, "--arch", ARCH], "this is no proof");
    let version = folder.file("version.chp", "chambers proof 9\n");
    rejected(
        &["check", &version, "--arch", ARCH],
        "this program knows version 2",
    );
}

#[test]
fn a_proof_is_checked_as_it_is_written() {
    let mut count = chambers(&["count", "--arch", ARCH, "--proof", "-"])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let proof = count.stdout.take().unwrap();
    let output = chambers(&["check", "-", "--arch", ARCH])
        .stdin(proof)
        .output()
        .unwrap();
    assert!(count.wait().unwrap().success());
    assert_eq!(output.status.code(), Some(0));
    assert!(stdout(&output).starts_with("VERIFIED: "));
}

#[test]
fn what_cannot_be_read_is_bad_input() {
    let folder = Folder::new();
    let missing = folder.path("missing.chp");
    let missing = missing.to_str().unwrap();
    program::refused(&["check", missing, "--arch", ARCH], &["missing.chp"]);
    let directory = folder.path(".");
    program::refused(
        &["check", directory.to_str().unwrap(), "--arch", ARCH],
        &["irectory"],
    );
    program::refused(&["check", missing], &["--model"]);
    program::refused(&["check", missing, "--model", missing], &["missing.chp"]);
    program::refused(
        &["check", missing, "--arch", ARCH, "--domain", "x"],
        &["--domain"],
    );
}
