//! The decisions on one cell, each with its proof: on which side of a hyperplane it lies,
//! and a point inside it. Floats propose and prove; what they leave open, exact arithmetic
//! decides.

use std::cell::OnceCell;

use smallvec::SmallVec;

use super::engine::basis::Basis;
use super::engine::certify;
use super::engine::dictionary::{Dictionary, PROPOSAL_ZERO, Walk};
use super::engine::exact::{Interior, Minimum, interior_point, minimum};
use super::engine::path::Path;
use super::engine::views::Views;
use super::engine::witness::{self, Proposal, Scratch, Witness};
use super::level::{Level, RowId};
use super::{Decisions, sign_of};
use crate::arithmetic::IntegerRow;
use crate::regions::Sign;

/// What is known of a candidate on a cell.
pub enum Side {
    /// The hyperplane cuts, as far as anyone has seen.
    Cuts,
    /// The whole cell has this sign, as [`Sides::why`] shows. Places are only
    /// said when a proof is written.
    On(Sign),
    /// The cell is empty: the first of these rows contradicts the others.
    Empty(Vec<RowId>),
}

/// What proves a side: as in Farkas' lemma, the form is a combination of these.
pub enum Why {
    /// Rows.
    Rows(Vec<RowId>),
    /// The constraints at these places on the path.
    Places(SmallVec<[u32; 16]>),
}

/// Decides on which sides of the candidates a cell lies.
pub struct Sides<'s> {
    /// Bounds on the magnitudes of the coordinates, where there are any.
    pub extent: Option<&'s [f64]>,
    pub level: &'s Level<'s>,
    pub path: &'s Path,
    pub basis: &'s mut Basis,
    /// The age of the dictionary when its basis was last tried, and whether it is proved. Only
    /// pivots, which age it, may change the basis while this lives.
    pub proved: Option<(u32, bool)>,
    /// Whether proofs are told.
    pub wanted: bool,
    /// What the last proof consists of.
    pub why: Why,
}

