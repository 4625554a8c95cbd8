//! Linear programming over the integers, for the decisions that floats leave open.
//!
//! The criss-cross method with least-index pivots (Terlaky 1985, Wang 1987) needs no
//! feasible start and ends after finitely many pivots on every input, however
//! degenerate. Tableaux are kept as integers over one common denominator.

use num_bigint::BigInt;
use num_traits::Zero;

use crate::arithmetic::Rational;
use crate::arithmetic::integer::{IntegerRow, Ring};

/// What a linear form does on a closed cell. Lists of rows are certificates: their
/// linear parts are independent, all but the first of [`Minimum::Infeasible`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Minimum {
    /// The least value exists and has this sign; the form is that value and a
    /// combination of these rows with positive multipliers.
    Sign(i32, Vec<usize>),
    /// There is no least value, or the cell is empty.
    Unbounded,
    /// The closed cell is empty: minus the first of these rows is a positive constant
    /// and a combination of the others with positive multipliers.
    Infeasible(Vec<usize>),
}

/// What there is inside a cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Interior {
    /// A point at which every row is positive.
    Point(Vec<Rational>),
    /// Nothing: minus the first of these rows is a combination of the others with
    /// positive multipliers, and a constant that is not negative. The linear parts of
    /// the others are independent.
    Empty(Vec<usize>),
}

/// The least value of `form` on `{y : row(y) >= 0 for all rows}`. `hint` lists rows
/// that are thought to be tight at the minimum.
pub fn minimum(rows: &[IntegerRow], hint: &[usize], form: &IntegerRow) -> Minimum {
    minimum_in::<i128>(rows, hint, form)
        .or_else(|| minimum_in::<BigInt>(rows, hint, form))
        .expect("big integers do not overflow")
}

/// A point at which every row is positive, or why there is none.
pub fn interior_point(rows: &[IntegerRow], dimension: usize, hint: &[usize]) -> Interior {
    interior_in::<i128>(rows, dimension, hint)
        .or_else(|| interior_in::<BigInt>(rows, dimension, hint))
        .expect("big integers do not overflow")
}

fn minimum_in<T: Ring>(rows: &[IntegerRow], hint: &[usize], form: &IntegerRow) -> Option<Minimum> {
    let width = form.width();
    let entries = |row: &IntegerRow| {
        (0..width)
            .map(|k| row.entry::<T>(k))
            .collect::<Option<Vec<T>>>()
    };
    let rows = rows.iter().map(entries).collect::<Option<Vec<_>>>()?;
    let mut tableau = Tableau::new(rows, entries(form)?);
    tableau.enter(hint)?;
    tableau.minimise()
}

/// Maximises t subject to row(y) >= t for all rows, and t <= 1.
fn interior_in<T: Ring>(rows: &[IntegerRow], dimension: usize, hint: &[usize]) -> Option<Interior> {
    let (zero, minus_one) = (T::from_i64(0), T::from_i64(-1));
    let mut lifted = Vec::with_capacity(rows.len() + 1);
    for row in rows {
        let mut entries = (0..dimension)
            .map(|k| row.entry::<T>(k))
            .collect::<Option<Vec<T>>>()?;
        entries.push(minus_one.clone());
        entries.push(row.entry::<T>(dimension)?);
        lifted.push(entries);
    }
    let mut cap = vec![zero.clone(); dimension];
    cap.extend([minus_one.clone(), T::from_i64(1)]);
    lifted.push(cap);
    let mut objective = vec![zero.clone(); dimension];
    objective.extend([minus_one, zero]);
    let mut tableau = Tableau::new(lifted, objective);
    let hint: Vec<usize> = hint.iter().copied().chain([rows.len()]).collect();
    tableau.enter(&hint)?;
    match tableau.minimise()? {
        // The objective is -t.
        Minimum::Sign(-1, _) => {
            let mut point = tableau.point();
            point.truncate(dimension);
            Some(Interior::Point(point))
        }
        // -t = sum of m_j (row_j - t) + m (1 - t) + v: comparing the coefficients of t and
        // of y, the rows with m_j > 0 sum up to -(m + v) <= 0, and there is one, as v >= 0.
        // Independent with a coefficient of t, they are so without it but for one relation.
        Minimum::Sign(_, tight) => {
            let cap = rows.len();
            let tight = tight.into_iter().filter(|&row| row != cap);
            Some(Interior::Empty(tight.collect()))
        }
        Minimum::Unbounded | Minimum::Infeasible(_) => {
            unreachable!("t is bounded above and free below")
        }
    }
}

