//! The bounds for other activations and layers than the ReLU of this crate: their
//! regions are counted by the cells of an arrangement that is fine enough.

mod common;

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::Mutex;

use chambers::arithmetic::rank::SparseRow;
use chambers::regions::Region;
use chambers::search::{Monitor, Options, enumerate};
use chambers::theory::formula::WORK;
use chambers::theory::{gcn, hu_zhang, maxout};
use chambers::{Domain, Network};
use common::check::count;
use common::deletion;
use common::networks::{self as nets, Kind, Unit};
use common::rng::{Rng, seeds};
use common::{Number, Rational};
use num_bigint::BigUint;

/// An affine function: its weights, and last its constant.
type Form = Vec<Rational>;
/// A maxout unit: the largest of these functions of the layer before.
type Maxout = Vec<Form>;

fn integers(row: &[i64]) -> Form {
    row.iter()
        .map(|&value| Rational::from_integer(value.into()))
        .collect()
}

fn value(form: &Form, point: &[Rational]) -> Rational {
    let (constant, weights) = form.split_last().unwrap();
    let terms = weights.iter().zip(point).map(|(weight, x)| weight * x);
    terms.fold(constant.clone(), |sum, term| sum + term)
}

/// `form` after the affine map `inner`.
fn after(form: &Form, inner: &[Form], inputs: usize) -> Form {
    let (constant, weights) = form.split_last().unwrap();
    let mut result = integers(&vec![0; inputs + 1]);
    result[inputs] += constant;
    for (weight, inner) in weights.iter().zip(inner) {
        for (entry, value) in result.iter_mut().zip(inner) {
            *entry += weight * value;
        }
    }
    result
}

/// Every choice of one function for each unit.
fn choices(layer: &[Maxout]) -> Vec<Vec<usize>> {
    layer.iter().fold(vec![vec![]], |choices, unit| {
        let extended = |choice: &Vec<usize>| -> Vec<Vec<usize>> {
            (0..unit.len())
                .map(|k| [&choice[..], &[k]].concat())
                .collect()
        };
        choices.iter().flat_map(extended).collect()
    })
}

/// The regions of a maxout network: wherever two functions of one unit can be equal there
/// is a hyperplane, for every map that the layers before may be. Each cell of all these
/// has one choice of largest functions, and every region has a cell.
fn maxout_regions(inputs: usize, layers: &[Vec<Maxout>]) -> u64 {
    let identity = (0..inputs).map(|k| {
        let mut form = integers(&vec![0; inputs + 1]);
        form[k] = Rational::from_integer(1.into());
        form
    });
    let mut maps: Vec<Vec<Form>> = vec![identity.collect()];
    let mut units: Vec<Unit> = Vec::new();
    for layer in layers {
        let mut next = Vec::new();
        for map in &maps {
            let pulled = |unit: &Maxout| -> Maxout {
                unit.iter().map(|form| after(form, map, inputs)).collect()
            };
            let pulled: Vec<Maxout> = layer.iter().map(pulled).collect();
            for unit in &pulled {
                for (k, a) in unit.iter().enumerate() {
                    for b in &unit[k + 1..] {
                        let entries = a.iter().zip(b).map(|(a, b)| Number::from_rational(a - b));
                        let mut entries: Vec<Number> = entries.collect();
                        let bias = entries.pop().unwrap();
                        units.push((entries, bias));
                    }
                }
            }
            for choice in choices(&pulled) {
                let chosen = pulled.iter().zip(&choice).map(|(unit, &k)| unit[k].clone());
                next.push(chosen.collect());
            }
        }
        maps = next;
    }
    let network = nets::dense(inputs, &[units]);
    let patterns = Mutex::new(BTreeSet::new());
    let visit = |region: &Region| {
        let mut point = region.witness.to_vec();
        let mut pattern = Vec::new();
        for layer in layers {
            let mut next = Vec::new();
            for unit in layer {
                let values: Vec<Rational> = unit.iter().map(|form| value(form, &point)).collect();
                let largest = values.iter().max().unwrap().clone();
                pattern.push(values.iter().position(|value| *value == largest).unwrap());
                next.push(largest);
            }
            point = next;
        }
        patterns.lock().unwrap().insert(pattern);
        ControlFlow::Continue(())
    };
    let everywhere = Domain::everything(inputs);
    enumerate(
        &network,
        &everywhere,
        &Options::default(),
        &Monitor::new(),
        &visit,
    )
    .unwrap();
    patterns.into_inner().unwrap().len() as u64
}

