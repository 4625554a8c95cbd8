//! Sums over the choices of units at the outer positions, one term an orbit, and
//! leaves the positions in the middle to deletion and contraction.
//!
//! A set of chosen units matters for the rest only by the space S that it spans, and
//! S only by its part in the inputs that other positions see. Three things make sets
//! equal for the rest, whatever the generic weights are; none of them rests on the
//! weights drawn:
//!
//! - *Filters are alike.* A permutation of the filters renames parameters, and so do
//!   the reflections of a layer.
//! - *Tight sets.* Where units U see as many inputs Y as they are, and are
//!   independent, their span is all of F^Y: which units they were does not matter,
//!   and the inputs of Y are as good as gone.
//! - *Coloops.* Let R be the rank of the chosen units on the inputs that no other
//!   position sees. A unit without which the matching to these inputs has less than R
//!   edges has an entry there that nothing cancels: it takes no part in any relation
//!   with units to come, and may be forgotten.
//!
//! The cost is the number of such states. On one core, 4x4x1 with 2x2 filters takes
//! 0.1 s for three filters and 2.5 s for four, and 3x4x1 takes 0.1 s for six, where
//! deletion and contraction alone takes 0.8 s for 4x4x1 with three filters and 62 s for
//! 3x4x1 with six.
//!
//! Every test of the weights drawn that says "independent" is proved, and one that
//! says "dependent" only ends a branch. So the sum is a lower bound on the generic
//! number, and equal to it unless the weights were unlucky.

use std::collections::HashMap;

use super::minor::{Counted, Minor, Work};
use super::relations::{Polynomial, Relations};
use super::rows::SharedRows;
use crate::arithmetic::prime::{cross, inverse, multiply};

/// The most states that wait after a position, of some hundred bytes each; more are
/// summed over in portions.
const MAX_STATES: usize = 400_000;

/// A connected part of a layer: at every position the same filters.
pub(super) struct Positions {
    /// Where the positions stand on the layer's grid.
    places: Vec<[usize; 2]>,
    /// For every position the row of each filter, all of the same length.
    vectors: Vec<Vec<Vec<u64>>>,
    /// For every position the inputs that it sees, as bits.
    windows: Vec<u128>,
    /// Automorphisms of the generic matroid: permutations of positions and inputs.
    symmetries: Vec<(Vec<usize>, Vec<usize>)>,
}

/// What is chosen so far, up to what does not matter.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct State {
    /// Inputs all of whose space is spanned.
    covered: u128,
    /// For every filter the positions at which it is chosen, as bits; descending.
    chosen: Vec<u64>,
}

impl State {
    /// The state under a symmetry.
    fn image(&self, (positions, inputs): &(Vec<usize>, Vec<usize>)) -> State {
        let image = |&set: &u64| permuted(set.into(), positions) as u64;
        let mut chosen: Vec<u64> = self.chosen.iter().map(image).collect();
        chosen.sort_unstable_by(|a, b| b.cmp(a));
        State {
            covered: permuted(self.covered, inputs),
            chosen,
        }
    }
}

impl Positions {
    /// The positions of a connected part of a layer; `None` when there are more units
    /// or inputs than the sums here can hold.
    pub(super) fn of(layer: &SharedRows, part: &[usize], weights: &[u64]) -> Option<Self> {
        let inputs = layer.inputs_of(part);
        let mut places: Vec<[usize; 2]> = part.iter().map(|&unit| layer.place(unit).1).collect();
        places.dedup();
        if inputs.len() > 128 || part.len() >= 120 || places.len() > 64 {
            return None;
        }
        let filters = part.len() / places.len();
        let vectors: Vec<Vec<Vec<u64>>> = layer
            .vectors(part, weights)
            .chunks(filters)
            .map(<[_]>::to_vec)
            .collect();
        let window = |&unit: &usize| {
            let seen = layer.rows()[unit]
                .iter()
                .map(|(input, _)| inputs.binary_search(input));
            seen.fold(0, |window, at| {
                window | 1 << at.expect("an input of the part")
            })
        };
        Some(Positions {
            places,
            vectors,
            windows: part.iter().step_by(filters).map(window).collect(),
            symmetries: layer.symmetries(part),
        })
    }

    /// Whether there is an outer line of positions to sum over.
    pub(super) fn has_lines(&self) -> bool {
        self.lines().len() > 1
    }

