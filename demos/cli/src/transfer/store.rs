//! The directory that files are received to.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tempfile::{Builder, NamedTempFile};

use super::file_name::TEMPORARY;

/// A directory in which files appear whole or not at all.
///
/// All of them together take no more than a number of bytes, those that are not whole yet among them; one counts for 4 KiB
/// at the least. What was there before does not count.
///
/// A file is written under a temporary name, `.transfer-….part`, and gets its own when it is on the disk. The temporary
/// one is removed when that does not come to pass, but for a program that is killed or a computer that fails.
#[derive(Clone, Debug)]
pub(super) struct Store {
    directory: PathBuf,
    overwrite: bool,
    max_total: u64,
    unfinished: Arc<Mutex<Unfinished>>,
}

#[derive(Debug, Default)]
struct Unfinished {
    paths: BTreeSet<PathBuf>,
    /// Whether no more files are taken.
    closed: bool,
    /// How many bytes all files count for, finished ones too.
    total: u64,
}

impl Store {
    /// A directory that files can be written to, of this many bytes in all. Files that are there are replaced if that is
    /// wanted.
    ///
    /// # Errors
    ///
    /// Why no file can be written there.
    pub(super) fn open(directory: &Path, overwrite: bool, max_total: u64) -> io::Result<Self> {
        // A path that does not depend on the working directory.
        let directory = directory.canonicalize()?;
        if !directory.is_dir() {
            return Err(ErrorKind::NotADirectory.into());
        }
        let store = Self { directory, overwrite, max_total, unfinished: Arc::default() };
        store.temporary()?.close()?;
        Ok(store)
    }

    /// Removes all unfinished files, takes no more, and returns how many were removed. For a program that is about to end.
    pub(super) fn close(&self) -> usize {
        let mut unfinished = self.unfinished();
        unfinished.closed = true;
        for path in &unfinished.paths {
            // It may have been removed, or renamed by somebody else.
            let _ = fs::remove_file(path);
        }
        unfinished.paths.len()
    }

    /// How many bytes may be stored in all.
    pub(super) const fn max_total(&self) -> u64 {
        self.max_total
    }

    /// Begins a file. Fails with [`ErrorKind::QuotaExceeded`] when nothing more may be stored.
    pub(super) fn begin(&self, name: &str) -> io::Result<Partial<'_>> {
        let target = self.directory.join(name);
        match target.symlink_metadata() {
            Ok(found) if found.is_dir() => return Err(ErrorKind::IsADirectory.into()),
            Ok(_) if !self.overwrite => return Err(ErrorKind::AlreadyExists.into()),
            _ => {}
        }
        let mut unfinished = self.open_for_more()?;
        let total = self.total_with(&unfinished, Partial::LEAST)?;
        let file = self.temporary()?;
        unfinished.total = total;
        unfinished.paths.insert(file.path().into());
        Ok(Partial { store: self, file: Some(file), target, written: 0, counted: Partial::LEAST, unsynced: 0 })
    }

    /// What all files count for with this many more bytes, if that may be.
    fn total_with(&self, unfinished: &Unfinished, more: u64) -> io::Result<u64> {
        let total = unfinished.total.checked_add(more).filter(|total| *total <= self.max_total);
        total.ok_or_else(|| ErrorKind::QuotaExceeded.into())
    }

    fn temporary(&self) -> io::Result<NamedTempFile> {
        let mut builder = Builder::new();
        builder.prefix(TEMPORARY).suffix(".part");
        // What a new file usually gets: all that the user's mask permits.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        builder.tempfile_in(&self.directory).map_err(|error| without_path(&error))
    }

    fn open_for_more(&self) -> io::Result<MutexGuard<'_, Unfinished>> {
        let unfinished = self.unfinished();
        if unfinished.closed { Err(io::Error::other("the receiver is ending")) } else { Ok(unfinished) }
    }

    fn unfinished(&self) -> MutexGuard<'_, Unfinished> {
        self.unfinished.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A file that is not whole yet. It is removed when it is dropped.
#[derive(Debug)]
pub(super) struct Partial<'a> {
    store: &'a Store,
    /// There until the end.
    file: Option<NamedTempFile>,
    target: PathBuf,
    written: u64,
    /// How many bytes the file counts for.
    counted: u64,
    /// How many bytes may not be on the disk yet.
    unsynced: usize,
}

impl Partial<'_> {
    /// How many bytes may be on their way to the disk. So the last of them are there soon after they were received, and
    /// the sender is not left waiting.
    const MAX_UNSYNCED: usize = 256 * 1024 * 1024;

    /// What a file counts for at the least, in bytes: empty ones could fill a disk too.
    const LEAST: u64 = 4096;

    /// Writes more of it. Fails with [`ErrorKind::QuotaExceeded`], and writes nothing, when no more may be stored.
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let Some(file) = &mut self.file else { return Ok(()) };
        self.written += bytes.len() as u64;
        let more = self.written.saturating_sub(self.counted);
        if more > 0 {
            let mut unfinished = self.store.unfinished();
            unfinished.total = self.store.total_with(&unfinished, more)?;
            self.counted += more;
        }
        // The temporary name is of no interest to who reads the error.
        file.as_file_mut().write_all(bytes)?;
        self.unsynced += bytes.len();
        if self.unsynced >= Self::MAX_UNSYNCED {
            file.as_file().sync_data()?;
            self.unsynced = 0;
        }
        Ok(())
    }

    /// Gives the whole file its name.
    pub(super) fn finish(mut self) -> io::Result<()> {
        if let Some(file) = &self.file {
            file.as_file().sync_all()?;
        }
        let mut unfinished = self.store.open_for_more()?;
        let Some(file) = self.file.take() else { return Ok(()) };
        let temporary = file.path().to_owned();
        let named =
            if self.store.overwrite { file.persist(&self.target) } else { file.persist_noclobber(&self.target) };
        unfinished.paths.remove(&temporary);
        if named.is_err() {
            unfinished.total -= self.counted;
        }
        named?;
        drop(unfinished);
        sync_directory(&self.store.directory)
    }
}

impl Drop for Partial<'_> {
    fn drop(&mut self) {
        if let Some(file) = self.file.take() {
            let path = file.path().to_owned();
            // If it cannot be removed now, it cannot be later.
            drop(file);
            let mut unfinished = self.store.unfinished();
            unfinished.paths.remove(&path);
            unfinished.total -= self.counted;
        }
    }
}

/// The error without the temporary name, which is of no interest to whoever reads it.
fn without_path(error: &io::Error) -> io::Error {
    error.raw_os_error().map_or_else(|| error.kind().into(), io::Error::from_raw_os_error)
}

/// Makes the names in a directory last.
fn sync_directory(directory: &Path) -> io::Result<()> {
    if cfg!(windows) {
        // There directories are not opened as files, and names last by themselves.
        return Ok(());
    }
    match File::open(directory)?.sync_all() {
        // Not all file systems know of this.
        Err(error) if matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported) => Ok(()),
        outcome => outcome,
    }
}

#[cfg(test)]
mod tests;
