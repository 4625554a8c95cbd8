//! The project's own network JSON; `docs/formats.md` describes it.
//!
//! The plain form is a dense network with ReLU after every layer but the last:
//!
//! ```json
//! {"input_dim": 2, "layers": [{"weight": [[1, -1], ["1/3", 0.5]], "bias": [0, 1]},
//!                             {"weight": [[1, 1]]}]}
//! ```
//!
//! As soon as one layer has a `"type"` or an `"activation"`, no ReLU is implied.

use super::document::{self, Level, Node};
use crate::arithmetic::Number;
use crate::network::limits::{MAX_ENTRIES, convolution_problem, tensor_len};
use crate::network::{Affine, ChannelOrder, Convolution, Layer, Network, Shape};
use crate::{Error, Result};

/// Reads a network.
///
/// # Errors
/// When the text is not JSON (with its line and column), or not a network (with
/// the place, such as `layers[2].weight[0][3]`).
///
/// ```
/// let text = r#"{"input_dim": 2, "layers": [{"weight": [[1, -1], ["1/3", 0.5]]},
///                                           {"weight": [[1, 1]], "bias": [0]}]}"#;
/// let network = chambers::network::import::json::read(text.as_bytes()).unwrap();
/// assert_eq!(network.units_per_layer(), [2]);
/// ```
pub fn read(text: &[u8]) -> Result<Network> {
    let value = document::parse(text)?;
    from_root(&Node::root(&value))
}

/// Reads a network from a parsed document.
pub(super) fn from_root(root: &Node) -> Result<Network> {
    let layers = root.need(
        "layers",
        "a network has \"input_dim\" and \"layers\"; see docs/formats.md",
    )?;
    let mut network = Network::new(input_shape(root)?);
    let explicit = layers
        .items("a list of layers")?
        .any(|layer| layer.has("type") || layer.has("activation"));
    let last = layers.items("a list of layers")?.len().saturating_sub(1);
    for (number, layer) in layers.items("a list of layers")?.enumerate() {
        refuse_lookalikes(&layer)?;
        let shape = network.output();
        let kind = match layer.get("type") {
            Some(kind) => kind.text("the layer's type, a string")?,
            None => "dense",
        };
        let step = match kind {
            "dense" => Layer::Affine(dense(&layer, &shape)?),
            "conv" => Layer::Affine(convolution(&layer, &shape)?),
            "relu" => Layer::Relu,
            "flatten" => Layer::Reshape(Shape::new([shape.len()])),
            "reshape" => Layer::Reshape(reshaped(
                &layer.need("shape", "write \"shape\": [4, 4, 1]")?,
                &shape,
            )?),
            "scale" => Layer::Affine(scale(&layer, &shape)?),
            "permute" => Layer::Affine(permutation(&layer, &shape)?),
            "sparse" => Layer::Affine(sparse(&layer, &shape)?),
            _ => {
                return Err(layer.need("type", "")?.error(
                    format!("no layer type is called {kind:?}"),
                    "the types are dense, conv, relu, flatten, reshape, scale, permute and sparse",
                ));
            }
        };
        let push = |network: &mut Network, step| {
            // Every reader above has checked the shape and named its place.
            network.push(step).map_err(|error| relocate(error, &layer))
        };
        push(&mut network, step)?;
        if (!explicit && number < last) || wants_relu(&layer)? {
            push(&mut network, Layer::Relu)?;
        }
    }
    Ok(network)
}

fn relocate(error: Error, node: &Node) -> Error {
    match error {
        Error::Input {
            problem, remedy, ..
        } => node.error(problem, remedy),
        other => other,
    }
}

