//! MatMul and Gemm: a constant matrix on either side of the tensor.

use super::constants_only;
use crate::Result;
use crate::arithmetic::Number;
use crate::network::Affine;
use crate::network::import::onnx::axes;
use crate::network::import::onnx::build::{Build, Call, Value, at};
use crate::network::import::onnx::exact::multiply;

/// A stack of matrices inside a flat tensor. `inner` is the axis that is summed over,
/// `outer` the other one.
struct Stack {
    starts: Vec<usize>,
    outer: usize,
    inner: usize,
}

impl Stack {
    fn at(&self, matrix: usize, outer: usize, inner: usize) -> usize {
        self.starts[matrix] + outer * self.outer + inner * self.inner
    }
}

/// `left[i, t] * right[t, j]`, summed over t, for each matrix of the stacks.
struct Product {
    left: Stack,
    right: Stack,
    rows: usize,
    inner: usize,
    columns: usize,
    /// The tensor, not the constant, is on the left.
    tensor_left: bool,
    /// How many entries the tensor has.
    given: usize,
}

impl Product {
    /// The layer with these weights, giving a tensor of the axes `out`.
    fn layer(
        self,
        call: &Call,
        build: &mut Build,
        out: &[usize],
        weights: &[Number],
        bias: Vec<Number>,
    ) -> Result<Affine> {
        let matrices = self.left.starts.len();
        let entry = |matrix, i, j, t| {
            let left = self.left.at(matrix, i, t);
            let right = self.right.at(matrix, j, t);
            let (source, weight) = if self.tensor_left {
                (left, right)
            } else {
                (right, left)
            };
            (source, weights[weight].clone())
        };
        let outputs = (0..matrices).flat_map(|matrix| {
            (0..self.rows).flat_map(move |i| (0..self.columns).map(move |j| (matrix, i, j)))
        });
        let row = |(matrix, i, j)| (0..self.inner).map(move |t| (matrix, i, j, t));
        let entry = |(matrix, i, j, t)| entry(matrix, i, j, t);
        let layer = if self.given == self.inner {
            // Every output sums over the whole tensor, in its own order.
            let weight = outputs.flat_map(row).map(|at| entry(at).1).collect();
            Affine::dense(self.given, bias.len(), weight, bias)
        } else {
            let rows = outputs.map(|output| row(output).map(entry).collect());
            Affine::sparse(self.given, build.shape(out), rows, bias)
        };
        layer.map_err(at(call.node))
    }
}

/// MatMul: NumPy's matmul, stacks of matrices included.
pub fn matmul(call: &Call, build: &mut Build) -> Result<Value> {
    call.takes(2, 2)?;
    call.node.only_attributes(&[])?;
    let (a, b, constant, tensor_left) = match (call.required(0)?, call.required(1)?) {
        (Value::Activation(a), Value::Constant(b)) => (a, &b.axes, b, true),
        (Value::Constant(a), Value::Activation(b)) => (&a.axes, b, a, false),
        _ => return Err(constants_only(call)),
    };
    let mismatch = || {
        call.node.wrong(
            format!(
                "shapes {} and {} do not multiply ({})",
                axes::shown(a),
                axes::shown(b),
                constant.name
            ),
            "check the shape of the weight against the shape of its input",
        )
    };
    if a.is_empty() || b.is_empty() {
        return Err(mismatch());
    }
    // A vector is a row on the left and a column on the right; the result loses
    // that axis again.
    let left: Vec<usize> = match a[..] {
        [length] => vec![1, length],
        _ => a.clone(),
    };
    let right: Vec<usize> = match b[..] {
        [length] => vec![length, 1],
        _ => b.clone(),
    };
    let (left_stack, left_matrix) = left.split_at(left.len() - 2);
    let (right_stack, right_matrix) = right.split_at(right.len() - 2);
    let (rows, inner, columns) = (left_matrix[0], left_matrix[1], right_matrix[1]);
    let stack = axes::broadcast(left_stack, right_stack).ok_or_else(mismatch)?;
    if inner != right_matrix[0] {
        return Err(mismatch());
    }
    let mut out = stack.clone();
    out.extend((a.len() > 1).then_some(rows));
    out.extend((b.len() > 1).then_some(columns));
    let count = call.elements(&out)?;
    build.reserve(call.node, count, inner)?;
    let starts = |axes: &[usize], size: usize| {
        let strides = axes::broadcast_strides(axes, &stack);
        let scaled: Vec<usize> = strides.iter().map(|stride| stride * size).collect();
        axes::offsets(&stack, &scaled)
    };
    let product = Product {
        left: Stack {
            starts: starts(left_stack, rows * inner),
            outer: inner,
            inner: 1,
        },
        right: Stack {
            starts: starts(right_stack, inner * columns),
            outer: 1,
            inner: columns,
        },
        rows,
        inner,
        columns,
        tensor_left,
        given: call.elements(if tensor_left { a } else { b })?,
    };
    let weights = constant.numbers();
    let layer = product
        .layer(call, build, &out, &weights, vec![Number::ZERO; count])?
        .with_parameters(constant.len());
    let value = build.affine(call.node, layer, out)?;
    build.awaits_bias();
    Ok(value)
}

