"""What a sample holds: everything that a version of the data file knew, in little.

Writes through the API of the program of that time and waits until its jobs have ended. Ids are given where the API
takes them, so that a look at two samples can tell the same rows. Knows which schema version brought what; does not know
what is asked of a sample (`questions.py`) nor how one is kept (`keep.py`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness import runs
from harness.api import ENDED, Api

from samples.stand_in import TEMPLATE, StandIn

EVALUATION = 2  # the version that brought evaluators, scores, runs and providers
START, END = "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"
# Words for the text index, of which searches find some rows and not others.
WORDS = ["refund", "Überweisung", "shipping", "naïve café", "invoice #4711", "日本語", "password reset", "100 % sure"]
# Every field that a caller may write, by name; the text fields are in `STRUCTURES`.
FIELDS: dict[str, Any] = {
    "timestamp": "2026-01-02T03:04:05.678901Z", "start_time": "2026-01-02T03:04:01.000001Z", "log_type": "chat",
    "model": "gpt-x", "provider_id": "openai", "deployment_id": "d-1", "deployment_name": "east",
    "foundation_model": "gpt", "full_model_name": "openai/gpt-x", "status": "error", "status_code": 429,
    "error_code": "rate", "error_message": "Zu viele Anfragen", "prompt_tokens": 11, "completion_tokens": 7,
    "total_request_tokens": 18, "prompt_cache_hit_tokens": 3, "prompt_cache_creation_tokens": 2, "reasoning_tokens": 5,
    "cost": 0.001953125, "latency": 4.5, "time_to_first_token": 0.25, "tokens_per_second": 1.75, "routing_time": 0.125,
    "prompt_id": "p-1", "prompt_name": "greeting", "prompt_version_number": 4, "customer_identifier": "c-1",
    "customer_email": "ann@example.com", "customer_name": "Ann", "custom_identifier": "every field",
    "group_identifier": "g-1", "thread_identifier": "t-1", "session_identifier": "s-1", "evaluation_identifier": "e-1",
    "trace_unique_id": "trace-0", "span_unique_id": "span-0", "span_parent_id": "span-parent", "span_name": "step",
    "span_workflow_name": "flow", "span_path": "flow.step", "trace_group_identifier": "tg-1", "temperature": 0.5,
    "top_p": 0.75, "frequency_penalty": -0.5, "presence_penalty": 1.5, "max_tokens": 512, "n": 1, "stream": True,
    "cache_hit": False, "cache_key": "ck-1", "positive_feedback": True, "note": "a note", "category": "billing",
    "is_pinned": True,
}  # fmt: skip
METADATA: dict[str, Any] = {
    "tier": "gold", "turn": 3, "ratio": 0.1, "sure": True, "nothing": None, "tags": ["a", 1, None, {"b": []}],
    "deep": {"er": {"est": [1.0, -0.0, 1e300]}}, "with.dot": "x", "größe": "groß", "long": 9007199254740993,
    "empty": "", "date": "2026-01-02",
}  # fmt: skip
STRUCTURES: dict[str, Any] = {
    "input": [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": [{"type": "text", "text": "What is 1 + 1? \u0000 😀 \"quoted\"\n"}]},
    ],
    "output": {
        "role": "assistant", "content": None,
        "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "add", "arguments": '{"a": 1.0}'}}],
    },
    "expected_output": {"answer": 2, "exact": [2.0, 12345678901234567890, 0.1]},
    "tools": [{"type": "function", "function": {"name": "add", "parameters": {"type": "object"}}}],
    "tool_choice": "auto", "response_format": {"type": "json_object"}, "variables": {"name": "Ann", "n": 2},
    "properties": {"plan": {"name": "pro"}}, "warnings": ["slow", {"code": 7}], "stop": ["\n", "END"],
    "an_unknown_member": {"kept": [True, None]},
}  # fmt: skip
PRICES = {"judge-1": {"input_per_million": 2.5, "output_per_million": 10}}
LENGTH = "def main(eval_inputs):\n    return len(eval_inputs['llm_output'])\n"
PICKY = "def main(eval_inputs):\n    return 10 / (len(eval_inputs['llm_output']) - 10)\n"


@dataclass
class Sample:
    """A server that is filled, the ids of what was put there, and when it was killed (microseconds since the epoch)."""

    version: int
    api: Api
    other: Api
    test: Api
    provider: StandIn | None
    data: Path
    datasets: dict[str, str] = field(default_factory=dict)
    evaluators: dict[str, str] = field(default_factory=dict)
    runs: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    exports: dict[str, str] = field(default_factory=dict)
    killed_at: int = 0

    @property
    def evaluates(self) -> bool:
        """Whether the version knows evaluators, scores and runs."""
        return self.version >= EVALUATION


def logs() -> list[dict[str, Any]]:
    """The request logs: one of everything, some by hand, many alike."""
    every = {"unique_id": "log-every", **FIELDS, **STRUCTURES, "metadata": METADATA}
    plain = {"unique_id": "log-plain", "input": "", "output": "", "timestamp": "2026-01-03T00:00:00Z"}
    large = {
        "unique_id": "log-large", "input": "A long question about a refund. " * 40, "output": ["part"] * 30,
        "timestamp": "2026-01-03T01:00:00Z", "metadata": {f"key {n}": n for n in range(30)},
    }  # fmt: skip
    return [every, plain, large, *_alike(), *_spans()]


def _alike() -> list[dict[str, Any]]:
    return [
        {
            "unique_id": f"log-{n:03}", "input": f"Question {n} about {WORDS[n % len(WORDS)]}",
            "output": "x" * (n % 13) + f" answer {n * n}", "model": ["small", "large", "tiny"][n % 3], "cost": n / 64,
            "timestamp": f"2026-01-04T00:{n % 60:02}:{n // 60:02}Z", "latency": n / 8, "status_code": 200 + n % 2 * 300,
            "metadata": {"tier": ["gold", "free"][n % 2], "turn": n, "mixed": [n, str(n), None, n % 2 == 0][n % 4]},
            **({"expected_output": f"answer {n * n}"} if n % 3 == 0 else {}),
        }
        for n in range(90)
    ]  # fmt: skip


def _spans() -> list[dict[str, Any]]:
    found = []
    for trace, children in ((1, 3), (2, 1), (3, 0)):
        for child in range(children + 1):
            root = child == 0
            found.append({
                "unique_id": f"span-{trace}-{child}", "trace_unique_id": f"trace-{trace}",
                "span_unique_id": f"s{child}",
                "span_name": "root" if root else f"child {child}", "log_type": "workflow" if root else "chat",
                "span_workflow_name": "support", "input": {"question": trace}, "output": f"done {child}",
                "cost": 0.25, "prompt_tokens": 10, "completion_tokens": 5, "status_code": 500 if child == 2 else 200,
                "start_time": f"2026-01-0{trace + 4}T00:00:{10 + child:02}Z",
                "timestamp": f"2026-01-0{trace + 4}T00:00:{20 - child:02}Z", "metadata": {"tier": "gold"},
                **({} if root else {"span_parent_id": "s0"}),
            })  # fmt: skip
    return found


def fill(sample: Sample) -> None:
    """Everything whose jobs end."""
    _write_logs(sample)
    _make_datasets(sample)
    _edit_rows(sample)
    _export(sample)
    if sample.evaluates:
        _make_evaluators(sample)
        _score(sample)
        _annotate(sample)
        _run(sample)


def _write_logs(sample: Sample) -> None:
    api = sample.api
    for log in logs()[:3]:
        api.expect(201, "POST", "/api/request-logs/", log)
    api.expect(201, "POST", "/api/request-logs/bulk/", {"logs": logs()[3:]})
    api.expect(
        200, "PATCH", "/api/request-logs/log-plain/", {"note": "seen", "is_pinned": True, "metadata": {"by": "ann"}}
    )
    lone = {"unique_id": "log-lone", "input": "whose?", "timestamp": "2026-01-02T00:00:00Z"}
    sample.other.expect(201, "POST", "/api/request-logs/", {**lone, "metadata": {"org": "other"}})
    sample.test.expect(201, "POST", "/api/request-logs/", {**lone, "unique_id": "log-of-test", "input": "a test"})


def _make_datasets(sample: Sample) -> None:
    api, made = sample.api, sample.datasets
    window = {"start_time": START, "end_time": END}
    models = {"model": {"operator": "in", "value": ["small", "large"]}}
    made["filled"] = api.create_dataset(
        "filled", description="by filter", initial_log_filters=models, sampling=50, **window
    )
    made["rows"] = api.create_dataset("rows")
    made["traces"] = api.create_dataset("traces", granularity="traces", sampling=100)
    made["mixed"] = api.create_dataset("mixed")
    api.expect(
        200, "PATCH", f"/api/datasets/{made['mixed']}/", {"starred": True, "description": "starred", "tags": ["7", "8"]}
    )
    of_gold = {
        "filters": {"metadata__tier": "gold", "cost": {"operator": "gte", "value": 0.5}},
        "sampling_percentage": 100,
    }
    api.expect(200, "POST", f"/api/datasets/{made['mixed']}/logs/import/", {**window, **of_gold})
    api.wait_jobs()
    api.expect(200, "DELETE", f"/api/datasets/{made['mixed']}/logs/import/", {"filters": {"model": "tiny"}})
    gone = api.create_dataset("gone", sampling=100, **window)
    api.expect(204, "DELETE", f"/api/datasets/{gone}/")
    sample.other.create_dataset("of another organization")
    api.wait_jobs()
    _cancelled(sample)


def _cancelled(sample: Sample) -> None:
    """An import that was cancelled amid its work, or before it."""
    window = {"start_time": START, "end_time": END}
    made = sample.api.expect(201, "POST", "/api/datasets/", {"name": "cancelled", "sampling": 100, **window})
    job = sample.api.jobs()[0]
    sample.api.expect(200, "POST", f"/api/jobs/{job['id']}/cancel/", {})
    ended = next(each for each in sample.api.wait_jobs() if each["id"] == job["id"])
    assert ended["status"] == "cancelled", ended
    sample.datasets["cancelled"] = made["id"]


def _edit_rows(sample: Sample) -> None:
    api, made = sample.api, sample.datasets
    path = f"/api/datasets/{made['rows']}/logs/"
    rows = [
        {"unique_id": "row-every", **FIELDS, **STRUCTURES, "metadata": METADATA},
        {"unique_id": "row-patched", "input": "before", "output": "before", "metadata": {"a": 1, "b": 2}},
        {"unique_id": "row-put", "input": "before", "metadata": {"gone": True}},
        {"unique_id": "row-deleted", "input": "gone"},
        {"unique_id": "row-done", "input": {"q": "ready?"}, "output": "yes", "metrics": {"cost": 0.5, "latency": 2}},
        {"unique_id": "row-large", "input": "word " * 400, "output": {"list": [f"item {n}" for n in range(60)]}},
    ]
    api.expect(201, "POST", path, rows[0])
    api.expect(201, "POST", path + "bulk/", {"logs": rows[1:]})
    found = {str(row["input"])[:40]: row["unique_id"] for row in api.rows(made["rows"])}
    ids = {row["unique_id"]: found[str(row["input"])[:40]] for row in rows if row["unique_id"] != "row-put"}
    befores = [row["unique_id"] for row in api.rows(made["rows"]) if row["input"] == "before"]
    put = next(key for key in befores if "gone" in api.expect(200, "GET", f"{path}{key}/")["metadata"])
    patched = next(key for key in befores if key != put)
    patch = {"output": {"after": [1, 2.0]}, "metadata": {"a": 9, "c": None}, "expected_output": "after"}
    api.expect(200, "PATCH", f"{path}{patched}/", patch)
    api.expect(200, "PUT", f"{path}{put}/", {"input": "put", "output": "anew", "metrics": {"cost": 1.5}})
    api.expect(204, "DELETE", f"{path}{ids['row-deleted']}/")
    api.expect(200, "PATCH", f"{path}{ids['row-done']}/", {"annotation_status": "completed", "note": "good"})
    made["copy"] = api.expect(201, "POST", "/api/datasets/", {"source_dataset_id": made["rows"]})["id"]
    saved = {"input": "kept", "output": "for later", "metadata": {"from": "somewhere"}}
    api.expect(201, "POST", "/api/datasets/_saved_logs/logs/", saved)
    api.wait_jobs()


def _export(sample: Sample) -> None:
    api, made = sample.api, sample.datasets
    _failed_export(sample)
    for name, dataset, form, more in (
        ("rows.csv", made["rows"], ".csv", {}),
        ("filled.jsonl", made["filled"], ".jsonl", {"filters": {"model": "small"}, "name": "the small ones"}),
    ):
        status, _ = api.export(dataset, form, **more)
        sample.exports[name] = status.get("export_id") or status["id"]


def _failed_export(sample: Sample) -> None:
    """An export that failed: its file cannot be made where a file is in place of the folder."""
    folder = sample.data / "exports"
    folder.write_bytes(b"")
    ask = {"is_exporting": True, "export_format": ".csv"}
    path = f"/api/datasets/{sample.datasets['rows']}/logs/list/"
    status = sample.api.wait_export(sample.api.expect(202, "POST", path, ask))
    assert status["status"] == "failed", status
    folder.unlink()


def _make_evaluators(sample: Sample) -> None:
    api, made = sample.api, sample.evaluators
    assert sample.provider is not None
    runs.set_provider(api, sample.provider.url, attempts=1, concurrency=1, timeout_seconds=10, prices=PRICES)
    made["equal"] = runs.builtin(api, "exact_match")
    made["length"] = runs.snippet(api, LENGTH, description="characters of the output", tags=[])
    version = {"version_description": "first", "code_config": {"eval_code_snippet": PICKY}}
    api.expect(201, "POST", f"/api/evaluators/{made['length']}/versions/", version)
    ask = {"model": "judge-1", "evaluator_definition": TEMPLATE, "temperature": 0}
    bounds = {"min_score": 0, "max_score": 1000}
    judge = {"type": "llm", "score_value_type": "numerical", "score_config": bounds, "llm_config": ask}
    made["judge"] = runs.evaluator(api, "judge", **judge)
    api.expect(201, "POST", f"/api/evaluators/{made['judge']}/versions/", {"version_description": "sealed"})
    people = {
        "stars": ("numerical", {"min_score": 1, "max_score": 5}), "fair": ("boolean", {}), "words": ("text", {}),
        "kind": ("single_select", {"choices": [{"name": "Good", "value": 1}, {"name": "Bad", "value": 2}]}),
        "kinds": ("multi_select", {"choices": [{"name": "Good", "value": 1}, {"name": "Bad", "value": 2}]}),
        "share": ("percentage", {}), "tree": ("json", {}),
    }  # fmt: skip
    for slug, (kind, config) in people.items():
        body = {"type": "human", "score_value_type": kind, "evaluator_slug": slug, "score_config": config}
        made[slug] = runs.evaluator(api, slug.capitalize(), **body)
    api.expect(200, "PATCH", f"/api/evaluators/{made['stars']}/", {"starred": True, "description": "by people"})
    gone = runs.evaluator(api, "Gone", type="human", evaluator_slug="gone")
    api.expect(201, "POST", "/api/scores/", {"evaluator_id": gone, "log_id": "log-001", "numerical_value": 2})
    api.expect(204, "DELETE", f"/api/evaluators/{gone}/")


def _score(sample: Sample) -> None:
    api, made = sample.api, sample.evaluators
    rows, of_log = sorted(row["unique_id"] for row in api.rows(sample.datasets["filled"])), "/api/logs/log-002/scores/"
    values: dict[str, dict[str, Any]] = {
        "stars": {"numerical_value": 4.5}, "fair": {"boolean_value": False}, "words": {"string_value": "brief\n\"so\""},
        "kind": {"categorical_value": ["Good"]}, "kinds": {"categorical_value": ["Good", "Bad"]},
        "share": {"numerical_value": 62.5}, "tree": {"json_value": '{"a": [1.0, {"b": null}]}'},
    }  # fmt: skip
    for number, (slug, value) in enumerate(values.items()):
        of_row = {"dataset_id": sample.datasets["filled"], "log_id": rows[number % 3], "scorer": f"person {number % 2}"}
        api.expect(201, "POST", "/api/scores/", {"evaluator_id": made[slug], **of_row, **value})
        api.expect(201, "POST", of_log, {"evaluator_id": made[slug], **value})
    custom = {"evaluator_slug": "mood", "numerical_value": 0.25, "is_passed": True, "cost": 0.5, "explanation": "so so"}
    api.expect(201, "POST", of_log, custom)
    changed = api.expect(201, "POST", of_log, {"evaluator_slug": "changed", "string_value": "before"})
    api.expect(200, "PATCH", f"/api/scores/{changed['id']}/", {"string_value": "after"})
    sample.test.expect(
        201, "POST", "/api/scores/", {"evaluator_slug": "mood", "log_id": "not-there", "boolean_value": True}
    )


def _annotate(sample: Sample) -> None:
    path = f"/api/datasets/{sample.datasets['mixed']}/annotation/"
    for who, verb in (("ann", "complete"), ("bob", "release"), ("eve", None)):
        body = {"annotator": who, "sort_by": "unique_id", "lease_seconds": 86_400}
        row = sample.api.expect(200, "POST", path + "next/", body)["row"]["unique_id"]
        if verb:
            sample.api.expect(200, "POST", f"{path}{verb}/", {"annotator": who, "unique_id": row})
    skip = {"annotator": "joe", "sort_by": "unique_id", "lease_seconds": 86_400}
    sample.api.expect(200, "POST", path + "next/", skip)
    sample.api.expect(200, "POST", path + "next/", {**skip, "skip": True})


def _run(sample: Sample) -> None:
    api, made, filled = sample.api, sample.evaluators, sample.datasets["filled"]
    assert sample.provider is not None
    few = {"filters": {"metadata__turn": {"operator": "lt", "value": 30}}}
    rules = [made["equal"], made["length"]]
    sample.runs["rules"] = runs.run(api, filled, rules, **few)
    sample.provider.refuse_odd = True
    sample.runs["judged"] = runs.run(api, filled, [made["judge"]], **few)
    sample.provider.refuse_odd = False
    limited = {"spending_limit": 0.001, "sampling_percentage": 50, "experiment_id": "experiment-7"}
    sample.runs["sampled"] = runs.run(api, filled, [made["equal"]], **limited)
    sample.provider.refuse_key = True
    sample.runs["refused"] = runs.run(api, filled, [made["judge"]], **few)
    assert sample.runs["refused"][0]["status"] == "failed"
    sample.provider.refuse_key = False
    # One evaluator for one row, outside of any dataset.
    single = api.call("POST", f"/api/evaluators/{made['length']}/run/", {"inputs": {"output": "four"}})
    assert single.status_code < 500, single.text
    sample.runs["stopped"] = _stopped(sample)
    assert all(task["status"] in ENDED for tasks in sample.runs.values() for task in tasks)


def _stopped(sample: Sample) -> list[dict[str, Any]]:
    """A run that was cancelled while the provider was silent."""
    api, filled, provider = sample.api, sample.datasets["filled"], sample.provider
    assert provider is not None
    provider.seconds = 2.0
    tasks = runs.start(api, filled, [sample.evaluators["judge"]])
    path = f"/api/datasets/{filled}/eval-reports/{tasks[0]['task_id']}/cancel/"
    api.expect(200, "POST", path, {})
    ended = runs.wait(api, filled, tasks)
    provider.seconds = 0.0
    return ended
