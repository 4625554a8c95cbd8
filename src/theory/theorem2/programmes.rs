//! The programmes against the plain sum over K, which shares nothing with them.

use std::collections::BTreeSet;

use num_bigint::BigUint;
use num_traits::{One, Zero};

use super::budget::{Budget, Work};
use super::evaluate::{Method, Value, best_steps, system};
use super::system::Inputs;
use super::{Group, frontier, strips, sum, value, weighted};

const PLENTY: u64 = 2_000_000_000;

fn work() -> Work {
    Work::new(&Budget::default())
}

fn plain(groups: &[Group]) -> BigUint {
    sum::value(groups, PLENTY).expect("small")
}

/// A small generator, from the constants of Knuth's MMIX.
struct Draw(u64);

impl Draw {
    fn below(&mut self, below: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below
    }

    fn groups(&mut self) -> Vec<Group> {
        (0..1 + self.below(6))
            .map(|_| {
                let mask = self.below(256);
                Group {
                    window: (0..8).filter(|input| mask >> input & 1 == 1).collect(),
                    units: self.below(6),
                }
            })
            .collect()
    }
}

/// One output axis: inputs, filter, stride, padding before.
#[derive(Clone, Copy, Debug)]
struct Axis {
    inputs: u32,
    filter: u32,
    stride: u32,
    pad: u32,
}

impl Axis {
    fn positions(&self) -> u32 {
        (self.inputs + 2 * self.pad - self.filter) / self.stride + 1
    }

    fn window(&self, position: u32) -> impl Iterator<Item = u32> + use<> {
        let (start, pad, inputs) = (position * self.stride, self.pad, self.inputs);
        (start..start + self.filter)
            .filter_map(move |at| at.checked_sub(pad))
            .filter(move |&at| at < inputs)
    }
}

fn layer(rows: Axis, columns: Axis, channels: u32, units: u64) -> Vec<Group> {
    let mut groups = Vec::new();
    for i in 0..rows.positions() {
        for j in 0..columns.positions() {
            let mut window = Vec::new();
            for a in rows.window(i) {
                for b in columns.window(j) {
                    let at = (a * columns.inputs + b) * channels;
                    window.extend(at..at + channels);
                }
            }
            groups.push(Group { window, units });
        }
    }
    groups
}

fn square(inputs: u32, filter: u32, stride: u32, channels: u32, units: u64) -> Vec<Group> {
    let axis = Axis {
        inputs,
        filter,
        stride,
        pad: 0,
    };
    layer(axis, axis, channels, units)
}

/// Every axis with filters to 3, strides to 3, padding to 1 and few positions.
fn axes(most: u32) -> Vec<Axis> {
    let mut axes = Vec::new();
    for filter in 1..=3 {
        for stride in 1..=3 {
            for pad in 0..=1 {
                for inputs in 1..=3 * most + 3 {
                    if inputs + 2 * pad < filter {
                        continue;
                    }
                    let axis = Axis {
                        inputs,
                        filter,
                        stride,
                        pad,
                    };
                    if axis.positions() <= most {
                        axes.push(axis);
                    }
                }
            }
        }
    }
    axes
}

fn check_architectures(most_positions: u32, most_work: u64) -> (usize, usize) {
    let (mut checked, mut skipped) = (0, 0);
    let axes = axes(most_positions);
    for rows in &axes {
        for columns in &axes {
            if rows.positions() * columns.positions() > most_positions
                || rows.positions() > columns.positions()
            {
                continue;
            }
            for channels in 1..=3 {
                for units in 1..=4 {
                    let groups = layer(*rows, *columns, channels, units);
                    let Some(expected) = sum::value(&groups, most_work) else {
                        skipped += 1;
                        continue;
                    };
                    let found = value(&groups, &Budget::default());
                    let case = || format!("{rows:?} {columns:?} {channels} {units}");
                    assert_eq!(found.exact(), Some(&expected), "{}", case());
                    checked += 1;
                }
            }
        }
    }
    (checked, skipped)
}

#[test]
fn architectures_up_to_four_positions_agree_with_the_plain_sum() {
    let (checked, _) = check_architectures(4, 20_000);
    assert!(checked > 5000, "{checked}");
}

