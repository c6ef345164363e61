//! What is run, in which order: fill, check, measure, restart, measure beside a writer, check again.
//!
//! A wrong answer ends the run with an error: figures of a server that answers wrongly are worth nothing.

mod export;
mod fill;
mod import;
mod latency;
mod restart;
mod score;
mod summaries;

use crate::api::{Api, Call};
use crate::generate::Generator;
use crate::query::{self, Query};
use crate::report::{self, Report};
use crate::search::Searches;
use crate::server::{Server, copy_folder, folder_bytes};
use crate::{Options, say, score as scores};
use anyhow::{Context, Result, ensure};
use latency::ROWS_OF_MEDIANS;
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;

const MEGABYTE: f64 = 1_000_000.0;
/// What many rows may take of memory: 1 GiB.
const BUDGET_MB: f64 = 1_073.7;
/// Lists that look into texts.
const SEARCHES: [&str; 3] = ["search.word", "search.substring", "search.phrase"];
/// Fewer rows have no text index (`limits.text_index_rows`).
const TEXT_ROWS_MIN: u64 = 1_000;
/// Longest wait for the text index.
const TEXT_MAX: Duration = Duration::from_hours(1);
/// How often it is asked how far that is.
const TEXT_LOOK: Duration = Duration::from_millis(200);

/// What a kept folder holds, so that a later run can check answers against it.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Manifest {
    dataset: String,
    rows: u64,
    seed: u64,
    /// The first so many rows have a score.
    #[serde(default)]
    scored: u64,
}

/// The folder of a run: `data` of the server, its log, the manifest.
struct Folder {
    path: PathBuf,
    /// Deletes the folder when the run is over.
    _temporary: Option<TempDir>,
}

impl Folder {
    fn new(options: &Options) -> Result<Self> {
        if let Some(path) = &options.data {
            if options.copy {
                let temporary = TempDir::with_prefix("evalset-bench-")?;
                say(&format!("copying {}", path.display()));
                copy_folder(path, temporary.path()).with_context(|| format!("copying {}", path.display()))?;
                return Ok(Self { path: temporary.path().to_owned(), _temporary: Some(temporary) });
            }
            return Ok(Self { path: path.clone(), _temporary: None });
        }
        if let Some(path) = &options.keep {
            fs::create_dir(path).with_context(|| format!("creating {} for --keep", path.display()))?;
            return Ok(Self { path: path.clone(), _temporary: None });
        }
        let temporary = TempDir::with_prefix("evalset-bench-")?;
        Ok(Self { path: temporary.path().to_owned(), _temporary: Some(temporary) })
    }

    fn data(&self) -> PathBuf {
        self.path.join("data")
    }

    fn log(&self) -> PathBuf {
        self.path.join("server.log")
    }

    fn manifest(&self) -> PathBuf {
        self.path.join("bench.json")
    }
}

/// A run under way.
struct Bench {
    options: Options,
    folder: Folder,
    server: Server,
    api: Api,
    generator: Arc<Generator>,
    dataset: String,
    rows: u64,
    /// The first so many rows have a score.
    scored: u64,
    /// What text searches should find, when they are asked for.
    searches: Option<Searches>,
    report: Report,
}

/// Runs all scenarios that are asked for.
pub async fn run(options: &Options) -> Result<Report> {
    let mut report = Report { about: report::about(&options.binary), ..Report::default() };
    report.figure("binary", fs::metadata(&options.binary)?.len() as f64 / MEGABYTE, "MB", String::new());
    let mut bench = Bench::open(options, report).await?;
    let outcome = bench.run().await;
    if outcome.is_err() {
        say(&format!("the server's last words:\n{}", bench.server.last_words()));
    }
    outcome.map(|()| bench.report)
}

impl Bench {
    /// Starts the server over a new folder, or over a kept one.
    async fn open(options: &Options, report: Report) -> Result<Self> {
        let folder = Folder::new(options)?;
        say(&format!("starting {}", options.binary.display()));
        let server = Server::start(&options.binary, &folder.data(), &folder.log()).await?;
        Ok(Self {
            options: options.clone(),
            api: Api::new(&server.url)?,
            server,
            generator: Arc::new(Generator::new(options.seed)),
            dataset: String::new(),
            rows: 0,
            scored: 0,
            searches: None,
            folder,
            report,
        })
    }

