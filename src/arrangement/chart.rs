//! Coordinates for the search: as few as the domain and the first layer need,
//! scaled to ordinary magnitudes. All maps are exact.

use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{One, Signed, Zero};

use super::stage::{Class, ExactForms, Stage, group};
use super::{Domain, Interval};
use crate::arithmetic::rank::independent_part;
use crate::arithmetic::{IntegerRow, Number, Rational};
use crate::proof::format as proof;

/// A part of the domain, seen through coordinates y in R^d.
#[derive(Debug)]
pub struct Chart {
    /// d.
    pub dimension: usize,
    /// The network's inputs as affine forms in y.
    pub inputs: ExactForms,
    /// The domain's sides in y: positive inside.
    pub sides: Vec<IntegerRow>,
    /// For a bounded domain, a bound on every |y_j|.
    pub extent: Option<Vec<f64>>,
    /// The first stage's units as affine forms in y.
    pub units: ExactForms,
    /// The first stage's units, grouped by their hyperplane in y.
    pub classes: Vec<Class>,
    /// For a chart on rays, the first stage's unit whose form is constant on it.
    pub lead: Option<usize>,
    /// As many classes with independent forms as there are coordinates that no side bounds.
    pub basis: Vec<usize>,
}

/// An input as an affine form in the chart's coordinates.
struct InputForm {
    terms: Vec<(usize, Rational)>,
    constant: Rational,
}

/// The charts that cover the interior of `domain` (relative to its own dimension),
/// up to a set without interior; none when it is empty.
///
/// - Inputs that the domain fixes, or that the first stage ignores, become constants.
/// - Where the domain is unbounded along whole coordinate axes, only as many of
///   them remain as the first stage has rank on them; the others become zero. The
///   first stage does not see the difference, so every region is met.
/// - A network without biases on all of R^n is the same along every ray from the
///   origin, and each of its regions lies on one side of its first unit's
///   hyperplane h = 0: the charts h = 1 and h = -1 meet every region once, one
///   dimension lower.
pub fn charts(stages: &[Stage], domain: &Domain) -> Vec<Chart> {
    if domain.is_empty() {
        return Vec::new();
    }
    let intervals = domain.intervals();
    let open: Vec<usize> = (0..intervals.len())
        .filter(|&k| intervals[k].point().is_none())
        .collect();
    let plain: Vec<InputForm> = intervals
        .iter()
        .enumerate()
        .map(|(k, interval)| match open.binary_search(&k) {
            Ok(column) => InputForm {
                terms: vec![(column, Rational::one())],
                constant: Rational::zero(),
            },
            Err(_) => InputForm {
                terms: vec![],
                constant: interior_point(interval),
            },
        })
        .collect();
    let forms = first_units(stages, common_denominator(&plain, open.len()));
    let magnitudes = column_magnitudes(&forms);
    let used: Vec<usize> = (0..open.len())
        .filter(|&c| magnitudes[c].is_some())
        .collect();
    let (unbounded, mut kept): (Vec<usize>, Vec<usize>) = used
        .iter()
        .partition(|&&c| intervals[open[c]] == Interval::default());
    let spanning = spanning_columns(&forms, unbounded, &magnitudes);
    let central = stages
        .iter()
        .flat_map(|stage| &stage.maps)
        .all(|map| map.linear())
        && open.len() == intervals.len()
        && kept.is_empty()
        && intervals
            .iter()
            .all(|interval| *interval == Interval::default());
    let lead = forms
        .rows
        .iter()
        .position(|row| row.iter().any(|entry| !entry.is_zero()));
    if central && let Some(lead) = lead {
        let row = &forms.rows[lead];
        let chart = |side| Chart {
            lead: Some(lead),
            ..central_chart(stages, intervals.len(), &spanning, &magnitudes, row, side)
        };
        return vec![chart(1), chart(-1)];
    }
    kept.extend(&spanning);
    kept.sort_unstable();
    let mut inputs: Vec<InputForm> = intervals
        .iter()
        .map(|interval| InputForm {
            terms: vec![],
            constant: interior_point(interval),
        })
        .collect();
    let (mut sides, mut extent, mut free) = (Vec::new(), Vec::new(), Vec::new());
    for (coordinate, &column) in kept.iter().enumerate() {
        let interval = &intervals[open[column]];
        let input = &mut inputs[open[column]];
        let ends = (interval.lower.as_ref(), interval.upper.as_ref());
        let magnitude = magnitudes[column].unwrap_or(0);
        let exponent = match ends {
            (Some(lower), Some(upper)) => {
                let half = (upper.to_rational() - lower.to_rational()) / BigInt::from(2);
                log2_floor(&half)
            }
            _ => -magnitude,
        };
        let scale = power_of_two(exponent);
        input.terms.push((coordinate, scale.clone()));
        let mut side = |coefficient: Rational, constant: Rational| {
            let denominator = coefficient.denom().lcm(constant.denom());
            let mut row = vec![BigInt::zero(); kept.len() + 1];
            row[coordinate] = coefficient.numer() * (&denominator / coefficient.denom());
            row[kept.len()] = constant.numer() * (&denominator / constant.denom());
            sides.push(IntegerRow::new(&row));
        };
        if let Some(lower) = ends.0 {
            side(scale.clone(), &input.constant - lower.to_rational());
        }
        if let Some(upper) = ends.1 {
            side(-scale.clone(), upper.to_rational() - &input.constant);
        }
        match ends {
            (Some(lower), Some(upper)) => {
                let reach = |end: &Number| ((end.to_rational() - &input.constant) / &scale).abs();
                let reach = reach(lower).max(reach(upper));
                let reach = Number::from_rational(reach).enclosure();
                extent.push((reach.center + reach.radius).next_up());
            }
            (None, None) => free.push(coordinate),
            _ => {}
        }
    }
    let bounded = extent.len() == kept.len();
    vec![finish(
        stages,
        inputs,
        kept.len(),
        sides,
        bounded.then_some(extent),
        free,
    )]
}

