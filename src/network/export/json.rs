//! Writes the network JSON that [`crate::network::import::json`] reads back to the
//! identical network.

use std::io::{self, Write};

use crate::arithmetic::Number;
use crate::network::{Affine, AffineKind, ChannelOrder, Convolution, Layer, Network, Shape};

/// Writes `network`, one layer after another, rows of a weight on lines of their own.
///
/// A convolution's tap that lies in the padding at every position is written as
/// zero: no input ever meets it, and the network does not keep it.
///
/// # Errors
/// When `out` refuses.
pub fn write(network: &Network, out: &mut dyn Write) -> io::Result<()> {
    write!(out, "{{\n  ")?;
    match network.input().axes() {
        [dim] => write!(out, "\"input_dim\": {dim}")?,
        axes => write!(out, "\"input_shape\": {axes:?}")?,
    }
    write!(out, ",\n  \"layers\": [")?;
    let mut shape = network.input().clone();
    for (number, (layer, after)) in network.layers().iter().zip(network.shapes()).enumerate() {
        write!(out, "{}\n    {{", if number == 0 { "" } else { "," })?;
        match layer {
            Layer::Relu => write!(out, "\"type\": \"relu\"")?,
            Layer::Reshape(to) => {
                write!(out, "\"type\": \"reshape\", \"shape\": {:?}", to.axes())?;
            }
            Layer::Affine(affine) => write_affine(affine, &shape, out)?,
        }
        write!(out, "}}")?;
        shape = after;
    }
    writeln!(out, "\n  ]\n}}")
}

fn write_affine(affine: &Affine, from: &Shape, out: &mut dyn Write) -> io::Result<()> {
    let outputs = affine.output().len();
    match affine.kind() {
        AffineKind::Dense => {
            write!(out, "\"type\": \"dense\",\n      \"weight\": [")?;
            for row in 0..outputs {
                write!(out, "{}\n        ", if row == 0 { "" } else { "," })?;
                write_list(affine.row(row).1, out)?;
            }
            write!(out, "],\n      \"bias\": ")?;
            write_list(affine.bias(), out)
        }
        AffineKind::Convolution(conv) => write_convolution(affine, conv, from, out),
        AffineKind::Elementwise => {
            let axes = affine.output().axes();
            write!(
                out,
                "\"type\": \"scale\", \"shape\": {axes:?},\n      \"weight\": "
            )?;
            let scales: Vec<Number> = (0..outputs)
                .flat_map(|row| affine.row(row).1.to_vec())
                .collect();
            write_list(&scales, out)?;
            write!(out, ",\n      \"bias\": ")?;
            write_list(affine.bias(), out)
        }
        AffineKind::Permutation => {
            let axes = affine.output().axes();
            let source: Vec<u32> = (0..outputs)
                .flat_map(|row| affine.row(row).0.to_vec())
                .collect();
            write!(
                out,
                "\"type\": \"permute\", \"shape\": {axes:?}, \"source\": {source:?}"
            )
        }
        AffineKind::Sparse => {
            let axes = affine.output().axes();
            write!(
                out,
                "\"type\": \"sparse\", \"shape\": {axes:?},\n      \"rows\": ["
            )?;
            for row in 0..outputs {
                let (inputs, weights) = affine.row(row);
                let comma = if row == 0 { "" } else { "," };
                write!(
                    out,
                    "{comma}\n        {{\"inputs\": {inputs:?}, \"weight\": "
                )?;
                write_list(weights, out)?;
                write!(out, "}}")?;
            }
            write!(out, "],\n      \"bias\": ")?;
            write_list(affine.bias(), out)
        }
    }
}

