//! Cells of the last layer whose candidates cross at a point inside: every choice of their
//! signs is a region, and that point proves all of them.

use smallvec::SmallVec;

use super::engine::inwards::inwards;
use super::engine::witness;
use super::level::Level;
use super::log::Log;
use super::tally::Tally;
use super::tree::{State, Tree};
use super::worker::{Worker, cell_and_below};
use crate::proof::format::MAX_CROSSING;

/// Whether the candidates of a cell cross inside it.
pub enum Crossing {
    /// They do; the regions are counted.
    Proved,
    /// The only candidate is in this column of the basis, and nothing is proved.
    Entered(usize),
    /// Nothing is proved, and nothing changed; this one is to be split on, if any.
    Refused(Option<usize>),
}

impl<'a> Tree<'a, '_> {
    /// Looks for a point inside the cell at which the hyperplanes of all candidates of the
    /// last layer cross. Every choice of their signs is a region then.
    pub fn cross(
        &self,
        level: &Level,
        worker: &mut Worker,
        at: usize,
        state: State,
        log: &mut Log<'a>,
    ) -> Crossing {
        let Worker {
            path,
            cells,
            basis,
            tally,
            scratch,
            ..
        } = worker;
        let (cell, below) = cell_and_below(cells, at);
        let classes = cell.dictionary.candidates();
        let classes = SmallVec::<[u32; MAX_CROSSING]>::from_slice(classes);
        // In whole numbers it is enough that there is a crossing, unless somebody asks where.
        let exact = cell.dictionary.is_whole() && !log.is_on();
        if exact && classes.len() == 1 {
            tally.decisions.exact += 1;
            return self.count_crossing(level, &classes, state, tally);
        }
        let members = |class: u32| &level.classes()[class as usize].members;
        // Units that share a hyperplane do not cross.
        if !exact && let Some(k) = classes.iter().position(|&class| members(class).len() > 1) {
            return Crossing::Refused(Some(k));
        }
        let mut entered = 0;
        let dictionary = if let [_] = classes[..] {
            match cell.dictionary.enter(0) {
                Some(column) => entered = column,
                None => return Crossing::Refused(Some(0)),
            }
            &cell.dictionary
        } else {
            let dictionary = &mut below.dictionary;
            dictionary.copy(&cell.dictionary, classes.len());
            while let Some(&class) = dictionary.candidates().first() {
                if dictionary.enter(0).is_none() {
                    return Crossing::Refused(classes.iter().position(|&other| other == class));
                }
            }
            dictionary
        };
        let refused = match classes[..] {
            [_] => Crossing::Entered(entered),
            _ => Crossing::Refused(None),
        };
        if exact {
            if !inwards(dictionary, witness::HASTY, &mut scratch.direction) {
                return refused;
            }
            tally.decisions.exact += 1;
            return self.count_crossing(level, &classes, state, tally);
        }
        let Some(proposal) = witness::propose(dictionary, witness::HASTY, scratch) else {
            return refused;
        };
        let witness::Scratch { point, short, .. } = scratch;
        // The crossing is as near as this to the point.
        let distance = if dictionary.is_whole() {
            proposal.distance
        } else if basis.prove(level, path, dictionary) {
            basis.distance(dictionary, point)
        } else {
            return refused;
        };
        let near = if log.is_on() {
            let reach = witness::near_crossing(point, proposal.least, distance, short);
            reach.map(|reach| (&short.point, reach))
        } else {
            Some((&*point, distance))
        };
        match near {
            Some((near, reach)) if path.is_positive_around(near, reach) => {}
            _ => return refused,
        }
        log.around(short.exponent, &short.mantissas, true);
        // The point is proved by floats.
        tally.decisions.float += 1;
        self.count_crossing(level, &classes, state, tally)
    }

    /// Counts the regions around a crossing.
    fn count_crossing(
        &self,
        level: &Level,
        classes: &[u32],
        state: State,
        tally: &mut Tally,
    ) -> Crossing {
        // Neighbours in a Gray code differ in one sign.
        let patterns = (0u32..1 << classes.len()).map(|step| step ^ step >> 1);
        self.count_patterns(level, classes, state, tally, patterns);
        self.end_branch(tally, state);
        Crossing::Proved
    }
}
