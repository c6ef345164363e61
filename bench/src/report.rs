//! The figures of a run as tables, for the terminal and for `RESULTS.md`.
//!
//! Knows how to say things; measures nothing.

use crate::load::Measured;
use anyhow::{Context, Result};
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

/// What a latency should keep, milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Target {
    /// Median at most.
    pub p50_ms: Option<f64>,
    /// 99th percentile at most.
    pub p99_ms: Option<f64>,
}

/// Latency of one scenario: medians over its repeats.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// Name.
    pub scenario: String,
    /// Requests of each repeat, and how many repeats.
    pub requests: (u64, usize),
    /// Requests a second that were offered.
    pub rate: f64,
    /// Median of the repeats' medians, 90th and 99th percentiles, milliseconds.
    pub quantiles_ms: [f64; 3],
    /// Slowest request of all repeats, milliseconds.
    pub max_ms: f64,
    /// What was wanted.
    pub target: Target,
}

impl Line {
    /// Sums up the repeats of a scenario.
    pub fn of(scenario: &str, rate: f64, runs: &[Measured], target: Target) -> Self {
        Self {
            scenario: scenario.to_owned(),
            requests: (runs.first().map_or(0, |run| run.latency.len()), runs.len()),
            rate,
            quantiles_ms: [0.5, 0.9, 0.99].map(|share| median(runs.iter().map(|run| run.quantile_ms(share)))),
            max_ms: runs.iter().map(|run| run.quantile_ms(1.0)).fold(0.0, f64::max),
            target,
        }
    }

    fn verdict(&self) -> String {
        let [p50, _, p99] = self.quantiles_ms;
        let parts = [("p50", p50, self.target.p50_ms), ("p99", p99, self.target.p99_ms)];
        let wanted = parts.iter().filter_map(|(name, got, most)| most.map(|most| (name, *got, most)));
        let said = wanted.map(|(name, got, most)| format!("{name} ≤ {most} {}", verdict(got <= most)));
        said.collect::<Vec<_>>().join(", ")
    }
}

/// A throughput, a size or a time.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// What.
    pub name: String,
    /// How much.
    pub value: f64,
    /// Of what.
    pub unit: &'static str,
    /// At least (`Ok`) or at most (`Err`) this much was wanted.
    pub target: Option<Result<f64, f64>>,
    /// Circumstances.
    pub note: String,
}

/// All that a run says.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Date, machine, versions, command: name and value.
    pub about: Vec<(&'static str, String)>,
    /// Throughputs, sizes, times.
    pub figures: Vec<Figure>,
    /// Latencies.
    pub lines: Vec<Line>,
    /// What was checked and what was left out.
    pub notes: Vec<String>,
}

/// The middle value (the lower one of two); 0 of none.
pub fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len().saturating_sub(1) / 2).copied().unwrap_or_default()
}

fn verdict(met: bool) -> &'static str {
    if met { "met" } else { "MISSED" }
}

/// A number with as many digits as are of use.
pub fn number(value: f64) -> String {
    if value >= 1_000.0 {
        let digits = format!("{value:.0}");
        let mut out = String::new();
        for (place, digit) in digits.chars().enumerate() {
            if place > 0 && (digits.len() - place).is_multiple_of(3) {
                out.push(',');
            }
            out.push(digit);
        }
        out
    } else if value >= 100.0 {
        format!("{value:.0}")
    } else if value >= 10.0 {
        format!("{value:.1}")
    } else {
        format!("{value:.2}")
    }
}

/// A markdown table whose columns line up when read as text.
fn table(head: &[&str], rows: &[Vec<String>], out: &mut String) {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        cells.chain([head[column].chars().count()]).max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let mut line = |cells: &mut dyn Iterator<Item = &str>| {
        for (cell, width) in cells.zip(&widths) {
            out.push_str("| ");
            out.push_str(cell);
            out.extend(std::iter::repeat_n(' ', width - cell.chars().count() + 1));
        }
        out.push_str("|\n");
    };
    line(&mut head.iter().copied());
    line(&mut widths.iter().map(|_| "---"));
    for row in rows {
        line(&mut row.iter().map(String::as_str));
    }
}

impl Report {
    /// Adds a figure without a target.
    pub fn figure(&mut self, name: &str, value: f64, unit: &'static str, note: String) {
        self.figures.push(Figure { name: name.to_owned(), value, unit, target: None, note });
    }

    /// Adds a figure that should be at least (`Ok`) or at most (`Err`) `target`.
    pub fn wanted(&mut self, name: &str, value: f64, unit: &'static str, target: Result<f64, f64>, note: String) {
        self.figures.push(Figure { name: name.to_owned(), value, unit, target: Some(target), note });
    }

    /// The report as a section of a markdown file.
    pub fn markdown(&self) -> String {
        let mut out = String::new();
        let title = self.about.first().map_or("run", |(_, date)| date);
        writeln!(out, "## {title}\n").ok();
        for (name, value) in self.about.iter().skip(1) {
            writeln!(out, "- {name}: {value}").ok();
        }
        if !self.figures.is_empty() {
            out.push('\n');
            let rows: Vec<Vec<String>> = self.figures.iter().map(figure_cells).collect();
            table(&["what", "value", "unit", "target", "note"], &rows, &mut out);
        }
        if !self.lines.is_empty() {
            out.push_str("\nLatency in ms from the moment a request was due:\n\n");
            let rows: Vec<Vec<String>> = self.lines.iter().map(line_cells).collect();
            table(&["scenario", "n", "offered/s", "p50", "p90", "p99", "max", "target"], &rows, &mut out);
        }
        if !self.notes.is_empty() {
            out.push('\n');
            for note in &self.notes {
                writeln!(out, "- {note}").ok();
            }
        }
        out
    }

