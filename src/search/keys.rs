//! What the signs of a network's units add to the digest of its patterns.

use super::engine::vertices;
use crate::arithmetic::lanes::LANES;
use crate::arrangement::Chart;
use crate::arrangement::stage::{Class, Stage};
use crate::regions::Sign;
use crate::regions::digest::PatternHash;

/// Keys in the digest, for `-`, `0` and `+`.
pub struct Keys {
    /// How many units there are.
    pub units: usize,
    /// For each layer and class those of all of its units together, as the class has
    /// that sign.
    pub of_classes: Vec<Vec<[PatternHash; 3]>>,
    /// For each layer and four classes what their keys come to, by the bits of those that are
    /// positive; the others are negative. Only where cells may be known by vertices.
    pub of_fours: Vec<Vec<[PatternHash; 1 << LANES]>>,
}

impl Keys {
    /// The keys of a network's units on a chart.
    pub fn new(stages: &[Stage], chart: &Chart) -> Keys {
        let signs = [Sign::Negative, Sign::Zero, Sign::Positive];
        let of_class = |first: usize, class: &Class| {
            signs.map(|sign| {
                let of_unit = |&(unit, opposite): &(usize, bool)| {
                    PatternHash::of_unit(first + unit, if opposite { -sign } else { sign })
                };
                let units = class.members.iter().map(of_unit);
                units.fold(PatternHash::default(), PatternHash::and)
            })
        };
        let layers = stages.iter().enumerate().map(|(layer, stage)| {
            let classes = if layer == 0 {
                &chart.classes[..]
            } else {
                stage.classes()
            };
            let keys = classes
                .iter()
                .map(|class| of_class(stage.first_unit, class));
            keys.collect()
        });
        let of_classes: Vec<Vec<[PatternHash; 3]>> = layers.collect();
        let of_four = |keys: &[[PatternHash; 3]; LANES]| {
            let negative = keys.iter().map(|key| key[0]);
            let mut all = [negative.fold(PatternHash::default(), PatternHash::and); 1 << LANES];
            for (lane, key) in keys.iter().enumerate() {
                let turning = key[0].and(key[2]);
                for positive in 1 << lane..2 << lane {
                    all[positive] = all[positive ^ 1 << lane].and(turning);
                }
            }
            all
        };
        let of_layer = |keys: &Vec<_>| keys.as_chunks().0.iter().map(of_four).collect();
        let wanted = vertices::DIMENSIONS.contains(&chart.dimension);
        let wanted = of_classes.iter().filter(|_| wanted);
        Keys {
            units: stages.iter().map(|stage| stage.units).sum(),
            of_fours: wanted.map(of_layer).collect(),
            of_classes,
        }
    }
}
