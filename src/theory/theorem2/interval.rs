//! The interval programme: windows that move along a line.
//!
//! **When.** The inputs can be put in a line so that every window is an interval and,
//! from window to window, neither end moves back. So it is for convolutions along one
//! axis, with any padding, stride and dilation.
//!
//! **Why it is exact.** Match the groups in the order of their windows, each copy to
//! the first free input of its window. If any matching of the copies exists then this
//! one does: where a matching gives an earlier group an input after a free one, or
//! after one of a later group, that lies in its window, the two can be exchanged,
//! for the later window reaches at least as far. What is used of a window before its group
//! comes is then a prefix of it, and its length u says everything about the past.
//! Adding t copies makes u + t, at most the window's length; the next window starts L
//! inputs later and finds max(0, u + t - L) used.
//!
//! States that no future can tell apart are one: u is raised to the largest value
//! with which all that follows still fits.

use std::collections::HashMap;

use num_bigint::BigUint;
use num_traits::One;

use super::budget::Work;
use super::limbs::{add_product, dot, from_limbs, limbs, to_limbs};
use super::order;
use super::system::{Inputs, Row, System};

/// Groups in the order of their windows, measured in inputs.
pub(super) struct Line {
    stops: Vec<Stop>,
    inputs: Inputs,
}

struct Stop {
    weights: Row,
    start: u64,
    end: u64,
}

impl Line {
    /// The line of this system, if there is one: its inputs as they are numbered, or
    /// as a walk from one end of the system meets them.
    pub(super) fn of(system: &System, work: &mut Work) -> Option<Line> {
        system.spend_walk(work)?;
        let pools = 0..system.capacity.len() as u32;
        if let Some(line) = Line::along(system, pools.collect()) {
            return Some(line);
        }
        let walk = order::from_one_end(system, work)?;
        Line::along(system, order::pools_as_met(system, &walk))
    }

    /// The line with the pools in this order, if the windows allow it.
    fn along(system: &System, pools: Vec<u32>) -> Option<Line> {
        let mut place = vec![0; pools.len()];
        let mut starts = vec![0; pools.len() + 1];
        for (at, &pool) in pools.iter().enumerate() {
            place[pool as usize] = at;
            starts[at + 1] = starts[at] + system.capacity[pool as usize];
        }
        let mut stops = Vec::with_capacity(system.groups.len());
        for group in &system.groups {
            let places = group.pools.iter().map(|&pool| place[pool as usize]);
            let (first, last) = (places.clone().min()?, places.max()?);
            if last - first + 1 != group.pools.len() {
                return None;
            }
            stops.push(Stop {
                weights: group.weights.clone(),
                start: starts[first],
                end: starts[last + 1],
            });
        }
        stops.sort_by_key(|stop| (stop.start, stop.end));
        let advances = |pair: &[Stop]| pair[0].end <= pair[1].end;
        stops.windows(2).all(advances).then_some(Line {
            stops,
            inputs: system.inputs,
        })
    }

    /// For each stop the largest u with which all units from there on fit.
    fn slack(&self) -> Vec<Option<u64>> {
        let mut slack = vec![None; self.stops.len() + 1];
        if self.inputs == Inputs::AreAllMatched {
            return slack;
        }
        let mut next: Option<u64> = Some(u64::MAX);
        slack[self.stops.len()] = Some(0);
        for (k, stop) in self.stops.iter().enumerate().rev() {
            let most = stop.weights.len() as u64 - 1;
            let after = next.map(|next| next.saturating_add(self.shift(k)));
            next = after.and_then(|after| after.min(stop.end - stop.start).checked_sub(most));
            slack[k] = next;
        }
        slack
    }

    /// How far the next window starts behind this one.
    fn shift(&self, k: usize) -> u64 {
        match self.stops.get(k + 1) {
            Some(next) => next.start - self.stops[k].start,
            // As if a window without inputs came last.
            None => self.stops[k].end - self.stops[k].start,
        }
    }

    /// Whether all units can be matched at once.
    pub(super) fn all_match(&self) -> bool {
        self.slack()[0].is_some()
    }

    /// The sum over K; `None` when the work does not suffice.
    pub(super) fn value(&self, work: &mut Work) -> Option<BigUint> {
        let slack = self.slack();
        let raised = |k: usize, u: u64| slack[k].map_or(u, |slack| u.max(slack));
        // States u = first..first + values.len() before stop k.
        let mut first = raised(0, 0);
        let mut values: Vec<Vec<u64>> = vec![vec![1]];
        let mut bound = BigUint::one();
        let mut transfers = Transfers::default();
        for (k, stop) in self.stops.iter().enumerate() {
            let length = stop.end - stop.start;
            let move_ = Move {
                first,
                states: values.len() as u64,
                length,
                shift: self.shift(k),
                floor: slack[k + 1],
                inputs: self.inputs,
            };
            let transfer = transfers.get(&stop.weights, move_, work)?;
            bound *= &transfer.total;
            let limbs = limbs(&bound);
            work.spend(transfer.weights.len() as u64 * limbs as u64)?;
            work.fits((transfer.columns.len() * limbs * 16) as u64)?;
            values = transfer.apply(&values, limbs);
            first = transfer.first;
        }
        let sum = values.iter().map(|value| from_limbs(value)).sum();
        Some(sum)
    }
}