    /// Appends the section to a file, after a first line when the file is new.
    pub fn append_to(&self, file: &Path) -> Result<()> {
        let context = || format!("writing {}", file.display());
        let fresh = !file.exists();
        let mut file = File::options().create(true).append(true).open(file).with_context(context)?;
        if fresh {
            writeln!(file, "# Results\n\nMade by `make bench`; see README.md for what each line means. Newest last.")?;
        }
        write!(file, "\n{}", self.markdown()).with_context(context)
    }
}

fn figure_cells(figure: &Figure) -> Vec<String> {
    let target = match figure.target {
        Some(Ok(least)) => format!("≥ {} {}", number(least), verdict(figure.value >= least)),
        Some(Err(most)) => format!("≤ {} {}", number(most), verdict(figure.value <= most)),
        None => String::new(),
    };
    vec![figure.name.clone(), number(figure.value), figure.unit.to_owned(), target, figure.note.clone()]
}

fn line_cells(line: &Line) -> Vec<String> {
    let (requests, repeats) = line.requests;
    let mut cells = vec![line.scenario.clone(), format!("{requests} × {repeats}"), number(line.rate)];
    cells.extend(line.quantiles_ms.iter().chain([&line.max_ms]).map(|&value| number(value)));
    cells.push(line.verdict());
    cells
}

/// Date, machine and versions, as far as the system tells.
pub fn about(binary: &Path) -> Vec<(&'static str, String)> {
    let output = |command: &mut Command| {
        let output = command.output().ok().filter(|output| output.status.success())?;
        Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let field = |file: &str, name: &str| {
        let text = fs::read_to_string(file).unwrap_or_default();
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.split_once(':').map(|(_, value)| value));
        value.map(|value| value.trim().to_owned())
    };
    let unknown = || "unknown".to_owned();
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let processor = field("/proc/cpuinfo", "model name").unwrap_or_else(unknown);
    let memory = field("/proc/meminfo", "MemTotal").unwrap_or_else(unknown);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_else(|_| unknown());
    vec![
        ("date", output(Command::new("date").args(["-u", "+%Y-%m-%d %H:%M UTC"])).unwrap_or_else(unknown)),
        (
            "machine",
            format!(
                "{cores} cores of {processor}, {memory}, Linux {}",
                kernel.trim().split('-').next().unwrap_or_default()
            ),
        ),
        ("server", output(Command::new(binary).arg("--version")).unwrap_or_else(unknown)),
        ("harness", format!("{} {}", env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"))),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::{Until, closed_loop};

    #[test]
    fn numbers_are_short() {
        let said: Vec<String> = [0.123, 12.34, 999.4, 1_000.0, 1_234_567.8].into_iter().map(number).collect();
        assert_eq!(said, ["0.12", "12.3", "999", "1,000", "1,234,568"]);
    }

    #[test]
    fn the_median_of_repeats_ignores_one_outlier() {
        assert!((median([3.0, 900.0, 2.0].into_iter()) - 3.0).abs() < 1e-9);
        assert!((median(std::iter::empty()) - 0.0).abs() < 1e-9);
    }

    #[tokio::test]
    async fn a_line_has_n_repeats_and_ordered_quantiles() {
        let run = closed_loop(1, Until::Requests(20), |_| async { Ok(1) }).await.unwrap();
        let line = Line::of("x", 50.0, &[run.clone(), run], Target::default());
        assert_eq!(line.requests, (20, 2));
        let [p50, p90, p99] = line.quantiles_ms;
        assert!(p50 <= p90 && p90 <= p99 && p99 <= line.max_ms);
    }

    #[test]
    fn the_report_is_a_readable_section() {
        let mut report = Report { about: vec![("date", "today".into()), ("rows", "5".into())], ..Report::default() };
        report.wanted("bulk", 12_345.6, "rows/s", Ok(10_000.0), "1 client".into());
        report.wanted("memory", 700.0, "MB", Err(600.0), String::new());
        report.lines.push(Line {
            scenario: "page.plain".into(),
            requests: (1_000, 3),
            rate: 100.0,
            quantiles_ms: [1.5, 3.0, 30.0],
            max_ms: 41.0,
            target: Target { p50_ms: Some(5.0), p99_ms: Some(25.0) },
        });
        report.notes.push("totals checked".into());
        let expected = "\
## today

- rows: 5

| what   | value  | unit   | target       | note     |
| ---    | ---    | ---    | ---          | ---      |
| bulk   | 12,346 | rows/s | ≥ 10,000 met | 1 client |
| memory | 700    | MB     | ≤ 600 MISSED |          |

Latency in ms from the moment a request was due:

| scenario   | n        | offered/s | p50  | p90  | p99  | max  | target                    |
| ---        | ---      | ---       | ---  | ---  | ---  | ---  | ---                       |
| page.plain | 1000 × 3 | 100       | 1.50 | 3.00 | 30.0 | 41.0 | p50 ≤ 5 met, p99 ≤ 25 MISSED |

- totals checked
";
        let squeeze = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(squeeze(&report.markdown()), squeeze(expected));
    }

    #[test]
    fn sections_are_appended_under_one_heading() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("RESULTS.md");
        let report = Report { about: vec![("date", "today".into())], ..Report::default() };
        report.append_to(&file).unwrap();
        report.append_to(&file).unwrap();
        let text = fs::read_to_string(&file).unwrap();
        assert_eq!((text.matches("# Results").count(), text.matches("## today").count()), (1, 2));
    }
}
