//! In which order to take the groups.

use super::budget::Work;
use super::system::System;

/// The groups from one end of a connected system to the other, each time one that
/// brings the fewest new inputs among those that touch what was taken.
pub(super) fn from_one_end(system: &System, work: &mut Work) -> Option<Vec<u32>> {
    let seen_by = system.seen_by();
    let once = walk(system, &seen_by, 0, work)?;
    // The last that brought something new lies at an end.
    walk(system, &seen_by, once.last_new, work).map(|walk| walk.order)
}

struct Walk {
    order: Vec<u32>,
    last_new: u32,
}

fn walk(system: &System, seen_by: &[Vec<u32>], start: u32, work: &mut Work) -> Option<Walk> {
    let groups = &system.groups;
    let mut taken = vec![false; groups.len()];
    let mut met = vec![false; system.capacity.len()];
    let mut new: Vec<u64> = groups
        .iter()
        .map(|group| {
            group
                .pools
                .iter()
                .map(|&p| system.capacity[p as usize])
                .sum()
        })
        .collect();
    // Groups that touch what was taken, by how much they bring; entries may be stale.
    let mut queue = std::collections::BTreeSet::new();
    let mut order = Vec::with_capacity(groups.len());
    let mut last_new = start;
    queue.insert((new[start as usize], start));
    while let Some((brings, k)) = queue.pop_first() {
        taken[k as usize] = true;
        order.push(k);
        if brings > 0 {
            last_new = k;
        }
        for &pool in &groups[k as usize].pools {
            if std::mem::replace(&mut met[pool as usize], true) {
                continue;
            }
            work.spend(seen_by[pool as usize].len() as u64 * 50)?;
            for &other in &seen_by[pool as usize] {
                if !taken[other as usize] {
                    queue.remove(&(new[other as usize], other));
                    new[other as usize] -= system.capacity[pool as usize];
                    queue.insert((new[other as usize], other));
                }
            }
        }
    }
    Some(Walk { order, last_new })
}

/// The pools by the first and the last group of `order` that sees them.
pub(super) fn pools_as_met(system: &System, order: &[u32]) -> Vec<u32> {
    let mut met = vec![(u32::MAX, 0); system.capacity.len()];
    for (at, &k) in order.iter().enumerate() {
        for &pool in &system.groups[k as usize].pools {
            let met = &mut met[pool as usize];
            met.0 = met.0.min(at as u32);
            met.1 = at as u32;
        }
    }
    let mut pools: Vec<u32> = (0..system.capacity.len() as u32).collect();
    pools.sort_by_key(|&pool| met[pool as usize]);
    pools
}

/// Where the groups lie, guessed from the numbers of their inputs.
///
/// Where inputs are numbered row by row and a row has `pitch` of them, the first and
/// the last input of a window tell its row and its column. The guess need not be
/// right: it only proposes orders and cuts.
pub(super) fn classes(system: &System, pitch: Option<u32>, columns: bool) -> Vec<Vec<u32>> {
    let key = |k: u32| {
        let (first, last) = system.groups[k as usize].span;
        match pitch {
            Some(pitch) if columns => (first % pitch, last % pitch),
            Some(pitch) => (first / pitch, last / pitch),
            None => (first, last),
        }
    };
    let mut classes: std::collections::BTreeMap<(u32, u32), Vec<u32>> = Default::default();
    let mut groups: Vec<u32> = (0..system.groups.len() as u32).collect();
    groups.sort_by_key(|&k| (system.groups[k as usize].span, k));
    for k in groups {
        classes.entry(key(k)).or_default().push(k);
    }
    classes.into_values().collect()
}

/// Orders in which to try the groups.
pub(super) fn candidates(system: &System, work: &mut Work) -> Option<Vec<Vec<u32>>> {
    system.spend_walk(work)?;
    let mut orders = vec![classes(system, None, false).concat()];
    for &pitch in &system.pitches {
        orders.push(classes(system, Some(pitch), true).concat());
    }
    orders.push(from_one_end(system, work)?);
    orders.sort();
    orders.dedup();
    Some(orders)
}

/// A way to exchange groups that leaves the system as it is.
pub(super) struct Reflection {
    /// Where each group goes; those go back.
    pub(super) group: Vec<u32>,
    /// Where each pool goes.
    pub(super) pool: Vec<u32>,
}

/// The reflections of the rows, and of the columns, where the system has them.
pub(super) fn reflections(system: &System, work: &mut Work) -> Option<Vec<Reflection>> {
    let mut reflections = Vec::new();
    for &pitch in &system.pitches {
        for columns in [false, true] {
            system.spend_walk(work)?;
            let lines = classes(system, Some(pitch), columns);
            let across = classes(system, Some(pitch), !columns);
            let mut place = vec![0; system.groups.len()];
            for (at, groups) in across.iter().enumerate() {
                groups.iter().for_each(|&k| place[k as usize] = at);
            }
            let mut group = vec![0; system.groups.len()];
            let pairs = lines.iter().zip(lines.iter().rev());
            let mut exchanged = pairs.map(|(line, image)| {
                let mut sorted = [line.clone(), image.clone()];
                for line in &mut sorted {
                    line.sort_by_key(|&k| place[k as usize]);
                }
                let [line, image] = sorted;
                let fits = line.len() == image.len();
                line.iter()
                    .zip(&image)
                    .for_each(|(&k, &image)| group[k as usize] = image);
                fits
            });
            if exchanged.all(|fits| fits)
                && let Some(pool) = pools_exchanged(system, &group)
            {
                reflections.push(Reflection { group, pool });
            }
        }
    }
    Some(reflections)
}

/// How the pools are exchanged when the groups are; `None` when that changes the
/// system.
fn pools_exchanged(system: &System, group: &[u32]) -> Option<Vec<u32>> {
    let keeps_weights = |(k, &image): (usize, &u32)| {
        group[image as usize] as usize == k
            && system.groups[k].weights == system.groups[image as usize].weights
    };
    if !group.iter().enumerate().all(keeps_weights) {
        return None;
    }
    let seen_by = system.seen_by();
    let named: std::collections::HashMap<&[u32], u32> = seen_by
        .iter()
        .enumerate()
        .map(|(pool, groups)| (&groups[..], pool as u32))
        .collect();
    let image = |(pool, groups): (usize, &Vec<u32>)| {
        let mut images: Vec<u32> = groups.iter().map(|&k| group[k as usize]).collect();
        images.sort_unstable();
        let image = *named.get(&images[..])?;
        // Pools that the same groups see cannot be told apart.
        let same = system.capacity[image as usize] == system.capacity[pool];
        same.then_some(image)
    };
    let images: Vec<u32> = seen_by
        .iter()
        .enumerate()
        .map(image)
        .collect::<Option<_>>()?;
    let back = |(pool, &image): (usize, &u32)| images[image as usize] as usize == pool;
    images.iter().enumerate().all(back).then_some(images)
}
