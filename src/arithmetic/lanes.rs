//! Four floats at a time: in the processor's vector registers where it has them, found
//! out at run time, and as arrays elsewhere.

#[cfg(target_arch = "x86_64")]
use std::sync::atomic::{AtomicU8, Ordering};

/// How many floats.
pub const LANES: usize = 4;

/// Four floats. Comparisons give a bit for each lane, the first lowest, or pick lanes.
pub trait Lanes: Copy {
    /// The same float four times.
    fn all(value: f64) -> Self;
    /// From memory.
    fn load(from: &[f64; LANES]) -> Self;
    /// To memory.
    fn store(self, to: &mut [f64; LANES]);
    /// Lane by lane.
    fn plus(self, other: Self) -> Self;
    /// `self + a * b`, rounded once or twice.
    fn plus_product(self, a: Self, b: Self) -> Self;
    /// Becomes [`Lanes::plus_product`], where it is: for sums that grow in a loop.
    fn add_product(&mut self, a: Self, b: Self);
    /// `self - a * b`, rounded once or twice.
    fn minus_product(self, a: Self, b: Self) -> Self;
    /// Lane by lane.
    fn times(self, other: Self) -> Self;
    /// Lane by lane.
    fn over(self, other: Self) -> Self;
    /// The larger; where either is not-a-number, `other`.
    fn max(self, other: Self) -> Self;
    /// The smaller; where either is not-a-number, `other`.
    fn min(self, other: Self) -> Self;
    /// Magnitudes.
    fn abs(self) -> Self;
    /// Where `self > other`.
    fn above(self, other: Self) -> u32;
    /// `yes` where `self < other`, elsewhere `no`.
    fn below_pick(self, other: Self, yes: Self, no: Self) -> Self;
    /// Itself, and zero where its magnitude is below another's lanes.
    fn without_small(self, least: Self) -> Self;
    /// The largest powers of two that are at most the lanes, which are positive and normal.
    fn power_below(self) -> Self;
    /// With the last 8 bits of each lane those of another's.
    fn tagged(self, tags: Self) -> Self;
    /// Lane k of the i-th becomes lane i of the k-th.
    fn transposed(rows: [Self; LANES]) -> [Self; LANES];
    /// Of sets as bits, where one has more than so many elements in common with each of four.
    fn share_more_than(count: usize, one: u64, four: &[u64; LANES]) -> u32;
    /// The largest lane of numbers.
    #[inline(always)]
    fn largest(self) -> f64 {
        let [a, b, c, d] = self.array();
        let (a, c) = (if b > a { b } else { a }, if d > c { d } else { c });
        if c > a { c } else { a }
    }
    /// The smallest lane of numbers.
    #[inline(always)]
    fn smallest(self) -> f64 {
        let [a, b, c, d] = self.array();
        let (a, c) = (if b < a { b } else { a }, if d < c { d } else { c });
        if c < a { c } else { a }
    }
    /// The lanes.
    #[inline(always)]
    fn array(self) -> [f64; LANES] {
        let mut array = [0.0; LANES];
        self.store(&mut array);
        array
    }
}

/// All but the last bits of a float.
const ALL_BUT_TAGS: u64 = !0xff;

/// Bits of the exponent of a float.
const EXPONENT: u64 = 0x7ff << 52;

/// Works everywhere.
#[derive(Clone, Copy)]
pub struct Plain([f64; LANES]);

impl Plain {
    #[inline(always)]
    fn zip(self, other: Self, f: impl Fn(f64, f64) -> f64) -> Self {
        Plain(std::array::from_fn(|lane| f(self.0[lane], other.0[lane])))
    }
}

impl Lanes for Plain {
    #[inline(always)]
    fn all(value: f64) -> Self {
        Plain([value; LANES])
    }

    #[inline(always)]
    fn load(from: &[f64; LANES]) -> Self {
        Plain(*from)
    }

