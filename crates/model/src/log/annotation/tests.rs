use super::*;
use crate::ids::LogId;
use crate::limits::Limits;
use crate::log::ingest::{Body, Context, row, span};
use crate::log::patch;
use serde_json::{Map, json};

const NOW: i64 = 1_767_700_000_000_000;

fn members(body: Value) -> Map<String, Value> {
    match body {
        Value::Object(members) => members,
        other => panic!("not an object: {other}"),
    }
}

fn context(limits: &Limits) -> Context<'_> {
    let (id, now) = (LogId("r".into()), NOW);
    Context { id, now, environment: "prod", key_id: "k".into(), key_name: "ci", log_method: "logging_api", limits }
}

fn a_row(body: Value) -> Log {
    row(&Body::of(&members(body), &Limits::default()).unwrap(), &context(&Limits::default())).unwrap()
}

fn patched(log: &Log, body: Value, now: i64) -> Log {
    patch::merge(log.clone(), &Body::of(&members(body), &Limits::default()).unwrap(), now).unwrap()
}

/// Status, who, when, assignee, lease.
type State<'a> = (Option<&'a str>, Option<&'a str>, Option<i64>, Option<&'a str>, Option<i64>);

fn state(log: &Log) -> State<'_> {
    let text = |field| log.text(field);
    (
        text(Field::AnnotationStatus),
        text(Field::AnnotationCompletedBy),
        log.time(Field::AnnotationCompletedAt),
        text(Field::AnnotationAssignee),
        log.time(Field::AnnotationLeaseUntil),
    )
}

#[test]
fn a_row_is_taken_passed_over_completed_and_reopened() {
    let mut log = a_row(json!({"input": "x"}));
    assert_eq!(state(&log), (Some(PENDING), None, None, None, None));
    take(&mut log, "ann", NOW + 10);
    assert_eq!(state(&log), (Some(IN_PROGRESS), None, None, Some("ann"), Some(NOW + 10)));
    assert_eq!(holder(&log, NOW + 9), Some(("ann", NOW + 10)));
    assert_eq!(holder(&log, NOW + 10), None, "a lease ends at its time");
    release(&mut log, Some("ann"));
    assert_eq!(state(&log), (Some(PENDING), None, None, Some("ann"), None));
    complete(&mut log, Some("bob"), NOW + 20);
    assert_eq!(state(&log), (Some(COMPLETED), Some("bob"), Some(NOW + 20), None, None));
    assert_eq!(holder(&log, NOW), None);
    release(&mut log, None);
    assert_eq!(state(&log), (Some(PENDING), None, None, None, None));
}

#[test]
fn patch_sets_who_and_when_once_and_back_to_pending_clears_them() {
    let mut held = a_row(json!({"input": "x"}));
    take(&mut held, "ann", NOW + 10);
    for (by, who) in [
        (json!(null), None),
        (json!(""), None),
        (json!(" ann@example.com "), Some("ann@example.com")),
        (json!({"first_name": "Ann", "last_name": "L", "email": "ann@example.com"}), Some("ann@example.com")),
        (json!({"first_name": "", "last_name": "", "email": ""}), None),
        (json!({"first_name": "Ann"}), None),
    ] {
        let body = json!({"annotation_status": "completed", "annotation_completed_by": by});
        let done = patched(&held, body, NOW + 5);
        assert_eq!(state(&done), (Some(COMPLETED), who, Some(NOW + 5), None, None), "{by}");
    }
    let done = patched(&held, json!({"annotation_status": "completed", "annotation_completed_by": "ann"}), NOW + 5);
    for same in [
        json!({"annotation_status": "completed"}),
        json!({"annotation_status": "completed", "annotation_completed_by": "ann"}),
        json!({"note": "x"}),
    ] {
        assert_eq!(state(&patched(&done, same, NOW + 6)), state(&done), "said again, or not said: nothing new");
    }
    let other = patched(&done, json!({"annotation_completed_by": "bob"}), NOW + 7);
    assert_eq!(state(&other), (Some(COMPLETED), Some("bob"), Some(NOW + 7), None, None));
    for (status, now) in [(json!("in_progress"), IN_PROGRESS), (json!("pending"), PENDING), (json!(null), PENDING)] {
        let reopened = patched(&done, json!({"annotation_status": status}), NOW + 8);
        assert_eq!(state(&reopened), (Some(now), None, None, None, None));
    }
    assert_eq!(state(&patched(&held, json!({"annotation_status": "in_progress"}), NOW + 1)), state(&held));
    assert_eq!(state(&patched(&held, json!({"annotation_status": "pending"}), NOW + 1)).4, None);
}

#[test]
fn what_only_the_server_says_cannot_be_written() {
    let row =
        a_row(json!({"input": "x", "annotation_assignee": "eve", "annotation_lease_until": "2030-01-01T00:00:00Z"}));
    assert_eq!(state(&row), (Some(PENDING), None, None, None, None));
    let body = json!({"annotation_assignee": "eve", "annotation_completed_at": "2030-01-01T00:00:00Z"});
    assert_eq!(state(&patched(&row, body, NOW)), state(&row));
}

#[test]
fn a_row_may_come_completed_and_a_request_log_has_no_annotation() {
    let body = json!({"input": "x", "annotation_status": "completed", "annotation_completed_by": {"email": "a@b.c"}});
    assert_eq!(state(&a_row(body.clone())), (Some(COMPLETED), Some("a@b.c"), Some(NOW), None, None));
    let log =
        span(&Body::of(&members(body), &Limits::default()).unwrap(), &context(&Limits::default())).unwrap().unwrap();
    assert_eq!(state(&log), (None, None, None, None, None));
    let pending = a_row(json!({"input": "x", "annotation_completed_by": {"email": "a@b.c"}}));
    assert_eq!(state(&pending), (Some(PENDING), None, None, None, None));
}

#[test]
fn wrong_annotators_are_refused() {
    let row = a_row(json!({"input": "x"}));
    for (body, message) in [
        (json!({"annotation_completed_by": "ann"}), "goes with `annotation_status` `completed`"),
        (json!({"annotation_status": "in_progress", "annotation_completed_by": "ann"}), "the row is `in_progress`"),
        (json!({"annotation_status": "completed", "annotation_completed_by": 7}), "an e-mail address or a user object"),
        (json!({"annotation_status": "completed", "annotation_completed_by": {"email": 7}}), "must be a string"),
        (json!({"annotation_status": "completed", "annotation_completed_by": "a\nb"}), "an e-mail address or name"),
        (json!({"annotation_status": "completed", "annotation_completed_by": "x".repeat(256)}), "255 characters"),
    ] {
        let error = patch::merge(row.clone(), &Body::of(&members(body), &Limits::default()).unwrap(), NOW).unwrap_err();
        assert!(error.to_string().contains(message), "{error}");
        assert_eq!(error.by_field().len(), 1);
    }
    assert_eq!(annotator(" ann ", "annotator").unwrap(), "ann");
    for wrong in ["", "  ", "a\u{7}b"] {
        assert!(annotator(wrong, "annotator").unwrap_err().by_field().contains_key("annotator"));
    }
}
