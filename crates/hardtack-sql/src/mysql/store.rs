//! The verbs as the engine calls them.

use hardtack::session::store::*;
use hardtack::session::{Cause, Epochs, Locator, Record, UserKey, Version};
use hardtack::time::UnixTime;
use mysql_async::prelude::Queryable;

use super::verbs::{self, Create};
use super::{MysqlStore, sql};
use crate::Durability;
use crate::columns::{self, millis};
use crate::shared::{inserted, merged};

impl MysqlStore {
    async fn create(&self, create: Create) -> Result<Relocated, StoreError> {
        self.link
            .run(move |conn| {
                let create = create.clone();
                Box::pin(async move { create.run(conn).await })
            })
            .await
    }

    /// A statement over many sessions, named in JSON.
    async fn many(&self, sql: &'static str, json: String) -> Result<(), StoreError> {
        self.link.run(move |conn| Box::pin(conn.exec_drop(sql, (json.clone(),)))).await
    }
}

fn hex(key: &Locator) -> String {
    use std::fmt::Write;
    key.as_bytes().iter().fold(String::with_capacity(36), |mut text, byte| {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

impl Store for MysqlStore {
    fn info(&self) -> StoreInfo {
        let durability = match self.durability {
            Durability::Full => {
                "everything answered survives a crash of the server; a failover loses what the \
                 standby has not got, unless replication waits for it (semi-synchronous)"
            }
            Durability::AsServer => "what the server's settings for durability say",
        };
        StoreInfo::new("mysql", durability, true).waits(true)
    }

    fn load<'a>(&'a self, key: &'a Locator) -> Reply<'a, Result<Loaded, StoreError>> {
        let key = *key;
        Reply::later(self.link.run(move |conn| Box::pin(verbs::load(conn, key))))
    }

    fn insert<'a>(
        &'a self,
        key: &'a Locator,
        record: Record,
        admission: Admission,
    ) -> Reply<'a, Result<Inserted, StoreError>> {
        Reply::later(async move {
            let create = Create { key: *key, record, admission, old: None };
            self.create(create).await.map(inserted)
        })
    }

    fn replace<'a>(
        &'a self,
        key: &'a Locator,
        seen: Version,
        record: Record,
    ) -> Reply<'a, Result<Replaced, StoreError>> {
        let key = *key;
        Reply::later(
            self.link.run(move |conn| Box::pin(verbs::replace(conn, key, seen, record.clone()))),
        )
    }

    fn relocate<'a>(
        &'a self,
        old: &'a Locator,
        seen: Version,
        new: &'a Locator,
        record: Record,
        admission: Admission,
    ) -> Reply<'a, Result<Relocated, StoreError>> {
        let create = Create { key: *new, record, admission, old: Some((*old, seen)) };
        Reply::later(self.create(create))
    }

    fn touch<'a>(&'a self, batch: &'a [Touch]) -> Reply<'a, Result<(), StoreError>> {
        let batch = merged(batch);
        if batch.is_empty() {
            return Reply::ready(Ok(()));
        }
        let times: Vec<String> = batch
            .iter()
            .map(|(key, (seen, expires))| {
                format!("[\"{}\",{},{}]", hex(key), millis(*seen), millis(*expires))
            })
            .collect();
        Reply::later(self.many(sql::TOUCH, format!("[{}]", times.join(","))))
    }

    fn end<'a>(
        &'a self,
        key: &'a Locator,
        cause: Cause,
        at: UnixTime,
    ) -> Reply<'a, Result<Ended, StoreError>> {
        let (key, at) = (*key, millis(at));
        Reply::later(self.link.run(move |conn| Box::pin(verbs::end(conn, key, cause, at))))
    }

    fn list<'a>(
        &'a self,
        user: Option<&'a UserKey>,
        after: Option<Locator>,
        limit: usize,
    ) -> Reply<'a, Result<Vec<(Locator, Record)>, StoreError>> {
        let user = user.cloned();
        Reply::later(
            self.link.run(move |conn| Box::pin(verbs::list(conn, user.clone(), after, limit))),
        )
    }

    fn epochs<'a>(&'a self, user: Option<&'a UserKey>) -> Reply<'a, Result<Epochs, StoreError>> {
        let user = user.cloned();
        Reply::later(self.link.run(move |conn| Box::pin(verbs::epochs(conn, user.clone()))))
    }

    fn raise<'a>(
        &'a self,
        user: Option<&'a UserKey>,
        _at: UnixTime,
    ) -> Reply<'a, Result<u64, StoreError>> {
        let user = user.cloned();
        Reply::later(self.link.run(move |conn| Box::pin(verbs::raise(conn, user.clone()))))
    }

    fn sweep<'a>(&'a self, now: UnixTime, limit: usize) -> Reply<'a, Result<Swept, StoreError>> {
        Reply::later(self.link.run(move |conn| Box::pin(super::sweep::sweep(conn, now, limit))))
    }

    fn undelivered<'a>(&'a self, limit: usize) -> Reply<'a, Result<Vec<EndEvent>, StoreError>> {
        Reply::later(self.link.run(move |conn| Box::pin(verbs::undelivered(conn, limit))))
    }

    fn delivered<'a>(&'a self, ended: &'a [Locator]) -> Reply<'a, Result<(), StoreError>> {
        if ended.is_empty() {
            return Reply::ready(Ok(()));
        }
        let mut ended = ended.to_vec();
        ended.sort_unstable();
        let ids: Vec<String> = ended.iter().map(|key| format!("\"{}\"", hex(key))).collect();
        Reply::later(self.many(sql::DELIVERED, format!("[{}]", ids.join(","))))
    }

    fn census<'a>(&'a self) -> Reply<'a, Result<Census, StoreError>> {
        Reply::later(self.link.run(|conn| Box::pin(verbs::census(conn))))
    }

    fn clock<'a>(&'a self) -> Reply<'a, Result<Option<UnixTime>, StoreError>> {
        Reply::later(async move {
            let millis: Option<i64> =
                self.link.run(|conn| Box::pin(conn.query_first(sql::CLOCK))).await?;
            Ok(millis.map(columns::time))
        })
    }
}
