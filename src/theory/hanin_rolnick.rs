//! The mean number of activation regions of a random network: Hanin and Rolnick (2019).
//!
//! **Statement** (Deep ReLU networks have surprisingly few activation patterns). For random
//! weights and biases, N units, n_0 inputs and a cube C that is large enough,
//!
//! > E[# activation regions that meet C] / vol(C) <= (T N)^{n_0} / n_0!  if N >= n_0, else 2^N,
//!
//! with T = 2^5 C_grad C_bias: C_grad bounds the moments of the gradients of the units'
//! pre-activations, C_bias the joint densities of any few biases given all other
//! parameters. "Large enough" is a side of at least a constant over C_grad C_bias.
//!
//! **Statement** (Complexity of linear regions in deep networks). The points where k
//! pre-activations vanish have (n_0 - k)-dimensional volume in a body K of mean at most
//!
//! > C(N, k) (2 C_grad C_bias)^k vol(K).
//!
//! Both are from memory and not verified here. They are about the mean over random weights
//! and a bounded part of space, never about one network or all of R^n.
//!
//! **Convolutions break the assumption.** Units at different positions of one filter share
//! their bias, so that given the one the other has no density at all: neither statement
//! says anything about a CNN with shared biases.
//!
//! ```
//! use chambers::arithmetic::Rational;
//! use chambers::theory::{formula::WORK, hanin_rolnick};
//! // (3 N)^2 / 2! for N = 4 units and T = 3.
//! let t = Rational::from_integer(3.into());
//! let density = hanin_rolnick::density(2, &[2, 2], &t, WORK).unwrap();
//! assert_eq!(density, Rational::from_integer(72.into()));
//! ```

use num_bigint::{BigInt, BigUint};
use num_traits::{One, Signed};

use super::binomial;
use super::catalogue::{Counts, Entry, Kind, Verified};
use super::formula::{Formula, NoValue, Work, assume};
use crate::arithmetic::Rational;

/// What is known of [`density`].
pub static EXPECTATION: Entry = Entry {
    id: "hanin-rolnick2019-expectation",
    name: "Hanin and Rolnick 2019, mean number of regions",
    source: "Hanin, Rolnick 2019, Deep ReLU networks have surprisingly few activation patterns",
    kind: Kind::Expectation,
    counts: Counts::ActivationRegions,
    assumptions: "random weights; biases with a bounded joint density given everything else, which \
                  the shared biases of a convolution do not have; a large enough cube; N >= n_0",
    verified: Verified::No("from memory, unverified: needs bounds on the gradients' moments"),
};

/// What is known of [`boundary`].
pub static BOUNDARY: Entry = Entry {
    id: "hanin-rolnick2019-boundary",
    name: "Hanin and Rolnick 2019, mean volume of boundaries",
    source: "Hanin, Rolnick 2019, Complexity of linear regions in deep networks",
    kind: Kind::Expectation,
    counts: Counts::LinearRegions,
    assumptions: "random weights; biases with a bounded joint density given everything else, which \
                  the shared biases of a convolution do not have",
    verified: Verified::No("from memory, unverified: needs bounds on the gradients' moments"),
};

/// N^n_0 / n_0!, which stands before T^n_0 in [`density`].
///
/// # Errors
/// When there are fewer units than inputs, or it takes more than `work`.
pub fn coefficient(inputs: u64, widths: &[u64], work: u64) -> Formula<Rational> {
    let add = |sum: u64, &width: &u64| sum.checked_add(width);
    let units = widths.iter().try_fold(0, add).ok_or(NoValue::TooLarge)?;
    assume(units >= inputs, || {
        format!(
            "{units} units are fewer than {inputs} inputs; the bound is then 2^{units} patterns"
        )
    })?;
    let work = &mut Work::new(work);
    let power = work.power(&units.into(), inputs)?;
    let mut factorial = BigUint::one();
    for k in 1..=inputs {
        work.touch(&factorial)?;
        factorial *= k;
    }
    // Lowest terms cost about the square of the length.
    let words = power.bits() / 64 + 1;
    work.spend(words.saturating_mul(words))?;
    Ok(Rational::new(power.into(), factorial.into()))
}

/// The bound on the mean number of regions that meet the cube, over its volume, for T = 32
/// C_grad C_bias.
///
/// # Errors
/// When there are fewer units than inputs, `t` is not positive, or it takes more than
/// `work`.
pub fn density(inputs: u64, widths: &[u64], t: &Rational, work: u64) -> Formula<Rational> {
    assume(t.is_positive(), || "T is a positive constant".into())?;
    let coefficient = coefficient(inputs, widths, work)?;
    Ok(coefficient * power(t, inputs, &mut Work::new(work))?)
}

/// The bound on the mean volume of the points where `k` pre-activations vanish, over the
/// volume of the body.
///
/// # Errors
/// When `k` exceeds the inputs, a constant is not positive, or it takes more than `work`.
pub fn boundary(
    inputs: u64,
    units: u64,
    k: u64,
    c_grad: &Rational,
    c_bias: &Rational,
    work: u64,
) -> Formula<Rational> {
    assume(k <= inputs, || format!("{k} exceeds the {inputs} inputs"))?;
    assume(c_grad.is_positive() && c_bias.is_positive(), || {
        "C_grad and C_bias are positive constants".into()
    })?;
    let work = &mut Work::new(work);
    let binomial = binomial::binomial(units, k, work)?;
    let base = Rational::from_integer(2.into()) * c_grad * c_bias;
    Ok(Rational::from_integer(binomial.into()) * power(&base, k, work)?)
}

/// A positive rational to a power: numerator and denominator stay coprime.
fn power(base: &Rational, exponent: u64, work: &mut Work) -> Formula<Rational> {
    let mut part = |value: &BigInt| work.power(value.magnitude(), exponent);
    let (numerator, denominator) = (part(base.numer())?, part(base.denom())?);
    Ok(Rational::new_raw(numerator.into(), denominator.into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theory::formula::WORK;

    fn rational(numerator: i64, denominator: i64) -> Rational {
        Rational::new(numerator.into(), denominator.into())
    }

    #[test]
    fn values_are_those_of_the_formulas() {
        // By hand: (5/2 * 6)^3 / 3!, C(6, 2) (2 * 3/2 * 1/5)^2.
        let t = rational(5, 2);
        assert_eq!(density(3, &[2, 4], &t, WORK), Ok(rational(1125, 2)));
        let value = boundary(3, 6, 2, &rational(3, 2), &rational(1, 5), WORK);
        assert_eq!(value, Ok(rational(27, 5)));
    }

    #[test]
    fn what_does_not_apply_is_refused() {
        let one = Rational::one();
        assert!(density(3, &[2], &one, WORK).is_err());
        assert!(density(1, &[2], &rational(0, 1), WORK).is_err());
        assert!(boundary(1, 5, 2, &one, &one, WORK).is_err());
        assert!(boundary(2, 5, 2, &one, &rational(-1, 1), WORK).is_err());
        assert_eq!(
            coefficient(u64::MAX, &[u64::MAX], 1 << 20),
            Err(NoValue::TooLarge)
        );
    }
}
