//! Why a region exists, and why the units have their signs on it: what a proof says of
//! one region, with the multipliers that the file leaves to be solved for.

use std::io::{self, Read};

use num_bigint::BigInt;
use num_traits::{One, Signed, Zero};

use super::arrangement::exact_point;
use super::flaw::Flaw;
use super::stream::{Options, check_watched};
use super::walk::{Walk, Watch};
use crate::arithmetic::Rational;
use crate::network::Network;
use crate::proof::format::{Decided, Entry};
use crate::regions::{Pattern, Sign};

/// Which region to explain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// By its number in the file, from 0.
    Number(u64),
    /// By its pattern.
    Pattern(Pattern),
    /// By a point inside, in the network's inputs.
    Point(Vec<Rational>),
}

/// What a verified proof says of one region. Forms are lists of the coefficients of the
/// coordinates y, and of the constant.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// The region's number in the file, from 0.
    pub number: u64,
    /// The number of the chart that it is shown in.
    pub chart: usize,
    /// The inputs as forms.
    pub inputs: Vec<Vec<Rational>>,
    /// The point inside, in the coordinates of the chart.
    pub coordinates: Vec<Rational>,
    /// The point inside, in the network's inputs.
    pub witness: Vec<Rational>,
    /// Where the region is one of those around a crossing: the crossing, in the coordinates
    /// of the chart.
    pub crossing: Option<Vec<Rational>>,
    /// The constraints that are ends of the domain: the first ones.
    pub ends: Vec<Vec<Rational>>,
    /// The constraints that are units, by their numbers in the network: those that follow.
    pub splits: Vec<usize>,
    /// One for each unit of the network.
    pub units: Vec<Unit>,
}

/// What is known of a unit on a region.
#[derive(Clone, Debug)]
pub struct Unit {
    /// Its layer, from 1.
    pub layer: usize,
    /// Its number in the layer, from 0.
    pub unit: usize,
    /// Its pre-activation on the region.
    pub form: Vec<Rational>,
    /// Its value at the point.
    pub value: Rational,
    /// Its sign.
    pub sign: Sign,
    /// Why it has this sign all over the region.
    pub reason: Reason,
}

/// Why a unit has its sign.
#[derive(Clone, Debug, PartialEq)]
pub enum Reason {
    /// Its form is constant.
    Constant,
    /// It bounds the cell: the tree was split on it.
    Split,
    /// Its hyperplane does not meet the cell: sign times form is the sum of these
    /// multiples of constraints, by number, and a constant.
    Side {
        /// Numbers and multipliers.
        multiples: Vec<(usize, Rational)>,
        /// The constant.
        constant: Rational,
    },
    /// Its hyperplane meets all others with this reason at the crossing, inside the cell:
    /// every choice of their signs is a region.
    Crossing,
    /// Its hyperplane and all others with this reason are in general position in the cell, and the
    /// region is one of those into which they cut it.
    Arrangement,
}

impl Explanation {
    /// The form of a constraint, positive on the region, and its unit's number in the
    /// network when it is no end of the domain.
    pub fn constraint(&self, number: usize) -> (Vec<Rational>, Option<usize>) {
        match number.checked_sub(self.ends.len()) {
            None => (self.ends[number].clone(), None),
            Some(split) => {
                let unit = self.splits[split];
                let Unit { form, sign, .. } = &self.units[unit];
                (oriented(form, *sign), Some(unit))
            }
        }
    }
}

/// A unit's form, or its negative where that is positive.
fn oriented(form: &[Rational], sign: Sign) -> Vec<Rational> {
    let flip = sign == Sign::Negative;
    let entry = |entry: &Rational| if flip { -entry } else { entry.clone() };
    form.iter().map(entry).collect()
}

