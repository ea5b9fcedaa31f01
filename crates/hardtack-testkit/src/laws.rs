//! The laws of a session, which tests hold each, and the table of what was held
//! where, made from the reports of a run.

use std::collections::{BTreeMap, BTreeSet};

use crate::adapter;

/// A law, and the tests of the suites that hold it on an engine.
struct Law(&'static str, &'static [&'static str]);

/// The table of laws by engines, as Markdown, from the lines of a report.
pub fn table(report: &str) -> String {
    let mut engines = BTreeMap::<_, Engine<'_>>::new();
    for line in report.lines() {
        let words: Vec<_> = line.split('\t').collect();
        let [kind @ ("holds" | "missing" | "limit"), name, what, why] = words[..] else { continue };
        let engine = engines.entry(name).or_default();
        match kind {
            "holds" => drop(engine.held.insert(what)),
            "missing" => drop(engine.missing.insert(what, why)),
            _ => drop(engine.limits.insert(what, why)),
        }
    }
    // A store that no adapter was tested over is part of another, not an engine.
    let served = |engine: &Engine<'_>| {
        adapter::run::ALL.iter().any(|(scenario, _)| engine.held.contains(scenario))
    };
    engines.retain(|_, engine| served(engine));
    let names: Vec<_> = engines.keys().copied().collect();
    let line = " --- |".repeat(names.len());
    let mut text = format!("{HEAD}| law | {} |\n| --- |{line}\n", names.join(" | "));
    let mut reasons = Vec::new();
    for (number, Law(says, tests)) in (1..).zip(&LAWS) {
        text += &format!("| {number}. {says} |");
        for (name, engine) in &engines {
            text += &engine.cell(tests);
            if let Some(why) = engine.limit(number, tests) {
                reasons.push(format!("{name}, law {number}: {why}."));
                text += &format!(", limit {}", reasons.len());
            }
            text += " |";
        }
        text.push('\n');
    }
    text += LIMITS;
    for (number, reason) in (1..).zip(reasons) {
        text += &format!("{number}. {reason}\n");
    }
    text
}

#[derive(Default)]
struct Engine<'a> {
    held: BTreeSet<&'a str>,
    missing: BTreeMap<&'a str, &'a str>,
    limits: BTreeMap<&'a str, &'a str>,
}

impl Engine<'_> {
    /// How many tests held the law here; of how many, if not all.
    fn cell(&self, tests: &[&str]) -> String {
        let held = tests.iter().filter(|test| self.held.contains(*test)).count();
        if held == tests.len() { format!(" {held}") } else { format!(" {held} of {}", tests.len()) }
    }

    /// Why the law ends somewhere here.
    fn limit(&self, number: usize, tests: &[&str]) -> Option<&str> {
        let missing =
            |test: &&&str| self.missing.contains_key(**test) && !self.held.contains(**test);
        let named = self.limits.get(&*number.to_string());
        named.or_else(|| self.missing.get(*tests.iter().find(missing)?)).copied()
    }
}

const HEAD: &str = "\
# The laws of a session on every engine

Written by `scripts/test` from what its tests have reported, never by hand. A number
says how many tests of `hardtack-testkit` held the law on the engine: all that there
are for it, unless it says of how many.

";

const LIMITS: &str = "
## Limits

What a store says of itself where a law ends with what its engine can promise.

";

