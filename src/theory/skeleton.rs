//! What the formulas know of a network: which unit can see which values, and how the
//! layers came to be, without their weights.

use std::collections::{BTreeSet, HashMap};

use super::Reading;
use super::generic::{Bias, SharedRows};
use super::theorem2::{self, Group};
use crate::network::architecture::ArchitectureLayer;
use crate::network::{self, Affine, AffineKind, Architecture, Convolution, Network};

/// A network without its weights.
#[derive(Clone, Debug)]
pub struct Skeleton {
    inputs: usize,
    layers: Vec<Layer>,
}

/// One ReLU layer: its units fall into groups that see the same values of the layer
/// before, or of the input.
#[derive(Clone, Debug)]
pub struct Layer {
    windows: Vec<Vec<u32>>,
    /// The group of each unit.
    members: Vec<u32>,
    /// How many units each group has.
    sizes: Vec<u64>,
    kind: Kind,
    biased: bool,
    /// Whether the values before it come reordered, or under another shape.
    rearranged: bool,
    parameters: usize,
}

/// How the weights of a layer depend on each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Every unit sees one value of its own.
    Own,
    /// A dense layer.
    Dense,
    /// A convolution.
    Convolution(Convolution),
    /// Dense layers side by side, each on values of its own.
    Blocks,
    /// Weights of which no theorem says that they are as good as generic; why.
    Special(&'static str),
}

impl Skeleton {
    /// The skeleton of an architecture.
    pub fn of_architecture(architecture: &Architecture) -> Self {
        let inputs = architecture.input().len();
        let mut values = inputs;
        let mut layers = Vec::new();
        for layer in architecture.layers() {
            let layer = match layer {
                ArchitectureLayer::Flatten => continue,
                ArchitectureLayer::Dense { units, bias } => Layer {
                    windows: vec![(0..values as u32).collect()],
                    members: vec![0; *units],
                    sizes: vec![*units as u64],
                    kind: Kind::Dense,
                    biased: *bias,
                    rearranged: false,
                    parameters: units * (values + usize::from(*bias)),
                },
                ArchitectureLayer::Convolution { geometry, bias } => {
                    Layer::convolution(geometry.clone(), *bias)
                }
            };
            values = layer.units();
            layers.push(layer);
        }
        Skeleton { inputs, layers }
    }

    /// The skeleton of a network: an input counts as seen even where its weight
    /// happens to be zero, padding is not an input, and layers without activation
    /// between them are composed. What follows the last ReLU is left out.
    pub fn of_network(network: &Network) -> Self {
        let inputs = network.input().len();
        let mut values = inputs;
        let mut layers = Vec::new();
        let mut affines = Vec::new();
        let mut shape = network.input().clone();
        let mut reshaped = false;
        for (layer, output) in network.layers().iter().zip(network.shapes()) {
            match layer {
                network::Layer::Reshape(to) => reshaped |= *to != shape,
                network::Layer::Affine(affine) => affines.push(affine),
                network::Layer::Relu => {
                    let mut layer = composed(&std::mem::take(&mut affines), values);
                    layer.rearranged |= std::mem::take(&mut reshaped);
                    values = layer.units();
                    layers.push(layer);
                }
            }
            shape = output;
        }
        Skeleton { inputs, layers }
    }

    /// Inputs of the network.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// The ReLU layers, first to last.
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// The first layers alone.
    pub fn prefix(&self, layers: usize) -> Skeleton {
        Skeleton {
            inputs: self.inputs,
            layers: self.layers[..layers].to_vec(),
        }
    }

    /// One layer alone, as a function of the values that it takes.
    pub fn single(&self, layer: usize) -> Skeleton {
        let before = layer.checked_sub(1).map(|before| &self.layers[before]);
        Skeleton {
            inputs: before.map_or(self.inputs, Layer::units),
            layers: vec![self.layers[layer].clone()],
        }
    }

    /// Units of each layer, first to last.
    pub fn widths(&self) -> Vec<u64> {
        self.layers
            .iter()
            .map(|layer| layer.units() as u64)
            .collect()
    }

    /// All units.
    pub fn units(&self) -> u64 {
        self.widths().iter().sum()
    }

