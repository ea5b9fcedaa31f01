//! What must be true when a run is over.

use std::collections::BTreeMap;

use hardtack::session::{Cause, Locator};

use super::run::{Run, permutations};
use super::stage::lock;
use super::{Answer, Explored, Explorer, Part, Start, USER, written};
use crate::FakeClock;

/// Judges a run under every order of arrival and every lost answer.
pub(super) fn judge(explorer: &Explorer, run: &Run, start: Start) -> Result<Explored, String> {
    let shown = given(run).into_iter().map(|(cookie, key)| (key, run.look(&cookie)));
    let case = Case { explorer, run, start, shown: shown.collect() };
    case.statuses()?;
    case.ids()?;
    case.writes()?;
    let given: Vec<usize> = (0..run.requests.len())
        .filter(|part| run.requests[*part].answer().is_some() && !run.arrived.contains(part))
        .collect();
    let mut seen = BTreeMap::new();
    let mut explored = Explored { runs: 1, ..Explored::default() };
    for lost in given.iter().map(Some).chain([None]) {
        let arriving: Vec<usize> = given.iter().copied().filter(|p| Some(p) != lost).collect();
        for order in permutations(&arriving) {
            case.browser(&order, &mut seen).map_err(|what| {
                format!("{what}; the answers of {order:?} arrive in this order, lost: {lost:?}")
            })?;
            explored.orders += 1;
        }
    }
    Ok(explored)
}

struct Case<'a> {
    explorer: &'a Explorer,
    run: &'a Run,
    start: Start,
    /// What each id that was ever given out names.
    shown: Vec<(Locator, Answer)>,
}

impl Case<'_> {
    /// Rule 1.
    fn browser(&self, order: &[usize], seen: &mut BTreeMap<String, Answer>) -> Result<(), String> {
        let browser = self.run.browser_after(order);
        let cookies = browser.cookies();
        let shown = seen.entry(cookies).or_insert_with_key(|cookies| self.run.look(cookies));
        let login = self.signed_in_by(order);
        let live = login.filter(|key| self.is_live(key));
        let held = browser.value("sid").and_then(Locator::of_id);
        match (live, shown.user.as_deref()) {
            (None, None) => Ok(()),
            (Some(key), Some(USER)) if held == Some(key) => Ok(()),
            (None, Some(_)) => Err(format!("signed in, though {login:?} has ended")),
            (Some(key), None) => Err(format!("not signed in, though {key} lives")),
            (Some(key), Some(user)) => Err(format!("{user} is signed in, but not in {key}")),
        }
    }

    /// The session of the last login whose answer has arrived, or the one it began with.
    fn signed_in_by(&self, order: &[usize]) -> Option<Locator> {
        let first = signed_in_id(&self.run.given_before).filter(|_| self.start == Start::SignedIn);
        let arrived = self.run.arrived.iter().chain(order).map(|part| &self.run.requests[*part]);
        let mut logins = arrived.filter(|request| request.part == Part::Login).rev();
        let given = logins.find_map(|request| {
            request.answer().filter(|a| a.status == 200).and_then(|a| signed_in_id(&a.set_cookies))
        });
        given.or(first)
    }

    /// Rule 2, the answers of writes; and what no answer may be.
    fn statuses(&self) -> Result<(), String> {
        for (part, request) in self.run.requests.iter().enumerate() {
            let Some(answer) = request.answer() else { continue };
            let lost = self.run.has_lost(self.explorer);
            match answer.status {
                200 | 401 | 409 => {}
                503 if lost && renews_only(&request.cookies, answer) => continue,
                status => return Err(format!("part {part} is answered {status}")),
            }
            let login = lock(&self.run.stage).history.login_of(part);
            let id = signed_in_id(&answer.set_cookies);
            if request.part == Part::Login && answer.status == 200 && (id.is_none() || id != login)
            {
                return Err(format!("login {part} is answered without the id of its session"));
            }
            if request.part != Part::Write || answer.status == 200 {
                continue;
            }
            if !answer.set_cookies.is_empty() {
                return Err(format!("part {part} is refused, and answered with a cookie"));
            }
            let ended = ids(&request.cookies).into_iter().filter_map(|key| self.cause(&key));
            let allowed: Vec<u16> =
                ended.map(|cause| if cause == Cause::Replaced { 409 } else { 401 }).collect();
            if !allowed.contains(&answer.status) {
                let status = answer.status;
                return Err(format!("part {part} is answered {status}, not one of {allowed:?}"));
            }
        }
        Ok(())
    }

    /// Rules 3 and 4.
    fn ids(&self) -> Result<(), String> {
        if let Some(key) = lock(&self.run.stage).history.taken_for_stolen() {
            return Err(format!("the secret of {key} was taken for a stolen one"));
        }
        let mut named: BTreeMap<Locator, Vec<bool>> = BTreeMap::new();
        for (key, shown) in &self.shown {
            let names_one = !shown.names.is_empty() || shown.user.is_some();
            named.entry(*key).or_default().push(names_one);
        }
        let time_has_passed = self.run.now() != FakeClock::START;
        for (key, named) in named {
            let right = match (self.is_live(&key), time_has_passed) {
                (true, false) => named.iter().all(|names_one| *names_one),
                // The grace of a renewed id may be over.
                (true, true) => named.contains(&true),
                (false, _) => !named.contains(&true),
            };
            if !right {
                let live = self.is_live(&key);
                return Err(format!("{key}: live is {live}, and that its ids name one {named:?}"));
            }
        }
        Ok(())
    }

    /// Rule 2, the writes.
    fn writes(&self) -> Result<(), String> {
        let began_with = (self.start != Start::Fresh).then_some(self.run.requests.len());
        let writes = (0..self.run.requests.len()).filter_map(|part| {
            let request = &self.run.requests[part];
            let answer = request.answer().filter(|_| request.part == Part::Write)?;
            Some((part, answer.status == 200))
        });
        for (number, done) in writes.chain(began_with.map(|number| (number, true))) {
            let name = written(number);
            let place = lock(&self.run.stage).history.place_of(number);
            let mut showing = self.shown.iter().filter(|(_, answer)| answer.names.contains(&name));
            if !done {
                match showing.next() {
                    Some(_) if self.run.has_lost(self.explorer) => continue,
                    Some((key, _)) => return Err(format!("refused write {number} is in {key}")),
                    None => continue,
                }
            }
            let Some(place) = place else {
                return Err(format!("write {number} was answered with success and never made"));
            };
            if self.is_live(&place) && !showing.any(|(key, _)| *key == place) {
                return Err(format!("write {number} is lost: {place} lives without it"));
            }
        }
        Ok(())
    }

    fn is_live(&self, key: &Locator) -> bool {
        lock(&self.run.stage).history.is_live(key, self.run.now())
    }

    fn cause(&self, key: &Locator) -> Option<Cause> {
        lock(&self.run.stage).history.cause(key, self.run.now())
    }
}

