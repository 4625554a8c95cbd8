//! Searches of small, often degenerate networks.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::*;
use crate::arithmetic::Number;
use crate::arrangement::Interval;
use crate::arrangement::chart::charts;
use crate::arrangement::stage::stages;
use crate::network::{Affine, Layer, Network, Shape};
use crate::search::engine::samples::Kept;
use crate::search::exactly::ExactCell;
use crate::search::share::Patience;
use crate::search::threads::Threads;
use crate::search::{Answer, Decisions, Proof, search};

struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (self.0 >> 33) % bound
    }

    fn number(&mut self, whole: bool) -> Number {
        let text = match self.below(if whole { 5 } else { 9 }) {
            0 | 1 => "0".into(),
            2..=4 => format!("{}", self.below(5) as i64 - 2),
            5 => format!("{}/3", self.below(7) as i64 - 3),
            6 => format!("1{:020}e-20", self.below(3)),
            7 => format!(
                "{}e{}",
                self.below(9) as i64 - 4,
                self.below(60) as i64 - 30
            ),
            _ => format!("{}e-9", self.below(1 << 31) as i64 - (1 << 30)),
        };
        Number::parse(&text).unwrap()
    }

    fn network(&mut self, inputs: usize) -> Network {
        let (whole, central) = (self.below(3) == 0, self.below(3) == 0);
        let mut network = Network::new(Shape::new([inputs]));
        let mut values = inputs;
        for _ in 0..1 + self.below(3) {
            let outputs = 1 + self.below(4) as usize;
            let weight = (0..values * outputs).map(|_| self.number(whole)).collect();
            let bias = (0..outputs)
                .map(|_| {
                    if central {
                        Number::ZERO
                    } else {
                        self.number(whole)
                    }
                })
                .collect();
            let affine = Affine::dense(values, outputs, weight, bias).unwrap();
            network.push(Layer::Affine(affine)).unwrap();
            if self.below(5) > 0 {
                network.push(Layer::Relu).unwrap();
            }
            values = outputs;
        }
        network.push(Layer::Relu).unwrap();
        network
    }

    fn domain(&mut self, inputs: usize) -> Domain {
        if self.below(2) == 0 {
            return Domain::everything(inputs);
        }
        let interval = |random: &mut Self| {
            let ends = [Some("-1"), Some("2/3"), Some("2"), None];
            let lower = ends[[0, 0, 1, 3][random.below(4) as usize]];
            let upper = ends[[1, 2, 2, 3][random.below(4) as usize]];
            let end = |text: Option<&str>| text.map(|t| Number::parse(t).unwrap());
            Interval {
                lower: end(lower),
                upper: end(upper),
            }
        };
        Domain::new((0..inputs).map(|_| interval(self)).collect())
    }
}

/// What a search of one thread finds, all of it in exact arithmetic if asked.
fn found(network: &Network, domain: &Domain, strict: bool, exactly: bool) -> [String; 4] {
    let stages = stages(network);
    let charts = charts(&stages, domain);
    let units = stages.iter().map(|stage| stage.units).sum();
    let (tallies, monitor) = (Tallies::new(stages.len(), units, None), Monitor::new());
    for (number, chart) in charts.iter().enumerate() {
        let tree = Tree {
            stages: &stages,
            domain,
            chart,
            number,
            charts: charts.len(),
            options: &Options {
                strict,
                ..Options::default()
            },
            monitor: &monitor,
            tallies: &tallies,
            visit: None,
            sink: None,
            crew: None,
            keys: &Keys::new(&stages, chart),
        };
        if exactly {
            let sides = Level::domain(chart);
            let first = Level::first(&sides, chart);
            let (mut signs, mut state) = (vec![Sign::Zero; units], State::default());
            let mut tally = tallies.blank();
            let mut candidates = Vec::new();
            let left = tree.sort_out(&first, &mut signs, &mut state, &mut tally, &mut candidates);
            tallies.absorb(&mut tally, &monitor);
            if left {
                let ids = candidates.iter().map(|&class| first.id(class as usize));
                let cell = ExactCell {
                    signs,
                    state,
                    constraints: (0..sides.len()).map(|side| sides.id(side)).collect(),
                    candidates: ids.collect(),
                };
                tree.search_exactly(&first, cell, &mut Log::new(&stages, None));
            }
        } else {
            Threads::new(Some(1)).search(&tree).unwrap();
        }
    }
    let (total, degenerate_units) = tallies.total();
    [
        format!("{} regions, digest {}", total.regions, total.digest),
        format!("{:?} cells", total.cells),
        format!("{} degenerate", total.degenerate_regions),
        format!("{degenerate_units} degenerate units"),
    ]
}

/// Small, often degenerate networks: floats with proofs and exact arithmetic alone
/// find the same regions.
#[test]
fn floats_and_exact_arithmetic_find_the_same() {
    let random = &mut Random(3);
    for trial in 0..600 {
        let inputs = 1 + random.below(4) as usize;
        let (network, domain) = (random.network(inputs), random.domain(inputs));
        let strict = random.below(4) == 0;
        assert_eq!(
            found(&network, &domain, strict, false),
            found(&network, &domain, strict, true),
            "trial {trial} in {domain}"
        );
    }
}

