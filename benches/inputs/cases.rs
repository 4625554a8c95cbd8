//! Which inputs there are, under which names, and what each is measured against.

use std::path::Path;

use chambers::arrangement::{Domain, vnnlib};
use chambers::network::{Network, Shape, import};

use super::*;

/// An input to count.
pub struct Case {
    pub name: String,
    /// Random cases of the same size, with which a structured one is compared: a
    /// central arrangement with that of its rank, and with that of one dimension and
    /// one hyperplane fewer, which is where its regions are counted.
    pub beside: Vec<String>,
    /// Regions, where a theorem tells.
    pub known: Option<u64>,
    /// Builds the input only when the case runs, so that it does not weigh on the
    /// others; none when a file is absent.
    build: Box<dyn Fn() -> Option<(Network, Domain)>>,
}

impl Case {
    /// The network and where to count.
    pub fn build(&self) -> Option<(Network, Domain)> {
        (self.build)()
    }

    fn new(name: impl Into<String>, network: impl Fn() -> Network + 'static) -> Self {
        let build = move || {
            let network = network();
            let domain = Domain::everything(network.input().len());
            Some((network, domain))
        };
        Case {
            name: name.into(),
            beside: Vec::new(),
            known: None,
            build: Box::new(build),
        }
    }

    fn random(dimension: usize, hyperplanes: usize) -> Self {
        let name = format!("random-d{dimension}-n{hyperplanes}");
        Case::new(name, move || random(dimension, hyperplanes))
            .known(generic(dimension, hyperplanes))
    }

    fn network(name: &str, widths: &'static [usize]) -> Self {
        Case::new(name, move || random_network(widths))
    }

    fn known(mut self, regions: u64) -> Self {
        self.known = Some(regions);
        self
    }

    fn beside(mut self, names: &[&str]) -> Self {
        self.beside = names.iter().map(|name| name.to_string()).collect();
        self
    }
}

/// All cases; names are unique.
pub fn all() -> Vec<Case> {
    let mut cases = vec![
        // What it costs to start: one region, no unit.
        Case::new("empty", || Network::new(Shape::new([1]))).known(1),
        // Arrangements in general position.
        Case::random(2, 100),
        Case::random(3, 60),
        Case::random(4, 40),
        Case::random(6, 25),
        Case::random(8, 18),
        Case::random(12, 16),
        // Networks.
        Case::network("network-3-16-16-16", &[3, 16, 16, 16]),
        acas_xu(),
        // Structured inputs.
        Case::new("braid-7", || braid(7))
            .known(5040)
            .beside(&["random-d6-n21", "random-d5-n20"]),
        Case::new("type-b-5", || type_b(5))
            .known(3840)
            .beside(&["random-d5-n25", "random-d4-n24"]),
        Case::new("resonance-5", || resonance(5))
            .known(11_292)
            .beside(&["random-d5-n31", "random-d4-n30"]),
        Case::new("threshold-5", || threshold(5))
            .known(94_572)
            .beside(&["random-d6-n32", "random-d5-n31"]),
        Case::new("disjoint-3x2-f8", || disjoint_patches(3, 2, 8))
            .known(generic(2, 8).pow(3))
            .beside(&["random-d6-n24"]),
        Case::new("bias-free-4-12-12", || bias_free_network(&[4, 12, 12]))
            .beside(&["network-4-12-12", "network-3-12-12"]),
        Case::new("int8-d4-n40", || int8(4, 40)).beside(&["random-d4-n40"]),
        Case::new("int8-3-16-16-16", || int8_network(&[3, 16, 16, 16]))
            .beside(&["network-3-16-16-16"]),
        // What these are measured against.
        Case::random(6, 21),
        Case::random(5, 20),
        Case::random(5, 25),
        Case::random(4, 24),
        Case::random(5, 31),
        Case::random(4, 30),
        Case::random(6, 32),
        Case::random(6, 24),
        Case::network("network-4-12-12", &[4, 12, 12]),
        Case::network("network-3-12-12", &[3, 12, 12]),
    ];
    // How the cost of a region grows with the hyperplanes and with the layers.
    cases.extend([20, 50, 100, 200].map(|hyperplanes| Case::random(3, hyperplanes)));
    cases.extend((1..=8).map(|depth| {
        let widths: Vec<usize> = std::iter::once(3).chain([8; 8]).take(depth + 1).collect();
        Case::new(format!("depth-{depth}"), move || random_network(&widths))
    }));
    cases
}

/// ACAS Xu 1_1 on the box of property 3.
fn acas_xu() -> Case {
    let build = || {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/networks/acasxu");
        let network = import::load(&folder.join("ACASXU_run2a_1_1_batch_2000.onnx")).ok()?;
        let text = std::fs::read_to_string(folder.join("prop_3.vnnlib")).ok()?;
        let domain = vnnlib::read_box(&text, network.input().len()).ok()?;
        Some((network, domain))
    };
    Case {
        name: "acas-xu-1-1".to_owned(),
        beside: Vec::new(),
        known: None,
        build: Box::new(build),
    }
}

/// The case of that name, or else all whose name contains it; no name means all.
pub fn named(names: &[String]) -> Vec<Case> {
    let exact = |case: &Case| names.contains(&case.name);
    let any_exact = all().iter().any(exact);
    let wanted = |case: &Case| {
        names.is_empty()
            || exact(case)
            || !any_exact && names.iter().any(|name| case.name.contains(name.as_str()))
    };
    all().into_iter().filter(wanted).collect()
}
