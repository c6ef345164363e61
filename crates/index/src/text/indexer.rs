//! The background thread: reads rows behind the writer into segments, merges small segments, removes indexes of
//! collections that are gone.
//!
//! It reads in short transactions of its own and writes one line per published list. Whatever it has not published when
//! the process ends is done again.

use super::Texts;
use super::batch::{Batch, SEGMENT_ROWS};
use super::folder::{Folder, List};
use super::shelf::{Set, Shelf};
use crate::indexes::Indexes;
use crate::number::{CollectionNumber, CommitNumber};
use crate::origin::{Fetched, Kept, Lease, Origin};
use evalset_model::filter::meaning;
use evalset_model::ids::{LogId, RowNumber};
use evalset_model::log::Log;
use evalset_model::{Error, Result};
use evalset_text::{Builder, Part, Segment, merge};
use std::io;
use std::iter::Peekable;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::vec::IntoIter;

/// Rows read in one transaction.
const READ_ROWS: usize = 500;
/// So many segments of a size are merged into one of the next.
const MERGED: usize = 8;
/// Rows of the smallest size; each next one has [`MERGED`] times as many.
const SMALL_ROWS: usize = 1_000;
/// Most rows of a segment that was merged from others.
const LARGE_ROWS: usize = 2_000_000;
/// So many bytes of a segment count as a row: what one entry has in all segments that are merged is held in memory,
/// several times.
const ROW_BYTES: u64 = 256;
/// So many rests are taken when something went wrong.
const RESTS_AFTER_ERROR: u32 = 20;
/// How much the thread steps back behind all others. Not more: it must get on beside searches, which read every row
/// that it has not.
const NICE: i32 = 5;
/// While others write, it rests so many times as long as it read rows: they share the processor, the disk and the file
/// with it.
const RESTS_BESIDE_WRITERS: u32 = 3;
/// The same when more than [`BACKLOG_ROWS`] wait to be read: searches read them each time.
const RESTS_WITH_BACKLOG: u32 = 1;
/// How often it looks whether a column index is still being made.
const FILLING_LOOK: Duration = Duration::from_millis(100);
/// Rows that may wait before it hurries.
const BACKLOG_ROWS: i64 = 50_000;

/// What the thread works with.
pub(crate) struct Desk {
    /// Has the rows, and remembers the tokens.
    pub origin: Arc<dyn Origin>,
    /// Callers wait for those that are being made: they go first.
    pub indexes: Arc<Indexes>,
}

/// Works until the store closes.
pub(super) fn run(texts: &Texts, desk: &Desk) {
    if let Err(error) = rustix::process::nice(NICE) {
        tracing::debug!(%error, "the thread of the text indexes keeps its priority");
    }
    let (mut rests, mut lease) = (1, None);
    while texts.rest(rests) {
        rests = match round(texts, desk, &mut lease) {
            Err(error) if texts.go_on() => {
                lease = None;
                tracing::warn!(%error, "text indexes could not be brought up to date; it is tried again");
                RESTS_AFTER_ERROR
            }
            _ => 1,
        };
    }
}

/// Brings every index up to date.
fn round(texts: &Texts, desk: &Desk, kept: &mut Option<Box<dyn Lease>>) -> Result<()> {
    let lease = match kept {
        Some(lease) => &**lease,
        None => &**kept.insert(desk.origin.own()?),
    };
    let visible = lease.collections()?;
    sweep(texts, desk, &visible)?;
    for (collection, rows) in visible {
        if rows >= texts.pace.rows_min || texts.tracks(collection) {
            Work { texts, desk, lease, collection, folder: Folder::new(&texts.root, collection) }.bring_up()?;
        }
    }
    Ok(())
}

