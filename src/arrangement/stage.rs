//! A network as the search sees it: one stage a ReLU layer, each a chain of
//! sparse affine maps, as floats with proved radii and as integers over a common
//! denominator.

use std::sync::OnceLock;

use smallvec::{SmallVec, smallvec};

use super::blocks::Blocks;
use crate::arithmetic::float::{self, TINY, UNIT, odd_parts};
use crate::arithmetic::int::{fingerprint, opposition, whole};
use crate::arithmetic::{Enclosure, Int, Number};
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
    pub members: SmallVec<[(usize, bool); 1]>,
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
    exact: Vec<Number>,
    exact_bias: Vec<Number>,
    floats: OnceLock<FloatMap>,
    integers: OnceLock<IntegerMap>,
}

/// The same map in floats.
#[derive(Debug)]
pub struct FloatMap {
    /// Weights and biases nearly, four rows at a time.
    pub blocks: Blocks,
    /// A bound on their relative errors.
    pub error: f64,
    /// Whether float proofs may use this map: no non-zero magnitude is extreme.
    pub tame: bool,
}

/// The same map over integers: `denominator` times weights and bias.
#[derive(Debug)]
pub struct IntegerMap {
    weights: Vec<Int>,
    bias: Vec<Int>,
    /// Positive.
    pub denominator: Int,
}

