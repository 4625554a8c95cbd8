//! Architectures without weights, as one line: `1x3x1; conv 8@1x2`.
//!
//! The input comes first: `HxWxC`, or one number for a vector. The layers follow,
//! each after a `;`:
//!
//! - `conv F@HxW`: F filters, then in any order `stride`, `pad`, `dilation` (one
//!   number for both axes or `HxW`; `pad` also `TOPxLEFTxBOTTOMxRIGHT`), `groups G`;
//! - `dense N`: N outputs;
//! - `flatten`.
//!
//! `conv` and `dense` also take `nobias`. ReLU follows every one of them, the last
//! included: the linear output layer does not change the regions and is not
//! written, as in Xiong et al. 2020.

use std::fmt;
use std::str::FromStr;

use super::limits::{MAX_LAYERS, MAX_WINDOW_ENTRIES, geometry_problem, tensor_len};
use super::{ChannelOrder, Convolution, Shape};
use crate::{Error, Result};

/// The shapes and layers of a network, without its weights. Displays as the line
/// that [`Architecture::parse`] reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Architecture {
    input: Shape,
    layers: Vec<ArchitectureLayer>,
}

/// One layer of an [`Architecture`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ArchitectureLayer {
    /// A dense layer with ReLU.
    Dense {
        /// How many units.
        units: usize,
        /// Whether the units have biases.
        bias: bool,
    },
    /// A convolution with ReLU, channel-last.
    Convolution {
        /// The geometry.
        geometry: Convolution,
        /// Whether the filters have biases.
        bias: bool,
    },
    /// The same values as a vector.
    Flatten,
}

const REMEDY: &str =
    "write the input and the layers, such as \"1x3x1; conv 8@1x2 stride 1 pad 0; dense 16\"";

fn wrong(place: &str, problem: impl Into<String>) -> Error {
    Error::input("--arch", place, problem, REMEDY)
}

impl Architecture {
    /// Reads an architecture.
    ///
    /// # Errors
    /// When the line is none, or a layer does not fit what comes before it.
    ///
    /// ```
    /// use chambers::network::architecture::Architecture;
    /// let architecture = Architecture::parse("1x3x1; conv 8@1x2").unwrap();
    /// assert_eq!(architecture.units_per_layer(), [16]);
    /// ```
    pub fn parse(text: &str) -> Result<Self> {
        let mut parts = text.split(';');
        let input = parts.next().unwrap_or_default().trim();
        let place = format!("input {input:?}");
        let axes = numbers(input)
            .ok_or_else(|| wrong(&place, "expected HxWxC, or one number for a vector"))?;
        if !matches!(axes.len(), 1 | 3) {
            return Err(wrong(
                &place,
                format!("{} axes; expected three (HxWxC) or one", axes.len()),
            ));
        }
        if axes.contains(&0) {
            return Err(wrong(&place, "an axis of size 0"));
        }
        if tensor_len(&axes).is_none() {
            return Err(wrong(&place, "more inputs than any count could handle"));
        }
        let mut architecture = Architecture {
            input: Shape::new(axes),
            layers: Vec::new(),
        };
        let mut shape = architecture.input.clone();
        let mut seen = 0usize;
        for (number, part) in parts.enumerate() {
            let part = part.trim();
            let wrong = |problem| wrong(&format!("layer {} {part:?}", number + 1), problem);
            let layer = parse_layer(part, &shape).map_err(wrong)?;
            seen = seen.saturating_add(layer.seen(&shape));
            if seen > MAX_WINDOW_ENTRIES {
                return Err(wrong("larger than any formula could handle".into()));
            }
            if 2 * (number + 1) > MAX_LAYERS {
                return Err(wrong("more layers than any count could handle".into()));
            }
            shape = layer.output(&shape);
            architecture.layers.push(layer);
        }
        if architecture.layers.is_empty() {
            return Err(wrong(&place, "no layer follows the input"));
        }
        Ok(architecture)
    }

    /// The shape of an input.
    pub fn input(&self) -> &Shape {
        &self.input
    }

    /// The layers, first to last.
    pub fn layers(&self) -> &[ArchitectureLayer] {
        &self.layers
    }

    /// The shape that each layer gives.
    pub fn shapes(&self) -> Vec<Shape> {
        let mut shape = self.input.clone();
        self.layers
            .iter()
            .map(|layer| {
                shape = layer.output(&shape);
                shape.clone()
            })
            .collect()
    }

