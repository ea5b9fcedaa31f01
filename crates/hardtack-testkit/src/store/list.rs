//! The names of all laws, once, for whoever needs the list; behind each the numbers of
//! the laws of a session that it is a part of, as in `LAWS.md`.

/// Calls another macro of this crate with the laws by group, and with what is
/// to be passed on to it.
#[doc(hidden)]
#[macro_export]
macro_rules! __store_laws {
    ($then:ident $with:tt) => {
        $crate::$then! {
            $with
            records {
                load_does_not_create [1]
                what_was_inserted_is_loaded [10]
                insert_only_creates [4]
                insert_refuses_an_ended_locator [3]
                insert_refuses_an_outdated_locator [3]
                replace_changes_the_record_and_its_version [2]
                replace_can_shorten_the_time_that_is_left [8]
                replace_needs_the_seen_version [2]
                replace_never_revives [3]
                replace_never_creates [1]
                a_locator_is_compared_as_a_whole [4]
            }
            touches {
                touch_moves_both_times [8]
                touch_changes_nothing_else [8]
                touch_never_shortens [8]
                touch_never_passes_the_end_of_the_lifetime [8]
                the_latest_touch_of_a_batch_counts [8]
                touch_never_creates [1]
                touch_never_revives [3]
                touch_never_revives_an_outdated_record [3]
                a_touch_survives_a_replace [8]
                a_touched_session_is_not_swept [8]
            }
            ends {
                end_is_final_and_keeps_the_first_cause [3]
                ending_the_unknown_tells_so_and_leaves_nothing [3]
                an_expired_end_happens_only_when_due [11, 14]
                what_is_expired_but_not_ended_is_still_loaded [14]
                end_happens_once [11]
                every_end_is_told_once_with_all_that_belongs_to_it [11]
                an_event_is_repeated_until_it_is_delivered [11]
                delivering_what_has_not_ended_says_nothing_about_its_end [11]
                a_tombstone_is_kept_until_delivered [11]
                a_tombstone_is_kept_for_its_time_and_no_longer [11]
            }
            relocation {
                relocate_creates_the_new_and_ends_the_old [5]
                a_second_login_takes_the_place_of_the_first [5]
                relocate_needs_the_seen_version [5]
                relocate_of_what_is_gone_creates_nothing [3]
                relocate_refuses_a_known_locator [5]
                relocate_that_is_outdated_changes_nothing [3]
                relocate_keeps_the_limit [12]
                relocate_happens_once [5]
            }
            limits {
                a_full_user_is_refused [12]
                the_oldest_end_to_make_room [12]
                a_limit_of_one_keeps_the_newest [12]
                only_sessions_that_can_still_be_used_count [12]
                refusing_holds_under_parallel_logins [12]
                ending_the_oldest_holds_under_parallel_logins [12]
            }
            epochs {
                epochs_start_at_zero_and_grow_by_one [3]
                raise_ends_every_session_of_the_user_at_once [3]
                a_global_raise_ends_all_sessions [3]
                what_is_outdated_is_gone_for_every_verb [3]
                a_login_begun_before_a_raise_does_not_survive_it [3]
                an_epoch_that_is_ahead_ends_when_it_is_passed [3]
                no_login_slips_through_a_concurrent_raise [3]
                raises_in_parallel_each_count [3]
            }
            lists {
                a_list_has_everything_but_data_in_order [12]
                a_list_is_paged_without_gaps_or_repeats [12]
                what_ended_is_in_no_list [3]
                a_list_shows_the_latest_touch_and_commit [8]
                users_are_told_apart_byte_by_byte [10]
                a_census_counts_the_live_by_kind_and_key [12]
            }
            values {
                data_is_kept_bit_for_bit [10]
                a_mebibyte_of_data_is_kept [12]
                a_device_is_kept_bit_for_bit [10]
                a_user_key_is_kept_bit_for_bit [10]
                locators_of_odd_bytes_are_kept_apart [4]
                numbers_are_kept_up_to_the_last_bit [10]
                what_never_expires_is_never_swept [8]
                every_kind_and_cause_is_told_as_it_was [11]
            }
            sweeping {
                sweep_ends_what_is_due_with_the_right_cause [11]
                sweep_never_ends_a_live_one [8]
                sweep_goes_by_batches [11]
                each_end_is_in_the_stream_once [11]
                sweep_forgets_only_what_was_delivered [11]
                sweep_respects_a_touch_that_comes_first [8]
            }
            races {
                no_compare_and_set_is_lost [2]
                sessions_do_not_disturb_one_another [2]
                no_write_lands_after_an_end [3]
                an_insert_happens_once [11]
                no_session_is_missing_from_its_users_list [12]
                touches_in_parallel_keep_the_latest [8]
            }
            histories {
                parallel_calls_can_be_put_in_an_order [2, 3]
            }
            dropped {
                loads_given_up_before_they_are_polled_leave_no_trace [6]
                a_dropped_insert_is_whole_or_nothing [6]
                a_dropped_replace_is_whole_or_nothing [6]
                a_replace_that_is_not_ready_at_once_may_be_given_up [6]
                a_dropped_relocate_is_whole_or_nothing [6]
                a_dropped_end_is_whole_or_nothing [6]
                dropped_calls_leave_a_store_that_works [6]
            }
            survival {
                a_commit_survives_reopening [2]
                a_login_survives_reopening [2]
                an_end_and_its_event_survive_reopening [3, 11]
                an_epoch_survives_reopening [3]
            }
            model {
                verbs_in_any_order_agree_with_the_model [2]
            }
        }
    };
}

/// A law as a function that is the same for all: what the tests call.
#[doc(hidden)]
#[macro_export]
macro_rules! __law_functions {
    (() $($group:ident { $($law:ident $numbers:tt)* })*) => {
        /// One function for each law.
        #[allow(missing_docs, reason = "the name of a law says what it is")]
        pub mod run {
            use std::future::Future;
            use std::pin::Pin;

            use super::super::{Fixture, laws};

            $($(
                pub fn $law(store: Fixture) -> Pin<Box<dyn Future<Output = ()>>> {
                    Box::pin(async move {
                        let told = store.told();
                        laws::$group::$law(store).await;
                        told.holds(stringify!($group), stringify!($law));
                    })
                }
            )*)*

            /// All of them with their names, for a suite that shares one server.
            pub const ALL: &[(&str, fn(Fixture) -> Pin<Box<dyn Future<Output = ()>>>)] =
                &[$($((stringify!($law), $law),)*)*];

            /// Which laws of a session each is a part of.
            pub(crate) const LAWS: &[(&str, &[usize])] =
                &[$($((stringify!($law), &$numbers),)*)*];
        }
    };
}
__store_laws! { __law_functions () }
