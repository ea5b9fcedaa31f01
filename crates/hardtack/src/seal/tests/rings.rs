use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::super::{
    Key, KeyId, KeyUsage, Keyring, KeyringError, RotationError, Sealer, StateCookie, UnsealError,
};
use super::{LATER, MATERIAL, NOW, at, key, ring};
use crate::time::UnixTime;

const NEVER: UnixTime = UnixTime::from_secs(0);

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Material that differs by this byte.
fn material(n: u8) -> [u8; 32] {
    let mut material = *MATERIAL;
    material[0] = n;
    material
}

fn id(n: u8) -> KeyId {
    Key::from_bytes(&material(n)).unwrap().id()
}

/// A key file of these lines that passes the check of permissions.
fn key_file(directory: &tempfile::TempDir, lines: &[&str]) -> PathBuf {
    let path = directory.path().join("keys");
    write_private(&path, lines.join("\n").as_bytes());
    path
}

fn write_private(path: &Path, contents: &[u8]) {
    fs::write(path, contents).unwrap();
    set_mode(path, 0o600);
}

fn set_mode(path: &Path, mode: u32) {
    #[cfg(unix)]
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
}

#[cfg(unix)]
fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::MetadataExt;
    fs::metadata(path).unwrap().mode() & 0o7777
}

#[test]
fn the_first_key_seals_and_all_are_found() {
    let keys = [1, 2, 3].map(|n| Key::from_bytes(&material(n)).unwrap());
    let ring = Keyring::from_keys(keys).unwrap();
    assert_eq!(ring.ids(), [id(1), id(2), id(3)]);
    assert_eq!(ring.sealing().id(), id(1));
    for n in [1, 2, 3] {
        assert_eq!(ring.find(id(n)).unwrap().id(), id(n));
    }
    assert!(ring.find(id(4)).is_none());
}

#[test]
fn a_ring_without_keys_with_too_many_or_with_one_twice_is_refused() {
    assert!(matches!(Keyring::from_keys([]), Err(KeyringError::Empty { .. })));
    let many = |count| (0..count).map(|n| Key::from_bytes(&material(n)).unwrap());
    assert!(Keyring::from_keys(many(16)).is_ok());
    assert!(matches!(Keyring::from_keys(many(17)), Err(KeyringError::TooMany { keys: 17, .. })));
    let twice = [1, 2, 1].map(|n| Key::from_bytes(&material(n)).unwrap());
    assert!(matches!(
        Keyring::from_keys(twice),
        Err(KeyringError::Duplicate { id: of, .. }) if of == id(1)
    ));
}

#[test]
fn a_new_key_opens_before_it_seals_and_an_old_one_leaves_last() {
    let ring = ring();
    let other_clone = ring.clone();
    let old = ring.ids()[0];
    let new = Key::from_bytes(&material(1)).unwrap();

    ring.add(new).unwrap();
    assert_eq!(ring.ids(), [old, id(1)]);
    assert_eq!(ring.sealing().id(), old);

    ring.promote(id(1)).unwrap();
    assert_eq!(ring.ids(), [id(1), old]);
    assert_eq!(other_clone.sealing().id(), id(1));

    ring.retire(KeyUsage::counted(old, 0, NEVER), NOW).unwrap();
    assert_eq!(ring.ids(), [id(1)]);
    assert!(other_clone.find(old).is_none());
}

#[test]
fn promoting_keeps_the_order_of_the_others() {
    let keys = [1, 2, 3, 4].map(|n| Key::from_bytes(&material(n)).unwrap());
    let ring = Keyring::from_keys(keys).unwrap();
    ring.promote(id(3)).unwrap();
    assert_eq!(ring.ids(), [id(3), id(1), id(2), id(4)]);
    ring.promote(id(3)).unwrap();
    assert_eq!(ring.ids(), [id(3), id(1), id(2), id(4)]);
}