/// `cargo test --lib theorem2 -- --ignored`
#[test]
#[ignore = "long: all 138,684 architectures"]
fn architectures_up_to_eight_positions_agree_with_the_plain_sum() {
    let (checked, skipped) = check_architectures(8, 20_000_000);
    println!("{checked} architectures, {skipped} too large for the plain sum");
    assert!(checked > 20_000);
}

#[test]
fn any_windows_agree_with_the_plain_sum() {
    let mut draw = Draw(1);
    let mut methods = BTreeSet::new();
    for _ in 0..2000 {
        let groups = draw.groups();
        let found = value(&groups, &Budget::default());
        assert_eq!(found.exact(), Some(&plain(&groups)), "{groups:?}");
        methods.insert(found.method.to_string());
    }
    assert!(methods.contains("frontier programme"), "{methods:?}");
}

/// The parts of a system with binomial weights that are not reduced at all.
fn unreduced(groups: &[Group]) -> Vec<super::system::System> {
    let rows: Vec<Vec<BigUint>> = groups.iter().map(binomials).collect();
    let windows: Vec<(&[u32], &[BigUint])> = groups
        .iter()
        .zip(&rows)
        .map(|(group, row)| (&group.window[..], &row[..]))
        .collect();
    system(&windows, Inputs::MayBeFree).connected()
}

fn binomials(group: &Group) -> Vec<BigUint> {
    let mut row = vec![BigUint::one()];
    for k in 1..=group.units {
        let next = &row[k as usize - 1] * (group.units - k + 1) / k;
        row.push(next);
    }
    row
}

#[test]
fn the_frontier_programme_alone_agrees_with_the_plain_sum() {
    let mut draw = Draw(2);
    for _ in 0..1000 {
        let groups = draw.groups();
        let mut found = BigUint::one();
        for part in unreduced(&groups) {
            let steps = best_steps(&part, &mut work()).expect("small");
            found *= frontier::value(&part, &steps, &mut work()).expect("small");
        }
        assert_eq!(found, plain(&groups), "{groups:?}");
    }
}

#[test]
fn wide_numbers_and_wide_states_agree_with_the_plain_sum() {
    // Windows of up to 80,000 inputs: values beyond 15, beyond 255, beyond 65,535.
    for scale in [1, 5, 40, 100, 20_000] {
        let windows = [
            vec![0, 1, 2],
            vec![2, 3, 4],
            vec![4, 5, 0],
            vec![1, 3, 5, 6],
        ];
        let groups: Vec<Group> = windows
            .iter()
            .map(|window| Group {
                window: window
                    .iter()
                    .flat_map(|&k| (0..scale).map(move |copy| k * 100_000 + copy))
                    .collect(),
                units: 5 * scale as u64,
            })
            .collect();
        // Only the plain sum over few t is feasible: weights 0 but for some t.
        let rows: Vec<Vec<BigUint>> = groups
            .iter()
            .map(|group| {
                let mut row = vec![BigUint::zero(); group.units as usize + 1];
                for part in 0..=5 {
                    row[part * scale as usize] = BigUint::from(7u32).pow(40 * part as u32);
                }
                row
            })
            .collect();
        let windows: Vec<(&[u32], &[BigUint])> = groups
            .iter()
            .zip(&rows)
            .map(|(group, row)| (&group.window[..], &row[..]))
            .collect();
        let found = weighted(&windows, &Budget::default());
        assert_eq!(found.exact(), Some(&by_hall(&windows)), "{scale}");
    }
}

/// The weighted sum by the letter: every t with a weight, every set of groups.
fn by_hall(groups: &[(&[u32], &[BigUint])]) -> BigUint {
    let sizes: Vec<usize> = (0..1 << groups.len())
        .map(|subset: u32| {
            let chosen = (0..groups.len()).filter(|k| subset >> k & 1 == 1);
            let inputs: BTreeSet<u32> = chosen.flat_map(|k| groups[k].0.to_vec()).collect();
            inputs.len()
        })
        .collect();
    let mut total = BigUint::zero();
    let mut t = vec![0; groups.len()];
    loop {
        let weight: BigUint = groups
            .iter()
            .zip(&t)
            .map(|(group, &t)| &group.1[t])
            .product();
        let holds = |(subset, &size): (usize, &usize)| {
            let chosen = (0..t.len()).filter(|k| subset >> k & 1 == 1);
            chosen.map(|k| t[k]).sum::<usize>() <= size
        };
        if !weight.is_zero() && sizes.iter().enumerate().all(holds) {
            total += weight;
        }
        let next =
            |k: usize, t: usize| (t + 1..groups[k].1.len()).find(|&t| !groups[k].1[t].is_zero());
        let Some(k) = (0..t.len()).find(|&k| next(k, t[k]).is_some()) else {
            return total;
        };
        t[..k].fill(0);
        t[k] = next(k, t[k]).expect("just found");
    }
}

