//! The linear symmetries of a configuration of vectors.
//!
//! With the vectors as columns of a matrix A of full row rank, the matrix
//! `P = A^T (A A^T)^-1 A` is the same in any basis, and is the Gram matrix of vectors in
//! one of them. A permutation of the vectors and their negatives is a linear map that
//! keeps lengths exactly when it keeps P. So symmetries are sought as isometries of
//! lattices are (Plesken and Souvignier, Computing isometries of lattices, 1997): images
//! of a basis, one vector after the other, with the right entries of P between them.
//!
//! But lengths are an accident. There are lengths that make the diagonal of P constant,
//! unique but for a common factor, if every proper flat F holds less than its share of
//! the m vectors, |F| / rank F < m / r (Barthe, On a reverse form of the Brascamp-Lieb
//! inequality, 1998); with these, all linear symmetries of the arrangement are found.
//! Otherwise those that keep the given lengths are.
//!
//! P is made of floats, and the search gives up where it takes long. Neither can do
//! harm: every symmetry that is used has been checked to be a linear map up to lengths
//! modulo primes that prove every dependence, and a missed one costs time only.

use std::collections::HashMap;

use nalgebra::DMatrix;
use num_bigint::BigUint;

use super::configuration::Component;
use super::field::{Field, Large, Small, inverse_matrix};

/// Configurations with more vectors are not looked at.
const MAX_VECTORS: usize = 1024;

/// Images tried for one symmetry, and vain searches in all, before giving up.
const MAX_TRIES: usize = 20_000;
const MAX_VAIN: usize = 200;

/// What images of a whole basis cost that make no symmetry, in images tried.
const REFUSED: usize = 1000;

/// A vector or its negative: twice the index of the vector, plus one for the negative.
pub type Point = u16;

/// A permutation of the points that commutes with the change of sign: the image of
/// every vector.
type Symmetry = Vec<Point>;

fn image(symmetry: &Symmetry, point: Point) -> Point {
    symmetry[usize::from(point >> 1)] ^ (point & 1)
}

/// A group of symmetries as a chain of stabilisers (Sims 1970).
pub struct Group {
    /// How many vectors it acts on.
    pub vectors: usize,
    /// Where a level moves nothing it is left out.
    pub levels: Vec<Level>,
    colours: Colours,
}

/// Symmetries that fix the base points before this one.
pub struct Level {
    /// The base point.
    pub base: Point,
    /// Every point of its orbit, with a symmetry that takes this point to the base
    /// point and fixes the base points before.
    pub orbit: Vec<(Point, Symmetry)>,
}

/// Entries of P, numbered.
struct Colours {
    points: usize,
    /// By vector and point.
    table: Vec<u32>,
}

impl Colours {
    fn of(&self, a: Point, b: Point) -> u32 {
        self.table[usize::from(a >> 1) * self.points + usize::from(b ^ (a & 1))]
    }
}

impl Group {
    /// The symmetries of a component whose coordinates are modulo these primes, the
    /// last of which is large.
    pub fn of(component: &Component, primes: &[u64]) -> Option<Group> {
        let rank = component.rank;
        let vectors = component.vectors.len() / (rank * primes.len());
        if vectors > MAX_VECTORS {
            return None;
        }
        let colours = colours(component)?;
        let fingerprints: Vec<u64> = (0..vectors).map(|v| fingerprint(&colours, v)).collect();
        let mut search = Search {
            component,
            primes,
            base: base(component, primes, &fingerprints),
            fingerprints,
            tries: 0,
        };
        let mut levels: Vec<Level> = Vec::new();
        let mut generators: Vec<Symmetry> = Vec::new();
        let mut vain = 0;
        for level in (0..rank).rev() {
            let point = search.base[level];
            let mut orbit = orbit(point, &generators, vectors);
            let mut refused: Vec<Point> = Vec::new();
            for candidate in 0..2 * vectors as Point {
                let known = orbit.iter().any(|(p, _)| *p == candidate);
                if known || refused.contains(&candidate) || vain > MAX_VAIN {
                    continue;
                }
                search.tries = 0;
                let mut images = search.base[..level].to_vec();
                match search.extend(&colours, &mut images, Some(candidate)) {
                    Some(found) => {
                        generators.push(found);
                        orbit = self::orbit(point, &generators, vectors);
                    }
                    None => {
                        vain += usize::from(search.tries > 1);
                        let others = self::orbit(candidate, &generators, vectors);
                        refused.extend(others.iter().map(|(p, _)| *p));
                    }
                }
            }
            if orbit.len() > 1 {
                levels.push(Level { base: point, orbit });
            }
        }
        levels.reverse();
        Some(Group {
            vectors,
            levels,
            colours,
        })
    }

