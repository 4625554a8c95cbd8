//! A list of regions as JSON lines: a header, one region a line, a footer.
//!
//! A list must never look complete when it is not. A file gets its name only when
//! its footer is written and on the disk; until then it is called `NAME.part`. A
//! stopped search writes a footer with `"complete": false` and leaves the file under
//! the `.part` name. A writer that is dropped, by an error or a panic, writes no
//! footer at all, and a compressed file then also lacks the end of its frame.

use std::fmt::Write as _;
use std::io::Write;
use std::path::Path;

use serde::Serialize;
use serde_json::Value;

use super::destination::{Destination, Finished, Sink};
use crate::Result;
use crate::regions::{Region, Sign};

/// zstd's own default.
const COMPRESSION_LEVEL: i32 = 3;

/// The first line.
#[derive(Clone, Debug, Serialize)]
pub struct Header {
    /// The version of this program.
    pub chambers: &'static str,
    /// Which network, and the SHA-256 of its file.
    pub model: Value,
    /// Where regions are listed.
    pub domain: String,
    /// What a line is.
    pub definition: &'static str,
    /// Whether cells with a unit that is identically zero are left out.
    pub strict: bool,
    /// Units in each layer: how to cut a pattern.
    pub units: Vec<usize>,
}

/// The last line.
#[derive(Clone, Debug, Serialize)]
struct Footer<'a> {
    /// How many regions were listed; a string, as JSON readers round large numbers.
    count: String,
    digest: &'a str,
    complete: bool,
}

/// One line for a region, with its line feed.
pub fn line(region: &Region) -> String {
    let mut line = String::with_capacity(region.pattern.len() + 40 * region.witness.len() + 64);
    line.push_str("{\"pattern\":\"");
    line.extend(region.pattern.iter().map(|&sign| Sign::symbol(sign)));
    line.push_str("\",\"witness\":[");
    for (k, value) in region.witness.iter().enumerate() {
        let comma = if k == 0 { "" } else { "," };
        write!(line, "{comma}\"{value}\"").expect("a string takes everything");
    }
    line.push(']');
    if let Some(witness) = &region.witness_f64 {
        line.push_str(",\"witness_f64\":[");
        for (k, value) in witness.iter().enumerate() {
            let comma = if k == 0 { "" } else { "," };
            // The shortest text that reads back to the same bits.
            write!(line, "{comma}{value:?}").expect("a string takes everything");
        }
        line.push(']');
    }
    line.push_str("}\n");
    line
}

/// Where the lines go: plain or compressed.
enum Stream {
    Plain(Sink),
    Zstd(zstd::Encoder<'static, Sink>),
}

/// Writes one list of regions.
pub struct Writer {
    stream: Stream,
    destination: Destination,
    /// Regions written.
    count: u64,
}

impl Writer {
    /// Opens `path` (`-` is standard output) and writes the header. The name decides:
    /// `.zst` compresses. What exists and is no regular file (a pipe, a device) is
    /// written to directly.
    ///
    /// # Errors
    /// When the file cannot be made or written.
    pub fn create(path: &Path, header: &Header) -> Result<Self> {
        let (destination, sink) = Destination::open(path)?;
        let fail = |source| destination.error(source);
        let stream = if path.extension().is_some_and(|e| e == "zst") {
            Stream::Zstd(zstd::Encoder::new(sink, COMPRESSION_LEVEL).map_err(fail)?)
        } else {
            Stream::Plain(sink)
        };
        let mut writer = Writer {
            stream,
            destination,
            count: 0,
        };
        writer.json(header)?;
        // A reader at the other end of a pipe sees the header at once.
        writer.flush()?;
        Ok(writer)
    }

    /// Writes what [`line()`] made.
    ///
    /// # Errors
    /// When the operating system refuses: a closed pipe, a full disk.
    pub fn region(&mut self, line: &str) -> Result<()> {
        self.count += 1;
        self.bytes(line.as_bytes())
    }

    /// Writes the footer, and gives a complete file its name. The list is complete
    /// when the search says so and all `regions` that it found were written; `digest`
    /// is that of their patterns.
    ///
    /// # Errors
    /// When the operating system refuses; the file then has no usable footer or
    /// keeps its `.part` name.
    pub fn finish(mut self, regions: u64, digest: &str, complete: bool) -> Result<Finished> {
        let complete = complete && regions == self.count;
        self.json(&Footer {
            count: self.count.to_string(),
            digest,
            complete,
        })?;
        let sink = match self.stream {
            Stream::Plain(sink) => sink,
            Stream::Zstd(encoder) => encoder
                .finish()
                .map_err(|source| self.destination.error(source))?,
        };
        self.destination.close(sink, complete)
    }

