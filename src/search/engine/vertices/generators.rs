//! What floats prove of the vertex engine's facets and generators.
//!
//! A facet's row r is scaled so that its float entries are at most 1 in magnitude; its
//! exact entries differ from them by no more than ρ in sum. A generator w is, up to its
//! sign, the vector of minors of d such rows with d + 1 entries: its coordinates are sums of d!
//! products, each of d entries. With u the unit roundoff,
//!
//! - rounding: every product goes through at most 10 roundings up to four dimensions (two for
//!   each of its 2 x 2 minors, one for their product, five for the sum), and at most 17 in five
//!   (two for its 2 x 2 minor, five for its 3 x 3 minor, which is a sum of three products with
//!   2 x 2 minors, one for their product, nine for the sum of ten): these err by at most
//!   d! * 12 u and d! * 18 u;
//! - rows: by expansion along the exact rows, one after another, which have entries of up
//!   to 1 + ρ, by at most d * ρ * (d - 1)! * (1 + ρ)^(d - 1).
//!
//! Together that is the `error` E of all coordinates of all generators, and these are at
//! most d! (1 + 2^-10) in magnitude. A row a, with the magnitudes of its entries summing
//! up to A or less and a slack as rows have it (`search/rows`), has at an exact generator a value that
//! differs from its float value at the computed one by at most A E + d! (1 + 2^-10) slack: the
//! slack covers radii and roundings for coordinates up to 1.

use crate::arithmetic::float::{TINY, UNIT};
use crate::arithmetic::lanes::{LANES, Lanes};
use crate::search::engine::witness::Point;

/// Entries of a row in the most dimensions.
pub const ENTRIES: usize = 6;

/// Four rows to look at, in the lanes of vectors.
#[derive(Clone, Copy)]
pub struct FourTargets<L, const K: usize> {
    /// Their entries, the constants last.
    pub entries: [L; K],
    /// What the magnitudes of the entries of each sum up to.
    pub magnitudes: L,
    pub slack: L,
}

/// Facets of a cell, as bits. With so many a simple cell of five dimensions has at most 3,660
/// vertices (McMullen 1970), fewer than the sets of constraints that a checker reads at once.
pub type Facets = u64;

/// Rows with a constant larger than this, 2^100, times their coefficients become no facets.
const HUGE: f64 = f64::from_bits((1023 + 100) << 52);
/// Nor do scaled ones that are off by so much, 2^-20.
const VAGUE: f64 = f64::from_bits((1023 - 20) << 52);

/// A facet whose constraint is no row: infinity.
pub const INFINITY: u32 = u32::MAX;

/// A constraint that is positive inside, scaled.
#[derive(Clone, Copy, Debug)]
pub struct Facet {
    /// Coefficients, the constant, zeros.
    pub entries: [f64; ENTRIES],
    /// Its place on the path.
    pub place: u32,
}

/// A row to look at: its float entries, what their magnitudes sum up to, and its slack.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    pub entries: [f64; ENTRIES],
    pub magnitudes: f64,
    pub slack: f64,
}

impl Target {
    /// A row of K entries with its slack and its norm.
    #[inline(always)]
    pub fn new(row: &[f64], slack: f64, norm: f64) -> Self {
        let mut entries = [0.0; ENTRIES];
        entries[..row.len()].copy_from_slice(row);
        Target {
            entries,
            magnitudes: norm + row[row.len() - 1].abs(),
            slack,
        }
    }

    /// Its entries, without what is filled up.
    #[inline(always)]
    pub fn row<const K: usize>(&self) -> &[f64; K] {
        self.entries.first_chunk().expect("at most ENTRIES")
    }
}

/// Vertices and ends of rays.
#[derive(Clone, Debug, Default)]
pub struct Generators {
    /// In blocks of [`LANES`]: a vector for each coordinate, the homogeneous one last. Lanes
    /// that are left over repeat the block's first.
    pub blocks: Vec<[f64; LANES]>,
    /// The facets on which each lies.
    pub facets: Vec<Facets>,
}

/// d facets that meet at a point, and another one on whose positive side it lies.
#[derive(Clone, Copy, Debug, Default)]
pub struct Meeting {
    pub facets: Facets,
    pub positive: u32,
}