    /// How many positions there are.
    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    /// How many filters there are.
    pub(super) fn filters(&self) -> usize {
        self.vectors[0].len()
    }

    /// How many inputs there are.
    pub(super) fn inputs(&self) -> usize {
        self.vectors[0][0].len()
    }

    /// The relations that hold between the units for all weights.
    pub(super) fn relations(
        &self,
        filters: &[Vec<Polynomial>],
        work: &mut Work,
    ) -> Option<Relations> {
        Relations::new(&self.places, &self.windows, filters, work)
    }

    /// The positions, line by line across the longer axis, from both ends to the
    /// middle.
    fn lines(&self) -> Vec<Vec<usize>> {
        let along = |axis: usize| -> Vec<usize> {
            let mut all: Vec<usize> = self.places.iter().map(|place| place[axis]).collect();
            all.sort_unstable();
            all.dedup();
            all
        };
        let (rows, columns) = (along(0), along(1));
        let (axis, mut left) = if rows.len() > columns.len() {
            (0, rows)
        } else {
            (1, columns)
        };
        let mut order = Vec::new();
        while !left.is_empty() {
            order.push(left.remove(0));
            if !left.is_empty() {
                order.push(left.remove(left.len() - 1));
            }
        }
        let line = |&at: &usize| {
            (0..self.places.len())
                .filter(|&p| self.places[p][axis] == at)
                .collect()
        };
        order.iter().map(line).collect()
    }

    /// The number of independent sets of units.
    pub(super) fn count(&self, work: &mut Work) -> Option<u128> {
        let mut lines = self.lines();
        let last = lines.pop().expect("a connected part has positions");
        let sum = Sum {
            positions: self,
            ends: lines
                .iter()
                .scan(0, |end, line| {
                    *end += line.len();
                    Some(*end)
                })
                .collect(),
            first: lines.into_iter().flatten().collect(),
            last,
        };
        let nothing = State {
            covered: 0,
            chosen: vec![0; self.vectors[0].len()],
        };
        sum.over(HashMap::from([(nothing, 1)]), 0, work)
    }

    /// The inputs as bits that a chosen unit still sees, one entry a unit.
    fn open_windows(&self, state: &State) -> Vec<(usize, usize, u128)> {
        let units = state
            .chosen
            .iter()
            .enumerate()
            .flat_map(|(filter, &chosen)| {
                bits(chosen.into()).map(move |position| (filter, position))
            });
        units
            .map(|(filter, position)| (filter, position, self.windows[position] & !state.covered))
            .collect()
    }

    /// A unit's row on the inputs that are not covered.
    pub(super) fn row(&self, position: usize, filter: usize, covered: u128) -> Vec<u64> {
        let row = self.vectors[position][filter].iter().enumerate();
        row.filter(|(input, _)| covered >> input & 1 == 0)
            .map(|(_, &value)| value)
            .collect()
    }

    /// The independent sets of the units at these positions, given what is chosen.
    fn rest(&self, state: &State, last: &[usize], work: &mut Work) -> Option<u128> {
        let chosen = self.open_windows(state);
        let units = last
            .iter()
            .flat_map(|&p| (0..self.vectors[p].len()).map(move |filter| (filter, p)));
        let rows: Vec<Vec<u64>> = chosen
            .iter()
            .map(|&(filter, position, _)| (filter, position))
            .chain(units)
            .map(|(filter, position)| self.row(position, filter, state.covered))
            .collect();
        work.spend(rows.iter().map(Vec::len).sum())?;
        Minor::of(&rows, work)?
            .contracted(chosen.len())
            .count(Counted::IndependentSets, work)
    }
}

/// The sum over the sets of units at the first positions.
struct Sum<'a> {
    positions: &'a Positions,
    first: Vec<usize>,
    /// How many of the first positions are whole lines.
    ends: Vec<usize>,
    last: Vec<usize>,
}

