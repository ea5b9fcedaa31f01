//! The demo from outside, most of it in a real browser.

mod browser;
mod guard;
mod needs_chromium;
mod setting;
