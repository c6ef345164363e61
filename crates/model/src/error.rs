//! Errors named by what the caller can do about them.
//!
//! Does not know HTTP: the server maps each variant to a status in one place. Inner causes of `Internal` are for the
//! log of the process, never for the caller.

use std::collections::BTreeMap;

/// Result with the error of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, by what the caller can do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The thing named does not exist, or belongs to another organization.
    #[error("{0}")]
    NotFound(String),
    /// The request is wrong; `field` is the member at fault, when one can be named.
    #[error("{message}")]
    Invalid {
        /// Path of the member at fault, such as `filters.model.operator`.
        field: Option<String>,
        /// What is wrong and what is allowed.
        message: String,
    },
    /// Well-formed, but cannot be meant (contract A.4, status 422).
    #[error("{message}")]
    Unprocessable {
        /// Path of the member at fault.
        field: Option<String>,
        /// What is wrong and what is allowed.
        message: String,
    },
    /// The state of the thing does not allow this now.
    #[error("{0}")]
    Conflict(String),
    /// The thing is final and may be read only: change another one, such as the next draft.
    #[error("{0}")]
    ReadOnly(String),
    /// More than a named limit allows.
    #[error("{0}")]
    TooLarge(String),
    /// Too much at once: try again after this many seconds.
    #[error("{message}")]
    Busy {
        /// What is exhausted.
        message: String,
        /// Seconds after which a retry may succeed.
        retry_after: u64,
    },
    /// More calls than the caller may make in a stretch of time: try again after this many seconds.
    #[error("{message}")]
    TooMany {
        /// What was exceeded.
        message: String,
        /// Seconds after which a call may be made again.
        retry_after: u64,
    },
    /// A part that the answer needs is down: nothing is wrong with the request.
    #[error("{message}")]
    Unavailable {
        /// What is missing.
        message: String,
        /// Seconds after which a retry may succeed.
        retry_after: u64,
    },
    /// Known and not allowed to do this.
    #[error("{0}")]
    Forbidden(String),
    /// The disk is full or may not be written: reads go on, writes are refused.
    #[error("{0}")]
    StorageFull(String),
    /// A fault of ours. The text is for the process log only.
    #[error("{0}")]
    Internal(String),
}

impl Error {
    /// The request is wrong in the member `field`.
    pub fn invalid(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Invalid { field: Some(field.into()), message: message.into() }
    }

    /// The request is well formed but cannot be meant; `field` is at fault.
    pub fn unprocessable(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Unprocessable { field: Some(field.into()), message: message.into() }
    }

    /// The contract's `Not found.` (A.4).
    pub fn not_found() -> Self {
        Self::NotFound("Not found.".to_owned())
    }

    /// A fault of ours, with its cause for the process log.
    pub fn internal(cause: impl std::fmt::Display) -> Self {
        Self::Internal(cause.to_string())
    }

    /// Field → messages, as the body of contract A.4 wants them.
    pub fn by_field(&self) -> BTreeMap<String, Vec<String>> {
        match self {
            Self::Invalid { field: Some(field), message } | Self::Unprocessable { field: Some(field), message } => {
                BTreeMap::from([(field.clone(), vec![message.clone()])])
            }
            _ => BTreeMap::new(),
        }
    }
}
