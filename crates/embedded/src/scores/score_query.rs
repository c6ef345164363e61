//! Which lines of `score` a filter can concern, as SQL: what indexes can find. The filter itself is decided on the
//! lines.

use evalset_index::CollectionNumber;
use evalset_model::filter::check::NamedField;
use evalset_model::filter::{Compare, Literal, Order, Test, Tree};
use evalset_model::ids::{Place, ScoreId};
use rusqlite::types::Value;

/// Values of one condition that are worth a search each.
const VALUES_MAX: usize = 200;

/// A condition, with its values, that every score that passes the filter fulfils. `places`: the organization's
/// collections.
pub(crate) fn narrowed(filter: &Tree<NamedField>, places: &[(CollectionNumber, Place)]) -> (String, Vec<Value>) {
    let mut sql = Sql::default();
    let mut collections: Vec<CollectionNumber> = places.iter().map(|(id, _)| *id).collect();
    for Compare { field, test } in conjuncts(filter) {
        match (field.name, test) {
            ("id", Test::AnyOf(any)) => {
                sql.any_of("s.id", any, |text| Some(Value::Blob(text.parse::<ScoreId>().ok()?.0.as_bytes().to_vec())));
            }
            ("log_id", Test::AnyOf(any)) => sql.any_of("s.log_id", any, |text| Some(Value::Text(text.to_owned()))),
            ("evaluator_id", Test::AnyOf(any)) => {
                sql.any_of("o.evaluator_id", any, |text| Some(Value::Text(text.to_owned())));
            }
            ("evaluator_slug", Test::AnyOf(any)) => {
                sql.any_of("o.slug", any, |text| Some(Value::Text(text.to_owned())));
            }
            ("run_id", Test::AnyOf(any)) => sql.any_of("s.run", any, |text| Some(Value::Text(text.to_owned()))),
            ("dataset_id", Test::AnyOf(any)) => collections.retain(|id| {
                let place = places.iter().find(|(known, _)| known == id).map(|(_, place)| place);
                let shown = place.filter(|place| **place != Place::RequestLogs).and_then(Place::dataset_id_text);
                shown.is_some_and(|shown| any.iter().any(|literal| literal.text() == Some(&shown)))
            }),
            ("created_at", Test::Ordered(order, literal)) => {
                if let Some(time) = literal.time() {
                    sql.push(&format!("s.created_at {} ", sign(*order)), [Value::Integer(time)]);
                }
            }
            _ => {}
        }
    }
    let marks: Vec<String> = collections.iter().map(ToString::to_string).collect();
    sql.conditions.push(format!("s.collection IN ({})", marks.join(", ")));
    (sql.conditions.join(" AND "), sql.values)
}

/// Conditions that are being joined by AND.
#[derive(Default)]
struct Sql {
    conditions: Vec<String>,
    values: Vec<Value>,
}

impl Sql {
    /// The column is one of these; a text that `value` cannot read is none of them.
    fn any_of(&mut self, column: &str, any: &[Literal], value: impl Fn(&str) -> Option<Value>) {
        if any.len() <= VALUES_MAX {
            let values: Vec<Value> = any.iter().filter_map(|literal| value(literal.text()?)).collect();
            let marks = vec!["?"; values.len()].join(", ");
            self.conditions.push(format!("{column} IN ({marks})"));
            self.values.extend(values);
        }
    }

    fn push(&mut self, condition: &str, values: [Value; 1]) {
        self.conditions.push(format!("{condition}?"));
        self.values.extend(values);
    }
}

/// Comparisons that all have to hold.
fn conjuncts(filter: &Tree<NamedField>) -> Vec<&Compare<NamedField>> {
    match filter {
        Tree::And(parts) => parts.iter().flat_map(conjuncts).collect(),
        Tree::Compare(compare) => vec![compare],
        Tree::Or(_) | Tree::Not(_) => Vec::new(),
    }
}

fn sign(order: Order) -> &'static str {
    match order {
        Order::Greater => ">",
        Order::GreaterOrEqual => ">=",
        Order::Less => "<",
        Order::LessOrEqual => "<=",
    }
}
