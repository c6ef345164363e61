//! Wire filter → checked tree: names resolved, values coerced, connectors folded, everything that cannot be meant
//! refused.
//!
//! One operator table (`value`) serves every noun; what differs is how names are resolved: `logs` for logs and dataset
//! rows, `traces` for traces, [`fields`] for nouns with a fixed list of fields. Knows nothing of how a filter is
//! evaluated, except that constants of the scope (such as `organization_id`) are folded with the reference meaning.

mod logs;
mod sort;
mod traces;
mod value;

#[cfg(test)]
mod tests;

pub(super) use logs::shape;
pub use logs::{LogScope, Unknown, logs};
pub use sort::{sort, sort_in};
pub use traces::traces;
pub use value::Shape;

use super::operator::{Operator, shorten};
use super::tree::Tree;
use super::wire::{Body, Condition, Filters, Join};
use crate::error::{Error, Result};
use crate::scalar::Kind;
use serde_json::Value;

/// A field of a noun with a fixed list of fields (contract C.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NamedField {
    /// Name on the wire.
    pub name: &'static str,
    /// Type of its values.
    pub kind: Kind,
}

impl NamedField {
    /// A line of such a list.
    pub const fn new(name: &'static str, kind: Kind) -> Self {
        Self { name, kind }
    }
}

/// Checks a filter over the fields of `list`; another name is an error that shows the list.
pub fn fields(filters: &Filters, list: &'static [NamedField]) -> Result<Tree<NamedField>> {
    shaped(filters, list, &|field| Shape::Typed(field.kind))
}

/// As [`fields`], where some fields hold more than one type: `shape` says what may be asked of each.
pub fn shaped(
    filters: &Filters,
    list: &'static [NamedField],
    shape: &dyn Fn(NamedField) -> Shape,
) -> Result<Tree<NamedField>> {
    bound_patterns(filters)?;
    tree(filters, &|key, condition| {
        let field = *list.iter().find(|field| field.name == key).ok_or_else(|| {
            let (path, key) = (&condition.place.path, shorten(key));
            let names = list.iter().map(|field| field.name).collect::<Vec<_>>().join(", ");
            Error::invalid(path, format!("`{key}` is not a field; allowed: {names}"))
        })?;
        no_keys(condition, field.name)?;
        value::compile(field, shape(field), condition, field.name)
    })
}

/// Patterns of one filter; each may take up to a mebibyte when compiled.
const PATTERNS_MAX: usize = 64;

/// Refuses a filter with too many patterns, before any is compiled.
fn bound_patterns(filters: &Filters) -> Result<()> {
    count_patterns(filters, &mut 0)
}

fn count_patterns(filters: &Filters, count: &mut usize) -> Result<()> {
    for entry in &filters.entries {
        match &entry.body {
            Body::Bundle(inner) => count_patterns(inner, count)?,
            Body::Conditions(list) => {
                for condition in list.iter().filter(|each| matches!(each.operator, Operator::Regex | Operator::Like)) {
                    *count += condition.value.as_ref().and_then(Value::as_array).map_or(1, Vec::len);
                    if *count > PATTERNS_MAX {
                        let message = format!("a filter may hold at most {PATTERNS_MAX} values of `regex` and `ilike`");
                        return Err(Error::invalid(&condition.place.value, message));
                    }
                }
            }
        }
    }
    Ok(())
}

/// Folds entries and conditions left to right (contract C.5).
fn tree<F>(filters: &Filters, check: &dyn Fn(&str, &Condition) -> Result<Tree<F>>) -> Result<Tree<F>> {
    fold(filters.entries.iter().map(|entry| {
        let operand = match &entry.body {
            Body::Bundle(inner) => tree(inner, check),
            Body::Conditions(list) => {
                fold(list.iter().map(|each| check(&entry.key, each).map(|part| (each.join, part))))
            }
        };
        operand.map(|operand| (entry.join, operand))
    }))
}

/// Left fold without precedence; the first operand's connector has no effect.
fn fold<F>(operands: impl Iterator<Item = Result<(Join, Tree<F>)>>) -> Result<Tree<F>> {
    let mut whole = None;
    for operand in operands {
        let (join, operand) = operand?;
        whole = Some(match (whole, join) {
            (None, _) => operand,
            (Some(before), Join::And) => all_of(before, operand),
            (Some(before), Join::Or) => any_of(before, operand),
        });
    }
    Ok(whole.unwrap_or_else(Tree::all))
}

/// Both, flattened; a filter that nothing passes absorbs the other.
fn all_of<F>(left: Tree<F>, right: Tree<F>) -> Tree<F> {
    match (left, right) {
        (left, right) if is_none(&left) || right.is_all() => left,
        (left, right) if is_none(&right) || left.is_all() => right,
        (Tree::And(mut parts), Tree::And(more)) => {
            parts.extend(more);
            Tree::And(parts)
        }
        (Tree::And(mut parts), right) => {
            parts.push(right);
            Tree::And(parts)
        }
        (left, right) => Tree::And(vec![left, right]),
    }
}

/// Either, flattened; a filter that everything passes absorbs the other.
fn any_of<F>(left: Tree<F>, right: Tree<F>) -> Tree<F> {
    match (left, right) {
        (left, right) if left.is_all() || is_none(&right) => left,
        (left, right) if right.is_all() || is_none(&left) => right,
        (Tree::Or(mut parts), Tree::Or(more)) => {
            parts.extend(more);
            Tree::Or(parts)
        }
        (Tree::Or(mut parts), right) => {
            parts.push(right);
            Tree::Or(parts)
        }
        (left, right) => Tree::Or(vec![left, right]),
    }
}

/// The contrary, without a double negation.
fn not<F>(tree: Tree<F>) -> Tree<F> {
    match tree {
        Tree::Not(inner) => *inner,
        tree if tree.is_all() => Tree::none(),
        tree if is_none(&tree) => Tree::all(),
        tree => Tree::Not(Box::new(tree)),
    }
}

fn is_none<F>(tree: &Tree<F>) -> bool {
    matches!(tree, Tree::Or(parts) if parts.is_empty())
}

/// Refuses `mapContainsKey` on what is not a map.
fn no_keys(condition: &Condition, name: &str) -> Result<()> {
    if condition.keys.is_none() {
        return Ok(());
    }
    let path = format!("{}.operator_function", condition.place.path);
    let name = shorten(name);
    Err(Error::invalid(
        path,
        format!(
            "`{name}` is not a map; `mapContainsKey` works on metadata, metadata values, variables, properties and scores"
        ),
    ))
}