/// A dictionary: every row variable as an affine function of the column variables,
/// `row = (sum_c entry_c column_c + entry_last) / denominator`.
struct Tableau<T> {
    width: usize,
    /// Row-major; the objective is the last row.
    entries: Vec<T>,
    rows: Vec<Variable>,
    columns: Vec<Variable>,
    /// Positive.
    denominator: T,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Variable {
    /// The value of a constraint: not negative.
    Constraint(usize),
    /// A coordinate: any value.
    Coordinate(usize),
    Objective,
}

impl<T: Ring> Tableau<T> {
    fn new(constraints: Vec<Vec<T>>, objective: Vec<T>) -> Self {
        let width = objective.len();
        let rows = (0..constraints.len())
            .map(Variable::Constraint)
            .chain([Variable::Objective])
            .collect();
        Tableau {
            width,
            entries: constraints.into_iter().flatten().chain(objective).collect(),
            rows,
            columns: (0..width - 1).map(Variable::Coordinate).collect(),
            denominator: T::from_i64(1),
        }
    }

    fn sign(&self, row: usize, column: usize) -> i32 {
        self.entries[row * self.width + column].sign()
    }

    /// Exchanges a row and a column; the entry where they meet is not zero.
    fn pivot(&mut self, row: usize, column: usize) -> Option<()> {
        let width = self.width;
        let flip = self.sign(row, column) < 0;
        let mut pivot_row = self.entries[row * width..(row + 1) * width].to_vec();
        let mut pivot = pivot_row[column].clone();
        if flip {
            // Keeps the new denominator positive.
            pivot = pivot.negated()?;
            for entry in &mut pivot_row {
                *entry = entry.negated()?;
            }
        }
        for other in (0..self.rows.len()).filter(|&other| other != row) {
            let line = &mut self.entries[other * width..(other + 1) * width];
            let factor = line[column].clone();
            for k in 0..width {
                if k != column {
                    line[k] =
                        T::cross(&line[k], &pivot, &factor, &pivot_row[k], &self.denominator)?;
                }
            }
            line[column] = if flip { factor.negated()? } else { factor };
        }
        let line = &mut self.entries[row * width..(row + 1) * width];
        for k in 0..width {
            line[k] = if k != column {
                pivot_row[k].negated()?
            } else if flip {
                self.denominator.negated()?
            } else {
                self.denominator.clone()
            };
        }
        self.denominator = pivot;
        std::mem::swap(&mut self.rows[row], &mut self.columns[column]);
        Some(())
    }

    /// Makes constraints tight, those of the hint first, until no column is a
    /// coordinate that any constraint sees.
    fn enter(&mut self, hint: &[usize]) -> Option<()> {
        let constraints = self.rows.len() - 1;
        for row in hint.iter().copied().chain(0..constraints) {
            // Rows swap places with columns, never with rows: a constraint that is
            // still a row stands at its own index.
            if self.rows[row] == Variable::Constraint(row) {
                let free = |&column: &usize| {
                    matches!(self.columns[column], Variable::Coordinate(_))
                        && self.sign(row, column) != 0
                };
                if let Some(column) = (0..self.width - 1).find(free) {
                    self.pivot(row, column)?;
                }
            }
        }
        Some(())
    }

    /// The constraints in the columns that `which` picks.
    fn constraints(&self, which: impl Fn(usize) -> bool) -> Vec<usize> {
        let picked = self.columns.iter().enumerate().filter(|(k, _)| which(*k));
        picked
            .filter_map(|(_, variable)| match variable {
                Variable::Constraint(row) => Some(*row),
                _ => None,
            })
            .collect()
    }

    fn minimise(&mut self) -> Option<Minimum> {
        let (objective, last) = (self.rows.len() - 1, self.width - 1);
        loop {
            let row = (0..objective)
                .filter(|&row| {
                    matches!(self.rows[row], Variable::Constraint(_)) && self.sign(row, last) < 0
                })
                .min_by_key(|&row| self.rows[row]);
            let column = (0..last)
                .filter(|&column| {
                    matches!(self.columns[column], Variable::Constraint(_))
                        && self.sign(objective, column) < 0
                })
                .min_by_key(|&column| self.columns[column]);
            match (row, column) {
                (None, None) => {
                    // No constraint sees a coordinate that is still a column.
                    let free =
                        |&column: &usize| matches!(self.columns[column], Variable::Coordinate(_));
                    let falls = (0..last)
                        .filter(free)
                        .any(|column| self.sign(objective, column) != 0);
                    return Some(if falls {
                        Minimum::Unbounded
                    } else {
                        Minimum::Sign(
                            self.sign(objective, last),
                            self.constraints(|column| self.sign(objective, column) > 0),
                        )
                    });
                }
                (Some(row), column) if column.is_none_or(|c| self.rows[row] < self.columns[c]) => {
                    let entering = (0..last)
                        .filter(|&column| {
                            matches!(self.columns[column], Variable::Constraint(_))
                                && self.sign(row, column) > 0
                        })
                        .min_by_key(|&column| self.columns[column]);
                    match entering {
                        Some(column) => self.pivot(row, column)?,
                        None => {
                            let Variable::Constraint(broken) = self.rows[row] else {
                                unreachable!("only constraints are broken")
                            };
                            let mut rows = vec![broken];
                            rows.extend(self.constraints(|column| self.sign(row, column) < 0));
                            return Some(Minimum::Infeasible(rows));
                        }
                    }
                }
                (_, Some(column)) => {
                    let leaving = (0..objective)
                        .filter(|&row| {
                            matches!(self.rows[row], Variable::Constraint(_))
                                && self.sign(row, column) < 0
                        })
                        .min_by_key(|&row| self.rows[row]);
                    match leaving {
                        Some(row) => self.pivot(row, column)?,
                        None => return Some(Minimum::Unbounded),
                    }
                }
                (Some(_), None) => unreachable!("taken by the second arm"),
            }
        }
    }