/// Gemm: `alpha A B + beta C`, with A or B transposed if asked.
pub fn gemm(call: &Call, build: &mut Build) -> Result<Value> {
    call.takes(2, 3)?;
    let node = call.node;
    node.only_attributes(&["alpha", "beta", "transA", "transB"])?;
    let (a, b, constant, tensor_left) = match (call.required(0)?, call.required(1)?) {
        (Value::Activation(a), Value::Constant(b)) => (a, &b.axes, b, true),
        (Value::Constant(a), Value::Activation(b)) => (&a.axes, b, a, false),
        _ => return Err(constants_only(call)),
    };
    let mismatch = |what: String| {
        node.wrong(
            what,
            "check the shape of the weight against the shape of its input",
        )
    };
    let (&[a0, a1], &[b0, b1]) = (&a[..], &b[..]) else {
        return Err(mismatch(format!(
            "takes matrices, not shapes {} and {} ({})",
            axes::shown(a),
            axes::shown(b),
            constant.name
        )));
    };
    let (flip_a, flip_b) = (node.flag("transA")?, node.flag("transB")?);
    let (rows, inner) = if flip_a { (a1, a0) } else { (a0, a1) };
    let (inner_b, columns) = if flip_b { (b1, b0) } else { (b0, b1) };
    if inner != inner_b {
        return Err(mismatch(format!(
            "shapes {} and {} ({}) do not multiply with transA={} and transB={}",
            axes::shown(a),
            axes::shown(b),
            constant.name,
            u8::from(flip_a),
            u8::from(flip_b)
        )));
    }
    let out = vec![rows, columns];
    let count = call.elements(&out)?;
    build.reserve(node, count, inner)?;
    let factor = |name: &str| -> Result<Number> {
        let value = f64::from(node.float(name)?.unwrap_or(1.0));
        Number::from_f64(value).ok_or_else(|| {
            node.wrong(
                format!("attribute {name} is {value}"),
                "a factor is a finite number",
            )
        })
    };
    let scaled = |values: &[Number], factor: Number| -> Vec<Number> {
        if factor == Number::ONE {
            values.to_vec()
        } else {
            values
                .iter()
                .map(|value| multiply(value, &factor))
                .collect()
        }
    };
    let weights = scaled(&constant.numbers(), factor("alpha")?);
    let beta = factor("beta")?;
    let stored = call.constant(2, "bias")?;
    let bias = match stored {
        None => vec![Number::ZERO; count],
        Some(c) => {
            if axes::broadcast(&c.axes, &out).as_ref() != Some(&out) {
                return Err(mismatch(format!(
                    "{} of shape {} does not broadcast to the result, {}",
                    c.name,
                    axes::shown(&c.axes),
                    axes::shown(&out)
                )));
            }
            let values = scaled(&c.numbers(), beta);
            let entry = axes::offsets(&out, &axes::broadcast_strides(&c.axes, &out));
            entry.into_iter().map(|k| values[k].clone()).collect()
        }
    };
    let product = Product {
        left: Stack {
            starts: vec![0],
            outer: if flip_a { 1 } else { inner },
            inner: if flip_a { rows } else { 1 },
        },
        right: Stack {
            starts: vec![0],
            outer: if flip_b { inner } else { 1 },
            inner: if flip_b { 1 } else { columns },
        },
        rows,
        inner,
        columns,
        tensor_left,
        given: call.elements(if tensor_left { a } else { b })?,
    };
    let parameters = constant.len() + stored.map_or(0, |c| c.len());
    let layer = product
        .layer(call, build, &out, &weights, bias)?
        .with_parameters(parameters);
    let value = build.affine(node, layer, out)?;
    if stored.is_none() {
        build.awaits_bias();
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use crate::network::import::onnx::testing::{Model, float, int};
    use crate::network::{AffineKind, Layer};

    fn kind(model: &Model) -> AffineKind {
        match &model.read().layers()[0] {
            Layer::Affine(affine) => affine.kind().clone(),
            other => panic!("{other:?}"),
        }
    }

    const SIX: [f32; 6] = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];

    #[test]
    fn matmul_on_the_right_and_on_the_left() {
        let right =
            Model::new(&[-1, 2])
                .weight("w", &[2, 3], &SIX)
                .node("MatMul", &["x", "w"], "y");
        assert_eq!(right.at(&[1, 10]), "3: 41 52 63");
        assert_eq!(kind(&right), AffineKind::Dense);
        assert_eq!(right.read().parameters(), 6);
        let left = Model::new(&[2])
            .weight("w", &[3, 2], &SIX)
            .node("MatMul", &["w", "x"], "y");
        assert_eq!(left.at(&[1, 10]), "3: 21 43 65");
        assert_eq!(kind(&left), AffineKind::Dense);
        let vector = Model::new(&[1, 2, 3])
            .weight("w", &[3], &[1.0, 2.0, 3.0])
            .node("MatMul", &["x", "w"], "y");
        assert_eq!(vector.at(&[1, 1, 1, 0, 0, 1]), "2: 6 3");
        let scalar =
            Model::new(&[2])
                .weight("w", &[2], &[1.0, 2.0])
                .node("MatMul", &["w", "x"], "y");
        assert_eq!(scalar.at(&[1, 10]), "1: 21");
    }

    #[test]
    fn a_matrix_acts_on_each_row_or_column() {
        let rows =
            Model::new(&[1, 2, 2])
                .weight("w", &[2, 3], &SIX)
                .node("MatMul", &["x", "w"], "y");
        assert_eq!(rows.at(&[1, 0, 0, 1]), "2x3: 1 2 3 4 5 6");
        assert_eq!(kind(&rows), AffineKind::Sparse);
        let columns = Model::new(&[1, 2, 2])
            .weight("w", &[3, 2], &SIX)
            .weight("c", &[2], &[100.0, 200.0])
            .node("MatMul", &["w", "x"], "h")
            .node("Add", &["h", "c"], "y");
        assert_eq!(columns.at(&[1, 10, 0, 1]), "3x2: 101 212 103 234 105 256");
        assert_eq!(columns.read().layers().len(), 1);
        let stacks = Model::new(&[1, 2, 1, 2])
            .weight("w", &[2, 2, 1], &[1.0, 2.0, 3.0, 4.0])
            .node("MatMul", &["x", "w"], "y");
        assert_eq!(stacks.at(&[1, 1, 1, 1]), "2x1x1: 3 7");
        let repeated = Model::new(&[1, 2])
            .weight("w", &[2, 2, 1], &[1.0, 2.0, 3.0, 4.0])
            .node("MatMul", &["x", "w"], "y");
        assert_eq!(repeated.at(&[1, 1]), "2x1x1: 3 7");
        assert_eq!(kind(&repeated), AffineKind::Dense);
    }

    #[test]
    fn gemm_scales_and_transposes() {
        let plain = Model::new(&[-1, 2])
            .weight("w", &[2, 3], &SIX)
            .weight("c", &[3], &[0.5, 0.0, -1.0])
            .node("Gemm", &["x", "w", "c"], "y");
        assert_eq!(plain.at(&[1, 10]), "3: 83/2 52 62");
        assert_eq!(plain.read().parameters(), 9);
        let scaled = Model::new(&[-1, 2])
            .weight("w", &[3, 2], &SIX)
            .weight("c", &[1], &[3.0])
            .node_with(
                "Gemm",
                &["x", "w", "c"],
                "y",
                vec![float("alpha", 2.0), float("beta", 0.5), int("transB", 1)],
            );
        assert_eq!(scaled.at(&[1, 10]), "3: 87/2 175/2 263/2");
        // 0.1 is the float32 of that text, and its products are not rounded.
        let tenth = Model::new(&[1, 1]).weight("w", &[1, 1], &[0.1]).node_with(
            "Gemm",
            &["x", "w"],
            "y",
            vec![float("alpha", 0.1)],
        );
        let square = 13421773u64.pow(2);
        assert_eq!(tenth.at(&[1]), format!("1: {square}/{}", 1u64 << 54));
        let left = Model::new(&[1, 2]).weight("w", &[2, 3], &SIX).node_with(
            "Gemm",
            &["w", "x"],
            "y",
            vec![int("transA", 1), int("transB", 1)],
        );
        assert_eq!(left.at(&[1, 10]), "3x1: 41 52 63");
        let outer = Model::new(&[1, 2])
            .weight("w", &[1, 2], &[1.0, 10.0])
            .node_with("Gemm", &["x", "w"], "y", vec![int("transA", 1)]);
        assert_eq!(outer.at(&[2, 3]), "2x2: 2 20 3 30");
    }

    #[test]
    fn what_does_not_multiply_is_refused() {
        let model = |operator, axes: &[i64]| {
            Model::new(&[1, 2])
                .weight("w", axes, &SIX)
                .node(operator, &["x", "w"], "y")
        };
        model("MatMul", &[3, 2]).refused(&["[1, 2]", "[3, 2]", "initialiser \"w\""]);
        model("Gemm", &[3, 2]).refused(&["[1, 2]", "[3, 2]", "transB=0"]);
        model("Gemm", &[6]).refused(&["takes matrices"]);
        model("Gemm", &[1, 2, 3]).refused(&["takes matrices"]);
        Model::new(&[])
            .weight("w", &[2, 3], &SIX)
            .node("MatMul", &["x", "w"], "y")
            .refused(&["do not multiply"]);
        let gemm = |c: &[i64], attributes| {
            Model::new(&[1, 2])
                .weight("w", &[2, 3], &SIX)
                .weight("c", c, &SIX[..c.iter().product::<i64>() as usize])
                .node_with("Gemm", &["x", "w", "c"], "y", attributes)
        };
        gemm(&[2], vec![]).refused(&["initialiser \"c\" of shape [2]", "[1, 3]"]);
        gemm(&[2, 1], vec![]).refused(&["does not broadcast"]);
        gemm(&[3], vec![float("alpha", f32::NAN)]).refused(&["alpha is NaN"]);
        gemm(&[3], vec![int("transB", 2)]).refused(&["transB is 2"]);
        gemm(&[3], vec![int("alpha", 2)]).refused(&["alpha is not a float"]);
        gemm(&[3], vec![int("broadcast", 1)]).refused(&["attribute \"broadcast\""]);
        Model::new(&[1, 2])
            .node("MatMul", &["x"], "y")
            .refused(&["has 1 operands"]);
    }
}
