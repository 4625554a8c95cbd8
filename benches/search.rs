//! Counts fixed arrangements and networks on one thread, for times and instruction counts.
//!
//! `cargo bench --bench search` runs all cases and prints, for each, the regions found,
//! whether they are as a theorem says, decisions proved by floats and exactly, and the
//! time a region took; with `-- NAME...` those named so, or whose name contains NAME;
//! with `-- --repeat 5` the median of five runs; `-- --list` names them, each with the
//! random ones of its size. Instructions a region, by callgrind, and ratios to these:
//! `benches/instructions.sh`.

mod inputs;

use std::time::Duration;

use chambers::search::{Monitor, Options, count};
use inputs::cases;

fn main() {
    let mut names = Vec::new();
    let mut repeat = 1;
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--list" => {
                for case in cases::all() {
                    println!("{} {}", case.name, case.beside.join(" "));
                }
                return;
            }
            "--repeat" => {
                let number = arguments.next().and_then(|text| text.parse().ok());
                repeat = number.expect("--repeat takes a number");
            }
            // Cargo passes --bench.
            _ if argument.starts_with('-') => {}
            _ => names.push(argument),
        }
    }
    for case in cases::named(&names) {
        measure(&case, repeat);
    }
}

fn measure(case: &cases::Case, repeat: usize) {
    let Some((network, domain)) = case.build() else {
        println!("{:<20} left out: its files are not there", case.name);
        return;
    };
    let options = Options {
        threads: Some(1),
        ..Options::default()
    };
    let once =
        || count(&network, &domain, &options, &Monitor::new()).expect("the system starts threads");
    let answer = once();
    let mut times: Vec<Duration> = (1..repeat).map(|_| once().elapsed).collect();
    times.push(answer.elapsed);
    times.sort();
    let median = times[times.len() / 2].as_nanos() as f64;
    let verdict = match case.known {
        Some(known) if known == answer.regions => "as known",
        Some(_) => "WRONG",
        None => "",
    };
    println!(
        "{:<20} {:>9} regions {verdict:<8} {:>9} float {:>7} exact {:>8.0} ns/region",
        case.name,
        answer.regions,
        answer.decisions.float,
        answer.decisions.exact,
        median / answer.regions as f64,
    );
}
