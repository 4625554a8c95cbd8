//! The vertex engine against exact arithmetic that knows nothing of it: generators are found by
//! trying all choices of d constraints, and signs by evaluating exact rows.

mod exact;
mod flats;
mod hard;
mod layers;
mod searches;

use std::collections::{BTreeMap, BTreeSet};

use num_bigint::BigInt;
use num_traits::{One, Signed, Zero};

use super::generators::Target;
use super::points::Dyadic;
use super::*;
use crate::arithmetic::Rational;
use crate::arithmetic::float::power_of_two;
use crate::arithmetic::lanes::{LANES, Plain};
use crate::proof::record::Sets;
use crate::search::cell::{Cell, Engine};
use crate::search::engine::dictionary::{Dictionary, Name};
use crate::search::engine::samples::{Random, dot, id, rational, solution};
use crate::search::engine::witness::Point;
use exact::{Known, Polyhedron, minors};
use hard::{Hard, misleading, with_beginning, with_box};

/// How often things happened.
#[derive(Debug, Default)]
struct Tally(BTreeMap<String, usize>);

impl Tally {
    fn note(&mut self, what: &str, d: usize) {
        *self.0.entry(format!("{what} in {d}")).or_default() += 1;
    }

    fn demand(&self, least: usize, what: &str, dimensions: &[usize]) {
        for what in what.split(", ") {
            for d in dimensions {
                let count = self.0.get(&format!("{what} in {d}")).copied();
                assert!(count >= Some(least), "{what} in {d}: {count:?} of {self:?}");
            }
        }
    }
}

fn facet(d: usize, target: &Target, place: u32) -> Option<(Facet, f64)> {
    match d {
        2 => Facet::new::<3>(target, place),
        3 => Facet::new::<4>(target, place),
        4 => Facet::new::<5>(target, place),
        _ => Facet::new::<6>(target, place),
    }
}

/// The facets of a generator, as places.
fn places_of(cell: &Vertices, facets: Facets) -> BTreeSet<u32> {
    bits(facets).map(|slot| cell.facets[slot].place).collect()
}

/// Asserts that generators are within E of the exact ones, on the right side of infinity, and
/// hands these over. `last` is a facet on which all of them lie and that is no constraint.
fn exact_generators(
    cell: &Vertices,
    generators: &Generators,
    bound_on_errors: f64,
    polyhedron: &Polyhedron,
    last: Option<&Known>,
    nearest: &mut f64,
) -> Vec<Vec<BigInt>> {
    let d = polyhedron.d;
    let error = rational(bound_on_errors);
    assert_eq!(
        generators.blocks.len(),
        generators.facets.len().div_ceil(LANES) * (d + 1)
    );
    let (mut exact, mut scaled) = (Vec::new(), Vec::new());
    for (index, &facets) in generators.facets.iter().enumerate() {
        let mut rows: Vec<&[BigInt]> = Vec::new();
        let mut unit = BigInt::one();
        let mut power = 0;
        for place in places_of(cell, facets) {
            let known = polyhedron.constraints.get(&place).or(last).unwrap();
            let slot = bits(facets)
                .find(|&slot| cell.facets[slot].place == place)
                .unwrap();
            // The facet is the row, or its opposite, times a power of two.
            let (own, row) = (cell.facets[slot].entries, known.target.entries);
            let k = (0..=d).find(|&k| row[k] != 0.0).unwrap();
            let scale = own[k] / row[k];
            assert!(own.iter().zip(&row).all(|(a, b)| *a == scale * b));
            assert!(own.iter().all(|a| a.abs() <= 1.0));
            assert!(scale > 0.0);
            let exponent = libm::ilogb(scale);
            assert_eq!(power_of_two(exponent.into()), scale.abs());
            power += exponent;
            unit *= &known.unit;
            rows.push(&known.whole);
        }
        assert_eq!(rows.len(), d);
        let mut point = minors(&rows);
        // Positive on one of the constraints, so on all others.
        let others = || {
            let lies_on = places_of(cell, facets);
            let constraints = polyhedron.constraints.iter();
            constraints.filter(move |(place, _)| !lies_on.contains(place))
        };
        if others().next().unwrap().1.sign_at(&point) < 0 {
            point.iter_mut().for_each(|x| *x = -&*x);
        }
        assert!(others().all(|(_, known)| known.sign_at(&point) > 0));
        let size = Rational::from_integer(BigInt::one() << -power) * unit;
        let own = point
            .iter()
            .map(|x| Rational::from_integer(x.clone()) / &size);
        let own: Vec<Rational> = own.collect();
        for (k, x) in own.iter().enumerate() {
            let found = generators.coordinate(d + 1, index, k);
            let off = (rational(found) - x).abs();
            assert!(off <= error, "d {d}, generator {index} of {cell:?}");
            *nearest = nearest.max(float(&(off / &error)));
        }
        exact.push(point);
        scaled.push(own);
    }
    check_centre(cell, generators, bound_on_errors, &scaled);
    // Lanes that are left over repeat the block's first.
    for lane in generators.facets.len()..generators.facets.len().next_multiple_of(LANES) {
        for k in 0..=d {
            let (left, first) = (lane, lane / LANES * LANES);
            let value = |index| generators.coordinate(d + 1, index, k).to_bits();
            assert_eq!(value(left), value(first));
        }
    }
    exact
}

