//! Arithmetic modulo a prime, in two sizes: primes below 2^16, whose inverses are a
//! table, and primes of 61 bits.

use std::hash::Hash;

use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::ToPrimitive;

/// The integers modulo a prime.
pub trait Field {
    /// A class, by its least non-negative member.
    type Element: Copy + Eq + Hash + Default;

    /// The integers modulo this prime, which has to be of the right size.
    fn new(prime: u64) -> Self;
    /// The prime.
    fn prime(&self) -> u64;
    /// The class of a number below the prime.
    fn element(number: u64) -> Self::Element;
    /// The least non-negative member of a class.
    fn number(element: Self::Element) -> u64;
    /// `a b`.
    fn multiply(&self, a: Self::Element, b: Self::Element) -> Self::Element;
    /// `a + b c`.
    fn add_product(&self, a: Self::Element, b: Self::Element, c: Self::Element) -> Self::Element;
    /// `-a`.
    fn negative(&self, a: Self::Element) -> Self::Element;
    /// The inverse of an element that is not zero.
    fn inverse(&self, a: Self::Element) -> Self::Element;

    /// Inverts elements none of which is zero: all with one inversion (Montgomery 1987).
    fn invert(&self, elements: &mut [Self::Element]) {
        let one = Self::element(1);
        let mut before = Vec::with_capacity(elements.len());
        let mut product = one;
        for &element in &*elements {
            before.push(product);
            product = self.multiply(product, element);
        }
        let mut inverse = self.inverse(product);
        for (element, before) in elements.iter_mut().zip(before).rev() {
            let next = self.multiply(inverse, *element);
            *element = self.multiply(inverse, before);
            inverse = next;
        }
    }

    /// The class of an integer.
    fn residue(&self, value: &BigInt) -> Self::Element {
        let remainder = value.mod_floor(&BigInt::from(self.prime()));
        Self::element(remainder.to_u64().expect("a remainder is below the prime"))
    }
}

/// A prime below [`Small::LIMIT`].
#[derive(Clone, Debug)]
pub struct Small {
    prime: u32,
    /// floor((2^64 - 1) / prime): division by multiplication (Barrett 1986).
    magic: u64,
    inverses: Vec<u32>,
}

impl Small {
    /// Primes are below this.
    pub const LIMIT: u64 = 1 << 16;

    /// Reduces a value below 2^33.
    #[inline]
    fn reduce(&self, value: u64) -> u32 {
        // magic / 2^64 is less than 1 / prime by at most 2^-63, so that the quotient is
        // right or one too small.
        let quotient = ((u128::from(value) * u128::from(self.magic)) >> 64) as u64;
        let rest = (value - quotient * u64::from(self.prime)) as u32;
        if rest >= self.prime {
            rest - self.prime
        } else {
            rest
        }
    }
}

impl Field for Small {
    type Element = u32;

    fn new(prime: u64) -> Self {
        assert!(prime < Self::LIMIT);
        let prime = prime as u32;
        let mut field = Small {
            prime,
            magic: u64::MAX / u64::from(prime),
            inverses: vec![0, 1],
        };
        for value in 2..prime {
            // prime = q value + r, so that 1 / value = -q / r.
            let (q, r) = prime.div_rem(&value);
            let inverse = field.multiply(prime - q, field.inverses[r as usize]);
            field.inverses.push(inverse);
        }
        field
    }

    fn prime(&self) -> u64 {
        self.prime.into()
    }

    fn element(number: u64) -> u32 {
        number as u32
    }

    fn number(element: u32) -> u64 {
        element.into()
    }

    #[inline]
    fn multiply(&self, a: u32, b: u32) -> u32 {
        self.reduce(u64::from(a) * u64::from(b))
    }

    #[inline]
    fn add_product(&self, a: u32, b: u32, c: u32) -> u32 {
        self.reduce(u64::from(a) + u64::from(b) * u64::from(c))
    }

