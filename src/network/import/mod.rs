//! Readers: one file a format.

pub mod arrangement;
mod document;
pub mod json;
pub mod onnx;

use std::path::Path;

use sha2::{Digest, Sha256};

use super::Network;
use super::listing::hexadecimal;
use crate::file::{self, Expected};
use crate::{Error, Result};
use document::Node;

const MODEL: Expected = Expected {
    what: "a model",
    // ONNX, a protobuf, ends there too.
    max_len: 2 << 30,
    if_too_large: "use a smaller model, or store the weights as f32",
};

/// A network and the file that it came from.
#[derive(Clone, Debug)]
pub struct Model {
    /// The network.
    pub network: Network,
    /// The SHA-256 of the file's bytes, see [`digest`].
    pub digest: String,
}

/// Reads a network from a file, see [`load_model`].
///
/// # Errors
/// When the file cannot be read or is no model; the error names the file.
pub fn load(path: &Path) -> Result<Network> {
    load_model(path).map(|model| model.network)
}

/// Reads a network and the digest of its file, in one go: a pipe can be read once.
///
/// The extension chooses the reader, `.json` or `.onnx`; without one of these the
/// first bytes do. A JSON file with `"hyperplanes"` and no `"layers"` is an
/// [`arrangement`], any other a network.
///
/// # Errors
/// When the file cannot be read or is no model; the error names the file.
pub fn load_model(path: &Path) -> Result<Model> {
    let name = path.display().to_string();
    let (format, bytes) = file::read(path, &MODEL, |head| Format::of(path, head))?;
    let network = match format {
        Format::Json => read_json(&bytes),
        Format::Onnx => onnx::read(&bytes),
    };
    Ok(Model {
        network: network.map_err(|error| error.with_origin(name))?,
        digest: digest(&bytes),
    })
}

/// Reads a hyperplane [`arrangement`] and the digest of its file.
///
/// # Errors
/// When the file cannot be read or is no arrangement; the error names the file.
pub fn load_arrangement(path: &Path) -> Result<Model> {
    let (_, bytes) = file::read(path, &MODEL, |_| Ok(Format::Json))?;
    let network = arrangement::read(&bytes);
    Ok(Model {
        network: network.map_err(|error| error.with_origin(path.display().to_string()))?,
        digest: digest(&bytes),
    })
}

/// The SHA-256 of `bytes` as 64 lower-case hexadecimal digits: names the model in
/// everything that is written about it.
///
/// ```
/// let empty = chambers::network::import::digest(b"");
/// assert!(empty.starts_with("e3b0c44298fc1c14") && empty.len() == 64);
/// ```
pub fn digest(bytes: &[u8]) -> String {
    hexadecimal(&Sha256::digest(bytes))
}

fn read_json(text: &[u8]) -> Result<Network> {
    let value = document::parse(text)?;
    let root = Node::root(&value);
    if root.has("hyperplanes") && !root.has("layers") {
        arrangement::from_root(&root)
    } else {
        json::from_root(&root)
    }
}

/// The formats of models.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Json,
    Onnx,
}

impl Format {
    /// Chooses by extension, then by the first bytes.
    fn of(path: &Path, head: &[u8]) -> Result<Format> {
        let extension = path.extension().map(|e| e.to_string_lossy().to_lowercase());
        match extension.as_deref() {
            Some("json") => return Ok(Format::Json),
            Some("onnx") => return Ok(Format::Onnx),
            _ => {}
        }
        let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
        match head.iter().find(|b| !b.is_ascii_whitespace()) {
            Some(b'{') => Ok(Format::Json),
            // ONNX is a protobuf that starts with field 1, the IR version.
            Some(0x08) if head[0] == 0x08 => Ok(Format::Onnx),
            _ => Err(Error::input(
                path.display().to_string(),
                "start of the file",
                "neither JSON nor ONNX",
                "give a model that ends in .json or .onnx; docs/formats.md describes the JSON",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;

    fn load_as(name: &str, content: &[u8]) -> Result<Model> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(name);
        std::fs::write(&path, content).unwrap();
        load_model(&path)
    }

    fn refused(name: &str, content: &[u8], expected: &str) {
        let message = load_as(name, content).unwrap_err().to_string();
        assert!(message.contains(name), "{message}");
        assert!(message.contains(expected), "{message}");
    }

    const NETWORK: &[u8] = b"{\"input_dim\": 1, \"layers\": [{\"weight\": [[1]]}]}";

    #[test]
    fn the_format_is_chosen_by_name_and_content() {
        for name in ["a.json", "A.JSON", "a", "a.net"] {
            let model = load_as(name, NETWORK).unwrap();
            assert_eq!(model.network.input().len(), 1);
            assert_eq!(model.digest, digest(NETWORK));
        }
        let arrangement = b"\n {\"hyperplanes\": [[1, 2]], \"dim\": 1}";
        let model = load_as("a.json", arrangement).unwrap();
        assert_eq!(model.network.units_per_layer(), [1]);
    }

    #[test]
    fn errors_name_the_file_and_the_place() {
        refused(
            "a.json",
            b"{\"layers\": []}",
            "a.json: top level: there is neither",
        );
        refused("b.json", b"{", "b.json: line 1 column 1: not JSON");
        refused("c.json", b"", "c.json: file: it is empty");
        refused(
            "d.bin",
            b"hello",
            "d.bin: start of the file: neither JSON nor ONNX",
        );
        refused(
            "e.json",
            &[0; 100],
            "e.json: start of the file: a zero byte",
        );
        refused(
            "f.onnx",
            &[0; 100],
            "f.onnx: start of the file: a zero byte",
        );
    }

    #[test]
    fn what_is_no_file_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let message = load(dir.path()).unwrap_err().to_string();
        assert!(message.contains("a directory"), "{message}");
        let message = load(&dir.path().join("none.json")).unwrap_err().to_string();
        assert!(message.contains("none.json: "), "{message}");
    }

    #[test]
    fn large_files_are_refused_unread() {
        let dir = tempfile::tempdir().unwrap();
        // Sparse: they take no space, and reading them would take seconds.
        for (len, expected) in [(3u64 << 30, "at most 2048 MiB"), (2 << 30, "a zero byte")] {
            let path = dir.path().join("large.onnx");
            File::create(&path).unwrap().set_len(len).unwrap();
            let started = std::time::Instant::now();
            let message = load(&path).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
            assert!(started.elapsed().as_secs() < 1);
        }
    }

    #[cfg(unix)]
    #[test]
    fn endless_devices_are_refused() {
        for device in ["/dev/zero", "/dev/null"] {
            assert!(load(Path::new(device)).is_err());
        }
    }
}
