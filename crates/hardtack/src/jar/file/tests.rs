use std::fs;

use super::*;
use crate::cookie::{Limits, Profile};
use crate::jar::{CookieParts, RequestContext, Target};
use crate::seal::{Key, Keyring};

const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);

fn set(jar: &mut Jar, line: &str) {
    let target = Target::parse("https://shop.example/").expect("a target");
    jar.set(line.as_bytes(), &RequestContext::client(&target), NOW);
}

fn pairs(path: &Path) -> Vec<String> {
    let mut jar = Jar::default();
    JarFile::new(path).load(&mut jar, NOW).expect("a jar");
    jar.iter().map(|cookie| String::from_utf8_lossy(cookie.pair()).into_owned()).collect()
}

#[test]
fn copies_of_one_file_lose_nothing() {
    for name in ["jar.json", "cookies.txt"] {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join(name);
        let [mut one, mut two] = [(); 2].map(|()| (JarFile::new(&path), Jar::default()));
        set(&mut one.1, "kept=1; Secure; SameSite=Lax");
        set(&mut one.1, "gone=1");
        one.0.save(&mut one.1, NOW).expect("saved");
        two.0.load(&mut two.1, NOW).expect("loaded");

        set(&mut one.1, "gone=; Max-Age=0");
        set(&mut one.1, "one=1");
        set(&mut two.1, "two=2");
        set(&mut two.1, "kept=2; Secure");
        one.0.save(&mut one.1, NOW).expect("saved");
        let merged = two.0.save(&mut two.1, NOW).expect("saved");
        assert_eq!((merged.taken, merged.removed, merged.conflicts), (1, 1, 0), "{name}");
        let mut found = pairs(&path);
        found.sort();
        assert_eq!(found, ["kept=2", "one=1", "two=2"], "{name}");

        let merged = one.0.load(&mut one.1, NOW).expect("loaded");
        assert_eq!((merged.taken, merged.removed), (2, 0), "{name}");
        assert_eq!(one.0.load(&mut one.1, NOW).expect("loaded"), Merged::default(), "{name}");
    }
}

#[test]
fn what_is_no_jar_is_an_error_and_stays_as_it_is() {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, contents, what) in [
        ("empty", &b""[..], "line 1: the file is empty"),
        ("newer", b"{\"format\":\"hardtack-jar\",\"version\":9}", "the jar has version 9"),
        (
            "truncated",
            b"{\"format\":\"hardtack-jar\",\"version\":1,\"cookies\":[\n",
            "line 2, byte 0: EOF",
        ),
        ("foreign", b"[{\"name\":\"a\"}]", "expected an object"),
        ("image", b"\x89PNG\r\n\x1a\n", "line 1: a cookie has seven fields"),
        ("database", b"SQLite format 3\0", "line 1: a cookie has seven fields"),
        ("sealed", b"hardtack-sealed-jar 1 00\n", "is sealed; give the key"),
    ] {
        let path = folder.path().join(name);
        fs::write(&path, contents).expect("written");
        let mut jar = Jar::default();
        set(&mut jar, "a=1");
        for outcome in
            [JarFile::new(&path).load(&mut jar, NOW), JarFile::new(&path).save(&mut jar, NOW)]
        {
            let message = outcome.expect_err(name).to_string();
            assert!(message.contains(what), "{name}: {message}");
        }
        assert_eq!(jar.len(), 1, "{name}");
        assert_eq!(fs::read(&path).expect("still there"), contents, "{name}");
    }
    let error = JarFile::new(folder.path()).save(&mut Jar::default(), NOW).expect_err("a folder");
    assert!(error.to_string().contains("is a directory"), "{error}");
    let error = JarFile::new(folder.path().join("no/jar")).load(&mut Jar::default(), NOW);
    assert!(matches!(error, Err(FileError::Io { doing: "find", .. })));
}

#[test]
fn a_gigabyte_of_zeros_is_refused_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("zeros.json");
    fs::File::create(&path).and_then(|file| file.set_len(1 << 30)).expect("a sparse file");
    let error = JarFile::new(&path).load(&mut Jar::default(), NOW).expect_err("zeros");
    assert!(error.to_string().contains("line 1: "), "{error}");
}

