//! How large a network may be: a few digits in a file or on the command line can
//! ask for more memory than any machine has, so sizes are checked before building.

use super::Convolution;

/// The most values of one tensor, and the most stored entries of one network. At 20
/// bytes an entry this is 5 GiB; no exact count gets near a network of this size.
pub const MAX_ENTRIES: usize = 1 << 28;

/// The most stored entries of a network made from one line of text: drawing so many
/// random weights takes seconds.
pub const MAX_RANDOM_ENTRIES: usize = 1 << 26;

/// The most inputs that the positions of all layers of an architecture see, each
/// position counted once and not once a filter: what formulas look at.
pub const MAX_WINDOW_ENTRIES: usize = 1 << 26;

/// The most layers of a network. The search recurses once a layer: this many fit into
/// the smallest stack that it starts with, and deep networks as they are used have a
/// few hundred.
pub const MAX_LAYERS: usize = 10_000;

/// How many values a tensor of these axes has; `None` when there are too many.
pub fn tensor_len(axes: &[usize]) -> Option<usize> {
    axes.iter()
        .try_fold(1usize, |len, &axis| len.checked_mul(axis))
        .filter(|&len| len <= MAX_ENTRIES)
}

/// What is wrong with a convolution, in its geometry or in its size; to be asked
/// before [`Affine::convolution`](super::Affine::convolution) when the sizes come
/// from outside.
pub fn convolution_problem(conv: &Convolution) -> Option<String> {
    if let Some(problem) = geometry_problem(conv) {
        return Some(problem);
    }
    let [height, width] = conv.positions()?;
    let group_channels = conv.channels / conv.groups;
    let [kernel_height, kernel_width] = conv.kernel;
    // Every tap at every position.
    let stored = [
        height,
        width,
        conv.filters,
        group_channels,
        kernel_height,
        kernel_width,
    ];
    match tensor_len(&stored) {
        Some(_) => None,
        None => Some(format!("the layer has more than {MAX_ENTRIES} entries")),
    }
}

/// The same for a layer whose weights nobody wants: its images and its filters fit.
pub fn geometry_problem(conv: &Convolution) -> Option<String> {
    if let Some(problem) = conv.problem() {
        return Some(problem);
    }
    let too_large = || Some(format!("the layer has more than {MAX_ENTRIES} entries"));
    let Some([height, width]) = conv.positions() else {
        return too_large();
    };
    let group_channels = conv.channels / conv.groups;
    let sizes = [
        &[conv.input[0], conv.input[1], conv.channels][..],
        &[height, width, conv.filters],
        &[conv.filters, group_channels, conv.kernel[0], conv.kernel[1]],
    ];
    if sizes.iter().any(|size| tensor_len(size).is_none()) {
        return too_large();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::ChannelOrder;

    #[test]
    fn absurd_sizes_are_told_without_overflow() {
        assert_eq!(tensor_len(&[3, 4, 5]), Some(60));
        assert_eq!(tensor_len(&[usize::MAX, 2]), None);
        let mut conv = Convolution::new([4, 4], 1, 8, [3, 3], ChannelOrder::Last);
        assert_eq!(convolution_problem(&conv), None);
        conv.pad_end = [1 << 40, 1 << 40];
        assert!(convolution_problem(&conv).is_some());
        conv.pad_end = [usize::MAX, 0];
        assert!(convolution_problem(&conv).is_some());
    }
}
