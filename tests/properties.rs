//! What must not change the regions, and what may only add to them.

mod common;

use chambers::arrangement::{Domain, Interval};
use chambers::network::Network;
use chambers::search::Answer;
use common::Number;
use common::check::{count, everywhere};
use common::networks::{self as nets, Unit, dense};
use common::rng::Rng;
use proptest::prelude::*;

/// Dense layers with weights that proptest can shrink.
#[derive(Clone, Debug)]
struct Layers {
    inputs: usize,
    layers: Vec<Vec<Unit>>,
    /// Where the test's own choices come from.
    seed: u64,
}

impl Layers {
    fn network(&self) -> Network {
        dense(self.inputs, &self.layers)
    }
}

/// Small integers, which are degenerate, or f64 of any fraction.
fn weight() -> impl Strategy<Value = Number> {
    prop_oneof![
        3 => (-3i64..=3).prop_map(Number::from),
        1 => (-4.0f64..4.0).prop_map(nets::float),
        1 => (-9i64..=9, 1i64..=9).prop_map(|(p, q)| nets::fraction(p, q)),
    ]
}

fn layers() -> impl Strategy<Value = Layers> {
    let sizes = (1usize..=4, prop::collection::vec(1usize..=5, 1..=3));
    sizes.prop_flat_map(|(inputs, widths)| {
        let mut from = inputs;
        let layer = |width: usize| {
            let unit = (prop::collection::vec(weight(), from), weight());
            from = width;
            prop::collection::vec(unit, width)
        };
        let layers: Vec<_> = widths.into_iter().map(layer).collect();
        (layers, any::<u64>()).prop_map(move |(layers, seed)| Layers {
            inputs,
            layers,
            seed,
        })
    })
}

/// A box with fractions for sides, some infinite.
fn domain(rng: &mut Rng, inputs: usize) -> Domain {
    let interval = |_| {
        let lower = nets::fraction(rng.range(-20, 5), rng.range(1, 9));
        let upper = nets::sum(&lower, &nets::fraction(rng.range(1, 20), rng.range(1, 9)));
        Interval {
            lower: (!rng.one_in(4)).then_some(lower),
            upper: (!rng.one_in(4)).then_some(upper),
        }
    };
    Domain::new((0..inputs).map(interval).collect())
}

fn regions(network: &Network) -> Answer {
    let answer = count(network, &everywhere(network), 1);
    assert!(answer.complete);
    answer
}

