//! The OpenAPI schemas of log objects, from the same table that `evalset_rows::shape` writes them by. Names only:
//! nothing makes a value of these types.

use evalset_model::scalar::Kind;
use evalset_rows::shape::{CREATED_SPAN, DETAIL, LIST, Member, Named, SPAN, ScoreShape};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, Schema, SchemaFormat, SchemaType, Type};
use utoipa::{PartialSchema, ToSchema};

macro_rules! schemas {
    ($($(#[$doc:meta])* $name:ident = $schema:expr;)*) => { $(
        $(#[$doc])*
        pub enum $name {}

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                $schema
            }
        }
        impl ToSchema for $name {}
    )* };
}

schemas! {
    /// A dataset row in a list.
    ListRow = object(&LIST, ScoreShape::Object, &[]);
    /// A dataset row alone, and a line of an export.
    DetailRow = object(&DETAIL, ScoreShape::Array, &[]);
    /// A request log in a list.
    SpanRow = object(&SPAN, ScoreShape::Object, &[]);
    /// A request log alone.
    SpanDetail = object(&SPAN, ScoreShape::Object, &[]);
    /// Reply to an ingested request log.
    CreatedSpan = object(CREATED_SPAN, ScoreShape::Object, &["message"]);
    /// Reply to the creation of a dataset row.
    CreatedRow = created_row();
}

fn object(members: &[Named], scores: ScoreShape, before: &[&str]) -> RefOr<Schema> {
    let mut object = ObjectBuilder::new();
    for name in before {
        object = object.property(*name, typed(&[Type::String])).required(*name);
    }
    for (name, member) in members {
        object = object.property(*name, member_schema(name, *member, scores));
    }
    // Named by every row whatever the caller asks to include.
    Schema::from(object.required("id").required("unique_id")).into()
}

fn created_row() -> RefOr<Schema> {
    let object = ObjectBuilder::new()
        .property("message", typed(&[Type::String]))
        .required("message")
        .property("unique_id", typed(&[Type::String]))
        .required("unique_id")
        .property("log_data", object(&DETAIL, ScoreShape::Array, &[]));
    Schema::from(object).into()
}

fn member_schema(name: &str, member: Member, scores: ScoreShape) -> Schema {
    match member {
        Member::Id | Member::OrganizationId => typed(&[Type::String]),
        Member::Scalar(field) => match field.kind() {
            Kind::Text => typed(&[Type::String, Type::Null]),
            Kind::Int => typed(&[Type::Integer, Type::Null]),
            Kind::Float => typed(&[Type::Number, Type::Null]),
            Kind::Bool => typed(&[Type::Boolean, Type::Null]),
            Kind::Time => time(),
        },
        Member::DatasetId | Member::Prompt | Member::Completion | Member::System | Member::KeyName | Member::Null => {
            typed(&[Type::String, Type::Null])
        }
        Member::Messages | Member::ToolCalls => typed(&[Type::Array, Type::Null]),
        Member::Annotator | Member::Metadata => typed(&[Type::Object]),
        Member::CompletionMessage => typed(&[Type::Object, Type::Null]),
        Member::Scores => match scores {
            ScoreShape::Object => typed(&[Type::Object]),
            ScoreShape::Array => typed(&[Type::Array]),
        },
        Member::False => typed(&[Type::Boolean]),
        Member::Stored(_) => stored(name),
    }
}

fn stored(name: &str) -> Schema {
    match name {
        "metrics" | "full_request" | "full_response" | "variables" | "usage" | "response_format"
        | "customer_params" | "limit_info" => typed(&[Type::Object, Type::Null]),
        "completion_messages" | "tools" => typed(&[Type::Array, Type::Null]),
        "prompt_unit_price" | "completion_unit_price" => typed(&[Type::Number, Type::Null]),
        _ => ObjectBuilder::new().schema_type(SchemaType::AnyValue).into(),
    }
}

fn time() -> Schema {
    let types: SchemaType = [Type::String, Type::Null].into_iter().collect();
    ObjectBuilder::new().schema_type(types).format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime))).into()
}

fn typed(types: &[Type]) -> Schema {
    let types: SchemaType = match types {
        [only] => only.clone().into(),
        several => several.iter().cloned().collect(),
    };
    ObjectBuilder::new().schema_type(types).into()
}

#[cfg(test)]
mod tests {
    use super::{DetailRow, ListRow};
    use evalset_model::ids::{LogId, OrganizationId};
    use evalset_model::key::Organization;
    use evalset_model::limits::Limits;
    use evalset_model::log::ingest;
    use evalset_rows::shape::{self, RowContext, to_map};
    use serde_json::json;
    use utoipa::PartialSchema;
    use uuid::Uuid;

    #[test]
    fn the_schema_names_what_is_written() {
        let limits = Limits::default();
        let context = ingest::Context {
            id: LogId("9a".into()),
            now: 1,
            environment: "prod",
            key_id: String::new(),
            key_name: "ci",
            log_method: "logging_api",
            limits: &limits,
        };
        let body = ingest::Body::of(json!({"input": "q"}).as_object().unwrap(), &limits).unwrap();
        let row = ingest::row(&body, &context).unwrap();
        let organization =
            Organization { id: OrganizationId(Uuid::from_u128(7)), number: 1, name: "Acme".into(), created_at: 0 };
        let of = RowContext::new(&organization, Some("1f0c".into()));
        let schema = serde_json::to_value(ListRow::schema()).unwrap();
        let properties = schema["properties"].as_object().unwrap();
        assert!(to_map(&shape::ListRow::new(&row, &of, None)).keys().eq(properties.keys()));
        assert_eq!(properties["timestamp"], json!({"type": ["string", "null"], "format": "date-time"}));
        assert_eq!(properties["cost"], json!({"type": ["number", "null"]}));
        assert_eq!(properties["scores"], json!({"type": "object"}));
        let detail = serde_json::to_value(DetailRow::schema()).unwrap();
        assert_eq!(detail["properties"]["scores"], json!({"type": "array"}));
        let shown = to_map(&shape::DetailRow::new(&row, &of, None));
        assert!(shown.keys().eq(detail["properties"].as_object().unwrap().keys()));
    }
}
