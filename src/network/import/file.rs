//! Reads a file whole, but only when it can be a model: no directory, not empty,
//! not endless, not a disk image full of zeros.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::{Error, Result};

/// The largest file that is read. ONNX, a protobuf, ends there too.
const MAX_LEN: u64 = 2 << 30;

/// How much of the file `choose` gets to see.
const HEAD: u64 = 64;

/// The bytes of the file, and what `choose` makes of the first of them, before the
/// rest is read.
///
/// # Errors
/// When the file cannot be read, is none, or `choose` refuses it.
pub fn read<T>(path: &Path, choose: impl FnOnce(&[u8]) -> Result<T>) -> Result<(T, Vec<u8>)> {
    let refuse = |place: &str, problem: &str, remedy: &str| {
        Error::input(path.display().to_string(), place, problem, remedy)
    };
    let too_large = || {
        refuse(
            "file",
            "too large; expected at most 2 GiB",
            "use a smaller model, or store the weights as f32",
        )
    };
    let mut file = File::open(path).map_err(|error| Error::io(path, error))?;
    let metadata = file.metadata().map_err(|error| Error::io(path, error))?;
    if metadata.is_dir() {
        return Err(refuse(
            "file",
            "it is a directory; expected a model",
            "name the model file in it",
        ));
    }
    // A pipe or a device has length 0, and is read as far as it goes.
    if metadata.len() > MAX_LEN {
        return Err(too_large());
    }
    let mut bytes = Vec::new();
    let mut take = |bytes: &mut Vec<u8>, len: u64| {
        file.by_ref()
            .take(len)
            .read_to_end(bytes)
            .map_err(|error| Error::io(path, error))
    };
    take(&mut bytes, HEAD)?;
    match bytes.first() {
        None => {
            return Err(refuse(
                "file",
                "it is empty; expected a model",
                "check that the model was written, and the file's name",
            ));
        }
        Some(0) => {
            return Err(refuse(
                "start of the file",
                "a zero byte, with which no model starts",
                "check that the model was copied whole",
            ));
        }
        Some(_) => {}
    }
    let chosen = choose(&bytes)?;
    bytes.reserve(metadata.len() as usize);
    take(&mut bytes, MAX_LEN - HEAD + 1)?;
    if bytes.len() as u64 > MAX_LEN {
        return Err(too_large());
    }
    Ok((chosen, bytes))
}
