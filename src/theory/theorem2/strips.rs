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
    let mut cuts = Vec::new();
    for &pitch in &part.pitches {
        for columns in [false, true] {
            cuts.push(order::classes(part, Some(pitch), columns));
        }
    }
    cuts.push(order::classes(part, None, false));
    // Long strips cut the least.
    let rows = cuts.into_iter().filter(|rows| rows.len() > 1);
    let Some(rows) = rows.min_by_key(|rows| rows.len()) else {
        return value;
    };
    let mut strips = Strips {
        part,
        last_row: last_row(part, &rows),
        rows,
        upper: HashMap::new(),
        lower: HashMap::new(),
        values: HashMap::new(),
    };
    for height in 1..=strips.rows.len() {
        if strips.add_height(height, work).is_none() {
            break;
        }
        if let Some(lower) = strips.best(&strips.lower, height, |new, old| new > old) {
            value.lower = value.lower.max(lower);
        }
        if let Some(upper) = strips.best(&strips.upper, height, |new, old| new < old) {
            value.upper = value.upper.min(upper);
        }
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

/// For each pool the last row that sees it.
fn last_row(part: &System, rows: &[Vec<u32>]) -> Vec<usize> {
    let mut owner = vec![0; part.capacity.len()];
    for (row, groups) in rows.iter().enumerate() {
        for &k in groups {
            for &pool in &part.groups[k as usize].pools {
                owner[pool as usize] = row;
            }
        }
    }
    owner
}

type Shape = (Vec<u64>, Vec<(Vec<u32>, Row)>);

struct Strips<'a> {
    part: &'a System,
    rows: Vec<Vec<u32>>,
    /// For each pool the last row that sees it: the strip of that row owns it.
    last_row: Vec<usize>,
    /// Values by the strip's first row and its height.
    upper: HashMap<(usize, usize), BigUint>,
    lower: HashMap<(usize, usize), BigUint>,
    /// Strips that look alike have one value.
    values: HashMap<Shape, BigUint>,
}

impl Strips<'_> {
    /// Evaluates all strips of this height.
    fn add_height(&mut self, height: usize, work: &mut Work) -> Option<()> {
        for first in 0..=self.rows.len() - height {
            let groups = self.rows[first..first + height].concat();
            let all = self.part.restricted(&groups, |_| true);
            let upper = self.value(all, work)?;
            self.upper.insert((first, height), upper);
            let rows = first..first + height;
            let own = |pool: u32| rows.contains(&self.last_row[pool as usize]);
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

    /// The best product over all ways to cut the rows into strips of at most this
    /// height.
    fn best(
        &self,
        values: &HashMap<(usize, usize), BigUint>,
        highest: usize,
        is_better: impl Fn(&BigUint, &BigUint) -> bool,
    ) -> Option<BigUint> {
        let mut best: Vec<Option<BigUint>> = vec![Some(BigUint::one())];
        for end in 1..=self.rows.len() {
            let mut here: Option<BigUint> = None;
            for height in 1..=highest.min(end) {
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
