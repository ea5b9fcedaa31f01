//! The jar against browsers: what they sent, byte for byte.
#![cfg(feature = "jar")]

mod common;

use std::collections::BTreeMap;

use hardtack::cookie::Profile;
use hardtack::jar::replay::Case;

/// Cases that do not agree, and why: browser, case, reason. At most 0.3 % of a browser's.
const EXCEPTIONS: [(&str, &str, &str); 0] = [];

#[test]
fn the_jar_sends_what_browsers_sent() {
    let mut tally: BTreeMap<(String, String), [usize; 2]> = BTreeMap::new();
    let mut wrong = Vec::new();
    for line in common::recorded_lines() {
        let case = Case::parse(&line).expect("a case");
        let browser = case.browser.clone().expect("a browser's name");
        let profile = profile_of(&browser);
        let answers = case.replay(profile).expect("a case that can be replayed");
        let Some(agrees) = case.agrees(&answers) else { continue };
        let agrees = agrees && case.agrees_in_scripts(&answers) == Some(true);
        for category in [case.cat.as_str(), "all"] {
            let count = tally.entry((browser.clone(), category.to_owned())).or_default();
            count[0] += usize::from(agrees);
            count[1] += 1;
        }
        let excepted =
            EXCEPTIONS.iter().any(|(name, id, _)| *name == profile.name && *id == case.id);
        if agrees == excepted {
            wrong.push(format!("{browser} {}: {line:.400}", case.id));
        }
    }
    for ((browser, category), [agree, all]) in &tally {
        println!("{browser} {category}: {agree} of {all} agree");
    }
    assert!(wrong.is_empty(), "{} cases do not agree:\n{}", wrong.len(), wrong.join("\n"));
    for (name, id, reason) in EXCEPTIONS {
        println!("{name} {id} is an exception: {reason}");
    }
}

fn profile_of(browser: &str) -> &'static Profile {
    if browser.starts_with("Firefox") { &Profile::FIREFOX } else { &Profile::CHROMIUM }
}
