//! The textbook LP search of the program against its exact one. Not an oracle: it
//! works with a tolerance, and loses or invents cells as thin as that.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::ControlFlow;

use chambers::arrangement::Domain;
use chambers::network::Network;
use chambers::regions::{Pattern, Sign};
use chambers::search::engine::reference;
use chambers::search::{Monitor, Options};

use super::check;

/// The patterns that the LP search finds.
pub fn patterns(network: &Network, domain: &Domain) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut visit = |pattern: &[Sign]| {
        found.insert(Pattern(pattern.to_vec()).to_string());
        ControlFlow::Continue(())
    };
    let (options, monitor) = (Options::default(), Monitor::new());
    let answer = reference::enumerate(network, domain, &options, &monitor, &mut visit);
    assert!(answer.complete, "nobody stopped the LP search");
    found
}

/// What two searches do not share.
#[derive(Debug, PartialEq)]
pub struct Difference {
    pub only_exact: BTreeSet<String>,
    pub only_lp: BTreeSet<String>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (exact, lp) = (self.only_exact.len(), self.only_lp.len());
        write!(f, "{exact} patterns only exact, {lp} only LP")
    }
}

/// Runs both; `None` when they find the same patterns.
pub fn difference(network: &Network, domain: &Domain) -> Option<Difference> {
    let exact = check::patterns(network, domain);
    let lp = patterns(network, domain);
    (exact != lp).then(|| Difference {
        only_exact: exact.difference(&lp).cloned().collect(),
        only_lp: lp.difference(&exact).cloned().collect(),
    })
}
