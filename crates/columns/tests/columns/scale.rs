//! Orders and filters over enough rows for threshold buffers, deep pages and large dictionaries to come into play.

use crate::support::Random;
use crate::support::data::{IdStyle, id};
use crate::support::files::TestFiles;
use evalset_columns::{ColumnLimits, Columns, LogRef};
use evalset_model::field::Field;
use evalset_model::filter::meaning::{SortKey, compare_keys, holds, order};
use evalset_model::filter::{Compare, Literal, LogField, Test, Tree};
use evalset_model::ids::RowNumber;
use evalset_model::log::Log;
use evalset_model::page::Sort;
use evalset_model::scalar::Scalar;
use evalset_model::score::ComparedScores;
use serde_json::json;

struct Many {
    columns: Columns,
    logs: Vec<Log>,
    scores: ComparedScores,
}

/// Rows numbered from 1 in the order of their times, with distinct trace ids and few statuses.
fn many(rows: usize, chunk_rows: usize, style: IdStyle) -> Many {
    let mut random = Random::new(rows as u64);
    let mut columns = Columns::with_chunk_rows(&ColumnLimits { metadata_columns: 1_000 }, chunk_rows);
    let scores = ComparedScores::none();
    let mut logs = Vec::with_capacity(rows);
    for serial in 0..rows {
        let mut log = Log::new(id(&mut random, style, serial));
        log.scalars.set(Field::Timestamp, Some(Scalar::Time(serial as i64 / 3 * 1_000)));
        log.scalars.set(Field::StartTime, Some(Scalar::Time(serial as i64 / 800)));
        log.scalars.set_text(Field::TraceUniqueId, format!("trace-{:x}", random.next() >> 20));
        if !random.one_in(10) {
            log.scalars.set_text(Field::Status, *random.of(&["success", "error"]));
            log.scalars.set(Field::Cost, Some(Scalar::Float(random.below(50_000) as f64 / 64.0)));
        }
        let mixed = match random.below(4) {
            0 => json!({"n": serial}),
            1 => json!({"n": format!("{}", random.below(300))}),
            2 => json!({"n": [serial % 7], "rare": serial}),
            _ => json!({"n": serial % 2 == 0}),
        };
        log.metadata = mixed.as_object().cloned().unwrap_or_default();
        let row = LogRef { id: log.id.as_str(), scalars: &log.scalars, metadata: &log.metadata, scores: Some(&scores) };
        columns.append(RowNumber::new(serial as i64 + 1), row);
        logs.push(log);
    }
    Many { columns, logs, scores }
}

impl Many {
    fn check_order(&self, field: &LogField, descending: bool) {
        let keys: Vec<SortKey<'_>> = self.logs.iter().map(|log| order(field, log, &self.scores)).collect();
        let mut expected: Vec<usize> = (0..self.logs.len()).collect();
        expected.sort_by(|left, right| {
            compare_keys(&keys[*left], &keys[*right], descending)
                .then_with(|| self.logs[*left].id.cmp(&self.logs[*right].id))
        });
        let expected: Vec<RowNumber> = expected.into_iter().map(|at| RowNumber::new(at as i64 + 1)).collect();
        let sort = Sort { field: field.clone(), descending };
        let all = self.columns.everything();
        assert!(self.columns.order(&all, Some(&sort)) == expected, "order by {sort:?}");
        let rows = expected.len();
        for offset in [0, 25, 1_000, 4_090, rows / 4, rows / 2, rows * 9 / 10, rows - 10, rows] {
            let page: Vec<RowNumber> = expected.iter().copied().skip(offset).take(25).collect();
            let found = self.columns.page(&all, &sort, offset as u64, 25);
            assert_eq!(found, page, "25 rows after {offset} by {sort:?}");
        }
    }
}

#[test]
fn pages_of_any_depth_are_cut_from_the_reference_order() {
    for style in [IdStyle::Rising, IdStyle::Hex, IdStyle::Mixed] {
        let many = many(12_000, 256, style);
        for field in [
            LogField::Id,
            LogField::Scalar(Field::Timestamp),
            LogField::Scalar(Field::StartTime),
            LogField::Scalar(Field::Cost),
            LogField::Scalar(Field::Status),
            LogField::Scalar(Field::Category),
            LogField::Metadata("n".to_owned()),
            LogField::Metadata("rare".to_owned()),
        ] {
            for descending in [false, true] {
                many.check_order(&field, descending);
            }
        }
    }
}

