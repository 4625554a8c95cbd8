//! Layers that a cell looks at while their forms become known, against those that it looks at when
//! all is known.

use super::hard::{Hard, with_box};
use super::*;
use crate::arithmetic::Number;
use crate::arithmetic::lanes::plain_only::both;
use crate::arrangement::Domain;
use crate::arrangement::chart::charts;
use crate::arrangement::stage::stages;
use crate::network::{Affine, Layer, Network, Shape};
use crate::regions::Sign;
use crate::search::level::{Content, Level};
use crate::search::settled::Settled;

/// Weights of which many are zero, and whose sizes tell floats too much in some trials.
fn weights(random: &mut Random, count: usize, style: u64) -> Vec<Number> {
    let zeros = random.below(3);
    let weight = |_| match (random.below(3) < zeros, style) {
        (true, 1..=4) => Number::ZERO,
        (_, 2) => Number::from_rational(rational(random.unit() * power_of_two(420))),
        (_, 3) => Number::parse("1/3").unwrap(),
        (_, 5..=7) if count < 12 => Number::from(40 - random.below(81) as i64),
        _ => Number::from_rational(rational(random.unit())),
    };
    (0..count).map(weight).collect()
}

#[test]
fn layers_seen_at_once_are_those_looked_at_later() {
    both(|| {
        let random = &mut Random(31);
        let mut tally = Tally::default();
        for trial in 0..2400 {
            let d = 2 + trial % 4;
            with_box(d, 1 + random.below(8) as i64, |_, mut cell, polyhedron| {
                for place in 0..random.below(4) as u32 {
                    let known = Hard { random, d }.row(&cell, &polyhedron);
                    if verdict_on(&cell, &known.target) == Verdict::Cuts
                        && cell.cut(&known.target, place)
                    {
                        cell.keep(if random.below(2) == 0 { 1 } else { -1 });
                    }
                }
                let widths = [1 + random.below(9) as usize, 1 + random.below(11) as usize];
                let style = random.below(8);
                let mut network = Network::new(Shape::new([d]));
                for (inputs, outputs) in [(d, widths[0]), (widths[0], widths[1])] {
                    let weight = weights(random, inputs * outputs, style);
                    let bias = weights(random, outputs, style);
                    let affine = Affine::dense(inputs, outputs, weight, bias).unwrap();
                    network.push(Layer::Affine(affine)).unwrap();
                    network.push(Layer::Relu).unwrap();
                }
                let stages = stages(&network);
                let charts = charts(&stages, &Domain::everything(d));
                // One with fewer dimensions is for other cells.
                let Some(chart) = charts.first().filter(|chart| chart.dimension == d) else {
                    return;
                };
                let domain = Level::domain(chart);
                let first = Level::first(&domain, chart);
                let active = (0..widths[0]).map(|_| random.below(3) > 0);
                let signs: Vec<Sign> = active
                    .map(|active| [Sign::Negative, Sign::Positive][usize::from(active)])
                    .collect();
                let mut later = cell.clone();
                let (mut settled, mut expected) = (Settled::default(), Settled::default());
                settled.push(7, 1);
                let mut seen = None;
                let level = first.next_seen_by(
                    &mut cell,
                    (&mut seen, &mut settled),
                    &stages[1],
                    &signs,
                    Box::default(),
                );
                let other = first.next(&stages[1], &signs, Box::default());
                assert_eq!(level.len(), other.len());
                for class in 0..other.len() as u32 {
                    let [a, b] = [&level, &other].map(|level| format!("{:?}", level.target(class)));
                    assert_eq!(a, b);
                }
                let Some(known) = seen else {
                    tally.note("refused", d);
                    return;
                };
                let content = |class| other.content(class);
                assert!((0..other.len()).all(|class| content(class) == Content::Hyperplane));
                later.candidates = (0..other.len() as u32).collect();
                assert_eq!(later.look(&other, &mut expected), known);
                assert!(settled.sides().eq(expected.sides()));
                assert_eq!(settled.len(), expected.len());
                assert_eq!(cell.candidates, later.candidates);
                let all = cell.candidates.is_empty();
                tally.note(if all { "settled" } else { "cut" }, d);
                if !known {
                    tally.note("unknown", d);
                }
            });
        }
        tally.demand(5, "settled, cut, refused", &[2, 3, 4, 5]);
    });
}