impl Sum<'_> {
    /// The independent sets that go on from these states, whose sets are chosen at the
    /// first `done` positions. States are kept until there are too many of them.
    fn over(&self, states: HashMap<State, u128>, done: usize, work: &mut Work) -> Option<u128> {
        let mut total = 0;
        if done == self.first.len() {
            for (state, sets) in states {
                total += sets * self.positions.rest(&state, &self.last, work)?;
            }
            return Some(total);
        }
        let (now, later) = self.first.split_at(done + 1);
        let later = later.iter().chain(&self.last);
        let live = later.fold(0, |live, &p| live | self.positions.windows[p]);
        let symmetries = if self.ends.contains(&now.len()) {
            let now_set = now.iter().fold(0u64, |set, &p| set | 1 << p);
            let keeps = |(positions, _): &&(Vec<usize>, Vec<usize>)| {
                permuted(now_set.into(), positions) == now_set.into()
            };
            self.positions.symmetries.iter().filter(keeps).collect()
        } else {
            Vec::new()
        };
        let mut choice = Choice {
            positions: self.positions,
            position: now[done],
            live,
            symmetries,
            sets: HashMap::new(),
        };
        for (state, sets) in states {
            choice.extend(&state, sets, work)?;
            if choice.sets.len() > MAX_STATES {
                total += self.over(std::mem::take(&mut choice.sets), done + 1, work)?;
            }
        }
        Some(total + self.over(choice.sets, done + 1, work)?)
    }
}

/// The image of a set of bits.
fn permuted(set: u128, images: &[usize]) -> u128 {
    bits(set).fold(0, |image, bit| image | 1 << images[bit])
}

/// The bits that are set, ascending.
fn bits(mut set: u128) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        (set != 0).then(|| {
            let bit = set.trailing_zeros() as usize;
            set &= set - 1;
            bit
        })
    })
}

/// The choices at one position.
struct Choice<'a> {
    positions: &'a Positions,
    position: usize,
    /// Inputs that later positions see.
    live: u128,
    /// Symmetries that keep the positions chosen at.
    symmetries: Vec<&'a (Vec<usize>, Vec<usize>)>,
    /// How many sets lead to each state.
    sets: HashMap<State, u128>,
}

impl Choice<'_> {
    /// Adds every independent choice of filters at the position.
    fn extend(&mut self, state: &State, sets: u128, work: &mut Work) -> Option<()> {
        let mut span = Span::default();
        for (filter, position, _) in self.positions.open_windows(state) {
            let row = self.positions.row(position, filter, state.covered);
            span.add(row, work)?;
        }
        self.choose(state.clone(), state.covered, 0, sets, &span, work)
    }

    /// The choices among the filters from `filter` on, where those that were chosen at
    /// the same positions before are alike.
    fn choose(
        &mut self,
        state: State,
        covered: u128,
        filter: usize,
        sets: u128,
        span: &Span,
        work: &mut Work,
    ) -> Option<()> {
        let Some(&before) = state.chosen.get(filter) else {
            let state = self.positions.reduced(state, self.live, work)?;
            let state = self
                .symmetries
                .iter()
                .map(|symmetry| state.image(symmetry))
                .min()
                .unwrap_or(state);
            *self.sets.entry(state).or_default() += sets;
            return Some(());
        };
        let class = state.chosen[filter..].iter().take_while(|&&c| c == before);
        let class = class.count();
        let mut span = span.clone();
        let mut chosen = state;
        let mut ways = sets;
        for size in 0..=class {
            if size > 0 {
                let filter = filter + size - 1;
                let row = self.positions.row(self.position, filter, covered);
                if !span.add(row, work)? {
                    break;
                }
                chosen.chosen[filter] |= 1 << self.position;
                ways = ways * (class - size + 1) as u128 / size as u128;
            }
            self.choose(chosen.clone(), covered, filter + class, ways, &span, work)?;
        }
        Some(())
    }
}

impl Positions {
    /// The state without what does not matter where only `live` inputs are seen later.
    fn reduced(&self, mut state: State, live: u128, work: &mut Work) -> Option<State> {
        // Units that are matched to inputs which no other matching leaves free.
        let units = self.open_windows(&state);
        let windows: Vec<u128> = units.iter().map(|&(.., window)| window).collect();
        work.spend(windows.len() * windows.len() + 1)?;
        let matching = Matching::new(&windows);
        let tight = matching.tight(&windows);
        for (&(filter, position, window), tight) in units.iter().zip(tight) {
            if tight {
                state.chosen[filter] &= !(1 << position);
                state.covered |= window;
            }
        }
        // Units with an entry of their own outside.
        let units = self.open_windows(&state);
        let outside: Vec<u128> = units.iter().map(|&(.., window)| window & !live).collect();
        let matching = Matching::new(&outside);
        let mut span = Span::default();
        for &(filter, position, _) in &units {
            span.add(self.row(position, filter, state.covered | live), work)?;
        }
        if span.rank() == matching.size() {
            for (&(filter, position, _), own) in units.iter().zip(matching.coloops(&outside)) {
                if own {
                    state.chosen[filter] &= !(1 << position);
                }
            }
        }
        let seen = self.open_windows(&state);
        let seen = seen
            .iter()
            .fold(live, |seen, &(_, p, _)| seen | self.windows[p]);
        state.covered &= seen;
        state.chosen.sort_unstable_by(|a, b| b.cmp(a));
        Some(state)
    }
}

