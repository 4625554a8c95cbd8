//! The Whitney numbers from the flats up to symmetry, rank by rank.
//!
//! For a flat F, let |F| be the number of vectors in it. Weisner's theorem (Stanley,
//! Enumerative Combinatorics I, Corollary 3.9.3) says for each vector a in F:
//! `mu(F) = - sum of mu(G)` over the flats G that F covers and that do not contain a.
//! The sum of this over all a in F is
//!
//! ```text
//! |F| mu(F) = - sum over G covered by F of (|F| - |G|) mu(G),
//! ```
//!
//! which no choice of a vector disturbs. So with M(O) the sum of mu over the flats in an
//! orbit O of a group of symmetries, and G any flat of O, each flat F that covers G adds
//! `- M(O) (|F| - |G|) / |F|` to M(orbit of F). Neither the sizes of orbits nor
//! stabilisers are needed. Nothing goes wrong when an orbit is taken for several: each
//! then has a share of M(O), which need not be whole.
//!
//! Of a central arrangement of rank r the last number follows from the others, as 1 is
//! a root of the polynomial. Those of ranks r - 2 and r - 1 are read off the lines and
//! points of the projective planes that the flats of rank r - 3 leave.

use std::collections::{BTreeMap, HashMap, HashSet};

use num_bigint::{BigInt, BigUint};
use num_integer::Integer;
use num_rational::BigRational;
use num_traits::One;

use super::configuration::Component;
use super::field::Field;
use super::symmetry::{Group, Point, mix};
use crate::search::Monitor;

/// The most orbits of one rank: some hundred bytes each.
const MAX_ORBITS: usize = 1 << 22;

/// The most images that are followed for one set. A canonical image is then no longer
/// certain, and orbits may count as several.
const MAX_IMAGES: usize = 1 << 12;

/// Vectors as bits.
type Set = Box<[u64]>;

fn members(set: &Set) -> impl Iterator<Item = usize> {
    set.iter().enumerate().flat_map(|(k, &word)| {
        let mut rest = word;
        std::iter::from_fn(move || {
            let bit = (rest != 0).then(|| rest.trailing_zeros() as usize)?;
            rest &= rest - 1;
            Some(64 * k + bit)
        })
    })
}

fn insert(set: &mut Set, vector: usize) {
    set[vector / 64] |= 1 << (vector % 64);
}

/// What came of a count by orbits.
pub enum Outcome {
    /// All Whitney numbers of the component but the last.
    All(Vec<BigUint>),
    /// Stopped early: the first of them.
    Some(Vec<BigUint>),
    /// More orbits than fit the memory.
    TooMany,
}

/// Counts a component of rank 3 or more by orbits, in the field of its first prime,
/// which alone has to prove every dependence.
pub fn count<F: Field>(
    component: &Component,
    primes: usize,
    field: &F,
    group: &Group,
    monitor: &Monitor,
) -> Outcome {
    let rank = component.rank;
    let rows = component.vectors.chunks_exact(rank).step_by(primes);
    let vectors: Vec<Vec<F::Element>> = rows
        .map(|row| row.iter().map(|&number| F::element(number)).collect())
        .collect();
    let canonical = Canonical::new(group);
    let empty: Set = vec![0; vectors.len().div_ceil(64)].into();
    // Weights are |M(O)| times a denominator, which is 1 unless orbits were split.
    let mut flats = HashMap::from([(empty, BigInt::one())]);
    let mut denominator = BigInt::one();
    let mut whitney = vec![BigUint::one()];
    for flat_rank in 0..rank - 2 {
        let last = flat_rank == rank - 3;
        let step = (1 << 63) / (rank as u64 - 2) / flats.len() as u64;
        let mut next: HashMap<Set, Cover> = HashMap::new();
        let mut planes = Planes::default();
        for (flat, weight) in &flats {
            if monitor.stopped() {
                return Outcome::Some(whitney);
            }
            monitor.report(0, flat_rank as u64, step);
            let restriction = Restriction::new(field, &vectors, flat);
            let size = members(flat).count();
            if last {
                planes.add(field, &restriction, size, weight);
                continue;
            }
            for class in restriction.classes() {
                let mut cover = flat.clone();
                class.iter().for_each(|&vector| insert(&mut cover, vector));
                let cover = next.entry(canonical.image(cover)).or_default();
                cover.size = size + class.len();
                cover.sum += weight * class.len();
            }
            if next.len() > MAX_ORBITS {
                return Outcome::TooMany;
            }
        }
        if last {
            let sums = planes.sums().map(|sum| sum / &denominator);
            whitney.extend(sums.map(whole));
            break;
        }
        let missing = |cover: &Cover| {
            let size = BigInt::from(cover.size);
            &size / size.gcd(&cover.sum)
        };
        let factor = next
            .values()
            .fold(BigInt::one(), |factor, cover| factor.lcm(&missing(cover)));
        denominator *= &factor;
        let weight = |(set, cover): (Set, Cover)| (set, cover.sum * &factor / cover.size);
        flats = next.into_iter().map(weight).collect();
        let sum: BigInt = flats.values().sum();
        whitney.push(whole(BigRational::new(sum, denominator.clone())));
    }
    Outcome::All(whitney)
}

