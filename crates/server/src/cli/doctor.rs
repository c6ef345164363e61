//! `evalset doctor`: what state the data folder is in. Reads only; works beside a running server too.

use super::print;
use crate::config::Config;
use crate::folder;
use evalset_embedded::{self as embedded, Report};
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
    folder::existing(&config.data)?;
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
    line("file", size(report));
    line("collections", format!("{} ({hidden} waiting to be purged)", report.collections.len()));
    line("rows", rows.to_string());
    line("rows read", report.payloads_read.to_string());
    for collection in &report.collections {
        let state = if collection.hidden { "  (waiting to be purged)" } else { "" };
        let (organization, place) = (&collection.organization, &collection.place);
        let name = collection.name.as_ref().map(|name| format!("  {name:?}")).unwrap_or_default();
        writeln!(text, "  {:>12} rows  {organization}  {place}{name}{state}", collection.rows).ok();
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

/// What the data takes, the write-ahead log included: a file that was never folded in may hold next to nothing itself.
fn size(report: &Report) -> String {
    let megabytes = |bytes: u64| bytes as f64 / 1e6;
    let (all, log) = (megabytes(report.file_bytes + report.log_bytes), megabytes(report.log_bytes));
    let part =
        if report.log_bytes > 0 { format!(" ({log:.1} MB of it in the write-ahead log)") } else { String::new() };
    format!("{all:.1} MB{part}")
}

#[cfg(test)]
mod tests {
    use super::{Arguments, run, shown};
    use crate::config::{self, Sources};
    use evalset_embedded::{CollectionReport, Report};

    #[test]
    fn findings_are_listed_and_their_absence_is_said() {
        let mut report = Report { version: 1, file_bytes: 2_500_000, ..Report::default() };
        assert!(shown(&report).contains("2.5 MB") && shown(&report).ends_with("All is well.\n"));
        report.findings.push("row 7 has no payload".to_owned());
        assert!(shown(&report).ends_with("Found:\n  - row 7 has no payload\n"));
    }
    #[test]
    fn the_log_beside_the_file_counts_and_datasets_have_names() {
        let dataset = CollectionReport {
            id: 1,
            organization: "o".to_owned(),
            place: "d".to_owned(),
            name: Some("Failures to look at".to_owned()),
            hidden: false,
            log_count: 3,
            rows: 3,
        };
        let report =
            Report { file_bytes: 4_096, log_bytes: 4_100_000, collections: vec![dataset], ..Report::default() };
        let text = shown(&report);
        assert!(text.contains("file            4.1 MB (4.1 MB of it in the write-ahead log)\n"), "{text}");
        assert!(text.contains("3 rows  o  d  \"Failures to look at\"\n"), "{text}");
    }

    #[tokio::test]
    async fn a_folder_without_data_is_refused_and_not_made() {
        let world = tempfile::tempdir().unwrap();
        let typo = world.path().join("typo");
        let flags = vec![("data".to_owned(), typo.display().to_string())];
        let config = config::load(&Sources { flags, ..Sources::default() }).unwrap();
        let error = run(Arguments { thorough: false }, config).await.unwrap_err();
        assert!(error.to_string().starts_with("no data in ") && !typo.exists(), "{error}");
    }
}
