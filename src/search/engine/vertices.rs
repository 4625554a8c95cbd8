//! The vertex engine, for few dimensions: a cell as the cone over it in homogeneous
//! coordinates, spanned by its vertices and, at infinity, by the ends of its rays.
//!
//! A cell is *simple* here: each of its generators lies on exactly d of its facets
//! (infinity is one, where the cell reaches it), so two of them end a common edge when they
//! share d - 1 facets. All of that is combinatorial, and stays exact: a hyperplane is a
//! new facet only when its sign at every generator is proved and none of them is zero,
//! and then the new generators are the crossings of the edges that it cuts. So a cell has
//! inner points by construction, a hyperplane with both signs at its generators cuts it,
//! and one with a single sign at all of them does not. What floats leave open is refused, and
//! left to the dictionary.
//!
//! # What floats prove
//!
//! A facet's row r is scaled so that its float entries are at most 1 in magnitude; its
//! exact entries differ from them by no more than ρ in sum. A generator w is, up to its
//! sign, the vector of minors of d such rows with d + 1 entries: its coordinates are sums of d!
//! products, each of d entries. With u the unit roundoff,
//!
//! - rounding: every product goes through at most 10 roundings (d <= 4: two multiplications and
//!   additions for its 2 x 2 minors, one for their product, five for the sum), which errs by
//!   at most d! * 12 u;
//! - rows: by expansion along the exact rows, one after another, which have entries of up
//!   to 1 + ρ, by at most d * ρ * (d - 1)! * (1 + ρ)^(d - 1).
//!
//! Together that is the `error` E of all coordinates of all generators, and these are at
//! most d! (1 + 2^-10) in magnitude. A row a, with the magnitudes of its entries summing
//! up to A or less and a slack as in [`Vector`], has at an exact generator a value that
//! differs from its float value at the computed one by at most A E + d! (1 + 2^-10) slack: the
//! slack covers radii and roundings for coordinates up to 1.

use super::path::Path;
use super::witness::{self, Point};
use smallvec::SmallVec;

use crate::arithmetic::float::{TINY, UNIT};
use crate::arithmetic::lanes::{LANES, Lanes, for_all_processors};
use crate::search::rows::Vector;

/// Dimensions in which cells have few enough vertices.
pub const DIMENSIONS: std::ops::RangeInclusive<usize> = 2..=4;

/// Entries of a row in the most dimensions.
const ENTRIES: usize = 5;

/// Facets of a cell, as bits.
type Facets = u64;

/// Rows of larger entries, 2^100, become no facets.
const HUGE: f64 = f64::from_bits((1023 + 100) << 52);
/// Nor do scaled ones that are off by so much, 2^-20.
const VAGUE: f64 = f64::from_bits((1023 - 20) << 52);

/// A facet whose constraint is no row: infinity.
const INFINITY: u32 = u32::MAX;

/// A constraint that is positive inside, scaled.
#[derive(Clone, Copy, Debug)]
struct Facet {
    /// Coefficients, the constant, zeros.
    entries: [f64; ENTRIES],
    /// Its place on the path.
    place: u32,
}

/// Vertices and ends of rays.
#[derive(Clone, Debug, Default)]
struct Generators {
    /// In blocks of [`LANES`]: a vector for each coordinate, the homogeneous one last. Lanes
    /// that are left over repeat the block's first.
    blocks: Vec<[f64; LANES]>,
    /// The facets on which each lies.
    facets: Vec<Facets>,
}

/// A cell by its generators.
#[derive(Clone, Debug, Default)]
pub struct Vertices {
    dimension: usize,
    generators: Generators,
    /// By the bits of [`Facets`]; some are not in use.
    facets: Vec<Facet>,
    /// E.
    error: f64,
    /// Classes of the current level that may cut.
    pub candidates: Vec<u32>,
    /// The bit of the facet on which the cell is about to be split.
    cut: Option<usize>,
    /// The generators on its two sides.
    above: Part,
    below: Part,
    meetings: Vec<Meeting>,
    /// The new ones, which lie on it.
    section: Generators,
    spare: Generators,
}

/// A row to look at: its float entries, what its magnitudes sum up to, and its slack.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    entries: [f64; ENTRIES],
    magnitudes: f64,
    slack: f64,
}

