//! `sort_by` (contract A.6): a field name, `-` before it for greatest first.

use super::super::operator::shorten;
use super::super::tree::LogField;
use super::NamedField;
use super::logs::named;
use crate::error::{Error, Result};
use crate::field::Field;
use crate::page::Sort;

/// Reads the order of logs or rows; empty text is `default`. A plain name that is no field is refused: to sort by
/// metadata write `metadata__KEY`.
pub fn sort(text: &str, default: Sort) -> Result<Sort> {
    if text.is_empty() {
        return Ok(default);
    }
    let (name, descending) = split(text);
    let keyed = |field: &LogField| !matches!(field, LogField::Metadata(key) | LogField::Score(key) if key.is_empty());
    let field = named(name).filter(|field| field.sortable() && keyed(field)).ok_or_else(|| {
        let names = Field::ALL.iter().map(|field| field.name()).collect::<Vec<_>>().join(", ");
        refused(name, &format!("unique_id, {names}, metadata__KEY, scores__EVALUATOR_ID"))
    })?;
    Ok(Sort { field, descending })
}

/// Reads the order of a noun with a fixed list of sortable fields: the field, and whether greatest comes first.
pub fn sort_in(text: &str, sortable: &'static [NamedField]) -> Result<(NamedField, bool)> {
    let (name, descending) = split(text);
    let field = sortable
        .iter()
        .find(|field| field.name == name)
        .ok_or_else(|| refused(name, &sortable.iter().map(|field| field.name).collect::<Vec<_>>().join(", ")))?;
    Ok((*field, descending))
}

fn split(text: &str) -> (&str, bool) {
    text.strip_prefix('-').map_or((text, false), |name| (name, true))
}

fn refused(name: &str, allowed: &str) -> Error {
    let name = shorten(name);
    Error::invalid(
        "sort_by",
        format!("`{name}` cannot be sorted by; allowed, with `-` before it for descending: {allowed}"),
    )
}
