//! The wire forms of a filter.
