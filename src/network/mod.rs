//! The model: shapes, affine layers with exact weights, ReLU, and evaluation.

pub mod affine;
pub mod architecture;
pub mod evaluate;
pub mod export;
pub mod import;
pub(crate) mod limits;
mod listing;
pub mod random;
pub mod shape;

pub use affine::{Affine, AffineKind, ChannelOrder, Convolution};
pub use architecture::Architecture;
pub use shape::Shape;

use crate::{Error, Result};
use limits::{MAX_ENTRIES, MAX_LAYERS, tensor_len};

/// A feed-forward piecewise-linear network with exact weights.
///
/// Tensors travel flattened in row-major order over the model's own axes, without
/// the batch axis: (channel, height, width) for a model read from ONNX, (height,
/// width, channel) for one written in this project's own format.
#[derive(Clone, Debug)]
pub struct Network {
    input: Shape,
    layers: Vec<Layer>,
    output: Shape,
    /// Stored entries of all layers.
    entries: usize,
}

/// One step of a network.
// A network has a handful of layers: boxing one would save a few hundred bytes.
#[allow(clippy::large_enum_variant)]
#[derive(Clone, Debug)]
pub enum Layer {
    /// `x -> W x + b`.
    Affine(Affine),
    /// `x -> max(0, x)`, entry by entry: every entry is a unit.
    Relu,
    /// The same entries under another shape.
    Reshape(Shape),
}

impl Network {
    /// A network that gives back its input; [`Network::push`] adds the layers.
    pub fn new(input: Shape) -> Self {
        Network {
            output: input.clone(),
            input,
            layers: Vec::new(),
            entries: 0,
        }
    }

    /// Appends a layer.
    ///
    /// # Errors
    /// When the layer does not take what the last one gives, or the network becomes
    /// larger than any count could handle; the error's place is the layer's number,
    /// counted from 1.
    pub fn push(&mut self, layer: Layer) -> Result<()> {
        let given = &self.output;
        let taken = match &layer {
            Layer::Affine(affine) => affine.input_len(),
            Layer::Reshape(shape) => shape.len(),
            Layer::Relu => given.len(),
        };
        let number = self.layers.len() + 1;
        let wrong = |problem: String, remedy: &str| {
            Error::input("network", format!("layer {number}"), problem, remedy)
        };
        if taken != given.len() {
            let problem = format!(
                "takes {taken} values, but the layer before gives {} ({given})",
                given.len()
            );
            let remedy = "check the weight's shape against the shape of its input";
            return Err(wrong(problem, remedy));
        }
        let (output, entries) = match &layer {
            Layer::Affine(affine) => (affine.output(), affine.entries()),
            Layer::Reshape(shape) => (shape, 0),
            Layer::Relu => (given, 0),
        };
        let entries = self.entries.saturating_add(entries);
        let too_large = if number > MAX_LAYERS {
            Some(format!("{MAX_LAYERS} layers"))
        } else if tensor_len(output.axes()).is_none() {
            Some(format!("{MAX_ENTRIES} values in a layer ({output})"))
        } else if entries > MAX_ENTRIES {
            Some(format!(
                "{MAX_ENTRIES} weights, one for each input of each unit"
            ))
        } else {
            None
        };
        if let Some(limit) = too_large {
            let remedy = "use a smaller network: no exact count gets near this size";
            return Err(wrong(format!("more than {limit}"), remedy));
        }
        self.output = output.clone();
        self.entries = entries;
        self.layers.push(layer);
        Ok(())
    }

    /// The shape of an input, without the batch axis.
    pub fn input(&self) -> &Shape {
        &self.input
    }

    /// The shape of the output.
    pub fn output(&self) -> Shape {
        self.output.clone()
    }

    /// The layers, first to last.
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// The shape that each layer gives.
    pub fn shapes(&self) -> Vec<Shape> {
        let mut shape = self.input.clone();
        self.layers
            .iter()
            .map(|layer| {
                match layer {
                    Layer::Affine(affine) => shape = affine.output().clone(),
                    Layer::Reshape(to) => shape = to.clone(),
                    Layer::Relu => {}
                }
                shape.clone()
            })
            .collect()
    }

    /// Units in each ReLU layer, first to last.
    pub fn units_per_layer(&self) -> Vec<usize> {
        let shapes = self.shapes();
        let relu =
            |(layer, shape): (&Layer, &Shape)| matches!(layer, Layer::Relu).then_some(shape.len());
        self.layers.iter().zip(&shapes).filter_map(relu).collect()
    }

    /// Weights and biases, each counted once (a convolution's filter once, not
    /// once a position).
    pub fn parameters(&self) -> usize {
        self.layers
            .iter()
            .map(|layer| match layer {
                Layer::Affine(affine) => affine.parameters(),
                _ => 0,
            })
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arithmetic::Number;

    fn refused(network: &mut Network, layer: Layer, expected: &str) {
        let before = network.layers().len();
        let message = network.push(layer).unwrap_err().to_string();
        assert!(message.contains(expected), "{message}");
        assert!(message.contains(&format!("layer {}", before + 1)));
        assert_eq!(network.layers().len(), before);
    }

    #[test]
    fn layers_that_do_not_fit_are_refused() {
        let dense = Affine::dense(2, 1, vec![Number::ONE; 2], vec![Number::ZERO]).unwrap();
        let mut network = Network::new(Shape::new([3]));
        refused(&mut network, Layer::Affine(dense), "takes 2 values");
        refused(
            &mut network,
            Layer::Reshape(Shape::new([2, 2])),
            "takes 4 values",
        );
    }

    #[test]
    fn absurd_sizes_are_refused_without_overflow() {
        for axes in [vec![usize::MAX, 2], vec![1 << 40], vec![1 << 32, 1 << 32]] {
            let shape = Shape::new(axes);
            let mut network = Network::new(shape.clone());
            refused(&mut network, Layer::Relu, "more than");
            refused(&mut network, Layer::Reshape(shape), "more than");
            let other = Layer::Reshape(Shape::new([3, usize::MAX]));
            assert!(network.push(other).is_err());
        }
        // No values at all, whatever the other axes say.
        let mut network = Network::new(Shape::new([usize::MAX, 2, 0]));
        assert!(network.push(Layer::Reshape(Shape::new([0]))).is_ok());
    }

    #[test]
    fn too_many_layers_are_refused() {
        let mut network = Network::new(Shape::new([1]));
        for _ in 0..MAX_LAYERS {
            network.push(Layer::Relu).unwrap();
        }
        refused(&mut network, Layer::Relu, "10000 layers");
    }
}
