"""Every bad request of `bad_evaluators.py` gets its status and names its fault; afterwards nothing has changed.

Knows how to send a case. What is bad and why is in the table.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import pytest
from bad_input.cases import UNKNOWN, Case
from evaluation.bad_evaluators import CASES, GOOD_CODE
from harness import runs
from harness.api import Api
from harness.server import Server


@dataclass
class State:
    """What the server holds before the first bad request."""

    ids: dict[str, str]
    before: Any


def snapshot(api: Api, dataset: str) -> Any:
    """Everything a bad request could have changed."""
    evaluators = api.expect(200, "POST", "/api/evaluators/list/?page_size=100", {})["results"]
    return {
        "evaluators": evaluators,
        "versions": [
            api.expect(200, "GET", f"/api/evaluators/{each['id']}/versions/")["results"] for each in evaluators
        ],
        "scores": runs.scores_of(api, {}),
        "rows": api.rows(dataset),
        "runs": api.expect(200, "GET", f"/api/datasets/{dataset}/eval-reports/list/")["results"],
        "provider": api.expect(200, "GET", "/api/llm-provider/"),
        "jobs": api.wait_jobs(),
    }


@pytest.fixture(scope="module")
def state(api: Api) -> State:
    dataset = api.create_dataset("good")
    row = api.create_row(dataset)
    choices = [{"name": "red", "value": 1}, {"name": "green", "value": 2}]
    ids = {
        "dataset": dataset,
        "row": row,
        "unknown": UNKNOWN,
        "draft": runs.snippet(api, GOOD_CODE),
        "committed": runs.snippet(api, GOOD_CODE),
        "numbers": runs.evaluator(
            api, "numbers", type="human", evaluator_slug="numbers-slug", score_config={"min_score": 0, "max_score": 5}
        ),
        "select": runs.evaluator(
            api, "select", type="human", score_value_type="single_select", score_config={"choices": choices}
        ),
    }
    api.expect(201, "POST", f"/api/evaluators/{ids['committed']}/versions/", {"version_description": "first"})
    body = {"log_id": row, "dataset_id": dataset, "evaluator_id": ids["numbers"], "numerical_value": 3}
    runs.set_provider(api, "http://127.0.0.1:9/v1")
    ids["score"] = api.expect(201, "POST", "/api/scores/", body)["id"]
    return State(ids, snapshot(api, dataset))


def filled(value: Any, ids: dict[str, str]) -> Any:
    """The ids in place of their names, anywhere in a path or body; templates keep their double braces."""
    if isinstance(value, str):
        for name, key in ids.items():
            if "{{" not in value:
                value = value.replace("{" + name + "}", key)
        return value
    if isinstance(value, dict):
        return {filled(name, ids): filled(each, ids) for name, each in value.items()}
    return [filled(each, ids) for each in value] if isinstance(value, list) else value


def test_names_are_unique() -> None:
    twice = [name for name, count in Counter(case.name for case in CASES).items() if count > 1]
    assert not twice, twice
    print(f"bad requests about evaluators, scores and providers in the table: {len(CASES)}")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_bad_request(api: Api, state: State, case: Case) -> None:
    answer = api.call(case.method, filled(case.path, state.ids), filled(case.body, state.ids))
    assert answer.status_code in case.status, f"{answer.status_code}: {answer.text[:600]}"
    assert isinstance(answer.json()["detail"], str), answer.text
    assert case.says.lower() in answer.text.lower(), f"`{case.says}` is not in {answer.text[:600]}"


def test_nothing_changed(server: Server, api: Api, state: State) -> None:
    assert server.healthy() and server.alive()
    assert snapshot(api, state.ids["dataset"]) == state.before