/// Removes what is left of collections that are gone.
fn sweep(texts: &Texts, desk: &Desk, visible: &[(CollectionNumber, u64)]) -> Result<()> {
    let there = |collection: CollectionNumber| visible.iter().any(|(id, _)| *id == collection);
    let gone: Vec<CollectionNumber> = texts.shelves.read().keys().copied().filter(|id| !there(*id)).collect();
    for collection in gone {
        texts.shelves.write().remove(&collection);
        desk.origin.forget_texts(collection)?;
    }
    let Ok(folders) = std::fs::read_dir(&texts.root) else { return Ok(()) };
    for folder in folders.filter_map(std::result::Result::ok) {
        let collection = folder.file_name().to_str().and_then(|name| name.parse().ok()).map(CollectionNumber);
        if let Some(collection) = collection.filter(|collection| !texts.tracks(*collection)) {
            Folder::new(&texts.root, collection).remove();
        }
    }
    Ok(())
}

/// One collection.
struct Work<'a> {
    texts: &'a Texts,
    desk: &'a Desk,
    lease: &'a dyn Lease,
    collection: CollectionNumber,
    folder: Folder,
}

impl Work<'_> {
    fn bring_up(&self) -> Result<()> {
        let shelf = self.shelf()?;
        // What comes of segments that are lost from here on is not shown.
        let losses = shelf.losses();
        if shelf.set().is_none() || !self.folder.exists() {
            self.open(&shelf, losses)?;
        }
        while self.texts.go_on() {
            let Some(set) = shelf.set() else { break };
            let batch = self.read(&shelf, &set)?;
            if batch.above == set.above && batch.again.is_empty() {
                break;
            }
            self.add((&shelf, losses), &set, &batch)?;
            while self.merge((&shelf, losses))? {}
            if !batch.more {
                break;
            }
        }
        Ok(())
    }

    /// The shelf, made when there is none. Changes are noted from its making on; what was under way then is waited for.
    fn shelf(&self) -> Result<Arc<Shelf>> {
        if let Some(shelf) = self.texts.shelf(self.collection) {
            return Ok(shelf);
        }
        let shelf = Arc::<Shelf>::default();
        self.texts.shelves.write().insert(self.collection, shelf.clone());
        self.desk.origin.settle()?;
        Ok(shelf)
    }

    /// Opens what the origin remembers, or begins anew.
    fn open(&self, shelf: &Shelf, losses: u64) -> Result<()> {
        self.folder.create().map_err(Error::internal)?;
        let kept = self.lease.text_list(self.collection)?;
        let kept = kept.map(|kept| self.knows_since(kept).map(|knows| knows.then_some(kept))).transpose()?.flatten();
        let opened = kept.map(|kept| self.open_list(kept.token)).transpose();
        let mut seq = kept.map(|kept| kept.seq);
        let set = match opened {
            Ok(Some(set)) => set,
            Ok(None) => Set::new(Vec::new(), RowNumber::new(0)),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Err(Error::internal(error)),
            Err(error) => {
                tracing::warn!(collection = %self.collection, %error, "a text index cannot be used and is built anew");
                seq = None;
                Set::new(Vec::new(), RowNumber::new(0))
            }
        };
        if let Some(Kept { token, .. }) = kept {
            self.folder.keep(token, &set.held.iter().map(|held| held.name).collect::<Vec<_>>());
        }
        if !self.desk.origin.pushes() {
            // Rows that are read from now on are read as of this commit or a later one.
            let seq = match seq {
                Some(seq) => seq,
                None => self.lease.commit(self.collection)?.ok_or_else(Error::not_found)?,
            };
            shelf.follow([], seq);
        }
        shelf.publish(Arc::new(set), losses, &[], CommitNumber(0));
        Ok(())
    }

    /// Whether the origin tells which texts have changed since a list was kept: one that pushes has noted them.
    fn knows_since(&self, kept: Kept) -> Result<bool> {
        Ok(self.desk.origin.pushes() || super::tells_texts(&self.lease.since(self.collection, kept.seq)?))
    }

    fn open_list(&self, token: i64) -> io::Result<Set> {
        let list = self.folder.read_list(token)?;
        let open = |name: &u64| Ok((*name, Arc::new(self.open_segment(*name)?)));
        Ok(Set::new(list.names.iter().map(open).collect::<io::Result<_>>()?, list.above))
    }

    fn open_segment(&self, name: u64) -> io::Result<Segment> {
        Segment::open(&self.folder.segment(name), &|| self.texts.go_on())
    }

    /// Reads new rows and changed ones.
    fn read(&self, shelf: &Shelf, set: &Set) -> Result<Batch> {
        let mut batch = Batch {
            builder: Builder::default(),
            above: set.above,
            seq: CommitNumber(i64::MAX),
            again: Vec::new(),
            more: false,
        };
        // Their numbers lie below those of new rows.
        let mut changed = shelf.stale(SEGMENT_ROWS / 2);
        if changed.len() < self.texts.pace.changed_min {
            changed.clear();
        }
        let mut changed = changed.into_iter().peekable();
        let mut commits = self.desk.origin.commits();
        loop {
            if !self.texts.go_on() {
                return Err(Error::internal("the store closes"));
            }
            if batch.is_full() {
                batch.more = true;
                return Ok(batch);
            }
            let begun = Instant::now();
            self.lease.end()?;
            self.lease.begin()?;
            let Some(seq) = self.lease.commit(self.collection)? else {
                self.lease.end()?;
                return Ok(batch);
            };
            batch.seq = batch.seq.min(seq);
            let at_end = self.add_rows(&mut batch, &mut changed)?;
            // Not inside the transaction, which would hold up checkpoints.
            self.lease.end()?;
            if at_end {
                return Ok(batch);
            }
            self.make_room(&batch, begun.elapsed(), &mut commits)?;
        }
    }

    /// Adds some of the changed rows or, when none is left, of the new ones; true when there are no more of those.
    fn add_rows(&self, batch: &mut Batch, changed: &mut Peekable<IntoIter<RowNumber>>) -> Result<bool> {
        let again = changed.peek().is_some();
        let rows = if again {
            changed.by_ref().take(READ_ROWS).collect()
        } else {
            self.lease.rows_above(self.collection, batch.above, READ_ROWS)?
        };
        for row in &rows {
            let settled = self.add_row(&mut batch.builder, *row)?;
            if !again {
                batch.above = *row;
            } else if settled {
                batch.again.push(*row);
            }
            if batch.is_full() || !self.texts.go_on() {
                break;
            }
        }
        Ok(!again && rows.len() < READ_ROWS && rows.last().is_none_or(|last| *last == batch.above))
    }

    /// Steps back before an index that is being made, and before writers: for a time in proportion to what was just
    /// done, less with a backlog. `commits`: how many there were at the last look.
    fn make_room(&self, batch: &Batch, took: Duration, commits: &mut u64) -> Result<()> {
        while self.desk.indexes.filling() && self.texts.pause(FILLING_LOOK) {}
        let before = std::mem::replace(commits, self.desk.origin.commits());
        if *commits != before {
            // Row numbers rise over all collections: a guess that is too high only makes it hurry.
            let last = self.lease.last_row(self.collection)?;
            let hurry = last.get() - batch.above.get() > BACKLOG_ROWS;
            let rests = if hurry { RESTS_WITH_BACKLOG } else { RESTS_BESIDE_WRITERS };
            self.texts.pause(took * rests);
        }
        Ok(())
    }

    /// Adds a row, unless it is gone or cannot be read; false in the latter case: what is noted of it stays.
    fn add_row(&self, builder: &mut Builder, row: RowNumber) -> Result<bool> {
        let mut log = Log::new(LogId(String::new()));
        match self.lease.payload(self.collection, row)? {
            Fetched::There(payload) => log.payload = payload,
            Fetched::Gone => return Ok(true),
            Fetched::Unreadable => return Ok(false),
        }
        let texts = Part::ALL.map(|part| meaning::text_of(&log, part.field()));
        builder.add(row, texts.each_ref().map(|text| text.as_deref()));
        Ok(true)
    }

    /// Writes a new segment and shows it.
    fn add(&self, shelf: (&Shelf, u64), set: &Set, batch: &Batch) -> Result<()> {
        let mut segments = set.segments();
        if !batch.builder.rows().is_empty() {
            let name = getrandom::u64().map_err(Error::internal)?;
            batch.builder.write(&self.folder.segment(name), &|| self.texts.go_on()).map_err(Error::internal)?;
            segments.push((name, Arc::new(self.open_segment(name).map_err(Error::internal)?)));
        }
        // Notes on new rows go too, and those on rows that are gone.
        let mut read = batch.again.clone();
        read.extend_from_slice(batch.builder.rows());
        self.publish(shelf, Set::new(segments, batch.above), &read, batch.seq)
    }

    /// Has the origin remember the new list, together with what is no longer to be noted, and shows it; not when the
    /// segments that it was made of were lost meanwhile.
    fn publish(&self, (shelf, losses): (&Shelf, u64), set: Set, read: &[RowNumber], seq: CommitNumber) -> Result<()> {
        let token = getrandom::u64().map_err(Error::internal)? as i64;
        let names: Vec<u64> = set.held.iter().map(|held| held.name).collect();
        let names = List { above: set.above, names };
        self.folder.write_list(token, &names).map_err(Error::internal)?;
        let list = Kept { seq: shelf.settled(read, seq), token };
        if shelf.losses() != losses {
            return Ok(());
        }
        self.desk.origin.keep_texts(self.collection, list, shelf.noted(read), seq)?;
        shelf.publish(Arc::new(set), losses, read, seq);
        self.folder.keep(token, &names.names);
        Ok(())
    }

    /// Makes one of several small segments, if there are enough; false when there are not.
    fn merge(&self, shelf: (&Shelf, u64)) -> Result<bool> {
        let Some(set) = shelf.0.set() else { return Ok(false) };
        let size =
            |segment: &Segment| segment.len().max(usize::try_from(segment.bytes() / ROW_BYTES).unwrap_or(usize::MAX));
        let sizes: Vec<usize> = set.held.iter().map(|held| size(&held.segment)).collect();
        let Some(range) = to_merge(&sizes) else { return Ok(false) };
        let inputs: Vec<_> =
            set.held[range.clone()].iter().map(|held| (held.segment.clone(), held.superseded.clone())).collect();
        let name = getrandom::u64().map_err(Error::internal)?;
        merge(&inputs, &self.folder.segment(name), &|| self.texts.go_on()).map_err(Error::internal)?;
        let merged = Arc::new(self.open_segment(name).map_err(Error::internal)?);
        let mut segments = set.segments();
        segments.splice(range, [(name, merged)]);
        self.publish(shelf, Set::new(segments, set.above), &[], CommitNumber(0))?;
        Ok(true)
    }
}

