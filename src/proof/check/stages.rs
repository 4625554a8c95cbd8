//! The network as the checker sees it: stages of affine maps, each followed by a ReLU
//! layer, once in intervals and once over the integers.

use std::sync::OnceLock;

use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{One, Zero};

use crate::arithmetic::interval::Interval;
use crate::network::{Affine, Layer, Network};

/// What leads from one ReLU layer, or the input, to the next ReLU layer.
#[derive(Debug)]
pub struct Stage<'n> {
    /// The affine maps; none where two ReLU layers follow each other.
    pub maps: Vec<Map<'n>>,
    /// How many units the ReLU layer has.
    pub units: usize,
    /// The number of its first unit in the whole network.
    pub first_unit: usize,
}

/// One affine map.
#[derive(Debug)]
pub struct Map<'n> {
    affine: &'n Affine,
    /// Row r is `starts[r]..starts[r + 1]` of `entries`: columns and weights that are not
    /// zero.
    starts: Vec<usize>,
    entries: Vec<(u32, Interval)>,
    bias: Vec<Interval>,
    whole: OnceLock<WholeMap>,
}

/// An affine map times a positive integer that makes all of its numbers integers.
#[derive(Debug)]
struct WholeMap {
    /// For each output the columns and weights that are not zero, and the bias.
    rows: Vec<(Vec<(u32, BigInt)>, BigInt)>,
    /// The positive integer.
    scale: BigInt,
}

/// Affine functions of y over the integers.
#[derive(Clone, Debug)]
pub struct Whole {
    /// Entries a function: d + 1, the constant last.
    pub width: usize,
    /// All entries, one function after the other.
    pub entries: Vec<BigInt>,
    /// The positive integer that the functions are multiplied by.
    pub scale: BigInt,
}

impl Whole {
    /// One function.
    pub fn row(&self, row: usize) -> &[BigInt] {
        &self.entries[row * self.width..][..self.width]
    }
}

/// The stages of a network, up to its last ReLU layer: what follows has no units.
pub fn stages(network: &Network) -> Vec<Stage<'_>> {
    let shapes = network.shapes();
    let (mut stages, mut maps, mut first_unit) = (Vec::new(), Vec::new(), 0);
    for (layer, shape) in network.layers().iter().zip(&shapes) {
        match layer {
            Layer::Affine(affine) => maps.push(Map::new(affine)),
            Layer::Reshape(_) => {}
            Layer::Relu => {
                let units = shape.len();
                stages.push(Stage {
                    maps: std::mem::take(&mut maps),
                    units,
                    first_unit,
                });
                first_unit += units;
            }
        }
    }
    stages
}

impl Stage<'_> {
    /// Intervals around the forms of the stage's units, given those of what enters the
    /// stage; what is not active enters as zero.
    pub fn bounds(
        &self,
        from: &[Interval],
        width: usize,
        active: impl Fn(usize) -> bool,
    ) -> Vec<Interval> {
        match self.maps.split_first() {
            Some((first, rest)) => {
                let bounds = first.bounds(from, width, active);
                let through =
                    |from: Vec<Interval>, map: &Map<'_>| map.bounds(&from, width, |_| true);
                rest.iter().fold(bounds, through)
            }
            None => {
                let mut bounds = from.to_vec();
                let rows = bounds.chunks_exact_mut(width).enumerate();
                let inactive = rows.filter(|(row, _)| !active(*row));
                inactive.for_each(|(_, row)| row.fill(ZERO));
                bounds
            }
        }
    }

    /// The same over the integers.
    pub fn apply(&self, from: &Whole, active: impl Fn(usize) -> bool) -> Whole {
        match self.maps.split_first() {
            Some((first, rest)) => {
                let whole = first.apply(from, active);
                rest.iter()
                    .fold(whole, |from, map| map.apply(&from, |_| true))
            }
            None => {
                let mut whole = from.clone();
                let rows = whole.entries.chunks_exact_mut(from.width).enumerate();
                let inactive = rows.filter(|(row, _)| !active(*row));
                inactive.for_each(|(_, row)| row.fill(BigInt::zero()));
                whole
            }
        }
    }
}

impl<'n> Map<'n> {
    fn new(affine: &'n Affine) -> Self {
        let outputs = affine.output().len();
        let (mut starts, mut entries) = (vec![0], Vec::new());
        for row in 0..outputs {
            let (columns, weights) = affine.row(row);
            for (&column, weight) in columns.iter().zip(weights) {
                if !weight.is_zero() {
                    entries.push((column, Interval::of(weight)));
                }
            }
            starts.push(entries.len());
        }
        Map {
            affine,
            starts,
            entries,
            bias: affine.bias().iter().map(Interval::of).collect(),
            whole: OnceLock::new(),
        }
    }

    /// How many values come out.
    fn outputs(&self) -> usize {
        self.bias.len()
    }

    /// Whether all biases are zero.
    pub fn is_linear(&self) -> bool {
        self.affine.bias().iter().all(|bias| bias.is_zero())
    }

    /// Over the integers.
    fn whole(&self) -> &WholeMap {
        self.whole.get_or_init(|| WholeMap::new(self.affine))
    }

