//! Rows of one layer or of the domain in floats: centers and radii, scaled to ordinary size,
//! and what proofs need to know of them.

use num_bigint::BigInt;

use crate::arithmetic::float::{self, TINY};
use crate::arithmetic::lanes::{LANES, padded};

/// A float row: center and radius of each coefficient, the constant last. The
/// largest magnitude of the linear part is between 1 and 2, unless it is zero.
#[derive(Clone, Copy)]
pub struct FloatRow<'a> {
    /// Centers.
    pub center: &'a [f64],
    /// Radii.
    pub radius: &'a [f64],
    /// Bit k is set unless coefficient k is exactly zero; coordinates from 127 on share the last bit.
    pub support: u128,
    /// Whether the constant is exactly zero.
    pub homogeneous: bool,
    /// Whether all radii are zero.
    pub exact: bool,
}

/// A float row as whole vectors.
#[derive(Clone, Copy)]
pub struct Vector<'a> {
    /// Centers, the constant after the coefficients, then zeros.
    pub entries: &'a [f64],
    /// How far the row's exact value at a point whose coordinates are at most 1 can be
    /// from the sum of products in floats, in any order. It grows in proportion with the
    /// largest coordinate.
    pub slack: f64,
    /// A bound on the sum of magnitudes of the row's linear part.
    pub norm: f64,
    /// Whether the constant is exactly zero.
    pub homogeneous: bool,
}

/// Rows in one block.
#[derive(Debug)]
pub struct Rows {
    width: usize,
    /// From one row to the next in `centers`.
    stride: usize,
    centers: Vec<f64>,
    radii: Vec<f64>,
    supports: Vec<u128>,
    homogeneous: Vec<bool>,
    exact: Vec<bool>,
    /// See [`Vector`].
    slacks: Vec<f64>,
    /// See [`Vector`].
    norms: Vec<f64>,
}

/// Rows with a coefficient from here, 2^-400, to [`LARGE`] may be scaled.
const SMALL: f64 = f64::from_bits((1023 - 400) << 52);
/// 2^400.
const LARGE: f64 = f64::from_bits((1023 + 400) << 52);
/// Bits of the exponent of a float.
const EXPONENT: u64 = 0x7ff << 52;

impl Rows {
    /// Room for so many rows of so many entries.
    pub fn new(width: usize, rows: usize) -> Self {
        Rows {
            width,
            stride: padded(width),
            centers: Vec::with_capacity(rows * padded(width)),
            radii: Vec::with_capacity(rows * width),
            supports: Vec::with_capacity(rows),
            homogeneous: Vec::with_capacity(rows),
            exact: Vec::with_capacity(rows),
            slacks: Vec::with_capacity(rows),
            norms: Vec::with_capacity(rows),
        }
    }

    #[inline(always)]
    /// A row.
    pub fn get(&self, index: usize) -> FloatRow<'_> {
        let center = &self.centers[index * self.stride..][..self.width];
        let radius = &self.radii[index * self.width..][..self.width];
        FloatRow {
            center,
            radius,
            support: self.supports[index],
            homogeneous: self.homogeneous[index],
            exact: self.exact[index],
        }
    }

    /// A row as whole vectors.
    #[inline]
    pub fn vector(&self, index: usize) -> Vector<'_> {
        Vector {
            entries: &self.centers[index * self.stride..][..self.stride],
            slack: self.slacks[index],
            norm: self.norms[index],
            homogeneous: self.homogeneous[index],
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.supports.len()
    }

    /// Entries of a row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Scales an exact row to ordinary size and encloses it.
    pub fn push_exact(&mut self, entries: &[BigInt]) {
        let (constant, linear) = entries.split_last().expect("a row has a constant");
        let bits = linear
            .iter()
            .map(BigInt::bits)
            .max()
            .filter(|&bits| bits > 0);
        let scale = bits.unwrap_or(constant.bits()) as i64 - 1;
        let one = BigInt::from(1);
        let enclosures: Vec<_> = entries
            .iter()
            .map(|entry| float::enclose_ratio(entry, &one, scale))
            .collect();
        self.push(enclosures.iter().map(|e| (e.center, e.radius)));
    }

    /// Scales a float row to ordinary size; false when its numbers are too extreme.
    pub fn push_float(&mut self, centers: &[f64], radii: &[f64]) -> bool {
        let size = |values: &[f64]| {
            let larger = |max: f64, value: &f64| if value.abs() > max { value.abs() } else { max };
            values.iter().fold(0.0, larger)
        };
        let linear = size(&centers[..self.width - 1]);
        let largest = if linear == 0.0 { size(centers) } else { linear };
        let radius = size(radii);
        if largest == 0.0 && radius == 0.0 {
            self.push(centers.iter().map(|_| (0.0, 0.0)));
            return true;
        }
        // Not-a-number is no part of forms that are tame.
        let others = 0.0..LARGE;
        let ordinary = (SMALL..LARGE).contains(&largest)
            && others.contains(&radius)
            && others.contains(&size(centers));
        if !ordinary {
            return false;
        }
        // A power of two; multiplying by it is exact, as nothing overflows or underflows.
        let scale = f64::from_bits((2046 << 52) - (largest.to_bits() & EXPONENT));
        let scaled = |(center, radius): (&f64, &f64)| (center * scale, radius * scale);
        self.push(centers.iter().zip(radii).map(scaled));
        true
    }

    /// Adds a row of centers and radii; the caller has scaled it.
    pub fn push(&mut self, entries: impl Iterator<Item = (f64, f64)>) {
        let (first, linear) = (self.centers.len(), self.width - 1);
        let first_radius = self.radii.len();
        self.centers.resize(first + self.stride, 0.0);
        self.radii.resize(first_radius + self.width, 0.0);
        let places = self.centers[first..].iter_mut();
        let places = places.zip(&mut self.radii[first_radius..]);
        let (mut support, mut exact, mut homogeneous) = (0u128, true, false);
        let (mut magnitudes, mut doubts, mut norm) = (0.0, 0.0, 0.0);
        for (k, ((mut center, mut radius), place)) in entries.zip(places).enumerate() {
            if center != 0.0 && center.abs() < TINY {
                radius = (radius + center.abs()).next_up();
                center = 0.0;
            }
            if radius != 0.0 {
                radius = radius.max(TINY);
                exact = false;
            }
            (*place.0, *place.1) = (center, radius);
            let is_zero = center == 0.0 && radius == 0.0;
            if k == linear {
                homogeneous = is_zero;
                norm = magnitudes;
            } else if !is_zero {
                support |= 1 << k.min(127);
            }
            magnitudes += center.abs();
            doubts += radius;
        }
        self.supports.push(support);
        self.homogeneous.push(homogeneous);
        self.exact.push(exact);
        let error = float::sum_error(self.stride + LANES);
        let round_up = 1.0 + 2.0 * error;
        self.slacks
            .push((error * magnitudes + doubts) * round_up + TINY);
        self.norms.push((norm + doubts) * round_up);
    }
}
