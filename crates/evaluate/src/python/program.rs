//! A Python source, compiled, and its function called on rows.
//!
//! Knows the interpreter. Every call starts from nothing: the module runs anew, so that no row sees what another left.

use super::values::{Given, to_json};
use crate::convert::cut;
use crate::sandbox::{MESSAGE_BYTES_MAX, Refusal, Settings, too_slow};
use monty::MontyRun;
use monty_types::{
    CompileOptions, DictPairs, ExcType, MontyException, MontyObject, PrintWriter, ResourceLimits, ResourceTracker,
};
use std::time::Duration;

/// Calls within calls.
const RECURSION_MAX: usize = 500;
/// File name in tracebacks.
const FILE: &str = "evaluator.py";
/// Name of the only thing a module is given.
const INPUT: &str = "eval_inputs";

/// How the source's function is called: the first form whose function there is.
const CALLS: [(&str, &str); 2] = [
    ("main", "main(eval_inputs)"),
    (
        "evaluate",
        "evaluate(eval_inputs['llm_input'], eval_inputs['llm_output'], input=eval_inputs['input'], \
         output=eval_inputs['output'], expected_output=eval_inputs['expected_output'], metrics=eval_inputs['metrics'], \
         metadata=eval_inputs['metadata'])",
    ),
];
/// For an `evaluate` that takes no further keywords.
const BARE_CALL: &str = "evaluate(eval_inputs['llm_input'], eval_inputs['llm_output'])";

/// A source whose function can be called.
pub(crate) struct Program {
    run: MontyRun,
    /// For an older function, until it is seen whether it takes keywords.
    bare: Option<MontyRun>,
    lines: u32,
}

impl Program {
    /// Compiles a source, runs its module once, and finds its function.
    pub(crate) fn load(source: &str, settings: &Settings) -> Result<Self, Refusal> {
        let lines = source.lines().count() as u32;
        let refuse = |error: &MontyException| {
            let (message, line) = explain(error, lines, settings);
            Refusal { message, line }
        };
        // Alone first, so that lines are told of what was sent.
        compile(source.to_owned()).map_err(|error| refuse(&error))?;
        for (position, (name, call)) in CALLS.iter().enumerate() {
            let probe = compile(format!("{source}\n{name}\n")).map_err(|error| refuse(&error))?;
            match execute(&probe, MontyObject::Dict(DictPairs::from(Vec::new())), settings) {
                Ok(MontyObject::Function { .. } | MontyObject::Repr(_)) => {}
                Ok(_) => return Err(Refusal { message: format!("`{name}` is not a function"), line: None }),
                Err(error) if is_missing(&error, name, lines) => continue,
                Err(error) => return Err(refuse(&error)),
            }
            let with = |call: &str| compile(format!("{source}\n{call}\n")).map_err(|error| refuse(&error));
            let bare = if position == 0 { None } else { Some(with(BARE_CALL)?) };
            return Ok(Self { run: with(call)?, bare, lines });
        }
        let message = "the source defines no function `main(eval_inputs)`".to_owned();
        Err(Refusal { message, line: None })
    }

    /// Calls the function on a row; the JSON text of what it returns.
    pub(crate) fn call(&mut self, row: &[u8], settings: &Settings) -> Result<Vec<u8>, String> {
        let read = |row| serde_json::from_slice(row).map_err(|error| format!("the row cannot be read: {error}"));
        let Given(inputs) = read(row)?;
        let mut result = execute(&self.run, inputs, settings);
        if let Some(bare) = self.bare.take_if(|_| result.is_err()) {
            if result.as_ref().is_err_and(refuses_keywords) {
                let Given(inputs) = read(row)?;
                result = execute(&bare, inputs, settings);
                self.run = bare;
            } else {
                self.bare = Some(bare);
            }
        }
        let value = result.map_err(|error| {
            let (message, line) = explain(&error, self.lines, settings);
            line.map_or(message.clone(), |line| format!("line {line}: {message}"))
        })?;
        to_json(&value, settings.output_bytes)
    }
}

fn compile(source: String) -> Result<MontyRun, MontyException> {
    MontyRun::new(source, FILE, vec![INPUT.to_owned()], CompileOptions::default())
}

fn execute(program: &MontyRun, inputs: MontyObject, settings: &Settings) -> Result<MontyObject, MontyException> {
    let limits = ResourceLimits {
        max_duration: Some(Duration::from_secs_f64(settings.row_seconds)),
        max_recursion_depth: RECURSION_MAX,
        ..ResourceLimits::default()
    };
    program.run(vec![inputs], ResourceTracker::new(limits), PrintWriter::Disabled)
}

/// Whether the exception is that the name, asked for below the source, does not exist.
fn is_missing(error: &MontyException, name: &str, lines: u32) -> bool {
    error.exc_type() == ExcType::NameError
        && error.message().is_some_and(|message| message.contains(&format!("'{name}'")))
        && error.traceback().last().is_some_and(|frame| frame.start.line > lines)
}

fn refuses_keywords(error: &MontyException) -> bool {
    let says = |message: &str| message.contains("evaluate()") && message.contains("unexpected keyword");
    error.exc_type() == ExcType::TypeError && error.message().is_some_and(says)
}

/// Type and text of an exception, and the line of the source it was raised at.
fn explain(error: &MontyException, lines: u32, settings: &Settings) -> (String, Option<u32>) {
    let inside = error.traceback().iter().rev().map(|frame| frame.start.line).find(|line| (1..=lines).contains(line));
    let ran_out = error.exc_type() == ExcType::TimeoutError
        && error.message().is_some_and(|message| message.contains("time limit exceeded"));
    if ran_out {
        return (too_slow(settings.row_seconds), inside);
    }
    (cut(&error.summary(), MESSAGE_BYTES_MAX), inside)
}
