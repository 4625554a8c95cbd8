//! Every bound that says something of a network, best first.

use num_bigint::BigUint;
use num_traits::{One, Zero};

use super::skeleton::{Kind as LayerKind, Skeleton};
use super::{
    Exactness, activity, binomial, channel_folding, disjoint_paths, hybrid, one_layer,
    receptive_field, theorem2, theorem5,
};

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
}

impl Kind {
    /// `exact`, `upper` or `lower`.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Exact => "exact",
            Kind::Upper => "upper",
            Kind::Lower => "lower",
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

/// How long a bound may take, in steps of some nanoseconds.
const WORK: u64 = 100_000_000;

const XIONG: &str = "Xiong et al. 2020";
const HERE: &str = "this program, docs/theory.md";

/// All bounds: the exact ones, then the upper ones from the smallest, then the lower
/// ones from the largest; those without a value last.
///
/// ```
/// use chambers::network::Architecture;
/// use chambers::theory::{Skeleton, bounds};
/// let line = "1x4x1; conv 2@1x2; conv 3@1x2";
/// let skeleton = Skeleton::of_architecture(&Architecture::parse(line).unwrap());
/// let all = bounds::all(&skeleton);
/// let value = |id| all.iter().find(|b| b.id == id).unwrap().value.clone().unwrap();
/// assert_eq!(value("xiong2020-theorem5-upper"), 3135u32.into());
/// assert_eq!(value("activity-upper"), 2156u32.into());
/// assert_eq!(value("xiong2020-theorem5-lower"), 320u32.into());
/// ```
pub fn all(skeleton: &Skeleton) -> Vec<Bound> {
    let mut bounds = Vec::new();
    single_layer(skeleton, &mut bounds);
    upper(skeleton, &mut bounds);
    lower(skeleton, &mut bounds);
    sort(&mut bounds);
    bounds
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
    let from_above = bounds.iter().filter(|bound| bound.kind != Kind::Lower);
    from_above.filter_map(|bound| bound.value.as_ref()).min()
}

/// The largest value of those that bound the maximum from below, if any.
pub fn best_lower(bounds: &[Bound]) -> Option<&BigUint> {
    let from_below = bounds.iter().filter(|bound| bound.kind != Kind::Upper);
    from_below.filter_map(|bound| bound.value.as_ref()).max()
}

/// Theorems 1 and 2, which are about one layer.
fn single_layer(skeleton: &Skeleton, bounds: &mut Vec<Bound>) {
    let layers = skeleton.layers();
    let mut add = |id, kind, value, applies, reason: String| {
        bounds.push(Bound {
            id,
            source: XIONG,
            kind,
            value,
            applies,
            reason,
        });
    };
    let [layer] = layers else {
        let reason = format!("it is about one ReLU layer, and here are {}", layers.len());
        add("xiong2020-theorem2", Kind::Exact, None, false, reason);
        return;
    };
    let reading = layer.reading();
    let exact = reading.exactness == Exactness::Exact;
    let kind = if exact { Kind::Exact } else { Kind::Upper };
    let value = theorem2::value(&layer.groups(), theorem2::WORK);
    add(
        "xiong2020-theorem2",
        kind,
        value,
        exact,
        reading.reason.into(),
    );
    let dense = *layer.kind() == LayerKind::Dense;
    let kind = if dense && exact {
        Kind::Exact
    } else {
        Kind::Upper
    };
    let value = binomial::sum(layer.units() as u64, skeleton.inputs() as u64);
    let reason = match dense {
        true => "one dense layer",
        false => "the layer as a dense one, whose weights are special",
    };
    add(
        "xiong2020-theorem1",
        kind,
        Some(value),
        dense,
        reason.into(),
    );
}

fn upper(skeleton: &Skeleton, bounds: &mut Vec<Bound>) {
    let mut add = |id, source, value: Option<BigUint>, reason: &str| {
        bounds.push(Bound {
            id,
            source,
            kind: Kind::Upper,
            applies: value.is_some(),
            reason: match &value {
                Some(_) => reason.into(),
                None => "it takes too much time or memory".into(),
            },
            value,
        });
    };
    let patterns = BigUint::one() << skeleton.units();
    add(
        "xiong2020-lemma2",
        XIONG,
        Some(patterns),
        "one sign for each unit",
    );
    let [first, later @ ..] = skeleton.layers() else {
        return;
    };
    if later.is_empty() {
        return;
    }
    let inputs = skeleton.inputs();
    let first = one_layer::upper(&first.groups(), inputs);
    let value = theorem5::upper(skeleton, &first);
    let reason = "formula (9), with (4) of Theorem 2 for the first layer";
    add("xiong2020-theorem5-upper", XIONG, Some(value), reason);

    let fields = receptive_field::factors(skeleton);
    let product = fields.as_ref().map(|factors| factors.iter().product());
    add(
        "receptive-field-upper",
        HERE,
        product,
        "(4) of Theorem 2 for every layer, with windows onto the input",
    );
    // Where a layer has no factor from paths, the one from fields or dimensions stands in.
    let fallback = |layer: usize| match &fields {
        Some(factors) => factors[layer].clone(),
        None => binomial::sum(skeleton.widths()[layer], inputs as u64),
    };
    let mut paths_everywhere = true;
    let factors = (0..skeleton.layers().len()).map(|layer| {
        let field = fallback(layer);
        match disjoint_paths::factor(&skeleton.prefix(layer + 1), WORK) {
            Some(paths) => paths.min(field),
            None => {
                paths_everywhere = false;
                field
            }
        }
    });
    let factors: Vec<BigUint> = factors.collect();
    add(
        "disjoint-paths-upper",
        HERE,
        Some(factors.iter().product()),
        match paths_everywhere {
            true => "sets of units that disjoint paths link to inputs, layer by layer",
            false => "disjoint paths to inputs where they can be counted, else receptive fields",
        },
    );
    add(
        "hybrid-upper",
        HERE,
        hybrid::value(inputs as u64, &skeleton.widths(), &factors),
        "few active units leave few dimensions; layers bounded by disjoint paths",
    );
    add(
        "activity-upper",
        HERE,
        activity::value(skeleton, &factors, WORK),
        "every window sees its active units alone",
    );
}

fn lower(skeleton: &Skeleton, bounds: &mut Vec<Bound>) {
    let Some(first) = skeleton.layers().first() else {
        return;
    };
    let mut add = |id, source, value: Option<BigUint>, reason: String| {
        bounds.push(Bound {
            id,
            source,
            kind: Kind::Lower,
            applies: value.is_some(),
            value,
            reason,
        });
    };
    match one_layer::lower(first) {
        Some((value, how)) => {
            let reason = format!("the first layer alone: {how}");
            add("first-layer-lower", HERE, Some(value), reason);
        }
        None => {
            let reason = format!(
                "no proof covers the first layer: {}",
                first.reading().reason
            );
            add("first-layer-lower", HERE, None, reason);
        }
    }
    if skeleton.layers().len() == 1 {
        return;
    }
    let (paper, folding) = ("xiong2020-theorem5-lower", "channel-folding-lower");
    let images = match theorem5::images(skeleton) {
        Ok(images) => images,
        Err(problem) => {
            add(paper, XIONG, None, problem.clone());
            add(folding, HERE, None, problem);
            return;
        }
    };
    let Some(last) = images.layers.last() else {
        return;
    };
    let narrow = images
        .layers
        .iter()
        .position(|l| l.filters < images.channels);
    match (narrow, one_layer::lower(&last.alone(images.channels))) {
        (Some(layer), _) => {
            let filters = images.layers[layer].filters;
            let reason = format!(
                "layer {} has {filters} filters, fewer than the {} input channels",
                layer + 1,
                images.channels
            );
            add(paper, XIONG, None, reason);
        }
        (None, None) => add(
            paper,
            XIONG,
            None,
            "no proof covers the last layer alone".into(),
        ),
        (None, Some((alone, how))) => {
            let value = theorem5::lower(&images, &alone);
            let reason = format!("formula (8); the last layer alone by {how}");
            add(paper, XIONG, Some(value), reason);
        }
    }
    // Channels for the last layer: none of the choices is always best.
    let mut best: Option<(BigUint, Vec<usize>)> = None;
    let before_last = &images.layers[images.layers.len() - 2];
    for channels in choices(before_last.filters) {
        let folds = channel_folding::folds(&images, channels);
        let seen = folds.channels.last().copied().unwrap_or(images.channels);
        let Some((alone, _)) = one_layer::lower(&last.alone(seen)) else {
            continue;
        };
        let value = folds.cells * alone;
        if best.as_ref().is_none_or(|(best, _)| value > *best) {
            best = Some((value, folds.channels));
        }
    }
    match best {
        Some((value, channels)) if !value.is_zero() => {
            let reason = format!("channels folded in each layer: {channels:?}");
            add(folding, HERE, Some(value), reason);
        }
        _ => add(
            folding,
            HERE,
            None,
            "no proof covers the last layer alone".into(),
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