#[test]
fn any_weights_agree_with_the_definition() {
    let mut draw = Draw(3);
    for _ in 0..500 {
        let groups = draw.groups();
        let rows: Vec<Vec<BigUint>> = groups
            .iter()
            .map(|group| {
                // The first weight of `by_hall` must be there; zeros in between.
                let first = BigUint::from(draw.below(3) + 1);
                let others = (0..group.units).map(|_| BigUint::from(draw.below(4)).pow(30));
                std::iter::once(first).chain(others).collect()
            })
            .collect();
        let windows: Vec<(&[u32], &[BigUint])> = groups
            .iter()
            .zip(&rows)
            .map(|(group, row)| (&group.window[..], &row[..]))
            .collect();
        let found = weighted(&windows, &Budget::default());
        assert_eq!(found.exact(), Some(&by_hall(&windows)), "{windows:?}");
    }
}

fn sandwich(groups: &[Group], steps: u64) -> Value {
    let parts = unreduced(groups);
    let mut work = Work::new(&Budget {
        steps,
        ..Budget::default()
    });
    let values = parts
        .iter()
        .map(|part| (strips::sandwich(part, &mut work), 1));
    Value::product(values.collect())
}

#[test]
fn the_sandwich_encloses_the_sum() {
    let mut draw = Draw(4);
    for round in 0..300 {
        let groups = draw.groups();
        let exact = plain(&groups);
        // From nothing done to everything done.
        let found = sandwich(&groups, 20 << (round % 20));
        assert!(found.lower <= exact && exact <= found.upper, "{groups:?}");
    }
    for (inputs, filter, stride, channels, units) in [
        (4, 2, 1, 1, 2),
        (4, 2, 1, 1, 3),
        (5, 3, 2, 1, 4),
        (5, 3, 1, 1, 3),
        (7, 3, 2, 1, 5),
    ] {
        let groups = square(inputs, filter, stride, channels, units);
        let exact = value(&groups, &Budget::default());
        let exact = exact.exact().expect("small");
        for steps in [0, 10_000, 100_000, 10_000_000] {
            let found = sandwich(&groups, steps);
            assert!(found.lower <= *exact && *exact <= found.upper);
        }
    }
}

/// The sandwich's marks in theory.md, section 4: powers of ten.
#[test]
fn large_layers_get_an_interval() {
    let small = Budget {
        steps: 50_000_000,
        ..Budget::default()
    };
    let enough = Budget {
        steps: 400_000_000,
        ..Budget::default()
    };
    let large = value(&square(28, 2, 1, 1, 4), &enough);
    assert_eq!(large.method, Method::Strips);
    // At least as tight as 10^686.5 and 10^735.6 (Theorem 1).
    assert!(large.lower > BigUint::from(10u32).pow(686));
    assert!(large.upper < BigUint::from(10u32).pow(736));
    // All 225 x 16 units but some match: exact by now.
    let strided = value(&square(32, 3, 2, 3, 16), &small);
    assert_eq!(strided.lower.to_string().len(), 1084);
    assert_eq!(strided.upper.to_string().len(), 1084);
    // 8x8x1, 2x2, d1 = 4: 10^51.24.
    let eight = value(&square(8, 2, 1, 1, 4), &small);
    assert!(eight.lower <= BigUint::from(10u32).pow(52));
    assert!(eight.upper >= BigUint::from(10u32).pow(51));
}

