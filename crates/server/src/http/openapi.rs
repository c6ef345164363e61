//! The OpenAPI document and the pages that show it. Knows no route: `router` collects them and hands the document over.

use axum::Router;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::get;
use bytes::Bytes;
use evalset_product::app::App;
use std::collections::BTreeMap;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    ComponentsBuilder, ContactBuilder, ContentBuilder, HeaderBuilder, InfoBuilder, LicenseBuilder, ObjectBuilder,
    OpenApi, OpenApiBuilder, Ref, RefOr, Response, ResponseBuilder, tag::TagBuilder,
};
use utoipa::openapi::{ResponsesBuilder, Type};
use utoipa::{IntoResponses, PartialSchema, ToSchema};

/// Body of every error (contract A.4). A wrong member is named twice: under `errors`, and as a member of its own.
#[derive(Debug, Default, serde::Serialize, ToSchema)]
pub struct ErrorBody {
    /// What is wrong and what is allowed.
    pub detail: String,
    /// The same text, for clients that read this name.
    pub error: String,
    /// Member at fault → what is wrong with it.
    #[schema(required = false)]
    pub errors: BTreeMap<String, Vec<String>>,
    /// With 500: `internal_error`.
    #[schema(nullable = false)]
    pub error_code: Option<String>,
    /// Seconds after which a retry may succeed; also sent as the header `Retry-After`.
    #[schema(nullable = false)]
    pub retry_after: Option<u64>,
    /// Id of the request, as in the header `x-request-id` and in the server's log.
    pub request_id: String,
}

/// Every way a call can fail, for `responses((status = 200, …), Failures)`.
#[derive(Debug)]
pub struct Failures;

/// Status, when, whether `Retry-After` is sent.
const FAILURES: &[(&str, &str, bool)] = &[
    ("400", "A member is missing, malformed or not allowed; `errors` names it.", false),
    ("401", "No API key, or one that does not work.", false),
    ("403", "The thing is final and read-only, such as a committed version of an evaluator.", false),
    ("404", "Nothing has this id in the key's organization.", false),
    ("405", "The path does not take this method; the header `Allow` lists those it takes.", false),
    ("409", "The thing's state does not allow this now.", false),
    ("413", "The body, or one row of it, is larger than a limit allows.", false),
    ("422", "Well-formed, but it cannot be meant.", false),
    ("429", "Too many calls.", true),
    ("500", "A fault of the server.", false),
    ("503", "Too much is going on at once.", true),
    ("504", "The request took longer than `limits.request_seconds`.", false),
    ("507", "The server's disk is full or read-only: reads go on, writes are refused.", false),
];

impl IntoResponses for Failures {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let body = || ContentBuilder::new().schema(Some(Ref::from_schema_name(ErrorBody::name()))).build();
        let seconds = || HeaderBuilder::new().schema(Some(ObjectBuilder::new().schema_type(Type::Integer))).build();
        FAILURES
            .iter()
            .fold(ResponsesBuilder::new(), |responses, (status, when, retried)| {
                let response = ResponseBuilder::new().description(*when).content("application/json", body());
                let response = if *retried { response.header("Retry-After", seconds()) } else { response };
                responses.response(*status, response)
            })
            .build()
            .into()
    }
}

/// Name of the security scheme in the document.
pub const SECURITY: &str = "api_key";

/// Tags in reading order, with what they group.
const TAGS: &[(&str, &str)] = &[
    ("Datasets", "Named collections of log rows."),
    ("Dataset logs", "The rows of a dataset: list, edit, summarise, add, remove."),
    ("Saved logs", "The collection `_saved_logs`, which belongs to no dataset."),
    ("Annotation", "A queue that hands rows of a dataset to people, one each, and their progress."),
    ("Request logs", "Logs as your application sent them; datasets are made of these."),
    ("Evaluators", "How a record gets a score, in versions: the last one is a draft, all others are fixed."),
    ("Evaluation runs", "Evaluators at work over datasets, their results row by row, and comparisons."),
    ("Scores", "What evaluators, programs and people say of logs and rows."),
    ("LLM provider", "Where LLM evaluators ask their models; one per organization."),
    ("Jobs", "Long work and its progress."),
    ("Exports", "Rows as files."),
    ("Health", "For load balancers and monitoring; no key needed."),
];

