//! Python, templates and schemas in real child processes: what they can do, and everything they must not be able to do.

use evalset_evaluate::sandbox::{Language, Pool, PoolOptions, SandboxError, Source};
use evalset_model::evaluator::EvalInputs;
use serde_json::{Value, json};
use std::path::PathBuf;

fn options() -> PoolOptions {
    PoolOptions {
        workers: 1,
        row_seconds: 1.0,
        memory_bytes: 128 * 1024 * 1024,
        ..PoolOptions::new(PathBuf::from(env!("CARGO_BIN_EXE_evalset-sandbox-worker")), Vec::new())
    }
}

fn row(output: &Value) -> EvalInputs {
    let metadata = [("tier".to_owned(), json!("gold"))].into_iter().collect();
    EvalInputs { input: json!("in").into(), output: output.clone().into(), metadata, ..EvalInputs::default() }
}

fn rows(outputs: &[Value]) -> Vec<EvalInputs> {
    outputs.iter().map(row).collect()
}

async fn run_all(pool: &Pool, source: &str, rows: &[EvalInputs]) -> Vec<Result<Value, String>> {
    pool.run(&python(source), &rows.iter().collect::<Vec<_>>()).await
}

fn python(text: &str) -> Source {
    Source::new(Language::Python, text)
}

/// What one row gives.
async fn run(source: &str) -> Result<Value, String> {
    run_all(&Pool::new(options()), source, &rows(&[json!("out")])).await.remove(0)
}

#[tokio::test]
async fn what_a_function_gets_and_returns() {
    for (source, expected) in [
        ("def main(eval_inputs):\n    return len(eval_inputs['output'])", json!(3)),
        ("def main(e):\n    return e['input'] == 'in' and e['expected_output'] is None", json!(true)),
        (
            "def main(e):\n    return sorted(e.keys())",
            json!(["expected_output", "input", "llm_input", "llm_output", "metadata", "metrics", "output"]),
        ),
        (
            "def main(e):\n    return {'score': 0.5, 'explanation': e['metadata']['tier']}",
            json!({"score": 0.5, "explanation": "gold"}),
        ),
        (
            "import re, math, json\ndef main(e):\n    return [bool(re.search('u.', e['llm_output'])), math.floor(2.5), json.loads('[1]')]",
            json!([true, 2, [1]]),
        ),
        ("def helper(x):\n    return x * 2\n\ndef main(e):\n    print('noise' * 10)\n    return helper(21)", json!(42)),
        (
            "def evaluate(llm_input, llm_output, **kwargs):\n    return [llm_input, llm_output, sorted(kwargs)]",
            json!(["in", "out", ["expected_output", "input", "metadata", "metrics", "output"]]),
        ),
        ("def evaluate(llm_input, llm_output):\n    return llm_output", json!("out")),
        ("def main(e):\n    return None", json!(null)),
    ] {
        assert_eq!(run(source).await, Ok(expected), "{source}");
    }
}

#[tokio::test]
async fn rows_do_not_see_each_other() {
    let source = "seen = []\ndef main(e):\n    seen.append(1)\n    return len(seen)";
    let results = run_all(&Pool::new(options()), source, &rows(&[json!(1), json!(2), json!(3)])).await;
    assert_eq!(results, [Ok(json!(1)), Ok(json!(1)), Ok(json!(1))]);
}

#[tokio::test]
async fn sources_that_cannot_be_used() {
    let pool = Pool::new(options());
    for (source, line, said) in [
        ("def main(e):\n    return (", Some(2), "SyntaxError"),
        ("x = 1\ndef main(e)\n    return 1", Some(2), "SyntaxError"),
        ("def other(e):\n    return 1", None, "no function `main(eval_inputs)`"),
        ("", None, "no function `main(eval_inputs)`"),
        ("main = 3", None, "`main` is not a function"),
        ("import not_there\ndef main(e):\n    return 1", Some(1), "ModuleNotFoundError"),
        ("x = 1\nx = 1 / 0\ndef main(e):\n    return 1", Some(2), "ZeroDivisionError"),
    ] {
        let Err(SandboxError::Source { message, line: found }) = pool.check(&python(source)).await else {
            panic!("{source}")
        };
        assert!(message.contains(said), "{source}: {message}");
        assert_eq!(found, line, "{source}: {message}");
    }
    assert_eq!(pool.check(&python("def main(e):\n    return 1")).await, Ok(()));
    assert_eq!(pool.check(&python("def evaluate(llm_input, llm_output):\n    return 1")).await, Ok(()));
    let long = format!("# {}", "x".repeat(300_000));
    assert!(pool.check(&python(&long)).await.unwrap_err().to_string().contains("at most 262144"));
}

