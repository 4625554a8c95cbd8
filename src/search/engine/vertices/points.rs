//! Points in the middle of a cell, or of what hyperplanes have in common inside it, for proofs: with
//! as few digits as leave them inside.

use super::Vertices;
use super::generators::*;
use crate::arithmetic::float::{UNIT, WHOLE, power_of_two};
use crate::arithmetic::lanes::{LANES, Lanes, arrays, for_all_processors};

/// A point in homogeneous coordinates.
type Homogeneous = [f64; ENTRIES];

/// Coordinates over one power of two.
#[derive(Clone, Copy, Debug)]
pub struct Dyadic {
    pub exponent: i64,
    dimension: usize,
    mantissas: [i64; ENTRIES - 1],
}

impl Dyadic {
    pub fn mantissas(&self) -> &[i64] {
        &self.mantissas[..self.dimension]
    }
}

/// A row that is to be zero.
struct Zero {
    entries: [f64; ENTRIES],
    /// How far its value in floats may be off where no coordinate is larger than 1; in proportion,
    /// where they are. No entry is farther off.
    off: f64,
}

/// See [`weight`].
const FAR: f64 = 1024.0;

/// What is larger, or smaller than one over it, is refused: products of four numbers in between stay
/// within 2^960, so that nothing overflows, and what underflows is far below what is compared.
const ORDINARY: f64 = (1u128 << 120) as f64 * (1u128 << 120) as f64;

/// A share by which to err on the safe side: it makes up for some roundings, and more.
const NEARLY: f64 = 1.0 / (1u64 << 10) as f64;

impl Vertices {
    /// A point of the cell.
    pub fn point(&self) -> Option<Dyadic> {
        let point = sum(self.dimension, &self.generators);
        dyadic(self, &point, &[], None)
    }

    /// A point near which a hyperplane has one inside the cell.
    pub fn point_on(&mut self, target: &Target) -> Option<Dyadic> {
        let point = self.between(target);
        dyadic(self, &point, &[Zero::new(target)], None)
    }

    /// After a cut, a point near which its hyperplane and another one have one in common.
    pub fn point_on_section(&mut self, target: &Target) -> Option<Dyadic> {
        let slot = self.cut?;
        let cut = Zero {
            entries: self.facets[slot].entries,
            off: off(self.dimension, self.error),
        };
        let (d, section, weights) = (self.dimension, &self.section, &mut self.inverse);
        let [above, below] = weigh(d, section, &target.entries, weights);
        let point = sum_weighted(d, section, weights, [below, above]);
        dyadic(self, &point, &[cut, Zero::new(target)], Some((slot, 0)))
    }

    /// After a cut, a point of its side of this sign.
    pub fn point_of_side(&mut self, sign: i32) -> Option<Dyadic> {
        let slot = self.cut?;
        let (d, generators, weights) = (self.dimension, &self.generators, &mut self.inverse);
        weigh(d, generators, &self.facets[slot].entries, weights);
        let factors = if sign > 0 { [1.0, 0.0] } else { [0.0, 1.0] };
        let mut point = sum_weighted(d, generators, weights, factors);
        for (sum, x) in point.iter_mut().zip(sum(d, &self.section)) {
            *sum += x;
        }
        dyadic(self, &point, &[], Some((slot, sign)))
    }

    /// After a cut, a point near which another hyperplane has one on its side of this sign; the
    /// two have nothing in common in the cell.
    pub fn point_on_side(&mut self, target: &Target, sign: i32) -> Option<Dyadic> {
        let slot = self.cut?;
        let point = self.between(target);
        dyadic(self, &point, &[Zero::new(target)], Some((slot, sign)))
    }

    /// A point on a hyperplane, between the generators on its two sides.
    fn between(&mut self, target: &Target) -> Homogeneous {
        let (d, generators, weights) = (self.dimension, &self.generators, &mut self.inverse);
        let [above, below] = weigh(d, generators, &target.entries, weights);
        sum_weighted(d, generators, weights, [below, above])
    }
}

