#!/usr/bin/env python3
"""Measures evaluation runs of a release binary; prints a table, judges nothing.

    .venv/bin/python tests/evaluation/measure.py --binary target/release/evalset [--rows 16100]

Rows a second of built-in and of Python evaluators; how busy an LLM judge keeps the concurrency it is allowed, with a provider
(a process of its own) that takes 50 ms; how long lists and summaries take while a run writes scores. Over the real logs when
they are there, else over made rows. Knows the API; nothing of how the server works.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

TESTS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS))

from evaluation.rows import fill, plain_rows, rows_of_file  # noqa: E402
from evaluation.test_builtins import PYTHON  # noqa: E402
from harness import runs  # noqa: E402
from harness.api import Api  # noqa: E402
from harness.provider import ProviderProcess  # noqa: E402
from harness.server import Server  # noqa: E402
from real_logs import source  # noqa: E402

LATENCY_SECONDS = 0.05
SHORT = "def main(eval_inputs):\n    return len(eval_inputs['llm_output'])\n"


def rows_of(count: int) -> list[dict[str, Any]]:
    """Real rows repeated as often as needed, without those made to fail."""
    if not source.real_path().exists():
        return plain_rows(count)
    real = [row for row in rows_of_file(source.real_path()) if not row["custom_identifier"].startswith("border/")]
    for row in real:
        row["metadata"].pop("explode", None)
    found = []
    for number in range(count):
        row = real[number % len(real)]
        unit = f"{row['metadata']['unit']}/{number // len(real)}"
        found.append({**row, "custom_identifier": unit, "metadata": {**row["metadata"], "unit": unit}})
    return found


def report(what: str, value: str) -> None:
    """One line of the table."""
    print(f"{what:74} {value}", flush=True)


def timed_run(api: Api, dataset: str, key: str) -> tuple[float, dict[str, Any]]:
    """Seconds from start to end by the run's own times, and the run."""
    [task] = runs.run(api, dataset, [key])
    begin, end = (datetime.fromisoformat(task[name]) for name in ("started_at", "completed_at"))
    return (end - begin).total_seconds(), task


def rates(api: Api, dataset: str) -> None:
    """Rows a second of evaluators that need no provider."""
    made: dict[str, Callable[[], str]] = {
        "built-in json_valid": lambda: runs.builtin(api, "json_valid"),
        "built-in regex": lambda: runs.builtin(api, "regex", pattern=r"(?m)^[ \t]*(?:[-*•]|[0-9]+[.)])[ \t]"),
        "built-in token_f1 against the input": lambda: runs.builtin(api, "token_f1", "numerical", against="input"),
        "built-in similarity to the input": lambda: runs.builtin(api, "similarity", "numerical", against="input"),
        "Python, one line": lambda: runs.snippet(api, SHORT),
        "Python, twenty lines over the words": lambda: runs.snippet(api, PYTHON, "percentage"),
    }
    for name, make in made.items():
        seconds, task = timed_run(api, dataset, make())
        done = task["evaluated_logs_count"] + task["failed_logs_count"]
        failed = f", {task['failed_logs_count']} failed" if task["failed_logs_count"] else ""
        report(f"{name}, rows/s", f"{done / seconds:,.0f}   ({done} rows in {seconds:.1f} s{failed})")


def busy(api: Api, dataset: str, provider: ProviderProcess, concurrency: int) -> None:
    """Share of the allowed concurrency that a judge keeps at work, over the whole run and without its last answers."""
    provider.control("DELETE")
    runs.set_provider(api, provider.url, concurrency=concurrency)
    seconds, task = timed_run(api, dataset, runs.judge(api))
    seen = provider.counts()
    share = seen["busy_seconds"] / (concurrency * seen["seconds"])
    best = task["evaluated_logs_count"] * LATENCY_SECONDS / concurrency
    report(
        f"judge, {LATENCY_SECONDS * 1000:.0f} ms answers, concurrency {concurrency}, busy",
        f"{100 * share:.1f} %   ({task['evaluated_logs_count']} rows in {seconds:.1f} s, ideal {best:.1f} s, "
        f"most at once {seen['most_working']}, {task['evaluated_logs_count'] / seconds:,.0f} rows/s)",
    )


