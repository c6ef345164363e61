//! Selected rows as the bytes of a JSONL or CSV file, a piece at a time (contract B.19). Knows neither files nor sockets.
//!
//! Memory is flat: row numbers are picked once (8 bytes a row), the rows are read and written out in bounded batches.

use crate::app::App;
use crate::jobs::source::Batches;
use crate::wire::csv as table;
use crate::wire::log::{DetailRow, IncludeFields, RowContext};
use bytes::Bytes;
use evalset_model::filter::LogFilter;
use evalset_model::ids::Collection;
use evalset_model::job::ExportFormat;
use evalset_model::key::Organization;
use evalset_model::page::Sort;
use evalset_model::{Error, Result};
use evalset_store::logs::{Pick, Row, With};
use std::sync::Arc;

/// What to write of which rows.
#[derive(Clone, Debug)]
pub struct Selection {
    /// From where.
    pub collection: Collection,
    /// Which rows.
    pub filter: LogFilter,
    /// In which order.
    pub sort: Sort,
    /// Only these fields, when given.
    pub include_fields: Option<Vec<String>>,
    /// In which form.
    pub format: ExportFormat,
}

/// The file of a [`Selection`], from its first byte to its last.
pub struct Lines {
    batches: Batches,
    total: u64,
    shape: Arc<Shape>,
    head: Option<Vec<u8>>,
}

/// A piece of the file.
#[derive(Debug)]
pub struct Piece {
    /// Whole lines.
    pub bytes: Bytes,
    /// Rows in it.
    pub rows: u64,
    /// Selected rows passed by the end of it, those deleted meanwhile included.
    pub done: u64,
}

impl Lines {
    /// Picks the rows. Rows added later are not in the file; those deleted before their turn are left out.
    pub async fn select(app: &App, selection: Selection) -> Result<Self> {
        let Selection { collection, filter, sort, include_fields, format } = selection;
        let organization = organization(app, collection).await?;
        let pick = Pick { filter, watermark: None, sample: None, sort: Some(sort) };
        let rows = app.stores.logs.pick(collection, pick).await?.rows;
        let shape = Shape::new(format, organization, collection, include_fields);
        let head = Some(shape.head()?);
        Ok(Self {
            total: rows.len() as u64,
            batches: Batches::new(collection, rows, With::Scores),
            shape: Arc::new(shape),
            head,
        })
    }

    /// Rows selected.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// The next piece, `None` at the end.
    pub async fn next(&mut self, app: &App) -> Result<Option<Piece>> {
        if let Some(head) = self.head.take().filter(|head| !head.is_empty()) {
            return Ok(Some(Piece { bytes: head.into(), rows: 0, done: 0 }));
        }
        let Some(logs) = self.batches.next(app).await? else { return Ok(None) };
        let (rows, shape) = (logs.len(), Arc::clone(&self.shape));
        let written = tokio::task::spawn_blocking(move || shape.write(&logs)).await.map_err(Error::internal)??;
        self.batches.measured(rows, written.len());
        Ok(Some(Piece { bytes: written.into(), rows: rows as u64, done: self.batches.done() }))
    }
}

async fn organization(app: &App, collection: Collection) -> Result<Organization> {
    let all = app.stores.keys.organizations().await?;
    all.into_iter().find(|organization| organization.id == collection.organization).ok_or_else(Error::not_found)
}

/// How a row becomes a line.
struct Shape {
    organization: Organization,
    collection: Collection,
    include: Option<IncludeFields>,
    format: ExportFormat,
}

impl Shape {
    fn new(
        format: ExportFormat,
        organization: Organization,
        collection: Collection,
        include_fields: Option<Vec<String>>,
    ) -> Self {
        let include = include_fields.map(|names| IncludeFields::parse(&names.join(",")));
        Self { organization, collection, include, format }
    }

    /// What stands before the first row.
    fn head(&self) -> Result<Vec<u8>> {
        match self.format {
            ExportFormat::Jsonl => Ok(Vec::new()),
            ExportFormat::Csv => records([table::header(self.include.as_ref())]),
        }
    }

    fn write(&self, rows: &[Row]) -> Result<Vec<u8>> {
        let context = RowContext::new(&self.organization, self.collection.place.dataset_id_text());
        let include = self.include.as_ref();
        match self.format {
            ExportFormat::Csv => {
                records(rows.iter().map(|row| table::record(row, &context, Some(&row.scores), include)))
            }
            ExportFormat::Jsonl => {
                let mut out = Vec::new();
                for row in rows {
                    serde_json::to_writer(&mut out, &DetailRow::new(row, &context, include).scored(&row.scores))
                        .map_err(Error::internal)?;
                    out.push(b'\n');
                }
                Ok(out)
            }
        }
    }
}

fn records(records: impl IntoIterator<Item = Vec<String>>) -> Result<Vec<u8>> {
    let mut out = csv::Writer::from_writer(Vec::new());
    for record in records {
        out.write_record(record).map_err(Error::internal)?;
    }
    out.into_inner().map_err(Error::internal)
}