/// A bound on how far a facet's value in floats is off at a point with coordinates up to 1. Its
/// entries are at most 1, and d! times what they are off by in sum is less than E.
#[inline(always)]
fn off(d: usize, error: f64) -> f64 {
    error / factorial(d) + 16.0 * (d + 1) as f64 * UNIT
}

impl Zero {
    fn new(target: &Target) -> Self {
        Zero {
            entries: target.entries,
            off: target.slack,
        }
    }
}

/// A point with few digits near this one; `None` where floats do not prove that the point that
/// is nearest to it, of those at which these rows are zero, lies inside the cell, and on the side
/// of this sign of the facet on which it is cut, if that is not zero.
///
/// Call the given point p, its nearest one among those q, the rounded one y and its nearest
/// one z. Rounding moves a coordinate by half a step at most. Where no row is to be zero, z is
/// y. Else z is no farther from q than y is from p, as going to the nearest point brings
/// points together, so that z is as near to p as half a step times the root of d and the
/// distance from p to q.
#[inline(always)]
fn dyadic_in<L: Lanes, const K: usize>(
    cell: &Vertices,
    point: &Homogeneous,
    zeros: &[Zero],
    cut: Option<(usize, i32)>,
) -> Option<Dyadic> {
    let d = K - 1;
    let mut p = [0.0; ENTRIES];
    let mut largest = 1.0;
    for (coordinate, x) in p[..d].iter_mut().zip(point) {
        *coordinate = x / point[d];
        let size = coordinate.abs();
        // Not-a-number is not small.
        let small = size < ORDINARY;
        if !small {
            return None;
        }
        largest = if size > largest { size } else { largest };
    }
    p[d] = 1.0;
    let off = off(K - 1, cell.error) * largest;
    let but = cut.map_or(usize::MAX, |(slot, _)| slot);
    let mut room = room::<L, K>(&cell.facets, &p, off, but);
    if let Some((slot, sign)) = cut
        && sign != 0
    {
        let mut facet = cell.facets[slot];
        facet.turn(sign);
        let (mut value, mut norm) = (facet.entries[d] - off, off);
        for (k, x) in p[..d].iter().enumerate() {
            value += facet.entries[k] * x;
            norm += facet.entries[k].abs();
        }
        room = room.min(value / norm);
    }
    // The bounds hold but for roundings.
    let room = room.min(ORDINARY) * (1.0 - NEARLY);
    let (root, distance) = match zeros {
        [] => (1.0, 0.0),
        _ => ((d as f64).sqrt(), distance::<K>(&p, largest, zeros)?),
    };
    let enough = room > 1.0 / ORDINARY;
    if !enough {
        return None;
    }
    // Of a normal number.
    let exponent = ((1.75 * room / root).to_bits() >> 52) as i64 - 1023;
    let (step, inverse) = (power_of_two(exponent), power_of_two(-exponent));
    let inside = (0.5 * step * root + distance) * (1.0 + NEARLY) < room;
    if !inside {
        return None;
    }
    let mut mantissas = [0; ENTRIES - 1];
    for k in 0..K - 1 {
        let whole = p[k] * inverse;
        let exact = whole.abs() < (1u64 << 50) as f64;
        if !exact {
            return None;
        }
        mantissas[k] = ((whole + WHOLE) - WHOLE) as i64;
    }
    Some(Dyadic {
        exponent,
        dimension: d,
        mantissas,
    })
}

/// Of the linear parts.
#[inline(always)]
fn product<const K: usize>(a: &[f64; ENTRIES], b: &[f64; ENTRIES]) -> f64 {
    let mut sum = 0.0;
    for k in 0..K - 1 {
        sum += a[k] * b[k];
    }
    sum
}

