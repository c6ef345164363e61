//! Annotation of dataset rows (contract G.3, H24): who has a row to annotate and until when, who completed it and when.
//!
//! `pending` → `in_progress` → `completed`, and back to `pending`. Pure functions of the present row and a time handed
//! in, so that a store may run them again when another write came between: that is what keeps two people off the same
//! row.

use super::Log;
use super::ingest::members::{Members, Stated, wrong};
use crate::error::{Error, Result};
use crate::field::Field;
use crate::scalar::Scalar;
use serde_json::Value;

/// Nobody is at it.
pub const PENDING: &str = "pending";
/// Somebody is at it: with a lease that has not run out, nobody else gets it.
pub const IN_PROGRESS: &str = "in_progress";
/// Done.
pub const COMPLETED: &str = "completed";
/// Longest name of an annotator, in characters.
pub const ANNOTATOR_CHARS: usize = 255;

const COMPLETED_BY: &str = "annotation_completed_by";

/// Whether the text names a status.
pub fn is_status(text: &str) -> bool {
    matches!(text, PENDING | IN_PROGRESS | COMPLETED)
}

/// The name of an annotator: an e-mail address or any other text that tells people apart. `path` is named in errors.
pub fn annotator(text: &str, path: &str) -> Result<String> {
    let name = text.trim();
    if (1..=ANNOTATOR_CHARS).contains(&name.chars().count()) && !name.chars().any(char::is_control) {
        return Ok(name.to_owned());
    }
    let allowed = format!("an e-mail address or name of 1 to {ANNOTATOR_CHARS} characters");
    Err(wrong(path, &allowed, &Value::from(text)))
}

/// Whether the annotation is completed.
pub fn is_completed(log: &Log) -> bool {
    log.text(Field::AnnotationStatus) == Some(COMPLETED)
}

/// Who holds the row at `now`, and until when.
pub fn holder(log: &Log, now: i64) -> Option<(&str, i64)> {
    let until = log.time(Field::AnnotationLeaseUntil).filter(|until| *until > now)?;
    let assignee = log.text(Field::AnnotationAssignee)?;
    (log.text(Field::AnnotationStatus) == Some(IN_PROGRESS)).then_some((assignee, until))
}

/// Gives the row to `who` until then.
pub fn take(log: &mut Log, who: &str, until: i64) {
    set(log, IN_PROGRESS);
    log.scalars.set_text(Field::AnnotationAssignee, who);
    log.scalars.set(Field::AnnotationLeaseUntil, Some(Scalar::Time(until)));
}

/// Nobody is at the row; with `passed_over_by` it stays known who did not want it.
pub fn release(log: &mut Log, passed_over_by: Option<&str>) {
    set(log, PENDING);
    log.scalars.set(Field::AnnotationAssignee, passed_over_by.map(|who| Scalar::Text(who.to_owned())));
}

/// The row is done, by nobody when `who` is not known.
pub fn complete(log: &mut Log, who: Option<&str>, at: i64) {
    set(log, COMPLETED);
    log.scalars.set(Field::AnnotationCompletedBy, who.map(|who| Scalar::Text(who.to_owned())));
    log.scalars.set(Field::AnnotationCompletedAt, Some(Scalar::Time(at)));
}

/// A new status; all else that was known belongs to the old one.
fn set(log: &mut Log, status: &str) {
    clear(log);
    log.scalars.set_text(Field::AnnotationStatus, status);
}

/// Forgets everything, the status too.
pub fn clear(log: &mut Log) {
    for field in Field::ANNOTATION {
        log.scalars.set(*field, None);
    }
}

/// A new row: `pending`, or what its body says.
pub(crate) fn created(log: &mut Log, members: &Members<'_>, now: i64) -> Result<()> {
    match log.text(Field::AnnotationStatus).unwrap_or(PENDING).to_owned().as_str() {
        COMPLETED => complete(log, who(members)?.value().flatten().as_deref(), now),
        status => set(log, status),
    }
    Ok(())
}

/// What a change has to know of the row as it was.
pub(crate) struct Before {
    status: String,
    completed_by: Option<String>,
}

impl Before {
    /// Of this row.
    pub fn of(log: &Log) -> Self {
        Self {
            status: log.text(Field::AnnotationStatus).unwrap_or(PENDING).to_owned(),
            completed_by: log.text(Field::AnnotationCompletedBy).map(str::to_owned),
        }
    }
}

/// A row after the members of a PATCH or PUT were written to it; `before` is what it was. The body's status is a
/// transition, and null is `pending`; saying again what is so already changes nothing but who completed it.
pub(crate) fn changed(log: &mut Log, before: &Before, members: &Members<'_>, now: i64) -> Result<()> {
    let status = log.text(Field::AnnotationStatus).unwrap_or(PENDING).to_owned();
    let stated = who(members)?;
    if status != COMPLETED {
        if let Stated::Value(Some(_)) = stated {
            let message =
                format!("`{COMPLETED_BY}` goes with `annotation_status` `{COMPLETED}`; the row is `{status}`");
            return Err(Error::invalid(COMPLETED_BY, message));
        }
        let cleared = log.text(Field::AnnotationStatus).is_none() && members.names("annotation_status");
        if status != before.status || cleared {
            set(log, &status);
        }
        return Ok(());
    }
    let new = match &stated {
        Stated::Absent => None,
        Stated::Null => Some(None),
        Stated::Value(who) => Some(who.as_deref()),
    };
    if before.status != COMPLETED {
        complete(log, new.flatten(), now);
    } else if let Some(new) = new.filter(|new| *new != before.completed_by.as_deref()) {
        complete(log, new, now);
    }
    Ok(())
}

/// Who completed it, by the body: an e-mail address, or a user as rows show one, of which the address is kept. An empty
/// address is nobody.
fn who(members: &Members<'_>) -> Result<Stated<Option<String>>> {
    let Some(member) = members.find(COMPLETED_BY) else { return Ok(Stated::Absent) };
    let path = member.path();
    let address = match member.value {
        value if value.is_null() => return Ok(Stated::Null),
        value if value.is_object() => match value.get("email") {
            None => return Ok(Stated::Value(None)),
            Some(email) if email.is_null() => return Ok(Stated::Value(None)),
            Some(email) => email.string().ok_or_else(|| wrong(&format!("{path}.email"), "a string", &email))?,
        },
        value => {
            value.string().ok_or_else(|| wrong(&path, "an e-mail address or a user object with `email`", &value))?
        }
    };
    if address.trim().is_empty() {
        Ok(Stated::Value(None))
    } else {
        annotator(&address, &path).map(Some).map(Stated::Value)
    }
}

#[cfg(test)]
mod tests;
