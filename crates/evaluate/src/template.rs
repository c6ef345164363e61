//! Templates of LLM judges: Jinja2 over the inputs of a row, compiled once, bounded in work and in size. These bounds
//! do not cover everything a template can do to a process, which is why it runs in a child, see `sandbox`.
//!
//! Knows inputs, not models. A variable that does not exist is refused when the template is compiled; a key that a
//! row's metadata lacks renders as nothing, since rows differ.

use crate::convert::cut;
use crate::inputs::{ideal_output, input_text, output_text};
use evalset_model::evaluator::EvalInputs;
use evalset_model::json::Text;
use minijinja::value::{Enumerator, Object, ObjectRepr, Serde, Value, ValueKind};
use minijinja::{Environment, Output, State, UndefinedBehavior, context};
use std::borrow::Cow;
use std::fmt;
use std::io;
use std::sync::Arc;

/// Bytes of a rendered prompt.
pub const RENDERED_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Work of one rendering: about one for an instruction, and for 64 bytes made or looked at.
const FUEL: u64 = 2_000_000;
/// Templates calling themselves.
const RECURSION_MAX: usize = 50;

/// What a template may name.
const VARIABLES: &[&str] =
    &["input", "output", "expected_output", "metadata", "metrics", "llm_input", "llm_output", "ideal_output"];
/// What a template must name one of.
const NEEDED: &[&str] = &["output", "llm_output"];

/// A compiled template.
#[derive(Clone)]
pub struct Template(Arc<Environment<'static>>);

/// Its only name; without an ending, so that nothing is escaped.
const NAME: &str = "evaluator_definition";

impl fmt::Debug for Template {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Template")
    }
}

impl Template {
    /// Compiles a template; else what is wrong with it, to be said after the name of its member.
    pub fn compile(source: &str) -> Result<Self, String> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Chainable);
        environment.set_fuel(Some(FUEL));
        environment.set_recursion_limit(RECURSION_MAX);
        environment.set_formatter(write_value);
        environment.add_template_owned(NAME, source.to_owned()).map_err(|error| {
            let what = error.detail().map_or_else(|| error.kind().to_string(), ToOwned::to_owned);
            let line = error.line().map(|line| format!(" at line {line}")).unwrap_or_default();
            format!("is not a usable Jinja2 template{line}: {}", cut(&what, 300))
        })?;
        let template = environment.get_template(NAME).map_err(|error| error.to_string())?;
        let names = template.undeclared_variables(false);
        let known = |name: &str| VARIABLES.contains(&name) || environment.globals().any(|(global, _)| global == name);
        let mut strangers: Vec<&String> = names.iter().filter(|name| !known(name)).collect();
        strangers.sort();
        if let Some(stranger) = strangers.first() {
            let (stranger, allowed) = (cut(stranger, 80), VARIABLES.join(", "));
            return Err(format!("names `{stranger}`, which is no variable; allowed: {allowed}"));
        }
        if !NEEDED.iter().any(|name| names.contains(*name)) {
            return Err("must contain {{output}} (or {{llm_output}}): what is to be judged".to_owned());
        }
        let template = Self(Arc::new(environment));
        template.try_out().map_err(|what| format!("cannot be used: {what}"))?;
        Ok(template)
    }

    /// Renders nothing once: filters and functions that do not exist are only seen then. What else goes wrong may be
    /// for lack of a row.
    fn try_out(&self) -> Result<(), String> {
        use minijinja::ErrorKind::{OutOfFuel, UnknownFilter, UnknownFunction, UnknownTest};
        match self.write(&EvalInputs::default()) {
            Err(error) if matches!(error.kind(), OutOfFuel | UnknownFilter | UnknownFunction | UnknownTest) => {
                Err(explain(&error))
            }
            _ => Ok(()),
        }
    }

    /// The text for a row, or why there is none.
    pub fn render(&self, inputs: &EvalInputs) -> Result<String, String> {
        String::from_utf8(self.write(inputs).map_err(|error| explain(&error))?).map_err(|error| error.to_string())
    }

    fn write(&self, inputs: &EvalInputs) -> Result<Vec<u8>, minijinja::Error> {
        let (input, output) = (input_text(&inputs.input), output_text(&inputs.output));
        let ideal = ideal_output(inputs);
        let values = context! {
            input => viewed(&inputs.input, &input),
            output => viewed(&inputs.output, &output),
            expected_output => viewed(&inputs.expected_output, &output_text(&inputs.expected_output)),
            ideal_output => viewed(&ideal, &output_text(&ideal)),
            metadata => Value::from(Serde(&inputs.metadata)),
            metrics => Value::from(Serde(&inputs.metrics)),
            llm_input => input,
            llm_output => output,
        };
        let mut text = Bounded(Vec::new());
        self.0.get_template(NAME)?.render_captured_to(values, &mut text)?;
        Ok(text.0)
    }
}

