//! The laws that fuzzing asserts, as functions of any bytes: each target of `cargo fuzz` calls one,
//! and the tests of `hardtack` replay the seeds, and bytes grown from them, on stable Rust.
//!
//! A law takes bytes that somebody hostile chose and panics if hardtack breaks a promise on them.

mod cookie;
mod header;
mod input;
mod jar;
mod reference;
mod reference_date;

/// A law: any bytes will do.
pub type Law = fn(&[u8]);

/// Every law by the name of its target and of its folder of seeds.
pub const LAWS: [(&str, Law); 4] = [
    ("set_cookie", cookie::what_is_parsed_can_be_written_and_parsed_again),
    ("cookie_date", cookie::dates_are_read_as_the_grammar_reads),
    ("cookie_header", header::pairs_are_found_as_they_are_listed),
    ("jar", jar::agrees_with_the_reference),
];

/// Panics if the law of this name does not hold on these bytes.
pub fn assert_law(name: &str, bytes: &[u8]) {
    let (_, law) = LAWS.iter().find(|(known, _)| *known == name).expect("the name of a law");
    law(bytes);
}
