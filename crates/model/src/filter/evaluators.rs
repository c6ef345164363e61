//! The filter language over evaluators (contract C.8, F.1): their fields, values and order.
//!
//! How they are filtered and sorted is said in `listed`.

use super::check::NamedField;
use super::listed::Listed;
use super::meaning::Operand;
use crate::evaluator::Evaluator;
use crate::ids::EvaluatorId;
use crate::scalar::Kind;
use serde::Serialize;
use std::borrow::Cow;

/// Fields an evaluator filter may name. `tags` matches the id or name of any tag; settings match by their JSON text.
pub const FIELDS: &[NamedField] = &[
    NamedField::new("id", Kind::Text),
    NamedField::new("version_id", Kind::Text),
    NamedField::new("version", Kind::Int),
    NamedField::new("version_count", Kind::Int),
    NamedField::new("version_description", Kind::Text),
    NamedField::new("is_read_only", Kind::Bool),
    NamedField::new("name", Kind::Text),
    NamedField::new("description", Kind::Text),
    NamedField::new("evaluator_slug", Kind::Text),
    NamedField::new("slug", Kind::Text),
    NamedField::new("type", Kind::Text),
    NamedField::new("score_value_type", Kind::Text),
    NamedField::new("eval_class", Kind::Text),
    NamedField::new("score_config", Kind::Text),
    NamedField::new("passing_conditions", Kind::Text),
    NamedField::new("llm_config", Kind::Text),
    NamedField::new("code_config", Kind::Text),
    NamedField::new("configurations", Kind::Text),
    NamedField::new("categorical_choices", Kind::Text),
    NamedField::new("starred", Kind::Bool),
    NamedField::new("is_public", Kind::Bool),
    NamedField::new("tags", Kind::Text),
    NamedField::new("created_at", Kind::Time),
    NamedField::new("updated_at", Kind::Time),
];

/// Fields evaluators can be sorted by (contract A.6).
pub const SORTABLE: &[NamedField] = &[
    NamedField::new("created_at", Kind::Time),
    NamedField::new("updated_at", Kind::Time),
    NamedField::new("name", Kind::Text),
    NamedField::new("type", Kind::Text),
    NamedField::new("score_value_type", Kind::Text),
    NamedField::new("starred", Kind::Bool),
];

impl Listed for Evaluator {
    type Id = EvaluatorId;

    fn id(&self) -> EvaluatorId {
        self.id
    }

    fn operand(&self, name: &str) -> Operand<'_> {
        let text = |text| Operand::Text(Cow::Borrowed(text));
        let definition = &self.definition;
        match name {
            "id" => Operand::Text(Cow::Owned(self.id.to_string())),
            "version_id" => Operand::Text(Cow::Owned(self.version_id.to_string())),
            "version" => Operand::Number(f64::from(self.version)),
            "version_count" => Operand::Number(f64::from(self.version_count)),
            "version_description" => self.version_description.as_deref().map_or(Operand::Null, text),
            "is_read_only" => Operand::Bool(self.is_read_only),
            "name" => text(&definition.name),
            "description" => text(&definition.description),
            "evaluator_slug" | "slug" => text(&self.slug),
            "type" => text(&definition.kind),
            "score_value_type" => text(definition.score_value_type.name()),
            "eval_class" => definition.eval_class.as_deref().map_or(Operand::Null, text),
            "score_config" => document(definition.score_config.as_ref()),
            "passing_conditions" => document(definition.passing_conditions.as_ref()),
            "llm_config" => document(definition.llm_config.as_ref()),
            "code_config" => document(definition.code_config.as_ref()),
            "configurations" => document(Some(&definition.configurations)),
            "categorical_choices" => document(definition.categorical_choices.as_ref()),
            "starred" => Operand::Bool(self.starred),
            "is_public" => Operand::Bool(false),
            "tags" => Operand::Many(
                self.tags.iter().flat_map(|tag| [tag.id.as_str().into(), tag.name.as_str().into()]).collect(),
            ),
            "created_at" => Operand::Time(self.created_at),
            "updated_at" => Operand::Time(self.updated_at),
            _ => Operand::Null,
        }
    }
}

