//! Traces: spans folded by the trace they are in. Knows the columns that totals are made of, not what is asked of a
//! trace.

use crate::bits;
use crate::chunked::{Chunked, Place};
use crate::codes::Codes;
use crate::columns::Columns;
use crate::dictionary::{Code, Dictionary};
use crate::numbers::{Floats, Ints};
use crate::rows::Rows;
use crate::scalar::{ScalarColumn, Texts};
use evalset_model::field::Field;
use evalset_model::ids::RowNumber;
use evalset_model::trace::{self, Totals};

/// A trace whose root span is known.
#[derive(Clone, Debug, PartialEq)]
pub struct FoldedTrace {
    /// Its root span.
    pub root: RowNumber,
    /// What its spans come to.
    pub totals: Totals,
}

impl Columns {
    /// The traces whose root span is one of `roots`, in no particular order, folded from all alive rows up to the
    /// watermark.
    pub fn traces(&self, roots: &Rows, watermark: Option<RowNumber>) -> Vec<FoldedTrace> {
        let Some(spans) = Spans::new(self) else { return Vec::new() };
        let (mut roots, mut alive) = (Rows { words: self.alive_of(roots) }, Rows { words: self.alive.clone() });
        if let Some(watermark) = watermark {
            self.up_to(&mut roots, watermark);
            self.up_to(&mut alive, watermark);
        }
        let (slots, count) = spans.slots(self, &roots.words);
        let mut folds = vec![Fold::default(); count];
        for chunk in 0..self.chunks() {
            let rows = bits::part(&alive.words, self.grid.start(chunk) / bits::WORD, self.grid.words());
            if let Some(codes) = spans.traces.chunks.get(chunk) {
                codes.each(rows, |offset, code| {
                    let slot = slots.get(code as usize).and_then(|slot| slot.checked_sub(1));
                    if let Some(fold) = slot.and_then(|slot| folds.get_mut(slot as usize)) {
                        spans.add(self, fold, Place { chunk, offset });
                    }
                });
            }
            self.watch.passed();
        }
        let folded = |fold: Fold| {
            let (start, position) = fold.root.filter(|(_, position)| bits::get(&roots.words, *position))?;
            let mut totals = fold.totals;
            totals.offer_root(start, &self.id_at(position));
            Some(FoldedTrace { root: self.number(position), totals })
        };
        folds.into_iter().filter_map(folded).collect()
    }
}

/// A trace in the making.
#[derive(Clone, Default)]
struct Fold {
    totals: Totals,
    /// Start and position of the root span.
    root: Option<(Option<i64>, usize)>,
}

/// The columns that traces are made of.
struct Spans<'a> {
    traces: &'a Texts,
    parents: Option<&'a Texts>,
    types: Option<&'a Texts>,
    statuses: Option<&'a Texts>,
    started: Option<&'a Chunked<Ints>>,
    ended: Option<&'a Chunked<Ints>>,
    tokens: [Option<&'a Chunked<Ints>>; 3],
    cost: Option<&'a Chunked<Floats>>,
    /// Codes of types that are calls of a language model, by code.
    llm_types: Vec<bool>,
    error: Option<Code>,
    no_parent: Option<Code>,
}

fn code(texts: Option<&Texts>, place: Place) -> Code {
    texts.and_then(|texts| texts.chunks.get(place.chunk)).map_or(0, |codes: &Codes| codes.get(place.offset))
}

fn int(ints: Option<&Chunked<Ints>>, place: Place) -> Option<i64> {
    ints.and_then(|chunks| chunks.get(place.chunk)?.get(place.offset))
}

fn is_llm(dictionary: &Dictionary) -> Vec<bool> {
    (0..=dictionary.len()).map(|code| code > 0 && trace::is_llm_call(dictionary.text(code as Code))).collect()
}

