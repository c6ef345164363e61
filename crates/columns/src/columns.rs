//! All columns of one collection: writing rows into them and finding rows by number. Knows the fields of a log, nothing
//! of files or locks.

use crate::bits;
use crate::chunked::Grid;
use crate::dictionary::Dictionary;
use crate::dynamic::{DynamicColumns, Shape};
use crate::ids::Ids;
use crate::kept::KeptOrders;
use crate::rows::Rows;
use crate::scalar::ScalarColumn;
use crate::seal::Chunk;
use crate::slab::{Backing, Slab};
use crate::snapshot::{FileRef, Input, Output, Stored, odd};
use crate::watch::Watched;
use evalset_model::field::Field;
use evalset_model::ids::{LogId, RowNumber};
use evalset_model::limits::Limits;
use evalset_model::log::Scalars;
use evalset_model::score::{ComparedScore, ComparedScores};
use serde_json::{Map, Value};
use std::io::Result;
use std::sync::Arc;

/// Bounds of one collection's columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ColumnLimits {
    /// Metadata paths that get a column; see [`Limits::metadata_columns`].
    pub metadata_columns: usize,
}

impl From<&Limits> for ColumnLimits {
    fn from(limits: &Limits) -> Self {
        Self { metadata_columns: limits.metadata_columns }
    }
}

/// What the columns need to know of a log.
#[derive(Clone, Copy, Debug)]
pub struct LogRef<'a> {
    /// Its id.
    pub id: &'a str,
    /// Its typed fields.
    pub scalars: &'a Scalars,
    /// Its metadata, `_` keys included.
    pub metadata: &'a Map<String, Value>,
    /// Its scores; `None` leaves those of a row that is replaced.
    pub scores: Option<&'a ComparedScores>,
}

/// The columns of a collection. Rows keep their position for good: a removed one only stops counting.
pub struct Columns {
    pub(crate) grid: Grid,
    /// Row numbers by position, cut into chunks so that growing never copies them all.
    pub(crate) numbers: Vec<Slab<i64>>,
    /// How often each chunk was written to.
    pub(crate) writes: Vec<u64>,
    /// The file in which a chunk lies as it is.
    pub(crate) files: Vec<Option<Arc<dyn Backing>>>,
    pub(crate) alive: Vec<u64>,
    alive_rows: u64,
    pub(crate) ids: Ids,
    /// By [`Field::index`].
    pub(crate) scalars: Vec<ScalarColumn>,
    pub(crate) metadata: DynamicColumns,
    pub(crate) scores: DynamicColumns,
    pub(crate) kept: KeptOrders,
    /// Told by those who walk from chunk to chunk.
    pub(crate) watch: Watched,
}

impl Columns {
    /// Of an empty collection.
    pub fn new(limits: &ColumnLimits) -> Self {
        Self::on(Grid::FULL, *limits)
    }

    /// With chunks of about `rows` rows instead of 65,536, so that tests cross their borders with few rows.
    #[doc(hidden)]
    pub fn with_chunk_rows(limits: &ColumnLimits, rows: usize) -> Self {
        Self::on(Grid::of(rows), *limits)
    }

    fn on(grid: Grid, limits: ColumnLimits) -> Self {
        Self {
            grid,
            numbers: Vec::new(),
            writes: Vec::new(),
            files: Vec::new(),
            alive: Vec::new(),
            alive_rows: 0,
            ids: Ids::new(grid),
            scalars: Field::ALL.iter().map(|field| ScalarColumn::new(grid, field.kind())).collect(),
            metadata: DynamicColumns::new(Shape::Paths, limits.metadata_columns),
            scores: DynamicColumns::new(Shape::Scores, usize::MAX),
            kept: KeptOrders::default(),
            watch: Watched::default(),
        }
    }

