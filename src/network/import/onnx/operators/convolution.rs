//! Conv in one and two dimensions; one dimension is two with height 1.

use super::constants_only;
use crate::Result;
use crate::arithmetic::Number;
use crate::network::import::onnx::axes;
use crate::network::import::onnx::build::{Build, Call, Value, at};
use crate::network::{Affine, ChannelOrder, Convolution};

/// Applies the node.
pub fn apply(call: &Call, build: &mut Build) -> Result<Value> {
    call.takes(2, 3)?;
    let node = call.node;
    node.only_attributes(&[
        "auto_pad",
        "dilations",
        "group",
        "kernel_shape",
        "pads",
        "strides",
    ])?;
    let input = match call.required(0)? {
        Value::Activation(input) => input,
        Value::Constant(_) => return Err(constants_only(call)),
    };
    let Some(weight) = call.constant(1, "weight")? else {
        return Err(call.missing("weight"));
    };
    let bias = call.constant(2, "bias")?;
    let dimensions = input.len().saturating_sub(2);
    if !(1..=2).contains(&dimensions) || weight.axes.len() != input.len() {
        return Err(node.wrong(
            format!(
                "a filter of shape {} ({}) over a tensor of shape {} is not supported",
                axes::shown(&weight.axes),
                weight.name,
                axes::shown(input)
            ),
            "supported: (batch, channel, length) and (batch, channel, height, width)",
        ));
    }
    if input[0] != 1 {
        return Err(node.wrong(
            format!("the first axis of its input has size {}", input[0]),
            "only convolutions of one image at a time are supported",
        ));
    }
    let (filters, kernel) = (weight.axes[0], &weight.axes[2..]);
    let mut geometry = Convolution::new(
        both(&input[2..], 1),
        input[1],
        filters,
        both(kernel, 1),
        ChannelOrder::First,
    );
    geometry.groups = match node.integer("group")? {
        None => 1,
        Some(groups) => usize::try_from(groups).unwrap_or(0),
    };
    if let Some(shape) = sizes(call, "kernel_shape", dimensions)?
        && shape != kernel
    {
        return Err(node.wrong(
            format!(
                "kernel_shape is {}, but {} has filters of {}",
                axes::shown(&shape),
                weight.name,
                axes::shown(kernel)
            ),
            "export the model again",
        ));
    }
    if let Some(strides) = sizes(call, "strides", dimensions)? {
        geometry.stride = both(&strides, 1);
    }
    if let Some(dilations) = sizes(call, "dilations", dimensions)? {
        geometry.dilation = both(&dilations, 1);
    }
    pad(call, &mut geometry, dimensions)?;

    let groups = geometry.groups;
    if groups == 0 || input[1] % groups != 0 || weight.axes[1] != input[1] / groups {
        return Err(node.wrong(
            format!(
                "{} of shape {} does not fit {} channels in {groups} groups",
                weight.name,
                axes::shown(&weight.axes),
                input[1]
            ),
            "check the shape of the weight against the shape of its input",
        ));
    }
    if let Some(bias) = bias
        && bias.axes != [filters]
    {
        return Err(node.wrong(
            format!(
                "{} has shape {}; one number for each of {filters} filters is expected",
                bias.name,
                axes::shown(&bias.axes)
            ),
            "check the shape of the bias",
        ));
    }
    if let Some(positions) = geometry.positions() {
        let mut out = vec![1, filters];
        out.extend(&positions[2 - dimensions..]);
        let count = call.elements(&out)?;
        let taps = call.elements(&weight.axes[1..])?;
        build.reserve(node, count, taps)?;
        let weights = weight.numbers();
        let biases = bias.map_or_else(|| vec![Number::ZERO; filters].into(), |bias| bias.numbers());
        let layer = Affine::convolution(geometry, &weights, &biases)
            .map_err(at(node))?
            .with_parameters(weight.len() + bias.map_or(0, |bias| bias.len()));
        let value = build.affine(node, layer, out)?;
        if bias.is_none() {
            build.awaits_bias();
        }
        return Ok(value);
    }
    // The constructor says what is wrong with the geometry.
    match Affine::convolution(geometry, &[], &[]) {
        Err(error) => Err(at(node)(error)),
        Ok(_) => Err(node.wrong("does not fit its input", "export the model again")),
    }
}

