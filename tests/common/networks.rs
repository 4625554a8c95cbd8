//! Networks for the tests: from matrices, from hyperplanes, convolutions, at random.

use std::fmt::Write;

use chambers::arrangement::{Domain, Interval};
use chambers::network::{Affine, ChannelOrder, Convolution, Layer, Network, Shape};

use super::rng::Rng;
use super::{Number, Rational};

/// The weights of one unit, and its bias.
pub type Unit = (Vec<Number>, Number);

pub fn float(value: f64) -> Number {
    Number::from_f64(value).expect("finite")
}

pub fn fraction(numerator: i64, denominator: i64) -> Number {
    Number::from_rational(Rational::new(numerator.into(), denominator.into()))
}

/// 2^exponent, exactly.
pub fn power(exponent: i32) -> Number {
    float(2f64.powi(exponent))
}

pub fn product(a: &Number, b: &Number) -> Number {
    Number::from_rational(a.to_rational() * b.to_rational())
}

pub fn sum(a: &Number, b: &Number) -> Number {
    Number::from_rational(a.to_rational() + b.to_rational())
}

pub fn negative(a: &Number) -> Number {
    Number::from_rational(-a.to_rational())
}

/// A unit of integers: the weights, and last the bias.
pub fn unit(row: &[i64]) -> Unit {
    let (bias, weights) = row.split_last().expect("a bias");
    (
        weights.iter().map(|&w| w.into()).collect(),
        Number::from(*bias),
    )
}

/// The unit times a number.
pub fn scaled(unit: &Unit, factor: &Number) -> Unit {
    let weights = unit.0.iter().map(|w| product(w, factor)).collect();
    (weights, product(&unit.1, factor))
}

/// Dense layers, a ReLU after each.
pub fn dense(inputs: usize, layers: &[Vec<Unit>]) -> Network {
    let mut network = Network::new(Shape::new([inputs]));
    let mut width = inputs;
    for units in layers {
        push_dense(&mut network, width, units);
        network.push(Layer::Relu).expect("a ReLU fits anywhere");
        width = units.len();
    }
    network
}

/// Appends a dense layer without a ReLU.
pub fn push_dense(network: &mut Network, inputs: usize, units: &[Unit]) {
    let weight = units.iter().flat_map(|(weights, _)| weights.clone());
    let bias = units.iter().map(|(_, bias)| bias.clone());
    let affine = Affine::dense(inputs, units.len(), weight.collect(), bias.collect());
    network
        .push(Layer::Affine(affine.expect("as many weights as inputs")))
        .expect("layers that fit");
}

/// The network of one layer whose units are the hyperplanes `row[..n] . x + row[n] = 0`.
pub fn arrangement(rows: &[Vec<i64>]) -> Network {
    let units: Vec<Unit> = rows.iter().map(|row| unit(row)).collect();
    let inputs = units.first().expect("a hyperplane").0.len();
    dense(inputs, &[units])
}

/// A convolution in the paper's notation, (height, width, channel), without padding.
pub fn convolution(
    input: [usize; 2],
    channels: usize,
    filters: usize,
    kernel: [usize; 2],
    stride: usize,
) -> Convolution {
    let mut conv = Convolution::new(input, channels, filters, kernel, ChannelOrder::Last);
    conv.stride = [stride, stride];
    conv
}

/// A network that is one convolution and a ReLU; `zero_bias` leaves the biases out.
pub fn convolutional(conv: &Convolution, rng: &mut Rng, kind: Kind, zero_bias: bool) -> Network {
    let taps = conv.channels * conv.kernel[0] * conv.kernel[1];
    let weight: Vec<Number> = (0..conv.filters * taps).map(|_| kind.draw(rng)).collect();
    let bias = |_| {
        if zero_bias {
            Number::ZERO
        } else {
            kind.draw(rng)
        }
    };
    let bias: Vec<Number> = (0..conv.filters).map(bias).collect();
    let [height, width] = conv.input;
    let mut network = Network::new(Shape::new([height, width, conv.channels]));
    let affine = Affine::convolution(conv.clone(), &weight, &bias).expect("a possible convolution");
    network
        .push(Layer::Affine(affine))
        .expect("layers that fit");
    network.push(Layer::Relu).expect("a ReLU fits anywhere");
    network
}

