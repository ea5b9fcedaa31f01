use hardtack::cookie::Profile;
use hardtack::jar::replay::Case;
use std::collections::BTreeMap;
#[test]
fn scratch() {
    let file = std::env::var("CASES").unwrap();
    let profile = Profile::named(&std::env::var("PROFILE").unwrap()).unwrap();
    let text = std::fs::read_to_string(file).unwrap();
    let mut tally: BTreeMap<String, (usize, usize, usize)> = BTreeMap::new();
    for line in text.lines() {
        let case = Case::parse(line).unwrap();
        let answers = case.replay(profile).unwrap();
        let t = tally.entry(case.cat.clone()).or_default();
        t.0 += 1;
        let ok = case.agrees(&answers) == Some(true);
        t.1 += usize::from(ok);
        let sok = case.agrees_in_scripts(&answers) == Some(true);
        t.2 += usize::from(sok);
        if !ok || !sok {
            println!(
                "{} {}{}",
                case.id,
                if ok { "" } else { "HTTP " },
                if sok { "" } else { "SCRIPT" }
            );
            for x in &case.steps {
                println!("    step {:?} {:?} {} {:?}", x.context, x.initiator, x.url, x.set_cookie);
            }
            for ((a, w), p) in
                answers.iter().zip(&case.expect.as_ref().unwrap().probes).zip(&case.probes)
            {
                println!(
                    "    {:?} {:?} {}\n        want {:?} {:?}\n        got  {:?} {:?}",
                    p.context,
                    p.initiator,
                    p.url,
                    w.cookie,
                    w.document_cookie,
                    a.cookie.as_ref().map(|c| c.iter().map(|&b| b as char).collect::<String>()),
                    a.document_cookie
                );
            }
        }
    }
    let (mut n, mut a, mut b) = (0, 0, 0);
    for (c, (x, y, z)) in &tally {
        println!("{c:10} {y}/{x} script {z}/{x}");
        n += x;
        a += y;
        b += z;
    }
    println!("ALL {a}/{n} = {:.2}% script {b}", 100.0 * a as f64 / n as f64);
}
