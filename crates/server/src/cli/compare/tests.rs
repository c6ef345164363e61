//! Through a server and straight from the data folder, and the table.

use super::*;
use crate::cli::local;
use crate::config::{self, Sources};
use clap::Parser as _;
use evalset_model::key::Environment;
use evalset_model::log::ingest::Body;
use evalset_product::actor::Actor;
use evalset_product::ops::scores::{self, NewScore, Target};
use evalset_product::ops::{dataset_logs, datasets, keys};
use evalset_testkit::with_app;

#[derive(clap::Parser)]
struct Cli {
    #[command(flatten)]
    arguments: Arguments,
}

fn arguments(words: &[&str]) -> Arguments {
    Cli::try_parse_from(std::iter::once(&"compare").chain(words)).unwrap_or_else(|error| panic!("{error}")).arguments
}

/// Scores of the rows `r1`, `r2`, …
const BEFORE: [f64; 3] = [1.0, 2.0, 3.0];
const AFTER: [f64; 3] = [4.0, 0.5, 3.0];

/// Means 2 and 2.5, differences 3, −1.5 and 0.
fn expected(a: &str, b: &str) -> String {
    format!(
        "A  {a}\nB  {b}\n\n\
         rows mean 95 % interval passed cost\n\
         A 3 2.0000 [1.0000, 3.0000]\n\
         B 3 2.5000 [0.5000, 4.0000]\n\
         B - A 3 +0.5000 [-1.5000, 3.0000]\n\n\
         B better 1, A better 1, equal 1\n\
         rows are the same by custom_identifier\n\n\
         rows that changed most\n\
         custom_identifier       A       B   change\n\
         r1                 1.0000  4.0000  +3.0000\n\
         r2                 2.0000  0.5000  -1.5000\n"
    )
}

/// Without the padding.
fn words(text: &str) -> Vec<Vec<&str>> {
    text.lines().map(|line| line.split_whitespace().collect()).collect()
}

#[test]
fn sides_are_named_by_run_or_by_dataset_and_evaluator() {
    let scores =
        |dataset: &str, evaluator: &str| Named::Scores { dataset: dataset.into(), evaluator: evaluator.into() };
    let id = "0198c0de-0000-7000-8000-0000000000aa";
    assert_eq!("run:x".parse(), Ok(Named::Run("x".into())));
    assert_eq!("May/similarity:2".parse(), Ok(scores("May", "similarity:2")));
    assert_eq!("May / June/similarity".parse(), Ok(scores("May / June", "similarity")));
    assert_eq!(format!("{id}/a/b").parse(), Ok(scores(id, "a/b")));
    for bad in ["", "May", "/x", "May/"] {
        assert!(bad.parse::<Named>().is_err(), "{bad}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn through_a_server() {
    with_app(async |server| {
        let dataset = server.dataset("d").await;
        for (number, (before, after)) in BEFORE.into_iter().zip(AFTER).enumerate() {
            let body = json!({"input": "q", "custom_identifier": format!("r{}", number + 1)});
            let row = server.post(&format!("/api/datasets/{dataset}/logs/"), body).await.expect_status(201);
            for (slug, value) in [("before", before), ("after", after)] {
                let body = json!({"log_id": row["unique_id"], "dataset_id": dataset, "evaluator_slug": slug,
                    "numerical_value": value});
                server.post("/api/scores/", body).await.expect_status(201);
            }
        }
        let through = ["--url", &server.url, "--api-key", &server.key];
        let words_of = |a: &str, b: &str| arguments(&[&[a, b, "--match", "custom_identifier"], &through[..]].concat());
        let config = config::load(&Sources::default()).unwrap();
        let told = async |arguments: &Arguments| {
            let remote = arguments.through.server(&config).unwrap().unwrap();
            from_server(arguments, &remote).await
        };
        let by_name = told(&words_of("d/before", "d/after")).await.unwrap();
        assert_eq!(told(&words_of("d/before", &format!("{dataset}/after"))).await.unwrap(), by_name);
        let text = table::of(&serde_json::from_value(by_name).unwrap());
        assert_eq!(words(&text), words(&expected("before on d", "after on d")), "\n{text}");
        let error = told(&words_of("d/before", "run:nothing")).await.unwrap_err().to_string();
        assert!(error.contains("no evaluation run `nothing`"), "{error}");
        assert!(told(&words_of("other/before", "d/after")).await.is_err());
        run(words_of("d/before", "d/after"), config.clone()).await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn from_the_data_folder() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data").display().to_string();
    let config = config::load(&Sources { flags: vec![("data".to_owned(), data)], ..Sources::default() }).unwrap();
    let absent = run(arguments(&["d/before", "d/after"]), config.clone()).await.unwrap_err();
    assert!(absent.to_string().starts_with("no data in "), "{absent}");
    let app = local::open(&config).await.unwrap();
    let store = app.stores.keys.as_ref();
    let organization = keys::organization(store, &app.clock, keys::DEFAULT_ORGANIZATION).await.unwrap();
    let key = keys::create(store, &app.clock, &organization, "k", Environment::Prod).await.unwrap().key;
    let actor = Actor::of_key(&key);
    for (name, values) in [("before", BEFORE), ("after", AFTER)] {
        let new = datasets::NewDataset { name: Some(name.into()), ..datasets::NewDataset::default() };
        let dataset = datasets::create(&app, &actor, new).await.unwrap().id;
        for (number, value) in values.into_iter().enumerate() {
            let body = json!({"input": "q", "custom_identifier": format!("r{}", number + 1)});
            let body = Body::of(body.as_object().unwrap(), &app.limits).unwrap();
            let row = dataset_logs::create(&app, &actor, Place::Dataset(dataset), &body).await.unwrap();
            let new = NewScore {
                log_id: Some(row.id.0),
                dataset_id: Some(dataset.to_string()),
                evaluator_id: None,
                evaluator_slug: Some("s".to_owned()),
                scorer: None,
                environment: None,
                body: json!({"numerical_value": value}).as_object().unwrap().clone(),
                cost: 0.0,
                extra: evalset_model::score::Echoed::default(),
            };
            scores::put(&app, &actor, new, Target::Any).await.unwrap();
        }
    }
    local::close(&app).await;
    let told = from_folder(&arguments(&["before/s", "after/s"]), &config).await.unwrap();
    let text = table::of(&told);
    assert_eq!(words(&text), words(&expected("s on before", "s on after")), "\n{text}");
    let error = from_folder(&arguments(&["before/s", "after/t"]), &config).await.unwrap_err().to_string();
    assert!(error.contains("no evaluator `t`"), "{error}");
}
