//! What values mean together: each fault names the option and what is allowed.

use super::{Config, key};
use evalset_model::limits::Limits;
use evalset_product::ops::keys::check_chosen;
use evalset_product::secrets;

/// Collects every fault of the values.
pub fn values(config: &Config, faults: &mut Vec<String>) {
    let mut fault = |name: &str, why: &str| faults.push(format!("`{name}`: {why}"));
    if config.data.as_os_str().is_empty() {
        fault("data", "must name a folder");
    }
    if !config.listen.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok()) {
        fault("listen", "must be HOST:PORT, such as 127.0.0.1:8080 or [::1]:8080");
    }
    let url = &config.public_url;
    if !url.is_empty() && url.parse::<axum::http::Uri>().ok().and_then(|uri| uri.authority().cloned()).is_none() {
        fault("public_url", "must be an absolute URL, such as https://evalset.example.com, or empty");
    } else if !url.is_empty() && !url.starts_with("http://") && !url.starts_with("https://") {
        fault("public_url", "must begin with http:// or https://");
    }
    if let Some(Err(error)) = config.api_key().map(check_chosen) {
        fault("api_key", &error.to_string());
    }
    if config.secret_key().is_some_and(|key| secrets::parse(key).is_none()) {
        fault("secret_key", "must be 64 hex digits, such as `openssl rand -hex 32` makes");
    }
    if config.span_window_seconds < 1 {
        fault("span_window_seconds", "must be at least 1");
    }
    if let Err(error) = config.log.level.parse::<tracing_subscriber::filter::Targets>() {
        fault(
            "log.level",
            &format!("must be a level such as info, or directives such as info,evalset=debug ({error})"),
        );
    }
    limits(&config.limits, faults);
}

/// Limits of zero would stop the server from doing anything at all.
fn limits(limits: &Limits, faults: &mut Vec<String>) {
    let Ok(serde_json::Value::Object(values)) = serde_json::to_value(limits) else { return };
    for (name, value) in values {
        if value.as_u64() == Some(0) && key::find(&format!("limits.{name}")).is_some() {
            faults.push(format!("`limits.{name}`: must be at least 1"));
        }
    }
    for (name, seconds) in [
        ("annotation_lease_seconds", limits.annotation_lease_seconds),
        ("annotation_lease_seconds_max", limits.annotation_lease_seconds_max),
    ] {
        if seconds < 0 {
            faults.push(format!("`limits.{name}`: must be at least 1"));
        }
    }
    if limits.max_row_bytes > limits.max_body_bytes {
        faults.push("`limits.max_row_bytes`: must not be above `limits.max_body_bytes`".to_owned());
    }
}