fn input_shape(root: &Node) -> Result<Shape> {
    let dim = root.get("input_dim").map(|node| node.size(1)).transpose()?;
    let Some(node) = root.get("input_shape") else {
        let dim = dim.ok_or_else(|| {
            root.error(
                "there is neither \"input_dim\" nor \"input_shape\"",
                "write \"input_dim\": 2, or \"input_shape\": [height, width, channels]",
            )
        })?;
        if tensor_len(&[dim]).is_none() {
            return Err(root.need("input_dim", "")?.error(
                format!("{dim} inputs; expected at most {MAX_ENTRIES}"),
                "use a smaller network",
            ));
        }
        return Ok(Shape::new([dim]));
    };
    let axes = node.sizes(1)?;
    match (tensor_len(&axes), dim) {
        (None, _) => Err(node.error(
            format!("more than {MAX_ENTRIES} inputs"),
            "use a smaller network",
        )),
        (Some(len), Some(dim)) if len != dim => Err(node.error(
            format!("a shape of {len} values, but \"input_dim\" is {dim}"),
            "leave out one of the two",
        )),
        _ => Ok(Shape::new(axes)),
    }
}

/// Keys that other programs use for what decides the network here: ignoring them
/// would count the regions of another network.
const LOOKALIKES: [(&str, &str); 9] = [
    ("weights", "weight"),
    ("biases", "bias"),
    ("strides", "stride"),
    ("padding", "pad"),
    ("pads", "pad"),
    ("dilations", "dilation"),
    ("group", "groups"),
    ("channel_order", "order"),
    ("activations", "activation"),
];

fn refuse_lookalikes(layer: &Node) -> Result<()> {
    if !layer.is_object() {
        return Err(layer.error(
            "expected a layer, an object in braces",
            "write {\"weight\": [[...]], \"bias\": [...]}",
        ));
    }
    for (wrong, right) in LOOKALIKES {
        if let Some(node) = layer.get(wrong) {
            return Err(node.error(
                format!("no layer has a key {wrong:?}"),
                format!("write {right:?}, with the meaning given in docs/formats.md"),
            ));
        }
    }
    Ok(())
}

fn wants_relu(layer: &Node) -> Result<bool> {
    let Some(node) = layer.get("activation").filter(|node| !node.is_null()) else {
        return Ok(false);
    };
    match node.text("\"relu\" or \"none\"")? {
        "relu" => Ok(true),
        "none" => Ok(false),
        other => Err(node.error(
            format!("activation {other:?}; expected \"relu\" or \"none\""),
            "only ReLU networks can be read",
        )),
    }
}

fn bias(layer: &Node, len: usize, why: &'static str) -> Result<Vec<Number>> {
    match layer.get("bias").filter(|node| !node.is_null()) {
        Some(node) => node.tensor(&mut [Level::exactly(len, why)]),
        None => Ok(vec![Number::ZERO; len]),
    }
}

const DENSE: &str = "write \"weight\": one row of numbers for each output";

fn dense(layer: &Node, shape: &Shape) -> Result<Affine> {
    let inputs = shape.len();
    let mut levels = [
        Level::any(),
        Level::exactly(inputs, "one for each value that the layer takes"),
    ];
    let weight = layer.need("weight", DENSE)?.tensor(&mut levels)?;
    let outputs = levels[0].len.unwrap_or(0);
    let bias = bias(layer, outputs, "one for each row of \"weight\"")?;
    Affine::dense(inputs, outputs, weight, bias).map_err(|error| relocate(error, layer))
}

