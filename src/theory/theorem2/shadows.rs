//! What the frontier programme has to remember: the shadows of what is to come.
//!
//! After some of the groups, the **shadow** of a set of later groups is the set of
//! those of their inputs that earlier groups see as well. By Hall's theorem the
//! earlier groups matter to the later ones only through
//!
//! > r(Y) = min over sets J of earlier groups of  #(N(J) u Y) - t(J),
//!
//! for shadows Y, where N(J) are the inputs that J sees: so many more copies can be
//! matched into Y. With one more group, of window W and t copies, of which n inputs
//! are new, the shadows Y' of what is then to come have
//!
//! > r'(Y') = min( r(Y' n old) + #(Y' n new),  r((Y' u W) n old) + n - t ),
//!
//! by the sets J without and with it, and t is possible if t <= r(W n old) + n.
//!
//! **Clipping.** What is to come can put at most g(Y) copies on a shadow Y: the most
//! copies minus inputs of its own, over all sets of later groups with that shadow.
//! Values from g(Y) on are all the same and are stored as g(Y); shadows with g(Y) <= 0
//! are not stored. Many pasts become one.

use std::cmp::Ordering;
use std::collections::HashMap;

use super::budget::Work;
use super::order::{self, Reflection};
use super::system::{Inputs, System};

/// A set of pools, by the places they have while they matter.
type Mask = u128;

/// What one group does to the values that are remembered.
#[derive(Debug)]
pub(super) struct Step {
    /// The group.
    pub(super) group: u32,
    /// For each value after the step: the value before it that it comes from when
    /// the group is left out of J, and what is added.
    pub(super) without: Vec<(u32, u32)>,
    /// The same when the group is in J; t is subtracted.
    pub(super) with: Vec<(u32, u32)>,
    /// The largest value that matters.
    pub(super) clip: Vec<u32>,
    /// Where the most copies that fit come from.
    pub(super) room: (u32, u32),
    /// Where all inputs must be matched: the value before the step of all old pools
    /// that stay, plus the new ones that stay, and that of all pools, plus all new
    /// ones. The group has to fill the difference.
    pub(super) stay: (u32, u32),
    pub(super) all: (u32, u32),
    /// Where a reflection exchanges the earlier groups among themselves: the place from
    /// which each value comes then. What is to come is the same for a state and its
    /// reflection.
    pub(super) mirror: Option<Vec<u32>>,
}

/// The steps for the groups in this order. Value number `n`, one behind the last,
/// is always 0. `None` when more than `most` shadows have to be told apart at once,
/// too many pools matter at once, or the work does not suffice.
pub(super) fn steps(
    system: &System,
    order: &[u32],
    most: usize,
    work: &mut Work,
) -> Option<Vec<Step>> {
    let reflections = order::reflections(system, work)?;
    let places = Places::new(system, order, &reflections)?;
    let mut shadows: Vec<Vec<Mask>> = Vec::with_capacity(order.len() + 1);
    let mut stored = 0;
    for step in 0..=order.len() {
        let shadows_here = places.shadows(step, most, work)?;
        stored += shadows_here.len() as u64;
        // Masks, demands, and the steps made of them.
        work.fits(stored.saturating_mul(16 + 8 + 40))?;
        shadows.push(shadows_here);
    }
    let demands = places.demands(order, &shadows, work)?;
    // Which shadows are remembered, with the largest value that matters.
    let mut before: HashMap<Mask, u32> = HashMap::new();
    let mut steps = Vec::with_capacity(order.len());
    for (at, &group) in order.iter().enumerate() {
        let cut = &places.cuts[at];
        let new_capacity = places.capacity(cut, cut.new);
        let none = before.len() as u32;
        let index = |mask: Mask| before.get(&mask).copied().unwrap_or(none);
        let old = cut.live;
        let live = places.cuts[at + 1].live;
        let mut step = Step {
            group,
            without: Vec::new(),
            with: Vec::new(),
            clip: Vec::new(),
            room: (index(cut.window & old), new_capacity as u32),
            stay: (
                index(live & old),
                places.capacity(cut, live & cut.new) as u32,
            ),
            all: (index(old), new_capacity as u32),
            mirror: None,
        };
        let mut after = HashMap::new();
        work.spend(shadows[at + 1].len() as u64 * 100)?;
        for (&shadow, &demand) in shadows[at + 1].iter().zip(&demands[at + 1]) {
            let capacity = places.capacity(cut, shadow);
            let clip = match system.inputs {
                Inputs::MayBeFree => demand.min(capacity as i64),
                Inputs::AreAllMatched => capacity as i64,
            };
            if clip <= 0 || shadow == 0 {
                continue;
            }
            let kept_new = places.capacity(cut, shadow & cut.new);
            step.without.push((index(shadow & old), kept_new as u32));
            let with = index((shadow | cut.window) & old);
            step.with.push((with, new_capacity as u32));
            step.clip.push(u32::try_from(clip).ok()?);
            after.insert(shadow, after.len() as u32);
        }
        step.mirror = places.cuts[at + 1].mirror.as_ref().and_then(|bits| {
            let mut mirror = vec![0; after.len()];
            for (&shadow, &place) in &after {
                let image = *after.get(&exchanged(shadow, bits))?;
                mirror[place as usize] = image;
            }
            let same =
                |(place, &image): (usize, &u32)| step.clip[place] == step.clip[image as usize];
            mirror.iter().enumerate().all(same).then_some(mirror)
        });
        steps.push(step);
        before = after;
    }
    Some(steps)
}

