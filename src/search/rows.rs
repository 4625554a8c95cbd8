//! Rows of one layer or of the domain in floats: centers and radii, scaled to ordinary size,
//! and what proofs need to know of them.

use crate::arithmetic::Int;
use crate::arithmetic::float::{self, TINY, UNIT};
use crate::arithmetic::lanes::{LANES, Lanes, for_all_processors, unrolled};
use crate::arrangement::forms::{FloatForms, Four, clear, rounding};
use crate::arrangement::stage::Class;
use crate::arrangement::support::{self, Supports};

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
        if self.support & support::bit(k) == 0 {
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
    supports: Supports,
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
}

/// Rows with a coefficient from here, 2^-400, to [`LARGE`] may be scaled.
const SMALL: f64 = f64::from_bits((1023 - 400) << 52);
/// 2^400.
const LARGE: f64 = f64::from_bits((1023 + 400) << 52);

/// Whether forms are as good as their rows: none is so small that [`TINY`] matters beside it.
pub fn is_ordinary(forms: &FloatForms) -> bool {
    let sizes = forms.fours().iter().flat_map(|four| &four.size);
    forms.tame && sizes.into_iter().all(|&size| size == 0.0 || size >= SMALL)
}

impl Rows {
    /// So many rows of so many entries, all zero.
    pub fn zeros(width: usize, len: usize) -> Self {
        let mut rows = Rows::default();
        rows.clear(width, len);
        rows
    }

    /// Becomes so many rows of so many entries, all zero.
    fn clear(&mut self, width: usize, len: usize) {
        let (fours, stride) = (len.div_ceil(LANES), width.div_ceil(LANES));
        (self.width, self.len, self.stride) = (width, len, stride);
        clear(&mut self.centers, fours * LANES * stride);
        clear(&mut self.fours, fours);
        self.supports = Supports::default();
    }

    /// Becomes forms, one a row, or one for each class, scaled to ordinary size. Rows whose
    /// numbers are too extreme are left without centers, and listed.
    pub fn scale(&mut self, forms: &FloatForms, classes: Option<&[Class]>) -> Vec<usize> {
        // As many classes as forms are the forms, one after another.
        let classes = classes.filter(|classes| classes.len() < forms.len());
        let len = classes.map_or(forms.len(), <[Class]>::len);
        self.clear(forms.width, len);
        self.supports = match (forms.supports(), classes) {
            (Supports::Own(_), Some(classes)) => {
                let unit = |class: &Class| forms.support(class.representative());
                Supports::new(classes.iter().map(unit).collect())
            }
            (supports, _) => supports.clone(),
        };
        let mut extreme = Vec::new();
        scale(self, forms, classes, &mut extreme);
        extreme
    }

