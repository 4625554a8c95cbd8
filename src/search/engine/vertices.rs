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
use crate::arithmetic::float::{TINY, UNIT, power_of_two};
use crate::arithmetic::lanes::{LANES, Lanes, for_all_processors};
use crate::search::level::Level;
use crate::search::rows::Vector;

/// Dimensions in which cells have few enough vertices.
pub const DIMENSIONS: std::ops::RangeInclusive<usize> = 2..=4;

/// Entries of a row in the most dimensions.
const ENTRIES: usize = 5;

/// Facets of a cell, as bits.
type Facets = u64;

/// A facet whose constraint is no row: infinity.
const INFINITY: u32 = u32::MAX;

/// A constraint that is positive inside, scaled.
#[derive(Clone, Copy, Debug)]
struct Facet {
    /// Coefficients, the constant, zeros.
    entries: [f64; ENTRIES],
    /// ρ.
    doubt: f64,
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
    /// The hyperplane on which the cell is about to be split, and its bit.
    cut: Option<(usize, Facet)>,
    /// The generators on its two sides.
    above: Vec<u32>,
    below: Vec<u32>,
    /// The new ones, which lie on it.
    section: Generators,
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

impl Generators {
    fn clear(&mut self) {
        self.blocks.clear();
        self.facets.clear();
    }

    #[inline(always)]
    fn push(&mut self, width: usize, coordinates: impl Fn(usize) -> f64, facets: Facets) {
        let lane = self.facets.len() % LANES;
        self.facets.push(facets);
        if lane == 0 {
            let all = (0..width).map(|k| [coordinates(k); LANES]);
            self.blocks.extend(all);
        } else {
            let first = self.blocks.len() - width;
            for (k, vector) in self.blocks[first..].iter_mut().enumerate() {
                vector[lane] = coordinates(k);
            }
        }
    }

    #[inline(always)]
    fn coordinate(&self, width: usize, index: usize, k: usize) -> f64 {
        self.blocks[index / LANES * width + k][index % LANES]
    }
}

impl Facet {
    /// A row as a facet; `None` when its numbers are too extreme, or too little is known of
    /// them.
    fn new(row: Vector, sign: f64, place: u32) -> Option<Facet> {
        let width = row.entries.len().min(ENTRIES);
        let entries = &row.entries[..width];
        let largest = entries.iter().fold(1.0, |max: f64, a| max.max(a.abs()));
        // Scaled by a power of two, no entry comes near to underflow.
        if largest > power_of_two(100) {
            return None;
        }
        let scale = f64::from_bits((2045 << 52) - (largest.to_bits() & 0x7ff << 52));
        let doubt = row.slack * scale;
        let mut scaled = [0.0; ENTRIES];
        for (to, from) in scaled.iter_mut().zip(entries) {
            *to = sign * scale * from;
        }
        (doubt < power_of_two(-20)).then_some(Facet {
            entries: scaled,
            doubt,
            place,
        })
    }

