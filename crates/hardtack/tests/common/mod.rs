//! Where tests find the cases that browsers and other projects answered.
#![allow(dead_code, reason = "each test file is built with all of this and uses a part")]

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// The folder of other projects' cases: `HARDTACK_REFERENCE`, or `shared` beside the repository.
/// `None`, said loudly, where it is not there: its licence keeps it out of this repository.
pub(crate) fn reference() -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..").join("shared");
    let folder = std::env::var_os("HARDTACK_REFERENCE").map_or_else(beside, PathBuf::from);
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!(
        "SKIPPED the reference cases: there is no folder {}; name it in HARDTACK_REFERENCE",
        folder.display()
    );
    None
}

/// The cases of one file of the reference data, such as `conformance/dates.json`.
pub(crate) fn reference_cases(file: &str) -> Vec<Value> {
    let Some(folder) = reference() else { return Vec::new() };
    let mut data = read_json(&folder.join(file));
    let Value::Array(cases) = data["cases"].take() else { panic!("{file} has no cases") };
    cases
}

/// What browsers did, one case a line: the recordings of this repository, and those of the
/// reference data where it is there.
pub(crate) fn recorded_lines() -> Vec<String> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browsers");
    let folders = [Some(own), reference().map(|folder| folder.join("browser-cases"))];
    let mut lines = Vec::new();
    for folder in folders.into_iter().flatten().filter(|folder| folder.is_dir()) {
        let mut files: Vec<PathBuf> = fs::read_dir(&folder)
            .expect("a folder")
            .map(|entry| entry.expect("an entry").path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "jsonl"))
            .collect();
        files.sort();
        for file in files {
            let text = fs::read_to_string(&file).expect("a file of lines");
            lines.extend(text.lines().filter(|line| !line.is_empty()).map(str::to_owned));
        }
    }
    assert!(!lines.is_empty(), "tests/browsers has the recordings of this repository");
    lines
}

fn read_json(path: &Path) -> Value {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{path:?}: {error}"));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path:?}: {error}"))
}
