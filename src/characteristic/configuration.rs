//! An arrangement as vectors: distinct, spanning, and in residues that keep every
//! linear dependence.
//!
//! A hyperplane `a.x + b = 0` becomes the vector (a, b), and where some b is not zero
//! the hyperplane at infinity (0, 1) joins them (the cone over the arrangement:
//! Stanley, An Introduction to Hyperplane Arrangements, 2004, section 1.1). Only which
//! sets of vectors are dependent matters from here on, so that
//! - columns are left out as long as the rank stays,
//! - vectors are written in a basis of their own, and fall apart into connected
//!   components,
//! - numbers are residues modulo primes. A determinant of integer vectors is at most
//!   the product of their lengths (Hadamard 1893). Where the product of the primes is
//!   greater, a determinant is zero exactly when it is zero modulo all of them.

use std::collections::HashSet;

use nalgebra::DMatrix;
use num_bigint::{BigInt, BigUint};
use num_traits::{One, ToPrimitive, Zero};

use super::field::{Field, Large, Small, inverse_matrix, is_prime};
use crate::arithmetic::rank::independent_part;
use crate::arithmetic::{Int, IntegerRow};
use crate::arrangement::stage::{ExactForms, stages};
use crate::network::Network;
use crate::search::Monitor;
use crate::{Error, Result};

/// The most entries of the dense matrix of all hyperplanes: some GiB.
const MAX_ENTRIES: usize = 1 << 25;

/// The vectors of an arrangement.
#[derive(Debug)]
pub struct Configuration {
    /// The dimension of the space that the hyperplanes are in.
    pub dimension: usize,
    /// How many distinct hyperplanes there are.
    pub hyperplanes: usize,
    /// Whether the hyperplane at infinity is one of the vectors.
    pub cone: bool,
    /// Vectors that are dependent on no others: each a component of rank one.
    pub coloops: usize,
    /// The other connected components.
    pub components: Vec<Component>,
    /// The primes of which coordinates are residues. A first one below 2^16 proves every
    /// dependence alone and a large one stands behind it, for symmetries; otherwise all
    /// are large and only together prove.
    pub primes: Vec<u64>,
}

/// Vectors of which no part is independent of the rest.
#[derive(Debug)]
pub struct Component {
    /// Of the vectors.
    pub rank: usize,
    /// The vectors one after the other, `rank` coordinates modulo the first prime, then
    /// modulo the second, and so on. The first `rank` of them are the unit vectors.
    pub vectors: Vec<u64>,
    /// The same coordinates in the real numbers, nearly, very long vectors shortened: good
    /// for guesses only. Empty where floats do not tell them.
    pub nearly: Vec<f64>,
}

impl Configuration {
    /// The hyperplanes of the only ReLU layer of a network; `None` when the monitor
    /// asks to stop. Primes of 61 bits are below `limit`.
    ///
    /// # Errors
    /// When the network has another number of ReLU layers, or is too large.
    pub fn of(network: &Network, limit: u64, monitor: &Monitor) -> Result<Option<Self>> {
        let dimension = network.input().len();
        let mut vectors = hyperplanes(network)?;
        let hyperplanes = vectors.len();
        let cone = vectors.iter().any(|vector| !vector[dimension].is_zero());
        if cone {
            let mut infinity = vec![BigInt::zero(); dimension + 1];
            infinity[dimension] = BigInt::from(1);
            vectors.push(infinity);
        }
        let mut configuration = Configuration {
            dimension,
            hyperplanes,
            cone,
            coloops: 0,
            components: Vec::new(),
            primes: Vec::new(),
        };
        let finished = configuration.split(vectors, limit, monitor);
        Ok(finished.then_some(configuration))
    }

