//! The partition tree. A node is a cell with the hyperplanes of the current layer
//! that may still cut it; it is split on one of them until none is left, and then
//! the next layer's hyperplanes are looked at.
//!
//! - A hyperplane leaves a cell's list for good once it is proved not to cut; the
//!   proof holds for every cell below.
//! - A split needs no proof: where it was wrong, one side is empty, and no cell is
//!   ever counted, or passed on to the next layer, without a witness.
//! - Where the hyperplanes left in the last layer cross at a point inside the cell, every
//!   choice of their signs is a region: that point proves all of them.
//! - Where floats lose their way, the subtree is searched in exact arithmetic alone
//!   ([`super::exactly`]).

use std::ops::ControlFlow;

use super::cell::{Cell, Engine, Split};
use super::crossing::Crossing;
use super::engine::dictionary::{Dictionary, Name};
use super::engine::views::Views;
use super::engine::witness::Witness;
use super::keys::Keys;
use super::level::{Content, Level, RowId};
use super::log::Log;
use super::point::nearest_inside;
use super::settled::{SIGNS, Settled};
use super::share::{Crew, Pending};
use super::sides::{Side, Sides, Why, witness_of};
use super::simple::Next;
use super::tally::{Tallies, Tally};
use super::worker::{Worker, cell_and_below};
use super::{Monitor, Options, Visit, sign_of};
use crate::arithmetic::lanes::LANES;
use crate::arrangement::stage::Stage;
use crate::arrangement::{Chart, Domain};
use crate::proof::Sink;
use crate::proof::format::MAX_CROSSING;
use crate::proof::record::Branch;
use crate::regions::digest::PatternHash;
use crate::regions::{Region, Sign};

/// Float dictionaries older than this are computed anew before they are trusted to
/// propose.
const OLDEST: u32 = 250;

/// A search through one chart.
pub struct Tree<'a, 'c> {
    pub stages: &'a [Stage],
    pub domain: &'a Domain,
    pub chart: &'a Chart,
    /// The chart's number.
    pub number: usize,
    /// Into how many charts the domain is cut.
    pub charts: usize,
    pub options: &'a Options,
    pub monitor: &'a Monitor,
    pub tallies: &'a Tallies,
    pub visit: Option<Visit<'a>>,
    /// Takes the proof.
    pub sink: Option<&'a dyn Sink>,
    /// Takes branches for other threads, where there are any.
    pub crew: Option<Crew<'c, 'a>>,
    /// Keys in the digest.
    pub keys: &'a Keys,
}

/// How deep a cell lies, and what all of its signs so far come to.
#[derive(Clone, Copy, Default)]
pub struct State {
    pub hash: PatternHash,
    pub splits: u32,
    pub degenerate: bool,
}

/// The levels at the root of a tree.
pub struct Roots<'l> {
    pub domain: &'l Level<'l>,
    /// None for a network without units.
    pub first: Option<Level<'l>>,
}

/// Why a cell is not searched on as it was.
enum Unsorted {
    /// It is more than floats can handle.
    Lost,
    /// It is empty: the first of these rows contradicts the others.
    Empty(Vec<RowId>),
}

