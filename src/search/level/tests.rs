use num_bigint::BigInt;
use num_traits::{One, Signed, Zero};

use super::*;
use crate::arithmetic::lanes::Plain;
use crate::arithmetic::lanes::plain_only::both;
use crate::arithmetic::{Number, Rational};
use crate::arrangement::Domain;
use crate::arrangement::chart::charts;
use crate::arrangement::stage::stages;
use crate::arrangement::support;
use crate::network::{Affine, Layer, Network, Shape};

fn power(exponent: i64) -> Rational {
    let power = Rational::from_integer(BigInt::one() << exponent.unsigned_abs());
    if exponent < 0 { power.recip() } else { power }
}

/// Whether some power of two times the exact row, or its numerators, lies in the
/// float row.
fn is_enclosed(level: &Level, index: usize) -> bool {
    let denominator = &level.exact().forms.denominator;
    [&Int::ONE, denominator]
        .into_iter()
        .any(|denominator| is_enclosed_over(level, index, denominator))
}

fn is_enclosed_over(level: &Level, index: usize, denominator: &Int) -> bool {
    let forms = &level.exact().forms;
    let entries = forms.row(level.classes()[index].representative());
    let vector = Some(level.own_vector(index));
    is_row_enclosed(level.row(level.id(index)), vector, entries, denominator)
}

fn is_row_enclosed(
    row: FloatRow,
    vector: Option<Vector>,
    entries: &[Int],
    denominator: &Int,
) -> bool {
    let values: Vec<Rational> = entries
        .iter()
        .map(|entry| Rational::new(entry.to_big(), denominator.to_big()))
        .collect();
    let is_sum_at_most = |mut terms: Vec<Rational>, bound: f64| {
        let sum = terms
            .drain(..)
            .fold(Rational::zero(), |sum, term| sum + term.abs());
        Rational::from_float(bound).is_none_or(|bound| sum <= bound)
    };
    let lies_within = |shift: i64| {
        let scale = power(shift);
        let exact = |k: usize| &values[k] * &scale;
        let off = |k: usize| exact(k) - Rational::from_float(row.center[k]).unwrap();
        let linear = values.len() - 1;
        let known_as_vector = vector.is_none_or(|vector| {
            assert_eq!(vector.entries[..=linear], *row.center);
            assert!(
                vector.entries[linear + 1..]
                    .iter()
                    .all(|entry| *entry == 0.0)
            );
            assert_eq!(vector.homogeneous, row.homogeneous);
            is_sum_at_most((0..linear).map(exact).collect(), vector.norm)
                && is_sum_at_most((0..=linear).map(off).collect(), vector.slack)
        });
        let zeros = (0..linear).filter(|&k| row.support & support::bit(k) == 0);
        assert!(zeros.into_iter().all(|k| values[k].is_zero()));
        assert!(!row.homogeneous || values[linear].is_zero());
        known_as_vector
            && (0..values.len()).all(|k| {
                let radius = match k + 1 == values.len() {
                    true => row.constant_radius,
                    false => row.radius(k),
                };
                radius.is_infinite()
                    || (&values[k] * &scale - Rational::from_float(row.center[k]).unwrap()).abs()
                        <= Rational::from_float(radius).unwrap()
            })
    };
    // The scale follows the largest coefficient, or the constant where the others
    // are zero as far as floats can tell.
    let (constant, linear) = values.split_last().expect("a row has a constant");
    let largest = linear.iter().map(Rational::abs).max();
    let mut sizes = largest
        .into_iter()
        .chain([constant.abs()])
        .filter(|size| !size.is_zero())
        .peekable();
    let about = |size: Rational| size.denom().bits() as i64 - size.numer().bits() as i64;
    if sizes.peek().is_none() {
        return lies_within(0);
    }
    sizes
        .map(about)
        .any(|about| (about - 1..=about + 1).any(lies_within))
}

/// Weights of ordinary, tiny and huge sizes, thirds, and numbers beyond the floats:
/// no coefficient leaves its radius, and a coefficient that counts as zero is zero.
#[test]
fn float_rows_enclose_exact_ones() {
    both(check_that_float_rows_enclose_exact_ones);
}

