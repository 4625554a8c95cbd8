//! Theorem 2 of Xiong et al. (ICML 2020): the regions of a one-layer CNN.
//!
//! **Statement.** Let the units of the layer fall into groups, where the n_k units
//! of group k see the inputs S_k and no others. Then the number of regions is at most
//!
//! > (4)  sum over t in K of prod_k C(n_k, t_k),
//! >
//! > (3)  K = { t : sum_{k in J} t_k <= #(union_{k in J} S_k) for all sets J of groups }.
//!
//! In the paper a group is a position (i, j) of the filters, n_k = d_1 is the number
//! of filters, and the number is said to be equal. By Hall's theorem t is in K
//! exactly when t_k copies of every k can be matched to inputs of S_k, all
//! different.
//!
//! **Where it is exact** (for almost all weights and biases, on all of R^n): see
//! [`Layer::reading`](super::skeleton::Layer::reading). It is an upper bound for every layer, by the no-broken-circuit sets
//! in Proposition 2 of the paper's supplement. With filters shared in two
//! dimensions it is not exact: for a 3x3x1 input and two 2x2 filters (4) is 256, but
//! the convolutions commute, which makes the eight units linearly dependent, and the
//! number is 255.
//!
//! Example 1 of the paper, d_1 = 2, where (4) is d_1^3 + d_1^2 + d_1 + 1:
//!
//! ```
//! use chambers::network::Architecture;
//! use chambers::theory::{Exactness, Skeleton, theorem2};
//! let architecture = Architecture::parse("1x3x1; conv 2@1x2").unwrap();
//! let skeleton = Skeleton::of_architecture(&architecture);
//! let layer = &skeleton.layers()[0];
//! let value = theorem2::value(&layer.groups(), &theorem2::Budget::default());
//! assert_eq!(value.exact(), Some(&15u32.into()));
//! assert_eq!(layer.reading().exactness, Exactness::Exact);
//! ```

mod budget;
mod evaluate;
mod frontier;
mod interval;
mod limbs;
mod matching;
mod order;
#[cfg(test)]
mod programmes;
mod shadows;
mod strips;
#[cfg(test)]
mod sum;
mod system;
mod value;

pub use self::budget::Budget;
pub use self::evaluate::{Method, Value, all_inputs_matched, weighted};
pub use self::value::value;
use super::Reading;
use crate::network::Convolution;

/// What has to hold for an exact value to be the number of regions.
pub const ASSUMPTIONS: &str = "for almost all weights and biases, on all of R^n";

/// Why it is exact for a dense layer.
pub(super) const DENSE: &str = "a dense layer: Zaslavsky's formula, Theorem 1";

/// Units that see the same inputs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The inputs S_k, ascending, each once.
    pub window: Vec<u32>,
    /// How many units, n_k.
    pub units: u64,
}

