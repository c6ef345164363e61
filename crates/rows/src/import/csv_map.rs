//! CSV columns → members of a log. Knows no file.

use super::Refused;
use super::names::{DATASET_ID, FURTHER, Mapping, Place, place};
use evalset_model::field::Field;
use serde_json::{Map, Value};

/// Text views of input and output.
const VIEWS: &[&str] = &["prompt", "completion"];

/// The columns of a file.
#[derive(Clone, Debug)]
pub struct Columns {
    places: Vec<Place>,
    /// The file is an export, whose structured cells are JSON text, strings too (contract B.19).
    exported: bool,
    /// The column that says which dataset a row is of, unless it is mapped to something else.
    dataset_id: Option<usize>,
}

impl Columns {
    /// The columns of a header; a mapping of a column that is not there is an error.
    pub fn new(header: &csv::StringRecord, mappings: &[Mapping]) -> Result<Self, Refused> {
        if let Some(wrong) = mappings.iter().find(|mapping| !header.iter().any(|column| column == mapping.name)) {
            let columns = header.iter().collect::<Vec<_>>().join(", ");
            return Err(Refused(format!("--map: there is no column `{}`; there are: {columns}", wrong.name)));
        }
        let mapping = |column: &str| mappings.iter().find(|mapping| mapping.name == column);
        let of_column = |column: &str| mapping(column).map_or_else(|| place(column), Mapping::place);
        let exported = mappings.is_empty() && header.iter().any(|column| column == "unique_id");
        let dataset_id = header.iter().position(|column| column == DATASET_ID && mapping(column).is_none());
        Ok(Self { places: header.iter().map(of_column).collect(), exported, dataset_id })
    }

    /// Whether the record is a row of a dataset.
    pub fn of_dataset(&self, record: &csv::StringRecord) -> bool {
        self.dataset_id.and_then(|column| record.get(column)).is_some_and(|id| !id.is_empty())
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
