//! Random networks that are the same on every platform.
//!
//! Version 1 of the recipe, which never changes: a new recipe gets a new function.
//!
//! - The key of ChaCha8 is the seed, eight bytes, little-endian, then the 24 bytes
//!   of `chambers random weights1`; nonce and counter start at zero.
//! - Two 64-bit words make two normal values (Box and Muller 1958): with the top 53
//!   bits of each word as integers a and b, u = (a + 1) / 2^53 and v = b / 2^53,
//!   first sqrt(-2 ln u) cos(2 pi v), then sqrt(-2 ln u) sin(2 pi v).
//! - ln, sin and cos come from the `libm` crate: those of the standard library
//!   differ from platform to platform in the last bit.
//! - Layer after layer: first the weights, in the order of [`Affine::dense`] and
//!   [`Affine::convolution`], then the biases, unless the layer has none.

use std::f64::consts::TAU;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::architecture::ArchitectureLayer;
use super::limits::MAX_RANDOM_ENTRIES;
use super::{Affine, Architecture, Layer, Network, Shape};
use crate::arithmetic::Number;
use crate::{Error, Result};

/// A network with independent normal weights and biases of mean 0 and variance
/// 2 / (kernel height x kernel width x filters): He initialisation as in section 6
/// of Xiong et al. 2020, who count the outputs. A dense layer is a 1x1 kernel with
/// its outputs as filters. ReLU follows every dense layer and every convolution.
///
/// # Errors
/// When the network has more weights than any count could handle.
///
/// ```
/// use chambers::network::{Architecture, random};
/// let architecture = Architecture::parse("1x3x1; conv 2@1x2").unwrap();
/// let network = random::he(&architecture, 1).unwrap();
/// assert_eq!(network.units_per_layer(), [4]);
/// ```
pub fn he(architecture: &Architecture, seed: u64) -> Result<Network> {
    let mut shape = architecture.input().clone();
    let mut entries = 0usize;
    for (number, layer) in (1..).zip(architecture.layers()) {
        entries = entries.saturating_add(layer.entries(&shape));
        if entries > MAX_RANDOM_ENTRIES {
            return Err(Error::input(
                "architecture",
                format!("layer {number} \"{layer}\""),
                "more weights than any count could handle",
                "count a smaller network; formulas alone (chambers bounds) can take larger ones",
            ));
        }
        shape = layer.output(&shape);
    }
    let mut normal = Normal::new(seed);
    let mut network = Network::new(architecture.input().clone());
    for layer in architecture.layers() {
        let affine = match layer {
            ArchitectureLayer::Dense { units, bias } => {
                let inputs = network.output().len();
                let variance = 2.0 / *units as f64;
                let weight = normal.numbers(inputs * units, variance);
                let parameters = weight.len() + if *bias { *units } else { 0 };
                let bias = normal.biases(*units, variance, *bias);
                Affine::dense(inputs, *units, weight, bias)?.with_parameters(parameters)
            }
            ArchitectureLayer::Convolution { geometry, bias } => {
                let taps = geometry.kernel[0] * geometry.kernel[1];
                let variance = 2.0 / (taps * geometry.filters) as f64;
                let len = geometry.filters * (geometry.channels / geometry.groups) * taps;
                let weight = normal.numbers(len, variance);
                let parameters = len + if *bias { geometry.filters } else { 0 };
                let bias = normal.biases(geometry.filters, variance, *bias);
                Affine::convolution(geometry.clone(), &weight, &bias)?.with_parameters(parameters)
            }
            ArchitectureLayer::Flatten => {
                let len = network.output().len();
                network.push(Layer::Reshape(Shape::new([len])))?;
                continue;
            }
        };
        network.push(Layer::Affine(affine))?;
        network.push(Layer::Relu)?;
    }
    Ok(network)
}

/// A stream of standard normal values.
struct Normal {
    words: ChaCha8Rng,
    /// The second value of the last pair.
    spare: Option<f64>,
}

impl Normal {
    fn new(seed: u64) -> Self {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        key[8..].copy_from_slice(b"chambers random weights1");
        Normal {
            words: ChaCha8Rng::from_seed(key),
            spare: None,
        }
    }