/// Checks a proof, which `open` opens, and explains one of its regions; `None` when there
/// is no such region: no such number or pattern, or the point is on a boundary or outside
/// of the domain. Reads the proof twice, with one thread.
///
/// # Errors
/// The first flaw of the proof.
pub fn explain<R: Read>(
    network: &Network,
    open: impl Fn() -> io::Result<R>,
    asked: &Which,
    options: &Options<'_>,
) -> Result<Option<Explanation>, Flaw> {
    let which = match asked {
        Which::Number(number) => Wanted::Number(*number),
        Which::Pattern(pattern) => Wanted::Pattern(pattern.clone()),
        Which::Point(point) if point.len() != network.input().len() => return Ok(None),
        Which::Point(point) => {
            let values = network.evaluate(point).pre_activations;
            Wanted::Pattern(Pattern(values.iter().flatten().map(Sign::of).collect()))
        }
    };
    let mut finder = Finder {
        which: &which,
        seen: 0,
        found: None,
    };
    let verifier = check_watched(network, open()?, options, &mut finder)?;
    let Some(mut scene) = finder.found else {
        return Ok(None);
    };
    // Patterns do not end where the domain does.
    if let Which::Point(point) = asked
        && !verifier.domain().has_inside(point)
    {
        return Ok(None);
    }
    // Sides of the region may be proved in other chunks, where its trail began.
    let mut collector = Collector {
        reasons: vec![Vec::new(); scene.trail.len()],
        scene: &scene,
    };
    check_watched(network, open()?, options, &mut collector)?;
    let reasons = collector.reasons;
    let mut inputs = verifier.inputs(scene.chart);
    if scene.opposite {
        // At -x all forms are the negative ones, and so are all signs.
        let forms = inputs.iter_mut().chain(&mut scene.forms);
        forms.flatten().for_each(|entry| *entry = -&*entry);
        scene.signs.iter_mut().for_each(|sign| *sign = -*sign);
    }
    let mut reason_of = vec![Reason::Constant; scene.signs.len()];
    for &unit in &scene.together {
        reason_of[unit] = match scene.point {
            Some(_) => Reason::Crossing,
            None => Reason::Arrangement,
        };
    }
    let is_split = |entry: &&Entry| entry.how.is_split();
    let splits = scene.trail.iter().filter(is_split);
    let splits: Vec<usize> = splits.map(|entry| entry.unit as usize).collect();
    let ends = verifier.ends(scene.chart);
    let form = |&unit: &usize| oriented(&scene.forms[unit], scene.signs[unit]);
    let sides: Vec<_> = ends
        .iter()
        .cloned()
        .chain(splits.iter().map(form))
        .collect();
    let together: Vec<_> = scene.together.iter().map(form).collect();
    let (coordinates, crossing) = match &scene.point {
        Some(point) if together.is_empty() => (point.clone(), None),
        Some(near) => {
            let (inside, crossing) = around_crossing(&together, &sides, near);
            (inside, Some(crossing))
        }
        None => {
            let point = exact_point(&[sides, together].concat());
            (point.expect("the proof is verified: there is one"), None)
        }
    };
    let mut explanation = Explanation {
        number: scene.number,
        chart: scene.chart,
        witness: inputs.iter().map(|form| at(form, &coordinates)).collect(),
        inputs,
        ends,
        splits,
        units: Vec::new(),
        coordinates,
        crossing,
    };
    let mut first = 0;
    for (layer, &units) in network.units_per_layer().iter().enumerate() {
        for unit in 0..units {
            let form = scene.forms[first + unit].clone();
            explanation.units.push(Unit {
                layer: layer + 1,
                unit,
                value: at(&form, &explanation.coordinates),
                form,
                sign: scene.signs[first + unit],
                reason: Reason::Constant,
            });
        }
        first += units;
    }
    for (entry, constraints) in scene.trail.iter().zip(reasons) {
        let unit = entry.unit as usize;
        reason_of[unit] = if entry.how.is_split() {
            Reason::Split
        } else {
            let target = oriented(&scene.forms[unit], scene.signs[unit]);
            let form = |&number: &usize| explanation.constraint(number).0;
            let others: Vec<Vec<Rational>> = constraints.iter().map(form).collect();
            let (multipliers, constant) = combination(&target, &others);
            Reason::Side {
                multiples: constraints.into_iter().zip(multipliers).collect(),
                constant,
            }
        };
    }
    for (unit, reason) in explanation.units.iter_mut().zip(reason_of) {
        unit.reason = reason;
    }
    Ok(Some(explanation))
}

/// The value of a form.
fn at(form: &[Rational], point: &[Rational]) -> Rational {
    let (constant, linear) = form.split_last().expect("a form has a constant");
    let terms = linear.iter().zip(point).map(|(a, y)| a * y);
    terms.fold(constant.clone(), |sum, term| sum + term)
}

