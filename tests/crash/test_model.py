"""The judge of the crash test must notice losses: without a server, on made-up observations."""

from __future__ import annotations

from typing import Any

import pytest
from crash.look import by_tag
from crash.model import Doubt, Filled, Lost, Row, Rows


def held() -> Rows:
    """Two acknowledged rows, and in doubt: a bulk of two, a patch of `a`, a deletion of `b`."""
    doubts = [Doubt("bulk", ["x", "y"]), Doubt("patch", ["a"], 4), Doubt("delete", ["b"])]
    return Rows({"a": Row("1", 3), "b": Row("2", 0)}, doubts)


FINE: list[dict[str, Row]] = [
    {"a": Row("1", 3), "b": Row("2", 0)},
    {"a": Row("1", 4)},
    {"a": Row("1", 4), "b": Row("2", 0), "x": Row("7", 0), "y": Row("8", 0)},
]
WRONG: dict[str, dict[str, Row]] = {
    "gone": {"b": Row("2", 0)},
    "half a bulk": {"a": Row("1", 3), "x": Row("7", 0)},
    "there but": {"a": Row("1", 3), "z": Row("9", 0)},
    "at version 2": {"a": Row("1", 2)},
    "at version 5": {"a": Row("1", 5)},
    "has id 5": {"a": Row("5", 3)},
}


@pytest.mark.parametrize("seen", FINE, ids=str)
def test_either_way_of_what_was_in_doubt_is_fine(seen: dict[str, Row]) -> None:
    rows = held()
    assert rows.settle("rows", seen) > 0
    assert (rows.present, rows.doubts) == (seen, [])


@pytest.mark.parametrize("words", WRONG)
def test_losses_are_noticed(words: str) -> None:
    with pytest.raises(Lost, match=words):
        held().settle("rows", WRONG[words])


def test_a_write_done_twice_is_noticed() -> None:
    twice: list[dict[str, Any]] = [{"unique_id": key, "output": "version 0", "metadata": {"tag": "t"}} for key in "ab"]
    with pytest.raises(Lost, match="twice"):
        by_tag(twice)


def test_datasets_filled_by_jobs() -> None:
    ready = {"id": "d", "status": "ready", "log_count": 5}
    assert Filled("n", {0, 5}).settle(ready)
    assert not Filled("n", {5}, may_be_absent=True).settle(None)
    for target, found, words in (
        (Filled("n", {5}), None, "is gone"),
        (Filled("n", {5}, may_be_absent=True, may_be_present=False), ready, "there again"),
        (Filled("n", {4}), ready, "has 5 rows"),
        (Filled("n", {5}), {**ready, "status": "failed"}, "ended failed"),
    ):
        with pytest.raises(Lost, match=words):
            target.settle(found)
