//! The scripts, one for each verb that writes, and calls of them.

use std::sync::LazyLock;

use redis::Script;

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
        pub(crate) fn all() -> Vec<Call> {
            vec![$(Call::plain("SCRIPT").arg("LOAD").arg(&$name.0.1)),*]
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

/// Words, packed, and how many they are.
type Words<'a> = (usize, &'a [u8]);

impl Lua {
    /// The call with these keys and arguments.
    pub(crate) fn pack(&self, keys: Words<'_>, args: Words<'_>, out: &mut Vec<u8>) {
        pack(&[b"EVALSHA", self.0.0.get_hash().as_bytes()], keys, args, out);
    }

    /// The same with its code, for a server that does not know it yet.
    fn pack_code(&self, keys: Words<'_>, args: Words<'_>, out: &mut Vec<u8>) {
        pack(&[b"EVAL", self.0.1.as_bytes()], keys, args, out);
    }
}

fn pack(first: &[&[u8]; 2], keys: Words<'_>, args: Words<'_>, out: &mut Vec<u8>) {
    // The two, and the number of keys.
    number(out, b'*', 3 + keys.0 + args.0);
    first.iter().for_each(|bytes| word(out, bytes));
    word(out, keys.0.to_string().as_bytes());
    out.extend_from_slice(keys.1);
    out.extend_from_slice(args.1);
}

/// What a load needs, and a script with some keys besides its arguments.
const BYTES: usize = 128;
const SCRIPT_BYTES: usize = 256;

/// One command to one partition.
#[derive(Clone)]
pub(crate) struct Call {
    what: What,
    /// Its words but for a script's first ones, packed.
    packed: Vec<u8>,
    /// How many are there.
    words: usize,
    /// How many of them are keys of a script, and where what follows those begins.
    keys: usize,
    args_at: usize,
    may_share: bool,
}

#[derive(Clone, Copy)]
enum What {
    Command,
    Script(&'static Lua),
    /// The script with its code.
    Code(&'static Lua),
}

impl Call {
    /// A plain command.
    pub(crate) fn plain(name: &str) -> Self {
        Self::with_room(What::Command, BYTES).arg(name)
    }

    /// A script with its keys.
    pub(crate) fn script(script: &'static Lua, keys: &[impl AsRef<[u8]>]) -> Self {
        let mut call = Self::with_room(What::Script(script), SCRIPT_BYTES).args(keys);
        (call.keys, call.args_at) = (keys.len(), call.packed.len());
        call
    }

    fn with_room(what: What, bytes: usize) -> Self {
        let packed = Vec::with_capacity(bytes);
        Self { what, packed, words: 0, keys: 0, args_at: 0, may_share: false }
    }

    /// It may be sent in one with others of its script, which does each by itself.
    pub(crate) fn shared(mut self) -> Self {
        self.may_share = true;
        self
    }

    /// The script that it shares with others, if it may.
    pub(crate) fn shares(&self) -> Option<&'static Lua> {
        match self.what {
            What::Script(script) if self.may_share => Some(script),
            _ => None,
        }
    }

    /// The keys and the arguments of a script.
    pub(crate) fn keys_and_args(&self) -> (Words<'_>, Words<'_>) {
        let (keys, args) = self.packed.split_at(self.args_at);
        ((self.keys, keys), (self.words - self.keys, args))
    }

    pub(crate) fn arg(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.words += 1;
        word(&mut self.packed, bytes.as_ref());
        self
    }

    pub(crate) fn args<T: AsRef<[u8]>>(self, all: impl IntoIterator<Item = T>) -> Self {
        all.into_iter().fold(self, Self::arg)
    }

    /// As it goes over the line.
    pub(crate) fn pack(&self, out: &mut Vec<u8>) {
        let (keys, args) = self.keys_and_args();
        match self.what {
            What::Command => {
                number(out, b'*', self.words);
                out.extend_from_slice(&self.packed);
            }
            What::Script(script) => script.pack(keys, args, out),
            What::Code(script) => script.pack_code(keys, args, out),
        }
    }

    /// The same with the script's code, for a server that does not know it yet.
    pub(crate) fn in_full(&self) -> Option<Self> {
        let What::Script(script) = self.what else { return None };
        Some(Self { what: What::Code(script), ..self.clone() })
    }
}

/// A word of a command (RESP2).
fn word(out: &mut Vec<u8>, bytes: &[u8]) {
    out.reserve(bytes.len() + 2 * LINE);
    number(out, b'$', bytes.len());
    out.extend_from_slice(bytes);
    out.extend_from_slice(b"\r\n");
}

/// A kind, the digits of the longest number, and the end of the line.
const LINE: usize = 23;

fn number(out: &mut Vec<u8>, kind: u8, number: usize) {
    let mut line = [0; LINE];
    let (mut at, mut rest) = (line.len() - 2, number);
    line[at..].copy_from_slice(b"\r\n");
    loop {
        at -= 1;
        line[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    line[at - 1] = kind;
    out.extend_from_slice(&line[at - 1..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_packed_as_redis_reads_them() {
        let packed = |call: &Call| {
            let mut out = Vec::new();
            call.pack(&mut out);
            out
        };
        let load = Call::plain("GET").arg(b"a\r\n").arg([7; 12]);
        assert_eq!(
            packed(&load),
            [&b"*3\r\n$3\r\nGET\r\n$3\r\na\r\n\r\n$12\r\n"[..], &[7; 12], b"\r\n"].concat()
        );
        let script = Call::script(&END, &[b"k".to_vec()]).arg("x");
        let hash = END.0.0.get_hash();
        let tail = "$1\r\n1\r\n$1\r\nk\r\n$1\r\nx\r\n";
        let want = format!("*5\r\n$7\r\nEVALSHA\r\n$40\r\n{hash}\r\n{tail}");
        assert_eq!(packed(&script), want.into_bytes());
        let code = &END.0.1;
        let want = format!("*5\r\n$4\r\nEVAL\r\n${}\r\n{code}\r\n{tail}", code.len());
        assert_eq!(packed(&script.in_full().unwrap()), want.into_bytes());
        assert!(load.in_full().is_none());
    }

    #[test]
    fn numbers_are_decimal() {
        for n in [0, 9, 10, 99, 100, 1009, 1 << 40, usize::MAX] {
            let mut out = Vec::new();
            number(&mut out, b'$', n);
            assert_eq!(out, format!("${n}\r\n").into_bytes());
        }
    }
}
