//! Where constants come from inside a graph: Constant, and the Shape, Gather and
//! Concat with which exporters compute the target of a Reshape.

use std::rc::Rc;

use super::constants_only;
use crate::Result;
use crate::network::import::onnx::axes;
use crate::network::import::onnx::build::{Build, Call, Value};
use crate::network::import::onnx::tensor::{Constant, Data};

/// Constant: a tensor, a number or a list of numbers, as an attribute.
pub fn constant(call: &Call) -> Result<Value> {
    call.takes(0, 0)?;
    let node = call.node;
    node.only_attributes(&[
        "value",
        "value_float",
        "value_floats",
        "value_int",
        "value_ints",
    ])?;
    let name = format!("constant of {}", node.place());
    let integers = |axes: Vec<usize>, values: &[i64]| Constant {
        name: name.clone(),
        axes,
        data: Data::Integer(Rc::from(values)),
    };
    let constant = if let Some(tensor) = node.tensor("value")? {
        Constant::read(tensor, name)?
    } else if let Some(value) = node.float("value_float")? {
        Constant::of_reals(name, vec![], [f64::from(value)])?
    } else if let Some(values) = node.floats("value_floats")? {
        let axes = vec![values.len()];
        Constant::of_reals(name, axes, values.iter().copied().map(f64::from))?
    } else if let Some(value) = node.integer("value_int")? {
        integers(vec![], &[value])
    } else if let Some(values) = node.integers("value_ints")? {
        integers(vec![values.len()], values)
    } else {
        return Err(call.missing("value"));
    };
    Ok(Value::Constant(constant))
}

/// Shape: the sizes of the axes, from `start` to before `end`.
pub fn shape(call: &Call) -> Result<Value> {
    call.takes(1, 1)?;
    let known: &[&str] = if call.node.opset >= 15 {
        &["start", "end"]
    } else {
        &[]
    };
    call.node.only_attributes(known)?;
    let given = match call.required(0)? {
        Value::Activation(axes) => axes,
        Value::Constant(constant) => &constant.axes,
    };
    let rank = given.len() as i64;
    let clamped = |axis: i64| {
        let axis = if axis < 0 {
            axis.saturating_add(rank)
        } else {
            axis
        };
        axis.clamp(0, rank) as usize
    };
    let start = clamped(call.node.integer("start")?.unwrap_or(0));
    let end = clamped(call.node.integer("end")?.unwrap_or(rank));
    let sizes: Rc<[i64]> = given
        .get(start..end)
        .unwrap_or(&[])
        .iter()
        .map(|&size| size as i64)
        .collect();
    Ok(Value::Constant(Constant {
        name: format!("result of {}", call.node.place()),
        axes: vec![sizes.len()],
        data: Data::Integer(sizes),
    }))
}

/// Gather along an axis of a constant.
pub fn gather(call: &Call, build: &mut Build) -> Result<Value> {
    call.takes(2, 2)?;
    call.node.only_attributes(&["axis"])?;
    let Some(data) = call.constant(0, "data")? else {
        return Err(call.missing("data"));
    };
    let Some(places) = call.constant(1, "list of indices")? else {
        return Err(call.missing("list of indices"));
    };
    let rank = data.axes.len();
    let wrong = |problem: String| call.node.wrong(problem, "export the model again");
    let axis = call.node.integer("axis")?.unwrap_or(0);
    let axis = axes::resolve(axis, rank)
        .ok_or_else(|| wrong(format!("axis {axis} of {rank} axes does not exist")))?;
    let indices = places
        .integers()
        .ok_or_else(|| wrong(format!("{} does not hold integers", places.name)))?
        .iter()
        .map(|&index| {
            axes::resolve(index, data.axes[axis]).ok_or_else(|| {
                wrong(format!(
                    "index {index} is beyond {} along axis {axis}",
                    data.axes[axis]
                ))
            })
        })
        .collect::<Result<Vec<usize>>>()?;
    let to = [&data.axes[..axis], &places.axes, &data.axes[axis + 1..]].concat();
    let count = call.elements(&to)?;
    build.reserve(call.node, count, 1)?;
    let inner: usize = data.axes[axis + 1..].iter().product();
    let outer: usize = data.axes[..axis].iter().product();
    let mut source = Vec::with_capacity(count);
    for block in 0..outer {
        for &index in &indices {
            let start = (block * data.axes[axis] + index) * inner;
            source.extend(start..start + inner);
        }
    }
    Ok(Value::Constant(data.picked(to, &source)))
}

