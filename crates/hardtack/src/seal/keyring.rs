//! The keys in use: one seals, all open. Loading them, and rotating them.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};

use zeroize::Zeroizing;

use super::error::{KeyringError, RotationError};
use super::file;
use super::key::{Key, KeyId};
use crate::time::UnixTime;

/// The keys of an installation, in order: the first seals, all open.
///
/// Clones are cheap and share one ring, so a change through one is seen by all.
///
/// # Rotation
/// Nobody is logged out by a new key, if the steps are taken in this order and
/// each has reached every process before the next begins:
/// 1. [`add`](Keyring::add) the new key: it opens everywhere, and seals nowhere.
/// 2. [`promote`](Keyring::promote) it: it seals from now on. What older keys
///    sealed still opens, and is sealed again when it is next seen.
/// 3. When nothing depends on the old key any more, [`retire`](Keyring::retire)
///    it.
///
/// On a ring from a file each step is written back to the file, and other
/// processes see it at their next [`reload`](Keyring::reload).
///
/// A key that *leaked* is another matter: it must go at once, and what it made
/// with it. Delete its line from the file and reload: nothing of it opens any more.
/// Sessions under it stay in the store until they are due, unless they are ended
/// by their key (`Admin::end_by_key`), which also tells that they are over.
#[derive(Clone)]
pub struct Keyring {
    shared: Arc<Shared>,
}

struct Shared {
    /// Never empty, and replaced as a whole.
    keys: RwLock<Vec<Arc<Key>>>,
    /// The file that the ring came from.
    file: Option<PathBuf>,
    /// Held from reading the old keys until the new ones stand.
    change: Mutex<()>,
}

impl Keyring {
    /// The most keys a ring may have.
    pub const MAX_KEYS: usize = 16;

    /// A ring of one key, which seals and opens.
    pub fn new(key: Key) -> Keyring {
        Keyring::of(vec![Arc::new(key)], None)
    }

    /// A ring of these keys, the sealing one first.
    ///
    /// # Errors
    /// [`KeyringError`] for no key, more than [`MAX_KEYS`](Keyring::MAX_KEYS),
    /// or two with the same id.
    pub fn from_keys(keys: impl IntoIterator<Item = Key>) -> Result<Keyring, KeyringError> {
        let keys = keys.into_iter().map(Arc::new).collect();
        checked(keys, "the list given").map(|keys| Keyring::of(keys, None))
    }

    /// The ring in this environment variable: keys as [`Key::parse`] reads them,
    /// separated by white space or commas, the sealing one first.
    ///
    /// Other processes of the same user can read the environment of this one,
    /// and children inherit it; a file is the better place.
    ///
    /// # Errors
    /// [`KeyringError`] for a variable that is not set or not a list of keys.
    pub fn from_env(variable: &str) -> Result<Keyring, KeyringError> {
        let origin = format!("the environment variable {variable}");
        let text = std::env::var(variable)
            .map(Zeroizing::new)
            .map_err(|_| KeyringError::Variable { name: variable.to_owned() })?;
        let mut keys = Vec::new();
        let words = text.split(|c: char| c.is_ascii_whitespace() || c == ',');
        for (index, word) in words.filter(|word| !word.is_empty()).enumerate() {
            let key = Key::parse(word).map_err(|source| KeyringError::Key {
                origin: origin.clone(),
                place: index + 1,
                source,
            })?;
            keys.push(Arc::new(key));
        }
        checked(keys, &origin).map(|keys| Keyring::of(keys, None))
    }

