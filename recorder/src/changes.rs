//! What a browser does differently from what is kept.

use std::fmt::Write as _;

use crate::case::{Case, Request, Seen};

/// The case's name, what it sets, and every probe that is answered differently; nothing if there is none.
pub(crate) fn describe(was: &Case, is: &Case) -> Option<String> {
    let (old, new) = (was.expect.as_ref()?, is.expect.as_ref()?);
    let (old, new) = (&old.probes, &new.probes);
    let none = Seen::default();
    let pairs = was
        .probes
        .iter()
        .enumerate()
        .map(|(at, probe)| (probe, old.get(at).unwrap_or(&none), new.get(at).unwrap_or(&none)));
    let different: Vec<_> = pairs.filter(|(_, old, new)| old != new).collect();
    if different.is_empty() && old.len() == new.len() {
        return None;
    }
    let mut text = format!("{} ({})", was.id, was.cat);
    if let Some(error) = is.expect.as_ref().and_then(|it| it.harness_error.as_ref()) {
        let _ = write!(text, "\n  could not be recorded: {error}");
    }
    for step in &was.steps {
        let _ = write!(text, "\n  {}", title(step));
        let hops = step.via.iter().flat_map(|hop| &hop.set_cookie);
        for line in hops.chain(&step.set_cookie) {
            let _ = write!(text, "\n    Set-Cookie: {line:?}");
        }
        for line in &step.script_cookie {
            let _ = write!(text, "\n    document.cookie = {line:?}");
        }
    }
    for (probe, old, new) in different {
        let _ = write!(text, "\n  {}\n    was {}\n    now {}", title(probe), sent(old), sent(new));
    }
    Some(text)
}

fn title(request: &Request) -> String {
    let context = format!("{:?}", request.context).to_lowercase();
    let mut text = format!("{} {context}", request.url);
    if let Some(initiator) = &request.initiator {
        let _ = write!(text, " from {initiator}");
    }
    for hop in &request.via {
        let _ = write!(text, " via {}", hop.url);
    }
    text
}

fn sent(seen: &Seen) -> String {
    let mut text = format!("Cookie: {:?}", seen.cookie);
    if !seen.via.is_empty() {
        let _ = write!(text, ", on the way {:?}", seen.via);
    }
    if let Some(read) = &seen.document_cookie {
        let _ = write!(text, ", document.cookie {read:?}");
    }
    if let Some(error) = &seen.error {
        let _ = write!(text, ", {error}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::Outcome;

    fn case(cookie: Option<&str>, now_ms: u64) -> Case {
        let url = "https://example.com/".to_owned();
        let step =
            Request { url: url.clone(), set_cookie: vec!["a=1".into()], ..Request::default() };
        let seen = Seen { cookie: cookie.map(str::to_owned), ..Seen::default() };
        let outcome = Outcome { now_ms, probes: vec![seen], ..Outcome::default() };
        Case {
            id: "x-0001".into(),
            cat: "x".into(),
            note: None,
            steps: vec![step],
            probes: vec![Request { url, ..Request::default() }],
            browser: Some(format!("B/{now_ms}")),
            expect: Some(outcome),
        }
    }

    #[test]
    fn only_another_header_is_a_change() {
        assert_eq!(describe(&case(Some("a=1"), 1), &case(Some("a=1"), 2)), None);
        let text = describe(&case(Some("a=1"), 1), &case(None, 2)).unwrap();
        for part in
            ["x-0001 (x)", r#"Set-Cookie: "a=1""#, r#"was Cookie: Some("a=1")"#, "now Cookie: None"]
        {
            assert!(text.contains(part), "{part} in {text}");
        }
    }

    #[test]
    fn a_case_that_can_no_longer_be_recorded_is_a_change() {
        let outcome = Outcome { harness_error: Some("no answer".into()), ..Outcome::default() };
        let broken = Case { expect: Some(outcome), ..case(None, 2) };
        assert!(describe(&case(None, 1), &broken).unwrap().contains("no answer"));
    }
}
