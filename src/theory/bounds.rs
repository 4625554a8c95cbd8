//! Every bound that says something of a network, best first.

use num_bigint::BigUint;

use super::catalogue::{self, Verified};
use super::formula::{Formula, NoValue, WORK, Work};
use super::generic::{self, Certainty};
use super::skeleton::{Kind as LayerKind, Layer, Skeleton};
use super::theorem2::Budget;
use super::{
    Exactness, activity, binomial, channel_folding, disjoint_paths, empirical, hybrid, one_layer,
    receptive_field, theorem1, theorem2, theorem5,
};
use crate::arrangement::Domain;
use crate::network::Network;

/// What a bound's value claims.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// The number of regions for almost all weights and biases on all of R^n, which is
    /// also the largest for any.
    Exact,
    /// At most so many regions, for all weights and biases, in every domain.
    Upper,
    /// At least so many regions for some weights and biases, on all of R^n.
    Lower,
    /// How the number grows, without constants.
    Asymptotic,
    /// The mean over random weights.
    Expectation,
}

impl Kind {
    /// `exact`, `upper`, `lower`, `asymptotic` or `expectation`.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Exact => "exact",
            Kind::Upper => "upper",
            Kind::Lower => "lower",
            Kind::Asymptotic => "asymptotic",
            Kind::Expectation => "expectation",
        }
    }
}

/// One bound for one network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bound {
    /// A name that does not change.
    pub id: &'static str,
    /// Who found it, and where.
    pub source: &'static str,
    /// What the value claims; what it would claim where there is none.
    pub kind: Kind,
    /// The value; `None` where the bound says nothing, or takes too long.
    pub value: Option<BigUint>,
    /// Whether all that the source assumes holds here.
    pub applies: bool,
    /// Why it applies or not, or how the value was found.
    pub reason: String,
}

/// The names of all bounds but those of [`catalogue::entries`].
pub const IDS: [&str; 17] = [
    "xiong2020-theorem1",
    "xiong2020-theorem2",
    "xiong2020-theorem2-at-least",
    "xiong2020-theorem2-at-most",
    "generic-shared-weights",
    "generic-shared-weights-upper",
    "strips-lower",
    "xiong2020-lemma2",
    "xiong2020-theorem5-lower",
    "xiong2020-theorem5-upper",
    "receptive-field-upper",
    "disjoint-paths-upper",
    "hybrid-upper",
    "activity-upper",
    "first-layer-lower",
    "channel-folding-lower",
    "stable-units-upper",
];

const XIONG: &str = "Xiong et al. 2020";
const HERE: &str = "derived here, docs/theory.md";

/// All bounds of a network with any weights: the exact ones, then the upper ones from
/// the smallest, then the lower ones from the largest; those without a value last.
/// The budget is for each evaluation of Theorem 2, and of the true number of a layer.
///
/// ```
/// use chambers::network::Architecture;
/// use chambers::theory::theorem2::Budget;
/// use chambers::theory::{Skeleton, bounds};
/// let line = "1x4x1; conv 2@1x2; conv 3@1x2";
/// let skeleton = Skeleton::of_architecture(&Architecture::parse(line).unwrap());
/// let all = bounds::all(&skeleton, &Budget::default());
/// let value = |id| all.iter().find(|b| b.id == id).unwrap().value.clone().unwrap();
/// assert_eq!(value("xiong2020-theorem5-upper"), 3135u32.into());
/// assert_eq!(value("serra2018-upper"), 2424u32.into());
/// assert_eq!(value("activity-upper"), 2156u32.into());
/// assert_eq!(value("xiong2020-theorem5-lower"), 320u32.into());
/// ```
pub fn all(skeleton: &Skeleton, budget: &Budget) -> Vec<Bound> {
    let mut list = List {
        bounds: Vec::new(),
        budget: *budget,
    };
    match skeleton.layers() {
        [] => {}
        [layer] => list.single_layer(layer, skeleton.inputs()),
        layers => {
            let reason = format!("it is about one ReLU layer, and here are {}", layers.len());
            let none = Err(NoValue::Assumption(reason));
            list.add("xiong2020-theorem2", XIONG, Kind::Exact, none, "");
            list.upper(skeleton);
            list.lower(skeleton);
        }
    }
    list.published(skeleton);
    let mut bounds = list.bounds;
    sort(&mut bounds);
    bounds
}

/// [`all`], and what the weights say in this domain.
pub fn of_network(network: &Network, domain: &Domain, budget: &Budget) -> Vec<Bound> {
    let mut list = List {
        bounds: all(&Skeleton::of_network(network), budget),
        budget: *budget,
    };
    let entry = &empirical::UPPER;
    let reason = "units that interval arithmetic proves not to change their sign in the domain";
    let value = empirical::upper(network, domain, WORK);
    list.add(entry.id, entry.source, Kind::Upper, value, reason);
    sort(&mut list.bounds);
    list.bounds
}

