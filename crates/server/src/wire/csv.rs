//! CSV cells of dataset rows (contract B.19): scalars as they are, structures as JSON text, formulas disarmed.
//!
//! Quoting and line ends are the writer's, not decided here.

use super::log::{Cell, DETAIL, IncludeFields, Member, Named, RowContext, ScoreShape};
use evalset_model::field::Field;
use evalset_model::log::{Log, derive};
use evalset_model::scalar::{Scalar, format_time};
use evalset_model::score::RowScores;
use std::sync::LazyLock;

/// Columns without `include_fields`: every scalar, and the structures a table can use. The rest is in JSONL, or by name.
static COLUMNS: LazyLock<Vec<Named>> = LazyLock::new(|| {
    const STRUCTURED: &[&str] = &[
        "input",
        "output",
        "expected_output",
        "messages",
        "metadata",
        "metrics",
        "scores",
        "tools",
        "tool_calls",
        "variables",
    ];
    let wanted = |(name, member): &&Named| STRUCTURED.contains(name) || !is_structured(*member);
    DETAIL.iter().filter(wanted).copied().collect()
});

fn is_structured(member: Member) -> bool {
    match member {
        Member::Messages
        | Member::CompletionMessage
        | Member::ToolCalls
        | Member::Metadata
        | Member::Scores
        | Member::Stored(_) => true,
        Member::Id
        | Member::DatasetId
        | Member::OrganizationId
        | Member::Scalar(_)
        | Member::Annotator
        | Member::Prompt
        | Member::Completion
        | Member::System
        | Member::KeyName
        | Member::False
        | Member::Null => false,
    }
}

fn columns(include: Option<&IncludeFields>) -> &[Named] {
    include.map_or(COLUMNS.as_slice(), IncludeFields::members)
}

/// Names of the columns.
pub fn header(include: Option<&IncludeFields>) -> Vec<String> {
    columns(include).iter().map(|(name, _)| (*name).to_owned()).collect()
}

/// Cells of one row, in the order of [`header`].
pub fn record(
    log: &Log,
    context: &RowContext<'_>,
    scores: Option<&RowScores>,
    include: Option<&IncludeFields>,
) -> Vec<String> {
    columns(include).iter().map(|(_, member)| guard(cell(*member, log, context, scores))).collect()
}

fn cell(member: Member, log: &Log, context: &RowContext<'_>, scores: Option<&RowScores>) -> String {
    match member {
        Member::Id => log.id.to_string(),
        Member::DatasetId => context.dataset_id.clone().unwrap_or_default(),
        Member::OrganizationId => context.organization.id.to_string(),
        Member::Scalar(field) => log.scalars.get(field).map(scalar).unwrap_or_default(),
        Member::Annotator => log.text(Field::AnnotationCompletedBy).unwrap_or_default().to_owned(),
        Member::Prompt => derive::prompt_text(log).unwrap_or_default(),
        Member::Completion => derive::completion_text(log).unwrap_or_default(),
        Member::System => derive::system_text(log).unwrap_or_default(),
        Member::KeyName => log.text(Field::OrganizationKeyName).unwrap_or_default().to_owned(),
        Member::False => "false".to_owned(),
        Member::Null => String::new(),
        structured => {
            let json =
                serde_json::to_string(&Cell { member: structured, log, context, scores, shape: ScoreShape::Array });
            json.ok().filter(|text| text != "null").unwrap_or_default()
        }
    }
}

fn scalar(scalar: &Scalar) -> String {
    match scalar {
        Scalar::Text(text) => text.clone(),
        Scalar::Int(number) => number.to_string(),
        Scalar::Float(number) => number.to_string(),
        Scalar::Bool(flag) => flag.to_string(),
        Scalar::Time(micros) => format_time(*micros),
    }
}

/// Puts `'` before a cell that a spreadsheet would run as a formula. Plain numbers stay numbers.
fn guard(cell: String) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) && !is_number(&cell) { format!("'{cell}") } else { cell }
}

fn is_number(cell: &str) -> bool {
    let digits = cell.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'-' | b'+' | b'e' | b'E'));
    digits && cell.parse::<f64>().is_ok()
}

#[cfg(test)]
mod tests;
