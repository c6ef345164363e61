//! A pool of child processes. A row that kills its child, or takes too long, fails alone: the rows
//! after it go to another child.
//!
//! Knows which row is to be blamed; does not know how a child is talked to (`parent`).

use super::SandboxError;
use super::frame::{BATCH_BYTES, BATCH_ROWS, ROW_BYTES_MAX};
use super::parent::{End, Worker};
use super::source::Source;
use crate::inputs::dictionary;
use evalset_model::evaluator::EvalInputs;
use parking_lot::Mutex;
use serde_json::Value;
use std::path::PathBuf;
use tokio::sync::{Semaphore, SemaphorePermit};

/// How children are started and what they are held to.
#[derive(Clone, Debug)]
pub struct PoolOptions {
    /// The program to start; it must call [`super::worker_main`] when given `arguments`. An absolute path.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// Children at work at once.
    pub workers: usize,
    /// Time for one row, and for loading a source, seconds.
    pub row_seconds: f64,
    /// Memory of a child, beyond what the program itself takes.
    pub memory_bytes: u64,
    /// Returned value of one row, as JSON text.
    pub output_bytes: usize,
    /// Source of an evaluator.
    pub source_bytes: usize,
}

impl PoolOptions {
    /// The defaults, for a program and its arguments.
    pub fn new(program: PathBuf, arguments: Vec<String>) -> Self {
        Self {
            program,
            arguments,
            workers: 2,
            row_seconds: 5.0,
            memory_bytes: 256 * 1024 * 1024,
            output_bytes: 1024 * 1024,
            source_bytes: 256 * 1024,
        }
    }
}

/// Child processes, started when first needed and kept for the next call.
pub struct Pool {
    options: PoolOptions,
    idle: Mutex<Vec<Worker>>,
    permits: Semaphore,
}

impl Pool {
    /// A pool without a child yet.
    pub fn new(options: PoolOptions) -> Self {
        let permits = Semaphore::new(options.workers.max(1));
        Self { options, idle: Mutex::new(Vec::new()), permits }
    }

    /// Children at work at once.
    pub fn workers(&self) -> usize {
        self.options.workers.max(1)
    }

    /// Whether a source can be used: it compiles; a Python module runs and has its function; a template renders
    /// nothing.
    pub async fn check(&self, source: &Source) -> Result<(), SandboxError> {
        self.bounded(source)?;
        let _permit = self.permit().await?;
        // A child that was idle may have died since; a new one has no such excuse.
        loop {
            let mut worker = self.worker(source).await.map_err(SandboxError::Unavailable)?;
            let fresh = worker.fresh;
            worker.fresh = false;
            match worker.load(source).await {
                Ok(result) => {
                    self.idle.lock().push(worker);
                    return result;
                }
                Err(End::Died(_)) if !fresh => {}
                Err(End::Died(message) | End::Late(message)) => {
                    return Err(SandboxError::Source { message, line: None });
                }
            }
        }
    }

    /// Runs a source on rows, in order, in one child at a time: what came out, or why there is nothing. To use
    /// more children at once, call this at once for parts of the rows.
    pub async fn run(&self, source: &Source, rows: &[&EvalInputs]) -> Vec<Result<Value, String>> {
        let mut results = Vec::with_capacity(rows.len());
        if let Err(error) = self.run_into(source, rows, &mut results).await {
            // What could not be tried fails with what stopped it.
            let message = error.to_string();
            results.resize_with(rows.len(), || Err(message.clone()));
        }
        results
    }

    async fn run_into(
        &self,
        source: &Source,
        rows: &[&EvalInputs],
        results: &mut Vec<Result<Value, String>>,
    ) -> Result<(), SandboxError> {
        self.bounded(source)?;
        let _permit = self.permit().await?;
        while results.len() < rows.len() {
            let mut worker = self.worker(source).await.map_err(SandboxError::Unavailable)?;
            let (fresh, before) = (worker.fresh, results.len());
            worker.fresh = false;
            match serve(&mut worker, source, rows, results).await {
                Ok(loaded) => {
                    self.idle.lock().push(worker);
                    loaded?;
                }
                // A child that was idle may have died since, which is no row's fault.
                Err(End::Died(_)) if !fresh && results.len() == before => {}
                Err(End::Died(message) | End::Late(message)) => results.push(Err(message)),
            }
        }
        Ok(())
    }

    fn bounded(&self, source: &Source) -> Result<(), SandboxError> {
        if source.text().len() <= self.options.source_bytes {
            return Ok(());
        }
        let (bytes, most) = (source.text().len(), self.options.source_bytes);
        Err(SandboxError::Source {
            message: format!("the source has {bytes} bytes, at most {most} are taken"),
            line: None,
        })
    }

    async fn permit(&self) -> Result<SemaphorePermit<'_>, SandboxError> {
        self.permits.acquire().await.map_err(|error| SandboxError::Unavailable(error.to_string()))
    }

    /// An idle child, best one that holds the source already, else a new one.
    async fn worker(&self, source: &Source) -> Result<Worker, String> {
        let found = {
            let mut idle = self.idle.lock();
            let holder = idle.iter().position(|worker| worker.loaded == Some(source.hash()));
            holder.map(|position| idle.swap_remove(position)).or_else(|| idle.pop())
        };
        match found {
            Some(worker) => Ok(worker),
            None => Worker::start(&self.options).await,
        }
    }
}

/// Has the child do the rows that have no result yet. The inner error is the source's fault: no row can be done.
async fn serve(
    worker: &mut Worker,
    source: &Source,
    rows: &[&EvalInputs],
    results: &mut Vec<Result<Value, String>>,
) -> Result<Result<(), SandboxError>, End> {
    if let Err(error) = worker.load(source).await? {
        return Ok(Err(error));
    }
    while results.len() < rows.len() {
        let batch = batch(&rows[results.len()..]);
        if batch.is_empty() {
            results.push(Err(format!(
                "the row has more than {ROW_BYTES_MAX} bytes as JSON, which is too large to be evaluated"
            )));
            continue;
        }
        worker.send(&batch).await?;
        for _ in &batch {
            results.push(worker.answer().await?);
        }
    }
    Ok(Ok(()))
}

/// The next rows that go into one frame; none when the first is too large for any.
fn batch(rows: &[&EvalInputs]) -> Vec<String> {
    let mut texts = Vec::new();
    let mut bytes = 0;
    for row in rows.iter().take(BATCH_ROWS) {
        // JSON values with text keys always serialise.
        let text = serde_json::to_string(&dictionary(row)).unwrap_or_default();
        bytes += text.len();
        if text.len() > ROW_BYTES_MAX || (bytes > BATCH_BYTES && !texts.is_empty()) {
            break;
        }
        texts.push(text);
    }
    texts
}