/// (height, width), with `missing` for the height of a one-dimensional convolution.
fn both(sizes: &[usize], missing: usize) -> [usize; 2] {
    match *sizes {
        [height, width] => [height, width],
        [width] => [missing, width],
        _ => [missing; 2],
    }
}

/// An attribute with one size for each dimension.
fn sizes(call: &Call, name: &str, expected: usize) -> Result<Option<Vec<usize>>> {
    let Some(values) = call.node.integers(name)? else {
        return Ok(None);
    };
    let sizes: Option<Vec<usize>> = values
        .iter()
        .map(|&value| {
            usize::try_from(value)
                .ok()
                .filter(|&size| size <= axes::MOST_ELEMENTS)
        })
        .collect();
    match sizes {
        Some(sizes) if sizes.len() == expected => Ok(Some(sizes)),
        _ => Err(call.node.wrong(
            format!("attribute {name} is {}", shown(values)),
            format!("expected {expected} sizes, none negative, none huge"),
        )),
    }
}

fn shown(values: &[i64]) -> String {
    let (first, more) = values.split_at(values.len().min(8));
    let first: Vec<String> = first.iter().map(i64::to_string).collect();
    let more = if more.is_empty() { "" } else { ", ..." };
    format!("[{}{more}]", first.join(", "))
}

