//! Sums over rows and by group. Knows the columns that the summary is made of.

use crate::bits;
use crate::chunked::{Chunked, Grid};
use crate::numbers::{Floats, Ints};
use crate::scalar::ScalarColumn;
use evalset_model::field::Field;
use evalset_model::summary::Sums;

/// Adds rows up.
pub struct Adder<'a> {
    grid: Grid,
    scalars: &'a [ScalarColumn],
}

impl<'a> Adder<'a> {
    /// Over these columns, by [`Field::index`].
    pub fn new(grid: Grid, scalars: &'a [ScalarColumn]) -> Self {
        Self { grid, scalars }
    }

    fn floats(&self, field: Field) -> Option<&'a Chunked<Floats>> {
        match self.scalars.get(field.index()) {
            Some(ScalarColumn::Float(chunks)) => Some(chunks),
            _ => None,
        }
    }

    fn ints(&self, field: Field) -> Option<&'a Chunked<Ints>> {
        match self.scalars.get(field.index()) {
            Some(ScalarColumn::Int(chunks)) => Some(chunks),
            _ => None,
        }
    }

    /// Adds the rows of a chunk. Totals are kept in registers on the way, and values added in the order of the rows, so
    /// that the result is that of adding row after row.
    pub fn total(&self, chunk: usize, rows: &[u64], sums: &mut Sums) {
        sums.rows += bits::count(rows);
        sums.errors += bits::count(&self.errors(chunk, rows));
        sums.cache_hits += bits::count(&self.cache_hits(chunk, rows));
        let mut cost = sums.cost;
        self.add_floats(Field::Cost, chunk, rows, |_, value| cost += value);
        sums.cost = cost;
        for (field, total) in [
            (Field::TotalRequestTokens, &mut sums.total_tokens),
            (Field::PromptTokens, &mut sums.prompt_tokens),
            (Field::CompletionTokens, &mut sums.completion_tokens),
        ] {
            let mut tokens = *total;
            self.add_ints(field, chunk, rows, |_, value| tokens = tokens.saturating_add(value));
            *total = tokens;
        }
        for (field, mean) in [
            (Field::Latency, &mut sums.latency),
            (Field::TokensPerSecond, &mut sums.tokens_per_second),
            (Field::TimeToFirstToken, &mut sums.time_to_first_token),
        ] {
            let mut running = *mean;
            self.add_floats(field, chunk, rows, |_, value| running.add(Some(value)));
            *mean = running;
        }
    }

    /// Adds the rows of a chunk to the sums of their groups; `group` tells which, by offset.
    pub fn add(&self, chunk: usize, rows: &[u64], sums: &mut [Sums], group: impl Fn(usize) -> usize) {
        bits::each(rows, |at| sums[group(at)].rows += 1);
        self.add_floats(Field::Cost, chunk, rows, |at, value| sums[group(at)].cost += value);
        self.add_ints(Field::TotalRequestTokens, chunk, rows, |at, value| {
            let total = &mut sums[group(at)].total_tokens;
            *total = total.saturating_add(value);
        });
        self.add_ints(Field::PromptTokens, chunk, rows, |at, value| {
            let total = &mut sums[group(at)].prompt_tokens;
            *total = total.saturating_add(value);
        });
        self.add_ints(Field::CompletionTokens, chunk, rows, |at, value| {
            let total = &mut sums[group(at)].completion_tokens;
            *total = total.saturating_add(value);
        });
        bits::each(&self.errors(chunk, rows), |at| sums[group(at)].errors += 1);
        bits::each(&self.cache_hits(chunk, rows), |at| sums[group(at)].cache_hits += 1);
        self.add_floats(Field::Latency, chunk, rows, |at, value| sums[group(at)].latency.add(Some(value)));
        self.add_floats(Field::TokensPerSecond, chunk, rows, |at, value| {
            sums[group(at)].tokens_per_second.add(Some(value));
        });
        self.add_floats(Field::TimeToFirstToken, chunk, rows, |at, value| {
            sums[group(at)].time_to_first_token.add(Some(value));
        });
    }

    fn add_floats(&self, field: Field, chunk: usize, rows: &[u64], add: impl FnMut(usize, f64)) {
        if let Some(floats) = self.floats(field).and_then(|chunks| chunks.get(chunk)) {
            floats.each(rows, add);
        }
    }

    fn add_ints(&self, field: Field, chunk: usize, rows: &[u64], add: impl FnMut(usize, i64)) {
        if let Some(ints) = self.ints(field).and_then(|chunks| chunks.get(chunk)) {
            ints.each(rows, add);
        }
    }

    fn errors(&self, chunk: usize, rows: &[u64]) -> Vec<u64> {
        let mut marked = vec![0; rows.len()];
        if let Some(ScalarColumn::Text(texts)) = self.scalars.get(Field::Status.index())
            && let Some(code) = texts.dictionary.find("error")
            && let Some(codes) = texts.chunks.get(chunk)
        {
            codes.mark_equal(code, rows, &mut marked);
        }
        marked
    }

    fn cache_hits(&self, chunk: usize, rows: &[u64]) -> Vec<u64> {
        let mut marked = vec![0; rows.len()];
        if let Some(ScalarColumn::Bool(chunks)) = self.scalars.get(Field::CacheHit.index())
            && let Some(flags) = chunks.get(chunk)
        {
            flags.mark(true, rows, &mut marked);
        }
        marked
    }

    /// Words of a chunk, of a whole set of rows.
    pub fn chunk_rows<'b>(&self, rows: &'b [u64], chunk: usize) -> &'b [u64] {
        bits::part(rows, self.grid.start(chunk) / bits::WORD, self.grid.words())
    }
}
