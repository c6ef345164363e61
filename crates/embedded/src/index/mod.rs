//! What answers reads by filter: columns in memory and what texts are searched by.
//!
//! `indexes` holds the columns of open collections, `filling` makes them, `text` is what their texts are searched by; `parts` are
//! files that full chunks of columns rest in, `snapshots` spare the next start the reading of rows, `upkeep` moves chunks to files
//! and makes room, `keeper` says when. `select` and `lists` read by filter, `order` and `decide` do what the columns leave open.

pub(crate) mod decide;
pub(crate) mod filling;
pub(crate) mod indexes;
pub(crate) mod keeper;
pub(crate) mod lists;
pub(crate) mod order;
pub(crate) mod parts;
pub(crate) mod select;
pub(crate) mod snapshots;
pub(crate) mod text;
pub(crate) mod upkeep;
