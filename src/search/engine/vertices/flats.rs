//! All regions into which hyperplanes cut a cell, by one vertex each, without a cell for any.
//!
//! A *flat* is what some of the hyperplanes have in common inside the cell; the cell is the flat
//! of none. Where these and the facets are in general position, there are as many regions as
//! flats: with a linear function that is not constant on any edge as height, every region has one
//! lowest vertex, and every flat's lowest vertex is that of one region. Of the 2^m regions
//! that meet there, m being the hyperplanes that contain the flat, it is the one on the upper
//! side of each of these: where the edge across it, on all the others, ends higher up.
//!
//! So it takes the flats of all dimensions, their vertices, their edges with what is up, and the
//! signs of all other hyperplanes at vertices. A flat's vertices are where a hyperplane crosses
//! the edges of the flat of one hyperplane less. On the lines among them only the order is
//! asked for in which the others cross. All of this is proved by floats, signs as in
//! [`generators`], or else nothing is claimed: also not where more hyperplanes than
//! dimensions meet, or where an edge is level.
//!
//! [`generators`]: super::generators

use super::Vertices;
use super::generators::*;
use crate::arithmetic::float::UNIT;
use crate::arithmetic::lanes::{LANES, Lanes, for_all_processors};

/// Hyperplanes by their places in the list, as bits: those that are negative, or those meant.
pub type Signs = u64;

/// The fewest hyperplanes for which that pays.
pub const FEWEST: usize = 5;

/// The most hyperplanes that are looked at together, from two dimensions on. They have up to
/// 40,000 regions.
pub const MOST: [usize; 4] = [62, 62, 28, 0];

/// Part of a flat between two of its vertices.
#[derive(Clone, Copy, Debug)]
struct Edge {
    /// The cell's facets on which it lies.
    facets: Facets,
    /// One on whose positive side all of it but its lower end lies.
    positive: u32,
    /// The hyperplanes that cross it.
    crossed: Signs,
    /// Those that are negative at its upper end.
    upper: Signs,
}

/// A flat of two dimensions or more, or a line.
#[derive(Clone, Copy, Debug, Default)]
struct Flat {
    /// The hyperplanes that contain it, the last in the list first.
    members: [u32; 3],
    count: usize,
    /// Where its edges are.
    edges: (u32, u32),
    /// The hyperplanes that cut it.
    cut: Signs,
}

impl Flat {
    fn members(&self) -> &[u32] {
        &self.members[..self.count]
    }

    fn with(&self, member: u32) -> Flat {
        let mut flat = *self;
        flat.members[flat.count] = member;
        flat.count += 1;
        flat
    }

    /// A number that no other flat of so many hyperplanes has, without one of its members.
    fn name_without(&self, left: u32, hyperplanes: usize) -> usize {
        let members = self.members().iter().filter(|&&member| member != left);
        members.fold(0, |name, &member| {
            name * (hyperplanes + 1) + member as usize + 1
        })
    }
}

/// What listing regions takes, kept for its memory.
#[derive(Debug, Default)]
pub struct Flats {
    /// The regions by the hyperplanes that are negative there.
    pub patterns: Vec<Signs>,
    /// How many hyperplanes there are.
    hyperplanes: usize,
    /// Their rows as facets have them, in blocks of [`LANES`]: a vector for each entry.
    rows: Vec<[f64; LANES]>,
    /// E.
    error: f64,
    /// Heights are the quotients of these forms. The second is positive on the cell.
    rise: [f64; ENTRIES],
    run: [f64; ENTRIES],
    /// Of all flats.
    edges: Vec<Edge>,
    /// By the names of flats.
    ranges: Vec<(u32, u32)>,
    meetings: Vec<Meeting>,
    /// The vertices of a flat,
    points: Generators,
    /// the signs there,
    signs: Vec<Signs>,
    /// and bounds of their heights.
    heights: [Vec<[f64; LANES]>; 2],
    /// Where hyperplanes cross a line, and how far that may be off.
    order: [Vec<[f64; LANES]>; 2],
    /// The same in order, with the hyperplanes in the last six bits.
    crossings: Vec<u64>,
}

