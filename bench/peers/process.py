"""A server under measurement as a process group: started, watched through /proc, stopped.

Knows processes and files; nothing of what a server does. A peer may run several processes (workers, job runners): all that
descend from the one that was started count, and all are stopped.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from pathlib import Path

STOP_SECONDS = 20.0


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def folder_bytes(folder: Path) -> int:
    """Bytes of all files under `folder`; files that vanish meanwhile count as nothing."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(place, name)).st_size
            except FileNotFoundError:
                continue
    return total


class Process:
    """A command in a session of its own, with its output in a file."""

    def __init__(self, command: list[str], log: Path, environment: dict[str, str]) -> None:
        self.log = log
        with open(log, "ab") as output:
            self.child = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=environment,
                cwd=log.parent,
                start_new_session=True,
            )

    def alive(self) -> bool:
        """Whether the started process runs."""
        return self.child.poll() is None

    def last_words(self, characters: int = 3000) -> str:
        """The end of its output."""
        return self.log.read_text(errors="replace")[-characters:]

    def family(self) -> list[int]:
        """Process ids of the session's members."""
        found = []
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            if int(fields[3]) == self.child.pid and fields[0] != "Z":
                found.append(int(entry.name))
        return found

    def memory_bytes(self) -> int:
        """Sum of the members' VmRSS. Pages that members share count once for each of them."""
        total = 0
        for member in self.family():
            try:
                status = Path(f"/proc/{member}/status").read_text()
            except (FileNotFoundError, ProcessLookupError):
                continue
            total += sum(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmRSS:"))
        return total

    def stop(self) -> None:
        """SIGTERM to all members, SIGKILL to those that do not leave."""
        for sign in (signal.SIGTERM, signal.SIGKILL):
            for member in self.family():
                try:
                    os.kill(member, sign)
                except ProcessLookupError:
                    continue
            deadline = time.monotonic() + STOP_SECONDS
            while time.monotonic() < deadline:
                self.child.poll()
                if not self.family():
                    return
                time.sleep(0.05)
