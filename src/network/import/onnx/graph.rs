//! The graph as a chain: which nodes the output needs, in what order, and that no
//! two tensors that depend on the input ever meet.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::node::Node;
use super::operators::SUPPORTED;
use super::proto::{GraphProto, TensorProto, ValueInfoProto};
use super::{EXPORT_AGAIN, quote, wrong};
use crate::Result;

/// The nodes between the input and the output, in an order of evaluation.
#[derive(Debug)]
pub struct Graph<'m> {
    /// The one tensor that is not known beforehand.
    pub input: &'m ValueInfoProto,
    /// Constant tensors by name.
    pub initialisers: HashMap<&'m str, &'m TensorProto>,
    /// Each node after those that it reads.
    pub nodes: Vec<Node<'m>>,
}

/// Checks the graph and sorts its nodes.
pub fn sort<'m>(graph: &'m GraphProto, opset: i64) -> Result<Graph<'m>> {
    if let Some(sparse) = graph.sparse_initializer.first() {
        let name = sparse.values.as_ref().map_or("", |values| &values.name);
        return Err(wrong(
            format!("sparse initialiser {}", quote(name)),
            "sparse initialisers are not supported",
            "export the model with dense weights",
        ));
    }
    let mut initialisers = HashMap::new();
    for tensor in &graph.initializer {
        if initialisers.insert(tensor.name.as_str(), tensor).is_some() {
            return Err(twice(&tensor.name));
        }
    }
    let input = only_input(graph, &initialisers)?;
    let links = Links::new(graph, opset, input, initialisers)?;
    let Some(output) = graph.output.first() else {
        return Err(wrong("graph", "has no output", EXPORT_AGAIN));
    };
    let output = output.name.as_str();
    let needed = links.needed(output)?;
    let nodes = links.in_order(&needed)?;
    all_supported(&nodes)?;
    let live = links.chain(&nodes)?;
    if !live.contains(output) {
        return Err(wrong(
            format!("output {}", quote(output)),
            "does not depend on the input",
            EXPORT_AGAIN,
        ));
    }
    for other in graph.output.iter().skip(1) {
        // A tensor beside or beyond the path to the first output may have units of
        // its own: then it is not clear which network is meant.
        let name = other.name.as_str();
        let on_the_path = name == input.name
            || links
                .giver
                .get(name)
                .is_some_and(|giver| needed.contains(giver));
        if !on_the_path {
            return Err(wrong(
                format!("outputs {} and {}", quote(output), quote(&other.name)),
                "are both asked for, but the first does not need the second: it is not clear which \
                 network is meant",
                "keep one output: onnx.utils.extract_model(path, new_path, input_names, \
                 [output_name])",
            ));
        }
    }
    Ok(Graph {
        input,
        initialisers: links.initialisers,
        nodes,
    })
}

fn twice(name: &str) -> crate::Error {
    wrong(
        format!("tensor {}", quote(name)),
        "is given twice",
        EXPORT_AGAIN,
    )
}

/// The one input that is not an initialiser: models of IR version 3 list both.
fn only_input<'m>(
    graph: &'m GraphProto,
    initialisers: &HashMap<&str, &TensorProto>,
) -> Result<&'m ValueInfoProto> {
    let mut inputs = graph
        .input
        .iter()
        .filter(|input| !initialisers.contains_key(input.name.as_str()));
    match (inputs.next(), inputs.next()) {
        (Some(input), None) => Ok(input),
        (None, _) => Err(wrong("graph", "has no input", EXPORT_AGAIN)),
        (Some(first), Some(second)) => Err(wrong(
            format!(
                "inputs {} and {}{}",
                quote(&first.name),
                quote(&second.name),
                if inputs.next().is_some() {
                    ", and more"
                } else {
                    ""
                }
            ),
            "more than one input is not supported",
            "join them into one tensor before exporting, or make constants of all but one",
        )),
    }
}

fn all_supported(nodes: &[Node]) -> Result<()> {
    let unknown = |node: &&Node| !SUPPORTED.contains(&node.operator().as_str());
    let Some(first) = nodes.iter().find(unknown) else {
        return Ok(());
    };
    let mut others = BTreeSet::new();
    for node in nodes.iter().filter(unknown) {
        others.insert(node.operator());
    }
    others.remove(&first.operator());
    let others: Vec<String> = others.iter().take(5).map(|other| quote(other)).collect();
    let mut problem = format!("operator {} is not supported", quote(&first.operator()));
    if !others.is_empty() {
        problem += &format!(
            "; nor is what the model uses elsewhere: {}",
            others.join(", ")
        );
    }
    Err(first.wrong(problem, format!("supported: {}", SUPPORTED.join(", "))))
}

