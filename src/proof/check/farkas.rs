//! Farkas' lemma: that an affine function is a combination of others with multipliers
//! that are not negative, and a constant that is not negative either.
//!
//! The others have independent linear parts, so that the multipliers are unique: they
//! solve linear equations, one for each coordinate.

use num_bigint::BigInt;
use num_traits::{One, Signed, ToPrimitive, Zero};

use super::ball::Ball;
use super::chart::End;
use super::stages::ZERO;
use crate::arithmetic::Rational;
use crate::arithmetic::interval::Interval;

/// Where the intervals of a function are.
#[derive(Clone, Copy, Debug)]
pub enum Bounds<'a> {
    /// d + 1 entries, the constant last.
    Dense(&'a [Interval]),
    /// An end of the domain, and d.
    End(&'a End, usize),
}

/// Intervals around the entries of an affine function.
#[derive(Clone, Copy, Debug)]
pub struct Function<'a> {
    /// The entries.
    pub bounds: Bounds<'a>,
    /// Whether the function is the negative of what the entries say.
    pub negative: bool,
}

impl Function<'_> {
    /// Entry `at`; the constant's is number d.
    pub fn at(&self, at: usize) -> Interval {
        let entry = match self.bounds {
            Bounds::Dense(entries) => entries[at],
            Bounds::End(end, _) if at == end.coordinate => end.bounds[0],
            Bounds::End(end, d) if at == d => end.bounds[1],
            Bounds::End(..) => ZERO,
        };
        if self.negative {
            Interval {
                low: -entry.high,
                high: -entry.low,
            }
        } else {
            entry
        }
    }

    /// Whether entry `at`, not the constant's, is known to be zero.
    fn is_zero_at(&self, at: usize) -> bool {
        match self.bounds {
            Bounds::Dense(entries) => entries[at] == ZERO,
            Bounds::End(end, _) => at != end.coordinate,
        }
    }
}

/// An affine function times a positive integer, so that its entries are integers.
#[derive(Clone, Copy, Debug)]
pub struct Integers<'a> {
    /// The entries.
    pub entries: Entries<'a>,
    /// Whether the function is the negative of what the entries say.
    pub negative: bool,
    /// The positive integer.
    pub scale: &'a BigInt,
}

/// Where the entries of a function are.
#[derive(Clone, Copy, Debug)]
pub enum Entries<'a> {
    /// d + 1 entries, the constant last.
    Dense(&'a [BigInt]),
    /// An end of the domain, and d.
    End(&'a End, usize),
}

impl Integers<'_> {
    /// Entry `at` without the sign, when it is not zero; the constant's is number d.
    fn magnitude(&self, at: usize) -> Option<&BigInt> {
        let entry = match self.entries {
            Entries::Dense(entries) => &entries[at],
            Entries::End(end, _) if at == end.coordinate => &end.whole[0],
            Entries::End(end, d) if at == d => &end.whole[1],
            Entries::End(..) => return None,
        };
        (!entry.is_zero()).then_some(entry)
    }

    /// Entry `at`; the constant's is number d.
    pub fn at(&self, at: usize) -> BigInt {
        match self.magnitude(at) {
            None => BigInt::zero(),
            Some(entry) if self.negative => -entry,
            Some(entry) => entry.clone(),
        }
    }
}

/// Why a function is no such combination.
#[derive(Clone, Debug, PartialEq)]
pub enum Wrong {
    /// The others are not independent.
    Dependent,
    /// It is no combination of the others at all.
    NoCombination,
    /// The multiplier of one of the others, counted from 0, is negative.
    Multiplier(usize, Rational),
    /// The constant that is left is negative.
    Constant(Rational),
}

/// What an exact decision needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// Integers of 128 bits.
    Small,
    /// Integers of any size.
    Big,
}

