//! Rows of lists and exports as JSON text, written from the stored text: a member that is stored as it is shown is
//! copied, never parsed. Byte for byte what [`ListRow`](super::ListRow) and its like write.

use super::member::{Cell, DETAIL, LIST, Member, Named, SPAN, ScoreShape};
use super::preview::Preview;
use super::{IncludeFields, RowContext};
use evalset_model::json::Json;
use evalset_model::key::Organization;
use evalset_model::log::derive::{self, Prose};
use evalset_model::scalar::{Kind, Scalar, format_time};
use evalset_model::{Error, Result};
use evalset_store::lists::{Bound, TextRow, Writing};
use std::io::Write as _;
use std::sync::Arc;

/// Which rows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowKind {
    /// A dataset row in a list.
    List,
    /// A dataset row alone, and a line of an export.
    Detail,
    /// A request log.
    Span,
}

impl RowKind {
    fn members(self) -> &'static [Named] {
        match self {
            Self::List => &LIST,
            Self::Detail => &DETAIL,
            Self::Span => &SPAN,
        }
    }

    fn shape(self) -> ScoreShape {
        match self {
            Self::Detail => ScoreShape::Array,
            Self::List | Self::Span => ScoreShape::Object,
        }
    }
}

/// How rows of one answer become text.
pub struct RowText {
    members: Vec<Named>,
    shape: ScoreShape,
    organization: Organization,
    dataset_id: Option<String>,
    preview: Option<Preview>,
}

impl RowText {
    /// Rows of a kind, or the members asked for; `dataset_id` as in [`RowContext`].
    pub fn new(
        kind: RowKind,
        include: Option<&IncludeFields>,
        organization: Organization,
        dataset_id: Option<String>,
    ) -> Self {
        let members = include.map_or(kind.members(), IncludeFields::members).to_vec();
        Self { members, shape: kind.shape(), organization, dataset_id, preview: None }
    }

    /// With long values cut.
    #[must_use]
    pub fn previewed(mut self, preview: Option<Preview>) -> Self {
        self.preview = preview;
        self
    }

    /// Rows as the elements of a JSON array.
    pub fn elements(self, bytes_max: usize) -> Writing {
        self.writing(Bound::Refuse(bytes_max), |rows, row, out| {
            if !out.is_empty() {
                out.push(b',');
            }
            rows.write(row, out)
        })
    }

    /// Rows as lines, until there are so many bytes of them.
    pub fn lines(self, bytes: usize) -> Writing {
        self.writing(Bound::Stop(bytes), |rows, row, out| {
            rows.write(row, out)?;
            out.push(b'\n');
            Ok(())
        })
    }

    fn writing(self, bound: Bound, write: fn(&Self, &TextRow<'_>, &mut Vec<u8>) -> Result<()>) -> Writing {
        let (payload, scores) = needs(&self.members);
        Writing { row: Arc::new(move |row, out| write(&self, row, out)), payload, scores, bound }
    }

    /// Writes one row.
    fn write(&self, row: &TextRow<'_>, out: &mut Vec<u8>) -> Result<()> {
        let context = RowContext::new(&self.organization, self.dataset_id.clone());
        let source = Source::new(row, &context, self.shape);
        let mut cut = Vec::new();
        let mut before = b'{';
        for (name, member) in &self.members {
            out.push(before);
            before = b',';
            out.push(b'"');
            out.extend_from_slice(name.as_bytes());
            out.extend_from_slice(b"\":");
            let start = out.len();
            source.write(*member, out)?;
            if let Some(preview) = self.preview.filter(|_| may_be_cut(*member))
                && let Some(bytes) = preview.cut(out, start)?
            {
                cut.push((*name, bytes));
            }
        }
        if self.preview.is_some() {
            write_cut(&cut, out).map_err(Error::internal)?;
        }
        out.push(b'}');
        Ok(())
    }
}

/// `truncated_fields`: what was cut, with the size of the whole as JSON text.
fn write_cut(cut: &[(&str, usize)], out: &mut Vec<u8>) -> std::io::Result<()> {
    out.extend_from_slice(b",\"truncated_fields\":[");
    for (index, (name, bytes)) in cut.iter().enumerate() {
        let comma = if index == 0 { "" } else { "," };
        write!(out, "{comma}{{\"field\":\"{name}\",\"bytes\":{bytes}}}")?;
    }
    out.push(b']');
    Ok(())
}

/// Whether these members look at payload and scores.
pub(super) fn needs(members: &[Named]) -> (bool, bool) {
    let payload = members.iter().any(|(_, member)| in_payload(*member));
    (payload, members.iter().any(|(_, member)| *member == Member::Scores))
}

fn in_payload(member: Member) -> bool {
    match member {
        Member::Prompt
        | Member::Completion
        | Member::Messages
        | Member::CompletionMessage
        | Member::System
        | Member::ToolCalls
        | Member::Stored(_) => true,
        Member::Id
        | Member::DatasetId
        | Member::OrganizationId
        | Member::Scalar(_)
        | Member::Annotator
        | Member::Metadata
        | Member::Scores
        | Member::KeyName
        | Member::False
        | Member::Null => false,
    }
}

/// What was said, and texts that may be long; never ids, times and numbers.
fn may_be_cut(member: Member) -> bool {
    match member {
        Member::Scalar(field) => field.kind() == Kind::Text,
        Member::Metadata | Member::Scores => true,
        member => in_payload(member),
    }
}

/// One row, from which members are written.
pub(super) struct Source<'a> {
    row: &'a TextRow<'a>,
    context: &'a RowContext<'a>,
    shape: ScoreShape,
}

