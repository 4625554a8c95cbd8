//! Writes proofs of tiny networks by brute force: Fourier-Motzkin finds points, all sets
//! of constraints are tried for a certificate. Shares only the file format with the
//! program's own writer, and nothing with its checker.

use chambers::arrangement::{Domain, Interval};
use chambers::network::Network;
use chambers::proof::format::{self, Decided, Entry, Footer, Header, Input};
use chambers::regions::digest::PatternHash;
use chambers::regions::{Digest, Sign};
use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{One, Signed, Zero};

use super::corners;
use super::integers::{combine, primitive};
use super::model::{Form, Model, Step, compose, rectify};
use super::proofs::{Chunk, Event, Proof, Sets};
use super::rng::Rng;
use super::{Number, Rational};

/// What the proof looks like; each with a chance of one in so many, never when 0.
#[derive(Clone, Copy, Debug, Default)]
pub struct Style {
    /// Chunks end.
    pub cut: usize,
    /// Nodes are elsewhere.
    pub elsewhere: usize,
    /// Units that cut nothing are split, and one side is empty.
    pub empty: usize,
    /// Leaves stay open.
    pub open: usize,
    /// Where the hyperplanes of all undecided units cross in the cell, that is a leaf.
    pub crossing: usize,
    /// Where the hyperplanes of all undecided units are in general position in the cell, that is a
    /// leaf.
    pub arrangement: usize,
    /// Sides and arrangements in cells with vertices name these.
    pub sets: usize,
    /// Whether coordinates are shifted and scaled.
    pub odd_charts: bool,
    /// Whether rays are used where they can be.
    pub rays: bool,
    /// Whether cells with a zero unit are left out.
    pub strict: bool,
}

/// A certificate that a proof names: what it is for, and what it can choose from.
#[derive(Clone, Debug)]
pub struct Certificate {
    pub chart: usize,
    /// The number of the event in its chunk.
    pub event: usize,
    pub target: Form,
    pub constraints: Vec<Form>,
}

/// A proof of the network's regions.
pub fn prove(network: &Network, domain: &Domain, style: Style, seed: u64) -> Proof {
    prove_and_tell(network, domain, style, seed).0
}

/// Whatever these events say, in one chunk, with the footer that the network's proof has.
pub fn in_one_chunk(network: &Network, domain: &Domain, strict: bool, events: &[Event]) -> Proof {
    let style = Style {
        strict,
        ..Style::default()
    };
    let mut proof = prove(network, domain, style, 0);
    proof.chunks = vec![Chunk {
        chart: 0,
        trail: vec![],
        events: events.to_vec(),
    }];
    proof.footer.chunks = 1;
    proof
}

/// [`prove`], and the certificates of its sides.
pub fn prove_and_tell(
    network: &Network,
    domain: &Domain,
    style: Style,
    seed: u64,
) -> (Proof, Vec<Certificate>) {
    let model = Model::of(network);
    let mut rng = Rng::new(seed);
    let (charts, lead) = charts(&model, domain, style, &mut rng);
    let header = Header {
        chambers: "a test".into(),
        model: "a test".into(),
        network: network.digest(),
        domain: format::domain_to_text(domain),
        strict: style.strict,
        lead,
        charts: charts.iter().map(Coordinates::text).collect(),
    };
    let mut prover = Prover {
        model: &model,
        style,
        rng,
        trail: Vec::new(),
        signs: Vec::new(),
        chunks: Vec::new(),
        current: Chunk::default(),
        regions: 0,
        digest: Digest::default(),
        open: false,
        certificates: Vec::new(),
    };
    for (number, chart) in charts.iter().enumerate() {
        prover.current = Chunk {
            chart: number,
            ..Chunk::default()
        };
        prover.layer(0, chart.inputs.clone(), &chart.ends);
        prover.end_chunk();
    }
    let footer = Footer {
        regions: prover.regions.to_string(),
        digest: prover.digest.to_string(),
        complete: !prover.open,
        chunks: prover.chunks.len() as u64,
    };
    let proof = Proof {
        header,
        chunks: prover.chunks,
        footer,
    };
    (proof, prover.certificates)
}