/// A row's exact signs at exact generators.
fn signs(known: &Known, points: &[Vec<BigInt>]) -> BTreeSet<i32> {
    points.iter().map(|point| known.sign_at(point)).collect()
}

/// Asserts what the engine says of a row on a cell, and gives it back.
fn checked_look(cell: &Vertices, known: &Known, points: &[Vec<BigInt>]) -> Verdict {
    let bound = bound(cell.dimension, cell.error, &known.target);
    for (index, point) in points.iter().enumerate() {
        let value = cell.value(&known.target, index);
        if value.abs() > bound {
            let sign = if value > 0.0 { 1 } else { -1 };
            assert_eq!(
                known.sign_at(point),
                sign,
                "{known:?} at {index} of {cell:?}"
            );
        }
    }
    let exact = signs(known, points);
    // A row and its opposite, twice, as the first of so many.
    let fours = sides_on(cell, &known.target);
    let verdict = verdict_on(cell, &known.target);
    for count in 1..=LANES {
        let (mut settled, mut kept) = (Settled::default(), Vec::new());
        settle_four(fours, 5, count, &mut settled, |class, cuts| {
            kept.push((class, cuts));
        });
        assert_eq!(settled.len() + kept.len(), count);
        let turn = |class: u32| [1, -1][class as usize % 2];
        for (class, sign) in settled.sides() {
            let expected = BTreeSet::from([turn(class) * sign]);
            assert_eq!(exact, expected, "{known:?} {cell:?}");
            assert_eq!(verdict, Verdict::On(turn(class) * sign));
        }
        for &(_, cuts) in &kept {
            assert!(!cuts || exact.contains(&1) && exact.contains(&-1));
            let expected = if cuts {
                Verdict::Cuts
            } else {
                Verdict::Unknown
            };
            assert_eq!(verdict, expected, "{known:?} {cell:?}");
        }
        let classes = settled.sides().map(|(class, _)| class);
        let classes: BTreeSet<u32> = classes
            .chain(kept.iter().map(|(class, _)| *class))
            .collect();
        assert!(classes.into_iter().eq(20..20 + count as u32));
    }
    match verdict {
        Verdict::Unknown => {}
        Verdict::Cuts => assert!(
            exact.contains(&1) && exact.contains(&-1),
            "{known:?} {cell:?}"
        ),
        Verdict::On(sign) => assert_eq!(exact, BTreeSet::from([sign]), "{known:?} {cell:?}"),
    }
    verdict
}

/// Asserts Farkas' lemma for these places.
fn check_least(known: &Known, sign: i32, places: &[u32], polyhedron: &Polyhedron) {
    assert!(is_least(known, sign, places, polyhedron), "{known:?}");
}

