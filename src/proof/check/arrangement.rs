//! All regions into which hyperplanes in general position cut a cell.
//!
//! A *flat* is what some of the hyperplanes, independent ones, have in common inside the cell, the
//! cell itself being that of none. There are never more regions than flats (docs/proofs.md). Around
//! a point of a flat of m hyperplanes that lies on no other one, there are 2^m regions, and each
//! region is one of those around some flat that no other hyperplane cuts. So it takes a list of all
//! flats, and a point of each that is not cut; where as many regions are seen as there are flats,
//! these are all.
//!
//! On a flat, all functions are known in coordinates of its own: those of the space, without as
//! many as there are hyperplanes that it lies on. A line is cut by the constraints to an interval,
//! on which the hyperplanes cross it one after another.

use std::cmp::Ordering;

use super::ball::Ball;
use super::lazy::Lazy;
use crate::arithmetic::interval::Interval as Bounds;
use crate::arithmetic::{Number, Rational};

/// The most hyperplanes: a pattern has a bit for each.
pub const MAX_UNITS: usize = 64;

/// The most coordinates.
pub const MAX_DIMENSION: usize = 4;

/// The most constraints that give the cell.
pub const MAX_CONSTRAINTS: usize = 64;

/// Numbers that may be known to any extent: exact ones, or balls.
pub trait Value: Clone {
    /// The sign, where it is known.
    fn sign(&self) -> Option<Ordering>;

    /// A bound of the magnitude from below; zero where the sign is not known.
    fn distance_from_zero(&self) -> f64;

    /// `self - a b`.
    fn minus_product(&self, a: &Self, b: &Self) -> Self;

    /// `self / b`, where `b` is not zero.
    fn over(&self, b: &Self) -> Self;

    /// The greater one, or what contains both.
    fn max(&self, other: &Self) -> Self;

    fn integer(value: i8) -> Self;

    fn negated(&self) -> Self {
        Self::integer(0).minus_product(self, &Self::integer(1))
    }

    /// Some order of all numbers; that of those whose order is known.
    fn guess(&self, other: &Self) -> Ordering;

    /// How it compares, where that is known.
    fn compare(&self, other: &Self) -> Option<Ordering> {
        self.minus_product(other, &Self::integer(1)).sign()
    }
}

impl Value for Ball {
    fn sign(&self) -> Option<Ordering> {
        if self.is_positive() {
            Some(Ordering::Greater)
        } else if (-*self).is_positive() {
            Some(Ordering::Less)
        } else {
            self.is_zero().then_some(Ordering::Equal)
        }
    }

    fn distance_from_zero(&self) -> f64 {
        Ball::distance_from_zero(*self).max(0.0)
    }

    fn minus_product(&self, a: &Ball, b: &Ball) -> Ball {
        // Without a radius where there is nothing to subtract, as on the sides of boxes.
        match a.is_zero() && b.is_finite() || b.is_zero() && a.is_finite() {
            true => *self,
            false => Ball::minus_product(*self, *a, *b),
        }
    }

    fn negated(&self) -> Ball {
        -*self
    }

    fn over(&self, b: &Ball) -> Ball {
        Ball::over(*self, *b)
    }

    fn max(&self, other: &Ball) -> Ball {
        match self.compare(other) {
            Some(Ordering::Less) => *other,
            Some(_) => *self,
            None => self.or(*other),
        }
    }

    fn guess(&self, other: &Ball) -> Ordering {
        self.center().total_cmp(&other.center())
    }

    fn integer(value: i8) -> Ball {
        Ball::exactly(value.into())
    }
}

/// Why an arrangement is not listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The numbers are not known well enough. Never where they are exact.
    Unknown,
    /// Inside the cell, the hyperplanes are not in general position.
    Special,
    /// It was to stop.
    Stopped,
}

/// Affine functions one after another, the constant last, on a flat.
#[derive(Clone)]
struct Functions<V> {
    /// d + 1.
    width: usize,
    entries: Vec<V>,
}

impl<V: Value> Functions<V> {
    fn all(&self) -> impl Iterator<Item = &[V]> {
        self.entries.chunks_exact(self.width)
    }

    fn get(&self, at: usize) -> &[V] {
        &self.entries[at * self.width..][..self.width]
    }

    /// These functions where another one is zero, which is not constant: without the coordinate
    /// for which it is solved.
    fn on(&self, other: &[V], solved: usize) -> Functions<V> {
        let mut entries = Vec::with_capacity(self.entries.len());
        for function in self.all() {
            let factor = function[solved].over(&other[solved]);
            for k in (0..self.width).filter(|&k| k != solved) {
                entries.push(function[k].minus_product(&factor, &other[k]));
            }
        }
        Functions {
            width: self.width - 1,
            entries,
        }
    }
}