impl Vertices {
    /// Lists the regions into which hyperplanes cut the cell; false when floats do not prove
    /// them all.
    pub fn regions(&self, targets: impl Iterator<Item = Target>, flats: &mut Flats) -> bool {
        if !flats.begin(self, targets) {
            return false;
        }
        let whole = whole(self, flats);
        whole.is_some_and(|whole| flats.list_within(self, &whole))
    }
}

impl Flats {
    /// Room for how many numbers it has, or as much as these take.
    pub fn room(&self) -> usize {
        let points = LANES * self.points.blocks.capacity();
        let edges = size_of::<Edge>() / size_of::<f64>() * self.edges.capacity();
        points + edges + self.patterns.capacity() + self.ranges.capacity()
    }

    fn begin(&mut self, cell: &Vertices, targets: impl Iterator<Item = Target>) -> bool {
        let width = cell.dimension + 1;
        self.patterns.clear();
        self.edges.clear();
        self.rows.clear();
        self.error = cell.error;
        self.hyperplanes = 0;
        for target in targets {
            let facet = match width {
                3 => Facet::new::<3>(&target, 0),
                4 => Facet::new::<4>(&target, 0),
                _ => Facet::new::<5>(&target, 0),
            };
            let Some((facet, doubt)) = facet else {
                return false;
            };
            self.error = self.error.max(error_of(cell.dimension, doubt));
            let lane = self.hyperplanes % LANES;
            if lane == 0 {
                self.rows.resize(self.rows.len() + width, [0.0; LANES]);
            }
            let first = self.rows.len() - width;
            for (vector, entry) in self.rows[first..].iter_mut().zip(facet.entries) {
                vector[lane] = entry;
            }
            self.hyperplanes += 1;
        }
        for order in &mut self.order {
            order.resize(self.hyperplanes.div_ceil(LANES), [0.0; LANES]);
        }
        let names = (self.hyperplanes + 1).pow(cell.dimension as u32 - 1);
        if self.ranges.len() < names {
            self.ranges.resize(names, (0, 0));
        }
        // The sum of all facets is positive on the cell, and what is added up with different
        // factors is level nowhere but by chance.
        (self.rise, self.run) = ([0.0; ENTRIES], [0.0; ENTRIES]);
        let used = cell.generators.facets.iter().fold(0, |all, own| all | own);
        let share = 1.0 / f64::from(used.count_ones() + 1);
        let mut factor = 0.0;
        for slot in bits(used) {
            factor += if factor < 1.0 - GOLDEN {
                GOLDEN
            } else {
                GOLDEN - 1.0
            };
            for (k, entry) in cell.facets[slot].entries.iter().enumerate() {
                self.run[k] += share * entry;
                self.rise[k] += (2.0 * factor - 1.0) * share * entry;
            }
        }
        true
    }

    /// Lists the regions of all flats in one of two dimensions or more, but for itself: those
    /// with one hyperplane more that comes before its own in the list, and so on.
    fn list_within(&mut self, cell: &Vertices, flat: &Flat) -> bool {
        let before = match flat.members().last() {
            Some(&last) => flat.cut & ((1 << last) - 1),
            None => flat.cut,
        };
        bits(before).all(|member| {
            let within = flat.with(member as u32);
            if within.count + 1 == cell.dimension {
                line(cell, self, &within)
            } else {
                let within = section(cell, self, &within);
                within.is_some_and(|within| self.list_within(cell, &within))
            }
        })
    }

    /// All hyperplanes but those that contain a flat.
    fn others(&self, flat: &Flat) -> Signs {
        let members = flat.members().iter();
        members.fold((1 << self.hyperplanes) - 1, |all, member| {
            all & !(1 << member)
        })
    }

    /// Where a hyperplane crosses the edges of a flat.
    #[inline(always)]
    fn find_crossings(&mut self, (first, end): (u32, u32), member: u32) {
        self.meetings.clear();
        for edge in &self.edges[first as usize..end as usize] {
            if edge.crossed >> member & 1 == 1 {
                self.meetings.push(Meeting {
                    facets: edge.facets,
                    positive: edge.positive,
                });
            }
        }
    }

    /// Notes the edges of a flat, from `first` on.
    fn note_edges(&mut self, flat: &mut Flat, first: usize) {
        flat.edges = (first as u32, self.edges.len() as u32);
        let name = flat.name_without(u32::MAX, self.hyperplanes);
        self.ranges[name] = flat.edges;
    }

