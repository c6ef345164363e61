"""Real logs through the API, compared with an independent calculation over the file.

Runs twice: over the repository's small sample, and over the real file when it is there (`EVALSET_LOGS`). Knows the API and
`independent.py`; no expected number is written down here.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from harness.api import Api
from real_logs import source
from real_logs.combinations import all_combinations
from real_logs.independent import Combination, Record, Vocabulary, instant, record, summary

BULK = 500
SPANS_PAGE = 50
ROWS_PAGE = 25
DAY = 86_400_000_000
# Of each written row: the server's business, not the file's (the last says by which call the row came in).
OWN = {"id", "unique_id", "dataset_id", "annotation_status", "annotation_completed_by", "scores", "log_method"}
# Structures that have a column of their own (B.19); others may be left out of a table.
STRUCTURES = {"input", "output", "expected_output", "messages", "metadata", "scores"}
compared: dict[str, int] = {}


class Loaded:
    """A server that holds the logs, and what they should look like."""

    def __init__(self, api: Api, sent: list[Record], name: str) -> None:
        self.api, self.sent, self.name = api, sent, name
        self.records = [record(log) for log in sent]
        self.words = Vocabulary(self.records)
        self.window = {"start_time": instant(self.words.first - DAY), "end_time": instant(self.words.last + DAY)}
        self.query = "&".join(f"{name}={value}" for name, value in self.window.items())
        for begin in range(0, len(sent), BULK):
            part = sent[begin : begin + BULK]
            answer = api.expect(201, "POST", "/api/request-logs/bulk/", {"logs": part})
            assert (answer["success_count"], answer["error_count"]) == (len(part), 0), answer["errors"][:3]
        self.whole = api.create_dataset("all rows", **self.window)


@pytest.fixture(scope="module", params=["sample", "real"])
def loaded(request: pytest.FixtureRequest, serve: Callable[..., Any]) -> Loaded:
    path = source.SAMPLE if request.param == "sample" else source.real_path()
    if not path.exists():
        pytest.skip(f"no real logs at {path}: set EVALSET_LOGS to a .jsonl or .jsonl.zst file; the sample ran instead")
    server = serve(f"logs_{request.param}")
    return Loaded(Api(server.url, server.key, timeout=300.0), source.read(path), request.param)


def pages(
    loaded: Loaded, path: str, sort_by: str, page_size: int, filters: Any, total: int
) -> list[tuple[int, int, list[str]]]:
    """Number, total and ids of pages 1, 2 and last."""
    last = max(1, -(-total // page_size))
    found = []
    for page in sorted({1, 2, last}):
        joint = "&" if "?" in path else "?"
        query = f"{joint}page={page}&page_size={page_size}&sort_by={sort_by}&include_fields=model"
        body = loaded.api.expect(200, "POST", path + query, {"filters": filters})
        found.append((page, body["count"], [row["unique_id"] for row in body["results"]]))
    return found


def compare(loaded: Loaded, path: str, page_size: int, combination: Combination) -> None:
    """All of a combination's pages against the calculation."""
    ids = [log["unique_id"] for log in combination.expected(loaded.records)]
    for page, count, got in pages(loaded, path, combination.sort_by, page_size, combination.filters, len(ids)):
        what = f"{combination.name} | {combination.sort_by} | page {page}"
        assert count == len(ids), (
            f"{what}: total {count}, calculated {len(ids)}; filters {json.dumps(combination.filters)}"
        )
        wanted = ids[(page - 1) * page_size : page * page_size]
        assert got == wanted, f"{what}: the ids differ from place {first_difference(got, wanted)}"


def first_difference(left: list[Any], right: list[Any]) -> int:
    return next(
        (place for place, pair in enumerate(zip(left, right, strict=False)) if pair[0] != pair[1]),
        min(len(left), len(right)),
    )


