//! Which rows pass a filter. Turns the checked tree into a plan over the columns at hand.

use crate::bits;
use crate::columns::Columns;
use crate::given::Given;
use crate::leaf::{Doubt, Leaf};
use crate::plan::{Bound, Plan};
use crate::reference;
use crate::rows::Rows;
use evalset_model::filter::{Compare, LogField, LogFilter, Test, Tree};

/// What the columns can tell of a filter.
#[derive(Clone, Debug, Default)]
pub struct Verdict {
    /// Rows that pass.
    pub yes: Rows,
    /// Rows of which only the whole row can tell, see `residual`. Disjoint from `yes`.
    pub maybe: Rows,
    /// The filter that decides the rows of `maybe`, with the reference meaning; none when there are none.
    pub residual: Option<LogFilter>,
}

impl Columns {
    /// Every alive row.
    pub fn everything(&self) -> Rows {
        Rows { words: self.alive.clone() }
    }

    /// The alive rows that pass a filter, and those that may.
    pub fn evaluate(&self, filter: &LogFilter) -> Verdict {
        self.evaluate_given(filter, &Given::default())
    }

    /// The same, with answers to some comparisons of the filter from elsewhere.
    pub fn evaluate_given(&self, filter: &LogFilter, given: &Given<'_>) -> Verdict {
        let plan = self.plan(filter, given);
        let yes = self.run(&plan, &self.alive, Bound::Certain);
        if !plan.doubtful() {
            return Verdict { yes: Rows { words: yes }, ..Verdict::default() };
        }
        let mut undecided = self.alive.clone();
        bits::minus(&mut undecided, &yes);
        let maybe = Rows { words: self.run(&plan, &undecided, Bound::Possible) };
        let residual = (!maybe.is_empty()).then(|| self.residual(filter, given));
        Verdict { yes: Rows { words: yes }, maybe, residual }
    }

    fn run(&self, plan: &Plan<'_>, among: &[u64], bound: Bound) -> Vec<u64> {
        let mut found = Vec::with_capacity(among.len());
        for chunk in 0..self.chunks() {
            let among = bits::part(among, self.grid.start(chunk) / bits::WORD, self.grid.words());
            if bits::none(among) {
                found.resize(found.len() + among.len(), 0);
            } else {
                found.extend(plan.rows(chunk, among, bound));
                self.watch.passed();
            }
        }
        found
    }

    /// Of a conjunction only the parts in doubt: a row that may pass is known to pass the others.
    fn residual(&self, filter: &LogFilter, given: &Given<'_>) -> LogFilter {
        match filter {
            Tree::And(parts) => {
                Tree::And(parts.iter().filter(|part| self.plan(part, given).doubtful()).cloned().collect())
            }
            other => other.clone(),
        }
    }

    fn plan<'a>(&'a self, filter: &'a LogFilter, given: &'a Given<'_>) -> Plan<'a> {
        match filter {
            Tree::And(parts) => Plan::all(parts.iter().map(|part| self.plan(part, given)).collect()),
            Tree::Or(parts) => Plan::any(parts.iter().map(|part| self.plan(part, given)).collect()),
            Tree::Not(part) => Plan::Not(Box::new(self.plan(part, given))),
            Tree::Compare(compare) => match given.to(compare) {
                Some(answer) => {
                    let doubt = if answer.maybe.is_empty() { Doubt::None } else { Doubt::Rows(&answer.maybe.words) };
                    Plan::Leaf(Leaf::given(self.grid, &answer.yes.words, doubt))
                }
                None => self.compare(compare),
            },
        }
    }

    fn compare<'a>(&'a self, Compare { field, test }: &'a Compare<LogField>) -> Plan<'a> {
        let grid = self.grid;
        Plan::Leaf(match (field, test) {
            (LogField::Text(_), _) => Leaf::constant(grid, false, Doubt::All),
            (LogField::MetadataMap, Test::HasKeys(keys)) => {
                return Plan::all(keys.iter().map(|key| self.has_metadata(key)).collect());
            }
            (LogField::ScoreMap, Test::HasKeys(keys)) => {
                return Plan::all(keys.iter().map(|key| self.has_score(key)).collect());
            }
            (LogField::Id | LogField::Scalar(_) | LogField::Score(_), Test::HasKeys(_)) => {
                Leaf::constant(grid, false, Doubt::None)
            }
            (LogField::Id, test) => Leaf::ids(grid, &self.ids, test),
            (LogField::Scalar(field), test) => match self.scalars.get(field.index()) {
                Some(column) => Leaf::scalar(grid, column, test),
                None => Leaf::constant(grid, reference::null(test), Doubt::None),
            },
            (LogField::Metadata(path), test) => {
                let doubt = doubt_of(self.metadata.doubtful(path));
                Leaf::dynamic(grid, self.metadata.column(path), doubt, test, reference::json)
            }
            (LogField::Score(key), test) => {
                let doubt = doubt_of(self.scores.doubtful(key));
                Leaf::dynamic(grid, self.scores.column(key), doubt, test, reference::score)
            }
            (LogField::MetadataMap, Test::IsNull | Test::Empty) => {
                Leaf::filled(grid, self.metadata.filled(), reference::document(test, "{}"))
            }
            (LogField::MetadataMap, test) => {
                Leaf::constant(grid, reference::document(test, "{}"), Doubt::Rows(self.metadata.filled()))
            }
            (LogField::ScoreMap, test) => Leaf::constant(grid, reference::null(test), Doubt::None),
        })
    }

    fn has_metadata(&self, key: &str) -> Plan<'_> {
        let doubt = doubt_of(self.metadata.doubtful(key));
        Plan::Leaf(Leaf::present(self.grid, self.metadata.column(key), true, doubt))
    }

    fn has_score(&self, key: &str) -> Plan<'_> {
        let doubt = doubt_of(self.scores.doubtful(key));
        Plan::Leaf(Leaf::present(self.grid, self.scores.column(key), false, doubt))
    }
}

fn doubt_of(rows: Option<&[u64]>) -> Doubt<'_> {
    rows.map_or(Doubt::None, Doubt::Rows)
}
