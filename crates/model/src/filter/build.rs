//! Filters made by code, not read from a caller: the few shapes that the product asks for itself. Knows no rule of the
//! wire.

use super::{Compare, Literal, LogField, LogFilter, Order, Test, Tree};
use crate::field::Field;

impl From<Field> for LogField {
    fn from(field: Field) -> Self {
        Self::Scalar(field)
    }
}

/// One field, one test.
pub fn test<F>(field: impl Into<F>, test: Test) -> Tree<F> {
    Tree::Compare(Compare { field: field.into(), test })
}

/// The field is this text.
pub fn equals<F>(field: impl Into<F>, text: &str) -> Tree<F> {
    any_of(field, [text])
}

/// The field is one of these texts.
pub fn any_of<F, T: Into<String>>(field: impl Into<F>, texts: impl IntoIterator<Item = T>) -> Tree<F> {
    let literal = |text: T| Literal::Text(text.into());
    test(field, Test::AnyOf(texts.into_iter().map(literal).collect()))
}

/// The field, a time, stands in this order to an instant, microseconds since the epoch.
pub fn time<F>(field: impl Into<F>, order: Order, at: i64) -> Tree<F> {
    test(field, Test::Ordered(order, Literal::Time(at)))
}

/// The row has nothing in the field.
pub fn is_null<F>(field: impl Into<F>) -> Tree<F> {
    test(field, Test::IsNull)
}

/// The row has nothing in the field, or an empty text.
pub fn is_empty<F>(field: impl Into<F>) -> Tree<F> {
    test(field, Test::Empty)
}

/// The rows that the filter leaves out.
pub fn not<F>(filter: Tree<F>) -> Tree<F> {
    Tree::Not(Box::new(filter))
}

/// `start` ≤ `timestamp` ≤ `end` (H8), microseconds since the epoch; a missing bound is open.
pub fn window(start: Option<i64>, end: Option<i64>) -> LogFilter {
    let from = start.map_or_else(Tree::all, |at| time(Field::Timestamp, Order::GreaterOrEqual, at));
    from.and(end.map_or_else(Tree::all, |at| time(Field::Timestamp, Order::LessOrEqual, at)))
}
