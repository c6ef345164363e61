//! What answers reads by filter: columns in memory, and what texts are searched by. Knows rows and commits, neither SQL
//! nor how rows are kept: that is its `origin`, which any store can be.
//!
//! `answers` and what stands on it is asked: `select`, `lists`, `spread` and `traces` read by filter, `view` brings origin and columns to
//! the same commit, `order` and `decide` do what the columns leave open, `fetch` reads rows by number. `indexes` holds
//! the columns of open collections, `slot` one of them with the commits that it does not have yet (`pending`),
//! `filling` makes them, `text` is what their texts are searched by; `parts` are files that full chunks of columns rest
//! in, `snapshots` spare the next start the reading of rows, `upkeep` moves chunks to files and makes room, `keeper`
//! says when.

mod answers;
mod change;
mod decide;
mod fetch;
mod filling;
mod indexes;
mod keeper;
mod lists;
mod number;
mod order;
pub mod origin;
mod parts;
mod pending;
mod select;
mod slot;
mod snapshots;
mod spread;
#[cfg(test)]
mod tests;
mod text;
mod traces;
mod upkeep;
mod view;

pub use answers::{Answers, Derived, Gate, Options};
pub use change::{Change, Commits};
pub use fetch::{read_rows, write_rows};
pub use indexes::{Indexes, Noted};
pub use number::{CollectionNumber, CommitNumber};
pub use text::{Changed, Pace, Texts};
pub use view::View;
