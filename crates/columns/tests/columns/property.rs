//! Columns against the reference meaning on plain rows: random rows, random filters, random orders. `EVALSET_SEED`
//! repeats a run.

use crate::support::Random;
use crate::support::data::{EVALUATORS, FLOATS, IdStyle, Row, id, row, scores};
use crate::support::files::TestFiles;
use crate::support::filters::{Pools, field, sort};
use evalset_columns::{Answer, ColumnLimits, Columns, Given, LogRef, Part, Rows, Sealed};
use evalset_model::filter::meaning::{SortKey, compare_logs, holds, lookup, order};
use evalset_model::filter::{LogField, LogFilter, Tree};
use evalset_model::ids::RowNumber;
use evalset_model::page::{Mark, Sort};
use evalset_model::score::ComparedScore;
use evalset_model::summary::{ScoreTotals, Sums};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::fmt::Write;

/// Filters over row sets that the test compares.
const CASES_MIN: u64 = 200_000;

#[expect(clippy::disallowed_methods, reason = "the seed of a test run is no configuration of the server")]
fn seed() -> u64 {
    match std::env::var("EVALSET_SEED") {
        Ok(seed) => seed.parse().expect("EVALSET_SEED must be a whole number"),
        Err(_) => 2026,
    }
}

/// Columns beside the plain rows they were made from.
struct Pair {
    columns: Columns,
    rows: Vec<Row>,
    limits: ColumnLimits,
    style: IdStyle,
    serial: usize,
    last: i64,
    files: TestFiles,
    /// Chunks and segments of texts that moved to files.
    sealed: [u64; 2],
}

#[derive(Default)]
struct Tally {
    cases: u64,
    rows: u64,
    matches: u64,
    undecided: u64,
    orders: u64,
    groups: u64,
    kept: u64,
    sealed: [u64; 2],
}

fn log_ref(row: &Row) -> LogRef<'_> {
    LogRef {
        id: row.log.id.as_str(),
        scalars: &row.log.scalars,
        metadata: &row.log.metadata,
        scores: Some(&row.scores),
    }
}

impl Pair {
    fn new(random: &mut Random) -> Self {
        let limits = ColumnLimits { metadata_columns: *random.of(&[0, 3, 12, 1_000, 1_000, 1_000]) };
        let style = *random.of(&[IdStyle::Rising, IdStyle::Hex, IdStyle::Mixed]);
        let columns = Columns::with_chunk_rows(&limits, 64);
        Self {
            columns,
            rows: Vec::new(),
            limits,
            style,
            serial: 0,
            last: random.below(3) as i64 - 1,
            files: TestFiles::default(),
            sealed: [0; 2],
        }
    }

    fn change(&mut self, random: &mut Random, steps: usize) {
        if random.below(6) == 0 {
            let mut bytes = Vec::new();
            self.columns.save(&mut bytes).unwrap();
            let files = &self.files;
            self.columns = Columns::load(&self.limits, &mut bytes.as_slice(), &|file| files.open(file)).unwrap();
        }
        let mut drafted = (random.below(4) > 0).then(|| self.seal(random)).flatten();
        // Parts come back from their files after some of the writes: what was written to meanwhile stays as it is.
        let back = random.below(steps + 1);
        for step in 0..steps {
            if step == back
                && let Some(sealed) = drafted.take()
            {
                self.columns.adopt(sealed);
            }
            match random.below(11) {
                0 if !self.rows.is_empty() => {
                    let gone = self.rows.remove(random.below(self.rows.len()));
                    self.columns.remove(gone.number);
                    self.columns.remove(gone.number);
                }
                1 if !self.rows.is_empty() => {
                    let at = random.below(self.rows.len());
                    self.rows[at] = row(random, self.rows[at].number, self.rows[at].log.id.clone());
                    self.columns.replace(self.rows[at].number, log_ref(&self.rows[at]));
                }
                2 if !self.rows.is_empty() => {
                    let at = random.below(self.rows.len());
                    let scores = std::mem::take(&mut self.rows[at].scores);
                    self.rows[at] = row(random, self.rows[at].number, self.rows[at].log.id.clone());
                    self.rows[at].scores = scores;
                    let kept = LogRef { scores: None, ..log_ref(&self.rows[at]) };
                    self.columns.replace(self.rows[at].number, kept);
                }
                3 if !self.rows.is_empty() => {
                    let at = random.below(self.rows.len());
                    self.rows[at].scores = scores(random);
                    self.columns.set_scores(self.rows[at].number, &self.rows[at].scores);
                }
                4 if !self.rows.is_empty() => self.put_score(random),
                _ => {
                    self.serial += 1;
                    self.last += 1 + random.below(4) as i64;
                    let id = id(random, self.style, self.serial);
                    let new = row(random, RowNumber::new(self.last), id);
                    self.columns.append(new.number, log_ref(&new));
                    self.rows.push(new);
                }
            }
        }
        self.check_rows(random);
    }

