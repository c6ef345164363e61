"""Fixtures of every suite: servers over their own temporary folders, stopped when the session ends.

Knows how to start the program. What each suite does with it is in the suite's own folder.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest

# The published client reads this at import and would let it win over what a test passes.
os.environ.pop("RESPAN_API_KEY", None)

from harness.api import Api  # noqa: E402
from harness.server import Server  # noqa: E402


@pytest.fixture(scope="session")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Server]]:
    """Starts a server of its own: `serve("name", EVALSET_LIMITS__PARITY="true")`."""
    started: list[Server] = []

    def start(name: str, **env: str) -> Server:
        server = Server(tmp_path_factory.mktemp(name), env=env)
        started.append(server)
        return server.start()

    yield start
    failures = []
    for server in started:
        was_alive = server.alive()
        try:
            status = server.stop()
        except RuntimeError as error:
            failures.append(str(error))
            continue
        if was_alive and status != 0:
            failures.append(f"exit status {status} after SIGTERM; log:\n{server.log_tail()}")
    assert not failures, "\n".join(failures)


@pytest.fixture(scope="module")
def server(serve: Callable[..., Server], request: pytest.FixtureRequest) -> Server:
    """A fresh server for the test file."""
    return serve(request.module.__name__.rsplit(".", 1)[-1])


@pytest.fixture(scope="module")
def api(server: Server) -> Api:
    """Raw calls with the first organization's key."""
    return Api(server.url, server.key)
