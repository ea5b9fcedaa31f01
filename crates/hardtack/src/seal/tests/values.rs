use std::collections::HashSet;

use base64_simd::URL_SAFE_NO_PAD;
use proptest::prelude::*;

use super::super::value::{Label, Times};
use super::super::{Key, Keyring, MAX_VALUE, SealError, Sealer, UnsealError, Unsealed, encrypt};
use super::{LATER, MATERIAL, NOW, at, key, ring};
use crate::time::UnixTime;

fn sealer() -> Sealer {
    Sealer::new(&ring(), "test purpose")
}

fn open(sealer: &Sealer, sealed: impl AsRef<[u8]>) -> Result<Vec<u8>, UnsealError> {
    sealer.open("name", Some(sealed.as_ref()), NOW).map(|opened| opened.value)
}

fn verify(sealer: &Sealer, signed: impl AsRef<[u8]>) -> Result<String, UnsealError> {
    sealer.verify("name", Some(signed.as_ref()), NOW).map(|opened| opened.value.to_owned())
}

/// Both kinds of value, made and read by the same calls.
enum Kind {
    Encrypted,
    Signed,
}

const KINDS: [Kind; 2] = [Kind::Encrypted, Kind::Signed];

impl Kind {
    fn make(&self, sealer: &Sealer, expires: UnixTime, now: UnixTime) -> String {
        match self {
            Kind::Encrypted => sealer.encrypt("name", b"the-value", expires, now).unwrap(),
            Kind::Signed => sealer.sign("name", "the-value", expires, now).unwrap(),
        }
    }

    fn read(
        &self,
        sealer: &Sealer,
        name: &str,
        text: &str,
        now: UnixTime,
    ) -> Result<Unsealed<String>, UnsealError> {
        let sealed = Some(text.as_bytes());
        match self {
            Kind::Encrypted => {
                let Unsealed { value, expires, reseal } = sealer.open(name, sealed, now)?;
                Ok(Unsealed { value: String::from_utf8(value).unwrap(), expires, reseal })
            }
            Kind::Signed => {
                let Unsealed { value, expires, reseal } = sealer.verify(name, sealed, now)?;
                Ok(Unsealed { value: value.to_owned(), expires, reseal })
            }
        }
    }
}

/// Released formats stay readable: these lines may never change. They were
/// computed by a second implementation, written from the format's description.
#[test]
fn values_of_format_version_1_still_open() {
    let sealer = Sealer::new(&Keyring::new(Key::from_bytes(MATERIAL).unwrap()), "vectors");
    for (name, value, encrypted, signed) in [
        (
            "a",
            "",
            "AQy0SVwyNCBieXRlcywgdXN1YWxseSByYW5kb22tmUpDs7RjuU68QwQ9LSignrd8sKF1wIysPlxiD6dP4Q",
            "gQy0SVwAAAGjGFxQAAAAAaMYZXfANTSxsyajHaPOkdGG0GJHmf8OL9VRpdVWCWnKm4p21Vk.",
        ),
        (
            "theme",
            "dark",
            "AQy0SVwyNCBieXRlcywgdXN1YWxseSByYW5kb23J-DmLq-gyGlbgEqclSF7DyXm5llWwxzHbL0XuJZdZzo2S0sk",
            "gQy0SVwAAAGjGFxQAAAAAaMYZXfA-LHLnqDyAtHN5fFfHpdeBqrP5IHu9xpRsEpwaZed51M.dark",
        ),
        (
            "__Host-Http-x",
            "a-longer.value/of:some=kind",
            "AQy0SVwyNCBieXRlcywgdXN1YWxseSByYW5kb23MtCePxY9Wy2DKI8tQLXAPtya9OUId9ubks_QCUHJaGoN-pLceHScWdMj1j2R-7ieK0ptERfmyoZAKWQ",
            "gQy0SVwAAAGjGFxQAAAAAaMYZXfAHmkk_jR3DyJsL1W8ckSuOnzL-2jemk_K1UlZk08P2S0.a-longer.value/of:some=kind",
        ),
    ] {
        let opened = sealer.open(name, Some(encrypted.as_bytes()), NOW).unwrap();
        assert_eq!((opened.value.as_slice(), opened.expires), (value.as_bytes(), LATER));
        let verified = sealer.verify(name, Some(signed.as_bytes()), NOW).unwrap();
        assert_eq!((verified.value, verified.expires), (value, LATER));
    }
}