    /// Writes some of the parts that are in no file to one.
    fn seal(&mut self, random: &mut Random) -> Option<Sealed> {
        let parts: Vec<Part> =
            self.columns.unsealed().into_iter().map(|(part, _)| part).filter(|_| random.below(4) > 0).collect();
        let draft = self.columns.draft(&parts).ok().filter(|_| !parts.is_empty())?;
        for part in &parts {
            self.sealed[usize::from(matches!(part, Part::Texts(..)))] += 1;
        }
        let file = self.files.write(draft.bytes());
        Some(draft.sealed(&file).expect("what was drafted"))
    }

    /// Writes one score, as the newest of its row.
    fn put_score(&mut self, random: &mut Random) {
        let at = random.below(self.rows.len());
        let (keys, slugs) = EVALUATORS.split_at(4);
        let (key, slug) = (*random.of(keys), *random.of(slugs));
        let row = &mut self.rows[at];
        let score = ComparedScore::Number(*random.of(FLOATS));
        for name in [key, slug] {
            row.scores.put(name, score.clone());
        }
        self.columns.put_score(row.number, key, Some(slug), &score);
    }

    fn check_rows(&self, random: &mut Random) {
        let numbers: Vec<RowNumber> = self.rows.iter().map(|row| row.number).collect();
        let all = self.columns.everything();
        assert_eq!(self.columns.len(), numbers.len() as u64);
        assert_eq!(self.columns.count(&all), numbers.len() as u64);
        assert_eq!(self.columns.row_numbers(&all), numbers);
        assert_eq!(self.columns.order(&all, None), numbers.iter().copied().rev().collect::<Vec<_>>());
        assert_eq!(self.columns.row_numbers(&self.columns.select(&numbers)), numbers);
        let watermark = RowNumber::new(random.below(self.last.max(1) as usize + 3) as i64 - 1);
        let mut early = all.clone();
        self.columns.up_to(&mut early, watermark);
        let expected: Vec<RowNumber> = numbers.iter().copied().filter(|number| *number <= watermark).collect();
        assert_eq!(self.columns.row_numbers(&early), expected, "up to {watermark}");
        let mut ids = Vec::new();
        self.columns.for_each_id(&all, |number, id| ids.push((number, id.to_owned())));
        assert_eq!(ids, self.rows.iter().map(|row| (row.number, row.log.id.0.clone())).collect::<Vec<_>>());
        let newest: Vec<_> = self.rows.iter().rev().take(5).map(|row| row.log.id.clone()).collect();
        assert_eq!(self.columns.newest_ids(5), newest);
    }

    /// Rows that pass by the columns, with the undecided ones settled as a store does it.
    fn passing(&self, filter: &LogFilter, tally: &mut Tally) -> Vec<RowNumber> {
        let verdict = self.columns.evaluate(filter);
        let maybe = self.columns.row_numbers(&verdict.maybe);
        assert_eq!(verdict.residual.is_some(), !maybe.is_empty());
        if self.limits.metadata_columns >= 1_000 && !needs_rows(filter) {
            assert!(maybe.is_empty(), "nothing to doubt in {filter:?}");
        }
        tally.undecided += maybe.len() as u64;
        let mut passing = self.columns.row_numbers(&verdict.yes);
        let kept = maybe.into_iter().filter(|number| {
            let row = &self.rows[self.rows.binary_search_by_key(number, |row| row.number).expect("an alive row")];
            verdict.residual.as_ref().is_some_and(|residual| holds(residual, &row.log, &row.scores))
        });
        passing.extend(kept);
        let total = passing.len();
        passing.sort_unstable();
        passing.dedup();
        assert_eq!(passing.len(), total, "a row is both certain and undecided");
        self.check_given(filter, &passing);
        passing
    }

