//! The search of cells that the vertex engine knows.

use smallvec::SmallVec;

use super::cell::{Cell, Engine, Means, Split};
use super::engine::path::Path;
use super::engine::vertices::{self, Verdict, Vertices};
use super::level::{Level, RowId};
use super::log::Log;
use super::sign_of;
use super::tally::Tally;
use super::tree::{State, Tree, Worker};
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
    pub fn begin_vertices(&self, worker: &mut Worker, at: usize) {
        let Worker { path, cells, .. } = worker;
        let cell = &mut cells[at];
        cell.engine = Engine::Dictionary;
        let d = self.chart.dimension;
        // In the most dimensions a dictionary takes a little less for a split, and much more for
        // a layer's hyperplanes, of which most cut no cell.
        let layers = if d < *vertices::DIMENSIONS.end() {
            1
        } else {
            2
        };
        if !vertices::DIMENSIONS.contains(&d) || self.stages.len() < layers {
            return;
        }
        let begun = if self.chart.sides.is_empty() {
            path.len() == d && cell.vertices.begin_orthant(path, d)
        } else {
            path.len() == 2 * d
                && sides_of_box(self.chart)
                    .is_some_and(|sides| cell.vertices.begin_box(path, &sides))
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
        let known = vertices.look(level, settled);
        let told = match log.is_on() {
            true => tell_sides(level, vertices, path, settled, log),
            false => settled.len(),
        };
        let (settled, untold) = settled.split_at(told);
        let sides = settled.iter();
        let sides = sides.map(|&(class, sign)| (class as usize, sign_of(sign)));
        self.assign_all(level, signs, state, sides);
        tally.decisions.float += told as u64;
        let left = untold.iter().map(|&(class, _)| class);
        vertices.candidates.extend(left);
        if !known || !untold.is_empty() {
            return Next::Refused;
        }
        if vertices.candidates.is_empty() {
            self.finish(level, worker, at, *state, log);
            return Next::Done;
        }
        // Any will do; the middle keeps the tree shallow where hyperplanes come sorted.
        let middle = vertices.candidates.len() / 2;
        let class = vertices.candidates.swap_remove(middle);
        let place = path.len() as u32;
        let target = &level.target(class);
        let (last, others) = (self.is_last(level), vertices.candidates.len());
        let few = last && self.visit.is_none() && others < 2;
        if few && others == 0 && !log.is_on() {
            // It cuts, and no proof asks where.
            self.count_patterns(level, &[class], *state, tally, 0..2);
            self.end_branch(tally, *state);
            return Next::Done;
        }
        tally.decisions.float += 1;
        if !vertices.cut(target, place) {
            vertices.candidates.push(class);
            return Next::Refused;
        }
        if few && self.count_few(level, vertices, class, *state, tally, log) {
            return Next::Done;
        }
        Next::Split(Split {
            class: class as usize,
            by: Means::Vertices,
        })
    }

    /// Counts the regions of a cell of the last layer that has been cut by one hyperplane and has
    /// at most one candidate more, which cuts it, too. False, and nothing changed, where it takes
    /// a split.
    fn count_few(
        &self,
        level: &Level,
        vertices: &mut Vertices,
        class: u32,
        state: State,
        tally: &mut Tally,
        log: &mut Log<'a>,
    ) -> bool {
        let other = vertices.candidates.first().copied();
        let verdict = other.map(|other| vertices.on_section(&level.target(other)));
        // The bit of a pattern is set for a negative sign.
        let mut patterns = SmallVec::<[u32; 4]>::new();
        match (other, verdict) {
            (None, _) => patterns.extend([0, 1]),
            (_, Some(Verdict::Cuts)) => patterns.extend([0, 1, 3, 2]),
            // It cuts one side of the first, and leaves this sign to the other side.
            (Some(other), Some(Verdict::On(sign))) if !log.is_on() => {
                let Some(side) = vertices.side_of(&level.target(other), -sign) else {
                    return false;
                };
                let (first, second) = (u32::from(side < 0), 2 * u32::from(sign < 0));
                patterns.extend([first, first | 2, (first ^ 1) | second]);
            }
            _ => return false,
        }
        let classes: SmallVec<[u32; 2]> = std::iter::once(class).chain(other).collect();
        if log.is_on() {
            // Units that share a hyperplane do not cross.
            let alone = |&class: &u32| level.classes()[class as usize].members.len() == 1;
            if !classes.iter().all(alone) {
                return false;
            }
            let crossed = other.is_none_or(|other| vertices.cross(&level.target(other)));
            let Some(point) = crossed.then(|| vertices.near_crossing()).flatten() else {
                let (target, place) = (&level.target(class), vertices.place());
                assert!(vertices.cut(target, place), "it was cut before");
                return false;
            };
            log.crossing(&point);
        }
        self.count_patterns(level, &classes, state, tally, patterns);
        self.end_branch(tally, state);
        true
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
        let mut hash = state.hash;
        let mut turns = SmallVec::<[PatternHash; MAX_CROSSING]>::new();
        for &class in classes {
            let positive = self.key(level, class as usize, Sign::Positive);
            hash = hash.and(positive);
            // Twice the same key cancels.
            turns.push(positive.and(self.key(level, class as usize, Sign::Negative)));
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

/// Tells on which sides of hyperplanes a cell lies, up to the first that vertices do not prove as
/// a proof is told: how many these are.
fn tell_sides(
    level: &Level,
    vertices: &Vertices,
    path: &Path,
    settled: &[(u32, i32)],
    log: &mut Log,
) -> usize {
    let mut why = SmallVec::<[RowId; 5]>::new();
    for (k, &(class, sign)) in settled.iter().enumerate() {
        let Some(places) = vertices.least(&level.target(class), sign) else {
            return k;
        };
        why.clear();
        why.extend(places.iter().map(|&place| path.ids()[place as usize]));
        log.side(level, class as usize, sign_of(sign), &why);
    }
    settled.len()
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
