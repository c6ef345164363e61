//! Substrings that every match of a regular expression has.
//!
//! The pattern is read as one that ignores case, since how it was compiled does not show in its text: what holds for
//! that holds for every reading of it.

use crate::plan::Plan;
use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Class, Hir, HirKind};

/// Letters of a class beyond which it is not looked at.
const CLASS_LETTERS: usize = 8;

/// What texts with a match must have, `contains` saying what a lower-cased substring asks for; nothing known is
/// [`Plan::Everything`].
pub fn required(pattern: &str, contains: &impl Fn(&str) -> Plan) -> Plan {
    match ParserBuilder::new().case_insensitive(true).build().parse(pattern) {
        Ok(hir) => of(&hir, contains),
        Err(_) => Plan::Everything,
    }
}

fn of(hir: &Hir, contains: &impl Fn(&str) -> Plan) -> Plan {
    let mut run = String::new();
    let mut parts = Vec::new();
    walk(hir, contains, &mut run, &mut parts);
    close(&mut run, contains, &mut parts);
    match parts.len() {
        0 => Plan::Everything,
        _ => Plan::All(parts),
    }
}

/// Adds what follows a run of known letters: more of them, or what ends the run.
fn walk(hir: &Hir, contains: &impl Fn(&str) -> Plan, run: &mut String, parts: &mut Vec<Plan>) {
    match hir.kind() {
        HirKind::Literal(literal) => match std::str::from_utf8(&literal.0) {
            Ok(text) => text.chars().for_each(|letter| letters(&[letter], contains, run, parts)),
            Err(_) => close(run, contains, parts),
        },
        HirKind::Class(class) => letters(&members(class), contains, run, parts),
        HirKind::Concat(all) => all.iter().for_each(|part| walk(part, contains, run, parts)),
        HirKind::Capture(capture) => walk(&capture.sub, contains, run, parts),
        // Without width, and without a word on what is around.
        HirKind::Empty | HirKind::Look(_) => {}
        HirKind::Repetition(repetition) => {
            close(run, contains, parts);
            if repetition.min > 0 {
                parts.push(of(&repetition.sub, contains));
            }
        }
        HirKind::Alternation(all) => {
            close(run, contains, parts);
            parts.push(Plan::Any(all.iter().map(|part| of(part, contains)).collect()));
        }
    }
}

/// Continues the run when all letters are lower-cased to the same one, wherever they stand.
fn letters(letters: &[char], contains: &impl Fn(&str) -> Plan, run: &mut String, parts: &mut Vec<Plan>) {
    let mut lower = letters.iter().map(|letter| letter.to_lowercase().collect::<String>());
    match lower.next() {
        Some(first) if !letters.contains(&'Σ') && lower.all(|other| other == first) => run.push_str(&first),
        _ => close(run, contains, parts),
    }
}

fn close(run: &mut String, contains: &impl Fn(&str) -> Plan, parts: &mut Vec<Plan>) {
    if !run.is_empty() {
        parts.push(contains(run));
        run.clear();
    }
}

/// The letters of a small class; none of a large one.
fn members(class: &Class) -> Vec<char> {
    let ranges: Vec<(u32, u32)> = match class {
        Class::Unicode(class) => class.iter().map(|range| (range.start().into(), range.end().into())).collect(),
        Class::Bytes(class) => class.iter().map(|range| (range.start().into(), range.end().into())).collect(),
    };
    let count: u64 = ranges.iter().map(|(start, end)| u64::from(end - start) + 1).sum();
    if count > CLASS_LETTERS as u64 || ranges.iter().any(|(_, end)| matches!(class, Class::Bytes(_)) && *end > 0x7f) {
        return Vec::new();
    }
    ranges.into_iter().flat_map(|(start, end)| start..=end).filter_map(char::from_u32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;

    fn needles(pattern: &str) -> Vec<String> {
        let found = RefCell::new(Vec::new());
        required(pattern, &|needle| {
            found.borrow_mut().push(needle.to_owned());
            Plan::Everything
        });
        found.into_inner()
    }

    #[test]
    fn what_every_match_has_is_found() {
        assert_eq!(needles("foo.*Bar"), ["foo", "bar"]);
        assert_eq!(needles("(?i)time ?out"), ["time", "out"]);
        assert_eq!(needles(r"\A.*error: \d+\z"), ["error: "]);
        assert_eq!(needles("(ab|cd)+e"), ["ab", "cd", "e"]);
        // Long s and sharp s ignore case with s.
        assert_eq!(needles("mess"), ["me"]);
        assert_eq!(needles("x*"), [""; 0]);
        assert_eq!(needles("Σα"), ["α"]);
    }
}
