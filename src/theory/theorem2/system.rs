//! A system of windows as the programmes see it: inputs that the same groups see
//! are one pool, and what does not interact with the rest is taken out.

use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use num_bigint::BigUint;
use num_traits::{One, Zero};

use super::budget::Work;

/// Whether every input has to be matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Inputs {
    /// All t of K.
    MayBeFree,
    /// Only those t whose sum is the number of inputs: the terms of the top degree.
    AreAllMatched,
}

/// w(0), w(1), ...: the last is not zero.
pub(super) type Row = Rc<[BigUint]>;

/// A group of units, its copies counted with weights.
#[derive(Clone, Debug)]
pub(super) struct Group {
    /// The pools it sees, ascending.
    pub(super) pools: Vec<u32>,
    /// The weight of each t; never longer than what the pools hold, plus one.
    pub(super) weights: Row,
    /// The first and the last input of its window, as the user numbers them: they
    /// tell where the group lies.
    pub(super) span: (u32, u32),
}

impl Group {
    /// The greatest t.
    pub(super) fn most(&self) -> u64 {
        self.weights.len() as u64 - 1
    }

    /// The sum of all weights.
    pub(super) fn total(&self) -> BigUint {
        self.weights.iter().sum()
    }
}

/// Groups and pools.
#[derive(Clone, Debug)]
pub(super) struct System {
    /// How many inputs each pool has.
    pub(super) capacity: Vec<u64>,
    pub(super) groups: Vec<Group>,
    pub(super) inputs: Inputs,
    /// Differences between inputs that may be one row of an image apart.
    pub(super) pitches: Vec<u32>,
}

/// Longest product of weight rows worth making.
const MAX_CONVOLUTION: usize = 1 << 16;

impl System {
    /// The system of these windows (ascending, each input once) with their weights,
    /// one pool an input.
    pub(super) fn new(windows: &[(&[u32], Row)], inputs: Inputs) -> Self {
        let mut pool_of: HashMap<u32, u32> = HashMap::new();
        let mut groups = Vec::with_capacity(windows.len());
        for (window, weights) in windows {
            let pools = window.iter().map(|&input| {
                let next = pool_of.len() as u32;
                *pool_of.entry(input).or_insert(next)
            });
            let mut pools: Vec<u32> = pools.collect();
            pools.sort_unstable();
            groups.push(Group {
                weights: truncated(weights, pools.len() as u64),
                pools,
                span: (
                    window.first().copied().unwrap_or(0),
                    window.last().copied().unwrap_or(0),
                ),
            });
        }
        System {
            capacity: vec![1; pool_of.len()],
            groups,
            inputs,
            pitches: pitches(windows.iter().map(|(window, _)| *window)),
        }
    }

    /// Takes out what does not interact, until nothing does; the factor of what was
    /// taken out.
    ///
    /// A pool that one group alone sees serves its copies first, so the group goes on
    /// with what is left of each t. Groups that see the same pools are one group,
    /// with the convolution of their weights.
    ///
    /// Nothing depends on how far this gets; it stops where the work ends.
    pub(super) fn reduce(&mut self, work: &mut Work) -> BigUint {
        /// Enough for layers; chains of nested windows could go on for long.
        const ROUNDS: usize = 16;
        let mut factors = Vec::new();
        let mut rows = RowCache::default();
        for _ in 0..ROUNDS {
            if self.spend_walk(work).is_none() {
                break;
            }
            if self.has_unmatched_pool() {
                break;
            }
            let mut changed = self.merge_pools();
            changed |= self.absorb_private_pools(&mut rows);
            changed |= self.merge_groups(&mut rows);
            self.groups.retain(|group| {
                let interacts = !group.pools.is_empty() && group.weights.len() > 1;
                if !interacts {
                    // Without pools t is 0; without positive t it sees nothing.
                    factors.push(group.weights[0].clone());
                    changed |= !group.pools.is_empty();
                }
                interacts
            });
            if !changed {
                break;
            }
        }
        if self.has_unmatched_pool() {
            self.groups.clear();
            return BigUint::zero();
        }
        product(factors)
    }

    /// Whether there are inputs that have to be matched and that no group sees.
    fn has_unmatched_pool(&self) -> bool {
        if self.inputs == Inputs::MayBeFree {
            return false;
        }
        let seen_by = self.seen_by();
        let mut pools = seen_by.iter().zip(&self.capacity);
        pools.any(|(seen_by, &capacity)| seen_by.is_empty() && capacity > 0)
    }

    /// The groups of each pool.
    pub(super) fn seen_by(&self) -> Vec<Vec<u32>> {
        let mut seen_by = vec![Vec::new(); self.capacity.len()];
        for (k, group) in self.groups.iter().enumerate() {
            for &pool in &group.pools {
                seen_by[pool as usize].push(k as u32);
            }
        }
        seen_by
    }

