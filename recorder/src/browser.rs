//! What the recorder asks of a browser.

use std::fs;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::ValueEnum;
use serde_json::{Value, json};

use crate::case::Case;
use crate::chromium::Chromium;
use crate::firefox::Firefox;
use crate::server::Ports;

/// A browser in a fresh profile, with one tab, that sends all ports to the recorder's server.
pub(crate) trait Browser {
    /// `Name/1.2.3`.
    fn version(&self) -> &str;

    /// Empties the jar for this case.
    fn reset(&mut self, case: &Case) -> Result<()>;

    /// Types an address; what the browser complained of, if it did.
    fn navigate(&mut self, url: &str) -> Result<Option<String>>;

    /// The value of an expression in the page; promises are waited for.
    fn eval(&mut self, expression: &str) -> Result<Value>;

    /// The stored cookies.
    fn jar(&mut self) -> Result<Vec<Value>>;
}

/// The browsers that there are drivers for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Which {
    Chromium,
    Firefox,
}

impl Which {
    pub(crate) const ALL: [Which; 2] = [Which::Chromium, Which::Firefox];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Which::Chromium => "chromium",
            Which::Firefox => "firefox",
        }
    }

    pub(crate) fn start(self, ports: Ports) -> Result<Box<dyn Browser>> {
        Ok(match self {
            Which::Chromium => Box::new(Chromium::start(ports)?),
            Which::Firefox => Box::new(Firefox::start(ports)?),
        })
    }
}

/// Waits until the page's document is parsed.
pub(crate) fn await_document(browser: &mut dyn Browser, mark: &str) -> Result<()> {
    let ready = format!("location.href.includes({mark:?}) && document.readyState !== 'loading'");
    for _ in 0..200 {
        // While one page gives way to the next there may be nothing to ask.
        if browser.eval(&ready).ok() == Some(json!(true)) {
            return Ok(());
        }
        thread::sleep(Duration::from_millis(10));
    }
    anyhow::bail!("the page did not come")
}

/// A folder for a profile, removed when dropped.
pub(crate) fn profile(file: &str, text: &str) -> Result<tempfile::TempDir> {
    let folder = tempfile::Builder::new().prefix("recorder-").tempdir()?;
    let path = folder.path().join(file);
    fs::create_dir_all(path.parent().context("a file in a folder")?)?;
    fs::write(path, text)?;
    Ok(folder)
}
