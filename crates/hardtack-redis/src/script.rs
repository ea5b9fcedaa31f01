//! The scripts, one for each verb that writes, and calls of them.

use std::sync::LazyLock;

use redis::{Cmd, Script};

/// A script, known to the server by its hash.
pub(crate) struct Lua(LazyLock<(Script, String)>);

macro_rules! scripts {
    ($($name:ident: $($part:literal)*;)*) => {$(
        pub(crate) static $name: Lua = Lua(LazyLock::new(|| {
            let code = concat!(include_str!("lua/common.lua"), $(include_str!(concat!("lua/", $part)),)*);
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
    INSERT: "admit.lua" "insert.lua";
    RELOCATE: "admit.lua" "relocate.lua";
    REPLACE: "replace.lua";
    TOUCH: "touch.lua";
    END: "end.lua";
    RAISE: "raise.lua";
    SPREAD: "spread.lua";
    DUE: "due.lua";
    SWEEP: "sweep.lua";
    DELIVER: "deliver.lua";
    FORGET: "forget.lua";
    MARK: "mark.lua";
    PEEK: "peek.lua";
    SETTLE: "settle.lua";
    UNMARK: "unmark.lua";
    MEMBERS: "members.lua";
    HEADS: "heads.lua";
}

/// One command to one partition.
pub(crate) struct Call {
    script: Option<&'static Lua>,
    cmd: Cmd,
}

impl Call {
    /// A plain command.
    pub(crate) fn plain(name: &str) -> Self {
        Self { script: None, cmd: redis::cmd(name) }
    }

    /// A script with its keys.
    pub(crate) fn script(script: &'static Lua, keys: &[Vec<u8>]) -> Self {
        let mut cmd = redis::cmd("EVALSHA");
        cmd.arg(script.0.0.get_hash()).arg(keys.len());
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
