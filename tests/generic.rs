//! The true value of one layer with shared weights against the search, which knows no
//! matroid: random networks are generic.

use chambers::network::{Architecture, random};
use chambers::theory::generic::{self, Budget, SharedRows};
use chambers::theory::theorem2;
use chambers::{Domain, Monitor, Options};

/// What a comparison found.
#[derive(Default)]
struct Seen {
    layers: usize,
    /// Layers whose number is less than Eq. (4).
    below_theorem_2: usize,
    /// Layers without biases.
    central: usize,
}

/// Convolutions in two dimensions: all strides to 3 and channels to 3, with and
/// without padding, dilation, groups and biases.
fn architectures() -> Vec<String> {
    let mut lines = Vec::new();
    for [height, width] in [[3, 3], [3, 4], [4, 4], [5, 4], [5, 5], [6, 6], [7, 7]] {
        for kernel in ["2x2", "2x3", "3x3", "1x2"] {
            for stride in 1..=3 {
                for channels in 1..=3 {
                    for filters in 1..=5 {
                        for options in [
                            "",
                            " nobias",
                            " pad 1",
                            " pad 1x0x0x0 nobias",
                            " dilation 2",
                            " groups 2",
                        ] {
                            lines.push(format!(
                                "{height}x{width}x{channels}; \
                                 conv {filters}@{kernel} stride {stride}{options}"
                            ));
                        }
                    }
                }
            }
        }
    }
    lines
}

/// Compares every layer that has from `least` to `most` regions.
fn compare(least: u64, most: u64, seeds: u64) -> Seen {
    let mut seen = Seen::default();
    for line in architectures() {
        let Ok(architecture) = Architecture::parse(&line) else {
            continue;
        };
        let layer = SharedRows::of(&architecture).expect("one layer");
        // What is expected first: most layers have far too many regions.
        let budget = Budget {
            steps: (100 * most).min(300_000),
            seed: 0,
        };
        let Some(count) = generic::independent_sets(&layer, &budget) else {
            continue;
        };
        let Ok(expected) = u64::try_from(&count.value) else {
            continue;
        };
        if !(least..=most).contains(&expected) {
            continue;
        }
        for seed in 0..seeds {
            let network = random::he(&architecture, seed).expect("an architecture");
            let domain = Domain::everything(network.input().len());
            let options = Options {
                threads: Some(1),
                ..Options::default()
            };
            let answer = chambers::count(&network, &domain, &options, &Monitor::new());
            let answer = answer.expect("the system starts a thread");
            assert!(answer.complete);
            assert_eq!(answer.regions, expected, "{line}, seed {seed}");
        }
        seen.layers += 1;
        seen.central += usize::from(line.ends_with("nobias"));
        let bound = theorem2::value(&layer.groups(), &theorem2::Budget::default());
        if !line.ends_with("nobias") {
            seen.below_theorem_2 += usize::from(*bound.exact().expect("a small sum") > count.value);
        }
    }
    seen
}

#[test]
fn the_true_value_is_what_the_search_counts() {
    let seen = compare(50, 260, 1);
    assert!(seen.layers >= 100, "{} layers", seen.layers);
    assert!(seen.central >= 20, "{} central ones", seen.central);
    assert!(seen.below_theorem_2 >= 3, "{}", seen.below_theorem_2);
}

/// `cargo test --release --test generic -- --ignored`: some minutes.
#[test]
#[ignore = "long: some minutes in release mode"]
fn the_true_value_is_what_the_search_counts_for_larger_layers() {
    let seen = compare(2, 70_000, 3);
    assert!(seen.layers >= 300, "{} layers", seen.layers);
    assert!(seen.below_theorem_2 >= 10, "{}", seen.below_theorem_2);
}
