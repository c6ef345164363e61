"""Five rounds of `kill.py`; the hundred are run by hand.

Knows the script's arguments and its summary line.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from harness.server import default_binary

SCRIPT = Path(__file__).with_name("kill.py")


def test_five_kills_lose_nothing() -> None:
    command = [sys.executable, str(SCRIPT), "--rounds", "5", "--seed", "20251101", "--binary", str(default_binary())]
    result = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    print(result.stdout.strip())
    assert result.returncode == 0, f"{result.stdout}\n{result.stderr}"
    assert "0 lost" in result.stdout
