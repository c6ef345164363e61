"""Evaluation runs as a whole: what starts, what it covers, how it stops and goes on (contract B.18, F.7, our additions).

Knows the API and the stand-in provider. Whether scores are right is in `test_builtins.py`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from evaluation.rows import fill, plain_rows
from harness import runs
from harness.api import ENDED, Api
from harness.provider import CHOICES, SCALES, UNIT, Provider, fault_of, verdict
from harness.runs import Task, is_
from harness.server import Server, free_port

UNKNOWN = "00000000-0000-4000-8000-000000000000"
ONE = "def main(eval_inputs):\n    return 1\n"
TWO = "def main(eval_inputs):\n    return 2\n"
LENGTH = "def main(eval_inputs):\n    return len(eval_inputs['llm_output'])\n"


@pytest.fixture
def provider(api: Api) -> Iterator[Provider]:
    """A provider of its own for each test, without faults, and set for the organization."""
    with Provider(latency=0.005) as provider:
        runs.set_provider(api, provider.url, concurrency=8, attempts=2)
        yield provider


def dataset_of(api: Api, count: int, **more: Any) -> tuple[str, list[str]]:
    """A dataset of plain rows and their ids in order."""
    dataset, rows = fill(api, f"{count} rows", plain_rows(count, **more))
    return dataset, list(rows)


def scored(api: Api, dataset: str, evaluator: str) -> dict[str, Any]:
    """Row → value of the completed scores of an evaluator."""
    found = {}
    for key, scores in runs.scores_by_row(api, dataset).items():
        score = scores.get(evaluator)
        if score is not None and score["status"] == "completed":
            found[key] = score["numerical_value"]
    return found


def action(api: Api, dataset: str, task: Task, verb: str, **body: Any) -> Task:
    """`cancel` or `continue`."""
    return dict(api.expect(200, "POST", f"/api/datasets/{dataset}/eval-reports/{task['task_id']}/{verb}/", body))


def begun(api: Api, dataset: str, task: Task, rows: int) -> Task:
    """The run once some rows are scored."""

    def look() -> Task | None:
        now = runs.task(api, dataset, task["task_id"])
        assert now["status"] not in ENDED, f"it ended before {rows} rows: {now}"
        return now if now["evaluated_logs_count"] >= rows else None

    return dict(runs.wait_until(f"{rows} rows are scored", look))


# What starts


def test_the_answer_to_a_start(api: Api) -> None:
    dataset, _ = dataset_of(api, 3)
    first, second = runs.snippet(api, ONE), runs.builtin(api, "json_valid")
    path = f"/api/datasets/{dataset}/eval-reports/create/"
    body = {"evaluator_ids": [first, second, first], "experiment_id": "experiment-7"}
    answer = api.expect(200, "POST", path, body)
    assert [task["evaluator_id"] for task in answer["created_tasks"]] == [first, second], "one run per evaluator"
    assert (answer["errors"], answer["experiment_updated"], answer["experiment_evaluator_ids"]) == ({}, False, [])
    for task in answer["created_tasks"]:
        assert (task["experiment_id"], task["dataset_id"], task["id"]) == ("experiment-7", dataset, task["task_id"])
        assert task["status"] in ("pending", "running", "completed") and task["evaluator_slugs"] == [
            task["evaluator_slug"]
        ]
        assert task["created_at"] and task["updated_at"] and isinstance(task["results"], dict)
    assert {"id", "dataset_id", "status", "evaluator_slugs", "message", "evaluation_id"} <= set(answer)
    for task in runs.wait(api, dataset, answer["created_tasks"]):
        assert (task["status"], task["progress"], task["experiment_id"]) == ("completed", 100, "experiment-7")


def test_unknown_evaluators(api: Api) -> None:
    dataset, _ = dataset_of(api, 3)
    good = runs.snippet(api, ONE)
    path = f"/api/datasets/{dataset}/eval-reports/create/"
    answer = api.expect(200, "POST", path, {"evaluator_ids": [UNKNOWN, good, "no-such-slug"]})
    assert [task["evaluator_id"] for task in answer["created_tasks"]] == [good]
    assert set(answer["errors"]) == {UNKNOWN, "no-such-slug"} and all(answer["errors"].values()), answer["errors"]
    for body in (
        {},
        {"evaluator_ids": []},
        {"evaluator_ids": [UNKNOWN]},
        {"evaluator_ids": "x"},
        {"evaluator_ids": [1]},
    ):
        refused = api.call("POST", path, body)
        assert refused.status_code == 400 and "evaluator_ids" in refused.text, refused.text
    runs.wait(api, dataset, answer["created_tasks"])
    listed = api.expect(200, "GET", f"/api/datasets/{dataset}/eval-reports/list/")
    assert listed["count"] == 1, "what was refused left nothing behind"
    for dataset_id in (UNKNOWN, "_saved_logs", "nothing"):
        api.expect(404, "POST", f"/api/datasets/{dataset_id}/eval-reports/create/", {"evaluator_ids": [good]})


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"generation_method": "guess"}, "generation_method"),
        ({"sampling_percentage": 0}, "sampling_percentage"),
        ({"sampling_percentage": 101}, "sampling_percentage"),
        ({"spending_limit": -1}, "spending_limit"),
        ({"spending_limit": "much"}, "spending_limit"),
        ({"filters": {"model": {"operator": "resembles", "value": "x"}}}, "resembles"),
        ({"filters": "model = x"}, "filters"),
        ({"generation_method": "llm"}, "llm"),
    ],
    ids=str,
)  # fmt: skip
def test_a_bad_start(api: Api, body: dict[str, Any], named: str) -> None:
    dataset, _ = dataset_of(api, 1)
    answer = api.call(
        "POST", f"/api/datasets/{dataset}/eval-reports/create/", {"evaluator_ids": [runs.snippet(api, ONE)], **body}
    )
    assert answer.status_code == 400 and named in answer.text, answer.text
    assert api.expect(200, "GET", f"/api/datasets/{dataset}/eval-reports/list/")["count"] == 0


def test_slugs_versions_and_ready_made_evaluators(api: Api) -> None:
    dataset, rows = dataset_of(api, 3, expected_output="answer 1")
    body = {"code_config": {"eval_code_snippet": ONE}, "type": "code", "evaluator_slug": "a-slug"}
    key = runs.evaluator(api, "by slug", **body)
    [task] = runs.run(api, dataset, ["a-slug"])
    assert (task["evaluator_id"], task["evaluator_slug"]) == (key, "a-slug")
    api.expect(201, "POST", f"/api/evaluators/{key}/versions/", {"code_config": {"eval_code_snippet": TWO}})
    for reference, version, value in ((f"{key}:0", 0, 1.0), (key, 1, 2.0)):
        [task] = runs.run(api, dataset, [reference])
        assert (task["evaluator_version"], task["score"]) == (version, value)
    for _ in range(2):
        [task] = runs.run(api, dataset, ["builtin:exact_match"])
        assert (task["status"], task["score"]) == ("completed", pytest.approx(1 / 3))
    made = api.expect(200, "POST", "/api/evaluators/list/", {"filters": {"id": is_(task["evaluator_id"])}})
    assert made["count"] == 1, "the ready-made evaluator is there once"


@pytest.mark.parametrize("form", ["/api/datasets/{}/eval-reports/create", "/datasets/{}/eval-reports/create"])
def test_older_routes(api: Api, form: str) -> None:
    dataset, _ = dataset_of(api, 2)
    key = runs.snippet(api, ONE)
    slug = api.expect(200, "GET", f"/api/evaluators/{key}/")["evaluator_slug"]
    started = api.expect(200, "POST", form.format(dataset), {"evaluator_slugs": [slug]})
    [task] = runs.wait(api, dataset, started["created_tasks"])
    one = form.format(dataset).replace("create", task["task_id"])
    for path in (one, one + "/"):
        report = api.expect(200, "GET", path)
        assert (report["id"], report["status"], report["evaluator_slugs"]) == (task["task_id"], "completed", [slug])
        assert report["created_at"] and report["updated_at"] and report["dataset_id"] == dataset
    listed = api.expect(200, "GET", form.format(dataset).replace("create", "list") + "/?page=1&page_size=10")
    assert [each["id"] for each in listed["results"]] == [task["task_id"]]


def test_people_score_the_rows_of_a_human_evaluator(api: Api) -> None:
    dataset, _ = dataset_of(api, 5)
    [task] = runs.run(api, dataset, [runs.evaluator(api, "people", type="human")])
    assert (task["status"], task["evaluated_logs_count"], task["failed_logs_count"]) == ("completed", 0, 0), task
    assert task["score"] is None and runs.results(api, dataset, task["task_id"]) == []


def test_a_dataset_without_rows(api: Api) -> None:
    dataset = api.create_dataset("nothing")
    [task] = runs.run(api, dataset, [runs.snippet(api, ONE)])
    assert (task["status"], task["evaluated_logs_count"], task["score"]) == ("completed", 0, None), task


# What a run covers


@pytest.mark.parametrize(("filters", "percent", "wanted"), [
    ({}, 100, 101), ({"metadata__half": {"operator": "", "value": 1}}, 100, 50),
    ({"metadata__half": {"operator": "", "value": 1}}, 30, 15), ({}, 1, 1), ({}, 0.3, 30), ({}, 0.5, 51),
    ({"metadata__half": {"operator": "", "value": 7}}, 50, 0),
])  # fmt: skip
def test_filters_and_sampling(api: Api, filters: Any, percent: float, wanted: int) -> None:
    dataset, rows = dataset_of(api, 101)
    key = runs.snippet(api, LENGTH)
    [task] = runs.run(api, dataset, [key], filters=filters, sampling_percentage=percent)
    assert (task["status"], task["total_logs_count"], task["evaluated_logs_count"]) == ("completed", wanted, wanted), (
        task
    )
    covered = scored(api, dataset, key)
    allowed = {
        row for number, row in enumerate(rows) if not filters or number % 2 == filters["metadata__half"]["value"]
    }
    assert len(covered) == wanted and set(covered) <= allowed
    assert {each["unique_id"] for each in runs.results(api, dataset, task["task_id"])} == set(covered)


def test_rows_added_later_are_not_part(api: Api, provider: Provider) -> None:
    provider.set(latency=0.1)
    dataset, rows = dataset_of(api, 40)
    [task] = runs.start(api, dataset, [key := runs.judge(api)])
    late = api.create_row(dataset, metadata={"unit": "late"})
    [task] = runs.wait(api, dataset, [task])
    assert (task["status"], task["total_logs_count"]) == ("completed", 40)
    assert late not in scored(api, dataset, key) and "late" not in provider.counts()["asked"]


def test_a_run_keeps_the_version_it_was_asked_for(api: Api, provider: Provider) -> None:
    provider.set(latency=0.1)
    dataset, rows = dataset_of(api, 60)
    code = runs.snippet(api, LENGTH)
    template = "edition one " + runs.TEMPLATE
    judge = runs.judge(api, llm_config={"evaluator_definition": template})
    tasks = runs.start(api, dataset, [judge, code])
    begun(api, dataset, tasks[0], 1)
    edited = {"llm_config": {"evaluator_definition": template.replace("one", "two"), "model": "judge-2"}}
    api.expect(200, "PATCH", f"/api/evaluators/{judge}/", edited)
    api.expect(
        200,
        "PATCH",
        f"/api/evaluators/{code}/",
        {"code_config": {"eval_code_snippet": "def main(e):\n    return -1\n"}},
    )
    for task in runs.wait(api, dataset, tasks):
        assert (task["status"], task["evaluated_logs_count"], task["evaluator_version"]) == ("completed", 60, 0), task
    assert provider.counts()["models"] == {"judge-1": 60}
    assert all("edition one " in prompt for prompt in provider.prompts.values())
    assert min(scored(api, dataset, code).values()) > 0
    [task] = runs.run(api, dataset, [judge])
    assert provider.counts()["models"] == {"judge-1": 60, "judge-2": 60}
    assert all("edition two " in prompt for prompt in provider.prompts.values())


def test_running_again_replaces_scores(api: Api) -> None:
    dataset, rows = dataset_of(api, 10)
    key = runs.snippet(api, ONE)
    runs.run(api, dataset, [key])
    before = runs.scores_of(api, {"evaluator_id": is_(key)})
    api.expect(200, "PATCH", f"/api/evaluators/{key}/", {"code_config": {"eval_code_snippet": TWO}})
    runs.run(api, dataset, [key])
    after = runs.scores_of(api, {"evaluator_id": is_(key)})
    assert sorted(score["id"] for score in before) == sorted(score["id"] for score in after) and len(after) == 10
    assert {score["numerical_value"] for score in after} == {2.0}


def test_a_failure_does_not_replace_a_score(api: Api, provider: Provider) -> None:
    dataset, rows = dataset_of(api, 12)
    key = runs.judge(api)
    runs.run(api, dataset, [key])
    before = scored(api, dataset, key)
    assert len(before) == 12
    provider.set(faults={"words": 1.0})
    [task] = runs.run(api, dataset, [key])
    assert (task["status"], task["failed_logs_count"], task["evaluated_logs_count"]) == ("failed", 12, 0), task
    assert set(runs.failed(api, dataset, task["task_id"])) == set(rows)
    assert scored(api, dataset, key) == before


# How a run stops and goes on


def test_cancel_and_continue(api: Api, provider: Provider) -> None:
    provider.set(latency=0.05)
    runs.set_provider(api, provider.url, concurrency=3)
    dataset, rows = dataset_of(api, 150)
    [task] = runs.start(api, dataset, [key := runs.judge(api)])
    seen = begun(api, dataset, task, 10)
    assert seen["status"] == "running" and seen["started_at"] and 0 < seen["progress"] < 100, seen
    shown = api.expect(200, "GET", f"/api/datasets/{dataset}/")
    assert shown["running_status"] == "running" and shown["running_at"] and 0 <= shown["running_progress"] < 100, shown
    assert seen["total_logs_count"] == 150 and seen["completed_at"] is None
    assert seen["rate"] > 0 and seen["seconds_left"] > 0, seen
    asked = action(api, dataset, task, "cancel")
    assert asked["cancel_requested"] or asked["status"] == "cancelled", asked
    [stopped] = runs.wait(api, dataset, [task])
    assert stopped["status"] == "cancelled" and 10 <= stopped["evaluated_logs_count"] < 150, stopped
    assert len(scored(api, dataset, key)) == stopped["evaluated_logs_count"], "what was scored stays"
    assert api.expect(200, "GET", f"/api/datasets/{dataset}/")["running_status"] == "cancelled"
    assert len(runs.results(api, dataset, task["task_id"])) == stopped["evaluated_logs_count"]

    action(api, dataset, task, "continue")
    [done] = runs.wait(api, dataset, [task])
    assert (done["status"], done["evaluated_logs_count"], done["failed_logs_count"]) == ("completed", 150, 0), done
    assert not done["cancel_requested"] and done["error_message"] is None
    assert set(scored(api, dataset, key)) == set(rows)
    assert set(provider.counts()["good"].values()) == {1}, "nothing that was scored is asked for again"
    assert provider.counts()["most_working"] <= 3
    assert api.expect(200, "GET", f"/api/datasets/{dataset}/")["running_status"] == "completed"


def test_cancelling_and_continuing_what_has_ended(api: Api) -> None:
    dataset, _ = dataset_of(api, 3)
    [task] = runs.run(api, dataset, [runs.snippet(api, ONE)])
    path = f"/api/datasets/{dataset}/eval-reports/{task['task_id']}/"
    answer = api.call("POST", path + "cancel/", {})
    assert answer.status_code in (200, 400), answer.text
    assert runs.task(api, dataset, task["task_id"])["status"] == "completed"
    answer = api.call("POST", path + "continue/", {})
    assert answer.status_code in (200, 400), answer.text
    [after] = runs.wait(api, dataset, [task])
    assert (after["status"], after["evaluated_logs_count"]) == ("completed", 3), after
    for verb in ("cancel/", "continue/"):
        api.expect(404, "POST", f"/api/datasets/{dataset}/eval-reports/{UNKNOWN}/{verb}", {})
    other, _ = dataset_of(api, 1)
    for method, rest in (("GET", ""), ("GET", "results/"), ("POST", "cancel/"), ("POST", "continue/")):
        api.expect(404, method, f"/api/datasets/{other}/eval-reports/{task['task_id']}/{rest}")


def test_a_spending_limit(api: Api, provider: Provider) -> None:
    price = {"input_per_million": 1000.0, "output_per_million": 4000.0}
    runs.set_provider(api, provider.url, concurrency=4, prices={"judge-1": price})
    dataset, rows = dataset_of(api, 120)
    key = runs.judge(api)

    def spent() -> float:
        usage = provider.counts()["usage"]
        return (usage["prompt_tokens"] * 1000.0 + usage["completion_tokens"] * 4000.0) / 1e6

    [probe] = runs.run(api, dataset, [key], filters={"metadata__number": is_(7)})
    per_row = spent()
    assert probe["cost"] == pytest.approx(per_row, rel=1e-9) and per_row > 0
    before = spent()
    [stopped] = runs.run(api, dataset, [key], spending_limit=20 * per_row)
    assert stopped["status"] in ENDED and stopped["status"] != "completed", stopped
    assert "spending" in stopped["error_message"].lower() and "limit" in stopped["error_message"], stopped
    assert stopped["cost"] == pytest.approx(spent() - before, rel=1e-9)
    assert 15 <= stopped["evaluated_logs_count"] <= 26, "about twenty, and the few that were under way"
    assert stopped["cost"] <= 26 * per_row and stopped["spending_limit"] == pytest.approx(20 * per_row)
    again = action(api, dataset, stopped, "continue", spending_limit=1000 * per_row)
    [done] = runs.wait(api, dataset, [again])
    assert (done["status"], done["evaluated_logs_count"], done["error_message"]) == ("completed", 120, None), done
    assert done["cost"] == pytest.approx(spent() - before, rel=1e-9)
    costs = sum(score["cost"] for score in runs.scores_of(api, {"evaluator_id": is_(key)}))
    assert costs == pytest.approx(spent() - before, rel=1e-9), "scores hold what they cost"


def test_a_provider_that_is_down(server: Server, api: Api, provider: Provider) -> None:
    runs.set_provider(api, f"http://127.0.0.1:{free_port()}/v1", attempts=1)
    dataset, rows = dataset_of(api, 30)
    [task] = runs.run(api, dataset, [key := runs.judge(api)])
    assert (task["status"], task["evaluated_logs_count"]) == ("failed", 0), task
    print(f"provider down: {task['error_message']}")
    assert "provider" in task["error_message"].lower() or "connect" in task["error_message"].lower(), task
    assert "key-of-the-tests" not in task["error_message"]
    assert set(runs.failed(api, dataset, task["task_id"])) <= set(rows)
    assert api.expect(200, "GET", f"/api/datasets/{dataset}/")["running_status"] == "failed"
    assert server.healthy()
    runs.set_provider(api, provider.url)
    action(api, dataset, task, "continue")
    [task] = runs.wait(api, dataset, [task])
    assert (task["status"], task["evaluated_logs_count"], task["failed_logs_count"]) == ("completed", 30, 0), task
    assert len(scored(api, dataset, key)) == 30


def test_without_a_provider(serve: Callable[..., Server]) -> None:
    server = serve("no_provider")
    api = Api(server.url, server.key)
    dataset, _ = dataset_of(api, 5)
    [task] = runs.run(api, dataset, [runs.judge(api)])
    assert task["status"] == "failed" and "provider" in task["error_message"].lower(), task
    print(f"no provider: {task['error_message']}")
    [task] = runs.run(api, dataset, [runs.snippet(api, ONE)])
    assert task["status"] == "completed", "others need none"


def test_a_provider_without_schemas(api: Api, provider: Provider) -> None:
    provider.set(schema=False)
    dataset, rows = dataset_of(api, 10)
    [task] = runs.run(api, dataset, [runs.judge(api)])
    assert (task["status"], task["evaluated_logs_count"]) == ("completed", 10), task


VALUE_FIELDS = {
    "numerical": "numerical_value", "percentage": "numerical_value", "boolean": "boolean_value", "text": "string_value",
    "single_select": "categorical_value", "multi_select": "categorical_value", "json": "json_value",
}  # fmt: skip


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("schema", [True, False])
def test_a_judge_of_every_value_type(api: Api, provider: Provider, scale: str, schema: bool) -> None:
    """Answers alone, in fences and inside prose, with and without a schema that the provider keeps to."""
    provider.set(scale=scale, schema=schema, faults={"fenced": 0.3, "prose": 0.3})
    dataset, rows = dataset_of(api, 20)
    choices = [{"name": name, "value": number} for number, name in enumerate(CHOICES)]
    config = {"choices": choices} if scale.endswith("select") else None
    key = runs.judge(api, score_value_type=scale, score_config=config)
    [task] = runs.run(api, dataset, [key])
    assert (task["status"], task["evaluated_logs_count"], task["failed_logs_count"]) == ("completed", 20, 0), task
    shown, field = runs.scores_by_row(api, dataset), VALUE_FIELDS[scale]
    for number, row in enumerate(rows):
        score, explanation = verdict(f"answer {number}")
        got, wanted = shown[row][key][field], SCALES[scale](score, explanation)
        wanted = [wanted] if scale == "single_select" else wanted
        assert (json.loads(got) if scale == "json" else got) == wanted, shown[row][key]
        assert shown[row][key]["explanation"] == explanation


def test_a_limit_of_requests_a_minute(api: Api, provider: Provider) -> None:
    runs.set_provider(api, provider.url, concurrency=8, requests_per_minute=5)
    dataset, _ = dataset_of(api, 40)
    [task] = runs.start(api, dataset, [runs.judge(api)])
    begun(api, dataset, task, 1)
    time.sleep(2)  # That nothing more is asked can only be seen by waiting.
    assert 1 <= sum(provider.counts()["asked"].values()) <= 5
    action(api, dataset, task, "cancel")
    [task] = runs.wait(api, dataset, [task], 60)
    assert task["status"] == "cancelled" and task["evaluated_logs_count"] <= 6, task


def test_given_inputs_that_lack_what_is_needed(api: Api) -> None:
    for name, parameters, named in (
        ("latency", {"max_seconds": 1}, "metrics.latency"), ("similarity", {}, "expected_output"),
        ("contains", {"field": "metadata.a.b", "values": ["x"]}, "metadata.a.b"),
    ):  # fmt: skip
        key = runs.builtin(api, name, "numerical" if name == "similarity" else "boolean", **parameters)
        said = api.expect(200, "POST", f"/api/evaluators/{key}/run/", {"inputs": {"input": "i", "output": "o"}})
        assert said["status"] == "failed" and named in said["error_message"], said


def test_some_failures_leave_a_run_completed(api: Api, provider: Provider) -> None:
    faults = {"words": 0.3}
    provider.set(faults=faults)
    dataset, rows = dataset_of(api, 40)
    lost = {row for number, row in enumerate(rows) if fault_of(f"row/{number}", faults)}
    [task] = runs.run(api, dataset, [runs.judge(api)])
    assert (task["status"], task["failed_logs_count"]) == ("completed", len(lost)) and 0 < len(lost) < 40, task
    assert task["error_message"] and set(runs.failed(api, dataset, task["task_id"])) == lost


def test_two_runs_at_once_share_the_provider(api: Api, provider: Provider) -> None:
    provider.set(latency=0.02)
    runs.set_provider(api, provider.url, concurrency=6)
    dataset, rows = dataset_of(api, 100)
    first, second = runs.judge(api), runs.judge(api, llm_config={"evaluator_definition": "again: " + runs.TEMPLATE})
    tasks = runs.start(api, dataset, [first, second, runs.snippet(api, LENGTH)])
    for task in runs.wait(api, dataset, tasks):
        assert (task["status"], task["evaluated_logs_count"], task["failed_logs_count"]) == ("completed", 100, 0), task
    assert scored(api, dataset, first) == scored(api, dataset, second)
    seen = provider.counts()
    assert seen["most_working"] <= 6 and set(seen["asked"].values()) == {2}
    assert len(seen["keys"]) == 200, "each row of each run has its own Idempotency-Key"


def test_a_deleted_dataset_ends_its_runs(server: Server, api: Api, provider: Provider) -> None:
    provider.set(latency=0.1)
    dataset, _ = dataset_of(api, 200)
    [task] = runs.start(api, dataset, [runs.judge(api)])
    begun(api, dataset, task, 5)
    api.expect(204, "DELETE", f"/api/datasets/{dataset}/")
    api.expect(404, "GET", f"/api/datasets/{dataset}/eval-reports/{task['task_id']}/")
    runs.wait_until("nothing is asked any more", lambda: provider.counts()["working"] == 0, 60)
    api.wait_jobs()
    assert len(provider.counts()["asked"]) < 200 and server.healthy()


def test_a_deleted_row_is_no_obstacle(api: Api, provider: Provider) -> None:
    provider.set(latency=0.1)
    dataset, rows = dataset_of(api, 60)
    [task] = runs.start(api, dataset, [key := runs.judge(api)])
    begun(api, dataset, task, 5)
    left = list(api.rows(dataset, {f"scores__{key}": {"operator": "isnull", "value": [True]}}))
    for row in left[-5:]:
        api.expect(204, "DELETE", f"/api/datasets/{dataset}/logs/{row['unique_id']}/")
    [task] = runs.wait(api, dataset, [task])
    assert task["status"] == "completed" and task["evaluated_logs_count"] >= 55, task
    assert len(scored(api, dataset, key)) == 55


def test_runs_survive_a_restart(serve: Callable[..., Server]) -> None:
    server = serve("restarted")
    api = Api(server.url, server.key)
    with Provider(latency=0.05) as provider:
        runs.set_provider(api, provider.url, concurrency=4)
        dataset, rows = dataset_of(api, 120)
        judge, code = runs.judge(api), runs.snippet(api, LENGTH)
        tasks = runs.start(api, dataset, [judge, code])
        begun(api, dataset, tasks[0], 10)
        assert server.stop() == 0
        api = Api(server.start().url, server.key)
        now = runs.task(api, dataset, tasks[0]["task_id"])
        assert now["status"] in ("pending", "running"), now
        for task in runs.wait(api, dataset, tasks):
            assert (task["status"], task["evaluated_logs_count"], task["failed_logs_count"]) == ("completed", 120, 0), (
                task
            )
        assert set(scored(api, dataset, judge)) == set(rows) == set(scored(api, dataset, code))
        counts = provider.counts()
        assert max(counts["good"].values()) <= 2 and sum(counts["good"].values()) <= 120 + 4, "only what was under way"
        assert all(prompt.count(UNIT) == 1 for prompt in provider.prompts.values())