/// Concat of constant lists of integers.
pub fn concat(call: &Call, build: &mut Build) -> Result<Value> {
    call.node.only_attributes(&["axis"])?;
    let mut joined = Vec::new();
    for (k, value) in call.all()?.into_iter().enumerate() {
        let list = match value {
            Value::Constant(constant) if constant.axes.len() == 1 => constant.integers(),
            Value::Constant(_) => None,
            Value::Activation(_) => {
                return Err(call.node.wrong(
                    format!("operand {k} depends on the input"),
                    "Concat is supported only where a shape is computed",
                ));
            }
        };
        let Some(list) = list else {
            return Err(call.node.wrong(
                format!("operand {k} is not a list of integers"),
                "Concat is supported only where a shape is computed",
            ));
        };
        build.reserve(call.node, list.len(), 1)?;
        joined.extend_from_slice(list);
    }
    if joined.is_empty() || !matches!(call.node.integer("axis")?, Some(0 | -1)) {
        return Err(constants_only(call));
    }
    Ok(Value::Constant(Constant {
        name: format!("result of {}", call.node.place()),
        axes: vec![joined.len()],
        data: Data::Integer(joined.into()),
    }))
}

#[cfg(test)]
mod tests {
    use crate::network::import::onnx::proto::AttributeProto;
    use crate::network::import::onnx::testing::{
        Model, float, float_list, floats, int, ints, tensor, text,
    };

    fn constant(attribute: AttributeProto) -> Model {
        Model::new(&[1, 2])
            .node_with("Constant", &[], "c", vec![attribute])
            .node("Add", &["x", "c"], "y")
    }

    #[test]
    fn constants_of_every_kind() {
        let stored = tensor("value", floats("", &[2], &[3.0, 4.0]));
        assert_eq!(constant(stored).at(&[1, 1]), "2: 4 5");
        assert_eq!(
            constant(float("value_float", 0.5)).at(&[1, 1]),
            "2: 3/2 3/2"
        );
        let list = float_list("value_floats", &[0.5, 1.0]);
        assert_eq!(constant(list).at(&[1, 1]), "2: 3/2 2");
        assert_eq!(constant(int("value_int", 2)).at(&[1, 1]), "2: 3 3");
        assert_eq!(constant(ints("value_ints", &[2, 3])).at(&[1, 1]), "2: 3 4");
        constant(text("value_string", "a")).refused(&["attribute \"value_string\""]);
        constant(float("value_float", f32::INFINITY)).refused(&["constant of node 0", "inf"]);
        Model::new(&[1, 2])
            .node("Constant", &[], "c")
            .node("Add", &["x", "c"], "y")
            .refused(&["has no value"]);
    }

    #[test]
    fn a_shape_is_computed() {
        // x.view(x.size(0), -1), as the TorchScript exporter writes it.
        let model = Model::new(&[-1, 2, 2])
            .list("last", &[-1])
            .list("front", &[0])
            .node("Shape", &["x"], "s")
            .node_with("Constant", &[], "zero", vec![int("value_int", 0)])
            .node_with("Gather", &["s", "zero"], "n", vec![int("axis", 0)])
            .node("Unsqueeze", &["n", "front"], "n1")
            .node_with("Concat", &["n1", "last"], "to", vec![int("axis", 0)])
            .node("Reshape", &["x", "to"], "y");
        assert_eq!(model.at(&[1, 2, 3, 4]), "4: 1 2 3 4");
        let part = Model::new(&[1, 2, 2])
            .node_with("Shape", &["x"], "s", vec![int("start", -2)])
            .node("Reshape", &["x", "s"], "y");
        assert_eq!(part.at(&[1, 2, 3, 4]), "2x2: 1 2 3 4");
    }

    #[test]
    fn gather_and_concat_stay_in_bounds() {
        let gather = |index: i64, axis| {
            Model::new(&[1, 2])
                .list("d", &[1, 2])
                .list("i", &[index])
                .node_with("Gather", &["d", "i"], "c", vec![int("axis", axis)])
                .node("Mul", &["x", "c"], "y")
        };
        assert_eq!(gather(-1, 0).at(&[1, 1]), "2: 2 2");
        gather(2, 0).refused(&["index 2"]);
        gather(0, 1).refused(&["axis 1"]);
        Model::new(&[1, 2])
            .list("i", &[0])
            .node("Gather", &["x", "i"], "y")
            .refused(&["the data depends on the input"]);
        Model::new(&[1, 2])
            .list("i", &[0])
            .node_with("Concat", &["i", "x"], "y", vec![int("axis", 0)])
            .refused(&["operand 1 depends on the input"]);
    }
}
