"""Checklist item 2: one server answers 0.1.12, 0.1.25, 0.1.36 and 0.1.47 (the rest of this folder) alike.

Runs `old_client.py` once per older release, each in its own process, all against the same server. Knows where
`make_venv.py` puts the releases.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from client.checks import Checks
from harness.server import REPOSITORY, Server

SCENARIO = Path(__file__).with_name("old_client.py")
CLIENTS = REPOSITORY / ".venv" / "clients"


@pytest.mark.parametrize("version", ["0.1.12", "0.1.25", "0.1.36"])
def test_older_release(server: Server, check: Checks, version: str) -> None:
    folder = Path(os.environ.get("EVALSET_OLD_CLIENTS", CLIENTS)) / version
    assert (folder / "respan").is_dir(), f"{folder} is missing: run `python3 tests/make_venv.py`"
    result = subprocess.run(
        [sys.executable, str(SCENARIO), str(folder), version, server.url, server.key],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    lines = [json.loads(line) for line in result.stdout.splitlines() if line.startswith("{")]
    for line in lines:
        check(line["name"], line["holds"], line["seen"])
    check(f"{version} runs to its end", result.returncode == 0, result.stderr[-1500:])
    check(f"{version} checked something", len(lines) > 30, len(lines))
