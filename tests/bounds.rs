//! Bounds of deep networks: reference values, how they compare, and exact counts of
//! random networks and of constructed ones. The reference values were computed by
//! prototypes in Python (transversal matching and the formulas, term by term), not by
//! this crate.

mod common;

use chambers::arithmetic::{Number, Rational};
use chambers::network::{
    Affine, Architecture, ChannelOrder, Convolution, Layer, Network, Shape, random,
};
use chambers::theory::bounds::{self, Bound, Kind};
use chambers::theory::formula::{WORK, Work};
use chambers::theory::theorem2::Budget;
use chambers::theory::{Exactness, Skeleton, catalogue, channel_folding, theorem2, theorem5};
use common::check::{count, everywhere};
use common::rng::{Rng, seeds};
use num_bigint::BigUint;

fn skeleton(line: &str) -> Skeleton {
    Skeleton::of_architecture(&Architecture::parse(line).unwrap())
}

fn value(bounds: &[Bound], id: &str) -> BigUint {
    let bound = bounds.iter().find(|bound| bound.id == id);
    let bound = bound.unwrap_or_else(|| panic!("no bound {id}"));
    let missing = || panic!("{id} has no value: {}", bound.reason);
    bound.value.clone().unwrap_or_else(missing)
}

#[test]
fn example_4_has_the_values_of_table_2() {
    // d2: (8), (9), receptive fields, hybrid, Serra 2018, Montufar 2017, 2^n.
    let table: [[u64; 8]; 8] = [
        [1, 32, 220, 220, 220, 228, 228, 256],
        [2, 120, 880, 880, 795, 817, 912, 1024],
        [3, 320, 3135, 3135, 2380, 2424, 3249, 4096],
        [4, 680, 8965, 8855, 5883, 6001, 9291, 16384],
        [5, 1248, 21230, 20680, 12520, 12852, 22002, 65536],
        [6, 2072, 43670, 42020, 23815, 24633, 45258, 262_144],
        [7, 3200, 80905, 77055, 41600, 43352, 83847, 1_048_576],
        [8, 4680, 138_435, 130_735, 68015, 71369, 143_469, 4_194_304],
    ];
    let ids = [
        "xiong2020-theorem5-lower",
        "xiong2020-theorem5-upper",
        "receptive-field-upper",
        "hybrid-upper",
        "serra2018-upper",
        "montufar2017-upper",
        "xiong2020-lemma2",
    ];
    for [d2, values @ ..] in table {
        let bounds = bounds::all(
            &skeleton(&format!("1x4x1; conv 2@1x2; conv {d2}@1x2")),
            &Budget::default(),
        );
        for (id, expected) in ids.into_iter().zip(values) {
            assert_eq!(value(&bounds, id), expected.into(), "{id}, d2 = {d2}");
        }
    }
}

