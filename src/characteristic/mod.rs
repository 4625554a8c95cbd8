//! The characteristic polynomial of an arrangement: counts regions without
//! enumerating them.
//!
//! The units of a network's only ReLU layer are hyperplanes in R^n. With the lattice of
//! their intersections (flats) F and its Moebius function mu, the characteristic
//! polynomial is `chi(t) = sum over F of mu(R^n, F) t^(dim F)`, and the arrangement has
//! `(-1)^n chi(-1)` regions, `|chi(1)|` of them relatively bounded (Zaslavsky, Facing up
//! to arrangements, 1975, Theorems A and C; the coefficients: Whitney 1932, Rota 1964).
//!
//! A region is relatively bounded when it is bounded once the directions along which no
//! hyperplane moves are divided out; where the normals span R^n, that is bounded.
//!
//! Two ways lead to the coefficients. Deletion and restriction walks through the sets
//! without broken circuits, as many as regions, but counts
//! whole planes and Boolean arrangements at a time, in the memory of one path. Where the
//! arrangement has many linear symmetries, flats are gone through rank by rank, one for
//! each orbit.
//!
//! Everything is exact, and no decision is shared with the search: [`crate::search`]
//! is an independent way to the same number of regions.
//!
//! ```
//! use chambers::Monitor;
//! use chambers::arithmetic::Number;
//! use chambers::characteristic::{Found, Symmetry, characteristic};
//! use chambers::network::{Affine, Layer, Network, Shape};
//! # fn main() -> chambers::Result<()> {
//! // x = y, y = z, x = z: the braid arrangement.
//! let weight = [1, -1, 0, 0, 1, -1, 1, 0, -1].map(Number::from).to_vec();
//! let mut network = Network::new(Shape::new([3]));
//! network.push(Layer::Affine(Affine::dense(3, 3, weight, vec![Number::ZERO; 3])?))?;
//! network.push(Layer::Relu)?;
//!
//! let answer = characteristic(&network, Symmetry::Auto, &Monitor::new())?;
//! let Found::Polynomial(polynomial) = answer.found else {
//!     panic!("nobody asked to stop");
//! };
//! assert_eq!(polynomial.to_string(), "t^3 - 3 t^2 + 2 t");
//! assert_eq!(polynomial.regions(), 6u32.into());
//! # Ok(())
//! # }
//! ```

mod configuration;
mod deletion;
mod field;
mod orbits;
mod polynomial;
mod symmetry;

pub use polynomial::CharacteristicPolynomial;

use std::time::{Duration, Instant};

use num_bigint::BigUint;
use num_integer::binomial;
use num_traits::One;

use crate::Result;
use crate::network::Network;
use crate::search::Monitor;
use configuration::{Component, Configuration};
use deletion::{Decone, Stop};
use field::{Field, Large, Small};
use orbits::Outcome;
use polynomial::product;
use symmetry::Group;

/// Whether to count up to symmetry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Symmetry {
    /// Look for symmetries, and use them where there are many.
    #[default]
    Auto,
    /// Do not look.
    Off,
}

/// What was found of an arrangement.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Distinct hyperplanes.
    pub hyperplanes: usize,
    /// The order of the group of symmetries that was used; 1 when none was.
    pub symmetries: BigUint,
    /// The polynomial, or what was known when the monitor asked to stop.
    pub found: Found,
    /// Wall-clock time.
    pub elapsed: Duration,
}

/// The polynomial or less: a part cannot pass for the whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// The whole polynomial.
    Polynomial(CharacteristicPolynomial),
    /// Stopped early: there are at least so many regions.
    AtLeast(BigUint),
}

/// The characteristic polynomial of the hyperplanes of a network's only ReLU layer, on
/// all of R^n.
///
/// A unit whose weights are all zero cuts nothing, and units of the same hyperplane cut
/// once.
///
/// # Errors
/// When the network has no ReLU layer or several, or is too large.
pub fn characteristic(network: &Network, symmetry: Symmetry, monitor: &Monitor) -> Result<Answer> {
    let start = Instant::now();
    let mut limit = Large::LIMIT;
    let mut answer = Answer {
        hyperplanes: 0,
        symmetries: BigUint::one(),
        found: Found::AtLeast(BigUint::one()),
        elapsed: Duration::ZERO,
    };
    while let Some(configuration) = Configuration::of(network, limit, monitor)? {
        answer.hyperplanes = configuration.hyperplanes;
        if count(&configuration, symmetry, monitor, &mut answer) != Err(Stop::Unlucky) {
            break;
        }
        // Other primes.
        limit = configuration.primes.iter().copied().min().unwrap_or(limit);
    }
    answer.elapsed = start.elapsed();
    Ok(answer)
}

