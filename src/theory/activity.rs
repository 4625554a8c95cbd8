//! The activity bound: a layer after a pattern of the one before sees its active units
//! alone, window by window.
//!
//! **Statement.** Units of layer l - 1 that the same groups of layer l see form a class
//! c of n_c units; a profile says how many of each class are active. For a profile a
//! and a dimension d let
//!
//! > G_l(a, d) = min(B_l, sum of prod_g C(n_g, t_g) over the t with sum t_g <= d whose
//! > units can be matched to different active units that they see),
//!
//! where B_l bounds the cells that layer l cuts any one cell into. Let F_{L+1} = 1 and
//!
//! > F_l(a, d) = sum over profiles b of layer l of N_b F_{l+1}(b, min(d, |b|)),
//!
//! where N_b <= 2^v prod_c C(n_c, b_c) for the v units that nothing sees, sum_b N_b <=
//! G_l(a, d), and the b with the largest F_{l+1} are filled first. With all inputs as the profile before the first layer the
//! number of regions is at most F_1, for all weights, in every domain.
//!
//! **Proof.** On a cell with activity profile a the units of layer l are affine
//! functions of the active units alone, so linearly independent ones can be matched to
//! different active units that they see (some term of a non-zero minor is not zero),
//! and they are at most d. As in [`disjoint_paths`](super::disjoint_paths), the cell is
//! cut into at most as many cells as there are such sets: G_l(a, d). At most
//! 2^v prod_c C(n_c, b_c) patterns have profile b, and what comes after one of them is
//! bounded by F_{l+1}(b, min(d, |b|)) by induction. A sum of at most G terms, each kind
//! at most so often, is largest when the largest are taken.
//!
//! **How it compares.** Taking the total |a| for the profile, and sum_{i<=d} C(n_l, i)
//! for the sum over t, gives the [hybrid bound](super::hybrid), which is never smaller.

use std::collections::HashMap;

use num_bigint::BigUint;
use num_traits::{One, Zero};

use super::binomial;
use super::flow::Linking;
use super::formula::{Formula, NoValue, Work};
use super::skeleton::Skeleton;

/// The most profiles of one layer.
const MAX_PROFILES: u64 = 1 << 12;

/// F_1; `bounds` are the B_l.
///
/// # Errors
/// When it takes more than about `work`, or a layer has too many profiles.
///
/// # Panics
/// When there is not one bound for each layer.
pub fn value(skeleton: &Skeleton, bounds: &[BigUint], work: u64) -> Formula<BigUint> {
    assert_eq!(skeleton.layers().len(), bounds.len(), "one bound a layer");
    let mut work = Work::new(work);
    let layers = 0..bounds.len();
    let levels = layers.map(|layer| Level::new(skeleton, layer, &bounds[layer], &mut work));
    let levels: Vec<Level> = levels.collect::<Formula<_>>()?;
    let mut recursion = Recursion {
        counts: vec![HashMap::new(); levels.len()],
        values: vec![HashMap::new(); levels.len()],
        levels,
        work,
    };
    let inputs = match recursion.levels.first() {
        None => return Ok(BigUint::one()),
        Some(level) => level.linking.input_classes().to_vec(),
    };
    recursion.value(0, &inputs, skeleton.inputs() as u64)
}

/// One layer as a function of the activity of the one before.
struct Level {
    /// To the classes of what the layer sees.
    linking: Linking,
    /// For each group the binomials C(n_g, t).
    rows: Vec<Vec<BigUint>>,
    bound: BigUint,
    /// The profiles of what it sees, each with the number of its patterns; for the
    /// first layer none are needed.
    profiles: Vec<(Vec<u64>, BigUint)>,
}

impl Level {
    fn new(skeleton: &Skeleton, layer: usize, bound: &BigUint, work: &mut Work) -> Formula<Self> {
        let single = skeleton.single(layer);
        let linking = Linking::new(&single);
        let alone = &single.layers()[0];
        let seen = alone.windows().iter().map(Vec::len);
        let sizes = alone.sizes().iter().zip(seen);
        let rows = sizes
            .map(|(&units, seen)| binomial::row(units, seen.min(skeleton.inputs()) as u64, work));
        Ok(Level {
            rows: rows.collect::<Formula<_>>()?,
            bound: bound.clone(),
            profiles: match layer {
                0 => Vec::new(),
                _ => profiles(linking.input_classes(), single.inputs() as u64, work)?,
            },
            linking,
        })
    }
}

/// All profiles of classes of these sizes, and how many patterns of all units have them.
fn profiles(classes: &[u64], units: u64, work: &mut Work) -> Formula<Vec<(Vec<u64>, BigUint)>> {
    let number = classes
        .iter()
        .try_fold(1u64, |number, size| number.checked_mul(size + 1));
    if number.is_none_or(|number| number > MAX_PROFILES) {
        return Err(NoValue::TooLarge);
    }
    let unseen = units - classes.iter().sum::<u64>();
    work.spend(unseen / 8)?;
    let mut profiles = vec![(Vec::new(), BigUint::one() << unseen)];
    for &size in classes {
        let row = binomial::row(size, size, work)?;
        let mut longer = Vec::with_capacity(profiles.len() * row.len());
        for (profile, patterns) in profiles {
            for (active, binomial) in (0..).zip(&row) {
                let mut profile = profile.clone();
                profile.push(active);
                longer.push((profile, &patterns * binomial));
            }
        }
        profiles = longer;
    }
    Ok(profiles)
}

