//! Operator and value of one condition → test, by the shape of the field (contract C.2, C.3). The only place that knows
//! which operator suits which type.

use super::super::literal::{Literal, Readings};
use super::super::meaning::{similar, words};
use super::super::operator::{Operator, shorten};
use super::super::pattern::{Like, Pattern};
use super::super::tree::{Compare, Order, Test, Tree};
use super::super::wire::Condition;
use super::{any_of, not};
use crate::error::{Error, Result};
use crate::scalar::{Kind, Scalar, brief, read_bool, read_number};
use serde_json::Value;

/// What kind of values a field holds, as far as operators care.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// One type.
    Typed(Kind),
    /// Text that is stored lower-case, so that literals are lower-cased too (`log_type`, contract C.3).
    LowerText,
    /// Any JSON value: metadata.
    Dynamic,
    /// A score: number or text; booleans are 1 and 0 (contract C.4).
    Score,
}

impl Shape {
    /// The operators that can be meant on it.
    pub fn operators(self) -> &'static [Operator] {
        use Operator as O;
        const ORDERED: &[O] = &[
            O::Equal,
            O::EqualFolded,
            O::Not,
            O::In,
            O::NotIn,
            O::Greater,
            O::GreaterOrEqual,
            O::Less,
            O::LessOrEqual,
            O::IsNull,
            O::Empty,
            O::NotEmpty,
        ];
        const UNORDERED: &[O] = &[O::Equal, O::EqualFolded, O::Not, O::In, O::NotIn, O::IsNull, O::Empty, O::NotEmpty];
        match self {
            Self::Typed(Kind::Text) | Self::LowerText | Self::Dynamic => O::ALL,
            Self::Typed(Kind::Bool) => UNORDERED,
            Self::Typed(Kind::Int | Kind::Float | Kind::Time) | Self::Score => ORDERED,
        }
    }

    fn is_text(self) -> bool {
        matches!(self, Self::Typed(Kind::Text) | Self::LowerText | Self::Dynamic)
    }

    fn noun(self) -> &'static str {
        match self {
            Self::Typed(Kind::Text) | Self::LowerText => "a text",
            Self::Typed(Kind::Int) => "an integer",
            Self::Typed(Kind::Float) => "a number",
            Self::Typed(Kind::Bool) => "a boolean",
            Self::Typed(Kind::Time) => "a time",
            Self::Dynamic => "a metadata value",
            Self::Score => "a score",
        }
    }
}

/// Compiles a condition on `field`, called `name` in messages.
pub(super) fn compile<F: Clone>(field: F, shape: Shape, condition: &Condition, name: &str) -> Result<Tree<F>> {
    if !shape.operators().contains(&condition.operator) {
        let (operator, name) = (condition.operator.visible(), shorten(name));
        let allowed = Operator::list(shape.operators());
        return Err(Error::invalid(
            &condition.place.operator,
            format!("`{operator}` cannot be asked of `{name}`, {}; allowed: {allowed}", shape.noun()),
        ));
    }
    let (operator, negated) = condition.operator.positive();
    let compiler = Compiler { field, shape, condition };
    let tree = match operator {
        Operator::Empty => compiler.compare(Test::Empty),
        Operator::IsNull => compiler.is_null()?,
        Operator::Greater => compiler.ordered(Order::Greater)?,
        Operator::GreaterOrEqual => compiler.ordered(Order::GreaterOrEqual)?,
        Operator::Less => compiler.ordered(Order::Less)?,
        Operator::LessOrEqual => compiler.ordered(Order::LessOrEqual)?,
        Operator::EqualFolded if shape.is_text() => compiler.equal(|compiler, values| {
            let texts = values.iter().map(|(path, value)| Ok(compiler.text(path, value)?.to_lowercase()));
            Ok(Test::AnyOfFolded(texts.collect::<Result<_>>()?))
        })?,
        Operator::Equal | Operator::In | Operator::EqualFolded => compiler.equal(|compiler, values| {
            let literals = values.iter().map(|(path, value)| compiler.literal(path, value, false));
            Ok(Test::AnyOf(literals.collect::<Result<_>>()?))
        })?,
        Operator::Contains => compiler.needles(|needles| Test::Contains { needles, fold: false })?,
        Operator::ContainsFolded => compiler.folded_needles()?,
        Operator::StartsWith => compiler.needles(Test::StartsWith)?,
        Operator::EndsWith => compiler.needles(Test::EndsWith)?,
        Operator::Regex => {
            compiler.each(|path, text| pattern(path, text, shape == Shape::LowerText).map(Test::Regex))?
        }
        Operator::Like => compiler.each(like)?,
        Operator::Similar => compiler.each(similar_test)?,
        Operator::Words => compiler.each(words_test)?,
        // Negations were taken off above.
        Operator::Not
        | Operator::NotIn
        | Operator::NotContains
        | Operator::NotStartsWith
        | Operator::NotEndsWith
        | Operator::NotEmpty => return Err(Error::internal("a negation has no positive form")),
    };
    Ok(if negated { not(tree) } else { tree })
}

