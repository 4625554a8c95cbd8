//! The rows of a level in fewer coordinates than the cell has: on a cell with fewer active units
//! than dimensions all later layers depend on these units alone.

use std::sync::Arc;

use super::{Level, RowId, through};
use crate::arrangement::active::Active;
use crate::arrangement::forms::FloatForms;
use crate::arrangement::stage::Stage;
use crate::search::rows::{FloatRow, Rows};

/// In how many choices of fewer coordinates rows may be had.
pub const REDUCTIONS: usize = 2;

/// The rows of a level in fewer coordinates than the cell has: the pre-activations of the
/// active units of a level above, on which all else depends.
pub struct Reduced {
    pub(super) coordinates: Arc<Coordinates>,
    forms: FloatForms,
    rows: Rows,
}

/// Active units as coordinates.
pub struct Coordinates {
    /// Their level.
    pub(super) level: u32,
    /// For each unit of its layer the number of the coordinate.
    of: Vec<Option<usize>>,
    /// The coordinates as rows.
    rows: Rows,
}

impl Level<'_> {
    /// Its rows in fewer coordinates, where there are fewer: in the fewest, or in others.
    pub(super) fn reduced(&self, which: usize) -> Option<&Reduced> {
        let (stage, parent) = (self.stage?, self.parent?);
        let reduced = self.rare().reduced[which]
            .get_or_init(|| parent.reduce(stage, &self.own.active, which));
        reduced.as_ref()
    }

    /// The rows of the next stage in the active units of this level, or of one above it,
    /// where these are fewer than the coordinates; `None` also where floats say too little.
    fn reduce(&self, stage: &Stage, active: &Active, which: usize) -> Option<Reduced> {
        let count = active.count();
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
                let units = 0..self.own.forms.len();
                let of = units.map(|unit| active.has(unit).then(|| next.next()).flatten());
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
}