/// Whether Farkas' lemma shows, by the constraints at these places, that a row has this sign.
fn is_least(known: &Known, sign: i32, places: &[u32], polyhedron: &Polyhedron) -> bool {
    let d = polyhedron.d;
    let rows: Vec<&Known> = places.iter().map(|p| &polyhedron.constraints[p]).collect();
    let columns: Vec<Vec<Rational>> = (0..d)
        .map(|k| rows.iter().map(|row| row.exact[k].clone()).collect())
        .collect();
    let sign = Rational::from_integer(sign.into());
    let signed: Vec<Rational> = known.exact.iter().map(|a| a * &sign).collect();
    let multipliers = solution(columns, signed[..d].to_vec()).expect("independent rows");
    let constants = rows.iter().map(|row| row.exact[d].clone());
    let constants: Vec<Rational> = constants.collect();
    multipliers.iter().all(|m| !m.is_negative())
        && !(&signed[d] - dot(&multipliers, &constants)).is_negative()
}

fn exactly(point: &Point) -> Vec<Rational> {
    point.iter().map(|&x| rational(x)).collect()
}

/// Asserts that the point nearest to a point of those at which all of these forms are zero lies
/// inside a polyhedron.
fn check_point(point: &Dyadic, forms: &[&Known], polyhedron: &Polyhedron) {
    let d = polyhedron.d;
    let scale = rational(power_of_two(point.exponent));
    let whole = point.mantissas().iter();
    let mut nearest: Vec<Rational> = whole
        .map(|&m| Rational::from_integer(m.into()) * &scale)
        .collect();
    assert_eq!(nearest.len(), d);
    let mut homogeneous = nearest.clone();
    homogeneous.push(Rational::one());
    // y - H' m, where H H' m = h(y).
    let gram = forms.iter().map(|one| {
        let product = |other: &&Known| dot(&one.exact[..d], &other.exact[..d]);
        forms.iter().map(product).collect()
    });
    let values = forms.iter().map(|form| dot(&form.exact, &homogeneous));
    let multipliers = solution(gram.collect(), values.collect()).expect("independent rows");
    for (form, multiplier) in forms.iter().zip(multipliers) {
        for (x, entry) in nearest.iter_mut().zip(&form.exact) {
            *x -= &multiplier * entry;
        }
    }
    assert!(polyhedron.holds(&nearest), "{point:?} {forms:?}");
}

/// Everything that can be asked of a cell that has just been cut by a row.
fn check_cut(
    cell: &mut Vertices,
    known: &Known,
    place: u32,
    (points, polyhedron): (&[Vec<BigInt>], &Polyhedron),
    hard: &mut Hard,
    tally: &mut Tally,
) {
    let d = polyhedron.d;
    let mut nearest = 0.0;
    for (part, sign) in [(&cell.above, 1), (&cell.below, -1)] {
        for (&index, &facets) in part.indices().iter().zip(part.facets()) {
            assert_eq!(known.sign_at(&points[index as usize]), sign);
            assert_eq!(facets, cell.generators.facets[index as usize]);
        }
    }
    let count = cell.above.indices().len() + cell.below.indices().len();
    assert_eq!(count, points.len());
    let (section, error) = (&cell.section, cell.error);
    let on_it = exact_generators(cell, section, error, polyhedron, Some(known), &mut nearest);
    // What crosses the section, and what does not.
    for _ in 0..4 {
        let other = hard.row(cell, polyhedron);
        let verdict = cell.on_section(&other.target);
        let (here, exact) = (signs(&other, points), signs(&other, &on_it));
        tally.note(&format!("section {verdict:?}"), d);
        match verdict {
            Verdict::Unknown => continue,
            Verdict::On(sign) => {
                assert_eq!(
                    exact,
                    BTreeSet::from([sign]),
                    "{known:?} {other:?} {cell:?}"
                );
                let expected: BTreeSet<i32> = points
                    .iter()
                    .filter(|point| other.sign_at(point) == -sign)
                    .map(|point| known.sign_at(point))
                    .collect();
                if let Some(side) = cell.side_of(&other.target, -sign) {
                    assert_eq!(expected, BTreeSet::from([side]));
                    tally.note("side", d);
                    if let Some(places) = cell.least_on_section(&other.target, sign) {
                        let rest = side_of(polyhedron, place, known, -side);
                        check_least(&other, sign, &places[..d], &rest);
                        tally.note("least on the section", d);
                    }
                    if let Some(point) = cell.point_on_side(&other.target, side) {
                        let there = side_of(polyhedron, place, known, side);
                        check_point(&point, &[&other], &there);
                        tally.note("met on a side", d);
                    }
                } else if here.contains(&-sign) {
                    tally.note("no side", d);
                }
            }
            Verdict::Cuts => {
                assert!(exact.contains(&1) && exact.contains(&-1));
                match cell.point_on_section(&other.target) {
                    Some(point) => {
                        check_point(&point, &[known, &other], polyhedron);
                        tally.note("crossed", d);
                    }
                    None => tally.note("not crossed", d),
                }
            }
        }
    }
    for sign in [1, -1] {
        match cell.point_of_side(sign) {
            Some(point) => {
                check_point(&point, &[], &side_of(polyhedron, place, known, sign));
                tally.note("a point of a side", d);
            }
            None => tally.note("no point of a side", d),
        }
    }
}

