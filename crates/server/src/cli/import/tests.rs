//! Reading files good and bad, and importing them twice, in parts, and after a kill.

use super::{Arguments, run};
use crate::cli::{export, local};
use crate::config::{self, Config, Sources};
use clap::Parser as _;
use evalset_model::field::Field;
use evalset_model::filter::LogFilter;
use evalset_model::ids::{Collection, OrganizationId, Place};
use evalset_model::log::Log;
use evalset_product::actor::Actor;
use evalset_product::app::App;
use evalset_product::ops::{datasets, keys};
use evalset_rows::import::{Refused, Source};
use evalset_store::logs::{Pick, With};
use serde_json::{Value, json};
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use tempfile::TempDir;

#[derive(clap::Parser)]
struct Cli {
    #[command(flatten)]
    arguments: Arguments,
}

fn arguments(words: &[&str]) -> Arguments {
    Cli::try_parse_from(std::iter::once(&"import").chain(words)).unwrap_or_else(|error| panic!("{error}")).arguments
}

fn file(folder: &TempDir, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
    let path = folder.path().join(name);
    std::fs::write(&path, content).unwrap();
    path
}

/// A data folder with an organization and a dataset `d`.
struct World {
    folder: TempDir,
    config: Config,
    organization: OrganizationId,
    dataset: Collection,
}

impl World {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data").display().to_string();
        let sources = Sources { flags: vec![("data".to_owned(), data)], ..Sources::default() };
        let config = config::load(&sources).unwrap();
        let app = local::open(&config).await.unwrap();
        let organization = keys::organization(app.stores.keys.as_ref(), &app.clock, "default").await.unwrap().id;
        let new = datasets::NewDataset { name: Some("d".into()), ..datasets::NewDataset::default() };
        let dataset = datasets::create(&app, &Actor::local(organization), new).await.unwrap().id;
        local::close(&app).await;
        Self { folder, config, organization, dataset: Collection { organization, place: Place::Dataset(dataset) } }
    }

    async fn import(&self, words: &[&str]) -> anyhow::Result<()> {
        run(arguments(words), self.config.clone()).await
    }

    async fn logs(&self, collection: Collection) -> Vec<Log> {
        let app: App = local::open(&self.config).await.unwrap();
        let mut selected = app.stores.logs.select(collection, Pick::of(LogFilter::all())).await.unwrap();
        let rows = selected.next(usize::MAX).await.unwrap();
        let logs = app.stores.logs.read(collection, &rows, With::PAYLOAD).await.unwrap();
        local::close(&app).await;
        logs.into_iter().map(|row| row.log).collect()
    }

    fn request_logs(&self) -> Collection {
        Collection { organization: self.organization, place: Place::RequestLogs }
    }

    fn states(&self) -> Vec<PathBuf> {
        let folder = std::fs::read_dir(self.config.data.join("imports"));
        folder.map(|folder| folder.map(|entry| entry.unwrap().path()).collect()).unwrap_or_default()
    }
}

