//! What reading rows has told of comparisons that the index leaves open: kept for the next time, as when a list is
//! paged through.
//!
//! Knows rows and changes, not files. Bounded in bytes; the oldest goes first.

use super::row_bits::RowBits;
use evalset_model::filter::{Compare, LogField, LogFilter, Tree};
use evalset_model::ids::RowNumber;
use std::collections::VecDeque;
use std::sync::Arc;

/// Bytes of all that is kept for one collection.
const BYTES_MAX: usize = 16 * 1024 * 1024;

/// What is known of one comparison.
#[derive(Clone)]
pub(super) struct Lesson {
    /// Number of the first change that it does not take into account.
    pub at: u64,
    /// Rows that were read.
    pub read: RowBits,
    /// Those of them that pass.
    pub passing: RowBits,
}

impl Lesson {
    /// Of rows that were read, rising, and those that passed.
    pub fn new(at: u64, read: &[RowNumber], passing: &[RowNumber]) -> Option<Self> {
        let mut bits = RowBits::spanning(*read.first()?, *read.last()?);
        let mut passed = bits.like();
        for row in read {
            bits.insert(*row);
        }
        for row in passing {
            passed.insert(*row);
        }
        Some(Self { at, read: bits, passing: passed })
    }

    /// Forgets rows that have changed.
    pub fn without(&self, changed: &[RowNumber]) -> Self {
        let mut left = self.clone();
        for row in changed {
            left.read.remove(*row);
        }
        left
    }

    /// Adds what an older one knows.
    fn add(&mut self, older: &Self) {
        let read = self.read.union(&older.read);
        let mut passing = older.passing.clone();
        // What was read since counts.
        passing.subtract_any(&self.read);
        self.passing = self.passing.union(&passing);
        self.read = read;
    }

    fn bytes(&self) -> usize {
        self.read.bytes() + self.passing.bytes()
    }
}

/// Lessons of one collection, oldest first.
#[derive(Default)]
pub(super) struct Learned {
    lessons: VecDeque<(String, Arc<Lesson>)>,
}

impl Learned {
    /// What is known of a comparison.
    pub fn of(&self, name: &str) -> Option<Arc<Lesson>> {
        self.lessons.iter().find(|(known, _)| known == name).map(|(_, lesson)| lesson.clone())
    }

    /// Keeps a lesson, with what is still true of the one before.
    pub fn keep(&mut self, name: String, mut lesson: Lesson, older: Option<&Lesson>) {
        if let Some(older) = older {
            lesson.add(older);
        }
        self.lessons.retain(|(known, _)| *known != name);
        self.lessons.push_back((name, Arc::new(lesson)));
        let mut bytes: usize = self.lessons.iter().map(|(name, lesson)| name.len() + lesson.bytes()).sum();
        while bytes > BYTES_MAX
            && let Some((name, lesson)) = self.lessons.pop_front()
        {
            bytes -= name.len() + lesson.bytes();
        }
    }
}

/// By what a comparison is known again: its text says all that it means.
pub(super) fn name(compare: &Compare<LogField>) -> String {
    format!("{:?} {:?}", compare.field, compare.test)
}

/// The comparison that a filter consists of, and whether it is turned around.
pub(super) fn single(filter: &LogFilter) -> Option<(&Compare<LogField>, bool)> {
    match filter {
        Tree::Compare(compare) => Some((compare, false)),
        Tree::And(parts) | Tree::Or(parts) => match parts.as_slice() {
            [part] => single(part),
            _ => None,
        },
        Tree::Not(part) => single(part).map(|(compare, turned)| (compare, !turned)),
    }
}
