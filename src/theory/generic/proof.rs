//! Bounds the number of independent sets from both sides by looking at every set, one
//! of each orbit of the filters.

use super::minor::Work;
use super::orbits::{Positions, Span};
use super::relations::Relations;

/// Bounds of the generic number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Bracket {
    /// Sets that are independent at some weights.
    pub lower: u128,
    /// Sets that are not dependent by a proof.
    pub upper: u128,
}

/// Looks at every set of units of a connected part.
pub(super) fn bracket(
    positions: &Positions,
    relations: &Relations,
    work: &mut Work,
) -> Option<Bracket> {
    let mut proof = Proof {
        positions,
        relations,
        bracket: Bracket::default(),
        work,
    };
    let nothing = Chosen {
        at: vec![0; positions.filters()],
        units: 0,
        sets: 1,
        span: Some(Span::default()),
    };
    proof.choose(0, 0, nothing, true)?;
    Some(proof.bracket)
}

struct Proof<'a> {
    positions: &'a Positions,
    relations: &'a Relations,
    bracket: Bracket,
    work: &'a mut Work,
}

/// Units chosen so far.
#[derive(Clone)]
struct Chosen {
    /// For every filter the positions at which it is chosen; equal ones stand together.
    at: Vec<u64>,
    /// The units, as bits.
    units: u128,
    /// How many sets are alike.
    sets: u128,
    /// Their span; `None` when they are dependent at the weights drawn without a proof
    /// that they always are.
    span: Option<Span>,
}

impl Proof<'_> {
    /// The choices from this position and filter on, where `fewer` tells that units
    /// were just left out.
    fn choose(
        &mut self,
        position: usize,
        filter: usize,
        chosen: Chosen,
        fewer: bool,
    ) -> Option<()> {
        let filters = self.positions.filters();
        if fewer && self.rest_is_free(position, filter, &chosen)? {
            let rest = (self.positions.len() - position) * filters - filter;
            self.bracket.lower += chosen.sets << rest;
            self.bracket.upper += chosen.sets << rest;
            return Some(());
        }
        if position == self.positions.len() {
            self.bracket.upper += chosen.sets;
            if chosen.span.is_some() {
                self.bracket.lower += chosen.sets;
            }
            return Some(());
        }
        if filter == filters {
            return self.choose(position + 1, 0, chosen, false);
        }
        let before = chosen.at[filter];
        let class = chosen.at[filter..].iter().take_while(|&&at| at == before);
        let class = class.count();
        let mut more = chosen;
        for size in 0..=class {
            if size > 0 {
                let filter = filter + size - 1;
                more.at[filter] |= 1 << position;
                more.units |= 1 << (position * filters + filter);
                more.sets = more.sets * (class - size + 1) as u128 / size as u128;
                let row = self.positions.row(position, filter, 0);
                let independent = match &mut more.span {
                    Some(span) => span.add(row, self.work)?,
                    None => false,
                };
                if !independent {
                    if self.relations.prove_dependent(more.units, self.work)? {
                        break;
                    }
                    more.span = None;
                }
            }
            self.choose(position, filter + class, more.clone(), size < class)?;
        }
        Some(())
    }

    /// Whether the chosen units are independent together with all that are to come.
    fn rest_is_free(&mut self, position: usize, filter: usize, chosen: &Chosen) -> Option<bool> {
        let filters = self.positions.filters();
        let rest = position * filters + filter..self.positions.len() * filters;
        let Some(span) = &chosen.span else {
            return Some(false);
        };
        if span.rank() + rest.len() > self.positions.inputs() {
            return Some(false);
        }
        let mut span = span.clone();
        for unit in rest {
            let row = self.positions.row(unit / filters, unit % filters, 0);
            if !span.add(row, self.work)? {
                return Some(false);
            }
        }
        Some(true)
    }
}
