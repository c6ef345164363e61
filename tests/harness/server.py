"""The program under test as a process: start on a free port, wait until it answers, stop or kill it.

Knows the command line (`serve`, `key`) and `/healthz`. Does not know the API: see `api.py`.
"""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import time
from pathlib import Path

import httpx

REPOSITORY = Path(__file__).resolve().parents[2]
START_SECONDS = 60.0
STOP_SECONDS = 20.0


def default_binary() -> Path:
    """`EVALSET_BIN`, else the debug build in cargo's target folder."""
    named = os.environ.get("EVALSET_BIN")
    if named:
        path = Path(named)
        return path if path.is_absolute() else (REPOSITORY / path)
    target = Path(os.environ.get("CARGO_TARGET_DIR", "target"))
    return REPOSITORY / target / "debug" / "evalset"


def new_key() -> str:
    """A key of the documented shape: 8 characters, a dot, 32 or more."""
    return f"{secrets.token_hex(4)}.{secrets.token_hex(24)}"


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """One server process over one data folder. `start` may be called again after `stop` or `kill`."""

    def __init__(self, folder: Path, binary: Path | None = None, env: dict[str, str] | None = None) -> None:
        self.binary = binary or default_binary()
        self.data = folder / "data"
        self.log = folder / "server.log"
        self.key = new_key()
        self.extra_env = dict(env or {})
        self.process: subprocess.Popen[bytes] | None = None
        self.url = ""
        folder.mkdir(parents=True, exist_ok=True)
        if not self.binary.is_file():
            raise FileNotFoundError(f"no server binary at {self.binary}: run `cargo build` or set EVALSET_BIN")

    def environment(self) -> dict[str, str]:
        """Ours only: settings of whoever runs the tests must not leak into the server."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("EVALSET_", "RESPAN_"))}
        return {**kept, **self.extra_env, "EVALSET_API_KEY": self.key}

    def start(self) -> Server:
        """Starts and waits for `/healthz`. Tries another port when the first was taken in between."""
        for attempt in range(3):
            port = free_port()
            self.url = f"http://127.0.0.1:{port}"
            with open(self.log, "ab") as log:
                self.process = subprocess.Popen(
                    [str(self.binary), "serve", "--data", str(self.data), "--listen", f"127.0.0.1:{port}"],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    env=self.environment(),
                )
            if self._wait_healthy():
                return self
            if attempt == 2 or "in use" not in self.log_tail():
                break
        raise RuntimeError(f"the server did not start; its log ends:\n{self.log_tail()}")

    def _wait_healthy(self) -> bool:
        """True once `/healthz` is 200; false when the process ended first."""
        assert self.process is not None
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                return False
            if self.healthy():
                return True
            time.sleep(0.02)
        self.kill()
        raise RuntimeError(f"no 200 from /healthz within {START_SECONDS} s; log:\n{self.log_tail()}")

    def healthy(self) -> bool:
        """Whether `/healthz` answers 200 now."""
        try:
            return httpx.get(f"{self.url}/healthz", timeout=5.0, trust_env=False).status_code == 200
        except httpx.HTTPError:
            return False

    def alive(self) -> bool:
        """Whether the process runs."""
        return self.process is not None and self.process.poll() is None

    def stop(self) -> int:
        """SIGTERM and wait; the exit status. A process that does not end in time is killed and reported."""
        if self.process is None:
            return 0
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.kill()
                raise RuntimeError(f"no exit within {STOP_SECONDS} s of SIGTERM; log:\n{self.log_tail()}") from None
        status = int(self.process.returncode)
        self.process = None
        return status

    def kill(self) -> None:
        """SIGKILL: no chance to flush anything."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def log_tail(self, characters: int = 4000) -> str:
        """The end of what the process printed."""
        try:
            return self.log.read_text(errors="replace")[-characters:]
        except FileNotFoundError:
            return "(no log)"

    def command(self, *arguments: str) -> str:
        """Runs another command of the program, such as `key create`, and returns what it prints."""
        result = subprocess.run(
            [str(self.binary), *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            env=self.environment(),
            check=False,
        )
        if result.returncode != 0:
            raise RuntimeError(f"`evalset {' '.join(arguments)}` ended with {result.returncode}: {result.stderr}")
        return result.stdout

    def create_key(self, organization: str, name: str = "second", environment: str | None = None) -> str:
        """A further key, of the organization with that name (made when new), while the server runs."""
        extra = ["--environment", environment] if environment else []
        output = self.command(
            "key", "create", "--data", str(self.data), "--organization", organization, "--name", name, *extra
        )
        return output.strip().splitlines()[-1].strip()

    def revoke_key(self, key: str) -> None:
        """Ends a key, while the server runs."""
        self.command("key", "revoke", "--data", str(self.data), key.split(".", 1)[0])
