//! The hyperplanes of one layer on one cell, as the engine sees them: float rows
//! with proved radii, scaled to ordinary size, and exact rows on demand.

use std::sync::{Arc, OnceLock};

use super::engine::vertices::{FourTargets, Target};
use super::rows::{FloatRow, Rows, Vector};
use crate::arithmetic::lanes::{LANES, Lanes};
use crate::arithmetic::{Int, IntegerRow};
use crate::arrangement::Chart;
use crate::arrangement::forms::FloatForms;
use crate::arrangement::stage::{Class, ExactForms, Stage};

/// Names a row: a side of the domain (level 0) or a class of units (level l for
/// the l-th ReLU layer), with an orientation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RowId {
    /// 0 for the domain, l for the l-th ReLU layer.
    pub level: u32,
    /// Which side, or which class of units.
    pub index: u32,
    /// Whether the row counts with the opposite sign.
    pub negated: bool,
}

/// What is known of a row before any search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// The form is identically zero.
    Zero,
    /// The linear part is zero, the constant is not.
    Constant,
    /// A hyperplane.
    Hyperplane,
}

/// The rows of the domain's sides or of one ReLU layer on one cell. A level knows
/// the levels above it, so that any row of the path can be looked up.
pub struct Level<'a> {
    parent: Option<&'a Level<'a>>,
    number: u32,
    own: Box<Memory>,
    classes: &'a [Class],
    exact: OnceLock<Box<ExactLevel>>,
    /// What leads from the parent's active units to this level's; nothing when its exact rows
    /// were there first.
    stage: Option<&'a Stage>,
    /// The fewest coordinates, and the next fewest.
    reduced: [OnceLock<Option<Box<Reduced>>>; REDUCTIONS],
}

/// What a level knows in floats, and leaves behind for another one to use its memory again.
#[derive(Default)]
pub struct Memory {
    forms: FloatForms,
    /// The forms scaled to ordinary size; made on first use, as vertices need none.
    rows: OnceLock<Rows>,
    /// Memory for them.
    spare: Rows,
    /// Which units of the parent's layer pass their values on.
    active: Vec<bool>,
}

/// In how many choices of fewer coordinates rows may be had.
pub const REDUCTIONS: usize = 2;

/// The rows of a level in fewer coordinates than the cell has: the pre-activations of the
/// active units of a level above, on which all else depends.
struct Reduced {
    coordinates: Arc<Coordinates>,
    forms: FloatForms,
    rows: Rows,
}

/// Active units as coordinates.
struct Coordinates {
    /// Their level.
    level: u32,
    /// For each unit of its layer the number of the coordinate.
    of: Vec<Option<usize>>,
    /// The coordinates as rows.
    rows: Rows,
}

struct ExactLevel {
    forms: ExactForms,
    /// One row a class.
    rows: Vec<OnceLock<IntegerRow>>,
}

impl<'a> Level<'a> {
    /// Level 0: the sides of the domain.
    pub fn domain(chart: &'a Chart) -> Self {
        let width = chart.dimension + 1;
        let mut rows = Rows::zeros(width, chart.sides.len());
        for (index, side) in chart.sides.iter().enumerate() {
            let entries: Vec<Int> = (0..width).map(|k| side.int(k)).collect();
            rows.set_exact(index, &entries);
        }
        let exact = ExactLevel {
            forms: ExactForms {
                entries: vec![],
                width,
                denominator: Int::ONE,
            },
            rows: chart
                .sides
                .iter()
                .map(|side| OnceLock::from(side.clone()))
                .collect(),
        };
        Level {
            parent: None,
            number: 0,
            own: Memory::given(FloatForms::zeros(0, width), rows),
            classes: &[],
            exact: OnceLock::from(Box::new(exact)),
            stage: None,
            reduced: [OnceLock::from(None), OnceLock::from(None)],
        }
    }

