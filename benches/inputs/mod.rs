//! The networks and arrangements that the benches count.

pub mod cases;

use chambers::arithmetic::Number;
use chambers::network::{Affine, Layer, Network, Shape};

/// Deterministic uniform(-1, 1) numbers (xorshift64).
struct Random(u64);

impl Random {
    fn new(seed: u64) -> Self {
        let mut random = Random(seed * 7919 + 12345);
        for _ in 0..20 {
            random.next();
        }
        random
    }

    fn next(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1u64 << 53) as f64 * 2.0 - 1.0
    }

    fn number(&mut self) -> Number {
        Number::from_f64(self.next()).expect("uniform numbers are finite")
    }

    /// What a weight quantised to 8 bits is, up to scale: an integer from -127 to 127.
    fn int8(&mut self) -> Number {
        Number::from((self.next() * 127.5).trunc() as i64)
    }
}

fn push(network: &mut Network, weight: Vec<Number>, bias: Vec<Number>) {
    let inputs = network.output().len();
    let affine = Affine::dense(inputs, bias.len(), weight, bias).expect("sizes fit");
    network.push(Layer::Affine(affine)).expect("sizes fit");
    network.push(Layer::Relu).expect("sizes fit");
}

/// The arrangement of the hyperplanes a.x + b = 0, one row (a, b) each.
fn arrangement(rows: &[Vec<Number>]) -> Network {
    let dimension = rows[0].len() - 1;
    let mut network = Network::new(Shape::new([dimension]));
    let weight = rows.iter().flat_map(|row| row[..dimension].to_vec());
    let bias = rows.iter().map(|row| row[dimension].clone());
    push(&mut network, weight.collect(), bias.collect());
    network
}

fn integers(rows: &[Vec<i64>]) -> Network {
    let rows: Vec<Vec<Number>> = rows
        .iter()
        .map(|row| row.iter().map(|&entry| Number::from(entry)).collect())
        .collect();
    arrangement(&rows)
}

/// Hyperplanes in general position: uniform rows.
fn random(dimension: usize, hyperplanes: usize) -> Network {
    drawn(Random::new(1), dimension, hyperplanes, Random::number)
}

/// As [`random`], with integers of 8 bits.
fn int8(dimension: usize, hyperplanes: usize) -> Network {
    drawn(Random::new(4), dimension, hyperplanes, Random::int8)
}

fn drawn(
    mut random: Random,
    dimension: usize,
    hyperplanes: usize,
    draw: fn(&mut Random) -> Number,
) -> Network {
    let rows: Vec<Vec<Number>> = (0..hyperplanes)
        .map(|_| (0..=dimension).map(|_| draw(&mut random)).collect())
        .collect();
    arrangement(&rows)
}

/// A network with uniform weights and biases.
fn random_network(widths: &[usize]) -> Network {
    layers(Random::new(2), widths, Random::number, Random::number)
}

fn bias_free_network(widths: &[usize]) -> Network {
    layers(Random::new(2), widths, Random::number, |_| Number::ZERO)
}

fn int8_network(widths: &[usize]) -> Network {
    layers(Random::new(5), widths, Random::int8, Random::int8)
}

fn layers(
    mut random: Random,
    widths: &[usize],
    weight: fn(&mut Random) -> Number,
    bias: fn(&mut Random) -> Number,
) -> Network {
    let mut network = Network::new(Shape::new([widths[0]]));
    for pair in widths.windows(2) {
        let weights = (0..pair[0] * pair[1])
            .map(|_| weight(&mut random))
            .collect();
        let biases = (0..pair[1]).map(|_| bias(&mut random)).collect();
        push(&mut network, weights, biases);
    }
    network
}

/// x_i = x_j.
fn braid(n: usize) -> Network {
    let mut rows = Vec::new();
    for i in 0..n {
        for j in 0..i {
            let mut row = vec![0; n + 1];
            (row[i], row[j]) = (1, -1);
            rows.push(row);
        }
    }
    integers(&rows)
}

/// x_i = 0, x_i = x_j, x_i = -x_j.
fn type_b(n: usize) -> Network {
    let mut rows = Vec::new();
    for i in 0..n {
        let mut row = vec![0; n + 1];
        row[i] = 1;
        rows.push(row);
        for j in 0..i {
            for sign in [1, -1] {
                let mut row = vec![0; n + 1];
                (row[i], row[j]) = (1, sign);
                rows.push(row);
            }
        }
    }
    integers(&rows)
}

/// All non-zero 0/1 normals.
fn resonance(n: usize) -> Network {
    let row = |bits: usize| {
        (0..=n)
            .map(|k| if k < n { (bits >> k & 1) as i64 } else { 0 })
            .collect()
    };
    integers(&(1..1 << n).map(row).collect::<Vec<_>>())
}

/// Normals (1, x) for all x in {0, 1}^n.
fn threshold(n: usize) -> Network {
    let row = |bits: usize| {
        let entry = |k: usize| {
            if k == 0 {
                1
            } else if k <= n {
                (bits >> (k - 1) & 1) as i64
            } else {
                0
            }
        };
        (0..n + 2).map(entry).collect()
    };
    integers(&(0..1 << n).map(row).collect::<Vec<_>>())
}

/// `blocks` copies of a random arrangement that share no input.
fn disjoint_patches(blocks: usize, dimension: usize, filters: usize) -> Network {
    let mut random = Random::new(3);
    let filters: Vec<Vec<Number>> = (0..filters)
        .map(|_| (0..=dimension).map(|_| random.number()).collect())
        .collect();
    let mut rows = Vec::new();
    for block in 0..blocks {
        for filter in &filters {
            let mut row = vec![Number::ZERO; blocks * dimension + 1];
            row[block * dimension..(block + 1) * dimension].clone_from_slice(&filter[..dimension]);
            row[blocks * dimension] = filter[dimension].clone();
            rows.push(row);
        }
    }
    arrangement(&rows)
}

/// Regions of hyperplanes in general position (Schläfli; Zaslavsky 1975).
fn generic(dimension: usize, hyperplanes: usize) -> u64 {
    let (mut sum, mut term) = (0, 1);
    for k in 0..=dimension {
        sum += term;
        term = term * (hyperplanes - k) as u64 / (k + 1) as u64;
    }
    sum
}
