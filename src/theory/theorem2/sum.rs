//! Formula (4) as the plain sum over K: slow, and shares nothing with the programmes
//! that it tests.

use std::collections::{BTreeMap, HashMap};

use num_bigint::BigUint;
use num_traits::{One, Zero};

use super::Group;

/// Formula (4) for these groups; `None` when it is too large here: more than about
/// `work` steps of some nanoseconds.
///
/// It is the plain sum over K, depth-first: t_k copies of group k at a time are
/// matched to inputs, and a branch ends where no augmenting path is left. Groups
/// that share no input, even through others, multiply; where all units can be
/// matched at once the value is 2^units.
pub(super) fn value(groups: &[Group], work: u64) -> Option<BigUint> {
    let mut work = Work(work);
    let mut factors = Vec::new();
    for part in connected(groups) {
        factors.push(Matching::new(part).value(&mut work)?);
    }
    Some(product(factors))
}

/// The product, pairwise, so that large factors meet large factors.
fn product(mut factors: Vec<BigUint>) -> BigUint {
    while factors.len() > 1 {
        factors = factors
            .chunks(2)
            .map(|pair| pair.iter().product())
            .collect();
    }
    factors.pop().unwrap_or_else(BigUint::one)
}

/// Steps left.
struct Work(u64);

impl Work {
    fn spend(&mut self, steps: u64) -> Option<()> {
        self.0 = self.0.checked_sub(steps)?;
        Some(())
    }
}

/// Groups that share inputs, directly or through others. Groups without units or
/// without inputs do not count: their t_k is always 0.
fn connected(groups: &[Group]) -> Vec<Vec<&Group>> {
    let groups: Vec<&Group> = groups
        .iter()
        .filter(|group| group.units > 0 && !group.window.is_empty())
        .collect();
    let mut leader: Vec<usize> = (0..groups.len()).collect();
    fn find(leader: &mut [usize], mut k: usize) -> usize {
        while leader[k] != k {
            leader[k] = leader[leader[k]];
            k = leader[k];
        }
        k
    }
    let mut first_with: HashMap<u32, usize> = HashMap::new();
    for (k, group) in groups.iter().enumerate() {
        for &input in &group.window {
            let other = *first_with.entry(input).or_insert(k);
            let (a, b) = (find(&mut leader, k), find(&mut leader, other));
            leader[a.max(b)] = a.min(b);
        }
    }
    let mut parts: BTreeMap<usize, Vec<&Group>> = BTreeMap::new();
    for (k, group) in groups.into_iter().enumerate() {
        parts.entry(find(&mut leader, k)).or_default().push(group);
    }
    parts.into_values().collect()
}

/// A matching of units to inputs, where inputs that the same groups see are one
/// pool with a capacity.
struct Matching {
    groups: Vec<MatchedGroup>,
    pools: Vec<Pool>,
    /// Units matched along each edge between a group and a pool.
    flow: Vec<u64>,
    search: Search,
}

struct MatchedGroup {
    units: u64,
    inputs: u64,
    /// Its pools and the edges to them.
    edges: Vec<(usize, usize)>,
}

struct Pool {
    capacity: u64,
    used: u64,
    /// Its groups and the edges to them.
    edges: Vec<(usize, usize)>,
}

/// The memory of a breadth-first search for an augmenting path.
#[derive(Default)]
struct Search {
    round: u64,
    /// For each group, the round in which it was reached, and the edge by which it
    /// gives up a unit.
    groups: Vec<(u64, usize, usize)>,
    /// For each pool, the round in which it was reached.
    pools: Vec<u64>,
    queue: Vec<usize>,
    /// For each pool, the group and the edge by which it was reached.
    from: Vec<(usize, usize)>,
}

/// The most groups in one connected part: the sum goes as deep, and has far too
/// many terms anyway.
const MAX_GROUPS: usize = 1000;

impl Matching {
    fn new(groups: Vec<&Group>) -> Self {
        let mut seen_by: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        for (k, group) in groups.iter().enumerate() {
            for &input in &group.window {
                seen_by.entry(input).or_default().push(k);
            }
        }
        let mut capacity: BTreeMap<Vec<usize>, u64> = BTreeMap::new();
        for seen_by in seen_by.into_values() {
            *capacity.entry(seen_by).or_default() += 1;
        }
        let mut matched: Vec<MatchedGroup> = groups
            .iter()
            .map(|group| MatchedGroup {
                units: group.units,
                inputs: group.window.len() as u64,
                edges: Vec::new(),
            })
            .collect();
        let mut pools = Vec::new();
        let mut edge = 0;
        for (seen_by, capacity) in capacity {
            let mut edges = Vec::new();
            for group in seen_by {
                edges.push((group, edge));
                matched[group].edges.push((pools.len(), edge));
                edge += 1;
            }
            pools.push(Pool {
                capacity,
                used: 0,
                edges,
            });
        }
        Matching {
            flow: vec![0; edge],
            search: Search {
                groups: vec![(0, 0, 0); matched.len()],
                pools: vec![0; pools.len()],
                from: vec![(0, 0); pools.len()],
                ..Search::default()
            },
            groups: matched,
            pools,
        }
    }

