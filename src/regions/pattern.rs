//! Activation patterns: the sign of every unit.

use std::fmt;

/// The sign of a unit's pre-activation on a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(i8)]
pub enum Sign {
    /// Negative all over the open cell: the unit is inactive.
    Negative = -1,
    /// Identically zero on the cell: the unit is degenerate there.
    Zero = 0,
    /// Positive all over the open cell: the unit is active.
    Positive = 1,
}

impl Sign {
    /// `+`, `-` or `0`.
    pub fn symbol(self) -> char {
        match self {
            Sign::Negative => '-',
            Sign::Zero => '0',
            Sign::Positive => '+',
        }
    }

    /// The sign of a number that is compared with zero.
    pub fn of<T: PartialOrd + num_traits::Zero>(value: &T) -> Sign {
        let zero = T::zero();
        if *value > zero {
            Sign::Positive
        } else if *value < zero {
            Sign::Negative
        } else {
            Sign::Zero
        }
    }
}

impl std::ops::Neg for Sign {
    type Output = Sign;

    fn neg(self) -> Sign {
        match self {
            Sign::Negative => Sign::Positive,
            Sign::Zero => Sign::Zero,
            Sign::Positive => Sign::Negative,
        }
    }
}

/// The signs of all units: layer after layer, within a layer in the row-major
/// order of the model's own tensor. Displays as `+-0...`, one symbol a unit.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Pattern(pub Vec<Sign>);

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .iter()
            .try_for_each(|sign| write!(f, "{}", sign.symbol()))
    }
}