const DESCRIPTION: &str = "Datasets of LLM logs, self-hosted. Speaks the datasets API of the published client `respan-api`.\n\n\
    Every call needs `Authorization: Bearer <key>`; `evalset key create` makes keys. Paths also work without the prefix \
    `/api` and without the last slash. Times are ISO 8601; those sent back are UTC.";

/// The document without paths: give it to `OpenApiRouter::with_openapi`.
pub fn document() -> OpenApi {
    let key = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some("An API key made by `evalset key create`; the scheme may be left out."))
        .build();
    let components = ComponentsBuilder::new()
        .schema(ErrorBody::name(), ErrorBody::schema())
        .security_scheme(SECURITY, SecurityScheme::Http(key))
        .build();
    let info = InfoBuilder::new()
        .title("evalset")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(DESCRIPTION))
        .contact(Some(ContactBuilder::new().name(Some("evalset")).build()))
        .license(Some(LicenseBuilder::new().name("Apache-2.0").identifier(Some("Apache-2.0")).build()))
        .build();
    let tags = TAGS.iter().map(|(name, text)| TagBuilder::new().name(*name).description(Some(*text)).build());
    OpenApiBuilder::new()
        .info(info)
        .components(Some(components))
        .tags(Some(tags))
        .security(Some([SecurityRequirement::new(SECURITY, Vec::<String>::new())]))
        .build()
}

/// Gives every operation an id of its own, from method and path: `post_datasets_list`. Handlers are named within their
/// file only.
pub fn name_operations(document: &mut OpenApi) {
    for (path, item) in &mut document.paths.paths {
        let words = path.trim_start_matches("/api").split('/').filter(|word| !word.is_empty());
        let words: Vec<_> = words.map(|word| word.trim_matches(['{', '}']).replace('-', "_")).collect();
        let methods = [
            ("get", &mut item.get),
            ("post", &mut item.post),
            ("put", &mut item.put),
            ("patch", &mut item.patch),
            ("delete", &mut item.delete),
        ];
        for (method, operation) in methods {
            if let Some(operation) = operation {
                operation.operation_id = Some(format!("{method}_{}", words.join("_")));
            }
        }
    }
}

/// `GET /openapi.json`, `/docs` and `/` for the finished document.
pub fn routes(document: &OpenApi) -> evalset_model::Result<Router<App>> {
    let json = Bytes::from(document.to_pretty_json().map_err(evalset_model::Error::internal)?);
    let json = move || async move { ([(header::CONTENT_TYPE, "application/json")], json) };
    Ok(Router::new()
        .route("/openapi.json", get(json))
        .route("/docs", get(|| async { page(include_str!("assets/docs.html")) }))
        .route("/", get(|| async { page(include_str!("assets/home.html")) })))
}

/// A self-contained page: nothing it loads comes from elsewhere.
fn page(html: &'static str) -> impl IntoResponse {
    const POLICY: &str = "default-src 'self'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; \
                          frame-ancestors 'none'; base-uri 'none'";
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    (headers, html)
}

#[cfg(test)]
mod tests {
    use super::{ErrorBody, FAILURES, Failures, document};
    use utoipa::{IntoResponses, PartialSchema};

    #[test]
    fn the_document_is_3_1_with_key_and_error_body() {
        let json = serde_json::to_value(document()).unwrap();
        assert_eq!(json["openapi"], "3.1.0");
        assert_eq!(json["components"]["securitySchemes"]["api_key"]["scheme"], "bearer");
        assert_eq!(json["security"][0]["api_key"], serde_json::json!([]));
        let required = json["components"]["schemas"]["ErrorBody"]["required"].clone();
        assert_eq!(required, serde_json::json!(["detail", "error", "request_id"]));
    }

    #[test]
    fn every_failure_refers_to_the_one_body() {
        let json = serde_json::to_value(Failures::responses()).unwrap();
        for (status, _, retried) in FAILURES {
            let response = &json[status];
            assert_eq!(
                response["content"]["application/json"]["schema"]["$ref"], "#/components/schemas/ErrorBody",
                "{status}"
            );
            assert_eq!(response["headers"]["Retry-After"].is_object(), *retried, "{status}");
        }
        let _: utoipa::openapi::RefOr<utoipa::openapi::Schema> = ErrorBody::schema();
    }
}
