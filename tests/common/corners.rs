//! Corners of a cell by brute force: all sets of constraints are tried.

use num_traits::{Signed, Zero};

use super::Rational;
use super::model::Form;
use super::proofs::Sets;

/// The sets of d constraints that meet at a vertex of the cell, all of each where there are several.
pub fn vertices(constraints: &[Form], d: usize) -> Sets {
    let meet = |numbers: &Vec<usize>| {
        let named = numbers.iter().map(|&number| &constraints[number]);
        let point = solved(&named.collect::<Vec<_>>());
        point.is_some_and(|point| constraints.iter().all(|g| !g.at(&point).is_negative()))
    };
    let found = sets(d, constraints.len()).into_iter().filter(meet);
    let numbers = |set: Vec<usize>| set.into_iter().map(|number| number as u64).collect();
    let sets: Vec<Vec<u64>> = found.map(numbers).collect();
    Sets::of(&sets.iter().map(|set| &set[..]).collect::<Vec<_>>())
}

/// Where forms vanish; `None` where they are dependent.
fn solved(forms: &[&Form]) -> Option<Vec<Rational>> {
    let d = forms.len();
    let row = |form: &&Form| [&form.coefficients[..], &[-&form.constant]].concat();
    let mut rows: Vec<Vec<Rational>> = forms.iter().map(row).collect();
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
