//! Proofs as files: records are packed by a thread of their own, or by those that finish them when
//! it is busy, and written one after another in the order in which they are packed.

use std::io::{self, Write};
use std::path::Path;
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::{self, JoinHandle};

use super::destination::{self, Destination, Finished};
use crate::Result;
use crate::proof::format::{FRAME, Kind, Packing, write_magic, write_record};
use crate::proof::{Footer, Header, Sink};
use crate::search::Monitor;

/// Records of fewer bytes are never packed: in a short proof that would take a tenth of the time, and
/// save two blocks of a disk.
const SHORT: usize = 1 << 14;

/// Chunks of so many bytes are worth a thread: they are long enough, and more of them are likely to
/// follow.
const LONG: usize = 1 << 16;

/// How many chunks may wait for it.
const WAITING: usize = 2;

/// Writes one proof while a search runs. When writing fails, it stops the search.
pub struct Writer {
    destination: Destination,
    records: Arc<Records>,
    /// From the first long chunk on; none where the system gives no thread.
    packer: OnceLock<Option<Packer>>,
}

/// A thread that packs chunks and writes them while the search goes on.
struct Packer {
    /// There until the end.
    chunks: Option<SyncSender<Vec<u8>>>,
    thread: Option<JoinHandle<()>>,
}

impl Packer {
    fn start(records: &Arc<Records>) -> Option<Self> {
        let (chunks, receiver) = sync_channel::<Vec<u8>>(WAITING);
        let records = Arc::clone(records);
        let pack = move || {
            let _guard = Guard(&records);
            for body in receiver {
                records.write(Kind::Chunk, &body);
            }
        };
        let thread = thread::Builder::new().spawn(pack).ok()?;
        Some(Packer {
            chunks: Some(chunks),
            thread: Some(thread),
        })
    }
}

impl Drop for Packer {
    /// Waits until all is written, or has failed: nobody writes when the writer is gone.
    fn drop(&mut self) {
        drop(self.chunks.take());
        // What it left undone is told by its guard.
        drop(self.thread.take().map(JoinHandle::join));
    }
}

/// Tells when the packer panics, so that nobody goes on for nothing.
struct Guard<'r>(&'r Records);

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            let error = "the thread that packs the proof panicked";
            self.0.fail(io::Error::other(error));
        }
    }
}

/// Where records go.
struct Records {
    packing: Packing,
    monitor: Arc<Monitor>,
    state: Mutex<State>,
}

struct State {
    sink: destination::Sink,
    chunks: u64,
    error: Option<io::Error>,
}

impl State {
    /// Keeps the first error, and stops the search.
    fn fail(&mut self, error: io::Error, monitor: &Monitor) {
        self.error.get_or_insert(error);
        monitor.stop();
    }
}

impl Writer {
    /// Opens `path` (`-` is standard output); a file is called `NAME.part` until the proof
    /// is complete.
    ///
    /// # Errors
    /// When the file cannot be made or written.
    pub fn create(path: &Path, packing: Packing, monitor: &Arc<Monitor>) -> Result<Self> {
        let (destination, mut sink) = Destination::open(path)?;
        write_magic(&mut sink).map_err(|error| destination.error(error))?;
        let state = State {
            sink,
            chunks: 0,
            error: None,
        };
        Ok(Writer {
            destination,
            records: Arc::new(Records {
                packing,
                monitor: Arc::clone(monitor),
                state: Mutex::new(state),
            }),
            packer: OnceLock::new(),
        })
    }

    /// The name under which an unfinished file stays.
    pub fn part(&self) -> Option<&Path> {
        self.destination.part()
    }

    /// Writes the footer that `footer` makes of the number of chunks, and gives a
    /// complete proof its name.
    ///
    /// # Errors
    /// When the operating system refused, now or during the search.
    pub fn finish(self, footer: impl FnOnce(u64) -> Footer) -> Result<Finished> {
        drop(self.packer);
        let records = Arc::into_inner(self.records).expect("the other owner has ended");
        let state = records.state.into_inner();
        let mut state = state.unwrap_or_else(PoisonError::into_inner);
        if let Some(error) = state.error {
            return Err(self.destination.error(error));
        }
        let footer = footer(state.chunks);
        json(&footer)
            .and_then(|body| write_record(Kind::Footer, Packing::Stored, &body, &mut state.sink))
            .map_err(|error| self.destination.error(error))?;
        self.destination.close(state.sink, footer.complete)
    }

    fn packer(&self) -> Option<&Packer> {
        let packer = self.packer.get_or_init(|| Packer::start(&self.records));
        packer.as_ref()
    }
}