    fn value(mut self, work: &mut Work) -> Option<BigUint> {
        if let [group] = &self.groups[..] {
            // Theorem 1.
            return sum_of_binomials(group.units, group.inputs, work);
        }
        if self.all_units_match(work)? {
            let units: u64 = self.groups.iter().map(|group| group.units).sum();
            return Some(BigUint::one() << units);
        }
        if self.groups.len() > MAX_GROUPS {
            return None;
        }
        let mut binomials: BTreeMap<u64, Vec<BigUint>> = BTreeMap::new();
        for group in &self.groups {
            let row = binomials.entry(group.units).or_default();
            extend_binomials(row, group.units, group.inputs, work)?;
        }
        self.sum(0, &binomials, work)
    }

    /// Whether all units can be matched at once; leaves the matching empty.
    fn all_units_match(&mut self, work: &mut Work) -> Option<bool> {
        let fits = |group: &MatchedGroup| group.units <= group.inputs;
        let mut matches = self.groups.iter().all(fits);
        for group in 0..self.groups.len() {
            for _ in 0..self.groups[group].units {
                matches = matches && self.augment(group, work)?;
                if !matches {
                    break;
                }
            }
        }
        (0..self.groups.len()).for_each(|group| self.release(group));
        Some(matches)
    }

    /// The sum over t_k for all k from `group` on, given those before.
    fn sum(
        &mut self,
        group: usize,
        binomials: &BTreeMap<u64, Vec<BigUint>>,
        work: &mut Work,
    ) -> Option<BigUint> {
        let units = self.groups[group].units;
        let row = &binomials[&units];
        let last = group + 1 == self.groups.len();
        let mut sum = BigUint::zero();
        for (t, binomial) in row.iter().enumerate() {
            if t > 0 && !self.augment(group, work)? {
                break;
            }
            if last {
                sum += binomial;
            } else {
                sum += binomial * self.sum(group + 1, binomials, work)?;
            }
        }
        self.release(group);
        Some(sum)
    }

    /// Takes all units of `group` out of the matching.
    fn release(&mut self, group: usize) {
        for &(pool, edge) in &self.groups[group].edges {
            self.pools[pool].used -= std::mem::take(&mut self.flow[edge]);
        }
    }

    /// Matches one more unit of `group`, moving others if need be; whether it could.
    fn augment(&mut self, group: usize, work: &mut Work) -> Option<bool> {
        let Matching {
            groups,
            pools,
            flow,
            search,
        } = self;
        search.round += 1;
        search.queue.clear();
        search.queue.push(group);
        search.groups[group].0 = search.round;
        let mut next = 0;
        while let Some(&at) = search.queue.get(next) {
            next += 1;
            work.spend(groups[at].edges.len() as u64)?;
            for &(pool, edge) in &groups[at].edges {
                if search.pools[pool] == search.round {
                    continue;
                }
                search.pools[pool] = search.round;
                search.from[pool] = (at, edge);
                if pools[pool].used < pools[pool].capacity {
                    pools[pool].used += 1;
                    // Back along the path: each group gains this edge and gives
                    // up the one by which it was reached.
                    let (mut at, mut edge) = (at, edge);
                    loop {
                        flow[edge] += 1;
                        if at == group {
                            return Some(true);
                        }
                        let (_, given_edge, given_pool) = search.groups[at];
                        flow[given_edge] -= 1;
                        (at, edge) = search.from[given_pool];
                    }
                }
                work.spend(pools[pool].edges.len() as u64)?;
                for &(other, edge) in &pools[pool].edges {
                    if flow[edge] > 0 && search.groups[other].0 != search.round {
                        search.groups[other] = (search.round, edge, pool);
                        search.queue.push(other);
                    }
                }
            }
        }
        Some(false)
    }
}

/// C(n, 0), ..., C(n, most) where most is at most n.
fn extend_binomials(row: &mut Vec<BigUint>, n: u64, most: u64, work: &mut Work) -> Option<()> {
    if row.is_empty() {
        row.push(BigUint::one());
    }
    while (row.len() as u64) <= most.min(n) {
        let k = row.len() as u64;
        let next = row[row.len() - 1].clone() * (n - k + 1) / k;
        work.spend(next.bits() / 8 + 1)?;
        row.push(next);
    }
    Some(())
}

/// C(n, 0) + ... + C(n, most).
fn sum_of_binomials(n: u64, most: u64, work: &mut Work) -> Option<BigUint> {
    if n <= most {
        work.spend(n / 8 + 1)?;
        return Some(BigUint::one() << n);
    }
    let mut binomial = BigUint::one();
    let mut sum = BigUint::one();
    for k in 1..=most {
        binomial = binomial * (n - k + 1) / k;
        work.spend(binomial.bits() / 8 + 1)?;
        sum += &binomial;
    }
    Some(sum)
}
