//! A network as the search sees it: one stage a ReLU layer, each a chain of
//! sparse affine maps, as floats with proved radii and as integers over a common
//! denominator.

use std::collections::HashMap;
use std::sync::OnceLock;

use num_bigint::BigInt;
use num_traits::Zero;

use super::blocks::Blocks;
use crate::arithmetic::float::{self, TINY, UNIT};
use crate::arithmetic::integer::{IntegerRow, over_common_denominator};
use crate::arithmetic::{Enclosure, Number, Rational};
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
    classes: OnceLock<Vec<Class>>,
}

impl Stage {
    /// Units whose pre-activations are multiples of each other whatever the values before the
    /// last map, which is all that is known on cells. The first stage has better classes, from the
    /// domain's own forms.
    pub fn classes(&self) -> &[Class] {
        let last = self.maps.last().expect("a stage has a map");
        self.classes.get_or_init(|| last.classes())
    }
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
    starts: Vec<usize>,
    columns: Vec<u32>,
    blocks: Blocks,
    /// A bound on the relative errors of the blocks' weights and biases.
    pub error: f64,
    /// Whether float proofs may use this map: no non-zero magnitude is extreme.
    pub tame: bool,
    exact: Vec<Number>,
    exact_bias: Vec<Number>,
    integers: OnceLock<IntegerMap>,
}

/// The same map over integers: `denominator` times weights and bias.
#[derive(Debug)]
pub struct IntegerMap {
    weights: Vec<BigInt>,
    bias: Vec<BigInt>,
    /// Positive.
    pub denominator: BigInt,
}

/// Numbers as floats, with a bound on their relative errors; `None` when float proofs may
/// not use them: those that are not zero lie between 2^-400 and 2^400 and are known to 2^-40.
fn tame(numbers: &[Number]) -> (Vec<f64>, Option<f64>) {
    let range = float::power_of_two(-400)..=float::power_of_two(400);
    let mut error = Some(0.0);
    let center = |number: &Number| {
        let Enclosure { center, radius } = number.enclosure();
        if center != 0.0 || radius != 0.0 {
            // Not-a-number is in no range.
            let relative = match radius == 0.0 {
                true => 0.0,
                // The quotient may underflow.
                false => radius / center.abs() * (1.0 + 4.0 * UNIT) + TINY,
            };
            let known = range.contains(&center.abs()) && relative <= float::power_of_two(-40);
            error = error
                .filter(|_| known)
                .map(|error: f64| error.max(relative));
        }
        center
    };
    let centers = numbers.iter().map(center).collect();
    (centers, error)
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
        let (weights, weight_error) = tame(&exact);
        let (bias, bias_error) = tame(affine.bias());
        let entries = |row: usize| {
            let range = starts[row]..starts[row + 1];
            (&columns[range.clone()], &weights[range])
        };
        let blocks = Blocks::new(outputs, entries, |row| bias[row]);
        SparseMap {
            starts,
            columns,
            blocks,
            error: weight_error.unwrap_or(0.0).max(bias_error.unwrap_or(0.0)),
            tame: weight_error.is_some() && bias_error.is_some(),
            exact,
            exact_bias: affine.bias().to_vec(),
            integers: OnceLock::new(),
        }
    }

    /// How many values the map gives.
    pub fn outputs(&self) -> usize {
        self.starts.len() - 1
    }

    /// The columns of a row's non-zero entries.
    pub fn columns(&self, row: usize) -> &[u32] {
        &self.columns[self.starts[row]..self.starts[row + 1]]
    }

    /// The entries nearly, four rows at a time.
    pub fn blocks(&self) -> &Blocks {
        &self.blocks
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
                stages.push(Stage {
                    maps: std::mem::take(&mut maps),
                    units: values,
                    first_unit,
                    classes: OnceLock::new(),
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
