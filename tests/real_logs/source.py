"""The logs to test on: the real file, or the small sample that the repository carries.

Reads files and gives each log a fixed `unique_id`, so that ties in an order can be predicted. Knows nothing of the server.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
from pathlib import Path
from typing import Any

import zstandard

TESTS = Path(__file__).resolve().parents[1]
REPOSITORY = TESTS.parent
SAMPLE = TESTS / "sample_logs.jsonl"


def real_path() -> Path:
    """Where the real logs are looked for: `EVALSET_LOGS`, else beside the repository."""
    named = os.environ.get("EVALSET_LOGS", "../shared/data/alpaca_logs.jsonl.zst")
    return REPOSITORY / named


def read(path: Path) -> list[dict[str, Any]]:
    """The logs of a `.jsonl` or `.jsonl.zst` file, each with a `unique_id` made from its own identifier."""
    if path.suffix == ".zst":
        with open(path, "rb") as packed:
            text = io.TextIOWrapper(zstandard.ZstdDecompressor().stream_reader(packed), encoding="utf-8", newline="\n")
            lines = text.read().split("\n")
    else:
        lines = path.read_text(encoding="utf-8").split("\n")
    logs = [json.loads(line) for line in lines if line]
    for log in logs:
        log["unique_id"] = hashlib.sha256(log["custom_identifier"].encode()).hexdigest()[:32]
    assert len({log["unique_id"] for log in logs}) == len(logs), "identifiers repeat"
    return logs