#[tokio::test]
async fn an_exception_is_told_with_its_line() {
    let results = run_all(
        &Pool::new(options()),
        "def main(e):\n    if e['output'] == 2:\n        raise ValueError('no twos')\n    return 1",
        &rows(&[json!(1), json!(2), json!(3)]),
    )
    .await;
    assert_eq!(results, [Ok(json!(1)), Err("line 3: ValueError: no twos".to_owned()), Ok(json!(1))]);
}

/// Every way out: contained, with an error that says something; and the next row is served as if nothing had been.
#[tokio::test]
async fn the_sandbox() {
    const TOO_SLOW: &str = "took longer than";
    const OUT: &str = "ran out of memory";
    for (name, body, said) in [
        ("read a file", "return open('/etc/passwd').read()", &["Error", "NameError"][..]),
        ("write a file", "open('/tmp/evalset-escaped', 'w').write('x')\n    return 1", &["Error"]),
        ("pathlib", "from pathlib import Path\n    return Path('/etc/passwd').read_text()", &["Error"]),
        ("environment", "import os\n    return os.environ['PATH']", &["Error"]),
        ("getenv", "import os\n    return os.getenv('HOME') or 1 / 0", &["Error"]),
        ("system", "import os\n    return os.system('true')", &["Error"]),
        ("network", "import socket\n    return 1", &["ModuleNotFoundError"]),
        ("urllib", "import urllib.request\n    return 1", &["ModuleNotFoundError"]),
        ("subprocess", "import subprocess\n    return 1", &["ModuleNotFoundError"]),
        ("ctypes", "import ctypes\n    return 1", &["ModuleNotFoundError"]),
        ("fork bomb", "import os\n    while True:\n        os.fork()", &["AttributeError"]),
        ("eval", "return eval('1 + 1') and exec('x = 1')", &["NameError"]),
        ("import by name", "return __import__('os').listdir('/')", &["Error"]),
        ("infinite loop", "while True:\n        pass", &[TOO_SLOW]),
        (
            "loop that catches all",
            "while True:\n        try:\n            1 / 0\n        except BaseException:\n            pass",
            &[TOO_SLOW],
        ),
        ("deep recursion", "def f(n):\n        return f(n + 1)\n    return f(0)", &["RecursionError"]),
        (
            "deep nesting",
            "x = []\n    for _ in range(100000):\n        x = [x]\n    return x",
            &["nested deeper", OUT, "Recursion", "depth"],
        ),
        ("large power", "return 10 ** (10 ** 8)", &[TOO_SLOW, OUT, "MemoryError", "too large", "OverflowError"]),
        ("large shift", "return 1 << (10 ** 11)", &[TOO_SLOW, OUT, "MemoryError", "too large", "OverflowError"]),
        ("10 GB string", "return len('x' * 10_000_000_000)", &[OUT, "MemoryError"]),
        (
            "growing list",
            "x = []\n    while True:\n        x.append('y' * 1_000_000 + str(len(x)))",
            &[OUT, "MemoryError"],
        ),
        ("huge string returned", "return 'x' * 5_000_000", &["more than 1048576 bytes"]),
        ("huge list returned", "return list(range(1_000_000))", &["more than 1048576 bytes"]),
        ("huge exception", "raise ValueError('x' * 5_000_000)", &["ValueError: xxx"]),
        (
            "huge print",
            "for _ in range(100):\n        print('x' * 1_000_000)\n    return 1 / 0",
            &["ZeroDivisionError"],
        ),
        ("missing module", "import numpy\n    return 1", &["ModuleNotFoundError"]),
        (
            "catastrophic pattern",
            "import re\n    return bool(re.match('(a+)+$', 'a' * 5000 + 'b')) or 1 / 0",
            &[TOO_SLOW, "Error", "error"],
        ),
        (
            "pattern with back-reference",
            r"import re
    return bool(re.match('(a*)*\\1b', 'a' * 40)) or 1 / 0",
            &[TOO_SLOW, "Error", "error"],
        ),
        ("no score", "return object()", &["no JSON value", "Error"]),
        ("not a number", "return float('nan')", &["not finite"]),
        ("bytes", "return b'x'", &["no JSON value"]),
        ("cycle", "x = []\n    x.append(x)\n    return x", &["no JSON value"]),
        ("exit", "raise SystemExit(0)", &["SystemExit", "Error"]),
    ] {
        let source = format!("def main(e):\n    if e['output'] == 'fine':\n        return 'fine'\n    {body}\n");
        let results =
            run_all(&Pool::new(options()), &source, &rows(&[json!("fine"), json!("evil"), json!("fine")])).await;
        let [Ok(before), Err(error), Ok(after)] = results.as_slice() else { panic!("{name}: {results:?}") };
        assert_eq!((before, after), (&json!("fine"), &json!("fine")), "{name}");
        assert!(said.iter().any(|said| error.contains(said)), "{name}: {error}");
        assert!(error.len() < 2_100, "{name}: {} bytes", error.len());
    }
    assert!(!std::path::Path::new("/tmp/evalset-escaped").exists());
}