/// The same windows as the convolution, but every position has weights of its own.
pub fn locally_connected(conv: &Convolution, rng: &mut Rng, kind: Kind) -> Network {
    let [rows, columns] = conv.positions().expect("a possible convolution");
    let inputs = conv.input[0] * conv.input[1] * conv.channels;
    let mut units = Vec::new();
    for (i, j) in (0..rows).flat_map(|i| (0..columns).map(move |j| (i, j))) {
        for _ in 0..conv.filters {
            let mut weights = vec![Number::ZERO; inputs];
            for a in i * conv.stride[0]..i * conv.stride[0] + conv.kernel[0] {
                for b in j * conv.stride[1]..j * conv.stride[1] + conv.kernel[1] {
                    for c in 0..conv.channels {
                        weights[(a * conv.input[1] + b) * conv.channels + c] = kind.draw(rng);
                    }
                }
            }
            units.push((weights, kind.draw(rng)));
        }
    }
    dense(inputs, &[units])
}

/// What weights look like.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// Integers up to this size.
    Integer(i64),
    /// f64, normal(0, 1).
    Normal,
    /// f32, normal(0, 1).
    Single,
    /// Integers up to 9 times 2^-e..2^e.
    Spread(i32),
    /// Fractions of small integers: mostly no f64.
    Fraction,
}

/// Small numbers of many sorts.
pub const KINDS: [Kind; 5] = [
    Kind::Integer(1),
    Kind::Integer(3),
    Kind::Normal,
    Kind::Fraction,
    Kind::Spread(20),
];

impl Kind {
    pub fn draw(self, rng: &mut Rng) -> Number {
        match self {
            Kind::Integer(largest) => Number::from(rng.range(-largest, largest)),
            Kind::Normal => float(rng.normal() * 0.7),
            Kind::Single => float(f64::from(rng.normal() as f32)),
            Kind::Spread(e) => {
                let exponent = rng.range(-i64::from(e), i64::from(e)) as i32;
                product(&Number::from(rng.range(-9, 9)), &power(exponent))
            }
            Kind::Fraction => fraction(rng.range(-9, 9), rng.range(1, 9)),
        }
    }
}

/// `count` random units.
pub fn random_units(rng: &mut Rng, kind: Kind, inputs: usize, count: usize) -> Vec<Unit> {
    let unit = |_| {
        let weights = (0..inputs).map(|_| kind.draw(rng)).collect();
        (weights, kind.draw(rng))
    };
    (0..count).map(unit).collect()
}

/// Random layers of these widths.
pub fn random_layers(rng: &mut Rng, kind: Kind, inputs: usize, widths: &[usize]) -> Vec<Vec<Unit>> {
    let mut from = inputs;
    let layer = |&width: &usize| {
        let units = random_units(rng, kind, from, width);
        from = width;
        units
    };
    widths.iter().map(layer).collect()
}

/// Copies some units over others in their layer: equal, scaled, negated, or shifted
/// in parallel.
pub fn duplicate_units(rng: &mut Rng, layers: &mut [Vec<Unit>]) {
    for units in layers {
        for _ in 0..units.len() / 2 {
            let (from, to) = (rng.below(units.len()), rng.below(units.len()));
            let factor = match rng.below(4) {
                0 => Number::ONE,
                1 => Number::from(-1),
                2 => power(rng.range(-9, 9) as i32),
                _ => negative(&power(rng.range(-9, 9) as i32)),
            };
            let mut copy = scaled(&units[from], &factor);
            if rng.one_in(4) {
                copy.1 = sum(&copy.1, &power(rng.range(-9, 0) as i32));
            }
            units[to] = copy;
        }
    }
}

/// Sets all biases to zero.
pub fn without_bias(layers: &mut [Vec<Unit>]) {
    for (_, bias) in layers.iter_mut().flatten() {
        *bias = Number::ZERO;
    }
}

/// Makes a layer die on a large set: most weights and all biases become negative,
/// and what a ReLU gives is not.
pub fn deaden(rng: &mut Rng, units: &mut [Unit]) {
    for (weights, bias) in units {
        for weight in weights.iter_mut() {
            if weight.to_f64() > 0.0 && !rng.one_in(4) {
                *weight = negative(weight);
            }
        }
        if bias.to_f64() > 0.0 {
            *bias = negative(bias);
        }
    }
}

/// Sets weights to zero, each with a chance of one in `n`.
pub fn sparsen(rng: &mut Rng, layers: &mut [Vec<Unit>], n: usize) {
    for (weights, _) in layers.iter_mut().flatten() {
        for weight in weights {
            if rng.one_in(n) {
                *weight = Number::ZERO;
            }
        }
    }
}

