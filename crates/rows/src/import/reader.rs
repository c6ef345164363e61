//! A file of logs → batches of parsed lines. Knows no store. Blocks: it runs on a thread of its own.

use super::Refused;
use super::csv_map::Columns;
use super::json_map::Keys;
use super::names::Mapping;
use anyhow::{Context as _, ensure};
use csv::StringRecord;
use evalset_model::scalar::type_name;
use serde_json::{Map, Value};
use std::fs::File;
use std::io::{BufRead, BufReader, Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::mpsc::Sender;
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];
const GZIP: &[u8] = &[0x1f, 0x8b];
const BUFFER: usize = 256 * 1024;
/// How much of the beginning of a file tells it from others.
const HEAD_BYTES: u64 = 64 * 1024;
/// Byte order mark that some programs put first.
const BOM: &[u8] = b"\xef\xbb\xbf";

/// Format of a file of logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One JSON object a line.
    Jsonl,
    /// A table with a header line.
    Csv,
}

/// One line, or one CSV record, which may span lines.
#[derive(Debug)]
pub struct Line {
    /// Where it begins, from 1.
    pub number: u64,
    /// The log, or what is wrong with the line.
    pub log: Result<Map<String, Value>, String>,
    /// Hash of its bytes.
    pub hash: u64,
    /// It says that it is a row of a dataset.
    pub of_dataset: bool,
}

impl Line {
    /// Makes a row of a dataset a bad line: it may have been edited there, and must not replace the log it came from.
    pub fn refuse_row(&mut self) {
        if self.of_dataset && self.log.is_ok() {
            let what = "a row of a dataset: use --into DATASET, or --overwrite to put it in place of the request log";
            self.log = Err(what.to_owned());
        }
    }
}

/// Lines written at once.
#[derive(Debug)]
pub struct Batch {
    /// The lines, in order; blank ones left out.
    pub lines: Vec<Line>,
    /// Lines (CSV: records) of the file that are dealt with once these are written.
    pub through: u64,
}

/// A file and how to read it.
#[derive(Clone, Debug)]
pub struct Source {
    path: PathBuf,
    format: Format,
    mappings: Vec<Mapping>,
}

impl Source {
    /// A file; its format is told by its name when not given.
    pub fn new(path: &Path, format: Option<Format>, mappings: Vec<Mapping>) -> anyhow::Result<Self> {
        let Some(format) = format.or_else(|| format_of(path)) else {
            let text = format!("cannot tell the format of {} by its name; say --format jsonl or csv", path.display());
            return Err(Refused(text).into());
        };
        Ok(Self { path: path.to_owned(), format, mappings })
    }

    /// Whether the file can be read and its header has what is mapped: asked before anything is opened to be written.
    pub fn check(&self) -> anyhow::Result<()> {
        let Some(path) = self.file() else { return Ok(()) };
        let about = path.metadata().with_context(|| format!("cannot open {}", path.display()))?;
        ensure!(about.is_file(), "{} is not a file", path.display());
        let input = self.open(&Arc::default())?;
        if self.format == Format::Csv {
            header(&mut table(input), &self.mappings)?;
        }
        Ok(())
    }

    /// The file; `None` when it is standard input.
    pub fn file(&self) -> Option<&Path> {
        (self.path.as_os_str() != "-").then_some(&self.path)
    }

    /// Bytes of the file as it is on disk, if known.
    pub fn size(&self) -> Option<u64> {
        self.file()?.metadata().ok().map(|about| about.len())
    }

    /// Hash of the beginning of the file as it was when it had `size` bytes, by which it is known again.
    pub fn head(&self, size: u64) -> anyhow::Result<u64> {
        let Some(path) = self.file() else { return Ok(0) };
        let mut head = Vec::new();
        let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
        let length = size.min(HEAD_BYTES);
        file.take(length).read_to_end(&mut head).with_context(|| format!("cannot read {}", path.display()))?;
        Ok(xxh3_64(&head))
    }

