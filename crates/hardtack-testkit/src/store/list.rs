//! The names of all laws, once, for whoever needs the list.

/// Calls another macro of this crate with the laws by group, and with what is
/// to be passed on to it.
#[doc(hidden)]
#[macro_export]
macro_rules! __store_laws {
    ($then:ident $with:tt) => {
        $crate::$then! {
            $with
            records {
                load_does_not_create
                what_was_inserted_is_loaded
                insert_only_creates
                insert_refuses_an_ended_locator
                insert_refuses_an_outdated_locator
                replace_changes_the_record_and_its_version
                replace_can_shorten_the_time_that_is_left
                replace_needs_the_seen_version
                replace_never_revives
                replace_never_creates
                a_locator_is_compared_as_a_whole
            }
            touches {
                touch_moves_both_times
                touch_changes_nothing_else
                touch_never_shortens
                touch_never_passes_the_end_of_the_lifetime
                the_latest_touch_of_a_batch_counts
                touch_never_creates
                touch_never_revives
                touch_never_revives_an_outdated_record
                a_touch_survives_a_replace
                a_touched_session_is_not_swept
            }
            ends {
                end_is_final_and_keeps_the_first_cause
                ending_the_unknown_tells_so_and_leaves_nothing
                an_expired_end_happens_only_when_due
                what_is_expired_but_not_ended_is_still_loaded
                end_happens_once
                every_end_is_told_once_with_all_that_belongs_to_it
                an_event_is_repeated_until_it_is_delivered
                delivering_what_has_not_ended_says_nothing_about_its_end
                a_tombstone_is_kept_until_delivered
                a_tombstone_is_kept_for_its_time_and_no_longer
            }
            relocation {
                relocate_creates_the_new_and_ends_the_old
                a_second_login_takes_the_place_of_the_first
                relocate_needs_the_seen_version
                relocate_of_what_is_gone_creates_nothing
                relocate_refuses_a_known_locator
                relocate_that_is_outdated_changes_nothing
                relocate_keeps_the_limit
                relocate_happens_once
            }
            limits {
                a_full_user_is_refused
                the_oldest_end_to_make_room
                a_limit_of_one_keeps_the_newest
                only_sessions_that_can_still_be_used_count
                refusing_holds_under_parallel_logins
                ending_the_oldest_holds_under_parallel_logins
            }
            epochs {
                epochs_start_at_zero_and_grow_by_one
                raise_ends_every_session_of_the_user_at_once
                a_global_raise_ends_all_sessions
                what_is_outdated_is_gone_for_every_verb
                a_login_begun_before_a_raise_does_not_survive_it
                an_epoch_that_is_ahead_ends_when_it_is_passed
                no_login_slips_through_a_concurrent_raise
                raises_in_parallel_each_count
            }
            lists {
                a_list_has_everything_but_data_in_order
                a_list_is_paged_without_gaps_or_repeats
                what_ended_is_in_no_list
                a_list_shows_the_latest_touch_and_commit
                users_are_told_apart_byte_by_byte
                a_census_counts_the_live_by_kind_and_key
            }
            values {
                data_is_kept_bit_for_bit
                a_mebibyte_of_data_is_kept
                a_device_is_kept_bit_for_bit
                a_user_key_is_kept_bit_for_bit
                locators_of_odd_bytes_are_kept_apart
                numbers_are_kept_up_to_the_last_bit
                what_never_expires_is_never_swept
                every_kind_and_cause_is_told_as_it_was
            }
            sweeping {
                sweep_ends_what_is_due_with_the_right_cause
                sweep_never_ends_a_live_one
                sweep_goes_by_batches
                each_end_is_in_the_stream_once
                sweep_forgets_only_what_was_delivered
                sweep_respects_a_touch_that_comes_first
            }
            races {
                no_compare_and_set_is_lost
                sessions_do_not_disturb_one_another
                no_write_lands_after_an_end
                an_insert_happens_once
                no_session_is_missing_from_its_users_list
                touches_in_parallel_keep_the_latest
            }
            histories {
                parallel_calls_can_be_put_in_an_order
            }
            dropped {
                loads_given_up_before_they_are_polled_leave_no_trace
                a_dropped_insert_is_whole_or_nothing
                a_dropped_replace_is_whole_or_nothing
                a_dropped_relocate_is_whole_or_nothing
                a_dropped_end_is_whole_or_nothing
                dropped_calls_leave_a_store_that_works
            }
            survival {
                a_commit_survives_reopening
                a_login_survives_reopening
                an_end_and_its_event_survive_reopening
                an_epoch_survives_reopening
            }
            model {
                verbs_in_any_order_agree_with_the_model
            }
        }
    };
}

/// A law as a function that is the same for all: what the tests call.
#[doc(hidden)]
#[macro_export]
macro_rules! __law_functions {
    (() $($group:ident { $($law:ident)* })*) => {
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
        }
    };
}
__store_laws! { __law_functions () }
