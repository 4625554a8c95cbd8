//! ACAS Xu 1_1 on the box of property 3: six layers of 50 units, 5 inputs.

mod common;

use std::path::{Path, PathBuf};

use chambers::arrangement::{Domain, vnnlib};
use chambers::network::{Network, import};
use common::Number;
use common::check::count;
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

#[test]
fn both_engines_agree_on_parts_of_the_box() {
    let (network, domain) = load();
    let mut sizes = Vec::new();
    for n in [4, 8, 16] {
        // The middle, and corners: the low one, the high one, and two others.
        let (low, high) = ((0, 1), (n - 1, n));
        let middle = (n - 1, 2 * n);
        for from in [
            [middle; 5],
            [low; 5],
            [high; 5],
            [low, high, low, high, low],
            [high, low, high, low, high],
        ] {
            let part = part(&domain, from, (1, n));
            let regions = count(&network, &part, 2).regions;
            // The LP search takes a second for a few hundred regions.
            if regions > MOST {
                continue;
            }
            let difference = lp::difference(&network, &part);
            assert_eq!(difference, None, "1/{n} of each side, from {from:?}");
            sizes.push(regions);
        }
    }
    assert!(
        sizes.len() >= 10 && sizes.iter().any(|&s| s > 100),
        "{sizes:?}"
    );
}

/// Larger parts take the LP search too long.
const MOST: u64 = 400;
