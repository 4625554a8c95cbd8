//! States as short keys.

/// One remembered value.
pub(super) trait Cell: Copy + Ord + Default {
    fn new(value: u32) -> Self;
    fn get(self) -> u64;
    fn plus(self, other: Self) -> Self;
    fn minus(self, other: Self) -> Self;

    /// The least difference `high - low`, which is never negative; the largest value
    /// where there are none.
    fn spread(low: &[Self], high: &[Self]) -> u64;
}

macro_rules! cell {
    ($type:ty) => {
        impl Cell for $type {
            #[inline]
            fn new(value: u32) -> Self {
                // Larger numbers are larger than everything they are compared with.
                value.min(<$type>::MAX as u32) as $type
            }

            #[inline]
            fn get(self) -> u64 {
                self as u64
            }

            #[inline]
            fn plus(self, other: Self) -> Self {
                self.saturating_add(other)
            }

            #[inline]
            fn minus(self, other: Self) -> Self {
                self.saturating_sub(other)
            }

            #[inline]
            fn spread(low: &[Self], high: &[Self]) -> u64 {
                let mut least = <$type>::MAX;
                for (low, high) in low.iter().zip(high) {
                    least = least.min(high.saturating_sub(*low));
                }
                least.into()
            }
        }
    };
}

cell!(u8);
cell!(u16);
cell!(u32);

/// Cells to and from 64-bit words.
pub(super) trait Packing {
    type Cell: Cell;

    /// Cells a word.
    const PER_WORD: usize;

    /// The words of so many cells.
    fn words(cells: usize) -> usize {
        cells.div_ceil(Self::PER_WORD)
    }

    /// So many cells with those that fill the last word, which are 0.
    fn padded(cells: usize) -> usize {
        Self::words(cells) * Self::PER_WORD
    }

    /// `cells` fill `words`.
    fn pack(cells: &[Self::Cell], words: &mut [u64]);

    /// Reverses `pack`.
    fn unpack(words: &[u64], cells: &mut [Self::Cell]);
}

/// Cells up to 15.
pub(super) struct Nibbles;
/// Cells up to 255.
pub(super) struct Bytes;
/// Cells up to 65,535.
pub(super) struct Shorts;
/// Cells below 2^32.
pub(super) struct Words;

impl Packing for Nibbles {
    type Cell = u8;
    const PER_WORD: usize = 16;

    #[inline]
    fn pack(cells: &[u8], words: &mut [u64]) {
        for (word, cells) in words.iter_mut().zip(cells.chunks_exact(16)) {
            let (low, high) = cells.split_at(8);
            let low = u64::from_le_bytes(low.try_into().expect("eight bytes"));
            let high = u64::from_le_bytes(high.try_into().expect("eight bytes"));
            *word = low | high << 4;
        }
    }

    #[inline]
    fn unpack(words: &[u64], cells: &mut [u8]) {
        const LOW: u64 = 0x0f0f_0f0f_0f0f_0f0f;
        for (word, cells) in words.iter().zip(cells.chunks_exact_mut(16)) {
            let (low, high) = cells.split_at_mut(8);
            low.copy_from_slice(&(word & LOW).to_le_bytes());
            high.copy_from_slice(&(word >> 4 & LOW).to_le_bytes());
        }
    }
}

macro_rules! packing {
    ($name:ty, $cell:ty, $bytes:literal) => {
        impl Packing for $name {
            type Cell = $cell;
            const PER_WORD: usize = 8 / $bytes;

            #[inline]
            fn pack(cells: &[$cell], words: &mut [u64]) {
                for (word, cells) in words.iter_mut().zip(cells.chunks_exact(8 / $bytes)) {
                    let shifted = |(k, &cell): (usize, &$cell)| (cell as u64) << (8 * $bytes * k);
                    *word = cells.iter().enumerate().map(shifted).sum();
                }
            }

            #[inline]
            fn unpack(words: &[u64], cells: &mut [$cell]) {
                for (word, cells) in words.iter().zip(cells.chunks_exact_mut(8 / $bytes)) {
                    for (k, cell) in cells.iter_mut().enumerate() {
                        *cell = (word >> (8 * $bytes * k)) as $cell;
                    }
                }
            }
        }
    };
}

packing!(Bytes, u8, 1);
packing!(Shorts, u16, 2);
packing!(Words, u32, 4);
