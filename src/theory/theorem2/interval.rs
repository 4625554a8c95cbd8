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

mod transfer;
mod values;

use std::rc::Rc;

use num_bigint::BigUint;

use self::transfer::{Step, Transfers};
use self::values::Values;
use super::budget::Work;
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
        let mut first = raised(0, 0);
        let mut values = Values::one();
        let mut transfers = Transfers::default();
        let mut k = 0;
        while let Some(stop) = self.stops.get(k) {
            let transfer =
                transfers.get(&stop.weights, self.step(k, first, &values, &slack), work)?;
            let (next, states) = (transfer.first(), transfer.states());
            // Where nothing changes from stop to stop, powers of one transfer do.
            let mut times = 1;
            if (first, values.states()) == (next, states) {
                let step = self.step(k, first, &values, &slack);
                let same = |k: &usize| {
                    Rc::ptr_eq(&self.stops[*k].weights, &stop.weights)
                        && self.step(*k, first, &values, &slack) == step
                };
                times += (k + 1..self.stops.len()).take_while(same).count();
            }
            values = transfer.apply(values, times as u64, work)?;
            first = next;
            k += times;
        }
        Some(values.sum())
    }

    fn step(&self, k: usize, first: u64, values: &Values, slack: &[Option<u64>]) -> Step {
        Step {
            first,
            states: values.states() as u64,
            length: self.stops[k].end - self.stops[k].start,
            shift: self.shift(k),
            floor: slack[k + 1],
            inputs: self.inputs,
        }
    }
}