fn convolution(layer: &Node, shape: &Shape) -> Result<Affine> {
    let order = match layer.get("order") {
        None => ChannelOrder::Last,
        Some(node) => match node.text("\"channels_last\" or \"channels_first\"")? {
            "channels_last" => ChannelOrder::Last,
            "channels_first" => ChannelOrder::First,
            other => {
                return Err(node.error(
                    format!("order {other:?}"),
                    "write \"channels_last\" or \"channels_first\"",
                ));
            }
        },
    };
    let shape = match layer.get("input_shape") {
        Some(node) => reshaped(&node, shape)?,
        None => shape.clone(),
    };
    let (input, channels) = match (shape.axes(), order) {
        (&[h, w, c], ChannelOrder::Last) | (&[c, h, w], ChannelOrder::First) => ([h, w], c),
        _ => {
            return Err(layer.error(
                format!("a convolution takes three axes; its input has shape {shape}"),
                "set \"input_shape\": [height, width, channels] at top level or in this layer",
            ));
        }
    };
    let pair = |key, least, default: usize| match layer.get(key) {
        Some(node) => node.pair(least),
        None => Ok([default; 2]),
    };
    let (pad_begin, pad_end) = padding(layer)?;
    let groups = layer.get("groups").map_or(Ok(1), |node| node.size(1))?;
    if channels % groups != 0 {
        return Err(layer.need("groups", "")?.error(
            format!("{groups} groups do not divide {channels} input channels"),
            "each group takes the same number of channels",
        ));
    }
    let channel_level = || {
        Level::exactly(
            channels / groups,
            "one for each input channel of the filter's group",
        )
    };
    // [filter][row][column][channel], or [filter][channel][row][column].
    let mut levels = [Level::any(), Level::any(), Level::any(), Level::any()];
    let kernel_levels = match order {
        ChannelOrder::Last => {
            levels[3] = channel_level();
            [1, 2]
        }
        ChannelOrder::First => {
            levels[1] = channel_level();
            [2, 3]
        }
    };
    let node = layer.need(
        "weight",
        "write \"weight\": one filter after another, each nested [row][column][channel]",
    )?;
    let mut weight = node.tensor(&mut levels)?;
    let [filters, a, b, c] = levels.map(|level| level.len.unwrap_or(0));
    if weight.is_empty() {
        return Err(node.error("no weights at all", "a convolution has at least one filter"));
    }
    if order == ChannelOrder::Last {
        weight = channels_outermost(weight, filters, a * b, c);
    }
    let conv = Convolution {
        stride: pair("stride", 1, 1)?,
        pad_begin,
        pad_end,
        dilation: pair("dilation", 1, 1)?,
        groups,
        ..Convolution::new(
            input,
            channels,
            filters,
            kernel_levels.map(|k| [filters, a, b, c][k]),
            order,
        )
    };
    if let Some(problem) = convolution_problem(&conv) {
        return Err(layer.error(
            problem,
            "check weight, stride, pad, dilation and groups against the input's shape",
        ));
    }
    let bias = bias(layer, filters, "one for each filter")?;
    Affine::convolution(conv, &weight, &bias).map_err(|error| relocate(error, layer))
}

/// From (filter, tap, channel) to (filter, channel, tap).
fn channels_outermost(
    weight: Vec<Number>,
    filters: usize,
    taps: usize,
    channels: usize,
) -> Vec<Number> {
    let mut moved = Vec::with_capacity(weight.len());
    for filter in 0..filters {
        for channel in 0..channels {
            for tap in 0..taps {
                moved.push(weight[(filter * taps + tap) * channels + channel].clone());
            }
        }
    }
    moved
}

/// Zeros before and after: one number, [height, width], or [top, left, bottom, right].
fn padding(layer: &Node) -> Result<([usize; 2], [usize; 2])> {
    let Some(node) = layer.get("pad") else {
        return Ok(([0; 2], [0; 2]));
    };
    if !node.is_array() {
        let pad = node.size(0)?;
        return Ok(([pad; 2], [pad; 2]));
    }
    match node.sizes(0)?[..] {
        [h, w] => Ok(([h, w], [h, w])),
        [top, left, bottom, right] => Ok(([top, left], [bottom, right])),
        ref sizes => Err(node.error(
            format!("{} numbers; expected 1, 2 or 4", sizes.len()),
            "write one number, [height, width] or [top, left, bottom, right]",
        )),
    }
}

fn reshaped(node: &Node, from: &Shape) -> Result<Shape> {
    let axes = node.sizes(1)?;
    if tensor_len(&axes) != Some(from.len()) {
        let shape = Shape::new(axes);
        return Err(node.error(
            format!(
                "shape {shape} does not hold the {} values of shape {from}",
                from.len()
            ),
            "the product of the axes has to stay the same",
        ));
    }
    Ok(Shape::new(axes))
}

/// The shape that a layer gives when it may set one itself.
fn own_shape(layer: &Node, from: &Shape) -> Result<Shape> {
    layer
        .get("shape")
        .map_or(Ok(from.clone()), |node| reshaped(&node, from))
}

