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

#[cfg(test)]
mod tests {
    use num_traits::{Signed, ToPrimitive, Zero};

    use super::*;
    use crate::arithmetic::Rational;
    use crate::arithmetic::float::power_of_two;
    use crate::search::engine::dictionary::Place;
    use crate::search::engine::samples::{
        Random, dot, exact_row, id, rational, solution, with_level,
    };
    use crate::search::engine::witness::{Short, near_crossing};

    /// d rows of which the first k vanish at `point` and the others are `step` there, then
    /// more rows that are a whisker above or below zero there.
    fn crossing(random: &mut Random, point: &[f64], k: usize, step: f64) -> Vec<Vec<Rational>> {
        let d = point.len();
        let whole = random.below(2) == 0;
        let mut rows = random.basis(d, true, whole);
        if d > 1 && random.below(5) == 0 {
            // Dependent rows, which may look like others.
            let third = Rational::new(1.into(), 3.into());
            let sum = |k: usize| &rows[0][k] + &rows[d / 2][k] * &third;
            rows[d - 1] = (0..=d).map(sum).collect();
        }
        for _ in 0..random.below(7) {
            let mut row = random.row(d, true);
            if random.below(2) == 0 {
                // One that moves with a row that vanishes.
                row.clone_from(&rows[random.below(k as u64) as usize]);
            }
            rows.push(row);
        }
        let point: Vec<Rational> = point.iter().map(|&y| rational(y)).collect();
        let (least, kinds) = [(2, 10), (15, 30), (40, 14)][random.below(3) as usize];
        for (place, row) in rows.iter_mut().enumerate() {
            let value = match place {
                _ if place < k => Rational::zero(),
                _ if place < d => rational(step),
                // Most of them above: all have to be.
                _ => match random.below(4) {
                    0 => random.whisker(least, kinds),
                    _ => random.whisker(least, kinds).abs(),
                },
            };
            row[d] = value - dot(&row[..d], &point);
            if random.below(4) == 0 {
                row[d] = rational(row[d].to_f64().unwrap());
            }
        }
        rows
    }

    /// What floats say of the crossing near a point holds in fractions: the basis is one,
    /// the crossing is as near as claimed, and the constraints are positive there if
    /// floats say so; so they are at the crossing nearest to the point that is told.
    #[test]
    fn what_floats_prove_of_crossings_is_true() {
        let random = &mut Random(4);
        let (mut bases, mut dependent) = (0, 0);
        let (mut inside, mut outside, mut told, mut untold) = (0, 0, 0, 0);
        for trial in 0..5_000 {
            let d = 1 + random.below(5) as usize;
            let k = 1 + random.below(d as u64) as usize;
            let point: Vec<f64> = (0..d).map(|_| random.unit()).collect();
            let step = power_of_two(-(random.below(12) as i64));
            let rows = crossing(random, &point, k, step);
            let negated: Vec<bool> = rows.iter().map(|_| random.below(2) == 0).collect();
            let mut given: Vec<Vec<Rational>> = rows.clone();
            for place in k..rows.len() {
                if negated[place] {
                    given[place].iter_mut().for_each(|a| *a = -a.clone());
                }
            }
            let mut state = Random(random.next());
            with_level(&given, random, |level| {
                let ids: Vec<_> = (k..rows.len())
                    .map(|place| id(level, place, negated[place]))
                    .collect();
                let mut path = Path::new(d);
                ids.iter().for_each(|&id| path.push(level, id));
                let candidates = (0..k as u32).map(Name::Candidate);
                let constraints = (0..(d - k) as u32).map(Name::Constraint);
                let columns = candidates.chain(constraints).collect();
                let Some(mut dictionary) = Dictionary::new(level, &path, columns, vec![], vec![])
                else {
                    return;
                };
                // In floats, whatever the rows are.
                dictionary.refresh(level, &path);
                // The point: from the vertex into the cell, and then more or less wrong.
                let noise = [0.0, 0.0, power_of_two(-(10 + state.below(44) as i64))];
                let noise = noise[state.below(3) as usize];
                let y: Vec<f64> = (0..d)
                    .map(|c| {
                        let vertex = dictionary.coordinates(d)[c];
                        let grown = (k..d).map(|column| step * dictionary.coordinates(column)[c]);
                        vertex + grown.sum::<f64>() + noise * state.unit()
                    })
                    .collect();
                if state.below(3) == 0 {
                    let least = 1 + state.below(40);
                    for (place, value) in dictionary.values_mut() {
                        if let Place::Coordinate = place {
                            *value *= 1.0 + state.whisker(least, 10).to_f64().unwrap();
                        }
                    }
                }
                let exact = |place: usize| match place {
                    _ if place < k => exact_row(level, id(level, place, false)),
                    _ => exact_row(level, id(level, place, negated[place])),
                };
                let basis_rows: Vec<_> = (0..d).map(exact).collect();
                let start: Vec<Rational> = y.iter().map(|&y| rational(y)).collect();
                let wanted = basis_rows
                    .iter()
                    .enumerate()
                    .map(|(place, (a, c))| match place {
                        _ if place < k => -c.clone(),
                        _ => dot(a, &start),
                    });
                let matrix = basis_rows.iter().map(|(a, _)| a.clone()).collect();
                let crossing = solution(matrix, wanted.collect());
                let mut basis = Basis::default();
                let proved = basis.prove(level, &path, &dictionary);
                dependent += u32::from(crossing.is_none());
                let Some(crossing) = crossing else {
                    assert!(!proved, "dependent, trial {trial}");
                    return;
                };
                if !proved {
                    return;
                }
                bases += 1;
                let distance = basis.distance(&dictionary, &y);
                for (a, b) in start.iter().zip(&crossing) {
                    let known = distance.is_infinite() || (a - b).abs() <= rational(distance);
                    assert!(known, "distance, trial {trial}");
                }
                let all_positive = |at: &[Rational]| {
                    (k..rows.len()).all(|place| {
                        let (a, c) = exact(place);
                        (dot(&a, at) + c).is_positive()
                    })
                };
                let (accepted, exactly) = (
                    path.is_positive_around(&y, distance),
                    all_positive(&crossing),
                );
                assert!(!accepted || exactly, "inside, trial {trial}");
                inside += u32::from(accepted);
                outside += u32::from(!exactly);

                let least = power_of_two(-(state.below(40) as i64));
                let mut short = Short::default();
                let Some(reach) = near_crossing(&y, least, distance, &mut short) else {
                    return;
                };
                let short = &short.point;
                // p = y - H^T l with H H^T l = h(y), as in docs/proofs.md.
                let start: Vec<Rational> = short.iter().map(|&y| rational(y)).collect();
                let forms = &basis_rows[..k];
                let gram = forms
                    .iter()
                    .map(|(a, _)| forms.iter().map(|(b, _)| dot(a, b)).collect());
                let values = forms.iter().map(|(a, c)| dot(a, &start) + c);
                let factors = solution(gram.collect(), values.collect()).unwrap();
                let nearest: Vec<Rational> = (0..d)
                    .map(|c| {
                        let steps = forms.iter().zip(&factors).map(|((a, _), l)| &a[c] * l);
                        &start[c] - steps.sum::<Rational>()
                    })
                    .collect();
                let accepted = path.is_positive_around(short, reach);
                let exactly = all_positive(&nearest);
                assert!(!accepted || exactly, "told, trial {trial}");
                told += u32::from(accepted);
                untold += u32::from(!exactly);
            });
        }
        let counts = [bases, dependent, inside, outside, told, untold];
        assert!(counts.iter().all(|&count| count > 100), "{counts:?}");
    }
}