    /// The name under which an unfinished file stays.
    pub fn part(&self) -> Option<&Path> {
        self.destination.part()
    }

    fn json(&mut self, value: &impl Serialize) -> Result<()> {
        let mut text =
            serde_json::to_string(value).map_err(|e| self.destination.error(e.into()))?;
        text.push('\n');
        self.bytes(text.as_bytes())
    }

    fn bytes(&mut self, bytes: &[u8]) -> Result<()> {
        let written = match &mut self.stream {
            Stream::Plain(sink) => sink.write_all(bytes),
            Stream::Zstd(encoder) => encoder.write_all(bytes),
        };
        written.map_err(|source| self.destination.error(source))
    }

    fn flush(&mut self) -> Result<()> {
        let flushed = match &mut self.stream {
            Stream::Plain(sink) => sink.flush(),
            Stream::Zstd(encoder) => encoder.flush(),
        };
        flushed.map_err(|source| self.destination.error(source))
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::super::destination::part_name;
    use super::*;
    use crate::arithmetic::{Number, Rational};

    fn header() -> Header {
        Header {
            chambers: "0",
            model: Value::Null,
            domain: "R^1".into(),
            definition: "activation regions",
            strict: false,
            units: vec![3],
        }
    }

    fn region_line() -> String {
        let witness: Vec<Rational> = ["-1/3", "2"]
            .map(|t| Number::parse(t).unwrap().to_rational())
            .to_vec();
        line(&Region {
            pattern: &[Sign::Positive, Sign::Negative, Sign::Zero],
            witness,
            witness_f64: Some(vec![-0.25, 1e300]),
        })
    }

    #[test]
    fn a_region_is_one_json_line() {
        let line = region_line();
        let expected =
            "{\"pattern\":\"+-0\",\"witness\":[\"-1/3\",\"2\"],\"witness_f64\":[-0.25,1e300]}\n";
        assert_eq!(line, expected);
        assert!(serde_json::from_str::<Value>(&line).is_ok());
    }

    #[test]
    fn only_a_complete_list_gets_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let cases = [
            (1, true, "a.jsonl"),
            (1, false, "b.jsonl"),
            (2, true, "c.jsonl"),
        ];
        for (regions, complete, name) in cases {
            let path = folder.path().join(name);
            let mut writer = Writer::create(&path, &header()).unwrap();
            writer.region(&region_line()).unwrap();
            assert!(!path.exists());
            let finished = writer.finish(regions, "00", complete).unwrap();
            let complete = complete && regions == 1;
            assert_eq!(path.exists(), complete);
            assert_eq!(finished == Finished::InPlace, complete);
            assert_eq!(part_name(&path).exists(), !complete);
        }
    }

    #[test]
    fn a_dropped_writer_leaves_no_footer() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.jsonl");
        let mut writer = Writer::create(&path, &header()).unwrap();
        writer.region(&region_line()).unwrap();
        drop(writer);
        assert!(!path.exists());
        let text = std::fs::read_to_string(part_name(&path)).unwrap();
        assert_eq!(text.lines().count(), 2);
        assert!(!text.contains("complete"));
    }

    #[test]
    fn a_compressed_list_reads_back_and_a_dropped_one_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.jsonl.zst");
        let writer = Writer::create(&path, &header()).unwrap();
        writer.finish(0, "00", true).unwrap();
        let text = zstd::decode_all(File::open(&path).unwrap()).unwrap();
        assert_eq!(String::from_utf8(text).unwrap().lines().count(), 2);

        let dropped = folder.path().join("b.jsonl.zst");
        drop(Writer::create(&dropped, &header()).unwrap());
        assert!(zstd::decode_all(File::open(part_name(&dropped)).unwrap()).is_err());
    }

    #[test]
    fn a_folder_that_is_not_there_is_named() {
        let error = Writer::create(Path::new("/nowhere/a.jsonl"), &header())
            .err()
            .unwrap();
        assert!(error.to_string().contains("/nowhere/a.jsonl"), "{error}");
    }
}
