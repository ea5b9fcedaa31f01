//! What a list says of where a session is: a device's name for people, from its
//! User-Agent, and who asked from there.

use std::sync::Arc;

use super::Record;

const DEVICE_MAX: usize = Record::DEVICE_MAX;
/// An address takes 45 at most.
const CLIENT_MAX: usize = 64;

/// "Firefox on Linux"; what is not known is left out, and a program that names
/// itself (`curl/8.1`) is called by that name. Never empty.
pub(crate) fn label(user_agent: &str) -> String {
    let has = |needle: &str| user_agent.contains(needle);
    let first = |names: &[(&str, &'static str)]| {
        names.iter().find(|(needle, _)| has(needle)).map(|(_, name)| *name)
    };
    // Order matters: each also calls itself what stands below it.
    let browser = first(&[
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("SamsungBrowser/", "Samsung Internet"),
        ("Firefox/", "Firefox"),
        ("FxiOS/", "Firefox"),
        ("CriOS/", "Chrome"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
    ]);
    let system = first(&[
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Android", "Android"),
        ("Windows", "Windows"),
        ("Mac OS X", "macOS"),
        ("CrOS", "ChromeOS"),
        ("Linux", "Linux"),
    ]);
    match (browser, system) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(name), None) | (None, Some(name)) => name.to_owned(),
        (None, None) => {
            let own = user_agent.split(['/', ' ']).next().unwrap_or_default();
            let own: String = own.chars().filter(|c| c.is_ascii_graphic()).take(40).collect();
            if own.is_empty() { "an unnamed program".to_owned() } else { own }
        }
    }
}

/// What a record keeps: a label, and on a second line the client, if the adapter knows it.
pub(crate) fn with_client(label: Option<String>, client: Option<&str>) -> Option<Arc<str>> {
    let Some(client) = client else { return label.map(|label| cut(&label, DEVICE_MAX).into()) };
    let client = cut(client, CLIENT_MAX);
    let label = label.unwrap_or_default();
    Some(format!("{}\n{client}", cut(&label, DEVICE_MAX - 1 - client.len())).into())
}

/// The label and the client of what a record keeps.
pub(crate) fn parts(kept: &str) -> (Option<&str>, Option<&str>) {
    let (label, client) = kept.split_once('\n').unwrap_or((kept, ""));
    let some = |text| Some(text).filter(|text: &&str| !text.is_empty());
    (some(label), some(client))
}

/// The first line of a text, as much of it as fits.
fn cut(text: &str, most: usize) -> &str {
    let line = text.lines().next().unwrap_or_default();
    let whole = (0..=most.min(line.len())).rev().find(|at| line.is_char_boundary(*at));
    &line[..whole.unwrap_or(0)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_systems_and_programs_are_named() {
        let chrome = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36";
        for (agent, want) in [
            (chrome, "Chrome on Linux"),
            (&chrome.replace("Safari/537.36", "Safari/537.36 Edg/156.0"), "Edge on Linux"),
            (
                "Mozilla/5.0 (Windows NT 10.0; rv:153.0) Gecko/20100101 Firefox/153.0",
                "Firefox on Windows",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Version/19.0 Mobile Safari/604.1",
                "Safari on iPhone",
            ),
            ("curl/8.1", "curl"),
            ("", "an unnamed program"),
            ("\u{7}\n<script>", "<script>"),
        ] {
            assert_eq!(label(agent), want);
        }
    }

    #[test]
    fn a_label_gives_way_to_the_client_and_nothing_is_cut_within_a_letter() {
        let (long, address) = ("ä".repeat(200), "2001:db8::1");
        let kept = with_client(Some(long.clone()), Some(address)).unwrap();
        assert_eq!(parts(&kept), (Some(&*"ä".repeat(122)), Some(address)));
        assert_eq!(with_client(Some(long), None).unwrap().len(), DEVICE_MAX);
        let kept = with_client(None, Some(&"9".repeat(100))).unwrap();
        assert_eq!(parts(&kept), (None, Some(&*"9".repeat(CLIENT_MAX))));
        assert_eq!(with_client(None, None), None);
    }
}
