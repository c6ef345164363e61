"""Rows of many megabytes: stored, listed, read and exported while the server's memory stays near that of a few rows.

Memory is VmHWM of the process, reset before each step through /proc/PID/clear_refs. Does not know how rows are read.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness.api import Api
from harness.server import Server

ROWS = 30
TEXT = "größer 🦀 " * 1_000_000
ROW_MB = len(TEXT.encode()) / 1e6
"""Each row of the list is this large in the store, and about twice that as it is sent: `prompt` repeats `input`."""

FEW_ROWS_MB = 8 * ROW_MB
"""A row in memory is its compressed and its plain text, the text being written, and room to grow."""


class Memory:
    """The peak of a process since the last reset, in MB."""

    def __init__(self, pid: int) -> None:
        self.folder = Path(f"/proc/{pid}")

    def reset(self) -> float:
        (self.folder / "clear_refs").write_text("5")
        return self.peak()

    def peak(self) -> float:
        lines = (self.folder / "status").read_text().splitlines()
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


@pytest.fixture(scope="module")
def large(server: Server, api: Api) -> Iterator[tuple[str, list[str]]]:
    dataset = api.create_dataset("large rows")
    api.http.timeout = 300
    ids = [api.create_row(dataset, input=TEXT, output=f"answer {number}") for number in range(ROWS)]
    yield dataset, ids
    api.expect(204, "DELETE", f"/api/datasets/{dataset}/")


def memory_of(server: Server) -> Memory:
    assert server.process is not None
    return Memory(server.process.pid)


def test_a_preview_of_large_rows_takes_the_memory_of_a_few(
    server: Server, api: Api, large: tuple[str, list[str]]
) -> None:
    dataset, ids = large
    memory = memory_of(server)
    before = memory.reset()
    page = api.expect(200, "GET", f"/api/datasets/{dataset}/logs/list/?page_size=100&preview=50")
    grown = memory.peak() - before
    assert page["count"] == ROWS and sorted(row["unique_id"] for row in page["results"]) == sorted(ids)
    size = len(json.dumps(TEXT, ensure_ascii=False).encode())
    for row in page["results"]:
        assert row["input"] == TEXT[:50] and row["prompt"] == TEXT[:50]
        assert row["truncated_fields"] == [{"field": "prompt", "bytes": size}, {"field": "input", "bytes": size}]
    print(f"preview of {ROWS} rows of {ROW_MB:.0f} MB: peak +{grown:.0f} MB")
    assert grown < FEW_ROWS_MB


def test_a_page_of_large_rows_is_refused_before_memory_is_full_of_them(
    server: Server, api: Api, large: tuple[str, list[str]]
) -> None:
    dataset, _ = large
    memory = memory_of(server)
    before = memory.reset()
    refused = api.expect(413, "GET", f"/api/datasets/{dataset}/logs/list/?page_size=100")
    grown = memory.peak() - before
    assert all(word in refused["detail"] for word in ("limits.page_bytes", "page_size", "include_fields", "preview"))
    print(f"refused page: peak +{grown:.0f} MB")
    assert grown < 64 * 2.5 + FEW_ROWS_MB, "the bound, with room to grow, and a few rows"
    some = api.expect(200, "GET", f"/api/datasets/{dataset}/logs/list/?page_size=100&include_fields=completion,cost")
    assert all(set(row) == {"id", "unique_id", "completion", "cost"} for row in some["results"])


def test_a_large_row_alone_is_whole(api: Api, large: tuple[str, list[str]]) -> None:
    dataset, ids = large
    row = api.expect(200, "GET", f"/api/datasets/{dataset}/logs/{ids[0]}/?preview=50")
    assert row["input"] == TEXT and "truncated_fields" not in row
    page = api.expect(200, "GET", f"/api/datasets/{dataset}/logs/list/?page_size=1")
    assert page["results"][0]["input"] == TEXT


@pytest.mark.parametrize("form", [".jsonl", ".csv"])
def test_an_export_of_large_rows_takes_the_memory_of_a_few(
    server: Server, api: Api, large: tuple[str, list[str]], form: str
) -> None:
    dataset, _ = large
    memory = memory_of(server)
    before = memory.reset()
    digest, length, lines = hashlib.sha256(), 0, 0
    path = f"/api/datasets/{dataset}/logs/export/?export_format={form}&include_fields=input"
    with api.http.stream("GET", path) as answer:
        assert answer.status_code == 200
        for piece in answer.iter_bytes():
            digest.update(piece)
            length += len(piece)
            lines += piece.count(b"\n")
    grown = memory.peak() - before
    print(f"export {form} of {length / 1e6:.0f} MB: peak +{grown:.0f} MB")
    assert lines == ROWS + (form == ".csv") and length > ROWS * ROW_MB * 1e6
    assert grown < 2 * FEW_ROWS_MB, "two pieces are under way at once"
