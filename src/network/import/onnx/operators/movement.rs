//! Operators that rename axes or reorder entries, on tensors and on constants alike:
//! Flatten, Reshape, Squeeze, Unsqueeze, Transpose.

use crate::Result;
use crate::network::Affine;
use crate::network::import::onnx::axes;
use crate::network::import::onnx::build::{Build, Call, Value, at};

/// Flatten: two axes, split before `axis`.
pub fn flatten(call: &Call, build: &mut Build) -> Result<Value> {
    call.takes(1, 1)?;
    call.node.only_attributes(&["axis"])?;
    let given = operand_axes(call)?;
    let axis = call.node.integer("axis")?.unwrap_or(1);
    // Here alone an axis may stand behind the last one: everything comes before it.
    let axis = if usize::try_from(axis).is_ok_and(|axis| axis == given.len()) {
        given.len()
    } else {
        resolve(call, axis, given.len())?
    };
    let product = |axes: &[usize]| axes.iter().product();
    renamed(
        call,
        build,
        vec![product(&given[..axis]), product(&given[axis..])],
    )
}

/// Reshape to a constant shape, where 0 keeps a size and -1 takes what is left.
pub fn reshape(call: &Call, build: &mut Build) -> Result<Value> {
    call.takes(2, 2)?;
    let known: &[&str] = if call.node.opset >= 14 {
        &["allowzero"]
    } else {
        &[]
    };
    call.node.only_attributes(known)?;
    let zeros = call.node.flag("allowzero")?;
    let given = operand_axes(call)?;
    let Some(target) = call.integers(1, "shape")? else {
        return Err(call.missing("shape"));
    };
    let wrong = |problem: String| {
        call.node.wrong(
            format!(
                "{problem}: the shape is {target:?}, the input's {}",
                axes::shown(given)
            ),
            "export the model again for one input at a time",
        )
    };
    if target.len() > axes::MOST_AXES {
        return Err(call.node.wrong(
            format!("a shape of {} axes", target.len()),
            format!("at most {} axes are supported", axes::MOST_AXES),
        ));
    }
    let mut to = Vec::new();
    let mut open = None;
    for (axis, &size) in target.iter().enumerate() {
        to.push(match size {
            -1 if open.is_some() => return Err(wrong("two sizes are left open".into())),
            -1 => {
                open = Some(axis);
                1
            }
            0 if !zeros => *given
                .get(axis)
                .ok_or_else(|| wrong(format!("there is no axis {axis} to keep")))?,
            size => {
                usize::try_from(size).map_err(|_| wrong(format!("axis {axis} has size {size}")))?
            }
        });
    }
    let count: usize = given.iter().product();
    if let Some(axis) = open {
        let rest = axes::elements(&to).map_err(&wrong)?;
        if rest == 0 || !count.is_multiple_of(rest) {
            return Err(wrong(format!("axis {axis} cannot be inferred")));
        }
        to[axis] = count / rest;
    }
    renamed(call, build, to)
}

/// Squeeze: axes of size 1 go away.
pub fn squeeze(call: &Call, build: &mut Build) -> Result<Value> {
    let given = operand_axes(call)?;
    let gone = match listed_axes(call)? {
        Some(list) => resolve_all(call, list, given.len())?,
        None => (0..given.len()).filter(|&axis| given[axis] == 1).collect(),
    };
    if let Some(&axis) = gone.iter().find(|&&axis| given[axis] != 1) {
        return Err(call.node.wrong(
            format!(
                "axis {axis} of a tensor of shape {} is not 1",
                axes::shown(given)
            ),
            "export the model again",
        ));
    }
    let kept = (0..given.len()).filter(|axis| !gone.contains(axis));
    let to = kept.map(|axis| given[axis]).collect();
    renamed(call, build, to)
}

/// Unsqueeze: new axes of size 1, at these places of the result.
pub fn unsqueeze(call: &Call, build: &mut Build) -> Result<Value> {
    let given = operand_axes(call)?;
    let Some(list) = listed_axes(call)? else {
        return Err(call.missing("axes"));
    };
    let new = resolve_all(call, list, given.len() + list.len())?;
    let mut old = given.iter();
    let to = (0..given.len() + list.len())
        .map(|axis| {
            if new.contains(&axis) {
                1
            } else {
                *old.next().expect("as many places as axes are left")
            }
        })
        .collect();
    renamed(call, build, to)
}

