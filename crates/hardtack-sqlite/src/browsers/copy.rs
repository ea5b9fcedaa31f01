//! A database that another program may be writing, copied before it is opened.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};
use tempfile::TempDir;

use super::BrowserError;

/// An open copy; gone when dropped.
pub(super) struct Copy {
    pub(super) database: Connection,
    path: PathBuf,
    /// Dropped after the connection.
    _folder: TempDir,
}

impl Copy {
    pub(super) fn of(path: &Path) -> Result<Copy, BrowserError> {
        let io = |source| BrowserError::Io { path: path.to_owned(), source };
        check_header(path).map_err(io)?;
        // Readable by its owner only.
        let folder = TempDir::new().map_err(io)?;
        let copy = folder.path().join("cookies");
        fs::copy(path, &copy).map_err(io)?;
        // What has been committed may still stand in the log, or be half undone by the journal.
        for suffix in ["-wal", "-journal"] {
            match fs::copy(beside(path, suffix), beside(&copy, suffix)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(io(error)),
                _ => {}
            }
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let database =
            Connection::open_with_flags(&copy, flags).map_err(|source| wrong(path, source))?;
        Ok(Copy { database, path: path.to_owned(), _folder: folder })
    }

    pub(super) fn wrong(&self, source: rusqlite::Error) -> BrowserError {
        wrong(&self.path, source)
    }

    /// Refuses versions that are not known.
    pub(super) fn check(&self, found: i64, oldest: i64, newest: i64) -> Result<(), BrowserError> {
        if (oldest..=newest).contains(&found) {
            return Ok(());
        }
        Err(BrowserError::Version { path: self.path.clone(), found, oldest, newest })
    }

    /// Whether a table has this column.
    pub(super) fn has(&self, table: &str, column: &str) -> Result<bool, BrowserError> {
        let count: i64 = self
            .database
            .query_row(
                "SELECT count(*) FROM pragma_table_info(?1) WHERE name = ?2",
                [table, column],
                |row| row.get(0),
            )
            .map_err(|source| self.wrong(source))?;
        Ok(count > 0)
    }
}

fn wrong(path: &Path, source: rusqlite::Error) -> BrowserError {
    BrowserError::Database { path: path.to_owned(), source: Box::new(source) }
}

/// Refuses what is no database before it is copied, however large it is.
fn check_header(path: &Path) -> io::Result<()> {
    use std::io::Read;

    let mut header = Vec::new();
    File::open(path)?.take(MAGIC.len() as u64).read_to_end(&mut header)?;
    if header == MAGIC {
        return Ok(());
    }
    Err(io::Error::new(io::ErrorKind::InvalidData, "byte 0: it does not begin as SQLite files do"))
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(suffix);
    path.into()
}

const MAGIC: &[u8] = b"SQLite format 3\0";
