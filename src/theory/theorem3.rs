//! Theorem 3 of Xiong et al. (ICML 2020): how the number of regions of a one-layer CNN
//! grows with its filters.
//!
//! **Statement.** With the input, the windows and the stride fixed, formula (4) is a
//! polynomial in the number d_1 of filters, of degree N = #(union of all S_k), the
//! number of inputs that are used; so R = Theta(d_1^N). Its leading coefficient is
//!
//! > sum over t in K with t_1 + t_2 + ... = N of prod_k 1 / t_k!,
//!
//! for C(d_1, t) is a polynomial of degree t that begins with d_1^t / t!, and some t
//! of K has the sum N (Lemma 3: give every input to a window that sees it).
//!
//! **Where it is the number of regions.** Where (4) is exact: see
//! [`Layer::reading`](super::skeleton::Layer::reading). With filters shared in two
//! dimensions (4) is more than the number of regions, but the difference has a lower
//! degree: degree and leading coefficient are right.
//!
//! Example 1 of the paper has d_1^3 + d_1^2 + d_1 + 1 regions:
//!
//! ```
//! use chambers::theory::theorem2::Budget;
//! use chambers::theory::theorem3;
//! let windows: [&[u32]; 2] = [&[0, 1], &[1, 2]];
//! let growth = theorem3::leading(&windows, &Budget::default()).unwrap();
//! assert_eq!((growth.degree, growth.coefficient.to_string()), (3, "1".to_string()));
//! let polynomial = theorem3::polynomial(&windows, &Budget::default()).unwrap();
//! assert_eq!(polynomial.to_string(), "d1^3 + d1^2 + d1 + 1");
//! ```

use std::collections::HashSet;
use std::fmt;

use num_bigint::{BigInt, BigUint};
use num_rational::BigRational;
use num_traits::{One, Signed, Zero};

use super::theorem2::{Budget, Group, all_inputs_matched, value};

/// The leading term of (4) in d_1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Growth {
    /// The number of inputs that are used.
    pub degree: u64,
    /// What d_1^degree is multiplied with; positive.
    pub coefficient: BigRational,
}

/// The degree and the leading coefficient of (4) for these windows, each the inputs
/// that one position sees, with d_1 units at every position. `None` when the budget
/// does not suffice.
pub fn leading(windows: &[&[u32]], budget: &Budget) -> Option<Growth> {
    let degree = inputs(windows);
    // 1/t! = (c!/t!) / c! for windows of c inputs: integers over one denominator.
    let mut rows: Vec<Option<Vec<BigUint>>> = Vec::new();
    let mut denominator = BigUint::one();
    for window in windows {
        let size = distinct(window);
        if rows.len() <= size {
            rows.resize(size + 1, None);
        }
        // The row takes size^2 / 2 words, nearly.
        if (size as u64).saturating_mul(size as u64).saturating_mul(4) > budget.memory {
            return None;
        }
        let row = rows[size].get_or_insert_with(|| falling(size));
        denominator *= &row[0];
    }
    let groups: Vec<(&[u32], &[BigUint])> = windows
        .iter()
        .map(|window| {
            let row = rows[distinct(window)].as_ref().expect("made above");
            (*window, &row[..])
        })
        .collect();
    let numerator = all_inputs_matched(&groups, budget)?;
    Some(Growth {
        degree,
        coefficient: BigRational::new(numerator.into(), denominator.into()),
    })
}

/// c!/t! for t = 0..c.
fn falling(c: usize) -> Vec<BigUint> {
    let mut row = vec![BigUint::one()];
    for t in (1..=c).rev() {
        let next = row.last().expect("it begins with one") * t;
        row.push(next);
    }
    row.reverse();
    row
}

/// How many different inputs a window has.
fn distinct(window: &[u32]) -> usize {
    window.iter().collect::<HashSet<_>>().len()
}

/// How many different inputs all windows have.
fn inputs(windows: &[&[u32]]) -> u64 {
    let all: HashSet<u32> = windows
        .iter()
        .flat_map(|window| window.iter().copied())
        .collect();
    all.len() as u64
}

