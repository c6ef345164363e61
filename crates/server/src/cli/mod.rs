//! The command line: arguments → configuration → one command. Standard output carries results, standard error the log
//! and errors; the exit status is 0 or 1 (2 for wrong arguments). Knows no HTTP.

mod compare;
mod config;
mod doctor;
mod evaluate;
mod export;
mod import;
mod key;
mod local;
mod remote;
mod serve;

use crate::config::flags::Common;
use crate::config::{Config, Sources};
use crate::telemetry;
use anyhow::Context as _;
use clap::{Parser, Subcommand};
use evalset_rows::import::Refused;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

/// Blocking work that outlives its command gets this long before the process ends.
const LEFTOVERS: Duration = Duration::from_millis(500);

/// Datasets of LLM logs, self-hosted.
#[derive(Debug, Parser)]
#[command(name = "evalset", version, max_term_width = 110, arg_required_else_help = true)]
struct Arguments {
    /// Configuration file
    ///
    /// Without it, `evalset.toml` of the working directory is read when it exists. [env: EVALSET_CONFIG]
    #[arg(long, value_name = "FILE", global = true, help_heading = "Configuration")]
    config: Option<PathBuf>,
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server
    Serve(serve::Arguments),
    /// Run what others wrote for a server, which starts this itself
    #[command(name = evalset_product::evaluation::SANDBOX_WORKER, hide = true)]
    SandboxWorker,
    /// Make, list and end API keys; works beside a running server
    #[command(subcommand)]
    Key(key::Command),
    /// Load a file of logs
    Import(import::Arguments),
    /// Write the rows of a dataset to a file
    Export(export::Arguments),
    /// Run evaluators over a dataset, on a running server
    Evaluate(evaluate::Arguments),
    /// Put two evaluations of the same rows side by side
    Compare(compare::Arguments),
    /// Check the data folder
    Doctor(doctor::Arguments),
    /// Show or check the configuration
    #[command(subcommand)]
    Config(config::Command),
}

/// A command line that cannot be meant, found after the arguments were read one by one.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
struct Usage(String);

/// Exit status of wrong arguments, as clap has it.
const WRONG_ARGUMENTS: u8 = 2;

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if matches!(arguments.command, Command::SandboxWorker) {
        // Before any configuration is read: it gives up all it could reach.
        return evalset_evaluate::sandbox::worker_main();
    }
    match run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let text = format!("{error:#}");
            // Nothing is left to tell when even standard error is gone.
            writeln!(std::io::stderr(), "evalset: {}", text.replace('\n', "\n         ")).ok();
            if error.is::<Usage>() || error.is::<Refused>() {
                ExitCode::from(WRONG_ARGUMENTS)
            } else {
                ExitCode::FAILURE
            }
        }
    }
}

fn run(arguments: Arguments) -> anyhow::Result<()> {
    let Arguments { config: file, common, command } = arguments;
    let mut flags = common.0;
    match &command {
        Command::Serve(serve) => flags.extend(serve.options.0.iter().cloned()),
        Command::Config(config) => flags.extend(config.options().iter().cloned()),
        _ => {}
    }
    let sources = Sources::of_process(file, flags);
    let config = crate::config::load(&sources)?;
    start_log(&command, &config)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_name("evalset")
        .build()
        .context("starting threads")?;
    let result = runtime.block_on(async {
        match command {
            Command::Serve(_) => serve::run(config).await,
            Command::SandboxWorker => Ok(()),
            Command::Key(command) => key::run(command, config).await,
            Command::Import(arguments) => import::run(arguments, config).await,
            Command::Export(arguments) => export::run(arguments, config).await,
            Command::Evaluate(arguments) => evaluate::run(arguments, config).await,
            Command::Compare(arguments) => compare::run(arguments, config).await,
            Command::Doctor(arguments) => doctor::run(arguments, config).await,
            Command::Config(command) => config::run(&command, &config, &sources),
        }
    });
    runtime.shutdown_timeout(LEFTOVERS);
    result
}

/// The server logs as configured; other commands only tell of trouble, unless a level was asked for.
fn start_log(command: &Command, config: &Config) -> anyhow::Result<()> {
    let mut log = config.log.clone();
    let is_default =
        crate::config::keys().iter().any(|key| key.name == "log.level" && key.default.trim_matches('"') == log.level);
    if is_default && !matches!(command, Command::Serve(_)) {
        "warn".clone_into(&mut log.level);
    }
    telemetry::start_log(&log)
}

/// Writes a result to standard output. A reader that has gone away is no error of ours.
fn print(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(error).context("writing to standard output")
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::{Arguments, Command};
    use clap::{CommandFactory as _, Parser as _};

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn options_are_flags_of_serve_and_common_ones_of_every_command() {
        let parsed = Arguments::try_parse_from([
            "evalset",
            "serve",
            "--limits-bulk-items",
            "7",
            "--data",
            "d",
            "--listen",
            "[::1]:0",
        ])
        .unwrap();
        assert_eq!(parsed.common.0, [("data".to_owned(), "d".to_owned())]);
        let Command::Serve(serve) = parsed.command else { panic!("not serve") };
        let options = [("listen", "[::1]:0"), ("limits.bulk_items", "7")];
        assert_eq!(serve.options.0, options.map(|(name, value)| (name.to_owned(), value.to_owned())));
        for early in [["evalset", "--data", "d", "key", "list"], ["evalset", "key", "list", "--data", "d"]] {
            assert_eq!(Arguments::try_parse_from(early).unwrap().common.0.len(), 1, "{early:?}");
        }
        assert!(
            Arguments::try_parse_from(["evalset", "serve", "--api-key", "x"]).is_err(),
            "no secrets in process lists"
        );
    }
}