fn scale(layer: &Node, shape: &Shape) -> Result<Affine> {
    const WHY: &str = "one for each value that the layer takes";
    let len = shape.len();
    // A single number serves every value.
    let values = |key, default: Number| match layer.get(key).filter(|node| !node.is_null()) {
        Some(node) if node.is_array() => node.tensor(&mut [Level::exactly(len, WHY)]),
        Some(node) => Ok(vec![node.number()?; len]),
        None => Ok(vec![default; len]),
    };
    let (weight, bias) = (
        values("weight", Number::ONE)?,
        values("bias", Number::ZERO)?,
    );
    Affine::elementwise(own_shape(layer, shape)?, weight, bias)
        .map_err(|error| relocate(error, layer))
}

fn permutation(layer: &Node, shape: &Shape) -> Result<Affine> {
    let node = layer.need(
        "source",
        "write \"source\": for each output entry the number of its input entry, from 0",
    )?;
    Affine::permutation(own_shape(layer, shape)?, &node.sizes(0)?)
        .map_err(|error| relocate(error, &node))
}

const SPARSE: &str = "write \"rows\": for each output {\"inputs\": [0, 3], \"weight\": [0.5, -1]}";

fn sparse(layer: &Node, from: &Shape) -> Result<Affine> {
    let node = layer.need("rows", SPARSE)?;
    let mut rows = Vec::new();
    for row in node.items("a list of rows")? {
        let inputs = row.need("inputs", SPARSE)?.sizes(0)?;
        let mut levels = [Level::exactly(
            inputs.len(),
            "one for each of the row's inputs",
        )];
        let weight = row.need("weight", SPARSE)?.tensor(&mut levels)?;
        rows.push(inputs.into_iter().zip(weight).collect());
    }
    let shape = match layer.get("shape") {
        Some(shape) => reshaped(&shape, &Shape::new([rows.len()]))?,
        None => Shape::new([rows.len()]),
    };
    let bias = bias(layer, rows.len(), "one for each row")?;
    Affine::sparse(from.len(), shape, rows, bias).map_err(|error| relocate(error, &node))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arithmetic::Rational;
    use crate::network::AffineKind;

    fn refused(text: &str, expected: &str) {
        match read(text.as_bytes()) {
            Ok(_) => panic!("{text} was read; expected {expected:?}"),
            Err(error) => {
                let message = error.to_string();
                assert!(message.contains(expected), "{text}\n{message}");
            }
        }
    }

    fn output(network: &Network, input: &[i64]) -> Vec<String> {
        let input: Vec<Rational> = input
            .iter()
            .map(|&x| Number::from(x).to_rational())
            .collect();
        let output = network.evaluate(&input).output;
        output.iter().map(Rational::to_string).collect()
    }

    #[test]
    fn plain_layers_have_relu_between_them() {
        let network = read(
            br#"{"name": "ignored", "input_dim": 2, "layers": [
                {"weight": [[1, -1], ["1/3", 0.5]], "bias": [0, -1], "comment": 1},
                {"weight": [[1, 1], [0, -1]]}]}"#,
        )
        .unwrap();
        assert_eq!(network.units_per_layer(), [2]);
        // ReLU(3 - 6), ReLU(1 + 3 - 1)
        assert_eq!(output(&network, &[3, 6]), ["3", "-3"]);
        assert_eq!(network.parameters(), 12);
    }

    #[test]
    fn a_type_or_an_activation_makes_relu_explicit() {
        let typed = r#"{"input_dim": 1, "layers": [{"type": "dense", "weight": [[1]]},
            {"weight": [[1]]}, {"type": "relu"}, {"weight": [[1]], "activation": "relu"}]}"#;
        assert_eq!(read(typed.as_bytes()).unwrap().units_per_layer(), [1, 1]);
        let activated = r#"{"input_dim": 1, "layers": [{"weight": [[1], [2]]},
            {"weight": [[1, 1]], "activation": "relu"}, {"weight": [[1]], "activation": "none"}]}"#;
        assert_eq!(read(activated.as_bytes()).unwrap().units_per_layer(), [1]);
    }

    #[test]
    fn convolutions_are_channel_last() {
        let network = read(
            br#"{"input_shape": [1, 3, 2], "layers": [
                {"type": "conv", "weight": [[[[1, 10], [100, 1000]]]], "bias": [5]}]}"#,
        )
        .unwrap();
        assert_eq!(network.output(), Shape::new([1, 2, 1]));
        // x = [(1, 2), (3, 4), (5, 6)], channel innermost.
        assert_eq!(output(&network, &[1, 2, 3, 4, 5, 6]), ["4326", "6548"]);
    }

    #[test]
    fn channels_first_convolutions_nest_as_in_onnx() {
        let network = read(
            br#"{"input_shape": [2, 1, 3], "layers": [{"type": "conv",
                "order": "channels_first", "weight": [[[[1, 100]], [[10, 1000]]]], "bias": [5]}]}"#,
        )
        .unwrap();
        assert_eq!(network.output(), Shape::new([1, 1, 2]));
        assert_eq!(output(&network, &[1, 3, 5, 2, 4, 6]), ["4326", "6548"]);
    }

    #[test]
    fn a_convolution_keeps_its_geometry() {
        let network = read(
            br#"{"input_dim": 16, "layers": [{"type": "conv", "input_shape": [4, 2, 2],
                "weight": [[[[1]], [[1]]], [[[2]], [[2]]]], "stride": [2, 1], "pad": [0, 1, 2, 3],
                "dilation": 2, "groups": 2}]}"#,
        )
        .unwrap();
        let Layer::Affine(affine) = &network.layers()[0] else {
            panic!("expected an affine layer")
        };
        let AffineKind::Convolution(conv) = affine.kind() else {
            panic!("expected a convolution")
        };
        assert_eq!((conv.kernel, conv.filters, conv.groups), ([2, 1], 2, 2));
        assert_eq!((conv.pad_begin, conv.pad_end), ([0, 1], [2, 3]));
        assert_eq!((conv.stride, conv.dilation), ([2, 1], [2, 2]));
        assert_eq!(network.output(), Shape::new([2, 6, 2]));
    }

    #[test]
    fn other_layers_reshape_scale_and_permute() {
        let network = read(
            br#"{"input_shape": [1, 2, 2], "layers": [{"type": "scale", "weight": 2, "bias": [1, 2, 3, 4]},
                {"type": "permute", "source": [3, 2, 1, 0], "shape": [2, 2]},
                {"type": "flatten"}, {"type": "reshape", "shape": [2, 1, 2]}]}"#,
        )
        .unwrap();
        assert_eq!(network.output(), Shape::new([2, 1, 2]));
        assert_eq!(output(&network, &[1, 1, 1, 0]), ["4", "5", "4", "3"]);
    }

    #[test]
    fn a_layer_may_have_no_outputs() {
        let network = read(br#"{"input_dim": 3, "layers": [{"weight": []}, {"weight": [[]]}]}"#);
        assert_eq!(network.unwrap().units_per_layer(), [0]);
    }

    #[test]
    fn errors_name_their_place() {
        refused("[]", "top level: a list of 0 entries; expected an object");
        refused("{\"layers\": []}", "neither \"input_dim\" nor");
        refused("{\"input_dim\": 2}", "no key \"layers\"");
        for dim in ["0", "-1", "1.5", "1e3", "\"2\"", "99999999999999999999"] {
            refused(
                &format!("{{\"input_dim\": {dim}, \"layers\": []}}"),
                "input_dim: ",
            );
        }
        refused(
            "{\"input_dim\": 4000000000000, \"layers\": []}",
            "input_dim: 4000000000000 inputs",
        );
        refused(
            "{\"input_shape\": [3000000000, 3000000000, 9], \"layers\": []}",
            "input_shape: more than",
        );
        refused(
            "{\"input_dim\": 3, \"input_shape\": [2, 2], \"layers\": []}",
            "but \"input_dim\" is 3",
        );
        let layers = [
            ("3", "layers[1]: expected a layer"),
            ("{}", "layers[1]: there is no key \"weight\""),
            (
                "{\"weight\": [1, 2]}",
                "layers[1].weight[0]: 1; expected a list of numbers",
            ),
            (
                "{\"weight\": [[1, 2], [1, 2, 3]]}",
                "layers[1].weight[1]: 3 entries; expected 2, one for each value",
            ),
            (
                "{\"weight\": [[1, 2], [1, null]]}",
                "layers[1].weight[1][1]: null; expected a number",
            ),
            (
                "{\"weight\": [[1, 1e999]]}",
                "layers[1].weight[0][1]: 1e+999; expected",
            ),
            (
                "{\"weight\": [[1, 2]], \"bias\": [1, 2]}",
                "layers[1].bias: 2 entries; expected 1",
            ),
            (
                "{\"weights\": [[1, 2]]}",
                "layers[1].weights: no layer has a key",
            ),
            (
                "{\"type\": \"pool\"}",
                "layers[1].type: no layer type is called \"pool\"",
            ),
            (
                "{\"type\": 3}",
                "layers[1].type: 3; expected the layer's type",
            ),
            (
                "{\"weight\": [[1, 2]], \"activation\": \"tanh\"}",
                "layers[1].activation: activation \"tanh\"",
            ),
            (
                "{\"type\": \"conv\", \"weight\": []}",
                "layers[1]: a convolution takes three axes",
            ),
            (
                "{\"type\": \"reshape\"}",
                "layers[1]: there is no key \"shape\"",
            ),
            (
                "{\"type\": \"reshape\", \"shape\": [3]}",
                "layers[1].shape: shape 3 does not hold the 2 values",
            ),
            (
                "{\"type\": \"permute\", \"source\": [0, 0]}",
                "layers[1].source: not a permutation",
            ),
            (
                "{\"type\": \"scale\", \"weight\": [1]}",
                "layers[1].weight: 1 entries; expected 2",
            ),
        ];
        for (layer, expected) in layers {
            refused(
                &format!("{{\"input_dim\": 1, \"layers\": [{{\"weight\": [[1], [2]]}}, {layer}]}}"),
                expected,
            );
        }
    }

    #[test]
    fn impossible_convolutions_are_refused() {
        let cases = [
            ("\"weight\": []", "weight: no weights at all"),
            (
                "\"weight\": [[[[]]]]",
                "weight[0][0][0]: 0 entries; expected 2",
            ),
            (
                "\"weight\": [[1]]",
                "weight[0][0]: 1; expected a list of rows",
            ),
            (
                "\"weight\": [[[[1, 2]], [[1, 2]]]]",
                "does not fit a 1x3 input",
            ),
            (
                "\"weight\": [[[[1, 2]]]], \"stride\": 0",
                "stride: 0; expected a whole number",
            ),
            (
                "\"weight\": [[[[1, 2]]]], \"stride\": [1, 2, 3]",
                "stride: 3 numbers",
            ),
            (
                "\"weight\": [[[[1, 2]]]], \"pad\": [1, 2, 3]",
                "pad: 3 numbers",
            ),
            (
                "\"weight\": [[[[1, 2]]]], \"pad\": 1000000000000",
                "more than",
            ),
            (
                "\"weight\": [[[[1]]]], \"groups\": 3",
                "groups: 3 groups do not divide 2",
            ),
            (
                "\"weight\": [[[[1]]]], \"groups\": 2",
                "2 groups must divide 2 channels and 1",
            ),
            (
                "\"weight\": [[[[1, 2]]]], \"order\": \"nchw\"",
                "order: order \"nchw\"",
            ),
            (
                "\"weight\": [[[[1, 2]]]], \"bias\": []",
                "bias: 0 entries; expected 1",
            ),
        ];
        for (keys, expected) in cases {
            refused(
                &format!(
                    "{{\"input_shape\": [1, 3, 2], \"layers\": [{{\"type\": \"conv\", {keys}}}]}}"
                ),
                expected,
            );
        }
    }
}