fn numbered(count: usize) -> String {
    let line = |number| json!({"input": format!("question {number}"), "output": "answer"}).to_string() + "\n";
    (0..count).map(line).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn importing_a_file_again_adds_nothing() {
    let world = World::new().await;
    let path = file(&world.folder, "logs.jsonl", numbered(25));
    let path = path.to_str().unwrap();
    for into in [&["--into", "d"][..], &[]] {
        for _ in 0..2 {
            world.import(&[&[path, "--batch", "10"], into].concat()).await.unwrap();
        }
    }
    assert_eq!(world.logs(world.dataset).await.len(), 25);
    let logs = world.logs(world.request_logs()).await;
    assert_eq!(logs.len(), 25);
    let log = &logs[0];
    assert_eq!((log.text(Field::LogMethod), log.text(Field::OrganizationKeyName)), (Some("batch"), None));
    assert_eq!(log.id.as_str().len(), 32);
    assert_eq!(world.states().len(), 2, "what is finished is known, by place");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_import_goes_on_where_it_was() {
    let world = World::new().await;
    let good = numbered(25);
    let path = file(&world.folder, "logs.jsonl", &good);
    let name = path.to_str().unwrap();
    // A later batch cannot be read: those before stay and the state says so.
    let mut cut = zstd::encode_all(numbered(20_000).as_bytes(), 1).unwrap();
    cut.truncate(cut.len() * 9 / 10);
    let broken = file(&world.folder, "broken.jsonl.zst", &cut);
    let error = world.import(&[broken.to_str().unwrap(), "--into", "d", "--batch", "2000"]).await.unwrap_err();
    assert!(format!("{error:#}").contains("--resume"), "{error:#}");
    assert_eq!(world.states().len(), 1);
    assert!(!world.logs(world.dataset).await.is_empty());

    world.import(&[name, "--batch", "10"]).await.unwrap();
    let before = world.logs(world.request_logs()).await.len();
    let mut grown = std::fs::OpenOptions::new().append(true).open(&path).unwrap();
    grown.write_all(b"{\"input\":\"one more\"}\n").unwrap();
    drop(grown);
    // A state as a kill would have left it after the second batch.
    let world_config = &world.config;
    let source = Source::new(&path, None, Vec::new()).unwrap();
    let target = super::Target::new(&arguments(&[name]), world_config).await.unwrap();
    let mut resume = super::Resume::new(&source, &target, &world_config.data).unwrap();
    resume.state.lines = 20;
    resume.save().unwrap();
    target.close().await;
    world.import(&[name, "--resume"]).await.unwrap();
    assert_eq!(
        world.logs(world.request_logs()).await.len(),
        before + 6,
        "lines 21 to 26 under the ids of the grown file"
    );

    resume.save().unwrap();
    std::fs::write(&path, "{\"input\":\"another file\"}\n").unwrap();
    let error = world.import(&[name, "--resume"]).await.unwrap_err();
    assert!(format!("{error:#}").contains("has changed"), "{error:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn resuming_a_finished_import_does_nothing() {
    let world = World::new().await;
    let path = file(&world.folder, "logs.jsonl", numbered(5));
    let name = path.to_str().unwrap();
    world.import(&[name]).await.unwrap();
    // Were the lines read again, the log that is gone would come back.
    let app = local::open(&world.config).await.unwrap();
    let id = {
        let pick = Pick::of(LogFilter::all());
        let rows = app.stores.logs.select(world.request_logs(), pick).await.unwrap().next(1).await.unwrap();
        app.stores.logs.read(world.request_logs(), &rows, With::PAYLOAD).await.unwrap().remove(0).log.id
    };
    app.stores.logs.delete(world.request_logs(), &[id]).await.unwrap();
    local::close(&app).await;
    world.import(&[name, "--resume"]).await.unwrap();
    assert_eq!(world.logs(world.request_logs()).await.len(), 4);
    // Lines that were appended are still to do, and then that is finished too.
    let mut grown = std::fs::OpenOptions::new().append(true).open(&path).unwrap();
    grown.write_all(b"{\"input\":\"one more\"}\n").unwrap();
    drop(grown);
    let resumed = || async {
        let source = Source::new(&path, None, Vec::new()).unwrap();
        let target = super::Target::new(&arguments(&[name]), &world.config).await.unwrap();
        let report = super::read_into(&arguments(&[name, "--resume"]), &world.config, source, &target).await.unwrap();
        target.close().await;
        (report.now().added, report.earlier().added)
    };
    assert_eq!(resumed().await, (1, 5));
    assert_eq!(resumed().await, (0, 0), "nothing to do");
    assert_eq!(world.logs(world.request_logs()).await.len(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_a_dataset_do_not_replace_request_logs_unless_asked() {
    let world = World::new().await;
    let log = json!({"input": "as it was", "unique_id": "mine"}).to_string();
    world.import(&[file(&world.folder, "log.jsonl", log).to_str().unwrap()]).await.unwrap();
    let row = |id: Value| json!({"input": "edited", "unique_id": "mine", "dataset_id": id}).to_string() + "\n";
    let text = row("018f-4c".into()) + &json!({"input": "new", "dataset_id": null}).to_string();
    let jsonl = file(&world.folder, "rows.jsonl", text);
    let csv = file(&world.folder, "rows.csv", "unique_id,input,dataset_id\nmine,edited,018f-4c\nfree,new,\n");
    let errors = world.folder.path().join("errors.jsonl");
    for (path, line) in [(&jsonl, 1), (&csv, 2)] {
        let words = [path.to_str().unwrap(), "--errors", errors.to_str().unwrap()];
        assert_eq!(world.import(&words).await.unwrap_err().to_string(), "1 bad lines were left out");
        let told: Value = serde_json::from_str(std::fs::read_to_string(&errors).unwrap().trim()).unwrap();
        assert_eq!(told["line"], line);
        assert!(told["error"].as_str().unwrap().starts_with("a row of a dataset: use --into DATASET"), "{told}");
    }
    let input = || async {
        let logs = world.logs(world.request_logs()).await;
        logs.iter().find(|log| log.id.as_str() == "mine").unwrap().payload.value("input")
    };
    assert_eq!(input().await, "as it was");
    world.import(&[jsonl.to_str().unwrap(), "--into", "d"]).await.unwrap();
    world.import(&[jsonl.to_str().unwrap(), "--overwrite"]).await.unwrap();
    assert_eq!(input().await, "edited");
}

#[tokio::test(flavor = "multi_thread")]
async fn replaced_logs_are_counted_apart_from_new_ones() {
    let world = World::new().await;
    let line = |id: &str, input: &str| json!({"input": input, "unique_id": id}).to_string() + "\n";
    world.import(&[file(&world.folder, "a.jsonl", line("a", "1")).to_str().unwrap()]).await.unwrap();
    let path = file(&world.folder, "b.jsonl", line("a", "2") + &line("b", "1") + &line("b", "2"));
    let words = [path.to_str().unwrap()];
    let target = super::Target::new(&arguments(&words), &world.config).await.unwrap();
    let source = Source::new(&path, None, Vec::new()).unwrap();
    let report = super::read_into(&arguments(&words), &world.config, source, &target).await.unwrap();
    target.close().await;
    assert_eq!((report.now().added, report.now().replaced), (1, 2));
    let mut logs = world.logs(world.request_logs()).await;
    logs.sort_by(|a, b| a.id.as_str().cmp(b.id.as_str()));
    assert_eq!(logs.iter().map(|log| log.payload.value("input")).collect::<Vec<_>>(), ["2", "2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_of_json_lines_are_mapped_and_unknown_ones_told() {
    let world = World::new().await;
    let text = json!({"question": "hi", "modle": "gpt", "rating": 4}).to_string();
    let path = file(&world.folder, "logs.jsonl", text);
    let map = ["--map", "question=input", "--map", "modle=model", "--map", "rating=metadata.rating"];
    world.import(&[&[path.to_str().unwrap()], &map[..]].concat()).await.unwrap();
    let log = world.logs(world.request_logs()).await.remove(0);
    assert_eq!(
        (log.payload.value("input"), log.text(Field::Model), &log.metadata["rating"]),
        ("hi".into(), Some("gpt"), &4.into())
    );

    let source = Source::new(&path, None, vec!["question=input".parse().unwrap()]).unwrap();
    let (send, receive) = tokio::sync::mpsc::channel(10);
    let read = move || source.read(0, 10, 1_000, 1_000, &Arc::default(), &send);
    let notes = tokio::task::spawn_blocking(read).await.unwrap();
    drop(receive);
    assert!(
        notes[0].starts_with("keys that are no field and were left out: modle (1 line), rating (1 line);"),
        "{notes:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_mapping_is_a_usage_error_before_anything_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let flags = vec![("data".to_owned(), data.display().to_string())];
    let config = config::load(&Sources { flags, ..Sources::default() }).unwrap();
    let path = file(&folder, "rows.csv", "text\nhi\n");
    let error = run(arguments(&[path.to_str().unwrap(), "--map", "txt=input"]), config.clone()).await.unwrap_err();
    assert!(error.is::<Refused>(), "{error:#}");
    assert_eq!(format!("{error:#}"), "--map: there is no column `txt`; there are: text");
    for words in [&["no-such.jsonl"][..], &[path.to_str().unwrap(), "--into", "d"]] {
        let error = format!("{:#}", run(arguments(words), config.clone()).await.unwrap_err());
        assert!(error.contains("cannot open no-such.jsonl") || error.starts_with("no data in "), "{error}");
    }
    assert!(!data.exists());
    // Request logs need no dataset: a new folder gets its organization.
    run(arguments(&[path.to_str().unwrap(), "--map", "text=input"]), config.clone()).await.unwrap();
    let app = local::open(&config).await.unwrap();
    assert_eq!(app.stores.keys.organizations().await.unwrap()[0].name, keys::DEFAULT_ORGANIZATION);
    local::close(&app).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn through_a_server_a_finished_import_is_known_too() {
    evalset_testkit::with_app(async |server| {
        let folder = tempfile::tempdir().unwrap();
        let dataset = server.dataset("d").await;
        let path = file(&folder, "logs.jsonl", numbered(5));
        let config = config::load(&Sources::default()).unwrap();
        let words = [path.to_str().unwrap(), "--url", &server.url, "--api-key", &server.key, "--into", "d"];
        let count = async || {
            let listed = server.get(&format!("/api/datasets/{dataset}/logs/list/")).await.expect_status(200);
            listed["count"].as_u64().unwrap()
        };
        run(arguments(&words), config.clone()).await.unwrap();
        run(arguments(&[&words[..], &["--resume"]].concat()), config.clone()).await.unwrap();
        assert_eq!(count().await, 5, "resumed: nothing to do");
        run(arguments(&words), config.clone()).await.unwrap();
        assert_eq!(count().await, 10, "a server gives new ids, as the help says");

        let row = json!({"input": "edited", "dataset_id": dataset}).to_string();
        let path = file(&folder, "row.jsonl", row);
        let words = [path.to_str().unwrap(), "--url", &server.url, "--api-key", &server.key];
        let error = run(arguments(&words), config.clone()).await.unwrap_err();
        assert_eq!(error.to_string(), "1 bad lines were left out");
    })
    .await;
}

#[derive(clap::Parser)]
struct ExportCli {
    #[command(flatten)]
    arguments: export::Arguments,
}

impl World {
    async fn export(&self, words: &[&str]) -> String {
        let output = self.folder.path().join("out");
        let words = [&["export"], words, &["--output", output.to_str().unwrap()]].concat();
        let arguments = ExportCli::try_parse_from(words).unwrap_or_else(|error| panic!("{error}")).arguments;
        export::run(arguments, self.config.clone()).await.unwrap();
        std::fs::read_to_string(output).unwrap()
    }
}

/// The rows of a JSONL export without what says where they are.
fn rows(text: &str) -> Vec<Value> {
    let mut rows: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for row in &mut rows {
        row["dataset_id"] = Value::Null;
    }
    rows
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_comes_back_as_the_same_rows() {
    let world = World::new().await;
    let lines = [
        json!({"input": [{"role": "user", "content": "hi \"you\",\nthere"}], "output": {"role": "assistant", "content": "=1+1"},
            "model": "gpt", "cost": 0.25, "latency": 1.5, "prompt_tokens": 7, "completion_tokens": 2, "environment": "test",
            "timestamp": "2026-01-06T02:40:29.250313Z", "metadata": {"tier": "gold", "n": 3, "deep": {"a": [1]}, "_own": 1},
            "expected_output": "four", "note": "-dash", "annotation_status": "completed", "log_method": "python_tracing"}),
        json!({"input": "plain text", "output": "\u{e9}\u{1f600}", "status_code": 500, "error_message": "upstream", "tools": [{"name": "f"}],
            "custom_identifier": "c-1", "metadata": {}, "variables": {"v": null}, "unique_id": "given-id"}),
        json!({"input": 5, "log_type": "tool", "metrics": {"own": 1.5}, "temperature": 0.0, "stream": false}),
    ];
    let text: String = lines.iter().map(|line| line.to_string() + "\n").collect();
    let path = file(&world.folder, "logs.jsonl", text);
    world.import(&[path.to_str().unwrap(), "--into", "d"]).await.unwrap();
    let jsonl = world.export(&["d", "--format", "jsonl", "--sort_by", "unique_id"]).await;
    let csv = world.export(&["d", "--format", "csv", "--sort_by", "unique_id"]).await;
    assert_eq!(rows(&jsonl).len(), 3);

    for (name, content) in [("e.jsonl", &jsonl), ("e.csv", &csv)] {
        let app = local::open(&world.config).await.unwrap();
        let new = datasets::NewDataset { name: Some(name.into()), ..datasets::NewDataset::default() };
        datasets::create(&app, &Actor::local(world.organization), new).await.unwrap();
        local::close(&app).await;
        let path = file(&world.folder, name, content);
        world.import(&[path.to_str().unwrap(), "--into", name]).await.unwrap();
        let back = world.export(&[name, "--format", "jsonl", "--sort_by", "unique_id"]).await;
        for (row, back) in rows(&jsonl).iter().zip(rows(&back)) {
            for (member, value) in row.as_object().unwrap() {
                assert_eq!(back[member], *value, "{name}: {member} of {}", row["unique_id"]);
            }
        }
        assert_eq!(back.lines().count(), 3, "{name}");
    }

    let some = world.export(&["d", "--filters", r#"{"status_code": {"operator": "eq", "value": 500}}"#]).await;
    assert_eq!(rows(&some)[0]["unique_id"], "given-id");
    let few = world.export(&["request-logs", "--include_fields", "model", "--format", "csv"]).await;
    assert_eq!(few, "id,unique_id,model\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_exported_leaves_no_trace() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("typo");
    let flags = vec![("data".to_owned(), data.display().to_string())];
    let config = config::load(&Sources { flags, ..Sources::default() }).unwrap();
    for (output, told) in [("all.jsonl", "no data in "), ("all.parquet", "cannot tell the format")] {
        let output = folder.path().join(output);
        let words = ["export", "d", "-o", output.to_str().unwrap()];
        let arguments = ExportCli::try_parse_from(words).unwrap_or_else(|error| panic!("{error}")).arguments;
        let error = export::run(arguments, config.clone()).await.unwrap_err();
        assert!(error.to_string().starts_with(told), "{error}");
        assert!(!data.exists() && !output.exists());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_lines_fail_the_command_but_not_the_good_ones() {
    let world = World::new().await;
    let text = "{\"input\":\"a\",\"latency\":\"slow\"}\nnonsense\n{\"input\":\"b\",\"unique_id\":\"mine\"}\n{\"output\":\"no input\"}\n";
    let path = file(&world.folder, "logs.jsonl", text);
    let errors = world.folder.path().join("errors.jsonl");
    let words = [path.to_str().unwrap(), "--into", "d", "--errors", errors.to_str().unwrap()];
    let error = world.import(&words).await.unwrap_err();
    assert_eq!(error.to_string(), "3 bad lines were left out");
    let ids: Vec<String> = world.logs(world.dataset).await.into_iter().map(|log| log.id.0).collect();
    assert_eq!(ids, ["mine"]);
    let told = std::fs::read_to_string(&errors).unwrap();
    let told: Vec<Value> = told.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(told.iter().map(|bad| bad["line"].as_u64().unwrap()).collect::<Vec<_>>(), [1, 2, 4]);
    assert!(told[0]["error"].as_str().unwrap().contains("latency"), "{told:?}");

    let error = world.import(&[path.to_str().unwrap(), "--into", "e"]).await.unwrap_err();
    assert!(error.to_string().contains("no dataset called `e`"), "{error}");
}