    /// Adds the region that belongs to a flat whose lowest vertex lies on these facets, and where
    /// the other hyperplanes have these signs.
    #[inline(always)]
    fn add_region(&mut self, flat: &Flat, facets: Facets, signs: Signs) -> bool {
        let mut pattern = signs;
        for &member in flat.members() {
            let name = flat.name_without(member, self.hyperplanes);
            let (first, end) = self.ranges[name];
            let mut edges = self.edges[first as usize..end as usize].iter();
            let Some(edge) = edges.find(|edge| edge.facets == facets) else {
                return false;
            };
            pattern |= edge.upper & 1 << member;
        }
        self.patterns.push(pattern);
        true
    }

    /// Adds the regions of the points at which hyperplanes that come before a line's members cross
    /// it, with these signs at its ends; false where it is not proved in which order all cross.
    fn add_points(&mut self, line: &Flat, lower: Signs, upper: Signs) -> bool {
        let [shares, doubts] = &self.order;
        let (shares, doubts) = (shares.as_flattened(), doubts.as_flattened());
        self.crossings.clear();
        let mut left = lower ^ upper;
        while left != 0 {
            let member = left.trailing_zeros() as usize;
            left &= left - 1;
            // Positive floats come in the order of their bits. The last bits are no loss: what
            // is in doubt then is in doubt anyway, or else refused.
            let key = shares[member].to_bits() & !63 | member as u64;
            self.crossings.push(key);
        }
        self.crossings.sort_unstable();
        let members = line.members();
        // The lines through a point without one of the members, but for their last members.
        let mut names = [0; 3];
        for (name, &member) in names.iter_mut().zip(members) {
            *name = line.name_without(member, self.hyperplanes) * (self.hyperplanes + 1);
        }
        let last = members[members.len() - 1] as usize;
        let (mut signs, mut reached) = (lower, f64::NEG_INFINITY);
        for key in &self.crossings {
            let member = (key & 63) as usize;
            let (share, doubt) = (shares[member], doubts[member]);
            if share - doubt <= reached {
                return false;
            }
            reached = share + doubt;
            // The upper sign from here on, and in the region.
            signs ^= 1 << member;
            if member < last {
                let mut pattern = signs;
                for (&other, name) in members.iter().zip(names) {
                    let (edge, _) = self.ranges[name + member + 1];
                    pattern |= self.edges[edge as usize].upper & 1 << other;
                }
                self.patterns.push(pattern);
            }
        }
        true
    }
}

/// Its multiples are far from one another modulo 1.
const GOLDEN: f64 = 0.618_033_988_749_894_9;

for_all_processors! {
    fn whole<L>(cell: &Vertices, flats: &mut Flats) -> Option<Flat> {
        match cell.dimension {
            2 => complete::<L, 3>(flats, &cell.generators, Flat::default()),
            3 => complete::<L, 4>(flats, &cell.generators, Flat::default()),
            _ => complete::<L, 5>(flats, &cell.generators, Flat::default()),
        }
    }

    fn section<L>(cell: &Vertices, flats: &mut Flats, flat: &Flat) -> Option<Flat> {
        match cell.dimension {
            3 => section_in::<L, 4>(cell, flats, flat),
            _ => section_in::<L, 5>(cell, flats, flat),
        }
    }

    fn line<L>(cell: &Vertices, flats: &mut Flats, flat: &Flat) -> bool {
        match cell.dimension {
            2 => line_in::<L, 3>(cell, flats, flat),
            3 => line_in::<L, 4>(cell, flats, flat),
            _ => line_in::<L, 5>(cell, flats, flat),
        }
    }
}

/// Entries, each in all lanes. (Closures are not always compiled for the vectors.)
#[inline(always)]
fn spread<L: Lanes, const K: usize>(entries: &[f64; ENTRIES]) -> [L; K] {
    let mut all = [L::all(0.0); K];
    for (all, entry) in all.iter_mut().zip(entries) {
        *all = L::all(*entry);
    }
    all
}

/// One lane of some vectors, in all lanes.
#[inline(always)]
fn spread_lane<L: Lanes, const K: usize>(block: &[[f64; LANES]; K], lane: usize) -> [L; K] {
    let mut all = [L::all(0.0); K];
    for (all, vector) in all.iter_mut().zip(block) {
        *all = L::all(vector[lane]);
    }
    all
}

