//! The partition tree. A node is a cell with the hyperplanes of the current layer
//! that may still cut it; it is split on one of them until none is left, and then
//! the next layer's hyperplanes are looked at.
//!
//! - A hyperplane leaves a cell's list for good once it is proved not to cut; the
//!   proof holds for every cell below.
//! - A split needs no proof: where it was wrong, one side is empty, and no cell is
//!   ever counted, or passed on to the next layer, without a witness.
//! - Where floats lose their way, the subtree is searched in exact arithmetic alone.

use std::ops::ControlFlow;
use std::sync::{Mutex, PoisonError};

use smallvec::SmallVec;

use super::engine::certify;
use super::engine::dictionary::{Dictionary, Views, Walk};
use super::engine::exact::{Interior, Minimum, interior_point, minimum};
use super::engine::witness::{self, Across, Witness};
use super::level::{Content, Level, RowId};
use super::log::Log;
use super::point::nearest_inside;
use super::tally::Tallies;
use super::{Decisions, Monitor, Options, Visit};
use crate::arithmetic::IntegerRow;
use crate::arrangement::stage::Stage;
use crate::arrangement::{Chart, Domain};
use crate::proof::Sink;
use crate::proof::record::Branch;
use crate::regions::digest::PatternHash;
use crate::regions::{Region, Sign};

/// Float dictionaries older than this are computed anew before they are trusted to
/// propose.
const OLDEST: u32 = 250;

/// A search through one chart.
pub struct Tree<'a> {
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
    /// Whether subtrees are handed to other threads.
    pub parallel: bool,
}

/// The signs decided so far, and how deep the cell lies.
#[derive(Clone)]
struct Path {
    signs: Vec<Sign>,
    hash: PatternHash,
    splits: u32,
    degenerate: bool,
}

/// A cell that floats can handle.
struct Cell {
    path: Path,
    dictionary: Dictionary,
    /// What is known of the dictionary's candidates.
    views: Views,
    /// The first columns of the dictionary whose hyperplanes have no side yet.
    undecided: usize,
}

/// A cell in exact arithmetic.
struct ExactCell {
    path: Path,
    constraints: Vec<RowId>,
    candidates: Vec<RowId>,
}

/// Why a cell is not searched on as it was.
enum Unsorted {
    /// It is more than floats can handle.
    Lost,
    /// It is empty: the first of these rows contradicts the others.
    Empty(Vec<RowId>),
}

/// What is known of a candidate on a cell.
enum Side {
    /// The hyperplane cuts, as far as anyone has seen.
    Cuts,
    /// The whole cell has this sign (1 or -1), as these rows show. They are only given
    /// when a proof is written.
    On(i32, SmallVec<[RowId; 16]>),
    /// The cell is empty: the first of these rows contradicts the others.
    Empty(Vec<RowId>),
}

impl Path {
    fn set(&mut self, unit: usize, sign: Sign) {
        self.signs[unit] = sign;
        self.hash = self.hash.and(PatternHash::of_unit(unit, sign));
    }
}

impl<'a> Tree<'a> {
    /// Searches the whole chart.
    pub fn search(&self) {
        let units = self
            .stages
            .last()
            .map_or(0, |stage| stage.first_unit + stage.units);
        let path = Path {
            signs: vec![Sign::Zero; units],
            hash: PatternHash::default(),
            splits: 0,
            degenerate: false,
        };
        let domain = Level::domain(self.chart);
        let root = |sink| Branch::root(sink, self.number, self.chart.sides.len(), units);
        let log = &mut Log::new(self.stages, self.sink.map(root));
        if self.stages.is_empty() {
            // Nothing cuts the domain: it is one region, whose witness is any inner point.
            let constraints = (0..domain.len()).map(|side| domain.id(side)).collect();
            let cell = ExactCell {
                path,
                constraints,
                candidates: vec![],
            };
            return self.finish_exactly(&domain, cell, log);
        }
        let first = Level::first(&domain, self.chart);
        self.enter_first(&first, path, log);
    }

