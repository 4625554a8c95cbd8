//! Directions from a vertex of a cell's dictionary into the cell.

use super::dictionary::{Dictionary, Name, PROPOSAL_ZERO};
use super::kernels::{Block, padded};
use crate::arithmetic::lanes::{LANES, Lanes, arrays, for_all_processors, unrolled};

/// How fast, at least, a constraint should grow along the step, its row having size 1.
const MARGIN: f64 = 0.01;

/// A direction, and memory.
#[derive(Default)]
pub struct Direction {
    /// How the values of the basis grow, filled up with zeros.
    growth: Vec<f64>,
    /// The rows of constraints that are zero at the vertex and do not grow in any case.
    tight: Vec<f64>,
}

impl Direction {
    /// How the value of each column of the basis grows.
    pub fn growth(&self, dictionary: &Dictionary) -> &[f64] {
        &self.growth[..dictionary.dimension()]
    }
}

/// How the constraints' values in the basis may grow so that all constraints do that are zero at
/// the vertex, while candidates in the basis stay zero. In whole numbers that is a proof that there
/// are points where all constraints are positive and these candidates zero. False when no
/// direction is found, in so many `rounds` of corrections.
pub fn inwards(dictionary: &Dictionary, rounds: usize, direction: &mut Direction) -> bool {
    let Direction { growth, tight } = direction;
    let d = dictionary.dimension();
    let stride = padded(d);
    // From the vertex, every basis value that may grow does: all alike where that leads
    // inside.
    growth.clear();
    growth.resize(stride, 0.0);
    for (growth, name) in growth.iter_mut().zip(dictionary.columns()) {
        if matches!(name, Name::Constraint(_)) {
            *growth = 1.0;
        }
    }
    tight.clear();
    let constraints = dictionary.constraints().len();
    let (values, block) = dictionary.constraint_block();
    for first in (0..constraints).step_by(64) {
        let some = Block {
            first: block.first + first,
            len: (block.len - first).min(64),
            ..block
        };
        let [zero, grow, shrink] = tight_rows(values, some, &growth[..d], PROPOSAL_ZERO);
        let there = u64::MAX >> (64 - (constraints - first).min(64));
        if zero & there & !grow != 0 {
            return false;
        }
        let mut mixed = zero & there & shrink;
        while mixed != 0 {
            let row = some.first + mixed.trailing_zeros() as usize;
            mixed &= mixed - 1;
            let start = tight.len();
            tight.resize(start + stride, 0.0);
            let columns = values.chunks_exact(block.stride).zip(&growth[..d]);
            for (entry, (column, free)) in tight[start..].iter_mut().zip(columns) {
                *entry = column[row] * free;
            }
        }
    }
    turn_inwards(growth, tight, rounds)
}

