//! Rows after a place in an order, for reading on where a page ended. Knows keys and ids, not pages.
//!
//! The place is a value and an id, not a row: the row that was there may be gone, and so may its value.

use crate::bits;
use crate::cells::Class;
use crate::chunked::Chunked;
use crate::codes::Codes;
use crate::columns::Columns;
use crate::dictionary::{Code, Dictionary, leading};
use crate::dynamic::DynamicColumn;
use crate::ids::{Ids, pack};
use crate::key::{Part, Ranked, Source, float_key, int_key};
use crate::rows::Rows;
use evalset_model::filter::LogField;
use evalset_model::filter::meaning::{SortKey, json_key, scalar_key};
use evalset_model::ids::RowNumber;
use evalset_model::page::{Mark, Sort};
use std::cmp::Ordering;

impl Columns {
    /// The place of an alive row in an order by a field that is not [`Columns::doubtful`] for it.
    pub fn mark(&self, row: RowNumber, sort: &Sort) -> Option<Mark> {
        let position = self.position(row)?;
        let place = self.grid.place(position);
        let cell = |column: &DynamicColumn| column.chunks.get(place.chunk).map(|cells| cells.get(place.offset));
        let json = |column: &DynamicColumn| {
            let value = cell(column).and_then(|cell| column.value(&cell));
            value.map_or(SortKey::Null, |value| json_key(&value).into_owned())
        };
        let id = self.id_of(row)?;
        let key = match &sort.field {
            LogField::Id => SortKey::Text(id.0.clone().into()),
            LogField::Scalar(field) => {
                scalar_key(self.scalars.get(field.index()).and_then(|column| column.get(place)).as_ref()).into_owned()
            }
            LogField::Metadata(path) => self.metadata.column(path).map_or(SortKey::Null, json),
            LogField::Score(key) => self.scores.column(key).map_or(SortKey::Null, |column| match cell(column) {
                // Booleans count as numbers.
                Some(flag) if matches!(flag.class, Class::No | Class::Yes) => SortKey::Number(flag.number),
                _ => json(column),
            }),
            LogField::Text(_) | LogField::MetadataMap | LogField::ScoreMap => SortKey::Null,
        };
        Some(Mark { key, id })
    }

    /// Those of `rows` that are alive and come after `mark` in the order.
    pub fn after(&self, rows: &Rows, sort: &Sort, mark: &Mark) -> Rows {
        let alive = self.alive_of(rows);
        let mut words = vec![0; alive.len()];
        for part in self.parts(sort) {
            let limit = match part.against(&mark.key) {
                Ordering::Less => continue,
                Ordering::Equal => Some(Limit::new(self, &part, mark)),
                Ordering::Greater => None,
            };
            for chunk in 0..self.chunks() {
                let rows = bits::part(&alive, self.grid.start(chunk) / bits::WORD, self.grid.words());
                part.each(chunk, rows, |position, key| {
                    let later = limit.as_ref().is_none_or(|limit| limit.is_before(position, key));
                    words[position / bits::WORD] |= u64::from(later) << (position % bits::WORD);
                });
                self.watch.passed();
            }
        }
        Rows { words }
    }
}

impl Part<'_> {
    /// Where the rows of this part stand, all together, to rows with such a key; equal when they are of its type.
    fn against(&self, key: &SortKey<'_>) -> Ordering {
        let own = match &self.source {
            Source::Int(_) | Source::Float(_) | Source::DynamicNumber(_) => SortKey::Int(0).rank(),
            Source::Text(..) | Source::Id(_) | Source::DynamicText(..) => SortKey::Text("".into()).rank(),
            Source::Flag(_) | Source::DynamicFlag(_) => SortKey::Bool(false).rank(),
            Source::DynamicStructure(..) => SortKey::Structure(String::new()).rank(),
            Source::Missing(_) => SortKey::Null.rank(),
        };
        let null = SortKey::Null.rank();
        let order = own.cmp(&key.rank());
        if self.descending && own != null && key.rank() != null { order.reverse() } else { order }
    }

    /// Order of the value of a row of this part and the value of a key of its type, rising.
    fn value_against(&self, columns: &Columns, position: usize, key: &SortKey<'_>) -> Ordering {
        let place = self.grid.place(position);
        let of = |dictionary: &Dictionary, code: Code, text: &str| dictionary.text(code).cmp(text);
        let code = |chunks: &Chunked<Codes>| chunks.get(place.chunk).map_or(0, |codes| codes.get(place.offset));
        let cell =
            |column: &DynamicColumn| column.chunks.get(place.chunk).map_or(0, |cells| cells.get(place.offset).code);
        match (&self.source, key) {
            (Source::Text(chunks, ranked), SortKey::Text(text)) => of(ranked.dictionary, code(chunks), text),
            (Source::DynamicText(column, ranked), SortKey::Text(text)) => of(ranked.dictionary, cell(column), text),
            (Source::DynamicStructure(column, ranked), SortKey::Structure(text)) => {
                of(ranked.dictionary, cell(column), text)
            }
            (Source::Id(_), SortKey::Text(text)) => columns.ids.with(position, |id| id.cmp(text)),
            _ => Ordering::Equal,
        }
    }
}

