//! Theorem 4 of Xiong et al. (ICML 2020): two convolutions without an activation
//! between them are one.
//!
//! **Statement.** A convolution with filters of size f_1 and stride s_1, then one of
//! size f_2 and stride s_2, without padding, make a convolution with filters of size
//! f_1 + s_1 (f_2 - 1) and stride s_1 s_2, along each axis. For s_1 > f_1 the window
//! has holes.
//!
//! The filters that come about are special among those of that size, so that Theorem 2
//! only bounds the composed layer; [`Skeleton`](super::Skeleton) therefore composes
//! windows, holes and padding included, and says so.

/// A window along one axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// The filter's size.
    pub size: usize,
    /// The step between positions.
    pub stride: usize,
}

impl Window {
    /// The window of this layer and then another, holes filled in; `None` when the
    /// numbers do not fit.
    ///
    /// ```
    /// use chambers::theory::theorem4::Window;
    /// let first = Window { size: 3, stride: 2 };
    /// let second = Window { size: 2, stride: 1 };
    /// assert_eq!(first.then(second), Some(Window { size: 5, stride: 2 }));
    /// ```
    pub fn then(self, next: Window) -> Option<Window> {
        let further = next.size.checked_sub(1)?.checked_mul(self.stride)?;
        Some(Window {
            size: self.size.checked_add(further)?,
            stride: self.stride.checked_mul(next.stride)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::Architecture;
    use crate::theory::Skeleton;

    /// The receptive fields of two layers are found from the layers' own windows.
    #[test]
    fn receptive_fields_are_its_windows() {
        let mut checked = 0;
        for n in 3..=12 {
            for (f1, s1, f2, s2) in
                (0..81).map(|k| (k % 3 + 1, k / 3 % 3 + 1, k / 9 % 3 + 1, k / 27 + 1))
            {
                let line = format!("1x{n}x1; conv 1@1x{f1} stride {s1}; conv 1@1x{f2} stride {s2}");
                let Ok(architecture) = Architecture::parse(&line) else {
                    continue;
                };
                let skeleton = Skeleton::of_architecture(&architecture);
                let fields = &skeleton.receptive_fields().unwrap()[1];
                let first = Window {
                    size: f1,
                    stride: s1,
                };
                let window = first
                    .then(Window {
                        size: f2,
                        stride: s2,
                    })
                    .unwrap();
                // Lemma 1 for the composed layer gives as many positions.
                assert_eq!(
                    (n - window.size) / window.stride + 1,
                    fields.len(),
                    "{line}"
                );
                for (position, field) in fields.iter().enumerate() {
                    let start = position * window.stride;
                    let hull = start as u32..(start + window.size) as u32;
                    assert_eq!(field.first(), Some(&hull.start), "{line}");
                    assert_eq!(field.last(), Some(&(hull.end - 1)), "{line}");
                    if s1 <= f1 {
                        assert_eq!(*field, hull.collect::<Vec<u32>>(), "{line}");
                    }
                }
                checked += 1;
            }
        }
        assert!(checked > 400, "{checked} architectures");
    }
}
