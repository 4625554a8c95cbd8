//! Points of a closed cell that a search has seen, and the sign of every candidate
//! there: what saves a walk.

use super::dictionary::PROPOSAL_ZERO;

/// The points of the closed cell that were visited, vertices and ends of rays, with
/// the sign of every candidate there. Points stay useful below: those on its side of
/// a split belong to a child, too, and save it the walk there.
#[derive(Clone, Debug, Default)]
pub struct Views {
    candidates: Vec<Seen>,
    /// Bits that stand for points. Once all are taken, further points share
    /// [`LAST_POINT`], and so count as one that lies wherever any of them lies.
    points: u64,
}

/// Signs of one candidate: bit v tells of point v, and the last bit of no point: it is
/// not for children.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    positive: u64,
    negative: u64,
}

const LAST_POINT: u64 = 1 << 62;
const TOLD: u64 = 1 << 63;

impl Views {
    /// No points yet, of this many candidates.
    pub fn begin(&mut self, candidates: usize) {
        self.points = 0;
        self.candidates.clear();
        self.candidates.resize(candidates, Seen::default());
    }

    /// Whether candidate `k` has been seen with this sign (1 or -1).
    #[inline]
    pub fn has(&self, k: usize, sign: i32) -> bool {
        let Seen { positive, negative } = self.candidates[k];
        (if sign > 0 { positive } else { negative }) != 0
    }

    /// Notes a sign (1 or -1) that candidate `k` is known to take on the cell.
    pub fn tell(&mut self, k: usize, sign: i32) {
        let Seen { positive, negative } = &mut self.candidates[k];
        *(if sign > 0 { positive } else { negative }) |= TOLD;
    }

    /// Notes the signs of all candidates, which have these values, at one more point.
    pub fn add(&mut self, values: &[f64]) {
        let point = (!self.points)
            .trailing_zeros()
            .min(LAST_POINT.trailing_zeros());
        self.points |= 1 << point;
        for (seen, value) in self.candidates.iter_mut().zip(values) {
            seen.positive |= u64::from(*value > PROPOSAL_ZERO) << point;
            seen.negative |= u64::from(*value < -PROPOSAL_ZERO) << point;
        }
    }

    /// Drops candidate `k`; the last one takes its place.
    #[inline]
    pub fn remove(&mut self, k: usize) {
        self.candidates.swap_remove(k);
    }

    /// Keeps what was seen on the side of candidate `k` with this sign (1 or -1), and drops
    /// `k` as [`Views::remove`] does; without `k`, forgets everything.
    pub fn keep(&mut self, k: Option<usize>, sign: i32) {
        let outside = match k {
            None => !0,
            Some(k) => {
                let Seen { positive, negative } = self.candidates.swap_remove(k);
                (if sign > 0 { negative } else { positive }) | TOLD
            }
        };
        self.points &= !outside;
        for seen in &mut self.candidates {
            seen.positive &= !outside;
            seen.negative &= !outside;
        }
    }
}
