//! Writes proofs down while a search runs: each thread its own pieces of the walk, in
//! chunks that are handed on as soon as they are full.

use super::Header;
use super::format::{
    Decided, Entry, MAX_VARINT, event, put, put_all, put_bits, put_signed, put_start,
};

/// A chunk is handed on before the event that finds it this long, in bytes.
const FULL: usize = 1 << 17;

/// A short proof takes memory once: so many bytes for its body, and places on the trail.
const SHORT: usize = 1 << 12;
const ROOM: usize = 32;

/// Sets of constraints.
#[derive(Clone, Debug, Default)]
pub struct Sets {
    /// Whether these are all sets of constraints that meet in a vertex of the cell.
    pub all: bool,
    /// The numbers of constraints, each once; 64 at most.
    pub named: Vec<u32>,
    /// For each set a bit for each of these that is in it, the first one's the lowest.
    pub members: Vec<u64>,
}

/// Takes a proof as it is written.
pub trait Sink: Sync {
    /// What is proved. Called once, before any chunk.
    fn header(&self, header: &Header);

    /// The body of a chunk; called from any thread, in any order. A sink that fails
    /// keeps its error, and stops the search if it can: nobody else could report it.
    fn chunk(&self, body: &[u8]);
}

/// Entries of a trail, one after another.
#[derive(Clone, Copy)]
struct Step {
    /// The unit that the lowest bit stands for; those of splits have no other.
    first: u32,
    how: Decided,
    /// The bits of the units.
    units: u64,
}

impl Step {
    fn of(unit: usize, how: Decided) -> Step {
        Step {
            first: unit as u32,
            how,
            units: 1,
        }
    }

    fn entries(&self) -> impl Iterator<Item = Entry> {
        let Step { first, how, units } = *self;
        ones(units).map(move |unit| Entry {
            unit: first + unit,
            how,
        })
    }
}

/// The places of bits that are set.
fn ones(mut bits: u64) -> impl Iterator<Item = u32> {
    std::iter::from_fn(move || {
        let at = bits.trailing_zeros();
        bits &= bits.wrapping_sub(1);
        (at < u64::BITS).then_some(at)
    })
}

/// Appends the units of sides, given by bits: so, or one by one where they are few for their numbers.
fn put_sides(body: &mut Vec<u8>, positive: &[u64], negative: &[u64]) {
    let (mut count, mut longest) = (0, 0);
    for (word, (positive, negative)) in positive.iter().zip(negative).enumerate() {
        if let Some(last) = (positive | negative).checked_ilog2() {
            count += (positive | negative).count_ones() as usize;
            longest = (64 * word + last as usize) / 7 + 1;
        }
    }
    if 2 * longest <= count && longest <= MAX_VARINT {
        put(body, 0);
        put_bits(body, positive);
        put_bits(body, negative);
        return;
    }
    put(body, count as u64);
    for (bits, sign) in [(positive, 0), (negative, 1)] {
        for (bits, word) in bits.iter().zip(0..) {
            ones(*bits).for_each(|at| put(body, 2 * (64 * word + u64::from(at)) + sign));
        }
    }
}

/// A piece of the walk through one chart's tree. Its methods are the events in
/// depth-first order. A leaf leads on to the negative side of the last pending split;
/// when there is none, the piece is finished, and hands on what it still holds.
pub struct Stream<'s> {
    sink: &'s dyn Sink,
    chart: usize,
    sides: usize,
    trail: Vec<Step>,
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
    /// Whether the last one told sides by all vertices of the cell.
    knows_all: bool,
}