/// Settings as their JSON text, which is `{}` or `[]` when empty.
fn document<T: Serialize>(settings: Option<&T>) -> Operand<'static> {
    let text = settings.and_then(|settings| serde_json::to_string(settings).ok());
    text.map_or(Operand::Null, |text| Operand::Document(Cow::Owned(text)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::Tag;
    use crate::evaluator::{Definition, ScoreValueType};
    use crate::filter::check;
    use crate::filter::listed::{compare, holds};
    use crate::filter::testing::parse;
    use crate::ids::{OrganizationId, VersionId};
    use serde_json::{Value, json};
    use uuid::Uuid;

    fn evaluator(number: u128, name: &str) -> Evaluator {
        let definition = Definition {
            name: name.to_owned(),
            kind: "llm".to_owned(),
            score_value_type: ScoreValueType::Percentage,
            llm_config: json!({"model": "gpt-4o-mini"}).as_object().cloned(),
            ..Definition::default()
        };
        Evaluator {
            id: EvaluatorId(Uuid::from_u128(number)),
            version_id: VersionId(Uuid::from_u128(0x100 + number)),
            organization: OrganizationId(Uuid::nil()),
            slug: name.to_lowercase(),
            version: 2,
            is_read_only: false,
            version_description: None,
            definition,
            starred: true,
            tags: vec![Tag { id: "7".to_owned(), name: "Support".to_owned(), color: String::new() }],
            created_at: 1_700_000_000_000_000,
            updated_at: 1_700_000_001_000_000,
            version_count: 3,
        }
    }

    #[test]
    fn every_field_can_be_asked() {
        let row = evaluator(1, "Politeness");
        let passes = |filter: Value| holds(&check::fields(&parse(&filter).unwrap(), FIELDS).unwrap(), &row);
        for (filter, expected) in [
            (json!({"id": "00000000-0000-0000-0000-000000000001"}), true),
            (json!({"version_id": "00000000-0000-0000-0000-000000000101"}), true),
            (json!({"version": {"gte": 2, "lt": 3}, "version_count": 3}), true),
            (json!({"version_description": {"operator": "isnull", "value": true}}), true),
            (json!({"is_read_only": false, "is_public": false, "starred": true}), true),
            (json!({"name": {"operator": "icontains", "value": "POLITE"}}), true),
            (json!({"description": {"operator": "empty"}}), true),
            (json!({"evaluator_slug": "politeness", "slug": "politeness"}), true),
            (json!({"type": {"operator": "in", "value": ["llm", "code"]}}), true),
            (json!({"score_value_type": {"operator": "not", "value": "percentage"}}), false),
            (json!({"eval_class": {"operator": "not_empty"}}), false),
            (json!({"llm_config": {"operator": "contains", "value": "gpt-4o-mini"}}), true),
            (json!({"code_config": {"operator": "isnull", "value": false}}), false),
            (json!({"configurations": {"operator": "empty"}}), true),
            (json!({"passing_conditions": {"operator": "empty"}, "score_config": {"operator": "empty"}}), true),
            (json!({"categorical_choices": {"operator": "isnull", "value": true}}), true),
            (json!({"tags": "7"}), true),
            (json!({"tags": {"operator": "not_in", "value": ["Support"]}}), false),
            (json!({"created_at": {"operator": "gte", "value": "2023-11-14T22:13:20Z"}}), true),
            (json!({"updated_at": {"operator": "lt", "value": "2023-11-14T22:13:21Z"}}), false),
        ] {
            assert_eq!(passes(filter.clone()), expected, "{filter}");
        }
    }

    #[test]
    fn order_breaks_ties_by_id_ascending() {
        let rows = [evaluator(3, "b"), evaluator(1, "b"), evaluator(2, "a")];
        let sorted = |text: &str| {
            let (field, descending) = check::sort_in(text, SORTABLE).unwrap();
            let mut order: Vec<&Evaluator> = rows.iter().collect();
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
