//! The walk through one chunk: a machine that reads events and keeps the node's trail,
//! its constraints, and the forms of every layer on it.

mod claims;

use std::sync::Arc;

use num_bigint::BigInt;

use claims::{Numbers, Set};

use super::ball::Ball;
use super::chart::Chart;
use super::farkas::{Bounds, Entries, Function, Integers};
use super::flaw::{Flaw, Place};
use super::forms::{Forms, integers};
use super::ledger::{self, Counts, Found};
use super::stages::{Stage, Whole};
use super::witness::Point;
use crate::arithmetic::Rational;
use crate::proof::format::{Cursor, Decided, Entry, decode_start, encode_start, event};
use crate::regions::Sign;
use crate::regions::digest::PatternHash;

/// What is the same for all chunks.
#[derive(Debug)]
pub struct Ground<'n> {
    /// The network.
    pub stages: Vec<Stage<'n>>,
    /// Units of all layers.
    pub units: usize,
    /// Whether cells with a unit that is identically zero are left out.
    pub strict: bool,
    /// The charts, each with the forms of the first layer where there is one.
    pub charts: Vec<(Chart, Option<Arc<Forms>>)>,
    /// Where a chart shows half of the rays, the other half being opposite, in what the hashes of
    /// opposite patterns differ.
    pub opposite: Option<PatternHash>,
}

/// In what the hashes of a pattern and of the one of all opposite signs differ, for the units of
/// these forms, of the only layer.
pub fn opposite(forms: &Forms) -> PatternHash {
    let units = forms.constant.iter().enumerate();
    let turned = units.filter(|(_, sign)| **sign != Some(Sign::Zero));
    let keys = turned.map(|(unit, _)| PatternHash::of_turning(unit));
    keys.fold(PatternHash::default(), PatternHash::and)
}

/// A layer on the current cell.
struct Level {
    forms: Arc<Forms>,
    signs: Vec<Option<Sign>>,
    undecided: usize,
    /// The length of the trail when the layer was entered.
    entered: usize,
    /// Of the units with a sign.
    hash: PatternHash,
}

impl Level {
    fn new(forms: Arc<Forms>, first_unit: usize, entered: usize) -> Self {
        let signs = forms.constant.clone();
        let undecided = signs.iter().filter(|sign| sign.is_none()).count();
        let mut level = Level {
            forms,
            undecided,
            signs,
            entered,
            hash: PatternHash::default(),
        };
        for (unit, sign) in level.signs.iter().enumerate() {
            if let Some(sign) = sign {
                level.hash = level
                    .hash
                    .and(PatternHash::of_unit(first_unit + unit, *sign));
            }
        }
        level
    }
}

/// A split that gives a constraint.
#[derive(Clone, Copy)]
struct Split {
    level: usize,
    unit: usize,
    negative: bool,
}

