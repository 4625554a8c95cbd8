//! A network as the oracles see it: sparse rational rows, and affine forms of the input.

use chambers::network::{Layer, Network};
use num_traits::{One, Signed, Zero};

use super::Rational;

/// `coefficients . x + constant`.
#[derive(Clone, Debug, PartialEq)]
pub struct Form {
    pub coefficients: Vec<Rational>,
    pub constant: Rational,
}

impl Form {
    /// The constant zero on `inputs` inputs.
    pub fn zero(inputs: usize) -> Self {
        Form {
            coefficients: vec![Rational::zero(); inputs],
            constant: Rational::zero(),
        }
    }

    /// The inputs themselves.
    pub fn coordinates(inputs: usize) -> Vec<Form> {
        let coordinate = |k| {
            let mut form = Form::zero(inputs);
            form.coefficients[k] = Rational::one();
            form
        };
        (0..inputs).map(coordinate).collect()
    }

    /// Whether the form is zero everywhere.
    pub fn is_zero(&self) -> bool {
        self.constant.is_zero() && self.coefficients.iter().all(Zero::is_zero)
    }

    pub fn at(&self, x: &[Rational]) -> Rational {
        let terms = self.coefficients.iter().zip(x).map(|(a, x)| a * x);
        terms.fold(self.constant.clone(), |sum, term| sum + term)
    }
}

/// One row of an affine layer: (column, weight) pairs and a bias.
pub type Row = (Vec<(usize, Rational)>, Rational);

/// One step of a network.
pub enum Step {
    Affine(Vec<Row>),
    Relu,
}

/// The steps of a network, weights as rationals.
pub struct Model {
    pub inputs: usize,
    pub steps: Vec<Step>,
}

impl Model {
    pub fn of(network: &Network) -> Self {
        let mut steps = Vec::new();
        for layer in network.layers() {
            match layer {
                Layer::Affine(affine) => {
                    let row = |r: usize| {
                        let (columns, weights) = affine.row(r);
                        let entries = columns.iter().zip(weights);
                        let entries = entries.map(|(&c, w)| (c as usize, w.to_rational()));
                        (entries.collect(), affine.bias()[r].to_rational())
                    };
                    steps.push(Step::Affine((0..affine.output().len()).map(row).collect()));
                }
                Layer::Relu => steps.push(Step::Relu),
                Layer::Reshape(_) => {}
            }
        }
        Model {
            inputs: network.input().len(),
            steps,
        }
    }

    /// The signs of all units at one point, `0` where a pre-activation vanishes there.
    pub fn signs_at(&self, x: &[Rational]) -> String {
        let mut signs = String::new();
        let mut values = x.to_vec();
        for step in &self.steps {
            match step {
                Step::Affine(rows) => {
                    let value = |(entries, bias): &Row| {
                        let terms = entries.iter().map(|(c, w)| w * &values[*c]);
                        terms.fold(bias.clone(), |sum, term| sum + term)
                    };
                    values = rows.iter().map(value).collect();
                }
                Step::Relu => {
                    for value in &mut values {
                        signs.push(symbol(value));
                        if value.is_negative() {
                            *value = Rational::zero();
                        }
                    }
                }
            }
        }
        signs
    }
}

/// `+`, `-` or `0`.
pub fn symbol(value: &Rational) -> char {
    if value.is_positive() {
        '+'
    } else if value.is_negative() {
        '-'
    } else {
        '0'
    }
}

/// The rows applied to forms of the input.
pub fn compose(rows: &[Row], forms: &[Form], inputs: usize) -> Vec<Form> {
    let form = |(entries, bias): &Row| {
        let mut sum = Form::zero(inputs);
        sum.constant = bias.clone();
        for (column, weight) in entries.iter().filter(|(_, w)| !w.is_zero()) {
            let from = &forms[*column];
            sum.constant += weight * &from.constant;
            for (total, c) in sum.coefficients.iter_mut().zip(&from.coefficients) {
                *total += weight * c;
            }
        }
        sum
    };
    rows.iter().map(form).collect()
}

/// The forms after a ReLU layer, where its signs are known.
pub fn rectify(forms: &[Form], signs: &str, inputs: usize) -> Vec<Form> {
    let rectified = |(form, sign): (&Form, char)| match sign {
        '+' => form.clone(),
        _ => Form::zero(inputs),
    };
    forms.iter().zip(signs.chars()).map(rectified).collect()
}