#[test]
fn a_sealed_jar_opens_with_its_key_only_and_as_a_whole() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("jar");
    let rings = [(); 2].map(|()| Keyring::new(Key::generate().expect("randomness")));
    let sealer = |key: &str| Sealer::new(&rings[usize::from(key == "b")], "a jar");
    let mut jar = Jar::builder().limits(Limits::NONE).build();
    for n in 0..900 {
        set(&mut jar, &format!("n{n}=s3cret{n}"));
    }
    JarFile::new(&path).sealed(sealer("a")).save(&mut jar, NOW).expect("saved");
    let whole = fs::read_to_string(&path).expect("text");
    assert!(!whole.contains("s3cret") && whole.lines().count() > 3);

    let load = |key| {
        let mut jar = Jar::builder().limits(Limits::NONE).build();
        let outcome = JarFile::new(&path).sealed(sealer(key)).load(&mut jar, NOW);
        outcome.map(|_| jar.len()).map_err(|error| error.to_string())
    };
    assert_eq!(load("a"), Ok(900));
    let message = load("b").expect_err("another key");
    assert!(message.contains("line 2, was sealed with the key"), "{message}");
    let message = JarFile::new(&path).load(&mut jar, NOW).expect_err("no key").to_string();
    assert!(message.ends_with("is sealed; give the key that it was sealed with"), "{message}");

    let lines: Vec<&str> = whole.lines().collect();
    let swapped = [&[lines[0], lines[2], lines[1]], &lines[3..]].concat();
    for damaged in [lines[..lines.len() - 1].to_vec(), swapped, lines[..1].to_vec()] {
        fs::write(&path, damaged.join("\n") + "\n").expect("written");
        let message = load("a").expect_err("damaged");
        assert!(message.contains("does not open: it is damaged"), "{message}");
    }
    fs::write(&path, &whole[..whole.len() - 9]).expect("written");
    assert!(load("a").expect_err("cut").contains("does not open"));
    fs::write(&path, "# Netscape HTTP Cookie File\n").expect("written");
    assert!(load("a").expect_err("planted").contains("is not sealed"));
}

#[cfg(unix)]
#[test]
fn only_the_owner_may_read_it_and_a_link_stays_one() {
    use std::os::unix::fs::{PermissionsExt, symlink};

    let folder = tempfile::tempdir().expect("a folder");
    let [path, link] = ["jar.json", "link"].map(|name| folder.path().join(name));
    fs::write(&path, "# none\n").expect("written");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).expect("a mode");
    symlink(&path, &link).expect("a link");
    // Somebody's link in the way of the new file is not followed.
    symlink(folder.path().join("elsewhere"), folder.path().join("jar.json.new")).expect("a link");
    let mut jar = Jar::default();
    set(&mut jar, "a=1");
    JarFile::new(&link).save(&mut jar, NOW).expect("saved");
    assert!(fs::symlink_metadata(&link).expect("there").is_symlink());
    assert!(!folder.path().join("elsewhere").exists());
    let metadata = fs::symlink_metadata(&path).expect("there");
    assert!(metadata.is_file());
    assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_large_jar_costs_no_more_a_cookie() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("jar.json");
    let mut jar = Jar::builder().profile(&Profile::CHROMIUM).limits(Limits::NONE).build();
    for n in 0..20_000 {
        let domain = format!("h{}.example", n / 10);
        let parts = CookieParts::new(format!("n{n}"), "0123456789abcdef", domain, NOW);
        jar.restore(Cookie::from_parts(parts).expect("a cookie"));
    }
    let mut file = JarFile::new(&path);
    file.save(&mut jar, NOW).expect("saved");
    assert_eq!(file.save(&mut jar, NOW).expect("saved"), Merged::default());
    let mut again = Jar::builder().limits(Limits::NONE).build();
    JarFile::new(&path).load(&mut again, NOW).expect("loaded");
    assert!(jar.iter().map(Cookie::to_parts).eq(again.iter().map(Cookie::to_parts)));
}
