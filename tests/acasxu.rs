//! ACAS Xu 1_1 on the box of property 3: six layers of 50 units, 5 inputs.

mod common;

use std::path::{Path, PathBuf};

use chambers::arrangement::{Domain, vnnlib};
use chambers::network::{Network, import};
use common::Number;
use common::check::{self, count};
use common::lp;
use common::networks as nets;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/networks/acasxu")
}

fn load() -> (Network, Domain) {
    let network = import::load(&folder().join("ACASXU_run2a_1_1_batch_2000.onnx")).unwrap();
    let text = std::fs::read_to_string(folder().join("prop_3.vnnlib")).unwrap();
    let domain = vnnlib::read_box(&text, network.input().len()).unwrap();
    (network, domain)
}

#[test]
fn more_regions_than_a_float_enumerator_reached() {
    // An established enumerator found 65,784 cells in 188 s, and then gave up with a
    // numerical error at 83% of its work.
    let (network, domain) = load();
    let answer = count(&network, &domain, 2);
    assert!(answer.complete);
    assert!(answer.regions > 65_784, "{}", answer.regions);
}

/// The part of the box between `from` and `from + width` times each of its sides.
fn part(domain: &Domain, from: [(i64, i64); 5], width: (i64, i64)) -> Domain {
    let side = |(interval, from): (&chambers::arrangement::Interval, (i64, i64))| {
        let (lower, upper) = (interval.lower.as_ref(), interval.upper.as_ref());
        let (lower, upper) = (lower.expect("a box"), upper.expect("a box"));
        let length = nets::sum(upper, &nets::negative(lower));
        let at = |(p, q): (i64, i64), start: &Number| {
            nets::sum(start, &nets::product(&length, &nets::fraction(p, q)))
        };
        let start = at(from, lower);
        let end = at(width, &start);
        nets::interval(start, end)
    };
    Domain::new(domain.intervals().iter().zip(from).map(side).collect())
}

/// Compares the two searches on parts of the box, 1/n of each side: the middle and the
/// corners, `count` of them; the number of regions of each part.
fn assert_parts(n: i64, count: usize) -> Vec<usize> {
    let (network, domain) = load();
    let (low, high, middle) = ((0, 1), (n - 1, n), (n - 1, 2 * n));
    let places = [
        [middle; 5],
        [low; 5],
        [high; 5],
        [low, high, low, high, low],
        [high, low, high, low, high],
    ];
    let compared = places.into_iter().take(count).map(|from| {
        let part = part(&domain, from, (1, n));
        let exact = check::patterns(&network, &part);
        let tolerant = lp::patterns(&network, &part);
        assert_eq!(exact, tolerant, "1/{n} of each side, from {from:?}");
        exact.len()
    });
    compared.collect()
}

#[test]
fn both_engines_agree_on_small_parts_of_the_box() {
    let sizes = [assert_parts(8, 2), assert_parts(16, 5)].concat();
    assert!(sizes.iter().any(|&size| size > 30), "{sizes:?}");
}

#[test]
#[ignore = "a minute: hundreds of regions are much for the LP search"]
fn both_engines_agree_on_larger_parts_of_the_box() {
    let sizes = [assert_parts(4, 5), assert_parts(8, 5)].concat();
    assert!(sizes.iter().any(|&size| size > 300), "{sizes:?}");
}
