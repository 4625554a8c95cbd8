//! `fixtures/manifest.json`: every entry is recomputed, and so is what the listed
//! methods say, as far as they are in this directory. `tools/manifest.py` repeats the
//! others.

mod common;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use chambers::arrangement::{Domain, vnnlib};
use chambers::network::{Network, import};
use chambers::regions::digest::PatternHash;
use chambers::search::{Answer, Options};
use common::arrangements::{binomial, factorial, generic_chambers};
use common::check::count;
use common::verified::proved;
use common::{deletion, patterns, polygon, sweep};
use serde::Deserialize;

#[derive(Deserialize)]
struct Manifest {
    entries: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    id: String,
    file: String,
    domain: String,
    count: String,
    layers: Vec<u64>,
    digest: String,
    sha256: String,
    methods: Vec<String>,
}

impl Entry {
    fn load(&self) -> (Network, Domain, String) {
        let path = fixtures().join(&self.file);
        let model = import::load_model(&path).unwrap_or_else(|e| panic!("{}: {e}", self.id));
        let inputs = model.network.input().len();
        let domain = match self.domain.strip_prefix("box=") {
            Some(sides) => Domain::parse_box(sides, inputs),
            None => vnnlib::read_box(&read(&fixtures().join(&self.domain)), inputs),
        };
        let domain = domain.unwrap_or_else(|e| panic!("{}: {e}", self.id));
        (model.network, domain, model.digest)
    }

    fn count(&self) -> u64 {
        self.count.parse().expect("a decimal string")
    }

    /// The name of the file without the extension, for arrangements and JSON networks.
    fn formula(&self) -> Option<&str> {
        let method = self.methods.iter().find(|m| m.starts_with("formula: "))?;
        Some(method.trim_start_matches("formula: "))
    }

