//! Substrings that every match of a pattern has. Knows patterns, not the index.

use crate::plan::Plan;
use evalset_model::filter::{Like, LikePart, Pattern};
use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Class, Hir, HirKind};

/// Letters of a class beyond which it is not looked at.
const CLASS_LETTERS: usize = 8;

/// What texts with a match must have, `contains` saying what a lower-cased substring asks for; nothing known is
/// [`Plan::Everything`].
pub fn required(pattern: &Pattern, contains: &impl Fn(&str) -> Plan) -> Plan {
    parsed(pattern.source(), pattern.fold(), pattern.dot_all(), contains)
}

/// The same of a pattern with wildcards: each of its texts.
pub fn required_like(like: &Like, contains: &impl Fn(&str) -> Plan) -> Plan {
    let plan = |part: &LikePart| match part {
        LikePart::Text(text) => Some(parsed(&regex_syntax::escape(text), true, true, contains)),
        LikePart::Any | LikePart::One => None,
    };
    let mut parts: Vec<Plan> = like.parts().iter().filter_map(plan).collect();
    parts.retain(|plan| *plan != Plan::Everything);
    if parts.is_empty() { Plan::Everything } else { Plan::All(parts) }
}

fn parsed(source: &str, fold: bool, dot_all: bool, contains: &impl Fn(&str) -> Plan) -> Plan {
    match ParserBuilder::new().case_insensitive(fold).dot_matches_new_line(dot_all).build().parse(source) {
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

    fn asked(plan: impl Fn(&dyn Fn(&str) -> Plan) -> Plan) -> Vec<String> {
        let found = RefCell::new(Vec::new());
        plan(&|needle| {
            found.borrow_mut().push(needle.to_owned());
            Plan::Everything
        });
        found.into_inner()
    }

    fn needles(source: &str, fold: bool) -> Vec<String> {
        let pattern = Pattern::new(source, fold, false).unwrap();
        asked(|contains| required(&pattern, &contains))
    }

    #[test]
    fn what_every_match_has_is_found() {
        for fold in [false, true] {
            assert_eq!(needles("foo.*Bar", fold), ["foo", "bar"]);
            assert_eq!(needles("(?i)time ?out", fold), ["time", "out"]);
            assert_eq!(needles("(ab|cd)+e", fold), ["ab", "cd", "e"]);
            assert_eq!(needles("x*", fold), [""; 0]);
            // How it is lower-cased depends on where it stands.
            assert_eq!(needles("Σα", fold), ["α"]);
        }
        // Ignoring case, the long s is an s.
        assert_eq!((needles("mess", true), needles("mess", false)), (vec!["me".to_owned()], vec!["mess".to_owned()]));
        let like = Like::new("%Mess_100\\% out%").unwrap();
        assert_eq!(asked(|contains| required_like(&like, &contains)), ["me", "100% out"]);
        let plan = required_like(&Like::new("%s_").unwrap(), &|_| Plan::Any(Vec::new()));
        assert_eq!(plan, Plan::Everything, "nothing is known of it");
    }
}
