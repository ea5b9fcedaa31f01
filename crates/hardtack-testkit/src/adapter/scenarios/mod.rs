//! The scenarios, by what they are about.

pub(super) mod answers;
pub(super) mod connections;
pub(super) mod input;
pub(super) mod old_data;
pub(super) mod outage;
pub(super) mod remembering;
pub(super) mod routes;
pub(super) mod signing;
pub(super) mod soak;
pub(super) mod time;

use super::browser::Browser;
use super::http::{Connection, Request, Response};
use super::server::{Adapter, Server};
use super::soaking;
