//! The demo's own cookies: what each is for, in plain words.

use super::html::{Html, html};

/// One of the demo's cookies.
pub(crate) struct Known {
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    /// What it is for and why it is the way it is.
    pub(crate) purpose: &'static str,
    /// How long it stays, as a person would say it.
    pub(crate) stays: &'static str,
    /// How much of the value may be shown on a page.
    pub(crate) shown: Shown,
    /// Whether scripts can read it, that is: it is not HttpOnly.
    pub(crate) scripts: bool,
}

/// How much of a cookie's value a page may show.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shown {
    /// A key to something on the server: a few characters and the length.
    Masked,
    /// Sealed: the unreadable value, cut short.
    Sealed,
    /// Not sensitive: all of it.
    Whole,
}

pub(crate) const ANONYMOUS: &str = "__Host-Http-demo-aid";
pub(crate) const SIGNED_IN: &str = "__Host-Http-demo-sid";
pub(crate) const RENEWED: &str = "__Host-Http-demo-sid2";
pub(crate) const REMEMBER: &str = "__Host-Http-demo-rem";
pub(crate) const ADDRESS: &str = "__Host-Http-demo-address";
pub(crate) const THEME: &str = "demo-theme";
/// Set by the engine at a sign-out.
pub(crate) const SIGNED_OUT: &str = "__Host-Http-demo-out";
/// Set by the engine for a message to somebody without a session.
pub(crate) const MESSAGE: &str = "__Host-Http-demo-msg";
pub(crate) const TWENTY: &str = "demo-20s";

pub(crate) const COOKIES: [Known; 9] = [
    Known {
        name: ANONYMOUS,
        title: "Session, not signed in",
        purpose: "Names the session on the server that holds your cart. It carries no data. \
                  Whoever has it is you, so scripts cannot read it.",
        stays: "until the browser quits; the session behind it ends sooner when idle",
        shown: Shown::Masked,
        scripts: false,
    },
    Known {
        name: SIGNED_IN,
        title: "Session, signed in",
        purpose: "Made new at sign-in, under another name, so that nothing known before signing \
                  in is worth anything after it. Whoever has it is you.",
        stays: "until the browser quits; the session behind it ends sooner when idle",
        shown: Shown::Masked,
        scripts: false,
    },
    Known {
        name: RENEWED,
        title: "Session, signed in, renewed",
        purpose: "The key that the one from signing in was exchanged for; now and then there is a \
                  newer one. It counts only beside that one, so a slow answer to an old request \
                  cannot take a newer sign-in away.",
        stays: "until the browser quits; the session behind it ends sooner when idle",
        shown: Shown::Masked,
        scripts: false,
    },
    Known {
        name: REMEMBER,
        title: "Remember me",
        purpose: "Signs you in again after the session is gone. It works once: each use replaces \
                  it, and a second use of an old one is taken for theft.",
        stays: "30 days, also when the browser quits",
        shown: Shown::Masked,
        scripts: false,
    },
    Known {
        name: ADDRESS,
        title: "Delivery address",
        purpose: "Personal, so it is encrypted: your browser keeps it, only the server can read \
                  it, and nobody can change it without the server noticing.",
        stays: "30 days, also when the browser quits",
        shown: Shown::Sealed,
        scripts: false,
    },
    Known {
        name: THEME,
        title: "Theme",
        purpose: "Light or dark. Not sensitive, so it is plain text and scripts may read it.",
        stays: "one year, also when the browser quits",
        shown: Shown::Whole,
        scripts: true,
    },
    Known {
        name: SIGNED_OUT,
        title: "Signed out",
        purpose: "Its value is the time of signing out, and nobody reads it. That it changes makes \
                  the browser drop the pages that it keeps in memory for the Back button.",
        stays: "one minute",
        shown: Shown::Whole,
        scripts: false,
    },
    Known {
        name: MESSAGE,
        title: "Message",
        purpose: "A line for the next page, such as that something has worked, where there is no \
                  session to keep it in. Encrypted; the page that shows it removes it.",
        stays: "until the next page, and at most 5 minutes",
        shown: Shown::Sealed,
        scripts: false,
    },
    Known {
        name: TWENTY,
        title: "Twenty seconds",
        purpose: "Shows how a cookie with an expiry date goes away by itself.",
        stays: "20 seconds",
        shown: Shown::Whole,
        scripts: true,
    },
];

/// What is known of a cookie of this name.
pub(crate) fn find(name: &str) -> Option<&'static Known> {
    COOKIES.iter().find(|known| known.name == name)
}

/// A cookie's value as a page may show it. A name that is not ours is masked:
/// it may be another program's key.
pub(crate) fn show(name: &str, value: &str) -> Html {
    match find(name).map_or(Shown::Masked, |known| known.shown) {
        Shown::Whole => html!("<code>{}</code>", value),
        Shown::Sealed => html!(
            "<code>{}\u{2026}</code> <small>{} characters, encrypted</small>",
            head(value, 24),
            value.len()
        ),
        Shown::Masked => html!(
            "<code>{}\u{2026}</code> <small>{} characters, secret</small>",
            head(value, 4),
            value.len()
        ),
    }
}

/// A whole `Set-Cookie` line with its value shortened as by [`show`].
pub(crate) fn show_line(line: &str) -> String {
    let (pair, attributes) = line.split_once(';').map_or((line, ""), |(pair, rest)| (pair, rest));
    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
    let keep = match find(name).map_or(Shown::Masked, |known| known.shown) {
        Shown::Whole => return line.to_owned(),
        Shown::Sealed => 12,
        Shown::Masked => 4,
    };
    let value = if value.is_empty() { "" } else { &format!("{}\u{2026}", head(value, keep)) };
    let separator = if attributes.is_empty() { "" } else { ";" };
    format!("{name}={value}{separator}{attributes}")
}

/// The first characters of a value, never more than a quarter of it.
fn head(value: &str, most: usize) -> String {
    let quarter = value.chars().count() / 4;
    value.chars().take(most.min(quarter)).collect()
}

#[cfg(test)]
mod tests {
    use hardtack_tower::seal::{Key, Keyring};
    use hardtack_tower::session::{MemoryStore, Sessions};

    use super::*;

    /// But for the pre-session: no form here asks for a token.
    #[test]
    fn every_cookie_that_the_engine_sets_is_explained() {
        let keys = Keyring::new(Key::generate().expect("a key"));
        let builder = Sessions::builder(MemoryStore::new(), keys).name("demo");
        let sessions = builder.build().expect("a setup");
        for name in sessions.cookie_names().filter(|name| !name.ends_with("-pre")) {
            let known = find(name).unwrap_or_else(|| panic!("{name} is not explained"));
            assert!(!known.scripts, "{name}");
        }
    }

    #[test]
    fn keys_are_never_shown_whole() {
        let secret = "AbCdEfGhIjKlMnOpQrStUvWxYz";
        for name in [ANONYMOUS, SIGNED_IN, RENEWED, REMEMBER, ADDRESS, "someone-elses"] {
            let line = show_line(&format!("{name}={secret}; Path=/; Secure; HttpOnly"));
            for text in [show(name, secret).into_string(), line] {
                assert!(!text.contains(&secret[..13]), "{text}");
                assert!(text.contains("AbCd"), "{text}");
            }
        }
        assert_eq!(show_line("demo-theme=dark; Path=/"), "demo-theme=dark; Path=/");
        assert!(!show(SIGNED_IN, "abc").into_string().contains("abc"));
    }
}
