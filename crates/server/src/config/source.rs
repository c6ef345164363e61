//! The sources beside the defaults: names are checked here, texts become values, and every fault names where it came
//! from.

use super::key::{Key, Kind, find, keys, nearest};
use figment::providers::{Format as _, Toml};
use figment::value::{Dict, Map, Value};
use figment::{Metadata, Profile, Provider};
use std::path::Path;

/// How our environment variables begin.
pub const PREFIX: &str = "EVALSET_";

/// Variables that begin like ours and are no options: the file's name, the server that commands go through, what
/// Kubernetes injects for a service called `evalset`, and the names of the test and benchmark programs.
const OTHER_VARIABLES: &[&str] = &["CONFIG", "URL", "SERVICE_*", "PORT", "PORT_*", "BIN", "TEST_*", "BENCH_*"];

/// Options given as texts.
pub struct Texts {
    origin: &'static str,
    options: Dict,
}

impl Provider for Texts {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.origin)
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        Ok(Profile::Default.collect(self.options.clone()))
    }
}

/// The environment as options.
pub fn environment(variables: &[(String, String)], faults: &mut Vec<String>) -> Texts {
    let mut options = Dict::new();
    for (variable, text) in variables {
        if is_other(variable) {
            continue;
        }
        if let Some(key) = keys().iter().find(|key| key.variable == *variable) {
            add(&mut options, key, text, variable, faults);
        } else {
            let name = variable.trim_start_matches(PREFIX).to_lowercase().replace("__", ".");
            let hint = nearest(&name).and_then(find).map(|key| key.variable.as_str());
            faults.push(unknown("environment variable", variable, hint));
        }
    }
    Texts { origin: "the environment", options }
}

/// The command line as options: dotted name → text. Names come from [`keys`], so none is unknown.
pub fn flags(flags: &[(String, String)], faults: &mut Vec<String>) -> Texts {
    let mut options = Dict::new();
    for (name, text) in flags {
        if let Some(key) = find(name) {
            let flag = format!("--{}", key.flag.as_deref().unwrap_or(name));
            add(&mut options, key, text, &flag, faults);
        }
    }
    Texts { origin: "the command line", options }
}

/// Whether a file can be read and holds options only.
pub fn check_file(file: &Path, faults: &mut Vec<String>) {
    let shown = file.display();
    let text = match std::fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) => return faults.push(format!("{shown}: cannot be read: {error}")),
    };
    match Toml::string(&text).data() {
        Ok(profiles) => {
            for dict in profiles.values() {
                check_names(dict, "", &shown.to_string(), faults);
            }
        }
        Err(error) => faults.extend(error.into_iter().map(|one| format!("{shown}: {}", one.kind))),
    }
}

fn check_names(dict: &Dict, section: &str, file: &str, faults: &mut Vec<String>) {
    for (key, value) in dict {
        let name = format!("{section}{key}");
        let is_section =
            keys().iter().any(|key| key.name.strip_prefix(&name).is_some_and(|rest| rest.starts_with('.')));
        match value {
            Value::Dict(_, inner) if is_section => check_names(inner, &format!("{name}."), file, faults),
            _ if is_section => {
                faults.push(format!("{file}: `{name}` is a section: write `[{name}]` and its options below"));
            }
            _ if find(&name).is_none() => faults.push(format!("{file}: {}", unknown("option", &name, nearest(&name)))),
            _ => {}
        }
    }
}

fn unknown(what: &str, name: &str, hint: Option<&str>) -> String {
    match hint {
        Some(hint) => format!("unknown {what} `{name}`; did you mean `{hint}`?"),
        None => format!("unknown {what} `{name}`; `evalset config print` lists all options"),
    }
}

fn is_other(variable: &str) -> bool {
    let name = variable.strip_prefix(PREFIX).unwrap_or(variable);
    OTHER_VARIABLES.iter().any(|other| match other.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => name == *other,
    })
}

/// Adds an option, its text read as what its default is.
fn add(options: &mut Dict, key: &Key, text: &str, origin: &str, faults: &mut Vec<String>) {
    let value = match key.kind() {
        Kind::Text => Value::from(text),
        Kind::Switch => match text.to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" | "on" => Value::from(true),
            "false" | "0" | "no" | "off" => Value::from(false),
            _ => return faults.push(format!("{origin}: must be true or false, got `{text}`")),
        },
        Kind::Number => match text.replace('_', "").parse::<i64>() {
            Ok(number) => Value::from(number),
            Err(_) => return faults.push(format!("{origin}: must be a whole number, got `{text}`")),
        },
    };
    match key.name.split_once('.') {
        None => drop(options.insert(key.name.clone(), value)),
        Some((section, name)) => {
            let inner = options.entry(section.to_owned()).or_insert_with(|| Value::from(Dict::new()));
            if let Value::Dict(_, inner) = inner {
                inner.insert(name.to_owned(), value);
            }
        }
    }
}
