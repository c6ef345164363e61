//! Selected rows as the bytes of a JSONL or CSV file, a piece at a time (contract B.19). Knows neither files nor
//! sockets.
//!
//! Memory is flat: rows are selected once, of which little is held (`Selected::held_bytes`), and then read and written
//! out in bounded pieces, of which the next is under way while one is taken.

use crate::shape::csv as table;
use crate::shape::{IncludeFields, RowKind, RowText};
use bytes::Bytes;
use evalset_model::filter::LogFilter;
use evalset_model::ids::{Collection, RowNumber};
use evalset_model::job::ExportFormat;
use evalset_model::page::Sort;
use evalset_model::{Error, Result};
use evalset_store::lists::{Writing, Written};
use evalset_store::logs::{Pick, PickOrder, Selected};
use evalset_store::{Logs, Stores};
use futures::StreamExt as _;
use futures::future::BoxFuture;
use futures::stream::FuturesOrdered;
use std::sync::Arc;
use tokio_util::task::{AbortOnDropHandle, TaskTracker};

/// Pieces under way at once: one is written out while another is read.
const PIECES: usize = 2;
/// Rows of a piece at most.
const PIECE_ROWS: usize = 200;
/// A piece ends with the row by which it gets so large.
const PIECE_BYTES: usize = 2 * 1024 * 1024;

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
    logs: Arc<dyn Logs>,
    /// What waits, at shutdown, for the pieces under way.
    tasks: TaskTracker,
    collection: Collection,
    selected: Box<dyn Selected>,
    /// Rows that pieces were begun for.
    begun: u64,
    writing: Writing,
    head: Option<Vec<u8>>,
    under_way: FuturesOrdered<BoxFuture<'static, Result<Part>>>,
    /// What a piece that was full has left over, before all that is under way.
    rest: Option<Asked>,
}

/// Rows of a piece.
struct Asked {
    /// Rows of the file before them.
    before: u64,
    /// Which, at least one.
    rows: Vec<RowNumber>,
}

/// Rows asked for and what came of it.
type Part = (Asked, Written);

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
    /// Picks the rows. Rows added later are not in the file; those deleted before their turn are left out. Pieces are
    /// made by tasks of `tasks`.
    pub async fn select(stores: &Stores, tasks: &TaskTracker, selection: Selection) -> Result<Self> {
        let Selection { collection, filter, sort, include_fields, format } = selection;
        let organization = stores.keys.organization(collection.organization).await?.ok_or_else(Error::not_found)?;
        let pick = Pick { order: PickOrder::By(sort), ..Pick::of(filter) };
        let selected = stores.logs.select(collection, pick).await?;
        let include = include_fields.map(|names| IncludeFields::parse(&names.join(",")));
        let (include, dataset_id) = (include.as_ref(), collection.place.dataset_id_text());
        let (head, writing) = match format {
            ExportFormat::Jsonl => {
                (None, RowText::new(RowKind::Detail, include, organization, dataset_id).lines(PIECE_BYTES))
            }
            ExportFormat::Csv => (
                Some(table::line(&table::header(include))),
                table::lines(include, organization, dataset_id, PIECE_BYTES),
            ),
        };
        let under_way = FuturesOrdered::new();
        Ok(Self {
            logs: stores.logs.clone(),
            tasks: tasks.clone(),
            collection,
            selected,
            begun: 0,
            writing,
            head,
            under_way,
            rest: None,
        })
    }

    /// Rows selected.
    pub fn total(&self) -> u64 {
        self.selected.len()
    }

    /// Bytes of memory that the selection takes as long as the file is not at its end.
    pub fn held_bytes(&self) -> usize {
        self.selected.held_bytes()
    }

    /// The next piece, `None` at the end.
    pub async fn next(&mut self) -> Result<Option<Piece>> {
        if let Some(head) = self.head.take() {
            return Ok(Some(Piece { bytes: head.into(), rows: 0, done: 0 }));
        }
        while self.under_way.len() < PIECES && self.begun < self.selected.len() {
            let rows = self.selected.next(PIECE_ROWS).await?;
            if rows.is_empty() {
                return Err(Error::internal("a selection ended before its last row"));
            }
            let before = self.begun;
            self.begun += rows.len() as u64;
            self.under_way.push_back(self.piece(Asked { before, rows }));
        }
        let part = match self.rest.take() {
            Some(rest) => Some(self.piece(rest).await),
            None => self.under_way.next().await,
        };
        let Some((asked, written)) = part.transpose()? else { return Ok(None) };
        let Asked { before, mut rows } = asked;
        let done = before + written.passed as u64;
        rows.drain(..written.passed.min(rows.len()));
        self.rest = (!rows.is_empty()).then_some(Asked { before: done, rows });
        Ok(Some(Piece { bytes: written.text.into(), rows: written.rows, done }))
    }

    /// A piece, made by a task of its own: one that waits for a place among the readers takes it whether or not the
    /// piece is asked for. Else a client that stops reading would keep that place from all others.
    fn piece(&self, asked: Asked) -> BoxFuture<'static, Result<Part>> {
        let (logs, collection, writing) = (Arc::clone(&self.logs), self.collection, self.writing.clone());
        let task = AbortOnDropHandle::new(self.tasks.spawn(async move {
            let written = logs.write(collection, &asked.rows, writing).await?;
            Ok((asked, written))
        }));
        Box::pin(async move { task.await.map_err(Error::internal)? })
    }
}