/// Sets the padding: given, or as much as keeps the size divided by the stride.
fn pad(call: &Call, geometry: &mut Convolution, dimensions: usize) -> Result<()> {
    let given = sizes(call, "pads", 2 * dimensions)?;
    let mode = call.node.text("auto_pad")?;
    let mode = mode.as_deref().unwrap_or("NOTSET");
    if mode == "NOTSET" {
        if let Some(pads) = given {
            geometry.pad_begin = both(&pads[..dimensions], 0);
            geometry.pad_end = both(&pads[dimensions..], 0);
        }
        return Ok(());
    }
    if given.is_some_and(|pads| pads.iter().any(|&pad| pad != 0)) {
        return Err(call.node.wrong(
            format!("has both auto_pad={} and pads", super::super::quote(mode)),
            "the two contradict each other; export the model again",
        ));
    }
    let upper = match mode {
        "VALID" => return Ok(()),
        "SAME_UPPER" => true,
        "SAME_LOWER" => false,
        other => {
            return Err(call.node.wrong(
                format!("attribute auto_pad is {}", super::super::quote(other)),
                "supported: NOTSET, VALID, SAME_UPPER, SAME_LOWER",
            ));
        }
    };
    for axis in 0..2 {
        let (size, stride) = (geometry.input[axis], geometry.stride[axis]);
        if stride == 0 || geometry.kernel[axis] == 0 {
            continue;
        }
        // Every size is at most 2^31 here, so the products fit 64 bits.
        let reach = (geometry.kernel[axis] - 1) as u64 * geometry.dilation[axis] as u64 + 1;
        let covered = (size.div_ceil(stride) - 1) as u64 * stride as u64 + reach;
        let total = covered.saturating_sub(size as u64);
        let total = usize::try_from(total).unwrap_or(usize::MAX);
        let (less, more) = (total / 2, total - total / 2);
        (geometry.pad_begin[axis], geometry.pad_end[axis]) =
            if upper { (less, more) } else { (more, less) };
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::network::import::onnx::proto::AttributeProto;
    use crate::network::import::onnx::testing::{Model, int, ints, text};
    use crate::network::{AffineKind, Layer};

    /// A filter (1, 10) over five values.
    fn line(attributes: Vec<AttributeProto>) -> Model {
        Model::new(&[-1, 1, 5])
            .weight("w", &[1, 1, 2], &[1.0, 10.0])
            .node_with("Conv", &["x", "w"], "y", attributes)
    }

    const FIVE: [i64; 5] = [1, 2, 3, 4, 5];

    #[test]
    fn one_dimension() {
        assert_eq!(line(vec![]).at(&FIVE), "1x4: 21 32 43 54");
        let strides = || ints("strides", &[2]);
        assert_eq!(line(vec![strides()]).at(&FIVE), "1x2: 21 43");
        let dilations = ints("dilations", &[3]);
        assert_eq!(line(vec![dilations]).at(&FIVE), "1x2: 41 52");
        let pads = ints("pads", &[1, 0]);
        assert_eq!(line(vec![pads]).at(&FIVE), "1x5: 10 21 32 43 54");
        let auto = |mode| text("auto_pad", mode);
        assert_eq!(line(vec![auto("VALID")]).at(&FIVE), "1x4: 21 32 43 54");
        assert_eq!(
            line(vec![auto("SAME_UPPER")]).at(&FIVE),
            "1x5: 21 32 43 54 5"
        );
        assert_eq!(
            line(vec![auto("SAME_LOWER")]).at(&FIVE),
            "1x5: 10 21 32 43 54"
        );
        let both = vec![auto("SAME_UPPER"), strides()];
        assert_eq!(line(both).at(&FIVE), "1x3: 21 43 5");
        match &line(vec![]).read().layers()[0] {
            Layer::Affine(affine) => {
                assert!(matches!(affine.kind(), AffineKind::Convolution(_)));
                assert_eq!(affine.parameters(), 2);
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn two_dimensions_with_groups_and_bias() {
        // Each channel has a filter of its own, which reads a row and the row below.
        let model = Model::new(&[1, 2, 2, 3])
            .weight("w", &[2, 1, 2, 1], &[1.0, 10.0, 100.0, 1000.0])
            .weight("b", &[2], &[0.5, 0.0])
            .node_with(
                "Conv",
                &["x", "w", "b"],
                "y",
                vec![
                    int("group", 2),
                    ints("strides", &[1, 2]),
                    ints("pads", &[0, 0, 1, 0]),
                    ints("kernel_shape", &[2, 1]),
                ],
            );
        let x = [1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 1, 1];
        let expected = "2x2x2: 83/2 127/2 9/2 13/2 1700 1900 100 100";
        assert_eq!(model.at(&x), expected);
        assert_eq!(model.read().parameters(), 6);
    }

    #[test]
    fn an_absent_bias_is_zero() {
        let model = Model::new(&[1, 1, 1]).weight("w", &[1, 1, 1], &[3.0]).node(
            "Conv",
            &["x", "w", ""],
            "y",
        );
        assert_eq!(model.at(&[2]), "1x1: 6");
    }

    #[test]
    fn impossible_convolutions_are_refused() {
        line(vec![ints("pads", &[-1, 0])]).refused(&["attribute pads is [-1, 0]"]);
        line(vec![ints("pads", &[1])]).refused(&["expected 2 sizes"]);
        line(vec![ints("strides", &[0])]).refused(&["does not fit"]);
        line(vec![ints("dilations", &[5])]).refused(&["does not fit"]);
        line(vec![ints("strides", &[i64::MAX])]).refused(&["attribute strides"]);
        line(vec![ints("kernel_shape", &[3])]).refused(&["kernel_shape is [3]"]);
        line(vec![int("group", 0)]).refused(&["0 groups"]);
        line(vec![int("group", -1)]).refused(&["groups"]);
        line(vec![int("group", 2)]).refused(&["2 groups"]);
        line(vec![text("auto_pad", "MAYBE")]).refused(&["MAYBE"]);
        line(vec![text("auto_pad", "VALID"), ints("pads", &[1, 1])]).refused(&["both"]);
        line(vec![ints("pads", &[0, 1 << 30])]).refused(&["rows"]);
        line(vec![ints("pads", &[1 << 31, 1 << 31])]).refused(&["entries"]);
        let model = |input: &[i64], weight: &[i64], bias: i64| {
            let zeros = vec![0.0; weight.iter().product::<i64>() as usize];
            Model::new(input)
                .weight("w", weight, &zeros)
                .weight("b", &[bias], &vec![0.0; bias as usize])
                .node("Conv", &["x", "w", "b"], "y")
        };
        model(&[1, 2, 3], &[1, 1, 1], 1).refused(&["2 channels in 1 groups"]);
        model(&[1, 2, 3], &[3, 2, 1], 1).refused(&["initialiser \"b\"", "3 filters"]);
        model(&[1, 2], &[1, 2], 1).refused(&["not supported", "[1, 2]"]);
        model(&[1, 1, 2, 2, 2], &[1, 1, 1, 1, 1], 1).refused(&["not supported"]);
        model(&[1, 1, 2, 2], &[1, 1, 1], 1).refused(&["not supported"]);
        model(&[1, 1, 2], &[0, 1, 1], 0).refused(&["empty"]);
        Model::new(&[1, 1, 2])
            .weight("w", &[1, 1, 2], &[1.0, 1.0])
            .node("Conv", &["w", "x"], "y")
            .refused(&["constants alone"]);
    }
}