/// One side of a polyhedron.
fn side_of(polyhedron: &Polyhedron, place: u32, known: &Known, sign: i32) -> Polyhedron {
    let mut side = polyhedron.clone();
    let known = if sign > 0 {
        known.clone()
    } else {
        known.negated()
    };
    side.constraints.insert(place, known);
    side
}

/// Asserts that the centre of generators is as near as it says to a combination of the exact
/// ones, with its own steps along the rays.
fn check_centre(cell: &Vertices, generators: &Generators, error: f64, exact: &[Vec<Rational>]) {
    let Some((point, distance)) = cell.centre(generators, error) else {
        return;
    };
    let d = cell.dimension;
    let coordinate = |index, k| generators.coordinate(d + 1, index, k);
    let (mut sums, mut count, mut largest) = (vec![Rational::zero(); d], 0, 1.0f64);
    for (index, exact) in exact.iter().enumerate() {
        if coordinate(index, d) > 1e3 * error {
            let weight = 1.0 / coordinate(index, d);
            for k in 0..d {
                sums[k] += &exact[k] / &exact[d];
                largest = largest.max((weight * coordinate(index, k)).abs());
            }
            count += 1;
        }
    }
    sums.iter_mut().for_each(|sum| *sum /= BigInt::from(count));
    for (index, exact) in exact.iter().enumerate() {
        if exact[d].is_zero() {
            let size = (0..d).fold(error, |size, k| size.max(coordinate(index, k).abs()));
            let step = rational(largest / size);
            for (sum, x) in sums.iter_mut().zip(exact) {
                *sum += &step * x;
            }
        }
    }
    for (sum, x) in sums.iter().zip(&point) {
        let off = (sum - rational(*x)).abs();
        assert!(off <= rational(distance), "{off} {distance:e} {cell:?}");
    }
}

/// Asserts that a cell is the polyhedron.
fn check_cell(cell: &Vertices, polyhedron: &Polyhedron, tally: &mut Tally) {
    let d = polyhedron.d;
    let expected = polyhedron.generators();
    let found = cell.generators.facets.iter();
    let found: Vec<BTreeSet<u32>> = found.map(|&facets| places_of(cell, facets)).collect();
    assert_eq!(found.len(), expected.len(), "{cell:?}");
    assert!(found.iter().all(|places| expected.contains_key(places)));
    if let Some(point) = cell.point() {
        check_point(&point, &[], polyhedron);
        tally.note("a point", d);
    }
    match cell.inside() {
        Some(point) => {
            assert!(polyhedron.holds(&exactly(&point)), "{cell:?}");
            tally.note("inside", d);
            if expected.keys().flatten().any(|&place| place == INFINITY) {
                tally.note("inside with rays", d);
            }
        }
        None => tally.note("not inside", d),
    }
    if let Some(corner) = cell.corner() {
        assert!(!corner.contains(&INFINITY));
        assert!(expected.contains_key(&corner.iter().copied().collect()));
        tally.note("corner", d);
    }
}

