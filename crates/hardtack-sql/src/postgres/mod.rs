//! The store on PostgreSQL.

mod batch;
mod error;
mod link;
mod near;
mod open;
mod row;
mod schema;
mod sql;
mod store;
mod sweep;
mod together;

use std::sync::Arc;

use hardtack::session::store::StoreError;

pub use schema::{SCHEMA, VERSION};

use crate::{Builder, Durability};

/// Sessions in a PostgreSQL database. Cheap to clone; all clones share its
/// connections.
#[derive(Clone)]
pub struct PostgresStore {
    link: Arc<link::Link>,
    together: Arc<batch::Groups>,
    near: Option<Arc<near::NearCache>>,
    durability: Durability,
}

impl PostgresStore {
    /// Opens the store at a URL, such as `postgres://shop@db.internal/shop`, and
    /// makes its tables if they are not there.
    ///
    /// # Errors
    /// Those of [`Builder::open`].
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        Self::builder(url).open().await
    }

    /// Sets a store up before it is opened.
    pub fn builder(url: &str) -> Builder<Self> {
        Builder::new(url)
    }

    /// Makes the tables or brings them up to date, in one transaction. Of no
    /// effect where they are.
    ///
    /// # Errors
    /// Those of [`Builder::open`].
    pub async fn migrate(&self) -> Result<(), StoreError> {
        schema::migrate(&self.link).await
    }
}

impl std::fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PostgresStore").field("place", &self.link.place()).finish_non_exhaustive()
    }
}
