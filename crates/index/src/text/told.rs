//! What the text index says of one filter: asked before the columns are looked at, used while they are.
//!
//! Knows filters and rows; whose rows they are does not matter, since row numbers are never used twice.

use super::learned::{self, Lesson};
use super::row_bits::RowBits;
use super::shelf::{Held, Moment, Shelf};
use crate::number::CollectionNumber;
use evalset_columns::{Answer, Columns, Given, Verdict};
use evalset_model::filter::{Compare, LogField, LogFilter};
use evalset_model::ids::RowNumber;
use evalset_text::{Plan, plan};
use std::io;
use std::sync::Arc;

/// What is known of one comparison.
struct Leaf<'f> {
    compare: &'f Compare<LogField>,
    /// Rows that pass, by the text that was indexed.
    certain: RowBits,
    /// Rows that may pass, with those.
    possible: RowBits,
}

/// Answers to the text comparisons of a filter; none when there is no index.
#[derive(Default)]
pub(crate) struct Told<'f> {
    known: Option<Known<'f>>,
}

struct Known<'f> {
    collection: CollectionNumber,
    shelf: Arc<Shelf>,
    /// From so many rows on that had to be read, what they told is worth keeping.
    learn_min: usize,
    moment: Moment,
    leaves: Vec<Leaf<'f>>,
}

/// Comparisons that an index is of use for.
pub(super) fn plans(filter: &LogFilter) -> Vec<(&Compare<LogField>, Plan)> {
    let mut plans = Vec::new();
    filter.visit(&mut |compare| {
        if let LogField::Text(field) = &compare.field {
            plans.extend(plan(*field, &compare.test).map(|plan| (compare, plan)));
        }
    });
    plans
}

impl<'f> Told<'f> {
    /// Asks the segments of this moment. An error means that a file is not what it was when it was opened, or that
    /// `go_on` ended it.
    pub(super) fn ask(
        (collection, shelf): (CollectionNumber, Arc<Shelf>),
        moment: Moment,
        plans: Vec<(&'f Compare<LogField>, Plan)>,
        learn_min: usize,
        go_on: &dyn Fn() -> bool,
    ) -> io::Result<Self> {
        let mut leaves = Vec::with_capacity(plans.len());
        for (compare, plan) in plans {
            let (mut certain, mut possible) = (moment.set.covered.like(), moment.set.covered.like());
            for Held { segment, superseded, .. } in &moment.set.held {
                let mut outcome = plan.ask(segment, go_on)?;
                outcome.certain.subtract(superseded);
                outcome.possible.subtract(superseded);
                certain.add(segment, &outcome.certain);
                possible.add(segment, &outcome.possible);
            }
            leaves.push(Leaf { compare, certain, possible });
        }
        Ok(Self { known: Some(Known { collection, shelf, learn_min, moment, leaves }) })
    }

    /// What columns and index say together. The columns must be at the commit that is read.
    pub fn evaluate(&self, columns: &Columns, filter: &'f LogFilter) -> Verdict {
        let given = self.known.as_ref().and_then(|known| known.given(columns));
        columns.evaluate_given(filter, &given.unwrap_or_default())
    }

    /// Learns which of the rows of a collection that were left open have passed the rest of the filter.
    pub fn learn(&self, collection: CollectionNumber, rest: &LogFilter, open: &[RowNumber], passed: &[RowNumber]) {
        let Some(known) = &self.known else { return };
        // The name may have passed on to another collection, whose changes are noted elsewhere.
        if known.collection != collection || open.len() < known.learn_min {
            return;
        }
        let Some((compare, turned)) = learned::single(rest) else { return };
        let ours = matches!(&compare.field, LogField::Text(field) if plan(*field, &compare.test).is_some());
        if !ours {
            return;
        }
        let name = learned::name(compare);
        let failed = |row: &RowNumber| passed.binary_search(row).is_err();
        let lesson = if turned {
            let passing: Vec<RowNumber> = open.iter().copied().filter(failed).collect();
            Lesson::new(known.moment.at, open, &passing)
        } else {
            Lesson::new(known.moment.at, open, passed)
        };
        if let Some(lesson) = lesson {
            known.shelf.learn(name, lesson);
        }
    }
}

impl<'f> Known<'f> {
    fn given(&self, columns: &Columns) -> Option<Given<'f>> {
        let since = self.shelf.changed_since(self.moment.at)?;
        let mut known = self.moment.set.covered.clone();
        self.moment.stale.iter().chain(&since).for_each(|row| known.remove(*row));
        let mut given = Given::default();
        for leaf in &self.leaves {
            let mut certain = leaf.certain.clone();
            certain.intersect(&known);
            let mut settled = known.clone();
            let mut open = leaf.possible.clone();
            open.subtract(&leaf.certain);
            settled.subtract(&open);
            let lesson = self.shelf.lesson(&learned::name(leaf.compare));
            let (yes, maybe) = match lesson {
                None => {
                    let yes = columns.select_in(|row| certain.window(row));
                    (yes, columns.select_in(|row| !settled.window(row)))
                }
                Some(lesson) => {
                    let (read, passing) = (&lesson.read, &lesson.passing);
                    let learned = |row| !settled.window(row) & read.window(row) & passing.window(row);
                    let yes = columns.select_in(|row| certain.window(row) | learned(row));
                    (yes, columns.select_in(|row| !settled.window(row) & !read.window(row)))
                }
            };
            given.add(leaf.compare, Answer { yes, maybe });
        }
        Some(given)
    }
}