    /// The root: one side of each bounded coordinate and the independent classes are
    /// the first basis; the classes in it have no side yet.
    fn enter_first(&self, level: &Level, mut path: Path, log: &mut Log<'a>) {
        let Some(mut candidates) = self.sort_out(level, &mut path) else {
            return log.exclude();
        };
        let basis = &self.chart.basis;
        let mut columns: Vec<RowId> = basis.iter().map(|&class| level.id(class)).collect();
        let mut constraints = Vec::new();
        let mut taken = vec![false; self.chart.dimension];
        for (index, side) in self.chart.sides.iter().enumerate() {
            let id = RowId {
                level: 0,
                index: index as u32,
                negated: false,
            };
            let coordinate = (0..self.chart.dimension)
                .find(|&k| !side.is_zero_at(k))
                .expect("a side has a slope");
            if std::mem::replace(&mut taken[coordinate], true) {
                constraints.push(id);
            } else {
                columns.push(id);
            }
        }
        let rest = candidates
            .iter()
            .copied()
            .filter(|id| !basis.contains(&(id.index as usize)));
        match Dictionary::new(level, columns, &constraints, rest) {
            Some(dictionary) => {
                let views = Views::new(dictionary.candidates().len());
                let cell = Cell {
                    path,
                    dictionary,
                    views,
                    undecided: basis.len(),
                };
                self.split_or_finish(level, cell, log);
            }
            None => {
                let sides = self.chart.sides.len() as u32;
                let constraints = (0..sides)
                    .map(|index| RowId {
                        level: 0,
                        index,
                        negated: false,
                    })
                    .collect();
                candidates.sort_unstable();
                let cell = ExactCell {
                    path,
                    constraints,
                    candidates,
                };
                self.search_exactly(level, cell, log);
            }
        }
    }

    /// Settles the units that are constant on the cell, and lists the others.
    /// `None` when the cell is to be left out.
    fn sort_out(&self, level: &Level, path: &mut Path) -> Option<Vec<RowId>> {
        let mut candidates = Vec::with_capacity(level.len());
        let mut decisions = Decisions::default();
        for index in 0..level.len() {
            match level.content(index) {
                Content::Hyperplane => candidates.push(level.id(index)),
                Content::Constant => {
                    let (sign, float) = level.constant_sign(index);
                    decisions.count(float);
                    self.assign(
                        level,
                        path,
                        index,
                        if sign > 0 {
                            Sign::Positive
                        } else {
                            Sign::Negative
                        },
                    );
                }
                Content::Zero => {
                    if self.options.strict {
                        return None;
                    }
                    path.degenerate = true;
                    self.assign(level, path, index, Sign::Zero);
                }
            }
        }
        self.tallies.with(|tally| tally.decisions.add(decisions));
        Some(candidates)
    }

    /// Notes the sign of all units of a class.
    fn assign(&self, level: &Level, path: &mut Path, class: usize, sign: Sign) {
        let first = self.stages[level.number() as usize - 1].first_unit;
        for &(unit, opposite) in &level.classes()[class].members {
            path.set(first + unit, if opposite { -sign } else { sign });
            if sign == Sign::Zero {
                self.tallies.note_degenerate(first + unit);
            }
        }
    }

    fn split_or_finish(&self, level: &Level, mut cell: Cell, log: &mut Log<'a>) {
        if self.monitor.stopped() {
            return self.give_up(log);
        }
        if cell.undecided > 0 {
            cell.undecided -= 1;
            let (column, views) = (cell.undecided, cell.views.clone());
            return self.split(level, cell, column, views, log);
        }
        match self.classify(level, &mut cell, log) {
            Ok(()) => {}
            Err(Unsorted::Lost) => return self.search_exactly(level, cell.into_exact(), log),
            Err(Unsorted::Empty(why)) => {
                log.empty(level, why.into_iter());
                return self.end_branch(&cell.path);
            }
        }
        if cell.dictionary.candidates().is_empty() {
            return self.finish(level, cell, log);
        }
        let candidate = cell.dictionary.split_candidate();
        match cell.dictionary.enter(candidate) {
            Some(column) => {
                if cell.dictionary.candidates().is_empty()
                    && level.number() as usize == self.stages.len()
                    && self.split_into_regions(level, &mut cell, column, log)
                {
                    return;
                }
                let (positive, negative) = std::mem::take(&mut cell.views).split(candidate);
                cell.views = positive;
                self.split(level, cell, column, negative, log);
            }
            None => self.search_exactly(level, cell.into_exact(), log),
        }
    }

