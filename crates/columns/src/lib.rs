//! Columns
