"""A short run of `run.py`; the long one is run by hand.

Knows the script's arguments and its summary line.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from harness.server import default_binary

SCRIPT = Path(__file__).with_name("run.py")


def test_five_hundred_generated_requests() -> None:
    command = [
        sys.executable,
        str(SCRIPT),
        "--requests",
        "500",
        "--seed",
        "20251101",
        "--binary",
        str(default_binary()),
    ]
    result = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False)
    print("\n".join(line for line in result.stdout.splitlines() if line.startswith("schemathesis:")))
    assert result.returncode == 0, f"{result.stdout[-6000:]}\n{result.stderr[-3000:]}"
