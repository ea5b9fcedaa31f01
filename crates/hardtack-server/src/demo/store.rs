//! Where the demo keeps its sessions and keys.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{env, fmt, io};

use hardtack_sqlite::SqliteStore;
use hardtack_tower::seal::{Key, Keyring, KeyringError};
use hardtack_tower::session::{MemoryStore, Store, StoreError};

/// Where sessions are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Keep {
    /// In memory, for as long as the program runs.
    InMemory,
    /// In this folder, which is made if it is not there.
    In(PathBuf),
}

impl Keep {
    /// The user's own data folder: `$XDG_DATA_HOME`, else `~/.local/share`.
    ///
    /// # Errors
    /// [`StoreFailure::NoHome`] if neither can be found out.
    pub fn in_data_folder() -> Result<Keep, StoreFailure> {
        let absolute =
            |name: &str| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let base = absolute("XDG_DATA_HOME")
            .or_else(|| absolute("HOME").map(|home| home.join(".local/share")))
            .ok_or(StoreFailure::NoHome)?;
        Ok(Keep::In(base.join("hardtack").join("demo")))
    }
}

/// Opens the store and the keys that go with it.
pub(super) fn open_store(keep: &Keep) -> Result<(Arc<dyn Store>, Keyring), StoreFailure> {
    match keep {
        Keep::InMemory => {
            let key = Key::generate().map_err(|source| StoreFailure::Key(source.to_string()))?;
            Ok((Arc::new(MemoryStore::new()), Keyring::new(key)))
        }
        Keep::In(folder) => {
            private_folder(folder)
                .map_err(|source| StoreFailure::Folder { folder: folder.clone(), source })?;
            let keys =
                Keyring::load_or_generate(folder.join("keys")).map_err(StoreFailure::Keys)?;
            // One visitor needs no more room than this.
            let store = SqliteStore::builder(folder.join("sessions.db"))
                .cache_bytes(4 << 20)
                .reserve_bytes(1 << 20)
                .open()
                .map_err(StoreFailure::Store)?;
            Ok((Arc::new(store), keys))
        }
    }
}

/// A folder that only its owner can look into.
fn private_folder(folder: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Why there is no store.
#[derive(Debug)]
#[non_exhaustive]
pub enum StoreFailure {
    /// Neither `XDG_DATA_HOME` nor `HOME` is set to a folder.
    NoHome,
    /// The folder cannot be made.
    Folder {
        /// Which.
        folder: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// No key could be made.
    Key(String),
    /// The key file cannot be used.
    Keys(KeyringError),
    /// The session file cannot be used.
    Store(StoreError),
}

impl fmt::Display for StoreFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StoreFailure::NoHome => f.write_str(
                "neither XDG_DATA_HOME nor HOME names a folder; say where to keep the data with \
                 --data, or keep none with --ephemeral",
            ),
            StoreFailure::Folder { folder, source } => {
                write!(f, "the folder {} cannot be made: {source}", folder.display())
            }
            StoreFailure::Key(why) => f.write_str(why),
            StoreFailure::Keys(error) => error.fmt(f),
            StoreFailure::Store(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for StoreFailure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            StoreFailure::Folder { source, .. } => Some(source),
            StoreFailure::Keys(error) => Some(error),
            StoreFailure::Store(error) => Some(error),
            StoreFailure::NoHome | StoreFailure::Key(_) => None,
        }
    }
}