@pytest.mark.parametrize("place", ["request logs", "dataset"])
def test_filters_and_orders(loaded: Loaded, place: str) -> None:
    if place == "dataset":
        path, page_size = f"/api/datasets/{loaded.whole}/logs/list/", ROWS_PAGE
    else:
        path, page_size = f"/api/request-logs/list/?{loaded.query}", SPANS_PAGE
    combinations = all_combinations(loaded.words)
    assert len(combinations) >= 30
    failures = []
    for combination in combinations:
        try:
            compare(loaded, path, page_size, combination)
        except AssertionError as error:
            failures.append(str(error).splitlines()[0])
    compared[f"{loaded.name}, {place}"] = len(combinations) - len(failures)
    print(f"{loaded.name}, {place}: {len(combinations) - len(failures)} of {len(combinations)} combinations equal")
    assert not failures, "\n".join(failures)


def test_dataset_of_everything_has_every_row_once(loaded: Loaded) -> None:
    found = loaded.api.wait_dataset(loaded.whole)
    assert (found["status"], found["log_count"]) == ("ready", len(loaded.records))
    loaded.api.expect(200, "POST", f"/api/datasets/{loaded.whole}/logs/import/", loaded.window)
    assert loaded.api.wait_dataset(loaded.whole)["log_count"] == len(loaded.records), "a second import added rows"


def test_sampled_dataset(loaded: Loaded) -> None:
    v = loaded.words
    filters = {
        "status_code": {"operator": "eq", "value": 200},
        "model": {"operator": "in", "value": v.two_models},
        "metadata__tier": {"operator": "", "value": [v.tier]},
    }
    matching = {
        log["unique_id"]
        for log in loaded.records
        if log["status_code"] == 200 and log["model"] in v.two_models and log["metadata"].get("tier") == v.tier
    }
    assert len(matching) >= 5, "the data gives the sampling nothing to do"
    size = round(len(matching) * 0.4)
    api = loaded.api
    key = api.create_dataset("sampled", sampling=40, initial_log_filters=filters, **loaded.window)
    rows = api.rows(key)
    ids = {row["unique_id"] for row in rows}
    print(f"{loaded.name}: {len(matching)} match, 40 % are {size}, the dataset has {len(rows)}")
    assert len(rows) == size == api.wait_dataset(key)["log_count"]
    assert ids <= matching, "a row does not match, or has lost its id"
    assert all(row["status_code"] == 200 and row["model"] in v.two_models for row in rows)

    again = {**loaded.window, "filters": filters, "sampling_percentage": 40}
    api.expect(200, "POST", f"/api/datasets/{key}/logs/import/", again)
    assert api.wait_dataset(key)["log_count"] == size, "the same choice again is no new rows"
    api.expect(200, "DELETE", f"/api/datasets/{key}/logs/import/", {"is_deleting_all_logs": True})
    api.wait_jobs()
    assert api.rows(key) == []
    api.expect(200, "POST", f"/api/datasets/{key}/logs/import/", again)
    api.wait_dataset(key)
    assert {row["unique_id"] for row in api.rows(key)} == ids, "an emptied dataset gets the same sample again"


SUMMED = {"number_of_requests", "total_tokens", "total_prompt_tokens", "total_completion_tokens"}


def test_summaries(loaded: Loaded) -> None:
    chosen = [c for c in all_combinations(loaded.words) if c.name in {
        "everything", "range by array", "isnull false", "metadata flag", "icontains in the answer", "A AND (B OR C)", "no such rows",
    }]  # fmt: skip
    assert len(chosen) == 7
    for combination in chosen:
        wanted = summary(combination.expected(loaded.records))
        for path in (f"/api/datasets/{loaded.whole}/logs/summary/", f"/api/request-logs/summary/?{loaded.query}"):
            got = loaded.api.expect(200, "POST", path, {"filters": combination.filters})
            for name, value in wanted.items():
                close = got[name] == value if name in SUMMED else got[name] == pytest.approx(value, rel=1e-9, abs=1e-12)
                assert close, f"{combination.name}: {name} is {got[name]}, calculated {value} ({path})"


def exported(loaded: Loaded) -> tuple[list[Record], list[dict[str, str]]]:
    """The dataset of everything as JSONL and as CSV, both in the same order."""
    path = loaded.whole
    status, file = loaded.api.export(path, ".jsonl", name=f"{loaded.name}.jsonl")
    lines = [json.loads(line) for line in file.decode("utf-8").split("\n") if line]
    assert status["row_count"] == len(lines) == len(loaded.records)
    status, file = loaded.api.export(path, ".csv", name=loaded.name)
    csv.field_size_limit(1 << 28)
    cells = list(csv.DictReader(io.StringIO(file.decode("utf-8"), newline="")))
    assert status["row_count"] == len(cells) == len(loaded.records)
    return lines, cells


