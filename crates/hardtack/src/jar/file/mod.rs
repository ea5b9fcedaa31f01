//! A jar on the disk that several processes share.

mod disk;
mod error;
mod sealed;

use std::fmt;
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

pub use error::FileError;

use super::merge::{Base, Merged, merge};
use super::{Cookie, Jar, ReadError, json, netscape};
use crate::private_file;
use crate::seal::Sealer;
use crate::time::UnixTime;

/// A jar's file.
///
/// ```
/// use hardtack::jar::{Jar, JarFile, RequestContext, Target};
/// use hardtack::time::UnixTime;
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("jar.json");
/// let now = UnixTime::from_secs(1_800_000_000);
/// let (mut file, mut jar) = (JarFile::new(&path), Jar::default());
/// file.load(&mut jar, now)?;
///
/// let target = Target::parse("https://shop.example/")?;
/// jar.set(b"sid=31d4d96e; Secure", &RequestContext::client(&target), now);
/// file.save(&mut jar, now)?;
/// # let mut again = Jar::default();
/// # JarFile::new(&path).load(&mut again, now)?;
/// # assert_eq!(again.len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Several processes
///
/// Each has a `JarFile` and a [`Jar`] of its own, and neither load nor save throws away what others
/// did. Both merge by the cookies' identity: what was added, changed or removed here and in the file
/// since the last load or save of this `JarFile` survives on both sides. If both sides changed one
/// cookie, the one that was set later stays ([`Cookie::changed`]; ours, if at the same time). Against
/// a removal a change wins, since a removal has no time to compare. A copy that is merely old undoes
/// nothing.
///
/// What the jar's limits evict counts as removed. Cookies that have expired and session cookies are
/// kept in the file like others: [`Jar::clear_expired`] and [`Jar::end_session`] before saving are
/// for the program to call.
///
/// # The file
///
/// Saving writes `PATH.new`, brings it to the disk and renames it over `PATH`, which is whole at any
/// moment, whoever is killed. Writers take turns by a lock on `PATH.lock`, which stays behind; readers
/// need none. A link is followed, and its target replaced. The new file may be read and written by its
/// owner only, whatever the mode before. A file that is not a jar is an error and never written over;
/// one that is not there is an empty jar.
///
/// The format is recognised from the contents; a new file gets the one that its name says
/// ([`Format::of_path`]).
///
/// # What this does not protect
///
/// * Without [`sealed`](JarFile::sealed), whoever may read the file has the cookies.
/// * Sealed, the file still tells its length and when it changed, and an older copy of the whole file
///   is taken for the present one.
/// * Programs that do not know the lock, curl among them, write over what is saved meanwhile.
/// * Locks may not hold on file systems over a network.
/// * Deleted cookies may be read off the disk until their place is used again.
#[must_use = "a file does nothing until load or save is called"]
pub struct JarFile {
    path: PathBuf,
    format: Format,
    sealer: Option<Sealer>,
    base: Base,
}

impl JarFile {
    /// The jar in this file, which need not exist. Nothing is opened yet.
    pub fn new(path: impl Into<PathBuf>) -> JarFile {
        let path = path.into();
        JarFile { format: Format::of_path(&path), path, sealer: None, base: Base::default() }
    }

    /// Encrypts the file: JSON, in pieces that are sealed each in its place. Opening takes the same
    /// purpose and a key of the same ring. A file that is not sealed is refused then, since whoever
    /// exchanges the file could plant cookies in that way; to seal an existing jar, load it without
    /// and save it with a key, to another path.
    pub fn sealed(mut self, sealer: Sealer) -> JarFile {
        self.sealer = Some(sealer);
        self.format = Format::Json;
        self
    }

    /// The path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The format: that of the contents after a load, of the name before.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Brings what is in the file, or what others have changed there since the last time, into the
    /// jar. Writes nothing.
    ///
    /// # Errors
    ///
    /// [`FileError`]; the jar is as before then.
    pub fn load(&mut self, jar: &mut Jar, now: UnixTime) -> Result<Merged, FileError> {
        let theirs = self.read(&self.resolve()?, now)?;
        self.format = theirs.format;
        Ok(merge(jar, &mut self.base, theirs.cookies, self.format))
    }