/// Cells that are cut by random rows, one after another, are what exact arithmetic makes of the
/// same constraints, and what is said of other rows is true.
#[test]
fn cells_and_all_that_is_said_of_them_are_exactly_right() {
    let random = &mut Random(11);
    let mut tally = Tally::default();
    for trial in 0..260 {
        let d = 2 + trial % 4;
        with_beginning(random, d, |random, mut cell, mut polyhedron| {
            let tally = &mut tally;
            let mut nearest = 0.0;
            let first = polyhedron.constraints.len() as u32 - 1;
            for step in 0..[9, 7, 6, 5][d - 2] {
                let error = cell.error;
                let generators = &cell.generators;
                let points =
                    exact_generators(&cell, generators, error, &polyhedron, None, &mut nearest);
                for _ in 0..3 {
                    let mut hard = Hard { random, d };
                    let known = hard.row(&cell, &polyhedron);
                    let verdict = checked_look(&cell, &known, &points);
                    tally.note(&format!("{verdict:?}"), d);
                    if let Verdict::On(sign) = verdict {
                        let least = cell.least(&known.target, sign);
                        tally.note(if least.is_some() { "least" } else { "no least" }, d);
                        if let Some(vertex) = least {
                            let places = &cell.places(vertex)[..d];
                            check_least(&known, sign, places, &polyhedron);
                        }
                        let mut corners = Sets::default();
                        let target = std::iter::once((known.target, sign));
                        cell.corners_where_least(target, &mut corners);
                        let Sets { named, members, .. } = &corners;
                        let mut all: Vec<Vec<u32>> = members
                            .iter()
                            .map(|set| {
                                assert_eq!(set.count_ones() as usize, d);
                                bits(*set).map(|at| named[at]).collect()
                            })
                            .collect();
                        let shown = |places: &Vec<u32>| is_least(&known, sign, places, &polyhedron);
                        assert!(all.iter().any(shown), "{known:?} {cell:?}");
                        if least.is_none() && members.len() < cell.generators() {
                            tally.note("one of some", d);
                        }
                        // Those of all vertices are each what it is by itself.
                        cell.all_corners(&mut corners);
                        let infinity = cell.infinity();
                        let vertices = (0..cell.generators())
                            .filter(|&vertex| cell.generators.facets[vertex] & infinity == 0);
                        all = vertices
                            .map(|vertex| cell.places(vertex)[..d].to_vec())
                            .collect();
                        let Sets { named, members, .. } = &corners;
                        let named = members
                            .iter()
                            .map(|set| bits(*set).map(|at| named[at]).collect());
                        assert_eq!(named.collect::<Vec<Vec<u32>>>(), all);
                        continue;
                    }
                    if verdict == Verdict::Cuts
                        && let Some(point) = cell.point_on(&known.target)
                    {
                        check_point(&point, &[&known], &polyhedron);
                        tally.note("met", d);
                    }
                    let place = first + step;
                    let mut both = cell.clone();
                    let accepted = both.cut(&known.target, place);
                    tally.note(if accepted { "cut" } else { "refused" }, d);
                    if !accepted {
                        assert_eq!(both.generators.blocks, cell.generators.blocks);
                        assert_eq!(both.generators.facets, cell.generators.facets);
                        continue;
                    }
                    if verdict == Verdict::Unknown {
                        let exact = signs(&known, &points);
                        assert!(!exact.contains(&0));
                        if exact.len() < 2 {
                            continue;
                        }
                    }
                    let rays = cell.generators.facets.iter().any(|own| own & 1 == 1);
                    let ended = cell.facets[0].place == INFINITY && rays;
                    tally.note(if ended { "unbounded" } else { "bounded" }, d);
                    check_cut(
                        &mut both,
                        &known,
                        place,
                        (&points, &polyhedron),
                        &mut hard,
                        tally,
                    );
                    let sign = if random.below(2) == 0 { 1 } else { -1 };
                    let mut taken = Vertices::default();
                    taken.take(&both, sign);
                    cell = both;
                    cell.keep(sign);
                    assert_eq!(taken.generators.blocks, cell.generators.blocks);
                    assert_eq!(taken.generators.facets, cell.generators.facets);
                    let entries = |cell: &Vertices| -> Vec<[f64; ENTRIES]> {
                        cell.facets.iter().map(|facet| facet.entries).collect()
                    };
                    assert_eq!(entries(&taken), entries(&cell));
                    let side = if sign > 0 { known } else { known.negated() };
                    polyhedron.constraints.insert(place, side);
                    if cell.facets.len() < polyhedron.constraints.len() {
                        tally.note("slot used again", d);
                    }
                    break;
                }
            }
            check_cell(&cell, &polyhedron, tally);
        });
    }
    let said = "Cuts, On(1), On(-1), Unknown, least, no least, inside, cut, refused";
    tally.demand(5, "one of some", &[2, 3, 4, 5]);
    tally.demand(25, said, &[2, 3, 4]);
    tally.demand(20, said, &[5]);
    let found = "slot used again, section Cuts, section Unknown, bounded, unbounded, corner";
    tally.demand(20, found, &[2, 3, 4, 5]);
    tally.demand(4, "inside with rays", &[2, 3, 4, 5]);
    let points = "a point, met, a point of a side";
    tally.demand(20, points, &[2, 3, 4, 5]);
    let crossed = "crossed, side, no side, least on the section, met on a side";
    tally.demand(5, crossed, &[2, 3, 4, 5]);
    tally.demand(3, "not crossed, no point of a side", &[2, 3, 4, 5]);
}

