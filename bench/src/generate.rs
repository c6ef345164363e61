//! Made-up LLM logs: row N of a seed is always the same row, so any part of any size can be made in any order, and the
//! right answer to a query can be counted without keeping rows.
//!
//! Rows are bodies of the create and bulk routes (contract B.7, B.14), about 2.2 KB each. Knows nothing of HTTP.

use crate::random::{Random, Zipf};
use crate::text::Writer;
use serde::Serialize;

/// Model names, most used first.
pub const MODELS: [&str; 20] = [
    "gpt-4o-mini",
    "gpt-4o",
    "claude-sonnet-4",
    "gemini-2.5-flash",
    "gpt-4.1",
    "claude-haiku-3.5",
    "llama-3.3-70b",
    "mistral-small",
    "deepseek-v3",
    "qwen2.5-72b",
    "gemini-2.5-pro",
    "claude-opus-4",
    "o4-mini",
    "mixtral-8x7b",
    "llama-3.1-8b",
    "phi-4",
    "command-r-plus",
    "gemma-2-27b",
    "yi-34b",
    "minichat-3b",
];
/// Values of `metadata.tier`.
pub const TIERS: [&str; 4] = ["free", "pro", "team", "gold"];
/// Values of `metadata.feature`.
pub const FEATURES: [&str; 6] = ["chat", "search", "summary", "translate", "extract", "agent"];
/// Failures: status, code and message; the rest of the rows (94 %) are 200.
const FAILURES: [(u16, &str, &str); 5] = [
    (429, "rate_limit", "too many requests, retry after 2 s"),
    (500, "upstream", "upstream error"),
    (503, "overloaded", "model is overloaded"),
    (400, "invalid_request", "maximum context length exceeded"),
    (504, "timeout", "request timed out after 30000 ms"),
];
const SYSTEM_PROMPTS: [&str; 3] = [
    "You are a helpful assistant. Answer briefly and say when you are not sure.",
    "You are the support agent of a web shop. Be polite, ask for the order number, never promise refunds.",
    "Answer in JSON with the keys \"answer\" and \"sources\".",
];
/// Distinct `customer_identifier` values.
const CUSTOMERS: u16 = 5_000;
/// Timestamps spread over these days of January 2026.
const DAYS: u64 = 30;
const MICROS_PER_DAY: u64 = 86_400_000_000;
/// Draws of a row's facts and of its text are kept apart, so that facts can be had without text.
const FACTS: u64 = 1;
const TEXT: u64 = 2;

/// Everything of a row that a filter, a sort or a summary looks at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Facts {
    /// Row number; `custom_identifier` is `log-<index>`.
    pub index: u64,
    /// Model name.
    pub model: &'static str,
    /// Number of the customer, 0 the busiest; `customer_identifier` is `customer_<n>`.
    pub customer: usize,
    /// HTTP status of the logged call.
    pub status_code: u16,
    /// `error_code` and `error_message`, when the call failed.
    pub failure: Option<(&'static str, &'static str)>,
    /// Microseconds since the start of 1 January 2026 UTC.
    pub micros: u64,
    /// Seconds.
    pub latency: f64,
    /// Seconds.
    pub time_to_first_token: f64,
    /// USD.
    pub cost: f64,
    /// Tokens in.
    pub prompt_tokens: u64,
    /// Tokens out; 0 when the call failed.
    pub completion_tokens: u64,
    /// Trace, for a third of the rows.
    pub trace: Option<u128>,
    /// `metadata.tier`.
    pub tier: &'static str,
    /// `metadata.turn`, 1 to 12.
    pub turn: u64,
    /// `metadata.cached`.
    pub cached: bool,
    /// `metadata.confidence`, absent in a fifth of the rows.
    pub confidence: Option<f64>,
    /// `metadata.feature`.
    pub feature: &'static str,
}

impl Facts {
    /// `timestamp` as the server prints it (contract A.2): UTC, six fractional digits.
    pub fn timestamp(&self) -> String {
        let (day, rest) = (self.micros / MICROS_PER_DAY, self.micros % MICROS_PER_DAY);
        let (seconds, micros) = (rest / 1_000_000, rest % 1_000_000);
        let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
        format!("2026-01-{:02}T{hour:02}:{minute:02}:{second:02}.{micros:06}Z", day + 1)
    }

    /// `custom_identifier`.
    pub fn custom_identifier(&self) -> String {
        format!("log-{}", self.index)
    }
}

/// Makes rows. Cheap to share, costly to build (its tables).
#[derive(Clone, Debug)]
pub struct Generator {
    seed: u64,
    models: Zipf,
    customers: Zipf,
    writer: Writer,
}