    /// The coordinates where all column variables are zero.
    fn point(&self) -> Vec<Rational> {
        let mut point = vec![Rational::zero(); self.width - 1];
        for (row, variable) in self.rows.iter().enumerate() {
            if let Variable::Coordinate(k) = variable {
                let value = self.entries[(row + 1) * self.width - 1].to_big();
                point[*k] = Rational::new(value, self.denominator.to_big());
            }
        }
        point
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arithmetic::Int;

    fn row(entries: &[i64]) -> IntegerRow {
        IntegerRow::new(&entries.iter().map(|&e| Int::from(e)).collect::<Vec<_>>())
    }

    fn inside(rows: &[IntegerRow], dimension: usize, hint: &[usize]) -> Vec<Rational> {
        match interior_point(rows, dimension, hint) {
            Interior::Point(point) => point,
            Interior::Empty(why) => panic!("empty by {why:?}"),
        }
    }

    /// 0 <= x, 0 <= y, x + y <= 4.
    fn triangle() -> Vec<IntegerRow> {
        vec![row(&[1, 0, 0]), row(&[0, 1, 0]), row(&[-1, -1, 4])]
    }

    #[test]
    fn minima_have_the_right_sign_from_every_start() {
        let cases = [
            (row(&[1, 1, -4]), -1),
            (row(&[1, 1, 0]), 0),
            (row(&[-1, 0, 5]), 1),
            (row(&[-1, -2, 8]), 0),
        ];
        for (form, sign) in cases {
            for hint in [&[][..], &[0, 1], &[1, 2], &[2, 0], &[2]] {
                let least = minimum(&triangle(), hint, &form);
                assert!(
                    matches!(least, Minimum::Sign(found, _) if found == sign),
                    "{form:?} {hint:?}: {least:?}"
                );
            }
        }
    }

    #[test]
    fn unbounded_and_empty_cells_are_told() {
        let quadrant = &triangle()[..2];
        assert_eq!(
            minimum(quadrant, &[], &row(&[-1, 0, 9])),
            Minimum::Unbounded
        );
        assert_eq!(
            minimum(quadrant, &[], &row(&[1, 0, -9])),
            Minimum::Sign(-1, vec![0])
        );
        let strip = [row(&[1, 0, 0]), row(&[-1, 0, 1])];
        assert_eq!(minimum(&strip, &[], &row(&[0, 1, 0])), Minimum::Unbounded);
        let empty = [row(&[1, 0, 0]), row(&[-1, 0, -1])];
        let Minimum::Infeasible(mut why) = minimum(&empty, &[], &row(&[1, 0, 0])) else {
            panic!("x > 0 and x < -1");
        };
        why.sort_unstable();
        assert_eq!(why, [0, 1]);
    }

    #[test]
    fn interior_points_are_inside_and_flat_cells_have_none() {
        let point = inside(&triangle(), 2, &[0, 1]);
        let zero = Rational::zero();
        assert!(
            point[0] > zero
                && point[1] > zero
                && &point[0] + &point[1] < Rational::from_integer(4.into())
        );
        let segment = [
            row(&[1, 0, 0]),
            row(&[-1, 0, 0]),
            row(&[0, 1, 0]),
            row(&[0, -1, 1]),
        ];
        let Interior::Empty(mut why) = interior_point(&segment, 2, &[]) else {
            panic!("a segment has no interior");
        };
        why.sort_unstable();
        assert_eq!(why, [0, 1]);
        // A strip of width 2^-80 at height 1.
        let big: BigInt = BigInt::from(1) << 80;
        let upper = IntegerRow::new(&[Int::from(-&big), Int::from(&big + 1)]);
        let lower = IntegerRow::new(&[Int::ONE, Int::from(-1)]);
        let point = inside(&[lower, upper], 1, &[]);
        assert!(point[0] > Rational::from_integer(1.into()));
        assert_eq!(inside(&[], 0, &[]), []);
    }
}