impl Target {
    /// A row with no more than five entries.
    pub fn new(row: Vector, width: usize) -> Target {
        let mut entries = [0.0; ENTRIES];
        entries[..width].copy_from_slice(&row.entries[..width]);
        Target {
            entries,
            magnitudes: row.norm + entries[width - 1].abs(),
            slack: row.slack,
        }
    }
}

/// Where a cell lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// On both sides of the hyperplane.
    Cuts,
    /// On this side.
    On(i32),
    /// Floats cannot say.
    Unknown,
}

fn factorial(d: usize) -> f64 {
    (1..=d).product::<usize>() as f64
}

/// d facets that meet at a point, and another one on whose positive side it lies.
#[derive(Clone, Copy, Debug, Default)]
struct Meeting {
    facets: Facets,
    positive: u32,
}

/// Some of the generators, in ascending order.
#[derive(Clone, Debug, Default)]
struct Part {
    count: usize,
    indices: Vec<u32>,
    facets: Vec<Facets>,
}

impl Part {
    /// None yet, and room for so many.
    #[inline(always)]
    fn begin(&mut self, room: usize) {
        self.count = 0;
        if self.indices.len() < room {
            self.indices.resize(room, 0);
            self.facets.resize(room, 0);
        }
    }

    #[inline(always)]
    fn push(&mut self, index: u32, facets: Facets) {
        self.indices[self.count] = index;
        self.facets[self.count] = facets;
        self.count += 1;
    }

    fn indices(&self) -> &[u32] {
        &self.indices[..self.count]
    }

    fn facets(&self) -> &[Facets] {
        &self.facets[..self.count]
    }
}

impl Generators {
    fn clear(&mut self) {
        self.blocks.clear();
        self.facets.clear();
    }

    #[inline(always)]
    fn coordinate(&self, width: usize, index: usize, k: usize) -> f64 {
        self.blocks[index / LANES * width + k][index % LANES]
    }
}

impl Facet {
    /// A row as a facet, and its ρ; `None` when its numbers are too extreme, or too little is
    /// known of them.
    #[inline(always)]
    fn new(target: &Target, sign: f64, place: u32) -> Option<(Facet, f64)> {
        let larger = |max: f64, entry: &f64| if entry.abs() > max { entry.abs() } else { max };
        let largest = target.entries.iter().fold(1.0, larger);
        // Scaled by a power of two, no entry comes near to underflow.
        if largest > HUGE {
            return None;
        }
        let scale = f64::from_bits((2045 << 52) - (largest.to_bits() & 0x7ff << 52));
        let doubt = target.slack * scale;
        let facet = Facet {
            entries: target.entries.map(|entry| sign * scale * entry),
            place,
        };
        (doubt < VAGUE).then_some((facet, doubt))
    }

    /// Its float value at a point.
    fn at(&self, point: &Point) -> f64 {
        let products = self.entries.iter().zip(point).map(|(a, x)| a * x);
        products.sum::<f64>() + self.entries[point.len()]
    }

    fn turn(&mut self, sign: i32) {
        if sign < 0 {
            self.entries = self.entries.map(|entry| -entry);
        }
    }

    fn infinity(dimension: usize) -> Facet {
        let mut entries = [0.0; ENTRIES];
        entries[dimension] = 1.0;
        Facet {
            entries,
            place: INFINITY,
        }
    }
}

/// E, with facets whose rows are off by no more than `doubt`.
fn error_of(dimension: usize, doubt: f64) -> f64 {
    factorial(dimension) * (16.0 * UNIT + 1.001 * doubt) + TINY
}

/// What a row's float value at a generator must exceed to be proved positive.
#[inline(always)]
fn bound(dimension: usize, error: f64, target: &Target) -> f64 {
    // The factor also covers the roundings of these sums.
    (target.magnitudes * error + factorial(dimension) * target.slack) * 1.002
}

/// The same of a facet: its K entries are at most 1, and d! times its ρ is less than E.
#[inline(always)]
fn bound_of_facets(width: usize, error: f64) -> f64 {
    (width + 1) as f64 * error * 1.002
}

