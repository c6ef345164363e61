//! Random filters over every field and every test, nested; also such that a checked filter would never hold.

use super::Random;
use super::data::{EVALUATORS, FLOATS, KEYS, PATHS, Row, TEXTS, WHOLE, text, time};
use evalset_model::field::{Field, TextField};
use evalset_model::filter::{Compare, Like, Literal, LogField, LogFilter, Order, Pattern, Readings, Test, Tree};
use evalset_model::page::Sort;
use evalset_model::scalar::{Kind, format_time};

/// What filters are drawn from.
pub struct Pools {
    patterns: Vec<Pattern>,
    likes: Vec<Like>,
}

impl Pools {
    pub fn new() -> Self {
        let patterns = ["^a", "(?i)é", "[0-9]+$", "o.*o", "^$", "session-0+1", "\"a\":", "(?s)^.{3}$", "null|true"];
        let plain = patterns.iter().map(|pattern| (*pattern, false, false));
        let flagged = [("É", true, false), ("^.{3}$", false, true), ("X.y", true, true)];
        let patterns = plain.chain(flagged);
        let likes = ["%É%", "g_t%", "_", "%o%o%", "x_y", "%[]", "session-0%1"];
        Self {
            patterns: patterns.map(|(source, fold, dot_all)| Pattern::new(source, fold, dot_all).unwrap()).collect(),
            likes: likes.iter().map(|pattern| Like::new(pattern).unwrap()).collect(),
        }
    }

    pub fn filter(&self, random: &mut Random, rows: &[Row], depth: usize) -> LogFilter {
        let parts = |random: &mut Random| (0..random.below(4)).map(|_| self.filter(random, rows, depth - 1)).collect();
        match random.below(if depth == 0 { 5 } else { 10 }) {
            0..=4 => Tree::Compare(self.compare(random, rows)),
            5 | 6 => Tree::And(parts(random)),
            7 | 8 => Tree::Or(parts(random)),
            _ => Tree::Not(Box::new(self.filter(random, rows, depth - 1))),
        }
    }

    fn compare(&self, random: &mut Random, rows: &[Row]) -> Compare<LogField> {
        let field = field(random);
        let test = self.test(random, rows, &field);
        Compare { field, test }
    }

    fn test(&self, random: &mut Random, rows: &[Row], field: &LogField) -> Test {
        let folded = |random: &mut Random| text(random).to_lowercase();
        let some = |random: &mut Random| 1 + if random.one_in(3) { random.below(7) } else { 0 };
        let maps = matches!(field, LogField::MetadataMap | LogField::ScoreMap);
        if maps && random.one_in(2) {
            return keys(random);
        }
        match random.below(21) {
            0..=3 => Test::AnyOf((0..some(random)).map(|_| literal(random, rows, field)).collect()),
            4..=8 => {
                let orders = [Order::Greater, Order::GreaterOrEqual, Order::Less, Order::LessOrEqual];
                Test::Ordered(*random.of(&orders), literal(random, rows, field))
            }
            9 => Test::AnyOfFolded((0..some(random)).map(|_| folded(random)).collect()),
            10 => Test::Contains { needles: (0..some(random)).map(|_| needle(random)).collect(), fold: false },
            11 => Test::Contains { needles: vec![needle(random).to_lowercase()], fold: true },
            12 => Test::StartsWith((0..some(random)).map(|_| needle(random)).collect()),
            13 => Test::EndsWith(vec![needle(random)]),
            14 => Test::Regex(random.of(&self.patterns).clone()),
            15 => Test::Words(vec![(*random.of(&["hello", "world", "a", "1", "session"])).to_owned()]),
            16 => Test::Similar((*random.of(&["hello", "gpt", "session"])).to_owned()),
            17 => Test::IsNull,
            18 => Test::Empty,
            19 => Test::Like(random.of(&self.likes).clone()),
            _ => keys(random),
        }
    }
}

pub fn sort(random: &mut Random) -> Sort {
    loop {
        let field = field(random);
        if field.sortable() {
            return Sort { field, descending: random.one_in(2) };
        }
    }
}

pub fn field(random: &mut Random) -> LogField {
    match random.below(24) {
        0 | 1 => LogField::Id,
        2..=10 => LogField::Scalar(*random.of(Field::ALL)),
        11 => LogField::Text(*random.of(TextField::ALL)),
        12..=18 => LogField::Metadata((*random.of(PATHS)).to_owned()),
        19 => LogField::MetadataMap,
        20..=22 => LogField::Score((*random.of(EVALUATORS)).to_owned()),
        _ => LogField::ScoreMap,
    }
}

fn keys(random: &mut Random) -> Test {
    Test::HasKeys((0..random.below(3)).map(|_| (*random.of(&[KEYS, EVALUATORS, PATHS].concat())).to_owned()).collect())
}

fn needle(random: &mut Random) -> String {
    let text = *random.of(TEXTS);
    text.chars().skip(random.below(3)).take(1 + random.below(4)).collect()
}

fn literal(random: &mut Random, rows: &[Row], field: &LogField) -> Literal {
    match field {
        LogField::Id => {
            let text =
                if random.one_in(6) || rows.is_empty() { text(random) } else { random.of(rows).log.id.0.clone() };
            Literal::Text(text)
        }
        LogField::Scalar(field) => match field.kind() {
            Kind::Text => Literal::Text(text(random)),
            Kind::Int | Kind::Float => Literal::Number(number(random)),
            Kind::Bool => Literal::Bool(random.one_in(2)),
            Kind::Time => Literal::Time(time(random)),
        },
        _ => any_literal(random),
    }
}

/// As `check` reads a wire value for a field of any type; sometimes with readings that do not belong together.
fn any_literal(random: &mut Random) -> Literal {
    Literal::Dynamic(match random.below(4) {
        0 => {
            let text = text(random);
            Readings { boolean: text.parse().ok(), number: text.parse().ok(), text: Some(text) }
        }
        1 => {
            let number = number(random);
            let text = Some(serde_json::Value::from(number).to_string());
            Readings { number: Some(number), text, boolean: None }
        }
        2 => {
            let flag = random.one_in(2);
            let number = random.one_in(2).then_some(f64::from(u8::from(flag)));
            Readings { boolean: Some(flag), text: Some(flag.to_string()), number }
        }
        _ => Readings { text: Some(format_time(time(random))), ..Readings::default() },
    })
}

fn number(random: &mut Random) -> f64 {
    match random.below(4) {
        0 => *random.of(WHOLE) as f64,
        1 => *random.of(FLOATS),
        2 => random.below(4_000) as f64 / 16.0,
        _ => random.below(5_000) as f64,
    }
}
