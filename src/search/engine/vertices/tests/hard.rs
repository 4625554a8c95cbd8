//! Cells to begin with, and rows that are hard for floats.

use num_bigint::BigInt;
use num_traits::{One, Signed, Zero};

use super::super::Vertices;
use super::exact::{Known, Polyhedron};
use super::float;
use crate::arithmetic::Rational;
use crate::arithmetic::float::power_of_two;
use crate::search::engine::path::Path;
use crate::search::engine::samples::{Random, id, rational, with_level};
use crate::search::level::Level;

/// Random rows, some of them hard.
pub struct Hard<'a> {
    pub random: &'a mut Random,
    pub d: usize,
}

impl Hard<'_> {
    pub fn whisker(&mut self, least: u64, kinds: u64) -> f64 {
        let exponent = least + self.random.below(kinds);
        self.random.unit().signum() * power_of_two(-(exponent as i64))
    }

    pub fn center(&mut self) -> Vec<f64> {
        let (random, d) = (&mut *self.random, self.d);
        let style = random.below(4);
        let mut center: Vec<f64> = (0..=d)
            .map(|_| match style {
                // Entries of the largest size make the largest errors.
                0 => random.unit().signum() * (2.0 - random.unit().abs() / 256.0),
                1 => random.below(3) as f64 - 1.0,
                2 if random.below(2) == 0 => 0.0,
                _ => 2.0 * random.unit(),
            })
            .collect();
        match random.below(12) {
            0 => center[d] = 0.0,
            1 => center[d] *= power_of_two(random.below(110) as i64),
            2 => center[d] *= power_of_two(-(random.below(60) as i64)),
            3 => center[0] *= power_of_two(-(random.below(90) as i64)),
            _ => {}
        }
        center
    }

    /// Scales the linear part to ordinary size.
    pub fn scaled(center: &mut [f64]) {
        let (_, linear) = center.split_last().unwrap();
        let largest = linear.iter().fold(0.0, |max: f64, a| max.max(a.abs()));
        if largest == 0.0 {
            center[0] = 1.0;
            return;
        }
        let scale = power_of_two(-i64::from(libm::ilogb(largest)));
        center.iter_mut().for_each(|entry| *entry *= scale);
    }

    /// Radii, and where the exact entries are.
    pub fn dressed(&mut self, center: &[f64]) -> Known {
        let random = &mut *self.random;
        let (style, size) = (random.below(4), 22 + random.below(30));
        let one = random.below(center.len() as u64) as usize;
        let has = |k: usize| match style {
            0 => false,
            1 => true,
            _ => k == one,
        };
        let radii: Vec<f64> = center
            .iter()
            .enumerate()
            .map(|(k, a)| match has(k) {
                true => power_of_two(-(size as i64)) * a.abs().max(1.0),
                false => 0.0,
            })
            .collect();
        let at: Vec<f64> = center
            .iter()
            .map(|_| [-1.0, 1.0, 1.0, -1.0, 0.5, 0.0][random.below(6) as usize])
            .collect();
        Known::with_radii(center, &radii, &at)
    }

    /// Any row; some nearly parallel to a constraint, or nearly through a generator.
    pub fn row(&mut self, cell: &Vertices, polyhedron: &Polyhedron) -> Known {
        let d = self.d;
        let mut center = self.center();
        match self.random.below(6) {
            0 => {
                let which = self.random.below(polyhedron.constraints.len() as u64) as usize;
                let like = polyhedron.constraints.values().nth(which).unwrap();
                let (tilt, shift) = (self.whisker(0, 60), self.whisker(0, 60));
                for (k, a) in center.iter_mut().enumerate() {
                    let by = if k == d { shift } else { tilt };
                    *a = like.target.entries[k] + by * *a;
                }
            }
            1 | 2 => {
                let count = cell.generators.facets.len() as u64;
                let index = self.random.below(count) as usize;
                let w: Vec<f64> = (0..=d)
                    .map(|k| cell.generators.coordinate(d + 1, index, k))
                    .collect();
                let last = (0..=d).max_by(|&a, &b| w[a].abs().total_cmp(&w[b].abs()));
                let last = last.unwrap();
                let rest: f64 = (0..=d)
                    .filter(|&k| k != last)
                    .map(|k| w[k] * center[k])
                    .sum();
                let shift = self.whisker(1, 55);
                center[last] = -rest / w[last] + shift;
            }
            _ => {}
        }
        Self::scaled(&mut center);
        self.dressed(&center)
    }
}