    /// Units in each ReLU layer, first to last.
    pub fn units_per_layer(&self) -> Vec<usize> {
        self.layers
            .iter()
            .zip(self.shapes())
            .filter(|(layer, _)| **layer != ArchitectureLayer::Flatten)
            .map(|(_, shape)| shape.len())
            .collect()
    }

    /// All units.
    pub fn units(&self) -> usize {
        self.units_per_layer().iter().sum()
    }
}

impl ArchitectureLayer {
    /// Inputs that one unit sees, at most.
    fn window(&self, input: &Shape) -> usize {
        match self {
            ArchitectureLayer::Dense { .. } => input.len(),
            ArchitectureLayer::Convolution { geometry, .. } => {
                geometry.kernel[0] * geometry.kernel[1] * (geometry.channels / geometry.groups)
            }
            ArchitectureLayer::Flatten => 0,
        }
    }

    /// Weights, one for each input of each unit, at most.
    pub(super) fn entries(&self, input: &Shape) -> usize {
        self.output(input).len().saturating_mul(self.window(input))
    }

    /// Inputs that its positions see, and its units.
    fn seen(&self, input: &Shape) -> usize {
        let units = self.output(input).len();
        let windows = match self {
            ArchitectureLayer::Flatten => return 0,
            ArchitectureLayer::Dense { .. } => 1,
            ArchitectureLayer::Convolution { geometry, .. } => {
                units / geometry.filters * geometry.groups
            }
        };
        windows
            .saturating_mul(self.window(input))
            .saturating_add(units)
    }

    /// The shape that the layer gives for one that it takes.
    pub(super) fn output(&self, input: &Shape) -> Shape {
        match self {
            ArchitectureLayer::Dense { units, .. } => Shape::new([*units]),
            ArchitectureLayer::Convolution { geometry, .. } => {
                let positions = geometry.positions().expect("checked when it was read");
                geometry.shape(positions, geometry.filters)
            }
            ArchitectureLayer::Flatten => Shape::new([input.len()]),
        }
    }
}

/// `3`, or `1x2x3`.
fn numbers(text: &str) -> Option<Vec<usize>> {
    // `usize::from_str` takes a plus sign.
    let number = |part: &str| match part.bytes().all(|b| b.is_ascii_digit()) {
        true => usize::from_str(part).ok(),
        false => None,
    };
    text.split(['x', 'X']).map(number).collect()
}

/// A layer, or the problem with it.
fn parse_layer(text: &str, input: &Shape) -> std::result::Result<ArchitectureLayer, String> {
    let mut words = text.split_whitespace();
    match words.next() {
        Some("dense") => parse_dense(words, input),
        Some("conv") => parse_convolution(words, input),
        Some("flatten") => match words.next() {
            None => Ok(ArchitectureLayer::Flatten),
            Some(word) => Err(format!("{word:?} after flatten, which takes no option")),
        },
        Some(word) => Err(format!(
            "no layer is called {word:?}; expected conv, dense or flatten"
        )),
        None => Err("an empty layer".into()),
    }
}

type Words<'a> = std::str::SplitWhitespace<'a>;

fn parse_dense(mut words: Words, input: &Shape) -> std::result::Result<ArchitectureLayer, String> {
    let units = match words.next().and_then(numbers).as_deref() {
        Some(&[units]) if units > 0 => units,
        _ => return Err("expected dense and the number of its units, such as dense 16".into()),
    };
    if tensor_len(&[units, input.len()]).is_none() {
        return Err("the layer has more weights than any count could handle".into());
    }
    let mut bias = true;
    for word in words {
        match word {
            "nobias" if bias => bias = false,
            _ => return Err(format!("{word:?}; expected nothing more, or nobias")),
        }
    }
    Ok(ArchitectureLayer::Dense { units, bias })
}