/// Whether intervals prove that the target is such a combination; when they do not,
/// nothing is known. `d` is the number of coordinates; `scratch` is overwritten.
pub fn by_intervals(
    target: Function<'_>,
    others: &[Function<'_>],
    d: usize,
    scratch: &mut Vec<Ball>,
) -> bool {
    let k = others.len();
    // Where all entries are known to be zero, the equation holds. All other equations
    // are needed to make the multipliers unique: an equation that the others imply
    // cannot be proved by intervals.
    let matters = |&c: &usize| !target.is_zero_at(c) || others.iter().any(|g| !g.is_zero_at(c));
    scratch.clear();
    let width = k + 1;
    for c in (0..d).filter(matters).chain([d]) {
        // There are more equations than multipliers.
        if c != d && scratch.len() == k * width {
            return false;
        }
        scratch.extend(others.iter().map(|g| Ball::from(g.at(c))));
        scratch.push(Ball::from(target.at(c)));
    }
    if scratch.len() != (k + 1) * width {
        return false;
    }
    // Gaussian elimination. The last row, that of the constants, is no equation: what
    // is left of it is v.
    for step in 0..k {
        let size = |row: usize| scratch[row * width + step].distance_from_zero();
        let best = (step..k).max_by(|&a, &b| size(a).total_cmp(&size(b)));
        let best = best.expect("the step's own row");
        let positive = size(best) > 0.0;
        if !positive {
            return false;
        }
        if best != step {
            for column in step..width {
                scratch.swap(best * width + column, step * width + column);
            }
        }
        let (above, below) = scratch.split_at_mut((step + 1) * width);
        let pivot = &above[step * width..];
        for row in below.chunks_exact_mut(width) {
            if row[step].is_zero() {
                continue;
            }
            let factor = row[step].over(pivot[step]);
            for column in step + 1..width {
                row[column] = row[column].minus_product(factor, pivot[column]);
            }
        }
    }
    if !scratch[k * width + k].is_not_negative() {
        return false;
    }
    for row in (0..k).rev() {
        let mut value = scratch[row * width + k];
        for column in row + 1..k {
            let multiplier = scratch[column * width + k];
            value = value.minus_product(scratch[row * width + column], multiplier);
        }
        let multiplier = value.over(scratch[row * width + row]);
        if !multiplier.is_not_negative() {
            return false;
        }
        scratch[row * width + k] = multiplier;
    }
    true
}

/// Decides whether the target is such a combination.
///
/// # Errors
/// Why it is not.
pub fn exactly(target: Integers<'_>, others: &[Integers<'_>], d: usize) -> Result<Size, Wrong> {
    let matters = |&c: &usize| {
        target.magnitude(c).is_some() || others.iter().any(|g| g.magnitude(c).is_some())
    };
    let rows: Vec<usize> = (0..d).filter(matters).chain([d]).collect();
    let columns = || others.iter().chain([&target]);
    // A minor of order k has about k times as many bits as an entry, a product of two
    // twice as many.
    let entries = || {
        rows.iter()
            .flat_map(|&c| columns().filter_map(move |f| f.magnitude(c)))
    };
    let longest = entries().map(BigInt::bits).max().unwrap_or(0);
    let width = others.len() + 1;
    if longest.saturating_mul(others.len() as u64) < 80 {
        let entry = |f: &Integers<'_>, c| {
            let entry = f.magnitude(c).map_or(Some(0), BigInt::to_i128)?;
            if f.negative {
                i128::checked_neg(entry)
            } else {
                Some(entry)
            }
        };
        let matrix = rows
            .iter()
            .flat_map(|&c| columns().map(move |f| entry(f, c)));
        let matrix: Option<Vec<i128>> = matrix.collect();
        if let Some(solved) = matrix.and_then(|matrix| solve(matrix, width)) {
            return judge(solved, target, others).map(|()| Size::Small);
        }
    }
    let matrix = rows.iter().flat_map(|&c| columns().map(move |f| f.at(c)));
    let solved =
        solve(matrix.collect::<Vec<BigInt>>(), width).expect("big integers do not overflow");
    judge(solved, target, others).map(|()| Size::Big)
}

/// What elimination leaves: all numbers times the determinant.
pub enum Solved<T> {
    /// The columns are dependent.
    Dependent,
    /// An equation does not hold.
    Contradiction,
    /// The unique solution.
    Unique {
        /// The determinant.
        determinant: T,
        /// The multipliers.
        multipliers: Vec<T>,
        /// What is left in the last row.
        constant: T,
    },
}

/// Integers as fraction-free elimination needs them.
pub trait Entry: Clone + Zero + One {
    /// `(a b - c d) / divisor`, which is an integer; `None` when it does not fit.
    fn cross(a: &Self, b: &Self, c: &Self, d: &Self, divisor: &Self) -> Option<Self>;
    /// As a big integer.
    fn to_big(&self) -> BigInt;
}

impl Entry for i128 {
    fn cross(a: &Self, b: &Self, c: &Self, d: &Self, divisor: &Self) -> Option<Self> {
        let difference = a.checked_mul(*b)?.checked_sub(c.checked_mul(*d)?)?;
        // Division of 128 bits is slow.
        match (i64::try_from(difference), i64::try_from(*divisor)) {
            (_, Ok(1)) => Some(difference),
            (Ok(difference), Ok(divisor)) => difference.checked_div(divisor).map(i128::from),
            _ => difference.checked_div(*divisor),
        }
    }

