//! Few units, few inputs: every sign vector of every layer, each decided by
//! Fourier-Motzkin elimination. No geometry, no memory of what cuts what.

use std::collections::{BTreeSet, HashSet};

use chambers::arrangement::Domain;
use chambers::network::Network;
use num_bigint::BigInt;
use num_traits::{One, Zero};

use super::integers::{Whole, combine, primitive, small};
use super::model::{Form, Model, Step, compose, rectify};
use super::{Number, Rational};

/// A sign vector of the layers so far, and the strict inequalities that it states.
struct Candidate {
    pattern: String,
    forms: Vec<Form>,
    /// `row[..n] . x + row[n] > 0`.
    rows: Vec<Vec<BigInt>>,
}

/// The activation patterns in the interior of the box relative to its own dimension.
pub fn patterns(network: &Network, domain: &Domain) -> BTreeSet<String> {
    let model = Model::of(network);
    if domain.is_empty() {
        return BTreeSet::new();
    }
    // Inputs that the box fixes are numbers, the others variables.
    let free: Vec<usize> = (0..model.inputs)
        .filter(|&k| domain.intervals()[k].point().is_none())
        .collect();
    let inputs = free.len();
    let mut forms = vec![Form::zero(inputs); model.inputs];
    let mut rows = Vec::new();
    for (k, interval) in domain.intervals().iter().enumerate() {
        if let Some(point) = interval.point() {
            forms[k].constant = point.to_rational();
            continue;
        }
        let variable = free.iter().position(|&f| f == k).expect("a free input");
        forms[k].coefficients[variable] = Rational::one();
        let side = |sign: i64, end: &Number| {
            let mut row = vec![Rational::zero(); inputs + 1];
            row[variable] = Rational::from_integer(sign.into());
            row[inputs] = -&row[variable] * end.to_rational();
            primitive(&row)
        };
        rows.extend(interval.lower.as_ref().map(|lower| side(1, lower)));
        rows.extend(interval.upper.as_ref().map(|upper| side(-1, upper)));
    }
    let mut candidates = vec![Candidate {
        pattern: String::new(),
        forms,
        rows,
    }];
    for step in &model.steps {
        match step {
            Step::Affine(rows) => {
                for candidate in &mut candidates {
                    candidate.forms = compose(rows, &candidate.forms, inputs);
                }
            }
            Step::Relu => {
                let all = candidates.iter().flat_map(|c| sign_vectors(c, inputs));
                candidates = all.collect();
            }
        }
    }
    let count = candidates.len();
    let patterns: BTreeSet<String> = candidates.into_iter().map(|c| c.pattern).collect();
    assert_eq!(patterns.len(), count, "a pattern came back");
    patterns
}

/// All sign vectors of the candidate's units that have a point.
fn sign_vectors(candidate: &Candidate, inputs: usize) -> Vec<Candidate> {
    let forms = &candidate.forms;
    let moving: Vec<usize> = (0..forms.len()).filter(|&k| !forms[k].is_zero()).collect();
    assert!(moving.len() <= 14, "too many units for all sign vectors");
    let mut found = Vec::new();
    for code in 0u32..1 << moving.len() {
        let mut signs = vec!['0'; forms.len()];
        let mut rows = candidate.rows.clone();
        for (bit, &k) in moving.iter().enumerate() {
            let negative = code >> bit & 1 == 1;
            signs[k] = if negative { '-' } else { '+' };
            let mut row = forms[k].coefficients.clone();
            row.push(forms[k].constant.clone());
            let mut row = primitive(&row);
            if negative {
                row.iter_mut().for_each(|v| *v = -v.clone());
            }
            rows.push(row);
        }
        if feasible(&rows) {
            let signs: String = signs.into_iter().collect();
            found.push(Candidate {
                forms: rectify(forms, &signs, inputs),
                pattern: format!("{}{signs}", candidate.pattern),
                rows,
            });
        }
    }
    found
}

/// Whether some x has `row[..n] . x + row[n] > 0` for every row.
pub fn feasible(rows: &[Vec<BigInt>]) -> bool {
    small(rows)
        .and_then(eliminate)
        .or_else(|| eliminate(rows.to_vec()))
        .expect("big integers do not overflow")
}

/// Fourier-Motzkin; `None` on overflow. A row whose history has more than k + 1
/// of the given rows after k eliminations is a sum of other rows (Chernikov 1960).
fn eliminate<T: Whole>(rows: Vec<Vec<T>>) -> Option<bool> {
    assert!(rows.len() <= 64, "the history is a 64-bit set");
    let histories = (0..rows.len()).map(|k| 1u64 << k);
    let mut rows: Vec<(Vec<T>, u64)> = rows.into_iter().zip(histories).collect();
    let mut eliminated = 0;
    loop {
        let n = rows.first().map_or(0, |(row, _)| row.len() - 1);
        let constant = |row: &[T]| row[..n].iter().all(T::is_zero);
        if rows.iter().any(|(r, _)| constant(r) && !r[n].is_positive()) {
            return Some(false);
        }
        rows.retain(|(row, _)| !constant(row));
        let count =
            |k: usize, sign: fn(&T) -> bool| rows.iter().filter(|(r, _)| sign(&r[k])).count();
        let cheapest = (0..n)
            .map(|k| (count(k, T::is_positive), count(k, T::is_negative), k))
            .filter(|(plus, minus, _)| plus + minus > 0)
            .min_by_key(|(plus, minus, _)| plus * minus);
        let Some((_, _, k)) = cheapest else {
            return Some(true);
        };
        eliminated += 1;
        let (with, mut rest): (Vec<_>, Vec<_>) =
            rows.into_iter().partition(|(row, _)| !row[k].is_zero());
        let (plus, minus): (Vec<_>, Vec<_>) =
            with.into_iter().partition(|(row, _)| row[k].is_positive());
        let mut seen = HashSet::new();
        for (p, p_history) in &plus {
            for (m, m_history) in &minus {
                let history = p_history | m_history;
                if history.count_ones() <= eliminated + 1 {
                    let row = combine(&m[k].abs(), p, &p[k], m)?;
                    if seen.insert((row.clone(), history)) {
                        rest.push((row, history));
                    }
                }
            }
        }
        rows = rest;
    }
}