    /// Merges as [`load`](JarFile::load) does, then replaces the file. Waits while another process
    /// saves.
    ///
    /// # Errors
    ///
    /// [`FileError`]; the file is as before then. The jar may have what others did already, which the
    /// next save takes up from there.
    pub fn save(&mut self, jar: &mut Jar, now: UnixTime) -> Result<Merged, FileError> {
        let path = self.resolve()?;
        let _turn = private_file::lock(&path)
            .map_err(|source| FileError::io(&self.path, "lock", source))?;
        let theirs = self.read(&path, now)?;
        self.format = theirs.format;
        let merged = merge(jar, &mut self.base, theirs.cookies, self.format);

        let failed = |source| FileError::io(&self.path, "write", source);
        let new = private_file::create_new(&path).map_err(failed)?;
        let mut to = BufWriter::with_capacity(BUFFER_BYTES, &new);
        match &self.sealer {
            Some(sealer) => sealed::write(jar, sealer, &mut to, now)?,
            None => self.format.write(jar, &mut to),
        }
        .and_then(|()| to.flush())
        .and_then(|()| private_file::put_in_place(&new, &path))
        .map_err(failed)?;
        self.base = Base::of(jar.index.iter(), self.format);
        Ok(merged)
    }

    fn resolve(&self) -> Result<PathBuf, FileError> {
        disk::resolve(&self.path).map_err(|source| FileError::io(&self.path, "find", source))
    }

    fn read(&self, path: &Path, now: UnixTime) -> Result<Theirs, FileError> {
        let io = |source| FileError::io(&self.path, "read", source);
        let wrong = |source| FileError::Contents { path: self.path.clone(), source };
        let Some(file) = disk::open(path).map_err(io)? else {
            return Ok(Theirs { cookies: Vec::new(), format: self.format });
        };
        let mut from = BufReader::with_capacity(BUFFER_BYTES, file);
        let start = from.fill_buf().map_err(io)?;
        if start.is_empty() {
            let what = "the file is empty, which no jar is; remove it to begin with an empty jar";
            return Err(wrong(ReadError::at_line(1, what)));
        }
        let (is_sealed, is_json) = (sealed::is_sealed(start), Format::is_json(start));
        match (&self.sealer, is_sealed) {
            (Some(sealer), true) => sealed::read(from, sealer, &self.path, now)
                .map(|cookies| Theirs { cookies, format: Format::Json }),
            (Some(_), false) => Err(FileError::NotSealed { path: self.path.clone() }),
            (None, true) => Err(FileError::NeedsKey { path: self.path.clone() }),
            (None, false) if is_json => {
                let cookies = json::read(from).map_err(wrong)?;
                Ok(Theirs { cookies, format: Format::Json })
            }
            (None, false) => {
                let cookies = netscape::read(from, now).map_err(wrong)?;
                Ok(Theirs { cookies, format: Format::Netscape })
            }
        }
    }
}

impl fmt::Debug for JarFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JarFile")
            .field("path", &self.path)
            .field("format", &self.format)
            .field("sealed", &self.sealer.is_some())
            .finish_non_exhaustive()
    }
}

/// What a jar looks like on the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// [`json`], which loses nothing.
    Json,
    /// [`netscape`], for curl and others. Cookies of a partition stay in memory only.
    Netscape,
}

impl Format {
    /// The format that a file's name says: [`Format::Netscape`] for `.txt`, else [`Format::Json`].
    pub fn of_path(path: &Path) -> Format {
        match path.extension() {
            Some(extension) if extension.eq_ignore_ascii_case("txt") => Format::Netscape,
            _ => Format::Json,
        }
    }

    pub(super) fn holds(self, cookie: &Cookie) -> bool {
        self == Format::Json || netscape::holds(cookie)
    }

    pub(super) fn keeps_times(self) -> bool {
        self == Format::Json
    }

    fn write(self, jar: &Jar, to: impl Write) -> io::Result<()> {
        match self {
            Format::Json => json::write(jar.iter(), to),
            Format::Netscape => netscape::write(jar.iter(), to),
        }
    }

    /// Neither a domain nor a comment begins like this.
    fn is_json(start: &[u8]) -> bool {
        matches!(start.trim_ascii_start().first(), Some(b'{' | b'[')) && !start.starts_with(b"[:") // an IPv6 address in cookies.txt
    }
}

struct Theirs {
    cookies: Vec<Cookie>,
    format: Format,
}

const BUFFER_BYTES: usize = 64 * 1024;

#[cfg(test)]
mod tests;