#[test]
fn texts_too_many_to_rank_are_ordered_and_tested_all_the_same() {
    let many = many(70_000, 1 << 16, IdStyle::Hex);
    let field = LogField::Scalar(Field::TraceUniqueId);
    for descending in [false, true] {
        many.check_order(&field, descending);
    }
    let contains = Compare { field, test: Test::Contains { needles: vec!["abc".to_owned()], fold: false } };
    let even = Compare { field: LogField::Metadata("n".to_owned()), test: Test::AnyOf(vec![truth()]) };
    let filter = Tree::And(vec![Tree::Compare(contains), Tree::Not(Box::new(Tree::Compare(even)))]);
    let found = many.columns.row_numbers(&many.columns.evaluate(&filter).yes);
    let expected: Vec<RowNumber> = (1..)
        .map(RowNumber::new)
        .zip(&many.logs)
        .filter(|(_, log)| holds(&filter, log, &many.scores))
        .map(|(number, _)| number)
        .collect();
    assert!(expected.len() > 10 && found == expected);
}

/// A name, and what walks.
type Walk<'a> = (&'a str, &'a dyn Fn(&Columns));

/// So that memory of files is let go of on the way, not after it.
#[test]
fn walks_tell_how_far_they_have_come() {
    let mut many = many(64 * 1_024, 1_024, IdStyle::Hex);
    let mut files = TestFiles::default();
    for (part, _) in many.columns.unsealed() {
        let draft = many.columns.draft(&[part]).unwrap();
        let file = files.write(draft.bytes());
        many.columns.adopt(draft.sealed(&file).unwrap());
    }
    // Chunks that were changed lie in their files still.
    (1..64 * 1_024)
        .step_by(1_024)
        .for_each(|row| many.columns.set_scores(RowNumber::new(row), &ComparedScores::none()));
    let (all, chunks) = (many.columns.everything(), 64);
    let cost = Sort { field: LogField::Scalar(Field::Cost), descending: true };
    let mark = many.columns.mark(many.columns.page(&all, &cost, 9_000, 1)[0], &cost).unwrap();
    let even = Compare { field: LogField::Metadata("n".to_owned()), test: Test::AnyOf(vec![truth()]) };
    let texts = Compare {
        field: LogField::Scalar(Field::TraceUniqueId),
        test: Test::Contains { needles: vec!["abc".to_owned()], fold: false },
    };
    let walks: [Walk<'_>; 11] = [
        ("filter", &|columns| drop(columns.evaluate(&Tree::Compare(even.clone())))),
        ("first page", &|columns| drop(columns.page(&all, &cost, 0, 25))),
        ("page far inside", &|columns| drop(columns.page(&all, &cost, 30_000, 25))),
        ("order", &|columns| drop(columns.order(&all, Some(&cost)))),
        ("rows after", &|columns| drop(columns.after(&all, &cost, &mark))),
        ("sums", &|columns| drop(columns.sums(&all))),
        ("groups", &|columns| drop(columns.groups(&all, &LogField::Scalar(Field::Status)))),
        ("numbers", &|columns| drop(columns.row_numbers(&all))),
        ("ids", &|columns| columns.for_each_id(&all, |_, _| ())),
        ("rows of a set", &|columns| drop(columns.select_in(|_| 1))),
        ("texts", &|columns| drop(columns.evaluate(&Tree::Compare(texts.clone())))),
    ];
    for with_orders in [false, true] {
        files.passed();
        for (name, walk) in walks {
            walk(&many.columns);
            // Texts have files of their own, looked into beside the chunks.
            let passed = files.passed() - if name == "texts" { 64 } else { 0 };
            assert!(passed >= chunks, "{name}, orders {with_orders}: {passed} of {chunks}");
        }
        many.columns.wanted_orders().iter().for_each(|wanted| many.columns.make_order(wanted));
    }
}

fn truth() -> Literal {
    Literal::Bool(true)
}
