//! The scripts, one for each verb that writes, and calls of them.

use std::sync::LazyLock;

use redis::{Cmd, Script};

/// A script, known to the server by its hash.
pub(crate) struct Lua(LazyLock<(Script, String)>);

macro_rules! scripts {
    ($($name:ident: $($part:literal)*;)*) => {$(
        pub(crate) static $name: Lua = Lua(LazyLock::new(|| {
            let code = concat!($(include_str!(concat!("lua/", $part)),)*);
            (Script::new(code), code.to_owned())
        }));
    )*

        /// Tells a server all scripts.
        pub(crate) fn all() -> redis::Pipeline {
            let mut pipe = redis::pipe();
            $(pipe.cmd("SCRIPT").arg("LOAD").arg(&$name.0.1);)*
            pipe
        }
    };
}

scripts! {
    INSERT: "common.lua" "admit.lua" "insert.lua";
    RELOCATE: "common.lua" "admit.lua" "relocate.lua";
    REPLACE: "replace_plain.lua" "common.lua" "replace.lua";
    TOUCH: "common.lua" "touch.lua";
    END: "common.lua" "end.lua";
    RAISE: "common.lua" "raise.lua";
    SPREAD: "common.lua" "spread.lua";
    DUE: "common.lua" "due.lua";
    SWEEP: "common.lua" "sweep.lua";
    DELIVER: "common.lua" "deliver.lua";
    FORGET: "common.lua" "forget.lua";
    MARK: "common.lua" "mark.lua";
    PEEK: "common.lua" "peek.lua";
    SETTLE: "common.lua" "settle.lua";
    UNMARK: "common.lua" "unmark.lua";
    MEMBERS: "common.lua" "members.lua";
    HEADS: "common.lua" "heads.lua";
}

/// What a load needs: more grows.
const ARGS: usize = 4;
const BYTES: usize = 96;

/// One command to one partition.
pub(crate) struct Call {
    script: Option<&'static Lua>,
    cmd: Cmd,
}

impl Call {
    /// A plain command.
    pub(crate) fn plain(name: &str) -> Self {
        let mut cmd = Cmd::with_capacity(ARGS, BYTES);
        cmd.arg(name);
        Self { script: None, cmd }
    }

    /// A script with its keys.
    pub(crate) fn script(script: &'static Lua, keys: &[Vec<u8>]) -> Self {
        let mut cmd = Cmd::with_capacity(ARGS, BYTES);
        cmd.arg("EVALSHA").arg(script.0.0.get_hash()).arg(keys.len());
        for key in keys {
            cmd.arg(&key[..]);
        }
        Self { script: Some(script), cmd }
    }

    pub(crate) fn arg(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.cmd.arg(bytes.as_ref());
        self
    }

    pub(crate) fn args<T: AsRef<[u8]>>(mut self, all: impl IntoIterator<Item = T>) -> Self {
        for bytes in all {
            self.cmd.arg(bytes.as_ref());
        }
        self
    }

    pub(crate) fn into_parts(self) -> (Option<&'static Lua>, Cmd) {
        (self.script, self.cmd)
    }

    pub(crate) fn from_parts(script: Option<&'static Lua>, cmd: Cmd) -> Self {
        Self { script, cmd }
    }

    pub(crate) fn cmd(&self) -> &Cmd {
        &self.cmd
    }

    /// The same with the script's code, for a server that does not know it yet.
    pub(crate) fn in_full(&self) -> Option<Cmd> {
        let script = self.script?;
        let mut full = redis::cmd("EVAL");
        full.arg(&script.0.1);
        for arg in self.cmd.args_iter().skip(2) {
            if let redis::Arg::Simple(bytes) = arg {
                full.arg(bytes);
            }
        }
        Some(full)
    }
}