    /// Level 1: the first stage's units, which the chart gives exactly.
    pub fn first(parent: &'a Level<'a>, chart: &'a Chart) -> Self {
        let exact = ExactLevel::new(chart.units.clone(), chart.classes.len());
        let forms = FloatForms::from_exact(&exact.forms);
        let mut rows = Rows::zeros(forms.width, chart.classes.len());
        for (index, class) in chart.classes.iter().enumerate() {
            rows.set_exact(index, exact.forms.row(class.representative()));
        }
        Level {
            parent: Some(parent),
            number: 1,
            own: Memory::given(forms, rows),
            classes: &chart.classes,
            exact: OnceLock::from(Box::new(exact)),
            stage: None,
            reduced: [OnceLock::from(None), OnceLock::from(None)],
        }
    }

    /// The next stage's units on a cell of this level, on which the units of this
    /// level's layer that are `active` pass their values on.
    pub fn next(
        &'a self,
        stage: &'a Stage,
        is_active: impl Iterator<Item = bool>,
        mut own: Box<Memory>,
    ) -> Level<'a> {
        own.active.clear();
        own.active.extend(is_active);
        through(&self.own.forms, stage, &own.active, &mut own.forms);
        let mut level = Level {
            parent: Some(self),
            number: self.number + 1,
            own,
            classes: stage.classes(),
            exact: OnceLock::new(),
            stage: Some(stage),
            reduced: [OnceLock::new(), OnceLock::new()],
        };
        let forms = &level.own.forms;
        if !forms.tame || forms.is_vague() {
            level.make_sure();
        }
        level
    }

    /// Computes what floats say too little of from exact numbers.
    #[cold]
    fn make_sure(&mut self) {
        let exact = FloatForms::from_exact(&self.exact().forms);
        let forms = &mut self.own.forms;
        if forms.tame {
            let vague: Vec<usize> = forms.vague().collect();
            vague.into_iter().for_each(|row| forms.replace(row, &exact));
            forms.tame = exact.tame;
        } else {
            *forms = exact;
        }
        if !forms.tame {
            // Vertices are not to look at these.
            self.prepare();
        }
    }

    /// Makes its rows in the memory that it has.
    pub fn prepare(&mut self) {
        let spare = std::mem::take(&mut self.own.spare);
        self.own.rows.get_or_init(|| self.scale(spare));
    }

    #[inline]
    fn rows(&self) -> &Rows {
        self.own.rows.get_or_init(|| self.scale(Rows::default()))
    }

    /// The forms of its classes, scaled to ordinary size; those that are too extreme from
    /// their exact rows.
    #[cold]
    fn scale(&self, mut rows: Rows) -> Rows {
        for index in rows.scale(&self.own.forms, Some(self.classes)) {
            let unit = self.classes[index].representative();
            rows.set_exact(index, self.exact().forms.row(unit));
        }
        rows
    }

    /// Its memory, for another level.
    pub fn into_memory(self) -> Box<Memory> {
        let mut own = self.own;
        if let Some(rows) = own.rows.take() {
            own.spare = rows;
        }
        own
    }

    /// Its rows in fewer coordinates, where there are fewer: in the fewest, or in others.
    fn reduced(&self, which: usize) -> Option<&Reduced> {
        let reduced = self.reduced[which].get_or_init(|| {
            let (stage, parent) = (self.stage?, self.parent?);
            let reduced = parent.reduce(stage, &self.own.active, which)?;
            Some(Box::new(reduced))
        });
        reduced.as_deref()
    }

    /// The rows of the next stage in the active units of this level, or of one above it,
    /// where these are fewer than the coordinates; `None` also where floats say too little.
    fn reduce(&self, stage: &Stage, active: &[bool], which: usize) -> Option<Reduced> {
        let count = active.iter().filter(|active| **active).count();
        let known = self
            .reduced(0)
            .map_or(self.width(), |reduced| reduced.forms.width)
            - 1;
        // The active units come first where they are fewer, and those from above after them.
        let above = match count < known {
            true => which.checked_sub(1),
            false => Some(which),
        };
        let (mut forms, mut rows) = (FloatForms::default(), Rows::default());
        let coordinates = match above {
            Some(above) => {
                let before = self.reduced(above)?;
                through(&before.forms, stage, active, &mut forms);
                Arc::clone(&before.coordinates)
            }
            None if count == 0 => return None,
            None => {
                let mut next = 0..count;
                let of = active
                    .iter()
                    .map(|active| active.then(|| next.next()).flatten());
                let of: Vec<Option<usize>> = of.collect();
                let all: Vec<Option<usize>> = (0..count).map(Some).collect();
                let mut rows = Rows::default();
                rows.scale(&FloatForms::coordinates(&all, count), None);
                let units = FloatForms::coordinates(&of, count);
                through(&units, stage, active, &mut forms);
                let level = self.number;
                Arc::new(Coordinates { level, of, rows })
            }
        };
        if !forms.tame || forms.is_vague() {
            return None;
        }
        if !rows.scale(&forms, Some(stage.classes())).is_empty() {
            return None;
        }
        Some(Reduced {
            coordinates,
            forms,
            rows,
        })
    }

    /// A row of this level or one above it in fewer coordinates, without its orientation.
    /// These are functions of the others: what holds for all of their values holds on the
    /// cell. Inactive units of a layer are no functions of its active units; they may be
    /// functions of those of a layer above, which are the next choice.
    pub fn reduced_row(&self, id: RowId, which: usize) -> Option<FloatRow<'_>> {
        let own = self.reduced(which)?;
        let coordinates = &own.coordinates;
        if id.level < coordinates.level {
            return None;
        }
        let level = self.at(id.level);
        if id.level == coordinates.level {
            let unit = level.classes[id.index as usize].representative();
            return coordinates.of[unit].map(|k| coordinates.rows.get(k));
        }
        let mut choices = (0..REDUCTIONS).filter_map(|which| level.reduced(which));
        let reduced = choices.find(|reduced| Arc::ptr_eq(&reduced.coordinates, coordinates))?;
        Some(reduced.rows.get(id.index as usize))
    }

    /// Entries of a row: one a coordinate, and the constant.
    pub fn width(&self) -> usize {
        self.own.forms.width
    }

    /// 0 for the domain, l for the l-th ReLU layer.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        match self.number {
            0 => self.rows().len(),
            _ => self.classes.len(),
        }
    }

    /// The classes of units behind the rows; none for the domain.
    pub fn classes(&self) -> &'a [Class] {
        self.classes
    }

    #[inline]
    fn at(&self, level: u32) -> &Level<'a> {
        let mut here = self;
        while here.number > level {
            here = here.parent.expect("levels go down to the domain");
        }
        here
    }

    /// A row of this level or one above it, without its orientation.
    #[inline(always)]
    pub fn row(&self, id: RowId) -> FloatRow<'_> {
        self.at(id.level).rows().get(id.index as usize)
    }

    /// A row of this level or one above it as whole vectors, without its orientation.
    pub fn vector(&self, id: RowId) -> Vector<'_> {
        self.at(id.level).own_vector(id.index as usize)
    }

    /// The same of a row of this level.
    #[inline]
    pub fn own_vector(&self, index: usize) -> Vector<'_> {
        self.rows().vector(index)
    }

    /// A row of this level as the vertex engine looks at it.
    pub fn target(&self, index: u32) -> Target {
        match self.width() {
            3 => self.target_of::<3>(index),
            4 => self.target_of::<4>(index),
            5 => self.target_of::<5>(index),
            _ => self.target_of::<6>(index),
        }
    }

    /// The same where the width K is known.
    #[inline(always)]
    pub fn target_of<const K: usize>(&self, index: u32) -> Target {
        let index = index as usize;
        let (entries, slack, norm) = match self.own.rows.get() {
            Some(rows) => rows.short::<K>(index),
            None => self.own.forms.short::<K>(self.unit(index)),
        };
        Target::new(entries, slack, norm)
    }

    /// Four rows of this level as the vertex engine looks at them together, the first of them
    /// `4 * number`; those beyond the last are of no meaning. None where they do not lie so.
    #[inline(always)]
    pub fn four_of<L: Lanes, const K: usize>(&self, number: usize) -> Option<FourTargets<L, K>> {
        let (rows, slacks, norms) = match self.own.rows.get() {
            Some(rows) => rows.four(number),
            None if self.is_plain() => self.own.forms.four(number),
            None => return None,
        };
        // Loops, not closures: these are not always compiled for the vectors.
        let stride = K.div_ceil(LANES);
        let rows = &rows[..LANES * stride];
        let (mut first, mut rest) = ([L::all(0.0); LANES], [L::all(0.0); LANES]);
        for lane in 0..LANES {
            first[lane] = L::load(&rows[lane * stride]);
            if stride > 1 {
                rest[lane] = L::load(&rows[lane * stride + 1]);
            }
        }
        first = L::transposed(first);
        if stride > 1 {
            rest = L::transposed(rest);
        }
        let mut entries = [L::all(0.0); K];
        for k in 0..K {
            entries[k] = if k < LANES { first[k] } else { rest[k - LANES] };
        }
        Some(FourTargets {
            entries,
            magnitudes: L::load(norms).plus(entries[K - 1].abs()),
            slack: L::load(slacks),
        })
    }

    /// Whether each unit is a class of its own, which then has the unit's number.
    #[inline]
    pub fn is_plain(&self) -> bool {
        self.classes.len() == self.own.forms.len()
    }

    /// Whether all rows are known to be hyperplanes.
    #[inline]
    pub fn all_have_slope(&self) -> bool {
        self.own.forms.all_have_slope()
    }

    /// The unit that stands for a class of this level, which has units.
    #[inline]
    fn unit(&self, class: usize) -> usize {
        match self.is_plain() {
            true => class,
            false => self.classes[class].representative(),
        }
    }

    /// The entries of [`Level::own_vector`].
    #[inline]
    pub fn own_entries(&self, index: usize) -> &[f64] {
        self.rows().entries(index)
    }

    /// The exact row, oriented.
    pub fn integer_row(&self, id: RowId) -> IntegerRow {
        let level = self.at(id.level);
        let exact = level.exact();
        let row = exact.rows[id.index as usize]
            .get_or_init(|| IntegerRow::new(exact.forms.row(level.representative(id))));
        if id.negated {
            row.negated()
        } else {
            row.clone()
        }
    }

    /// What is known of a row of this level before any search.
    #[inline]
    pub fn content(&self, index: usize) -> Content {
        let has_slope = match self.own.rows.get() {
            Some(rows) => rows.has_slope(index),
            None => self.own.forms.has_slope(self.unit(index)),
        };
        if has_slope {
            return Content::Hyperplane;
        }
        let row = self.rows().get(index);
        if row.support != 0 {
            // A coefficient that may be zero is not known to be: ask the exact row.
            let linear = self.width() - 1;
            let exact = self.integer_row(self.id(index));
            if (0..linear).any(|k| !exact.is_zero_at(k)) {
                return Content::Hyperplane;
            }
            return if exact.is_zero_at(linear) {
                Content::Zero
            } else {
                Content::Constant
            };
        }
        if row.homogeneous {
            Content::Zero
        } else {
            Content::Constant
        }
    }

    /// The sign of a row's constant; `true` beside it when floats proved it.
    pub fn constant_sign(&self, index: usize) -> (i32, bool) {
        let row = self.rows().get(index);
        let last = self.width() - 1;
        let (center, radius) = (row.center[last], row.constant_radius);
        if center.abs() > radius {
            return (if center > 0.0 { 1 } else { -1 }, true);
        }
        (self.integer_row(self.id(index)).int(last).sign(), false)
    }

    /// The unit, within its layer, that stands for the class of a row of this level or
    /// one above it.
    pub fn representative(&self, id: RowId) -> usize {
        self.at(id.level).classes[id.index as usize].representative()
    }

    /// The name of a row of this level.
    pub fn id(&self, index: usize) -> RowId {
        RowId {
            level: self.number,
            index: index as u32,
            negated: false,
        }
    }

    fn exact(&self) -> &ExactLevel {
        self.exact.get_or_init(|| {
            let known = "levels without a stage are exact from the start";
            let (stage, parent) = (self.stage.expect(known), self.parent.expect(known));
            let (first, rest) = stage.maps.split_first().expect("a stage has a map");
            let is_active = |unit: usize| self.own.active[unit];
            let forms = parent.exact().forms.through(first, is_active);
            let forms = rest
                .iter()
                .fold(forms, |forms, map| forms.through(map, |_| true));
            Box::new(ExactLevel::new(forms, stage.classes().len()))
        })
    }
}

