//! How a file is read and replaced: as a whole, by one at a time.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

/// Where the file really is, so that a link stays a link and all its names share one lock.
pub(super) fn resolve(path: &Path) -> io::Result<PathBuf> {
    match (fs::canonicalize(path), path.file_name()) {
        (Err(error), Some(name)) if error.kind() == io::ErrorKind::NotFound => {
            Ok(fs::canonicalize(directory_of(path))?.join(name))
        }
        (resolved, _) => resolved,
    }
}

/// Opens what is there; `None` if nothing is. Devices and pipes might never end and are refused
/// before they are opened.
pub(super) fn open(path: &Path) -> io::Result<Option<File>> {
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_file() => File::open(path).map(Some),
        Ok(metadata) if metadata.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
        Ok(_) => Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Waits for its turn to replace the file. The turn ends when the answer is dropped, or the process
/// dies.
#[must_use = "the turn ends when this is dropped"]
pub(super) fn lock(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    let file = owner_only(&mut options).open(beside(path, ".lock"))?;
    file.lock()?;
    Ok(file)
}

/// The file that is to replace the one at `path`. The caller holds its [`lock`].
pub(super) fn create_new(path: &Path) -> io::Result<File> {
    let new = beside(path, ".new");
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
pub(super) fn put_in_place(new: &File, path: &Path) -> io::Result<()> {
    new.sync_all()?;
    fs::rename(beside(path, ".new"), path)?;
    sync_directory(directory_of(path))
}

fn directory_of(path: &Path) -> &Path {
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
