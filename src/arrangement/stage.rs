//! A network as the search sees it: one stage a ReLU layer, each a chain of
//! sparse affine maps, as floats with proved radii and as integers over a common
//! denominator.

use std::collections::HashMap;
use std::sync::OnceLock;

use num_bigint::BigInt;
use num_traits::Zero;

use crate::arithmetic::integer::{IntegerRow, over_common_denominator};
use crate::arithmetic::{Number, Rational, float};
use crate::network::{Affine, Layer, Network, Shape};

/// The affine maps between two ReLU layers (or the input and the first).
#[derive(Debug)]
pub struct Stage {
    /// Applied in this order; at least one.
    pub maps: Vec<SparseMap>,
    /// Units of the ReLU layer at the end.
    pub units: usize,
    /// Index of the first of them among all units of the network.
    pub first_unit: usize,
    /// Units whose pre-activations are multiples of each other for every input.
    pub classes: Vec<Class>,
}

/// Units that share a hyperplane on every cell.
#[derive(Clone, Debug)]
pub struct Class {
    /// (unit within its layer, whether its sign is opposite to the first one's).
    pub members: Vec<(usize, bool)>,
}

impl Class {
    /// The unit that stands for the class.
    pub fn representative(&self) -> usize {
        self.members[0].0
    }
}

/// `x -> W x + b` with sparse rows.
#[derive(Debug)]
pub struct SparseMap {
    inputs: usize,
    starts: Vec<usize>,
    columns: Vec<u32>,
    weights: FloatVector,
    bias: FloatVector,
    /// Whether float proofs may use this map: no non-zero magnitude is extreme.
    pub tame: bool,
    exact: Vec<Number>,
    exact_bias: Vec<Number>,
    integers: OnceLock<IntegerMap>,
}

#[derive(Debug)]
struct FloatVector {
    centers: Vec<f64>,
    /// Empty when every center is exact.
    radii: Vec<f64>,
}

/// The same map over integers: `denominator` times weights and bias.
#[derive(Debug)]
pub struct IntegerMap {
    weights: Vec<BigInt>,
    bias: Vec<BigInt>,
    /// Positive.
    pub denominator: BigInt,
}

impl FloatVector {
    fn new(numbers: &[Number]) -> Self {
        let enclosures: Vec<_> = numbers.iter().map(Number::enclosure).collect();
        let exact = enclosures.iter().all(|e| e.radius == 0.0);
        FloatVector {
            centers: enclosures.iter().map(|e| e.center).collect(),
            radii: if exact {
                Vec::new()
            } else {
                enclosures.iter().map(|e| e.radius).collect()
            },
        }
    }

    /// Non-zero weights lie between 2^-400 and 2^400 and are known to 2^-40.
    fn tame(&self) -> bool {
        let range = float::power_of_two(-400)..=float::power_of_two(400);
        let sane = |&center: &f64| center == 0.0 || range.contains(&center.abs());
        let known =
            |(radius, center): (&f64, &f64)| *radius <= center.abs() * float::power_of_two(-40);
        self.centers.iter().all(sane) && self.radii.iter().zip(&self.centers).all(known)
    }

    fn radius(&self, index: usize) -> f64 {
        self.radii.get(index).copied().unwrap_or(0.0)
    }
}

impl SparseMap {
    fn new(affine: &Affine) -> Self {
        let outputs = affine.output().len();
        let mut starts = vec![0];
        let (mut columns, mut exact) = (Vec::new(), Vec::new());
        for row in 0..outputs {
            let (row_columns, row_weights) = affine.row(row);
            for (&column, weight) in row_columns.iter().zip(row_weights) {
                if !weight.is_zero() {
                    columns.push(column);
                    exact.push(weight.clone());
                }
            }
            starts.push(columns.len());
        }
        let (weights, bias) = (FloatVector::new(&exact), FloatVector::new(affine.bias()));
        let tame = weights.tame() && bias.tame();
        SparseMap {
            inputs: affine.input_len(),
            starts,
            columns,
            weights,
            bias,
            tame,
            exact,
            exact_bias: affine.bias().to_vec(),
            integers: OnceLock::new(),
        }
    }

    /// How many values the map takes.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// How many values the map gives.
    pub fn outputs(&self) -> usize {
        self.starts.len() - 1
    }

    /// The non-zero entries of a row, nearly: columns and weights.
    pub fn centers(&self, row: usize) -> (&[u32], &[f64]) {
        let range = self.starts[row]..self.starts[row + 1];
        (&self.columns[range.clone()], &self.weights.centers[range])
    }

    /// How nearly, when not all weights are floats.
    pub fn radii(&self, row: usize) -> &[f64] {
        let range = self.starts[row]..self.starts[row + 1];
        self.weights.radii.get(range).unwrap_or_default()
    }

    /// The bias of a row, with its radius.
    pub fn bias(&self, row: usize) -> (f64, f64) {
        (self.bias.centers[row], self.bias.radius(row))
    }

