//! What proofs are told of a cell that is known by its vertices: where a row is least, and points.

use smallvec::SmallVec;

use super::Vertices;
use super::generators::{ENTRIES, Facets, Generators, INFINITY, Target, bits, bound, value};
use crate::arithmetic::float::{TINY, UNIT};
use crate::arithmetic::lanes::{LANES, Lanes, for_all_processors};
use crate::proof::record::Sets;
use crate::search::engine::witness::Point;
use crate::search::level::Level;
use crate::search::settled::Settled;

/// A point, as far as it has coordinates.
type Coordinates = [f64; ENTRIES];

/// The places of d facets on the path.
pub type Places = [u32; ENTRIES - 1];

impl Vertices {
    /// For classes with their signs on the cell the vertices where these times their rows are least,
    /// whose facets prove that they are; lists the others, of which floats do not tell.
    pub fn find_least(
        &mut self,
        level: &Level,
        settled: &Settled,
        found: &mut Vec<(usize, u32, i32)>,
    ) -> Settled {
        let inverse = &mut self.inverse;
        inverse_heights(self.dimension, &self.generators, self.error, inverse);
        found.clear();
        let mut others = Settled::default();
        find_least(self, level, settled, found, &mut others);
        others
    }

    /// The vertices, by the places of their facets, among which there is for each of these classes one
    /// where its sign times its row is least, and whose facets prove it. After
    /// [`Vertices::find_least`].
    pub fn corners_of_least(&self, level: &Level, settled: &Settled, corners: &mut Sets) {
        let targets = settled.sides();
        let targets = targets.map(|(class, sign)| (level.target(class), sign));
        self.corners_where_least(targets, corners);
    }

    /// The same of rows.
    pub(super) fn corners_where_least(
        &self,
        targets: impl Iterator<Item = (Target, i32)>,
        corners: &mut Sets,
    ) {
        let mut wanted = Blocks::from_elem(0, self.inverse.len());
        for (target, sign) in targets {
            add_nearly_least(self, &target, sign.into(), &mut wanted);
        }
        let is_wanted = |index: usize| wanted[index / LANES] >> (index % LANES) & 1 == 1;
        let facets = self.generators.facets.iter().enumerate();
        let facets = facets.filter(|&(index, _)| is_wanted(index));
        corners.members.clear();
        corners.members.extend(facets.map(|(_, facets)| *facets));
        corners.all = false;
        self.name_corners(corners);
    }

    /// The same of one row.
    #[cfg(test)]
    pub fn least(&mut self, target: &Target, sign: i32) -> Option<usize> {
        let (d, generators) = (self.dimension, &self.generators);
        inverse_heights(d, generators, self.error, &mut self.inverse);
        least(
            d,
            generators,
            &self.inverse,
            self.error,
            target,
            sign.into(),
        )
    }

    /// All vertices, by the places of their facets. A row that is positive on the cell is least at one
    /// of them, whose facets prove that it is.
    pub fn all_corners(&self, corners: &mut Sets) {
        corners.members.clear();
        corners.members.extend_from_slice(&self.generators.facets);
        corners.all = true;
        self.name_corners(corners);
    }

    /// Makes sets of these generators' facets those of places, without those at infinity.
    fn name_corners(&self, corners: &mut Sets) {
        let Sets { named, members, .. } = corners;
        let infinity = self.infinity();
        if infinity != 0 {
            members.retain(|facets| facets & infinity == 0);
        }
        let used = members.iter().fold(0, |used, facets| used | facets);
        named.clear();
        named.extend(bits(used).map(|slot| self.facets[slot].place));
        // The bits of the others are taken out, the highest first.
        let below_last = (u64::MAX >> 1)
            .checked_shr(used.leading_zeros())
            .unwrap_or(0);
        let mut unused = !used & below_last;
        while unused != 0 {
            let slot = unused.ilog2();
            unused ^= 1 << slot;
            let below = (1 << slot) - 1;
            for set in &mut *members {
                *set = *set & below | *set >> 1 & !below;
            }
        }
    }

    /// How many generators it has.
    pub fn generators(&self) -> usize {
        self.generators.facets.len()
    }

    /// How many facets it has, or some more.
    pub fn facets(&self) -> usize {
        self.facets.len()
    }

    /// The places of the facets of a vertex.
    pub fn places(&self, vertex: usize) -> Places {
        self.places_of(self.generators.facets[vertex])
    }