/// Puts bounds into the order of [`all`].
pub fn sort(bounds: &mut [Bound]) {
    bounds.sort_by(|a, b| {
        let missing = a.value.is_none().cmp(&b.value.is_none());
        let better = match a.kind {
            Kind::Lower => b.value.cmp(&a.value),
            _ => a.value.cmp(&b.value),
        };
        missing.then(a.kind.cmp(&b.kind)).then(better)
    });
}

/// The smallest value of those that bound from above, if any.
pub fn best_upper(bounds: &[Bound]) -> Option<&BigUint> {
    let from_above = |bound: &&Bound| matches!(bound.kind, Kind::Exact | Kind::Upper);
    let values = bounds.iter().filter(from_above);
    values.filter_map(|bound| bound.value.as_ref()).min()
}

/// The largest value of those that bound the maximum from below, if any.
pub fn best_lower(bounds: &[Bound]) -> Option<&BigUint> {
    let from_below = |bound: &&Bound| matches!(bound.kind, Kind::Exact | Kind::Lower);
    let values = bounds.iter().filter(from_below);
    values.filter_map(|bound| bound.value.as_ref()).max()
}

struct List {
    bounds: Vec<Bound>,
    budget: Budget,
}

impl List {
    fn add(
        &mut self,
        id: &'static str,
        source: &'static str,
        kind: Kind,
        value: Formula<BigUint>,
        reason: impl Into<String>,
    ) {
        let (value, reason) = match value {
            Ok(value) => (Some(value), reason.into()),
            Err(NoValue::Assumption(reason)) => (None, reason),
            Err(NoValue::TooLarge) => (None, "it takes too much time or memory".into()),
        };
        self.bounds.push(Bound {
            id,
            source,
            kind,
            applies: value.is_some(),
            value,
            reason,
        });
    }

    /// Theorems 1 and 2, which are about one layer, and the true number.
    fn single_layer(&mut self, layer: &Layer, inputs: usize) {
        let steps = generic::Budget {
            // Thirty times as long as those of Theorem 2.
            steps: self.budget.steps / 30,
            ..generic::Budget::default()
        };
        let generic = layer
            .shared_rows()
            .and_then(|rows| generic::count(&rows, &steps));
        let proved = generic.as_ref().filter(|count| count.is_proved());
        let four = theorem2::value(&layer.groups(), &self.budget);
        let reading = layer.reading();
        let id = "xiong2020-theorem2";
        let (exact, reason) = match proved {
            _ if reading.exactness == Exactness::Exact => (true, reading.reason),
            Some(count) if four.exact() == Some(&count.value) => {
                (true, "the independent sets of units were counted: as many")
            }
            _ => (false, reading.reason),
        };
        let kind = if exact { Kind::Exact } else { Kind::Upper };
        let reason = format!("{reason}; by {}", four.method);
        match four.exact() {
            Some(value) => self.add(id, XIONG, kind, Ok(value.clone()), reason),
            None => {
                // The sum lies between two values, and only with equality is the lower
                // one a bound.
                if exact {
                    let lower = "xiong2020-theorem2-at-least";
                    let value = Ok(four.lower.clone());
                    self.add(lower, XIONG, Kind::Lower, value, reason.clone());
                }
                let upper = "xiong2020-theorem2-at-most";
                self.add(upper, XIONG, Kind::Upper, Ok(four.upper), reason);
                self.applies(exact);
                let out_of_reach = Err(NoValue::TooLarge);
                self.add(id, XIONG, kind, out_of_reach, "");
            }
        }
        self.applies(exact);

        let dense = *layer.kind() == LayerKind::Dense;
        let (kind, reason) = match dense && exact {
            true => (Kind::Exact, "one dense layer"),
            false => (
                Kind::Upper,
                "the layer as a dense one, whose weights are special",
            ),
        };
        let mut work = Work::new(WORK);
        let value = theorem1::regions(inputs as u64, layer.units() as u64, &mut work);
        self.add("xiong2020-theorem1", XIONG, kind, value, reason);
        self.applies(dense);
        self.lemma_2(layer.units() as u64);

        let id = "generic-shared-weights";
        match generic {
            None => {
                let reason = match layer.shared_rows() {
                    Some(_) => NoValue::TooLarge,
                    None => NoValue::Assumption(reading.reason.into()),
                };
                self.add(id, HERE, Kind::Exact, Err(reason), "");
            }
            Some(count) if count.is_proved() => {
                let reason = certainty(&count.certainty);
                self.add(id, HERE, Kind::Exact, Ok(count.value), reason);
            }
            Some(count) => {
                let bracket = layer
                    .shared_rows()
                    .and_then(|rows| generic::bracket(&rows, &steps));
                match bracket {
                    Some(bracket) if bracket.upper == count.value => {
                        let reason = "independent sets of units: minors prove these independent, \
                                      relations that hold for all weights all others dependent";
                        self.add(id, HERE, Kind::Exact, Ok(count.value), reason);
                    }
                    bracket => {
                        let reason = certainty(&count.certainty);
                        self.add(id, HERE, Kind::Lower, Ok(count.value), reason);
                        if let Some(bracket) = bracket {
                            let reason = "sets of units that no relation proves dependent";
                            let upper = "generic-shared-weights-upper";
                            self.add(upper, HERE, Kind::Upper, Ok(bracket.upper), reason);
                        }
                    }
                }
            }
        }
        if let Some((value, how)) = one_layer::strips_lower(layer) {
            self.add("strips-lower", HERE, Kind::Lower, Ok(value), how);
        }
    }

