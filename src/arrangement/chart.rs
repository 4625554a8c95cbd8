//! Coordinates for the search: as few as the domain and the first layer need,
//! scaled to ordinary magnitudes. All maps are exact.

use num_traits::ToPrimitive;

use super::stage::{Class, ExactForms, Stage, group};
use super::{Domain, Interval};
use crate::arithmetic::int::{fingerprint, whole};
use crate::arithmetic::rank::independent_part;
use crate::arithmetic::{Int, IntegerRow, Number, Rational};
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
    terms: Vec<(usize, Number)>,
    constant: Number,
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
///   dimension lower. (Of a single layer both show the same, but for all signs.)
pub fn charts(stages: &[Stage], domain: &Domain) -> Vec<Chart> {
    if domain.is_empty() {
        return Vec::new();
    }
    let intervals = domain.intervals();
    let open: Vec<usize> = (0..intervals.len())
        .filter(|&k| intervals[k].point().is_none())
        .collect();
    // In a box it only matters which inputs the first stage sees.
    let seen = inputs_seen(stages, intervals);
    let forms = seen
        .is_none()
        .then(|| units_of_inputs(stages, intervals, &open));
    let magnitudes = forms.as_ref().map_or_else(
        || {
            let of_seen = |&input: &usize| seen.as_ref()?[input].then_some(0);
            open.iter().map(of_seen).collect()
        },
        column_magnitudes,
    );
    let used: Vec<usize> = (0..open.len())
        .filter(|&c| magnitudes[c].is_some())
        .collect();
    let (unbounded, mut kept): (Vec<usize>, Vec<usize>) = used
        .iter()
        .partition(|&&c| intervals[open[c]] == Interval::default());
    let spanning = forms.as_ref().map_or(Vec::new(), |forms| {
        spanning_columns(forms, unbounded, &magnitudes)
    });
    let central = stages
        .iter()
        .flat_map(|stage| &stage.maps)
        .all(|map| map.linear())
        && open.len() == intervals.len()
        && kept.is_empty()
        && intervals
            .iter()
            .all(|interval| *interval == Interval::default());
    let is_lead = |row: &[Int]| row.iter().any(|entry| !entry.is_zero());
    if central
        && let Some(forms) = &forms
        && let Some(lead) = forms.rows().position(is_lead)
    {
        let row = forms.row(lead);
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
            (Some(lower), Some(upper)) => upper.minus(lower).log2_floor() - 1,
            _ => -magnitude,
        };
        let scale = Number::power_of_two(exponent);
        input.terms.push((coordinate, scale.clone()));
        let mut side = |coefficient: &Number, constant: &Number| {
            let mut row = vec![Int::ZERO; kept.len() + 1];
            let (values, _) = whole([coefficient, constant].into_iter());
            let [coefficient, constant] = values.try_into().expect("as many as numbers");
            (row[coordinate], row[kept.len()]) = (coefficient, constant);
            sides.push(IntegerRow::new(&row));
        };
        if let Some(lower) = ends.0 {
            side(&scale, &input.constant.minus(lower));
        }
        if let Some(upper) = ends.1 {
            side(&scale.negated(), &upper.minus(&input.constant));
        }
        match ends {
            (Some(lower), Some(upper)) => {
                let reach = |end: &Number| {
                    let reach = end.minus(&input.constant).scaled(-exponent).enclosure();
                    (reach.center.abs() + reach.radius).next_up()
                };
                extent.push(reach(lower).max(reach(upper)));
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
    let named = |unit| fingerprint(&[], units.row(unit).iter().map(Int::odd_part));
    let classes = group(units.len(), named, |unit| (&[], units.row(unit)));
    let on_free = |class: usize, k: usize| &units.row(classes[class].representative())[free[k]];
    let basis = independent_part((classes.len(), free.len()), on_free).0;
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
    lead: &[Int],
    side: i32,
) -> Chart {
    let size = |column: usize| lead[column].bits() as i64 - magnitudes[column].unwrap_or(0);
    let eliminated = *spanning
        .iter()
        .filter(|&&column| !lead[column].is_zero())
        .max_by_key(|&&column| size(column))
        .expect("a form that is not zero has an entry on the spanning columns");
    let pivot = &lead[eliminated];
    let mut inputs: Vec<InputForm> = (0..input_count)
        .map(|_| InputForm {
            terms: vec![],
            constant: Number::ZERO,
        })
        .collect();
    // The eliminated input is side * 2^k / sign(pivot) - sum of the others' shares.
    let unit = Number::power_of_two(-magnitudes[eliminated].unwrap_or(0));
    let mut solved = InputForm {
        terms: vec![],
        constant: if pivot.sign() == side {
            unit
        } else {
            unit.negated()
        },
    };
    let rest = spanning.iter().filter(|&&column| column != eliminated);
    for (coordinate, &column) in rest.enumerate() {
        let scale = Number::power_of_two(-magnitudes[column].unwrap_or(0));
        let quotient = Rational::new(-lead[column].to_big(), pivot.to_big());
        let share = Number::from_rational(quotient * scale.to_rational());
        solved.terms.push((coordinate, share));
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

/// Which inputs the first stage sees, where all have two ends and one map says it.
fn inputs_seen(stages: &[Stage], intervals: &[Interval]) -> Option<Vec<bool>> {
    let [map] = &stages.first()?.maps[..] else {
        return None;
    };
    let bounded = |interval: &Interval| interval.lower.is_some() && interval.upper.is_some();
    intervals.iter().all(bounded).then(|| {
        let mut seen = vec![false; intervals.len()];
        for row in 0..map.outputs() {
            map.columns(row)
                .iter()
                .for_each(|&input| seen[input as usize] = true);
        }
        seen
    })
}

/// The first stage's units as affine forms in the inputs that are `open`.
fn units_of_inputs(stages: &[Stage], intervals: &[Interval], open: &[usize]) -> ExactForms {
    let inputs = intervals.iter().enumerate().map(|(k, interval)| {
        let column = open.binary_search(&k).ok();
        InputForm {
            terms: column
                .map(|column| (column, Number::ONE))
                .into_iter()
                .collect(),
            constant: column.map_or_else(|| interior_point(interval), |_| Number::ZERO),
        }
    });
    let inputs: Vec<InputForm> = inputs.collect();
    first_units(stages, common_denominator(&inputs, open.len()))
}

fn first_units(stages: &[Stage], inputs: ExactForms) -> ExactForms {
    match stages.first() {
        Some(stage) => stage
            .maps
            .iter()
            .fold(inputs, |forms, map| forms.through(map, |_| true)),
        None => ExactForms {
            entries: vec![],
            ..inputs
        },
    }
}

/// For each column the exponent of its largest entry, rows scaled to 1; `None` for
/// a column of zeros.
fn column_magnitudes(forms: &ExactForms) -> Vec<Option<i64>> {
    let mut magnitudes = vec![None; forms.width - 1];
    for row in forms.rows() {
        let largest = row.iter().map(Int::bits).max().unwrap_or(0) as i64;
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
    let entry = |row: usize, k: usize| &forms.row(row)[columns[k]];
    let mut spanning: Vec<usize> = independent_part((forms.len(), columns.len()), entry)
        .1
        .into_iter()
        .map(|k| columns[k])
        .collect();
    spanning.sort_unstable();
    spanning
}

fn interior_point(interval: &Interval) -> Number {
    match (&interval.lower, &interval.upper) {
        (None, None) => Number::ZERO,
        (Some(lower), None) => lower.plus(&Number::ONE),
        (None, Some(upper)) => upper.minus(&Number::ONE),
        (Some(lower), Some(upper)) => {
            let middle = lower.plus(upper).scaled(-1);
            // A float keeps later numbers short; the exact middle serves where it is not inside.
            let float = match &middle {
                Number::Float(_) => None,
                Number::Rational(exact) => exact.to_f64().and_then(Number::from_f64),
            };
            let inside = |float: &Number| lower.is_below(float) && float.is_below(upper);
            float.filter(inside).unwrap_or(middle)
        }
    }
}

fn common_denominator(inputs: &[InputForm], dimension: usize) -> ExactForms {
    let values = inputs
        .iter()
        .flat_map(|form| form.terms.iter().map(|(_, v)| v).chain([&form.constant]));
    let (values, denominator) = whole(values);
    let mut values = values.into_iter();
    let width = dimension + 1;
    let mut entries = vec![Int::ZERO; inputs.len() * width];
    for (form, row) in inputs.iter().zip(entries.chunks_exact_mut(width)) {
        let columns = form.terms.iter().map(|&(coordinate, _)| coordinate);
        for column in columns.chain([dimension]) {
            row[column] = values.next().expect("one for each number");
        }
    }
    ExactForms {
        entries,
        width,
        denominator,
    }
}

impl Chart {
    /// The input-space point with chart coordinates `y`.
    pub fn to_input(&self, y: &[Rational]) -> Vec<Rational> {
        let denominator = self.inputs.denominator.to_big();
        self.inputs
            .rows()
            .map(|row| {
                let mut sum = Rational::from_integer(row[self.dimension].to_big());
                for (entry, coordinate) in row.iter().zip(y).filter(|(entry, _)| !entry.is_zero()) {
                    sum += coordinate * entry.to_big();
                }
                sum / &denominator
            })
            .collect()
    }

    /// The chart as a proof states it.
    pub fn stated(&self) -> proof::Chart {
        let number = |entry: &Int| entry.over(&self.inputs.denominator);
        let input = |row: &[Int]| {
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
            inputs: self.inputs.rows().map(input).collect(),
        }
    }
}