fn finish(
    stages: &[Stage],
    inputs: Vec<InputForm>,
    dimension: usize,
    sides: Vec<IntegerRow>,
    extent: Option<Vec<f64>>,
    free: Vec<usize>,
) -> Chart {
    let inputs = common_denominator(&inputs, dimension);
    let units = first_units(stages, inputs.clone());
    let classes = group(
        units
            .rows
            .iter()
            .map(|row| IntegerRow::new(row).direction()),
    );
    let on_free: Vec<Vec<BigInt>> = classes
        .iter()
        .map(|class| {
            free.iter()
                .map(|&k| units.rows[class.representative()][k].clone())
                .collect()
        })
        .collect();
    let basis = independent_part(&on_free).0;
    debug_assert_eq!(basis.len(), free.len());
    Chart {
        dimension,
        inputs,
        sides,
        extent,
        units,
        classes,
        lead: None,
        basis,
    }
}

/// One side of a central network: the inputs where the form `lead` is `side` times
/// a positive constant, in terms of all spanning inputs but one.
fn central_chart(
    stages: &[Stage],
    input_count: usize,
    spanning: &[usize],
    magnitudes: &[Option<i64>],
    lead: &[BigInt],
    side: i32,
) -> Chart {
    let size = |column: usize| lead[column].bits() as i64 - magnitudes[column].unwrap_or(0);
    let eliminated = *spanning
        .iter()
        .filter(|&&column| !lead[column].is_zero())
        .max_by_key(|&&column| size(column))
        .expect("a form that is not zero has an entry on the spanning columns");
    let pivot = Rational::from_integer(lead[eliminated].clone());
    let mut inputs: Vec<InputForm> = (0..input_count)
        .map(|_| InputForm {
            terms: vec![],
            constant: Rational::zero(),
        })
        .collect();
    // The eliminated input is side * 2^k / sign(pivot) - sum of the others' shares.
    let unit = power_of_two(-magnitudes[eliminated].unwrap_or(0)) * BigInt::from(side);
    let mut solved = InputForm {
        terms: vec![],
        constant: if pivot.is_negative() { -unit } else { unit },
    };
    let rest = spanning.iter().filter(|&&column| column != eliminated);
    for (coordinate, &column) in rest.enumerate() {
        let scale = power_of_two(-magnitudes[column].unwrap_or(0));
        solved
            .terms
            .push((coordinate, -(&scale * &lead[column]) / &pivot));
        inputs[column].terms.push((coordinate, scale));
    }
    inputs[eliminated] = solved;
    let dimension = spanning.len() - 1;
    finish(
        stages,
        inputs,
        dimension,
        Vec::new(),
        (dimension == 0).then(Vec::new),
        (0..dimension).collect(),
    )
}

fn first_units(stages: &[Stage], inputs: ExactForms) -> ExactForms {
    match stages.first() {
        Some(stage) => stage
            .maps
            .iter()
            .fold(inputs, |forms, map| forms.through(map, |_| true)),
        None => ExactForms {
            rows: vec![],
            ..inputs
        },
    }
}