/// Who gives each tensor.
struct Links<'m> {
    nodes: Vec<Node<'m>>,
    giver: HashMap<&'m str, usize>,
    input: &'m str,
    initialisers: HashMap<&'m str, &'m TensorProto>,
}

impl<'m> Links<'m> {
    fn new(
        graph: &'m GraphProto,
        opset: i64,
        input: &'m ValueInfoProto,
        initialisers: HashMap<&'m str, &'m TensorProto>,
    ) -> Result<Self> {
        let input = input.name.as_str();
        let node = |(number, proto)| Node::new(proto, number, opset);
        let nodes: Vec<Node> = graph.node.iter().enumerate().map(node).collect();
        let mut giver = HashMap::new();
        for (k, node) in nodes.iter().enumerate() {
            for name in node.outputs() {
                let known = name == input || initialisers.contains_key(name);
                if known || giver.insert(name, k).is_some() {
                    return Err(twice(name));
                }
            }
        }
        Ok(Links {
            nodes,
            giver,
            input,
            initialisers,
        })
    }

    /// The nodes that `output` depends on.
    fn needed(&self, output: &str) -> Result<BTreeSet<usize>> {
        let mut needed = BTreeSet::new();
        let mut waiting = Vec::new();
        match self.giver.get(output) {
            Some(&k) => waiting.push(k),
            None if output == self.input || self.initialisers.contains_key(output) => {}
            None => {
                return Err(wrong(
                    format!("output {}", quote(output)),
                    "no node gives this tensor",
                    EXPORT_AGAIN,
                ));
            }
        }
        while let Some(k) = waiting.pop() {
            if !needed.insert(k) {
                continue;
            }
            for name in self.nodes[k].inputs().flatten() {
                match self.giver.get(name) {
                    Some(&giver) => waiting.push(giver),
                    None if name == self.input || self.initialisers.contains_key(name) => {}
                    None => {
                        return Err(self.nodes[k].wrong(
                            format!(
                                "reads tensor {}, which no node, initialiser or input gives",
                                quote(name)
                            ),
                            EXPORT_AGAIN,
                        ));
                    }
                }
            }
        }
        Ok(needed)
    }