fn parse_convolution(
    mut words: Words,
    input: &Shape,
) -> std::result::Result<ArchitectureLayer, String> {
    let &[height, width, channels] = input.axes() else {
        return Err(format!(
            "a convolution takes HxWxC, but the layer before gives {input}"
        ));
    };
    let mut filters_and_kernel = || {
        let (filters, kernel) = words.next()?.split_once('@')?;
        let &[filters] = numbers(filters)?.as_slice() else {
            return None;
        };
        let kernel = both_axes(&numbers(kernel)?)?;
        (filters > 0).then_some((filters, kernel))
    };
    let (filters, kernel) = filters_and_kernel()
        .ok_or("expected conv, the filters and their size, such as conv 8@3x3")?;
    let mut geometry = Convolution::new(
        [height, width],
        channels,
        filters,
        kernel,
        ChannelOrder::Last,
    );
    let mut bias = true;
    let mut seen = Vec::new();
    while let Some(word) = words.next() {
        if seen.contains(&word) {
            return Err(format!("{word} twice"));
        }
        seen.push(word);
        if word == "nobias" {
            bias = false;
            continue;
        }
        if !["stride", "pad", "dilation", "groups"].contains(&word) {
            return Err(format!(
                "no option is called {word:?}; expected stride, pad, dilation, groups or nobias"
            ));
        }
        let value = words.next().unwrap_or_default();
        let sizes = numbers(value).unwrap_or_default();
        let fits = match (word, sizes.as_slice()) {
            ("groups", &[groups]) => {
                geometry.groups = groups;
                true
            }
            ("pad", &[top, left, bottom, right]) => {
                geometry.pad_begin = [top, left];
                geometry.pad_end = [bottom, right];
                true
            }
            ("stride" | "pad" | "dilation", sizes) => match (word, both_axes(sizes)) {
                ("stride", Some(pair)) => {
                    geometry.stride = pair;
                    true
                }
                ("dilation", Some(pair)) => {
                    geometry.dilation = pair;
                    true
                }
                (_, Some(pair)) => {
                    geometry.pad_begin = pair;
                    geometry.pad_end = pair;
                    true
                }
                (_, None) => false,
            },
            _ => false,
        };
        if !fits {
            return Err(format!(
                "{word} {value:?}; expected a number{}",
                match word {
                    "groups" => "",
                    "pad" => ", HxW or TOPxLEFTxBOTTOMxRIGHT",
                    _ => " or HxW",
                }
            ));
        }
    }
    match geometry_problem(&geometry) {
        Some(problem) => Err(problem),
        None => Ok(ArchitectureLayer::Convolution { geometry, bias }),
    }
}

/// One number for both axes, or one for each.
fn both_axes(sizes: &[usize]) -> Option<[usize; 2]> {
    match *sizes {
        [size] => Some([size, size]),
        [height, width] => Some([height, width]),
        _ => None,
    }
}

impl FromStr for Architecture {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Architecture::parse(text)
    }
}

impl fmt::Display for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.input)?;
        self.layers
            .iter()
            .try_for_each(|layer| write!(f, "; {layer}"))
    }
}

impl fmt::Display for ArchitectureLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bias = match self {
            ArchitectureLayer::Dense { units, bias } => {
                write!(f, "dense {units}")?;
                *bias
            }
            ArchitectureLayer::Convolution { geometry, bias } => {
                write_geometry(geometry, f)?;
                *bias
            }
            ArchitectureLayer::Flatten => return write!(f, "flatten"),
        };
        if bias { Ok(()) } else { write!(f, " nobias") }
    }
}