/// The writing side of the vectors: the layout is what the module says it is.
#[test]
fn values_of_format_version_1_are_written_as_ever() {
    let key = Key::from_bytes(MATERIAL).unwrap();
    let label = Label { purpose: "vectors", name: "theme" };
    let times = Times::new(LATER, NOW).unwrap();
    let seed = *b"24 bytes, usually random";

    let encrypted = encrypt::encrypt_with_seed(&key, label, b"dark", times, &seed).unwrap();
    let raw = URL_SAFE_NO_PAD.decode_to_vec(&encrypted).unwrap();
    assert_eq!(raw[0], 1);
    assert_eq!(&raw[1..5], key.id().as_bytes());
    assert_eq!(raw[5..29], seed);
    assert_eq!(raw.len(), 29 + 4 + 16 + 16);
    assert_eq!(
        encrypted,
        "AQy0SVwyNCBieXRlcywgdXN1YWxseSByYW5kb23J-DmLq-gyGlbgEqclSF7DyXm5llWwxzHbL0XuJZdZzo2S0sk"
    );

    let ring = Keyring::new(key);
    let signed = Sealer::new(&ring, "vectors").sign("theme", "dark", LATER, NOW).unwrap();
    assert_eq!(
        signed,
        "gQy0SVwAAAGjGFxQAAAAAaMYZXfA-LHLnqDyAtHN5fFfHpdeBqrP5IHu9xpRsEpwaZed51M.dark"
    );
}

#[test]
fn no_changed_byte_opens() {
    let sealer = sealer();
    for kind in KINDS {
        let text = kind.make(&sealer, LATER, NOW).into_bytes();
        for place in 0..text.len() {
            for bit in 0..8 {
                let mut changed = text.clone();
                changed[place] ^= 1 << bit;
                // Bytes that are no UTF-8 go through open and verify below.
                let outcomes = [open(&sealer, &changed), verify(&sealer, &changed).map(Into::into)];
                for outcome in outcomes {
                    let error = outcome.unwrap_err();
                    let names_key = (1..7).contains(&place);
                    assert!(
                        error == UnsealError::Invalid
                            || names_key && matches!(error, UnsealError::UnknownKey(_)),
                        "bit {bit} of byte {place}: {error:?}"
                    );
                }
            }
        }
    }
}

#[test]
fn nothing_cut_or_longer_opens() {
    let sealer = sealer();
    for kind in KINDS {
        let text = kind.make(&sealer, LATER, NOW);
        let read = |text: &str| kind.read(&sealer, "name", text, NOW);
        assert!(read(&text).is_ok());
        for length in 0..text.len() {
            assert_eq!(read(&text[..length]), Err(UnsealError::Invalid), "cut to {length}");
            // What is left may begin with the format's byte by chance, and
            // then names some key.
            let rest = read(&text[length + 1..]);
            let refused = matches!(rest, Err(UnsealError::Invalid | UnsealError::UnknownKey(_)));
            assert!(refused, "cut from {length}");
        }
        for tail in ["A", "AA", "AAAA", "=", "==", ".", " ", "\n", "\0"] {
            assert_eq!(read(&format!("{text}{tail}")), Err(UnsealError::Invalid), "{tail:?}");
            assert_eq!(read(&format!("{tail}{text}")), Err(UnsealError::Invalid), "{tail:?}");
        }
    }
}

