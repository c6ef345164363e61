"""Every score of every kind of evaluator equals an independent calculation: all built-in ones, a Python one, and an LLM judge
whose provider has faults, on the repository's sample and on the real logs (`EVALSET_LOGS`) when they are there.

Knows `independent.py`, the stand-in provider's rule, and the API. No expected number is written down here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from evaluation.independent import BUILTINS, Lacking, Value, output_text, python
from evaluation.rows import Row, fill, rows_of_file
from harness import runs
from harness.api import Api
from harness.provider import Provider, expected
from harness.runs import Task
from real_logs import source

# 15 % of the judge's rows meet a fault; those of the last three never get a score while the faults are on.
FAULTS = {
    "busy": 0.01, "broken": 0.02, "dropped": 0.02, "slow": 0.002, "garbled": 0.01, "fenced": 0.03, "prose": 0.03, "above": 0.01,
    "down": 0.004, "refused": 0.006, "words": 0.01,
}  # fmt: skip
PYTHON = """
def longest(words):
    most = 0
    for word in words:
        if len(word) > most:
            most = len(word)
    return most


def main(eval_inputs):
    text = eval_inputs["llm_output"]
    metadata = eval_inputs["metadata"]
    if metadata.get("explode"):
        raise ValueError("told to fail at " + metadata["unit"])
    words = [word for word in text.split(" ") if word]
    vowels = sum(text.count(letter) for letter in "aeiou")
    score = 100 * vowels / (len(text) + 1)
    if eval_inputs["expected_output"] is None:
        score = score / 2
    return {"score": score, "explanation": f"{len(words)} words, the longest of {longest(words)} letters"}
