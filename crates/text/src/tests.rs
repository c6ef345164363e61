//! Random texts and tests: what a segment says of a document must fit the reference meaning, before and after a merge.

use crate::{Builder, Docs, Part, Plan, Segment, merge, plan};
use evalset_model::field::TextField;
use evalset_model::filter::{Compare, Like, Literal, LogField, Pattern, Readings, Test, Tree, meaning};
use evalset_model::ids::{LogId, RowNumber};
use evalset_model::log::Log;
use evalset_model::score::ComparedScores;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;

/// Pieces of texts and needles: letters of all kinds next to each other, gaps, tokens too long to be terms.
const PIECES: &[&str] = &[
    "a", "b", "ab", "A", "Ab", "the", "The", "THE", "x1", "0", " ", " ", " ", "\n", ", ", "-", "--", ".", "\u{1}",
    "\0", "Σ", "σ", "ς", "ΑΣ", "ΑΣΑ", "'", "İ", "i", "ı", "I", "ſ", "s", "S", "K", "k", "ß", "É", "é", "e\u{301}",
    "日", "本", "\u{307}", "[]", "{}", "\"", "ǅ", "ﬀ", "Ⱥ", "²", "ª",
];

/// A seeded generator.
struct Dice(u64);

impl Dice {
    fn below(&mut self, count: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % count as u64) as usize
    }

    fn text(&mut self, pieces: usize) -> String {
        let mut text = String::new();
        for _ in 0..self.below(pieces + 1) {
            match self.below(60) {
                0 => text.push_str(&"y".repeat(250 + self.below(12))),
                1 => text.push_str(&"=".repeat(250 + self.below(12))),
                _ => text.push_str(PIECES[self.below(PIECES.len())]),
            }
        }
        text
    }

    /// A part of one of the texts, or something else.
    fn needle(&mut self, logs: &[Log]) -> String {
        let log = &logs[self.below(logs.len())];
        let text = meaning::text_of(log, *[TextField::Input, TextField::FullText].get(self.below(2)).unwrap());
        match text {
            Some(text) if self.below(4) > 0 => {
                let letters: Vec<char> = text.chars().collect();
                let start = self.below(letters.len() + 1);
                let length = if self.below(8) == 0 { letters.len() } else { 1 + self.below(6) };
                letters[start..(start + length).min(letters.len())].iter().collect()
            }
            _ => self.text(3),
        }
    }

    fn test(&mut self, logs: &[Log]) -> Test {
        let needle = self.needle(logs);
        let text = Literal::Text(needle.clone());
        match self.below(13) {
            0 | 1 => Test::Words(meaning::words::words(&needle)),
            2 | 3 => Test::Contains { needles: vec![needle], fold: false },
            4 | 5 => Test::Contains { needles: vec![needle.to_lowercase()], fold: true },
            6 => Test::StartsWith(vec![needle]),
            7 => Test::EndsWith(vec![needle, self.text(1)]),
            8 => Test::AnyOf(vec![text, Literal::Dynamic(Readings::default())]),
            9 => Test::AnyOfFolded(vec![needle.to_lowercase()]),
            10 => {
                let source = if needle.is_empty() { "z".to_owned() } else { regex::escape(&needle) };
                let source = match self.below(4) {
                    0 => format!("{source}+.?{}", regex::escape(&self.text(1))),
                    1 => format!("({source}|{})x?", regex::escape(&self.text(2))),
                    2 => format!("(?-i:{source})[aA]*"),
                    _ => source,
                };
                let fold = self.below(2) == 0;
                Test::Regex(Pattern::new(source, fold, self.below(2) == 0).unwrap())
            }
            11 => {
                let like = match self.below(4) {
                    0 => format!("%{needle}%"),
                    1 => format!("%{}_%{needle}%", self.text(1)),
                    2 => format!("{needle}%"),
                    _ => format!("%{needle}"),
                };
                Test::Like(Like::new(&like).unwrap())
            }
            _ => [Test::IsNull, Test::Empty].into_iter().nth(self.below(2)).unwrap(),
        }
    }

    fn log(&mut self) -> Log {
        let mut log = Log::new(LogId(String::new()));
        for part in Part::ALL {
            let text = self.text(8);
            let value = match self.below(12) {
                0 => continue,
                1 => Value::Null,
                2 => json!([text]),
                3 => json!({}),
                _ => json!(text),
            };
            log.payload.insert(part.field().name().to_owned(), value);
        }
        log
    }
}