    #[inline(always)]
    fn store(self, to: &mut [f64; LANES]) {
        *to = self.0;
    }

    #[inline(always)]
    fn plus(self, other: Self) -> Self {
        self.zip(other, |a, b| a + b)
    }

    #[inline(always)]
    fn plus_product(self, a: Self, b: Self) -> Self {
        self.plus(a.times(b))
    }

    #[inline(always)]
    fn add_product(&mut self, a: Self, b: Self) {
        *self = self.plus_product(a, b);
    }

    #[inline(always)]
    fn minus_product(self, a: Self, b: Self) -> Self {
        self.zip(a.times(b), |a, b| a - b)
    }

    #[inline(always)]
    fn times(self, other: Self) -> Self {
        self.zip(other, |a, b| a * b)
    }

    #[inline(always)]
    fn over(self, other: Self) -> Self {
        self.zip(other, |a, b| a / b)
    }

    #[inline(always)]
    fn max(self, other: Self) -> Self {
        self.zip(other, |a, b| if a > b { a } else { b })
    }

    #[inline(always)]
    fn min(self, other: Self) -> Self {
        self.zip(other, |a, b| if a < b { a } else { b })
    }

    #[inline(always)]
    fn abs(self) -> Self {
        Plain(self.0.map(f64::abs))
    }

    #[inline(always)]
    fn above(self, other: Self) -> u32 {
        (0..LANES).fold(0, |bits, lane| {
            bits | u32::from(self.0[lane] > other.0[lane]) << lane
        })
    }

    #[inline(always)]
    fn below_pick(self, other: Self, yes: Self, no: Self) -> Self {
        Plain(std::array::from_fn(|lane| {
            if self.0[lane] < other.0[lane] {
                yes.0[lane]
            } else {
                no.0[lane]
            }
        }))
    }

    #[inline(always)]
    fn without_small(self, least: Self) -> Self {
        self.abs().below_pick(least, Self::all(0.0), self)
    }

    #[inline(always)]
    fn power_below(self) -> Self {
        Plain(self.0.map(|lane| f64::from_bits(lane.to_bits() & EXPONENT)))
    }

    #[inline(always)]
    fn tagged(self, tags: Self) -> Self {
        let tagged = |a: f64, tag: f64| f64::from_bits(a.to_bits() & ALL_BUT_TAGS | tag.to_bits());
        self.zip(tags, tagged)
    }

    #[inline(always)]
    fn transposed(rows: [Self; LANES]) -> [Self; LANES] {
        std::array::from_fn(|k| Plain(std::array::from_fn(|row| rows[row].0[k])))
    }

    #[inline(always)]
    fn share_more_than(count: usize, one: u64, four: &[u64; LANES]) -> u32 {
        (0..LANES).fold(0, |bits, lane| {
            let mut left = one & four[lane];
            for _ in 0..count {
                left &= left.wrapping_sub(1);
            }
            bits | u32::from(left != 0) << lane
        })
    }
}

