"""Three kills of `kill_runs.py` over a few hundred rows; twenty over the real logs are run by hand.

Knows the script's arguments and its summary line.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from harness.server import default_binary

SCRIPT = Path(__file__).with_name("kill_runs.py")


def test_three_kills_leave_every_row_scored_once() -> None:
    command = [sys.executable, str(SCRIPT), "--kills", "3", "--rows", "900", "--seed", "20251101", "--binary"]
    result = subprocess.run([*command, str(default_binary())], capture_output=True, text=True, timeout=900, check=False)
    print(result.stdout.strip())
    assert result.returncode == 0, f"{result.stdout}\n{result.stderr}"
    assert "each there once and right" in result.stdout
