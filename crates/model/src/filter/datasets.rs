//! The filter language over datasets (contract C.8): their fields, values and order.
//!
//! How they are filtered and sorted is said in `listed`.

use super::check::NamedField;
use super::listed::Listed;
use super::meaning::Operand;
use crate::dataset::Dataset;
use crate::ids::DatasetId;
use crate::scalar::Kind;
use std::borrow::Cow;

/// Fields a dataset filter may name. `tags` matches the id or name of any tag.
pub const FIELDS: &[NamedField] = &[
    NamedField::new("id", Kind::Text),
    NamedField::new("name", Kind::Text),
    NamedField::new("description", Kind::Text),
    NamedField::new("type", Kind::Text),
    NamedField::new("status", Kind::Text),
    NamedField::new("granularity", Kind::Text),
    NamedField::new("running_status", Kind::Text),
    NamedField::new("log_count", Kind::Int),
    NamedField::new("completed_annotation_count", Kind::Int),
    NamedField::new("created_at", Kind::Time),
    NamedField::new("updated_at", Kind::Time),
    NamedField::new("starred", Kind::Bool),
    NamedField::new("tags", Kind::Text),
];

/// Fields datasets can be sorted by (contract A.6).
pub const SORTABLE: &[NamedField] = &[
    NamedField::new("created_at", Kind::Time),
    NamedField::new("updated_at", Kind::Time),
    NamedField::new("name", Kind::Text),
    NamedField::new("log_count", Kind::Int),
    NamedField::new("status", Kind::Text),
    NamedField::new("type", Kind::Text),
    NamedField::new("starred", Kind::Bool),
    NamedField::new("granularity", Kind::Text),
];

impl Listed for Dataset {
    type Id = DatasetId;

    fn id(&self) -> DatasetId {
        self.id
    }

    fn operand(&self, name: &str) -> Operand<'_> {
        let text = |text| Operand::Text(Cow::Borrowed(text));
        match name {
            "id" => Operand::Text(Cow::Owned(self.id.to_string())),
            "name" => text(&self.name),
            "description" => text(&self.description),
            "type" => text(&self.kind),
            "status" => text(self.status.name()),
            "granularity" => text(self.granularity.name()),
            "running_status" => text(&self.running_status),
            "log_count" => Operand::Number(self.log_count as f64),
            "completed_annotation_count" => Operand::Number(self.completed_annotation_count as f64),
            "created_at" => Operand::Time(self.created_at),
            "updated_at" => Operand::Time(self.updated_at),
            "starred" => Operand::Bool(self.starred),
            "tags" => Operand::Many(
                self.tags.iter().flat_map(|tag| [tag.id.as_str().into(), tag.name.as_str().into()]).collect(),
            ),
            _ => Operand::Null,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::{Granularity, Status, Tag};
    use crate::filter::check;
    use crate::filter::listed::{compare, holds};
    use crate::filter::testing::parse;
    use crate::ids::OrganizationId;
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
            order.sort_by(|left, right| compare(field, descending, *left, *right));
            order.iter().map(|row| row.id.0.as_u128()).collect::<Vec<_>>()
        };
        assert_eq!(sorted("name"), [2, 1, 3]);
        assert_eq!(sorted("-name"), [1, 3, 2]);
        for field in SORTABLE.iter().filter(|field| field.name != "name") {
            assert_eq!(sorted(field.name), [1, 2, 3], "{}", field.name);
        }
    }
}