fn float(value: &Rational) -> f64 {
    num_traits::ToPrimitive::to_f64(value).unwrap()
}

/// Rows with entries of the largest size, whose exact entries are as far from the floats as
/// their radii allow, and others that are positive where floats say negative, or the other way
/// round: errors come near to their bounds, and no sign is claimed that is wrong.
#[test]
fn bounds_hold_where_they_are_nearly_reached() {
    let random = &mut Random(5);
    let mut tally = Tally::default();
    for d in DIMENSIONS {
        let mut nearest = 0.0;
        for _ in 0..[300, 200, 120, 120][d - 2] {
            with_box(d, 1, |_, mut cell, mut polyhedron| {
                // Rows of a Hadamard matrix have the largest minors.
                let (vague, hadamard) = (random.below(2) == 0, random.below(2) == 0);
                for n in 0..d {
                    let place = 2 * d + n;
                    let mut sign = |k: usize| match hadamard && k < d {
                        true => [1.0, -1.0][(n & k).count_ones() as usize % 2],
                        false => random.unit().signum(),
                    };
                    let mut center: Vec<f64> = (0..=d).map(|k| 2.0 * sign(k)).collect();
                    for entry in &mut center {
                        *entry *= 1.0 - random.unit().abs() / 512.0;
                    }
                    center[d] /= 8.0;
                    let (mut radii, mut at) = (vec![0.0; d + 1], vec![0.0; d + 1]);
                    let k = random.below(d as u64 + 1) as usize;
                    if vague {
                        // With more vertices, more are too near to the next row for less.
                        let radius = power_of_two(if d < 5 { -20 } else { -30 });
                        (radii[k], at[k]) = (radius, random.unit().signum());
                    }
                    let known = Known::with_radii(&center, &radii, &at);
                    if !cell.cut(&known.target, place as u32) {
                        return;
                    }
                    let (section, error) = (&cell.section, cell.error);
                    let last = Some(&known);
                    exact_generators(&cell, section, error, &polyhedron, last, &mut nearest);
                    cell.keep(1);
                    polyhedron.constraints.insert(place as u32, known);
                }
                let points = exact_generators(
                    &cell,
                    &cell.generators,
                    cell.error,
                    &polyhedron,
                    None,
                    &mut nearest,
                );
                for (index, point) in points.iter().enumerate() {
                    for style in [usize::from(vague)] {
                        let known = misleading(random, &cell, index, point, &polyhedron, style);
                        let target = &known.target;
                        let (value, sign) = (cell.value(target, index), known.sign_at(point));
                        let wrong = value * f64::from(sign) < 0.0;
                        if wrong && value.abs() > bound(d, cell.error, target) / 8.0 {
                            tally.note(&format!("misleading row {style}"), d);
                        }
                        checked_look(&cell, &known, &points);
                        let (facet, _) = facet(d, target, 99).unwrap();
                        let scale = facet.entries[0] / target.entries[0];
                        let least = bound_of_facets(d + 1, cell.error);
                        if wrong && (scale * value).abs() > least / 8.0 {
                            tally.note("misleading facet", d);
                        }
                        let mut both = cell.clone();
                        if both.cut(target, 99) {
                            for (part, sign) in [(&both.above, 1), (&both.below, -1)] {
                                for &index in part.indices() {
                                    assert_eq!(known.sign_at(&points[index as usize]), sign);
                                }
                            }
                        }
                    }
                }
            });
        }
        assert!(nearest > [0.9, 0.8, 0.3, 0.3][d - 2], "{d}: {nearest}");
    }
    tally.demand(
        5,
        "misleading row 0, misleading row 1, misleading facet",
        &[2, 3],
    );
}

