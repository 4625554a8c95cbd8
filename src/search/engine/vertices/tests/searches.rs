//! Searches by vertices from end to end.

use std::ops::ControlFlow;

use crate::arithmetic::Number;
use crate::arithmetic::float::power_of_two;
use crate::arrangement::{Domain, Interval};
use crate::network::{Affine, Layer, Network, Shape};
use crate::regions::Region;
use crate::search::engine::samples::{Kept, Random, rational};
use crate::search::{self, Monitor, Options};

/// The regions in a box around the origin. Listed one by one, which takes no shortcuts, they
/// have the same patterns, and a checker that shares nothing with the search verifies them.
fn counted(network: &Network, half: Option<i64>, threads: usize) -> u64 {
    let inputs = network.input().len();
    let domain = match half {
        Some(half) => {
            let interval = || Interval {
                lower: Some(Number::from(-half)),
                upper: Some(Number::from(half)),
            };
            Domain::new((0..inputs).map(|_| interval()).collect())
        }
        None => Domain::everything(inputs),
    };
    let monitor = Monitor::new();
    let options = Options {
        threads: Some(threads),
        ..Options::default()
    };
    let answer = search::count(network, &domain, &options, &monitor).unwrap();
    let all = |_: &Region| ControlFlow::Continue(());
    let listed = search::enumerate(network, &domain, &options, &monitor, &all).unwrap();
    let kept = Kept::default();
    let told = search::prove(network, &domain, &options, &monitor, "".into(), &kept).unwrap();
    for other in [&listed, &told] {
        assert_eq!(other.digest, answer.digest);
        assert_eq!(other.regions, answer.regions);
        assert_eq!(other.layers, answer.layers);
    }
    kept.verify(network, &told);
    answer.regions
}

fn network(layers: &[Vec<Vec<f64>>]) -> Network {
    let mut network = Network::new(Shape::new([layers[0][0].len() - 1]));
    for rows in layers {
        let number = |value: &f64| Number::from_rational(rational(*value));
        let inputs = rows[0].len() - 1;
        let weight = rows.iter().flat_map(|row| &row[..inputs]).map(number);
        let bias = rows.iter().map(|row| number(&row[inputs]));
        let affine = Affine::dense(inputs, rows.len(), weight.collect(), bias.collect());
        network.push(Layer::Affine(affine.unwrap())).unwrap();
        network.push(Layer::Relu).unwrap();
    }
    network
}

/// Counts with all shortcuts, lists and checked proofs agree on networks whose cells vertices
/// know.
#[test]
fn searches_by_vertices_agree_with_lists_and_checked_proofs() {
    let random = &mut Random(21);
    for trial in 0..200 {
        let d = 2 + trial % 4;
        let whole = trial % 4 == 0;
        let mut inputs = d;
        let mut layers = Vec::new();
        for _ in 0..1 + random.below(2) {
            let units = [6, 5, 5, 5][d - 2];
            let mut layer: Vec<Vec<f64>> = Vec::new();
            for _ in 0..units {
                let mut row: Vec<f64> = (0..=inputs)
                    .map(|_| match whole {
                        true => random.below(5) as f64 - 2.0,
                        false => random.unit(),
                    })
                    .collect();
                // Units that share a hyperplane, on either side of it.
                if random.below(6) == 0
                    && let Some(other) = layer.last()
                {
                    let factor = [-1.0, 2.0][random.below(2) as usize];
                    row = other.iter().map(|a| factor * a).collect();
                }
                layer.push(row);
            }
            inputs = units;
            layers.push(layer);
        }
        let half = [None, Some(1), Some(3)][random.below(3) as usize];
        counted(&network(&layers), half, 1 + trial % 2);
    }
}

/// Two units that cross in a box: one of them all but along a side, the other one a difference
/// of large numbers, of which floats know too little to prove the crossing. By hand, the lines
/// are x = 2^-30 - 1 and x / 8 + y = 0, which cut the box into four.
#[test]
fn a_vague_crossing_near_a_side_is_split_instead() {
    let (large, third) = (power_of_two(24) + 1.0 / 3.0, 1.0 / 3.0);
    let first = vec![
        vec![1.0, 0.125, 3.0],
        vec![0.0625, 1.0, 3.0],
        vec![third / 8.0, third, large],
        vec![-third / 8.0, -third, large],
    ];
    // The weight of x in what is left of the first two, and its constant.
    let (slope, near) = (1.0 - 1.0 / 128.0, 1.0 - power_of_two(-30));
    let second = vec![
        vec![0.0, 0.0, third, -third, 0.0],
        vec![1.0, -0.125, 0.0, 0.0, slope * near - 2.625],
    ];
    assert_eq!(counted(&network(&[first, second]), Some(1), 1), 4);
}

/// Layers of so many units that their regions are listed at once, where hyperplanes are in general
/// position and where whole numbers make them parallel or let them meet in a point. One layer in
/// general position has as many regions as Zaslavsky says.
#[test]
fn many_units_make_as_many_regions_as_lists_and_checked_proofs_say() {
    let random = &mut Random(4);
    for trial in 0..36 {
        let d = 2 + trial % 3;
        let whole = trial % 4 == 1;
        let deep = trial % 4 == 2;
        let units = [20, 11, 9][d - 2];
        let mut layers = Vec::new();
        let mut inputs = d;
        for units in [3, units].into_iter().skip(usize::from(!deep)) {
            let mut row = || -> Vec<f64> {
                let entry = |_| match whole {
                    true => random.below(7) as f64 - 3.0,
                    false => random.unit(),
                };
                (0..=inputs).map(entry).collect()
            };
            layers.push((0..units).map(|_| row()).collect());
            inputs = units;
        }
        let half = [None, Some(1)][trial % 5 % 2];
        let regions = counted(&network(&layers), half, 1 + trial % 2);
        if !whole && !deep && half.is_none() {
            let choices = |k: usize| (0..k).fold(1, |c, i| c * (units - i) / (i + 1));
            assert_eq!(regions, (0..=d).map(choices).sum::<usize>() as u64);
        }
    }
}