/// A place among the rows of one part.
struct Limit<'a> {
    columns: &'a Columns,
    part: &'a Part<'a>,
    mark: &'a Mark,
    /// Rows with a smaller key come before the place, those with a greater one after it; none when keys do not tell.
    key: Option<u64>,
}

impl<'a> Limit<'a> {
    fn new(columns: &'a Columns, part: &'a Part<'a>, mark: &'a Mark) -> Self {
        let key = match (&part.source, &mark.key) {
            (Source::Int(_), SortKey::Int(number)) => int_key(*number),
            (Source::Float(_) | Source::DynamicNumber(_), SortKey::Number(number)) => float_key(*number),
            (Source::Flag(_) | Source::DynamicFlag(_), SortKey::Bool(flag)) => u64::from(*flag),
            (Source::Text(_, ranked) | Source::DynamicText(_, ranked), SortKey::Text(text)) => ranked.place(text),
            (Source::DynamicStructure(_, ranked), SortKey::Structure(text)) => ranked.place(text),
            (Source::Id(ids), SortKey::Text(text)) => match ids.place(text) {
                Some(head) => head,
                None => return Self { columns, part, mark, key: None },
            },
            _ => 0,
        };
        Self { columns, part, mark, key: Some(if part.descending { !key } else { key }) }
    }

    fn is_before(&self, position: usize, key: u64) -> bool {
        let key = match &self.part.source {
            // The part goes by position then.
            Source::Id(ids) if ids.ascend() && self.part.descending => !ids.head(position),
            Source::Id(ids) if ids.ascend() => ids.head(position),
            _ => key,
        };
        if let Some(limit) = self.key.filter(|limit| *limit != key) {
            return key > limit;
        }
        let values = self.part.value_against(self.columns, position, &self.mark.key);
        let values = if self.part.descending { values.reverse() } else { values };
        values.then_with(|| self.columns.ids.with(position, |id| id.cmp(self.mark.id.as_str()))).is_gt()
    }
}

impl Ranked<'_> {
    /// The key at which texts have to be compared with `text` itself: all with a smaller key are below it, all with a
    /// greater one above.
    fn place(&self, text: &str) -> u64 {
        let Some(ranks) = self.ranks else { return self.dictionary.prefix_of(text) };
        if let Some(rank) = self.dictionary.find(text).and_then(|code| ranks.get(code as usize)) {
            return u64::from(*rank);
        }
        // A text that nothing has any more: the rank of the next one above, which is compared and found to be above.
        (1..=self.dictionary.len() as Code).filter(|code| self.dictionary.text(*code) < text).count() as u64
    }
}

impl Dictionary {
    /// [`Dictionary::prefix`] of a text that need not be in the dictionary.
    fn prefix_of(&self, text: &str) -> u64 {
        let shared = self.shared_start();
        let (start, rest) = text.as_bytes().split_at(shared.len().min(text.len()));
        match start.cmp(shared) {
            Ordering::Less => 0,
            Ordering::Equal => leading(rest),
            Ordering::Greater => u64::MAX,
        }
    }
}

impl Ids {
    /// The [`Ids::head`] at which ids have to be compared with `id` itself; none when no head tells where it belongs.
    fn place(&self, id: &str) -> Option<u64> {
        if self.is_packed() { pack(id).map(|(high, _)| high) } else { Some(leading(id.as_bytes())) }
    }
}