    #[inline(always)]
    /// A row.
    pub fn get(&self, index: usize) -> FloatRow<'_> {
        let (four, lane) = (&self.fours[index / LANES], index % LANES);
        let center = &self.entries(index)[..self.width];
        let (radius, constant_radius) = (four.radius[lane], four.constant_radius[lane]);
        FloatRow {
            center,
            coefficient_radius: radius,
            constant_radius,
            support: self.supports.get(index, self.is_zero(index)),
            homogeneous: constant_radius == 0.0 && center[self.width - 1] == 0.0,
            exact: radius == 0.0 && constant_radius == 0.0,
        }
    }

    /// Whether all coefficients of a row are known to be zero.
    fn is_zero(&self, index: usize) -> bool {
        let (four, lane) = (&self.fours[index / LANES], index % LANES);
        four.radius[lane] == 0.0 && four.size[lane] == 0.0
    }

    /// The entries of a row as a vector.
    #[inline(always)]
    pub fn entries(&self, index: usize) -> &[f64] {
        self.centers[index * self.stride..][..self.stride].as_flattened()
    }

    /// A row as whole vectors.
    #[inline]
    pub fn vector(&self, index: usize) -> Vector<'_> {
        let (four, lane) = (&self.fours[index / LANES], index % LANES);
        let entries = self.entries(index);
        Vector {
            entries,
            slack: four.slack[lane],
            norm: four.norm[lane],
            homogeneous: four.constant_radius[lane] == 0.0 && entries[self.width - 1] == 0.0,
        }
    }

    /// A row of K entries, its slack and its norm.
    #[inline(always)]
    pub fn short<const K: usize>(&self, index: usize) -> (&[f64; K], f64, f64) {
        let stride = K.div_ceil(LANES);
        let entries = self.centers[index * stride..][..stride].as_flattened();
        let (four, lane) = (&self.fours[index / LANES], index % LANES);
        let entries = entries.first_chunk().expect("at least K");
        (entries, four.slack[lane], four.norm[lane])
    }

    /// Four rows from `4 * number` on, their slacks and their norms.
    #[inline(always)]
    pub fn four(&self, number: usize) -> (&[[f64; LANES]], &[f64; LANES], &[f64; LANES]) {
        let (four, stride) = (&self.fours[number], self.stride);
        (
            &self.centers[number * LANES * stride..],
            &four.slack,
            &four.norm,
        )
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

    /// Scales an exact row to ordinary size and encloses it.
    pub fn set_exact(&mut self, index: usize, entries: &[Int]) {
        let (constant, linear) = entries.split_last().expect("a row has a constant");
        let bits = linear.iter().map(Int::bits).max().filter(|&bits| bits > 0);
        let scale = bits.unwrap_or(constant.bits()) as i64 - 1;
        let enclose = float::enclose_over(&Int::ONE, scale);
        let centers = &mut self.centers[index * self.stride..].as_flattened_mut()[..self.width];
        let (mut radius, mut own) = (0.0, 0);
        let (mut size, mut sum) = (0.0, 0.0);
        for (k, entry) in linear.iter().enumerate() {
            let enclosure = enclose(entry);
            centers[k] = enclosure.center;
            if enclosure.center != 0.0 || enclosure.radius != 0.0 {
                radius = enclosure.radius.max(radius);
                own |= support::bit(k);
            }
            size = enclosure.center.abs().max(size);
            sum += enclosure.center.abs();
        }
        let enclosure = enclose(constant);
        centers[linear.len()] = enclosure.center;
        let (four, lane) = (&mut self.fours[index / LANES], index % LANES);
        four.radius[lane] = radius;
        four.constant_radius[lane] = enclosure.radius;
        four.size[lane] = size;
        let doubt = support::count(own, linear.len()) as f64 * radius;
        let (error, round_up) = rounding(self.stride);
        let sum_of_all = sum + enclosure.center.abs();
        four.slack[lane] = (error * sum_of_all + doubt + enclosure.radius) * round_up + TINY;
        four.norm[lane] = (sum + doubt) * round_up;
        let mut supports = std::mem::take(&mut self.supports);
        supports.set(index, own, self.len, |row| self.is_zero(row));
        self.supports = supports;
    }
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
        let doubtful = |support| support::count(support, forms.width - 1) as f64;
        // What a row that is zero counts makes no difference.
        let all_doubtful = match &rows.supports {
            Supports::Shared(support) => Some(L::all(doubtful(*support))),
            Supports::Own(_) => None,
        };
        let places = rows.centers.chunks_exact_mut(LANES * stride).zip(&mut rows.fours);
        for (number, (centers, to)) in places.enumerate() {
            let first = number * LANES;
            let units = classes.map(|classes| {
                let unit = |lane: usize| classes[(first + lane).min(classes.len() - 1)].representative();
                std::array::from_fn(unit)
            });
            let gathered: Four;
            let four = match units {
                None => &forms.fours()[number],
                Some(units) => {
                    gathered = gather(forms.fours(), units);
                    &gathered
                }
            };
            let doubtful = all_doubtful.unwrap_or_else(|| {
                let row = |lane: usize| rows.supports.get((first + lane).min(rows.len - 1), false);
                L::load(&std::array::from_fn(|lane| doubtful(row(lane))))
            });
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
            let (size, sum) = (size.times(scale), sum.times(scale));
            let doubt = radius.times(doubtful);
            let magnitudes = sum.plus(constant.times(scale)).times(error);
            let slack = magnitudes.plus(doubt).plus(constant_radius);
            radius.store(&mut to.radius);
            constant_radius.store(&mut to.constant_radius);
            size.store(&mut to.size);
            slack.times(round_up).plus(tiny).store(&mut to.slack);
            sum.plus(doubt).times(round_up).store(&mut to.norm);
            let factors = scale.array();
            let all = forms.vectors();
            match units {
                None => {
                    let from = &all[first * stride..][..LANES * stride];
                    unrolled!(
                        stride,
                        [1 2 3 4],
                        scale_four::<L>(centers, from, factors),
                        else scale_rows::<L>(centers, from.chunks_exact(stride), factors)
                    );
                }
                Some(units) => {
                    let from = units.iter().map(|unit| &all[unit * stride..][..stride]);
                    scale_rows::<L>(centers, from, factors);
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
        ..Four::default()
    }
}

/// Scales four rows of N vectors.
#[inline(always)]
fn scale_four<L: Lanes, const N: usize>(
    to: &mut [[f64; LANES]],
    from: &[[f64; LANES]],
    factors: [f64; LANES],
) {
    let to = to.as_chunks_mut::<N>().0.first_chunk_mut::<LANES>();
    let from = from.as_chunks::<N>().0.first_chunk::<LANES>();
    let rows = to.expect("four rows").iter_mut();
    for ((to, from), factor) in rows.zip(from.expect("four rows")).zip(factors) {
        scale_row::<L>(to, from, factor);
    }
}

/// Scales rows one after another.
#[inline(always)]
fn scale_rows<'a, L: Lanes>(
    to: &mut [[f64; LANES]],
    from: impl Iterator<Item = &'a [[f64; LANES]]>,
    factors: [f64; LANES],
) {
    let stride = to.len() / LANES;
    for ((to, from), factor) in to.chunks_exact_mut(stride).zip(from).zip(factors) {
        scale_row::<L>(to, from, factor);
    }
}

#[inline(always)]
fn scale_row<L: Lanes>(to: &mut [[f64; LANES]], from: &[[f64; LANES]], factor: f64) {
    let (none, tiny, factor) = (L::all(0.0), L::all(TINY), L::all(factor));
    for (to, from) in to.iter_mut().zip(from) {
        let entries = L::load(from).times(factor);
        entries.abs().below_pick(tiny, none, entries).store(to);
    }
}
