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

mod flats;
mod generators;
mod points;
#[cfg(test)]
mod tests;
mod told;

use smallvec::SmallVec;

use super::path::Path;
use crate::arithmetic::lanes::{LANES, Lanes, for_all_processors};
use crate::arrangement::active::Active;
use crate::arrangement::forms::{FloatForms, Look};
use crate::arrangement::stage::SparseMap;
use crate::search::level::Level;
use crate::search::settled::{Four, Settled};
use generators::*;

pub use flats::{FEWEST, Flats, Signs};
pub use generators::{FourTargets, Target, Verdict};

/// Dimensions in which cells have few enough vertices.
pub const DIMENSIONS: std::ops::RangeInclusive<usize> = 2..=5;

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
    /// The most candidates with which it is worth trying to list all regions at once.
    pub crowd: usize,
    /// The bit of the facet on which the cell is about to be split.
    cut: Option<usize>,
    /// The generators on its two sides.
    above: Part,
    below: Part,
    meetings: Vec<Meeting>,
    /// The new ones, which lie on it.
    section: Generators,
    /// Of the heights of generators, or their weights.
    inverse: Vec<[f64; LANES]>,
}

/// What is known after entering a layer.
pub enum Entered {
    /// Nothing: the map is none of those that can be looked at, or the forms are extreme.
    Nothing,
    /// The forms.
    Forms,
    /// The forms and all sides that floats tell, and whether the cell is known to be cut by all other
    /// hyperplanes.
    Sides(bool),
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
        self.begin(path, dimension, dimension, corners)
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
        self.begin(path, dimension, 2 * dimension, corners)
    }

    /// Starts with infinity, the first `sides` constraints of a path as facets, and these
    /// corners.
    fn begin(
        &mut self,
        path: &Path,
        dimension: usize,
        sides: usize,
        corners: impl Iterator<Item = Meeting>,
    ) -> bool {
        self.facets.clear();
        self.facets.push(Facet::infinity(dimension));
        self.meetings.clear();
        self.meetings.extend(corners);
        self.dimension = dimension;
        self.error = error_of(dimension, 0.0);
        self.crowd = flats::MOST[dimension - DIMENSIONS.start()];
        self.cut = None;
        for place in 0..sides {
            let row = path.row(place);
            let target = Target::new(&row.entries[..=dimension], row.slack, row.norm);
            let facet = match dimension {
                2 => Facet::new::<3>(&target, place as u32),
                3 => Facet::new::<4>(&target, place as u32),
                4 => Facet::new::<5>(&target, place as u32),
                _ => Facet::new::<6>(&target, place as u32),
            };
            let Some((facet, doubt)) = facet else {
                return false;
            };
            self.error = self.error.max(error_of(dimension, doubt));
            self.facets.push(facet);
        }
        self.section.clear();
        let met = meet_all(
            dimension,
            &self.facets,
            &self.meetings,
            self.error,
            &mut self.section,
        );
        std::mem::swap(&mut self.generators, &mut self.section);
        met
    }

    /// Room for how many numbers it has.
    pub fn room(&self) -> usize {
        let blocks = [&self.generators.blocks, &self.section.blocks, &self.inverse];
        LANES * blocks.iter().map(|blocks| blocks.capacity()).sum::<usize>()
    }

    /// Takes the candidates that do not cut the cell off the list, and tells on which side of
    /// them it lies; false when floats leave some open that stay on the list.
    pub fn look(&mut self, level: &Level, settled: &mut Settled) -> bool {
        settled.clear();
        look(self, level, settled)
    }

    /// Makes of `forms` those after a map of the `active` ones of `from`, and looks at their
    /// hyperplanes meanwhile, each a class of its own. Candidates and `settled` mean something only
    /// if it tells sides.
    pub fn enter(
        &mut self,
        from: &FloatForms,
        map: &SparseMap,
        active: &Active,
        forms: &mut FloatForms,
        settled: &mut Settled,
    ) -> Entered {
        self.candidates.clear();
        settled.clear();
        enter(self, from, map, active, forms, settled)
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
        self.crowd = other.crowd;
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

    fn value(&self, target: &Target, index: usize) -> f64 {
        let width = self.dimension + 1;
        let products = target.entries[..width].iter().enumerate();
        products
            .map(|(k, a)| a * self.generators.coordinate(width, index, k))
            .sum()
    }

    /// The places on the path of the facets of a vertex, one far from infinity.
    pub fn corner(&self) -> Option<SmallVec<[u32; 5]>> {
        let width = self.dimension + 1;
        let height = |index: &usize| self.generators.coordinate(width, *index, width - 1);
        let highest =
            (0..self.generators.facets.len()).max_by(|a, b| height(a).total_cmp(&height(b)))?;
        let places: SmallVec<[u32; 5]> = bits(self.generators.facets[highest])
            .map(|slot| self.facets[slot].place)
            .collect();
        (!places.contains(&INFINITY)).then_some(places)
    }
}

