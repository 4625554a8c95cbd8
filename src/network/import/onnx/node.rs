//! One node of a graph: its operands' names, its attributes, and its place in
//! messages.

use super::proto::{AttributeProto, NodeProto, TensorProto, attribute_kind};
use super::{quote, wrong};
use crate::{Error, Result};

/// A node, its number in the file, and the operator set that gives it its meaning.
#[derive(Clone, Copy, Debug)]
pub struct Node<'m> {
    proto: &'m NodeProto,
    number: usize,
    /// The version of the standard's operators that the model asks for.
    pub opset: i64,
}

impl<'m> Node<'m> {
    /// Node `number` of the file, counted from 0.
    pub fn new(proto: &'m NodeProto, number: usize, opset: i64) -> Self {
        Node {
            proto,
            number,
            opset,
        }
    }

    /// The operator; one of another family than the standard's carries its family.
    pub fn operator(&self) -> String {
        match self.proto.domain.as_str() {
            "" | "ai.onnx" => self.proto.op_type.clone(),
            domain => format!("{domain}.{}", self.proto.op_type),
        }
    }

    /// The names of the operands; `None` is an absent one.
    pub fn inputs(&self) -> impl Iterator<Item = Option<&'m str>> + use<'m> {
        let name = |name: &'m String| (!name.is_empty()).then_some(name.as_str());
        self.proto.input.iter().map(name)
    }

    /// The names of the results.
    pub fn outputs(&self) -> impl Iterator<Item = &'m str> + use<'m> {
        self.proto
            .output
            .iter()
            .map(String::as_str)
            .filter(|name| !name.is_empty())
    }

    /// The node as messages show it.
    pub fn place(&self) -> String {
        let name = if self.proto.name.is_empty() {
            match self.outputs().next() {
                Some(output) => format!("giving {}", quote(output)),
                None => "without a name".into(),
            }
        } else {
            quote(&self.proto.name)
        };
        let mut operator = self.operator();
        if operator.chars().count() > 60 {
            operator = operator.chars().take(60).collect();
        }
        format!("node {} {name} ({})", self.number, operator.escape_debug())
    }

    /// An error at this node.
    pub fn wrong(&self, problem: impl Into<String>, remedy: impl Into<String>) -> Error {
        wrong(self.place(), problem, remedy)
    }

    /// Refuses attributes other than these: one that is not known could change what
    /// the node computes.
    pub fn only_attributes(&self, known: &[&str]) -> Result<()> {
        for (k, attribute) in self.proto.attribute.iter().enumerate() {
            let name = &attribute.name;
            if !known.contains(&name.as_str()) {
                return Err(self.wrong(
                    format!("attribute {} is not supported here", quote(name)),
                    match known {
                        [] => format!("in operator set {} it takes none", self.opset),
                        _ => format!(
                            "supported in operator set {}: {}",
                            self.opset,
                            known.join(", ")
                        ),
                    },
                ));
            }
            if self.proto.attribute[..k].iter().any(|a| a.name == *name) {
                return Err(self.wrong(
                    format!("attribute {} is given twice", quote(name)),
                    "export the model again",
                ));
            }
        }
        Ok(())
    }

    /// An integer attribute.
    pub fn integer(&self, name: &str) -> Result<Option<i64>> {
        Ok(self
            .attribute(name, attribute_kind::INT, "an integer")?
            .map(|attribute| attribute.i))
    }

    /// An attribute that is 0 or 1; absent means 0.
    pub fn flag(&self, name: &str) -> Result<bool> {
        match self.integer(name)? {
            None | Some(0) => Ok(false),
            Some(1) => Ok(true),
            Some(other) => Err(self.wrong(
                format!("attribute {name} is {other}"),
                "expected 0 or 1; export the model again",
            )),
        }
    }

    /// A float attribute.
    pub fn float(&self, name: &str) -> Result<Option<f32>> {
        Ok(self
            .attribute(name, attribute_kind::FLOAT, "a float")?
            .map(|attribute| attribute.f))
    }

    /// A list of integers.
    pub fn integers(&self, name: &str) -> Result<Option<&'m [i64]>> {
        Ok(self
            .attribute(name, attribute_kind::INTS, "a list of integers")?
            .map(|attribute| attribute.ints.as_slice()))
    }

    /// A list of floats.
    pub fn floats(&self, name: &str) -> Result<Option<&'m [f32]>> {
        Ok(self
            .attribute(name, attribute_kind::FLOATS, "a list of floats")?
            .map(|attribute| attribute.floats.as_slice()))
    }

    /// A string.
    pub fn text(&self, name: &str) -> Result<Option<String>> {
        Ok(self
            .attribute(name, attribute_kind::STRING, "a string")?
            .map(|attribute| String::from_utf8_lossy(&attribute.s).into_owned()))
    }

    /// A tensor.
    pub fn tensor(&self, name: &str) -> Result<Option<&'m TensorProto>> {
        Ok(self
            .attribute(name, attribute_kind::TENSOR, "a tensor")?
            .and_then(|attribute| attribute.t.as_ref()))
    }

    fn attribute(&self, name: &str, kind: i32, what: &str) -> Result<Option<&'m AttributeProto>> {
        let Some(attribute) = self.proto.attribute.iter().find(|a| a.name == name) else {
            return Ok(None);
        };
        if attribute.kind != kind {
            return Err(self.wrong(
                format!("attribute {name} is not {what}"),
                "export the model again",
            ));
        }
        Ok(Some(attribute))
    }
}