fn explain(error: &minijinja::Error) -> String {
    let line = error.line().map(|line| format!(" at line {line}")).unwrap_or_default();
    let what = match error.kind() {
        minijinja::ErrorKind::OutOfFuel => "it does more work than a template may".to_owned(),
        minijinja::ErrorKind::WriteFailure => format!("the text has more than {RENDERED_BYTES_MAX} bytes"),
        _ => cut(&error.to_string(), 300),
    };
    format!("the template cannot be rendered{line}: {what}")
}

/// A value that renders as its text view and yet has members.
#[derive(Debug)]
struct View {
    members: Value,
    text: String,
}

fn viewed(value: &Text, text: &str) -> Value {
    let members = Value::from(Serde(&value.json().to_value()));
    if value.json().scalar().is_some() {
        return members;
    }
    Value::from_object(View { members, text: text.to_owned() })
}

impl Object for View {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        match self.members.kind() {
            ValueKind::Seq => ObjectRepr::Seq,
            _ => ObjectRepr::Map,
        }
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.members.get_item(key).ok().filter(|value| !value.is_undefined())
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        match (self.members.kind(), self.members.len()) {
            (ValueKind::Seq, Some(length)) => Enumerator::Seq(length),
            _ => match self.members.try_iter() {
                Ok(keys) => Enumerator::Values(keys.collect()),
                Err(_) => Enumerator::Empty,
            },
        }
    }

    fn render(self: &Arc<Self>, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

/// Text as it is, null and undefined as nothing, structures by their view or as compact JSON.
fn write_value(out: &mut Output<'_>, _: &mut State<'_, '_>, value: &Value) -> Result<(), minijinja::Error> {
    let text: Cow<'_, str> = match value.kind() {
        ValueKind::Undefined | ValueKind::None => return Ok(()),
        ValueKind::String => return value.as_str().map_or(Ok(()), |text| out.write_str(text)).map_err(Into::into),
        ValueKind::Seq | ValueKind::Map => match value.downcast_object_ref::<View>() {
            Some(view) => Cow::Borrowed(view.text.as_str()),
            None => Cow::Owned(serde_json::to_string(value).unwrap_or_else(|_| value.to_string())),
        },
        _ => Cow::Owned(value.to_string()),
    };
    out.write_str(&text).map_err(Into::into)
}