    /// Counts the two regions on either side of the last hyperplane of the last layer,
    /// which stands in a column of the basis. One proof serves both; without it nothing
    /// happens, and the answer is false.
    fn split_into_regions(
        &self,
        level: &Level,
        cell: &mut Cell,
        column: usize,
        log: &mut Log<'a>,
    ) -> bool {
        let dictionary = &cell.dictionary;
        let proposed = witness::propose_across(dictionary, column);
        let across = match log.is_on() {
            true => proposed.and_then(Across::shortened),
            false => proposed,
        };
        let Some(across) = across else {
            return false;
        };
        let id = dictionary.columns()[column];
        let others = dictionary.constraint_ids().filter(|&other| other != id);
        let opposite = RowId {
            negated: !id.negated,
            ..id
        };
        if !(certify::positive_around(level, others, &across.base, across.reach())
            && certify::positive_at(level, [id].into_iter(), &across.positive)
            && certify::positive_at(level, [opposite].into_iter(), &across.negative))
        {
            return false;
        }
        self.tallies.with(|tally| tally.decisions.float += 2);
        cell.path.splits += 1;
        let class = id.index as usize;
        log.split(level, class);
        let before = cell.path.hash;
        for (sign, point) in [
            (Sign::Positive, across.positive),
            (Sign::Negative, across.negative),
        ] {
            cell.path.hash = before;
            self.assign(level, &mut cell.path, class, sign);
            log.follow_split(level, class, sign);
            self.count_cell(level);
            let ids = || cell.dictionary.constraint_ids();
            self.region(level, &cell.path, Witness::Float(point), ids, log);
        }
        true
    }

    /// Searches both sides of the hyperplane in a column of the basis; `views` are
    /// those of the negative side.
    fn split(
        &self,
        level: &Level,
        mut positive: Cell,
        column: usize,
        views: Views,
        log: &mut Log<'a>,
    ) {
        positive.path.splits += 1;
        let class = positive.dictionary.columns()[column].index as usize;
        let mut negative = Cell {
            path: positive.path.clone(),
            dictionary: positive.dictionary.clone(),
            views,
            undecided: positive.undecided,
        };
        negative.dictionary.flip(column);
        self.assign(level, &mut positive.path, class, Sign::Positive);
        self.assign(level, &mut negative.path, class, Sign::Negative);
        self.both(
            (level, class),
            log,
            |log| self.split_or_finish(level, positive, log),
            |log| self.split_or_finish(level, negative, log),
        );
    }

    /// Searches both sides of a split on a class of a level.
    fn both(
        &self,
        (level, class): (&Level, usize),
        log: &mut Log<'a>,
        positive: impl FnOnce(&mut Log<'a>) + Send,
        negative: impl FnOnce(&mut Log<'a>) + Send,
    ) {
        let positive = |log: &mut Log<'a>| {
            log.follow_split(level, class, Sign::Positive);
            positive(log);
        };
        let negative = |log: &mut Log<'a>| {
            log.follow_split(level, class, Sign::Negative);
            negative(log);
        };
        log.split(level, class);
        if !self.parallel {
            positive(log);
            return negative(log);
        }
        let Some(branch) = log.branch() else {
            let log = || Log::new(self.stages, None);
            rayon::join(|| positive(&mut log()), || negative(&mut log()));
            return;
        };
        // The first side writes on; the second does, too, unless another thread took it.
        let shared = Mutex::new(log);
        let lock = || shared.lock().unwrap_or_else(PoisonError::into_inner);
        let ((), taken) = rayon::join_context(
            |_| positive(&mut lock()),
            |context| {
                if context.migrated() {
                    negative(&mut Log::new(self.stages, Some(branch)));
                } else {
                    negative(&mut lock());
                }
                context.migrated()
            },
        );
        if taken {
            lock().elsewhere();
        }
    }

    /// Leaves a cell because the search was asked to stop, or cannot prove it.
    fn give_up(&self, log: &mut Log<'a>) {
        self.tallies.with(|tally| tally.abandoned += 1);
        log.open();
    }

