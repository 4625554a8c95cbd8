//! The disjoint-paths bound: Theorem 5 (9) of Xiong et al. 2020 with each layer held
//! to what paths through the network allow.
//!
//! **Statement.** Let K_l be the vectors t such that t_g units of every group g of
//! layer l can be linked to different inputs by paths that share no unit. Then for all
//! weights, and in every domain,
//!
//! > R <= prod over layers l of sum over t in K_l of prod_g C(n_g, t_g).
//!
//! **Proof.** On a cell of the layers before l the units of layer l are affine
//! functions of the input, so they cut it into at most as many cells as their
//! arrangement has regions in R^n. That number is the number of sets of hyperplanes
//! that contain no broken circuit (Stanley 2004, Theorem 2.4 and section 4.1); such
//! sets are linearly independent, hence linkable (see [`flow`](super::flow)), and
//! whether a set is linkable depends only on how many units of each group it has.
//! Multiply over the layers.
//!
//! **How it compares.** A linkable set can be matched to inputs of its receptive
//! fields, so the bound is at most the [receptive-field
//! bound](super::receptive_field), and that is at most (9). It is smaller where a layer
//! in between has fewer units than would have to pass.
//!
//! Three inputs through one unit: the second layer sees a line.
//!
//! ```
//! use chambers::network::Architecture;
//! use chambers::theory::{Skeleton, disjoint_paths};
//! let line = "3; dense 1; dense 4";
//! let skeleton = Skeleton::of_architecture(&Architecture::parse(line).unwrap());
//! let factors = disjoint_paths::factor(&skeleton, 1_000_000).unwrap();
//! assert_eq!(factors.to_string(), "5"); // 1 + 4, not 1 + 4 + 6 + 4
//! ```

use num_bigint::BigUint;
use num_traits::{One, Zero};

use super::binomial;
use super::flow::Linking;
use super::formula::{Formula, NoValue, Work};
use super::skeleton::Skeleton;

/// The most groups of a layer: the sum goes as deep, and has far too many terms anyway.
const MAX_GROUPS: usize = 1000;

/// The bound's factor for the last layer of `skeleton`; one without layers.
///
/// # Errors
/// When it takes more than about `work`.
pub fn factor(skeleton: &Skeleton, work: u64) -> Formula<BigUint> {
    let Some(layer) = skeleton.layers().last() else {
        return Ok(BigUint::one());
    };
    if layer.windows().len() > MAX_GROUPS {
        return Err(NoValue::TooLarge);
    }
    let mut linking = Linking::new(skeleton);
    let sizes = layer.sizes();
    // No more than the inputs, and those in its window, can be linked.
    let most = |group: usize| {
        let seen = layer.windows()[group].len().min(skeleton.inputs());
        sizes[group].min(seen as u64)
    };
    if let [size] = *sizes {
        let mut dimension = 0;
        while dimension < most(0) && linking.link(0) {
            dimension += 1;
            if linking.steps() > work {
                return Err(NoValue::TooLarge);
            }
        }
        return binomial::sum(size, dimension, &mut Work::new(work));
    }
    let mut left = Work::new(work);
    let rows = (0..sizes.len()).map(|group| binomial::row(sizes[group], most(group), &mut left));
    let rows: Vec<Vec<BigUint>> = rows.collect::<Formula<_>>()?;
    sum(&mut linking, 0, &rows, work)
}

/// The sum over t_g for all g from `group` on, given the paths of those before.
fn sum(linking: &mut Linking, group: usize, rows: &[Vec<BigUint>], work: u64) -> Formula<BigUint> {
    let before = linking.paths();
    let mut total = BigUint::zero();
    for (t, binomial) in rows[group].iter().enumerate() {
        if t > 0 && !linking.link(group) {
            break;
        }
        if linking.steps() > work {
            return Err(NoValue::TooLarge);
        }
        let rest = match group + 1 == rows.len() {
            true => BigUint::one(),
            false => sum(linking, group + 1, rows, work)?,
        };
        total += binomial * rest;
    }
    linking.restore(before);
    Ok(total)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::Architecture;

    fn skeleton(line: &str) -> Skeleton {
        Skeleton::of_architecture(&Architecture::parse(line).unwrap())
    }

    /// Whether the units can be linked, by trying all assignments layer by layer:
    /// Rado's theorem is not used, only what "disjoint paths" means.
    fn linkable(skeleton: &Skeleton, layer: usize, units: &[u32]) -> bool {
        let windows: Vec<&[u32]> = units
            .iter()
            .map(|&u| {
                let layer = &skeleton.layers()[layer];
                &layer.windows()[layer.members()[u as usize] as usize][..]
            })
            .collect();
        fn choose(
            windows: &[&[u32]],
            chosen: &mut Vec<u32>,
            accept: &dyn Fn(&[u32]) -> bool,
        ) -> bool {
            let Some((first, rest)) = windows.split_first() else {
                return accept(chosen);
            };
            first.iter().any(|&value| {
                if chosen.contains(&value) {
                    return false;
                }
                chosen.push(value);
                let found = choose(rest, chosen, accept);
                chosen.pop();
                found
            })
        }
        choose(&windows, &mut Vec::new(), &|chosen| {
            layer == 0 || linkable(skeleton, layer - 1, chosen)
        })
    }

    #[test]
    fn it_is_the_number_of_linkable_sets() {
        for line in [
            "1x4x1; conv 2@1x2; conv 3@1x2",
            "1x4x1; conv 1@1x2; conv 3@1x2",
            "1x5x1; conv 1@1x3 stride 2; conv 4@1x2",
            "3; dense 2; dense 4",
            "4; dense 3; dense 2; dense 4",
            "1x4x2; conv 2@1x2 groups 2; conv 4@1x2 groups 2",
            "2x3x1; conv 1@2x2; conv 2@1x1; dense 5",
            "1x4x1; conv 2@1x2 pad 0x1 stride 2; conv 2@1x2",
            "1x3x1; conv 1@1x1; conv 2@1x2; conv 2@1x2; dense 3",
        ] {
            let skeleton = skeleton(line);
            let last = skeleton.layers().len() - 1;
            let units = skeleton.layers()[last].units() as u32;
            let sets = (0u32..1 << units).filter(|set| {
                let members: Vec<u32> = (0..units).filter(|u| set >> u & 1 == 1).collect();
                linkable(&skeleton, last, &members)
            });
            let expected = BigUint::from(sets.count());
            assert_eq!(factor(&skeleton, 1 << 30), Ok(expected), "{line}");
        }
    }

    #[test]
    fn too_much_work_is_refused() {
        assert_eq!(
            factor(&skeleton("1x8x1; conv 4@1x2; conv 4@1x2"), 1000),
            Err(NoValue::TooLarge)
        );
    }
}