/// For each column the exponent of its largest entry, rows scaled to 1; `None` for
/// a column of zeros.
fn column_magnitudes(forms: &ExactForms) -> Vec<Option<i64>> {
    let mut magnitudes = vec![None; forms.width - 1];
    for row in &forms.rows {
        let largest = row.iter().map(BigInt::bits).max().unwrap_or(0) as i64;
        for (magnitude, entry) in magnitudes
            .iter_mut()
            .zip(row)
            .filter(|(_, entry)| !entry.is_zero())
        {
            *magnitude = (*magnitude).max(Some(entry.bits() as i64 - largest));
        }
    }
    magnitudes
}

/// Columns on which the forms have the same rank as on all of `columns`, large
/// entries preferred; ascending.
fn spanning_columns(
    forms: &ExactForms,
    mut columns: Vec<usize>,
    magnitudes: &[Option<i64>],
) -> Vec<usize> {
    columns.sort_by_key(|&column| (std::cmp::Reverse(magnitudes[column]), column));
    let part: Vec<Vec<BigInt>> = forms
        .rows
        .iter()
        .map(|row| columns.iter().map(|&column| row[column].clone()).collect())
        .collect();
    let mut spanning: Vec<usize> = independent_part(&part)
        .1
        .into_iter()
        .map(|k| columns[k])
        .collect();
    spanning.sort_unstable();
    spanning
}

fn interior_point(interval: &Interval) -> Rational {
    let one = Rational::one();
    match (&interval.lower, &interval.upper) {
        (None, None) => Rational::zero(),
        (Some(lower), None) => lower.to_rational() + one,
        (None, Some(upper)) => upper.to_rational() - one,
        (Some(lower), Some(upper)) => {
            let (lower, upper) = (lower.to_rational(), upper.to_rational());
            let middle = (&lower + &upper) / BigInt::from(2);
            // A float keeps later numbers short; the exact middle serves where it is not inside.
            match Rational::from_float(Number::from_rational(middle.clone()).to_f64()) {
                Some(float) if lower < float && float < upper => float,
                _ => middle,
            }
        }
    }
}

fn power_of_two(exponent: i64) -> Rational {
    let power = BigInt::one() << exponent.unsigned_abs();
    if exponent >= 0 {
        Rational::from_integer(power)
    } else {
        Rational::new(BigInt::one(), power)
    }
}

/// About log2 of a positive rational: at most the exact one, and less than 2 below.
fn log2_floor(value: &Rational) -> i64 {
    value.numer().bits() as i64 - value.denom().bits() as i64 - 1
}

fn common_denominator(inputs: &[InputForm], dimension: usize) -> ExactForms {
    let values = inputs
        .iter()
        .flat_map(|form| form.terms.iter().map(|(_, v)| v).chain([&form.constant]));
    let denominator = values.fold(BigInt::one(), |common, value| common.lcm(value.denom()));
    let scaled = |value: &Rational| value.numer() * (&denominator / value.denom());
    let rows = inputs
        .iter()
        .map(|form| {
            let mut row = vec![BigInt::zero(); dimension + 1];
            for (coordinate, value) in &form.terms {
                row[*coordinate] = scaled(value);
            }
            row[dimension] = scaled(&form.constant);
            row
        })
        .collect();
    ExactForms {
        rows,
        width: dimension + 1,
        denominator: denominator.clone(),
    }
}

impl Chart {
    /// The input-space point with chart coordinates `y`.
    pub fn to_input(&self, y: &[Rational]) -> Vec<Rational> {
        self.inputs
            .rows
            .iter()
            .map(|row| {
                let mut sum = Rational::from_integer(row[self.dimension].clone());
                for (entry, coordinate) in row.iter().zip(y).filter(|(entry, _)| !entry.is_zero()) {
                    sum += coordinate * entry;
                }
                sum / &self.inputs.denominator
            })
            .collect()
    }

    /// The chart as a proof states it.
    pub fn stated(&self) -> proof::Chart {
        let number = |entry: &BigInt| {
            Rational::new(entry.clone(), self.inputs.denominator.clone()).to_string()
        };
        let input = |row: &Vec<BigInt>| {
            let terms = row[..self.dimension].iter().enumerate();
            proof::Input {
                constant: number(&row[self.dimension]),
                terms: terms
                    .filter(|(_, entry)| !entry.is_zero())
                    .map(|(coordinate, entry)| (coordinate, number(entry)))
                    .collect(),
            }
        };
        proof::Chart {
            dimension: self.dimension,
            inputs: self.inputs.rows.iter().map(input).collect(),
        }
    }
}