def test_export_is_what_was_sent_and_comes_back(loaded: Loaded) -> None:
    lines, cells = exported(loaded)
    newest_first = sorted(loaded.records, key=lambda log: log["unique_id"])
    newest_first.sort(key=lambda log: log["at"], reverse=True)
    assert [line["unique_id"] for line in lines] == [log["unique_id"] for log in newest_first], "order of the export"
    for line, log in zip(lines, newest_first, strict=True):
        same_as_sent(line, log)
    for line, row in zip(lines, cells, strict=True):
        same_cells(line, row)

    key = loaded.api.create_dataset("back again")
    for begin in range(0, len(lines), BULK):
        part = lines[begin : begin + BULK]
        answer = loaded.api.expect(201, "POST", f"/api/datasets/{key}/logs/bulk/", {"logs": part})
        assert (answer["success_count"], answer["errors"]) == (len(part), [])
    _, file = loaded.api.export(key, ".jsonl")
    back = [json.loads(line) for line in file.decode("utf-8").split("\n") if line]
    assert len(back) == len(lines)
    by_name = {line["custom_identifier"]: line for line in back}
    for line in lines:
        theirs = by_name[line["custom_identifier"]]
        different = {
            name: (line[name], theirs.get(name)) for name in line if name not in OWN and line[name] != theirs.get(name)
        }
        assert not different and not set(theirs) - set(line), f"{line['custom_identifier']}: {str(different)[:600]}"


def same_as_sent(line: Record, log: Record) -> None:
    """A detail row of the export against the log in the file and the derived fields."""
    wanted = {
        name: log[name]
        for name in (
            "unique_id", "custom_identifier", "model", "log_type", "input", "output", "status_code", "prompt_tokens",
            "completion_tokens", "cost", "latency", "time_to_first_token", "metadata", "error_message", "customer_identifier",
            "status", "total_request_tokens", "environment", "prompt", "completion",
        )
    }  # fmt: skip
    wanted["timestamp"], wanted["start_time"] = instant(log["at"]), instant(log["start"])
    different = {name: (line.get(name), value) for name, value in wanted.items() if line.get(name) != value}
    assert not different, f"{log['custom_identifier']}: stored and sent differ: {str(different)[:600]}"
    assert line["tokens_per_second"] == pytest.approx(log["tokens_per_second"])


def same_cells(line: Record, row: dict[str, str]) -> None:
    """A CSV row against the JSONL line of the same row."""
    for name, value in line.items():
        if name not in row:
            scalar = value is not None and not isinstance(value, (dict, list))
            assert not scalar and name not in STRUCTURES, f"no column for {name}"
            continue
        cell = row[name]
        if name == "annotation_completed_by" and isinstance(value, dict):
            value = value["email"]
        assert not cell.startswith(("=", "+", "-", "@")) or is_number(cell), (
            f"{name} would run in a spreadsheet: {cell[:40]!r}"
        )
        assert cell_equals(cell, value), (
            f"{line['custom_identifier']}: cell {name} is {cell[:200]!r}, the row has {value!r}"
        )


def is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def cell_equals(cell: str, value: Any) -> bool:
    """Scalars as is, structures as JSON text, null as nothing; a guarded cell has one character in front."""
    if value is None:
        return cell == ""
    if isinstance(value, bool):
        return cell.lower() == str(value).lower()
    if isinstance(value, (int, float)):
        return is_number(cell) and float(cell) == float(value)
    if isinstance(value, str):
        guarded = cell[:1] in ("'", "\t") and cell[1:] == value
        return cell == value or guarded or json_text(cell) == value
    return bool(json_text(cell) == value)


def json_text(cell: str) -> Any:
    """What a cell holds as JSON, or something equal to nothing."""
    try:
        return json.loads(cell)
    except ValueError:
        return object()
