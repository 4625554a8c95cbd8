//! Ctrl-C and termination: the first asks the search to stop, the second is final.

use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use chambers::search::Monitor;

use super::note;

/// What a shell reports for a program that SIGINT ended.
const INTERRUPTED: i32 = 130;

/// From now on a signal stops the searches of these monitors.
pub fn stop_on_signal(monitors: &[&Arc<Monitor>]) {
    let monitors: Vec<Arc<Monitor>> = monitors.iter().map(|&m| Arc::clone(m)).collect();
    let asked = AtomicBool::new(false);
    let installed = ctrlc::set_handler(move || {
        if asked.swap(true, Ordering::Relaxed) {
            std::process::exit(INTERRUPTED);
        }
        // On a terminal the line may already hold a progress bar and a ^C.
        let line_feed = if std::io::stderr().is_terminal() {
            "\n"
        } else {
            ""
        };
        note(&format!(
            "{line_feed}stopping; once more ends at once, without a result"
        ));
        monitors.iter().for_each(|monitor| monitor.stop());
    });
    if let Err(error) = installed {
        note(&format!(
            "warning: signals will end the program at once: {error}"
        ));
    }
}
