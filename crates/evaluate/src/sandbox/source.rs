//! A text and the language it is in.

use evalset_model::Error;
use sha2::{Digest, Sha256};
use std::fmt;
use std::sync::Arc;

use super::SandboxError;

/// What a child can run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// Source that defines `main(eval_inputs)`, or the older `evaluate`. A row gives what it returns.
    Python,
    /// A Jinja2 template. A row gives the text.
    Template,
    /// Parameters of the built-in evaluator `json_schema`, as JSON. A row gives an object with `score` and
    /// `explanation`.
    JsonSchema,
}

impl Language {
    /// How it is named between parent and child.
    pub(super) fn tag(self) -> u8 {
        match self {
            Self::Python => b'P',
            Self::Template => b'T',
            Self::JsonSchema => b'J',
        }
    }

    pub(super) fn of_tag(tag: u8) -> Option<Self> {
        [Self::Python, Self::Template, Self::JsonSchema].into_iter().find(|language| language.tag() == tag)
    }
}

/// A source, not yet checked.
#[derive(Clone, PartialEq, Eq)]
pub struct Source {
    language: Language,
    text: Arc<str>,
    hash: [u8; 32],
}

impl Source {
    /// A text in a language.
    pub fn new(language: Language, text: &str) -> Self {
        let hash = Sha256::new().chain_update([language.tag()]).chain_update(text).finalize().into();
        Self { language, text: Arc::from(text), hash }
    }

    /// Its language.
    pub fn language(&self) -> Language {
        self.language
    }

    /// Its text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Tells it from other sources.
    pub(super) fn hash(&self) -> [u8; 32] {
        self.hash
    }

    /// What is said to who sent this source in `member`.
    pub fn refused(&self, member: &str, error: SandboxError) -> Error {
        match (error, self.language) {
            (SandboxError::Unavailable(cause), _) => Error::internal(cause),
            (error, Language::Python) => Error::invalid(member, format!("`{member}`: {error}")),
            (SandboxError::Source { message, .. }, _) => Error::invalid(member, format!("`{member}` {message}")),
        }
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Source({:?}, {} bytes)", self.language, self.text.len())
    }
}
