//! The stored form of jobs: old ones must be readable for ever.

use super::*;
use crate::dataset::Tag;
use crate::evaluator::{Choice, Definition, Evaluator, Method, ScoreConfig, ScoreValueType};
use crate::field::Field;
use crate::filter::LogField;
use crate::ids::{EvaluatorId, Place, RowNumber, VersionId};
use serde_json::json;
use uuid::Uuid;

fn dataset(number: u128) -> DatasetId {
    DatasetId(Uuid::from_u128(number))
}

/// A run of an evaluator with every member set.
fn run_task() -> RunTask {
    let map = |value: Value| value.as_object().cloned();
    let definition = Definition {
        name: "Judge".to_owned(),
        description: "says yes".to_owned(),
        kind: "llm".to_owned(),
        score_value_type: ScoreValueType::SingleSelect,
        eval_class: Some("judge".to_owned()),
        score_config: Some(ScoreConfig {
            min_score: Some(0.0),
            max_score: Some(1.5),
            choices: vec![Choice { name: "good".to_owned(), value: json!(1) }],
        }),
        passing_conditions: map(json!({"primary_score": {"operator": "gte", "value": 1}})),
        llm_config: map(json!({"model": "m", "evaluator_definition": "{{output}}"})),
        code_config: map(json!({"builtin": "contains", "parameters": {"text": "x"}})),
        configurations: map(json!({"min_score": 0})).unwrap_or_default(),
        categorical_choices: Some(vec![Choice { name: "bad".to_owned(), value: json!(false) }]),
        custom_required_fields: vec![json!("input")],
    };
    let evaluator = Evaluator {
        id: EvaluatorId(Uuid::from_u128(5)),
        version_id: VersionId(Uuid::from_u128(6)),
        organization: OrganizationId(Uuid::from_u128(9)),
        slug: "judge".to_owned(),
        version: 2,
        is_read_only: true,
        version_description: Some("better".to_owned()),
        definition,
        starred: true,
        tags: vec![Tag { id: "t".to_owned(), name: "tag".to_owned(), color: "red".to_owned() }],
        created_at: 10,
        updated_at: 11,
        version_count: 3,
    };
    RunTask {
        collection: Collection { organization: evaluator.organization, place: Place::Dataset(dataset(3)) },
        evaluator,
        method: Method::Llm,
        filters: json!({"model": {"operator": "eq", "value": "a"}}),
        sampling_percentage: 50.0,
        watermark: Watermark::new(7),
        spending_limit: Some(2.5),
        experiment_id: Some("e".to_owned()),
        environment: "test".to_owned(),
    }
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
                watermark: Watermark::new(7),
            },
            r#"{"kind":"import","dataset":"00000000-0000-0000-0000-000000000001","start_time":5,"end_time":null,"filters":{"model":{"operator":"eq","value":"a"}},"sampling_percentage":12.5,"watermark":7}"#,
        ),
        (
            Task::Duplicate { source: dataset(1), dataset: dataset(2), watermark: Watermark::new(7) },
            r#"{"kind":"duplicate","source":"00000000-0000-0000-0000-000000000001","dataset":"00000000-0000-0000-0000-000000000002","watermark":7}"#,
        ),
        (
            Task::Remove {
                dataset: dataset(1),
                filters: json!({}),
                start_time: None,
                end_time: Some(6),
                watermark: Watermark::new(8),
            },
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
        (
            Task::Evaluate(Box::new(run_task())),
            r#"{"kind":"evaluate","collection":{"organization":"00000000-0000-0000-0000-000000000009","place":{"dataset":"00000000-0000-0000-0000-000000000003"}},"evaluator":{"id":"00000000-0000-0000-0000-000000000005","version_id":"00000000-0000-0000-0000-000000000006","organization":"00000000-0000-0000-0000-000000000009","slug":"judge","version":2,"is_read_only":true,"version_description":"better","definition":{"name":"Judge","description":"says yes","kind":"llm","score_value_type":"single_select","eval_class":"judge","score_config":{"min_score":0.0,"max_score":1.5,"choices":[{"name":"good","value":1}]},"passing_conditions":{"primary_score":{"operator":"gte","value":1}},"llm_config":{"model":"m","evaluator_definition":"{{output}}"},"code_config":{"builtin":"contains","parameters":{"text":"x"}},"configurations":{"min_score":0},"categorical_choices":[{"name":"bad","value":false}],"custom_required_fields":["input"]},"starred":true,"tags":[{"id":"t","name":"tag","color":"red"}],"created_at":10,"updated_at":11,"version_count":3},"method":"llm","filters":{"model":{"operator":"eq","value":"a"}},"sampling_percentage":50.0,"watermark":7,"spending_limit":2.5,"experiment_id":"e","environment":"test"}"#,
        ),
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
        cursor: Some(RowNumber::new(77)),
        cutoff: Some(u64::MAX),
        ..Progress::default()
    };
    // As the release before runs wrote it.
    let json = r#"{"total":9,"done":5,"affected":3,"skipped":2,"cursor":77,"cutoff":18446744073709551615}"#;
    assert_eq!(serde_json::from_str::<Progress>(json).unwrap(), progress);
    progress.failed = 1;
    progress.cost = 0.25;
    progress.scored = Mean { sum: 1.5, count: 2 };
    progress.attempt = Some(AttemptStart { started_at: 8, done: 4, moved_at: 9 });
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
    let mut progress = Progress { cursor: Some(RowNumber::new(50)), ..Progress::default() };
    progress.add(&[], 0);
    assert_eq!(progress.cursor, Some(RowNumber::new(50)));
    progress.add(&[40, 30, 20].map(RowNumber::new), 2);
    progress.add(&[RowNumber::new(10)], 0);
    assert_eq!(
        (progress.done, progress.affected, progress.skipped, progress.cursor),
        (4, 2, 2, Some(RowNumber::new(10)))
    );
}