    /// How many different permutations of the vectors up to sign the group has: only
    /// the change of all signs moves none.
    pub fn order(&self) -> BigUint {
        let product: BigUint = self
            .levels
            .iter()
            .map(|l| BigUint::from(l.orbit.len()))
            .product();
        product >> 1
    }

    /// The number of the entry of P at two points.
    pub fn colour(&self, a: Point, b: Point) -> u32 {
        self.colours.of(a, b)
    }
}

/// Rounds of scaling before giving up, and how constant the diagonal of P has to be.
const MAX_ROUNDS: usize = 500;
const CONSTANT: f64 = 1e-11;

/// Entries of P this close count as equal.
const EQUAL: f64 = 1e-8;

/// P as floats tell it; `None` where they do not.
fn colours(component: &Component) -> Option<Colours> {
    let rank = component.rank;
    if component.nearly.is_empty() {
        return None;
    }
    let vectors = component.nearly.len() / rank;
    let given = DMatrix::from_column_slice(rank, vectors, &component.nearly);
    let p = balanced(given.clone()).or_else(|| {
        let dual = (&given * given.transpose()).try_inverse()? * &given;
        Some(given.transpose() * dual)
    })?;
    if p.iter().any(|entry| !entry.is_finite()) {
        return None;
    }
    let mut sizes: Vec<f64> = p.iter().map(|entry| entry.abs()).collect();
    sizes.sort_unstable_by(f64::total_cmp);
    sizes.dedup_by(|next, before| *next - *before < EQUAL);
    let zero = u32::from(sizes[0] < EQUAL);
    let number = |entry: f64| -> u32 {
        let size = sizes.partition_point(|&size| size < entry.abs() + EQUAL) as u32;
        // Zero is its own negative.
        if entry < 0.0 && size > zero {
            2 * size + 1
        } else {
            2 * size
        }
    };
    let mut table = Vec::with_capacity(2 * vectors * vectors);
    for column in p.column_iter() {
        for &entry in column.iter() {
            table.extend([number(entry), number(-entry)]);
        }
    }
    Some(Colours {
        points: 2 * vectors,
        table,
    })
}

/// P for lengths that make its diagonal constant; `None` when they are not found.
fn balanced(mut columns: DMatrix<f64>) -> Option<DMatrix<f64>> {
    let share = columns.nrows() as f64 / columns.ncols() as f64;
    for _ in 0..MAX_ROUNDS {
        let dual = (&columns * columns.transpose()).try_inverse()? * &columns;
        let pairs = columns.column_iter().zip(dual.column_iter());
        let diagonal: Vec<f64> = pairs.map(|(a, b)| a.dot(&b)).collect();
        let error = |entry: &f64| (entry / share - 1.0).abs();
        if diagonal.iter().all(|entry| error(entry) < CONSTANT) {
            return Some(columns.transpose() * dual);
        }
        for (mut column, entry) in columns.column_iter_mut().zip(diagonal) {
            column *= (share / entry).sqrt();
        }
    }
    None
}

/// A number that symmetries keep.
fn fingerprint(colours: &Colours, vector: usize) -> u64 {
    let row = &colours.table[vector * colours.points..][..colours.points];
    let own = mix(u64::from(row[2 * vector]) << 1);
    let others = row.iter().map(|&colour| mix(u64::from(colour) << 1 | 1));
    others.fold(own, u64::wrapping_add)
}

