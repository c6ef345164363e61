//! See the module: what is loaded is what was saved, and nothing else is.

use super::*;
use crate::LogRef;
use evalset_model::ids::RowNumber;
use evalset_model::log::Scalars;
use evalset_model::scalar::Scalar;
use evalset_model::score::{ComparedScore, ComparedScores};
use serde_json::{Map, Value, json};
use xxhash_rust::xxh3::xxh3_64;

const LIMITS: ColumnLimits = ColumnLimits { metadata_columns: 3 };

fn no_files(_: &FileRef) -> Result<Arc<dyn Backing>> {
    Err(odd())
}

fn map(value: &Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

/// Columns in which every part has something: wide and narrow codes, sparse and dense cells, ids of both kinds.
fn columns() -> Columns {
    let mut columns = Columns::with_chunk_rows(&LIMITS, 64);
    for number in 1..=200_i64 {
        let mut scalars = Scalars::default();
        scalars.set(Field::Timestamp, Some(Scalar::Time(number * 1_000_000_007)));
        scalars.set(Field::Cost, Some(Scalar::Float(number as f64 / 3.0)));
        scalars.set(Field::PromptTokens, Some(Scalar::Int(number)));
        scalars.set_text(Field::Model, format!("m{}", number % 7));
        scalars.set_text(Field::CustomIdentifier, format!("c{number}"));
        let metadata = match number % 4 {
            0 => json!({"tier": "gold", "n": number, "deep": {"a": [1, true], "b": null}}),
            1 => json!({"tier": number, "big": 9_007_199_254_740_993_i64, "more": {"x": 1}}),
            _ => json!({}),
        };
        let scores = ComparedScores::from_iter([("e", ComparedScore::Number(number as f64))]);
        let id = if number < 130 { format!("{number:032x}") } else { format!("row-{number}") };
        let metadata = map(&metadata);
        let scores = Some(&scores).filter(|_| number % 3 == 0);
        columns.append(RowNumber::new(number), LogRef { id: &id, scalars: &scalars, metadata: &metadata, scores });
    }
    columns.remove(RowNumber::new(17));
    columns
}

fn bytes(columns: &Columns) -> Vec<u8> {
    let mut bytes = Vec::new();
    columns.save(&mut bytes).unwrap();
    bytes
}

#[test]
fn what_is_loaded_is_what_was_saved() {
    let saved = bytes(&columns());
    let loaded = Columns::load(&LIMITS, &mut saved.as_slice(), &no_files).unwrap();
    assert_eq!((loaded.len(), loaded.last_row().get(), loaded.contains(RowNumber::new(17))), (199, 200, false));
    assert_eq!(bytes(&loaded), saved);
}

/// When this fails and `LAYOUT` was not raised, files of the former layout would be read wrongly: raise it, then write
/// the new value here.
#[test]
fn the_layout_is_that_of_its_version() {
    assert_eq!((LAYOUT, xxh3_64(&bytes(&columns())[20..])), (2, 4_077_351_013_978_394_995));
}

#[test]
fn anything_else_is_refused() {
    let saved = bytes(&columns());
    for length in (0..saved.len()).step_by(97) {
        assert!(Columns::load(&LIMITS, &mut &saved[..length], &no_files).is_err(), "{length} bytes of {}", saved.len());
    }
    assert!(Columns::load(&ColumnLimits { metadata_columns: 4 }, &mut saved.as_slice(), &no_files).is_err());
    let mut other = saved;
    other[0] ^= 1;
    assert!(Columns::load(&LIMITS, &mut other.as_slice(), &no_files).is_err());
}