/// (4) as a polynomial in d_1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Polynomial {
    /// The coefficient of d_1^k at place k; the last is not zero.
    pub coefficients: Vec<BigRational>,
}

impl Polynomial {
    /// Its value at d_1 = `filters`.
    pub fn at(&self, filters: u64) -> BigRational {
        let filters = BigRational::from_integer(filters.into());
        let horner = |sum: BigRational, coefficient| sum * &filters + coefficient;
        self.coefficients
            .iter()
            .rev()
            .fold(BigRational::zero(), horner)
    }
}

impl fmt::Display for Polynomial {
    /// Highest power first.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut first = true;
        for (power, coefficient) in self.coefficients.iter().enumerate().rev() {
            if coefficient.is_zero() {
                continue;
            }
            let sign = match (first, coefficient.is_negative()) {
                (true, false) => "",
                (true, true) => "-",
                (false, false) => " + ",
                (false, true) => " - ",
            };
            first = false;
            let size = coefficient.abs();
            f.write_str(sign)?;
            match (power, size.is_one()) {
                (0, _) => write!(f, "{size}")?,
                (_, true) => {}
                (_, false) => write!(f, "{size} ")?,
            }
            match power {
                0 => {}
                1 => write!(f, "d1")?,
                power => write!(f, "d1^{power}")?,
            }
        }
        Ok(())
    }
}

