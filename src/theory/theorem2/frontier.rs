//! The frontier programme: any windows, group after group.
//!
//! A state is the vector of the r(Y) of [`shadows`](super::shadows), which says all
//! that later groups need to know of the earlier ones; its value is the sum of the
//! weights of all t of the earlier groups that lead to it. The number of states
//! depends on how much earlier and later groups share, not on how many there are: a
//! layer is swept along its longer side.

mod packing;
mod store;

use std::cmp::Ordering;

use num_bigint::BigUint;
use num_traits::One;

use self::packing::{Bytes, Cell, Nibbles, Packing, Shorts, Words};
use self::store::{Batch, Store};
use super::budget::Work;
use super::limbs::{add_product, from_limbs, limbs, to_limbs};
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
    without: Vec<u16>,
    without_add: Vec<C>,
    with: Vec<u16>,
    with_add: Vec<C>,
    clip: Vec<C>,
}

/// The values of a state; a fixed length, so that no index of 16 bits needs a check.
type Unpacked<C> = [C; 1 << 16];

impl<C: Cell> Kernel<C> {
    fn new(step: &Step) -> Self {
        let index = |pairs: &[(u32, u32)]| pairs.iter().map(|pair| pair.0 as u16).collect();
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
    #[inline(never)]
    fn gather(&self, old: &Unpacked<C>, low: &mut [C], high: &mut [C]) {
        for (low, &from) in low.iter_mut().zip(&self.without) {
            *low = old[from as usize];
        }
        for (low, (&add, &clip)) in low.iter_mut().zip(self.without_add.iter().zip(&self.clip)) {
            *low = low.plus(add).min(clip);
        }
        for (high, &from) in high.iter_mut().zip(&self.with) {
            *high = old[from as usize];
        }
        for (high, &add) in high.iter_mut().zip(&self.with_add) {
            *high = high.plus(add);
        }
    }
}

/// Makes `next` the lesser of itself and its reflection.
fn reflect<C: Cell>(mirror: &[u32], next: &mut Vec<C>, other: &mut Vec<C>) {
    let pairs = mirror.iter().enumerate();
    let mut orders = pairs.map(|(k, &from)| next[from as usize].cmp(&next[k]));
    if orders.find(|order| order.is_ne()) == Some(Ordering::Less) {
        for (other, &from) in other.iter_mut().zip(mirror) {
            *other = next[from as usize];
        }
        std::mem::swap(next, other);
    }
}

fn run<P: Packing>(system: &System, steps: &[Step], work: &mut Work) -> Option<BigUint> {
    let mut bound = BigUint::one();
    let mut old = Store::new(0, 1);
    let mut first = Batch::new(0);
    first.push((), |_| {});
    old.change(&mut first, |value, ()| value[0] = 1);
    let mut unpacked: Box<Unpacked<P::Cell>> = vec![P::Cell::default(); 1 << 16].try_into().ok()?;
    let mut cells = 0;
    for step in steps {
        let group = &system.groups[step.group as usize];
        // The weights, then their sums from t = 0 on.
        let mut weights: Vec<Vec<u64>> = group.weights.iter().map(to_limbs).collect();
        let sums = weights.len() as u64;
        let mut sum = BigUint::default();
        for weight in group.weights.iter() {
            sum += weight;
            weights.push(to_limbs(&sum));
        }
        bound *= group.total();
        let kernel = Kernel::<P::Cell>::new(step);
        let width = step.clip.len();
        let padded = P::padded(width);
        let mut new = Store::new(P::words(width), limbs(&bound));
        let mut low = vec![P::Cell::default(); padded];
        // What fills the last word must not bound `free`.
        let mut high = vec![P::Cell::new(u32::MAX); padded];
        let mut next = vec![P::Cell::default(); padded];
        let mut other = next.clone();
        let words = P::words(width);
        let transition = 20 + 2 * (words + limbs(&bound)) as u64;
        let mut batch = Batch::new(words);
        let per_state = 20 + (cells / 2 + width) as u64;
        let mut chunks = old.into_chunks();
        while let Some(chunk) = chunks.next() {
            let unread = chunks.bytes() + chunk.bytes();
            let add = |sum: &mut [u64], (record, multiplier): (u32, u32)| {
                let value = chunk.value(record as usize);
                add_product(sum, value, &weights[multiplier as usize]);
            };
            for (record, (old_key, _)) in chunk.records().enumerate() {
                P::unpack(old_key, &mut unpacked[..P::padded(cells)]);
                unpacked[cells] = P::Cell::default();
                kernel.gather(&unpacked, &mut low, &mut high);
                let at = |(place, add): (u32, u32)| unpacked[place as usize].get() + add as u64;
                let most = at(step.room).min(group.most());
                let least = match system.inputs {
                    Inputs::MayBeFree => 0,
                    Inputs::AreAllMatched => at(step.all).saturating_sub(at(step.stay)),
                };
                // Up to here t changes nothing.
                let free = match least {
                    0 => P::Cell::spread(&low, &high).min(most),
                    _ => 0,
                };
                let first = if free > 0 { free } else { least };
                work.spend(per_state + transition * (most + 1).saturating_sub(first))?;
                for t in first..=most {
                    let multiplier = if t == free { sums + t } else { t };
                    if weights[multiplier as usize].is_empty() {
                        continue;
                    }
                    let taken = P::Cell::new(t as u32);
                    for ((next, &low), &high) in next.iter_mut().zip(&low).zip(&high) {
                        *next = low.min(high.minus(taken));
                    }
                    if let Some(mirror) = &step.mirror {
                        reflect(mirror, &mut next, &mut other);
                    }
                    let source = (record as u32, multiplier as u32);
                    batch.push(source, |key| P::pack(&next, key));
                    if batch.is_full() {
                        new.change(&mut batch, add);
                    }
                }
                work.fits(unread + new.bytes())?;
                if new.is_full() {
                    return None;
                }
            }
            new.change(&mut batch, add);
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