    /// Makes one pool of those that the same groups see, and drops those that none
    /// does; whether there were any.
    fn merge_pools(&mut self) -> bool {
        let before = self.capacity.len();
        let mut merged: HashMap<Vec<u32>, u32> = HashMap::new();
        let mut capacity: Vec<u64> = Vec::new();
        let mut place = vec![None; before];
        for (pool, seen_by) in self.seen_by().into_iter().enumerate() {
            if seen_by.is_empty() {
                continue;
            }
            let next = capacity.len() as u32;
            let new = *merged.entry(seen_by).or_insert(next);
            if new == next {
                capacity.push(0);
                place[pool] = Some(new);
            }
            capacity[new as usize] += self.capacity[pool];
        }
        if capacity.len() == before {
            return false;
        }
        for group in &mut self.groups {
            // Of merged pools the first stands for all.
            let pools = group.pools.iter().filter_map(|&pool| place[pool as usize]);
            group.pools = pools.collect();
        }
        self.capacity = capacity;
        true
    }

    fn absorb_private_pools(&mut self, rows: &mut RowCache) -> bool {
        let mut owners = vec![0u32; self.capacity.len()];
        for group in &self.groups {
            for &pool in &group.pools {
                owners[pool as usize] += 1;
            }
        }
        let mut changed = false;
        for group in &mut self.groups {
            let is_private = |pool: &u32| owners[*pool as usize] == 1;
            let private: u64 = group
                .pools
                .iter()
                .filter(|pool| is_private(pool))
                .map(|&pool| self.capacity[pool as usize])
                .sum();
            if private > 0 {
                for &pool in group.pools.iter().filter(|pool| is_private(pool)) {
                    self.capacity[pool as usize] = 0;
                }
                group.pools.retain(|pool| !is_private(pool));
                group.weights = rows.absorbed(&group.weights, private, self.inputs);
                changed = true;
            }
        }
        changed
    }

    fn merge_groups(&mut self, rows: &mut RowCache) -> bool {
        let before = self.groups.len();
        let mut places: HashMap<Vec<u32>, usize> = HashMap::new();
        let mut merged: Vec<Group> = Vec::with_capacity(before);
        for group in self.groups.drain(..) {
            let capacity = group.pools.iter().map(|&p| self.capacity[p as usize]).sum();
            match places.get(&group.pools) {
                Some(&place)
                    if merged[place].weights.len() * group.weights.len() <= MAX_CONVOLUTION =>
                {
                    let weights = rows.convolved(&merged[place].weights, &group.weights, capacity);
                    merged[place].weights = weights;
                }
                _ => {
                    places.insert(group.pools.clone(), merged.len());
                    merged.push(group);
                }
            }
        }
        self.groups = merged;
        self.groups.len() < before
    }

    /// Groups that share pools, directly or through others, as systems of their own.
    pub(super) fn connected(&self) -> Vec<System> {
        let parts = connected(self.groups.iter().map(|group| &group.pools[..]));
        let part = |groups: Vec<u32>| self.restricted(&groups, |_| true);
        parts.into_iter().map(part).collect()
    }

    /// The system of some of the groups, on those of their pools that are wanted.
    pub(super) fn restricted(&self, groups: &[u32], wanted: impl Fn(u32) -> bool) -> System {
        let mut place: HashMap<u32, u32> = HashMap::new();
        let mut capacity = Vec::new();
        let mut kept = Vec::with_capacity(groups.len());
        for &k in groups {
            let group = &self.groups[k as usize];
            let mut pools = Vec::with_capacity(group.pools.len());
            for &pool in group.pools.iter().filter(|pool| wanted(**pool)) {
                let next = capacity.len() as u32;
                let new = *place.entry(pool).or_insert(next);
                if new == next {
                    capacity.push(self.capacity[pool as usize]);
                }
                pools.push(new);
            }
            pools.sort_unstable();
            let holds = pools.iter().map(|&pool| capacity[pool as usize]).sum();
            kept.push(Group {
                weights: truncated(&group.weights, holds),
                pools,
                span: group.span,
            });
        }
        System {
            capacity,
            groups: kept,
            inputs: self.inputs,
            pitches: self.pitches.clone(),
        }
    }

    /// The product of the groups' totals: the sum over all t, in K or not.
    pub(super) fn total(&self) -> BigUint {
        product(self.groups.iter().map(Group::total).collect())
    }

    /// Equal for systems that differ in the names of their inputs alone (not always
    /// then).
    pub(super) fn shape(&self) -> (Vec<u64>, Vec<(Vec<u32>, Row)>) {
        let groups = self.groups.iter();
        (
            self.capacity.clone(),
            groups
                .map(|group| (group.pools.clone(), group.weights.clone()))
                .collect(),
        )
    }

