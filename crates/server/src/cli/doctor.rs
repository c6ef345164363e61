//! `evalset doctor`: what state the data folder is in. Reads only; works beside a running server too.

use super::print;
use crate::config::Config;
use evalset_store::embedded::{self, Report};
use std::fmt::Write as _;

/// Arguments of `doctor`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Read every row; without it about one in a hundred
    #[arg(long)]
    thorough: bool,
}

/// Prints the store's report; an error when something is wrong.
pub async fn run(arguments: Arguments, config: Config) -> anyhow::Result<()> {
    let data = config.data.clone();
    let report = tokio::task::spawn_blocking(move || embedded::doctor(&data, arguments.thorough)).await??;
    print(&shown(&report))?;
    anyhow::ensure!(report.healthy(), "{} is not in order: {} findings", config.data.display(), report.findings.len());
    Ok(())
}

fn shown(report: &Report) -> String {
    let mut text = String::new();
    let hidden = report.collections.iter().filter(|collection| collection.hidden).count();
    let rows: i64 = report.collections.iter().map(|collection| collection.rows).sum();
    let mut line = |name: &str, value: String| writeln!(text, "{name:<16}{value}").ok();
    line("schema", format!("version {}", report.version));
    line("file", format!("{:.1} MB", report.file_bytes as f64 / 1e6));
    line("collections", format!("{} ({hidden} waiting to be purged)", report.collections.len()));
    line("rows", rows.to_string());
    line("rows read", report.payloads_read.to_string());
    for collection in &report.collections {
        let state = if collection.hidden { "  (waiting to be purged)" } else { "" };
        let (organization, place) = (&collection.organization, &collection.place);
        writeln!(text, "  {:>12} rows  {organization}  {place}{state}", collection.rows).ok();
    }
    match report.findings.as_slice() {
        [] => text.push_str("\nAll is well.\n"),
        findings => {
            text.push_str("\nFound:\n");
            for finding in findings {
                writeln!(text, "  - {finding}").ok();
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::shown;
    use evalset_store::embedded::Report;

    #[test]
    fn findings_are_listed_and_their_absence_is_said() {
        let mut report = Report { version: 1, file_bytes: 2_500_000, ..Report::default() };
        assert!(shown(&report).contains("2.5 MB") && shown(&report).ends_with("All is well.\n"));
        report.findings.push("row 7 has no payload".to_owned());
        assert!(shown(&report).ends_with("Found:\n  - row 7 has no payload\n"));
    }
}
