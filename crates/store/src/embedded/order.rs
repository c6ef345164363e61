//! Ordered rows: by the columns, or by the rows themselves where the columns do not hold all values of the sort field.

use super::readers::Lease;
use super::row;
use super::row_scores::Sight;
use evalset_columns::{Columns, Rows};
use evalset_model::filter::LogField;
use evalset_model::filter::meaning::{self, SortKey};
use evalset_model::ids::{Collection, LogId, RowNumber};
use evalset_model::page::Sort;
use evalset_model::{Error, Result};
use std::borrow::Cow;

/// Rows that the columns left open, and those of them that pass; both rise.
pub(super) struct Decided {
    /// Open before.
    pub open: Vec<RowNumber>,
    /// Those that pass.
    pub passed: Vec<RowNumber>,
}

/// Whether the columns know the place of each of the rows in this order.
pub(super) fn sorts(columns: &Columns, rows: &Rows, sort: &Sort) -> bool {
    let mut doubtful = columns.doubtful(&sort.field);
    doubtful.intersect(rows);
    columns.count(&doubtful) == 0
}

/// Rows on their way to a list.
pub(super) struct Ordered {
    rows: Vec<RowNumber>,
    /// The order they are still to be brought into.
    pending: Option<Sort>,
}

impl Ordered {
    /// Rows in order as far as the columns know it; by falling row number when none is given.
    pub fn new(columns: &Columns, rows: &Rows, sort: Option<&Sort>) -> Self {
        match sort.filter(|sort| !sorts(columns, rows, sort)) {
            None => Self { rows: columns.order(rows, sort), pending: None },
            Some(sort) => Self { rows: columns.row_numbers(rows), pending: Some(sort.clone()) },
        }
    }

    /// The rows that pass, in order.
    pub fn settle(
        self,
        decided: Option<&Decided>,
        name: Collection,
        collection: i64,
        lease: &Lease,
    ) -> Result<Vec<RowNumber>> {
        let Self { mut rows, pending } = self;
        if let Some(Decided { open, passed }) = decided.filter(|decided| decided.open.len() != decided.passed.len()) {
            rows.retain(|row| open.binary_search(row).is_err() || passed.binary_search(row).is_ok());
        }
        match pending {
            None => Ok(rows),
            Some(sort) => by_rows(&rows, &sort, name, collection, lease),
        }
    }
}

/// Orders rows by what is stored in them.
fn by_rows(
    rows: &[RowNumber],
    sort: &Sort,
    name: Collection,
    collection: i64,
    lease: &Lease,
) -> Result<Vec<RowNumber>> {
    let connection = lease.connection()?;
    let sight =
        matches!(sort.field, LogField::Score(_)).then(|| Sight::of(connection, name, collection)).transpose()?;
    let mut keyed: Vec<(SortKey<'static>, LogId, RowNumber)> = Vec::with_capacity(rows.len());
    for row in rows {
        lease.stop().go_on()?;
        let read = row::read_columns(connection, collection, *row).and_then(|stored| match stored {
            Some(stored) => Ok(Some(stored.log)),
            None => Err(Error::internal(format!("row {row} of the index is not in the file")).into()),
        });
        let Some(log) = lease.damage().pass_over(collection, read)? else { continue };
        let scores = sight.map(|sight| sight.compared(connection, &log.id)).transpose()?.unwrap_or_default();
        let key = owned(meaning::order(&sort.field, &log, &scores));
        keyed.push((key, log.id, *row));
    }
    keyed.sort_by(|left, right| {
        meaning::compare_keys(&left.0, &right.0, sort.descending).then_with(|| left.1.cmp(&right.1))
    });
    Ok(keyed.into_iter().map(|(_, _, row)| row).collect())
}

fn owned(key: SortKey<'_>) -> SortKey<'static> {
    match key {
        SortKey::Int(number) => SortKey::Int(number),
        SortKey::Number(number) => SortKey::Number(number),
        SortKey::Text(text) => SortKey::Text(Cow::Owned(text.into_owned())),
        SortKey::Bool(flag) => SortKey::Bool(flag),
        SortKey::Structure(text) => SortKey::Structure(text),
        SortKey::Null => SortKey::Null,
    }
}
