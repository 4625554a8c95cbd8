//! Add, Sub, Mul and Div of a tensor and a constant, broadcast as in NumPy.

use super::constants_only;
use crate::Result;
use crate::arithmetic::Number;
use crate::network::Affine;
use crate::network::import::onnx::axes;
use crate::network::import::onnx::build::{Build, Call, Value, at};
use crate::network::import::onnx::exact::negate;
use crate::network::import::onnx::tensor::Constant;

/// What one entry of the constant does to the entries that it meets.
struct Step {
    scale: Vec<Number>,
    shift: Vec<Number>,
}

/// Applies the node.
pub fn apply(call: &Call, build: &mut Build) -> Result<Value> {
    call.takes(2, 2)?;
    call.node.only_attributes(&[])?;
    let (tensor, constant, swapped) = match (call.required(0)?, call.required(1)?) {
        (Value::Activation(tensor), Value::Constant(constant)) => (tensor, constant, false),
        (Value::Constant(constant), Value::Activation(tensor)) => (tensor, constant, true),
        _ => return Err(constants_only(call)),
    };
    let out = axes::broadcast(tensor, &constant.axes).ok_or_else(|| {
        call.node.wrong(
            format!(
                "a tensor of shape {} and {} of shape {} do not broadcast",
                axes::shown(tensor),
                constant.name,
                axes::shown(&constant.axes)
            ),
            "check the shape of the constant",
        )
    })?;
    let count = call.elements(&out)?;
    let operator = call.node.operator();
    build.reserve(call.node, count, 1)?;
    let step = step(call, &operator, constant, swapped)?;
    let entry = axes::offsets(&out, &axes::broadcast_strides(&constant.axes, &out));
    let spread = |of: &[Number]| entry.iter().map(|&k| of[k].clone()).collect::<Vec<_>>();
    let shift = spread(&step.shift);
    let given = call.elements(tensor)?;
    let keeps = count == given;
    let adds = operator == "Add" || operator == "Sub" && !swapped;
    if keeps && adds && build.join_bias(&shift, constant.len())? {
        return Ok(build.reshape(out));
    }
    let scale = spread(&step.scale);
    let layer = if keeps {
        Affine::elementwise(build.shape(&out), scale, shift)
    } else {
        // The constant is the larger one: entries of the tensor are repeated.
        let source = axes::offsets(&out, &axes::broadcast_strides(tensor, &out));
        let rows = source.into_iter().zip(scale).map(|entry| vec![entry]);
        Affine::sparse(given, build.shape(&out), rows, shift)
    };
    let layer = layer
        .map_err(at(call.node))?
        .with_parameters(constant.len());
    build.affine(call.node, layer, out)
}

fn step(call: &Call, operator: &str, constant: &Constant, swapped: bool) -> Result<Step> {
    let values = constant.numbers();
    let all = |value: Number| vec![value; values.len()];
    let minus_one = || Number::from(-1);
    Ok(match (operator, swapped) {
        ("Add", _) => Step {
            scale: all(Number::ONE),
            shift: values.to_vec(),
        },
        ("Sub", false) => Step {
            scale: all(Number::ONE),
            shift: values.iter().map(negate).collect(),
        },
        ("Sub", true) => Step {
            scale: all(minus_one()),
            shift: values.to_vec(),
        },
        ("Mul", _) => Step {
            scale: values.to_vec(),
            shift: all(Number::ZERO),
        },
        (_, false) => Step {
            scale: call.reciprocals(constant)?,
            shift: all(Number::ZERO),
        },
        (_, true) => {
            return Err(call.node.wrong(
                format!(
                    "{} is divided by a tensor that depends on the input",
                    constant.name
                ),
                "the result is not affine in the input; only dividing by a constant is supported",
            ));
        }
    })
}

#[cfg(test)]
mod tests {
    use crate::network::import::onnx::testing::Model;
    use crate::network::{AffineKind, Layer};

    fn one(operator: &str, inputs: &[&str]) -> Model {
        Model::new(&[1, 2])
            .weight("c", &[2], &[3.0, -4.0])
            .node(operator, inputs, "y")
    }

    #[test]
    fn constants_are_added_and_multiplied_on_both_sides() {
        assert_eq!(one("Add", &["x", "c"]).at(&[5, 7]), "2: 8 3");
        assert_eq!(one("Add", &["c", "x"]).at(&[5, 7]), "2: 8 3");
        assert_eq!(one("Sub", &["x", "c"]).at(&[5, 7]), "2: 2 11");
        assert_eq!(one("Sub", &["c", "x"]).at(&[5, 7]), "2: -2 -11");
        assert_eq!(one("Mul", &["x", "c"]).at(&[5, 7]), "2: 15 -28");
        assert_eq!(one("Mul", &["c", "x"]).at(&[5, 7]), "2: 15 -28");
        assert_eq!(one("Div", &["x", "c"]).at(&[5, 7]), "2: 5/3 -7/4");
        assert_eq!(one("Div", &["x", "c"]).read().parameters(), 2);
    }

