//! Lists of log rows, a page of them in order: what `dataset_logs` and `request_logs` have in common. Knows no HTTP,
//! and not how a cursor is written.

use crate::app::App;
use evalset_model::Result;
use evalset_model::filter::LogFilter;
use evalset_model::ids::Collection;
use evalset_model::page::{Part, Sort};
use evalset_rows::shape::RowText;
use evalset_store::lists::List;

pub use evalset_store::lists::Listed;

/// A part of a list of rows.
pub struct Rows {
    /// Which rows.
    pub filter: LogFilter,
    /// In which order.
    pub sort: Sort,
    /// Which part of them.
    pub part: Part,
    /// In which form.
    pub form: RowText,
}

/// Reads the part: its rows as the elements of a JSON array of at most `limits.page_bytes`, how many rows match, and
/// where the next part begins.
pub(super) async fn read(app: &App, collection: Collection, rows: Rows) -> Result<Listed> {
    let Rows { filter, sort, part, form } = rows;
    let list = List { filter, sort, part, writing: form.elements(app.limits.page_bytes) };
    app.stores.logs.list(collection, list).await
}