/// A point inside of all sides at which all forms are positive, and the crossing of their
/// hyperplanes nearest to y, which is inside of all sides, too.
///
/// All forms grow alike on the way from the crossing to the point; the way is as long as a
/// power of two that is at most 1 lets it be.
fn around_crossing(
    forms: &[Vec<Rational>],
    sides: &[Vec<Rational>],
    y: &[Rational],
) -> (Vec<Rational>, Vec<Rational>) {
    let values = forms.iter().map(|form| at(form, y)).collect();
    let away = shortest(forms, values);
    let crossing: Vec<Rational> = y.iter().zip(&away).map(|(y, step)| y - step).collect();
    let direction = shortest(forms, vec![Rational::one(); forms.len()]);
    let point = |length: &Rational| -> Vec<Rational> {
        let pairs = crossing.iter().zip(&direction);
        pairs.map(|(x, step)| x + step * length).collect()
    };
    let mut length = Rational::one();
    loop {
        let inside = point(&length);
        if sides.iter().all(|side| at(side, &inside).is_positive()) {
            return (inside, crossing);
        }
        length /= BigInt::from(2);
    }
}

/// The shortest vector along which independent forms grow by these values: H^T (H H^T)^-1
/// times them, where H has the linear parts as rows.
fn shortest(forms: &[Vec<Rational>], mut values: Vec<Rational>) -> Vec<Rational> {
    let d = forms[0].len() - 1;
    let dot = |a: &[Rational], b: &[Rational]| -> Rational {
        a[..d].iter().zip(b).map(|(a, b)| a * b).sum()
    };
    // As forms without a constant.
    let gram = |a: &Vec<Rational>| {
        let row = forms.iter().map(|b| dot(a, b));
        row.chain([Rational::zero()]).collect()
    };
    let gram: Vec<Vec<Rational>> = forms.iter().map(gram).collect();
    values.push(Rational::zero());
    let (multipliers, _) = combination(&values, &gram);
    let entry = |c: usize| {
        multipliers
            .iter()
            .zip(forms)
            .map(|(m, form)| m * &form[c])
            .sum()
    };
    (0..d).map(entry).collect()
}

/// The multipliers of the others that make up the target, which are unique, and the
/// constant that is left.
fn combination(target: &[Rational], others: &[Vec<Rational>]) -> (Vec<Rational>, Rational) {
    let d = target.len() - 1;
    // One equation a coordinate, the target on the right; Gauss and Jordan.
    let equation = |c: usize| {
        let left = others.iter().map(|other| other[c].clone());
        left.chain([target[c].clone()]).collect::<Vec<Rational>>()
    };
    let mut equations: Vec<Vec<Rational>> = (0..d).map(equation).collect();
    for k in 0..others.len() {
        let pivot = (k..d).find(|&row| !equations[row][k].is_zero());
        equations.swap(
            k,
            pivot.expect("the proof is verified: they are independent"),
        );
        let inverse = equations[k][k].recip();
        let top: Vec<Rational> = equations[k].iter().map(|entry| entry * &inverse).collect();
        for (row, line) in equations.iter_mut().enumerate() {
            if row == k {
                line.clone_from(&top);
            } else if !line[k].is_zero() {
                let factor = line[k].clone();
                for (entry, share) in line.iter_mut().zip(&top) {
                    *entry -= &factor * share;
                }
            }
        }
    }
    let multipliers: Vec<Rational> = (0..others.len())
        .map(|k| equations[k][others.len()].clone())
        .collect();
    let rest = multipliers
        .iter()
        .zip(others)
        .map(|(m, other)| m * &other[d]);
    let constant = rest.fold(target[d].clone(), |sum, share| sum - share);
    (multipliers, constant)
}

/// The region that is asked for.
struct Scene {
    number: u64,
    chart: usize,
    trail: Vec<Entry>,
    signs: Vec<Sign>,
    forms: Vec<Vec<Rational>>,
    /// The units of a crossing, or of an arrangement.
    together: Vec<usize>,
    /// A point inside, or near the crossing; none is told of an arrangement.
    point: Option<Vec<Rational>>,
    /// Whether not this region is asked for, but the opposite one.
    opposite: bool,
}

/// How to recognise it.
enum Wanted {
    Number(u64),
    Pattern(Pattern),
}

struct Finder<'w> {
    which: &'w Wanted,
    seen: u64,
    found: Option<Scene>,
}