/// The vectors that are orthogonal to d vectors of K = d + 1 entries each: their minors,
/// with alternating signs.
#[inline(always)]
fn minors<L: Lanes, const K: usize>([a, b, c, d]: [[L; K]; 4]) -> [L; K] {
    let two =
        |a: &[L; K], b: &[L; K], i: usize, j: usize| a[i].times(b[j]).minus_product(a[j], b[i]);
    let mut point = [L::all(0.0); K];
    match K {
        3 => {
            let rest = [[1, 2], [2, 0], [0, 1]];
            for (value, [i, j]) in point.iter_mut().zip(rest) {
                *value = two(&a, &b, i, j);
            }
        }
        4 => {
            let rest = [[1, 2, 3], [0, 3, 2], [0, 1, 3], [0, 2, 1]];
            for (value, [i, j, k]) in point.iter_mut().zip(rest) {
                let sum = c[i].times(two(&a, &b, j, k));
                let sum = sum.minus_product(c[j], two(&a, &b, i, k));
                *value = sum.plus_product(c[k], two(&a, &b, i, j));
            }
        }
        _ => {
            // Laplace's expansion along two rows and two rows.
            let rest = [
                [1, 2, 3, 4],
                [0, 2, 4, 3],
                [0, 1, 3, 4],
                [0, 1, 4, 2],
                [0, 1, 2, 3],
            ];
            for (value, [p, q, r, s]) in point.iter_mut().zip(rest) {
                let (m, n) = (|i, j| two(&a, &b, i, j), |i, j| two(&c, &d, i, j));
                let sum = m(p, q).times(n(r, s)).minus_product(m(p, r), n(q, s));
                let sum = sum
                    .plus_product(m(p, s), n(q, r))
                    .plus_product(m(q, r), n(p, s));
                *value = sum
                    .minus_product(m(q, s), n(p, r))
                    .plus_product(m(r, s), n(p, q));
            }
        }
    }
    point
}

impl Vertices {
    /// The whole space, cut by d independent hyperplanes at the first places of the path.
    pub fn begin_orthant(&mut self, path: &Path, dimension: usize) -> bool {
        let bits: Facets = (1 << (dimension + 1)) - 1;
        // Each is positive on the facet on which it does not lie; the vertex is finite.
        let corners = (0..=dimension).map(|left| Meeting {
            facets: bits ^ 1 << left,
            positive: left as u32,
        });
        self.facets = vec![Facet::infinity(dimension)];
        self.begin(path, dimension, dimension, corners.collect())
    }

    /// A box, whose sides are at the first places of the path: `sides` has the two of each
    /// coordinate.
    pub fn begin_box(&mut self, path: &Path, sides: &[[usize; 2]]) -> bool {
        let dimension = sides.len();
        // Infinity is a facet here that only says where points are finite.
        let corners = (0..1usize << dimension).map(|corner| {
            let facets = sides.iter().enumerate();
            Meeting {
                facets: facets.fold(0, |bits, (k, sides)| bits | 2 << sides[corner >> k & 1]),
                positive: 0,
            }
        });
        self.facets = vec![Facet::infinity(dimension)];
        self.begin(path, dimension, 2 * dimension, corners.collect())
    }

    /// Starts with infinity, the first `sides` constraints of a path as facets, and these
    /// corners.
    fn begin(
        &mut self,
        path: &Path,
        dimension: usize,
        sides: usize,
        corners: Vec<Meeting>,
    ) -> bool {
        self.dimension = dimension;
        self.error = error_of(dimension, 0.0);
        self.cut = None;
        for place in 0..sides {
            let target = Target::new(path.row(place), dimension + 1);
            let Some((facet, doubt)) = Facet::new(&target, 1.0, place as u32) else {
                return false;
            };
            self.error = self.error.max(error_of(dimension, doubt));
            self.facets.push(facet);
        }
        self.section.clear();
        let met = meet_all(
            dimension,
            &self.facets,
            &corners,
            self.error,
            &mut self.section,
        );
        std::mem::swap(&mut self.generators, &mut self.section);
        met
    }

    /// Takes the candidates that do not cut the cell off the list, and tells on which side of
    /// them it lies; false when floats leave some open that stay on the list.
    pub fn look(&mut self, targets: &[Target], settled: &mut Vec<(u32, i32)>) -> bool {
        settled.clear();
        look(self, targets, settled)
    }

    /// Prepares to split on a hyperplane, positive as it stands, whose place on the path will be
    /// `place`; false when floats cannot.
    pub fn cut(&mut self, target: &Target, place: u32) -> bool {
        cut(self, target, place)
    }

