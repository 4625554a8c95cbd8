//! Theorem 2 of Xiong et al. 2020 beside the count of a one-layer network.

use chambers::theory::theorem2::Budget;
use chambers::theory::{Exactness, Skeleton, theorem2};
use num_bigint::BigUint;
use serde_json::{Value, json};

use super::model::{Model, Scope};
use super::outcome::{Outcome, Proof};

/// Longer values are abbreviated for people.
const DIGITS_SHOWN: usize = 60;

/// The value of the formula and what it says here.
pub struct Theorem2 {
    value: theorem2::Value,
    exactness: Exactness,
    reason: String,
}

impl Theorem2 {
    /// The value for this network, if it has one layer of units. A stopped search
    /// gets none: whoever stopped it does not want to wait for a formula. Neither does
    /// an empty domain, of which a formula says nothing.
    pub fn of(model: &Model, scope: &Scope, outcome: &Outcome) -> Option<Self> {
        if !outcome.complete || scope.empty {
            return None;
        }
        let skeleton = Skeleton::of_network(&model.network);
        let [layer] = skeleton.layers() else {
            return None;
        };
        let reading = layer.reading();
        let value = theorem2::value(&layer.groups(), &Budget::default());
        let everywhere = scope
            .domain
            .intervals()
            .iter()
            .all(|interval| interval.lower.is_none() && interval.upper.is_none());
        let (exactness, reason) = match reading.exactness {
            Exactness::Exact if !everywhere => (
                Exactness::UpperBound,
                "the theorem counts on all of R^n, not on this domain".to_string(),
            ),
            exactness => (exactness, reading.reason.to_string()),
        };
        Some(Theorem2 {
            value,
            exactness,
            reason,
        })
    }

    /// For people: the value, what it claims, and how it compares with the count.
    pub fn text(&self, outcome: &Outcome) -> String {
        let method = &self.value.method;
        let Some(value) = self.value.exact() else {
            let (lower, upper) = (shown(&self.value.lower), shown(&self.value.upper));
            return format!("between {lower} and {upper} ({method})");
        };
        let claim = match self.exactness {
            Exactness::Exact => format!("exact for almost all weights: {}", self.reason),
            Exactness::UpperBound => format!("an upper bound here: {}", self.reason),
        };
        format!(
            "{}, {}; {claim}",
            shown(value),
            self.comparison(value, outcome)
        )
    }

    fn comparison(&self, value: &BigUint, outcome: &Outcome) -> String {
        let count = BigUint::from(outcome.regions);
        let exact = matches!(outcome.proof, Proof::Exact(_));
        if count == *value {
            "as counted".into()
        } else if count > *value {
            // The formula bounds every layer, so only an inexact count gets here.
            "less than counted".into()
        } else if exact && self.exactness == Exactness::Exact {
            "more than counted, so that these weights are special".into()
        } else {
            "more than counted".into()
        }
    }

    /// For programs.
    pub fn json(&self) -> Value {
        json!({
            "value": self.value.exact().map(BigUint::to_string),
            "lower": self.value.lower.to_string(),
            "upper": self.value.upper.to_string(),
            "method": self.value.method.to_string(),
            "kind": self.exactness.to_string(),
            "why": self.reason,
            "assumptions": theorem2::ASSUMPTIONS,
        })
    }
}

/// A number for people.
fn shown(value: &BigUint) -> String {
    let digits = value.to_string();
    if digits.len() > DIGITS_SHOWN {
        format!("{}.{}e{}", &digits[..1], &digits[1..4], digits.len() - 1)
    } else {
        digits
    }
}
