//! The names of all scenarios, once, for whoever needs the list; behind each the numbers
//! of the laws of a session that it is a part of, as in `LAWS.md`.

/// Calls another macro of this crate with the scenarios by group, and with what
/// is to be passed on to it.
#[doc(hidden)]
#[macro_export]
macro_rules! __adapter_scenarios {
    ($then:ident $with:tt) => {
        $crate::$then! {
            $with
            signing {
                login_gives_a_new_id_and_ends_the_old_session [5]
                login_takes_the_visitors_data_along_but_never_another_users [5]
                both_writes_of_two_tabs_survive [2]
                a_set_that_read_an_older_value_is_409 [2]
                logout_ends_the_session_for_every_copy_of_its_cookie [3]
                writes_after_a_logout_go_to_a_new_anonymous_session [3]
                a_write_that_comes_when_the_end_is_forgotten_is_401 [3]
                two_logins_at_once_both_stand [5]
                a_write_after_the_logout_of_the_same_request_is_a_visitors [3]
                a_write_that_a_login_overtook_is_409 [3]
                a_late_answer_to_a_first_visit_does_not_overwrite_the_login [5]
                a_login_begun_before_everything_ended_is_401 [3]
                ending_the_others_leaves_this_one [3]
                ending_all_ends_this_one_too [3]
                forget_removes_the_cookies [13]
                one_login_too_many_is_409_and_changes_nothing [12]
                one_login_too_many_ends_the_oldest_where_so_configured [12]
            }
            outage {
                a_store_that_is_down_is_503_and_nobody_is_logged_out [7]
                whoever_has_no_session_is_served_without_the_store [7]
                a_login_without_a_store_is_503 [7]
                a_store_that_hangs_is_503_at_the_deadline [7]
                a_logout_that_the_store_did_not_hear_is_503 [7]
                a_commit_whose_answer_was_lost_counts_once [2]
                a_commit_that_did_not_happen_is_tried_again [2]
                a_commit_whose_answer_never_came_counts_once [2]
                a_creation_whose_answer_was_lost_is_one_session [2]
                a_login_whose_answer_was_lost_is_one_session [5]
            }
            time {
                idle_time_ends_a_session_and_activity_puts_that_off [8]
                nothing_extends_the_lifetime [8]
                reading_writes_nothing_but_a_touch_that_is_due [1]
                a_prefetch_is_no_activity [8]
                a_renewal_whose_answer_was_lost_locks_nobody_out [5]
                parallel_requests_get_the_same_renewed_id [5]
                a_renewed_id_used_again_ends_the_session [5]
                a_request_that_outlasts_a_renewal_still_commits [2]
                a_session_stays_signed_in_through_many_renewals [5]
                a_renewal_moves_a_session_to_the_key_that_seals [5]
                a_clock_that_is_set_back_logs_nobody_out [14]
            }
            input {
                ids_that_are_not_ours_are_anonymous_and_never_adopted [4]
                an_id_of_a_retired_key_is_anonymous_and_nobody_is_logged_out [4]
                any_bytes_in_a_cookie_header_are_no_error [4]
                a_cookie_of_100_kilobytes_is_no_error [12]
                ten_thousand_cookies_are_no_error [12]
                two_live_sessions_are_anonymous_and_may_change_nothing [4]
                a_dead_id_beside_a_live_one_does_not_matter [4]
                one_cookie_twice_is_one_session [4]
                a_nameless_cookie_is_not_ours [4]
            }
            remembering {
                a_remembered_browser_is_signed_in_again_and_not_fresh [5]
                a_stolen_token_ends_with_all_that_came_of_it [5]
                logout_ends_being_remembered [3]
                an_exchange_whose_answer_was_lost_locks_nobody_out [5]
                a_prefetch_exchanges_nothing [5]
                two_live_sessions_are_not_decided_by_a_token [4]
                a_new_token_ends_the_one_before [5]
                another_users_login_ends_being_remembered [5]
            }
            answers {
                set_cookie_is_exactly_this [13]
                a_session_that_is_not_used_leaves_no_trace [1]
                reading_never_creates_and_never_sets_a_cookie [1]
                a_lazy_session_is_loaded_when_it_is_asked_for [1]
                what_a_session_may_show_is_not_for_caches [13]
                changes_are_committed_at_every_status [6]
                discarded_changes_are_not_committed [6]
                errors_are_plain_text_without_a_cookie [7]
                flash_messages_are_shown_once [2]
                tokens_and_messages_of_visitors_open_no_session [1]
                the_header_transport_needs_no_cookie [4]
                data_beyond_the_bounds_is_refused_and_the_rest_stays [12]
            }
            routes {
                members_only_is_401_for_scripts_and_a_way_to_the_login_for_pages [5]
                the_optional_user_lets_everybody_in [5]
                cross_site_requests_are_refused_before_the_session_is_touched [4]
                layers_side_by_side_do_not_mix [4]
                one_answer_may_carry_both_layers_cookies [5]
            }
            connections {
                a_handler_that_panics_commits_nothing [6]
                a_client_that_goes_before_the_commit_commits_nothing [6]
                a_client_that_goes_during_the_commit_does_not_stop_it [6]
                a_streamed_head_leaves_after_the_commit [6]
                after_the_head_the_handle_is_closed [6]
                a_stream_may_go_on_with_the_live_session [2]
                a_live_session_goes_on_through_renewals [2]
                whoever_waits_for_the_end_is_told_at_the_logout [3]
                a_websocket_of_another_origin_is_403 [4]
                a_websocket_is_accepted_after_the_commit [6]
            }
            old_data {
                one_key_that_does_not_decode_is_that_keys_error [9]
                a_record_of_a_newer_version_is_neither_500_nor_ended [9]
                a_record_that_was_tampered_with_ends [10]
            }
            soak {
                a_logout_is_final_for_what_is_in_flight [3]
                a_logout_is_final_for_what_races_it [3]
                no_addition_is_lost [2]
                no_slow_update_is_lost [2]
                of_get_then_set_every_200_counts_and_the_rest_is_409 [2]
                visits_without_a_cookie_write_nothing [1]
            }
        }
    };
}

/// A scenario as a function that is the same for all: what the tests call.
#[doc(hidden)]
#[macro_export]
macro_rules! __scenario_functions {
    (() $($group:ident { $($scenario:ident $laws:tt)* })*) => {
        /// One function for each scenario, by group.
        #[allow(missing_docs, reason = "the name of a scenario says what it is")]
        pub mod run {
            use std::future::Future;
            use std::pin::Pin;

            use super::super::Adapter;

            /// All of them with their names, for a suite that shares one server.
            pub const ALL: &[(&str, fn(Adapter) -> Pin<Box<dyn Future<Output = ()>>>)] =
                &[$($((stringify!($scenario), $group::$scenario),)*)*];

            /// Which laws of a session each is a part of.
            pub(crate) const LAWS: &[(&str, &[usize])] =
                &[$($((stringify!($scenario), &$laws),)*)*];

            $(
                pub mod $group {
                    use std::future::Future;
                    use std::pin::Pin;

                    use super::super::super::{Adapter, scenarios};

                    $(
                        pub fn $scenario(adapter: Adapter) -> Pin<Box<dyn Future<Output = ()>>> {
                            Box::pin(async move {
                                let told = adapter.told();
                                scenarios::$group::$scenario(adapter).await;
                                if let Some(told) = told.get() {
                                    told.holds(stringify!($group), stringify!($scenario));
                                }
                            })
                        }
                    )*
                }
            )*
        }
    };
}
__adapter_scenarios! { __scenario_functions () }