    /// The ring in this file: one key a line, as [`Key::parse`] reads it, the
    /// sealing one first. Empty lines and lines that begin with `#` do not
    /// count.
    ///
    /// On Unix the file must belong to this process's user or to root, and
    /// nobody else may have any right to it (mode 0600 or stricter). Elsewhere
    /// permissions are not looked at.
    ///
    /// # Errors
    /// [`KeyringError`] for a file that cannot be read, that others can read or
    /// write, or that is not a list of keys.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Keyring, KeyringError> {
        let path = path.as_ref();
        let keys = read_checked(path)?.keys;
        Ok(Keyring::of(keys, Some(path.to_owned())))
    }

    /// As [`from_file`](Keyring::from_file); where there is no such file, it is
    /// made first, with one new key, mode 0600, in a directory that is made
    /// with mode 0700 where it is missing.
    ///
    /// Processes that do this at the same time end up with the same key. So do
    /// processes on several machines only if they share the file: each machine
    /// with a file of its own cannot open what the others sealed.
    ///
    /// # Errors
    /// [`KeyringError`], also where the file cannot be written.
    pub fn load_or_generate(path: impl AsRef<Path>) -> Result<Keyring, KeyringError> {
        let path = path.as_ref();
        match Keyring::from_file(path) {
            Err(error) if error.is_not_found() => {}
            result => return result,
        }
        file::create_parent(path)?;
        let _lock = file::lock(path)?;
        match Keyring::from_file(path) {
            // Nobody else was faster.
            Err(error) if error.is_not_found() => {}
            result => return result,
        }
        let key = Key::generate().map_err(|source| KeyringError::Key {
            origin: path.display().to_string(),
            place: 1,
            source,
        })?;
        let keys = vec![Arc::new(key)];
        file::write(path, &file::KeyFile::new(keys.clone()))?;
        Ok(Keyring::of(keys, Some(path.to_owned())))
    }

    /// The key that seals.
    pub fn sealing(&self) -> Arc<Key> {
        Arc::clone(&self.keys()[0])
    }

    /// The key with this id, if the ring has it.
    pub fn find(&self, id: KeyId) -> Option<Arc<Key>> {
        self.find_with_place(id).map(|(key, _)| key)
    }

    /// Whether the ring has the key with this id.
    pub(crate) fn holds(&self, id: KeyId) -> bool {
        self.keys().iter().any(|key| key.id() == id)
    }

    /// The ids of all keys, the sealing one first.
    pub fn ids(&self) -> Vec<KeyId> {
        self.keys().iter().map(|key| key.id()).collect()
    }

    /// Adds a key at the end: it opens, and does not seal.
    ///
    /// # Errors
    /// [`RotationError::Duplicate`] if the ring has a key of this id,
    /// [`RotationError::Full`] above [`MAX_KEYS`](Keyring::MAX_KEYS),
    /// [`RotationError::File`] if it cannot be written back; the ring is then
    /// as it was.
    pub fn add(&self, key: Key) -> Result<(), RotationError> {
        let key = Arc::new(key);
        self.change(|keys| {
            if keys.iter().any(|other| other.id() == key.id()) {
                return Err(RotationError::Duplicate(key.id()));
            }
            if keys.len() >= Keyring::MAX_KEYS {
                return Err(RotationError::Full);
            }
            keys.push(key);
            Ok(())
        })
    }

    /// Makes a key of the ring the one that seals. The others keep opening.
    ///
    /// Every process must be able to open with it by now: a process that has
    /// not reloaded since [`add`](Keyring::add) takes what it seals for unknown.
    ///
    /// # Errors
    /// [`RotationError::Unknown`] for a key that the ring does not have,
    /// [`RotationError::File`] as in [`add`](Keyring::add).
    pub fn promote(&self, id: KeyId) -> Result<(), RotationError> {
        self.change(|keys| {
            let place = place_of(keys, id)?;
            keys[..=place].rotate_right(1);
            Ok(())
        })
    }

    /// Takes a key off the ring that nothing depends on any more.
    ///
    /// The ring cannot know what was made with a key, so the caller counts and
    /// says so. Count after the key has stopped sealing in every process, or
    /// the count is out of date before it is given.
    ///
    /// # Errors
    /// [`RotationError::Sealing`] for the key that seals,
    /// [`RotationError::InUse`] while something depends on it,
    /// [`RotationError::Unknown`] and [`RotationError::File`] as in
    /// [`promote`](Keyring::promote).
    pub fn retire(&self, usage: KeyUsage, now: UnixTime) -> Result<(), RotationError> {
        self.change(|keys| {
            let place = place_of(keys, usage.key)?;
            if place == 0 {
                return Err(RotationError::Sealing(usage.key));
            }
            if usage.live_sessions > 0 || usage.seals_end > now {
                return Err(RotationError::InUse(usage));
            }
            keys.remove(place);
            Ok(())
        })
    }

    /// Reads the ring's file again, without a restart. A file that
    /// [`from_file`](Keyring::from_file) would refuse leaves the ring as it was.
    ///
    /// # Errors
    /// Those of [`from_file`](Keyring::from_file), and [`KeyringError::NoFile`]
    /// for a ring that did not come from a file.
    pub fn reload(&self) -> Result<(), KeyringError> {
        let path = self.shared.file.as_deref().ok_or(KeyringError::NoFile)?;
        let _change = self.begin_change();
        self.set(read_checked(path)?.keys);
        Ok(())
    }

    /// The key with this id, and whether it is the one that seals.
    pub(super) fn find_with_place(&self, id: KeyId) -> Option<(Arc<Key>, bool)> {
        let keys = self.keys();
        let place = keys.iter().position(|key| key.id() == id)?;
        Some((Arc::clone(&keys[place]), place == 0))
    }

    fn of(keys: Vec<Arc<Key>>, file: Option<PathBuf>) -> Keyring {
        let shared = Shared { keys: RwLock::new(keys), file, change: Mutex::new(()) };
        Keyring { shared: Arc::new(shared) }
    }

    /// Changes the keys. Those of a file are read from there first, under a lock
    /// that processes share, so that two that rotate at once both count.
    fn change(
        &self,
        change: impl FnOnce(&mut Vec<Arc<Key>>) -> Result<(), RotationError>,
    ) -> Result<(), RotationError> {
        let _change = self.begin_change();
        let Some(path) = self.shared.file.as_deref() else {
            let mut keys = self.keys().clone();
            change(&mut keys)?;
            self.set(keys);
            return Ok(());
        };
        let path = file::resolve(path)?;
        let _lock = file::lock(&path)?;
        let mut read = read_checked(&path)?;
        change(&mut read.keys)?;
        file::write(&path, &read)?;
        self.set(read.keys);
        Ok(())
    }

    fn begin_change(&self) -> MutexGuard<'_, ()> {
        self.shared.change.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keys(&self) -> RwLockReadGuard<'_, Vec<Arc<Key>>> {
        self.shared.keys.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, keys: Vec<Arc<Key>>) {
        *self.shared.keys.write().unwrap_or_else(PoisonError::into_inner) = keys;
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keyring")
    }
}

