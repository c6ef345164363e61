"""What must be there after a kill, from the journal of what was acknowledged.

One request at a time is under way per worker, so of each worker at most one operation is in doubt. Knows the meaning of
the operations; nothing of HTTP or processes.
"""

from __future__ import annotations

from dataclasses import dataclass, field


class Lost(Exception):
    """The server does not hold what it acknowledged, or holds half of something."""


@dataclass
class Row:
    """A row as it should be: its id and the version in its output."""

    id: str
    version: int


@dataclass
class Doubt:
    """An operation without an answer: it happened, or it did not."""

    kind: str
    tags: list[str]
    version: int = 0


@dataclass
class Rows:
    """The rows of one collection that one worker writes, by tag."""

    present: dict[str, Row] = field(default_factory=dict)
    doubts: list[Doubt] = field(default_factory=list)
    batches: dict[str, int] = field(default_factory=dict)

    def settle(self, name: str, observed: dict[str, Row]) -> int:
        """Compares with what the server shows and takes it over; the number of facts looked at."""
        new: set[str] = set()
        deleted: set[str] = set()
        versions: dict[str, set[int]] = {tag: {row.version} for tag, row in self.present.items()}
        for doubt in self.doubts:
            if doubt.kind == "delete":
                deleted.update(doubt.tags)
            elif doubt.kind == "patch":
                versions[doubt.tags[0]].add(doubt.version)
            else:
                there = [tag for tag in doubt.tags if tag in observed]
                if there and len(there) != len(doubt.tags):
                    raise Lost(f"{name}: half a bulk is visible: {len(there)} of {len(doubt.tags)} ({doubt.tags[0]} …)")
                new.update(there)
                versions.update({tag: {0} for tag in there})
        for tag, row in self.present.items():
            if tag not in observed and tag not in deleted:
                raise Lost(f"{name}: acknowledged row {tag} ({row.id}) is gone")
            if tag in observed and observed[tag].id != row.id:
                raise Lost(f"{name}: row {tag} has id {observed[tag].id}, acknowledged as {row.id}")
        for tag, row in observed.items():
            if tag not in self.present and tag not in new:
                raise Lost(f"{name}: row {tag} ({row.id}) is there but was deleted or never sent")
            if row.version not in versions[tag]:
                raise Lost(f"{name}: row {tag} is at version {row.version}, may be {sorted(versions[tag])}")
        facts = len(observed) + len(self.present) + sum(len(doubt.tags) for doubt in self.doubts)
        self.present = dict(observed)
        self.doubts = []
        return facts


@dataclass
class Filled:
    """A dataset that jobs write: the numbers of rows it may end with."""

    name: str
    allowed: set[int]
    id: str | None = None
    may_be_absent: bool = False
    may_be_present: bool = True
    parts: int = 0
    removed: bool = False

    def settle(self, found: dict[str, object] | None) -> bool:
        """Compares with the dataset object or its absence; whether it exists."""
        if found is None:
            if not self.may_be_absent:
                raise Lost(f"acknowledged dataset {self.name} is gone")
            return False
        if not self.may_be_present:
            raise Lost(f"deleted dataset {self.name} is there again")
        if found["status"] != "ready":
            raise Lost(f"dataset {self.name} ended {found['status']}")
        if found["log_count"] not in self.allowed:
            raise Lost(f"dataset {self.name} has {found['log_count']} rows, may have {sorted(self.allowed)}")
        self.id = str(found["id"])
        self.allowed = {int(str(found["log_count"]))}
        self.may_be_absent = False
        return True
