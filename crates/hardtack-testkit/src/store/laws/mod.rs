//! The laws, by what they are about. Each is a function that takes a new store
//! and panics where the store breaks the law; `list.rs` names them all.

pub(super) mod dropped;
pub(super) mod ends;
pub(super) mod epochs;
pub(super) mod histories;
pub(super) mod limits;
pub(super) mod lists;
pub(super) mod model;
pub(super) mod races;
pub(super) mod records;
pub(super) mod relocation;
pub(super) mod survival;
pub(super) mod sweeping;
pub(super) mod touches;
pub(super) mod values;
