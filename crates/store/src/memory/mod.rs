//! Memory oracle
