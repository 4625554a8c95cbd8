//! What proofs are told of a cell that is known by its vertices: where a row is least, and points.

use smallvec::SmallVec;

use super::Vertices;
use super::generators::{ENTRIES, Facets, Generators, INFINITY, Target, bits, bound, value};
use crate::arithmetic::float::{TINY, UNIT};
use crate::arithmetic::lanes::{LANES, Lanes, for_all_processors};
use crate::search::engine::witness::{self, Point};

/// A point, as far as it has coordinates.
type Coordinates = [f64; ENTRIES];

impl Vertices {
    /// Where `sign` times a row, positive on the cell, is least: the places of the facets of
    /// that vertex, which prove that it is; `None` where floats do not.
    pub fn least(&self, target: &Target, sign: i32) -> Option<SmallVec<[u32; 5]>> {
        let mut places = SmallVec::new();
        for slot in bits(self.generators.facets[least(self, target, sign.into())?]) {
            places.push(self.facets[slot].place);
        }
        // Only vertices far from infinity are looked at.
        debug_assert!(!places.contains(&INFINITY));
        Some(places)
    }

    /// A point inside the cell, short if asked; `None` where floats do not prove it.
    pub fn inside(&self, short: bool) -> Option<Point> {
        let (point, _) = self.centre(&self.generators, self.error)?;
        let rounded = match short {
            true => witness::rounded(&point, self.room(&point)),
            false => None,
        };
        let mut candidates = rounded.into_iter().chain([point]);
        candidates.find(|point| self.is_positive_around(point, 0.0))
    }

    /// After a cut, or crossings, a short point near to where these hyperplanes cross inside the
    /// cell, so near that [the proof] needs no more; `None` where floats do not prove it.
    ///
    /// [the proof]: witness::near_crossing
    pub fn near_crossing(&self) -> Option<Point> {
        let (point, distance) = self.centre(&self.section, self.section_error)?;
        let least = self.room(&point);
        let (short, reach) = witness::near_crossing(&point, least, distance)?;
        self.is_positive_around(&short, reach).then_some(short)
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
    fn infinity(&self) -> Facets {
        u64::from(self.facets[0].place == INFINITY)
    }

    /// The bits of the cell's facets, but for infinity.
    fn sides(&self) -> Facets {
        let lie_on = self.generators.facets.iter();
        lie_on.fold(0, |used, facets| used | facets) & !self.infinity()
    }

    /// What the constraints are worth at a point, at least, if the linear parts of their rows have
    /// size 1.
    fn room(&self, point: &Point) -> f64 {
        let mut room = f64::INFINITY;
        for slot in bits(self.sides()) {
            let facet = &self.facets[slot];
            let linear = &facet.entries[..point.len()];
            let larger = |max: f64, a: &f64| if a.abs() > max { a.abs() } else { max };
            let worth = facet.at(point) / linear.iter().fold(0.0, larger);
            room = if worth < room { worth } else { room };
        }
        room
    }

    /// Proves that the cell holds all points whose coordinates differ from those of a point by no
    /// more than `reach`.
    fn is_positive_around(&self, point: &Point, reach: f64) -> bool {
        let d = self.dimension as f64;
        let larger = |max: f64, x: &f64| if x.abs() > max { x.abs() } else { max };
        let largest = point.iter().fold(1.0, larger);
        // Entries are at most 1, and off by less than E in sum.
        let bound = (self.error + 16.0 * (d + 1.0) * UNIT) * largest + 1.001 * d * reach;
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
    fn least<L>(cell: &Vertices, target: &Target, sign: f64) -> Option<usize> {
        match cell.dimension {
            2 => least_in::<L, 3>(cell, target, sign),
            3 => least_in::<L, 4>(cell, target, sign),
            4 => least_in::<L, 5>(cell, target, sign),
            _ => least_in::<L, 6>(cell, target, sign),
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

/// The generator where `sign` times a row, positive at all of them, is least for its height;
/// `None` where it is not proved to be the only one.
///
/// From there the row grows along every edge, so its multipliers on the facets are positive. With
/// values v and heights w at the vertex, and v', w' elsewhere, v'/w' > v/w means v' w > v w',
/// also where w' is zero; these products are off by no more than β (w + w') + E (v + v') + 2 β E
/// and their roundings, β bounding how far values are off.
#[inline(always)]
fn least_in<L: Lanes, const K: usize>(
    cell: &Vertices,
    target: &Target,
    sign: f64,
) -> Option<usize> {
    let entries: [L; K] = target.row().map(|entry| L::all(sign * entry));
    let blocks = cell.generators.blocks.as_chunks::<K>().0;
    let (mut least, mut found) = (L::all(f64::INFINITY), L::all(0.0));
    let low = L::all(TINY);
    for (number, block) in blocks.iter().enumerate() {
        let height = L::load(&block[K - 1]).max(low);
        let slope = value(&entries, block).over(height);
        found = slope.below_pick(least, L::all(number as f64), found);
        least = slope.min(least);
    }
    let smallest = least.smallest();
    let lane = (0..LANES).find(|&lane| least.array()[lane] == smallest)?;
    let number = found.array()[lane] as usize;
    let block = &blocks[number];
    let (v, w) = (value(&entries, block).array()[lane], block[K - 1][lane]);
    if w <= 1e3 * cell.error {
        return None;
    }
    let beta = bound(K - 1, cell.error, target);
    let (v_here, w_here) = (L::all(v), L::all(w));
    let (beta, error) = (L::all(4.0 * beta), L::all(4.0 * cell.error));
    let rounding = L::all(8.0 * UNIT);
    for (other, block) in blocks.iter().enumerate() {
        let (value, height) = (value(&entries, block), L::load(&block[K - 1]));
        let (one, two) = (value.times(w_here), height.times(v_here));
        let doubt = beta.times(w_here.plus(height));
        let doubt = doubt.plus_product(error, v_here.plus(value));
        let doubt = doubt.plus_product(rounding, one.plus(two));
        let mut less = !one.minus_product(height, v_here).above(doubt) & 0b1111;
        // Lanes that are left over repeat the first.
        let lanes = (cell.generators.facets.len() - LANES * other).min(LANES);
        less &= (1 << lanes) - 1;
        if other == number {
            less &= !(1 << if lane < lanes { lane } else { 0 });
        }
        if less != 0 {
            return None;
        }
    }
    let index = LANES * number + lane;
    Some(if index < cell.generators.facets.len() {
        index
    } else {
        LANES * number
    })
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
