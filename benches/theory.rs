//! Evaluates Theorem 2 and Theorem 3 for fixed layers, for times on one core.
//!
//! `cargo bench --bench theory` runs all cases but the largest and prints, for each,
//! the value's logarithm (or the interval's), how it was found, and the time.
//! `cargo bench --bench theory -- NAME` runs those whose name contains NAME, the
//! largest too: `10x10` takes minutes and up to 4 GB.
//!
//! The Python prototype of the interval programme took 0.2 s for `line-1000` and 1.1 s
//! for `line-20000`, that of the frontier programme 3.8 s for `f2-7x7`, 86 s for
//! `f2-8x8` and 220 s for `f3-stride2-6x6`.

use std::time::Instant;

use chambers::theory::theorem2::{Budget, Group, value};
use chambers::theory::theorem3;
use num_bigint::BigUint;

/// A layer without padding: input, channels, filter, stride, filters.
#[derive(Clone, Copy)]
struct Layer {
    input: [u32; 2],
    channels: u32,
    filter: [u32; 2],
    stride: u32,
    filters: u64,
}

impl Layer {
    fn groups(&self) -> Vec<Group> {
        let positions = [0, 1].map(|axis| (self.input[axis] - self.filter[axis]) / self.stride + 1);
        let mut groups = Vec::new();
        for i in 0..positions[0] {
            for j in 0..positions[1] {
                let mut window = Vec::new();
                for row in i * self.stride..i * self.stride + self.filter[0] {
                    let first = (row * self.input[1] + j * self.stride) * self.channels;
                    window.extend(first..first + self.filter[1] * self.channels);
                }
                groups.push(Group {
                    window,
                    units: self.filters,
                });
            }
        }
        groups
    }
}

fn line(inputs: u32, channels: u32, filter: u32, stride: u32, filters: u64) -> Layer {
    Layer {
        input: [1, inputs],
        channels,
        filter: [1, filter],
        stride,
        filters,
    }
}

fn square(inputs: u32, channels: u32, filter: u32, stride: u32, filters: u64) -> Layer {
    Layer {
        input: [inputs, inputs],
        channels,
        filter: [filter, filter],
        stride,
        filters,
    }
}

fn log10(value: &BigUint) -> f64 {
    let digits = value.to_string();
    let (head, rest) = digits.split_at(digits.len().min(15));
    head.parse::<f64>().expect("digits").log10() + rest.len() as f64
}

fn main() {
    let filter = std::env::args()
        .skip(1)
        .find(|argument| !argument.starts_with('-'));
    let cases = [
        ("line-1000", line(1000, 3, 11, 4, 64)),
        ("line-20000", line(20_000, 1, 3, 1, 16)),
        ("f2-7x7", square(8, 1, 2, 1, 4)),
        ("f2-8x8", square(9, 1, 2, 1, 4)),
        ("f2-10x10", square(11, 1, 2, 1, 4)),
        ("f3-stride2-6x6", square(13, 1, 3, 2, 8)),
        ("f3-5x5", square(7, 1, 3, 1, 9)),
        (
            "f3-3x998",
            Layer {
                input: [5, 1000],
                ..square(5, 1, 3, 1, 4)
            },
        ),
        ("sandwich-28x28", square(28, 1, 2, 1, 4)),
        ("sandwich-32x32", square(32, 3, 3, 2, 16)),
    ];
    let wanted = |name: &str| match &filter {
        Some(filter) => name.contains(filter.as_str()),
        None => name != "f2-10x10",
    };
    for (name, layer) in cases.into_iter().filter(|case| wanted(case.0)) {
        let groups = layer.groups();
        let budget = match name {
            "f2-10x10" => Budget {
                steps: u64::MAX,
                memory: 3_500_000_000,
            },
            _ => Budget::seconds(10),
        };
        let start = Instant::now();
        let value = value(&groups, &budget);
        let seconds = start.elapsed().as_secs_f64();
        let shown = match value.exact() {
            Some(value) => format!("10^{:.3}", log10(value)),
            None => format!(
                "10^[{:.3}, {:.3}]",
                log10(&value.lower),
                log10(&value.upper)
            ),
        };
        println!(
            "{name:<16} {shown:<26} {:<24} {seconds:>8.3} s",
            value.method.to_string()
        );
    }
    let name = "growth-5x5";
    if wanted(name) {
        let groups = square(6, 1, 2, 1, 1).groups();
        let windows: Vec<&[u32]> = groups.iter().map(|group| &group.window[..]).collect();
        let start = Instant::now();
        let growth = theorem3::leading(&windows, &Budget::seconds(10)).expect("it is small");
        let leading = start.elapsed().as_secs_f64();
        let start = Instant::now();
        let polynomial = theorem3::polynomial(&windows, &Budget::seconds(60));
        let whole = start.elapsed().as_secs_f64();
        let degree = polynomial.expect("it is small").coefficients.len() - 1;
        println!(
            "{name:<16} degree {degree}, leading coefficient {} in {leading:.3} s, polynomial in {whole:.3} s",
            growth.coefficient
        );
    }
}
