//! The tables, their versions, and the statements made from the field table.
//!
//! Columns of `log` come from `Field::ALL`: a new field is added to an old file when it is opened, without a migration.

use crate::file::error::OpenError;
use evalset_model::field::Field;
use evalset_model::scalar::Kind;
use rusqlite::{Connection, TransactionBehavior};
use std::fmt::Write;
use std::path::Path;
use std::sync::LazyLock;

/// `evds`: marks a file as ours.
pub(crate) const APPLICATION_ID: i64 = 0x6576_6473;

/// Migration n brings a file from version n to n + 1.
const MIGRATIONS: &[&str] = &[
    include_str!("migrations/0001_tables.sql"),
    include_str!("migrations/0002_evaluation.sql"),
    include_str!("migrations/0003_snapshots.sql"),
    include_str!("migrations/0004_text.sql"),
    include_str!("migrations/0005_leases.sql"),
];

/// Version of the files this program writes.
pub(crate) const VERSION: i64 = MIGRATIONS.len() as i64;

/// Columns of `log` before the typed ones, in the order of [`SELECT`].
pub(crate) const FIXED: usize = 4;

/// `"timestamp", "start_time", …`
static FIELD_COLUMNS: LazyLock<String> =
    LazyLock::new(|| Field::ALL.iter().map(|field| format!("\"{}\"", field.name())).collect::<Vec<_>>().join(", "));

/// Selects `row, version, unique_id, metadata` and the typed columns from `log`; callers append `WHERE …`.
pub(crate) static SELECT: LazyLock<String> =
    LazyLock::new(|| format!("SELECT row, version, unique_id, metadata, {} FROM log", *FIELD_COLUMNS));

/// Adds a row unless its id is in the collection: `row, collection, unique_id, metadata`, typed columns.
pub(crate) static INSERT: LazyLock<String> = LazyLock::new(|| {
    let marks = (1..=FIXED + Field::ALL.len()).map(|index| format!("?{index}")).collect::<Vec<_>>().join(", ");
    format!(
        "INSERT INTO log (row, collection, unique_id, metadata, {}) VALUES ({marks}) \
         ON CONFLICT (collection, unique_id) DO NOTHING",
        *FIELD_COLUMNS
    )
});

/// Changes a row at one version: `row, version, unique_id, metadata`, typed columns. The id is only compared.
pub(crate) static UPDATE: LazyLock<String> = LazyLock::new(|| {
    let mut sql = "UPDATE log SET version = version + 1, metadata = ?4".to_owned();
    for field in Field::ALL {
        let _ = write!(sql, ", \"{}\" = ?{}", field.name(), field.index() + FIXED + 1);
    }
    sql + " WHERE row = ?1 AND version = ?2 AND unique_id = ?3"
});

/// Copies rows as unannotated ones (H10), under rising numbers: `number of the first, target collection, rows as a JSON
/// array, source collection`. Those that the target has already are left out; their numbers stay unused.
pub(crate) static COPY: LazyLock<String> = LazyLock::new(|| {
    let values = Field::ALL
        .iter()
        .map(|field| match field {
            Field::AnnotationStatus => format!("'{}'", crate::logs::transfer::UNANNOTATED),
            annotated if Field::ANNOTATION.contains(annotated) => "NULL".to_owned(),
            other => format!("log.\"{}\"", other.name()),
        })
        .collect::<Vec<_>>()
        .join(", ");
    format!(
        "INSERT INTO log (row, collection, unique_id, metadata, {}) SELECT ?1 + key, ?2, log.unique_id, log.metadata, {values} \
         FROM json_each(?3) CROSS JOIN log ON log.row = value WHERE log.collection = ?4 \
         ON CONFLICT (collection, unique_id) DO NOTHING",
        *FIELD_COLUMNS
    )
});

