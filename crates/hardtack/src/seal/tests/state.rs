use std::time::Duration;

use super::super::{SealError, StateCookie, UnsealError};
use super::{NOW, at, ring};

#[test]
fn a_callback_with_its_own_state_and_cookie_gets_the_payload() {
    let cookies = StateCookie::new(&ring());
    for payload in [&b""[..], b"verifier and nonce", &[0xff; 300]] {
        let begun = cookies.begin(payload, NOW).unwrap();
        assert_eq!(begun.cookie_name, "__Host-Http-state");
        assert_eq!(begun.max_age, Duration::from_secs(600));
        let finished = cookies.finish(&begun.state, Some(begun.cookie_value.as_bytes()), NOW);
        assert_eq!(finished.unwrap(), payload);
    }
}

#[test]
fn another_sign_ins_state_is_refused() {
    let cookies = StateCookie::new(&ring());
    let (ours, theirs) =
        (cookies.begin(b"ours", NOW).unwrap(), cookies.begin(b"theirs", NOW).unwrap());
    let cookie = Some(ours.cookie_value.as_bytes());
    for state in ["", "x", &ours.state[..42], &format!("{}o", ours.state), &theirs.state] {
        assert_eq!(cookies.finish(state, cookie, NOW), Err(UnsealError::Invalid), "{state:?}");
    }
    assert_eq!(cookies.finish(&ours.state, None, NOW), Err(UnsealError::Missing));
}

#[test]
fn a_sign_in_ends_after_ten_minutes_or_as_configured() {
    let ring = ring();
    for (cookies, seconds) in [
        (StateCookie::new(&ring), 600),
        (StateCookie::new(&ring).with_validity(Duration::from_millis(90_900)), 90),
    ] {
        let begun = cookies.begin(b"", NOW).unwrap();
        assert_eq!(begun.max_age.as_secs(), seconds);
        let end = at(NOW, seconds as i64 * 1000);
        let cookie = Some(begun.cookie_value.as_bytes());
        assert!(cookies.finish(&begun.state, cookie, at(end, -1)).is_ok());
        assert_eq!(cookies.finish(&begun.state, cookie, end), Err(UnsealError::Expired));
    }
    let none = StateCookie::new(&ring).with_validity(Duration::from_millis(999));
    assert_eq!(none.begin(b"", NOW).unwrap_err(), SealError::Expiry);
}

#[test]
fn a_state_cookie_is_good_for_one_name_only() {
    let ring = ring();
    let github = StateCookie::new(&ring).with_name("__Host-Http-github");
    let begun = github.begin(b"", NOW).unwrap();
    assert_eq!(begun.cookie_name, "__Host-Http-github");
    let cookie = Some(begun.cookie_value.as_bytes());
    let elsewhere = StateCookie::new(&ring).finish(&begun.state, cookie, NOW);
    assert_eq!(elsewhere, Err(UnsealError::Invalid));
}

#[test]
fn states_do_not_repeat() {
    let cookies = StateCookie::new(&ring());
    let states: std::collections::HashSet<_> =
        (0..1000).map(|_| cookies.begin(b"", NOW).unwrap().state).collect();
    assert_eq!(states.len(), 1000);
    assert!(states.iter().all(|state| state.len() == 43));
}