    #[inline]
    fn negative(&self, a: u32) -> u32 {
        if a == 0 { 0 } else { self.prime - a }
    }

    #[inline]
    fn inverse(&self, a: u32) -> u32 {
        self.inverses[a as usize]
    }

    fn invert(&self, elements: &mut [u32]) {
        for element in elements {
            *element = self.inverse(*element);
        }
    }
}

/// A prime between 2^60 and 2^61.
#[derive(Clone, Debug)]
pub struct Large {
    prime: u64,
    /// floor(2^124 / prime), below 2^64.
    magic: u64,
}

impl Large {
    /// Primes are below this, and above half of it.
    pub const LIMIT: u64 = 1 << 61;

    /// Reduces a value below 2^122 + 2^61.
    #[inline]
    fn reduce(&self, value: u128) -> u64 {
        let high = (value >> 60) as u64;
        let quotient = ((u128::from(high) * u128::from(self.magic)) >> 64) as u64;
        // Three times rounded down, the quotient is at most two too small; the rest is
        // below 2^63, and so are its low bits.
        let mut rest = (value as u64).wrapping_sub(quotient.wrapping_mul(self.prime));
        while rest >= self.prime {
            rest -= self.prime;
        }
        rest
    }
}

impl Field for Large {
    type Element = u64;

    fn new(prime: u64) -> Self {
        assert!((Self::LIMIT / 2..Self::LIMIT).contains(&prime));
        let magic = (1u128 << 124) / u128::from(prime);
        Large {
            prime,
            magic: magic as u64,
        }
    }

    fn prime(&self) -> u64 {
        self.prime
    }

    fn element(number: u64) -> u64 {
        number
    }

    fn number(element: u64) -> u64 {
        element
    }

    #[inline]
    fn multiply(&self, a: u64, b: u64) -> u64 {
        self.reduce(u128::from(a) * u128::from(b))
    }

    #[inline]
    fn add_product(&self, a: u64, b: u64, c: u64) -> u64 {
        self.reduce(u128::from(a) + u128::from(b) * u128::from(c))
    }

    #[inline]
    fn negative(&self, a: u64) -> u64 {
        if a == 0 { 0 } else { self.prime - a }
    }

    fn inverse(&self, a: u64) -> u64 {
        let (mut high, mut low) = (self.prime as i64, a as i64);
        let (mut s, mut t) = (0i64, 1i64);
        while low != 0 {
            let q = high / low;
            (high, low) = (low, high - q * low);
            (s, t) = (t, s - q * t);
        }
        // s a = 1 modulo the prime, and |s| is below it.
        s.rem_euclid(self.prime as i64) as u64
    }
}

/// Whether a number below 2^61 is prime, by Miller and Rabin's test; the first twelve
/// primes as bases decide below 2^64 (Sorenson and Webster 2017).
pub fn is_prime(number: u64) -> bool {
    const BASES: [u64; 12] = [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37];
    if number < 2 {
        return false;
    }
    if let Some(base) = BASES.iter().find(|&&base| number.is_multiple_of(base)) {
        return number == *base;
    }
    let times = |a: u64, b: u64| (u128::from(a) * u128::from(b) % u128::from(number)) as u64;
    let twos = (number - 1).trailing_zeros();
    let odd = (number - 1) >> twos;
    BASES.iter().all(|&base| {
        let (mut power, mut square, mut exponent) = (1, base, odd);
        while exponent > 0 {
            if exponent & 1 == 1 {
                power = times(power, square);
            }
            square = times(square, square);
            exponent >>= 1;
        }
        let mut passed = power == 1;
        for _ in 0..twos {
            passed |= power == number - 1;
            power = times(power, power);
        }
        passed
    })
}

