//! The independent textbook search: one floating-point LP for every cell, unit and
//! sign, solved by good_lp. It checks the exact search, with which it shares no
//! code but the network, the domain and the digest, and its answer is never exact.
//!
//! On the cell of a partial pattern the next unit's pre-activation is an affine form
//! a.x + b. A sign s is accepted when max { t : s_i (a_i.x + b_i) >= t |a_i| for all
//! units i so far, x in the domain, t <= 1 } exceeds [`TOLERANCE`].

use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use good_lp::solvers::SolutionStatus;
use good_lp::{
    Expression, ResolutionError, Solution, SolverModel, WithTimeLimit, constraint, microlp,
    variable, variables,
};

use crate::arrangement::Domain;
use crate::network::{Affine, Layer, Network};
use crate::regions::Sign;
use crate::regions::digest::{Digest, PatternHash};
use crate::search::{LayerAnswer, Monitor, Options};

/// The least radius (or so) of a ball in a cell that counts: what makes this engine
/// inexact. A thinner cell is lost, and rounding can invent a cell as thin as this.
/// The solver itself works to about 1e-10.
pub const TOLERANCE: f64 = 1e-7;

/// A coefficient of a deeper layer that is this small beside the terms of its own
/// sum is taken as zero: it is what cancellation leaves.
const CANCELLED: f64 = 1e-13;

/// After this many seconds one LP counts as undecided; they usually take microseconds.
const LP_SECONDS: f64 = 60.0;

/// What the textbook search found.
#[derive(Clone, Debug)]
pub struct ReferenceAnswer {
    /// Regions found: an estimate, neither a lower nor an upper bound.
    pub regions: u64,
    /// Whether the search ended by itself.
    pub complete: bool,
    /// Digest of the patterns found, comparable to the exact search's.
    pub digest: Digest,
    /// One entry a ReLU layer.
    pub layers: Vec<LayerAnswer>,
    /// Inputs that the domain does not fix.
    pub dimension: usize,
    /// Units that were identically zero on some cell.
    pub degenerate_units: u64,
    /// Regions whose pattern has a `0`.
    pub degenerate_regions: u64,
    /// LPs solved.
    pub problems: u64,
    /// LPs on which the solver failed; their cells are left out.
    pub undecided: u64,
    /// Wall-clock time.
    pub elapsed: Duration,
}

/// Searches on one thread and hands every pattern to `visit`, which may break off.
///
/// # Panics
/// When `domain` does not have one interval for each input of `network`.
pub fn enumerate(
    network: &Network,
    domain: &Domain,
    options: &Options,
    monitor: &Monitor,
    visit: &mut dyn FnMut(&[Sign]) -> ControlFlow<()>,
) -> ReferenceAnswer {
    assert_eq!(
        domain.intervals().len(),
        network.input().len(),
        "one interval for each input"
    );
    let start = Instant::now();
    let space = Space::new(domain);
    let units = network.units_per_layer();
    let mut search = Search {
        dimension: space.sides.len(),
        space,
        problems: 0,
        undecided: 0,
        cells: vec![0; units.len()],
        degenerate: vec![false; units.iter().sum()],
        degenerate_regions: 0,
        regions: 0,
        digest: Digest::default(),
    };
    let complete = domain.is_empty() || search.run(network, &units, options, monitor, visit);
    let layers = units.iter().zip(&search.cells);
    ReferenceAnswer {
        regions: search.regions,
        complete,
        digest: search.digest,
        layers: layers
            .map(|(&units, &cells)| LayerAnswer { units, cells })
            .collect(),
        dimension: search.dimension,
        degenerate_units: search.degenerate.iter().filter(|&&d| d).count() as u64,
        degenerate_regions: search.degenerate_regions,
        problems: search.problems,
        undecided: search.undecided,
        elapsed: start.elapsed(),
    }
}

/// The variables of every LP: the inputs that the domain does not fix.
struct Space {
    /// Ends of each free input; infinite where there is none.
    sides: Vec<(f64, f64)>,
    /// The form of each network input.
    inputs: Vec<Form>,
}