    /// Splits the vectors into components; false when asked to stop.
    fn split(&mut self, vectors: Vec<Vec<BigInt>>, limit: u64, monitor: &Monitor) -> bool {
        let whole = |vector: &Vec<BigInt>| vector.iter().cloned().map(Int::from).collect();
        let matrix: Vec<Vec<Int>> = vectors.iter().map(whole).collect();
        let size = (matrix.len(), self.dimension + 1);
        let (basis, columns) = independent_part(size, |row, column| &matrix[row][column]);
        let rank = basis.len();
        if rank == vectors.len() {
            self.coloops = rank;
            return true;
        }
        let vectors: Vec<Vec<BigInt>> = vectors
            .iter()
            .map(|vector| columns.iter().map(|&c| vector[c].clone()).collect())
            .collect();
        let bound = largest_minor(&vectors, rank);
        let mut coordinates = Vec::new();
        let mut product = BigUint::one();
        if bound < (Small::LIMIT / 2).into() {
            // There is a prime between a number and its double.
            let mut above = (0..Small::LIMIT).filter(|&p| BigUint::from(p) > bound && is_prime(p));
            let small = Small::new(above.next().expect("a prime"));
            coordinates.extend(self::coordinates(&small, &vectors, &basis));
        }
        let mut below = (0..limit).rev().filter(|&p| is_prime(p));
        while product <= bound {
            if monitor.stopped() {
                return false;
            }
            let large = Large::new(below.next().expect("primes of 61 bits abound"));
            if let Some(found) = self::coordinates(&large, &vectors, &basis) {
                coordinates.push(found);
                product *= large.prime();
            }
        }
        let nearly = nearly_coordinates(&vectors, &basis).unwrap_or_default();
        // Vectors and the basis vectors that they need are in one component.
        let mut of_axis: Vec<usize> = (0..rank).collect();
        let needs = |vector: usize, axis: usize| {
            let at = vector * rank + axis;
            coordinates.iter().any(|(_, residues)| residues[at] != 0)
        };
        let first_axis: Vec<usize> = (0..vectors.len())
            .map(|vector| {
                let mut axes = (0..rank).filter(|&axis| needs(vector, axis));
                let first = axes.next().expect("no vector is zero");
                for axis in axes {
                    let (from, to) = (of_axis[axis], of_axis[first]);
                    of_axis
                        .iter_mut()
                        .filter(|c| **c == from)
                        .for_each(|c| *c = to);
                }
                first
            })
            .collect();
        let others = (0..vectors.len()).filter(|vector| !basis.contains(vector));
        let order: Vec<usize> = basis.iter().copied().chain(others).collect();
        for component in 0..rank {
            let axes: Vec<usize> = (0..rank).filter(|&a| of_axis[a] == component).collect();
            let inside = |&vector: &usize| of_axis[first_axis[vector]] == component;
            match axes.len() {
                0 => {}
                1 => self.coloops += 1,
                _ => {
                    let inside: Vec<usize> = order.iter().copied().filter(inside).collect();
                    let entries = |vector: usize| axes.iter().map(move |axis| vector * rank + axis);
                    self.components.push(Component {
                        rank: axes.len(),
                        vectors: inside
                            .iter()
                            .flat_map(|&v| coordinates.iter().map(move |(_, c)| (v, c)))
                            .flat_map(|(v, c)| entries(v).map(move |at| c[at]))
                            .collect(),
                        nearly: inside
                            .iter()
                            .flat_map(|&v| entries(v))
                            .filter_map(|at| nearly.get(at).copied())
                            .collect(),
                    });
                }
            }
        }
        self.primes = coordinates.iter().map(|&(prime, _)| prime).collect();
        true
    }
}

