//! Rows that floats know and their exact ones; polyhedra by trying all choices of constraints.

use std::collections::{BTreeMap, BTreeSet};

use num_bigint::BigInt;
use num_traits::{One, Signed, Zero};

use super::super::generators::{INFINITY, Target, bits};
use crate::arithmetic::Rational;
use crate::arithmetic::float::{TINY, sum_error};
use crate::arithmetic::integer::over_common_denominator;
use crate::arithmetic::lanes::LANES;
use crate::search::engine::samples::{dot, exact_row, rational};
use crate::search::level::{Level, RowId};

/// A row: what floats know of it, and an exact one that they may mean.
#[derive(Clone, Debug)]
pub struct Known {
    pub target: Target,
    pub exact: Vec<Rational>,
    /// The same as integers, times `unit`, a power of two unless the row comes from a level.
    pub whole: Vec<BigInt>,
    pub unit: BigInt,
}

impl Known {
    pub fn new(target: Target, exact: Vec<Rational>) -> Known {
        let (whole, unit) = over_common_denominator(&exact);
        Known {
            target,
            exact,
            whole,
            unit,
        }
    }

    /// Centers and radii, and where in its radius each exact entry is, from -1 to 1.
    pub fn with_radii(center: &[f64], radii: &[f64], at: &[f64]) -> Known {
        let entries = center.iter().zip(radii).zip(at);
        let exact = |((c, r), t): ((&f64, &f64), &f64)| rational(*c) + rational(*r) * rational(*t);
        let (constant, linear) = center.split_last().unwrap();
        let size: f64 = linear.iter().map(|a| a.abs()).sum();
        let doubts: f64 = radii.iter().sum();
        // As `Vector` defines them: roundings of a sum in any order, and radii.
        let error = sum_error(3 * LANES);
        let slack = (error * (size + constant.abs()) + doubts) * (1.0 + 2.0 * error) + TINY;
        let target = Target::new(center, slack, (size + doubts) * (1.0 + 2.0 * error));
        Known::new(target, entries.map(exact).collect())
    }

    /// A row of a level, at the scale of its floats.
    pub fn of_level(level: &Level, id: RowId) -> Known {
        let (mut exact, constant) = exact_row(level, id);
        exact.push(constant);
        let row = level.row(id);
        let sign = if id.negated { -1.0 } else { 1.0 };
        // The factors that take each entry into its radius; the least and largest that do all.
        let (mut low, mut high) = (Rational::zero(), None::<Rational>);
        for (k, entry) in exact.iter().enumerate() {
            let radius = if k + 1 < exact.len() {
                row.radius(k)
            } else {
                row.constant_radius
            };
            let (center, radius) = (rational(sign * row.center[k]), rational(radius));
            if entry.is_zero() {
                assert!(center.abs() <= radius);
                continue;
            }
            let ends = [(&center - &radius) / entry, (center + radius) / entry];
            let [a, b] = ends;
            let (a, b) = if a < b { (a, b) } else { (b, a) };
            low = if a > low { a } else { low };
            high = Some(high.map_or(b.clone(), |high| if b < high { b } else { high }));
        }
        let factor = (low + high.expect("not zero")) / BigInt::from(2);
        let exact = exact.iter().map(|entry| entry * &factor).collect();
        let row = level.vector(id);
        let entries = &row.entries[..level.width()];
        let mut target = Target::new(entries, row.slack, row.norm);
        target.entries = target.entries.map(|entry| sign * entry);
        Known::new(target, exact)
    }

    pub fn negated(&self) -> Known {
        let mut known = self.clone();
        known.target.entries = known.target.entries.map(|entry| -entry);
        known.exact.iter_mut().for_each(|entry| *entry = -&*entry);
        known.whole.iter_mut().for_each(|entry| *entry = -&*entry);
        known
    }

    pub fn sign_at(&self, point: &[BigInt]) -> i32 {
        let value: BigInt = self.whole.iter().zip(point).map(|(a, x)| a * x).sum();
        crate::arithmetic::integer::Ring::sign(&value)
    }
}

pub fn determinant(rows: &[&[BigInt]], columns: &[usize]) -> BigInt {
    let Some((first, rest)) = rows.split_first() else {
        return BigInt::one();
    };
    let mut sum = BigInt::zero();
    for (n, &column) in columns.iter().enumerate() {
        if first[column].is_zero() {
            continue;
        }
        let others: Vec<usize> = columns.iter().copied().filter(|&k| k != column).collect();
        let term = &first[column] * determinant(rest, &others);
        sum = if n % 2 == 0 { sum + term } else { sum - term };
    }
    sum
}

/// What is orthogonal to d rows of d + 1 entries, up to its sign.
pub fn minors(rows: &[&[BigInt]]) -> Vec<BigInt> {
    let entry = |k: usize| {
        let columns: Vec<usize> = (0..=rows.len()).filter(|&other| other != k).collect();
        let minor = determinant(rows, &columns);
        if k.is_multiple_of(2) { minor } else { -minor }
    };
    (0..=rows.len()).map(entry).collect()
}

/// Constraints by their places; infinity is one.
#[derive(Clone)]
pub struct Polyhedron {
    pub d: usize,
    pub constraints: BTreeMap<u32, Known>,
}

impl Polyhedron {
    pub fn new(d: usize) -> Polyhedron {
        let mut entries = vec![0.0; d + 1];
        entries[d] = 1.0;
        let infinity = Known::with_radii(&entries, &vec![0.0; d + 1], &vec![0.0; d + 1]);
        Polyhedron {
            d,
            constraints: BTreeMap::from([(INFINITY, infinity)]),
        }
    }

    /// Where d constraints meet, if all others are positive there.
    pub fn meeting(&self, places: &BTreeSet<u32>) -> Option<Vec<BigInt>> {
        let rows: Vec<&[BigInt]> = places
            .iter()
            .map(|place| &self.constraints[place].whole[..])
            .collect();
        let mut point = minors(&rows);
        let mut sign = 0;
        for (_, known) in self.constraints.iter().filter(|(p, _)| !places.contains(p)) {
            let here = known.sign_at(&point);
            if here * sign < 0 {
                return None;
            }
            sign = if sign == 0 { here } else { sign };
        }
        if sign == 0 {
            return None;
        }
        if sign < 0 {
            point.iter_mut().for_each(|x| *x = -&*x);
        }
        for (place, known) in &self.constraints {
            let expected = i32::from(!places.contains(place));
            assert_eq!(known.sign_at(&point), expected, "not simple at {places:?}");
        }
        Some(point)
    }

    /// All generators, by the constraints on which they lie.
    pub fn generators(&self) -> BTreeMap<BTreeSet<u32>, Vec<BigInt>> {
        let places: Vec<u32> = self.constraints.keys().copied().collect();
        let mut found = BTreeMap::new();
        for choice in 0u64..1 << places.len() {
            if choice.count_ones() as usize == self.d {
                let chosen: BTreeSet<u32> = bits(choice).map(|k| places[k]).collect();
                if let Some(point) = self.meeting(&chosen) {
                    found.insert(chosen, point);
                }
            }
        }
        found
    }

    /// Whether all constraints are positive at a point.
    pub fn holds(&self, point: &[Rational]) -> bool {
        let homogeneous: Vec<Rational> = point.iter().cloned().chain([Rational::one()]).collect();
        let mut constraints = self.constraints.values();
        constraints.all(|known| dot(&known.exact, &homogeneous).is_positive())
    }
}
