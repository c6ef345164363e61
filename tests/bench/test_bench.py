"""The benchmark itself, in its shortest form: its checks pass, and what it writes can be read. Figures are not looked at.

Peers are not installed here: their drivers share all but the questions with evalset's own, which is run.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from harness.server import REPOSITORY, default_binary

SECONDS = 180
OPERATIONS = {"bulk", "nothing", "page", "filtered", "row", "search", "summary", "export", "memory", "disk"}


@pytest.fixture(scope="module")
def harness() -> Path:
    """The load generator, built beside the server."""
    path = default_binary().resolve().parent / "evalset-bench"
    assert path.is_file(), f"no {path}: cargo build -p evalset-bench"
    return path


def run(*command: str | Path) -> str:
    """Runs from the repository with the binary under test; its output."""
    environment = {**os.environ, "EVALSET_BIN": str(default_binary().resolve())}
    done = subprocess.run(
        [str(part) for part in command],
        cwd=REPOSITORY,
        env=environment,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, f"{command} ended with {done.returncode}:\n{done.stderr[-3000:]}"
    return done.stdout


def lines(file: Path) -> list[dict[str, object]]:
    """A file of JSON lines."""
    return [json.loads(line) for line in file.read_text().splitlines()]


def test_answers_are_checked_at_every_size(harness: Path, tmp_path: Path) -> None:
    results = tmp_path / "scale.jsonl"
    only = "page.plain,page.score,page.deep_sort,search,summary,row,export,import"
    command = [harness, "--binary", default_binary().resolve(), "--quick", "--scale", "500,2k", "--only", only]
    report = run(*command, "--results", results)
    assert report.count("checked after filling") == 2
    found = {(line["rows"], line["scenario"]) for line in lines(results)}
    for scenario in (
        "bulk.4",
        "page.score",
        "search.word",
        "search.substring",
        "row.get",
        "export.csv",
        "import",
        "score",
    ):
        assert {(500, scenario), (2000, scenario)} <= found, scenario


def test_rows_are_the_same_whatever_their_number(harness: Path) -> None:
    few, more = (run(harness, "rows", "--rows", count, "--seed", "7").splitlines() for count in ("3", "5"))
    assert len(few) == 3 and more[:3] == few
    assert json.loads(more[4])["custom_identifier"] == "log-4"


def test_the_drivers_and_the_figures(harness: Path, tmp_path: Path) -> None:
    results = tmp_path / "results" / "peers.jsonl"
    command = [sys.executable, "bench/peers/run.py", "--only", "evalset", "--scale", "200,1k", "--bench", harness]
    run(*command, "--results", results)
    found = lines(results)
    # Only the larger step has a text index to wait for.
    wanted = {(n, name) for n in (200, 1000) for name in OPERATIONS} | {(1000, "behind")}
    assert {(line["rows"], line["scenario"]) for line in found} == wanted
    assert not [line for line in found if "invalid" in line or "absent" in line]
    run(sys.executable, "bench/figures.py", "--folder", tmp_path)
    text = (tmp_path / "RESULTS.md").read_text()
    assert "**1k rows**" in text and "wrong answer" not in text
    assert (tmp_path / "plots" / "peers-page.svg").read_text().startswith("<svg")


def test_figures_are_held_against_what_was_wanted(tmp_path: Path) -> None:
    about = {"system": "evalset", "date": "today", "command": "evalset-bench --rows 1M", "rows": 1_000_000}
    page = {"scenario": "page.plain", "p50_ms": 2.5, "p99_ms": 20.0, "p50_most_ms": 3.0, "p99_most_ms": 15.0}
    speed = {"scenario": "import", "value": 120_000.0, "unit": "rows/s", "at_least": 100_000.0}
    untold = {"scenario": "disk, loaded", "value": 7.0, "unit": "MB"}
    (tmp_path / "results").mkdir()
    written = "".join(json.dumps({**about, **figure}) + "\n" for figure in (page, speed, untold))
    (tmp_path / "results" / "scale.jsonl").write_text(written)
    run(sys.executable, "bench/figures.py", "--folder", tmp_path)
    wanted = (tmp_path / "RESULTS.md").read_text().partition("## Against the targets")[2].partition("\n## ")[0]
    rows = {row[1].strip(): row[2:4] for row in (line.split("|") for line in wanted.splitlines()) if len(row) > 4}
    assert [cell.strip() for cell in rows["page.plain"]] == ["p50 ≤ 3, p99 ≤ 15 ms", "2.50, 20.0 **missed**"]
    assert [cell.strip() for cell in rows["import"]] == ["≥ 100,000 rows/s", "120,000"]
    assert "disk, loaded" not in rows and "today: `evalset-bench --rows 1M`" in wanted
