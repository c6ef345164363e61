//! The effective configuration as a TOML file: `default.toml` with its comments and the values in force, secrets left
//! out.

use super::{Config, DEFAULTS, Format};
use serde_json::{Value, json};

/// The file. It can be saved and used as `evalset.toml`.
pub fn as_toml(config: &Config) -> String {
    let values = json!({
        "data": config.data.to_string_lossy(),
        "listen": config.listen,
        "public_url": config.public_url,
        "span_window_seconds": config.span_window_seconds,
        "log": {
            "format": match config.log.format { Format::Text => "text", Format::Json => "json" },
            "level": config.log.level,
            "requests": config.log.requests,
        },
        "limits": config.limits,
    });
    let mut section = &values;
    let mut lines = Vec::new();
    for line in DEFAULTS.lines() {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            section = &values[name];
        }
        lines.push(match line.split_once(" = ").filter(|_| !line.starts_with('#')) {
            Some((name @ "api_key", _)) if config.api_key().is_some() => hidden(name),
            Some((name @ "secret_key", _)) if config.secret_key().is_some() => hidden(name),
            Some((name, _)) if !section[name].is_null() => format!("{name} = {}", toml(&section[name])),
            _ => line.to_owned(),
        });
    }
    lines.join("\n") + "\n"
}

fn hidden(name: &str) -> String {
    format!("# {name} is set, and not shown.")
}

/// Numbers, booleans and JSON's escapes of strings are TOML too, but for DEL, which JSON leaves bare.
fn toml(value: &Value) -> String {
    value.to_string().replace('\u{7f}', "\\u007F")
}
