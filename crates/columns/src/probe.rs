//! Tests made ready for columns: which codes, spans or values pass. What passes is always asked of the reference
//! meaning, once per distinct text or bound, so that columns cannot mean anything else. Knows no chunks and no rows.

use crate::bits;
use crate::codes::Codes;
use crate::dictionary::{Code, Dictionary};
use crate::numbers::Span;
use crate::reference;
use crate::search::{Needles, Search};
use evalset_model::filter::{Literal, Order, Test};
use serde_json::Value;
use std::cell::{Cell, OnceCell, RefCell};

/// Up to this many texts, all are tested at once; of more, only those that come up.
const EAGER_TEXTS_MAX: usize = 4_096;
/// Up to this many texts are searched for needles at once.
const EAGER_SEARCH_MAX: usize = 50_000;
/// Up to this many codes are compared one after the other.
const FEW_CODES: usize = 3;

/// Which texts of a dictionary pass.
pub enum TextProbe<'a> {
    /// These codes, not 0.
    Few(Vec<Code>),
    /// By code; false for 0.
    Table(Vec<bool>),
    /// Found out as codes come up.
    Lazy(LazyTexts<'a>),
}

/// A test of texts that remembers its answers, and searches all texts once many have come up.
pub struct LazyTexts<'a> {
    dictionary: &'a Dictionary,
    holds: Box<dyn Fn(&str) -> bool + 'a>,
    needles: Option<Needles>,
    /// Rows asked for so far.
    asked: Cell<usize>,
    /// By code: not asked, no, yes.
    memo: RefCell<Vec<Option<bool>>>,
    /// All answers.
    table: OnceCell<Vec<bool>>,
}

impl LazyTexts<'_> {
    fn passes(&self, code: Code) -> bool {
        if let Some(table) = self.table.get() {
            return table.get(code as usize).copied().unwrap_or(false);
        }
        let mut memo = self.memo.borrow_mut();
        match memo.get_mut(code as usize) {
            Some(known) => *known.get_or_insert_with(|| (self.holds)(self.dictionary.text(code))),
            None => false,
        }
    }

    fn mark(&self, codes: &Codes, among: &[u64], out: &mut [u64]) {
        self.asked.set(self.asked.get() + bits::count(among) as usize);
        if let Some(needles) = &self.needles
            && self.asked.get() > self.dictionary.len() / 16
        {
            let all = || table(&needles.search(self.dictionary, &*self.holds), self.dictionary.len());
            return codes.mark_table(self.table.get_or_init(all), among, out);
        }
        codes.each(among, |at, code| {
            if self.passes(code) {
                out[at / bits::WORD] |= 1 << (at % bits::WORD);
            }
        });
    }
}

fn table(codes: &[Code], texts: usize) -> Vec<bool> {
    let mut table = vec![false; texts + 1];
    for code in codes {
        table[*code as usize] = true;
    }
    table
}

impl<'a> TextProbe<'a> {
    /// Which strings pass a test.
    pub fn of_texts(dictionary: &'a Dictionary, test: &'a Test) -> Self {
        Self::new(dictionary, Search::for_texts(test), move |text| reference::text(test, text))
    }

    /// Which arrays and objects, given as JSON text, pass a test whose meaning on them is `holds`.
    pub fn of_structures(dictionary: &'a Dictionary, test: &'a Test, holds: fn(&Test, &Value) -> bool) -> Self {
        let parsed = move |text: &str| {
            // Integers too big for a float have a text here, too, but are tested as numbers.
            let structure = serde_json::from_str(text).ok().filter(|value: &Value| !value.is_number());
            structure.is_some_and(|value| holds(test, &value))
        };
        Self::new(dictionary, Search::for_structures(test), parsed)
    }

    fn new(dictionary: &'a Dictionary, search: Search, holds: impl Fn(&str) -> bool + 'a) -> Self {
        let codes = match &search {
            Search::Only(texts) => {
                let found = texts.iter().filter(|text| holds(text)).filter_map(|text| dictionary.find(text));
                let mut codes: Vec<Code> = found.collect();
                codes.sort_unstable();
                codes.dedup();
                codes
            }
            Search::Near(needles) if dictionary.len() <= EAGER_SEARCH_MAX => needles.search(dictionary, &holds),
            _ if dictionary.len() <= EAGER_TEXTS_MAX => {
                (1..=dictionary.len() as Code).filter(|code| holds(dictionary.text(*code))).collect()
            }
            _ => {
                let needles = if let Search::Near(needles) = search { Some(needles) } else { None };
                return Self::Lazy(LazyTexts {
                    dictionary,
                    holds: Box::new(holds),
                    needles,
                    asked: Cell::new(0),
                    memo: RefCell::new(vec![None; dictionary.len() + 1]),
                    table: OnceCell::new(),
                });
            }
        };
        if codes.len() <= FEW_CODES { Self::Few(codes) } else { Self::Table(table(&codes, dictionary.len())) }
    }

