"""The rows that evaluators are compared on: logs of a file as dataset rows, and a few made for the borders of the rules.

Each row carries a name in `metadata.unit`. A part of them has an `expected_output`: the answer of the first model in the
file to the same question, where a row is not that model's own. Knows the API's row body (B.7); no evaluator.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from harness.api import Api
from real_logs import source

BULK = 500
Row = dict[str, Any]
METRICS = ("prompt_tokens", "completion_tokens", "cost", "latency", "time_to_first_token")

# Outputs, targets and metrics at the borders of what evaluators look at.
BORDERS: list[Row] = [
    {"output": '{"name": "a", "count": 3}', "expected_output": {"name": "a", "count": 3}},
    {"output": {"name": "a", "count": -1}, "expected_output": '{"name":"a","count":-1}'},
    {"output": '{"name": "a"}', "expected_output": "  "},
    {"output": '{"name": "a", "count": 3,}', "expected_output": ""},
    {"output": "[1, 2, 3]", "expected_output": [1, 2, 3]},
    {"output": "NaN", "expected_output": "nan"},
    {"output": " 12 \n", "expected_output": "12", "metrics": {"latency": 0, "cost": 0}},
    {"output": "1,234.5 and -7", "expected_output": "about 1,234", "metrics": {"latency": 1.5, "cost": 0.01}},
    {"output": "no number at all", "expected_output": "3", "metrics": {"latency": 1.5000001}},
    {"output": "1e3", "expected_output": "1000", "metrics": {"cost": 0.0100001}},
    {"output": "", "expected_output": ""},
    {"output": "", "expected_output": "something"},
    {"output": "\u3000Größe und MASSE\u00a0", "expected_output": "größe UND masse"},
    {"output": "naïve", "expected_output": "nai\u0308ve"},
    {"output": "👍🏽 日本語", "expected_output": "👍 日本"},
    {"output": "x" * 5000, "expected_output": "y" * 3000 + "x" * 2000},
    {"output": "[" * 127 + "]" * 127, "expected_output": "["},
    {"output": "[" * 128 + "]" * 128, "expected_output": "]"},
    {"output": 'line one\n- item\n"quoted"\ttab', "expected_output": "- item"},
    {"output": {"role": "assistant", "content": [{"type": "text", "text": "part one"}, {"type": "text", "text": "two"}]},
     "expected_output": "part one\ntwo"},
    {"output": 3.5, "expected_output": 3.5},
    {"output": True, "expected_output": "true"},
    {"output": None, "expected_output": "missing output"},
    {"output": "the the cat", "expected_output": "The cat, the CAT!"},
]  # fmt: skip


def share(name: str, salt: str) -> float:
    """A stable number in [0, 1) of a row's name."""
    return int(hashlib.sha256(f"{salt} {name}".encode()).hexdigest()[:12], 16) / 16**12


def rows_of_file(path: Path) -> list[Row]:
    """A row body for each log of the file, then the border cases."""
    logs = source.read(path)
    first = min(log["model"] for log in logs)
    targets = {str(log["input"]): log["output"] for log in logs if log["model"] == first}
    rows = []
    for log in logs:
        name = log["custom_identifier"]
        row = {
            "input": log["input"], "output": log["output"], "model": log["model"], "timestamp": log["timestamp"],
            "custom_identifier": name, "metadata": {**log["metadata"], "unit": name},
            "metrics": {metric: log[metric] for metric in METRICS},
        }  # fmt: skip
        target = targets.get(str(log["input"]))
        if target is not None and share(name, "target") < 0.3:
            row["expected_output"] = target
        if share(name, "explodes") < 0.02:
            row["metadata"]["explode"] = True
        rows.append(row)
    return rows + borders()


def borders() -> list[Row]:
    """The border cases as row bodies."""
    found = []
    for number, case in enumerate(BORDERS):
        name = f"border/{number}"
        row = {"input": f"question {number}", "custom_identifier": name, "metadata": {"unit": name, "turn": number}}
        # What is absent is 0 (D.5).
        found.append({**row, **case, "metrics": {"latency": 0, "cost": 0, **case.get("metrics", {})}})
    return found


def plain_rows(count: int, **more: Any) -> list[Row]:
    """Short rows, each its own answer."""
    return [
        {
            "input": f"question {number}", "output": f"answer {number}", "custom_identifier": f"row/{number}",
            "metadata": {"unit": f"row/{number}", "number": number, "half": number % 2}, **more,
        }
        for number in range(count)
    ]  # fmt: skip


def fill(api: Api, name: str, rows: list[Row]) -> tuple[str, dict[str, Row]]:
    """A dataset with these rows; row id → body, in the order given."""
    dataset = api.create_dataset(name)
    by_id: dict[str, Row] = {}
    for begin in range(0, len(rows), BULK):
        part = rows[begin : begin + BULK]
        answer = api.expect(201, "POST", f"/api/datasets/{dataset}/logs/bulk/", {"logs": part})
        assert (answer["success_count"], answer["errors"]) == (len(part), []), answer["errors"][:3]
        by_id.update(zip(answer["unique_ids"], part, strict=True))
    assert len(by_id) == len(rows)
    return dataset, by_id
