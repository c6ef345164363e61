//! Shapes of the bodies that carry a log, for the OpenAPI document only: made from the field table, so that a new field
//! shows by itself.

use evalset_model::field::Field;
use evalset_model::log::payload;
use evalset_model::scalar::Kind;
use serde_json::{Value, json};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, SchemaType, Type};
use utoipa::{PartialSchema, ToSchema};

/// A row to create (contract B.7).
pub struct NewRowBody;

/// A request log to ingest (contract E.1).
pub struct NewSpanBody;

const ROW: &str = "A row from unified input and output. Known keys of `metadata` and `metrics` (model, tokens, cost, latency, …) \
    become fields of the row; any known field may also stand at the top level.";
const SPAN: &str = "A request log. One of `input`, `output`, messages or trace ids must be there; nothing else is required. A given \
    `unique_id` overwrites the log that has it.";

impl PartialSchema for NewRowBody {
    fn schema() -> RefOr<Schema> {
        let example = json!({"input": [{"role": "user", "content": "Where is my refund?"}],
            "output": {"role": "assistant", "content": "It was sent on Monday."}, "expected_output": "A date and an apology.",
            "metadata": {"model": "gpt-4o-mini", "tier": "gold"}, "metrics": {"cost": 0.00002, "latency": 0.8}});
        let body = log(ROW, example).property("expected_output", any("Target for evaluation: any JSON."));
        Schema::from(body.required("input")).into()
    }
}

impl PartialSchema for NewSpanBody {
    fn schema() -> RefOr<Schema> {
        let example = json!({"model": "gpt-4o-mini", "input": [{"role": "user", "content": "Where is my refund?"}],
            "output": {"role": "assistant", "content": "It was sent on Monday."}, "prompt_tokens": 12, "completion_tokens": 7,
            "cost": 0.00002, "latency": 0.8, "metadata": {"tier": "gold"}});
        let body = log(SPAN, example).property("unique_id", typed(&[Type::String, Type::Null]));
        Schema::from(body).into()
    }
}

impl ToSchema for NewRowBody {}
impl ToSchema for NewSpanBody {}

fn log(description: &str, example: Value) -> ObjectBuilder {
    let object = ObjectBuilder::new()
        .description(Some(description))
        .examples([example])
        .property("input", any("Model or application input: any JSON, such as messages."))
        .property("output", any("Observed output: any JSON, such as a message."))
        .property("metadata", typed(&[Type::Object, Type::Null]))
        .property("metrics", typed(&[Type::Object, Type::Null]));
    let writable = Field::ALL.iter().filter(|field| field.spec().writable);
    let object = writable.fold(object, |object, field| object.property(field.name(), typed(types(field.kind()))));
    payload::KEPT.iter().fold(object, |object, name| object.property(*name, any("Kept as sent.")))
}

fn types(kind: Kind) -> &'static [Type] {
    match kind {
        Kind::Text | Kind::Time => &[Type::String, Type::Null],
        Kind::Int => &[Type::Integer, Type::Null],
        Kind::Float => &[Type::Number, Type::Null],
        Kind::Bool => &[Type::Boolean, Type::Null],
    }
}

fn typed(types: &[Type]) -> Schema {
    ObjectBuilder::new().schema_type(types.iter().cloned().collect::<SchemaType>()).into()
}

fn any(description: &str) -> Schema {
    ObjectBuilder::new().schema_type(SchemaType::AnyValue).description(Some(description)).into()
}