/// The product over the components; when it is not whole, a lower bound for the number
/// of regions.
fn count(
    configuration: &Configuration,
    symmetry: Symmetry,
    monitor: &Monitor,
    answer: &mut Answer,
) -> std::result::Result<(), Stop> {
    // Every component is central and has a factor (t - 1) beside its decone; one of
    // them takes the hyperplane at infinity away.
    let central = configuration.coloops + configuration.components.len();
    let mut whitney = vec![BigUint::one()];
    for _ in usize::from(configuration.cone)..central {
        whitney = product(&whitney, &[BigUint::one(), BigUint::one()]);
    }
    answer.symmetries = BigUint::one();
    let mut end = Ok(());
    for component in &configuration.components {
        let primes = &configuration.primes;
        let group = match symmetry {
            Symmetry::Auto => worthwhile_group(component, primes),
            Symmetry::Off => None,
        };
        let by_orbits = group.and_then(|group| {
            let decone = decone_by_orbits(component, primes, &group, monitor)?;
            answer.symmetries *= group.order();
            Some(decone)
        });
        let decone = by_orbits.unwrap_or_else(|| deletion::decone(component, primes, monitor));
        whitney = product(&whitney, &decone.whitney);
        end = end.and(decone.end);
    }
    answer.found = if end.is_ok() {
        let dimension = configuration.dimension;
        Found::Polynomial(CharacteristicPolynomial::new(dimension, whitney))
    } else {
        Found::AtLeast(whitney.iter().sum::<BigUint>().max(BigUint::one()))
    };
    end
}

/// Fewer nodes of the recursion than this take no time worth saving.
const FEW_NODES: u32 = 20_000;

/// An orbit takes a thousand times as long as a node of the recursion.
const MANY_SYMMETRIES: u32 = 1000;

/// The symmetries of a component, where counting up to them promises to be faster.
fn worthwhile_group(component: &Component, primes: &[u64]) -> Option<Group> {
    let proved_by_the_first = primes[0] < Small::LIMIT || primes.len() == 1;
    let vectors = component.vectors.len() / (component.rank * primes.len());
    if component.rank < 3 || !proved_by_the_first {
        return None;
    }
    let nodes = binomial(
        BigUint::from(vectors - 1),
        BigUint::from(component.rank - 3),
    );
    if nodes < FEW_NODES.into() {
        return None;
    }
    let group = Group::of(component, primes)?;
    (group.order() >= MANY_SYMMETRIES.into()).then_some(group)
}

