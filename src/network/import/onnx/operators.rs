//! The operators that are supported: one file a kind.

mod convolution;
mod elementwise;
mod movement;
mod product;
mod source;

use super::build::{Build, Call, Value};
use super::proto::data_type;
use super::tensor::{Constant, Data};
use crate::Result;

/// Every operator that [`apply`] knows.
pub const SUPPORTED: [&str; 19] = [
    "Add",
    "Cast",
    "Concat",
    "Constant",
    "Conv",
    "Div",
    "Flatten",
    "Gather",
    "Gemm",
    "Identity",
    "MatMul",
    "Mul",
    "Relu",
    "Reshape",
    "Shape",
    "Squeeze",
    "Sub",
    "Transpose",
    "Unsqueeze",
];

/// Applies the node to its operands.
pub fn apply(call: &Call, build: &mut Build) -> Result<Value> {
    match call.node.operator().as_str() {
        "Add" | "Sub" | "Mul" | "Div" => elementwise::apply(call, build),
        "MatMul" => product::matmul(call, build),
        "Gemm" => product::gemm(call, build),
        "Conv" => convolution::apply(call, build),
        "Relu" => relu(call, build),
        "Identity" => {
            call.takes(1, 1)?;
            call.node.only_attributes(&[])?;
            Ok(call.required(0)?.clone())
        }
        "Cast" => cast(call, build),
        "Flatten" => movement::flatten(call, build),
        "Reshape" => movement::reshape(call, build),
        "Squeeze" => movement::squeeze(call, build),
        "Unsqueeze" => movement::unsqueeze(call, build),
        "Transpose" => movement::transpose(call, build),
        "Constant" => source::constant(call),
        "Shape" => source::shape(call),
        "Gather" => source::gather(call, build),
        "Concat" => source::concat(call, build),
        other => Err(call.node.wrong(
            format!("operator {other:?} is not supported"),
            format!("supported: {}", SUPPORTED.join(", ")),
        )),
    }
}

fn relu(call: &Call, build: &mut Build) -> Result<Value> {
    call.takes(1, 1)?;
    call.node.only_attributes(&[])?;
    match call.required(0)? {
        Value::Activation(axes) => {
            build.relu();
            Ok(Value::Activation(axes.clone()))
        }
        Value::Constant(_) => Err(constants_only(call)),
    }
}

/// Between float32 and float64 a tensor that depends on the input stays what it is: the
/// network is taken as exact, and exact numbers need no rounding.
fn cast(call: &Call, build: &mut Build) -> Result<Value> {
    call.takes(1, 1)?;
    call.node
        .only_attributes(&["to", "saturate", "round_mode"])?;
    let to = call.node.integer("to")?;
    let to = to
        .and_then(|to| i32::try_from(to).ok())
        .ok_or_else(|| call.missing("type to cast to"))?;
    let unsupported = || {
        call.node.wrong(
            format!("a cast to {} is not supported here", data_type::name(to)),
            "supported: float32 and float64, and for constants also int32 and int64",
        )
    };
    match call.required(0)? {
        Value::Activation(_) if ![data_type::FLOAT, data_type::DOUBLE].contains(&to) => {
            Err(unsupported())
        }
        Value::Activation(axes) => Ok(Value::Activation(axes.clone())),
        Value::Constant(constant) => {
            build.reserve(call.node, constant.len(), 1)?;
            let values = constant.numbers();
            let floats = values.iter().map(|value| value.to_f64());
            let name = constant.name.clone();
            let axes = constant.axes.clone();
            Ok(Value::Constant(match (to, &constant.data) {
                // A cast of a constant rounds it: that is what the operator is for.
                (data_type::FLOAT, Data::Real(_)) => {
                    Constant::of_reals(name, axes, floats.map(|value| f64::from(value as f32)))?
                }
                (data_type::FLOAT, Data::Integer(integers)) => Constant::of_reals(
                    name,
                    axes,
                    integers.iter().map(|&value| f64::from(value as f32)),
                )?,
                (data_type::DOUBLE, _) => Constant::of_reals(name, axes, floats)?,
                (data_type::INT32 | data_type::INT64, _) => {
                    let integer = |value: f64| {
                        let integer = value.trunc();
                        let limit = if to == data_type::INT32 { 31 } else { 53 };
                        (integer.abs() < 2f64.powi(limit)).then_some(integer as i64)
                    };
                    let integers = match &constant.data {
                        Data::Integer(integers) if to == data_type::INT64 => {
                            Some(integers.iter().copied().collect())
                        }
                        _ => floats.map(integer).collect::<Option<_>>(),
                    };
                    let integers = integers.ok_or_else(|| {
                        call.node.wrong(
                            format!("{} has an entry too large for the cast", constant.name),
                            super::EXPORT_AGAIN,
                        )
                    })?;
                    Constant {
                        name,
                        axes,
                        data: Data::Integer(integers),
                    }
                }
                _ => return Err(unsupported()),
            }))
        }
    }
}

/// The error of an operator that computes on constants alone.
fn constants_only(call: &Call) -> crate::Error {
    call.node.wrong(
        "computes on constants alone, and the result may have been rounded by the program that \
         made the model",
        "fold the constants first: onnxruntime, onnxsim or onnxslim write a simplified model",
    )
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Model, int};
    use super::SUPPORTED;
    use crate::network::Layer;

    #[test]
    fn relu_is_a_layer_of_units() {
        let model = Model::new(&[1, 2]).node("Relu", &["x"], "y");
        assert_eq!(model.at(&[-1, 2]), "2: 0 2");
        assert_eq!(model.read().units_per_layer(), [2]);
        assert!(matches!(model.read().layers(), [Layer::Relu]));
        Model::new(&[1, 1])
            .weight("c", &[1], &[-1.0])
            .node("Relu", &["c"], "d")
            .node("Add", &["x", "d"], "y")
            .refused(&["node 0 \"the Relu\" (Relu)", "constants alone"]);
    }

    #[test]
    fn casts_between_floats_change_nothing() {
        let cast = |to| Model::new(&[1, 2]).node_with("Cast", &["x"], "y", vec![int("to", to)]);
        assert_eq!(cast(11).at(&[1, 2]), "2: 1 2");
        assert!(cast(1).read().layers().is_empty());
        cast(7).refused(&["cast to int64"]);
        cast(10).refused(&["cast to float16"]);
        Model::new(&[1, 2])
            .node("Cast", &["x"], "y")
            .refused(&["no type to cast to"]);
    }

    #[test]
    fn casts_of_constants_do_what_they_say() {
        let cast = |value: f32, to| {
            Model::new(&[1, 1])
                .weight("c", &[], &[value])
                .node_with("Cast", &["c"], "d", vec![int("to", to)])
                .node("Mul", &["x", "d"], "y")
        };
        assert_eq!(cast(2.75, 7).at(&[1]), "1: 2");
        assert_eq!(cast(-2.75, 6).at(&[1]), "1: -2");
        assert_eq!(cast(2.75, 11).at(&[1]), "1: 11/4");
        cast(3e9, 6).refused(&["too large"]);
        cast(1.0, 9).refused(&["cast to bool"]);
    }

    #[test]
    fn every_supported_operator_is_known() {
        for operator in SUPPORTED {
            let message =
                super::super::read(&Model::new(&[1, 1]).node(operator, &["x"], "y").bytes())
                    .map_or_else(|error| error.to_string(), |_| String::new());
            assert!(!message.contains("is not supported\n"), "{message}");
        }
    }
}