    fn applies(&mut self, applies: bool) {
        if let Some(last) = self.bounds.last_mut() {
            last.applies = applies;
        }
    }

    fn lemma_2(&mut self, units: u64) {
        let patterns = theorem1::patterns(units, &mut Work::new(WORK));
        let reason = "one sign for each unit";
        self.add("xiong2020-lemma2", XIONG, Kind::Upper, patterns, reason);
    }

    /// Upper bounds of two layers and more.
    fn upper(&mut self, skeleton: &Skeleton) {
        self.lemma_2(skeleton.units());
        let inputs = skeleton.inputs();
        let first = theorem2::value(&skeleton.layers()[0].groups(), &self.budget).upper;
        let value = theorem5::upper(skeleton, &first, &mut Work::new(WORK));
        let reason = "formula (9), with (4) of Theorem 2 for the first layer";
        self.add(
            "xiong2020-theorem5-upper",
            XIONG,
            Kind::Upper,
            value,
            reason,
        );

        let fields = receptive_field::factors(skeleton, &self.budget);
        let product = |factors: &[BigUint]| Work::new(WORK).product_of(factors.to_vec());
        let value = fields.clone().and_then(|factors| product(&factors));
        let reason = "(4) of Theorem 2 for every layer, with windows onto the input";
        self.add("receptive-field-upper", HERE, Kind::Upper, value, reason);
        // Where paths give a layer no factor, the one from fields or dimensions stands in.
        let fallback = |layer: usize| match &fields {
            Ok(factors) => Ok(factors[layer].clone()),
            Err(_) => {
                let units = skeleton.layers()[layer].units() as u64;
                binomial::sum(units, inputs as u64, &mut Work::new(WORK))
            }
        };
        let mut everywhere = true;
        let layers = 0..skeleton.layers().len();
        let factors = layers.map(|layer| {
            let field = fallback(layer)?;
            let paths = disjoint_paths::factor(&skeleton.prefix(layer + 1), WORK);
            everywhere &= paths.is_ok();
            Ok(paths.map_or_else(|_| field.clone(), |paths| paths.min(field.clone())))
        });
        let factors: Formula<Vec<BigUint>> = factors.collect();
        let reason = match everywhere {
            true => "sets of units that disjoint paths link to inputs, layer by layer",
            false => "disjoint paths to inputs where they can be counted, else receptive fields",
        };
        let value = factors
            .as_ref()
            .map_err(Clone::clone)
            .and_then(|f| product(f));
        self.add("disjoint-paths-upper", HERE, Kind::Upper, value, reason);
        let Ok(factors) = factors else {
            return;
        };
        let value = hybrid::value(inputs as u64, &skeleton.widths(), &factors, WORK);
        let reason = "few active units leave few dimensions; layers bounded by disjoint paths";
        self.add("hybrid-upper", HERE, Kind::Upper, value, reason);
        let value = activity::value(skeleton, &factors, WORK);
        let reason = "every window sees its active units alone";
        self.add("activity-upper", HERE, Kind::Upper, value, reason);
    }