#[test]
fn two_layers_and_more_have_the_values_of_table_5() {
    // (8), (8) with one piece more, hybrid, (9), Serra 2018, Montufar 2017, 2^n.
    let table: [(&str, [u64; 7]); 15] = [
        (
            "1x4x1; conv 2@1x2; conv 1@1x2",
            [32, 32, 220, 220, 228, 228, 256],
        ),
        (
            "1x4x1; conv 2@1x2; conv 2@1x2",
            [120, 120, 795, 880, 817, 912, 1024],
        ),
        (
            "1x4x1; conv 2@1x2; conv 3@1x2",
            [320, 320, 2380, 3135, 2424, 3249, 4096],
        ),
        (
            "1x4x1; conv 2@1x2; conv 4@1x2",
            [680, 680, 5883, 8965, 6001, 9291, 16384],
        ),
        (
            "1x3x1; conv 2@1x2; conv 2@1x2",
            [16, 16, 56, 60, 56, 60, 64],
        ),
        (
            "1x3x1; conv 3@1x2; conv 2@1x1",
            [81, 144, 600, 600, 630, 630, 1024],
        ),
        (
            "1x4x1; conv 2@1x2 stride 1x2; conv 3@1x2",
            [28, 28, 99, 128, 99, 128, 128],
        ),
        (
            "1x5x1; conv 2@1x3 stride 1x2; conv 2@1x2",
            [16, 16, 57, 64, 57, 64, 64],
        ),
        (
            "2x2x1; conv 2@1x1; conv 3@2x2",
            [128, 128, 648, 648, 1304, 1304, 2048],
        ),
        (
            "1x2x2; conv 2@1x1; conv 3@1x2",
            [8, 8, 99, 128, 99, 128, 128],
        ),
        (
            "3x3x1; conv 1@2x2; conv 3@2x2",
            [8, 8, 99, 128, 99, 128, 128],
        ),
        (
            "1x3x1; conv 2@1x2; conv 2@1x1; conv 2@1x2",
            [64, 64, 604, 900, 604, 900, 1024],
        ),
        (
            "1x3x1; conv 2@1x1; conv 2@1x2",
            [120, 120, 405, 405, 630, 630, 1024],
        ),
        (
            "1x2x1; conv 3@1x2; conv 3@1x1",
            [12, 16, 40, 49, 40, 49, 64],
        ),
        (
            "3x3x1; conv 2@2x2; conv 1@2x2",
            [32, 32, 511, 512, 511, 512, 512],
        ),
    ];
    for (line, [eight, folded, hybrid, nine, serra, montufar, patterns]) in table {
        let bounds = bounds::all(&skeleton(line), &Budget::default());
        let value = |id: &str| value(&bounds, id);
        assert_eq!(value("xiong2020-theorem5-lower"), eight.into(), "{line}");
        assert_eq!(value("xiong2020-theorem5-upper"), nine.into(), "{line}");
        assert_eq!(value("serra2018-upper"), serra.into(), "{line}");
        assert_eq!(value("montufar2017-upper"), montufar.into(), "{line}");
        assert_eq!(value("xiong2020-lemma2"), patterns.into(), "{line}");
        // Ours may be better than the table: paths see more than receptive fields.
        assert!(value("channel-folding-lower") >= folded.into(), "{line}");
        assert!(value("hybrid-upper") <= hybrid.into(), "{line}");
    }
}

#[test]
fn example_3_is_a_product() {
    // Filters of size 1: (sum_{i<=d0} C(d1, i))^positions.
    for (channels, filters) in [(1u64, 3u64), (2, 4), (3, 3), (2, 7)] {
        let sum: u64 = (0..=channels).map(|i| binomial(filters, i)).sum();
        let layer = skeleton(&format!("2x3x{channels}; conv {filters}@1x1")).layers()[0].clone();
        let value = theorem2::value(&layer.groups(), &Budget::default());
        assert_eq!(value.exact(), Some(&BigUint::from(sum).pow(6)));
        assert_eq!(layer.reading().exactness, Exactness::Exact);
    }
}

#[test]
fn filters_of_size_one_give_equation_10() {
    // prod floor(n_l / n_0)^n_0 sum C(n_L, i) <= R <= prod sum C(n_l, i).
    for (inputs, widths) in [(2u64, [4u64, 6, 5]), (3, [3, 7, 4]), (1, [5, 5, 5])] {
        let [a, b, c] = widths;
        let sum = |n: u64| (0..=inputs).map(|k| binomial(n, k)).sum::<u64>();
        let lower = (a / inputs).pow(inputs as u32) * (b / inputs).pow(inputs as u32) * sum(c);
        let upper = sum(a) * sum(b) * sum(c);
        for line in [
            format!("1x1x{inputs}; conv {a}@1x1; conv {b}@1x1; conv {c}@1x1"),
            format!("{inputs}; dense {a}; dense {b}; dense {c}"),
        ] {
            let bounds = bounds::all(&skeleton(&line), &Budget::default());
            assert_eq!(
                value(&bounds, "xiong2020-theorem5-lower"),
                lower.into(),
                "{line}"
            );
            assert_eq!(
                value(&bounds, "xiong2020-theorem5-upper"),
                upper.into(),
                "{line}"
            );
        }
    }
}

fn binomial(n: u64, k: u64) -> u64 {
    (0..k).fold(1, |value, i| value * n.saturating_sub(i) / (i + 1))
}

