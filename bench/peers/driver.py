"""What a driver is: install a system, start it, write rows, and ask it the questions that all systems are asked.

A driver says only *how* its system is asked; what is asked, how often, and whether the answer is right is in `measure`.
An operation that a system cannot do is left as it is here: it answers `None` and is reported as a dash.
"""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import time
import venv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from process import Process, folder_bytes, free_port

CACHE = Path(os.environ.get("EVALSET_PEERS", Path.home() / ".cache" / "evalset" / "peers"))
START_SECONDS = 240.0
REPLY_SECONDS = 600.0
PAGE_ROWS = 50
Row = dict[str, Any]


class Failed(Exception):
    """A system did not do what it was asked."""


@dataclass(frozen=True)
class Answer:
    """What an operation gave: rows that came back, and how many match in all where the system says so."""

    rows: int
    total: int | None


class Http:
    """One keep-alive connection. Replies outside 2xx raise."""

    def __init__(self, port: int, headers: dict[str, str] | None = None) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=REPLY_SECONDS)
        self.headers = dict(headers or {})

    def within(self, seconds: float) -> None:
        """From now on a reply that takes longer raises TimeoutError."""
        self.connection.timeout = seconds
        if self.connection.sock:
            self.connection.sock.settimeout(seconds)

    def send(self, method: str, path: str, body: bytes | None = None, kind: str = "application/json") -> bytes:
        """Sends and reads the whole reply."""
        headers = dict(self.headers)
        if body is not None:
            headers["content-type"] = kind
        try:
            self.connection.request(method, path, body, headers)
            reply = self.connection.getresponse()
            data = reply.read()
        except (http.client.HTTPException, OSError):
            self.connection.close()
            raise
        if not 200 <= reply.status < 300:
            raise Failed(f"{method} {path} -> {reply.status}: {data[:600].decode(errors='replace')}")
        return data

    def json(self, method: str, path: str, body: Any = None) -> Any:
        """Sends JSON and parses the reply."""
        return json.loads(self.send(method, path, None if body is None else json.dumps(body).encode()) or b"null")


class Driver:
    """One system. Subclasses name its package and say how it is asked."""

    name = ""
    #: Distribution on PyPI; empty for one that is not installed from there.
    package = ""
    #: Rows of a bulk call: what its documentation or client uses, or what was fastest.
    batch = 500
    #: What a reader should know of how it was run.
    note = ""
    #: Starts the server again as it was started.
    relaunch: Callable[[], Http]
    #: The connection, once started.
    http: Http
    #: The route that says it is up.
    ready: str

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.process: Process | None = None

    # Installing and starting

    @classmethod
    def home(cls) -> Path:
        """The system's own environment."""
        return CACHE / cls.package.removeprefix("arize-")

    @classmethod
    def install(cls) -> None:
        """Makes the environment if it is not there."""
        done = cls.home() / "installed"
        if not cls.package or done.exists():
            return
        print(f"installing {cls.package} into {cls.home()}", file=sys.stderr, flush=True)
        venv.create(cls.home(), with_pip=True)
        python = str(cls.home() / "bin" / "python")
        subprocess.run(
            [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", cls.package], check=True
        )
        done.touch()

    def version(self) -> str:
        """Name and version of what is measured."""
        ask = f"import importlib.metadata as m; print(m.version('{self.package}'))"
        python = str(self.home() / "bin" / "python")
        return f"{self.package} {subprocess.run([python, '-c', ask], capture_output=True, text=True, check=True).stdout.strip()}"

    def start(self) -> None:
        """Starts the server over an empty folder and waits until it answers."""
        raise NotImplementedError

    def launch(
        self, command: list[str], port: int, ready: str, env: dict[str, str], headers: dict[str, str] | None = None
    ) -> Http:
        """Starts a command and waits until `GET ready` is 2xx."""
        self.relaunch = lambda: self.launch(command, port, ready, env, headers)
        self.ready = ready
        log = self.folder / "server.log"
        self.process = Process(command, log, {**os.environ, **env})
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                http_client = Http(port, headers)
                http_client.send("GET", ready)
                return http_client
            except (OSError, http.client.HTTPException, Failed) as error:
                if not self.process.alive() or time.monotonic() > deadline:
                    raise Failed(f"{self.name} did not start ({error}):\n{self.process.last_words()}") from None
                time.sleep(0.1)

    def stop(self) -> None:
        """Stops the server."""
        if self.process is not None:
            self.process.stop()
            self.process = None

    def restart(self) -> None:
        """Ends what the server still works at, and starts it again over the same data."""
        self.stop()
        headers = self.http.headers
        self.http = self.relaunch()
        self.http.headers = headers

    def disk_bytes(self) -> int:
        """What the rows take on disk."""
        return folder_bytes(self.folder)

    # Writing

    def body(self, rows: list[Row]) -> Any:
        """A bulk call with these rows, made before the clock runs."""
        raise NotImplementedError

    def write(self, body: Any) -> None:
        """Sends it; returns once it is acknowledged."""
        raise NotImplementedError

    def settle(self, total: int, patience: float) -> None:
        """Returns once all of `total` rows can be read; its time counts as writing. For systems that write later."""

    def catch_up(self, total: int, patience: float) -> float | None:
        """Waits until what makes answers quicker has all rows; the seconds it took. Only told. None: there is no such thing."""
        return None

    # Reading. `turn` counts up, so that no two requests in a row need be the same.

    def nothing(self, turn: int) -> Answer | None:
        """Whether it is up: what a request costs that asks for no data, the client's part included."""
        self.http.send("GET", self.ready)
        return Answer(0, None)

    def page(self, turn: int) -> Answer | None:
        """50 rows with all that was written, newest first, and how many there are."""
        return None

    def filtered(self, model: str, turn: int) -> Answer | None:
        """50 such rows of a model and of status 200, by falling latency, and how many there are."""
        return None

    def row(self, turn: int) -> Answer | None:
        """One full row by its id."""
        return None

    def search(self, text: str, turn: int) -> Answer | None:
        """50 such rows with `text` in their input or output, newest first, and how many there are."""
        return None

    def summary(self, turn: int) -> Answer | None:
        """Sums over all rows: at least how many and how many tokens."""
        return None

    def export(self, turn: int) -> Answer | None:
        """All rows, in full, as bytes at the client."""
        return None


def port() -> int:
    """A port for a server."""
    return free_port()


def prompt_text(row: Row) -> str:
    """The messages of a row's input as one text, for systems without messages."""
    return "\n\n".join(message["content"] for message in row["input"])


def lines(data: bytes) -> int:
    """Lines of a JSONL file."""
    return data.count(b"\n") + (1 if data and not data.endswith(b"\n") else 0)
