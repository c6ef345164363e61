//! One canonical path per route: `/api/…/`. Requests without the prefix or the slash are served by the same handler
//! with no redirect (contract A.1). Knows no routes but the few that live outside `/api`.

use axum::extract::Request;
use axum::http::Uri;

/// The URI as the caller wrote it, for `next` and `previous` links.
#[derive(Clone, Debug)]
pub struct RequestedUri(pub Uri);

/// Paths outside the API, left as they are.
const OUTSIDE: &[&str] = &["/", "/healthz", "/readyz", "/metrics", "/openapi.json", "/docs"];

/// Rewrites the path to its canonical form, keeping the requested one as [`RequestedUri`].
pub fn normalise<B>(mut request: Request<B>) -> Request<B> {
    let uri = request.uri().clone();
    if let Some(canonical) = canonical(uri.path()) {
        let with_query = match uri.query() {
            Some(query) => format!("{canonical}?{query}"),
            None => canonical,
        };
        if let Ok(rewritten) = with_query.parse::<Uri>() {
            *request.uri_mut() = rewritten;
        }
    }
    request.extensions_mut().insert(RequestedUri(uri));
    request
}

/// The canonical form of a path, or `None` when it already is canonical.
fn canonical(path: &str) -> Option<String> {
    let bare = path.trim_end_matches('/');
    if OUTSIDE.contains(&path) || OUTSIDE.contains(&bare) {
        return (bare != path && path != "/").then(|| bare.to_owned());
    }
    let prefix = if path == "/api" || path.starts_with("/api/") { "" } else { "/api" };
    let slash = if path.ends_with('/') { "" } else { "/" };
    (!prefix.is_empty() || !slash.is_empty()).then(|| format!("{prefix}{path}{slash}"))
}

#[cfg(test)]
mod tests {
    use super::canonical;

    #[test]
    fn prefix_and_slash_are_added() {
        for path in ["/datasets/list", "/datasets/list/", "/api/datasets/list"] {
            assert_eq!(canonical(path).as_deref(), Some("/api/datasets/list/"), "{path}");
        }
        assert_eq!(canonical("/api/datasets/list/"), None);
        assert_eq!(canonical("/healthz"), None);
        assert_eq!(canonical("/healthz/").as_deref(), Some("/healthz"));
        assert_eq!(canonical("/apiary").as_deref(), Some("/api/apiary/"));
    }
}
