//! The frontier programme: any windows, group after group.
//!
//! A state is the vector of the r(Y) of [`shadows`](super::shadows), which says all
//! that later groups need to know of the earlier ones; its value is the sum of the
//! weights of all t of the earlier groups that lead to it. The number of states
//! depends on how much earlier and later groups share, not on how many there are: a
//! layer is swept along its longer side.

mod packing;
mod store;

use num_bigint::BigUint;
use num_traits::One;

use self::packing::{Bytes, Cell, Nibbles, Packing, Shorts, Words};
use self::store::Store;
use super::budget::Work;
use super::limbs::{from_limbs, limbs, to_limbs};
use super::shadows::Step;
use super::system::{Inputs, System};

/// The sum over K by these steps; `None` when the work does not suffice.
pub(super) fn value(system: &System, steps: &[Step], work: &mut Work) -> Option<BigUint> {
    let largest = |pairs: &[(u32, u32)]| pairs.iter().map(|pair| pair.1).max().unwrap_or(0);
    let clip = steps.iter().flat_map(|step| &step.clip).max();
    let clip = clip.copied().unwrap_or(0);
    let added = steps
        .iter()
        .map(|step| largest(&step.with).max(largest(&step.without)))
        .max()
        .unwrap_or(0);
    // No sum exceeds this before it is clipped.
    match clip.checked_add(added)? {
        _ if clip <= 15 && added <= 200 => run::<Nibbles>(system, steps, work),
        0..=0xff => run::<Bytes>(system, steps, work),
        0x100..=0xffff => run::<Shorts>(system, steps, work),
        _ => run::<Words>(system, steps, work),
    }
}

/// A step with its numbers in the cells' type.
struct Kernel<C> {
    without: Vec<u32>,
    without_add: Vec<C>,
    with: Vec<u32>,
    with_add: Vec<C>,
    clip: Vec<C>,
}

impl<C: Cell> Kernel<C> {
    fn new(step: &Step) -> Self {
        let index = |pairs: &[(u32, u32)]| pairs.iter().map(|pair| pair.0).collect();
        let add = |pairs: &[(u32, u32)]| pairs.iter().map(|pair| C::new(pair.1)).collect();
        Kernel {
            without: index(&step.without),
            without_add: add(&step.without),
            with: index(&step.with),
            with_add: add(&step.with),
            clip: step.clip.iter().map(|&clip| C::new(clip)).collect(),
        }
    }

    /// The two terms of the new values, from the old ones; t is not yet subtracted.
    fn gather(&self, old: &[C], low: &mut [C], high: &mut [C]) {
        let terms = self.without.iter().zip(&self.without_add).zip(&self.clip);
        for (low, ((&from, &add), &clip)) in low.iter_mut().zip(terms) {
            *low = old[from as usize].plus(add).min(clip);
        }
        let terms = self.with.iter().zip(&self.with_add);
        for (high, (&from, &add)) in high.iter_mut().zip(terms) {
            *high = old[from as usize].plus(add);
        }
    }
}

fn run<P: Packing>(system: &System, steps: &[Step], work: &mut Work) -> Option<BigUint> {
    let mut bound = BigUint::one();
    let mut old = Store::new(0, 1);
    old.entry(&[])[0] = 1;
    let mut cells = 0;
    for step in steps {
        let group = &system.groups[step.group as usize];
        let weights: Vec<Vec<u64>> = group.weights.iter().map(to_limbs).collect();
        bound *= group.total();
        let kernel = Kernel::<P::Cell>::new(step);
        let width = step.clip.len();
        let padded = P::padded(width);
        let mut new = Store::new(P::words(width), limbs(&bound));
        let mut unpacked = vec![P::Cell::default(); P::padded(cells).max(cells + 1)];
        let mut low = vec![P::Cell::default(); padded];
        let mut high = vec![P::Cell::default(); padded];
        let mut next = vec![P::Cell::default(); padded];
        let mut key = vec![0; P::words(width)];
        let transition = 20 + 4 * (key.len() + limbs(&bound)) as u64;
        let per_state = 20 + (cells + 2 * width) as u64;
        let old_words = P::words(cells);
        let mut chunks = old.into_chunks();
        while let Some(chunk) = chunks.next() {
            work.fits(chunks.bytes() + chunk.bytes() + new.bytes())?;
            for (old_key, value) in chunk.records() {
                P::unpack(old_key, &mut unpacked[..P::padded(cells)]);
                unpacked[cells] = P::Cell::default();
                kernel.gather(&unpacked, &mut low[..width], &mut high[..width]);
                let at = |(place, add): (u32, u32)| unpacked[place as usize].get() + add as u64;
                let most = at(step.room).min(group.most());
                let least = match system.inputs {
                    Inputs::MayBeFree => 0,
                    Inputs::AreAllMatched => at(step.all).saturating_sub(at(step.stay)),
                };
                work.spend(per_state + transition * (most + 1).saturating_sub(least))?;
                for t in least..=most {
                    let weight = &weights[t as usize];
                    if weight.is_empty() {
                        continue;
                    }
                    let taken = P::Cell::new(t as u32);
                    for ((next, &low), &high) in next.iter_mut().zip(&low).zip(&high) {
                        *next = low.min(high.minus(taken));
                    }
                    P::pack(&next, &mut key);
                    super::limbs::add_product(new.entry(&key), value, weight);
                }
                if new.bytes() > work.memory {
                    return None;
                }
            }
            debug_assert_eq!(old_words, P::words(cells));
        }
        old = new;
        cells = width;
    }
    let mut chunks = old.into_chunks();
    let mut sum = BigUint::default();
    while let Some(chunk) = chunks.next() {
        for (_, value) in chunk.records() {
            sum += from_limbs(value);
        }
    }
    Some(sum)
}