/// A polygon with as many sides as there are bits is cut no further, and stays as it is.
#[test]
fn cells_of_too_many_facets_are_refused() {
    with_box(2, 2, |_, mut cell, _| {
        for step in 1u32..=64 {
            // Tangents of a circle, at angles that are far apart at first.
            let turn = f64::from(step.reverse_bits()) / f64::from(u32::MAX) * std::f64::consts::TAU;
            let center = [-turn.cos(), -turn.sin(), 1.0].map(|a| 1.5 * a);
            let known = Known::with_radii(&center, &[0.0; 3], &[0.0; 3]);
            assert!(cell.cut(&known.target, step + 4), "{step}");
            cell.keep(1);
        }
        let used = cell.generators.facets.iter().fold(0, |all, own| all | own);
        assert_eq!((used, cell.facets.len()), (Facets::MAX, 64));
        let before = cell.clone();
        let known = Known::with_radii(&[1.0, 0.5, 0.1], &[0.0; 3], &[0.0; 3]);
        assert!(!cell.cut(&known.target, 70));
        assert_eq!(cell.generators.blocks, before.generators.blocks);
        assert_eq!(cell.corner(), before.corner());
        assert!(cell.inside().is_some());
    });
}

/// The engine without vector registers.
fn plainly_cut(cell: &mut Vertices, target: &Target, place: u32) -> bool {
    match cell.dimension {
        2 => cut_in::<Plain, 3>(cell, target, place),
        3 => cut_in::<Plain, 4>(cell, target, place),
        4 => cut_in::<Plain, 5>(cell, target, place),
        _ => cut_in::<Plain, 6>(cell, target, place),
    }
}

/// The same.
fn plainly_looked(cell: &Vertices, target: &Target) -> Verdict {
    match cell.dimension {
        2 => generators::verdict::<Plain, 3>(&cell.generators, target, cell.error),
        3 => generators::verdict::<Plain, 4>(&cell.generators, target, cell.error),
        4 => generators::verdict::<Plain, 5>(&cell.generators, target, cell.error),
        _ => generators::verdict::<Plain, 6>(&cell.generators, target, cell.error),
    }
}

