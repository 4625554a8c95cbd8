//! Regions that are listed at once, against exact ones by the double description method.

use std::collections::{BTreeMap, BTreeSet};

use num_bigint::BigInt;
use num_traits::Signed;

use super::super::flats::{Flats, Signs};
use super::Tally;
use super::exact::{Known, Polyhedron};
use super::hard::{Hard, with_beginning};
use crate::arithmetic::float::power_of_two;
use crate::arithmetic::lanes::plain_only::both;
use crate::search::engine::samples::Random;
use crate::search::engine::vertices::{Verdict, Vertices};

/// What spans a closed cone, by the constraints on which it lies.
type Rays = BTreeMap<BTreeSet<u32>, Vec<BigInt>>;

/// The part of a cone where a row, the constraint of this number, has this sign or is zero.
fn part(rays: &Rays, known: &Known, sign: i32, number: u32, d: usize) -> Rays {
    let value = |point: &[BigInt]| -> BigInt {
        let value: BigInt = known.whole.iter().zip(point).map(|(a, x)| a * x).sum();
        value * sign
    };
    let mut part = Rays::new();
    for (lies_on, point) in rays {
        let here = value(point);
        let mut lies_on = lies_on.clone();
        if !here.is_negative() {
            if !here.is_positive() {
                lies_on.insert(number);
            }
            part.insert(lies_on, point.clone());
            continue;
        }
        for (other, end) in rays {
            let there = value(end);
            let common: BTreeSet<u32> = lies_on.intersection(other).copied().collect();
            // The ends of an edge share as many, and others do no harm.
            if there.is_positive() && common.len() + 1 >= d {
                let sum = point.iter().zip(end).map(|(a, b)| a * &there - b * &here);
                let sum: Vec<BigInt> = sum.collect();
                part.insert(common.into_iter().chain([number]).collect(), sum);
            }
        }
    }
    part
}

/// The regions into which rows cut a polyhedron, by those that are negative.
fn exact_regions(polyhedron: &Polyhedron, rows: &[Known]) -> BTreeSet<Signs> {
    let d = polyhedron.d;
    let mut found = vec![(0, polyhedron.generators())];
    for (n, known) in rows.iter().enumerate() {
        let number = 1000 + n as u32;
        let mut next = Vec::new();
        for (signs, rays) in &found {
            for (sign, bit) in [(1, 0), (-1, 1 << n)] {
                let part = part(rays, known, sign, number, d);
                // It has inner points unless all of it lies on some constraint.
                let mut all = part.keys();
                let first = all.next().cloned().unwrap_or_else(|| [number].into());
                let common = all.fold(first, |common, own| &common & own);
                if common.is_empty() {
                    next.push((signs | bit, part));
                }
            }
        }
        found = next;
    }
    found.into_iter().map(|(signs, _)| signs).collect()
}

impl Hard<'_> {
    /// A row that passes through some point inside a cell.
    fn row_inside(&mut self, cell: &Vertices) -> Known {
        let d = self.d;
        let mut point = vec![0.0; d + 1];
        for index in 0..cell.generators.facets.len() {
            let weight = self.random.unit().abs() + 1.0 / 16.0;
            for (k, sum) in point.iter_mut().enumerate() {
                *sum += weight * cell.generators.coordinate(d + 1, index, k);
            }
        }
        let last = (0..=d).max_by(|&a, &b| point[a].abs().total_cmp(&point[b].abs()));
        let last = last.unwrap();
        let mut center: Vec<f64> = (0..=d).map(|_| self.random.unit()).collect();
        let others = (0..=d).filter(|&k| k != last);
        let rest: f64 = others.map(|k| center[k] * point[k]).sum();
        center[last] = -rest / point[last];
        Self::scaled(&mut center);
        self.dressed(&center)
    }

    /// A row that passes near to where others meet, or is nearly parallel to one of them, or just
    /// so.
    fn row_near(&mut self, rows: &[Known]) -> Option<Known> {
        let d = self.d;
        let count = 1 + self.random.below(d as u64) as usize;
        let exactly = self.random.below(3) == 0;
        let rest = self.center();
        let by = self.whisker(1, 55);
        let mut center: Vec<f64> = rest
            .iter()
            .map(|a| if exactly { 0.0 } else { by * a })
            .collect();
        for _ in 0..count {
            let n = self.random.below(rows.len().max(1) as u64) as usize;
            let factor = [1.0, -1.0, 0.5][self.random.below(3) as usize];
            for (sum, a) in center.iter_mut().zip(&rows.get(n)?.target.entries) {
                *sum += factor * a;
            }
        }
        if count == 1 {
            center[d] += self.whisker(0, 50);
        }
        if center[..d].iter().all(|a| *a == 0.0) {
            return None;
        }
        Self::scaled(&mut center);
        Some(self.dressed(&center))
    }
}