    /// Reads the file and sends its lines in batches, without the first `skip`. Ends early when nobody receives.
    /// Returns what to tell at the end.
    pub fn read(
        &self,
        skip: u64,
        batch_lines: usize,
        batch_bytes: usize,
        line_bytes: usize,
        progress: &Arc<AtomicU64>,
        to: &Sender<anyhow::Result<Batch>>,
    ) -> Vec<String> {
        let mut keys = Keys::new(&self.mappings);
        let mut batches = Batches { to, skip, batch_lines, batch_bytes, through: 0, bytes: 0, lines: Vec::new() };
        let read = self.open(progress).and_then(|input| match self.format {
            Format::Jsonl => read_jsonl(input, line_bytes, &mut keys, &mut batches),
            Format::Csv => read_csv(input, &self.mappings, &mut batches),
        });
        match read {
            Ok(()) => batches.flush(),
            // What was read before the fault goes in.
            Err(error) => batches.flush() && to.blocking_send(Err(error)).is_ok(),
        };
        if self.format == Format::Jsonl { keys.notes() } else { Vec::new() }
    }

    fn open(&self, progress: &Arc<AtomicU64>) -> anyhow::Result<Box<dyn BufRead>> {
        let raw: Box<dyn Read> = match self.file() {
            Some(path) => Box::new(File::open(path).with_context(|| format!("cannot open {}", path.display()))?),
            None => Box::new(std::io::stdin()),
        };
        decompressed(Counted { raw, bytes: Arc::clone(progress) })
    }
}

/// The format that a file name tells, compression suffixes aside.
fn format_of(path: &Path) -> Option<Format> {
    if path.as_os_str() == "-" {
        return Some(Format::Jsonl);
    }
    let name = path.file_name()?.to_str()?.to_ascii_lowercase();
    let bare = name.trim_end_matches(".zst").trim_end_matches(".zstd").trim_end_matches(".gz");
    match bare.rsplit_once('.')?.1 {
        "jsonl" | "ndjson" | "json" => Some(Format::Jsonl),
        "csv" => Some(Format::Csv),
        _ => None,
    }
}

/// Looks at the first bytes and takes off the compression they tell.
fn decompressed(mut raw: impl Read + 'static) -> anyhow::Result<Box<dyn BufRead>> {
    let mut magic = Vec::new();
    raw.by_ref().take(4).read_to_end(&mut magic).context("cannot read the beginning of the file")?;
    let whole = Cursor::new(magic.clone()).chain(raw);
    Ok(if magic.starts_with(ZSTD) {
        Box::new(BufReader::with_capacity(BUFFER, zstd::stream::read::Decoder::new(whole).context("zstd")?))
    } else if magic.starts_with(GZIP) {
        Box::new(BufReader::with_capacity(BUFFER, flate2::read::MultiGzDecoder::new(whole)))
    } else {
        Box::new(BufReader::with_capacity(BUFFER, whole))
    })
}

/// Counts the bytes read, for the progress bar.
struct Counted<R> {
    raw: R,
    bytes: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.raw.read(buffer)?;
        self.bytes.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

/// Gathers lines into batches.
struct Batches<'a> {
    to: &'a Sender<anyhow::Result<Batch>>,
    skip: u64,
    batch_lines: usize,
    batch_bytes: usize,
    through: u64,
    bytes: usize,
    lines: Vec<Line>,
}

impl Batches<'_> {
    /// Whether the line about to be passed was dealt with by an earlier run.
    fn passes(&mut self) -> bool {
        self.through += 1;
        self.through <= self.skip
    }

    /// Adds a line; false when nobody receives.
    fn push(&mut self, line: Line, bytes: usize) -> bool {
        self.lines.push(line);
        self.bytes += bytes;
        if self.lines.len() >= self.batch_lines || self.bytes >= self.batch_bytes { self.flush() } else { true }
    }

    fn flush(&mut self) -> bool {
        self.bytes = 0;
        let batch = Batch { lines: std::mem::take(&mut self.lines), through: self.through };
        self.to.blocking_send(Ok(batch)).is_ok()
    }
}