/// The largest number of shadows in this order, and their sum; `None` above `most`.
pub(super) fn count(
    system: &System,
    order: &[u32],
    most: usize,
    work: &mut Work,
) -> Option<(usize, usize)> {
    let places = Places::new(system, order, &[])?;
    let (mut largest, mut sum) = (0, 0);
    for step in 0..=order.len() {
        let shadows = places.shadows(step, most, work)?.len();
        largest = largest.max(shadows);
        sum += shadows;
    }
    Some((largest, sum))
}

/// Where the pools that matter have their bits, step by step.
struct Places {
    cuts: Vec<Cut>,
}

/// Between two groups.
#[derive(Default)]
struct Cut {
    /// Pools that both earlier and later groups see.
    live: Mask,
    /// The window of the next group, and those of its pools that are new.
    window: Mask,
    new: Mask,
    /// The capacity of each place.
    capacity: Vec<u64>,
    /// The live parts of the later windows, each once.
    later: Vec<Mask>,
    /// What the next group asks for at most.
    most: u64,
    /// Where a reflection takes each live place, if it exchanges the earlier groups
    /// among themselves.
    mirror: Option<Vec<u8>>,
}

/// The places of a mask after a reflection.
fn exchanged(mut mask: Mask, bits: &[u8]) -> Mask {
    let mut image = 0;
    while mask != 0 {
        image |= 1 << bits[mask.trailing_zeros() as usize];
        mask &= mask - 1;
    }
    image
}