#[test]
fn a_key_that_seals_or_is_in_use_is_not_retired() {
    let ring = ring();
    let old = ring.ids()[0];
    ring.add(Key::from_bytes(&material(1)).unwrap()).unwrap();
    let unused = KeyUsage::counted(old, 0, NEVER);
    assert!(matches!(ring.retire(unused, NOW), Err(RotationError::Sealing(of)) if of == old));

    ring.promote(id(1)).unwrap();
    for (sessions, seals_end) in [(1, NEVER), (0, at(NOW, 1)), (7, LATER)] {
        let usage = KeyUsage::counted(old, sessions, seals_end);
        let refused = ring.retire(usage, NOW);
        assert!(matches!(refused, Err(RotationError::InUse(of)) if of == usage));
    }
    assert_eq!(ring.ids(), [id(1), old]);
    ring.retire(KeyUsage::counted(old, 0, NOW), NOW).unwrap();
    let again = ring.retire(KeyUsage::counted(old, 0, NOW), NOW);
    assert!(matches!(again, Err(RotationError::Unknown(of)) if of == old));
}

#[test]
fn rotation_refuses_what_the_ring_cannot_hold() {
    let ring = Keyring::new(Key::from_bytes(&material(0)).unwrap());
    let again = ring.add(Key::from_bytes(&material(0)).unwrap());
    assert!(matches!(again, Err(RotationError::Duplicate(of)) if of == id(0)));
    assert!(matches!(ring.promote(id(9)), Err(RotationError::Unknown(of)) if of == id(9)));
    for n in 1..16 {
        ring.add(Key::from_bytes(&material(n)).unwrap()).unwrap();
    }
    let one_more = ring.add(Key::from_bytes(&material(16)).unwrap());
    assert!(matches!(one_more, Err(RotationError::Full)));
    assert_eq!(ring.ids().len(), 16);
    assert!(matches!(ring.reload(), Err(KeyringError::NoFile)));
}

#[test]
fn a_file_holds_one_key_a_line_with_comments_between() {
    let directory = tempfile::tempdir().unwrap();
    let lines =
        ["# ours", "", &hex(&material(1)), "  # old\r", &format!(" {} \r", hex(&material(2)))];
    let ring = Keyring::from_file(key_file(&directory, &lines)).unwrap();
    assert_eq!(ring.ids(), [id(1), id(2)]);
}

#[test]
fn a_file_that_is_no_list_of_keys_is_refused_with_its_line_and_without_its_content() {
    let directory = tempfile::tempdir().unwrap();
    let good = hex(&material(1));
    let typo = format!("{}!", &good[..63]);
    for (lines, want) in [
        (vec![], "there is no key in"),
        (vec!["# only", "", "# comments"], "there is no key in"),
        (vec![&*good, "", &*typo], "key 3 of"),
        (vec![&*good, &good[..62]], "has 31 bytes, and must have 32"),
        (vec![&*good, &*good], "have the id"),
        (vec![&"00".repeat(32)], "is a pattern"),
        (vec![&"#".repeat(70_000)], "more than 65536 bytes"),
    ] {
        let path = key_file(&directory, &lines);
        let error = Keyring::from_file(&path).unwrap_err();
        let message = format!("{error} {error:?}");
        assert!(message.contains(want), "{message}");
        assert!(message.contains(path.to_str().unwrap()), "{message}");
        assert!(!message.contains(&good[..62]), "{message}");
    }
    write_private(&directory.path().join("keys"), &[0xff; 40]);
    let error = Keyring::from_file(directory.path().join("keys")).unwrap_err();
    assert!(matches!(error, KeyringError::Read { .. }));
    let error = Keyring::from_file(directory.path().join("none")).unwrap_err();
    assert!(matches!(error, KeyringError::Read { .. }));
    assert!(Keyring::from_file(directory.path()).is_err());
}