    /// The same after a cut on one of its sides, where a row that crosses the other side and not
    /// the section is positive: the places of the vertex' facets. The row is least on the section
    /// there, as between any other point and one where it is negative there is one on the section
    /// with a smaller value.
    pub fn least_on_section(&mut self, target: &Target, sign: i32) -> Option<Places> {
        let (d, section) = (self.dimension, &self.section);
        inverse_heights(d, section, self.error, &mut self.inverse);
        let found = least(d, section, &self.inverse, self.error, target, sign.into())?;
        Some(self.places_of(section.facets[found]))
    }

    fn places_of(&self, facets: Facets) -> Places {
        let mut places = Places::default();
        let mut left = facets;
        for place in &mut places[..self.dimension] {
            *place = self.facets[left.trailing_zeros() as usize].place;
            left &= left - 1;
        }
        // Only vertices far from infinity are looked at.
        debug_assert!(!places[..self.dimension].contains(&INFINITY));
        places
    }

    /// A point inside the cell; `None` where floats do not prove it.
    pub fn inside(&self) -> Option<Point> {
        let (point, _) = self.centre(&self.generators, self.error)?;
        self.is_positive_at(&point).then_some(point)
    }

    /// A point amid generators with this E, and how far it is, per coordinate, from an exact
    /// combination of them: the mean of the vertices, and from there a step along each ray.
    pub(super) fn centre(&self, generators: &Generators, error: f64) -> Option<(Point, f64)> {
        let (d, width) = (self.dimension, self.dimension + 1);
        let Mean {
            mut point,
            vertices,
            largest,
            mut distance,
        } = mean(d, generators, error)?;
        let mut terms = vertices + 4.0;
        let infinity = self.infinity();
        for (index, facets) in generators.facets.iter().enumerate() {
            if facets & infinity == 0 {
                continue;
            }
            let direction = |k| generators.coordinate(width, index, k);
            let size = (0..d).fold(error, |size: f64, k| size.max(direction(k).abs()));
            let step = largest / size;
            for (k, sum) in point[..d].iter_mut().enumerate() {
                *sum += step * direction(k);
            }
            distance += 1.01 * step * error;
            terms += 4.0;
        }
        // Roundings: as many terms, of up to this size.
        distance += 2.0 * terms * terms * UNIT * largest;
        Some((Point::from_slice(&point[..d]), distance))
    }

    /// The bit of infinity, if it is a facet: it was the first.
    pub(super) fn infinity(&self) -> Facets {
        u64::from(self.facets[0].place == INFINITY)
    }

    /// The bits of the cell's facets, but for infinity.
    fn sides(&self) -> Facets {
        let lie_on = self.generators.facets.iter();
        lie_on.fold(0, |used, facets| used | facets) & !self.infinity()
    }

    /// Proves that the cell holds a point.
    fn is_positive_at(&self, point: &Point) -> bool {
        let d = self.dimension as f64;
        let larger = |max: f64, x: &f64| if x.abs() > max { x.abs() } else { max };
        let largest = point.iter().fold(1.0, larger);
        // Entries are at most 1, and off by less than E in sum.
        let bound = (self.error + 16.0 * (d + 1.0) * UNIT) * largest;
        bits(self.sides()).all(|slot| self.facets[slot].at(point) > bound)
    }
}

/// The mean of vertices.
struct Mean {
    point: Coordinates,
    /// How many.
    vertices: f64,
    /// The largest magnitude of a vertex' coordinates, or 1.
    largest: f64,
    /// A bound on how far any coordinate of any of them is from the exact one, without
    /// roundings.
    distance: f64,
}

/// For each block of generators a bit for each that is picked.
type Blocks = SmallVec<[u32; 32]>;

/// A share by which to err on the safe side: it makes up for some roundings, and more.
const NEARLY: f64 = 1.0 / (1u64 << 40) as f64;

