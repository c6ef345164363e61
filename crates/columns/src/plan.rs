//! A filter made ready for the columns at hand, and its evaluation chunk by chunk on words of 64 rows.
//!
//! What only the row itself can tell (payload text, metadata beyond the column cap) is in doubt: the plan is evaluated
//! once with all doubts denied and once with all granted, and rows between the two are undecided.

use crate::bits;
use crate::leaf::Leaf;

/// How doubts are settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// Doubtful tests fail: the result holds rows that certainly pass.
    Certain,
    /// Doubtful tests hold: the result holds every row that may pass.
    Possible,
}

impl Bound {
    fn opposite(self) -> Self {
        match self {
            Self::Certain => Self::Possible,
            Self::Possible => Self::Certain,
        }
    }
}

/// A filter over columns, cheap parts first.
pub enum Plan<'a> {
    /// All hold.
    All(Vec<Plan<'a>>),
    /// At least one holds.
    Any(Vec<Plan<'a>>),
    /// Does not hold.
    Not(Box<Plan<'a>>),
    /// One test.
    Leaf(Leaf<'a>),
}

impl<'a> Plan<'a> {
    /// All of these, cheapest first.
    pub fn all(mut parts: Vec<Plan<'a>>) -> Self {
        parts.sort_by_key(Plan::cost);
        Self::All(parts)
    }

    /// One of these, cheapest first.
    pub fn any(mut parts: Vec<Plan<'a>>) -> Self {
        parts.sort_by_key(Plan::cost);
        Self::Any(parts)
    }

    fn cost(&self) -> u32 {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().map(Plan::cost).fold(0, u32::saturating_add),
            Self::Not(part) => part.cost(),
            Self::Leaf(leaf) => leaf.cost(),
        }
    }

    /// Whether some test cannot be decided for some row.
    pub fn doubtful(&self) -> bool {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().any(Plan::doubtful),
            Self::Not(part) => part.doubtful(),
            Self::Leaf(leaf) => leaf.doubtful(),
        }
    }

    /// Those of `among` that pass, as words of the chunk.
    pub fn rows(&self, chunk: usize, among: &[u64], bound: Bound) -> Vec<u64> {
        match self {
            Self::All(parts) => {
                let mut left = among.to_vec();
                for part in parts {
                    if bits::none(&left) {
                        break;
                    }
                    left = part.rows(chunk, &left, bound);
                }
                left
            }
            Self::Any(parts) => {
                let mut found = vec![0; among.len()];
                let mut left = among.to_vec();
                for part in parts {
                    if bits::none(&left) {
                        break;
                    }
                    let more = part.rows(chunk, &left, bound);
                    bits::or(&mut found, &more);
                    bits::minus(&mut left, &more);
                }
                found
            }
            Self::Not(part) => {
                let mut left = among.to_vec();
                bits::minus(&mut left, &part.rows(chunk, among, bound.opposite()));
                left
            }
            Self::Leaf(leaf) => leaf.rows(chunk, among, bound),
        }
    }
}