impl Places {
    fn new(system: &System, order: &[u32], reflections: &[Reflection]) -> Option<Self> {
        let pools = system.capacity.len();
        let seen_by = system.seen_by();
        let mut left: Vec<u32> = seen_by.iter().map(|groups| groups.len() as u32).collect();
        // All sums of capacities fit 32 bits.
        if system.capacity.iter().sum::<u64>() > u32::MAX as u64 / 4 {
            return None;
        }
        let mut place: Vec<Option<u8>> = vec![None; pools];
        let mut pool_at: Vec<Option<u32>> = vec![None; Mask::BITS as usize];
        let mut position = vec![0; system.groups.len()];
        for (at, &k) in order.iter().enumerate() {
            position[k as usize] = at;
        }
        // For each reflection, how many earlier groups it exchanges with later ones.
        let mut open = vec![0; reflections.len()];
        let mut capacity = vec![0; Mask::BITS as usize];
        let mut live: Mask = 0;
        let mut cuts = Vec::with_capacity(order.len() + 1);
        for at in 0..=order.len() {
            let mut later: HashMap<u32, Mask> = HashMap::new();
            for (bit, pool) in pool_at.iter().enumerate() {
                let Some(pool) = pool else { continue };
                for &k in &seen_by[*pool as usize] {
                    if position[k as usize] >= at {
                        *later.entry(k).or_default() |= 1 << bit;
                    }
                }
            }
            let mut later: Vec<Mask> = later.into_values().collect();
            later.sort_unstable();
            later.dedup();
            // A reflection maps the earlier groups to themselves, so also the pools that
            // matter.
            let mirror = (0..reflections.len()).find(|&r| open[r] == 0).map(|r| {
                let mut bits = vec![0; Mask::BITS as usize];
                for (bit, pool) in pool_at.iter().enumerate() {
                    if let Some(pool) = pool {
                        let image = reflections[r].pool[*pool as usize];
                        bits[bit] = place[image as usize].expect("it matters as well");
                    }
                }
                bits
            });
            let mut cut = Cut {
                live,
                later,
                mirror,
                ..Cut::default()
            };
            if let Some(&k) = order.get(at) {
                let group = &system.groups[k as usize];
                cut.most = group.most();
                for (open, reflection) in open.iter_mut().zip(reflections) {
                    let image = position[reflection.group[k as usize] as usize];
                    match image.cmp(&at) {
                        Ordering::Less => *open -= 1,
                        Ordering::Equal => {}
                        Ordering::Greater => *open += 1,
                    }
                }
                for &pool in &group.pools {
                    let bit = match place[pool as usize] {
                        Some(bit) => bit,
                        None => {
                            let bit = pool_at.iter().position(Option::is_none)? as u8;
                            place[pool as usize] = Some(bit);
                            pool_at[bit as usize] = Some(pool);
                            capacity[bit as usize] = system.capacity[pool as usize];
                            cut.new |= 1 << bit;
                            bit
                        }
                    };
                    cut.window |= 1 << bit;
                    left[pool as usize] -= 1;
                }
                cut.capacity = capacity.clone();
                live |= cut.window;
                for &pool in &group.pools {
                    if left[pool as usize] == 0 {
                        let bit = place[pool as usize].expect("the group's pools have places");
                        pool_at[bit as usize] = None;
                        live &= !(1 << bit);
                    }
                }
            }
            cuts.push(cut);
        }
        Some(Places { cuts })
    }

    fn capacity(&self, cut: &Cut, mut mask: Mask) -> u64 {
        let mut sum = 0;
        while mask != 0 {
            sum += cut.capacity[mask.trailing_zeros() as usize];
            mask &= mask - 1;
        }
        sum
    }

    /// All unions of the live parts of later windows, ascending.
    fn shadows(&self, step: usize, most: usize, work: &mut Work) -> Option<Vec<Mask>> {
        let mut shadows: Vec<Mask> = vec![0];
        for &window in &self.cuts[step].later {
            let more: Vec<Mask> = shadows.iter().map(|shadow| shadow | window).collect();
            work.spend(more.len() as u64 * 20)?;
            shadows.extend(more);
            shadows.sort_unstable();
            shadows.dedup();
            if shadows.len() > most {
                return None;
            }
        }
        Some(shadows)
    }

    /// g of each shadow, from the last step back.
    fn demands(
        &self,
        order: &[u32],
        shadows: &[Vec<Mask>],
        work: &mut Work,
    ) -> Option<Vec<Vec<i64>>> {
        let mut demands = vec![vec![0]];
        for at in (0..order.len()).rev() {
            let cut = &self.cuts[at];
            let after = demands.last().expect("one was pushed");
            let mut here = vec![i64::MIN; shadows[at].len()];
            let new = self.capacity(cut, cut.new) as i64;
            work.spend(shadows[at + 1].len() as u64 * 50)?;
            for (&shadow, &demand) in shadows[at + 1].iter().zip(after) {
                let mut offer = |mask: Mask, demand: i64| {
                    let place = shadows[at]
                        .binary_search(&mask)
                        .expect("a union of later windows");
                    here[place] = here[place].max(demand);
                };
                let own = self.capacity(cut, shadow & cut.new) as i64;
                offer(shadow & cut.live, demand - own);
                let most = i64::try_from(cut.most).ok()?;
                offer((shadow | cut.window) & cut.live, demand + most - new);
            }
            demands.push(here);
        }
        demands.reverse();
        Some(demands)
    }
}