/// What still depends on a key, as the caller has counted it.
///
/// There is no default: both numbers have to be found out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyUsage {
    pub(super) key: KeyId,
    pub(super) live_sessions: u64,
    pub(super) seals_end: UnixTime,
}

impl KeyUsage {
    /// `live_sessions` is how many sessions in the store name this key.
    ///
    /// `seals_end` is when the last seal made with this key ends. Seals lie in
    /// browsers, where nobody can count them, but each has an expiry: take the
    /// time at which the key stopped sealing in the last process, and add the
    /// longest validity that a value is ever sealed for. For a key that sealed
    /// no values, [`UnixTime::from_millis`]`(0)`.
    pub fn counted(key: KeyId, live_sessions: u64, seals_end: UnixTime) -> KeyUsage {
        KeyUsage { key, live_sessions, seals_end }
    }
}

fn place_of(keys: &[Arc<Key>], id: KeyId) -> Result<usize, RotationError> {
    keys.iter().position(|key| key.id() == id).ok_or(RotationError::Unknown(id))
}

fn read_checked(path: &Path) -> Result<file::KeyFile, KeyringError> {
    let mut read = file::read(path)?;
    read.keys = checked(read.keys, &path.display().to_string())?;
    Ok(read)
}

fn checked(keys: Vec<Arc<Key>>, origin: &str) -> Result<Vec<Arc<Key>>, KeyringError> {
    let origin = || origin.to_owned();
    if keys.is_empty() {
        return Err(KeyringError::Empty { origin: origin() });
    }
    if keys.len() > Keyring::MAX_KEYS {
        return Err(KeyringError::TooMany { origin: origin(), keys: keys.len() });
    }
    for (place, key) in keys.iter().enumerate() {
        if keys[..place].iter().any(|other| other.id() == key.id()) {
            return Err(KeyringError::Duplicate { origin: origin(), id: key.id() });
        }
    }
    Ok(keys)
}
