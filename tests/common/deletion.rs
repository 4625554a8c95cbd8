//! One layer: the chambers of a hyperplane arrangement by deletion and restriction
//! (Zaslavsky 1975): r(A) = r(A without H) + r(A restricted to H).

use std::collections::BTreeSet;

use chambers::network::Network;

use super::Rational;
use super::integers::{Whole, combine, primitive, small};
use super::model::{Model, Step};

/// The chambers that the units of a one-layer network cut R^n into.
pub fn chambers(network: &Network) -> u64 {
    let model = Model::of(network);
    let Some(Step::Affine(rows)) = model.steps.first() else {
        panic!("one affine layer and one ReLU");
    };
    let dense = rows.iter().map(|(entries, bias)| {
        let mut row = vec![Rational::from_integer(0.into()); model.inputs + 1];
        for (column, weight) in entries {
            row[*column] += weight;
        }
        row[model.inputs] = bias.clone();
        row
    });
    count(&dense.collect::<Vec<_>>())
}

/// The chambers of the hyperplanes `row[..n] . x + row[n] = 0`; rows without a
/// normal are no hyperplanes, and multiples of one row are one hyperplane.
pub fn count(rows: &[Vec<Rational>]) -> u64 {
    let rows: Vec<_> = rows.iter().map(|row| primitive(row)).collect();
    small(&rows)
        .and_then(|rows| chambers_of(hyperplanes(rows.into_iter())))
        .or_else(|| chambers_of(hyperplanes(rows.into_iter())))
        .expect("big integers do not overflow")
}

/// Distinct hyperplanes: the first entry of a normal is made positive.
fn hyperplanes<T: Whole>(rows: impl Iterator<Item = Vec<T>>) -> Vec<Vec<T>> {
    let mut distinct = BTreeSet::new();
    for mut row in rows {
        let n = row.len() - 1;
        let first = row[..n].iter().find(|v| !v.is_zero());
        match first.map(T::is_negative) {
            None => continue,
            Some(true) => row.iter_mut().for_each(|v| *v = -v.clone()),
            Some(false) => {}
        }
        distinct.insert(row);
    }
    distinct.into_iter().collect()
}

fn chambers_of<T: Whole>(rows: Vec<Vec<T>>) -> Option<u64> {
    let Some(first) = rows.first() else {
        return Some(1);
    };
    if first.len() == 2 {
        return Some(rows.len() as u64 + 1);
    }
    // Unrolled deletion: the k-th hyperplane adds the chambers of its restriction
    // by those before it.
    let mut total = 1u64;
    for (k, on) in rows.iter().enumerate() {
        let pivot = on.iter().position(|v| !v.is_zero()).expect("a normal");
        let restrict = |row: &Vec<T>| {
            let mut row = combine(&on[pivot], row, &-row[pivot].clone(), on)?;
            row.remove(pivot);
            Some(row)
        };
        let restricted = rows[..k].iter().map(restrict).collect::<Option<Vec<_>>>()?;
        total += chambers_of(hyperplanes(restricted.into_iter()))?;
    }
    Some(total)
}