/// Finds the vertices of a flat: where its last member crosses the edges of the flat of the
/// others, which are still its own.
#[inline(always)]
fn find_vertices<L: Lanes, const K: usize>(
    cell: &Vertices,
    flats: &mut Flats,
    flat: &Flat,
) -> bool {
    let members = flat.members();
    flats.find_crossings(flat.edges, members[members.len() - 1]);
    let blocks = flats.rows.as_chunks::<K>().0;
    let mut fixed = [[L::all(0.0); K]; 3];
    for (row, &member) in fixed.iter_mut().zip(members) {
        let (block, lane) = (&blocks[member as usize / LANES], member as usize % LANES);
        *row = spread_lane(block, lane);
    }
    flats.points.clear();
    meet::<L, K>(
        &cell.facets,
        &flats.meetings,
        &fixed[..members.len()],
        flats.error,
        &mut flats.points,
    )
}

#[inline(always)]
fn section_in<L: Lanes, const K: usize>(
    cell: &Vertices,
    flats: &mut Flats,
    flat: &Flat,
) -> Option<Flat> {
    if !find_vertices::<L, K>(cell, flats, flat) {
        return None;
    }
    let points = std::mem::take(&mut flats.points);
    let flat = complete::<L, K>(flats, &points, *flat);
    flats.points = points;
    flat
}

/// Finds what is to be known of a flat from its vertices, and adds its region.
#[inline(always)]
fn complete<L: Lanes, const K: usize>(
    flats: &mut Flats,
    points: &Generators,
    mut flat: Flat,
) -> Option<Flat> {
    let count = points.facets.len();
    if count > 64 || !find_heights::<L, K>(flats, points) {
        return None;
    }
    let others = flats.others(&flat);
    let bound = bound_of_facets(K, flats.error);
    let (bound, negated) = (L::all(bound), L::all(-bound));
    flats.signs.clear();
    let (mut some, mut all) = (0, others);
    for index in 0..count {
        let block = &points.blocks.as_chunks::<K>().0[index / LANES];
        let point = spread_lane::<L, K>(block, index % LANES);
        let (mut above, mut below): (Signs, Signs) = (0, 0);
        for block in flats.rows.as_chunks::<K>().0.iter().rev() {
            let value = value::<L, K>(&point, block);
            above = above << LANES | Signs::from(value.above(bound));
            below = below << LANES | Signs::from(negated.above(value));
        }
        if (above | below) & others != others {
            return None;
        }
        // Members are zero here, so within the bound.
        flats.signs.push(below);
        some |= below;
        all &= below;
    }
    flat.cut = some & !all;
    let first = flats.edges.len();
    let [least, most] = &flats.heights;
    let (least, most) = (least.as_flattened(), most.as_flattened());
    let mut uppers = 0u64;
    for (one, own) in points.facets.iter().enumerate() {
        for (two, other) in points.facets.iter().enumerate().skip(one + 1) {
            // Vertices of a flat of m dimensions lie on m facets; on an edge they share all but one.
            let facets = own & other;
            let mut rest = facets;
            for _ in flat.count + 2..K - 1 {
                rest &= rest.wrapping_sub(1);
            }
            if rest == 0 {
                continue;
            }
            let (low, high) = if most[one] < least[two] {
                (one, two)
            } else if most[two] < least[one] {
                (two, one)
            } else {
                return None;
            };
            let (own, upper) = (points.facets[low], points.facets[high]);
            flats.edges.push(Edge {
                facets,
                positive: (own & !upper).trailing_zeros(),
                crossed: flats.signs[low] ^ flats.signs[high],
                upper: flats.signs[high],
            });
            uppers |= 1 << high;
        }
    }
    flats.note_edges(&mut flat, first);
    // Every other vertex is the upper end of an edge.
    let lowest = uppers.trailing_ones() as usize;
    if lowest >= count {
        return None;
    }
    let added = flats.add_region(&flat, points.facets[lowest], flats.signs[lowest]);
    added.then_some(flat)
}

