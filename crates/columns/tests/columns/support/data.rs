//! Random logs of every kind: nulls, empty strings, Unicode, nested and mixed metadata, dotted keys, odd ids.

use super::Random;
use evalset_model::field::Field;
use evalset_model::ids::{LogId, RowNumber};
use evalset_model::log::{Log, payload};
use evalset_model::scalar::{Kind, Scalar};
use evalset_model::score::{ComparedScore, ComparedScores};
use serde_json::{Map, Value, json};

pub const TEXTS: &[&str] = &[
    "",
    "a",
    "A",
    "b",
    "É",
    "é",
    "Straße",
    "STRASSE",
    "İstanbul",
    "日本語",
    "gpt-4o",
    "GPT-4o",
    "gpt-4o-mini",
    "error",
    "success",
    "hello world",
    "world, hello!",
    "[]",
    "{}",
    "null",
    "true",
    "1",
    "1.0",
    "0.5",
    "a\0",
    "session-00012345",
    "session-00012346",
    "session-0001",
    "x\ny",
];

pub const WHOLE: &[i64] = &[
    0,
    1,
    -1,
    2,
    3,
    200,
    500,
    65_536,
    i32::MIN as i64,
    i32::MIN as i64 - 1,
    i32::MAX as i64,
    i32::MAX as i64 + 1,
    (1 << 53) - 1,
    1 << 53,
    (1 << 53) + 1,
    -(1 << 53) - 1,
    i64::MIN,
    i64::MIN + 1,
    i64::MAX,
    i64::MAX - 1,
];

pub const FLOATS: &[f64] = &[
    0.0,
    -0.0,
    0.5,
    -0.5,
    1.0,
    2.0,
    2.5,
    200.0,
    1e-300,
    -1e300,
    1e19,
    9_007_199_254_740_992.0,
    f64::MAX,
    f64::MIN_POSITIVE,
];

pub const KEYS: &[&str] = &["tier", "turns", "a", "b", "a.b", "a.b.c", "b.a", "_hidden", "", "é", "x.y", "c"];

pub const PATHS: &[&str] = &[
    "tier",
    "turns",
    "a",
    "b",
    "c",
    "a.b",
    "a.b.c",
    "a.c",
    "b.a",
    "b.a.b",
    "x.y",
    "x.y.a",
    "x",
    "_hidden",
    "",
    ".a",
    "a.",
    "é",
    "nobody",
    "d.1.2.3.4.5.6",
    "d.1.2.3.4.5.6.7",
    "d.1.2.3.4.5.6.7.8",
    "d.1.2.3.4.5.6.7.8.9",
    "c.a.b",
    "a.a",
];

pub const EVALUATORS: &[&str] = &["e1", "e2", "tone", "550e8400-e29b-41d4-a716-446655440000", "nobody"];

/// A row of the model that the columns are compared with.
#[derive(Clone, Debug)]
pub struct Row {
    pub number: RowNumber,
    pub log: Log,
    pub scores: ComparedScores,
}

/// How ids of a collection look.
#[derive(Clone, Copy, Debug)]
pub enum IdStyle {
    Rising,
    Hex,
    Mixed,
}

pub fn id(random: &mut Random, style: IdStyle, serial: usize) -> LogId {
    let hex = |number: u128| format!("{number:032x}");
    LogId(match style {
        IdStyle::Rising => hex(serial as u128 + (1 << 70)),
        IdStyle::Hex => hex(u128::from(random.next()) << 64 | serial as u128),
        IdStyle::Mixed => match random.below(5) {
            0 => format!("row-{serial}"),
            1 => format!("{:032X}", u128::from(random.next()) << 64 | serial as u128),
            2 => format!("é{serial}"),
            _ => hex(u128::from(random.next() % 4) << 125 | serial as u128),
        },
    })
}