struct Compiler<'a, F> {
    field: F,
    shape: Shape,
    condition: &'a Condition,
}

impl<F: Clone> Compiler<'_, F> {
    fn compare(&self, test: Test) -> Tree<F> {
        Tree::Compare(Compare { field: self.field.clone(), test })
    }

    fn invalid(&self, message: &str) -> Error {
        let path = &self.condition.place.value;
        Error::invalid(path, format!("`{path}` {message}"))
    }

    fn value(&self) -> Result<&Value> {
        let missing = || self.invalid(&format!("is missing: `{}` needs a value", self.condition.operator.visible()));
        self.condition.value.as_ref().ok_or_else(missing)
    }

    /// The values with their paths: a scalar and a one-element array mean the same.
    fn values(&self) -> Result<Vec<(String, &Value)>> {
        let path = &self.condition.place.value;
        Ok(match self.value()? {
            Value::Array(list) => {
                list.iter().enumerate().map(|(index, value)| (format!("{path}[{index}]"), value)).collect()
            }
            scalar => vec![(path.clone(), scalar)],
        })
    }

    /// The only value.
    fn single(&self) -> Result<(String, &Value)> {
        match self.values()?.as_slice() {
            [one] => Ok(one.clone()),
            several => Err(self.invalid(&format!(
                "must be one value for `{}`, got {}",
                self.condition.operator.visible(),
                several.len()
            ))),
        }
    }

    /// Any of the values; `null` among them is the null test (contract C.3). No values: no row.
    fn equal(&self, test: impl Fn(&Self, &[(String, &Value)]) -> Result<Test>) -> Result<Tree<F>> {
        let (nulls, values): (Vec<_>, Vec<_>) = self.values()?.into_iter().partition(|(_, value)| value.is_null());
        let null = if nulls.is_empty() { Tree::none() } else { self.compare(Test::IsNull) };
        let equal = if values.is_empty() { Tree::none() } else { self.compare(test(self, &values)?) };
        Ok(any_of(null, equal))
    }

    fn ordered(&self, order: Order) -> Result<Tree<F>> {
        let (path, value) = self.single()?;
        Ok(self.compare(Test::Ordered(order, self.literal(&path, value, true)?)))
    }

    fn is_null(&self) -> Result<Tree<F>> {
        let (_, value) = self.single()?;
        let wanted = read_bool(value)
            .ok_or_else(|| self.invalid(&format!("must be true or false for `isnull`, got {}", brief(value))))?;
        let tree = self.compare(Test::IsNull);
        Ok(if wanted { tree } else { not(tree) })
    }

    fn needles(&self, test: impl Fn(Vec<String>) -> Test) -> Result<Tree<F>> {
        let needles = self.values()?.iter().map(|(path, value)| self.text(path, value)).collect::<Result<Vec<_>>>()?;
        Ok(if needles.is_empty() { Tree::none() } else { self.compare(test(needles)) })
    }

    fn folded_needles(&self) -> Result<Tree<F>> {
        self.needles(|needles| fold_contains(needles.iter().map(|needle| needle.to_lowercase()).collect()))
    }

    /// One test for each value; any of them.
    fn each(&self, test: impl Fn(&str, &str) -> Result<Test>) -> Result<Tree<F>> {
        let mut whole = Tree::none();
        for (path, value) in self.values()? {
            whole = any_of(whole, self.compare(test(&path, &self.text(&path, value)?)?));
        }
        Ok(whole)
    }

    /// A value read as text, lower-cased where the field is stored so.
    fn text(&self, path: &str, value: &Value) -> Result<String> {
        match value {
            Value::Null => Err(Error::invalid(
                path,
                format!("`{path}` must be a text for `{}`, got null", self.condition.operator.visible()),
            )),
            value => Ok(match scalar_text(path, value)? {
                // A pattern's letters may be classes such as `\D`: patterns ignore case on such fields instead.
                text if self.shape == Shape::LowerText && self.condition.operator != Operator::Regex => {
                    text.to_lowercase()
                }
                text => text,
            }),
        }
    }

    /// A value read as the field's type (see [`Literal`]); `ordered` when its order matters.
    fn literal(&self, path: &str, value: &Value, ordered: bool) -> Result<Literal> {
        let null = || {
            let operator = self.condition.operator.visible();
            Error::invalid(path, format!("`{path}` must not be null for `{operator}`"))
        };
        let typed = |kind| Ok(Scalar::from_json(kind, value, path)?.ok_or_else(null)?.into());
        if value.is_null() {
            return Err(null());
        }
        match self.shape {
            Shape::Typed(Kind::Text) | Shape::LowerText => Ok(Literal::Text(self.text(path, value)?)),
            // An integer may lie above or below a fraction, it only cannot equal one.
            Shape::Typed(Kind::Int) if ordered => typed(Kind::Float),
            Shape::Typed(kind) => typed(kind),
            Shape::Dynamic | Shape::Score => {
                let text = scalar_text(path, value)?;
                let flag = read_bool(value);
                let score = self.shape == Shape::Score;
                Ok(Literal::Dynamic(Readings {
                    // Texts and booleans have an order only against their own kind.
                    text: (!ordered || value.is_string()).then_some(text),
                    number: read_number(value).or(flag.filter(|_| score).map(|flag| f64::from(u8::from(flag)))),
                    boolean: flag.filter(|_| !ordered && !score),
                }))
            }
        }
    }
}