#[cfg(unix)]
#[test]
fn a_file_that_others_have_rights_to_is_refused_with_the_command_that_mends_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = key_file(&directory, &[&hex(&material(1))]);
    for allowed in [0o600, 0o400] {
        set_mode(&path, allowed);
        assert!(Keyring::from_file(&path).is_ok(), "{allowed:o}");
    }
    for refused in [0o601, 0o602, 0o604, 0o610, 0o620, 0o640, 0o660, 0o644, 0o700, 0o777, 0o4600] {
        set_mode(&path, refused);
        let error = Keyring::from_file(&path).unwrap_err();
        assert!(matches!(error, KeyringError::Permissions { mode, .. } if mode == refused));
        assert!(error.to_string().contains(&format!("`chmod 600 {}`", path.display())));
    }
}

/// Only root can give files away, so for others there is nothing to see here.
#[cfg(unix)]
#[test]
fn a_file_of_another_user_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = key_file(&directory, &[&hex(&material(1))]);
    if std::os::unix::fs::chown(&path, Some(4321), None).is_err() {
        return;
    }
    let error = Keyring::from_file(&path).unwrap_err();
    assert!(matches!(error, KeyringError::Owner { owner: 4321, .. }));
    assert!(error.to_string().contains("`chown "));
}

#[test]
fn a_file_is_generated_where_there_is_none_and_kept() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("new/deeper/keys");
    let first = Keyring::load_or_generate(&path).unwrap();
    let second = Keyring::load_or_generate(&path).unwrap();
    assert_eq!(first.ids(), second.ids());
    assert_eq!(first.ids(), Keyring::from_file(&path).unwrap().ids());
    #[cfg(unix)]
    {
        assert_eq!(mode(&path), 0o600);
        assert_eq!(mode(path.parent().unwrap()), 0o700);
        assert_eq!(mode(path.parent().unwrap().parent().unwrap()), 0o700);
    }
}

#[test]
fn a_broken_file_is_an_error_and_never_replaced_by_a_generated_one() {
    let directory = tempfile::tempdir().unwrap();
    for lines in [vec![], vec!["not a key"]] {
        let path = key_file(&directory, &lines);
        assert!(Keyring::load_or_generate(&path).is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), lines.join("\n"));
    }
}

#[test]
fn threads_racing_to_generate_end_up_with_one_key() {
    for _ in 0..20 {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("keys");
        let ids: HashSet<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8)
                .map(|_| scope.spawn(|| Keyring::load_or_generate(&path).unwrap().ids()))
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(ids.len(), 1);
    }
}

/// Where the helper process below writes what it found; unset in the tests'
/// own process.
const HELPER: &str = "HARDTACK_TEST_RING_HELPER";
const KEYS: &str = "HARDTACK_TEST_RING_KEYS";

/// Not a law: what the tests below run in processes of their own. It writes
/// the ids of the ring in the file or the variable it was given.
#[test]
fn helper_process() {
    let Some(found) = std::env::var_os(HELPER).map(PathBuf::from) else { return };
    let ring = match std::env::var_os(KEYS) {
        Some(_) => Keyring::from_env(KEYS),
        None => Keyring::load_or_generate(found.with_file_name("keys")),
    };
    let text = ring.map_or_else(|error| error.to_string(), |ring| format!("{:?}", ring.ids()));
    fs::write(found, text).unwrap();
}

fn helper(found: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "seal::tests::rings::helper_process"]).env(HELPER, found);
    command.stdout(std::process::Stdio::null());
    command
}

#[test]
fn processes_racing_to_generate_end_up_with_one_key() {
    let directory = tempfile::tempdir().unwrap();
    let found: Vec<_> = (0..8).map(|n| directory.path().join(format!("found{n}"))).collect();
    let processes: Vec<_> = found.iter().map(|found| helper(found).spawn().unwrap()).collect();
    for mut process in processes {
        assert!(process.wait().unwrap().success());
    }
    let texts: HashSet<_> = found.iter().map(|found| fs::read_to_string(found).unwrap()).collect();
    let ids = Keyring::from_file(directory.path().join("keys")).unwrap().ids();
    assert_eq!(texts, HashSet::from([format!("{ids:?}")]));
}

