//! What events say of a node, verified: sides, empty cells, regions, crossings, arrangements.

use num_traits::{Signed, ToPrimitive, Zero};
use smallvec::SmallVec;

use super::{Walk, Watch, cut};
use crate::arithmetic::Rational;
use crate::proof::check::arrangement::{self, MAX_CONSTRAINTS, MAX_DIMENSION, MAX_UNITS, Refused};
use crate::proof::check::ball::Ball;
use crate::proof::check::corner;
use crate::proof::check::crossing;
use crate::proof::check::farkas::{self, Function, Integers, Size, Wrong};
use crate::proof::check::forms::integers;
use crate::proof::check::lazy::Lazy;
use crate::proof::check::witness::Point;
use crate::proof::format::{Cursor, MAX_CROSSING};
use crate::regions::Sign;
use crate::regions::digest::PatternHash;

/// As many constraints as this need no memory of their own.
const INLINE: usize = 8;

pub(super) type Numbers = SmallVec<[usize; INLINE]>;

/// The most sets of constraints in an event.
const MAX_SETS: usize = 1 << 12;

/// The most constraints of which they are sets.
const MAX_NAMED: u64 = 64;

/// Constraints of which many things may be combinations.
pub(super) struct Set {
    constraints: Numbers,
    /// Where all are zero, when there are d of them.
    point: Option<SmallVec<[Ball; INLINE]>>,
}

