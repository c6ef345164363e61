//! The filter language over datasets (contract C.8): their fields, values and order.
//!
//! An organization has few datasets, so this reference is also what serves.

use super::check::NamedField;
use super::meaning::{Operand, compare_operands, test_holds, tree_holds};
use super::tree::Tree;
use crate::dataset::Dataset;
use crate::scalar::Kind;
use std::borrow::Cow;
use std::cmp::Ordering;

const fn field(name: &'static str, kind: Kind) -> NamedField {
    NamedField { name, kind }
}

/// Fields a dataset filter may name. `tags` matches the id or name of any tag.
pub const FIELDS: &[NamedField] = &[
    field("id", Kind::Text),
    field("name", Kind::Text),
    field("description", Kind::Text),
    field("type", Kind::Text),
    field("status", Kind::Text),
    field("granularity", Kind::Text),
    field("running_status", Kind::Text),
    field("log_count", Kind::Int),
    field("completed_annotation_count", Kind::Int),
    field("created_at", Kind::Time),
    field("updated_at", Kind::Time),
    field("starred", Kind::Bool),
    field("tags", Kind::Text),
];

/// Fields datasets can be sorted by (contract A.6).
pub const SORTABLE: &[NamedField] = &[
    field("created_at", Kind::Time),
    field("updated_at", Kind::Time),
    field("name", Kind::Text),
    field("log_count", Kind::Int),
    field("status", Kind::Text),
    field("type", Kind::Text),
    field("starred", Kind::Bool),
    field("granularity", Kind::Text),
];

/// Whether the dataset passes a filter made by `check::fields` over [`FIELDS`].
pub fn holds(filter: &Tree<NamedField>, dataset: &Dataset) -> bool {
    tree_holds(filter, &mut |part| test_holds(&part.test, &operand(part.field.name, dataset)))
}

/// The order of two datasets by one of [`SORTABLE`]; ties by id ascending.
pub fn compare(field: NamedField, descending: bool, left: &Dataset, right: &Dataset) -> Ordering {
    let order = compare_operands(&operand(field.name, left), &operand(field.name, right), descending);
    order.then_with(|| left.id.cmp(&right.id))
}

/// The value of a field; null for names not in [`FIELDS`].
fn operand<'a>(name: &str, dataset: &'a Dataset) -> Operand<'a> {
    let text = |text: &'a str| Operand::Text(Cow::Borrowed(text));
    match name {
        "id" => Operand::Text(Cow::Owned(dataset.id.to_string())),
        "name" => text(&dataset.name),
        "description" => text(&dataset.description),
        "type" => text(&dataset.kind),
        "status" => text(dataset.status.name()),
        "granularity" => text(dataset.granularity.name()),
        "running_status" => text(&dataset.running_status),
        "log_count" => Operand::Number(dataset.log_count as f64),
        "completed_annotation_count" => Operand::Number(dataset.completed_annotation_count as f64),
        "created_at" => Operand::Time(dataset.created_at),
        "updated_at" => Operand::Time(dataset.updated_at),
        "starred" => Operand::Bool(dataset.starred),
        "tags" => Operand::Many(
            dataset.tags.iter().flat_map(|tag| [tag.id.as_str().into(), tag.name.as_str().into()]).collect(),
        ),
        _ => Operand::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::{Granularity, Status, Tag};
    use crate::filter::check;
    use crate::filter::testing::parse;
    use crate::ids::{DatasetId, OrganizationId};
    use serde_json::{Map, Value, json};
    use uuid::Uuid;

    fn dataset(number: u128, name: &str, tags: &[(&str, &str)]) -> Dataset {
        Dataset {
            id: DatasetId(Uuid::from_u128(number)),
            organization: OrganizationId(Uuid::nil()),
            name: name.to_owned(),
            description: String::new(),
            kind: "sampling".to_owned(),
            status: Status::Ready,
            granularity: Granularity::Logs,
            initial_log_filters: Map::new(),
            log_count: 12,
            completed_annotation_count: 3,
            created_at: 1_700_000_000_000_000,
            updated_at: 1_700_000_001_000_000,
            starred: true,
            tags: tags
                .iter()
                .map(|(id, name)| Tag { id: (*id).to_owned(), name: (*name).to_owned(), color: String::new() })
                .collect(),
            running_status: "pending".to_owned(),
            running_progress: 0,
            running_at: None,
        }
    }

    #[test]
    fn every_field_can_be_asked() {
        let row = dataset(1, "Refund chats", &[("7", "Support"), ("8", "Billing")]);
        let passes = |filter: Value| holds(&check::fields(&parse(&filter).unwrap(), FIELDS).unwrap(), &row);
        for (filter, expected) in [
            (json!({"name": {"operator": "icontains", "value": "refund"}}), true),
            (json!({"id": "00000000-0000-0000-0000-000000000001"}), true),
            (json!({"type": "sampling", "status": "ready", "granularity": "logs", "running_status": "pending"}), true),
            (json!({"log_count": {"gt": 11, "lte": "12"}}), true),
            (json!({"completed_annotation_count": {"operator": "not", "value": 3}}), false),
            (json!({"created_at": {"operator": "gte", "value": "2023-11-14T22:13:20Z"}}), true),
            (json!({"updated_at": {"operator": "lt", "value": "2023-11-14T22:13:21Z"}}), false),
            (json!({"starred": true}), true),
            (json!({"description": {"operator": "empty"}}), true),
            (json!({"tags": "7"}), true),
            (json!({"tags": {"operator": "in", "value": ["x", "Billing"]}}), true),
            (json!({"tags": {"operator": "not_in", "value": ["Billing"]}}), false),
            (json!({"tags": {"operator": "icontains", "value": "SUPP"}}), true),
            (json!({"tags": {"operator": "iexact", "value": "billing"}}), true),
            (json!({"tags": {"operator": "empty"}}), false),
        ] {
            assert_eq!(passes(filter.clone()), expected, "{filter}");
        }
        let bare = dataset(2, "x", &[]);
        let none =
            check::fields(&parse(&json!({"tags": {"operator": "isnull", "value": true}})).unwrap(), FIELDS).unwrap();
        assert!(holds(&none, &bare) && !holds(&none, &row));
    }

    #[test]
    fn order_breaks_ties_by_id_ascending() {
        let rows = [dataset(3, "b", &[]), dataset(1, "b", &[]), dataset(2, "a", &[])];
        let sorted = |text: &str| {
            let (field, descending) = check::sort_in(text, SORTABLE).unwrap();
            let mut order: Vec<&Dataset> = rows.iter().collect();
            order.sort_by(|left, right| compare(field, descending, left, right));
            order.iter().map(|row| row.id.0.as_u128()).collect::<Vec<_>>()
        };
        assert_eq!(sorted("name"), [2, 1, 3]);
        assert_eq!(sorted("-name"), [1, 3, 2]);
        for field in SORTABLE.iter().filter(|field| field.name != "name") {
            assert_eq!(sorted(field.name), [1, 2, 3], "{}", field.name);
        }
    }
}
