//! Options as flags of the command line, made from the list of options.

use super::key::{Key, Kind, keys};
use clap::{Arg, ArgMatches, Args, Command, FromArgMatches};

/// Options that every command takes.
const EVERYWHERE: &[&str] = &["data", "log.format", "log.level"];

/// The options every command takes: dotted name → text, for those given.
#[derive(Clone, Debug, Default)]
pub struct Common(pub Vec<(String, String)>);

/// The options only some commands take: dotted name → text, for those given.
#[derive(Clone, Debug, Default)]
pub struct Further(pub Vec<(String, String)>);

fn common(key: &Key) -> bool {
    EVERYWHERE.contains(&key.name.as_str())
}

fn argument(key: &'static Key) -> Option<Arg> {
    let flag = key.flag.as_deref()?;
    let limit = key.name.starts_with("limits.");
    let value = match key.kind() {
        Kind::Number => "NUMBER",
        Kind::Switch => "true|false",
        Kind::Text => match key.name.as_str() {
            "data" => "DIR",
            "listen" => "HOST:PORT",
            _ => "TEXT",
        },
    };
    let default = key.default.trim_matches('"');
    let default = if default.is_empty() { String::new() } else { format!(" [default: {default}]") };
    let help = format!("{}{default} [env: {}]", key.help, key.variable);
    let short = key.help.split_once(". ").map_or(key.help.trim_end_matches('.'), |(first, _)| first);
    let arg =
        Arg::new(key.name.as_str()).long(flag).value_name(value).help(format!("{short}{default}")).long_help(help);
    let heading = if limit { "Limits" } else { "Configuration" };
    Some(arg.help_heading(heading).hide_short_help(limit).global(common(key)))
}

fn augment(command: Command, wanted: fn(&Key) -> bool) -> Command {
    command.args(keys().iter().filter(|key| wanted(key)).filter_map(argument))
}

fn given(matches: &ArgMatches, wanted: fn(&Key) -> bool) -> Vec<(String, String)> {
    let wanted = keys().iter().filter(|key| wanted(key) && key.flag.is_some());
    wanted.filter_map(|key| Some((key.name.clone(), matches.get_one::<String>(&key.name)?.clone()))).collect()
}

macro_rules! arguments {
    ($name:ident, $wanted:expr) => {
        impl FromArgMatches for $name {
            fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
                Ok(Self(given(matches, $wanted)))
            }

            fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
                self.0.extend(given(matches, $wanted));
                Ok(())
            }
        }

        impl Args for $name {
            fn augment_args(command: Command) -> Command {
                augment(command, $wanted)
            }

            fn augment_args_for_update(command: Command) -> Command {
                augment(command, $wanted)
            }
        }
    };
}

arguments!(Common, common);
arguments!(Further, |key| !common(key));
