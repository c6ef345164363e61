//! Nouns with a fixed list of fields, of which an organization has few: the filter's reference meaning is also what
//! serves.
//!
//! Knows no noun: each says what its fields hold.

use super::check::NamedField;
use super::meaning::{Operand, compare_operands, test_holds, tree_holds};
use super::tree::Tree;
use crate::page::{Page, Window};
use std::cmp::Ordering;

/// A noun that is filtered, sorted and paged in memory.
pub trait Listed {
    /// What ties are broken by.
    type Id: Ord;

    /// Its id.
    fn id(&self) -> Self::Id;

    /// The value of a field; null for names that are none.
    fn operand(&self, name: &str) -> Operand<'_>;
}

/// Whether it passes a filter made by `check::fields` over its list of fields.
pub fn holds(filter: &Tree<NamedField>, noun: &impl Listed) -> bool {
    tree_holds(filter, &mut |part| test_holds(&part.test, &noun.operand(part.field.name)))
}

/// The order of two by a field that is never null; ties by id ascending.
pub fn compare<L: Listed>(field: NamedField, descending: bool, left: &L, right: &L) -> Ordering {
    let order = compare_operands(&left.operand(field.name), &right.operand(field.name), descending);
    order.then_with(|| left.id().cmp(&right.id()))
}

/// A page of those that pass, by a field, descending or not.
pub fn page<L: Listed>(
    mut all: Vec<L>,
    filter: &Tree<NamedField>,
    (field, descending): (NamedField, bool),
    window: Window,
) -> Page<L> {
    all.retain(|noun| holds(filter, noun));
    all.sort_by(|left, right| compare(field, descending, left, right));
    let total = all.len() as u64;
    let index = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
    let rows = all.into_iter().skip(index(window.offset)).take(index(window.limit)).collect();
    Page { rows, total }
}
