//! Two evaluations side by side. A route of our own, not part of the hosted service's API, hence strict: unknown
//! members are refused.

use crate::http::auth::Caller;
use crate::http::error::Answer;
use crate::http::extract::Body;
use crate::http::members;
use crate::http::openapi::Failures;
use crate::http::schema::CompareBody;
use crate::wire::comparison::ComparisonObject;
use axum::Json;
use axum::extract::State;
use evalset_model::comparison::Options;
use evalset_model::{Error, Result};
use evalset_product::app::App;
use evalset_product::ops::comparisons::{self, Ask, Match, Side};
use serde_json::{Map, Value};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The routes of this noun.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(compare))
}

const MEMBERS: &[&str] = &["a", "b", "match", "confidence", "resamples", "seed", "epsilon", "limit"];
const SIDE_MEMBERS: &[&str] = &["run", "dataset_id", "evaluator", "evaluator_id", "evaluator_slug"];

/// Compare two runs, or the scores that two evaluators gave the rows of one dataset or of two: means with bootstrap
/// intervals, wins, losses and ties row by row, and the rows that changed most. B is better where its value is greater.
/// Values that are no numbers are compared by how often they agree.
#[utoipa::path(post, path = "/api/eval-reports/compare/", tag = "Evaluation runs", request_body = CompareBody,
    responses((status = 200, body = ComparisonObject), Failures))]
async fn compare(State(app): State<App>, caller: Caller, Body(body): Body) -> Answer<Json<ComparisonObject>> {
    Ok(Json(comparisons::compare(&app, caller.actor(), ask(&body)?).await?.into()))
}

fn ask(body: &Map<String, Value>) -> Result<Ask> {
    members::only(body, "", MEMBERS)?;
    let usual = Options::default();
    Ok(Ask {
        a: side(body, "a")?,
        b: side(body, "b")?,
        matching: members::text(body, "match")?.map(|text| Match::parse(&text)).transpose()?,
        options: Options {
            seed: members::whole(body, "seed")?.unwrap_or(usual.seed),
            resamples: members::whole(body, "resamples")?.unwrap_or(usual.resamples),
            confidence: members::number(body, "confidence")?.unwrap_or(usual.confidence),
            epsilon: members::number(body, "epsilon")?.unwrap_or(usual.epsilon),
            listed: members::whole(body, "limit")?.unwrap_or(usual.listed),
        },
    })
}

fn side(body: &Map<String, Value>, name: &str) -> Result<Side> {
    const WANTED: &str = r#"{"run": ID} or {"dataset_id": ID, "evaluator": ID or slug}"#;
    let needed = |path: String| {
        let message = format!("`{path}` is required: `{name}` is {WANTED}");
        Error::invalid(path, message)
    };
    let side = members::object(body, name)?.ok_or_else(|| needed(name.to_owned()))?;
    members::only(side, name, SIDE_MEMBERS)?;
    let text = |member: &str| {
        let path = format!("{name}.{member}");
        let wrong = |_| Error::invalid(&path, format!("`{path}` must be a string"));
        members::text(side, member).map_err(wrong)
    };
    let evaluator = text("evaluator")?.or(text("evaluator_id")?).or(text("evaluator_slug")?);
    match (text("run")?, text("dataset_id")?, evaluator) {
        (Some(run), None, None) => Ok(Side::Run(run)),
        (Some(_), _, _) => {
            let path = format!("{name}.run");
            let message = format!("`{path}` stands alone: a run has its dataset and evaluator");
            Err(Error::invalid(path, message))
        }
        (None, Some(dataset), Some(evaluator)) => Ok(Side::Scores { dataset, evaluator }),
        (None, Some(_), None) => Err(needed(format!("{name}.evaluator"))),
        (None, None, Some(_)) => Err(needed(format!("{name}.dataset_id"))),
        (None, None, None) => Err(needed(format!("{name}.run"))),
    }
}

#[cfg(test)]
mod tests {
    use super::{MEMBERS, SIDE_MEMBERS, ask};
    use crate::http::members::document::{agrees, lists};
    use crate::http::schema::{CompareBody, CompareSide};
    use serde_json::json;

    #[test]
    fn the_document_shows_what_is_read() {
        lists::<CompareBody>(MEMBERS);
        lists::<CompareSide>(SIDE_MEMBERS);
        let body = json!({"a": {"run": "1"}, "b": {"run": "2"}});
        agrees::<CompareBody>(SIDE_MEMBERS, || drop(ask(body.as_object().unwrap()).unwrap()));
    }
}