    /// Steps that walking through all windows takes.
    pub(super) fn size(&self) -> u64 {
        let edges: usize = self.groups.iter().map(|group| group.pools.len()).sum();
        (edges + self.groups.len() + self.capacity.len()) as u64
    }

    /// Whether this can be walked through within the work left.
    pub(super) fn spend_walk(&self, work: &mut Work) -> Option<()> {
        work.spend(self.size().saturating_mul(50))
    }
}

/// The weights up to t = `most`, without trailing zeros.
pub(super) fn truncated(weights: &Row, most: u64) -> Row {
    let mut len = weights.len().min((most as usize).saturating_add(1));
    while len > 0 && weights[len - 1].is_zero() {
        len -= 1;
    }
    if len == 0 {
        // No t at all: one weight that makes every sum zero.
        vec![BigUint::zero()].into()
    } else if len == weights.len() {
        weights.clone()
    } else {
        weights[..len].into()
    }
}

/// Rows made from others, each once: groups that lie alike share theirs.
#[derive(Default)]
struct RowCache {
    absorbed: HashMap<(*const BigUint, u64), (Row, Row)>,
    convolved: HashMap<(*const BigUint, *const BigUint, u64), (Row, Row, Row)>,
}

impl RowCache {
    /// The weights of what is left of t when `private` inputs serve it first.
    fn absorbed(&mut self, weights: &Row, private: u64, inputs: Inputs) -> Row {
        let made = self
            .absorbed
            .entry((weights.as_ptr(), private))
            .or_insert_with(|| {
                let split = (private as usize).min(weights.len());
                let (within, beyond) = weights.split_at(split);
                let mut row: Vec<BigUint> = beyond.to_vec();
                if row.is_empty() {
                    row.push(BigUint::zero());
                }
                if inputs == Inputs::MayBeFree {
                    row[0] += within.iter().sum::<BigUint>();
                }
                // The key stays valid while the row it points to lives.
                (weights.clone(), row.into())
            });
        made.1.clone()
    }

    /// The weights of the sum of two t, up to `most`.
    fn convolved(&mut self, a: &Row, b: &Row, most: u64) -> Row {
        let made = self
            .convolved
            .entry((a.as_ptr(), b.as_ptr(), most))
            .or_insert_with(|| {
                let len = (a.len() + b.len() - 1).min((most as usize).saturating_add(1));
                let mut row = vec![BigUint::zero(); len];
                for (s, a) in a.iter().enumerate() {
                    for (t, b) in b.iter().enumerate().take(len.saturating_sub(s)) {
                        row[s + t] += a * b;
                    }
                }
                (a.clone(), b.clone(), row.into())
            });
        truncated(&made.2, most)
    }
}

/// How far the runs of consecutive inputs of one window start behind the first, the
/// least few: where inputs are numbered row by row, the length of a row, or of some
/// rows, is among them.
fn pitches<'a>(windows: impl Iterator<Item = &'a [u32]>) -> Vec<u32> {
    const MOST: usize = 6;
    let Some(widest) = windows.max_by_key(|window| window.len()) else {
        return Vec::new();
    };
    let starts_run = |pair: &&[u32]| pair[1] - pair[0] > 1;
    let starts = widest.windows(2).filter(starts_run);
    starts.map(|pair| pair[1] - widest[0]).take(MOST).collect()
}

/// The product, pairwise, so that large factors meet large factors.
pub(super) fn product(mut factors: Vec<BigUint>) -> BigUint {
    while factors.len() > 1 {
        factors = factors
            .chunks(2)
            .map(|pair| pair.iter().product())
            .collect();
    }
    factors.pop().unwrap_or_else(BigUint::one)
}

/// Which sets share members, directly or through others: the numbers of the sets,
/// ascending, class by class.
pub(super) fn connected<'a>(sets: impl Iterator<Item = &'a [u32]>) -> Vec<Vec<u32>> {
    let mut leader: Vec<usize> = Vec::new();
    fn find(leader: &mut [usize], mut k: usize) -> usize {
        while leader[k] != k {
            leader[k] = leader[leader[k]];
            k = leader[k];
        }
        k
    }
    let mut first_with: HashMap<u32, usize> = HashMap::new();
    for (k, set) in sets.enumerate() {
        leader.push(k);
        for &member in set {
            let other = *first_with.entry(member).or_insert(k);
            let (a, b) = (find(&mut leader, k), find(&mut leader, other));
            leader[a.max(b)] = a.min(b);
        }
    }
    let mut classes: BTreeMap<usize, Vec<u32>> = BTreeMap::new();
    for k in 0..leader.len() {
        let class = classes.entry(find(&mut leader, k)).or_default();
        class.push(k as u32);
    }
    classes.into_values().collect()
}
