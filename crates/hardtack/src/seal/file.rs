//! The key file: who may read it, and what stands in it.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use zeroize::Zeroizing;

use super::error::KeyringError;
use super::key::{Key, KeyId};
use crate::private_file::{self, directory_of};

/// No list of keys is longer than this, in bytes.
pub(super) const MAX_FILE: usize = 64 * 1024;

/// What a key file says.
pub(super) struct KeyFile {
    pub(super) keys: Vec<Arc<Key>>,
    /// The comments above each key, whole lines, so that rewriting the file
    /// keeps what its owner noted. A commented-out key is a secret too.
    notes: Vec<(KeyId, Zeroizing<String>)>,
    /// The comments after the last key.
    tail: Zeroizing<String>,
}

impl KeyFile {
    pub(super) fn new(keys: Vec<Arc<Key>>) -> KeyFile {
        KeyFile { keys, notes: Vec::new(), tail: Zeroizing::default() }
    }

    fn parse(text: &str, path: &Path) -> Result<KeyFile, KeyringError> {
        let mut file = KeyFile::new(Vec::new());
        for (index, line) in text.lines().enumerate() {
            if line.trim_ascii().is_empty() || line.trim_ascii_start().starts_with('#') {
                file.tail.push_str(line);
                file.tail.push('\n');
                continue;
            }
            let key = Key::parse(line).map_err(|source| KeyringError::Key {
                origin: path.display().to_string(),
                place: index + 1,
                source,
            })?;
            file.notes.push((key.id(), std::mem::take(&mut file.tail)));
            file.keys.push(Arc::new(key));
        }
        Ok(file)
    }

    fn to_text(&self) -> Zeroizing<String> {
        // Room for all of it at once: growing would leave copies behind.
        let mut text = Zeroizing::new(String::with_capacity(2 * MAX_FILE));
        for key in &self.keys {
            if let Some((_, note)) = self.notes.iter().find(|(id, _)| *id == key.id()) {
                text.push_str(note);
            }
            text.push_str(&key.to_text());
            text.push('\n');
        }
        text.push_str(&self.tail);
        text
    }
}

/// Reads a key file that nobody else may read or write.
pub(super) fn read(path: &Path) -> Result<KeyFile, KeyringError> {
    let failed = |source| KeyringError::Read { path: path.to_owned(), source };
    let file = File::open(path).map_err(failed)?;
    // Of the open file, not of the path: it cannot be exchanged in between.
    check_private(path, &file.metadata().map_err(failed)?)?;

    let mut text = Zeroizing::new(String::with_capacity(MAX_FILE + 1));
    file.take(MAX_FILE as u64 + 1).read_to_string(&mut text).map_err(failed)?;
    if text.len() > MAX_FILE {
        return Err(KeyringError::TooLarge { path: path.to_owned() });
    }
    KeyFile::parse(&text, path)
}

/// Replaces a key file as a whole. The caller holds its [`lock`].
pub(super) fn write(path: &Path, contents: &KeyFile) -> Result<(), KeyringError> {
    let text = contents.to_text();
    if text.len() > MAX_FILE {
        return Err(KeyringError::TooLarge { path: path.to_owned() });
    }
    let written = private_file::create_new(path).and_then(|mut new| {
        new.write_all(text.as_bytes())?;
        private_file::put_in_place(&new, path)
    });
    written.map_err(|source| KeyringError::Write { path: path.to_owned(), source })
}

/// Waits for its turn to change a key file. The turn ends when the answer is
/// dropped, or the process dies.
#[must_use = "the turn ends when this is dropped"]
pub(super) fn lock(path: &Path) -> Result<File, KeyringError> {
    private_file::lock(path)
        .map_err(|source| KeyringError::Write { path: private_file::lock_of(path), source })
}

/// Makes the directory of a key file, and those above it, where missing.
pub(super) fn create_parent(path: &Path) -> Result<(), KeyringError> {
    let directory = directory_of(path);
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
        .create(directory)
        .map_err(|source| KeyringError::Write { path: directory.to_owned(), source })
}

/// The file behind a symbolic link, so that rewriting does not replace the link.
pub(super) fn resolve(path: &Path) -> Result<PathBuf, KeyringError> {
    fs::canonicalize(path).map_err(|source| KeyringError::Read { path: path.to_owned(), source })
}

#[cfg(unix)]
fn check_private(path: &Path, metadata: &fs::Metadata) -> Result<(), KeyringError> {
    use std::os::unix::fs::MetadataExt;

    let mode = metadata.mode() & 0o7777;
    if mode & !0o600 != 0 {
        return Err(KeyringError::Permissions { path: path.to_owned(), mode });
    }
    let (owner, user) = (metadata.uid(), rustix::process::geteuid().as_raw());
    if owner != user && owner != ROOT {
        return Err(KeyringError::Owner { path: path.to_owned(), owner, user });
    }
    Ok(())
}

#[cfg(not(unix))]
fn check_private(_path: &Path, _metadata: &fs::Metadata) -> Result<(), KeyringError> {
    Ok(())
}

/// Root may read and write every file anyway.
#[cfg(unix)]
const ROOT: u32 = 0;