/// What a step does to the states, whatever their values.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Move {
    first: u64,
    states: u64,
    length: u64,
    shift: u64,
    floor: Option<u64>,
    inputs: Inputs,
}

/// The weights from states to states.
struct Transfer {
    first: u64,
    /// For each new state the first old state it comes from, and where its weights
    /// are.
    columns: Vec<(usize, std::ops::Range<usize>)>,
    /// Limbs of the weights.
    weights: Vec<Vec<u64>>,
    /// The weights again where all have one limb.
    small: Option<Vec<u64>>,
    total: BigUint,
    /// What the transfer was made from; kept alive for its address.
    _row: Row,
}

#[derive(Default)]
struct Transfers {
    made: HashMap<(*const BigUint, Move), Transfer>,
}

impl Transfers {
    /// More than a layer's regular windows and its borders need.
    const MOST: usize = 64;

    fn get(&mut self, row: &Row, move_: Move, work: &mut Work) -> Option<&Transfer> {
        let key = (row.as_ptr(), move_);
        if !self.made.contains_key(&key) {
            if self.made.len() >= Self::MOST {
                self.made.clear();
            }
            self.made.insert(key, Transfer::new(row, move_, work)?);
        }
        self.made.get(&key)
    }
}

impl Transfer {
    fn new(row: &Row, move_: Move, work: &mut Work) -> Option<Transfer> {
        let Move {
            first,
            states,
            length,
            shift,
            floor,
            inputs,
        } = move_;
        let last = first + states - 1;
        let most = row.len() as u64 - 1;
        let size: u64 = row.iter().map(|weight| weight.bits() / 64 + 2).sum();
        work.spend(size.saturating_mul(states).saturating_mul(10))?;
        work.fits(size.saturating_mul(states).saturating_mul(16))?;
        // Where u copies end up after the shift; None when an input is left behind
        // that had to be matched.
        let target = |u: u64| match (inputs, u.checked_sub(shift)) {
            (_, Some(next)) => Some(next.max(floor.unwrap_or(0))),
            (Inputs::MayBeFree, None) => Some(floor.unwrap_or(0)),
            (Inputs::AreAllMatched, None) => None,
        };
        let highest = length.min(last.saturating_add(most));
        let new_first = floor.unwrap_or(0);
        let new_states = target(highest).map_or(0, |highest| highest - new_first + 1);
        let mut entries: Vec<HashMap<u64, BigUint>> = vec![HashMap::new(); new_states as usize];
        for u in first..=last {
            for t in 0..=most.min(length.saturating_sub(u)) {
                if let Some(next) = target(u + t) {
                    *entries[(next - new_first) as usize].entry(u).or_default() += &row[t as usize];
                }
            }
        }
        let mut columns = Vec::with_capacity(entries.len());
        let mut weights: Vec<Vec<u64>> = Vec::new();
        for column in entries {
            let begin = weights.len();
            // Old states of one new state are consecutive.
            let from = column.keys().copied().min().unwrap_or(first);
            let to = column.keys().copied().max().map_or(from, |to| to + 1);
            for u in from..to {
                weights.push(column.get(&u).map(to_limbs).unwrap_or_default());
            }
            columns.push(((from - first) as usize, begin..weights.len()));
        }
        let small = weights
            .iter()
            .map(|weight| match weight[..] {
                [] => Some(0),
                [limb] => Some(limb),
                _ => None,
            })
            .collect();
        Some(Transfer {
            first: new_first,
            columns,
            weights,
            small,
            total: row.iter().sum(),
            _row: row.clone(),
        })
    }

    fn apply(&self, values: &[Vec<u64>], limbs: usize) -> Vec<Vec<u64>> {
        let column = |(from, weights): &(usize, std::ops::Range<usize>)| {
            let mut sum = vec![0; limbs];
            let old = &values[*from..from + weights.len()];
            if let Some(small) = &self.small {
                let old: Vec<&[u64]> = old.iter().map(|value| &value[..]).collect();
                dot(&mut sum, &old, &small[weights.clone()]);
            } else {
                for (value, weight) in old.iter().zip(&self.weights[weights.clone()]) {
                    add_product(&mut sum, value, weight);
                }
            }
            sum
        };
        let sums: Vec<Vec<u64>> = self.columns.iter().map(column).collect();
        if sums.is_empty() {
            // Nothing fits: the sum is empty.
            return vec![vec![0]];
        }
        sums
    }
}
