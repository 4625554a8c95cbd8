//! The float weights of a sparse map, four rows at a time: what is loaded for one row
//! serves all four.

use std::borrow::Cow;
use std::ops::Range;

use crate::arithmetic::lanes::LANES;

/// Rows of a map in blocks. The order of the rows is free, so that those with the same
/// columns, as a convolution has, come together.
#[derive(Debug)]
pub struct Blocks {
    blocks: Vec<Block>,
    columns: Vec<u32>,
    weights: Vec<[f64; LANES]>,
    /// Whether all blocks are four rows in a row, of which the last may lie beyond the end.
    fill_all: bool,
}

/// Up to four rows with the columns of all of them.
#[derive(Debug)]
struct Block {
    rows: [u32; LANES],
    len: usize,
    four: Option<usize>,
    /// Where its columns are, unless they are those of the block before.
    columns: Option<Range<usize>>,
}

/// One block, ready to use.
#[derive(Clone, Copy)]
pub struct View<'a> {
    /// The rows' numbers.
    pub rows: &'a [u32],
    /// Their number divided by four, where these are four rows in a row, of which the last
    /// may lie beyond the end.
    pub four: Option<usize>,
    /// In ascending order.
    pub columns: &'a [u32],
    /// Whether they are other ones than those of the block before.
    pub are_new: bool,
    /// One vector a column, zero where a row does not have it, and at last the biases.
    pub weights: &'a [[f64; LANES]],
}

impl Blocks {
    /// Of a map with so many rows; `row` gives the columns of one, no two the same, and
    /// its weights, and `bias` what is added to it.
    pub fn new<'a>(
        rows: usize,
        row: impl Fn(usize) -> (&'a [u32], &'a [f64]),
        bias: impl Fn(usize) -> f64,
    ) -> Self {
        let mut order: Vec<usize> = (0..rows).collect();
        let entries = (0..rows).map(|number| row(number).0.len()).sum::<usize>();
        // Most maps are dense.
        if (1..rows).any(|number| row(number).0 != row(0).0) {
            order.sort_by(|&a, &b| row(a).0.cmp(row(b).0));
        }
        let fours = rows.div_ceil(LANES);
        let mut result = Blocks {
            blocks: Vec::with_capacity(fours),
            columns: Vec::new(),
            weights: Vec::with_capacity(entries.div_ceil(LANES) + fours),
            fill_all: true,
        };
        let (mut rest, mut before) = (order.as_slice(), Vec::new());
        while let Some(&first) = rest.first() {
            let mut columns = match row(first).0 {
                ascending if ascending.is_sorted() => Cow::from(ascending),
                other => union(other, &[]).into(),
            };
            let (mut len, mut own) = (1, columns.len());
            // As long as no more than half of the products are with zeros.
            while len < LANES && len < rest.len() {
                let next = row(rest[len]).0;
                own += next.len();
                if *next != *columns {
                    let both = union(&columns, next);
                    if both.len() * (len + 1) > 2 * own {
                        break;
                    }
                    columns = both.into();
                }
                len += 1;
            }
            let are_new = result.blocks.is_empty() || before != *columns;
            result.push(&rest[..len], &columns, are_new, rows, &row, &bias);
            rest = &rest[len..];
            before = columns.into_owned();
        }
        result.fill_all = result.blocks.iter().all(|block| block.four.is_some());
        result
    }

    fn push<'a>(
        &mut self,
        rows: &[usize],
        columns: &[u32],
        are_new: bool,
        of: usize,
        row: &impl Fn(usize) -> (&'a [u32], &'a [f64]),
        bias: &impl Fn(usize) -> f64,
    ) {
        let range = are_new.then(|| {
            self.columns.extend_from_slice(columns);
            self.columns.len() - columns.len()..self.columns.len()
        });
        let start = self.weights.len();
        self.weights.resize(start + columns.len() + 1, [0.0; LANES]);
        let weights = &mut self.weights[start..];
        let mut numbers = [0; LANES];
        for (lane, &number) in rows.iter().enumerate() {
            numbers[lane] = number as u32;
            let (own, values) = row(number);
            if own == columns {
                weights
                    .iter_mut()
                    .zip(values)
                    .for_each(|(to, value)| to[lane] = *value);
            } else {
                for (column, value) in own.iter().zip(values) {
                    let place = columns.binary_search(column);
                    weights[place.expect("columns of all rows")][lane] = *value;
                }
            }
            weights[columns.len()][lane] = bias(number);
        }
        let first = rows[0];
        let in_a_row = (first..).zip(rows).all(|(a, &b)| a == b);
        let complete = rows.len() == LANES || first + rows.len() == of;
        self.blocks.push(Block {
            rows: numbers,
            len: rows.len(),
            four: (first.is_multiple_of(LANES) && in_a_row && complete).then_some(first / LANES),
            columns: range,
        });
    }

    /// Whether the blocks together are all rows by fours, with none left out.
    pub fn fill_all(&self) -> bool {
        self.fill_all
    }

    /// All blocks.
    #[inline(always)]
    pub fn iter(&self) -> impl Iterator<Item = View<'_>> {
        let (mut columns, mut weights) = (&self.columns[..0], &self.weights[..]);
        self.blocks.iter().map(move |block| {
            if let Some(own) = &block.columns {
                columns = &self.columns[own.clone()];
            }
            let own;
            (own, weights) = weights.split_at(columns.len() + 1);
            View {
                rows: &block.rows[..block.len],
                four: block.four,
                columns,
                are_new: block.columns.is_some(),
                weights: own,
            }
        })
    }
}

