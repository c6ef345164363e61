//! Orders, sums and groups over a set of rows, straight from columns.

use crate::bits;
use crate::cells::Class;
use crate::codes::Codes;
use crate::columns::Columns;
use crate::dictionary::Code;
use crate::dynamic::{DynamicColumn, Shape};
use crate::kept::{Kept, WantedOrder};
use crate::key::{Part, dynamic_parts, id_parts, missing_part, scalar_parts};
use crate::order::Sorter;
use crate::rows::Rows;
use crate::scalar::{ScalarColumn, Texts};
use crate::sums::Adder;
use evalset_model::filter::LogField;
use evalset_model::ids::RowNumber;
use evalset_model::page::Sort;
use evalset_model::summary::{Group, ScoreTotals, Sums};
use hashbrown::HashMap;
use serde_json::Value;

impl Columns {
    fn sorter<'a>(&'a self, rows: &'a [u64]) -> Sorter<'a> {
        Sorter::new(self.grid, &self.ids, rows, &self.watch)
    }

    /// Rows `offset..offset + limit` of the alive ones in order: nulls last, ties by id (contract A.6).
    pub fn page(&self, rows: &Rows, sort: &Sort, offset: u64, limit: u64) -> Vec<RowNumber> {
        let rows = self.alive_of(rows);
        let kept = Kept { orders: &self.kept, sort, writes: &self.writes };
        let positions = self.sorter(&rows).with(kept).page(&self.parts(sort), offset, limit);
        positions.into_iter().map(|position| self.number(position)).collect()
    }

    /// All alive rows in order; by falling row number when no order is given.
    pub fn order(&self, rows: &Rows, sort: Option<&Sort>) -> Vec<RowNumber> {
        let Some(sort) = sort else {
            let mut numbers = self.row_numbers(rows);
            numbers.reverse();
            return numbers;
        };
        let rows = self.alive_of(rows);
        let positions = self.sorter(&rows).all(&self.parts(sort));
        positions.into_iter().map(|position| self.number(position)).collect()
    }

    /// Orders of chunks that pages would have used, since before the last call.
    pub fn wanted_orders(&self) -> Vec<WantedOrder> {
        self.kept.wanted()
    }

    /// Bytes of memory that orders of chunks take.
    pub fn orders_bytes(&self) -> usize {
        self.kept.bytes()
    }

    /// Bytes of memory that one more order takes at most.
    pub fn order_bytes_max(&self) -> usize {
        self.grid.rows() * size_of::<u16>()
    }

    /// When those orders were asked for that no others were asked for before, as [`WantedOrder::asked`]; none without
    /// any.
    pub fn oldest_orders(&self) -> Option<u64> {
        self.kept.oldest()
    }

    /// Gives those orders up.
    pub fn drop_oldest_orders(&self) {
        self.kept.drop_oldest();
    }

    /// Says that there is no room for an order: it has to be wanted again.
    pub fn refuse_order(&self, wanted: &WantedOrder) {
        self.kept.put(wanted, None);
    }

    /// Makes such an order and keeps it, unless its chunk was written to since.
    pub fn make_order(&self, wanted: &WantedOrder) {
        let numbers = self.numbers.get(wanted.chunk).filter(|_| self.writes.get(wanted.chunk) == Some(&wanted.writes));
        let order = numbers.and_then(|numbers| {
            let parts = self.parts(&wanted.sort);
            let part = parts.iter().find(|part| part.kind() == Some(wanted.kind))?;
            // The dead ones too: they are passed over, and do not come to life.
            let rows = bits::first(numbers.len());
            Some(self.sorter(&[]).chunk_order(part, wanted.chunk, &rows))
        });
        self.kept.put(wanted, order);
    }

