//! How much work an evaluation may do: counted, not timed, so that the same budget
//! gives the same answer everywhere.

/// The work that an evaluation may do before it settles for an interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Steps of about a nanosecond on one core.
    pub steps: u64,
    /// Bytes.
    pub memory: u64,
}

impl Budget {
    /// About so many seconds on one core, and the default memory.
    pub fn seconds(seconds: u64) -> Self {
        Budget {
            steps: seconds.saturating_mul(1_000_000_000),
            ..Budget::default()
        }
    }
}

impl Default for Budget {
    /// A few seconds on one core and 1 GiB.
    fn default() -> Self {
        Budget {
            steps: 3_000_000_000,
            memory: 1 << 30,
        }
    }
}

/// What is left of a budget.
#[derive(Clone, Copy, Debug)]
pub(super) struct Work {
    pub(super) steps: u64,
    /// Never spent for good: each programme frees its memory at its end.
    pub(super) memory: u64,
}

impl Work {
    pub(super) fn new(budget: &Budget) -> Self {
        Work {
            steps: budget.steps,
            memory: budget.memory,
        }
    }

    /// Takes steps; `None` when there are not so many, and then none are left.
    pub(super) fn spend(&mut self, steps: u64) -> Option<()> {
        match self.steps.checked_sub(steps) {
            Some(left) => {
                self.steps = left;
                Some(())
            }
            None => {
                self.steps = 0;
                None
            }
        }
    }

    /// Whether so many bytes may be in use at once.
    pub(super) fn fits(&self, bytes: u64) -> Option<()> {
        (bytes <= self.memory).then_some(())
    }

    /// Runs `task` with at most `share` of the steps.
    pub(super) fn portion<T>(&mut self, share: u64, task: impl FnOnce(&mut Work) -> T) -> T {
        let steps = share.min(self.steps);
        let mut part = Work {
            steps,
            memory: self.memory,
        };
        let result = task(&mut part);
        self.steps -= steps - part.steps;
        result
    }
}
