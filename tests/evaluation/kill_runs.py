#!/usr/bin/env python3
"""Kills the server with SIGKILL during evaluation runs and checks that every row is scored exactly once by each evaluator.

    .venv/bin/python tests/evaluation/kill_runs.py --kills 20 --seed 3 --binary target/release/evalset

An LLM judge goes over all rows; its provider is a process of its own, which lives on and counts what it is asked. The kills
are spread over that run. Just before each a built-in and a Python evaluator, new ones each time, begin to go over a part of the
rows, and go on after the kill. At the end: every run is complete without a failed row, its results list
each of its rows once, there is one score a row and evaluator with the right value, and no row was answered by the provider
more than twice. Knows processes and the API; nothing of how the server keeps its runs. Ends with 0 and a summary line, or
with 1.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

TESTS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS))

from evaluation.independent import input_text, output_text, token_f1  # noqa: E402
from evaluation.rows import Row, fill, plain_rows, rows_of_file  # noqa: E402
from harness import runs  # noqa: E402
from harness.api import ENDED, Api  # noqa: E402
from harness.provider import ProviderProcess, verdict  # noqa: E402
from harness.runs import Task, is_  # noqa: E402
from harness.server import Server, default_binary  # noqa: E402
from real_logs import source  # noqa: E402

CONCURRENCY = 16
PYTHON = """
def main(eval_inputs):
    return len(eval_inputs["llm_output"]) + len(eval_inputs["llm_input"]) / 1000000
