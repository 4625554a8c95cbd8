//! One input, any depth: sorts the breakpoints on the line.

use std::collections::BTreeSet;

use chambers::arrangement::Domain;
use chambers::network::Network;
use num_traits::{One, Zero};

use super::model::{Form, Model, Step, compose, rectify, symbol};
use super::{Number, Rational};

/// An open interval on which every unit keeps its sign; a missing end is infinite.
#[derive(Clone)]
pub struct Piece {
    pub lower: Option<Rational>,
    pub upper: Option<Rational>,
    pub pattern: String,
    /// The output on it.
    pub output: Vec<Form>,
}

impl Piece {
    /// A point inside.
    pub fn inside(&self) -> Rational {
        let two = Rational::one() + Rational::one();
        match (&self.lower, &self.upper) {
            (Some(lower), Some(upper)) => (lower + upper) / two,
            (Some(lower), None) => lower + Rational::one(),
            (None, Some(upper)) => upper - Rational::one(),
            (None, None) => Rational::zero(),
        }
    }

    /// Splits at the zeros of the forms, and appends their signs to the patterns.
    fn split(self, forms: &[Form]) -> Vec<Piece> {
        let inside = |x: &Rational| {
            self.lower.as_ref().is_none_or(|l| l < x) && self.upper.as_ref().is_none_or(|u| x < u)
        };
        let mut roots: Vec<Rational> = forms
            .iter()
            .filter(|form| !form.coefficients[0].is_zero())
            .map(|form| -&form.constant / &form.coefficients[0])
            .filter(inside)
            .collect();
        roots.sort();
        roots.dedup();
        let lowers = std::iter::once(self.lower.clone()).chain(roots.iter().cloned().map(Some));
        let uppers = roots.iter().cloned().map(Some);
        let uppers = uppers.chain([self.upper.clone()]);
        let piece = |(lower, upper)| {
            let mut piece = Piece {
                lower,
                upper,
                pattern: self.pattern.clone(),
                output: Vec::new(),
            };
            let x = [piece.inside()];
            let signs: String = forms.iter().map(|form| symbol(&form.at(&x))).collect();
            piece.output = rectify(forms, &signs, 1);
            piece.pattern.push_str(&signs);
            piece
        };
        lowers.zip(uppers).map(piece).collect()
    }
}

/// The pieces from left to right. The domain must not be a point.
pub fn pieces(network: &Network, domain: &Domain) -> Vec<Piece> {
    let model = Model::of(network);
    assert_eq!(model.inputs, 1, "the sweep is for one input");
    if domain.is_empty() {
        return Vec::new();
    }
    let interval = &domain.intervals()[0];
    assert!(interval.point().is_none(), "the sweep needs an interval");
    let mut pieces = vec![Piece {
        lower: interval.lower.as_ref().map(Number::to_rational),
        upper: interval.upper.as_ref().map(Number::to_rational),
        pattern: String::new(),
        output: Form::coordinates(1),
    }];
    for step in &model.steps {
        match step {
            Step::Affine(rows) => {
                for piece in &mut pieces {
                    piece.output = compose(rows, &piece.output, 1);
                }
            }
            Step::Relu => {
                let split = |mut piece: Piece| {
                    let forms = std::mem::take(&mut piece.output);
                    piece.split(&forms)
                };
                pieces = pieces.into_iter().flat_map(split).collect();
            }
        }
    }
    pieces
}

/// The activation patterns.
pub fn patterns(network: &Network, domain: &Domain) -> BTreeSet<String> {
    let pieces = pieces(network, domain);
    let patterns: BTreeSet<String> = pieces.iter().map(|p| p.pattern.clone()).collect();
    // The region of a pattern is convex, so no two pieces can share one.
    assert_eq!(patterns.len(), pieces.len(), "a pattern came back");
    patterns
}

/// How many pieces the output has when neighbours with the same formula are one.
pub fn linear_pieces(network: &Network, domain: &Domain) -> usize {
    let pieces = pieces(network, domain);
    let joints = pieces.windows(2).filter(|w| w[0].output != w[1].output);
    joints.count() + usize::from(!pieces.is_empty())
}
