//! The threads of a search, and their stacks.

use std::cell::OnceCell;
use std::thread;

use rayon::{ThreadPool, ThreadPoolBuilder};

use super::level::Level;
use super::share::Team;
use super::tree::{Roots, Tree};
use crate::{Error, Result};

/// Bytes that a thread reserves for its stack, best first. The search recurses once a
/// split; the system commits only what is touched, so that a large reservation is
/// free, unless addresses are limited (`ulimit -v`).
const STACKS: [usize; 3] = [1 << 30, 1 << 28, 1 << 26];

/// A search of at most this depth takes place on the stack of the calling thread. It takes less
/// than 256 KiB there: see the test below.
const SHALLOW: usize = 100;

/// After so many decisions, some tenths of a millisecond, other threads are worth their start.
const ALONE: u64 = 4_000;

/// Threads that start when they are needed.
pub struct Threads {
    number: usize,
    pool: OnceCell<ThreadPool>,
}

impl Threads {
    pub fn new(number: usize) -> Self {
        Threads {
            number,
            pool: OnceCell::new(),
        }
    }

    /// Searches a tree.
    ///
    /// # Errors
    /// When the operating system does not start the threads.
    pub fn search(&self, tree: &Tree) -> Result<()> {
        let domain = Level::domain(tree.chart);
        let first = (!tree.stages.is_empty()).then(|| Level::first(&domain, tree.chart));
        let levels = &Roots {
            domain: &domain,
            first,
        };
        let shallow = tree.depth() <= SHALLOW;
        if self.number == 1 {
            return if shallow {
                tree.search(levels);
                Ok(())
            } else {
                on_a_deep_stack(|| tree.search(levels))
            };
        }
        let team = &Team::new(self.number);
        let mut pieces = None;
        if shallow && self.pool.get().is_none() {
            let left = tree.search_alone(levels, team, ALONE);
            if left.is_empty() {
                return Ok(());
            }
            pieces = Some(left);
        }
        self.pool()?
            .install(|| tree.search_together(levels, team, pieces));
        Ok(())
    }

    fn pool(&self) -> Result<&ThreadPool> {
        if let Some(pool) = self.pool.get() {
            return Ok(pool);
        }
        let start = |stack| {
            ThreadPoolBuilder::new()
                .num_threads(self.number)
                .stack_size(stack)
                .build()
        };
        let pool = on_best_stack(self.number, start)?;
        Ok(self.pool.get_or_init(|| pool))
    }
}

fn on_a_deep_stack(work: impl FnOnce() + Send) -> Result<()> {
    let work = std::sync::Mutex::new(Some(work));
    thread::scope(|scope| {
        let start = |stack| {
            thread::Builder::new()
                .stack_size(stack)
                .spawn_scoped(scope, || {
                    let work = work.lock().ok().and_then(|mut work| work.take());
                    work.expect("it is done once")();
                })
        };
        match on_best_stack(1, start)?.join() {
            Ok(()) => Ok(()),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

/// Starts threads with the largest stacks that there are.
fn on_best_stack<T, E: std::fmt::Display>(
    threads: usize,
    start: impl Fn(usize) -> std::result::Result<T, E>,
) -> Result<T> {
    let mut started = start(STACKS[0]);
    for stack in &STACKS[1..] {
        started = started.or_else(|_| start(*stack));
    }
    started.map_err(|error| {
        Error::input(
            "search",
            format!("{threads} threads"),
            format!("the system does not start them: {error}"),
            "use fewer threads, or raise the limits on processes and addresses (ulimit -u, -v)",
        )
    })
}