fn random_maxout(rng: &mut Rng, inputs: usize, units: usize, rank: usize) -> Vec<Maxout> {
    let unit = |_| {
        let form = |_| {
            let row: Vec<i64> = (0..=inputs).map(|_| rng.range(-50, 50)).collect();
            integers(&row)
        };
        (0..rank).map(form).collect()
    };
    (0..units).map(unit).collect()
}

#[test]
fn random_maxout_networks_stay_below_the_upper_bounds() {
    for seed in seeds(60) {
        let mut rng = Rng::new(seed);
        let inputs = 1 + rng.below(3);
        let rank = 1 + rng.below(3);
        let widths: Vec<usize> = (0..1 + rng.below(2)).map(|_| 1 + rng.below(2)).collect();
        let mut before = inputs;
        let mut layers = Vec::new();
        for &width in &widths {
            layers.push(random_maxout(&mut rng, before, width, rank));
            before = width;
        }
        let regions: BigUint = maxout_regions(inputs, &layers).into();
        let case = format!("seed {seed}: {inputs} inputs, widths {widths:?}, rank {rank}");
        let (n, k) = (inputs as u64, rank as u64);
        let widths: Vec<u64> = widths.iter().map(|&width| width as u64).collect();
        let serra = maxout::serra_2018_upper(n, &widths, k, WORK).unwrap();
        let sharp = maxout::montufar_ren_zhang_upper(n, &widths, k, WORK).unwrap();
        assert!(
            regions <= sharp && sharp <= serra,
            "{case}: {regions} {sharp} {serra}"
        );
        if let [width] = widths[..] {
            let first = maxout::montufar_2014_upper(n, width, k, WORK).unwrap();
            assert!(regions <= first, "{case}: {regions} {first}");
        }
    }
}

/// Units of different ranks on one layer; on a line every change counts.
#[test]
fn one_layer_of_maxout_units_has_at_most_the_symmetric_polynomials() {
    for seed in seeds(40) {
        let mut rng = Rng::new(seed);
        let inputs = 1 + rng.below(3);
        let ranks: Vec<usize> = (0..1 + rng.below(4)).map(|_| 1 + rng.below(3)).collect();
        let layer: Vec<Maxout> = ranks
            .iter()
            .map(|&rank| random_maxout(&mut rng, inputs, 1, rank).remove(0))
            .collect();
        let regions = maxout_regions(inputs, &[layer]);
        let ranks: Vec<u64> = ranks.iter().map(|&rank| rank as u64).collect();
        let bound = maxout::montufar_ren_zhang_layer(inputs as u64, &ranks, WORK).unwrap();
        assert!(
            bound >= regions.into(),
            "seed {seed}: {inputs} {ranks:?} {regions} {bound}"
        );
    }
    // By hand: (2 * 3)^2 C(4, 4) / 2!, and 6^2 C(6, 4) / 2!.
    for (rank, expected) in [(2, 18), (3, 270)] {
        let value = maxout::tseran_montufar_coefficient(2, 6 / rank, rank, WORK);
        assert_eq!(value, Ok(Rational::from_integer(expected.into())));
    }
    // e_0 + e_1 + e_2 of 1, 2, 3 by hand.
    let bound = maxout::montufar_ren_zhang_layer(2, &[2, 3, 4], WORK);
    assert_eq!(bound, Ok((1 + 6 + 11u32).into()));
}

/// max_k (k y - k (k-1) / 2): its functions change at y = 1, ..., rank - 1.
fn staircase(normal: &[i64], shift: i64, rank: i64) -> Maxout {
    let form = |k: i64| {
        let mut row: Vec<i64> = normal.iter().map(|w| 1000 * k * w).collect();
        row.push(k * shift - 10 * k * (k + 1) / 2);
        integers(&row)
    };
    (0..rank).map(form).collect()
}

#[test]
fn parallel_changes_reach_the_bound_of_one_maxout_layer() {
    for (inputs, units, rank) in [(1, 3, 4), (2, 1, 3), (2, 3, 3), (2, 4, 2), (3, 4, 3)] {
        let normal = |i: i64| -> Vec<i64> { (0..inputs as u32).map(|c| i.pow(c)).collect() };
        let unit = |i: i64| staircase(&normal(i), 37 * i.pow(inputs as u32), rank);
        let layer: Vec<Maxout> = (1..=units).map(unit).collect();
        let regions = maxout_regions(inputs, &[layer]);
        let ranks = vec![rank as u64; units as usize];
        let bound = maxout::montufar_ren_zhang_layer(inputs as u64, &ranks, WORK).unwrap();
        assert_eq!(bound, regions.into(), "{inputs} {units} {rank}");
        let pieces = hu_zhang::upper(inputs as u64, &[units as u64], rank as u64, WORK).unwrap();
        assert_eq!(pieces, bound);
    }
}