/// A line that may be an architecture: up to three layers on a few inputs.
fn line(rng: &mut Rng) -> String {
    let flat = rng.one_in(2);
    let (height, width) = match flat {
        true => (1, 2 + rng.below(5)),
        false => (2 + rng.below(2), 2 + rng.below(2)),
    };
    let mut line = format!("{height}x{width}x{}", 1 + rng.below(2));
    for layer in 0..2 + rng.below(2) {
        if layer > 0 && rng.one_in(4) {
            line += &format!("; dense {}", 1 + rng.below(4));
            continue;
        }
        let f = 1 + rng.below(3);
        let size = if flat {
            format!("1x{f}")
        } else {
            f.to_string()
        };
        line += &format!("; conv {}@{size}", 1 + rng.below(4));
        if rng.one_in(3) {
            line += if flat { " stride 1x2" } else { " stride 2" };
        }
        if rng.one_in(6) {
            line += if flat { " pad 0x1" } else { " pad 1" };
        }
        if rng.one_in(8) {
            line += " groups 2";
        }
        if rng.one_in(8) {
            line += " nobias";
        }
    }
    line
}

/// Architectures that are possible and small enough.
fn architectures(cases: u64, units: usize) -> impl Iterator<Item = (String, Architecture)> {
    let mut rng = Rng::new(19);
    let lines = std::iter::repeat_with(move || line(&mut rng));
    let possible = lines.filter_map(|line| Some((line.clone(), Architecture::parse(&line).ok()?)));
    let small = possible.filter(move |(_, architecture)| architecture.units() <= units);
    small.take(seeds(cases).end as usize)
}

/// A reader of tables may rely on the list of names.
#[test]
fn every_bound_has_a_name_that_is_listed() {
    let mut names: Vec<&str> = bounds::IDS.to_vec();
    names.extend(catalogue::entries().iter().map(|entry| entry.id));
    let one_layer = [
        "3x3x1; conv 2@2x2",
        "16x16x1; conv 4@3x3",
        "2; dense 5 nobias",
    ];
    let one_layer = one_layer.map(|line| Architecture::parse(line).unwrap());
    let deep = architectures(50, 24).map(|(_, architecture)| architecture);
    for architecture in one_layer.into_iter().chain(deep) {
        let skeleton = Skeleton::of_architecture(&architecture);
        for bound in bounds::all(
            &skeleton,
            &Budget {
                steps: 1_000_000,
                ..Budget::default()
            },
        ) {
            assert!(names.contains(&bound.id), "{}", bound.id);
        }
    }
}

/// The folding needs the image that the layer before makes: not one whose values were
/// reordered on the way.
#[test]
fn rearranged_images_have_no_folding_bound() {
    let architecture = Architecture::parse("1x4x1; conv 2@1x1; conv 2@1x2").unwrap();
    let plain = random::he(&architecture, 1).unwrap();
    let rebuilt = |between: Option<Layer>| {
        let mut network = Network::new(plain.input().clone());
        let mut between = between;
        for (number, layer) in plain.layers().iter().enumerate() {
            if number == 2
                && let Some(between) = between.take()
            {
                network.push(between).unwrap();
            }
            network.push(layer.clone()).unwrap();
        }
        Skeleton::of_network(&network)
    };
    let shape = plain.layers()[0].clone();
    let Layer::Affine(affine) = shape else {
        panic!("the first layer is affine")
    };
    let order: Vec<usize> = (0..8).rev().collect();
    let reversed = Affine::permutation(affine.output().clone(), &order).unwrap();
    assert!(theorem5::images(&rebuilt(None)).is_ok());
    assert!(theorem5::images(&rebuilt(Some(Layer::Affine(reversed)))).is_err());
    let flat = Layer::Reshape(Shape::new([2, 2, 2]));
    assert!(theorem5::images(&rebuilt(Some(flat))).is_err());
}