/// Sees the steps of a walk, each when it is verified.
pub trait Watch {
    /// A unit of the current layer has a sign by these constraints; it is not on the
    /// trail yet.
    fn side(&mut self, _walk: &Walk<'_>, _unit: usize, _constraints: &[usize]) {}

    /// The node is a region with this point, where all units are decided. Else every choice of
    /// signs of the undecided ones is a region; their hyperplanes cross near this point.
    fn leaf(&mut self, _walk: &Walk<'_>, _point: &dyn Fn() -> Vec<Rational>) {}

    /// The undecided units cut the node into regions with these signs, in order: a bit for each of
    /// them, the first unit's the highest, set for a negative sign.
    fn arrangement(&mut self, _walk: &Walk<'_>, _patterns: &[u64]) {}
}

/// Nobody watches.
impl Watch for () {}

/// The state of the walk.
pub struct Walk<'g> {
    ground: &'g Ground<'g>,
    /// Whether to stop.
    stop: &'g dyn Fn() -> bool,
    chart: &'g Chart,
    chart_number: usize,
    trail: Vec<Entry>,
    splits: Vec<Split>,
    levels: Vec<Level>,
    counts: Counts,
    point: Point,
    scratch: Vec<Ball>,
    /// The constraints of the last side.
    last: Numbers,
    /// The sets of constraints of the event before, where it told sides by sets.
    sets: Vec<Set>,
}

/// Where the walk stands.
#[derive(PartialEq)]
enum Stand {
    /// At a node.
    Node,
    /// At its end.
    Finished,
}

/// Checks a chunk's body; `stop` is asked now and then.
///
/// # Errors
/// The first flaw.
pub fn chunk(
    ground: &Ground<'_>,
    number: u64,
    body: &[u8],
    stop: &dyn Fn() -> bool,
    watch: &mut impl Watch,
) -> Result<Found, Flaw> {
    let mut place = Place {
        chunk: number,
        event: None,
        byte: 0,
    };
    let wrong = |place: &Place, what: String| Flaw::Step {
        place: place.clone(),
        what,
    };
    let mut cursor = Cursor::new(body);
    let mut walk = Walk::start(ground, stop, &mut cursor).map_err(|what| wrong(&place, what))?;
    let mut stand = Stand::Node;
    let start = ledger::hash(&body[..cursor.at]);
    let mut promised = Vec::new();
    let mut events = 0u64;
    while stand == Stand::Node {
        place.event = Some(events);
        place.byte = cursor.at;
        if cursor.is_at_end() {
            if events == 0 {
                return Err(wrong(&place, "the chunk has no event".into()));
            }
            promised.push(walk.here(false));
            break;
        }
        if events.is_multiple_of(1024) && stop() {
            return Err(Flaw::Stopped);
        }
        stand = walk
            .event(&mut cursor, events == 0, &mut promised, watch)
            .map_err(|what| match stop() {
                true => Flaw::Stopped,
                false => wrong(&place, what),
            })?;
        events += 1;
    }
    if !cursor.is_at_end() {
        place.event = Some(events);
        place.byte = cursor.at;
        let what = "the chunk goes on after the end of its walk".into();
        return Err(wrong(&place, what));
    }
    Ok(Found {
        start,
        promised,
        counts: walk.counts,
    })
}

impl<'g> Walk<'g> {
    /// Reads the start of a chunk and goes there.
    fn start(
        ground: &'g Ground<'g>,
        stop: &'g dyn Fn() -> bool,
        cursor: &mut Cursor,
    ) -> Result<Self, String> {
        let (chart_number, trail) = decode_start(cursor, ground.units)
            .ok_or("it is no chart, no number of entries and no entries of a trail")?;
        let Some((chart, _)) = ground.charts.get(chart_number) else {
            return Err(format!(
                "there is no chart {chart_number}, only {}",
                ground.charts.len()
            ));
        };
        let mut walk = Walk {
            ground,
            stop,
            chart,
            chart_number,
            trail: Vec::with_capacity(trail.len()),
            splits: Vec::new(),
            levels: Vec::new(),
            counts: Counts::default(),
            point: Point::default(),
            scratch: Vec::new(),
            last: Numbers::new(),
            sets: Vec::new(),
        };
        for (number, entry) in trail.into_iter().enumerate() {
            let place = |what: String| format!("entry {number} of the trail: {what}");
            walk.enter_layers();
            let unit = entry.unit as usize;
            let first = walk.current().map_err(place)?;
            let unit = unit
                .checked_sub(first)
                .ok_or_else(|| place(format!("unit {unit} of the network is decided")))?;
            walk.undecided(unit as u64).map_err(place)?;
            walk.decide(unit, entry.how);
        }
        walk.enter_layers();
        Ok(walk)
    }

    /// The hash of this node as a start; settled when others see to what is pending.
    fn here(&self, settled: bool) -> ledger::StartHash {
        ledger::hash(&encode_start(self.chart_number, &self.trail, settled))
    }

    /// The number of the current layer's first unit.
    fn current(&self) -> Result<usize, String> {
        match self.levels.last() {
            Some(level) if level.undecided > 0 => {
                Ok(self.ground.stages[self.levels.len() - 1].first_unit)
            }
            _ => Err("all units are decided".into()),
        }
    }

    /// A unit of the current layer that has no sign.
    fn undecided(&self, unit: u64) -> Result<usize, String> {
        self.current()?;
        let layer = self.levels.len();
        let signs = &self.levels[layer - 1].signs;
        let signed = |unit: &usize| *unit < signs.len();
        let Some(unit) = usize::try_from(unit).ok().filter(signed) else {
            return Err(format!(
                "there is no unit {unit} in layer {layer}, only {}",
                signs.len()
            ));
        };
        match signs[unit] {
            None => Ok(unit),
            Some(sign) => Err(format!(
                "{} is decided: it has sign {}",
                self.name(unit),
                sign.symbol()
            )),
        }
    }

    /// A unit of the current layer.
    fn name(&self, unit: usize) -> String {
        format!("unit {unit} of layer {}", self.levels.len())
    }

    /// Gives a unit of the current layer a sign.
    fn decide(&mut self, unit: usize, how: Decided) {
        let sign = if how.sign() > 0 {
            Sign::Positive
        } else {
            Sign::Negative
        };
        let layer = self.levels.len() - 1;
        let number = self.ground.stages[layer].first_unit + unit;
        self.trail.push(Entry {
            unit: number as u32,
            how,
        });
        if how.is_split() {
            self.splits.push(Split {
                level: layer,
                unit,
                negative: how.sign() < 0,
            });
        }
        let level = &mut self.levels[layer];
        level.signs[unit] = Some(sign);
        level.undecided -= 1;
        level.hash = level.hash.and(PatternHash::of_unit(number, sign));
    }

    /// Gives a unit of the current layer the sign that it has all over the cell.
    fn decide_side(&mut self, unit: usize, negative: bool) {
        self.decide(
            unit,
            match negative {
                true => Decided::Negative,
                false => Decided::Positive,
            },
        );
    }

    /// Enters layers until one has an undecided unit, or none is left.
    fn enter_layers(&mut self) {
        while self.levels.last().is_none_or(|level| level.undecided == 0) {
            let layer = self.levels.len();
            let Some(stage) = self.ground.stages.get(layer) else {
                return;
            };
            let forms = match self.levels.last() {
                None => {
                    let (_, first) = &self.ground.charts[self.chart_number];
                    Arc::clone(first.as_ref().expect("there is a layer"))
                }
                Some(level) => {
                    let active = |unit: usize| level.signs[unit] == Some(Sign::Positive);
                    let width = level.forms.width;
                    let bounds = stage.bounds(&level.forms.bounds, width, active);
                    let whole = || stage.apply(self.whole(layer - 1), active);
                    Arc::new(Forms::new(width, bounds, whole))
                }
            };
            let level = Level::new(forms, stage.first_unit, self.trail.len());
            self.levels.push(level);
        }
    }

    /// Whether a unit is zero all over the cell.
    fn is_degenerate(&self) -> bool {
        let zero = |level: &Level| level.forms.constant.contains(&Some(Sign::Zero));
        self.levels.iter().any(zero)
    }

    /// The forms of a layer over the integers.
    fn whole(&self, layer: usize) -> &Whole {
        let missing = |&layer: &usize| self.levels[layer].forms.whole.get().is_none();
        let first = (0..=layer).rev().take_while(missing).last();
        for layer in first.map_or(0..0, |first| first..layer + 1) {
            let forms = &self.levels[layer].forms;
            forms.whole.get_or_init(|| {
                let stage = &self.ground.stages[layer];
                match layer.checked_sub(1) {
                    None => stage.apply(&self.chart.whole(), |_| true),
                    Some(before) => {
                        let before = &self.levels[before];
                        let active = |unit: usize| before.signs[unit] == Some(Sign::Positive);
                        let from = before.forms.whole.get().expect("made before");
                        stage.apply(from, active)
                    }
                }
            });
        }
        let whole = self.levels[layer].forms.whole.get();
        whole.expect("made above")
    }

    /// Leaves a leaf.
    fn leave(&mut self) -> Stand {
        if !self.turn() {
            return Stand::Finished;
        }
        self.enter_layers();
        Stand::Node
    }

    /// Returns to the last pending split and goes to its negative side.
    fn turn(&mut self) -> bool {
        while let Some(entry) = self.trail.pop() {
            while self
                .levels
                .last()
                .is_some_and(|level| level.entered > self.trail.len())
            {
                self.levels.pop();
            }
            let layer = self.levels.len() - 1;
            let unit = entry.unit as usize - self.ground.stages[layer].first_unit;
            let level = &mut self.levels[layer];
            let sign = level.signs[unit].take().expect("it was on the trail");
            level.undecided += 1;
            let key = PatternHash::of_unit(entry.unit as usize, sign);
            // Twice the same key cancels.
            level.hash = level.hash.and(key);
            if entry.how.is_split() {
                self.splits.pop();
            }
            if entry.how == Decided::SplitPending {
                self.decide(unit, Decided::SplitNegative);
                return true;
            }
        }
        false
    }

    /// Reads one event and does what it says.
    fn event(
        &mut self,
        cursor: &mut Cursor,
        first: bool,
        promised: &mut Vec<ledger::StartHash>,
        watch: &mut impl Watch,
    ) -> Result<Stand, String> {
        let code = cursor.number().ok_or_else(cut)?;
        let (unit, kind) = (code / 4, code % 4);
        let sets = std::mem::take(&mut self.sets);
        match kind {
            event::SPLIT => {
                let unit = self.undecided(unit)?;
                self.counts.splits += 1;
                self.decide(unit, Decided::SplitPending);
                self.enter_layers();
                Ok(Stand::Node)
            }
            event::POSITIVE | event::NEGATIVE => {
                let unit = self.undecided(unit)?;
                let negative = kind == event::NEGATIVE;
                let constraints = self.side(unit, negative, cursor)?;
                watch.side(self, unit, &constraints);
                self.decide_side(unit, negative);
                self.enter_layers();
                Ok(Stand::Node)
            }
            _ if unit == event::SIDES => {
                self.sides(sets, cursor, watch)?;
                self.enter_layers();
                Ok(Stand::Node)
            }
            _ => {
                match unit {
                    event::REGION => self.region(cursor, watch)?,
                    event::CROSSING => self.crossing(cursor, watch)?,
                    event::ARRANGEMENT => self.arrangement(cursor, watch)?,
                    event::EMPTY => self.empty(cursor)?,
                    event::OPEN => self.counts.open += 1,
                    event::ELSEWHERE if first => {
                        return Err("a chunk cannot begin with a node that is elsewhere".into());
                    }
                    event::ELSEWHERE if promised.len() == ledger::MAX_WAITING => {
                        return Err("the chunk promises too many others".into());
                    }
                    event::ELSEWHERE => promised.push(self.here(true)),
                    event::EXCLUDED if !self.ground.strict => {
                        return Err("a cell is left out, but the proof is not strict".into());
                    }
                    event::EXCLUDED if !self.is_degenerate() => {
                        return Err("a cell is left out, but no unit is zero all over it".into());
                    }
                    event::EXCLUDED => {}
                    _ => return Err(format!("there is no leaf of kind {unit}")),
                }
                Ok(self.leave())
            }
        }
    }

    /// Whether each region stands for the opposite one, too.
    pub fn counts_opposites(&self) -> bool {
        self.ground.opposite.is_some()
    }

    /// The chart's number.
    pub fn chart_number(&self) -> usize {
        self.chart_number
    }

    /// The units decided so far.
    pub fn trail(&self) -> &[Entry] {
        &self.trail
    }

    /// The number of the current layer's first unit in the network.
    pub fn first_unit(&self) -> usize {
        self.ground.stages[self.levels.len() - 1].first_unit
    }

    /// The signs of all units of the layers so far.
    pub fn signs(&self) -> impl Iterator<Item = Option<Sign>> + '_ {
        self.levels
            .iter()
            .flat_map(|level| level.signs.iter().copied())
    }

    /// The form of each of these units.
    pub fn forms(&self) -> Vec<Vec<Rational>> {
        let of_layer = |layer: usize| {
            let whole = self.whole(layer);
            let number = |entry: &BigInt| Rational::new(entry.clone(), whole.scale.clone());
            let rows = whole.entries.chunks_exact(whole.width);
            rows.map(move |row| row.iter().map(number).collect())
        };
        (0..self.levels.len()).flat_map(of_layer).collect()
    }

    /// How many constraints the node has.
    fn constraints(&self) -> usize {
        self.chart.ends.len() + self.splits.len()
    }

    /// Intervals around a constraint.
    fn constraint(&self, number: usize) -> Function<'_> {
        match self.chart.ends.get(number) {
            Some(end) => Function {
                bounds: Bounds::End(end, self.chart.dimension),
                negative: false,
            },
            None => {
                let split = self.splits[number - self.chart.ends.len()];
                let forms = &self.levels[split.level].forms;
                forms.function(split.unit, split.negative)
            }
        }
    }

    /// A constraint over the integers.
    fn whole_constraint(&self, number: usize, negative: bool) -> Integers<'_> {
        match self.chart.ends.get(number) {
            Some(end) => Integers {
                entries: Entries::End(end, self.chart.dimension),
                negative,
                scale: &end.scale,
            },
            None => {
                let split = self.splits[number - self.chart.ends.len()];
                let whole = self.whole(split.level);
                integers(whole, split.unit, split.negative != negative)
            }
        }
    }

    /// A constraint in words.
    fn describe(&self, number: usize) -> String {
        let ends = self.chart.ends.len();
        match number.checked_sub(ends) {
            None => format!("constraint {number} (an end of the domain)"),
            Some(at) => {
                let split = self.splits[at];
                let (unit, layer) = (split.unit, split.level + 1);
                format!("constraint {number} (unit {unit} of layer {layer})")
            }
        }
    }
}

/// Where an event ends too early.
fn cut() -> String {
    "the event is cut off, or a number has not its one form".into()
}
