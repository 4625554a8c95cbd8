//! The axes of a tensor, without the batch axis.

use std::fmt;

/// Sizes of the axes, outermost first; row-major. No axes: a single value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape(Vec<usize>);

impl Shape {
    /// A shape of these axes.
    pub fn new(axes: impl Into<Vec<usize>>) -> Self {
        Shape(axes.into())
    }

    /// The sizes of the axes.
    pub fn axes(&self) -> &[usize] {
        &self.0
    }

    /// How many values a tensor of this shape has; `usize::MAX` when there are more
    /// than that, which no layer takes.
    pub fn len(&self) -> usize {
        let product = |len: usize, &axis: &usize| len.saturating_mul(axis);
        self.0.iter().fold(1, product)
    }

    /// Whether a tensor of this shape has no values.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl fmt::Display for Shape {
    /// `1x28x28`; a single value is `1`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return write!(f, "1");
        }
        let axes: Vec<String> = self.0.iter().map(usize::to_string).collect();
        write!(f, "{}", axes.join("x"))
    }
}
