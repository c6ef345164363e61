//! `filters_data`.