struct Recursion {
    levels: Vec<Level>,
    /// For a layer and a profile before it the sums over t by |t|.
    counts: Vec<HashMap<Vec<u64>, Vec<BigUint>>>,
    /// F_l, for arguments that were asked for.
    values: Vec<HashMap<(Vec<u64>, u64), BigUint>>,
    work: Work,
}

impl Recursion {
    /// F_l(profile, d), layers counted from 0.
    fn value(&mut self, layer: usize, profile: &[u64], d: u64) -> Formula<BigUint> {
        if layer == self.levels.len() {
            return Ok(BigUint::one());
        }
        let key = (profile.to_vec(), d);
        if let Some(value) = self.values[layer].get(&key) {
            return Ok(value.clone());
        }
        let mut patterns = self.patterns(layer, profile, d)?;
        let value = match self.levels.get(layer + 1) {
            None => patterns,
            Some(next) => {
                let profiles = next.profiles.clone();
                self.work.spend(100 * profiles.len() as u64)?;
                let mut after = Vec::with_capacity(profiles.len());
                for (profile, number) in profiles {
                    let active = profile.iter().sum();
                    after.push((self.value(layer + 1, &profile, d.min(active))?, number));
                }
                after.sort_by(|a, b| b.0.cmp(&a.0));
                let mut sum = BigUint::zero();
                for (value, number) in after {
                    let taken = number.min(patterns.clone());
                    sum += &value * &taken;
                    patterns -= taken;
                    if patterns.is_zero() {
                        break;
                    }
                }
                sum
            }
        };
        self.values[layer].insert(key, value.clone());
        Ok(value)
    }

    /// G_l(profile, d).
    fn patterns(&mut self, layer: usize, profile: &[u64], d: u64) -> Formula<BigUint> {
        let Recursion {
            levels,
            counts,
            work,
            ..
        } = self;
        let level = &mut levels[layer];
        if !counts[layer].contains_key(profile) {
            level.linking.set_input_classes(profile);
            let mut by_size = Vec::new();
            let one = BigUint::one();
            add(
                &mut level.linking,
                &level.rows,
                0,
                (0, &one),
                &mut by_size,
                work,
            )?;
            counts[layer].insert(profile.to_vec(), by_size);
        }
        let by_size = &counts[layer][profile];
        let sum: BigUint = by_size.iter().take(d as usize + 1).sum();
        Ok(sum.min(level.bound.clone()))
    }
}

/// Adds to `by_size` the products of binomials over all t, where those of the groups
/// before `group` are linked, with their size and weight.
fn add(
    linking: &mut Linking,
    rows: &[Vec<BigUint>],
    group: usize,
    (size, weight): (usize, &BigUint),
    by_size: &mut Vec<BigUint>,
    work: &mut Work,
) -> Formula<()> {
    if group == rows.len() {
        if by_size.len() <= size {
            by_size.resize(size + 1, BigUint::zero());
        }
        by_size[size] += weight;
        return Ok(());
    }
    let steps = linking.steps();
    let before = linking.paths();
    work.spend(linking.steps() - steps)?;
    for (t, binomial) in rows[group].iter().enumerate() {
        let steps = linking.steps();
        if t > 0 && !linking.link(group) {
            break;
        }
        work.spend(linking.steps() - steps + 1)?;
        let weight = weight * binomial;
        add(linking, rows, group + 1, (size + t, &weight), by_size, work)?;
    }
    linking.restore(before);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::Architecture;
    use crate::theory::formula::WORK;
    use crate::theory::{disjoint_paths, hybrid};

    fn skeleton(line: &str) -> Skeleton {
        Skeleton::of_architecture(&Architecture::parse(line).unwrap())
    }

    fn bounds(skeleton: &Skeleton) -> Vec<BigUint> {
        let layers = 1..=skeleton.layers().len();
        let factor = |layers| disjoint_paths::factor(&skeleton.prefix(layers), WORK);
        layers.map(|layers| factor(layers).unwrap()).collect()
    }

    #[test]
    fn dense_layers_give_the_hybrid_bound() {
        for line in [
            "3; dense 4",
            "3; dense 4; dense 5",
            "2; dense 3; dense 3; dense 4",
        ] {
            let skeleton = skeleton(line);
            let bounds = bounds(&skeleton);
            assert_eq!(
                value(&skeleton, &bounds, WORK),
                hybrid::value(skeleton.inputs() as u64, &skeleton.widths(), &bounds, WORK),
                "{line}"
            );
        }
    }

    #[test]
    fn windows_make_it_smaller() {
        for d2 in 1..=8 {
            let skeleton = skeleton(&format!("1x4x1; conv 2@1x2; conv {d2}@1x2"));
            let bounds = bounds(&skeleton);
            let hybrid = hybrid::value(4, &skeleton.widths(), &bounds, WORK).unwrap();
            let own = value(&skeleton, &bounds, WORK).unwrap();
            assert!(own <= hybrid && (d2 == 1 || own < hybrid), "{d2}: {own}");
        }
    }
}
