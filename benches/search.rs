//! Counts fixed arrangements and networks, for instruction counts and times.
//!
//! `cargo bench --bench search` runs all cases and prints, for each, the regions
//! found, the known value where there is one, decisions proved exactly, and the
//! time a region took. `cargo bench --bench search -- NAME` runs those whose name
//! contains NAME. For instructions a region, divide callgrind's total by the regions:
//!
//! ```sh
//! valgrind --tool=callgrind target/release/deps/search-HASH NAME
//! ```

use chambers::arithmetic::Number;
use chambers::arrangement::Domain;
use chambers::network::{Affine, Layer, Network, Shape};
use chambers::search::{Monitor, Options, count};

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
}

fn dense(network: &mut Network, weight: Vec<Number>, bias: Vec<Number>) {
    let inputs = network.output().len();
    let affine = Affine::dense(inputs, bias.len(), weight, bias).expect("sizes fit");
    network.push(Layer::Affine(affine)).expect("sizes fit");
    network.push(Layer::Relu).expect("sizes fit");
}

/// The arrangement of the hyperplanes a.x + b = 0, one row (a, b) each.
fn arrangement(rows: &[Vec<Number>]) -> Network {
    let dimension = rows[0].len() - 1;
    let mut network = Network::new(Shape::new([dimension]));
    let weight = rows
        .iter()
        .flat_map(|row| row[..dimension].to_vec())
        .collect();
    dense(
        &mut network,
        weight,
        rows.iter().map(|row| row[dimension].clone()).collect(),
    );
    network
}

fn integers(rows: &[Vec<i64>]) -> Network {
    let rows: Vec<Vec<Number>> = rows
        .iter()
        .map(|row| row.iter().map(|&entry| Number::from(entry)).collect())
        .collect();
    arrangement(&rows)
}

fn random(dimension: usize, hyperplanes: usize) -> Network {
    let mut random = Random::new(1);
    let rows: Vec<Vec<Number>> = (0..hyperplanes)
        .map(|_| (0..=dimension).map(|_| random.number()).collect())
        .collect();
    arrangement(&rows)
}

fn random_network(widths: &[usize], biases: bool) -> Network {
    let mut random = Random::new(2);
    let mut network = Network::new(Shape::new([widths[0]]));
    for pair in widths.windows(2) {
        let weight = (0..pair[0] * pair[1]).map(|_| random.number()).collect();
        let bias = (0..pair[1])
            .map(|_| {
                if biases {
                    random.number()
                } else {
                    Number::ZERO
                }
            })
            .collect();
        dense(&mut network, weight, bias);
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

fn generic(hyperplanes: u64, dimension: u64) -> u64 {
    let (mut sum, mut term) = (0, 1);
    for k in 0..=dimension {
        sum += term;
        term = term * (hyperplanes - k) / (k + 1);
    }
    sum
}

struct Case {
    name: &'static str,
    /// Built only when the case runs, so that it does not weigh on the others.
    network: fn() -> Network,
    known: Option<u64>,
}

fn cases() -> Vec<Case> {
    let case = |name, network: fn() -> Network, known| Case {
        name,
        network,
        known,
    };
    vec![
        case("random-d2-n100", || random(2, 100), Some(generic(100, 2))),
        case("random-d3-n60", || random(3, 60), Some(generic(60, 3))),
        case("random-d4-n40", || random(4, 40), Some(generic(40, 4))),
        case("random-d6-n25", || random(6, 25), Some(generic(25, 6))),
        case("random-d8-n18", || random(8, 18), Some(generic(18, 8))),
        case("random-d12-n16", || random(12, 16), Some(generic(16, 12))),
        case("braid-7", || braid(7), Some(5040)),
        case("type-b-5", || type_b(5), Some(3840)),
        case("resonance-5", || resonance(5), Some(11292)),
        case("threshold-5", || threshold(5), Some(94572)),
        case(
            "disjoint-3x2-f8",
            || disjoint_patches(3, 2, 8),
            Some(37u64.pow(3)),
        ),
        case(
            "network-3-16-16-16",
            || random_network(&[3, 16, 16, 16], true),
            None,
        ),
        case(
            "bias-free-4-12-12",
            || random_network(&[4, 12, 12], false),
            None,
        ),
    ]
}

fn main() {
    let filter = std::env::args()
        .skip(1)
        .find(|argument| !argument.starts_with('-'))
        .unwrap_or_default();
    let options = Options {
        threads: Some(1),
        ..Options::default()
    };
    for case in cases()
        .into_iter()
        .filter(|case| case.name.contains(&filter))
    {
        let network = (case.network)();
        let domain = Domain::everything(network.input().len());
        let answer =
            count(&network, &domain, &options, &Monitor::new()).expect("the system starts threads");
        let verdict = match case.known {
            Some(known) if known == answer.regions => "as known",
            Some(_) => "WRONG",
            None => "",
        };
        println!(
            "{:<20} {:>9} regions {verdict:<8} {:>9} float {:>7} exact {:>8.0} ns/region",
            case.name,
            answer.regions,
            answer.decisions.float,
            answer.decisions.exact,
            answer.elapsed.as_nanos() as f64 / answer.regions as f64,
        );
    }
}