/// Independent rows, each reduced by those before it.
#[derive(Clone, Default)]
pub(super) struct Span {
    /// Rows with a 1 at their pivot.
    rows: Vec<(usize, Vec<u64>)>,
}

impl Span {
    pub(super) fn rank(&self) -> usize {
        self.rows.len()
    }

    /// Adds a row; whether it is independent of the others.
    pub(super) fn add(&mut self, mut row: Vec<u64>, work: &mut Work) -> Option<bool> {
        work.spend(row.len())?;
        for (pivot, other) in &self.rows {
            let factor = row[*pivot];
            if factor != 0 {
                work.spend(row.len())?;
                for (value, &other) in row.iter_mut().zip(other) {
                    *value = cross(*value, 1, factor, other);
                }
            }
        }
        let Some(pivot) = row.iter().position(|&value| value != 0) else {
            return Some(false);
        };
        let scale = inverse(row[pivot]);
        row.iter_mut()
            .for_each(|value| *value = multiply(*value, scale));
        self.rows.push((pivot, row));
        Some(true)
    }
}

/// A largest matching of units to inputs.
pub(super) struct Matching {
    /// The input of each unit.
    input: Vec<Option<usize>>,
    /// The unit of each input.
    unit: [Option<u32>; 128],
}

impl Matching {
    pub(super) fn new(windows: &[u128]) -> Self {
        let mut matching = Matching {
            input: vec![None; windows.len()],
            unit: [None; 128],
        };
        for unit in 0..windows.len() {
            let mut seen = 0;
            matching.augment(unit, windows, &mut seen);
        }
        matching
    }

    fn augment(&mut self, unit: usize, windows: &[u128], seen: &mut u128) -> bool {
        while let Some(input) = bits(windows[unit] & !*seen).next() {
            *seen |= 1 << input;
            let free = match self.unit[input] {
                None => true,
                Some(other) => self.augment(other as usize, windows, seen),
            };
            if free {
                self.unit[input] = Some(unit as u32);
                self.input[unit] = Some(input);
                return true;
            }
        }
        false
    }

    pub(super) fn size(&self) -> usize {
        self.input.iter().flatten().count()
    }

    /// For every unit of a matching of all units, whether it belongs to the tight set:
    /// no alternating path leads from a free input to it.
    fn tight(&self, windows: &[u128]) -> Vec<bool> {
        let mut reached = vec![false; windows.len()];
        let all = windows.iter().fold(0, |all, window| all | window);
        let matched = self.input.iter().flatten().fold(0u128, |m, &k| m | 1 << k);
        let mut inputs = all & !matched;
        loop {
            let next = (0..windows.len()).find(|&u| !reached[u] && windows[u] & inputs != 0);
            let Some(unit) = next else { break };
            reached[unit] = true;
            inputs |= 1 << self.input[unit].expect("all units are matched");
        }
        reached.iter().map(|reached| !reached).collect()
    }

    /// For every unit whether each largest matching has it: no alternating path leads
    /// from an unmatched unit to it.
    pub(super) fn coloops(&self, windows: &[u128]) -> Vec<bool> {
        let mut left_out: Vec<bool> = self.input.iter().map(Option::is_none).collect();
        let mut queue: Vec<usize> = (0..windows.len()).filter(|&u| left_out[u]).collect();
        while let Some(unit) = queue.pop() {
            for input in bits(windows[unit]) {
                let other = self.unit[input].expect("the matching is a largest one") as usize;
                if !std::mem::replace(&mut left_out[other], true) {
                    queue.push(other);
                }
            }
        }
        left_out.iter().map(|left_out| !left_out).collect()
    }
}