#[cfg(target_arch = "x86_64")]
pub use x86::Avx2;

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::asm;
    use std::arch::x86_64::*;

    use super::{ALL_BUT_TAGS, EXPONENT, LANES, Lanes};

    /// One register of AVX. Only for functions that are compiled for AVX2 and FMA.
    #[derive(Clone, Copy)]
    pub struct Avx2(__m256d);

    /// Adds a product to the register that holds the sum. Left to itself, the compiler may write
    /// over a factor instead, and move the sum back in each round of a loop.
    #[inline]
    #[target_feature(enable = "avx2,fma")]
    fn add_product(sum: &mut __m256d, a: __m256d, b: __m256d) {
        // SAFETY: the instruction reads and writes these registers, and flags.
        unsafe {
            asm!(
                "vfmadd231pd {sum}, {a}, {b}",
                sum = inout(ymm_reg) *sum,
                a = in(ymm_reg) a,
                b = in(ymm_reg) b,
                options(pure, nomem, nostack),
            );
        }
    }

    // SAFETY of all that follows: the instructions exist, as the callers are compiled
    // for AVX2 and FMA and run only where these were detected; loads and stores go
    // through references to four floats and need no alignment.
    impl Lanes for Avx2 {
        #[inline(always)]
        fn all(value: f64) -> Self {
            Avx2(unsafe { _mm256_set1_pd(value) })
        }

        #[inline(always)]
        fn load(from: &[f64; LANES]) -> Self {
            Avx2(unsafe { _mm256_loadu_pd(from.as_ptr()) })
        }

        #[inline(always)]
        fn store(self, to: &mut [f64; LANES]) {
            unsafe { _mm256_storeu_pd(to.as_mut_ptr(), self.0) }
        }

        #[inline(always)]
        fn plus(self, other: Self) -> Self {
            Avx2(unsafe { _mm256_add_pd(self.0, other.0) })
        }

        #[inline(always)]
        fn plus_product(self, a: Self, b: Self) -> Self {
            Avx2(unsafe { _mm256_fmadd_pd(a.0, b.0, self.0) })
        }

        #[inline(always)]
        fn add_product(&mut self, a: Self, b: Self) {
            unsafe { add_product(&mut self.0, a.0, b.0) }
        }

        #[inline(always)]
        fn minus_product(self, a: Self, b: Self) -> Self {
            Avx2(unsafe { _mm256_fnmadd_pd(a.0, b.0, self.0) })
        }

        #[inline(always)]
        fn times(self, other: Self) -> Self {
            Avx2(unsafe { _mm256_mul_pd(self.0, other.0) })
        }

        #[inline(always)]
        fn over(self, other: Self) -> Self {
            Avx2(unsafe { _mm256_div_pd(self.0, other.0) })
        }

        #[inline(always)]
        fn max(self, other: Self) -> Self {
            Avx2(unsafe { _mm256_max_pd(self.0, other.0) })
        }

        #[inline(always)]
        fn min(self, other: Self) -> Self {
            Avx2(unsafe { _mm256_min_pd(self.0, other.0) })
        }

        #[inline(always)]
        fn abs(self) -> Self {
            Avx2(unsafe { _mm256_andnot_pd(_mm256_set1_pd(-0.0), self.0) })
        }

        #[inline(always)]
        fn above(self, other: Self) -> u32 {
            unsafe {
                _mm256_movemask_pd(_mm256_cmp_pd::<_CMP_GT_OQ>(self.0, other.0)).cast_unsigned()
            }
        }

        #[inline(always)]
        fn below_pick(self, other: Self, yes: Self, no: Self) -> Self {
            unsafe {
                let where_below = _mm256_cmp_pd::<_CMP_LT_OQ>(self.0, other.0);
                Avx2(_mm256_blendv_pd(no.0, yes.0, where_below))
            }
        }

        #[inline(always)]
        fn without_small(self, least: Self) -> Self {
            unsafe {
                // Not-a-number is not below.
                let stays = _mm256_cmp_pd::<_CMP_NLT_UQ>(self.abs().0, least.0);
                Avx2(_mm256_and_pd(self.0, stays))
            }
        }

        #[inline(always)]
        fn power_below(self) -> Self {
            Avx2(unsafe { _mm256_and_pd(self.0, _mm256_set1_pd(f64::from_bits(EXPONENT))) })
        }

        #[inline(always)]
        fn tagged(self, tags: Self) -> Self {
            unsafe {
                let mask = _mm256_set1_pd(f64::from_bits(ALL_BUT_TAGS));
                Avx2(_mm256_or_pd(_mm256_and_pd(self.0, mask), tags.0))
            }
        }

        #[inline(always)]
        fn transposed([a, b, c, d]: [Self; LANES]) -> [Self; LANES] {
            unsafe {
                let (even, odd) = (_mm256_unpacklo_pd(a.0, b.0), _mm256_unpackhi_pd(a.0, b.0));
                let (more, rest) = (_mm256_unpacklo_pd(c.0, d.0), _mm256_unpackhi_pd(c.0, d.0));
                [
                    Avx2(_mm256_permute2f128_pd::<0x20>(even, more)),
                    Avx2(_mm256_permute2f128_pd::<0x20>(odd, rest)),
                    Avx2(_mm256_permute2f128_pd::<0x31>(even, more)),
                    Avx2(_mm256_permute2f128_pd::<0x31>(odd, rest)),
                ]
            }
        }

        #[inline(always)]
        fn share_more_than(count: usize, one: u64, four: &[u64; LANES]) -> u32 {
            unsafe {
                let minus = _mm256_set1_epi64x(-1);
                let four = _mm256_loadu_si256(four.as_ptr().cast());
                let mut left = _mm256_and_si256(_mm256_set1_epi64x(one.cast_signed()), four);
                for _ in 0..count {
                    left = _mm256_and_si256(left, _mm256_add_epi64(left, minus));
                }
                let none = _mm256_cmpeq_epi64(left, _mm256_setzero_si256());
                let none = _mm256_movemask_pd(_mm256_castsi256_pd(none));
                !none.cast_unsigned() & ((1 << LANES) - 1)
            }
        }
    }
}