    fn to_big(&self) -> BigInt {
        BigInt::from(*self)
    }
}

impl Entry for BigInt {
    fn cross(a: &Self, b: &Self, c: &Self, d: &Self, divisor: &Self) -> Option<Self> {
        let difference = match (a.is_zero() || b.is_zero(), c.is_zero() || d.is_zero()) {
            (true, true) => return Some(BigInt::zero()),
            (false, true) => a * b,
            (true, false) => -(c * d),
            (false, false) => a * b - c * d,
        };
        Some(if divisor.is_one() {
            difference
        } else {
            difference / divisor
        })
    }

    fn to_big(&self) -> BigInt {
        self.clone()
    }
}

/// Fraction-free Gauss-Jordan elimination (Bareiss 1968): all entries are minors. Rows
/// are equations, the last one that of the constants; the last column is the target's.
/// `None` when a number does not fit.
pub fn solve<T: Entry>(mut matrix: Vec<T>, width: usize) -> Option<Solved<T>> {
    let k = width - 1;
    let equations = matrix.len() / width - 1;
    let mut previous = T::one();
    for step in 0..k {
        let at = (step..equations).find(|row| !matrix[row * width + step].is_zero());
        let Some(at) = at else {
            return Some(Solved::Dependent);
        };
        if at != step {
            for column in step..width {
                matrix.swap(at * width + column, step * width + column);
            }
        }
        let pivot = matrix[step * width + step].clone();
        for row in (0..=equations).filter(|&row| row != step) {
            let factor = matrix[row * width + step].clone();
            // Earlier columns are zero but for the diagonal, which is set at the end.
            for column in step + 1..width {
                let entry = &matrix[row * width + column];
                let other = &matrix[step * width + column];
                matrix[row * width + column] = T::cross(entry, &pivot, &factor, other, &previous)?;
            }
        }
        previous = pivot;
    }
    let last = |row: usize| matrix[row * width + k].clone();
    if (k..equations).any(|row| !last(row).is_zero()) {
        return Some(Solved::Contradiction);
    }
    Some(Solved::Unique {
        multipliers: (0..k).map(last).collect(),
        constant: last(equations),
        determinant: previous,
    })
}