    /// Answers from elsewhere take the place of the columns' own: half of what passes as certain, the rest with others
    /// as open.
    fn check_given(&self, filter: &LogFilter, passing: &[RowNumber]) {
        let mut given = Given::default();
        filter.visit(&mut |compare| {
            let alone = Tree::Compare(compare.clone());
            let holds = |row: &RowNumber| {
                let at = self.rows.binary_search_by_key(row, |row| row.number);
                at.is_ok_and(|at| holds(&alone, &self.rows[at].log, &self.rows[at].scores))
            };
            let select = |test: &dyn Fn(RowNumber) -> bool| {
                let after = |row: RowNumber, bit| RowNumber::new(row.get() + bit);
                let window = |row| (0..64).fold(0, |word, bit| word | u64::from(test(after(row, bit))) << bit);
                self.columns.select_in(window)
            };
            let yes = select(&|row| row.get() % 2 == 0 && holds(&row));
            let maybe = select(&|row| row.get() % 2 != 0 && (row.get() % 3 == 0 || holds(&row)));
            given.add(compare, Answer { yes, maybe });
        });
        let verdict = self.columns.evaluate_given(filter, &given);
        let mut found = self.columns.row_numbers(&verdict.yes);
        found.extend(self.columns.row_numbers(&verdict.maybe).into_iter().filter(|number| {
            let at = self.rows.binary_search_by_key(number, |row| row.number).expect("an alive row");
            verdict.residual.as_ref().is_some_and(|rest| holds(rest, &self.rows[at].log, &self.rows[at].scores))
        }));
        found.sort_unstable();
        assert_eq!(found, passing, "{filter:?} with answers given");
    }

    fn check_filter(&self, filter: &LogFilter, tally: &mut Tally) -> Vec<RowNumber> {
        let found = self.passing(filter, tally);
        let expected: Vec<RowNumber> =
            self.rows.iter().filter(|row| holds(filter, &row.log, &row.scores)).map(|row| row.number).collect();
        assert!(found == expected, "{}", self.explain(filter, &found, &expected));
        tally.cases += 1;
        tally.rows += self.rows.len() as u64;
        tally.matches += found.len() as u64;
        found
    }

    /// The smallest part of the filter that the two disagree on, over one row.
    fn explain(&self, filter: &LogFilter, found: &[RowNumber], expected: &[RowNumber]) -> String {
        let wrong = self.rows.iter().find(|row| found.contains(&row.number) != expected.contains(&row.number));
        let Some(wrong) = wrong else { return format!("{filter:?}: {found:?} instead of {expected:?}") };
        let mut columns = Columns::with_chunk_rows(&self.limits, 64);
        columns.append(wrong.number, log_ref(wrong));
        let alone = Pair {
            columns,
            rows: vec![wrong.clone()],
            limits: self.limits,
            style: self.style,
            serial: 0,
            last: 0,
            files: TestFiles::default(),
            sealed: [0; 2],
        };
        let mut smallest = filter;
        loop {
            let parts: Vec<&LogFilter> = match smallest {
                Tree::And(parts) | Tree::Or(parts) => parts.iter().collect(),
                Tree::Not(part) => vec![part],
                Tree::Compare(_) => Vec::new(),
            };
            let differs = |part: &&LogFilter| {
                alone.passing(part, &mut Tally::default()).is_empty() == holds(part, &wrong.log, &wrong.scores)
            };
            match parts.into_iter().find(differs) {
                Some(part) => smallest = part,
                None => break,
            }
        }
        let mut text = format!("reference says {}, filter {smallest:?}\n", holds(smallest, &wrong.log, &wrong.scores));
        let alone_too =
            alone.passing(smallest, &mut Tally::default()).is_empty() == holds(smallest, &wrong.log, &wrong.scores);
        let _ = writeln!(text, "wrong with this row alone: {alone_too}; rows {}, {:?}", self.rows.len(), self.limits);
        let _ = writeln!(
            text,
            "{:?}\nmetadata {}\nscores {:?}",
            wrong.log.id,
            Value::from(wrong.log.metadata.clone()),
            wrong.scores
        );
        for (field, value) in wrong.log.scalars.iter() {
            let _ = writeln!(text, "{} {value:?}", field.name());
        }
        text
    }