/// A chart: the inputs as functions of y, and the domain's ends in it.
struct Coordinates {
    dimension: usize,
    inputs: Vec<Form>,
    ends: Vec<Form>,
}

impl Coordinates {
    fn text(&self) -> format::Chart {
        let input = |form: &Form| {
            let terms = form.coefficients.iter().enumerate();
            let terms = terms.filter(|(_, value)| !value.is_zero());
            Input {
                constant: form.constant.to_string(),
                terms: terms.map(|(c, value)| (c, value.to_string())).collect(),
            }
        };
        format::Chart {
            dimension: self.dimension,
            inputs: self.inputs.iter().map(input).collect(),
        }
    }
}

fn charts(
    model: &Model,
    domain: &Domain,
    style: Style,
    rng: &mut Rng,
) -> (Vec<Coordinates>, Option<usize>) {
    if domain.is_empty() {
        return (Vec::new(), None);
    }
    let intervals = domain.intervals();
    let first = first_layer(model);
    let everything = intervals.iter().all(|i| *i == Interval::default());
    let biased =
        |step: &Step| matches!(step, Step::Affine(rows) if rows.iter().any(|(_, b)| !b.is_zero()));
    let lead = first.iter().position(|form| !form.is_zero());
    let central = everything && !model.steps.iter().any(biased);
    if style.rays
        && central
        && let Some(lead) = lead
    {
        let chart = |side: i64| ray_chart(&first[lead], side);
        return (vec![chart(1), chart(-1)], Some(lead));
    }
    // Inputs that stay: those that are not fixed, and not zero for all units, and whose
    // column is not in the span of others that are free and stay.
    let column = |k: usize| -> Vec<Rational> {
        first
            .iter()
            .map(|form| form.coefficients[k].clone())
            .collect()
    };
    let mut free: Vec<Vec<Rational>> = Vec::new();
    let mut kept = Vec::new();
    for (k, interval) in intervals.iter().enumerate() {
        let zero = column(k).iter().all(Zero::is_zero);
        if interval.point().is_some() || zero && rng.one_in(2) {
            continue;
        }
        if *interval == Interval::default() {
            free.push(column(k));
            if rank(&free) < free.len() {
                free.pop();
                continue;
            }
        }
        kept.push(k);
    }
    let d = kept.len();
    let (mut inputs, mut ends) = (Vec::new(), Vec::new());
    for (k, interval) in intervals.iter().enumerate() {
        let mut form = Form::zero(d);
        form.constant = match (interval.point(), &interval.lower, &interval.upper) {
            (Some(point), _, _) => point.to_rational(),
            (_, Some(lower), Some(upper)) => {
                (lower.to_rational() + upper.to_rational()) / BigInt::from(2)
            }
            (_, Some(lower), None) => lower.to_rational() + BigInt::one(),
            (_, None, Some(upper)) => upper.to_rational() - BigInt::one(),
            (_, None, None) => Rational::zero(),
        };
        if let Some(c) = kept.iter().position(|&kept| kept == k) {
            form.coefficients[c] = Rational::one();
            if style.odd_charts {
                let slope = [-3, -1, 1, 7][rng.below(4)];
                form.coefficients[c] = Rational::new(slope.into(), rng.range(1, 5).into());
                form.constant += Rational::new(rng.range(-9, 9).into(), 7.into());
            }
            let end = |sign: i64, end: &Number| {
                let sign = Rational::from_integer(sign.into());
                let mut row = Form::zero(d);
                row.coefficients[c] = &sign * &form.coefficients[c];
                row.constant = sign * (&form.constant - end.to_rational());
                row
            };
            ends.extend(interval.lower.as_ref().map(|lower| end(1, lower)));
            ends.extend(interval.upper.as_ref().map(|upper| end(-1, upper)));
        }
        inputs.push(form);
    }
    let chart = Coordinates {
        dimension: d,
        inputs,
        ends,
    };
    (vec![chart], None)
}

