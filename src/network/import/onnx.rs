//! The ONNX reader: a chain of affine operators and ReLUs becomes a [`Network`] with
//! exactly the weights that the file stores.
//!
//! A model is read as it computes one input at a time: an axis for batches is taken
//! to be 1, and every operator becomes one exact layer on the flattened tensor. Nothing
//! is rounded: dividing by a constant multiplies by its exact reciprocal, and layers
//! are joined only where that changes no number, as a matrix and the bias after it.
//!
//! The file is an untrusted input. Sizes are checked before memory is asked for.

mod axes;
mod build;
mod exact;
mod graph;
mod node;
mod operators;
mod proto;
mod tensor;
#[cfg(test)]
mod testing;

use prost::Message;

use super::super::Network;
use crate::{Error, Result};

/// The oldest operator set whose broadcasting is NumPy's.
const OLDEST_OPSET: i64 = 7;

const EXPORT_AGAIN: &str = "check the model with onnx.checker.check_model, or export it again";

/// Reads a model file.
///
/// Accepted: operator sets from 7 on; one input and one output (further outputs only
/// on the way to the first); float32 and float64 weights inside the file; a batch axis
/// of size 1 or symbolic when the input has two axes or more, none when it has fewer.
///
/// # Errors
/// When `bytes` is not such a model. The origin of the error is "ONNX model": whoever
/// opened the file can rename it with [`Error::with_origin`].
pub fn read(bytes: &[u8]) -> Result<Network> {
    let whole = || format!("{} bytes", bytes.len());
    match bytes.first() {
        None => return Err(wrong(whole(), "the file is empty", NOT_ONNX)),
        Some(0) => return Err(wrong("byte 0", "a zero begins no ONNX model", NOT_ONNX)),
        Some(_) => {}
    }
    let model = proto::ModelProto::decode(bytes).map_err(|error| {
        let problem = format!("not an ONNX model, or cut short ({error})");
        wrong(whole(), problem, NOT_ONNX)
    })?;
    let Some(graph) = &model.graph else {
        return Err(wrong(
            whole(),
            "not an ONNX model: it has no graph",
            NOT_ONNX,
        ));
    };
    let graph = graph::sort(graph, opset(&model)?)?;
    build::build(&graph)
}

const NOT_ONNX: &str = "expected a model file as torch.onnx.export or onnx.save writes it";

fn opset(model: &proto::ModelProto) -> Result<i64> {
    let standard = |family: &&proto::OperatorSetIdProto| {
        family.domain.is_empty() || family.domain == "ai.onnx"
    };
    match model.opset_import.iter().find(standard) {
        None => Err(wrong(
            "operator sets",
            "the model does not say which version of the standard operators it uses, or the file \
             is cut short",
            EXPORT_AGAIN,
        )),
        Some(family) if family.version < OLDEST_OPSET => Err(wrong(
            "operator sets",
            format!(
                "the model uses version {} of the standard operators; version {OLDEST_OPSET} or \
                 newer is expected",
                family.version
            ),
            "convert the model: onnx.version_converter.convert_version(model, 13)",
        )),
        Some(family) => Ok(family.version),
    }
}

fn wrong(place: impl Into<String>, problem: impl Into<String>, remedy: impl Into<String>) -> Error {
    Error::input("ONNX model", place, problem, remedy)
}

/// A name from the file, fit for a message: quoted, escaped, and not too long.
fn quote(name: &str) -> String {
    const LONGEST: usize = 80;
    match name.char_indices().nth(LONGEST) {
        None => format!("{name:?}"),
        Some((end, _)) => format!("{:?}...", &name[..end]),
    }
}

#[cfg(test)]
mod tests {
    use super::testing::{Model, int, ints};
    use super::*;

    fn refused(bytes: &[u8], expected: &str) {
        let message = read(bytes).unwrap_err().to_string();
        assert!(message.starts_with("ONNX model: "), "{message}");
        assert!(
            message.contains(expected),
            "{expected:?} is not in: {message}"
        );
    }

    #[test]
    fn what_is_no_model_is_refused() {
        refused(&[], "the file is empty");
        refused(&vec![0; 1 << 24], "a zero begins no ONNX model");
        refused(b"{\"layers\": []}", "not an ONNX model");
        refused(b"\x89PNG\r\n\x1a\n", "not an ONNX model");
        refused(&[0x08, 0x07], "it has no graph");
        refused(&[0xff; 64], "not an ONNX model");
        let mut model = Model::new(&[1, 1]).node("Relu", &["x"], "y");
        refused(&model.clone().opset(6).bytes(), "version 6");
        model.0.opset_import[0].domain = "com.example".into();
        refused(&model.bytes(), "does not say which version");
    }

    #[test]
    fn names_in_messages_are_escaped_and_short() {
        assert_eq!(quote("a\u{1b}[31m\n"), r#""a\u{1b}[31m\n""#);
        assert!(quote(&"é".repeat(1000)).chars().count() < 100);
    }

    /// A model with most of what a file can hold.
    fn varied() -> Model {
        Model::new(&[-1, 1, 3, 3])
            .weight(
                "k",
                &[2, 1, 2, 2],
                &[1.0, -1.0, 0.5, 2.0, 0.0, 1.0, 1.0, -3.0],
            )
            .weight("w", &[3, 4], &[0.25; 12])
            .weight("b", &[3], &[1.0, -1.0, 0.0])
            .weight("c", &[1, 2, 1], &[1.0, 2.0])
            .list("s", &[0, -1, 4])
            .node_with("Conv", &["x", "k"], "1", vec![ints("strides", &[1, 1])])
            .node("Relu", &["1"], "2")
            .node("Reshape", &["2", "s"], "3")
            .node_with("Transpose", &["3"], "4", vec![ints("perm", &[0, 2, 1])])
            .node_with("Transpose", &["4"], "5", vec![ints("perm", &[0, 2, 1])])
            .node("Div", &["5", "c"], "6")
            .node_with("Transpose", &["w"], "v", vec![])
            .node("MatMul", &["6", "v"], "7")
            .node("Add", &["7", "b"], "8")
            .node_with("Flatten", &["8"], "y", vec![int("axis", 1)])
    }

    #[test]
    fn a_model_cut_anywhere_is_refused_or_read() {
        let bytes = varied().bytes();
        assert_eq!(read(&bytes).unwrap().output().to_string(), "6");
        for length in 0..bytes.len() {
            assert!(
                read(&bytes[..length]).is_err(),
                "{length} of {}",
                bytes.len()
            );
        }
    }

    #[test]
    fn a_damaged_model_never_panics() {
        let bytes = varied().bytes();
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut damaged = bytes.clone();
                damaged[at] ^= 1 << bit;
                let _ = read(&damaged);
            }
            for value in [0, 1, 0x7f, 0x80, 0xff] {
                let mut damaged = bytes.clone();
                damaged[at] = value;
                let _ = read(&damaged);
            }
            let mut shorter = bytes.clone();
            shorter.remove(at);
            let _ = read(&shorter);
        }
    }
}
