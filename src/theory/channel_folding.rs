//! The channel-folding lower bound: (8) of Theorem 5 of Xiong et al. 2020 with the
//! number of folded channels chosen layer by layer, more folds for the same units, and
//! strided windows read as more channels.
//!
//! **Statement.** Under the conditions of (8) on the layers (see
//! [`theorem5`](super::theorem5)), choose numbers of channels k_1, ..., k_{L-1} with
//! 1 <= k_l <= d_l and k_l <= T_l k_{l-1}, where k_0 is the number of input channels and
//! T_l is the number of window offsets that a position and the offset determine
//! together: min(f, s) along an axis, or f where there is one position. Let f(1) = 1,
//! f(2) = 2, f(m) = m + 1 for m >= 3, and p(d, k) = f(q + 1)^r f(q)^(k - r) with
//! d = q k + r, 0 <= r < k. Then for some weights
//!
//! > R >= R'(k_{L-1}) prod_{l<L} p(d_l, k_l)^(n_l^(1) n_l^(2)),
//!
//! where R'(k) belongs to the last layer alone on an image of k channels. The largest
//! over all choices is at least (8), which takes k_l = d_0 and no extra fold.
//!
//! **Proof.** Let layer l see an image with k_{l-1} channels, and let every value of it
//! range over an open interval. Give each of k_l virtual channels one pair of input
//! channel and window offset, all pairs different; by the choice of offsets the virtual
//! channels at all positions then see different values x. Of the filters, q or q + 1
//! belong to each virtual channel: ReLU units of its x alone, with one bias each at
//! all positions. Some linear combination of them, which the next layer's weights can form
//! at every position alike, maps f(m) intervals of x onto one common interval: m units
//! give a zigzag of m pieces (Montufar et al. 2014), and m + 1 where m >= 3 (Serra et
//! al. 2018, Theorem 6: one unit is turned round, so that the outer pieces fold too).
//! So the next layer sees an image with k_l channels whose every point, values all
//! different included, is taken p^positions times, in cells of different patterns. Repeat; the last layer sees R'(k_{L-1}) regions in each cell, after its
//! weights and biases are scaled and shifted such that all regions reach into the cube
//! of common intervals: a shift by a constant is a change of its biases alone, as
//! nothing is padded.
//!
//! Three inputs and units enough for four pieces each:
//!
//! ```
//! use chambers::network::Architecture;
//! use chambers::theory::formula::{WORK, Work};
//! use chambers::theory::{Skeleton, channel_folding, theorem5};
//! let line = "1x2x1; conv 3@1x1; conv 2@1x2";
//! let skeleton = Skeleton::of_architecture(&Architecture::parse(line).unwrap());
//! let images = theorem5::images(&skeleton).unwrap();
//! let folds = channel_folding::folds(&images, 1, &mut Work::new(WORK)).unwrap();
//! // Two lines in the plane, in 4 x 4 cells.
//! assert_eq!(folds.cells * 4u32, 64u32.into());
//! ```

use num_bigint::BigUint;

use super::formula::{Formula, NoValue, Work};
use super::theorem5::{Image, Images};

/// A choice of channels, and what it folds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folds {
    /// k_1, ..., k_{L-1}; the last layer sees the last of them.
    pub channels: Vec<usize>,
    /// The product over l < L.
    pub cells: BigUint,
}

/// The best choice that leaves the last layer at least `last` channels, by logarithms
/// in floats: a choice that is a little worse is a little smaller and as valid.
///
/// # Errors
/// When it takes too much work.
pub fn folds(images: &Images, last: usize, work: &mut Work) -> Formula<Folds> {
    let layers = images
        .layers
        .split_last()
        .map_or(&[][..], |(_, layers)| layers);
    // best[l][k - 1]: log2 of the best product up to layer l with k_l = k, and k_{l-1}.
    let mut best: Vec<Vec<(f64, usize)>> = Vec::new();
    for layer in layers {
        let most = layer.filters.min(MAX_CHANNELS);
        // Only the channels before limit those after, so look at the best of all that
        // are wide enough.
        let before = |needed: usize| -> Option<(f64, usize)> {
            match best.last() {
                None => (needed <= images.channels).then_some((0.0, images.channels)),
                Some(row) => (needed..=row.len())
                    .map(|k| (row[k - 1].0, k))
                    .max_by(|a, b| a.0.total_cmp(&b.0)),
            }
        };
        let mut row = Vec::new();
        work.spend((most * most) as u64)?;
        for k in 1..=most {
            let Some((log, from)) = before(k.div_ceil(layer.separate_taps)) else {
                break;
            };
            let own = cells(layer, k).map(|(pieces, k)| k as f64 * (pieces as f64).log2());
            let own = layer.area() as f64 * own.iter().sum::<f64>();
            row.push((log + own, from));
        }
        best.push(row);
    }
    let mut channels = Vec::new();
    let mut needed = last;
    let mut choice = None;
    for row in best.iter().rev() {
        let k = match choice {
            Some(k) => k,
            // One channel is always there.
            None => (needed.min(row.len())..=row.len())
                .max_by(|&a, &b| row[a - 1].0.total_cmp(&row[b - 1].0))
                .unwrap_or(1),
        };
        channels.push(k);
        choice = Some(row[k - 1].1);
        needed = 1;
    }
    channels.reverse();
    let mut factors = Vec::new();
    for (layer, &k) in layers.iter().zip(&channels) {
        for (pieces, channels) in cells(layer, k) {
            let exponent = layer
                .area()
                .checked_mul(channels)
                .ok_or(NoValue::TooLarge)?;
            factors.push(work.power(&pieces.into(), exponent as u64)?);
        }
    }
    Ok(Folds {
        cells: work.product_of(factors)?,
        channels,
    })
}

/// More channels are not tried: the time grows with their square.
const MAX_CHANNELS: usize = 2000;

/// f(q + 1) for r virtual channels, f(q) for the others.
fn cells(layer: &Image, channels: usize) -> [(usize, usize); 2] {
    let pieces = |units: usize| units + usize::from(units >= 3);
    let (units, more) = (layer.filters / channels, layer.filters % channels);
    [(pieces(units + 1), more), (pieces(units), channels - more)]
}
