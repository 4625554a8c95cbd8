//! The model: shapes, affine layers with exact weights, ReLU, and evaluation.

pub mod affine;
pub mod architecture;
pub mod evaluate;
pub mod export;
pub mod import;
pub(crate) mod limits;
pub mod random;
pub mod shape;

pub use affine::{Affine, AffineKind, ChannelOrder, Convolution};
pub use architecture::Architecture;
pub use shape::Shape;

use crate::{Error, Result};

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
        }
    }

    /// Appends a layer.
    ///
    /// # Errors
    /// When the layer does not take what the last one gives; the error's place is
    /// the layer's number, counted from 1.
    pub fn push(&mut self, layer: Layer) -> Result<()> {
        let given = &self.output;
        let taken = match &layer {
            Layer::Affine(affine) => affine.input_len(),
            Layer::Reshape(shape) => shape.len(),
            Layer::Relu => given.len(),
        };
        if taken != given.len() {
            return Err(Error::input(
                "network",
                format!("layer {}", self.layers.len() + 1),
                format!(
                    "takes {taken} values, but the layer before gives {} ({given})",
                    given.len()
                ),
                "check the weight's shape against the shape of its input",
            ));
        }
        match &layer {
            Layer::Affine(affine) => self.output = affine.output().clone(),
            Layer::Reshape(shape) => self.output = shape.clone(),
            Layer::Relu => {}
        }
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