    #[test]
    fn what_is_not_affine_is_refused() {
        one("Div", &["c", "x"]).refused(&["node 0 \"the Div\" (Div)", "initialiser \"c\""]);
        one("Mul", &["x", "x"]).refused(&["two tensors that depend on the input"]);
        Model::new(&[1, 2])
            .weight("c", &[2], &[1.0, 0.0])
            .node("Div", &["x", "c"], "y")
            .refused(&["divides by zero", "initialiser \"c\", entry [1]"]);
    }

    #[test]
    fn constants_broadcast() {
        let model = |axes: &[i64], values: &[f32]| {
            Model::new(&[-1, 2, 2])
                .weight("c", axes, values)
                .node("Add", &["x", "c"], "y")
        };
        let x = [1, 2, 3, 4];
        assert_eq!(model(&[], &[10.0]).at(&x), "2x2: 11 12 13 14");
        assert_eq!(model(&[2], &[10.0, 20.0]).at(&x), "2x2: 11 22 13 24");
        assert_eq!(model(&[2, 1], &[10.0, 20.0]).at(&x), "2x2: 11 12 23 24");
        assert_eq!(model(&[1, 1, 1, 1], &[10.0]).at(&x), "1x2x2: 11 12 13 14");
        model(&[3], &[1.0; 3]).refused(&["[1, 2, 2]", "[3]", "do not broadcast"]);
        model(&[0], &[]).refused(&["do not broadcast"]);
        Model::new(&[1, 1])
            .weight("c", &[0], &[])
            .node("Add", &["x", "c"], "y")
            .refused(&["empty tensor"]);
    }

    #[test]
    fn a_larger_constant_repeats_the_tensor() {
        let model = |operator| {
            Model::new(&[1, 2, 1])
                .weight("c", &[3], &[1.0, 2.0, 3.0])
                .node(operator, &["x", "c"], "y")
        };
        assert_eq!(model("Mul").at(&[1, 10]), "2x3: 1 2 3 10 20 30");
        assert_eq!(model("Add").at(&[1, 10]), "2x3: 2 3 4 11 12 13");
    }

    #[test]
    fn a_bias_joins_the_product_before_it() {
        let model = |last: &str, inputs: &[&str]| {
            Model::new(&[1, 2])
                .weight("w", &[2, 2], &[1.0, 2.0, 3.0, 4.0])
                .weight("c", &[2], &[10.0, 20.0])
                .node("MatMul", &["x", "w"], "h")
                .node(last, inputs, "y")
        };
        for (joined, expected) in [
            (model("Add", &["h", "c"]), "2: 14 26"),
            (model("Add", &["c", "h"]), "2: 14 26"),
            (model("Sub", &["h", "c"]), "2: -6 -14"),
        ] {
            assert_eq!(joined.at(&[1, 1]), expected);
            assert_eq!(joined.read().layers().len(), 1);
            assert_eq!(joined.read().parameters(), 6);
        }
        for (apart, expected) in [
            (model("Sub", &["c", "h"]), "2: 6 14"),
            (model("Mul", &["c", "h"]), "2: 40 120"),
        ] {
            assert_eq!(apart.at(&[1, 1]), expected);
            assert_eq!(apart.read().layers().len(), 2);
        }
        // Only once, and not through a ReLU.
        let twice = model("Add", &["h", "c"]).node("Add", &["y", "c"], "z");
        let mut twice = twice
            .node("Relu", &["z"], "r")
            .node("Add", &["r", "c"], "s");
        twice.graph().output[0].name = "s".into();
        assert_eq!(twice.at(&[1, 1]), "2: 34 66");
        assert_eq!(twice.read().layers().len(), 4);
    }

    #[test]
    fn a_convolution_takes_one_bias_a_filter_only() {
        let model = |axes: &[i64], bias: &[f32]| {
            Model::new(&[1, 1, 2])
                .weight("w", &[2, 1, 1], &[1.0, -1.0])
                .weight("c", axes, bias)
                .node("Conv", &["x", "w"], "h")
                .node("Add", &["h", "c"], "y")
        };
        let joined = model(&[2, 1], &[10.0, 20.0]);
        assert_eq!(joined.at(&[3, 4]), "2x2: 13 14 17 16");
        assert_eq!(joined.read().layers().len(), 1);
        let apart = model(&[2], &[10.0, 20.0]);
        assert_eq!(apart.at(&[3, 4]), "2x2: 13 24 7 16");
        let kinds: Vec<bool> = apart
            .read()
            .layers()
            .iter()
            .map(|layer| match layer {
                Layer::Affine(affine) => *affine.kind() == AffineKind::Elementwise,
                _ => false,
            })
            .collect();
        assert_eq!(kinds, [false, true]);
    }
}
