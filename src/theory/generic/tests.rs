use super::orbits::Span;
use super::relations::Relations;
use super::*;
use crate::arithmetic::prime::cross;
use crate::network::Architecture;

fn layer(line: &str) -> SharedRows {
    SharedRows::of(&Architecture::parse(line).unwrap()).unwrap()
}

fn value(line: &str) -> String {
    let count = count(&layer(line), &Budget::default());
    count.expect(line).value.to_string()
}

/// By looking at every set of units, with other weights modulo another prime: the
/// number of independent sets, and Whitney's sum of (-1)^(#B - rank B) over all sets of
/// units with inputs. Shares only the rows with what is tested.
fn plain_enumeration(layer: &SharedRows) -> [i64; 2] {
    const P: u64 = 1_000_000_007;
    fn add(layer: &SharedRows, unit: usize, span: &mut Vec<Vec<u64>>, nullity: u32) -> [i64; 2] {
        if unit == layer.rows().len() {
            return [i64::from(nullity == 0), (-1i64).pow(nullity)];
        }
        let [independent, whitney] = add(layer, unit + 1, span, nullity);
        if layer.rows()[unit].is_empty() {
            return [independent, whitney];
        }
        let mut row = vec![0; layer.inputs()];
        for &(input, parameter) in &layer.rows()[unit] {
            row[input as usize] = mixed(parameter.into());
        }
        for other in span.iter() {
            let pivot = other.iter().position(|&v| v != 0).unwrap();
            let factor = row[pivot] * power(other[pivot], P - 2) % P;
            for (value, other) in row.iter_mut().zip(other) {
                *value = (*value + (P - factor) * other) % P;
            }
        }
        let with = if row.iter().all(|&v| v == 0) {
            add(layer, unit + 1, span, nullity + 1)
        } else {
            span.push(row);
            let with = add(layer, unit + 1, span, nullity);
            span.pop();
            with
        };
        [independent + with[0], whitney + with[1]]
    }
    // Steele, Lea and Flood 2014.
    fn mixed(parameter: u64) -> u64 {
        let mut z = (parameter + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % P
    }
    fn power(base: u64, exponent: u64) -> u64 {
        match exponent {
            0 => 1,
            e if e % 2 == 0 => power(base * base % P, e / 2),
            e => base * power(base, e - 1) % P,
        }
    }
    add(layer, 0, &mut Vec::new(), 0)
}

/// By deletion and contraction alone.
fn by_minors(layer: &SharedRows) -> u128 {
    let mut work = Work(u64::MAX);
    let weights = layer.random_weights(1);
    let parts = layer.connected();
    let counts = parts.iter().map(|part| {
        let minor = part_minor(layer, part, &weights, &mut Work(u64::MAX)).unwrap();
        minor.count::<u128>(Counted::IndependentSets, &mut work)
    });
    counts.map(Option::unwrap).product()
}

/// By orbits of the outer positions, where there is more than one line of them.
fn by_orbits(layer: &SharedRows) -> Option<u128> {
    let weights = layer.random_weights(2);
    let counts = layer.connected().into_iter().map(|part| {
        let positions = Positions::of(layer, &part, &weights)?;
        if !positions.has_lines() {
            return None;
        }
        positions.count(&mut Work(u64::MAX))
    });
    counts.product()
}

/// theory.md, T4, its bold values, and 3x3x1 by its formula: (4) less
/// C(d_1, 2) (4 d_1 - 7).
#[test]
fn shared_filters_have_their_true_number() {
    let cases = [
        ("3x3x1; conv 2@2x2", "255"),
        ("3x3x1; conv 3@2x2", "3998"),
        ("3x3x1; conv 4@2x2", "48903"),
        ("3x3x1; conv 5@2x2", "391966"),
        ("3x3x1; conv 6@2x2", "2202621"),
        ("3x4x1; conv 2@2x2", "4061"),
        ("3x4x1; conv 3@2x2", "243651"),
        ("3x4x1; conv 4@2x2", "8521389"),
        ("4x4x1; conv 2@2x2", "257108"),
        ("5x5x1; conv 2@3x3", "262143"),
    ];
    for (line, expected) in cases {
        assert_eq!(value(line), expected, "{line}");
    }
    for d in 1..=6u64 {
        let layer = layer(&format!("3x3x1; conv {d}@2x2"));
        let bound = theorem2::value(&layer.groups(), &theorem2::Budget::default());
        let bound = bound.exact().unwrap();
        let gap = d * (d - 1) / 2 * (4 * d).saturating_sub(7);
        let value = count(&layer, &Budget::default()).unwrap().value;
        assert_eq!(bound - value, gap.into(), "{d} filters");
    }
}

/// theory.md 1.9: ranks beside those of the matching.
#[test]
fn ranks_are_those_of_the_syzygies() {
    let cases = [
        ("9x9x3; conv 4@3x3", 195),
        ("8x9x3; conv 4@3x3", 168),
        ("10x10x3; conv 4@3x3", 252),
        ("4x4x2; conv 3@2x2", 26),
        ("9x9x1; conv 2@5x5", 49),
        ("7x7x1; conv 5@3x3 stride 2", 44),
    ];
    for (line, expected) in cases {
        let rank = rank(&layer(line), &Budget::default());
        assert_eq!(rank, Some(expected), "{line}");
    }
}

/// theory.md 1.10, pitfall 5, and Cover's 2 sum_{i < n} C(m - 1, i).
#[test]
fn without_biases_there_are_fewer() {
    assert_eq!(value("1x3x1; conv 2@1x2 nobias"), "14");
    assert_eq!(value("1x3x1; conv 3@1x2 nobias"), "28");
    // Elements become parallel after contractions; the search counts as many.
    let clipped = "3x3x1; conv 3@2x2 pad 1x0x0x0 nobias";
    assert_eq!(value(clipped), "68562");
    assert_eq!(plain_enumeration(&layer(clipped))[1], 68_562);
    for (line, expected) in [
        ("3; dense 5 nobias", "22"),
        ("3; dense 3 nobias", "8"),
        ("3; dense 1 nobias", "2"),
        ("1; dense 4 nobias", "2"),
        ("5; dense 2 nobias", "4"),
    ] {
        assert_eq!(value(line), expected, "{line}");
        let counted = independent_sets(&layer(line), &Budget::default()).unwrap();
        assert_eq!(counted.value.to_string(), expected, "{line}");
    }
}

/// Where theory.md proves Eq. (4), the sets that are counted are as many.
#[test]
fn theorem_2_is_met_where_it_is_exact() {
    for line in [
        "1x3x1; conv 8@1x2",
        "1x6x1; conv 4@1x2",
        "1x6x1; conv 4@1x3",
        "1x7x1; conv 5@1x3 stride 2",
        "1x4x3; conv 5@1x2",
        "4x4x1; conv 5@2x2 stride 2",
        "5x5x1; conv 5@2x2 stride 3",
        "3x3x2; conv 2@2x2",
        "4x4x3; conv 3@2x2",
        "1x5x1; conv 3@1x3 pad 1",
        "2x1x2; dense 6",
    ] {
        let layer = layer(line);
        let theorem = count(&layer, &Budget::default()).unwrap();
        assert!(matches!(theorem.certainty, Certainty::Theorem(_)), "{line}");
        let counted = independent_sets(&layer, &Budget::default()).unwrap();
        assert_eq!(counted.value, theorem.value, "{line}");
        assert!(counted.is_proved(), "{line}");
    }
}

/// theory.md, T1 and T3: input width, filter width, stride, channels. The values of
/// (4) are tested against these tables beside its sum.
#[test]
fn one_dimensional_layers_have_the_number_of_theorem_2() {
    for (n, f, s, d0) in [
        (2, 1, 1, 1),
        (3, 2, 1, 1),
        (4, 2, 1, 1),
        (5, 2, 1, 1),
        (6, 2, 1, 1),
        (4, 3, 1, 1),
        (5, 3, 1, 1),
        (6, 3, 1, 1),
        (4, 2, 2, 1),
        (5, 2, 2, 1),
        (5, 3, 2, 1),
        (7, 3, 2, 1),
        (5, 2, 3, 1),
        (7, 3, 3, 1),
        (3, 2, 1, 2),
        (4, 2, 1, 2),
        (4, 3, 1, 2),
        (5, 3, 2, 2),
        (3, 2, 1, 3),
        (4, 2, 1, 3),
        (5, 3, 2, 3),
    ] {
        for d1 in 1..=8 {
            let line = format!("1x{n}x{d0}; conv {d1}@1x{f} stride 1x{s}");
            let layer = layer(&line);
            let counted = independent_sets(&layer, &Budget::default()).expect(&line);
            let expected = theorem2::value(&layer.groups(), &theorem2::Budget::default());
            assert_eq!(Some(&counted.value), expected.exact(), "{line}");
        }
    }
}

#[test]
fn three_methods_agree_on_every_small_geometry() {
    let (mut compared, mut proved, mut layers) = (0, 0, 0);
    for [height, width] in [[2, 2], [2, 3], [3, 3], [4, 3], [4, 4], [5, 3]] {
        for channels in 1..=2 {
            for filters in 1..=5 {
                for options in [
                    "2x2",
                    "1x2",
                    "3x2",
                    "2x2 stride 2",
                    "2x3 stride 1x2",
                    "2x2 stride 2x1",
                    "2x2 pad 1",
                    "2x2 pad 0x1x0x0",
                    "3x3 pad 1 stride 2",
                    "1x1 pad 0x1",
                    "2x2 dilation 2",
                    "2x2 dilation 1x2 pad 0x1",
                    "2x2 groups 2",
                ] {
                    let line = format!("{height}x{width}x{channels}; conv {filters}@{options}");
                    let Ok(architecture) = Architecture::parse(&line) else {
                        continue;
                    };
                    let layer = SharedRows::of(&architecture).unwrap();
                    if layer.rows().len() > 12 {
                        continue;
                    }
                    let [expected, central] = plain_enumeration(&layer);
                    let expected = expected as u128;
                    let without_bias = format!("{line} nobias");
                    assert_eq!(value(&without_bias), central.to_string(), "{without_bias}");
                    // A theorem is no proof by relations.
                    let bracket = by_relations(&layer, &Budget::default()).unwrap();
                    assert_eq!(bracket.lower, expected.into(), "{line}");
                    assert!(bracket.upper >= bracket.lower, "{line}");
                    proved += usize::from(bracket.is_exact());
                    layers += 1;
                    assert_eq!(by_minors(&layer), expected, "{line}");
                    if let Some(orbits) = by_orbits(&layer) {
                        assert_eq!(orbits, expected, "{line}");
                        compared += 1;
                    }
                    assert_eq!(value(&line), expected.to_string(), "{line}");
                }
            }
        }
    }
    assert!(compared > 50, "{compared} by orbits");
    assert!(proved * 10 > layers * 9, "{proved} of {layers} proved");
}

/// Deletion and contraction does what the orbits do, with weights of its own.
#[test]
fn orbits_and_minors_agree_on_larger_layers() {
    for line in [
        "3x3x1; conv 5@2x2",
        "3x5x1; conv 3@2x2",
        "4x4x1; conv 3@3x3 pad 1 stride 2",
        "3x3x1; conv 3@2x2 pad 1x0",
        "5x5x1; conv 3@3x3",
        "4x4x2; conv 3@2x2",
        "5x4x1; conv 4@3x2 stride 2x1",
        "4x4x1; conv 4@2x2 dilation 2x1",
        "7x7x1; conv 3@3x3 stride 2",
    ] {
        let layer = layer(line);
        assert_eq!(by_orbits(&layer), Some(by_minors(&layer)), "{line}");
    }
}

#[test]
fn a_probable_value_says_how_probable() {
    let count = count(&layer("3x3x1; conv 3@2x2"), &Budget::default()).unwrap();
    let Certainty::Probable { log2_error } = count.certainty else {
        panic!("{count:?}")
    };
    // Twelve units of rank at most nine: C(12, 6) bases, of degree nine.
    let expected = (924.0f64 * 9.0).log2() - 61.0;
    assert!((log2_error - expected).abs() < 1e-9, "{log2_error}");
    assert!(!count.is_proved());
}

#[test]
fn units_without_inputs_split_nothing() {
    assert_eq!(value("1x1x1; conv 2@1x1 pad 1"), "3");
    assert_eq!(value("1x1x1; conv 2@1x1 pad 1 nobias"), "2");
    assert_eq!(value("2x2x1; conv 1@1x1 pad 1 nobias"), "16");
}

#[test]
fn other_architectures_are_refused() {
    let refused = |line: &str| {
        let architecture = Architecture::parse(line).unwrap();
        SharedRows::of(&architecture).unwrap_err().to_string()
    };
    assert!(refused("2; dense 2; dense 2").contains("more than one layer"));
    assert!(refused("2; flatten").contains("no layer of units"));
    assert!(SharedRows::dense(1 << 20, 1 << 20, Bias::Free).is_err());
    assert!(SharedRows::dense(usize::MAX, 2, Bias::Free).is_err());
}

#[test]
fn too_large_says_so() {
    let budget = Budget {
        steps: 1_000_000,
        seed: 0,
    };
    for line in [
        "4x4x1; conv 8@2x2",
        "28x28x1; conv 4@2x2",
        "64x64x3; conv 16@3x3",
        "28x28x1; conv 4@2x2 nobias",
    ] {
        assert_eq!(count(&layer(line), &budget), None, "{line}");
        assert_eq!(independent_sets(&layer(line), &budget), None, "{line}");
        assert_eq!(bracket(&layer(line), &budget), None, "{line}");
    }
    // Many filters, many columns, no memory for the matrix.
    let all = Budget {
        steps: u64::MAX,
        seed: 0,
    };
    assert_eq!(by_relations(&layer("2; dense 100"), &all), None);
    assert_eq!(bracket(&layer("4x4x5; conv 12@2x2"), &budget), None);
    assert_eq!(independent_sets(&layer("64x64x3; conv 16@3x3"), &all), None);
    assert_eq!(independent_sets(&layer("40; dense 400"), &all), None);
    // Large, but easy.
    let easy = |line: &str| count(&layer(line), &Budget::default()).unwrap();
    let nearly = easy("9x9x3; conv 4@3x3").value;
    assert_eq!(nearly, (BigUint::one() << 196u32) - 1u32);
    assert_eq!(easy("16x16x3; conv 8@3x3 stride 2").value.bits(), 393);
    assert_eq!(easy("64x64x1; conv 1@1x1").value.bits(), 4097);
}

/// theory.md, T4 and 1.9, as theorems.
#[test]
fn small_layers_are_proved() {
    for (line, expected) in [
        ("3x3x1; conv 2@2x2", 255u64),
        ("3x3x1; conv 3@2x2", 3998),
        ("3x3x1; conv 4@2x2", 48903),
        ("3x3x1; conv 5@2x2", 391966),
        ("3x3x1; conv 6@2x2", 2202621),
        ("3x4x1; conv 2@2x2", 4061),
        ("3x4x1; conv 3@2x2", 243651),
        ("4x4x1; conv 2@2x2", 257108),
        ("5x5x1; conv 2@3x3", 262143),
    ] {
        let bracket = bracket(&layer(line), &Budget::default()).expect(line);
        assert!(bracket.is_exact(), "{line}: {bracket:?}");
        assert_eq!(bracket.lower, expected.into(), "{line}");
    }
    // One relation of all units: of three filters on two channels, and of five that
    // stride 2 makes four phases.
    for (line, units) in [
        ("4x4x2; conv 3@2x2", 27u32),
        ("7x7x1; conv 5@3x3 stride 2", 45),
    ] {
        let bracket = bracket(&layer(line), &Budget::default()).expect(line);
        assert!(bracket.is_exact(), "{line}: {bracket:?}");
        assert_eq!(bracket.lower, (BigUint::one() << units) - 1u32, "{line}");
    }
}

/// The connected parts and what is known to hold in them.
fn parts(layer: &SharedRows, seed: u64) -> Vec<(Positions, Relations)> {
    let weights = layer.random_weights(seed);
    let part = |part: &Vec<usize>| {
        let positions = Positions::of(layer, part, &weights).unwrap();
        let polynomials = layer.polynomials(part, &weights);
        let relations = positions.relations(&polynomials, &mut Work(u64::MAX));
        let relations = relations.unwrap();
        (positions, relations)
    };
    layer.connected().iter().map(part).collect()
}

#[test]
fn relations_hold() {
    for line in [
        "4x4x1; conv 4@2x2",
        "4x4x1; conv 3@2x2 pad 1",
        "4x5x1; conv 2@2x3",
        "7x7x1; conv 5@3x3 stride 2",
        "4x4x2; conv 4@2x2",
        "5x5x1; conv 3@2x2 dilation 2",
        "6x6x1; conv 3@2x3 dilation 2x1 stride 1x2 pad 1",
        "5x5x1; conv 4@3x3",
    ] {
        let mut seen = 0;
        for (positions, relations) in parts(&layer(line), 5) {
            for coefficients in relations.all() {
                let mut sum = vec![0; positions.inputs()];
                for (unit, &coefficient) in coefficients.iter().enumerate() {
                    let filters = positions.filters();
                    let row = positions.row(unit / filters, unit % filters, 0);
                    for (sum, value) in sum.iter_mut().zip(row) {
                        *sum = cross(coefficient, value, PRIME - 1, *sum);
                    }
                }
                assert!(sum.iter().all(|&value| value == 0), "{line}");
                seen += 1;
            }
        }
        assert!(seen > 0, "{line}");
    }
}

/// Every set that is proved dependent is so at other weights.
#[test]
fn no_independent_set_is_proved_dependent() {
    for line in [
        "3x3x1; conv 3@2x2",
        "3x4x1; conv 2@2x2",
        "2x3x1; conv 2@2x2 pad 1x0",
        "3x3x1; conv 3@3x3 pad 1 stride 2",
        "2x2x1; conv 3@1x1",
    ] {
        let layer = layer(line);
        let (_, relations) = &parts(&layer, 5)[0];
        let (other, _) = &parts(&layer, 6)[0];
        let filters = other.filters();
        let units = other.len() * filters;
        for set in 0u128..1 << units {
            let mut work = Work(u64::MAX);
            let mut span = Span::default();
            for unit in (0..units).filter(|unit| set >> unit & 1 == 1) {
                let row = other.row(unit / filters, unit % filters, 0);
                span.add(row, &mut work).unwrap();
            }
            if relations.prove_dependent(set, &mut work).unwrap() {
                assert!(span.rank() < set.count_ones() as usize, "{line}: {set:b}");
            }
        }
    }
}
