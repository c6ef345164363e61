//! The names that lines of a file may use: what each is to a log, `--map`, and the nearest name to one that is nothing.
//! Knows no file.

use crate::shape::named;
use evalset_model::field::{Field, TextField};
use evalset_model::log::payload;
use evalset_model::spelling::distance;
use std::str::FromStr;

/// `--map column=field`, or `--map key=field` of JSON lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// Column, or key of the line.
    pub name: String,
    /// Empty: leave it out.
    field: String,
}

impl Mapping {
    /// Where it goes.
    pub fn place(&self) -> Place {
        if self.field.is_empty() { Place::Nowhere } else { place(&self.field) }
    }
}

impl FromStr for Mapping {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // A column name may hold `=`, a field name may not.
        let (name, field) = text.rsplit_once('=').ok_or("must be NAME=FIELD, such as text=input")?;
        if name.is_empty() {
            return Err("the column or key before `=` is missing".to_owned());
        }
        let (name, field) = (name.to_owned(), field.trim().to_owned());
        if !field.is_empty() && !matches!(place(&field), Place::Named(_)) && !field.starts_with("metadata") {
            return Err(format!("`{field}` is no field of a log; use metadata.{field} to keep it as metadata"));
        }
        Ok(Self { name, field })
    }
}

/// Where a value goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// Left out.
    Nowhere,
    /// The member of this name.
    Named(String),
    /// This metadata key.
    Metadata(String),
}

/// The member that says which dataset a row is of.
pub const DATASET_ID: &str = "dataset_id";

/// Members of a log that are no [`Field`] and no [`TextField`].
pub const FURTHER: &[&str] = &["unique_id"];
/// Structured ones.
const STRUCTURED: &[&str] = &["metadata", "metrics"];
/// Members of an exported row that say where it was, which the row's new place says anew.
const OF_PLACE: &[&str] = &["id", DATASET_ID, "organization_id", "unique_organization_id", "scores", "system"];
/// Members that a body may bring and no answer shows.
const ONLY_READ: &[&str] = &["tokens", "ideal_output", "disable_log", "respan_params", "keywordsai_params"];

/// Most edits between a slip and what was meant.
const SLIP: usize = 2;

/// Where the value of a column of this name goes.
pub fn place(field: &str) -> Place {
    for prefix in ["metadata.", "metadata__"] {
        if let Some(key) = field.strip_prefix(prefix).filter(|key| !key.is_empty()) {
            return Place::Metadata(key.to_owned());
        }
    }
    let known = Field::named(field).is_some()
        || TextField::named(field).is_some()
        || FURTHER.contains(&field)
        || STRUCTURED.contains(&field)
        || payload::KEPT.contains(&field);
    match field {
        of_place if OF_PLACE.contains(&of_place) => Place::Nowhere,
        named if known => Place::Named(named.to_owned()),
        other => Place::Metadata(other.to_owned()),
    }
}

/// Whether ingestion reads a member of this name, or passes it over knowingly because an export has it.
pub fn is_known(member: &str) -> bool {
    named(member).is_some() || ONLY_READ.contains(&member)
}

/// What a name that is no field may be mapped to: the field it is a slip of, else metadata.
pub fn suggestion(name: &str) -> String {
    let fields = Field::ALL.iter().filter(|field| field.spec().writable);
    let fields = fields.flat_map(|field| std::iter::once(field.name()).chain(field.spec().aliases.iter().copied()));
    let texts = TextField::ALL.iter().map(|field| field.name());
    let all = fields.chain(texts).chain(FURTHER.iter().chain(STRUCTURED).chain(payload::KEPT).copied());
    let lower = name.to_lowercase();
    let nearest = all.map(|field| (distance(&lower, field), field)).min();
    match nearest {
        Some((edits, field)) if edits <= SLIP && 2 * edits < lower.chars().count() => field.to_owned(),
        _ => format!("metadata.{name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::{is_known, suggestion};
    use crate::shape::DETAIL;

    #[test]
    fn what_an_export_or_a_body_may_hold_is_known() {
        for (name, _) in DETAIL.iter() {
            assert!(is_known(name), "{name}");
        }
        for name in ["created_at", "input_tokens", "respan_params", "organization_key__name", "period_start"] {
            assert!(is_known(name), "{name}");
        }
        for name in ["modle", "user_rating", "Model", ""] {
            assert!(!is_known(name), "{name}");
        }
    }

    #[test]
    fn a_slip_is_mapped_to_what_was_meant_and_the_rest_to_metadata() {
        for (name, meant) in [
            ("modle", "model"),
            ("Latency", "latency"),
            ("outptu", "output"),
            ("promt_tokens", "prompt_tokens"),
            ("user_rating", "metadata.user_rating"),
            ("tip", "metadata.tip"),
        ] {
            assert_eq!(suggestion(name), meant);
        }
    }
}