/// The half-space slice on which the lead is `side`: one input is solved for, all others
/// are coordinates.
fn ray_chart(lead: &Form, side: i64) -> Coordinates {
    let n = lead.coefficients.len();
    let solved = lead.coefficients.iter().position(|a| !a.is_zero());
    let solved = solved.expect("the lead is not zero");
    let pivot = &lead.coefficients[solved];
    let mut inputs = vec![Form::zero(n - 1); n];
    inputs[solved].constant = Rational::from_integer(side.into()) / pivot;
    for (c, k) in (0..n).filter(|&k| k != solved).enumerate() {
        inputs[k].coefficients[c] = Rational::one();
        inputs[solved].coefficients[c] = -&lead.coefficients[k] / pivot;
    }
    Coordinates {
        dimension: n - 1,
        inputs,
        ends: Vec::new(),
    }
}

/// The first layer's pre-activations as functions of the inputs.
fn first_layer(model: &Model) -> Vec<Form> {
    let mut forms = Form::coordinates(model.inputs);
    for step in &model.steps {
        match step {
            Step::Affine(rows) => forms = compose(rows, &forms, model.inputs),
            Step::Relu => return forms,
        }
    }
    Vec::new()
}

/// The rank, by elimination.
fn rank(vectors: &[Vec<Rational>]) -> usize {
    let mut rows = vectors.to_vec();
    let width = rows.first().map_or(0, Vec::len);
    let mut rank = 0;
    for column in 0..width {
        let Some(at) = (rank..rows.len()).find(|&r| !rows[r][column].is_zero()) else {
            continue;
        };
        rows.swap(rank, at);
        let pivot = rows[rank].clone();
        for row in &mut rows[rank + 1..] {
            let factor = &row[column] / &pivot[column];
            for (value, p) in row.iter_mut().zip(&pivot) {
                *value -= &factor * p;
            }
        }
        rank += 1;
    }
    rank
}

struct Prover<'m> {
    model: &'m Model,
    style: Style,
    rng: Rng,
    trail: Vec<Entry>,
    /// Of the units of all layers that are finished.
    signs: Vec<char>,
    chunks: Vec<Chunk>,
    current: Chunk,
    regions: u64,
    digest: Digest,
    open: bool,
    certificates: Vec<Certificate>,
}