impl Walk<'_> {
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
        self.may_be_independent(count)?;
        self.different_numbers(count, cursor)
    }

    /// There are no more constraints than coordinates.
    fn may_be_independent(&self, count: u64) -> Result<(), String> {
        let dimension = self.chart.dimension;
        match count <= dimension as u64 {
            true => Ok(()),
            false => Err(format!(
                "{count} constraints in {dimension} coordinates are not independent"
            )),
        }
    }

    /// Reads this many different numbers of constraints, which are few.
    fn different_numbers(&self, count: u64, cursor: &mut Cursor) -> Result<Numbers, String> {
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
    pub(super) fn side(
        &mut self,
        unit: usize,
        negative: bool,
        cursor: &mut Cursor,
    ) -> Result<Numbers, String> {
        let numbers = match cursor.number().ok_or_else(cut)? {
            0 => self.last_numbers()?,
            count => self.numbers(count, cursor)?,
        };
        let mut scratch = std::mem::take(&mut self.scratch);
        let layer = self.levels.len() - 1;
        let target = self.levels[layer].forms.function(unit, negative);
        let whole = || integers(self.whole(layer), unit, negative);
        let size = self.combination(&numbers, target, whole, &mut scratch);
        self.scratch = scratch;
        let size = size.map_err(|why| self.no_side(unit, negative, &why))?;
        self.counts.sides += 1;
        self.count(size);
        self.last.clone_from(&numbers);
        Ok(numbers)
    }

    /// Checks sides of several units, each by one of several sets of constraints. They may be those
    /// that were told before.
    pub(super) fn sides(
        &mut self,
        before: Vec<Set>,
        cursor: &mut Cursor,
        watch: &mut impl Watch,
    ) -> Result<(), String> {
        let sets = match cursor.size().ok_or_else(cut)? {
            0 if before.is_empty() => {
                return Err("sides by the constraints of the event before, which has none".into());
            }
            0 => before,
            count => self.read_sets(count, cursor)?,
        };
        self.sides_by(&sets, cursor, watch)?;
        self.sets = sets;
        Ok(())
    }

    fn sides_by(
        &mut self,
        sets: &[Set],
        cursor: &mut Cursor,
        watch: &mut impl Watch,
    ) -> Result<(), String> {
        let sides = cursor.number().ok_or_else(cut)?;
        for _ in 0..sides {
            let code = cursor.number().ok_or_else(cut)?;
            self.side_by_one_of(sets, code / 2, code % 2 == 1, watch)?;
        }
        if sides > 0 {
            return Ok(());
        }
        let mut any = false;
        for negative in [false, true] {
            for unit in cursor.bits().ok_or_else(cut)? {
                any = true;
                self.side_by_one_of(sets, unit, negative, watch)?;
            }
        }
        match any {
            true => Ok(()),
            false => Err("sides of no unit".into()),
        }
    }

    /// Checks a side by one of several sets of constraints.
    fn side_by_one_of(
        &mut self,
        sets: &[Set],
        unit: u64,
        negative: bool,
        watch: &mut impl Watch,
    ) -> Result<(), String> {
        let unit = self.undecided(unit)?;
        let mut scratch = std::mem::take(&mut self.scratch);
        let layer = self.levels.len() - 1;
        let target = self.levels[layer].forms.function(unit, negative);
        let whole = || integers(self.whole(layer), unit, negative);
        let shown = self.by_one_of(sets, target, whole, &mut scratch);
        self.scratch = scratch;
        let (set, size) = shown.map_err(|why| self.no_side(unit, negative, &why))?;
        self.counts.sides += 1;
        self.count(size);
        watch.side(self, unit, &sets[set].constraints);
        self.decide_side(unit, negative);
        Ok(())
    }

    /// Why a unit is not proved to have a sign.
    fn no_side(&self, unit: usize, negative: bool, why: &str) -> String {
        let sign = if negative { "negative" } else { "positive" };
        format!("{} is not proved {sign}: {why}", self.name(unit))
    }

    /// Reads so many sets of constraints.
    fn read_sets(&mut self, count: usize, cursor: &mut Cursor) -> Result<Vec<Set>, String> {
        if count > MAX_SETS {
            return Err(format!(
                "{count} sets of constraints, but there may be at most {MAX_SETS}"
            ));
        }
        let named = cursor.number().ok_or_else(cut)?;
        if named > MAX_NAMED {
            return Err(format!(
                "sets of {named} constraints, but there may be at most {MAX_NAMED}"
            ));
        }
        let named = self.different_numbers(named, cursor)?;
        let mut sets = Vec::new();
        let mut scratch = std::mem::take(&mut self.scratch);
        for _ in 0..count {
            let members = cursor.number().ok_or_else(cut)?;
            if members == 0 {
                return Err("a set of no constraints".into());
            }
            let last = members.ilog2() as usize;
            if last >= named.len() {
                return Err(format!(
                    "a set has constraint {last} of the {} that are named",
                    named.len()
                ));
            }
            self.may_be_independent(members.count_ones().into())?;
            let is_member = |at: &usize| members >> at & 1 == 1;
            let constraints: Numbers = (0..=last).filter(is_member).map(|at| named[at]).collect();
            let point = self.guess(&constraints, &mut scratch);
            sets.push(Set { constraints, point });
        }
        self.scratch = scratch;
        Ok(sets)
    }

    /// Where d constraints are zero, more or less.
    fn guess(
        &self,
        constraints: &[usize],
        scratch: &mut Vec<Ball>,
    ) -> Option<SmallVec<[Ball; INLINE]>> {
        let d = self.chart.dimension;
        if constraints.len() != d {
            return None;
        }
        let functions = constraints.iter().map(|&number| self.constraint(number));
        let functions: SmallVec<[Function<'_>; INLINE]> = functions.collect();
        let mut point: SmallVec<[Ball; INLINE]> = SmallVec::new();
        point.resize(d, Ball::ZERO);
        corner::by_balls(&mut point, &functions, scratch).then_some(point)
    }

    /// Checks that a function is a combination, as in Farkas' lemma, of one of these sets of
    /// constraints: says of which, and what size of integers it took, if any.
    fn by_one_of<'a>(
        &'a self,
        sets: &[Set],
        target: Function<'_>,
        whole: impl Fn() -> Integers<'a>,
        scratch: &mut Vec<Ball>,
    ) -> Result<(usize, Option<Size>), String> {
        // The one that looks best, and the others only where that fails.
        let value = |set: &Set| {
            let value = |point: &SmallVec<_>| crossing::value(point, target).center();
            set.point.as_ref().map_or(f64::INFINITY, value)
        };
        let values: SmallVec<[f64; 64]> = sets.iter().map(value).collect();
        let best = (0..sets.len()).min_by(|&a, &b| values[a].total_cmp(&values[b]));
        let best = best.ok_or("there are none")?;
        let constraints = &sets[best].constraints;
        let why = match self.combination(constraints, target, &whole, scratch) {
            Ok(size) => return Ok((best, size)),
            Err(why) => why,
        };
        let others = (0..sets.len()).filter(|&set| set != best);
        let mut shown = others.filter_map(|set| {
            let constraints = &sets[set].constraints;
            let size = self.combination(constraints, target, &whole, scratch);
            Some((set, size.ok()?))
        });
        shown.next().ok_or(why)
    }

    /// The constraints of the last side.
    fn last_numbers(&self) -> Result<Numbers, String> {
        let there = self.constraints();
        match self.last.iter().find(|&&number| number >= there) {
            Some(number) => Err(format!(
                "there is no constraint {number}, only {there} at this node"
            )),
            None if self.last.is_empty() => Err("no constraints, and no side before".into()),
            None => Ok(self.last.clone()),
        }
    }

    /// Checks that the cell is empty.
    pub(super) fn empty(&mut self, cursor: &mut Cursor) -> Result<(), String> {
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

    /// Whether strictness lets regions of this node count.
    fn counts_here(&self) -> Result<(), String> {
        if self.ground.strict && self.is_degenerate() {
            return Err("strictness leaves this out: a unit is zero all over the cell".into());
        }
        Ok(())
    }

    /// Checks that the node is a region.
    pub(super) fn region(
        &mut self,
        cursor: &mut Cursor,
        watch: &mut impl Watch,
    ) -> Result<(), String> {
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
        self.counts_here()?;
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
        watch.leaf(self, &|| point.coordinates());
        self.point = point;
        self.count(size);
        self.count_regions(&[]);
        Ok(())
    }

    /// Counts the region, or those around the crossing of these units.
    fn count_regions(&mut self, units: &[usize]) {
        self.counts.crossings += u64::from(!units.is_empty());
        self.add_count(1 << units.len());
        self.add_patterns(units);
    }

    /// Checks that every choice of signs of the undecided units is a region.
    pub(super) fn crossing(
        &mut self,
        cursor: &mut Cursor,
        watch: &mut impl Watch,
    ) -> Result<(), String> {
        let units = self.crossing_units()?;
        self.counts_here()?;
        let mut point = std::mem::take(&mut self.point);
        point.read(cursor, self.chart.dimension)?;
        let mut scratch = std::mem::take(&mut self.scratch);
        let exact = self.crosses_inside(&units, &point, &mut scratch)?;
        self.scratch = scratch;
        watch.leaf(self, &|| point.coordinates());
        self.point = point;
        self.count(exact.then_some(Size::Big));
        self.count_regions(&units);
        Ok(())
    }

    /// Checks that the hyperplanes of the undecided units are in general position in the cell, and
    /// counts the regions into which they cut it.
    pub(super) fn arrangement(
        &mut self,
        cursor: &mut Cursor,
        watch: &mut impl Watch,
    ) -> Result<(), String> {
        let units = self.last_units("an arrangement", MAX_UNITS)?;
        self.counts_here()?;
        let d = self.chart.dimension;
        if d > MAX_DIMENSION {
            return Err(format!(
                "an arrangement in {d} coordinates, but there may be at most {MAX_DIMENSION}"
            ));
        }
        let count = cursor.size().ok_or_else(cut)?;
        let sets = self.read_sets(count, cursor)?;
        let named = self.bounding(&sets)?;
        if named.len() > MAX_CONSTRAINTS {
            return Err(format!(
                "an arrangement in a cell of {} constraints, but there may be at most \
                 {MAX_CONSTRAINTS}",
                named.len()
            ));
        }
        let layer = self.levels.len() - 1;
        let ball = |function: Function<'_>, c: usize| Ball::from(function.at(c));
        let constraints = named.iter().map(|&number| self.constraint(number));
        let constraints = constraints.flat_map(|g| (0..=d).map(move |c| ball(g, c)));
        let forms = &self.levels[layer].forms;
        let hyperplanes = units.iter().map(|&unit| forms.function(unit, false));
        let hyperplanes = hyperplanes.flat_map(|h| (0..=d).map(move |c| ball(h, c)));
        let listed =
            arrangement::patterns(constraints.collect(), hyperplanes.collect(), d, self.stop);
        let exact = listed == Err(Refused::Unknown);
        let listed = match exact {
            false => listed,
            true => {
                let lazy = |function: Function<'_>, whole: Integers<'_>| -> Vec<Lazy> {
                    let exact = |c| Rational::new(whole.at(c), whole.scale.clone());
                    let entry = |c| Lazy::new(exact(c), function.at(c));
                    (0..=d).map(entry).collect()
                };
                let constraints = named.iter().flat_map(|&number| {
                    let whole = self.whole_constraint(number, false);
                    lazy(self.constraint(number), whole)
                });
                let hyperplanes = units.iter().flat_map(|&unit| {
                    let whole = integers(self.whole(layer), unit, false);
                    lazy(forms.function(unit, false), whole)
                });
                arrangement::patterns(constraints.collect(), hyperplanes.collect(), d, self.stop)
            }
        };
        let Ok(patterns) = listed else {
            let units = units.len();
            return Err(format!(
                "the hyperplanes of the {units} undecided units are not in general position in \
                 the cell"
            ));
        };
        watch.arrangement(self, &patterns);
        self.count(exact.then_some(Size::Big));
        self.counts.arrangements += 1;
        self.add_count(patterns.len() as u64);
        self.add_listed(&units, &patterns);
        Ok(())
    }

    /// The constraints in these sets, in order, when all others follow from one set each; all of
    /// them when there is no set.
    fn bounding(&mut self, sets: &[Set]) -> Result<Vec<usize>, String> {
        if sets.is_empty() {
            return Ok((0..self.constraints()).collect());
        }
        let mut is_named = vec![false; self.constraints()];
        for &number in sets.iter().flat_map(|set| &set.constraints) {
            is_named[number] = true;
        }
        let (named, others): (Vec<usize>, Vec<usize>) =
            (0..is_named.len()).partition(|&number| is_named[number]);
        let mut scratch = std::mem::take(&mut self.scratch);
        for number in others {
            let target = self.constraint(number);
            let whole = || self.whole_constraint(number, false);
            let shown = self.by_one_of(sets, target, whole, &mut scratch);
            let (_, size) = shown.map_err(|why| {
                let constraint = self.describe(number);
                format!("{constraint} is not proved to follow from those that are named: {why}")
            })?;
            self.count(size);
        }
        self.scratch = scratch;
        Ok(named)
    }

    /// The undecided units, where a crossing may be.
    fn crossing_units(&self) -> Result<Numbers, String> {
        self.last_units("a crossing", MAX_CROSSING)
    }

    /// The undecided units, where this stands for a leaf of at most so many of the last layer.
    fn last_units(&self, leaf: &str, most: usize) -> Result<Numbers, String> {
        if self.current().is_err() {
            return Err(format!("{leaf} of no hyperplanes: all units are decided"));
        }
        let (layer, last) = (self.levels.len(), self.ground.stages.len());
        if layer < last {
            return Err(format!(
                "{leaf} in layer {layer}, but only units of the last layer, {last}, may cross"
            ));
        }
        let signs = self.levels[layer - 1].signs.iter().enumerate();
        let undecided = signs.filter(|(_, sign)| sign.is_none());
        let units: Numbers = undecided.map(|(unit, _)| unit).collect();
        if units.len() > most {
            return Err(format!(
                "{leaf} of {} hyperplanes, but at most {most} may cross",
                units.len()
            ));
        }
        Ok(units)
    }

    /// Checks that the hyperplanes of these units of the current layer are independent, and
    /// that the point nearest to this one in which they cross is inside; says whether that
    /// took integers.
    fn crosses_inside(
        &self,
        units: &[usize],
        point: &Point,
        scratch: &mut Vec<Ball>,
    ) -> Result<bool, String> {
        let layer = self.levels.len() - 1;
        let forms = units
            .iter()
            .map(|&unit| self.levels[layer].forms.function(unit, false));
        let forms: SmallVec<[Function<'_>; INLINE]> = forms.collect();
        let all = 0..self.constraints();
        let unsure: Vec<usize> = match crossing::by_balls(&forms, point.bounds(), scratch) {
            None => all.collect(),
            Some(near) => {
                let unsure =
                    |&number: &usize| !crossing::is_positive(near, self.constraint(number));
                let unsure: Vec<usize> = all.filter(unsure).collect();
                if unsure.is_empty() {
                    return Ok(false);
                }
                unsure
            }
        };
        let forms: Vec<Integers<'_>> = units
            .iter()
            .map(|&unit| integers(self.whole(layer), unit, false))
            .collect();
        let Some(exact) = crossing::exactly(&forms, &point.exact()) else {
            return Err("the hyperplanes of the undecided units are not independent".into());
        };
        for number in unsure {
            let value = exact.value(self.whole_constraint(number, false));
            if !value.numer().is_positive() {
                return Err(format!(
                    "the crossing is not inside: {} is {} there",
                    self.describe(number),
                    shown(&value)
                ));
            }
        }
        Ok(true)
    }

    /// Adds the patterns of all choices of signs of these units of the current layer, in
    /// the order of a Gray code: one sign changes at a time.
    fn add_patterns(&mut self, units: &[usize]) {
        if units.is_empty() {
            return self.add_pattern(self.pattern());
        }
        let first = self.first_unit();
        let positive = |&unit: &usize| PatternHash::of_unit(first + unit, Sign::Positive);
        let positive = units.iter().map(positive);
        let mut pattern = positive.fold(self.pattern(), PatternHash::and);
        let turning = |&unit: &usize| PatternHash::of_turning(first + unit);
        let changes: SmallVec<[PatternHash; INLINE]> = units.iter().map(turning).collect();
        self.add_pattern(pattern);
        for step in 1..1u32 << units.len() {
            pattern = pattern.and(changes[step.trailing_zeros() as usize]);
            self.add_pattern(pattern);
        }
    }

    /// Adds the patterns of choices of signs of these units of the current layer, as
    /// [`arrangement::patterns`] lists them.
    fn add_listed(&mut self, units: &[usize], patterns: &[u64]) {
        let first = self.first_unit();
        let mut hash = self.pattern();
        let mut changes = SmallVec::<[PatternHash; INLINE]>::new();
        for &unit in units.iter().rev() {
            hash = hash.and(PatternHash::of_unit(first + unit, Sign::Positive));
            changes.push(PatternHash::of_turning(first + unit));
        }
        let mut last = 0;
        for &pattern in patterns {
            let mut changed = pattern ^ last;
            while changed != 0 {
                hash = hash.and(changes[changed.trailing_zeros() as usize]);
                changed &= changed - 1;
            }
            last = pattern;
            self.add_pattern(hash);
        }
    }

    /// Counts regions, and those opposite to them where they are not walked through.
    fn add_count(&mut self, regions: u64) {
        self.counts.regions += match self.counts_opposites() {
            true => 2 * regions,
            false => regions,
        };
    }

    /// Adds the pattern of a region that is counted, and that of the opposite one.
    fn add_pattern(&mut self, pattern: PatternHash) {
        self.counts.digest.add(pattern);
        if let Some(opposite) = self.ground.opposite {
            self.counts.digest.add(pattern.and(opposite));
        }
    }

    /// The hash of the signs of all units that have one.
    fn pattern(&self) -> PatternHash {
        let keys = self.levels.iter().map(|level| level.hash);
        keys.fold(PatternHash::default(), PatternHash::and)
    }

    fn count(&mut self, size: Option<Size>) {
        match size {
            None => self.counts.intervals += 1,
            Some(Size::Small) => self.counts.small += 1,
            Some(Size::Big) => self.counts.big += 1,
        }
    }
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