/// Transpose: a permutation of the entries, or only of axes of size 1.
pub fn transpose(call: &Call, build: &mut Build) -> Result<Value> {
    call.takes(1, 1)?;
    call.node.only_attributes(&["perm"])?;
    let given = operand_axes(call)?;
    let rank = given.len();
    let order: Vec<usize> = match call.node.integers("perm")? {
        None => (0..rank).rev().collect(),
        Some(list) if list.len() != rank => {
            return Err(call.node.wrong(
                format!("perm names {} axes of {rank}", list.len()),
                "export the model again",
            ));
        }
        Some(list) => resolve_all(call, list, rank)?,
    };
    let to: Vec<usize> = order.iter().map(|&axis| given[axis]).collect();
    let moving: Vec<usize> = order
        .iter()
        .copied()
        .filter(|&axis| given[axis] != 1)
        .collect();
    if moving.is_sorted() {
        return renamed(call, build, to);
    }
    let count = call.elements(&to)?;
    build.reserve(call.node, count, 1)?;
    let strides = axes::strides(given);
    let strides: Vec<usize> = order.iter().map(|&axis| strides[axis]).collect();
    let source = axes::offsets(&to, &strides);
    match call.required(0)? {
        Value::Constant(constant) => Ok(Value::Constant(constant.picked(to, &source))),
        Value::Activation(_) => {
            let layer = Affine::permutation(build.shape(&to), &source).map_err(at(call.node))?;
            build.affine(call.node, layer, to)
        }
    }
}

fn operand_axes<'a>(call: &'a Call) -> Result<&'a [usize]> {
    Ok(match call.required(0)? {
        Value::Activation(axes) => axes,
        Value::Constant(constant) => &constant.axes,
    })
}

/// The first operand under other axes.
fn renamed(call: &Call, build: &mut Build, to: Vec<usize>) -> Result<Value> {
    let given = operand_axes(call)?;
    let fits = axes::elements(&to).is_ok_and(|count| Ok(count) == axes::elements(given));
    if !fits {
        let (first, more) = to.split_at(to.len().min(axes::MOST_AXES));
        return Err(call.node.wrong(
            format!(
                "a tensor of shape {} has no shape {}{}",
                axes::shown(given),
                axes::shown(first),
                if more.is_empty() { "" } else { " and more" }
            ),
            "export the model again for one input at a time",
        ));
    }
    Ok(match call.required(0)? {
        Value::Activation(_) => build.reshape(to),
        Value::Constant(constant) => Value::Constant(constant.reshaped(to)),
    })
}

/// The axes of Squeeze and Unsqueeze: an attribute before operator set 13, an
/// operand since.
fn listed_axes<'a>(call: &'a Call) -> Result<Option<&'a [i64]>> {
    if call.node.opset < 13 {
        call.takes(1, 1)?;
        call.node.only_attributes(&["axes"])?;
        call.node.integers("axes")
    } else {
        call.takes(1, 2)?;
        call.node.only_attributes(&[])?;
        call.integers(1, "list of axes")
    }
}

fn resolve(call: &Call, axis: i64, rank: usize) -> Result<usize> {
    axes::resolve(axis, rank).ok_or_else(|| {
        call.node.wrong(
            format!("axis {axis} of a tensor of {rank} axes does not exist"),
            "export the model again",
        )
    })
}

fn resolve_all(call: &Call, list: &[i64], rank: usize) -> Result<Vec<usize>> {
    if list.len() > axes::MOST_AXES {
        return Err(call.node.wrong(
            format!("names {} axes", list.len()),
            format!("at most {} axes are supported", axes::MOST_AXES),
        ));
    }
    let mut resolved = Vec::new();
    for &axis in list {
        let axis = resolve(call, axis, rank)?;
        if resolved.contains(&axis) {
            return Err(call.node.wrong(
                format!("axis {axis} is named twice"),
                "export the model again",
            ));
        }
        resolved.push(axis);
    }
    Ok(resolved)
}

#[cfg(test)]
mod tests {
    use crate::network::Layer;
    use crate::network::import::onnx::testing::{Model, int, ints};

    const SIX: [i64; 6] = [1, 2, 3, 4, 5, 6];

    fn cube() -> Model {
        Model::new(&[-1, 2, 3])
    }

    fn shape(model: &Model) -> String {
        let network = model.read();
        assert!(
            !network
                .layers()
                .iter()
                .any(|l| matches!(l, Layer::Affine(_)))
        );
        network.output().to_string()
    }

    #[test]
    fn flatten_splits_before_an_axis() {
        let flatten = |axis| cube().node_with("Flatten", &["x"], "y", vec![int("axis", axis)]);
        assert_eq!(shape(&cube().node("Flatten", &["x"], "y")), "6");
        assert_eq!(shape(&flatten(0)), "6");
        assert_eq!(shape(&flatten(2)), "2x3");
        assert_eq!(shape(&flatten(-1)), "2x3");
        assert_eq!(shape(&flatten(3)), "6x1");
        flatten(4).refused(&["axis 4"]);
        flatten(-4).refused(&["axis -4"]);
    }