    /// The nodes, each after those that it reads; in the file's order where it is one.
    fn in_order(&self, needed: &BTreeSet<usize>) -> Result<Vec<Node<'m>>> {
        let mut missing: HashMap<usize, usize> = HashMap::new();
        let mut readers: HashMap<usize, Vec<usize>> = HashMap::new();
        let mut ready = BTreeSet::new();
        for &k in needed {
            let givers: HashSet<usize> = self.givers(k).collect();
            for &giver in &givers {
                readers.entry(giver).or_default().push(k);
            }
            if givers.is_empty() {
                ready.insert(k);
            }
            missing.insert(k, givers.len());
        }
        let mut order = Vec::with_capacity(needed.len());
        while let Some(k) = ready.pop_first() {
            order.push(self.nodes[k]);
            missing.remove(&k);
            for reader in readers.remove(&k).unwrap_or_default() {
                if let Some(count) = missing.get_mut(&reader) {
                    *count -= 1;
                    if *count == 0 {
                        ready.insert(reader);
                    }
                }
            }
        }
        match missing.keys().min() {
            None => Ok(order),
            Some(&k) => Err(self.nodes[k].wrong(
                "the graph has a cycle: this node needs, through others, a result of its own or \
                 of a node that does",
                EXPORT_AGAIN,
            )),
        }
    }

    fn givers(&self, node: usize) -> impl Iterator<Item = usize> + '_ {
        self.nodes[node]
            .inputs()
            .flatten()
            .filter_map(|name| self.giver.get(name).copied())
    }

    /// The tensors that depend on the input; fails where two of them meet.
    fn chain(&self, nodes: &[Node<'m>]) -> Result<HashSet<&'m str>> {
        let mut live = HashSet::from([self.input]);
        for node in nodes {
            let mut operands = node.inputs().flatten().filter(|name| live.contains(name));
            let first = operands.next();
            if let (Some(a), Some(b)) = (first, operands.next()) {
                return Err(node.wrong(
                    format!(
                        "takes two tensors that depend on the input, {} and {}",
                        quote(a),
                        quote(b)
                    ),
                    "branches that meet again, such as residual connections, are not supported \
                     yet",
                ));
            }
            // The shape of a tensor is known without its entries.
            if first.is_some() && node.operator() != "Shape" {
                live.extend(node.outputs());
            }
        }
        Ok(live)
    }
}

#[cfg(test)]
mod tests {
    use super::super::proto::{SparseTensorProto, TensorProto};
    use super::super::testing::{Model, value};

    fn model() -> Model {
        Model::new(&[1, 2]).weight("w", &[2, 1], &[1.0, 2.0])
    }

    #[test]
    fn nodes_are_sorted_and_the_unneeded_left_out() {
        let model = model()
            .node("Relu", &["h"], "y")
            .node("MaxPool", &["h"], "unused")
            .node("Sigmoid", &["nobody gives this"], "unused too")
            .node("MatMul", &["x", "w"], "h");
        assert_eq!(model.at(&[1, 1]), "1: 3");
    }

    #[test]
    fn initialisers_among_the_inputs_are_not_inputs() {
        let mut model = model().node("MatMul", &["x", "w"], "y");
        model.graph().input.insert(0, value("w", &[2, 1]));
        assert_eq!(model.at(&[1, 1]), "1: 3");
        model.graph().input.push(value("v", &[1]));
        model.refused(&["inputs \"x\" and \"v\"", "more than one input"]);
        model.graph().input.clear();
        model.refused(&["has no input"]);
    }

    #[test]
    fn unsupported_operators_are_named() {
        let mut model = model()
            .node("MatMul", &["x", "w"], "h")
            .node("Pad", &["h"], "p")
            .node("MaxPool", &["p"], "y");
        model.refused(&[
            "node 1 \"the Pad\" (Pad)",
            "operator \"Pad\"",
            "\"MaxPool\"",
            "supported: Add, Cast, ",
        ]);
        model.graph().node[1].op_type = "Relu".into();
        model.graph().node[1].domain = "com.example".into();
        model.refused(&["operator \"com.example.Relu\""]);
    }

    #[test]
    fn cycles_are_refused() {
        model()
            .node("Add", &["x", "b"], "a")
            .node("Relu", &["a"], "b")
            .node("Relu", &["b"], "y")
            .refused(&["node 0 \"the Add\" (Add)", "cycle"]);
        model().node("Relu", &["y"], "y").refused(&["cycle"]);
    }

    #[test]
    fn tensors_are_given_once() {
        model()
            .node("MatMul", &["x", "v"], "y")
            .refused(&["node 0", "reads tensor \"v\""]);
        model().refused(&["output \"y\"", "no node gives"]);
        model()
            .node("Relu", &["x"], "y")
            .node("Identity", &["x"], "y")
            .refused(&["tensor \"y\"", "twice"]);
        model()
            .node("Relu", &["w"], "x")
            .refused(&["tensor \"x\"", "twice"]);
        model()
            .node("Relu", &["x"], "w")
            .refused(&["tensor \"w\"", "twice"]);
        model()
            .weight("w", &[1], &[0.0])
            .node("Relu", &["x"], "y")
            .refused(&["tensor \"w\"", "twice"]);
        let mut two = model().node("Relu", &["x"], "y");
        two.graph().node[0].output.push("z".into());
        two.refused(&["has not one output"]);
    }

    #[test]
    fn branches_that_meet_are_refused() {
        model()
            .node("Relu", &["x"], "h")
            .node("Relu", &["h"], "i")
            .node("Add", &["h", "i"], "y")
            .refused(&[
                "node 2 \"the Add\" (Add)",
                "\"h\" and \"i\"",
                "not supported yet",
            ]);
    }

    #[test]
    fn further_outputs_must_be_on_the_way() {
        let mut model = model()
            .node("Relu", &["x"], "h")
            .node("MatMul", &["h", "w"], "y")
            .node("Relu", &["h"], "side");
        for name in ["h", "x"] {
            model.graph().output.truncate(1);
            model.graph().output.push(value(name, &[]));
            assert_eq!(model.at(&[1, 1]), "1: 3");
        }
        model.graph().output.push(value("side", &[]));
        model.refused(&["outputs \"y\" and \"side\"", "not clear"]);
        model.graph().output.clear();
        model.refused(&["has no output"]);
    }

    #[test]
    fn an_output_depends_on_the_input() {
        model()
            .node("Identity", &["w"], "y")
            .refused(&["output \"y\"", "does not depend on the input"]);
        let mut constant = model();
        constant.graph().output[0].name = "w".into();
        constant.refused(&["does not depend"]);
        let mut identity = model();
        identity.graph().output[0].name = "x".into();
        assert_eq!(identity.at(&[1, 2]), "2: 1 2");
    }

    #[test]
    fn sparse_initialisers_are_refused() {
        let mut model = model().node("Relu", &["x"], "y");
        model.graph().sparse_initializer.push(SparseTensorProto {
            values: Some(TensorProto {
                name: "s".into(),
                ..TensorProto::default()
            }),
        });
        model.refused(&["sparse initialiser \"s\""]);
    }
}
