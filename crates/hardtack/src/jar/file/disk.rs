//! Where a jar's file is, and how it is opened.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use crate::private_file::directory_of;

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