    /// Whether every bias is zero.
    pub fn linear(&self) -> bool {
        self.exact_bias.iter().all(Number::is_zero)
    }

    /// The map over integers; made on first use.
    pub fn integers(&self) -> &IntegerMap {
        self.integers.get_or_init(|| {
            let values: Vec<Rational> = self
                .exact
                .iter()
                .chain(&self.exact_bias)
                .map(Number::to_rational)
                .collect();
            let (mut weights, denominator) = over_common_denominator(&values);
            let bias = weights.split_off(self.exact.len());
            IntegerMap {
                weights,
                bias,
                denominator,
            }
        })
    }

    /// The non-zero entries of a row, times the common denominator.
    pub fn integer_row(&self, row: usize) -> impl Iterator<Item = (usize, &BigInt)> {
        let integers = self.integers();
        (self.starts[row]..self.starts[row + 1])
            .map(|k| (self.columns[k] as usize, &integers.weights[k]))
    }

    /// The bias of a row, times the common denominator.
    pub fn integer_bias(&self, row: usize) -> &BigInt {
        &self.integers().bias[row]
    }

    /// Groups the rows that are multiples of each other.
    fn classes(&self) -> Vec<Class> {
        let rows = (0..self.outputs()).map(|row| {
            let entries = self.starts[row]..self.starts[row + 1];
            let values: Vec<Rational> = self.exact[entries.clone()]
                .iter()
                .chain([&self.exact_bias[row]])
                .map(Number::to_rational)
                .collect();
            let integers = IntegerRow::new(&over_common_denominator(&values).0);
            let (direction, negative) = integers.direction();
            ((&self.columns[entries], direction), negative)
        });
        group(rows)
    }
}

/// Groups units whose rows have the same direction; `true` marks rows that point
/// against their direction.
pub fn group<K: std::hash::Hash + Eq>(rows: impl Iterator<Item = (K, bool)>) -> Vec<Class> {
    let mut classes: Vec<Class> = Vec::new();
    let mut known: HashMap<K, (usize, bool)> = HashMap::new();
    for (unit, (direction, negative)) in rows.enumerate() {
        match known.get(&direction) {
            Some(&(class, first)) => classes[class].members.push((unit, negative != first)),
            None => {
                known.insert(direction, (classes.len(), negative));
                classes.push(Class {
                    members: vec![(unit, false)],
                });
            }
        }
    }
    classes
}

/// Cuts a network at its ReLU layers. What follows the last one cuts no cell and
/// is left out.
pub fn stages(network: &Network) -> Vec<Stage> {
    let mut stages = Vec::new();
    let mut maps = Vec::new();
    let (mut first_unit, mut values) = (0, network.input().len());
    for layer in network.layers() {
        match layer {
            Layer::Reshape(_) => {}
            Layer::Affine(affine) => {
                values = affine.output().len();
                maps.push(SparseMap::new(affine));
            }
            Layer::Relu => {
                if maps.is_empty() {
                    maps.push(SparseMap::new(&identity(values)));
                }
                // Proportional rows of the last map are proportional on every cell. For
                // the first stage better classes come later, from the domain's own forms.
                let classes = maps.last().map(SparseMap::classes).unwrap_or_default();
                stages.push(Stage {
                    maps: std::mem::take(&mut maps),
                    units: values,
                    first_unit,
                    classes,
                });
                first_unit += values;
            }
        }
    }
    stages
}

fn identity(values: usize) -> Affine {
    let (ones, zeros) = (vec![Number::ONE; values], vec![Number::ZERO; values]);
    Affine::elementwise(Shape::new([values]), ones, zeros)
        .expect("one scale and one shift an entry")
}

/// The exact forms of some units on a cell: integer rows, the constant last, over
/// one positive denominator.
#[derive(Clone, Debug)]
pub struct ExactForms {
    /// One row a unit.
    pub rows: Vec<Vec<BigInt>>,
    /// Entries of a row: one a coordinate, and the constant.
    pub width: usize,
    /// Positive.
    pub denominator: BigInt,
}

impl ExactForms {
    /// The forms after an affine map of the entries that are `active` (the others
    /// count as zero).
    pub fn through(&self, map: &SparseMap, active: impl Fn(usize) -> bool) -> ExactForms {
        let width = self.width;
        let rows = (0..map.outputs())
            .map(|row| {
                let mut form = vec![BigInt::zero(); width];
                form[width - 1] = map.integer_bias(row) * &self.denominator;
                for (column, weight) in map.integer_row(row).filter(|(column, _)| active(*column)) {
                    for (sum, entry) in form.iter_mut().zip(&self.rows[column]) {
                        if !entry.is_zero() {
                            *sum += weight * entry;
                        }
                    }
                }
                form
            })
            .collect();
        ExactForms {
            rows,
            width,
            denominator: &self.denominator * &map.integers().denominator,
        }
    }
}
