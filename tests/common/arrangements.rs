//! Arrangements whose chambers are known: rows `normal, constant`, all integers.

/// e_i - e_j + constant.
fn difference(n: usize, i: usize, j: usize, constant: i64) -> Vec<i64> {
    let mut row = vec![0; n + 1];
    row[i] = 1;
    row[j] = -1;
    row[n] = constant;
    row
}

fn pairs(n: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..n).flat_map(move |i| (i + 1..n).map(move |j| (i, j)))
}

/// x_i - x_j = s for i < j and every shift s.
pub fn deformed_braid(n: usize, shifts: &[i64]) -> Vec<Vec<i64>> {
    pairs(n)
        .flat_map(|(i, j)| shifts.iter().map(move |s| difference(n, i, j, -s)))
        .collect()
}

/// x_i = 0: 2^n chambers.
pub fn boolean(n: usize) -> Vec<Vec<i64>> {
    let row = |i| {
        let mut row = vec![0; n + 1];
        row[i] = 1;
        row
    };
    (0..n).map(row).collect()
}

/// x_i = x_j, x_i = -x_j and x_i = 0: 2^n n! chambers.
pub fn type_b(n: usize) -> Vec<Vec<i64>> {
    let mut rows = boolean(n);
    for (i, j) in pairs(n) {
        rows.push(difference(n, i, j, 0));
        let mut sum = difference(n, i, j, 0);
        sum[j] = 1;
        rows.push(sum);
    }
    rows
}

/// All nonzero 0/1 normals through the origin of R^n (OEIS A034997).
pub fn resonance(n: usize) -> Vec<Vec<i64>> {
    let row = |code: u32| {
        let mut row: Vec<i64> = (0..n).map(|i| i64::from(code >> i & 1)).collect();
        row.push(0);
        row
    };
    (1..1u32 << n).map(row).collect()
}

/// Normals (1, x) for all x in {0, 1}^n, through the origin of R^(n + 1): the
/// threshold functions of n variables (OEIS A000609).
pub fn threshold(n: usize) -> Vec<Vec<i64>> {
    let row = |code: u32| {
        let mut row = vec![1];
        row.extend((0..n).map(|i| i64::from(code >> i & 1)));
        row.push(0);
        row
    };
    (0..1u32 << n).map(row).collect()
}

pub fn binomial(n: u64, k: u64) -> u64 {
    (0..k).fold(1, |product, i| product * n.saturating_sub(i) / (i + 1))
}

pub fn factorial(n: u64) -> u64 {
    (1..=n).product()
}

/// Chambers of m hyperplanes in general position in R^n (Zaslavsky 1975).
pub fn generic_chambers(m: u64, n: u64) -> u64 {
    (0..=n).map(|i| binomial(m, i)).sum()
}
