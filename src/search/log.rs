//! Tells a proof stream, when there is one, what the search decides.

use num_bigint::BigInt;
use smallvec::SmallVec;

use super::level::{Level, RowId};
use super::settled::Settled;
use crate::arithmetic::lanes::LANES;
use crate::arrangement::stage::Stage;
use crate::proof::format::{put_long, put_signed};
use crate::proof::record::{Branch, Sets, Stream};
use crate::regions::Sign;

/// The proof that a piece of the search writes, or nothing.
pub struct Log<'s> {
    stages: &'s [Stage],
    stream: Option<Stream<'s>>,
}

impl<'s> Log<'s> {
    /// Starts at a branch, or writes nothing.
    pub fn new(stages: &'s [Stage], branch: Option<Branch<'s>>) -> Self {
        Log {
            stages,
            stream: branch.map(Branch::start),
        }
    }

    /// Whether somebody listens.
    pub fn is_on(&self) -> bool {
        self.stream.is_some()
    }

    /// One side of a split whose negative side is pending: of those, by number, or the last.
    pub fn branch(&self, split: Option<usize>, sign: Sign) -> Option<Branch<'s>> {
        let stream = self.stream.as_ref()?;
        Some(stream.branch(split, sign == Sign::Positive))
    }

    fn first_unit(&self, level: &Level) -> usize {
        self.stages[level.number() as usize - 1].first_unit
    }

    /// The cell is split on a class.
    pub fn split(&mut self, level: &Level, class: usize) {
        if self.stream.is_some() {
            let first = self.first_unit(level);
            let unit = level.classes()[class].representative();
            self.each(|stream| stream.split(first, first + unit));
        }
    }

    /// The class on which the cell was split has this sign here; its other members follow.
    pub fn follow_split(&mut self, level: &Level, class: usize, sign: Sign) {
        let members = &level.classes()[class].members;
        if self.stream.is_some() && members.len() > 1 {
            self.members(level, class, sign, 1, &[level.id(class)]);
        }
    }

    /// A class has this sign all over the cell, as these rows show.
    pub fn side(&mut self, level: &Level, class: usize, sign: Sign, why: &[RowId]) {
        if self.stream.is_some() {
            self.members(level, class, sign, 0, why);
        }
    }

    /// The same of classes, by the rows at these places on the path: constraints are numbered so.
    pub fn sides_at(
        &mut self,
        level: &Level,
        sides: impl Iterator<Item = (u32, i32)>,
        places: &[u32],
    ) {
        let first = self.first_unit(level);
        let Some(stream) = &mut self.stream else {
            return;
        };
        if level.is_plain() {
            let sides = sides.map(|(class, sign)| (first + class as usize, sign > 0));
            return stream.sides_alike(first, sides, places);
        }
        let sides = sides.flat_map(|side| units_of(level, first, side));
        stream.sides_alike(first, sides, places);
    }

    /// Whether sides by all vertices of this cell were told just now: next ones need not find them.
    pub fn knows_all_vertices(&mut self) -> bool {
        self.stream.as_mut().is_some_and(Stream::knows_all)
    }

    /// The same of classes that are least at one of several vertices each, on these of the rows on
    /// the path.
    pub fn sides_at_vertices(&mut self, level: &Level, settled: &Settled, vertices: &Sets) {
        let Stage {
            first_unit, units, ..
        } = self.stages[level.number() as usize - 1];
        let Some(stream) = &mut self.stream else {
            return;
        };
        if units <= 64 && level.is_plain() {
            let [mut on, mut positive] = [0, 0];
            for four in settled.fours() {
                let place = LANES as u32 * four.number;
                on |= u64::from(four.on) << place;
                positive |= u64::from(four.positive) << place;
            }
            return stream.sides(first_unit, &[positive], &[on & !positive], vertices);
        }
        let words = units.div_ceil(64);
        let mut bits = SmallVec::<[u64; 16]>::from_elem(0, 2 * words);
        let (positive, negative) = bits.split_at_mut(words);
        for side in settled.sides() {
            for (unit, is_positive) in units_of(level, 0, side) {
                let own = if is_positive {
                    &mut *positive
                } else {
                    &mut *negative
                };
                own[unit / 64] |= 1 << (unit % 64);
            }
        }
        stream.sides(first_unit, positive, negative, vertices);
    }

    fn members(&mut self, level: &Level, class: usize, sign: Sign, skip: usize, why: &[RowId]) {
        let first = self.first_unit(level);
        let numbers = self.numbers(level, why.iter().copied());
        if let Some(stream) = &mut self.stream {
            for &(unit, opposite) in &level.classes()[class].members[skip..] {
                let positive = (sign == Sign::Positive) != opposite;
                stream.side(first, first + unit, positive, &numbers);
            }
        }
    }

    /// The numbers of rows as constraints.
    fn numbers(&self, level: &Level, rows: impl Iterator<Item = RowId>) -> SmallVec<[u32; 16]> {
        let Some(stream) = &self.stream else {
            return SmallVec::new();
        };
        rows.map(|id| match id.level {
            0 => id.index,
            number => {
                let first = self.stages[number as usize - 1].first_unit;
                stream.split_number(first + level.representative(id))
            }
        })
        .collect()
    }

    /// The hyperplanes of all undecided units are in general position in a cell with vertices on these
    /// of the rows on the path.
    pub fn arrangement(&mut self, vertices: &Sets) {
        self.each(|stream| stream.arrangement(vertices));
    }

    /// A region with this point inside.
    pub fn region(&mut self, exponent: i64, mantissas: &[BigInt]) {
        self.each(|stream| {
            stream.region(exponent, mantissas.iter(), |to, mantissa| {
                put_long(to, mantissa)
            });
        });
    }

    /// A region with this point inside, or all regions around the crossing of the hyperplanes of all
    /// undecided units, if there are any, that is nearest to it.
    pub fn around(&mut self, exponent: i64, mantissas: &[i64], undecided: bool) {
        let mantissas = mantissas.iter().copied();
        self.each(|stream| match undecided {
            false => stream.region(exponent, mantissas, put_signed),
            true => stream.crossing(exponent, mantissas, put_signed),
        });
    }

    /// The cell is empty: the first row contradicts the others.
    pub fn empty(&mut self, level: &Level, why: impl Iterator<Item = RowId>) {
        let numbers = self.numbers(level, why);
        self.each(|stream| stream.empty(&numbers));
    }

    /// The cell was not searched.
    pub fn open(&mut self) {
        self.each(Stream::open);
    }

    /// Another log goes on from here.
    pub fn elsewhere(&mut self) {
        self.each(Stream::elsewhere);
    }

    /// The cell is left out by definition.
    pub fn exclude(&mut self) {
        self.each(Stream::exclude);
    }

    fn each(&mut self, tell: impl FnOnce(&mut Stream<'s>)) {
        if let Some(stream) = &mut self.stream {
            tell(stream);
        }
    }
}

/// The units of a class and whether they are positive where it has this sign.
fn units_of(
    level: &Level,
    first: usize,
    (class, sign): (u32, i32),
) -> impl Iterator<Item = (usize, bool)> {
    let members = level.classes()[class as usize].members.iter();
    members.map(move |&(unit, opposite)| (first + unit, (sign > 0) != opposite))
}
