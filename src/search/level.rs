//! The hyperplanes of one layer on one cell, as the engine sees them: float rows
//! with proved radii, scaled to ordinary size, and exact rows on demand.

mod reduced;

use std::sync::OnceLock;

use super::engine::vertices::{Entered, FourTargets, Target, Vertices};
use super::rows::{FloatRow, Rows, Vector, is_ordinary};
use super::settled::Settled;
use crate::arithmetic::lanes::{LANES, Lanes};
use crate::arithmetic::{Int, IntegerRow};
use crate::arrangement::Chart;
use crate::arrangement::active::Active;
use crate::arrangement::forms::FloatForms;
use crate::arrangement::stage::{Class, ExactForms, Stage};
use crate::regions::Sign;

use reduced::Reduced;

pub use reduced::REDUCTIONS;

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
    rare: OnceLock<Box<Rare>>,
    /// What leads from the parent's active units to this level's; nothing when its exact rows
    /// were there first.
    stage: Option<&'a Stage>,
}

/// What few levels are asked for, made on first use.
#[derive(Default)]
struct Rare {
    exact: OnceLock<ExactLevel>,
    /// The fewest coordinates, and the next fewest.
    reduced: [OnceLock<Option<Reduced>>; REDUCTIONS],
}

impl Rare {
    /// Of a level that is exact from the start.
    fn exact(level: ExactLevel) -> OnceLock<Box<Self>> {
        OnceLock::from(Box::new(Rare {
            exact: OnceLock::from(level),
            ..Rare::default()
        }))
    }
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
    active: Active,
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
        let own = Memory {
            forms: FloatForms::zeros(0, width),
            rows: OnceLock::from(rows),
            ..Memory::default()
        };
        Level {
            parent: None,
            number: 0,
            own: Box::new(own),
            classes: &[],
            rare: Rare::exact(exact),
            stage: None,
        }
    }

    /// Level 1: the first stage's units, which the chart gives exactly.
    pub fn first(parent: &'a Level<'a>, chart: &'a Chart) -> Self {
        let exact = ExactLevel::new(chart.units.clone(), chart.classes.len());
        let own = Memory {
            forms: FloatForms::from_exact(&exact.forms),
            ..Memory::default()
        };
        let mut level = Level {
            parent: Some(parent),
            number: 1,
            own: Box::new(own),
            classes: &chart.classes,
            rare: Rare::exact(exact),
            stage: None,
        };
        if !is_ordinary(&level.own.forms) {
            // Vertices are to look at rows of ordinary size.
            level.prepare();
        }
        level
    }

    /// The next stage's units on a cell of this level, on which the units of this
    /// level's layer have these signs.
    pub fn next(&'a self, stage: &'a Stage, signs: &[Sign], mut own: Box<Memory>) -> Level<'a> {
        own.active.set(signs);
        through(&self.own.forms, stage, &own.active, &mut own.forms);
        self.below(stage, own)
    }

    /// The same where the cell is known by its vertices, which look at the hyperplanes meanwhile, if
    /// they can. Then they are its candidates, all but those that are settled, and `seen` says
    /// whether all of them are known to cut.
    pub fn next_seen_by(
        &'a self,
        vertices: &mut Vertices,
        (seen, settled): (&mut Option<bool>, &mut Settled),
        stage: &'a Stage,
        signs: &[Sign],
        mut own: Box<Memory>,
    ) -> Level<'a> {
        own.active.set(signs);
        let (from, active, forms) = (&self.own.forms, &own.active, &mut own.forms);
        let entered = match &stage.maps[..] {
            [map] if stage.classes().len() == map.outputs() => {
                vertices.enter(from, map, active, forms, settled)
            }
            _ => Entered::Nothing,
        };
        *seen = match entered {
            Entered::Nothing => {
                through(from, stage, active, forms);
                None
            }
            Entered::Forms => None,
            Entered::Sides(known) => Some(known),
        };
        self.below(stage, own)
    }

    /// The level below with these forms.
    fn below(&'a self, stage: &'a Stage, own: Box<Memory>) -> Level<'a> {
        let mut level = Level {
            parent: Some(self),
            number: self.number + 1,
            own,
            classes: stage.classes(),
            rare: OnceLock::new(),
            stage: Some(stage),
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
    /// their exact rows, and all of a level that is exact from the start: whole numbers stay whole.
    #[cold]
    fn scale(&self, mut rows: Rows) -> Rows {
        let set = |rows: &mut Rows, index: usize| {
            let unit = self.classes[index].representative();
            rows.set_exact(index, self.exact().forms.row(unit));
        };
        if self.stage.is_none() {
            rows = Rows::zeros(self.width(), self.classes.len());
            (0..self.classes.len()).for_each(|index| set(&mut rows, index));
        } else {
            let extreme = rows.scale(&self.own.forms, Some(self.classes));
            extreme.into_iter().for_each(|index| set(&mut rows, index));
        }
        rows
    }

    /// Its memory, for another level.
    #[inline]
    pub fn into_memory(self) -> Box<Memory> {
        let mut own = self.own;
        if let Some(rows) = own.rows.take() {
            own.spare = rows;
        }
        own
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
    #[inline]
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

    fn rare(&self) -> &Rare {
        self.rare.get_or_init(Box::default)
    }

    fn exact(&self) -> &ExactLevel {
        self.rare().exact.get_or_init(|| {
            let known = "levels without a stage are exact from the start";
            let (stage, parent) = (self.stage.expect(known), self.parent.expect(known));
            let (first, rest) = stage.maps.split_first().expect("a stage has a map");
            let is_active = |unit: usize| self.own.active.has(unit);
            let forms = parent.exact().forms.through(first, is_active);
            let forms = rest
                .iter()
                .fold(forms, |forms, map| forms.through(map, |_| true));
            ExactLevel::new(forms, stage.classes().len())
        })
    }
}

/// Makes of `result` the forms of a stage's units, from those of the layer before it.
fn through(forms: &FloatForms, stage: &Stage, active: &Active, result: &mut FloatForms) {
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
mod tests;
