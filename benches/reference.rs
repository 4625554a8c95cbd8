//! Times the exact search beside the reference engine (`--engine lp`), in one run.
//!
//! `cargo bench --bench reference` counts inputs that the reference engine finishes in
//! seconds with both, on one thread each, and prints the time a region took and the
//! ratio. What one region costs the exact search hardly depends on the size.

mod inputs;

use std::ops::ControlFlow;

use chambers::search::engine::reference;
use chambers::search::{Monitor, Options, count};
use inputs::cases;

const CASES: [&str; 9] = [
    "random-d2-n100",
    "random-d3-n20",
    "random-d4-n24",
    "random-d5-n20",
    "random-d8-n18",
    "random-d12-n16",
    "network-3-12-12",
    "depth-8",
    "braid-7",
];

fn main() {
    println!(
        "{:<20} {:>9} {:>15} {:>18} {:>8}",
        "case", "regions", "exact ns/region", "reference ns/region", "ratio"
    );
    let asked: Vec<String> = std::env::args()
        .skip(1)
        .filter(|a| !a.starts_with('-'))
        .collect();
    let names = match asked.is_empty() {
        true => CASES.map(str::to_owned).to_vec(),
        false => asked,
    };
    let options = Options {
        threads: Some(1),
        ..Options::default()
    };
    for case in cases::named(&names) {
        let Some((network, domain)) = case.build() else {
            println!("{:<20} left out: its files are not there", case.name);
            continue;
        };
        let monitor = Monitor::new();
        let exact =
            count(&network, &domain, &options, &monitor).expect("the system starts threads");
        let tolerant =
            reference::enumerate(&network, &domain, &options, &Monitor::new(), &mut |_| {
                ControlFlow::Continue(())
            });
        let [ours, theirs] = [
            (exact.elapsed, exact.regions),
            (tolerant.elapsed, tolerant.regions),
        ]
        .map(|(time, regions)| time.as_nanos() as f64 / regions as f64);
        let agree = if exact.digest == tolerant.digest {
            ""
        } else {
            "THEY DIFFER"
        };
        println!(
            "{:<20} {:>9} {ours:>15.0} {theirs:>18.0} {:>8.0} {agree}",
            case.name,
            exact.regions,
            theirs / ours,
        );
    }
}