/// The proofs say which bound is never above which.
#[test]
fn tighter_bounds_are_never_worse() {
    for (line, architecture) in architectures(600, 24) {
        let skeleton = Skeleton::of_architecture(&architecture);
        let bounds = bounds::all(&skeleton, &Budget::default());
        let value = |id: &str| value(&bounds, id);
        let chain = [
            "hybrid-upper",
            "disjoint-paths-upper",
            "receptive-field-upper",
            "xiong2020-theorem5-upper",
        ];
        for pair in chain.windows(2) {
            assert!(value(pair[0]) <= value(pair[1]), "{line}: {pair:?}");
        }
        assert!(value("hybrid-upper") <= value("serra2018-upper"), "{line}");
        assert!(
            value("serra2018-upper") <= value("montufar2017-upper"),
            "{line}"
        );
        let find = |id: &str| bounds.iter().find(|b| b.id == id).unwrap().value.clone();
        if let Some(activity) = find("activity-upper") {
            assert!(activity <= value("hybrid-upper"), "{line}");
        }
        if let Some(eight) = find("xiong2020-theorem5-lower") {
            assert!(value("channel-folding-lower") >= eight, "{line}");
        }
        if let Some(fully_connected) = find("folding-lower") {
            assert!(value("channel-folding-lower") >= fully_connected, "{line}");
        }
        if let Some(lower) = bounds::best_lower(&bounds) {
            assert!(lower <= bounds::best_upper(&bounds).unwrap(), "{line}");
        }
    }
}

#[test]
fn no_network_has_more_regions_than_an_upper_bound() {
    for (line, architecture) in architectures(250, 12) {
        for seed in 0..2 {
            let network = random::he(&architecture, seed).unwrap();
            let domain = everywhere(&network);
            let regions = BigUint::from(count(&network, &domain, 1).regions);
            for bound in bounds::of_network(&network, &domain, &Budget::default()) {
                if let (Kind::Upper | Kind::Exact, Some(value)) = (bound.kind, &bound.value) {
                    assert!(
                        regions <= *value,
                        "{line}, seed {seed}: {regions}, {bound:?}"
                    );
                }
            }
        }
    }
}

/// A combination of filters, as (filter, coefficient), and the interval that it takes on
/// every fold.
type VirtualChannel = (Vec<(usize, Rational)>, [Rational; 2]);

/// A unit `relu(slope x + offset)` and its coefficient.
type Unit = (Rational, Rational, Rational);

/// A network that folds as the proof of the channel-folding bound says, with random
/// weights in its last layer.
fn folding_network(line: &str, channels: &[usize], rng: &mut Rng) -> Network {
    let architecture = Architecture::parse(line).unwrap();
    let images = theorem5::images(&Skeleton::of_architecture(&architecture)).unwrap();
    let mut network = Network::new(architecture.input().clone());
    let mut virtual_channels: Vec<VirtualChannel> = (0..images.channels)
        .map(|channel| (vec![(channel, whole(1))], [whole(0), whole(1)]))
        .collect();
    let (last, folds) = images.layers.split_last().unwrap();
    for (layer, &k) in folds.iter().zip(channels) {
        let conv = layer.geometry();
        let taps = conv.kernel[0] * conv.kernel[1];
        let mut weight = vec![whole(0); conv.filters * conv.channels * taps];
        let mut bias = vec![whole(1); conv.filters];
        let mut next = Vec::new();
        let mut filter = 0;
        for channel in 0..k {
            let units = layer.filters / k + usize::from(channel < layer.filters % k);
            let (sources, interval) = &virtual_channels[channel % virtual_channels.len()];
            // Offsets within a stride tell more virtual channels apart.
            let tap = separate_tap(layer, conv, channel / virtual_channels.len());
            let (pieces, range) = zigzag(units, interval);
            let mut combination = Vec::new();
            for (slope, offset, coefficient) in pieces {
                for (source, factor) in sources {
                    weight[(filter * conv.channels + source) * taps + tap] = &slope * factor;
                }
                bias[filter] = offset;
                combination.push((filter, coefficient));
                filter += 1;
            }
            next.push((combination, range));
        }
        push(&mut network, conv, &weight, &bias);
        virtual_channels = next;
    }
    // The last layer: random forms of the virtual channels, shrunk towards the middle of
    // their intervals.
    let conv = last.geometry();
    let taps = conv.kernel[0] * conv.kernel[1];
    let mut weight = vec![whole(0); conv.filters * conv.channels * taps];
    let mut bias = Vec::new();
    for filter in 0..conv.filters {
        let mut constant = whole(rng.range(-1000, 1000));
        for (combination, [low, high]) in &virtual_channels {
            let (middle, stretch) = ((low + high) / whole(2), whole(1_000_000) / (high - low));
            for tap in 0..taps {
                let random = whole(rng.range(-1000, 1000)) / whole(1000) * &stretch;
                constant -= &random * &middle;
                for (source, factor) in combination {
                    weight[(filter * conv.channels + source) * taps + tap] = &random * factor;
                }
            }
        }
        bias.push(constant);
    }
    push(&mut network, conv, &weight, &bias);
    network
}

