//! Numbers that the origin gives: two of them swapped do not compile.

use std::fmt;

macro_rules! number {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(out)
            }
        }
    };
}

number!(
    /// A collection as its origin numbers them. One that was emptied gets another number; no number is used twice while anything
    /// derived from it is kept.
    CollectionNumber
);
number!(
    /// A commit. Those that change one collection, or the scores that its rows show, rise.
    CommitNumber
);

impl CommitNumber {
    /// Above all that there are.
    pub const LAST: Self = Self(i64::MAX);
}