/// A bijection without structure (Steele, Lea, Flood 2014).
pub fn mix(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Independent vectors, of rare kinds first: their orbits are short.
fn base(component: &Component, primes: &[u64], fingerprints: &[u64]) -> Vec<Point> {
    let (rank, field) = (component.rank, Large::new(primes[primes.len() - 1]));
    let mut frequency: HashMap<u64, usize> = HashMap::new();
    for &fingerprint in fingerprints {
        *frequency.entry(fingerprint).or_default() += 1;
    }
    let mut order: Vec<usize> = (0..fingerprints.len()).collect();
    order.sort_by_key(|&v| (frequency[&fingerprints[v]], fingerprints[v], v));
    let mut echelon: Vec<(usize, Vec<u64>)> = Vec::new();
    let mut base = Vec::new();
    for vector in order {
        let at = (vector * primes.len() + primes.len() - 1) * rank;
        let mut row = component.vectors[at..at + rank].to_vec();
        for (pivot, other) in &echelon {
            let factor = field.negative(row[*pivot]);
            for (entry, &other) in row.iter_mut().zip(other) {
                *entry = field.add_product(*entry, factor, other);
            }
        }
        if let Some(pivot) = row.iter().position(|&entry| entry != 0) {
            let scale = field.inverse(row[pivot]);
            row.iter_mut()
                .for_each(|entry| *entry = field.multiply(*entry, scale));
            echelon.push((pivot, row));
            base.push(2 * vector as Point);
        }
    }
    base
}

/// The orbit of a point, with symmetries that take its points to this one.
fn orbit(point: Point, generators: &[Symmetry], vectors: usize) -> Vec<(Point, Symmetry)> {
    let identity: Symmetry = (0..vectors as Point).map(|v| 2 * v).collect();
    let inverses: Vec<Symmetry> = generators
        .iter()
        .map(|generator| {
            let mut inverse = vec![0; vectors];
            for (vector, &to) in generator.iter().enumerate() {
                inverse[usize::from(to >> 1)] = (2 * vector as Point) ^ (to & 1);
            }
            inverse
        })
        .collect();
    let mut place = vec![false; 2 * vectors];
    place[usize::from(point)] = true;
    let mut orbit = vec![(point, identity)];
    let mut done = 0;
    while done < orbit.len() {
        for (generator, inverse) in generators.iter().zip(&inverses) {
            let (from, back) = &orbit[done];
            let to = image(generator, *from);
            if !std::mem::replace(&mut place[usize::from(to)], true) {
                // First back along the generator, then as from there.
                let symmetry = inverse.iter().map(|&p| image(back, p)).collect();
                orbit.push((to, symmetry));
            }
        }
        done += 1;
    }
    orbit
}

struct Search<'a> {
    component: &'a Component,
    primes: &'a [u64],
    base: Vec<Point>,
    fingerprints: Vec<u64>,
    tries: usize,
}

