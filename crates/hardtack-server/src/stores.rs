//! A store by its address.
//!
//! | address | store |
//! | --- | --- |
//! | `memory:` | the memory of this process |
//! | `sqlite:PATH` | a file |
//! | `redis://`, `rediss://`, `redis+sentinel://`, `rediss+sentinel://`, `redis+unix://` | Redis or Valkey, as [`hardtack_redis`] says; `?wait=N`: [`Durability::Wait`]; `?near=MB`: a near-cache of so many megabytes in this process; both: `?wait=N&near=MB` |
//! | `postgres://`, `postgresql://` | PostgreSQL; `?near=MB` (or `&near=MB` after other settings): a near-cache |
//! | `mysql://` | MySQL or MariaDB |
//!
//! # What this does not protect
//! An address with a password is seen by whoever sees the command line of a process. Databases take
//! passwords from files of their own (`~/.pgpass`), and sockets need none.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use hardtack::session::store::{MemoryStore, Store, StoreError, StoreErrorKind};
use hardtack_redis::{Durability, RedisStore};
use hardtack_sql::{MysqlStore, PostgresStore};
use hardtack_sqlite::SqliteStore;

/// Where a store is. Shown without user and password.
#[derive(Clone, PartialEq, Eq)]
pub struct StoreUrl {
    text: String,
    engine: Engine,
}

/// What kind of store an address names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Engine {
    /// The memory of this process.
    Memory,
    /// A file.
    Sqlite,
    /// Redis or Valkey.
    Redis,
    /// PostgreSQL.
    Postgres,
    /// MySQL or MariaDB.
    Mysql,
}