/// The coordinate in which a function has its largest slope: `Ok(None)` where it is constant.
fn steepest<V: Value>(function: &[V]) -> Result<Option<usize>, Refused> {
    let linear = &function[..function.len() - 1];
    let slope = |&k: &usize| linear[k].distance_from_zero();
    let best = (0..linear.len()).max_by(|a, b| slope(a).total_cmp(&slope(b)));
    match best.filter(|best| slope(best) > 0.0) {
        Some(best) => Ok(Some(best)),
        None => {
            let zero = |entry: &V| entry.sign() == Some(Ordering::Equal);
            match linear.iter().all(zero) {
                true => Ok(None),
                false => Err(Refused::Unknown),
            }
        }
    }
}

/// Part of a line: where it begins and ends, where it does.
struct Interval<V> {
    lower: Option<V>,
    upper: Option<V>,
}

impl<V: Value> Interval<V> {
    /// Where functions of one coordinate are positive; `None` when that is nowhere.
    fn of<'v>(functions: impl Iterator<Item = &'v [V]>) -> Result<Option<Interval<V>>, Refused>
    where
        V: 'v,
    {
        let mut interval = Interval {
            lower: None::<V>,
            upper: None::<V>,
        };
        let mut negated_upper = None::<V>;
        for function in functions {
            let [slope, constant] = function else {
                unreachable!("a line has one coordinate")
            };
            match slope.sign().ok_or(Refused::Unknown)? {
                Ordering::Equal => {
                    if constant.sign().ok_or(Refused::Unknown)? != Ordering::Greater {
                        return Ok(None);
                    }
                }
                Ordering::Greater => {
                    let root = root(slope, constant);
                    interval.lower = Some(match interval.lower {
                        Some(lower) => lower.max(&root),
                        None => root,
                    });
                }
                Ordering::Less => {
                    let negated = constant.over(slope);
                    negated_upper = Some(match negated_upper {
                        Some(upper) => V::max(&upper, &negated),
                        None => negated,
                    });
                }
            }
        }
        interval.upper = negated_upper.map(|upper| upper.negated());
        let Interval {
            lower: Some(lower),
            upper: Some(upper),
        } = &interval
        else {
            return Ok(Some(interval));
        };
        let order = lower.compare(upper).ok_or(Refused::Unknown)?;
        Ok((order == Ordering::Less).then_some(interval))
    }

    /// Whether a point lies after the lower end, and before the upper one.
    fn place(&self, point: &V) -> Result<(bool, bool), Refused> {
        let after = match &self.lower {
            Some(lower) => lower.compare(point).ok_or(Refused::Unknown)? == Ordering::Less,
            None => true,
        };
        let before = match &self.upper {
            Some(upper) => point.compare(upper).ok_or(Refused::Unknown)? == Ordering::Less,
            None => true,
        };
        Ok((after, before))
    }

    /// A point inside.
    fn inside(&self) -> V {
        let step = |end: &V, by: i8| end.minus_product(&V::integer(by), &V::integer(-1));
        match (&self.lower, &self.upper) {
            (None, None) => V::integer(0),
            (Some(lower), None) => step(lower, 1),
            (None, Some(upper)) => step(upper, -1),
            (Some(lower), Some(upper)) => lower
                .minus_product(upper, &V::integer(-1))
                .over(&V::integer(2)),
        }
    }
}

/// Where a function of one coordinate, not a constant one, is zero.
fn root<V: Value>(slope: &V, constant: &V) -> V {
    constant.negated().over(slope)
}

/// The value of a function at a point.
fn at<V: Value>(function: &[V], point: &[V]) -> V {
    let (constant, linear) = function.split_last().expect("a function has a constant");
    let terms = linear.iter().zip(point);
    terms.fold(constant.clone(), |sum, (slope, x)| {
        sum.minus_product(&slope.negated(), x)
    })
}