    /// Keeps the side of the last cut that has this sign.
    pub fn keep(&mut self, sign: i32) {
        let Some(slot) = self.cut.take() else {
            return;
        };
        let left = if sign > 0 { &self.below } else { &self.above };
        keep(
            &mut self.generators,
            self.dimension,
            &self.section,
            left.indices(),
        );
        self.facets[slot].turn(sign);
    }

    /// Makes this the side of another's cut that has this sign.
    pub fn take(&mut self, other: &Vertices, sign: i32) {
        let Some(slot) = other.cut else {
            return;
        };
        self.dimension = other.dimension;
        self.error = other.error;
        self.facets.clone_from(&other.facets);
        self.candidates.clone_from(&other.candidates);
        let Generators { blocks, facets } = &mut self.generators;
        blocks.clone_from(&other.generators.blocks);
        facets.clone_from(&other.generators.facets);
        let left = if sign > 0 { &other.below } else { &other.above };
        keep(
            &mut self.generators,
            self.dimension,
            &other.section,
            left.indices(),
        );
        self.facets[slot].turn(sign);
        self.cut = None;
    }

    /// After a cut, on which sides of it a hyperplane lies there.
    pub fn on_section(&self, target: &Target) -> Verdict {
        on_section(self, target)
    }

    /// After a cut, on which side of it a generator lies at which a hyperplane has this sign.
    pub fn side_of(&self, target: &Target, sign: i32) -> Option<i32> {
        let bound = bound(self.dimension, self.error, target);
        let value = |index: usize| self.value(target, index) * f64::from(sign);
        let found = (0..self.generators.facets.len()).find(|&index| value(index) > bound)?;
        Some(if self.above.indices().contains(&(found as u32)) {
            1
        } else {
            -1
        })
    }

    /// After a cut, the place on the path of its hyperplane.
    pub fn place(&self) -> u32 {
        self.cut.map_or(INFINITY, |slot| self.facets[slot].place)
    }

    /// After a cut, cuts the section in turn, by a hyperplane that [`Vertices::on_section`] says
    /// cuts it: what is left of it is where all of these cross. The cell must be cut anew before
    /// it is split; false when floats cannot.
    pub fn cross(&mut self, target: &Target) -> bool {
        cross(self, target)
    }

    /// Where `sign` times a row, positive on the cell, is least: the places of the facets of
    /// that vertex, which prove that it is; `None` where floats do not.
    pub fn least(&self, target: &Target, sign: i32) -> Option<SmallVec<[u32; 4]>> {
        let width = self.dimension + 1;
        let value = |index: usize| self.value(target, index) * f64::from(sign);
        let height = |index: usize| self.generators.coordinate(width, index, width - 1);
        let count = self.generators.facets.len();
        let mut least: Option<(usize, f64)> = None;
        for index in 0..count {
            if height(index) > 2.0 * self.error {
                let value = value(index) / height(index);
                if least.is_none_or(|(_, other)| value < other) {
                    least = Some((index, value));
                }
            }
        }
        let here = least?.0;
        let (value_here, height_here) = (value(here), height(here));
        let lies_on = self.generators.facets[here];
        let bound = bound(self.dimension, self.error, target);
        let grows = |there: usize| {
            let (value, height) = (value(there), height(there));
            let doubt = bound * (height_here + height) + self.error * (value_here + value);
            let products = value * height_here + value_here * height;
            // Values are positive; the bounds are far above the products of two errors.
            value * height_here - value_here * height > 2.0 * doubt + 8.0 * UNIT * products
        };
        let is_neighbour = |&there: &usize| {
            let common = (self.generators.facets[there] & lies_on).count_ones();
            common as usize == self.dimension - 1
        };
        let places = |slot: usize| self.facets[slot].place;
        ((0..count).filter(is_neighbour).all(grows) && lies_on & self.infinity() == 0)
            .then(|| bits(lies_on).map(places).collect())
    }

    /// A point inside the cell, short if asked; `None` where floats do not prove it.
    pub fn inside(&self, short: bool) -> Option<Point> {
        let (point, _) = self.centre(&self.generators)?;
        let rounded = match short {
            true => witness::rounded(&point, self.room(&point)),
            false => None,
        };
        let candidates = rounded.into_iter().chain([point]);
        candidates
            .into_iter()
            .find(|point| self.is_positive_around(point, 0.0))
    }

