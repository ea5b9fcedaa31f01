//! What any store does while its servers are hurt under load.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use hardtack::session::store::Store;
use tokio::time::Instant;

use crate::load::{Found, Load};
use crate::proxy::Proxy;
use crate::records::locator;
use crate::report;

/// Puts load on a store and hurts its server; `mend` heals it, or nothing if it
/// heals itself. Answers what was found when the store had answered again, and
/// reports that as a line of the table of faults, for this engine and fault.
///
/// # Panics
/// If the store does not answer again within 30 seconds.
pub async fn under_load(
    engine: &str,
    fault: &str,
    store: &Arc<dyn Store>,
    hurt: impl AsyncFnOnce(&Load),
    mend: impl AsyncFnOnce(),
) -> Found {
    let load = Load::start(store);
    load.makes(60).await;
    hurt(&load).await;
    let began = Instant::now();
    mend().await;
    // Of every server that there may be.
    for key in [(); 12].map(|()| locator(None)) {
        while let Err(error) = store.load(&key).await {
            assert!(began.elapsed() < Duration::from_secs(30), "{engine}, {fault}: {error}");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
    let again = began.elapsed();
    load.hears(40).await;
    let found = load.stop().await.look().await;
    let Found { live, ended, errors, lost, revived, logged_out, unexplained } = found;
    tell(engine, fault, [live + ended, errors, lost, revived, logged_out, unexplained], again);
    found
}

/// Connections that end in the middle of calls, before the server has seen them or
/// after.
///
/// # Panics
/// If anything was lost.
pub async fn connections_are_cut(engine: &str, store: &Arc<dyn Store>, proxy: &Proxy) {
    let hurt = async |load: &Load| {
        proxy.cut_every(25);
        while proxy.cuts() < 4 {
            load.hears(1).await;
        }
    };
    let mend = async || proxy.cut_every(0);
    let found = under_load(engine, "connections cut within calls", store, hurt, mend).await;
    found.nothing_is_lost();
}

/// Calls that arrive later than the store's deadline.
///
/// # Panics
/// If anything was lost.
pub async fn calls_are_slow(
    engine: &str,
    store: &Arc<dyn Store>,
    proxy: &Proxy,
    deadline: Duration,
) {
    let hurt = async |load: &Load| {
        proxy.delay(deadline * 3 / 2);
        load.fails(8).await;
    };
    let mend = async || proxy.delay(Duration::ZERO);
    let found = under_load(engine, "slower than the deadline", store, hurt, mend).await;
    found.nothing_is_lost();
}

/// Reports a fault that was not made by this module, after a test has looked at so
/// many sessions and found each as it was answered.
pub fn lost_nothing(engine: &str, fault: &str, sessions: usize, again: Duration) {
    tell(engine, fault, [sessions, 0, 0, 0, 0, 0], again);
}

fn tell(engine: &str, fault: &str, counts: [usize; 6], again: Duration) {
    let mut words = vec!["fault".to_owned(), engine.to_owned(), fault.to_owned()];
    words.extend(counts.map(|count| count.to_string()));
    words.push(again.as_millis().to_string());
    report::line(&words);
}

/// The table of faults by engines, as Markdown, from the lines of a report: the sum of
/// each kind, and the longest time.
pub fn table(report: &str) -> String {
    let mut rows = BTreeMap::<(&str, &str), [u64; 7]>::new();
    for line in report.lines() {
        let mut words = line.split('\t');
        let (Some("fault"), Some(engine), Some(fault)) = (words.next(), words.next(), words.next())
        else {
            continue;
        };
        let row = rows.entry((engine, fault)).or_default();
        for (n, (sum, word)) in row.iter_mut().zip(words).enumerate() {
            let number = word.parse().unwrap_or(0);
            *sum = if n == 6 { number.max(*sum) } else { *sum + number };
        }
    }
    let mut text = HEAD.to_owned();
    for ((engine, fault), [sessions, errors, lost, revived, logged_out, unexplained, again]) in rows
    {
        text += &format!(
            "| {engine} | {fault} | {sessions} | {errors} | {lost} | {revived} | {logged_out} | \
             {unexplained} | {again} ms |\n"
        );
    }
    text
}

const HEAD: &str = "\
| engine | fault | sessions | calls without an answer | acknowledged changes lost | revived | \
logged out | histories that no order explains | serves again after |
| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
";

#[cfg(test)]
mod tests {
    #[test]
    fn runs_of_one_fault_are_one_row() {
        let report = "fault\tpaper\tfire\t10\t1\t2\t3\t4\t5\t60\nholds\tpaper\ta\t\n\
                      fault\tpaper\tfire\t10\t1\t2\t3\t4\t5\t50\n";
        let row = "| paper | fire | 20 | 2 | 4 | 6 | 8 | 10 | 60 ms |\n";
        assert!(super::table(report).ends_with(row));
    }
}
