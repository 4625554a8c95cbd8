//! Writes proofs down while a search runs: each thread its own pieces of the walk, in
//! chunks that are handed on as soon as they are full.

use super::Header;
use super::format::{Decided, Entry, event, put, put_all, put_signed, put_start};

/// A chunk is handed on before the event that finds it this long, in bytes.
const FULL: usize = 1 << 17;

/// A short proof takes memory once: so many bytes for its body, and places on the trail.
const SHORT: usize = 1 << 12;
const ROOM: usize = 32;

/// Takes a proof as it is written.
pub trait Sink: Sync {
    /// What is proved. Called once, before any chunk.
    fn header(&self, header: &Header);

    /// The body of a chunk; called from any thread, in any order. A sink that fails
    /// keeps its error, and stops the search if it can: nobody else could report it.
    fn chunk(&self, body: &[u8]);
}

/// A piece of the walk through one chart's tree. Its methods are the events in
/// depth-first order. A leaf leads on to the negative side of the last pending split;
/// when there is none, the piece is finished, and hands on what it still holds.
pub struct Stream<'s> {
    sink: &'s dyn Sink,
    chart: usize,
    sides: usize,
    trail: Vec<Entry>,
    /// Where on the trail splits are pending, and how many there are up to each.
    pending: Vec<(usize, u32)>,
    /// For the units that are split on the trail, which of its splits they are.
    ordinals: Vec<u32>,
    splits: u32,
    body: Vec<u8>,
    /// The constraints of the last side in the body.
    last: Vec<u32>,
    /// Whether the body has an event.
    begun: bool,
}

/// The node on one side of a pending split, where another piece may start.
pub struct Branch<'s> {
    sink: &'s dyn Sink,
    chart: usize,
    sides: usize,
    units: usize,
    trail: Vec<Entry>,
}

impl<'s> Branch<'s> {
    /// The root of a chart with this many sides, for a network with this many units.
    pub fn root(sink: &'s dyn Sink, chart: usize, sides: usize, units: usize) -> Self {
        Branch {
            sink,
            chart,
            sides,
            units,
            trail: Vec::with_capacity(ROOM),
        }
    }

    /// Starts a piece here. The one that this is a branch of tells so with
    /// [`Stream::elsewhere`] when its walk arrives.
    pub fn start(self) -> Stream<'s> {
        let mut stream = Stream {
            sink: self.sink,
            chart: self.chart,
            sides: self.sides,
            trail: self.trail,
            pending: Vec::with_capacity(ROOM),
            ordinals: vec![0; self.units],
            splits: 0,
            body: Vec::with_capacity(SHORT),
            last: Vec::new(),
            begun: false,
        };
        for entry in stream.trail.iter().filter(|entry| entry.how.is_split()) {
            stream.ordinals[entry.unit as usize] = stream.splits;
            stream.splits += 1;
        }
        stream.begin();
        stream
    }
}