    /// After a cut, or crossings, a short point near to where these hyperplanes cross inside the
    /// cell, so near that [the proof] needs no more; `None` where floats do not prove it.
    ///
    /// [the proof]: witness::near_crossing
    pub fn near_crossing(&self) -> Option<Point> {
        let (point, distance) = self.centre(&self.section)?;
        let least = self.room(&point);
        let (short, reach) = witness::near_crossing(&point, least, distance)?;
        self.is_positive_around(&short, reach).then_some(short)
    }

    /// A point amid generators, and how far it is, per coordinate, from an exact combination of
    /// them.
    fn centre(&self, generators: &Generators) -> Option<(Point, f64)> {
        let (d, width) = (self.dimension, self.dimension + 1);
        let infinity = self.infinity();
        let mut point: Point = (0..d).map(|_| 0.0).collect();
        let (mut vertices, mut largest, mut distance) = (0.0, 1.0f64, 0.0f64);
        for (index, facets) in generators.facets.iter().enumerate() {
            let height = generators.coordinate(width, index, d);
            if facets & infinity != 0 || height < 1e3 * self.error {
                continue;
            }
            vertices += 1.0;
            let mut own = 1.0f64;
            for (k, sum) in point.iter_mut().enumerate() {
                let value = generators.coordinate(width, index, k) / height;
                own = own.max(value.abs());
                *sum += value;
            }
            // E (1 + own) / (height - E), as both are off by E.
            distance = distance.max(2.01 * self.error * own / height);
            largest = largest.max(own);
        }
        if vertices == 0.0 {
            return None;
        }
        point.iter_mut().for_each(|sum| *sum /= vertices);
        let mut terms = vertices + 4.0;
        for (index, facets) in generators.facets.iter().enumerate() {
            if facets & infinity == 0 {
                continue;
            }
            let direction = |k| generators.coordinate(width, index, k);
            let size = (0..d).fold(self.error, |size: f64, k| size.max(direction(k).abs()));
            let step = largest / size;
            for (k, sum) in point.iter_mut().enumerate() {
                *sum += step * direction(k);
            }
            distance += 1.01 * step * self.error;
            terms += 4.0;
        }
        // Roundings: as many terms, of up to this size.
        distance += 2.0 * terms * terms * UNIT * largest;
        Some((point, distance))
    }

    /// The bit of infinity, if it is a facet.
    fn infinity(&self) -> Facets {
        let slots = self.facets.iter().enumerate();
        let infinite = slots.filter(|(_, facet)| facet.place == INFINITY);
        infinite.fold(0, |bits, (slot, _)| bits | 1 << slot)
    }

    /// The cell's facets, but for infinity and the last cut.
    fn sides(&self) -> impl Iterator<Item = &Facet> {
        let used = self
            .generators
            .facets
            .iter()
            .fold(0, |used, bits| used | bits);
        bits(used & !self.infinity()).map(|slot| &self.facets[slot])
    }

    /// What the constraints are worth at a point, at least, if the linear parts of their rows have
    /// size 1.
    fn room(&self, point: &Point) -> f64 {
        let d = self.dimension;
        let worth = |facet: &Facet| {
            let size = facet.entries[..d]
                .iter()
                .fold(0.0, |size: f64, a| size.max(a.abs()));
            facet.at(point) / size
        };
        self.sides().map(worth).fold(f64::INFINITY, f64::min)
    }

    /// Proves that the cell holds all points whose coordinates differ from those of a point by no
    /// more than `reach`.
    fn is_positive_around(&self, point: &Point, reach: f64) -> bool {
        let d = self.dimension as f64;
        let largest = point
            .iter()
            .fold(1.0, |max: f64, value| max.max(value.abs()));
        // Entries are at most 1, and off by no more than E in sum.
        let bound = (self.error + 16.0 * (d + 1.0) * UNIT) * largest + 1.001 * d * reach;
        self.sides().all(|facet| facet.at(point) > bound)
    }

    fn value(&self, target: &Target, index: usize) -> f64 {
        let width = self.dimension + 1;
        let products = target.entries[..width].iter().enumerate();
        products
            .map(|(k, a)| a * self.generators.coordinate(width, index, k))
            .sum()
    }

