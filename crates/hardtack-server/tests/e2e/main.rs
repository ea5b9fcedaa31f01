//! The demo in a real browser.
//!
//! Needs Chromium. Without it the tests say that they were skipped, and fail where `CI=true`.

use needs_chromium::{browser, setting};

// What the tests are called by, so that scripts/test knows what they need.
#[path = "."]
mod needs_chromium {
    pub(crate) mod browser;
    mod cookies;
    mod pages;
    mod sessions;
    pub(crate) mod setting;
}