/// Every id that was ever given out, in a cookie that counts by itself.
fn given(run: &Run) -> Vec<(String, Locator)> {
    let answers = run.requests.iter().filter_map(|request| request.answer());
    let later = answers.flat_map(|answer| &answer.set_cookies);
    let pairs = run.given_before.iter().chain(later).filter_map(|c| c.split(';').next());
    let mut given: Vec<(String, Locator)> = pairs
        .filter_map(|pair| {
            let (name, id) = pair.split_once('=')?;
            Some((format!("{}={id}", name.strip_suffix('2').unwrap_or(name)), Locator::of_id(id)?))
        })
        .collect();
    given.sort();
    given.dedup();
    given
}

/// Whether all cookies of an answer are new ids of sessions that the request came
/// with: nobody is signed out by them, or in.
fn renews_only(cookies: &str, answer: &Answer) -> bool {
    let sent = ids(cookies);
    let given = answer.set_cookies.iter().filter_map(|c| c.split(';').next()).flat_map(ids);
    given.into_iter().all(|key| sent.contains(&key))
}

fn ids(cookies: &str) -> Vec<Locator> {
    cookies.split("; ").filter_map(|pair| Locator::of_id(pair.split_once('=')?.1)).collect()
}

/// The session of the last id in the cookie for signed-in sessions.
fn signed_in_id(set_cookies: &[String]) -> Option<Locator> {
    let pairs = set_cookies.iter().rev().filter_map(|c| c.split(';').next()?.split_once('='));
    pairs.into_iter().find(|(name, _)| name.ends_with("sid")).and_then(|(_, id)| Locator::of_id(id))
}