/// Whether the processor has what kernels for vectors are compiled for.
#[cfg(target_arch = "x86_64")]
#[inline]
pub fn has_vectors() -> bool {
    const NO: u8 = 1;
    const YES: u8 = 2;
    static KNOWN: AtomicU8 = AtomicU8::new(0);

    #[cold]
    fn detect() -> bool {
        // Counting and finding bits has come with AVX2, but the one does not imply the other.
        let found = is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("fma")
            && is_x86_feature_detected!("bmi1")
            && is_x86_feature_detected!("bmi2")
            && is_x86_feature_detected!("popcnt");
        KNOWN.store(if found { YES } else { NO }, Ordering::Relaxed);
        found
    }

    match KNOWN.load(Ordering::Relaxed) {
        YES => true,
        NO => false,
        _ => detect(),
    }
}

/// Fewest floats that hold `count` in whole vectors.
pub fn padded(count: usize) -> usize {
    count.next_multiple_of(LANES)
}

/// The lanes of some vectors. (A loop: what `map` calls is not always compiled for the vectors.)
#[inline(always)]
pub fn arrays<L: Lanes, const N: usize>(vectors: [L; N]) -> [[f64; LANES]; N] {
    let mut arrays = [[0.0; LANES]; N];
    for k in 0..N {
        vectors[k].store(&mut arrays[k]);
    }
    arrays
}

/// Calls a function of a fixed number of vectors, which the compiler can unroll, where
/// there is one for the number that is asked for.
macro_rules! unrolled {
    ($count:expr, [$($fixed:literal)*], $function:ident::<$lanes:ident>$args:tt, else $other:expr) => {
        match $count {
            $($fixed => $function::<$lanes, $fixed>$args,)*
            _ => $other,
        }
    };
}

