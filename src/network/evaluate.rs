//! The network's value at a point: exactly, or in plain floats.

use num_traits::{Signed, Zero};

use super::{Layer, Network};
use crate::arithmetic::{Number, Rational};

/// What a network does at one point.
#[derive(Clone, Debug)]
pub struct Evaluation<T> {
    /// Pre-activations of every unit, one vector a ReLU layer.
    pub pre_activations: Vec<Vec<T>>,
    /// The output, flattened.
    pub output: Vec<T>,
}

impl Network {
    /// Evaluates exactly. `input` is the flattened input tensor.
    ///
    /// # Panics
    /// When `input` does not have one value for each network input.
    pub fn evaluate(&self, input: &[Rational]) -> Evaluation<Rational> {
        self.run(
            input,
            Rational::zero(),
            Number::to_rational,
            |sum, weight, value| {
                if value.is_zero() {
                    sum
                } else {
                    sum + weight * value
                }
            },
            |value| {
                if value.is_negative() {
                    Rational::zero()
                } else {
                    value.clone()
                }
            },
        )
    }

    /// Evaluates in f64, with rounding errors; proves nothing.
    ///
    /// # Panics
    /// When `input` does not have one value for each network input.
    pub fn evaluate_f64(&self, input: &[f64]) -> Evaluation<f64> {
        self.run(
            input,
            0.0,
            Number::to_f64,
            |sum, weight, value| sum + weight * value,
            |value| value.max(0.0),
        )
    }

    fn run<T: Clone>(
        &self,
        input: &[T],
        zero: T,
        number: impl Fn(&Number) -> T,
        add_product: impl Fn(T, T, &T) -> T,
        relu: impl Fn(&T) -> T,
    ) -> Evaluation<T> {
        assert_eq!(
            input.len(),
            self.input.len(),
            "one value for each network input"
        );
        let one = number(&Number::ONE);
        let mut values = input.to_vec();
        let mut pre_activations = Vec::new();
        for layer in &self.layers {
            match layer {
                Layer::Affine(affine) => {
                    let row = |r: usize| {
                        let (columns, weights) = affine.row(r);
                        let bias = add_product(zero.clone(), number(&affine.bias()[r]), &one);
                        columns
                            .iter()
                            .zip(weights)
                            .fold(bias, |sum, (&column, weight)| {
                                add_product(sum, number(weight), &values[column as usize])
                            })
                    };
                    values = (0..affine.output().len()).map(row).collect();
                }
                Layer::Relu => {
                    let after = values.iter().map(&relu).collect();
                    pre_activations.push(std::mem::replace(&mut values, after));
                }
                Layer::Reshape(_) => {}
            }
        }
        Evaluation {
            pre_activations,
            output: values,
        }
    }
}