#[tokio::test]
async fn a_source_that_kills_at_once_fails_every_row_and_ends() {
    let pool = Pool::new(PoolOptions { memory_bytes: 64 * 1024 * 1024, ..options() });
    let results =
        run_all(&pool, "x = 'y' * 10_000_000_000\ndef main(e):\n    return 1", &rows(&[json!(1), json!(2)])).await;
    assert!(results.iter().all(Result::is_err), "{results:?}");
    assert!(pool.check(&python("x = 'y' * 10_000_000_000\ndef main(e):\n    return 1")).await.is_err());
}

#[tokio::test]
async fn a_program_that_cannot_be_started_is_said_so() {
    let missing = PoolOptions { program: PathBuf::from("/no/such/program"), ..options() };
    let error = Pool::new(missing).check(&python("def main(e):\n    return 1")).await.unwrap_err();
    assert!(matches!(&error, SandboxError::Unavailable(message) if message.contains("cannot be started")), "{error}");
    let silent = PoolOptions { program: PathBuf::from("/bin/true"), ..options() };
    assert!(matches!(Pool::new(silent).check(&python("x")).await, Err(SandboxError::Unavailable(_))));
}

#[tokio::test]
async fn many_rows_and_large_rows() {
    let pool = Pool::new(PoolOptions { workers: 2, ..options() });
    let many = rows(&(0..2_500).map(Value::from).collect::<Vec<_>>());
    let source = "def main(e):\n    return e['output'] + 1";
    let (left, right) = tokio::join!(run_all(&pool, source, &many), run_all(&pool, source, &many));
    let expected: Vec<Result<Value, String>> = (1..=2_500).map(|number| Ok(Value::from(number))).collect();
    assert!(left == expected && right == expected);
    let large = rows(&[json!("x".repeat(3_000_000)), json!("é"), json!("y".repeat(34_000_000)), json!("z")]);
    let results = run_all(&pool, "def main(e):\n    return len(e['output'])", &large).await;
    assert_eq!((&results[0], &results[1], &results[3]), (&Ok(json!(3_000_000)), &Ok(json!(1)), &Ok(json!(1))));
    assert!(results[2].as_ref().unwrap_err().contains("too large to be evaluated"));
}

fn template(text: &str) -> Source {
    Source::new(Language::Template, text)
}

#[tokio::test]
async fn a_template_gives_the_text_of_each_row() {
    let pool = Pool::new(options());
    let good = template("{{ metadata.tier }}: {{ output }}{% if output == 'none' %}{{ 1 // 0 }}{% endif %}");
    assert_eq!(pool.check(&good).await, Ok(()));
    let outputs = [json!("fine"), json!("none"), json!({"role": "assistant", "content": "é"})];
    let results = pool.run(&good, &rows(&outputs).iter().collect::<Vec<_>>()).await;
    assert_eq!((&results[0], &results[2]), (&Ok(json!("gold: fine")), &Ok(json!("gold: é"))));
    assert!(results[1].as_ref().is_err_and(|message| message.contains("cannot be rendered")), "{results:?}");
    for (source, said) in [
        ("{{ output", "is not a usable Jinja2 template at line 1"),
        ("{{ output }} {{ answer }}", "names `answer`, which is no variable"),
        ("{{ input }}", "must contain {{output}}"),
    ] {
        let error = pool.check(&template(source)).await.unwrap_err();
        let told = template(source).refused("llm_config.evaluator_definition", error);
        assert!(told.to_string().starts_with(&format!("`llm_config.evaluator_definition` {said}")), "{told}");
    }
}

