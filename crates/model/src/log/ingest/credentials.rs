//! Takes credentials out of raw provider payloads before they are stored (contract D.1).

use serde_json::Value;

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

/// Removes every member that holds a secret, at any depth. A name whose value is an object or a number is kept and
/// searched: `password` may be a parameter's name in a tool's schema, but a secret is a string or a list of strings.
pub(crate) fn remove(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|name, value| !(is_secret(name) && is_text(value)));
            members.values_mut().for_each(remove);
        }
        Value::Array(items) => items.iter_mut().for_each(remove),
        _ => {}
    }
}

fn is_secret(name: &str) -> bool {
    let name: String = name.chars().filter(|c| !matches!(c, '-' | '_')).map(|c| c.to_ascii_lowercase()).collect();
    name.ends_with("apikey") || SECRET.contains(&name.as_str())
}

fn is_text(value: &Value) -> bool {
    match value {
        Value::String(_) => true,
        Value::Array(items) => !items.is_empty() && items.iter().all(Value::is_string),
        _ => false,
    }
}