    fn infinity(dimension: usize) -> Facet {
        let mut entries = [0.0; ENTRIES];
        entries[dimension] = 1.0;
        Facet {
            entries,
            doubt: 0.0,
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
fn bound(dimension: usize, error: f64, magnitudes: f64, slack: f64) -> f64 {
    // The factor also covers the roundings of these sums.
    (magnitudes * error + factorial(dimension) * slack) * 1.002
}

/// The vector that is orthogonal to d vectors of d + 1 entries: their minors, with
/// alternating signs.
#[inline(always)]
fn minors(dimension: usize, rows: [&[f64; ENTRIES]; 4]) -> [f64; ENTRIES] {
    let [a, b, c, d] = rows;
    let two = |a: &[f64; ENTRIES], b: &[f64; ENTRIES], i: usize, j: usize| a[i] * b[j] - a[j] * b[i];
    match dimension {
        2 => [two(a, b, 1, 2), two(a, b, 2, 0), two(a, b, 0, 1), 0.0, 0.0],
        3 => {
            let m = |i, j| two(a, b, i, j);
            let (m01, m02, m03) = (m(0, 1), m(0, 2), m(0, 3));
            let (m12, m13, m23) = (m(1, 2), m(1, 3), m(2, 3));
            [
                c[1] * m23 - c[2] * m13 + c[3] * m12,
                c[2] * m03 - c[0] * m23 - c[3] * m02,
                c[0] * m13 - c[1] * m03 + c[3] * m01,
                c[1] * m02 - c[0] * m12 - c[2] * m01,
                0.0,
            ]
        }
        _ => {
            // Laplace's expansion along two rows and two rows.
            let m = |i, j| two(a, b, i, j);
            let n = |i, j| two(c, d, i, j);
            let minor = |p, q, r, s| {
                m(p, q) * n(r, s) - m(p, r) * n(q, s) + m(p, s) * n(q, r) + m(q, r) * n(p, s)
                    - m(q, s) * n(p, r)
                    + m(r, s) * n(p, q)
            };
            [
                minor(1, 2, 3, 4),
                -minor(0, 2, 3, 4),
                minor(0, 1, 3, 4),
                -minor(0, 1, 2, 4),
                minor(0, 1, 2, 3),
            ]
        }
    }
}

#[inline(always)]
fn dot(a: &[f64; ENTRIES], b: &[f64; ENTRIES]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

impl Vertices {
    /// The whole space, cut by d independent hyperplanes at the first places of the path.
    pub fn begin_orthant(&mut self, path: &Path, dimension: usize) -> bool {
        let bits: Facets = (1 << (dimension + 1)) - 1;
        let corners: Vec<Facets> = (0..=dimension).map(|left| bits ^ 1 << left).collect();
        let facets = (0..dimension).map(|place| Facet::new(path.row(place), 1.0, place as u32));
        let facets: Option<Vec<Facet>> = std::iter::once(Some(Facet::infinity(dimension)))
            .chain(facets)
            .collect();
        facets.is_some_and(|facets| self.begin(dimension, facets, &corners, |left| Some(left)))
    }

    /// A box, whose sides are at the first places of the path: `sides` has the two of each
    /// coordinate.
    pub fn begin_box(&mut self, path: &Path, sides: &[[usize; 2]]) -> bool {
        let dimension = sides.len();
        let facets = (0..2 * dimension).map(|place| Facet::new(path.row(place), 1.0, place as u32));
        let corners: Vec<Facets> = (0..1usize << dimension)
            .map(|corner| {
                let facets = sides.iter().enumerate();
                facets.fold(0, |bits, (k, sides)| bits | 1 << sides[corner >> k & 1])
            })
            .collect();
        let facets: Option<Vec<Facet>> = facets.collect();
        facets.is_some_and(|facets| self.begin(dimension, facets, &corners, |_| None))
    }

    /// Starts with these facets and corners; each corner is positive on the facet that is
    /// given for its number, or finite.
    fn begin(
        &mut self,
        dimension: usize,
        facets: Vec<Facet>,
        corners: &[Facets],
        positive: impl Fn(usize) -> Option<usize>,
    ) -> bool {
        self.dimension = dimension;
        let doubt = facets.iter().map(|facet| facet.doubt).fold(0.0, f64::max);
        self.facets = facets;
        self.error = error_of(dimension, doubt);
        self.generators.clear();
        self.cut = None;
        let infinity = Facet::infinity(dimension);
        for (index, &corner) in corners.iter().enumerate() {
            let by = positive(index).map_or(&infinity, |facet| &self.facets[facet]);
            let Some(at) = meet(dimension, &self.facets, corner, None, by, self.error) else {
                return false;
            };
            self.generators.push(dimension + 1, |k| at[k], corner);
        }
        true
    }

    /// On which sides of its candidates the cell lies.
    pub fn look(&self, level: &Level, verdicts: &mut Vec<Verdict>) {
        verdicts.clear();
        look(self, level, verdicts);
    }

    /// Prepares to split on a hyperplane, positive as it stands, whose place on the path will be
    /// `place`; false when floats cannot.
    pub fn cut(&mut self, row: Vector, place: u32) -> bool {
        let Some(facet) = Facet::new(row, 1.0, place) else {
            return false;
        };
        let used = self.generators.facets.iter();
        let used: Facets = used.fold(0, |used, bits| used | bits);
        let slot = used.trailing_ones() as usize;
        if slot >= Facets::BITS as usize {
            return false;
        }
        self.error = self.error.max(error_of(self.dimension, facet.doubt));
        self.cut = Some((slot, facet));
        cut(self, &facet, slot)
    }

    /// Keeps the side of the last cut that has this sign.
    pub fn keep(&mut self, sign: i32) {
        let Some((slot, facet)) = self.cut.take() else {
            return;
        };
        let left = if sign > 0 { &self.below } else { &self.above };
        keep(&mut self.generators, self.dimension, &self.section, left);
        self.set_facet(slot, facet, sign);
    }

    /// Makes this the side of another's cut that has this sign.
    pub fn take(&mut self, other: &Vertices, sign: i32) {
        let Some((slot, facet)) = other.cut else {
            return;
        };
        self.dimension = other.dimension;
        self.error = other.error;
        self.facets.clone_from(&other.facets);
        self.candidates.clone_from(&other.candidates);
        self.generators.clone_from(&other.generators);
        let left = if sign > 0 { &other.below } else { &other.above };
        keep(&mut self.generators, self.dimension, &other.section, left);
        self.set_facet(slot, facet, sign);
        self.cut = None;
    }

    fn set_facet(&mut self, slot: usize, mut facet: Facet, sign: i32) {
        if sign < 0 {
            facet.entries = facet.entries.map(|entry| -entry);
        }
        if slot == self.facets.len() {
            self.facets.push(facet);
        } else {
            self.facets[slot] = facet;
        }
    }

    /// After a cut, on which sides of it a hyperplane lies there.
    pub fn on_section(&self, level: &Level, class: u32) -> Verdict {
        on_section(self, level, class)
    }

    /// After a cut, on which side of it a generator lies at which a hyperplane has this sign.
    pub fn side_of(&self, row: Vector, sign: i32) -> Option<i32> {
        let width = self.dimension + 1;
        let magnitudes = row.norm + row.entries[width - 1].abs();
        let bound = bound(self.dimension, self.error, magnitudes, row.slack);
        let value = |index: usize| -> f64 {
            let products = row.entries[..width].iter().enumerate();
            let products = products.map(|(k, a)| a * self.generators.coordinate(width, index, k));
            products.sum::<f64>() * f64::from(sign)
        };
        let found = (0..self.generators.facets.len()).find(|&index| value(index) > bound)?;
        Some(if self.above.contains(&(found as u32)) { 1 } else { -1 })
    }

    /// The places on the path of the facets of a vertex, one far from infinity.
    pub fn corner(&self) -> Option<Vec<u32>> {
        let width = self.dimension + 1;
        let height = |index: &usize| self.generators.coordinate(width, *index, width - 1);
        let highest = (0..self.generators.facets.len())
            .max_by(|a, b| height(a).total_cmp(&height(b)))?;
        let places: Vec<u32> = bits(self.generators.facets[highest])
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

/// The point at which facets meet, and another one if there are d - 1, on the side on which
/// `positive` is; `None` where floats do not tell the side.
#[inline(always)]
fn meet(
    dimension: usize,
    facets: &[Facet],
    at: Facets,
    last: Option<&Facet>,
    positive: &Facet,
    error: f64,
) -> Option<[f64; ENTRIES]> {
    let none = [0.0; ENTRIES];
    let mut rows = [&none; 4];
    let mut left = at;
    for row in rows.iter_mut().take(dimension) {
        *row = match last {
            Some(last) if left == 0 => &last.entries,
            _ => {
                let slot = left.trailing_zeros() as usize;
                left &= left - 1;
                &facets[slot].entries
            }
        };
    }
    let point = minors(dimension, rows);
    let value = dot(&positive.entries, &point);
    let magnitudes = (dimension + 1) as f64;
    let bound = bound(dimension, error, magnitudes, positive.doubt);
    if value > bound {
        Some(point)
    } else if value < -bound {
        Some(point.map(|coordinate| -coordinate))
    } else {
        None
    }
}

for_all_processors! {
    fn look<L>(cell: &Vertices, level: &Level, verdicts: &mut Vec<Verdict>) {
        match cell.dimension {
            2 => look_in::<L, 3>(cell, level, verdicts),
            3 => look_in::<L, 4>(cell, level, verdicts),
            _ => look_in::<L, 5>(cell, level, verdicts),
        }
    }

    fn on_section<L>(cell: &Vertices, level: &Level, class: u32) -> Verdict {
        let row = level.own_vector(class as usize);
        match cell.dimension {
            2 => verdict::<L, 3>(&cell.section, row, cell.error),
            3 => verdict::<L, 4>(&cell.section, row, cell.error),
            _ => verdict::<L, 5>(&cell.section, row, cell.error),
        }
    }

    fn keep<L>(generators: &mut Generators, dimension: usize, section: &Generators, left: &[u32]) {
        match dimension {
            2 => keep_in::<L, 3>(generators, section, left),
            3 => keep_in::<L, 4>(generators, section, left),
            _ => keep_in::<L, 5>(generators, section, left),
        }
    }

    fn cut<L>(cell: &mut Vertices, facet: &Facet, slot: usize) -> bool {
        match cell.dimension {
            2 => cut_in::<L, 3>(cell, facet, slot),
            3 => cut_in::<L, 4>(cell, facet, slot),
            _ => cut_in::<L, 5>(cell, facet, slot),
        }
    }
}

#[inline(always)]
fn look_in<L: Lanes, const K: usize>(cell: &Vertices, level: &Level, verdicts: &mut Vec<Verdict>) {
    for &class in &cell.candidates {
        let row = level.own_vector(class as usize);
        verdicts.push(verdict::<L, K>(&cell.generators, row, cell.error));
    }
}

#[inline(always)]
fn verdict<L: Lanes, const K: usize>(generators: &Generators, row: Vector, error: f64) -> Verdict {
    let entries: &[f64; K] = row.entries.first_chunk().expect("a row has K entries");
    let magnitudes = row.norm + entries[K - 1].abs();
    let bound = bound(K - 1, error, magnitudes, row.slack);
    let (bound, negated) = (L::all(bound), L::all(-bound));
    let entries = entries.map(L::all);
    let (mut above, mut below, mut either) = (0, 0, 0b1111);
    for block in generators.blocks.as_chunks::<K>().0 {
        let mut sum = entries[K - 1].times(L::load(&block[K - 1]));
        for k in 0..K - 1 {
            sum = sum.plus_product(entries[k], L::load(&block[k]));
        }
        let (ups, downs) = (sum.above(bound), negated.above(sum));
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

#[inline(always)]
fn cut_in<L: Lanes, const K: usize>(cell: &mut Vertices, facet: &Facet, slot: usize) -> bool {
    let magnitudes = K as f64;
    let bound = bound(K - 1, cell.error, magnitudes, facet.doubt);
    let (bound, negated) = (L::all(bound), L::all(-bound));
    let entries: &[f64; K] = facet.entries.first_chunk().expect("at most five");
    let entries = entries.map(L::all);
    let Vertices {
        generators,
        facets,
        above,
        below,
        section,
        error,
        ..
    } = cell;
    let count = generators.facets.len();
    above.resize(count, 0);
    below.resize(count, 0);
    let (mut ups_found, mut downs_found) = (0, 0);
    let blocks = generators.blocks.as_chunks::<K>().0;
    for (number, block) in blocks.iter().enumerate() {
        let mut sum = entries[K - 1].times(L::load(&block[K - 1]));
        for k in 0..K - 1 {
            sum = sum.plus_product(entries[k], L::load(&block[k]));
        }
        let (ups, downs) = (sum.above(bound), negated.above(sum));
        if ups | downs != 0b1111 {
            return false;
        }
        for lane in 0..LANES.min(count - LANES * number) {
            let index = (LANES * number + lane) as u32;
            if ups >> lane & 1 == 1 {
                above[ups_found] = index;
                ups_found += 1;
            } else {
                below[downs_found] = index;
                downs_found += 1;
            }
        }
    }
    above.truncate(ups_found);
    below.truncate(downs_found);
    section.clear();
    let new = 1 << slot;
    for &p in &*above {
        let from = generators.facets[p as usize];
        for &n in &*below {
            let to = generators.facets[n as usize];
            let common = from & to;
            // As many as d - 1, and no more: they are different points.
            let mut rest = common;
            for _ in 2..K - 1 {
                rest &= rest.wrapping_sub(1);
            }
            if rest == 0 {
                continue;
            }
            let own = (from & !to).trailing_zeros() as usize;
            let Some(at) = meet(K - 1, facets, common, Some(facet), &facets[own], *error) else {
                return false;
            };
            section.push(K, |k| at[k], common | new);
        }
    }
    true
}

/// Puts the generators of the section into the places of those that are left out, given
/// in ascending order.
#[inline(always)]
fn keep_in<L: Lanes, const K: usize>(
    generators: &mut Generators,
    section: &Generators,
    left: &[u32],
) {
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
        let to = left.get(index).map_or(count + index - left.len(), |&to| to as usize);
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