    fn row(&self, number: RowNumber) -> &Row {
        &self.rows[self.rows.binary_search_by_key(&number, |row| row.number).expect("an alive row")]
    }

    /// Whether the columns leave the value of some of the rows to the rows themselves.
    fn doubts(&self, field: &LogField, rows: &Rows) -> bool {
        let mut doubtful = self.columns.doubtful(field);
        doubtful.intersect(rows);
        self.columns.count(&doubtful) > 0
    }

    fn check_order(&self, random: &mut Random, rows: &Rows, members: &[RowNumber], tally: &mut Tally) {
        let sort = sort(random);
        if self.doubts(&sort.field, rows) {
            return;
        }
        let mut expected = members.to_vec();
        expected.sort_by(|left, right| {
            let (left, right) = (self.row(*left), self.row(*right));
            compare_logs(&sort, (&left.log, &left.scores), (&right.log, &right.scores))
        });
        assert_eq!(self.columns.order(rows, Some(&sort)), expected, "order by {sort:?}");
        for _ in 0..2 {
            let offset = random.below(members.len() + 2);
            let limit = *random.of(&[0, 1, 3, 25, 5_000]);
            let page: Vec<RowNumber> = expected.iter().copied().skip(offset).take(limit).collect();
            // First without orders of chunks, then with those that the first would have used, or some of them.
            for _ in 0..4 {
                let found = self.columns.page(rows, &sort, offset as u64, limit as u64);
                assert_eq!(found, page, "{limit} rows after {offset} by {sort:?}");
                for wanted in self.columns.wanted_orders() {
                    match random.below(8) {
                        0 => self.columns.refuse_order(&wanted),
                        1 => self.columns.drop_oldest_orders(),
                        _ => {
                            self.columns.make_order(&wanted);
                            tally.kept += 1;
                        }
                    }
                }
            }
        }
        self.check_after(random, rows, &sort, &expected);
        tally.orders += 1;
    }

    /// Reading on after the place of any row, one of the list or not, whose id may be another by now.
    fn check_after(&self, random: &mut Random, rows: &Rows, sort: &Sort, ordered: &[RowNumber]) {
        let place = random.of(&self.rows);
        if self.doubts(&sort.field, &self.columns.select(&[place.number])) {
            return;
        }
        let key = |row: &Row| order(&sort.field, &row.log, &row.scores).into_owned();
        let mut mark = Mark { key: key(place), id: place.log.id.clone() };
        assert_eq!(self.columns.mark(place.number, sort), Some(mark.clone()), "place by {sort:?}");
        if random.below(3) == 0 {
            mark.id.0.push('~');
        }
        if let (0, SortKey::Text(text)) = (random.below(3), &mut mark.key) {
            // A value that no row has any more.
            text.to_mut().pop();
        }
        let later =
            |number: &RowNumber| mark.is_before(&key(self.row(*number)), &self.row(*number).log.id.0, sort.descending);
        let expected: Vec<RowNumber> = ordered.iter().copied().filter(later).collect();
        let found = self.columns.order(&self.columns.after(rows, sort, &mark), Some(sort));
        assert_eq!(found, expected, "after {mark:?} by {sort:?}");
    }

