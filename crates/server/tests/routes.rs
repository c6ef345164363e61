//! Route tests, in files that mirror the URLs. Each runs its own server; see the testkit.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod routes {
    mod access;
    mod datasets;
    mod datasets_id_annotation;
    mod datasets_id_eval_reports;
    mod datasets_id_eval_reports_provider;
    mod datasets_id_logs;
    mod datasets_id_logs_import;
    mod datasets_id_logs_list;
    mod datasets_traces;
    mod eval_reports_compare;
    mod evaluators;
    mod evaluators_builtins;
    mod evaluators_id_run;
    mod evaluators_id_versions;
    mod exports;
    mod health;
    mod jobs;
    mod limits;
    mod llm_provider;
    mod logs_id_scores;
    mod request_logs;
    mod runs;
    mod scores;
    mod scores_id;
}