/// Regions of random cells and rows, many of them nearly or exactly degenerate, are the exact
/// ones, wherever any are listed.
#[test]
fn listed_regions_are_exactly_right() {
    both(check_that_listed_regions_are_exactly_right);
}

fn check_that_listed_regions_are_exactly_right() {
    let random = &mut Random(17);
    let mut tally = Tally::default();
    let mut flats = Flats::default();
    for trial in 0..600 {
        let d = 2 + trial % 3;
        with_beginning(random, d, |random, mut cell, mut polyhedron| {
            let first = polyhedron.constraints.len() as u32 - 1;
            for step in 0..random.below(4) as u32 {
                let known = Hard { random, d }.row(&cell, &polyhedron);
                let cuts = super::verdict_on(&cell, &known.target) == Verdict::Cuts;
                if !cuts || !cell.cut(&known.target, first + step) {
                    continue;
                }
                let sign = if random.below(2) == 0 { 1 } else { -1 };
                cell.keep(sign);
                let side = if sign > 0 { known } else { known.negated() };
                polyhedron.constraints.insert(first + step, side);
            }
            let mut rows: Vec<Known> = Vec::new();
            for _ in 0..1 + random.below([7, 6, 5][d - 2]) {
                let hard = &mut Hard { random, d };
                let row = match hard.random.below(8) {
                    0 => hard.row_near(&rows),
                    1 => Some(hard.row(&cell, &polyhedron)),
                    _ => Some(hard.row_inside(&cell)),
                };
                rows.extend(row);
            }
            let targets = rows.iter().map(|known| known.target);
            if !cell.regions(targets, &mut flats) {
                tally.note("refused", d);
                return;
            }
            let expected = exact_regions(&polyhedron, &rows);
            let found: BTreeSet<Signs> = flats.patterns.iter().copied().collect();
            assert_eq!(
                found.len(),
                flats.patterns.len(),
                "twice the same: {rows:?}"
            );
            assert_eq!(found, expected, "{rows:?} {cell:?}");
            let cutting = (0..rows.len()).filter(|n| {
                let bit = |signs: &&Signs| **signs >> n & 1 == 1;
                (1..found.len()).contains(&found.iter().filter(bit).count())
            });
            let all = 1 << cutting.clone().count();
            tally.note(
                if found.len() > cutting.count() + 1 {
                    "crossing"
                } else {
                    "apart"
                },
                d,
            );
            if found.len() < all {
                tally.note("some", d);
            }
        });
    }
    tally.demand(10, "refused, crossing, apart, some", &[2, 3, 4]);
}

/// Three lines that meet nearly in a point, from all sides: as near as floats tell them apart they
/// make seven regions, with the right one missing, and nearer none are listed.
#[test]
fn nearly_concurrent_lines_are_told_apart_or_refused() {
    let mut flats = Flats::default();
    let (mut told, mut refused) = (0, 0);
    super::with_box(2, 1, |_, cell, polyhedron| {
        for power in 20..80 {
            for sign in [1.0, -1.0] {
                let row = |center: [f64; 3]| Known::with_radii(&center, &[0.0; 3], &[0.0; 3]);
                let near = sign * power_of_two(-power);
                let rows = [
                    row([1.0, 0.25, 0.0]),
                    row([0.25, 1.0, 0.0]),
                    row([1.0, 0.75, near]),
                ];
                let targets = rows.iter().map(|known| known.target);
                if !cell.regions(targets, &mut flats) {
                    refused += 1;
                    continue;
                }
                told += 1;
                // Where the first two meet, the third has the sign of `near`; the triangle of all
                // three is on the side of it, where the first two have the other one.
                let triangle = if near > 0.0 { 0b011 } else { 0b100 };
                let missing = triangle ^ 0b111;
                let found: BTreeSet<Signs> = flats.patterns.iter().copied().collect();
                assert!(found.contains(&triangle) && !found.contains(&missing));
                assert_eq!(found.len(), 7);
                assert_eq!(found, exact_regions(&polyhedron, &rows));
            }
        }
    });
    assert!(told >= 20 && refused >= 20, "{told} {refused}");
}
