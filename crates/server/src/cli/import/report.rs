//! What an import tells: progress on a terminal, bad lines, a summary at the end. Knows no store.

use super::resume::{Counts, State};
use super::target::Outcome;
use anyhow::Context as _;
use evalset_rows::import::Source;
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

/// What can be told of the rows of an import.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Request logs of the data folder: new ones and replaced ones.
    Logs,
    /// Rows of the data folder: new ones and those that were there.
    Rows,
    /// Request logs through a server, which does not tell new ones from replaced ones.
    RemoteLogs,
    /// Rows through a server, which gives each a new id.
    RemoteRows,
}

/// The report of one import.
pub struct Report {
    bar: ProgressBar,
    reading: Arc<AtomicU64>,
    errors: Option<BufWriter<File>>,
    started: Instant,
    kind: Kind,
    /// What became of the lines of this run.
    counts: Counts,
    /// The same of earlier runs.
    before: Counts,
}

impl Report {
    /// A report that writes all bad lines to `errors`, if given: after those that are there when the import goes on.
    pub fn new(source: &Source, kind: Kind, errors: Option<&Path>, goes_on: bool) -> anyhow::Result<Self> {
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
        let mut options = File::options();
        options.create(true).write(true).append(goes_on).truncate(!goes_on);
        let open = |path: &Path| options.open(path).with_context(|| format!("cannot write {}", path.display()));
        Ok(Self {
            bar,
            reading: Arc::default(),
            errors: errors.map(open).transpose()?.map(BufWriter::new),
            started: Instant::now(),
            kind,
            counts: Counts::default(),
            before: Counts::default(),
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
        self.before = state.counts;
    }

    /// Tells that an earlier run did it all.
    pub fn nothing_to_do(&self, state: &State) {
        self.bar.finish_and_clear();
        let Counts { bad, .. } = state.counts;
        let left_out = if bad > 0 { format!(" ({bad} bad lines were left out)") } else { String::new() };
        self.say(&format!("already imported, nothing to do{left_out}; without --resume the file is imported again"));
    }

    /// Counts what became of a batch and tells its bad lines.
    pub fn add(&mut self, outcome: &Outcome) -> anyhow::Result<()> {
        for ((line, error), number) in outcome.bad.iter().zip(self.counts.bad + 1..) {
            match number {
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
        self.counts.add(outcome);
        self.bar.set_position(self.reading.load(Ordering::Relaxed));
        self.bar.set_message(format!("{} rows", written(&self.counts)));
        Ok(())
    }

    #[cfg(test)]
    pub(super) fn now(&self) -> &Counts {
        &self.counts
    }

    #[cfg(test)]
    pub(super) fn earlier(&self) -> &Counts {
        &self.before
    }

    /// Lines left out, by earlier runs too.
    pub fn bad(&self) -> u64 {
        self.before.bad + self.counts.bad
    }

    /// How far an import that cannot go on came.
    pub fn stopped(&self, can_resume: bool) -> String {
        self.bar.finish_and_clear();
        let (now, before) = (written(&self.counts), written(&self.before));
        if now + before == 0 {
            return "the import stopped before any row was written".to_owned();
        }
        let earlier = if before > 0 { format!(" (earlier runs: {before})") } else { String::new() };
        let how = if can_resume { "; run it again with --resume to go on" } else { "" };
        format!("the import stopped after {now} rows{earlier}, which stay{how}")
    }

    /// The summary, and what there is to note.
    pub fn finish(&mut self, notes: &[String]) -> anyhow::Result<()> {
        if let Some(file) = &mut self.errors {
            file.flush().context("writing the bad lines")?;
        }
        self.bar.finish_and_clear();
        for note in notes {
            self.say(note);
        }
        let seconds = self.started.elapsed().as_secs_f64();
        let rate = written(&self.counts) as f64 / seconds.max(0.001);
        let summary = summary(self.kind, &self.counts, &self.before);
        self.say(&format!("{summary}; {seconds:.1} s, {rate:.0} rows/s"));
        if self.kind == Kind::RemoteRows && written(&self.counts) > 0 {
            self.say(
                "the server gave these rows ids of its own: importing the file into the dataset again adds them a second \
                 time, unless it is done with --resume",
            );
        }
        Ok(())
    }

    /// A line on standard error, above the progress bar.
    fn say(&self, text: &str) {
        // Nobody to tell is no reason to stop.
        self.bar.suspend(|| writeln!(std::io::stderr(), "{text}").ok());
    }
}

fn written(counts: &Counts) -> u64 {
    counts.added + counts.replaced
}

fn summary(kind: Kind, now: &Counts, before: &Counts) -> String {
    let Counts { added, replaced, skipped, bad } = *now;
    let rows = match kind {
        Kind::RemoteLogs => format!("{added} rows written, new or in place of logs of the same unique_id"),
        _ => format!("{added} rows added"),
    };
    let replaced =
        if replaced > 0 { format!(", {replaced} logs of the same unique_id replaced") } else { String::new() };
    let skipped = match kind {
        _ if skipped == 0 => String::new(),
        Kind::Logs => format!(", {skipped} asked not to be kept"),
        _ => format!(", {skipped} were there already"),
    };
    let earlier = match (written(before), before.bad) {
        (0, 0) => String::new(),
        (rows, bad) => format!(" (earlier runs: {rows} rows, {bad} bad lines)"),
    };
    format!("{rows}{replaced}{skipped}, {bad} bad lines{earlier}")
}

#[cfg(test)]
mod tests {
    use super::{Counts, Kind, summary};

    #[test]
    fn the_summary_tells_new_from_replaced_and_now_from_before() {
        let none = Counts::default();
        let now = Counts { added: 6, replaced: 2, ..none };
        let before = Counts { added: 20, bad: 1, ..none };
        let told = "6 rows added, 2 logs of the same unique_id replaced, 0 bad lines";
        assert_eq!(summary(Kind::Logs, &now, &none), told);
        assert_eq!(summary(Kind::Logs, &now, &before), format!("{told} (earlier runs: 20 rows, 1 bad lines)"));
        let now = Counts { added: 6, skipped: 3, bad: 1, ..none };
        assert_eq!(summary(Kind::Rows, &now, &none), "6 rows added, 3 were there already, 1 bad lines");
        assert!(summary(Kind::RemoteLogs, &now, &none).starts_with("6 rows written, new or in place of"));
    }
}