struct Bounded(Vec<u8>);

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > RENDERED_BYTES_MAX {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn inputs() -> EvalInputs {
        EvalInputs {
            input: json!([{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi <b>"}]).into(),
            output: json!({"role": "assistant", "content": "Hé", "tool_calls": []}).into(),
            expected_output: json!(null).into(),
            metrics: json!({"latency": 0.5, "cost": 2}).as_object().cloned().unwrap(),
            metadata: json!({"tier": "gold", "a": {"b": [1, true]}, "ideal_output": "Hello"})
                .as_object()
                .cloned()
                .unwrap(),
        }
    }

    fn render(source: &str) -> Result<String, String> {
        Template::compile(&format!("{source}{{# {{{{output}}}} #}}{{% if false %}}{{{{output}}}}{{% endif %}}"))
            .unwrap()
            .render(&inputs())
    }

    #[test]
    fn what_templates_see() {
        for (source, expected) in [
            ("Q: {{input}} A: {{ output }}", "Q: Hi <b> A: Hé"),
            ("{{ llm_input }}|{{ llm_output }}|{{ ideal_output }}|{{ expected_output }}|", "Hi <b>|Hé|Hello||"),
            ("{{ input[0].content }} {{ output.role }} {{ output['content'] }}", "Be brief. assistant Hé"),
            ("{% for message in input %}{{ message.role }};{% endfor %}", "system;user;"),
            ("{% for key in output %}{{ key }};{% endfor %}", "role;content;tool_calls;"),
            (
                "{{ metadata.tier }} {{ metadata.missing }}{{ metadata.a.missing.more }}|{{ metadata.a }}",
                "gold |{\"b\":[1,true]}",
            ),
            ("{{ metrics.latency }} {{ metrics['cost'] }} {{ metrics.none }}", "0.5 2 "),
            ("{% if expected_output %}x{% else %}none{% endif %}", "none"),
            ("{{ output | tojson }}", "{\"role\": \"assistant\", \"content\": \"Hé\", \"tool_calls\": []}"),
            ("{{ metadata.tier | upper }} {{ input | length }} {% set x = 2 %}{{ x * 3 }}", "GOLD 2 6"),
            ("{% for i in range(3) %}{{ loop.index }}{% endfor %}", "123"),
            ("{% macro m(a) %}[{{ a }}]{% endmacro %}{{ m(output) }}", "[Hé]"),
            ("{{ true }} {{ none }} {{ 1.0 }}", "True  1.0"),
        ] {
            assert_eq!(render(source).as_deref(), Ok(expected), "{source}");
        }
    }

    #[test]
    fn what_is_refused_when_compiled() {
        for (source, said) in [
            ("{{ output", "not a usable Jinja2 template at line 1"),
            ("{{ output }}\n{% if %}", "at line 2"),
            ("{{ output }} {{ answer }}", "names `answer`, which is no variable; allowed: input, output"),
            ("{{ input }}", "must contain {{output}}"),
            ("no variables but the word output", "must contain {{output}}"),
            ("{{ output | nofilter }}", "nofilter"),
            ("{% include 'other' %}{{ output }}", "not a usable Jinja2 template"),
        ] {
            let compiled = Template::compile(source);
            let error = match compiled {
                Err(error) => error,
                Ok(template) => panic!("{source}: {:?}", template.render(&inputs())),
            };
            assert!(error.contains(said), "{source}: {error}");
        }
        for source in
            ["{{ llm_output }}", "{{ output.content }}", "{% if output %}x{% endif %}", "{{ input ~ output }}"]
        {
            assert!(Template::compile(source).is_ok(), "{source}");
        }
    }

    #[test]
    fn work_and_size_are_bounded() {
        for source in [
            "{% for i in range(100000) %}{% for j in range(100000) %}x{% endfor %}{% endfor %}",
            "{{ 'x' * 1000000000 }}",
            &format!("{{% set x = 'xxxxxxxxxx' %}}{}{{{{ x }}}}", "{% set x = x ~ x ~ x ~ x %}".repeat(40)),
            "{% macro m(n) %}{{ m(n + 1) }}{% endmacro %}{{ m(0) }}",
            "{% set ns = namespace(x='xxxxxxxx') %}{% for i in range(90) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}{{ ns.x }}",
            "{% for i in range(90000) %}{{ 'x' * 100 }}{% endfor %}",
        ] {
            let source = format!("{source}{{{{ output }}}}");
            let error = match Template::compile(&source) {
                Err(error) => error,
                Ok(template) => template.render(&inputs()).map(|text| text.len()).unwrap_err(),
            };
            assert!(error.contains("the template cannot be rendered"), "{error}");
        }
    }
}
