//! The receptive-field bound: Theorem 2's (4) for every layer, with windows onto the
//! network's own inputs.
//!
//! **Statement.** Let the groups of layer l see the inputs V_g of the network (their
//! receptive fields; Theorem 4 of Xiong et al. 2020 gives their size), and K_l be the
//! vectors t with sum_{g in J} t_g <= #(union of V_g over J) for all sets J of groups.
//! Then, for all weights and in every domain,
//!
//! > R <= prod over layers l of sum over t in K_l of prod_g C(n_g, t_g).
//!
//! **Proof.** On a cell of the layers before l the units of layer l are affine functions
//! of the inputs in their fields, so Proposition 2 of the paper's supplement bounds the
//! cells that they cut it into. Multiply over the layers.
//!
//! **How it compares.** All t in K_l have sum_g t_g <= n_0, so that a layer's factor is at
//! most sum_{i<=n_0} C(n_l, i), that of (9) in [Theorem 5](super::theorem5).
//!
//! ```
//! use chambers::network::Architecture;
//! use chambers::theory::theorem2::Budget;
//! use chambers::theory::{Skeleton, receptive_field};
//! let line = "1x4x1; conv 2@1x2; conv 4@1x2";
//! let skeleton = Skeleton::of_architecture(&Architecture::parse(line).unwrap());
//! let factors = receptive_field::factors(&skeleton, &Budget::default()).unwrap();
//! assert_eq!(factors[0].clone() * &factors[1], 8855u32.into()); // (9): 8965
//! ```

use num_bigint::BigUint;

use super::formula::{Formula, NoValue};
use super::skeleton::{Layer, Skeleton};
use super::theorem2::{self, Budget};

/// The bound's factors, one a layer. Where a sum is out of reach its factor is a
/// larger bound.
///
/// # Errors
/// When the fields fill too much memory.
pub fn factors(skeleton: &Skeleton, budget: &Budget) -> Formula<Vec<BigUint>> {
    let fields = skeleton.receptive_fields().ok_or(NoValue::TooLarge)?;
    let layers = skeleton.layers().iter().zip(fields);
    let factor = |(layer, fields): (&Layer, Vec<Vec<u32>>)| {
        theorem2::value(&layer.groups_with(&fields), budget).upper
    };
    Ok(layers.map(factor).collect())
}
