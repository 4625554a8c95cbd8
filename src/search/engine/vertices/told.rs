//! What proofs are told of a cell that is known by its vertices: where a row is least, and points.

use super::Vertices;
use super::generators::{ENTRIES, Facets, Generators, INFINITY, Target, bits, bound, value};
use crate::arithmetic::float::{TINY, UNIT};
use crate::arithmetic::lanes::{LANES, Lanes, for_all_processors};
use crate::search::engine::witness::Point;

/// A point, as far as it has coordinates.
type Coordinates = [f64; ENTRIES];

/// The places of d facets on the path.
pub type Places = [u32; 4];

impl Vertices {
    /// Where `sign` times a row, positive on the cell, is least: the places of the facets of
    /// that vertex, which prove that it is; `None` where floats do not.
    pub fn least(&self, target: &Target, sign: i32) -> Option<Places> {
        self.least_of(&self.generators, target, sign)
    }

    /// The same after a cut on one of its sides, where a row that crosses the other side and
    /// not the section is positive. It is least on the section there, as between any other
    /// point and one where it is negative there is one on the section with a smaller value.
    pub fn least_on_section(&self, target: &Target, sign: i32) -> Option<Places> {
        self.least_of(&self.section, target, sign)
    }

    fn least_of(&self, generators: &Generators, target: &Target, sign: i32) -> Option<Places> {
        let found = least(self.dimension, generators, self.error, target, sign.into())?;
        let mut places = Places::default();
        for (place, slot) in places.iter_mut().zip(bits(generators.facets[found])) {
            *place = self.facets[slot].place;
        }
        // Only vertices far from infinity are looked at.
        debug_assert!(!places[..self.dimension].contains(&INFINITY));
        Some(places)
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

for_all_processors! {
    fn least<L>(
        dimension: usize,
        generators: &Generators,
        error: f64,
        target: &Target,
        sign: f64,
    ) -> Option<usize> {
        match dimension {
            2 => least_in::<L, 3>(generators, error, target, sign),
            3 => least_in::<L, 4>(generators, error, target, sign),
            _ => least_in::<L, 5>(generators, error, target, sign),
        }
    }

    fn mean<L>(dimension: usize, generators: &Generators, error: f64) -> Option<Mean> {
        match dimension {
            2 => mean_in::<L, 3>(generators, error),
            3 => mean_in::<L, 4>(generators, error),
            _ => mean_in::<L, 5>(generators, error),
        }
    }
}

/// The one of these generators with error E where `sign` times a row, positive at all of them, is
/// least for its height; `None` where it is not proved to be the only one.
///
/// From there the row grows along every edge, so its multipliers on the facets are positive. Values
/// v and heights w are off by no more than β and E, so that v / w, infinite where w is zero, is at
/// least (v - β) / (w + 2 E) everywhere and at most (v + β) / (w - E) where w is larger than E.
#[inline(always)]
fn least_in<L: Lanes, const K: usize>(
    generators: &Generators,
    error: f64,
    target: &Target,
    sign: f64,
) -> Option<usize> {
    let entries: [L; K] = target.row().map(|entry| L::all(sign * entry));
    let (blocks, count) = (
        generators.blocks.as_chunks::<K>().0,
        generators.facets.len(),
    );
    let beta = bound(K - 1, error, target);
    let (off, room, infinity) = (L::all(-beta), L::all(2.0 * error), L::all(f64::INFINITY));
    let (mut least, mut second, mut found) = (infinity, infinity, L::all(0.0));
    let lanes: [f64; LANES] = std::array::from_fn(|lane| lane as f64);
    let lanes = L::load(&lanes);
    for (number, block) in blocks.iter().enumerate() {
        let slope = value(&entries, block).plus(off);
        let slope = slope.over(L::load(&block[K - 1]).plus(room));
        // Lanes that are left over repeat the first.
        let there = L::all((count - LANES * number) as f64);
        let slope = lanes.below_pick(there, slope, infinity);
        found = slope.below_pick(least, L::all(number as f64), found);
        second = second.min(least.max(slope));
        least = slope.min(least);
    }
    let smallest = least.smallest();
    let least = least.array();
    let lane = (0..LANES).find(|&lane| least[lane] == smallest)?;
    let number = found.array()[lane] as usize;
    let block = blocks.get(number)?;
    let (v, w) = (value(&entries, block).array()[lane], block[K - 1][lane]);
    if w <= 1e3 * error {
        return None;
    }
    let upper = (v + beta) / (w - error);
    let mut other = second.array()[lane];
    for k in (0..LANES).filter(|&k| k != lane) {
        other = if least[k] < other { least[k] } else { other };
    }
    // Every slope goes through four roundings, to nearly the same if it is no smaller than TINY.
    let proved = upper >= TINY && other * (1.0 - 16.0 * UNIT) > upper;
    proved.then_some(LANES * number + lane)
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