for_all_processors! {
    fn find_least<L>(
        cell: &Vertices,
        level: &Level,
        settled: &Settled,
        found: &mut Vec<(usize, u32, i32)>,
        others: &mut Settled,
    ) {
        match cell.dimension {
            2 => find_least_in::<L, 3>(cell, level, settled, found, others),
            3 => find_least_in::<L, 4>(cell, level, settled, found, others),
            4 => find_least_in::<L, 5>(cell, level, settled, found, others),
            _ => find_least_in::<L, 6>(cell, level, settled, found, others),
        }
    }

    /// For generators with error E and heights w, 1 / (w + 2 E); for lanes that are left over 2^200,
    /// as if they were at infinity.
    fn inverse_heights<L>(
        dimension: usize,
        generators: &Generators,
        error: f64,
        to: &mut Vec<[f64; LANES]>,
    ) {
        match dimension {
            2 => inverse_heights_in::<L, 3>(generators, error, to),
            3 => inverse_heights_in::<L, 4>(generators, error, to),
            4 => inverse_heights_in::<L, 5>(generators, error, to),
            _ => inverse_heights_in::<L, 6>(generators, error, to),
        }
    }

    fn add_nearly_least<L>(cell: &Vertices, target: &Target, sign: f64, wanted: &mut Blocks) {
        match cell.dimension {
            2 => add_nearly_least_in::<L, 3>(cell, target, sign, wanted),
            3 => add_nearly_least_in::<L, 4>(cell, target, sign, wanted),
            4 => add_nearly_least_in::<L, 5>(cell, target, sign, wanted),
            _ => add_nearly_least_in::<L, 6>(cell, target, sign, wanted),
        }
    }

    fn least<L>(
        dimension: usize,
        generators: &Generators,
        inverse: &[[f64; LANES]],
        error: f64,
        target: &Target,
        sign: f64,
    ) -> Option<usize> {
        match dimension {
            2 => least_in::<L, 3>(generators, inverse, error, target, sign),
            3 => least_in::<L, 4>(generators, inverse, error, target, sign),
            4 => least_in::<L, 5>(generators, inverse, error, target, sign),
            _ => least_in::<L, 6>(generators, inverse, error, target, sign),
        }
    }

    fn mean<L>(dimension: usize, generators: &Generators, error: f64) -> Option<Mean> {
        match dimension {
            2 => mean_in::<L, 3>(generators, error),
            3 => mean_in::<L, 4>(generators, error),
            4 => mean_in::<L, 5>(generators, error),
            _ => mean_in::<L, 6>(generators, error),
        }
    }
}

#[inline(always)]
fn find_least_in<L: Lanes, const K: usize>(
    cell: &Vertices,
    level: &Level,
    settled: &Settled,
    found: &mut Vec<(usize, u32, i32)>,
    others: &mut Settled,
) {
    let (generators, inverse, error) = (&cell.generators, &cell.inverse, cell.error);
    for (class, sign) in settled.sides() {
        let target = &level.target_of::<K>(class);
        match least_in::<L, K>(generators, inverse, error, target, sign.into()) {
            Some(vertex) => found.push((vertex, class, sign)),
            None => others.push(class, sign),
        }
    }
}

/// The one of these generators with error E where `sign` times a row, positive at all of them, is
/// least for its height; `None` where it is not proved to be the only one. `inverse` has what
/// [`inverse_heights`] makes of the heights.
///
/// From there the row grows along every edge, so its multipliers on the facets are positive. Values
/// v and heights w are off by no more than β and E, so that v / w, infinite where w is zero, is at
/// least (v - β) / (w + 2 E) everywhere and at most (v + β) / (w - E) where w is larger than E.
/// Which generator it is stands in the last bits of its slope, so that no branch asks for it.
#[inline(always)]
fn least_in<L: Lanes, const K: usize>(
    generators: &Generators,
    inverse: &[[f64; LANES]],
    error: f64,
    target: &Target,
    sign: f64,
) -> Option<usize> {
    let entries: [L; K] = target.row().map(|entry| L::all(sign * entry));
    let blocks = generators.blocks.as_chunks::<K>().0;
    if blocks.len() > MOST_TAGS / LANES {
        return None;
    }
    let beta = bound(K - 1, error, target);
    let (off, infinity) = (L::all(-beta), L::all(f64::INFINITY));
    let (mut least, mut second) = (infinity, infinity);
    for ((block, inverse), tags) in blocks.iter().zip(inverse).zip(&TAGS) {
        let slope = value(&entries, block).plus(off).times(L::load(inverse));
        let slope = slope.tagged(L::load(tags));
        second = second.min(least.max(slope));
        least = slope.min(least);
    }
    let ([a, b, c, d], second) = (least.array(), second.smallest());
    let order = |a: f64, b: f64| if b < a { (b, a) } else { (a, b) };
    let ((a, b), (c, d)) = (order(a, b), order(c, d));
    let ((smallest, a), (b, _)) = (order(a, c), order(b, d));
    let (other, _) = order(order(a, b).0, second);
    let index = (smallest.to_bits() % MOST_TAGS as u64) as usize;
    let coordinate = |k: usize| blocks[index / LANES][k][index % LANES];
    let (mut v, w) = (0.0, coordinate(K - 1));
    for k in 0..K {
        v += sign * target.entries[k] * coordinate(k);
    }
    // Four roundings and a tag, which is less than 2^-42 of a slope, make a slope; here are three
    // more. None is of numbers near to underflow, as no factor is smaller than TINY.
    let upper = v + beta;
    let proved = w > 1e3 * error && upper >= TINY && other * (1.0 - NEARLY) * (w - error) > upper;
    proved.then_some(index)
}