    /// Adds a row. Row numbers rise strictly: one that is not above [`Columns::last_row`] is not added, but replaces
    /// the row of that number if it is alive.
    pub fn append(&mut self, row: RowNumber, log: LogRef<'_>) {
        if self.positions() > 0 && row <= self.last_row() {
            debug_assert!(false, "row {row} comes after {}", self.last_row());
            return self.replace(row, log);
        }
        let position = self.positions();
        if self.grid.place(position).offset == 0 {
            self.numbers.push(Slab::default());
        }
        if let Some(numbers) = self.numbers.last_mut() {
            numbers.to_mut().push(row.get());
        }
        self.ids.push(log.id);
        self.touch(position);
        let place = self.grid.place(position);
        for (field, value) in log.scalars.iter() {
            if let Some(column) = self.scalars.get_mut(field.index()) {
                column.set(place, value);
            }
        }
        self.metadata.set(self.grid, position, log.metadata);
        if let Some(scores) = log.scores {
            self.scores.set_scores(self.grid, position, scores);
        }
        bits::put(&mut self.alive, position, true);
        self.alive_rows += 1;
    }

    /// Gives an alive row a new content; does nothing when it is not alive.
    pub fn replace(&mut self, row: RowNumber, log: LogRef<'_>) {
        let Some(position) = self.position(row) else { return };
        self.ids.set(position, log.id);
        self.touch(position);
        let place = self.grid.place(position);
        // Columns that keep their value keep their memory, or their place in a file.
        for (field, column) in Field::ALL.iter().zip(&mut self.scalars) {
            match log.scalars.get(*field) {
                Some(value) => column.set(place, value),
                None => column.clear(place),
            }
        }
        self.metadata.replace(self.grid, position, log.metadata);
        if let Some(scores) = log.scores {
            self.scores.replace_scores(self.grid, position, scores);
        }
    }

    /// Gives an alive row these scores in place of those it has; does nothing when it is not alive.
    pub fn set_scores(&mut self, row: RowNumber, scores: &ComparedScores) {
        let Some(position) = self.position(row) else { return };
        self.touch(position);
        self.scores.replace_scores(self.grid, position, scores);
    }

    /// Writes one score of an alive row, under `key` and, if given, under its slug as well; does nothing when the row
    /// is not alive.
    pub fn put_score(&mut self, row: RowNumber, key: &str, slug: Option<&str>, score: &ComparedScore) {
        if let Some(position) = self.position(row) {
            self.touch(position);
            self.scores.put_score(self.grid, position, key, slug, score);
        }
    }

    /// Notes that a position is written to.
    fn touch(&mut self, position: usize) {
        let chunk = self.grid.place(position).chunk;
        if chunk >= self.writes.len() {
            self.writes.resize(chunk + 1, 0);
            self.files.resize(chunk + 1, None);
        }
        self.writes[chunk] += 1;
        self.files[chunk] = None;
    }

    /// Takes a row out; does nothing when it is not alive.
    pub fn remove(&mut self, row: RowNumber) {
        if let Some(position) = self.position(row) {
            bits::put(&mut self.alive, position, false);
            self.alive_rows -= 1;
        }
    }

    /// Alive rows.
    pub fn len(&self) -> u64 {
        self.alive_rows
    }

    /// Removed rows, which still take room.
    pub fn removed(&self) -> u64 {
        self.positions() as u64 - self.alive_rows
    }

    /// Whether no row is alive.
    pub fn is_empty(&self) -> bool {
        self.alive_rows == 0
    }

    /// The highest row number ever appended; 0 when there was none.
    pub fn last_row(&self) -> RowNumber {
        RowNumber::new(self.numbers.last().and_then(|numbers| numbers.last()).copied().unwrap_or(0))
    }

    /// Whether the row is alive.
    pub fn contains(&self, row: RowNumber) -> bool {
        self.position(row).is_some()
    }

    /// Positions given out, dead ones included.
    pub(crate) fn positions(&self) -> usize {
        self.ids.len()
    }