/// An orthant or a box, with its constraints.
pub fn with_beginning(
    random: &mut Random,
    d: usize,
    test: impl FnOnce(&mut Random, Vertices, Polyhedron),
) {
    let is_box = random.below(2) == 0;
    let rows: Vec<Vec<Rational>> = if is_box {
        let mut rows = Vec::new();
        for k in 0..d {
            let center = rational(random.unit() * power_of_two(random.below(4) as i64));
            let width = rational(power_of_two(-(random.below(50) as i64)));
            let half = match random.below(3) {
                0 => width,
                _ => Rational::one(),
            };
            for sign in [1, -1] {
                let mut row = vec![Rational::zero(); d + 1];
                row[k] = Rational::from_integer(sign.into());
                row[d] = &half - &center * BigInt::from(sign);
                rows.push(row);
            }
        }
        rows
    } else {
        let (homogeneous, whole) = (random.below(4) == 0, random.below(3) == 0);
        let mut rows = random.basis(d, homogeneous, whole);
        let style = random.below(4);
        if style > 1 {
            let entries = rows.iter_mut().flatten();
            entries.for_each(|entry| *entry = rational(random.unit()));
        }
        if style == 3 {
            // Nearly dependent.
            let near = random.whisker(30, 30);
            let sum = |a: &Rational, b: &Rational| a * &near + b;
            rows[0] = rows[0]
                .iter()
                .zip(&rows[1])
                .map(|(a, b)| sum(a, b))
                .collect();
        }
        rows
    };
    let mut state = Random(random.next());
    if rows.iter().any(|row| row[..d].iter().all(Zero::is_zero)) {
        return;
    }
    with_level(&rows, random, |level| {
        let mut path = Path::new(d);
        let mut polyhedron = Polyhedron::new(d);
        for index in 0..rows.len() {
            let id = id(level, index, !is_box && state.below(2) == 0);
            path.push(level, id);
            let known = Known::of_level(level, id);
            polyhedron.constraints.insert(index as u32, known);
        }
        let mut cell = Vertices::default();
        let begun = if is_box {
            let sides = |k| match state.below(2) {
                0 => [2 * k, 2 * k + 1],
                _ => [2 * k + 1, 2 * k],
            };
            let sides: Vec<[usize; 2]> = (0..d).map(sides).collect();
            cell.begin_box(&path, &sides)
        } else {
            cell.begin_orthant(&path, d)
        };
        if begun {
            test(&mut state, cell, polyhedron);
        }
    });
}

/// A box around the origin.
pub fn with_box(d: usize, half: i64, test: impl FnOnce(&Level, Vertices, Polyhedron)) {
    let row = |side: usize| -> Vec<Rational> {
        let entry = |k| match k {
            k if k == d => half,
            k if k == side / 2 => 1 - 2 * (side % 2) as i64,
            _ => 0,
        };
        (0..=d)
            .map(|k| Rational::from_integer(entry(k).into()))
            .collect()
    };
    let rows: Vec<Vec<Rational>> = (0..2 * d).map(row).collect();
    // This state gives a level that knows its rows exactly.
    with_level(&rows, &mut Random(2), |level| {
        let (mut path, mut polyhedron) = (Path::new(d), Polyhedron::new(d));
        for side in 0..2 * d {
            path.push(level, id(level, side, false));
            let known = Known::of_level(level, id(level, side, false));
            assert!(level.row(id(level, side, false)).exact);
            polyhedron.constraints.insert(side as u32, known);
        }
        let sides: Vec<[usize; 2]> = (0..d).map(|k| [2 * k, 2 * k + 1]).collect();
        let mut cell = Vertices::default();
        assert!(cell.begin_box(&path, &sides));
        test(level, cell, polyhedron);
    });
}

/// A row whose exact sign at a generator is not that of its floats: its own radius is to blame,
/// or that the generator's floats are off.
pub fn misleading(
    random: &mut Random,
    cell: &Vertices,
    index: usize,
    exact: &[BigInt],
    polyhedron: &Polyhedron,
    style: usize,
) -> Known {
    let d = polyhedron.d;
    let w: Vec<f64> = (0..=d)
        .map(|k| cell.generators.coordinate(d + 1, index, k))
        .collect();
    let mut order: Vec<usize> = (0..=d).collect();
    order.sort_by(|&a, &b| w[b].abs().total_cmp(&w[a].abs()));
    // The exact generator at the floats' scale, near enough: over the largest coordinate.
    let scaled = |k: usize| {
        let ratio = Rational::new(exact[k].clone(), exact[order[0]].abs());
        float(&(ratio * rational(w[order[0]].abs())))
    };
    let x: Vec<f64> = (0..=d).map(scaled).collect();
    let share = 0.1 + 0.85 * random.unit().abs();
    let mut center: Vec<f64> = (0..=d)
        .map(|_| random.unit().signum() * (2.0 - random.unit().abs() / 256.0))
        .collect();
    let (mut radii, mut at) = (vec![0.0; d + 1], vec![0.0; d + 1]);
    let (largest, last) = (order[0], order[1]);
    let value = if style == 0 {
        (radii[largest], at[largest]) = (power_of_two(-20), -x[largest].signum());
        share * radii[largest] * x[largest].abs()
    } else {
        for k in 0..=d {
            center[k] = center[k].abs() * (w[k] - x[k]).signum();
        }
        0.0
    };
    let rest: f64 = (0..=d)
        .filter(|&k| k != last)
        .map(|k| center[k] * x[k])
        .sum();
    center[last] = (value - rest) / x[last];
    let size = center[..d].iter().fold(0.0, |max: f64, a| max.max(a.abs()));
    let scale = power_of_two(-i64::from(libm::ilogb(size)));
    center.iter_mut().for_each(|a| *a *= scale);
    Known::with_radii(&center, &radii, &at)
}
