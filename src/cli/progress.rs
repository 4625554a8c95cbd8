//! How far a search is, on standard error, when that is a terminal.

use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use chambers::search::Monitor;
use indicatif::{HumanCount, ProgressBar, ProgressStyle};

const INTERVAL: Duration = Duration::from_millis(100);

/// Steps of the bar.
const STEPS: u64 = 1000;

/// Shows a bar until it is dropped.
pub struct Progress {
    watcher: Option<(mpsc::Sender<()>, JoinHandle<()>)>,
}

impl Progress {
    /// Starts to watch a search; does nothing when no person is watching.
    pub fn show(monitor: &Arc<Monitor>) -> Self {
        if !std::io::stderr().is_terminal() {
            return Progress { watcher: None };
        }
        let monitor = Arc::clone(monitor);
        let (end, ended) = mpsc::channel();
        let thread = std::thread::spawn(move || watch(&monitor, &ended));
        Progress {
            watcher: Some((end, thread)),
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some((end, thread)) = self.watcher.take() {
            drop(end);
            let _ = thread.join();
        }
    }
}

fn watch(monitor: &Monitor, ended: &mpsc::Receiver<()>) {
    let bar = ProgressBar::new(STEPS);
    if let Ok(style) = ProgressStyle::with_template("{elapsed:>4} [{bar:24}] {percent:>3}%  {msg}")
    {
        bar.set_style(style.progress_chars("=> "));
    }
    let start = Instant::now();
    while let Err(RecvTimeoutError::Timeout) = ended.recv_timeout(INTERVAL) {
        let now = monitor.snapshot();
        let rate = now.regions as f64 / start.elapsed().as_secs_f64();
        bar.set_position((now.share * STEPS as f64) as u64);
        bar.set_message(format!(
            "{} regions, {}/s, depth {}",
            HumanCount(now.regions),
            HumanCount(rate as u64),
            now.depth
        ));
    }
    bar.finish_and_clear();
}
