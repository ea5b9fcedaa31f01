//! What tests tell `scripts/test` for its closing tables.

use std::fs::OpenOptions;
use std::io::Write;

/// Adds a line to the file that `HARDTACK_REPORT` names, if it names one.
///
/// # Panics
/// If that file cannot be written.
pub(crate) fn line(words: &[impl AsRef<str>]) {
    let Some(file) = std::env::var_os("HARDTACK_REPORT") else { return };
    let words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
    let line = words.join("\t") + "\n";
    // In one piece: many tests write at once.
    let added = OpenOptions::new()
        .append(true)
        .create(true)
        .open(file)
        .and_then(|mut file| file.write_all(line.as_bytes()));
    added.expect("the report can be written");
}