    async fn run(&mut self) -> Result<()> {
        if self.options.data.is_some() {
            self.reuse()?;
        } else {
            self.idle().await?;
            self.fill().await?;
            self.save()?;
            self.sizes("loaded")?;
            self.first_list().await?;
        }
        let (rows, seed) = (self.rows.to_string(), self.options.seed.to_string());
        self.report.about.extend([("rows", rows), ("seed", seed)]);
        if self.options.wants("create.64") {
            self.single_creates().await?;
        }
        if ["score", "page.score", "page.sort_score"].iter().any(|name| self.options.wants(name)) {
            self.score_rows().await?;
        }
        self.check("after filling").await?;
        self.latencies().await?;
        self.sizes("after the reads")?;
        self.exports().await?;
        if self.options.wants("restart") {
            self.restarts().await?;
        }
        if self.options.wants("rebuild") {
            self.restart_without_index().await?;
        }
        if self.options.wants("writer") {
            self.beside_a_writer().await?;
            self.check("after the writer").await?;
        }
        if self.options.wants("summaries") {
            self.beside_summaries().await?;
            self.check("after the summaries").await?;
        }
        if self.options.wants("import") {
            self.import().await?;
        }
        let stop = self.server.stop().await?;
        self.report.figure("stop", stop.as_secs_f64() * 1e3, "ms", "SIGTERM to exit".into());
        Ok(())
    }

