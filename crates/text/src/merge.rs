//! Several segments made one, without documents that newer ones have taken the place of. Reads and writes block by block: memory does
//! not grow with the dictionaries.

use crate::cursor::Cursor;
use crate::docs::Docs;
use crate::plan::PARTS;
use crate::postings;
use crate::segment::{Segment, odd};
use crate::writer::Writer;
use evalset_model::ids::RowNumber;
use std::io;
use std::path::Path;
use std::sync::Arc;

/// Stands for a document that is left out.
const GONE: u32 = u32::MAX;
/// Entries between two looks at whether to go on.
const LOOK: usize = 1_024;

/// Writes the documents of `segments` as one segment; those in the set beside a segment are left out. Returns the bytes of the file.
/// Ends with an error when `go_on` says so.
pub fn merge(segments: &[(Arc<Segment>, Docs)], path: &Path, go_on: &dyn Fn() -> bool) -> io::Result<u64> {
    let (rows, places) = arrange(segments);
    let mut out = Writer::create(path, rows.len())?;
    let (mut docs, mut gaps, mut looked) = (Vec::new(), Vec::new(), 0);
    for part in 0..PARTS {
        let mut cursors =
            segments.iter().map(|(segment, _)| Cursor::new(segment, part)).collect::<io::Result<Vec<_>>>()?;
        while let Some(entry) = cursors.iter().filter_map(Cursor::entry).min().map(<[u8]>::to_vec) {
            looked += 1;
            if looked % LOOK == 0 && !go_on() {
                return Err(io::Error::new(io::ErrorKind::Interrupted, "the store closes"));
            }
            docs.clear();
            for ((cursor, places), (segment, _)) in cursors.iter_mut().zip(&places).zip(segments) {
                if cursor.entry() != Some(&entry) {
                    continue;
                }
                let (list, count) = cursor.list()?;
                let place = |doc: u32| places.get(doc as usize).copied().filter(|place| *place != GONE);
                if !postings::each(list, count, segment.len(), |doc| docs.extend(place(doc))) {
                    return Err(odd("a list is damaged"));
                }
                cursor.advance()?;
            }
            if !docs.is_sorted() {
                docs.sort_unstable();
            }
            if !docs.is_empty() {
                gaps.clear();
                postings::gaps(&docs, &mut gaps);
                out.push(&entry, docs.len(), &gaps)?;
            }
        }
        out.end_part()?;
    }
    out.finish(&rows)
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