    fn names(&self, method: &str) -> bool {
        self.methods.iter().any(|m| m.contains(method))
    }
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn entries() -> Vec<Entry> {
    let manifest: Manifest =
        serde_json::from_str(&read(&fixtures().join("manifest.json"))).expect("a manifest");
    manifest.entries
}

fn assert_entry(entry: &Entry, answer: &Answer, threads: usize) {
    let case = format!("{} on {threads} threads", entry.id);
    assert!(answer.complete, "{case}");
    assert_eq!(answer.regions.to_string(), entry.count, "{case}: count");
    assert_eq!(answer.digest.to_string(), entry.digest, "{case}: digest");
    let cells: Vec<u64> = answer.layers.iter().map(|layer| layer.cells).collect();
    assert_eq!(cells, entry.layers, "{case}: cells after each layer");
}

#[test]
fn every_entry_is_recomputed_and_proved() {
    for entry in entries() {
        let (network, domain, sha256) = entry.load();
        assert_eq!(sha256, entry.sha256, "{}: the file has changed", entry.id);
        assert_entry(&entry, &count(&network, &domain, 1), 1);
        let options = Options {
            threads: Some(2),
            ..Options::default()
        };
        let answer = proved(&network, &domain, &options)
            .unwrap_or_else(|problem| panic!("{}: {problem}", entry.id));
        assert_entry(&entry, &answer, 2);
    }
}

#[test]
fn every_entry_is_well_formed() {
    const METHODS: [&str; 7] = [
        "formula: ",
        "tests/common/sweep.rs",
        "tests/common/polygon.rs",
        "tests/common/patterns.rs",
        "tests/common/deletion.rs",
        "tools/recount.py",
        "count --cross-check; not a proof",
    ];
    let mut ids = BTreeSet::new();
    for entry in entries() {
        let id = &entry.id;
        assert!(ids.insert(id.clone()), "{id}: twice");
        assert!(!entry.methods.is_empty(), "{id}: nothing established it");
        for method in &entry.methods {
            let known = METHODS.iter().any(|m| method.contains(m));
            assert!(known, "{id}: nobody can repeat {method:?}");
        }
        if let Some(last) = entry.layers.last() {
            assert_eq!(*last, entry.count(), "{id}: cells after the last layer");
        }
    }
}

#[test]
fn every_fixture_is_in_the_manifest() {
    let known: BTreeSet<String> = entries()
        .iter()
        .flat_map(|entry| [entry.file.clone(), entry.domain.clone()])
        .collect();
    for folder in ["networks", "arrangements"] {
        for path in files(&fixtures().join(folder)) {
            let relative = path.strip_prefix(fixtures()).expect("a fixture");
            let parts: Vec<_> = relative.iter().map(|p| p.to_string_lossy()).collect();
            let name = parts.join("/");
            if name.ends_with(".onnx") || name.ends_with(".json") {
                assert!(known.contains(&name), "{name} is not in the manifest");
            }
        }
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.expect("a readable folder").path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found
}

#[test]
fn two_exporters_of_one_network_give_the_same_regions() {
    const SECOND: [&str; 2] = ["_dynamo", "_torchscript"];
    let entries = entries();
    let mut pairs = BTreeSet::new();
    for second in &entries {
        let Some(suffix) = SECOND.iter().find(|s| second.file.contains(*s)) else {
            continue;
        };
        let name = second.file.replace(suffix, "");
        let first = entries
            .iter()
            .find(|first| first.file == name && first.domain == second.domain)
            .unwrap_or_else(|| panic!("{name} on {} is not in the manifest", second.domain));
        assert_eq!(first.count, second.count, "{}", second.id);
        assert_eq!(first.digest, second.digest, "{}", second.id);
        pairs.insert(name);
    }
    // See the table in fixtures/README.md.
    assert_eq!(pairs.len(), 5, "{pairs:?}");
}

/// What the formulas of the manifest say, evaluated here.
fn formula(file: &str) -> Option<u64> {
    Some(match file {
        "arrangements/empty.json" | "networks/json/no-units.json" => 1,
        "arrangements/boolean-10.json" => 1 << 10,
        "arrangements/braid-6.json" => factorial(6),
        "arrangements/type-b-4.json" => (1 << 4) * factorial(4),
        "arrangements/shi-5.json" => 6u64.pow(4),
        "arrangements/catalan-4.json" => factorial(4) * binomial(8, 4) / 5,
        "arrangements/linial-5.json" => {
            let term = |k: u64| binomial(5, k) * (k + 1).pow(4);
            (0..=5).map(term).sum::<u64>() >> 5
        }
        "arrangements/semiorder-4.json" => 183,
        "arrangements/resonance-4.json" => 370,
        "arrangements/resonance-5.json" => 11_292,
        "arrangements/threshold-3.json" => 104,
        "arrangements/threshold-4.json" => 1882,
        "arrangements/generic-3-12.json" => generic_chambers(12, 3),
        "arrangements/generic-5-20.json" => generic_chambers(20, 5),
        "arrangements/generic-central-4-10.json" => 2 * generic_chambers(9, 3),
        "arrangements/pencil-9.json" => 2 * 9,
        "arrangements/parallel-3-4-2.json" => 4 * 5 * 3,
        "arrangements/triangle.json" => generic_chambers(3, 2),
        "arrangements/triangle-and-lines.json" => generic_chambers(7, 2),
        "arrangements/simplex.json" => generic_chambers(5, 4),
        "arrangements/copies.json" => generic_chambers(5, 3),
        "arrangements/points.json" => 3 + 1,
        "networks/json/conv-1d.json" => 8 + 4 + 2 + 1,
        "networks/json/conv-1d-strided.json" => 1 << 6,
        "networks/json/conv-2d-unshared.json" => 1 << 8,
        _ => return None,
    })
}

#[test]
fn formulas_give_the_counts() {
    for entry in entries() {
        if let Some(text) = entry.formula() {
            let value = formula(&entry.file);
            assert_eq!(value, Some(entry.count()), "{}: {text}", entry.id);
        }
    }
}

/// Runs an oracle on the entries that name it, and compares the sets of patterns.
fn assert_oracle(method: &str, oracle: fn(&Network, &Domain) -> BTreeSet<String>) {
    let mut cases = 0;
    for entry in entries().iter().filter(|entry| entry.names(method)) {
        let (network, domain, _) = entry.load();
        let found = oracle(&network, &domain);
        assert_eq!(found.len() as u64, entry.count(), "{}", entry.id);
        assert_eq!(digest(&found), entry.digest, "{}", entry.id);
        cases += 1;
    }
    assert!(cases > 3, "{method}: {cases} entries");
}

fn digest(patterns: &BTreeSet<String>) -> String {
    use chambers::regions::Sign;
    let mut digest = chambers::regions::Digest::default();
    for pattern in patterns {
        let sign = |symbol| match symbol {
            '+' => Sign::Positive,
            '-' => Sign::Negative,
            _ => Sign::Zero,
        };
        let signs: Vec<Sign> = pattern.chars().map(sign).collect();
        digest.add(PatternHash::of_pattern(&signs));
    }
    digest.to_string()
}

#[test]
fn sweeps_give_the_counts() {
    assert_oracle("sweep.rs", sweep::patterns);
}

#[test]
fn polygons_give_the_counts() {
    assert_oracle("polygon.rs", polygon::patterns);
}

#[test]
fn all_sign_vectors_give_the_counts() {
    assert_oracle("patterns.rs", patterns::patterns);
}

#[test]
fn deletion_and_restriction_give_the_counts() {
    for entry in entries() {
        if entry.names("deletion.rs") {
            let (network, domain, _) = entry.load();
            let sides = domain.intervals();
            assert!(sides.iter().all(|i| i.lower.is_none() && i.upper.is_none()));
            assert_eq!(deletion::chambers(&network), entry.count(), "{}", entry.id);
        }
    }
}