impl Prover<'_> {
    fn end_chunk(&mut self) {
        let next = Chunk {
            chart: self.current.chart,
            trail: self.trail.clone(),
            events: Vec::new(),
        };
        self.chunks.push(std::mem::replace(&mut self.current, next));
    }

    fn chance(&mut self, one_in: usize) -> bool {
        one_in > 0 && self.rng.one_in(one_in)
    }

    fn emit(&mut self, event: Event) {
        if !self.current.events.is_empty() && self.chance(self.style.cut) {
            self.end_chunk();
        }
        self.current.events.push(event);
    }

    /// Enters what begins with a step, with these values, on the cell of these constraints.
    fn layer(&mut self, step: usize, values: Vec<Form>, constraints: &[Form]) {
        let inputs = values.first().map_or(0, |form| form.coefficients.len());
        match self.model.steps.get(step) {
            None => self.leaf(constraints, inputs),
            Some(Step::Affine(rows)) => {
                let values = compose(rows, &values, inputs);
                self.layer(step + 1, values, constraints);
            }
            Some(Step::Relu) => {
                // Outputs after the last ReLU layer are no units.
                let constant = |form: &Form| form.coefficients.iter().all(Zero::is_zero);
                let sign =
                    |form: &Form| constant(form).then(|| super::model::symbol(&form.constant));
                let signs: Vec<Option<char>> = values.iter().map(sign).collect();
                if self.style.strict && signs.contains(&Some('0')) {
                    return self.emit(Event::Excluded);
                }
                self.node(step, &values, &signs, constraints);
            }
        }
    }

    fn node(&mut self, step: usize, forms: &[Form], signs: &[Option<char>], constraints: &[Form]) {
        // A node at which a layer ends is that at which the next one begins.
        let inner = signs.contains(&None);
        if inner && !self.current.events.is_empty() && self.chance(self.style.elsewhere) {
            self.current.events.push(Event::Elsewhere);
            let trail = self.trail.clone();
            for entry in &mut self.trail {
                if entry.how == Decided::SplitPending {
                    entry.how = Decided::SplitPositive;
                }
            }
            let next = Chunk {
                chart: self.current.chart,
                trail: self.trail.clone(),
                events: Vec::new(),
            };
            let saved = std::mem::replace(&mut self.current, next);
            self.inside(step, forms, signs, constraints);
            self.trail = trail;
            self.end_chunk();
            self.current = saved;
        } else {
            self.inside(step, forms, signs, constraints);
        }
    }

    fn inside(
        &mut self,
        step: usize,
        forms: &[Form],
        signs: &[Option<char>],
        constraints: &[Form],
    ) {
        let open: Vec<usize> = (0..forms.len()).filter(|&u| signs[u].is_none()).collect();
        if open.is_empty() {
            let signs: String = signs.iter().flatten().collect();
            let before = self.signs.len();
            self.signs.extend(signs.chars());
            let inputs = forms.first().map_or(0, |form| form.coefficients.len());
            self.layer(step + 1, rectify(forms, &signs, inputs), constraints);
            self.signs.truncate(before);
            return;
        }
        if self.chance(self.style.open) {
            self.emit(Event::Open);
            self.open = true;
            return;
        }
        if self.chance(self.style.arrangement) && self.arrangement(step, forms, signs, constraints)
        {
            return;
        }
        if self.chance(self.style.crossing) && self.crossing(step, forms, signs, constraints) {
            return;
        }
        let unit = open[self.rng.below(open.len())];
        let first_unit = self.signs.len();
        let entry = |how| Entry {
            unit: (first_unit + unit) as u32,
            how,
        };
        let side = |sign: char| {
            let mut form = forms[unit].clone();
            if sign == '-' {
                form.coefficients.iter_mut().for_each(|a| *a = -a.clone());
                form.constant = -form.constant;
            }
            let mut constraints = constraints.to_vec();
            constraints.push(form);
            let mut signs = signs.to_vec();
            signs[unit] = Some(sign);
            (constraints, signs)
        };
        let both = ['+', '-'].map(|sign| (sign, side(sign)));
        let there = [0, 1].map(|k| point(&both[k].1.0).is_some());
        if there == [true, true] || self.chance(self.style.empty) {
            self.emit(Event::Split(unit as u64));
            let kinds = [Decided::SplitPending, Decided::SplitNegative];
            for (k, (_, (below, signs))) in both.iter().enumerate() {
                self.trail.push(entry(kinds[k]));
                if there[k] {
                    self.node(step, forms, signs, below);
                } else {
                    let other = both[1 - k].1.0.last().expect("the other side");
                    self.emit(Event::Empty {
                        first: constraints.len() as u64,
                        others: certificate(other, constraints),
                    });
                }
                self.trail.pop();
            }
        } else {
            let positive = there[0];
            let (sign, (below, signs)) = &both[usize::from(!positive)];
            assert!(
                there[usize::from(!positive)],
                "a cell is empty on both sides"
            );
            let target = below.last().expect("the unit's own form");
            let dimension = target.coefficients.len();
            let sets = match self.chance(self.style.sets) {
                true => corners::vertices(constraints, dimension),
                false => Sets::default(),
            };
            let (unit_number, positive) = (unit as u64, *sign == '+');
            let as_bits = self.chance(2);
            self.emit(match sets.members.is_empty() {
                true => Event::Side {
                    unit: unit_number,
                    positive,
                    constraints: certificate(target, constraints),
                },
                false => Event::Sides {
                    sets,
                    units: vec![(unit_number, positive)],
                    as_bits,
                },
            });
            self.certificates.push(Certificate {
                chart: self.current.chart,
                event: self.current.events.len() - 1,
                target: target.clone(),
                constraints: constraints.to_vec(),
            });
            self.trail.push(entry(if positive {
                Decided::Positive
            } else {
                Decided::Negative
            }));
            self.node(step, forms, signs, constraints);
            self.trail.pop();
        }
    }

    fn leaf(&mut self, constraints: &[Form], inputs: usize) {
        if self.chance(self.style.open) {
            self.emit(Event::Open);
            self.open = true;
            return;
        }
        let point = match constraints {
            [] => vec![Rational::zero(); inputs],
            _ => point(constraints).expect("the cell has a point"),
        };
        let (exponent, mantissas) = dyadic(&point);
        self.emit(Event::Region {
            exponent,
            mantissas,
        });
        self.add_pattern(&[]);
    }

    /// A leaf for all choices of signs of the undecided units, where this is their last
    /// layer and their hyperplanes cross in the cell.
    fn crossing(
        &mut self,
        step: usize,
        forms: &[Form],
        signs: &[Option<char>],
        constraints: &[Form],
    ) -> bool {
        let later = &self.model.steps[step + 1..];
        let open: Vec<usize> = (0..forms.len()).filter(|&u| signs[u].is_none()).collect();
        let undecided: Vec<Form> = open.iter().map(|&unit| forms[unit].clone()).collect();
        if later.iter().any(|step| matches!(step, Step::Relu)) || open.len() > 16 {
            return false;
        }
        let Some(point) = crossing_inside(&undecided, constraints) else {
            return false;
        };
        let (exponent, mantissas) = dyadic(&point);
        self.emit(Event::Crossing {
            exponent,
            mantissas,
        });
        self.add_choices(signs, &open, 0..1 << open.len());
        true
    }

    /// A leaf for the regions into which the hyperplanes of the undecided units, of the last layer,
    /// cut the cell, where they are in general position there.
    fn arrangement(
        &mut self,
        step: usize,
        forms: &[Form],
        signs: &[Option<char>],
        constraints: &[Form],
    ) -> bool {
        let later = &self.model.steps[step + 1..];
        let open: Vec<usize> = (0..forms.len()).filter(|&u| signs[u].is_none()).collect();
        let undecided: Vec<Form> = open.iter().map(|&unit| forms[unit].clone()).collect();
        let dimension = undecided[0].coefficients.len();
        if later.iter().any(|step| matches!(step, Step::Relu)) || open.len() > 8 || dimension > 4 {
            return false;
        }
        let choices = patterns_in(&undecided, constraints);
        if choices.len() != flats_in(&undecided, constraints) {
            return false;
        }
        let sets = match self.chance(self.style.sets) {
            true => corners::vertices(constraints, dimension),
            false => Sets::default(),
        };
        self.emit(Event::Arrangement(sets));
        self.add_choices(signs, &open, choices);
        true
    }

    /// Counts regions with these signs, and for each choice others for the units that are open: a
    /// bit for each, set for a negative sign.
    fn add_choices(
        &mut self,
        signs: &[Option<char>],
        open: &[usize],
        choices: impl IntoIterator<Item = usize>,
    ) {
        for choice in choices {
            let mut all: Vec<char> = signs.iter().map(|sign| sign.unwrap_or('?')).collect();
            for (k, &unit) in open.iter().enumerate() {
                all[unit] = ['+', '-'][choice >> k & 1];
            }
            self.add_pattern(&all);
        }
    }

    /// Counts a region with the signs of the finished layers and these.
    fn add_pattern(&mut self, more: &[char]) {
        let sign = |symbol: &char| match symbol {
            '+' => Sign::Positive,
            '-' => Sign::Negative,
            _ => Sign::Zero,
        };
        let signs: Vec<Sign> = self.signs.iter().chain(more).map(sign).collect();
        self.digest.add(PatternHash::of_pattern(&signs));
        self.regions += 1;
    }
}

