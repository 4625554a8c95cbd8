//! A cell of the partition tree, in the hands of one of the engines.

use super::engine::dictionary::{Dictionary, Name};
use super::engine::path::Path;
use super::engine::vertices::Vertices;
use super::engine::views::Views;
use super::level::{Level, RowId};

/// Which engine knows the cell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Engine {
    /// The dictionary, and later perhaps the vertices.
    #[default]
    Beginning,
    /// The dictionary.
    Dictionary,
    /// The vertices.
    Vertices,
}

/// A cell that floats can handle.
#[derive(Clone, Default)]
pub struct Cell {
    pub engine: Engine,
    pub dictionary: Dictionary,
    /// What is known of the dictionary's candidates.
    pub views: Views,
    /// The first columns of the dictionary whose hyperplanes have no side yet.
    pub undecided: usize,
    pub vertices: Vertices,
}

/// The hyperplane on which a cell is split.
#[derive(Clone, Copy)]
pub struct Split {
    /// Its class.
    pub class: usize,
    pub by: Means,
}

/// How an engine splits.
#[derive(Clone, Copy)]
pub enum Means {
    /// The hyperplane is in this column of the dictionary's basis; it was this one of the
    /// candidates that the views know.
    Column(usize, Option<usize>),
    /// The vertices have been cut.
    Vertices,
}

impl Cell {
    /// Room for how many numbers its engines have.
    pub fn room(&self) -> usize {
        self.dictionary.room() + self.vertices.room()
    }

    /// The classes that may cut it.
    pub fn candidates(&self) -> &[u32] {
        match self.engine {
            Engine::Vertices => &self.vertices.candidates,
            _ => self.dictionary.candidates(),
        }
    }

    /// A split on the hyperplane in a column of the dictionary, the next constraint of a path
    /// with `depth` of them.
    pub fn split_at(&mut self, column: usize, k: Option<usize>, depth: usize) -> Split {
        let Name::Candidate(class) = self.dictionary.columns()[column] else {
            unreachable!("a split is on a candidate")
        };
        let constraint = Name::Constraint(depth as u32);
        self.dictionary.rename(column, constraint);
        Split {
            class: class as usize,
            by: Means::Column(column, k),
        }
    }

    /// Adds the constraint of one side of a split to the path.
    pub fn push(&self, path: &mut Path, level: &Level, id: RowId) {
        match self.engine {
            Engine::Vertices => path.push_name(id),
            _ => path.push(level, id),
        }
    }

    /// Keeps one side of a split.
    pub fn keep(&mut self, split: &Split, sign: i32) {
        match split.by {
            Means::Vertices => self.vertices.keep(sign),
            Means::Column(column, k) => {
                if sign < 0 {
                    self.dictionary.flip(column);
                }
                self.dictionary.drop_redundant();
                self.views.keep(k, sign);
            }
        }
    }

    /// Becomes one side of another cell's split.
    pub fn take(&mut self, other: &Cell, split: &Split, sign: i32) {
        self.engine = other.engine;
        self.undecided = other.undecided;
        match split.by {
            Means::Vertices => self.vertices.take(&other.vertices, sign),
            Means::Column(..) => {
                self.dictionary.copy(&other.dictionary, 1);
                self.views.clone_from(&other.views);
                self.keep(split, sign);
            }
        }
    }

    /// Another layer's hyperplanes may cut it now.
    pub fn enter(&mut self, level: &Level, candidates: &[u32]) {
        match self.engine {
            Engine::Vertices => candidates.clone_into(&mut self.vertices.candidates),
            _ => {
                self.dictionary.add_candidates(level, candidates);
                self.views.begin(candidates.len());
            }
        }
    }

    /// Hands the cell over from its vertices to a dictionary; false when floats cannot.
    pub fn leave_vertices(&mut self, level: &Level, path: &mut Path) -> bool {
        path.build(level);
        let Some(basis) = self.vertices.corner() else {
            return false;
        };
        let others = (0..path.len() as u32).filter(|place| !basis.contains(place));
        let columns = basis.iter().map(|&place| Name::Constraint(place)).collect();
        let candidates = self.vertices.candidates.clone();
        self.views.begin(candidates.len());
        match Dictionary::new(level, path, columns, others.collect(), candidates) {
            Some(dictionary) => self.dictionary = dictionary,
            None => return false,
        }
        // Not earlier: a cell that is not handed over keeps its candidates.
        self.engine = Engine::Dictionary;
        self.undecided = 0;
        true
    }
}
