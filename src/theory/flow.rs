//! Disjoint paths from the units of a layer down to the inputs.
//!
//! The weights from the inputs to a layer's pre-activations on one cell are a
//! product of matrices, W_l D_{l-1} W_{l-1} ... D_1 W_1, where D_m keeps the active
//! units of layer m. By the Cauchy-Binet formula a minor of the product is a sum over
//! chains of minors, and a chain whose minors are all non-zero contains a system of
//! paths through the layers that share no unit and no input. So units whose rows are
//! linearly independent can be linked to different inputs by paths that share no unit
//! (they are independent in a gammoid).

use std::collections::BTreeMap;

use super::skeleton::Skeleton;

/// The linkings of one layer's groups to the values that are given.
///
/// Units of one group that are seen by the same groups of the next layer are one node
/// with a capacity, and so are inputs.
pub struct Linking {
    /// For each node, those below it that it sees; inputs see none.
    below: Vec<Vec<u32>>,
    /// The number of the first edge of each node.
    edges: Vec<u32>,
    /// For each node, those above it that see it, and the edges.
    above: Vec<Vec<(u32, u32)>>,
    capacity: Vec<u64>,
    paths: Paths,
    /// The nodes of the groups that paths start from.
    groups: Vec<u32>,
    first_input: u32,
    steps: u64,
}

/// How many paths run where.
#[derive(Clone)]
pub struct Paths {
    /// Through each node.
    used: Vec<u64>,
    /// Along each edge.
    flow: Vec<u64>,
}

