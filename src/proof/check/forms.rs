//! The forms of one layer on one cell, and the units whose form is constant there.

use std::sync::OnceLock;

use num_traits::Zero;

use super::farkas::{Bounds, Entries, Function, Integers};
use super::stages::{Whole, ZERO};
use crate::arithmetic::interval::Interval;
use crate::regions::Sign;

/// The pre-activations of a layer as affine functions of y: intervals around them at
/// once, integers when they are asked for.
#[derive(Debug)]
pub struct Forms {
    /// d + 1.
    pub width: usize,
    /// All entries, one function after the other, the constant last.
    pub bounds: Vec<Interval>,
    /// The same over the integers.
    pub whole: OnceLock<Whole>,
    /// The signs of units whose form is constant.
    pub constant: Vec<Option<Sign>>,
}

impl Forms {
    /// Finds the constant ones among the forms in `bounds`; `whole` makes the integers.
    pub fn new(width: usize, bounds: Vec<Interval>, whole: impl Fn() -> Whole) -> Self {
        let mut forms = Forms {
            width,
            bounds,
            whole: OnceLock::new(),
            constant: Vec::new(),
        };
        let units = 0..forms.bounds.len() / width;
        let signs = units.map(|unit| forms.constant_sign(unit, &whole));
        forms.constant = signs.collect();
        forms
    }

    /// The sign of a unit's form when it is constant.
    fn constant_sign(&self, unit: usize, whole: impl Fn() -> Whole) -> Option<Sign> {
        let (linear, constant) = self.bounds_of(unit).split_at(self.width - 1);
        if linear
            .iter()
            .any(|entry| entry.low > 0.0 || entry.high < 0.0)
        {
            return None;
        }
        if linear.iter().all(|entry| *entry == ZERO) {
            match constant[0] {
                ZERO => return Some(Sign::Zero),
                Interval { low, .. } if low > 0.0 => return Some(Sign::Positive),
                Interval { high, .. } if high < 0.0 => return Some(Sign::Negative),
                _ => {}
            }
        }
        let whole = self.whole.get_or_init(whole);
        let (linear, constant) = whole.row(unit).split_at(self.width - 1);
        let is_constant = linear.iter().all(Zero::is_zero);
        is_constant.then(|| Sign::of(&constant[0]))
    }

    fn bounds_of(&self, unit: usize) -> &[Interval] {
        &self.bounds[unit * self.width..][..self.width]
    }

    /// Intervals around the form of a unit, or its negative.
    pub fn function(&self, unit: usize, negative: bool) -> Function<'_> {
        Function {
            bounds: Bounds::Dense(self.bounds_of(unit)),
            negative,
        }
    }
}

/// The form of a unit, or its negative, over the integers.
pub fn integers(whole: &Whole, unit: usize, negative: bool) -> Integers<'_> {
    Integers {
        entries: Entries::Dense(whole.row(unit)),
        negative,
        scale: &whole.scale,
    }
}