    /// The places on the path of the facets of a vertex, one far from infinity.
    pub fn corner(&self) -> Option<SmallVec<[u32; 4]>> {
        let width = self.dimension + 1;
        let height = |index: &usize| self.generators.coordinate(width, *index, width - 1);
        let highest =
            (0..self.generators.facets.len()).max_by(|a, b| height(a).total_cmp(&height(b)))?;
        let places: SmallVec<[u32; 4]> = bits(self.generators.facets[highest])
            .map(|slot| self.facets[slot].place)
            .collect();
        (!places.contains(&INFINITY)).then_some(places)
    }
}

fn bits(facets: Facets) -> impl Iterator<Item = usize> {
    let mut left = facets;
    std::iter::from_fn(move || {
        (left != 0).then(|| {
            let bit = left.trailing_zeros() as usize;
            left &= left - 1;
            bit
        })
    })
}

for_all_processors! {
    fn look<L>(cell: &mut Vertices, targets: &[Target], settled: &mut Vec<(u32, i32)>) -> bool {
        match cell.dimension {
            2 => look_in::<L, 3>(cell, targets, settled),
            3 => look_in::<L, 4>(cell, targets, settled),
            _ => look_in::<L, 5>(cell, targets, settled),
        }
    }

    fn on_section<L>(cell: &Vertices, target: &Target) -> Verdict {
        match cell.dimension {
            2 => verdict::<L, 3>(&cell.section, target, cell.error),
            3 => verdict::<L, 4>(&cell.section, target, cell.error),
            _ => verdict::<L, 5>(&cell.section, target, cell.error),
        }
    }

    fn keep<L>(generators: &mut Generators, dimension: usize, section: &Generators, left: &[u32]) {
        match dimension {
            2 => keep_in::<3>(generators, section, left),
            3 => keep_in::<4>(generators, section, left),
            _ => keep_in::<5>(generators, section, left),
        }
    }

    fn cut<L>(cell: &mut Vertices, target: &Target, place: u32) -> bool {
        match cell.dimension {
            2 => cut_in::<L, 3>(cell, target, place),
            3 => cut_in::<L, 4>(cell, target, place),
            _ => cut_in::<L, 5>(cell, target, place),
        }
    }

    fn cross<L>(cell: &mut Vertices, target: &Target) -> bool {
        match cell.dimension {
            2 => cross_in::<L, 3>(cell, target),
            3 => cross_in::<L, 4>(cell, target),
            _ => cross_in::<L, 5>(cell, target),
        }
    }

    fn meet_all<L>(
        dimension: usize,
        facets: &[Facet],
        meetings: &[Meeting],
        error: f64,
        points: &mut Generators,
    ) -> bool {
        match dimension {
            2 => meet::<L, 3>(facets, meetings, None, error, points),
            3 => meet::<L, 4>(facets, meetings, None, error, points),
            _ => meet::<L, 5>(facets, meetings, None, error, points),
        }
    }
}

#[inline(always)]
fn look_in<L: Lanes, const K: usize>(
    cell: &mut Vertices,
    targets: &[Target],
    settled: &mut Vec<(u32, i32)>,
) -> bool {
    let (mut kept, mut known) = (0, true);
    for k in 0..cell.candidates.len() {
        let class = cell.candidates[k];
        match verdict::<L, K>(&cell.generators, &targets[class as usize], cell.error) {
            Verdict::On(sign) => settled.push((class, sign)),
            verdict => {
                known &= verdict == Verdict::Cuts;
                cell.candidates[kept] = class;
                kept += 1;
            }
        }
    }
    cell.candidates.truncate(kept);
    known
}

#[inline(always)]
fn verdict<L: Lanes, const K: usize>(
    generators: &Generators,
    target: &Target,
    error: f64,
) -> Verdict {
    let bound = bound(K - 1, error, target);
    let (bound, negated) = (L::all(bound), L::all(-bound));
    let entries: [L; K] = std::array::from_fn(|k| L::all(target.entries[k]));
    let (mut above, mut below, mut either) = (0, 0, 0b1111);
    for block in generators.blocks.as_chunks::<K>().0 {
        let value = value(&entries, block);
        let (ups, downs) = (value.above(bound), negated.above(value));
        above |= ups;
        below |= downs;
        either &= ups | downs;
    }
    match (above != 0, below != 0) {
        (true, true) => Verdict::Cuts,
        (up, _) if either == 0b1111 => Verdict::On(if up { 1 } else { -1 }),
        _ => Verdict::Unknown,
    }
}

