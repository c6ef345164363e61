//! Tokens, cost, times and status: where they may be given and what they are when they are not (contract D.5, B.7).

use crate::error::Result;
use crate::field::Field;
use crate::json::{Json, Text};
use crate::log::ingest::members::{Members, Stated, clamp_time, stated};
use crate::log::{Log, payload};
use crate::scalar::{Scalar, read_number};
use indexmap::IndexMap;
use std::collections::BTreeSet;

/// Names of known measurements inside `metrics` (contract D.5), in order of precedence.
const METRICS: &[(&str, Field)] = &[
    ("prompt_tokens", Field::PromptTokens),
    ("input_tokens", Field::PromptTokens),
    ("completion_tokens", Field::CompletionTokens),
    ("output_tokens", Field::CompletionTokens),
    ("total_request_tokens", Field::TotalRequestTokens),
    ("total_tokens", Field::TotalRequestTokens),
    ("tokens", Field::TotalRequestTokens),
    ("cost", Field::Cost),
    ("latency", Field::Latency),
    ("generation_time", Field::Latency),
    ("time_to_first_token", Field::TimeToFirstToken),
    ("ttft", Field::TimeToFirstToken),
    ("tokens_per_second", Field::TokensPerSecond),
];

/// Paths inside `usage`, in order of precedence.
const USAGE: &[(&[&str], Field)] = &[
    (&["prompt_tokens"], Field::PromptTokens),
    (&["input_tokens"], Field::PromptTokens),
    (&["completion_tokens"], Field::CompletionTokens),
    (&["output_tokens"], Field::CompletionTokens),
    (&["total_tokens"], Field::TotalRequestTokens),
    (&["total_request_tokens"], Field::TotalRequestTokens),
    (&["cache_creation_input_tokens"], Field::PromptCacheCreationTokens),
    (&["cache_creation_prompt_tokens"], Field::PromptCacheCreationTokens),
    (&["cache_read_input_tokens"], Field::PromptCacheHitTokens),
    (&["prompt_tokens_details", "cached_tokens"], Field::PromptCacheHitTokens),
    (&["input_tokens_details", "cached_tokens"], Field::PromptCacheHitTokens),
    (&["completion_tokens_details", "reasoning_tokens"], Field::ReasoningTokens),
    (&["output_tokens_details", "reasoning_tokens"], Field::ReasoningTokens),
];

/// Fields that a body gave, so that weaker sources leave them alone.
pub(crate) type Given = BTreeSet<Field>;

/// Reads `metrics`: known names into their fields unless given better, others into the payload, where null deletes.
pub(crate) fn metrics(log: &mut Log, members: &Members<'_>, given: &mut Given) -> Result<()> {
    let metrics = match members.object(payload::METRICS)? {
        Stated::Absent => return Ok(()),
        Stated::Null => {
            log.payload.remove(payload::METRICS);
            return Ok(());
        }
        Stated::Value(metrics) => metrics,
    };
    let known: Vec<_> = metrics.members().filter(|(name, _)| is_known(name)).collect();
    for (name, field) in METRICS {
        if let Some((_, value)) = known.iter().find(|(known, _)| known == name) {
            offer(log, *field, *value, &format!("metrics.{name}"), given)?;
        }
    }
    let kept = log.payload.text(payload::METRICS).cloned().filter(|kept| kept.json().is_object());
    let merged = merged(kept.as_ref().map(Text::json), metrics);
    log.payload.remove(payload::METRICS);
    log.payload.set(payload::METRICS, merged);
    Ok(())
}

fn is_known(metric: &str) -> bool {
    METRICS.iter().any(|(known, _)| *known == metric)
}

/// Measurements that are no field: those kept, with those given in their place or after them; none when none is left.
fn merged(kept: Option<Json<'_>>, given: Json<'_>) -> Option<Text> {
    let mut all: IndexMap<&str, Json<'_>> = kept.into_iter().flat_map(Json::members).collect();
    for (name, value) in given.members().filter(|(name, _)| !is_known(name)) {
        if value.is_null() {
            all.shift_remove(name);
        } else {
            all.insert(name, value);
        }
    }
    let mut text = String::new();
    for (name, value) in all {
        text.push(if text.is_empty() { '{' } else { ',' });
        text.extend(["\"", name, "\":", value.text()]);
    }
    if text.is_empty() { None } else { Some(Text::written(text + "}")) }
}