/// The sum of the weights of the flats that a flat covers, each times the vectors that
/// the flat has more, and the vectors of the flat.
#[derive(Default)]
struct Cover {
    sum: BigInt,
    size: usize,
}

fn whole(number: BigRational) -> BigUint {
    assert!(number.is_integer(), "Whitney numbers are integers");
    number.to_integer().into_parts().1
}

/// The lines, and the points on lines, of the planes that flats leave, with the weights
/// of these flats, by numbers of vectors.
#[derive(Default)]
struct Planes {
    /// In the flat, and on the line but not in the flat.
    lines: BTreeMap<(usize, usize), BigInt>,
    /// Further, through the point but not on the line.
    points: BTreeMap<(usize, usize, usize), BigInt>,
}

impl Planes {
    fn add<F: Field>(
        &mut self,
        field: &F,
        plane: &Restriction<F::Element>,
        size: usize,
        weight: &BigInt,
    ) {
        let mut of_row: HashMap<&[F::Element], usize> = HashMap::new();
        for row in plane.rows.chunks_exact(plane.width) {
            *of_row.entry(row).or_default() += 1;
        }
        let lines: Vec<(&[F::Element], usize)> = of_row.into_iter().collect();
        let mut line_counts: BTreeMap<usize, usize> = BTreeMap::new();
        let mut point_counts: BTreeMap<(usize, usize), usize> = BTreeMap::new();
        let mut points: HashMap<[F::Element; 2], usize> = HashMap::new();
        for &(on, own) in &lines {
            *line_counts.entry(own).or_default() += 1;
            let pivot = on.iter().position(|&entry| entry != F::element(0));
            let pivot = pivot.expect("a line is not zero");
            points.clear();
            for &(line, others) in lines.iter().filter(|(line, _)| *line != on) {
                let factor = field.negative(line[pivot]);
                let entry = |k: usize| field.add_product(line[k], factor, on[k]);
                // Before the pivot the line is zero.
                let mut point = match pivot {
                    0 => [entry(1), entry(2)],
                    1 => [line[0], entry(2)],
                    _ => [line[0], line[1]],
                };
                scale(field, &mut point);
                *points.entry(point).or_default() += others;
            }
            for &others in points.values() {
                *point_counts.entry((own, others)).or_default() += 1;
            }
        }
        for (own, count) in line_counts {
            *self.lines.entry((size, own)).or_default() += weight * count;
        }
        for ((own, others), count) in point_counts {
            *self.points.entry((size, own, others)).or_default() += weight * count;
        }
    }

    /// The sums of the weights of flats of the next two ranks.
    fn sums(&self) -> [BigRational; 2] {
        let share = |more: usize, size: usize| BigRational::new(more.into(), (size + more).into());
        let lines = self
            .lines
            .iter()
            .map(|(&(size, own), weight)| share(own, size) * weight);
        let points = self.points.iter().map(|(&(size, own, others), weight)| {
            share(own, size) * share(others, size + own) * weight
        });
        [lines.sum(), points.sum()]
    }
}

/// The vectors outside a flat, modulo the flat.
struct Restriction<E> {
    width: usize,
    /// Scaled so that the first non-zero entry is 1.
    rows: Vec<E>,
    vectors: Vec<usize>,
}

impl<E: Copy + Eq + std::hash::Hash> Restriction<E> {
    fn new<F: Field<Element = E>>(field: &F, vectors: &[Vec<E>], flat: &Set) -> Self {
        let zero = F::element(0);
        let rank = vectors[0].len();
        // A reduced basis of the flat.
        let mut basis: Vec<(usize, Vec<E>)> = Vec::new();
        for vector in members(flat) {
            let mut row = vectors[vector].clone();
            for (pivot, other) in &basis {
                reduce(field, &mut row, *pivot, other);
            }
            let Some(pivot) = row.iter().position(|&entry| entry != zero) else {
                continue;
            };
            let scale = field.inverse(row[pivot]);
            row.iter_mut()
                .for_each(|entry| *entry = field.multiply(*entry, scale));
            for (_, other) in &mut basis {
                reduce(field, other, pivot, &row);
            }
            basis.push((pivot, row));
        }
        let free: Vec<usize> = (0..rank)
            .filter(|k| basis.iter().all(|(pivot, _)| pivot != k))
            .collect();
        let mut restriction = Restriction {
            width: free.len(),
            rows: Vec::new(),
            vectors: Vec::new(),
        };
        for (number, vector) in vectors.iter().enumerate() {
            let mut row: Vec<E> = free.iter().map(|&k| vector[k]).collect();
            for (pivot, other) in &basis {
                let factor = field.negative(vector[*pivot]);
                if factor != zero {
                    for (entry, &k) in row.iter_mut().zip(&free) {
                        *entry = field.add_product(*entry, factor, other[k]);
                    }
                }
            }
            if scale(field, &mut row) {
                restriction.rows.extend(row);
                restriction.vectors.push(number);
            }
        }
        restriction
    }

