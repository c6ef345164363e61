//! Where an export goes: what the name of the file says of format and compression, and writing the file so that it
//! appears whole. Knows no rows.

use super::Format;
use crate::cli::Usage;
use anyhow::{Context as _, ensure};
use bytes::Bytes;
use evalset_model::job::ExportFormat;
use flate2::write::GzEncoder;
use futures::{Stream, StreamExt as _};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::ffi::OsStr;
use std::fs::File;
use std::io::{BufWriter, ErrorKind, IsTerminal as _, Write};
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::time::Duration;

/// How often the progress moves without news.
const TICK: Duration = Duration::from_millis(200);

/// How the bytes of a file are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Packing {
    Plain,
    Gzip,
    Zstd,
}

/// The output of an export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    path: PathBuf,
    /// Format of the rows.
    pub format: ExportFormat,
    packing: Packing,
}

impl Output {
    /// The file of this name, `-` for standard output. A name that tells neither format nor compression needs a
    /// `format`.
    pub fn new(path: &Path, format: Option<Format>) -> Result<Self, Usage> {
        let mut rest = PathBuf::from(path.file_name().unwrap_or(path.as_os_str()));
        let suffix = |name: &Path| name.extension().map(|suffix| suffix.to_string_lossy().to_lowercase());
        let packing = match suffix(&rest).as_deref() {
            Some("gz") => Packing::Gzip,
            Some("zst" | "zstd") => Packing::Zstd,
            _ => Packing::Plain,
        };
        if packing != Packing::Plain {
            rest.set_extension("");
        }
        let format = match (format, suffix(&rest).as_deref()) {
            (Some(Format::Csv), _) | (None, Some("csv")) => ExportFormat::Csv,
            (Some(Format::Jsonl), _) | (None, None | Some("jsonl" | "ndjson")) => ExportFormat::Jsonl,
            (None, Some(other)) => {
                let allowed = ".jsonl, .ndjson or .csv, each alone or with .gz or .zst after it";
                return Err(Usage(format!(
                    "cannot tell the format of {} by `.{other}`: name it {allowed}, or say --format jsonl or csv",
                    path.display()
                )));
            }
        };
        Ok(Self { path: path.to_owned(), format, packing })
    }

    /// Writes the pieces to the file, which appears whole, or to standard output.
    pub async fn write(&self, pieces: impl Stream<Item = anyhow::Result<Bytes>>) -> anyhow::Result<()> {
        if self.path.as_os_str() == "-" {
            return to_stdout(pieces).await;
        }
        let shown = self.path.display();
        ensure!(!self.path.is_dir(), "{shown} is a folder; name a file");
        let part = part_of(&self.path);
        let file = File::create(&part).with_context(|| format!("cannot write {}", part.display()))?;
        let written = self.fill(file, pieces).await;
        let written = written.and_then(|bytes| std::fs::rename(&part, &self.path).map(|()| bytes).map_err(Into::into));
        match written {
            Ok(bytes) => {
                writeln!(std::io::stderr(), "{bytes} bytes written to {shown}").ok();
                Ok(())
            }
            Err(error) => {
                // The half-written file is of no use; that it may stay is told by its name.
                std::fs::remove_file(&part).ok();
                Err(error).with_context(|| format!("cannot write {shown}"))
            }
        }
    }

    /// Returns the size of the file.
    async fn fill(&self, file: File, pieces: impl Stream<Item = anyhow::Result<Bytes>>) -> anyhow::Result<u64> {
        let bar = bar(true)?;
        let mut sink = Sink::new(BufWriter::new(file), self.packing)?;
        drain(&mut sink, pieces, &bar).await?;
        let file = sink.finish()?;
        file.sync_all()?;
        Ok(file.metadata()?.len())
    }
}

async fn to_stdout(pieces: impl Stream<Item = anyhow::Result<Bytes>>) -> anyhow::Result<()> {
    let mut out = std::io::stdout();
    let bar = bar(!out.is_terminal())?;
    match drain(&mut out, pieces, &bar).await {
        // A reader that has seen enough is no error.
        Err(error) if error.downcast_ref::<std::io::Error>().is_some_and(|io| io.kind() == ErrorKind::BrokenPipe) => {
            Ok(())
        }
        result => result,
    }
}

fn part_of(output: &Path) -> PathBuf {
    let mut part = output.as_os_str().to_owned();
    part.push(OsStr::new(".part"));
    PathBuf::from(part)
}