    /// Lower bounds of two layers and more.
    fn lower(&mut self, skeleton: &Skeleton) {
        let first = &skeleton.layers()[0];
        let (value, reason) = match one_layer::lower(first, STEPS) {
            Some((value, how)) => (Ok(value), format!("the first layer alone: {how}")),
            None => (Err(no_proof("the first layer")), String::new()),
        };
        self.add("first-layer-lower", HERE, Kind::Lower, value, reason);
        let (paper, folding) = ("xiong2020-theorem5-lower", "channel-folding-lower");
        let images = match theorem5::images(skeleton) {
            Ok(images) => images,
            Err(problem) => {
                let none = || Err(NoValue::Assumption(problem.clone()));
                self.add(paper, XIONG, Kind::Lower, none(), "");
                self.add(folding, HERE, Kind::Lower, none(), "");
                return;
            }
        };
        let [.., before_last, last] = &images.layers[..] else {
            return;
        };
        let (value, reason) = match one_layer::lower(&last.alone(images.channels), STEPS) {
            Some((alone, how)) => (
                theorem5::lower(&images, &alone, &mut Work::new(WORK)),
                format!("formula (8); the last layer alone: {how}"),
            ),
            None => (Err(no_proof("the last layer alone")), String::new()),
        };
        self.add(paper, XIONG, Kind::Lower, value, reason);
        // How many channels to leave to the last layer, no rule tells.
        let mut best: Formula<(BigUint, Vec<usize>)> = Err(no_proof("the last layer alone"));
        for channels in choices(before_last.filters) {
            let mut work = Work::new(WORK);
            let folds = match channel_folding::folds(&images, channels, &mut work) {
                Ok(folds) => folds,
                Err(reason) => {
                    best = best.or(Err(reason));
                    continue;
                }
            };
            let seen = folds.channels.last().copied().unwrap_or(images.channels);
            let Some((alone, _)) = one_layer::lower(&last.alone(seen), STEPS / 10) else {
                continue;
            };
            let value = folds.cells * alone;
            if best.as_ref().is_ok_and(|(best, _)| value <= *best) {
                continue;
            }
            best = Ok((value, folds.channels));
        }
        let reason = match &best {
            Ok((_, channels)) => format!("channels folded in each layer: {channels:?}"),
            Err(_) => String::new(),
        };
        let value = best.map(|(value, _)| value);
        self.add(folding, HERE, Kind::Lower, value, reason);
    }

    /// The catalogue, which is about fully connected networks.
    fn published(&mut self, skeleton: &Skeleton) {
        let free = |layer: &Layer| *layer.kind() == LayerKind::Dense && layer.is_biased();
        let dense = skeleton.layers().iter().all(free);
        let values = catalogue::evaluate(skeleton.inputs() as u64, &skeleton.widths());
        for evaluated in values {
            let entry = evaluated.entry;
            let kind = match entry.kind {
                catalogue::Kind::Lower => Kind::Lower,
                catalogue::Kind::Upper => Kind::Upper,
                catalogue::Kind::Asymptotic => Kind::Asymptotic,
                catalogue::Kind::Expectation => Kind::Expectation,
            };
            let mut reason = match entry.assumptions.strip_prefix("none") {
                Some(more) => format!("all networks of these widths{more}"),
                None => entry.assumptions.to_string(),
            };
            if let Verified::No(missing) = entry.verified {
                reason = format!("UNVERIFIED ({missing}); {reason}");
            }
            if !dense && !entry.holds_for_convolutions() {
                let why = "it is about fully connected layers with biases, whose weights are free";
                let why = NoValue::Assumption(why.into());
                self.add(entry.id, entry.source, kind, Err(why), "");
                continue;
            }
            let value = match evaluated.value {
                Ok(catalogue::Value::Count(value)) => Ok(value),
                Ok(other) => Err(NoValue::Assumption(format!("{other}; {reason}"))),
                Err(reason) => Err(reason),
            };
            self.add(entry.id, entry.source, kind, value, reason);
        }
    }
}

/// Steps for the number of regions of one layer among many.
const STEPS: u64 = 10_000_000;

fn no_proof(of: &str) -> NoValue {
    NoValue::Assumption(format!("no lower bound of {of} is proved"))
}

/// Why a number of independent sets is the true one.
fn certainty(certainty: &Certainty) -> String {
    match certainty {
        Certainty::Theorem(reason) => (*reason).into(),
        Certainty::AllIndependent => "all units are linearly independent".into(),
        Certainty::MeetsTheorem2 => {
            "independent sets of units, counted at random weights: as many as (4) allows".into()
        }
        Certainty::Probable { log2_error } => format!(
            "independent sets of units, counted at random weights modulo 2^61 - 1; there are \
             more with a probability of at most 2^{log2_error:.0}"
        ),
    }
}

/// 1, 2, ..., and powers of two from 16 on, and the last.
fn choices(most: usize) -> Vec<usize> {
    let small = 1..=most.min(16);
    let large = (5..63).map(|k| 1 << k).take_while(|&k| k < most);
    let mut choices: Vec<usize> = small.chain(large).chain([most]).collect();
    choices.dedup();
    choices
}
