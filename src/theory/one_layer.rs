//! What is proved of one layer alone, from below.

use num_bigint::BigUint;

use super::skeleton::{Kind, Layer};
use super::theorem2::{self, Budget, Group};
use super::{Exactness, generic};
use crate::network::Convolution;

/// A lower bound on the regions of this layer alone for almost all weights and biases,
/// and how it is known; `None` where no proof covers the layer. Counting independent
/// sets may take `steps`.
pub fn lower(layer: &Layer, steps: u64) -> Option<(BigUint, &'static str)> {
    if layer.reading().exactness == Exactness::Exact {
        let value = theorem2::value(&layer.groups(), &Budget::default());
        return Some((value.lower, "Theorem 2, exact here"));
    }
    let budget = generic::Budget {
        steps,
        ..generic::Budget::default()
    };
    let generic = layer
        .shared_rows()
        .and_then(|rows| generic::count(&rows, &budget));
    match generic {
        Some(count) => Some((count.value, "independent sets of units, counted")),
        None => strips_lower(layer),
    }
}

/// A lower bound from rows of positions, one at a time: each keeps the inputs that no
/// later row sees, where it is a convolution in one dimension. The matrix of
/// independent units of all rows is then block-triangular with independent blocks, so
/// that the product of the rows' numbers is a lower bound.
pub fn strips_lower(layer: &Layer) -> Option<(BigUint, &'static str)> {
    let Kind::Convolution(conv) = layer.kind() else {
        return None;
    };
    if !layer.is_biased() {
        return None;
    }
    let strips = [0, 1].into_iter().filter_map(|axis| {
        let groups = strips(conv, layer, axis)?;
        Some(theorem2::value(&groups, &Budget::default()).lower)
    });
    Some((
        strips.max()?,
        "rows of positions, each with inputs of its own",
    ))
}

/// The layer's groups, each with the inputs only that no later row of positions along
/// `axis` sees; `None` where the rows are not one-dimensional convolutions without
/// holes, or are padded.
fn strips(conv: &Convolution, layer: &Layer, axis: usize) -> Option<Vec<Group>> {
    let other = 1 - axis;
    if conv.dilation[other] != 1 || conv.pad_begin[axis] != 0 || conv.pad_end[axis] != 0 {
        return None;
    }
    let positions = conv.positions()?;
    // The first position along the axis whose window starts after this input, less one.
    let owner = |at: usize| (at / conv.stride[axis]).min(positions[axis] - 1);
    let mut coordinate = vec![0; conv.input[0] * conv.input[1] * conv.channels];
    for row in 0..conv.input[0] {
        for column in 0..conv.input[1] {
            for channel in 0..conv.channels {
                let at = [row, column];
                coordinate[conv.index(conv.input, conv.channels, at, channel)] = at[axis];
            }
        }
    }
    let clipped = layer.windows().iter().map(|window| {
        let start = window.iter().map(|&k| coordinate[k as usize]).min()?;
        let own = window.iter().copied();
        Some(
            own.filter(|&k| owner(coordinate[k as usize]) == owner(start))
                .collect(),
        )
    });
    let windows: Vec<Vec<u32>> = clipped.collect::<Option<_>>()?;
    Some(layer.groups_with(&windows))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::Architecture;
    use crate::theory::Skeleton;

    fn layer(line: &str) -> Layer {
        Skeleton::of_architecture(&Architecture::parse(line).unwrap()).layers()[0].clone()
    }

    /// The true values are those of the reference table, confirmed by enumeration.
    #[test]
    fn strips_stay_below_the_true_number() {
        for (line, truth) in [
            ("3x3x1; conv 2@2x2", 255u64),
            ("3x3x1; conv 3@2x2", 3998),
            ("3x3x1; conv 6@2x2", 2_202_621),
            ("3x4x1; conv 2@2x2", 4061),
            ("3x4x1; conv 4@2x2", 8_521_389),
            ("4x4x1; conv 2@2x2", 257_108),
            ("5x5x1; conv 2@3x3", 262_143),
        ] {
            let layer = layer(line);
            let (lower, _) = strips_lower(&layer).unwrap();
            assert!(lower <= truth.into(), "{line}: {lower}");
        }
    }

    #[test]
    fn strips_are_products_of_one_dimensional_layers() {
        // The first row of positions keeps one row of inputs, the second both of its own.
        let (value, _) = strips_lower(&layer("3x3x1; conv 2@2x2")).unwrap();
        let (first, _) = strips_lower(&layer("1x3x1; conv 2@1x2")).unwrap();
        let (second, _) = strips_lower(&layer("1x3x2; conv 2@1x2")).unwrap();
        assert_eq!(value, first * second);
        assert!(strips_lower(&layer("3x3x1; conv 2@2x2 nobias")).is_none());
        assert!(strips_lower(&layer("3x3x1; conv 2@2x2 pad 1")).is_none());
    }
}