/// Whether the solution is as Farkas' lemma wants it.
fn judge<T: Entry>(
    solved: Solved<T>,
    target: Integers<'_>,
    others: &[Integers<'_>],
) -> Result<(), Wrong> {
    let (determinant, multipliers, constant) = match solved {
        Solved::Dependent => return Err(Wrong::Dependent),
        Solved::Contradiction => return Err(Wrong::NoCombination),
        Solved::Unique {
            determinant,
            multipliers,
            constant,
        } => (determinant.to_big(), multipliers, constant),
    };
    // The value, when it is negative; the scale of the integers is taken out.
    let negative = |value: &T, scale: &BigInt| {
        let value = value.to_big();
        let wrong = !value.is_zero() && value.is_negative() != determinant.is_negative();
        wrong.then(|| Rational::new(value * scale, &determinant * target.scale))
    };
    for (number, (value, other)) in multipliers.iter().zip(others).enumerate() {
        if let Some(value) = negative(value, other.scale) {
            return Err(Wrong::Multiplier(number, value));
        }
    }
    match negative(&constant, &BigInt::one()) {
        Some(value) => Err(Wrong::Constant(value)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::systems::{function, integers};
    use super::*;

    /// Decides by integers, with entries of both sizes, and holds intervals against it.
    fn decide(target: &[i64], others: &[&[i64]]) -> Result<(), Wrong> {
        let d = target.len() - 1;
        let float = |x: &i64| Interval {
            low: *x as f64,
            high: *x as f64,
        };
        let bounds = |row: &[i64]| row.iter().map(float).collect::<Vec<_>>();
        let (h, g) = (bounds(target), others.iter().map(|row| bounds(row)));
        let g: Vec<Vec<Interval>> = g.collect();
        let g: Vec<Function<'_>> = g.iter().map(|row| function(&row[..])).collect();
        let proved = by_intervals(function(&h[..]), &g, d, &mut Vec::new());

        let mut results = Vec::new();
        for factor in [BigInt::one(), BigInt::one() << 200u32] {
            let row = |row: &[i64]| row.iter().map(|&x| x * &factor).collect::<Vec<BigInt>>();
            let (h, g) = (row(target), others.iter().map(|g| row(g)));
            let g: Vec<Vec<BigInt>> = g.collect();
            let g: Vec<Integers<'_>> = g.iter().map(|row| integers(row, &factor)).collect();
            results.push(exactly(integers(&h, &factor), &g, d));
        }
        let big = results.pop().expect("two");
        let small = results.pop().expect("two");
        if let (Ok(small), Ok(big)) = (&small, &big) {
            assert_eq!((*small, *big), (Size::Small, Size::Big));
        }
        let (small, big) = (small.map(|_| ()), big.map(|_| ()));
        assert_eq!(small, big);
        assert!(!proved || small.is_ok(), "intervals prove what is wrong");
        small
    }

    #[test]
    fn combinations_are_told_from_what_is_none() {
        let whole = |value: i64| Rational::from_integer(value.into());
        // x + y + 5 = (x + 2) + (y + 2) + 1
        assert_eq!(decide(&[1, 1, 5], &[&[1, 0, 2], &[0, 1, 2]]), Ok(()));
        assert_eq!(decide(&[1, 1, 4], &[&[1, 0, 2], &[0, 1, 2]]), Ok(()));
        let wrong = decide(&[1, 1, 3], &[&[1, 0, 2], &[0, 1, 2]]);
        assert_eq!(wrong, Err(Wrong::Constant(whole(-1))));
        let wrong = decide(&[1, -1, 9], &[&[1, 0, 2], &[0, 1, 2]]);
        assert_eq!(wrong, Err(Wrong::Multiplier(1, whole(-1))));
        // A multiplier that is zero is allowed.
        assert_eq!(decide(&[1, 0, 2], &[&[1, 0, 2], &[0, 1, 2]]), Ok(()));
        // Fewer constraints than coordinates, with and without further equations.
        assert_eq!(decide(&[2, 0, 9], &[&[1, 0, 2]]), Ok(()));
        assert_eq!(decide(&[2, 2, 9], &[&[1, 1, 2]]), Ok(()));
        assert_eq!(decide(&[2, 3, 9], &[&[1, 1, 2]]), Err(Wrong::NoCombination));
        assert_eq!(decide(&[1, 0, 9], &[]), Err(Wrong::NoCombination));
        // Dependent, also where that would do no harm.
        let dependent = decide(&[1, 1, 9], &[&[1, 1, 2], &[2, 2, 3]]);
        assert_eq!(dependent, Err(Wrong::Dependent));
        let dependent = decide(&[1, 1, 9], &[&[1, 1, 2], &[0, 0, 3]]);
        assert_eq!(dependent, Err(Wrong::Dependent));
        // Pivots that are not where elimination looks first.
        let rows: [&[i64]; 3] = [&[0, 0, 2, 1], &[0, 3, 0, 1], &[5, 0, 0, 1]];
        assert_eq!(decide(&[5, 3, 2, 3], &rows), Ok(()));
        let wrong = decide(&[5, 3, -2, 9], &rows);
        assert_eq!(wrong, Err(Wrong::Multiplier(0, whole(-1))));
        // A determinant that is negative.
        let wrong = decide(&[1, 2, 0], &[&[0, 1, 0], &[1, 0, 1]]);
        assert_eq!(wrong, Err(Wrong::Constant(whole(-1))));
    }

    #[test]
    fn intervals_prove_what_floats_can() {
        let third = Interval {
            low: (1.0f64 / 3.0).next_down(),
            high: (1.0f64 / 3.0).next_up(),
        };
        let point = |x: f64| Interval { low: x, high: x };
        let (g, other) = (
            [point(1.0), third, point(1.0)],
            [third, point(1.0), point(1.0)],
        );
        let proved = |target: &[Interval]| {
            let others = [function(&g[..]), function(&other[..])];
            by_intervals(function(target), &others, 2, &mut Vec::new())
        };
        assert!(proved(&[point(1.0), point(1.0), point(1.51)]));
        assert!(!proved(&[point(1.0), point(1.0), point(1.5)]));
        assert!(!proved(&[point(1.0), point(1.0), point(1.49)]));
        assert!(!proved(&[point(1.0), point(-1.0), point(9.0)]));
        let everything = Interval {
            low: f64::NEG_INFINITY,
            high: f64::INFINITY,
        };
        assert!(!proved(&[point(1.0), point(1.0), everything]));
        assert!(!proved(&[everything, point(1.0), point(9.0)]));
    }
}