#[derive(Serialize)]
struct Message<'a> {
    role: &'a str,
    content: &'a str,
}

/// The texts of a row.
struct Said {
    system: Option<&'static str>,
    question: String,
    answer: String,
}

impl Said {
    fn input(&self) -> Vec<Message<'_>> {
        let system = self.system.map(|content| Message { role: "system", content });
        system.into_iter().chain([Message { role: "user", content: &self.question }]).collect()
    }

    fn output(&self) -> Message<'_> {
        Message { role: "assistant", content: &self.answer }
    }
}

#[derive(Serialize)]
struct Metadata {
    tier: &'static str,
    turn: u64,
    cached: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    confidence: Option<f64>,
    feature: &'static str,
}

#[derive(Serialize)]
struct Metrics {
    prompt_tokens: u64,
    completion_tokens: u64,
    cost: f64,
    latency: f64,
    time_to_first_token: f64,
}

#[derive(Serialize)]
struct Row<'a> {
    input: &'a [Message<'a>],
    output: Message<'a>,
    custom_identifier: String,
    customer_identifier: String,
    timestamp: String,
    model: &'static str,
    log_type: &'static str,
    status_code: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_code: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_message: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace_unique_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    span_name: Option<&'static str>,
    metadata: Metadata,
    metrics: Metrics,
}

fn rounded(value: f64, digits: f64) -> f64 {
    (value * digits).round() / digits
}

