//! Carries the input through the nodes and collects the layers.

use std::collections::HashMap;

use super::axes;
use super::exact;
use super::graph::Graph;
use super::node::Node;
use super::operators;
use super::proto::{ValueInfoProto, data_type};
use super::tensor::{Constant, initialiser};
use super::{quote, wrong};
use crate::arithmetic::Number;
use crate::network::{Affine, AffineKind, Layer, Network, Shape};
use crate::{Error, Result};

/// All layers together may have this many entries; a row counts for a few of them.
/// Beyond, nobody can count regions, and a small file that describes a huge layer
/// could fill the memory.
const MOST_ENTRIES: usize = 1 << 26;

/// What a row costs beside its entries.
const ROW: usize = 4;

/// A tensor on its way through the graph.
#[derive(Clone, Debug)]
pub enum Value {
    /// Depends on the input; these are its axes, the batch axis included.
    Activation(Vec<usize>),
    /// Known now.
    Constant(Constant),
}

/// One node with its operands.
pub struct Call<'a, 'm> {
    /// The node.
    pub node: &'a Node<'m>,
    operands: &'a [Option<Value>],
}

/// The network under construction.
#[derive(Debug)]
pub struct Build {
    layers: Vec<Layer>,
    /// Whether the input has a batch axis: then a first axis of size 1 is not shown.
    batched: bool,
    /// The shape that the last layer gives.
    shape: Shape,
    /// The last layer is a product that may still get its bias.
    unbiased: bool,
    entries_left: usize,
}

/// The network of a sorted graph.
pub fn build(graph: &Graph) -> Result<Network> {
    let input = input_axes(graph.input)?;
    let mut build = Build::new(&input);
    let mut network = Network::new(build.shape.clone());
    let mut values: HashMap<&str, Value> = HashMap::new();
    values.insert(&graph.input.name, Value::Activation(input));
    for node in &graph.nodes {
        let mut operands = Vec::new();
        for name in node.inputs() {
            operands.push(match name {
                None => None,
                Some(name) => Some(match values.get(name) {
                    Some(value) => value.clone(),
                    None => {
                        let tensor = graph.initialisers.get(name).ok_or_else(|| {
                            node.wrong(
                                format!("reads {}, which is not known yet", quote(name)),
                                super::EXPORT_AGAIN,
                            )
                        })?;
                        let constant = Constant::read(tensor, initialiser(name))?;
                        values.insert(name, Value::Constant(constant.clone()));
                        Value::Constant(constant)
                    }
                }),
            });
        }
        let call = Call {
            node,
            operands: &operands,
        };
        let value = operators::apply(&call, &mut build)?;
        let mut outputs = node.outputs();
        match (outputs.next(), outputs.next()) {
            (Some(output), None) => values.insert(output, value),
            _ => return Err(node.wrong("has not one output", super::EXPORT_AGAIN)),
        };
    }
    for layer in build.layers {
        network.push(layer)?;
    }
    Ok(network)
}