impl StoreUrl {
    /// Reads an address.
    ///
    /// # Errors
    /// A sentence that names what exists, if its scheme is none of the table above.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (scheme, rest) = text.split_once(':').unwrap_or(("", text));
        let engine = match scheme {
            "memory" if rest.is_empty() => Engine::Memory,
            "sqlite" if !rest.is_empty() => Engine::Sqlite,
            "redis" | "rediss" | "redis+sentinel" | "rediss+sentinel" | "redis+unix" => {
                Engine::Redis
            }
            "postgres" | "postgresql" => Engine::Postgres,
            "mysql" => Engine::Mysql,
            "" => {
                return Err(format!("this is not the address of a store, which is one of {FORMS}"));
            }
            // What comes after the scheme may hold a password.
            _ => return Err(format!("there is no store {scheme:?}; an address is one of {FORMS}")),
        };
        let url = Self { text: text.to_owned(), engine };
        if !matches!(engine, Engine::Memory | Engine::Sqlite) && !rest.starts_with("//") {
            return Err(format!(
                "after `{scheme}:` comes `//`; the address of a store is one of {FORMS}"
            ));
        }
        url.settings().map(|_| url)
    }

    /// What kind of store it names.
    pub fn engine(&self) -> Engine {
        self.engine
    }

    /// Opens the store, and makes its file or its tables if they are not there.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn open(&self) -> Result<Arc<dyn Store>, StoreError> {
        self.open_with(true).await
    }

    /// Opens a store that must be there: a missing file or table is an error.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn existing(&self) -> Result<Arc<dyn Store>, StoreError> {
        self.open_with(false).await
    }

    async fn open_with(&self, create: bool) -> Result<Arc<dyn Store>, StoreError> {
        let url = &*self.text;
        Ok(match self.engine {
            Engine::Memory => Arc::new(MemoryStore::new()),
            Engine::Sqlite => {
                let path = url.strip_prefix("sqlite:").unwrap_or(url);
                if !create && !Path::new(path).is_file() {
                    let what = format!("there is no session store {path}; check the path");
                    return Err(StoreError::new(StoreErrorKind::Unavailable, what));
                }
                Arc::new(SqliteStore::builder(path).create(create).open()?)
            }
            Engine::Redis => {
                let (durability, near) = self.settings().unwrap_or((Durability::Async, 0));
                let builder = RedisStore::builder(self.redis(), durability);
                Arc::new(builder.near_cache(near << 20).open()?)
            }
            Engine::Postgres => {
                let (_, near) = self.settings().unwrap_or((Durability::Async, 0));
                let builder = PostgresStore::builder(&self.postgres()).migrate(create);
                Arc::new(builder.near_cache(near << 20).open().await?)
            }
            Engine::Mysql => Arc::new(MysqlStore::builder(url).migrate(create).open().await?),
        })
    }

    /// The address of Redis, without our own settings.
    fn redis(&self) -> &str {
        self.text.split_at(self.end_of_redis()).0
    }

    /// Where our settings begin. A password may have a question mark, too.
    fn end_of_redis(&self) -> usize {
        let begins = ["?wait=", "?near="].iter().filter_map(|begin| self.text.find(begin));
        begins.min().unwrap_or(self.text.len())
    }

    /// The address of PostgreSQL, without our own setting.
    fn postgres(&self) -> String {
        let Some((place, settings)) = self.text.split_once('?') else { return self.text.clone() };
        let theirs: Vec<&str> = settings.split('&').filter(|s| !s.starts_with(NEAR)).collect();
        if theirs.is_empty() { place.to_owned() } else { format!("{place}?{}", theirs.join("&")) }
    }

    /// How many replicas logins and ends wait for, and the megabytes of a near-cache.
    fn settings(&self) -> Result<(Durability, usize), String> {
        let (mut durability, mut near) = (Durability::Async, 0);
        if self.engine == Engine::Postgres {
            let settings = self.text.split_once('?').map_or("", |(_, settings)| settings);
            for megabytes in settings.split('&').filter_map(|s| s.strip_prefix(NEAR)) {
                near = megabytes_of_near(megabytes)?;
            }
        }
        if self.engine != Engine::Redis {
            return Ok((durability, near));
        }
        let settings = self.text.split_at(self.end_of_redis()).1.trim_start_matches('?');
        for setting in settings.split('&').filter(|setting| !setting.is_empty()) {
            match setting.split_once('=') {
                Some(("wait", wait)) => match wait.parse() {
                    Ok(replicas @ 1..) => durability = Durability::Wait(replicas),
                    _ => {
                        return Err("`wait=N` of a Redis store is a number of replicas from 1 to \
                                     255"
                        .to_owned());
                    }
                },
                Some(("near", megabytes)) => near = megabytes_of_near(megabytes)?,
                _ => return Err("the settings of a Redis store are `wait=N` and `near=MB`".into()),
            }
        }
        Ok((durability, near))
    }
}

impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((scheme, rest)) = self.text.split_once("://") else {
            return f.write_str(&self.text);
        };
        // A password may contain what ends an address elsewhere: where that is in
        // doubt, nothing is shown.
        let place = rest.split('?').next().unwrap_or_default();
        let place = match place.rsplit_once('@') {
            Some((_, place)) => place,
            None if rest.contains('@') => "...",
            None => place,
        };
        write!(f, "{scheme}://{place}")
    }
}

impl fmt::Debug for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StoreUrl({self})")
    }
}

/// The most megabytes of a near-cache.
const NEAR_MAX: usize = 65_536;

const NEAR: &str = "near=";

fn megabytes_of_near(text: &str) -> Result<usize, String> {
    let megabytes = text.parse().ok().filter(|megabytes| (1..=NEAR_MAX).contains(megabytes));
    megabytes.ok_or_else(|| {
        format!("`near=MB` of a store is a number of megabytes from 1 to {NEAR_MAX}")
    })
}