/// The decone of a component by orbits of flats; `None` when these are too many.
fn decone_by_orbits(
    component: &Component,
    primes: &[u64],
    group: &Group,
    monitor: &Monitor,
) -> Option<Decone> {
    let outcome = match primes[0] {
        prime if prime < Small::LIMIT => {
            orbits::count(component, primes.len(), &Small::new(prime), group, monitor)
        }
        prime => orbits::count(component, primes.len(), &Large::new(prime), group, monitor),
    };
    let (component, end) = match outcome {
        Outcome::All(whitney) => (whitney, Ok(())),
        Outcome::Some(whitney) => (whitney, Err(Stop::Asked)),
        Outcome::TooMany => return None,
    };
    // Division by 1 + x.
    let mut whitney: Vec<BigUint> = Vec::with_capacity(component.len());
    for number in component {
        let before = whitney.last().cloned().unwrap_or_default();
        whitney.push(number - before);
    }
    Some(Decone { whitney, end })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arithmetic::Number;
    use crate::network::{Affine, Layer, Shape};

    /// The components of the hyperplanes with these normals through the origin.
    fn configuration(dimension: usize, normals: &[Vec<i64>]) -> Configuration {
        let weight = normals.iter().flatten().map(|&w| w.into()).collect();
        let bias = vec![Number::ZERO; normals.len()];
        let affine = Affine::dense(dimension, normals.len(), weight, bias).unwrap();
        let mut network = Network::new(Shape::new([dimension]));
        network.push(Layer::Affine(affine)).unwrap();
        network.push(Layer::Relu).unwrap();
        let configuration = Configuration::of(&network, Large::LIMIT, &Monitor::new());
        configuration.unwrap().expect("nobody asked to stop")
    }

    fn next(state: &mut u64) -> u64 {
        *state = symmetry::mix(*state);
        *state
    }

    /// All images of some random vectors under some random permutations of coordinates.
    fn symmetric_vectors(dimension: usize, largest: i64, state: &mut u64) -> Vec<Vec<i64>> {
        let mut vectors: Vec<Vec<i64>> = (0..2 + next(state) % 3)
            .map(|_| {
                let entry = |_| (next(state) % (2 * largest + 1) as u64) as i64 - largest;
                (0..dimension).map(entry).collect()
            })
            .collect();
        let swaps: Vec<(usize, usize)> = (0..next(state) % 4)
            .map(|_| {
                let mut place = || (next(state) % dimension as u64) as usize;
                (place(), place())
            })
            .collect();
        let mut done = 0;
        while done < vectors.len() && vectors.len() < 30 {
            for &(i, j) in &swaps {
                let mut image = vectors[done].clone();
                image.swap(i, j);
                if !vectors.contains(&image) {
                    vectors.push(image);
                }
            }
            done += 1;
        }
        vectors
    }

    #[test]
    fn orbits_agree_with_deletion() {
        let (mut state, mut counted, mut symmetric) = (1, 0, 0);
        for case in 0..150 {
            let dimension = 3 + case % 3;
            let largest = [1, 2, 1_000_000][case / 3 % 3];
            let vectors = symmetric_vectors(dimension, largest, &mut state);
            let configuration = configuration(dimension, &vectors);
            let (primes, monitor) = (&configuration.primes, Monitor::new());
            for component in configuration.components.iter().filter(|c| c.rank >= 3) {
                let plain = deletion::decone(component, primes, &monitor);
                if primes[0] >= Small::LIMIT && primes.len() > 1 {
                    continue;
                }
                let group = Group::of(component, primes).expect("small numbers have floats");
                let decone = decone_by_orbits(component, primes, &group, &monitor);
                let decone = decone.expect("few orbits");
                assert_eq!(plain.whitney, decone.whitney, "{vectors:?}");
                counted += 1;
                symmetric += usize::from(group.order() > BigUint::one());
            }
        }
        assert!(counted > 60 && symmetric > 30, "{counted}, {symmetric}");
    }

    #[test]
    fn groups_have_the_right_order() {
        let pairs = |n: usize, signs: &[i64]| -> Vec<Vec<i64>> {
            let mut rows = Vec::new();
            for i in 0..n {
                for j in i + 1..n {
                    for &sign in signs {
                        let mut row = vec![0; n];
                        (row[i], row[j]) = (1, sign);
                        rows.push(row);
                    }
                }
            }
            rows
        };
        // Automorphisms of root systems (Bourbaki, Lie groups and Lie algebras, chapter
        // VI, plates I and IV), without the change of all signs: A4 has 2 * 5!, D4 with
        // its triality 1152, D5 2^5 5!.
        let cases = [
            (5, pairs(5, &[-1]), 120u32),
            (4, pairs(4, &[-1, 1]), 1152 / 2),
            (5, pairs(5, &[-1, 1]), 32 * 120 / 2),
            // All permutations of a circuit, whatever its coefficients.
            (
                3,
                vec![vec![1, 0, 0], vec![0, 1, 0], vec![0, 0, 1], vec![1, 2, 5]],
                24,
            ),
        ];
        for (dimension, rows, order) in cases {
            let configuration = configuration(dimension, &rows);
            let group = Group::of(&configuration.components[0], &configuration.primes);
            assert_eq!(group.expect("P exists").order(), order.into(), "{rows:?}");
        }
    }
}