    /// Whether the text of a code passes; no for 0.
    pub fn passes(&self, code: Code) -> bool {
        match self {
            Self::Few(codes) => codes.contains(&code),
            Self::Table(table) => table.get(code as usize).copied().unwrap_or(false),
            Self::Lazy(lazy) => code != 0 && lazy.passes(code),
        }
    }

    /// Marks codes whose text passes.
    pub fn mark(&self, codes: &Codes, among: &[u64], out: &mut [u64]) {
        match self {
            Self::Few(few) => few.iter().for_each(|code| codes.mark_equal(*code, among, out)),
            Self::Table(table) => codes.mark_table(table, among, out),
            Self::Lazy(lazy) => lazy.mark(codes, among, out),
        }
    }

    /// Work per row, for ordering conjuncts.
    pub fn cost(&self) -> u32 {
        match self {
            Self::Few(codes) => codes.len() as u32,
            Self::Table(_) => 5,
            Self::Lazy(_) => 60,
        }
    }
}

/// Which numbers pass.
pub enum NumberProbe<'a, T> {
    /// Those in one of these spans, disjoint and rising.
    Spans(Vec<Span<T>>),
    /// To be asked for each value.
    Each(&'a Test),
}

impl<T> NumberProbe<'_, T> {
    /// Work per row, for ordering conjuncts.
    pub fn cost(&self) -> u32 {
        match self {
            Self::Spans(spans) if spans.len() <= 2 => 3,
            Self::Spans(_) => 8,
            Self::Each(_) => 80,
        }
    }
}

/// Sorts spans and joins those that meet.
fn tidy<T: PartialOrd + Copy>(mut spans: Vec<Span<T>>) -> Vec<Span<T>> {
    spans.sort_by(|left, right| left.0.partial_cmp(&right.0).unwrap_or(std::cmp::Ordering::Equal));
    let mut joined: Vec<Span<T>> = Vec::with_capacity(spans.len());
    for span in spans {
        match joined.last_mut() {
            Some(last) if span.0 <= last.1 => {
                if span.1 > last.1 {
                    last.1 = span.1;
                }
            }
            _ => joined.push(span),
        }
    }
    joined
}

impl<'a> NumberProbe<'a, f64> {
    /// Which floats pass.
    pub fn of_floats(test: &'a Test) -> Self {
        let spans = match test {
            Test::IsNull => Vec::new(),
            Test::AnyOf(literals) => literals.iter().filter_map(Literal::number).map(|n| (n, n)).collect(),
            Test::Ordered(order, literal) => {
                let span = |bound: f64| match order {
                    Order::Greater => (bound.next_up(), f64::INFINITY),
                    Order::GreaterOrEqual => (bound, f64::INFINITY),
                    Order::Less => (f64::NEG_INFINITY, bound.next_down()),
                    Order::LessOrEqual => (f64::NEG_INFINITY, bound),
                };
                literal.number().map(span).into_iter().collect()
            }
            Test::AnyOfFolded(_)
            | Test::Contains { .. }
            | Test::StartsWith(_)
            | Test::EndsWith(_)
            | Test::Regex(_)
            | Test::Like(_)
            | Test::Words(_)
            | Test::Similar(_)
            | Test::Empty
            | Test::HasKeys(_) => return Self::Each(test),
        };
        Self::Spans(tidy(spans))
    }
}

impl<'a> NumberProbe<'a, i64> {
    /// Which integers pass.
    pub fn of_ints(test: &'a Test) -> Self {
        Self::of_whole(test, reference::int)
    }

    /// Which instants pass.
    pub fn of_times(test: &'a Test) -> Self {
        Self::of_whole(test, reference::time)
    }