/// The choices of signs of forms that the cell of these constraints has points of: bits are set
/// for negative ones.
pub fn patterns_in(forms: &[Form], constraints: &[Form]) -> Vec<usize> {
    let there = |&choice: &usize| {
        let oriented = forms.iter().enumerate().map(|(k, form)| {
            let mut form = form.clone();
            if choice >> k & 1 == 1 {
                form.coefficients.iter_mut().for_each(|a| *a = -a.clone());
                form.constant = -form.constant;
            }
            form
        });
        let all: Vec<Form> = constraints.iter().cloned().chain(oriented).collect();
        point(&all).is_some()
    };
    (0..1 << forms.len()).filter(there).collect()
}

/// How many sets of forms, the empty one too, have independent linear parts and vanish together in
/// the cell of these constraints, which is not empty.
pub fn flats_in(forms: &[Form], constraints: &[Form]) -> usize {
    let meets = |choice: &usize| {
        let some = forms.iter().enumerate();
        let some: Vec<Form> = some
            .filter(|(k, _)| choice >> k & 1 == 1)
            .map(|(_, form)| form.clone())
            .collect();
        some.is_empty() || crossing_inside(&some, constraints).is_some()
    };
    (0..1usize << forms.len()).filter(meets).count()
}

/// Exponent and mantissas of a dyadic point.
pub fn dyadic(point: &[Rational]) -> (i64, Vec<BigInt>) {
    let denominators = point.iter().map(|x| x.denom().clone());
    let denominator = denominators.fold(BigInt::one(), |a, b| a.lcm(&b));
    let mantissas = point.iter().map(|x| (x * &denominator).to_integer());
    (1 - denominator.bits() as i64, mantissas.collect())
}