/// The axes of the input, a batch axis of size 1 included.
fn input_axes(input: &ValueInfoProto) -> Result<Vec<usize>> {
    let fault = |problem: String, remedy: &str| {
        wrong(format!("input {}", quote(&input.name)), problem, remedy)
    };
    let tensor = input
        .r#type
        .as_ref()
        .and_then(|kind| kind.tensor_type.as_ref())
        .ok_or_else(|| fault("has no tensor type".into(), super::EXPORT_AGAIN))?;
    if ![data_type::FLOAT, data_type::DOUBLE].contains(&tensor.elem_type) {
        return Err(fault(
            format!(
                "holds entries of type {}; float32 or float64 is expected",
                data_type::name(tensor.elem_type)
            ),
            "export the model with a float input",
        ));
    }
    let shape = tensor.shape.as_ref().ok_or_else(|| {
        fault(
            "has no shape".into(),
            "export the model with a fixed input shape; only the batch axis may be left open",
        )
    })?;
    let rank = shape.dim.len();
    let mut sizes = Vec::new();
    for (axis, dim) in shape.dim.iter().enumerate() {
        let batch = rank >= 2 && axis == 0;
        let size = match dim.dim_value {
            None if batch => 1,
            None => {
                return Err(fault(
                    format!(
                        "axis {axis} has no fixed size{}",
                        match dim.dim_param.as_deref() {
                            None | Some("") => String::new(),
                            Some(symbol) => format!(" ({})", quote(symbol)),
                        }
                    ),
                    "fix it: onnxruntime.tools.make_dynamic_shape_fixed; only the first axis of \
                     two or more, the batch, may be left open",
                ));
            }
            Some(size) if size < 1 => {
                return Err(fault(
                    format!("axis {axis} has size {size}"),
                    super::EXPORT_AGAIN,
                ));
            }
            Some(size) if batch && size != 1 => {
                return Err(fault(
                    format!("the batch, axis 0, has size {size}; 1 or a symbol is expected"),
                    "export the model for one input at a time; an input without a batch axis \
                     needs one in front: 1",
                ));
            }
            Some(size) => usize::try_from(size).unwrap_or(usize::MAX),
        };
        sizes.push(size);
    }
    axes::elements(&sizes).map_err(|problem| fault(problem, "use a smaller input"))?;
    Ok(sizes)
}

impl Build {
    fn new(input: &[usize]) -> Self {
        let batched = input.len() >= 2;
        Build {
            layers: Vec::new(),
            batched,
            shape: without_batch(batched, input),
            unbiased: false,
            entries_left: MOST_ENTRIES,
        }
    }

    /// The shape that a layer shows for a tensor of these axes.
    pub fn shape(&self, axes: &[usize]) -> Shape {
        without_batch(self.batched, axes)
    }

    /// Asks for `rows` rows of `row` entries before they are made.
    pub fn reserve(&mut self, node: &Node, rows: usize, row: usize) -> Result<()> {
        let cost = row
            .checked_add(ROW)
            .and_then(|row| row.checked_mul(rows))
            .unwrap_or(usize::MAX);
        match self.entries_left.checked_sub(cost) {
            Some(left) => {
                self.entries_left = left;
                Ok(())
            }
            None => Err(node.wrong(
                format!(
                    "would need {rows} rows of {row} entries, beyond the {MOST_ENTRIES} that all \
                     layers together may have"
                ),
                "the regions of a network of this size are beyond counting; use a smaller one",
            )),
        }
    }

    /// Appends an affine layer that gives a tensor of these axes.
    pub fn affine(&mut self, node: &Node, layer: Affine, axes: Vec<usize>) -> Result<Value> {
        let shape = self.shape(&axes);
        let layer = layer.with_output(shape.clone()).map_err(at(node))?;
        self.shape = shape;
        self.unbiased = false;
        self.layers.push(Layer::Affine(layer));
        Ok(Value::Activation(axes))
    }

    /// Says that the last layer is a product without a bias: one added next joins it.
    pub fn awaits_bias(&mut self) {
        self.unbiased = true;
    }

    /// Gives the last layer this bias, if it is a product that has none and the
    /// result is still of its kind: a convolution adds one number a filter. Adding
    /// to nothing rounds nothing.
    pub fn join_bias(&mut self, bias: &[Number], stored: usize) -> Result<bool> {
        if !self.unbiased {
            return Ok(false);
        }
        let Some(Layer::Affine(last)) = self.layers.last() else {
            return Ok(false);
        };
        if bias.len() != last.output().len() {
            return Ok(false);
        }
        if let AffineKind::Convolution(convolution) = last.kind() {
            let positions = bias.len() / convolution.filters;
            if bias
                .chunks(positions)
                .any(|of| of.iter().any(|b| *b != of[0]))
            {
                return Ok(false);
            }
        }
        let Some(Layer::Affine(last)) = self.layers.pop() else {
            return Ok(false);
        };
        let parameters = last.parameters() + stored;
        let joined = last.with_bias(bias.to_vec())?.with_parameters(parameters);
        self.layers.push(Layer::Affine(joined));
        self.unbiased = false;
        Ok(true)
    }

