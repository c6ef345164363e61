//! Rows a second of every built-in evaluator and of Python, for people:
//! `cargo build --release -p evalset-evaluate && cargo run --release -p evalset-evaluate --example rates`.

#![expect(clippy::print_stdout, reason = "its output is its purpose")]

use evalset_evaluate::rules::Rule;
use evalset_evaluate::sandbox::{Language, Pool, PoolOptions, Source};
use evalset_model::evaluator::EvalInputs;
use serde_json::{Map, Value, json};
use std::time::{Duration, Instant};

/// Time given to each measurement.
const LONG_ENOUGH: Duration = Duration::from_millis(500);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let sentence = "The quick brown fox jumps over the lazy dog, said number 42. ";
    let metrics: Map<String, Value> =
        [("latency".to_owned(), json!(0.5)), ("cost".to_owned(), json!(0.01))].into_iter().collect();
    let text = sentence.repeat(8);
    let row = EvalInputs {
        input: json!("a question").into(),
        output: json!(text).into(),
        expected_output: json!(text.replace("lazy", "sleepy").replace("42", "43")).into(),
        metrics: metrics.clone(),
        ..EvalInputs::default()
    };
    let structured =
        EvalInputs { output: json!(json!({"name": "x", "items": [1, 2, 3]}).to_string()).into(), ..row.clone() };
    println!("rules, rows/s on one core (texts of {} bytes):", text.len());
    for (name, parameters, row) in [
        ("exact_match", json!({}), &row),
        ("contains", json!({"values": ["sleepy", "dog"]}), &row),
        ("regex", json!({"pattern": r"number \d+"}), &row),
        ("json_valid", json!({}), &structured),
        ("json_schema", json!({"schema": {"type": "object", "required": ["name"]}}), &structured),
        ("similarity", json!({}), &row),
        ("token_f1", json!({}), &row),
        ("numeric_tolerance", json!({"extract": "last", "tolerance": 1}), &row),
        ("latency", json!({"max_seconds": 1}), &row),
        ("cost", json!({"max_usd": 1}), &row),
    ] {
        let rule = Rule::compile(name, parameters.as_object().ok_or("parameters are an object")?)?;
        let (begin, mut rows) = (processor_time(), 0_u32);
        while since(begin) < LONG_ENOUGH {
            for _ in 0..100 {
                std::hint::black_box(rule.score(std::hint::black_box(row))?);
            }
            rows += 100;
        }
        println!("  {name:18} {:>12.0}", f64::from(rows) / since(begin).as_secs_f64());
    }
    let rule = Rule::compile("similarity", &Map::new())?;
    for (kind, left, right) in [("ASCII", "abcdefgh", "hgfedcba"), ("other", "абвгдежз", "зжедгвба")] {
        let large = EvalInputs {
            output: json!(left.repeat(12_500)).into(),
            expected_output: json!(right.repeat(12_500)).into(),
            ..EvalInputs::default()
        };
        let begin = processor_time();
        rule.score(&large)?;
        println!("  similarity of two different texts of 100,000 characters ({kind}): {:?}", since(begin));
    }
    tokio::runtime::Runtime::new()?.block_on(python(&row))
}

fn since(begin: Duration) -> Duration {
    processor_time().saturating_sub(begin)
}

/// Processor time of this process: what else the machine does shall not count.
fn processor_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or_default())
}

async fn python(row: &EvalInputs) -> Result<(), Box<dyn std::error::Error>> {
    let own = std::env::current_exe()?;
    let folder = own.parent().and_then(|folder| folder.parent()).ok_or("the example has no folder")?;
    let pool = Pool::new(PoolOptions::new(folder.join("evalset-sandbox-worker"), Vec::new()));
    println!("Python, rows/s through one worker:");
    for (name, source) in [
        ("length", "def main(e):\n    return len(e['output'])"),
        (
            "equality",
            "def main(e):\n    return e['output'].strip().lower() == str(e['expected_output']).strip().lower()",
        ),
        (
            "word overlap",
            "def main(e):\n    a = set(e['output'].lower().split())\n    b = set(e['expected_output'].lower().split())\n    \
             return len(a & b) / len(a | b)",
        ),
        ("words by pattern", "import re\ndef main(e):\n    return len(re.findall(r'\\w+', e['output']))"),
    ] {
        let source = Source::new(Language::Python, source);
        pool.check(&source).await?;
        let rows = vec![row; 5_000];
        let begin = Instant::now();
        let results = pool.run(&source, &rows).await;
        if let Some(Err(error)) = results.first() {
            return Err(error.clone().into());
        }
        println!("  {name:18} {:>12.0}", rows.len() as f64 / begin.elapsed().as_secs_f64());
    }
    Ok(())
}