/// Bounds the heights of points; false where the sum of facets is not proved positive.
///
/// With f and g for the two forms, f' and g' for what floats say, and β bounding how far these are
/// off, f/g - f'/g' is ((f - f') - (g - g') f'/g') / g, so at most β (1 + |f'/g'|) / (g' - β).
/// β: the entries are less than 1 and exact, so that errors of coordinates make K E, and
/// roundings at most K * K d! u, less than 2 E.
#[inline(always)]
fn find_heights<L: Lanes, const K: usize>(flats: &mut Flats, points: &Generators) -> bool {
    let beta = bound_of_facets(K + 1, flats.error);
    let (rise, run) = (spread::<L, K>(&flats.rise), spread::<L, K>(&flats.run));
    let (one, twice) = (L::all(1.0), L::all(2.0 * beta));
    // The factor also covers the roundings here, as does the second term.
    let (scaled, rounding) = (L::all(1.01 * beta), L::all(8.0 * UNIT));
    let [least, most] = &mut flats.heights;
    least.clear();
    most.clear();
    for block in points.blocks.as_chunks::<K>().0 {
        let (rise, run) = (value(&rise, block), value(&run, block));
        if run.above(twice) != 0b1111 {
            return false;
        }
        let height = rise.over(run);
        let size = height.abs();
        let doubt = one
            .plus(size)
            .times(scaled)
            .over(run.minus_product(one, L::all(beta)));
        let doubt = doubt.plus_product(rounding, size);
        least.push(height.minus_product(one, doubt).array());
        most.push(height.plus(doubt).array());
    }
    true
}

/// Adds the region of a line, and those of the points at which hyperplanes that come before its
/// members cross it.
///
/// From the lower end on, a hyperplane whose values at the ends are a and -b crosses where a
/// share s = a / (a + b) of the way is done, up to a change of scale that is the same for all. As
/// floats say a' and b', and β bounds how far these are off, s' - s is
/// ((a' - a) b - (b' - b) a) / ((a + b) (a' + b')), at most β / (a' + b').
#[inline(always)]
fn line_in<L: Lanes, const K: usize>(cell: &Vertices, flats: &mut Flats, line: &Flat) -> bool {
    if !find_vertices::<L, K>(cell, flats, line) {
        return false;
    }
    let points = std::mem::take(&mut flats.points);
    let found = find_heights::<L, K>(flats, &points);
    flats.points = points;
    if !found || flats.meetings.len() != 2 {
        return false;
    }
    let ([least, ..], [most, ..]) = (&flats.heights[0][..], &flats.heights[1][..]) else {
        return false;
    };
    let low = if most[0] < least[1] {
        0
    } else if most[1] < least[0] {
        1
    } else {
        return false;
    };
    let Some(ends) = flats.points.blocks.first_chunk::<K>() else {
        return false;
    };
    let (lower, upper) = (
        spread_lane::<L, K>(ends, low),
        spread_lane::<L, K>(ends, 1 - low),
    );
    let others = flats.others(line);
    let beta = bound_of_facets(K, flats.error);
    let (bound, negated) = (L::all(beta), L::all(-beta));
    // The factor also covers the roundings of what it is a factor of, and the second term others.
    let (scaled, rounding) = (L::all(1.01 * beta), L::all(8.0 * UNIT));
    let [shares, doubts] = &mut flats.order;
    let (mut above, mut below) = ([0; 2], [0; 2]);
    let blocks = flats.rows.as_chunks::<K>().0.iter().zip(shares).zip(doubts);
    for ((block, share), doubt) in blocks.rev() {
        let values = [value::<L, K>(&lower, block), value::<L, K>(&upper, block)];
        for end in 0..2 {
            above[end] = above[end] << LANES | Signs::from(values[end].above(bound));
            below[end] = below[end] << LANES | Signs::from(negated.above(values[end]));
        }
        let sum = values[0].abs().plus(values[1].abs());
        values[0].abs().over(sum).store(share);
        scaled.over(sum).plus(rounding).store(doubt);
    }
    if (above[0] | below[0]) & (above[1] | below[1]) & others != others {
        return false;
    }
    // Members are zero at both ends, so within the bound.
    let [lower, upper] = below;
    let mut line = *line;
    let edges = flats.edges.len();
    flats.edges.push(Edge {
        facets: 0,
        positive: 0,
        crossed: lower ^ upper,
        upper,
    });
    flats.note_edges(&mut line, edges);
    let facets = flats.meetings[low].facets;
    flats.add_region(&line, facets, lower) && flats.add_points(&line, lower, upper)
}