/// The reading for a convolution with biases.
pub(super) fn reading_of_convolution(conv: &Convolution) -> Reading {
    let positions = conv.positions().expect("a layer's geometry is possible");
    let reach = |axis: usize| (conv.kernel[axis] - 1) * conv.dilation[axis] + 1;
    // No two windows overlap along this axis.
    let apart = |axis: usize| positions[axis] == 1 || conv.stride[axis] >= reach(axis);
    if apart(0) && apart(1) {
        return Reading::exact("the windows do not overlap: a product of Theorem 1");
    }
    if (apart(0) && conv.dilation[1] == 1) || (apart(1) && conv.dilation[0] == 1) {
        return Reading::exact(
            "a one-dimensional convolution: order-preserving matchings are independent",
        );
    }
    // Filter k may take channel k alone, at one tap that is an input at every
    // position: then all units see different inputs.
    let common_tap = |axis: usize| {
        (0..conv.kernel[axis]).any(|tap| {
            conv.tap(axis, 0, tap).is_some() && conv.tap(axis, positions[axis] - 1, tap).is_some()
        })
    };
    if conv.filters <= conv.channels && common_tap(0) && common_tap(1) {
        return Reading::exact("no more filters than channels: all units are independent");
    }
    if apart(0) || apart(1) {
        return Reading::upper_bound("no proof of equality covers a dilated convolution");
    }
    Reading::upper_bound(
        "filters shared in two dimensions: convolutions commute, which can make units dependent",
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use num_bigint::BigUint;

    use super::*;
    use crate::network::Architecture;
    use crate::theory::Exactness::{self, Exact, UpperBound};
    use crate::theory::skeleton::{Layer, Skeleton};

    fn layer(line: &str) -> Layer {
        Skeleton::of_architecture(&Architecture::parse(line).unwrap()).layers()[0].clone()
    }

    fn evaluate(line: &str) -> (String, Exactness) {
        let layer = layer(line);
        let value = value(&layer.groups(), &Budget::default());
        let exact = value.exact().expect("the budget suffices");
        (exact.to_string(), layer.reading().exactness)
    }

    #[test]
    fn example_1_is_its_polynomial() {
        for d in 1u64..=8 {
            let (value, exactness) = evaluate(&format!("1x3x1; conv {d}@1x2"));
            assert_eq!(value, (d * d * d + d * d + d + 1).to_string());
            assert_eq!(exactness, Exact);
        }
    }

    #[test]
    fn a_dense_layer_is_theorem_1() {
        assert_eq!(evaluate("2; dense 5"), ("16".into(), Exact));
        assert_eq!(evaluate("2x1x2; dense 3"), ("8".into(), Exact));
        // Example 2: the filter covers the input.
        assert_eq!(evaluate("1x2x1; conv 5@1x2"), ("16".into(), Exact));
    }

    #[test]
    fn the_one_dimensional_table_is_met() {
        // n, f, s, d0 and the values for d1 = 1..8.
        let table: [(usize, usize, usize, usize, [u64; 8]); 21] = [
            (2, 1, 1, 1, [4, 9, 16, 25, 36, 49, 64, 81]),
            (3, 2, 1, 1, [4, 15, 40, 85, 156, 259, 400, 585]),
            (4, 2, 1, 1, [8, 55, 217, 611, 1396, 2773, 4985, 8317]),
            (
                5,
                2,
                1,
                1,
                [16, 200, 1159, 4309, 12236, 29056, 60775, 115649],
            ),
            (
                6,
                2,
                1,
                1,
                [32, 725, 6160, 30227, 106676, 302857, 737150, 1600085],
            ),
            (4, 3, 1, 1, [4, 16, 57, 161, 376, 764, 1401, 2377]),
            (5, 3, 1, 1, [8, 63, 370, 1463, 4376, 10813, 23318, 45445]),
            (
                6,
                3,
                1,
                1,
                [16, 245, 2289, 12385, 46876, 139921, 353445, 789329],
            ),
            (4, 2, 2, 1, [4, 16, 49, 121, 256, 484, 841, 1369]),
            (5, 2, 2, 1, [4, 16, 49, 121, 256, 484, 841, 1369]),
            (5, 3, 2, 1, [4, 16, 63, 209, 576, 1364, 2871, 5513]),
            (7, 3, 2, 1, [8, 64, 494, 2863, 12376, 42488, 122494, 308869]),
            (5, 2, 3, 1, [4, 16, 49, 121, 256, 484, 841, 1369]),
            (7, 3, 3, 1, [4, 16, 64, 225, 676, 1764, 4096, 8649]),
            (3, 2, 1, 2, [4, 16, 64, 247, 836, 2424, 6126, 13829]),
            (4, 2, 1, 2, [8, 64, 511, 3715, 21041, 92293, 328399, 991691]),
            (4, 3, 1, 2, [4, 16, 64, 256, 1013, 3797, 12895, 39057]),
            (5, 3, 2, 2, [4, 16, 64, 256, 1024, 4083, 15786, 57089]),
            (3, 2, 1, 3, [4, 16, 64, 256, 1023, 4017, 14855, 50033]),
            (
                4,
                2,
                1,
                3,
                [8, 64, 512, 4096, 32615, 246454, 1626003, 8987735],
            ),
            (5, 3, 2, 3, [4, 16, 64, 256, 1024, 4096, 16384, 65535]),
        ];
        for (n, f, s, d0, values) in table {
            for (d1, expected) in (1..).zip(values) {
                for line in [
                    format!("1x{n}x{d0}; conv {d1}@1x{f} stride 1x{s}"),
                    format!("{n}x1x{d0}; conv {d1}@{f}x1 stride {s}x1"),
                ] {
                    assert_eq!(evaluate(&line), (expected.to_string(), Exact), "{line}");
                }
            }
        }
    }

    #[test]
    fn the_two_dimensional_table_is_met() {
        // n1, n2, f, s, d0, the values from d1 = 1 on, and from which d1 on they are
        // not known to be exact.
        type Row<'a> = (usize, usize, usize, usize, usize, &'a [u64], usize);
        let table: [Row; 12] = [
            (2, 2, 1, 1, 1, &[16, 81, 256, 625, 1296, 2401], 99),
            (2, 2, 2, 1, 1, &[2, 4, 8, 16, 31, 57], 99),
            (2, 3, 2, 1, 1, &[4, 16, 64, 247, 836, 2424], 99),
            (3, 3, 2, 1, 1, &[16, 256, 4013, 48957, 392096, 2202876], 2),
            (3, 4, 2, 1, 1, &[64, 4096, 245034, 8531787, 147847456], 2),
            (4, 4, 2, 1, 1, &[512, 262121, 109178314], 2),
            (3, 3, 2, 2, 1, &[2, 4, 8, 16, 31, 57], 99),
            (4, 4, 2, 2, 1, &[16, 256, 4096, 65536, 923521, 10556001], 99),
            (4, 4, 3, 1, 1, &[16, 256, 4096, 65536, 1047225, 16240449], 2),
            (5, 5, 3, 1, 1, &[512, 262144, 134217700], 2),
            (5, 5, 3, 2, 1, &[16, 256, 4096, 65536, 1048576, 16777216], 2),
            (3, 3, 2, 1, 2, &[16, 256, 4096, 65536, 1048555, 16721253], 3),
        ];
        for (n1, n2, f, s, d0, values, bound_from) in table {
            for (d1, expected) in (1..).zip(values) {
                let line = format!("{n1}x{n2}x{d0}; conv {d1}@{f}x{f} stride {s}");
                let exactness = if d1 < bound_from { Exact } else { UpperBound };
                assert_eq!(evaluate(&line), (expected.to_string(), exactness), "{line}");
            }
        }
    }

    /// (4) by the letter: every t, every J.
    fn brute_force(groups: &[Group]) -> u64 {
        let mut total = 0;
        let mut t = vec![0; groups.len()];
        loop {
            let feasible = (0u32..1 << groups.len()).all(|subset| {
                let chosen = || (0..groups.len()).filter(move |k| subset >> k & 1 == 1);
                let inputs: BTreeSet<u32> =
                    chosen().flat_map(|k| groups[k].window.clone()).collect();
                chosen().map(|k| t[k]).sum::<u64>() <= inputs.len() as u64
            });
            if feasible {
                let binomial = |(group, &t): (&Group, &u64)| {
                    (0..t).fold(1, |product, k| product * (group.units - k) / (k + 1))
                };
                total += groups.iter().zip(&t).map(binomial).product::<u64>();
            }
            let Some(k) = (0..t.len()).find(|&k| t[k] < groups[k].units) else {
                return total;
            };
            t[..k].fill(0);
            t[k] += 1;
        }
    }

    #[test]
    fn any_windows_agree_with_the_definition() {
        // A small generator of windows, from the constants of Knuth's MMIX.
        let mut state = 1u64;
        let mut draw = |below: u64| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % below
        };
        for _ in 0..300 {
            let groups: Vec<Group> = (0..1 + draw(5))
                .map(|_| {
                    let mask = draw(64);
                    Group {
                        window: (0..6).filter(|input| mask >> input & 1 == 1).collect(),
                        units: draw(5),
                    }
                })
                .collect();
            let expected = brute_force(&groups).to_string();
            let value = value(&groups, &Budget::default());
            assert_eq!(value.exact().unwrap().to_string(), expected, "{groups:?}");
        }
    }

    /// Many states: Hall's condition for three positions, summed as it stands, and the
    /// last of many steps, which leads to one state alone.
    #[test]
    fn many_filters_on_many_channels() {
        let mut row = vec![BigUint::from(1u32)];
        for t in 1..=27u32 {
            let next = &row[row.len() - 1] * (65 - t) / t;
            row.push(next);
        }
        let mut expected = BigUint::from(0u32);
        for (a, b, c) in (0..28 * 28 * 28).map(|k| (k % 28, k / 28 % 28, k / 784)) {
            if a + b <= 36 && b + c <= 36 && a + c <= 45 && a + b + c <= 45 {
                expected += &row[a] * &row[b] * &row[c];
            }
        }
        assert_eq!(
            evaluate("1x5x9; conv 64@1x3"),
            (expected.to_string(), Exact)
        );
        let groups = |line: &str| layer(line).groups();
        let long = value(&groups("1x16x9; conv 64@1x3"), &Budget::default());
        let short = Budget {
            steps: 100_000,
            ..Budget::default()
        };
        let strips = value(&groups("1x16x9; conv 64@1x3"), &short);
        let exact = long.exact().expect("the budget suffices");
        assert!(strips.lower <= *exact && *exact <= strips.upper);
    }

    #[test]
    fn large_but_easy() {
        let units = |line: &str| {
            let value = value(&layer(line).groups(), &Budget::default());
            value.exact().unwrap().bits() - 1
        };
        assert_eq!(units("16x16x3; conv 8@3x3 stride 2"), 7 * 7 * 8);
        assert_eq!(units("64x64x1; conv 1@1x1"), 64 * 64);
        assert!(units("784; dense 2000") > 784);
    }

    #[test]
    fn nothing_at_all_is_one_region() {
        let value = value(&[], &Budget::default());
        assert_eq!(value.exact(), Some(&1u32.into()));
        assert_eq!(value.method, Method::Nothing);
    }
}