    /// Position of an alive row.
    pub(crate) fn position(&self, row: RowNumber) -> Option<usize> {
        let row = row.get();
        let chunk = self
            .numbers
            .partition_point(|numbers| numbers.first().is_some_and(|first| *first <= row))
            .checked_sub(1)?;
        let offset = self.numbers[chunk].binary_search(&row).ok()?;
        Some(self.grid.start(chunk) + offset).filter(|position| bits::get(&self.alive, *position))
    }

    pub(crate) fn number(&self, position: usize) -> RowNumber {
        let place = self.grid.place(position);
        let number = self.numbers.get(place.chunk).and_then(|numbers| numbers.get(place.offset)).copied();
        RowNumber::new(number.unwrap_or(0))
    }

    pub(crate) fn chunks(&self) -> usize {
        self.numbers.len()
    }

    /// Those of `rows` that are still alive, as words by position.
    pub(crate) fn alive_of(&self, rows: &Rows) -> Vec<u64> {
        let mut words = self.alive.clone();
        bits::and(&mut words, &rows.words);
        words
    }

    /// How many of the rows are alive.
    pub fn count(&self, rows: &Rows) -> u64 {
        rows.words.iter().zip(&self.alive).map(|(rows, alive)| u64::from((rows & alive).count_ones())).sum()
    }

    /// The alive rows among these numbers.
    pub fn select(&self, rows: &[RowNumber]) -> Rows {
        let mut words = vec![0; self.alive.len()];
        rows.iter().filter_map(|row| self.position(*row)).for_each(|position| bits::put(&mut words, position, true));
        Rows { words }
    }

    /// The rows, alive or not, whose number is in a set. `window` gives 64 bits of the set, the lowest for the number
    /// given and the others for those that follow it.
    pub fn select_in(&self, window: impl Fn(RowNumber) -> u64) -> Rows {
        let window = |first: &i64| window(RowNumber::new(*first));
        let mut words = Vec::with_capacity(self.alive.len());
        for numbers in &self.numbers {
            words.extend(numbers.chunks(bits::WORD).map(|numbers| match numbers {
                // Without gaps between them, as rows mostly are.
                [first, .., last] if (last - first) as usize == numbers.len() - 1 => {
                    window(first) & (u64::MAX >> (bits::WORD - numbers.len()))
                }
                _ => numbers.iter().enumerate().fold(0, |word, (bit, row)| word | (window(row) & 1) << bit),
            }));
            self.watch.passed();
        }
        Rows { words }
    }

    /// The numbers of the alive rows, rising.
    pub fn row_numbers(&self, rows: &Rows) -> Vec<RowNumber> {
        let mut numbers = Vec::new();
        self.each_alive(rows, |position| numbers.push(self.number(position)));
        numbers
    }

    /// Keeps only rows that come up to `last`, itself included.
    pub fn up_to(&self, rows: &mut Rows, last: RowNumber) {
        let last = last.get();
        let chunk = self.numbers.partition_point(|numbers| numbers.first().is_some_and(|first| *first <= last));
        let positions = chunk
            .checked_sub(1)
            .map_or(0, |chunk| self.grid.start(chunk) + self.numbers[chunk].partition_point(|row| *row <= last));
        rows.words.truncate(positions.div_ceil(bits::WORD));
        if let Some(last) = rows.words.get_mut(positions / bits::WORD) {
            *last &= (1 << (positions % bits::WORD)) - 1;
        }
    }

    /// The id of an alive row.
    pub fn id_of(&self, row: RowNumber) -> Option<LogId> {
        self.position(row).map(|position| self.id_at(position))
    }

    /// The ids of rows, in the order given; `None` for those that are not alive.
    pub fn ids(&self, rows: &[RowNumber]) -> Vec<Option<LogId>> {
        rows.iter().map(|row| self.id_of(*row)).collect()
    }