    /// Appends a ReLU.
    pub fn relu(&mut self) {
        self.unbiased = false;
        self.layers.push(Layer::Relu);
    }

    /// The same entries, in the same order, under other axes.
    pub fn reshape(&mut self, axes: Vec<usize>) -> Value {
        let shape = self.shape(&axes);
        if shape != self.shape {
            self.unbiased = false;
            self.shape = shape.clone();
            self.layers.push(Layer::Reshape(shape));
        }
        Value::Activation(axes)
    }
}

fn without_batch(batched: bool, axes: &[usize]) -> Shape {
    match axes {
        [1, rest @ ..] if batched => Shape::new(rest),
        _ => Shape::new(axes),
    }
}

/// An error of a layer's constructor, said of the node.
pub fn at<'a>(node: &'a Node) -> impl Fn(Error) -> Error + 'a {
    move |error| match error {
        Error::Input {
            problem, remedy, ..
        } => node.wrong(problem, remedy),
        other => other,
    }
}

impl Call<'_, '_> {
    /// The operand, if there is one.
    pub fn operand(&self, k: usize) -> Option<&Value> {
        self.operands.get(k).and_then(Option::as_ref)
    }

    /// All operands; an absent one is an error.
    pub fn all(&self) -> Result<Vec<&Value>> {
        (0..self.operands.len()).map(|k| self.required(k)).collect()
    }

    /// Checks the number of operands.
    pub fn takes(&self, least: usize, most: usize) -> Result<()> {
        let count = self.operands.len();
        if count < least || count > most {
            let expected = if least == most {
                format!("{least}")
            } else {
                format!("{least} to {most}")
            };
            return Err(self.node.wrong(
                format!(
                    "has {count} operands; in operator set {} it takes {expected}",
                    self.node.opset
                ),
                super::EXPORT_AGAIN,
            ));
        }
        (0..least).try_for_each(|k| self.required(k).map(|_| ()))
    }

    /// The operand, which must be there.
    pub fn required(&self, k: usize) -> Result<&Value> {
        self.operand(k)
            .ok_or_else(|| self.missing(&format!("operand {k}")))
    }

    /// The operand as a constant, if it is given; `what` says what it is.
    pub fn constant(&self, k: usize, what: &str) -> Result<Option<&Constant>> {
        match self.operand(k) {
            None => Ok(None),
            Some(Value::Constant(constant)) => Ok(Some(constant)),
            Some(Value::Activation(_)) => Err(self.node.wrong(
                format!("the {what} depends on the input"),
                "the result would not be affine in the input; only a constant is supported here",
            )),
        }
    }

    /// The operand as a list of integers, if it is given.
    pub fn integers(&self, k: usize, what: &str) -> Result<Option<&[i64]>> {
        let Some(constant) = self.constant(k, what)? else {
            return Ok(None);
        };
        match constant.integers() {
            Some(integers) if constant.axes.len() <= 1 => Ok(Some(integers)),
            _ => Err(self.node.wrong(
                format!("the {what}, {}, is not a list of integers", constant.name),
                super::EXPORT_AGAIN,
            )),
        }
    }

    /// The error of an operand that is not there.
    pub fn missing(&self, what: &str) -> Error {
        self.node
            .wrong(format!("has no {what}"), super::EXPORT_AGAIN)
    }

