//! One layer with shared weights, as rows of parameters.

use std::collections::BTreeMap;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::super::Exactness;
use super::super::theorem2::{self, Group};
use super::relations::Polynomial;
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
    /// Rows and columns of positions.
    positions: [usize; 2],
    /// Units at each position.
    filters: usize,
    kernel: [usize; 2],
    stride: [usize; 2],
    dilation: [usize; 2],
    /// Why Eq. (4) is its number of regions, where a theorem says so.
    theorem2: Option<&'static str>,
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
            positions: [1, 1],
            filters: units,
            kernel: [1, 1],
            stride: [1, 1],
            dilation: [1, 1],
            theorem2: Some(theorem2::DENSE),
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
            positions,
            filters: conv.filters,
            kernel: conv.kernel,
            stride: conv.stride,
            dilation: conv.dilation,
            theorem2: Some(theorem2::reading_of_convolution(conv))
                .filter(|reading| reading.exactness == Exactness::Exact)
                .map(|reading| reading.reason),
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

    /// Why Eq. (4) is exact when the layer has biases, if a theorem says so.
    pub(super) fn theorem2(&self) -> Option<&'static str> {
        self.theorem2
    }

    /// Whether every unit has weights of its own for all inputs.
    pub(super) fn is_dense(&self) -> bool {
        self.theorem2 == Some(theorem2::DENSE)
    }

    /// The filter of a unit, and where it stands.
    pub(super) fn place(&self, unit: usize) -> (usize, [usize; 2]) {
        let position = unit / self.filters;
        let place = [position / self.positions[1], position % self.positions[1]];
        (unit % self.filters, place)
    }

    /// The filters of a connected part, for each phase of the stride and each channel
    /// one polynomial in the positions: see [`relations`](super::relations).
    pub(super) fn polynomials(&self, part: &[usize], weights: &[u64]) -> Vec<Vec<Polynomial>> {
        let mut filters: Vec<usize> = part.iter().map(|&unit| self.place(unit).0).collect();
        filters.sort_unstable();
        filters.dedup();
        let taps = self.kernel[0] * self.kernel[1];
        let channels = self.parameters / (self.filters * taps);
        let columns = |&filter: &usize| {
            let mut columns: BTreeMap<[usize; 3], Polynomial> = BTreeMap::new();
            for parameter in 0..taps * channels {
                let (tap, channel) = (parameter / channels, parameter % channels);
                let tap = [tap / self.kernel[1], tap % self.kernel[1]];
                let at = [0, 1].map(|axis| tap[axis] * self.dilation[axis]);
                let phase = [0, 1].map(|axis| at[axis] % self.stride[axis]);
                let offset = [0, 1].map(|axis| at[axis] / self.stride[axis]);
                let column = columns.entry([phase[0], phase[1], channel]).or_default();
                column.insert(offset, weights[filter * taps * channels + parameter]);
            }
            columns.into_values().collect()
        };
        filters.iter().map(columns).collect()
    }

    /// The reflections and transpositions of a connected part that only rename its
    /// inputs and its parameters, as permutations of the positions and of the inputs
    /// that it has, in their order; the identity is among them. They are
    /// automorphisms of the generic matroid.
    pub(super) fn symmetries(&self, part: &[usize]) -> Vec<(Vec<usize>, Vec<usize>)> {
        let mut places: Vec<[usize; 2]> = part.iter().map(|&unit| self.place(unit).1).collect();
        places.dedup();
        let inputs = self.inputs_of(part);
        let low = [0, 1].map(|axis| places.iter().map(|p| p[axis]).min().unwrap_or(0));
        let high = [0, 1].map(|axis| places.iter().map(|p| p[axis]).max().unwrap_or(0));
        // Flips first, then the transposition.
        let image = |[a, b]: [usize; 2], sum: [usize; 2], flips: usize| {
            let a = if flips & 1 == 0 { a } else { sum[0] - a };
            let b = if flips & 2 == 0 { b } else { sum[1] - b };
            if flips & 4 == 0 { [a, b] } else { [b, a] }
        };
        let place_sum = [low[0] + high[0], low[1] + high[1]];
        let tap_sum = self.kernel.map(|size| size - 1);
        let found = (0..8).filter_map(|flips| {
            if flips & 4 != 0 && (self.kernel[0] != self.kernel[1] || low[0] != low[1]) {
                return None;
            }
            let taps = self.kernel[0] * self.kernel[1];
            let channels = self.parameters / (self.filters * taps);
            let parameter_image = |parameter: u32| {
                let (rest, channel) =
                    (parameter as usize / channels, parameter as usize % channels);
                let (filter, tap) = (rest / taps, rest % taps);
                let tap = [tap / self.kernel[1], tap % self.kernel[1]];
                let [a, b] = image(tap, tap_sum, flips);
                ((filter * taps + a * self.kernel[1] + b) * channels + channel) as u32
            };
            let position_image = |place: &[usize; 2]| {
                let image = image(*place, place_sum, flips);
                places.iter().position(|place| *place == image)
            };
            let positions: Vec<usize> = places.iter().map(position_image).collect::<Option<_>>()?;
            let units = part.len() / places.len();
            let mut input_image = vec![None; inputs.len()];
            for (local, &unit) in part.iter().enumerate() {
                let other = &self.rows[part[positions[local / units] * units + local % units]];
                if other.len() != self.rows[unit].len() {
                    return None;
                }
                for &(input, parameter) in &self.rows[unit] {
                    let wanted = parameter_image(parameter);
                    let &(image, _) = other.iter().find(|(_, parameter)| *parameter == wanted)?;
                    let from = inputs.binary_search(&input).ok()?;
                    let to = inputs.binary_search(&image).ok()?;
                    if *input_image[from].get_or_insert(to) != to {
                        return None;
                    }
                }
            }
            let images: Vec<usize> = input_image.into_iter().collect::<Option<_>>()?;
            let mut sorted = images.clone();
            sorted.sort_unstable();
            sorted.dedup();
            (sorted.len() == images.len()).then_some((positions, images))
        });
        found.collect()
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