fn write_geometry(geometry: &Convolution, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let [height, width] = geometry.kernel;
    write!(f, "conv {}@{height}x{width}", geometry.filters)?;
    let pair = |f: &mut fmt::Formatter<'_>, name: &str, [h, w]: [usize; 2]| {
        if h == w {
            write!(f, " {name} {h}")
        } else {
            write!(f, " {name} {h}x{w}")
        }
    };
    if geometry.stride != [1, 1] {
        pair(f, "stride", geometry.stride)?;
    }
    let (begin, end) = (geometry.pad_begin, geometry.pad_end);
    if begin != end {
        write!(f, " pad {}x{}x{}x{}", begin[0], begin[1], end[0], end[1])?;
    } else if begin != [0, 0] {
        pair(f, "pad", begin)?;
    }
    if geometry.dilation != [1, 1] {
        pair(f, "dilation", geometry.dilation)?;
    }
    if geometry.groups != 1 {
        write!(f, " groups {}", geometry.groups)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_and_units_follow_the_line() {
        let architecture =
            Architecture::parse("32x32x3; conv 8@3x3 stride 2 pad 1; flatten; dense 10").unwrap();
        let shapes: Vec<String> = architecture.shapes().iter().map(Shape::to_string).collect();
        assert_eq!(shapes, ["16x16x8", "2048", "10"]);
        assert_eq!(architecture.units_per_layer(), [2048, 10]);
        assert_eq!(architecture.units(), 2058);
        let example_1 = Architecture::parse("1x3x1; conv 8@1x2").unwrap();
        assert_eq!(example_1.units_per_layer(), [16]);
        // ReLU follows a dense layer at once, with or without its axes.
        let dense = Architecture::parse("2x2x1;dense 4;dense 1").unwrap();
        assert_eq!(dense.units_per_layer(), [4, 1]);
    }

    #[test]
    fn what_is_shown_is_what_is_read() {
        let cases = [
            ("2;dense 3", "2; dense 3"),
            ("1X3X1 ;conv  8@1x2", "1x3x1; conv 8@1x2"),
            ("5x5x2; conv 4@3", "5x5x2; conv 4@3x3"),
            (
                "9x9x4; conv 4@3x3 groups 2 nobias dilation 1x2 pad 1x0x2x1 stride 2x1",
                "9x9x4; conv 4@3x3 stride 2x1 pad 1x0x2x1 dilation 1x2 groups 2 nobias",
            ),
            (
                "4x4x1; conv 2@2x2 pad 1x1; flatten; dense 5 nobias",
                "4x4x1; conv 2@2x2 pad 1; flatten; dense 5 nobias",
            ),
        ];
        for (text, shown) in cases {
            let architecture = Architecture::parse(text).unwrap();
            assert_eq!(architecture.to_string(), shown);
            assert_eq!(shown.parse::<Architecture>().unwrap(), architecture);
        }
    }

    #[test]
    fn what_is_no_architecture_is_refused_with_its_place() {
        let cases = [
            ("", "input \"\": expected HxWxC"),
            ("2", "input \"2\": no layer follows"),
            ("0; dense 1", "an axis of size 0"),
            ("1x2; dense 1", "2 axes; expected three"),
            ("+2; dense 1", "expected HxWxC"),
            ("99999999999x99999999999x9; dense 1", "more inputs than"),
            ("999999999999999999999999; dense 1", "expected HxWxC"),
            ("2; dense", "layer 1 \"dense\": expected dense and"),
            ("2; dense 0", "expected dense and"),
            ("2; dense 2x2", "expected dense and"),
            ("2; dense 999999999999", "more weights than"),
            ("3; dense 89478485", "larger than any formula"),
            (
                "1; dense 60000000; flatten; dense 4",
                "layer 3 \"dense 4\": larger than any formula",
            ),
            ("2000x2000x1; conv 9@9x9", "larger than any formula"),
            ("2; dense 2 bias", "\"bias\"; expected nothing more"),
            ("2; dense 2; ", "layer 2 \"\": an empty layer"),
            ("2; pool 2", "no layer is called \"pool\""),
            ("2; flatten 2", "takes no option"),
            (
                "2; conv 2@1x1",
                "a convolution takes HxWxC, but the layer before gives 2",
            ),
            (
                "1x3x1; flatten; conv 2@1x1",
                "layer 2 \"conv 2@1x1\": a convolution takes",
            ),
            ("1x3x1; conv 2", "expected conv, the filters"),
            ("1x3x1; conv 0@1x1", "expected conv, the filters"),
            ("1x3x1; conv 2@1x1x1", "expected conv, the filters"),
            ("1x3x1; conv 2@2x2", "does not fit a 1x3 input"),
            ("1x3x1; conv 2@1x0", "does not fit"),
            (
                "1x3x1; conv 2@1x2 stride",
                "stride \"\"; expected a number or HxW",
            ),
            ("1x3x1; conv 2@1x2 stride 0", "does not fit"),
            ("1x3x1; conv 2@1x2 stride -1", "stride \"-1\"; expected"),
            ("1x3x1; conv 2@1x2 pad 1x2x3", "pad \"1x2x3\"; expected"),
            ("1x3x1; conv 2@1x2 pad 99999999999999", "more than"),
            (
                "1x3x1; conv 2@1x2 groups 2",
                "2 groups must divide 1 channels",
            ),
            ("1x3x1; conv 2@1x2 groups 0", "0 groups must divide"),
            ("1x3x1; conv 2@1x2 stride 1 stride 2", "stride twice"),
            ("1x3x1; conv 2@1x2 step 1", "no option is called \"step\""),
        ];
        for (text, expected) in cases {
            let message = Architecture::parse(text).unwrap_err().to_string();
            assert!(message.contains(expected), "{text}\n{message}");
        }
    }
}
