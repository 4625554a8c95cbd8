use super::*;
use crate::network::Architecture;

fn layer(line: &str) -> SharedRows {
    SharedRows::of(&Architecture::parse(line).unwrap()).unwrap()
}

fn value(line: &str) -> String {
    count(&layer(line), &Budget::default())
        .unwrap()
        .value
        .to_string()
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
        let bound = theorem2::value(&layer.groups(), theorem2::WORK).unwrap();
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
        ("10x10x3; conv 4@3x3", 252),
        ("4x4x2; conv 3@2x2", 26),
        ("9x9x1; conv 2@5x5", 49),
        ("7x7x1; conv 5@3x3 stride 2", 44),
    ];
    for (line, expected) in cases {
        assert_eq!(
            rank(&layer(line), &Budget::default()),
            Some(expected),
            "{line}"
        );
    }
    // All 168 units of 8x9x3 are independent: as many as Hall's condition allows.
    assert_eq!(
        rank(&layer("8x9x3; conv 4@3x3"), &Budget::default()),
        Some(168)
    );
}

/// theory.md 1.10, pitfall 5.
#[test]
fn without_biases_there_are_fewer() {
    assert_eq!(value("1x3x1; conv 2@1x2 nobias"), "14");
    assert_eq!(value("1x3x1; conv 3@1x2 nobias"), "28");
}