    /// Weights and biases, as a file would store them (Lemma 4 of Xiong et al. 2020:
    /// the sum over layers of `(f1 f2 d_{l-1} + 1) d_l`).
    ///
    /// ```
    /// use chambers::network::Architecture;
    /// use chambers::theory::Skeleton;
    /// let line = "1x4x1; conv 2@1x2; conv 3@1x2";
    /// let skeleton = Skeleton::of_architecture(&Architecture::parse(line).unwrap());
    /// assert_eq!(skeleton.parameters(), (2 + 1) * 2 + (2 * 2 + 1) * 3);
    /// ```
    pub fn parameters(&self) -> usize {
        self.layers.iter().map(|layer| layer.parameters).sum()
    }

    /// For each layer and each of its groups the inputs of the network that it
    /// depends on, ascending: its receptive field. `None` when they fill too much
    /// memory.
    ///
    /// For convolutions without padding and dilation the field of layer l is a box of
    /// side `1 + sum_{m<=l} (f_m - 1) prod_{q<m} s_q` (Theorem 4 of Xiong et al. 2020).
    pub fn receptive_fields(&self) -> Option<Vec<Vec<Vec<u32>>>> {
        let mut entries = 0;
        let mut fields: Vec<Vec<Vec<u32>>> = Vec::new();
        for (number, layer) in self.layers.iter().enumerate() {
            let field = |window: &Vec<u32>| {
                let field = match number.checked_sub(1) {
                    None => window.clone(),
                    Some(before) => self.layers[before].union(&fields[before], window, self.inputs),
                };
                entries += field.len();
                (entries <= MAX_ENTRIES).then_some(field)
            };
            let layer_fields = layer.windows.iter().map(field).collect::<Option<_>>()?;
            fields.push(layer_fields);
        }
        Some(fields)
    }
}

/// The most entries of all receptive fields together: 256 MiB.
const MAX_ENTRIES: usize = 1 << 26;

impl Layer {
    /// A convolution with ReLU.
    ///
    /// # Panics
    /// When the filter does not fit the input.
    pub fn convolution(conv: Convolution, biased: bool) -> Layer {
        let positions = conv.positions().expect("the filter fits the input");
        let (group_channels, group_filters) =
            (conv.channels / conv.groups, conv.filters / conv.groups);
        let taps = |axis: usize, at: usize| -> Vec<usize> {
            let all = 0..conv.kernel[axis];
            all.filter_map(|tap| conv.tap(axis, at, tap)).collect()
        };
        let mut grouping = Grouping::default();
        let mut members = vec![0; positions[0] * positions[1] * conv.filters];
        for i in 0..positions[0] {
            let rows = taps(0, i);
            for j in 0..positions[1] {
                let columns = taps(1, j);
                for group in 0..conv.groups {
                    let channels = group * group_channels..(group + 1) * group_channels;
                    let mut window = Vec::new();
                    for &row in &rows {
                        for &column in &columns {
                            window.extend(channels.clone().map(|channel| {
                                conv.index(conv.input, conv.channels, [row, column], channel) as u32
                            }));
                        }
                    }
                    window.sort_unstable();
                    let number = grouping.group(window);
                    for filter in group * group_filters..(group + 1) * group_filters {
                        members[conv.index(positions, conv.filters, [i, j], filter)] = number;
                    }
                }
            }
        }
        let taps = group_channels * conv.kernel[0] * conv.kernel[1];
        let parameters = conv.filters * (taps + usize::from(biased));
        grouping.layer(members, Kind::Convolution(conv), biased, parameters)
    }

    /// How many units.
    pub fn units(&self) -> usize {
        self.members.len()
    }

    /// For each group the values of the layer before that it sees, ascending.
    pub fn windows(&self) -> &[Vec<u32>] {
        &self.windows
    }

    /// How many units each group has.
    pub fn sizes(&self) -> &[u64] {
        &self.sizes
    }

    /// The group of each unit.
    pub fn members(&self) -> &[u32] {
        &self.members
    }

    /// How its weights depend on each other.
    pub fn kind(&self) -> &Kind {
        &self.kind
    }

    /// Whether its units have biases that are not all zero.
    pub fn is_biased(&self) -> bool {
        self.biased
    }