/// A file being written, packed or not.
enum Sink {
    Plain(BufWriter<File>),
    Gzip(GzEncoder<BufWriter<File>>),
    Zstd(zstd::Encoder<'static, BufWriter<File>>),
}

impl Sink {
    fn new(file: BufWriter<File>, packing: Packing) -> std::io::Result<Self> {
        Ok(match packing {
            Packing::Plain => Self::Plain(file),
            Packing::Gzip => Self::Gzip(GzEncoder::new(file, flate2::Compression::default())),
            Packing::Zstd => Self::Zstd(zstd::Encoder::new(file, zstd::DEFAULT_COMPRESSION_LEVEL)?),
        })
    }

    /// Writes what is held back, and the end of the packing.
    fn finish(self) -> std::io::Result<File> {
        let file = match self {
            Self::Plain(file) => file,
            Self::Gzip(packer) => packer.finish()?,
            Self::Zstd(packer) => packer.finish()?,
        };
        file.into_inner().map_err(std::io::IntoInnerError::into_error)
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match self {
            Self::Plain(file) => file.write(bytes),
            Self::Gzip(packer) => packer.write(bytes),
            Self::Zstd(packer) => packer.write(bytes),
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        match self {
            Self::Plain(file) => file.flush(),
            Self::Gzip(packer) => packer.flush(),
            Self::Zstd(packer) => packer.flush(),
        }
    }
}

async fn drain(
    out: &mut impl Write,
    pieces: impl Stream<Item = anyhow::Result<Bytes>>,
    bar: &ProgressBar,
) -> anyhow::Result<()> {
    let mut pieces = pin!(pieces);
    let mut bytes = 0;
    while let Some(piece) = pieces.next().await {
        let piece = piece?;
        out.write_all(&piece)?;
        bytes += piece.len() as u64;
        bar.set_position(bytes);
    }
    out.flush()?;
    bar.finish_and_clear();
    Ok(())
}

/// Progress on a terminal, unless the rows themselves go there.
fn bar(wanted: bool) -> anyhow::Result<ProgressBar> {
    let style = ProgressStyle::with_template("{spinner} {bytes}  {bytes_per_sec}").context("progress bar")?;
    let bar = ProgressBar::new_spinner().with_style(style);
    if wanted && std::io::stderr().is_terminal() {
        bar.enable_steady_tick(TICK);
    } else {
        bar.set_draw_target(ProgressDrawTarget::hidden());
    }
    Ok(bar)
}

#[cfg(test)]
mod tests {
    use super::{ExportFormat, Format, Output, Packing};
    use bytes::Bytes;
    use std::io::Read as _;
    use std::path::Path;

    #[test]
    fn the_name_tells_format_and_compression() {
        let told = |name: &str| Output::new(Path::new(name), None).map(|output| (output.format, output.packing));
        for (name, format, packing) in [
            ("-", ExportFormat::Jsonl, Packing::Plain),
            ("rows", ExportFormat::Jsonl, Packing::Plain),
            ("of/v1.2/rows.jsonl", ExportFormat::Jsonl, Packing::Plain),
            ("rows.CSV", ExportFormat::Csv, Packing::Plain),
            ("rows.csv.gz", ExportFormat::Csv, Packing::Gzip),
            ("all.jsonl.zst", ExportFormat::Jsonl, Packing::Zstd),
            ("all.gz", ExportFormat::Jsonl, Packing::Gzip),
        ] {
            assert_eq!(told(name).unwrap(), (format, packing), "{name}");
        }
        for name in ["all.parquet", "all.parquet.gz", "all.json"] {
            let error = told(name).unwrap_err().to_string();
            assert!(error.contains(".jsonl, .ndjson or .csv") && error.contains("--format"), "{error}");
        }
        let said = Output::new(Path::new("rows.txt.gz"), Some(Format::Csv)).unwrap();
        assert_eq!((said.format, said.packing), (ExportFormat::Csv, Packing::Gzip));
    }

    #[tokio::test]
    async fn a_file_is_packed_as_its_name_says() {
        let folder = tempfile::tempdir().unwrap();
        let text = "{\"input\":1}\n".repeat(1_000);
        for name in ["a.jsonl", "a.jsonl.gz", "a.jsonl.zst"] {
            let path = folder.path().join(name);
            let pieces = text.as_bytes().chunks(700).map(|piece| Ok(Bytes::copy_from_slice(piece)));
            Output::new(&path, None).unwrap().write(futures::stream::iter(pieces)).await.unwrap();
            let bytes = std::fs::read(&path).unwrap();
            assert_eq!(bytes.len() < 1_000, name != "a.jsonl", "{name}");
            let mut back = String::new();
            match name {
                "a.jsonl.gz" => {
                    flate2::read::GzDecoder::new(&bytes[..]).read_to_string(&mut back).unwrap();
                }
                "a.jsonl.zst" => back = String::from_utf8(zstd::decode_all(&bytes[..]).unwrap()).unwrap(),
                _ => back = String::from_utf8(bytes).unwrap(),
            }
            assert_eq!(back, text, "{name}");
        }
    }
}
