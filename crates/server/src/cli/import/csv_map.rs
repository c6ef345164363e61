//! CSV columns → members of a log. Knows no file.

use evalset_model::field::{Field, TextField};
use evalset_model::log::payload;
use serde_json::{Map, Value};
use std::str::FromStr;

/// `--map column=field`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    column: String,
    /// Empty: leave the column out.
    field: String,
}

impl FromStr for Mapping {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // A column name may hold `=`, a field name may not.
        let (column, field) = text.rsplit_once('=').ok_or("must be COLUMN=FIELD, such as text=input")?;
        if column.is_empty() {
            return Err("the column before `=` is missing".to_owned());
        }
        let (column, field) = (column.to_owned(), field.trim().to_owned());
        if !field.is_empty() && !matches!(place(&field), Place::Named(_)) && !field.starts_with("metadata") {
            return Err(format!("`{field}` is no field of a log; use metadata.{field} to keep it as metadata"));
        }
        Ok(Self { column, field })
    }
}

/// Where the cells of a column go.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    Nowhere,
    Named(String),
    Metadata(String),
}

/// The columns of a file.
#[derive(Clone, Debug)]
pub struct Columns {
    places: Vec<Place>,
    /// The file is an export, whose structured cells are JSON text, strings too (contract B.19).
    exported: bool,
}

/// Members of a log that are no [`Field`] and no [`TextField`].
const FURTHER: &[&str] = &["unique_id"];
/// Structured ones.
const STRUCTURED: &[&str] = &["metadata", "metrics"];
/// Text views of input and output.
const VIEWS: &[&str] = &["prompt", "completion"];
/// Members of an exported row that say where it was, which the row's new place says anew.
const OF_PLACE: &[&str] = &["id", "dataset_id", "organization_id", "unique_organization_id", "scores", "system"];

fn place(field: &str) -> Place {
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

impl Columns {
    /// The columns of a header; a mapping of a column that is not there is an error.
    pub fn new(header: &csv::StringRecord, mappings: &[Mapping]) -> anyhow::Result<Self> {
        for mapping in mappings {
            let known = header.iter().any(|column| column == mapping.column);
            let columns = header.iter().collect::<Vec<_>>().join(", ");
            anyhow::ensure!(known, "--map: there is no column `{}`; there are: {columns}", mapping.column);
        }
        let of_column = |column: &str| match mappings.iter().find(|mapping| mapping.column == column) {
            Some(mapping) if mapping.field.is_empty() => Place::Nowhere,
            Some(mapping) => place(&mapping.field),
            None => place(column),
        };
        let exported = mappings.is_empty() && header.iter().any(|column| column == "unique_id");
        Ok(Self { places: header.iter().map(of_column).collect(), exported })
    }

    /// The log of a record. Empty cells are absent; of several columns for one field the last that is not empty counts.
    pub fn log(&self, record: &csv::StringRecord) -> Result<Map<String, Value>, String> {
        if record.len() > self.places.len() {
            return Err(format!("the line has {} cells, the header {}", record.len(), self.places.len()));
        }
        let (mut log, mut metadata) = (Map::new(), Map::new());
        for (place, cell) in self.places.iter().zip(record).filter(|(_, cell)| !cell.is_empty()) {
            let cell = disarmed(cell);
            match place {
                Place::Nowhere => {}
                Place::Metadata(key) => {
                    metadata.insert(key.clone(), scalar(cell));
                }
                Place::Named(name) if name == "metadata" => match serde_json::from_str(cell) {
                    Ok(Value::Object(members)) => metadata.extend(members),
                    _ => return Err("`metadata` must be a JSON object".to_owned()),
                },
                Place::Named(name) => {
                    log.insert(name.clone(), self.value(name, cell));
                }
            }
        }
        if !metadata.is_empty() {
            log.insert("metadata".to_owned(), Value::Object(metadata));
        }
        Ok(log)
    }

    /// Scalar fields stay text, which ingestion reads as the field's type; elsewhere JSON structures are read.
    fn value(&self, name: &str, cell: &str) -> Value {
        let is_text = Field::named(name).is_some() || VIEWS.contains(&name) || FURTHER.contains(&name);
        let is_json = self.exported || cell.trim_start().starts_with(['{', '[']);
        let value = if is_json && !is_text { serde_json::from_str(cell).ok() } else { None };
        value.unwrap_or_else(|| Value::from(cell))
    }
}

/// Without the `'` that exports put before what a spreadsheet would run as a formula.
fn disarmed(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(rest) if rest.starts_with(['=', '+', '-', '@', '\t', '\r']) => rest,
        _ => cell,
    }
}

/// A metadata cell: a boolean or number when it is one beyond doubt, else text. `007` and long digit strings stay text.
fn scalar(cell: &str) -> Value {
    match serde_json::from_str(cell) {
        Ok(Value::Bool(flag)) => Value::Bool(flag),
        Ok(Value::Number(number)) if cell.len() <= 15 => Value::Number(number),
        Ok(structure @ (Value::Object(_) | Value::Array(_))) => structure,
        _ => Value::from(cell),
    }
}