impl Space {
    fn new(domain: &Domain) -> Self {
        let free = domain.intervals().iter().filter(|i| i.point().is_none());
        let sides: Vec<(f64, f64)> = free
            .map(|interval| {
                let end = |side: &Option<crate::arithmetic::Number>, infinity: f64| {
                    side.as_ref().map_or(infinity, |number| number.to_f64())
                };
                (
                    end(&interval.lower, f64::NEG_INFINITY),
                    end(&interval.upper, f64::INFINITY),
                )
            })
            .collect();
        let mut next = 0;
        let inputs = domain.intervals().iter().map(|interval| {
            let mut form = Form::zero(sides.len());
            match interval.point() {
                Some(value) => form.constant = value.to_f64(),
                None => {
                    form.linear[next] = 1.0;
                    next += 1;
                }
            }
            form
        });
        Space {
            inputs: inputs.collect(),
            sides,
        }
    }
}

/// An affine form on the free inputs, in plain floats.
#[derive(Clone, Debug)]
struct Form {
    linear: Vec<f64>,
    constant: f64,
}

impl Form {
    fn zero(dimension: usize) -> Self {
        Form {
            linear: vec![0.0; dimension],
            constant: 0.0,
        }
    }

    /// Divided by the length of its linear part, or by its constant if that is zero.
    fn scaled(&self) -> Option<Scaled> {
        let largest = self.linear.iter().fold(0.0_f64, |m, a| m.max(a.abs()));
        if largest == 0.0 {
            return self
                .constant
                .is_finite()
                .then(|| Scaled::Constant(Sign::of(&self.constant)));
        }
        let squares: f64 = self.linear.iter().map(|a| (a / largest).powi(2)).sum();
        let norm = largest * squares.sqrt();
        let form = Form {
            linear: self.linear.iter().map(|a| a / norm).collect(),
            constant: self.constant / norm,
        };
        let finite = form.constant.is_finite() && form.linear.iter().all(|a| a.is_finite());
        (finite && norm.is_finite()).then_some(Scaled::Form(form))
    }
}

/// A form as the LP takes it.
enum Scaled {
    Constant(Sign),
    Form(Form),
}

/// A cell still to be visited: its parent's units before `unit`, and `sign` for it.
struct Branch {
    unit: usize,
    sign: Sign,
    /// What the sign adds to the LPs; `None` where the form is constant.
    row: Option<Form>,
    /// Share of the tree below, in units of 2^-63.
    share: u64,
}

struct Search {
    space: Space,
    dimension: usize,
    problems: u64,
    undecided: u64,
    cells: Vec<u64>,
    degenerate: Vec<bool>,
    degenerate_regions: u64,
    regions: u64,
    digest: Digest,
}