fn read_jsonl(
    mut input: Box<dyn BufRead>,
    line_bytes: usize,
    keys: &mut Keys,
    batches: &mut Batches<'_>,
) -> anyhow::Result<()> {
    let mut text = Vec::new();
    let mut number = 0;
    while let Some(length) = read_line(&mut input, line_bytes, &mut text)? {
        number += 1;
        if number == 1 && text.starts_with(BOM) {
            text.drain(..BOM.len());
        }
        if batches.passes() || text.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let mut of_dataset = false;
        let log = if length > line_bytes as u64 {
            Err(format!("the line has {length} bytes; at most {line_bytes} are read (twice `limits.max_row_bytes`)"))
        } else {
            json_log(&text).and_then(|line| {
                of_dataset = keys.of_dataset(&line);
                keys.log(line)
            })
        };
        if !batches.push(Line { number, log, hash: xxh3_64(&text), of_dataset }, text.len()) {
            break;
        }
    }
    Ok(())
}

fn json_log(text: &[u8]) -> Result<Map<String, Value>, String> {
    match serde_json::from_slice(text) {
        Ok(Value::Object(log)) => Ok(log),
        Ok(other) => Err(format!("must be a JSON object, got {}", type_name(&other))),
        // Each line is parsed alone: the line number of the parser is always 1.
        Err(error) => Err(format!("not valid JSON: {}", error.to_string().replace("line 1 ", ""))),
    }
}

/// Reads up to a line feed, which is left out; keeps at most `limit` bytes. Returns how long the line is; `None` at the
/// end.
fn read_line(input: &mut impl BufRead, limit: usize, text: &mut Vec<u8>) -> anyhow::Result<Option<u64>> {
    text.clear();
    let mut length = 0_u64;
    loop {
        let buffer = input.fill_buf().context("reading the file")?;
        if buffer.is_empty() {
            return Ok((length > 0).then_some(length));
        }
        let end = buffer.iter().position(|byte| *byte == b'\n');
        let part = &buffer[..end.unwrap_or(buffer.len())];
        text.extend_from_slice(&part[..part.len().min(limit.saturating_sub(text.len()))]);
        length += part.len() as u64;
        let used = end.map_or(part.len(), |end| end + 1);
        input.consume(used);
        if end.is_some() {
            return Ok(Some(length));
        }
    }
}

fn read_csv(input: Box<dyn BufRead>, mappings: &[Mapping], batches: &mut Batches<'_>) -> anyhow::Result<()> {
    let mut table = table(input);
    let columns = header(&mut table, mappings)?;
    let mut bytes = csv::ByteRecord::new();
    loop {
        let number = table.position().line();
        // Only reading can fail: a flexible table of bytes has no wrong records.
        if !table.read_byte_record(&mut bytes).context("reading the file")? {
            return Ok(());
        }
        if batches.passes() {
            continue;
        }
        let mut hash = Xxh3::new();
        bytes.iter().for_each(|cell| {
            hash.update(cell);
            hash.update(&[0]);
        });
        let number = bytes.position().map_or(number, csv::Position::line);
        let (log, of_dataset) = match StringRecord::from_byte_record(bytes.clone()) {
            Ok(record) => (columns.log(&record), columns.of_dataset(&record)),
            Err(error) => (Err(format!("not valid UTF-8: {error}")), false),
        };
        if !batches.push(Line { number, log, hash: hash.digest(), of_dataset }, bytes.as_slice().len()) {
            return Ok(());
        }
    }
}

fn table(input: Box<dyn BufRead>) -> csv::Reader<Box<dyn BufRead>> {
    csv::ReaderBuilder::new().flexible(true).from_reader(input)
}

fn header(table: &mut csv::Reader<Box<dyn BufRead>>, mappings: &[Mapping]) -> anyhow::Result<Columns> {
    Ok(Columns::new(&without_mark(table.headers().context("the header line")?), mappings)?)
}

fn without_mark(header: &StringRecord) -> StringRecord {
    header.iter().map(|column| column.trim_start_matches('\u{feff}')).collect()
}