    pub(crate) fn parts(&self, sort: &Sort) -> Vec<Part<'_>> {
        let (grid, descending) = (self.grid, sort.descending);
        match &sort.field {
            LogField::Id => id_parts(grid, &self.ids, descending),
            LogField::Scalar(field) => {
                self.scalars.get(field.index()).map_or_else(Vec::new, |column| scalar_parts(grid, column, descending))
            }
            LogField::Metadata(path) => dynamic_parts(grid, self.metadata.column(path), Shape::Paths, descending),
            LogField::Score(key) => dynamic_parts(grid, self.scores.column(key), Shape::Scores, descending),
            LogField::Text(_) | LogField::MetadataMap | LogField::ScoreMap => missing_part(grid),
        }
    }

    /// Rows whose value of `field` only the whole row can tell: [`Columns::order`] and [`Columns::groups`] take them
    /// for rows without one. None but for metadata beyond the column cap or nested too deep.
    pub fn doubtful(&self, field: &LogField) -> Rows {
        let doubtful = match field {
            LogField::Metadata(path) => self.metadata.doubtful(path),
            LogField::Score(key) => self.scores.doubtful(key),
            _ => None,
        };
        Rows { words: doubtful.map_or_else(Vec::new, <[u64]>::to_vec) }
    }

    /// Sums over the alive rows.
    pub fn sums(&self, rows: &Rows) -> Sums {
        let rows = self.alive_of(rows);
        let adder = Adder::new(self.grid, &self.scalars);
        let mut sums = Sums::default();
        for chunk in 0..self.chunks() {
            adder.total(chunk, adder.chunk_rows(&rows, chunk), &mut sums);
            self.watch.passed();
        }
        sums
    }

    /// Totals of the score under `key` over the alive rows, added in the order of the rows.
    pub fn score_totals(&self, rows: &Rows, key: &str) -> ScoreTotals {
        let mut totals = ScoreTotals::default();
        let Some(column) = self.scores.column(key) else { return totals };
        let rows = self.alive_of(rows);
        let adder = Adder::new(self.grid, &self.scalars);
        for chunk in 0..self.chunks() {
            if let Some(cells) = column.chunks.get(chunk) {
                cells.total(adder.chunk_rows(&rows, chunk), &mut totals);
            }
            self.watch.passed();
        }
        totals
    }

    /// Sums over the alive rows by value of a field, in no particular order. The key of a value that is no string is
    /// its JSON text; values with the same key are one group; rows without a value are the group without a key.
    pub fn groups(&self, rows: &Rows, by: &LogField) -> Vec<Group> {
        let rows = self.alive_of(rows);
        let adder = Adder::new(self.grid, &self.scalars);
        let mut grouper = Grouper::default();
        let mut sums: Vec<Sums> = Vec::new();
        for chunk in 0..self.chunks() {
            let rows = adder.chunk_rows(&rows, chunk);
            let mut group_of = vec![0_usize; self.grid.rows()];
            bits::each(rows, |at| group_of[at] = self.group(&mut grouper, by, self.grid.start(chunk) + at));
            sums.resize(grouper.keys.len(), Sums::default());
            adder.add(chunk, rows, &mut sums, |at| group_of[at]);
            self.watch.passed();
        }
        grouper.keys.into_iter().zip(sums).map(|(key, sums)| Group { key, sums }).collect()
    }

    /// Alive rows by value of a field, as [`Columns::groups`] has them.
    pub fn value_counts(&self, rows: &Rows, by: &LogField) -> Vec<(Option<String>, u64)> {
        let rows = self.alive_of(rows);
        let mut grouper = Grouper::default();
        let mut counts: Vec<u64> = Vec::new();
        for (chunk, rows) in rows.chunks(self.grid.words()).enumerate() {
            bits::each(rows, |at| {
                let group = self.group(&mut grouper, by, self.grid.start(chunk) + at);
                counts.resize(grouper.keys.len(), 0);
                counts[group] += 1;
            });
            self.watch.passed();
        }
        grouper.keys.into_iter().zip(counts).collect()
    }

    /// The group of a row.
    fn group(&self, grouper: &mut Grouper, by: &LogField, position: usize) -> usize {
        let place = self.grid.place(position);
        let dynamic = |grouper: &mut Grouper, column: Option<&DynamicColumn>| {
            let cell = column.and_then(|column| Some((column, column.chunks.get(place.chunk)?.get(place.offset))));
            let Some((column, cell)) = cell else { return grouper.of_key(None) };
            if cell.class == Class::Text {
                return grouper.of_text(cell.code, || Some(column.texts.text(cell.code).to_owned()));
            }
            let memo = (cell.class as u8, cell.code, cell.number.to_bits());
            grouper.of_code(memo, || column.value(&cell).and_then(key_text))
        };
        match by {
            LogField::Scalar(field) => match self.scalars.get(field.index()) {
                Some(ScalarColumn::Text(Texts { dictionary, chunks })) => {
                    let code = chunks.get(place.chunk).map_or(0, |codes: &Codes| codes.get(place.offset));
                    grouper.of_text(code, || (code != 0).then(|| dictionary.text(code).to_owned()))
                }
                column => {
                    let value = column.and_then(|column| column.get(place));
                    grouper.of_key(value.and_then(|value| key_text(value.to_json())))
                }
            },
            LogField::Metadata(path) => dynamic(grouper, self.metadata.column(path)),
            LogField::Score(key) => dynamic(grouper, self.scores.column(key)),
            LogField::Id => grouper.of_key(Some(self.ids.with(position, str::to_owned))),
            LogField::Text(_) | LogField::MetadataMap | LogField::ScoreMap => grouper.of_key(None),
        }
    }
}

/// Type, code and number of a value.
type Standin = (u8, u32, u64);

/// Groups met so far.
#[derive(Default)]
struct Grouper {
    keys: Vec<Option<String>>,
    by_key: HashMap<Option<String>, usize>,
    /// Groups by a short stand-in for the key, so that the key's text is made once per distinct value.
    by_code: HashMap<Standin, usize>,
    /// The same for the codes of texts; one more than the group, 0: not met yet.
    by_text: Vec<usize>,
}

impl Grouper {
    fn of_text(&mut self, code: Code, key: impl FnOnce() -> Option<String>) -> usize {
        let at = code as usize;
        if let Some(group) = self.by_text.get(at).and_then(|group| group.checked_sub(1)) {
            return group;
        }
        let group = self.of_key(key());
        if at >= self.by_text.len() {
            self.by_text.resize(at + 1, 0);
        }
        self.by_text[at] = group + 1;
        group
    }

    fn of_code(&mut self, code: Standin, key: impl FnOnce() -> Option<String>) -> usize {
        if let Some(group) = self.by_code.get(&code) {
            return *group;
        }
        let group = self.of_key(key());
        self.by_code.insert(code, group);
        group
    }

    fn of_key(&mut self, key: Option<String>) -> usize {
        *self.by_key.entry(key).or_insert_with_key(|key| {
            self.keys.push(key.clone());
            self.keys.len() - 1
        })
    }
}

/// Strings as they are, other values as JSON text; null is no key.
fn key_text(value: Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text),
        value => Some(value.to_string()),
    }
}
