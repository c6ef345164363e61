//! The stored form of jobs: old ones must be readable for ever.

use super::*;
use crate::field::Field;
use crate::filter::LogField;
use crate::ids::Place;
use serde_json::json;
use uuid::Uuid;

fn dataset(number: u128) -> DatasetId {
    DatasetId(Uuid::from_u128(number))
}

/// One task of each kind with its JSON as the first release stores it. Never change a line: only add.
fn stored() -> Vec<(Task, &'static str)> {
    let organization = OrganizationId(Uuid::from_u128(9));
    vec![
        (
            Task::Import {
                dataset: dataset(1),
                start_time: Some(5),
                end_time: None,
                filters: json!({"model": {"operator": "eq", "value": "a"}}),
                sampling_percentage: 12.5,
                watermark: 7,
            },
            r#"{"kind":"import","dataset":"00000000-0000-0000-0000-000000000001","start_time":5,"end_time":null,"filters":{"model":{"operator":"eq","value":"a"}},"sampling_percentage":12.5,"watermark":7}"#,
        ),
        (
            Task::Duplicate { source: dataset(1), dataset: dataset(2), watermark: 7 },
            r#"{"kind":"duplicate","source":"00000000-0000-0000-0000-000000000001","dataset":"00000000-0000-0000-0000-000000000002","watermark":7}"#,
        ),
        (
            Task::Remove { dataset: dataset(1), filters: json!({}), start_time: None, end_time: Some(6), watermark: 8 },
            r#"{"kind":"remove","dataset":"00000000-0000-0000-0000-000000000001","filters":{},"start_time":null,"end_time":6,"watermark":8}"#,
        ),
        (
            Task::Export {
                collection: Collection { organization, place: Place::Dataset(dataset(3)) },
                filters: json!([]),
                sort: Sort { field: LogField::Scalar(Field::Timestamp), descending: true },
                include_fields: Some(vec!["id".to_owned()]),
                format: ExportFormat::Csv,
                file_name: "e.csv".to_owned(),
            },
            r#"{"kind":"export","collection":{"organization":"00000000-0000-0000-0000-000000000009","place":{"dataset":"00000000-0000-0000-0000-000000000003"}},"filters":[],"sort":{"field":{"Scalar":"timestamp"},"descending":true},"include_fields":["id"],"format":".csv","file_name":"e.csv"}"#,
        ),
        (
            Task::Export {
                collection: Collection { organization, place: Place::RequestLogs },
                filters: Value::Null,
                sort: Sort { field: LogField::Metadata("tier".to_owned()), descending: false },
                include_fields: None,
                format: ExportFormat::Jsonl,
                file_name: "e.jsonl".to_owned(),
            },
            r#"{"kind":"export","collection":{"organization":"00000000-0000-0000-0000-000000000009","place":"request_logs"},"filters":null,"sort":{"field":{"Metadata":"tier"},"descending":false},"include_fields":null,"format":".jsonl","file_name":"e.jsonl"}"#,
        ),
        (Task::Purge { collection: 4 }, r#"{"kind":"purge","collection":4}"#),
    ]
}

#[test]
fn stored_tasks_stay_readable() {
    for (task, json) in stored() {
        assert_eq!(serde_json::to_string(&task).unwrap(), json);
        assert_eq!(serde_json::from_str::<Task>(json).unwrap(), task);
    }
}

#[test]
fn stored_progress_stays_readable() {
    let mut progress = Progress {
        total: Some(9),
        done: 5,
        affected: 3,
        skipped: 2,
        cursor: Some(77),
        cutoff: Some(u64::MAX),
        ..Progress::default()
    };
    // As the release before runs wrote it.
    let json = r#"{"total":9,"done":5,"affected":3,"skipped":2,"cursor":77,"cutoff":18446744073709551615}"#;
    assert_eq!(serde_json::from_str::<Progress>(json).unwrap(), progress);
    progress.failed = 1;
    progress.cost = 0.25;
    progress.scored = Mean { sum: 1.5, count: 2 };
    progress.attempt = Some(Attempt { started_at: 8, done: 4, moved_at: 9 });
    let json = r#"{"total":9,"done":5,"affected":3,"skipped":2,"cursor":77,"cutoff":18446744073709551615,"failed":1,"cost":0.25,"scored":{"sum":1.5,"count":2},"attempt":{"started_at":8,"done":4,"moved_at":9}}"#;
    assert_eq!(serde_json::to_string(&progress).unwrap(), json);
    assert_eq!(serde_json::from_str::<Progress>(json).unwrap(), progress);
    assert_eq!(serde_json::from_str::<Progress>("{}").unwrap(), Progress::default());
}

#[test]
fn only_copies_fill() {
    let filling: Vec<_> = stored().iter().filter_map(|(task, _)| Some((task.kind(), task.fills()?))).collect();
    assert_eq!(filling, [("import", dataset(1)), ("duplicate", dataset(2))]);
}

#[test]
fn progress_adds_units() {
    let mut progress = Progress { cursor: Some(50), ..Progress::default() };
    progress.add(&[], 0);
    assert_eq!(progress.cursor, Some(50));
    progress.add(&[40, 30, 20], 2);
    progress.add(&[10], 0);
    assert_eq!((progress.done, progress.affected, progress.skipped, progress.cursor), (4, 2, 2, Some(10)));
}
