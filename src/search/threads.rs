//! The threads of a search, and their stacks.

use std::cell::OnceCell;
use std::thread;
use std::time::Duration;

use rayon::{ThreadPool, ThreadPoolBuilder};

use super::level::Level;
use super::share::{Patience, Team};
use super::tree::{Roots, Tree};
use crate::{Error, Result};

/// Bytes that a thread reserves for its stack, best first. The search recurses once a
/// split; the system commits only what is touched, so that a large reservation is
/// free, unless addresses are limited (`ulimit -v`).
const STACKS: [usize; 3] = [1 << 30, 1 << 28, 1 << 26];

/// A search of at most this depth takes place on the stack of the calling thread. It takes less
/// than 256 KiB there: see the test below.
const SHALLOW: usize = 100;

/// The calling thread searches alone for about as long as the start of others takes: what ends before
/// then does not pay for it, and what goes on has not lost much.
const PATIENCE: Patience = Patience {
    decisions: 500,
    time: Duration::from_micros(300),
};

/// Threads that start when they are needed.
pub struct Threads {
    number: usize,
    /// When the others start.
    patience: Patience,
    pool: OnceCell<ThreadPool>,
}

impl Threads {
    /// At most this many; `None` takes one for each core.
    pub fn new(number: Option<usize>) -> Self {
        let cores = || thread::available_parallelism().ok().map(usize::from);
        Self::with_patience(number.or_else(cores).unwrap_or(1).max(1), PATIENCE)
    }

    pub fn with_patience(number: usize, patience: Patience) -> Self {
        Threads {
            number,
            patience,
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
            let left = tree.search_alone(levels, team, self.patience);
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

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;
    use crate::arithmetic::Number;
    use crate::arrangement::Domain;
    use crate::network::{Affine, Layer, Network, Shape};
    use crate::regions::Region;
    use crate::search::{Monitor, Options, enumerate};

    /// Layers of `width` units, each unit a multiple of one value and a bias.
    fn columns(width: usize, layers: usize, scale: &str) -> Network {
        let mut network = Network::new(Shape::new([width]));
        for layer in 0..layers {
            let scales = (0..width).map(|k| Number::parse(["1", scale][k % 2]).unwrap());
            let shifts = (0..width).map(|k| Number::from((k + layer) as i64 % 3 - 1));
            let affine =
                Affine::elementwise(Shape::new([width]), scales.collect(), shifts.collect());
            network.push(Layer::Affine(affine.unwrap())).unwrap();
            network.push(Layer::Relu).unwrap();
        }
        network
    }

    /// The deepest searches that take place on the calling thread's stack need less than 256 KiB
    /// of it: one layer of independent units, whose first region lies below as many splits; many
    /// layers; and both in exact arithmetic.
    #[test]
    fn shallow_searches_fit_on_any_stack() {
        let many = SHALLOW - 2;
        for network in [
            columns(many, 1, "-1"),
            columns(many / 9, 8, "-1"),
            columns(1, many / 2, "-1"),
            columns(many, 1, "1e-600"),
            columns(2, many / 3, "1e-600"),
        ] {
            let found = AtomicU64::new(0);
            let visit = |_: &Region| {
                found.fetch_add(1, Ordering::Relaxed);
                ControlFlow::Break(())
            };
            let search = || {
                let options = Options {
                    threads: Some(1),
                    ..Options::default()
                };
                let domain = Domain::everything(network.input().len());
                enumerate(&network, &domain, &options, &Monitor::new(), &visit).unwrap()
            };
            thread::scope(|scope| {
                let small = thread::Builder::new().stack_size(256 << 10);
                small.spawn_scoped(scope, search).unwrap().join().unwrap();
            });
            assert_eq!(found.into_inner(), 1);
        }
    }
}