impl Search {
    /// Depth first with a stack of its own, so that depth is no limit; gives whether
    /// it came to its end.
    fn run(
        &mut self,
        network: &Network,
        units: &[usize],
        options: &Options,
        monitor: &Monitor,
        visit: &mut dyn FnMut(&[Sign]) -> ControlFlow<()>,
    ) -> bool {
        // first[l] is the number of the first unit of layer l; the last entry is the total.
        let mut first = vec![0];
        for &size in units {
            first.push(first[first.len() - 1] + size);
        }
        let total = first[units.len()];
        let sections = sections(network);
        // The path: signs, LP rows, and one set of pre-activations a layer.
        let mut signs: Vec<Sign> = Vec::new();
        let mut rows: Vec<Option<Form>> = Vec::new();
        let mut layers: Vec<Vec<Form>> = Vec::new();
        let mut stack: Vec<Branch> = Vec::new();
        let mut share = 1u64 << 63;
        loop {
            if monitor.stopped() {
                return false;
            }
            // Go to the next layer for as long as this one is finished.
            while layers.len() < units.len() && signs.len() == first[layers.len()] {
                if let Some(done) = layers.len().checked_sub(1) {
                    self.cells[done] += 1;
                }
                let forms = match layers.last() {
                    None => propagate(self.space.inputs.clone(), &sections[0]),
                    Some(last) => {
                        let from = first[layers.len() - 1];
                        propagate(rectified(last, &signs[from..]), &sections[layers.len()])
                    }
                };
                layers.push(forms);
            }
            let unit = signs.len();
            if unit == total {
                if let Some(last) = self.cells.last_mut() {
                    *last += 1;
                }
                self.leaf(&signs);
                monitor.report(1, unit as u64, share);
                if visit(&signs).is_break() {
                    return false;
                }
            } else {
                let layer = layers.len() - 1;
                let mut children = self.children(&layers[layer][unit - first[layer]], &rows);
                if options.strict {
                    children.retain(|(sign, _)| *sign != Sign::Zero);
                }
                if let [(Sign::Zero, _)] = children[..] {
                    self.degenerate[unit] = true;
                }
                if children.is_empty() {
                    monitor.report(0, unit as u64, share);
                }
                let part = share / children.len().max(1) as u64;
                stack.extend(children.into_iter().rev().map(|(sign, row)| Branch {
                    unit,
                    sign,
                    row,
                    share: part,
                }));
            }
            let Some(branch) = stack.pop() else {
                return true;
            };
            signs.truncate(branch.unit);
            rows.truncate(branch.unit);
            signs.push(branch.sign);
            rows.push(branch.row);
            share = branch.share;
            // The forms of a layer depend on the layers before it only.
            let layer = first.partition_point(|&start| start <= branch.unit) - 1;
            layers.truncate(layer + 1);
        }
    }

    fn leaf(&mut self, signs: &[Sign]) {
        self.regions += 1;
        self.digest.add(PatternHash::of_pattern(signs));
        self.degenerate_regions += u64::from(signs.contains(&Sign::Zero));
    }

    /// The signs that a form takes on the cell of `rows`, each with its LP row.
    fn children(&mut self, form: &Form, rows: &[Option<Form>]) -> Vec<(Sign, Option<Form>)> {
        let form = match form.scaled() {
            None => {
                self.undecided += 1;
                return Vec::new();
            }
            Some(Scaled::Constant(sign)) => return vec![(sign, None)],
            Some(Scaled::Form(form)) => form,
        };
        let mut children = Vec::new();
        for sign in [Sign::Negative, Sign::Positive] {
            let factor = f64::from(sign as i8);
            let row = Form {
                linear: form.linear.iter().map(|a| factor * a).collect(),
                constant: factor * form.constant,
            };
            self.problems += 1;
            match self.margin(rows.iter().flatten().chain([&row])) {
                Some(margin) if margin > TOLERANCE => children.push((sign, Some(row))),
                Some(_) => {}
                None => self.undecided += 1,
            }
        }
        children
    }

    /// The largest margin t at which all rows hold, at most 1; `None` when the solver
    /// fails. Minus infinity when there is none, which only rounding can cause.
    fn margin<'a>(&self, rows: impl Iterator<Item = &'a Form>) -> Option<f64> {
        let solve = || {
            let mut problem = variables!();
            let x: Vec<_> = self
                .space
                .sides
                .iter()
                .map(|&(lower, upper)| problem.add(variable().min(lower).max(upper)))
                .collect();
            let t = problem.add(variable().max(1.0));
            let mut model = problem
                .maximise(t)
                .using(microlp)
                .with_time_limit(LP_SECONDS);
            for row in rows {
                let mut value = Expression::from(row.constant);
                for (&a, &x) in row.linear.iter().zip(&x) {
                    if a != 0.0 {
                        value.add_mul(a, x);
                    }
                }
                model.add_constraint(constraint!(value >= t));
            }
            match model.solve() {
                Ok(solution) if matches!(solution.status(), SolutionStatus::Optimal) => {
                    Some(solution.value(t)).filter(|t| t.is_finite())
                }
                Err(ResolutionError::Infeasible) => Some(f64::NEG_INFINITY),
                _ => None,
            }
        };
        // The solver asserts that its pivots are normal numbers.
        catch_unwind(AssertUnwindSafe(solve)).ok().flatten()
    }
}