/// A dyadic point such that the nearest one at which the hyperplanes of the forms cross is
/// inside of the constraints; `None` where there is none, or the forms are dependent.
///
/// Points of the flat are y = A z + b, where z are the coordinates that elimination leaves
/// free; Fourier-Motzkin finds one inside, and it is rounded more and more finely.
fn crossing_inside(forms: &[Form], constraints: &[Form]) -> Option<Vec<Rational>> {
    let d = forms[0].coefficients.len();
    let linear: Vec<Vec<Rational>> = forms.iter().map(|h| h.coefficients.clone()).collect();
    if rank(&linear) < forms.len() {
        return None;
    }
    // y_c, solved for one after the other, as functions of all coordinates.
    let mut coordinates = Form::coordinates(d);
    for form in forms {
        let form = substitute(form, &coordinates);
        let c = form.coefficients.iter().position(|a| !a.is_zero())?;
        let slope = -form.coefficients[c].recip();
        let mut rest = form;
        rest.coefficients[c] = Rational::zero();
        rest.coefficients.iter_mut().for_each(|a| *a *= &slope);
        rest.constant *= &slope;
        let mut step = Form::coordinates(d);
        step[c] = rest;
        coordinates = coordinates.iter().map(|y| substitute(y, &step)).collect();
    }
    let sides: Vec<Form> = constraints
        .iter()
        .map(|g| substitute(g, &coordinates))
        .collect();
    let z = match sides[..] {
        [] => vec![Rational::zero(); d],
        _ => point(&sides)?,
    };
    let exact: Vec<Rational> = coordinates.iter().map(|y| y.at(&z)).collect();
    (0..).step_by(4).find_map(|digits| {
        let power = Rational::from_integer(BigInt::one() << digits);
        let rounded: Vec<Rational> = exact
            .iter()
            .map(|y| (y * &power).round() / &power)
            .collect();
        let near = nearest(forms, &rounded)?;
        let inside = constraints.iter().all(|g| g.at(&near).is_positive());
        inside.then_some(rounded)
    })
}

