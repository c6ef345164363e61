//! JSON of a score: the object of contract F.5, the same everywhere, written from the table of score fields; reading
//! one alone adds what it was given and its evaluator.

use evalset_model::evaluator::EvalInputs;
use evalset_model::json::Text;
use evalset_model::scalar::{Kind, Scalar, format_time};
use evalset_model::score::{Score, ScoreField, ScoreFieldValue};
use indexmap::IndexMap;
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Value;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, Schema, SchemaFormat, SchemaType, Type};
use utoipa::{PartialSchema, ToSchema};

/// A score on the wire. Of the five value fields, those of its type are set.
#[derive(Debug)]
pub struct ScoreObject {
    score: Score,
    /// Members beside the fields: `timestamp` as given; of a score read alone also what the evaluator was given, and
    /// the evaluator.
    pub more: IndexMap<String, Text>,
}

impl From<Score> for ScoreObject {
    fn from(score: Score) -> Self {
        let timestamp = score.extra.timestamp.clone().unwrap_or_default();
        Self { score, more: IndexMap::from_iter([("timestamp".to_owned(), timestamp.into())]) }
    }
}

impl ScoreObject {
    /// With what the evaluator is given of the record, when that is there.
    #[must_use]
    pub fn with_inputs(mut self, inputs: Option<&EvalInputs>) -> Self {
        self.more.insert("inputs".to_owned(), inputs.map(inputs_json).unwrap_or_default());
        self
    }

    /// With the object of its evaluator, null when it has none any more.
    #[must_use]
    pub fn with_evaluator(mut self, evaluator: Value) -> Self {
        self.more.insert("evaluator".to_owned(), evaluator.into());
        self
    }
}

impl Serialize for ScoreObject {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut object = to.serialize_map(Some(ScoreField::ALL.len() + self.more.len()))?;
        for field in ScoreField::ALL {
            object.serialize_entry(field.name(), &Member(field.value(&self.score)))?;
        }
        for (name, value) in &self.more {
            object.serialize_entry(name, value)?;
        }
        object.end()
    }
}

/// The value of a field.
struct Member<'a>(ScoreFieldValue<'a>);

impl Serialize for Member<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            ScoreFieldValue::Null => to.serialize_none(),
            ScoreFieldValue::Scalar(Scalar::Text(text)) => to.serialize_str(text),
            ScoreFieldValue::Scalar(Scalar::Int(number)) => to.serialize_i64(*number),
            ScoreFieldValue::Scalar(Scalar::Float(number)) => to.serialize_f64(*number),
            ScoreFieldValue::Scalar(Scalar::Bool(flag)) => to.serialize_bool(*flag),
            ScoreFieldValue::Scalar(Scalar::Time(micros)) => to.serialize_str(&format_time(*micros)),
            ScoreFieldValue::Text(text) => to.serialize_str(text),
            ScoreFieldValue::Names(names) => names.serialize(to),
            ScoreFieldValue::Echoed(value) => value.serialize(to),
        }
    }
}

impl PartialSchema for ScoreObject {
    fn schema() -> RefOr<Schema> {
        let about = "A score on the wire. Of the five value fields, those of its type are set.";
        let mut object = ObjectBuilder::new().description(Some(about));
        for field in ScoreField::ALL {
            object = object.property(field.name(), field_schema(*field));
            if field.spec().required {
                object = object.required(field.name());
            }
        }
        Schema::from(object).into()
    }
}

impl ToSchema for ScoreObject {}

fn field_schema(field: ScoreField) -> Schema {
    let spec = field.spec();
    let property = ObjectBuilder::new().description(Some(spec.about.trim()));
    let plain = match field {
        ScoreField::PromptId | ScoreField::PromptVersionNumber | ScoreField::AutomationId => {
            return property.schema_type(SchemaType::AnyValue).into();
        }
        ScoreField::CategoricalValue => Type::Array,
        _ => match spec.kind {
            Kind::Text | Kind::Time => Type::String,
            Kind::Int => Type::Integer,
            Kind::Float => Type::Number,
            Kind::Bool => Type::Boolean,
        },
    };
    let format = match spec.kind {
        Kind::Float => Some(SchemaFormat::KnownFormat(KnownFormat::Double)),
        _ => None,
    };
    let kinds: SchemaType = if spec.required { plain.into() } else { [plain, Type::Null].into_iter().collect() };
    property.schema_type(kinds).format(format).into()
}

/// What an evaluator is given (contract F.4).
pub fn inputs_json(inputs: &EvalInputs) -> Text {
    let EvalInputs { input, output, expected_output, metrics, metadata } = inputs;
    let [metrics, metadata] = [metrics, metadata].map(|map| Value::Object(map.clone()).to_string());
    Text::written(format!(
        r#"{{"input":{},"output":{},"expected_output":{},"metrics":{metrics},"metadata":{metadata}}}"#,
        input.json(),
        output.json(),
        expected_output.json()
    ))
}
