//! The file that a command works on.

use std::path::{Path, PathBuf};

use clap::Args;
use hardtack::cookie::{Limits, Profile};
use hardtack::jar::{Jar, JarFile};
use hardtack::seal::{Keyring, Sealer};
use hardtack::time::UnixTime;

use crate::cmd::{Failure, parsing};

#[derive(Args)]
pub(super) struct FileArguments {
    /// The jar
    jar: PathBuf,
    #[command(flatten)]
    settings: Settings,
}

#[derive(Args)]
pub(super) struct Settings {
    /// The keys of a sealed jar: the file of a hardtack keyring
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// Whose rules hold
    #[arg(long, value_name = "NAME", default_value = "chromium", value_parser = parsing::profile())]
    profile: &'static Profile,
    /// The time, in seconds since 1970 [default: now]
    #[arg(long, value_name = "SECONDS", value_parser = parsing::seconds)]
    now: Option<UnixTime>,
}

/// A jar with its file.
pub(super) struct Opened {
    pub(super) file: JarFile,
    pub(super) jar: Jar,
    pub(super) now: UnixTime,
}

impl FileArguments {
    /// The jar, which must be there.
    pub(super) fn existing(&self) -> Result<Opened, Failure> {
        must_exist(&self.jar)?;
        self.any()
    }

    /// The jar, empty if there is no such file.
    pub(super) fn any(&self) -> Result<Opened, Failure> {
        self.settings.any(&self.jar)
    }
}

impl Settings {
    /// Merges the jar in a file, which must be there, into another.
    pub(super) fn merge(&self, path: &Path, into: &mut Opened) -> Result<(), Failure> {
        must_exist(path)?;
        let mut file = sealed(path, self.key_file.as_deref())?;
        file.load(&mut into.jar, into.now).map(drop).map_err(Failure::input)
    }

    pub(super) fn any(&self, path: &Path) -> Result<Opened, Failure> {
        let now = parsing::or_now(self.now);
        // A file is not a browser: what is in it stays, however much it is.
        let jar = Jar::builder().profile(self.profile).limits(Limits::NONE).build();
        let mut opened = Opened { file: sealed(path, self.key_file.as_deref())?, jar, now };
        opened.file.load(&mut opened.jar, now).map_err(Failure::input)?;
        Ok(opened)
    }
}

impl Opened {
    pub(super) fn save(&mut self) -> Result<(), Failure> {
        self.file.save(&mut self.jar, self.now).map(drop).map_err(Failure::input)
    }
}

/// So many cookies, in words.
pub(super) fn counted(cookies: usize) -> String {
    format!("{cookies} {}", if cookies == 1 { "cookie" } else { "cookies" })
}

fn must_exist(path: &Path) -> Result<(), Failure> {
    if path.exists() {
        return Ok(());
    }
    let path = path.display();
    Err(Failure::input(format!(
        "there is no file {path}; check the name, or make a jar with `hardtack jar set`"
    )))
}

/// A file that is sealed if there are keys.
pub(super) fn sealed(path: &Path, key_file: Option<&Path>) -> Result<JarFile, Failure> {
    let file = JarFile::new(path);
    let Some(keys) = key_file else { return Ok(file) };
    let ring = Keyring::from_file(keys).map_err(Failure::input)?;
    Ok(file.sealed(Sealer::new(&ring, PURPOSE)))
}

/// What jars that this program seals are sealed for.
const PURPOSE: &str = "hardtack jar";