/// Which of the segments, given their rows, oldest first, are to be merged: the newest ones of a size and below, once
/// there are enough of them.
fn to_merge(sizes: &[usize]) -> Option<Range<usize>> {
    let largest = LARGE_ROWS / MERGED;
    let mut size = SMALL_ROWS * MERGED;
    loop {
        let count = sizes.iter().rev().take_while(|rows| **rows < size).count();
        if count >= MERGED {
            return Some(sizes.len() - MERGED..sizes.len());
        }
        if size == largest {
            return None;
        }
        size = (size * MERGED).min(largest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_are_merged_by_size() {
        assert_eq!(to_merge(&[1; 7]), None);
        assert_eq!(to_merge(&[1; 8]), Some(0..8));
        assert_eq!(to_merge(&[100_000, 1, 1, 1, 1, 1, 1, 1, 1]), Some(1..9));
        assert_eq!(to_merge(&[50_000; 8]), Some(0..8));
        assert_eq!(to_merge(&[1_000_000; 20]), None);
        let mut sizes = Vec::new();
        for _ in 0..10_000 {
            sizes.push(900);
            while let Some(range) = to_merge(&sizes) {
                let merged = sizes[range.clone()].iter().sum();
                sizes.splice(range, [merged]);
            }
            assert!(sizes.len() < 50, "{sizes:?}");
            assert!(sizes.iter().all(|rows| *rows <= LARGE_ROWS), "{sizes:?}");
        }
    }
}