    /// Proves which candidates do not cut the cell and takes them off its list.
    fn classify(&self, level: &Level, cell: &mut Cell, log: &mut Log<'a>) -> Result<(), Unsorted> {
        let Cell {
            path,
            dictionary,
            views,
            ..
        } = cell;
        if dictionary.age() > OLDEST && !(dictionary.refresh(level) && dictionary.is_feasible()) {
            return Err(Unsorted::Lost);
        }
        dictionary.look(views);
        let mut decisions = Decisions::default();
        let mut k = 0;
        let mut empty = None;
        while k < dictionary.candidates().len() {
            let class = dictionary.candidates()[k].index as usize;
            match self.side(level, dictionary, k, views, &mut decisions, log.is_on()) {
                Side::Cuts => k += 1,
                Side::On(sign, why) => {
                    dictionary.remove_candidate(k);
                    views.remove(k);
                    let sign = if sign > 0 {
                        Sign::Positive
                    } else {
                        Sign::Negative
                    };
                    log.side(level, class, sign, &why);
                    self.assign(level, path, class, sign);
                }
                Side::Empty(why) => {
                    empty = Some(why);
                    break;
                }
            }
        }
        if decisions != Decisions::default() {
            self.tallies.with(|tally| tally.decisions.add(decisions));
        }
        empty.map_or(Ok(()), |why| Err(Unsorted::Empty(why)))
    }

    /// What is true of candidate `k`, with proof; the proof is told when it is `wanted`.
    fn side(
        &self,
        level: &Level,
        dictionary: &mut Dictionary,
        k: usize,
        views: &mut Views,
        decisions: &mut Decisions,
        wanted: bool,
    ) -> Side {
        let id = dictionary.candidates()[k];
        while !(views.has(k, 1) && views.has(k, -1)) {
            let sign = if views.has(k, -1) { -1 } else { 1 };
            let walk = dictionary.descend(k, sign, views);
            if walk == Walk::NewSign {
                continue;
            }
            if walk == Walk::Minimum {
                let (basis, line) = (dictionary.columns(), dictionary.candidate(k));
                if self.positive_by_floats(level, dictionary, k, id, sign, wanted) {
                    decisions.float += 1;
                    let why = wanted.then(|| certify::support(basis, line, sign));
                    return Side::On(sign, why.into_iter().flatten().collect());
                }
                if let Some(why) = certify::positive_exactly(level, basis, line, id, sign) {
                    decisions.exact += 1;
                    return Side::On(sign, why.into());
                }
            }
            let (rows, hint) = exact_constraints(level, dictionary);
            let ids = |rows: Vec<usize>| {
                let named = rows.into_iter().map(|row| dictionary.constraint_id(row));
                named.collect::<Vec<RowId>>()
            };
            match minimum(&rows, &hint, &certify::oriented(level, id, sign)) {
                Minimum::Sign(0 | 1, tight) => {
                    decisions.exact += 1;
                    return Side::On(sign, ids(tight).into());
                }
                Minimum::Sign(..) | Minimum::Unbounded => views.tell(k, -sign),
                Minimum::Infeasible(why) => {
                    decisions.exact += 1;
                    return Side::Empty(ids(why));
                }
            }
        }
        Side::Cuts
    }

    fn positive_by_floats(
        &self,
        level: &Level,
        dictionary: &Dictionary,
        k: usize,
        id: RowId,
        sign: i32,
        wanted: bool,
    ) -> bool {
        let (basis, line) = (dictionary.columns(), dictionary.candidate(k));
        // This proof uses the box without saying how: it cannot be told.
        if let Some(extent) = &self.chart.extent
            && !wanted
            && certify::positive_in_box(level, extent, basis, line, id, sign)
        {
            return true;
        }
        let inverse = |i: usize| dictionary.coordinate(i);
        certify::positive_by_multipliers(level, basis, line, inverse, id, sign)
    }

