//! Affine layers: dense, convolution, element-wise and permutation, all as
//! sparse rows with exact entries.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::Shape;
use super::limits::{MAX_ENTRIES, convolution_problem};
use crate::arithmetic::Number;
use crate::{Error, Result};

/// `x -> W x + b` on flattened tensors.
///
/// Rows are stored sparsely by *structure*: an entry that the layer's kind can
/// reach is stored even when its weight happens to be zero.
#[derive(Clone, Debug)]
pub struct Affine {
    kind: AffineKind,
    input_len: usize,
    output: Shape,
    /// Row r is `starts[r]..starts[r + 1]` of `columns` and `weights`.
    starts: Vec<usize>,
    columns: Vec<u32>,
    weights: Vec<Number>,
    bias: Vec<Number>,
    parameters: usize,
}

/// What an affine layer was before it became rows; for display and for formulas.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AffineKind {
    /// Every output sees every input.
    Dense,
    /// A convolution.
    Convolution(Convolution),
    /// One scale and one shift an entry.
    Elementwise,
    /// A reordering.
    Permutation,
    /// Every output sees inputs of its own, as where a matrix acts on each row of
    /// a tensor.
    Sparse,
}

/// The geometry of a convolution; arrays are (height, width). One-dimensional
/// convolutions have height 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Convolution {
    /// Input height and width.
    pub input: [usize; 2],
    /// Input channels.
    pub channels: usize,
    /// Filters: output channels.
    pub filters: usize,
    /// Filter height and width.
    pub kernel: [usize; 2],
    /// Step between positions.
    pub stride: [usize; 2],
    /// Zeros added before the first row and column.
    pub pad_begin: [usize; 2],
    /// Zeros added after the last row and column.
    pub pad_end: [usize; 2],
    /// Distance between taps.
    pub dilation: [usize; 2],
    /// Groups of channels that do not mix.
    pub groups: usize,
    /// How tensors are laid out.
    pub order: ChannelOrder,
}

/// Where the channel axis of an image tensor stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChannelOrder {
    /// (channel, height, width), as in ONNX.
    First,
    /// (height, width, channel), as in the paper and in this project's own formats.
    Last,
}

impl Convolution {
    /// A convolution without padding, of stride and dilation 1, in one group.
    pub fn new(
        input: [usize; 2],
        channels: usize,
        filters: usize,
        kernel: [usize; 2],
        order: ChannelOrder,
    ) -> Self {
        Convolution {
            input,
            channels,
            filters,
            kernel,
            stride: [1, 1],
            pad_begin: [0, 0],
            pad_end: [0, 0],
            dilation: [1, 1],
            groups: 1,
            order,
        }
    }

    /// Output height and width (Lemma 1 of Xiong et al. 2020, with padding and
    /// dilation); `None` when the filter does not fit, or a size is zero or absurd.
    pub fn positions(&self) -> Option<[usize; 2]> {
        let mut positions = [0; 2];
        for (axis, positions) in positions.iter_mut().enumerate() {
            if self.kernel[axis] == 0 || self.stride[axis] == 0 || self.dilation[axis] == 0 {
                return None;
            }
            let padded = self.input[axis]
                .checked_add(self.pad_begin[axis])?
                .checked_add(self.pad_end[axis])?;
            let reach = (self.kernel[axis] - 1)
                .checked_mul(self.dilation[axis])?
                .checked_add(1)?;
            *positions = padded.checked_sub(reach)? / self.stride[axis] + 1;
        }
        Some(positions)
    }

    /// What is wrong with the geometry, in words.
    pub(crate) fn problem(&self) -> Option<String> {
        if self.groups == 0
            || !self.channels.is_multiple_of(self.groups)
            || !self.filters.is_multiple_of(self.groups)
        {
            return Some(format!(
                "{} groups must divide {} channels and {} filters",
                self.groups, self.channels, self.filters
            ));
        }
        if self.positions().is_none() {
            return Some(format!(
                "a {}x{} filter with dilation {}x{} and stride {}x{} does not fit a {}x{} input",
                self.kernel[0],
                self.kernel[1],
                self.dilation[0],
                self.dilation[1],
                self.stride[0],
                self.stride[1],
                self.input[0],
                self.input[1],
            ));
        }
        None
    }

