//! Size of a row as JSON text, counted without building the text.

use crate::error::{Error, Result};
use crate::limits::Limits;
use crate::log::Log;
use serde::Serialize;
use std::io::{self, Write};

struct Counter {
    left: usize,
}

impl Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.left = self.left.checked_sub(bytes.len()).ok_or(io::ErrorKind::FileTooLarge)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Refuses a body larger than one row may be.
pub(crate) fn check(body: &impl Serialize, limits: &Limits) -> Result<()> {
    // Counting stops at the limit, so an oversize body costs no more than the greatest allowed one.
    let mut counter = Counter { left: limits.max_row_bytes };
    serde_json::to_writer(&mut counter, body).map_err(|_| {
        Error::TooLarge(format!(
            "one log may have at most {} bytes of JSON (`limits.max_row_bytes`)",
            limits.max_row_bytes
        ))
    })
}

/// Refuses a stored form larger than one row may be: a PATCH may grow a row in steps.
pub fn check_size(log: &Log, limits: &Limits) -> Result<()> {
    check(&(&log.metadata, &log.payload), limits)
}
