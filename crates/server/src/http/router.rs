//! The table of contents of the API: which noun serves what. No logic.
//!
//! Paths are written in their canonical form, `/api/…/`; `paths` brings requests into it. Handlers stand in the files
//! of `routes` (a test keeps this list):
//!
//! ```text
//! GET    /api/datasets/ → datasets::list_by_url
//! POST   /api/datasets/ → datasets::create
//! POST   /api/datasets/create/ → datasets::create
//! GET    /api/datasets/list/ → datasets::list_by_url
//! POST   /api/datasets/list/ → datasets::list
//! GET    /api/datasets/{dataset_id}/ → datasets::retrieve
//! PATCH  /api/datasets/{dataset_id}/ → datasets::update
//! DELETE /api/datasets/{dataset_id}/ → datasets::delete
//! POST   /api/datasets/{dataset_id}/annotation/complete/ → annotation::complete
//! POST   /api/datasets/{dataset_id}/annotation/next/ → annotation::next
//! GET    /api/datasets/{dataset_id}/annotation/progress/ → annotation::progress
//! POST   /api/datasets/{dataset_id}/annotation/release/ → annotation::release
//! POST   /api/datasets/{dataset_id}/eval-reports/create/ → eval_reports::create
//! GET    /api/datasets/{dataset_id}/eval-reports/list/ → eval_reports::list
//! GET    /api/datasets/{dataset_id}/eval-reports/{task_id}/ → eval_reports::retrieve
//! POST   /api/datasets/{dataset_id}/eval-reports/{task_id}/cancel/ → eval_reports::cancel
//! POST   /api/datasets/{dataset_id}/eval-reports/{task_id}/continue/ → eval_reports::resume
//! GET    /api/datasets/{dataset_id}/eval-reports/{task_id}/results/ → eval_reports::results
//! GET    /api/datasets/{dataset_id}/logs/ → dataset_logs::list_by_url
//! POST   /api/datasets/{dataset_id}/logs/ → dataset_logs::create
//! POST   /api/datasets/{dataset_id}/logs/bulk/ → dataset_imports::bulk_create
//! POST   /api/datasets/{dataset_id}/logs/create/ → dataset_imports::import_open_ended
//! DELETE /api/datasets/{dataset_id}/logs/delete/ → dataset_imports::remove
//! GET    /api/datasets/{dataset_id}/logs/export/ → exports::stream_rows_by_url
//! POST   /api/datasets/{dataset_id}/logs/export/ → exports::stream_rows
//! POST   /api/datasets/{dataset_id}/logs/import/ → dataset_imports::import
//! DELETE /api/datasets/{dataset_id}/logs/import/ → dataset_imports::remove
//! GET    /api/datasets/{dataset_id}/logs/list/ → dataset_logs::list_by_url
//! POST   /api/datasets/{dataset_id}/logs/list/ → dataset_logs::list
//! GET    /api/datasets/{dataset_id}/logs/summary/ → dataset_logs::summary_of_all
//! POST   /api/datasets/{dataset_id}/logs/summary/ → dataset_logs::summary
//! GET    /api/datasets/{dataset_id}/logs/{unique_id}/ → dataset_logs::retrieve
//! PUT    /api/datasets/{dataset_id}/logs/{unique_id}/ → dataset_logs::replace
//! PATCH  /api/datasets/{dataset_id}/logs/{unique_id}/ → dataset_logs::update
//! DELETE /api/datasets/{dataset_id}/logs/{unique_id}/ → dataset_logs::delete
//! POST   /api/eval-reports/compare/ → comparisons::compare
//! POST   /api/evaluations/datasets/{dataset_id}/logs/ → dataset_imports::import_open_ended
//! GET    /api/evaluators/ → evaluators::list_by_url
//! POST   /api/evaluators/ → evaluators::create
//! GET    /api/evaluators/builtins/ → evaluator_builtins::list
//! POST   /api/evaluators/list/ → evaluators::list
//! GET    /api/evaluators/summary/ → evaluators::summarize_by_url
//! POST   /api/evaluators/summary/ → evaluators::summarize
//! GET    /api/evaluators/{evaluator_id}/ → evaluators::retrieve
//! PUT    /api/evaluators/{evaluator_id}/ → evaluators::replace
//! PATCH  /api/evaluators/{evaluator_id}/ → evaluators::update
//! DELETE /api/evaluators/{evaluator_id}/ → evaluators::delete
//! POST   /api/evaluators/{evaluator_id}/run/ → evaluator_runs::run
//! GET    /api/evaluators/{evaluator_id}/versions/ → evaluator_versions::list
//! POST   /api/evaluators/{evaluator_id}/versions/ → evaluator_versions::commit
//! GET    /api/evaluators/{evaluator_id}/versions/{version}/ → evaluator_versions::retrieve
//! PUT    /api/evaluators/{evaluator_id}/versions/{version}/ → evaluator_versions::replace
//! PATCH  /api/evaluators/{evaluator_id}/versions/{version}/ → evaluator_versions::update
//! GET    /api/exports/ → exports::list
//! GET    /api/exports/{export_id}/ → exports::retrieve
//! GET    /api/exports/{export_id}/download/ → exports::download
//! GET    /api/jobs/ → jobs::list
//! GET    /api/jobs/{job_id}/ → jobs::retrieve
//! POST   /api/jobs/{job_id}/cancel/ → jobs::cancel
//! GET    /api/llm-provider/ → providers::retrieve
//! PUT    /api/llm-provider/ → providers::replace
//! PATCH  /api/llm-provider/ → providers::update
//! DELETE /api/llm-provider/ → providers::delete
//! GET    /api/logs/{log_id}/scores/ → log_scores::list
//! POST   /api/logs/{log_id}/scores/ → log_scores::create
//! GET    /api/logs/{log_id}/scores/{score_id}/ → log_scores::retrieve
//! PUT    /api/logs/{log_id}/scores/{score_id}/ → log_scores::replace
//! PATCH  /api/logs/{log_id}/scores/{score_id}/ → log_scores::update
//! DELETE /api/logs/{log_id}/scores/{score_id}/ → log_scores::delete
//! GET    /api/request-logs/ → request_logs::simple_list
//! POST   /api/request-logs/ → request_logs::create
//! PATCH  /api/request-logs/batch-update/ → request_logs::batch_update
//! POST   /api/request-logs/batch/create/ → request_logs::batch_create
//! POST   /api/request-logs/bulk/ → request_logs::bulk_create
//! POST   /api/request-logs/create/ → request_logs::create
//! GET    /api/request-logs/export/ → exports::stream_logs_by_url
//! POST   /api/request-logs/export/ → exports::stream_logs
//! GET    /api/request-logs/groups/ → request_log_groups::group_by_url
//! POST   /api/request-logs/groups/ → request_log_groups::group
//! GET    /api/request-logs/list/ → request_logs::list_by_url
//! POST   /api/request-logs/list/ → request_logs::list
//! GET    /api/request-logs/summary/ → request_logs::summary_by_url
//! POST   /api/request-logs/summary/ → request_logs::summary
//! GET    /api/request-logs/{unique_id}/ → request_logs::retrieve
//! PATCH  /api/request-logs/{unique_id}/ → request_logs::update
//! GET    /api/scores/ → scores::list_by_url
//! POST   /api/scores/ → scores::create
//! GET    /api/scores/list/ → scores::list_by_url
//! POST   /api/scores/list/ → scores::list
//! GET    /api/scores/{score_id}/ → scores::retrieve
//! PUT    /api/scores/{score_id}/ → scores::replace
//! PATCH  /api/scores/{score_id}/ → scores::update
//! DELETE /api/scores/{score_id}/ → scores::delete
//! GET    /healthz → health::healthz
//! GET    /metrics → health::metrics
//! GET    /readyz → health::readyz
//! ```

