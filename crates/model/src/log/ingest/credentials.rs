//! Takes credentials out of raw provider payloads before they are stored (contract D.1).

use crate::json::{Json, Text, without};

/// Member names that hold secrets, without case, `-` and `_`.
const SECRET: &[&str] = &[
    "authorization",
    "proxyauthorization",
    "bearertoken",
    "accesstoken",
    "refreshtoken",
    "idtoken",
    "authtoken",
    "sessiontoken",
    "awssessiontoken",
    "awsaccesskeyid",
    "awssecretaccesskey",
    "secretaccesskey",
    "secretkey",
    "clientsecret",
    "privatekey",
    "password",
    "cookie",
    "setcookie",
];

/// The value without any member that holds a secret, at any depth. A name whose value is an object or a number is kept
/// and searched: `password` may be a parameter's name in a tool's schema, but a secret is a string or a list of
/// strings.
pub(crate) fn remove(value: Text) -> Text {
    let found = |name: &str, value: Json<'_>| is_secret(name) && is_text(value);
    without(value.json().text(), found).map_or(value, Text::written)
}

fn is_secret(name: &str) -> bool {
    let name: String = name.chars().filter(|c| !matches!(c, '-' | '_')).map(|c| c.to_ascii_lowercase()).collect();
    name.ends_with("apikey") || SECRET.contains(&name.as_str())
}

fn is_text(value: Json<'_>) -> bool {
    value.is_string() || (value.is_array() && !value.is_empty() && value.items().all(Json::is_string))
}
