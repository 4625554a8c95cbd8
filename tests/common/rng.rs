//! SplitMix64 (Steele, Lea, Flood 2014): the same numbers on every machine.

/// The seeds of a test: `0..cases`, or as many times more as the environment variable
/// `CHAMBERS_TEST_FACTOR` says, for a long run.
pub fn seeds(cases: u64) -> std::ops::Range<u64> {
    let factor = std::env::var("CHAMBERS_TEST_FACTOR");
    let factor = factor.map_or(1, |f| {
        f.parse().expect("CHAMBERS_TEST_FACTOR is a whole number")
    });
    0..cases * factor
}

/// A generator of test cases; its seed reproduces them.
pub struct Rng(u64);

impl Rng {
    pub fn new(seed: u64) -> Self {
        Rng(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// One of `0..n`.
    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    /// One of `low..=high`.
    pub fn range(&mut self, low: i64, high: i64) -> i64 {
        low + (self.next() % (high - low + 1) as u64) as i64
    }

    /// True once in `n` times.
    pub fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    /// Between 0 and 1.
    pub fn uniform(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Nearly normal(0, 1), by the sum of twelve uniforms: no logarithm, whose
    /// last bit would differ between machines.
    pub fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.uniform()).sum::<f64>() - 6.0
    }

    /// A random order of `0..n`.
    pub fn permutation(&mut self, n: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..n).collect();
        for k in (1..n).rev() {
            order.swap(k, self.below(k + 1));
        }
        order
    }
}
