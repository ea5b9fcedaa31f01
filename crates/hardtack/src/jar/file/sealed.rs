//! A jar encrypted at rest: JSON in pieces, each a sealed value on a line of its own.
//!
//! A piece is bound to the file's random id, to its place, and to whether it is the last: pieces
//! cannot be exchanged, moved or left out.

use std::io::{self, BufRead, Read, Write};
use std::path::Path;

use zeroize::Zeroizing;

use super::{Cookie, FileError, Jar, ReadError, json};
use crate::entropy;
use crate::seal::{SealError, Sealer};
use crate::time::UnixTime;

/// Whether a file begins as sealed ones do.
pub(super) fn is_sealed(start: &[u8]) -> bool {
    start.starts_with(MAGIC.as_bytes())
}

/// Writes the jar sealed. The outer error is one of sealing, the inner one of writing.
pub(super) fn write(
    jar: &Jar,
    sealer: &Sealer,
    mut to: impl Write,
    now: UnixTime,
) -> Result<io::Result<()>, FileError> {
    let mut random = [0; 16];
    entropy::fill(&mut random).map_err(|error| FileError::Seal(SealError::Entropy(error)))?;
    let id = format!("{:032x}", u128::from_le_bytes(random));
    if let Err(error) = writeln!(to, "{MAGIC}{VERSION} {id}") {
        return Ok(Err(error));
    }
    let piece = Zeroizing::new(Vec::with_capacity(PIECE_BYTES));
    let mut pieces = Pieces { to, sealer, id, now, index: 0, piece, failed: None };
    let written = json::write(jar.iter(), &mut pieces).and_then(|()| pieces.seal(true));
    match pieces.failed {
        Some(error) => Err(FileError::Seal(error)),
        None => Ok(written),
    }
}

/// Reads what [`write`] wrote.
pub(super) fn read(
    mut from: impl BufRead,
    sealer: &Sealer,
    path: &Path,
    now: UnixTime,
) -> Result<Vec<Cookie>, FileError> {
    let wrong = |source| FileError::Contents { path: path.to_owned(), source };
    let io = |source| FileError::io(path, "read", source);
    let mut line = String::new();
    let mut next = |line: &mut String| -> Result<bool, FileError> {
        line.clear();
        from.by_ref().take(MAX_LINE_BYTES).read_line(line).map_err(io)?;
        Ok(line.ends_with('\n'))
    };
    next(&mut line)?;
    let id = line.trim_ascii_end().strip_prefix(MAGIC).and_then(|rest| rest.split_once(' '));
    let id = match id {
        Some((VERSION, id)) => id.to_owned(),
        _ => {
            let what = format!(
                "the sealed jar is not of version {VERSION}, which this program reads; use a newer \
                 program"
            );
            return Err(wrong(ReadError::at_line(1, what)));
        }
    };
    let mut text = Zeroizing::new(Vec::new());
    let mut index = 0;
    let mut more = next(&mut line)?;
    loop {
        let sealed = line.trim_ascii_end().to_owned();
        more = more && next(&mut line)?;
        let opened = sealer.open(&name(&id, index, !more), Some(sealed.as_bytes()), now);
        let opened = opened.map_err(|source| FileError::Unseal {
            path: path.to_owned(),
            line: index + 2,
            source,
        })?;
        text.extend_from_slice(&Zeroizing::new(opened.value));
        index += 1;
        if !more {
            return json::read(&text[..]).map_err(wrong);
        }
    }
}

/// Takes text, and writes it sealed.
struct Pieces<'a, W> {
    to: W,
    sealer: &'a Sealer,
    id: String,
    now: UnixTime,
    index: u64,
    piece: Zeroizing<Vec<u8>>,
    /// Why sealing failed, which an error of writing cannot carry.
    failed: Option<SealError>,
}

impl<W: Write> Pieces<'_, W> {
    fn seal(&mut self, last: bool) -> io::Result<()> {
        let name = name(&self.id, self.index, last);
        match self.sealer.encrypt(&name, &self.piece, UnixTime::MAX, self.now) {
            Ok(sealed) => writeln!(self.to, "{sealed}")?,
            Err(error) => {
                self.failed = Some(error);
                return Err(io::Error::other(error));
            }
        }
        self.index += 1;
        self.piece.clear();
        Ok(())
    }
}

impl<W: Write> Write for Pieces<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.piece.len() == PIECE_BYTES {
            self.seal(false)?;
        }
        let taken = bytes.len().min(PIECE_BYTES - self.piece.len());
        self.piece.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn name(id: &str, index: u64, last: bool) -> String {
    format!("hardtack jar {id} {index} {}", if last { "last" } else { "more" })
}

const MAGIC: &str = "hardtack-sealed-jar ";
const VERSION: &str = "1";
/// The most that one sealed value may hold.
const PIECE_BYTES: usize = crate::seal::MAX_VALUE;
/// More than a piece has in base64.
const MAX_LINE_BYTES: u64 = 2 * PIECE_BYTES as u64;