    /// A multiple of 2^-53 from 0 on, below 1.
    fn uniform(&mut self) -> f64 {
        (self.words.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    fn next(&mut self) -> f64 {
        if let Some(value) = self.spare.take() {
            return value;
        }
        // Never zero, so that the logarithm is finite.
        let u = self.uniform() + 1.0 / (1u64 << 53) as f64;
        let radius = libm::sqrt(-2.0 * libm::log(u));
        let angle = TAU * self.uniform();
        self.spare = Some(radius * libm::sin(angle));
        radius * libm::cos(angle)
    }

    fn numbers(&mut self, len: usize, variance: f64) -> Vec<Number> {
        let deviation = libm::sqrt(variance);
        let mut number = || Number::from_f64(deviation * self.next()).expect("a finite value");
        (0..len).map(|_| number()).collect()
    }

    fn biases(&mut self, len: usize, variance: f64, wanted: bool) -> Vec<Number> {
        if wanted {
            self.numbers(len, variance)
        } else {
            vec![Number::ZERO; len]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_values_are_pinned() {
        // Bit for bit what an independent implementation of the recipe gives.
        let first = |seed| {
            let mut normal = Normal::new(seed);
            [(); 4].map(|()| normal.next())
        };
        assert_eq!(
            first(0),
            [
                0.2996086660660091,
                -2.7835018003275698,
                -0.003534143189009679,
                -1.6548666982671527
            ]
        );
        assert_eq!(
            first(u64::MAX),
            [
                -0.3773533135745416,
                -1.563215127886513,
                -0.0395282850684769,
                0.7085609698945341
            ]
        );
    }

    #[test]
    fn values_are_standard_normal() {
        let mut normal = Normal::new(7);
        let n = 100_000;
        let values: Vec<f64> = (0..n).map(|_| normal.next()).collect();
        let moment = |k: i32| values.iter().map(|x| x.powi(k)).sum::<f64>() / n as f64;
        // Standard errors: 0.003, 0.0045, 0.012, 0.03.
        assert!(moment(1).abs() < 0.02, "{}", moment(1));
        assert!((moment(2) - 1.0).abs() < 0.03, "{}", moment(2));
        assert!(moment(3).abs() < 0.08, "{}", moment(3));
        assert!((moment(4) - 3.0).abs() < 0.2, "{}", moment(4));
    }

    #[test]
    fn too_many_weights_are_refused() {
        let line = "1; dense 7000; dense 7000; dense 7000";
        for (line, place) in [
            (line, "layer 3 \"dense 7000\""),
            ("500x500x1; conv 9@9x9", "layer 1"),
        ] {
            let message = he(&Architecture::parse(line).unwrap(), 0)
                .unwrap_err()
                .to_string();
            assert!(
                message.contains(place) && message.contains("more weights"),
                "{message}"
            );
        }
    }

    #[test]
    fn the_variance_counts_kernel_and_filters() {
        let variance = |line: &str| {
            let architecture = Architecture::parse(line).unwrap();
            let network = he(&architecture, 3).unwrap();
            let Layer::Affine(affine) = &network.layers()[0] else {
                panic!("expected an affine layer")
            };
            let weights = affine.row(0).1.iter().map(|w| w.to_f64() * w.to_f64());
            (
                weights.sum::<f64>() / affine.row(0).1.len() as f64,
                affine.bias().to_vec(),
            )
        };
        let (conv, _) = variance("2x2x5000; conv 5@2x2");
        assert!((conv / (2.0 / 20.0) - 1.0).abs() < 0.05, "{conv}");
        let (dense, bias) = variance("20000; dense 4 nobias");
        assert!((dense / (2.0 / 4.0) - 1.0).abs() < 0.05, "{dense}");
        assert!(bias.iter().all(Number::is_zero));
    }

    #[test]
    fn seeds_and_layers_differ() {
        let architecture = Architecture::parse("1x4x1; conv 2@1x2; flatten; dense 3").unwrap();
        let show = |seed| format!("{:?}", he(&architecture, seed).unwrap());
        assert_eq!(show(1), show(1));
        assert_ne!(show(1), show(2));
        let network = he(&architecture, 1).unwrap();
        assert_eq!(network.units_per_layer(), [6, 3]);
        assert_eq!(network.parameters(), 2 * 3 + 7 * 3);
    }
}