pub fn row(random: &mut Random, number: RowNumber, id: LogId) -> Row {
    let mut log = Log::new(id);
    let fill = *random.of(&[2, 4, 12]);
    for field in Field::ALL {
        if random.one_in(fill) || matches!(field, Field::Status | Field::Model | Field::Cost if !random.one_in(4)) {
            log.scalars.set(*field, Some(scalar(random, *field)));
        }
    }
    log.metadata = match random.below(8) {
        0 => Map::new(),
        1 => object(random, 3),
        2 => deep(random),
        _ => object(random, 2),
    };
    for key in [payload::INPUT, payload::OUTPUT, payload::EXPECTED_OUTPUT, "tools", "variables"] {
        if random.one_in(2) {
            let value = json_value(random, 2);
            if !value.is_null() {
                log.payload.insert(key.to_owned(), value);
            }
        }
    }
    Row { number, log, scores: scores(random) }
}

/// Fields that are summed stay small and exact in binary, so that the order of adding does not matter.
fn scalar(random: &mut Random, field: Field) -> Scalar {
    let summed = matches!(
        field,
        Field::Cost
            | Field::TotalRequestTokens
            | Field::PromptTokens
            | Field::CompletionTokens
            | Field::Latency
            | Field::TokensPerSecond
            | Field::TimeToFirstToken
    );
    match field.kind() {
        Kind::Text if field == Field::Status => Scalar::Text((*random.of(&["error", "success", "Error"])).to_owned()),
        Kind::Text => Scalar::Text(text(random)),
        Kind::Int if summed => Scalar::Int(random.below(5_000) as i64 - 10),
        Kind::Int => Scalar::Int(*random.of(WHOLE)),
        Kind::Float if summed => Scalar::Float(random.below(4_000) as f64 / 16.0),
        Kind::Float => Scalar::Float(*random.of(FLOATS)),
        Kind::Bool => Scalar::Bool(random.one_in(2)),
        Kind::Time => Scalar::Time(time(random)),
    }
}

pub fn time(random: &mut Random) -> i64 {
    match random.below(6) {
        0 => *random.of(&[0, -1, i64::MIN, i64::MAX]),
        _ => 1_767_225_600_000_000 + random.below(40) as i64 * 1_000_000,
    }
}

pub fn text(random: &mut Random) -> String {
    if random.one_in(6) { format!("session-{:05}", random.below(400)) } else { (*random.of(TEXTS)).to_owned() }
}

pub fn json_value(random: &mut Random, depth: usize) -> Value {
    match random.below(if depth == 0 { 8 } else { 11 }) {
        0 => Value::Null,
        1 => Value::Bool(random.one_in(2)),
        2 => Value::from(*random.of(WHOLE)),
        3 => Value::from(*random.of(FLOATS)),
        4 => Value::from(*random.of(&[u64::MAX, u64::MAX - 1, 1 << 63])),
        5..=7 => Value::from(text(random)),
        8 => (0..random.below(4)).map(|_| json_value(random, depth - 1)).collect(),
        _ => Value::Object(object(random, depth - 1)),
    }
}

fn object(random: &mut Random, depth: usize) -> Map<String, Value> {
    let members = random.below(6);
    (0..members).map(|_| ((*random.of(KEYS)).to_owned(), json_value(random, depth))).collect()
}

/// Nested deeper than there are columns for.
fn deep(random: &mut Random) -> Map<String, Value> {
    let mut value = json_value(random, 0);
    for level in (1..=5 + random.below(5)).rev() {
        value = json!({ level.to_string(): value });
    }
    let mut map = object(random, 1);
    map.insert("d".to_owned(), value);
    if random.one_in(3) {
        map.insert("d.1.2.3.4.5.6.7.8.9".to_owned(), json_value(random, 1));
    }
    map
}

/// Scores of a row, of any type.
pub fn scores(random: &mut Random) -> ComparedScores {
    let mut scores = ComparedScores::none();
    for key in &EVALUATORS[..4] {
        if random.one_in(3) {
            scores.put(*key, score(random));
        }
    }
    scores
}

fn score(random: &mut Random) -> ComparedScore {
    match random.below(6) {
        0 => ComparedScore::None,
        1 | 2 => ComparedScore::Number(*random.of(FLOATS)),
        3 => ComparedScore::Bool(random.one_in(2)),
        4 => ComparedScore::Text((*random.of(TEXTS)).to_owned()),
        _ => ComparedScore::Choices((0..random.below(3)).map(|_| (*random.of(TEXTS)).to_owned()).collect()),
    }
}
