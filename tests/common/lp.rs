//! The textbook LP search of the program against its exact one. Not an oracle: it
//! works with a tolerance, and loses or invents cells as thin as that.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use chambers::arrangement::Domain;
use chambers::network::Network;
use chambers::regions::{Pattern, Sign};
use chambers::search::engine::reference;
use chambers::search::{Monitor, Options};

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