/// Picks the generators where `sign` times a row, positive at all of them, may be least for its
/// height. With bounds as above, quotients are at least (v - β) / (w + 2 E) and, where w is larger
/// than 2 E, at most (v + β) / (w - 2 E).
#[inline(always)]
fn add_nearly_least_in<L: Lanes, const K: usize>(
    cell: &Vertices,
    target: &Target,
    sign: f64,
    wanted: &mut Blocks,
) {
    let entries: [L; K] = target.row().map(|entry| L::all(sign * entry));
    let blocks = cell.generators.blocks.as_chunks::<K>().0;
    let beta = L::all(bound(K - 1, cell.error, target));
    let (zero, infinity, twice) = (L::all(0.0), L::all(f64::INFINITY), L::all(2.0 * cell.error));
    let mut least = infinity;
    for block in blocks {
        let height = L::load(&block[K - 1]).minus_product(twice, L::all(1.0));
        let slope = value(&entries, block).plus(beta).over(height);
        least = zero.below_pick(height, slope, infinity).min(least);
    }
    let least = L::all(least.smallest() * (1.0 + NEARLY));
    let minus = L::all(-1.0);
    for ((block, inverse), wanted) in blocks.iter().zip(&cell.inverse).zip(wanted) {
        let slope = value(&entries, block).plus_product(minus, beta);
        let beyond = slope.times(L::load(inverse)).above(least);
        *wanted |= !beyond;
    }
}

/// So many generators can be told apart by the last bits of a float.
const MOST_TAGS: usize = 256;

/// Their numbers as last bits.
const TAGS: [[f64; LANES]; MOST_TAGS / LANES] = {
    let mut tags = [[0.0; LANES]; MOST_TAGS / LANES];
    let mut n = 0;
    while n < MOST_TAGS {
        tags[n / LANES][n % LANES] = f64::from_bits(n as u64);
        n += 1;
    }
    tags
};

#[inline(always)]
fn inverse_heights_in<L: Lanes, const K: usize>(
    generators: &Generators,
    error: f64,
    to: &mut Vec<[f64; LANES]>,
) {
    const FAR: f64 = f64::from_bits((1023 + 200) << 52);
    let blocks = generators.blocks.as_chunks::<K>().0;
    to.resize(blocks.len(), [0.0; LANES]);
    let (one, twice) = (L::all(1.0), L::all(2.0 * error));
    for (block, to) in blocks.iter().zip(&mut *to) {
        one.over(L::load(&block[K - 1]).plus(twice)).store(to);
    }
    if let Some(last) = to.last_mut() {
        let left = generators.facets.len() % LANES;
        if left > 0 {
            last[left..].fill(FAR);
        }
    }
}

/// The mean of those vertices that are far from infinity.
#[inline(always)]
fn mean_in<L: Lanes, const K: usize>(generators: &Generators, error: f64) -> Option<Mean> {
    let (zero, one, low) = (L::all(0.0), L::all(1.0), L::all(1e3 * error));
    let mut sums = [zero; K];
    let (mut vertices, mut largest, mut distance) = (zero, one, zero);
    let blocks = generators.blocks.as_chunks::<K>().0;
    for (block, lie_on) in blocks.iter().zip(generators.facets.chunks(LANES)) {
        let there: [f64; LANES] =
            std::array::from_fn(|lane| if lane < lie_on.len() { 1.0 } else { 0.0 });
        let height = L::load(&block[K - 1]);
        // Ends of rays have height zero.
        let weight = low.below_pick(height, L::load(&there), zero);
        let weighted = weight.over(height.max(low));
        let mut own = one;
        for k in 0..K - 1 {
            let coordinate = weighted.times(L::load(&block[k]));
            sums[k] = sums[k].plus(coordinate);
            own = coordinate.abs().max(own);
        }
        vertices = vertices.plus(weight);
        largest = own.max(largest);
        // E (1 + own) / (height - E), as both are off by E.
        let off = own.times(weighted).times(L::all(2.01 * error));
        distance = off.max(distance);
    }
    let sum = |lanes: L| lanes.array().iter().sum::<f64>();
    let vertices = sum(vertices);
    if vertices == 0.0 {
        return None;
    }
    let mut point = [0.0; ENTRIES];
    for k in 0..K - 1 {
        point[k] = sum(sums[k]) / vertices;
    }
    Some(Mean {
        point,
        vertices,
        largest: largest.largest(),
        distance: distance.largest(),
    })
}
