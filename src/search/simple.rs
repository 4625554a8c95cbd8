//! The search of cells that the vertex engine knows.

use smallvec::SmallVec;

use super::cell::{Cell, Engine, Means, Split};
use super::engine::vertices::{self, Flats, Signs, Verdict, Vertices};
use super::level::Level;
use super::log::Log;
use super::settled::Settled;
use super::tally::Tally;
use super::tree::{State, Tree};
use super::worker::Worker;
use crate::arrangement::Chart;
use crate::proof::format::MAX_CROSSING;
use crate::proof::record::Sets;
use crate::regions::Sign;
use crate::regions::digest::PatternHash;

/// All of a cell's vertices are told where that takes at most so many bytes for each side that they
/// are told for. More would make proofs long; fewer take more time.
const FEW_BYTES: usize = 12;

/// What is to be done with a cell.
pub enum Next {
    /// It is done with.
    Done,
    /// It is to be split.
    Split(Split),
    /// The vertices do not say.
    Refused,
}

impl<'a> Tree<'a, '_> {
    /// Tries to begin with the vertices of the whole box; false where that is not possible.
    pub fn begin_box(&self, worker: &mut Worker, candidates: &[u32]) -> bool {
        let Worker { path, cells, .. } = worker;
        let cell = &mut cells[0];
        let begun = self.knows_vertices()
            && sides_of_box(self.chart).is_some_and(|sides| cell.vertices.begin_box(path, &sides));
        if begun {
            cell.engine = Engine::Vertices;
            candidates.clone_into(&mut cell.vertices.candidates);
        }
        begun
    }

    /// Tries to begin with the vertices of a cell whose only constraints are d hyperplanes. The
    /// candidates stay where they are.
    pub fn begin_orthant(&self, worker: &mut Worker, at: usize) {
        let Worker { path, cells, .. } = worker;
        let cell = &mut cells[at];
        cell.engine = Engine::Dictionary;
        let d = self.chart.dimension;
        let simple = self.chart.sides.is_empty() && path.len() == d;
        if simple && self.knows_vertices() && cell.vertices.begin_orthant(path, d) {
            cell.engine = Engine::Vertices;
            let candidates = cell.dictionary.candidates();
            candidates.clone_into(&mut cell.vertices.candidates);
        }
    }

    /// Whether cells of this search may be held by their vertices.
    fn knows_vertices(&self) -> bool {
        let d = self.chart.dimension;
        // In the most dimensions a dictionary takes a little less for a split, and much more for
        // a layer's hyperplanes, of which most cut no cell.
        let layers = if d < *vertices::DIMENSIONS.end() {
            1
        } else {
            2
        };
        vertices::DIMENSIONS.contains(&d) && self.stages.len() >= layers
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
            seen,
            flats,
            least,
            corners,
            ..
        } = worker;
        let Cell { vertices, .. } = &mut cells[at];
        let known = seen.take();
        let known = known.unwrap_or_else(|| vertices.look(level, settled));
        tally.decisions.float += settled.len() as u64;
        if log.is_on() && !settled.is_empty() {
            tell(level, vertices, settled, (least, corners), log);
        }
        self.assign_settled(level, signs, state, settled);
        if !known {
            return Next::Refused;
        }
        if vertices.candidates.is_empty() {
            self.finish(level, worker, at, *state, log);
            return Next::Done;
        }
        let count = vertices.candidates.len();
        if self.is_last(level)
            && self.visit.is_none()
            && (vertices::FEWEST..=vertices.crowd).contains(&count)
        {
            if self.count_flats(level, vertices, (flats, corners), *state, tally, log) {
                return Next::Done;
            }
            // What is in the way is likely to be so in the next cells, too.
            vertices.crowd = count / 2;
        }
        // Any will do; the middle keeps the tree shallow where hyperplanes come sorted.
        let middle = vertices.candidates.len() / 2;
        let class = vertices.candidates.swap_remove(middle);
        let place = path.len() as u32;
        let target = &level.target(class);
        let (last, others) = (self.is_last(level), vertices.candidates.len());
        let few = last && self.visit.is_none() && others < 2;
        if few && others == 0 && self.count_two(level, vertices, class, *state, tally, log) {
            return Next::Done;
        }
        tally.decisions.float += 1;
        if !vertices.cut(target, place) {
            vertices.candidates.push(class);
            return Next::Refused;
        }
        if few && others == 1 && self.count_few(level, vertices, class, *state, tally, log) {
            return Next::Done;
        }
        Next::Split(Split {
            class: class as usize,
            by: Means::Vertices,
        })
    }

    /// Counts all regions of a cell of the last layer, by flats. False, and nothing changed, where
    /// floats do not prove them.
    fn count_flats(
        &self,
        level: &Level,
        vertices: &Vertices,
        (flats, corners): (&mut Flats, &mut Sets),
        state: State,
        tally: &mut Tally,
        log: &mut Log<'a>,
    ) -> bool {
        let classes = &vertices.candidates;
        if log.is_on() && !classes.iter().all(|&class| is_alone(level, class)) {
            return false;
        }
        let targets = classes.iter().map(|&class| level.target(class));
        if !vertices.regions(targets, flats) {
            return false;
        }
        if log.is_on() {
            vertices.all_corners(corners);
            log.arrangement(corners);
        }
        // As many as there are splits.
        tally.decisions.float += flats.patterns.len() as u64 - 1;
        self.count_listed(level, classes, state, tally, &flats.patterns);
        self.end_branch(tally, state);
        true
    }

    /// Counts the regions of a cell of the last layer that has one candidate, which cuts it. False,
    /// and nothing changed, where a proof takes a split.
    fn count_two(
        &self,
        level: &Level,
        vertices: &mut Vertices,
        class: u32,
        state: State,
        tally: &mut Tally,
        log: &mut Log<'a>,
    ) -> bool {
        if log.is_on() {
            if !is_alone(level, class) {
                return false;
            }
            let Some(point) = vertices.point_on(&level.target(class)) else {
                return false;
            };
            log.around(point.exponent, point.mantissas(), true);
        }
        self.count_patterns(level, &[class], state, tally, 0..2);
        self.end_branch(tally, state);
        true
    }

    /// Counts the regions of a cell of the last layer that has been cut by one hyperplane and has
    /// one candidate more, which cuts it, too. False, and nothing changed, where it takes a split.
    fn count_few(
        &self,
        level: &Level,
        vertices: &mut Vertices,
        class: u32,
        state: State,
        tally: &mut Tally,
        log: &mut Log<'a>,
    ) -> bool {
        let other = vertices.candidates[0];
        let target = &level.target(other);
        if log.is_on() && !(is_alone(level, class) && is_alone(level, other)) {
            return false;
        }
        // The bit of a pattern is set for a negative sign.
        let mut patterns = SmallVec::<[u32; 4]>::new();
        match vertices.on_section(target) {
            Verdict::Cuts => {
                if log.is_on() {
                    let Some(point) = vertices.point_on_section(target) else {
                        return false;
                    };
                    log.around(point.exponent, point.mantissas(), true);
                }
                patterns.extend([0, 1, 3, 2]);
            }
            // It cuts one side of the first, and leaves this sign to the other side.
            Verdict::On(sign) => {
                let Some(side) = vertices.side_of(target, -sign) else {
                    return false;
                };
                if log.is_on() && !tell_three(level, vertices, (class, side), (other, sign), log) {
                    return false;
                }
                let (first, second) = (u32::from(side < 0), 2 * u32::from(sign < 0));
                patterns.extend([first, first | 2, (first ^ 1) | second]);
            }
            Verdict::Unknown => return false,
        }
        self.count_patterns(level, &[class, other], state, tally, patterns);
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
            tally.add_pattern(hash);
        }
        tally.count_cells(level, regions, state.degenerate);
    }

    /// The same of many patterns of many classes, in any order.
    fn count_listed(
        &self,
        level: &Level,
        classes: &[u32],
        state: State,
        tally: &mut Tally,
        patterns: &[Signs],
    ) {
        let mut hash = state.hash;
        // For each four classes what their signs turn.
        let mut tables = SmallVec::<[[PatternHash; 16]; 4]>::new();
        for four in classes.chunks(4) {
            let mut table = [PatternHash::default(); 16];
            for (k, &class) in four.iter().enumerate() {
                let positive = self.key(level, class as usize, Sign::Positive);
                hash = hash.and(positive);
                let turn = positive.and(self.key(level, class as usize, Sign::Negative));
                let (before, with) = table[..2 << k].split_at_mut(1 << k);
                for (to, from) in with.iter_mut().zip(before) {
                    *to = from.and(turn);
                }
            }
            tables.push(table);
        }
        for &pattern in patterns {
            let (mut hash, mut left) = (hash, pattern);
            for table in &tables {
                hash = hash.and(table[left as usize % 16]);
                left >>= 4;
            }
            tally.add_pattern(hash);
        }
        tally.count_cells(level, patterns.len() as u64, state.degenerate);
    }
}

