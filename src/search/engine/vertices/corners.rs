//! Corners of a cell, or of what hyperplanes have in common inside it, that have no facet in
//! common: amid them nothing is on the boundary. A few do. As cells are simple, all of it is
//! combinatorial once signs are proved, and exact.

use smallvec::SmallVec;

use super::Vertices;
use super::generators::{
    ENTRIES, Facets, Generators, Meeting, Part, Target, bits, bound, edges, part,
};
use crate::arithmetic::lanes::{Lanes, for_all_processors};

/// The most corners that it takes, each but the first with a facet less in common.
const MOST: usize = ENTRIES;

/// Corners and rays of what k hyperplanes have in common inside a cell, by the places of facets
/// on the path: for a corner the d - k on which it lies, for a ray d - k - 1, and one from which
/// it leads away.
#[derive(Clone, Copy, Debug, Default)]
pub struct Corners {
    pub points: usize,
    pub rays: usize,
    count: usize,
    places: [u32; (ENTRIES - 1) * MOST],
}

impl Corners {
    /// The places, those of corners before those of rays.
    pub fn places(&self) -> &[u32] {
        &self.places[..self.count]
    }

    fn push(&mut self, place: u32) {
        self.places[self.count] = place;
        self.count += 1;
    }
}

impl Vertices {
    /// Corners of the cell.
    pub fn corners(&mut self) -> Option<Corners> {
        self.amid_own(|cell| &cell.generators.facets)
    }

    /// Corners of a hyperplane inside the cell; `None` where it is not proved on which sides of
    /// it the generators lie.
    pub fn corners_on(&mut self, target: &Target) -> Option<Corners> {
        if !self.part_own(target) {
            return None;
        }
        self.amid_edges(Self::parted, 0)
    }

    /// After a cut, corners of what its hyperplane and another one, which crosses it there, have
    /// in common.
    pub fn corners_on_section(&mut self, target: &Target) -> Option<Corners> {
        let cut = 1 << self.cut?;
        let Vertices {
            dimension,
            section,
            error,
            spare_above: above,
            spare_below: below,
            ..
        } = self;
        if !part_by(*dimension, section, *error, target, above, below) {
            return None;
        }
        self.amid_edges(Self::parted, cut)
    }

    /// After a cut, corners of its side of this sign.
    pub fn corners_of_side(&mut self, sign: i32) -> Option<Corners> {
        let side = if sign > 0 { &self.above } else { &self.below };
        self.lie_on.clear();
        self.lie_on.extend_from_slice(side.facets());
        self.lie_on.extend_from_slice(&self.section.facets);
        self.amid_own(|cell| &cell.lie_on)
    }

    /// After a cut, corners of another hyperplane on its side of this sign, to which the other one
    /// keeps, and where it is `beyond` zero.
    pub fn corners_on_side(&mut self, target: &Target, sign: i32, beyond: i32) -> Option<Corners> {
        if !self.part_own(target) {
            return None;
        }
        let side = if sign > 0 { &self.above } else { &self.below };
        let here = match beyond < 0 {
            true => &self.spare_above,
            false => &self.spare_below,
        };
        self.lie_on.clear();
        let mut others = side.indices();
        for (index, &facets) in here.indices().iter().zip(here.facets()) {
            while others.first().is_some_and(|other| other < index) {
                others = &others[1..];
            }
            if others.first() == Some(index) {
                self.lie_on.push(facets);
            }
        }
        self.lie_on.extend_from_slice(&self.section.facets);
        match beyond < 0 {
            true => self.amid_edges(|cell| (cell.spare_below.facets(), &cell.lie_on), 0),
            false => self.amid_edges(|cell| (cell.spare_above.facets(), &cell.lie_on), 0),
        }
    }

    fn part_own(&mut self, target: &Target) -> bool {
        let Vertices {
            dimension,
            generators,
            error,
            spare_above: above,
            spare_below: below,
            ..
        } = self;
        part_by(*dimension, generators, *error, target, above, below)
    }

    /// The two sides into which generators have been parted.
    fn parted(&self) -> (&[Facets], &[Facets]) {
        (self.spare_above.facets(), self.spare_below.facets())
    }

    /// [`Vertices::amid`] points at which a hyperplane crosses the edges between two sides.
    fn amid_edges(
        &mut self,
        sides: impl Fn(&Vertices) -> (&[Facets], &[Facets]),
        cut: Facets,
    ) -> Option<Corners> {
        const FEW: usize = 4;
        self.amid_some(cut, |cell, turn, meetings| {
            let (above, below) = sides(cell);
            let turns = above.len().div_ceil(FEW);
            if turn < turns {
                let some = above[turn..].iter().step_by(turns);
                let some: SmallVec<[Facets; FEW]> = some.copied().collect();
                edges_between(cell.dimension, &some, below, meetings);
            }
            turn < turns
        })
    }

