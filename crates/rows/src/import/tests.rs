//! Reading files good and bad.

use super::csv_map::Columns;
use super::{Batch, Line, Mapping, Source};
use csv::StringRecord;
use serde_json::{Value, json};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;

/// All batches of a file.
fn batches(path: &Path, skip: u64, lines: usize, line_bytes: usize, map: &[&str]) -> Vec<anyhow::Result<Batch>> {
    let map = map.iter().map(|one| one.parse().unwrap()).collect();
    let source = Source::new(path, None, map).unwrap();
    let (send, mut receive) = tokio::sync::mpsc::channel(1_000);
    source.read(skip, lines, 1_000_000, line_bytes, &Arc::default(), &send);
    drop(send);
    std::iter::from_fn(|| receive.blocking_recv()).collect()
}

fn lines(path: &Path, map: &[&str]) -> Vec<Line> {
    batches(path, 0, 1_000, 1_000, map).into_iter().flat_map(|batch| batch.unwrap().lines).collect()
}

fn file(folder: &TempDir, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
    let path = folder.path().join(name);
    std::fs::write(&path, content).unwrap();
    path
}

#[test]
fn bad_lines_are_told_by_number_and_the_rest_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let long = "x".repeat(2_000);
    let text = format!(
        "\u{feff}{{\"input\":\"a\"}}\n\n{{\"input\":\n[1]\n{{\"input\":\"{long}\"}}\r\n\"text\"\n{{\"input\":\"b\"}}  \r\n{{\"input\":\"c\"}}"
    );
    let mut bytes = text.into_bytes();
    bytes.extend_from_slice(b"\n{\"input\":\"\xff\"}\n");
    let read = lines(&file(&folder, "logs.jsonl", bytes), &[]);
    let seen: Vec<(u64, Result<&str, &str>)> = read
        .iter()
        .map(|line| {
            (line.number, line.log.as_ref().map(|log| log["input"].as_str().unwrap()).map_err(|text| &text[..14]))
        })
        .collect();
    let expected = [
        (1, Ok("a")),
        (3, Err("not valid JSON")),
        (4, Err("must be a JSON")),
        (5, Err("the line has 2")),
        (6, Err("must be a JSON")),
        (7, Ok("b")),
        (8, Ok("c")),
        (9, Err("not valid JSON")),
    ];
    assert_eq!(seen, expected);
}

#[test]
fn compression_is_told_by_the_first_bytes_whatever_the_name() {
    let folder = tempfile::tempdir().unwrap();
    let text = b"{\"input\":1}\n{\"input\":2}\n";
    let zstd = zstd::encode_all(&text[..], 1).unwrap();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(text).unwrap();
    let gzip = gzip.finish().unwrap();
    for (name, bytes) in
        [("a.jsonl", text.to_vec()), ("a.jsonl.zst", zstd.clone()), ("b.jsonl", zstd), ("c.jsonl.gz", gzip)]
    {
        let read = lines(&file(&folder, name, bytes), &[]);
        assert_eq!(
            read.iter().map(|line| line.log.as_ref().unwrap()["input"].clone()).collect::<Vec<_>>(),
            [1, 2],
            "{name}"
        );
    }
    assert!(Source::new(Path::new("notes.txt"), None, Vec::new()).is_err());
}

#[test]
fn what_stands_before_a_fault_of_the_file_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let many = numbered(20_000);
    let mut cut = zstd::encode_all(many.as_bytes(), 1).unwrap();
    cut.truncate(cut.len() * 9 / 10);
    let mut read = batches(&file(&folder, "cut.jsonl.zst", cut), 0, 100, 1_000, &[]);
    assert!(read.pop().unwrap().is_err(), "the fault is told");
    assert!(!read.is_empty() && read.iter().all(Result::is_ok));
}

#[test]
fn batches_say_where_to_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(&folder, "logs.jsonl", "{\"input\":1}\n\n{\"input\":2}\n{\"input\":3}\nbad\n{\"input\":4}\n");
    let read = |skip| -> Vec<(Vec<u64>, u64)> {
        let batches = batches(&path, skip, 2, 1_000, &[]);
        let numbers = |batch: &Batch| batch.lines.iter().map(|line| line.number).collect();
        batches.iter().map(|batch| batch.as_ref().unwrap()).map(|batch| (numbers(batch), batch.through)).collect()
    };
    assert_eq!(read(0), [(vec![1, 3], 3), (vec![4, 5], 5), (vec![6], 6)]);
    assert_eq!(read(3), [(vec![4, 5], 5), (vec![6], 6)]);
    assert_eq!(read(6), [(vec![], 6)]);
}

#[test]
fn csv_columns_become_fields_or_metadata() {
    let folder = tempfile::tempdir().unwrap();
    let text = "\u{feff}text,label,model,cost,metadata.run,code,drop,tools\n\
                \"two\nlines, \"\"quoted\"\"\",7,gpt,0.5,true,007,x,\"[{\"\"name\"\":\"\"f\"\"}]\"\n\
                '=1+1,'tis,,,12345678901234567890,\"{\"\"a\"\":1}\",x,\n\
                a,b,c,d,e,f,g,h,too many\n";
    let map = ["text=input", "label=metadata.label", "drop="];
    let read = lines(&file(&folder, "rows.csv", text), &map);
    assert_eq!(read.iter().map(|line| line.number).collect::<Vec<_>>(), [2, 4, 5], "numbers are of lines, not records");
    let logs: Vec<_> = read.into_iter().map(|line| line.log.map(Value::Object)).collect();
    let first = json!({
        "input": "two\nlines, \"quoted\"", "model": "gpt", "cost": "0.5", "tools": [{"name": "f"}],
        "metadata": {"label": 7, "run": true, "code": "007"},
    });
    let second = json!({
        "input": "=1+1", "metadata": {"label": "'tis", "run": "12345678901234567890", "code": {"a": 1}},
    });
    assert_eq!(logs, [Ok(first), Ok(second), Err("the line has 9 cells, the header 8".to_owned())]);
}

#[test]
fn mappings_that_cannot_be_meant_are_refused() {
    for bad in ["input", "=input", "text=no_such_field", "text=dataset_id"] {
        assert!(bad.parse::<Mapping>().is_err(), "{bad}");
    }
    let header = StringRecord::from(vec!["a"]);
    assert!(Columns::new(&header, &["b=input".parse().unwrap()]).unwrap_err().to_string().contains("there are: a"));
}

fn numbered(count: usize) -> String {
    let line = |number| json!({"input": format!("question {number}"), "output": "answer"}).to_string() + "\n";
    (0..count).map(line).collect()
}
