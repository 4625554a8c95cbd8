//! Reads a file whole, but only when it can be what is expected: no directory, not
//! empty, not endless, not a disk image full of zeros, not a pipe that nobody fills.

use std::fs::{File, Metadata};
use std::io::Read;
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use crate::{Error, Result};

/// How much of the file `choose` gets to see.
const HEAD: u64 = 64;

/// How long a named pipe may go without a writer.
const PATIENCE: Duration = Duration::from_secs(3);

/// What a file is expected to be.
pub struct Expected {
    /// Completes the sentence "it is empty; expected ...".
    pub what: &'static str,
    /// The largest file that is read, in bytes, a multiple of 2^20.
    pub max_len: u64,
    /// What to do about a larger one.
    pub if_too_large: &'static str,
}

/// The bytes of the file, and what `choose` makes of the first of them, before the
/// rest is read.
///
/// # Errors
/// When the file cannot be read, is not as expected, or `choose` refuses it.
pub fn read<T>(
    path: &Path,
    expected: &Expected,
    choose: impl FnOnce(&[u8]) -> Result<T>,
) -> Result<(T, Vec<u8>)> {
    let Expected {
        what,
        max_len,
        if_too_large,
    } = *expected;
    let refuse = |place: &str, problem: &str, remedy: &str| {
        Error::input(path.display().to_string(), place, problem, remedy)
    };
    let too_large = || {
        let limit = max_len >> 20;
        refuse(
            "file",
            &format!("too large; expected at most {limit} MiB"),
            if_too_large,
        )
    };
    let metadata = std::fs::metadata(path).map_err(|error| Error::io(path, error))?;
    if metadata.is_dir() {
        return Err(refuse(
            "file",
            &format!("it is a directory; expected {what}"),
            "name the file in it",
        ));
    }
    // A pipe or a device has length 0, and is read as far as it goes.
    if metadata.len() > max_len {
        return Err(too_large());
    }
    let Some(mut file) = open(path, &metadata)? else {
        return Err(refuse(
            "file",
            &format!("it is a pipe into which nobody writes; expected {what}"),
            "start the program that writes to it first, or name a file",
        ));
    };
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
                &format!("it is empty; expected {what}"),
                "check that the file was written, and its name",
            ));
        }
        Some(0) => {
            return Err(refuse(
                "start of the file",
                &format!("a zero byte; expected {what}"),
                "check that the file was copied whole",
            ));
        }
        Some(_) => {}
    }
    let chosen = choose(&bytes)?;
    bytes.reserve(metadata.len() as usize);
    take(&mut bytes, max_len - HEAD + 1)?;
    if bytes.len() as u64 > max_len {
        return Err(too_large());
    }
    Ok((chosen, bytes))
}

/// Opens a file; `None` when it is a pipe and nobody opens its other end.
fn open(path: &Path, metadata: &Metadata) -> Result<Option<File>> {
    let opened = if is_pipe(metadata) {
        let (sender, opened) = mpsc::channel();
        let name = path.to_path_buf();
        // Opening a pipe blocks until somebody writes; if nobody does, the thread
        // stays behind.
        let started = std::thread::Builder::new().spawn(move || sender.send(File::open(name)));
        started.map_err(|error| Error::io(path, error))?;
        match opened.recv_timeout(PATIENCE) {
            Ok(opened) => opened,
            Err(_) => return Ok(None),
        }
    } else {
        File::open(path)
    };
    opened.map(Some).map_err(|error| Error::io(path, error))
}

#[cfg(unix)]
fn is_pipe(metadata: &Metadata) -> bool {
    std::os::unix::fs::FileTypeExt::is_fifo(&metadata.file_type())
}

#[cfg(not(unix))]
fn is_pipe(_: &Metadata) -> bool {
    false
}