/// Declares functions that are compiled twice, and run in the version that the
/// processor can run. `$lanes` names the type to compute with.
macro_rules! for_all_processors {
    ($(
        $(#[$meta:meta])*
        $vis:vis fn $name:ident<$lanes:ident>($($arg:ident: $type:ty),* $(,)?) $(-> $result:ty)? $body:block
    )*) => {$(
        $(#[$meta])*
        #[inline]
        $vis fn $name($($arg: $type),*) $(-> $result)? {
            #[inline(always)]
            fn generic<$lanes: $crate::arithmetic::lanes::Lanes>($($arg: $type),*) $(-> $result)? $body

            // Apart, so that what chooses is short enough to be inlined.
            #[cfg_attr(target_arch = "x86_64", inline(never))]
            fn plain($($arg: $type),*) $(-> $result)? {
                generic::<$crate::arithmetic::lanes::Plain>($($arg),*)
            }

            #[cfg(test)]
            if $crate::arithmetic::lanes::plain_only::is_on() {
                return plain($($arg),*);
            }

            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx2,fma,bmi1,bmi2,popcnt")]
                fn vectors($($arg: $type),*) $(-> $result)? {
                    generic::<$crate::arithmetic::lanes::Avx2>($($arg),*)
                }

                if $crate::arithmetic::lanes::has_vectors() {
                    // SAFETY: it was detected that the features are there.
                    return unsafe { vectors($($arg),*) };
                }
            }
            plain($($arg),*)
        }
    )*};
}

pub(crate) use {for_all_processors, unrolled};

/// Lets tests run what runs on processors without vectors.
#[cfg(test)]
pub mod plain_only {
    use std::cell::Cell;

    thread_local! {
        static ON: Cell<bool> = const { Cell::new(false) };
    }

    pub fn is_on() -> bool {
        ON.get()
    }

    /// Runs a test twice on this thread: with vectors, where there are any, and without.
    pub fn both(test: impl Fn()) {
        test();
        ON.set(true);
        test();
        ON.set(false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLES: [[f64; LANES]; LANES] = [
        [1.0, -2.5, 1e300, 3.0],
        [0.75, 1e-300, 7.0, -0.0],
        [f64::MAX, f64::MIN_POSITIVE, 2.0, 1.999],
        [-1.0, 5.0, 6.0, 1e-7],
    ];

    fn transposes<L: Lanes>() {
        let columns = L::transposed(SAMPLES.each_ref().map(L::load)).map(L::array);
        for (row, sample) in SAMPLES.iter().enumerate() {
            assert_eq!(columns.map(|column| column[row]), *sample);
        }
    }

    /// The power is at most the number, and twice the power is more.
    fn powers<L: Lanes>() {
        for sample in SAMPLES.map(|sample| sample.map(|value| value.abs().max(1e-300))) {
            for (power, value) in L::load(&sample).power_below().array().iter().zip(sample) {
                assert!(*power <= value && value / 2.0 < *power, "{value}");
                assert_eq!(libm::frexp(*power).0, 0.5);
            }
        }
    }

    /// What is small becomes a zero of either sign, and all else stays as it is.
    fn small<L: Lanes>() {
        let least = L::all(1.0);
        for sample in SAMPLES
            .into_iter()
            .chain([[1.0, -1.0, f64::NAN, f64::INFINITY]])
        {
            let left = L::load(&sample).without_small(least).array();
            for (value, left) in sample.into_iter().zip(left) {
                let expected = if value.abs() < 1.0 { 0.0 } else { value };
                assert!(
                    left == expected || left.is_nan() && value.is_nan(),
                    "{value}"
                );
            }
        }
    }

    /// Against counting.
    fn shares<L: Lanes>() {
        let sets = [
            0,
            1,
            0b1011,
            u64::MAX,
            1 << 63,
            0xff00_0000_0000_00ff,
            0b110,
            !1,
        ];
        for one in sets {
            for four in sets.windows(LANES) {
                let four: [u64; LANES] = four.try_into().unwrap();
                for count in 0..5 {
                    let expected = |lane: &usize| (one & four[*lane]).count_ones() > count;
                    let expected: u32 = (0..LANES).filter(expected).map(|lane| 1 << lane).sum();
                    assert_eq!(L::share_more_than(count as usize, one, &four), expected);
                }
            }
        }
    }

    #[test]
    fn lanes_change_places() {
        transposes::<Plain>();
        powers::<Plain>();
        shares::<Plain>();
        small::<Plain>();
        #[cfg(target_arch = "x86_64")]
        if has_vectors() {
            transposes::<Avx2>();
            powers::<Avx2>();
            shares::<Avx2>();
            small::<Avx2>();
        }
    }
}
