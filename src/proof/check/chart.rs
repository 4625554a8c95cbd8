//! The charts of the header: that what they show is all of the domain, up to inputs
//! that no unit can tell from others.

use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{One, Signed, Zero};

use super::span::spans;
use super::stages::{Stage, Whole};
use crate::arithmetic::interval::Interval;
use crate::arithmetic::{Number, Rational};
use crate::arrangement::{Domain, Interval as Side};
use crate::proof::format::{self, Header, rational_from_text};

/// Numbers in the header have at most this many characters. The longest that a model or a
/// domain can hold, 10^-5000 and the smallest f64, are shorter, and longer ones take long
/// to bring into lowest terms.
const LONGEST_NUMBER: usize = 1 << 14;

/// Matrices have at most this many entries; larger ones fill the memory.
pub const MAX_ENTRIES: usize = 1 << 24;

/// Numbers over a common denominator have at most this many bits together: 1 GiB.
const MAX_BITS: u64 = 1 << 33;

/// Verified coordinates.
#[derive(Debug)]
pub struct Chart {
    /// d.
    pub dimension: usize,
    /// The inputs as affine functions of y.
    inputs: Vec<Input>,
    /// A positive integer that makes all of their numbers integers.
    scale: BigInt,
    /// The ends of kept inputs: the first constraints of the root.
    pub ends: Vec<End>,
}

/// An input as an affine function of y.
#[derive(Debug)]
struct Input {
    constant: Rational,
    terms: Vec<(usize, Rational)>,
}

/// An end of a kept input's interval: `slope y_coordinate + constant`, positive inside.
#[derive(Debug)]
pub struct End {
    /// The coordinate.
    pub coordinate: usize,
    /// Intervals around slope and constant.
    pub bounds: [Interval; 2],
    /// Slope and constant, times a positive integer.
    pub whole: [BigInt; 2],
    /// The positive integer.
    pub scale: BigInt,
}

impl End {
    fn new(coordinate: usize, slope: Rational, constant: Rational) -> Self {
        let scale = slope.denom().lcm(constant.denom());
        let whole = [&slope, &constant].map(|value| value.numer() * (&scale / value.denom()));
        End {
            coordinate,
            bounds: [slope, constant].map(|value| Interval::of(&Number::from_rational(value))),
            whole,
            scale,
        }
    }
}

impl Chart {
    /// Intervals around the entries of the inputs.
    pub fn bounds(&self) -> Vec<Interval> {
        let width = self.dimension + 1;
        let mut entries = vec![super::stages::ZERO; self.inputs.len() * width];
        let of = |value: &Rational| Interval::of(&Number::from_rational(value.clone()));
        for (input, row) in self.inputs.iter().zip(entries.chunks_exact_mut(width)) {
            row[self.dimension] = of(&input.constant);
            for (coordinate, value) in &input.terms {
                row[*coordinate] = of(value);
            }
        }
        entries
    }

    /// The inputs over the integers.
    pub fn whole(&self) -> Whole {
        let width = self.dimension + 1;
        let mut entries = vec![BigInt::zero(); self.inputs.len() * width];
        for (input, row) in self.inputs.iter().zip(entries.chunks_exact_mut(width)) {
            input.fill(row, self.dimension, &self.scale);
        }
        Whole {
            width,
            entries,
            scale: self.scale.clone(),
        }
    }
}

impl Input {
    /// Writes the entries times `scale` into a row, the constant at `constant`.
    fn fill(&self, row: &mut [BigInt], constant: usize, scale: &BigInt) {
        let whole = |value: &Rational| value.numer() * (scale / value.denom());
        row[constant] = whole(&self.constant);
        for (coordinate, value) in &self.terms {
            row[*coordinate] = whole(value);
        }
    }
}

/// The header's domain, for a network of this many inputs.
///
/// # Errors
/// What is wrong with it.
pub fn domain(header: &Header, inputs: usize) -> Result<Domain, String> {
    let ends = header.domain.len();
    if ends != inputs {
        return Err(format!(
            "the domain has {ends} intervals, but the network has {inputs} inputs"
        ));
    }
    let texts = header.domain.iter().flatten().flatten();
    if texts.clone().any(|text| text.len() > LONGEST_NUMBER) {
        return Err("an end of the domain is too long a number".into());
    }
    format::domain_from_text(&header.domain)
        .ok_or_else(|| "an end of the domain is no number p or p/q in lowest terms".into())
}