/// Templates that take a process with them: a stack that overflows, memory without end, time without end.
#[tokio::test]
async fn a_template_cannot_harm_but_itself() {
    let pool = Pool::new(options());
    let fine = template("{{ output }}");
    let repeated = |part: &str, times: usize| part.repeat(times);
    for hostile in [
        "{% set n=namespace() %}{% set n.x=n %}{{n}}".to_owned(),
        "{% set n=namespace() %}{% set n.x=n %}{{n|tojson}}".to_owned(),
        "{% set n=namespace() %}{% set n.x=n %}{{n|pprint}}".to_owned(),
        "{% set ns=namespace() %}{% for i in range(90000) %}{% set ns.x=[ns.x] %}{% endfor %}".to_owned(),
        format!("{{{{ {}1 }}}}", repeated("-", 200_000)),
        format!("{{{{ {}1 }}}}", repeated("1+", 100_000)),
        format!("{{{{ output{} }}}}", repeated("|trim", 50_000)),
        format!("{{% if 1 %}}{}{{% endif %}}", repeated("{% elif 0 %}", 20_000)),
        "{% set ns=namespace(x=[1,2]) %}{% for i in range(60) %}{% set ns.x=ns.x+ns.x %}{% endfor %}{{ns.x}}"
            .to_owned(),
        "{% set ns=namespace(x=[1,2]) %}{% for i in range(60) %}{% set ns.x=ns.x+ns.x %}{% endfor %}{{ns.x|length}}"
            .to_owned(),
        "{{ range(90000)|list|tojson(indent=100000) }}".to_owned(),
    ] {
        // Unless it sees that it is only tried out.
        let guarded = template(&format!("{{% if output == 'evil' %}}{hostile}{{% endif %}}{{{{ output }}}}"));
        let outputs = [json!("fine"), json!("evil"), json!("fine")];
        let name = hostile.chars().take(60).collect::<String>();
        if pool.check(&guarded).await.is_ok() {
            let results = pool.run(&guarded, &rows(&outputs).iter().collect::<Vec<_>>()).await;
            assert_eq!((&results[0], &results[2]), (&Ok(json!("fine")), &Ok(json!("fine"))), "{name}: {results:?}");
            assert!(results[1].is_err(), "{name}: {results:?}");
        }
        let checked = pool.check(&template(&format!("{hostile}{{{{ output }}}}"))).await;
        if let Err(error) = checked {
            assert!(matches!(error, SandboxError::Source { .. }), "{name}: {error}");
        }
        assert_eq!(pool.check(&fine).await, Ok(()), "{name}");
    }
}

#[tokio::test]
async fn a_schema_gets_its_time_and_no_more() {
    let pool = Pool::new(options());
    let schema = |schema: Value| Source::new(Language::JsonSchema, &json!({"schema": schema}).to_string());
    let run = async |source: &Source, output: Value| pool.run(source, &[&row(&output)]).await.remove(0);
    let small = schema(json!({"type": "object", "required": ["a"]}));
    assert_eq!(pool.check(&small).await, Ok(()));
    assert_eq!(run(&small, json!("{\"a\": 1}")).await.unwrap()["score"], true);
    let complaint = run(&small, json!("{}")).await.unwrap();
    assert!(complaint["score"] == false && complaint["explanation"].is_string(), "{complaint}");
    for wrong in [
        json!({"type": 3}),
        json!({"$ref": "https://example.com/a.json"}),
        json!({"$ref": "file:///etc/passwd"}),
        json!({"pattern": "("}),
    ] {
        let error = pool.check(&schema(wrong.clone())).await.unwrap_err();
        assert!(error.to_string().contains("is not a usable JSON Schema"), "{wrong}: {error}");
    }

    let reference = |number: usize| json!({"$ref": format!("#/$defs/d{number}")});
    let mut definitions: serde_json::Map<String, Value> = (0..40)
        .map(|number| (format!("d{number}"), json!({"anyOf": [reference(number + 1), reference(number + 1)]})))
        .collect();
    definitions.insert("d40".to_owned(), json!({"const": "never"}));
    let branching = schema(json!({"$defs": definitions, "$ref": "#/$defs/d0"}));
    let message = match pool.check(&branching).await {
        Ok(()) => run(&branching, json!("1")).await.unwrap_err(),
        Err(error) => error.to_string(),
    };
    assert!(message.contains("longer than") || message.contains("ran out of memory"), "{message}");
    assert_eq!(run(&small, json!("{\"a\": 1}")).await.unwrap()["score"], true, "the pool lives on");
}
