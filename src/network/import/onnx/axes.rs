//! Arithmetic on the sizes of a tensor's axes: numbers of entries, broadcasting,
//! and where an entry stands. Nothing here may overflow on a malicious file.

/// More entries than this and the tensor is refused: an index fits 32 bits.
pub const MOST_ELEMENTS: usize = 1 << 31;

/// More axes than this and the tensor is refused.
pub const MOST_AXES: usize = 32;

/// How many entries a tensor of these axes has, or why it cannot exist.
pub fn elements(axes: &[usize]) -> Result<usize, String> {
    if axes.len() > MOST_AXES {
        return Err(format!(
            "a tensor of {} axes, more than {MOST_AXES}",
            axes.len()
        ));
    }
    // An empty tensor too must have axes whose sizes multiply without overflow.
    let bound = axes
        .iter()
        .try_fold(1usize, |product, &axis| product.checked_mul(axis.max(1)));
    if bound.is_none_or(|count| count > MOST_ELEMENTS) {
        return Err(format!(
            "a tensor of shape {}, more than {MOST_ELEMENTS} entries",
            shown(axes)
        ));
    }
    Ok(axes.iter().product())
}

/// `[1, 28, 28]`
pub fn shown(axes: &[usize]) -> String {
    let axes: Vec<String> = axes.iter().map(usize::to_string).collect();
    format!("[{}]", axes.join(", "))
}

/// How far apart, in row-major order, neighbours along each axis stand.
pub fn strides(axes: &[usize]) -> Vec<usize> {
    let mut strides = vec![1usize; axes.len()];
    for axis in (1..axes.len()).rev() {
        strides[axis - 1] = strides[axis] * axes[axis];
    }
    strides
}

/// The axes of two tensors broadcast against each other as in NumPy, or `None`
/// when they do not fit.
pub fn broadcast(a: &[usize], b: &[usize]) -> Option<Vec<usize>> {
    let rank = a.len().max(b.len());
    let size = |axes: &[usize], from_end: usize| {
        axes.len()
            .checked_sub(from_end)
            .map_or(1, |axis| axes[axis])
    };
    (1..=rank)
        .rev()
        .map(|from_end| match (size(a, from_end), size(b, from_end)) {
            (x, y) if x == y => Some(x),
            (x, 1) => Some(x),
            (1, y) => Some(y),
            _ => None,
        })
        .collect()
}

/// The strides of a tensor seen under the larger axes `to` that it broadcasts to.
pub fn broadcast_strides(axes: &[usize], to: &[usize]) -> Vec<usize> {
    let missing = to.len() - axes.len();
    let own = strides(axes);
    (0..to.len())
        .map(|axis| match axis.checked_sub(missing) {
            Some(axis) if axes[axis] != 1 => own[axis],
            _ => 0,
        })
        .collect()
}

/// For every entry of a tensor of these axes, in row-major order, the sum of its
/// indices times `strides`.
pub fn offsets(axes: &[usize], strides: &[usize]) -> Vec<usize> {
    let mut offsets = vec![0];
    for (&size, &stride) in axes.iter().zip(strides) {
        offsets = offsets
            .iter()
            .flat_map(|&start| (0..size).map(move |k| start + k * stride))
            .collect();
    }
    offsets
}

/// The index along each axis of entry `flat`.
pub fn index(axes: &[usize], flat: usize) -> Vec<usize> {
    strides(axes)
        .iter()
        .zip(axes)
        .map(|(&stride, &size)| flat / stride.max(1) % size.max(1))
        .collect()
}

/// An axis of a tensor of this rank; negative ones count from the end.
pub fn resolve(axis: i64, rank: usize) -> Option<usize> {
    let signed = i64::try_from(rank).ok()?;
    let axis = if axis < 0 {
        axis.checked_add(signed)?
    } else {
        axis
    };
    usize::try_from(axis).ok().filter(|&axis| axis < rank)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absurd_sizes_are_refused() {
        assert_eq!(elements(&[2, 3]), Ok(6));
        assert_eq!(elements(&[]), Ok(1));
        assert!(elements(&[1 << 16, 1 << 16]).is_err());
        assert!(elements(&[usize::MAX, usize::MAX]).is_err());
        assert!(elements(&[0, 1 << 40, 1 << 40]).is_err());
        assert_eq!(elements(&[0, 3]), Ok(0));
        assert!(elements(&[1; 33]).is_err());
    }

    #[test]
    fn broadcasting_follows_numpy() {
        assert_eq!(broadcast(&[4, 1], &[3]), Some(vec![4, 3]));
        assert_eq!(broadcast(&[], &[2, 1]), Some(vec![2, 1]));
        assert_eq!(broadcast(&[2], &[3]), None);
        let to = [2, 3];
        assert_eq!(
            offsets(&to, &broadcast_strides(&[3], &to)),
            [0, 1, 2, 0, 1, 2]
        );
        assert_eq!(
            offsets(&to, &broadcast_strides(&[2, 1], &to)),
            [0, 0, 0, 1, 1, 1]
        );
        assert_eq!(offsets(&to, &broadcast_strides(&[], &to)), [0; 6]);
    }

    #[test]
    fn entries_and_axes_are_found() {
        assert_eq!(index(&[2, 3], 5), [1, 2]);
        assert_eq!(resolve(-1, 3), Some(2));
        assert_eq!(resolve(-4, 3), None);
        assert_eq!(resolve(3, 3), None);
        assert_eq!(resolve(i64::MIN, 3), None);
    }
}
