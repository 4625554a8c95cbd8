//! Rows of one layer or of the domain in floats: centers and radii, scaled to ordinary size,
//! and what proofs need to know of them.

use num_bigint::BigInt;

use crate::arithmetic::float::{self, TINY, UNIT};
use crate::arithmetic::lanes::{LANES, for_all_processors};
use crate::arrangement::forms::{FloatForms, Four, support_bit};
use crate::arrangement::stage::Class;

/// A float row: the center of each coefficient, the constant last, and radii. The
/// largest magnitude of the linear part is between 1 and 2, unless it is zero.
#[derive(Clone, Copy)]
pub struct FloatRow<'a> {
    /// Centers.
    pub center: &'a [f64],
    /// How far a coefficient of the support can be from its center.
    pub coefficient_radius: f64,
    /// How far the constant can be from its center.
    pub constant_radius: f64,
    /// Bit k is set unless coefficient k is exactly zero; coordinates from 127 on share the last bit.
    pub support: u128,
    /// Whether the constant is exactly zero.
    pub homogeneous: bool,
    /// Whether all radii are zero.
    pub exact: bool,
}

impl FloatRow<'_> {
    /// How far coefficient `k` can be from its center.
    #[inline]
    pub fn radius(&self, k: usize) -> f64 {
        if self.support & support_bit(k) == 0 {
            0.0
        } else {
            self.coefficient_radius
        }
    }
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
#[derive(Debug, Default)]
pub struct Rows {
    width: usize,
    len: usize,
    /// From one row to the next in `centers`, in vectors.
    stride: usize,
    /// Row-major, each row filled up with zeros to whole vectors, and rows to whole fours.
    centers: Vec<[f64; LANES]>,
    fours: Vec<FourRows>,
}

/// What is known of four rows, beside their centers.
#[derive(Clone, Copy, Debug, Default)]
struct FourRows {
    /// See [`FloatRow`].
    radius: [f64; LANES],
    /// See [`FloatRow`].
    constant_radius: [f64; LANES],
    /// The largest magnitude of a coefficient's center.
    size: [f64; LANES],
    /// See [`Vector`].
    slack: [f64; LANES],
    /// See [`Vector`].
    norm: [f64; LANES],
    /// See [`FloatRow`].
    support: [u128; LANES],
}

/// Rows with a coefficient from here, 2^-400, to [`LARGE`] may be scaled.
const SMALL: f64 = f64::from_bits((1023 - 400) << 52);
/// 2^400.
const LARGE: f64 = f64::from_bits((1023 + 400) << 52);

impl Rows {
    /// So many rows of so many entries, all zero.
    pub fn zeros(width: usize, len: usize) -> Self {
        let (fours, stride) = (len.div_ceil(LANES), width.div_ceil(LANES));
        Rows {
            width,
            len,
            stride,
            centers: vec![[0.0; LANES]; fours * LANES * stride],
            fours: vec![FourRows::default(); fours],
        }
    }

    /// Forms, one a row, or one for each class, scaled to ordinary size. Rows whose numbers
    /// are too extreme are left without centers, and listed.
    pub fn scaled(forms: &FloatForms, classes: Option<&[Class]>) -> (Self, Vec<usize>) {
        // As many classes as forms are the forms, one after another.
        let classes = classes.filter(|classes| classes.len() < forms.len());
        let len = classes.map_or(forms.len(), <[Class]>::len);
        let mut rows = Rows::zeros(forms.width, len);
        let mut extreme = Vec::new();
        scale(&mut rows, forms, classes, &mut extreme);
        (rows, extreme)
    }