/// A value whose last base64 digit has bits to spare decodes to the same bytes
/// in a lenient decoder: then one value has several spellings.
#[test]
fn a_value_has_one_spelling() {
    let sealer = sealer();
    let mut spare = 0;
    for length in 0..3 {
        let text = sealer.encrypt("name", &vec![b'x'; length], LATER, NOW).unwrap();
        let standard = text.replace('-', "+").replace('_', "/");
        assert!(standard == text || open(&sealer, standard) == Err(UnsealError::Invalid));
        if text.len().is_multiple_of(4) {
            continue;
        }
        let (head, last) = text.split_at(text.len() - 1);
        let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        for &digit in alphabet.iter().filter(|&&digit| digit != last.as_bytes()[0]) {
            let other = format!("{head}{}", char::from(digit));
            assert_eq!(open(&sealer, other), Err(UnsealError::Invalid));
            spare += 1;
        }
    }
    assert_eq!(spare, 2 * 63);
}

#[test]
fn a_value_opens_under_its_own_name_purpose_and_key_only() {
    let ring = ring();
    let sealer = Sealer::new(&ring, "purpose");
    for kind in KINDS {
        let text = kind.make(&sealer, LATER, NOW);
        for (purpose, name, opens) in [
            ("purpose", "name", true),
            ("purpose", "eman", false),
            ("purpose", "", false),
            ("purposen", "ame", false),
            ("purpos", "ename", false),
            ("", "purposename", false),
            ("name", "purpose", false),
        ] {
            let outcome = kind
                .read(&Sealer::new(&ring, purpose), name, &text, NOW)
                .map(|opened| opened.value);
            let want = if opens { Ok("the-value".to_owned()) } else { Err(UnsealError::Invalid) };
            assert_eq!(outcome, want, "{purpose:?} {name:?}");
        }
        let stranger = Sealer::new(&super::ring(), "purpose");
        assert_eq!(
            kind.read(&stranger, "name", &text, NOW),
            Err(UnsealError::UnknownKey(ring.ids()[0]))
        );
    }
}

/// A seal that names another key of the ring is not tried with its own.
#[test]
fn the_key_is_the_one_that_the_seal_names() {
    let (first, second) = (key(), key());
    let other = *second.id().as_bytes();
    let sealer = Sealer::new(&Keyring::from_keys([first, second]).unwrap(), "purpose");
    let text = sealer.encrypt("name", b"value", LATER, NOW).unwrap();
    let mut raw = URL_SAFE_NO_PAD.decode_to_vec(&text).unwrap();
    raw[1..5].copy_from_slice(&other);
    let renamed = URL_SAFE_NO_PAD.encode_to_string(raw);
    assert_eq!(open(&sealer, renamed), Err(UnsealError::Invalid));
}

#[test]
fn a_seal_holds_from_a_minute_before_it_was_made_until_its_expiry() {
    let sealer = sealer();
    for kind in KINDS {
        let text = kind.make(&sealer, LATER, NOW);
        let read = |now| kind.read(&sealer, "name", &text, now).map(|_| ());
        for (now, want) in [
            (UnixTime::from_secs(0), Err(UnsealError::Invalid)),
            (at(NOW, -60_001), Err(UnsealError::Invalid)),
            (at(NOW, -60_000), Ok(())),
            (NOW, Ok(())),
            (at(LATER, -1), Ok(())),
            (LATER, Err(UnsealError::Expired)),
            (UnixTime::from_millis(u64::MAX), Err(UnsealError::Expired)),
        ] {
            assert_eq!(read(now), want, "at {now:?}");
        }
    }
}

/// actix-web's CookieSessionStore seals without an end: a copied cookie worked
/// for ever. Here every value has one, and a useless one is refused.
#[test]
fn a_value_without_a_future_is_not_sealed() {
    let sealer = sealer();
    for expires in [UnixTime::from_secs(0), at(NOW, -1), NOW] {
        assert_eq!(sealer.encrypt("name", b"v", expires, NOW), Err(SealError::Expiry));
        assert_eq!(sealer.sign("name", "v", expires, NOW), Err(SealError::Expiry));
    }
}