    /// Whether the values before it come reordered, or under another shape, so that
    /// neighbours need not be neighbours there.
    pub fn is_rearranged(&self) -> bool {
        self.rearranged
    }

    /// The groups of Theorem 2 with these windows in place of the layer's own.
    pub fn groups_with(&self, windows: &[Vec<u32>]) -> Vec<Group> {
        let group = |(window, &units): (&Vec<u32>, &u64)| Group {
            window: window.clone(),
            units,
        };
        windows.iter().zip(&self.sizes).map(group).collect()
    }

    /// The groups of Theorem 2.
    pub fn groups(&self) -> Vec<Group> {
        self.groups_with(&self.windows)
    }

    /// The layer with its weights as parameters; `None` where they are not those of a
    /// dense layer or a convolution, or too many.
    pub fn shared_rows(&self) -> Option<SharedRows> {
        let seen = self.windows.iter().zip(&self.sizes);
        let entries: u64 = seen
            .map(|(window, units)| window.len() as u64 * units)
            .sum();
        if entries > MAX_ENTRIES as u64 {
            return None;
        }
        let bias = match self.biased {
            true => Bias::Free,
            false => Bias::None,
        };
        match &self.kind {
            Kind::Dense => SharedRows::dense(self.windows[0].len(), self.units(), bias).ok(),
            Kind::Convolution(conv) => SharedRows::convolution(conv, bias).ok(),
            Kind::Own | Kind::Blocks | Kind::Special(_) => None,
        }
    }

    /// The groups that some of its units belong to, ascending.
    pub fn groups_of(&self, units: &[u32]) -> Vec<u32> {
        let mut groups: Vec<u32> = units.iter().map(|&u| self.members[u as usize]).collect();
        groups.sort_unstable();
        groups.dedup();
        groups
    }

    /// The union of what some of its units see.
    fn union(&self, fields: &[Vec<u32>], units: &[u32], inputs: usize) -> Vec<u32> {
        let groups = self.groups_of(units);
        if let [group] = groups[..] {
            return fields[group as usize].clone();
        }
        let mut seen = vec![false; inputs];
        for group in groups {
            for &input in &fields[group as usize] {
                seen[input as usize] = true;
            }
        }
        let numbered = (0..inputs as u32).zip(seen);
        numbered.filter(|&(_, seen)| seen).map(|(k, _)| k).collect()
    }

    /// Whether (4) of Theorem 2 is the number of regions of this layer alone, for
    /// almost all weights and biases, or only bounds it.
    pub fn reading(&self) -> Reading {
        match &self.kind {
            Kind::Own => {
                Reading::exact("every unit sees one input of its own: coordinate hyperplanes")
            }
            Kind::Special(why) => Reading::upper_bound(why),
            _ if !self.biased => {
                Reading::upper_bound("all biases are zero: the hyperplanes meet in one point")
            }
            Kind::Dense => Reading::exact(theorem2::DENSE),
            Kind::Blocks => Reading::exact("the windows do not overlap: a product of Theorem 1"),
            Kind::Convolution(conv) => theorem2::reading_of_convolution(conv),
        }
    }
}

/// Collects the groups of a layer, unit by unit.
#[derive(Default)]
struct Grouping {
    windows: Vec<Vec<u32>>,
    known: HashMap<Vec<u32>, u32>,
}

impl Grouping {
    /// The group with this window.
    fn group(&mut self, window: Vec<u32>) -> u32 {
        let next = self.windows.len() as u32;
        *self.known.entry(window).or_insert_with_key(|window| {
            self.windows.push(window.clone());
            next
        })
    }

    fn layer(self, members: Vec<u32>, kind: Kind, biased: bool, parameters: usize) -> Layer {
        let mut sizes = vec![0; self.windows.len()];
        for &group in &members {
            sizes[group as usize] += 1;
        }
        Layer {
            windows: self.windows,
            members,
            sizes,
            kind,
            biased,
            rearranged: false,
            parameters,
        }
    }
}