impl Sides<'_> {
    /// What is true of candidate `k`, with proof.
    pub fn side(
        &mut self,
        dictionary: &mut Dictionary,
        k: usize,
        views: &mut Views,
        decisions: &mut Decisions,
    ) -> Side {
        while !(views.has(k, 1) && views.has(k, -1)) {
            let sign = if views.has(k, -1) { -1 } else { 1 };
            let walk = dictionary.descend(k, sign, views);
            if walk == Walk::NewSign {
                continue;
            }
            if dictionary.is_full() && dictionary.refresh(self.level, self.path) {
                continue;
            }
            if walk == Walk::Minimum {
                if self.here(dictionary, k, sign, decisions) {
                    return Side::On(sign_of(sign));
                }
                if let Some(side) = self.by_fewer(dictionary, k, sign, decisions) {
                    return side;
                }
            }
            let id = self.level.id(dictionary.candidates()[k] as usize);
            let least = decisions.exactly(|| {
                let (rows, hint) = exact_constraints(self.level, self.path, dictionary);
                minimum(&rows, &hint, &certify::oriented(self.level, id, sign))
            });
            let ids = |rows: Vec<usize>| -> Vec<RowId> {
                rows.into_iter().map(|row| self.path.ids()[row]).collect()
            };
            match least {
                Minimum::Sign(0 | 1, tight) => {
                    decisions.exact += 1;
                    self.why = Why::Rows(ids(tight));
                    return Side::On(sign_of(sign));
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

    /// Whether it is proved by the dictionary's basis that candidate `k` has this sign.
    pub fn here(
        &mut self,
        dictionary: &Dictionary,
        k: usize,
        sign: i32,
        decisions: &mut Decisions,
    ) -> bool {
        if dictionary.is_whole() {
            let proved = dictionary.is_one_sided(k, sign);
            decisions.exact += u64::from(proved);
            if proved && self.wanted {
                self.tell(dictionary.support(k));
            }
            return proved;
        }
        let new = self.proved.is_none_or(|(age, _)| age != dictionary.age());
        let vanishes = |column| dictionary.entry(k, column).abs() <= PROPOSAL_ZERO;
        if new && (0..dictionary.dimension()).any(vanishes) {
            // No bound proves that a zero is not negative, and the basis may not be needed.
            return false;
        }
        if !(self.is_proved(dictionary) && self.basis.proves(self.level, dictionary, k, sign)) {
            return false;
        }
        decisions.float += 1;
        if self.wanted {
            self.tell(dictionary.basis());
        }
        true
    }

    /// Notes the places of constraints that prove a side.
    fn tell(&mut self, places: impl Iterator<Item = u32>) {
        if let Why::Places(known) = &mut self.why {
            known.clear();
            known.extend(places);
        } else {
            self.why = Why::Places(places.collect());
        }
    }

    /// Whether the dictionary's basis is proved to be one.
    fn is_proved(&mut self, dictionary: &Dictionary) -> bool {
        match self.proved {
            Some((age, proved)) if age == dictionary.age() => proved,
            _ => {
                let proved = self.basis.prove(self.level, self.path, dictionary);
                self.proved = Some((dictionary.age(), proved));
                proved
            }
        }
    }

    /// Proofs that need not all of the basis, or exact arithmetic.
    #[inline(never)]
    fn by_fewer(
        &mut self,
        dictionary: &Dictionary,
        k: usize,
        sign: i32,
        decisions: &mut Decisions,
    ) -> Option<Side> {
        let (level, d) = (self.level, dictionary.dimension());
        let id = level.id(dictionary.candidates()[k] as usize);
        let mut basis = SmallVec::<[RowId; 16]>::new();
        for place in dictionary.basis() {
            basis.push(self.path.ids()[place as usize]);
        }
        let mut line = SmallVec::<[f64; 16]>::new();
        for column in 0..=d {
            line.push(dictionary.entry(k, column));
        }
        let whole = decisions
            .exactly(|| certify::positive_by_whole_multipliers(level, &basis, &line, id, sign));
        if let Some(why) = whole {
            decisions.exact += 1;
            self.why = Why::Rows(why.into_vec());
            return Some(Side::On(sign_of(sign)));
        }
        // Made only when it is asked for.
        let inverse = OnceCell::<Vec<Vec<f64>>>::new();
        let rows = || {
            let entry = |i: usize, column: usize| dictionary.coordinates(column)[i];
            let row = |i| (0..d).map(|column| entry(i, column)).collect();
            (0..d).map(row).collect()
        };
        let row = |i: usize| &inverse.get_or_init(rows)[i][..];
        // This proof uses the box without saying how: it cannot be told.
        let in_box = || {
            self.extent.is_some_and(|extent| {
                certify::positive_in_box(level, extent, &basis, &line, id, sign)
            })
        };
        let support: Vec<RowId> = certify::support(&basis, &line, sign).collect();
        if !self.wanted && in_box()
            || certify::positive_by_multipliers(level, &basis, &line, row, id, sign)
            // Rows of a basis that is proved to be one are independent.
            || self.is_proved(dictionary)
                && certify::positive_in_fewer(level, &support, id, sign)
        {
            decisions.float += 1;
            self.why = Why::Rows(support);
            return Some(Side::On(sign_of(sign)));
        }
        let why =
            decisions.exactly(|| certify::positive_exactly(level, &basis, &line, id, sign))?;
        self.why = Why::Rows(why);
        decisions.exact += 1;
        Some(Side::On(sign_of(sign)))
    }
}

/// A point inside the cell, with proof that it is, or the rows that prove the cell
/// empty. A point that is to be told should be a short one.
pub fn witness_of<'s>(
    level: &Level,
    path: &Path,
    dictionary: &Dictionary,
    told: bool,
    decisions: &mut Decisions,
    scratch: &'s mut Scratch,
) -> Result<Witness<'s>, Vec<RowId>> {
    let proposal = witness::propose(dictionary, witness::PATIENT, scratch);
    let Scratch { point, short, .. } = scratch;
    if let Some(Proposal { least, .. }) = proposal {
        if told && witness::round(point, least, short) && path.is_positive_around(&short.point, 0.0)
        {
            decisions.float += 1;
            return Ok(Witness::Short(short));
        }
        if path.is_positive_around(point, 0.0) {
            decisions.float += 1;
            return Ok(Witness::Float(point));
        }
        let witness = Witness::Float(point);
        if decisions.exactly(|| witness.is_inside(level, path.ids())) {
            decisions.exact += 1;
            return Ok(witness);
        }
    }
    decisions.exact += 1;
    let inside = decisions.exactly(|| {
        let (rows, hint) = exact_constraints(level, path, dictionary);
        interior_point(&rows, dictionary.dimension(), &hint)
    });
    match inside {
        Interior::Point(point) => Ok(Witness::Exact(point)),
        Interior::Empty(why) => Err(why.into_iter().map(|row| path.ids()[row]).collect()),
    }
}

/// All constraints of a cell, and which of them are the basis.
fn exact_constraints(
    level: &Level,
    path: &Path,
    dictionary: &Dictionary,
) -> (Vec<IntegerRow>, Vec<usize>) {
    let rows = path.ids().iter().map(|&id| level.integer_row(id)).collect();
    (
        rows,
        dictionary.basis().map(|place| place as usize).collect(),
    )
}