/// Some of the generators, in ascending order.
#[derive(Clone, Debug, Default)]
pub struct Part {
    count: usize,
    indices: Vec<u32>,
    facets: Vec<Facets>,
}

impl Part {
    /// None yet, and room for so many.
    #[inline(always)]
    pub fn begin(&mut self, room: usize) {
        self.count = 0;
        if self.indices.len() < room {
            self.indices.resize(room, 0);
            self.facets.resize(room, 0);
        }
    }

    #[inline(always)]
    pub fn push(&mut self, index: u32, facets: Facets) {
        self.indices[self.count] = index;
        self.facets[self.count] = facets;
        self.count += 1;
    }

    pub fn indices(&self) -> &[u32] {
        &self.indices[..self.count]
    }

    pub fn facets(&self) -> &[Facets] {
        &self.facets[..self.count]
    }
}

impl Generators {
    pub fn clear(&mut self) {
        self.blocks.clear();
        self.facets.clear();
    }

    #[inline(always)]
    pub fn coordinate(&self, width: usize, index: usize, k: usize) -> f64 {
        self.blocks[index / LANES * width + k][index % LANES]
    }
}

impl Facet {
    /// A row as a facet, and its ρ; `None` when its numbers are too extreme, or too little is
    /// known of them.
    #[inline(always)]
    pub fn new<const K: usize>(target: &Target, place: u32) -> Option<(Facet, f64)> {
        let larger = |max: f64, entry: &f64| if entry.abs() > max { entry.abs() } else { max };
        let row: &[f64; K] = target.row();
        let (constant, linear) = row.split_last().expect("a row has a constant");
        let size = linear.iter().fold(0.0, larger);
        let largest = larger(size, constant);
        // Scaled by a power of two, no entry comes near to underflow.
        let ordinary = (TINY..=1.0 / TINY).contains(&size) && largest <= HUGE * size;
        if !ordinary {
            return None;
        }
        let scale = f64::from_bits((2045 << 52) - (largest.to_bits() & 0x7ff << 52));
        let doubt = target.slack * scale;
        let mut entries = [0.0; ENTRIES];
        for (to, entry) in entries.iter_mut().zip(row) {
            *to = scale * entry;
        }
        (doubt < VAGUE).then_some((Facet { entries, place }, doubt))
    }

    /// Its float value at a point.
    pub fn at(&self, point: &Point) -> f64 {
        let products = self.entries.iter().zip(point).map(|(a, x)| a * x);
        products.sum::<f64>() + self.entries[point.len()]
    }

    pub fn turn(&mut self, sign: i32) {
        if sign < 0 {
            self.entries = self.entries.map(|entry| -entry);
        }
    }

    pub fn infinity(dimension: usize) -> Facet {
        let mut entries = [0.0; ENTRIES];
        entries[dimension] = 1.0;
        Facet {
            entries,
            place: INFINITY,
        }
    }
}

pub fn factorial(d: usize) -> f64 {
    (1..=d).product::<usize>() as f64
}

/// E, with facets whose rows are off by no more than `doubt`.
pub fn error_of(dimension: usize, doubt: f64) -> f64 {
    let roundings = if dimension < 5 { 16.0 } else { 24.0 };
    factorial(dimension) * (roundings * UNIT + 1.001 * doubt) + TINY
}

/// What a row's float value at a generator must exceed to be proved positive.
#[inline(always)]
pub fn bound(dimension: usize, error: f64, target: &Target) -> f64 {
    let [magnitudes, slack] = [target.magnitudes, target.slack];
    // The factor also covers the roundings of these sums.
    (magnitudes * error + factorial(dimension) * slack) * 1.002
}

/// The same of four rows.
#[inline(always)]
fn bound_of_four<L: Lanes, const K: usize>(targets: &FourTargets<L, K>, error: f64) -> L {
    let slack = targets.slack.times(L::all(factorial(K - 1)));
    let sum = slack.plus_product(targets.magnitudes, L::all(error));
    sum.times(L::all(1.002))
}

