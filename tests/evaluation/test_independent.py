"""The calculation of scores itself: without a server, on texts whose scores are known or computed the slow way."""

from __future__ import annotations

import math
import random
from typing import Any

import pytest
from evaluation.independent import (
    BUILTINS,
    Lacking,
    distance,
    input_text,
    is_json,
    number_in,
    output_text,
    python,
    words,
)  # fmt: skip


def row(output: Any, expected: Any = None, **more: Any) -> dict[str, Any]:
    return {"input": "i", "output": output, "expected_output": expected, "metadata": {}, "metrics": {}, **more}


def by_table(left: str, right: str) -> int:
    """The textbook table, one row at a time."""
    line = list(range(len(right) + 1))
    for down, letter in enumerate(left, 1):
        before, line[0] = line[0], down
        for along, other in enumerate(right, 1):
            before, line[along] = line[along], min(before + (letter != other), line[along] + 1, line[along - 1] + 1)
    return line[-1]


def test_distances_equal_the_textbook() -> None:
    assert distance("kitten", "sitting") == 3 and distance("日本語", "日本") == 1 and distance("", "abc") == 3
    chance = random.Random(5)
    for alphabet in ("ab", "abcdefgh é日"):
        for _ in range(200):
            left, right = ("".join(chance.choices(alphabet, k=chance.randrange(90))) for _ in "lr")
            assert distance(left, right) == by_table(left, right), (left, right)


@pytest.mark.parametrize(
    ("name", "given", "parameters", "wanted"),
    [
        ("exact_match", row(" Paris\n", "paris"), {"ignore_case": True, "trim": True}, True),
        ("exact_match", row("Paris", "paris"), {}, False),
        ("exact_match", row("x"), {"value": "x"}, True),
        ("contains", row("A great answer"), {"values": ["GREAT", "bad"], "ignore_case": True}, True),
        ("contains", row("A great answer"), {"values": ["great", "bad"], "mode": "all"}, False),
        ("contains", row("abc", "b"), {}, True),
        ("regex", row("a1b"), {"pattern": "[0-9]"}, True),
        ("regex", row("a1b"), {"pattern": "[0-9]", "full_match": True}, False),
        ("json_valid", row({"a": [1]}), {}, True),
        ("json_schema", row('{"a": 1}'), {"schema": {"required": ["a"]}}, True),
        ("json_schema", row('{"a": 1'), {"schema": True}, False),
        ("similarity", row("flaw", "lawn"), {}, 0.5),
        ("similarity", row("", ""), {}, 1.0),
        ("token_f1", row("the cat sat", "The cat!"), {}, 0.8),
        ("token_f1", row("…", "!"), {}, 1.0),
        ("token_f1", row("a", "b"), {}, 0.0),
        ("numeric_tolerance", row("It is 1,234.5 in all", "1234"), {"extract": "last", "tolerance": 0.5}, True),
        ("numeric_tolerance", row("ten", "10"), {}, False),
        ("numeric_tolerance", row("110"), {"value": 100, "relative": 0.1}, True),
        ("latency", row("x", metrics={"latency": 2}), {"max_seconds": 2}, True),
        ("cost", row("x", metrics={"cost": 2}), {"max_usd": 1.9}, False),
    ],
)  # fmt: skip
def test_known_scores(name: str, given: dict[str, Any], parameters: dict[str, Any], wanted: Any) -> None:
    got = BUILTINS[name](given, **parameters)
    assert type(got) is type(wanted) and math.isclose(got, wanted, abs_tol=1e-12)


@pytest.mark.parametrize("name", ["exact_match", "similarity", "token_f1", "contains", "numeric_tolerance"])
def test_without_a_target_a_row_has_no_score(name: str) -> None:
    with pytest.raises(Lacking):
        BUILTINS[name](row("x"))


def test_texts_and_numbers() -> None:
    message = {"role": "assistant", "content": [{"type": "text", "text": "a"}, {"type": "image_url", "image_url": {}}]}
    assert (output_text(message), output_text({"a": [1]}), output_text(2.5)) == ("a\n[image]", '{"a":[1]}', "2.5")
    assert input_text([{"role": "system", "content": "s"}, {"role": "user", "content": "u"}]) == "u"
    assert words("Größe_2 ขนมไทย don't") == ["größe", "2", "ขนมไทย", "don", "t"]
    assert (number_in("1.5e3 ", "whole"), number_in("1,5", "whole"), number_in("on 2024-05-17", "last")) == (
        1500,
        None,
        -17,
    )
    assert [is_json(text) for text in ("1", " [1] ", "NaN", "{'a': 1}", "[1,]", "", "[" * 127 + "]" * 127, "[" * 128 + "]" * 128)] == [
        True, True, False, False, False, False, True, True,
    ]  # fmt: skip


def test_python_sources() -> None:
    rule = python(
        "def main(eval_inputs):\n    return {'score': len(eval_inputs['llm_output']) / eval_inputs['metadata']['by']}"
    )
    assert rule(row("abc", metadata={"by": 2})) == 1.5
    with pytest.raises(Lacking):
        rule(row("abc"))
