//! The walk through one chunk: a machine that reads events and keeps the node's trail,
//! its constraints, and the forms of every layer on it.

use std::sync::Arc;

use num_bigint::BigInt;
use num_traits::{Signed, ToPrimitive, Zero};
use smallvec::SmallVec;

use super::ball::Ball;
use super::chart::Chart;
use super::farkas::{self, Bounds, Entries, Function, Integers, Size, Wrong};
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

    /// The node is a region with this point.
    fn region(&mut self, _walk: &Walk<'_>, _point: &Point) {}
}

/// Nobody watches.
impl Watch for () {}

/// The state of the walk.
pub struct Walk<'g> {
    ground: &'g Ground<'g>,
    chart: &'g Chart,
    chart_number: usize,
    trail: Vec<Entry>,
    splits: Vec<Split>,
    levels: Vec<Level>,
    counts: Counts,
    point: Point,
    scratch: Vec<Ball>,
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
    let mut walk = Walk::start(ground, &mut cursor).map_err(|what| wrong(&place, what))?;
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
            .map_err(|what| wrong(&place, what))?;
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
    fn start(ground: &'g Ground<'g>, cursor: &mut Cursor) -> Result<Self, String> {
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
            chart,
            chart_number,
            trail: Vec::with_capacity(trail.len()),
            splits: Vec::new(),
            levels: Vec::new(),
            counts: Counts::default(),
            point: Point::default(),
            scratch: Vec::new(),
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
                let constraints = self.side(unit, kind == event::NEGATIVE, cursor)?;
                watch.side(self, unit, &constraints);
                let how = if kind == event::POSITIVE {
                    Decided::Positive
                } else {
                    Decided::Negative
                };
                self.decide(unit, how);
                self.enter_layers();
                Ok(Stand::Node)
            }
            _ => {
                match unit {
                    event::REGION => self.region(cursor, watch)?,
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

    /// Reads the number of constraints.
    fn number(&self, cursor: &mut Cursor) -> Result<usize, String> {
        let number = cursor.number().ok_or_else(cut)?;
        let there = self.constraints();
        match usize::try_from(number) {
            Ok(number) if number < there => Ok(number),
            _ => Err(format!(
                "there is no constraint {number}, only {there} at this node"
            )),
        }
    }

    /// Reads this many different numbers of constraints.
    fn numbers(&self, count: u64, cursor: &mut Cursor) -> Result<Numbers, String> {
        let dimension = self.chart.dimension;
        if count > dimension as u64 {
            return Err(format!(
                "{count} constraints in {dimension} coordinates are not independent"
            ));
        }
        let mut numbers = Numbers::new();
        for _ in 0..count {
            let number = self.number(cursor)?;
            if numbers.contains(&number) {
                return Err(format!("{} is named twice", self.describe(number)));
            }
            numbers.push(number);
        }
        Ok(numbers)
    }

    /// Checks that a unit has a sign all over the cell.
    fn side(
        &mut self,
        unit: usize,
        negative: bool,
        cursor: &mut Cursor,
    ) -> Result<Numbers, String> {
        let count = cursor.number().ok_or_else(cut)?;
        let numbers = self.numbers(count, cursor)?;
        let mut scratch = std::mem::take(&mut self.scratch);
        let layer = self.levels.len() - 1;
        let target = self.levels[layer].forms.function(unit, negative);
        let whole = || integers(self.whole(layer), unit, negative);
        let size = self.combination(&numbers, target, whole, &mut scratch);
        let size = size.map_err(|why| {
            let sign = if negative { "negative" } else { "positive" };
            format!("{} is not proved {sign}: {why}", self.name(unit))
        })?;
        self.scratch = scratch;
        self.counts.sides += 1;
        self.count(size);
        Ok(numbers)
    }

    /// Checks that the cell is empty.
    fn empty(&mut self, cursor: &mut Cursor) -> Result<(), String> {
        let count = cursor.number().ok_or_else(cut)?;
        let first = self.number(cursor)?;
        let numbers = self.numbers(count, cursor)?;
        let mut scratch = std::mem::take(&mut self.scratch);
        let target = self.constraint(first);
        let target = Function {
            negative: !target.negative,
            ..target
        };
        let whole = || self.whole_constraint(first, true);
        let size = self.combination(&numbers, target, whole, &mut scratch);
        let size = size.map_err(|why| {
            let constraint = self.describe(first);
            format!("the cell is not proved empty: {constraint} is not proved negative: {why}")
        })?;
        self.scratch = scratch;
        self.counts.empty += 1;
        self.count(size);
        Ok(())
    }

    /// Checks that a function is a combination of constraints as in Farkas' lemma; says
    /// what size of integers it took, if any.
    fn combination<'a>(
        &'a self,
        numbers: &[usize],
        target: Function<'_>,
        whole: impl Fn() -> Integers<'a>,
        scratch: &mut Vec<Ball>,
    ) -> Result<Option<Size>, String> {
        let d = self.chart.dimension;
        let others = numbers.iter().map(|&number| self.constraint(number));
        let others: SmallVec<[Function<'_>; INLINE]> = others.collect();
        if farkas::by_intervals(target, &others, d, scratch) {
            return Ok(None);
        }
        let others = numbers
            .iter()
            .map(|&number| self.whole_constraint(number, false));
        let others: SmallVec<[Integers<'_>; INLINE]> = others.collect();
        farkas::exactly(whole(), &others, d)
            .map(Some)
            .map_err(|wrong| match wrong {
                Wrong::Dependent => "the constraints are not independent".to_string(),
                Wrong::NoCombination => "it is no combination of the constraints".to_string(),
                Wrong::Multiplier(at, value) => format!(
                    "the multiplier of {} is {}",
                    self.describe(numbers[at]),
                    shown(&value)
                ),
                Wrong::Constant(value) => {
                    format!("the constant that is left is {}", shown(&value))
                }
            })
    }

    /// Checks that the node is a region.
    fn region(&mut self, cursor: &mut Cursor, watch: &mut impl Watch) -> Result<(), String> {
        if let Ok(layer) = self.current() {
            let undecided = |sign: &Option<Sign>| sign.is_none();
            let signs = &self.levels.last().expect("the current layer").signs;
            let unit = signs.iter().position(undecided).unwrap_or(0);
            return Err(format!(
                "no region yet: {}, unit {} of the network, is undecided",
                self.name(unit),
                layer + unit
            ));
        }
        if self.ground.strict && self.is_degenerate() {
            return Err("strictness leaves this out: a unit is zero all over the cell".into());
        }
        let mut point = std::mem::take(&mut self.point);
        point.read(cursor, self.chart.dimension)?;
        let mut size = None;
        for number in 0..self.constraints() {
            if point.is_positive(self.constraint(number)) == Some(true) {
                continue;
            }
            let value = point.value(self.whole_constraint(number, false));
            if !value.numer().is_positive() {
                return Err(format!(
                    "the point is not inside: {} is {} there",
                    self.describe(number),
                    shown(&value)
                ));
            }
            size = Some(Size::Big);
        }
        watch.region(self, &point);
        self.point = point;
        self.count(size);
        self.counts.regions += 1;
        let keys = self.levels.iter().map(|level| level.hash);
        let pattern = keys.fold(PatternHash::default(), PatternHash::and);
        self.counts.digest.add(pattern);
        Ok(())
    }

    fn count(&mut self, size: Option<Size>) {
        match size {
            None => self.counts.intervals += 1,
            Some(Size::Small) => self.counts.small += 1,
            Some(Size::Big) => self.counts.big += 1,
        }
    }
}

/// As many constraints as this need no memory of their own.
const INLINE: usize = 8;

type Numbers = SmallVec<[usize; INLINE]>;

/// Where an event ends too early.
fn cut() -> String {
    "the event is cut off, or a number has not its one form".into()
}

/// A number for people.
fn shown(value: &Rational) -> String {
    const LONGEST_BITS: u64 = 100;
    let bits = value.numer().bits() + value.denom().bits();
    if bits <= LONGEST_BITS {
        return value.reduced().to_string();
    }
    match value.to_f64() {
        Some(float) if float != 0.0 && float.is_finite() => format!("about {float:e}"),
        _ if value.is_zero() => "0".to_string(),
        _ => {
            let sign = if value.is_negative() { "-" } else { "" };
            let magnitude = value.numer().bits() as i64 - value.denom().bits() as i64;
            format!("about {sign}2^{magnitude}")
        }
    }
}
