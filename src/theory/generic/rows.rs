//! One layer with shared weights, as rows of parameters.

use std::collections::BTreeMap;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::super::theorem2::Group;
use crate::arithmetic::prime::PRIME;
use crate::network::architecture::ArchitectureLayer;
use crate::network::limits::{MAX_ENTRIES, convolution_problem, tensor_len};
use crate::network::{Architecture, Convolution};
use crate::{Error, Result};

/// The biases of a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Bias {
    /// One for each filter, or for each unit of a dense layer, free to choose.
    Free,
    /// None: all hyperplanes go through the origin.
    None,
}

/// A layer whose weights are parameters: units at different positions of a
/// convolution share those of their filter, and its bias.
///
/// Only the shapes named by the constructors exist, as the theorem's proof needs
/// their symmetry.
///
/// ```
/// use chambers::network::Architecture;
/// use chambers::theory::generic::SharedRows;
/// let layer = SharedRows::of(&Architecture::parse("1x3x1; conv 2@1x2").unwrap()).unwrap();
/// // Units position by position; (input, parameter).
/// assert_eq!(layer.rows()[0], [(0, 0), (1, 1)]);
/// assert_eq!(layer.rows()[1], [(0, 2), (1, 3)]);
/// assert_eq!(layer.rows()[2], [(1, 0), (2, 1)]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedRows {
    inputs: usize,
    parameters: usize,
    rows: Vec<Vec<(u32, u32)>>,
    bias: Bias,
}

impl SharedRows {
    /// A dense layer: every weight is a parameter of its own.
    ///
    /// # Errors
    /// When the layer has more weights than any count could handle.
    pub fn dense(inputs: usize, units: usize, bias: Bias) -> Result<Self> {
        if tensor_len(&[inputs, units]).is_none() {
            let problem =
                format!("{inputs} inputs of {units} units: more than {MAX_ENTRIES} weights");
            return Err(wrong(problem));
        }
        let row = |unit: usize| (0..inputs).map(move |k| (k as u32, (unit * inputs + k) as u32));
        Ok(SharedRows {
            inputs,
            parameters: inputs * units,
            rows: (0..units).map(|unit| row(unit).collect()).collect(),
            bias,
        })
    }

    /// A convolution of any stride, padding, dilation and number of groups. Inputs
    /// are numbered as in the layer's tensor; units come position by position.
    ///
    /// # Errors
    /// When the geometry is impossible or too large.
    pub fn convolution(conv: &Convolution, bias: Bias) -> Result<Self> {
        if let Some(problem) = convolution_problem(conv) {
            return Err(wrong(problem));
        }
        let positions = conv.positions().expect("the geometry was just checked");
        let channels = conv.channels / conv.groups;
        let taps = conv.kernel[0] * conv.kernel[1];
        let mut rows = Vec::new();
        for i in 0..positions[0] {
            for j in 0..positions[1] {
                for filter in 0..conv.filters {
                    let first = filter / (conv.filters / conv.groups) * channels;
                    let mut row = Vec::new();
                    for tap in 0..taps {
                        let (a, b) = (tap / conv.kernel[1], tap % conv.kernel[1]);
                        let (Some(y), Some(x)) = (conv.tap(0, i, a), conv.tap(1, j, b)) else {
                            continue;
                        };
                        for channel in 0..channels {
                            let at = conv.index(conv.input, conv.channels, [y, x], first + channel);
                            let parameter = (filter * taps + tap) * channels + channel;
                            row.push((at as u32, parameter as u32));
                        }
                    }
                    row.sort_unstable();
                    rows.push(row);
                }
            }
        }
        Ok(SharedRows {
            inputs: conv.input[0] * conv.input[1] * conv.channels,
            parameters: conv.filters * taps * channels,
            rows,
            bias,
        })
    }

