//! Arithmetic modulo the Mersenne prime 2^61 - 1. What is not zero modulo a prime is
//! not zero, so that a minor found here proves independence.

/// The Mersenne prime 2^61 - 1.
pub(crate) const PRIME: u64 = (1 << 61) - 1;

/// The residue of a number below 2^123.
fn reduce(value: u128) -> u64 {
    let folded = (value as u64 & PRIME) + (value >> 61) as u64;
    let folded = (folded & PRIME) + (folded >> 61);
    if folded >= PRIME {
        folded - PRIME
    } else {
        folded
    }
}

/// `a b`.
pub(crate) fn multiply(a: u64, b: u64) -> u64 {
    reduce(u128::from(a) * u128::from(b))
}

/// `a b - c d`.
pub(crate) fn cross(a: u64, b: u64, c: u64, d: u64) -> u64 {
    reduce(u128::from(a) * u128::from(b) + u128::from(PRIME - c) * u128::from(d))
}

/// `value^-1`, for a value that is not zero.
pub(crate) fn inverse(value: u64) -> u64 {
    let (mut base, mut exponent, mut result) = (value, PRIME - 2, 1);
    while exponent > 0 {
        if exponent & 1 == 1 {
            result = multiply(result, base);
        }
        base = multiply(base, base);
        exponent >>= 1;
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn residues_are_those_of_wide_arithmetic() {
        let values = [0, 1, 2, 12345, 1 << 60, PRIME / 2, PRIME - 2, PRIME - 1];
        let wide = |a: u64, b: u64| u128::from(a) * u128::from(b) % u128::from(PRIME);
        for a in values {
            for b in values {
                assert_eq!(u128::from(multiply(a, b)), wide(a, b));
                for c in values {
                    for d in values {
                        let difference = (wide(a, b) + u128::from(PRIME) - wide(c, d)) as u64;
                        assert_eq!(cross(a, b, c, d), difference % PRIME);
                    }
                }
            }
            if a != 0 {
                assert_eq!(multiply(a, inverse(a)), 1);
            }
        }
    }
}
