//! The domain: all of R^n, or a box whose sides may be infinite or closed to a point.

use std::fmt;

use crate::arithmetic::{Number, Rational};
use crate::{Error, Result};

/// The values one input may take; a missing side is infinite.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Interval {
    /// The lower end.
    pub lower: Option<Number>,
    /// The upper end.
    pub upper: Option<Number>,
}

impl Interval {
    /// Whether no number lies in the closed interval.
    pub fn is_empty(&self) -> bool {
        matches!((&self.lower, &self.upper), (Some(l), Some(u)) if l.to_rational() > u.to_rational())
    }

    /// The only number in the interval, when there is just one.
    pub fn point(&self) -> Option<&Number> {
        self.lower.as_ref().filter(|_| self.lower == self.upper)
    }

    /// Whether a value lies strictly between the ends, or is the only number in it.
    pub fn has_inside(&self, value: &Rational) -> bool {
        if let Some(point) = self.point() {
            return point.to_rational() == *value;
        }
        let above = |lower: &Number| lower.to_rational() < *value;
        let below = |upper: &Number| *value < upper.to_rational();
        self.lower.as_ref().is_none_or(above) && self.upper.as_ref().is_none_or(below)
    }
}

/// A box, one interval an input. Regions are counted in its interior relative to
/// its own dimension: an interval that is a point fixes its input.
#[derive(Clone, Debug, PartialEq)]
pub struct Domain {
    intervals: Vec<Interval>,
}

impl Domain {
    /// All of R^n.
    pub fn everything(inputs: usize) -> Self {
        Domain {
            intervals: vec![Interval::default(); inputs],
        }
    }

    /// A box.
    pub fn new(intervals: Vec<Interval>) -> Self {
        Domain { intervals }
    }

    /// Reads `LO,HI` (one interval for all inputs) or `LO,HI,LO,HI,...` (one an
    /// input; `;` may stand for any comma). A side may be `inf` or `-inf`; numbers
    /// are exact decimals or `p/q`.
    ///
    /// # Errors
    /// When a side is no number, or their count fits neither form.
    ///
    /// ```
    /// use chambers::arrangement::Domain;
    /// let domain = Domain::parse_box("-1,1; 0,inf", 2).unwrap();
    /// assert_eq!(domain.to_string(), "[-1, 1] x [0, inf]");
    /// ```
    pub fn parse_box(text: &str, inputs: usize) -> Result<Self> {
        let fail = |place: String, problem: String| {
            Error::input(
                "--domain box",
                place,
                problem,
                "write box=LO,HI for all inputs or one LO,HI for each, such as box=-1,1 or box=0,1,-inf,2",
            )
        };
        let sides: Vec<&str> = text.split([',', ';']).map(str::trim).collect();
        if sides.len() != 2 && sides.len() != 2 * inputs {
            return Err(fail(
                format!("{text:?}"),
                format!(
                    "{} numbers for {inputs} inputs; expected 2 or {}",
                    sides.len(),
                    2 * inputs
                ),
            ));
        }
        let side = |index: usize, infinity: &[&str]| -> Result<Option<Number>> {
            let text = sides[index];
            if infinity.contains(&text.to_ascii_lowercase().as_str()) {
                return Ok(None);
            }
            let number = Number::parse(text);
            let problem = || {
                fail(
                    format!("number {}", index + 1),
                    format!("{text:?} is no such end of an interval"),
                )
            };
            number.map(Some).ok_or_else(problem)
        };
        let intervals = (0..sides.len() / 2)
            .map(|k| {
                let lower = side(2 * k, &["-inf", "-infinity"])?;
                let upper = side(2 * k + 1, &["inf", "+inf", "infinity", "+infinity"])?;
                Ok(Interval { lower, upper })
            })
            .collect::<Result<Vec<_>>>()?;
        Ok(Domain {
            intervals: if sides.len() == 2 * inputs {
                intervals
            } else {
                vec![intervals[0].clone(); inputs]
            },
        })
    }

    /// One interval an input.
    pub fn intervals(&self) -> &[Interval] {
        &self.intervals
    }

    /// Whether no point lies in the closed box.
    pub fn is_empty(&self) -> bool {
        self.intervals.iter().any(Interval::is_empty)
    }

    /// Whether a point with one entry an input lies in the interior in which regions are
    /// counted: that relative to the fixed inputs.
    ///
    /// ```
    /// use chambers::arithmetic::Number;
    /// use chambers::arrangement::Domain;
    /// let domain = Domain::parse_box("-1,1; 2,2", 2).unwrap();
    /// let inside = |point: [i64; 2]| domain.has_inside(&point.map(|x| Number::from(x).to_rational()));
    /// assert!(inside([0, 2]) && !inside([1, 2]) && !inside([0, 1]));
    /// ```
    pub fn has_inside(&self, point: &[Rational]) -> bool {
        let mut pairs = self.intervals.iter().zip(point);
        pairs.all(|(interval, value)| interval.has_inside(value))
    }
}

impl fmt::Display for Domain {
    /// `R^3` or `[-1, 1] x [0, inf]`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.intervals.iter().all(|i| *i == Interval::default()) {
            return write!(f, "R^{}", self.intervals.len());
        }
        for (k, Interval { lower, upper }) in self.intervals.iter().enumerate() {
            let cross = if k == 0 { "" } else { " x " };
            let lower = lower.as_ref().map_or("-inf".into(), Number::to_string);
            let upper = upper.as_ref().map_or("inf".into(), Number::to_string);
            write!(f, "{cross}[{lower}, {upper}]")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_interval_serves_all_inputs() {
        assert_eq!(
            Domain::parse_box("-1,1", 3).unwrap().to_string(),
            "[-1, 1] x [-1, 1] x [-1, 1]"
        );
        assert_eq!(
            Domain::parse_box("-inf,inf", 2).unwrap(),
            Domain::everything(2)
        );
    }

    #[test]
    fn flat_and_empty_boxes_are_told_apart() {
        let flat = Domain::parse_box("0.5,1/2,0,1", 2).unwrap();
        assert!(!flat.is_empty());
        assert!(flat.intervals()[0].point().is_some() && flat.intervals()[1].point().is_none());
        assert!(Domain::parse_box("1,0", 1).unwrap().is_empty());
    }

    #[test]
    fn what_is_no_box_is_refused() {
        for text in ["", "1", "0,1,2", "a,b", "inf,1", "0,-inf", "nan,1"] {
            assert!(Domain::parse_box(text, 2).is_err(), "{text:?}");
        }
    }
}