/// Reads `usage`, or else `metrics.usage`, into the token fields not given better.
pub(crate) fn usage(log: &mut Log, members: &Members<'_>, given: &mut Given) -> Result<()> {
    // What was kept, not what was sent: text of an object has become the object there.
    let direct = members.find("usage").and_then(|_| log.payload.text("usage").cloned());
    let measured = || members.find(payload::METRICS)?.value.get("usage");
    let (path, usage) = match &direct {
        Some(usage) => ("usage", Some(usage.json())),
        None => ("metrics.usage", measured()),
    };
    let Some(usage) = usage else { return Ok(()) };
    for (steps, field) in USAGE {
        let value = steps.iter().try_fold(usage, |value, step| value.get(step));
        if let Some(value) = value {
            offer(log, *field, value, &format!("{path}.{}", steps.join(".")), given)?;
        }
    }
    Ok(())
}

/// Sets the field unless it was given before; the value is checked either way.
pub(crate) fn offer(log: &mut Log, field: Field, value: Json<'_>, path: &str, given: &mut Given) -> Result<()> {
    if let Some(value) = stated(field, value, path)?
        && given.insert(field)
    {
        log.scalars.set(field, Some(value));
    }
    Ok(())
}

/// Fills what was not given (contract B.7, D.5). `now` is in microseconds since the epoch.
pub(crate) fn defaults(log: &mut Log, now: i64) {
    let (ended, started) = (log.time(Field::Timestamp), log.time(Field::StartTime));
    let timestamp = ended.unwrap_or(now);
    set_absent(log, Field::Timestamp, || Scalar::Time(timestamp));
    let latency = log.float(Field::Latency).unwrap_or_else(|| match (ended, started) {
        (Some(ended), Some(started)) => ended.saturating_sub(started).max(0) as f64 / 1e6,
        _ => 0.0,
    });
    set_absent(log, Field::Latency, || Scalar::Float(latency));
    let start = clamp_time(timestamp.saturating_sub((latency * 1e6).round() as i64));
    set_absent(log, Field::StartTime, || Scalar::Time(start));
    set_absent(log, Field::PromptTokens, || Scalar::Int(0));
    set_absent(log, Field::CompletionTokens, || Scalar::Int(0));
    if log.int(Field::TotalRequestTokens).is_none() {
        total_tokens(log);
    }
    let cost = priced(log).unwrap_or(0.0);
    set_absent(log, Field::Cost, || Scalar::Float(cost));
    if log.float(Field::TokensPerSecond).is_none() {
        tokens_per_second(log);
    }
    set_absent(log, Field::RoutingTime, || Scalar::Float(0.0));
    set_absent(log, Field::StatusCode, || Scalar::Int(200));
    if log.text(Field::Status).is_none() {
        status(log);
    }
}

/// Total = prompt + completion; none when neither is known.
pub(crate) fn total_tokens(log: &mut Log) {
    let (prompt, completion) = (log.int(Field::PromptTokens), log.int(Field::CompletionTokens));
    let total =
        (prompt.is_some() || completion.is_some()).then(|| prompt.unwrap_or(0).saturating_add(completion.unwrap_or(0)));
    log.scalars.set(Field::TotalRequestTokens, total.map(Scalar::Int));
}

/// Completion tokens a second, when there is a latency to divide by.
pub(crate) fn tokens_per_second(log: &mut Log) {
    let speed = match (log.int(Field::CompletionTokens), log.float(Field::Latency)) {
        (Some(tokens), Some(latency)) if latency > 0.0 => Some(tokens as f64 / latency),
        _ => None,
    };
    // A latency near the least float would make it infinite.
    log.scalars.set(Field::TokensPerSecond, speed.filter(|speed| speed.is_finite()).map(Scalar::Float));
}

/// `error` when the code or the message says so, else `success`.
pub(crate) fn status(log: &mut Log) {
    let failed = log.int(Field::StatusCode).is_some_and(|code| code >= 400)
        || log.text(Field::ErrorMessage).is_some_and(|text| !text.is_empty());
    log.scalars.set_text(Field::Status, if failed { "error" } else { "success" });
}

/// Cost from unit prices, USD per 1M tokens.
fn priced(log: &Log) -> Option<f64> {
    let price = |name: &str| log.payload.get(name).and_then(Json::scalar).as_ref().and_then(read_number);
    let (prompt, completion) = (price("prompt_unit_price"), price("completion_unit_price"));
    if prompt.is_none() && completion.is_none() {
        return None;
    }
    let part = |price: Option<f64>, tokens: Option<i64>| price.unwrap_or(0.0) * tokens.unwrap_or(0) as f64 / 1e6;
    let cost = part(prompt, log.int(Field::PromptTokens)) + part(completion, log.int(Field::CompletionTokens));
    cost.is_finite().then_some(cost)
}

fn set_absent(log: &mut Log, field: Field, value: impl FnOnce() -> Scalar) {
    if log.scalars.get(field).is_none() {
        log.scalars.set(field, Some(value()));
    }
}
