//! A copy of the store while it is in use.

use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use hardtack::session::store::{StoreError, StoreErrorKind};
use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};

use crate::error::{closed, explain};
use crate::queue::{Next, Pace, Slot};
use crate::writer::Writer;

/// How many pages are copied between two batches: some milliseconds' worth.
const PAGES: i32 = 256;

pub(crate) struct Request {
    pub(crate) to: PathBuf,
    pub(crate) slot: Arc<Slot<()>>,
}

/// Copies the file, on the writer's own connection: what is written meanwhile
/// goes to the copy as well, and nothing has to begin again.
pub(crate) fn run(writer: &mut Writer, request: Arc<Request>) {
    let part = with_suffix(&request.to, "-part");
    let copied = copy(writer, &part).and_then(|()| {
        // A link fails where a rename would replace what is there.
        let placed = fs::hard_link(&part, &request.to).and_then(|()| sync_folder(&request.to));
        placed.map_err(|error| cannot_write(&request.to, error))
    });
    let _ = fs::remove_file(&part);
    request.slot.put(copied);
}

fn copy(writer: &mut Writer, part: &Path) -> Result<(), StoreError> {
    private(part, true).map_err(|error| cannot_write(part, error))?;
    let failed = |error| explain(part, error);
    let mut to = Connection::open(part).map_err(failed)?;
    to.pragma_update(None, "synchronous", "OFF").map_err(failed)?;
    // The writer goes on with this connection while the copy borrows it.
    let from = writer.conn.clone();
    let backup = Backup::new(&from, &mut to).map_err(failed)?;
    let mut pace = Pace::new(Duration::ZERO);
    loop {
        match backup.step(PAGES).map_err(failed)? {
            StepResult::Done => break,
            StepResult::More => {}
            _ => std::thread::sleep(Duration::from_millis(1)),
        }
        match writer.shared.queue.next(&mut pace) {
            Next::Batch(batch) => writer.serve_at(&mut pace, batch),
            Next::Idle => {}
            Next::Closed => return Err(closed("it was closed during a backup")),
        }
    }
    drop(backup);
    drop(to);
    File::open(part).and_then(|file| file.sync_all()).map_err(|error| cannot_write(part, error))
}

/// Opens a file that only its owner may read, and makes it if it is not there.
pub(crate) fn private(path: &Path, new: bool) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(!new).create_new(new);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// `path` with `suffix` at its end.
pub(crate) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Makes sure that the name of a new file is on the disk.
pub(crate) fn sync_folder(path: &Path) -> std::io::Result<()> {
    let folder = path.parent().filter(|f| !f.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

fn cannot_write(path: &Path, error: std::io::Error) -> StoreError {
    let what = format!(
        "cannot write the copy {} ({error}); it needs a new name in a folder that may be written",
        path.display()
    );
    StoreError::new(StoreErrorKind::ReadOnly, what).caused_by(error)
}
