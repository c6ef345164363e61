//! `regex`: the text matches a pattern.

use super::parameters::{Given, Parameter, invalid, wrong};
use super::texts::{FIELD, Field, IGNORE_CASE};
use super::{Info, Natural, Scoring, compiled};
use crate::convert::Raw;
use evalset_model::Result;
use evalset_model::evaluator::EvalInputs;
use regex::{Regex, RegexBuilder};

/// Bytes a compiled pattern may take; matching is linear in the text whatever the pattern.
pub(super) const PATTERN_BYTES_MAX: usize = 1 << 20;

pub(super) const INFO: Info = Info {
    name: "regex",
    natural: Natural::Boolean,
    compile: |given| compiled(Pattern::compile(given)),
    description: "Whether the text matches a regular expression.",
    formula: "true when `pattern` matches anywhere in the text (`full_match`: all of it); syntax of the Rust crate `regex`, \
              without look-around and back-references",
    parameters: &[
        FIELD,
        Parameter { name: "pattern", kind: "text, needed", default: None, description: "The regular expression." },
        Parameter {
            name: "full_match",
            kind: "boolean",
            default: Some("false"),
            description: "The match must span the whole text.",
        },
        IGNORE_CASE,
    ],
};

#[derive(Clone, Debug)]
pub(super) struct Pattern {
    field: Field,
    pattern: Regex,
}

impl Pattern {
    fn compile(given: &Given<'_>) -> Result<Self> {
        let value = given.needed("pattern")?;
        let text = value.as_str().ok_or_else(|| wrong("pattern", "a text", value))?;
        let build = |text: &str| {
            let ignore_case = given.flag("ignore_case", false)?;
            RegexBuilder::new(text).case_insensitive(ignore_case).size_limit(PATTERN_BYTES_MAX).build().map_err(
                |error| {
                    // The engine draws the pattern with a caret over several lines; its last line says what is wrong.
                    let error = error.to_string();
                    let reason = error.lines().last().unwrap_or_default().trim().trim_start_matches("error: ");
                    let syntax = "syntax of the Rust crate `regex`: no look-around, no back-references";
                    invalid("pattern", &format!("is not a usable regular expression: {reason} ({syntax})"))
                },
            )
        };
        // Alone first: what is wrong should not be told of the pattern with anchors around.
        let mut pattern = build(text)?;
        if given.flag("full_match", false)? {
            pattern = build(&format!("\\A(?:{text})\\z"))?;
        }
        Ok(Self { field: Field::read(given, "field", Field::Output)?, pattern })
    }
}

impl Scoring for Pattern {
    fn score(&self, inputs: &EvalInputs) -> Result<Raw, String> {
        let text = self.field.text(inputs)?;
        Ok(Raw::bare(self.pattern.is_match(&text)))
    }
}