    /// Where (height, width, channel) stands in a flattened tensor of this order.
    pub(crate) fn index(
        &self,
        size: [usize; 2],
        channels: usize,
        at: [usize; 2],
        channel: usize,
    ) -> usize {
        match self.order {
            ChannelOrder::First => (channel * size[0] + at[0]) * size[1] + at[1],
            ChannelOrder::Last => (at[0] * size[1] + at[1]) * channels + channel,
        }
    }

    /// The shape of an image tensor of this order.
    pub(crate) fn shape(&self, size: [usize; 2], channels: usize) -> Shape {
        match self.order {
            ChannelOrder::First => Shape::new([channels, size[0], size[1]]),
            ChannelOrder::Last => Shape::new([size[0], size[1], channels]),
        }
    }
}

/// Rows under construction: one at a time, entries in any order.
struct Rows {
    starts: Vec<usize>,
    columns: Vec<u32>,
    weights: Vec<Number>,
}

impl Rows {
    fn new() -> Self {
        Rows {
            starts: vec![0],
            columns: Vec::new(),
            weights: Vec::new(),
        }
    }

    fn entry(&mut self, column: usize, weight: Number) {
        self.columns
            .push(u32::try_from(column).expect("fewer than 2^32 inputs"));
        self.weights.push(weight);
    }

    fn end_row(&mut self) {
        self.starts.push(self.columns.len());
    }

    fn into_affine(
        self,
        kind: AffineKind,
        input_len: usize,
        output: Shape,
        bias: Vec<Number>,
    ) -> Affine {
        let parameters = self.weights.len() + bias.len();
        let Rows {
            starts,
            columns,
            weights,
        } = self;
        Affine {
            kind,
            input_len,
            output,
            starts,
            columns,
            weights,
            bias,
            parameters,
        }
    }
}

fn wrong(place: &str, problem: String) -> Error {
    Error::input(
        "network",
        place,
        problem,
        "check the shapes of the weight and the bias",
    )
}

/// The entries of a row, an input that is named more than once with the sum of its
/// weights: error bounds and ranks rely on one entry an input.
fn summed(row: Vec<(usize, Number)>) -> Vec<(usize, Number)> {
    let mut places = HashMap::new();
    let mut sums: Vec<(usize, Number)> = Vec::with_capacity(row.len());
    for (column, weight) in row {
        match places.entry(column) {
            Entry::Vacant(place) => {
                place.insert(sums.len());
                sums.push((column, weight));
            }
            Entry::Occupied(place) => {
                let sum = &mut sums[*place.get()].1;
                *sum = Number::from_rational(sum.to_rational() + weight.to_rational());
            }
        }
    }
    sums
}

impl Affine {
    /// A dense layer: `weight` is row-major, one row an output.
    ///
    /// # Errors
    /// When the sizes of weight and bias do not fit `inputs` and `outputs`.
    pub fn dense(
        inputs: usize,
        outputs: usize,
        weight: Vec<Number>,
        bias: Vec<Number>,
    ) -> Result<Self> {
        if inputs.checked_mul(outputs) != Some(weight.len()) || bias.len() != outputs {
            return Err(wrong(
                "dense layer",
                format!(
                    "{} weights and {} biases do not make {outputs} outputs of {inputs} inputs",
                    weight.len(),
                    bias.len()
                ),
            ));
        }
        let mut rows = Rows::new();
        let mut weights = weight.into_iter();
        for _ in 0..outputs {
            for column in 0..inputs {
                rows.entry(column, weights.next().expect("inputs x outputs weights"));
            }
            rows.end_row();
        }
        Ok(rows.into_affine(AffineKind::Dense, inputs, Shape::new([outputs]), bias))
    }

