//! Theorem 2 of Xiong et al. 2020 beside a count.

use serde_json::{Value, json};

use super::model::{Model, Scope};
use super::outcome::Outcome;

/// The value for a one-layer network.
pub struct Theorem2 {
    value: String,
    why: String,
}

impl Theorem2 {
    pub fn of(_model: &Model, _scope: &Scope) -> Option<Self> {
        None
    }

    pub fn text(&self, _outcome: &Outcome) -> String {
        format!("{} ({})", self.value, self.why)
    }

    pub fn json(&self) -> Value {
        json!({"value": self.value, "why": self.why})
    }
}