/// A row's values at a block of generators.
#[inline(always)]
fn value<L: Lanes, const K: usize>(entries: &[L; K], block: &[[f64; LANES]; K]) -> L {
    let mut sum = entries[K - 1].times(L::load(&block[K - 1]));
    for k in 0..K - 1 {
        sum = sum.plus_product(entries[k], L::load(&block[k]));
    }
    sum
}

#[inline(always)]
fn cut_in<L: Lanes, const K: usize>(cell: &mut Vertices, target: &Target, place: u32) -> bool {
    let Some((facet, doubt)) = Facet::new(target, 1.0, place) else {
        return false;
    };
    let error = cell.error.max(error_of(K - 1, doubt));
    cell.error = error;
    let Vertices {
        generators,
        facets,
        cut,
        above,
        below,
        meetings,
        section,
        ..
    } = cell;
    let entries: [L; K] = std::array::from_fn(|k| L::all(facet.entries[k]));
    let sides = (&mut *above, &mut *below);
    let Some(used) = part::<L, K>(generators, &entries, error, sides) else {
        return false;
    };
    let slot = used.trailing_ones() as usize;
    if slot >= Facets::BITS as usize {
        return false;
    }
    if slot == facets.len() {
        facets.push(facet);
    } else {
        facets[slot] = facet;
    }
    *cut = Some(slot);
    if !slice::<L, K>(facets, (above, below), &entries, error, meetings, section) {
        return false;
    }
    for facets in &mut section.facets {
        *facets |= 1 << slot;
    }
    true
}

#[inline(always)]
fn cross_in<L: Lanes, const K: usize>(cell: &mut Vertices, target: &Target) -> bool {
    let Some((facet, doubt)) = Facet::new(target, 1.0, INFINITY) else {
        return false;
    };
    cell.error = cell.error.max(error_of(K - 1, doubt));
    let mut before = std::mem::take(&mut cell.section);
    let entries: [L; K] = std::array::from_fn(|k| L::all(facet.entries[k]));
    let Vertices {
        facets,
        above,
        below,
        meetings,
        section,
        spare,
        error,
        ..
    } = cell;
    let crossed = part::<L, K>(&before, &entries, *error, (above, below)).is_some()
        && slice::<L, K>(facets, (above, below), &entries, *error, meetings, spare);
    std::mem::swap(section, spare);
    std::mem::swap(spare, &mut before);
    crossed
}

/// Parts generators by their sides of a facet's hyperplane, and gives all facets on which
/// they lie; `None` when floats cannot.
#[inline(always)]
fn part<L: Lanes, const K: usize>(
    generators: &Generators,
    entries: &[L; K],
    error: f64,
    (above, below): (&mut Part, &mut Part),
) -> Option<Facets> {
    let bound = bound_of_facets(K, error);
    let (bound, negated) = (L::all(bound), L::all(-bound));
    above.begin(generators.facets.len());
    below.begin(generators.facets.len());
    let mut used: Facets = 0;
    let blocks = generators.blocks.as_chunks::<K>().0.iter();
    for (number, (block, lie_on)) in blocks.zip(generators.facets.chunks(LANES)).enumerate() {
        let value = value(entries, block);
        let (ups, downs) = (value.above(bound), negated.above(value));
        if ups | downs != 0b1111 {
            return None;
        }
        for (lane, &lies_on) in lie_on.iter().enumerate() {
            used |= lies_on;
            let side = if ups >> lane & 1 == 1 {
                &mut *above
            } else {
                &mut *below
            };
            side.push((LANES * number + lane) as u32, lies_on);
        }
    }
    Some(used)
}

/// The points where a hyperplane crosses the edges between its two sides; false when floats
/// do not tell them.
#[inline(always)]
fn slice<L: Lanes, const K: usize>(
    facets: &[Facet],
    (above, below): (&Part, &Part),
    entries: &[L; K],
    error: f64,
    meetings: &mut Vec<Meeting>,
    section: &mut Generators,
) -> bool {
    meetings.clear();
    for &from in above.facets() {
        for some in below.facets().chunks(64) {
            let mut edges = 0u64;
            for (n, &to) in some.iter().enumerate() {
                // As many as d - 1, and no more: they are different points.
                let mut rest = from & to;
                for _ in 2..K - 1 {
                    rest &= rest.wrapping_sub(1);
                }
                edges |= u64::from(rest != 0) << n;
            }
            while edges != 0 {
                let to = some[edges.trailing_zeros() as usize];
                edges &= edges - 1;
                meetings.push(Meeting {
                    facets: from & to,
                    positive: (from & !to).trailing_zeros(),
                });
            }
        }
    }
    section.clear();
    meet::<L, K>(facets, meetings, Some(entries), error, section)
}