fn build(path: &Path, rows: &[(RowNumber, &Log)]) -> Arc<Segment> {
    let mut builder = Builder::default();
    for (row, log) in rows {
        let texts = Part::ALL.map(|part| meaning::text_of(log, part.field()));
        builder.add(*row, texts.each_ref().map(|text| text.as_deref()));
    }
    builder.write(path, &|| true).unwrap();
    Arc::new(Segment::open(path, &|| true).unwrap())
}

const FIELDS: [TextField; 4] = [TextField::Input, TextField::Output, TextField::ExpectedOutput, TextField::FullText];

/// Compares what a segment says with the reference; returns how many documents it left open, and how many it was asked
/// for.
fn compare(segment: &Segment, logs: &[&Log], field: TextField, test: &Test) -> (usize, usize) {
    let plan = plan(field, test).unwrap();
    let outcome = plan.ask(segment, &|| true).unwrap();
    let filter = Tree::Compare(Compare { field: LogField::Text(field), test: test.clone() });
    for (doc, log) in logs.iter().enumerate() {
        let passes = meaning::holds(&filter, log, &ComparedScores::none());
        let (certain, possible) = (outcome.certain.contains(doc), outcome.possible.contains(doc));
        assert!(passes || !certain, "{plan:?} is certain of {log:?}, which fails {test:?}");
        assert!(!passes || possible, "{plan:?} leaves out {log:?}, which passes {test:?}");
        assert!(possible || !certain);
    }
    (outcome.possible.count() - outcome.certain.count(), logs.len())
}

#[test]
fn random_tests_fit_the_meaning() {
    let folder = tempfile::tempdir().unwrap();
    let mut dice = Dice(7);
    let (mut open, mut asked) = (0, 0);
    for round in 0..40 {
        let logs: Vec<Log> = (0..60).map(|_| dice.log()).collect();
        let rows: Vec<(RowNumber, &Log)> =
            logs.iter().enumerate().map(|(at, log)| (RowNumber::new(at as i64 * 3 + 1), log)).collect();
        let (first, second) = rows.split_at(20 + dice.below(30));
        let segments = [build(&folder.path().join("a"), first), build(&folder.path().join("b"), second)];
        let mut gone = [Docs::none(first.len()), Docs::none(second.len())];
        let left: Vec<&Log> = rows.iter().map(|(_, log)| *log).skip(1).collect();
        gone[0].insert(0);
        let inputs: Vec<_> = segments.iter().cloned().zip(gone).collect();
        let path = folder.path().join(format!("c{round}"));
        merge(&inputs, &path, &|| true).unwrap();
        let merged = Segment::open(&path, &|| true).unwrap();
        assert_eq!(
            (0..merged.len()).map(|doc| merged.row(doc)).collect::<Vec<_>>(),
            rows[1..].iter().map(|(row, _)| *row).collect::<Vec<_>>()
        );
        assert!(rows[1..].iter().enumerate().all(|(doc, (row, _))| merged.doc(*row) == Some(doc)));
        assert_eq!((merged.doc(RowNumber::new(1)), merged.doc(RowNumber::new(5))), (None, None));
        let logs_of = |rows: &[(RowNumber, &Log)]| -> Vec<Log> { rows.iter().map(|(_, log)| (*log).clone()).collect() };
        let (one, two) = (logs_of(first), logs_of(second));
        for _ in 0..150 {
            let test = dice.test(&logs);
            let field = FIELDS[dice.below(4)];
            compare(&segments[0], &one.iter().collect::<Vec<_>>(), field, &test);
            compare(&segments[1], &two.iter().collect::<Vec<_>>(), field, &test);
            let (more, documents) = compare(&merged, &left, field, &test);
            open += more;
            asked += documents;
        }
    }
    // Tokens too long and needles of words and other gaps than single spaces stay open, most do not.
    assert!(open * 10 < asked, "{open} of {asked} open");
}