impl<'a> Spans<'a> {
    /// None when no row can be in a trace.
    fn new(columns: &'a Columns) -> Option<Self> {
        let texts = |field: Field| match columns.scalars.get(field.index()) {
            Some(ScalarColumn::Text(texts)) => Some(texts),
            _ => None,
        };
        let ints = |field: Field| match columns.scalars.get(field.index()) {
            Some(ScalarColumn::Int(chunks) | ScalarColumn::Time(chunks)) => Some(chunks),
            _ => None,
        };
        let cost = match columns.scalars.get(Field::Cost.index()) {
            Some(ScalarColumn::Float(chunks)) => Some(chunks),
            _ => None,
        };
        let (parents, types, statuses) = (texts(Field::SpanParentId), texts(Field::LogType), texts(Field::Status));
        let find = |texts: Option<&Texts>, text| texts.and_then(|texts| texts.dictionary.find(text));
        Some(Self {
            traces: texts(Field::TraceUniqueId)?,
            parents,
            types,
            statuses,
            started: ints(Field::StartTime),
            ended: ints(Field::Timestamp),
            tokens: [Field::PromptTokens, Field::CompletionTokens, Field::TotalRequestTokens].map(ints),
            cost,
            llm_types: types.map_or_else(Vec::new, |texts| is_llm(&texts.dictionary)),
            error: find(statuses, "error"),
            no_parent: find(parents, ""),
        })
    }

    /// By the code of a trace that one of the roots is in: one more than its place among those; and how many these are.
    fn slots(&self, columns: &Columns, roots: &[u64]) -> (Vec<u32>, usize) {
        let mut slots = vec![0_u32; self.traces.dictionary.len() + 1];
        let mut count = 0_u32;
        let empty = self.traces.dictionary.find("");
        for chunk in 0..columns.chunks() {
            let rows = bits::part(roots, columns.grid.start(chunk) / bits::WORD, columns.grid.words());
            if let Some(codes) = self.traces.chunks.get(chunk) {
                codes.each(rows, |_, code| {
                    if let Some(slot) = slots.get_mut(code as usize).filter(|slot| **slot == 0 && Some(code) != empty) {
                        count += 1;
                        *slot = count;
                    }
                });
            }
        }
        (slots, count as usize)
    }

    /// Adds a span: what [`Totals::add`] does with a log.
    fn add(&self, columns: &Columns, fold: &mut Fold, place: Place) {
        let totals = &mut fold.totals;
        let (started, ended) = (int(self.started, place), int(self.ended, place));
        let start = started.or(ended);
        totals.start = [totals.start, start].into_iter().flatten().min();
        totals.end = [totals.end, ended.or(started)].into_iter().flatten().max();
        totals.span_count += 1;
        let llm = self.llm_types.get(code(self.types, place) as usize).copied().unwrap_or(false);
        totals.llm_call_count += u64::from(llm);
        totals.error_count += u64::from(self.error.is_some_and(|error| code(self.statuses, place) == error));
        let [prompt, completion, total] = self.tokens.map(|tokens| int(tokens, place).unwrap_or(0));
        totals.prompt_tokens = totals.prompt_tokens.saturating_add(prompt);
        totals.completion_tokens = totals.completion_tokens.saturating_add(completion);
        totals.total_tokens = totals.total_tokens.saturating_add(total);
        totals.cost += self.cost.and_then(|chunks| chunks.get(place.chunk)?.get(place.offset)).unwrap_or(0.0);
        let parent = code(self.parents, place);
        if parent != 0 && Some(parent) != self.no_parent {
            return;
        }
        let position = columns.grid.start(place.chunk) + place.offset;
        let key = |start: Option<i64>| start.unwrap_or(i64::MAX);
        let earlier = fold.root.is_none_or(|(first, root)| {
            key(start).cmp(&key(first)).then_with(|| columns.ids.compare(position, root)).is_lt()
        });
        if earlier {
            fold.root = Some((start, position));
        }
    }
}
