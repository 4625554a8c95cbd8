//! Branches of the tree that one thread hands over to another.
//!
//! A thread walks depth first, and looks at each split whether another thread waits. Only then
//! it hands over a branch: the negative side of its highest split that is still pending, as
//! what lies high tends to be large. So nothing is copied that nobody takes, and no size has to
//! be guessed. A branch is named by the signs on the way to it, from which its thread makes the
//! levels anew; only the cell, its path and its signs are copied.
//!
//! Which thread searches a branch changes no result: counts and digests are sums.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use rayon::Scope;

use super::cell::Split;
use super::exactly::ExactCell;
use super::level::{Level, RowId};
use super::log::Log;
use super::tree::{Roots, State, Tree};
use super::worker::Worker;
use crate::proof::record::Branch;
use crate::regions::Sign;

/// A split whose positive side is being searched, and whose negative side comes next.
pub struct Pending {
    /// The depth of the cell that was split.
    pub at: usize,
    /// How long its path is.
    pub path: usize,
    /// The number of its level.
    pub level: u32,
    pub split: Split,
    /// What its signs come to, this split counted.
    pub state: State,
}

/// One side of a split, for another thread.
pub struct Piece<'a> {
    /// The number of the level of the split.
    level: u32,
    /// Its class.
    class: usize,
    /// The side.
    sign: Sign,
    cell: PieceCell,
    /// Where its proof begins.
    proof: Option<Branch<'a>>,
}

/// The cell of a piece, without the constraint and the sign of the split.
enum PieceCell {
    /// The first cell of a worker.
    Float(Box<Worker>, State),
    /// Has the constraint and the sign.
    Exact(ExactCell),
}

/// Who takes the pieces that a thread hands over.
#[derive(Clone, Copy)]
pub struct Crew<'c, 'a> {
    team: &'c Team,
    give: &'c (dyn Fn(Piece<'a>) + Sync),
    /// After more decisions than these, and not before then, all that is left is handed over;
    /// branches for exact arithmetic are at once.
    end: Option<(u64, Instant)>,
}

/// How long one thread searches alone, when others are there to help.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// More decisions than these, before it looks at the clock,
    pub decisions: u64,
    /// and so long.
    pub time: Duration,
}

/// Workers that move from one thread to another in their boxes.
type Spare = Vec<Box<Worker>>;

/// What the threads of one search have in common.
pub struct Team {
    /// How many there are.
    threads: usize,
    /// Pieces that are searched, or wait for a thread.
    busy: AtomicUsize,
    /// Workers without work, for their memory.
    spare: Mutex<Spare>,
}

impl Crew<'_, '_> {
    /// Whether others begin only when this thread has lost its patience.
    fn is_alone(&self) -> bool {
        self.end.is_some()
    }
}

impl Team {
    /// Threads of which none waits yet.
    pub fn new(threads: usize) -> Self {
        Team {
            threads,
            busy: AtomicUsize::new(threads),
            spare: Mutex::new(Vec::new()),
        }
    }

    /// Whether a thread has nothing to do.
    #[inline]
    fn waits(&self) -> bool {
        self.busy.load(Ordering::Relaxed) < self.threads
    }

    fn spare(&self) -> MutexGuard<'_, Spare> {
        // A thread that panicked left whole workers behind.
        self.spare
            .lock()
            .unwrap_or_else(|broken| broken.into_inner())
    }
}

