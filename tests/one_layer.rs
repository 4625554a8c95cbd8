//! One layer: Theorem 2 of Xiong et al. 2020 (ICML), where it is exact and where
//! the true number is smaller. The values were computed by transversal matching
//! and by deletion and restriction, not by this crate.

mod common;

use common::check::assert_regions;
use common::networks::{self as nets, Kind};
use common::rng::Rng;

/// Larger counts would only take time.
const LARGEST: u64 = 60_000;
/// Up to here a value is tried with every kind of weight.
const EVERY_KIND: u64 = 5_000;
const KINDS: [Kind; 3] = [Kind::Normal, Kind::Integer(1000), Kind::Single];

/// Input, channels, kernel, stride; then one value a number of filters 1, 2, ...
type Row = ([usize; 2], usize, [usize; 2], usize, &'static [u64]);

fn assert_row(&(input, channels, kernel, stride, values): &Row) {
    for (filters, &expected) in (1..).zip(values) {
        if expected > LARGEST {
            continue;
        }
        let conv = nets::convolution(input, channels, filters, kernel, stride);
        let kinds = if expected <= EVERY_KIND { 3 } else { 1 };
        for (seed, kind) in (1..).zip(KINDS).take(kinds) {
            let network = nets::convolutional(&conv, &mut Rng::new(seed), kind, false);
            let case = format!("seed {seed}, {kind:?}, {conv:?}");
            assert_regions(&network, expected, &case);
        }
    }
}

#[test]
fn example_1_has_the_values_of_table_1() {
    for filters in 1..=8 {
        let d = filters as u64;
        let conv = nets::convolution([1, 3], 1, filters, [1, 2], 1);
        for (seed, kind) in (10..).zip(KINDS) {
            let network = nets::convolutional(&conv, &mut Rng::new(seed), kind, false);
            let case = format!("seed {seed}, {kind:?}, {filters} filters");
            assert_regions(&network, d * d * d + d * d + d + 1, &case);
        }
    }
}

#[test]
fn theorem_2_is_exact_for_one_dimensional_convolutions() {
    let rows: [Row; 21] = [
        ([1, 2], 1, [1, 1], 1, &[4, 9, 16, 25, 36, 49, 64, 81]),
        ([1, 3], 1, [1, 2], 1, &[4, 15, 40, 85, 156, 259, 400, 585]),
        (
            [1, 4],
            1,
            [1, 2],
            1,
            &[8, 55, 217, 611, 1396, 2773, 4985, 8317],
        ),
        ([1, 5], 1, [1, 2], 1, &[16, 200, 1159, 4309, 12236, 29056]),
        ([1, 6], 1, [1, 2], 1, &[32, 725, 6160, 30227]),
        (
            [1, 4],
            1,
            [1, 3],
            1,
            &[4, 16, 57, 161, 376, 764, 1401, 2377],
        ),
        (
            [1, 5],
            1,
            [1, 3],
            1,
            &[8, 63, 370, 1463, 4376, 10813, 23318, 45445],
        ),
        ([1, 6], 1, [1, 3], 1, &[16, 245, 2289, 12385, 46876]),
        ([1, 4], 1, [1, 2], 2, &[4, 16, 49, 121, 256, 484, 841, 1369]),
        ([1, 5], 1, [1, 2], 2, &[4, 16, 49, 121, 256, 484, 841, 1369]),
        (
            [1, 5],
            1,
            [1, 3],
            2,
            &[4, 16, 63, 209, 576, 1364, 2871, 5513],
        ),
        ([1, 7], 1, [1, 3], 2, &[8, 64, 494, 2863, 12376, 42488]),
        ([1, 5], 1, [1, 2], 3, &[4, 16, 49, 121, 256, 484, 841, 1369]),
        (
            [1, 7],
            1,
            [1, 3],
            3,
            &[4, 16, 64, 225, 676, 1764, 4096, 8649],
        ),
        (
            [1, 3],
            2,
            [1, 2],
            1,
            &[4, 16, 64, 247, 836, 2424, 6126, 13829],
        ),
        ([1, 4], 2, [1, 2], 1, &[8, 64, 511, 3715, 21041]),
        (
            [1, 4],
            2,
            [1, 3],
            1,
            &[4, 16, 64, 256, 1013, 3797, 12895, 39057],
        ),
        (
            [1, 5],
            2,
            [1, 3],
            2,
            &[4, 16, 64, 256, 1024, 4083, 15786, 57089],
        ),
        (
            [1, 3],
            3,
            [1, 2],
            1,
            &[4, 16, 64, 256, 1023, 4017, 14855, 50033],
        ),
        ([1, 4], 3, [1, 2], 1, &[8, 64, 512, 4096, 32615]),
        ([1, 5], 3, [1, 3], 2, &[4, 16, 64, 256, 1024, 4096, 16384]),
    ];
    rows.iter().for_each(assert_row);
}

#[test]
fn two_dimensional_convolutions_have_their_true_number() {
    // Filters commute, so overlapping windows make hyperplanes that theorem 2
    // counts as independent and that are not: 255, not 256, and so on.
    let rows: [Row; 14] = [
        ([2, 2], 1, [1, 1], 1, &[16, 81, 256, 625, 1296, 2401]),
        ([2, 2], 1, [2, 2], 1, &[2, 4, 8, 16, 31, 57]),
        ([2, 3], 1, [2, 2], 1, &[4, 16, 64, 247, 836, 2424]),
        ([3, 3], 1, [2, 2], 1, &[16, 255, 3998, 48903]),
        ([3, 4], 1, [2, 2], 1, &[64, 4061]),
        ([4, 4], 1, [2, 2], 1, &[512]),
        ([3, 3], 1, [2, 2], 2, &[2, 4, 8, 16, 31, 57]),
        ([4, 4], 1, [2, 2], 2, &[16, 256, 4096]),
        ([4, 4], 1, [3, 3], 1, &[16, 256, 4096]),
        ([5, 5], 1, [3, 3], 1, &[512]),
        ([5, 5], 1, [2, 2], 3, &[16, 256, 4096]),
        ([2, 3], 2, [2, 2], 1, &[4, 16, 64, 256, 1024, 4096]),
        ([3, 3], 2, [2, 2], 1, &[16, 256, 4096]),
        ([4, 4], 2, [2, 2], 1, &[512]),
    ];
    rows.iter().for_each(assert_row);
}

#[test]
fn unshared_weights_have_the_number_of_theorem_2() {
    let cases = [
        ([3, 3], 2, 256),
        ([3, 3], 3, 4013),
        ([3, 4], 2, 4096),
        ([3, 3], 4, 48957),
    ];
    for (input, filters, expected) in cases {
        let conv = nets::convolution(input, 1, filters, [2, 2], 1);
        for (seed, kind) in (1..)
            .zip(KINDS)
            .take(if expected > EVERY_KIND { 1 } else { 3 })
        {
            let network = nets::locally_connected(&conv, &mut Rng::new(seed), kind);
            let case = format!("seed {seed}, {kind:?}, unshared {conv:?}");
            assert_regions(&network, expected, &case);
        }
    }
}

#[test]
fn without_bias_there_are_fewer() {
    for (filters, expected) in [(2, 14), (3, 28)] {
        let conv = nets::convolution([1, 3], 1, filters, [1, 2], 1);
        for (seed, kind) in (1..).zip(KINDS) {
            let network = nets::convolutional(&conv, &mut Rng::new(seed), kind, true);
            let case = format!("seed {seed}, {kind:?}, no bias, {filters} filters");
            assert_regions(&network, expected, &case);
        }
    }
}