#[test]
fn words_and_single_tokens_are_certain() {
    let folder = tempfile::tempdir().unwrap();
    let texts = ["The quick brown fox", "the fox", "Foxes", "no", "timeOut: 12"];
    let logs: Vec<Log> = texts
        .iter()
        .map(|text| {
            let mut log = Log::new(LogId(String::new()));
            log.payload.insert("input".to_owned(), json!(text));
            log
        })
        .collect();
    let rows: Vec<_> = logs.iter().enumerate().map(|(at, log)| (RowNumber::new(at as i64), log)).collect();
    let segment = build(&folder.path().join("a"), &rows);
    let all: Vec<&Log> = logs.iter().collect();
    let contains = |needle: &str, fold| Test::Contains { needles: vec![needle.to_owned()], fold };
    for test in [
        Test::Words(vec!["fox".to_owned(), "the".to_owned()]),
        contains("fox", true),
        contains("The", false),
        contains("o", false),
        contains(": ", false),
        contains("the fox", true),
        contains("he fox", false),
        contains("ick brown f", true),
        Test::StartsWith(vec!["the".to_owned()]),
        Test::EndsWith(vec!["x".to_owned()]),
        Test::IsNull,
        Test::Empty,
    ] {
        assert_eq!(compare(&segment, &all, TextField::Input, &test).0, 0, "{test:?}");
    }
    assert!(compare(&segment, &all, TextField::Input, &contains("timeout: 1", true)).0 > 0);
    assert_eq!(plan(TextField::Messages, &Test::IsNull), None::<Plan>);
}

/// Rows of a few frequent words, more than are held at once, in two segments of which some rows are gone and some come
/// later.
#[test]
fn phrases_of_frequent_words_are_certain() {
    const ROWS: usize = 40_000;
    let folder = tempfile::tempdir().unwrap();
    let mut dice = Dice(11);
    let words = ["alpha", "Beta", "gamma", "delta", "alphabet", "é"];
    let gaps = [" ", " ", " ", ", ", "  "];
    let texts: Vec<String> = (0..ROWS)
        .map(|_| {
            // Some are longer than what has a bit for each place.
            let count = if dice.below(100) == 0 { 1_500 } else { 7 };
            if dice.below(1_000) == 0 {
                return "gamma ".repeat(1_100) + ["omega psi.", "psi, omega psi"][dice.below(2)];
            }
            (0..count).map(|_| [words[dice.below(words.len())], gaps[dice.below(gaps.len())]].concat()).collect()
        })
        .collect();
    let build = |name: &str, rows: &mut dyn Iterator<Item = usize>| {
        let mut builder = Builder::default();
        rows.for_each(|row| builder.add(RowNumber::new(row as i64), [Some(&texts[row]), None, None]));
        builder.write(&folder.path().join(name), &|| true).unwrap();
        Arc::new(Segment::open(&folder.path().join(name), &|| true).unwrap())
    };
    // The second has rows between those of the first, as when rows are read again.
    let later = |row: &usize| *row >= ROWS * 3 / 4 || row.is_multiple_of(10);
    let segments = [build("a", &mut (0..ROWS).filter(|row| !later(row))), build("b", &mut (0..ROWS).filter(later))];
    let mut gone = Docs::none(segments[0].len());
    gone.insert(5);
    let lost = segments[0].row(5);
    let none = Docs::none(segments[1].len());
    merge(&[(segments[0].clone(), gone), (segments[1].clone(), none)], &folder.path().join("c"), &|| true).unwrap();
    let merged = Arc::new(Segment::open(&folder.path().join("c"), &|| true).unwrap());
    assert_eq!(merged.len(), ROWS - 1);
    let needles = [
        "alpha beta",
        "alpha Beta",
        "a gamma d",
        "é alpha gamma be",
        "delta delta delta",
        "ta alphabet é",
        "a omega psi",
    ];
    for (needle, fold) in
        needles.into_iter().flat_map(|needle| [(needle.to_lowercase(), true), (needle.to_owned(), false)])
    {
        let test = Test::Contains { needles: vec![needle.clone()], fold };
        let plan = plan(TextField::Input, &test).unwrap();
        for segment in segments.iter().chain([&merged]) {
            let outcome = plan.ask(segment, &|| true).unwrap();
            assert_eq!(outcome.certain, outcome.possible, "{needle}");
            for doc in 0..segment.len() {
                let row = segment.row(doc);
                assert_ne!((row, segment.len()), (lost, merged.len()));
                let text =
                    if fold { texts[row.get() as usize].to_lowercase() } else { texts[row.get() as usize].clone() };
                let expected = text.contains(&needle);
                assert_eq!(outcome.certain.contains(doc), expected, "{needle} in {}", texts[row.get() as usize]);
            }
        }
    }
}