/// (4) for these windows as a polynomial in the number d_1 of units at every
/// position, from its values at d_1 = 0, ..., N. `None` when the budget does not
/// suffice.
pub fn polynomial(windows: &[&[u32]], budget: &Budget) -> Option<Polynomial> {
    let degree = inputs(windows);
    let points = degree + 1;
    // N + 1 coefficients, each a fraction of N! with about N log N bits.
    let bits = (64 - degree.leading_zeros() as u64) * degree * 2;
    let steps = points.saturating_mul(points).saturating_mul(bits / 64 + 50);
    if points.saturating_mul(bits / 8 + 64) > budget.memory || steps > budget.steps {
        return None;
    }
    let each = Budget {
        steps: (budget.steps - steps) / points,
        ..*budget
    };
    let mut differences: Vec<BigInt> = Vec::new();
    for units in 0..points {
        let groups: Vec<Group> = windows
            .iter()
            .map(|window| Group {
                window: window.to_vec(),
                units,
            })
            .collect();
        differences.push(value(&groups, &each).exact()?.clone().into());
    }
    // Newton: P(x) = sum_j D_j C(x, j) with the forward differences D_j at 0.
    for order in 1..differences.len() {
        for k in (order..differences.len()).rev() {
            let before = differences[k - 1].clone();
            differences[k] -= before;
        }
    }
    // N! P(x) = sum_j (D_j N!/j!) x (x-1) ... (x-j+1), from the innermost bracket out.
    let mut scale = BigInt::one();
    let mut coefficients = vec![differences[degree as usize].clone()];
    for j in (0..degree as usize).rev() {
        scale *= j + 1;
        // Times (x - j), plus the next term.
        coefficients.insert(0, BigInt::zero());
        for k in 0..coefficients.len() - 1 {
            let higher = &coefficients[k + 1] * j;
            coefficients[k] -= higher;
        }
        coefficients[0] += &differences[j] * &scale;
    }
    let over = |numerator: BigInt| BigRational::new(numerator, scale.clone());
    Some(Polynomial {
        coefficients: coefficients.into_iter().map(over).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::Architecture;
    use crate::theory::Skeleton;

    fn windows(line: &str) -> Vec<Vec<u32>> {
        let skeleton = Skeleton::of_architecture(&Architecture::parse(line).unwrap());
        skeleton.layers()[0].windows().to_vec()
    }

    /// The definition: all t, all subsets of Hall's condition.
    fn by_definition(windows: &[Vec<u32>]) -> BigRational {
        let size = |subset: u32| {
            let chosen = (0..windows.len()).filter(|k| subset >> k & 1 == 1);
            let inputs: HashSet<u32> = chosen.flat_map(|k| windows[k].clone()).collect();
            inputs.len()
        };
        let degree = size((1 << windows.len()) - 1);
        let mut sum = BigRational::zero();
        let mut t = vec![0; windows.len()];
        loop {
            let is_feasible = || {
                (1u32..1 << t.len()).all(|subset| {
                    let chosen = (0..t.len()).filter(|k| subset >> k & 1 == 1);
                    chosen.map(|k| t[k]).sum::<usize>() <= size(subset)
                })
            };
            if t.iter().sum::<usize>() == degree && is_feasible() {
                let factorials = t.iter().flat_map(|&t| 1..=t).map(BigInt::from);
                sum += BigRational::new(BigInt::one(), factorials.product());
            }
            let Some(k) = (0..t.len()).find(|&k| t[k] < windows[k].len()) else {
                return sum;
            };
            t[..k].fill(0);
            t[k] += 1;
        }
    }

    #[test]
    fn the_leading_coefficient_is_the_sum_of_its_definition() {
        for line in [
            "1x3x1; conv 1@1x2",
            "1x5x1; conv 1@1x3",
            "1x5x1; conv 1@1x2 stride 1x3",
            "1x4x2; conv 1@1x2",
            "1x3x1; conv 1@1x2 pad 0x1",
            "3x3x1; conv 1@2x2",
            "3x3x1; conv 1@2x2 pad 1x0",
            "3x4x1; conv 1@2x2",
            "5x5x1; conv 1@3x3 stride 2",
            "3x3x2; conv 1@2x2",
        ] {
            let windows = windows(line);
            let windows_ref: Vec<&[u32]> = windows.iter().map(|window| &window[..]).collect();
            let growth = leading(&windows_ref, &Budget::default()).unwrap();
            assert_eq!(growth.coefficient, by_definition(&windows), "{line}");
        }
    }

    #[test]
    fn the_polynomial_meets_values_beyond_its_points() {
        for line in [
            "1x6x1; conv 1@1x2",
            "1x4x2; conv 1@1x3",
            "3x3x1; conv 1@2x2",
            "3x4x1; conv 1@2x2 pad 1x0",
        ] {
            let windows = windows(line);
            let windows: Vec<&[u32]> = windows.iter().map(|window| &window[..]).collect();
            let polynomial = polynomial(&windows, &Budget::default()).unwrap();
            let growth = leading(&windows, &Budget::default()).unwrap();
            assert_eq!(polynomial.coefficients.len() as u64, growth.degree + 1);
            assert_eq!(polynomial.coefficients.last(), Some(&growth.coefficient));
            for units in [growth.degree + 1, growth.degree + 7, 100] {
                let groups: Vec<Group> = windows
                    .iter()
                    .map(|window| Group {
                        window: window.to_vec(),
                        units,
                    })
                    .collect();
                let value = value(&groups, &Budget::default());
                let expected: BigInt = value.exact().unwrap().clone().into();
                assert_eq!(
                    polynomial.at(units),
                    BigRational::from_integer(expected),
                    "{line}"
                );
            }
        }
    }

    #[test]
    fn nothing_used_is_the_constant_one() {
        let growth = leading(&[], &Budget::default()).unwrap();
        assert_eq!((growth.degree, growth.coefficient), (0, BigRational::one()));
        let empty: [&[u32]; 1] = [&[]];
        assert_eq!(
            polynomial(&empty, &Budget::default()).unwrap().to_string(),
            "1"
        );
    }

    #[test]
    fn what_does_not_fit_the_budget_is_refused() {
        let windows = windows("6x6x1; conv 1@2x2");
        let windows: Vec<&[u32]> = windows.iter().map(|window| &window[..]).collect();
        let small = Budget {
            steps: 1000,
            ..Budget::default()
        };
        assert_eq!(leading(&windows, &small), None);
        assert_eq!(polynomial(&windows, &small), None);
    }
}
