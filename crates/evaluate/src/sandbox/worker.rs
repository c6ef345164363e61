//! The child's side: reads orders from its standard input, answers on its standard output, ends when the input does.
//!
//! Does not know who started it, nor what becomes of its answers.

use super::Settings;
use super::confine::{allow_processor_seconds, confine};
use super::frame::{FAILED, LOAD, ORDER_BYTES_MAX, READY, REFUSED, ROWS, START, VALUE, read, unpack_rows, write};
use super::loaded::Loaded;
use super::source::Language;
use std::io::{self, Read, Write};
use std::process::ExitCode;

/// Serves one parent until it closes the pipe. For the hidden subcommand that [`super::PoolOptions`] names.
pub fn worker_main() -> ExitCode {
    match serve(&mut io::stdin().lock(), &mut io::stdout().lock()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn serve(orders: &mut impl Read, answers: &mut impl Write) -> io::Result<()> {
    let Some((START, body)) = read(orders, ORDER_BYTES_MAX)? else { return Err(io::ErrorKind::InvalidData.into()) };
    let settings: Settings = serde_json::from_slice(&body)?;
    confine(settings.memory_bytes)?;
    write(answers, READY, &[])?;
    let mut held: Option<Loaded> = None;
    while let Some((tag, body)) = read(orders, ORDER_BYTES_MAX)? {
        match (tag, &mut held) {
            (LOAD, held) => {
                allow_processor_seconds(settings.row_seconds)?;
                let (language, source) = body.split_first().ok_or(io::ErrorKind::InvalidData)?;
                let language = Language::of_tag(*language).ok_or(io::ErrorKind::InvalidData)?;
                let source = std::str::from_utf8(source).map_err(|_| io::ErrorKind::InvalidData)?;
                // The former one first: both at once might not fit.
                *held = None;
                match Loaded::load(language, source, &settings) {
                    Ok(loaded) => {
                        *held = Some(loaded);
                        write(answers, READY, &[])?;
                    }
                    Err(refusal) => write(answers, REFUSED, &serde_json::to_vec(&refusal)?)?,
                }
            }
            (ROWS, Some(loaded)) => {
                for row in unpack_rows(&body)? {
                    allow_processor_seconds(settings.row_seconds)?;
                    match loaded.call(row, &settings) {
                        Ok(value) => write(answers, VALUE, &value)?,
                        Err(message) => write(answers, FAILED, message.as_bytes())?,
                    }
                }
            }
            _ => return Err(io::ErrorKind::InvalidData.into()),
        }
    }
    Ok(())
}