/// A point at which all functions are positive; `None` where there is none.
///
/// A cell that is not the whole space has a facet, on the boundary of one of the functions. At a
/// point inside of a facet all other functions are positive, but for multiples of that one.
fn inner_point<V: Value>(
    functions: &Functions<V>,
    stop: &dyn Fn() -> bool,
) -> Result<Option<Vec<V>>, Refused> {
    let d = functions.width - 1;
    if d == 1 {
        let interval = Interval::of(functions.all())?;
        return Ok(interval.map(|interval| vec![interval.inside()]));
    }
    let mut slopes = Vec::with_capacity(functions.entries.len());
    for function in functions.all() {
        let slope = steepest(function)?;
        if slope.is_none() && function[d].sign().ok_or(Refused::Unknown)? != Ordering::Greater {
            return Ok(None);
        }
        slopes.push(slope);
    }
    if slopes.iter().all(Option::is_none) {
        return Ok(Some(vec![V::integer(0); d]));
    }
    let mut unknown = false;
    for (place, (function, slope)) in functions.all().zip(&slopes).enumerate() {
        let &Some(solved) = slope else {
            continue;
        };
        if stop() {
            return Err(Refused::Stopped);
        }
        let mut facet = Functions {
            width: d,
            entries: Vec::with_capacity(functions.entries.len()),
        };
        for (k, other) in functions.on(function, solved).all().enumerate() {
            let zero = |entry: &V| entry.sign() == Some(Ordering::Equal);
            if k == place {
                continue;
            }
            if !other.iter().all(zero) {
                facet.entries.extend_from_slice(other);
                continue;
            }
            // A multiple says the same as the function, or its opposite.
            let sign = functions.get(k)[solved].sign().ok_or(Refused::Unknown)?;
            if Some(sign) != function[solved].sign() {
                return Ok(None);
            }
        }
        match inner_point(&facet, stop) {
            Ok(Some(point)) => return inwards(functions, place, solved, point),
            Ok(None) => {}
            Err(Refused::Stopped) => return Err(Refused::Stopped),
            Err(_) => unknown = true,
        }
    }
    match unknown {
        true => Err(Refused::Unknown),
        false => Ok(None),
    }
}

/// From a point inside of the facet of the function at a place, without the coordinate for which its function is solved, to one
/// inside of the cell, along that coordinate.
fn inwards<V: Value>(
    functions: &Functions<V>,
    place: usize,
    solved: usize,
    mut point: Vec<V>,
) -> Result<Option<Vec<V>>, Refused> {
    let facet = functions.get(place);
    point.insert(solved, V::integer(0));
    point[solved] = at(facet, &point).negated().over(&facet[solved]);
    let along = |function: &[V]| [function[solved].clone(), at(function, &point)];
    let mut on_way: Vec<[V; 2]> = functions.all().map(along).collect();
    // Known, as that is how the point was found.
    on_way[place][1] = V::integer(0);
    let on_way = on_way.iter().map(|function| &function[..]);
    let Some(way) = Interval::of(on_way)? else {
        return Err(Refused::Unknown);
    };
    point[solved] = point[solved].minus_product(&way.inside(), &V::integer(-1));
    Ok(Some(point))
}

/// A point at which all of these functions are positive; `None` where there is none.
pub fn exact_point(functions: &[Vec<Rational>]) -> Option<Vec<Rational>> {
    let lazy = |entry: &Rational| {
        let bounds = Bounds::of(&Number::from_rational(entry.clone()));
        Lazy::new(entry.clone(), bounds)
    };
    let functions = Functions {
        width: functions.first()?.len(),
        entries: functions.iter().flatten().map(lazy).collect(),
    };
    let point = inner_point(&functions, &|| false).expect("exact numbers are known")?;
    Some(point.iter().map(|x| x.exact().clone()).collect())
}

/// The regions of a cell.
struct Regions<'s> {
    /// Whether to stop.
    stop: &'s dyn Fn() -> bool,
    /// How many hyperplanes there are.
    units: usize,
    /// The flats so far.
    flats: usize,
    /// The patterns seen, some of them several times: the first unit's bit is the highest, and set
    /// for a negative sign.
    patterns: Vec<u64>,
}

/// Lists the patterns of the regions of a cell, each a number with a bit for each unit, the first
/// unit's bit the highest and set for a negative sign, in ascending order.
///
/// `constraints` are positive on the cell; all functions have `dimension` + 1 entries.
///
/// # Errors
/// Why not.
pub fn patterns<V: Value>(
    constraints: Vec<V>,
    units: Vec<V>,
    dimension: usize,
    stop: &dyn Fn() -> bool,
) -> Result<Vec<u64>, Refused> {
    let width = dimension + 1;
    let functions = |entries| Functions { width, entries };
    let (constraints, units) = (functions(constraints), functions(units));
    let mut regions = Regions {
        stop,
        units: units.entries.len() / width,
        flats: 0,
        patterns: Vec::new(),
    };
    let all: Vec<usize> = (0..regions.units).collect();
    regions.flat(&constraints, &units, &all, regions.units, 0)?;
    let Regions {
        flats,
        mut patterns,
        ..
    } = regions;
    patterns.sort_unstable();
    patterns.dedup();
    match patterns.len() == flats {
        true => Ok(patterns),
        false => Err(Refused::Special),
    }
}

