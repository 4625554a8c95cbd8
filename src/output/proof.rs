//! Proofs as files: records are packed by the threads that finish them, and written one
//! after another in the order in which they come.

use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use super::destination::{self, Destination, Finished};
use crate::Result;
use crate::proof::format::{FRAME, Kind, Packing, write_magic, write_record};
use crate::proof::{Footer, Header, Sink};
use crate::search::Monitor;

/// Records of fewer bytes are never packed: that would take longer than all the rest of a short
/// proof, and save less than a block of a disk.
const SHORT: usize = 1 << 12;

/// Writes one proof while a search runs. When writing fails, it stops the search.
pub struct Writer {
    destination: Destination,
    packing: Packing,
    monitor: Arc<Monitor>,
    state: Mutex<State>,
}

struct State {
    sink: destination::Sink,
    chunks: u64,
    error: Option<io::Error>,
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
            packing,
            monitor: Arc::clone(monitor),
            state: Mutex::new(state),
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
        let state = self.state.into_inner();
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

    fn record(&self, kind: Kind, body: &[u8]) {
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
            state.error = Some(error);
            self.monitor.stop();
        }
    }
}

fn json(value: &impl serde::Serialize) -> io::Result<Vec<u8>> {
    serde_json::to_vec(value).map_err(io::Error::from)
}

impl Sink for Writer {
    fn header(&self, header: &Header) {
        match json(header) {
            Ok(body) => self.record(Kind::Header, &body),
            Err(error) => {
                let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
                state.error = Some(error);
                self.monitor.stop();
            }
        }
    }

    fn chunk(&self, body: &[u8]) {
        self.record(Kind::Chunk, body);
    }
}