/// The form of these forms.
fn substitute(form: &Form, coordinates: &[Form]) -> Form {
    let terms = form.coefficients.iter().cloned().enumerate().collect();
    compose(
        &[(terms, form.constant.clone())],
        coordinates,
        coordinates.len(),
    )
    .remove(0)
}

/// The point nearest to y where independent forms vanish: with multipliers of Lagrange,
/// p + H^T m = y and H p = -h(0).
pub fn nearest(forms: &[Form], y: &[Rational]) -> Option<Vec<Rational>> {
    let (d, k) = (y.len(), forms.len());
    // One equation a row, the right side last.
    let first = |c: usize| {
        let mut row = vec![Rational::zero(); d + k + 1];
        row[c] = Rational::one();
        row[d + k] = y[c].clone();
        for (i, form) in forms.iter().enumerate() {
            row[d + i] = form.coefficients[c].clone();
        }
        row
    };
    let second = |form: &Form| {
        let zeros = vec![Rational::zero(); k];
        [&form.coefficients[..], &zeros, &[-&form.constant]].concat()
    };
    let mut rows: Vec<Vec<Rational>> = (0..d).map(first).collect();
    rows.extend(forms.iter().map(second));
    for step in 0..d + k {
        let at = (step..d + k).find(|&r| !rows[r][step].is_zero())?;
        rows.swap(step, at);
        let pivot = rows[step].clone();
        for (r, row) in rows.iter_mut().enumerate() {
            let factor = if r == step {
                Rational::one() - pivot[step].recip()
            } else {
                &row[step] / &pivot[step]
            };
            for (value, p) in row.iter_mut().zip(&pivot) {
                *value -= &factor * p;
            }
        }
    }
    Some(rows[..d].iter().map(|row| row[d + k].clone()).collect())
}

/// A dyadic point at which all forms are positive; one exists in every open set that is
/// not empty.
pub fn point(forms: &[Form]) -> Option<Vec<Rational>> {
    let d = forms.first().map_or(0, |form| form.coefficients.len());
    let row = |form: &Form| {
        let mut row = form.coefficients.clone();
        row.push(form.constant.clone());
        row
    };
    let mut rows: Vec<Vec<Rational>> = forms.iter().map(row).collect();
    let mut point = Vec::new();
    for _ in 0..d {
        let (lower, upper) = shadow(&rows)?;
        let value = between(lower.as_ref(), upper.as_ref())?;
        for row in &mut rows {
            let first = row.remove(0);
            *row.last_mut().expect("a constant") += first * &value;
        }
        point.push(value);
    }
    rows.iter().all(|row| row[0].is_positive()).then_some(point)
}

/// The ends of what the first variable may be, by Fourier-Motzkin; `None` when there is no
/// solution at all.
#[allow(clippy::type_complexity)]
fn shadow(rows: &[Vec<Rational>]) -> Option<(Option<Rational>, Option<Rational>)> {
    let mut rows: Vec<Vec<BigInt>> = rows.iter().map(|row| primitive(row)).collect();
    while let Some(n) = rows.first().map(|row| row.len() - 1).filter(|&n| n > 1) {
        let last = n - 1;
        let (with, mut rest): (Vec<_>, Vec<_>) =
            rows.into_iter().partition(|row| !row[last].is_zero());
        let (plus, minus): (Vec<_>, Vec<_>) =
            with.into_iter().partition(|row| row[last].is_positive());
        for p in &plus {
            for m in &minus {
                rest.push(combine(&m[last].abs(), p, &p[last], m).expect("big integers"));
            }
        }
        for row in &mut rest {
            row.remove(last);
        }
        rest.sort();
        rest.dedup();
        rows = rest;
    }
    let (mut lower, mut upper): (Option<Rational>, Option<Rational>) = (None, None);
    for row in rows {
        if row[0].is_zero() {
            if !row[1].is_positive() {
                return None;
            }
            continue;
        }
        let end = Rational::new(-&row[1], row[0].clone());
        if row[0].is_positive() {
            lower = Some(lower.map_or(end.clone(), |other| other.max(end)));
        } else {
            upper = Some(upper.map_or(end.clone(), |other| other.min(end)));
        }
    }
    Some((lower, upper))
}