/// [`SELECT`] for a file that is not to be changed: null stands for columns that it does not have yet.
pub(crate) fn select_known(connection: &Connection) -> rusqlite::Result<String> {
    let known = known_columns(connection)?;
    let columns = Field::ALL.iter().map(|field| {
        let there = known.iter().any(|name| name == field.name());
        if there { format!("\"{}\"", field.name()) } else { "NULL".to_owned() }
    });
    Ok(format!("SELECT row, version, unique_id, metadata, {} FROM log", columns.collect::<Vec<_>>().join(", ")))
}

fn known_columns(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut known = connection.prepare("SELECT name FROM pragma_table_info('log')")?;
    known.query_map([], |row| row.get(0))?.collect()
}

fn column_type(kind: Kind) -> &'static str {
    match kind {
        Kind::Text => "TEXT",
        Kind::Int | Kind::Bool | Kind::Time => "INTEGER",
        Kind::Float => "REAL",
    }
}

/// What a file says about itself.
pub(crate) struct Stamp {
    /// [`APPLICATION_ID`] when ours.
    pub application_id: i64,
    /// Schema version.
    pub version: i64,
    /// Tables and indexes in it.
    pub objects: i64,
}

impl Stamp {
    /// Reads it.
    pub fn read(connection: &Connection) -> rusqlite::Result<Self> {
        Ok(Self {
            application_id: connection.query_row("PRAGMA application_id", [], |row| row.get(0))?,
            version: connection.query_row("PRAGMA user_version", [], |row| row.get(0))?,
            objects: connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?,
        })
    }

    /// A file without content: ours to fill.
    pub fn blank(&self) -> bool {
        self.application_id == 0 && self.version == 0 && self.objects == 0
    }

    /// Refuses files of other programs and of newer releases.
    pub fn check(&self, path: &Path) -> Result<(), OpenError> {
        if self.application_id != APPLICATION_ID {
            let detail = format!("its application id is {:#x}, ours is {APPLICATION_ID:#x}", self.application_id);
            return Err(OpenError::Foreign { path: path.to_owned(), detail });
        }
        if self.version > VERSION {
            return Err(OpenError::Newer { found: self.version, known: VERSION });
        }
        if self.version < 1 {
            return Err(OpenError::corrupt(path, format!("schema version {}", self.version)));
        }
        Ok(())
    }
}

/// Creates the tables of a blank file, or brings an older one up to date; one transaction.
pub(crate) fn prepare(connection: &mut Connection, path: &Path) -> Result<(), OpenError> {
    let fault = |cause: rusqlite::Error| OpenError::sqlite(path, &cause);
    let step = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(fault)?;
    let stamp = Stamp::read(&step).map_err(fault)?;
    let from = if stamp.blank() {
        step.pragma_update(None, "application_id", APPLICATION_ID).map_err(fault)?;
        0
    } else {
        stamp.check(path)?;
        stamp.version
    };
    for migration in &MIGRATIONS[usize::try_from(from).unwrap_or(0)..] {
        step.execute_batch(migration).map_err(fault)?;
    }
    if from != VERSION {
        step.pragma_update(None, "user_version", VERSION).map_err(fault)?;
    }
    add_columns(&step).map_err(fault)?;
    step.commit().map_err(fault)
}

/// Adds columns for fields that the file does not know yet.
fn add_columns(connection: &Connection) -> rusqlite::Result<()> {
    let known = known_columns(connection)?;
    for field in Field::ALL.iter().filter(|field| !known.iter().any(|name| name == field.name())) {
        let sql = format!("ALTER TABLE log ADD COLUMN \"{}\" {}", field.name(), column_type(field.kind()));
        connection.execute(&sql, [])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_have_columns_of_their_own() {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(MIGRATIONS[0]).unwrap();
        let fixed = known_columns(&connection).unwrap();
        assert_eq!(fixed, ["row", "collection", "version", "unique_id", "metadata"]);
        let taken: Vec<_> = Field::ALL.iter().filter(|field| fixed.iter().any(|name| name == field.name())).collect();
        assert!(taken.is_empty(), "no field can be named like a column of the store: {taken:?}");
    }
}
