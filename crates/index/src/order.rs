//! Ordered rows: by the columns, or by the rows themselves where the columns do not hold all values of the sort field.

use crate::number::CollectionNumber;
use crate::origin::{Fetched, Lease, Sight};
use evalset_columns::{Columns, Rows};
use evalset_model::filter::LogField;
use evalset_model::filter::meaning;
use evalset_model::ids::{Collection, RowNumber};
use evalset_model::page::{Mark, Sort};
use evalset_model::{Error, Result};

/// Rows that the columns left open, and those of them that pass; both rise.
pub(crate) struct Decided {
    /// Open before.
    pub open: Vec<RowNumber>,
    /// Those that pass.
    pub passed: Vec<RowNumber>,
}

/// Whether the columns know the place of each of the rows in this order.
pub(crate) fn sorts(columns: &Columns, rows: &Rows, sort: &Sort) -> bool {
    let mut doubtful = columns.doubtful(&sort.field);
    doubtful.intersect(rows);
    columns.count(&doubtful) == 0
}

/// Rows on their way to a list.
pub(crate) struct Ordered {
    rows: Vec<RowNumber>,
    /// The order they are still to be brought into, and the place after which the list begins.
    pending: Option<(Sort, Option<Mark>)>,
}

impl Ordered {
    /// Rows in order as far as the columns know it; by falling row number when none is given.
    pub fn new(columns: &Columns, rows: &Rows, sort: Option<&Sort>) -> Self {
        match sort.filter(|sort| !sorts(columns, rows, sort)) {
            None => Self { rows: columns.order(rows, sort), pending: None },
            Some(sort) => Self { rows: columns.row_numbers(rows), pending: Some((sort.clone(), None)) },
        }
    }

    /// Rows after a place, if one is given, in order as far as the columns know it.
    pub fn after(columns: &Columns, rows: &Rows, sort: &Sort, mark: Option<&Mark>) -> Self {
        match mark {
            Some(mark) if sorts(columns, rows, sort) => {
                Self::new(columns, &columns.after(rows, sort, mark), Some(sort))
            }
            mark => {
                let Self { rows, pending } = Self::new(columns, rows, Some(sort));
                Self { rows, pending: pending.map(|(sort, _)| (sort, mark.cloned())) }
            }
        }
    }

    /// The rows that pass, in order.
    pub fn settle(
        self,
        decided: Option<&Decided>,
        name: Collection,
        collection: CollectionNumber,
        lease: &dyn Lease,
    ) -> Result<Vec<RowNumber>> {
        let Self { mut rows, pending } = self;
        if let Some(Decided { open, passed }) = decided.filter(|decided| decided.open.len() != decided.passed.len()) {
            rows.retain(|row| open.binary_search(row).is_err() || passed.binary_search(row).is_ok());
        }
        match pending {
            None => Ok(rows),
            Some((sort, mark)) => by_rows(&rows, &sort, mark.as_ref(), (name, collection), lease),
        }
    }
}

/// Orders rows by what is stored in them; only those after a place, if one is given.
fn by_rows(
    rows: &[RowNumber],
    sort: &Sort,
    after: Option<&Mark>,
    collection: (Collection, CollectionNumber),
    lease: &dyn Lease,
) -> Result<Vec<RowNumber>> {
    let marks = Marks::new(sort, collection, lease)?;
    let mut marked: Vec<(Mark, RowNumber)> = Vec::with_capacity(rows.len());
    for row in rows {
        lease.stop().go_on()?;
        marked.extend(marks.of(*row)?.map(|mark| (mark, *row)));
    }
    marked.retain(|(own, _)| after.is_none_or(|mark| mark.is_before(&own.key, own.id.as_str(), sort.descending)));
    marked.sort_by(|(left, _), (right, _)| {
        meaning::compare_keys(&left.key, &right.key, sort.descending).then_with(|| left.id.cmp(&right.id))
    });
    Ok(marked.into_iter().map(|(_, row)| row).collect())
}

/// The places of rows in an order, by what is stored in them.
pub(crate) struct Marks<'a> {
    sort: &'a Sort,
    collection: CollectionNumber,
    lease: &'a dyn Lease,
    /// Where scores are found, when the order is by one.
    sight: Option<Sight>,
}

impl<'a> Marks<'a> {
    /// Of rows of a collection.
    pub fn new(
        sort: &'a Sort,
        (name, collection): (Collection, CollectionNumber),
        lease: &'a dyn Lease,
    ) -> Result<Self> {
        let by_score = matches!(sort.field, LogField::Score(_));
        let sight = by_score.then(|| lease.sight(name, collection)).transpose()?;
        Ok(Self { sort, collection, lease, sight })
    }

    /// The place of a row; `None` when it cannot be read.
    pub fn of(&self, row: RowNumber) -> Result<Option<Mark>> {
        let log = match self.lease.fields(self.collection, row)? {
            Fetched::There(log) => log,
            Fetched::Unreadable => return Ok(None),
            Fetched::Gone => return Err(Error::internal(format!("row {row} of the index is not in its collection"))),
        };
        let scores = self.sight.map(|sight| sight.compared(self.lease, &log.id)).transpose()?.unwrap_or_default();
        let key = meaning::order(&self.sort.field, &log, &scores).into_owned();
        Ok(Some(Mark { key, id: log.id }))
    }
}