/// Numbers as floats, with a bound on their relative errors; `None` when float proofs may
/// not use them: those that are not zero lie between 2^-400 and 2^400 and are known to 2^-40.
fn tame(numbers: &[Number]) -> (Vec<f64>, Option<f64>) {
    let range = float::power_of_two(-400)..=float::power_of_two(400);
    let mut error = Some(0.0);
    let center = |number: &Number| {
        let Enclosure { center, radius } = number.enclosure();
        if radius == 0.0 {
            if center != 0.0 && !range.contains(&center.abs()) {
                error = None;
            }
        } else {
            // Not-a-number is in no range. The quotient may underflow.
            let relative = radius / center.abs() * (1.0 + 4.0 * UNIT) + TINY;
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
        let entries = affine.entries();
        let mut starts = Vec::with_capacity(outputs + 1);
        let (mut columns, mut exact) = (Vec::with_capacity(entries), Vec::with_capacity(entries));
        starts.push(0);
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
        SparseMap {
            starts,
            columns,
            exact,
            exact_bias: affine.bias().to_vec(),
            floats: OnceLock::new(),
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

    /// The map in floats; made on first use, as counting asks for none before the first layer.
    #[inline]
    pub fn floats(&self) -> &FloatMap {
        self.floats.get_or_init(|| self.rounded())
    }

    #[cold]
    fn rounded(&self) -> FloatMap {
        let (weights, weight_error) = tame(&self.exact);
        let (bias, bias_error) = tame(&self.exact_bias);
        let entries = |row: usize| {
            let range = self.starts[row]..self.starts[row + 1];
            (&self.columns[range.clone()], &weights[range])
        };
        FloatMap {
            blocks: Blocks::new(self.outputs(), entries, |row| bias[row]),
            error: weight_error.unwrap_or(0.0).max(bias_error.unwrap_or(0.0)),
            tame: weight_error.is_some() && bias_error.is_some(),
        }
    }

    /// Whether every bias is zero.
    pub fn linear(&self) -> bool {
        self.exact_bias.iter().all(Number::is_zero)
    }

    /// The map over integers; made on first use.
    pub fn integers(&self) -> &IntegerMap {
        self.integers.get_or_init(|| {
            let (mut weights, denominator) = whole(self.exact.iter().chain(&self.exact_bias));
            let bias = weights.split_off(self.exact.len());
            IntegerMap {
                weights,
                bias,
                denominator,
            }
        })
    }

    /// The non-zero entries of a row, times the common denominator.
    pub fn integer_row(&self, row: usize) -> impl Iterator<Item = (usize, &Int)> {
        let integers = self.integers();
        (self.starts[row]..self.starts[row + 1])
            .map(|k| (self.columns[k] as usize, &integers.weights[k]))
    }

    /// The bias of a row, times the common denominator.
    pub fn integer_bias(&self, row: usize) -> &Int {
        &self.integers().bias[row]
    }

    /// Groups the rows that are multiples of each other.
    fn classes(&self) -> Vec<Class> {
        let numbers = |row: usize| {
            let weights = self.exact[self.starts[row]..self.starts[row + 1]].iter();
            weights.chain([&self.exact_bias[row]])
        };
        let whole_row = |row: usize| (self.columns(row), whole(numbers(row)).0);
        let named = |row: usize| {
            let floats = numbers(row).map(|number| match number {
                Number::Float(value) => Some(odd_parts(*value)),
                Number::Rational(_) => None,
            });
            match floats.clone().all(|parts| parts.is_some()) {
                true => {
                    let parts = floats.flatten().map(|(odd, power)| (odd as u64, power));
                    fingerprint(self.columns(row), parts)
                }
                false => {
                    let (columns, entries) = whole_row(row);
                    fingerprint(columns, entries.iter().map(Int::odd_part))
                }
            }
        };
        group(self.outputs(), named, whole_row)
    }
}

/// Groups so many units whose rows are multiples of each other; a row is given by its
/// [`fingerprint`], and by its columns, unless it has all, and its entries.
pub fn group<'a, R: AsRef<[Int]>>(
    units: usize,
    named: impl Fn(usize) -> u64,
    row: impl Fn(usize) -> (&'a [u32], R),
) -> Vec<Class> {
    let mut order: Vec<(u64, usize)> = (0..units).map(|unit| (named(unit), unit)).collect();
    order.sort_unstable();
    if order.windows(2).all(|pair| pair[0].0 != pair[1].0) {
        let alone = |unit| Class {
            members: smallvec![(unit, false)],
        };
        return (0..units).map(alone).collect();
    }
    // For each unit the first one of its class, and whether they point against each other.
    let mut firsts: Vec<(usize, bool)> = (0..units).map(|unit| (unit, false)).collect();
    for alike in order.chunk_by(|a, b| a.0 == b.0) {
        for (k, &(_, unit)) in alike.iter().enumerate().skip(1) {
            let (columns, own) = row(unit);
            let found = alike[..k].iter().find_map(|&(_, other)| {
                let is_first = firsts[other].0 == other;
                let (other_columns, others) = row(other);
                if !is_first || other_columns != columns {
                    return None;
                }
                Some((other, opposition(others.as_ref(), own.as_ref())?))
            });
            firsts[unit] = found.unwrap_or((unit, false));
        }
    }
    let mut classes: Vec<Class> = Vec::new();
    let mut of_unit = vec![0; units];
    for (unit, &(first, opposite)) in firsts.iter().enumerate() {
        let member = (unit, opposite);
        if first == unit {
            of_unit[unit] = classes.len();
            classes.push(Class {
                members: smallvec![member],
            });
        } else {
            classes[of_unit[first]].members.push(member);
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
    /// Row-major, one row a unit.
    pub entries: Vec<Int>,
    /// Entries of a row: one a coordinate, and the constant.
    pub width: usize,
    /// Positive.
    pub denominator: Int,
}

impl ExactForms {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.entries.len() / self.width
    }

    /// One of them.
    pub fn row(&self, unit: usize) -> &[Int] {
        &self.entries[unit * self.width..][..self.width]
    }

    /// All of them.
    pub fn rows(&self) -> impl Iterator<Item = &[Int]> {
        self.entries.chunks_exact(self.width)
    }

    /// The forms after an affine map of the entries that are `active` (the others
    /// count as zero).
    pub fn through(&self, map: &SparseMap, active: impl Fn(usize) -> bool) -> ExactForms {
        let width = self.width;
        let mut entries: Vec<Int> = (0..map.outputs() * width).map(|_| Int::ZERO).collect();
        for (row, form) in entries.chunks_exact_mut(width).enumerate() {
            form[width - 1] = map.integer_bias(row).times(&self.denominator);
            for (column, weight) in map.integer_row(row).filter(|(column, _)| active(*column)) {
                for (sum, entry) in form.iter_mut().zip(self.row(column)) {
                    if !entry.is_zero() {
                        sum.add_product(weight, entry);
                    }
                }
            }
        }
        ExactForms {
            entries,
            width,
            denominator: self.denominator.times(&map.integers().denominator),
        }
    }
}