impl<'a, 'c> Tree<'a, 'c> {
    /// Searches the tree on the calling thread for a while: until it is done, or `patience` is
    /// at its end. Returns the pieces that are left.
    pub fn search_alone(&self, levels: &Roots, team: &Team, patience: Patience) -> Vec<Piece<'a>> {
        let left = Mutex::new(Vec::new());
        let lock = || left.lock().unwrap_or_else(|broken| broken.into_inner());
        let give = |piece| lock().push(piece);
        let crew = Crew {
            team,
            give: &give,
            end: Some((patience.decisions, Instant::now() + patience.time)),
        };
        self.with(Some(crew)).search(levels);
        std::mem::take(&mut *lock())
    }

    /// Searches pieces, or the whole tree, on the calling thread pool.
    pub fn search_together(&self, levels: &Roots, team: &Team, pieces: Option<Vec<Piece<'a>>>) {
        let starts = match pieces {
            Some(pieces) => pieces.into_iter().map(Some).collect(),
            None => vec![None],
        };
        rayon::scope(|scope| {
            team.busy.store(starts.len(), Ordering::Relaxed);
            for start in starts {
                scope.spawn(move |scope| self.take_part(levels, team, start, scope));
            }
        });
    }

    /// Searches a piece or the whole tree; pieces of it become tasks of the scope.
    fn take_part<'s>(
        &'s self,
        levels: &'s Roots<'s>,
        team: &'s Team,
        start: Option<Piece<'a>>,
        scope: &Scope<'s>,
    ) where
        'a: 's,
    {
        let give = |piece| {
            team.busy.fetch_add(1, Ordering::Relaxed);
            scope.spawn(move |scope| self.take_part(levels, team, Some(piece), scope));
        };
        let crew = Crew {
            team,
            give: &give,
            end: None,
        };
        let tree = self.with(Some(crew));
        match (start, &levels.first) {
            (Some(piece), Some(first)) => tree.search_piece(first, piece),
            _ => tree.search(levels),
        }
        team.busy.fetch_sub(1, Ordering::Relaxed);
    }

    /// The same search in another crew.
    fn with<'d>(&self, crew: Option<Crew<'d, 'a>>) -> Tree<'a, 'd>
    where
        'c: 'd,
    {
        let tree: &Tree<'a, 'd> = self;
        Tree { crew, ..*tree }
    }

    /// Searches a piece of the tree below a cell of this level.
    fn search_piece(&self, level: &Level, piece: Piece<'a>) {
        if level.number() < piece.level {
            let signs = match &piece.cell {
                PieceCell::Float(worker, _) => &worker.signs,
                PieceCell::Exact(cell) => &cell.signs,
            };
            let stage = &self.stages[level.number() as usize];
            let signs = self.signs_of(level, signs);
            let next = level.next(stage, signs, Box::default());
            return self.search_piece(&next, piece);
        }
        let Piece {
            class, sign, proof, ..
        } = piece;
        let log = &mut Log::new(self.stages, proof);
        log.follow_split(level, class, sign);
        match piece.cell {
            PieceCell::Float(mut worker, mut state) => {
                let id = RowId {
                    negated: sign == Sign::Negative,
                    ..level.id(class)
                };
                let Worker {
                    signs, path, cells, ..
                } = &mut *worker;
                cells[0].push(path, level, id);
                self.assign(level, signs, &mut state, class, sign);
                self.explore(level, &mut worker, 0, state, log);
                self.tallies.absorb(&mut worker.tally, self.monitor);
                if let Some(crew) = self.crew {
                    crew.team.spare().push(worker);
                }
            }
            PieceCell::Exact(cell) => self.search_exactly(level, cell, log),
        }
    }

    /// After a split, hands over what others wait for. Returns whether the positive side of this
    /// split is among it.
    pub fn share(&self, crew: &Crew<'_, 'a>, worker: &mut Worker, log: &Log<'a>) -> bool {
        let decisions = &worker.tally.decisions;
        let all = crew.end.is_some_and(|(number, time)| {
            decisions.float + decisions.exact > number && Instant::now() >= time
        });
        while worker.handed < worker.pending.len() && (all || crew.team.waits()) {
            let split = worker.handed;
            worker.handed += 1;
            (crew.give)(self.piece(crew, worker, split, Sign::Negative, log));
        }
        if all {
            let last = worker.pending.len() - 1;
            (crew.give)(self.piece(crew, worker, last, Sign::Positive, log));
        }
        all
    }

    /// One side of a pending split.
    fn piece(
        &self,
        crew: &Crew<'_, 'a>,
        worker: &Worker,
        split: usize,
        sign: Sign,
        log: &Log<'a>,
    ) -> Piece<'a> {
        let pending = &worker.pending[split];
        let spare = crew.team.spare().pop();
        let mut other = spare.unwrap_or_else(|| {
            let units = worker.signs.len();
            Box::new(Worker::new(self.chart.dimension, self.tallies, units))
        });
        other.signs.clone_from(&worker.signs);
        other.path.clone_from(&worker.path);
        other.path.truncate(pending.path);
        let side = if sign == Sign::Positive { 1 } else { -1 };
        other.cells[0].take(&worker.cells[pending.at], &pending.split, side);
        Piece {
            level: pending.level,
            class: pending.split.class,
            sign,
            cell: PieceCell::Float(other, pending.state),
            proof: log.branch(Some(split), sign),
        }
    }

    /// Searches both sides of a split in exact arithmetic, or hands them over.
    pub fn search_sides_exactly(
        &self,
        level: &Level,
        class: usize,
        (positive, negative): (ExactCell, ExactCell),
        log: &mut Log<'a>,
    ) {
        log.split(level, class);
        let keep = |sign, cell, log: &Log<'a>| match self.crew {
            Some(crew) if crew.is_alone() || sign == Sign::Negative && crew.team.waits() => {
                (crew.give)(Piece {
                    level: level.number(),
                    class,
                    sign,
                    cell: PieceCell::Exact(cell),
                    proof: log.branch(None, sign),
                });
                None
            }
            _ => Some(cell),
        };
        let negative = keep(Sign::Negative, negative, log);
        let positive = keep(Sign::Positive, positive, log);
        for (sign, cell) in [(Sign::Positive, positive), (Sign::Negative, negative)] {
            match cell {
                Some(cell) => {
                    log.follow_split(level, class, sign);
                    self.search_exactly(level, cell, log);
                }
                None => log.elsewhere(),
            }
        }
    }
}