/// The affine layers before each ReLU, one list a ReLU layer.
fn sections(network: &Network) -> Vec<Vec<&Affine>> {
    let mut sections = vec![Vec::new()];
    for layer in network.layers() {
        match layer {
            Layer::Affine(affine) => sections.last_mut().expect("starts with one").push(affine),
            Layer::Relu => sections.push(Vec::new()),
            Layer::Reshape(_) => {}
        }
    }
    sections
}

fn propagate(forms: Vec<Form>, affines: &[&Affine]) -> Vec<Form> {
    affines.iter().fold(forms, |forms, affine| {
        (0..affine.output().len())
            .map(|row| combination(affine, row, &forms))
            .collect()
    })
}

/// Row `row` of `affine` applied to `forms`, with cancelled coefficients set to zero.
fn combination(affine: &Affine, row: usize, forms: &[Form]) -> Form {
    let dimension = forms.first().map_or(0, |form| form.linear.len());
    let mut sum = Form::zero(dimension);
    let mut size = Form::zero(dimension);
    sum.constant = affine.bias()[row].to_f64();
    size.constant = sum.constant.abs();
    let (columns, weights) = affine.row(row);
    for (&column, weight) in columns.iter().zip(weights) {
        let weight = weight.to_f64();
        if weight == 0.0 {
            continue;
        }
        let form = &forms[column as usize];
        for (k, value) in form.linear.iter().enumerate() {
            sum.linear[k] += weight * value;
            size.linear[k] += (weight * value).abs();
        }
        sum.constant += weight * form.constant;
        size.constant += (weight * form.constant).abs();
    }
    let clean = |sum: &mut f64, size: f64| {
        if sum.abs() <= CANCELLED * size {
            *sum = 0.0;
        }
    };
    for (sum, &size) in sum.linear.iter_mut().zip(&size.linear) {
        clean(sum, size);
    }
    clean(&mut sum.constant, size.constant);
    sum
}