/// The header's charts, when they show all of the domain.
///
/// # Errors
/// What is wrong with them.
pub fn charts(
    header: &Header,
    domain: &Domain,
    stages: &[Stage<'_>],
) -> Result<Vec<Chart>, String> {
    let (expected, text) = match (domain.is_empty(), header.lead) {
        (true, None) => (0..=0, "0"),
        (true, Some(_)) => return Err("an empty domain has no lead".into()),
        (false, None) => (1..=1, "1"),
        // Half of the rays are enough for a single layer.
        (false, Some(_)) if stages.len() == 1 => (1..=2, "1 or 2"),
        (false, Some(_)) => (2..=2, "2"),
    };
    let found = header.charts.len();
    if !expected.contains(&found) {
        return Err(format!("{found} charts; expected {text}"));
    }
    let mut charts = Vec::new();
    for (number, chart) in header.charts.iter().enumerate() {
        let place = |what: String| format!("chart {number}: {what}");
        let mut chart = read(chart, domain.intervals().len()).map_err(place)?;
        match header.lead {
            None => whole_domain(&mut chart, domain, stages),
            Some(lead) => half_of_rays(&chart, domain, stages, lead, number == 0),
        }
        .map_err(place)?;
        charts.push(chart);
    }
    Ok(charts)
}

/// A chart whose numbers and coordinates make sense.
fn read(chart: &format::Chart, inputs: usize) -> Result<Chart, String> {
    let dimension = chart.dimension;
    if chart.inputs.len() != inputs {
        return Err(format!(
            "{} inputs; the network has {inputs}",
            chart.inputs.len()
        ));
    }
    if dimension > inputs {
        return Err(format!("{dimension} coordinates for {inputs} inputs"));
    }
    limit(inputs, dimension + 1)?;
    let number = |text: &String| {
        let short = text.len() <= LONGEST_NUMBER;
        let value = short.then(|| rational_from_text(text)).flatten();
        value.ok_or("a number is not p or p/q in lowest terms, or too long")
    };
    let mut read = Vec::with_capacity(inputs);
    for (k, input) in chart.inputs.iter().enumerate() {
        let place = |what: &str| format!("input {k}: {what}");
        let mut terms: Vec<(usize, Rational)> = Vec::new();
        for (coordinate, value) in &input.terms {
            if *coordinate >= dimension {
                return Err(place(&format!(
                    "coordinate {coordinate} of {dimension} does not exist"
                )));
            }
            if terms.last().is_some_and(|(last, _)| last >= coordinate) {
                return Err(place("its coordinates do not ascend"));
            }
            let value = number(value).map_err(place)?;
            if value.is_zero() {
                return Err(place("a coefficient is zero"));
            }
            terms.push((*coordinate, value));
        }
        read.push(Input {
            constant: number(&input.constant).map_err(place)?,
            terms,
        });
    }
    Ok(Chart {
        dimension,
        scale: common_scale(&read)?,
        inputs: read,
        ends: Vec::new(),
    })
}

/// The least positive integer that makes all numbers of the inputs integers, when these
/// do not fill the memory.
fn common_scale(inputs: &[Input]) -> Result<BigInt, String> {
    let numbers = |input: &'_ Input| input.terms.len() as u64 + 1;
    let numbers: u64 = inputs.iter().map(numbers).sum();
    let mut scale = BigInt::one();
    for input in inputs {
        for value in input
            .terms
            .iter()
            .map(|(_, value)| value)
            .chain([&input.constant])
        {
            if !scale.is_multiple_of(value.denom()) {
                scale = scale.lcm(value.denom());
                if scale.bits().saturating_mul(numbers) > MAX_BITS {
                    return Err("the common denominator of its numbers is too large".into());
                }
            }
        }
    }
    Ok(scale)
}

/// Refuses matrices that fill the memory.
pub fn limit(rows: usize, columns: usize) -> Result<(), String> {
    match rows.checked_mul(columns) {
        Some(entries) if entries <= MAX_ENTRIES => Ok(()),
        _ => Err(format!(
            "{rows} x {columns} numbers; the checker takes at most {MAX_ENTRIES}"
        )),
    }
}

/// Whether the chart without rays reaches all that units can tell apart in the domain;
/// finds the ends of kept inputs.
fn whole_domain(chart: &mut Chart, domain: &Domain, stages: &[Stage<'_>]) -> Result<(), String> {
    let mut owner = vec![None; chart.dimension];
    // Kept inputs that are free on both sides, and inputs that must not matter.
    let (mut free, mut dropped) = (Vec::new(), Vec::new());
    for (k, (input, side)) in chart.inputs.iter().zip(domain.intervals()).enumerate() {
        let place = |what: &str| Err(format!("input {k} {what}"));
        match (&input.terms[..], side.point()) {
            ([], Some(point)) if point.to_rational() == input.constant => {}
            ([], Some(_)) => return place("is not at the value at which the domain fixes it"),
            (_, Some(_)) => return place("is fixed by the domain, but moves in the chart"),
            ([], None) => {
                if !side.has_inside(&input.constant) {
                    return place("does not lie strictly between the ends of its interval");
                }
                dropped.push(k);
            }
            ([(coordinate, slope)], None) => {
                if owner[*coordinate].replace(k).is_some() {
                    return place("shares its coordinate with another input");
                }
                if *side == Side::default() {
                    free.push(k);
                }
                if let Some(lower) = &side.lower {
                    let constant = &input.constant - lower.to_rational();
                    chart
                        .ends
                        .push(End::new(*coordinate, slope.clone(), constant));
                }
                if let Some(upper) = &side.upper {
                    let constant = upper.to_rational() - &input.constant;
                    chart
                        .ends
                        .push(End::new(*coordinate, -slope.clone(), constant));
                }
            }
            _ => return place("depends on more than one coordinate"),
        }
    }
    if let Some(coordinate) = owner.iter().position(Option::is_none) {
        return Err(format!("coordinate {coordinate} belongs to no input"));
    }
    let Some(first) = stages.first().filter(|_| !dropped.is_empty()) else {
        return Ok(());
    };
    // The columns of F: first of the free inputs, then of the dropped ones.
    let columns = free.len() + dropped.len();
    limit(domain.intervals().len().max(first.units), columns + 1)?;
    let mut matrix = vec![vec![BigInt::zero(); columns + 1]; domain.intervals().len()];
    for (column, &input) in free.iter().chain(&dropped).enumerate() {
        matrix[input][column] = BigInt::one();
    }
    let rows = through(first, matrix, columns);
    let is_zero = |column: usize| rows.iter().all(|row| row[column].is_zero());
    let moving: Vec<usize> = (free.len()..columns).filter(|&c| !is_zero(c)).collect();
    for &column in &moving {
        let input = dropped[column - free.len()];
        if domain.intervals()[input] != Side::default() {
            return Err(format!(
                "input {input} is left out, but a unit depends on it and its interval is not all \
                 of R"
            ));
        }
    }
    let row = |row: &Vec<BigInt>| {
        let columns = (0..free.len()).chain(moving.iter().copied());
        columns.map(|column| row[column].clone()).collect()
    };
    let rows: Vec<Vec<BigInt>> = rows.iter().map(row).collect();
    if moving.is_empty() || spans(&rows, free.len()) {
        Ok(())
    } else {
        Err("the units depend on inputs that are left out in a way that kept ones cannot".into())
    }
}

/// Whether the chart reaches one point of every ray on which the lead has the sign.
fn half_of_rays(
    chart: &Chart,
    domain: &Domain,
    stages: &[Stage<'_>],
    lead: usize,
    positive: bool,
) -> Result<(), String> {
    let inputs = chart.inputs.len();
    if domain
        .intervals()
        .iter()
        .any(|side| *side != Side::default())
    {
        return Err("charts on rays need all of R^n as domain".into());
    }
    let biased = |stage: &Stage<'_>| stage.maps.iter().any(|map| !map.is_linear());
    if stages.iter().any(biased) {
        return Err("charts on rays need a network without biases".into());
    }
    let Some(first) = stages.first().filter(|first| lead < first.units) else {
        return Err(format!("the first layer has no unit {lead} to lead"));
    };
    // The columns of F A, F b and F.
    let (d, columns) = (chart.dimension, chart.dimension + 1 + inputs);
    limit(inputs.max(first.units), columns + 1)?;
    let row = |(k, input): (usize, &Input)| {
        let mut row = vec![BigInt::zero(); columns + 1];
        input.fill(&mut row, d, &chart.scale);
        row[d + 1 + k] = BigInt::one();
        row
    };
    let matrix = chart.inputs.iter().enumerate().map(row).collect();
    let rows = through(first, matrix, columns);
    if rows[lead][..d].iter().any(|entry| !entry.is_zero()) {
        return Err(format!("the lead, unit {lead}, is not constant on it"));
    }
    let constant = &rows[lead][d];
    if constant.is_zero() || constant.is_positive() != positive {
        let expected = if positive { "positive" } else { "negative" };
        return Err(format!("the lead, unit {lead}, is not {expected} on it"));
    }
    if spans(&rows, d + 1) {
        Ok(())
    } else {
        Err("the units depend on the inputs in ways that the chart does not show".into())
    }
}

/// The first `columns` columns of the matrix, with a row for each input, taken through
/// the weights of the first stage.
fn through(first: &Stage<'_>, matrix: Vec<Vec<BigInt>>, columns: usize) -> Vec<Vec<BigInt>> {
    let whole = Whole {
        width: columns + 1,
        entries: matrix.into_iter().flatten().collect(),
        scale: BigInt::one(),
    };
    let whole = first.apply(&whole, |_| true);
    let rows = (0..first.units).map(|unit| whole.row(unit)[..columns].to_vec());
    rows.collect()
}