impl<'a> Source<'a> {
    /// Over a row.
    pub fn new(row: &'a TextRow<'a>, context: &'a RowContext<'a>, shape: ScoreShape) -> Self {
        Self { row, context, shape }
    }

    /// Writes a member.
    pub fn write(&self, member: Member, out: &mut Vec<u8>) -> Result<()> {
        let log = self.row.log;
        match member {
            Member::Scalar(field) => return write_scalar(log.scalars.get(field), out),
            Member::Stored(name) => copy(log.payload.get(name).map(Json::text), out),
            Member::Null => copy(None, out),
            Member::False => copy(Some("false"), out),
            Member::Prompt => tell(derive::prompt(log), out),
            Member::Completion => tell(derive::completion(log), out),
            Member::System => tell(derive::system(log), out),
            Member::Messages => copy(derive::input_messages(log).as_deref(), out),
            Member::CompletionMessage => copy(derive::output_message(log).as_deref(), out),
            Member::ToolCalls => copy(derive::tool_calls(log).as_deref(), out),
            Member::Id
            | Member::DatasetId
            | Member::OrganizationId
            | Member::Annotator
            | Member::Metadata
            | Member::Scores
            | Member::KeyName => {
                let Self { row, context, shape } = self;
                let cell = Cell { member, log, context, scores: Some(row.scores), shape: *shape };
                return serde_json::to_writer(out, &cell).map_err(Error::internal);
            }
        }
        Ok(())
    }
}

fn copy(text: Option<&str>, out: &mut Vec<u8>) {
    out.extend_from_slice(text.unwrap_or("null").as_bytes());
}

fn tell(view: Option<Prose<'_>>, out: &mut Vec<u8>) {
    match view {
        Some(view) => view.write(out),
        None => copy(None, out),
    }
}

fn write_scalar(scalar: Option<&Scalar>, out: &mut Vec<u8>) -> Result<()> {
    match scalar {
        None => out.extend_from_slice(b"null"),
        Some(Scalar::Bool(flag)) => out.extend_from_slice(if *flag { b"true" } else { b"false" }),
        Some(Scalar::Time(micros)) => {
            out.push(b'"');
            out.extend_from_slice(format_time(*micros).as_bytes());
            out.push(b'"');
        }
        Some(Scalar::Text(text)) => serde_json::to_writer(out, text).map_err(Error::internal)?,
        Some(Scalar::Int(number)) => serde_json::to_writer(out, number).map_err(Error::internal)?,
        Some(Scalar::Float(number)) => serde_json::to_writer(out, number).map_err(Error::internal)?,
    }
    Ok(())
}

#[cfg(test)]
mod tests;
