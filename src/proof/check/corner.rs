//! Corners of cells: where d functions vanish.

use super::ball::Ball;
use super::farkas::Function;

/// Makes of `point` balls around the coordinates at which d functions vanish; false when balls do
/// not prove that these are independent. `scratch` is overwritten.
pub fn by_balls(point: &mut [Ball], functions: &[Function<'_>], scratch: &mut Vec<Ball>) -> bool {
    let d = point.len();
    let width = d + 1;
    scratch.clear();
    for function in functions {
        scratch.extend((0..d).map(|c| Ball::from(function.at(c))));
        scratch.push(-Ball::from(function.at(d)));
    }
    for step in 0..d {
        let size = |row: usize| scratch[row * width + step].distance_from_zero();
        let best = (step..d).max_by(|&a, &b| size(a).total_cmp(&size(b)));
        let best = best.expect("the step's own row");
        let positive = size(best) > 0.0;
        if !positive {
            return false;
        }
        for column in step..width {
            scratch.swap(best * width + column, step * width + column);
        }
        let (above, below) = scratch.split_at_mut((step + 1) * width);
        let pivot = &above[step * width..];
        for row in below.chunks_exact_mut(width) {
            let factor = row[step].over(pivot[step]);
            for column in step + 1..width {
                row[column] = row[column].minus_product(factor, pivot[column]);
            }
        }
    }
    for row in (0..d).rev() {
        let mut value = scratch[row * width + d];
        for column in row + 1..d {
            value = value.minus_product(scratch[row * width + column], point[column]);
        }
        point[row] = value.over(scratch[row * width + row]);
    }
    true
}