/// What is in one or the other of two lists, ascending.
fn union(a: &[u32], b: &[u32]) -> Vec<u32> {
    let mut both = [a, b].concat();
    both.sort_unstable();
    both.dedup();
    both
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Random rows, some of them with the same columns: each weight is where it belongs,
    /// and at most half of them are zeros.
    #[test]
    fn blocks_hold_every_weight_once() {
        let mut state = 3u64;
        let mut below = |bound: u64| {
            state = state
                .wrapping_mul(6364136223846793005)
                .wrapping_add(1442695040888963407);
            (state >> 33) % bound
        };
        for _ in 0..200 {
            let inputs = 1 + below(9) as usize;
            let rows = below(20) as usize;
            let kinds = 1 + below(5);
            let patterns: Vec<u64> = (0..kinds).map(|_| below(1 << inputs)).collect();
            let columns: Vec<Vec<u32>> = (0..rows)
                .map(|_| {
                    let pattern = patterns[below(kinds) as usize];
                    (0..inputs as u32)
                        .filter(|k| pattern >> k & 1 == 1)
                        .collect()
                })
                .collect();
            let weights: Vec<Vec<f64>> = columns
                .iter()
                .map(|columns| columns.iter().map(|_| 1.0 + below(99) as f64).collect())
                .collect();
            let blocks = Blocks::new(
                rows,
                |row| (&columns[row], &weights[row]),
                |row| -(row as f64),
            );
            let mut seen = vec![false; rows];
            let mut before = None;
            for block in blocks.iter() {
                assert_eq!(block.are_new, before != Some(block.columns));
                before = Some(block.columns);
                assert_eq!(block.weights.len(), block.columns.len() + 1);
                if let Some(four) = block.four {
                    let all = (LANES * four..rows.min(LANES * four + LANES)).map(|row| row as u32);
                    assert!(all.eq(block.rows.iter().copied()));
                }
                let mut entries = 0;
                for (lane, &row) in block.rows.iter().enumerate() {
                    let row = row as usize;
                    assert!(!std::mem::replace(&mut seen[row], true));
                    let found: Vec<(u32, f64)> = block
                        .columns
                        .iter()
                        .zip(block.weights)
                        .map(|(column, weights)| (*column, weights[lane]))
                        .filter(|(_, weight)| *weight != 0.0)
                        .collect();
                    let expected: Vec<(u32, f64)> = columns[row]
                        .iter()
                        .copied()
                        .zip(weights[row].iter().copied())
                        .collect();
                    assert_eq!(found, expected);
                    assert_eq!(block.weights[block.columns.len()][lane], -(row as f64));
                    entries += found.len();
                }
                assert!(block.columns.len() * block.rows.len() <= 2 * entries);
            }
            assert!(seen.into_iter().all(|seen| seen));
        }
    }
}
