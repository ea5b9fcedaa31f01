#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| hardtack_fuzz::assert_law("cookie_date", bytes));
