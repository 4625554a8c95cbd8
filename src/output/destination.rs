//! Where a result goes: a file that gets its name only when it is complete, a stream, or
//! what exists and is no regular file.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::thread::{self, JoinHandle};

use crate::{Error, Result};

/// A file under its `.part` name, or a stream.
pub struct Destination {
    /// For messages, and the name of a complete file.
    path: PathBuf,
    /// The open file and the name it has until it is complete.
    part: Option<(File, PathBuf)>,
}

/// Where a finished result is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finished {
    /// Under the name that was asked for, or on a stream that has no other.
    InPlace,
    /// Under this name, since it is not complete.
    Part(PathBuf),
}

/// Takes bytes.
pub type Sink = Box<dyn Write + Send>;

impl Destination {
    /// Opens `path` (`-` is standard output). What exists and is no regular file (a pipe,
    /// a device) is written to directly.
    ///
    /// # Errors
    /// When the file cannot be made or written.
    pub fn open(path: &Path) -> Result<(Self, Sink)> {
        let shown = if path == Path::new("-") {
            Path::new("standard output")
        } else {
            path
        };
        let fail = |source| Error::io(shown, source);
        let direct = std::fs::metadata(path).is_ok_and(|data| !data.is_file())
            || ["/dev", "/proc"].iter().any(|root| path.starts_with(root));
        let mut part = None;
        let sink: Sink = if path == Path::new("-") {
            Box::new(io::stdout())
        } else if direct {
            let file = File::options().write(true).open(path).map_err(fail)?;
            Box::new(file)
        } else {
            let name = part_name(path);
            let file = File::create(&name).map_err(|source| Error::io(&name, source))?;
            part = Some((file.try_clone().map_err(fail)?, name));
            Box::new(Ahead::new(file))
        };
        let path = shown.to_path_buf();
        let sink = Box::new(BufWriter::with_capacity(1 << 16, sink));
        Ok((Destination { path, part }, sink))
    }

    /// Flushes what was written, and gives a complete file its name.
    ///
    /// # Errors
    /// When the operating system refuses; the file then keeps its `.part` name.
    pub fn close(self, mut sink: Sink, complete: bool) -> Result<Finished> {
        let fail = |source| Error::io(&self.path, source);
        sink.flush().map_err(fail)?;
        let Some((file, name)) = self.part else {
            return Ok(Finished::InPlace);
        };
        file.sync_all().map_err(fail)?;
        if !complete {
            return Ok(Finished::Part(name));
        }
        std::fs::rename(&name, &self.path).map_err(fail)?;
        Ok(Finished::InPlace)
    }

    /// The name under which an unfinished file stays.
    pub fn part(&self) -> Option<&Path> {
        self.part.as_ref().map(|(_, name)| name.as_path())
    }

    /// What went wrong, of this destination.
    pub fn error(&self, source: io::Error) -> Error {
        Error::io(&self.path, source)
    }
}

/// A file that goes to the disk while more is written, so that nobody has to wait for all of it in
/// the end.
struct Ahead {
    file: File,
    /// Bytes written since a thread was last asked to see to them.
    fresh: usize,
    /// The thread that does.
    syncing: Option<JoinHandle<io::Result<()>>>,
}

impl Ahead {
    /// So many bytes are worth a thread.
    const BATCH: usize = 16 << 20;

    fn new(file: File) -> Self {
        Ahead {
            file,
            fresh: 0,
            syncing: None,
        }
    }

    /// Waits for the thread, and gives its error, which the system tells only once.
    fn wait(&mut self) -> io::Result<()> {
        let ended = self.syncing.take().map(JoinHandle::join);
        ended.map_or(Ok(()), |ended| {
            ended.unwrap_or_else(|_| Err(io::Error::other("the disk's thread panicked")))
        })
    }
}

impl Write for Ahead {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let is_busy = |thread: &JoinHandle<_>| !thread.is_finished();
        if self.fresh >= Self::BATCH && !self.syncing.as_ref().is_some_and(is_busy) {
            // Its error comes before anything more is written, which the caller would write again.
            self.wait()?;
            self.fresh = 0;
            // Without a thread, the end waits for all.
            self.syncing = self.file.try_clone().ok().and_then(|file| {
                let sync = move || file.sync_data();
                thread::Builder::new().spawn(sync).ok()
            });
        }
        let written = self.file.write(bytes)?;
        self.fresh += written;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.wait()
    }
}

/// What an unfinished file is called.
pub(super) fn part_name(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".part");
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Enough that threads see to the disk meanwhile: what is read again is what was written, and
    /// only then has the file its name.
    #[test]
    fn long_files_are_written_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let (destination, mut sink) = Destination::open(&path).unwrap();
        let piece: Vec<u8> = (0..1 << 20).map(|k: u32| (k % 251) as u8).collect();
        let pieces = 2 * Ahead::BATCH / piece.len() + 3;
        for _ in 0..pieces {
            sink.write_all(&piece).unwrap();
        }
        let part = destination.part().unwrap().to_path_buf();
        assert!(part.exists() && !path.exists());
        assert_eq!(destination.close(sink, true).unwrap(), Finished::InPlace);
        assert!(!part.exists());
        assert!(std::fs::read(&path).unwrap() == piece.repeat(pieces));
    }
}