/// With and without vector registers nothing differs but roundings: nothing at all where whole
/// numbers leave none.
#[test]
fn all_processors_make_the_same_cells() {
    let random = &mut Random(8);
    let mut tally = Tally::default();
    for trial in 0..80 {
        let d = 2 + trial % 4;
        with_box(d, 8, |_, mut cell, polyhedron| {
            let is_whole = random.below(2) == 0;
            for step in 0..6 {
                let mut hard = Hard { random, d };
                let known = match is_whole {
                    false => hard.row(&cell, &polyhedron),
                    true => {
                        let mut entry = || hard.random.below(9) as f64 - 4.0;
                        let mut center: Vec<f64> = (0..=d).map(|_| entry()).collect();
                        Hard::scaled(&mut center);
                        Known::with_radii(&center, &vec![0.0; d + 1], &vec![0.0; d + 1])
                    }
                };
                let mut plain = cell.clone();
                let verdict = plainly_looked(&cell, &known.target);
                let other = verdict_on(&cell, &known.target);
                let unknown = [verdict, other].contains(&Verdict::Unknown);
                assert!(verdict == other || unknown && !is_whole);
                if verdict != Verdict::Cuts || other != Verdict::Cuts {
                    continue;
                }
                let place = 2 * d as u32 + step;
                let accepted = cell.cut(&known.target, place);
                let same = plainly_cut(&mut plain, &known.target, place) == accepted;
                assert!(same || !is_whole);
                if !accepted || !same {
                    return;
                }
                assert_eq!(plain.section.facets, cell.section.facets);
                assert_eq!(plain.above.indices(), cell.above.indices());
                assert_eq!(plain.above.facets(), cell.above.facets());
                assert_eq!(plain.below.indices(), cell.below.indices());
                let values = |cell: &Vertices| cell.section.blocks.concat();
                for (a, b) in values(&plain).into_iter().zip(values(&cell)) {
                    assert!((a - b).abs() <= if is_whole { 0.0 } else { 2.0 * cell.error });
                }
                cell.keep(1);
                tally.note(if is_whole { "whole" } else { "any" }, d);
            }
        });
    }
    tally.demand(10, "whole, any", &[2, 3, 4, 5]);
}

/// A cell that cannot be handed over to a dictionary is searched with its own candidates, not
/// with those of an older dictionary.
#[test]
fn a_cell_that_is_not_handed_over_keeps_its_candidates() {
    with_box(2, 1, |level, _, _| {
        let mut path = Path::new(2);
        let places = [0, 2].map(|side| path.push(level, id(level, side, false)));
        let columns = (0..places.len() as u32).map(Name::Constraint).collect();
        let dictionary = Dictionary::new(level, &path, columns, vec![], vec![3]);
        let mut cell = Cell {
            engine: Engine::Vertices,
            dictionary: dictionary.unwrap(),
            ..Cell::default()
        };
        // It has no vertex to hand over.
        cell.vertices.candidates = vec![1];
        assert!(!cell.leave_vertices(level, &mut path));
        assert_eq!(cell.candidates(), [1]);
    });
}

/// Rows whose numbers are too extreme, or of which too little is known, are refused.
#[test]
fn extreme_rows_are_refused() {
    let row = |constant, radius| Known::with_radii(&[1.0, 0.5, constant], &[radius; 3], &[0.0; 3]);
    let (infinite, unknown) = (f64::INFINITY, f64::NAN);
    with_box(2, 1, |_, cell, _| {
        let cuts = |known: &Known| cell.clone().cut(&known.target, 4);
        assert!(cuts(&row(0.25, 0.0)) && cuts(&row(0.25, power_of_two(-23))));
        // The signs at the vertices are clear, but second-order terms may not be.
        assert!(!cuts(&row(0.25, power_of_two(-18))));
        for power in [99, 101, 1000] {
            let facet = facet(2, &row(power_of_two(power), 0.0).target, 4);
            assert_eq!(facet.is_some(), power < 100);
        }
        for slack in [infinite, unknown] {
            let mut known = row(0.25, 0.0);
            known.target.slack = slack;
            assert!(!cuts(&known));
            assert_eq!(verdict_on(&cell, &known.target), Verdict::Unknown);
        }
    });
}
