//! What one thread holds on its way through the tree: one path, one list of signs, one cell for each
//! depth, and memory that it uses again and again, also in the next search on the same thread.

use super::cell::{Cell, Engine};
use super::engine::basis::Basis;
use super::engine::dictionary::Dictionary;
use super::engine::path::Path;
use super::engine::vertices::Flats;
use super::engine::witness::Scratch;
use super::exactly::ExactCell;
use super::level::{Level, Memory};
use super::settled::Settled;
use super::share::Pending;
use super::tally::{Tallies, Tally};
use super::tree::State;
use crate::proof::record::Sets;
use crate::regions::Sign;

/// What one thread needs to walk through the tree, depth first.
pub struct Worker {
    /// The signs of all units decided on the way to the current cell; others are stale.
    pub signs: Vec<Sign>,
    /// Its constraints.
    pub path: Path,
    /// The current cell and those above it whose other side is still to be searched, at
    /// their depths; what lies deeper is kept for its memory.
    pub cells: Vec<Cell>,
    pub basis: Basis,
    pub tally: Tally,
    /// The candidates that were settled last, with the cell's side.
    pub settled: Settled,
    /// The same with the vertices where they are least, when a proof asks.
    pub least: Vec<(usize, u32, i32)>,
    /// The cell's vertices, then, on which constraints each lies.
    pub corners: Sets,
    /// Where the current cell saw all candidates as it entered their layer, and [`Worker::settled`]
    /// has their sides: whether all that are left are known to cut it.
    pub seen: Option<bool>,
    /// Otherwise, the classes of the layer that was entered last that may cut.
    pub candidates: Vec<u32>,
    /// Levels' memory that is not in use.
    #[expect(
        clippy::vec_box,
        reason = "it moves whenever a layer is entered or left"
    )]
    pub memory: Vec<Box<Memory>>,
    pub flats: Flats,
    /// Memory of proposals.
    pub scratch: Scratch,
    /// Where others may take branches: the splits above whose negative side comes next.
    pub pending: Vec<Pending>,
    /// How many of them, from the first, have been handed over.
    pub handed: usize,
}

/// A worker is kept for the next search if its cells have room for no more than so many numbers.
const KEPT_NUMBERS: usize = 1 << 17;

thread_local! {
    /// The worker of the last small search on this thread.
    static KEPT: std::cell::Cell<Option<Box<Worker>>> = const { std::cell::Cell::new(None) };
}

impl Worker {
    /// A worker for a search from the root, with the memory of the last search on this thread where
    /// that was small, and in as many dimensions. In a small search making memory is a quarter
    /// of the work.
    pub fn begin(dimension: usize, tallies: &Tallies, units: usize) -> Box<Self> {
        let kept = KEPT.try_with(std::cell::Cell::take).ok().flatten();
        match kept.filter(|kept| kept.path.dimension() == dimension) {
            Some(mut worker) => {
                worker.forget(tallies, units);
                worker
            }
            None => Box::new(Worker::new(dimension, tallies, units)),
        }
    }

    /// Keeps the worker of a search that has ended for the next one, if it is small.
    pub fn end(self: Box<Self>) {
        let cells: usize = self.cells.iter().map(Cell::room).sum();
        if cells + self.flats.room() <= KEPT_NUMBERS {
            // Where the thread is about to end, nobody needs it.
            let _ = KEPT.try_with(|kept| kept.set(Some(self)));
        }
    }

    /// Becomes as [`Worker::new`] makes it, but for its memory.
    fn forget(&mut self, tallies: &Tallies, units: usize) {
        self.signs.clear();
        self.signs.resize(units, Sign::Zero);
        self.path.truncate(0);
        // Those below are taken from those above.
        let root = &mut self.cells[0];
        (root.engine, root.undecided) = (Engine::Beginning, 0);
        root.dictionary = Dictionary::default();
        self.tally = tallies.blank();
        self.seen = None;
        self.pending.clear();
        self.handed = 0;
    }

    pub fn new(dimension: usize, tallies: &Tallies, units: usize) -> Self {
        // Cells are large to move.
        let mut cells = Vec::with_capacity(16.min(units + 2));
        cells.push(Cell::default());
        Worker {
            signs: vec![Sign::Zero; units],
            path: Path::new(dimension),
            cells,
            basis: Basis::default(),
            tally: tallies.blank(),
            settled: Settled::default(),
            least: Vec::new(),
            corners: Sets::default(),
            seen: None,
            candidates: Vec::new(),
            memory: Vec::new(),
            flats: Flats::default(),
            scratch: Scratch::default(),
            pending: Vec::new(),
            handed: 0,
        }
    }

    /// Forgets the last pending split; true when its negative side has been handed over.
    #[inline]
    pub fn drop_pending(&mut self) -> bool {
        self.pending.pop();
        let handed = self.handed > self.pending.len();
        self.handed = self.handed.min(self.pending.len());
        handed
    }

    /// The cell at a depth in exact arithmetic.
    pub fn exact_cell(&self, at: usize, level: &Level, state: State) -> ExactCell {
        let candidates = self.cells[at].candidates().iter();
        ExactCell {
            signs: self.signs.clone(),
            state,
            constraints: self.path.ids().to_vec(),
            candidates: candidates.map(|&class| level.id(class as usize)).collect(),
        }
    }
}

/// The cell at a depth and the one below it.
#[inline]
pub fn cell_and_below(cells: &mut Vec<Cell>, at: usize) -> (&mut Cell, &mut Cell) {
    if cells.len() == at + 1 {
        cells.push(Cell::default());
    }
    let (above, below) = cells.split_at_mut(at + 1);
    (&mut above[at], &mut below[0])
}