/// Montufar et al. 2014: k^(L-1) k^n for L layers of n units of rank k, here n = 2, k = 3,
/// L = 2, by polygons that are nearly regular. For n = 1 two layers never have more than
/// 3k - 2.
#[test]
fn narrow_maxout_networks_reach_the_bound_or_cannot() {
    let gauge = |corners: [[i64; 2]; 3]| -> Maxout {
        corners.iter().map(|&[a, b]| integers(&[a, b, 0])).collect()
    };
    let first = vec![
        gauge([[1000, 0], [-500, 866], [-500, -866]]),
        gauge([[500, 866], [-1000, 0], [500, -866]]),
    ];
    // Changes at y = 2000 and 2001: inside the cone 1/2 < y_2 / y_1 < 2.
    let grid = |normal: [i64; 2]| -> Maxout {
        let form = |k: i64| integers(&[k * normal[0], k * normal[1], -[0, 2000, 4001][k as usize]]);
        (0..3).map(form).collect()
    };
    let regions = maxout_regions(2, &[first, vec![grid([1, 0]), grid([0, 1])]]);
    let bound = maxout::montufar_2014_lower(2, 2, 3, WORK).unwrap();
    assert_eq!(bound, 27u32.into());
    assert!(bound <= regions.into(), "{regions}");
    assert!(regions >= 54);

    let mut most = 0;
    for seed in seeds(200) {
        let mut rng = Rng::new(seed);
        let layers = [0, 1].map(|_| random_maxout(&mut rng, 1, 1, 3));
        most = most.max(maxout_regions(1, &layers));
    }
    // A valley of three pieces, and the next valley across it.
    let valley = |shift: i64| {
        [[-2, 0], [0, shift], [2, 0]]
            .iter()
            .map(|r| integers(r))
            .collect()
    };
    let layers: [Vec<Maxout>; 2] = [
        vec![valley(1)],
        vec![vec![
            integers(&[-1, 10]),
            integers(&[0, 5]),
            integers(&[1, 0]),
        ]],
    ];
    most = most.max(maxout_regions(1, &layers));
    assert_eq!(most, 7);
    assert!(maxout::montufar_2014_lower(1, 2, 3, WORK).is_err());
}

/// Montufar, Ren, Zhang 2021: two units of rank 3 fold a line into five pieces.
#[test]
fn maxout_zigzags_reach_the_lower_bound() {
    // Slopes 1, -1, 1, -1, 1 with corners at 1, 2, 3, 4: convex at 2 and 4, concave at 1 and 3.
    let convex = [integers(&[0, 0]), integers(&[2, -4]), integers(&[4, -12])];
    let concave = vec![integers(&[0, 0]), integers(&[2, -2]), integers(&[4, -8])];
    for units in 1..=3 {
        // The zigzag is x + convex - concave; x itself goes into the first unit.
        let first: Vec<Maxout> = vec![
            convex
                .iter()
                .map(|form| vec![&form[0] + Rational::from_integer(1.into()), form[1].clone()])
                .collect(),
            concave.clone(),
        ];
        // Changes of the last layer inside (0, 1).
        let last: Vec<Maxout> = (1..=units)
            .map(|i: i64| {
                let form = |k: i64| integers(&[100 * k, -100 * k, -k * i - 20 * k * k]);
                (0..3).map(form).collect()
            })
            .collect();
        let regions = maxout_regions(1, &[first.clone(), last]);
        let bound = maxout::montufar_ren_zhang_lower(1, &[2, units as u64], 3, WORK).unwrap();
        assert_eq!(bound, (5 * (1 + 2 * units as u32)).into());
        assert!(bound <= regions.into(), "{units}: {regions}");
    }
    assert!(maxout::montufar_ren_zhang_lower(1, &[1, 1], 3, WORK).is_err());
}