impl Memory {
    /// Of a level whose forms and rows are made from exact ones.
    fn given(forms: FloatForms, rows: Rows) -> Box<Self> {
        Box::new(Memory {
            forms,
            rows: OnceLock::from(rows),
            ..Memory::default()
        })
    }
}

/// Makes of `result` the forms of a stage's units, from those of the layer before it.
fn through(forms: &FloatForms, stage: &Stage, active: &[bool], result: &mut FloatForms) {
    let (first, rest) = stage.maps.split_first().expect("a stage has a map");
    forms.through(first, Some(active), result);
    for map in rest {
        let before = std::mem::take(result);
        before.through(map, None, result);
    }
}

impl ExactLevel {
    fn new(forms: ExactForms, classes: usize) -> Self {
        ExactLevel {
            forms,
            rows: (0..classes).map(|_| OnceLock::new()).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use num_bigint::BigInt;
    use num_traits::{One, Signed, Zero};

    use super::*;
    use crate::arithmetic::lanes::Plain;
    use crate::arithmetic::lanes::plain_only::both;
    use crate::arithmetic::{Number, Rational};
    use crate::arrangement::Domain;
    use crate::arrangement::chart::charts;
    use crate::arrangement::stage::stages;
    use crate::arrangement::support;
    use crate::network::{Affine, Layer, Network, Shape};

    fn power(exponent: i64) -> Rational {
        let power = Rational::from_integer(BigInt::one() << exponent.unsigned_abs());
        if exponent < 0 { power.recip() } else { power }
    }

    /// Whether some power of two times the exact row, or its numerators, lies in the
    /// float row.
    fn is_enclosed(level: &Level, index: usize) -> bool {
        let denominator = &level.exact().forms.denominator;
        [&Int::ONE, denominator]
            .into_iter()
            .any(|denominator| is_enclosed_over(level, index, denominator))
    }

    fn is_enclosed_over(level: &Level, index: usize, denominator: &Int) -> bool {
        let forms = &level.exact().forms;
        let entries = forms.row(level.classes()[index].representative());
        let vector = Some(level.own_vector(index));
        is_row_enclosed(level.row(level.id(index)), vector, entries, denominator)
    }

    fn is_row_enclosed(
        row: FloatRow,
        vector: Option<Vector>,
        entries: &[Int],
        denominator: &Int,
    ) -> bool {
        let values: Vec<Rational> = entries
            .iter()
            .map(|entry| Rational::new(entry.to_big(), denominator.to_big()))
            .collect();
        let is_sum_at_most = |mut terms: Vec<Rational>, bound: f64| {
            let sum = terms
                .drain(..)
                .fold(Rational::zero(), |sum, term| sum + term.abs());
            Rational::from_float(bound).is_none_or(|bound| sum <= bound)
        };
        let lies_within = |shift: i64| {
            let scale = power(shift);
            let exact = |k: usize| &values[k] * &scale;
            let off = |k: usize| exact(k) - Rational::from_float(row.center[k]).unwrap();
            let linear = values.len() - 1;
            let known_as_vector = vector.is_none_or(|vector| {
                assert_eq!(vector.entries[..=linear], *row.center);
                assert!(
                    vector.entries[linear + 1..]
                        .iter()
                        .all(|entry| *entry == 0.0)
                );
                assert_eq!(vector.homogeneous, row.homogeneous);
                is_sum_at_most((0..linear).map(exact).collect(), vector.norm)
                    && is_sum_at_most((0..=linear).map(off).collect(), vector.slack)
            });
            let zeros = (0..linear).filter(|&k| row.support & support::bit(k) == 0);
            assert!(zeros.into_iter().all(|k| values[k].is_zero()));
            assert!(!row.homogeneous || values[linear].is_zero());
            known_as_vector
                && (0..values.len()).all(|k| {
                    let radius = match k + 1 == values.len() {
                        true => row.constant_radius,
                        false => row.radius(k),
                    };
                    radius.is_infinite()
                        || (&values[k] * &scale - Rational::from_float(row.center[k]).unwrap())
                            .abs()
                            <= Rational::from_float(radius).unwrap()
                })
        };
        // The scale follows the largest coefficient, or the constant where the others
        // are zero as far as floats can tell.
        let (constant, linear) = values.split_last().expect("a row has a constant");
        let largest = linear.iter().map(Rational::abs).max();
        let mut sizes = largest
            .into_iter()
            .chain([constant.abs()])
            .filter(|size| !size.is_zero())
            .peekable();
        let about = |size: Rational| size.denom().bits() as i64 - size.numer().bits() as i64;
        if sizes.peek().is_none() {
            return lies_within(0);
        }
        sizes
            .map(about)
            .any(|about| (about - 1..=about + 1).any(lies_within))
    }

    /// Weights of ordinary, tiny and huge sizes, thirds, and numbers beyond the floats:
    /// no coefficient leaves its radius, and a coefficient that counts as zero is zero.
    #[test]
    fn float_rows_enclose_exact_ones() {
        both(check_that_float_rows_enclose_exact_ones);
    }

    fn check_that_float_rows_enclose_exact_ones() {
        let mut state = 7u64;
        let mut below = |bound: u64| {
            state = state
                .wrapping_mul(6364136223846793005)
                .wrapping_add(1442695040888963407);
            (state >> 33) % bound
        };
        let (mut reduced, mut wider, mut targets, mut fours) = (0, 0, 0, 0);
        for trial in 0..150 {
            let extremes = trial % 3;
            let mut number = || {
                let unit = below(1 << 30) as f64 / (1u64 << 29) as f64 - 1.0;
                let size = match (extremes, below(4)) {
                    (1, 0) => below(800) as i64 - 400,
                    (2, 0) => below(2000) as i64 - 1000,
                    _ => below(6) as i64 - 3,
                };
                match below(5) {
                    0 => Number::ZERO,
                    1 => Number::parse("1/3").unwrap(),
                    2 => Number::from_rational(
                        Rational::from_float(unit).unwrap() * power(size) / BigInt::from(3),
                    ),
                    _ => Number::from_rational(Rational::from_float(unit).unwrap() * power(size)),
                }
            };
            // Rows of one, of two and of four vectors.
            let inputs = match trial % 30 {
                4 => 13,
                8 | 18 | 28 => 6,
                _ => 3,
            };
            let units = inputs + 2;
            let mut network = Network::new(Shape::new([inputs]));
            for (inputs, outputs) in [(inputs, units), (units, 5), (5, 4)] {
                let mut weight: Vec<Number> = (0..inputs * outputs).map(|_| number()).collect();
                let mut bias: Vec<Number> = (0..outputs).map(|_| number()).collect();
                if trial % 5 == 0 {
                    // Two units of one class.
                    let (one, other) = weight.split_at_mut(inputs);
                    other[..inputs].clone_from_slice(one);
                    bias[1] = bias[0].clone();
                }
                let affine = Affine::dense(inputs, outputs, weight, bias).unwrap();
                network.push(Layer::Affine(affine)).unwrap();
                network.push(Layer::Relu).unwrap();
            }
            let stages = stages(&network);
            let chart = &charts(&stages, &Domain::everything(inputs))[0];
            let domain = Level::domain(chart);
            let first = Level::first(&domain, chart);
            let active = |n: usize| (0..n).map(move |unit| (unit + trial) % 4 != 0);
            let second = first.next(&stages[1], active(units), Box::default());
            let third = second.next(&stages[2], active(5), Box::default());
            // Two active units: two coordinates for all that comes.
            let two: Vec<bool> = (0..units).map(|unit| unit == 0 || unit == 2).collect();
            let narrow = first.next(&stages[1], two.iter().copied(), Box::default());
            let narrower = narrow.next(&stages[2], active(5), Box::default());
            // One active unit after two: coordinates of its own, and those two.
            let one: Vec<bool> = (0..5).map(|unit| unit == trial % 5).collect();
            let narrowest = narrow.next(&stages[2], one.iter().copied(), Box::default());
            let unit = |k: usize| match k {
                0 => [Int::ONE, Int::ZERO, Int::ZERO],
                2 => [Int::ZERO, Int::ONE, Int::ZERO],
                _ => [Int::ZERO; 3],
            };
            let units = ExactForms {
                entries: (0..units).flat_map(unit).collect(),
                width: 3,
                denominator: Int::ONE,
            };
            let exact = units.through(&stages[1].maps[0], |unit| two[unit]);
            let after = exact.through(&stages[2].maps[0], |unit| (unit + trial) % 4 != 0);
            let last = exact.through(&stages[2].maps[0], |unit| one[unit]);
            for (level, exact) in [(&narrow, &exact), (&narrower, &after), (&narrowest, &last)] {
                let in_two = |which: &usize| {
                    let own = level.reduced(*which);
                    own.is_some_and(|own| own.coordinates.level == 1)
                };
                // There may be none where these say too little.
                let Some(which) = (0..REDUCTIONS).find(in_two) else {
                    continue;
                };
                wider += usize::from(which > 0);
                for (index, class) in level.classes().iter().enumerate() {
                    let Some(row) = level.reduced_row(level.id(index), which) else {
                        continue;
                    };
                    let entries = exact.row(class.representative());
                    assert!(
                        [&Int::ONE, &exact.denominator]
                            .into_iter()
                            .any(|denominator| is_row_enclosed(row, None, entries, denominator)),
                        "trial {trial}, level {}, reduced row {index}",
                        level.number()
                    );
                    reduced += 1;
                }
                let coordinates = [0, 2].map(|index| RowId {
                    level: 1,
                    index,
                    negated: false,
                });
                for (k, id) in coordinates.into_iter().enumerate() {
                    if let Some(row) = level.reduced_row(id, which) {
                        let expected: Vec<f64> =
                            (0..3).map(|c| f64::from(u8::from(c == k))).collect();
                        assert_eq!(row.center, expected);
                    }
                }
            }
            for level in [&second, &third] {
                // Vertices look at forms, before rows are made of them.
                let unscaled = level.own.rows.get().is_none();
                for (index, class) in level.classes().iter().enumerate() {
                    let forms = &level.exact().forms;
                    let entries = forms.row(class.representative());
                    let values = entries
                        .iter()
                        .map(|entry| Rational::new(entry.to_big(), forms.denominator.to_big()));
                    let values: Vec<Rational> = values.collect();
                    let content = match values.iter().position(|value| !value.is_zero()) {
                        Some(k) if k < inputs => Content::Hyperplane,
                        Some(_) => Content::Constant,
                        None => Content::Zero,
                    };
                    if inputs == 3 && unscaled && level.own.rows.get().is_none() {
                        let target = level.target(index as u32);
                        let rational = |x: f64| Rational::from_float(x).unwrap();
                        let off = |k: usize| (&values[k] - rational(target.entries[k])).abs();
                        let sum: Rational = (0..=inputs).map(off).sum();
                        assert!(sum <= rational(target.slack), "trial {trial}");
                        if let Some(four) = level.four_of::<Plain, 4>(index / LANES) {
                            let lane = index % LANES;
                            let entries = four.entries.map(|lanes| lanes.array()[lane]);
                            assert_eq!(entries, target.entries[..4]);
                            let [magnitudes, slack] = [four.magnitudes, four.slack];
                            assert_eq!(magnitudes.array()[lane], target.magnitudes);
                            assert_eq!(slack.array()[lane], target.slack);
                            fours += 1;
                        }
                        targets += 1;
                    }
                    assert_eq!(level.content(index), content, "trial {trial}");
                }
            }
            // In memory that another one, of other size, leaves behind.
            let made = format!("{:?}", second.own.forms);
            let again = first.next(&stages[1], active(inputs + 2), narrowest.into_memory());
            assert_eq!(format!("{:?}", again.own.forms), made);
            for level in [&first, &second, &third] {
                let slopes = (0..level.len()).all(|n| level.content(n) == Content::Hyperplane);
                assert!(slopes || !level.all_have_slope(), "trial {trial}");
                for index in 0..level.len() {
                    assert!(
                        is_enclosed(level, index),
                        "trial {trial}, level {}, row {index}",
                        level.number()
                    );
                }
            }
        }
        assert!(reduced > 300 && wider > 30, "{reduced}, {wider}");
        assert!(targets > 300 && fours > 200, "{targets}, {fours}");
    }
}
