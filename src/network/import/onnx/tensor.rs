//! Constant tensors: initialisers and `Constant` nodes, with the exact values that
//! their stored bits denote.

use std::rc::Rc;

use super::axes;
use super::proto::{TensorProto, data_type};
use super::{quote, wrong};
use crate::arithmetic::Number;
use crate::{Error, Result};

/// A tensor known when the model is read.
#[derive(Clone, Debug)]
pub struct Constant {
    /// What messages call it.
    pub name: String,
    /// Sizes of the axes.
    pub axes: Vec<usize>,
    /// The entries, row-major.
    pub data: Data,
}

/// The entries of a constant. Shared: a constant is read by many nodes, and most
/// that rearrange it leave its entries where they are.
#[derive(Clone, Debug)]
pub enum Data {
    /// Weights.
    Real(Rc<[Number]>),
    /// Shapes, axes and positions.
    Integer(Rc<[i64]>),
}

impl Constant {
    /// Reads a tensor and checks every entry. `name` is what messages call it.
    pub fn read(tensor: &TensorProto, name: String) -> Result<Constant> {
        let fault = |problem: String, remedy: &str| wrong(&name, problem, remedy);
        if tensor.data_location != 0 || !tensor.external_data.is_empty() {
            return Err(fault(
                "its values are stored outside the model file (external data)".into(),
                "save the model with its weights inside: torch.onnx.export(..., \
                 external_data=False), or onnx.save_model(model, path, save_as_external_data=False)",
            ));
        }
        if tensor.segment.is_some() {
            return Err(fault(
                "is only a segment of a tensor".into(),
                "save the model with whole tensors",
            ));
        }
        let axes = tensor
            .dims
            .iter()
            .map(|&size| {
                usize::try_from(size)
                    .map_err(|_| fault(format!("has an axis of size {size}"), BROKEN))
            })
            .collect::<Result<Vec<usize>>>()?;
        let count = axes::elements(&axes).map_err(|problem| fault(problem, BROKEN))?;
        let data = match tensor.data_type {
            data_type::FLOAT => {
                let values = entries(tensor, &tensor.float_data, f32::from_le_bytes);
                reals(&name, &axes, sized(values, count, &name)?.map(f64::from))?
            }
            data_type::DOUBLE => {
                let values = entries(tensor, &tensor.double_data, f64::from_le_bytes);
                reals(&name, &axes, sized(values, count, &name)?)?
            }
            data_type::INT64 => {
                let values = entries(tensor, &tensor.int64_data, i64::from_le_bytes);
                Data::Integer(sized(values, count, &name)?.collect())
            }
            data_type::INT32 => {
                let values = entries(tensor, &tensor.int32_data, i32::from_le_bytes);
                Data::Integer(sized(values, count, &name)?.map(i64::from).collect())
            }
            other => {
                return Err(fault(
                    format!("has entries of type {}", data_type::name(other)),
                    "supported types: float32, float64, int32, int64; convert the model to one \
                     of them",
                ));
            }
        };
        Ok(Constant { name, axes, data })
    }

    /// A tensor of real values; NaN and infinities are refused.
    pub fn of_reals(
        name: String,
        axes: Vec<usize>,
        values: impl IntoIterator<Item = f64>,
    ) -> Result<Constant> {
        let data = reals(&name, &axes, values)?;
        Ok(Constant { name, axes, data })
    }

    /// How many entries the tensor has.
    pub fn len(&self) -> usize {
        match &self.data {
            Data::Real(values) => values.len(),
            Data::Integer(values) => values.len(),
        }
    }

    /// The entries as weights; an integer is the number that it is.
    pub fn numbers(&self) -> Rc<[Number]> {
        match &self.data {
            Data::Real(values) => values.clone(),
            Data::Integer(values) => values.iter().map(|&value| Number::from(value)).collect(),
        }
    }

    /// The entries as integers, or `None` when they are weights.
    pub fn integers(&self) -> Option<&[i64]> {
        match &self.data {
            Data::Real(_) => None,
            Data::Integer(values) => Some(values),
        }
    }

    /// The same entries under other axes.
    pub fn reshaped(&self, axes: Vec<usize>) -> Constant {
        Constant {
            name: self.name.clone(),
            axes,
            data: self.data.clone(),
        }
    }

    /// Entry k of the result is entry `source[k]` of this tensor.
    pub fn picked(&self, axes: Vec<usize>, source: &[usize]) -> Constant {
        let data = match &self.data {
            Data::Real(values) => Data::Real(source.iter().map(|&k| values[k].clone()).collect()),
            Data::Integer(values) => Data::Integer(source.iter().map(|&k| values[k]).collect()),
        };
        Constant {
            name: self.name.clone(),
            axes,
            data,
        }
    }

    /// Where entry `flat` stands, for messages.
    pub fn entry(&self, flat: usize) -> String {
        entry(&self.name, &self.axes, flat)
    }
}

/// What messages call an initialiser.
pub fn initialiser(name: &str) -> String {
    format!("initialiser {}", quote(name))
}

const BROKEN: &str = "the file is damaged; export the model again";

fn entry(name: &str, axes: &[usize], flat: usize) -> String {
    format!("{name}, entry {}", axes::shown(&axes::index(axes, flat)))
}

fn reals(name: &str, axes: &[usize], values: impl IntoIterator<Item = f64>) -> Result<Data> {
    let number = |(flat, value): (usize, f64)| {
        Number::from_f64(value).ok_or_else(|| {
            wrong(
                entry(name, axes, flat),
                format!("the value is {value}; a weight is a finite number"),
                "train or export the model again",
            )
        })
    };
    let values = values.into_iter().enumerate().map(number);
    Ok(Data::Real(values.collect::<Result<_>>()?))
}

