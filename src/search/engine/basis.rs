//! What is proved with floats of a basis, once for all that is proved with it.
//!
//! Let S be the linear parts of the basis' d rows, one a row, and G the float inverse of S
//! that the dictionary holds. When F = G S - 1 has row sums of magnitudes at most φ < 1,
//! S is invertible and its inverse is (1 + F)^-1 G: the error of anything that is solved
//! with G is bounded by what is left over.

use super::dictionary::{Dictionary, Name};
use super::kernels;
use super::path::Path;
use crate::arithmetic::float::{TINY, UNIT, sum_error};
use crate::arithmetic::lanes::LANES;
use crate::search::level::Level;

/// A basis that is proved to be one.
#[derive(Clone, Debug, Default)]
pub struct Basis {
    /// φ.
    defect: f64,
    /// Its rows, oriented, one after another.
    rows: Vec<f64>,
    stride: usize,
    /// Their slacks.
    slacks: Vec<f64>,
    /// For each row, the largest magnitude in its column of G.
    sizes: Vec<f64>,
    /// Bounds the constants behind multipliers that are off by their columns' sizes.
    constants: f64,
    /// Whether all constants are exactly zero.
    homogeneous: bool,
    /// Multipliers of the row that is being proved.
    multipliers: Vec<f64>,
}

/// Numbers of G and multipliers below this start no proof: products of others with numbers
/// of at least [`TINY`] stay clear of underflow.
const LEAST: f64 = f64::from_bits((1023 - 300) << 52);

/// Rounds up sums of up to `terms` non-negative terms.
fn upwards(terms: usize) -> f64 {
    1.0 + 2.0 * sum_error(terms)
}

impl Basis {
    /// Proves that the dictionary's basis is one; false where floats cannot.
    pub fn prove(&mut self, level: &Level, path: &Path, dictionary: &Dictionary) -> bool {
        let d = dictionary.dimension();
        let stride = kernels::padded(d + 1);
        self.stride = stride;
        self.rows.resize(d * stride, 0.0);
        self.slacks.resize(d, 0.0);
        self.sizes.resize(d, 0.0);
        self.homogeneous = true;
        let places = self.rows.chunks_exact_mut(stride).zip(&mut self.slacks);
        for (&name, (entries, slack)) in dictionary.columns().iter().zip(places) {
            let row = match name {
                Name::Constraint(place) => path.row(place as usize),
                Name::Candidate(class) => level.own_vector(class as usize),
            };
            let from = row.entries.as_chunks::<LANES>().0;
            for (to, from) in entries.as_chunks_mut().0.iter_mut().zip(from) {
                *to = *from;
            }
            *slack = row.slack;
            self.homogeneous &= row.homogeneous;
        }
        let (values, inverse) = dictionary.inverse();
        let (rows, slacks) = (&self.rows, &self.slacks);
        let left = kernels::defect(rows, slacks, values, inverse, LEAST, &mut self.sizes);
        let Some(left) = left else {
            return false;
        };
        self.constants = 0.0;
        let rows = self.rows.chunks_exact(self.stride);
        for ((row, size), slack) in rows.zip(&self.sizes).zip(&self.slacks) {
            self.constants += size * (row[d].abs() + slack);
        }
        self.defect = left * upwards(2 * d + 2) + 2.0 * UNIT;
        self.defect < 0.5
    }

    /// Proves that `sign` times candidate `k` is positive wherever the basis' rows are: it
    /// is a combination of them with positive multipliers, and a constant that is positive,
    /// or zero with all others.
    ///
    /// The multipliers m that the dictionary proposes leave the rest r = h - m S, so those
    /// that leave nothing are m + r S^-1, where the magnitudes of r S^-1 are at most
    /// ‖r‖ / (1 - φ) times the largest ones in the columns of G, in the sum norm.
    pub fn proves(&mut self, level: &Level, dictionary: &Dictionary, k: usize, sign: i32) -> bool {
        let d = dictionary.dimension();
        let sign = f64::from(sign);
        let target = level.own_vector(dictionary.candidates()[k] as usize);
        let mut doubt = target.slack;
        self.multipliers.resize(d, 0.0);
        let entries = dictionary.entries(k);
        let slacks = self.slacks.iter();
        for ((to, entry), slack) in self.multipliers.iter_mut().zip(entries).zip(slacks) {
            let multiplier = sign * entry;
            // Nor is not-a-number.
            let enough = multiplier >= LEAST;
            if !enough {
                return false;
            }
            doubt += multiplier * slack;
            *to = multiplier;
        }
        let multipliers = &self.multipliers;
        let round_up = upwards(2 * d + 8);
        let doubt = doubt * round_up;
        let (rest, constant) = kernels::rest(&self.rows, multipliers, target.entries, sign);
        let error = (rest + doubt) * round_up / (1.0 - self.defect) * round_up;
        for (multiplier, size) in multipliers.iter().zip(&self.sizes) {
            let stays_positive = *multiplier > error * size * round_up + TINY;
            if !stays_positive {
                return false;
            }
        }
        target.homogeneous && self.homogeneous
            || constant > (doubt + error * self.constants * round_up) * round_up + TINY
    }

    /// A bound on how much any coordinate of the float point `y` differs from that of the
    /// point near it where all candidates in the basis vanish and its other rows have
    /// the same values.
    pub fn distance(&self, dictionary: &Dictionary, y: &[f64]) -> f64 {
        let d = dictionary.dimension();
        let largest = y.iter().fold(1.0, |max: f64, value| max.max(value.abs()));
        let mut sum = 0.0;
        for (column, name) in dictionary.columns().iter().enumerate() {
            if let Name::Candidate(_) = name {
                let row = &self.rows[column * self.stride..][..self.stride];
                let products = row.iter().zip(y).map(|(a, x)| a * x);
                let value = products.fold(row[d], |sum, product| sum + product);
                sum += self.sizes[column] * (value.abs() + largest * self.slacks[column]);
            }
        }
        let round_up = upwards(d + 4);
        sum * round_up / (1.0 - self.defect) * round_up
    }
}