    #[test]
    fn reshape_keeps_and_infers() {
        let reshape = |to: &[i64]| cube().list("s", to).node("Reshape", &["x", "s"], "y");
        assert_eq!(shape(&reshape(&[1, 6])), "6");
        assert_eq!(shape(&reshape(&[0, -1])), "6");
        assert_eq!(shape(&reshape(&[0, 3, -1])), "3x2");
        assert_eq!(shape(&reshape(&[-1])), "6");
        assert_eq!(reshape(&[1, 3, 2]).at(&SIX), "3x2: 1 2 3 4 5 6");
        reshape(&[1, 5]).refused(&["[1, 2, 3] has no shape [1, 5]"]);
        reshape(&[-1, -1]).refused(&["two sizes"]);
        reshape(&[-1, 4]).refused(&["cannot be inferred"]);
        reshape(&[-2, 3]).refused(&["size -2"]);
        reshape(&[1, 2, 3, 0]).refused(&["no axis 3"]);
        reshape(&[i64::MAX, i64::MAX]).refused(&["no shape"]);
        reshape(&[i64::MAX, i64::MAX, -1]).refused(&["entries"]);
        reshape(&[1; 40]).refused(&["40 axes"]);
        let zero = cube().list("s", &[0, 6]).node_with(
            "Reshape",
            &["x", "s"],
            "y",
            vec![int("allowzero", 1)],
        );
        zero.refused(&["no shape [0, 6]"]);
        zero.opset(13).refused(&["attribute \"allowzero\""]);
        cube()
            .weight("s", &[1], &[6.0])
            .node("Reshape", &["x", "s"], "y")
            .refused(&["not a list of integers"]);
        Model::new(&[2])
            .list("c", &[1, 2])
            .node("Reshape", &["c", "x"], "y")
            .refused(&["the shape depends on the input"]);
    }

    #[test]
    fn squeeze_and_unsqueeze_before_and_since_set_13() {
        let model = |operator, axes: &[i64]| {
            [
                Model::new(&[1, 2, 1]).opset(11).node_with(
                    operator,
                    &["x"],
                    "y",
                    vec![ints("axes", axes)],
                ),
                Model::new(&[1, 2, 1])
                    .list("a", axes)
                    .node(operator, &["x", "a"], "y"),
            ]
        };
        for (operator, axes, expected) in [
            ("Squeeze", &[2][..], "2"),
            ("Squeeze", &[-1, 0], "2"),
            ("Unsqueeze", &[1], "1x2x1"),
            ("Unsqueeze", &[-1, 1], "1x2x1x1"),
        ] {
            for model in model(operator, axes) {
                assert_eq!(shape(&model), expected, "{operator} {axes:?}");
            }
        }
        for (operator, axes, expected) in [
            ("Squeeze", &[1][..], "is not 1"),
            ("Squeeze", &[3], "axis 3"),
            ("Unsqueeze", &[0, -5], "named twice"),
            ("Unsqueeze", &[5], "axis 5"),
            ("Unsqueeze", &[i64::MIN], "does not exist"),
        ] {
            for model in model(operator, axes) {
                model.refused(&[expected]);
            }
        }
        let bare = |operator| Model::new(&[1, 2, 1]).node(operator, &["x"], "y");
        assert_eq!(shape(&bare("Squeeze")), "2");
        bare("Unsqueeze").refused(&["has no axes"]);
        let [_, late] = model("Squeeze", &[2]);
        late.opset(12).refused(&["has 2 operands"]);
        let [early, _] = model("Squeeze", &[2]);
        early.opset(13).refused(&["attribute \"axes\""]);
    }

    #[test]
    fn transpose_moves_data_only_when_it_must() {
        let model = |perm: &[i64]| {
            Model::new(&[1, 2, 3]).node_with("Transpose", &["x"], "y", vec![ints("perm", perm)])
        };
        assert_eq!(model(&[0, 2, 1]).at(&SIX), "3x2: 1 4 2 5 3 6");
        assert_eq!(model(&[0, 2, 1]).read().parameters(), 0);
        assert_eq!(shape(&model(&[1, 0, 2])), "2x1x3");
        assert_eq!(
            Model::new(&[1, 2, 3])
                .node("Transpose", &["x"], "y")
                .at(&SIX),
            "3x2x1: 1 4 2 5 3 6"
        );
        model(&[0, 1]).refused(&["2 axes of 3"]);
        model(&[0, 1, 1]).refused(&["named twice"]);
        model(&[0, 1, 3]).refused(&["axis 3"]);
    }

    #[test]
    fn weights_are_moved_as_tensors_are() {
        let model = Model::new(&[1, 2])
            .weight("w", &[6], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
            .list("s", &[3, -1])
            .list("a", &[0])
            .node("Reshape", &["w", "s"], "w1")
            .node("Transpose", &["w1"], "w2")
            .node("Unsqueeze", &["w2", "a"], "w3")
            .node("Squeeze", &["w3"], "w4")
            .node("Identity", &["w4"], "w5")
            .node_with("Cast", &["w5"], "w6", vec![int("to", 11)])
            .node("MatMul", &["x", "w6"], "y");
        assert_eq!(model.at(&[1, 10]), "3: 21 43 65");
        assert_eq!(model.read().layers().len(), 1);
    }
}
