//! Lists: which rows are in a part of one. Does not know what is written of them.

use crate::Answers;
use crate::fetch::write_rows;
use crate::order::{Marks, Ordered, sorts};
use crate::origin::Lease;
use crate::select::{Chosen, Seen, candidates, heavy, index};
use crate::view::View;
use evalset_model::Result;
use evalset_model::filter::LogFilter;
use evalset_model::ids::{Collection, RowNumber};
use evalset_model::page::{Mark, Part, Sort};
use evalset_store::lists::{List, Listed};

/// What the columns gave of a list that begins after a place.
enum Later {
    /// The rows of the part, and where the next one begins.
    Part(Vec<RowNumber>, Option<Mark>),
    /// All later rows that may be in the list.
    Whole(Ordered),
}

impl Answers {
    /// A part of an ordered list as text, with the exact total.
    pub fn list(&self, lease: &dyn Lease, name: Collection, list: &List) -> Result<Listed> {
        let what = (&list.filter, &list.sort);
        let chosen = match &list.part {
            Part::Page(window) => self.choose(lease, name, what, *window)?,
            Part::After { mark, limit } => self.choose_after(lease, name, what, mark.as_ref(), index(*limit))?,
        };
        let Some(Chosen { collection, rows, total, next }) = chosen else { return Ok(Listed::default()) };
        Ok(Listed { written: write_rows(lease, name, collection, &rows, &list.writing)?, total, next })
    }

    /// The first rows after a place.
    fn choose_after(
        &self,
        lease: &dyn Lease,
        name: Collection,
        (filter, sort): (&LogFilter, &Sort),
        mark: Option<&Mark>,
        limit: usize,
    ) -> Result<Option<Chosen>> {
        let told = self.texts.ask(lease, name, filter)?;
        let view = self.view(lease, name, heavy(filter), |columns| {
            let verdict = told.evaluate(columns, filter);
            let certain = columns.count(&verdict.yes);
            let known = match &verdict.residual {
                None if sorts(columns, &verdict.yes, sort) => {
                    let later = mark.map(|mark| columns.after(&verdict.yes, sort, mark));
                    let later = later.as_ref().unwrap_or(&verdict.yes);
                    let mut rows = columns.page(later, sort, 0, (limit as u64).saturating_add(1));
                    let more = rows.len() > limit;
                    rows.truncate(limit);
                    let next = rows.last().filter(|_| more).and_then(|last| columns.mark(*last, sort));
                    Later::Part(rows, next)
                }
                _ => Later::Whole(Ordered::after(columns, &candidates(&verdict), sort, mark)),
            };
            Seen::new(columns, verdict, (certain, known))
        })?;
        let Some(View { collection, seen, mut helpers }) = view else { return Ok(None) };
        let ((certain, known), decided) = seen.decide((name, collection), lease, &mut helpers, &told)?;
        let total = certain + decided.as_ref().map_or(0, |decided| decided.passed.len() as u64);
        let (rows, next) = match known {
            Later::Part(rows, next) => (rows, next),
            Later::Whole(ordered) => {
                let rows = ordered.settle(decided.as_ref(), name, collection, lease)?;
                cut(rows, limit, &Marks::new(sort, (name, collection), lease)?)?
            }
        };
        Ok(Some(Chosen { collection, rows, total, next }))
    }
}

/// The first `limit` rows and the place of the last of them, if others follow. A row that cannot be read has no place:
/// it is passed over together with the next one that has.
fn cut(mut rows: Vec<RowNumber>, limit: usize, marks: &Marks<'_>) -> Result<(Vec<RowNumber>, Option<Mark>)> {
    for end in limit.max(1)..rows.len() {
        if let Some(next) = marks.of(rows[end - 1])? {
            rows.truncate(end);
            return Ok((rows, Some(next)));
        }
    }
    Ok((rows, None))
}
