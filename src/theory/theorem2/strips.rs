//! The strip sandwich: a lower and an upper value where the exact one is out of
//! reach.
//!
//! Cut the groups into strips, runs of rows or columns. **Upper:** keep Hall's
//! conditions within each strip only. There are fewer conditions, so K grows into a
//! product, and the sum with it. **Lower:** give every input to one strip. A t that
//! can be matched so can be matched, so K shrinks into a product. Both are products
//! of sums that are small enough to be exact.

use std::collections::HashMap;

use num_bigint::BigUint;
use num_traits::One;

use super::budget::Work;
use super::evaluate::{Method, Value, exact};
use super::order;
use super::system::{Row, System, product};

/// The sandwich of a connected part; the trivial one where the work ends at once.
pub(super) fn sandwich(part: &System, work: &mut Work) -> Value {
    let mut value = Value {
        lower: own_inputs(part),
        upper: part.total(),
        method: Method::Strips,
    };
    if part.spend_walk(work).is_none() {
        return value;
    }
    let mut cuts = vec![order::classes(part, None, false)];
    for &pitch in &part.pitches {
        for columns in [false, true] {
            cuts.push(order::classes(part, Some(pitch), columns));
        }
    }
    cuts.retain(|rows| rows.len() > 1);
    cuts.sort();
    cuts.dedup();
    // Low strips tell which way of cutting is best; it alone goes on to high ones.
    const TRIAL: usize = 2;
    let mut best: Option<(usize, BigUint, Strips)> = None;
    let share = work.steps / (2 * cuts.len() as u64).max(1);
    for rows in cuts {
        let mut strips = Strips::new(part, rows);
        work.portion(share, |work| strips.raise_to(TRIAL, &mut value, work));
        let lower = strips.lower_bound().unwrap_or_default();
        let is_better =
            |best: &(usize, BigUint, Strips)| (strips.height, &lower) > (best.0, &best.1);
        if best.as_ref().is_none_or(is_better) {
            best = Some((strips.height, lower, strips));
        }
    }
    if let Some((_, _, mut strips)) = best {
        strips.raise_to(usize::MAX, &mut value, work);
    }
    value
}

/// Every input to the first group that sees it.
fn own_inputs(part: &System) -> BigUint {
    let mut taken = vec![false; part.capacity.len()];
    let mut factors = Vec::new();
    for group in &part.groups {
        let mut own = 0;
        for &pool in &group.pools {
            if !std::mem::replace(&mut taken[pool as usize], true) {
                own += part.capacity[pool as usize];
            }
        }
        let most = usize::try_from(own).unwrap_or(usize::MAX).saturating_add(1);
        factors.push(group.weights.iter().take(most).sum());
    }
    product(factors)
}

/// For each pool the row whose strip owns it: the middle one of those that see it,
/// and either of two middle ones in turn. Two strips with half of what they share each
/// have larger sums than one with all of it and one with nothing.
fn owners(part: &System, rows: &[Vec<u32>]) -> Vec<usize> {
    let mut seen = vec![(usize::MAX, 0); part.capacity.len()];
    for (row, groups) in rows.iter().enumerate() {
        for &k in groups {
            for &pool in &part.groups[k as usize].pools {
                let seen = &mut seen[pool as usize];
                *seen = (seen.0.min(row), row);
            }
        }
    }
    let middle = |(pool, (first, last)): (usize, (usize, usize))| (first + last + pool % 2) / 2;
    seen.into_iter().enumerate().map(middle).collect()
}

type Shape = (Vec<u64>, Vec<(Vec<u32>, Row)>);

/// One way to cut a system, with all its strips up to some height.
struct Strips<'a> {
    part: &'a System,
    rows: Vec<Vec<u32>>,
    /// For each pool the row whose strip owns it.
    owner: Vec<usize>,
    /// Rows of the highest strips so far.
    height: usize,
    /// Values by the strip's first row and its height.
    upper: HashMap<(usize, usize), BigUint>,
    lower: HashMap<(usize, usize), BigUint>,
    /// Strips that look alike have one value.
    values: HashMap<Shape, BigUint>,
}

impl<'a> Strips<'a> {
    fn new(part: &'a System, rows: Vec<Vec<u32>>) -> Self {
        Strips {
            part,
            owner: owners(part, &rows),
            rows,
            height: 0,
            upper: HashMap::new(),
            lower: HashMap::new(),
            values: HashMap::new(),
        }
    }

    /// Goes on to strips of this height, or as far as the work suffices, and narrows
    /// `value` on the way.
    fn raise_to(&mut self, height: usize, value: &mut Value, work: &mut Work) {
        while self.height < height.min(self.rows.len()) {
            if self.add_height(self.height + 1, work).is_none() {
                return;
            }
            self.height += 1;
            if let Some(lower) = self.lower_bound()
                && lower > value.lower
            {
                value.lower = lower;
            }
            let upper = self.best(&self.upper, |new, old| new < old);
            if let Some(upper) = upper
                && upper < value.upper
            {
                value.upper = upper;
            }
        }
    }

    fn lower_bound(&self) -> Option<BigUint> {
        self.best(&self.lower, |new, old| new > old)
    }

    /// Evaluates all strips of this height.
    fn add_height(&mut self, height: usize, work: &mut Work) -> Option<()> {
        for first in 0..=self.rows.len() - height {
            let groups = self.rows[first..first + height].concat();
            let all = self.part.restricted(&groups, |_| true);
            let upper = self.value(all, work)?;
            self.upper.insert((first, height), upper);
            let rows = first..first + height;
            let own = |pool: u32| rows.contains(&self.owner[pool as usize]);
            let own = self.part.restricted(&groups, own);
            let lower = self.value(own, work)?;
            self.lower.insert((first, height), lower);
        }
        Some(())
    }

    fn value(&mut self, system: System, work: &mut Work) -> Option<BigUint> {
        system.spend_walk(work)?;
        let shape = system.shape();
        if let Some(value) = self.values.get(&shape) {
            return Some(value.clone());
        }
        let value = exact(system, work)?.lower;
        self.values.insert(shape, value.clone());
        Some(value)
    }

    /// The best product over all ways to cut the rows into strips.
    fn best(
        &self,
        values: &HashMap<(usize, usize), BigUint>,
        is_better: impl Fn(&BigUint, &BigUint) -> bool,
    ) -> Option<BigUint> {
        let mut best: Vec<Option<BigUint>> = vec![Some(BigUint::one())];
        for end in 1..=self.rows.len() {
            let mut here: Option<BigUint> = None;
            for height in 1..=self.height.min(end) {
                let strip = values.get(&(end - height, height));
                if let (Some(before), Some(strip)) = (&best[end - height], strip) {
                    let product = before * strip;
                    if here.as_ref().is_none_or(|here| is_better(&product, here)) {
                        here = Some(product);
                    }
                }
            }
            best.push(here);
        }
        best.pop().flatten()
    }
}