/// What is looked for in few documents, in too many words, or in texts with too many places, is left to be read.
#[test]
fn what_would_be_too_much_is_left_open() {
    let folder = tempfile::tempdir().unwrap();
    // One in 4,096 documents is few; 3,000 words begin with `zz`; the texts at the end have 600,000 places beyond the
    // first.
    let text = |row: usize| match row {
        17 => "beta rare found".to_owned(),
        18 => "rare beta, found".to_owned(),
        10_000.. => "zeta ".repeat(302_000),
        _ => format!("alpha zz{} one two three four five six seven eight nine {}", row % 3_000, row % 2),
    };
    let mut builder = Builder::default();
    let texts: Vec<String> = (0..10_002).map(text).collect();
    texts.iter().enumerate().for_each(|(row, text)| builder.add(RowNumber::new(row as i64), [Some(text), None, None]));
    let path = folder.path().join("a");
    builder.write(&path, &|| true).unwrap();
    let segment = Segment::open(&path, &|| true).unwrap();
    let numbers = "one two three four five six seven eight nine 1";
    for (needle, certain, possible) in [
        ("beta rare", 0, 2),
        ("alpha zz", 0, 10_000 - 2),
        ("alpha zz7", 444, 444),
        (numbers, 0, 5_000 - 1),
        (&numbers[..31], 10_000 - 2, 10_000 - 2),
        ("zeta zeta", 0, 2),
    ] {
        let plan = plan(TextField::Input, &Test::Contains { needles: vec![needle.to_owned()], fold: true }).unwrap();
        let outcome = plan.ask(&segment, &|| true).unwrap();
        let count = |docs: &Docs| docs.count();
        assert_eq!((count(&outcome.certain), count(&outcome.possible)), (certain, possible), "{needle}");
        for (row, text) in texts.iter().enumerate() {
            let passes = text.contains(needle);
            assert!(passes || !outcome.certain.contains(row), "{needle} in {row}");
            assert!(!passes || outcome.possible.contains(row), "{needle} in {row}");
        }
        let given_up = plan.ask(&segment, &|| false).unwrap_err();
        assert_eq!(given_up.kind(), std::io::ErrorKind::Interrupted);
    }
}

#[test]
fn harmed_files_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a");
    let mut dice = Dice(3);
    let logs: Vec<Log> = (0..50).map(|_| dice.log()).collect();
    build(&path, &logs.iter().enumerate().map(|(at, log)| (RowNumber::new(at as i64), log)).collect::<Vec<_>>());
    let bytes = std::fs::read(&path).unwrap();
    for at in (0..bytes.len()).step_by(97) {
        let mut harmed = bytes.clone();
        harmed[at] ^= 16;
        std::fs::write(&path, &harmed).unwrap();
        assert!(Segment::open(&path, &|| true).is_err());
        std::fs::write(&path, &bytes[..at]).unwrap();
        assert!(Segment::open(&path, &|| true).is_err());
    }
    assert!(Segment::open(&path, &|| false).is_err());
}
