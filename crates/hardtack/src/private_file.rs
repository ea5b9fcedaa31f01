//! Files for their owner alone, replaced as a whole: keys, and cookies on the disk.
//!
//! A file is never changed in place. The new one is written beside it, made durable and renamed
//! over it, so that a reader sees the old contents or the new ones, and a crash leaves one of both.
//! Writers take turns by a lock on `PATH.lock`, which stays behind; readers need none.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

/// Waits for its turn to replace the file. The turn ends when the answer is dropped, or the process
/// dies.
#[must_use = "the turn ends when this is dropped"]
pub(crate) fn lock(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    let file = owner_only(&mut options).open(lock_of(path))?;
    file.lock()?;
    Ok(file)
}

/// The file that [`lock`] locks.
pub(crate) fn lock_of(path: &Path) -> PathBuf {
    beside(path, ".lock")
}

/// The file that is to replace the one at `path`. The caller holds its [`lock`].
pub(crate) fn create_new(path: &Path) -> io::Result<File> {
    let new = beside(path, NEW);
    // One that is there was left by a writer that died: we hold the lock.
    match fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = OpenOptions::new();
    // Follows no link that somebody may have put there.
    options.write(true).create_new(true);
    owner_only(&mut options).open(new)
}

/// Makes what [`create_new`] gave durable, and the file at `path`.
pub(crate) fn put_in_place(new: &File, path: &Path) -> io::Result<()> {
    new.sync_all()?;
    fs::rename(beside(path, NEW), path)?;
    sync_directory(directory_of(path))
}

pub(crate) fn directory_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(suffix);
    path.into()
}

fn owner_only(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

#[cfg(unix)]
fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

#[cfg(not(unix))]
fn sync_directory(_directory: &Path) -> io::Result<()> {
    Ok(())
}

const NEW: &str = ".new";
