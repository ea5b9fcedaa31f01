//! A device's name for people, from its User-Agent.

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

#[cfg(test)]
mod tests {
    use super::label;

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
}