fn rectified(forms: &[Form], signs: &[Sign]) -> Vec<Form> {
    forms
        .iter()
        .zip(signs)
        .map(|(form, sign)| match sign {
            Sign::Positive => form.clone(),
            Sign::Negative | Sign::Zero => Form::zero(form.linear.len()),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arithmetic::Number;
    use crate::network::{ChannelOrder, Convolution, Shape};

    fn dense(weight: &[&[&str]], bias: &[&str]) -> Layer {
        let number = |text: &&str| Number::parse(text).unwrap();
        let weights = weight.iter().flat_map(|row| row.iter().map(number));
        let affine = Affine::dense(
            weight[0].len(),
            weight.len(),
            weights.collect(),
            bias.iter().map(number).collect(),
        );
        Layer::Affine(affine.unwrap())
    }

    fn network(inputs: usize, layers: Vec<Layer>) -> Network {
        let mut network = Network::new(Shape::new([inputs]));
        for layer in layers {
            network.push(layer).unwrap();
            network.push(Layer::Relu).unwrap();
        }
        network
    }

    fn count(network: &Network, domain: &str) -> ReferenceAnswer {
        let inputs = network.input().len();
        let domain = if domain.is_empty() {
            Domain::everything(inputs)
        } else {
            Domain::parse_box(domain, inputs).unwrap()
        };
        let mut seen = std::collections::HashSet::new();
        let answer = enumerate(
            network,
            &domain,
            &Options::default(),
            &Monitor::new(),
            &mut |pattern| {
                assert!(seen.insert(pattern.to_vec()), "a pattern came twice");
                ControlFlow::Continue(())
            },
        );
        assert_eq!(answer.regions, seen.len() as u64);
        assert_eq!(answer.undecided, 0);
        answer
    }

    /// Five lines in general position, not all near the origin.
    fn lines() -> Network {
        let weight: [&[&str]; 5] = [
            &["1", "0"],
            &["0", "1"],
            &["1", "1"],
            &["1", "-2"],
            &["3", "1"],
        ];
        network(2, vec![dense(&weight, &["0", "0", "-100", "7", "1/3"])])
    }

    #[test]
    fn lines_in_general_position_follow_zaslavsky() {
        let answer = count(&lines(), "");
        assert_eq!(answer.regions, 1 + 5 + 10);
        assert_eq!(answer.dimension, 2);
        assert!(answer.complete);
    }

    #[test]
    fn a_box_a_flat_box_and_an_empty_one() {
        // None of the lines meets the open box (0, 1)^2.
        assert_eq!(count(&lines(), "0,1").regions, 1);
        // In (-1, 1)^2 three of them meet in three different points.
        assert_eq!(count(&lines(), "-1,1").regions, 7);
        // On the line y = 0 the second unit is identically zero.
        let flat = count(&lines(), "-inf,inf,0,0");
        assert_eq!((flat.regions, flat.dimension), (5, 1));
        assert_eq!((flat.degenerate_units, flat.degenerate_regions), (1, 5));
        let point = count(&lines(), "1,1,2,2");
        assert_eq!((point.regions, point.dimension), (1, 0));
        let empty = count(&lines(), "1,0");
        assert_eq!((empty.regions, empty.complete), (0, true));
    }

    #[test]
    fn strict_leaves_degenerate_cells_out() {
        let domain = Domain::parse_box("-1,1,0,0", 2).unwrap();
        let strict = Options {
            strict: true,
            ..Options::default()
        };
        let go = &mut |_: &[Sign]| ControlFlow::Continue(());
        let answer = enumerate(&lines(), &domain, &strict, &Monitor::new(), go);
        assert_eq!((answer.regions, answer.complete), (0, true));
    }

    #[test]
    fn deep_layers_bend_and_the_tent_map_doubles() {
        // x -> 2 relu(x) - 4 relu(x - 1/2) folds [0, 1] twice onto itself.
        let tent = |scale: &[&[&str]]| dense(scale, &["0", "-1/2"]);
        let first = tent(&[&["1"], &["1"]]);
        let next = || tent(&[&["2", "-4"], &["2", "-4"]]);
        let deep = network(1, vec![first, next(), next()]);
        let answer = count(&deep, "0,1");
        let cells: Vec<u64> = answer.layers.iter().map(|layer| layer.cells).collect();
        assert_eq!(cells, [2, 4, 8]);
    }

    #[test]
    fn three_by_three_with_two_filters_has_255_regions() {
        let conv = Convolution::new([3, 3], 1, 2, [2, 2], ChannelOrder::Last);
        let weight: Vec<Number> = ["3", "-1", "2", "5", "-2", "4", "1", "-3"]
            .map(|w| Number::parse(w).unwrap())
            .to_vec();
        let bias = [Number::from(1), Number::from(2)];
        let mut network = Network::new(Shape::new([3, 3, 1]));
        let affine = Affine::convolution(conv, &weight, &bias).unwrap();
        network.push(Layer::Affine(affine)).unwrap();
        network.push(Layer::Relu).unwrap();
        assert_eq!(count(&network, "").regions, 255);
    }

    #[test]
    fn a_network_without_units_has_one_region() {
        let answer = count(&Network::new(Shape::new([3])), "");
        assert_eq!((answer.regions, answer.layers.len()), (1, 0));
    }

    #[test]
    fn weights_beyond_floats_do_not_panic() {
        let wild = network(
            2,
            vec![dense(
                &[&["1e300", "1e-300"], &["1e400", "1"], &["1e-400", "0"]],
                &["1", "1e308", "0"],
            )],
        );
        let domain = Domain::everything(2);
        let go = &mut |_: &[Sign]| ControlFlow::Continue(());
        let answer = enumerate(&wild, &domain, &Options::default(), &Monitor::new(), go);
        assert!(answer.undecided > 0);
    }

    #[test]
    fn stopping_gives_a_partial_answer() {
        let mut left = 3;
        let monitor = Monitor::new();
        let visit = &mut |_: &[Sign]| {
            left -= 1;
            if left == 0 {
                monitor.stop();
            }
            ControlFlow::Continue(())
        };
        let domain = Domain::everything(2);
        let answer = enumerate(&lines(), &domain, &Options::default(), &monitor, visit);
        assert_eq!((answer.regions, answer.complete), (3, false));
    }
}
