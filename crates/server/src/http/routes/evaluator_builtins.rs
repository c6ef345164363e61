//! The catalogue of built-in evaluators. A route of our own.

use crate::http::auth::Caller;
use crate::http::openapi::Failures;
use crate::wire::builtin::CatalogueObject;
use axum::Json;
use evalset_evaluate::rules::CATALOGUE;
use evalset_product::app::App;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The routes of this noun.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list))
}

/// List the built-in evaluators: what each computes, and its parameters. They run by their `reference`, or as an
/// evaluator whose `code_config` names them.
#[utoipa::path(get, path = "/api/evaluators/builtins/", tag = "Evaluators",
    responses((status = 200, body = CatalogueObject), Failures))]
async fn list(_: Caller) -> Json<CatalogueObject> {
    Json(CatalogueObject::new(CATALOGUE))
}
