//! The constructions behind the lower bounds, built and counted.

mod common;

use chambers::Domain;
use chambers::theory::formula::WORK;
use chambers::theory::{arora, folding, montufar, pascanu, serra};
use common::check::count;
use common::networks::{self as nets, Unit};
use common::{Number, Rational};
use num_bigint::BigUint;

/// An affine function of the values of one layer.
#[derive(Clone)]
struct Form {
    weights: Vec<Rational>,
    bias: Rational,
}

fn rational(numerator: i64, denominator: i64) -> Rational {
    Rational::new(numerator.into(), denominator.into())
}

impl Form {
    fn zero(values: usize) -> Self {
        Form {
            weights: vec![rational(0, 1); values],
            bias: rational(0, 1),
        }
    }

    /// Value `k` of `values`.
    fn value(k: usize, values: usize) -> Self {
        let mut form = Form::zero(values);
        form.weights[k] = rational(1, 1);
        form
    }

    fn add(&mut self, other: &Form, factor: &Rational) {
        for (weight, other) in self.weights.iter_mut().zip(&other.weights) {
            *weight += other * factor;
        }
        self.bias += &other.bias * factor;
    }

    fn unit(&self) -> Unit {
        let number = |value: &Rational| Number::from_rational(value.clone());
        (
            self.weights.iter().map(number).collect(),
            number(&self.bias),
        )
    }
}

/// A zigzag on (0, 1): the units that make it, as (weight a, factor, shift) for
/// a max(0, factor x + shift), and a constant.
struct Zigzag {
    units: Vec<(Rational, Rational, Rational)>,
    constant: Rational,
}

impl Zigzag {
    /// `p` intervals with `p` units (Montufar et al. 2014).
    fn plain(p: usize) -> Self {
        let unit = |k: usize| {
            let weight = match k {
                0 => 1,
                k if k % 2 == 1 => -2,
                _ => 2,
            };
            (
                rational(weight, 1),
                rational(p as i64, 1),
                rational(-(k as i64), 1),
            )
        };
        Zigzag {
            units: (0..p).map(unit).collect(),
            constant: rational(0, 1),
        }
    }

    /// `p + 1` intervals with `p >= 3` units (Serra et al. 2018).
    fn one_more(p: usize) -> Self {
        let mut slopes: Vec<i64> = (0..=p).map(|k| if k % 2 == 0 { 1 } else { -1 }).collect();
        let left = if p % 2 == 1 {
            slopes[0] = 2;
            p..p + 1
        } else {
            slopes[p - 2] = 2;
            p - 1..p + 1
        };
        let length: Rational = slopes.iter().map(|slope| rational(1, slope.abs())).sum();
        let mut at = rational(0, 1);
        let mut units = Vec::new();
        let mut constant = rational(0, 1);
        for k in 1..=p {
            at += rational(1, slopes[k - 1].abs());
            let weight = rational(slopes[k] - slopes[k - 1], 1);
            if left.contains(&k) {
                constant -= &weight * &at;
                units.push((weight, -length.clone(), at.clone()));
            } else {
                units.push((weight, length.clone(), -at.clone()));
            }
        }
        Zigzag { units, constant }
    }

    /// The best that these units can do.
    fn of(p: usize) -> Self {
        if p >= 3 {
            Zigzag::one_more(p)
        } else {
            Zigzag::plain(p)
        }
    }
}

/// Folds every coordinate, an affine function of the layer before with values in (0, 1);
/// units left over are always active. Gives the layer and the coordinates after it.
fn fold(coordinates: &[Form], zigzags: &[Zigzag], width: usize) -> (Vec<Unit>, Vec<Form>) {
    let before = coordinates[0].weights.len();
    let mut units = Vec::new();
    let mut folded = Vec::new();
    for (coordinate, zigzag) in coordinates.iter().zip(zigzags) {
        let mut form = Form::zero(width);
        form.bias = zigzag.constant.clone();
        for (weight, factor, shift) in &zigzag.units {
            let mut unit = Form::zero(before);
            unit.add(coordinate, factor);
            unit.bias += shift;
            form.weights[units.len()] = weight.clone();
            units.push(unit.unit());
        }
        folded.push(form);
    }
    let mut idle = Form::zero(before);
    idle.bias = rational(1, 1);
    assert!(units.len() <= width);
    units.resize(width, idle.unit());
    (units, folded)
}

