//! A network as plain text, one line an output: what its digest is taken of, and what
//! a reader needs no library for. `docs/proofs.md` defines it.

use std::io::{self, Write};

use sha2::{Digest, Sha256};

use super::{Affine, Layer, Network};
use crate::arithmetic::Number;

/// About as many bytes are written at once.
const PIECE: usize = 1 << 12;

impl Network {
    /// Writes the network's listing.
    ///
    /// # Errors
    /// When `out` refuses.
    pub fn write_listing(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut text = Vec::with_capacity(2 * PIECE);
        writeln!(text, "inputs {}", self.input().len())?;
        for layer in self.layers() {
            match layer {
                Layer::Reshape(_) => {}
                Layer::Relu => text.extend_from_slice(b"relu\n"),
                Layer::Affine(affine) => {
                    writeln!(text, "affine {}", affine.output().len())?;
                    for row in 0..affine.output().len() {
                        put_row(&mut text, affine, row);
                        if text.len() >= PIECE {
                            out.write_all(&text)?;
                            text.clear();
                        }
                    }
                }
            }
        }
        out.write_all(&text)
    }

    /// The SHA-256 of the listing, in hexadecimal: two networks that compute the same
    /// numbers in the same way have the same digest, whatever files they came from.
    ///
    /// ```
    /// use chambers::{Network, network::{Layer, Shape}};
    /// let mut network = Network::new(Shape::new([2]));
    /// network.push(Layer::Relu).unwrap();
    /// // printf 'inputs 2\nrelu\n' | sha256sum
    /// let digest = "d2bff8d9d450f0e311d04a29230bd6d13b053978bf32968f601a9a3524b2999e";
    /// assert_eq!(network.digest(), digest);
    /// ```
    pub fn digest(&self) -> String {
        struct Hasher(Sha256);
        impl Write for Hasher {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                self.0.update(bytes);
                Ok(bytes.len())
            }

            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let mut hasher = Hasher(Sha256::new());
        self.write_listing(&mut hasher)
            .expect("a digest takes everything");
        hexadecimal(&hasher.0.finalize())
    }
}

/// Appends one output's line.
fn put_row(text: &mut Vec<u8>, affine: &Affine, row: usize) {
    let mut digits = itoa::Buffer::new();
    affine.bias()[row].put_fraction(text);
    let mut put = |column: u32, weight: &Number| {
        if !weight.is_zero() {
            text.push(b' ');
            text.extend_from_slice(digits.format(column).as_bytes());
            text.push(b':');
            weight.put_fraction(text);
        }
    };
    let (columns, weights) = affine.row(row);
    if columns.is_sorted() {
        let entries = columns.iter().zip(weights);
        entries.for_each(|(column, weight)| put(*column, weight));
    } else {
        let mut order: Vec<usize> = (0..columns.len()).collect();
        order.sort_by_key(|&place| columns[place]);
        let places = order.into_iter();
        places.for_each(|place| put(columns[place], &weights[place]));
    }
    text.push(b'\n');
}

/// Bytes as text.
pub(super) fn hexadecimal(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from(b"0123456789abcdef"[usize::from(value)]);
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.map(digit).collect()
}