def percentiles(times: list[float]) -> str:
    """p50, p99 and the worst in ms."""
    ordered = sorted(times)
    part = [ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000 for share in (0.5, 0.99, 1.0)]
    return f"p50 {part[0]:.1f}  p99 {part[1]:.1f}  max {part[2]:.1f} ms   ({len(times)} calls)"


def calls(api: Api, dataset: str, key: str) -> dict[str, Callable[[], Any]]:
    """What people ask for while a run goes on. Answers are read, not parsed."""
    rows, summary = f"/api/datasets/{dataset}/logs/list/", f"/api/datasets/{dataset}/logs/summary/"
    by_score, above = f"{rows}?sort_by=-scores__{key}", {f"scores__{key}": {"operator": "gte", "value": [100]}}

    def ask(method: str, path: str, body: Any = None) -> None:
        assert api.call(method, path, body).status_code == 200

    return {
        "list of 25 rows": lambda: ask("POST", rows, {}),
        "list filtered and sorted by the score": lambda: ask("POST", by_score, {"filters": above}),
        "summary": lambda: ask("POST", summary, {}),
        "runs": lambda: ask("GET", f"/api/datasets/{dataset}/eval-reports/list/"),
    }


def reads(api: Api, dataset: str, provider: ProviderProcess) -> None:
    """Times of reads on an idle server, and while runs write scores."""
    key = runs.snippet(api, SHORT)
    runs.run(api, dataset, [key])
    for name, call in calls(api, dataset, key).items():
        report(f"{name}, idle", percentiles(measure(call, lambda number: number < 100)))
    runs.set_provider(api, provider.url, concurrency=32)
    [task] = runs.start(api, dataset, [runs.judge(api)])
    reads_during(api, dataset, key, [task], "while a judge writes scores")
    again = runs.snippet(api, SHORT)
    tasks = runs.start(api, dataset, [again, runs.builtin(api, "token_f1", "numerical", against="input")])
    reads_during(api, dataset, again, tasks, "while quick evaluators write scores")


def reads_during(api: Api, dataset: str, key: str, tasks: list[runs.Task], when: str) -> None:
    """Times of reads until all runs have ended."""
    taken: dict[str, list[float]] = {}
    while any(runs.task(api, dataset, task["task_id"])["status"] in ("pending", "running") for task in tasks):
        for name, call in calls(api, dataset, key).items():
            taken.setdefault(name, []).extend(measure(call, lambda number: number < 5))
    for name, times in taken.items():
        report(f"{name}, {when}", percentiles(times))


def measure(call: Callable[[], Any], goes_on: Callable[[int], bool]) -> list[float]:
    """Seconds of each call."""
    times: list[float] = []
    while goes_on(len(times)):
        begun = time.perf_counter()
        call()
        times.append(time.perf_counter() - begun)
    return times


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", type=Path, required=True)
    parser.add_argument("--rows", type=int, default=16_100)
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="evalset-measure-"))
    provider = ProviderProcess(latency=LATENCY_SECONDS)
    server = Server(folder, binary=arguments.binary.resolve(), env={"EVALSET_LOG__REQUESTS": "false"})
    try:
        api = Api(server.start().url, server.key, timeout=300.0)
        dataset, rows = fill(api, "measured", rows_of(arguments.rows))
        report("rows", f"{len(rows):,}")
        rates(api, dataset)
        for concurrency in (8, 32):
            part, _ = fill(api, f"for {concurrency}", rows_of(min(arguments.rows, 200 * concurrency)))
            busy(api, part, provider, concurrency)
        reads(api, dataset, provider)
        server.stop()
    finally:
        server.kill()
        provider.stop()
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