/// The distinct hyperplanes as primitive vectors (a, b), a not zero, in the order of
/// the units: a unit whose weights are all zero cuts nothing.
fn hyperplanes(network: &Network) -> Result<Vec<Vec<BigInt>>> {
    let refused = |place: &str, problem: String, remedy: &str| {
        Err(Error::input("--method whitney", place, problem, remedy))
    };
    let relu_layers = network.units_per_layer().len();
    if relu_layers != 1 {
        return refused(
            "network",
            format!("{relu_layers} ReLU layers; the regions of one layer are an arrangement's"),
            "use --method enumerate",
        );
    }
    let mut stages = stages(network);
    let stage = stages.remove(0);
    let inputs = network.input().len();
    let widest = stage.maps.iter().map(|map| map.outputs()).max();
    let entries = (inputs + 1).saturating_mul(widest.unwrap_or(0));
    if entries > MAX_ENTRIES {
        return refused(
            "network",
            format!(
                "{inputs} inputs and {} units: too large a matrix",
                stage.units
            ),
            "use --method enumerate, or a smaller network",
        );
    }
    let (first, rest) = stage.maps.split_first().expect("at least one map");
    let rows = (0..first.outputs()).flat_map(|row| {
        let mut form = vec![Int::ZERO; inputs + 1];
        for (column, weight) in first.integer_row(row) {
            form[column] = weight.clone();
        }
        form[inputs] = first.integer_bias(row).clone();
        form
    });
    let forms = ExactForms {
        entries: rows.collect(),
        width: inputs + 1,
        denominator: first.integers().denominator.clone(),
    };
    let forms = rest
        .iter()
        .fold(forms, |forms, map| forms.through(map, |_| true));
    let mut seen = HashSet::new();
    let mut distinct = Vec::new();
    for form in forms.rows() {
        if form[..inputs].iter().all(Int::is_zero) {
            continue;
        }
        let (direction, _) = IntegerRow::new(form).direction();
        let entry = |k| direction.entry(k).expect("big integers do not overflow");
        let vector = (0..=inputs).map(entry).collect();
        if seen.insert(direction) {
            distinct.push(vector);
        }
    }
    Ok(distinct)
}

/// A bound on the minors of any size (Hadamard 1893): the product of the greatest
/// lengths, none of which is below 1.
fn largest_minor(vectors: &[Vec<BigInt>], rank: usize) -> BigUint {
    let square = |vector: &Vec<BigInt>| -> BigUint {
        let squares = vector
            .iter()
            .map(|entry| entry.magnitude() * entry.magnitude());
        squares.sum()
    };
    let mut squares: Vec<BigUint> = vectors.iter().map(square).collect();
    squares.sort_unstable();
    let square: BigUint = squares.iter().rev().take(rank).product();
    square.sqrt()
}

/// The prime, and the coordinates of all vectors in the basis of some of them; `None`
/// when these are dependent modulo the prime.
fn coordinates<F: Field>(
    field: &F,
    vectors: &[Vec<BigInt>],
    basis: &[usize],
) -> Option<(u64, Vec<u64>)> {
    let residues: Vec<Vec<F::Element>> = vectors
        .iter()
        .map(|vector| vector.iter().map(|entry| field.residue(entry)).collect())
        .collect();
    let rows: Vec<&[F::Element]> = basis.iter().map(|&b| &residues[b][..]).collect();
    let inverse = inverse_matrix(field, &rows)?;
    let mut coordinates = Vec::with_capacity(vectors.len() * basis.len());
    for vector in &residues {
        let mut sum = vec![F::element(0); basis.len()];
        for (&entry, row) in vector.iter().zip(&inverse) {
            if entry != F::element(0) {
                for (sum, &other) in sum.iter_mut().zip(row) {
                    *sum = field.add_product(*sum, entry, other);
                }
            }
        }
        coordinates.extend(sum.into_iter().map(F::number));
    }
    Some((field.prime(), coordinates))
}

/// The coordinates of all vectors in the basis of some of them, very long vectors
/// shortened, as floats tell them.
fn nearly_coordinates(vectors: &[Vec<BigInt>], basis: &[usize]) -> Option<Vec<f64>> {
    let rank = basis.len();
    let float = |vector: &Vec<BigInt>| -> Vec<f64> {
        let bits = vector.iter().map(BigInt::bits).max().unwrap_or(0);
        let shift = bits.saturating_sub(500);
        let entry = |entry: &BigInt| (entry >> shift).to_f64().unwrap_or(0.0);
        vector.iter().map(entry).collect()
    };
    let floats: Vec<f64> = vectors.iter().flat_map(float).collect();
    let floats = DMatrix::from_row_slice(vectors.len(), rank, &floats);
    let inverse = floats.select_rows(basis).try_inverse()?;
    let coordinates = (floats * inverse).transpose();
    let finite = coordinates.iter().all(|entry| entry.is_finite());
    finite.then(|| coordinates.as_slice().to_vec())
}
