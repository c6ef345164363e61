//! What reads and writes the data file: `writer` is the only thread that writes, `checkpoint` folds what it wrote into the file,
//! `readers` is a pool of connections, `stop` ends reads that nobody waits for, `view` brings file and columns to the same commit.
//!
//! Does not know what the tables are for.

pub(crate) mod checkpoint;
pub(crate) mod readers;
pub(crate) mod stop;
pub(crate) mod view;
pub(crate) mod writer;