    /// Vectors that are multiples of each other modulo the flat.
    fn classes(&self) -> Vec<Vec<usize>> {
        let mut of_row: HashMap<&[E], usize> = HashMap::new();
        let mut classes: Vec<Vec<usize>> = Vec::new();
        for (row, &vector) in self.rows.chunks_exact(self.width).zip(&self.vectors) {
            let class = *of_row.entry(row).or_insert(classes.len());
            if class == classes.len() {
                classes.push(Vec::new());
            }
            classes[class].push(vector);
        }
        classes
    }
}

fn reduce<F: Field>(field: &F, row: &mut [F::Element], pivot: usize, other: &[F::Element]) {
    let factor = field.negative(row[pivot]);
    if factor != F::element(0) {
        for (entry, &other) in row.iter_mut().zip(other) {
            *entry = field.add_product(*entry, factor, other);
        }
    }
}

/// Makes the first non-zero entry 1; false when there is none.
fn scale<F: Field>(field: &F, row: &mut [F::Element]) -> bool {
    let Some(first) = row.iter().position(|&entry| entry != F::element(0)) else {
        return false;
    };
    if row[first] != F::element(1) {
        let scale = field.inverse(row[first]);
        for entry in &mut row[first..] {
            *entry = field.multiply(*entry, scale);
        }
    }
    true
}

/// Images of sets under a group: one for each orbit, as far as the work allows.
///
/// Level by level of the chain of stabilisers, a point of the orbit is moved to the
/// base point: the one whose entries of P with the set and with the base so far have
/// the least hash, and where several have, each. Entries of P, and so the choice, are
/// the same for every set in an orbit; which of the images left at the end is least
/// is, too.
struct Canonical<'a> {
    group: &'a Group,
    /// By level and point: a hash of the entries of P with the base points before.
    kinds: Vec<Vec<u64>>,
}

impl<'a> Canonical<'a> {
    fn new(group: &'a Group) -> Self {
        let points = 2 * group.vectors;
        let mut kind = vec![0; points];
        let mut kinds = Vec::new();
        for level in &group.levels {
            kinds.push(kind.clone());
            for (point, kind) in kind.iter_mut().enumerate() {
                let colour = group.colour(level.base, point as Point);
                *kind = mix(*kind ^ u64::from(colour));
            }
        }
        Canonical { group, kinds }
    }

    fn image(&self, set: Set) -> Set {
        let mut images: HashSet<Set> = HashSet::from([set]);
        for (number, level) in self.group.levels.iter().enumerate() {
            let mut least = u64::MAX;
            let mut chosen = HashSet::new();
            for set in &images {
                let points: Vec<Point> = members(set)
                    .flat_map(|v| [2 * v as Point, 2 * v as Point + 1])
                    .collect();
                for (candidate, symmetry) in &level.orbit {
                    // No set tells a point from its negative before the first base point.
                    if number == 0 && candidate & 1 != level.base & 1 {
                        continue;
                    }
                    let hash = self.hash(number, *candidate, &points);
                    if hash > least {
                        continue;
                    }
                    if hash < least {
                        least = hash;
                        chosen.clear();
                    }
                    let mut image: Set = vec![0; set.len()].into();
                    for vector in members(set) {
                        insert(&mut image, usize::from(symmetry[vector] >> 1));
                    }
                    chosen.insert(image);
                }
            }
            images = chosen;
            if images.len() > MAX_IMAGES {
                let mut sorted: Vec<Set> = images.into_iter().collect();
                sorted.sort_unstable();
                sorted.truncate(MAX_IMAGES);
                images = sorted.into_iter().collect();
            }
        }
        images.into_iter().min().expect("every level has an orbit")
    }

    fn hash(&self, level: usize, candidate: Point, points: &[Point]) -> u64 {
        let kinds = &self.kinds[level];
        let kind = |&point: &Point| {
            let colour = self.group.colour(candidate, point);
            mix(kinds[usize::from(point)] ^ u64::from(colour) << 32)
        };
        points.iter().map(kind).fold(0, u64::wrapping_add)
    }
}