fn write_convolution(
    affine: &Affine,
    conv: &Convolution,
    from: &Shape,
    out: &mut dyn Write,
) -> io::Result<()> {
    write!(out, "\"type\": \"conv\"")?;
    if conv.order == ChannelOrder::First {
        write!(out, ", \"order\": \"channels_first\"")?;
    }
    let input = conv.shape(conv.input, conv.channels);
    if input != *from {
        write!(out, ", \"input_shape\": {:?}", input.axes())?;
    }
    if conv.stride != [1, 1] {
        write!(out, ", \"stride\": {:?}", conv.stride)?;
    }
    if conv.pad_begin != conv.pad_end {
        let ([top, left], [bottom, right]) = (conv.pad_begin, conv.pad_end);
        write!(out, ", \"pad\": [{top}, {left}, {bottom}, {right}]")?;
    } else if conv.pad_begin != [0, 0] {
        write!(out, ", \"pad\": {:?}", conv.pad_begin)?;
    }
    if conv.dilation != [1, 1] {
        write!(out, ", \"dilation\": {:?}", conv.dilation)?;
    }
    if conv.groups != 1 {
        write!(out, ", \"groups\": {}", conv.groups)?;
    }
    let filters = Filters::collect(affine, conv);
    let [height, width] = conv.kernel;
    let channels = conv.channels / conv.groups;
    // The outer two levels are axes of the filter, the innermost a list.
    let axes = match conv.order {
        ChannelOrder::Last => [height, width, channels],
        ChannelOrder::First => [channels, height, width],
    };
    write!(out, ",\n      \"weight\": [")?;
    for filter in 0..conv.filters {
        write!(out, "{}\n        [", if filter == 0 { "" } else { "," })?;
        for i in 0..axes[0] {
            write!(out, "{}[", if i == 0 { "" } else { ", " })?;
            for j in 0..axes[1] {
                let numbers: Vec<Number> = (0..axes[2])
                    .map(|k| match conv.order {
                        ChannelOrder::Last => filters.weight(filter, k, [i, j]),
                        ChannelOrder::First => filters.weight(filter, i, [j, k]),
                    })
                    .collect();
                write!(out, "{}", if j == 0 { "" } else { ", " })?;
                write_list(&numbers, out)?;
            }
            write!(out, "]")?;
        }
        write!(out, "]")?;
    }
    write!(out, "],\n      \"bias\": ")?;
    write_list(&filters.bias, out)
}

/// A convolution's filters, collected from its rows: one position need not see
/// every tap, since some may lie in the padding there.
struct Filters {
    /// (filter, channel within the group, row, column).
    weight: Vec<Number>,
    bias: Vec<Number>,
    channels: usize,
    kernel: [usize; 2],
}

impl Filters {
    fn collect(affine: &Affine, conv: &Convolution) -> Self {
        let channels = conv.channels / conv.groups;
        let len = conv.filters * channels * conv.kernel[0] * conv.kernel[1];
        let mut filters = Filters {
            weight: vec![Number::ZERO; len],
            bias: vec![Number::ZERO; conv.filters],
            channels,
            kernel: conv.kernel,
        };
        let positions = conv.positions().expect("a layer's geometry is possible");
        for filter in 0..conv.filters {
            for i in 0..positions[0] {
                for j in 0..positions[1] {
                    let unit = conv.index(positions, conv.filters, [i, j], filter);
                    filters.bias[filter] = affine.bias()[unit].clone();
                    let mut weights = affine.row(unit).1.iter();
                    for channel in 0..channels {
                        for a in (0..conv.kernel[0]).filter(|&a| conv.tap(0, i, a).is_some()) {
                            for b in (0..conv.kernel[1]).filter(|&b| conv.tap(1, j, b).is_some()) {
                                let tap = filters.tap(filter, channel, [a, b]);
                                let weight = weights.next().expect("a row has every tap");
                                filters.weight[tap] = weight.clone();
                            }
                        }
                    }
                }
            }
        }
        filters
    }

    fn tap(&self, filter: usize, channel: usize, at: [usize; 2]) -> usize {
        ((filter * self.channels + channel) * self.kernel[0] + at[0]) * self.kernel[1] + at[1]
    }

    fn weight(&self, filter: usize, channel: usize, at: [usize; 2]) -> Number {
        self.weight[self.tap(filter, channel, at)].clone()
    }
}

fn write_list(numbers: &[Number], out: &mut dyn Write) -> io::Result<()> {
    write!(out, "[")?;
    for (k, number) in numbers.iter().enumerate() {
        write!(out, "{}", if k == 0 { "" } else { ", " })?;
        write_number(number, out)?;
    }
    write!(out, "]")
}

/// 2^53: every integer up to here is an f64, written alike by everybody.
const LARGEST_PLAIN_INTEGER: f64 = 9_007_199_254_740_992.0;

