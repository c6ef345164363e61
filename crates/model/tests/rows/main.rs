//! Rows made from bodies, as a caller of the crate makes them.

// The attribute tells lints that these are tests throughout.
#[cfg(test)]
mod kept;