fn config() -> ProptestConfig {
    ProptestConfig {
        cases: 96,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_unit_s_scale_does_not_matter(case in layers()) {
        let mut rng = Rng::new(case.seed);
        let mut scaled = case.clone();
        for l in 0..scaled.layers.len() {
            for k in 0..scaled.layers[l].len() {
                let exponent = rng.range(-30, 30) as i32;
                scaled.layers[l][k] = nets::scaled(&scaled.layers[l][k], &nets::power(exponent));
                for (weights, _) in scaled.layers.get_mut(l + 1).into_iter().flatten() {
                    weights[k] = nets::product(&weights[k], &nets::power(-exponent));
                }
            }
        }
        let (before, after) = (regions(&case.network()), regions(&scaled.network()));
        prop_assert_eq!(before.regions, after.regions);
        prop_assert_eq!(before.digest, after.digest);
    }

    #[test]
    fn the_order_of_units_does_not_matter(case in layers()) {
        let mut rng = Rng::new(case.seed);
        let mut shuffled = case.clone();
        for l in 0..shuffled.layers.len() {
            let order = rng.permutation(shuffled.layers[l].len());
            let reorder = |of: &[Number]| order.iter().map(|&k| of[k].clone()).collect();
            shuffled.layers[l] = order.iter().map(|&k| shuffled.layers[l][k].clone()).collect();
            for (weights, _) in shuffled.layers.get_mut(l + 1).into_iter().flatten() {
                *weights = reorder(weights);
            }
        }
        let (before, after) = (regions(&case.network()), regions(&shuffled.network()));
        prop_assert_eq!(before.regions, after.regions);
        prop_assert_eq!(before.degenerate_regions, after.degenerate_regions);
        prop_assert_eq!(before.degenerate_units, after.degenerate_units);
    }

    #[test]
    fn the_basis_of_the_inputs_does_not_matter(case in layers()) {
        let mut changed = case.clone();
        nets::change_basis(&mut Rng::new(case.seed), &mut changed.layers[0]);
        let (before, after) = (regions(&case.network()), regions(&changed.network()));
        prop_assert_eq!(before.regions, after.regions);
        prop_assert_eq!(before.digest, after.digest);
        prop_assert_eq!(before.dimension, after.dimension);
    }

    #[test]
    fn a_translation_of_the_inputs_does_not_matter(case in layers()) {
        let mut rng = Rng::new(case.seed);
        let by: Vec<Number> = (0..case.inputs)
            .map(|_| nets::fraction(rng.range(-99, 99), rng.range(1, 9)))
            .collect();
        let mut moved = case.clone();
        for (weights, bias) in &mut moved.layers[0] {
            for (weight, by) in weights.iter().zip(&by) {
                *bias = nets::sum(bias, &nets::product(weight, by));
            }
        }
        let domain = domain(&mut rng, case.inputs);
        let back = |side: &Option<Number>, by: &Number| {
            side.as_ref().map(|side| nets::sum(side, &nets::negative(by)))
        };
        let interval = |(interval, by): (&Interval, &Number)| Interval {
            lower: back(&interval.lower, by),
            upper: back(&interval.upper, by),
        };
        let sides = domain.intervals().iter().zip(&by).map(interval);
        let moved_domain = Domain::new(sides.collect());
        for (one, other) in [
            (domain, moved_domain),
            (Domain::everything(case.inputs), Domain::everything(case.inputs)),
        ] {
            let before = count(&case.network(), &one, 1);
            let after = count(&moved.network(), &other, 1);
            prop_assert_eq!(before.regions, after.regions, "on {} and {}", one, other);
            prop_assert_eq!(before.digest, after.digest, "on {} and {}", one, other);
        }
    }

    #[test]
    fn a_larger_domain_never_has_fewer(case in layers()) {
        let mut rng = Rng::new(case.seed);
        let network = case.network();
        let small = domain(&mut rng, case.inputs);
        let one = Number::ONE;
        let wider = |interval: &Interval| Interval {
            lower: interval.lower.as_ref().map(|l| nets::sum(l, &nets::negative(&one))),
            upper: interval.upper.as_ref().map(|u| nets::sum(u, &one)),
        };
        let large = Domain::new(small.intervals().iter().map(wider).collect());
        let [small, large, all] = [small, large, Domain::everything(case.inputs)]
            .map(|domain| count(&network, &domain, 1).regions);
        prop_assert!(1 <= small && small <= large && large <= all, "{small} {large} {all}");
    }

    #[test]
    fn one_more_unit_in_the_last_layer_never_has_fewer(case in layers()) {
        let mut fewer = case.clone();
        let last = fewer.layers.last_mut().expect("a layer");
        last.pop();
        if last.is_empty() {
            fewer.layers.pop();
        }
        prop_assume!(!fewer.layers.is_empty());
        let (fewer, more) = (regions(&fewer.network()), regions(&case.network()));
        prop_assert!(fewer.regions <= more.regions);
        prop_assert!(more.regions <= 2 * fewer.regions);
    }

    #[test]
    fn a_box_is_two_more_units_an_input(case in layers()) {
        // The cells of the box are those cells of R^n, with the sides for units of
        // the first layer, on which all of them are positive.
        let mut rng = Rng::new(case.seed);
        let domain = domain(&mut rng, case.inputs);
        let mut sides: Vec<Unit> = Vec::new();
        for (k, interval) in domain.intervals().iter().enumerate() {
            let side = |sign: i64, end: &Number| {
                let mut weights = vec![Number::ZERO; case.inputs];
                weights[k] = Number::from(sign);
                (weights, nets::product(end, &Number::from(-sign)))
            };
            sides.extend(interval.lower.as_ref().map(|lower| side(1, lower)));
            sides.extend(interval.upper.as_ref().map(|upper| side(-1, upper)));
        }
        let mut with_sides = case.clone();
        with_sides.layers[0].extend(sides.iter().cloned());
        for (weights, _) in with_sides.layers.get_mut(1).into_iter().flatten() {
            weights.extend(sides.iter().map(|_| Number::ZERO));
        }
        let first = case.layers[0].len();
        let inside = common::check::patterns(&with_sides.network(), &everywhere(&case.network()))
            .into_iter()
            .filter(|p| p[first..first + sides.len()].bytes().all(|sign| sign == b'+'))
            .count();
        prop_assert_eq!(count(&case.network(), &domain, 1).regions, inside as u64, "on {}", domain);
    }

    #[test]
    fn threads_do_not_matter(case in layers()) {
        let mut rng = Rng::new(case.seed);
        let network = case.network();
        for domain in [everywhere(&network), domain(&mut rng, case.inputs)] {
            let (one, four) = (count(&network, &domain, 1), count(&network, &domain, 4));
            prop_assert_eq!(one.regions, four.regions, "on {}", &domain);
            prop_assert_eq!(one.digest, four.digest, "on {}", &domain);
            prop_assert_eq!(one.layers, four.layers, "on {}", &domain);
            prop_assert_eq!(one.degenerate_regions, four.degenerate_regions, "on {}", &domain);
            prop_assert_eq!(one.degenerate_units, four.degenerate_units, "on {}", &domain);
        }
    }
}

#[test]
fn threads_do_not_matter_where_there_is_work_to_share() {
    for seed in 0..6 {
        let mut rng = Rng::new(seed);
        let kind = [nets::Kind::Normal, nets::Kind::Integer(2)][seed as usize % 2];
        let layers = nets::random_layers(&mut rng, kind, 4, &[12, 8, 6]);
        let network = dense(4, &layers);
        let one = count(&network, &everywhere(&network), 1);
        assert!(one.complete && one.regions > 500, "seed {seed}");
        for threads in [2, 4, 7] {
            let many = count(&network, &everywhere(&network), threads);
            assert!(many.complete, "seed {seed}, {threads} threads");
            assert_eq!(one.regions, many.regions, "seed {seed}, {threads} threads");
            assert_eq!(one.digest, many.digest, "seed {seed}, {threads} threads");
            assert_eq!(one.layers, many.layers, "seed {seed}, {threads} threads");
        }
    }
}
