//! Non-negative numbers of a fixed number of 64-bit limbs, least first: what a
//! programme adds up by the million has no allocation of its own.

use num_bigint::BigUint;

/// How many limbs hold numbers up to `bound`.
pub(super) fn limbs(bound: &BigUint) -> usize {
    (bound.bits().div_ceil(64) as usize).max(1)
}

pub(super) fn to_limbs(value: &BigUint) -> Vec<u64> {
    value.to_u64_digits()
}

pub(super) fn from_limbs(limbs: &[u64]) -> BigUint {
    let halves = limbs
        .iter()
        .flat_map(|&limb| [limb as u32, (limb >> 32) as u32]);
    BigUint::new(halves.collect())
}

/// `sum += value * weight`, where the caller knows that the result fits `sum`.
#[inline]
pub(super) fn add_product(sum: &mut [u64], value: &[u64], weight: &[u64]) {
    match weight {
        [] => {}
        [1] => add(sum, value),
        weight => {
            for (shift, &limb) in weight.iter().enumerate() {
                add_multiple(&mut sum[shift..], value, limb);
            }
        }
    }
}

/// `sum += value`.
#[inline]
fn add(sum: &mut [u64], value: &[u64]) {
    let mut carry = false;
    let (low, high) = sum.split_at_mut(value.len().min(sum.len()));
    for (sum, &value) in low.iter_mut().zip(value) {
        let (a, first) = sum.overflowing_add(value);
        let (b, second) = a.overflowing_add(carry as u64);
        *sum = b;
        carry = first | second;
    }
    propagate(high, carry as u64);
}

/// `sum += value * weight`.
#[inline]
fn add_multiple(sum: &mut [u64], value: &[u64], weight: u64) {
    let mut carry = 0;
    let (low, high) = sum.split_at_mut(value.len().min(sum.len()));
    for (sum, &value) in low.iter_mut().zip(value) {
        let product = value as u128 * weight as u128 + *sum as u128 + carry as u128;
        *sum = product as u64;
        carry = (product >> 64) as u64;
    }
    propagate(high, carry);
}

#[inline]
fn propagate(sum: &mut [u64], mut carry: u64) {
    for sum in sum {
        if carry == 0 {
            return;
        }
        let (value, overflow) = sum.overflowing_add(carry);
        *sum = value;
        carry = overflow as u64;
    }
    debug_assert_eq!(carry, 0, "the bound of the sum is wrong");
}