impl Regions<'_> {
    fn bit(&self, unit: usize) -> u64 {
        1 << (self.units - 1 - unit)
    }

    /// Adds the regions around a point of the flat of these members, where the others have these
    /// signs.
    fn add(&mut self, pattern: u64, members: u64) {
        // All subsets of the members.
        let mut subset = members;
        loop {
            self.patterns.push(pattern | subset);
            if subset == 0 {
                return;
            }
            subset = (subset - 1) & members;
        }
    }

    /// Counts a flat, and those in it of one more unit that comes before all of its own, and so on;
    /// and adds the regions around those that are not cut. Whether there is such a flat at all.
    ///
    /// `others` says which units the functions in `units` belong to, in order; the first `before`
    /// of them come before the flat's own.
    fn flat<V: Value>(
        &mut self,
        constraints: &Functions<V>,
        units: &Functions<V>,
        others: &[usize],
        before: usize,
        members: u64,
    ) -> Result<bool, Refused> {
        if constraints.width == 2 {
            return self.line(constraints, units, others, before, members);
        }
        if (self.stop)() {
            return Err(Refused::Stopped);
        }
        let d = constraints.width - 1;
        let mut cut = false;
        for (place, function) in units.all().enumerate() {
            // Whether it is cut by those that do not come before is all that is asked of them.
            if place >= before && cut {
                break;
            }
            let Some(solved) = steepest(function)? else {
                continue;
            };
            let constraints = constraints.on(function, solved);
            cut |= if place < before {
                let mut rest = units.on(function, solved);
                rest.entries.drain(place * d..(place + 1) * d);
                let mut left = others.to_vec();
                let own = self.bit(left.remove(place));
                self.flat(&constraints, &rest, &left, place, members | own)?
            } else {
                inner_point(&constraints, self.stop)?.is_some()
            };
        }
        if cut {
            self.flats += 1;
            return Ok(true);
        }
        let Some(point) = inner_point(constraints, self.stop)? else {
            return Ok(false);
        };
        self.flats += 1;
        let mut pattern = 0;
        for (function, &unit) in units.all().zip(others) {
            match at(function, &point).sign().ok_or(Refused::Unknown)? {
                Ordering::Greater => {}
                Ordering::Less => pattern |= self.bit(unit),
                Ordering::Equal => return Err(Refused::Special),
            }
        }
        self.add(pattern, members);
        Ok(true)
    }

    /// The same of a line.
    fn line<V: Value>(
        &mut self,
        constraints: &Functions<V>,
        units: &Functions<V>,
        others: &[usize],
        before: usize,
        members: u64,
    ) -> Result<bool, Refused> {
        let Some(interval) = Interval::of(constraints.all())? else {
            return Ok(false);
        };
        self.flats += 1;
        // The pattern at the lower end, and where it changes.
        let (mut pattern, mut crossings) = (0, Vec::new());
        for (place, function) in units.all().enumerate() {
            let [slope, constant] = function else {
                unreachable!("a line has one coordinate")
            };
            let bit = self.bit(others[place]);
            let rises = match slope.sign().ok_or(Refused::Unknown)? {
                Ordering::Greater => true,
                Ordering::Less => false,
                Ordering::Equal => match constant.sign().ok_or(Refused::Unknown)? {
                    Ordering::Greater => continue,
                    Ordering::Less => {
                        pattern |= bit;
                        continue;
                    }
                    Ordering::Equal => return Err(Refused::Special),
                },
            };
            let crossing = root(slope, constant);
            let (after, upto) = interval.place(&crossing)?;
            if rises == after {
                pattern |= bit;
            }
            if after && upto {
                crossings.push((crossing, bit, place < before));
            }
        }
        if crossings.is_empty() {
            self.add(pattern, members);
            return Ok(true);
        }
        crossings.sort_unstable_by(|(one, ..), (other, ..)| one.guess(other));
        for pair in crossings.windows(2) {
            match pair[0].0.compare(&pair[1].0).ok_or(Refused::Unknown)? {
                Ordering::Less => {}
                _ => return Err(Refused::Special),
            }
        }
        for (_, bit, counts) in crossings {
            if counts {
                self.flats += 1;
                // Of the unit itself both signs are there.
                self.add(pattern & !bit, members | bit);
            }
            pattern ^= bit;
        }
        Ok(true)
    }
}
