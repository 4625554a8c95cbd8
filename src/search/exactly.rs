//! Subtrees that are searched in exact arithmetic alone: slow, and right whatever the
//! numbers.

use super::engine::certify;
use super::engine::exact::{Interior, Minimum, interior_point, minimum};
use super::engine::witness::Witness;
use super::level::{Level, RowId};
use super::log::Log;
use super::tree::{State, Tree};
use super::{Decisions, sign_of};
use crate::arithmetic::IntegerRow;
use crate::regions::Sign;

/// A cell in exact arithmetic.
pub struct ExactCell {
    /// The signs of the units decided so far; others are stale.
    pub signs: Vec<Sign>,
    /// What they come to.
    pub state: State,
    /// Rows that are positive on the cell.
    pub constraints: Vec<RowId>,
    /// Rows of the current level that may cut it.
    pub candidates: Vec<RowId>,
}

impl ExactCell {
    fn rows(&self, level: &Level) -> Vec<IntegerRow> {
        let ids = self.constraints.iter();
        ids.map(|&id| level.integer_row(id)).collect()
    }

    /// The names of some of its rows.
    fn ids(&self, rows: Vec<usize>) -> impl Iterator<Item = RowId> {
        rows.into_iter().map(|row| self.constraints[row])
    }

    fn assign(&mut self, tree: &Tree, level: &Level, class: usize, sign: Sign) {
        tree.assign(level, &mut self.signs, &mut self.state, class, sign);
    }
}

impl<'a> Tree<'a, '_> {
    /// Searches a cell and all below it in exact arithmetic alone.
    pub fn search_exactly(&self, level: &Level, mut cell: ExactCell, log: &mut Log<'a>) {
        if self.monitor.stopped() {
            return self.tallies.with(|tally| self.give_up(tally, log));
        }
        let rows = cell.rows(level);
        if let Interior::Empty(why) = self.interior_point(level, &rows) {
            return self.end_empty(level, &cell, why, log);
        }
        while let Some(id) = cell.candidates.pop() {
            let class = id.index as usize;
            let side = [1, -1].into_iter().find_map(|sign| {
                let least =
                    self.exactly(|| minimum(&rows, &[], &certify::oriented(level, id, sign)));
                match least {
                    Minimum::Sign(0 | 1, tight) => Some((sign, tight)),
                    _ => None,
                }
            });
            match side {
                Some((sign, tight)) => {
                    self.tallies.with(|tally| tally.decisions.exact += 1);
                    let sign = sign_of(sign);
                    let why: Vec<RowId> = cell.ids(tight).collect();
                    log.side(level, class, sign, &why);
                    cell.assign(self, level, class, sign);
                }
                None => {
                    cell.state.splits += 1;
                    let child = |negated: bool| {
                        let mut child = ExactCell {
                            signs: cell.signs.clone(),
                            state: cell.state,
                            constraints: cell.constraints.clone(),
                            candidates: cell.candidates.clone(),
                        };
                        child.constraints.push(RowId { negated, ..id });
                        let sign = sign_of(if negated { -1 } else { 1 });
                        child.assign(self, level, class, sign);
                        child
                    };
                    let sides = (child(false), child(true));
                    return self.search_sides_exactly(level, class, sides, log);
                }
            }
        }
        self.finish_exactly(level, cell, log);
    }

    /// A cell without candidates: a region, or the next layer.
    pub fn finish_exactly(&self, level: &Level, mut cell: ExactCell, log: &mut Log<'a>) {
        let rows = cell.rows(level);
        let point = match self.interior_point(level, &rows) {
            Interior::Point(point) => point,
            Interior::Empty(why) => return self.end_empty(level, &cell, why, log),
        };
        let mut tally = self.tallies.blank();
        tally.decisions.exact += 1;
        tally.count_cell(level);
        match self.stages.get(level.number() as usize) {
            None => {
                let (signs, ids) = (&cell.signs, &cell.constraints);
                let witness = Some(Witness::Exact(point));
                self.region(level, signs, cell.state, witness, ids, &mut tally, log);
                self.tallies.absorb(&mut tally, self.monitor);
            }
            Some(stage) => {
                let signs = self.signs_of(level, &cell.signs);
                let next = level.next(stage, signs, Box::default());
                let ExactCell { signs, state, .. } = &mut cell;
                let mut candidates = Vec::new();
                let left = self.sort_out(&next, signs, state, &mut tally, &mut candidates);
                self.tallies.absorb(&mut tally, self.monitor);
                if !left {
                    return log.exclude();
                }
                let ids = candidates.iter().map(|&class| next.id(class as usize));
                cell.candidates = ids.collect();
                self.search_exactly(&next, cell, log);
            }
        }
    }

    fn interior_point(&self, level: &Level, rows: &[IntegerRow]) -> Interior {
        self.exactly(|| interior_point(rows, level.width() - 1, &[]))
    }

    /// Does some exact arithmetic, and adds what it takes.
    fn exactly<R>(&self, work: impl FnOnce() -> R) -> R {
        let mut decisions = Decisions::default();
        let result = decisions.exactly(work);
        self.tallies.with(|tally| tally.decisions.add(decisions));
        result
    }

    /// A cell that turned out to be empty.
    fn end_empty(&self, level: &Level, cell: &ExactCell, why: Vec<usize>, log: &mut Log<'a>) {
        log.empty(level, cell.ids(why));
        self.tallies.with(|tally| {
            tally.decisions.exact += 1;
            self.end_branch(tally, cell.state);
        });
    }
}