    #[inline(always)]
    /// A row.
    pub fn get(&self, index: usize) -> FloatRow<'_> {
        let (four, lane) = (&self.fours[index / LANES], index % LANES);
        let center = &self.vectors(index)[..self.width];
        let (radius, constant_radius) = (four.radius[lane], four.constant_radius[lane]);
        FloatRow {
            center,
            coefficient_radius: radius,
            constant_radius,
            support: four.support[lane],
            homogeneous: constant_radius == 0.0 && center[self.width - 1] == 0.0,
            exact: radius == 0.0 && constant_radius == 0.0,
        }
    }

    #[inline(always)]
    fn vectors(&self, index: usize) -> &[f64] {
        self.centers[index * self.stride..][..self.stride].as_flattened()
    }

    /// A row as whole vectors.
    #[inline]
    pub fn vector(&self, index: usize) -> Vector<'_> {
        let (four, lane) = (&self.fours[index / LANES], index % LANES);
        let entries = self.vectors(index);
        Vector {
            entries,
            slack: four.slack[lane],
            norm: four.norm[lane],
            homogeneous: four.constant_radius[lane] == 0.0 && entries[self.width - 1] == 0.0,
        }
    }

    /// Whether some coefficient of a row is proved not to be zero.
    #[inline]
    pub fn has_slope(&self, index: usize) -> bool {
        let (four, lane) = (&self.fours[index / LANES], index % LANES);
        four.size[lane] > four.radius[lane]
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Entries of a row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Scales an exact row to ordinary size and encloses it.
    pub fn set_exact(&mut self, index: usize, entries: &[BigInt]) {
        let (constant, linear) = entries.split_last().expect("a row has a constant");
        let bits = linear
            .iter()
            .map(BigInt::bits)
            .max()
            .filter(|&bits| bits > 0);
        let scale = bits.unwrap_or(constant.bits()) as i64 - 1;
        let one = BigInt::from(1);
        let centers = &mut self.centers[index * self.stride..].as_flattened_mut()[..self.width];
        let (mut radius, mut support) = (0.0, 0);
        let (mut size, mut sum) = (0.0, 0.0);
        for (k, entry) in linear.iter().enumerate() {
            let enclosure = float::enclose_ratio(entry, &one, scale);
            centers[k] = enclosure.center;
            if enclosure.center != 0.0 || enclosure.radius != 0.0 {
                radius = enclosure.radius.max(radius);
                support |= support_bit(k);
            }
            size = enclosure.center.abs().max(size);
            sum += enclosure.center.abs();
        }
        let enclosure = float::enclose_ratio(constant, &one, scale);
        centers[linear.len()] = enclosure.center;
        let (four, lane) = (&mut self.fours[index / LANES], index % LANES);
        four.radius[lane] = radius;
        four.constant_radius[lane] = enclosure.radius;
        four.size[lane] = size;
        four.support[lane] = support;
        let doubt = doubtful(support, linear.len()) * radius;
        let (error, round_up) = rounding(self.stride);
        let sum_of_all = sum + enclosure.center.abs();
        four.slack[lane] = (error * sum_of_all + doubt + enclosure.radius) * round_up + TINY;
        four.norm[lane] = (sum + doubt) * round_up;
    }
}

/// How many coefficients a support has.
fn doubtful(support: u128, dimension: usize) -> f64 {
    let shared = if support & support_bit(127) == 0 {
        0
    } else {
        dimension.saturating_sub(127)
    };
    let own = (support & !support_bit(127)).count_ones() as usize;
    (own + shared) as f64
}

/// A bound on the relative error of sums over a row of so many vectors, and a factor that
/// makes up for the roundings of such a sum of magnitudes, and some more.
fn rounding(stride: usize) -> (f64, f64) {
    let error = float::sum_error((stride + 1) * LANES);
    (error, 1.0 + 2.0 * error)
}

