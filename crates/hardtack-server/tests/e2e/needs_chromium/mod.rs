//! `scripts/test` installs or skips by the name of this module. Where these tests are run
//! in another way and Chromium is missing, each says that it was skipped, and fails where
//! `CI=true`.

mod cookies;
mod pages;
mod sessions;
