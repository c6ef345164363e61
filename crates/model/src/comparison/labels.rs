//! Two evaluations whose values are no numbers: how often they agree, and which label became which.

use super::Unpaired;
use super::pairs::Pairs;
use std::collections::BTreeMap;

/// How two lists of labels agree.
#[derive(Clone, Debug, PartialEq)]
pub struct Agreement<L> {
    /// Rows of which both have a label.
    pub pairs: u64,
    /// Pairs with the same label.
    pub agreed: u64,
    /// The confusion table: the cells that are not empty, most pairs first, ties by labels.
    pub table: Vec<Cell<L>>,
    /// Pairs in cells that the table leaves out.
    pub left_out: u64,
    /// Rows that were not compared.
    pub unpaired: Unpaired,
}

impl<L> Agreement<L> {
    /// Share of pairs that agree, 0 to 1; none without pairs.
    pub fn rate(&self) -> Option<f64> {
        (self.pairs > 0).then(|| self.agreed as f64 / self.pairs as f64)
    }
}

/// A cell of the confusion table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell<L> {
    /// Label in A.
    pub a: L,
    /// Label in B.
    pub b: L,
    /// Pairs with these labels.
    pub count: u64,
}

/// Compares labels by key: texts, choices (of several: all of them, sorted, as one label) or verdicts. At most `cells`
/// cells are listed, since free texts can make as many as there are rows.
pub fn agreement<K: Ord, L: Ord + Clone>(a: &[(K, Option<L>)], b: &[(K, Option<L>)], cells: usize) -> Agreement<L> {
    let joined = Pairs::new(a, b, |_| true);
    let mut counts: BTreeMap<(&L, &L), u64> = BTreeMap::new();
    for (_, a, b) in &joined.both {
        *counts.entry((*a, *b)).or_default() += 1;
    }
    let agreed = counts.iter().filter(|((a, b), _)| a == b).map(|(_, count)| count).sum();
    let mut table: Vec<_> = counts.into_iter().collect();
    // Stable: ties stay in order of their labels.
    table.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let left_out = table.iter().skip(cells).map(|(_, count)| count).sum();
    table.truncate(cells);
    let cell = |((a, b), count): ((&L, &L), u64)| Cell { a: a.clone(), b: b.clone(), count };
    Agreement {
        pairs: joined.both.len() as u64,
        agreed,
        table: table.into_iter().map(cell).collect(),
        left_out,
        unpaired: joined.unpaired,
    }
}