#[test]
fn the_environment_holds_keys_between_white_space_or_commas() {
    let directory = tempfile::tempdir().unwrap();
    let (a, b) = (hex(&material(1)), hex(&material(2)));
    for (value, want) in [
        (a.clone(), format!("{:?}", [id(1)])),
        (format!(" {a}\n{b}\n"), format!("{:?}", [id(1), id(2)])),
        (format!("{b}, {a}"), format!("{:?}", [id(2), id(1)])),
        (String::new(), format!("there is no key in the environment variable {KEYS}")),
        (format!("{a} {}", &b[..60]), format!("key 2 of the environment variable {KEYS}")),
    ] {
        let found = directory.path().join("found");
        assert!(helper(&found).env(KEYS, &value).status().unwrap().success());
        let text = fs::read_to_string(found).unwrap();
        assert!(text.starts_with(&want), "{text}");
        assert!(!text.contains(&b[..60]), "{text}");
    }
    let error = Keyring::from_env("HARDTACK_TEST_NOT_SET").unwrap_err();
    assert!(matches!(error, KeyringError::Variable { name } if name == "HARDTACK_TEST_NOT_SET"));
}

#[test]
fn a_reload_takes_the_new_keys_without_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let path = key_file(&directory, &[&hex(&material(1))]);
    let ring = Keyring::from_file(&path).unwrap();
    let clone = ring.clone();
    key_file(&directory, &[&hex(&material(2)), &hex(&material(1))]);
    assert_eq!(clone.ids(), [id(1)]);
    ring.reload().unwrap();
    assert_eq!(clone.ids(), [id(2), id(1)]);
}

#[test]
fn a_reload_of_a_broken_file_leaves_the_ring_as_it_was() {
    let directory = tempfile::tempdir().unwrap();
    let path = key_file(&directory, &[&hex(&material(1)), &hex(&material(2))]);
    let ring = Keyring::from_file(&path).unwrap();
    let sealer = Sealer::new(&ring, "purpose");
    let text = sealer.encrypt("name", b"value", LATER, NOW).unwrap();
    let still_works = || {
        assert_eq!(ring.ids(), [id(1), id(2)]);
        assert!(sealer.open("name", Some(text.as_bytes()), NOW).is_ok());
    };

    for contents in ["", "half a k", &format!("{}\n{}", hex(&material(3)), "zz")] {
        write_private(&path, contents.as_bytes());
        assert!(ring.reload().is_err());
        assert!(ring.add(key()).is_err());
        still_works();
    }
    fs::remove_file(&path).unwrap();
    assert!(ring.reload().is_err());
    assert!(ring.promote(id(2)).is_err());
    still_works();
}

#[test]
fn rotation_is_written_back_and_keeps_the_comments() {
    let directory = tempfile::tempdir().unwrap();
    let path = key_file(
        &directory,
        &["# head", &hex(&material(1)), "# second", &hex(&material(2)), "# tail"],
    );
    let ring = Keyring::from_file(&path).unwrap();
    let ids = || Keyring::from_file(&path).unwrap().ids();
    ring.add(Key::from_bytes(&material(3)).unwrap()).unwrap();
    assert_eq!(ids(), [id(1), id(2), id(3)]);
    ring.promote(id(3)).unwrap();
    assert_eq!(ids(), [id(3), id(1), id(2)]);
    ring.retire(KeyUsage::counted(id(1), 0, NEVER), NOW).unwrap();
    assert_eq!(ids(), [id(3), id(2)]);
    assert_eq!(ring.ids(), ids());

    let text = fs::read_to_string(&path).unwrap();
    let comments: Vec<_> = text.lines().filter(|line| line.starts_with('#')).collect();
    assert_eq!(comments, ["# second", "# tail"]);
    #[cfg(unix)]
    assert_eq!(mode(&path), 0o600);
}