    /// The ids of the newest `limit` alive rows, newest first.
    pub fn newest_ids(&self, limit: usize) -> Vec<LogId> {
        let mut ids = Vec::new();
        if limit > 0 {
            bits::each_back(&self.alive, |position| {
                ids.push(self.id_at(position));
                ids.len() < limit
            });
        }
        ids
    }

    pub(crate) fn id_at(&self, position: usize) -> LogId {
        self.ids.with(position, |id| LogId(id.to_owned()))
    }

    /// Visits number and id of each alive row, by rising number.
    pub fn for_each_id(&self, rows: &Rows, mut f: impl FnMut(RowNumber, &str)) {
        self.each_alive(rows, |position| self.ids.with(position, |id| f(self.number(position), id)));
    }

    /// Visits the positions of the alive rows, chunk by chunk.
    fn each_alive(&self, rows: &Rows, mut visit: impl FnMut(usize)) {
        for (chunk, words) in self.alive_of(rows).chunks(self.grid.words()).enumerate() {
            bits::each(words, |offset| visit(self.grid.start(chunk) + offset));
            self.watch.passed();
        }
    }

    /// The bounds they were made within.
    pub(crate) fn limits(&self) -> ColumnLimits {
        ColumnLimits { metadata_columns: self.metadata.columns_max() }
    }

    /// Writes all but what the columns are made within.
    pub(crate) fn store_parts(&self, out: &mut Output<'_>) -> Result<()> {
        self.alive.store(out)?;
        self.ids.store_facts(out)?;
        self.scalars.iter().filter_map(ScalarColumn::dictionary).try_for_each(|texts| texts.store(out))?;
        self.metadata.store_shared(out)?;
        self.scores.store_shared(out)?;
        self.chunks().store(out)?;
        for chunk in 0..self.chunks() {
            let file = self.files.get(chunk).and_then(Option::as_ref);
            file.map(|file| FileRef::of(&**file)).store(out)?;
            if file.is_none() {
                self.store_chunk(chunk, out)?;
            }
        }
        Ok(())
    }

    /// Reads what [`Columns::store_parts`] wrote.
    pub(crate) fn restore_parts(grid: Grid, limits: ColumnLimits, input: &mut Input<'_>) -> Result<Self> {
        let mut restored = Self::on(grid, limits);
        restored.alive = Vec::restore(input)?;
        restored.alive_rows = bits::count(&restored.alive);
        restored.ids = Ids::restore_facts(grid, input)?;
        for dictionary in restored.scalars.iter_mut().filter_map(ScalarColumn::dictionary_mut) {
            *dictionary = Dictionary::restore(grid, input)?;
        }
        restored.metadata = DynamicColumns::restore_shared(grid, Shape::Paths, limits.metadata_columns, input)?;
        restored.scores = DynamicColumns::restore_shared(grid, Shape::Scores, usize::MAX, input)?;
        let chunks = usize::restore(input)?;
        for chunk in 0..chunks {
            let file = Option::<FileRef>::restore(input)?.map(|file| input.open(&file)).transpose()?;
            let values = match &file {
                Some(file) => Chunk::restore(&mut Input::file(file.clone(), 0))?,
                None => Chunk::restore(input)?,
            };
            let rows = values.rows();
            let last = chunk + 1 == chunks;
            if rows == 0 || rows > grid.rows() || (rows < grid.rows() && !last) {
                return Err(odd());
            }
            restored.writes.push(0);
            restored.put_chunk(chunk, values, file);
        }
        Ok(restored)
    }

    /// Bytes of memory held, about; what lies in files is not among them.
    pub fn memory_bytes(&self) -> usize {
        self.numbers.iter().map(Slab::memory_bytes).sum::<usize>()
            + self.alive.capacity() * 8
            + self.ids.memory_bytes()
            + self.scalars.iter().map(ScalarColumn::memory_bytes).sum::<usize>()
            + self.metadata.memory_bytes()
            + self.scores.memory_bytes()
            + self.kept.bytes()
    }
}