    fn check_sums(&self, random: &mut Random, rows: &Rows, members: &[RowNumber], tally: &mut Tally) {
        let mut sums = Sums::default();
        for number in members {
            sums.add(&self.row(*number).log);
        }
        assert_eq!(self.columns.sums(rows), sums);
        for key in EVALUATORS {
            let mut totals = ScoreTotals::default();
            for number in members {
                match self.row(*number).scores.get(key) {
                    Some(ComparedScore::Bool(flag)) => totals.add_flag(*flag),
                    Some(ComparedScore::Number(number)) => totals.add_number(*number),
                    _ => {}
                }
            }
            assert_eq!(self.columns.score_totals(rows, key), totals, "totals of {key}");
        }
        let by = field(random);
        if self.doubts(&by, rows) {
            return;
        }
        let mut expected: HashMap<Option<String>, Sums> = HashMap::new();
        for number in members {
            let row = self.row(*number);
            expected.entry(group_key(&by, row)).or_default().add(&row.log);
        }
        let groups = self.columns.groups(rows, &by);
        let number_of_groups = groups.len();
        let found: HashMap<Option<String>, Sums> = groups.into_iter().map(|group| (group.key, group.sums)).collect();
        assert_eq!(found.len(), number_of_groups, "a key twice");
        assert_eq!(found, expected, "groups by {by:?}");
        tally.groups += 1;
    }
}

fn group_key(by: &LogField, row: &Row) -> Option<String> {
    let text = |value: Value| match value {
        Value::Null => None,
        Value::String(text) => Some(text),
        value => Some(value.to_string()),
    };
    match by {
        LogField::Id => Some(row.log.id.0.clone()),
        LogField::Scalar(field) => text(row.log.scalars.get(*field)?.to_json()),
        LogField::Metadata(path) => text(lookup(&row.log.metadata, path)?.clone()),
        LogField::Score(key) => match row.scores.get(key)? {
            ComparedScore::Number(number) => text(json!(number)),
            ComparedScore::Bool(flag) => Some(flag.to_string()),
            ComparedScore::Text(text) => Some(text.clone()),
            ComparedScore::Choices(names) => text(json!(names)),
            ComparedScore::None => None,
        },
        _ => None,
    }
}

/// Whether some comparison is over text that columns do not have, or may be over metadata nested too deep.
fn needs_rows(filter: &LogFilter) -> bool {
    let mut needs = false;
    filter.visit(&mut |compare| {
        needs |= match &compare.field {
            LogField::Text(_) | LogField::MetadataMap => true,
            LogField::Metadata(path) => path.matches('.').count() >= 8,
            _ => false,
        };
    });
    needs
}

#[test]
#[expect(clippy::print_stdout, reason = "the seed and the counts are the evidence of the run")]
fn columns_agree_with_the_reference() {
    let seed = seed();
    println!("EVALSET_SEED={seed}");
    let mut random = Random::new(seed);
    let pools = Pools::new();
    let mut tally = Tally::default();
    let mut sets = 0;
    while tally.cases < CASES_MIN {
        let mut pair = Pair::new(&mut random);
        let size = *random.of(&[1, 2, 6, 20, 40, 90, 200, 400]);
        for _ in 0..3 {
            let steps = 1 + random.below(size);
            pair.change(&mut random, steps);
            sets += u64::from(!pair.rows.is_empty());
            for round in 0..80 {
                if pair.rows.is_empty() {
                    break;
                }
                let filter = pools.filter(&mut random, &pair.rows, 3);
                let members = pair.check_filter(&filter, &mut tally);
                if round % 4 == 0 {
                    let rows = pair.columns.select(&members);
                    pair.check_order(&mut random, &rows, &members, &mut tally);
                    pair.check_sums(&mut random, &rows, &members, &mut tally);
                }
            }
        }
        tally.sealed = [0, 1].map(|kind| tally.sealed[kind] + pair.sealed[kind]);
    }
    println!(
        "{} cases (filters over {sets} row sets), {} rows compared, {} matches, {} undecided by columns, {} orders with {} kept of chunks, {} groupings, \
         {} chunks and {} segments of texts moved to files, 0 differences, seed {seed}",
        tally.cases,
        tally.rows,
        tally.matches,
        tally.undecided,
        tally.orders,
        tally.kept,
        tally.groups,
        tally.sealed[0],
        tally.sealed[1]
    );
    assert!(tally.sealed.iter().all(|parts| *parts > 0), "chunks and texts rest in files");
    assert!(tally.matches > tally.rows / 10 && tally.matches < tally.rows * 9 / 10, "filters tell rows apart");
}