/// The stored entries, from the bytes or from the field of their type.
enum Entries<'t, T, const WIDTH: usize> {
    Typed(&'t [T]),
    Raw(&'t [u8], fn([u8; WIDTH]) -> T),
    Both,
}

fn entries<'t, T, const WIDTH: usize>(
    tensor: &'t TensorProto,
    typed: &'t [T],
    decode: fn([u8; WIDTH]) -> T,
) -> Entries<'t, T, WIDTH> {
    match (typed.is_empty(), tensor.raw_data.is_empty()) {
        (_, true) => Entries::Typed(typed),
        (true, false) => Entries::Raw(&tensor.raw_data, decode),
        (false, false) => Entries::Both,
    }
}

/// The entries, if they are as many as the axes say.
fn sized<'t, T: Copy, const WIDTH: usize>(
    entries: Entries<'t, T, WIDTH>,
    count: usize,
    name: &str,
) -> Result<Box<dyn Iterator<Item = T> + 't>> {
    let found = |found: String, expected: String| -> Error {
        wrong(
            name,
            format!("{found}, but its shape asks for {expected}"),
            BROKEN,
        )
    };
    match entries {
        Entries::Typed(values) if values.len() == count => Ok(Box::new(values.iter().copied())),
        Entries::Typed(values) => Err(found(
            format!("holds {} values", values.len()),
            count.to_string(),
        )),
        Entries::Raw(bytes, decode) => {
            let (chunks, rest) = bytes.as_chunks::<WIDTH>();
            if chunks.len() != count || !rest.is_empty() {
                return Err(found(
                    format!("holds {} bytes", bytes.len()),
                    format!("{count} values of {WIDTH} bytes"),
                ));
            }
            Ok(Box::new(chunks.iter().map(move |&chunk| decode(chunk))))
        }
        Entries::Both => Err(wrong(
            name,
            "holds its values twice, as bytes and as numbers",
            BROKEN,
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tensor(kind: i32, dims: &[i64]) -> TensorProto {
        TensorProto {
            dims: dims.to_vec(),
            data_type: kind,
            ..TensorProto::default()
        }
    }

    fn read(tensor: &TensorProto) -> Result<Constant> {
        Constant::read(tensor, initialiser("w"))
    }

    fn shown(tensor: &TensorProto) -> String {
        format!("{:?}", read(tensor).unwrap().numbers())
    }

    fn refused(tensor: &TensorProto, expected: &str) {
        let message = read(tensor).unwrap_err().to_string();
        assert!(message.contains("initialiser \"w\""), "{message}");
        assert!(message.contains(expected), "{message}");
    }

    #[test]
    fn every_type_is_read_from_bytes_and_from_its_field() {
        let mut t = tensor(data_type::FLOAT, &[2]);
        t.float_data = vec![0.1, -2.0];
        assert_eq!(shown(&t), "[0.10000000149011612, -2]");
        t.float_data.clear();
        t.raw_data = [0.1f32, -2.0]
            .iter()
            .flat_map(|v| v.to_le_bytes())
            .collect();
        assert_eq!(shown(&t), "[0.10000000149011612, -2]");

        let mut t = tensor(data_type::DOUBLE, &[1, 2]);
        t.double_data = vec![0.1, -0.0];
        assert_eq!(shown(&t), "[0.1, 0]");
        t.double_data.clear();
        t.raw_data = [0.1f64, -0.0]
            .iter()
            .flat_map(|v| v.to_le_bytes())
            .collect();
        assert_eq!(shown(&t), "[0.1, 0]");

        let mut t = tensor(data_type::INT64, &[2]);
        t.int64_data = vec![-1, i64::MAX];
        assert_eq!(read(&t).unwrap().integers(), Some(&[-1, i64::MAX][..]));
        t.int64_data.clear();
        t.raw_data = [-1i64, i64::MAX]
            .iter()
            .flat_map(|v| v.to_le_bytes())
            .collect();
        assert_eq!(shown(&t), "[-1, 9223372036854775807]");

        let mut t = tensor(data_type::INT32, &[]);
        t.int32_data = vec![-7];
        assert_eq!(read(&t).unwrap().integers(), Some(&[-7][..]));
        t.int32_data.clear();
        t.raw_data = (-7i32).to_le_bytes().to_vec();
        assert_eq!(read(&t).unwrap().integers(), Some(&[-7][..]));
    }

    #[test]
    fn broken_tensors_are_refused() {
        let mut t = tensor(data_type::FLOAT, &[2, 2]);
        t.float_data = vec![0.0, 1.0, f32::NAN, 3.0];
        refused(&t, "entry [1, 0]: the value is NaN");
        t.float_data[2] = f32::NEG_INFINITY;
        refused(&t, "the value is -inf");
        t.float_data.pop();
        refused(&t, "holds 3 values, but its shape asks for 4");
        t.raw_data = vec![0; 16];
        refused(&t, "twice");
        t.float_data.clear();
        t.raw_data.pop();
        refused(
            &t,
            "holds 15 bytes, but its shape asks for 4 values of 4 bytes",
        );
        t.raw_data.clear();
        t.data_location = 1;
        refused(&t, "external data");

        refused(&tensor(data_type::FLOAT, &[-1]), "axis of size -1");
        refused(&tensor(data_type::FLOAT, &[1 << 40, 1 << 40]), "entries");
        refused(&tensor(data_type::FLOAT, &[1 << 31]), "holds 0 values");
        refused(&tensor(data_type::FLOAT, &[1; 40]), "40 axes");
        refused(&tensor(10, &[1]), "float16");
        refused(&tensor(99, &[1]), "type 99");
        let mut t = tensor(data_type::FLOAT, &[1]);
        t.segment = Some(Default::default());
        refused(&t, "segment");
    }
}
