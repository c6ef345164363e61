"""Counted checks, so that the suite can print how many promises of the contract it looked at.

Knows nothing of the client or the server.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


class Checks:
    """Counts every check; a false one fails the test at once with its name."""

    def __init__(self) -> None:
        self.made = 0
        self.failed: list[str] = []

    def __call__(self, name: str, holds: Any, seen: Any = "") -> None:
        """Counts the check `name`; `seen` is shown when it does not hold."""
        self.made += 1
        if not holds:
            self.failed.append(name)
            shown = repr(seen)
            raise AssertionError(f"{name}: {shown if len(shown) <= 1500 else shown[:1500] + '…'}")

    def equal(self, name: str, got: Any, wanted: Any) -> None:
        """Counts that two values are equal."""
        self(name, got == wanted, {"got": got, "wanted": wanted})

    def returns(self, name: str, call: Callable[[], T]) -> T:
        """Counts that a call returns without an exception; gives what it returned."""
        self.made += 1
        try:
            return call()
        except Exception as error:
            self.failed.append(name)
            raise AssertionError(f"{name}: raised {type(error).__name__}: {error}") from error

    def raises(self, name: str, kind: type[Exception], call: Callable[[], Any]) -> Any:
        """Counts that a call raises exactly this kind; gives the exception."""
        self.made += 1
        try:
            returned = call()
        except kind as error:
            return error
        except Exception as error:
            self.failed.append(name)
            raise AssertionError(f"{name}: raised {type(error).__name__}: {error}") from error
        self.failed.append(name)
        raise AssertionError(f"{name}: returned {returned!r} instead of raising {kind.__name__}")


CHECKS = Checks()
