//! Chooses the programme for each part of a system, and multiplies the parts.

use std::collections::HashMap;
use std::fmt;

use num_bigint::BigUint;
use num_traits::Zero;

use super::budget::{Budget, Work};
use super::interval::Line;
use super::system::{Inputs, Row, System, product};
use super::{frontier, matching, order, shadows, strips};

/// How a value was found.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Method {
    /// There is nothing to sum: no units, or no inputs.
    Nothing,
    /// All units can be matched to inputs at once, by maximum flow: 2^units.
    AllMatched,
    /// Theorem 1: all units see the same inputs.
    Theorem1,
    /// The interval programme: windows that move along a line.
    Interval,
    /// The frontier programme.
    Frontier,
    /// The strip sandwich: a lower and an upper value.
    Strips,
    /// The parts that share no inputs, multiplied.
    Product {
        /// How many.
        parts: usize,
        /// How they were evaluated, each method once.
        by: Vec<Method>,
    },
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Method::Nothing => "nothing to sum",
            Method::AllMatched => "all units matched at once",
            Method::Theorem1 => "Theorem 1",
            Method::Interval => "interval programme",
            Method::Frontier => "frontier programme",
            Method::Strips => "strip sandwich",
            Method::Product { parts, by } => {
                write!(f, "product of {parts} parts: ")?;
                for (k, method) in by.iter().enumerate() {
                    let comma = if k == 0 { "" } else { ", " };
                    write!(f, "{comma}{method}")?;
                }
                return Ok(());
            }
        })
    }
}

/// A sum over K, or an interval that encloses it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    /// The sum is at least this.
    pub lower: BigUint,
    /// The sum is at most this.
    pub upper: BigUint,
    /// How they were found.
    pub method: Method,
}

impl Value {
    pub(super) fn exactly(value: BigUint, method: Method) -> Self {
        Value {
            lower: value.clone(),
            upper: value,
            method,
        }
    }

    /// The sum itself, where the budget sufficed.
    pub fn exact(&self) -> Option<&BigUint> {
        (self.lower == self.upper).then_some(&self.lower)
    }

    /// The product of parts, each so many times.
    pub(super) fn product(parts: Vec<(Value, u32)>) -> Value {
        let mut by: Vec<Method> = Vec::new();
        let mut add = |method: &Method| {
            if *method != Method::Nothing && !by.contains(method) {
                by.push(method.clone());
            }
        };
        let mut count = 0;
        let (mut lower, mut upper) = (Vec::new(), Vec::new());
        for (value, times) in parts {
            match &value.method {
                Method::Product { parts, by } => {
                    count += parts * times as usize;
                    by.iter().for_each(&mut add);
                }
                Method::Nothing => {}
                method => {
                    count += times as usize;
                    add(method);
                }
            }
            let exact = value.lower == value.upper;
            let power = value.lower.pow(times);
            upper.push(if exact {
                power.clone()
            } else {
                value.upper.pow(times)
            });
            lower.push(power);
        }
        by.sort();
        let method = match (count, by.pop()) {
            (_, None) => Method::Nothing,
            (1, Some(only)) => only,
            (parts, Some(last)) => {
                by.push(last);
                Method::Product { parts, by }
            }
        };
        Value {
            lower: product(lower),
            upper: product(upper),
            method,
        }
    }
}

/// The value of a system: exact, or an interval. It takes the system's parts in the
/// order of their groups, and each gets an equal share of the steps left.
pub(super) fn value(system: System, work: &mut Work) -> Value {
    decompose(system, work, &mut |part, share, work| {
        let rest = work.steps - share;
        // What exact evaluation leaves of the share is the sandwich's.
        let exact = work.portion(share / 4 * 3, |work| exact_part(part, work));
        exact.unwrap_or_else(|| work.portion(work.steps - rest, |work| enclosed(part, work)))
    })
}

/// The sandwich of a connected part: only what can run short of inputs needs it.
fn enclosed(part: &System, work: &mut Work) -> Value {
    match matching::short_groups(part, work) {
        Some(short) if short.len() < part.groups.len() => {
            let (matched, rest) = without_matched(part, &short);
            let rest = decompose(rest, work, &mut |part, share, work| {
                work.portion(share, |work| strips::sandwich(part, work))
            });
            Value::product(vec![(matched, 1), (rest, 1)])
        }
        _ => strips::sandwich(part, work),
    }
}

/// The exact value, or nothing.
pub(super) fn exact(system: System, work: &mut Work) -> Option<Value> {
    let mut failed = false;
    let value = decompose(system, work, &mut |part, _, work| {
        let value = match failed {
            true => None,
            false => exact_part(part, work),
        };
        value.unwrap_or_else(|| {
            failed = true;
            Value::exactly(BigUint::zero(), Method::Nothing)
        })
    });
    (!failed).then_some(value)
}