    /// A convolution. `weight` is row-major over (filter, channel within its group,
    /// kernel row, kernel column), as PyTorch and ONNX store it; `bias` has one
    /// entry a filter.
    ///
    /// # Errors
    /// When the geometry is impossible or the sizes of weight and bias do not fit it.
    pub fn convolution(conv: Convolution, weight: &[Number], bias: &[Number]) -> Result<Self> {
        if let Some(problem) = convolution_problem(&conv) {
            return Err(wrong("convolution", problem));
        }
        let positions = conv.positions().expect("the geometry was just checked");
        let group_channels = conv.channels / conv.groups;
        let group_filters = conv.filters / conv.groups;
        let taps = group_channels * conv.kernel[0] * conv.kernel[1];
        if weight.len() != conv.filters * taps || bias.len() != conv.filters {
            return Err(wrong(
                "convolution",
                format!(
                    "{} weights and {} biases do not make {} filters of {}x{}x{group_channels}",
                    weight.len(),
                    bias.len(),
                    conv.filters,
                    conv.kernel[0],
                    conv.kernel[1]
                ),
            ));
        }
        // Output units in the order of the output tensor.
        let output = conv.shape(positions, conv.filters);
        let mut order = vec![(0, [0, 0]); output.len()];
        for filter in 0..conv.filters {
            for i in 0..positions[0] {
                for j in 0..positions[1] {
                    order[conv.index(positions, conv.filters, [i, j], filter)] = (filter, [i, j]);
                }
            }
        }
        let mut rows = Rows::new();
        let mut unit_bias = Vec::with_capacity(output.len());
        for (filter, at) in order {
            let first_channel = filter / group_filters * group_channels;
            for channel in 0..group_channels {
                for a in 0..conv.kernel[0] {
                    let Some(row) = conv.tap(0, at[0], a) else {
                        continue;
                    };
                    for b in 0..conv.kernel[1] {
                        let Some(column) = conv.tap(1, at[1], b) else {
                            continue;
                        };
                        let tap = ((filter * group_channels + channel) * conv.kernel[0] + a)
                            * conv.kernel[1]
                            + b;
                        let input = conv.index(
                            conv.input,
                            conv.channels,
                            [row, column],
                            first_channel + channel,
                        );
                        rows.entry(input, weight[tap].clone());
                    }
                }
            }
            rows.end_row();
            unit_bias.push(bias[filter].clone());
        }
        let input_len = conv.input[0] * conv.input[1] * conv.channels;
        let mut affine =
            rows.into_affine(AffineKind::Convolution(conv), input_len, output, unit_bias);
        affine.parameters = weight.len() + bias.len();
        Ok(affine)
    }

    /// `x -> scale * x + shift`, entry by entry.
    ///
    /// # Errors
    /// When `scale` and `shift` do not have one entry for each value of `shape`.
    pub fn elementwise(shape: Shape, scale: Vec<Number>, shift: Vec<Number>) -> Result<Self> {
        if scale.len() != shape.len() || shift.len() != shape.len() {
            return Err(wrong(
                "element-wise layer",
                format!(
                    "{} scales and {} shifts for a tensor of shape {shape}",
                    scale.len(),
                    shift.len()
                ),
            ));
        }
        let mut rows = Rows::new();
        for (column, weight) in scale.into_iter().enumerate() {
            rows.entry(column, weight);
            rows.end_row();
        }
        Ok(rows.into_affine(AffineKind::Elementwise, shape.len(), shape, shift))
    }