fn check_that_float_rows_enclose_exact_ones() {
    let mut state = 7u64;
    let mut below = |bound: u64| {
        state = state
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (state >> 33) % bound
    };
    let (mut reduced, mut wider, mut targets, mut fours) = (0, 0, 0, 0);
    for trial in 0..150 {
        let extremes = trial % 3;
        let mut number = || {
            let unit = below(1 << 30) as f64 / (1u64 << 29) as f64 - 1.0;
            let size = match (extremes, below(4)) {
                (1, 0) => below(800) as i64 - 400,
                (2, 0) => below(2000) as i64 - 1000,
                _ => below(6) as i64 - 3,
            };
            match below(5) {
                0 => Number::ZERO,
                1 => Number::parse("1/3").unwrap(),
                2 => Number::from_rational(
                    Rational::from_float(unit).unwrap() * power(size) / BigInt::from(3),
                ),
                _ => Number::from_rational(Rational::from_float(unit).unwrap() * power(size)),
            }
        };
        // Rows of one, of two and of four vectors.
        let inputs = match trial % 30 {
            4 => 13,
            8 | 18 | 28 => 6,
            _ => 3,
        };
        let units = inputs + 2;
        let mut network = Network::new(Shape::new([inputs]));
        for (inputs, outputs) in [(inputs, units), (units, 5), (5, 4)] {
            let mut weight: Vec<Number> = (0..inputs * outputs).map(|_| number()).collect();
            let mut bias: Vec<Number> = (0..outputs).map(|_| number()).collect();
            if trial % 5 == 0 {
                // Two units of one class.
                let (one, other) = weight.split_at_mut(inputs);
                other[..inputs].clone_from_slice(one);
                bias[1] = bias[0].clone();
            }
            let affine = Affine::dense(inputs, outputs, weight, bias).unwrap();
            network.push(Layer::Affine(affine)).unwrap();
            network.push(Layer::Relu).unwrap();
        }
        let stages = stages(&network);
        let chart = &charts(&stages, &Domain::everything(inputs))[0];
        let domain = Level::domain(chart);
        let first = Level::first(&domain, chart);
        let signs = |n: usize, active: &dyn Fn(usize) -> bool| -> Vec<Sign> {
            (0..n)
                .map(|unit| [Sign::Negative, Sign::Positive][usize::from(active(unit))])
                .collect()
        };
        let most = |unit: usize| !(unit + trial).is_multiple_of(4);
        let second = first.next(&stages[1], &signs(units, &most), Box::default());
        let third = second.next(&stages[2], &signs(5, &most), Box::default());
        // Two active units: two coordinates for all that comes.
        let two = |unit: usize| unit == 0 || unit == 2;
        let narrow = first.next(&stages[1], &signs(units, &two), Box::default());
        let narrower = narrow.next(&stages[2], &signs(5, &most), Box::default());
        // One active unit after two: coordinates of its own, and those two.
        let one = |unit: usize| unit == trial % 5;
        let narrowest = narrow.next(&stages[2], &signs(5, &one), Box::default());
        let unit = |k: usize| match k {
            0 => [Int::ONE, Int::ZERO, Int::ZERO],
            2 => [Int::ZERO, Int::ONE, Int::ZERO],
            _ => [Int::ZERO; 3],
        };
        let units = ExactForms {
            entries: (0..units).flat_map(unit).collect(),
            width: 3,
            denominator: Int::ONE,
        };
        let exact = units.through(&stages[1].maps[0], two);
        let after = exact.through(&stages[2].maps[0], |unit| (unit + trial) % 4 != 0);
        let last = exact.through(&stages[2].maps[0], one);
        for (level, exact) in [(&narrow, &exact), (&narrower, &after), (&narrowest, &last)] {
            let in_two = |which: &usize| {
                let own = level.reduced(*which);
                own.is_some_and(|own| own.coordinates.level == 1)
            };
            // There may be none where these say too little.
            let Some(which) = (0..REDUCTIONS).find(in_two) else {
                continue;
            };
            wider += usize::from(which > 0);
            for (index, class) in level.classes().iter().enumerate() {
                let Some(row) = level.reduced_row(level.id(index), which) else {
                    continue;
                };
                let entries = exact.row(class.representative());
                assert!(
                    [&Int::ONE, &exact.denominator]
                        .into_iter()
                        .any(|denominator| is_row_enclosed(row, None, entries, denominator)),
                    "trial {trial}, level {}, reduced row {index}",
                    level.number()
                );
                reduced += 1;
            }
            let coordinates = [0, 2].map(|index| RowId {
                level: 1,
                index,
                negated: false,
            });
            for (k, id) in coordinates.into_iter().enumerate() {
                if let Some(row) = level.reduced_row(id, which) {
                    let expected: Vec<f64> = (0..3).map(|c| f64::from(u8::from(c == k))).collect();
                    assert_eq!(row.center, expected);
                }
            }
        }
        for level in [&second, &third] {
            // Vertices look at forms, before rows are made of them.
            let unscaled = level.own.rows.get().is_none();
            for (index, class) in level.classes().iter().enumerate() {
                let forms = &level.exact().forms;
                let entries = forms.row(class.representative());
                let values = entries
                    .iter()
                    .map(|entry| Rational::new(entry.to_big(), forms.denominator.to_big()));
                let values: Vec<Rational> = values.collect();
                let content = match values.iter().position(|value| !value.is_zero()) {
                    Some(k) if k < inputs => Content::Hyperplane,
                    Some(_) => Content::Constant,
                    None => Content::Zero,
                };
                if inputs == 3 && unscaled && level.own.rows.get().is_none() {
                    let target = level.target(index as u32);
                    let rational = |x: f64| Rational::from_float(x).unwrap();
                    let off = |k: usize| (&values[k] - rational(target.entries[k])).abs();
                    let sum: Rational = (0..=inputs).map(off).sum();
                    assert!(sum <= rational(target.slack), "trial {trial}");
                    if let Some(four) = level.four_of::<Plain, 4>(index / LANES) {
                        let lane = index % LANES;
                        let entries = four.entries.map(|lanes| lanes.array()[lane]);
                        assert_eq!(entries, target.entries[..4]);
                        let [magnitudes, slack] = [four.magnitudes, four.slack];
                        assert_eq!(magnitudes.array()[lane], target.magnitudes);
                        assert_eq!(slack.array()[lane], target.slack);
                        fours += 1;
                    }
                    targets += 1;
                }
                assert_eq!(level.content(index), content, "trial {trial}");
            }
        }
        // In memory that another one, of other size, leaves behind.
        let told = |level: &Level| {
            let forms = &level.own.forms;
            let (tame, vague) = (forms.tame, forms.is_vague());
            let rows = (forms.vectors(), forms.fours(), forms.supports());
            format!("{rows:?} {} {tame} {vague}", forms.all_have_slope())
        };
        let made = told(&second);
        let again = first.next(
            &stages[1],
            &signs(inputs + 2, &most),
            narrowest.into_memory(),
        );
        assert_eq!(told(&again), made);
        for level in [&first, &second, &third] {
            let slopes = (0..level.len()).all(|n| level.content(n) == Content::Hyperplane);
            assert!(slopes || !level.all_have_slope(), "trial {trial}");
            for index in 0..level.len() {
                assert!(
                    is_enclosed(level, index),
                    "trial {trial}, level {}, row {index}",
                    level.number()
                );
            }
        }
    }
    assert!(reduced > 300 && wider > 30, "{reduced}, {wider}");
    assert!(targets > 300 && fours > 200, "{targets}, {fours}");
}

/// Where a first layer's numbers are so small that bounds against underflow matter, its rows are
/// scaled before anybody looks at its forms, and else not.
#[test]
fn small_first_layers_are_scaled_at_once() {
    for (size, small) in [
        ("1", false),
        ("3e-120", false),
        ("3e-121", true),
        ("1e-140", true),
    ] {
        let mut network = Network::new(Shape::new([2]));
        let size = Number::parse(size).unwrap();
        let affine = Affine::dense(2, 2, vec![size; 4], vec![Number::ZERO; 2]).unwrap();
        network.push(Layer::Affine(affine)).unwrap();
        network.push(Layer::Relu).unwrap();
        let domain = Domain::parse_box("-1,1", 2).unwrap();
        let charts = charts(&stages(&network), &domain);
        let sides = Level::domain(&charts[0]);
        let first = Level::first(&sides, &charts[0]);
        assert!(first.own.forms.tame);
        assert_eq!(first.own.rows.get().is_some(), small);
    }
}
