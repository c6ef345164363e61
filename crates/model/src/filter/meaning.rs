//! The reference meaning of a filter on one record.