    /// Output entry k is input entry `source[k]`.
    ///
    /// # Errors
    /// When `source` is not a permutation of `0..output.len()`.
    pub fn permutation(output: Shape, source: &[usize]) -> Result<Self> {
        let mut seen = vec![false; source.len()];
        let proper = source.len() == output.len()
            && source
                .iter()
                .all(|&k| k < seen.len() && !std::mem::replace(&mut seen[k], true));
        if !proper {
            return Err(wrong(
                "permutation",
                format!("not a permutation of {} entries", output.len()),
            ));
        }
        let mut rows = Rows::new();
        for &column in source {
            rows.entry(column, Number::ONE);
            rows.end_row();
        }
        let bias = vec![Number::ZERO; output.len()];
        let mut affine = rows.into_affine(AffineKind::Permutation, output.len(), output, bias);
        affine.parameters = 0;
        Ok(affine)
    }

    /// Output r is the sum of the (input, weight) pairs that `rows` gives r-th, plus
    /// `bias[r]`.
    ///
    /// # Errors
    /// When there is not one row and one bias for each value of `output`, or a row
    /// names an input that does not exist.
    pub fn sparse(
        inputs: usize,
        output: Shape,
        rows: impl IntoIterator<Item = Vec<(usize, Number)>>,
        bias: Vec<Number>,
    ) -> Result<Self> {
        if inputs > MAX_ENTRIES {
            return Err(wrong(
                "sparse layer",
                format!("{inputs} inputs; expected at most {MAX_ENTRIES}"),
            ));
        }
        let mut built = Rows::new();
        for row in rows {
            for (column, weight) in summed(row) {
                if column >= inputs {
                    return Err(wrong(
                        "sparse layer",
                        format!("input {column} of {inputs} does not exist"),
                    ));
                }
                built.entry(column, weight);
            }
            built.end_row();
        }
        let rows = built.starts.len() - 1;
        if rows != output.len() || bias.len() != output.len() {
            return Err(wrong(
                "sparse layer",
                format!(
                    "{rows} rows and {} biases for a tensor of shape {output}",
                    bias.len()
                ),
            ));
        }
        Ok(built.into_affine(AffineKind::Sparse, inputs, output, bias))
    }

    /// The same layer with another bias, one entry an output.
    ///
    /// # Errors
    /// When there is not one entry for each output.
    pub fn with_bias(mut self, bias: Vec<Number>) -> Result<Self> {
        if bias.len() != self.bias.len() {
            return Err(wrong(
                "bias",
                format!("{} biases for {} outputs", bias.len(), self.bias.len()),
            ));
        }
        self.bias = bias;
        Ok(self)
    }

    /// The same layer, giving its values under another shape.
    ///
    /// # Errors
    /// When the shape has another number of values.
    pub fn with_output(mut self, output: Shape) -> Result<Self> {
        if output.len() != self.output.len() {
            return Err(wrong(
                "output",
                format!("{} values have no shape {output}", self.output.len()),
            ));
        }
        self.output = output;
        Ok(self)
    }

    /// The same layer, made from `parameters` stored numbers: its constructor counts
    /// every weight and bias it is given, a reader knows which of them were stored.
    pub fn with_parameters(mut self, parameters: usize) -> Self {
        self.parameters = parameters;
        self
    }

    /// What the layer was before it became rows.
    pub fn kind(&self) -> &AffineKind {
        &self.kind
    }

    /// How many values the layer takes.
    pub fn input_len(&self) -> usize {
        self.input_len
    }

    /// The shape that the layer gives.
    pub fn output(&self) -> &Shape {
        &self.output
    }

    /// The columns and weights of output `row`.
    pub fn row(&self, row: usize) -> (&[u32], &[Number]) {
        let range = self.starts[row]..self.starts[row + 1];
        (&self.columns[range.clone()], &self.weights[range])
    }

    /// How many weights all rows have together.
    pub(crate) fn entries(&self) -> usize {
        self.weights.len()
    }

    /// The bias of every output.
    pub fn bias(&self) -> &[Number] {
        &self.bias
    }

    /// Weights and biases, each counted once.
    pub fn parameters(&self) -> usize {
        self.parameters
    }
}

