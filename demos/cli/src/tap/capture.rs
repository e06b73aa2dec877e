//! What passes, kept in files.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use jiff::ZonedDateTime;

use super::flow::Direction;

/// The folder of the captures of one run.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    /// When the run began, as the files' names begin.
    start: String,
}

/// A file that holds what has passed in one direction of a connection.
#[derive(Debug)]
pub(super) struct Capture {
    file: File,
    path: PathBuf,
}

impl Folder {
    /// The folder at this path, which is made if it is not there.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        fs::create_dir_all(path)?;
        Ok(Self { path: path.into(), start: ZonedDateTime::now().strftime("%Y%m%d-%H%M%S").to_string() })
    }

    /// A new file for this direction of a connection. None is ever written over.
    ///
    /// # Errors
    ///
    /// Why there is none, in words.
    pub(super) fn create(&self, connection: u64, direction: Direction) -> Result<Capture, String> {
        let name = format!("{}-{connection:04}-{}.bin", self.start, direction.name());
        let path = self.path.join(name);
        let file = File::create_new(&path);
        let failed = |error| format!("cannot write {}: {error}", path.display());
        file.map_err(failed).map(|file| Capture { file, path: path.clone() })
    }
}

impl Capture {
    /// Writes what has passed.
    ///
    /// # Errors
    ///
    /// Why that is not possible, in words.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.file.write_all(bytes).map_err(|error| format!("cannot write {}: {error}", self.path.display()))
    }
}