/// The inverse of a square matrix; `None` when it is singular.
pub fn inverse_matrix<F: Field>(field: &F, rows: &[&[F::Element]]) -> Option<Vec<Vec<F::Element>>> {
    let (zero, one) = (F::element(0), F::element(1));
    let size = rows.len();
    let unit = |k: usize| (0..size).map(move |j| if j == k { one } else { zero });
    let mut matrix: Vec<Vec<F::Element>> = rows
        .iter()
        .enumerate()
        .map(|(k, row)| row.iter().copied().chain(unit(k)).collect())
        .collect();
    for column in 0..size {
        let found = (column..size).find(|&k| matrix[k][column] != zero)?;
        matrix.swap(column, found);
        let mut pivot = std::mem::take(&mut matrix[column]);
        let scale = field.inverse(pivot[column]);
        pivot
            .iter_mut()
            .for_each(|x| *x = field.multiply(*x, scale));
        for row in matrix.iter_mut().filter(|row| !row.is_empty()) {
            let factor = field.negative(row[column]);
            if factor != zero {
                for (x, &y) in row.iter_mut().zip(&pivot) {
                    *x = field.add_product(*x, factor, y);
                }
            }
        }
        matrix[column] = pivot;
    }
    Some(
        matrix
            .into_iter()
            .map(|mut row| row.split_off(size))
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arithmetic_is_that_of_remainders<F: Field>(prime: u64) {
        let field = F::new(prime);
        let p = u128::from(prime);
        let mut state = 12_345u64;
        let mut next = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695);
            (state >> 3) % prime
        };
        for case in 0..2000 {
            let [mut a, b, c] = [next(), next(), next()];
            if case == 0 {
                a = prime - 1;
            }
            let [x, y, z] = [a, b, c].map(F::element);
            let [a, b, c] = [a, b, c].map(u128::from);
            let number = |element| u128::from(F::number(element));
            assert_eq!(number(field.multiply(x, y)), a * b % p);
            assert_eq!(number(field.multiply(x, x)), a * a % p);
            assert_eq!(number(field.add_product(x, y, z)), (a + b * c) % p);
            assert_eq!(number(field.add_product(x, x, x)), (a + a * a) % p);
            assert_eq!(number(field.negative(x)), (p - a) % p);
            if a != 0 && b != 0 {
                assert_eq!(number(field.multiply(x, field.inverse(x))), 1);
                let mut inverses = [x, y, x];
                field.invert(&mut inverses);
                assert!(inverses == [x, y, x].map(|element| field.inverse(element)));
            }
        }
    }

    #[test]
    fn arithmetic() {
        for prime in [2, 3, 911, 65_521] {
            arithmetic_is_that_of_remainders::<Small>(prime);
        }
        for prime in [(1 << 61) - 1, (1 << 60) + 33] {
            assert!(is_prime(prime));
            arithmetic_is_that_of_remainders::<Large>(prime);
        }
    }

    #[test]
    fn primes_are_those_of_trial_division() {
        for number in 0..3000u64 {
            let prime = number > 1 && (2..number).all(|d| !number.is_multiple_of(d));
            assert_eq!(is_prime(number), prime, "{number}");
        }
        // Carmichael numbers, and a strong pseudoprime to the bases 2 to 17.
        for number in [561, 41_041, 825_265, 341_550_071_728_321] {
            assert!(!is_prime(number), "{number}");
        }
    }

    #[test]
    fn inverse_matrices() {
        let field = Small::new(101);
        let rows: [&[u32]; 2] = [&[0, 2], &[3, 5]];
        let inverse = inverse_matrix(&field, &rows).unwrap();
        for (i, row) in rows.iter().enumerate() {
            for (j, (&top, &bottom)) in inverse[0].iter().zip(&inverse[1]).enumerate() {
                let entry = field.add_product(field.multiply(row[0], top), row[1], bottom);
                assert_eq!(entry, u32::from(i == j));
            }
        }
        assert_eq!(inverse_matrix(&field, &[&[1, 2], &[2, 4]]), None);
    }
}