#[test]
fn a_failed_write_leaves_file_and_ring_as_they_were() {
    let directory = tempfile::tempdir().unwrap();
    let path = key_file(&directory, &[&hex(&material(1))]);
    let ring = Keyring::from_file(&path).unwrap();
    // In the place of the new file there is a directory that is not empty.
    fs::create_dir_all(directory.path().join("keys.new/in the way")).unwrap();
    assert!(matches!(ring.add(key()), Err(RotationError::File(KeyringError::Write { .. }))));
    assert_eq!(ring.ids(), [id(1)]);
    assert_eq!(Keyring::from_file(&path).unwrap().ids(), [id(1)]);
}

#[test]
fn a_new_file_left_by_a_crash_is_not_in_the_way() {
    let directory = tempfile::tempdir().unwrap();
    let path = key_file(&directory, &[&hex(&material(1))]);
    fs::write(directory.path().join("keys.new"), "half a k").unwrap();
    Keyring::from_file(&path).unwrap().add(Key::from_bytes(&material(2)).unwrap()).unwrap();
    assert_eq!(Keyring::from_file(&path).unwrap().ids(), [id(1), id(2)]);
    assert!(!directory.path().join("keys.new").exists());
}

/// Two rings on one file stand for two processes: neither undoes the other.
#[test]
fn rotations_of_two_processes_at_once_both_count() {
    let directory = tempfile::tempdir().unwrap();
    let path = key_file(&directory, &[&hex(&material(0))]);
    std::thread::scope(|scope| {
        for n in 1..=8 {
            let ring = Keyring::from_file(&path).unwrap();
            scope.spawn(move || ring.add(Key::from_bytes(&material(n)).unwrap()).unwrap());
        }
    });
    let found: HashSet<_> = Keyring::from_file(&path).unwrap().ids().into_iter().collect();
    assert_eq!(found, (0..=8).map(id).collect());
}

#[cfg(unix)]
#[test]
fn a_symbolic_link_stays_one() {
    let directory = tempfile::tempdir().unwrap();
    let path = key_file(&directory, &[&hex(&material(1))]);
    let link = directory.path().join("link");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    Keyring::from_file(&link).unwrap().add(Key::from_bytes(&material(2)).unwrap()).unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(Keyring::from_file(&path).unwrap().ids(), [id(1), id(2)]);
}

#[test]
fn a_retired_key_opens_nothing() {
    let ring = ring();
    let old = ring.ids()[0];
    let sealer = Sealer::new(&ring, "purpose");
    let text = sealer.encrypt("name", b"value", LATER, NOW).unwrap();
    ring.add(Key::from_bytes(&material(1)).unwrap()).unwrap();
    ring.promote(id(1)).unwrap();
    ring.retire(KeyUsage::counted(old, 0, LATER), LATER).unwrap();
    let outcome = sealer.open("name", Some(text.as_bytes()), NOW);
    assert_eq!(outcome.unwrap_err(), UnsealError::UnknownKey(old));
}

#[test]
fn debug_leaks_neither_keys_nor_values() {
    let ring = Keyring::new(Key::from_bytes(MATERIAL).unwrap());
    let sealer = Sealer::new(&ring, "purpose");
    let text = sealer.encrypt("name", MATERIAL, LATER, NOW).unwrap();
    let opened = sealer.open("name", Some(text.as_bytes()), NOW).unwrap();
    let states = StateCookie::new(&ring);
    let begun = states.begin(MATERIAL, NOW).unwrap();

    let shown = format!(
        "{ring:?} {ring:#?} {:?} {sealer:?} {opened:?} {states:?} {begun:?}",
        ring.sealing()
    );
    assert_eq!(
        shown, "Keyring Keyring Key Sealer Unsealed StateCookie BegunSignIn",
        "what Debug prints has changed: see that it holds no secret"
    );
    for needle in [
        hex(MATERIAL),
        base64_simd::URL_SAFE_NO_PAD.encode_to_string(MATERIAL),
        String::from_utf8_lossy(MATERIAL).into_owned(),
        format!("{MATERIAL:?}"),
        begun.state.clone(),
    ] {
        assert!(!shown.contains(&needle));
    }
}
