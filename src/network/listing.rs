//! A network as plain text, one line an output: what its digest is taken of, and what
//! a reader needs no library for. `docs/proofs.md` defines it.

use std::io::{self, Write};

use sha2::{Digest, Sha256};

use super::{Layer, Network};

impl Network {
    /// Writes the network's listing.
    ///
    /// # Errors
    /// When `out` refuses.
    pub fn write_listing(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "inputs {}", self.input().len())?;
        let (mut line, mut digits) = (Vec::new(), itoa::Buffer::new());
        for layer in self.layers() {
            match layer {
                Layer::Reshape(_) => {}
                Layer::Relu => writeln!(out, "relu")?,
                Layer::Affine(affine) => {
                    writeln!(out, "affine {}", affine.output().len())?;
                    for (row, bias) in affine.bias().iter().enumerate() {
                        let (columns, weights) = affine.row(row);
                        let mut entries: Vec<_> = columns.iter().zip(weights).collect();
                        entries.retain(|(_, weight)| !weight.is_zero());
                        entries.sort_by_key(|(column, _)| **column);
                        line.clear();
                        bias.put_fraction(&mut line);
                        for (column, weight) in entries {
                            line.push(b' ');
                            line.extend(digits.format(*column).bytes());
                            line.push(b':');
                            weight.put_fraction(&mut line);
                        }
                        line.push(b'\n');
                        out.write_all(&line)?;
                    }
                }
            }
        }
        Ok(())
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
        #[derive(Debug)]
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
        let mut hasher = io::BufWriter::new(Hasher(Sha256::new()));
        self.write_listing(&mut hasher)
            .expect("a digest takes everything");
        let hasher = hasher.into_inner().expect("a digest takes everything");
        let digest = hasher.0.finalize();
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}