use crate::http::openapi;
use crate::http::routes::{
    annotation, comparisons, dataset_imports, dataset_logs, datasets, eval_reports, evaluator_builtins, evaluator_runs,
    evaluator_versions, evaluators, exports, health, jobs, log_scores, providers, request_log_groups, request_logs,
    scores,
};
use axum::Router;
use evalset_product::app::App;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;

/// All routes of the API with their description.
fn api() -> (Router<App>, OpenApi) {
    let (router, mut document) = OpenApiRouter::with_openapi(openapi::document())
        // What people work with
        .merge(datasets::routes())
        .merge(dataset_logs::routes())
        .merge(dataset_imports::routes())
        // What judges them
        .merge(evaluators::routes())
        .merge(evaluator_builtins::routes())
        .merge(evaluator_versions::routes())
        .merge(evaluator_runs::routes())
        .merge(eval_reports::routes())
        .merge(comparisons::routes())
        .merge(scores::routes())
        .merge(log_scores::routes())
        .merge(annotation::routes())
        // What applications send
        .merge(request_logs::routes())
        .merge(request_log_groups::routes())
        // What evaluations need
        .merge(providers::routes())
        // What takes long
        .merge(jobs::routes())
        .merge(exports::routes())
        // For operators, no key needed
        .merge(health::routes())
        .split_for_parts();
    openapi::name_operations(&mut document);
    (router, document)
}