for_all_processors! {
    fn look<L>(cell: &mut Vertices, level: &Level, settled: &mut Settled) -> bool {
        match cell.dimension {
            2 => look_in::<L, 3>(cell, level, settled),
            3 => look_in::<L, 4>(cell, level, settled),
            4 => look_in::<L, 5>(cell, level, settled),
            _ => look_in::<L, 6>(cell, level, settled),
        }
    }

    fn enter<L>(
        cell: &mut Vertices,
        from: &FloatForms,
        map: &SparseMap,
        active: &Active,
        forms: &mut FloatForms,
        settled: &mut Settled,
    ) -> Entered {
        match cell.dimension {
            2 => enter_in::<L, 3, 1>(cell, from, map, active, forms, settled),
            3 => enter_in::<L, 4, 1>(cell, from, map, active, forms, settled),
            4 => enter_in::<L, 5, 2>(cell, from, map, active, forms, settled),
            _ => enter_in::<L, 6, 2>(cell, from, map, active, forms, settled),
        }
    }

    #[cfg(test)]
    fn verdict_on<L>(cell: &Vertices, target: &Target) -> Verdict {
        match cell.dimension {
            2 => verdict::<L, 3>(&cell.generators, target, cell.error),
            3 => verdict::<L, 4>(&cell.generators, target, cell.error),
            4 => verdict::<L, 5>(&cell.generators, target, cell.error),
            _ => verdict::<L, 6>(&cell.generators, target, cell.error),
        }
    }

    #[cfg(test)]
    fn sides_on<L>(cell: &Vertices, target: &Target) -> FourSides {
        match cell.dimension {
            2 => sides_on_in::<L, 3>(cell, target),
            3 => sides_on_in::<L, 4>(cell, target),
            4 => sides_on_in::<L, 5>(cell, target),
            _ => sides_on_in::<L, 6>(cell, target),
        }
    }

    fn on_section<L>(cell: &Vertices, target: &Target) -> Verdict {
        match cell.dimension {
            2 => verdict::<L, 3>(&cell.section, target, cell.error),
            3 => verdict::<L, 4>(&cell.section, target, cell.error),
            4 => verdict::<L, 5>(&cell.section, target, cell.error),
            _ => verdict::<L, 6>(&cell.section, target, cell.error),
        }
    }

    fn keep<L>(generators: &mut Generators, dimension: usize, section: &Generators, left: &[u32]) {
        match dimension {
            2 => keep_in::<3>(generators, section, left),
            3 => keep_in::<4>(generators, section, left),
            4 => keep_in::<5>(generators, section, left),
            _ => keep_in::<6>(generators, section, left),
        }
    }

    fn cut<L>(cell: &mut Vertices, target: &Target, place: u32) -> bool {
        match cell.dimension {
            2 => cut_in::<L, 3>(cell, target, place),
            3 => cut_in::<L, 4>(cell, target, place),
            4 => cut_in::<L, 5>(cell, target, place),
            _ => cut_in::<L, 6>(cell, target, place),
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
            2 => meet::<L, 3>(facets, meetings, &[], error, points),
            3 => meet::<L, 4>(facets, meetings, &[], error, points),
            4 => meet::<L, 5>(facets, meetings, &[], error, points),
            _ => meet::<L, 6>(facets, meetings, &[], error, points),
        }
    }
}

/// Of a row, its opposite, the row again and its opposite.
#[cfg(test)]
fn sides_on_in<L: Lanes, const K: usize>(cell: &Vertices, target: &Target) -> FourSides {
    let turns = L::load(&[1.0, -1.0, 1.0, -1.0]);
    let targets = FourTargets {
        entries: target.row::<K>().map(|entry| L::all(entry).times(turns)),
        magnitudes: L::all(target.magnitudes),
        slack: L::all(target.slack),
    };
    sides_of_four::<L, K>(&cell.generators, targets, cell.error)
}

