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
/// A file is written under a temporary name, `.transfer-….part`, and gets its own when it is on the disk. The temporary
/// one is removed when that does not come to pass, but for a program that is killed or a computer that fails.
#[derive(Clone, Debug)]
pub struct Store {
    directory: PathBuf,
    overwrite: bool,
    unfinished: Arc<Mutex<Unfinished>>,
}

#[derive(Debug, Default)]
struct Unfinished {
    paths: BTreeSet<PathBuf>,
    /// Whether no more files are taken.
    closed: bool,
}

impl Store {
    /// A directory that files can be written to. Files that are there are replaced if that is wanted.
    ///
    /// # Errors
    ///
    /// Why no file can be written there.
    pub fn open(directory: &Path, overwrite: bool) -> io::Result<Self> {
        // A path that does not depend on the working directory.
        let store = Self { directory: directory.canonicalize()?, overwrite, unfinished: Arc::default() };
        store.temporary()?.close()?;
        Ok(store)
    }

    /// Removes all unfinished files, so many, and takes no more. For a program that is about to end.
    pub fn close(&self) -> usize {
        let mut unfinished = self.unfinished();
        unfinished.closed = true;
        for path in &unfinished.paths {
            // It may have been removed, or renamed by somebody else.
            let _ = fs::remove_file(path);
        }
        unfinished.paths.len()
    }

    /// Begins a file.
    pub(super) fn begin(&self, name: &str) -> io::Result<Partial<'_>> {
        let target = self.directory.join(name);
        match target.symlink_metadata() {
            Ok(found) if found.is_dir() => return Err(ErrorKind::IsADirectory.into()),
            Ok(_) if !self.overwrite => return Err(ErrorKind::AlreadyExists.into()),
            _ => {}
        }
        let mut unfinished = self.open_for_more()?;
        let file = self.temporary()?;
        unfinished.paths.insert(file.path().into());
        Ok(Partial { store: self, file: Some(file), target, unsynced: 0 })
    }

    fn temporary(&self) -> io::Result<NamedTempFile> {
        let mut builder = Builder::new();
        builder.prefix(TEMPORARY).suffix(".part");
        // What a new file usually gets: all that the user's mask permits.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        builder.tempfile_in(&self.directory)
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
    /// How many bytes may not be on the disk yet.
    unsynced: usize,
}

impl Partial<'_> {
    /// How many bytes may be on their way to the disk. So the last of them are there soon after they were received, and
    /// the sender is not left waiting.
    const MAX_UNSYNCED: usize = 256 * 1024 * 1024;

    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let Some(file) = &mut self.file else { return Ok(()) };
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
        let Some(file) = self.file.take() else { return Ok(()) };
        file.as_file().sync_all()?;
        let mut unfinished = self.store.open_for_more()?;
        let temporary = file.path().to_owned();
        let named =
            if self.store.overwrite { file.persist(&self.target) } else { file.persist_noclobber(&self.target) };
        unfinished.paths.remove(&temporary);
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
            self.store.unfinished().paths.remove(&path);
        }
    }
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
mod tests {
    use super::*;

    fn names(directory: &Path) -> Vec<String> {
        let entries = directory.read_dir().unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_appears_when_it_is_finished() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(directory.path(), false).unwrap();
        assert!(names(directory.path()).is_empty());
        let mut partial = store.begin("a").unwrap();
        partial.write(b"abc").unwrap();
        let [unfinished] = names(directory.path()).try_into().unwrap();
        assert!(unfinished.starts_with(".transfer-"), "{unfinished}");
        partial.finish().unwrap();
        assert_eq!(names(directory.path()), ["a"]);
        assert_eq!(fs::read(directory.path().join("a")).unwrap(), b"abc");
        assert_eq!(store.close(), 0);
    }

    #[test]
    fn a_file_that_is_given_up_leaves_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(directory.path(), false).unwrap();
        store.begin("a").unwrap().write(b"abc").unwrap();
        assert!(names(directory.path()).is_empty());
        assert_eq!(store.close(), 0);
    }

    #[test]
    fn of_two_files_of_a_name_the_first_to_be_finished_stays() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(directory.path(), false).unwrap();
        let [mut first, mut second] = [(); 2].map(|()| store.begin("a").unwrap());
        first.write(b"1").unwrap();
        second.write(b"2").unwrap();
        first.finish().unwrap();
        assert_eq!(second.finish().unwrap_err().kind(), ErrorKind::AlreadyExists);
        assert_eq!(store.begin("a").unwrap_err().kind(), ErrorKind::AlreadyExists);
        assert_eq!(names(directory.path()), ["a"]);
        assert_eq!(fs::read(directory.path().join("a")).unwrap(), b"1");
    }

    #[test]
    fn a_file_is_replaced_if_that_is_wanted_and_a_directory_never() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(directory.path(), true).unwrap();
        fs::write(directory.path().join("a"), b"old").unwrap();
        store.begin("a").unwrap().finish().unwrap();
        assert_eq!(fs::read(directory.path().join("a")).unwrap(), b"");
        fs::create_dir(directory.path().join("b")).unwrap();
        assert_eq!(store.begin("b").unwrap_err().kind(), ErrorKind::IsADirectory);
        assert_eq!(names(directory.path()), ["a", "b"]);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_replaced_and_not_followed() {
        let directory = tempfile::tempdir().unwrap();
        let outside = directory.path().join("outside");
        fs::write(&outside, b"old").unwrap();
        let inside = directory.path().join("inside");
        fs::create_dir(&inside).unwrap();
        std::os::unix::fs::symlink(&outside, inside.join("a")).unwrap();
        let store = Store::open(&inside, false).unwrap();
        assert_eq!(store.begin("a").unwrap_err().kind(), ErrorKind::AlreadyExists);
        let store = Store::open(&inside, true).unwrap();
        store.begin("a").unwrap().finish().unwrap();
        assert_eq!(fs::read(&outside).unwrap(), b"old");
        assert!(inside.join("a").symlink_metadata().unwrap().is_file());
    }

    #[test]
    fn what_is_unfinished_at_the_end_is_removed_and_cannot_be_finished() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(directory.path(), true).unwrap();
        let [first, _second] = ["a", "b"].map(|name| store.begin(name).unwrap());
        assert_eq!(store.close(), 2);
        assert!(names(directory.path()).is_empty());
        assert_eq!(first.finish().unwrap_err().to_string(), "the receiver is ending");
        assert_eq!(store.begin("c").unwrap_err().to_string(), "the receiver is ending");
        assert!(names(directory.path()).is_empty());
    }
}