/// The routes, not yet wrapped by `middleware`.
pub fn router(app: &App) -> evalset_model::Result<Router> {
    let (router, document) = api();
    Ok(router.merge(openapi::routes(&document)?).with_state(app.clone()))
}

/// The OpenAPI document.
pub fn document() -> OpenApi {
    api().1
}

#[cfg(test)]
mod tests {
    use super::document;
    use std::collections::{BTreeSet, HashSet};
    use std::path::Path;

    /// Methods in the order of the list.
    const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];

    /// What a file of `routes` serves: path, place of the method in [`METHODS`], handler; and whether it is in the
    /// document.
    fn served(file: &Path) -> Vec<(String, usize, String, bool)> {
        let text = std::fs::read_to_string(file).unwrap();
        let module = file.file_stem().unwrap().to_str().unwrap();
        let place = |method: &str| METHODS.iter().position(|known| known.eq_ignore_ascii_case(method)).unwrap();
        let until = |text: &str, end: char| text.split(end).next().unwrap().to_owned();
        let documented = text.split("#[utoipa::path(").skip(1).map(|part| {
            let method = part.trim_start().split(',').next().unwrap();
            let path = until(part.split_once("path = \"").unwrap().1, '"');
            let handler = until(part.split_once("async fn ").unwrap().1, '(');
            (path, place(method), format!("{module}::{handler}"), true)
        });
        let others = text.split(".route(\"").skip(1).map(|part| {
            let (path, rest) = part.split_once("\", ").unwrap();
            let (method, handler) = rest.split_once('(').unwrap();
            (path.to_owned(), place(method), format!("{module}::{}", until(handler, ')')), false)
        });
        documented.chain(others).collect()
    }

    #[test]
    fn the_list_above_names_every_handler() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/http");
        let files = std::fs::read_dir(folder.join("routes")).unwrap().map(|entry| entry.unwrap().path());
        let mut found: Vec<_> = files.flat_map(|file| served(&file)).collect();
        found.sort();
        let line = |(path, method, handler, _): &(String, usize, String, bool)| {
            format!("//! {:<6} {path} → {handler}", METHODS[*method])
        };
        let lines: Vec<String> = found.iter().map(line).collect();
        let head = std::fs::read_to_string(folder.join("router.rs")).unwrap();
        let listed: Vec<&str> = head.lines().filter(|line| line.starts_with("//! ") && line.contains(" → ")).collect();
        assert_eq!(listed, lines, "the list should be:\n{}", lines.join("\n"));

        let document = serde_json::to_value(document()).unwrap();
        let of_item = |(path, item): (&String, &serde_json::Value)| -> Vec<String> {
            item.as_object().unwrap().keys().map(|method| format!("{} {path}", method.to_uppercase())).collect()
        };
        let documented: BTreeSet<String> = document["paths"].as_object().unwrap().iter().flat_map(of_item).collect();
        let written = found.iter().filter(|(.., documented)| *documented);
        let written = written.map(|(path, method, ..)| format!("{} {path}", METHODS[*method])).collect();
        assert_eq!(documented, written, "a handler that no `routes!` names is not served");
    }

    #[test]
    fn every_operation_has_an_id_of_its_own_and_every_body_an_example() {
        let document = serde_json::to_value(document()).unwrap();
        let mut ids = HashSet::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                let id = operation["operationId"].as_str().unwrap();
                assert!(ids.insert(id.to_owned()), "{method} {path} repeats {id}");
                let Some(schema) = operation.pointer("/requestBody/content/application~1json/schema/$ref") else {
                    continue;
                };
                let schema = document.pointer(schema.as_str().unwrap().trim_start_matches('#')).unwrap();
                assert!(schema.get("example").or(schema.get("examples")).is_some(), "{method} {path} has no example");
            }
        }
        assert!(ids.len() > 30, "{}", ids.len());
    }
}
