//! Embedded
