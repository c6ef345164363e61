//! CSV cells of dataset rows (contract B.19): scalars as they are, structures as JSON text, formulas disarmed.
//!
//! A row is written from its stored text, like those of lists.

use super::{DETAIL, IncludeFields, Member, Named, RowContext, ScoreShape, Source, needs};
use evalset_model::field::Field;
use evalset_model::key::Organization;
use evalset_model::scalar::{Scalar, format_time};
use evalset_model::{Error, Result};
use evalset_store::lists::{Bound, TextRow, Writing};
use std::borrow::Cow;
use std::sync::{Arc, LazyLock};

/// Columns without `include_fields`: every scalar, and the structures a table can use. The rest is in JSONL, or by
/// name.
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

/// Rows as lines after the [`header`], until there are so many bytes of them; `dataset_id` as in [`RowContext`].
pub fn lines(
    include: Option<&IncludeFields>,
    organization: Organization,
    dataset_id: Option<String>,
    bytes: usize,
) -> Writing {
    let members = columns(include).to_vec();
    let (payload, scores) = needs(&members);
    let row = move |row: &TextRow<'_>, out: &mut Vec<u8>| {
        let context = RowContext::new(&organization, dataset_id.clone());
        let source = Source::new(row, &context, ScoreShape::Array);
        let mut json = Vec::new();
        for (index, (_, member)) in members.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            push(&guard(cell(*member, row, &source, &mut json)?), out);
        }
        out.push(b'\n');
        Ok(())
    };
    Writing { row: Arc::new(row), payload, scores, bound: Bound::Stop(bytes) }
}

/// The line of these cells.
pub fn line(cells: &[String]) -> Vec<u8> {
    let mut out = Vec::new();
    for (index, cell) in cells.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        push(cell, &mut out);
    }
    out.push(b'\n');
    out
}

/// Writes a cell, in quotation marks where RFC 4180 wants them.
fn push(cell: &str, out: &mut Vec<u8>) {
    if !cell.bytes().any(|byte| matches!(byte, b'"' | b',' | b'\n' | b'\r')) {
        return out.extend_from_slice(cell.as_bytes());
    }
    out.push(b'"');
    for (index, piece) in cell.split('"').enumerate() {
        if index > 0 {
            out.extend_from_slice(b"\"\"");
        }
        out.extend_from_slice(piece.as_bytes());
    }
    out.push(b'"');
}

/// The text of a cell; `json` is room for the JSON of a member.
fn cell<'j>(member: Member, row: &'j TextRow<'_>, source: &Source<'_>, json: &'j mut Vec<u8>) -> Result<Cow<'j, str>> {
    if let Member::Scalar(field) = member {
        return Ok(row.log.scalars.get(field).map_or(Cow::Borrowed(""), scalar));
    }
    if member == Member::Annotator {
        return Ok(Cow::Borrowed(row.log.text(Field::AnnotationCompletedBy).unwrap_or_default()));
    }
    json.clear();
    source.write(member, json)?;
    let text = std::str::from_utf8(json).map_err(Error::internal)?;
    if text == "null" {
        return Ok(Cow::Borrowed(""));
    }
    // Members that are texts stand in the cell without the marks of JSON.
    if !is_structured(member) && text.starts_with('"') {
        return Ok(Cow::Owned(serde_json::from_str(text).map_err(Error::internal)?));
    }
    Ok(Cow::Borrowed(text))
}

fn scalar(scalar: &Scalar) -> Cow<'_, str> {
    match scalar {
        Scalar::Text(text) => Cow::Borrowed(text),
        Scalar::Int(number) => number.to_string().into(),
        Scalar::Float(number) => number.to_string().into(),
        Scalar::Bool(flag) => flag.to_string().into(),
        Scalar::Time(micros) => format_time(*micros).into(),
    }
}

/// Puts `'` before a cell that a spreadsheet would run as a formula. Plain numbers stay numbers.
fn guard(cell: Cow<'_, str>) -> Cow<'_, str> {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) && !is_number(&cell) {
        format!("'{cell}").into()
    } else {
        cell
    }
}

fn is_number(cell: &str) -> bool {
    let digits = cell.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'-' | b'+' | b'e' | b'E'));
    digits && cell.parse::<f64>().is_ok()
}

#[cfg(test)]
mod tests;
