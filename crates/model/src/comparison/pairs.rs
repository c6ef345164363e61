//! Joins two lists by key. Knows nothing of what the values are.

use super::Unpaired;

/// A key with the value of each side.
type Pair<'a, K, V> = (&'a K, &'a V, &'a V);

/// Two lists joined, in order of their keys.
pub(super) struct Pairs<'a, K, V> {
    /// Values of A.
    pub a: Vec<&'a V>,
    /// Values of B.
    pub b: Vec<&'a V>,
    /// Keys of which both sides have a value.
    pub both: Vec<Pair<'a, K, V>>,
    /// Everything else.
    pub unpaired: Unpaired,
}

impl<'a, K: Ord, V> Pairs<'a, K, V> {
    /// Values that are not `usable` count as none.
    pub fn new(a: &'a [(K, Option<V>)], b: &'a [(K, Option<V>)], usable: impl Fn(&V) -> bool) -> Self {
        let (a, repeated_in_a) = by_key(a, &usable);
        let (b, repeated_in_b) = by_key(b, &usable);
        let values = |side: &[(&'a K, Option<&'a V>)]| side.iter().filter_map(|(_, value)| *value).collect();
        let mut joined = Self {
            a: values(&a),
            b: values(&b),
            both: Vec::with_capacity(a.len().min(b.len())),
            unpaired: Unpaired { repeated_in_a, repeated_in_b, ..Unpaired::default() },
        };
        let mut others = b.iter().peekable();
        for (key, value) in &a {
            while others.next_if(|(other, _)| other < key).is_some() {
                joined.unpaired.only_in_b += 1;
            }
            match others.next_if(|(other, _)| other == key) {
                None => joined.unpaired.only_in_a += 1,
                Some((_, other)) => match (value, other) {
                    (Some(value), Some(other)) => joined.both.push((key, value, other)),
                    _ => joined.unpaired.without_value += 1,
                },
            }
        }
        joined.unpaired.only_in_b += others.count() as u64;
        joined
    }
}

/// The entries in order of their keys, the last of each; how many were passed over.
fn by_key<'a, K: Ord, V>(
    entries: &'a [(K, Option<V>)],
    usable: &impl Fn(&V) -> bool,
) -> (Vec<(&'a K, Option<&'a V>)>, u64) {
    let mut sorted: Vec<_> =
        entries.iter().map(|(key, value)| (key, value.as_ref().filter(|value| usable(value)))).collect();
    // Stable: entries of one key stay in their order. From behind, the first of a key is its last entry.
    sorted.sort_by_key(|(key, _)| *key);
    sorted.reverse();
    sorted.dedup_by(|(later, _), (kept, _)| later == kept);
    sorted.reverse();
    let repeated = (entries.len() - sorted.len()) as u64;
    (sorted, repeated)
}