/// A dyadic number strictly between two.
fn between(lower: Option<&Rational>, upper: Option<&Rational>) -> Option<Rational> {
    let one = Rational::one();
    match (lower, upper) {
        (None, None) => Some(Rational::zero()),
        (Some(lower), None) => Some(lower.floor() + one),
        (None, Some(upper)) => Some(upper.ceil() - one),
        (Some(lower), Some(upper)) if lower < upper => {
            let mut step = one;
            loop {
                let value = ((lower / &step).floor() + Rational::one()) * &step;
                if value < *upper {
                    return Some(value);
                }
                step /= BigInt::from(2);
            }
        }
        _ => None,
    }
}

/// Constraints of which the target is a combination as in Farkas' lemma; there are some
/// when it is positive wherever they are.
fn certificate(target: &Form, constraints: &[Form]) -> Vec<u64> {
    let d = target.coefficients.len();
    for size in 1..=d {
        let mut chosen: Vec<usize> = (0..size).collect();
        while chosen.last().is_some_and(|&last| last < constraints.len()) {
            let others: Vec<&Form> = chosen.iter().map(|&k| &constraints[k]).collect();
            if is_combination(target, &others) {
                return chosen.iter().map(|&k| k as u64).collect();
            }
            advance(&mut chosen, constraints.len());
        }
    }
    panic!("no certificate");
}

/// The next set of numbers below `end` in order; its last is `end` after the last set.
fn advance(chosen: &mut [usize], end: usize) {
    let size = chosen.len();
    let movable = (0..size).rev().find(|&k| chosen[k] + size - k < end);
    match movable {
        None => chosen[size - 1] = end,
        Some(k) => {
            let from = chosen[k] + 1;
            for (step, value) in chosen[k..].iter_mut().enumerate() {
                *value = from + step;
            }
        }
    }
}

/// Whether the target is such a combination of others that are independent: by
/// Gauss-Jordan elimination over the rationals.
pub fn is_combination(target: &Form, others: &[&Form]) -> bool {
    let (d, k) = (target.coefficients.len(), others.len());
    let entry = |form: &Form, c: usize| form.coefficients[c].clone();
    let mut rows: Vec<Vec<Rational>> = (0..d)
        .map(|c| {
            let row = others.iter().map(|form| entry(form, c));
            row.chain([entry(target, c)]).collect()
        })
        .collect();
    for step in 0..k {
        let Some(at) = (step..d).find(|&r| !rows[r][step].is_zero()) else {
            return false;
        };
        rows.swap(step, at);
        let pivot = rows[step].clone();
        for (r, row) in rows.iter_mut().enumerate() {
            let factor = if r == step {
                Rational::one() - pivot[step].recip()
            } else {
                &row[step] / &pivot[step]
            };
            for (value, p) in row.iter_mut().zip(&pivot) {
                *value -= &factor * p;
            }
        }
    }
    let constant = (0..k).fold(target.constant.clone(), |sum, j| {
        sum - &rows[j][k] * &others[j].constant
    });
    rows[..k].iter().all(|row| !row[k].is_negative())
        && rows[k..].iter().all(|row| row[k].is_zero())
        && !constant.is_negative()
}
