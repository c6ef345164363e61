//! A comparison as a table for people. Knows no server and no store.

use crate::wire::comparison::{ChangedSideObject, ComparisonObject, EstimateObject, IntervalObject, SideObject};
use serde_json::Value;
use std::fmt::Write as _;

/// Characters of a key or label that are shown.
const CELL_CHARS: usize = 40;

/// The whole comparison.
pub fn of(told: &ComparisonObject) -> String {
    let mut text = String::new();
    for (name, side) in [("A", &told.a), ("B", &told.b)] {
        text.push_str(&heading(name, side));
    }
    text.push('\n');
    match (&told.difference, &told.agreement) {
        (Some(difference), _) => text.push_str(&numbers(told, difference)),
        (None, Some(_)) => text.push_str(&labels(told)),
        (None, None) => {}
    }
    text.push_str(&left_out(told));
    if !told.changed.is_empty() {
        let what = if told.agreement.is_some() { "rows that differ" } else { "rows that changed most" };
        let _ = write!(text, "\n{what}\n{}", changed(told));
    }
    text
}

fn heading(name: &str, side: &SideObject) -> String {
    let run = match (&side.run, side.status.as_deref()) {
        (Some(run), Some("completed") | None) => format!(" (run {run})"),
        (Some(run), Some(status)) => format!(" (run {run}, {status})"),
        (None, _) => String::new(),
    };
    format!("{name}  {}{run}\n", side.label)
}

fn numbers(told: &ComparisonObject, difference: &EstimateObject) -> String {
    let percent = format!("{} % interval", (told.confidence * 1e4).round() / 100.0);
    let header = ["", "rows", "mean", &percent, "passed", "cost"].map(str::to_owned);
    let side = |name: &str, side: &SideObject| {
        let cost = side.cost.map_or_else(String::new, |cost| format!("${cost:.4}"));
        [name.to_owned(), side.count.to_string(), number(side.mean), interval(side.interval), passed(side), cost]
    };
    let between = [
        "B - A".to_owned(),
        told.pairs.to_string(),
        difference.mean.map_or_else(none, |mean| format!("{mean:+.4}")),
        interval(difference.interval),
        String::new(),
        String::new(),
    ];
    let lines = [header, side("A", &told.a), side("B", &told.b), between].map(Vec::from);
    let [wins, losses, ties] = [told.wins, told.losses, told.ties].map(Option::unwrap_or_default);
    format!("{}\nB better {wins}, A better {losses}, equal {ties}\n", aligned(&lines))
}

fn labels(told: &ComparisonObject) -> String {
    let Some(agreement) = &told.agreement else { return String::new() };
    let share = agreement.share.map_or_else(none, |share| format!("{:.1} %", share * 100.0));
    let mut text = format!("the same in {} of {} rows ({share})\n", agreement.agreed, told.pairs);
    for (name, side) in [("A", &told.a), ("B", &told.b)].into_iter().filter(|(_, side)| side.judged > 0) {
        let _ = writeln!(text, "{name} passed {}", passed(side));
    }
    if !agreement.confusion.is_empty() {
        let header = vec!["A".to_owned(), "B".to_owned(), "rows".to_owned()];
        let cells = agreement.confusion.iter().map(|cell| vec![cut(&cell.a), cut(&cell.b), cell.count.to_string()]);
        let _ = writeln!(text, "\n{}", aligned(&std::iter::once(header).chain(cells).collect::<Vec<_>>()));
    }
    if agreement.left_out > 0 {
        let _ = writeln!(text, "and {} rows in pairs of labels that are not listed", agreement.left_out);
    }
    text
}

/// What was not compared, and why.
fn left_out(told: &ComparisonObject) -> String {
    let parts = [
        (told.only_in_a, "only in A"),
        (told.only_in_b, "only in B"),
        (told.without_value, "without a value"),
        (told.repeated_in_a, "of a key that comes again in A"),
        (told.repeated_in_b, "of a key that comes again in B"),
    ];
    let parts: Vec<_> =
        parts.into_iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
    let what = format!("rows are the same by {}", told.matching);
    if parts.is_empty() { format!("{what}\n") } else { format!("{what}; not compared: {}\n", parts.join(", ")) }
}

fn changed(told: &ComparisonObject) -> String {
    let is_numbers = told.agreement.is_none();
    let mut lines = vec![vec![told.matching.clone(), "A".to_owned(), "B".to_owned()]];
    lines.extend(told.changed.iter().map(|row| vec![cut(&row.key), value(&row.a), value(&row.b)]));
    if is_numbers {
        let changes = told.changed.iter().map(|row| row.change.map_or_else(none, |change| format!("{change:+.4}")));
        let column = std::iter::once("change".to_owned()).chain(changes);
        lines.iter_mut().zip(column).for_each(|(line, cell)| line.push(cell));
    }
    aligned(&lines)
}

fn value(side: &ChangedSideObject) -> String {
    match &side.value {
        Value::Number(value) => number(value.as_f64()),
        Value::String(label) => cut(label),
        other => cut(&other.to_string()),
    }
}

fn number(value: Option<f64>) -> String {
    value.map_or_else(none, |value| format!("{value:.4}"))
}

fn interval(interval: Option<IntervalObject>) -> String {
    interval.map_or_else(none, |IntervalObject { low, high }| format!("[{low:.4}, {high:.4}]"))
}

fn passed(side: &SideObject) -> String {
    side.pass_rate.map_or_else(String::new, |rate| format!("{:.1} % of {}", rate * 100.0, side.judged))
}

fn none() -> String {
    "-".to_owned()
}

/// On one line, not too long, and without anything a terminal would obey.
fn cut(text: &str) -> String {
    let mut shown: String = text.chars().take(CELL_CHARS).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(CELL_CHARS).is_some() {
        shown.push('…');
    }
    shown
}

/// Cells in columns: the first to the left, all others to the right.
fn aligned(lines: &[Vec<String>]) -> String {
    let columns = lines.iter().map(Vec::len).max().unwrap_or_default();
    let width = |column: usize| {
        let widths = lines.iter().filter_map(|line| line.get(column)).map(|cell| cell.chars().count());
        widths.max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let line = |cells: &Vec<String>| {
        let padded = cells.iter().zip(&widths).enumerate().map(|(column, (cell, width))| match column {
            0 => format!("{cell:<width$}"),
            _ => format!("{cell:>width$}"),
        });
        format!("{}\n", padded.collect::<Vec<_>>().join("  ").trim_end())
    };
    lines.iter().map(line).collect()
}