fn write_number(number: &Number, out: &mut dyn Write) -> io::Result<()> {
    match number {
        Number::Float(value) if value.fract() == 0.0 && value.abs() <= LARGEST_PLAIN_INTEGER => {
            write!(out, "{value}")
        }
        // With a point or an exponent even when whole: `{}` would write the
        // shortest digits filled up with zeros, which as a JSON integer, exact at
        // any size, is another number.
        Number::Float(value) => write!(out, "{value:?}"),
        Number::Rational(value) => write!(out, "\"{value}\""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::import::json::read;

    fn round_trip(network: &Network) {
        let mut text = Vec::new();
        write(network, &mut text).unwrap();
        let back = read(&text).unwrap_or_else(|error| {
            panic!("{error}\n{}", String::from_utf8_lossy(&text));
        });
        assert_eq!(format!("{network:?}"), format!("{back:?}"));
        let mut again = Vec::new();
        write(&back, &mut again).unwrap();
        assert_eq!(text, again);
    }

    fn numbers(texts: &[&str]) -> Vec<Number> {
        let parse = |text: &&str| Number::parse(text).unwrap();
        texts.iter().map(parse).collect()
    }

    #[test]
    fn every_number_survives() {
        let mut weight = numbers(&[
            "1/3",
            "0.1",
            "-7",
            "1e400",
            "123456789012345678901234567890123456789",
            "9007199254740993",
        ]);
        for value in [
            0.1,
            -1e-300,
            5e-324,
            1e300,
            f64::MAX,
            1_152_921_504_606_846_976.0,
            LARGEST_PLAIN_INTEGER,
            LARGEST_PLAIN_INTEGER + 2.0,
            0.0,
            1e21,
        ] {
            weight.push(Number::from_f64(value).unwrap());
        }
        let inputs = weight.len() / 2;
        let mut network = Network::new(Shape::new([inputs]));
        let dense = Affine::dense(inputs, 2, weight, numbers(&["2/7", "-1"])).unwrap();
        network.push(Layer::Affine(dense)).unwrap();
        network.push(Layer::Relu).unwrap();
        round_trip(&network);
    }

    fn convolution(conv: Convolution) -> Affine {
        let taps = conv.channels / conv.groups * conv.kernel[0] * conv.kernel[1];
        let weight: Vec<Number> = (1..=conv.filters * taps)
            .map(|k| Number::from(k as i64))
            .collect();
        let bias: Vec<Number> = (1..=conv.filters)
            .map(|k| Number::from(-(k as i64)))
            .collect();
        Affine::convolution(conv, &weight, &bias).unwrap()
    }

    #[test]
    fn convolutions_survive_in_both_orders() {
        for order in [ChannelOrder::First, ChannelOrder::Last] {
            let conv = Convolution {
                stride: [2, 1],
                pad_begin: [1, 0],
                pad_end: [2, 3],
                dilation: [1, 2],
                groups: 2,
                ..Convolution::new([4, 5], 4, 6, [3, 2], order)
            };
            let same_pad = Convolution {
                pad_begin: [1, 1],
                pad_end: [1, 1],
                ..Convolution::new([2, 3], 2, 3, [3, 3], order)
            };
            for conv in [conv, same_pad] {
                let mut network = Network::new(conv.shape(conv.input, conv.channels));
                network
                    .push(Layer::Affine(convolution(conv.clone())))
                    .unwrap();
                network.push(Layer::Relu).unwrap();
                round_trip(&network);
                // The same layer on an input that has lost its axes.
                let len = conv.input[0] * conv.input[1] * conv.channels;
                let mut network = Network::new(Shape::new([len]));
                network.push(Layer::Affine(convolution(conv))).unwrap();
                round_trip(&network);
            }
        }
    }

    #[test]
    fn other_layers_survive() {
        for axes in [vec![], vec![1], vec![2, 3]] {
            let shape = Shape::new(axes);
            let len = shape.len();
            let mut network = Network::new(shape);
            round_trip(&network);
            let scale = numbers(&["1/3", "0.5", "2", "0", "1", "-1"])[..len].to_vec();
            let flat = Shape::new([len, 1]);
            let scale = Affine::elementwise(flat.clone(), scale.clone(), scale).unwrap();
            network.push(Layer::Affine(scale)).unwrap();
            network.push(Layer::Relu).unwrap();
            network.push(Layer::Reshape(Shape::new([1, len]))).unwrap();
            let source: Vec<usize> = (0..len).rev().collect();
            let permutation = Affine::permutation(flat, &source).unwrap();
            network.push(Layer::Affine(permutation)).unwrap();
            let number = |text: &str| Number::parse(text).unwrap();
            let rows = [
                vec![(0, Number::ONE)],
                vec![],
                vec![(len - 1, number("1/7")), (0, number("-2"))],
            ];
            let bias = vec![Number::ZERO, Number::ONE, number("0.5")];
            let sparse = Affine::sparse(len, Shape::new([3, 1]), rows, bias).unwrap();
            network.push(Layer::Affine(sparse)).unwrap();
            let len = 3;
            let nothing = Affine::dense(len, 0, Vec::new(), Vec::new()).unwrap();
            network.push(Layer::Affine(nothing)).unwrap();
            round_trip(&network);
        }
    }
}