/// Does one of these to the layers, or nothing.
pub fn degenerate(rng: &mut Rng, layers: &mut [Vec<Unit>]) {
    match rng.below(6) {
        0 => duplicate_units(rng, layers),
        1 => without_bias(layers),
        2 => sparsen(rng, layers, 2),
        3 => {
            let dead = rng.below(layers.len());
            deaden(rng, &mut layers[dead]);
        }
        _ => {}
    }
}

/// A side that is bounded, half-infinite, infinite, or a point.
pub fn random_interval(rng: &mut Rng) -> Interval {
    let lower = Kind::Fraction.draw(rng);
    let length = fraction(rng.range(1, 20), rng.range(1, 9));
    let upper = sum(&lower, &length);
    let (lower, upper) = match rng.below(6) {
        0 => (Some(lower.clone()), Some(lower)),
        1 => (Some(lower), None),
        2 => (None, Some(upper)),
        3 => (None, None),
        _ => (Some(lower), Some(upper)),
    };
    Interval { lower, upper }
}

pub fn interval(lower: Number, upper: Number) -> Interval {
    Interval {
        lower: Some(lower),
        upper: Some(upper),
    }
}

/// A box with integer sides; `None` is infinite.
pub fn integer_box(sides: &[(Option<i64>, Option<i64>)]) -> Domain {
    let interval = |&(lower, upper): &(Option<i64>, Option<i64>)| Interval {
        lower: lower.map(Number::from),
        upper: upper.map(Number::from),
    };
    Domain::new(sides.iter().map(interval).collect())
}

/// The network, every weight exactly: enough to reproduce a failure.
pub fn describe(network: &Network) -> String {
    let mut text = format!("input {}", network.input());
    for layer in network.layers() {
        match layer {
            Layer::Affine(affine) => {
                text.push_str("\nrows of weights, then bias, one unit a line:");
                for r in 0..affine.output().len() {
                    let (columns, weights) = affine.row(r);
                    let mut row = vec!["0".to_string(); affine.input_len()];
                    for (&column, weight) in columns.iter().zip(weights) {
                        row[column as usize] = weight.to_string();
                    }
                    let bias = &affine.bias()[r];
                    write!(text, "\n  {} | {bias}", row.join(" ")).expect("a String takes all");
                }
            }
            Layer::Relu => text.push_str("\nrelu"),
            Layer::Reshape(shape) => write!(text, "\nreshape {shape}").expect("a String takes all"),
        }
    }
    if text.len() > 20_000 {
        text.truncate(20_000);
        text.push_str("...");
    }
    text
}

/// The tent map of [0, 1], `depth` times: 2 relu(x) - 4 relu(x - 1/2).
pub fn tent(depth: usize) -> Network {
    let mut network = Network::new(Shape::new([1]));
    for _ in 0..depth {
        let halves = [
            (vec![Number::ONE], Number::ZERO),
            (vec![Number::ONE], fraction(-1, 2)),
        ];
        push_dense(&mut network, 1, &halves);
        network.push(Layer::Relu).expect("a ReLU fits anywhere");
        push_dense(&mut network, 2, &[unit(&[2, -4, 0])]);
    }
    network
}

/// `count` distinct lines through the point (1/3, 1/7), which no f64 is.
pub fn pencil(rng: &mut Rng, count: usize) -> Vec<Unit> {
    let mut slopes: Vec<i64> = Vec::new();
    let mut units = Vec::new();
    while units.len() < count {
        let slope = rng.range(-40, 40);
        if slopes.contains(&slope) {
            continue;
        }
        slopes.push(slope);
        // slope (x - 1/3) + 9 (y - 1/7), times anything.
        let bias = sum(&fraction(-slope, 3), &fraction(-9, 7));
        let line = (vec![Number::from(slope), Number::from(9)], bias);
        let factor = [1, -1, 3, -1024][rng.below(4)];
        units.push(scaled(&line, &Number::from(factor)));
    }
    units
}

/// The first layer in another basis of the inputs: a random unimodular matrix, made
/// of elementary column operations.
pub fn change_basis(rng: &mut Rng, units: &mut [Unit]) {
    let inputs = units.first().map_or(0, |(weights, _)| weights.len());
    for _ in 0..3 * inputs {
        let (i, j) = (rng.below(inputs), rng.below(inputs));
        let factor = Number::from(rng.range(-3, 3));
        for (weights, _) in units.iter_mut() {
            if i == j {
                weights[i] = negative(&weights[i]);
            } else {
                let add = product(&weights[i], &factor);
                weights[j] = sum(&weights[j], &add);
            }
        }
    }
}