    /// The layer of an architecture that has one.
    ///
    /// # Errors
    /// When it has no layer of units, or more than one.
    pub fn of(architecture: &Architecture) -> Result<Self> {
        let mut layers = architecture
            .layers()
            .iter()
            .filter(|layer| **layer != ArchitectureLayer::Flatten);
        let bias = |bias: bool| if bias { Bias::Free } else { Bias::None };
        match (layers.next(), layers.next()) {
            (Some(ArchitectureLayer::Dense { units, bias: b }), None) => {
                SharedRows::dense(architecture.input().len(), *units, bias(*b))
            }
            (Some(ArchitectureLayer::Convolution { geometry, bias: b }), None) => {
                SharedRows::convolution(geometry, bias(*b))
            }
            (first, _) => Err(Error::input(
                "generic count",
                "architecture",
                match first {
                    None => "no layer of units",
                    Some(_) => "more than one layer of units",
                },
                "use it on the first layer alone",
            )),
        }
    }

    /// How many inputs the layer has, used or not.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// How many weights the layer has, each counted once.
    pub fn parameters(&self) -> usize {
        self.parameters
    }

    /// For every unit the inputs that it sees, ascending, and the parameters by
    /// which it weighs them.
    pub fn rows(&self) -> &[Vec<(u32, u32)>] {
        &self.rows
    }

    /// The biases.
    pub fn bias(&self) -> Bias {
        self.bias
    }

    /// Units grouped by the inputs that they see, for Eq. (4).
    pub fn groups(&self) -> Vec<Group> {
        let mut units: BTreeMap<Vec<u32>, u64> = BTreeMap::new();
        for row in &self.rows {
            let window = row.iter().map(|&(input, _)| input).collect();
            *units.entry(window).or_default() += 1;
        }
        let group = |(window, units)| Group { window, units };
        units.into_iter().map(group).collect()
    }

    /// Units that share inputs, directly or through others; those without inputs
    /// are in no part.
    pub(super) fn connected(&self) -> Vec<Vec<usize>> {
        let mut leader: Vec<usize> = (0..self.inputs).collect();
        fn find(leader: &mut [usize], mut k: usize) -> usize {
            while leader[k] != k {
                leader[k] = leader[leader[k]];
                k = leader[k];
            }
            k
        }
        for row in &self.rows {
            for pair in row.windows(2) {
                let [a, b] = [pair[0].0, pair[1].0].map(|k| find(&mut leader, k as usize));
                leader[a.max(b)] = a.min(b);
            }
        }
        let mut parts: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (unit, row) in self.rows.iter().enumerate() {
            if let Some(&(input, _)) = row.first() {
                let part = find(&mut leader, input as usize);
                parts.entry(part).or_default().push(unit);
            }
        }
        parts.into_values().collect()
    }

    /// Some units' rows on the inputs that these see, where every parameter has the
    /// given weight.
    pub(super) fn vectors(&self, units: &[usize], weights: &[u64]) -> Vec<Vec<u64>> {
        let inputs = self.inputs_of(units);
        let vector = |&unit: &usize| {
            let mut vector = vec![0; inputs.len()];
            for (input, parameter) in &self.rows[unit] {
                let at = inputs
                    .binary_search(input)
                    .expect("an input of these units");
                vector[at] = weights[*parameter as usize];
            }
            vector
        };
        units.iter().map(vector).collect()
    }

    /// The inputs that some units see, ascending.
    pub(super) fn inputs_of(&self, units: &[usize]) -> Vec<u32> {
        let seen = units.iter().flat_map(|&unit| &self.rows[unit]);
        let mut inputs: Vec<u32> = seen.map(|&(input, _)| input).collect();
        inputs.sort_unstable();
        inputs.dedup();
        inputs
    }

    /// A weight for every parameter, drawn from the residues modulo the prime: the
    /// words of ChaCha8 with the seed as key that are below it after three bits are
    /// dropped.
    pub(super) fn random_weights(&self, seed: u64) -> Vec<u64> {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        let mut words = ChaCha8Rng::from_seed(key);
        let mut weight = || loop {
            let word = words.next_u64() >> 3;
            if word < PRIME {
                return word;
            }
        };
        (0..self.parameters).map(|_| weight()).collect()
    }
}

fn wrong(problem: String) -> Error {
    Error::input(
        "generic count",
        "layer",
        problem,
        "check the sizes of the layer",
    )
}