    /// No hyperplane of this layer cuts the cell any more.
    fn finish(&self, level: &Level, mut cell: Cell, log: &mut Log<'a>) {
        let stage = self.stages.get(level.number() as usize);
        let told = stage.is_none() && log.is_on();
        match self.witness(level, &cell.dictionary, told) {
            Ok(witness) => {
                self.count_cell(level);
                let Some(stage) = stage else {
                    let ids = || cell.dictionary.constraint_ids();
                    return self.region(level, &cell.path, witness, ids, log);
                };
                let next = level.next(stage, self.active(level, &cell.path));
                let Some(candidates) = self.sort_out(&next, &mut cell.path) else {
                    return log.exclude();
                };
                if !cell.dictionary.refresh(&next) {
                    let mut cell = cell.into_exact();
                    cell.candidates = candidates;
                    return self.search_exactly(&next, cell, log);
                }
                cell.views = Views::new(candidates.len());
                cell.dictionary
                    .add_candidates(&next, candidates.into_iter());
                self.split_or_finish(&next, cell, log);
            }
            Err(why) => {
                log.empty(level, why.into_iter());
                self.end_branch(&cell.path);
            }
        }
    }

    /// A point inside the cell, with proof that it is, or the rows that prove the cell
    /// empty. A point that is to be told should be a short one.
    fn witness(
        &self,
        level: &Level,
        dictionary: &Dictionary,
        told: bool,
    ) -> Result<Witness, Vec<RowId>> {
        if let Some((point, least)) = witness::propose(dictionary) {
            if told
                && let Some(short) = witness::rounded(&point, least)
                && certify::positive_at(level, dictionary.constraint_ids(), &short)
            {
                self.tallies.with(|tally| tally.decisions.float += 1);
                return Ok(Witness::Float(short));
            }
            if certify::positive_at(level, dictionary.constraint_ids(), &point) {
                self.tallies.with(|tally| tally.decisions.float += 1);
                return Ok(Witness::Float(point));
            }
            let witness = Witness::Float(point);
            if witness.is_inside(level, dictionary.constraint_ids()) {
                self.tallies.with(|tally| tally.decisions.exact += 1);
                return Ok(witness);
            }
        }
        self.tallies.with(|tally| tally.decisions.exact += 1);
        let (rows, hint) = exact_constraints(level, dictionary);
        match interior_point(&rows, dictionary.dimension(), &hint) {
            Interior::Point(point) => Ok(Witness::Exact(point)),
            Interior::Empty(why) => {
                let named = why.into_iter().map(|row| dictionary.constraint_id(row));
                Err(named.collect())
            }
        }
    }

    fn active(&self, level: &Level, path: &Path) -> Vec<bool> {
        let stage = &self.stages[level.number() as usize - 1];
        let signs = &path.signs[stage.first_unit..stage.first_unit + stage.units];
        signs.iter().map(|&sign| sign == Sign::Positive).collect()
    }

    fn count_cell(&self, level: &Level) {
        if level.number() > 0 {
            self.tallies
                .with(|tally| tally.cells[level.number() as usize - 1] += 1);
        }
    }

    /// Counts an activation region and hands it out; `ids` are the cell's constraints.
    fn region<I: Iterator<Item = RowId>>(
        &self,
        level: &Level,
        path: &Path,
        witness: Witness,
        ids: impl Fn() -> I,
        log: &mut Log<'a>,
    ) {
        if let Some(visit) = self.visit {
            let witness = self.chart.to_input(&witness.exact());
            let witness_f64 = nearest_inside(self.stages, self.domain, &path.signs, &witness);
            if visit(&Region {
                pattern: &path.signs,
                witness,
                witness_f64,
            }) == ControlFlow::Break(())
            {
                self.monitor.stop();
                return self.give_up(log);
            }
        }
        if log.is_on() {
            match witness.dyadic(level, ids) {
                Some((exponent, mantissas)) => log.region(exponent, &mantissas),
                // Too thin a cell for the format: what cannot be told is not claimed.
                None => return self.give_up(log),
            }
        }
        self.tallies.with(|tally| {
            tally.regions += 1;
            tally.digest.add(path.hash);
            tally.degenerate_regions += u64::from(path.degenerate);
        });
        self.end_branch(path);
    }

    fn end_branch(&self, path: &Path) {
        self.tallies.leaf(self.monitor, path.splits, self.charts);
    }

