//! The operators of contract C.2: one table of canonical names, aliases and shown names.
//!
//! Knows nothing of fields; which operator suits which field is decided in `check`.

use crate::error::{Error, Result};

macro_rules! operators {
    ($($(#[$doc:meta])* $variant:ident $name:literal [$($alias:literal),*] $shown:literal;)*) => {
        /// What a condition asks of a field, as the caller named it (contract C.2).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Operator { $($(#[$doc])* $variant,)* }

        impl Operator {
            /// Every operator, in the order of contract C.2.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Canonical name on the wire; equality is the empty text.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// Other names accepted.
            pub fn aliases(self) -> &'static [&'static str] {
                match self { $(Self::$variant => &[$($alias),*],)* }
            }

            /// Name to show to people.
            pub fn shown(self) -> &'static str {
                match self { $(Self::$variant => $shown,)* }
            }
        }
    };
}

operators! {
    /// Equal; several values: any of them.
    Equal "" ["=", "==", "eq", "equals", "is"] "is";
    /// Equal, ignoring case.
    EqualFolded "iexact" [] "is, ignoring case";
    /// Negation of [`Operator::Equal`].
    Not "not" ["!=", "neq", "not_equals"] "is not";
    /// Member of a list.
    In "in" ["IN"] "is any of";
    /// Negation of [`Operator::In`].
    NotIn "not_in" ["NOT IN"] "is none of";
    /// `>`
    Greater "gt" [">", "greater_than"] "is greater than";
    /// `>=`
    GreaterOrEqual "gte" [">=", "greater_than_or_equal"] "is at least";
    /// `<`
    Less "lt" ["<", "less_than"] "is less than";
    /// `<=`
    LessOrEqual "lte" ["<=", "less_than_or_equal"] "is at most";
    /// Substring.
    Contains "contains" [] "contains";
    /// Substring, ignoring case.
    ContainsFolded "icontains" [] "contains, ignoring case";
    /// Negation of [`Operator::Contains`].
    NotContains "not_contains" [] "does not contain";
    /// Prefix.
    StartsWith "startswith" ["startsWith", "starts_with"] "starts with";
    /// Negation of [`Operator::StartsWith`].
    NotStartsWith "not_startswith" [] "does not start with";
    /// Suffix.
    EndsWith "endswith" ["endsWith", "ends_with"] "ends with";
    /// Negation of [`Operator::EndsWith`].
    NotEndsWith "not_endswith" [] "does not end with";
    /// Null or absent, or with `false` the contrary.
    IsNull "isnull" [] "is null";
    /// Null, absent or empty.
    Empty "empty" [] "is empty";
    /// Negation of [`Operator::Empty`].
    NotEmpty "not_empty" ["notEmpty"] "is not empty";
    /// Regular expression found anywhere.
    Regex "regex" [] "matches the regular expression";
    /// SQL pattern, ignoring case.
    Like "ilike" [] "is like the pattern";
    /// Fuzzy word match.
    Similar "trigram_word_similar" [] "has words similar to";
    /// Every word occurs.
    Words "full_text_search" [] "has all the words";
}

impl Operator {
    /// The operator of this canonical name or alias, exactly as contract C.2 spells it.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|operator| operator.name() == name || operator.aliases().contains(&name))
    }

    /// As [`Operator::named`], or an error at `path` that lists what is allowed.
    pub fn read(name: &str, path: &str) -> Result<Self> {
        Self::named(name).ok_or_else(|| {
            let name = shorten(name);
            Error::invalid(path, format!("`{name}` is not an operator; allowed: {}", Self::list(Self::ALL)))
        })
    }

    /// The operator without its negation, and whether there was one.
    pub fn positive(self) -> (Self, bool) {
        match self {
            Self::Not => (Self::Equal, true),
            Self::NotIn => (Self::In, true),
            Self::NotContains => (Self::Contains, true),
            Self::NotStartsWith => (Self::StartsWith, true),
            Self::NotEndsWith => (Self::EndsWith, true),
            Self::NotEmpty => (Self::Empty, true),
            other => (other, false),
        }
    }

    /// Names for an error message; equality as `eq`, since its canonical name cannot be seen.
    pub fn list(operators: &[Self]) -> String {
        operators.iter().map(|operator| operator.visible()).collect::<Vec<_>>().join(", ")
    }

    /// The canonical name, or `eq`.
    pub fn visible(self) -> &'static str {
        if self == Self::Equal { "eq" } else { self.name() }
    }
}

/// A caller's text, shortened for paths and messages.
pub(super) fn shorten(text: &str) -> String {
    const LONGEST: usize = 80;
    if text.len() <= LONGEST { text.to_owned() } else { text.chars().take(LONGEST).chain(['…']).collect() }
}