    /// The same of generators of a cell that lie on these facets. Each is positive on all others.
    fn amid_own(&mut self, lie_on: impl Fn(&Vertices) -> &[Facets]) -> Option<Corners> {
        const FEW: usize = 8;
        self.amid_some(0, |cell, turn, meetings| {
            let lie_on = lie_on(cell);
            let used = lie_on.iter().fold(0, |used, facets| used | facets) & !cell.infinity();
            let turns = lie_on.len().div_ceil(FEW);
            if turn < turns {
                let some = lie_on[turn..].iter().step_by(turns);
                meetings.extend(some.map(|&facets| Meeting {
                    facets,
                    positive: (used & !facets).trailing_zeros(),
                }));
            }
            turn < turns
        })
    }

    /// [`Vertices::amid`] as many points as it takes: `more` adds some from all over the cell, turn
    /// after turn, until it says that there are none.
    fn amid_some(
        &mut self,
        cut: Facets,
        more: impl Fn(&Vertices, usize, &mut Vec<Meeting>) -> bool,
    ) -> Option<Corners> {
        let mut meetings = std::mem::take(&mut self.meetings);
        meetings.clear();
        let (mut found, mut turn, mut tried) = (None, 0, 0);
        while found.is_none() {
            let last = !more(self, turn, &mut meetings);
            // Not too often in vain.
            if last || meetings.len() > 2 * tried {
                tried = meetings.len();
                found = self.amid(&meetings, cut);
            }
            if last {
                break;
            }
            turn += 1;
        }
        self.meetings = meetings;
        found
    }

    /// So many of the meetings, one of them a corner, that they have no facets in common but the
    /// `cut`.
    fn amid(&self, meetings: &[Meeting], cut: Facets) -> Option<Corners> {
        let infinity = self.infinity();
        let is_corner = |meeting: &&Meeting| meeting.facets & infinity == 0;
        let mut picked = [*meetings.iter().find(is_corner)?; MOST];
        let mut count = 1;
        let mut common = picked[0].facets & !cut;
        while common != 0 {
            let next = &meetings[fewest_in(meetings, common)];
            // All generators of a cell have no facet in common, as it has inner points.
            if next.facets & common == common {
                return None;
            }
            common &= next.facets;
            picked[count] = *next;
            count += 1;
        }
        let mut corners = Corners::default();
        for meeting in picked[..count].iter().filter(is_corner) {
            corners.points += 1;
            self.push_facets(meeting.facets & !cut, &mut corners);
        }
        for meeting in picked[..count].iter().filter(|meeting| !is_corner(meeting)) {
            corners.rays += 1;
            self.push_facets(meeting.facets & !cut & !infinity, &mut corners);
            corners.push(self.facets[meeting.positive as usize].place);
        }
        Some(corners)
    }

    fn push_facets(&self, facets: Facets, corners: &mut Corners) {
        bits(facets).for_each(|slot| corners.push(self.facets[slot].place));
    }
}

for_all_processors! {
    /// The first of the meetings, of which there are some, that lie on the fewest of these facets.
    fn fewest_in<L>(meetings: &[Meeting], facets: Facets) -> usize {
        let (mut found, mut fewest) = (0, u32::MAX);
        for (index, meeting) in meetings.iter().enumerate() {
            let left = (meeting.facets & facets).count_ones();
            if left < fewest {
                (found, fewest) = (index, left);
            }
        }
        found
    }

    fn edges_between<L>(
        dimension: usize,
        above: &[Facets],
        below: &[Facets],
        meetings: &mut Vec<Meeting>,
    ) {
        match dimension {
            2 => edges::<L>(2, above, below, meetings),
            3 => edges::<L>(3, above, below, meetings),
            4 => edges::<L>(4, above, below, meetings),
            _ => edges::<L>(5, above, below, meetings),
        }
    }

    fn part_by<L>(
        dimension: usize,
        generators: &Generators,
        error: f64,
        target: &Target,
        above: &mut Part,
        below: &mut Part,
    ) -> bool {
        match dimension {
            2 => part_by_in::<L, 3>(generators, error, target, (above, below)),
            3 => part_by_in::<L, 4>(generators, error, target, (above, below)),
            4 => part_by_in::<L, 5>(generators, error, target, (above, below)),
            _ => part_by_in::<L, 6>(generators, error, target, (above, below)),
        }
    }
}

/// Parts generators by their sides of a hyperplane; false when floats cannot.
#[inline(always)]
fn part_by_in<L: Lanes, const K: usize>(
    generators: &Generators,
    error: f64,
    target: &Target,
    sides: (&mut Part, &mut Part),
) -> bool {
    let bound = bound(K - 1, error, target);
    part::<L, K>(generators, &target.row().map(L::all), bound, sides).is_some()
}