for_all_processors! {
    /// Of the first 64 rows of a block those whose values, in the column after those that have
    /// factors, are `zero` or less in magnitude; and of these those with a larger entry in some
    /// column with a factor of 1, and those with one below `-zero`. Other factors are 0.
    fn tight_rows<L>(values: &[f64], block: Block, factors: &[f64], zero: f64) -> [u64; 3] {
        let (none, zero, below) = (L::all(0.0), L::all(zero), L::all(-zero));
        let constants = &values[factors.len() * block.stride..];
        let [mut tight, mut grow, mut shrink] = [0; 3];
        for start in (0..block.len.min(64)).step_by(LANES) {
            let first = block.first + start;
            let load = |column: &[f64]| {
                L::load(column[first..].first_chunk().expect("whole vectors"))
            };
            let here = !load(constants).abs().above(zero) & ((1 << LANES) - 1);
            if here == 0 {
                continue;
            }
            let (mut least, mut largest) = (none, none);
            for (column, factor) in values.chunks_exact(block.stride).zip(factors) {
                let entries = load(column).times(L::all(*factor));
                least = entries.min(least);
                largest = entries.max(largest);
            }
            tight |= u64::from(here) << start;
            grow |= u64::from(largest.above(zero)) << start;
            shrink |= u64::from(below.above(least)) << start;
        }
        [tight, grow, shrink]
    }

    /// Corrects a direction, as a perceptron learns, until all `tight` constraints, zero
    /// at the vertex, grow along it. False when that takes more `rounds`. Rows of `tight` are as
    /// long as the direction, in whole vectors.
    ///
    /// Entries grow by at most 1 for each row in a round. So the error of the growth in floats is
    /// far below the margin, and growth by more than that is growth. Entries stay positive where they
    /// are free, or become so small that they count as zero: some that are positive instead, and
    /// small enough, leave all these rows growing, and let those grow that cannot shrink.
    fn turn_inwards<L>(direction: &mut [f64], tight: &[f64], rounds: usize) -> bool {
        unrolled!(
            direction.len() / LANES,
            [1 2 3 4],
            turn_inwards_in::<L>(direction, tight, rounds),
            else turn_inwards_by::<L>(direction, tight, rounds)
        )
    }

    /// How far to go from the vertex: half of the way to where the first of these constraints
    /// vanishes; and the least value that any of them has there. Those up to `zero` at the vertex
    /// grow: their slopes are made so.
    pub fn step_inwards<L>(
        slopes: &mut [f64],
        values: &[f64],
        constraints: usize,
        zero: f64,
    ) -> (f64, f64) {
        let (none, infinite, minus) = (L::all(0.0), L::all(f64::INFINITY), L::all(-1.0));
        let zero = L::all(zero);
        let slopes = slopes.as_chunks_mut::<LANES>().0;
        let values = values.as_chunks::<LANES>().0;
        let mut reach = infinite;
        for (slopes, values) in slopes.iter_mut().zip(values) {
            let (known, value) = (L::load(slopes), L::load(values));
            let slope = zero.below_pick(value.abs(), known, known.max(none));
            let here = none.max(value).over(slope.times(minus));
            reach = slope.below_pick(none, here, infinite).min(reach);
            slope.store(slopes);
        }
        let reach = reach.smallest();
        let step = if reach == f64::INFINITY { 1.0 } else { 0.5 * reach };
        let (whole, steps) = (constraints / LANES, L::all(step));
        let mut least = infinite;
        for (slopes, values) in slopes[..whole].iter().zip(values) {
            least = L::load(values).plus_product(steps, L::load(slopes)).min(least);
        }
        let mut least = least.smallest();
        for k in whole * LANES..constraints {
            let (slopes, values) = (slopes.as_flattened(), values.as_flattened());
            least = least.min(values[k] + step * slopes[k]);
        }
        (step, least)
    }
}

#[inline(always)]
fn turn_inwards_in<L: Lanes, const N: usize>(
    direction: &mut [f64],
    tight: &[f64],
    rounds: usize,
) -> bool {
    turn_inwards_by::<L>(&mut direction[..N * LANES], tight, rounds)
}