const LAWS: [Law; 14] = [
    Law(
        "Loading never creates, and reading writes nothing",
        &[
            "load_does_not_create",
            "touch_never_creates",
            "replace_never_creates",
            "reading_never_creates_and_never_sets_a_cookie",
            "reading_writes_nothing_but_a_touch_that_is_due",
            "a_session_that_is_not_used_leaves_no_trace",
            "a_lazy_session_is_loaded_when_it_is_asked_for",
            "visits_without_a_cookie_write_nothing",
        ],
    ),
    Law(
        "No acknowledged change is lost",
        &[
            "replace_changes_the_record_and_its_version",
            "replace_needs_the_seen_version",
            "no_compare_and_set_is_lost",
            "sessions_do_not_disturb_one_another",
            "parallel_calls_can_be_put_in_an_order",
            "verbs_in_any_order_agree_with_the_model",
            "a_commit_survives_reopening",
            "a_login_survives_reopening",
            "both_writes_of_two_tabs_survive",
            "a_set_that_read_an_older_value_is_409",
            "a_commit_whose_answer_was_lost_counts_once",
            "a_commit_that_did_not_happen_is_tried_again",
            "a_commit_whose_answer_never_came_counts_once",
            "a_creation_whose_answer_was_lost_is_one_session",
            "a_request_that_outlasts_a_renewal_still_commits",
            "a_stream_may_go_on_with_the_live_session",
            "a_live_session_goes_on_through_renewals",
            "flash_messages_are_shown_once",
            "no_addition_is_lost",
            "no_slow_update_is_lost",
            "of_get_then_set_every_200_counts_and_the_rest_is_409",
        ],
    ),
    Law(
        "An end is final",
        &[
            "insert_refuses_an_ended_locator",
            "insert_refuses_an_outdated_locator",
            "replace_never_revives",
            "touch_never_revives",
            "touch_never_revives_an_outdated_record",
            "end_is_final_and_keeps_the_first_cause",
            "ending_the_unknown_tells_so_and_leaves_nothing",
            "relocate_of_what_is_gone_creates_nothing",
            "relocate_that_is_outdated_changes_nothing",
            "raise_ends_every_session_of_the_user_at_once",
            "a_global_raise_ends_all_sessions",
            "what_is_outdated_is_gone_for_every_verb",
            "a_login_begun_before_a_raise_does_not_survive_it",
            "an_epoch_that_is_ahead_ends_when_it_is_passed",
            "no_login_slips_through_a_concurrent_raise",
            "raises_in_parallel_each_count",
            "epochs_start_at_zero_and_grow_by_one",
            "no_write_lands_after_an_end",
            "parallel_calls_can_be_put_in_an_order",
            "an_end_and_its_event_survive_reopening",
            "an_epoch_survives_reopening",
            "what_ended_is_in_no_list",
            "logout_ends_the_session_for_every_copy_of_its_cookie",
            "writes_after_a_logout_go_to_a_new_anonymous_session",
            "a_write_that_comes_when_the_end_is_forgotten_is_401",
            "a_write_after_the_logout_of_the_same_request_is_a_visitors",
            "a_write_that_a_login_overtook_is_409",
            "a_login_begun_before_everything_ended_is_401",
            "ending_the_others_leaves_this_one",
            "ending_all_ends_this_one_too",
            "logout_ends_being_remembered",
            "whoever_waits_for_the_end_is_told_at_the_logout",
            "a_logout_is_final_for_what_is_in_flight",
            "a_logout_is_final_for_what_races_it",
        ],
    ),
    Law(
        "Only ids that we issued name a session",
        &[
            "a_locator_is_compared_as_a_whole",
            "insert_only_creates",
            "locators_of_odd_bytes_are_kept_apart",
            "ids_that_are_not_ours_are_anonymous_and_never_adopted",
            "an_id_of_a_retired_key_is_anonymous_and_nobody_is_logged_out",
            "any_bytes_in_a_cookie_header_are_no_error",
            "two_live_sessions_are_anonymous_and_may_change_nothing",
            "two_live_sessions_are_not_decided_by_a_token",
            "a_dead_id_beside_a_live_one_does_not_matter",
            "one_cookie_twice_is_one_session",
            "a_nameless_cookie_is_not_ours",
            "the_header_transport_needs_no_cookie",
            "layers_side_by_side_do_not_mix",
            "cross_site_requests_are_refused_before_the_session_is_touched",
            "a_websocket_of_another_origin_is_403",
        ],
    ),
    Law(
        "A new id at every change of privilege, the old one dead before the answer",
        &[
            "relocate_creates_the_new_and_ends_the_old",
            "a_second_login_takes_the_place_of_the_first",
            "relocate_needs_the_seen_version",
            "relocate_refuses_a_known_locator",
            "relocate_happens_once",
            "login_gives_a_new_id_and_ends_the_old_session",
            "login_takes_the_visitors_data_along_but_never_another_users",
            "two_logins_at_once_both_stand",
            "a_late_answer_to_a_first_visit_does_not_overwrite_the_login",
            "a_login_whose_answer_was_lost_is_one_session",
            "a_renewal_whose_answer_was_lost_locks_nobody_out",
            "parallel_requests_get_the_same_renewed_id",
            "a_renewed_id_used_again_ends_the_session",
            "a_session_stays_signed_in_through_many_renewals",
            "a_renewal_moves_a_session_to_the_key_that_seals",
            "a_remembered_browser_is_signed_in_again_and_not_fresh",
            "a_stolen_token_ends_with_all_that_came_of_it",
            "an_exchange_whose_answer_was_lost_locks_nobody_out",
            "a_prefetch_exchanges_nothing",
            "a_new_token_ends_the_one_before",
            "another_users_login_ends_being_remembered",
            "one_answer_may_carry_both_layers_cookies",
            "members_only_is_401_for_scripts_and_a_way_to_the_login_for_pages",
            "the_optional_user_lets_everybody_in",
        ],
    ),
    Law(
        "Committed before answered",
        &[
            "a_dropped_insert_is_whole_or_nothing",
            "a_dropped_replace_is_whole_or_nothing",
            "a_dropped_relocate_is_whole_or_nothing",
            "a_dropped_end_is_whole_or_nothing",
            "dropped_calls_leave_a_store_that_works",
            "loads_given_up_before_they_are_polled_leave_no_trace",
            "changes_are_committed_at_every_status",
            "discarded_changes_are_not_committed",
            "a_handler_that_panics_commits_nothing",
            "a_client_that_goes_before_the_commit_commits_nothing",
            "a_client_that_goes_during_the_commit_does_not_stop_it",
            "a_streamed_head_leaves_after_the_commit",
            "after_the_head_the_handle_is_closed",
            "a_websocket_is_accepted_after_the_commit",
        ],
    ),
    Law(
        "A store outage is not a logout",
        &[
            "a_store_that_is_down_is_503_and_nobody_is_logged_out",
            "whoever_has_no_session_is_served_without_the_store",
            "a_login_without_a_store_is_503",
            "a_store_that_hangs_is_503_at_the_deadline",
            "a_logout_that_the_store_did_not_hear_is_503",
            "errors_are_plain_text_without_a_cookie",
        ],
    ),
    Law(
        "Idle time follows activity, and nothing extends the lifetime",
        &[
            "replace_can_shorten_the_time_that_is_left",
            "touch_moves_both_times",
            "touch_changes_nothing_else",
            "touch_never_shortens",
            "touch_never_passes_the_end_of_the_lifetime",
            "the_latest_touch_of_a_batch_counts",
            "a_touch_survives_a_replace",
            "a_touched_session_is_not_swept",
            "sweep_respects_a_touch_that_comes_first",
            "sweep_never_ends_a_live_one",
            "touches_in_parallel_keep_the_latest",
            "a_list_shows_the_latest_touch_and_commit",
            "what_never_expires_is_never_swept",
            "idle_time_ends_a_session_and_activity_puts_that_off",
            "nothing_extends_the_lifetime",
            "a_prefetch_is_no_activity",
        ],
    ),
    Law(
        "Old data never breaks a request",
        &[
            "one_key_that_does_not_decode_is_that_keys_error",
            "a_record_of_a_newer_version_is_neither_500_nor_ended",
        ],
    ),
    Law(
        "Reading the store opens no session, writing to it makes none anybody else's",
        &[
            "what_was_inserted_is_loaded",
            "data_is_kept_bit_for_bit",
            "a_device_is_kept_bit_for_bit",
            "a_user_key_is_kept_bit_for_bit",
            "users_are_told_apart_byte_by_byte",
            "numbers_are_kept_up_to_the_last_bit",
            "a_record_that_was_tampered_with_ends",
        ],
    ),
    Law(
        "A session ends once, with its cause, and that is told",
        &[
            "an_expired_end_happens_only_when_due",
            "end_happens_once",
            "every_end_is_told_once_with_all_that_belongs_to_it",
            "an_event_is_repeated_until_it_is_delivered",
            "delivering_what_has_not_ended_says_nothing_about_its_end",
            "a_tombstone_is_kept_until_delivered",
            "a_tombstone_is_kept_for_its_time_and_no_longer",
            "every_kind_and_cause_is_told_as_it_was",
            "sweep_ends_what_is_due_with_the_right_cause",
            "sweep_goes_by_batches",
            "each_end_is_in_the_stream_once",
            "sweep_forgets_only_what_was_delivered",
            "an_insert_happens_once",
            "an_end_and_its_event_survive_reopening",
        ],
    ),
    Law(
        "Nothing is unbounded",
        &[
            "a_full_user_is_refused",
            "the_oldest_end_to_make_room",
            "a_limit_of_one_keeps_the_newest",
            "only_sessions_that_can_still_be_used_count",
            "refusing_holds_under_parallel_logins",
            "ending_the_oldest_holds_under_parallel_logins",
            "relocate_keeps_the_limit",
            "a_list_has_everything_but_data_in_order",
            "a_list_is_paged_without_gaps_or_repeats",
            "no_session_is_missing_from_its_users_list",
            "a_census_counts_the_live_by_kind_and_key",
            "a_mebibyte_of_data_is_kept",
            "one_login_too_many_is_409_and_changes_nothing",
            "one_login_too_many_ends_the_oldest_where_so_configured",
            "a_cookie_of_100_kilobytes_is_no_error",
            "ten_thousand_cookies_are_no_error",
            "data_beyond_the_bounds_is_refused_and_the_rest_stays",
        ],
    ),
    Law(
        "What a session shows is not for caches",
        &[
            "what_a_session_may_show_is_not_for_caches",
            "set_cookie_is_exactly_this",
            "forget_removes_the_cookies",
        ],
    ),
    Law(
        "Time is an argument",
        &[
            "what_is_expired_but_not_ended_is_still_loaded",
            "an_expired_end_happens_only_when_due",
            "a_clock_that_is_set_back_logs_nobody_out",
        ],
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn suites() -> BTreeSet<&'static str> {
        let laws = crate::store::run::ALL.iter().map(|(name, _)| *name);
        laws.chain(crate::adapter::run::ALL.iter().map(|(name, _)| *name)).collect()
    }

    fn run(tests: &BTreeSet<&str>) -> String {
        tests.iter().map(|test| format!("holds\tpaper\t{test}\t\n")).collect()
    }

    #[test]
    fn every_test_of_the_suites_holds_a_law() {
        let named: BTreeSet<_> = LAWS.iter().flat_map(|law| law.1).copied().collect();
        let all = suites();
        let without: Vec<_> = all.difference(&named).collect();
        assert!(without.is_empty(), "say in LAWS which law these hold: {without:?}");
        let unknown: Vec<_> = named.difference(&all).collect();
        assert!(unknown.is_empty(), "no suite has these tests: {unknown:?}");
    }

    #[test]
    fn a_limit_is_named_and_what_did_not_run_is_seen() {
        let mut tests = suites();
        let report = run(&tests);
        assert!(table(&report).contains("not for caches | 3 |"));
        let text = table(&format!("{report}limit\tpaper\t13\tpaper is patient\n"));
        assert!(text.contains(" 3, limit 1 |"), "{text}");
        assert!(text.contains("1. paper, law 13: paper is patient."), "{text}");
        tests.remove("forget_removes_the_cookies");
        assert!(table(&run(&tests)).contains(" 2 of 3 |"));
        let known = run(&tests) + "missing\tpaper\tforget_removes_the_cookies\tpaper burns\n";
        assert!(table(&known).contains(" 2 of 3, limit 1 |"));
    }
}
