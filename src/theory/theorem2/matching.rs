//! Which groups can run short of inputs at all: a maximum flow.
//!
//! Match as many units as possible, every group asking for its greatest t. From a
//! group that runs short, walk to the pools it sees, from a pool to the groups matched
//! to it, and so on. The pools met are full, with units of the groups met only. So
//! the other groups find all their units in other pools, whatever the groups met
//! do: they multiply the sum over K by their totals, and leave the system. When no
//! group runs short, all units can be matched and nothing is left.

use super::budget::Work;
use super::system::{Inputs, System};

/// The groups that may run short, ascending; `None` when the work does not suffice.
pub(super) fn short_groups(system: &System, work: &mut Work) -> Option<Vec<u32>> {
    if system.inputs == Inputs::AreAllMatched {
        return Some((0..system.groups.len() as u32).collect());
    }
    Flow::new(system).run(work)
}

struct Flow<'a> {
    system: &'a System,
    free: Vec<u64>,
    /// For each pool the units matched to it, by group.
    matched: Vec<Vec<(u32, u64)>>,
    round: u32,
    group_round: Vec<u32>,
    pool_round: Vec<u32>,
    /// The pool by which a group was met, and the group by which a pool was.
    group_from: Vec<u32>,
    pool_from: Vec<u32>,
    /// Groups from which no free input can be reached.
    short: Vec<bool>,
    short_pool: Vec<bool>,
}

impl<'a> Flow<'a> {
    fn new(system: &'a System) -> Self {
        let (groups, pools) = (system.groups.len(), system.capacity.len());
        Flow {
            system,
            free: system.capacity.clone(),
            matched: vec![Vec::new(); pools],
            round: 0,
            group_round: vec![0; groups],
            pool_round: vec![0; pools],
            group_from: vec![0; groups],
            pool_from: vec![0; pools],
            short: vec![false; groups],
            short_pool: vec![false; pools],
        }
    }

    fn run(mut self, work: &mut Work) -> Option<Vec<u32>> {
        self.system.spend_walk(work)?;
        for k in 0..self.system.groups.len() as u32 {
            let mut wanted = self.system.groups[k as usize].most();
            while wanted > 0 && !self.short[k as usize] {
                match self.augment(k, wanted, work)? {
                    0 => break,
                    units => wanted -= units,
                }
            }
        }
        let short = (0..self.short.len()).filter(|&k| self.short[k]);
        Some(short.map(|k| k as u32).collect())
    }

    /// Matches up to `wanted` more units of group `start` along one path; how many.
    /// When there is no path, all groups met run short.
    fn augment(&mut self, start: u32, wanted: u64, work: &mut Work) -> Option<u64> {
        self.round += 1;
        self.group_round[start as usize] = self.round;
        let mut queue = vec![start];
        let mut next = 0;
        while let Some(&k) = queue.get(next) {
            next += 1;
            let pools = &self.system.groups[k as usize].pools;
            work.spend(pools.len() as u64 * 5)?;
            for &pool in pools {
                let p = pool as usize;
                // Pools of groups that run short lead nowhere.
                if self.pool_round[p] == self.round || self.short_pool[p] {
                    continue;
                }
                self.pool_round[p] = self.round;
                self.pool_from[p] = k;
                if self.free[p] > 0 {
                    return Some(self.push(start, pool, wanted));
                }
                work.spend(self.matched[p].len() as u64 * 5)?;
                for &(other, _) in &self.matched[p] {
                    if self.group_round[other as usize] != self.round {
                        self.group_round[other as usize] = self.round;
                        self.group_from[other as usize] = pool;
                        queue.push(other);
                    }
                }
            }
        }
        for k in queue {
            self.short[k as usize] = true;
            for &pool in &self.system.groups[k as usize].pools {
                self.short_pool[pool as usize] = true;
            }
        }
        Some(0)
    }

    fn flow(&self, group: u32, pool: u32) -> u64 {
        let matched = &self.matched[pool as usize];
        let found = matched.iter().find(|(other, _)| *other == group);
        found.map_or(0, |(_, units)| *units)
    }

    fn change(&mut self, group: u32, pool: u32, add: u64, take: u64) {
        let matched = &mut self.matched[pool as usize];
        match matched.iter().position(|(other, _)| *other == group) {
            Some(at) => {
                matched[at].1 = matched[at].1 + add - take;
                if matched[at].1 == 0 {
                    matched.swap_remove(at);
                }
            }
            None => matched.push((group, add)),
        }
    }

    /// Moves as many units along the path to `end` as it lets through.
    fn push(&mut self, start: u32, end: u32, wanted: u64) -> u64 {
        let mut units = wanted.min(self.free[end as usize]);
        let mut at = self.pool_from[end as usize];
        while at != start {
            let given = self.group_from[at as usize];
            units = units.min(self.flow(at, given));
            at = self.pool_from[given as usize];
        }
        self.free[end as usize] -= units;
        let (mut pool, mut at) = (end, self.pool_from[end as usize]);
        loop {
            self.change(at, pool, units, 0);
            if at == start {
                return units;
            }
            pool = self.group_from[at as usize];
            self.change(at, pool, 0, units);
            at = self.pool_from[pool as usize];
        }
    }
}
