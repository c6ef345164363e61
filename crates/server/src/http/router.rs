//! The table of contents of the API: which noun serves what. No logic.
//!
//! Paths are written in their canonical form, `/api/…/`; `paths` brings requests into it.

use crate::app::App;
use crate::http::openapi;
use crate::http::routes::{
    dataset_imports, dataset_logs, datasets, exports, health, jobs, request_log_groups, request_logs,
};
use axum::Router;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;

/// All routes of the API with their description.
fn api() -> (Router<App>, OpenApi) {
    OpenApiRouter::with_openapi(openapi::document())
        // What people work with
        .merge(datasets::routes())
        .merge(dataset_logs::routes())
        .merge(dataset_imports::routes())
        // What applications send
        .merge(request_logs::routes())
        .merge(request_log_groups::routes())
        // What takes long
        .merge(jobs::routes())
        .merge(exports::routes())
        // For operators, no key needed
        .merge(health::routes())
        .split_for_parts()
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
