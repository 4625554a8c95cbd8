//! A characteristic polynomial and what it counts.

use std::fmt;

use num_bigint::{BigInt, BigUint, Sign};
use num_traits::{One, Zero};

/// The characteristic polynomial of an arrangement in R^n,
/// `chi(t) = w_0 t^n - w_1 t^(n-1) + w_2 t^(n-2) - ...`, whose coefficients alternate in
/// sign (Rota 1964).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CharacteristicPolynomial {
    dimension: usize,
    whitney: Vec<BigUint>,
}

impl CharacteristicPolynomial {
    /// The polynomial with these absolute values, from that of t^n to that of
    /// t^(n - rank): none of them is zero.
    pub(super) fn new(dimension: usize, whitney: Vec<BigUint>) -> Self {
        CharacteristicPolynomial { dimension, whitney }
    }

    /// n: the dimension of the space.
    pub fn dimension(&self) -> usize {
        self.dimension
    }

    /// The dimension of the space that the normals span.
    pub fn rank(&self) -> usize {
        self.whitney.len() - 1
    }

    /// The absolute values of the coefficients from t^n to t^(n - rank), the Whitney
    /// numbers of the first kind. All others are zero.
    pub fn whitney_numbers(&self) -> &[BigUint] {
        &self.whitney
    }

    /// The coefficients from t^n to t^(n - rank). All others are zero.
    pub fn coefficients(&self) -> Vec<BigInt> {
        let signed = |(k, value): (usize, &BigUint)| {
            let sign = if k % 2 == 0 { Sign::Plus } else { Sign::Minus };
            BigInt::from_biguint(sign, value.clone())
        };
        self.whitney.iter().enumerate().map(signed).collect()
    }

    /// The number of regions, `(-1)^n chi(-1)` (Zaslavsky 1975).
    pub fn regions(&self) -> BigUint {
        self.whitney.iter().sum()
    }

    /// The number of relatively bounded regions, `|chi(1)|` (Zaslavsky 1975): those
    /// that are bounded once the directions along which no hyperplane moves are
    /// divided out. Without hyperplanes that is the one region.
    pub fn relatively_bounded(&self) -> BigUint {
        let sum: BigInt = self.coefficients().iter().sum();
        sum.into_parts().1
    }

    /// The number of bounded regions: the relatively bounded ones when the normals
    /// span the space, and otherwise none.
    pub fn bounded(&self) -> BigUint {
        if self.rank() == self.dimension {
            self.relatively_bounded()
        } else {
            BigUint::zero()
        }
    }
}

impl fmt::Display for CharacteristicPolynomial {
    /// `t^3 - 6 t^2 + 11 t - 6`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (k, value) in self.whitney.iter().enumerate() {
            match k {
                0 => {}
                _ if k % 2 == 0 => write!(f, " + ")?,
                _ => write!(f, " - ")?,
            }
            let power = match self.dimension - k {
                0 => String::new(),
                1 => "t".into(),
                power => format!("t^{power}"),
            };
            match (value.is_one(), power.is_empty()) {
                (_, true) => write!(f, "{value}")?,
                (true, false) => write!(f, "{power}")?,
                (false, false) => write!(f, "{value} {power}")?,
            }
        }
        Ok(())
    }
}

/// The product of two polynomials in x, lowest power first.
pub(super) fn product(a: &[BigUint], b: &[BigUint]) -> Vec<BigUint> {
    let mut product = vec![BigUint::zero(); (a.len() + b.len()).saturating_sub(1)];
    for (i, x) in a.iter().enumerate() {
        for (j, y) in b.iter().enumerate() {
            product[i + j] += x * y;
        }
    }
    product
}

#[cfg(test)]
mod tests {
    use super::*;

    fn polynomial(dimension: usize, whitney: &[u32]) -> CharacteristicPolynomial {
        let whitney = whitney.iter().map(|&w| w.into()).collect();
        CharacteristicPolynomial::new(dimension, whitney)
    }

    #[test]
    fn it_reads_as_in_print() {
        let cases: [(usize, &[u32], &str); 5] = [
            (3, &[1, 6, 11, 6], "t^3 - 6 t^2 + 11 t - 6"),
            (3, &[1, 3, 2], "t^3 - 3 t^2 + 2 t"),
            (1, &[1, 1], "t - 1"),
            (0, &[1], "1"),
            (2, &[1], "t^2"),
        ];
        for (dimension, whitney, text) in cases {
            assert_eq!(polynomial(dimension, whitney).to_string(), text);
        }
    }

    #[test]
    fn zaslavsky_s_two_numbers() {
        // Three lines in general position: 7 regions, 1 bounded.
        let triangle = polynomial(2, &[1, 3, 3]);
        assert_eq!(triangle.regions(), 7u32.into());
        assert_eq!(triangle.bounded(), 1u32.into());
        // The same lines times a line.
        let prism = polynomial(3, &[1, 3, 3]);
        assert_eq!(prism.relatively_bounded(), 1u32.into());
        assert_eq!(prism.bounded(), 0u32.into());
        assert_eq!(polynomial(2, &[1]).relatively_bounded(), 1u32.into());
        assert_eq!(polynomial(2, &[1]).bounded(), 0u32.into());
    }
}