/// A string itself, or the JSON text of a number or boolean.
fn scalar_text(path: &str, value: &Value) -> Result<String> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(_) | Value::Bool(_) => Ok(value.to_string()),
        other => {
            Err(Error::invalid(path, format!("`{path}` must be a string, a number or a boolean, got {}", brief(other))))
        }
    }
}

fn fold_contains(needles: Vec<String>) -> Test {
    Test::Contains { needles, fold: true }
}

fn pattern(path: &str, text: &str, fold: bool) -> Result<Pattern> {
    Pattern::new(text, fold, false).map_err(|error| {
        // The engine draws the pattern with a caret over several lines; its last line says what is wrong.
        let error = error.to_string();
        let reason = error.lines().last().unwrap_or_default().trim().trim_start_matches("error: ").to_owned();
        let text = shorten(text);
        Error::invalid(
            path,
            format!("`{text}` is not a usable regular expression: {reason} (syntax of the Rust crate `regex`: no look-around, no back-references)"),
        )
    })
}

/// `ilike`: without `%` or `_` it is `icontains` (contract C.2).
fn like(path: &str, text: &str) -> Result<Test> {
    if !text.contains(['%', '_']) {
        return Ok(fold_contains(vec![text.to_lowercase()]));
    }
    let like = Like::new(text);
    like.map(Test::Like).map_err(|_| Error::invalid(path, format!("`{path}` is too long a pattern for `ilike`")))
}

fn similar_test(path: &str, text: &str) -> Result<Test> {
    let text = text.to_lowercase();
    if text.chars().count() > similar::QUERY_CHARACTERS_MAX {
        let limit = similar::QUERY_CHARACTERS_MAX;
        return Err(Error::invalid(
            path,
            format!("`{path}` may have at most {limit} characters for `trigram_word_similar`"),
        ));
    }
    some_words(path, &text)?;
    Ok(Test::Similar(text))
}

fn words_test(path: &str, text: &str) -> Result<Test> {
    some_words(path, text).map(Test::Words)
}

fn some_words(path: &str, text: &str) -> Result<Vec<String>> {
    let words = words::words(text);
    if words.is_empty() {
        return Err(Error::invalid(path, format!("`{path}` must hold at least one letter or digit")));
    }
    Ok(words)
}