    fn reuse(&mut self) -> Result<()> {
        let file = self.folder.manifest();
        let text = fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))?;
        let manifest: Manifest = serde_json::from_str(&text)?;
        self.options.seed = manifest.seed;
        self.generator = Arc::new(Generator::new(manifest.seed));
        (self.dataset, self.rows, self.scored) = (manifest.dataset, manifest.rows, manifest.scored);
        Ok(())
    }

    /// Writes the manifest: the folder holds exactly `rows` rows of the generator.
    fn save(&self) -> Result<()> {
        let (dataset, seed) = (self.dataset.clone(), self.options.seed);
        let manifest = Manifest { dataset, rows: self.rows, seed, scored: self.scored };
        Ok(fs::write(self.folder.manifest(), serde_json::to_vec(&manifest)?)?)
    }

    /// Start time and memory of an empty server that has settled.
    async fn idle(&mut self) -> Result<()> {
        let start = self.server.start_time.as_secs_f64() * 1e3;
        self.report.wanted("start, empty", start, "ms", Err(1_000.0), "process start to /healthz".into());
        self.api.json(&Call::post("/api/datasets/list/".into(), "{}")).await?;
        if !self.options.quick {
            tokio::time::sleep(Duration::from_secs(2)).await;
        }
        if let Some(memory) = self.server.memory() {
            let resident = memory.resident as f64 / MEGABYTE;
            self.report.wanted("memory, idle and empty", resident, "MB", Err(60.0), "VmRSS".into());
        }
        Ok(())
    }

    /// What the server makes at the first list after filling, and what it makes beside for text searches.
    async fn first_list(&mut self) -> Result<()> {
        let list = Call::post(self.list_path("page_size=25"), "{}");
        let seconds = self.api.first(&list).await?.as_secs_f64();
        self.report.figure("first list after filling", seconds, "s", "makes the index of columns".into());
        if self.rows >= TEXT_ROWS_MIN && SEARCHES.iter().any(|name| self.options.wants(name)) {
            let start = Instant::now();
            while self.api.metric("evalset_store_text_index_rows").await? < self.rows as f64 {
                ensure!(start.elapsed() < TEXT_MAX, "the text index does not have all rows after {TEXT_MAX:?}");
                tokio::time::sleep(TEXT_LOOK).await;
            }
            let seconds = start.elapsed().as_secs_f64();
            self.report.figure("text index, behind", seconds, "s", "from the first list until it has all rows".into());
        }
        Ok(())
    }

    /// Memory and disk now.
    fn sizes(&mut self, when: &str) -> Result<()> {
        if let Some(memory) = self.server.memory() {
            let (resident, peak) = (memory.resident as f64 / MEGABYTE, memory.peak as f64 / MEGABYTE);
            let note = format!("VmRSS; peak so far {peak:.0} MB");
            let most = if self.rows > ROWS_OF_MEDIANS { BUDGET_MB } else { 600.0 };
            self.report.wanted(&format!("memory, {when}"), resident, "MB", Err(most), note);
        }
        let bytes = folder_bytes(&self.folder.data())?;
        let note = format!("{} bytes a row", bytes / self.rows.max(1));
        self.report.figure(&format!("disk, {when}"), bytes as f64 / MEGABYTE, "MB", note);
        Ok(())
    }

    fn list_path(&self, parameters: &str) -> String {
        format!("/api/datasets/{}/logs/list/?{parameters}", self.dataset)
    }

    fn bulk_path(&self) -> String {
        format!("/api/datasets/{}/logs/bulk/", self.dataset)
    }

    fn summary_path(&self) -> String {
        format!("/api/datasets/{}/logs/summary/", self.dataset)
    }

    /// All lists: those over columns, and those over scores and texts as far as they are asked for.
    fn queries(&self) -> Vec<Query> {
        let mut queries = query::queries(self.rows);
        if self.scored > 0 {
            queries.extend(scores::queries(self.scored));
        }
        queries.extend(self.searches.iter().flat_map(Searches::queries));
        queries
    }

    /// The calls of a query's variants.
    fn calls(&self, query: &Query) -> Vec<Call> {
        query.asks.iter().map(|ask| Call::post(self.list_path(&ask.parameters()), ask.body())).collect()
    }

    /// Compares every list and summary with what the generator says. A difference is an error.
    async fn check(&mut self, when: &str) -> Result<()> {
        say(&format!("checking answers {when}"));
        if SEARCHES.iter().any(|name| self.options.wants(name)) {
            self.searches = Some(Searches::new(&self.generator, self.rows)?);
        }
        let (mut pages, mut rows) = (0, 0);
        let queries = self.queries();
        for query in &queries {
            let answers = query.answers(&self.generator, self.rows);
            for (variant, (ask, answer)) in query.asks.iter().zip(&answers).enumerate() {
                let call = Call::post(self.list_path(&ask.parameters()), ask.body());
                let page = self.api.json(&call).await?;
                query::check(ask, answer, &page, &self.generator)
                    .with_context(|| format!("wrong answer {when}: {} variant {variant}", query.name))?;
                pages += 1;
                rows += answer.keys.len();
            }
        }
        let summaries = self.check_summaries(&queries).await.with_context(|| format!("wrong summary {when}"))?;
        let kind = "exact total, order, filter and values against the generator";
        self.report.notes.push(format!("checked {when}: {pages} pages, {rows} rows, {summaries} summaries: {kind}"));
        Ok(())
    }

    async fn check_summaries(&self, queries: &[Query]) -> Result<usize> {
        let mut checked = 0;
        for query in queries.iter().filter(|query| latency::SUMMED.contains(&query.name)) {
            for ask in &query.asks {
                let (mut count, mut prompt, mut completion, mut cost) = (0, 0, 0, 0.0);
                for facts in (0..self.rows).map(|index| self.generator.facts(index)).filter(|row| ask.matches(row)) {
                    count += 1;
                    prompt += facts.prompt_tokens;
                    completion += facts.completion_tokens;
                    cost += facts.cost;
                }
                let summary = self.api.json(&Call::post(self.summary_path(), ask.body())).await?;
                let pairs = [
                    ("number_of_requests", count),
                    ("total_prompt_tokens", prompt),
                    ("total_completion_tokens", completion),
                    ("total_tokens", prompt + completion),
                ];
                for (name, made) in pairs {
                    ensure!(summary[name].as_u64() == Some(made), "{name} is {}, made were {made}", summary[name]);
                }
                let got = summary["total_cost"].as_f64().context("no total_cost")?;
                ensure!((got - cost).abs() <= 1e-6 * cost.max(1.0), "total_cost is {got}, made was {cost}");
                checked += 1;
            }
        }
        Ok(checked)
    }

    /// Asks one variant and checks the reply.
    async fn checked_page(&self, query: &Query, answers: &[query::Answer], variant: usize) -> Result<()> {
        let ask = &query.asks[variant];
        let page = self.api.json(&Call::post(self.list_path(&ask.parameters()), ask.body())).await?;
        query::check(ask, &answers[variant], &page, &self.generator)
    }
}
