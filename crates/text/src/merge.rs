//! Several segments made one, without documents that newer ones have taken the place of. Reads and writes block by
//! block: memory does not grow with the dictionaries, but holds the places of one word in all segments.

use crate::cursor::Cursor;
use crate::docs::Docs;
use crate::plan::PARTS;
use crate::position;
use crate::postings;
use crate::segment::{Segment, odd};
use crate::writer::Writer;
use evalset_model::ids::RowNumber;
use std::io;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

/// Stands for a document that is left out.
const GONE: u32 = u32::MAX;
/// Terms between two looks at whether to go on.
const LOOK: usize = 1_024;

/// Writes the documents of `segments` as one segment; those in the set beside a segment are left out. Returns the bytes
/// of the file. Ends with an error when `go_on` says so.
pub fn merge(segments: &[(Arc<Segment>, Docs)], path: &Path, go_on: &dyn Fn() -> bool) -> io::Result<u64> {
    let (rows, places) = arrange(segments);
    let mut out = Writer::create(path, rows.len())?;
    let (mut found, mut looked) = (Found::default(), 0);
    for part in 0..PARTS {
        let mut cursors =
            segments.iter().map(|(segment, _)| Cursor::new(segment, part)).collect::<io::Result<Vec<_>>>()?;
        while let Some(term) = cursors.iter().filter_map(Cursor::term).min().map(<[u8]>::to_vec) {
            looked += 1;
            if looked % LOOK == 0 && !go_on() {
                return Err(io::Error::new(io::ErrorKind::Interrupted, "the store closes"));
            }
            found.clear();
            for ((cursor, places), (segment, _)) in cursors.iter_mut().zip(&places).zip(segments) {
                if cursor.term() == Some(&term) {
                    found.add(cursor, places, segment.len())?;
                    cursor.advance()?;
                }
            }
            found.write(&term, &mut out)?;
        }
        out.end_part()?;
    }
    out.finish(&rows)
}

/// The documents of one term, and its positions in them.
#[derive(Default)]
struct Found {
    /// By their new numbers, with their positions.
    docs: Vec<(u32, Range<usize>)>,
    positions: Vec<u8>,
    gaps: Vec<u8>,
    sorted: Vec<u8>,
}

impl Found {
    fn clear(&mut self) {
        self.docs.clear();
        self.positions.clear();
    }

    /// Adds what one of the segments has.
    fn add(&mut self, cursor: &Cursor<'_>, places: &[u32], docs: usize) -> io::Result<()> {
        let (list, count) = cursor.list()?;
        let (before, first) = (self.positions.len(), self.docs.len());
        self.positions.extend_from_slice(cursor.positions()?);
        let place = |doc: u32| places.get(doc as usize).copied().unwrap_or(GONE);
        if !postings::each(list, count, docs, |doc| self.docs.push((place(doc), before..before))) {
            return Err(odd("a list is damaged"));
        }
        let mut next = first;
        let whole = position::by_doc(&self.positions[before..], |range| {
            if let Some((_, positions)) = self.docs.get_mut(next) {
                *positions = before + range.start..before + range.end;
            }
            next += 1;
        });
        if !whole || (next != first && next != self.docs.len()) {
            return Err(odd("places of words are damaged"));
        }
        Ok(())
    }

    fn write(&mut self, term: &[u8], out: &mut Writer) -> io::Result<()> {
        let all = self.docs.len();
        self.docs.retain(|(doc, _)| *doc != GONE);
        let sorted = self.docs.is_sorted_by_key(|(doc, _)| *doc);
        if !sorted {
            self.docs.sort_unstable_by_key(|(doc, _)| *doc);
        }
        if self.docs.is_empty() {
            return Ok(());
        }
        self.gaps.clear();
        postings::gaps(self.docs.iter().map(|(doc, _)| *doc), &mut self.gaps);
        if sorted && self.docs.len() == all {
            return out.push(term, all, &self.gaps, &self.positions);
        }
        self.sorted.clear();
        self.docs.iter().for_each(|(_, range)| self.sorted.extend_from_slice(&self.positions[range.clone()]));
        out.push(term, self.docs.len(), &self.gaps, &self.sorted)
    }
}

/// The rows of the new segment, and by old segment where each document goes.
fn arrange(segments: &[(Arc<Segment>, Docs)]) -> (Vec<RowNumber>, Vec<Vec<u32>>) {
    let mut all: Vec<(RowNumber, usize, usize)> = Vec::new();
    for (index, (segment, gone)) in segments.iter().enumerate() {
        all.extend((0..segment.len()).filter(|doc| !gone.contains(*doc)).map(|doc| (segment.row(doc), index, doc)));
    }
    all.sort_unstable();
    let mut places: Vec<Vec<u32>> = segments.iter().map(|(segment, _)| vec![GONE; segment.len()]).collect();
    for (new, (_, index, doc)) in all.iter().enumerate() {
        places[*index][*doc] = new as u32;
    }
    (all.into_iter().map(|(row, ..)| row).collect(), places)
}