    /// An ordered test changes its answer once along all integers, so its bound is searched with the reference itself.
    fn of_whole(test: &'a Test, holds: fn(&Test, i64) -> bool) -> Self {
        let spans = match test {
            Test::IsNull => Vec::new(),
            Test::Ordered(order, _) => {
                let rising = matches!(order, Order::Greater | Order::GreaterOrEqual);
                let edge = first(|value| holds(test, value) == rising);
                let span = match (rising, edge) {
                    (true, edge) => edge.map(|edge| (edge, i64::MAX)),
                    (false, None) => Some((i64::MIN, i64::MAX)),
                    (false, Some(edge)) => edge.checked_sub(1).map(|last| (i64::MIN, last)),
                };
                span.into_iter().collect()
            }
            Test::AnyOf(literals) => literals.iter().filter_map(|literal| equal_span(literal, holds)).collect(),
            Test::AnyOfFolded(_)
            | Test::Contains { .. }
            | Test::StartsWith(_)
            | Test::EndsWith(_)
            | Test::Regex(_)
            | Test::Like(_)
            | Test::Words(_)
            | Test::Similar(_)
            | Test::Empty
            | Test::HasKeys(_) => return Self::Each(test),
        };
        Self::Spans(tidy(spans))
    }
}

/// All integers that equal a literal: several when a float literal lies where floats are coarser than integers.
fn equal_span(literal: &Literal, holds: fn(&Test, i64) -> bool) -> Option<Span<i64>> {
    let ordered = |order| Test::Ordered(order, literal.clone());
    let (at_least, above) = (ordered(Order::GreaterOrEqual), ordered(Order::Greater));
    let low = first(|value| holds(&at_least, value))?;
    let high = first(|value| holds(&above, value)).map_or(Some(i64::MAX), |after| after.checked_sub(1))?;
    let equal = Test::AnyOf(vec![literal.clone()]);
    (low <= high && holds(&equal, low)).then_some((low, high))
}

/// The first integer for which a test holds that holds for all after it.
fn first(holds: impl Fn(i64) -> bool) -> Option<i64> {
    if !holds(i64::MAX) {
        return None;
    }
    let (mut low, mut high) = (i64::MIN, i64::MAX);
    while low < high {
        let middle = low.midpoint(high);
        // Towards the lower half also for negative sums, so that the search always narrows.
        let middle = if middle == high { high - 1 } else { middle };
        if holds(middle) { high = middle } else { low = middle + 1 }
    }
    Some(low)
}

#[cfg(test)]
mod tests {
    use super::*;
    use evalset_model::filter::Pattern;

    fn number(number: f64) -> Literal {
        Literal::Number(number)
    }

    fn int_spans(test: &Test) -> Vec<Span<i64>> {
        match NumberProbe::of_ints(test) {
            NumberProbe::Spans(spans) => spans,
            NumberProbe::Each(_) => panic!("not spans"),
        }
    }

    #[test]
    fn the_edge_of_an_ordered_test_is_found_anywhere() {
        for edge in [i64::MIN, i64::MIN + 1, -3, -1, 0, 1, 77, i64::MAX - 1, i64::MAX] {
            assert_eq!(first(|value| value >= edge), Some(edge));
        }
        assert_eq!(first(|_| false), None);
    }

    #[test]
    fn integer_tests_become_spans() {
        let ordered = |order, bound| Test::Ordered(order, number(bound));
        assert_eq!(int_spans(&ordered(Order::Greater, 2.5)), [(3, i64::MAX)]);
        assert_eq!(int_spans(&ordered(Order::Less, 3.0)), [(i64::MIN, 2)]);
        assert_eq!(int_spans(&ordered(Order::LessOrEqual, -3.5)), [(i64::MIN, -4)]);
        assert_eq!(int_spans(&ordered(Order::Less, 1e30)), [(i64::MIN, i64::MAX)]);
        assert_eq!(int_spans(&ordered(Order::Greater, 1e30)), []);
        assert_eq!(
            int_spans(&Test::AnyOf(vec![number(5.0), number(-1.0), number(2.5), number(5.0)])),
            [(-1, -1), (5, 5)]
        );
    }

    #[test]
    fn a_large_dictionary_is_asked_only_for_what_comes_up() {
        let mut dictionary = Dictionary::default();
        let mut codes = Codes::default();
        for at in 0..5_000 {
            codes.set(at, dictionary.intern(&format!("trace {at}")));
        }
        let test = Test::Regex(Pattern::new("7$", false, false).unwrap());
        let probe = TextProbe::of_texts(&dictionary, &test);
        let mut out = vec![0; 79];
        probe.mark(&codes, &[u64::MAX], &mut out);
        let TextProbe::Lazy(lazy) = &probe else { panic!("not lazy") };
        assert_eq!(lazy.memo.borrow().iter().flatten().count(), 64);
        let expected: u64 = (0..64).filter(|at| at % 10 == 7).map(|at| 1_u64 << at).sum();
        assert_eq!((out[0], out[1]), (expected, 0));
    }
}
