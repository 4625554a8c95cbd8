//! Rows, levels and random numbers for the tests of what floats prove.

use std::sync::Mutex;

use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{One, Zero};
use smallvec::smallvec;

use crate::arithmetic::float::power_of_two;
use crate::arithmetic::integer::over_common_denominator;
use crate::arithmetic::{Int, IntegerRow, Number, Rational};
use crate::arrangement::Chart;
use crate::arrangement::stage::{Class, ExactForms, Stage, stages};
use crate::network::{Affine, Layer, Network, Shape};
use crate::proof::check::Verifier;
use crate::proof::{Header, Sink};
use crate::regions::Sign;
use crate::search::Answer;
use crate::search::level::{Level, RowId};

/// Reproducible random numbers (splitmix64), and rows that are hard for floats.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    pub fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 * 2f64.powi(-53) * if self.below(2) == 0 { 1.0 } else { -1.0 }
    }

    /// Plus or minus 2^-k, k from `least` on.
    pub fn whisker(&mut self, least: u64, kinds: u64) -> Rational {
        rational(self.unit().signum() * power_of_two(-((least + self.below(kinds)) as i64)))
    }

    pub fn number(&mut self) -> Rational {
        match self.below(8) {
            0 => Rational::zero(),
            1 | 2 => Rational::from_integer(BigInt::from(self.below(7) as i64 - 3)),
            3 => Rational::new(BigInt::from(self.below(19) as i64 - 9), BigInt::from(3)),
            4 => rational(self.unit() * power_of_two(self.below(40) as i64 - 20)),
            _ => rational(self.unit()),
        }
    }

    pub fn row(&mut self, dimension: usize, homogeneous: bool) -> Vec<Rational> {
        let sparse = self.below(3) == 0;
        let mut row: Vec<Rational> = (0..=dimension)
            .map(|_| match sparse && self.below(2) == 0 {
                true => Rational::zero(),
                false => self.number(),
            })
            .collect();
        if homogeneous {
            row[dimension] = Rational::zero();
        }
        row
    }

    /// Rows that a basis may have: some nearly parallel, all of them independent
    /// most of the time.
    pub fn basis(
        &mut self,
        dimension: usize,
        homogeneous: bool,
        whole: bool,
    ) -> Vec<Vec<Rational>> {
        let mut rows: Vec<Vec<Rational>> = Vec::new();
        for _ in 0..dimension {
            let mut row = self.row(dimension, homogeneous);
            if whole {
                row[..dimension]
                    .fill_with(|| Rational::from_integer(self.below(3).into()) - Rational::one());
                row[dimension] = rational(self.unit());
                rows.push(row);
                continue;
            }
            if self.below(6) == 0
                && let Some(other) = rows.last()
            {
                let near = self.whisker(3, 24);
                row = row.iter().zip(other).map(|(a, b)| a * &near + b).collect();
            }
            rows.push(row);
        }
        rows
    }
}

pub fn rational(value: f64) -> Rational {
    Rational::from_float(value).unwrap()
}

pub fn integers(row: &[Rational]) -> IntegerRow {
    let entries = over_common_denominator(row).0.into_iter();
    IntegerRow::new(&entries.map(Int::from).collect::<Vec<_>>())
}

/// A chart of units with these forms.
fn chart(rows: &[Vec<Rational>]) -> Chart {
    let width = rows[0].len();
    let values = rows.iter().flatten();
    let denominator = values.fold(BigInt::one(), |c, v| c.lcm(v.denom()));
    let scaled = |v: &Rational| Int::from(v.numer() * (&denominator / v.denom()));
    Chart {
        dimension: width - 1,
        inputs: ExactForms {
            entries: vec![],
            width,
            denominator: Int::ONE,
        },
        sides: vec![],
        extent: None,
        lead: None,
        units: ExactForms {
            entries: rows.iter().flatten().map(scaled).collect(),
            width,
            denominator: denominator.clone().into(),
        },
        classes: (0..rows.len())
            .map(|unit| Class {
                members: smallvec![(unit, false)],
            })
            .collect(),
        basis: vec![],
    }
}