#[test]
fn absurd_sizes_end_at_once() {
    let budget = Budget {
        steps: 1_000_000,
        memory: 1 << 24,
    };
    let huge = |window: Vec<u32>| Group {
        window,
        units: u64::MAX,
    };
    let groups: Vec<Group> = (0..300u32).map(|k| huge((k..k + 300).collect())).collect();
    let found = value(&groups, &budget);
    assert!(found.lower < found.upper);
    // Two groups of the same window, with more units than 64 bits count.
    let found = value(&[huge(vec![0, 1]), huge(vec![1, 0])], &Budget::default());
    let units = BigUint::from(u64::MAX) * 2u32;
    let theorem1 = BigUint::one() + &units + &units * (&units - 1u32) / 2u32;
    assert_eq!(found.exact(), Some(&theorem1));
    // No steps at all.
    let none = Budget {
        steps: 0,
        memory: 0,
    };
    let found = value(&square(5, 2, 1, 1, 2), &none);
    assert!(found.lower < found.upper);
}

#[test]
fn nested_windows_take_no_rounds_without_end() {
    // Window k is {0, ..., k}: t_1 + ... + t_k <= k + 1 counts lattice paths below a
    // line: Catalan numbers (Stanley, Catalan Numbers, 2015) with units enough.
    let nested = |count: u32| -> Vec<Group> {
        let group = |k| Group {
            window: (0..=k).collect(),
            units: 1,
        };
        (0..count).map(group).collect()
    };
    let found = value(&nested(300), &Budget::default());
    // One unit each: all can be matched.
    assert_eq!(found.exact(), Some(&(BigUint::one() << 300)));
    let one = vec![BigUint::one(); 31];
    let windows = nested(30);
    let windows: Vec<(&[u32], &[BigUint])> = windows
        .iter()
        .map(|group| (&group.window[..], &one[..]))
        .collect();
    let found = weighted(&windows, &Budget::default());
    // Catalan number 31.
    assert_eq!(
        found.exact(),
        Some(&BigUint::from(14_544_636_039_226_909u64))
    );
}

#[test]
fn a_budget_gives_the_same_answer_every_time() {
    let budget = Budget {
        steps: 5_000_000,
        ..Budget::default()
    };
    let groups = square(10, 2, 1, 1, 4);
    assert_eq!(value(&groups, &budget), value(&groups, &budget));
}

#[test]
fn permuted_inputs_are_recognised_as_a_line() {
    // A layer 1x60x1, filters of width 4, stride 2, its inputs in a mixed order.
    let groups: Vec<Group> = (0..29u32)
        .map(|k| Group {
            window: (2 * k..2 * k + 4).map(|input| input * 37 % 61).collect(),
            units: 5,
        })
        .collect();
    let plain: Vec<Group> = (0..29u32)
        .map(|k| Group {
            window: (2 * k..2 * k + 4).collect(),
            units: 5,
        })
        .collect();
    let (found, expected) = (
        value(&groups, &Budget::default()),
        value(&plain, &Budget::default()),
    );
    assert_eq!(found.method, Method::Interval);
    assert_eq!(found, expected);
}

#[test]
fn the_numbers_of_the_inputs_do_not_matter() {
    // Two channels, channel-last; then channel-first, columns first, and mixed up.
    let groups = square(6, 2, 1, 2, 5);
    let expected = value(&groups, &Budget::default());
    assert_eq!(expected.method, Method::Frontier);
    let renumberings: [fn(u32) -> u32; 3] = [
        |input| input % 2 * 36 + input / 2,
        |input| input / 2 % 6 * 12 + input / 12 * 2 + input % 2,
        |input| input * 31 % 73,
    ];
    for renumber in renumberings {
        let renumbered: Vec<Group> = groups
            .iter()
            .map(|group| Group {
                window: group.window.iter().map(|&input| renumber(input)).collect(),
                units: group.units,
            })
            .collect();
        assert_eq!(value(&renumbered, &Budget::default()), expected);
    }
}

#[test]
fn a_few_steps_with_large_weights_agree_with_the_definition() {
    // From many states to few, with weights of many words.
    let ones = vec![BigUint::from(3u32).pow(4000); 41];
    let few = vec![BigUint::from(5u32).pow(4000); 3];
    let windows: [Vec<u32>; 3] = [(0..40).collect(), (20..60).collect(), (58..62).collect()];
    let groups: [(&[u32], &[BigUint]); 3] = [
        (&windows[0], &ones),
        (&windows[1], &ones),
        (&windows[2], &few),
    ];
    let found = weighted(&groups, &Budget::default());
    assert_eq!(found.exact(), Some(&by_hall(&groups)));
}
