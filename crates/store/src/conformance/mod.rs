//! What every store must do: one suite, run on each (`suite!` names all tests and makes one of each per store).
//!
//! Built for tests only, under the feature `conformance`. Knows the traits only. Tests take `&Stores` of a fresh, empty store.

#![allow(
    missing_docs,
    clippy::assigning_clones,
    clippy::missing_panics_doc,
    clippy::wildcard_imports,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests, which are named after what they test and fail by panicking"
)]

pub mod datasets;
pub mod evaluators;
pub mod files;
pub mod jobs;
pub mod keys;
pub mod leases;
pub mod logs;
pub mod moves;
pub mod picks;
pub mod providers;
pub mod reads;
pub mod runs;
pub mod samples;
pub mod score_samples;
pub mod scored_reads;
pub mod scores;
pub mod shared;
pub mod soak;
pub mod spread;
pub mod traces;
pub mod walks;

/// Makes one test per item of the suite, each on a store of its own from `$make`, an async function that returns
/// `(Stores, guard)`.
#[doc(hidden)]
#[macro_export]
macro_rules! suite {
    ($make:path) => {
        $crate::conformance::suite! { @each $make;
            logs: insert_and_read_back, insert_is_all_or_none, existing_rows_are_kept_or_replaced,
                new_rows_are_written_all_or_none, reads_bring_what_was_asked_for,
                duplicates_inside_one_call, update_changes_one_row, update_refused_changes_nothing,
                concurrent_updates_all_apply, delete_by_id, counts_follow_every_write, organizations_do_not_meet,
                places_do_not_meet, unknown_datasets, odd_values_survive;
            reads: total_and_window, pages_cover_all_rows_once, nulls_come_last, filters_agree_with_the_reference,
                text_filters_agree_with_the_reference, sums_agree_with_the_reference, empty_collections,
                reads_see_every_write;
            walks: parts_are_as_pages_are, walks_cover_every_list_once, walks_stay_on_course_beside_writes,
                walks_by_scores, rows_are_written_as_they_are_read, lists_are_bounded;
            spread: groups_agree_with_the_reference, groups_are_ordered_bounded_and_counted, statistics_of_a_few_rows,
                statistics_agree_with_the_reference;
            traces: pages_of_traces_agree_with_the_reference, traces_are_ordered_by_their_totals,
                selected_traces_agree_with_the_reference, later_spans_are_no_part_of_a_trace;
            picks: a_watermark_parts_rows_from_later_ones, sample_sizes, samples_repeat, cutoff_makes_the_same_choice,
                text_filters_pick, selections_come_in_pieces, a_selection_is_settled_when_made,
                a_job_goes_on_after_its_cursor, a_selection_takes_little_memory;
            moves: copy_keeps_ids_and_resets_annotation, copy_skips_what_is_there_or_gone,
                a_copied_unit_counts_with_its_job, a_removed_unit_counts_with_its_job,
                a_copy_done_twice_counts_once, a_removal_done_twice_counts_once, steps_need_a_running_job, moves_into_the_void;
            datasets: life_of_a_dataset, list_is_newest_first, create_with_a_job, conflicts,
                clear_hides_at_once_and_purges_later, delete_hides_at_once_and_cancels, empty_datasets_need_no_purge,
                purging_goes_in_bounded_units, newest_rows_of_many_datasets;
            evaluators: life_of_an_evaluator, slugs_are_unique_in_an_organization,
                organizations_do_not_share_evaluators, a_commit_seals_the_draft_and_opens_the_next,
                lists_show_last_versions_and_versions_are_paged, of_two_changes_of_one_draft_one_wins;
            jobs: claims_go_by_age, progress_is_kept, cancel_queued_and_running, finish_and_retry,
                finish_after_cancel_does_nothing, requeue_after_a_crash, lists_by_organization_and_kind,
                dataset_status_follows_its_copy_jobs, cancelled_copies_leave_the_dataset_ready;
            leases: two_workers_never_hold_one_job, a_second_process_takes_nothing_away, a_renewed_lease_does_not_run_out,
                an_expired_job_goes_to_another, a_worker_without_its_lease_cannot_save, a_late_finish_changes_nothing,
                a_unit_done_twice_counts_once, two_workers_that_stall_do_everything_once;
            scores: one_per_subject_source_and_scorer, the_latest_of_several_scorers_is_shown, scores_of_the_place_win,
                scores_wait_for_their_records, scores_go_with_their_rows, failed_scores_do_not_replace_completed_ones,
                sources_are_known_by_their_last_name, update_and_delete, organizations_do_not_meet,
                lists_agree_with_the_reference, summaries_agree_with_the_reference;
            scored_reads: scores_read_with_the_rows_agree, scores_written_one_by_one_agree,
                custom_slugs_and_slugs_of_evaluators;
            runs: recorded_units_count_with_their_run, steps_without_rows_hide_nothing,
                only_running_runs_record, a_mixed_record_is_refused, results_by_page, values_of_a_dataset,
                ended_runs_go_on, lists_are_newest_first, lanes_do_not_meet, datasets_show_their_runs,
                deleting_the_dataset_ends_its_runs, recorded_scores_are_found;
            files: a_file_appears_when_it_is_finished, what_is_not_finished_leaves_nothing, writers_of_one_name_do_not_meet,
                names_have_no_folders;
            shared: wakes_are_kept, notices_reach_everyone, turns_come_one_after_the_other, windows_slide,
                a_node_is_home_of_everything_when_alone;
            keys: organizations_are_numbered, an_organization_by_its_id, keys_by_hash, keys_are_unique, revoking;
            providers: life_of_a_provider, only_the_form_that_was_read_is_replaced;
        }
    };
    (@each $make:path; $($noun:ident: $($name:ident),+;)+) => {
        $(
            mod $noun {
                $(
                    #[tokio::test]
                    async fn $name() {
                        let (stores, _guard) = $make().await;
                        $crate::conformance::$noun::$name(&stores).await;
                    }
                )+
            }
        )+
    };
}
pub use crate::suite;
