//! The column index against the reference meaning: see `property` for random rows and filters, `scale` for many rows.

// The attribute tells lints that these are tests throughout.
#[cfg(test)]
mod property;
#[cfg(test)]
mod scale;
#[cfg(test)]
mod support;
