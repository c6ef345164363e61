//! `evalset config print | check`.

use super::print;
use crate::config::flags::Further;
use crate::config::{Config, Sources, as_toml};
use clap::Subcommand;

/// What to do with the configuration.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Print the effective configuration as a file, secrets left out
    Print {
        /// Options as for `serve`.
        #[command(flatten)]
        options: Further,
    },
    /// Check file, environment and flags
    Check {
        /// Options as for `serve`.
        #[command(flatten)]
        options: Further,
    },
}

impl Command {
    /// Options given on the command line.
    pub fn options(&self) -> &[(String, String)] {
        let (Self::Print { options } | Self::Check { options }) = self;
        &options.0
    }
}

/// Runs the command. That the configuration could be loaded is the check.
pub fn run(command: &Command, config: &Config, sources: &Sources) -> anyhow::Result<()> {
    match command {
        Command::Print { .. } => print(&as_toml(config)),
        Command::Check { .. } => {
            let file = sources.file().map_or_else(|| "no file".to_owned(), |file| file.display().to_string());
            print(&format!("The configuration is good ({file}, environment, flags).\n"))
        }
    }
}
