//! Groups of rows by a value, and how many of them are answered. Knows no store.

use evalset_model::summary::{Group, Sums};
use std::cmp::Ordering;

/// What groups are ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupOrder {
    /// The value that they share; rows without one come last either way.
    Key,
    /// Rows.
    Rows,
    /// Sum of `cost`.
    Cost,
    /// Sum of `total_request_tokens`.
    Tokens,
    /// Rows with an error.
    Errors,
    /// Share of those.
    ErrorShare,
    /// Cost of a row.
    MeanCost,
    /// Tokens of a row, rounded to whole ones.
    MeanTokens,
    /// Mean of `latency`.
    MeanLatency,
    /// Mean of `time_to_first_token`.
    MeanTimeToFirstToken,
    /// Mean of `tokens_per_second`.
    MeanTokensPerSecond,
    /// Share of rows answered by the cache.
    CacheHitShare,
}

/// Which groups are answered, and in what order. Groups that this order takes for equal follow by falling number of
/// rows, then by rising key, the one without a key first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupBound {
    /// This many, from the front.
    pub most: usize,
    /// By what.
    pub order: GroupOrder,
    /// Greatest first.
    pub descending: bool,
}

/// Groups of matching rows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Groups {
    /// The first ones, in order.
    pub groups: Vec<Group>,
    /// How many there are, those not answered among them.
    pub total: u64,
}

impl GroupOrder {
    /// What a group is ordered by, unless it is its key.
    fn sum(self, sums: &Sums) -> f64 {
        match self {
            Self::Key => 0.0,
            Self::Rows => sums.rows as f64,
            Self::Cost => sums.cost,
            Self::Tokens => sums.total_tokens as f64,
            Self::Errors => sums.errors as f64,
            Self::ErrorShare => sums.error_percentage(),
            Self::MeanCost => sums.mean_cost(),
            Self::MeanTokens => sums.mean_tokens() as f64,
            Self::MeanLatency => sums.latency.value(),
            Self::MeanTimeToFirstToken => sums.time_to_first_token.value(),
            Self::MeanTokensPerSecond => sums.tokens_per_second.value(),
            Self::CacheHitShare => sums.cache_hit_percentage(),
        }
    }
}

impl GroupBound {
    /// All groups, those with the most rows first: for a field that takes few values.
    pub fn all() -> Self {
        Self { most: usize::MAX, order: GroupOrder::Rows, descending: true }
    }

    /// Which of two groups comes first.
    pub fn compare(&self, left: &Group, right: &Group) -> Ordering {
        let ordering = match (self.order, &left.key, &right.key) {
            (GroupOrder::Key, Some(left), Some(right)) => left.cmp(right),
            (GroupOrder::Key, left, right) => return right.is_some().cmp(&left.is_some()),
            (order, ..) => order.sum(&left.sums).total_cmp(&order.sum(&right.sums)),
        };
        let ordering = if self.descending { ordering.reverse() } else { ordering };
        ordering.then_with(|| right.sums.rows.cmp(&left.sums.rows)).then_with(|| left.key.cmp(&right.key))
    }

    /// The answer, from all groups in any order.
    pub fn keep(&self, mut groups: Vec<Group>) -> Groups {
        let total = groups.len() as u64;
        if self.most < groups.len() {
            if self.most > 0 {
                groups.select_nth_unstable_by(self.most - 1, |left, right| self.compare(left, right));
            }
            groups.truncate(self.most);
            groups.shrink_to_fit();
        }
        groups.sort_unstable_by(|left, right| self.compare(left, right));
        Groups { groups, total }
    }
}