#[inline(always)]
fn look_in<L: Lanes, const K: usize>(
    cell: &mut Vertices,
    level: &Level,
    settled: &mut Settled,
) -> bool {
    let Vertices {
        candidates,
        generators,
        error,
        ..
    } = cell;
    let (count, mut kept, mut known) = (candidates.len(), 0, true);
    let mut keep = |candidates: &mut [u32], class, cuts| {
        known &= cuts;
        candidates[kept] = class;
        kept += 1;
    };
    let mut k = 0;
    while k < count {
        let first = candidates[k];
        // What is loaded of a generator serves four rows, where these lie together.
        if first.is_multiple_of(LANES as u32)
            && let Some(four) = candidates[k..].first_chunk::<LANES>()
            && *four == [first, first + 1, first + 2, first + 3]
            && let Some(targets) = level.four_of::<L, K>(first as usize / LANES)
        {
            let sides = sides_of_four::<L, K>(generators, targets, *error);
            let keep = |class, cuts| keep(candidates, class, cuts);
            settle_four(sides, first / LANES as u32, LANES, settled, keep);
            k += LANES;
        } else {
            let target = level.target_of::<K>(first);
            match verdict::<L, K>(generators, &target, *error) {
                Verdict::On(sign) => settled.push(first, sign),
                verdict => keep(candidates, first, verdict == Verdict::Cuts),
            }
            k += 1;
        }
    }
    candidates.truncate(kept);
    known
}

/// Lists on which side of so many classes from `4 * number` on the cell lies; `keep` gets the others,
/// and whether they are known to cut it.
#[inline(always)]
fn settle_four(
    sides: FourSides,
    number: u32,
    count: usize,
    settled: &mut Settled,
    mut keep: impl FnMut(u32, bool),
) {
    let lanes = (1 << count) - 1;
    let on = sides.on & lanes;
    settled.push_four(Four {
        number,
        on: on as u8,
        positive: (sides.above & on) as u8,
    });
    let mut left = lanes & !on;
    while left != 0 {
        let lane = left.trailing_zeros();
        left &= left - 1;
        let cuts = sides.above & sides.below & (1 << lane) != 0;
        keep(LANES as u32 * number + lane, cuts);
    }
}

#[inline(always)]
fn enter_in<L: Lanes, const K: usize, const N: usize>(
    cell: &mut Vertices,
    from: &FloatForms,
    map: &SparseMap,
    active: &Active,
    forms: &mut FloatForms,
    settled: &mut Settled,
) -> Entered {
    let mut eye = Eye {
        generators: &cell.generators,
        error: cell.error,
        count: map.outputs(),
        settled,
        candidates: &mut cell.candidates,
        known: true,
    };
    if !from.through_seen_by::<L, K, N>(map, active, forms, &mut eye) {
        return Entered::Nothing;
    }
    let known = eye.known;
    // Others are not all hyperplanes, or floats say too little of them.
    match forms.all_have_slope() && !forms.is_vague() {
        true => Entered::Sides(known),
        false => Entered::Forms,
    }
}

/// Looks from a cell at rows that become known.
struct Eye<'a> {
    generators: &'a Generators,
    error: f64,
    /// How many rows there are.
    count: usize,
    settled: &'a mut Settled,
    candidates: &'a mut Vec<u32>,
    /// Whether all of these are known to cut.
    known: bool,
}

impl<L: Lanes, const K: usize> Look<L, K> for Eye<'_> {
    #[inline(always)]
    fn look(&mut self, number: usize, entries: [L; K], magnitudes: L, slack: L) {
        let targets = FourTargets {
            entries,
            magnitudes,
            slack,
        };
        let sides = sides_of_four::<L, K>(self.generators, targets, self.error);
        let count = (self.count - number * LANES).min(LANES);
        settle_four(sides, number as u32, count, self.settled, |class, cuts| {
            self.known &= cuts;
            self.candidates.push(class);
        });
    }
}

#[inline(always)]
fn cut_in<L: Lanes, const K: usize>(cell: &mut Vertices, target: &Target, place: u32) -> bool {
    let Some((facet, doubt)) = Facet::new::<K>(target, place) else {
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
    let bound = bound_of_facets(K, error);
    let Some(used) = part::<L, K>(generators, &entries, bound, sides) else {
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