    /// The number of entries of a tensor that this node gives.
    pub fn elements(&self, axes: &[usize]) -> Result<usize> {
        match axes::elements(axes) {
            Ok(0) => Err(self.node.wrong(
                format!("gives an empty tensor, {}", axes::shown(axes)),
                super::EXPORT_AGAIN,
            )),
            Ok(count) => Ok(count),
            Err(problem) => Err(self
                .node
                .wrong(format!("gives {problem}"), "use a smaller model")),
        }
    }

    /// One over each entry of a constant.
    pub fn reciprocals(&self, constant: &Constant) -> Result<Vec<Number>> {
        let numbers = constant.numbers();
        let reciprocal = |(flat, value): (usize, &Number)| {
            exact::reciprocal(value).ok_or_else(|| {
                self.node.wrong(
                    format!("divides by zero: {}", constant.entry(flat)),
                    "check the constant",
                )
            })
        };
        numbers.iter().enumerate().map(reciprocal).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::proto::data_type;
    use super::super::testing::Model;

    fn relu(input: &[i64]) -> Model {
        Model::new(input).node("Relu", &["x"], "y")
    }

    #[test]
    fn the_batch_axis_is_the_first_of_several() {
        for (axes, expected) in [
            (&[-1, 3][..], "3"),
            (&[1, 1, 1, 2], "1x1x2"),
            (&[3], "3"),
            (&[1], "1"),
            (&[], "1"),
        ] {
            let shape = relu(axes).read().input().to_string();
            assert_eq!(shape, expected, "{axes:?}");
        }
    }

    #[test]
    fn inputs_without_a_size_are_refused() {
        relu(&[1, -1]).refused(&["input \"x\"", "axis 1 has no fixed size (\"N\")"]);
        relu(&[-1]).refused(&["axis 0 has no fixed size"]);
        relu(&[5, 3]).refused(&["the batch, axis 0, has size 5"]);
        relu(&[1, 0]).refused(&["axis 1 has size 0"]);
        relu(&[1, 1 << 31, 2]).refused(&["entries"]);
        relu(&[1, i64::MAX, i64::MAX]).refused(&["entries"]);
        relu(&[1; 50]).refused(&["50 axes"]);
        let mut negative = relu(&[1, 1]);
        fn tensor(model: &mut Model) -> &mut super::super::proto::TensorTypeProto {
            let kind = model.graph().input[0].r#type.as_mut().unwrap();
            kind.tensor_type.as_mut().unwrap()
        }
        tensor(&mut negative).shape.as_mut().unwrap().dim[1].dim_value = Some(-3);
        negative.refused(&["axis 1 has size -3"]);
        let mut open = relu(&[1, 1]);
        tensor(&mut open).shape = None;
        open.refused(&["has no shape"]);
        let mut integer = relu(&[1, 1]);
        tensor(&mut integer).elem_type = data_type::INT64;
        integer.refused(&["type int64"]);
        let mut typeless = relu(&[1, 1]);
        typeless.graph().input[0].r#type = None;
        typeless.refused(&["no tensor type"]);
    }

    #[test]
    fn huge_layers_are_refused_before_they_are_made() {
        let big = |operator| {
            Model::new(&[1, 1 << 30])
                .weight("c", &[1, 1], &[2.0])
                .node(operator, &["x", "c"], "y")
        };
        big("Mul").refused(&["node 0 \"the Mul\" (Mul)", "1073741824 rows of 1 entries"]);
        Model::new(&[1, 1 << 30, 1])
            .weight("c", &[1, 1], &[2.0])
            .node("MatMul", &["x", "c"], "y")
            .refused(&["1073741824 rows"]);
        // Each layer is small; all together are not.
        let mut many = Model::new(&[1, 1 << 16]).weight("c", &[1], &[1.0]);
        for k in 0..500 {
            let (from, to) = (k.to_string(), (k + 1).to_string());
            many = many.node("Mul", &[&from, "c"], &to);
        }
        many.graph().node[0].input[0] = "x".into();
        many.graph().output[0].name = "500".into();
        many.refused(&["all layers together"]);
    }
}