/// Whatever is handed over, and to however many threads: the same regions, each listed once, and a
/// proof that a checker which shares nothing with the search verifies.
#[test]
fn branches_may_go_to_any_thread() {
    let random = &mut Random(11);
    let (mut handed, mut exact) = (0, 0);
    for trial in 0..150 {
        let inputs = 1 + random.below(4) as usize;
        let (network, domain) = (random.network(inputs), random.domain(inputs));
        let options = &Options {
            strict: random.below(4) == 0,
            ..Options::default()
        };
        let monitor = &Monitor::new();
        let kept = [Kept::default(), Kept::default()];
        let run = |visit, proof, number, decisions| {
            let patience = Patience {
                decisions,
                time: Duration::ZERO,
            };
            let threads = &Threads::with_patience(number, patience);
            search(&network, &domain, options, monitor, visit, proof, threads).unwrap()
        };
        let alone = run(None, None, 1, 0);
        exact += u64::from(alone.decisions.exact > 0);
        let listed = AtomicU64::new(0);
        let visit = |_: &Region| {
            listed.fetch_add(1, Ordering::Relaxed);
            ControlFlow::Continue(())
        };
        for (number, sink) in [2, 5].into_iter().zip(&kept) {
            let proof = Proof {
                model: "".into(),
                sink,
            };
            let patience = random.below(40);
            let told = run(None, Some(proof), number, patience);
            for other in [
                &run(None, None, number, patience),
                &run(Some(&visit), None, number, patience),
                &told,
            ] {
                assert_eq!(other.digest, alone.digest, "trial {trial} in {domain}");
                assert_eq!(other.regions, alone.regions);
                assert_eq!(other.layers, alone.layers);
                assert_eq!(other.degenerate_regions, alone.degenerate_regions);
                assert_eq!(other.degenerate_units, alone.degenerate_units);
                assert!(other.complete);
            }
            handed += sink.chunks() - u64::from(told.regions > 0);
            sink.verify(&network, &told);
        }
        assert_eq!(listed.into_inner(), 2 * alone.regions);
    }
    assert!(handed > 200 && exact > 20, "{handed}, {exact}");
}

/// A search on a thread that has done others, whose memory it may use, makes the same proof, decision
/// by decision, as one on a thread that has done nothing.
#[test]
fn what_a_search_leaves_behind_changes_no_other() {
    let random = &mut Random(17);
    let mut inputs = 1;
    let mut exact = 0;
    for trial in 0..400 {
        // Memory is used again for as many dimensions.
        if random.below(4) == 0 {
            inputs = 1 + random.below(6) as usize;
        }
        let (network, domain) = (random.network(inputs), random.domain(inputs));
        let strict = random.below(4) == 0;
        let run = |visit| {
            let options = &Options {
                strict,
                ..Options::default()
            };
            let (kept, monitor, threads) =
                (Kept::default(), &Monitor::new(), &Threads::new(Some(1)));
            let proof = Proof {
                model: "".into(),
                sink: &kept,
            };
            let answer = search(
                &network,
                &domain,
                options,
                monitor,
                visit,
                Some(proof),
                threads,
            );
            let Answer {
                regions,
                digest,
                layers,
                decisions,
                ..
            } = answer.unwrap();
            let decisions = (decisions.float, decisions.exact);
            ((regions, digest, layers, decisions), kept.bodies())
        };
        let fresh = std::thread::scope(|scope| scope.spawn(|| run(None)).join().unwrap());
        exact += u64::from(fresh.0.3.1 > 0);
        assert_eq!(run(None), fresh, "trial {trial} in {domain}");
        // One that stops early, and one that is handed over, without a proof, leave their cells in
        // the middle of something.
        run(Some(&|_: &Region| ControlFlow::Break(())));
        let patience = Patience {
            decisions: random.below(20),
            time: Duration::ZERO,
        };
        let (options, monitor) = (&Options::default(), &Monitor::new());
        let threads = &Threads::with_patience(2, patience);
        search(&network, &domain, options, monitor, None, None, threads).unwrap();
        assert_eq!(run(None), fresh, "trial {trial} in {domain}");
    }
    assert!(exact > 40, "{exact}");
}

/// The hyperplanes x_i = x_j in five coordinates, whose regions are the orders of these: where no
/// decision is one of floats, threads are called for, too.
#[test]
fn exact_searches_are_shared() {
    let pairs = (0..5).flat_map(|i| (0..i).map(move |j| (i, j)));
    let weight = pairs.flat_map(|(i, j)| {
        (0..5).map(move |k| Number::from(i64::from(k == i) - i64::from(k == j)))
    });
    let affine = Affine::dense(5, 10, weight.collect(), vec![Number::ZERO; 10]).unwrap();
    let mut network = Network::new(Shape::new([5]));
    network.push(Layer::Affine(affine)).unwrap();
    network.push(Layer::Relu).unwrap();
    let kept = Kept::default();
    let proof = Proof {
        model: "".into(),
        sink: &kept,
    };
    let (options, monitor) = (&Options::default(), &Monitor::new());
    let threads = &Threads::with_patience(
        2,
        Patience {
            decisions: 60,
            time: Duration::ZERO,
        },
    );
    let domain = Domain::everything(5);
    let answer = search(
        &network,
        &domain,
        options,
        monitor,
        None,
        Some(proof),
        threads,
    )
    .unwrap();
    assert_eq!(answer.regions, 120);
    let Decisions { float, exact, .. } = answer.decisions;
    // Floats alone do not decide as often.
    assert!(float < 60 && float + exact > 60, "{exact} {float}");
    assert!(kept.chunks() > 2, "{}", kept.chunks());
    kept.verify(&network, &answer);
}