impl Generator {
    /// A generator of the rows of `seed`.
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            models: Zipf::new(MODELS.len() as u16, 1.0),
            customers: Zipf::new(CUSTOMERS, 1.0),
            writer: Writer::new(seed),
        }
    }

    /// The facts of row `index`, without its text.
    pub fn facts(&self, index: u64) -> Facts {
        let random = &mut Random::new(self.seed, FACTS, index);
        let model = MODELS[self.models.draw(random)];
        let customer = self.customers.draw(random);
        let failed = random.chance(0.06);
        let failure = FAILURES[random.below(FAILURES.len() as u64) as usize];
        let tier = match random.below(100) {
            0..=54 => TIERS[0],
            55..=84 => TIERS[1],
            85..=95 => TIERS[2],
            _ => TIERS[3],
        };
        let prompt_tokens = random.log_normal(120.0, 0.9) as u64 + 4;
        let completion_tokens = if failed { 0 } else { random.log_normal(300.0, 0.8) as u64 + 1 };
        let latency = rounded(random.log_normal(1.4, 0.7), 1e3).max(0.001);
        let price = random.log_normal(1.5e-6, 0.8);
        Facts {
            index,
            model,
            customer,
            status_code: if failed { failure.0 } else { 200 },
            failure: failed.then_some((failure.1, failure.2)),
            micros: random.below(DAYS * MICROS_PER_DAY),
            latency,
            time_to_first_token: rounded(latency * (0.1 + 0.4 * random.unit()), 1e3),
            cost: rounded(price * (prompt_tokens + 4 * completion_tokens) as f64, 1e7),
            prompt_tokens,
            completion_tokens,
            trace: random.chance(1.0 / 3.0).then(|| u128::from(random.bits()) << 64 | u128::from(random.bits())),
            tier,
            turn: 1 + random.below(12),
            cached: random.chance(0.25),
            confidence: random.chance(0.8).then(|| rounded(random.unit(), 1e4)),
            feature: FEATURES[random.below(FEATURES.len() as u64) as usize],
        }
    }

    /// What was said in a row.
    fn said(&self, facts: &Facts) -> Said {
        let random = &mut Random::new(self.seed, TEXT, facts.index);
        let (mut question, mut answer) = (String::new(), String::new());
        self.writer.write(random, random.clone().log_normal(180.0, 0.9).min(8_000.0) as usize, &mut question);
        if facts.failure.is_none() {
            self.writer.write(random, random.clone().log_normal(1_100.0, 0.6).min(40_000.0) as usize, &mut answer);
        }
        let system = random.chance(0.3).then(|| SYSTEM_PROMPTS[random.below(3) as usize]);
        Said { system, question, answer }
    }

    /// Input and output of row `index` as text filters see them: compact JSON.
    pub fn texts(&self, index: u64) -> serde_json::Result<(String, String)> {
        let said = self.said(&self.facts(index));
        Ok((serde_json::to_string(&said.input())?, serde_json::to_string(&said.output())?))
    }

    /// The word of a rank in the texts, 0 the most frequent.
    pub fn word(&self, rank: usize) -> &str {
        self.writer.vocabulary(rank)
    }

    /// Appends row `index` as JSON to `out`.
    pub fn row(&self, index: u64, out: &mut Vec<u8>) -> serde_json::Result<()> {
        let facts = self.facts(index);
        let said = self.said(&facts);
        let row = Row {
            input: &said.input(),
            output: said.output(),
            custom_identifier: facts.custom_identifier(),
            customer_identifier: format!("customer_{}", facts.customer),
            timestamp: facts.timestamp(),
            model: facts.model,
            log_type: "chat",
            status_code: facts.status_code,
            error_code: facts.failure.map(|failure| failure.0),
            error_message: facts.failure.map(|failure| failure.1),
            trace_unique_id: facts.trace.map(|trace| format!("{trace:032x}")),
            span_name: facts.trace.map(|_| "chat.completion"),
            metadata: Metadata {
                tier: facts.tier,
                turn: facts.turn,
                cached: facts.cached,
                confidence: facts.confidence,
                feature: facts.feature,
            },
            metrics: Metrics {
                prompt_tokens: facts.prompt_tokens,
                completion_tokens: facts.completion_tokens,
                cost: facts.cost,
                latency: facts.latency,
                time_to_first_token: facts.time_to_first_token,
            },
        };
        serde_json::to_writer(out, &row)
    }

    /// Body of a bulk call with rows `first..end`.
    pub fn bulk(&self, first: u64, end: u64) -> serde_json::Result<Vec<u8>> {
        let mut out = Vec::with_capacity((end - first) as usize * 2_600);
        out.extend_from_slice(b"{\"logs\":[");
        for index in first..end {
            if index > first {
                out.push(b',');
            }
            self.row(index, &mut out)?;
        }
        out.extend_from_slice(b"]}");
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn text(generator: &Generator, index: u64) -> String {
        let mut out = Vec::new();
        generator.row(index, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn same_seed_same_rows_in_any_order() {
        let (one, other) = (Generator::new(1), Generator::new(1));
        let forward: Vec<String> = (0..50).map(|index| text(&one, index)).collect();
        let mut backward: Vec<String> = (0..50).rev().map(|index| text(&other, index)).collect();
        backward.reverse();
        assert_eq!(forward, backward);
        assert_ne!(forward[0], text(&Generator::new(2), 0));
    }

    #[test]
    fn a_bulk_body_holds_the_rows_asked_for() {
        let generator = Generator::new(1);
        let body: Value = serde_json::from_slice(&generator.bulk(7, 12).unwrap()).unwrap();
        let ids: Vec<&str> =
            body["logs"].as_array().unwrap().iter().map(|row| row["custom_identifier"].as_str().unwrap()).collect();
        assert_eq!(ids, ["log-7", "log-8", "log-9", "log-10", "log-11"]);
    }

    #[test]
    fn a_row_says_what_its_facts_say() {
        let generator = Generator::new(9);
        for index in 0..200 {
            let (row, facts): (Value, Facts) =
                (serde_json::from_str(&text(&generator, index)).unwrap(), generator.facts(index));
            assert_eq!(row["model"], facts.model);
            assert_eq!(row["status_code"], facts.status_code);
            assert_eq!(row["metrics"]["cost"].as_f64(), Some(facts.cost));
            assert_eq!(row["metadata"]["confidence"].as_f64(), facts.confidence);
            assert_eq!(row["timestamp"], facts.timestamp());
            assert_eq!(row["error_message"].is_string(), facts.status_code != 200);
            assert_eq!(row["trace_unique_id"].is_string(), facts.trace.is_some());
        }
    }

    #[test]
    fn rows_are_as_large_and_as_mixed_as_real_ones() {
        let generator = Generator::new(1);
        let rows = 4_000;
        let bytes: usize = (0..rows).map(|index| text(&generator, index).len()).sum();
        assert!((2_000..2_400).contains(&(bytes / rows as usize)), "{} bytes a row", bytes / rows as usize);
        let facts: Vec<Facts> = (0..20_000).map(|index| generator.facts(index)).collect();
        let share = |matches: fn(&Facts) -> bool| facts.iter().filter(|facts| matches(facts)).count() as f64 / 20_000.0;
        assert!((share(|facts| facts.status_code == 200) - 0.94).abs() < 0.01);
        assert!((share(|facts| facts.trace.is_some()) - 0.333).abs() < 0.02);
        assert!((share(|facts| facts.tier == "gold") - 0.04).abs() < 0.01);
        assert!(MODELS.iter().all(|model| facts.iter().any(|facts| facts.model == *model)));
    }

    #[test]
    fn timestamps_print_in_the_wire_form() {
        let facts = Facts { micros: 3 * MICROS_PER_DAY + 3_723_000_042, ..Generator::new(1).facts(0) };
        assert_eq!(facts.timestamp(), "2026-01-04T01:02:03.000042Z");
    }
}
