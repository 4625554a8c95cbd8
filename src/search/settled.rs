//! On which sides of classes a cell lies, by fours: where all four have one, as most do when a layer
//! is entered, one table says what that comes to.

use crate::arithmetic::lanes::LANES;
use crate::regions::Sign;

/// The signs of four classes by the bits of those that are positive.
pub const SIGNS: [[Sign; LANES]; 1 << LANES] = {
    let mut signs = [[Sign::Negative; LANES]; 1 << LANES];
    let mut k = 0;
    while k < LANES << LANES {
        if (k / LANES) >> (k % LANES) & 1 == 1 {
            signs[k / LANES][k % LANES] = Sign::Positive;
        }
        k += 1;
    }
    signs
};

/// The classes from `4 * number` on, a bit for each.
#[derive(Clone, Copy, Debug)]
pub struct Four {
    pub number: u32,
    /// On one side of which the cell lies.
    pub on: u8,
    /// On the positive side of which it does.
    pub positive: u8,
}

impl Four {
    /// Whether the cell lies on one side of each.
    #[inline(always)]
    pub fn is_whole(self) -> bool {
        self.on == (1 << LANES) - 1
    }

    /// The classes with their signs.
    #[inline]
    pub fn sides(self) -> impl Iterator<Item = (u32, i32)> {
        let mut left = self.on;
        std::iter::from_fn(move || {
            let lane = left.trailing_zeros();
            left &= left.wrapping_sub(1);
            let sign = if self.positive >> (lane % 8) & 1 == 1 {
                1
            } else {
                -1
            };
            (lane < u8::BITS).then_some((LANES as u32 * self.number + lane, sign))
        })
    }
}

/// Classes with the sides on which a cell lies.
#[derive(Clone, Debug, Default)]
pub struct Settled {
    fours: Vec<Four>,
    /// How many classes there are.
    count: u32,
}

impl Settled {
    pub fn clear(&mut self) {
        self.fours.clear();
        self.count = 0;
    }

    /// How many classes there are.
    pub fn len(&self) -> usize {
        self.count as usize
    }

    pub fn is_empty(&self) -> bool {
        self.fours.is_empty()
    }

    pub fn fours(&self) -> &[Four] {
        &self.fours
    }

    /// The classes with their signs, in the order in which they came.
    pub fn sides(&self) -> impl Iterator<Item = (u32, i32)> + '_ {
        self.fours.iter().flat_map(|four| four.sides())
    }

    /// Adds some of four classes, if any.
    #[inline(always)]
    pub fn push_four(&mut self, four: Four) {
        if four.on != 0 {
            self.fours.push(four);
            self.count += four.on.count_ones();
        }
    }

    /// Adds a class.
    #[inline(always)]
    pub fn push(&mut self, class: u32, sign: i32) {
        let bit = 1 << (class % LANES as u32);
        self.fours.push(Four {
            number: class / LANES as u32,
            on: bit,
            positive: if sign > 0 { bit } else { 0 },
        });
        self.count += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::sign_of;

    #[test]
    fn sides_are_those_that_came() {
        let mut settled = Settled::default();
        assert!(settled.is_empty());
        settled.push(6, -1);
        settled.push_four(Four {
            number: 3,
            on: 0,
            positive: 0,
        });
        settled.push_four(Four {
            number: 2,
            on: 0b1101,
            positive: 0b0100,
        });
        settled.push(0, 1);
        let expected = [(6, -1), (8, -1), (10, 1), (11, -1), (0, 1)];
        assert!(settled.sides().eq(expected));
        assert_eq!((settled.len(), settled.is_empty()), (5, false));
    }

    #[test]
    fn signs_of_four_are_those_of_each() {
        for positive in 0..1 << LANES {
            let four = Four {
                number: 0,
                on: 0b1111,
                positive,
            };
            assert!(four.is_whole());
            let signs = four.sides().map(|(_, sign)| sign_of(sign));
            assert!(signs.eq(SIGNS[positive as usize]));
        }
    }
}