impl<'a> Tree<'a, '_> {
    /// How many calls of [`Tree::explore`], or of [`Tree::search_exactly`], there may be on top
    /// of each other: each of them, but one a layer, has decided a unit more.
    pub fn depth(&self) -> usize {
        self.keys.units + self.stages.len() + 1
    }

    /// Searches the whole chart.
    pub fn search(&self, levels: &Roots) {
        let units = self.keys.units;
        let domain = levels.domain;
        let root = |sink| Branch::root(sink, self.number, self.chart.sides.len(), units);
        let log = &mut Log::new(self.stages, self.sink.map(root));
        let mut worker = Worker::begin(self.chart.dimension, self.tallies, units);
        for side in 0..domain.len() {
            worker.path.push(domain, domain.id(side));
        }
        let Some(first) = &levels.first else {
            // Nothing cuts the domain: it is one region, whose witness is any inner point.
            let cell = worker.exact_cell(0, domain, State::default());
            return self.finish_exactly(domain, cell, log);
        };
        self.enter_first(first, &mut worker, log);
        self.tallies.absorb(&mut worker.tally, self.monitor);
        worker.end();
    }

    /// The root: one side of each bounded coordinate and the independent classes are
    /// the first basis; the classes in it have no side yet.
    fn enter_first(&self, level: &Level, worker: &mut Worker, log: &mut Log<'a>) {
        let mut state = State::default();
        let mut candidates = Vec::new();
        let Worker { signs, tally, .. } = &mut *worker;
        if !self.sort_out(level, signs, &mut state, tally, &mut candidates) {
            return log.exclude();
        }
        let basis = &self.chart.basis;
        if basis.is_empty() && self.begin_box(worker, &candidates) {
            return self.explore(level, worker, 0, state, log);
        }
        let mut columns: Vec<Name> = basis
            .iter()
            .map(|&class| Name::Candidate(class as u32))
            .collect();
        let mut constraints = Vec::new();
        let mut taken = vec![false; self.chart.dimension];
        for (index, side) in self.chart.sides.iter().enumerate() {
            let coordinate = (0..self.chart.dimension)
                .find(|&k| !side.is_zero_at(k))
                .expect("a side has a slope");
            if std::mem::replace(&mut taken[coordinate], true) {
                constraints.push(index as u32);
            } else {
                columns.push(Name::Constraint(index as u32));
            }
        }
        let is_free = |class: &u32| !basis.contains(&(*class as usize));
        let rest: Vec<u32> = candidates.iter().copied().filter(is_free).collect();
        let path = &worker.path;
        let dictionary = Dictionary::new(level, path, columns, constraints, rest);
        let dictionary = dictionary.and_then(|mut dictionary| {
            // Where other constraints are zero at the vertex, there need not be inner points
            // for all signs of the basis: floats go on, and cells need witnesses.
            let vague = dictionary.is_whole() && dictionary.is_tight();
            (!vague || dictionary.refresh(level, path)).then_some(dictionary)
        });
        match dictionary {
            Some(dictionary) => {
                let cell = &mut worker.cells[0];
                cell.views.begin(dictionary.candidates().len());
                cell.undecided = basis.len();
                cell.dictionary = dictionary;
                self.explore(level, worker, 0, state, log);
            }
            None => {
                let mut cell = worker.exact_cell(0, level, state);
                let ids = candidates.iter().map(|&class| level.id(class as usize));
                cell.candidates = ids.collect();
                cell.candidates.sort_unstable();
                self.search_exactly(level, cell, log);
            }
        }
    }

    /// Settles the units that are constant on the cell, and lists the classes of the
    /// others. False when the cell is to be left out.
    pub fn sort_out(
        &self,
        level: &Level,
        signs: &mut [Sign],
        state: &mut State,
        tally: &mut Tally,
        candidates: &mut Vec<u32>,
    ) -> bool {
        candidates.clear();
        if level.all_have_slope() {
            candidates.extend(0..level.len() as u32);
            return true;
        }
        for index in 0..level.len() {
            match level.content(index) {
                Content::Hyperplane => candidates.push(index as u32),
                Content::Constant => {
                    let (sign, float) = level.constant_sign(index);
                    debug_assert!(sign != 0, "a row of zeros has that content");
                    tally.decisions.count(float);
                    self.assign(level, signs, state, index, sign_of(sign));
                }
                Content::Zero => {
                    if self.options.strict {
                        return false;
                    }
                    state.degenerate = true;
                    self.assign(level, signs, state, index, Sign::Zero);
                }
            }
        }
        true
    }

    /// Notes the sign of all units of a class.
    #[inline]
    pub fn assign(
        &self,
        level: &Level,
        signs: &mut [Sign],
        state: &mut State,
        class: usize,
        sign: Sign,
    ) {
        let stage = &self.stages[level.number() as usize - 1];
        let own = &mut signs[stage.first_unit..][..stage.units];
        state.hash = state.hash.and(self.key(level, class, sign));
        if level.is_plain() && sign != Sign::Zero {
            own[class] = sign;
        } else if sign == Sign::Zero || self.reads_signs(level) {
            self.note_signs(level, own, class, sign);
        }
    }

    /// The same of several classes.
    #[inline]
    pub fn assign_settled(
        &self,
        level: &Level,
        signs: &mut [Sign],
        state: &mut State,
        settled: &Settled,
    ) {
        if !level.is_plain() {
            for (class, sign) in settled.sides() {
                self.assign(level, signs, state, class as usize, sign_of(sign));
            }
            return;
        }
        let number = level.number() as usize - 1;
        let (of_classes, of_fours) = (&self.keys.of_classes[number], &self.keys.of_fours[number]);
        let stage = &self.stages[number];
        let own = &mut signs[stage.first_unit..][..stage.units];
        let mut hash = state.hash;
        for four in settled.fours() {
            if four.is_whole() {
                let (number, positive) = (four.number as usize, four.positive as usize);
                hash = hash.and(of_fours[number][positive % SIGNS.len()]);
                own[LANES * number..][..LANES].copy_from_slice(&SIGNS[positive % SIGNS.len()]);
            } else {
                for (class, sign) in four.sides() {
                    let (class, sign) = (class as usize, sign_of(sign));
                    hash = hash.and(of_classes[class][(sign as i8 + 1) as usize]);
                    own[class] = sign;
                }
            }
        }
        state.hash = hash;
    }

    /// Whether anybody asks later for the signs of a level's units.
    #[inline]
    fn reads_signs(&self, level: &Level) -> bool {
        !self.is_last(level) || self.visit.is_some()
    }

    /// Notes the sign of a class's units in the list of those of the level.
    fn note_signs(&self, level: &Level, signs: &mut [Sign], class: usize, sign: Sign) {
        let first = self.stages[level.number() as usize - 1].first_unit;
        for &(unit, opposite) in &level.classes()[class].members {
            signs[unit] = if opposite { -sign } else { sign };
            if sign == Sign::Zero {
                self.tallies.note_degenerate(first + unit);
            }
        }
    }

    /// What a class with this sign adds to a digest.
    #[inline]
    pub fn key(&self, level: &Level, class: usize, sign: Sign) -> PatternHash {
        self.keys.of_classes[level.number() as usize - 1][class][(sign as i8 + 1) as usize]
    }

    pub fn is_last(&self, level: &Level) -> bool {
        level.number() as usize == self.stages.len()
    }

    /// Searches the cell at a depth, and all below it. The path may be longer afterwards.
    pub fn explore(
        &self,
        level: &Level,
        worker: &mut Worker,
        at: usize,
        mut state: State,
        log: &mut Log<'a>,
    ) {
        while let Some(split) = self.next_split(level, worker, at, &mut state, log) {
            state.splits += 1;
            let depth = worker.path.len();
            let class = split.class;
            let (mut positive, mut negative) = (state, state);
            let id = level.id(class);
            let opposite = RowId {
                negated: true,
                ..id
            };
            log.split(level, class);
            if let Some(crew) = &self.crew {
                worker.pending.push(Pending {
                    at,
                    path: depth,
                    level: level.number(),
                    split,
                    state,
                });
                if self.share(crew, worker, log) {
                    log.elsewhere();
                    worker.drop_pending();
                    return log.elsewhere();
                }
            }
            let (cell, below) = cell_and_below(&mut worker.cells, at);
            below.take(cell, &split, 1);
            below.push(&mut worker.path, level, id);
            let signs = &mut worker.signs;
            self.assign(level, signs, &mut positive, class, Sign::Positive);
            log.follow_split(level, class, Sign::Positive);
            self.explore(level, worker, at + 1, positive, log);
            if self.crew.is_some() && worker.drop_pending() {
                return log.elsewhere();
            }

            let cell = &mut worker.cells[at];
            cell.keep(&split, -1);
            worker.path.truncate(depth);
            cell.push(&mut worker.path, level, opposite);
            let signs = &mut worker.signs;
            self.assign(level, signs, &mut negative, class, Sign::Negative);
            log.follow_split(level, class, Sign::Negative);
            state = negative;
        }
    }

    /// The hyperplane on which to split the cell at a depth, ready to be split on; `None`
    /// when the cell is done with.
    fn next_split(
        &self,
        level: &Level,
        worker: &mut Worker,
        at: usize,
        state: &mut State,
        log: &mut Log<'a>,
    ) -> Option<Split> {
        if self.monitor.stopped() {
            self.give_up(&mut worker.tally, log);
            return None;
        }
        let depth = worker.path.len();
        let cell = &mut worker.cells[at];
        if cell.undecided > 0 {
            cell.undecided -= 1;
            return Some(cell.split_at(cell.undecided, None, depth));
        }
        if cell.engine == Engine::Beginning {
            self.begin_orthant(worker, at);
        }
        if worker.cells[at].engine == Engine::Vertices {
            match self.look_at_vertices(level, worker, at, state, log) {
                Next::Done => return None,
                Next::Split(split) => return Some(split),
                Next::Refused => {
                    let Worker { cells, path, .. } = &mut *worker;
                    if !cells[at].leave_vertices(level, path) {
                        let cell = worker.exact_cell(at, level, *state);
                        self.search_exactly(level, cell, log);
                        return None;
                    }
                }
            }
        }
        let (column, k) = self.split_column(level, worker, at, state, log)?;
        Some(worker.cells[at].split_at(column, k, depth))
    }

    /// The column of a hyperplane on which to split the dictionary at a depth, and which of the
    /// candidates that the views know it was. `None` when the cell is done with. Apart, so that cells
    /// known by vertices, which come by often, do not save registers for it.
    #[inline(never)]
    fn split_column(
        &self,
        level: &Level,
        worker: &mut Worker,
        at: usize,
        state: &mut State,
        log: &mut Log<'a>,
    ) -> Option<(usize, Option<usize>)> {
        match self.classify(level, worker, at, state, log) {
            Ok(()) => {}
            Err(Unsorted::Lost) => {
                let cell = worker.exact_cell(at, level, *state);
                self.search_exactly(level, cell, log);
                return None;
            }
            Err(Unsorted::Empty(why)) => {
                log.empty(level, why.into_iter());
                self.end_branch(&mut worker.tally, *state);
                return None;
            }
        }
        let dictionary = &worker.cells[at].dictionary;
        let candidates = dictionary.candidates().len();
        if candidates == 0 {
            self.finish(level, worker, at, *state, log);
            return None;
        }
        let (cell, below) = cell_and_below(&mut worker.cells, at);
        cell.dictionary.make_room(&mut below.dictionary);
        let mut choice = None;
        if self.is_last(level)
            && self.visit.is_none()
            && candidates <= self.chart.dimension.min(MAX_CROSSING)
        {
            match self.cross(level, worker, at, *state, log) {
                Crossing::Proved => return None,
                Crossing::Entered(column) => return Some((column, Some(0))),
                Crossing::Refused(k) => choice = k,
            }
        }
        let Worker { path, cells, .. } = &mut *worker;
        let dictionary = &mut cells[at].dictionary;
        let k = choice.unwrap_or_else(|| dictionary.split_candidate());
        let mut entered = dictionary.enter(k);
        if entered.is_none() && dictionary.is_full() && dictionary.refresh(level, path) {
            entered = dictionary.enter(k);
        }
        match entered {
            Some(column) => Some((column, Some(k))),
            None => {
                let cell = worker.exact_cell(at, level, *state);
                self.search_exactly(level, cell, log);
                None
            }
        }
    }

    /// Leaves a cell because the search was asked to stop, or cannot prove it.
    pub fn give_up(&self, tally: &mut Tally, log: &mut Log<'a>) {
        tally.abandoned += 1;
        log.open();
    }

    /// Proves which candidates do not cut the cell and takes them off its list.
    fn classify(
        &self,
        level: &Level,
        worker: &mut Worker,
        at: usize,
        state: &mut State,
        log: &mut Log<'a>,
    ) -> Result<(), Unsorted> {
        let Worker {
            signs,
            path,
            cells,
            basis,
            tally,
            ..
        } = worker;
        let Cell {
            dictionary, views, ..
        } = &mut cells[at];
        if (dictionary.age() > OLDEST || dictionary.is_full())
            && !(dictionary.refresh(level, path) && dictionary.is_feasible())
        {
            return Err(Unsorted::Lost);
        }
        dictionary.look(views);
        let mut sides = Sides {
            extent: self.chart.extent.as_deref(),
            level,
            path,
            basis,
            proved: None,
            wanted: log.is_on(),
            why: Why::Rows(Vec::new()),
        };
        let mut settle =
            |dictionary: &mut Dictionary, views: &mut Views, sides: &Sides, k, sign| {
                let class = dictionary.candidates()[k] as usize;
                dictionary.remove_candidate(k);
                views.remove(k);
                match &sides.why {
                    Why::Rows(why) => log.side(level, class, sign, why),
                    Why::Places(places) => {
                        let side = std::iter::once((class as u32, sign as i32));
                        log.sides_at(level, side, places);
                    }
                }
                self.assign(level, signs, state, class, sign);
            };
        let mut k = 0;
        let mut moved = true;
        while k < dictionary.candidates().len() {
            if moved {
                // Others that have their least or largest value at this vertex, the last
                // first: what takes its place was looked at before.
                let (mut found, above) = dictionary.one_sided();
                while found != 0 {
                    let other = 63 - found.leading_zeros() as usize;
                    found ^= 1 << other;
                    let sign = if above >> other & 1 == 1 { 1 } else { -1 };
                    if sides.here(dictionary, other, sign, &mut tally.decisions) {
                        settle(dictionary, views, &sides, other, sign_of(sign));
                    }
                }
                moved = false;
                continue;
            }
            match sides.side(dictionary, k, views, &mut tally.decisions) {
                Side::Cuts => k += 1,
                Side::On(sign) => {
                    settle(dictionary, views, &sides, k, sign);
                    moved = true;
                }
                Side::Empty(why) => return Err(Unsorted::Empty(why)),
            }
        }
        Ok(())
    }

    /// No hyperplane of this layer cuts the cell any more.
    pub fn finish(
        &self,
        level: &Level,
        worker: &mut Worker,
        at: usize,
        mut state: State,
        log: &mut Log<'a>,
    ) {
        let stage = self.stages.get(level.number() as usize);
        let told = stage.is_none() && log.is_on();
        let wanted = told || stage.is_none() && self.visit.is_some();
        let Worker {
            signs,
            path,
            cells,
            tally,
            candidates,
            settled,
            seen,
            memory,
            scratch,
            ..
        } = worker;
        let cell = &mut cells[at];
        if cell.engine == Engine::Vertices
            && told
            && let Some(point) = cell.vertices.point()
        {
            tally.decisions.float += 1;
            tally.count_cell(level);
            log.around(point.exponent, point.mantissas(), false);
            return self.count_region(state, tally);
        }
        let mut witness = None;
        if cell.engine == Engine::Vertices && wanted {
            if let Some(point) = cell.vertices.inside() {
                tally.decisions.float += 1;
                scratch.point.clear();
                scratch.point.extend_from_slice(&point);
                witness = Some(Witness::Float(&scratch.point));
            } else if !cell.leave_vertices(level, path) {
                let cell = worker.exact_cell(at, level, state);
                return self.finish_exactly(level, cell, log);
            }
        }
        // A cell that is known by vertices or by whole numbers has inner points.
        if cell.engine != Engine::Vertices && (wanted || !cell.dictionary.is_whole()) {
            let (dictionary, decisions) = (&cell.dictionary, &mut tally.decisions);
            match witness_of(level, path, dictionary, told, decisions, scratch) {
                Ok(point) => witness = Some(point),
                Err(why) => {
                    log.empty(level, why.into_iter());
                    return self.end_branch(tally, state);
                }
            }
        }
        tally.count_cell(level);
        let Some(stage) = stage else {
            return self.region(level, signs, state, witness, path.ids(), tally, log);
        };
        let memory = memory.pop().unwrap_or_default();
        let signs_here = self.signs_of(level, signs);
        let next = if cell.engine == Engine::Vertices {
            level.next_seen_by(
                &mut cell.vertices,
                (seen, settled),
                stage,
                signs_here,
                memory,
            )
        } else {
            let mut next = level.next(stage, signs_here, memory);
            next.prepare();
            next
        };
        if seen.is_some() {
            self.explore(&next, worker, at, state, log);
            // Nobody reads it when the search is to stop.
            worker.seen = None;
        } else if self.sort_out(&next, signs, &mut state, tally, candidates) {
            cell.enter(&next, candidates);
            self.explore(&next, worker, at, state, log);
        } else {
            log.exclude();
        }
        worker.memory.push(next.into_memory());
    }

    /// The signs of the units of the level's layer, among those of all units.
    pub fn signs_of<'s>(&self, level: &Level, signs: &'s [Sign]) -> &'s [Sign] {
        let stage = &self.stages[level.number() as usize - 1];
        &signs[stage.first_unit..stage.first_unit + stage.units]
    }

    /// Counts an activation region and hands it out; `ids` are the cell's constraints.
    #[expect(clippy::too_many_arguments)]
    pub fn region(
        &self,
        level: &Level,
        signs: &[Sign],
        state: State,
        witness: Option<Witness>,
        ids: &[RowId],
        tally: &mut Tally,
        log: &mut Log<'a>,
    ) {
        let known = "who asks for regions asked for witnesses";
        if let Some(visit) = self.visit {
            let witness = witness.as_ref().expect(known);
            let witness = self.chart.to_input(&witness.exact());
            let witness_f64 = nearest_inside(self.stages, self.domain, signs, &witness);
            if visit(&Region {
                pattern: signs,
                witness,
                witness_f64,
            }) == ControlFlow::Break(())
            {
                self.monitor.stop();
                return self.give_up(tally, log);
            }
        }
        if log.is_on() {
            let witness = witness.expect(known);
            let told = match &witness {
                Witness::Short(short) => {
                    log.around(short.exponent, &short.mantissas, false);
                    return self.count_region(state, tally);
                }
                Witness::Float(_) => witness.dyadic(level, ids),
                Witness::Exact(_) => tally.decisions.exactly(|| witness.dyadic(level, ids)),
            };
            match told {
                Some((exponent, mantissas)) => log.region(exponent, &mantissas),
                // Too thin a cell for the format: what cannot be told is not claimed.
                None => return self.give_up(tally, log),
            }
        }
        self.count_region(state, tally);
    }

    /// Counts an activation region.
    fn count_region(&self, state: State, tally: &mut Tally) {
        tally.count_regions(1, state.degenerate);
        tally.add_pattern(state.hash);
        self.end_branch(tally, state);
    }

    /// A branch of the tree ends here.
    pub fn end_branch(&self, tally: &mut Tally, state: State) {
        tally.leaf(self.monitor, state.splits, self.charts);
    }
}

#[cfg(test)]
mod tests;