/// The node on one side of a pending split, where another piece may start.
pub struct Branch<'s> {
    sink: &'s dyn Sink,
    chart: usize,
    sides: usize,
    units: usize,
    trail: Vec<Step>,
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
            knows_all: false,
        };
        for split in stream.trail.iter().filter(|step| step.how.is_split()) {
            stream.ordinals[split.first as usize] = stream.splits;
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
        for step in &mut trail {
            if step.how == Decided::SplitPending {
                step.how = Decided::SplitPositive;
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
        self.trail.push(Step::of(unit, Decided::SplitPending));
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

    /// Whether the last event told sides by all vertices of this cell: sides by the same need not be told
    /// them again, and take any [`Sets`] of all vertices for these.
    pub fn knows_all(&mut self) -> bool {
        self.make_room();
        self.knows_all
    }

    /// These units are positive, or negative, all over the cell, each as one of the sets of
    /// constraints shows. They are given by bits, the layer's first one's the lowest, in as many words.
    pub fn sides(&mut self, first: usize, positive: &[u64], negative: &[u64], sets: &Sets) {
        self.make_room();
        let again = self.knows_all && sets.all;
        self.event(event::SIDES, event::LEAF);
        self.knows_all = sets.all;
        match again {
            true => self.body.push(0),
            false => self.sets(sets),
        }
        put_sides(&mut self.body, positive, negative);
        for (bits, how) in [(positive, Decided::Positive), (negative, Decided::Negative)] {
            for (word, &units) in bits.iter().enumerate() {
                if units != 0 {
                    let first = (first + 64 * word) as u32;
                    self.trail.push(Step { first, how, units });
                }
            }
        }
    }

    #[inline]
    fn decide(&mut self, first: usize, unit: usize, positive: bool) {
        let (kind, how) = match positive {
            true => (event::POSITIVE, Decided::Positive),
            false => (event::NEGATIVE, Decided::Negative),
        };
        self.event((unit - first) as u64, kind);
        self.trail.push(Step::of(unit, how));
    }

    /// A region; the point is `mantissas`, which `put` writes, times 2^exponent.
    pub fn region<M>(
        &mut self,
        exponent: i64,
        mantissas: impl Iterator<Item = M>,
        put: impl Fn(&mut Vec<u8>, M),
    ) {
        self.leaf_at(event::REGION, exponent, mantissas, put);
    }

    /// All regions around the crossing of the hyperplanes of all undecided units; the
    /// crossing is near the point `mantissas` times 2^exponent.
    pub fn crossing<M>(
        &mut self,
        exponent: i64,
        mantissas: impl Iterator<Item = M>,
        put: impl Fn(&mut Vec<u8>, M),
    ) {
        self.leaf_at(event::CROSSING, exponent, mantissas, put);
    }

    fn leaf_at<M>(
        &mut self,
        leaf: u64,
        exponent: i64,
        mantissas: impl Iterator<Item = M>,
        put: impl Fn(&mut Vec<u8>, M),
    ) {
        self.make_room();
        self.event(leaf, event::LEAF);
        put_signed(&mut self.body, exponent);
        mantissas.for_each(|mantissa| put(&mut self.body, mantissa));
        self.leave();
    }

    /// The hyperplanes of all undecided units are in general position in the cell: the regions into
    /// which they cut it. Constraints that are in none of these sets are positive where the others
    /// are, as one of the sets shows.
    pub fn arrangement(&mut self, sets: &Sets) {
        self.make_room();
        self.event(event::ARRANGEMENT, event::LEAF);
        self.sets(sets);
        self.leave();
    }

    fn sets(&mut self, Sets { named, members, .. }: &Sets) {
        put(&mut self.body, members.len() as u64);
        put(&mut self.body, named.len() as u64);
        put_all(&mut self.body, named);
        if named.len() < 8 {
            self.body.extend(members.iter().map(|&set| set as u8));
        } else {
            members.iter().for_each(|&set| put(&mut self.body, set));
        }
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
        let trail: Vec<Entry> = self.trail.iter().flat_map(Step::entries).collect();
        put_start(&mut self.body, self.chart, &trail, false);
        self.last.clear();
        (self.begun, self.knows_all) = (false, false);
    }

    fn make_room(&mut self) {
        if self.begun && self.body.len() > FULL {
            self.sink.chunk(&self.body);
            self.begin();
        }
    }

    fn event(&mut self, unit: u64, kind: u64) {
        (self.begun, self.knows_all) = (true, false);
        put(&mut self.body, 4 * unit + kind);
    }

    /// The number of a constraint: the side of the split on the trail that was on this unit.
    pub fn split_number(&self, unit: usize) -> u32 {
        self.sides as u32 + self.ordinals[unit]
    }
}
