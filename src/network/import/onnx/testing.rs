//! Small models for the tests, written with the reader's own messages.

use prost::Message;

use super::proto::{
    AttributeProto, DimensionProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto,
    TensorProto, TensorShapeProto, TensorTypeProto, TypeProto, ValueInfoProto, attribute_kind,
    data_type,
};
use crate::arithmetic::{Number, Rational};
use crate::network::Network;

/// A model under construction: input `x`, output `y`.
#[derive(Clone)]
pub struct Model(pub ModelProto);

impl Model {
    /// A model of operator set 17 whose input has these axes; a negative one is a
    /// symbol.
    pub fn new(input: &[i64]) -> Self {
        Model(ModelProto {
            ir_version: 8,
            graph: Some(GraphProto {
                input: vec![value("x", input)],
                output: vec![value("y", &[])],
                ..GraphProto::default()
            }),
            opset_import: vec![OperatorSetIdProto {
                domain: String::new(),
                version: 17,
            }],
        })
    }

    pub fn opset(mut self, version: i64) -> Self {
        self.0.opset_import[0].version = version;
        self
    }

    pub fn graph(&mut self) -> &mut GraphProto {
        self.0.graph.as_mut().unwrap()
    }

    /// A node that gives `output`.
    pub fn node(self, operator: &str, inputs: &[&str], output: &str) -> Self {
        self.node_with(operator, inputs, output, vec![])
    }

    pub fn node_with(
        mut self,
        operator: &str,
        inputs: &[&str],
        output: &str,
        attribute: Vec<AttributeProto>,
    ) -> Self {
        self.graph().node.push(NodeProto {
            input: inputs.iter().map(ToString::to_string).collect(),
            output: vec![output.to_string()],
            name: format!("the {operator}"),
            op_type: operator.to_string(),
            attribute,
            domain: String::new(),
        });
        self
    }

    /// A float32 initialiser.
    pub fn weight(mut self, name: &str, axes: &[i64], values: &[f32]) -> Self {
        self.graph().initializer.push(floats(name, axes, values));
        self
    }

    /// An int64 initialiser with one axis.
    pub fn list(mut self, name: &str, values: &[i64]) -> Self {
        self.graph().initializer.push(TensorProto {
            name: name.to_string(),
            dims: vec![values.len() as i64],
            data_type: data_type::INT64,
            int64_data: values.to_vec(),
            ..TensorProto::default()
        });
        self
    }

    pub fn bytes(&self) -> Vec<u8> {
        self.0.encode_to_vec()
    }

    pub fn read(&self) -> Network {
        super::read(&self.bytes()).unwrap_or_else(|error| panic!("{error}"))
    }

    /// The output at this point, as text; shapes as well.
    pub fn at(&self, point: &[i64]) -> String {
        let network = self.read();
        let point: Vec<Rational> = point
            .iter()
            .map(|&value| Number::from(value).to_rational())
            .collect();
        let output = network.evaluate(&point).output;
        let output: Vec<String> = output.iter().map(Rational::to_string).collect();
        format!("{}: {}", network.output(), output.join(" "))
    }

    /// Checks that the model is refused with a message that has all of these parts.
    pub fn refused(&self, parts: &[&str]) {
        let message = super::read(&self.bytes()).unwrap_err().to_string();
        for part in parts {
            assert!(message.contains(part), "{part:?} is not in: {message}");
        }
    }
}

pub fn value(name: &str, axes: &[i64]) -> ValueInfoProto {
    let dim = |&size: &i64| DimensionProto {
        dim_value: (size >= 0).then_some(size),
        dim_param: (size < 0).then(|| "N".to_string()),
    };
    ValueInfoProto {
        name: name.to_string(),
        r#type: Some(TypeProto {
            tensor_type: Some(TensorTypeProto {
                elem_type: data_type::FLOAT,
                shape: Some(TensorShapeProto {
                    dim: axes.iter().map(dim).collect(),
                }),
            }),
        }),
    }
}

pub fn floats(name: &str, axes: &[i64], values: &[f32]) -> TensorProto {
    TensorProto {
        name: name.to_string(),
        dims: axes.to_vec(),
        data_type: data_type::FLOAT,
        float_data: values.to_vec(),
        ..TensorProto::default()
    }
}

fn attribute(name: &str, kind: i32) -> AttributeProto {
    AttributeProto {
        name: name.to_string(),
        kind,
        ..AttributeProto::default()
    }
}

pub fn int(name: &str, i: i64) -> AttributeProto {
    AttributeProto {
        i,
        ..attribute(name, attribute_kind::INT)
    }
}

pub fn float(name: &str, f: f32) -> AttributeProto {
    AttributeProto {
        f,
        ..attribute(name, attribute_kind::FLOAT)
    }
}

pub fn ints(name: &str, values: &[i64]) -> AttributeProto {
    AttributeProto {
        ints: values.to_vec(),
        ..attribute(name, attribute_kind::INTS)
    }
}

pub fn float_list(name: &str, values: &[f32]) -> AttributeProto {
    AttributeProto {
        floats: values.to_vec(),
        ..attribute(name, attribute_kind::FLOATS)
    }
}

pub fn text(name: &str, value: &str) -> AttributeProto {
    AttributeProto {
        s: value.as_bytes().to_vec(),
        ..attribute(name, attribute_kind::STRING)
    }
}

pub fn tensor(name: &str, value: TensorProto) -> AttributeProto {
    AttributeProto {
        t: Some(value),
        ..attribute(name, attribute_kind::TENSOR)
    }
}
