"""The methods of the newest client that run evaluators: over a dataset, the list of runs, and one evaluator on given inputs.

Knows contract B.18, F.4, F.6, F.7, traps T16 and T18, items 6 and 14 of the checklist. Our additions to runs are in
`evaluation/test_runs.py`; other methods of `client.evaluators` in `test_evaluators.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import respan
from client.checks import Checks
from harness import runs
from harness.api import Api
from harness.provider import TEMPLATE, Provider, verdict
from respan.core.api_error import ApiError
from respan.evaluators import RunEvaluatorRequestInputs

UNKNOWN = "00000000-0000-4000-8000-000000000000"
SOURCE = """
def main(eval_inputs):
    return {"score": len(eval_inputs["llm_output"]), "explanation": eval_inputs["metadata"].get("tier")}
"""
TASK_FIELDS = {
    "task_id", "name", "dataset_id", "evaluator_slug", "status", "started_at", "completed_at", "error_message",
    "evaluated_logs_count", "score",
}  # fmt: skip


@pytest.fixture(scope="module")
def provider(api: Api) -> Iterator[Provider]:
    with Provider() as provider:
        runs.set_provider(api, provider.url)
        yield provider


def wait(client: Any, dataset: str) -> list[Any]:
    """The runs of a dataset by the client, once all have ended."""

    def ended() -> Any:
        listed = client.datasets.list_dataset_eval_runs(dataset, page_size=100).results
        return listed if all(run.status in ("completed", "failed", "cancelled") for run in listed) else None

    return list(runs.wait_until("runs ended", ended))


def test_item_14_a_code_evaluator_over_a_dataset(client: Any, api: Api, check: Checks) -> None:
    dataset = api.create_dataset("item 14")
    rows = {api.create_row(dataset, output="x" * length, metadata={"tier": "gold"}): length for length in (1, 2, 6)}
    idle = client.datasets.retrieve_dataset(dataset)
    check.equal("before any run", (idle.running_status, idle.running_progress), ("pending", 0))
    key = runs.snippet(api, SOURCE, passing_conditions={"primary_score": {"operator": "gt", "value": 1}})
    started = check.returns(
        "run_eval_on_dataset",
        lambda: client.datasets.run_eval_on_dataset(
            dataset, evaluator_ids=[key], experiment_id="e1", generation_method="code"
        ),
    )
    check.equal("one task", (len(started.created_tasks), started.errors), (1, {}))
    check.equal("no experiments here", (started.experiment_updated, started.experiment_evaluator_ids), (False, []))
    [run] = wait(client, dataset)
    check.equal("the task asked for", run.task_id, started.created_tasks[0].task_id)
    check.equal(
        "its fields", (run.name, run.dataset_id, run.status, run.error_message), ("python", dataset, "completed", None)
    )
    check.equal("its counts", (run.evaluated_logs_count, run.score), (3, 3.0))
    check("its times", run.started_at <= run.completed_at, run)
    done = check.returns("retrieve_dataset", lambda: client.datasets.retrieve_dataset(dataset))
    check.equal("the dataset shows it", (done.running_status, done.running_progress), ("completed", 100))
    check("and when", bool(done.running_at), done)
    in_list = client.datasets.list_datasets(filters={"id": runs.is_(dataset)}).results[0]
    check.equal("the list shows it", (in_list.running_status, in_list.running_progress), ("completed", 100))

    listed = check.returns("item 6: rows with scores in the list", lambda: client.datasets.list_dataset_logs(dataset))
    for row in listed.results:
        score = row.scores[key]
        length = rows[row.unique_id]
        check.equal(
            "the score in the list", (score["numerical_value"], score["is_passed"]), (float(length), length > 1)
        )
        detail = check.returns(
            "item 6: in detail", lambda row=row: client.datasets.retrieve_dataset_log(dataset, row.unique_id)
        )
        check.equal("the score in detail", [(each["evaluator_id"], each["numerical_value"]) if isinstance(each, dict) else
            (each.evaluator_id, each.numerical_value) for each in detail.scores], [(key, float(length))])  # fmt: skip
    summary = client.datasets.summarize_dataset_logs_filtered(dataset).scores[key]
    check.equal(
        "the summary",
        (summary.avg_score, summary.evaluator_name, summary.score_value_type),
        (3.0, "python", "numerical"),
    )
    scores = client.scores.filter_scores(filters={"evaluator_id": runs.is_(key)})
    check.equal("score objects", {score.log_id for score in scores.results}, set(rows))
    for score in scores.results:
        check.equal(
            "by code",
            (score.scorer, score.type, score.status, score.explanation),
            ("code", "code", "completed", "gold"),
        )


def test_t16_the_answer_to_a_start(client: Any, api: Api, check: Checks) -> None:
    dataset = api.create_dataset("t16")
    api.create_row(dataset)
    key = runs.snippet(api, SOURCE)
    raw = api.expect(200, "POST", f"/api/datasets/{dataset}/eval-reports/create/", {"evaluator_ids": [key, UNKNOWN]})
    check(
        "T16 created_tasks is an array", isinstance(raw["created_tasks"], list) and len(raw["created_tasks"]) == 1, raw
    )
    check("T16 errors is an object of texts", isinstance(raw["errors"][UNKNOWN], str), raw)
    parsed = check.returns(
        "T16 parses", lambda: client.datasets.run_eval_on_dataset(dataset, evaluator_ids=[key, UNKNOWN])
    )
    check("T16 errors reach the caller", set(parsed.errors) == {UNKNOWN}, parsed)
    wait(client, dataset)
    body = api.expect(200, "GET", f"/api/datasets/{dataset}/eval-reports/list/?page_size=1")
    check("T18 list of runs", type(body["count"]) is int and isinstance(body["results"], list), body)
    check.equal("T18 envelope", (body["count"], len(body["results"]), body["current_filters"]), (2, 1, {}))
    check("fields of a task", TASK_FIELDS <= set(body["results"][0]), body)
    check(
        "T26 fields",
        {"id", "dataset_id", "evaluator_slugs", "status", "created_at", "updated_at"} <= set(body["results"][0]),
        body,
    )
    page = check.returns(
        "list_dataset_eval_runs", lambda: client.datasets.list_dataset_eval_runs(dataset, page=2, page_size=1)
    )
    check.equal("newest first", (page.results[0].task_id, page.count), (raw["created_tasks"][0]["task_id"], 2))
    beyond = client.datasets.list_dataset_eval_runs(dataset, page=3, page_size=1)
    check.equal("beyond the end", (beyond.results, beyond.next), ([], None))


def test_errors_raise_the_documented_kind(client: Any, api: Api, check: Checks) -> None:
    dataset = api.create_dataset("errors")
    run = client.datasets.run_eval_on_dataset
    key = runs.snippet(api, SOURCE)
    check.raises("no evaluator", respan.BadRequestError, lambda: run(dataset, evaluator_ids=[]))
    check.raises("only unknown ones", respan.BadRequestError, lambda: run(dataset, evaluator_ids=[UNKNOWN]))
    check.raises("unknown dataset", respan.NotFoundError, lambda: run(UNKNOWN, evaluator_ids=[key]))
    check.raises("saved logs", respan.NotFoundError, lambda: run("_saved_logs", evaluator_ids=[key]))
    check.raises(
        "unknown method", respan.BadRequestError, lambda: run(dataset, evaluator_ids=[key], generation_method="guess")
    )
    for unknown in (UNKNOWN, "_saved_logs"):
        error = check.raises(
            "list of an unknown dataset", ApiError, lambda key=unknown: client.datasets.list_dataset_eval_runs(key)
        )
        check.equal("list of an unknown dataset is 404", error.status_code, 404)


INPUTS = RunEvaluatorRequestInputs(
    input="What is the capital of France?", output="Paris.", expected_output="Paris", metrics={"latency": 0.45},
    metadata={"tier": "free", "unit": "one"},
)  # fmt: skip


def test_one_evaluator_on_given_inputs(client: Any, api: Api, check: Checks, provider: Provider) -> None:
    run = client.evaluators.run_evaluator
    code = runs.snippet(api, SOURCE)
    said = check.returns("run_evaluator, Python", lambda: run(code, inputs=INPUTS))
    check.equal(
        "its score",
        (said.numerical_value, said.type, said.status, said.error_message),
        (6.0, "code", "completed", None),
    )
    check.equal("its evaluator", (said.evaluator_id, said.scorer), (code, "code"))
    check("the inputs are echoed", said.inputs is not None and said.inputs.output == "Paris.", said)
    check.equal("nothing is stored", client.scores.filter_scores(filters={"evaluator_id": runs.is_(code)}).count, 0)
    near = runs.builtin(api, "similarity", "numerical", trim=True)
    check.equal("a built-in one", run(near, inputs=INPUTS).numerical_value, pytest.approx(5 / 6))
    judge = runs.judge(api)
    said = check.returns("run_evaluator, LLM", lambda: run(judge, inputs=INPUTS))
    check.equal(
        "the judge's score",
        (said.numerical_value, said.type, said.scorer),
        (float(verdict("Paris.")[0]), "llm", "judge-1"),
    )
    check.equal("its explanation", said.explanation, verdict("Paris.")[1])
    both = runs.evaluator(
        api, "both", type="llm", llm_config={"model": "judge-1", "evaluator_definition": TEMPLATE},
        code_config={"eval_code_snippet": SOURCE}, score_config={"min_score": 1, "max_score": 100},
    )  # fmt: skip
    check.equal("auto takes the LLM", run(both, inputs=INPUTS).type, "llm")
    check.equal("unless code is asked for", run(both, inputs=INPUTS, generation_method="code").numerical_value, 6.0)
    check.raises(
        "llm needs its config", respan.BadRequestError, lambda: run(code, inputs=INPUTS, generation_method="llm")
    )
    check.equal(
        "the id in the body wins",
        run(near, inputs=INPUTS, run_evaluator_request_evaluator_id=code).numerical_value,
        6.0,
    )
    client.evaluators.create_evaluator_version(
        code, code_config={"eval_code_snippet": "def main(eval_inputs):\n    return 9\n"}
    )
    check.equal("the draft", run(code, inputs=INPUTS).numerical_value, 9.0)
    check.equal("a version by its number", run(f"{code}:0", inputs=INPUTS).numerical_value, 6.0)
    older = RunEvaluatorRequestInputs(llm_input="q", llm_output="abc")
    check.equal("older names of the inputs", run(f"{code}:0", inputs=older).numerical_value, 3.0)
    people = runs.evaluator(api, "people", type="human")
    said = check.returns("run_evaluator, human", lambda: run(people, inputs=INPUTS))
    check.equal("a placeholder", (said.numerical_value, said.type), (None, "human"))
    check.raises("unknown evaluator", respan.NotFoundError, lambda: run(UNKNOWN, inputs=INPUTS))
    raw = api.call("POST", f"/api/evaluators/{code}/run/", {})
    check("no inputs", raw.status_code in (400, 422) and "inputs" in raw.text, raw.text)


def test_stored_logs_by_id(client: Any, api: Api, check: Checks) -> None:
    """The body of 0.1.5 and of the MCP server: `log_ids`, or a whole dataset."""
    code = runs.snippet(api, SOURCE)
    logs = [api.create_log(output="x" * length) for length in (3, 5)]
    said = api.expect(200, "POST", f"/api/evaluators/{code}/run/", {"log_ids": logs})
    check.equal("each is scored", [score["numerical_value"] for score in said["results"]], [3.0, 5.0])
    check.equal("the last at the top", (said["numerical_value"], said["log_id"]), (5.0, logs[1]))
    for log, length in zip(logs, (3.0, 5.0), strict=True):
        check.equal("and kept", client.scores.list_span_scores(log).results[0].numerical_value, length)
    dataset = api.create_dataset("by V9")
    row = api.create_row(dataset)
    started = api.expect(200, "POST", f"/api/evaluators/{code}/run/", {"dataset_id": dataset})
    check.equal("a dataset starts a run", len(started["created_tasks"]), 1)
    wait(client, dataset)
    check.equal("which scores its rows", set(runs.scores_by_row(api, dataset)[row]), {code})