"""
SCHEMA = {
    "type": "object", "required": ["name"], "properties": {"count": {"type": "integer", "minimum": 0}},
}  # fmt: skip


@dataclass
class Plan:
    """An evaluator, what it should say of each row, and what came of its run."""

    name: str
    make: Callable[[Api], str]
    rule: Callable[[Row], Value]
    id: str = ""
    task: Task = field(default_factory=dict)
    wanted: dict[str, Value | None] = field(default_factory=dict)

    def expect(self, rows: dict[str, Row]) -> None:
        """Calculates: row → score, none for rows that should fail."""
        for key, row in rows.items():
            try:
                self.wanted[key] = self.rule(row)
            except Lacking:
                self.wanted[key] = None


def planned(name: str, value_type: str = "boolean", **parameters: Any) -> Plan:
    """A built-in evaluator."""

    def make(api: Api) -> str:
        return runs.builtin(api, name, value_type, **parameters)

    return Plan(name, make, lambda row: BUILTINS[name](row, **parameters))


def said_by_judge(row: Row, faults: dict[str, float]) -> tuple[float, str] | None:
    """Score and explanation of the judge; none when the faults leave the row without."""
    answer = "" if row.get("output") is None else output_text(row["output"])
    return expected(row["metadata"]["unit"], answer, faults)


def judged(row: Row) -> float:
    """What the judge makes of a row while the faults are on."""
    said = said_by_judge(row, FAULTS)
    if said is None:
        raise Lacking("a usable answer")
    return said[0]


def plans() -> list[Plan]:
    """What is run."""
    return [
        planned("exact_match", trim=True, ignore_case=True),
        planned("contains", values=["sorry", "cannot", "als KI", "über"], ignore_case=True),
        planned("regex", pattern=r"(?m)^[ \t]*(?:[-*•]|[0-9]+[.)])[ \t]"),
        planned("json_valid"),
        planned("json_schema", schema=SCHEMA),
        planned("similarity", "numerical"),
        planned("token_f1", "numerical"),
        planned("numeric_tolerance", against="metadata.turn", extract="last", tolerance=1, relative=0.25),
        # Rules that give 0 to 1 count to 100 as a percentage.
        Plan(
            "token_f1 in percent",
            lambda api: runs.builtin(api, "token_f1", "percentage", against="input"),
            lambda row: 100 * BUILTINS["token_f1"](row, against="input"),
        ),
        planned("latency", max_seconds=1.5),
        planned("cost", max_usd=0.01),
        Plan("python", lambda api: runs.snippet(api, PYTHON, "percentage"), python(PYTHON)),
        Plan("judge", runs.judge, judged),
    ]


@dataclass
class Evaluated:
    """A dataset whose runs have ended."""

    name: str
    api: Api
    provider: Provider
    dataset: str
    rows: dict[str, Row]
    plans: dict[str, Plan]


@pytest.fixture(scope="module", params=["sample", "real"])
def evaluated(request: pytest.FixtureRequest, serve: Callable[..., Any]) -> Iterator[Evaluated]:
    path = source.SAMPLE if request.param == "sample" else source.real_path()
    if not path.exists():
        pytest.skip(f"no real logs at {path}: set EVALSET_LOGS to a .jsonl or .jsonl.zst file; the sample ran instead")
    server = serve(f"builtins_{request.param}", EVALSET_LOG__REQUESTS="false")
    api = Api(server.url, server.key, timeout=300.0)
    with Provider(latency=0.002, faults=FAULTS, slow_seconds=1.0) as provider:
        runs.set_provider(api, provider.url, concurrency=16, attempts=4)
        dataset, rows = fill(api, "evaluated", rows_of_file(path))
        made = plans()
        for plan in made:
            plan.id = plan.make(api)
        tasks = runs.start(api, dataset, [plan.id for plan in made])
        for plan in made:
            plan.expect(rows)
        for plan, task in zip(made, runs.wait(api, dataset, tasks, 1200), strict=True):
            plan.task = task
        yield Evaluated(request.param, api, provider, dataset, rows, {plan.name: plan for plan in made})


NAMES = [plan.name for plan in plans()]


def same(got: Any, wanted: Any) -> bool:
    """Equal; floats within 1e-9."""
    if isinstance(wanted, bool) or wanted is None:
        return got is wanted
    return (
        isinstance(got, (int, float))
        and not isinstance(got, bool)
        and math.isclose(got, wanted, rel_tol=0, abs_tol=1e-9)
    )


def value(score: dict[str, Any]) -> Any:
    """What a summary, result or score object says."""
    return score["numerical_value"] if score["boolean_value"] is None else score["boolean_value"]


@pytest.mark.parametrize("name", NAMES)
def test_the_run_says_what_happened(evaluated: Evaluated, name: str) -> None:
    plan, total = evaluated.plans[name], len(evaluated.rows)
    good = [score for score in plan.wanted.values() if score is not None]
    assert 0 < len(good) <= total and len({round(float(score), 6) for score in good}) > 1, (
        "the data makes no difference"
    )
    task = plan.task
    print(f"{evaluated.name}: {name}: {len(good)} scores, {total - len(good)} failed, {task['rate']} rows/s")
    assert (task["status"], task["progress"], task["total_logs_count"]) == ("completed", 100, total), task
    assert (task["evaluated_logs_count"], task["failed_logs_count"]) == (len(good), total - len(good)), task
    assert bool(task["error_message"]) == (len(good) < total), task["error_message"]
    assert same(task["score"], math.fsum(map(float, good)) / len(good)), task["score"]
    assert task["started_at"] <= task["completed_at"] and task["seconds_left"] is None


def test_every_score_on_the_rows(evaluated: Evaluated) -> None:
    by_row = runs.scores_by_row(evaluated.api, evaluated.dataset)
    assert set(by_row) == set(evaluated.rows)
    wrong = []
    for key, scores in by_row.items():
        for plan in evaluated.plans.values():
            shown, wanted = scores.get(plan.id), plan.wanted[key]
            got = None if shown is None else value(shown)
            if not same(got, wanted) or (shown is not None and (shown["status"] == "failed") != (wanted is None)):
                wrong.append(f"{plan.name} of {evaluated.rows[key]['custom_identifier']}: {got}, calculated {wanted}")
    compared = len(by_row) * len(evaluated.plans)
    print(f"{evaluated.name}: {compared - len(wrong)} of {compared} scores equal")
    assert not wrong, f"{len(wrong)} differ:\n" + "\n".join(wrong[:20])


@pytest.mark.parametrize("name", NAMES)
def test_failed_rows_are_listed(evaluated: Evaluated, name: str) -> None:
    plan = evaluated.plans[name]
    reasons = runs.failed(evaluated.api, evaluated.dataset, plan.task["task_id"])
    assert set(reasons) == {key for key, wanted in plan.wanted.items() if wanted is None}
    if name == "python":
        assert all("told to fail at" in reason and "ValueError" in reason for reason in reasons.values()), reasons


@pytest.mark.parametrize("name", ["judge", "similarity"])
def test_results_hold_every_row_once(evaluated: Evaluated, name: str) -> None:
    plan = evaluated.plans[name]
    listed = runs.results(evaluated.api, evaluated.dataset, plan.task["task_id"])
    assert len(listed) == len(evaluated.rows) and {each["unique_id"] for each in listed} == set(evaluated.rows)
    for each in listed:
        assert same(value(each), plan.wanted[each["unique_id"]]), each
        assert each["custom_identifier"] == evaluated.rows[each["unique_id"]]["custom_identifier"]
    good = runs.results(evaluated.api, evaluated.dataset, plan.task["task_id"], "failed=false")
    assert len(good) == plan.task["evaluated_logs_count"]


def test_scores_as_objects(evaluated: Evaluated) -> None:
    """One score a row and evaluator; scorer, type and status as F.7 says."""
    for plan in evaluated.plans.values():
        filters = {"evaluator_id": runs.is_(plan.id), "dataset_id": runs.is_(evaluated.dataset)}
        good = sum(wanted is not None for wanted in plan.wanted.values())
        done = {**filters, "status": runs.is_("completed")}
        answer = evaluated.api.expect(200, "POST", "/api/scores/list/?page_size=100", {"filters": done})
        assert answer["count"] == good, f"{plan.name}: {answer['count']} completed scores, calculated {good}"
        for score in answer["results"]:
            assert score["scorer"] == ("judge-1" if plan.name == "judge" else "code"), score
            assert (score["type"], score["log_id"] in evaluated.rows) == (
                "llm" if plan.name == "judge" else "code",
                True,
            )
            assert score["run_id"] == plan.task["task_id"], score
    if evaluated.name == "sample":
        everything = runs.scores_of(evaluated.api, {"dataset_id": runs.is_(evaluated.dataset)})
        pairs = [(score["log_id"], score["evaluator_id"]) for score in everything if score["status"] == "completed"]
        assert len(pairs) == len(set(pairs))


def test_explanations(evaluated: Evaluated) -> None:
    judge = evaluated.plans["judge"]
    keys = [key for key, wanted in judge.wanted.items() if wanted is not None][:40]
    for key in keys:
        row = evaluated.api.expect(200, "GET", f"/api/datasets/{evaluated.dataset}/logs/{key}/")
        [score] = [score for score in row["scores"] if score["evaluator_id"] == judge.id]
        said = said_by_judge(evaluated.rows[key], FAULTS)
        assert said is not None and score["explanation"] == said[1], score


def test_summary(evaluated: Evaluated) -> None:
    halves: list[tuple[Any, Callable[[Row], bool]]] = [
        ({}, lambda row: True),
        ({"metadata__turn": {"operator": "gte", "value": 5}}, lambda row: row["metadata"].get("turn", 0) >= 5),
    ]
    for filters, keeps in halves:
        path = f"/api/datasets/{evaluated.dataset}/logs/summary/"
        got = evaluated.api.expect(200, "POST", path, {"filters": filters})["scores"]
        for plan in evaluated.plans.values():
            good = [plan.wanted[key] for key, row in evaluated.rows.items() if keeps(row)]
            good = [score for score in good if score is not None]
            shown = got[plan.id]
            if isinstance(good[0], bool):
                counted = (shown["true_count"], shown["false_count"], shown["avg_score"])
                assert counted == (good.count(True), good.count(False), None), (plan.name, shown)
            else:
                assert same(shown["avg_score"], math.fsum(good) / len(good)), (plan.name, shown)
                assert (shown["true_count"], shown["false_count"]) == (None, None), (plan.name, shown)
            assert (shown["evaluator_id"], shown["evaluator_name"]) == (plan.id, plan.task["name"])


FILTERS: list[tuple[str, str, Any, Callable[[Value], bool]]] = [
    ("similarity", "gte", 0.5, lambda score: score >= 0.5),
    ("similarity", "lt", 0.5, lambda score: score < 0.5),
    ("token_f1", "", 1, lambda score: score == 1),
    ("judge", "", 5, lambda score: score == 5),
    ("judge", "gt", 3, lambda score: score > 3),
    ("judge", "lte", 2, lambda score: score <= 2),
    ("json_valid", "", True, lambda score: score is True),
    ("regex", "", 0, lambda score: score is False),
    ("python", "gt", 15, lambda score: score > 15),
]  # fmt: skip


def listed(evaluated: Evaluated, filters: Any, sort_by: str) -> tuple[int, list[str]]:
    """Total, and the ids of the first two pages and the last."""
    found: list[str] = []
    total, page = 0, 1
    for page in (1, 2, 10**9):
        page = min(page, max(1, -(-total // 100))) if total else page
        query = f"page={page}&page_size=100&sort_by={sort_by}&include_fields=scores"
        path = f"/api/datasets/{evaluated.dataset}/logs/list/?{query}"
        body = evaluated.api.expect(200, "POST", path, {"filters": filters})
        total = body["count"]
        found.extend(row["unique_id"] for row in body["results"])
    return total, found


def first_two_and_last(keys: list[str]) -> list[str]:
    """What `listed` should give for all keys in order."""
    last = max(1, -(-len(keys) // 100))
    return [key for page in (1, min(2, last), last) for key in keys[(page - 1) * 100 : page * 100]]


@pytest.mark.parametrize(("name", "operator", "bound", "keeps"), FILTERS, ids=lambda part: str(part)[:12])
def test_filters_on_scores(
    evaluated: Evaluated, name: str, operator: str, bound: Any, keeps: Callable[[Value], bool]
) -> None:
    plan = evaluated.plans[name]
    wanted = sorted(key for key, score in plan.wanted.items() if score is not None and keeps(score))
    filters = {f"scores__{plan.id}": {"operator": operator, "value": [bound]}}
    total, got = listed(evaluated, filters, "unique_id")
    assert total == len(wanted) and got == first_two_and_last(wanted), f"{total}, calculated {len(wanted)}"


@pytest.mark.parametrize("direction", ["", "-"])
@pytest.mark.parametrize("name", ["similarity", "token_f1", "judge", "python"])
def test_orders_by_scores(evaluated: Evaluated, name: str, direction: str) -> None:
    plan = evaluated.plans[name]
    keys = sorted(plan.wanted)
    scored = [key for key in keys if plan.wanted[key] is not None]
    scored.sort(key=lambda key: plan.wanted[key], reverse=direction == "-")  # type: ignore[arg-type,return-value]
    wanted = scored + [key for key in keys if plan.wanted[key] is None]
    total, got = listed(evaluated, {}, f"{direction}scores__{plan.id}")
    assert total == len(wanted)
    # Floats that are equal but for the last digit may stand either way around.
    for mine, theirs in zip(first_two_and_last(wanted), got, strict=True):
        assert mine == theirs or same(plan.wanted[mine], plan.wanted[theirs]), (mine, theirs)


def test_the_dataset_shows_the_runs(evaluated: Evaluated) -> None:
    found = evaluated.api.expect(200, "GET", f"/api/datasets/{evaluated.dataset}/")
    assert (found["running_status"], found["running_progress"]) == ("completed", 100), found
    assert found["running_at"] is not None
    tasks = evaluated.api.expect(200, "GET", f"/api/datasets/{evaluated.dataset}/eval-reports/list/?page_size=100")
    assert {task["task_id"] for task in tasks["results"]} == {plan.task["task_id"] for plan in evaluated.plans.values()}


def test_what_the_provider_saw(evaluated: Evaluated) -> None:
    seen = evaluated.provider.counts()
    units = {row["metadata"]["unit"] for row in evaluated.rows.values()}
    assert set(seen["asked"]) == units, "every row was asked for, under its own name"
    assert seen["most_working"] <= 16 and seen["models"] == {"judge-1": sum(seen["asked"].values())}
    assert all(len(of) == 1 for of in seen["keys"].values()) and "" not in seen["keys"], "keys are not shared by rows"
    assert max(seen["good"].values()) == 1, "nothing that was answered is asked for again"
    assert max(seen["asked"].values()) <= 4, "attempts are bounded"
    assert evaluated.provider.authorizations == {"Bearer key-of-the-tests"}


def test_continuing_scores_what_failed(evaluated: Evaluated) -> None:
    """Last: it changes the judge's and the Python evaluator's scores."""
    api, dataset = evaluated.api, evaluated.dataset
    judge, program = evaluated.plans["judge"], evaluated.plans["python"]
    again = [key for key, wanted in judge.wanted.items() if wanted is None]
    mended = [key for key, wanted in program.wanted.items() if wanted is None]
    for key in mended:
        api.expect(200, "PATCH", f"/api/datasets/{dataset}/logs/{key}/", {"metadata": {"explode": None}})
        del evaluated.rows[key]["metadata"]["explode"]
    before = evaluated.provider.counts()["asked"]
    evaluated.provider.set(faults={})
    for plan in (judge, program):
        answer = api.expect(200, "POST", f"/api/datasets/{dataset}/eval-reports/{plan.task['task_id']}/continue/", {})
        assert answer["task_id"] == plan.task["task_id"] and answer["status"] in ("pending", "running"), answer
    for plan in (judge, program):
        [task] = runs.wait(api, dataset, [plan.task])
        total = len(evaluated.rows)
        counts = (task["status"], task["evaluated_logs_count"], task["failed_logs_count"], task["error_message"])
        assert counts == ("completed", total, 0, None), task
        assert runs.failed(api, dataset, task["task_id"]) == {}
    for key in again:
        said = said_by_judge(evaluated.rows[key], {})
        judge.wanted[key] = said[0] if said else None
    program.expect(evaluated.rows)
    test_every_score_on_the_rows(evaluated)
    asked = evaluated.provider.counts()["asked"]
    more = {unit for unit, times in asked.items() if times > before[unit]}
    assert more == {evaluated.rows[key]["metadata"]["unit"] for key in again}, "only what failed is asked for again"