/// rack-session's CVE-2026-39324: a cookie that failed to decrypt was then read
/// as unencrypted data, so anybody could write one.
#[test]
fn what_does_not_decrypt_is_never_read_as_something_else() {
    let sealer = sealer();
    let json = r#"{"user":"admin"}"#;
    let signed = sealer.sign("name", "admin", LATER, NOW).unwrap();
    let (seal, _) = signed.split_once('.').unwrap();
    let zeroes = URL_SAFE_NO_PAD.encode_to_string([0; 100]);
    for forged in [
        "",
        ".",
        "admin",
        json,
        &URL_SAFE_NO_PAD.encode_to_string(json),
        &URL_SAFE_NO_PAD.encode_to_string(json.repeat(20)),
        &format!(".{json}"),
        &zeroes,
        &format!("{}.admin", &zeroes[..71]),
        &format!("{seal}.root"),
        seal,
        &"A".repeat(100_000),
        &"A".repeat(10_000_000),
    ] {
        assert_eq!(open(&sealer, forged), Err(UnsealError::Invalid));
        assert_eq!(verify(&sealer, forged), Err(UnsealError::Invalid));
    }
    assert_eq!(sealer.open("name", None, NOW).unwrap_err(), UnsealError::Missing);
    assert_eq!(sealer.verify("name", None, NOW).unwrap_err(), UnsealError::Missing);
}

#[test]
fn a_signed_value_never_opens_as_encrypted_nor_the_reverse() {
    let sealer = sealer();
    let encrypted = sealer.encrypt("name", b"value", LATER, NOW).unwrap();
    let signed = sealer.sign("name", "value", LATER, NOW).unwrap();
    assert_eq!(verify(&sealer, &encrypted), Err(UnsealError::Invalid));
    assert_eq!(open(&sealer, &signed), Err(UnsealError::Invalid));

    // Nor when the format byte and the shape are made to fit.
    let (seal, _) = signed.split_once('.').unwrap();
    let mut raw = URL_SAFE_NO_PAD.decode_to_vec(seal).unwrap();
    raw[0] = 0x01;
    raw.resize(120, 0);
    let dressed = URL_SAFE_NO_PAD.encode_to_string(&raw);
    assert_eq!(open(&sealer, dressed), Err(UnsealError::Invalid));

    let mut raw = URL_SAFE_NO_PAD.decode_to_vec(&encrypted).unwrap();
    raw[0] = 0x81;
    let dressed = format!("{}.value", URL_SAFE_NO_PAD.encode_to_string(&raw[..53]));
    assert_eq!(verify(&sealer, dressed), Err(UnsealError::Invalid));
}

/// cookie-rs has one key: replacing it makes every cookie out there unreadable.
#[test]
fn values_outlive_the_promotion_of_a_new_key_and_ask_to_be_resealed() {
    let ring = ring();
    let sealer = Sealer::new(&ring, "purpose");
    let old = ring.ids()[0];
    for kind in KINDS {
        let new = key();
        let new_id = new.id();
        let before = kind.make(&sealer, LATER, NOW);
        let read = |text: &str| kind.read(&sealer, "name", text, NOW).map(|opened| opened.reseal);

        ring.add(new).unwrap();
        assert_eq!(read(&before), Ok(false));
        ring.promote(new_id).unwrap();
        assert_eq!(read(&before), Ok(true));
        assert_eq!(read(&kind.make(&sealer, LATER, NOW)), Ok(false));
        ring.promote(old).unwrap();
        assert_eq!(read(&before), Ok(false));
    }
}

