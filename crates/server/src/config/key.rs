//! What options there are: read once from the text of `default.toml`, so that a name, its default and its explanation
//! cannot drift apart.

use super::DEFAULTS;
use evalset_model::spelling;
use std::sync::LazyLock;

/// Options that have no flag, as flags show in process lists, and are never printed.
pub const SECRETS: &[&str] = &["api_key", "secret_key"];

/// One option.
#[derive(Debug)]
pub struct Key {
    /// Name with its section: `limits.parity`.
    pub name: String,
    /// Long flag without dashes: `limits-parity`. `None` for what does not belong on a command line.
    pub flag: Option<String>,
    /// Environment variable: `EVALSET_LIMITS__PARITY`.
    pub variable: String,
    /// What it is, from the comment above it.
    pub help: String,
    /// Default, as TOML.
    pub default: String,
}

/// What a value must look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Any text.
    Text,
    /// A whole number.
    Number,
    /// `true` or `false`.
    Switch,
}

impl Key {
    /// What its values look like.
    pub fn kind(&self) -> Kind {
        match self.default.as_str() {
            "true" | "false" => Kind::Switch,
            text if text.starts_with('"') => Kind::Text,
            _ => Kind::Number,
        }
    }
}

/// All options, in the order of the file.
pub fn keys() -> &'static [Key] {
    static KEYS: LazyLock<Vec<Key>> = LazyLock::new(|| parse(DEFAULTS));
    &KEYS
}

/// The option of this name.
pub fn find(name: &str) -> Option<&'static Key> {
    keys().iter().find(|key| key.name == name)
}

/// Names, for messages: the nearest to a wrong one, when one is near.
pub fn nearest(wrong: &str) -> Option<&'static str> {
    let (distance, name) = keys().iter().map(|key| (spelling::distance(wrong, &key.name), key.name.as_str())).min()?;
    (distance <= 3 + wrong.len() / 8).then_some(name)
}

/// The file is ours and plain: sections, `key = value` lines, comments above what they explain.
fn parse(text: &str) -> Vec<Key> {
    let (mut keys, mut section, mut help) = (Vec::new(), String::new(), Vec::new());
    for line in text.lines() {
        if let Some(comment) = line.strip_prefix('#') {
            help.push(comment.trim());
        } else if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            section = format!("{name}.");
            help.clear();
        } else if let Some((name, default)) = line.split_once(" = ") {
            let name = format!("{section}{name}");
            keys.push(Key {
                flag: (!SECRETS.contains(&name.as_str())).then(|| name.replace(['.', '_'], "-")),
                variable: format!("{}{}", super::source::PREFIX, name.replace('.', "__").to_uppercase()),
                help: help.join(" "),
                default: default.to_owned(),
                name,
            });
            help.clear();
        } else {
            help.clear();
        }
    }
    keys
}

#[cfg(test)]
mod tests {
    use super::{find, keys, nearest};

    #[test]
    fn every_option_is_explained_and_named_three_ways() {
        for key in keys() {
            assert!(key.help.ends_with('.'), "{}: {:?}", key.name, key.help);
        }
        let parity = find("limits.parity").unwrap();
        assert_eq!(parity.flag.as_deref(), Some("limits-parity"));
        assert_eq!(parity.variable, "EVALSET_LIMITS__PARITY");
        for secret in super::SECRETS {
            assert!(find(secret).unwrap().flag.is_none());
        }
    }

    #[test]
    fn a_slip_finds_the_name_and_nonsense_does_not() {
        assert_eq!(nearest("limits.bulk_item"), Some("limits.bulk_items"));
        assert_eq!(nearest("limit.parity"), Some("limits.parity"));
        assert_eq!(nearest("telemetry.endpoint"), None);
    }
}
