//! Which coefficients of affine forms may be other than zero.
//!
//! A support has bit k set unless coefficient k is known to be zero; coordinates from 127
//! on share the last bit.

const LAST: usize = 127;

/// The bit of a coordinate.
pub fn bit(coordinate: usize) -> u128 {
    1 << coordinate.min(LAST)
}

/// How many of the coordinates a support has.
pub fn count(support: u128, dimension: usize) -> usize {
    if let Ok(few) = u64::try_from(support) {
        return few.count_ones() as usize;
    }
    let own = (support & !bit(LAST)).count_ones() as usize;
    match support & bit(LAST) {
        0 => own,
        _ => own + dimension.saturating_sub(LAST),
    }
}

/// The supports of many rows.
#[derive(Clone, Debug)]
pub enum Supports {
    /// All rows have the same, but for those that are zero: these have none.
    Shared(u128),
    /// One a row.
    Own(Vec<u128>),
}

impl Default for Supports {
    fn default() -> Self {
        Supports::Shared(0)
    }
}

impl Supports {
    /// One a row.
    pub fn new(rows: Vec<u128>) -> Self {
        let some = rows.iter().find(|support| **support != 0);
        let some = some.copied().unwrap_or(0);
        if rows.iter().all(|&support| support == 0 || support == some) {
            Supports::Shared(some)
        } else {
            Supports::Own(rows)
        }
    }

    /// Of a row, of which is known whether it is zero.
    #[inline]
    pub fn get(&self, row: usize, is_zero: bool) -> u128 {
        match self {
            Supports::Shared(_) if is_zero => 0,
            Supports::Shared(support) => *support,
            Supports::Own(rows) => rows[row],
        }
    }

    /// Sets one of `len` rows; `is_zero` tells which of the others are zero.
    pub fn set(&mut self, row: usize, support: u128, len: usize, is_zero: impl Fn(usize) -> bool) {
        match self {
            Supports::Shared(shared) if support == 0 || support == *shared => {}
            Supports::Shared(shared @ 0) => *shared = support,
            Supports::Shared(shared) => {
                let own = |row| if is_zero(row) { 0 } else { *shared };
                let mut rows: Vec<u128> = (0..len).map(own).collect();
                rows[row] = support;
                *self = Supports::Own(rows);
            }
            Supports::Own(rows) => rows[row] = support,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_bit_stands_for_all_that_follow() {
        assert_eq!(count(bit(3) | bit(126), 127), 2);
        assert_eq!(count(bit(127), 128), 1);
        assert_eq!(count(bit(0) | bit(300), 400), 274);
        assert_eq!(count(u128::MAX, 400), 400);
        assert_eq!(count(0, 400), 0);
    }

    /// Against a list of one a row, whatever is set in whatever order.
    #[test]
    fn supports_are_what_was_set() {
        let mut state = 5u64;
        let mut below = |bound: u64| {
            state = state
                .wrapping_mul(6364136223846793005)
                .wrapping_add(1442695040888963407);
            (state >> 33) % bound
        };
        for _ in 0..500 {
            let len = 1 + below(6) as usize;
            let kinds = 1 + below(3);
            let mut rows: Vec<u128> = (0..len).map(|_| below(kinds).into()).collect();
            let mut supports = Supports::new(rows.clone());
            for _ in 0..4 {
                for (row, support) in rows.iter().enumerate() {
                    assert_eq!(supports.get(row, *support == 0), *support);
                }
                let (row, support) = (below(len as u64) as usize, below(3).into());
                rows[row] = support;
                supports.set(row, support, len, |row| rows[row] == 0);
            }
        }
    }
}