#[test]
fn a_hundred_thousand_seals_share_no_random_bits() {
    let sealer = sealer();
    let mut seeds = HashSet::new();
    for _ in 0..100_000 {
        let text = sealer.encrypt("name", b"", LATER, NOW).unwrap();
        // Bytes 6 to 29, within the seed and on a border of base64.
        assert!(seeds.insert(text[8..36].to_owned()));
    }
}

#[test]
fn values_up_to_the_limit_are_sealed_and_longer_ones_refused() {
    let sealer = sealer();
    let longest = "x".repeat(MAX_VALUE);
    let encrypted = sealer.encrypt("name", longest.as_bytes(), LATER, NOW).unwrap();
    assert_eq!(open(&sealer, encrypted).unwrap(), longest.as_bytes());
    let signed = sealer.sign("name", &longest, LATER, NOW).unwrap();
    assert_eq!(verify(&sealer, signed).unwrap(), longest);

    let longer = "x".repeat(MAX_VALUE + 1);
    let want = SealError::TooLong { bytes: MAX_VALUE + 1 };
    assert_eq!(sealer.encrypt("name", longer.as_bytes(), LATER, NOW), Err(want));
    assert_eq!(sealer.sign("name", &longer, LATER, NOW), Err(want));
}

#[test]
fn only_what_a_cookie_can_carry_is_signed() {
    let sealer = sealer();
    for byte in 0..128_u8 {
        let value = format!("ab{}", char::from(byte));
        let signed = sealer.sign("name", &value, LATER, NOW);
        // RFC 6265 section 4.1.1: no controls, white space, `"`, `,`, `;`, `\`.
        if byte.is_ascii_graphic() && !b"\",;\\".contains(&byte) {
            assert_eq!(verify(&sealer, signed.unwrap()).unwrap(), value);
        } else {
            assert_eq!(signed, Err(SealError::NotCookieText { at: 2 }));
        }
    }
    let signed = sealer.sign("name", "aé", LATER, NOW);
    assert_eq!(signed, Err(SealError::NotCookieText { at: 1 }));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    #[test]
    fn what_is_sealed_opens_again(
        purpose in ".{0,40}",
        name in ".{0,40}",
        value in proptest::collection::vec(any::<u8>(), 0..3000),
        sealed_at in 0..u64::MAX / 2,
        validity in 1..u64::MAX / 2,
    ) {
        let sealer = Sealer::new(&ring(), &purpose);
        let (now, expires) = (UnixTime::from_millis(sealed_at), UnixTime::from_millis(sealed_at + validity));

        let text = sealer.encrypt(&name, &value, expires, now).unwrap();
        prop_assert!(text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b)));
        let opened = sealer.open(&name, Some(text.as_bytes()), now).unwrap();
        prop_assert_eq!((opened.value, opened.expires, opened.reseal), (value.clone(), expires, false));

        let plain = URL_SAFE_NO_PAD.encode_to_string(&value);
        let text = sealer.sign(&name, &plain, expires, now).unwrap();
        prop_assert!(text.ends_with(&plain));
        let verified = sealer.verify(&name, Some(text.as_bytes()), now).unwrap();
        prop_assert_eq!((verified.value, verified.expires, verified.reseal), (&*plain, expires, false));
    }

    #[test]
    fn arbitrary_bytes_never_open(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let sealer = sealer();
        prop_assert!(open(&sealer, &bytes).is_err());
        prop_assert!(verify(&sealer, &bytes).is_err());
        // As far as the key and the cipher, too.
        let mut raw = vec![1];
        raw.extend(sealer_key_id(&sealer));
        raw.extend(&bytes);
        prop_assert!(open(&sealer, URL_SAFE_NO_PAD.encode_to_string(&raw)).is_err());
    }
}

/// The key id that a sealer's values carry.
fn sealer_key_id(sealer: &Sealer) -> [u8; 4] {
    let text = sealer.encrypt("name", b"", LATER, NOW).unwrap();
    URL_SAFE_NO_PAD.decode_to_vec(text).unwrap()[1..5].try_into().unwrap()
}