/// The layer that a chain of affine maps makes before a ReLU.
fn composed(affines: &[&Affine], values: usize) -> Layer {
    let mut grouping = Grouping::default();
    let parameters = affines.iter().map(|affine| affine.parameters()).sum();
    let Some((last, before)) = affines.split_last() else {
        let members = (0..values as u32).map(|k| grouping.group(vec![k]));
        let members = members.collect();
        return grouping.layer(members, Kind::Own, true, 0);
    };
    // The values before the chain that each value before its last map depends on;
    // `None` while that is the value of the same number alone.
    let mut seen: Option<Vec<Vec<u32>>> = None;
    for affine in before {
        let rows = 0..affine.output().len();
        let windows = rows.map(|row| window(affine, row, seen.as_deref(), values));
        seen = Some(windows.collect());
    }
    let rows = 0..last.output().len();
    let members = rows.map(|row| grouping.group(window(last, row, seen.as_deref(), values)));
    let members = members.collect();
    let biased = affines
        .iter()
        .any(|affine| affine.bias().iter().any(|bias| !bias.is_zero()));
    let kind = kind(affines, &grouping.windows);
    let mut layer = grouping.layer(members, kind, biased, parameters);
    let reorders = |affine: &&Affine| *affine.kind() == AffineKind::Permutation;
    layer.rearranged = affines.iter().any(reorders);
    layer
}

/// The values that output `row` depends on.
fn window(affine: &Affine, row: usize, seen: Option<&[Vec<u32>]>, values: usize) -> Vec<u32> {
    let columns = affine.row(row).0;
    let mut window = match (seen, columns) {
        (None, columns) => columns.to_vec(),
        (Some(seen), [column]) => seen[*column as usize].clone(),
        (Some(seen), columns) => {
            let mut union = BTreeSet::new();
            for &column in columns {
                union.extend(&seen[column as usize]);
                if union.len() == values {
                    break;
                }
            }
            union.into_iter().collect()
        }
    };
    window.sort_unstable();
    window
}

fn kind(affines: &[&Affine], windows: &[Vec<u32>]) -> Kind {
    let of_kind = |affine: &&&Affine, kind: &AffineKind| affine.kind() == kind;
    let (scalings, layers): (Vec<&Affine>, Vec<&Affine>) = affines
        .iter()
        .filter(|affine| !of_kind(affine, &AffineKind::Permutation))
        .partition(|affine| of_kind(affine, &AffineKind::Elementwise));
    // An invertible scaling of values or units keeps the regions.
    let has_zero =
        |affine: &&Affine| (0..affine.output().len()).any(|row| affine.row(row).1[0].is_zero());
    if scalings.iter().any(has_zero) {
        return Kind::Special("an element-wise layer scales by zero");
    }
    match layers[..] {
        [] => Kind::Own,
        [layer] => match layer.kind() {
            AffineKind::Convolution(conv) => Kind::Convolution(conv.clone()),
            AffineKind::Dense => Kind::Dense,
            _ if disjoint(windows) => Kind::Blocks,
            _ => Kind::Special("no theorem covers a matrix with this pattern of zeros"),
        },
        _ => Kind::Special("layers without an activation between them make special weights"),
    }
}