/// Whether one unit has the hyperplane to itself: others would not cross it.
fn is_alone(level: &Level, class: u32) -> bool {
    level.classes()[class as usize].members.len() == 1
}

/// Tells why a cell has these sides of classes: by all of its vertices, or else those together
/// that are least at the same one, and those of which floats do not say where they are least by all
/// vertices where they may be.
fn tell(
    level: &Level,
    vertices: &mut Vertices,
    settled: &Settled,
    (least, corners): (&mut Vec<(usize, u32, i32)>, &mut Sets),
    log: &mut Log<'_>,
) {
    let told = log.knows_all_vertices();
    debug_assert!(!told || corners.all, "nothing else was told since");
    let bytes = vertices.generators() * vertices.facets().div_ceil(7);
    if told || bytes <= FEW_BYTES * settled.len() {
        if !told {
            vertices.all_corners(corners);
        }
        return log.sides_at_vertices(level, settled, corners);
    }
    let others = vertices.find_least(level, settled, least);
    if !others.is_empty() {
        vertices.corners_of_least(level, &others, corners);
        log.sides_at_vertices(level, &others, corners);
    }
    least.sort_unstable_by_key(|&(vertex, ..)| vertex);
    for sides in least.chunk_by(|one, other| one.0 == other.0) {
        let places = vertices.places(sides[0].0);
        let sides = sides.iter().map(|&(_, class, sign)| (class, sign));
        log.sides_at(level, sides, &places[..level.width() - 1]);
    }
}

/// Tells that of a cell that has been cut by a class, another one cuts the side of that sign, and
/// has its own sign all over the other side. False, and nothing told, where floats do not say why.
fn tell_three(
    level: &Level,
    vertices: &mut Vertices,
    (class, side): (u32, i32),
    (other, sign): (u32, i32),
    log: &mut Log<'_>,
) -> bool {
    let target = &level.target(other);
    let (Some(least), Some(cut), Some(whole)) = (
        vertices.least_on_section(target, sign),
        vertices.point_on_side(target, side),
        vertices.point_of_side(-side),
    ) else {
        return false;
    };
    log.split(level, class as usize);
    for here in [1, -1] {
        if here == side {
            log.around(cut.exponent, cut.mantissas(), true);
        } else {
            let side = std::iter::once((other, sign));
            log.sides_at(level, side, &least[..level.width() - 1]);
            log.around(whole.exponent, whole.mantissas(), false);
        }
    }
    true
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
