//! What an import tells: progress on a terminal, bad lines, a summary at the end. Knows no store.

use super::reader::Source;
use super::resume::State;
use super::target::Outcome;
use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;
use std::fs::File;
use std::io::{BufWriter, IsTerminal as _, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Bad lines shown; all are counted.
const SHOWN: u64 = 20;
/// How often the progress bar moves without news.
const TICK: Duration = Duration::from_millis(200);

/// The report of one import.
pub struct Report {
    bar: ProgressBar,
    reading: Arc<AtomicU64>,
    errors: Option<BufWriter<File>>,
    started: Instant,
    counts: State,
    /// Rows written by an earlier run.
    before: u64,
}

impl Report {
    /// A report that writes all bad lines to `errors`, if given.
    pub fn new(source: &Source, errors: Option<&Path>) -> anyhow::Result<Self> {
        let bar = match source.size() {
            Some(bytes) => ProgressBar::new(bytes).with_style(
                ProgressStyle::with_template("{bar:30} {percent:>3}%  {msg}  {bytes_per_sec}  {eta} left")
                    .context("progress bar")?,
            ),
            None => ProgressBar::new_spinner(),
        };
        if std::io::stderr().is_terminal() {
            bar.enable_steady_tick(TICK);
        } else {
            bar.set_draw_target(ProgressDrawTarget::hidden());
        }
        let open = |path: &Path| File::create(path).with_context(|| format!("cannot write {}", path.display()));
        Ok(Self {
            bar,
            reading: Arc::default(),
            errors: errors.map(open).transpose()?.map(BufWriter::new),
            started: Instant::now(),
            counts: State::default(),
            before: 0,
        })
    }

    /// Counts the bytes of the file that are read.
    pub fn reading(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.reading)
    }

    /// Tells that an earlier run came this far.
    pub fn go_on(&mut self, state: &State) {
        if state.lines > 0 {
            self.say(&format!("going on after line {}", state.lines));
        }
        self.counts = state.clone();
        self.before = state.added;
    }

    /// Counts what became of a batch and tells its bad lines.
    pub fn add(&mut self, outcome: &Outcome) -> anyhow::Result<()> {
        self.counts.added += outcome.added;
        self.counts.skipped += outcome.skipped;
        for (line, error) in &outcome.bad {
            self.counts.bad += 1;
            match self.counts.bad {
                shown if shown <= SHOWN => self.say(&format!("line {line}: {error}")),
                next if next == SHOWN + 1 && self.errors.is_none() => {
                    self.say("more bad lines follow; --errors FILE keeps them all");
                }
                _ => {}
            }
            if let Some(file) = &mut self.errors {
                writeln!(file, "{}", json!({ "line": line, "error": error })).context("writing the bad lines")?;
            }
        }
        self.bar.set_position(self.reading.load(Ordering::Relaxed));
        self.bar.set_message(format!("{} rows", self.counts.added));
        Ok(())
    }

    /// Lines left out.
    pub fn bad(&self) -> u64 {
        self.counts.bad
    }

    /// How far an import that cannot go on came.
    pub fn stopped(&self, can_resume: bool) -> String {
        self.bar.finish_and_clear();
        let rows = self.counts.added;
        let how = if can_resume { "; run it again with --resume to go on" } else { "" };
        format!("the import stopped after {rows} rows, which stay{how}")
    }

    /// The summary.
    pub fn finish(&mut self) -> anyhow::Result<()> {
        if let Some(file) = &mut self.errors {
            file.flush().context("writing the bad lines")?;
        }
        self.bar.finish_and_clear();
        let State { added, skipped, bad, .. } = self.counts;
        let seconds = self.started.elapsed().as_secs_f64();
        let rate = (added - self.before.min(added)) as f64 / seconds.max(0.001);
        let there = if skipped > 0 { format!(", {skipped} were there already") } else { String::new() };
        self.say(&format!("{added} rows added{there}, {bad} bad lines; {seconds:.1} s, {rate:.0} rows/s"));
        Ok(())
    }

    /// A line on standard error, above the progress bar.
    fn say(&self, text: &str) {
        // Nobody to tell is no reason to stop.
        self.bar.suspend(|| writeln!(std::io::stderr(), "{text}").ok());
    }
}
