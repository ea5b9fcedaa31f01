//! The demo in a real browser.
//!
//! Needs Chromium. Without it the tests say that they were skipped, and fail where `CI=true`.

mod browser;
mod cookies;
mod pages;
mod sessions;
mod setting;
