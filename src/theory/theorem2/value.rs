//! Formula (4) itself: weights C(n_k, t) on the windows of a layer.

use std::collections::{BTreeMap, HashMap};

use num_bigint::BigUint;
use num_traits::One;

use super::Group;
use super::budget::{Budget, Work};
use super::evaluate::{self, Method, Value};
use super::system::{Inputs, Row, System, connected};

/// Formula (4) for these groups, or an interval that encloses it where the budget is
/// too small; never more than Theorem 1 or 2^units.
///
/// Groups that share no input, even through others, multiply; the method says which
/// programmes were used for the parts.
///
/// ```
/// use chambers::theory::theorem2::{Budget, Group, value};
/// // 28x28x1, two 2x2 filters, stride 1: too many positions to be exact.
/// let windows = (0..27 * 27).map(|k| (k / 27) * 28 + k % 27);
/// let groups: Vec<Group> = windows
///     .map(|at| Group { window: vec![at, at + 1, at + 28, at + 29], units: 2 })
///     .collect();
/// let budget = Budget { steps: 100_000_000, ..Budget::default() };
/// let value = value(&groups, &budget);
/// assert!(value.lower < value.upper);
/// assert_eq!(value.method.to_string(), "strip sandwich");
/// ```
pub fn value(groups: &[Group], budget: &Budget) -> Value {
    let mut work = Work::new(budget);
    let groups = distinct(groups);
    let mut kinds: HashMap<Windows, usize> = HashMap::new();
    let mut parts: Vec<(Windows, u32)> = Vec::new();
    for part in connected(groups.iter().map(|(window, _)| &window[..])) {
        let part: Vec<_> = part.iter().map(|&k| groups[k as usize].clone()).collect();
        let kind = *kinds.entry(renumbered(&part)).or_insert(parts.len());
        match parts.get_mut(kind) {
            Some((_, times)) => *times += 1,
            None => parts.push((part, 1)),
        }
    }
    let mut left = parts.len() as u64;
    let mut values = Vec::with_capacity(parts.len());
    for (part, times) in parts {
        let share = work.steps / left;
        left -= 1;
        values.push((
            work.portion(share, |work| value_of_part(&part, work)),
            times,
        ));
    }
    Value::product(values)
}

/// Windows, each with its number of units.
type Windows = Vec<(Vec<u32>, u64)>;

/// Windows in ascending order, each once, that have units and inputs.
fn distinct(groups: &[Group]) -> Windows {
    let mut merged: BTreeMap<Vec<u32>, Vec<u64>> = BTreeMap::new();
    for group in groups.iter().filter(|group| group.units > 0) {
        let mut window = group.window.clone();
        window.sort_unstable();
        window.dedup();
        if window.is_empty() {
            continue;
        }
        let units = merged.entry(window).or_default();
        match units.last_mut().and_then(|last| {
            let sum = last.checked_add(group.units)?;
            Some((last, sum))
        }) {
            Some((last, sum)) => *last = sum,
            None => units.push(group.units),
        }
    }
    let each = |(window, units): (Vec<u32>, Vec<u64>)| {
        units.into_iter().map(move |units| (window.clone(), units))
    };
    merged.into_iter().flat_map(each).collect()
}

/// The same windows with inputs numbered as they appear: equal for parts that are
/// equal but for where they lie.
fn renumbered(part: &[(Vec<u32>, u64)]) -> Windows {
    let mut number: HashMap<u32, u32> = HashMap::new();
    let mut renumber = |input: &u32| {
        let next = number.len() as u32;
        *number.entry(*input).or_insert(next)
    };
    part.iter()
        .map(|(window, units)| (window.iter().map(&mut renumber).collect(), *units))
        .collect()
}

fn value_of_part(part: &[(Vec<u32>, u64)], work: &mut Work) -> Value {
    let units: u128 = part.iter().map(|(_, units)| *units as u128).sum();
    let mut inputs: Vec<u32> = part.iter().flat_map(|(window, _)| window.clone()).collect();
    inputs.sort_unstable();
    inputs.dedup();
    let inputs = inputs.len() as u64;
    if let [_] = part
        && let Some(value) = sum_of_binomials(units, inputs, work)
    {
        return Value::exactly(value, Method::Theorem1);
    }
    let mut value = match binomial_rows(part, work) {
        Some(rows) => {
            let windows: Vec<(&[u32], Row)> = part
                .iter()
                .map(|(window, units)| (&window[..], rows[units].clone()))
                .collect();
            evaluate::value(System::new(&windows, Inputs::MayBeFree), work)
        }
        None => Value {
            lower: power_of_two(matched_at_once(part)),
            upper: coarse(units, inputs),
            method: Method::Strips,
        },
    };
    if value.exact().is_none() {
        // A share of its own: the sandwich may have used up the rest.
        let mut own = Work {
            steps: 100_000_000,
            ..*work
        };
        if let Some(bound) = sum_of_binomials(units, inputs, &mut own) {
            value.upper = value.upper.min(bound);
        }
    }
    value
}

/// The rows C(n, 0), C(n, 1), ... as far as a window reaches.
fn binomial_rows(part: &[(Vec<u32>, u64)], work: &mut Work) -> Option<HashMap<u64, Row>> {
    let mut most: HashMap<u64, u64> = HashMap::new();
    for (window, units) in part {
        let most = most.entry(*units).or_default();
        *most = (*most).max(window.len() as u64);
    }
    let mut rows = HashMap::new();
    let mut bytes = 0u64;
    for (units, most) in most {
        let most = most.min(units);
        // A binomial has at most as many bits as `coarse` says.
        let bits = units.min(most.saturating_mul(bits(units as u128)));
        bytes = bytes.saturating_add((most + 1).saturating_mul(bits / 8 + 32));
        work.fits(bytes)?;
        work.spend(most.saturating_mul(bits / 32 + 20))?;
        let mut row = Vec::with_capacity(most as usize + 1);
        row.push(BigUint::one());
        for k in 1..=most {
            let next = &row[k as usize - 1] * (units - k + 1) / k;
            row.push(next);
        }
        rows.insert(units, row.into());
    }
    Some(rows)
}

/// The bits of n.
fn bits(n: u128) -> u64 {
    (u128::BITS - n.leading_zeros()) as u64
}

fn power_of_two(exponent: u128) -> BigUint {
    BigUint::one() << exponent
}

/// A bound that costs nothing: Theorem 1's sum is at most (n + 1)^inputs, and at most
/// 2^n.
fn coarse(units: u128, inputs: u64) -> BigUint {
    power_of_two(units.min(bits(units) as u128 * inputs as u128))
}

/// So many units can be matched at once: every input goes to the first group that
/// sees it.
fn matched_at_once(part: &[(Vec<u32>, u64)]) -> u128 {
    let mut taken = std::collections::HashSet::new();
    part.iter()
        .map(|(window, units)| {
            let own = window.iter().filter(|input| taken.insert(**input)).count();
            (*units).min(own as u64) as u128
        })
        .sum()
}

/// Theorem 1: C(n, 0) + ... + C(n, most).
fn sum_of_binomials(n: u128, most: u64, work: &mut Work) -> Option<BigUint> {
    if n <= most as u128 {
        work.spend(most / 8 + 1)?;
        return Some(power_of_two(n));
    }
    let mut binomial = BigUint::one();
    let mut sum = BigUint::one();
    for k in 1..=most {
        work.spend(binomial.bits() / 16 + 50)?;
        binomial = binomial * (n - k as u128 + 1) / k;
        sum += &binomial;
    }
    Some(sum)
}
