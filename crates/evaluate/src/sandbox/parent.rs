//! One child process as its parent sees it: started, told a source, given rows, and given up when it dies or is late.
//!
//! Knows processes and frames, not which rows are to be blamed: `pool` does.

use super::frame::{FAILED, LOAD, READY, REFUSED, START, VALUE, pack, pack_rows, read_async};
use super::pool::PoolOptions;
use super::source::Source;
use super::{MESSAGE_BYTES_MAX, Refusal, SandboxError, Settings, too_slow};
use serde_json::Value;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

/// Time that a child gets to start.
const START_SECONDS: u64 = 10;
/// Time past the limit of a row before the parent kills: the child's own clock is to come first.
const GRACE: Duration = Duration::from_millis(500);
/// Time to learn how a child ended.
const REAP_SECONDS: u64 = 5;
/// Bytes that an answer may have beyond the value or message in it.
const ANSWER_BYTES_OVER: usize = 16 * 1024;

/// Why a child can be used no more.
pub(super) enum End {
    /// It ended, or spoke out of turn: how, for the row it was at.
    Died(String),
    /// It did not answer in time, and was killed.
    Late(String),
}

/// A child at work.
pub(super) struct Worker {
    child: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
    options: PoolOptions,
    /// The source it holds.
    pub(super) loaded: Option<[u8; 32]>,
    /// Nothing was asked of it yet.
    pub(super) fresh: bool,
}

impl Worker {
    /// Starts a child that has nothing: no environment, no files but the pipes, its limits set.
    pub(super) async fn start(options: &PoolOptions) -> Result<Self, String> {
        let failed =
            |cause: &dyn std::fmt::Display| format!("the child process of evaluators cannot be started: {cause}");
        let mut child = Command::new(&options.program)
            .args(&options.arguments)
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| failed(&error))?;
        let (Some(orders), Some(answers)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(failed(&"it has no pipes"));
        };
        let answers = BufReader::new(answers);
        let mut worker = Self { child, orders, answers, options: options.clone(), loaded: None, fresh: true };
        let settings = Settings {
            memory_bytes: options.memory_bytes,
            output_bytes: options.output_bytes,
            row_seconds: options.row_seconds,
        };
        let settings = serde_json::to_vec(&settings).map_err(|error| failed(&error))?;
        match worker.ask(&pack(START, &settings), Duration::from_secs(START_SECONDS)).await {
            Ok((READY, _)) => Ok(worker),
            Ok(_) => Err(failed(&"it speaks another protocol")),
            Err(End::Died(how) | End::Late(how)) => Err(failed(&how)),
        }
    }

    /// Makes the child hold a source; the inner error is the source's fault.
    pub(super) async fn load(&mut self, source: &Source) -> Result<Result<(), SandboxError>, End> {
        if self.loaded == Some(source.hash()) {
            return Ok(Ok(()));
        }
        self.loaded = None;
        let order = [&[source.language().tag()], source.text().as_bytes()].concat();
        match self.ask(&pack(LOAD, &order), self.row_time()).await? {
            (READY, _) => {
                self.loaded = Some(source.hash());
                Ok(Ok(()))
            }
            (REFUSED, body) => {
                let Refusal { message, line } =
                    serde_json::from_slice(&body).map_err(|error| End::Died(error.to_string()))?;
                Ok(Err(SandboxError::Source { message, line }))
            }
            (tag, _) => Err(unexpected(tag)),
        }
    }

    /// Sends rows, whose answers are to be read one by one.
    pub(super) async fn send(&mut self, rows: &[String]) -> Result<(), End> {
        self.write(&pack_rows(rows), self.row_time()).await
    }

    /// The answer to the next row.
    pub(super) async fn answer(&mut self) -> Result<Result<Value, String>, End> {
        match self.read(self.row_time()).await? {
            (VALUE, body) => {
                let value = serde_json::from_slice(&body).map_err(|error| End::Died(error.to_string()))?;
                Ok(Ok(value))
            }
            (FAILED, body) => Ok(Err(crate::convert::cut(&String::from_utf8_lossy(&body), MESSAGE_BYTES_MAX))),
            (tag, _) => Err(unexpected(tag)),
        }
    }

    fn row_time(&self) -> Duration {
        Duration::from_secs_f64(self.options.row_seconds) + GRACE
    }

    async fn ask(&mut self, frame: &[u8], time: Duration) -> Result<(u8, Vec<u8>), End> {
        self.write(frame, time).await?;
        self.read(time).await
    }

    async fn write(&mut self, frame: &[u8], time: Duration) -> Result<(), End> {
        match timeout(time, self.orders.write_all(frame)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(End::Died(self.reap().await)),
            Err(_) => Err(self.late().await),
        }
    }

    async fn read(&mut self, time: Duration) -> Result<(u8, Vec<u8>), End> {
        let most = self.options.output_bytes + ANSWER_BYTES_OVER;
        match timeout(time, read_async(&mut self.answers, most)).await {
            Ok(Ok(frame)) => Ok(frame),
            Ok(Err(_)) => Err(End::Died(self.reap().await)),
            Err(_) => Err(self.late().await),
        }
    }

    async fn late(&mut self) -> End {
        self.reap().await;
        End::Late(too_slow(self.options.row_seconds))
    }

    /// Ends the child and says how it ended by itself, if it did.
    async fn reap(&mut self) -> String {
        // It closed its pipe, so it is about to end or has gone astray: its status is worth a moment.
        let own = timeout(Duration::from_millis(200), self.child.wait()).await;
        if let Ok(Ok(status)) = own {
            return describe(status, self.options.memory_bytes);
        }
        let killed = timeout(Duration::from_secs(REAP_SECONDS), self.child.kill()).await;
        if !matches!(killed, Ok(Ok(()))) {
            tracing::warn!("a child process of evaluators could not be ended");
        }
        "the evaluator's process stopped answering".to_owned()
    }
}

fn unexpected(tag: u8) -> End {
    End::Died(format!("the evaluator's process answered out of turn ({tag})"))
}

/// How a process ended, for people.
fn describe(status: std::process::ExitStatus, memory_bytes: u64) -> String {
    use std::os::unix::process::ExitStatusExt;
    /// Signals as the systems we run on number them.
    const ABORT: i32 = 6;
    const KILL: i32 = 9;
    const SEGMENT: i32 = 11;
    const PROCESSOR_TIME: i32 = 24;
    let mebibytes = memory_bytes / (1024 * 1024);
    match status.signal() {
        Some(ABORT | SEGMENT) => {
            format!("the evaluator ran out of memory (limit {mebibytes} MiB) or of stack, and was stopped")
        }
        Some(PROCESSOR_TIME) => "the evaluator used up its processor time, and was stopped".to_owned(),
        Some(KILL) => "the evaluator's process was killed".to_owned(),
        _ => format!("the evaluator's process ended ({status})"),
    }
}
