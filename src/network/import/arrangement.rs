//! A hyperplane arrangement as JSON: each row is a_1, ..., a_d, b and means
//! a.x + b = 0. It becomes a network of one ReLU layer whose units are the
//! hyperplanes, in their order; the regions of one are those of the other.

use super::document::{self, Level, Node};
use crate::Result;
use crate::network::limits::{MAX_ENTRIES, tensor_len};
use crate::network::{Affine, Layer, Network, Shape};

const REMEDY: &str = "write {\"dim\": 2, \"hyperplanes\": [[1, -1, 0], [\"1/3\", 0.5, 2]]}";

/// Reads an arrangement. No hyperplanes at all are fine: one region.
///
/// # Errors
/// When the text is not JSON (with its line and column), or not an arrangement
/// (with the place, such as `hyperplanes[2][3]`).
///
/// ```
/// let text = br#"{"dim": 2, "hyperplanes": [[1, -1, 0], ["1/3", 0.5, 2]]}"#;
/// let network = chambers::network::import::arrangement::read(text).unwrap();
/// assert_eq!(network.input().len(), 2);
/// assert_eq!(network.units_per_layer(), [2]);
/// ```
pub fn read(text: &[u8]) -> Result<Network> {
    let value = document::parse(text)?;
    from_root(&Node::root(&value))
}

/// Reads an arrangement from a parsed document.
pub(super) fn from_root(root: &Node) -> Result<Network> {
    let node = root.need("dim", REMEDY)?;
    let dim = node.size(1)?;
    if tensor_len(&[dim]).is_none() {
        return Err(node.error(
            format!("dimension {dim}; expected at most {MAX_ENTRIES}"),
            "use a smaller arrangement",
        ));
    }
    let mut levels = [
        Level::any(),
        Level::exactly(
            dim + 1,
            "the coefficients of each variable, then the constant",
        ),
    ];
    let hyperplanes = root.need("hyperplanes", REMEDY)?;
    let rows = hyperplanes.tensor(&mut levels)?;
    let count = rows.len() / (dim + 1);
    let (mut weight, mut bias) = (Vec::with_capacity(count * dim), Vec::with_capacity(count));
    for row in rows.chunks_exact(dim + 1) {
        let (constant, normal) = row.split_last().expect("a row has dim + 1 entries");
        weight.extend_from_slice(normal);
        bias.push(constant.clone());
    }
    let mut network = Network::new(Shape::new([dim]));
    network.push(Layer::Affine(Affine::dense(dim, count, weight, bias)?))?;
    network.push(Layer::Relu)?;
    Ok(network)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arithmetic::Number;

    #[test]
    fn rows_become_units() {
        let network =
            read(br#"{"name": "x", "dim": 2, "hyperplanes": [[1, -1, 0], ["1/3", 0.5, "0.1"]]}"#)
                .unwrap();
        let [Layer::Affine(affine), Layer::Relu] = network.layers() else {
            panic!("expected an affine layer and ReLU")
        };
        let numbers = |texts: &[&str]| -> Vec<Number> {
            texts.iter().map(|t| Number::parse(t).unwrap()).collect()
        };
        assert_eq!(affine.row(0).1, numbers(&["1", "-1"]));
        assert_eq!(affine.row(1).1, numbers(&["1/3", "1/2"]));
        assert_eq!(affine.bias(), numbers(&["0", "1/10"]));
    }

    #[test]
    fn no_hyperplanes_are_an_arrangement() {
        let network = read(br#"{"dim": 3, "hyperplanes": []}"#).unwrap();
        assert_eq!(network.input().len(), 3);
        assert_eq!(network.units_per_layer(), [0]);
    }

    #[test]
    fn errors_name_their_place() {
        let cases = [
            ("{}", "top level: there is no key \"dim\""),
            ("[1]", "expected an object with the key \"dim\""),
            ("{\"dim\": 2}", "there is no key \"hyperplanes\""),
            (
                "{\"dim\": 0, \"hyperplanes\": []}",
                "dim: 0; expected a whole number from 1",
            ),
            (
                "{\"dim\": 99999999999, \"hyperplanes\": []}",
                "dim: dimension 99999999999",
            ),
            (
                "{\"dim\": 1, \"hyperplanes\": 3}",
                "hyperplanes: 3; expected a list of rows",
            ),
            (
                "{\"dim\": 1, \"hyperplanes\": [3]}",
                "hyperplanes[0]: 3; expected a list of numbers",
            ),
            (
                "{\"dim\": 2, \"hyperplanes\": [[1, 2, 3], [1, 2]]}",
                "hyperplanes[1]: 2 entries; expected 3, the coefficients",
            ),
            (
                "{\"dim\": 1, \"hyperplanes\": [[1, \"x\"]]}",
                "hyperplanes[0][1]: the string \"x\"; expected an exact number",
            ),
            (
                "{\"dim\": 1, \"hyperplanes\": [[1, NaN]]}",
                "NaN is no number",
            ),
        ];
        for (text, expected) in cases {
            let message = read(text.as_bytes()).unwrap_err().to_string();
            assert!(message.contains(expected), "{text}\n{message}");
        }
    }
}