#[inline(always)]
fn turn_inwards_by<L: Lanes>(direction: &mut [f64], tight: &[f64], rounds: usize) -> bool {
    for _ in 0..rounds {
        let mut settled = true;
        for row in tight.chunks_exact(direction.len().max(1)) {
            let (mut size, mut growth) = (L::all(0.0), L::all(0.0));
            for (row, direction) in row.as_chunks().0.iter().zip(direction.as_chunks().0) {
                let entries = L::load(row);
                size = size.plus(entries.abs());
                growth = growth.plus_product(entries, L::load(direction));
            }
            let [[a, b, c, d], [e, f, g, h]] = arrays([size, growth]);
            let (size, growth) = ((a + b) + (c + d), (e + f) + (g + h));
            if growth <= MARGIN * size {
                settled = false;
                for (t, a) in direction.iter_mut().zip(row) {
                    // Grow freely, shrink towards zero. Where it is not free all are zero.
                    *t = if *a >= 0.0 { *t + a / size } else { *t * 0.7 };
                }
            }
        }
        if settled {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use num_traits::{Signed, Zero};

    use super::*;
    use crate::arithmetic::Rational;
    use crate::arithmetic::lanes::plain_only::both;
    use crate::search::engine::path::Path;
    use crate::search::engine::samples::{Random, id, rational, with_level};

    /// Cones with up to 90 sides, which all meet in the vertex, around a point that is known to be
    /// inside; some columns belong to candidates. What is found leads inside, in exact arithmetic, and
    /// is found in most of them; where nothing can lead inside, nothing is found.
    #[test]
    fn directions_lead_inside_of_cones() {
        both(|| {
            let random = &mut Random(17);
            let (mut found, mut missed, mut blocked, mut large) = (0, 0, 0, 0);
            for trial in 0..1_500 {
                let d = 1 + random.below(6) as usize;
                let count = d + random.below(if trial % 4 == 0 { 84 } else { 12 }) as usize;
                let mut draw = || random.below(7) as i64 - 3;
                let inside: Vec<i64> = (0..d).map(|_| draw()).collect();
                let mut rows: Vec<Vec<i64>> = Vec::new();
                while rows.len() < count {
                    let mut row: Vec<i64> = (0..d).map(|_| draw()).collect();
                    let value: i64 = row.iter().zip(&inside).map(|(a, x)| a * x).sum();
                    // A few that are zero at the point close the cone.
                    if row.iter().all(Zero::is_zero) || value == 0 && trial % 5 > 0 {
                        if inside.iter().all(Zero::is_zero) {
                            break;
                        }
                        continue;
                    }
                    row.iter_mut()
                        .for_each(|a| *a *= if value < 0 { -1 } else { 1 });
                    rows.push(row);
                }
                if rows.len() < count {
                    continue;
                }
                let exact = |row: &Vec<i64>| -> Vec<Rational> {
                    let entries = row.iter().chain([&0]);
                    entries.map(|&a| rational(a as f64)).collect()
                };
                let exact: Vec<Vec<Rational>> = rows.iter().map(exact).collect();
                let fixed = random.below(2) as usize;
                with_level(&exact, random, |level| {
                    let mut path = Path::new(d);
                    (0..count).for_each(|k| path.push(level, id(level, k, false)));
                    let mut columns: Vec<Name> = (0..d as u32).map(Name::Constraint).collect();
                    if fixed == 1 {
                        columns[0] = Name::Candidate(0);
                    }
                    let constraints = (d as u32..count as u32).collect();
                    let dictionary = Dictionary::new(level, &path, columns, constraints, vec![]);
                    let Some(dictionary) = dictionary.filter(Dictionary::is_whole) else {
                        return;
                    };
                    let mut direction = Direction::default();
                    let inside = inwards(&dictionary, 200, &mut direction);
                    let entry = |column: usize, k: usize| dictionary.constraint_entries(column)[k];
                    let rest = 0..count - d;
                    if inside {
                        found += 1;
                        large += u32::from(count - d > 64);
                        let growth = direction.growth(&dictionary);
                        for (column, growth) in growth.iter().enumerate() {
                            assert_eq!(*growth > 0.0, column >= fixed);
                            assert!(*growth >= 0.0);
                        }
                        for k in rest {
                            let terms = growth.iter().enumerate();
                            let terms = terms.map(|(c, g)| rational(*g) * rational(entry(c, k)));
                            assert!(terms.sum::<Rational>().is_positive(), "trial {trial}");
                        }
                    } else if rest.clone().any(|k| (fixed..d).all(|c| entry(c, k) <= 0.0)) {
                        blocked += 1;
                    } else if fixed == 0 && trial % 5 > 0 {
                        // There is a direction, to the point.
                        missed += 1;
                    }
                });
            }
            assert!(
                found > 200 && blocked > 20 && large > 5 && missed < found / 4,
                "{found} {missed} {blocked} {large}"
            );
        });
    }

    /// Against the definition, row by row.
    #[test]
    fn steps_go_half_of_the_way() {
        both(|| {
            let random = &mut Random(3);
            let mut endless = 0;
            for trial in 0..500 {
                let constraints = 1 + random.below(20) as usize;
                let mut draw = |zero: u64| {
                    let mut row: Vec<f64> = (0..constraints)
                        .map(|_| {
                            if random.below(zero) == 0 {
                                0.0
                            } else {
                                random.unit()
                            }
                        })
                        .collect();
                    row.resize(padded(constraints) + LANES * (trial % 2), 0.0);
                    row
                };
                let (mut slopes, values) = (draw(5), draw(4));
                let values: Vec<f64> = values.iter().map(|value| value.abs()).collect();
                let given = slopes.clone();
                let (step, least) = step_inwards(&mut slopes, &values, constraints, 1e-9);
                let mut reach = f64::INFINITY;
                for k in 0..constraints {
                    let grows = values[k] <= 1e-9;
                    assert_eq!(slopes[k], if grows { given[k].max(0.0) } else { given[k] });
                    if slopes[k] < 0.0 {
                        reach = reach.min(values[k] / -slopes[k]);
                    }
                }
                endless += u32::from(reach == f64::INFINITY);
                let expected = if reach == f64::INFINITY {
                    1.0
                } else {
                    reach / 2.0
                };
                assert_eq!(step, expected);
                let there = (0..constraints).map(|k| values[k] + step * slopes[k]);
                let expected = there.fold(f64::INFINITY, f64::min);
                assert!(
                    (least - expected).abs() <= 1e-12 * (1.0 + step),
                    "trial {trial}"
                );
            }
            assert!(endless > 5, "{endless}");
        });
    }
}
