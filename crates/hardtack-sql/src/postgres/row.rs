//! Rows and their columns.

use bytes::Bytes;
use deadpool_postgres::tokio_postgres::Row;
use hardtack::session::store::StoreError;
use hardtack::session::{Cause, Locator, Record};

use super::link::Link;
use crate::columns::{self, Columns};

/// The columns of a row, by their place.
pub(super) fn get<'a, T: deadpool_postgres::tokio_postgres::types::FromSql<'a>>(
    link: &Link,
    row: &'a Row,
    column: usize,
) -> Result<T, StoreError> {
    row.try_get(column).map_err(|error| link.unreadable(error))
}

pub(super) fn cause(link: &Link, row: &Row, column: usize) -> Result<Option<Cause>, StoreError> {
    let code: Option<i16> = get(link, row, column)?;
    code.map(|code| columns::cause(code).map_err(|error| link.unreadable(error))).transpose()
}

/// The record in the first twelve columns.
pub(super) fn record(link: &Link, row: &Row) -> Result<Record, StoreError> {
    let columns = Columns {
        version: get(link, row, 0)?,
        kind: get(link, row, 1)?,
        key: get(link, row, 2)?,
        user: get(link, row, 3)?,
        user_epoch: get(link, row, 4)?,
        global_epoch: get(link, row, 5)?,
        created: get(link, row, 6)?,
        seen: get(link, row, 7)?,
        expires: get(link, row, 8)?,
        dies: get(link, row, 9)?,
        device: get(link, row, 10)?,
        data: Bytes::copy_from_slice(get(link, row, 11)?),
    };
    columns.record().map_err(|error| link.unreadable(error))
}

pub(super) fn locator(link: &Link, row: &Row, column: usize) -> Result<Locator, StoreError> {
    columns::locator(get(link, row, column)?).map_err(|error| link.unreadable(error))
}
