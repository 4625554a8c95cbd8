//! Theorem 6 of Xiong et al. (ICML 2020), and section 5.2: regions per parameter.
//!
//! **Statement.** For L convolutional layers of d filters each, filters and input of
//! fixed size and d growing, the number of parameters is of order L d^2, and
//!
//! > R / #parameters = Omega( (1/L) floor(d / d_0)^e d^(u - 2) ),
//! > e = d_0 sum_{l<L} n_l^(1) n_l^(2),
//!
//! where u is the number of inputs that N' of [Theorem 5](super::theorem5) uses. It
//! follows from (8), Theorem 3 for N', and Lemma 4; one layer of L d^2 filters has as
//! many parameters and O((L d^2)^(n_0 - 1)) regions per parameter.
//!
//! Section 5.2 compares with fully connected networks of n_0 inputs, L layers and width
//! d, which have, Eq. (11), at most (sum_{i<=n_0} C(d, i))^L regions.

use std::fmt;

use num_bigint::BigUint;

use super::binomial;
use super::formula::{Formula, Work};
use super::skeleton::Skeleton;
use super::theorem5;

/// The exponents of Theorem 6.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Growth {
    /// Layers, L.
    pub layers: usize,
    /// Input channels, d_0.
    pub channels: usize,
    /// The exponent of floor(d / d_0).
    pub folds: usize,
    /// #U, the inputs that N' uses; the exponent of d is two less.
    pub inputs: usize,
}

impl fmt::Display for Growth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Growth {
            layers,
            channels,
            folds,
            inputs,
        } = self;
        write!(
            f,
            "with d filters in each of the {layers} layers and d growing, regions per parameter \
             = Omega(floor(d/{channels})^{folds} d^{})",
            *inputs as i64 - 2
        )
    }
}

/// The exponents for the shapes of this network; `None` where (8) does not apply, or
/// there is one layer.
///
/// ```
/// use chambers::network::Architecture;
/// use chambers::theory::{Skeleton, theorem6};
/// let line = "1x4x1; conv 2@1x2; conv 3@1x2";
/// let skeleton = Skeleton::of_architecture(&Architecture::parse(line).unwrap());
/// let growth = theorem6::growth(&skeleton).unwrap();
/// assert_eq!((growth.folds, growth.inputs), (3, 3));
/// ```
pub fn growth(skeleton: &Skeleton) -> Option<Growth> {
    let images = theorem5::images(skeleton).ok()?;
    let (last, folds) = images.layers.split_last()?;
    if folds.is_empty() {
        return None;
    }
    let mut used: Vec<u32> = last.alone(images.channels).windows().concat();
    used.sort_unstable();
    used.dedup();
    let positions: usize = folds.iter().map(|layer| layer.area()).sum();
    Some(Growth {
        layers: images.layers.len(),
        channels: images.channels,
        folds: images.channels * positions,
        inputs: used.len(),
    })
}

/// Parameters of a fully connected network of this many inputs, layers and units a
/// layer.
pub fn dense_parameters(inputs: u64, layers: u64, width: u64) -> u64 {
    let first = inputs.saturating_add(1).saturating_mul(width);
    let later = width.saturating_add(1).saturating_mul(width);
    first.saturating_add(later.saturating_mul(layers.saturating_sub(1)))
}

/// The largest width with at most so many parameters; `None` when one unit a layer has
/// more already.
pub fn dense_width(inputs: u64, layers: u64, parameters: u64) -> Option<u64> {
    let fits = |width: u64| dense_parameters(inputs, layers, width) <= parameters;
    let (mut low, mut high) = (0, parameters + 1);
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if fits(middle) {
            low = middle;
        } else {
            high = middle;
        }
    }
    (low > 0).then_some(low)
}

/// Eq. (11): (sum_{i<=inputs} C(width, i))^layers.
///
/// # Errors
/// When it takes too much work.
pub fn dense_upper(inputs: u64, layers: u64, width: u64, work: &mut Work) -> Formula<BigUint> {
    let layer = binomial::sum(width, inputs, work)?;
    work.power(&layer, layers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_width_is_the_largest_that_fits() {
        for inputs in 1..6 {
            for layers in 1..4 {
                for parameters in 1..200 {
                    let fits = |width| dense_parameters(inputs, layers, width) <= parameters;
                    let expected = (1..=200).take_while(|&width| fits(width)).last();
                    assert_eq!(dense_width(inputs, layers, parameters), expected);
                }
            }
        }
    }
}
