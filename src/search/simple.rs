//! The search of cells that the vertex engine knows.

use smallvec::SmallVec;

use super::cell::{Cell, Engine, Means, Split};
use super::engine::vertices::Verdict;
use super::level::Level;
use super::log::Log;
use super::tally::Tally;
use super::tree::{State, Tree, Worker};
use super::{engine::vertices, sign_of};
use crate::arrangement::Chart;
use crate::proof::format::MAX_CROSSING;
use crate::regions::Sign;
use crate::regions::digest::PatternHash;

/// What is to be done with a cell.
pub enum Next {
    /// It is done with.
    Done,
    /// It is to be split.
    Split(Split),
    /// The vertices do not say.
    Refused,
}

impl<'a> Tree<'a> {
    /// Tries to begin with the vertices of a cell whose only constraints are the whole box or d
    /// hyperplanes. The candidates stay where they are.
    pub fn begin_vertices(&self, worker: &mut Worker, at: usize, log: &Log) {
        let Worker { path, cells, .. } = worker;
        let cell = &mut cells[at];
        cell.engine = Engine::Dictionary;
        let d = self.chart.dimension;
        if !vertices::DIMENSIONS.contains(&d) || self.visit.is_some() || log.is_on() {
            return;
        }
        let begun = if self.chart.sides.is_empty() {
            path.len() == d && cell.vertices.begin_orthant(path, d)
        } else {
            path.len() == 2 * d
                && sides_of_box(self.chart).is_some_and(|sides| cell.vertices.begin_box(path, &sides))
        };
        if begun {
            cell.engine = Engine::Vertices;
            let candidates = cell.dictionary.candidates();
            cell.vertices.candidates = candidates.to_vec();
        }
    }

    /// Settles the candidates that do not cut the cell at a depth, and finds a split.
    pub fn look_at_vertices(
        &self,
        level: &Level,
        worker: &mut Worker,
        at: usize,
        state: &mut State,
        log: &mut Log<'a>,
    ) -> Next {
        let Worker {
            signs,
            path,
            cells,
            tally,
            settled,
            ..
        } = worker;
        let Cell { vertices, .. } = &mut cells[at];
        let targets = level.targets();
        if !vertices.look(targets, settled) {
            return Next::Refused;
        }
        tally.decisions.float += settled.len() as u64;
        for &(class, sign) in &*settled {
            self.assign(level, signs, state, class as usize, sign_of(sign));
        }
        let kept = vertices.candidates.len();
        if kept == 0 {
            self.finish(level, worker, at, *state, log);
            return Next::Done;
        }
        let last = self.is_last(level);
        if last && kept == 1 {
            let classes = [vertices.candidates[0]];
            self.count_patterns(level, &classes, *state, tally, 0..2);
            self.end_branch(tally, *state);
            return Next::Done;
        }
        let class = vertices.candidates.swap_remove(kept / 2);
        tally.decisions.float += 1;
        if !vertices.cut(&targets[class as usize], path.len() as u32) {
            vertices.candidates.push(class);
            return Next::Refused;
        }
        if last && kept == 2 {
            let other = vertices.candidates[0];
            let classes = [class, other];
            // The bit of a pattern is set for negative signs: the first for the first class.
            let patterns = match vertices.on_section(&targets[other as usize]) {
                Verdict::Cuts => Some((4, [0, 1, 3, 2])),
                // It cuts one side of the first, and leaves this sign to the other.
                Verdict::On(sign) => {
                    vertices.side_of(&targets[other as usize], -sign).map(|side| {
                        let (first, second) = (u32::from(side < 0), 2 * u32::from(sign < 0));
                        (3, [first, first | 2, (first ^ 1) | second, 0])
                    })
                }
                Verdict::Unknown => None,
            };
            if let Some((count, patterns)) = patterns {
                let patterns = patterns.into_iter().take(count);
                self.count_patterns(level, &classes, *state, tally, patterns);
                self.end_branch(tally, *state);
                return Next::Done;
            }
        }
        Next::Split(Split {
            class: class as usize,
            by: Means::Vertices,
        })
    }

    /// Counts regions that differ in the signs of these classes: each of the `patterns` has a
    /// bit for each class that is negative.
    pub fn count_patterns(
        &self,
        level: &Level,
        classes: &[u32],
        state: State,
        tally: &mut Tally,
        patterns: impl IntoIterator<Item = u32>,
    ) {
        let first = self.stages[level.number() as usize - 1].first_unit;
        let key = |class: u32, sign: Sign| {
            let members = level.classes()[class as usize].members.iter();
            members.fold(PatternHash::default(), |hash, &(unit, opposite)| {
                hash.and(self.key(first + unit, if opposite { -sign } else { sign }))
            })
        };
        let mut hash = state.hash;
        let mut turns = SmallVec::<[PatternHash; MAX_CROSSING]>::new();
        for &class in classes {
            let positive = key(class, Sign::Positive);
            hash = hash.and(positive);
            // Twice the same key cancels.
            turns.push(positive.and(key(class, Sign::Negative)));
        }
        let (mut last, mut regions) = (0, 0);
        for pattern in patterns {
            let mut turned: u32 = pattern ^ last;
            while turned != 0 {
                hash = hash.and(turns[turned.trailing_zeros() as usize]);
                turned &= turned - 1;
            }
            last = pattern;
            regions += 1;
            tally.digest.add(hash);
        }
        tally.cells[level.number() as usize - 1] += regions;
        tally.regions += regions;
        tally.degenerate_regions += if state.degenerate { regions } else { 0 };
    }
}

/// For each coordinate of a chart its two sides, where it is a box.
fn sides_of_box(chart: &Chart) -> Option<Vec<[usize; 2]>> {
    let coordinate = |side: usize| {
        let mut slopes = (0..chart.dimension).filter(|&k| !chart.sides[side].is_zero_at(k));
        let only = slopes.next()?;
        slopes.next().is_none().then_some(only)
    };
    let of: Option<Vec<usize>> = (0..chart.sides.len()).map(coordinate).collect();
    let of = of?;
    (0..chart.dimension)
        .map(|k| {
            let sides: Vec<usize> = (0..of.len()).filter(|&side| of[side] == k).collect();
            <[usize; 2]>::try_from(sides).ok()
        })
        .collect()
}
