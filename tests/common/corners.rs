//! Corners of a cell by brute force: all sets of constraints are tried.

use num_bigint::BigInt;
use num_traits::{One, Signed, Zero};

use super::Rational;
use super::model::Form;
use super::proofs::{Event, Sets};

/// A leaf amid corners of what forms have in common inside constraints, if it has any corner and
/// inner points.
pub fn amid(forms: &[Form], constraints: &[Form], d: usize) -> Option<Event> {
    let each = d.checked_sub(forms.len())?;
    let (mut corners, mut rays) = (vec![], vec![]);
    let mut inside = vec![false; constraints.len()];
    for is_ray in [false, true] {
        for numbers in sets(each, constraints.len()) {
            let turns = if is_ray { each } else { 1 };
            for turn in 0..turns {
                let mut numbers = numbers.clone();
                numbers.rotate_left(turn);
                let named = numbers.iter().map(|&number| &constraints[number]);
                let Some(found) = solved(&forms.iter().chain(named).collect::<Vec<_>>(), is_ray)
                else {
                    continue;
                };
                let value = |form: &Form| {
                    let value = form.at(&found);
                    if is_ray {
                        value - &form.constant
                    } else {
                        value
                    }
                };
                let values: Vec<Rational> = constraints.iter().map(value).collect();
                let new = values
                    .iter()
                    .zip(&inside)
                    .any(|(v, old)| v.is_positive() && !old);
                let first = !is_ray && corners.is_empty();
                if values.iter().any(Signed::is_negative) || !(new || first) {
                    continue;
                }
                for (value, inside) in values.iter().zip(&mut inside) {
                    *inside |= value.is_positive();
                }
                let kind = if is_ray { &mut rays } else { &mut corners };
                kind.push(numbers);
            }
        }
        if corners.is_empty() {
            return None;
        }
    }
    let number = |number: usize| number as u64;
    inside.iter().all(|inside| *inside).then(|| Event::Amid {
        corners: corners.len() as u64,
        rays: rays.len() as u64,
        each: each as u64,
        numbers: corners
            .into_iter()
            .chain(rays)
            .flatten()
            .map(number)
            .collect(),
    })
}

/// The sets of d constraints that meet at a vertex of the cell, all of each where there are several.
pub fn vertices(constraints: &[Form], d: usize) -> Sets {
    let meet = |numbers: &Vec<usize>| {
        let named = numbers.iter().map(|&number| &constraints[number]);
        let point = solved(&named.collect::<Vec<_>>(), false);
        point.is_some_and(|point| constraints.iter().all(|g| !g.at(&point).is_negative()))
    };
    let found = sets(d, constraints.len()).into_iter().filter(meet);
    let numbers = |set: Vec<usize>| set.into_iter().map(|number| number as u64).collect();
    let sets: Vec<Vec<u64>> = found.map(numbers).collect();
    Sets {
        each: if sets.is_empty() { 0 } else { d as u64 },
        sets,
    }
}

/// Where forms vanish, or the direction in which all but the last of them do not change, and
/// that one grows by 1; `None` where they are dependent.
fn solved(forms: &[&Form], is_ray: bool) -> Option<Vec<Rational>> {
    let d = forms.len();
    let row = |(k, form): (usize, &&Form)| {
        let mut row = form.coefficients.clone();
        row.push(match (is_ray, k + 1 == d) {
            (false, _) => -&form.constant,
            (true, false) => Rational::zero(),
            (true, true) => Rational::from_integer(BigInt::one()),
        });
        row
    };
    let mut rows: Vec<Vec<Rational>> = forms.iter().enumerate().map(row).collect();
    for step in 0..d {
        let at = (step..d).find(|&r| !rows[r][step].is_zero())?;
        rows.swap(step, at);
        let inverse = rows[step][step].recip();
        rows[step].iter_mut().for_each(|entry| *entry *= &inverse);
        let top = rows[step].clone();
        for row in (0..d).filter(|&row| row != step) {
            let factor = rows[row][step].clone();
            let pairs = rows[row].iter_mut().zip(&top);
            pairs.for_each(|(entry, top)| *entry -= &factor * top);
        }
    }
    Some(rows.into_iter().map(|mut row| row.remove(d)).collect())
}

/// All ascending sets of so many numbers below `end`.
fn sets(size: usize, end: usize) -> Vec<Vec<usize>> {
    let mut sets = vec![vec![]];
    for _ in 0..size {
        let longer = |set: Vec<usize>| {
            let from = set.last().map_or(0, |last| last + 1);
            (from..end).map(move |next| [&set[..], &[next]].concat())
        };
        sets = sets.into_iter().flat_map(longer).collect();
    }
    sets
}
