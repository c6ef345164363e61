//! The child's side: reads orders from its standard input, answers on its standard output, ends when the input does.
//!
//! Does not know who started it, nor what becomes of its answers.

use super::confine::{allow_processor_seconds, confine};
use super::frame::{
    FAILED, LOAD, ORDER_BYTES_MAX, READY, REFUSED, ROWS, START, Settings, VALUE, read, unpack_rows, write,
};
use super::program::Program;
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
    let mut program: Option<Program> = None;
    while let Some((tag, body)) = read(orders, ORDER_BYTES_MAX)? {
        match (tag, &mut program) {
            (LOAD, loaded) => {
                allow_processor_seconds(settings.row_seconds)?;
                let source = std::str::from_utf8(&body).map_err(|_| io::ErrorKind::InvalidData)?;
                // The former one first: both at once might not fit.
                *loaded = None;
                match Program::load(source, &settings) {
                    Ok(program) => {
                        *loaded = Some(program);
                        write(answers, READY, &[])?;
                    }
                    Err(refusal) => write(answers, REFUSED, &serde_json::to_vec(&refusal)?)?,
                }
            }
            (ROWS, Some(program)) => {
                for row in unpack_rows(&body)? {
                    allow_processor_seconds(settings.row_seconds)?;
                    match program.call(row, &settings) {
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