/// Hyperplanes in general position all of whose vertices are in the unit cube: sum_c i^c (x_c -
/// 1/2) = i^n / 10000 (Vandermonde).
fn generic(coordinates: &[Form], width: usize) -> Vec<Unit> {
    let before = coordinates[0].weights.len();
    let unit = |i: i64| {
        let mut form = Form::zero(before);
        for (c, coordinate) in (0..).zip(coordinates) {
            let power = rational(i.pow(c), 1);
            form.add(coordinate, &power);
            form.bias -= power / rational(2, 1);
        }
        form.bias -= rational(i.pow(coordinates.len() as u32), 10_000);
        form.unit()
    };
    (1..=width as i64).map(unit).collect()
}

/// Folds `n` of the inputs, layer by layer with what `zigzags` makes of a width, and cuts.
fn folding_network(
    inputs: u64,
    n: usize,
    widths: &[u64],
    zigzags: impl Fn(usize) -> Vec<Zigzag>,
) -> u64 {
    let inputs = inputs as usize;
    let mut coordinates: Vec<Form> = (0..n).map(|k| Form::value(k, inputs)).collect();
    let mut layers = Vec::new();
    let (last, folded) = widths.split_last().unwrap();
    for &width in folded {
        let (units, next) = fold(&coordinates, &zigzags(width as usize), width as usize);
        layers.push(units);
        coordinates = next;
    }
    layers.push(generic(&coordinates, *last as usize));
    let network = nets::dense(inputs, &layers);
    count(&network, &Domain::everything(inputs), 1).regions
}

const ARCHITECTURES: [(u64, &[u64]); 20] = [
    (1, &[4]),
    (1, &[1, 3]),
    (1, &[2, 2, 3]),
    (1, &[3, 3]),
    (1, &[3, 3, 3]),
    (1, &[4, 5, 3]),
    (1, &[3, 4, 3, 3]),
    (1, &[6, 6, 7]),
    (2, &[5]),
    (2, &[2, 3]),
    (2, &[3, 3]),
    (2, &[5, 5]),
    (2, &[6, 4]),
    (2, &[7, 6, 3]),
    (2, &[6, 6, 3]),
    (2, &[8, 8]),
    (3, &[2, 3]),
    (3, &[5, 3]),
    (3, &[9, 4]),
    (3, &[1, 4, 3]),
];

#[test]
fn foldings_reach_the_lower_bounds() {
    for (inputs, widths) in ARCHITECTURES {
        let case = format!("{inputs} inputs, widths {widths:?}");
        let n = inputs as usize;
        let upper: BigUint = serra::upper(inputs, widths, WORK).unwrap();
        let regions = folding_network(inputs, n, widths, |width| {
            (0..n).map(|_| Zigzag::plain(width / n)).collect()
        });
        assert!(upper >= regions.into(), "{case}");
        for bound in [pascanu::lower, montufar::lower_2014] {
            let Ok(bound) = bound(inputs, widths, WORK) else {
                continue;
            };
            assert!(bound <= regions.into(), "{case}: {bound} > {regions}");
        }
        if let Ok(bound) = serra::lower(inputs, widths, WORK) {
            let regions = folding_network(inputs, n, widths, |width| {
                (0..n).map(|_| Zigzag::one_more(width / n)).collect()
            });
            assert!(bound <= regions.into(), "{case}: {bound} > {regions}");
            assert!(upper >= regions.into(), "{case}");
            if n == 1 {
                assert_eq!(upper, regions.into(), "{case}");
            }
        }
        let best = widths[..widths.len() - 1]
            .iter()
            .fold(inputs, |n, &width| n.min(width));
        let regions = (1..=best as usize).map(|n| {
            folding_network(inputs, n, widths, |width| {
                (0..n)
                    .map(|k| Zigzag::of(width / n + usize::from(k < width % n)))
                    .collect()
            })
        });
        let most = regions.max().unwrap();
        let bound = folding::lower(inputs, widths, WORK).unwrap();
        assert!(bound <= most.into(), "{case}: {bound} > {most}");
        assert!(upper >= most.into(), "{case}");
    }
}