impl Linking {
    /// Paths from the groups of the skeleton's last layer to its inputs. Nodes of the
    /// groups themselves have no capacity: whoever asks knows how many units there are.
    pub fn new(skeleton: &Skeleton) -> Self {
        let layers = skeleton.layers();
        // Nodes of one level: the units in them by number, and the windows they see.
        let mut nodes: Vec<(Vec<u32>, u64)> = Vec::new();
        let mut below: Vec<Vec<u32>> = Vec::new();
        let last = layers.last().expect("a skeleton with a layer");
        for window in last.windows() {
            nodes.push((window.clone(), u64::MAX));
            below.push(Vec::new());
        }
        let groups = (0..nodes.len() as u32).collect();
        let mut level = 0..nodes.len();
        let mut first_input = nodes.len() as u32;
        for number in (0..layers.len()).rev() {
            // What the level sees are units of layer `number - 1`, or inputs.
            let before = number.checked_sub(1).map(|m| &layers[m]);
            let values = before.map_or(skeleton.inputs(), |layer| layer.units());
            let mut observers: Vec<Vec<u32>> = vec![Vec::new(); values];
            for node in level.clone() {
                for &value in &nodes[node].0 {
                    observers[value as usize].push(node as u32);
                }
            }
            type Class<'a> = (&'a [u32], Option<u32>);
            let mut classes: BTreeMap<Class, u64> = BTreeMap::new();
            for (value, observers) in observers.iter().enumerate() {
                if !observers.is_empty() {
                    let group = before.map(|layer| layer.members()[value]);
                    *classes.entry((observers.as_slice(), group)).or_default() += 1;
                }
            }
            let start = nodes.len();
            first_input = start as u32;
            for ((observers, group), capacity) in classes {
                for &observer in observers {
                    below[observer as usize].push(nodes.len() as u32);
                }
                let window = match (before, group) {
                    (Some(layer), Some(group)) => layer.windows()[group as usize].clone(),
                    _ => Vec::new(),
                };
                nodes.push((window, capacity));
                below.push(Vec::new());
            }
            level = start..nodes.len();
        }
        let mut above = vec![Vec::new(); nodes.len()];
        let mut edges = Vec::with_capacity(nodes.len());
        let mut edge = 0;
        for (node, seen) in below.iter().enumerate() {
            edges.push(edge);
            for &other in seen {
                above[other as usize].push((node as u32, edge));
                edge += 1;
            }
        }
        Linking {
            paths: Paths {
                used: vec![0; nodes.len()],
                flow: vec![0; edge as usize],
            },
            edges,
            capacity: nodes.into_iter().map(|(_, capacity)| capacity).collect(),
            below,
            above,
            groups,
            first_input,
            steps: 0,
        }
    }

    /// How many inputs each class of inputs has: inputs that the same groups see count
    /// as one class. Only without layers in between are these all.
    pub fn input_classes(&self) -> &[u64] {
        &self.capacity[self.first_input as usize..]
    }

    /// Lets each class of inputs take this many paths.
    pub fn set_input_classes(&mut self, capacities: &[u64]) {
        self.capacity[self.first_input as usize..].copy_from_slice(capacities);
    }

    /// Steps taken so far, a measure of time.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// Links one more unit of `group`, moving paths if need be; whether it could.
    pub fn link(&mut self, group: usize) -> bool {
        // Every node is two: where paths come in from above, and where they leave.
        // An augmenting path enters a full node only to turn back up along one of
        // its paths, or passes down through it backwards.
        let nodes = self.below.len();
        self.steps += nodes as u64 / 8;
        let Paths { used, flow } = &mut self.paths;
        let source = self.groups[group];
        // How each half was reached: from which half, and by which edge.
        let mut reached: Vec<[Option<Step>; 2]> = vec![[None; 2]; nodes];
        let mut queue = vec![(source, OUT)];
        reached[source as usize][OUT] = Some(Step::Start);
        let mut next = 0;
        let mut end = None;
        while let Some(&(node, half)) = queue.get(next) {
            next += 1;
            let at = node as usize;
            let mut visit = |other: u32, half: usize, step: Step| {
                let place = &mut reached[other as usize][half];
                if place.is_none() {
                    *place = Some(step);
                    queue.push((other, half));
                }
            };
            if half == IN {
                self.steps += 1;
                if used[at] < self.capacity[at] {
                    if node >= self.first_input {
                        end = Some(node);
                        break;
                    }
                    visit(node, OUT, Step::Through);
                }
                // Undo a path that comes in here: it must leave its upper node anew.
                for &(upper, edge) in &self.above[at] {
                    self.steps += 1;
                    if flow[edge as usize] > 0 {
                        visit(upper, OUT, Step::Up { edge, lower: node });
                    }
                }
            } else {
                for (edge, &lower) in (self.edges[at]..).zip(&self.below[at]) {
                    self.steps += 1;
                    visit(lower, IN, Step::Down { edge, upper: node });
                }
                // Undo a path through this node: it must come in elsewhere.
                if used[at] > 0 && node >= self.groups.len() as u32 {
                    visit(node, IN, Step::BackThrough);
                }
            }
        }
        let Some(input) = end else {
            return false;
        };
        used[input as usize] += 1;
        let (mut node, mut half) = (input, IN);
        loop {
            match reached[node as usize][half].expect("the path was followed") {
                Step::Start => return true,
                Step::Down { edge, upper } => {
                    flow[edge as usize] += 1;
                    (node, half) = (upper, OUT);
                }
                Step::Up { edge, lower } => {
                    flow[edge as usize] -= 1;
                    (node, half) = (lower, IN);
                }
                Step::Through => {
                    used[node as usize] += 1;
                    half = IN;
                }
                Step::BackThrough => {
                    used[node as usize] -= 1;
                    half = OUT;
                }
            }
        }
    }

    /// The paths as they are.
    pub fn paths(&mut self) -> Paths {
        self.steps += (self.paths.used.len() + self.paths.flow.len()) as u64 / 4 + 20;
        self.paths.clone()
    }

    /// Goes back to earlier paths.
    pub fn restore(&mut self, earlier: Paths) {
        self.paths = earlier;
    }
}

const IN: usize = 0;
const OUT: usize = 1;

/// How half a node was reached.
#[derive(Clone, Copy)]
enum Step {
    Start,
    /// Down an edge of the node above.
    Down {
        edge: u32,
        upper: u32,
    },
    /// Up an edge of this node, against a path.
    Up {
        edge: u32,
        lower: u32,
    },
    /// From where paths come in to where they leave.
    Through,
    /// The other way, against a path.
    BackThrough,
}