impl Search<'_> {
    /// A symmetry that takes the first base points to these images, and the next one to
    /// `only`, if that is given.
    fn extend(
        &mut self,
        colours: &Colours,
        images: &mut Vec<Point>,
        only: Option<Point>,
    ) -> Option<Symmetry> {
        let level = images.len();
        let Some(&point) = self.base.get(level) else {
            let found = self.symmetry(colours, images);
            if found.is_none() {
                self.tries += REFUSED;
            }
            return found;
        };
        let points = colours.points as Point;
        let candidates = only.map_or(0..points, |point| point..point + 1);
        let kind = self.fingerprints[usize::from(point >> 1)];
        for candidate in candidates {
            if self.fingerprints[usize::from(candidate >> 1)] != kind {
                continue;
            }
            let mut pairs = self.base.iter().zip(images.iter());
            if !pairs.all(|(&b, &y)| colours.of(b, point) == colours.of(y, candidate)) {
                continue;
            }
            self.tries += 1;
            if self.tries > MAX_TRIES {
                return None;
            }
            images.push(candidate);
            let found = self.extend(colours, images, None);
            images.pop();
            if found.is_some() {
                return found;
            }
        }
        None
    }

    /// The symmetry that takes the base to these images, if there is one: entries of P
    /// tell where every vector goes, and then the map has to be linear.
    fn symmetry(&self, colours: &Colours, images: &[Point]) -> Option<Symmetry> {
        let to = |point: Point, base: &[Point]| -> Vec<u32> {
            base.iter().map(|&b| colours.of(b, point)).collect()
        };
        let points = 0..colours.points as Point;
        let places: HashMap<Vec<u32>, Point> = points.map(|y| (to(y, images), y)).collect();
        let vectors = (0..colours.points as Point).step_by(2);
        let symmetry: Symmetry = vectors
            .map(|vector| places.get(&to(vector, &self.base)).copied())
            .collect::<Option<_>>()?;
        let is_linear = |(k, &prime): (usize, &u64)| {
            if prime < Small::LIMIT {
                self.is_linear(&Small::new(prime), k, &symmetry)
            } else {
                self.is_linear(&Large::new(prime), k, &symmetry)
            }
        };
        self.primes
            .iter()
            .enumerate()
            .all(is_linear)
            .then_some(symmetry)
    }

    /// Whether a permutation of the vectors is a linear map up to lengths, modulo the
    /// prime of number `number`. It has to take the first vectors, the unit vectors, to
    /// a basis; with lengths for them, coordinates in the one basis have to become those
    /// in the other.
    fn is_linear<F: Field>(&self, field: &F, number: usize, symmetry: &Symmetry) -> bool {
        let (rank, zero) = (self.component.rank, F::element(0));
        let vector = |v: usize| -> Vec<F::Element> {
            let at = (v * self.primes.len() + number) * rank;
            let entries = self.component.vectors[at..at + rank].iter();
            entries.map(|&entry| F::element(entry)).collect()
        };
        let images: Vec<Vec<F::Element>> = symmetry
            .iter()
            .map(|&to| vector(usize::from(to >> 1)))
            .collect();
        let basis: Vec<&[F::Element]> = images[..rank].iter().map(Vec::as_slice).collect();
        let Some(inverse) = inverse_matrix(field, &basis) else {
            return false;
        };
        // The other vectors, with their new coordinates.
        let mut open: Vec<(usize, Vec<F::Element>)> = (rank..symmetry.len())
            .map(|v| {
                let mut new = vec![zero; rank];
                for (&entry, row) in images[v].iter().zip(&inverse) {
                    for (sum, &other) in new.iter_mut().zip(row) {
                        *sum = field.add_product(*sum, entry, other);
                    }
                }
                (v, new)
            })
            .collect();
        let mut lengths: Vec<Option<F::Element>> = vec![None; rank];
        lengths[0] = Some(F::element(1));
        // The configuration is connected, so that every vector meets a known length.
        while !open.is_empty() {
            let before = open.len();
            let mut linear = true;
            open.retain(|(v, new)| {
                let old = vector(*v);
                let known = (0..rank).find(|&k| old[k] != zero && lengths[k].is_some());
                let Some((k, length)) = known.and_then(|k| Some((k, lengths[k]?))) else {
                    return true;
                };
                if new[k] == zero {
                    linear = false;
                    return true;
                }
                let ratio = field.multiply(field.multiply(old[k], length), field.inverse(new[k]));
                for ((&old, &new), length) in old.iter().zip(new).zip(&mut lengths) {
                    let new = field.multiply(ratio, new);
                    match (old == zero, &length) {
                        (true, _) => linear &= new == zero,
                        (false, Some(length)) => linear &= field.multiply(old, *length) == new,
                        (false, None) => *length = Some(field.multiply(new, field.inverse(old))),
                    }
                }
                false
            });
            if !linear || open.len() == before {
                return false;
            }
        }
        lengths
            .iter()
            .all(|length| length.is_some_and(|length| length != zero))
    }
}
