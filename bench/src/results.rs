//! The figures of a run as JSON lines, for tables and plots over several runs. One object a line: `system`, `version`,
//! `date`, `command`, `machine`, `rows`, `scenario`, and either the percentiles of a latency or a `value` with its
//! `unit`; beside them what was wanted, where something was: `p50_most_ms`, `p99_most_ms`, `at_least`, `at_most`.
//!
//! Knows the format; measures nothing.

use crate::report::Report;
use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;

/// Appends all figures of a report.
pub fn append(report: &Report, file: &Path) -> Result<()> {
    let context = || format!("writing {}", file.display());
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder).with_context(context)?;
    }
    let mut file = File::options().create(true).append(true).open(file).with_context(context)?;
    let mut text = Vec::new();
    for line in lines(report) {
        serde_json::to_writer(&mut text, &line)?;
        text.push(b'\n');
    }
    file.write_all(&text).with_context(context)
}

/// All figures of a report.
fn lines(report: &Report) -> Vec<Value> {
    let about = |name: &str| report.about.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value);
    let rows: u64 = about("rows").parse().unwrap_or_default();
    let line = |scenario: &str, figures: Value| {
        let mut line = json!({
            "system": "evalset", "version": about("server"), "date": about("date"), "machine": about("machine"),
            "command": about("command"), "rows": rows, "scenario": scenario,
        });
        if let (Value::Object(line), Value::Object(figures)) = (&mut line, figures) {
            line.extend(figures.into_iter().filter(|(_, figure)| !figure.is_null()));
        }
        line
    };
    // "bulk.4: 500 rows a call, 4 client(s)" is the scenario "bulk.4".
    let named = |name: &str| name.split(':').next().unwrap_or_default().to_owned();
    let figures = report.figures.iter().map(|figure| {
        let (least, most) = (figure.target.and_then(Result::ok), figure.target.and_then(Result::err));
        let wanted = json!({
            "value": figure.value, "unit": figure.unit, "note": figure.note, "at_least": least, "at_most": most,
        });
        line(&named(&figure.name), wanted)
    });
    let latencies = report.lines.iter().map(|latency| {
        let [p50, p90, p99] = latency.quantiles_ms;
        let (requests, repeats) = latency.requests;
        let percentiles = json!({
            "p50_ms": p50, "p90_ms": p90, "p99_ms": p99, "max_ms": latency.max_ms, "offered": latency.rate,
            "requests": requests, "repeats": repeats, "p50_most_ms": latency.target.p50_ms,
            "p99_most_ms": latency.target.p99_ms,
        });
        line(&latency.scenario, percentiles)
    });
    figures.chain(latencies).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Line, Target};

    #[test]
    fn figures_and_latencies_are_lines_with_their_rows() {
        let latency = Line {
            scenario: "page.plain".into(),
            requests: (1_000, 3),
            rate: 100.0,
            quantiles_ms: [1.0, 2.0, 3.0],
            max_ms: 4.0,
            target: Target { p50_ms: Some(2.0), p99_ms: None },
        };
        let mut report = Report { lines: vec![latency], ..Report::default() };
        report.about = vec![("date", "today".into()), ("rows", "50000".into())];
        report.wanted("bulk.1: 500 rows a call", 9.0, "rows/s", Ok(8.0), String::new());
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("results").join("scale.jsonl");
        append(&report, &file).unwrap();
        append(&report, &file).unwrap();
        let text = fs::read_to_string(&file).unwrap();
        let read: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(read.len(), 4);
        assert_eq!(
            (&read[0]["scenario"], &read[0]["value"], &read[0]["rows"]),
            (&json!("bulk.1"), &json!(9.0), &json!(50_000))
        );
        assert_eq!((&read[1]["p99_ms"], &read[1]["date"]), (&json!(3.0), &json!("today")));
        assert_eq!((&read[0]["at_least"], &read[1]["p50_most_ms"]), (&json!(8.0), &json!(2.0)));
        assert!(read[0].get("at_most").is_none() && read[1].get("p99_most_ms").is_none());
    }
}