    /// Searches a cell and all below it in exact arithmetic alone.
    fn search_exactly(&self, level: &Level, mut cell: ExactCell, log: &mut Log<'a>) {
        if self.monitor.stopped() {
            return self.give_up(log);
        }
        let rows = cell.rows(level);
        if let Interior::Empty(why) = interior_point(&rows, level.width() - 1, &[]) {
            self.tallies.with(|tally| tally.decisions.exact += 1);
            log.empty(level, cell.ids(why));
            return self.end_branch(&cell.path);
        }
        while let Some(id) = cell.candidates.pop() {
            let class = id.index as usize;
            let side = [1, -1].into_iter().find_map(|sign| {
                match minimum(&rows, &[], &certify::oriented(level, id, sign)) {
                    Minimum::Sign(0 | 1, tight) => Some((sign, tight)),
                    _ => None,
                }
            });
            match side {
                Some((sign, tight)) => {
                    self.tallies.with(|tally| tally.decisions.exact += 1);
                    let sign = if sign > 0 {
                        Sign::Positive
                    } else {
                        Sign::Negative
                    };
                    let why: Vec<RowId> = cell.ids(tight).collect();
                    log.side(level, class, sign, &why);
                    self.assign(level, &mut cell.path, class, sign);
                }
                None => {
                    cell.path.splits += 1;
                    let child = |negated: bool| {
                        let mut child = ExactCell {
                            path: cell.path.clone(),
                            constraints: cell.constraints.clone(),
                            candidates: cell.candidates.clone(),
                        };
                        child.constraints.push(RowId { negated, ..id });
                        let sign = if negated {
                            Sign::Negative
                        } else {
                            Sign::Positive
                        };
                        self.assign(level, &mut child.path, class, sign);
                        child
                    };
                    let (positive, negative) = (child(false), child(true));
                    return self.both(
                        (level, class),
                        log,
                        |log| self.search_exactly(level, positive, log),
                        |log| self.search_exactly(level, negative, log),
                    );
                }
            }
        }
        self.finish_exactly(level, cell, log);
    }

    fn finish_exactly(&self, level: &Level, mut cell: ExactCell, log: &mut Log<'a>) {
        let rows = cell.rows(level);
        self.tallies.with(|tally| tally.decisions.exact += 1);
        let point = match interior_point(&rows, level.width() - 1, &[]) {
            Interior::Point(point) => point,
            Interior::Empty(why) => {
                log.empty(level, cell.ids(why));
                return self.end_branch(&cell.path);
            }
        };
        self.count_cell(level);
        match self.stages.get(level.number() as usize) {
            None => {
                let ids = || cell.constraints.iter().copied();
                self.region(level, &cell.path, Witness::Exact(point), ids, log);
            }
            Some(stage) => {
                let next = level.next(stage, self.active(level, &cell.path));
                let Some(candidates) = self.sort_out(&next, &mut cell.path) else {
                    return log.exclude();
                };
                cell.candidates = candidates;
                self.search_exactly(&next, cell, log);
            }
        }
    }
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
}

impl Cell {
    fn into_exact(self) -> ExactCell {
        let dictionary = &self.dictionary;
        ExactCell {
            constraints: dictionary.constraint_ids().collect(),
            candidates: dictionary.candidates().to_vec(),
            path: self.path,
        }
    }
}

