//! From the states before a group to those before the next.

use std::collections::HashMap;

use num_bigint::BigUint;
use num_traits::{One, Zero};

use super::super::budget::Work;
use super::super::system::{Inputs, Row};
use super::values::{Column, Values};

/// What a group does to the states, whatever their values.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Step {
    /// The lowest state before, and how many there are.
    pub(super) first: u64,
    pub(super) states: u64,
    /// The inputs of the window.
    pub(super) length: u64,
    /// How far the next window starts behind it.
    pub(super) shift: u64,
    /// Lower states are raised to this.
    pub(super) floor: Option<u64>,
    pub(super) inputs: Inputs,
}

impl Step {
    /// Where u used inputs end up before the next window; `None` when an input is
    /// left behind that had to be matched.
    fn target(&self, used: u64) -> Option<u64> {
        match (self.inputs, used.checked_sub(self.shift)) {
            (_, Some(next)) => Some(next.max(self.floor.unwrap_or(0))),
            (Inputs::MayBeFree, None) => Some(self.floor.unwrap_or(0)),
            (Inputs::AreAllMatched, None) => None,
        }
    }
}

/// The weights from states to states.
pub(super) struct Transfer {
    first: u64,
    columns: Vec<Column>,
    /// What the transfer was made from; kept alive for its address.
    _row: Row,
}

/// Transfers, each made once.
#[derive(Default)]
pub(super) struct Transfers {
    made: HashMap<(*const BigUint, Step), Transfer>,
}

impl Transfers {
    /// More than a layer's regular windows and its borders need.
    const MOST: usize = 64;

    pub(super) fn get(&mut self, row: &Row, step: Step, work: &mut Work) -> Option<&Transfer> {
        let key = (row.as_ptr(), step);
        if !self.made.contains_key(&key) {
            if self.made.len() >= Self::MOST {
                self.made.clear();
            }
            self.made.insert(key, Transfer::new(row, step, work)?);
        }
        self.made.get(&key)
    }
}

impl Transfer {
    fn new(row: &Row, step: Step, work: &mut Work) -> Option<Transfer> {
        let last = step.first + step.states - 1;
        let most = row.len() as u64 - 1;
        let size: u64 = row.iter().map(|weight| weight.bits() / 64 + 2).sum();
        work.spend(size.saturating_mul(step.states).saturating_mul(10))?;
        work.fits(size.saturating_mul(step.states).saturating_mul(16))?;
        let highest = step.length.min(last.saturating_add(most));
        let first = step.floor.unwrap_or(0);
        let states = step
            .target(highest)
            .map_or(0, |highest| highest - first + 1);
        let mut entries: Vec<Vec<(u64, BigUint)>> = vec![Vec::new(); states as usize];
        for u in step.first..=last {
            for t in 0..=most.min(step.length.saturating_sub(u)) {
                if let Some(next) = step.target(u + t) {
                    let column = &mut entries[(next - first) as usize];
                    match column.last_mut() {
                        Some((from, weight)) if *from == u => *weight += &row[t as usize],
                        _ => column.push((u, row[t as usize].clone())),
                    }
                }
            }
        }
        let column = |entries: Vec<(u64, BigUint)>| {
            // Old states in ascending order, and consecutive: each t takes one step on.
            let from = entries.first().map_or(0, |(from, _)| from - step.first);
            let weights: Vec<BigUint> = entries.into_iter().map(|(_, weight)| weight).collect();
            Column::new(from as usize, &weights)
        };
        let mut columns: Vec<Column> = entries.into_iter().map(column).collect();
        if columns.is_empty() {
            // No t at all: the sum is empty.
            columns.push(Column::new(0, &[]));
        }
        Some(Transfer {
            first,
            columns,
            _row: row.clone(),
        })
    }

    /// The lowest state after.
    pub(super) fn first(&self) -> u64 {
        self.first
    }

    /// How many states there are after.
    pub(super) fn states(&self) -> usize {
        self.columns.len()
    }

    /// The values after so many equal steps.
    pub(super) fn apply(&self, mut values: Values, times: u64, work: &mut Work) -> Option<Values> {
        let per_limb: u64 = self.columns.iter().map(Column::work).sum();
        let growth = self.columns.iter().map(|column| column.planes.len()).max();
        let growth = growth.unwrap_or(0) as u64;
        // Step by step the numbers grow from step to step; by squaring, the last
        // products of half the length make nearly all of the work.
        let last = (values.len() as u64).saturating_add(growth.saturating_mul(times));
        let by_steps = per_limb.saturating_mul(times).saturating_mul(last) / 2;
        let states = self.states() as u64;
        let products = states.saturating_mul(states).saturating_mul(states) * 2;
        let by_squares = products.saturating_mul(multiplication(last / 2));
        work.fits(states.saturating_mul(states).saturating_mul(last * 16))?;
        // Only between equal states, so not where a single step may change them.
        if times > 1 && by_squares < by_steps {
            work.spend(by_squares)?;
            return Some(self.squared(values, times));
        }
        for _ in 0..times {
            work.spend(per_limb * values.len() as u64)?;
            values = values.combined(&self.columns);
        }
        Some(values)
    }

    /// The values after so many equal steps, by squares of the transfer matrix.
    fn squared(&self, values: Values, mut times: u64) -> Values {
        let states = self.states();
        // Rows are old states.
        let mut power = vec![vec![BigUint::zero(); states]; states];
        for (to, column) in self.columns.iter().enumerate() {
            let one = |from: usize| {
                let mut one = vec![BigUint::zero(); states];
                one[from] = BigUint::one();
                Values::new(&one)
                    .combined(std::slice::from_ref(column))
                    .sum()
            };
            for (from, row) in power.iter_mut().enumerate() {
                row[to] = one(from);
            }
        }
        let mut numbers: Vec<BigUint> = (0..states).map(|state| values.number(state)).collect();
        loop {
            if times & 1 == 1 {
                numbers = product(&numbers, &power);
            }
            times >>= 1;
            if times == 0 {
                return Values::new(&numbers);
            }
            power = power.iter().map(|row| product(row, &power)).collect();
        }
    }
}

/// A row times a matrix.
fn product(row: &[BigUint], matrix: &[Vec<BigUint>]) -> Vec<BigUint> {
    (0..matrix[0].len())
        .map(|to| row.iter().zip(matrix).map(|(x, line)| x * &line[to]).sum())
        .collect()
}

/// Steps of a product of two numbers of so many limbs.
fn multiplication(limbs: u64) -> u64 {
    if limbs < 32 {
        return limbs * limbs + 50;
    }
    // Karatsuba and Toom-3 lie near the power 3/2.
    limbs.saturating_mul(limbs.isqrt()).saturating_mul(6)
}