fn whole(value: i64) -> Rational {
    Rational::from_integer(value.into())
}

fn push(network: &mut Network, conv: &Convolution, weight: &[Rational], bias: &[Rational]) {
    let numbers = |values: &[Rational]| -> Vec<Number> {
        values
            .iter()
            .map(|v| Number::from_rational(v.clone()))
            .collect()
    };
    let conv = Convolution {
        order: ChannelOrder::Last,
        ..conv.clone()
    };
    let affine = Affine::convolution(conv, &numbers(weight), &numbers(bias)).unwrap();
    network.push(Layer::Affine(affine)).unwrap();
    network.push(Layer::Relu).unwrap();
}

/// Tap number `n` among those that a stride, or a single position, keeps apart.
fn separate_tap(layer: &theorem5::Image, conv: &Convolution, n: usize) -> usize {
    let along = |axis: usize| match layer.positions[axis] {
        1 => conv.kernel[axis],
        _ => conv.kernel[axis].min(conv.stride[axis]),
    };
    n / along(1) * conv.kernel[1] + n % along(1)
}

/// Units whose sum maps every one of
/// `units` (+ 1 for three and more) parts of the interval onto the range that is given
/// back.
fn zigzag(units: usize, [low, high]: &[Rational; 2]) -> (Vec<Unit>, [Rational; 2]) {
    let length = high - low;
    // Slopes of the parts, which are as long as they are flat.
    let slopes: Vec<i64> = match units {
        0..3 => (0..units as i64).map(|part| 1 - 2 * (part % 2)).collect(),
        _ => [-3, 1, -1]
            .into_iter()
            .chain((0..units as i64 - 2).map(|k| 2 - 4 * (k % 2)))
            .collect(),
    };
    let inverse = |slope: &i64| whole(1) / whole(slope.abs());
    let total: Rational = slopes.iter().map(inverse).sum();
    let mut ends = vec![low.clone()];
    for slope in &slopes {
        let end = ends.last().unwrap() + inverse(slope) / &total * &length;
        ends.push(end);
    }
    let right = |at: &Rational, coefficient: i64| (whole(1), -at, whole(coefficient));
    let height = &length / &total;
    if units < 3 {
        let changes = (0..units).map(|k| {
            if k == 0 {
                slopes[0]
            } else {
                slopes[k] - slopes[k - 1]
            }
        });
        let units = ends
            .iter()
            .zip(changes)
            .map(|(end, change)| right(end, change))
            .collect();
        return (units, [whole(0), height]);
    }
    // One unit looks left, from the end of the third part: slope -3 before it. The
    // others change the slope: by 4 and -2 before that end, and from the fifth part on.
    let mut all = vec![
        (whole(-1), ends[3].clone(), whole(3)),
        right(&ends[1], 4),
        right(&ends[2], -2),
    ];
    for part in 4..slopes.len() {
        all.push(right(&ends[part], slopes[part] - slopes[part - 1]));
    }
    let start = (&ends[3] - &ends[0]) * whole(3);
    (all, [&start - height, start])
}