/// p - 1 parallel hyperplanes for every unit, counted by the search and by deletion and
/// restriction.
#[test]
fn one_layer_reaches_the_bound_of_hu_and_zhang() {
    for (inputs, units, pieces) in [
        (1, 4, 3),
        (2, 3, 2),
        (2, 4, 3),
        (2, 3, 5),
        (3, 4, 3),
        (3, 2, 4),
    ] {
        let rows = (1..=units as i64).flat_map(|i| {
            (1..pieces as i64).map(move |c| {
                let mut row: Vec<i64> = (0..inputs).map(|power| i.pow(power as u32)).collect();
                row.push(1000 * c + 7 * i.pow(inputs as u32 + 1));
                row
            })
        });
        let network: Network = nets::arrangement(&rows.collect::<Vec<_>>());
        let expected = deletion::chambers(&network);
        assert_eq!(
            count(&network, &Domain::everything(inputs), 1).regions,
            expected
        );
        let bound = hu_zhang::upper(inputs as u64, &[units], pieces, WORK).unwrap();
        assert_eq!(bound, expected.into(), "{inputs} {units} {pieces}");
    }
}

/// sigma(A X W + b) as rows: node v, filter k has the weights A_vu W_ck.
fn graph_layer(
    adjacency: &[Vec<i64>],
    channels: usize,
    filters: usize,
    bias: bool,
    rng: &mut Rng,
) -> Network {
    let filters: Vec<Unit> = nets::random_units(rng, Kind::Normal, channels, filters);
    let mut units = Vec::new();
    for row in adjacency {
        for (filter, constant) in &filters {
            let weights = row.iter().flat_map(|&a| {
                let entry = move |w: &Number| nets::product(w, &Number::from(a));
                filter.iter().map(entry)
            });
            let constant = if bias { constant.clone() } else { Number::ZERO };
            units.push((weights.collect(), constant));
        }
    }
    nets::dense(adjacency.len() * channels, &[units])
}

#[test]
fn graph_convolutions_have_their_numbers() {
    let mut invertible = 0;
    for seed in seeds(60) {
        let mut rng = Rng::new(seed);
        let nodes = 1 + rng.below(3);
        let (channels, filters) = (1 + rng.below(2), 1 + rng.below(3));
        let row = |rng: &mut Rng| (0..nodes).map(|_| rng.range(-1, 1)).collect();
        let adjacency: Vec<Vec<i64>> = (0..nodes).map(|_| row(&mut rng)).collect();
        let sparse = |row: &Vec<i64>| -> SparseRow {
            (0..).zip(row.iter().map(|&a| Number::from(a))).collect()
        };
        let rows: Vec<SparseRow> = adjacency.iter().map(sparse).collect();
        let (d_0, d_1) = (channels as u64, filters as u64);
        let everywhere = Domain::everything(nodes * channels);
        let case = format!("seed {seed}: {adjacency:?}, {channels} channels, {filters} filters");
        let network = graph_layer(&adjacency, channels, filters, true, &mut rng);
        let regions = count(&network, &everywhere, 1).regions;
        let bound = gcn::upper(&rows, d_0, d_1, WORK).unwrap();
        assert!(bound >= regions.into(), "{case}: {bound} < {regions}");
        if bound == gcn::invertible(nodes as u64, d_0, d_1, WORK).unwrap()
            && chambers::arithmetic::rank::rank(&rows) == chambers::arithmetic::Rank::Exactly(nodes)
        {
            invertible += 1;
            assert_eq!(bound, regions.into(), "{case} {}", nets::describe(&network));
            let network = graph_layer(&adjacency, channels, filters, false, &mut rng);
            let regions = count(&network, &everywhere, 1).regions;
            let number = gcn::invertible_without_bias(nodes as u64, d_0, d_1, WORK).unwrap();
            assert_eq!(number, regions.into(), "{case}, no bias");
        }
    }
    assert!(invertible > 20);
}

/// The sum over all t by the letter, for a path of three nodes that all see the middle.
#[test]
fn a_graph_of_rank_one_is_one_node() {
    let row: SparseRow = vec![(0, Number::ONE), (1, Number::from(2))];
    // t_1 + t_2 <= d_0 = 1 for two equal rows: 1 + 2 d_1.
    assert_eq!(
        gcn::upper(&[row.clone(), row.clone()], 1, 5, WORK),
        Ok(11u32.into())
    );
    // d_0 = 2: sum of C(5, t_1) C(5, t_2) over t_1 + t_2 <= 2 is sum_{j<=2} C(10, j).
    assert_eq!(
        gcn::upper(&[row.clone(), row.clone()], 2, 5, WORK),
        Ok(56u32.into())
    );
    // A node that sees nothing has no hyperplanes.
    assert_eq!(gcn::upper(&[row, vec![]], 1, 5, WORK), Ok(6u32.into()));
    assert_eq!(gcn::upper(&[], 1, 5, WORK), Ok(1u32.into()));
    let many = vec![vec![(0, Number::ONE)]; 40];
    assert!(gcn::upper(&many, 1, 5, WORK).is_err());
}
