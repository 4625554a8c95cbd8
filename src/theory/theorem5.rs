//! Theorem 5 of Xiong et al. (ICML 2020): the regions of deep CNNs.
//!
//! **Statement.** For L convolutional layers with d_l filters on n_l^(1) x n_l^(2)
//! positions and d_l >= d_0, the largest number of regions R satisfies
//!
//! > (8)  R >= R' prod_{l<L} floor(d_l / d_0)^(n_l^(1) n_l^(2) d_0),
//! >
//! > (9)  R <= R'' prod_{2<=l<=L} sum_{i<=n_0^(1) n_0^(2) d_0} C(n_l^(1) n_l^(2) d_l, i),
//!
//! where R' belongs to the last layer alone, on an image of d_0 channels, and R'' to
//! the first layer alone.
//!
//! **What holds.** (9) holds for all weights, in every domain, for any layers, as
//! Theorem 2's (4) bounds R'' from above also where it is not exact. (8) is on the
//! maximum over the weights; R' must be the true number or a lower bound of it, as (4)
//! can be too large. The construction wants biases, no padding (a shift of all inputs
//! must act alike at all positions), channels that mix, and images that are handed on
//! as they are. A dense layer counts as one
//! position whose filters cover everything before it.
//!
//! Eq. (10) is both for filters of size 1: [`super::folding`] improves (8), and
//! [`super::receptive_field`], [`super::disjoint_paths`], [`super::hybrid`] and
//! [`super::activity`] improve (9).
//!
//! Example 4, with d_2 = 3: `8 (d_2^3 + d_2^2 + d_2 + 1)` and `55 sum_{i<=4} C(2 d_2, i)`.
//!
//! ```
//! use chambers::network::Architecture;
//! use chambers::theory::formula::{WORK, Work};
//! use chambers::theory::{Skeleton, theorem5};
//! let line = "1x4x1; conv 2@1x2; conv 3@1x2";
//! let skeleton = Skeleton::of_architecture(&Architecture::parse(line).unwrap());
//! let images = theorem5::images(&skeleton).unwrap();
//! let work = &mut Work::new(WORK);
//! assert_eq!(theorem5::lower(&images, &40u32.into(), work), Ok(320u32.into()));
//! assert_eq!(theorem5::upper(&skeleton, &55u32.into(), work), Ok(3135u32.into()));
//! ```

use num_bigint::BigUint;

use super::binomial;
use super::formula::{Formula, NoValue, Work, assume};
use super::skeleton::{Kind, Layer, Skeleton};
use crate::network::{ChannelOrder, Convolution};

/// A network as a chain of images: what (8) needs of it.
#[derive(Clone, Debug)]
pub struct Images {
    /// Channels of the input, d_0; all inputs when the first layer is dense.
    pub channels: usize,
    /// The layers, first to last.
    pub layers: Vec<Image>,
}

/// One layer as a map between images.
#[derive(Clone, Debug)]
pub struct Image {
    /// Height and width, n_l.
    pub positions: [usize; 2],
    /// Channels, d_l.
    pub filters: usize,
    /// Offsets in the window such that position and offset together determine the
    /// value that is seen: `min(f, s)` an axis, and f where there is one position.
    pub separate_taps: usize,
    geometry: Convolution,
}

/// The network as a chain of images.
///
/// # Errors
/// The first thing in the way of (8), in words.
pub fn images(skeleton: &Skeleton) -> Result<Images, String> {
    let Some(first) = skeleton.layers().first() else {
        return Err("there is no ReLU layer".into());
    };
    let mut positions = [1, 1];
    let mut channels = skeleton.inputs();
    if let Kind::Convolution(conv) = first.kind() {
        (positions, channels) = (conv.input, conv.channels);
    }
    let mut images = Images {
        channels,
        layers: Vec::new(),
    };
    for (number, layer) in (1..).zip(skeleton.layers()) {
        // A dense layer sees all in any order, and the input's order is nobody's.
        if let Kind::Convolution(conv) = layer.kind()
            && number > 1
            && (layer.is_rearranged() || conv.input != positions || conv.channels != channels)
        {
            return Err(format!(
                "layer {number} sees another image than the one before it makes"
            ));
        }
        let image = image(layer, positions, channels)
            .map_err(|problem| format!("layer {number} {problem}"))?;
        (positions, channels) = (image.positions, image.filters);
        images.layers.push(image);
    }
    Ok(images)
}

fn image(layer: &Layer, input: [usize; 2], channels: usize) -> Result<Image, &'static str> {
    let geometry = match layer.kind() {
        // A filter that covers everything.
        Kind::Dense => Convolution::new(input, channels, layer.units(), input, ChannelOrder::Last),
        Kind::Convolution(conv) if conv.groups > 1 => {
            return Err("has groups of channels that do not mix");
        }
        Kind::Convolution(conv) if conv.pad_begin != [0, 0] || conv.pad_end != [0, 0] => {
            return Err("is padded: its border positions see zeros");
        }
        Kind::Convolution(conv) => conv.clone(),
        Kind::Own | Kind::Blocks | Kind::Special(_) => {
            return Err("is neither a convolution nor dense");
        }
    };
    if !layer.is_biased() {
        return Err("has no biases");
    }
    let positions = geometry
        .positions()
        .expect("a layer's geometry is possible");
    let separate = |axis: usize| match (positions[axis], geometry.dilation[axis]) {
        (1, _) => geometry.kernel[axis],
        (_, 1) => geometry.kernel[axis].min(geometry.stride[axis]),
        _ => 1,
    };
    Ok(Image {
        positions,
        filters: geometry.filters,
        separate_taps: separate(0) * separate(1),
        geometry,
    })
}

impl Image {
    /// As a convolution; a dense layer's filters cover everything before it.
    pub fn geometry(&self) -> &Convolution {
        &self.geometry
    }

    /// How many positions.
    pub fn area(&self) -> usize {
        self.positions[0] * self.positions[1]
    }

    /// The layer alone, on an image of so many channels: N' of the theorem.
    pub fn alone(&self, channels: usize) -> Layer {
        let geometry = Convolution {
            channels,
            ..self.geometry.clone()
        };
        Layer::convolution(geometry, true)
    }
}

/// (8), where `last` is R' or a lower bound of it.
///
/// # Errors
/// When some d_l < d_0 for l < L, which makes (8) zero, or it takes too much work.
pub fn lower(images: &Images, last: &BigUint, work: &mut Work) -> Formula<BigUint> {
    let folds = images
        .layers
        .split_last()
        .map_or(&[][..], |(_, folds)| folds);
    let mut product = last.clone();
    for (number, layer) in (1..).zip(folds) {
        assume(layer.filters >= images.channels, || {
            format!(
                "layer {number} has {} filters, fewer than the {} input channels",
                layer.filters, images.channels
            )
        })?;
        let pieces = BigUint::from(layer.filters / images.channels);
        let exponent = layer
            .area()
            .checked_mul(images.channels)
            .ok_or(NoValue::TooLarge)?;
        let factor = work.power(&pieces, exponent as u64)?;
        product = work.product(&product, &factor)?;
    }
    Ok(product)
}

/// (9), where `first` is R'' or an upper bound of it.
///
/// # Errors
/// When it takes too much work.
pub fn upper(skeleton: &Skeleton, first: &BigUint, work: &mut Work) -> Formula<BigUint> {
    let mut product = first.clone();
    for &width in skeleton.widths().iter().skip(1) {
        let factor = binomial::sum(width, skeleton.inputs() as u64, work)?;
        product = work.product(&product, &factor)?;
    }
    Ok(product)
}
