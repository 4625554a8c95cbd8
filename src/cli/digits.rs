//! Large numbers for people and for programs.

use num_bigint::BigUint;
use num_traits::{ToPrimitive, Zero};

/// How much of a large number to write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Digits {
    /// Its leading digits and its exponent, where it is long.
    #[default]
    Short,
    /// All of them.
    All,
}

impl Digits {
    /// The number in decimal; long ones as `6.128e3064` unless all digits are wanted.
    pub fn show(self, value: &BigUint) -> String {
        // A number of `b` bits has more than 0.3 (b - 1) digits.
        const LONGEST_BITS: u64 = 100;
        if self == Digits::All || value.bits() <= LONGEST_BITS {
            return value.to_string();
        }
        scientific(value)
    }
}

/// The leading digits and the exponent.
pub fn scientific(value: &BigUint) -> String {
    let (digits, exponent) = leading(value);
    format!("{}.{:0<5}e{exponent}", &digits[..1], &digits[1..])
}

/// The first digits of a number that has more, cut off and not rounded, and the power
/// of ten of the first.
fn leading(value: &BigUint) -> (String, u64) {
    const DIGITS: u64 = 6;
    let estimate = log10(value).floor() as u64;
    let shift = u32::try_from(estimate.saturating_sub(DIGITS + 2)).unwrap_or(u32::MAX);
    let mut digits = (value / BigUint::from(10u32).pow(shift)).to_string();
    let exponent = u64::from(shift) + digits.len() as u64 - 1;
    digits.truncate(DIGITS as usize);
    (digits, exponent)
}

/// The logarithm to base 10, good to about 15 digits; zero for zero.
pub fn log10(value: &BigUint) -> f64 {
    if value.is_zero() {
        return 0.0;
    }
    let shift = value.bits().saturating_sub(64);
    let top = (value >> shift).to_f64().unwrap_or(f64::MAX);
    top.log10() + shift as f64 * std::f64::consts::LOG10_2
}

/// `a / b`, as a float for display; may be infinite.
pub fn ratio(a: &BigUint, b: &BigUint) -> f64 {
    10f64.powf(log10(a) - log10(b))
}

/// A ratio with as many digits as tell something.
pub fn show_ratio(a: &BigUint, b: &BigUint) -> String {
    if a == b {
        return "1".into();
    }
    match (log10(a) - log10(b), ratio(a, b)) {
        (log, _) if log.abs() > 15.0 => format!("1e{log:+.1}"),
        (_, ratio) if !(1e-3..1e6).contains(&ratio) => format!("{ratio:.3e}"),
        (_, ratio) => {
            // A ratio next to 1 shows on which side it lies.
            let near = (ratio - 1.0).abs();
            let decimals = if near < 5e-4 { 9 } else { 3 };
            format!("{ratio:.decimals$}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_numbers_are_cut_at_the_right_place() {
        let ten = BigUint::from(10u32);
        for exponent in [31u32, 40, 99, 1000, 30_000] {
            let power = ten.pow(exponent);
            assert_eq!(Digits::Short.show(&power), format!("1.00000e{exponent}"));
            let below = &power - 1u32;
            assert_eq!(
                Digits::Short.show(&below),
                format!("9.99999e{}", exponent - 1)
            );
            assert!((log10(&below) - f64::from(exponent)).abs() < 1e-9);
            assert_eq!(Digits::All.show(&below).len(), exponent as usize);
        }
        assert_eq!(
            Digits::Short.show(&BigUint::from(u64::MAX)),
            u64::MAX.to_string()
        );
    }

    #[test]
    fn ratios_show_what_differs() {
        let show = |a: u64, b: u64| show_ratio(&a.into(), &b.into());
        assert_eq!(show(3135, 2156), "1.454");
        assert_eq!(show(7, 7), "1");
        assert_eq!(show(2_202_876, 2_202_621), "1.000115771");
        assert_eq!(show(1, 1 << 40), "9.095e-13");
    }
}