impl Finder<'_> {
    /// Looks for the region in a leaf, where the undecided units may have many signs: regions have
    /// numbers as if the tree was split on them in ascending order. There are so many `regions`;
    /// `choice_of` says which signs one of them has, and `place_of` is its inverse: bits are set for
    /// negative units, the first one's is the highest.
    fn look(
        &mut self,
        walk: &Walk<'_>,
        regions: impl Fn(usize) -> u64,
        choice_of: impl Fn(u64) -> u64,
        place_of: impl Fn(u64) -> Option<u64>,
        point: impl Fn() -> Option<Vec<Rational>>,
    ) {
        let mut signs: Vec<Option<Sign>> = walk.signs().collect();
        let undecided = signs.iter().enumerate().filter(|(_, sign)| sign.is_none());
        let together: Vec<usize> = undecided.map(|(unit, _)| unit).collect();
        let (number, regions) = (self.seen, regions(together.len()));
        self.seen += regions;
        // Where opposite regions count, each follows the one that is walked through.
        let each = 1 + u64::from(walk.counts_opposites());
        let found = match self.which {
            Wanted::Number(wanted) => {
                let place = (wanted / each).checked_sub(number);
                let place = place.filter(|&place| place < regions);
                place.map(|place| (place, wanted % each == 1))
            }
            Wanted::Pattern(pattern) => [false, true][..each as usize].iter().find_map(|&turned| {
                let choice = choice(&signs, &together, pattern, turned)?;
                Some((place_of(choice)?, turned))
            }),
        };
        let Some((place, opposite)) = found else {
            return;
        };
        for (at, &unit) in together.iter().rev().enumerate() {
            signs[unit] = Some(match choice_of(place) >> at & 1 {
                0 => Sign::Positive,
                _ => Sign::Negative,
            });
        }
        self.found = Some(Scene {
            number: each * (number + place) + u64::from(opposite),
            chart: walk.chart_number(),
            trail: walk.trail().to_vec(),
            signs: signs.into_iter().flatten().collect(),
            forms: walk.forms(),
            together,
            point: point(),
            opposite,
        });
    }
}

/// The choice of signs of the units `together`, which have none yet, that makes the signs those of a
/// pattern, or of the opposite one.
fn choice(
    signs: &[Option<Sign>],
    together: &[usize],
    pattern: &Pattern,
    opposite: bool,
) -> Option<u64> {
    let wanted = |unit: usize| match opposite {
        true => -pattern.0[unit],
        false => pattern.0[unit],
    };
    let agrees = |(unit, sign): (usize, &Option<Sign>)| match sign {
        Some(sign) => *sign == wanted(unit),
        None => wanted(unit) != Sign::Zero,
    };
    let agree = signs.len() == pattern.0.len() && signs.iter().enumerate().all(agrees);
    let bit = |unit: &usize| u64::from(wanted(*unit) == Sign::Negative);
    agree.then(|| together.iter().fold(0, |bits, unit| bits << 1 | bit(unit)))
}

impl Watch for Finder<'_> {
    fn leaf(&mut self, walk: &Walk<'_>, point: &dyn Fn() -> Vec<Rational>) {
        self.look(walk, |units| 1 << units, |at| at, Some, || Some(point()));
    }

    fn arrangement(&mut self, walk: &Walk<'_>, patterns: &[u64]) {
        self.look(
            walk,
            |_| patterns.len() as u64,
            |at| patterns[at as usize],
            |pattern| Some(patterns.binary_search(&pattern).ok()? as u64),
            || None,
        );
    }
}

struct Collector<'s> {
    scene: &'s Scene,
    /// For each entry of the trail that is a side its constraints.
    reasons: Vec<Vec<usize>>,
}

impl Watch for Collector<'_> {
    fn side(&mut self, walk: &Walk<'_>, unit: usize, constraints: &[usize]) {
        let (trail, place) = (walk.trail(), walk.trail().len());
        let number = walk.first_unit() + unit;
        let Some(entry) = self.scene.trail.get(place) else {
            return;
        };
        let settled = |how: Decided| match how {
            Decided::SplitPending => Decided::SplitPositive,
            how => how,
        };
        let same = |(a, b): (&Entry, &Entry)| a.unit == b.unit && settled(a.how) == settled(b.how);
        if entry.unit as usize == number
            && !entry.how.is_split()
            && walk.chart_number() == self.scene.chart
            && trail.iter().zip(&self.scene.trail).all(same)
        {
            self.reasons[place] = constraints.to_vec();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn multipliers_are_those_of_a_worked_example() {
        let form = |entries: &[i64]| -> Vec<Rational> {
            let number = |&entry: &i64| Rational::from_integer(entry.into());
            entries.iter().map(number).collect()
        };
        // 3x + 2y + 7 = 2 (x + y + 1) + 1 (x) + 5, by hand.
        let others = [form(&[1, 1, 1]), form(&[1, 0, 0])];
        let (multipliers, constant) = combination(&form(&[3, 2, 7]), &others);
        assert_eq!(multipliers, form(&[2, 1]));
        assert_eq!(constant, Rational::from_integer(5.into()));
    }
}