impl<'s> Stream<'s> {
    /// One side of a pending split: of those, by number, or the last.
    pub fn branch(&self, pending: Option<usize>, positive: bool) -> Branch<'s> {
        let (place, _) = match pending {
            Some(number) => self.pending[number],
            None => *self.pending.last().expect("a split is pending"),
        };
        let mut trail = self.trail[..=place].to_vec();
        for entry in &mut trail {
            if entry.how == Decided::SplitPending {
                entry.how = Decided::SplitPositive;
            }
        }
        if !positive {
            trail[place].how = Decided::SplitNegative;
        }
        Branch {
            sink: self.sink,
            chart: self.chart,
            sides: self.sides,
            units: self.ordinals.len(),
            trail,
        }
    }

    /// Splits on a unit; `first` is the number of its layer's first unit.
    pub fn split(&mut self, first: usize, unit: usize) {
        self.make_room();
        self.event((unit - first) as u64, event::SPLIT);
        self.ordinals[unit] = self.splits;
        self.splits += 1;
        self.pending.push((self.trail.len(), self.splits));
        self.trail.push(Entry {
            unit: unit as u32,
            how: Decided::SplitPending,
        });
    }

    /// The unit is positive or negative all over the cell, as these constraints show.
    pub fn side(&mut self, first: usize, unit: usize, positive: bool, why: &[u32]) {
        self.make_room();
        self.decide(first, unit, positive);
        if self.last == *why {
            self.body.push(0);
        } else {
            self.name(why);
        }
    }

    /// These units are positive, or negative, all over the cell, as the same constraints show.
    pub fn sides_alike(
        &mut self,
        first: usize,
        sides: impl Iterator<Item = (usize, bool)>,
        why: &[u32],
    ) {
        self.make_room();
        let mut told = false;
        for (unit, positive) in sides {
            self.decide(first, unit, positive);
            if told {
                self.body.push(0);
            } else {
                self.name(why);
            }
            told = true;
        }
    }

    /// The constraints of a side.
    fn name(&mut self, why: &[u32]) {
        put(&mut self.body, why.len() as u64);
        put_all(&mut self.body, why);
        self.last.clear();
        self.last.extend_from_slice(why);
    }

    /// These units are positive, or negative, all over the cell, each as one of several sets of so
    /// many constraints shows: `numbers` has one set after another.
    pub fn sides(
        &mut self,
        first: usize,
        sides: impl Iterator<Item = (usize, bool)> + Clone,
        each: usize,
        numbers: &[u32],
    ) {
        self.make_room();
        self.event(event::SIDES, event::LEAF);
        self.sets(each, numbers);
        let code =
            |(unit, positive): (usize, bool)| 2 * (unit - first) as u32 + u32::from(!positive);
        let codes = sides.clone().map(code);
        let (mut count, mut bits) = (0, 0);
        codes.clone().for_each(|code| {
            count += 1;
            bits |= code;
        });
        put(&mut self.body, count);
        if bits < 0x80 {
            self.body.extend(codes.map(|code| code as u8));
        } else {
            codes.for_each(|code| put(&mut self.body, code.into()));
        }
        let entry = |(unit, positive)| Entry::side(unit, positive);
        self.trail.extend(sides.map(entry));
    }

    #[inline]
    fn decide(&mut self, first: usize, unit: usize, positive: bool) {
        let kind = match positive {
            true => event::POSITIVE,
            false => event::NEGATIVE,
        };
        self.event((unit - first) as u64, kind);
        self.trail.push(Entry::side(unit, positive));
    }

    /// A region; the point is `mantissas`, which `put` writes, times 2^exponent.
    pub fn region<M: Clone>(
        &mut self,
        exponent: i64,
        mantissas: &[M],
        put: impl Fn(&mut Vec<u8>, M),
    ) {
        self.leaf_at(event::REGION, exponent, mantissas, put);
    }

    /// All regions around the crossing of the hyperplanes of all undecided units; the
    /// crossing is near the point `mantissas` times 2^exponent.
    pub fn crossing<M: Clone>(
        &mut self,
        exponent: i64,
        mantissas: &[M],
        put: impl Fn(&mut Vec<u8>, M),
    ) {
        self.leaf_at(event::CROSSING, exponent, mantissas, put);
    }

    fn leaf_at<M: Clone>(
        &mut self,
        leaf: u64,
        exponent: i64,
        mantissas: &[M],
        put: impl Fn(&mut Vec<u8>, M),
    ) {
        self.make_room();
        self.event(leaf, event::LEAF);
        put_signed(&mut self.body, exponent);
        for mantissa in mantissas {
            put(&mut self.body, mantissa.clone());
        }
        self.leave();
    }

    /// The hyperplanes of all undecided units are in general position in the cell: the regions into
    /// which they cut it. `numbers` has one set of so many constraints after another: other
    /// constraints are positive where these are, as one of the sets shows.
    pub fn arrangement(&mut self, each: usize, numbers: &[u32]) {
        self.make_room();
        self.event(event::ARRANGEMENT, event::LEAF);
        self.sets(each, numbers);
        self.leave();
    }

    fn sets(&mut self, each: usize, numbers: &[u32]) {
        put_all(
            &mut self.body,
            &[(numbers.len() / each) as u32, each as u32],
        );
        put_all(&mut self.body, numbers);
    }

    /// The cell is empty: the first constraint contradicts the others.
    pub fn empty(&mut self, why: &[u32]) {
        self.make_room();
        self.event(event::EMPTY, event::LEAF);
        put(&mut self.body, why.len() as u64 - 1);
        put_all(&mut self.body, why);
        self.leave();
    }

    /// The cell was not searched.
    pub fn open(&mut self) {
        self.make_room();
        self.event(event::OPEN, event::LEAF);
        self.leave();
    }

    /// Another piece starts here.
    pub fn elsewhere(&mut self) {
        // Never the first event of a chunk: no room is made for it.
        self.event(event::ELSEWHERE, event::LEAF);
        self.leave();
    }

    /// The cell does not count by definition: a unit is zero all over it.
    pub fn exclude(&mut self) {
        self.make_room();
        self.event(event::EXCLUDED, event::LEAF);
        self.leave();
    }

    fn leave(&mut self) {
        let Some((place, splits)) = self.pending.pop() else {
            return self.sink.chunk(&self.body);
        };
        self.trail.truncate(place + 1);
        self.splits = splits;
        self.trail[place].how = Decided::SplitNegative;
    }

    fn begin(&mut self) {
        self.body.clear();
        put_start(&mut self.body, self.chart, &self.trail, false);
        self.last.clear();
        self.begun = false;
    }

    fn make_room(&mut self) {
        if self.begun && self.body.len() > FULL {
            self.sink.chunk(&self.body);
            self.begin();
        }
    }

    fn event(&mut self, unit: u64, kind: u64) {
        self.begun = true;
        put(&mut self.body, 4 * unit + kind);
    }

    /// The number of a constraint: the side of the split on the trail that was on this unit.
    pub fn split_number(&self, unit: usize) -> u32 {
        self.sides as u32 + self.ordinals[unit]
    }
}