impl Convolution {
    /// The input coordinate under tap `tap` at position `at`; `None` in the padding.
    pub(crate) fn tap(&self, axis: usize, at: usize, tap: usize) -> Option<usize> {
        let padded = at * self.stride[axis] + tap * self.dilation[axis];
        padded
            .checked_sub(self.pad_begin[axis])
            .filter(|&k| k < self.input[axis])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(values: &[i64]) -> Vec<Number> {
        values.iter().map(|&v| Number::from(v)).collect()
    }

    #[test]
    fn positions_follow_lemma_1() {
        let mut conv = Convolution::new([5, 7], 1, 1, [2, 3], ChannelOrder::Last);
        assert_eq!(conv.positions(), Some([4, 5]));
        conv.stride = [2, 3];
        assert_eq!(conv.positions(), Some([2, 2]));
        conv.pad_begin = [1, 1];
        conv.pad_end = [1, 0];
        assert_eq!(conv.positions(), Some([3, 2]));
        conv.kernel = [8, 3];
        assert_eq!(conv.positions(), None);
    }

    #[test]
    fn padding_drops_taps_and_dilation_spreads_them() {
        let mut conv = Convolution::new([1, 4], 1, 1, [1, 2], ChannelOrder::First);
        conv.dilation = [1, 2];
        conv.pad_begin = [0, 1];
        let affine = Affine::convolution(conv, &numbers(&[10, 20]), &numbers(&[7])).unwrap();
        // Padded input: 0 x0 x1 x2 x3; taps two apart.
        assert_eq!(affine.output(), &Shape::new([1, 1, 3]));
        let rows: Vec<&[u32]> = (0..3).map(|r| affine.row(r).0).collect();
        assert_eq!(rows, [&[1][..], &[0, 2], &[1, 3]]);
        assert_eq!(affine.row(0).1, &numbers(&[20])[..]);
        assert_eq!(affine.parameters(), 3);
    }

    #[test]
    fn groups_see_their_own_channels() {
        let mut conv = Convolution::new([1, 1], 4, 2, [1, 1], ChannelOrder::Last);
        conv.groups = 2;
        let affine = Affine::convolution(conv, &numbers(&[1, 2, 3, 4]), &numbers(&[0, 0])).unwrap();
        assert_eq!(affine.row(0).0, &[0, 1]);
        assert_eq!(affine.row(1).0, &[2, 3]);
    }

    #[test]
    fn weights_of_one_input_add_up() {
        let row = [(1, 1), (0, 5), (1, 2), (1, -4)].map(|(k, w)| (k, Number::from(w)));
        let layer = Affine::sparse(2, Shape::new([1]), [row.to_vec()], numbers(&[0])).unwrap();
        assert_eq!(layer.row(0).0, &[1, 0]);
        assert_eq!(layer.row(0).1, &numbers(&[-1, 5])[..]);
    }

    #[test]
    fn impossible_layers_are_refused() {
        assert!(Affine::dense(2, 2, numbers(&[1, 2, 3]), numbers(&[0, 0])).is_err());
        let conv = Convolution::new([1, 2], 1, 1, [1, 3], ChannelOrder::Last);
        assert!(Affine::convolution(conv, &numbers(&[1, 2, 3]), &numbers(&[0])).is_err());
        assert!(Affine::permutation(Shape::new([2]), &[0, 0]).is_err());
        let row = || vec![(1, Number::ONE)];
        let sparse = |inputs, rows: Vec<_>, bias: &[i64]| {
            Affine::sparse(inputs, Shape::new([2]), rows, numbers(bias))
        };
        assert!(sparse(1, vec![row(), row()], &[0, 0]).is_err());
        assert!(sparse(2, vec![row()], &[0, 0]).is_err());
        assert!(sparse(2, vec![row(), row()], &[0]).is_err());
        let layer = sparse(2, vec![row(), row()], &[0, 0]).unwrap();
        assert!(layer.clone().with_bias(numbers(&[1])).is_err());
        assert!(layer.with_output(Shape::new([3])).is_err());
    }
}