/// Reduces, splits into parts, evaluates each of a kind once.
fn decompose(
    mut system: System,
    work: &mut Work,
    evaluate: &mut dyn FnMut(&System, u64, &mut Work) -> Value,
) -> Value {
    let factor = system.reduce(work);
    let taken_out = Value::exactly(factor, Method::Nothing);
    if taken_out.lower.is_zero() {
        return taken_out;
    }
    let mut kinds: HashMap<_, usize> = HashMap::new();
    let mut parts: Vec<(System, u32)> = Vec::new();
    for part in system.connected() {
        let kind = *kinds.entry(part.shape()).or_insert(parts.len());
        match parts.get_mut(kind) {
            Some((_, times)) => *times += 1,
            None => parts.push((part, 1)),
        }
    }
    let mut left = parts.len() as u64;
    let mut values = vec![(taken_out, 1)];
    for (part, times) in parts {
        let share = work.steps / left;
        left -= 1;
        values.push((evaluate(&part, share, work), times));
    }
    Value::product(values)
}

/// The exact value of a connected, reduced part.
fn exact_part(part: &System, work: &mut Work) -> Option<Value> {
    if let Some(line) = Line::of(part, work) {
        return Some(if line.all_match() {
            Value::exactly(part.total(), Method::AllMatched)
        } else {
            Value::exactly(line.value(work)?, Method::Interval)
        });
    }
    let short = matching::short_groups(part, work)?;
    if short.is_empty() {
        return Some(Value::exactly(part.total(), Method::AllMatched));
    }
    if short.len() < part.groups.len() {
        let (matched, rest) = without_matched(part, &short);
        let value = exact(rest, work)?;
        return Some(Value::product(vec![(matched, 1), (value, 1)]));
    }
    let steps = best_steps(part, work)?;
    Some(Value::exactly(
        frontier::value(part, &steps, work)?,
        Method::Frontier,
    ))
}

/// The product of the groups that never run short, and the system of the others.
fn without_matched(part: &System, short: &[u32]) -> (Value, System) {
    let mut is_short = vec![false; part.groups.len()];
    short.iter().for_each(|&k| is_short[k as usize] = true);
    let matched = part.groups.iter().zip(is_short).filter(|(_, short)| !short);
    let totals = matched.map(|(group, _)| group.total()).collect();
    (
        Value::exactly(product(totals), Method::AllMatched),
        part.restricted(short, |_| true),
    )
}

/// The steps of the order with the fewest shadows at once.
pub(super) fn best_steps(part: &System, work: &mut Work) -> Option<Vec<shadows::Step>> {
    /// More values in a state are hopeless.
    const MOST: usize = 1 << 14;
    let mut best: Option<((usize, usize), Vec<u32>)> = None;
    for order in order::candidates(part, work)? {
        let most = best.as_ref().map_or(MOST, |((largest, _), _)| *largest);
        if let Some(count) = shadows::count(part, &order, most, work)
            && best.as_ref().is_none_or(|(least, _)| count < *least)
        {
            best = Some((count, order));
        }
    }
    let (_, order) = best?;
    shadows::steps(part, &order, MOST, work)
}

/// The sum, over all t for which Hall's condition holds, of the product of
/// `weights_k[t_k]`: formula (4) with any non-negative weights.
///
/// A group is a window (the inputs it sees) and its weights for t = 0, 1, ...; what
/// is missing is 0. Theorem 2 has w(t) = C(n, t); a unit with p pieces has
/// w(t) = C(n, t) (p-1)^t.
///
/// ```
/// use chambers::theory::theorem2::{Budget, weighted};
/// # use num_bigint::BigUint;
/// // One unit and two units on the same single input: 1 + 1 + 2.
/// let row = |weights: &[u32]| weights.iter().map(|&w| BigUint::from(w)).collect::<Vec<_>>();
/// let (one, two) = (row(&[1, 1]), row(&[1, 2, 1]));
/// let value = weighted(&[(&[0], &one), (&[0], &two)], &Budget::default());
/// assert_eq!(value.exact(), Some(&4u32.into()));
/// ```
pub fn weighted(groups: &[(&[u32], &[BigUint])], budget: &Budget) -> Value {
    value(system(groups, Inputs::MayBeFree), &mut Work::new(budget))
}

/// The same sum over those t alone whose sum is the number of inputs that the groups
/// see; `None` when the budget does not suffice. For the terms of the top degree.
pub fn all_inputs_matched(groups: &[(&[u32], &[BigUint])], budget: &Budget) -> Option<BigUint> {
    let system = system(groups, Inputs::AreAllMatched);
    Some(exact(system, &mut Work::new(budget))?.lower)
}

/// The system of these groups.
pub(super) fn system(groups: &[(&[u32], &[BigUint])], inputs: Inputs) -> System {
    let mut rows: HashMap<&[BigUint], Row> = HashMap::new();
    let mut rows_at: HashMap<(*const BigUint, usize), Row> = HashMap::new();
    let mut windows: Vec<(std::borrow::Cow<[u32]>, Row)> = Vec::with_capacity(groups.len());
    for &(window, weights) in groups {
        let row = rows_at
            .entry((weights.as_ptr(), weights.len()))
            .or_insert_with(|| {
                rows.entry(weights)
                    .or_insert_with(|| weights.into())
                    .clone()
            });
        let mut window = std::borrow::Cow::from(window);
        if !window.is_sorted_by(|a, b| a < b) {
            let sorted = window.to_mut();
            sorted.sort_unstable();
            sorted.dedup();
        }
        windows.push((window, row.clone()));
    }
    let windows: Vec<(&[u32], Row)> = windows
        .iter()
        .map(|(window, row)| (&window[..], row.clone()))
        .collect();
    System::new(&windows, inputs)
}