for_all_processors! {
    /// Scales forms by powers of two, which is exact: numbers between 2^-500 and 2^400 times
    /// one between 2^-400 and 2^400 neither overflow nor underflow. Centers that come out
    /// below [`TINY`] in magnitude become zero: `TINY` is added to the radii of all that is not
    /// zero, and two roundings are made up for.
    fn scale<L>(
        rows: &mut Rows,
        forms: &FloatForms,
        classes: Option<&[Class]>,
        extreme: &mut Vec<usize>,
    ) {
        let (none, tiny, one) = (L::all(0.0), L::all(TINY), L::all(1.0));
        let (small, large) = (L::all(SMALL), L::all(LARGE));
        let more = L::all(1.0 + 4.0 * UNIT);
        let (error, round_up) = rounding(rows.stride);
        let (error, round_up) = (L::all(error), L::all(round_up));
        let stride = rows.stride;
        let (mut support, mut doubts) = ([0; LANES], none);
        let places = rows.centers.chunks_exact_mut(LANES * stride).zip(&mut rows.fours);
        for (number, (centers, to)) in places.enumerate() {
            let first = number * LANES;
            let units: [usize; LANES];
            let gathered: Four;
            let four = match classes {
                None => {
                    units = std::array::from_fn(|lane| first + lane);
                    &forms.fours()[number]
                }
                Some(classes) => {
                    let last = classes.len() - 1;
                    units = std::array::from_fn(|lane| {
                        classes[(first + lane).min(last)].representative()
                    });
                    gathered = gather(forms.fours(), units);
                    &gathered
                }
            };
            let [radius, constant_radius, size, sum, constant] =
                [&four.radius, &four.constant_radius, &four.size, &four.sum, &four.constant]
                    .map(L::load);
            let largest = none.below_pick(size, size, constant);
            // Where all is zero, any scale will do.
            let all = largest.plus(radius).plus(constant_radius);
            let largest = none.below_pick(all, largest, one);
            let mut ordinary = !small.above(largest);
            for numbers in [largest, radius, constant_radius, constant] {
                ordinary &= large.above(numbers);
            }
            let scale = one.over(largest.power_below());
            let scaled = |radius: L, center: L| {
                let covered = radius.times(scale).plus(tiny).times(more);
                none.below_pick(radius.plus(center), covered, none)
            };
            let radius = scaled(radius, size);
            let constant_radius = scaled(constant_radius, constant);
            if four.support != support {
                support = four.support;
                doubts = L::load(&support.map(|support| doubtful(support, forms.width - 1)));
            }
            let (size, sum) = (size.times(scale), sum.times(scale));
            let doubt = radius.times(doubts);
            let magnitudes = sum.plus(constant.times(scale)).times(error);
            let slack = magnitudes.plus(doubt).plus(constant_radius);
            radius.store(&mut to.radius);
            constant_radius.store(&mut to.constant_radius);
            size.store(&mut to.size);
            slack.times(round_up).plus(tiny).store(&mut to.slack);
            sum.plus(doubt).times(round_up).store(&mut to.norm);
            to.support = support;
            let factors = scale.array();
            for ((to, unit), factor) in centers.chunks_exact_mut(stride).zip(units).zip(factors) {
                let factor = L::all(factor);
                let from = &forms.vectors()[unit * stride..][..stride];
                for (to, from) in to.iter_mut().zip(from) {
                    let entries = L::load(from).times(factor);
                    entries.abs().below_pick(tiny, none, entries).store(to);
                }
            }
            if ordinary & ((1 << LANES) - 1) != (1 << LANES) - 1 {
                for lane in (0..LANES.min(rows.len - first)).filter(|lane| ordinary >> lane & 1 == 0) {
                    centers[lane * stride..][..stride].fill([0.0; LANES]);
                    extreme.push(first + lane);
                }
            }
        }
    }
}

/// What is known of four forms.
fn gather(fours: &[Four], units: [usize; LANES]) -> Four {
    let pick = |unit: usize| (&fours[unit / LANES], unit % LANES);
    Four {
        radius: units.map(|unit| pick(unit).0.radius[pick(unit).1]),
        constant_radius: units.map(|unit| pick(unit).0.constant_radius[pick(unit).1]),
        size: units.map(|unit| pick(unit).0.size[pick(unit).1]),
        sum: units.map(|unit| pick(unit).0.sum[pick(unit).1]),
        constant: units.map(|unit| pick(unit).0.constant[pick(unit).1]),
        support: units.map(|unit| pick(unit).0.support[pick(unit).1]),
    }
}