"""


class Wrong(Exception):
    """A row without a score, or with two, or a wrong one, or answered too often."""


def chosen_rows(count: int) -> list[Row]:
    """The real logs when there are that many, else made ones; none that fails."""
    if count <= 1000 or not source.real_path().exists():
        return plain_rows(count)
    rows = [row for row in rows_of_file(source.real_path()) if not row["custom_identifier"].startswith("border/")]
    return rows[:count]


def rules() -> dict[str, Any]:
    """Kind of evaluator → what it should say of a row."""
    return {
        "judge": lambda row: float(verdict(output_text(row["output"]))[0]),
        "token_f1": lambda row: token_f1(row, against="input"),
        "python": lambda row: len(output_text(row["output"])) + len(input_text(row["input"])) / 1000000,
    }


class Trial:
    """One server, one provider, one dataset, and the runs over it."""

    def __init__(self, folder: Path, binary: Path, count: int, seed: int) -> None:
        self.chance = random.Random(seed)
        self.provider = ProviderProcess(latency=0.04, faults={"slow": 0.03}, slow_seconds=0.8)
        self.server = Server(folder, binary=binary, env={"EVALSET_LOG__REQUESTS": "false"})
        self.api = Api(self.server.start().url, self.server.key, timeout=300.0)
        runs.set_provider(self.api, self.provider.url, concurrency=CONCURRENCY)
        self.dataset, self.rows = fill(self.api, "killed", chosen_rows(count))
        self.kind: dict[str, str] = {}
        self.tasks: list[Task] = []

    def start(self, kind: str, key: str, **body: Any) -> Task:
        """Starts a run and remembers what it should give."""
        self.kind[key] = kind
        self.tasks += runs.start(self.api, self.dataset, [key], **body)
        return self.tasks[-1]

    def start_quick_ones(self) -> None:
        """A new built-in and a new Python evaluator over a part of the rows."""
        percent = self.chance.choice([25, 50, 100]) if len(self.rows) <= 1000 else 20
        part = {"sampling_percentage": percent}
        self.start("token_f1", runs.builtin(self.api, "token_f1", "numerical", against="input"), **part)
        self.start("python", runs.snippet(self.api, PYTHON), **part)

    def kill_at(self, judge: Task, rows: int) -> dict[str, int]:
        """Waits until the judge has scored so many rows, starts the quick ones, and kills; how many runs were in which state."""
        # What was under way at the last kill is to be done before the next: a row is hit by two kills at most.
        before = runs.task(self.api, self.dataset, judge["task_id"])["evaluated_logs_count"]
        rows = max(rows, before + 3 * CONCURRENCY)

        def reached() -> bool:
            now = runs.task(self.api, self.dataset, judge["task_id"])
            if now["status"] in ENDED:
                raise Wrong(f"the judge's run ended before the kill: {now}")
            return now["evaluated_logs_count"] >= rows

        runs.wait_until(f"the judge has scored {rows} rows", reached)
        self.start_quick_ones()
        time.sleep(self.chance.uniform(0.0, 0.1 + len(self.rows) / 20_000))
        states = Counter(runs.task(self.api, self.dataset, task["task_id"])["status"] for task in self.tasks[-2:])
        states[runs.task(self.api, self.dataset, judge["task_id"])["status"]] += 1
        self.server.kill()
        self.api = Api(self.server.start().url, self.server.key, timeout=300.0)
        return dict(states)

    def verify(self) -> int:
        """Looks at everything; the number of scores compared."""
        by_row = runs.scores_by_row(self.api, self.dataset)
        rule, compared = rules(), 0
        for task in runs.wait(self.api, self.dataset, self.tasks, 1800):
            key, total = task["evaluator_id"], task["total_logs_count"]
            told = (task["status"], task["evaluated_logs_count"], task["failed_logs_count"])
            if told != ("completed", total, 0):
                raise Wrong(f"{self.kind[key]}: {told} of {total}: {task['error_message']}")
            listed = [each["unique_id"] for each in runs.results(self.api, self.dataset, task["task_id"])]
            if len(listed) != total or len(set(listed)) != total:
                raise Wrong(f"{self.kind[key]}: {len(listed)} results of {len(set(listed))} rows, should be {total}")
            there = self.api.expect(
                200, "POST", "/api/scores/list/?page_size=1", {"filters": {"evaluator_id": is_(key)}}
            )
            if there["count"] != total:
                raise Wrong(f"{self.kind[key]}: {there['count']} scores of {total} rows")
            for row in listed:
                score = by_row[row].get(key)
                wanted = rule[self.kind[key]](self.rows[row])
                if score is None or score["status"] != "completed" or abs(score["numerical_value"] - wanted) > 1e-9:
                    raise Wrong(f"{self.kind[key]} of {row}: {score}, should be {wanted}")
                compared += 1
            if self.kind[key] == "judge" and total != len(self.rows):
                raise Wrong(f"the judge's run has {total} rows of {len(self.rows)}")
        return compared


def run(kills: int, count: int, seed: int, binary: Path, folder: Path) -> str:
    """The whole; its summary line. Raises `Wrong`."""
    begun = time.monotonic()
    trial = Trial(folder, binary, count, seed)
    struck: Counter[str] = Counter()
    try:
        judge = trial.start("judge", runs.judge(trial.api))
        for number in range(1, kills + 1):
            place = (number - trial.chance.uniform(0.1, 0.9)) / (kills + 0.5)
            struck.update(trial.kill_at(judge, int(place * count)))
        runs.wait(trial.api, trial.dataset, trial.tasks, 1800)
        compared = trial.verify()
        status = trial.server.stop()
        if status != 0:
            raise Wrong(f"exit status {status} after SIGTERM")
        seen = trial.provider.counts()
        answered, asked = Counter(seen["good"].values()), Counter(seen["asked"].values())
        if len(seen["good"]) != len(trial.rows) or max(answered) > 2:
            raise Wrong(f"the provider answered {len(seen['good'])} rows, how often: {dict(sorted(answered.items()))}")
    except Exception as error:
        raise Wrong(f"{error}; seed {seed}, data kept in {folder}; log:\n{trial.server.log_tail(1500)}") from error
    finally:
        trial.server.kill()
        trial.provider.stop()
    at_work = ", ".join(f"{state} {times}" for state, times in sorted(struck.items()))
    return (
        f"kill runs: {kills} kills, seed {seed}: {len(trial.tasks)} runs over {len(trial.rows)} rows (at the kills: {at_work}); "
        f"{compared} scores, each there once and right; rows by times asked: {dict(sorted(asked.items()))}, "
        f"by times answered: {dict(sorted(answered.items()))}; most at once {seen['most_working']}; "
        f"{time.monotonic() - begun:.0f} s"
    )


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--rows", type=int, default=16_100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--binary", type=Path, default=None)
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="evalset-kill-runs-"))
    try:
        binary = (arguments.binary or default_binary()).resolve()
        line = run(arguments.kills, arguments.rows, arguments.seed, binary, folder)
    except Wrong as wrong:
        print(f"kill runs: FAILED: {wrong}")
        return 1
    shutil.rmtree(folder)
    print(line)
    return 0


if __name__ == "__main__":
    sys.exit(main())
