//! Names of trace fields (contract C.8): what the root span answers, what all spans answer, and the root's metadata.

use super::super::operator::shorten;
use super::super::traces::{OF_ROOT, TOTALS, TraceField, TraceFilter};
use super::super::tree::LogField;
use super::super::wire::{Condition, Filters};
use super::logs::{constant, field_condition, is_known, named, with_key};
use super::value::{Shape, compile};
use super::{bound_patterns, no_keys, tree};
use crate::error::{Error, Result};

/// Checks a filter over traces of the organization with this id. A name that is no field of traces or logs is a key of
/// the root span's metadata. A field that only logs have is refused: read as metadata it would match nothing, and not
/// say so.
pub fn traces(filters: &Filters, organization_id: &str) -> Result<TraceFilter> {
    bound_patterns(filters)?;
    tree(filters, &|key, condition| {
        if matches!(key, "organization_id" | "unique_organization_id") {
            return constant(Some(organization_id), key, condition);
        }
        if let Some(field) = TOTALS.iter().find(|field| field.name == key) {
            no_keys(condition, key)?;
            return compile(TraceField::Total(*field), Shape::Typed(field.kind), condition, key);
        }
        Ok(field_condition(of_root(key, condition)?, condition)?.map(&TraceField::Root))
    })
}

fn of_root(key: &str, condition: &Condition) -> Result<LogField> {
    if let Some((_, field)) = OF_ROOT.iter().find(|(name, _)| *name == key) {
        return Ok(LogField::Scalar(*field));
    }
    match named(key) {
        Some(field @ (LogField::Metadata(_) | LogField::MetadataMap)) => with_key(field, condition),
        None if !is_known(key) => Ok(LogField::Metadata(key.to_owned())),
        _ => {
            let (path, key) = (&condition.place.path, shorten(key));
            let names = OF_ROOT.iter().map(|(name, _)| *name).chain(TOTALS.iter().map(|field| field.name));
            let names = names.collect::<Vec<_>>().join(", ");
            let text = format!("`{key}` is a field of logs, not of traces; allowed: {names}, metadata__KEY");
            Err(Error::invalid(path, text))
        }
    }
}
