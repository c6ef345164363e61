//! Exports into files.

use super::*;
use crate::export_files;
use crate::jobs::attempt::End;
use crate::ops::exports::{self, ExportRequest, StreamRequest};
use evalset_model::filter::wire::{self, Filters};
use evalset_model::job::ExportFormat;
use futures::{StreamExt, TryStreamExt};
use tokio::io::AsyncReadExt;

fn evens(app: &App) -> Filters {
    wire::parse("filters", Some(&model("even")), None, &app.limits).unwrap()
}

async fn export(world: &World, format: ExportFormat, include_fields: Option<Vec<String>>) -> Job {
    let filters = evens(&world.app());
    let request = ExportRequest { filters, sort: by_time(), include_fields, format, name: Some("../e".into()) };
    exports::start(&world.app(), &world.actor(), Place::RequestLogs, request).await.unwrap()
}

/// The file of an export, read to its end.
async fn content(app: &App, job: &Job) -> String {
    let mut file = exports::open(app, &Actor::local(job.organization), job.id).await.unwrap().file;
    let mut text = String::new();
    file.reader.read_to_string(&mut text).await.unwrap();
    assert_eq!(file.length, text.len() as u64);
    text
}

#[tokio::test]
async fn an_export_file_appears_whole_and_can_be_opened_only_then() {
    let world = World::new().await;
    let app = world.app();
    let job = export(&world, ExportFormat::Jsonl, None).await;
    assert!(matches!(exports::open(&app, &world.actor(), job.id).await, Err(Error::Conflict(_))));
    run_next(&app, Lane::Rows).await.unwrap();
    let job = world.job(job.id).await;
    assert_eq!((job.state, job.progress.affected, job.progress.total), (State::Completed, 5, Some(5)));
    let file = exports::open(&app, &world.actor(), job.id).await.unwrap();
    assert_eq!(file.name, "_e.jsonl");
    let text = content(&app, &job).await;
    let rows: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let ids: Vec<_> = rows.iter().map(|row| row["unique_id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["log0", "log2", "log4", "log6", "log8"]);
    assert!(rows.iter().all(|row| row["note"].as_str().unwrap().starts_with("=SUM") && row["scores"].is_array()));
}

#[tokio::test]
async fn csv_is_quoted_and_formulas_are_disarmed() {
    let world = World::new().await;
    let app = world.app();
    let fields = ["cost", "note", "output"].map(str::to_owned).to_vec();
    let job = export(&world, ExportFormat::Csv, Some(fields.clone())).await;
    run_next(&app, Lane::Rows).await.unwrap();
    let text = content(&app, &job).await;
    let output = r#""{""text"":""a \""quoted\"", line\nand another""}""#;
    let line = |number: u64, cost: &str| format!("log{number},log{number},{cost},'=SUM(A{number}),{output}\n");
    let lines = [(0, "0"), (2, "0.5"), (4, "1"), (6, "1.5"), (8, "2")].map(|(number, cost)| line(number, cost));
    assert_eq!(text, format!("id,unique_id,cost,note,output\n{}", lines.concat()));

    let request = StreamRequest {
        filter: selection::check(world.logs(), &evens(&app), Unknown::Metadata).unwrap(),
        sort: by_time(),
        include_fields: Some(fields),
        format: ExportFormat::Csv,
    };
    let pieces: Vec<bytes::Bytes> =
        exports::stream(&app, &world.actor(), Place::RequestLogs, request).await.unwrap().try_collect().await.unwrap();
    assert_eq!(pieces.concat(), text.as_bytes(), "a streamed export has the same bytes");
}

/// Clients that ask for exports and then read nothing: what their pieces wait for must not be kept from others.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exports_that_nobody_reads_hold_up_nobody() {
    let world = World::on_disk().await;
    let app = world.app();
    for from in (100..1_300).step_by(100) {
        let rows = (from..from + 100).map(log).collect();
        app.stores.logs.insert(world.logs(), rows, Existing::Keep).await.unwrap();
    }
    let everything =
        StreamRequest { filter: LogFilter::all(), sort: by_time(), include_fields: None, format: ExportFormat::Jsonl };
    let mut stalled = Vec::new();
    for _ in 0..40 {
        let mut stream =
            Box::pin(exports::stream(&app, &world.actor(), Place::RequestLogs, everything.clone()).await.unwrap());
        // Asked for once, and never again.
        let first = futures::poll!(stream.next());
        assert!(first.is_pending() || matches!(first, std::task::Poll::Ready(Some(Ok(_)))));
        stalled.push(stream);
    }
    let whole = async {
        exports::stream(&app, &world.actor(), Place::RequestLogs, everything)
            .await
            .unwrap()
            .try_collect::<Vec<_>>()
            .await
            .unwrap()
    };
    let pieces = tokio::time::timeout(std::time::Duration::from_secs(20), whole).await.expect("held up");
    let text = String::from_utf8(pieces.concat()).unwrap();
    assert_eq!(text.lines().count(), 1_200 + LOGS as usize);
    drop(stalled);
}

#[tokio::test]
async fn leftovers_and_expired_files_go_and_an_expired_export_says_so() {
    let world = World::new().await;
    let app = world.app();
    let job = export(&world, ExportFormat::Jsonl, None).await;
    run_next(&app, Lane::Rows).await.unwrap();
    let name = export_files::name(&job).unwrap();
    for stray in ["notes.txt", "0198c0de-0000-7000-8000-000000000000.csv"] {
        app.stores.files.create(stray).await.unwrap().finish(app.clock.now()).await.unwrap();
    }
    let names = async || {
        let files = app.stores.files.list().await.unwrap();
        files.into_iter().map(|file| file.name).collect::<Vec<_>>()
    };
    assert_eq!(names().await.len(), 3);
    export_files::clear_leftovers(&app).await.unwrap();
    assert_eq!(names().await, [name]);
    app.clock.freeze(app.clock.now() + 8 * 86_400_000_000);
    export_files::expire(&app).await.unwrap();
    assert_eq!(names().await, [""; 0]);
    let error = exports::open(&app, &world.actor(), job.id).await.unwrap_err();
    assert!(matches!(&error, Error::NotFound(text) if text.contains("limits.export_days")), "{error}");
}

#[tokio::test]
async fn a_cancelled_or_interrupted_export_leaves_no_file() {
    let world = World::new().await;
    let app = world.app();
    let job = export(&world, ExportFormat::Csv, None).await;
    app.stores.jobs.claim(Lane::Rows, &worker(), 1, 1).await.unwrap().unwrap();
    jobs::cancel(&app, &world.actor(), job.id).await.unwrap();
    let claimed = world.job(job.id).await;
    let mut run = crate::jobs::attempt::Attempt::new(&app, &claimed);
    assert_eq!(super::super::export::run(&mut run).await.unwrap(), End::Cancelled);
    assert_eq!(app.stores.files.list().await.unwrap(), []);
}