    /// Intervals around the map of the functions whose entries lie in `from`, where
    /// those that are not active are taken as zero.
    fn bounds(
        &self,
        from: &[Interval],
        width: usize,
        active: impl Fn(usize) -> bool,
    ) -> Vec<Interval> {
        let mut to = vec![ZERO; self.outputs() * width];
        for (row, to) in to.chunks_exact_mut(width).enumerate() {
            to[width - 1] = self.bias[row];
            for &(column, weight) in &self.entries[self.starts[row]..self.starts[row + 1]] {
                let column = column as usize;
                if active(column) {
                    let from = &from[column * width..][..width];
                    for (to, &from) in to.iter_mut().zip(from) {
                        if from != ZERO {
                            *to = to.plus(weight.times(from));
                        }
                    }
                }
            }
        }
        to
    }

    /// The map of functions, where those that are not active are taken as zero.
    fn apply(&self, from: &Whole, active: impl Fn(usize) -> bool) -> Whole {
        let map = self.whole();
        let width = from.width;
        let mut entries = vec![BigInt::zero(); self.outputs() * width];
        for ((row, bias), to) in map.rows.iter().zip(entries.chunks_exact_mut(width)) {
            to[width - 1] = bias * &from.scale;
            for (column, weight) in row {
                let column = *column as usize;
                if active(column) {
                    for (to, from) in to.iter_mut().zip(from.row(column)) {
                        if !from.is_zero() {
                            *to += weight * from;
                        }
                    }
                }
            }
        }
        Whole {
            width,
            entries,
            scale: &map.scale * &from.scale,
        }
    }
}

/// The interval that is the point 0.
pub const ZERO: Interval = Interval {
    low: 0.0,
    high: 0.0,
};

impl WholeMap {
    fn new(affine: &Affine) -> Self {
        let outputs = affine.output().len();
        let mut scale = BigInt::one();
        for row in 0..outputs {
            let numbers = affine.row(row).1.iter().chain([&affine.bias()[row]]);
            for number in numbers {
                scale = scale.lcm(number.to_rational().denom());
            }
        }
        let whole = |number: &crate::arithmetic::Number| {
            let value = number.to_rational();
            value.numer() * (&scale / value.denom())
        };
        let row = |row: usize| {
            let (columns, weights) = affine.row(row);
            let entries = columns.iter().zip(weights);
            let entries = entries.filter(|(_, weight)| !weight.is_zero());
            let entries = entries.map(|(&column, weight)| (column, whole(weight)));
            (entries.collect(), whole(&affine.bias()[row]))
        };
        let rows = (0..outputs).map(row).collect();
        WholeMap { rows, scale }
    }
}

#[cfg(test)]
mod tests {
    use super::super::systems::below;
    use super::*;
    use crate::arithmetic::{Number, Rational};
    use crate::network::Shape;

    const NUMBERS: [&str; 12] = [
        "0", "1", "-1", "3", "1/3", "-7/5", "0.1", "1e-320", "-1e-200", "1e308", "-1e160", "1e400",
    ];

    fn assert_contains(bounds: &[Interval], whole: &Whole) {
        assert_eq!(bounds.len(), whole.entries.len());
        for (bound, entry) in bounds.iter().zip(&whole.entries) {
            let value = Rational::new(entry.clone(), whole.scale.clone());
            let exact = |end| Rational::from_float(end);
            let above = exact(bound.low).map_or(bound.low < 0.0, |low| low <= value);
            let below = exact(bound.high).map_or(bound.high > 0.0, |high| value <= high);
            assert!(above && below, "{bound:?} {value}");
        }
    }

    /// Weights that floats hold barely or not at all, two maps in a row and none between
    /// two ReLU layers.
    #[test]
    fn intervals_contain_the_integers() {
        let mut state = 1;
        for _ in 0..300 {
            let mut numbers = |count: usize| -> Vec<Number> {
                let number = |_| NUMBERS[below(&mut state, 12) as usize];
                let numbers = (0..count).map(number);
                numbers.map(|text| Number::parse(text).unwrap()).collect()
            };
            let mut network = Network::new(Shape::new([2]));
            for (from, to) in [(2, 3), (3, 2), (0, 0), (0, 0), (2, 3), (0, 0)] {
                let mut affine = || Affine::dense(from, to, numbers(from * to), numbers(to));
                let layer = match from {
                    0 => Layer::Relu,
                    _ => Layer::Affine(affine().unwrap()),
                };
                network.push(layer).unwrap();
            }
            // y0 + 1/3 and -2 y1.
            let entries = [3, 0, 1, 0, -6, 0].map(BigInt::from);
            let mut whole = Whole {
                width: 3,
                entries: entries.to_vec(),
                scale: BigInt::from(3),
            };
            let of = |entry: &BigInt| {
                let value = Rational::new(entry.clone(), whole.scale.clone());
                Interval::of(&Number::from_rational(value))
            };
            let mut bounds: Vec<Interval> = whole.entries.iter().map(of).collect();
            for stage in stages(&network) {
                let signs = below(&mut state, 4);
                let active = |unit: usize| stage.first_unit == 0 || signs >> unit & 1 == 1;
                bounds = stage.bounds(&bounds, 3, active);
                whole = stage.apply(&whole, active);
                assert_contains(&bounds, &whole);
            }
        }
    }
}
