use proptest::prelude::*;

use super::super::CookieParts;
use super::*;

/// A cookie's value and when it was set; `None` where there is no cookie.
type State = Option<(u8, u64)>;

fn cookie(name: usize, (value, changed): (u8, u64)) -> Cookie {
    let now = UnixTime::from_secs(1);
    let mut parts = CookieParts::new(format!("n{name}"), vec![b'a' + value], "a.example", now);
    parts.changed = UnixTime::from_secs(changed);
    Cookie::from_parts(parts).expect("a cookie")
}

fn cookies(states: &[State]) -> Vec<Cookie> {
    let all = states.iter().enumerate();
    all.filter_map(|(name, state)| state.map(|state| cookie(name, state))).collect()
}

/// The definition: what stays of one cookie.
fn naive(base: State, ours: State, theirs: State) -> State {
    if theirs == base {
        return ours;
    }
    if ours == base {
        return theirs;
    }
    match (ours, theirs) {
        (Some(ours), Some(theirs)) => Some(if theirs.1 > ours.1 { theirs } else { ours }),
        (one, other) => one.or(other),
    }
}

fn merged(base: &[State], ours: &[State], theirs: &[State]) -> Vec<State> {
    let mut jar = Jar::default();
    cookies(ours).into_iter().for_each(|cookie| jar.restore(cookie));
    let mut base = Base::of(&cookies(base), Format::Json);
    let told = merge(&mut jar, &mut base, cookies(theirs), Format::Json);
    assert_eq!(base.0, Base::of(&cookies(theirs), Format::Json).0);

    let state = |name: usize| {
        let identity = cookie(name, (0, 0)).identity();
        jar.find(&identity).map(|found| (found.value()[0] - b'a', found.changed().as_secs()))
    };
    let after: Vec<State> = (0..ours.len()).map(state).collect();
    assert_eq!(jar.len(), after.iter().flatten().count());
    let changed = ours.iter().zip(&after).filter(|(before, after)| before != after);
    let removed = changed.clone().filter(|(_, after)| after.is_none()).count();
    assert_eq!((told.taken, told.removed), (changed.count() - removed, removed));
    after
}

fn states() -> impl Strategy<Value = Vec<State>> {
    proptest::collection::vec(proptest::option::of((0..2u8, 1..4u64)), 20)
}

proptest! {
    #[test]
    fn the_merge_is_what_the_definition_says(
        base in states(), ours in states(), theirs in states(),
    ) {
        let expected: Vec<State> =
            (0..base.len()).map(|i| naive(base[i], ours[i], theirs[i])).collect();
        prop_assert_eq!(merged(&base, &ours, &theirs), expected);
    }
}

#[test]
fn a_removal_is_not_undone_by_a_stale_copy() {
    let old = Some((0, 1));
    assert_eq!(merged(&[old], &[None], &[old]), [None]);
    assert_eq!(merged(&[old], &[old], &[None]), [None]);
}

#[test]
fn a_use_is_no_change_and_the_later_one_stays() {
    let mut parts = cookie(0, (0, 1)).to_parts();
    let base = cookies(&[Some((0, 1))]);
    parts.last_access = UnixTime::from_secs(1_000_000);
    let used = Cookie::from_parts(parts).expect("a cookie");
    let mut jar = Jar::default();
    jar.restore(base[0].clone());
    let told = merge(&mut jar, &mut Base::of(&base, Format::Json), vec![used], Format::Json);
    assert_eq!(told, Merged::default());
    assert_eq!(jar.iter().next().map(|c| c.last_access().as_secs()), Some(1_000_000));
}

#[test]
fn what_a_format_cannot_hold_does_not_count_as_changed() {
    let mut parts = cookie(0, (0, 5)).to_parts();
    parts.same_site = Some(SameSite::Strict);
    parts.expires = Some(UnixTime::from_millis(9_000_500));
    let ours = Cookie::from_parts(parts).expect("a cookie");
    let mut text = Vec::new();
    netscape::write([&ours], &mut text).expect("memory takes it");
    let theirs = netscape::read(&text[..], UnixTime::from_secs(99)).expect("what was written");
    let mut jar = Jar::default();
    jar.restore(ours.clone());
    let mut base = Base::of([&ours], Format::Netscape);
    let told = merge(&mut jar, &mut base, theirs, Format::Netscape);
    assert_eq!(told, Merged::default());
    assert_eq!(jar.iter().next().and_then(Cookie::same_site), Some(SameSite::Strict));
}