/// A bound on how far a point, whose coordinates are up to `largest` in magnitude, is from where
/// these rows, one or two, are zero; `None` where floats do not tell.
///
/// With values v of the rows at the point and their Gram matrix G, the square of the distance is
/// v' G^-1 v. For one row that is (v / n)^2, n being its norm; for two it is at most (|v| |b| +
/// |w| |a|)^2 / det G. Entries are off by less than 2^-34 of the norms, and so are what is made of
/// them but for few times as much; the determinant is at least 2^-20 of the largest that it could be,
/// and known up to less than 2^-29 of that. So the distance is off by less than [`NEARLY`], but not
/// by much less.
#[inline(always)]
fn distance<const K: usize>(point: &Homogeneous, largest: f64, zeros: &[Zero]) -> Option<f64> {
    const VAGUE: f64 = 1.0 / (1u64 << 34) as f64;
    const NARROW: f64 = 1.0 / (1u64 << 20) as f64;
    let of_row = |zero: &Zero| {
        let square = product::<K>(&zero.entries, &zero.entries);
        let norm = square.sqrt();
        let known = norm > 1.0 / ORDINARY && norm < ORDINARY && zero.off < VAGUE * norm;
        let value = product::<K>(&zero.entries, point) + zero.entries[K - 1];
        let value = value.abs() + zero.off * largest;
        known.then_some((value, norm, square))
    };
    let distance = match zeros {
        [zero] => {
            let (value, norm, _) = of_row(zero)?;
            value / norm
        }
        [one, other] => {
            let ((v, a, aa), (w, b, bb)) = (of_row(one)?, of_row(other)?);
            let ab = product::<K>(&one.entries, &other.entries);
            let determinant = aa * bb - ab * ab;
            let open = determinant > NARROW * (aa * bb);
            if !open {
                return None;
            }
            (v * b + w * a) / determinant.sqrt()
        }
        _ => return None,
    };
    Some(distance * (1.0 + NEARLY))
}

for_all_processors! {
    /// The sum of generators, each as [`weight`] has it.
    fn sum<L>(dimension: usize, generators: &Generators) -> Homogeneous {
        match dimension {
            2 => sum_in::<L, 3>(generators),
            3 => sum_in::<L, 4>(generators),
            4 => sum_in::<L, 5>(generators),
            _ => sum_in::<L, 6>(generators),
        }
    }

    /// The same weights, negative where a row is, and what it sums up to at all these generators
    /// where it is positive, and where it is negative.
    fn weigh<L>(
        dimension: usize,
        generators: &Generators,
        row: &[f64; ENTRIES],
        weights: &mut Vec<[f64; LANES]>,
    ) -> [f64; 2] {
        match dimension {
            2 => weigh_in::<L, 3>(generators, row, weights),
            3 => weigh_in::<L, 4>(generators, row, weights),
            4 => weigh_in::<L, 5>(generators, row, weights),
            _ => weigh_in::<L, 6>(generators, row, weights),
        }
    }

    /// The sum of generators by the magnitudes of such weights, positive and negative ones times
    /// these factors.
    fn sum_weighted<L>(
        dimension: usize,
        generators: &Generators,
        weights: &[[f64; LANES]],
        factors: [f64; 2],
    ) -> Homogeneous {
        match dimension {
            2 => sum_weighted_in::<L, 3>(generators, weights, factors),
            3 => sum_weighted_in::<L, 4>(generators, weights, factors),
            4 => sum_weighted_in::<L, 5>(generators, weights, factors),
            _ => sum_weighted_in::<L, 6>(generators, weights, factors),
        }
    }

    /// See [`dyadic_in`].
    fn dyadic<L>(
        cell: &Vertices,
        point: &Homogeneous,
        zeros: &[Zero],
        cut: Option<(usize, i32)>,
    ) -> Option<Dyadic> {
        match cell.dimension {
            2 => dyadic_in::<L, 3>(cell, point, zeros, cut),
            3 => dyadic_in::<L, 4>(cell, point, zeros, cut),
            4 => dyadic_in::<L, 5>(cell, point, zeros, cut),
            _ => dyadic_in::<L, 6>(cell, point, zeros, cut),
        }
    }
}

/// As much of a generator of this height as makes the height 1, but no more for the ends of rays,
/// or what is near to infinity, than [`FAR`]. Any weights will do that are positive.
#[inline(always)]
fn weight<L: Lanes>(height: L) -> L {
    L::all(1.0).over(height.max(L::all(1.0 / FAR)))
}