const FORMS: &str = "memory:, sqlite:PATH, redis://HOST, rediss://HOST, redis+sentinel://HOST/NAME, \
                     redis+unix:///PATH, postgres://HOST/DATABASE, mysql://HOST/DATABASE";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scheme_names_an_engine_and_an_unknown_one_is_told_what_exists() {
        for (url, engine) in [
            ("memory:", Some(Engine::Memory)),
            ("sqlite:a/b.db", Some(Engine::Sqlite)),
            ("redis://h", Some(Engine::Redis)),
            ("rediss://h?wait=2", Some(Engine::Redis)),
            ("redis+unix:///run/redis", Some(Engine::Redis)),
            ("redis://a,b?near=64", Some(Engine::Redis)),
            ("redis://h?near=64&wait=1", Some(Engine::Redis)),
            ("redis+sentinel://a,b/main", Some(Engine::Redis)),
            ("postgres://h/d", Some(Engine::Postgres)),
            ("postgresql://h/d?sslmode=disable", Some(Engine::Postgres)),
            ("postgres://h/d?near=64", Some(Engine::Postgres)),
            ("mysql://h/d", Some(Engine::Mysql)),
            ("memory:x", None),
            ("sqlite:", None),
            ("redis:h", None),
            ("redis://h?wait=0", None),
            ("redis://h?wait=256", None),
            ("redis://h?near=0", None),
            ("redis://h?near=65537", None),
            ("postgres://h/d?sslmode=disable&near=x", None),
            ("redis://h?wait=1&far=2", None),
            ("", None),
        ] {
            assert_eq!(StoreUrl::parse(url).ok().map(|url| url.engine()), engine, "{url}");
        }
        let told = StoreUrl::parse("mongo://ada:secret@h").unwrap_err();
        assert!(told.contains("mongo") && told.contains("postgres://"), "{told}");
        assert!(!told.contains("secret"), "{told}");
    }

    #[test]
    fn no_password_is_shown() {
        for (url, shown) in [
            ("sqlite:a@b.db", "sqlite:a@b.db"),
            ("redis://ada:secret@h:1/2?wait=1", "redis://h:1/2"),
            ("redis://ada:se?cret@h", "redis://..."),
            ("mysql://ada:se@cret@h/d", "mysql://h/d"),
            ("postgres://h/d?user=ada&password=sec@ret", "postgres://..."),
            ("postgres://h/d?password=secret", "postgres://h/d"),
        ] {
            let url = StoreUrl::parse(url).unwrap();
            assert_eq!(url.to_string(), shown);
            assert!(!format!("{url:?}").contains("secret"));
        }
    }

    #[test]
    fn settings_of_ours_do_not_reach_redis() {
        for (settings, durability, near) in [
            ("", Durability::Async, 0),
            ("?wait=3", Durability::Wait(3), 0),
            ("?near=64", Durability::Async, 64),
            ("?wait=1&near=2", Durability::Wait(1), 2),
            ("?near=2&wait=1", Durability::Wait(1), 2),
        ] {
            let url = StoreUrl::parse(&format!("redis://h/1{settings}")).unwrap();
            assert_eq!((url.redis(), url.settings()), ("redis://h/1", Ok((durability, near))));
        }
    }

    #[test]
    fn a_setting_of_ours_does_not_reach_postgres() {
        for (given, theirs, near) in [
            ("", "", 0),
            ("?near=64", "", 64),
            ("?sslmode=disable", "?sslmode=disable", 0),
            ("?sslmode=disable&near=2", "?sslmode=disable", 2),
            ("?near=2&options=-cx%3D1&connect_timeout=3", "?options=-cx%3D1&connect_timeout=3", 2),
        ] {
            let url = StoreUrl::parse(&format!("postgres://h/d{given}")).unwrap();
            assert_eq!(url.postgres(), format!("postgres://h/d{theirs}"));
            assert_eq!(url.settings(), Ok((Durability::Async, near)));
        }
    }

    #[tokio::test]
    async fn what_must_be_there_is_not_made() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("none.db");
        let url = StoreUrl::parse(&format!("sqlite:{}", path.display())).unwrap();
        assert!(url.existing().await.is_err() && !path.exists());
        drop(url.open().await.expect("it is made"));
        assert!(url.existing().await.is_ok());
    }
}
