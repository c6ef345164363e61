//! The table of contents of the API: which noun serves what. No logic.
//!
//! Paths are written in their canonical form, `/api/…/`; `paths` brings requests into it.

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
    use std::collections::HashSet;

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