/// All constraints of a cell, the basis first, and the indices of the basis.
fn exact_constraints(level: &Level, dictionary: &Dictionary) -> (Vec<IntegerRow>, Vec<usize>) {
    let ids = dictionary.constraint_ids();
    let rows = ids.map(|id| level.integer_row(id)).collect();
    (rows, (0..dictionary.dimension()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arithmetic::Number;
    use crate::arrangement::Interval;
    use crate::arrangement::chart::charts;
    use crate::arrangement::stage::stages;
    use crate::network::{Affine, Layer, Network, Shape};

    struct Random(u64);

    impl Random {
        fn below(&mut self, bound: u64) -> u64 {
            self.0 = self
                .0
                .wrapping_mul(6364136223846793005)
                .wrapping_add(1442695040888963407);
            (self.0 >> 33) % bound
        }

        fn number(&mut self, whole: bool) -> Number {
            let text = match self.below(if whole { 5 } else { 9 }) {
                0 | 1 => "0".into(),
                2..=4 => format!("{}", self.below(5) as i64 - 2),
                5 => format!("{}/3", self.below(7) as i64 - 3),
                6 => format!("1{:020}e-20", self.below(3)),
                7 => format!(
                    "{}e{}",
                    self.below(9) as i64 - 4,
                    self.below(60) as i64 - 30
                ),
                _ => format!("{}e-9", self.below(1 << 31) as i64 - (1 << 30)),
            };
            Number::parse(&text).unwrap()
        }

        fn network(&mut self, inputs: usize) -> Network {
            let (whole, central) = (self.below(3) == 0, self.below(3) == 0);
            let mut network = Network::new(Shape::new([inputs]));
            let mut values = inputs;
            for _ in 0..1 + self.below(3) {
                let outputs = 1 + self.below(4) as usize;
                let weight = (0..values * outputs).map(|_| self.number(whole)).collect();
                let bias = (0..outputs)
                    .map(|_| {
                        if central {
                            Number::ZERO
                        } else {
                            self.number(whole)
                        }
                    })
                    .collect();
                let affine = Affine::dense(values, outputs, weight, bias).unwrap();
                network.push(Layer::Affine(affine)).unwrap();
                if self.below(5) > 0 {
                    network.push(Layer::Relu).unwrap();
                }
                values = outputs;
            }
            network.push(Layer::Relu).unwrap();
            network
        }

        fn domain(&mut self, inputs: usize) -> Domain {
            if self.below(2) == 0 {
                return Domain::everything(inputs);
            }
            let interval = |random: &mut Self| {
                let ends = [Some("-1"), Some("2/3"), Some("2"), None];
                let lower = ends[[0, 0, 1, 3][random.below(4) as usize]];
                let upper = ends[[1, 2, 2, 3][random.below(4) as usize]];
                let end = |text: Option<&str>| text.map(|t| Number::parse(t).unwrap());
                Interval {
                    lower: end(lower),
                    upper: end(upper),
                }
            };
            Domain::new((0..inputs).map(|_| interval(self)).collect())
        }
    }

    /// What a search of one thread finds, all of it in exact arithmetic if asked.
    fn found(network: &Network, domain: &Domain, strict: bool, exactly: bool) -> [String; 4] {
        let stages = stages(network);
        let charts = charts(&stages, domain);
        let units = stages.iter().map(|stage| stage.units).sum();
        let (tallies, monitor) = (Tallies::new(1, stages.len(), units), Monitor::new());
        for (number, chart) in charts.iter().enumerate() {
            let tree = Tree {
                stages: &stages,
                domain,
                chart,
                number,
                charts: charts.len(),
                options: &Options {
                    strict,
                    ..Options::default()
                },
                monitor: &monitor,
                tallies: &tallies,
                visit: None,
                sink: None,
                parallel: false,
            };
            if exactly {
                let sides = Level::domain(chart);
                let first = Level::first(&sides, chart);
                let mut path = Path {
                    signs: vec![Sign::Zero; units],
                    hash: PatternHash::default(),
                    splits: 0,
                    degenerate: false,
                };
                if let Some(candidates) = tree.sort_out(&first, &mut path) {
                    let cell = ExactCell {
                        path,
                        constraints: (0..sides.len()).map(|side| sides.id(side)).collect(),
                        candidates,
                    };
                    tree.search_exactly(&first, cell, &mut Log::new(&stages, None));
                }
            } else {
                tree.search();
            }
        }
        let (total, degenerate_units) = tallies.total(&monitor);
        [
            format!("{} regions, digest {}", total.regions, total.digest),
            format!("{:?} cells", total.cells),
            format!("{} degenerate", total.degenerate_regions),
            format!("{degenerate_units} degenerate units"),
        ]
    }

    /// Small, often degenerate networks: floats with proofs and exact arithmetic alone
    /// find the same regions.
    #[test]
    fn floats_and_exact_arithmetic_find_the_same() {
        let random = &mut Random(3);
        for trial in 0..600 {
            let inputs = 1 + random.below(4) as usize;
            let (network, domain) = (random.network(inputs), random.domain(inputs));
            let strict = random.below(4) == 0;
            assert_eq!(
                found(&network, &domain, strict, false),
                found(&network, &domain, strict, true),
                "trial {trial} in {domain}"
            );
        }
    }
}