/// The sum of |g_i . x|, then a zigzag a layer, then cuts.
fn zonotope_network(inputs: u64, widths: &[u64], zigzag: impl Fn(usize) -> Zigzag) -> u64 {
    let inputs = inputs as usize;
    let (first, rest) = widths.split_first().unwrap();
    let mut units = Vec::new();
    for i in 1..=(first / 2) as i64 {
        let normal: Vec<i64> = (0..inputs as u32).map(|c| i.pow(c)).collect();
        for sign in [1, -1] {
            let weights = normal.iter().map(|&w| Number::from(sign * w)).collect();
            units.push((weights, Number::ZERO));
        }
    }
    let paired = units.len();
    units.resize(*first as usize, (vec![Number::ZERO; inputs], Number::ONE));
    let mut sum = Form::zero(*first as usize);
    sum.weights[..paired].fill(rational(1, 1));
    let mut layers = vec![units];
    let mut coordinate = vec![sum];
    if let Some((&last, folded)) = rest.split_last() {
        for &width in folded {
            let (units, next) = fold(&coordinate, &[zigzag(width as usize)], width as usize);
            layers.push(units);
            coordinate = next;
        }
        layers.push(generic(&coordinate, last as usize));
    }
    let network = nets::dense(inputs, &layers);
    count(&network, &Domain::everything(inputs), 1).regions
}

#[test]
fn zonotopes_reach_the_lower_bounds() {
    let architectures: [(u64, &[u64]); 9] = [
        (1, &[2]),
        (1, &[2, 2]),
        (1, &[3, 4, 5]),
        (2, &[4, 2, 2]),
        (2, &[6, 3, 3]),
        (2, &[7, 4, 2]),
        (2, &[4, 3, 1, 4]),
        (3, &[8, 3, 2]),
        (3, &[6, 4, 3]),
    ];
    for (inputs, widths) in architectures {
        let case = format!("{inputs} inputs, widths {widths:?}");
        let regions = zonotope_network(inputs, widths, Zigzag::plain);
        let bound = arora::lower(inputs, widths, WORK).unwrap();
        assert!(bound <= regions.into(), "{case}: {bound} > {regions}");
        if let Ok(bound) = serra::zonotope_lower(inputs, widths, WORK) {
            let regions = zonotope_network(inputs, widths, Zigzag::one_more);
            assert!(bound <= regions.into(), "{case}: {bound} > {regions}");
        }
    }
}

/// The tent map of depth L has 2^L pieces on (0, 1), and one more region on either side.
#[test]
fn the_tent_map_is_a_folding() {
    for depth in 1..=10 {
        let network = nets::tent(depth);
        let domain = Domain::new(vec![nets::interval(Number::ZERO, Number::ONE)]);
        let regions = count(&network, &domain, 1).regions;
        assert_eq!(regions, 1 << depth);
        let widths = vec![2; depth];
        // The bound's last layer may cut everywhere, the tent's does at 1/2 only.
        let bound = montufar::lower_2014(1, &widths, WORK).unwrap();
        assert_eq!(bound, BigUint::from(3u32) << (depth - 1));
        assert!(serra::upper(1, &widths, WORK).unwrap() >= regions.into());
    }
}