/// The stage that subtracts every second unit from the one before it.
fn differences(count: usize) -> Stage {
    let row = |k: usize| vec![(2 * k, Number::ONE), (2 * k + 1, Number::from(-1))];
    let affine = Affine::sparse(
        2 * count,
        Shape::new([count]),
        (0..count).map(row),
        vec![Number::ZERO; count],
    );
    let mut network = Network::new(Shape::new([2 * count]));
    network.push(Layer::Affine(affine.unwrap())).unwrap();
    network.push(Layer::Relu).unwrap();
    stages(&network).pop().unwrap()
}

/// Hands over a level with these rows: one that knows them as well as floats can,
/// or one that knows them from differences of larger ones, with larger radii.
pub fn with_level(rows: &[Vec<Rational>], random: &mut Random, test: impl FnOnce(&Level)) {
    if random.below(2) == 0 {
        let chart = chart(rows);
        return test(&Level::first(&Level::domain(&chart), &chart));
    }
    let mut terms = Vec::new();
    for row in rows {
        let size = match random.below(3) {
            0 => 0.0,
            _ => power_of_two(random.below(24) as i64),
        };
        let added: Vec<Rational> = row
            .iter()
            .map(|value| match value.is_zero() {
                true => Rational::zero(),
                false => rational(size * random.unit()) / BigInt::from(3),
            })
            .collect();
        terms.push(row.iter().zip(&added).map(|(a, b)| a + b).collect());
        terms.push(added);
    }
    let chart = chart(&terms);
    let domain = Level::domain(&chart);
    let first = Level::first(&domain, &chart);
    let stage = differences(rows.len());
    let signs = vec![Sign::Positive; terms.len()];
    test(&first.next(&stage, &signs, Box::default()));
}

pub fn id(level: &Level, index: usize, negated: bool) -> RowId {
    RowId {
        negated,
        ..level.id(index)
    }
}

/// The exact coefficients of a row, up to a positive factor, and its constant.
pub fn exact_row(level: &Level, id: RowId) -> (Vec<Rational>, Rational) {
    let row = level.integer_row(id);
    let entry = |k| Rational::from_integer(row.entry(k).expect("big integers hold all"));
    let linear = level.width() - 1;
    ((0..linear).map(entry).collect(), entry(linear))
}

/// The scalar product.
pub fn dot(a: &[Rational], b: &[Rational]) -> Rational {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// The x with `matrix` x = `right`, by Gauss-Jordan elimination; `None` when the matrix
/// is singular.
pub fn solution(mut matrix: Vec<Vec<Rational>>, right: Vec<Rational>) -> Option<Vec<Rational>> {
    let n = matrix.len();
    for (row, value) in matrix.iter_mut().zip(right) {
        row.push(value);
    }
    for k in 0..n {
        let pivot = (k..n).find(|&i| !matrix[i][k].is_zero())?;
        matrix.swap(k, pivot);
        let own: Vec<Rational> = matrix[k].iter().map(|a| a / &matrix[k][k]).collect();
        for (i, row) in matrix.iter_mut().enumerate() {
            let factor = row[k].clone();
            if i == k {
                row.clone_from(&own);
            } else if !factor.is_zero() {
                for (a, b) in row.iter_mut().zip(&own) {
                    *a -= &factor * b;
                }
            }
        }
    }
    Some(matrix.into_iter().map(|mut row| row.remove(n)).collect())
}

/// Keeps a proof.
#[derive(Default)]
pub struct Kept(Mutex<(Option<Header>, Vec<Vec<u8>>)>);

impl Sink for Kept {
    fn header(&self, header: &Header) {
        self.0.lock().unwrap().0 = Some(header.clone());
    }

    fn chunk(&self, body: &[u8]) {
        self.0.lock().unwrap().1.push(body.to_vec());
    }
}

impl Kept {
    /// How many chunks it has.
    pub fn chunks(&self) -> u64 {
        self.0.lock().unwrap().1.len() as u64
    }

    /// The bodies of its chunks.
    pub fn bodies(&self) -> Vec<Vec<u8>> {
        self.0.lock().unwrap().1.clone()
    }

    /// Has a checker that shares nothing with the search verify it.
    pub fn verify(&self, network: &Network, answer: &Answer) {
        let (header, chunks) = &*self.0.lock().unwrap();
        let verifier = Verifier::new(network, header.as_ref().unwrap()).unwrap();
        for (number, body) in chunks.iter().enumerate() {
            verifier.chunk(number as u64, body).unwrap();
        }
        let footer = answer.footer(chunks.len() as u64);
        assert!(verifier.finish(&footer).unwrap().complete);
    }
}