// Lanes that are left over count a generator more than once.

#[inline(always)]
fn sum_in<L: Lanes, const K: usize>(generators: &Generators) -> Homogeneous {
    let mut sums = [L::all(0.0); K];
    for block in generators.blocks.as_chunks::<K>().0 {
        let weight = weight(L::load(&block[K - 1]));
        for k in 0..K {
            sums[k] = sums[k].plus_product(weight, L::load(&block[k]));
        }
    }
    totals(sums)
}

#[inline(always)]
fn weigh_in<L: Lanes, const K: usize>(
    generators: &Generators,
    row: &[f64; ENTRIES],
    weights: &mut Vec<[f64; LANES]>,
) -> [f64; 2] {
    let zero = L::all(0.0);
    let mut entries = [zero; K];
    for k in 0..K {
        entries[k] = L::all(row[k]);
    }
    let blocks = generators.blocks.as_chunks::<K>().0;
    weights.resize(blocks.len(), [0.0; LANES]);
    let (mut above, mut below) = (zero, zero);
    for (block, own) in blocks.iter().zip(weights) {
        let value = value(&entries, block);
        let weight = weight(L::load(&block[K - 1]));
        let negative = zero.minus_product(L::all(1.0), weight);
        let signed = value.below_pick(zero, negative, weight);
        signed.store(own);
        above = above.plus_product(signed.max(zero), value);
        below = below.plus_product(signed.min(zero), value);
    }
    let [[a, b, c, d], [e, f, g, h]] = arrays([above, below]);
    [(a + b) + (c + d), (e + f) + (g + h)]
}

#[inline(always)]
fn sum_weighted_in<L: Lanes, const K: usize>(
    generators: &Generators,
    weights: &[[f64; LANES]],
    factors: [f64; 2],
) -> Homogeneous {
    let zero = L::all(0.0);
    let (above, below) = (L::all(factors[0]), L::all(-factors[1]));
    let mut sums = [zero; K];
    for (block, own) in generators.blocks.as_chunks::<K>().0.iter().zip(weights) {
        let own = L::load(own);
        let weight = own.times(own.below_pick(zero, below, above));
        for k in 0..K {
            sums[k] = sums[k].plus_product(weight, L::load(&block[k]));
        }
    }
    totals(sums)
}

#[inline(always)]
fn totals<L: Lanes, const K: usize>(sums: [L; K]) -> Homogeneous {
    let mut totals = [0.0; ENTRIES];
    for k in 0..K {
        let [a, b, c, d] = sums[k].array();
        totals[k] = (a + b) + (c + d);
    }
    totals
}

/// How far, but for roundings, every coordinate of a point may be moved so that all facets but
/// one stay positive, whose values in floats may be so far `off`, and their entries no farther.
#[inline(always)]
fn room<L: Lanes, const K: usize>(
    facets: &[Facet],
    point: &Homogeneous,
    off: f64,
    but: usize,
) -> f64 {
    let mut p = [L::all(0.0); K];
    for k in 0..K {
        p[k] = L::all(point[k]);
    }
    let mut room = L::all(f64::INFINITY);
    let (last, mut next) = (facets.len() - 1, 0);
    while next <= last {
        // The last four overlap those before.
        let first = next.min((last + 1).saturating_sub(LANES));
        let mut slots = [0; LANES];
        for (lane, slot) in slots.iter_mut().enumerate() {
            *slot = (first + lane).min(last) as u32;
        }
        let row: [L; K] = gather(facets, slots);
        let (mut value, mut norm) = (
            row[K - 1].minus_product(L::all(1.0), L::all(off)),
            L::all(off),
        );
        for k in 0..K - 1 {
            value = value.plus_product(row[k], p[k]);
            norm = norm.plus(row[k].abs());
        }
        let mut own = value.over(norm);
        if (first..first + LANES).contains(&but) {
            let mut each = own.array();
            each[but - first] = f64::INFINITY;
            own = L::load(&each);
        }
        room = own.min(room);
        next += LANES;
    }
    room.smallest()
}