fn disjoint(windows: &[Vec<u32>]) -> bool {
    let entries: usize = windows.iter().map(Vec::len).sum();
    let mut all: Vec<u32> = windows.iter().flatten().copied().collect();
    all.sort_unstable();
    all.dedup();
    all.len() == entries
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arithmetic::Number;
    use crate::network::{Shape, random};
    use crate::theory::Exactness::{Exact, UpperBound};
    use crate::theory::theorem2::Budget;

    fn layer(line: &str) -> Layer {
        Skeleton::of_architecture(&Architecture::parse(line).unwrap()).layers()[0].clone()
    }

    /// Architectures and networks are read by different code.
    #[test]
    fn an_architecture_is_read_as_its_networks_are() {
        for line in [
            "3; dense 4; dense 2 nobias",
            "1x5x2; conv 3@1x2 stride 1x2; flatten; dense 3",
            "4x4x2; conv 4@2x3 pad 1 groups 2; conv 2@2x2 dilation 2x1",
            "1x2x1; conv 3@1x2 pad 0x1; conv 2@1x1 nobias",
        ] {
            let architecture = Architecture::parse(line).unwrap();
            let network = random::he(&architecture, 3).unwrap();
            let (a, b) = (
                Skeleton::of_architecture(&architecture),
                Skeleton::of_network(&network),
            );
            assert_eq!(a.parameters(), b.parameters(), "{line}");
            assert_eq!(a.parameters(), network.parameters(), "{line}");
            for (a, b) in a.layers().iter().zip(b.layers()) {
                assert_eq!(a.is_biased(), b.is_biased(), "{line}");
                assert_eq!(a.kind(), b.kind(), "{line}");
                // Groups may be numbered in another order.
                assert_eq!(a.units(), b.units(), "{line}");
                let window = |layer: &Layer, unit: usize| {
                    layer.windows()[layer.members()[unit] as usize].clone()
                };
                for unit in 0..a.units() {
                    assert_eq!(window(a, unit), window(b, unit), "{line}");
                }
            }
        }
    }

    #[test]
    fn structure_decides_the_groups() {
        // Clipped windows: two positions see one input, one sees two.
        let groups_of = |line: &str| -> Vec<(Vec<u32>, u64)> {
            let mut groups = layer(line).groups();
            groups.sort_by(|a, b| a.window.cmp(&b.window));
            groups.into_iter().map(|g| (g.window, g.units)).collect()
        };
        assert_eq!(
            groups_of("1x2x1; conv 3@1x2 pad 0x1"),
            [(vec![0], 3), (vec![0, 1], 3), (vec![1], 3)]
        );
        // Positions in the padding alone see nothing; the same window is one group.
        assert_eq!(
            groups_of("1x1x2; conv 2@1x1 pad 0x1"),
            [(vec![], 4), (vec![0, 1], 2)]
        );
        // Channels of other groups are not seen.
        assert_eq!(
            groups_of("1x1x4; conv 6@1x1 groups 2"),
            [(vec![0, 1], 3), (vec![2, 3], 3)]
        );
        assert_eq!(
            layer("1x2x1; conv 3@1x2 pad 0x1").reading().exactness,
            Exact
        );
    }

    fn of_chain(affines: Vec<Affine>) -> Layer {
        let inputs = affines.first().map_or(2, Affine::input_len);
        let mut network = Network::new(Shape::new([inputs]));
        for affine in affines {
            network.push(network::Layer::Affine(affine)).unwrap();
        }
        network.push(network::Layer::Relu).unwrap();
        Skeleton::of_network(&network).layers()[0].clone()
    }

    #[test]
    fn special_weights_are_only_bounded() {
        let numbers =
            |values: &[i64]| -> Vec<Number> { values.iter().map(|&v| Number::from(v)).collect() };
        let dense = |bias: i64| {
            Affine::dense(2, 2, numbers(&[1, 2, 3, 4]), numbers(&[bias, bias])).unwrap()
        };
        let scale = |last: i64| {
            Affine::elementwise(Shape::new([2]), numbers(&[2, last]), numbers(&[1, 1])).unwrap()
        };
        let swap = Affine::permutation(Shape::new([2]), &[1, 0]).unwrap();
        let cases = [
            (vec![], Exact),
            (vec![dense(1)], Exact),
            (vec![dense(0)], UpperBound),
            (vec![dense(0), scale(3)], Exact),
            (vec![scale(3), swap.clone(), dense(1), swap], Exact),
            (vec![scale(0), dense(1)], UpperBound),
            (vec![dense(1), dense(1)], UpperBound),
        ];
        for (affines, exactness) in cases {
            let layer = of_chain(affines);
            assert_eq!(layer.reading().exactness, exactness, "{layer:?}");
            let value = theorem2::value(&layer.groups(), &Budget::default());
            assert_eq!(value.exact(), Some(&4u32.into()));
        }
    }

    #[test]
    fn layers_without_activation_compose() {
        let [first, second] = ["1x4x1; conv 1@1x2", "1x3x1; conv 5@1x2"].map(|line| {
            let network = random::he(&Architecture::parse(line).unwrap(), 0).unwrap();
            let network::Layer::Affine(affine) = &network.layers()[0] else {
                panic!("expected an affine layer")
            };
            affine.clone()
        });
        // Theorem 4: one layer of filters of width 3.
        let composed = of_chain(vec![first, second]).groups();
        assert_eq!(composed, layer("1x4x1; conv 5@1x3").groups());
    }
}