impl Records {
    /// Packs a record and writes it.
    fn write(&self, kind: Kind, body: &[u8]) {
        let packing = match body.len() < SHORT {
            true => Packing::Stored,
            false => self.packing,
        };
        let mut bytes = Vec::with_capacity(FRAME + body.len());
        let packed = write_record(kind, packing, body, &mut bytes);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.error.is_some() {
            return;
        }
        state.chunks += u64::from(kind == Kind::Chunk);
        if let Err(error) = packed.and_then(|()| state.sink.write_all(&bytes)) {
            state.fail(error, &self.monitor);
        }
    }

    fn fail(&self, error: io::Error) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.fail(error, &self.monitor);
    }
}

fn json(value: &impl serde::Serialize) -> io::Result<Vec<u8>> {
    serde_json::to_vec(value).map_err(io::Error::from)
}

impl Sink for Writer {
    fn header(&self, header: &Header) {
        match json(header) {
            Ok(body) => self.records.write(Kind::Header, &body),
            Err(error) => self.records.fail(error),
        }
    }

    fn chunk(&self, body: &[u8]) {
        if body.len() >= LONG
            && let Some(chunks) = self.packer().and_then(|packer| packer.chunks.as_ref())
        {
            match chunks.try_send(body.to_vec()) {
                Ok(()) => return,
                // Busy: this thread does it.
                Err(TrySendError::Full(_)) => {}
                Err(TrySendError::Disconnected(_)) => {
                    let error = "the thread that packs the proof has ended";
                    return self.records.fail(io::Error::other(error));
                }
            }
        }
        self.records.write(Kind::Chunk, body);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::proof::format::{read_magic, read_record};

    fn header() -> Header {
        Header {
            chambers: String::new(),
            model: Value::Null,
            network: String::new(),
            domain: vec![],
            strict: false,
            lead: None,
            charts: vec![],
        }
    }

    fn footer(chunks: u64) -> Footer {
        Footer {
            regions: "0".into(),
            digest: String::new(),
            complete: true,
            chunks,
        }
    }

    /// Chunks of all lengths, from several threads at a time, many more than may wait: each is there
    /// once, between the header and the footer, which knows how many there are.
    #[test]
    fn chunks_of_many_threads_are_all_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("proof");
        let monitor = Arc::new(Monitor::default());
        let body = |number: usize| vec![number as u8; (number + 1) * LONG / 4];
        for packing in [Packing::Zstd, Packing::Stored] {
            let writer = Writer::create(&path, packing, &monitor).unwrap();
            writer.header(&header());
            thread::scope(|scope| {
                for first in [0, 1, 2] {
                    let writer = &writer;
                    let write = move || {
                        let own = (first..32).step_by(3);
                        own.for_each(|number| writer.chunk(&body(number)));
                    };
                    scope.spawn(write);
                }
            });
            assert_eq!(writer.finish(footer).unwrap(), Finished::InPlace);
            let file = std::fs::read(&path).unwrap();
            let mut rest = &file[..];
            read_magic(&mut rest).unwrap();
            let mut records = Vec::new();
            while let Some(record) = read_record(&mut rest).unwrap() {
                records.push(record);
            }
            let expected = serde_json::to_vec(&footer(32)).unwrap();
            assert_eq!(records.pop(), Some((Kind::Footer, expected)));
            assert_eq!(records.remove(0).0, Kind::Header);
            records.sort_by_key(|(_, body)| body.len());
            let all = (0..32).map(|number| (Kind::Chunk, body(number)));
            assert!(records.into_iter().eq(all));
            assert!(!monitor.stopped());
        }
    }

    /// What was handed over is in the file when its writer is gone, finished or not.
    #[test]
    fn nobody_writes_for_a_writer_that_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let monitor = Arc::new(Monitor::new());
        let path = folder.path().join("proof");
        let writer = Writer::create(&path, Packing::Stored, &monitor).unwrap();
        let records = Arc::downgrade(&writer.records);
        (0..8).for_each(|_| writer.chunk(&[0; 4 * LONG]));
        drop(writer);
        assert!(records.upgrade().is_none());
        let part = std::fs::metadata(destination::part_name(&path)).unwrap();
        assert!(part.len() > 8 * 4 * LONG as u64);
    }

    /// A device that takes nothing stops the search, and the end says why, whoever wrote.
    #[test]
    #[cfg(target_os = "linux")]
    fn errors_of_the_packer_stop_the_search() {
        for length in [LONG, LONG - 1] {
            let monitor = Arc::new(Monitor::default());
            let path = Path::new("/dev/full");
            let writer = Writer::create(path, Packing::Stored, &monitor).unwrap();
            writer.header(&header());
            for _ in 0..10_000 {
                writer.chunk(&vec![0; length]);
                if monitor.stopped() {
                    break;
                }
            }
            assert!(monitor.stopped());
            let error = writer.finish(footer).unwrap_err().to_string();
            assert!(error.contains("/dev/full"), "{error}");
        }
    }
}