/// Adds the points at which facets meet, and one more if there is a `last`, to others; false where floats do not say on which
/// side of infinity they lie.
#[inline(always)]
fn meet<L: Lanes, const K: usize>(
    facets: &[Facet],
    meetings: &[Meeting],
    last: Option<&[L; K]>,
    error: f64,
    points: &mut Generators,
) -> bool {
    let bound = L::all(bound_of_facets(K, error));
    for four in meetings.chunks(LANES) {
        // Lanes that are left over repeat the first.
        let lane = |lane: usize| four.get(lane).unwrap_or(&four[0]);
        let mut left: [Facets; LANES] = std::array::from_fn(|k| lane(k).facets);
        let mut rows = [[L::all(0.0); K]; 4];
        let gathered = if last.is_some() { K - 2 } else { K - 1 };
        for row in rows.iter_mut().take(gathered) {
            let slots = left.map(|facets| facets.trailing_zeros());
            left = left.map(|facets| facets & facets.wrapping_sub(1));
            *row = gather(facets, slots);
        }
        if let Some(last) = last {
            rows[K - 2] = *last;
        }
        let point = minors(rows);
        let slots: [u32; LANES] = std::array::from_fn(|k| lane(k).positive);
        let row: [L; K] = gather(facets, slots);
        let mut value = row[K - 1].times(point[K - 1]);
        for k in 0..K - 1 {
            value = value.plus_product(row[k], point[k]);
        }
        if value.abs().above(bound) != 0b1111 {
            return false;
        }
        let (plus, minus, zero) = (L::all(1.0), L::all(-1.0), L::all(0.0));
        let sign = value.below_pick(zero, minus, plus);
        for coordinate in point {
            points.blocks.push(coordinate.times(sign).array());
        }
        points
            .facets
            .extend(four.iter().map(|meeting| meeting.facets));
    }
    true
}

/// A facet in each lane.
#[inline(always)]
fn gather<L: Lanes, const K: usize>(facets: &[Facet], slots: [u32; LANES]) -> [L; K] {
    let facets = slots.map(|slot| &facets[slot as usize].entries);
    let first = |entries: &[f64; ENTRIES]| L::load(entries.first_chunk().expect("five"));
    let first = L::transpose(facets.map(first));
    let last = |k: usize| L::load(&facets.map(|entries| entries[k]));
    std::array::from_fn(|k| if k < LANES { first[k] } else { last(k) })
}

/// Puts the generators of the section into the places of those that are left out, given
/// in ascending order.
#[inline(always)]
fn keep_in<const K: usize>(generators: &mut Generators, section: &Generators, left: &[u32]) {
    let new = section.blocks.as_chunks::<K>().0;
    let placed = section.facets.len();
    let count = generators.facets.len();
    let total = count + placed - left.len();
    if placed > left.len() {
        generators.facets.resize(total, 0);
        let blocks = total.div_ceil(LANES) * K;
        generators.blocks.resize(blocks, [0.0; LANES]);
    }
    let blocks = generators.blocks.as_chunks_mut::<K>().0;
    for index in 0..placed {
        let to = left
            .get(index)
            .map_or(count + index - left.len(), |&to| to as usize);
        let (into, from) = (&mut blocks[to / LANES], &new[index / LANES]);
        for k in 0..K {
            into[k][to % LANES] = from[k][index % LANES];
        }
        generators.facets[to] = section.facets[index];
    }
    // The last ones fill what is left over, the last places first.
    let mut last = count;
    for &to in left.iter().skip(placed).rev() {
        let to = to as usize;
        last -= 1;
        for k in 0..K {
            blocks[to / LANES][k][to % LANES] = blocks[last / LANES][k][last % LANES];
        }
        generators.facets[to] = generators.facets[last];
    }
    if !total.is_multiple_of(LANES) {
        for vector in &mut blocks[total / LANES] {
            let value = vector[0];
            vector[total % LANES..].fill(value);
        }
    }
    generators.facets.truncate(total);
    generators.blocks.truncate(total.div_ceil(LANES) * K);
}
