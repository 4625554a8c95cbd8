//! Exact binomial coefficients.

use num_bigint::BigUint;
use num_traits::One;

/// C(n, 0), C(n, 1), ..., C(n, min(n, most)).
///
/// ```
/// use chambers::theory::binomial;
/// let row: Vec<String> = binomial::row(4, 2).iter().map(ToString::to_string).collect();
/// assert_eq!(row, ["1", "4", "6"]);
/// ```
pub fn row(n: u64, most: u64) -> Vec<BigUint> {
    let mut row = vec![BigUint::one()];
    for k in 1..=most.min(n) {
        let next = &row[row.len() - 1] * (n - k + 1) / k;
        row.push(next);
    }
    row
}

/// C(n, 0) + ... + C(n, most): the regions of n hyperplanes in general position in
/// R^most (Zaslavsky 1975), and 2^n when most is at least n.
///
/// ```
/// use chambers::theory::binomial;
/// assert_eq!(binomial::sum(6, 4).to_string(), "57");
/// ```
pub fn sum(n: u64, most: u64) -> BigUint {
    if most >= n {
        return BigUint::one() << n;
    }
    let (mut binomial, mut sum) = (BigUint::one(), BigUint::one());
    for k in 1..=most {
        binomial = binomial * (n - k + 1) / k;
        sum += &binomial;
    }
    sum
}
