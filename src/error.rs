//! The one error type of the crate: every message names where the trouble is,
//! what was expected there, and what to do.

use std::path::{Path, PathBuf};

/// What can go wrong between a user's input and an answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused to read or write a file.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file, or `-` for a standard stream.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// An input says something that has no meaning here.
    #[error("{origin}: {place}: {problem}\n  {remedy}")]
    Input {
        /// The file, or the command-line option, at fault.
        origin: String,
        /// The place in it: a node, a line, a layer, a byte.
        place: String,
        /// What was found and what was expected instead.
        problem: String,
        /// What the user can do about it.
        remedy: String,
    },
}

/// The result of everything in this crate that can fail.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// An input error; the arguments are the fields of [`Error::Input`] in order.
    pub fn input(
        origin: impl Into<String>,
        place: impl Into<String>,
        problem: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Error::Input {
            origin: origin.into(),
            place: place.into(),
            problem: problem.into(),
            remedy: remedy.into(),
        }
    }

    /// An operating-system error on `path`.
    pub fn io(path: impl AsRef<Path>, source: std::io::Error) -> Self {
        Error::Io {
            path: path.as_ref().to_path_buf(),
            source,
        }
    }

    /// The same error, said of `origin`: readers that work on bytes do not know
    /// the name of their file; whoever opened it does.
    pub fn with_origin(self, name: impl Into<String>) -> Self {
        match self {
            Error::Input {
                place,
                problem,
                remedy,
                ..
            } => Error::Input {
                origin: name.into(),
                place,
                problem,
                remedy,
            },
            other => other,
        }
    }
}