/// The same of a facet: its K entries are at most 1, and d! times its ρ is less than E.
#[inline(always)]
pub fn bound_of_facets(width: usize, error: f64) -> f64 {
    (width + 1) as f64 * error * 1.002
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

pub fn bits(facets: Facets) -> impl Iterator<Item = usize> {
    let mut left = facets;
    std::iter::from_fn(move || {
        (left != 0).then(|| {
            let bit = left.trailing_zeros() as usize;
            left &= left - 1;
            bit
        })
    })
}

#[inline(always)]
pub fn verdict<L: Lanes, const K: usize>(
    generators: &Generators,
    target: &Target,
    error: f64,
) -> Verdict {
    let bound = bound(K - 1, error, target);
    let (bound, negated) = (L::all(bound), L::all(-bound));
    let entries = target.row().map(L::all);
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

/// Where a cell lies of four hyperplanes, a bit for each.
#[derive(Clone, Copy)]
pub struct FourSides {
    /// Proved to have a part on the positive side.
    pub above: u32,
    /// The same of the negative side.
    pub below: u32,
    /// Proved to lie on one side: the positive one if it has a part there.
    pub on: u32,
}

/// The verdicts on four rows. No number is not-a-number, which the extremes would not show.
#[inline(always)]
pub fn sides_of_four<L: Lanes, const K: usize>(
    generators: &Generators,
    targets: FourTargets<L, K>,
    error: f64,
) -> FourSides {
    let bound = bound_of_four(&targets, error);
    let entries = targets.entries;
    let (mut least, mut largest) = (L::all(f64::MAX), L::all(f64::MIN));
    for block in generators.blocks.as_chunks::<K>().0 {
        #[expect(clippy::needless_range_loop, reason = "a lane of each coordinate")]
        for lane in 0..LANES {
            let mut value = entries[K - 1].times(L::all(block[K - 1][lane]));
            for k in 0..K - 1 {
                value = value.plus_product(entries[k], L::all(block[k][lane]));
            }
            (least, largest) = (value.min(least), value.max(largest));
        }
    }
    let negated = L::all(0.0).minus_product(L::all(1.0), bound);
    FourSides {
        above: largest.above(bound),
        below: negated.above(least),
        on: least.above(bound) | negated.above(largest),
    }
}

/// A row's values at a block of generators.
#[inline(always)]
pub fn value<L: Lanes, const K: usize>(entries: &[L; K], block: &[[f64; LANES]; K]) -> L {
    let mut sum = entries[K - 1].times(L::load(&block[K - 1]));
    for k in 0..K - 1 {
        sum = sum.plus_product(entries[k], L::load(&block[k]));
    }
    sum
}

/// Parts generators by their sides of a row's hyperplane, given what its values must exceed, and
/// gives all facets on which they lie; `None` when floats cannot.
#[inline(always)]
pub fn part<L: Lanes, const K: usize>(
    generators: &Generators,
    entries: &[L; K],
    bound: f64,
    (above, below): (&mut Part, &mut Part),
) -> Option<Facets> {
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
pub fn slice<L: Lanes, const K: usize>(
    facets: &[Facet],
    (above, below): (&Part, &Part),
    entries: &[L; K],
    error: f64,
    meetings: &mut Vec<Meeting>,
    section: &mut Generators,
) -> bool {
    meetings.clear();
    edges::<L>(K - 1, above.facets(), below.facets(), meetings);
    section.clear();
    meet::<L, K>(
        facets,
        meetings,
        std::slice::from_ref(entries),
        error,
        section,
    )
}

/// Adds where the edges between generators on two sides of a hyperplane, which lie on these
/// facets, cross it.
#[inline(always)]
pub fn edges<L: Lanes>(
    dimension: usize,
    above: &[Facets],
    below: &[Facets],
    meetings: &mut Vec<Meeting>,
) {
    let mut meet = |from: Facets, to: Facets| {
        meetings.push(Meeting {
            facets: from & to,
            positive: (from & !to).trailing_zeros(),
        });
    };
    let (fours, others) = below.as_chunks::<LANES>();
    for &from in above {
        for four in fours {
            // As many as d - 1, and no more: they are different points.
            let mut edges = L::share_more_than(dimension - 2, from, four);
            while edges != 0 {
                meet(from, four[edges.trailing_zeros() as usize]);
                edges &= edges - 1;
            }
        }
        for &to in others {
            if (from & to).count_ones() as usize > dimension - 2 {
                meet(from, to);
            }
        }
    }
}

/// Adds to `points` those at which facets meet, together with the hyperplanes of `fixed` rows,
/// turned to the positive side of the facet that each meeting names; false where floats do not
/// say which side that is.
#[inline(always)]
pub fn meet<L: Lanes, const K: usize>(
    facets: &[Facet],
    meetings: &[Meeting],
    fixed: &[[L; K]],
    error: f64,
    points: &mut Generators,
) -> bool {
    let bound = L::all(bound_of_facets(K, error));
    for four in meetings.chunks(LANES) {
        // Lanes that are left over repeat the first.
        let lane = |lane: usize| four.get(lane).unwrap_or(&four[0]);
        let mut left: [Facets; LANES] = std::array::from_fn(|k| lane(k).facets);
        let mut rows = [[L::all(0.0); K]; ENTRIES - 1];
        let (gathered, given) = rows[..K - 1].split_at_mut(K - 1 - fixed.len());
        for row in gathered {
            let slots = left.map(|facets| facets.trailing_zeros());
            left = left.map(|facets| facets & facets.wrapping_sub(1));
            *row = gather(facets, slots);
        }
        given.copy_from_slice(fixed);
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
pub fn gather<L: Lanes, const K: usize>(facets: &[Facet], slots: [u32; LANES]) -> [L; K] {
    let facets = slots.map(|slot| &facets[slot as usize].entries);
    let first = |entries: &[f64; ENTRIES]| L::load(entries.first_chunk().expect("six"));
    let first = L::transposed(facets.map(first));
    let last = |k: usize| L::load(&facets.map(|entries| entries[k]));
    std::array::from_fn(|k| if k < LANES { first[k] } else { last(k) })
}

/// The vectors that are orthogonal to d vectors of K = d + 1 entries each: their minors,
/// with alternating signs.
#[inline(always)]
fn minors<L: Lanes, const K: usize>([a, b, c, d, e]: [[L; K]; ENTRIES - 1]) -> [L; K] {
    let mut point = [L::all(0.0); K];
    match K {
        3 => {
            let rest = [[1, 2], [2, 0], [0, 1]];
            for (value, [i, j]) in point.iter_mut().zip(rest) {
                *value = minor_of_two(&a, &b, i, j);
            }
        }
        4 => {
            let rest = [[1, 2, 3], [0, 3, 2], [0, 1, 3], [0, 2, 1]];
            for (value, [i, j, k]) in point.iter_mut().zip(rest) {
                let sum = c[i].times(minor_of_two(&a, &b, j, k));
                let sum = sum.minus_product(c[j], minor_of_two(&a, &b, i, k));
                *value = sum.plus_product(c[k], minor_of_two(&a, &b, i, j));
            }
        }
        5 => {
            // Laplace's expansion along two rows and two rows.
            let rest = [
                [1, 2, 3, 4],
                [0, 2, 4, 3],
                [0, 1, 3, 4],
                [0, 1, 4, 2],
                [0, 1, 2, 3],
            ];
            for (value, [p, q, r, s]) in point.iter_mut().zip(rest) {
                let (m, n) = (
                    |i, j| minor_of_two(&a, &b, i, j),
                    |i, j| minor_of_two(&c, &d, i, j),
                );
                let sum = m(p, q).times(n(r, s)).minus_product(m(p, r), n(q, s));
                let sum = sum
                    .plus_product(m(p, s), n(q, r))
                    .plus_product(m(q, r), n(p, s));
                *value = sum
                    .minus_product(m(q, s), n(p, r))
                    .plus_product(m(r, s), n(p, q));
            }
        }
        _ => {
            // The same along two rows and three, whose minors all coordinates share. (Closures
            // would not be compiled for the vectors.)
            macro_rules! p {
                ($i:literal, $j:literal) => {
                    minor_of_two(&a, &b, $i, $j)
                };
            }
            macro_rules! t {
                ($i:literal, $j:literal, $k:literal) => {
                    minor_of_three([&c, &d, &e], [$i, $j, $k])
                };
            }
            #[rustfmt::skip]
            let m = [
                p!(0, 1), p!(0, 2), p!(1, 2), p!(0, 3), p!(1, 3), p!(2, 3),
                p!(0, 4), p!(1, 4), p!(2, 4), p!(3, 4), p!(0, 5), p!(1, 5),
                p!(2, 5), p!(3, 5), p!(4, 5),
            ];
            #[rustfmt::skip]
            let n = [
                t!(0, 1, 2), t!(0, 1, 3), t!(0, 2, 3), t!(1, 2, 3), t!(0, 1, 4), t!(0, 2, 4),
                t!(1, 2, 4), t!(0, 3, 4), t!(1, 3, 4), t!(2, 3, 4), t!(0, 1, 5), t!(0, 2, 5),
                t!(1, 2, 5), t!(0, 3, 5), t!(1, 3, 5), t!(2, 3, 5), t!(0, 4, 5), t!(1, 4, 5),
                t!(2, 4, 5), t!(3, 4, 5),
            ];
            let minus = L::all(-1.0);
            point[0] = expansion(&m, &n, [1, 2, 3, 4, 5]);
            point[1] = expansion(&m, &n, [0, 2, 3, 4, 5]).times(minus);
            point[2] = expansion(&m, &n, [0, 1, 3, 4, 5]);
            point[3] = expansion(&m, &n, [0, 1, 2, 4, 5]).times(minus);
            point[4] = expansion(&m, &n, [0, 1, 2, 3, 5]);
            point[5] = expansion(&m, &n, [0, 1, 2, 3, 4]).times(minus);
        }
    }
    point
}

#[inline(always)]
fn minor_of_two<L: Lanes, const K: usize>(a: &[L; K], b: &[L; K], i: usize, j: usize) -> L {
    a[i].times(b[j]).minus_product(a[j], b[i])
}

#[inline(always)]
fn minor_of_three<L: Lanes, const K: usize>([a, b, c]: [&[L; K]; 3], [i, j, k]: [usize; 3]) -> L {
    let sum = c[i].times(minor_of_two(a, b, j, k));
    let sum = sum.minus_product(c[j], minor_of_two(a, b, i, k));
    sum.plus_product(c[k], minor_of_two(a, b, i, j))
}

/// A minor of five rows in these columns, from all of two rows and of three, those of the first
/// columns first.
#[inline(always)]
fn expansion<L: Lanes>(m: &[L; 15], n: &[L; 20], [p, q, r, s, t]: [usize; 5]) -> L {
    let two = |i: usize, j: usize| j * (j - 1) / 2 + i;
    let three = |i, j, k: usize| k * (k - 1) * (k - 2) / 6 + two(i, j);
    let mut sum = m[two(p, q)].times(n[three(r, s, t)]);
    sum = sum.minus_product(m[two(p, r)], n[three(q, s, t)]);
    sum = sum.plus_product(m[two(p, s)], n[three(q, r, t)]);
    sum = sum.minus_product(m[two(p, t)], n[three(q, r, s)]);
    sum = sum.plus_product(m[two(q, r)], n[three(p, s, t)]);
    sum = sum.minus_product(m[two(q, s)], n[three(p, r, t)]);
    sum = sum.plus_product(m[two(q, t)], n[three(p, r, s)]);
    sum = sum.plus_product(m[two(r, s)], n[three(p, q, t)]);
    sum = sum.minus_product(m[two(r, t)], n[three(p, q, s)]);
    sum.plus_product(m[two(s, t)], n[three(p, q, r)])
}

/// Puts the generators of the section into the places of those that are left out, given
/// in ascending order.
#[inline(always)]
pub fn keep_in<const K: usize>(generators: &mut Generators, section: &Generators, left: &[u32]) {
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
        for (into, from) in into.iter_mut().zip(from) {
            into[to % LANES] = from[index % LANES];
        }
        generators.facets[to] = section.facets[index];
    }
    // The last ones fill what is left over, the last places first.
    let mut last = count;
    for &to in left.iter().skip(placed).rev() {
        let to = to as usize;
        last -= 1;
        let moved = blocks[last / LANES].map(|vector| vector[last % LANES]);
        for (into, value) in blocks[to / LANES].iter_mut().zip(moved) {
            into[to % LANES] = value;
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
