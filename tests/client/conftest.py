"""Fixtures of the client suite: the published client against a running server, and the count of checks.

Knows how each release of `respan-api` is constructed; does not know what any method does.
"""

from __future__ import annotations

from typing import Any

import pytest
import respan
from client.checks import CHECKS, Checks
from harness.server import Server


@pytest.fixture(scope="session")
def check() -> Checks:
    """The counter of the session."""
    return CHECKS


@pytest.fixture(scope="module")
def client(server: Server) -> Any:
    """`respan-api` as published, pointed at the server and nothing else changed."""
    return respan.RespanClient(base_url=server.url, authorization="", respan_api_key=server.key)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Prints the total."""
    if CHECKS.made:
        failed = f", {len(CHECKS.failed)} failed: {'; '.join(CHECKS.failed)}" if CHECKS.failed else ", all hold"
        terminalreporter.write_line(f"client checks: {CHECKS.made}{failed}")
