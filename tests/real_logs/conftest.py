"""Prints how many filter and sort combinations were equal."""

from __future__ import annotations

import sys
from typing import Any


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """One line for each set of logs and place."""
    for name, module in list(sys.modules.items()):
        if name.endswith("test_real_logs"):
            for place, equal in getattr(module, "compared", {}).items():
                terminalreporter.write_line(f"filter and sort combinations equal to the calculation: {equal} ({place})")