/// The most regions among folding networks and one random network, whose first layer is
/// generic.
fn most_regions(line: &str, skeleton: &Skeleton, rng: &mut Rng) -> BigUint {
    let architecture = Architecture::parse(line).unwrap();
    let mut networks = vec![random::he(&architecture, 1).unwrap()];
    if let Ok(images) = theorem5::images(skeleton) {
        let mut choices: Vec<Vec<usize>> = (1..=16)
            .map(|last| channel_folding::folds(&images, last, &mut Work::new(WORK)))
            .map(|folds| folds.unwrap().channels)
            .collect();
        choices.dedup();
        networks.extend(
            choices
                .iter()
                .map(|channels| folding_network(line, channels, rng)),
        );
    }
    let counts = networks
        .iter()
        .map(|network| count(network, &everywhere(network), 1).regions);
    counts.max().unwrap().into()
}

fn assert_lower_bounds_are_reached(line: &str, rng: &mut Rng) {
    let skeleton = skeleton(line);
    let most = most_regions(line, &skeleton, rng);
    for bound in bounds::all(&skeleton, &Budget::default()) {
        match (bound.kind, &bound.value) {
            (Kind::Lower, Some(value)) => assert!(most >= *value, "{line}: {most}, {bound:?}"),
            (Kind::Upper, Some(value)) => assert!(most <= *value, "{line}: {most}, {bound:?}"),
            _ => {}
        }
    }
}

/// The folding networks reach the lower bounds, counted exactly.
#[test]
fn lower_bounds_are_reached() {
    let mut rng = Rng::new(5);
    for line in [
        "1x4x1; conv 2@1x2; conv 1@1x2",
        "1x4x1; conv 2@1x2; conv 2@1x2",
        "1x4x1; conv 2@1x2; conv 3@1x2",
        "1x3x1; conv 3@1x2; conv 2@1x1",
        "1x2x1; conv 3@1x1; conv 2@1x2",
        "1x2x1; conv 5@1x2; conv 3@1x1",
        "1x2x1; conv 4@1x1; conv 3@1x1; conv 1@1x2",
        "1x4x1; conv 3@1x2 stride 1x2; conv 2@1x2",
        "1x4x1; conv 4@1x2 stride 1x2; conv 2@1x1",
        "2x2x1; conv 2@1x1; conv 2@2x2",
        "2x3x1; conv 2@2x2; conv 2@1x2",
        "1x2x2; conv 4@1x1; conv 3@1x2",
        "1x2x2; conv 5@1x1; conv 2@1x2",
        "2; dense 7; dense 5; dense 3",
        "3; dense 7; dense 4",
        "1; dense 6; dense 5; dense 4",
    ] {
        assert_lower_bounds_are_reached(line, &mut rng);
    }
}

#[test]
fn lower_bounds_are_reached_by_random_architectures() {
    let mut rng = Rng::new(6);
    for (line, _) in architectures(200, 12) {
        assert_lower_bounds_are_reached(&line, &mut rng);
    }
}

/// Theorem 2 where its proof covers it, against the search: random one-dimensional
/// layers, padded ones and grouped ones among them.
#[test]
fn theorem_2_is_the_count_in_one_dimension() {
    let mut rng = Rng::new(7);
    let mut checked = 0;
    while checked < seeds(220).end {
        let (n, channels) = (1 + rng.below(7), 1 + rng.below(3));
        let (filters, f, stride) = (1 + rng.below(4), 1 + rng.below(4), 1 + rng.below(3));
        let (pad, groups) = (
            rng.below(3).saturating_sub(1),
            1 + usize::from(rng.one_in(6)),
        );
        let text = format!(
            "1x{n}x{channels}; conv {filters}@1x{f} stride 1x{stride} pad 0x{pad} groups {groups}"
        );
        let Ok(architecture) = Architecture::parse(&text) else {
            continue;
        };
        let layer = &Skeleton::of_architecture(&architecture).layers()[0].clone();
        let value = theorem2::value(&layer.groups(), &Budget::default());
        let value = value.exact().expect("a small sum");
        if layer.units() > 20 || *value > 5000u32.into() {
            continue;
        }
        assert_eq!(layer.reading().exactness, Exactness::Exact, "{text}");
        let network = random::he(&architecture, checked).unwrap();
        let regions = count(&network, &everywhere(&network), 1).regions;
        assert_eq!(BigUint::from(regions), *value, "{text}, seed {checked}");
        checked += 1;
    }
}
