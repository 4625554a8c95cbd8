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

use super::engine::certify;
use super::engine::dictionary::{Dictionary, Views, Walk};
use super::engine::exact::{Minimum, interior_point, minimum};
use super::engine::witness::{self, Point};
use super::level::{Content, Level, RowId};
use super::point::nearest_inside;
use super::tally::Tallies;
use super::{Decisions, Monitor, Options, Visit};
use crate::arithmetic::{IntegerRow, Rational};
use crate::arrangement::stage::Stage;
use crate::arrangement::{Chart, Domain};
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
    /// Into how many charts the domain is cut.
    pub charts: usize,
    pub options: &'a Options,
    pub monitor: &'a Monitor,
    pub tallies: &'a Tallies,
    pub visit: Option<Visit<'a>>,
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

/// The cell turned out to be more than floats can handle.
struct Lost;

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
        if self.stages.is_empty() {
            // Nothing cuts the domain: it is one region, whose witness is any inner point.
            let constraints = (0..domain.len()).map(|side| domain.id(side)).collect();
            self.finish_exactly(
                &domain,
                ExactCell {
                    path,
                    constraints,
                    candidates: vec![],
                },
            );
            return;
        }
        let first = Level::first(&domain, self.chart);
        self.enter_first(&first, path);
    }

    /// The root: one side of each bounded coordinate and the independent classes are
    /// the first basis; the classes in it have no side yet.
    fn enter_first(&self, level: &Level, mut path: Path) {
        let Some(mut candidates) = self.sort_out(level, &mut path) else {
            return;
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
                self.split_or_finish(level, cell);
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
                self.search_exactly(
                    level,
                    ExactCell {
                        path,
                        constraints,
                        candidates,
                    },
                );
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

    fn split_or_finish(&self, level: &Level, mut cell: Cell) {
        if self.monitor.stopped() {
            return;
        }
        if cell.undecided > 0 {
            cell.undecided -= 1;
            let (column, views) = (cell.undecided, cell.views.clone());
            return self.split(level, cell, column, views);
        }
        if self.classify(level, &mut cell).is_err() {
            return self.search_exactly(level, cell.into_exact());
        }
        if cell.dictionary.candidates().is_empty() {
            return self.finish(level, cell);
        }
        let candidate = cell.dictionary.split_candidate();
        match cell.dictionary.enter(candidate) {
            Some(column) => {
                let (positive, negative) = std::mem::take(&mut cell.views).split(candidate);
                cell.views = positive;
                self.split(level, cell, column, negative);
            }
            None => self.search_exactly(level, cell.into_exact()),
        }
    }

    /// Searches both sides of the hyperplane in a column of the basis; `views` are
    /// those of the negative side.
    fn split(&self, level: &Level, mut positive: Cell, column: usize, views: Views) {
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
            || self.split_or_finish(level, positive),
            || self.split_or_finish(level, negative),
        );
    }

    fn both(&self, a: impl FnOnce() + Send, b: impl FnOnce() + Send) {
        if self.parallel {
            rayon::join(a, b);
        } else {
            a();
            b();
        }
    }

    /// Proves which candidates do not cut the cell and takes them off its list.
    fn classify(&self, level: &Level, cell: &mut Cell) -> Result<(), Lost> {
        let Cell {
            path,
            dictionary,
            views,
            ..
        } = cell;
        if dictionary.age() > OLDEST && !(dictionary.refresh(level) && dictionary.is_feasible()) {
            return Err(Lost);
        }
        dictionary.look(views);
        let mut decisions = Decisions::default();
        let mut k = 0;
        while k < dictionary.candidates().len() {
            let class = dictionary.candidates()[k].index as usize;
            match self.side(level, dictionary, k, views, &mut decisions) {
                None => k += 1,
                Some(sign) => {
                    dictionary.remove_candidate(k);
                    views.remove(k);
                    let sign = if sign > 0 {
                        Sign::Positive
                    } else {
                        Sign::Negative
                    };
                    self.assign(level, path, class, sign);
                }
            }
        }
        if decisions != Decisions::default() {
            self.tallies.with(|tally| tally.decisions.add(decisions));
        }
        Ok(())
    }

    /// The side of candidate `k` on which the whole cell lies, with proof; `None`
    /// when it cuts, as far as anyone has seen.
    fn side(
        &self,
        level: &Level,
        dictionary: &mut Dictionary,
        k: usize,
        views: &mut Views,
        decisions: &mut Decisions,
    ) -> Option<i32> {
        let id = dictionary.candidates()[k];
        while !(views.has(k, 1) && views.has(k, -1)) {
            let sign = if views.has(k, -1) { -1 } else { 1 };
            let walk = dictionary.descend(k, sign, views);
            if walk == Walk::NewSign {
                continue;
            }
            if walk == Walk::Minimum {
                if self.positive_by_floats(level, dictionary, k, id, sign) {
                    decisions.float += 1;
                    return Some(sign);
                }
                if certify::positive_exactly(
                    level,
                    dictionary.columns(),
                    dictionary.candidate(k),
                    id,
                    sign,
                ) {
                    decisions.exact += 1;
                    return Some(sign);
                }
            }
            let (rows, hint) = exact_constraints(level, dictionary);
            match minimum(&rows, &hint, &certify::oriented(level, id, sign)) {
                Minimum::Sign(0 | 1) => {
                    decisions.exact += 1;
                    return Some(sign);
                }
                Minimum::Sign(_) | Minimum::Unbounded => views.tell(k, -sign),
                // An empty cell lies on every side; its leaves will find out.
                Minimum::Infeasible => {
                    decisions.exact += 1;
                    return Some(sign);
                }
            }
        }
        None
    }

    fn positive_by_floats(
        &self,
        level: &Level,
        dictionary: &Dictionary,
        k: usize,
        id: RowId,
        sign: i32,
    ) -> bool {
        let (basis, line) = (dictionary.columns(), dictionary.candidate(k));
        if let Some(extent) = &self.chart.extent
            && certify::positive_in_box(level, extent, basis, line, id, sign)
        {
            return true;
        }
        let inverse = |i: usize| dictionary.coordinate(i);
        certify::positive_by_multipliers(level, basis, line, inverse, id, sign)
    }

    /// No hyperplane of this layer cuts the cell any more.
    fn finish(&self, level: &Level, mut cell: Cell) {
        match self.witness(level, &cell.dictionary) {
            Some(witness) => {
                self.count_cell(level);
                let Some(stage) = self.stages.get(level.number() as usize) else {
                    return self.region(&cell.path, witness);
                };
                let next = level.next(stage, self.active(level, &cell.path));
                let Some(candidates) = self.sort_out(&next, &mut cell.path) else {
                    return;
                };
                if !cell.dictionary.refresh(&next) {
                    let mut cell = cell.into_exact();
                    cell.candidates = candidates;
                    return self.search_exactly(&next, cell);
                }
                cell.views = Views::new(candidates.len());
                cell.dictionary
                    .add_candidates(&next, candidates.into_iter());
                self.split_or_finish(&next, cell);
            }
            None => self.end_branch(&cell.path),
        }
    }

    /// A point inside the cell, with proof that it is; `None` proves the cell empty.
    fn witness(&self, level: &Level, dictionary: &Dictionary) -> Option<Witness> {
        let rows = || {
            dictionary
                .columns()
                .iter()
                .chain(dictionary.constraints())
                .copied()
        };
        if let Some(point) = witness::propose(dictionary) {
            if certify::positive_at(level, rows(), &point) {
                self.tallies.with(|tally| tally.decisions.float += 1);
                return Some(Witness::Float(point));
            }
            let exact: Option<Vec<Rational>> =
                point.iter().map(|&y| Rational::from_float(y)).collect();
            if let Some(exact) = exact
                && rows().all(|id| {
                    certify::positive_at(level, [id].into_iter(), &point)
                        || certify::positive_at_exactly(level, id, &exact)
                })
            {
                self.tallies.with(|tally| tally.decisions.exact += 1);
                return Some(Witness::Float(point));
            }
        }
        self.tallies.with(|tally| tally.decisions.exact += 1);
        let (rows, hint) = exact_constraints(level, dictionary);
        interior_point(&rows, dictionary.dimension(), &hint).map(Witness::Exact)
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

    /// Counts an activation region and hands it out.
    fn region(&self, path: &Path, witness: Witness) {
        if let Some(visit) = self.visit {
            let y = match witness {
                Witness::Exact(y) => y,
                Witness::Float(y) => y
                    .into_iter()
                    .map(|y| Rational::from_float(y).expect("a witness is finite"))
                    .collect(),
            };
            let witness = self.chart.to_input(&y);
            let witness_f64 = nearest_inside(self.stages, self.domain, &path.signs, &witness);
            if visit(&Region {
                pattern: &path.signs,
                witness,
                witness_f64,
            }) == ControlFlow::Break(())
            {
                self.monitor.stop();
                return;
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
    fn search_exactly(&self, level: &Level, mut cell: ExactCell) {
        if self.monitor.stopped() {
            return;
        }
        let rows: Vec<IntegerRow> = cell
            .constraints
            .iter()
            .map(|&id| level.integer_row(id))
            .collect();
        if interior_point(&rows, level.width() - 1, &[]).is_none() {
            self.tallies.with(|tally| tally.decisions.exact += 1);
            return self.end_branch(&cell.path);
        }
        while let Some(id) = cell.candidates.pop() {
            let side = [1, -1].into_iter().find(|&sign| {
                let least = minimum(&rows, &[], &certify::oriented(level, id, sign));
                matches!(least, Minimum::Sign(0 | 1))
            });
            match side {
                Some(sign) => {
                    self.tallies.with(|tally| tally.decisions.exact += 1);
                    let sign = if sign > 0 {
                        Sign::Positive
                    } else {
                        Sign::Negative
                    };
                    self.assign(level, &mut cell.path, id.index as usize, sign);
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
                        self.assign(level, &mut child.path, id.index as usize, sign);
                        child
                    };
                    let (positive, negative) = (child(false), child(true));
                    return self.both(
                        || self.search_exactly(level, positive),
                        || self.search_exactly(level, negative),
                    );
                }
            }
        }
        self.finish_exactly(level, cell);
    }

    fn finish_exactly(&self, level: &Level, mut cell: ExactCell) {
        let rows: Vec<IntegerRow> = cell
            .constraints
            .iter()
            .map(|&id| level.integer_row(id))
            .collect();
        self.tallies.with(|tally| tally.decisions.exact += 1);
        let Some(point) = interior_point(&rows, level.width() - 1, &[]) else {
            return self.end_branch(&cell.path);
        };
        self.count_cell(level);
        match self.stages.get(level.number() as usize) {
            None => self.region(&cell.path, Witness::Exact(point)),
            Some(stage) => {
                let next = level.next(stage, self.active(level, &cell.path));
                let Some(candidates) = self.sort_out(&next, &mut cell.path) else {
                    return;
                };
                cell.candidates = candidates;
                self.search_exactly(&next, cell);
            }
        }
    }
}

impl Cell {
    fn into_exact(self) -> ExactCell {
        let dictionary = &self.dictionary;
        let constraints = dictionary
            .columns()
            .iter()
            .chain(dictionary.constraints())
            .copied()
            .collect();
        ExactCell {
            constraints,
            candidates: dictionary.candidates().to_vec(),
            path: self.path,
        }
    }
}

/// A point inside a cell, in chart coordinates.
enum Witness {
    Float(Point),
    Exact(Vec<Rational>),
}

/// All constraints of a cell, the basis first, and the indices of the basis.
fn exact_constraints(level: &Level, dictionary: &Dictionary) -> (Vec<IntegerRow>, Vec<usize>) {
    let ids = dictionary.columns().iter().chain(dictionary.constraints());
    let rows = ids.map(|&id| level.integer_row(id)).collect();
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
        for chart in &charts {
            let tree = Tree {
                stages: &stages,
                domain,
                chart,
                charts: charts.len(),
                options: &Options {
                    strict,
                    ..Options::default()
                },
                monitor: &monitor,
                tallies: &tallies,
                visit: None,
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
                    tree.search_exactly(&first, cell);
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
