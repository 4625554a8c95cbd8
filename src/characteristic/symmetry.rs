//! The linear symmetries of a configuration of vectors.
//!
//! With the vectors as columns of a matrix A of full row rank, the matrix
//! `P = A^T (A A^T)^-1 A` stays the same in any basis, and a permutation of the vectors
//! and their negatives is a linear map exactly when it keeps P: then P is the Gram
//! matrix of vectors that differ from the given ones by a linear map. So symmetries are
//! sought as the isometries of a lattice's short vectors are (Plesken and Souvignier,
//! Computing isometries of lattices, 1997): images of a basis, one vector after the
//! other, with the right entries of P between them.
//!
//! P is taken modulo a prime, and the search gives up where it takes long. Neither can
//! do harm: every symmetry that is used has been checked to be a linear map modulo
//! primes that prove every dependence, and a missed one costs time only.

use std::collections::HashMap;

use num_bigint::BigUint;

use super::configuration::Component;
use super::field::{Field, Large, Small, inverse_matrix};

/// Configurations with more vectors are not looked at.
const MAX_VECTORS: usize = 2048;

/// Images tried for one symmetry, and vain searches in all, before giving up.
const MAX_TRIES: usize = 20_000;
const MAX_VAIN: usize = 200;

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
        let colours = colours(component, primes)?;
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

/// P modulo the last prime; `None` when A A^T is singular there.
fn colours(component: &Component, primes: &[u64]) -> Option<Colours> {
    let field = Large::new(*primes.last()?);
    let rank = component.rank;
    let rows: Vec<&[u64]> = component
        .vectors
        .chunks_exact(rank)
        .skip(primes.len() - 1)
        .step_by(primes.len())
        .collect();
    let dot = |a: &[u64], b: &[u64]| -> u64 {
        let pairs = a.iter().zip(b);
        pairs.fold(0, |sum, (&x, &y)| field.add_product(sum, x, y))
    };
    let columns: Vec<Vec<u64>> = (0..rank)
        .map(|k| rows.iter().map(|row| row[k]).collect())
        .collect();
    let gram: Vec<Vec<u64>> = columns
        .iter()
        .map(|a| columns.iter().map(|b| dot(a, b)).collect())
        .collect();
    let gram: Vec<&[u64]> = gram.iter().map(Vec::as_slice).collect();
    let inverse = inverse_matrix(&field, &gram)?;
    let mut numbers: HashMap<u64, u32> = HashMap::new();
    let mut table = Vec::with_capacity(2 * rows.len() * rows.len());
    for a in &rows {
        // The inverse is symmetric.
        let transformed: Vec<u64> = inverse.iter().map(|row| dot(row, a)).collect();
        for b in &rows {
            let entry = dot(&transformed, b);
            for entry in [entry, field.negative(entry)] {
                let next = numbers.len() as u32;
                table.push(*numbers.entry(entry).or_insert(next));
            }
        }
    }
    Some(Colours {
        points: 2 * rows.len(),
        table,
    })
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
            return self.symmetry(colours, images);
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

    /// Whether a permutation is a linear map modulo the prime of number `number`: the
    /// first vectors are the unit vectors, and all others have to follow them.
    fn is_linear<F: Field>(&self, field: &F, number: usize, symmetry: &Symmetry) -> bool {
        let rank = self.component.rank;
        let vector = |v: usize| {
            let at = (v * self.primes.len() + number) * rank;
            &self.component.vectors[at..at + rank]
        };
        let signed = |point: Point| {
            vector(usize::from(point >> 1)).iter().map(move |&entry| {
                let entry = F::element(entry);
                if point & 1 == 1 {
                    field.negative(entry)
                } else {
                    entry
                }
            })
        };
        let units: Vec<Vec<F::Element>> = symmetry[..rank]
            .iter()
            .map(|&point| signed(point).collect())
            .collect();
        symmetry.iter().enumerate().all(|(v, &to)| {
            let mut image = vec![F::element(0); rank];
            for (&entry, unit) in vector(v).iter().zip(&units) {
                for (sum, &other) in image.iter_mut().zip(unit) {
                    *sum = field.add_product(*sum, F::element(entry), other);
                }
            }
            image.into_iter().eq(signed(to))
        })
    }
}
